// Rotary position embedding in graphs of slices, products and concatenations becomes attn.rotary.
//
// Before: cosines and sines of positions times frequencies, and ops that turn pairs of elements by them. After:
// attn.rotary on the tensor that was turned; tables that nothing else reads are dead. Both layouts are tried on every
// value whose type some value a few ops before it has: each element of the last dimension is (half, pair) or (pair,
// half), and what it is made of must be a turn of that pair (Rotary.h), whatever ops took it apart and put it together.
#include "Producers.h"
#include "Rotary.h"

#include "attnc/Dialect/Attn/Attn.h"
#include "attnc/Raise/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Remarks.h"
#include <cmath>

namespace attnc {
#define GEN_PASS_DEF_RAISEROTARY
#include "attnc/Raise/Passes.h.inc"
} // namespace attnc

using namespace mlir;
using namespace attnc;
using namespace attnc::raise;

namespace {

class RaiseRotary : public attnc::impl::RaiseRotaryBase<RaiseRotary> {
public:
  void runOnOperation() override {
    bool turns = getOperation()->walk([](math::SinOp) { return WalkResult::interrupt(); }).wasInterrupted();
    SmallVector<Operation *> ends;
    getOperation()->walk([&](Operation *op) {
      if (op->getNumResults() == 1 && canEnd(op))
        ends.push_back(op);
    });
    // The last op that is a turn has all of it.
    for (Operation *op : llvm::reverse(ends))
      if (!op->use_empty())
        raiseAt(op, turns);
  }

private:
  /// The sum of two products, or what puts such sums together.
  static bool canEnd(Operation *op) {
    auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType());
    if (!type || type.getRank() < 2 || !isa<FloatType>(type.getElementType()) || type.isDynamicDim(type.getRank() - 1) || type.getShape().back() % 2)
      return false;
    return isElementwise(op) || isa<tensor::ConcatOp, tensor::CollapseShapeOp>(op);
  }

  void raiseAt(Operation *op, bool turns) {
    constexpr size_t kMost = 30;
    Miss miss;
    for (Value input : getInputsOfType(op->getResult(0), kMost))
      for (auto layout : {attn::RotaryLayout::HalfSplit, attn::RotaryLayout::Interleaved})
        if (raise(op, input, layout, miss)) {
          remark::passed(op->getLoc(), remark::RemarkOpts::name("rotary").category("raise")) << "raised to attn.rotary";
          return;
        }
    if (!miss.reason.empty())
      remark::missed(op->getLoc(), remark::RemarkOpts::name("rotary").category("raise")) << ("looks like a rotary embedding, but " + miss.reason);
  }

  bool raise(Operation *op, Value input, attn::RotaryLayout layout, Miss &miss) {
    ExprContext context;
    Elements elements(context);
    elements.keep(input);
    SmallVector<Extent> extents = elements.getExtents(input);
    int64_t half = extents.pop_back_val() / 2;
    SmallVector<ExprRef> indices = elements.anyIndices(extents), x, y;
    ExprRef pair = context.variable(context.addVariable(half));
    for (int64_t n : {0, 1}) {
      bool split = layout == attn::RotaryLayout::HalfSplit;
      indices.push_back(split ? context.join({context.integer(n), pair}, {2, half}) : context.join({pair, context.integer(n)}, {half, 2}));
      x.push_back(context.load(input, indices));
      y.push_back(elements.element(op->getResult(0), indices));
      indices.pop_back();
    }
    std::optional<RotaryMatch> match = matchRotary(context, pair, x, y, miss);
    if (!match)
      return false;
    ImplicitLocOpBuilder b(op->getLoc(), op);
    RotaryParts parts;
    if (!makePosition(b, elements, match->position, indices, parts, miss) || !makeFrequency(b, elements, *match, pair, half, parts, miss))
      return false;
    FloatAttr base = parts.base ? b.getF64FloatAttr(*parts.base) : FloatAttr();
    FloatAttr factor = match->factor != 1 ? b.getF64FloatAttr(match->factor) : FloatAttr();
    auto raised = attn::RotaryOp::create(b, input.getType(), input, parts.offset, parts.positions, parts.frequencies, parts.along, layout, base,
                                         IntegerAttr(), factor);
    op->getResult(0).replaceAllUsesWith(raised.getResult());
    return true;
  }

  struct RotaryParts {
    Value offset, positions, frequencies;
    SmallVector<int64_t> along;
    std::optional<double> base;
  };

