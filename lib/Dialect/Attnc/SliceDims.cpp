// Slices that drop a dimension go on dropping that one when their sizes become known.
//
// A rank-reducing slice says by its types which dimensions of extent 1 it drops. Sizes that are not static yet leave no
// doubt; upstream's canonical form, once it knows them, drops the first that fit:
//
//     extract_slice %x[0, 0, 2] [%one, 16, 1] [1, 1, 1] : tensor<?x16x3xf32> to tensor<?x16xf32>    drops the last
//     extract_slice %x[0, 0, 2] [1, 16, 1] [1, 1, 1] : tensor<?x16x3xf32> to tensor<16x1xf32>       drops the first
//
// Where it would drop others, the slice keeps its rank and a reshape drops them. Canonicalization, which asks the dialect
// for patterns too, tries these before upstream's, as they are of higher benefit.
#include "attnc/Dialect/Attnc/Attnc.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;

namespace {

constexpr unsigned short kBeforeUpstream = 2;

/// A slice's extents, those that are kept of them, and which of the former make each of the latter.
struct Slice {
  Slice(ArrayRef<OpFoldResult> given, const llvm::SmallBitVector &dropped);

  /// Does the first fitting choice of extents 1 leave other extents?
  bool isMistakenForAnother() const;

  SmallVector<OpFoldResult> sizes;
  SmallVector<int64_t> full, kept;
  SmallVector<ReassociationIndices> groups;
  bool becomesStatic = false; // a size is a constant that the op does not know yet
};

} // namespace

Slice::Slice(ArrayRef<OpFoldResult> given, const llvm::SmallBitVector &dropped) {
  ReassociationIndices leading; // dropped ones in front of the first that is kept
  for (auto [d, size] : llvm::enumerate(given)) {
    std::optional<int64_t> known = getConstantIntValue(size);
    becomesStatic |= known && isa<Value>(size);
    full.push_back(known.value_or(ShapedType::kDynamic));
    sizes.push_back(known && isa<Value>(size) ? getAsIndexOpFoldResult(cast<Value>(size).getContext(), *known) : size);
    if (dropped.test(d)) {
      (groups.empty() ? leading : groups.back()).push_back(d);
      continue;
    }
    kept.push_back(full.back());
    groups.push_back(std::exchange(leading, {}));
    groups.back().push_back(d);
  }
}

bool Slice::isMistakenForAnother() const {
  SmallVector<int64_t> first;
  size_t left = full.size() - kept.size();
  for (int64_t extent : full) {
    if (extent == 1 && left > 0)
      --left;
    else
      first.push_back(extent);
  }
  return first != kept;
}

namespace {

struct ExtractKeepsDims : OpRewritePattern<tensor::ExtractSliceOp> {
  ExtractKeepsDims(MLIRContext *context) : OpRewritePattern(context, kBeforeUpstream) {}

  LogicalResult matchAndRewrite(tensor::ExtractSliceOp op, PatternRewriter &rewriter) const override {
    Slice slice(op.getMixedSizes(), op.getDroppedDims());
    if (!slice.becomesStatic || !slice.isMistakenForAnother())
      return failure();
    Type element = op.getType().getElementType();
    Value full = tensor::ExtractSliceOp::create(rewriter, op.getLoc(), RankedTensorType::get(slice.full, element), op.getSource(),
                                                op.getMixedOffsets(), slice.sizes, op.getMixedStrides());
    Value kept = tensor::CollapseShapeOp::create(rewriter, op.getLoc(), RankedTensorType::get(slice.kept, element), full, slice.groups);
    rewriter.replaceOpWithNewOp<tensor::CastOp>(op, op.getType(), kept);
    return success();
  }
};

struct InsertKeepsDims : OpRewritePattern<tensor::InsertSliceOp> {
  InsertKeepsDims(MLIRContext *context) : OpRewritePattern(context, kBeforeUpstream) {}

  LogicalResult matchAndRewrite(tensor::InsertSliceOp op, PatternRewriter &rewriter) const override {
    Slice slice(op.getMixedSizes(), op.getDroppedDims());
    if (!slice.becomesStatic || !slice.isMistakenForAnother())
      return failure();
    Type element = op.getSourceType().getElementType();
    Value kept = tensor::CastOp::create(rewriter, op.getLoc(), RankedTensorType::get(slice.kept, element), op.getSource());
    Value full = tensor::ExpandShapeOp::create(rewriter, op.getLoc(), RankedTensorType::get(slice.full, element), kept, slice.groups, slice.sizes);
    rewriter.replaceOpWithNewOp<tensor::InsertSliceOp>(op, full, op.getDest(), op.getMixedOffsets(), slice.sizes, op.getMixedStrides());
    return success();
  }
};

} // namespace

void attnc::AttncDialect::getCanonicalizationPatterns(RewritePatternSet &patterns) const {
  patterns.add<ExtractKeepsDims, InsertKeepsDims>(getContext());
}
