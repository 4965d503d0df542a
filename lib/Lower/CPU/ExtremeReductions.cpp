// The greatest or least of a row of floats in vectors.
//
// LLVM reduces by maxnum, maximum and their like one element after the other, unless NaN and the sign of zeros are of no
// concern. They are; so a loop that takes the extreme of its elements into one element of memory
//
//   for j: m[i] = max(m[i], v(j))     becomes     k = key(m[i]); for j: k = smax(k, key(v(j))); m[i] = float(k)
//
// where key(x) are the bits of x as an integer in the order of floats (-0 before +0): bits below zero are turned around,
// key = bits xor (bits >> n-1 and most). NaN comes first or last, as the op ignores it (maxnumf, minnumf) or returns it
// (maximumf, minimumf). Both keys are NaN as floats.
#include "attnc/Lower/Cpu.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

namespace attnc {
#define GEN_PASS_DEF_EXTREMEREDUCTIONS
#include "attnc/LowerCpu/Passes.h.inc"
} // namespace attnc

using namespace mlir;

namespace {

/// m[i] = extreme(m[i], element), the one store of a loop's body.
struct Reduction {
  memref::LoadOp load;
  memref::StoreOp store;
  Operation *extreme;

  bool isMax() const { return isa<arith::MaxNumFOp, arith::MaximumFOp>(extreme); }
  bool returnsNaN() const { return isa<arith::MaximumFOp, arith::MinimumFOp>(extreme); }
  Value element() { return extreme->getOperand(extreme->getOperand(0) == load.getResult() ? 1 : 0); }
};

/// The buffer that a view is of.
Value baseOf(Value buffer) {
  while (auto view = buffer.getDefiningOp<ViewLikeOpInterface>())
    buffer = view.getViewSource();
  return buffer;
}

/// Nothing else of the body has an effect, or reads the buffer that is reduced into.
std::optional<Reduction> findReduction(scf::ForOp loop) {
  Reduction found{};
  for (Operation &op : loop.getBody()->without_terminator())
    if (auto store = dyn_cast<memref::StoreOp>(op)) {
      if (found.store)
        return std::nullopt;
      found.store = store;
    } else if (!isMemoryEffectFree(&op) && !isa<memref::LoadOp>(op)) {
      return std::nullopt;
    }
  if (!found.store || !llvm::all_of(found.store->getOperands().drop_front(), [&](Value v) { return loop.isDefinedOutsideOfLoop(v); }))
    return std::nullopt;
  found.extreme = found.store.getValueToStore().getDefiningOp();
  if (!found.extreme || !isa<arith::MaxNumFOp, arith::MaximumFOp, arith::MinNumFOp, arith::MinimumFOp>(found.extreme) || !found.extreme->hasOneUse() ||
      found.extreme->getParentOp() != loop || !isa<FloatType>(found.extreme->getResult(0).getType()))
    return std::nullopt;
  for (auto load : loop.getBody()->getOps<memref::LoadOp>()) {
    if (baseOf(load.getMemRef()) != baseOf(found.store.getMemRef()))
      continue;
    bool same = load.getMemRef() == found.store.getMemRef() && llvm::equal(load.getIndices(), found.store.getIndices());
    if (found.load || !same || !load->hasOneUse() || *load->user_begin() != found.extreme)
      return std::nullopt;
    found.load = load;
  }
  return found.load ? std::optional(found) : std::nullopt;
}

/// Floats as integers in their order, and back.
class Keys {
public:
  Keys(FloatType type, bool nanIsGreatest)
      : type(type), integer(IntegerType::get(type.getContext(), type.getWidth())), most(APInt::getSignedMaxValue(type.getWidth())),
        infinity(APFloat::getInf(type.getFloatSemantics()).bitcastToAPInt()),
        nan(nanIsGreatest ? most : APInt::getSignedMinValue(type.getWidth())) {}

  Value fromFloat(ImplicitLocOpBuilder &b, Value x) const {
    Value bits = arith::BitcastOp::create(b, integer, x);
    Value magnitude = arith::AndIOp::create(b, bits, constant(b, most));
    Value isNaN = arith::CmpIOp::create(b, arith::CmpIPredicate::sgt, magnitude, constant(b, infinity));
    return arith::SelectOp::create(b, isNaN, constant(b, nan), turned(b, bits));
  }
  Value toFloat(ImplicitLocOpBuilder &b, Value key) const { return arith::BitcastOp::create(b, type, turned(b, key)); }

private:
  Value constant(ImplicitLocOpBuilder &b, const APInt &value) const { return arith::ConstantOp::create(b, b.getIntegerAttr(integer, value)); }
  /// The bits below the sign, turned around if it is set. Its own inverse.
  Value turned(ImplicitLocOpBuilder &b, Value bits) const {
    Value sign = arith::ShRSIOp::create(b, bits, constant(b, APInt(integer.getWidth(), integer.getWidth() - 1)));
    return arith::XOrIOp::create(b, bits, arith::AndIOp::create(b, sign, constant(b, most)));
  }

  FloatType type;
  IntegerType integer;
  APInt most, infinity, nan;
};

void reduceKeys(scf::ForOp loop, Reduction found) {
  ImplicitLocOpBuilder b(found.extreme->getLoc(), loop);
  Keys keys(cast<FloatType>(found.load.getType()), found.isMax() == found.returnsNaN());
  Value start = memref::LoadOp::create(b, found.store.getMemRef(), found.store.getIndices());
  IRRewriter rewriter(b);
  auto combine = [&](OpBuilder &inner, Location loc, ArrayRef<BlockArgument> carried) -> SmallVector<Value> {
    ImplicitLocOpBuilder body(loc, inner);
    body.setInsertionPoint(found.store);
    Value key = keys.fromFloat(body, found.element());
    Value next = found.isMax() ? arith::MaxSIOp::create(body, carried.back(), key).getResult() : arith::MinSIOp::create(body, carried.back(), key).getResult();
    return {next};
  };
  FailureOr<LoopLikeOpInterface> reduced = loop.replaceWithAdditionalYields(rewriter, keys.fromFloat(b, start), /*replaceInitOperandUsesInLoop=*/false, combine);
  if (failed(reduced))
    return;
  b.setInsertionPointAfter(*reduced);
  memref::StoreOp::create(b, keys.toFloat(b, (*reduced)->getResults().back()), found.store.getMemRef(), found.store.getIndices());
  found.store->erase();
  found.extreme->erase();
  found.load->erase();
}

class ExtremeReductions : public attnc::impl::ExtremeReductionsBase<ExtremeReductions> {
public:
  void runOnOperation() override {
    SmallVector<scf::ForOp> loops;
    getOperation().walk([&](scf::ForOp loop) { loops.push_back(loop); });
    for (scf::ForOp loop : loops)
      if (std::optional<Reduction> found = findReduction(loop))
        reduceKeys(loop, *found);
  }
};

} // namespace
