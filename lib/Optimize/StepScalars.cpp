// number = (number of rows) + (number of the step), within a linalg op's body.
//
//     f(x + s) is split where f is linear:  -(x + s) = -x + -s,  (x + s) c = x c + s c,  select(c, x + s, y) = select(c, x, y) + select(c, s, 0)
//
// with c of neither. Rounding to fewer bits counts as linear.
#include "StepParts.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace attnc;
using namespace attnc::steps;

Kind ScalarParts::kindOf(Value number) {
  if (auto argument = dyn_cast<BlockArgument>(number); argument && argument.getOwner() == op.getBlock())
    return operands[argument.getArgNumber()];
  Operation *inner = number.getDefiningOp();
  if (!inner || !op->isProperAncestor(inner)) // a scalar is the same for all rows
    return loop.getBody().isAncestor(number.getParentRegion()) ? Kind::Step : Kind::Shared;
  auto [it, isNew] = kinds.try_emplace(number, Kind::Mixed);
  if (!isNew)
    return it->second;
  Kind kind = kindOfOp(inner);
  return kinds[number] = kind;
}

Kind ScalarParts::kindOfOp(Operation *inner) {
  if (auto index = dyn_cast<linalg::IndexOp>(inner))
    return llvm::is_contained(rowLoops, index.getDim()) ? Kind::Row : Kind::Shared;
  bool ofRows = false, ofStep = false, ofSums = false;
  for (Value operand : inner->getOperands()) {
    Kind kind = kindOf(operand);
    if (kind == Kind::Mixed)
      return kind;
    ofRows |= kind == Kind::Row;
    ofStep |= kind == Kind::Step;
    ofSums |= kind == Kind::Both;
  }
  if (inner->getNumRegions() || !isMemoryEffectFree(inner))
    return Kind::Mixed;
  if (!ofSums && !(ofRows && ofStep))
    return ofRows ? Kind::Row : ofStep ? Kind::Step
                                       : Kind::Shared;
  auto isShared = [&](unsigned i) { return kindOf(inner->getOperand(i)) == Kind::Shared; };
  if (isa<arith::AddFOp, arith::SubFOp, arith::NegFOp, arith::TruncFOp, arith::ExtFOp>(inner))
    return Kind::Both;
  if (isa<arith::MulFOp>(inner))
    return isShared(0) || isShared(1) ? Kind::Both : Kind::Mixed;
  if (isa<arith::DivFOp>(inner))
    return isShared(1) ? Kind::Both : Kind::Mixed;
  return isa<arith::SelectOp>(inner) && isShared(0) ? Kind::Both : Kind::Mixed;
}

/// The number as it is, which is of one kind.
Value ScalarParts::whole(OpBuilder &b, Value number) {
  if (auto argument = dyn_cast<BlockArgument>(number); argument && argument.getOwner() == op.getBlock())
    return arguments[argument.getArgNumber()];
  Operation *inner = number.getDefiningOp();
  if (!inner || !op->isProperAncestor(inner))
    return number;
  if (Value known = made.lookup(number))
    return known;
  if (auto index = dyn_cast<linalg::IndexOp>(inner))
    return made[number] = linalg::IndexOp::create(b, index.getLoc(), place[index.getDim()]);
  IRMapping map;
  for (Value operand : inner->getOperands())
    map.map(operand, whole(b, operand));
  Operation *copy = b.clone(*inner, map);
  for (auto [old, fresh] : llvm::zip_equal(inner->getResults(), copy->getResults()))
    made[old] = fresh;
  return made[number];
}

/// The number's part, or null where it has none. What is of neither counts to the rows.
Value ScalarParts::part(OpBuilder &b, Value number, bool stepPart) {
  Kind kind = kindOf(number);
  if (kind != Kind::Both)
    return (kind == Kind::Step) == stepPart ? whole(b, number) : Value();
  if (isa<BlockArgument>(number))
    return whole(b, number);
  return partOfOp(b, number.getDefiningOp(), stepPart);
}

Value ScalarParts::partOfOp(OpBuilder &b, Operation *inner, bool stepPart) {
  auto cloneWith = [&](ArrayRef<Value> operands) {
    Operation *copy = b.clone(*inner);
    copy->setOperands(operands);
    return copy->getResult(0);
  };
  Location loc = inner->getLoc();
  auto of = [&](unsigned i) { return part(b, inner->getOperand(i), stepPart); };
  if (isa<arith::AddFOp, arith::SubFOp>(inner)) {
    Value left = of(0), right = of(1);
    if (left && right)
      return cloneWith({left, right});
    if (left || !right)
      return left;
    return isa<arith::AddFOp>(inner) ? right : arith::NegFOp::create(b, loc, right).getResult();
  }
  if (isa<arith::SelectOp>(inner)) {
    Value yes = of(1), no = of(2);
    if (!yes && !no)
      return {};
    Value zero = yes && no ? Value() : arith::ConstantOp::create(b, loc, b.getZeroAttr(inner->getResult(0).getType())).getResult();
    return cloneWith({whole(b, inner->getOperand(0)), yes ? yes : zero, no ? no : zero});
  }
  unsigned sum = isa<arith::MulFOp>(inner) && kindOf(inner->getOperand(0)) == Kind::Shared ? 1 : 0;
  Value split = of(sum);
  if (!split)
    return {};
  SmallVector<Value> operands(inner->getNumOperands());
  for (unsigned i : llvm::seq(inner->getNumOperands()))
    operands[i] = i == sum ? split : whole(b, inner->getOperand(i));
  return cloneWith(operands);
}

Value ScalarParts::emit(OpBuilder &b, bool stepPart, ValueRange newArguments, ArrayRef<unsigned> newPlace) {
  arguments.assign(newArguments.begin(), newArguments.end());
  place.assign(newPlace.begin(), newPlace.end());
  made.clear();
  return part(b, yielded(), stepPart);
}
