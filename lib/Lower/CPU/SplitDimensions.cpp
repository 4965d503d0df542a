// memref.expand_shape that splits one dimension into several dynamic ones becomes memref.reinterpret_cast: upstream's
// expansion of strided metadata takes one dynamic dimension of a group at most (it would have to invent the size).
//   memref<?x32> [[0, 1], [2]] output_shape [%t, %b, 32]  →  sizes [%t, %b, 32], strides [%b · 32, 32, 1]
#include "attnc/Lower/Cpu.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

namespace attnc {
#define GEN_PASS_DEF_SPLITDIMENSIONS
#include "attnc/LowerCpu/Passes.h.inc"
} // namespace attnc

using namespace mlir;

namespace {

bool splitsDynamically(memref::ExpandShapeOp op) {
  ArrayRef<int64_t> shape = op.getResultType().getShape();
  return llvm::any_of(op.getReassociationIndices(), [&](ArrayRef<int64_t> group) {
    return llvm::count_if(group, [&](int64_t dim) { return ShapedType::isDynamic(shape[dim]); }) > 1;
  });
}

OpFoldResult multiply(OpBuilder &b, Location loc, OpFoldResult x, OpFoldResult y) {
  std::optional<int64_t> first = getConstantIntValue(x), second = getConstantIntValue(y);
  if (first && second)
    return b.getIndexAttr(*first * *second);
  return arith::MulIOp::create(b, loc, getValueOrCreateConstantIndexOp(b, loc, x), getValueOrCreateConstantIndexOp(b, loc, y)).getResult();
}

/// Inside a group the last dimension has the source's stride, each other one the size times stride of the next.
void split(memref::ExpandShapeOp op) {
  OpBuilder b(op);
  Location loc = op.getLoc();
  auto source = memref::ExtractStridedMetadataOp::create(b, loc, op.getSrc());
  SmallVector<OpFoldResult> sourceStrides = source.getConstifiedMixedStrides();
  SmallVector<OpFoldResult> sizes = op.getMixedOutputShape(), strides(sizes.size());
  for (auto [stride, group] : llvm::zip_equal(sourceStrides, op.getReassociationIndices()))
    for (OpFoldResult current = stride; int64_t dim : llvm::reverse(group)) {
      strides[dim] = current;
      current = multiply(b, loc, current, sizes[dim]);
    }
  auto view = memref::ReinterpretCastOp::create(b, loc, op.getResultType(), source.getBaseBuffer(), source.getConstifiedMixedOffset(), sizes, strides);
  op.replaceAllUsesWith(view.getResult());
  op.erase();
}

class SplitDimensions : public attnc::impl::SplitDimensionsBase<SplitDimensions> {
public:
  void runOnOperation() override {
    getOperation().walk([](memref::ExpandShapeOp op) {
      if (splitsDynamically(op))
        split(op);
    });
  }
};

} // namespace
