// The states of a model while one entry runs: where they come from, what sizes they fix, where they go.
#pragma once

#include "Convert.h"
#include "attnc/Runtime/Ring.h"
#include "attnc/Runtime/RunOptions.h"
#include "attnc/Runtime/Sizes.h"
#include "attnc/Support/TensorFiles.h"

namespace attnc::reference {

class States {
public:
  States(const Manifest &signature, const Function &function);

  // In this order, since states have to fit the capacities, and inputs the states.
  Status bindCapacities(const std::vector<std::pair<std::string, int64_t>> &capacities);
  Status restore(const std::string &path);
  Status bindInputs(const std::vector<NamedTensor> &inputs);

  /// Runs a function that makes initial states, on sizes.
  using Call = llvm::function_ref<Expected<std::vector<Value>>(const Function &, llvm::ArrayRef<int64_t>)>;
  /// By its function or with zeros, unless it has a value.
  Status initialise(int state, Call call);
  const attnc::Tensor &get(int state) const { return *values[size_t(state)]; }
  void set(int state, attnc::Tensor value) { values[size_t(state)] = std::move(value); }
  Status save(AtomicFile &file) const;

private:
  Expected<int64_t> sizeOf(const StateDecl &state, size_t axis) const;
  Status bindShape(const StateDecl &state, const Shape &shape);
  Expected<Ring> ringOf(const StateDecl &state) const;

  const Manifest &signature;
  Function session; // the entry's inputs, with the sizes of all states
  Sizes sizes;
  std::vector<std::optional<attnc::Tensor>> values;
};

} // namespace attnc::reference
