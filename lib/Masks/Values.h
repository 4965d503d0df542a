// Scalar arithmetic that the analysis emits; folds what is constant. Private to the room.
#pragma once

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace attnc::masks {

/// Far from every position, and far from overflow.
inline constexpr int64_t kFar = int64_t(1) << 61;

class Values {
public:
  explicit Values(mlir::ImplicitLocOpBuilder &b) : b(b) {}

  using Value = mlir::Value;
  Value index(int64_t number) { return mlir::arith::ConstantIndexOp::create(b, number); }
  Value truth(bool value) { return mlir::arith::ConstantOp::create(b, b.getBoolAttr(value)); }
  Value add(Value x, Value y) { return b.createOrFold<mlir::arith::AddIOp>(x, y); }
  Value sub(Value x, Value y) { return b.createOrFold<mlir::arith::SubIOp>(x, y); }
  Value mul(Value x, Value y) { return b.createOrFold<mlir::arith::MulIOp>(x, y); }
  Value min(Value x, Value y) { return b.createOrFold<mlir::arith::MinSIOp>(x, y); }
  Value max(Value x, Value y) { return b.createOrFold<mlir::arith::MaxSIOp>(x, y); }
  Value both(Value x, Value y) { return !x ? y : !y ? x
                                                    : b.createOrFold<mlir::arith::AndIOp>(x, y); }
  Value either(Value x, Value y) { return b.createOrFold<mlir::arith::OrIOp>(x, y); }
  Value negate(Value x) { return b.createOrFold<mlir::arith::XOrIOp>(x, truth(true)); }
  Value less(Value x, Value y) { return b.createOrFold<mlir::arith::CmpIOp>(mlir::arith::CmpIPredicate::slt, x, y); }
  Value atMost(Value x, Value y) { return b.createOrFold<mlir::arith::CmpIOp>(mlir::arith::CmpIPredicate::sle, x, y); }
  Value select(Value c, Value x, Value y) { return b.createOrFold<mlir::arith::SelectOp>(c, x, y); }
  /// An integer of any type as index, i1 excepted.
  Value toIndex(Value x) { return x.getType().isIndex() ? x : b.createOrFold<mlir::arith::IndexCastOp>(b.getIndexType(), x); }
  /// A number so large that arithmetic on it could overflow means the same as kFar.
  Value clampFar(Value x) { return max(min(x, index(kFar)), index(-kFar)); }

private:
  mlir::ImplicitLocOpBuilder &b;
};

} // namespace attnc::masks
