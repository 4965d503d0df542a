// Finds sizes of what is computed in the regions of an op from what is known in front of it, by following shapes
// backwards: through destinations, elementwise ops, casts, what loops carry, branches, and the shapes that ops reify.
#include "attnc/Optimize/SizeBefore.h"

#include "attnc/Dialect/Loop/Loop.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"

using namespace mlir;
using namespace attnc;
using namespace attnc::loop;

namespace {

class SizeFinder {
public:
  SizeFinder(OpBuilder &b, Operation *around) : b(b), around(around), loc(around->getLoc()) {}

  FailureOr<OpFoldResult> size(Value tensor, int64_t dim);

private:
  bool isOutside(Value value) { return !around->isAncestor(value.getParentRegion()->getParentOp()); }
  Value sameShape(OpResult result);
  FailureOr<OpFoldResult> sizeOfArgument(BlockArgument argument, int64_t dim);
  FailureOr<OpFoldResult> index(OpFoldResult value);

  OpBuilder &b;
  Operation *around;
  Location loc;
};

/// A value that has the result's shape, if an op's kind tells one.
Value SizeFinder::sameShape(OpResult result) {
  Operation *op = result.getOwner();
  if (auto dps = dyn_cast<DestinationStyleOpInterface>(op))
    return dps.getTiedOpOperand(result)->get();
  if (auto cast = dyn_cast<tensor::CastOp>(op))
    return cast.getSource();
  if (auto inner = dyn_cast<scf::ForOp>(op))
    return inner.getInitArgs()[result.getResultNumber()];
  if (auto inner = dyn_cast<scf::WhileOp>(op))
    return inner.getConditionOp().getArgs()[result.getResultNumber()];
  if (isa<scf::IfOp, scf::IndexSwitchOp>(op)) // the results of all branches have one shape
    return op->getRegion(0).front().getTerminator()->getOperand(result.getResultNumber());
  if (OpTrait::hasElementwiseMappableTraits(op))
    for (Value operand : op->getOperands())
      if (isa<RankedTensorType>(operand.getType()))
        return operand;
  return Value();
}

FailureOr<OpFoldResult> SizeFinder::sizeOfArgument(BlockArgument argument, int64_t dim) {
  unsigned number = argument.getArgNumber();
  if (auto loop = dyn_cast<SegmentOp>(argument.getOwner()->getParentOp())) {
    unsigned numInputs = loop.getInputs().size();
    if (number > numInputs)
      return size(loop.getInits()[number - 1 - numInputs], dim);
    // The length of a block is not one number.
    if (dim == loop.getInputDims()[number - 1])
      return failure();
    return size(loop.getInputs()[number - 1], dim);
  }
  // An inner loop's carried value, as the loop got it.
  Operation *parent = argument.getOwner()->getParentOp();
  if (auto inner = dyn_cast<scf::ForOp>(parent))
    return size(inner.getTiedLoopInit(argument)->get(), dim);
  if (auto inner = dyn_cast<scf::WhileOp>(parent))
    return size(argument.getOwner() == inner.getBeforeBody() ? inner.getInits()[number] : inner.getConditionOp().getArgs()[number], dim);
  return failure();
}

FailureOr<OpFoldResult> SizeFinder::size(Value tensor, int64_t dim) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (!type.isDynamicDim(dim))
    return OpFoldResult(b.getIndexAttr(type.getDimSize(dim)));
  if (isOutside(tensor))
    return tensor::getMixedSize(b, loc, tensor, dim);
  if (auto argument = dyn_cast<BlockArgument>(tensor))
    return sizeOfArgument(argument, dim);
  auto result = cast<OpResult>(tensor);
  if (Value same = sameShape(result))
    return size(same, dim);
  auto reifies = dyn_cast<ReifyRankedShapedTypeOpInterface>(result.getOwner());
  ReifiedRankedShapedTypeDims shapes;
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(result.getOwner());
  if (!reifies || failed(reifies.reifyResultShapes(b, shapes)))
    return failure();
  OpFoldResult inside = shapes[result.getResultNumber()][dim];
  b.setInsertionPoint(around);
  return index(inside);
}

/// A number computed in the body, again before the loop: sizes of tensors, constants, and scalar ops on these.
FailureOr<OpFoldResult> SizeFinder::index(OpFoldResult number) {
  auto value = dyn_cast<Value>(number);
  if (!value || isOutside(value))
    return number;
  Operation *op = value.getDefiningOp();
  if (!op || op->getNumRegions() != 0 || !isPure(op))
    return failure();
  if (auto dim = dyn_cast<tensor::DimOp>(op)) {
    std::optional<int64_t> constant = dim.getConstantIndex();
    return constant ? size(dim.getSource(), *constant) : FailureOr<OpFoldResult>(failure());
  }
  IRMapping map;
  for (Value operand : op->getOperands()) {
    if (!operand.getType().isIntOrIndex())
      return failure();
    FailureOr<OpFoldResult> known = index(operand);
    if (failed(known))
      return failure();
    map.map(operand, getValueOrCreateConstantIndexOp(b, loc, *known));
  }
  return OpFoldResult(b.clone(*op, map)->getResult(cast<OpResult>(value).getResultNumber()));
}

} // namespace

FailureOr<OpFoldResult> attnc::sizeBefore(OpBuilder &b, Operation *op, Value value, int64_t dim) {
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(op);
  return SizeFinder(b, op).size(value, dim);
}
