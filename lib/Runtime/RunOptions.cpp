#include "attnc/Runtime/RunOptions.h"
#include <CLI/CLI.hpp>
#include <charconv>
#include <iostream>

namespace attnc {
namespace {

/// "NAME=VALUE" into its two parts.
Expected<RunOptions::Assignment> splitAssignment(std::string_view option, const std::string &text) {
  size_t at = text.find('=');
  if (at == std::string::npos || at == 0 || at + 1 == text.size())
    return makeError(ErrorKind::Argument, option, " expects NAME=VALUE, found '", text, "'");
  return RunOptions::Assignment{text.substr(0, at), text.substr(at + 1)};
}

Status splitAll(std::string_view option, const std::vector<std::string> &texts,
                std::vector<RunOptions::Assignment> &out) {
  for (auto &text : texts) {
    ATTNC_TRY(auto assignment, splitAssignment(option, text));
    for (auto &other : out)
      if (other.name == assignment.name)
        return makeError(ErrorKind::Argument, option, " names '", assignment.name, "' twice");
    out.push_back(std::move(assignment));
  }
  return {};
}

struct Texts {
  std::vector<std::string> inputs, outputs, capacities;
};

Status interpret(const Texts &texts, RunOptions &out) {
  ATTNC_CHECK(splitAll("--input", texts.inputs, out.inputs));
  ATTNC_CHECK(splitAll("--output", texts.outputs, out.outputs));
  for (auto &output : out.outputs) {
    if (output.value[0] != '@' || !output.value.ends_with(".npy"))
      return makeError(ErrorKind::Argument, "--output expects NAME=@FILE.npy, found '", output.name, "=",
                       output.value, "'");
    output.value.erase(0, 1);
  }
  std::vector<RunOptions::Assignment> capacities;
  ATTNC_CHECK(splitAll("--capacity", texts.capacities, capacities));
  for (auto &c : capacities) {
    int64_t value = 0;
    auto [end, problem] = std::from_chars(c.value.data(), c.value.data() + c.value.size(), value);
    if (problem != std::errc() || end != c.value.data() + c.value.size() || value < 1)
      return makeError(ErrorKind::Argument, "--capacity expects NAME=N with N at least 1, found '", c.name, "=",
                       c.value, "'");
    out.capacities.emplace_back(c.name, value);
  }
  if (!out.prefix.empty() && out.inputsFile.empty())
    return makeError(ErrorKind::Argument, "--prefix is for the tensors of --inputs, which is missing");
  return {};
}

} // namespace

ParsedRunOptions parseRunOptions(int argc, const char *const *argv, const std::string &program, bool withReference) {
  RunOptions out;
  Texts texts;
  CLI::App app("Runs a function of a package.", program);
  app.add_option("PACKAGE", out.model, "The package")->required();
  if (withReference)
    app.add_flag("--reference", out.reference,
                 "PACKAGE is a model (.mlir), run in double precision by the reference interpreter");
  app.add_option("--entry", out.entry, "Function to run (main)");
  app.add_option("--input", texts.inputs, "NAME=@FILE.npy or NAME=1,2,3 (rows separated by ';')")
      ->allow_extra_args(false);
  app.add_option("--inputs", out.inputsFile, "Inputs from a .npz or .safetensors file, by name");
  app.add_option("--prefix", out.prefix, "Take the tensors named PREFIX + input, ignore others");
  app.add_option("--output", texts.outputs, "NAME=@FILE.npy")->allow_extra_args(false);
  app.add_option("--outputs", out.outputsFile, "All outputs to a .npz or .safetensors file");
  app.add_option("--state-in", out.stateIn, "States to begin with (.safetensors)");
  app.add_option("--state-out", out.stateOut, "States after the run (.safetensors)");
  app.add_option("--capacity", texts.capacities, "NAME=N: a size of a state")->allow_extra_args(false);
  app.add_option("--weights", out.weights, "Weights, for a package without them (.safetensors)");
  app.add_option("--cpu-level", out.cpuLevel, "avx2 or avx512 (the best that the CPU has)");
  app.add_option("--threads", out.threads, "Threads (one a core, or ATTNC_THREADS)")
      ->check(CLI::Range(1, 4096));
  app.add_option("--step-limit", out.stepLimit, "Stop after so many loop iterations")
      ->check(CLI::Range(int64_t(1), INT64_MAX));
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp &) {
    std::cout << app.help();
    return {std::nullopt, 0};
  } catch (const CLI::ParseError &problem) {
    std::cerr << program << ": " << problem.what() << " (" << program << " --help lists the options)\n";
    return {std::nullopt, 2};
  }
  if (auto status = interpret(texts, out); !status) {
    std::cerr << program << ": " << status.error().message << "\n";
    return {std::nullopt, 2};
  }
  return {std::move(out), 0};
}

} // namespace attnc
