// memref.expand_shape into several sizes that are known at run time only.
//
// The upstream pass that turns views into pointers and strides (expand-strided-metadata) takes one such size a group.
// Here: a group of the source with stride s becomes dimensions whose strides are s times the product of the sizes behind.
#include "attnc/Lower/Cpu.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace attnc {
#define GEN_PASS_DEF_EXPANDSHAPES
#include "attnc/LowerCpu/Passes.h.inc"
} // namespace attnc

using namespace mlir;

namespace {

bool hasSeveralDynamicSizes(memref::ExpandShapeOp op) {
  return llvm::any_of(op.getReassociationIndices(), [&](ArrayRef<int64_t> group) {
    return llvm::count_if(group, [&](int64_t d) { return op.getResultType().isDynamicDim(d); }) > 1;
  });
}

OpFoldResult multiply(ImplicitLocOpBuilder &b, OpFoldResult x, OpFoldResult y) {
  return affine::makeComposedFoldedAffineApply(b, b.getLoc(), b.getAffineSymbolExpr(0) * b.getAffineSymbolExpr(1), {x, y});
}

/// A value where the type says nothing, the number of the type where it does.
OpFoldResult known(Builder &b, int64_t number, OpFoldResult value) { return ShapedType::isDynamic(number) ? value : b.getIndexAttr(number); }

void expand(memref::ExpandShapeOp op) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  auto source = memref::ExtractStridedMetadataOp::create(b, op.getSrc());
  SmallVector<OpFoldResult> sizes = op.getMixedOutputShape(), strides(sizes.size());
  for (auto [i, group] : llvm::enumerate(op.getReassociationIndices())) {
    OpFoldResult stride = source.getConstifiedMixedStrides()[i];
    for (int64_t d : llvm::reverse(group)) {
      strides[d] = stride;
      stride = multiply(b, stride, sizes[d]);
    }
  }
  auto [typeStrides, typeOffset] = op.getResultType().getStridesAndOffset();
  for (auto [stride, number] : llvm::zip_equal(strides, typeStrides))
    stride = known(b, number, stride);
  OpFoldResult offset = known(b, typeOffset, source.getConstifiedMixedOffset());
  op.replaceAllUsesWith(memref::ReinterpretCastOp::create(b, op.getResultType(), source.getBaseBuffer(), offset, sizes, strides).getResult());
  op.erase();
}

class ExpandShapes : public attnc::impl::ExpandShapesBase<ExpandShapes> {
public:
  void runOnOperation() override {
    SmallVector<memref::ExpandShapeOp> ops;
    getOperation()->walk([&](memref::ExpandShapeOp op) {
      if (hasSeveralDynamicSizes(op))
        ops.push_back(op);
    });
    for (memref::ExpandShapeOp op : ops)
      expand(op);
  }
};

} // namespace
