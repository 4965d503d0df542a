// attnc run MODEL --reference …
#include "attnc/Dialect/Attn/Attn.h"
#include "attnc/Dialect/Attnc/Attnc.h"
#include "attnc/Dialect/Loop/Loop.h"
#include "attnc/Reference/Run.h"

#include "mlir/IR/DialectRegistry.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/InitAllDialects.h"

using namespace attnc;

int main(int argc, char **argv) {
  return runMain(argc - 1, argv + 1, "attnc run", [](const RunOptions &options, const volatile int32_t &cancel) {
    mlir::DialectRegistry registry;
    mlir::registerAllDialects(registry);
    registry.insert<AttncDialect, attn::AttnDialect, loop::LoopDialect>();
    mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
    return reference::runModel(context, options, cancel);
  });
}
