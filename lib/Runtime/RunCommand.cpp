// attnc-run: everything is checked and every file is opened before the model runs; files get their
// names when all of them are written.
#include "Session.h"
#include "attnc/Runtime/RunOptions.h"
#include "attnc/Runtime/StepsPicture.h"
#include "attnc/Support/Text.h"
#include <csignal>
#include <cstdio>
#include <new>

namespace attnc {
namespace {

volatile int32_t interrupted = 0;

/// The first interrupt asks the run to stop, so that temporaries are removed; a second one kills.
void stopOnInterrupt() {
  struct sigaction action{};
  action.sa_handler = [](int) { interrupted = 1; };
  action.sa_flags = int(SA_RESETHAND);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

TensorRef refTo(const Tensor &tensor) {
  return {tensor.dtype(), int(tensor.shape().size()), tensor.shape().data(), nullptr,
          const_cast<std::byte *>(tensor.data())};
}

} // namespace

Status runPackage(const RunOptions &options, const volatile int32_t &cancel) {
  ATTNC_TRY(auto package, LoadedPackage::open(options.model, {options.cpuLevel, options.weights}));
  const Manifest &m = package->manifest();
  const Function *function = m.findFunction(options.entry);
  if (!function || function->kind != Function::Kind::Entry)
    return makeError(ErrorKind::Argument, "'", options.model, "' has no entry '", options.entry, "' (it has ",
                     quotedList(m.entryNames()), ")");
  ATTNC_TRY(auto tensors, collectInputs(options, function->name, function->inputs));
  ATTNC_TRY(auto files, RunOutputs::open(options, function->name, function->outputs));
  std::optional<AtomicFile> stateFile;
  if (!options.stateOut.empty()) {
    ATTNC_TRY(stateFile, AtomicFile::create(options.stateOut));
  }
  std::optional<AtomicFile> picture;
  if (!options.steps.empty()) {
    ATTNC_TRY(picture, AtomicFile::create(options.steps));
  }
  std::vector<Capacity> capacities;
  for (auto &[name, value] : options.capacities)
    capacities.push_back({name, value});
  ATTNC_TRY(auto session, Session::create(package, capacities, options.threads));
  if (!options.stateIn.empty())
    ATTNC_CHECK(session->restore(options.stateIn));

  std::vector<InputRef> inputs;
  for (auto &t : tensors)
    inputs.push_back({t.name, refTo(t.tensor)});
  std::vector<OutputRef> outputs;
  for (auto &decl : function->outputs)
    if (files.wants(decl.name) || (picture && decl.name == "steps"))
      outputs.push_back({decl.name, std::nullopt, {}});
  ATTNC_CHECK(session->run(function->name, inputs, outputs, {&cancel, options.stepLimit}));

  std::vector<NamedTensor> results;
  for (auto &output : outputs)
    results.push_back({std::string(output.name), std::move(output.result)});
  ATTNC_CHECK(files.write(results));
  if (picture) {
    ATTNC_TRY(std::string drawn, stepsPicture(tensors, results, {concat("Steps of ", function->name), {}, {}}));
    ATTNC_CHECK(picture->write(textBytes(drawn)));
    ATTNC_CHECK(picture->commit());
  }
  if (stateFile)
    ATTNC_CHECK(session->save(*stateFile));
  ATTNC_CHECK(files.commit());
  return stateFile ? stateFile->commit() : Status();
}

int runCommand(const std::string &program, const std::function<Status()> &command) {
  Status status;
  try {
    status = command();
  } catch (const std::bad_alloc &) {
    status = makeError(ErrorKind::Memory, "not enough memory");
  }
  if (status && std::fflush(stdout) != 0)
    status = makeError(ErrorKind::File, "cannot write to standard output");
  if (status)
    return 0;
  std::fprintf(stderr, "%s: %s\n", program.c_str(), status.error().message.c_str());
  return 1;
}

int runMain(int argc, const char *const *argv, const std::string &program, const RunFunction &reference) {
  auto parsed = parseRunOptions(argc, argv, program, bool(reference));
  if (!parsed.options)
    return parsed.exitCode;
  stopOnInterrupt();
  return runCommand(program, [&] { return parsed.options->reference ? reference(*parsed.options, interrupted) : runPackage(*parsed.options, interrupted); });
}

} // namespace attnc
