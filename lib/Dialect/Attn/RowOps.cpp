// Rows, order, randomness: shapes.
#include "attnc/Dialect/Attn/Attn.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace attnc::attn;

/// batch…, n… are the dimensions of the indices; rest… those of the source behind its row dimension.
LogicalResult GatherRowsOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, getLoc(), getIndices());
  for (int64_t dim : llvm::seq<int64_t>(getBatch() + 1, getSource().getType().getRank()))
    sizes.push_back(tensor::getMixedSize(b, getLoc(), getSource(), dim));
  shapes.push_back(std::move(sizes));
  return success();
}

LogicalResult ScatterRowsOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(tensor::getMixedSizes(b, getLoc(), getDestination()));
  return success();
}

LogicalResult TopKOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, getLoc(), getInput());
  if (getK())
    sizes.back() = getK();
  else
    sizes.back() = b.getIndexAttr(getValues().getType().getShape().back());
  shapes.append({sizes, sizes});
  return success();
}

LogicalResult SortOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, getLoc(), getInput());
  shapes.append({sizes, sizes});
  return success();
}

/// Static dimensions come from the type, dynamic ones from `sizes` in order.
LogicalResult RandomBitsOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  for (Value word : getWords()) {
    SmallVector<OpFoldResult> sizes;
    auto dynamic = getSizes().begin();
    for (int64_t size : cast<RankedTensorType>(word.getType()).getShape())
      sizes.push_back(ShapedType::isDynamic(size) ? OpFoldResult(*dynamic++) : b.getIndexAttr(size));
    shapes.push_back(std::move(sizes));
  }
  return success();
}

LogicalResult GatherRowsOp::verify() { return success(); }
LogicalResult ScatterRowsOp::verify() { return success(); }
LogicalResult TopKOp::verify() { return success(); }
LogicalResult SortOp::verify() { return success(); }
LogicalResult RandomBitsOp::verify() { return success(); }
