// Copies between slices are loops. Upstream's lowering of memref.copy calls a library function (memrefCopy) for what is
// not contiguous, and packages have no library.
#include "attnc/Lower/Cpu.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace attnc {
#define GEN_PASS_DEF_KERNELCOPIES
#include "attnc/LowerCpu/Passes.h.inc"
} // namespace attnc

using namespace mlir;

namespace {

class KernelCopies : public attnc::impl::KernelCopiesBase<KernelCopies> {
public:
  void runOnOperation() override {
    func::FuncOp kernel = getOperation();
    if (!kernel->hasAttr("attnc.kernel"))
      return;
    kernel.walk([](memref::CopyOp copy) {
      auto isContiguous = [](Value buffer) { return cast<MemRefType>(buffer.getType()).getLayout().isIdentity(); };
      if (isContiguous(copy.getSource()) && isContiguous(copy.getTarget()))
        return;
      OpBuilder b(copy);
      linalg::CopyOp::create(b, copy.getLoc(), copy.getSource(), copy.getTarget());
      copy.erase();
    });
  }
};

} // namespace
