// The list of passes of the plan phase.
#include "attnc/Memory/Memory.h"

#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

void attnc::buildPlanPhase(mlir::OpPassManager &passes) {
  // 1. All memory is an argument or the arena's: sizes and the caller's buffers become arguments.
  passes.addPass(createEntryArguments());
  passes.addPass(createCarryInPlace());
  passes.addPass(createComputeInPlace());
  // 2. The sizes of tensors are functions of the named sizes.
  passes.addPass(mlir::memref::createResolveShapedTypeResultDimsPass());
  passes.addPass(createResolveSizes());
  passes.addPass(mlir::createCSEPass());
  // 3. Tensors become buffers; results that are arguments need not be returned.
  passes.addPass(createBufferizeEntries());
  passes.addPass(mlir::createCanonicalizerPass());
  passes.addPass(mlir::createCSEPass());
  passes.addPass(mlir::createCanonicalizerPass());
  // 4. Every buffer gets its place.
  passes.addPass(createPlanArena());
}
