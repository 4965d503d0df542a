// The scan family: shapes and constraints.
#include "Verify.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace attnc::attn;

static LogicalResult reifyScan(OpBuilder &b, Location loc, Value outputsLike, Value state,
                               ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(tensor::getMixedSizes(b, loc, outputsLike));
  shapes.push_back(tensor::getMixedSizes(b, loc, state));
  return success();
}

LogicalResult LinearScanOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  return reifyScan(b, getLoc(), getValues(), getState(), shapes);
}

LogicalResult DeltaScanOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  return reifyScan(b, getLoc(), getValues(), getState(), shapes);
}

LogicalResult SelectiveScanOp::reifyResultShapes(OpBuilder &b,
                                                 ReifiedRankedShapedTypeDims &shapes) {
  return reifyScan(b, getLoc(), getInput(), getState(), shapes);
}

/// scan_c1: all operands are floats. scan_c2: ranks and extents are those of the description.
static LogicalResult verifyOperand(NamedExtents &extents, Operation *op, StringRef name,
                                   Value operand, StringRef dims) {
  if (!operand)
    return success();
  return failure(failed(verifyFloats(op, name, operand.getType())) ||
                 failed(extents.verify(name, operand.getType(), dims)));
}

/// scan_c3: outputs are typed like the values (the input), the last state like the first.
static LogicalResult verifyResult(Operation *op, StringRef name, Value result,
                                  StringRef operandName, Value operand) {
  if (result.getType() == operand.getType())
    return success();
  return op->emitOpError("expected ") << name << " of the type of " << operandName << " ("
                                      << operand.getType() << "), found " << result.getType();
}

template <typename Scan> static LogicalResult verifyScan(Scan op, NamedExtents &extents) {
  return failure(failed(verifyOperand(extents, op, "queries", op.getQueries(), "BTHK")) ||
                 failed(verifyOperand(extents, op, "keys", op.getKeys(), "BTHK")) ||
                 failed(verifyOperand(extents, op, "values", op.getValues(), "BTHV")) ||
                 failed(verifyOperand(extents, op, "state", op.getState(), "BHKV")) ||
                 failed(verifyResult(op, "outputs", op.getOutputs(), "values", op.getValues())) ||
                 failed(verifyResult(op, "last", op.getLast(), "state", op.getState())));
}

LogicalResult LinearScanOp::verify() {
  NamedExtents extents(*this);
  if (failed(verifyScan(*this, extents)))
    return failure();
  if (!getDecay())
    return success();
  // linear_scan_c1: decay is per head, per step and head, or per step, head and key dimension.
  switch (getDecay().getType().getRank()) {
  case 1:
    return verifyOperand(extents, *this, "decay", getDecay(), "H");
  case 3:
    return verifyOperand(extents, *this, "decay", getDecay(), "BTH");
  case 4:
    return verifyOperand(extents, *this, "decay", getDecay(), "BTHK");
  default:
    return emitOpError("expected decay of rank 1, 3 or 4, found ")
           << getDecay().getType().getRank();
  }
}

LogicalResult DeltaScanOp::verify() {
  NamedExtents extents(*this);
  return failure(failed(verifyScan(*this, extents)) ||
                 failed(verifyOperand(extents, *this, "beta", getBeta(), "BTH")) ||
                 failed(verifyOperand(extents, *this, "decay", getDecay(), "BTH")));
}

LogicalResult SelectiveScanOp::verify() {
  NamedExtents extents(*this);
  return failure(failed(verifyOperand(extents, *this, "input", getInput(), "BTD")) ||
                 failed(verifyOperand(extents, *this, "delta", getDelta(), "BTD")) ||
                 failed(verifyOperand(extents, *this, "a", getA(), "DN")) ||
                 failed(verifyOperand(extents, *this, "b", getB(), "BTN")) ||
                 failed(verifyOperand(extents, *this, "c", getC(), "BTN")) ||
                 failed(verifyOperand(extents, *this, "state", getState(), "BDN")) ||
                 failed(verifyResult(*this, "outputs", getOutputs(), "input", getInput())) ||
                 failed(verifyResult(*this, "last", getLast(), "state", getState())));
}
