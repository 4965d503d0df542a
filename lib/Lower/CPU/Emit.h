// Arithmetic on scalars and vectors under construction; folds what is constant. Private to the room.
#pragma once

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace attnc::cpu {

class Emit {
public:
  using Value = mlir::Value;
  using Type = mlir::Type;

  explicit Emit(mlir::ImplicitLocOpBuilder &b) : b(b) {}

  // Constants.
  Value index(int64_t number) { return mlir::arith::ConstantIndexOp::create(b, number); }
  Value truth(bool value) { return mlir::arith::ConstantOp::create(b, b.getBoolAttr(value)); }
  /// A float or integer, or a vector of them.
  Value number(Type type, double value) {
    Type element = mlir::getElementTypeOrSelf(type);
    mlir::TypedAttr attr = mlir::isa<mlir::FloatType>(element) ? mlir::TypedAttr(b.getFloatAttr(element, value))
                                                               : b.getIntegerAttr(element, static_cast<int64_t>(value));
    if (auto vector = mlir::dyn_cast<mlir::VectorType>(type))
      attr = mlir::DenseElementsAttr::get(vector, mlir::Attribute(attr));
    return mlir::arith::ConstantOp::create(b, attr);
  }

  // Integers.
  Value add(Value x, Value y) { return b.createOrFold<mlir::arith::AddIOp>(x, y); }
  Value sub(Value x, Value y) { return b.createOrFold<mlir::arith::SubIOp>(x, y); }
  Value mul(Value x, Value y) { return b.createOrFold<mlir::arith::MulIOp>(x, y); }
  Value mul(Value x, int64_t y) { return mul(x, index(y)); }
  Value div(Value x, Value y) { return b.createOrFold<mlir::arith::DivUIOp>(x, y); }
  Value div(Value x, int64_t y) { return div(x, index(y)); }
  Value ceilDiv(Value x, int64_t y) { return div(add(x, index(y - 1)), y); }
  Value rem(Value x, Value y) { return b.createOrFold<mlir::arith::RemUIOp>(x, y); }
  Value min(Value x, Value y) { return b.createOrFold<mlir::arith::MinSIOp>(x, y); }
  Value max(Value x, Value y) { return b.createOrFold<mlir::arith::MaxSIOp>(x, y); }
  Value clamp(Value x, Value low, Value high) { return min(max(x, low), high); }
  Value both(Value x, Value y) { return !x ? y : !y ? x
                                                    : b.createOrFold<mlir::arith::AndIOp>(x, y); }
  using I = mlir::arith::CmpIPredicate;
  Value compare(I how, Value x, Value y) { return b.createOrFold<mlir::arith::CmpIOp>(how, x, y); }
  Value less(Value x, Value y) { return compare(I::slt, x, y); }
  Value atMost(Value x, Value y) { return compare(I::sle, x, y); }
  /// Any integers as others, signed.
  Value toInteger(Value x, Type type) {
    Type from = mlir::getElementTypeOrSelf(x), to = mlir::getElementTypeOrSelf(type);
    if (from == to)
      return x;
    if (from.isIndex() || to.isIndex())
      return b.createOrFold<mlir::arith::IndexCastOp>(type, x);
    if (from.getIntOrFloatBitWidth() < to.getIntOrFloatBitWidth())
      return b.createOrFold<mlir::arith::ExtSIOp>(type, x);
    return b.createOrFold<mlir::arith::TruncIOp>(type, x);
  }
  Value toIndex(Value x) { return toInteger(x, b.getIndexType()); }

  // Floats.
  Value addf(Value x, Value y) { return mlir::arith::AddFOp::create(b, x, y); }
  Value subf(Value x, Value y) { return mlir::arith::SubFOp::create(b, x, y); }
  Value mulf(Value x, Value y) { return mlir::arith::MulFOp::create(b, x, y); }
  Value divf(Value x, Value y) { return mlir::arith::DivFOp::create(b, x, y); }
  Value fma(Value x, Value y, Value z) { return mlir::math::FmaOp::create(b, x, y, z); }
  Value exp(Value x) { return mlir::math::ExpOp::create(b, x); }
  /// Of weights, the largest of which is 1: below 2^-100 they are 0. Products with them would often be subnormal, which
  /// costs a hundred times a product, and are lost in the sum.
  Value expOfWeight(Value x) { return mlir::math::ExpOp::create(b, x, mlir::arith::FastMathFlags::afn); }
  Value log(Value x) { return mlir::math::LogOp::create(b, x); }
  using F = mlir::arith::CmpFPredicate;
  Value compare(F how, Value x, Value y) { return mlir::arith::CmpFOp::create(b, how, x, y); }
  /// The larger; `x` may be NaN, and is left out then.
  Value larger(Value x, Value y) { return select(compare(F::OGT, x, y), x, y); }
  /// A largest score to subtract: 0 where there is none.
  Value orZero(Value largest) {
    Type type = largest.getType();
    return select(compare(F::OEQ, largest, number(type, -kInfinity)), number(type, 0), largest);
  }

  // Both.
  Value select(Value condition, Value x, Value y) { return b.createOrFold<mlir::arith::SelectOp>(condition, x, y); }
  Value broadcast(Type vector, Value x) { return b.createOrFold<mlir::vector::BroadcastOp>(vector, x); }

  // Control. The bodies build where the builder stands; what they return is carried.
  using Body = llvm::function_ref<llvm::SmallVector<Value>(Value i, mlir::ValueRange carried)>;
  llvm::SmallVector<Value> loop(Value low, Value high, int64_t step, mlir::ValueRange carried, Body body) {
    auto op = mlir::scf::ForOp::create(b, low, high, index(step), carried);
    mlir::OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(op.getBody());
    llvm::SmallVector<Value> next = body(op.getInductionVar(), op.getRegionIterArgs());
    if (!carried.empty())
      mlir::scf::YieldOp::create(b, next);
    return op.getResults();
  }
  void loop(Value low, Value high, int64_t step, llvm::function_ref<void(Value i)> body) {
    loop(low, high, step, mlir::ValueRange(), [&](Value i, mlir::ValueRange) {
      body(i);
      return llvm::SmallVector<Value>();
    });
  }
  void when(Value condition, llvm::function_ref<void()> yes, llvm::function_ref<void()> no = nullptr) {
    auto op = mlir::scf::IfOp::create(b, mlir::TypeRange(), condition, /*addThenBlock=*/true, /*addElseBlock=*/static_cast<bool>(no));
    mlir::OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(op.thenBlock());
    yes();
    mlir::scf::YieldOp::create(b);
    if (!no)
      return;
    b.setInsertionPointToStart(op.elseBlock());
    no();
    mlir::scf::YieldOp::create(b);
  }

  static constexpr double kInfinity = __builtin_inf();

private:
  mlir::ImplicitLocOpBuilder &b;
};

} // namespace attnc::cpu
