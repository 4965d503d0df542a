// attnc: the compiler's command line. Each command is a thin main over its room.
#include "attnc/Import/Import.h"
#include "attnc/InitAll.h"
#include "attnc/Package/Inspect.h"
#include "attnc/Pipeline/Compile.h"
#include "attnc/Reference/Run.h"
#include "attnc/Runtime/BenchOptions.h"
#include "attnc/Support/Progress.h"
#include "attnc/Target/Cpu.h"

#include "mlir/IR/DialectRegistry.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Remarks.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/Plugins/PassPlugin.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Signals.h"

#include <unistd.h>

using namespace llvm;
using namespace attnc;

namespace {

cl::SubCommand compileCommand("compile", "compile a model to a package");
cl::OptionCategory compileOptions("Options of compile");

cl::opt<std::string> model(cl::Positional, cl::desc("MODEL.mlir, .pt2, .onnx or file.py:function"), cl::sub(compileCommand), cl::cat(compileOptions));
cl::opt<std::string> output("o", cl::desc("The package to write (default: the model's name with .attnpkg)"), cl::value_desc("FILE"),
                            cl::sub(compileCommand), cl::cat(compileOptions));
cl::opt<std::string> weights("weights", cl::desc("The weights to pack, .safetensors or an index of such (.json); or 'external' to pack none"), cl::value_desc("FILE"),
                             cl::sub(compileCommand), cl::cat(compileOptions));
cl::list<std::string> targets("target", cl::desc("What to make code for: cpu (default), or one level, cpu:avx2 or cpu:avx512"), cl::value_desc("TARGET"),
                              cl::sub(compileCommand), cl::cat(compileOptions));
cl::opt<std::string> stopAfter("stop-after", cl::desc("The last phase to run; the module is written to -o"), cl::value_desc("PHASE"),
                               cl::sub(compileCommand), cl::cat(compileOptions));
cl::opt<std::string> startFrom("start-from", cl::desc("The first phase to run, on a module that an earlier --stop-after left"), cl::value_desc("PHASE"),
                               cl::sub(compileCommand), cl::cat(compileOptions));
cl::opt<std::string> dumpPhases("dump-phases", cl::desc("Write the module behind each phase to DIR, numbered"), cl::value_desc("DIR"),
                                cl::sub(compileCommand), cl::cat(compileOptions));
cl::opt<std::string> reproducer("reproducer", cl::desc("Where a failing pass leaves what reproduces it"), cl::value_desc("FILE"),
                                cl::sub(compileCommand), cl::cat(compileOptions));
cl::opt<bool> noCompact("no-compact", cl::desc("Compute all rows of a halting loop at every step, not the running ones alone"), cl::sub(compileCommand), cl::cat(compileOptions));
cl::opt<std::string> remarks("remarks", cl::ValueOptional, cl::desc("Say what was recognised in the model and what was not, and why: all, or of one phase"),
                             cl::value_desc("PHASE"), cl::sub(compileCommand), cl::cat(compileOptions));
cl::opt<bool> timing("timing", cl::desc("Print the time of each phase and pass"), cl::sub(compileCommand), cl::cat(compileOptions));
cl::list<std::string> inserted("insert", cl::desc("Run a pipeline behind a phase"), cl::value_desc("PHASE:PIPELINE"), cl::sub(compileCommand), cl::cat(compileOptions));
cl::list<std::string> plugins("load-pass-plugin", cl::desc("A shared object with passes for --insert"), cl::value_desc("FILE"), cl::sub(compileCommand), cl::cat(compileOptions));

int wrongCommand(const Twine &message) {
  errs() << "attnc: " << message << "\n";
  return 2;
}

std::string phaseNames() {
  std::vector<std::string> names;
  for (const Phase &phase : phases())
    names.push_back(phase.name.str());
  return join(names, ", ");
}

/// The phase an option names, or exits.
const Phase *phaseOption(StringRef option, StringRef name) {
  if (name.empty())
    return nullptr;
  const Phase *phase = findPhase(name);
  if (!phase)
    exit(wrongCommand("--" + option + ": no phase '" + name + "'; the phases are " + phaseNames()));
  return phase;
}

void collectLevels(SmallVectorImpl<const CpuLevel *> &levels) {
  if (targets.empty())
    targets.push_back("cpu");
  for (StringRef target : targets) {
    StringRef name = target;
    if (name == "cpu") {
      llvm::append_range(levels, x86Levels());
    } else if (const CpuLevel *level = name.consume_front("cpu:") ? findLevel(name) : nullptr) {
      levels.push_back(level);
    } else {
      std::vector<std::string> known;
      for (const CpuLevel *level : x86Levels())
        known.push_back(("cpu:" + level->name).str());
      errs() << "attnc: unknown target '" << target << "': expected cpu, or one level of it: " << join(known, ", ") << "\n";
      exit(1);
    }
  }
}

void collectPhases(PhaseOptions &options, Progress &progress) {
  options.startFrom = phaseOption("start-from", startFrom);
  options.stopAfter = phaseOption("stop-after", stopAfter);
  options.dumpFolder = dumpPhases;
  options.reproducer = reproducer;
  options.timing = timing;
  options.compact = !noCompact;
  if (options.stopAfter && !options.stopAfter->build)
    exit(wrongCommand("--stop-after: there is no module behind phase " + options.stopAfter->name + "; lower is the last that leaves one"));
  for (StringRef text : inserted) {
    auto [phase, pipeline] = text.split(':');
    if (phase.empty() || pipeline.empty())
      exit(wrongCommand("--insert: expected PHASE:PIPELINE, found '" + text + "'"));
    options.inserted.push_back({phaseOption("insert", phase), pipeline.str()});
    if (!options.inserted.back().first->build)
      exit(wrongCommand("--insert: phase " + phase + " is no list of passes"));
  }
  options.onPhase = [&](const Phase &phase) {
    progress.clear();
    progress.show(&phase - phases().data() + 1, phases().size(), std::string_view(phase.name));
  };
}

/// Remarks as diagnostics at the model's lines, as they are made.
mlir::LogicalResult showRemarks(mlir::MLIRContext &context) {
  if (!remarks.getNumOccurrences())
    return mlir::success();
  std::string phase = remarks.empty() ? ".*" : remarks.getValue();
  mlir::remark::RemarkCategories categories{phase, phase, phase, phase, phase};
  return mlir::remark::enableOptimizationRemarks(context, nullptr, std::make_unique<mlir::remark::RemarkEmittingPolicyAll>(), categories,
                                                 /*printAsEmitRemarks=*/true);
}

/// The package's name: the model's, with another ending.
std::string packageOf(StringRef model) {
  SmallString<64> path(sys::path::filename(model));
  sys::path::replace_extension(path, ".attnpkg");
  return std::string(path);
}

int compileMain() {
  if (model.empty())
    return wrongCommand("compile: expected a model, MODEL.mlir; see attnc compile --help");
  std::optional<ImportedModel> imported;
  if (ImportedModel::isForeign(model)) {
    llvm::Expected<ImportedModel> made = ImportedModel::create(model);
    if (!made) {
      errs() << "attnc: " << toString(made.takeError()) << "\n";
      return 1;
    }
    imported.emplace(std::move(*made));
    model = imported->module();
    if (weights.empty())
      weights = imported->weights();
  }
  mlir::registerAllPasses();
  registerPasses();
  mlir::DialectRegistry registry;
  registerEveryDialect(registry);
  for (StringRef path : plugins) {
    auto plugin = mlir::PassPlugin::load(path.str());
    if (!plugin) {
      errs() << "attnc: cannot load the plugin: " << toString(plugin.takeError()) << "\n";
      return 1;
    }
    plugin->registerPassRegistryCallbacks();
  }
  CompileOptions options;
  options.model = model;
  options.output = output;
  options.weights = weights;
  if (options.output.empty())
    options.output = stopAfter.empty() ? packageOf(model) : "-";
  Progress progress;
  options.onDiagnostic = [&] { progress.clear(); };
  collectLevels(options.levels);
  collectPhases(options.phases, progress);
  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  context.printOpOnDiagnostic(false); // the line of the source is shown: no dump of the op
  return mlir::failed(showRemarks(context)) || mlir::failed(compileModel(context, options));
}

// These have parsers of their own, which attnc-run and the runtime's half share.
cl::SubCommand runCommand("run", "run a package, or a model by the reference interpreter (--reference)");
cl::SubCommand benchCommand("bench", "time a package's function and its kernels");
cl::SubCommand inspectCommand("inspect", "show what a package holds");

int runModelOrPackage(int argc, char **argv) {
  return runMain(argc, argv, "attnc run", [](const RunOptions &options, const volatile int32_t &cancel) {
    mlir::DialectRegistry registry;
    registerEveryDialect(registry);
    mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
    return reference::runModel(context, options, cancel);
  });
}

} // namespace

