// Canonical forms of the loop ops: nothing is carried, computed or laid out that nobody reads.
#include "attnc/Dialect/Loop/Loop.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace attnc::loop;

static YieldOp yieldOf(Region &region) { return cast<YieldOp>(region.front().getTerminator()); }

/// The elements of `values` whose bit is not set.
template <typename Range>
static auto without(Range values, const llvm::BitVector &dropped) {
  SmallVector<std::decay_t<decltype(*values.begin())>> kept;
  for (auto [i, value] : llvm::enumerate(values))
    if (!dropped[i])
      kept.push_back(value);
  return kept;
}

/// Erases the operands of a yield that `dropped` says.
static void eraseYielded(PatternRewriter &rewriter, YieldOp yield, const llvm::BitVector &dropped) {
  rewriter.modifyOpInPlace(yield, [&] {
    for (int i = dropped.find_last(); i != -1; i = dropped.find_prev(i))
      yield.getValuesMutable().erase(i);
  });
}

//===----------------------------------------------------------------------===//
// loop.adaptive
//===----------------------------------------------------------------------===//

namespace {

/// The arguments that stand for carried value i: in the body, and before and after the step in the halt region.
SmallVector<BlockArgument> argumentsOf(AdaptiveOp op, unsigned i) {
  SmallVector<BlockArgument> arguments = {op.getCarried()[i]};
  if (!op.getHalt().empty()) {
    arguments.push_back(op.getHalt().getArgument(1 + i));
    arguments.push_back(op.getHalt().getArgument(1 + op.getNumCarried() + i));
  }
  return arguments;
}

/// A step leaves the value as it is: it yields what it got, which is what the loop started from.
bool isUnchanged(Value yielded, Value argument, Value init) { return yielded == argument || yielded == init; }

/// The op without some carried values, and perhaps without the margin. Uses of what goes are gone.
void replaceAdaptive(PatternRewriter &rewriter, AdaptiveOp op, const llvm::BitVector &dropped, bool margin) {
  unsigned count = op.getNumCarried();
  IntegerAttr on = op.getOnAttr();
  if (on) {
    unsigned before = 0;
    for (unsigned i = 0; i < *op.getOn(); ++i)
      before += dropped[i];
    on = rewriter.getI64IntegerAttr(*op.getOn() - before);
  }
  SmallVector<Value> inits = without(op.getInits(), dropped);
  SmallVector<Type> types(ValueRange(inits).getTypes());
  types.push_back(op.getSteps().getType());
  if (margin)
    types.push_back(op.getMarginResult().getType());

  eraseYielded(rewriter, yieldOf(op.getBody()), dropped);
  llvm::BitVector arguments(2 + count);
  for (unsigned i : dropped.set_bits())
    arguments.set(2 + i);
  op.getBody().front().eraseArguments(arguments);
  if (!op.getHalt().empty()) {
    arguments = llvm::BitVector(1 + 2 * count);
    for (unsigned i : dropped.set_bits())
      arguments.set(1 + i), arguments.set(1 + count + i);
    op.getHalt().front().eraseArguments(arguments);
    if (op.getMargin() && !margin)
      eraseYielded(rewriter, yieldOf(op.getHalt()), llvm::BitVector(2).set(1));
  }

  auto fresh = AdaptiveOp::create(rewriter, op.getLoc(), types, op.getActive(), op.getCap(), inits, op.getThreshold(),
                                  op.getSeed(), op.getPolicy(), without(op.getMarks(), dropped), op.getCompare(),
                                  op.getRemainder(), op.getStreamAttr(), on, op.getDeltaAttr(), margin);
  fresh->setDiscardableAttrs(op->getDiscardableAttrDictionary());
  rewriter.inlineRegionBefore(op.getBody(), fresh.getBody(), fresh.getBody().end());
  rewriter.inlineRegionBefore(op.getHalt(), fresh.getHalt(), fresh.getHalt().end());
  SmallVector<Value> results(op.getNumResults());
  for (unsigned i = 0, k = 0; i < count; ++i)
    results[i] = dropped[i] ? op.getInits()[i] : fresh.getResult(k++);
  results[count] = fresh.getSteps();
  if (op.getMargin())
    results[count + 1] = margin ? fresh.getMarginResult() : op.getActive(); // unused
  for (auto [old, value] : llvm::zip_equal(op.getResults(), results))
    if (!old.use_empty())
      rewriter.replaceAllUsesWith(old, value);
  rewriter.eraseOp(op);
}

/// Carried values that no step changes are what the loop started from; those that nobody reads go.
struct DropCarried : OpRewritePattern<AdaptiveOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(AdaptiveOp op, PatternRewriter &rewriter) const override {
    YieldOp yield = yieldOf(op.getBody());
    llvm::BitVector dropped(op.getNumCarried());
    for (unsigned i = 0; i < op.getNumCarried(); ++i) {
      if (op.getOn() == i)
        continue;
      SmallVector<BlockArgument> arguments = argumentsOf(op, i);
      bool keeps = op.getMark(i) == Mark::Frozen || op.getMark(i) == Mark::Free;
      bool unread = op.getResult(i).use_empty() &&
                    llvm::all_of(arguments, [](BlockArgument argument) { return argument.use_empty(); });
      if (keeps && isUnchanged(yield.getValues()[i], arguments[0], op.getInits()[i]))
        for (BlockArgument argument : arguments)
          rewriter.replaceAllUsesWith(argument, op.getInits()[i]);
      else if (!unread)
        continue;
      dropped.set(i);
    }
    if (dropped.none())
      return rewriter.notifyMatchFailure(op, "every carried value is changed and read");
    replaceAdaptive(rewriter, op, dropped, op.getMargin());
    return success();
  }
};

