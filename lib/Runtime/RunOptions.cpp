#include "attnc/Runtime/BenchOptions.h"
#include <CLI/CLI.hpp>
#include <charconv>
#include <cmath>
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

/// Assignments as they were written.
struct Texts {
  std::vector<std::string> inputs, outputs, capacities, sizes, ranges;
};

/// The whole text is a number, which is at least `least`.
template <class T> std::optional<T> numberFrom(std::string_view text, T least) {
  T value{};
  auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size() || value < least)
    return std::nullopt;
  return value;
}

/// "NAME=N" of an option, N at least `least`.
Expected<std::vector<std::pair<std::string, int64_t>>> splitNumbers(std::string_view option, const std::vector<std::string> &texts, int64_t least) {
  std::vector<RunOptions::Assignment> assignments;
  ATTNC_CHECK(splitAll(option, texts, assignments));
  std::vector<std::pair<std::string, int64_t>> out;
  for (auto &a : assignments) {
    std::optional<int64_t> value = numberFrom(a.value, least);
    if (!value)
      return makeError(ErrorKind::Argument, option, " expects NAME=N with N at least ", least, ", found '", a.name, "=", a.value, "'");
    out.emplace_back(a.name, *value);
  }
  return out;
}

Status interpret(const Texts &texts, RunOptions &out) {
  ATTNC_CHECK(splitAll("--input", texts.inputs, out.inputs));
  ATTNC_CHECK(splitAll("--output", texts.outputs, out.outputs));
  for (auto &output : out.outputs) {
    if (output.value[0] != '@' || !output.value.ends_with(".npy"))
      return makeError(ErrorKind::Argument, "--output expects NAME=@FILE.npy, found '", output.name, "=",
                       output.value, "'");
    output.value.erase(0, 1);
  }
  ATTNC_TRY(out.capacities, splitNumbers("--capacity", texts.capacities, 1));
  if (!out.prefix.empty() && out.inputsFile.empty())
    return makeError(ErrorKind::Argument, "--prefix is for the tensors of --inputs, which is missing");
  return {};
}

Status interpretBench(const Texts &texts, BenchOptions &out) {
  ATTNC_CHECK(interpret(texts, out));
  ATTNC_TRY(auto sizes, splitNumbers("--size", texts.sizes, 0));
  out.sizes.insert(sizes.begin(), sizes.end());
  std::vector<RunOptions::Assignment> ranges;
  ATTNC_CHECK(splitAll("--range", texts.ranges, ranges));
  for (auto &r : ranges) {
    size_t colon = r.value.find(':');
    auto least = numberFrom(std::string_view(r.value).substr(0, colon), -HUGE_VAL);
    auto most = colon == std::string::npos ? std::nullopt : numberFrom(std::string_view(r.value).substr(colon + 1), least.value_or(0));
    if (!least || !most)
      return makeError(ErrorKind::Argument, "--range expects NAME=LEAST:MOST, found '", r.name, "=", r.value, "'");
    out.ranges.push_back({r.name, *least, *most});
  }
  return {};
}

/// Adds options to a command line.
class Declaring {
public:
  explicit Declaring(CLI::App &app) : app(app) {
    app.get_formatter()->column_width(26);
    app.get_formatter()->label("REQUIRED", "");
  }
  template <class T> CLI::Option *option(const char *name, T &value, const char *kind, const char *what) {
    return app.add_option(name, value, what)->type_name(kind);
  }
  void repeated(const char *name, std::vector<std::string> &values, const char *kind, const char *what) {
    option(name, values, kind, what)->allow_extra_args(false);
  }
  void flag(const char *name, bool &value, const char *what) { app.add_flag(name, value, what); }

  /// What runs, on what.
  void runnable(RunOptions &out, Texts &texts, const char *weights) {
    option("--entry", out.entry, "NAME", "Function to run (default: main)");
    repeated("--input", texts.inputs, "NAME=VALUE", "An input: @FILE.npy, or 1,2,3 with rows apart by ';'");
    option("--inputs", out.inputsFile, "FILE", "Inputs by name: .npz or .safetensors");
    option("--prefix", out.prefix, "TEXT", "Of --inputs take the tensors named TEXT + input, ignore others");
    option("--state-in", out.stateIn, "FILE", "States to begin with: .safetensors");
    repeated("--capacity", texts.capacities, "NAME=N", "A size of a state that is given when a session is made");
    option("--weights", out.weights, "FILE", weights);
    option("--cpu-level", out.cpuLevel, "LEVEL", "avx2 or avx512 (default: the best that the CPU has)");
    option("--threads", out.threads, "N", "Threads (default: ATTNC_THREADS, or one a core)")
        ->check(CLI::Range(1, 4096).description(""));
  }

private:
  CLI::App &app;
};

