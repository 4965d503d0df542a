// tensor.dim looks through what keeps a shape, until it reaches an op that says the size or an argument whose sizes are named.
#include "attnc/Memory/Memory.h"

#include "Sizes.h"

#include "attnc/Dialect/Attnc/Attnc.h"
#include "attnc/Optimize/SizeBefore.h"

#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace attnc {
#define GEN_PASS_DEF_RESOLVESIZES
#include "attnc/Memory/Passes.h.inc"
} // namespace attnc

using namespace mlir;

namespace {

/// What a loop of an entry started a carried value from: it has the same shape.
Value initOfCarried(Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    Operation *parent = argument.getOwner()->getParentOp();
    if (auto loop = dyn_cast<scf::ForOp>(parent)) {
      OpOperand *init = loop.getTiedLoopInit(argument);
      return init ? init->get() : Value();
    }
    if (auto loop = dyn_cast<scf::WhileOp>(parent)) {
      if (argument.getOwner() == loop.getBeforeBody())
        return loop.getInits()[argument.getArgNumber()];
      return loop.getConditionOp().getArgs()[argument.getArgNumber()];
    }
    return {};
  }
  unsigned number = cast<OpResult>(value).getResultNumber();
  if (auto loop = value.getDefiningOp<scf::ForOp>())
    return loop.getInits()[number];
  if (auto loop = value.getDefiningOp<scf::WhileOp>())
    return loop.getConditionOp().getArgs()[number];
  return {};
}

} // namespace

Value attnc::findSameShape(Value value) {
  if (Value init = initOfCarried(value))
    return init;
  auto result = dyn_cast<OpResult>(value);
  if (!result)
    return {};
  if (auto dps = dyn_cast<DestinationStyleOpInterface>(result.getOwner()))
    return dps.getTiedOpOperand(result)->get();
  if (auto cast = dyn_cast<tensor::CastOp>(result.getOwner()))
    return cast.getSource();
  return {};
}

namespace {

struct LookThrough : public OpRewritePattern<tensor::DimOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tensor::DimOp dim, PatternRewriter &rewriter) const override {
    Value source = attnc::findSameShape(dim.getSource());
    if (!source)
      return failure();
    // The new source may be a value of the loop's first block that is not visible here only when it is an argument of
    // the `before` region; findSameShape takes the next step then.
    rewriter.modifyOpInPlace(dim, [&] { dim.getSourceMutable().assign(source); });
    return success();
  }
};

/// The size of what a branch gives, in front of the branch.
struct BranchSize : public OpRewritePattern<tensor::DimOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tensor::DimOp dim, PatternRewriter &rewriter) const override {
    Operation *branch = dim.getSource().getDefiningOp();
    std::optional<int64_t> number = dim.getConstantIndex();
    if (!number || !isa_and_nonnull<scf::IfOp, scf::IndexSwitchOp>(branch))
      return failure();
    Value given = branch->getRegion(0).front().getTerminator()->getOperand(cast<OpResult>(dim.getSource()).getResultNumber());
    FailureOr<OpFoldResult> size = attnc::sizeBefore(rewriter, branch, given, *number);
    if (failed(size))
      return failure();
    rewriter.replaceOp(dim, getValueOrCreateConstantIndexOp(rewriter, dim.getLoc(), *size));
    return success();
  }
};

/// tensor.dim of an entry's argument is the named size.
struct NamedSize : public OpRewritePattern<tensor::DimOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tensor::DimOp dim, PatternRewriter &rewriter) const override {
    auto argument = dyn_cast<BlockArgument>(dim.getSource());
    auto function = argument ? dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp()) : func::FuncOp();
    std::optional<int64_t> index = dim.getConstantIndex();
    if (!function || !index)
      return failure();
    auto names = function.getArgAttrOfType<ArrayAttr>(argument.getArgNumber(), "attnc.dims");
    auto type = cast<RankedTensorType>(argument.getType());
    if (!names || !type.isDynamicDim(*index))
      return failure();
    Attribute name = names[type.getDynamicDimIndex(*index)], size = rewriter.getStringAttr("size");
    for (BlockArgument other : function.getArguments()) {
      unsigned number = other.getArgNumber();
      if (function.getArgAttr(number, "attnc.role") == size && function.getArgAttr(number, "attnc.name") == name) {
        rewriter.replaceOp(dim, other);
        return success();
      }
    }
    return failure();
  }
};

class ResolveSizes : public attnc::impl::ResolveSizesBase<ResolveSizes> {
public:
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<LookThrough, BranchSize, NamedSize>(&getContext());
    tensor::DimOp::getCanonicalizationPatterns(patterns, &getContext());
    tensor::EmptyOp::getCanonicalizationPatterns(patterns, &getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
