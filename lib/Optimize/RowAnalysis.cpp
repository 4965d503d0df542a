// Which values of a loop's body have its rows, and which rows of them are read.
//
// Forwards: what is computed row by row from values with rows has them too. Backwards: of a frozen value only running rows are
// kept, so that only they are read; an op that works row by row reads of its operands the rows that are read of its results;
// keys and values of attention, and everything else, are read whole. A value may be read both ways.
#include "RowSpace.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/ValueBoundsOpInterface.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace attnc;
using namespace attnc::attn;
using namespace attnc::compact;

OperandRows compact::rowsOfOperand(AffineMap map, ArrayRef<unsigned> rowLoops) {
  SmallVector<unsigned> found; // row dimensions by number, in the operand's order
  bool leads = true;
  for (auto [position, result] : llvm::enumerate(map.getResults())) {
    auto expr = dyn_cast<AffineDimExpr>(result);
    for (unsigned loop : rowLoops)
      if (!expr && result.isFunctionOfDim(loop))
        return {OperandRows::Other};
    const unsigned *row = expr ? llvm::find(rowLoops, expr.getPosition()) : rowLoops.end();
    if (row == rowLoops.end())
      continue;
    leads &= position == found.size();
    found.push_back(row - rowLoops.begin());
  }
  if (found.empty())
    return {OperandRows::None};
  if (leads && llvm::equal(found, llvm::seq<unsigned>(rowLoops.size())))
    return {OperandRows::All};
  return leads && found.size() == 1 ? OperandRows{OperandRows::One, found[0]} : OperandRows{OperandRows::Other};
}

bool compact::isFreshDestination(linalg::LinalgOp op, OpOperand &init, ArrayRef<unsigned> rowLoops) {
  if (!op.payloadUsesValueFromOperand(&init) || init.get().getDefiningOp<tensor::EmptyOp>())
    return true;
  if (auto fill = init.get().getDefiningOp<linalg::FillOp>())
    return true;
  auto broadcast = init.get().getDefiningOp<linalg::BroadcastOp>();
  return broadcast && llvm::all_of(llvm::seq<int64_t>(rowLoops.size()), [&](int64_t dim) { return llvm::is_contained(broadcast.getDimensions(), dim); });
}

RowAnalysis::RowAnalysis(const RowLoop &loop) : loop(loop) {
  loop::AdaptiveOp op = loop.op;
  forms[op.getRunning()] = Form::Flat;
  for (auto [i, value] : llvm::enumerate(op.getCarried()))
    if (op.getMark(i) != loop::Mark::Free)
      forms[value] = Form::Flat;
  for (Operation &inner : op.getBody().front().without_terminator())
    findForms(&inner);
  Operation *yield = op.getBody().front().getTerminator();
  reader = yield;
  for (auto [i, value] : llvm::enumerate(yield->getOperands()))
    need(value, op.getMark(i) == loop::Mark::Free || form(value) != Form::Flat || isKept(value, op.getCarried()[i]));
  for (Operation &inner : llvm::reverse(op.getBody().front().without_terminator()))
    findDemand(&inner);
}

bool RowAnalysis::areEqual(OpFoldResult size, OpFoldResult other) const {
  if (size == other)
    return true;
  FailureOr<bool> equal = ValueBoundsConstraintSet::areEqual(size, other);
  return succeeded(equal) && *equal;
}

bool RowAnalysis::isSizeOf(OpFoldResult size, Value tensor, int64_t dim) const {
  if (auto expand = tensor.getDefiningOp<tensor::ExpandShapeOp>())
    return areEqual(size, expand.getMixedOutputShape()[dim]);
  using Bounds = ValueBoundsConstraintSet;
  FailureOr<bool> equal = Bounds::areEqual(Bounds::Variable(size), Bounds::Variable(tensor, dim));
  return succeeded(equal) && *equal;
}

//===----------------------------------------------------------------------===//
// Forwards: which values have rows
//===----------------------------------------------------------------------===//

RowLoops RowAnalysis::rowLoops(linalg::LinalgOp op) const {
  for (OpOperand &operand : op->getOpOperands()) {
    Form given = form(operand.get());
    if (given == Form::None)
      continue;
    RowLoops loops;
    AffineMap map = op.getMatchingIndexingMap(&operand);
    for (AffineExpr result : map.getResults().take_front(given == Form::Split ? loop.rank() : 1)) {
      auto expr = dyn_cast<AffineDimExpr>(result);
      if (!expr || op.getIteratorTypesArray()[expr.getPosition()] != utils::IteratorType::parallel)
        return {};
      loops.push_back(expr.getPosition());
    }
    return loops;
  }
  return {};
}

