// attnc.launch on buffers becomes a call; an operand whose type is more static or less than the kernel's is cast.
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
      func::CallOp::create(b, launch.getLoc(), kernel, operands);
      launch.erase();
    });
  }
};

} // namespace
