// The command line of `attnc-run` and `attnc run`, and how its tensors come and go.
#pragma once

#include "attnc/Package/Manifest.h"
#include "attnc/Support/AtomicFile.h"

#include <functional>

namespace attnc {

struct RunOptions {
  struct Assignment {
    std::string name, value;
  };
  std::string model;
  bool reference = false;              // --reference
  std::string entry = "main";
  std::vector<Assignment> inputs;      // --input NAME=@FILE.npy | NAME=1,2,3
  std::string inputsFile, prefix;      // --inputs, --prefix
  std::vector<Assignment> outputs;     // --output NAME=@FILE.npy, the value without "@"
  std::string outputsFile;             // --outputs
  std::string stateIn, stateOut;       // --state-in, --state-out
  std::vector<std::pair<std::string, int64_t>> capacities; // --capacity NAME=N
  std::string weights, cpuLevel;
  int threads = 0;
  int64_t stepLimit = 0;
  std::string steps; // --steps FILE.svg
};

/// Options, or the exit code of a program that is done: 0 after --help, 2 after a wrong command
/// line, which was explained in a sentence on standard error.
struct ParsedRunOptions {
  std::optional<RunOptions> options;
  int exitCode = 0;
};
/// `withReference`: whether --reference is one of the options.
ParsedRunOptions parseRunOptions(int argc, const char *const *argv, const std::string &program, bool withReference);

/// Of a function's inputs, in its order, those that --input and --inputs give, in the declared
/// dtypes. Shapes are the given ones; whether they fit is for whoever runs.
Expected<std::vector<std::optional<Tensor>>> givenInputs(const RunOptions &options, std::string_view function,
                                                         std::span<const TensorDecl> inputs);
/// The same, where all have to be given.
Expected<std::vector<NamedTensor>> collectInputs(const RunOptions &options, std::string_view function,
                                                 std::span<const TensorDecl> inputs);

/// Where outputs go. The files are made (as temporaries) before the run, so that a place that cannot
/// be written is known early, and get their names in commit.
class RunOutputs {
public:
  static Expected<RunOutputs> open(const RunOptions &options, std::string_view function,
                                   std::span<const TensorDecl> outputs);
  /// Whether this output is written or, if no file was named, shown.
  bool wants(std::string_view name) const;
  /// Writes the files, or prints the table of outputs if none was named.
  Status write(std::span<const NamedTensor> outputs);
  Status commit();

private:
  struct Single {
    std::string name;
    AtomicFile file;
  };
  std::vector<Single> singles;
  std::optional<AtomicFile> archive;
};

/// Name, dtype, shape and first values of tensors.
std::string tensorTable(std::span<const NamedTensor> tensors);

/// Runs an entry of a package or, with --reference, of a model. `cancel` turns non-zero when the run is to stop.
using RunFunction = std::function<Status(const RunOptions &options, const volatile int32_t &cancel)>;
Status runPackage(const RunOptions &options, const volatile int32_t &cancel);

/// Runs a command whose options are parsed. Returns its exit code: 1 with a sentence on standard error where it failed.
int runCommand(const std::string &program, const std::function<Status()> &command);

/// attnc-run, and `attnc run`, which knows what --reference does: parses, runs, writes; returns the exit code.
int runMain(int argc, const char *const *argv, const std::string &program, const RunFunction &reference = {});

} // namespace attnc
