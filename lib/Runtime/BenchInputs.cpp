// Inputs for a benchmark: the given ones, the others random with the sizes that are known.
#include "attnc/Runtime/BenchOptions.h"
#include "attnc/Runtime/Sizes.h"
#include "attnc/Support/Text.h"
#include <algorithm>
#include <random>

namespace attnc {
namespace {

/// Sizes of capacities, of given inputs, and of --size, which must agree.
Status bindSizes(const BenchOptions &options, const Function &function, std::span<const std::optional<Tensor>> given, Sizes &sizes) {
  for (auto &[name, value] : options.capacities)
    if (int dim = dimIndex(function, name); dim >= 0)
      ATTNC_CHECK(sizes.bind(dim, value, {Sizes::Source::Kind::Capacity, {}, 0}));
  for (size_t i = 0; i < given.size(); ++i)
    if (given[i])
      ATTNC_CHECK(sizes.bindInput(function.inputs[i], int(given[i]->shape().size()), given[i]->shape().data()));
  for (auto &[name, value] : options.sizes) {
    int dim = dimIndex(function, name);
    if (dim < 0)
      return makeError(ErrorKind::Argument, "--size: '", function.name, "' has no size '", name, "' (it has ",
                       quotedList(function.dims), ")");
    ATTNC_CHECK(sizes.bind(dim, value, {Sizes::Source::Kind::Option, {}, 0}));
  }
  return {};
}

Expected<Tensor> randomInput(const TensorDecl &decl, const Sizes &sizes, const InputRange &range, std::mt19937_64 &random) {
  Shape shape;
  for (auto &dim : decl.shape) {
    shape.push_back(sizes.value(dim));
    if (shape.back() < 0)
      return makeError(ErrorKind::Argument, "input '", decl.name, "' (", dtypeName(decl.dtype), " ", shapeText(decl.shape),
                       ") is not given and size '", dim.name, "' is not known: give --size ", dim.name, "=N");
  }
  ATTNC_TRY(Tensor out, Tensor::allocate(decl.dtype, shape));
  Status status;
  if (isFloat(decl.dtype)) {
    std::uniform_real_distribution<double> values(range.least, range.most);
    std::vector<double> elements(out.elements());
    std::generate(elements.begin(), elements.end(), [&] { return values(random); });
    status = convertElements(DType::F64, elements.data(), decl.dtype, out.mutableData(), elements.size());
  } else {
    std::uniform_int_distribution<int64_t> values(int64_t(range.least), int64_t(range.most));
    std::vector<int64_t> elements(out.elements());
    std::generate(elements.begin(), elements.end(), [&] { return values(random); });
    status = convertElements(DType::I64, elements.data(), decl.dtype, out.mutableData(), elements.size());
  }
  if (!status)
    return inContext(concat("input '", decl.name, "'"), status.takeError());
  return out;
}

} // namespace

Expected<std::vector<NamedTensor>> benchInputs(const BenchOptions &options, const Function &function) {
  ATTNC_TRY(auto given, givenInputs(options, function.name, function.inputs));
  Sizes sizes(function);
  sizes.clear();
  ATTNC_CHECK(bindSizes(options, function, given, sizes));
  std::vector<std::string> names;
  for (auto &decl : function.inputs)
    names.push_back(decl.name);
  for (auto &range : options.ranges)
    if (std::ranges::find(names, range.input) == names.end())
      return makeError(ErrorKind::Argument, "--range: '", function.name, "' has no input '", range.input, "' (it has ", quotedList(names), ")");
  std::mt19937_64 random{uint64_t(options.seed)};
  std::vector<NamedTensor> out;
  for (size_t i = 0; i < given.size(); ++i) {
    const TensorDecl &decl = function.inputs[i];
    auto said = std::ranges::find(options.ranges, decl.name, &InputRange::input);
    InputRange range = said != options.ranges.end() ? *said : InputRange{decl.name, isFloat(decl.dtype) ? -1.0 : 0.0, 1.0};
    if (!given[i]) {
      ATTNC_TRY(given[i], randomInput(decl, sizes, range, random));
    }
    out.push_back({decl.name, std::move(*given[i])});
  }
  return out;
}

} // namespace attnc
