#include "InPlace.h"

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"

using namespace mlir;

namespace attnc {

/// Is `use` the last one of its tensor in `block`, but for one by `except`?
static bool isLastUse(OpOperand &use, Block *block, Operation *except) {
  Operation *owner = use.getOwner();
  return llvm::all_of(use.get().getUses(), [&](OpOperand &other) {
    if (&other == &use || other.getOwner() == except)
      return true;
    Operation *user = block->findAncestorOpInBlock(*other.getOwner());
    return user && user != owner && user->isBeforeInBlock(owner);
  });
}

/// The tensor that `value` is computed into by an op of `block`: a destination, or what a loop starts from that carries it
/// in place. Null if there is none, or if something reads that tensor behind the op.
static Value overwritten(Value value, Block *block, Operation *except) {
  auto result = dyn_cast<OpResult>(value);
  if (!result || result.getOwner()->getBlock() != block)
    return {};
  OpOperand *init = nullptr;
  if (auto dps = dyn_cast<DestinationStyleOpInterface>(result.getOwner()))
    init = dps.getTiedOpOperand(result);
  else if (auto loop = dyn_cast<scf::ForOp>(result.getOwner()))
    init = loop.getTiedLoopInit(result);
  else if (auto loop = dyn_cast<scf::WhileOp>(result.getOwner());
           loop && llvm::equal(loop.getConditionOp().getArgs(), loop.getBeforeArguments()))
    init = &loop.getInitsMutable()[result.getResultNumber()];
  return init && isLastUse(*init, block, except) ? init->get() : Value();
}

bool memory::isUpdateInPlace(Value value, BlockArgument carried, Block *block, Operation *except) {
  Value before = overwritten(value, block, except);
  while (before && before != carried)
    before = overwritten(before, block, except);
  return before == carried;
}

void memory::returnInPlace(func::FuncOp function) {
  Block *body = &function.getBody().front();
  for (OpOperand &result : body->getTerminator()->getOpOperands()) {
    auto copy = result.get().getDefiningOp<bufferization::MaterializeInDestinationOp>();
    auto argument = copy ? dyn_cast<BlockArgument>(copy.getDest()) : BlockArgument();
    if (!argument || !isUpdateInPlace(copy.getSource(), argument, body, copy))
      continue;
    result.set(copy.getSource());
    copy.erase();
  }
}

} // namespace attnc
