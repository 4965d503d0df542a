// Regions of attention on a vector of keys.
//
// What is the same for all lanes stays scalar code. Positions count up from lane to lane: sums and comparisons of them are
// made on the first lane's, with a vector of 32-bit lane numbers, so that 64-bit indices seldom become vectors.
#include "VectorRegion.h"

#include "MicroKernel.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace attnc::cpu;

namespace {

/// step · (0, 1, 2, …)
Value getRamp(ImplicitLocOpBuilder &b, Type element, int64_t step, int64_t lanes) {
  SmallVector<Attribute> numbers;
  for (int64_t lane : llvm::seq(lanes))
    numbers.push_back(b.getIntegerAttr(element, step * lane));
  return arith::ConstantOp::create(b, DenseElementsAttr::get(VectorType::get(lanes, element), numbers));
}

bool isWide(Type type) { return type.isIndex() || type.isInteger(64); }

class Cloner {
public:
  Cloner(ImplicitLocOpBuilder &b, int64_t lanes, Value live) : b(b), e(b), lanes(lanes), live(live) {}

  Lanes run(Region &region, ArrayRef<Lanes> arguments) {
    for (auto [argument, value] : llvm::zip_equal(region.getArguments(), arguments))
      set(argument, value);
    for (Operation &op : region.front().without_terminator())
      clone(op);
    return values.lookup(region.front().getTerminator()->getOperand(0));
  }

private:
  void set(Value from, Lanes to) {
    values[from] = to;
    if (to.isSame())
      map.map(from, to.scalar);
  }
  void clone(Operation &op);
  std::optional<Lanes> cloneCounting(Operation &op);
  std::optional<Lanes> compareCounting(arith::CmpIOp op);

  ImplicitLocOpBuilder &b;
  Emit e;
  int64_t lanes;
  Value live;
  DenseMap<Value, Lanes> values;
  IRMapping map; ///< of values that are the same for all lanes
};

void Cloner::clone(Operation &op) {
  SmallVector<Lanes> operands;
  for (Value operand : op.getOperands())
    operands.push_back(values.lookup(operand));
  if (auto extract = dyn_cast<tensor::ExtractOp>(op)) {
    auto indices = ArrayRef(operands).drop_front();
    bool same = llvm::all_of(indices, [](const Lanes &x) { return x.isSame(); });
    Value table = operands[0].scalar;
    if (!same)
      return set(extract, Lanes::of(loadLanes(b, table, indices, lanes, live)));
    SmallVector<Value> at;
    for (const Lanes &index : indices)
      at.push_back(index.scalar);
    return set(extract, Lanes::same(memref::LoadOp::create(b, table, at)));
  }
  if (llvm::all_of(operands, [](const Lanes &x) { return x.isSame(); })) {
    Operation *copy = b.clone(op, map);
    for (auto [from, to] : llvm::zip_equal(op.getResults(), copy->getResults()))
      set(from, Lanes::same(to));
    return;
  }
  if (std::optional<Lanes> counting = cloneCounting(op))
    return set(op.getResult(0), *counting);
  IRMapping vectors;
  for (auto [operand, value] : llvm::zip_equal(op.getOperands(), operands))
    vectors.map(operand, toVector(b, value, lanes));
  Operation *copy = b.clone(op, vectors);
  for (auto [from, to] : llvm::zip_equal(op.getResults(), copy->getResults())) {
    to.setType(VectorType::get(lanes, from.getType()));
    set(from, Lanes::of(to));
  }
}

/// Sums, differences and narrowing of what counts from lane to lane.
std::optional<Lanes> Cloner::cloneCounting(Operation &op) {
  if (auto compared = dyn_cast<arith::CmpIOp>(op))
    return compareCounting(compared);
  SmallVector<Lanes> x;
  for (Value operand : op.getOperands())
    x.push_back(values.lookup(operand));
  if (llvm::any_of(x, [](const Lanes &value) { return value.vector != nullptr; }))
    return std::nullopt;
  if (isa<arith::AddIOp>(op))
    return Lanes{e.add(x[0].scalar, x[1].scalar), {}, x[0].step + x[1].step};
  if (isa<arith::SubIOp>(op))
    return Lanes{e.sub(x[0].scalar, x[1].scalar), {}, x[0].step - x[1].step};
  APInt factor;
  if (isa<arith::MulIOp>(op) && x[1].isSame() && matchPattern(x[1].scalar, m_ConstantInt(&factor)) && factor.abs().ult(1 << 20))
    return Lanes{e.mul(x[0].scalar, x[1].scalar), {}, x[0].step * factor.getSExtValue()};
  // Only what drops upper bits: they are the same whether they are dropped before or after the sum.
  if (isa<arith::IndexCastOp, arith::TruncIOp>(op) && isWide(op.getOperand(0).getType()))
    return Lanes{e.toInteger(x[0].scalar, op.getResult(0).getType()), {}, x[0].step};
  return std::nullopt;
}

/// x + s·l < y + t·l as (s - t)·l < y - x, where y - x far outside of the lanes is as good as just outside.
std::optional<Lanes> Cloner::compareCounting(arith::CmpIOp op) {
  Lanes x = values.lookup(op.getLhs()), y = values.lookup(op.getRhs());
  auto how = op.getPredicate();
  using P = arith::CmpIPredicate;
  bool isSigned = how == P::eq || how == P::ne || how == P::slt || how == P::sle || how == P::sgt || how == P::sge;
  int64_t step = x.step - y.step;
  if (x.vector || y.vector || !isSigned || !isWide(op.getLhs().getType()) || std::abs(step) > (1 << 20))
    return std::nullopt;
  auto toIndex = [&](const Lanes &value) {
    Value number = e.toIndex(value.scalar);
    int64_t far = int64_t(1) << 61; // so that the difference cannot overflow
    return value.step ? number : e.clamp(number, e.index(-far), e.index(far));
  };
  Value difference = e.sub(toIndex(y), toIndex(x));
  if (step == 0)
    return Lanes::same(e.compare(how, e.index(0), difference));
  int64_t reach = std::abs(step) * lanes;
  Value near = e.toInteger(e.clamp(difference, e.index(-reach), e.index(reach)), b.getI32Type());
  Value ramp = getRamp(b, b.getI32Type(), step, lanes);
  return Lanes::of(e.compare(how, ramp, e.broadcast(ramp.getType(), near)));
}

} // namespace

