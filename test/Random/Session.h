// Programs one after the other, in workers.
#pragma once

#include <cstdint>
#include <string>

namespace attnc::fuzz {

struct RunSettings {
  unsigned cases;
  std::string keep; ///< a folder for programs that fail, or ""
};

/// Runs the program of a seed, or the one of a file on the inputs of a seed; prints it if it fails, or if `show`. The exit code.
int runOne(uint64_t seed, const RunSettings &settings, bool show, const std::string &file);
/// Puts each planted fault (or the one of that name) into programs until one shows it; each has to be found within `count`
/// programs. Ends with "N passed, N failed". The exit code.
int runPlants(uint64_t first, uint64_t count, const std::string &name, const RunSettings &settings);
/// Runs programs in worker processes; ends with "N passed, N failed". The exit code.
int runMany(uint64_t first, uint64_t count, unsigned jobs, const RunSettings &settings, bool coverage);

} // namespace attnc::fuzz
