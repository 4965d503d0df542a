// The list of the raise phase.
#include "attnc/Raise/Passes.h"

#include "mlir/Transforms/Passes.h"

using namespace mlir;

void attnc::buildRaisePhase(OpPassManager &passes) {
  // 1. Attention first: it is made of the others.
  passes.addNestedPass<func::FuncOp>(createRaiseAttention());
  // 2. What nobody reads any more goes.
  passes.addPass(createCanonicalizerPass());
  passes.addPass(createCSEPass());
}
