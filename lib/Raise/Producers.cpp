#include "Producers.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace attnc::raise {

bool isElementwise(Operation *op) {
  auto structured = dyn_cast_or_null<linalg::LinalgOp>(op);
  return structured && structured.hasPureTensorSemantics() && structured.getNumParallelLoops() == structured.getNumLoops();
}

static bool isView(Operation *op) {
  return isa_and_nonnull<tensor::ConcatOp, tensor::ExtractSliceOp, tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::CastOp>(op);
}

llvm::SetVector<Value> getInputsOfType(Value result, size_t most) {
  llvm::SetVector<Value> seen, inputs;
  seen.insert(result);
  for (size_t at = 0; at < seen.size() && seen.size() < most; ++at) {
    Operation *op = seen[at].getDefiningOp();
    if (!isElementwise(op) && !isView(op))
      continue;
    auto dps = dyn_cast<DestinationStyleOpInterface>(op);
    for (OpOperand &operand : op->getOpOperands())
      if (!(dps && dps.isDpsInit(&operand)) && isa<RankedTensorType>(operand.get().getType()) && seen.insert(operand.get()) &&
          operand.get().getType() == result.getType())
        inputs.insert(operand.get());
  }
  return inputs;
}

} // namespace attnc::raise
