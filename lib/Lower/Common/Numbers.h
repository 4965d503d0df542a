// Arithmetic on SSA values written as formulas: y = (x - mean) * rstd. Private to the room.
#pragma once

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace attnc::lower {

/// A scalar (index, signed integer, i1 or float) under construction: the operators build arith and
/// math ops where the builder stands. Both sides have the same type; a literal takes it.
class Num {
public:
  Num(mlir::ImplicitLocOpBuilder &b, mlir::Value value) : b(&b), value(value) {}
  Num(mlir::ImplicitLocOpBuilder &b, mlir::OpFoldResult value);
  static Num index(mlir::ImplicitLocOpBuilder &b, int64_t value);
  /// The number as a constant of the type (float, integer or index).
  static Num constant(mlir::ImplicitLocOpBuilder &b, mlir::Type type, double value);

  operator mlir::Value() const { return value; }
  operator mlir::OpFoldResult() const { return value; }
  mlir::Value getValue() const { return value; }
  mlir::Type getType() const { return value.getType(); }
  mlir::ImplicitLocOpBuilder &getBuilder() const { return *b; }
  /// A constant of this number's type.
  Num literal(double value) const { return constant(*b, getType(), value); }

  /// A float in another float type.
  Num toFloat(mlir::Type type) const;
  /// An integer of any width (signed), or an index, as an index or another integer type.
  Num toInteger(mlir::Type type) const;
  Num toIndex() const;
  /// An integer or index as the nearest float.
  Num integerToFloat(mlir::Type type) const;

private:
  mlir::ImplicitLocOpBuilder *b;
  mlir::Value value;
};

Num operator+(Num x, Num y);
Num operator-(Num x, Num y);
Num operator*(Num x, Num y);
/// Floats, or signed integers rounded towards zero.
Num operator/(Num x, Num y);
Num operator%(Num x, Num y);
Num operator&(Num x, Num y);
Num operator|(Num x, Num y);
/// x mod n of integers without sign: below n whatever x is.
Num unsignedRemainder(Num x, Num n);
/// Comparisons give i1; with NaN all but != are false.
Num operator<(Num x, Num y);
Num operator<=(Num x, Num y);
Num operator>(Num x, Num y);
Num operator>=(Num x, Num y);
Num operator==(Num x, Num y);
Num operator!=(Num x, Num y);
/// 0 ≤ x < n for integers, n ≥ 0.
Num isWithin(Num x, Num n);

inline Num operator+(Num x, double y) { return x + x.literal(y); }
inline Num operator-(Num x, double y) { return x - x.literal(y); }
inline Num operator*(Num x, double y) { return x * x.literal(y); }
inline Num operator/(Num x, double y) { return x / x.literal(y); }
inline Num operator<(Num x, double y) { return x < x.literal(y); }
inline Num operator>(Num x, double y) { return x > x.literal(y); }
inline Num operator>=(Num x, double y) { return x >= x.literal(y); }
inline Num operator==(Num x, double y) { return x == x.literal(y); }
inline Num operator!=(Num x, double y) { return x != x.literal(y); }
inline Num operator-(double x, Num y) { return y.literal(x) - y; }
inline Num operator/(double x, Num y) { return y.literal(x) / y; }

Num select(Num condition, Num yes, Num no);
/// The larger and the smaller: integers, and floats of which y is not NaN (NaN in x gives y).
Num max(Num x, Num y);
Num min(Num x, Num y);
Num exp(Num x);
Num log(Num x);
Num sqrt(Num x);
Num sin(Num x);
Num cos(Num x);

} // namespace attnc::lower