/// Row by row: all that has rows is indexed by the same loops in front, results too, and nothing else has those loops in
/// a way that cannot be followed.
Form RowAnalysis::formOfLinalg(linalg::LinalgOp op) const {
  RowLoops rows = rowLoops(op);
  if (rows.empty() || !op.hasPureTensorSemantics())
    return Form::None;
  Form found = Form::None;
  for (OpOperand &operand : op->getOpOperands()) {
    OperandRows has = rowsOfOperand(op.getMatchingIndexingMap(&operand), rows);
    Form given = form(operand.get());
    bool isInit = op.isDpsInit(&operand);
    if (has.kind == OperandRows::Other || (given != Form::None && has.kind != OperandRows::All) || (isInit && has.kind != OperandRows::All))
      return Form::None;
    if (given == Form::None)
      continue;
    if (found != Form::None && given != found)
      return Form::None;
    found = given;
  }
  for (OpOperand &init : op.getDpsInitsMutable())
    if (form(init.get()) == Form::None && !isFreshDestination(op, init, rows))
      return Form::None;
  return found;
}

/// A value may be query and key.
static bool isOfSource(AttentionOp op, OpOperand &operand) {
  auto [first, count] = op.getODSOperandIndexAndLength(AttentionOp::odsIndex_source_operands);
  return operand.getOperandNumber() >= first && operand.getOperandNumber() < first + count;
}

/// Queries are rows (batch and query), or all of an entry of the batch is one.
Form RowAnalysis::formOfAttention(AttentionOp op) const {
  Form given = form(op.getQuery());
  unsigned rank = given == Form::Split ? loop.rank() : 1;
  if (given == Form::None || rank > 2 || op.getQueryRows() || op->getNumResults() == 0)
    return Form::None;
  constexpr unsigned kRows[] = {AttentionOp::B, AttentionOp::I};
  ArrayRef<unsigned> rows = ArrayRef(kRows).take_front(rank);
  for (OpOperand &operand : op->getOpOperands()) {
    bool ofSource = isOfSource(op, operand);
    OperandRows has = rowsOfOperand(op.getMap(operand), rows);
    if (has.kind == OperandRows::Other)
      return Form::None;
    if (rank == 1 && has.kind == OperandRows::None && form(operand.get()) != Form::None)
      return Form::None;
    // Keys that are queries too are not row by row; a source operand is read whole.
    if (rank == 2 && ofSource && llvm::any_of(op.getMap(operand).getResults(), [](AffineExpr e) { return e.isFunctionOfDim(AttentionOp::I); }))
      return Form::None;
  }
  if (rowsOfOperand(op.getMap(op.getQueryMutable()), rows).kind != OperandRows::All)
    return Form::None;
  for (OpOperand &init : op.getDpsInitsMutable())
    if (rowsOfOperand(op.getMap(init), rows).kind != OperandRows::All)
      return Form::None;
  if (rank == 2)
    return given;
  // Sequences are numbered anew: nobody may ask for the number, and nothing may divide rows among sequences.
  for (Region &region : op->getRegions())
    if (!region.empty() && !region.getArgument(&region == &op.getMask() || region.getRegionNumber() > 2 ? 0 : 1).use_empty())
      return Form::None;
  bool isPlain = llvm::none_of(op.getSourceKinds(), [](int32_t kind) { return kind & (AttentionOp::HasPages | AttentionOp::HasRows); });
  return isPlain ? given : Form::None;
}

Form RowAnalysis::formOfSlice(tensor::ExtractSliceOp op) const {
  Form given = form(op.getSource());
  unsigned rank = given == Form::Split ? loop.rank() : 1;
  llvm::SmallBitVector dropped = op.getDroppedDims();
  for (unsigned dim : llvm::seq(rank)) {
    bool whole = isConstantIntValue(op.getMixedOffsets()[dim], 0) && isConstantIntValue(op.getMixedStrides()[dim], 1) && isSizeOf(op.getMixedSizes()[dim], op.getSource(), dim);
    if (dropped[dim] || !whole)
      return Form::None;
  }
  return given;
}

Form RowAnalysis::formOfExpand(tensor::ExpandShapeOp op) const {
  Form given = form(op.getSrc());
  auto reassociation = op.getReassociationIndices();
  auto isAlone = [&](unsigned dim) { return reassociation[dim].size() == 1; };
  if (given == Form::Split)
    return llvm::all_of(llvm::seq(loop.rank()), isAlone) ? given : Form::None;
  if (isAlone(0))
    return given;
  if (reassociation[0].size() != loop.rank())
    return Form::None;
  for (auto [size, row] : llvm::zip(op.getMixedOutputShape(), loop.sizes))
    if (!areEqual(size, row))
      return Form::None;
  return Form::Split;
}

