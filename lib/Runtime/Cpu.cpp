// Levels are those of the x86-64 psABI: avx2 is x86-64-v3, avx512 is x86-64-v4. Features come from
// cpuid, and from xgetbv: the operating system must save the wide registers.
#include "attnc/Runtime/Cpu.h"
#include <cstdlib>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace attnc {
namespace {

struct Feature {
  const char *name;
  bool present;
};

struct Level {
  std::string_view name;
  std::vector<Feature> features; // beyond the level before it

  std::vector<std::string> missing() const {
    std::vector<std::string> out;
    for (auto &f : features)
      if (!f.present)
        out.push_back(f.name);
    return out;
  }
};

#if defined(__x86_64__)
/// From the lowest to the highest.
std::vector<Level> readLevels() {
  uint32_t eax = 0, ebx = 0, ecx1 = 0, edx = 0, ebx7 = 0, ecx = 0, ecxAmd = 0;
  __get_cpuid(1, &eax, &ebx, &ecx1, &edx);
  __get_cpuid_count(7, 0, &eax, &ebx7, &ecx, &edx);
  __get_cpuid(0x80000001, &eax, &ebx, &ecxAmd, &edx);
  uint32_t saved = 0;
  if (ecx1 >> 27 & 1) { // osxsave: xgetbv may be executed
    uint32_t high;
    __asm__ volatile("xgetbv" : "=a"(saved), "=d"(high) : "c"(0));
  }
  bool os256 = (saved & 0x06) == 0x06, os512 = (saved & 0xe6) == 0xe6;
  auto bit = [](uint32_t word, int n) { return bool(word >> n & 1); };
  return {{"avx2",
           {
               {"avx2", os256 && bit(ebx7, 5)},
               {"fma", os256 && bit(ecx1, 12)},
               {"f16c", os256 && bit(ecx1, 29)},
               {"bmi1", bit(ebx7, 3)},
               {"bmi2", bit(ebx7, 8)},
               {"lzcnt", bit(ecxAmd, 5)},
               {"movbe", bit(ecx1, 22)},
           }},
          {"avx512",
           {
               {"avx512f", os512 && bit(ebx7, 16)},
               {"avx512bw", os512 && bit(ebx7, 30)},
               {"avx512cd", os512 && bit(ebx7, 28)},
               {"avx512dq", os512 && bit(ebx7, 17)},
               {"avx512vl", os512 && bit(ebx7, 31)},
           }}};
}
#else
std::vector<Level> readLevels() {
  return {{"avx2", {{"x86-64", false}}}, {"avx512", {{"x86-64", false}}}};
}
#endif

/// ATTNC_MAX_CPU_LEVEL: what is above that level counts as missing. For trying a package as a smaller CPU
/// would run it, wherever the program that opens it has no option of its own.
Status limitLevels(std::vector<Level> &levels) {
  const char *limit = std::getenv("ATTNC_MAX_CPU_LEVEL");
  if (!limit)
    return {};
  bool above = std::string_view(limit) == "baseline", known = above;
  for (Level &level : levels) {
    for (Feature &feature : level.features)
      feature.present &= !above;
    if (level.name == limit)
      above = known = true;
  }
  return known ? Status()
               : makeError(ErrorKind::Argument, "ATTNC_MAX_CPU_LEVEL is '", limit, "', expected baseline, avx2 or avx512");
}

std::string joined(const std::vector<std::string> &words) {
  std::string out;
  for (auto &w : words)
    out += (out.empty() ? "" : ", ") + w;
  return out;
}

} // namespace

Expected<const CodeFile *> chooseLevel(const std::vector<CodeFile> &code, std::string_view forced) {
  const CodeFile *best = nullptr;
  std::vector<std::string> inPackage, missing; // missing: what the CPU lacks for the lowest level it cannot run
  std::string has = "baseline", lacking;
  std::vector<Level> levels = readLevels();
  ATTNC_CHECK(limitLevels(levels));
  for (const Level &level : levels) {
    auto lacks = level.missing();
    missing.insert(missing.end(), lacks.begin(), lacks.end());
    if (missing.empty())
      has = level.name;
    for (auto &c : code) {
      if (c.level != level.name)
        continue;
      inPackage.push_back(c.level);
      if (!forced.empty() && c.level != forced)
        continue;
      if (missing.empty())
        best = &c;
      else if (lacking.empty())
        lacking = concat("level ", c.level, " needs ", joined(missing));
    }
  }
  if (best)
    return best;
  if (!forced.empty() && lacking.empty())
    return makeError(ErrorKind::Argument, "the package has no code for CPU level '", forced,
                     "' (it has ", joined(inPackage), ")");
  return makeError(ErrorKind::Unsupported, "this CPU cannot run the package: ", lacking,
                   ", which it lacks (the CPU's own level is ", has, ")");
}

} // namespace attnc
