// The scan family: shapes.
#include "attnc/Dialect/Attn/Attn.h"

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

LogicalResult SelectiveScanOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  return reifyScan(b, getLoc(), getInput(), getState(), shapes);
}

LogicalResult LinearScanOp::verify() { return success(); }
LogicalResult DeltaScanOp::verify() { return success(); }
LogicalResult SelectiveScanOp::verify() { return success(); }