Form RowAnalysis::formOfCollapse(tensor::CollapseShapeOp op) const {
  Form given = form(op.getSrc());
  auto reassociation = op.getReassociationIndices();
  if (reassociation.empty())
    return Form::None;
  if (given == Form::Flat)
    return reassociation[0].size() == 1 ? given : Form::None;
  if (reassociation[0].size() == loop.rank())
    return Form::Flat;
  auto isAlone = [&](unsigned dim) { return dim < reassociation.size() && reassociation[dim].size() == 1; };
  return llvm::all_of(llvm::seq(loop.rank()), isAlone) ? given : Form::None;
}

/// Positions along all of a row's dimensions, or one of them, and along others behind those.
Form RowAnalysis::formOfRotary(RotaryOp op) const {
  Form given = form(op.getInput());
  int64_t rank = given == Form::Split ? loop.rank() : 1;
  unsigned rows = llvm::count_if(op.getAlong(), [&](int64_t dim) { return dim < rank; });
  bool leads = llvm::all_of(op.getAlong().take_front(rows), [&](int64_t dim) { return dim < rank; });
  bool whole = rows == rank && llvm::is_sorted(op.getAlong().take_front(rows));
  bool inFront = op.getInput().getType().getRank() > rank;
  return inFront && leads && (rows <= 1 || whole) ? given : Form::None;
}

/// arith and math on whole tensors.
Form RowAnalysis::formOfElementwise(Operation *op) const {
  Form found = Form::None;
  for (Value operand : op->getOperands())
    if (Form given = form(operand); given != Form::None) {
      if (found != Form::None && found != given)
        return Form::None;
      found = given;
    }
  return found;
}

void RowAnalysis::findForms(Operation *op) {
  Form found = Form::None;
  if (auto structured = dyn_cast<linalg::LinalgOp>(op))
    found = formOfLinalg(structured);
  else if (auto attention = dyn_cast<AttentionOp>(op))
    found = formOfAttention(attention);
  else if (op->getNumOperands() == 0 || form(op->getOperand(0)) == Form::None)
    found = OpTrait::hasElementwiseMappableTraits(op) ? formOfElementwise(op) : Form::None;
  else if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op))
    found = formOfSlice(slice);
  else if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
    found = formOfExpand(expand);
  else if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op))
    found = formOfCollapse(collapse);
  else if (auto rotary = dyn_cast<RotaryOp>(op))
    found = formOfRotary(rotary);
  else if (isa<LayerNormOp, RmsNormOp>(op)) {
    unsigned rank = form(op->getOperand(0)) == Form::Split ? loop.rank() : 1;
    bool inFront = cast<RankedTensorType>(op->getResult(0).getType()).getRank() > rank;
    found = inFront ? form(op->getOperand(0)) : Form::None;
  } else if (OpTrait::hasElementwiseMappableTraits(op))
    found = formOfElementwise(op);
  if (auto gather = dyn_cast<GatherRowsOp>(op); gather && gather.getBatch() == 0)
    found = form(gather.getIndices());
  for (Value result : op->getResults())
    forms[result] = isa<RankedTensorType>(result.getType()) ? found : Form::None;
}

//===----------------------------------------------------------------------===//
// Backwards: which rows are read
//===----------------------------------------------------------------------===//

void RowAnalysis::need(Value value, bool allRows) {
  if (!isa<RankedTensorType>(value.getType()))
    return;
  if (!allRows && form(value) != Form::None)
    compacted.insert(value);
  else if (dense.insert(value).second)
    readers[value] = reader;
}

Operation *RowAnalysis::wholeReader(Value value) const {
  Operation *op = readers.lookup(value);
  auto isRowByRow = [&](Operation *by) {
    return by && by->getNumResults() == 1 && !isa<AttentionOp>(by) && form(by->getResult(0)) != Form::None && isDense(by->getResult(0));
  };
  while (isRowByRow(op))
    op = readers.lookup(op->getResult(0));
  return op;
}

