// What a package holds, for people: signature, states, kernels, memory plan.
#pragma once

#include "attnc/Package/PackageFile.h"
#include <map>

namespace attnc {

struct InspectOptions {
  std::map<std::string, int64_t> sizes; // for evaluating the memory plan
  bool listWeights = false;
  size_t width = 0;   // lines are cut to it; 0: not cut
  bool bold = false;  // headings, on a terminal
};

std::string inspectText(const PackageFile &package, const InspectOptions &options);

/// Offsets of a function's plan at given sizes: offset(a) = max over b below a of offset(b) + size(b).
struct PlanAt {
  std::vector<uint64_t> offsets, sizes;
  uint64_t bytes = 0; // of the whole arena
  uint64_t live = 0;  // the largest sum of buffers that live at one step: no arena is smaller
  int peak = 0;       // that step
};
/// Nothing if a size is missing, not a polynomial, or out of range.
std::optional<PlanAt> evaluatePlan(const Function &function, const std::map<std::string, int64_t> &sizes);

/// A picture (SVG) of where buffers lie and when they live: steps to the right, bytes upward, loops marked, the peak visible.
std::string planPicture(const Function &function, const PlanAt &at, const std::map<std::string, int64_t> &sizes);

/// `attnc inspect PACKAGE [--verify] [--weights] [--at NAME=N]… [--plan FILE.svg]`; returns the exit code.
int inspectMain(int argc, const char *const *argv);

} // namespace attnc
