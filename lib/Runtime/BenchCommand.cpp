// Measures a function: rounds of one sample of each package in turn, with the machine's own figures between them, so
// that whatever else the machine does reaches all of them alike. Kernels are timed in runs of their own.
#include "Bench.h"
#include "Machine.h"
#include "Session.h"
#include "attnc/Support/Progress.h"
#include "attnc/Support/Text.h"
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <new>
#include <unistd.h>

namespace attnc {
namespace {

using Clock = std::chrono::steady_clock;
constexpr double kWarmUpSeconds = 0.2, kSampleSeconds = 2e-3, kBudgetSeconds = 2;
constexpr int kLeastSamples = 15, kMostSamples = 1000;
constexpr uint64_t kReadBytes = 64 << 20;

double secondsSince(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

/// A package with a session, and the tensors of its calls.
class Subject {
public:
  static Expected<std::unique_ptr<Subject>> open(const std::string &path, const BenchOptions &options);

  const Function &function() const { return *decl; }
  const LoadedPackage &package() const { return *loaded; }
  int threads() const { return session->threads(); }
  /// The first run, which makes the outputs that later ones write, and runs until the caches are warm.
  Status warmUp(const std::vector<NamedTensor> &tensors);
  /// Seconds of a run: the mean of as many as fill a sample, after one that is not counted.
  Expected<double> sample();
  /// One run with times for each kernel; its own time is returned.
  Expected<double> runTimed(std::vector<attnc_kernel_time> &times);
  std::vector<std::pair<std::string, int64_t>> sizes() const;
  const std::vector<NamedTensor> &inputTensors() const { return given; }
  std::vector<NamedTensor> outputTensors() const;

private:
  Expected<double> run(attnc_kernel_time *times);

  const BenchOptions *options = nullptr;
  std::shared_ptr<const LoadedPackage> loaded;
  const Function *decl = nullptr;
  std::unique_ptr<Session> session;
  std::vector<NamedTensor> given;
  std::vector<Tensor> results;
  std::vector<InputRef> inputs;
  std::vector<OutputRef> outputs;
  bool hasState = false;
  int64_t runsPerSample = 1;
};

TensorRef refTo(const Tensor &tensor) {
  return {tensor.dtype(), int(tensor.shape().size()), tensor.shape().data(), nullptr, const_cast<std::byte *>(tensor.data())};
}

Expected<std::unique_ptr<Subject>> Subject::open(const std::string &path, const BenchOptions &options) {
  auto out = std::make_unique<Subject>();
  out->options = &options;
  ATTNC_TRY(out->loaded, LoadedPackage::open(path, {options.cpuLevel, options.weights}));
  const Manifest &m = out->loaded->manifest();
  out->decl = m.findFunction(options.entry);
  if (!out->decl || out->decl->kind != Function::Kind::Entry)
    return makeError(ErrorKind::Argument, "'", path, "' has no entry '", options.entry, "' (it has ", quotedList(m.entryNames()), ")");
  for (auto &use : out->decl->states)
    out->hasState |= use.writes;
  std::vector<Capacity> capacities;
  for (auto &[name, value] : options.capacities)
    capacities.push_back({name, value});
  ATTNC_TRY(out->session, Session::create(out->loaded, capacities, options.threads));
  return out;
}

/// A run from the states that the benchmark begins with; making them ready is not timed.
Expected<double> Subject::run(attnc_kernel_time *times) {
  if (hasState)
    ATTNC_CHECK(options->stateIn.empty() ? session->rewind() : session->restore(options->stateIn));
  auto begin = Clock::now();
  ATTNC_CHECK(session->run(decl->name, inputs, outputs, {nullptr, 0, times}));
  return secondsSince(begin);
}

Status Subject::warmUp(const std::vector<NamedTensor> &tensors) {
  given = tensors;
  for (auto &t : given)
    inputs.push_back({t.name, refTo(t.tensor)});
  for (auto &output : decl->outputs)
    outputs.push_back({output.name, std::nullopt, {}});
  auto begin = Clock::now();
  ATTNC_TRY(double first, run(nullptr));
  (void)first;
  for (auto &output : outputs)
    results.push_back(std::move(output.result));
  for (size_t i = 0; i < outputs.size(); ++i)
    outputs[i].into = refTo(results[i]);
  double fastest = HUGE_VAL;
  for (int runs = 0; runs < 3 || secondsSince(begin) < kWarmUpSeconds; ++runs) {
    ATTNC_TRY(double seconds, run(nullptr));
    fastest = std::min(fastest, seconds);
  }
  runsPerSample = std::max(int64_t(1), int64_t(kSampleSeconds / std::max(fastest, 1e-7)));
  return {};
}

Expected<double> Subject::sample() {
  ATTNC_TRY(double total, run(nullptr));
  total = 0;
  for (int64_t i = 0; i < runsPerSample; ++i) {
    ATTNC_TRY(double seconds, run(nullptr));
    total += seconds;
  }
  return total / double(runsPerSample);
}

Expected<double> Subject::runTimed(std::vector<attnc_kernel_time> &times) {
  times.assign(decl->kernels.size(), {});
  return run(times.data());
}

std::vector<std::pair<std::string, int64_t>> Subject::sizes() const {
  std::vector<std::pair<std::string, int64_t>> out;
  auto add = [&](const TensorDecl &decl, const Shape &shape) {
    for (size_t i = 0; i < shape.size(); ++i)
      if (!decl.shape[i].isStatic() && std::ranges::none_of(out, [&](auto &s) { return s.first == decl.shape[i].name; }))
        out.emplace_back(decl.shape[i].name, shape[i]);
  };
  for (size_t i = 0; i < given.size(); ++i)
    add(decl->inputs[i], given[i].tensor.shape());
  for (size_t i = 0; i < results.size(); ++i)
    add(decl->outputs[i], results[i].shape());
  for (auto &[name, value] : options->capacities)
    out.emplace_back(name, value);
  return out;
}

std::vector<NamedTensor> Subject::outputTensors() const {
  std::vector<NamedTensor> out;
  for (size_t i = 0; i < results.size(); ++i)
    out.push_back({decl->outputs[i].name, results[i]});
  return out;
}

/// Times of the kernels of one package, in runs of their own.
Status timeKernels(Subject &subject, int64_t runs, PackageBench &out, const BenchResult &result) {
  for (auto &info : subject.function().kernels)
    out.kernels.push_back({info, 0, {}, evaluateFormula(info.flops, result.sizes), evaluateFormula(info.bytes, result.sizes)});
  std::vector<attnc_kernel_time> times;
  for (int64_t r = 0; r < runs; ++r) {
    auto begin = Clock::now();
    int64_t ticks = readTicks();
    ATTNC_TRY(double whole, subject.runTimed(times));
    (void)whole;
    double secondsPerTick = secondsSince(begin) / double(std::max<int64_t>(readTicks() - ticks, 1));
    for (size_t k = 0; k < times.size(); ++k) {
      out.kernels[k].calls = times[k].calls;
      out.kernels[k].seconds.values.push_back(double(times[k].ticks) * secondsPerTick);
    }
  }
  std::ranges::sort(out.kernels, std::greater(), [](const KernelBench &k) { return k.seconds.median(); });
  return {};
}

Status measureRounds(const BenchOptions &options, std::vector<std::unique_ptr<Subject>> &subjects, BenchResult &out) {
  auto memory = allocateAligned(kReadBytes);
  if (!memory)
    return makeError(ErrorKind::Memory, "not enough memory to measure its bandwidth");
  std::memset(memory.get(), 1, kReadBytes);
  Progress progress;
  auto begin = Clock::now();
  auto goesOn = [&](int64_t round) {
    if (options.repeat)
      return round < options.repeat;
    return round < kLeastSamples || (round < kMostSamples && secondsSince(begin) < kBudgetSeconds);
  };
  for (int64_t round = 0; goesOn(round); ++round) {
    progress.show(concat("round ", round + 1));
    out.fma.values.push_back(measureFma(out.packages[0].level));
    if (round % 5 == 0)
      out.read.values.push_back(measureRead(memory.get(), kReadBytes));
    for (size_t p = 0; p < subjects.size(); ++p) {
      ATTNC_TRY(double seconds, subjects[p]->sample());
      out.packages[p].seconds.values.push_back(seconds);
    }
    if (subjects.size() == 2)
      out.ratio.values.push_back(out.packages[0].seconds.values.back() / out.packages[1].seconds.values.back());
  }
  return {};
}

Expected<BenchResult> bench(const BenchOptions &options) {
  BenchResult out;
  std::vector<std::unique_ptr<Subject>> subjects;
  std::vector<std::string> paths = {options.model};
  if (!options.other.empty())
    paths.push_back(options.other);
  for (auto &path : paths) {
    ATTNC_TRY(auto subject, Subject::open(path, options));
    ATTNC_TRY(auto inputs, benchInputs(options, subject->function()));
    ATTNC_CHECK(subject->warmUp(inputs));
    PackageBench package{path, subject->package().level(), {}, {}, 0};
    for (int w : subject->function().weights)
      package.weightBytes += subject->package().manifest().weights[size_t(w)].bytes;
    out.packages.push_back(std::move(package));
    subjects.push_back(std::move(subject));
  }
  out.cpu = cpuName();
  out.entry = options.entry;
  out.sizes = subjects[0]->sizes();
  out.threads = subjects[0]->threads();
  out.inputs = subjects[0]->inputTensors();
  out.outputs = subjects[0]->outputTensors();
  ATTNC_CHECK(measureRounds(options, subjects, out));
  for (size_t p = 0; p < subjects.size(); ++p)
    ATTNC_CHECK(timeKernels(*subjects[p], std::min<int64_t>(int64_t(out.fma.values.size()), kLeastSamples), out.packages[p], out));
  return out;
}

} // namespace

int benchMain(int argc, const char *const *argv, const std::string &program) {
  auto parsed = parseBenchOptions(argc, argv, program);
  if (!parsed.options)
    return parsed.exitCode;
  return runCommand(program, [&]() -> Status {
    std::optional<AtomicFile> page;
    if (!parsed.options->report.empty()) {
      ATTNC_TRY(page, AtomicFile::create(parsed.options->report));
    }
    ATTNC_TRY(auto result, bench(*parsed.options));
    std::fputs((parsed.options->json ? benchJson(result) : benchTable(result, terminalWidth(STDOUT_FILENO))).c_str(), stdout);
    if (!page)
      return {};
    ATTNC_CHECK(page->write(textBytes(benchPage(result))));
    return page->commit();
  });
}

} // namespace attnc
