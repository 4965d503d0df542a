// Makes loops update what they carry in place.
//
// One-shot bufferization gives a loop's carried tensor one buffer only if the yielded tensor is computed
// into it; otherwise it allocates at every iteration. So every tensor that a loop of an entry yields is
// made a destination-style update of the tensor carried at the same place:
//
//     scf.yield %new            ->   %kept = materialize_in_destination %new in %carried
//                                    scf.yield %kept
//
// unless %new is already computed into %carried, by one op or by several with destinations in turn, and nothing reads behind
// an op what it overwrites.
// A carried tensor that is yielded at another place (a swap) is first copied aside.
#include "InPlace.h"
#include "attnc/Memory/Memory.h"

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace attnc {
#define GEN_PASS_DEF_CARRYINPLACE
#include "attnc/Memory/Passes.h.inc"
} // namespace attnc

using namespace mlir;

namespace {

/// A tensor to copy a carried value to. Its sizes are those of the value.
Value copyAside(OpBuilder &b, Location loc, Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  Value empty = tensor::EmptyOp::create(b, loc, tensor::getMixedSizes(b, loc, value), type.getElementType());
  return bufferization::MaterializeInDestinationOp::create(b, loc, value, empty)->getResult(0);
}

/// Rewrites the terminator's operands against the carried arguments; a null one is carried where the body cannot see it.
void carryInPlace(Operation *terminator, ArrayRef<BlockArgument> carried) {
  Block *block = terminator->getBlock();
  OpBuilder b(terminator);
  Location loc = terminator->getLoc();
  SmallVector<Value> news;
  for (auto [i, argument] : llvm::enumerate(carried)) {
    Value value = terminator->getOperand(i);
    auto other = dyn_cast<BlockArgument>(value);
    bool swapped = other && other != argument && llvm::is_contained(carried, other);
    news.push_back(isa<RankedTensorType>(value.getType()) && swapped ? copyAside(b, loc, value) : value);
  }
  for (auto [i, argument] : llvm::enumerate(carried)) {
    Value value = news[i];
    if (!argument || !isa<RankedTensorType>(value.getType()) || value == argument || attnc::memory::isUpdateInPlace(value, argument, block))
      continue;
    terminator->setOperand(i, bufferization::MaterializeInDestinationOp::create(b, loc, value, argument)->getResult(0));
  }
}

/// Makes the condition of a while loop forward all that is carried, in the same order, as bufferization wants it. A
/// condition that forwards something else is left alone.
scf::WhileOp forwardInOrder(scf::WhileOp loop) {
  Block *before = loop.getBeforeBody(), *after = loop.getAfterBody();
  SmallVector<unsigned> places; // of each forwarded value among the carried ones
  for (Value forwarded : loop.getConditionOp().getArgs()) {
    auto argument = dyn_cast<BlockArgument>(forwarded);
    if (!argument || argument.getOwner() != before)
      return loop;
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
        if (llvm::equal(ordered.getConditionOp().getArgs(), ordered.getBeforeArguments()))
          carryInPlace(ordered.getYieldOp(), SmallVector<BlockArgument>(ordered.getAfterArguments()));
      }
    }
  }
};

} // namespace
