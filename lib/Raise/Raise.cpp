// The list of the raise phase.
#include "attnc/Raise/Passes.h"

#include "mlir/Transforms/Passes.h"

using namespace mlir;

void attnc::buildRaisePhase(OpPassManager &passes) {
  // 1. Attention first: it is made of the others.
  passes.addNestedPass<func::FuncOp>(createRaiseAttention());
  passes.addNestedPass<func::FuncOp>(createRaiseCaptures());
  passes.addPass(createCanonicalizerPass());
  // 2. What is left of them.
  passes.addNestedPass<func::FuncOp>(createRaiseSoftmax());
  passes.addNestedPass<func::FuncOp>(createRaiseNorms());
  passes.addNestedPass<func::FuncOp>(createRaiseRotary());
  passes.addNestedPass<func::FuncOp>(createRaiseActivations());
  // 3. Loops, whose bodies the above have not changed the values of.
  passes.addNestedPass<func::FuncOp>(createRaiseLoops());
  // 4. What nobody reads any more goes.
  passes.addPass(createCanonicalizerPass());
  passes.addPass(createCSEPass());
}
