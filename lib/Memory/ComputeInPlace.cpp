// Outputs, states and carried values are computed where they go.
//
// Before: a materialize_in_destination says of each where it goes. After: those that are left have to copy.
//
//     %e = tensor.empty ; %a = launch into(%e) ; %y = materialize %a in %d    ->    %y = launch into(%d)
//
// What is computed in place is a chain of updates: ops in destination style, and loops from what they start with. Its first
// value is %d itself, or a tensor.empty that %d takes the place of, or anything else, which is then copied to %d in
// front of the chain instead of behind it. What a branch gives is computed into %d in its regions, by the same rules.
// Nothing is done where something else uses %d at the first update or later.
#include "attnc/Memory/Memory.h"

#include "CopyAside.h"

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/LoopLikeInterface.h"

namespace attnc {
#define GEN_PASS_DEF_COMPUTEINPLACE
#include "attnc/Memory/Passes.h.inc"
} // namespace attnc

using namespace mlir;
using bufferization::MaterializeInDestinationOp;

Value attnc::copyAside(OpBuilder &b, Location loc, Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  SmallVector<Value> sizes;
  for (int64_t dim : llvm::seq(type.getRank()))
    if (type.isDynamicDim(dim))
      sizes.push_back(tensor::DimOp::create(b, loc, tensor, dim));
  Value memory = bufferization::AllocTensorOp::create(b, loc, type, sizes);
  return MaterializeInDestinationOp::create(b, loc, tensor, memory).getResult();
}

namespace {

/// Is a value used by an op (or inside it) or behind it in its block? Users in `except` do not count.
bool isUsedFrom(Operation *op, Value value, ArrayRef<Operation *> except) {
  return llvm::any_of(value.getUsers(), [&](Operation *user) {
    Operation *ancestor = op->getBlock()->findAncestorOpInBlock(*user);
    return ancestor && !ancestor->isBeforeInBlock(op) && !llvm::is_contained(except, user);
  });
}

/// Is this the value's only use from its op on?
bool isLastUse(OpOperand &use) {
  Operation *op = use.getOwner();
  return llvm::count(op->getOperands(), use.get()) == 1 && !isUsedFrom(op, use.get(), op);
}

/// The operand that a result is computed in place of: a destination, or what a loop starts with. (A copy is where it is
/// wanted.)
OpOperand *findStart(OpResult result) {
  if (isa<MaterializeInDestinationOp>(result.getOwner()))
    return nullptr;
  if (auto dps = dyn_cast<DestinationStyleOpInterface>(result.getOwner()))
    return dps.getTiedOpOperand(result);
  if (auto loop = dyn_cast<scf::WhileOp>(result.getOwner())) // it forwards what it carries, in order
    return &loop.getInitsMutable()[result.getResultNumber()];
  if (auto loop = dyn_cast<LoopLikeOpInterface>(result.getOwner()))
    return loop.getTiedLoopInit(result);
  return nullptr;
}

/// The chain of updates in a block that ends in a value.
struct Chain {
  Value first;                ///< what it starts from
  OpOperand *entry = nullptr; ///< the first update's use of that; null if there is no update

