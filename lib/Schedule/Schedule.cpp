// The list of passes of the schedule phase.
#include "attnc/Schedule/Schedule.h"

#include "attnc/Optimize/Passes.h"

#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

void attnc::buildSchedulePhase(mlir::OpPassManager &passes) {
  // 1. Loops step down to scf.
  passes.addPass(createLowerLoops());
  passes.addPass(mlir::createCanonicalizerPass());
  passes.addPass(mlir::createCSEPass());
  // 2. Ops that consist of others step down; chains of elementwise ops are one op, so that they become one kernel.
  passes.addNestedPass<mlir::func::FuncOp>(createDecomposeOps());
  passes.addNestedPass<mlir::func::FuncOp>(mlir::createConvertElementwiseToLinalgPass());
  passes.addPass(createFuseElementwise());
  passes.addPass(mlir::createCanonicalizerPass());
  passes.addPass(mlir::createCSEPass());
  // 3. What depends on weights alone is a weight.
  passes.addPass(createPrepareWeights());
  // 4. Every computation is the root of a kernel.
  passes.addPass(createFormKernels());
  passes.addPass(mlir::createCanonicalizerPass());
  passes.addPass(mlir::createCSEPass());
}
