// Steps loop ops down to scf.
//
// Before: loop.adaptive region (attnc-expand-policies ran) and loop.segment. After: scf.while and scf.for on tensors.
// Every tensor that a loop carries is yielded by an op whose destination is that tensor, in an order in which nothing reads the
// old value afterwards (but a halt region that asks for it), so that bufferization keeps one buffer a value. Whether
// any row runs is reduced once an iteration, where the mask is made, and carried as a scalar.
#include "LowerLoops.h"
#include "Rows.h"

#include "attnc/Optimize/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"

namespace attnc {
#define GEN_PASS_DEF_LOWERLOOPS
#include "attnc/Optimize/Passes.h.inc"
} // namespace attnc

using namespace mlir;
using namespace attnc;
using namespace attnc::loop;

namespace {

/// loop.adaptive region → scf.while over (t, more, active, values…, steps[, margin]).
class AdaptiveLowering {
public:
  explicit AdaptiveLowering(AdaptiveOp op, IRRewriter &b) : op(op), loc(op.getLoc()), b(b) {}

  void run();

private:
  enum Carried {
    Step,
    More,
    Active,
    Values
  };

  bool isOneRow() { return op.getRowType().getRank() == 0; }
  SmallVector<Value> inits();
  Value anyOf(Value mask);
  SmallVector<Value> inlineRegion(Region &region, Block *into, ValueRange arguments);
  Value freeze(Mark mark, Value running, Value fresh, Value old);
  SmallVector<Value> countRows(ValueRange decision, Value active, Value steps, Value margin);
  void buildCondition(Block *block);
  void buildIteration(Block *block);

  AdaptiveOp op;
  Location loc;
  IRRewriter &b;
};

/// Whether any row runs. That there is one at all is asked of the sizes: where all rows of a mask are known to run, upstream folds the
/// reduction over them, with what it gives for none.
Value AdaptiveLowering::anyOf(Value mask) {
  Value someRows;
  for (auto [d, size] : llvm::enumerate(op.getRowType().getShape())) {
    if (!ShapedType::isDynamic(size))
      continue;
    Value zero = arith::ConstantIndexOp::create(b, loc, 0), rows = tensor::DimOp::create(b, loc, op.getActive(), d);
    Value some = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, rows, zero);
    someRows = someRows ? arith::AndIOp::create(b, loc, someRows, some).getResult() : some;
  }
  if (!isOneRow()) {
    Value none = arith::ConstantOp::create(b, loc, b.getBoolAttr(false));
    Value empty = tensor::EmptyOp::create(b, loc, ArrayRef<int64_t>(), b.getI1Type());
    Value start = linalg::FillOp::create(b, loc, none, empty).getResult(0);
    mask = rows::reduce(b, loc, mask, start, [](OpBuilder &b, Location loc, ValueRange v) -> SmallVector<Value> {
      return {arith::OrIOp::create(b, loc, v[0], v[1])};
    })[0];
  }
  Value any = tensor::ExtractOp::create(b, loc, mask, ValueRange());
  return someRows ? arith::AndIOp::create(b, loc, any, someRows).getResult() : any;
}

SmallVector<Value> AdaptiveLowering::inits() {
  SmallVector<Value> values = {arith::ConstantIndexOp::create(b, loc, 1), anyOf(op.getActive()), op.getActive()};
  llvm::append_range(values, op.getInits());
  values.push_back(rows::fill(b, loc, op.getActive(), b.getI32Type(), 0));
  if (op.getMargin())
    values.push_back(rows::fill(b, loc, op.getActive(), b.getF32Type(), INFINITY));
  return values;
}

/// Moves a region to the end of a block; returns what it yields.
SmallVector<Value> AdaptiveLowering::inlineRegion(Region &region, Block *into, ValueRange arguments) {
  b.mergeBlocks(&region.front(), into, arguments);
  auto yield = cast<YieldOp>(into->getTerminator());
  SmallVector<Value> values(yield.getValues());
  b.eraseOp(yield);
  b.setInsertionPointToEnd(into);
  return values;
}

/// running ? new : old, in place of old. A loop over one row turns only while it runs.
Value AdaptiveLowering::freeze(Mark mark, Value running, Value fresh, Value old) {
  if (mark == Mark::Free || isOneRow() || fresh == old)
    return fresh;
  return rows::map(b, loc, {running, fresh}, old, [](OpBuilder &b, Location loc, ValueRange v) -> SmallVector<Value> {
    return {arith::SelectOp::create(b, loc, v[0], v[1], v[2])};
  })[0];
}

