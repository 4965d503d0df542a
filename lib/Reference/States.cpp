#include "States.h"

#include "attnc/Support/Text.h"

#include "llvm/ADT/STLExtras.h"

namespace attnc::reference {

static Function withStateSizes(const Manifest &signature, const Function &function) {
  Function out = function;
  for (const StateDecl &state : signature.states)
    for (const Dim &dim : state.shape)
      if (!dim.isStatic() && !llvm::is_contained(out.dims, dim.name))
        out.dims.push_back(dim.name);
  return out;
}

States::States(const Manifest &signature, const Function &function)
    : signature(signature), session(withStateSizes(signature, function)), sizes(session), values(signature.states.size()) {
  sizes.clear();
}

Status States::bindCapacities(const std::vector<std::pair<std::string, int64_t>> &capacities) {
  for (auto &[name, value] : capacities) {
    if (!signature.isCapacity(name))
      return makeError(ErrorKind::Argument, "no state has a capacity '", name, "'");
    ATTNC_CHECK(sizes.bind(dimIndex(session, name), value, {Sizes::Source::Kind::Capacity, {}, 0}));
  }
  return {};
}

Status States::bindInputs(const std::vector<NamedTensor> &inputs) {
  for (auto [decl, input] : llvm::zip_equal(session.inputs, inputs))
    ATTNC_CHECK(sizes.bindInput(decl, int(input.tensor.shape().size()), input.tensor.shape().data()));
  return {};
}

Expected<int64_t> States::sizeOf(const StateDecl &state, size_t axis) const {
  const Dim &dim = state.shape[axis];
  int64_t size = sizes.value(dim);
  if (size < 0)
    return makeError(ErrorKind::Argument, "size '", dim.name, "' of state '", state.name, "' is not known: ",
                     dim.kind == Dim::Kind::Capacity ? concat("give the capacity (--capacity ", dim.name, "=N)")
                                                     : concat("no input of '", session.name, "' has it"));
  return size;
}

/// The shape of a saved state fits; its named sizes become known, except a ring's length.
Status States::bindShape(const StateDecl &state, const Shape &shape) {
  bool fits = shape.size() == state.shape.size();
  for (size_t axis = 0; fits && axis < shape.size(); ++axis) {
    const Dim &dim = state.shape[axis];
    if (state.ring && state.ring->dim == int(axis))
      continue;
    if (dim.isStatic())
      fits = dim.value == shape[axis];
    else
      ATTNC_CHECK(sizes.bind(dimIndex(session, dim.name), shape[axis], {Sizes::Source::Kind::State, state.name, 0}));
  }
  if (!fits)
    return makeError(ErrorKind::Argument, "expected state '", state.name, "' of shape ", shapeText(state.shape), ", found ",
                     shapeText(shape));
  return {};
}

Expected<Ring> States::ringOf(const StateDecl &state) const {
  ATTNC_TRY(int64_t length, sizeOf(state, size_t(state.ring->dim)));
  return makeRing(*state.ring, length, get(signature.findState(state.ring->count)));
}

Status States::restore(const std::string &path) {
  ATTNC_TRY(SafetensorsFile file, SafetensorsFile::open(path));
  for (auto &entry : file.entries())
    if (signature.findState(entry.name) < 0)
      return makeError(ErrorKind::Argument, "'", path, "': the model has no state '", entry.name, "'");
  for (auto [state, value] : llvm::zip_equal(signature.states, values)) {
    auto *entry = file.find(state.name);
    if (!entry)
      return makeError(ErrorKind::Argument, "'", path, "': state '", state.name, "' is missing");
    ATTNC_CHECK(bindShape(state, entry->shape));
    ATTNC_TRY(value, convertTensor(file.tensor(*entry), state.dtype));
  }
  for (auto [state, value] : llvm::zip_equal(signature.states, values)) {
    if (!state.ring)
      continue;
    ATTNC_TRY(Ring ring, ringOf(state));
    ATTNC_CHECK(checkRows(ring, state, value->shape()));
    Shape shape = value->shape();
    shape[size_t(ring.axis)] = ring.length;
    ATTNC_TRY(attnc::Tensor slots, attnc::Tensor::allocate(state.dtype, shape));
    rowsToRing(ring, *value, slots.mutableData());
    value = std::move(slots);
  }
  return {};
}

Status States::initialise(int index, Call call) {
  if (values[size_t(index)])
    return {};
  const StateDecl &state = signature.states[size_t(index)];
  if (!state.init) {
    Shape shape;
    for (size_t axis = 0; axis < state.shape.size(); ++axis) {
      ATTNC_TRY(int64_t size, sizeOf(state, axis));
      shape.push_back(size);
    }
    ATTNC_TRY(attnc::Tensor zeros, attnc::Tensor::allocate(state.dtype, shape));
    std::memset(zeros.mutableData(), 0, zeros.bytes());
    set(index, std::move(zeros));
    return {};
  }
  const Function &init = signature.functions[size_t(*state.init)];
  std::vector<int64_t> arguments;
  for (const TensorDecl &size : init.inputs) {
    int at = dimIndex(session, size.name);
    if (at < 0 || sizes.at(at) < 0)
      return makeError(ErrorKind::Argument, "size '", size.name, "', which @", init.name, " makes state '", state.name,
                       "' from, is not known");
    arguments.push_back(sizes.at(at));
  }
  ATTNC_TRY(auto results, call(init, arguments));
  for (auto [at, other] : llvm::enumerate(signature.states))
    if (other.init == state.init && !values[at]) {
      ATTNC_TRY(values[at], toTensor(results[size_t(other.initResult)], other.dtype));
    }
  return {};
}

Status States::save(AtomicFile &file) const {
  std::vector<NamedTensor> tensors;
  for (auto [at, state] : llvm::enumerate(signature.states)) {
    tensors.push_back({state.name, get(int(at))});
    if (!state.ring)
      continue;
    ATTNC_TRY(Ring ring, ringOf(state));
    ATTNC_TRY(tensors.back().tensor, ringToRows(ring, get(int(at))));
  }
  return writeSafetensors(file, tensors, {});
}

} // namespace attnc::reference
