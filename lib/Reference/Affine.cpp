// affine: index arithmetic, as tiled code contains it.
#include "Internal.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"

using namespace mlir;

namespace attnc::reference {

/// The results of a map whose dimensions and symbols are the operands.
static FailureOr<SmallVector<int64_t>> valuesOf(Operation *op, AffineMap map, ValueRange operands,
                                                Frame &frame) {
  Builder builder(op->getContext());
  SmallVector<Attribute> inputs, results;
  for (mlir::Value operand : operands)
    inputs.push_back(builder.getIndexAttr(frame.integer(operand)));
  if (failed(map.constantFold(inputs, results)))
    return frame.error(op, "expected divisors other than 0");
  return llvm::map_to_vector(results,
                             [](Attribute result) { return cast<IntegerAttr>(result).getInt(); });
}

template <class Op> static LogicalResult evaluateExtremum(Op op, Frame &frame) {
  auto values = valuesOf(op, op.getMap(), op.getOperands(), frame);
  if (failed(values))
    return failure();
  bool isMin = isa<affine::AffineMinOp>(op);
  frame.set(op.getResult(), Value::integer(op.getType(), isMin ? *llvm::min_element(*values)
                                                               : *llvm::max_element(*values)));
  return success();
}

static LogicalResult evaluateApply(affine::AffineApplyOp op, Frame &frame) {
  auto values = valuesOf(op, op.getMap(), op.getOperands(), frame);
  if (failed(values))
    return failure();
  frame.set(op, Value::integer(op.getType(), values->front()));
  return success();
}

void addAffine(Handlers &handlers) {
  handlers.add<affine::AffineApplyOp>(evaluateApply);
  handlers.add<affine::AffineMinOp>(evaluateExtremum<affine::AffineMinOp>);
  handlers.add<affine::AffineMaxOp>(evaluateExtremum<affine::AffineMaxOp>);
}

} // namespace attnc::reference
