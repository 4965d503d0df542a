// Lets a halting loop's step cost what its running rows cost.
//
// Before: loop.adaptive region; every step computes every row. After: where the body's work is done row by row, a step lists the
// running rows and computes those alone; what is carried is put back into its place for all rows, so that rows that have stopped
// keep their values (which attention may read). What is not done row by row stays as it was.
//
//     carry(frozen %h = …) { … %y = contract %h, %w … yield %y }
//  -> carry(free %h = …) { %rows, %n = nonzero %running ; %g = gather_rows %h[%rows] ; %y = contract %g, %w …
//                          %h1 = scatter_rows set %y into %h[%rows] … yield %h1 }
#include "CompactRows.h"

#include "attnc/Optimize/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace attnc {
#define GEN_PASS_DEF_COMPACTLOOPS
#include "attnc/Optimize/Passes.h.inc"
} // namespace attnc

using namespace mlir;
using namespace attnc;
using namespace attnc::compact;

namespace {

/// Products and attention: what is worth a list of rows.
bool isHeavy(Operation *op) {
  auto structured = dyn_cast<linalg::LinalgOp>(op);
  return isa<attn::AttentionOp>(op) || (structured && linalg::isaContractionOpInterface(structured));
}

/// Sizes become those of values in front of the loop: a body that asks for the size of what it carries reads nothing.
LogicalResult resolveSizes(Operation *function) {
  RewritePatternSet patterns(function->getContext());
  memref::populateResolveShapedTypeResultDimsPatterns(patterns);
  memref::populateResolveRankedShapedTypeResultDimsPatterns(patterns);
  tensor::DimOp::getCanonicalizationPatterns(patterns, function->getContext());
  return applyPatternsGreedily(function, std::move(patterns));
}

/// Of what is carried, and of what that is expanded to.
void hoistSizesOfCarried(loop::AdaptiveOp op) {
  unsigned count = op.getNumCarried();
  for (Region *region : {&op.getBody(), &op.getHalt()})
    region->walk([&](tensor::DimOp dim) {
      OpBuilder b(op);
      if (!dim.getConstantIndex())
        return;
      int64_t at = *dim.getConstantIndex();
      if (auto expand = dim.getSource().getDefiningOp<tensor::ExpandShapeOp>())
        return dim.replaceAllUsesWith(getValueOrCreateConstantIndexOp(b, dim.getLoc(), expand.getMixedOutputShape()[at]));
      auto argument = dyn_cast<BlockArgument>(dim.getSource());
      if (!argument || argument.getOwner() != &region->front())
        return;
      unsigned number = argument.getArgNumber(), first = region == &op.getBody() ? 2 : 1;
      Value init = number < first ? op.getActive() : op.getInits()[(number - first) % count];
      dim.replaceAllUsesWith(tensor::DimOp::create(b, dim.getLoc(), init, at).getResult());
    });
}

class Compaction {
public:
  explicit Compaction(const RowLoop &of) : loop(of), rows(of) {
    for (auto [i, carried] : llvm::enumerate(loop.op.getCarried()))
      if (loop.op.getMark(i) != loop::Mark::Free && rows.isKept(body().getTerminator()->getOperand(i), carried))
        kept.insert(i);
  }

  /// Whether a heavy op is done for running rows alone.
  bool pays() {
    unsigned byRow = 0;
    for (Operation &op : body().without_terminator())
      if (isHeavy(&op))
        ++(isByRow(&op) ? byRow : whole);
    followed = byRow;
    return byRow != 0;
  }

  void run() {
    RowRewriter rewriter(rows);
    SmallVector<Operation *> ops;
    for (Operation &op : body().without_terminator())
      ops.push_back(&op);
    for (Operation *op : ops)
      visit(op, rewriter);
    yield(rewriter);
    for (Operation *op : llvm::reverse(ops))
      if (isOpTriviallyDead(op))
        op->erase();
  }

