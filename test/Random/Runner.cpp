#include "Runner.h"

#include "attnc/InitAll.h"

#include "mlir/Parser/Parser.h"
#include "llvm/Support/FormatVariadic.h"

#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace mlir;

namespace attnc::fuzz {

constexpr double kMargin = 1e-4;
constexpr unsigned kDraws = 40; // of inputs until no decision is close

void limitTime() {
  itimerval limit{};
  limit.it_value.tv_sec = 60;
  setitimer(ITIMER_PROF, &limit, nullptr); // of work, not of waiting: the machine may be busy
}

static DialectRegistry makeRegistry() {
  DialectRegistry registry;
  registerEveryDialect(registry);
  return registry;
}

Runner::Runner(const RunSettings &settings) : settings(settings), context(makeRegistry(), MLIRContext::Threading::DISABLED) {}

/// Rounding of the inputs alone moves the results so much that they say nothing.
bool Runner::isUnstable(ModuleOp module, const Case &inputs, ArrayRef<reference::Value> expected, const Program &program, double tolerance, Random &random) {
  for (int trial = 0; trial < 3; ++trial) {
    ReferenceRun moved = runReference(module, perturbed(inputs, program, random));
    if (!moved.results || !difference(*moved.results, expected, tolerance / 4).empty())
      return true;
  }
  return false;
}

void Runner::recordSizes(const Case &inputs, Outcome &outcome) {
  for (const auto &[name, size] : inputs.sizes)
    for (int64_t special : {0, 1})
      if (size == special)
        outcome.features.insert("size " + std::to_string(special));
  if (inputs.sizes.at("T") > 16 && inputs.sizes.at("T") % 16)
    outcome.features.insert("size with a tail");
}

/// One draw of sizes and inputs; false where the engines disagree.
bool Runner::runCase(ModuleOp module, const Compiled &compiled, const Program &program, unsigned number, Outcome &outcome) {
  Random random(program.seed * 1000 + number);
  for (unsigned draw = 0; draw < kDraws; ++draw) {
    Case inputs = drawCase(program, module, random);
    ReferenceRun expected = runReference(module, inputs);
    if (!expected.results)
      return outcome.problem = "the reference: " + expected.results.error().message, false;
    if (expected.closest < kMargin) {
      ++outcome.redrawn;
      continue;
    }
    auto found = compiled.run(module, inputs);
    double tolerance = program.isDouble ? 1e-5 : 1e-4; // f64 programs have scores and weights of f32
    std::string problem = found ? difference(*found, *expected.results, tolerance) : found.error().message;
    if (!problem.empty() && found && !program.isDouble && isUnstable(module, inputs, *expected.results, program, tolerance, random)) {
      ++outcome.unstable;
      continue;
    }
    if (!problem.empty()) {
      for (const auto &[name, size] : inputs.sizes)
        problem += llvm::formatv("{0}{1} = {2}", name == inputs.sizes.begin()->first ? "; " : ", ", name, size).str();
      return outcome.problem = problem, false;
    }
    ++outcome.cases;
    recordSizes(inputs, outcome);
    return true;
  }
  ++outcome.skipped;
  return true;
}

OwningOpRef<ModuleOp> Runner::parse(const Program &program, Outcome &outcome) {
  std::string messages;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) { messages += (messages.empty() ? "" : "; ") + llvm::formatv("{0}: {1}", diagnostic.getLocation(), diagnostic.str()).str(); });
  auto module = parseSourceString<ModuleOp>(program.text, &context);
  if (!module)
    outcome.problem = "the generator wrote no valid module: " + messages;
  return module;
}

Outcome Runner::run(const Program &program, ModuleOp module, const Plant *plant) {
  Outcome outcome;
  outcome.features = program.features;
  auto compiled = Compiled::make(OwningOpRef<ModuleOp>(module.clone()).get(), plant);
  if (!compiled)
    return outcome.problem = compiled.error().message, outcome;
  for (unsigned number = 0; number < settings.cases; ++number)
    if (!runCase(module, **compiled, program, number, outcome))
      break;
  return outcome;
}

Outcome Runner::run(const Program &program) {
  Outcome outcome;
  OwningOpRef<ModuleOp> module = parse(program, outcome);
  return module ? run(program, *module) : outcome;
}

std::string Runner::problemOf(const Program &program, ModuleOp module, const Plant *plant) {
  int ends[2];
  if (pipe(ends) != 0)
    return "";
  pid_t child = fork();
  if (child == 0) {
    limitTime();
    std::string problem = run(program, module, plant).problem;
    _exit(write(ends[1], problem.data(), problem.size()) < 0);
  }
  close(ends[1]);
  std::string problem;
  char buffer[4096];
  for (ssize_t size; (size = read(ends[0], buffer, sizeof buffer)) > 0;)
    problem.append(buffer, size_t(size));
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? "ended the process" : problem;
}

} // namespace attnc::fuzz