std::optional<std::pair<Value, Value>> RowAnalysis::matchKeep(Operation *op) const {
  auto generic = dyn_cast<linalg::GenericOp>(op);
  if (!generic || generic->getNumResults() != 1 || form(generic.getResult(0)) == Form::None)
    return std::nullopt;
  auto yield = cast<linalg::YieldOp>(generic.getBody()->getTerminator());
  auto choice = yield.getOperand(0).getDefiningOp<arith::SelectOp>();
  auto argument = [&](Value value) { return dyn_cast<BlockArgument>(value); };
  if (!choice || !argument(choice.getCondition()) || !argument(choice.getTrueValue()) || !argument(choice.getFalseValue()))
    return std::nullopt;
  auto operand = [&](Value value) { return generic.getMatchingOpOperand(argument(value)); };
  Value mask = operand(choice.getCondition())->get();
  if (auto expand = mask.getDefiningOp<tensor::ExpandShapeOp>(); expand && form(mask) != Form::None)
    mask = expand.getSrc();
  OpOperand *fresh = operand(choice.getTrueValue()), *old = operand(choice.getFalseValue());
  AffineMap map = generic.getMatchingIndexingMap(fresh), output = generic.getIndexingMapsArray().back();
  bool fits = map == output && generic.getMatchingIndexingMap(old) == output && form(fresh->get()) == form(generic.getResult(0)) &&
              form(old->get()) == form(generic.getResult(0));
  if (mask != loop::AdaptiveOp(loop.op).getRunning() || !fits || !output.isIdentity())
    return std::nullopt;
  return std::pair(fresh->get(), old->get());
}

bool RowAnalysis::isKept(Value value, Value carried) const {
  auto withoutViews = [](Value v) {
    while (isa_and_nonnull<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(v.getDefiningOp()))
      v = v.getDefiningOp()->getOperand(0);
    return v;
  };
  value = withoutViews(value);
  auto keep = value.getDefiningOp() ? matchKeep(value.getDefiningOp()) : std::nullopt;
  return keep && withoutViews(keep->second) == carried;
}

void RowAnalysis::needOfLinalg(linalg::LinalgOp op) {
  RowLoops rows = rowLoops(op);
  for (OpOperand &operand : op->getOpOperands())
    if (!op.isDpsInit(&operand))
      need(operand.get(), form(operand.get()) == Form::None);
    else if (!isFreshDestination(op, operand, rows))
      need(operand.get(), false);
    else if (auto start = operand.get().getDefiningOp<DestinationStyleOpInterface>())
      for (Value input : start.getDpsInputs()) // of a fill or broadcast
        need(input, true);
}

void RowAnalysis::needOfAttention(AttentionOp op) {
  bool perSequence = form(op.getQuery()) == Form::Flat || loop.rank() == 1;
  for (OpOperand &operand : op->getOpOperands()) {
    bool ofSource = isOfSource(op, operand);
    if (!op.isDpsInit(&operand))
      need(operand.get(), !perSequence && ofSource);
  }
}

/// What an op reads that is not followed row by row.
void RowAnalysis::needOperandsOf(Operation *op) {
  for (Value operand : op->getOperands())
    need(operand, true);
  llvm::SetVector<Value> used;
  getUsedValuesDefinedAbove(op->getRegions(), used);
  for (Value value : used)
    need(value, true);
}

void RowAnalysis::findDemand(Operation *op) {
  if (isa<tensor::DimOp>(op))
    return; // of shapes alone; those of carried values are known in front of the loop
  reader = op;
  bool readWhole = isa<tensor::EmptyOp>(op) || !isMemoryEffectFree(op) || llvm::none_of(op->getResults(), [&](Value v) { return isa<RankedTensorType>(v.getType()); });
  bool readByRow = false;
  for (Value result : op->getResults()) {
    readWhole |= isDense(result);
    readByRow |= isCompact(result);
  }
  if (auto keep = matchKeep(op); keep && (readWhole || readByRow)) {
    need(keep->first, false);
    if (readWhole)
      need(keep->second, true);
    return;
  }
  if (readWhole)
    return needOperandsOf(op);
  if (!readByRow)
    return;
  if (auto structured = dyn_cast<linalg::LinalgOp>(op)) {
    needOfLinalg(structured);
    llvm::SetVector<Value> used;
    getUsedValuesDefinedAbove(op->getRegions(), used);
    for (Value value : used)
      need(value, true);
  } else if (auto attention = dyn_cast<AttentionOp>(op)) {
    needOfAttention(attention);
  } else if (auto gather = dyn_cast<GatherRowsOp>(op)) {
    need(gather.getSource(), true);
    need(gather.getIndices(), false);
  } else {
    for (Value operand : op->getOperands())
      need(operand, form(operand) == Form::None);
  }
}