  void remark() {
    std::string text = "rows that have stopped are skipped: " + std::to_string(followed) + " products and attentions follow the running rows";
    if (whole)
      text += ", " + std::to_string(whole) + " are computed for all rows, because attention or an op that mixes rows reads what they give of rows that have "
                                             "stopped; a carried value that keeps the last running step's (select by the mask of running rows) would make them follow";
    remark::passed(loop.op.getLoc(), remark::RemarkOpts::name("compaction").category("loops")) << text;
  }

private:
  Block &body() { return loop.op.getBody().front(); }

  bool isByRow(Operation *op) const {
    return llvm::all_of(op->getResults(), [&](Value v) { return !rows.isDense(v); }) && llvm::any_of(op->getResults(), [&](Value v) { return rows.isCompact(v); });
  }

  void visit(Operation *op, RowRewriter &rewriter) {
    if (auto keep = rows.matchKeep(op)) {
      Value result = op->getResult(0);
      if (!rows.isDense(result) && !rows.isCompact(result))
        return;
      OpBuilder b(op);
      rewriter.moveTo(op);
      Value fresh = rewriter.compact(keep->first);
      rewriter.setCompact(result, fresh);
      if (!rows.isDense(result))
        return;
      Value all = rewriter.putBack(b, fresh, keep->second);
      rows.inherit(all, result);
      rewriter.setCompact(all, fresh);
      result.replaceAllUsesWith(all);
      return;
    }
    if (isByRow(op))
      rewriter.rewrite(op);
  }

  void yield(RowRewriter &rewriter) {
    Operation *terminator = body().getTerminator();
    rewriter.moveTo(terminator);
    OpBuilder b(terminator);
    SmallVector<int32_t> marks(loop.op.getMarks());
    for (auto [i, carried] : llvm::enumerate(loop.op.getCarried())) {
      OpOperand &operand = terminator->getOpOperand(i);
      if (loop.op.getMark(i) == loop::Mark::Free || operand.get() == carried)
        continue;
      if (kept.contains(i)) {
        marks[i] = int32_t(loop::Mark::Free);
      } else if (!rows.isDense(operand.get()) && rows.isCompact(operand.get())) {
        operand.set(rewriter.putBack(b, rewriter.compact(operand.get()), carried));
        marks[i] = int32_t(loop::Mark::Free);
      }
    }
    loop.op.setMarks(marks);
  }

  RowLoop loop;
  RowAnalysis rows;
  llvm::SmallDenseSet<unsigned> kept; ///< carried values that the body itself keeps for rows that have stopped
  unsigned followed = 0, whole = 0;
};

class CompactLoops : public attnc::impl::CompactLoopsBase<CompactLoops> {
public:
  void runOnOperation() override {
    if (getOperation()->hasAttr("attnc.no_compact"))
      return;
    SmallVector<loop::AdaptiveOp> loops;
    getOperation()->walk([&](loop::AdaptiveOp op) {
      if (op.getRowType().getRank() > 0 && op.getPolicy() == loop::Policy::Region)
        loops.push_back(op);
    });
    if (!loops.empty() && failed(resolveSizes(getOperation())))
      return signalPassFailure();
    for (loop::AdaptiveOp op : loops)
      compactLoop(op);
  }

private:
  /// On a copy of the loop, which stays as it is if nothing is gained.
  void compactLoop(loop::AdaptiveOp op) {
    OpBuilder b(op);
    auto copy = cast<loop::AdaptiveOp>(b.clone(*op));
    op->replaceAllUsesWith(copy.getResults());
    RowLoop flat = flattenRows(copy);
    hoistSizesOfCarried(flat.op);
    Compaction compaction(flat);
    if (!compaction.pays())
      return restore(flat, op);
    compaction.remark();
    compaction.run();
    op.erase();
  }

  /// The loop as it was takes the flat one's place.
  static void restore(RowLoop flat, loop::AdaptiveOp op) {
    for (auto [result, old] : llvm::zip_equal(flat.op.getResults(), op.getResults())) {
      if (result.getType() == old.getType()) {
        Value(result).replaceAllUsesWith(old);
        continue;
      }
      for (Operation *expand : llvm::make_early_inc_range(result.getUsers())) {
        expand->getResult(0).replaceAllUsesWith(old);
        expand->erase();
      }
    }
    flat.op->erase();
  }
};

} // namespace
