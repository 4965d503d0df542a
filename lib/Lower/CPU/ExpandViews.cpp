// Views that split a dimension become casts with explicit sizes and strides: upstream's way, through strided metadata,
// knows one dynamic size a dimension that is split, and [B · T] -> [B, T] has two.
#include "attnc/Lower/Cpu.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace attnc {
#define GEN_PASS_DEF_EXPANDVIEWS
#include "attnc/LowerCpu/Passes.h.inc"
} // namespace attnc

using namespace mlir;

namespace {

class ExpandViews : public attnc::impl::ExpandViewsBase<ExpandViews> {
public:
  void runOnOperation() override {
    getOperation().walk([](memref::ExpandShapeOp view) {
      if (view.getSrcType().getLayout().isIdentity())
        expand(view);
    });
  }

private:
  /// A row-major buffer of the view's sizes on the same memory.
  static void expand(memref::ExpandShapeOp view) {
    OpBuilder b(view);
    Location loc = view.getLoc();
    SmallVector<OpFoldResult> sizes = view.getMixedOutputShape(), strides(sizes.size());
    OpFoldResult stride = b.getIndexAttr(1);
    for (int64_t dim : llvm::reverse(llvm::seq<int64_t>(sizes.size()))) {
      strides[dim] = stride;
      std::optional<int64_t> size = getConstantIntValue(sizes[dim]), inner = getConstantIntValue(stride);
      if (size && inner)
        stride = b.getIndexAttr(*size * *inner);
      else
        stride = arith::MulIOp::create(b, loc, getValueOrCreateConstantIndexOp(b, loc, sizes[dim]),
                                       getValueOrCreateConstantIndexOp(b, loc, stride))
                     .getResult();
    }
    Value cast = memref::ReinterpretCastOp::create(b, loc, view.getResultType(), view.getSrc(), b.getIndexAttr(0), sizes, strides);
    view.replaceAllUsesWith(cast);
    view.erase();
  }
};

} // namespace
