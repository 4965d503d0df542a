// What LLVM may assume of a kernel. No two arguments overlap where one of them is written: the plan passes a
// buffer that a kernel updates as its destination only. And it stays a function, compiled once for all its calls.
// Everything else runs once a call: where buffers lie, which is long (each may lie above many) and short to run. LLVM would
// spend most of its time there, so it does not optimise it.
#include "attnc/Lower/Cpu.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace attnc {
#define GEN_PASS_DEF_KERNELATTRIBUTES
#include "attnc/LowerCpu/Passes.h.inc"
} // namespace attnc

using namespace mlir;

namespace {

class KernelAttributes : public attnc::impl::KernelAttributesBase<KernelAttributes> {
public:
  void runOnOperation() override {
    LLVM::LLVMFuncOp kernel = getOperation();
    if (kernel.isExternal())
      return;
    kernel.setNoInline(true);
    if (!kernel->hasAttr("attnc.kernel")) {
      kernel.setOptimizeNone(true);
      return;
    }
    auto unit = UnitAttr::get(&getContext());
    for (auto [i, type] : llvm::enumerate(kernel.getArgumentTypes()))
      if (isa<LLVM::LLVMPointerType>(type))
        kernel.setArgAttr(i, LLVM::LLVMDialect::getNoAliasAttrName(), unit);
  }
};

} // namespace
