// attnc compile: parse, phases, code per level, weights, package.
#include "attnc/Pipeline/Compile.h"

#include "attnc/Codegen/Codegen.h"
#include "attnc/Pipeline/ManifestBuilder.h"

#include "attnc/Package/PackageFile.h"
#include "attnc/Runtime/Cpu.h"
#include "attnc/Runtime/Weights.h"
#include "attnc/Support/AtomicFile.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Support/FileUtilities.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/ToolOutputFile.h"

using namespace mlir;

namespace attnc {
namespace {

/// A sentence of the runtime half as a diagnostic.
LogicalResult report(ModuleOp module, const Error &error) { return emitError(UnknownLoc::get(module.getContext())) << error.message; }

/// Shows diagnostics with the model's line, or as a plain sentence where there is none.
class Diagnostics {
public:
  Diagnostics(llvm::SourceMgr &sources, MLIRContext &context, const CompileOptions &options)
      : withLine(sources, &context), plain(&context, [&](Diagnostic &diagnostic) {
          if (options.onDiagnostic)
            options.onDiagnostic();
          auto place = dyn_cast<FileLineColLoc>(diagnostic.getLocation());
          bool line = place ? place.getLine() != 0 : !isa<UnknownLoc>(diagnostic.getLocation());
          if (!line) {
            llvm::errs() << "attnc: " << diagnostic << "\n";
            for (Diagnostic &note : diagnostic.getNotes())
              llvm::errs() << "attnc: " << note << "\n";
          }
          return success(!line); // failure: on to the handler before
        }) {}

private:
  SourceMgrDiagnosticHandler withLine;
  ScopedDiagnosticHandler plain;
};

/// What is no MLIR gets a sentence, not the parser's view of its first bytes.
bool isModule(StringRef bytes) {
  constexpr StringLiteral kBytecode("ML\xefR");
  return bytes.starts_with(kBytecode) || (llvm::json::isUTF8(bytes) && !bytes.contains('\0'));
}

LogicalResult printModule(ModuleOp module, StringRef path) {
  std::string error;
  std::unique_ptr<llvm::ToolOutputFile> file = openOutputFile(path, &error);
  if (!file)
    return emitError(module.getLoc()) << error;
  module->print(file->os());
  file->os() << "\n";
  file->keep();
  return success();
}

/// The file of the weights that the module reads, if any are packed.
Expected<std::optional<ModelWeights>> openWeights(const Manifest &manifest, const std::string &path) {
  if (path == "external" || manifest.weights.empty())
    return std::optional<ModelWeights>();
  if (path.empty())
    return makeError(ErrorKind::Argument, "the model reads weights ('", manifest.weights[0].name, "' first, ", manifest.weights.size(),
                     " in all): give --weights FILE.safetensors, or --weights=external to name the file when the package is loaded");
  ATTNC_TRY(ModelWeights weights, ModelWeights::open(path, manifest));
  return std::optional(std::move(weights));
}

/// The code that prepares weights: that of the best level which this machine can run.
Expected<std::unique_ptr<LoadedCode>> loadCode(ArrayRef<PackageWriter::Code> code) {
  std::vector<CodeFile> files;
  for (const PackageWriter::Code &c : code)
    files.push_back({"cpu", c.level, {}, {}});
  auto chosen = chooseLevel(files, {});
  if (!chosen)
    return inContext("the model's weights cannot be prepared here (--weights=external leaves it to the machine that loads the package)",
                     chosen.takeError());
  return LoadedCode::load(code[*chosen - files.data()].object);
}

/// Weights one by one from the user's file to the package.
Status addWeights(PackageWriter &writer, const Manifest &manifest, const std::optional<ModelWeights> &file, ArrayRef<PackageWriter::Code> code) {
  if (manifest.externalWeights)
    writer.useExternalWeights();
  std::unique_ptr<LoadedCode> loaded;
  for (const WeightDecl &weight : manifest.weights) {
    if (manifest.externalWeights) {
      writer.declareWeight(weight);
      continue;
    }
    if (weight.prepared && !loaded) {
      ATTNC_TRY(loaded, loadCode(code));
    }
    ATTNC_TRY(Tensor tensor, weight.prepared ? file->prepare(manifest, weight, *loaded) : Expected<Tensor>(file->raw(weight)));
    ATTNC_TRY(int index, writer.addWeight(weight, tensor.dtype(), tensor.span()));
    (void)index;
  }
  return {};
}

/// The code is made first: a back end that gives up ends the process, and must not leave half a package.
LogicalResult writePackage(ArrayRef<ModuleOp> modules, Manifest manifest, const std::optional<ModelWeights> &weights, const CompileOptions &options) {
  auto begin = [&](StringRef phase) {
    if (options.phases.onPhase)
      options.phases.onPhase(*findPhase(phase));
  };
  begin("codegen");
  llvm::Expected<std::vector<std::string>> objects = emitSharedObjects(modules, signatureOf(manifest));
  if (!objects)
    return emitError(UnknownLoc::get(modules.front()->getContext())) << llvm::toString(objects.takeError());
  begin("package");
  Expected<PackageWriter> writer = PackageWriter::create(options.output);
  if (!writer)
    return report(modules.front(), writer.error());
  std::vector<PackageWriter::Code> code;
  for (auto [level, object] : llvm::zip_equal(options.levels, *objects))
    code.push_back({level->name.str(), textBytes(object)});
  if (Status added = addWeights(*writer, manifest, weights, code); !added)
    return report(modules.front(), added.error());
  if (Status done = writer->finish(std::move(manifest), code); !done)
    return report(modules.front(), done.error());
  return success();
}

/// The lower phase on a copy of the planned module for each level: their tiles differ, their plan and interface do not.
FailureOr<SmallVector<OwningOpRef<ModuleOp>>> lowerForLevels(ModuleOp module, PhaseOptions options, ArrayRef<const CpuLevel *> levels) {
  SmallVector<OwningOpRef<ModuleOp>> lowered;
  options.startFrom = findPhase("lower");
  for (const CpuLevel *level : levels) {
    setCpuLevel(lowered.emplace_back(module.clone()).get(), *level);
    if (failed(runPhases(*lowered.back(), options)))
      return failure();
    options.onPhase = nullptr; // one phase, however many levels
  }
  return lowered;
}

/// Ops of unknown dialects are parsed, so that the sentence about them is ours.
OwningOpRef<ModuleOp> parseModel(llvm::SourceMgr &sources, MLIRContext &context) {
  context.allowUnregisteredDialects();
  OwningOpRef<ModuleOp> module = parseSourceFile<ModuleOp>(sources, &context);
  context.allowUnregisteredDialects(false);
  if (!module)
    return {};
  WalkResult known = module->walk([](Operation *op) {
    if (op->isRegistered())
      return WalkResult::advance();
    emitError(op->getLoc()) << "unknown op '" << op->getName() << "': expected an op of a dialect that attnc or a plugin registers";
    return WalkResult::interrupt();
  });
  return known.wasInterrupted() ? OwningOpRef<ModuleOp>() : std::move(module);
}

bool isEntry(func::FuncOp function) { return function.isPublic() && !function.isExternal(); }

} // namespace

LogicalResult compileModel(MLIRContext &context, const CompileOptions &options) {
  llvm::SourceMgr sources;
  std::string error;
  std::unique_ptr<llvm::MemoryBuffer> file = openInputFile(options.model, &error);
  Diagnostics diagnostics(sources, context, options);
  auto fail = [&] { return emitError(UnknownLoc::get(&context)); };
  if (!file)
    return fail() << error;
  if (!isModule(file->getBuffer()))
    return fail() << "'" << options.model << "' is not a model: expected MLIR, as text or bytecode";
  sources.AddNewSourceBuffer(std::move(file), llvm::SMLoc());
  OwningOpRef<ModuleOp> module = parseModel(sources, context);
  if (!module)
    return failure();
  if (llvm::none_of(module->getOps<func::FuncOp>(), isEntry))
    return fail() << "'" << options.model << "' has no entry: expected a public function with a body";

  // The manifest is read between plan and lower.
  const Phase *plan = findPhase("plan"), *lower = findPhase("lower");
  PhaseOptions first = options.phases;
  bool stopsEarly = first.stopAfter && first.stopAfter <= lower;
  if (stopsEarly) {
    if (first.stopAfter == lower) // one module is printed: that of the highest level
      setCpuLevel(*module, *options.levels.back());
    return success(succeeded(runPhases(*module, first)) && succeeded(printModule(*module, options.output)));
  }
  if (first.startFrom && first.startFrom > plan) // nothing to plan: read the manifest as it stands
    return fail() << "a package can be made from phase " << plan->name << " or earlier, not from " << first.startFrom->name;
  // Made and removed again: a place that cannot be written is known before the work.
  if (Expected<AtomicFile> output = AtomicFile::create(options.output); !output)
    return report(*module, output.error());
  first.stopAfter = plan;
  if (failed(runPhases(*module, first)))
    return failure();
  FailureOr<Manifest> manifest = buildManifest(*module, llvm::sys::path::stem(options.model));
  if (failed(manifest))
    return failure();
  manifest->externalWeights = options.weights == "external";
  Expected<std::optional<ModelWeights>> weights = openWeights(*manifest, options.weights);
  if (!weights)
    return report(*module, weights.error());
  FailureOr<SmallVector<OwningOpRef<ModuleOp>>> lowered = lowerForLevels(*module, options.phases, options.levels);
  if (failed(lowered))
    return failure();
  SmallVector<ModuleOp> modules;
  for (OwningOpRef<ModuleOp> &level : *lowered)
    modules.push_back(*level);
  return writePackage(modules, std::move(*manifest), *weights, options);
}

} // namespace attnc
