// Named sizes of one call: bound from capacities, states and inputs, which must agree.
#pragma once

#include "attnc/Package/Manifest.h"

namespace attnc {

class Sizes {
public:
  explicit Sizes(const Function &function) : function(&function), dims(function.dims.size()), from(dims.size()) {}

  /// Where a size's value came from, for the message when another one differs.
  struct Source {
    enum class Kind {
      None,
      Capacity,
      State,
      Option,
      Input
    } kind = Kind::None;
    std::string_view name; // of the state or input
    int axis = 0;
  };

  void clear();
  Status bind(int dim, int64_t value, Source source);
  /// Compares a tensor's shape with its declaration and binds its named sizes.
  Status bindInput(const TensorDecl &decl, int rank, const int64_t *shape);
  int64_t *data() { return dims.data(); }
  int64_t at(int dim) const { return dims[size_t(dim)]; }
  size_t count() const { return dims.size(); }
  int64_t value(const Dim &dim) const {
    return dim.isStatic() ? dim.value : dims[size_t(dimIndex(*function, dim.name))];
  }

private:
  const Function *function;
  std::vector<int64_t> dims; // -1: not known
  std::vector<Source> from;
};

} // namespace attnc
