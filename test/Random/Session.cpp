#include "Session.h"

#include "Minimise.h"
#include "Runner.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"

#include <csignal>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace mlir;

namespace attnc::fuzz {
namespace {

//===----------------------------------------------------------------------===//
// Workers
//===----------------------------------------------------------------------===//

/// What all programs had.
struct Totals {
  uint64_t passed = 0, failed = 0, cases = 0, redrawn = 0, skipped = 0, unstable = 0;
  std::map<std::string, unsigned> programs; ///< of each feature
};

/// One line a program: numbers, features, the problem.
std::string lineOf(uint64_t seed, const Outcome &outcome) {
  std::string problem = outcome.problem;
  std::replace_if(problem.begin(), problem.end(), [](char c) { return c == '\n' || c == '\t'; }, ' ');
  return llvm::formatv("end\t{0}\t{1}\t{2}\t{3}\t{4}\t{5}\t{6}\n", seed, outcome.cases, outcome.redrawn, outcome.skipped, outcome.unstable, llvm::join(outcome.features, "|"), problem);
}

class Worker {
public:
  Worker(uint64_t first, uint64_t end, unsigned step, const RunSettings &settings) : next(first), end(end), step(step), settings(settings) { start(); }
  bool isDone() const { return input < 0; }
  int descriptor() const { return input; }
  void read(Totals &totals);

private:
  void start();
  [[noreturn]] void work(int output);
  void take(llvm::StringRef line, Totals &totals);
  void fail(uint64_t seed, llvm::StringRef problem, Totals &totals);

