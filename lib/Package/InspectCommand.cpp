#include "attnc/Package/Inspect.h"
#include "attnc/Support/Text.h"
#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdio>
#include <iostream>
#include <unistd.h>

namespace attnc {
namespace {

/// The picture of an entry's plan to a file.
Status drawPlan(const PackageFile &package, const std::string &entry, const std::string &path, const InspectOptions &options) {
  const Function *f = package.manifest().findFunction(entry);
  if (!f)
    return makeError(ErrorKind::Argument, "--entry: the package has no function '", entry, "' (it has ", quotedList(package.manifest().entryNames()), ")");
  if (f->plan.empty())
    return makeError(ErrorKind::Argument, "--plan: '", entry, "' has no buffers to draw");
  auto at = evaluatePlan(*f, options.sizes);
  if (!at)
    return makeError(ErrorKind::Argument, "--plan: the sizes of '", entry, "' are needed: give --at NAME=N for ", quotedList(f->dims),
                     " (a buffer whose size only the code knows cannot be drawn)");
  ATTNC_TRY(AtomicFile file, AtomicFile::create(path));
  ATTNC_CHECK(file.write(textBytes(planPicture(*f, *at, options.sizes))));
  return file.commit();
}

} // namespace

int inspectMain(int argc, const char *const *argv) {
  std::string path;
  std::vector<std::string> sizes;
  bool verify = false;
  InspectOptions options;
  CLI::App app("Shows what a package holds: signature, states, kernels, memory plan.", "attnc inspect");
  app.get_formatter()->column_width(26);
  app.get_formatter()->label("REQUIRED", "");
  app.add_option("PACKAGE", path, "The package")->required()->type_name("");
  app.add_flag("--verify", verify, "Compare the digests of code and weights first");
  app.add_flag("--weights", options.listWeights, "List the weights too");
  app.add_option("--at", sizes, "Evaluate the memory plan at this size")
      ->type_name("NAME=N")
      ->allow_extra_args(false);
  std::string picture, entry = "main";
  app.add_option("--plan", picture, "Draw the memory plan, at the sizes of --at")->type_name("FILE.svg");
  app.add_option("--entry", entry, "The function whose plan is drawn (default: main)")->type_name("NAME");
  auto wrongLine = [](std::string_view why) {
    std::cerr << "attnc inspect: " << why << " (attnc inspect --help lists the options)\n";
    return 2;
  };
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp &) {
    std::cout << app.help();
    return 0;
  } catch (const CLI::ParseError &problem) {
    return wrongLine(problem.what());
  }
  for (auto &text : sizes) {
    size_t at = text.find('=');
    int64_t value = 0;
    const char *end = text.data() + text.size();
    bool ok = at != std::string::npos && at > 0;
    if (ok) {
      auto [stop, problem] = std::from_chars(text.data() + at + 1, end, value);
      ok = problem == std::errc() && stop == end && value >= 0;
    }
    if (!ok)
      return wrongLine("--at expects NAME=N, found '" + text + "'");
    options.sizes[text.substr(0, at)] = value;
  }
  auto show = [&]() -> Status {
    ATTNC_TRY(PackageFile package, PackageFile::open(path));
    if (verify)
      ATTNC_CHECK(package.verify());
    options.width = terminalWidth(STDOUT_FILENO);
    options.bold = options.width != 0;
    if (!picture.empty())
      ATTNC_CHECK(drawPlan(package, entry, picture, options));
    std::cout << inspectText(package, options);
    if (verify)
      std::cout << "\nevery digest agrees\n";
    return std::cout.flush() ? Status() : makeError(ErrorKind::File, "cannot write to standard output");
  };
  if (auto status = show(); !status) {
    std::cerr << "attnc inspect: " << status.error().message << "\n";
    return 1;
  }
  return 0;
}

} // namespace attnc
