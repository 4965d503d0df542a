// The table of phases, and running it.
#include "attnc/Pipeline/Pipeline.h"

#include "attnc/Lower/Cpu.h"
#include "attnc/Memory/Memory.h"
#include "attnc/Optimize/Passes.h"
#include "attnc/Raise/Passes.h"
#include "attnc/Schedule/Schedule.h"

#include "mlir/Pass/PassRegistry.h"
#include "mlir/Support/FileUtilities.h"
#include "mlir/Support/Timing.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/ToolOutputFile.h"

using namespace mlir;

namespace attnc {

/// Functions that entries call become part of them; what nobody needs goes.
static void buildImportPhase(OpPassManager &passes) {
  passes.addPass(createInlinerPass());
  passes.addPass(createSymbolDCEPass());
  passes.addPass(createCanonicalizerPass());
  passes.addPass(createCSEPass());
}

static void buildOptimizePhase(OpPassManager &passes) {
  passes.addPass(createCheckOps());
  passes.addPass(createExpandPolicies());
  passes.addPass(createLoopInvariantCodeMotionPass());
  passes.addPass(createCSEPass());
  passes.addPass(createSplitStepSignals());
  passes.addPass(createCompactLoops());
  passes.addPass(createCanonicalizerPass());
  passes.addPass(createLoopInvariantCodeMotionPass());
  passes.addPass(createCSEPass());
}

static constexpr Phase kPhases[] = {
    {"import", "one function an entry: func, linalg, tensor, arith, math, scf, attn, loop on tensors", buildImportPhase},
    {"raise", "attention, normalisation, rotary embedding and loops of plain graphs are attn and loop ops", buildRaisePhase},
    {"optimize", "model-level rewrites on tensors are done; loops have one form", buildOptimizePhase},
    {"schedule", "every op belongs to a kernel", buildSchedulePhase},
    {"plan", "buffers, one arena, state slots: no allocation is left", buildPlanPhase},
    {"lower", "kernels and entries are in the LLVM dialect", buildLowerCpuPhase},
    {"codegen", "one shared object a CPU level", nullptr},
    {"package", "one file", nullptr},
};

llvm::ArrayRef<Phase> phases() { return kPhases; }

const Phase *findPhase(llvm::StringRef name) {
  const Phase *it = llvm::find_if(kPhases, [&](const Phase &p) { return p.name == name; });
  return it == std::end(kPhases) ? nullptr : it;
}

static LogicalResult dump(ModuleOp module, const Phase &phase, StringRef folder) {
  if (std::error_code error = llvm::sys::fs::create_directories(folder))
    return emitError(module.getLoc()) << "cannot make the folder '" << folder << "': " << error.message();
  llvm::SmallString<128> path(folder);
  std::string name;
  llvm::raw_string_ostream stream(name);
  stream << llvm::format("%02d-", int(&phase - kPhases)) << phase.name;
  if (auto level = module->getAttrOfType<StringAttr>("attnc.cpu_level"))
    stream << "-" << level.getValue();
  stream << ".mlir";
  llvm::sys::path::append(path, name);
  std::string error;
  std::unique_ptr<llvm::ToolOutputFile> file = openOutputFile(path, &error);
  if (!file)
    return emitError(module.getLoc()) << error;
  module->print(file->os(), OpPrintingFlags().enableDebugInfo(false));
  file->keep();
  return success();
}

static LogicalResult insert(StringRef pipeline, const Phase &phase, OpPassManager &manager, Location loc) {
  std::string messages; // lines of "place: error: why", the text, a caret
  llvm::raw_string_ostream stream(messages);
  if (succeeded(parsePassPipeline(pipeline, manager, stream)))
    return success();
  StringRef why = StringRef(messages).split("error: ").second.split('\n').first;
  return emitError(loc) << "cannot parse the pipeline '" << pipeline << "' given for phase " << phase.name << ": " << why;
}

static LogicalResult runPhase(ModuleOp module, const Phase &phase, const PhaseOptions &options, TimingScope &timing) {
  PassManager manager(module.getContext(), module.getOperationName());
  if (options.timing)
    manager.enableTiming(timing);
  if (!options.reproducer.empty())
    manager.enableCrashReproducerGeneration(options.reproducer);
  phase.build(manager);
  for (const auto &[where, pipeline] : options.inserted)
    if (where == &phase && failed(insert(pipeline, phase, manager, module.getLoc())))
      return failure();
  return manager.run(module);
}

LogicalResult runPhases(ModuleOp module, const PhaseOptions &options) {
  if (!options.compact)
    module->setAttr("attnc.no_compact", UnitAttr::get(module.getContext()));
  DefaultTimingManager timer;
  timer.setEnabled(options.timing);
  TimingScope root = timer.getRootScope();
  bool running = !options.startFrom;
  for (const Phase &phase : kPhases) {
    running |= options.startFrom == &phase;
    if (!phase.build)
      break;
    if (running) {
      if (options.onPhase)
        options.onPhase(phase);
      TimingScope scope = root.nest(phase.name);
      if (failed(runPhase(module, phase, options, scope)))
        return failure();
      if (!options.dumpFolder.empty() && failed(dump(module, phase, options.dumpFolder)))
        return failure();
    }
    if (options.stopAfter == &phase)
      break;
  }
  return success();
}

void registerPhasePipelines() {
  for (const Phase &phase : kPhases) {
    if (!phase.build)
      continue;
    auto build = phase.build;
    static llvm::SmallVector<std::unique_ptr<PassPipelineRegistration<>>> registrations;
    static llvm::StringMap<std::string> names;
    std::string &name = names[phase.name];
    name = ("attnc-" + phase.name + "-phase").str();
    registrations.push_back(std::make_unique<PassPipelineRegistration<>>(name, phase.holdsAfter, [build](OpPassManager &passes) { build(passes); }));
  }
}

} // namespace attnc
