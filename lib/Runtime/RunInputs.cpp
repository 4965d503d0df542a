#include "attnc/Runtime/RunOptions.h"
#include "attnc/Support/TensorFiles.h"
#include "attnc/Support/Text.h"
#include <algorithm>
#include <charconv>

namespace attnc {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ')
    text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ')
    text.remove_suffix(1);
  return text;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> out;
  while (true) {
    size_t at = text.find(separator);
    out.push_back(trimmed(text.substr(0, at)));
    if (at == std::string_view::npos)
      return out;
    text.remove_prefix(at + 1);
  }
}

template <class T> bool parseNumber(std::string_view text, T &value) {
  if (text.starts_with('+'))
    text.remove_prefix(1);
  auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  return problem == std::errc() && end == text.data() + text.size() && !text.empty();
}

/// "3", "1,2,3" or "1,2;3,4" as a tensor of the declared dtype and rank; sizes in front are 1.
Expected<Tensor> parseValues(const std::string &text, const TensorDecl &decl) {
  auto bad = [&](std::string_view why) {
    return makeError(ErrorKind::Argument, "input '", decl.name, "': '", text.substr(0, 40), "' ", why);
  };
  std::vector<double> floats;
  std::vector<int64_t> integers;
  std::vector<std::string_view> rows = split(text, ';');
  size_t columns = 0;
  for (auto row : rows) {
    auto cells = split(row, ',');
    if (columns && cells.size() != columns)
      return bad("has rows of different lengths");
    columns = cells.size();
    for (auto cell : cells) {
      double number = 0;
      int64_t integer = cell == "true";
      bool ok = isFloat(decl.dtype) ? parseNumber(cell, number)
                                    : (decl.dtype == DType::I1 && (cell == "true" || cell == "false")) ||
                                          parseNumber(cell, integer);
      if (!ok)
        return bad(concat("is not a list of ", dtypeName(decl.dtype), " values (a file is written @FILE)"));
      isFloat(decl.dtype) ? floats.push_back(number) : integers.push_back(integer);
    }
  }
  Shape shape(decl.shape.size(), 1);
  size_t rank = shape.size();
  if ((rows.size() > 1 && rank < 2) || (columns > 1 && rank < 1))
    return bad(concat("has more values than the declared shape ", shapeText(decl.shape)));
  if (rank >= 1)
    shape[rank - 1] = int64_t(columns);
  if (rank >= 2)
    shape[rank - 2] = int64_t(rows.size());
  ATTNC_TRY(Tensor out, Tensor::allocate(decl.dtype, shape));
  auto status = isFloat(decl.dtype)
                    ? convertElements(DType::F64, floats.data(), decl.dtype, out.mutableData(), floats.size())
                    : convertElements(DType::I64, integers.data(), decl.dtype, out.mutableData(), integers.size());
  if (!status)
    return bad(status.error().message);
  return out;
}

/// A given tensor in the declared dtype. Booleans are copied in any case: a file may hold bytes
/// other than 0 and 1.
Expected<Tensor> convertInput(const Tensor &tensor, const TensorDecl &decl) {
  if (tensor.dtype() == decl.dtype && decl.dtype != DType::I1)
    return tensor;
  ATTNC_TRY(Tensor out, Tensor::allocate(decl.dtype, tensor.shape()));
  auto status = convertElements(tensor.dtype(), tensor.data(), decl.dtype, out.mutableData(), tensor.elements());
  if (!status)
    return inContext(concat("expected input '", decl.name, "' of dtype ", dtypeName(decl.dtype), ", found ",
                            dtypeName(tensor.dtype())),
                     status.takeError());
  return out;
}

Expected<Tensor> readInput(const std::string &value, const TensorDecl &decl) {
  if (value[0] != '@')
    return parseValues(value, decl);
  std::string path = value.substr(1);
  if (path.ends_with(".npy"))
    return readNpy(path);
  ATTNC_TRY(auto archive, TensorArchive::open(path));
  return archive.read(decl.name);
}

std::vector<std::string> namesOf(std::span<const TensorDecl> list) {
  std::vector<std::string> out;
  for (auto &t : list)
    out.push_back(t.name);
  return out;
}

Error unknownInput(std::string_view function, std::string_view where, std::string_view name,
                   std::span<const TensorDecl> inputs) {
  return makeError(ErrorKind::Argument, where, ": '", function, "' has no input '", name.substr(0, 80), "' (it has ",
                   quotedList(namesOf(inputs)), ")");
}

/// Without a prefix every tensor of the file must be an input: a misspelt name is not passed over.
Status checkNames(const RunOptions &options, std::string_view function, std::span<const TensorDecl> inputs,
                  const std::optional<TensorArchive> &archive) {
  auto isInput = [&](std::string_view name) {
    return std::any_of(inputs.begin(), inputs.end(), [&](auto &t) { return t.name == name; });
  };
  for (auto &given : options.inputs)
    if (!isInput(given.name))
      return unknownInput(function, "--input", given.name, inputs);
  if (archive && options.prefix.empty())
    for (auto &name : archive->names())
      if (!isInput(name))
        return unknownInput(function, options.inputsFile, name, inputs);
  return {};
}

} // namespace

Expected<std::vector<std::optional<Tensor>>> givenInputs(const RunOptions &options, std::string_view function,
                                                         std::span<const TensorDecl> inputs) {
  std::optional<TensorArchive> archive;
  if (!options.inputsFile.empty()) {
    ATTNC_TRY(archive, TensorArchive::open(options.inputsFile));
  }
  ATTNC_CHECK(checkNames(options, function, inputs, archive));
  std::vector<std::optional<Tensor>> out;
  for (auto &decl : inputs) {
    auto given = std::find_if(options.inputs.begin(), options.inputs.end(),
                              [&](auto &assignment) { return assignment.name == decl.name; });
    std::string inFile = options.prefix + decl.name;
    out.emplace_back();
    if (given == options.inputs.end() && (!archive || !archive->contains(inFile)))
      continue;
    // The command line goes before the file.
    ATTNC_TRY(Tensor tensor, given != options.inputs.end() ? readInput(given->value, decl) : archive->read(inFile));
    ATTNC_TRY(out.back(), convertInput(tensor, decl));
  }
  return out;
}

Expected<std::vector<NamedTensor>> collectInputs(const RunOptions &options, std::string_view function,
                                                 std::span<const TensorDecl> inputs) {
  ATTNC_TRY(auto given, givenInputs(options, function, inputs));
  std::vector<NamedTensor> out;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const TensorDecl &decl = inputs[i];
    if (!given[i])
      return makeError(ErrorKind::Argument, "input '", decl.name, "' of '", function, "' (", dtypeName(decl.dtype), " ",
                       shapeText(decl.shape), ") is missing",
                       options.inputsFile.empty() ? "" : concat(": '", options.inputsFile, "' has no tensor '", options.prefix + decl.name, "'"));
    out.push_back({decl.name, std::move(*given[i])});
  }
  return out;
}

} // namespace attnc
