// What attnc's tools know. The only place that names every room.
#include "attnc/InitAll.h"

#include "attnc/Dialect/Attn/Attn.h"
#include "attnc/Dialect/Attnc/Attnc.h"
#include "attnc/Dialect/Loop/Loop.h"
#include "attnc/Lower/Cpu.h"
#include "attnc/Lower/LowerAttn.h"
#include "attnc/Masks/Masks.h"
#include "attnc/Math/Passes.h"
#include "attnc/Memory/Memory.h"
#include "attnc/Optimize/Passes.h"
#include "attnc/Pipeline/Pipeline.h"
#include "attnc/Raise/Passes.h"
#include "attnc/Schedule/Schedule.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"

void attnc::registerDialects(mlir::DialectRegistry &registry) {
  registry.insert<AttncDialect, attn::AttnDialect, loop::LoopDialect>();
  registerBufferization(registry);
}

void attnc::registerEveryDialect(mlir::DialectRegistry &registry) {
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  registerDialects(registry);
}

void attnc::registerPasses() {
  registerRaisePasses();
  registerOptimizePasses();
  registerSchedulePasses();
  registerMasksPasses();
  registerMathPasses();
  registerMemoryPasses();
  registerLowerPasses();
  registerLowerCpuPasses();
  registerPhasePipelines();
}
