// The command line of `attnc bench` and `attnc-bench`.
#pragma once

#include "attnc/Runtime/RunOptions.h"
#include <map>

namespace attnc {

/// What inputs are made of that nobody gave: uniform from `least` to `most`, which integers may reach.
struct InputRange {
  std::string input;
  double least = 0, most = 0;
};

/// `RunOptions` says what runs; its outputs are not written.
struct BenchOptions : RunOptions {
  std::map<std::string, int64_t> sizes; // --size NAME=N, of inputs that are not given
  std::vector<InputRange> ranges;       // --range NAME=LEAST:MOST
  int64_t seed = 1;
  std::string other;  // --alternate PACKAGE
  int64_t repeat = 0; // samples; 0: what fits two seconds, from 15 to 1000
  bool json = false;
  std::string report; // --report FILE.html
};

struct ParsedBenchOptions {
  std::optional<BenchOptions> options;
  int exitCode = 0;
};
ParsedBenchOptions parseBenchOptions(int argc, const char *const *argv, const std::string &program);

/// All inputs of a function: the given ones, and random ones of the sizes that these and --size say.
Expected<std::vector<NamedTensor>> benchInputs(const BenchOptions &options, const Function &function);

/// Parses, measures, shows; returns the exit code.
int benchMain(int argc, const char *const *argv, const std::string &program);

} // namespace attnc
