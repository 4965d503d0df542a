// Attention in graphs of contractions and elementwise ops becomes attn.attention.
//
// Before: linalg and tensor ops as front ends emit them. After: each product of weights and values, whose weights are
// a softmax over the summed index and whose scores contain a product of queries and keys, is one attn.attention that
// reads queries, keys and values where they lie and writes behind the transpositions that follow it; what computed
// scores and weights is dead unless something else reads it. What only looks like attention stays, with a remark.
//
// The match is on element expressions (Elements.h), not on ops: which op broadcasts, scales or masks does not matter.
#include "Regions.h"

#include "attnc/Raise/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Remarks.h"

namespace attnc {
#define GEN_PASS_DEF_RAISEATTENTION
#include "attnc/Raise/Passes.h.inc"
} // namespace attnc

using namespace mlir;
using namespace attnc;
using namespace attnc::raise;

namespace {

/// Where the result is wanted: a value behind views of it, and the indices of the result at its elements.
struct Target {
  Value value;
  SmallVector<ExprRef> indices;
};

/// The indices of a view's source as indices of the view: of transpositions and reshapes.
std::optional<SmallVector<ExprRef>> viewForward(Elements &elements, Operation *op, ArrayRef<ExprRef> indices) {
  ExprContext &context = elements.context;
  SmallVector<ExprRef> result;
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op)) {
    SmallVector<Extent> extents = elements.getExtents(collapse.getSrc());
    for (ReassociationIndices &group : collapse.getReassociationIndices())
      result.push_back(context.join(indices.slice(group.front(), group.size()), ArrayRef(extents).slice(group.front(), group.size())));
    return result;
  }
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op)) {
    SmallVector<Extent> extents = elements.getExtents(expand.getResult());
    for (auto [dim, group] : llvm::enumerate(expand.getReassociationIndices())) {
      auto digits = context.split(indices[dim], elements.getExtent(expand.getSrc(), dim),
                                  ArrayRef(extents).slice(group.front(), group.size()));
      if (!digits)
        return std::nullopt;
      llvm::append_range(result, *digits);
    }
    return result;
  }
  auto generic = dyn_cast<linalg::LinalgOp>(op);
  if (!generic || generic.getNumDpsInputs() != 1 || generic.getNumDpsInits() != 1 || generic.getNumParallelLoops() != generic.getNumLoops())
    return std::nullopt;
  Value yielded = generic.getBlock()->getTerminator()->getOperand(0);
  AffineMap from = generic.getIndexingMapsArray()[0], to = generic.getIndexingMapsArray()[1];
  if (yielded != generic.getBlock()->getArgument(0) || !from.isPermutation() || !to.isPermutation())
    return std::nullopt;
  return applyPermutationMap(to.compose(inversePermutation(from)), indices);
}

class Builder {
public:
  Builder(Elements &elements, const AttentionMatch &match, const Dims &dims, RewriterBase &rewriter)
      : elements(elements), match(match), dims(dims), b(match.root->getLoc(), rewriter), rewriter(rewriter), regions(elements, dims, b) {}

  bool run(Miss &miss) {
    Target target = findTarget();
    rewriter.setInsertionPoint(target.value.getDefiningOp());
    std::optional<MappedTensor> query = dims.map(b, match.query);
    SmallVector<MappedTensor> sources;
    for (const auto &[key, value] : match.sources)
      for (const IndexedTensor &tensor : {key, value})
        if (std::optional<MappedTensor> mapped = dims.map(b, tensor))
          sources.push_back(*mapped);
    if (!query || sources.size() != 2 * match.sources.size()) {
      miss.reason = "an operand is indexed in a way that attn.attention's index lists cannot say";
      return false;
    }
    std::optional<MappedTensor> sink;
    if (match.sink && !(sink = makeSink())) {
      miss.reason = "the sink depends on more than the head";
      return false;
    }
    for (ExprRef e : {match.score, match.visible, match.post})
      if (!regions.capture(e, miss))
        return false;
    std::optional<MappedTensor> output = makeDestination(target, {*query, sources[0], sources[1]}, miss);
    if (!output)
      return false;
    replace(target, makeOp(*query, sources, sink, *output));
    return true;
  }

private:
  /// Behind the last transposition that alone reads the result; the result itself without one.
  Target findTarget() {
    Target best{match.root->getResult(0), SmallVector<ExprRef>(match.outputs)}, current = best;
    while (current.value.hasOneUse()) {
      Operation *user = *current.value.user_begin();
      std::optional<SmallVector<ExprRef>> indices = viewForward(elements, user, current.indices);
      if (!indices)
        break;
      current = {user->getResult(0), *indices};
      bool whole = llvm::all_of(current.indices, [&](ExprRef e) { return dims.refine(e, 0).has_value(); });
      if (whole && isa<linalg::LinalgOp>(user))
        best = current;
    }
    return best;
  }

