// A session: states, an arena, and the calls of one thread at a time.
#pragma once

#include "Buffer.h"
#include "LoadedPackage.h"
#include "Pool.h"
#include "attnc/Runtime/Ring.h"
#include "attnc/Runtime/Sizes.h"
#include "attnc/Support/TensorFiles.h"
#include <atomic>

namespace attnc {

/// A caller's tensor. Strides in elements; null: contiguous, row-major.
struct TensorRef {
  DType dtype = DType::F32;
  int rank = 0;
  const int64_t *shape = nullptr, *strides = nullptr;
  std::byte *data = nullptr;
};

struct InputRef {
  std::string_view name;
  TensorRef tensor;
};

/// A wanted output: written to `into` if that is given, else to a new tensor.
struct OutputRef {
  std::string_view name;
  std::optional<TensorRef> into;
  Tensor result;
};

struct RunControl {
  const volatile int32_t *cancel = nullptr;
  int64_t stepLimit = 0; // 0: none
  attnc_kernel_time *kernelTimes = nullptr; // one a kernel of the function, or null
};

struct Capacity {
  std::string name;
  int64_t value;
};

class Session {
public:
  static Expected<std::unique_ptr<Session>> create(std::shared_ptr<const LoadedPackage> package,
                                                   std::span<const Capacity> capacities, int threads);

  Status run(std::string_view function, std::span<const InputRef> inputs, std::span<OutputRef> outputs,
             const RunControl &control);
  void reset();
  /// States begin again where they lie; the session's sizes stay.
  Status rewind();
  /// Appends all states to a file, which the caller commits.
  Status save(AtomicFile &file);
  Status restore(const std::string &path);

  const LoadedPackage &package() const { return *loaded; }
  int threads() const { return pool->size(); }

  // For lib/Runtime/CApi.cpp.
  std::atomic_flag inUse;
  std::string message;

private:
  /// A size that states have: one value a session.
  struct StateDim {
    std::string name;
    int64_t value;
    bool isCapacity;
  };
  struct State {
    const StateDecl *decl;
    Buffer buffer;
    Shape shape;
    uint64_t bytes = 0;
    bool ready = false;
  };
  /// What a function's calls use again and again.
  struct Call {
    const LoadedFunction *function;
    Sizes sizes;
    std::vector<int> stateDim; // for each size of the function: index into stateDims, or -1
    std::vector<void *> buffers;
    std::vector<Buffer> staging; // for inputs and outputs that are not used in place
    std::vector<TensorRef> given, wanted;
    std::vector<OutputRef *> claimed;
    Shape shape;
  };

  /// A file that is being read back: nothing of the session changes before all of it fits.
  struct Restoring {
    const SafetensorsFile &file;
    std::vector<Tensor> tensors; // one a state
    std::vector<std::optional<Ring>> rings;
    std::vector<StateDim> dims;
  };

  explicit Session(std::shared_ptr<const LoadedPackage> package);
  int stateDimIndex(std::string_view name) const;
  Status checkReadyFor(const Function &function) const;
  Status matchInputs(Call &call, std::span<const InputRef> inputs);
  Status matchOutputs(Call &call, std::span<OutputRef> outputs);
  Status bindSizes(Call &call);
  Expected<int64_t> planSizes(Call &call);
  Status placeInputs(Call &call);
  Status placeOutputs(Call &call);
  Status prepareStates(Call &call, const RunControl &control);
  Status invoke(Call &call, int64_t arenaBytes, const RunControl &control, bool limited);
  void finishOutputs(Call &call);

  // SessionState.cpp
  Status allocateState(State &state);
  Status initialise(State &state, const RunControl &control);
  Status runInit(int function, const RunControl &control);
  Status checkStateNames(const SafetensorsFile &file) const;
  Status readState(Restoring &work, const StateDecl &decl) const;
  Status readRing(Restoring &work, size_t index) const;
  Status fillState(State &state, const Tensor &tensor, const std::optional<Ring> &ring);

  std::shared_ptr<const LoadedPackage> loaded;
  std::vector<StateDim> stateDims;
  std::vector<State> states;
  std::vector<Call> calls; // one a function
  Buffer arena;
  std::unique_ptr<Pool> pool; // that compiled code shares its loops with
  bool halfWritten = false;
};

} // namespace attnc
