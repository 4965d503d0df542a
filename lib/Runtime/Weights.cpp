#include "attnc/Runtime/Weights.h"
#include "Buffer.h"
#include "attnc-c/KernelAbi.h"

namespace attnc {
namespace {

alignas(bufferAlignment) std::byte nothing[bufferAlignment]; // the address of empty tensors

bool isAligned(const void *data) { return reinterpret_cast<uintptr_t>(data) % bufferAlignment == 0; }

/// Calls a function without sizes and states on its buffers.
Status call(const Function &function, const LoadedCode &code, std::vector<void *> buffers) {
  auto run = reinterpret_cast<attnc_entry_fn>(code.find(function.symbol));
  auto size = reinterpret_cast<attnc_size_fn>(code.find(function.sizeSymbol));
  if (!run || !size)
    return makeError(ErrorKind::Format, "the package lacks the code of '", function.name, "'");
  int64_t noSizes[1] = {}, bytes = size(noSizes);
  Buffer arena;
  std::byte *scratch = bytes < 0 || bytes > maxDim ? nullptr : arena.reserve(uint64_t(bytes));
  if (!scratch)
    return makeError(ErrorKind::Memory, "not enough memory: ", bytes, " bytes for the arena");
  attnc_control control{};
  control.size = sizeof control;
  control.steps_left = INT64_MAX;
  int32_t stop = run(buffers.data(), noSizes, scratch, &control);
  return stop == ATTNC_STOP_NONE ? Status() : makeError(ErrorKind::Internal, "the code of '", function.name, "' returned ", stop);
}

} // namespace

Expected<ModelWeights> ModelWeights::open(const std::string &path, const Manifest &manifest) {
  ATTNC_TRY(WeightFiles files, WeightFiles::open(path));
  ModelWeights weights(std::move(files));
  auto checkAll = [&]() -> Status {
    for (auto &w : manifest.weights)
      if (!w.prepared)
        ATTNC_CHECK(weights.check(w));
    for (auto &s : manifest.sources)
      ATTNC_CHECK(weights.check(s));
    return {};
  };
  if (auto status = checkAll(); !status)
    return inContext(concat("weights '", path, "'"), status.takeError());
  return weights;
}

Status ModelWeights::check(const SourceDecl &decl) const {
  const Tensor *entry = files.find(decl.name);
  if (!entry)
    return makeError(ErrorKind::Argument, "tensor '", decl.name, "' is missing");
  if (entry->shape() != decl.shape)
    return makeError(ErrorKind::Argument, "expected '", decl.name, "' of shape ", shapeText(decl.shape),
                     ", found ", shapeText(entry->shape()));
  if (isFloat(entry->dtype()) != isFloat(decl.dtype))
    return makeError(ErrorKind::Argument, "expected '", decl.name, "' of dtype ", dtypeName(decl.dtype),
                     ", found ", dtypeName(entry->dtype()));
  return {};
}

Expected<Tensor> ModelWeights::read(const SourceDecl &decl) const {
  Tensor tensor = raw(decl);
  if (tensor.dtype() == decl.dtype && isAligned(tensor.data()))
    return tensor;
  ATTNC_TRY(Tensor copy, Tensor::allocate(decl.dtype, decl.shape));
  if (auto status = convertElements(tensor.dtype(), tensor.data(), decl.dtype, copy.mutableData(), copy.elements()); !status)
    return inContext(concat("tensor '", decl.name, "'"), status.takeError());
  return copy;
}

Expected<Tensor> ModelWeights::prepare(const Manifest &manifest, const WeightDecl &weight, const LoadedCode &code) const {
  auto make = [&]() -> Expected<Tensor> {
    std::vector<Tensor> sources;
    std::vector<void *> buffers;
    auto place = [&](const Tensor &t) { buffers.push_back(t.bytes() ? const_cast<std::byte *>(t.data()) : nothing); };
    for (int s : weight.prepared->sources) {
      ATTNC_TRY(Tensor source, read(manifest.sources[size_t(s)]));
      place(source);
      sources.push_back(std::move(source));
    }
    ATTNC_TRY(Tensor result, Tensor::allocate(weight.dtype, weight.shape));
    place(result);
    ATTNC_CHECK(call(manifest.functions[size_t(weight.prepared->function)], code, std::move(buffers)));
    return result;
  };
  auto result = make();
  if (!result)
    return inContext(concat("weight '", weight.name, "'"), result.takeError());
  return result;
}

} // namespace attnc