  /// The size of a digit: that of an operand's dimension, or the part of the result's that is left.
  OpFoldResult getSize(const Part &part, ArrayRef<MappedTensor> operands) {
    if (!isDynamic(part.extent))
      return b.getIndexAttr(part.extent);
    for (const MappedTensor &operand : operands)
      for (auto [dim, expr] : llvm::enumerate(operand.map.getResults()))
        if (expr == b.getAffineDimExpr(*dims.find(part.index)))
          return tensor::getMixedSize(b, b.getLoc(), operand.tensor, dim);
    for (auto [dim, index] : llvm::enumerate(match.outputs))
      if (index->kind == Kind::Digit && index->variable == part.index->variable) {
        Value size = tensor::DimOp::create(b, linalg::LinalgOp(match.root).getDpsInits()[0], dim);
        Value stride = arith::ConstantIndexOp::create(b, part.index->stride);
        return arith::DivSIOp::create(b, size, stride).getResult();
      }
    return {};
  }

  /// An empty tensor with a dimension for each digit of the target's.
  std::optional<MappedTensor> makeDestination(const Target &target, ArrayRef<MappedTensor> operands, Miss &miss) {
    SmallVector<OpFoldResult> sizes;
    SmallVector<AffineExpr> exprs;
    for (auto [dim, index] : llvm::enumerate(target.indices)) {
      ReassociationIndices &group = groups.emplace_back();
      SmallVector<Part> parts = *dims.refine(index, elements.getExtent(target.value, dim));
      for (const Part &part : parts) {
        std::optional<Dim> found = dims.find(part.index);
        if (part.index->kind != Kind::Int && !found) {
          miss.reason = "a dimension of the result belongs to no operand";
          return std::nullopt;
        }
        group.push_back(exprs.size());
        exprs.push_back(found ? b.getAffineDimExpr(*found) : b.getAffineConstantExpr(part.index->integer));
        sizes.push_back(getSize(part, operands));
      }
    }
    Type element = getElementTypeOrSelf(target.value.getType());
    return MappedTensor{tensor::EmptyOp::create(b, sizes, element), AffineMap::get(Dim::NumDims, 0, exprs, b.getContext())};
  }

  /// A number, or a tensor over heads.
  std::optional<MappedTensor> makeSink() {
    if (match.sink->kind == Kind::Float) {
      auto type = RankedTensorType::get({}, b.getF32Type());
      return MappedTensor{arith::ConstantOp::create(b, DenseElementsAttr::get(type, float(match.sink->number))), AffineMap::get(Dim::NumDims, 0, b.getContext())};
    }
    ExprRef load = match.sink->kind == Kind::Load ? match.sink : elements.getOrigin(match.sink);
    if (!load || !llvm::all_of(load->operands, isPlain))
      return std::nullopt;
    std::optional<MappedTensor> mapped = dims.map(b, {load->value, SmallVector<ExprRef>(load->operands)});
    bool ofHead = mapped && llvm::all_of(mapped->map.getResults(), [&](AffineExpr e) {
                    return isa<AffineConstantExpr>(e) || e == b.getAffineDimExpr(Dim::G) || e == b.getAffineDimExpr(Dim::R);
                  });
    return ofHead ? mapped : std::nullopt;
  }

