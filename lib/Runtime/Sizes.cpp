#include "attnc/Runtime/Sizes.h"
#include <algorithm>

namespace attnc {
namespace {
std::string sourceText(const Sizes::Source &source) {
  switch (source.kind) {
  case Sizes::Source::Kind::Capacity: return "in the session's capacities";
  case Sizes::Source::Kind::State:
    return concat("in state '", source.name, "' (fixed by an earlier call; a reset frees it)");
  case Sizes::Source::Kind::Option: return "by --size";
  default: return concat("in input '", source.name, "' (dimension ", source.axis, ")");
  }
}
} // namespace

void Sizes::clear() {
  std::fill(dims.begin(), dims.end(), -1);
  std::fill(from.begin(), from.end(), Source{});
}

Status Sizes::bind(int dim, int64_t value, Source source) {
  int64_t &known = dims[size_t(dim)];
  if (known >= 0 && known != value)
    return makeError(ErrorKind::Argument, "size '", function->dims[size_t(dim)], "' is ", known, " ",
                     sourceText(from[size_t(dim)]), ", but ", value, " ", sourceText(source));
  if (known < 0) {
    for (auto &bound : function->bounds)
      if (bound.size == function->dims[size_t(dim)] && (value < bound.least || value > bound.most))
        return makeError(ErrorKind::Argument, "size '", bound.size, "' is ", value, " ", sourceText(source), ": the model takes ",
                         bound.least, " to ", bound.most);
    known = value;
    from[size_t(dim)] = source;
  }
  return {};
}

Status Sizes::bindInput(const TensorDecl &decl, int rank, const int64_t *shape) {
  auto mismatch = [&] {
    return makeError(ErrorKind::Argument, "expected input '", decl.name, "' of shape ", shapeText(decl.shape),
                     ", found ", shapeText(std::span(shape, size_t(rank))));
  };
  if (size_t(rank) != decl.shape.size())
    return mismatch();
  for (int i = 0; i < rank; ++i) {
    const Dim &dim = decl.shape[size_t(i)];
    if (shape[i] < 0 || shape[i] > maxDim || (dim.isStatic() && dim.value != shape[i]))
      return mismatch();
    if (!dim.isStatic())
      ATTNC_CHECK(bind(dimIndex(*function, dim.name), shape[i], {Source::Kind::Input, decl.name, i}));
  }
  return {};
}

} // namespace attnc
