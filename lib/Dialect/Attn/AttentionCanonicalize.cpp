// Rewrites of attn.attention that are right whatever comes after: what does nothing is dropped,
// what is known statically moves into the op's types and regions.
#include "AttentionOperands.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace attnc::attn;

static Value getYielded(Region &region) {
  return cast<YieldOp>(region.front().getTerminator())->getOperand(0);
}

static bool isConstantTrue(Region &mask) { return matchPattern(getYielded(mask), m_One()); }

/// The regions that have a block.
static SmallVector<Region *> getBodies(AttentionOp op) {
  SmallVector<Region *> bodies;
  for (Region &region : op->getRegions())
    if (!region.empty())
      bodies.push_back(&region);
  return bodies;
}

/// The arguments that a capture has in the regions.
static SmallVector<BlockArgument> getCaptureArguments(AttentionOp op, unsigned capture) {
  SmallVector<BlockArgument> arguments;
  unsigned captures = op.getCaptures().size();
  for (Region *body : getBodies(op))
    arguments.push_back(body->getArgument(body->getNumArguments() - captures + capture));
  return arguments;
}

static void eraseMap(AttentionOp op, unsigned operand) {
  SmallVector<Attribute> maps(op.getIndexingMaps().getValue());
  maps.erase(maps.begin() + operand);
  op.setIndexingMapsAttr(ArrayAttr::get(op.getContext(), maps));
}

/// Drops a capture that no region uses any more.
static void eraseCapture(RewriterBase &rewriter, AttentionOp op, unsigned capture) {
  rewriter.modifyOpInPlace(op, [&] {
    for (BlockArgument argument : getCaptureArguments(op, capture))
      argument.getOwner()->eraseArgument(argument.getArgNumber());
    eraseMap(op, op.getODSOperandIndexAndLength(AttentionOp::odsIndex_captures).first + capture);
    op.getCapturesMutable().erase(capture);
  });
}

namespace {

/// score(%s, …) { yield %s } -> nothing, post likewise; mask(…) { yield true } -> nothing; the op's
/// mask
/// -> nothing where every source has its own.
struct EraseIdleRegions : OpRewritePattern<AttentionOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(AttentionOp op, PatternRewriter &rewriter) const override {
    Region *idle = nullptr;
    for (Region *region : {&op.getScore(), &op.getPost()})
      if (!region->empty() && getYielded(*region) == region->getArgument(0))
        idle = region;
    if (Region &mask = op.getMask(); !mask.empty()) {
      bool replaced = op.getSourceMasks().size() == op.getSourceKinds().size();
      if (replaced || isConstantTrue(mask))
        idle = &mask;
    }
    if (!idle)
      return failure();
    rewriter.modifyOpInPlace(op, [&] { rewriter.eraseBlock(&idle->front()); });
    return success();
  }
};

/// source … mask(…) { yield true } -> source …, where the op has no mask that this one would
/// replace.
struct EraseIdleSourceMask : OpRewritePattern<AttentionOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(AttentionOp op, PatternRewriter &rewriter) const override {
    if (!op.getMask().empty())
      return failure();
    SmallVector<AttentionOp::Source> sources = op.getSources();
    auto idle = llvm::find_if(
        sources, [](auto &source) { return source.mask && isConstantTrue(*source.mask); });
    if (idle == sources.end())
      return failure();
    // The number of regions is fixed when an op is made, so it is made anew.
    Region *erased = idle->mask;
    SmallVector<int32_t> kinds(op.getSourceKinds());
    kinds[idle - sources.begin()] &= ~AttentionOp::HasMask;
    OperationState state(op.getLoc(), op->getName(), op->getOperands(), op->getResultTypes(),
                         op->getDiscardableAttrDictionary().getValue());
    auto &properties = state.getOrAddProperties<AttentionOp::Properties>();
    properties = op.getProperties();
    properties.source_kinds = rewriter.getDenseI32ArrayAttr(kinds);
    for (Region &region : op->getRegions())
      if (&region != erased)
        state.addRegion()->takeBody(region);
    rewriter.replaceOp(op, rewriter.create(state));
    return success();
  }
};

/// captures %a[g], %b, %a[g], 2.0 -> what the regions use, each once; a constant scalar moves into
/// them.
struct SimplifyCaptures : OpRewritePattern<AttentionOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(AttentionOp op, PatternRewriter &rewriter) const override {
    MutableOperandRange captures = op.getCapturesMutable();
    for (unsigned number : llvm::seq<unsigned>(captures.size())) {
      SmallVector<BlockArgument> arguments = getCaptureArguments(op, number);
      bool used =
          llvm::any_of(arguments, [](BlockArgument argument) { return !argument.use_empty(); });
      if (used && !replaceByConstant(rewriter, captures[number], arguments) &&
          !replaceByEarlier(rewriter, op, captures, number, arguments))
        continue;
      eraseCapture(rewriter, op, number);
      return success();
    }
    return failure();
  }

