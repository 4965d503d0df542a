// Arithmetic on SSA values written as formulas, on scalars and vectors, with access to the bits of
// floats. Private to the room.
#pragma once

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/TypeUtilities.h"

namespace attnc::elementary {

/// A float, integer or boolean, or a vector of them, under construction: the operators build arith
/// and math ops where the builder stands. Both sides have the same type; a literal takes it.
class Num {
public:
  Num(mlir::ImplicitLocOpBuilder &b, mlir::Value value) : b(&b), value(value) {}

  operator mlir::Value() const { return value; }
  mlir::ImplicitLocOpBuilder &getBuilder() const { return *b; }
  mlir::Type getType() const { return value.getType(); }
  mlir::Type getElementType() const { return mlir::getElementTypeOrSelf(value); }
  unsigned getWidth() const { return getElementType().getIntOrFloatBitWidth(); }
  bool isF64() const { return getElementType().isF64(); }
  /// This shape with another element.
  mlir::Type getTypeOf(mlir::Type element) const;

  /// A constant of this type.
  Num literal(double number) const;
  Num integer(int64_t number) const;
  /// The one that suits f32 or f64.
  double choose(double f32, double f64) const { return isF64() ? f64 : f32; }

  /// A float in another type, rounded once.
  Num toFloat(mlir::Type element) const;
  /// The bits of a float as an integer, and back.
  Num bits() const;
  Num asFloat() const;
  /// An integer's low bits.
  Num truncate(unsigned width) const;
  /// An index or signed integer as the nearest float of the type.
  Num toFloatFrom(mlir::Type element) const;

private:
  mlir::ImplicitLocOpBuilder *b;
  mlir::Value value;
};

Num operator+(Num x, Num y);
Num operator-(Num x, Num y);
Num operator*(Num x, Num y);
Num operator/(Num x, Num y);
Num operator-(Num x);
Num operator&(Num x, Num y);
Num operator|(Num x, Num y);
Num operator^(Num x, Num y);
Num operator<<(Num x, int64_t count);
/// Shifts in copies of the sign.
Num operator>>(Num x, int64_t count);
/// Comparisons; with NaN all but != are false. Integers are signed.
Num operator<(Num x, Num y);
Num operator<=(Num x, Num y);
Num operator>(Num x, Num y);
Num operator==(Num x, Num y);
Num operator!=(Num x, Num y);

inline Num operator+(Num x, double y) { return x + x.literal(y); }
inline Num operator-(Num x, double y) { return x - x.literal(y); }
inline Num operator*(Num x, double y) { return x * x.literal(y); }
inline Num operator<(Num x, double y) { return x < x.literal(y); }
inline Num operator<=(Num x, double y) { return x <= x.literal(y); }
inline Num operator>(Num x, double y) { return x > x.literal(y); }
inline Num operator==(Num x, double y) { return x == x.literal(y); }
inline Num operator!=(Num x, double y) { return x != x.literal(y); }
inline Num operator<=(double x, Num y) { return y.literal(x) <= y; }
inline Num operator-(double x, Num y) { return y.literal(x) - y; }
inline Num operator/(double x, Num y) { return y.literal(x) / y; }

Num select(Num condition, Num yes, Num no);
inline Num select(Num condition, Num yes, double no) {
  return select(condition, yes, yes.literal(no));
}
inline Num select(Num condition, double yes, Num no) {
  return select(condition, no.literal(yes), no);
}
/// x·y + z rounded once.
Num fma(Num x, Num y, Num z);
inline Num fma(Num x, double y, Num z) { return fma(x, x.literal(y), z); }
inline Num fma(Num x, Num y, double z) { return fma(x, y, x.literal(z)); }
Num abs(Num x);
Num copySign(Num magnitude, Num sign);
Num sqrt(Num x);
Num floor(Num x);
/// Rounded towards zero.
Num truncate(Num x);
/// The larger and the smaller; NaN where one is NaN.
Num max(Num x, Num y);
Num min(Num x, Num y);
/// NaN stays NaN.
Num clamp(Num x, double low, double high);

} // namespace attnc::elementary