Value attnc::cpu::toVector(ImplicitLocOpBuilder &b, const Lanes &x, int64_t lanes) {
  if (x.vector)
    return x.vector;
  Emit e(b);
  Type element = x.scalar.getType();
  Value all = e.broadcast(VectorType::get(lanes, element), x.scalar);
  return x.step ? e.add(all, getRamp(b, element, x.step, lanes)) : all;
}

std::optional<std::string> attnc::cpu::findUnvectorizable(Region &region, ArrayRef<bool> varies) {
  DenseSet<Value> varying;
  for (auto [argument, does] : llvm::zip_equal(region.getArguments(), varies))
    if (does)
      varying.insert(argument);
  for (Operation &op : region.front().without_terminator()) {
    if (llvm::none_of(op.getOperands(), [&](Value operand) { return varying.contains(operand); }) && op.getNumRegions() == 0)
      continue;
    varying.insert_range(op.getResults());
    if (isa<tensor::ExtractOp>(op))
      continue;
    auto name = op.getName().getStringRef().str();
    if (!OpTrait::hasElementwiseMappableTraits(&op))
      return name + " on what differs from key to key";
    // Lanes without a key would divide by anything.
    bool divides = isa<arith::DivSIOp, arith::DivUIOp, arith::RemSIOp, arith::RemUIOp, arith::CeilDivSIOp, arith::CeilDivUIOp, arith::FloorDivSIOp>(op);
    if (divides && varying.contains(op.getOperand(1)))
      return name + " by what differs from key to key";
  }
  return std::nullopt;
}

Lanes attnc::cpu::cloneRegion(ImplicitLocOpBuilder &b, Region &region, ArrayRef<Lanes> arguments, int64_t lanes, Value live) {
  return Cloner(b, lanes, live).run(region, arguments);
}

/// One lane after the other. Those that may not read do as lane 0.
static Value loadEachLane(ImplicitLocOpBuilder &b, Value buffer, ArrayRef<Lanes> indices, int64_t lanes, Value live) {
  Type element = cast<MemRefType>(buffer.getType()).getElementType();
  Emit e(b);
  SmallVector<Value> vectors, elements;
  for (const Lanes &index : indices) {
    Value vector = toVector(b, index, lanes);
    if (live && !index.isSame())
      vector = e.select(live, vector, e.broadcast(vector.getType(), vector::ExtractOp::create(b, vector, int64_t(0))));
    vectors.push_back(vector);
  }
  for (int64_t lane : llvm::seq(lanes)) {
    SmallVector<Value> at;
    for (auto [vector, index] : llvm::zip_equal(vectors, indices))
      at.push_back(index.isSame() ? index.scalar : vector::ExtractOp::create(b, vector, lane).getResult());
    elements.push_back(memref::LoadOp::create(b, buffer, at));
  }
  return vector::FromElementsOp::create(b, VectorType::get(lanes, element), elements);
}

Value attnc::cpu::loadLanes(ImplicitLocOpBuilder &b, Value buffer, ArrayRef<Lanes> indices, int64_t lanes, Value live) {
  auto type = cast<MemRefType>(buffer.getType());
  Type element = type.getElementType();
  bool lastOnly = type.getRank() > 0 && llvm::all_of(indices.drop_back(), [](const Lanes &x) { return x.isSame(); });
  // Truths are bytes in memory, which is no layout that vectors have.
  if (!lastOnly || !type.areTrailingDimsContiguous(1) || element.isInteger(1) || element.isIndex())
    return loadEachLane(b, buffer, indices, lanes, live);
  SmallVector<Value> at;
  for (const Lanes &index : indices.drop_back())
    at.push_back(index.scalar);
  const Lanes &last = indices.back();
  if (!last.vector && last.step == 1) {
    at.push_back(last.scalar);
    return loadVector(b, lanes, buffer, at, live);
  }
  Emit e(b);
  at.push_back(e.index(0));
  auto vector = VectorType::get(lanes, element);
  Value all = live ? live : e.number(VectorType::get(lanes, b.getI1Type()), 1);
  return vector::GatherOp::create(b, vector, buffer, at, toVector(b, last, lanes), all, e.number(vector, 0));
}
