// A mask region evaluated on intervals.
//
// 1. Each integer of the region is known as factor · j + rest, rest from a least to a greatest value over the block; each
//    i1 as whether it holds everywhere and somewhere. What does not vary over the block is itself: its ops are cloned.
// 2. A comparison of two such integers says more than its truth: where factors differ by one it bounds the keys that some
//    query sees. `and` intersects bounds, `or` takes their hull, so that conjunctions of affine conditions (causal, window,
//    prefix, length) become the bounds of a loop over keys.
// 3. Tables that are read at a varying index are known by the least and greatest of their elements in the index's interval.
// 4. The rest is unknown: perhaps visible.
// Integers narrower than index may wrap; `fits` says that they did not, otherwise nothing is known of comparisons of them.
#include "attnc/Masks/Masks.h"

#include "Values.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

#include <limits>

using namespace mlir;
using namespace attnc;

namespace {

using arith::CmpIPredicate;

/// What is known of a value over the block.
struct Known {
  Value same;         ///< itself, if it does not vary
  Value low, high;    ///< of rest; of i1: it holds everywhere, somewhere
  int64_t factor = 0; ///< of j
  Value fits;         ///< i1 under which this is so; null: always
  Interval keys;      ///< of i1: outside it holds for no pair; null ends are open

  bool isKnown() const { return low && high; }
};

class Evaluator {
public:
  Evaluator(ImplicitLocOpBuilder &b, Interval keys) : b(b), v(b), keys(keys) {}

  MaskClass run(Region &mask, const MaskArguments &arguments);

private:
  Known import(Interval interval);
  Known same(Value value);
  Known evaluate(Operation &op);
  Known evaluateVarying(Operation &op);
  Known compare(arith::CmpIOp op);
  Known less(Known x, Known y, bool orEqual);
  Interval boundKeys(const Known &x, const Known &y, bool orEqual);
  Known unsignedCompare(const Known &x, const Known &y, bool orEqual);
  Known conjunction(const Known &x, const Known &y);
  Known disjunction(const Known &x, const Known &y);
  Known negation(const Known &x);
  Known add(const Known &x, const Known &y);
  Known subtract(const Known &x, const Known &y);
  Known multiply(const Known &x, const Known &y);
  Known divide(const Known &x, Operation &op, Value divisor);
  Known remainder(const Known &x, Value divisor);
  Known choose(arith::SelectOp op);
  Known read(tensor::ExtractOp op);
  Known total(Known x);
  Known inType(Known x, Type type);

