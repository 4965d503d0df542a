// What a benchmark measures, and how it is shown.
#pragma once

#include "attnc/Runtime/BenchOptions.h"

namespace attnc {

/// Samples of one quantity.
struct Series {
  std::vector<double> values;
  /// 0 is the least, 0.5 the median, 1 the greatest; linear between samples.
  double quantile(double q) const;
  double median() const { return quantile(0.5); }
};

/// One kernel of the function: its launches of one run.
struct KernelBench {
  KernelInfo info;
  int64_t calls = 0;                  // of one run, as counted
  Series seconds;                     // of one run
  std::optional<double> flops, bytes; // of one call, predicted
};

/// One of the packages that run in turn.
struct PackageBench {
  std::string path, level;
  Series seconds;
  std::vector<KernelBench> kernels; // the costliest first
  uint64_t weightBytes = 0;         // that the function reads
};

struct BenchResult {
  std::string cpu, entry;
  std::vector<std::pair<std::string, int64_t>> sizes;
  int threads = 0;
  std::vector<PackageBench> packages; // one or two
  Series fma, read;                   // FLOP and bytes a second of one core
  Series ratio;                       // first over second, sample by sample
  std::vector<NamedTensor> inputs, outputs; // of the first package
};

/// "2·B·T·768 + 64" at these sizes; nothing if it is no such formula or a size is missing.
std::optional<double> evaluateFormula(std::string_view formula, const std::vector<std::pair<std::string, int64_t>> &sizes);

std::string benchTable(const BenchResult &result, size_t width);
std::string benchJson(const BenchResult &result);
/// HTML that stands alone.
std::string benchPage(const BenchResult &result);

std::string fixedDigits(double value, int digits);
/// Three or four significant digits: "0.0123", "12.3".
std::string milliseconds(double seconds);
std::string percent(double share);

} // namespace attnc