/// active' = active ∧ ¬exit, steps' = steps + active, margin' = active ? min(margin, distance) : margin (NaN does not count).
SmallVector<Value> AdaptiveLowering::countRows(ValueRange decision, Value active, Value steps, Value margin) {
  SmallVector<Value> destinations = {active, steps};
  if (margin)
    destinations.push_back(margin);
  return rows::map(b, loc, decision, destinations, [&](OpBuilder &b, Location loc, ValueRange v) -> SmallVector<Value> {
    ValueRange old = v.drop_front(decision.size());
    Value yes = arith::ConstantOp::create(b, loc, b.getBoolAttr(true));
    Value stays = arith::XOrIOp::create(b, loc, v[0], yes);
    SmallVector<Value> out = {arith::AndIOp::create(b, loc, old[0], stays),
                              arith::AddIOp::create(b, loc, old[1], arith::ExtUIOp::create(b, loc, b.getI32Type(), old[0]))};
    if (margin) {
      Value closest = arith::MinNumFOp::create(b, loc, old[2], v[1]);
      out.push_back(arith::SelectOp::create(b, loc, old[0], closest, old[2]));
    }
    return out;
  });
}

/// A row runs and the cap is not reached.
void AdaptiveLowering::buildCondition(Block *block) {
  b.setInsertionPointToEnd(block);
  Value below = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sle, block->getArgument(Step), op.getCap());
  Value goOn = arith::AndIOp::create(b, loc, block->getArgument(More), below);
  scf::ConditionOp::create(b, loc, goOn, block->getArguments());
}

void AdaptiveLowering::buildIteration(Block *block) {
  unsigned count = op.getNumCarried();
  Value step = block->getArgument(Step), active = block->getArgument(Active), steps = block->getArgument(Values + count);
  Value margin = op.getMargin() ? Value(block->getArgument(Values + count + 1)) : Value();
  auto olds = block->getArguments().slice(Values, count);

  SmallVector<Value> arguments = {step, active};
  llvm::append_range(arguments, olds);
  SmallVector<Value> values = inlineRegion(op.getBody(), block, arguments);
  for (auto [i, value] : llvm::enumerate(values))
    value = freeze(op.getMark(i), active, value, olds[i]);

  arguments = {step};
  llvm::append_range(arguments, olds);
  llvm::append_range(arguments, values);
  SmallVector<Value> decision = inlineRegion(op.getHalt(), block, arguments);
  SmallVector<Value> counted = countRows(decision, active, steps, margin);

  Value next = arith::AddIOp::create(b, loc, step, arith::ConstantIndexOp::create(b, loc, 1));
  SmallVector<Value> yielded = {next, anyOf(counted[0]), counted[0]};
  llvm::append_range(yielded, values);
  llvm::append_range(yielded, ArrayRef(counted).drop_front());
  scf::YieldOp::create(b, loc, yielded);
}

void AdaptiveLowering::run() {
  b.setInsertionPoint(op);
  SmallVector<Value> values = inits();
  TypeRange types = ValueRange(values).getTypes();
  SmallVector<Location> locs(values.size(), loc);
  auto loop = scf::WhileOp::create(b, loc, types, values);
  loop->setDiscardableAttrs(op->getDiscardableAttrDictionary());
  buildCondition(b.createBlock(&loop.getBefore(), {}, types, locs));
  buildIteration(b.createBlock(&loop.getAfter(), {}, types, locs));
  b.replaceOp(op, loop.getResults().drop_front(Values));
}

class LowerLoops : public attnc::impl::LowerLoopsBase<LowerLoops> {
public:
  void runOnOperation() override {
    IRRewriter b(&getContext());
    // Inner loops first: the body of a segment is copied.
    WalkResult result = getOperation()->walk([&](Operation *op) {
      if (auto segment = dyn_cast<SegmentOp>(op))
        return WalkResult(lowerSegment(segment));
      auto adaptive = dyn_cast<AdaptiveOp>(op);
      if (isa<FixedPointOp>(op) || (adaptive && adaptive.getPolicy() != Policy::Region))
        return WalkResult(op->emitOpError("expected loops of policy region only; attnc-expand-policies makes them so"));
      if (adaptive)
        AdaptiveLowering(adaptive, b).run();
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }
};

} // namespace