/// A margin that nobody reads is not asked for.
struct DropMargin : OpRewritePattern<AdaptiveOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(AdaptiveOp op, PatternRewriter &rewriter) const override {
    if (!op.getMargin() || !op.getMarginResult().use_empty())
      return rewriter.notifyMatchFailure(op, "the margin is read, or not there");
    replaceAdaptive(rewriter, op, llvm::BitVector(op.getNumCarried()), /*margin=*/false);
    return success();
  }
};

/// No row ever runs: values as they were, no steps, nothing decided.
struct FoldNeverActive : OpRewritePattern<AdaptiveOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(AdaptiveOp op, PatternRewriter &rewriter) const override {
    DenseIntElementsAttr active;
    if (!matchPattern(op.getActive(), m_Constant(&active)) || !active.isSplat() || active.getSplatValue<bool>())
      return rewriter.notifyMatchFailure(op, "rows may run");
    SmallVector<Value> results(op.getInits());
    auto constant = [&](Value like, Attribute value) {
      auto type = cast<ShapedType>(like.getType());
      results.push_back(arith::ConstantOp::create(rewriter, op.getLoc(), DenseElementsAttr::get(type, value)));
    };
    constant(op.getSteps(), rewriter.getI32IntegerAttr(0));
    if (op.getMargin())
      constant(op.getMarginResult(), rewriter.getFloatAttr(rewriter.getF32Type(), APFloat::getInf(APFloat::IEEEsingle())));
    rewriter.replaceOp(op, results);
    return success();
  }
};

} // namespace

void AdaptiveOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<DropCarried, DropMargin, FoldNeverActive>(context);
}

//===----------------------------------------------------------------------===//
// loop.segment
//===----------------------------------------------------------------------===//

namespace {

/// Inputs (but for one, which says the length) that the body does not read, outputs that nobody reads, and
/// states that no block changes or nobody reads go.
struct DropUnused : OpRewritePattern<SegmentOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(SegmentOp op, PatternRewriter &rewriter) const override {
    unsigned numOutputs = op.getNumOutputs();
    YieldOp yield = yieldOf(op.getBody());
    llvm::BitVector inputs(op.getInputs().size()), states(op.getNumCarried()), results(op.getNumResults());
    for (auto [i, block] : llvm::enumerate(op.getBlocks()))
      if (block.use_empty() && inputs.count() + 1 < inputs.size())
        inputs.set(i);
    for (unsigned i = 0; i < numOutputs; ++i)
      if (op.getResult(i).use_empty())
        results.set(i);
    for (auto [i, argument, init] : llvm::enumerate(op.getCarried(), op.getInits())) {
      if (isUnchanged(yield.getValues()[numOutputs + i], argument, init))
        rewriter.replaceAllUsesWith(argument, init);
      else if (!argument.use_empty() || !op.getFinals()[i].use_empty())
        continue;
      states.set(i);
      results.set(numOutputs + i);
    }
    if (inputs.none() && results.none())
      return rewriter.notifyMatchFailure(op, "everything is read");
    replace(rewriter, op, inputs, states, results);
    return success();
  }

private:
  static void replace(PatternRewriter &rewriter, SegmentOp op, const llvm::BitVector &inputs,
                      const llvm::BitVector &states, const llvm::BitVector &results) {
    llvm::BitVector outputs(op.getNumOutputs()), arguments(1);
    for (unsigned i = 0; i < outputs.size(); ++i)
      outputs[i] = results[i];
    for (const llvm::BitVector *part : {&inputs, &states})
      for (unsigned i = 0; i < part->size(); ++i)
        arguments.push_back((*part)[i]);
    eraseYielded(rewriter, yieldOf(op.getBody()), results);
    op.getBody().front().eraseArguments(arguments);
    auto fresh = SegmentOp::create(rewriter, op.getLoc(), without(op.getResultTypes(), results), without(op.getInputs(), inputs),
                                   without(op.getInits(), states), op.getSize(), without(op.getInputDims(), inputs),
                                   without(op.getOutputDims(), outputs), op.getPartial());
    fresh->setDiscardableAttrs(op->getDiscardableAttrDictionary());
    rewriter.inlineRegionBefore(op.getBody(), fresh.getBody(), fresh.getBody().end());
    for (unsigned i = 0, k = 0; i < op.getNumResults(); ++i)
      if (!results[i])
        rewriter.replaceAllUsesWith(op.getResult(i), fresh.getResult(k++));
      else if (i >= op.getNumOutputs())
        rewriter.replaceAllUsesWith(op.getResult(i), op.getInits()[i - op.getNumOutputs()]);
    rewriter.eraseOp(op);
  }
};

} // namespace

void SegmentOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<DropUnused>(context);
}
