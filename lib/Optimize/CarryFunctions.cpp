// What a body computes of frozen rows alone, for all rows, is carried: rows that have stopped keep it, running rows make theirs anew.
//
//     carry(frozen %h = %h0) { %k = f(%h) ; … all rows of %k are read … ; yield %y }
//  -> carry(frozen %h = %h0, frozen %k = f(%h0)) { … ; yield %y, f(%y) }
//
// f costs the same as before at the steps that rows take, and one step more for those of the last: less where rows stop.
#include "RowSpace.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace attnc;
using namespace attnc::compact;
using namespace attnc::loop;

bool compact::isHeavy(Operation *op) {
  auto structured = dyn_cast<linalg::LinalgOp>(op);
  return isa<attn::AttentionOp>(op) || (structured && linalg::isaContractionOpInterface(structured));
}

namespace {

class Carrying {
public:
  explicit Carrying(const RowLoop &loop) : loop(loop), op(loop.op), rows(loop), b(op.getContext()) {}

  RowLoop run(unsigned &count) {
    findFunctions();
    SmallVector<Value> chosen = choose();
    count = chosen.size();
    if (chosen.empty())
      return loop;
    b.setInsertionPoint(op);
    SmallVector<Value> inits(op.getInits());
    llvm::append_range(inits, cloneOf(chosen, op.getInits()));
    Operation *yield = body().getTerminator();
    b.setInsertionPoint(yield);
    SmallVector<Value> next = cloneOf(chosen, yield->getOperands());
    cast<YieldOp>(yield).getValuesMutable().append(next);
    AdaptiveOp made = create(inits);
    b.setInsertionPointToStart(&made.getBody().front());
    for (auto [value, carried] : llvm::zip_equal(chosen, made.getCarried().take_back(chosen.size()))) {
      Value all = carried;
      if (rows.form(value) == Form::Split)
        all = tensor::ExpandShapeOp::create(b, value.getLoc(), value.getType(), carried, mergeRows(rank(value), loop.rank()), shapes[value]);
      value.replaceAllUsesWith(all);
    }
    for (Operation &inner : llvm::make_early_inc_range(llvm::reverse(made.getBody().front())))
      if (isOpTriviallyDead(&inner))
        inner.erase();
    op.erase();
    return {made, loop.sizes};
  }

private:
  Block &body() { return loop::AdaptiveOp(op).getBody().front(); }
  static int64_t rank(Value value) { return cast<RankedTensorType>(value.getType()).getRank(); }

  /// Of each op: whether a row of it is computed of that frozen row and what is the same at every step, or of the latter alone.
  void findFunctions() {
    for (auto [i, value] : llvm::enumerate(op.getCarried()))
      if (op.getMark(i) == Mark::Frozen)
        ofRows.insert(value);
    for (Operation &inner : body().without_terminator()) {
      llvm::SetVector<Value> read(inner.operand_begin(), inner.operand_end());
      getUsedValuesDefinedAbove(inner.getRegions(), read);
      auto isOutside = [&](Value v) { return !op.getBody().isAncestor(v.getParentRegion()); };
      bool isFunction = isMemoryEffectFree(&inner) && llvm::all_of(read, [&](Value v) { return isOutside(v) || same.contains(v) || ofRows.contains(v); });
      bool hasRows = llvm::any_of(read, [&](Value v) { return ofRows.contains(v); });
      auto gather = dyn_cast<attn::GatherRowsOp>(inner);
      bool readsOthers = isa<attn::AttentionOp>(inner) || (gather && ofRows.contains(gather.getSource()));
      if (!isFunction || readsOthers || (hasRows && llvm::any_of(inner.getResults(), [&](Value v) { return rows.form(v) == Form::None; })))
        continue;
      for (Value result : inner.getResults())
        (hasRows ? ofRows : same).insert(result);
    }
  }

