// The inner product block in registers: for each k a row of B in vectors, an element of A for each row, rows × vectors multiply-adds.
#include "MicroKernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace attnc::cpu {

Sums zeroSums(ImplicitLocOpBuilder &b, const BlockShape &shape) {
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(shape.vector));
  return Sums(shape.count(), zero);
}

/// One step of k.
static Sums addProduct(ImplicitLocOpBuilder &b, const BlockShape &shape, Value k, const Sums &sums, ReadLeft left, ReadRight right) {
  Sums columns, next;
  for (int64_t v = 0; v < shape.vectors; ++v)
    columns.push_back(right(v, k));
  for (int64_t row = 0; row < shape.rows; ++row) {
    Value element = vector::BroadcastOp::create(b, shape.vector, left(row, k));
    for (int64_t v = 0; v < shape.vectors; ++v)
      next.push_back(vector::FMAOp::create(b, element, columns[v], sums[next.size()]));
  }
  return next;
}

Sums addProducts(ImplicitLocOpBuilder &b, const BlockShape &shape, Value low, Value high, Sums sums, ReadLeft left, ReadRight right,
                 int64_t steps, BeginSteps begin) {
  auto forSteps = [&](Value from, Value to, int64_t steps, const Sums &carried, BeginSteps begin) {
    auto loop = scf::ForOp::create(b, from, to, arith::ConstantIndexOp::create(b, steps), carried);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value k = loop.getInductionVar();
    if (begin)
      begin(k);
    Sums next(loop.getRegionIterArgs());
    for (int64_t step = 0; step < steps; ++step)
      next = addProduct(b, shape, addOffset(b, k, step), next, left, right);
    scf::YieldOp::create(b, next);
    return Sums(loop.getResults());
  };
  if (steps == 1)
    return forSteps(low, high, 1, sums, begin);
  Value rest = b.createOrFold<arith::RemUIOp>(b.createOrFold<arith::SubIOp>(high, low), arith::ConstantIndexOp::create(b, steps));
  Value whole = b.createOrFold<arith::SubIOp>(high, rest);
  sums = forSteps(low, whole, steps, sums, begin);
  return getConstantIntValue(rest) == 0 ? sums : forSteps(whole, high, 1, sums, nullptr);
}

Value addOffset(ImplicitLocOpBuilder &b, Value from, int64_t by) {
  return by == 0 ? from : b.createOrFold<arith::AddIOp>(from, arith::ConstantIndexOp::create(b, by));
}

//===----------------------------------------------------------------------===//
// Elements of tensors and buffers
//===----------------------------------------------------------------------===//

static AffineMap lastDimension(ImplicitLocOpBuilder &b, Value shaped) {
  int64_t rank = cast<ShapedType>(shaped.getType()).getRank();
  return AffineMap::getMinorIdentityMap(rank, 1, b.getContext());
}

Value loadVector(ImplicitLocOpBuilder &b, int64_t lanes, Value source, ValueRange indices, Value mask) {
  Type element = cast<ShapedType>(source.getType()).getElementType();
  Value padding = arith::ConstantOp::create(b, b.getZeroAttr(element));
  auto map = AffineMapAttr::get(lastDimension(b, source));
  return vector::TransferReadOp::create(b, VectorType::get(lanes, element), source, indices, map, padding, mask, b.getBoolArrayAttr({true}));
}

Value storeVector(ImplicitLocOpBuilder &b, Value vector, Value target, ValueRange indices, Value mask) {
  auto map = AffineMapAttr::get(lastDimension(b, target));
  auto write = vector::TransferWriteOp::create(b, vector, target, indices, map, mask, b.getBoolArrayAttr({true}));
  return write->getNumResults() == 1 ? write->getResult(0) : Value();
}

Value loadScalar(ImplicitLocOpBuilder &b, Value source, ValueRange indices) {
  if (isa<TensorType>(source.getType()))
    return tensor::ExtractOp::create(b, source, indices);
  return memref::LoadOp::create(b, source, indices);
}

Value toElements(ImplicitLocOpBuilder &b, Value value, Type element) {
  Type from = getElementTypeOrSelf(value.getType());
  if (from == element)
    return value;
  Type type = element;
  if (auto vector = dyn_cast<VectorType>(value.getType()))
    type = vector.clone(element);
  if (from.getIntOrFloatBitWidth() < element.getIntOrFloatBitWidth())
    return arith::ExtFOp::create(b, type, value);
  return arith::TruncFOp::create(b, type, value);
}

} // namespace attnc::cpu
