// Chooses b, g, r, i, j, d, v among the digits of index variables:
//   in query and key, summed: d        in key and value, summed: j        in the value alone: v
//   others in key or value: b, then g  in neither key nor value: i, and r where there are two
#include "Dims.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace attnc::raise {

//===----------------------------------------------------------------------===//
// Digits
//===----------------------------------------------------------------------===//

void Dims::cut(ArrayRef<ExprRef> indices) {
  for (ExprRef index : indices)
    contains(index, [&](ExprRef e) {
      if (e->kind != Kind::Digit)
        return false;
      auto &strides = cuts[e->variable];
      auto add = [&](int64_t stride) {
        if (!llvm::is_contained(strides, stride))
          strides.push_back(stride);
      };
      add(1);
      add(e->stride);
      if (e->extent != kRest && e->stride * e->extent != context.getVariableExtent(e->variable))
        add(e->stride * e->extent);
      llvm::sort(strides);
      return false;
    });
}

SmallVector<ExprRef> Dims::getDigits(unsigned variable) const {
  ArrayRef<int64_t> strides = cuts.find(variable)->second;
  Extent total = context.getVariableExtent(variable);
  SmallVector<ExprRef> result;
  for (size_t n = 0; n < strides.size(); ++n) {
    int64_t extent = n + 1 < strides.size() ? strides[n + 1] / strides[n] : isDynamic(total) ? kRest
                                                                                             : total / strides[n];
    result.push_back(context.digit(variable, strides[n], extent));
  }
  return result;
}