  static int64_t findDim(ExprRef index, ArrayRef<ExprRef> indices) {
    auto found = llvm::find(indices, index);
    return found == indices.end() || index->kind != Kind::Digit ? -1 : found - indices.begin();
  }

  /// index, index + offset, or an element of a tensor of integers.
  static bool makePosition(ImplicitLocOpBuilder &b, Elements &elements, ExprRef e, ArrayRef<ExprRef> indices, RotaryParts &parts, Miss &miss) {
    ExprRef index = e, offset = nullptr;
    if (e->is("arith.addi"))
      for (int side : {0, 1})
        if (findDim((*e)[side], indices) >= 0)
          std::tie(index, offset) = std::pair((*e)[side], (*e)[1 - side]);
    if (int64_t dim = findDim(index, indices); dim >= 0 && (!offset || offset->kind == Kind::Int || (offset->kind == Kind::Outer && offset->value))) {
      parts.along = {dim};
      if (offset && offset->kind == Kind::Int)
        parts.offset = arith::ConstantIndexOp::create(b, offset->integer);
      else if (offset)
        parts.offset = offset->value.getType().isIndex() ? offset->value : arith::IndexCastOp::create(b, b.getIndexType(), offset->value).getResult();
      return true;
    }
    miss.reason = "its positions are neither a range nor in a tensor of integers";
    ExprRef load = e->kind == Kind::Load ? e : elements.getOrigin(e);
    if (!load || !isa<IntegerType, IndexType>(getElementTypeOrSelf(load->value)))
      return false;
    SmallVector<ReassociationIndices> groups;
    for (auto [dim, part] : llvm::enumerate(load->operands)) {
      int64_t found = findDim(part, indices);
      if (found < 0 && !(part->isInt(0) && elements.getExtent(load->value, dim) == 1))
        return false;
      if (found >= 0) {
        parts.along.push_back(found);
        groups.emplace_back();
      }
    }
    if (groups.empty())
      return false;
    parts.positions = dropUnits(b, load, groups.size());
    return true;
  }

  /// The tensor without the dimensions that are indexed by a constant.
  static Value dropUnits(ImplicitLocOpBuilder &b, ExprRef load, size_t rank) {
    if (rank == load->operands.size())
      return load->value;
    SmallVector<ReassociationIndices> groups(rank);
    int64_t at = -1;
    for (auto [dim, part] : llvm::enumerate(load->operands)) {
      at += part->kind != Kind::Int;
      groups[std::max<int64_t>(at, 0)].push_back(dim);
    }
    return tensor::CollapseShapeOp::create(b, load->value, groups);
  }

  /// base^(-2c/n) where the numbers are that; else the numbers, or the tensor that has them.
  static bool makeFrequency(ImplicitLocOpBuilder &b, Elements &elements, const RotaryMatch &match, ExprRef pair, int64_t half, RotaryParts &parts, Miss &miss) {
    SmallVector<double> numbers;
    for (int64_t c = 0; c < half; ++c)
      if (std::optional<double> number = evaluateAt(match.frequency, pair, c))
        numbers.push_back(*number * match.scale);
    if (int64_t(numbers.size()) == half) {
      parts.base = getBase(numbers);
      if (!parts.base)
        parts.frequencies = arith::ConstantOp::create(b, DenseElementsAttr::get(RankedTensorType::get(half, b.getF64Type()), ArrayRef(numbers)));
      return true;
    }
    miss.reason = "its frequencies are in no tensor of half the width";
    ExprRef load = match.frequency->kind == Kind::Load ? match.frequency : elements.getOrigin(match.frequency);
    if (!load || match.scale != 1)
      return false;
    for (auto [dim, part] : llvm::enumerate(load->operands))
      if (part != pair && !(part->isInt(0) && elements.getExtent(load->value, dim) == 1))
        return false;
    parts.frequencies = dropUnits(b, load, 1);
    return true;
  }

  static std::optional<double> getBase(ArrayRef<double> numbers) {
    double half = numbers.size(), base = half == 1 ? 1e4 : std::pow(numbers[1], -half);
    if (!std::isfinite(base) || base <= 0)
      return std::nullopt;
    if (std::abs(base - std::round(base)) < 1e-5 * base)
      base = std::round(base);
    for (auto [c, number] : llvm::enumerate(numbers))
      if (std::abs(number - std::pow(base, -double(c) / half)) > 1e-6 * std::abs(number))
        return std::nullopt;
    return base;
  }
};

} // namespace
