// States: how they begin, how they are saved and restored. Rings are saved as rows (attnc/Runtime/Ring.h).
#include "Session.h"
#include "attnc/Support/TensorFiles.h"
#include "attnc/Support/Text.h"
#include <algorithm>
#include <cstring>
#include <utility>

namespace attnc {
namespace {

constexpr std::string_view signatureKey = "attnc.signature", nameKey = "attnc.package";

template <class... Parts> Error wrong(const Parts &...parts) {
  return makeError(ErrorKind::Argument, parts...);
}

} // namespace

void Session::reset() {
  for (auto &state : states)
    state.ready = false;
  for (auto &dim : stateDims)
    if (!dim.isCapacity)
      dim.value = -1;
  halfWritten = false;
}

Status Session::rewind() {
  halfWritten = false;
  std::vector<State *> used;
  for (auto &state : states)
    if (std::exchange(state.ready, false))
      used.push_back(&state);
  for (State *state : used)
    if (!state->ready) // one function makes several
      ATTNC_CHECK(initialise(*state, {}));
  return {};
}

/// Memory for a state whose sizes are all known; not initialised.
Status Session::allocateState(State &state) {
  const StateDecl &decl = *state.decl;
  for (size_t i = 0; i < decl.shape.size(); ++i) {
    const Dim &dim = decl.shape[i];
    state.shape[i] = dim.isStatic() ? dim.value : stateDims[size_t(stateDimIndex(dim.name))].value;
    if (state.shape[i] < 0)
      return makeError(ErrorKind::Argument, "size '", dim.name, "' of state '", decl.name, "' is not known yet: ",
                       dim.kind == Dim::Kind::Capacity ? "give it when the session is made" : "run an entry first");
  }
  auto bytes = tensorBytes(decl.dtype, state.shape);
  if (!bytes || !state.buffer.reserve(*bytes))
    return makeError(ErrorKind::Memory, "not enough memory for state '", decl.name, "' of shape ",
                     shapeText(state.shape));
  state.bytes = *bytes;
  return {};
}

Status Session::initialise(State &state, const RunControl &control) {
  if (state.decl->init)
    return runInit(*state.decl->init, control);
  ATTNC_CHECK(allocateState(state));
  std::memset(state.buffer.data(), 0, state.bytes);
  state.ready = true;
  return {};
}

/// Runs an init function; its results are written where the states lie.
Status Session::runInit(int function, const RunControl &control) {
  Call &call = calls[size_t(function)];
  auto makes = [&](const State &state) { return state.decl->init && *state.decl->init == function; };
  for (auto &state : states)
    if (makes(state))
      ATTNC_CHECK(allocateState(state));
  ATTNC_CHECK(bindSizes(call));
  ATTNC_TRY(int64_t arenaBytes, planSizes(call));
  std::fill(call.claimed.begin(), call.claimed.end(), nullptr);
  ATTNC_CHECK(placeOutputs(call)); // results that are no state's go to scratch
  for (auto &state : states)
    if (makes(state) && state.bytes)
      call.buffers[size_t(state.decl->initResult)] = state.buffer.data(); // an init function has no inputs
  // The step limit is the entry's; cancelling works here too.
  ATTNC_CHECK(invoke(call, arenaBytes, control, /*limited=*/false));
  for (auto &state : states)
    state.ready |= makes(state);
  return {};
}

Status Session::save(AtomicFile &file) {
  if (halfWritten)
    return makeError(ErrorKind::Argument, "the last run stopped and left the session's states half written: "
                                          "reset or restore it");
  std::vector<NamedTensor> tensors;
  for (auto &state : states) {
    if (!state.ready)
      ATTNC_CHECK(initialise(state, {}));
    tensors.push_back({state.decl->name, Tensor::borrow(state.decl->dtype, state.shape, state.buffer.data(), nullptr)});
  }
  for (size_t i = 0; i < states.size(); ++i) {
    const auto &ring = states[i].decl->ring;
    if (!ring)
      continue;
    State &state = states[i];
    const State &count = states[size_t(loaded->manifest().findState(ring->count))];
    ATTNC_TRY(Ring r, makeRing(*ring, state.shape[size_t(ring->dim)],
                               Tensor::borrow(count.decl->dtype, {}, count.buffer.data(), nullptr)));
    ATTNC_TRY(Tensor out, ringToRows(r, tensors[i].tensor));
    tensors[i].tensor = std::move(out);
  }
  Metadata metadata;
  metadata[std::string(signatureKey)] = loaded->signature();
  metadata[std::string(nameKey)] = loaded->manifest().name;
  return writeSafetensors(file, tensors, metadata);
}

Status Session::restore(const std::string &path) {
  ATTNC_TRY(SafetensorsFile file, SafetensorsFile::open(path));
  Restoring work{file, {}, {}, stateDims};
  for (auto &dim : work.dims)
    dim.value = dim.isCapacity ? dim.value : -1;
  auto check = [&]() -> Status {
    ATTNC_CHECK(checkStateNames(file));
    for (auto &state : states)
      ATTNC_CHECK(readState(work, *state.decl));
    for (size_t i = 0; i < states.size(); ++i)
      ATTNC_CHECK(readRing(work, i));
    return {};
  };
  if (auto status = check(); !status)
    return inContext(concat("'", path, "'"), status.takeError());
  // Everything fits: the session changes.
  reset();
  stateDims = std::move(work.dims);
  for (size_t i = 0; i < states.size(); ++i)
    if (auto status = fillState(states[i], work.tensors[i], work.rings[i]); !status) {
      reset();
      return status;
    }
  return {};
}

Status Session::checkStateNames(const SafetensorsFile &file) const {
  auto saved = file.metadata().find(std::string(signatureKey));
  if (saved != file.metadata().end() && saved->second != loaded->signature())
    return wrong("these states were saved by a package with other functions or states");
  std::vector<std::string> names;
  for (auto &state : states)
    names.push_back(state.decl->name);
  for (auto &entry : file.entries())
    if (loaded->manifest().findState(entry.name) < 0)
      return wrong("the package has no state '", entry.name, "' (it has ", quotedList(names), ")");
  for (auto &name : names)
    if (!file.find(name))
      return wrong("state '", name, "' is missing");
  return {};
}

/// One state's tensor, in the state's dtype; its named sizes are bound, except a ring's length.
Status Session::readState(Restoring &work, const StateDecl &decl) const {
  auto &entry = *work.file.find(decl.name);
  bool fits = entry.shape.size() == decl.shape.size();
  for (size_t i = 0; fits && i < decl.shape.size(); ++i) {
    const Dim &dim = decl.shape[i];
    if (decl.ring && decl.ring->dim == int(i))
      continue;
    if (dim.isStatic()) {
      fits = dim.value == entry.shape[i];
      continue;
    }
    StateDim &size = work.dims[size_t(stateDimIndex(dim.name))];
    if (size.value < 0 && !size.isCapacity)
      size.value = entry.shape[i];
    if (size.value != entry.shape[i])
      return wrong("size '", dim.name, "' is ", size.value < 0 ? "not given" : concat(size.value), ", but ",
                   entry.shape[i], " in state '", decl.name, "'");
  }
  if (!fits)
    return wrong("expected state '", decl.name, "' of shape ", shapeText(decl.shape), ", found ",
                 shapeText(entry.shape));
  auto converted = convertTensor(work.file.tensor(entry), decl.dtype);
  if (!converted)
    return inContext(concat("state '", decl.name, "'"), converted.takeError());
  work.tensors.push_back(std::move(*converted));
  return {};
}

/// How many rows were appended to a ring, and whether the file has those that are still valid.
Status Session::readRing(Restoring &work, size_t index) const {
  const StateDecl &decl = *states[index].decl;
  work.rings.emplace_back();
  if (!decl.ring)
    return {};
  const Dim &dim = decl.shape[size_t(decl.ring->dim)];
  int64_t length = dim.isStatic() ? dim.value : work.dims[size_t(stateDimIndex(dim.name))].value;
  if (length < 0)
    return wrong("size '", dim.name, "' of state '", decl.name, "' is a capacity: give it when the session is made "
                                                                "(--capacity ",
                 dim.name, "=N)");
  const Tensor &count = work.tensors[size_t(loaded->manifest().findState(decl.ring->count))];
  ATTNC_TRY(Ring ring, makeRing(*decl.ring, length, count));
  ATTNC_CHECK(checkRows(ring, decl, work.tensors[index].shape()));
  work.rings.back() = ring;
  return {};
}

Status Session::fillState(State &state, const Tensor &tensor, const std::optional<Ring> &ring) {
  ATTNC_CHECK(allocateState(state));
  if (!ring && state.bytes)
    std::memcpy(state.buffer.data(), tensor.data(), state.bytes);
  if (ring)
    rowsToRing(*ring, tensor, state.buffer.data());
  state.ready = true;
  return {};
}

} // namespace attnc
