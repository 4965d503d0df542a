// The run command over the interpreter. Everything is checked and every file is opened before the model
// runs; files get their names when all of them are written.
#include "attnc/Reference/Run.h"

#include "Convert.h"
#include "Signature.h"
#include "States.h"
#include "attnc/Reference/Interpreter.h"
#include "attnc/Support/TensorFiles.h"
#include "attnc/Support/Text.h"

#include "mlir/Parser/Parser.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;

namespace attnc::reference {
namespace {

/// Errors in the text are shown as the parser reports them.
Expected<OwningOpRef<ModuleOp>> readModel(MLIRContext &context, const std::string &path) {
  auto file = llvm::MemoryBuffer::getFileOrSTDIN(path);
  if (!file)
    return makeError(ErrorKind::File, "cannot read '", path, "': ", file.getError().message());
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(std::move(*file), llvm::SMLoc());
  SourceMgrDiagnosticHandler handler(sources, &context);
  OwningOpRef<ModuleOp> module = parseSourceFile<ModuleOp>(sources, &context);
  if (!module)
    return makeError(ErrorKind::Format, "'", path, "' is not a valid model");
  return module;
}

/// Weights by name from the file of --weights.
Expected<Value> readWeight(const std::optional<SafetensorsFile> &file, StringRef name, RankedTensorType type) {
  if (!file)
    return makeError(ErrorKind::Argument, "the model reads the weight '", name.str(), "': give --weights FILE.safetensors");
  auto *entry = file->find(std::string_view(name));
  if (!entry)
    return makeError(ErrorKind::Argument, "the weights have no tensor '", name.str(), "'");
  if (ArrayRef(entry->shape) != type.getShape())
    return makeError(ErrorKind::Argument, "expected weight '", name.str(), "' of shape ",
                     shapeText(std::span(type.getShape().data(), type.getRank())), ", found ", shapeText(entry->shape));
  if (isFloat(entry->dtype) != isa<FloatType>(type.getElementType()))
    return makeError(ErrorKind::Argument, "weight '", name.str(), "' is ", dtypeName(entry->dtype),
                     ", which the model does not read it as");
  return toValue(file->tensor(*entry), type);
}

class Run {
public:
  Run(ModuleOp module, const Manifest &signature, const Function &function, const RunOptions &options,
      const volatile int32_t &cancel)
      : module(module), signature(signature), function(function), options(options), states(signature, function) {
    evaluation.stepLimit = uint64_t(options.stepLimit);
    evaluation.cancel = &cancel;
    evaluation.weights = [this](StringRef name, RankedTensorType type) { return readWeight(weights, name, type); };
  }
  Status execute();

private:
  Expected<std::vector<Value>> call(const Function &callee, llvm::ArrayRef<Value> arguments) {
    return evaluate(module, callee.name, arguments, evaluation);
  }
  Expected<std::vector<Value>> arguments(const std::vector<NamedTensor> &inputs);
  Expected<std::vector<NamedTensor>> takeResults(std::vector<Value> results);

  ModuleOp module;
  const Manifest &signature;
  const Function &function;
  const RunOptions &options;
  States states;
  std::optional<SafetensorsFile> weights;
  Options evaluation;
};

/// Inputs and states in the order of the function.
Expected<std::vector<Value>> Run::arguments(const std::vector<NamedTensor> &inputs) {
  auto op = module.lookupSymbol<func::FuncOp>(function.name);
  std::vector<Value> out;
  size_t next = 0;
  for (unsigned i = 0; i < op.getNumArguments(); ++i) {
    std::optional<int> state = stateOf(signature, op.getArgAttrDict(i));
    const attnc::Tensor &tensor = state ? states.get(*state) : inputs[next++].tensor;
    ATTNC_TRY(Value value, toValue(tensor, op.getArgumentTypes()[i]));
    out.push_back(std::move(value));
  }
  return out;
}

/// Keeps new states; what is left are the outputs.
Expected<std::vector<NamedTensor>> Run::takeResults(std::vector<Value> results) {
  auto op = module.lookupSymbol<func::FuncOp>(function.name);
  std::vector<NamedTensor> outputs;
  for (unsigned i = 0; i < op.getNumResults(); ++i) {
    std::optional<int> state = stateOf(signature, op.getResultAttrDict(i));
    const TensorDecl &decl = state ? signature.states[size_t(*state)] : function.outputs[outputs.size()];
    ATTNC_TRY(attnc::Tensor tensor, toTensor(results[i], decl.dtype));
    if (state)
      states.set(*state, std::move(tensor));
    else
      outputs.push_back({decl.name, std::move(tensor)});
  }
  return outputs;
}

Status Run::execute() {
  ATTNC_TRY(auto inputs, collectInputs(options, function.name, function.inputs));
  ATTNC_TRY(auto files, RunOutputs::open(options, function.name, function.outputs));
  std::optional<AtomicFile> stateFile;
  if (!options.stateOut.empty()) {
    ATTNC_TRY(stateFile, AtomicFile::create(options.stateOut));
  }
  if (!options.weights.empty()) {
    ATTNC_TRY(weights, SafetensorsFile::open(options.weights));
  }
  ATTNC_CHECK(states.bindCapacities(options.capacities));
  if (!options.stateIn.empty())
    ATTNC_CHECK(states.restore(options.stateIn));
  ATTNC_CHECK(states.bindInputs(inputs));
  auto initialise = [&](const StateUse &use) {
    return states.initialise(use.state, [&](const Function &init, llvm::ArrayRef<int64_t> sizes) {
      Type index = IndexType::get(module.getContext());
      return call(init, llvm::map_to_vector(sizes, [&](int64_t size) { return Value::integer(index, size); }));
    });
  };
  for (const StateUse &use : function.states)
    ATTNC_CHECK(initialise(use));

  ATTNC_TRY(auto values, arguments(inputs));
  ATTNC_TRY(auto results, call(function, values));
  ATTNC_TRY(auto outputs, takeResults(std::move(results)));
  ATTNC_CHECK(files.write(outputs));
  if (stateFile) {
    for (int i = 0; i < int(signature.states.size()); ++i)
      ATTNC_CHECK(initialise({i}));
    ATTNC_CHECK(states.save(*stateFile));
  }
  ATTNC_CHECK(files.commit());
  return stateFile ? stateFile->commit() : Status();
}

} // namespace

Status runModel(MLIRContext &context, const RunOptions &options, const volatile int32_t &cancel) {
  ATTNC_TRY(auto module, readModel(context, options.model));
  ATTNC_TRY(Manifest signature, readSignature(*module));
  const Function *function = signature.findFunction(options.entry);
  if (!function || function->kind != Function::Kind::Entry)
    return makeError(ErrorKind::Argument, "'", options.model, "' has no entry '", options.entry, "' (it has ",
                     quotedList(signature.entryNames()), ")");
  return Run(*module, signature, *function, options, cancel).execute();
}

} // namespace attnc::reference