std::optional<SmallVector<Part>> Dims::refine(ExprRef index, Extent total) const {
  SmallVector<Part> result;
  for (const Part &part : getParts(index, total)) {
    if (part.index->kind != Kind::Digit) {
      result.push_back(part);
      continue;
    }
    const Expr &d = *part.index;
    if (!cuts.contains(d.variable))
      return std::nullopt;
    SmallVector<Part> inside;
    int64_t next = d.stride, end = d.extent == kRest ? -1 : d.stride * d.extent;
    for (ExprRef digit : getDigits(d.variable)) {
      if (digit->stride != next || next == end)
        continue;
      inside.push_back({digit, digit->extent == kRest ? part.extent : digit->extent});
      next = digit->extent == kRest ? -1 : digit->stride * digit->extent;
    }
    if (inside.empty() || (next != end && end != -1) || (end == -1 && next != -1))
      return std::nullopt;
    result.append(inside.rbegin(), inside.rend());
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Dimensions
//===----------------------------------------------------------------------===//

std::optional<Dim> Dims::find(ExprRef digit) const {
  const ExprRef *it = llvm::find(digits, digit);
  return it == std::end(digits) ? std::nullopt : std::optional(Dim(it - digits));
}

bool Dims::isIn(const IndexedTensor &tensor, ExprRef digit) const {
  for (ExprRef index : tensor.indices)
    if (auto parts = refine(index, 0))
      if (llvm::any_of(*parts, [&](const Part &part) { return part.index == digit; }))
        return true;
  return false;
}

bool Dims::choose(ArrayRef<ExprRef> candidates, ArrayRef<Dim> dims, StringRef what, Miss &miss) {
  if (candidates.size() > dims.size()) {
    miss.reason = ("expected at most " + Twine(dims.size()) + " " + what + ", found " + Twine(candidates.size())).str();
    return false;
  }
  for (auto [digit, dim] : llvm::zip(candidates, dims))
    digits[dim] = digit;
  return true;
}

/// {i, r} of two query dimensions: r is the one split off a dimension that has a part in the keys, else i is the one
/// whose size is not known, else the last.
SmallVector<ExprRef> Dims::orderQueries(SmallVector<ExprRef> queries, ArrayRef<ExprRef> shared) const {
  if (queries.size() != 2)
    return queries;
  auto isHead = [&](ExprRef digit) {
    return llvm::any_of(shared, [&](ExprRef s) { return s->variable == digit->variable; });
  };
  if (isHead(queries[1]))
    return queries;
  bool firstIsRow = queries[0]->extent == kRest && queries[1]->extent != kRest;
  if (!firstIsRow || isHead(queries[0]))
    std::swap(queries[0], queries[1]);
  return queries;
}

bool Dims::assign(Miss &miss) {
  for (const IndexedTensor *tensor : {&match.query, &match.key, &match.value})
    cut(tensor->indices);
  for (const auto &[key, value] : match.sources) {
    cut(key.indices);
    cut(value.indices);
  }
  cut(match.outputs);
  for (auto &[variable, strides] : cuts) {
    Extent total = context.getVariableExtent(variable);
    for (size_t n = 0; n + 1 < strides.size(); ++n)
      if (strides[n + 1] % strides[n] != 0 || (!isDynamic(total) && total % strides[n + 1] != 0)) {
        miss.reason = "dimensions are split in ways that do not nest";
        return false;
      }
  }
  for (unsigned summed : {match.keyVariable, match.innerVariable})
    if (!cuts.contains(summed) || getDigits(summed).size() != 1) {
      miss.reason = "a dimension that is summed over is split in one operand";
      return false;
    }
  digits[Dim::J] = getDigits(match.keyVariable)[0];
  digits[Dim::D] = getDigits(match.innerVariable)[0];
  SmallVector<ExprRef> shared, queries, values;
  for (ExprRef output : match.outputs) {
    if (output->kind != Kind::Digit)
      continue;
    SmallVector<ExprRef> ofOutput = getDigits(output->variable);
    for (ExprRef digit : llvm::reverse(ofOutput)) {
      bool inKey = isIn(match.key, digit), inValue = isIn(match.value, digit), inQuery = isIn(match.query, digit);
      bool isValue = inValue && !inKey && !inQuery && !contains(match.visible, digit) && !contains(match.score, digit);
      (isValue ? values : inKey || inValue ? shared
                                           : queries)
          .push_back(digit);
    }
  }
  return choose(shared, {Dim::B, Dim::G}, "dimensions that keys or values share with queries", miss) &&
         choose(orderQueries(queries, shared), {Dim::I, Dim::R}, "dimensions of queries alone", miss) &&
         choose(values, {Dim::V}, "dimensions of values alone", miss);
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

std::optional<MappedTensor> Dims::map(ImplicitLocOpBuilder &b, const IndexedTensor &tensor) const {
  SmallVector<AffineExpr> exprs;
  SmallVector<ReassociationIndices> groups;
  SmallVector<OpFoldResult> sizes;
  llvm::SmallBitVector used(Dim::NumDims);
  for (auto [at, index] : llvm::enumerate(tensor.indices)) {
    Extent total = elements.getExtent(tensor.tensor, at);
    std::optional<SmallVector<Part>> parts = refine(index, total);
    if (!parts)
      return std::nullopt;
    int64_t known = 1, unknown = 0;
    for (const Part &part : *parts)
      part.extent < 0 ? void(++unknown) : void(known *= part.extent);
    if (unknown > 1)
      return std::nullopt;
    ReassociationIndices &group = groups.emplace_back();
    for (const Part &part : *parts) {
      group.push_back(exprs.size());
      if (part.index->kind == Kind::Int) {
        exprs.push_back(b.getAffineConstantExpr(part.index->integer));
      } else {
        std::optional<Dim> dim = find(part.index);
        if (!dim || used.test(*dim))
          return std::nullopt;
        used.set(*dim);
        exprs.push_back(b.getAffineDimExpr(*dim));
      }
      if (!isDynamic(part.extent)) {
        sizes.push_back(b.getIndexAttr(part.extent));
        continue;
      }
      Value size = tensor::DimOp::create(b, tensor.tensor, at);
      sizes.push_back(known == 1 ? size : arith::DivSIOp::create(b, size, arith::ConstantIndexOp::create(b, known)).getResult());
    }
  }
  Value result = tensor.tensor;
  if (exprs.size() != tensor.indices.size()) {
    auto shape = llvm::map_to_vector(sizes, [](OpFoldResult size) {
      return getConstantIntValue(size).value_or(ShapedType::kDynamic);
    });
    auto type = RankedTensorType::get(shape, cast<RankedTensorType>(result.getType()).getElementType());
    result = tensor::ExpandShapeOp::create(b, type, result, groups, sizes);
  }
  return MappedTensor{result, AffineMap::get(Dim::NumDims, 0, exprs, b.getContext())};
}

} // namespace attnc::raise