  /// Of those, what costs something and another op reads all rows of.
  SmallVector<Value> choose() {
    SmallVector<Value> chosen;
    for (Operation &inner : body().without_terminator())
      for (Value result : inner.getResults()) {
        auto isOther = [&](Operation *user) { return user->getNumResults() == 0 || !ofRows.contains(user->getResult(0)); };
        if (ofRows.contains(result) && rows.isDense(result) && llvm::any_of(result.getUsers(), isOther) && llvm::any_of(sliceOf({result}), isHeavy))
          chosen.push_back(result);
      }
    return chosen;
  }

  /// The body's ops that make the values, in order.
  SmallVector<Operation *> sliceOf(ArrayRef<Value> values) {
    llvm::SmallPtrSet<Operation *, 16> needed;
    for (Value value : values)
      needed.insert(value.getDefiningOp());
    SmallVector<Operation *> slice;
    for (Operation &inner : llvm::reverse(body().without_terminator())) {
      if (!needed.contains(&inner))
        continue;
      slice.push_back(&inner);
      llvm::SetVector<Value> read(inner.operand_begin(), inner.operand_end());
      getUsedValuesDefinedAbove(inner.getRegions(), read);
      for (Value value : read)
        if (Operation *from = value.getDefiningOp(); from && from->getBlock() == &body())
          needed.insert(from);
    }
    std::reverse(slice.begin(), slice.end());
    return slice;
  }

  /// The values for other rows, in one dimension.
  SmallVector<Value> cloneOf(ArrayRef<Value> values, ValueRange carried) {
    IRMapping map;
    map.map(op.getCarried(), carried.take_front(op.getNumCarried()));
    for (Operation *inner : sliceOf(values))
      b.clone(*inner, map);
    SmallVector<Value> made;
    for (Value value : values) {
      Value copy = map.lookup(value);
      if (rows.form(value) == Form::Split) {
        if (!shapes.contains(value))
          shapes[value] = tensor::getMixedSizes(b, value.getLoc(), copy);
        copy = tensor::CollapseShapeOp::create(b, value.getLoc(), copy, mergeRows(rank(value), loop.rank()));
      }
      made.push_back(copy);
    }
    return made;
  }

  /// The loop with more values, frozen. Its body is moved.
  AdaptiveOp create(ArrayRef<Value> inits) {
    unsigned count = op.getNumCarried(), added = inits.size() - count;
    b.setInsertionPoint(op);
    SmallVector<Type> types(op.getFinals().getTypes());
    for (Value init : inits.drop_front(count))
      types.push_back(init.getType());
    llvm::append_range(types, op.getResults().drop_front(count).getTypes());
    SmallVector<int32_t> marks(op.getMarks());
    marks.append(added, int32_t(Mark::Frozen));
    auto made = AdaptiveOp::create(b, op.getLoc(), types, op.getActive(), op.getCap(), inits, Value(), Value(), Policy::Region, marks, Compare::Ge, Remainder::Assign,
                                   IntegerAttr(), IntegerAttr(), FloatAttr(), op.getMargin());
    made->setDiscardableAttrs(op->getDiscardableAttrDictionary());
    for (auto [i, init] : llvm::enumerate(inits.drop_front(count))) {
      op.getBody().addArgument(init.getType(), op.getLoc());
      op.getHalt().insertArgument(1 + count + i, init.getType(), op.getLoc());
      op.getHalt().addArgument(init.getType(), op.getLoc());
    }
    made.getBody().takeBody(op.getBody());
    made.getHalt().takeBody(op.getHalt());
    for (auto [i, result] : llvm::enumerate(op.getResults()))
      result.replaceAllUsesWith(made.getResult(i < count ? i : i + added));
    return made;
  }

  const RowLoop &loop;
  AdaptiveOp op;
  RowAnalysis rows;
  OpBuilder b;
  llvm::DenseSet<Value> same, ofRows;
  llvm::DenseMap<Value, SmallVector<OpFoldResult>> shapes;
};

} // namespace

RowLoop compact::carryFunctions(const RowLoop &loop, unsigned &count) { return Carrying(loop).run(count); }
