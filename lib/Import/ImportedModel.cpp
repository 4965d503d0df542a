// A child process makes MLIR and weights of a model: `python3 -m attnc.frontends`, told where to write.
#include "attnc/Import/Import.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Program.h"

using namespace llvm;

namespace attnc {
namespace {

/// Exits with 3 where the package is not installed.
constexpr StringLiteral kScript = "import sys\n"
                                  "try:\n"
                                  "  from attnc.frontends.__main__ import main\n"
                                  "except ModuleNotFoundError as missing:\n"
                                  "  if missing.name != 'attnc': raise\n"
                                  "  sys.exit(3)\n"
                                  "sys.exit(main(sys.argv[1:]))\n";
constexpr int kNotInstalled = 3;

Error failure(const Twine &why) { return createStringError(why); }

Expected<std::string> findPython() {
  std::string name = sys::Process::GetEnv("ATTNC_PYTHON").value_or("python3");
  if (ErrorOr<std::string> path = sys::findProgramByName(name))
    return *path;
  return failure("models of PyTorch and ONNX are read by the Python package, but there is no '" + name +
                 "': install Python 3, or name an interpreter in ATTNC_PYTHON");
}

} // namespace

bool ImportedModel::isForeign(StringRef model) {
  return model.ends_with(".pt2") || model.ends_with(".onnx") || model.rsplit(':').first.ends_with(".py");
}

Expected<ImportedModel> ImportedModel::create(StringRef model) {
  Expected<std::string> python = findPython();
  if (!python)
    return python.takeError();
  SmallString<64> folder;
  if (std::error_code error = sys::fs::createUniqueDirectory("attnc", folder))
    return failure("cannot make a temporary folder: " + error.message());
  auto [file, function] = model.rsplit(':');
  ImportedModel made(std::string(folder), sys::path::stem(function.empty() ? file : function).str());
  std::string module = made.module(), weights = made.weights(), message;
  StringRef line[] = {*python, "-c", kScript, model, "-o", module, "--weights-out", weights};
  int status = sys::ExecuteAndWait(*python, line, std::nullopt, {}, 0, 0, &message);
  if (status == kNotInstalled)
    return failure("models of PyTorch and ONNX are read by the Python package attnc, which " + *python +
                   " does not have: pip install the folder of its sources, or name another interpreter in ATTNC_PYTHON");
  if (status != 0)
    return failure("'" + model + "' was not imported" + (message.empty() ? "" : ": " + message));
  return made;
}

ImportedModel::~ImportedModel() {
  if (!folder.empty())
    sys::fs::remove_directories(folder);
}

} // namespace attnc
