// One call: match names, bind sizes, place buffers, make states ready, invoke. Nothing of the session
// changes before everything that the caller gave has been checked.
#include "Session.h"
#include "attnc/Support/Text.h"
#include <algorithm>
#include <cstring>

namespace attnc {
namespace {

alignas(bufferAlignment) std::byte nothing[bufferAlignment]; // the address of empty tensors

bool isContiguous(const TensorRef &t) {
  if (!t.strides || tensorBytes(t.dtype, std::span(t.shape, size_t(t.rank))).value_or(0) == 0)
    return true;
  int64_t expected = 1;
  for (int i = t.rank; i-- > 0;) {
    if (t.shape[i] != 1 && t.strides[i] != expected)
      return false;
    expected *= t.shape[i];
  }
  return true;
}

bool isAligned(const void *data) { return reinterpret_cast<uintptr_t>(data) % bufferAlignment == 0; }

uint64_t bytesOf(const TensorRef &t) {
  return tensorBytes(t.dtype, std::span(t.shape, size_t(t.rank))).value_or(0);
}

/// Copies a strided tensor into row-major order.
void gather(const TensorRef &from, std::byte *to) {
  size_t item = dtypeSize(from.dtype);
  uint64_t count = bytesOf(from) / item;
  int64_t index[maxRank] = {};
  const std::byte *at = from.data;
  for (uint64_t i = 0; i < count; ++i, to += item) {
    std::memcpy(to, at, item);
    for (int d = from.rank; d-- > 0;) {
      at += from.strides[d] * int64_t(item);
      if (++index[d] < from.shape[d])
        break;
      at -= from.strides[d] * from.shape[d] * int64_t(item);
      index[d] = 0;
    }
  }
}

std::vector<std::string> namesOf(const std::vector<TensorDecl> &list) {
  std::vector<std::string> out;
  for (auto &t : list)
    out.push_back(t.name);
  return out;
}

int findDecl(const std::vector<TensorDecl> &list, std::string_view name) {
  for (size_t i = 0; i < list.size(); ++i)
    if (list[i].name == name)
      return int(i);
  return -1;
}

Error noMemory(uint64_t bytes, std::string_view what) {
  return makeError(ErrorKind::Memory, "not enough memory: ", bytes, " bytes for ", what);
}

} // namespace

Session::Session(std::shared_ptr<const LoadedPackage> package) : loaded(std::move(package)) {
  const Manifest &m = loaded->manifest();
  for (auto &decl : m.states) {
    states.push_back({&decl, {}, Shape(decl.shape.size()), 0, false});
    for (auto &dim : decl.shape)
      if (!dim.isStatic() && stateDimIndex(dim.name) < 0)
        stateDims.push_back({dim.name, -1, dim.kind == Dim::Kind::Capacity});
  }
  for (auto &f : loaded->functions()) {
    const Function &decl = *f.decl;
    size_t tensors = decl.inputs.size() + decl.outputs.size();
    Call call{
        &f,
        Sizes(decl),
        std::vector<int>(decl.dims.size(), -1),
        {},
        std::vector<Buffer>(tensors),
        std::vector<TensorRef>(decl.inputs.size()),
        std::vector<TensorRef>(decl.outputs.size()),
        std::vector<OutputRef *>(decl.outputs.size()),
        {},
    };
    call.shape.reserve(maxRank);
    // A size is the session's if a state that the function uses (or makes) has it, or it is a capacity.
    auto share = [&](const StateDecl &state) {
      for (auto &dim : state.shape)
        if (int at = dim.isStatic() ? -1 : dimIndex(decl, dim.name); at >= 0)
          call.stateDim[size_t(at)] = stateDimIndex(dim.name);
    };
    for (auto &use : decl.states)
      share(m.states[size_t(use.state)]);
    for (auto &state : m.states)
      if (state.init && &m.functions[size_t(*state.init)] == &decl)
        share(state);
    for (size_t i = 0; i < decl.dims.size(); ++i)
      if (m.isCapacity(decl.dims[i]))
        call.stateDim[i] = stateDimIndex(decl.dims[i]);
    call.buffers.assign(tensors + decl.states.size(), nothing);
    for (int w : decl.weights)
      call.buffers.push_back(const_cast<std::byte *>(loaded->weight(w)));
    calls.push_back(std::move(call));
  }
}

Expected<std::unique_ptr<Session>> Session::create(std::shared_ptr<const LoadedPackage> package,
                                                   std::span<const Capacity> capacities, int threads) {
  std::unique_ptr<Session> out(new Session(std::move(package)));
  out->pool = std::make_unique<Pool>(threadCount(threads));
  std::vector<std::string> known;
  for (auto &dim : out->stateDims)
    if (dim.isCapacity)
      known.push_back(dim.name);
  for (auto &c : capacities) {
    int at = out->stateDimIndex(c.name);
    if (at < 0 || !out->stateDims[size_t(at)].isCapacity)
      return makeError(ErrorKind::Argument, "the package has no capacity '", c.name, "' (it has ",
                       quotedList(known), ")");
    if (c.value < 1 || c.value > maxDim)
      return makeError(ErrorKind::Argument, "capacity '", c.name, "' is ", c.value, ", expected at least 1");
    out->stateDims[size_t(at)].value = c.value;
  }
  for (auto &state : out->states) {
    const auto &ring = state.decl->ring;
    if (!ring || state.decl->shape[size_t(ring->dim)].isStatic())
      continue;
    auto &dim = out->stateDims[size_t(out->stateDimIndex(state.decl->shape[size_t(ring->dim)].name))];
    if (dim.value >= 0 && dim.value <= ring->pinned)
      return makeError(ErrorKind::Argument, "capacity '", dim.name, "' is ", dim.value, ", expected more than the ",
                       ring->pinned, " pinned rows of state '", state.decl->name, "'");
  }
  return out;
}

int Session::stateDimIndex(std::string_view name) const {
  for (size_t i = 0; i < stateDims.size(); ++i)
    if (stateDims[i].name == name)
      return int(i);
  return -1;
}

Status Session::run(std::string_view name, std::span<const InputRef> inputs, std::span<OutputRef> outputs,
                    const RunControl &control) {
  Call *call = nullptr;
  for (auto &c : calls)
    if (c.function->decl->name == name && c.function->decl->kind == Function::Kind::Entry)
      call = &c;
  if (!call)
    return makeError(ErrorKind::Argument, "the package has no entry '", name, "' (it has ",
                     quotedList(loaded->manifest().entryNames()), ")");
  ATTNC_CHECK(checkReadyFor(*call->function->decl));
  ATTNC_CHECK(matchInputs(*call, inputs));
  ATTNC_CHECK(matchOutputs(*call, outputs));
  ATTNC_CHECK(bindSizes(*call));
  ATTNC_TRY(int64_t arenaBytes, planSizes(*call));
  ATTNC_CHECK(placeInputs(*call));
  ATTNC_CHECK(placeOutputs(*call));
  if (control.cancel && *control.cancel)
    return makeError(ErrorKind::Cancelled, "the run was cancelled");
  ATTNC_CHECK(prepareStates(*call, control));
  ATTNC_CHECK(invoke(*call, arenaBytes, control, /*limited=*/true));
  finishOutputs(*call);
  return {};
}

Status Session::checkReadyFor(const Function &function) const {
  if (halfWritten && !function.states.empty())
    return makeError(ErrorKind::Argument,
                     "the last run stopped and left the session's states half written: reset or restore it");
  return {};
}

Status Session::matchInputs(Call &call, std::span<const InputRef> inputs) {
  const Function &f = *call.function->decl;
  for (auto &t : call.given)
    t.rank = -1; // not given
  for (auto &input : inputs) {
    int at = findDecl(f.inputs, input.name);
    if (at < 0)
      return makeError(ErrorKind::Argument, "'", f.name, "' has no input '", input.name, "' (it has ",
                       quotedList(namesOf(f.inputs)), ")");
    TensorRef &slot = call.given[size_t(at)];
    if (slot.rank >= 0)
      return makeError(ErrorKind::Argument, "input '", input.name, "' is given twice");
    if (input.tensor.dtype != f.inputs[size_t(at)].dtype)
      return makeError(ErrorKind::Argument, "expected input '", input.name, "' of dtype ",
                       dtypeName(f.inputs[size_t(at)].dtype), ", found ", dtypeName(input.tensor.dtype));
    slot = input.tensor;
  }
  for (size_t i = 0; i < f.inputs.size(); ++i)
    if (call.given[i].rank < 0)
      return makeError(ErrorKind::Argument, "input '", f.inputs[i].name, "' of '", f.name, "' is missing");
  return {};
}

Status Session::matchOutputs(Call &call, std::span<OutputRef> outputs) {
  const Function &f = *call.function->decl;
  std::fill(call.claimed.begin(), call.claimed.end(), nullptr);
  for (auto &output : outputs) {
    int at = findDecl(f.outputs, output.name);
    if (at < 0)
      return makeError(ErrorKind::Argument, "'", f.name, "' has no output '", output.name, "' (it has ",
                       quotedList(namesOf(f.outputs)), ")");
    if (std::exchange(call.claimed[size_t(at)], &output))
      return makeError(ErrorKind::Argument, "output '", output.name, "' is asked for twice");
  }
  return {};
}

/// Capacities and states first: they are what inputs have to fit.
Status Session::bindSizes(Call &call) {
  const Function &f = *call.function->decl;
  const Manifest &m = loaded->manifest();
  call.sizes.clear();
  for (size_t i = 0; i < call.stateDim.size(); ++i) {
    if (call.stateDim[i] < 0)
      continue;
    auto &dim = stateDims[size_t(call.stateDim[i])];
    if (dim.value < 0)
      continue;
    Sizes::Source source{dim.isCapacity ? Sizes::Source::Kind::Capacity : Sizes::Source::Kind::State, {}, 0};
    for (auto &use : f.states)
      for (auto &d : m.states[size_t(use.state)].shape)
        if (!d.isStatic() && d.name == dim.name)
          source.name = m.states[size_t(use.state)].name;
    ATTNC_CHECK(call.sizes.bind(int(i), dim.value, source));
  }
  for (size_t i = 0; i < f.inputs.size(); ++i)
    ATTNC_CHECK(call.sizes.bindInput(f.inputs[i], call.given[i].rank, call.given[i].shape));
  for (auto &use : f.states) {
    const StateDecl &state = m.states[size_t(use.state)];
    for (auto &d : state.shape)
      if (call.sizes.value(d) < 0)
        return makeError(ErrorKind::Argument, "size '", d.name, "' of state '", state.name, "' is not known: ",
                         d.kind == Dim::Kind::Capacity
                             ? concat("give the capacity when the session is made (--capacity ", d.name, "=N)")
                             : concat("no input of '", f.name, "' has it, and no earlier call fixed it"));
  }
  return {};
}

/// Sizes that only results have, and the arena's bytes, from the compiled code.
Expected<int64_t> Session::planSizes(Call &call) {
  const Function &f = *call.function->decl;
  Sizes &sizes = call.sizes;
  call.shape.assign(sizes.data(), sizes.data() + sizes.count()); // to compare with afterwards
  int64_t bytes = call.function->size(sizes.data());
  if (bytes < 0) {
    std::string text;
    for (size_t i = 0; i < f.dims.size(); ++i)
      if (call.shape[i] >= 0)
        text += concat(text.empty() ? "" : ", ", f.dims[i], " = ", call.shape[i]);
    return makeError(ErrorKind::Argument, "'", f.name, "' cannot run with these sizes: ", text);
  }
  if (bytes > maxDim)
    return noMemory(uint64_t(bytes), "the arena");
  for (size_t i = 0; i < f.dims.size(); ++i) {
    int64_t before = call.shape[i], after = sizes.at(int(i));
    if (after < 0 || after > maxDim || (before >= 0 && before != after))
      return makeError(ErrorKind::Internal, "the code of '", f.name, "' gives size '", f.dims[i], "' as ", after);
  }
  return bytes;
}

Status Session::placeInputs(Call &call) {
  const Function &f = *call.function->decl;
  for (size_t i = 0; i < f.inputs.size(); ++i) {
    const TensorRef &t = call.given[i];
    auto bytes = tensorBytes(t.dtype, std::span(t.shape, size_t(t.rank)));
    if (!bytes || (*bytes && !t.data))
      return makeError(ErrorKind::Argument, "input '", f.inputs[i].name, "' has ", bytes ? "no data" : "an impossible shape");
    bool contiguous = isContiguous(t);
    std::byte *place = *bytes ? t.data : nothing;
    if (*bytes && (!contiguous || !isAligned(t.data))) {
      place = call.staging[i].reserve(*bytes);
      if (!place)
        return noMemory(*bytes, "an input");
      contiguous ? void(std::memcpy(place, t.data, *bytes)) : gather(t, place);
    }
    call.buffers[i] = place;
  }
  return {};
}

/// New results, the caller's tensors, or scratch for outputs that nobody wants.
Status Session::placeOutputs(Call &call) {
  const Function &f = *call.function->decl;
  for (size_t i = 0; i < f.outputs.size(); ++i) {
    const TensorDecl &decl = f.outputs[i];
    Shape &shape = call.shape;
    shape.clear();
    for (auto &dim : decl.shape)
      shape.push_back(call.sizes.value(dim));
    auto bytes = tensorBytes(decl.dtype, shape);
    if (!bytes)
      return makeError(ErrorKind::Memory, "output '", decl.name, "' would have shape ", shapeText(shape));
    OutputRef *wanted = call.claimed[i];
    std::byte *place = nullptr;
    if (wanted && wanted->into) {
      const TensorRef &t = *wanted->into;
      std::span given(t.shape, size_t(t.rank));
      if (t.dtype != decl.dtype || !std::equal(given.begin(), given.end(), shape.begin(), shape.end()))
        return makeError(ErrorKind::Argument, "expected a tensor of ", dtypeName(decl.dtype), " ", shapeText(shape),
                         " for output '", decl.name, "', found ", dtypeName(t.dtype), " ", shapeText(given));
      if (!isContiguous(t) || (*bytes && !t.data))
        return makeError(ErrorKind::Argument, "the tensor for output '", decl.name, "' is not contiguous");
      place = isAligned(t.data) ? t.data : nullptr;
    } else if (wanted) {
      ATTNC_TRY(wanted->result, Tensor::allocate(decl.dtype, shape));
      place = wanted->result.mutableData();
    }
    if (*bytes == 0)
      place = nothing;
    else if (!place)
      place = call.staging[f.inputs.size() + i].reserve(*bytes);
    if (!place)
      return noMemory(*bytes, "an output");
    call.buffers[f.inputs.size() + i] = place;
  }
  return {};
}

/// Fixes the session's sizes, and makes every state that the function uses ready.
Status Session::prepareStates(Call &call, const RunControl &control) {
  const Function &f = *call.function->decl;
  // From here on the session has these sizes, unless making the states fails.
  auto before = [&](size_t i) -> int64_t & { return stateDims[size_t(call.stateDim[i])].value; };
  for (size_t i = 0; i < call.stateDim.size(); ++i)
    if (call.stateDim[i] >= 0 && before(i) < 0)
      before(i) = call.sizes.at(int(i));
  for (size_t i = 0; i < f.states.size(); ++i) {
    State &state = states[size_t(f.states[i].state)];
    if (!state.ready)
      if (auto status = initialise(state, control); !status) {
        reset();
        return status;
      }
    call.buffers[f.inputs.size() + f.outputs.size() + i] = state.bytes ? state.buffer.data() : nothing;
  }
  return {};
}

Status Session::invoke(Call &call, int64_t arenaBytes, const RunControl &control, bool limited) {
  const Function &f = *call.function->decl;
  std::byte *scratch = arena.reserve(uint64_t(arenaBytes));
  if (!scratch)
    return noMemory(uint64_t(arenaBytes), "the arena");
  bool limit = limited && control.stepLimit > 0;
  attnc_control c{int32_t(sizeof(attnc_control)), ATTNC_STOP_NONE, control.cancel,
                  limit ? control.stepLimit : INT64_MAX, limited ? control.kernelTimes : nullptr, Pool::parallel, pool.get()};
  int32_t stop = call.function->run(call.buffers.data(), call.sizes.data(), scratch, &c);
  if (stop == ATTNC_STOP_NONE)
    return {};
  for (auto &use : f.states)
    halfWritten |= use.writes;
  if (stop == ATTNC_STOP_CANCELLED)
    return makeError(ErrorKind::Cancelled, "the run was cancelled");
  if (stop == ATTNC_STOP_STEP_LIMIT && limit)
    return makeError(ErrorKind::StepLimit, "'", f.name, "' stopped at the step limit of ", control.stepLimit,
                     " loop iterations");
  return makeError(ErrorKind::Internal, "the code of '", f.name, "' returned ", stop);
}

/// Results that could not be written in place go to the caller's tensors.
void Session::finishOutputs(Call &call) {
  const Function &f = *call.function->decl;
  for (size_t i = 0; i < f.outputs.size(); ++i) {
    OutputRef *wanted = call.claimed[i];
    if (!wanted || !wanted->into)
      continue;
    uint64_t bytes = bytesOf(*wanted->into);
    if (bytes && call.buffers[f.inputs.size() + i] != wanted->into->data)
      std::memcpy(wanted->into->data, call.buffers[f.inputs.size() + i], bytes);
  }
}

} // namespace attnc
