// Expressions: making each once, indices in mixed radix, walks. The rules of arithmetic are in Simplify.cpp.
#include "Expr.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallPtrSet.h"

using namespace mlir;

namespace attnc::raise {

void Expr::Profile(llvm::FoldingSetNodeID &id) const {
  id.AddInteger(unsigned(kind) * 4 + unsigned(sort));
  id.AddInteger(llvm::bit_cast<uint64_t>(number));
  id.AddInteger(integer);
  id.AddInteger(variable);
  id.AddInteger(stride);
  id.AddInteger(extent);
  id.AddPointer(value.getAsOpaquePointer());
  id.AddString(name);
  for (ExprRef operand : operands)
    id.AddPointer(operand);
  for (Extent e : extents)
    id.AddInteger(e);
}

ExprRef ExprContext::make(Expr &pattern) {
  llvm::FoldingSetNodeID id;
  pattern.Profile(id);
  void *place;
  if (Expr *known = set.FindNodeOrInsertPos(id, place))
    return known;
  Expr *made = new (allocator.Allocate<Expr>()) Expr(pattern);
  made->operands = pattern.operands.copy(allocator);
  made->extents = pattern.extents.copy(allocator);
  made->name = pattern.name.copy(allocator);
  set.InsertNode(made, place);
  return made;
}

unsigned ExprContext::addVariable(Extent extent) {
  variables.push_back(extent);
  return variables.size() - 1;
}

ExprRef ExprContext::digit(unsigned variable, int64_t stride, int64_t extent) {
  if (extent == 1)
    return integer(0);
  Expr e{.kind = Kind::Digit, .sort = Sort::Int, .variable = variable, .stride = stride, .extent = extent};
  return make(e);
}

ExprRef ExprContext::number(double n) {
  Expr e{.kind = Kind::Float, .sort = Sort::Float, .number = n};
  return make(e);
}

ExprRef ExprContext::integer(int64_t n, Sort sort) {
  Expr e{.kind = Kind::Int, .sort = sort, .integer = n};
  return make(e);
}

static Sort sortOf(Type type) {
  Type element = getElementTypeOrSelf(type);
  if (isa<FloatType>(element))
    return Sort::Float;
  return element.isInteger(1) ? Sort::Bool : Sort::Int;
}

ExprRef ExprContext::outer(Value scalar) {
  Expr e{.kind = Kind::Outer, .sort = sortOf(scalar.getType()), .value = scalar};
  return make(e);
}

ExprRef ExprContext::argument(unsigned number) {
  Expr e{.kind = Kind::Outer, .sort = Sort::Float, .integer = number};
  return make(e);
}

ExprRef ExprContext::load(Value tensor, ArrayRef<ExprRef> indices) {
  Expr e{.kind = Kind::Load, .sort = sortOf(tensor.getType()), .value = tensor, .operands = indices};
  return make(e);
}

//===----------------------------------------------------------------------===//
// Indices in mixed radix
//===----------------------------------------------------------------------===//

SmallVector<Part> getParts(ExprRef index, Extent total) {
  if (index->kind != Kind::Join)
    return {{index, total}};
  return llvm::map_to_vector(llvm::zip_equal(index->operands, index->extents), [](auto part) {
    return Part{std::get<0>(part), std::get<1>(part)};
  });
}

bool isPlain(ExprRef index) {
  return llvm::all_of(getParts(index, 0), [](const Part &part) {
    return part.index->kind == Kind::Digit || part.index->kind == Kind::Int;
  });
}

/// Two neighbours as one: digits of one variable that follow each other, or constants.
static std::optional<Part> merge(ExprContext &context, const Part &high, const Part &low) {
  Extent extent = isDynamic(high.extent) || isDynamic(low.extent) ? std::numeric_limits<Extent>::min()
                                                                  : high.extent * low.extent;
  if (high.index->kind == Kind::Int && low.index->kind == Kind::Int && !isDynamic(low.extent))
    if (!isDynamic(extent) || high.index->integer == 0)
      return Part{context.integer(high.index->integer * low.extent + low.index->integer), extent};
  if (high.index->kind != Kind::Digit || low.index->kind != Kind::Digit ||
      high.index->variable != low.index->variable || low.index->extent == kRest ||
      high.index->stride != low.index->stride * low.index->extent)
    return std::nullopt;
  int64_t digits = high.index->extent == kRest ? kRest : high.index->extent * low.index->extent;
  return Part{context.digit(high.index->variable, low.index->stride, digits), extent};
}

ExprRef ExprContext::join(ArrayRef<ExprRef> indices, ArrayRef<Extent> extents) {
  SmallVector<Part> parts;
  for (auto [index, extent] : llvm::zip_equal(indices, extents)) {
    if (extent == 1)
      continue;
    for (const Part &part : getParts(index, extent)) {
      std::optional<Part> merged;
      if (!parts.empty())
        merged = merge(*this, parts.back(), part);
      if (merged)
        parts.back() = *merged;
      else
        parts.push_back(part);
    }
  }
  if (parts.empty())
    return integer(0);
  if (parts.size() == 1)
    return parts[0].index;
  auto joined = llvm::map_to_vector(parts, [](const Part &part) { return part.index; });
  auto sizes = llvm::map_to_vector(parts, [](const Part &part) { return part.extent; });
  Expr e{.kind = Kind::Join, .sort = Sort::Int, .operands = joined, .extents = sizes};
  return make(e);
}

/// Cuts the low `extent` (static) values off a part: {high, low}.
static std::optional<std::pair<Part, Part>> cut(ExprContext &context, const Part &part, Extent extent) {
  if (!isDynamic(part.extent) && part.extent % extent != 0)
    return std::nullopt;
  Extent rest = isDynamic(part.extent) ? std::numeric_limits<Extent>::min() : part.extent / extent;
  if (part.index->kind == Kind::Int)
    return {{{context.integer(part.index->integer / extent), rest}, {context.integer(part.index->integer % extent), extent}}};
  if (part.index->kind != Kind::Digit)
    return std::nullopt;
  const Expr &d = *part.index;
  if (d.extent != kRest && d.extent % extent != 0)
    return std::nullopt;
  int64_t high = d.extent == kRest ? kRest : d.extent / extent;
  return {{{context.digit(d.variable, d.stride * extent, high), rest}, {context.digit(d.variable, d.stride, extent), extent}}};
}

/// Takes parts from the back that count to `extent` together.
static std::optional<ExprRef> takeBack(ExprContext &context, SmallVector<Part> &parts, Extent extent) {
  SmallVector<ExprRef> indices;
  SmallVector<Extent> extents;
  auto take = [&](const Part &part) {
    indices.insert(indices.begin(), part.index);
    extents.insert(extents.begin(), part.extent);
  };
  while (extent != 1) {
    if (parts.empty())
      return std::nullopt;
    Part last = parts.pop_back_val();
    if (last.extent == extent) {
      take(last);
      break;
    }
    if (isDynamic(extent))
      return std::nullopt;
    if (!isDynamic(last.extent) && extent % last.extent == 0) {
      take(last);
      extent /= last.extent;
      continue;
    }
    auto halves = cut(context, last, extent);
    if (!halves)
      return std::nullopt;
    parts.push_back(halves->first);
    take(halves->second);
    break;
  }
  return context.join(indices, extents);
}

/// Takes whole parts from the front that count to `extent` together.
static std::optional<ExprRef> takeFront(ExprContext &context, SmallVector<Part> &parts, Extent extent) {
  SmallVector<ExprRef> indices;
  SmallVector<Extent> extents;
  while (extent != 1) {
    if (parts.empty() || (parts[0].extent != extent && (isDynamic(extent) || isDynamic(parts[0].extent) || extent % parts[0].extent)))
      return std::nullopt;
    indices.push_back(parts[0].index);
    extents.push_back(parts[0].extent);
    extent = parts[0].extent == extent ? 1 : extent / parts[0].extent;
    parts.erase(parts.begin());
  }
  return context.join(indices, extents);
}

std::optional<SmallVector<ExprRef>> ExprContext::split(ExprRef index, Extent total, ArrayRef<Extent> extents) {
  SmallVector<ExprRef> result(extents.size(), integer(0));
  SmallVector<size_t> dims;
  for (auto [dim, extent] : llvm::enumerate(extents))
    if (extent != 1)
      dims.push_back(dim);
  if (dims.size() == 1) {
    result[dims[0]] = index;
    return result;
  }
  // From the back as far as it goes, then from the front; what is left belongs to the dimension in between.
  SmallVector<Part> parts = getParts(index, total);
  while (dims.size() > 1) {
    SmallVector<Part> before = parts;
    std::optional<ExprRef> taken = takeBack(*this, parts, extents[dims.back()]);
    if (!taken) {
      parts = before;
      break;
    }
    result[dims.pop_back_val()] = *taken;
  }
  while (dims.size() > 1) {
    std::optional<ExprRef> taken = takeFront(*this, parts, extents[dims.front()]);
    if (!taken)
      return std::nullopt;
    result[dims.front()] = *taken;
    dims.erase(dims.begin());
  }
  if (!dims.empty())
    result[dims[0]] = join(llvm::map_to_vector(parts, [](const Part &p) { return p.index; }),
                           llvm::map_to_vector(parts, [](const Part &p) { return p.extent; }));
  return result;
}

//===----------------------------------------------------------------------===//
// Walks
//===----------------------------------------------------------------------===//

static bool containsIn(ExprRef in, llvm::function_ref<bool(ExprRef)> test, llvm::SmallPtrSetImpl<ExprRef> &seen) {
  if (!seen.insert(in).second)
    return false;
  return test(in) || llvm::any_of(in->operands, [&](ExprRef e) { return containsIn(e, test, seen); });
}

bool contains(ExprRef in, llvm::function_ref<bool(ExprRef)> test) {
  llvm::SmallPtrSet<ExprRef, 32> seen;
  return containsIn(in, test, seen);
}

bool dependsOn(ExprRef in, unsigned variable) {
  return contains(in, [&](ExprRef e) { return e->kind == Kind::Digit && e->variable == variable; });
}

static ExprRef replaceIn(ExprContext &context, ExprRef in, ExprRef from, ExprRef to, DenseMap<ExprRef, ExprRef> &done) {
  if (in == from)
    return to;
  if (in->operands.empty())
    return in;
  if (ExprRef known = done.lookup(in))
    return known;
  auto operands = llvm::map_to_vector(in->operands, [&](ExprRef e) { return replaceIn(context, e, from, to, done); });
  ExprRef result = in;
  if (ArrayRef(operands) != in->operands) {
    if (in->kind == Kind::Op)
      result = context.op(in->name, operands, in->integer);
    else if (in->kind == Kind::Load)
      result = context.load(in->value, operands);
    else
      result = context.join(operands, in->extents);
  }
  return done[in] = result;
}

ExprRef ExprContext::replace(ExprRef in, ExprRef from, ExprRef to) {
  DenseMap<ExprRef, ExprRef> done;
  return replaceIn(*this, in, from, to, done);
}

} // namespace attnc::raise
