// Kernels on buffers return nothing: each result is in its destination, which are the last arguments. One that bufferization
// put elsewhere is copied there. (Upstream's pass drops whatever is an argument, also a number that another function returns.)
#include "attnc/Lower/Cpu.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace attnc {
#define GEN_PASS_DEF_KERNELRESULTS
#include "attnc/LowerCpu/Passes.h.inc"
} // namespace attnc

using namespace mlir;

namespace {

/// expand(collapse(x)) of x's type is x.
Value lookThroughViews(Value result) {
  auto expand = result.getDefiningOp<memref::ExpandShapeOp>();
  auto collapse = expand ? expand.getSrc().getDefiningOp<memref::CollapseShapeOp>() : memref::CollapseShapeOp();
  bool same = collapse && collapse.getSrc().getType() == expand.getType() && collapse.getReassociation() == expand.getReassociation();
  return same ? collapse.getSrc() : result;
}

class KernelResults : public attnc::impl::KernelResultsBase<KernelResults> {
public:
  void runOnOperation() override {
    func::FuncOp kernel = getOperation();
    if (!kernel->hasAttr("attnc.kernel") || kernel.isExternal())
      return;
    auto ret = cast<func::ReturnOp>(kernel.getBody().front().getTerminator());
    OpBuilder b(ret);
    auto destinations = kernel.getArguments().take_back(ret.getNumOperands());
    for (auto [result, destination] : llvm::zip_equal(ret.getOperands(), destinations))
      if (lookThroughViews(result) != destination)
        memref::CopyOp::create(b, ret.getLoc(), result, destination);
    ret->setOperands({});
    kernel.setFunctionType(b.getFunctionType(kernel.getArgumentTypes(), {}));
    kernel.removeResAttrsAttr();
  }
};

} // namespace
