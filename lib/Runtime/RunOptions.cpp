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

void declareOptions(CLI::App &app, RunOptions &out, Texts &texts, bool withReference) {
  app.get_formatter()->column_width(26);
  app.get_formatter()->label("REQUIRED", "");
  auto option = [&](const char *name, auto &value, const char *kind, const char *what) {
    return app.add_option(name, value, what)->type_name(kind);
  };
  auto repeated = [&](const char *name, std::vector<std::string> &values, const char *kind, const char *what) {
    option(name, values, kind, what)->allow_extra_args(false);
  };
  option("PACKAGE", out.model, "", withReference ? "The package (or model)" : "The package")->required();
  if (withReference)
    app.add_flag("--reference", out.reference, "Run a model (.mlir) by the reference interpreter, in double precision");
  option("--entry", out.entry, "NAME", "Function to run (default: main)");
  repeated("--input", texts.inputs, "NAME=VALUE", "An input: @FILE.npy, or 1,2,3 with rows apart by ';'");
  option("--inputs", out.inputsFile, "FILE", "Inputs by name: .npz or .safetensors");
  option("--prefix", out.prefix, "TEXT", "Of --inputs take the tensors named TEXT + input, ignore others");
  repeated("--output", texts.outputs, "NAME=@FILE", "An output to a .npy file");
  option("--outputs", out.outputsFile, "FILE", "All outputs to a .npz or .safetensors file");
  option("--state-in", out.stateIn, "FILE", "States to begin with: .safetensors");
  option("--state-out", out.stateOut, "FILE", "States after the run: .safetensors");
  repeated("--capacity", texts.capacities, "NAME=N", "A size of a state that is given when a session is made");
  option("--weights", out.weights, "FILE", withReference ? "Weights, for a model or a package without them: .safetensors" : "Weights, for a package without them: .safetensors");
  option("--cpu-level", out.cpuLevel, "LEVEL", "avx2 or avx512 (default: the best that the CPU has)");
  option("--threads", out.threads, "N", "Threads (default: ATTNC_THREADS, or one a core)")
      ->check(CLI::Range(1, 4096).description(""));
  option("--step-limit", out.stepLimit, "N", "Stop after N loop iterations")
      ->check(CLI::Range(int64_t(1), INT64_MAX).description(""));
}

} // namespace

ParsedRunOptions parseRunOptions(int argc, const char *const *argv, const std::string &program, bool withReference) {
  RunOptions out;
  Texts texts;
  CLI::App app("Runs a function of a package.", program);
  app.footer("Without --output and --outputs the outputs are shown:\n  " + program + " model.attnpkg --input x=@x.npy --input n=3");
  declareOptions(app, out, texts, withReference);
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
