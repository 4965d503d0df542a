// Normalisation, rotary embedding and rings: shapes.
#include "attnc/Dialect/Attn/Attn.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace attnc::attn;

/// One result, shaped as an operand.
static LogicalResult reifyLike(OpBuilder &b, Location loc, Value like, ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(tensor::getMixedSizes(b, loc, like));
  return success();
}

LogicalResult LayerNormOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  return reifyLike(b, getLoc(), getInput(), shapes);
}

LogicalResult RmsNormOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  return reifyLike(b, getLoc(), getInput(), shapes);
}

LogicalResult RotaryOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  return reifyLike(b, getLoc(), getInput(), shapes);
}

LogicalResult RingAppendOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  return reifyLike(b, getLoc(), getRing(), shapes);
}

LogicalResult LayerNormOp::verify() { return success(); }
LogicalResult RmsNormOp::verify() { return success(); }
LogicalResult RotaryOp::verify() { return success(); }
LogicalResult RingAppendOp::verify() { return success(); }
