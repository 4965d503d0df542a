// Makes loops update what they carry in place.
//
// One-shot bufferization gives a loop's carried tensor one buffer only if the yielded tensor is computed
// into it; otherwise it allocates at every iteration. So every tensor that a loop of an entry yields is
// materialized in the tensor carried at the same place:
//
//     scf.yield %new            ->   %kept = materialize_in_destination %new in %carried
//                                    scf.yield %kept
//
// which compute-in-place turns into computing it there. A carried tensor that is yielded at another place (a swap) is
// first copied aside. A while loop is rewritten to forward what it carries, in the same order.
#include "attnc/Memory/Memory.h"

#include "CopyAside.h"

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"

namespace attnc {
#define GEN_PASS_DEF_CARRYINPLACE
#include "attnc/Memory/Passes.h.inc"
} // namespace attnc

using namespace mlir;

namespace {

/// Rewrites the operands of a loop body's terminator against the arguments carried at their places.
void carryInPlace(Operation *terminator, ArrayRef<BlockArgument> carried) {
  OpBuilder b(terminator);
  Location loc = terminator->getLoc();
  auto isTensor = [](Value value) { return isa<RankedTensorType>(value.getType()); };
  for (auto [i, argument] : llvm::enumerate(carried)) {
    Value value = terminator->getOperand(i);
    if (isTensor(value) && value != argument && llvm::is_contained(carried, value))
      terminator->setOperand(i, attnc::copyAside(b, loc, value));
  }
  for (auto [i, argument] : llvm::enumerate(carried)) {
    Value value = terminator->getOperand(i);
    if (isTensor(value) && value != argument)
      terminator->setOperand(i, bufferization::MaterializeInDestinationOp::create(b, loc, value, argument)->getResult(0));
  }
}

/// The values of a block's terminator, computed by a copy of its ops from other arguments.
SmallVector<Value> cloneBody(OpBuilder &b, Block *block, ValueRange arguments) {
  IRMapping map;
  map.map(block->getArguments(), arguments);
  for (Operation &op : block->without_terminator())
    b.clone(op, map);
  SmallVector<Value> values;
  for (Value value : block->getTerminator()->getOperands())
    values.push_back(map.lookupOrDefault(value));
  return values;
}

/// A loop whose test computes what it forwards tests in front of the loop and at the end of the body, so that what is
/// forwarded is what is carried:
///     while (c = init) { p, f = test(c); condition(p) f } do { yield body(f) }
///  -> p0, f0 = test(init); while (f = f0, p = p0) { condition(p) f, p } do { yield test(body(f)) }
scf::WhileOp testBehindBody(scf::WhileOp loop) {
  OpBuilder b(loop);
  auto test = [&](OpBuilder &at, ValueRange carried) {
    SmallVector<Value> values = cloneBody(at, loop.getBeforeBody(), carried);
    std::rotate(values.begin(), values.begin() + 1, values.end()); // the condition goes last
    return values;
  };
  SmallVector<Value> start = test(b, loop.getInits());
  auto rotated = scf::WhileOp::create(
      b, loop.getLoc(), ValueRange(start).getTypes(), start,
      [](OpBuilder &at, Location loc, ValueRange carried) { scf::ConditionOp::create(at, loc, carried.back(), carried); },
      [&](OpBuilder &at, Location loc, ValueRange carried) {
        SmallVector<Value> next = cloneBody(at, loop.getAfterBody(), carried.drop_back());
        scf::YieldOp::create(at, loc, test(at, next));
      });
  loop.replaceAllUsesWith(rotated.getResults().drop_back());
  loop.erase();
  return rotated;
}

/// Makes the condition of a while loop forward all that is carried, in the same order, as bufferization wants it.
scf::WhileOp forwardInOrder(scf::WhileOp loop) {
  Block *before = loop.getBeforeBody(), *after = loop.getAfterBody();
  SmallVector<unsigned> places; // of each forwarded value among the carried ones
  for (Value forwarded : loop.getConditionOp().getArgs()) {
    auto argument = dyn_cast<BlockArgument>(forwarded);
    if (!argument || argument.getOwner() != before)
      return testBehindBody(loop);
    places.push_back(argument.getArgNumber());
  }
  OpBuilder b(loop);
  auto ordered = scf::WhileOp::create(b, loop.getLoc(), loop.getInits().getTypes(), loop.getInits());
  ordered.getBefore().takeBody(loop.getBefore());
  ordered.getAfter().takeBody(loop.getAfter());
  ordered.getConditionOp().getArgsMutable().assign(before->getArguments());
  unsigned old = after->getNumArguments();
  for (BlockArgument argument : before->getArguments())
    after->addArgument(argument.getType(), argument.getLoc());
  for (auto [i, place] : llvm::enumerate(places)) {
    after->getArgument(i).replaceAllUsesWith(after->getArgument(old + place));
    loop.getResult(i).replaceAllUsesWith(ordered.getResult(place));
  }
  after->eraseArguments(0, old);
  loop.erase();
  return ordered;
}

class CarryInPlace : public attnc::impl::CarryInPlaceBase<CarryInPlace> {
public:
  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      if (function->hasAttr("attnc.kernel"))
        continue;
      function.walk([](scf::ForOp loop) {
        carryInPlace(loop.getBody()->getTerminator(), SmallVector<BlockArgument>(loop.getRegionIterArgs()));
      });
      SmallVector<scf::WhileOp> loops;
      function.walk([&](scf::WhileOp loop) { loops.push_back(loop); });
      for (scf::WhileOp loop : loops) {
        scf::WhileOp ordered = forwardInOrder(loop);
        carryInPlace(ordered.getYieldOp(), SmallVector<BlockArgument>(ordered.getAfterArguments()));
      }
    }
  }
};

} // namespace
