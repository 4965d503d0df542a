// From tensors to expressions: linalg ops by their maps and bodies, views by their indices.
#include "Elements.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace attnc::raise {

ExprRef Elements::scalar(Value value) {
  if (Attribute constant; matchPattern(value, m_Constant(&constant))) {
    if (auto number = dyn_cast<FloatAttr>(constant))
      return context.number(number.getValueAsDouble());
    if (auto number = dyn_cast<IntegerAttr>(constant)) {
      bool isBool = number.getType().isInteger(1);
      return context.integer(isBool ? number.getValue().getZExtValue() : number.getValue().getSExtValue(),
                             isBool ? Sort::Bool : Sort::Int);
    }
  }
  return context.outer(value);
}

ExprRef Elements::scalarElement(Value value) {
  if (isa<RankedTensorType>(value.getType()))
    return element(value, {});
  Operation *op = value.getDefiningOp();
  if (auto extract = dyn_cast_or_null<tensor::ExtractOp>(op))
    return element(extract.getTensor(), llvm::map_to_vector(extract.getIndices(), [&](Value index) { return scalarElement(index); }));
  ExprRef result = nullptr;
  if (op && op->getNumResults() == 1 && op->getNumRegions() == 0 && !op->hasTrait<OpTrait::ConstantLike>() &&
      llvm::none_of(op->getOperandTypes(), [](Type type) { return isa<ShapedType>(type); }))
    result = context.apply(op, llvm::map_to_vector(op->getOperands(), [&](Value operand) { return scalarElement(operand); }));
  return result ? result : scalar(value);
}

ExprRef Elements::expand(ExprRef expr) {
  if (ExprRef known = expanded.lookup(expr))
    return known;
  ExprRef result = expr;
  if (expr->kind == Kind::Load) {
    ExprRef inside = step(expr);
    if (inside == expr) { // its indices may be elements themselves
      auto indices = llvm::map_to_vector(expr->operands, [&](ExprRef e) { return expand(e); });
      inside = context.load(expr->value, indices);
    }
    if (inside != expr)
      result = expand(inside);
    if (result != expr && llvm::all_of(expr->operands, isPlain))
      origins[result].push_back(expr);
  } else if (expr->kind == Kind::Op) {
    auto operands = llvm::map_to_vector(expr->operands, [&](ExprRef e) { return expand(e); });
    if (ArrayRef(operands) != expr->operands)
      result = context.op(expr->name, operands, expr->integer);
  }
  return expanded[expr] = result;
}

ExprRef Elements::step(ExprRef load) {
  if (kept.contains(load->value))
    return load;
  DenseElementsAttr constant;
  if (matchPattern(load->value, m_Constant(&constant)) && constant.isSplat()) {
    if (isa<FloatType>(constant.getElementType()))
      return context.number(constant.getSplatValue<APFloat>().convertToDouble());
    bool isBool = constant.getElementType().isInteger(1);
    APInt n = constant.getSplatValue<APInt>();
    return context.integer(isBool ? n.getZExtValue() : n.getSExtValue(), isBool ? Sort::Bool : Sort::Int);
  }
  Operation *op = load->value.getDefiningOp();
  if (!op)
    return load;
  if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op))
    return linalgOp.getNumReductionLoops() ? stepUnitSum(load) : stepLinalg(linalgOp, load);
  if (auto splat = dyn_cast<tensor::SplatOp>(op))
    return scalar(splat.getInput());
  if (auto from = dyn_cast<tensor::FromElementsOp>(op); from && from.getElements().size() == 1)
    return scalar(from.getElements()[0]);
  if (auto generate = dyn_cast<tensor::GenerateOp>(op)) {
    DenseMap<Value, ExprRef> arguments;
    for (auto [argument, index] : llvm::zip_equal(generate.getBody().getArguments(), load->operands))
      arguments[argument] = index;
    auto yielded = evaluate(generate.getBody().front(), std::move(arguments), {});
    return yielded.empty() ? load : yielded[0];
  }
  if (OpTrait::hasElementwiseMappableTraits(op))
    return stepElementwise(op, load);
  return stepView(op, load);
}

//===----------------------------------------------------------------------===//
// Scalar code
//===----------------------------------------------------------------------===//

