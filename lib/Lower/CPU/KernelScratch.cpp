// Temporaries of a kernel live on its stack; their sizes are static by construction of the kernels.
#include "attnc/Lower/Cpu.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace attnc {
#define GEN_PASS_DEF_KERNELSCRATCH
#include "attnc/LowerCpu/Passes.h.inc"
} // namespace attnc

using namespace mlir;

namespace {

constexpr int64_t kAlignment = 64;
/// What a kernel may put on the stack; the runtime's threads have more than that.
constexpr int64_t kMaxStack = 512 * 1024;

class KernelScratch : public attnc::impl::KernelScratchBase<KernelScratch> {
public:
  void runOnOperation() override {
    func::FuncOp kernel = getOperation();
    if (!kernel->hasAttr("attnc.kernel") || kernel.isExternal())
      return;
    int64_t used = 0;
    auto start = OpBuilder::atBlockBegin(&kernel.getBody().front());
    WalkResult walked = kernel.walk([&](memref::AllocOp alloc) {
      MemRefType type = alloc.getType();
      if (!type.hasStaticShape()) {
        alloc.emitError("internal: a kernel needs a temporary whose size depends on the input (") << type << ")";
        return WalkResult::interrupt();
      }
      used += type.getNumElements() * llvm::divideCeil(type.getElementType().isIndex() ? 64 : type.getElementTypeBitWidth(), 8);
      auto slot = memref::AllocaOp::create(start, alloc.getLoc(), type, start.getI64IntegerAttr(kAlignment));
      alloc.replaceAllUsesWith(slot.getMemref());
      alloc.erase();
      return WalkResult::advance();
    });
    if (walked.wasInterrupted())
      return signalPassFailure();
    if (used > kMaxStack) {
      kernel.emitError("internal: this kernel's temporaries take ") << used << " bytes of stack, at most " << kMaxStack << " are allowed";
      signalPassFailure();
    }
  }
};

} // namespace