int main(int argc, char **argv) {
  InitLLVM init(argc, argv);
  // A back end that cannot select an instruction ends the process: with a sentence, not a stack dump.
  install_fatal_error_handler([](void *, const char *reason, bool) {
    errs() << "attnc: the code generator gave up: " << reason << "\n";
    sys::RunInterruptHandlers();
    _exit(1);
  });
  StringRef command = argc > 1 ? argv[1] : "";
  if (command == "run")
    return runModelOrPackage(argc - 1, argv + 1);
  if (command == "bench")
    return benchMain(argc - 1, argv + 1, "attnc bench");
  if (command == "inspect")
    return inspectMain(argc - 1, argv + 1);
  std::string overview = "attnc: an ahead-of-time compiler for attention models with dynamic loops\n\nPhases of compile:\n";
  for (const Phase &phase : phases())
    overview += ("  " + phase.name + std::string(10 - phase.name.size(), ' ') + phase.holdsAfter + "\n").str();
  cl::HideUnrelatedOptions(compileOptions, compileCommand);
  cl::HideUnrelatedOptions(compileOptions, cl::SubCommand::getTopLevel());
  if (!cl::ParseCommandLineOptions(argc, argv, overview, &errs()))
    return 2;
  if (compileCommand)
    return compileMain();
  return wrongCommand("expected a command: compile, run, bench or inspect; see attnc --help");
}
