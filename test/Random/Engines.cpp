#include "Engines.h"

#include "attnc-c/KernelAbi.h"
#include "attnc/Codegen/Codegen.h"
#include "attnc/Pipeline/ManifestBuilder.h"
#include "attnc/Pipeline/Pipeline.h"
#include "attnc/Target/Cpu.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <cstring>

using namespace mlir;

namespace attnc::fuzz {

using reference::Scalar;

ReferenceRun runReference(ModuleOp module, const Case &inputs) {
  double closest = INFINITY;
  reference::Options options;
  options.weights = [&](StringRef name, RankedTensorType) -> Expected<reference::Value> { return inputs.weights.at(name.str()); };
  // Ops marked exact order numbers that no engine has computed: ties are ties.
  options.onDecision = [&](Operation *op, double distance) { closest = op->hasAttr("exact") ? closest : std::fmin(closest, distance); };
  auto results = reference::evaluate(module, "main", inputs.arguments, options);
  return {std::move(results), closest};
}

//===----------------------------------------------------------------------===//
// Buffers
//===----------------------------------------------------------------------===//

namespace {

/// Memory of a call between two bands whose bytes must stay.
class Banded {
public:
  static constexpr size_t band = 256;
  static constexpr unsigned char mark = 0xa5;

  explicit Banded(size_t bytes) : bytes(bytes), memory(allocateAligned(bytes + 2 * band)) {
    std::memset(memory.get(), mark, bytes + 2 * band);
    std::memset(data(), 0xff, bytes); // NaN, -1: what is read before it is written shows
  }
  std::byte *data() const { return memory.get() + band; }
  bool isIntact() const {
    auto marked = [](std::byte b) { return b == std::byte(mark); };
    return std::all_of(memory.get(), data(), marked) && std::all_of(data() + bytes, data() + bytes + band, marked);
  }

private:
  size_t bytes;
  std::shared_ptr<std::byte> memory;
};

template <class T> void put(std::byte *to, T value) { std::memcpy(to, &value, sizeof value); }
template <class T> T get(const std::byte *from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

void store(std::byte *to, Scalar x, DType type) {
  switch (type) {
  case DType::F64:
    return put(to, x.f);
  case DType::F32:
    return put(to, float(x.f));
  case DType::F16:
    return put(to, doubleToF16(x.f));
  case DType::BF16:
    return put(to, doubleToBf16(x.f));
  default:
    std::memcpy(to, &x.i, dtypeSize(type)); // the low bytes
  }
}

Scalar load(const std::byte *from, DType type) {
  switch (type) {
  case DType::F64:
    return {.f = get<double>(from)};
  case DType::F32:
    return {.f = get<float>(from)};
  case DType::F16:
    return {.f = f16ToFloat(get<uint16_t>(from))};
  case DType::BF16:
    return {.f = bf16ToFloat(get<uint16_t>(from))};
  case DType::I64:
    return {.i = get<int64_t>(from)};
  case DType::I32:
    return {.i = get<int32_t>(from)};
  case DType::I16:
    return {.i = get<int16_t>(from)};
  default:
    return {.i = get<int8_t>(from)};
  }
}

size_t bytesOf(DType type, size_t elements) { return std::max<size_t>(1, elements * dtypeSize(type)); }

Banded pack(const reference::Value &value, DType type) {
  Banded out(bytesOf(type, value.flat().size()));
  for (auto [at, x] : llvm::enumerate(value.flat()))
    store(out.data() + at * dtypeSize(type), x, type);
  return out;
}

reference::Value unpack(const Banded &buffer, DType type, ArrayRef<int64_t> shape, mlir::Type as) {
  reference::Tensor tensor{getElementTypeOrSelf(as), llvm::SmallVector<int64_t>(shape), {}};
  for (int64_t at = 0; at < reference::numElements(shape); ++at)
    tensor.elements.push_back(load(buffer.data() + size_t(at) * dtypeSize(type), type));
  if (!isa<ShapedType>(as))
    return {as, tensor.elements[0]};
  return tensor;
}

/// Name of an argument or result: of an input or output, or of a state.
std::string nameOf(DictionaryAttr attributes) {
  auto name = attributes.getAs<StringAttr>("attnc.state");
  return (name ? name : attributes.getAs<StringAttr>("attnc.name")).str();
}

} // namespace

//===----------------------------------------------------------------------===//
// Compiled
//===----------------------------------------------------------------------===//

static const CpuLevel &hostLevel() { return *findLevel(__builtin_cpu_supports("x86-64-v4") ? "avx512" : "avx2"); }

/// Applies a planted fault behind the pass that makes loops of attn's ops.
class PlantLowered : public PassInstrumentation {
public:
  explicit PlantLowered(const Plant &plant) : plant(plant) {}
  void runAfterPass(Pass *pass, Operation *op) override {
    if (pass->getArgument() == "attnc-lower-attn")
      plant.apply(op);
  }

private:
  const Plant &plant;
};

static LogicalResult lower(ModuleOp module, const Plant *plant) {
  setCpuLevel(module, hostLevel());
  PassManager passes(module.getContext(), module.getOperationName());
  findPhase("lower")->build(passes);
  if (plant && plant->lowered)
    passes.addInstrumentation(std::make_unique<PlantLowered>(*plant));
  return passes.run(module);
}

Expected<std::unique_ptr<Compiled>> Compiled::make(ModuleOp module, const Plant *plant) {
  std::string messages;
  ScopedDiagnosticHandler handler(module.getContext(), [&](Diagnostic &diagnostic) { messages += (messages.empty() ? "" : "; ") + diagnostic.str(); });
  auto out = std::make_unique<Compiled>();
  if (plant && !plant->lowered)
    plant->apply(module);
  PhaseOptions first;
  first.stopAfter = findPhase("plan");
  auto failed = [&](StringRef what) { return makeError(ErrorKind::Internal, what.str(), ": ", messages); };
  if (mlir::failed(runPhases(module, first)))
    return failed("the phases in front of lower failed");
  FailureOr<Manifest> manifest = buildManifest(module, "random");
  if (mlir::failed(manifest))
    return failed("no manifest");
  out->manifest = std::move(*manifest);
  if (mlir::failed(lower(module, plant)))
    return failed("the lower phase failed");
  auto objects = emitSharedObjects(module, signatureOf(out->manifest));
  if (!objects)
    return makeError(ErrorKind::Internal, llvm::toString(objects.takeError()), messages);
  ATTNC_TRY(out->code, LoadedCode::load(std::as_bytes(std::span(objects->front()))));
  return std::move(out);
}

Expected<std::vector<reference::Value>> Compiled::run(ModuleOp original, const Case &inputs) const {
  auto function = original.lookupSymbol<func::FuncOp>("main");
  std::map<std::string, const reference::Value *> given;
  for (auto [number, value] : llvm::enumerate(inputs.arguments))
    given[nameOf(function.getArgAttrDict(number))] = &value;

  std::vector<int64_t> dims;
  for (const std::string &name : entry().dims)
    dims.push_back(inputs.sizes.contains(name) ? inputs.sizes.at(name) : -1);
  auto size = reinterpret_cast<attnc_size_fn>(code->find(entry().sizeSymbol));
  auto run = reinterpret_cast<attnc_entry_fn>(code->find(entry().symbol));
  int64_t arenaBytes = size(dims.data());
  if (arenaBytes < 0)
    return makeError(ErrorKind::Internal, "the sizes are refused: ", arenaBytes);

  std::vector<Banded> buffers;
  std::map<std::string, std::pair<size_t, const TensorDecl *>> written; // results
  for (const TensorDecl &input : entry().inputs)
    buffers.push_back(pack(*given.at(input.name), input.dtype));
  auto shapeOf = [&](const TensorDecl &decl) {
    llvm::SmallVector<int64_t> shape;
    for (const Dim &dim : decl.shape)
      shape.push_back(dim.isStatic() ? dim.value : dims[size_t(dimIndex(entry(), dim.name))]);
    return shape;
  };
  for (const TensorDecl &output : entry().outputs) {
    written[output.name] = {buffers.size(), &output};
    buffers.push_back(Banded(bytesOf(output.dtype, size_t(reference::numElements(shapeOf(output))))));
  }
  for (const StateUse &use : entry().states) {
    const StateDecl &state = manifest.states[size_t(use.state)];
    written[state.name] = {buffers.size(), &state};
    buffers.push_back(pack(*given.at(state.name), state.dtype));
  }
  for (int weight : entry().weights)
    buffers.push_back(pack(inputs.weights.at(manifest.weights[size_t(weight)].name), manifest.weights[size_t(weight)].dtype));

  Banded arena(std::max<size_t>(size_t(arenaBytes), 1));
  std::vector<void *> pointers;
  for (const Banded &buffer : buffers)
    pointers.push_back(buffer.data());
  attnc_control control{int32_t(sizeof(attnc_control)), 0, nullptr, 1'000'000, nullptr, nullptr, nullptr};
  if (int32_t stop = run(pointers.data(), dims.data(), arena.data(), &control))
    return makeError(ErrorKind::Internal, "the run stopped by itself: ", stop);
  for (const auto &[number, buffer] : llvm::enumerate(buffers))
    if (!buffer.isIntact())
      return makeError(ErrorKind::Internal, "bytes beside buffer ", number, " were written");
  if (!arena.isIntact())
    return makeError(ErrorKind::Internal, "bytes beside the arena were written");

  std::vector<reference::Value> results;
  for (auto [number, type] : llvm::enumerate(function.getResultTypes())) {
    auto [at, decl] = written.at(nameOf(function.getResultAttrDict(number)));
    results.push_back(unpack(buffers[at], decl->dtype, shapeOf(*decl), type));
  }
  return results;
}

} // namespace attnc::fuzz
