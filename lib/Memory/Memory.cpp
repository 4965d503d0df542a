// The list of passes of the plan phase.
#include "attnc/Memory/Memory.h"

#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

/// The sizes of tensors become functions of the named sizes.
static void resolveSizes(mlir::OpPassManager &passes) {
  passes.addPass(mlir::memref::createResolveShapedTypeResultDimsPass());
  passes.addPass(attnc::createResolveSizes());
  passes.addPass(mlir::createCSEPass());
}

void attnc::buildPlanPhase(mlir::OpPassManager &passes) {
  // 1. All memory is an argument or the arena's: sizes and the caller's buffers become arguments.
  passes.addPass(createEntryArguments());
  // 2. Sizes, before anything is computed into outputs (whose own sizes may be the question), and again behind.
  resolveSizes(passes);
  passes.addPass(createCarryInPlace());
  passes.addPass(createCheckSizes());
  passes.addPass(createComputeInPlace());
  resolveSizes(passes);
  // 3. Tensors become buffers; results that are arguments need not be returned.
  passes.addPass(createBufferizeEntries());
  passes.addPass(mlir::createCanonicalizerPass());
  passes.addPass(mlir::createCSEPass());
  passes.addPass(mlir::createCanonicalizerPass());
  // 4. Every buffer gets its place.
  passes.addPass(createPlanArena());
}
