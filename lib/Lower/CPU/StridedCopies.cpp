// Copies from or to a part of a buffer become loops: upstream would call a function of MLIR's runtime library. Copies between
// whole buffers stay, they are memcpy.
#include "attnc/Lower/Cpu.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace attnc {
#define GEN_PASS_DEF_STRIDEDCOPIES
#include "attnc/LowerCpu/Passes.h.inc"
} // namespace attnc

using namespace mlir;

namespace {

/// Also behind casts: canonical forms look through them.
bool isWhole(Value buffer) {
  auto cast = buffer.getDefiningOp<memref::CastOp>();
  return llvm::cast<MemRefType>(buffer.getType()).getLayout().isIdentity() && (!cast || isWhole(cast.getSource()));
}

class StridedCopies : public attnc::impl::StridedCopiesBase<StridedCopies> {
public:
  void runOnOperation() override {
    getOperation()->walk([](memref::CopyOp copy) {
      if (isWhole(copy.getSource()) && isWhole(copy.getTarget()))
        return;
      OpBuilder b(copy);
      linalg::makeMemRefCopyOp(b, copy.getLoc(), copy.getSource(), copy.getTarget());
      copy.erase();
    });
  }
};

} // namespace