private:
  static bool replaceByConstant(PatternRewriter &rewriter, OpOperand &capture,
                                ArrayRef<BlockArgument> arguments) {
    Operation *constant = capture.get().getDefiningOp();
    if (!constant || isa<ShapedType>(capture.get().getType()) || !isa<arith::ConstantOp>(constant))
      return false;
    for (BlockArgument argument : arguments) {
      rewriter.setInsertionPointToStart(argument.getOwner());
      rewriter.replaceAllUsesWith(argument, rewriter.clone(*constant)->getResult(0));
    }
    return true;
  }

  static bool replaceByEarlier(PatternRewriter &rewriter, AttentionOp op,
                               MutableOperandRange captures, unsigned number,
                               ArrayRef<BlockArgument> arguments) {
    for (unsigned earlier : llvm::seq(number)) {
      if (captures[earlier].get() != captures[number].get() ||
          op.getMap(captures[earlier]) != op.getMap(captures[number]))
        continue;
      for (auto [argument, same] : llvm::zip_equal(arguments, getCaptureArguments(op, earlier)))
        rewriter.replaceAllUsesWith(argument, same);
      return true;
    }
    return false;
  }
};

/// offset %c0 -> nothing, of the query and of sources.
struct EraseZeroOffsets : OpRewritePattern<AttentionOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(AttentionOp op, PatternRewriter &rewriter) const override {
    if (op.getQueryOffset() && matchPattern(op.getQueryOffset(), m_Zero())) {
      rewriter.modifyOpInPlace(op, [&] {
        eraseMap(op, op.getQueryOffsetMutable()[0].getOperandNumber());
        op.getQueryOffsetMutable().clear();
      });
      return success();
    }
    unsigned first = op.getODSOperandIndexAndLength(AttentionOp::odsIndex_source_operands).first;
    for (auto [number, source] : llvm::enumerate(op.getSources())) {
      if (!source.offset || !matchPattern(source.offset->get(), m_Zero()))
        continue;
      unsigned operand = source.offset->getOperandNumber();
      SmallVector<int32_t> kinds(op.getSourceKinds());
      kinds[number] &= ~AttentionOp::HasOffset;
      rewriter.modifyOpInPlace(op, [&] {
        eraseMap(op, operand);
        op.setSourceKinds(kinds);
        op.getSourceOperandsMutable().erase(operand - first);
      });
      return success();
    }
    return failure();
  }
};

/// %y = tensor.cast %x : tensor<8xf32> to tensor<?xf32>; attention(%y) -> attention(%x)
///
/// Tensor's own pattern does this for every destination-style op, but knows nothing of the argument
/// that a whole capture has in the regions; this one has the higher benefit and leaves it nothing
/// to do.
struct FoldCasts : OpRewritePattern<AttentionOp> {
  explicit FoldCasts(MLIRContext *context) : OpRewritePattern(context, /*benefit=*/2) {}
  LogicalResult matchAndRewrite(AttentionOp op, PatternRewriter &rewriter) const override {
    if (!tensor::hasFoldableTensorCastOperand(op))
      return failure();
    MutableOperandRange captures = op.getCapturesMutable();
    for (unsigned number : llvm::seq<unsigned>(captures.size()))
      if (tensor::CastOp cast = getFoldable(captures[number]);
          cast && op.isWholeCapture(captures[number]))
        for (BlockArgument argument : getCaptureArguments(op, number))
          retype(rewriter, argument, cast.getSource().getType());
    rewriter.modifyOpInPlace(op, [&] {
      for (OpOperand &operand : op->getOpOperands())
        if (tensor::CastOp cast = getFoldable(operand))
          operand.set(cast.getSource());
    });
    rewriter.setInsertionPointAfter(op);
    for (auto [result, init] : llvm::zip_equal(op->getResults(), op.getDpsInits()))
      retype(rewriter, result, init.getType());
    return success();
  }

private:
  static tensor::CastOp getFoldable(OpOperand &operand) {
    auto cast = operand.get().getDefiningOp<tensor::CastOp>();
    return cast && tensor::canFoldIntoConsumerOp(cast) ? cast : nullptr;
  }

  /// Gives a value a more static type and casts it back for its users.
  static void retype(PatternRewriter &rewriter, Value value, Type type) {
    Type old = value.getType();
    if (old == type)
      return;
    if (auto argument = dyn_cast<BlockArgument>(value))
      rewriter.setInsertionPointToStart(argument.getOwner());
    value.setType(type);
    auto back = tensor::CastOp::create(rewriter, value.getLoc(), old, value);
    rewriter.replaceAllUsesExcept(value, back, back);
  }
};

} // namespace

void AttentionOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns
      .add<EraseIdleRegions, EraseIdleSourceMask, SimplifyCaptures, EraseZeroOffsets, FoldCasts>(
          context);
}
