// attnc compile: parse, phases, code per level, weights, package.
#include "attnc/Pipeline/Compile.h"

#include "attnc/Pipeline/ManifestBuilder.h"

#include "attnc/Package/PackageFile.h"
#include "attnc/Support/TensorFiles.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Support/FileUtilities.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/ToolOutputFile.h"

using namespace mlir;

namespace attnc {
namespace {

/// A sentence of the runtime half as a diagnostic.
LogicalResult report(ModuleOp module, const Error &error) { return emitError(UnknownLoc::get(module.getContext())) << error.message; }

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

std::string shapeText(ArrayRef<int64_t> shape) { return attnc::shapeText(std::span(shape.data(), shape.size())); }

/// Adds the weights that the module reads from the file: names must be there, shapes equal, floats of any width.
Status addWeights(PackageWriter &writer, const Manifest &manifest, const std::string &path) {
  if (path == "external") {
    writer.useExternalWeights();
    for (const WeightDecl &weight : manifest.weights)
      writer.declareWeight(weight);
    return {};
  }
  if (manifest.weights.empty())
    return {};
  if (path.empty())
    return makeError(ErrorKind::Argument, "the model reads ", manifest.weights.size(), " weights ('", manifest.weights[0].name,
                     "' first): give --weights FILE.safetensors, or --weights=external to name the file when the package is loaded");
  ATTNC_TRY(SafetensorsFile file, SafetensorsFile::open(path));
  for (const WeightDecl &weight : manifest.weights) {
    const SafetensorsFile::Entry *entry = file.find(weight.name);
    if (!entry)
      return makeError(ErrorKind::Argument, path, " has no weight '", weight.name, "', which the model reads as ", dtypeName(weight.dtype), " ", shapeText(weight.shape));
    if (entry->shape != weight.shape)
      return makeError(ErrorKind::Argument, "weight '", weight.name, "' of ", path, " has shape ", shapeText(entry->shape), ", the model reads ", shapeText(weight.shape));
    if (isFloat(entry->dtype) != isFloat(weight.dtype))
      return makeError(ErrorKind::Argument, "weight '", weight.name, "' of ", path, " is ", dtypeName(entry->dtype), ", the model reads ", dtypeName(weight.dtype));
    ATTNC_TRY(int index, writer.addWeight(weight, entry->dtype, file.tensor(*entry).span()));
    (void)index;
  }
  return {};
}

/// One shared object a level.
FailureOr<std::vector<std::string>> emitCode(ModuleOp module, const Manifest &manifest, ArrayRef<const CpuLevel *> levels) {
  std::string signature = signatureOf(manifest);
  std::vector<std::string> objects;
  for (const CpuLevel *level : levels) {
    llvm::Expected<std::string> object = emitSharedObject(module, *level, signature);
    if (!object)
      return emitError(UnknownLoc::get(module.getContext())) << llvm::toString(object.takeError());
    objects.push_back(std::move(*object));
  }
  return objects;
}

/// The code is made first: a back end that gives up ends the process, and must not leave half a package.
LogicalResult writePackage(ModuleOp module, Manifest manifest, const CompileOptions &options) {
  manifest.externalWeights = options.weights == "external";
  FailureOr<std::vector<std::string>> objects = emitCode(module, manifest, options.levels);
  if (failed(objects))
    return failure();
  Expected<PackageWriter> writer = PackageWriter::create(options.output);
  if (!writer)
    return report(module, writer.error());
  if (Status added = addWeights(*writer, manifest, options.weights); !added)
    return report(module, added.error());
  std::vector<PackageWriter::Code> code;
  for (auto [level, object] : llvm::zip_equal(options.levels, *objects))
    code.push_back({level->name.str(), textBytes(object)});
  if (Status done = writer->finish(std::move(manifest), code); !done)
    return report(module, done.error());
  return success();
}

} // namespace

LogicalResult compileModel(MLIRContext &context, const CompileOptions &options) {
  llvm::SourceMgr sources;
  std::string error;
  std::unique_ptr<llvm::MemoryBuffer> file = openInputFile(options.model, &error);
  if (!file)
    return emitError(UnknownLoc::get(&context)) << error;
  sources.AddNewSourceBuffer(std::move(file), llvm::SMLoc());
  SourceMgrDiagnosticHandler handler(sources, &context);
  OwningOpRef<ModuleOp> module = parseSourceFile<ModuleOp>(sources, &context);
  if (!module)
    return failure();

  // The manifest is read between plan and lower.
  const Phase *plan = findPhase("plan"), *lower = findPhase("lower");
  PhaseOptions first = options.phases, second = options.phases;
  bool stopsEarly = first.stopAfter && first.stopAfter <= lower;
  if (stopsEarly)
    return success(succeeded(runPhases(*module, first)) && succeeded(printModule(*module, options.output)));
  FailureOr<Manifest> manifest = failure();
  if (first.startFrom && first.startFrom > plan) // nothing to plan: read the manifest as it stands
    return emitError(UnknownLoc::get(&context)) << "a package can be made from phase " << plan->name << " or earlier, not from " << first.startFrom->name;
  first.stopAfter = plan;
  second.startFrom = lower;
  if (failed(runPhases(*module, first)))
    return failure();
  manifest = buildManifest(*module, llvm::sys::path::stem(options.model));
  if (failed(manifest) || failed(runPhases(*module, second)))
    return failure();
  return writePackage(*module, std::move(*manifest), options);
}

} // namespace attnc
