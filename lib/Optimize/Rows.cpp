// Elementwise ops and reductions over rows, as linalg.generic.
#include "Rows.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace attnc::rows {

Value empty(OpBuilder &b, Location loc, Value like, Type element) {
  return tensor::EmptyOp::create(b, loc, tensor::getMixedSizes(b, loc, like), element);
}

Value number(OpBuilder &b, Location loc, Type type, double value) {
  if (isa<FloatType>(type))
    return arith::ConstantOp::create(b, loc, b.getFloatAttr(type, value));
  return arith::ConstantOp::create(b, loc, b.getIntegerAttr(type, int64_t(value)));
}

Value fill(OpBuilder &b, Location loc, Value like, Type element, double value) {
  Value scalar = number(b, loc, element, value);
  return linalg::FillOp::create(b, loc, scalar, empty(b, loc, like, element)).getResult(0);
}

FloatType computeType(Type element) {
  return element.isF64() ? cast<FloatType>(element) : Float32Type::get(element.getContext());
}

Value convert(OpBuilder &b, Location loc, Value value, Type type) {
  unsigned from = value.getType().getIntOrFloatBitWidth(), to = type.getIntOrFloatBitWidth();
  if (from < to)
    return arith::ExtFOp::create(b, loc, type, value);
  return from > to ? Value(arith::TruncFOp::create(b, loc, type, value)) : value;
}

static unsigned rankOf(Value value) { return cast<RankedTensorType>(value.getType()).getRank(); }

/// A linalg.generic over `rank` dimensions, of which the first `parallel` are; an operand of rank r is indexed by the first r.
static SmallVector<Value> generic(OpBuilder &b, Location loc, unsigned rank, unsigned parallel, ValueRange inputs,
                                  ValueRange destinations, Element element) {
  SmallVector<AffineExpr> dims = llvm::map_to_vector(llvm::seq(rank), [&](unsigned i) { return b.getAffineDimExpr(i); });
  SmallVector<AffineMap> maps;
  for (ValueRange operands : {inputs, destinations})
    for (Value operand : operands)
      maps.push_back(AffineMap::get(rank, 0, ArrayRef(dims).take_front(rankOf(operand)), b.getContext()));
  SmallVector<utils::IteratorType> iterators(rank, utils::IteratorType::reduction);
  std::fill_n(iterators.begin(), parallel, utils::IteratorType::parallel);
  auto op = linalg::GenericOp::create(b, loc, destinations.getTypes(), inputs, destinations, maps, iterators,
                                      [&](OpBuilder &inner, Location at, ValueRange arguments) {
                                        linalg::YieldOp::create(inner, at, element(inner, at, arguments));
                                      });
  return SmallVector<Value>(op.getResults());
}

SmallVector<Value> map(OpBuilder &b, Location loc, ValueRange inputs, ValueRange destinations, Element element) {
  unsigned rank = rankOf(destinations.front());
  return generic(b, loc, rank, rank, inputs, destinations, element);
}

SmallVector<Value> reduce(OpBuilder &b, Location loc, ValueRange inputs, ValueRange destinations, Element element) {
  return generic(b, loc, rankOf(inputs.front()), rankOf(destinations.front()), inputs, destinations, element);
}

Value relativeChange(OpBuilder &b, Location loc, Value rows, Value before, Value after, double delta) {
  Type compute = computeType(cast<RankedTensorType>(after.getType()).getElementType()), f32 = b.getF32Type();
  Value zero = fill(b, loc, rows, compute, 0);
  // Σ (after - before)² and Σ after², in one pass
  auto squares = reduce(b, loc, {after, before}, {zero, zero}, [&](OpBuilder &b, Location loc, ValueRange v) -> SmallVector<Value> {
    Value now = convert(b, loc, v[0], compute);
    Value change = arith::SubFOp::create(b, loc, now, convert(b, loc, v[1], compute));
    return {arith::AddFOp::create(b, loc, v[2], arith::MulFOp::create(b, loc, change, change)),
            arith::AddFOp::create(b, loc, v[3], arith::MulFOp::create(b, loc, now, now))};
  });
  return map(b, loc, squares, empty(b, loc, rows, f32), [&](OpBuilder &b, Location loc, ValueRange v) -> SmallVector<Value> {
    Value size = math::SqrtOp::create(b, loc, v[1]);
    if (delta != 0)
      size = arith::AddFOp::create(b, loc, size, number(b, loc, compute, delta));
    Value ratio = arith::DivFOp::create(b, loc, math::SqrtOp::create(b, loc, v[0]), size);
    return {convert(b, loc, ratio, f32)};
  })[0];
}

} // namespace attnc::rows
