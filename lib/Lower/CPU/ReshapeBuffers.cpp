// memref.expand_shape that splits a dimension into several dynamic ones → memref.reinterpret_cast.
//
// Upstream's lowering takes at most one dynamic size in a group for known (it divides), and crashes on [B * T] → [B, T]. The
// op itself says all sizes; buffers of entries are contiguous, so that strides are products of sizes.
#include "attnc/Lower/Cpu.h"

#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace attnc {
#define GEN_PASS_DEF_RESHAPEBUFFERS
#include "attnc/LowerCpu/Passes.h.inc"
} // namespace attnc

using namespace mlir;

namespace {

bool splitsIntoDynamic(memref::ExpandShapeOp op) {
  return llvm::any_of(op.getReassociationIndices(), [&](ArrayRef<int64_t> group) {
    return llvm::count_if(group, [&](int64_t dim) { return op.getResultType().isDynamicDim(dim); }) > 1;
  });
}

OpFoldResult product(OpBuilder &b, Location loc, OpFoldResult x, OpFoldResult y) {
  auto m = getConstantIntValue(x), n = getConstantIntValue(y);
  if (m && n)
    return b.getIndexAttr(*m * *n);
  return arith::MulIOp::create(b, loc, getValueOrCreateConstantIndexOp(b, loc, x), getValueOrCreateConstantIndexOp(b, loc, y)).getResult();
}

void rewrite(memref::ExpandShapeOp op) {
  OpBuilder b(op);
  SmallVector<OpFoldResult> sizes = op.getMixedOutputShape(), strides(sizes.size(), b.getIndexAttr(1));
  for (int64_t i = sizes.size() - 1; i > 0; --i)
    strides[i - 1] = product(b, op.getLoc(), strides[i], sizes[i]);
  MemRefType type = op.getResultType();
  auto known = llvm::map_to_vector(strides, [](OpFoldResult v) { return getConstantIntValue(v).value_or(ShapedType::kDynamic); });
  auto strided = MemRefType::get(type.getShape(), type.getElementType(), StridedLayoutAttr::get(b.getContext(), 0, known), type.getMemorySpace());
  Value cast = memref::ReinterpretCastOp::create(b, op.getLoc(), strided, op.getSrc(), OpFoldResult(b.getIndexAttr(0)), sizes, strides);
  op.getResult().replaceAllUsesWith(memref::CastOp::create(b, op.getLoc(), type, cast).getResult());
  op.erase();
}

class ReshapeBuffers : public attnc::impl::ReshapeBuffersBase<ReshapeBuffers> {
public:
  void runOnOperation() override {
    WalkResult done = getOperation()->walk([](memref::ExpandShapeOp op) {
      if (!splitsIntoDynamic(op))
        return WalkResult::advance();
      if (!op.getSrcType().getLayout().isIdentity() || !op.getResultType().getLayout().isIdentity())
        return WalkResult(op.emitOpError("expected a contiguous buffer where a dimension is split into several dynamic ones"));
      rewrite(op);
      return WalkResult::advance();
    });
    if (done.wasInterrupted())
      signalPassFailure();
  }
};

} // namespace
