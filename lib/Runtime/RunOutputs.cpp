#include "attnc/Runtime/RunOptions.h"
#include "attnc/Support/TensorFiles.h"
#include "attnc/Support/Text.h"
#include <algorithm>
#include <cstdio>
#include <unistd.h>

namespace attnc {

Expected<RunOutputs> RunOutputs::open(const RunOptions &options, std::string_view function,
                                      std::span<const TensorDecl> outputs) {
  RunOutputs out;
  std::vector<std::string> names, paths;
  for (auto &t : outputs)
    names.push_back(t.name);
  for (auto &wanted : options.outputs) {
    if (std::find(names.begin(), names.end(), wanted.name) == names.end())
      return makeError(ErrorKind::Argument, "--output: '", function, "' has no output '", wanted.name, "' (it has ",
                       quotedList(names), ")");
    if (std::find(paths.begin(), paths.end(), wanted.value) != paths.end())
      return makeError(ErrorKind::Argument, "--output: two outputs go to '", wanted.value, "'");
    paths.push_back(wanted.value);
    ATTNC_TRY(AtomicFile file, AtomicFile::create(wanted.value));
    out.singles.push_back({wanted.name, std::move(file)});
  }
  if (!options.outputsFile.empty()) {
    ATTNC_CHECK(checkArchiveName(options.outputsFile));
    ATTNC_TRY(out.archive, AtomicFile::create(options.outputsFile));
  }
  return out;
}

bool RunOutputs::wants(std::string_view name) const {
  return archive || singles.empty() ||
         std::any_of(singles.begin(), singles.end(), [&](auto &single) { return single.name == name; });
}

Status RunOutputs::write(std::span<const NamedTensor> outputs) {
  if (singles.empty() && !archive)
    std::fputs(tensorTable(outputs).c_str(), stdout);
  for (auto &single : singles)
    for (auto &output : outputs)
      if (output.name == single.name)
        ATTNC_CHECK(writeNpy(single.file, output.tensor));
  if (archive)
    ATTNC_CHECK(writeArchive(*archive, outputs));
  return {};
}

Status RunOutputs::commit() {
  for (auto &single : singles)
    ATTNC_CHECK(single.file.commit());
  return archive ? archive->commit() : Status();
}

std::string tensorTable(std::span<const NamedTensor> tensors) {
  constexpr uint64_t most = 6;
  Table table({{"output"}, {"dtype"}, {"shape"}, {"values"}});
  for (auto &t : tensors) {
    std::string values;
    uint64_t count = t.tensor.elements();
    for (uint64_t i = 0; i < std::min(count, most); ++i)
      values += (i ? ", " : "") + elementText(t.tensor, i);
    if (count > most)
      values += ", …";
    table.add({t.name, std::string(dtypeName(t.tensor.dtype())), shapeText(t.tensor.shape()), values});
  }
  return table.text(0, terminalWidth(STDOUT_FILENO));
}

} // namespace attnc