SmallVector<ExprRef> Elements::evaluate(Block &block, DenseMap<Value, ExprRef> known, ArrayRef<ExprRef> loops) {
  auto get = [&](Value value) {
    ExprRef e = known.lookup(value);
    return e ? e : scalar(value);
  };
  for (Operation &op : block.without_terminator()) {
    ExprRef result = nullptr;
    if (auto index = dyn_cast<linalg::IndexOp>(op))
      result = loops[index.getDim()];
    else if (auto extract = dyn_cast<tensor::ExtractOp>(op))
      result = context.load(extract.getTensor(), llvm::map_to_vector(extract.getIndices(), get));
    else if (op.hasTrait<OpTrait::ConstantLike>())
      result = scalar(op.getResult(0));
    else if (op.getNumResults() == 1 && op.getNumRegions() == 0)
      result = context.apply(&op, llvm::map_to_vector(op.getOperands(), get));
    if (!result)
      return {};
    known[op.getResult(0)] = result;
  }
  return llvm::map_to_vector(block.getTerminator()->getOperands(), get);
}

ExprRef Elements::stepElementwise(Operation *op, ExprRef load) {
  auto operands = llvm::map_to_vector(op->getOperands(), [&](Value value) {
    return isa<RankedTensorType>(value.getType()) ? context.load(value, load->operands) : scalar(value);
  });
  ExprRef result = op->getNumResults() == 1 ? context.apply(op, operands) : nullptr;
  return result ? result : load;
}

//===----------------------------------------------------------------------===//
// linalg
//===----------------------------------------------------------------------===//

ExprRef Elements::indexOf(AffineExpr expr, ArrayRef<ExprRef> loops) {
  if (auto dim = dyn_cast<AffineDimExpr>(expr))
    return loops[dim.getPosition()];
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return context.integer(constant.getValue());
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary)
    return nullptr;
  static const DenseMap<unsigned, StringRef> names = {{unsigned(AffineExprKind::Add), "arith.addi"},
                                                      {unsigned(AffineExprKind::Mul), "arith.muli"},
                                                      {unsigned(AffineExprKind::FloorDiv), "arith.floordivsi"},
                                                      {unsigned(AffineExprKind::CeilDiv), "arith.ceildivsi"},
                                                      {unsigned(AffineExprKind::Mod), "arith.remsi"}};
  ExprRef left = indexOf(binary.getLHS(), loops), right = indexOf(binary.getRHS(), loops);
  return left && right ? context.op(names.at(unsigned(expr.getKind())), {left, right}) : nullptr;
}

SmallVector<ExprRef> Elements::indicesOf(AffineMap map, ArrayRef<ExprRef> loops) {
  SmallVector<ExprRef> indices;
  for (AffineExpr expr : map.getResults())
    indices.push_back(indexOf(expr, loops));
  return indices;
}

/// The values of the loops at an element of a result; null for those that are reduced. Empty where the result's map
/// is not a choice of loops.
SmallVector<ExprRef> Elements::bindLoops(linalg::LinalgOp op, unsigned result, ExprRef load) {
  AffineMap map = op.getIndexingMapMatchingResult(op->getResult(result));
  SmallVector<ExprRef> loops(op.getNumLoops(), nullptr);
  if (!map.isProjectedPermutation())
    return {};
  for (auto [dim, index] : llvm::zip_equal(map.getResults(), load->operands))
    loops[cast<AffineDimExpr>(dim).getPosition()] = index;
  return loops;
}

ExprRef Elements::stepLinalg(linalg::LinalgOp op, ExprRef load) {
  unsigned result = cast<OpResult>(load->value).getResultNumber();
  SmallVector<ExprRef> loops = bindLoops(op, result, load);
  if (!op.hasPureTensorSemantics() || op.getNumParallelLoops() != op.getNumLoops() || loops.size() != op.getNumLoops() ||
      llvm::is_contained(loops, nullptr))
    return load;
  DenseMap<Value, ExprRef> arguments;
  for (OpOperand &operand : op->getOpOperands()) {
    BlockArgument argument = op.getMatchingBlockArgument(&operand);
    if (!isa<RankedTensorType>(operand.get().getType())) {
      arguments[argument] = scalar(operand.get());
      continue;
    }
    SmallVector<ExprRef> indices = indicesOf(op.getMatchingIndexingMap(&operand), loops);
    if (llvm::is_contained(indices, nullptr))
      return load;
    arguments[argument] = context.load(operand.get(), indices);
  }
  SmallVector<ExprRef> yielded = evaluate(*op.getBlock(), std::move(arguments), loops);
  return yielded.empty() ? load : yielded[result];
}