  ImplicitLocOpBuilder &b;
  masks::Values v;
  Interval keys;
  DenseMap<Value, Known> known;
  IRMapping map; ///< of values that do not vary
};

bool isTruth(Type type) { return type.isInteger(1); }

/// Without j apart.
Known Evaluator::total(Known x) {
  if (x.factor == 0)
    return x;
  if (!keys.isKnown())
    return {};
  Value first = v.mul(v.index(x.factor), keys.low), last = v.mul(v.index(x.factor), keys.high);
  if (x.factor < 0)
    std::swap(first, last);
  x.low = v.add(x.low, first);
  x.high = v.add(x.high, last);
  x.factor = 0;
  return x;
}

Known Evaluator::same(Value value) {
  Known result;
  result.same = value;
  if (isTruth(value.getType()))
    result.low = result.high = value;
  else if (isa<IntegerType, IndexType>(value.getType()))
    result.low = result.high = v.toIndex(value);
  return result;
}

Known Evaluator::import(Interval interval) {
  if (interval.isKnown() && interval.low == interval.high)
    return same(interval.low);
  Known result;
  result.low = interval.low;
  result.high = interval.high;
  return result;
}

/// An integer of a narrower type is what it would be as index, as long as that is within the type.
Known Evaluator::inType(Known x, Type type) {
  if (!x.isKnown() || type.isIndex() || type.getIntOrFloatBitWidth() >= 64)
    return x;
  Known whole = total(x);
  if (!whole.isKnown())
    return {};
  int64_t limit = int64_t(1) << (type.getIntOrFloatBitWidth() - 1);
  Value inside = v.both(v.atMost(v.index(-limit), whole.low), v.less(whole.high, v.index(limit)));
  x.fits = v.both(x.fits, inside);
  return x;
}

//===----------------------------------------------------------------------===//
// Integers
//===----------------------------------------------------------------------===//

Known Evaluator::add(const Known &x, const Known &y) {
  Known result;
  result.low = v.add(x.low, y.low);
  result.high = v.add(x.high, y.high);
  result.factor = x.factor + y.factor;
  result.fits = v.both(x.fits, y.fits);
  return result;
}

Known Evaluator::subtract(const Known &x, const Known &y) {
  Known result;
  result.low = v.sub(x.low, y.high);
  result.high = v.sub(x.high, y.low);
  result.factor = x.factor - y.factor;
  result.fits = v.both(x.fits, y.fits);
  return result;
}

Known Evaluator::multiply(const Known &x, const Known &y) {
  if (!y.same && x.same)
    return multiply(y, x);
  APInt number;
  Known left = y.same && matchPattern(y.low, m_ConstantInt(&number)) ? x : total(x), right = total(y), result;
  if (!left.isKnown() || !right.isKnown())
    return {};
  result.fits = v.both(left.fits, right.fits);
  result.factor = left.factor ? left.factor * number.getSExtValue() : 0;
  for (Value a : {left.low, left.high})
    for (Value c : {right.low, right.high}) {
      Value product = v.mul(a, c);
      result.low = result.low ? v.min(result.low, product) : product;
      result.high = result.high ? v.max(result.high, product) : product;
    }
  return result;
}

/// Division by a positive constant, in whatever direction it rounds, keeps the order.
Known Evaluator::divide(const Known &operand, Operation &op, Value divisor) {
  APInt number;
  Known x = total(operand);
  if (!x.isKnown() || !matchPattern(divisor, m_ConstantInt(&number)) || !number.isStrictlyPositive())
    return {};
  auto build = [&](Value dividend) {
    Value by = v.index(number.getSExtValue());
    if (isa<arith::DivSIOp>(op))
      return b.createOrFold<arith::DivSIOp>(dividend, by);
    if (isa<arith::FloorDivSIOp>(op))
      return b.createOrFold<arith::FloorDivSIOp>(dividend, by);
    return b.createOrFold<arith::CeilDivSIOp>(dividend, by);
  };
  x.low = build(x.low);
  x.high = build(x.high);
  return x;
}

/// x mod n, n > 0, the sign of x: exact inside one period, else anything.
Known Evaluator::remainder(const Known &operand, Value divisor) {
  APInt number;
  Known x = total(operand);
  if (!x.isKnown() || !matchPattern(divisor, m_ConstantInt(&number)) || !number.isStrictlyPositive())
    return {};
  Value n = v.index(number.getSExtValue()), zero = v.index(0);
  Value first = b.createOrFold<arith::FloorDivSIOp>(x.low, n), last = b.createOrFold<arith::FloorDivSIOp>(x.high, n);
  Value onePeriod = v.both(v.atMost(last, first), v.atMost(zero, x.low));
  Value top = v.index(number.getSExtValue() - 1), bottom = v.select(v.less(x.low, zero), v.sub(zero, top), zero);
  Value start = v.mul(first, n);
  x.low = v.select(onePeriod, v.sub(x.low, start), bottom);
  x.high = v.select(onePeriod, v.sub(x.high, start), top);
  return x;
}

Known Evaluator::choose(arith::SelectOp op) {
  Known condition = known[op.getCondition()], x = total(known[op.getTrueValue()]), y = total(known[op.getFalseValue()]);
  if (!x.isKnown() || !y.isKnown() || !(isa<IntegerType, IndexType>(op.getType())))
    return {};
  if (isTruth(op.getType()))
    return disjunction(conjunction(condition, x), conjunction(negation(condition), y));
  Known result;
  Value never = v.negate(condition.high);
  auto pick = [&](Value a, Value c, Value hull) { return v.select(condition.low, a, v.select(never, c, hull)); };
  result.low = pick(x.low, y.low, v.min(x.low, y.low));
  result.high = pick(x.high, y.high, v.max(x.high, y.high));
  result.fits = v.both(x.fits, y.fits);
  return result;
}

/// A table read along one varying index.
Known Evaluator::read(tensor::ExtractOp op) {
  Value table = map.lookupOrNull(op.getTensor());
  Type element = op.getType();
  if (!table || !isa<IntegerType, IndexType>(element))
    return {};
  SmallVector<Value> indices;
  int64_t varying = -1;
  for (auto [dim, index] : llvm::enumerate(op.getIndices())) {
    indices.push_back(known[index].same);
    if (indices.back())
      continue;
    if (varying >= 0)
      return {};
    varying = dim;
  }
  Known along = total(known[op.getIndices()[varying]]);
  if (!along.isKnown())
    return {};
  Known result = import(getTableInterval(b, table, indices, varying, along.low, along.high));
  result.same = nullptr;
  result.fits = along.fits;
  if (isTruth(element) && along.fits) { // of a truth there is no `fits`
    result.low = v.both(result.low, along.fits);
    result.high = v.either(result.high, v.negate(along.fits));
    result.fits = nullptr;
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Truths
//===----------------------------------------------------------------------===//

Known Evaluator::conjunction(const Known &x, const Known &y) {
  Known result;
  result.low = v.both(x.low, y.low);
  result.high = v.both(x.high, y.high);
  auto narrower = [](Value a, Value c, auto pick) { return a && c ? pick(a, c) : a ? a
                                                                                   : c; };
  result.keys.low = narrower(x.keys.low, y.keys.low, [&](Value a, Value c) { return v.max(a, c); });
  result.keys.high = narrower(x.keys.high, y.keys.high, [&](Value a, Value c) { return v.min(a, c); });
  return result;
}

Known Evaluator::disjunction(const Known &x, const Known &y) {
  Known result;
  result.low = v.either(x.low, y.low);
  result.high = v.either(x.high, y.high);
  if (x.keys.low && y.keys.low)
    result.keys.low = v.min(x.keys.low, y.keys.low);
  if (x.keys.high && y.keys.high)
    result.keys.high = v.max(x.keys.high, y.keys.high);
  return result;
}

Known Evaluator::negation(const Known &x) {
  Known result;
  result.low = v.negate(x.high);
  result.high = v.negate(x.low);
  return result;
}

/// x < y (or x ≤ y): with d = ±1 the difference of the factors, d·j + (rest of x - rest of y) < 0 for the smallest
/// such rest is what some query of the block asks of j.
Interval Evaluator::boundKeys(const Known &x, const Known &y, bool orEqual) {
  int64_t d = x.factor - y.factor;
  if (d != 1 && d != -1)
    return {};
  Value rest = v.sub(v.clampFar(x.low), v.clampFar(y.high));
  Interval bounds;
  if (d == 1) // j < -rest
    bounds.high = v.sub(v.index(orEqual ? 0 : -1), rest);
  else // j > rest
    bounds.low = v.add(rest, v.index(orEqual ? 0 : 1));
  Value fits = v.both(x.fits, y.fits);
  if (fits && bounds.high)
    bounds.high = v.select(fits, bounds.high, v.index(masks::kFar));
  if (fits && bounds.low)
    bounds.low = v.select(fits, bounds.low, v.index(-masks::kFar));
  return bounds;
}

Known Evaluator::less(Known x, Known y, bool orEqual) {
  Known result;
  result.keys = boundKeys(x, y, orEqual);
  Value fits = v.both(x.fits, y.fits);
  if (x.factor && y.factor) { // what both have of j goes out
    x = subtract(x, y);
    y.low = y.high = v.index(0);
    y.factor = 0;
  }
  x = total(x);
  y = total(y);
  if (!x.isKnown() || !y.isKnown()) {
    result.low = v.truth(false);
    result.high = v.truth(true);
    return result;
  }
  auto test = [&](Value a, Value c) { return orEqual ? v.atMost(a, c) : v.less(a, c); };
  result.low = test(x.high, y.low);
  result.high = test(x.low, y.high);
  if (fits) {
    result.low = v.both(result.low, fits);
    result.high = v.either(result.high, v.negate(fits));
  }
  return result;
}

/// As signed, where neither is negative.
Known Evaluator::unsignedCompare(const Known &x, const Known &y, bool orEqual) {
  Known a = total(x), c = total(y), result = less(x, y, orEqual);
  result.keys = {};
  if (!a.isKnown() || !c.isKnown())
    return result;
  Value zero = v.index(0), positive = v.both(v.atMost(zero, a.low), v.atMost(zero, c.low));
  result.low = v.both(result.low, positive);
  result.high = v.either(result.high, v.negate(positive));
  return result;
}

Known Evaluator::compare(arith::CmpIOp op) {
  Known x = known[op.getLhs()], y = known[op.getRhs()];
  if (!x.isKnown() || !y.isKnown())
    return {};
  if (isTruth(op.getLhs().getType())) { // equal: both or neither
    Known equal = disjunction(conjunction(x, y), conjunction(negation(x), negation(y)));
    if (op.getPredicate() == CmpIPredicate::eq)
      return equal;
    return op.getPredicate() == CmpIPredicate::ne ? negation(equal) : Known();
  }
  switch (op.getPredicate()) {
  case CmpIPredicate::slt:
    return less(x, y, false);
  case CmpIPredicate::sle:
    return less(x, y, true);
  case CmpIPredicate::sgt:
    return less(y, x, false);
  case CmpIPredicate::sge:
    return less(y, x, true);
  case CmpIPredicate::ult:
    return unsignedCompare(x, y, false);
  case CmpIPredicate::ule:
    return unsignedCompare(x, y, true);
  case CmpIPredicate::ugt:
    return unsignedCompare(y, x, false);
  case CmpIPredicate::uge:
    return unsignedCompare(y, x, true);
  case CmpIPredicate::eq:
    return conjunction(less(x, y, true), less(y, x, true));
  case CmpIPredicate::ne:
    return disjunction(less(x, y, false), less(y, x, false));
  }
  llvm_unreachable("all predicates are listed");
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

Known Evaluator::evaluateVarying(Operation &op) {
  SmallVector<Known> x;
  for (Value operand : op.getOperands())
    x.push_back(known[operand]);
  if (auto table = dyn_cast<tensor::ExtractOp>(op))
    return read(table);
  if (op.getNumResults() != 1 || !llvm::all_of(x, [](const Known &k) { return k.isKnown(); }))
    return {};
  Type type = op.getResult(0).getType();
  auto extreme = [&](auto pick) {
    Known a = total(x[0]), c = total(x[1]), result;
    if (!a.isKnown() || !c.isKnown())
      return Known();
    result.low = pick(a.low, c.low);
    result.high = pick(a.high, c.high);
    result.fits = v.both(a.fits, c.fits);
    return result;
  };
  return llvm::TypeSwitch<Operation *, Known>(&op)
      .Case([&](arith::CmpIOp compared) { return compare(compared); })
      .Case([&](arith::AndIOp) { return isTruth(type) ? conjunction(x[0], x[1]) : Known(); })
      .Case([&](arith::OrIOp) { return isTruth(type) ? disjunction(x[0], x[1]) : Known(); })
      .Case([&](arith::XOrIOp) { return isTruth(type) && matchPattern(x[1].low, m_One()) ? negation(x[0]) : Known(); })
      .Case([&](arith::SelectOp selected) { return choose(selected); })
      .Case([&](arith::AddIOp) { return isTruth(type) ? Known() : inType(add(x[0], x[1]), type); })
      .Case([&](arith::SubIOp) { return isTruth(type) ? Known() : inType(subtract(x[0], x[1]), type); })
      .Case([&](arith::MulIOp) { return isTruth(type) ? Known() : inType(multiply(x[0], x[1]), type); })
      .Case<arith::DivSIOp, arith::FloorDivSIOp, arith::CeilDivSIOp>([&](auto) { return isTruth(type) ? Known() : divide(x[0], op, x[1].low); })
      .Case([&](arith::RemSIOp) { return isTruth(type) ? Known() : remainder(x[0], x[1].low); })
      .Case([&](arith::MinSIOp) { return isTruth(type) ? Known() : extreme([&](Value a, Value c) { return v.min(a, c); }); })
      .Case([&](arith::MaxSIOp) { return isTruth(type) ? Known() : extreme([&](Value a, Value c) { return v.max(a, c); }); })
      .Case<arith::IndexCastOp, arith::ExtSIOp, arith::TruncIOp>(
          [&](auto cast) { return isTruth(type) || isTruth(cast.getIn().getType()) ? Known() : inType(x[0], type); })
      .Default([](Operation *) { return Known(); });
}

Known Evaluator::evaluate(Operation &op) {
  bool varies = llvm::any_of(op.getOperands(), [&](Value operand) { return !known[operand].same; });
  if (varies || op.getNumResults() != 1 || op.getNumRegions() != 0)
    return evaluateVarying(op);
  if (auto read = dyn_cast<tensor::ExtractOp>(op))
    if (Value table = map.lookup(read.getTensor()); isa<MemRefType>(table.getType())) {
      SmallVector<Value> indices;
      for (Value index : read.getIndices())
        indices.push_back(map.lookup(index));
      return same(memref::LoadOp::create(b, table, indices));
    }
  return same(b.clone(op, map)->getResult(0));
}

MaskClass Evaluator::run(Region &mask, const MaskArguments &arguments) {
  SmallVector<Known> given{same(arguments.batch), import(arguments.head), import(arguments.queries), Known(),
                           same(arguments.source)};
  given[3].low = given[3].high = v.index(0);
  given[3].factor = 1;
  for (Interval capture : arguments.captures)
    given.push_back(import(capture));
  auto unknown = [&](Type type) { // a truth that nothing is known of: not everywhere, perhaps somewhere
    Known result;
    if (isTruth(type)) {
      result.low = v.truth(false);
      result.high = v.truth(true);
    }
    return result;
  };
  for (auto [argument, what] : llvm::zip_equal(mask.getArguments(), given)) {
    known[argument] = what.isKnown() || what.same ? what : unknown(argument.getType());
    if (what.same)
      map.map(argument, what.same);
  }
  for (Operation &op : mask.front().without_terminator()) {
    Known result = evaluate(op);
    for (Value value : op.getResults()) {
      known[value] = result.isKnown() || result.same ? result : unknown(value.getType());
      if (result.same)
        map.map(value, result.same);
    }
  }
  Known seen = known[mask.front().getTerminator()->getOperand(0)];
  return {seen.low, seen.high, seen.keys.low, seen.keys.high};
}

} // namespace

MaskClass attnc::analyseMask(ImplicitLocOpBuilder &b, Region &mask, const MaskArguments &arguments) {
  return Evaluator(b, arguments.keys).run(mask, arguments);
}

Interval attnc::getTableInterval(ImplicitLocOpBuilder &b, Value table, ArrayRef<Value> indices, int64_t dim, Value first, Value last) {
  masks::Values v(b);
  bool isTensor = isa<TensorType>(table.getType());
  Type element = cast<ShapedType>(table.getType()).getElementType();
  Value size = isTensor ? b.createOrFold<tensor::DimOp>(table, dim) : b.createOrFold<memref::DimOp>(table, dim);
  Value from = v.max(first, v.index(0)), to = v.min(v.add(last, v.index(1)), size);
  Value least = isTruth(element) ? v.truth(true) : v.index(std::numeric_limits<int64_t>::max());
  Value greatest = isTruth(element) ? v.truth(false) : v.index(std::numeric_limits<int64_t>::min());
  auto loop = scf::ForOp::create(b, from, to, v.index(1), ValueRange{least, greatest});
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  SmallVector<Value> at(indices);
  at[dim] = loop.getInductionVar();
  Value read = isTensor ? tensor::ExtractOp::create(b, table, at).getResult() : memref::LoadOp::create(b, table, at).getResult();
  Value low = loop.getRegionIterArg(0), high = loop.getRegionIterArg(1);
  if (isTruth(element))
    scf::YieldOp::create(b, ValueRange{v.both(low, read), v.either(high, read)});
  else
    scf::YieldOp::create(b, ValueRange{v.min(low, v.toIndex(read)), v.max(high, v.toIndex(read))});
  return {loop.getResult(0), loop.getResult(1)};
}
