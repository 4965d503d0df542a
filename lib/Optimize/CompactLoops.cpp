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
#include "LoopSizes.h"

#include "attnc/Optimize/Passes.h"

#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Remarks.h"

namespace attnc {
#define GEN_PASS_DEF_COMPACTLOOPS
#include "attnc/Optimize/Passes.h.inc"
} // namespace attnc

using namespace mlir;
using namespace attnc;
using namespace attnc::compact;

namespace {

class Compaction {
public:
  explicit Compaction(const RowLoop &of) : loop(of), rows(of) {
    for (auto [i, carried] : llvm::enumerate(loop.op.getCarried()))
      if (loop.op.getMark(i) != loop::Mark::Free && rows.isKept(body().getTerminator()->getOperand(i), carried))
        kept.insert(i);
    for (Operation &op : body().without_terminator())
      if (isHeavy(&op) && isByRow(&op))
        ++followed;
      else if (isHeavy(&op) && whole++ == 0)
        firstWhole = &op;
  }

  /// Whether a heavy op is done for running rows alone.
  bool pays() const { return followed != 0; }

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

  /// What follows the rows, what is carried for those that have stopped, and what is not skipped, why, and what would help.
  void remark(unsigned carried) {
    std::string text = "rows that have stopped are skipped: " + std::to_string(followed) + " products and attentions follow the running rows";
    if (carried)
      text += ", " + std::to_string(carried) + " values that are made of frozen rows are carried";
    if (whole)
      text += ", " + std::to_string(whole) + " are computed for all rows: " + whyWhole();
    remark::passed(loop.op.getLoc(), remark::RemarkOpts::name("compaction").category("loops")) << text;
  }

  void remarkMissed() {
    std::string text = "no row is skipped: " + (whole ? whyWhole() : "the body has no product and no attention");
    remark::missed(loop.op.getLoc(), remark::RemarkOpts::name("compaction").category("loops")) << text;
  }

private:
  Block &body() { return loop.op.getBody().front(); }

  bool isByRow(Operation *op) const {
    return llvm::all_of(op->getResults(), [&](Value v) { return !rows.isDense(v); }) && llvm::any_of(op->getResults(), [&](Value v) { return rows.isCompact(v); });
  }

  /// Whether what an op computes is made of a carried value that goes on in rows that have stopped.
  bool readsFree(Operation *op) {
    SetVector<Operation *> slice;
    BackwardSliceOptions options;
    options.inclusive = true;
    options.filter = [&](Operation *inner) { return inner->getBlock() == &body(); };
    if (failed(getBackwardSlice(op, &slice, options)))
      return false;
    for (Operation *inner : slice)
      for (Value operand : inner->getOperands())
        for (auto [i, carried] : llvm::enumerate(loop.op.getCarried()))
          if (operand == carried && loop.op.getMark(i) == loop::Mark::Free)
            return true;
    return false;
  }

  /// Of the first op that is computed for all rows.
  std::string whyWhole() {
    auto quoted = [](Operation *op) { return "'" + op->getName().getStringRef().str() + "'"; };
    std::string text = quoted(firstWhole);
    Value result = firstWhole->getResult(0);
    if (rows.form(result) == Form::None)
      return text + (readsFree(firstWhole) ? " reads a carried value that is free; frozen, it would let it follow" : " does not work row by row");
    Operation *reader = rows.wholeReader(result);
    if (isa_and_nonnull<attn::AttentionOp>(reader))
      return text + " makes keys or values, which attention reads of rows that have stopped; a carried value that keeps the last running step's (select by the "
                    "mask of running rows) would let it follow";
    if (!reader || reader == body().getTerminator())
      return text + " makes what rows that have stopped are given too; a carried value that is frozen would let it follow";
    return text + " is read by " + quoted(reader) + ", which does not work row by row";
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
  unsigned followed = 0, whole = 0; ///< products and attentions
  Operation *firstWhole = nullptr;
};

class CompactLoops : public attnc::impl::CompactLoopsBase<CompactLoops> {
public:
  void runOnOperation() override {
    if (getOperation()->hasAttr("attnc.no_compact"))
      return;
    FailureOr<SmallVector<loop::AdaptiveOp>> loops = findLoopsOfRows(getOperation());
    if (failed(loops))
      return signalPassFailure();
    for (loop::AdaptiveOp op : *loops)
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
    if (Compaction before(flat); !before.pays()) {
      before.remarkMissed();
      return restore(flat, op);
    }
    unsigned carried = 0;
    flat = carryFunctions(flat, carried);
    Compaction compaction(flat);
    compaction.remark(carried);
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
