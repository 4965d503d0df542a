// Example of a pass plugin: no halting loop runs longer than so many steps.
//
//   attnc-opt model.mlir --load-pass-plugin=CapLoops.so --pass-pipeline='builtin.module(example-cap-loops{steps=4})'
//   attnc compile model.mlir --load-pass-plugin=CapLoops.so --insert='import:example-cap-loops{steps=4}' …
#include "attnc/Dialect/Loop/Loop.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Tools/Plugins/PassPlugin.h"

using namespace mlir;

namespace {

struct CapLoops : PassWrapper<CapLoops, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(CapLoops)

  CapLoops() = default;
  CapLoops(const CapLoops &other) : PassWrapper(other) {}
  StringRef getArgument() const override { return "example-cap-loops"; }
  StringRef getDescription() const override { return "no loop.adaptive runs longer than `steps`"; }
  void getDependentDialects(DialectRegistry &registry) const override { registry.insert<arith::ArithDialect>(); }

  // cap(%c)  →  cap(min(%c, steps))
  void runOnOperation() override {
    getOperation().walk([&](attnc::loop::AdaptiveOp loop) {
      OpBuilder b(loop);
      Value most = arith::ConstantIndexOp::create(b, loop.getLoc(), steps);
      loop.getCapMutable().assign(arith::MinSIOp::create(b, loop.getLoc(), loop.getCap(), most));
    });
  }

  Option<int64_t> steps{*this, "steps", llvm::cl::desc("The most steps"), llvm::cl::init(1)};
};

} // namespace

extern "C" LLVM_ATTRIBUTE_WEAK PassPluginLibraryInfo mlirGetPassPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "CapLoops", "1.0", [] { PassRegistration<CapLoops>(); }};
}