  /// Keys and values, and behind the first source where its keys begin.
  void addSources(ArrayRef<MappedTensor> sources, SmallVectorImpl<Value> &operands, SmallVectorImpl<AffineMap> &maps, SmallVectorImpl<int32_t> &kinds) {
    Value offset;
    for (size_t n = 0; n < sources.size(); n += 2) {
      operands.append({sources[n].tensor, sources[n + 1].tensor});
      maps.append({sources[n].map, sources[n + 1].map});
      kinds.push_back(offset ? attn::AttentionOp::HasOffset : 0);
      if (offset) {
        operands.push_back(offset);
        maps.push_back(AffineMap::get(Dim::NumDims, 0, b.getContext()));
      }
      if (n + 2 == sources.size())
        break;
      auto at = llvm::find(sources[n].map.getResults(), b.getAffineDimExpr(Dim::J)) - sources[n].map.getResults().begin();
      Value size = tensor::DimOp::create(b, sources[n].tensor, at);
      offset = offset ? arith::AddIOp::create(b, offset, size).getResult() : size;
    }
  }

  attn::AttentionOp makeOp(const MappedTensor &query, ArrayRef<MappedTensor> tensors, const std::optional<MappedTensor> &sink, const MappedTensor &output) {
    SmallVector<Value> captures, sources;
    SmallVector<AffineMap> maps = {query.map};
    SmallVector<int32_t> kinds;
    addSources(tensors, sources, maps, kinds);
    for (const Capture &capture : regions.getCaptures()) {
      captures.push_back(capture.value);
      maps.push_back(capture.map);
    }
    if (sink)
      maps.push_back(sink->map);
    maps.push_back(output.map);
    auto op = attn::AttentionOp::create(b, output.tensor.getType(), query.tensor, Value(), Value(), Value(),
                                        sources, captures, sink ? sink->tensor : Value(), output.tensor, Value(), Value(),
                                        b.getAffineMapArrayAttr(maps), kinds, APFloat(match.scale),
                                        match.isSigmoid ? attn::Normalizer::Sigmoid : attn::Normalizer::Softmax, 0);
    ExprRef argument = elements.context.argument(0);
    if (match.score != argument)
      regions.build(op, op.getScore(), match.score, false);
    if (!match.visible->isInt(1))
      regions.build(op, op.getMask(), match.visible, true);
    if (match.post != argument)
      regions.build(op, op.getPost(), match.post, false);
    return op;
  }

  void replace(const Target &target, attn::AttentionOp op) {
    Value result = op->getResult(0);
    auto type = cast<RankedTensorType>(target.value.getType());
    if (cast<RankedTensorType>(result.getType()).getRank() != type.getRank())
      result = tensor::CollapseShapeOp::create(b, result, groups);
    if (result.getType() != type)
      result = tensor::CastOp::create(b, type, result);
    rewriter.replaceAllUsesWith(target.value, result);
  }

  Elements &elements;
  const AttentionMatch &match;
  const Dims &dims;
  ImplicitLocOpBuilder b;
  RewriterBase &rewriter;
  Regions regions;
  SmallVector<ReassociationIndices> groups; // the destination's dimensions for each of the target's
};

class RaiseAttention : public attnc::impl::RaiseAttentionBase<RaiseAttention> {
public:
  void runOnOperation() override {
    SmallVector<linalg::LinalgOp> roots;
    getOperation()->walk([&](linalg::LinalgOp op) { roots.push_back(op); });
    for (linalg::LinalgOp root : roots)
      if (!root->use_empty())
        raiseAt(root);
  }

private:
  /// First with views looked through that split dimensions, then without.
  void raiseAt(linalg::LinalgOp root) {
    Miss miss;
    for (bool splitting : {true, false}) {
      ExprContext context;
      Elements elements(context);
      miss.reason.clear();
      std::optional<AttentionMatch> match = matchAttention(elements, root, splitting, miss);
      if (!match)
        break;
      Dims dims(elements, *match);
      IRRewriter rewriter(root);
      if (dims.assign(miss) && Builder(elements, *match, dims, rewriter).run(miss)) {
        remark::passed(root.getLoc(), remark::RemarkOpts::name("attention").category("raise")) << "raised to attn.attention";
        return;
      }
    }
    if (!miss.reason.empty())
      remark::missed(root.getLoc(), remark::RemarkOpts::name("attention").category("raise"))
          << ("looks like the last product of an attention, but " + miss.reason);
  }
};

} // namespace
