// attnc.launch on buffers becomes a call; an operand whose type is more static or less than the kernel's is cast. The call
// keeps the kernel's number among those of its entry (attnc.kernels).
#include "attnc/Lower/Cpu.h"

#include "attnc/Dialect/Attnc/Attnc.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace attnc {
#define GEN_PASS_DEF_CALLKERNELS
#include "attnc/LowerCpu/Passes.h.inc"
} // namespace attnc

using namespace mlir;

namespace {

class CallKernels : public attnc::impl::CallKernelsBase<CallKernels> {
public:
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    getOperation().walk([&](attnc::LaunchOp launch) {
      auto kernel = symbols.lookup<func::FuncOp>(launch.getKernel());
      OpBuilder b(launch);
      SmallVector<Value> operands(launch.getOperands());
      for (auto [operand, type] : llvm::zip_equal(operands, kernel.getArgumentTypes()))
        if (operand.getType() != type)
          operand = memref::CastOp::create(b, launch.getLoc(), type, operand);
      auto call = func::CallOp::create(b, launch.getLoc(), kernel, operands);
      if (auto numbered = launch->getParentOfType<func::FuncOp>()->getAttrOfType<ArrayAttr>("attnc.kernels"))
        call->setAttr("attnc.number", b.getI32IntegerAttr(std::distance(numbered.begin(), llvm::find(numbered, launch.getKernelAttr()))));
      launch.erase();
    });
  }
};

} // namespace