  Chain(Value value, Block *block) : first(value) {
    while (auto result = dyn_cast<OpResult>(first)) {
      OpOperand *start = result.getOwner()->getBlock() == block ? findStart(result) : nullptr;
      if (!start || (entry && !isLastUse(*entry)))
        return;
      entry = start;
      first = start->get();
    }
  }
};

bool isBranch(Operation *op) { return op && isa<scf::IfOp, scf::IndexSwitchOp>(op); }

class InPlace {
public:
  /// Dissolves the op, moves it in front of the chain that computes its source, or leaves it.
  static void compute(MaterializeInDestinationOp op);

private:
  static void dissolve(MaterializeInDestinationOp op) {
    op.getResult().replaceAllUsesWith(op.getSource());
    op.erase();
  }
  static void computeInBranch(MaterializeInDestinationOp op);
};

void InPlace::compute(MaterializeInDestinationOp op) {
  Value source = op.getSource(), destination = op.getDest();
  if (!isa<BlockArgument>(destination))
    return;
  if (source == destination)
    return dissolve(op);
  // What the block already gives by another name is in its place.
  auto isTerminator = [](Operation *user) { return user->hasTrait<OpTrait::IsTerminator>(); };
  if (llvm::any_of(source.getUsers(), isTerminator))
    return;
  Chain chain(source, op->getBlock());
  if (!chain.entry) {
    if (Operation *producer = source.getDefiningOp(); isBranch(producer) && producer->getBlock() == op->getBlock())
      computeInBranch(op);
    return;
  }
  Operation *update = chain.entry->getOwner();
  unsigned uses = llvm::count(update->getOperands(), destination);
  OpBuilder b(update);
  if (uses != (chain.first == destination) || isUsedFrom(update, destination, {update, op})) {
    if (chain.first == destination) // which is updated elsewhere then, and copied back when nothing needs it any more
      chain.entry->set(attnc::copyAside(b, op.getLoc(), destination));
    return;
  }
  bool isFree = isLastUse(*chain.entry);
  auto empty = chain.first.getDefiningOp<tensor::EmptyOp>();
  dissolve(op);
  if (chain.first == destination)
    return;
  if (empty && isFree)
    return chain.entry->set(destination);
  auto start = MaterializeInDestinationOp::create(b, update->getLoc(), chain.first, destination);
  chain.entry->set(start.getResult());
  if (Operation *producer = chain.first.getDefiningOp(); isFree && isBranch(producer) && producer->getBlock() == update->getBlock())
    computeInBranch(start);
}

/// What a branch gives is computed in its regions. Where that is not possible it is copied aside first, since it may be the
/// destination itself, or something that another such op writes.
void InPlace::computeInBranch(MaterializeInDestinationOp op) {
  auto given = cast<OpResult>(op.getSource());
  Operation *branch = given.getOwner();
  unsigned place = given.getResultNumber();
  Value destination = op.getDest();
  bool isGivenOtherwise = llvm::any_of(branch->getRegions(), [&](Region &region) {
    auto values = llvm::enumerate(region.front().getTerminator()->getOperands());
    return llvm::any_of(values, [&](auto value) { return value.index() != place && value.value() == destination; });
  });
  OpBuilder b(op);
  if (isGivenOtherwise || isUsedFrom(branch->getNextNode(), destination, op.getOperation())) {
    b.setInsertionPointAfter(branch);
    op.getSourceMutable().assign(attnc::copyAside(b, op.getLoc(), given));
    return;
  }
  dissolve(op);
  for (Region &region : branch->getRegions()) {
    Operation *terminator = region.front().getTerminator();
    b.setInsertionPoint(terminator);
    auto inner = MaterializeInDestinationOp::create(b, terminator->getLoc(), terminator->getOperand(place), destination);
    terminator->setOperand(place, inner.getResult());
    compute(inner);
  }
}

class ComputeInPlace : public attnc::impl::ComputeInPlaceBase<ComputeInPlace> {
public:
  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      if (function->hasAttr("attnc.kernel") || function.isExternal())
        continue;
      separateEmptyTensors(function);
      SmallVector<MaterializeInDestinationOp> ops;
      function.walk([&](MaterializeInDestinationOp op) { ops.push_back(op); });
      for (MaterializeInDestinationOp op : ops)
        InPlace::compute(op);
    }
  }

private:
  /// Each destination that starts empty gets a tensor.empty of its own, at its user, so that its buffer lives no
  /// longer than it must.
  static void separateEmptyTensors(func::FuncOp function) {
    SmallVector<tensor::EmptyOp> empties;
    function.walk([&](tensor::EmptyOp empty) { empties.push_back(empty); });
    for (tensor::EmptyOp empty : empties) {
      for (OpOperand &use : llvm::make_early_inc_range(empty->getUses())) {
        OpBuilder b(use.getOwner());
        use.set(b.clone(*empty)->getResult(0));
      }
      empty.erase();
    }
  }
};

} // namespace