/// A sum of one term is that term (outer products as matrix products).
ExprRef Elements::stepUnitSum(ExprRef load) {
  std::optional<Reduction> sum = open(load);
  bool isUnit = sum && sum->combiner == "arith.addf" && sum->init->isFloat(0) && llvm::all_of(sum->extents, [](Extent e) { return e == 1; });
  return isUnit ? sum->body : load;
}

/// x where the new value of the accumulator is combiner(x, accumulator); also of maximum as a compare and a select.
static ExprRef stripAccumulator(ExprRef yielded, ExprRef accumulator, StringRef &combiner) {
  static const StringRef combiners[] = {"arith.addf", "arith.mulf", "arith.maximumf", "arith.minimumf", "arith.addi",
                                        "arith.maxsi", "arith.minsi", "arith.andi", "arith.ori"};
  if (yielded->kind != Kind::Op)
    return nullptr;
  if (yielded->is("arith.select") && (*yielded)[2] == accumulator && (*yielded)[0]->is("arith.cmpf")) {
    ExprRef compare = (*yielded)[0], x = (*yielded)[1];
    using P = arith::CmpFPredicate;
    bool greater = llvm::is_contained({int64_t(P::OGT), int64_t(P::OGE), int64_t(P::UGT), int64_t(P::UGE)}, compare->integer);
    combiner = "arith.maximumf";
    return greater && (*compare)[0] == x && (*compare)[1] == accumulator ? x : nullptr;
  }
  if (!llvm::is_contained(combiners, yielded->name))
    return nullptr;
  combiner = yielded->name;
  for (auto [a, b] : {std::pair(0, 1), std::pair(1, 0)})
    if ((*yielded)[a] == accumulator)
      return (*yielded)[b];
  return nullptr;
}

std::optional<Reduction> Elements::open(ExprRef load, ArrayRef<ExprRef> reduced) {
  auto op = load->kind == Kind::Load ? load->value.getDefiningOp<linalg::LinalgOp>() : linalg::LinalgOp();
  if (!op || !op.hasPureTensorSemantics() || op.getNumReductionLoops() == 0)
    return std::nullopt;
  unsigned result = cast<OpResult>(load->value).getResultNumber();
  SmallVector<ExprRef> loops = bindLoops(op, result, load);
  Reduction reduction{op, {}, {}, {}, nullptr, nullptr};
  for (auto [loop, index] : llvm::enumerate(loops)) {
    if (index)
      continue;
    reduction.extents.push_back(getLoopExtent(op, loop));
    size_t number = reduction.variables.size();
    if (!reduced.empty() && number >= reduced.size())
      return std::nullopt;
    index = reduced.empty() ? context.variable(context.addVariable(reduction.extents.back())) : reduced[number];
    reduction.variables.push_back(index);
  }
  if (loops.empty() || reduction.variables.empty() || (!reduced.empty() && reduced.size() != reduction.variables.size()))
    return std::nullopt;
  DenseMap<Value, ExprRef> arguments;
  for (OpOperand *operand : op.getDpsInputOperands()) {
    SmallVector<ExprRef> indices = indicesOf(op.getMatchingIndexingMap(operand), loops);
    if (llvm::is_contained(indices, nullptr))
      return std::nullopt;
    bool isTensor = isa<RankedTensorType>(operand->get().getType());
    arguments[op.getMatchingBlockArgument(operand)] = isTensor ? context.load(operand->get(), indices) : scalar(operand->get());
  }
  SmallVector<ExprRef> yielded = evaluate(*op.getBlock(), std::move(arguments), loops);
  if (yielded.empty())
    return std::nullopt;
  ExprRef accumulator = context.outer(op.getRegionOutputArgs()[result]);
  reduction.body = stripAccumulator(yielded[result], accumulator, reduction.combiner);
  if (!reduction.body || contains(reduction.body, [&](ExprRef e) {
        return e->kind == Kind::Outer && llvm::is_contained(op.getRegionOutputArgs(), e->value);
      }))
    return std::nullopt;
  reduction.init = element(op.getDpsInits()[result], load->operands);
  return reduction;
}

std::optional<Reduction> Elements::openExpanded(ExprRef load, ArrayRef<ExprRef> reduced) {
  std::optional<Reduction> reduction = open(load, reduced);
  if (reduction)
    reduction->body = expand(reduction->body);
  return reduction;
}

} // namespace attnc::raise