  uint64_t next, end;
  unsigned step;
  RunSettings settings;
  int input = -1;
  pid_t child = 0;
  std::string text;
};

void Worker::start() {
  input = -1;
  int ends[2];
  if (next >= end || pipe(ends) != 0)
    return;
  std::fflush(stdout);
  child = fork();
  if (child == 0) {
    close(ends[0]);
    work(ends[1]);
  }
  close(ends[1]);
  input = ends[0];
}

void Worker::work(int output) {
  Runner runner(settings);
  auto say = [&](const std::string &line) {
    if (write(output, line.data(), line.size()) != ssize_t(line.size()))
      _exit(2);
  };
  for (uint64_t seed = next; seed < end; seed += step) {
    say("begin\t" + std::to_string(seed) + "\n");
    limitTime();
    say(lineOf(seed, runner.run(generate(seed))));
  }
  _exit(0);
}

void Worker::fail(uint64_t seed, llvm::StringRef problem, Totals &totals) {
  ++totals.failed;
  std::printf("FAIL seed %llu: %s\n", static_cast<unsigned long long>(seed), problem.str().c_str());
  std::fflush(stdout);
  if (settings.keep.empty())
    return;
  std::string path = settings.keep + "/seed-" + std::to_string(seed) + ".mlir";
  if (FILE *file = std::fopen(path.c_str(), "w")) {
    std::fprintf(file, "// %s\n%s", problem.str().c_str(), generate(seed).text.c_str());
    std::fclose(file);
  }
}

void Worker::take(llvm::StringRef line, Totals &totals) {
  llvm::SmallVector<llvm::StringRef> parts;
  line.split(parts, '\t');
  if (parts[0] == "begin") {
    parts[1].getAsInteger(10, next);
    return;
  }
  uint64_t numbers[5] = {};
  for (int i = 0; i < 5; ++i)
    parts[size_t(i) + 1].getAsInteger(10, numbers[i]);
  next = numbers[0] + step;
  totals.cases += numbers[1];
  totals.redrawn += numbers[2];
  totals.skipped += numbers[3];
  totals.unstable += numbers[4];
  llvm::SmallVector<llvm::StringRef> features;
  parts[6].split(features, '|');
  for (llvm::StringRef feature : features)
    ++totals.programs[feature.str()];
  if (parts[7].empty())
    ++totals.passed;
  else
    fail(numbers[0], parts[7], totals);
}

/// Takes what the child says. A child that died in a program is started again behind it.
void Worker::read(Totals &totals) {
  char buffer[1 << 16];
  ssize_t size = ::read(input, buffer, sizeof buffer);
  text.append(buffer, size > 0 ? size_t(size) : 0);
  for (size_t at; (at = text.find('\n')) != std::string::npos; text.erase(0, at + 1))
    take(llvm::StringRef(text).take_front(at), totals);
  if (size > 0)
    return;
  close(input);
  int status = 0;
  waitpid(child, &status, 0);
  if (next < end) {
    fail(next, WIFSIGNALED(status) && WTERMSIG(status) == SIGPROF ? "took too long" : llvm::formatv("ended the process, status {0}", status).str(), totals);
    next += step;
  }
  start();
}

/// A line for every hundred programs, at once: a long run is watched, in a file too.
void reportProgress(const Totals &totals, uint64_t before, uint64_t count) {
  uint64_t done = totals.passed + totals.failed;
  if (done / 100 == before / 100 || done == count)
    return;
  std::printf("%llu of %llu programs, %llu failed\n", static_cast<unsigned long long>(done), static_cast<unsigned long long>(count),
              static_cast<unsigned long long>(totals.failed));
  std::fflush(stdout);
}

int report(const Totals &totals, uint64_t count, bool coverage) {
  int missing = 0;
  if (coverage) {
    for (const auto &[feature, programs] : totals.programs)
      std::printf("%6u  %s\n", programs, feature.c_str());
    for (const std::string &feature : requiredFeatures())
      if (auto it = totals.programs.find(feature); count >= 400 && (it == totals.programs.end() || it->second < 20))
        missing += std::printf("too seldom: %s\n", feature.c_str()) > 0;
  }
  std::printf("%llu inputs compared; %llu drawn again for a close decision, %llu for results that rounding of the inputs moves, %llu given up\n",
              static_cast<unsigned long long>(totals.cases), static_cast<unsigned long long>(totals.redrawn), static_cast<unsigned long long>(totals.unstable),
              static_cast<unsigned long long>(totals.skipped));
  std::printf("%llu passed, %llu failed\n", static_cast<unsigned long long>(totals.passed), static_cast<unsigned long long>(totals.failed + uint64_t(missing)));
  return totals.failed || missing;
}

} // namespace

int runOne(uint64_t seed, const RunSettings &settings, bool show, const std::string &file) {
  Program program = generate(seed);
  if (!file.empty()) {
    auto text = llvm::MemoryBuffer::getFile(file);
    if (!text)
      return std::printf("%s: %s\n", file.c_str(), text.getError().message().c_str());
    program.text = (*text)->getBuffer().str();
  }
  Runner runner(settings);
  Outcome outcome;
  OwningOpRef<ModuleOp> module = runner.parse(program, outcome);
  if (module)
    outcome.problem = runner.problemOf(program, *module);
  if (show || !module)
    std::printf("%s", program.text.c_str());
  else if (!outcome.problem.empty())
    std::printf("%s", minimise(runner, program, *module, outcome.problem).c_str());
  std::printf("%s\n", outcome.problem.empty() ? "both engines agree" : outcome.problem.c_str());
  return !outcome.problem.empty();
}

/// The number of programs that it took to find a fault; 0: not found.
static uint64_t findPlant(Runner &runner, const Plant &plant, uint64_t first, uint64_t count) {
  for (uint64_t seed = first; seed < first + count; ++seed) {
    Program program = generate(seed);
    if (!program.features.contains(plant.feature))
      continue;
    Outcome outcome;
    OwningOpRef<ModuleOp> module = runner.parse(program, outcome);
    if (!plant.lowered && !plant.apply(OwningOpRef<ModuleOp>(module->clone()).get()))
      continue;
    std::string problem = runner.problemOf(program, *module, &plant);
    if (llvm::StringRef(problem).starts_with("result "))
      return seed - first + 1;
    if (!problem.empty())
      std::printf("%s, seed %llu: %s\n", plant.name, static_cast<unsigned long long>(seed), problem.c_str());
  }
  return 0;
}

int runPlants(uint64_t first, uint64_t count, const std::string &name, const RunSettings &settings) {
  Runner runner(settings);
  int passed = 0, failed = 0;
  for (const Plant &plant : plants()) {
    if (!name.empty() && name != plant.name)
      continue;
    uint64_t needed = findPlant(runner, plant, first, count);
    ++(needed ? passed : failed);
    std::printf(needed ? "%s: found in program %llu\n" : "%s: not found in %llu programs\n", plant.name, static_cast<unsigned long long>(needed ? needed : count));
    std::fflush(stdout);
  }
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed != 0;
}

int runMany(uint64_t first, uint64_t count, unsigned jobs, const RunSettings &settings, bool coverage) {
  Totals totals;
  std::vector<Worker> workers;
  workers.reserve(jobs);
  for (unsigned i = 0; i < jobs; ++i)
    workers.emplace_back(first + i, first + count, jobs, settings);
  while (true) {
    std::vector<pollfd> waiting;
    for (Worker &worker : workers)
      if (!worker.isDone())
        waiting.push_back({worker.descriptor(), POLLIN, 0});
    if (waiting.empty())
      return report(totals, count, coverage);
    poll(waiting.data(), waiting.size(), -1);
    uint64_t before = totals.passed + totals.failed;
    for (const pollfd &ready : waiting)
      for (Worker &worker : workers)
        if (ready.revents && worker.descriptor() == ready.fd)
          worker.read(totals);
    reportProgress(totals, before, count);
  }
}

} // namespace attnc::fuzz