/// Nothing when the line was read, else the exit code.
std::optional<int> parseLine(CLI::App &app, int argc, const char *const *argv, const std::string &program) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp &) {
    std::cout << app.help();
    return 0;
  } catch (const CLI::ParseError &problem) {
    std::cerr << program << ": " << problem.what() << " (" << program << " --help lists the options)\n";
    return 2;
  }
  return std::nullopt;
}

int wrongLine(const std::string &program, const Error &error) {
  std::cerr << program << ": " << error.message << "\n";
  return 2;
}

} // namespace

ParsedRunOptions parseRunOptions(int argc, const char *const *argv, const std::string &program, bool withReference) {
  RunOptions out;
  Texts texts;
  CLI::App app("Runs a function of a package.", program);
  app.footer("Without --output and --outputs the outputs are shown:\n  " + program + " model.attnpkg --input x=@x.npy --input n=3");
  Declaring line(app);
  line.option("PACKAGE", out.model, "", withReference ? "The package (or model)" : "The package")->required();
  if (withReference)
    line.flag("--reference", out.reference, "Run a model (.mlir) by the reference interpreter, in double precision");
  line.runnable(out, texts, withReference ? "Weights, for a model or a package without them: .safetensors" : "Weights, for a package without them: .safetensors");
  line.repeated("--output", texts.outputs, "NAME=@FILE", "An output to a .npy file");
  line.option("--outputs", out.outputsFile, "FILE", "All outputs to a .npz or .safetensors file");
  line.option("--state-out", out.stateOut, "FILE", "States after the run: .safetensors");
  line.option("--steps", out.steps, "FILE.svg", "A picture of where a halting loop worked (output `steps`)");
  line.option("--step-limit", out.stepLimit, "N", "Stop after N loop iterations")
      ->check(CLI::Range(int64_t(1), INT64_MAX).description(""));
  if (auto code = parseLine(app, argc, argv, program))
    return {std::nullopt, *code};
  if (auto status = interpret(texts, out); !status)
    return {std::nullopt, wrongLine(program, status.error())};
  if (out.reference && !out.steps.empty())
    return {std::nullopt, wrongLine(program, makeError(ErrorKind::Argument, "--steps is for packages, not for --reference"))};
  return {std::move(out), 0};
}

ParsedBenchOptions parseBenchOptions(int argc, const char *const *argv, const std::string &program) {
  BenchOptions out;
  Texts texts;
  CLI::App app("Times a function of a package and its kernels, beside what the machine can do.", program);
  app.footer("Inputs that are not given are random: reals from -1 to 1, integers 0 or 1, unless --range says otherwise:\n  " +
             program + " model.attnpkg --size B=8 --size T=128 --range tokens=0:999");
  Declaring line(app);
  line.option("PACKAGE", out.model, "", "The package")->required();
  line.runnable(out, texts, "Weights, for a package without them: .safetensors");
  line.repeated("--size", texts.sizes, "NAME=N", "A size of inputs that are not given");
  line.repeated("--range", texts.ranges, "NAME=LEAST:MOST", "From where to where the elements of an input are");
  line.option("--seed", out.seed, "N", "Of random inputs (default: 1)");
  line.option("--repeat", out.repeat, "N", "Samples to take (default: what fits two seconds, 15 to 1000)")
      ->check(CLI::Range(int64_t(1), int64_t(1000000)).description(""));
  line.option("--alternate", out.other, "PACKAGE", "Another package, in turn with the first on the same inputs");
  line.flag("--json", out.json, "Print JSON instead of tables");
  line.option("--report", out.report, "FILE.html", "A page too: times, where a halting loop worked (output `steps`), kernels");
  if (auto code = parseLine(app, argc, argv, program))
    return {std::nullopt, *code};
  if (auto status = interpretBench(texts, out); !status)
    return {std::nullopt, wrongLine(program, status.error())};
  return {std::move(out), 0};
}

} // namespace attnc
