// The ops of a loop's body for its running rows alone.
//
// A value that has rows, [B, T, …] or [N, …], becomes [n, …]. What an op reads for all rows is gathered; of a sequence's or
// position's number a row knows its own.
#include "CompactRows.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace attnc;
using namespace attnc::attn;
using namespace attnc::compact;

static RankedTensorType tensorType(Value value) { return cast<RankedTensorType>(value.getType()); }

RowRewriter::RowRewriter(const RowAnalysis &rows) : rows(rows), b(loop::AdaptiveOp(rows.getLoop().op).getContext()), loc(loop::AdaptiveOp(rows.getLoop().op).getLoc()) {
  loop::AdaptiveOp op = rows.getLoop().op;
  b.setInsertionPoint(op);
  allRows = b.createOrFold<tensor::DimOp>(loc, op.getActive(), 0);
  b.setInsertionPointToStart(&op.getBody().front());
  int64_t size = op.getRowType().getDimSize(0);
  auto list = NonzeroOp::create(b, loc, RankedTensorType::get({size}, b.getI32Type()), RankedTensorType::get({}, b.getI32Type()), op.getRunning());
  Value number = tensor::ExtractOp::create(b, loc, list.getCount(), ValueRange());
  // It is no more than there are rows; said so that memory for as many is planned.
  count = arith::MinUIOp::create(b, loc, arith::IndexCastOp::create(b, loc, b.getIndexType(), number), allRows);
  OpFoldResult zero = b.getIndexAttr(0), one = b.getIndexAttr(1);
  indices = tensor::ExtractSliceOp::create(b, loc, list.getIndices(), ArrayRef(zero), ArrayRef<OpFoldResult>(count), ArrayRef(one));
}

Type RowRewriter::compactType(Type type, unsigned rowDims) const {
  auto tensor = cast<RankedTensorType>(type);
  SmallVector<int64_t> shape = {ShapedType::kDynamic};
  llvm::append_range(shape, tensor.getShape().drop_front(rowDims));
  return RankedTensorType::get(shape, tensor.getElementType());
}

Value RowRewriter::gather(Value value, unsigned rowDims) {
  Type type = compactType(value.getType(), rowDims);
  Value flat = value;
  if (rowDims > 1)
    flat = tensor::CollapseShapeOp::create(b, loc, value, mergeRows(tensorType(value).getRank(), rowDims));
  return GatherRowsOp::create(b, loc, type, flat, indices);
}

Value RowRewriter::compact(Value value) {
  Value &entry = known[value];
  if (entry)
    return entry;
  Value made = gather(value, rowDims(value));
  return known[value] = made;
}

Value RowRewriter::putBack(OpBuilder &at, Value listed, Value into) {
  unsigned dims = rowDims(into);
  auto type = tensorType(into);
  if (dims == 1)
    return ScatterRowsOp::create(at, loc, type, listed, into, indices, ScatterMode::Set);
  Value flat = tensor::CollapseShapeOp::create(at, loc, into, mergeRows(type.getRank(), dims));
  Value put = ScatterRowsOp::create(at, loc, flat.getType(), listed, flat, indices, ScatterMode::Set);
  SmallVector<OpFoldResult> shape = tensor::getMixedSizes(at, loc, into);
  return tensor::ExpandShapeOp::create(at, loc, type, put, mergeRows(type.getRank(), dims), shape);
}

/// Each listed row's number along one of the rows' dimensions: index mod the size behind, and so on. [n], of index.
Value RowRewriter::coordinate(unsigned rowDims, unsigned dim) {
  Value &entry = coordinates[rowDims * 8 + dim];
  if (entry)
    return entry;
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointAfterValue(indices);
  Value inner; // how many rows share the number
  for (unsigned d = dim + 1; d < rowDims; ++d) {
    Value size = getValueOrCreateConstantIndexOp(b, loc, rows.getLoop().sizes[d]);
    inner = inner ? arith::MulIOp::create(b, loc, inner, size).getResult() : size;
  }
  Value size = dim > 0 ? getValueOrCreateConstantIndexOp(b, loc, rows.getLoop().sizes[dim]) : Value();
  Value empty = tensor::EmptyOp::create(b, loc, ArrayRef<OpFoldResult>(count), b.getIndexType());
  AffineMap map = b.getDimIdentityMap();
  auto op = linalg::GenericOp::create(b, loc, empty.getType(), indices, empty, ArrayRef{map, map}, ArrayRef{utils::IteratorType::parallel},
                                      [&](OpBuilder &at, Location loc, ValueRange arguments) {
                                        Value number = arith::IndexCastOp::create(at, loc, at.getIndexType(), arguments[0]);
                                        if (inner)
                                          number = arith::DivUIOp::create(at, loc, number, inner);
                                        if (size)
                                          number = arith::RemUIOp::create(at, loc, number, size);
                                        linalg::YieldOp::create(at, loc, number);
                                      });
  return entry = op.getResult(0);
}

/// A number added to each of the rows' coordinates.
Value RowRewriter::add(Value numbers, Value offset) {
  Value empty = tensor::EmptyOp::create(b, loc, ArrayRef<OpFoldResult>(count), b.getIndexType());
  AffineMap map = b.getDimIdentityMap();
  auto sum = [&](OpBuilder &inner, Location loc, ValueRange elements) { linalg::YieldOp::create(inner, loc, arith::AddIOp::create(inner, loc, elements[0], offset).getResult()); };
  return linalg::GenericOp::create(b, loc, empty.getType(), numbers, empty, ArrayRef{map, map}, ArrayRef{utils::IteratorType::parallel}, sum).getResult(0);
}

/// What an op reads of an operand, for the listed rows.
Value RowRewriter::operandRows(Value value, OperandRows has, unsigned rowDims) {
  if (has.kind == OperandRows::None)
    return value;
  if (rows.form(value) != Form::None)
    return compact(value);
  if (has.kind == OperandRows::All)
    return gather(value, rowDims);
  return GatherRowsOp::create(b, loc, compactType(value.getType(), 1), value, coordinate(rowDims, has.dim));
}

/// A destination that is made anew: empty, of one number, or of values that all rows share.
Value RowRewriter::freshDestination(Value init, unsigned rowDims) {
  SmallVector<OpFoldResult> sizes = {count};
  llvm::append_range(sizes, ArrayRef(tensor::getMixedSizes(b, loc, init)).drop_front(rowDims));
  Value empty = tensor::EmptyOp::create(b, loc, sizes, tensorType(init).getElementType());
  if (auto cast = dyn_cast<RankedTensorType>(compactType(init.getType(), rowDims)); cast != empty.getType())
    empty = tensor::CastOp::create(b, loc, cast, empty);
  if (auto fill = init.getDefiningOp<linalg::FillOp>())
    return linalg::FillOp::create(b, loc, fill.getInputs(), empty).getResult(0);
  auto broadcast = init.getDefiningOp<linalg::BroadcastOp>();
  if (!broadcast)
    return empty;
  SmallVector<int64_t> added = {0};
  for (int64_t dim : broadcast.getDimensions())
    if (dim >= int64_t(rowDims))
      added.push_back(dim - (rowDims - 1));
  return linalg::BroadcastOp::create(b, loc, broadcast.getInput(), empty, added)->getResult(0);
}

void RowRewriter::setResults(Operation *op, Operation *compacted) {
  for (auto [result, value] : llvm::zip_equal(op->getResults(), compacted->getResults()))
    known[result] = value;
}

//===----------------------------------------------------------------------===//
// linalg
//===----------------------------------------------------------------------===//

/// The op's body over new maps. An index along a row's dimension is read from the list.
Operation *RowRewriter::cloneGeneric(linalg::LinalgOp op, ArrayRef<unsigned> rowLoops, ValueRange inputs, ValueRange inits, SmallVector<AffineMap> maps) {
  SmallVector<unsigned> place(op.getNumLoops()); // of each old loop
  SmallVector<utils::IteratorType> iterators;
  for (auto [loop, kind] : llvm::enumerate(op.getIteratorTypesArray()))
    if (loop == rowLoops[0] || !llvm::is_contained(rowLoops, loop)) {
      place[loop] = iterators.size();
      iterators.push_back(kind);
    }
  SmallVector<Value> all(inputs);
  SmallVector<linalg::IndexOp> asked;
  op->walk([&](linalg::IndexOp index) {
    if (llvm::is_contained(rowLoops, index.getDim()))
      asked.push_back(index);
  });
  for (linalg::IndexOp index : asked) {
    all.push_back(coordinate(rowLoops.size(), llvm::find(rowLoops, index.getDim()) - rowLoops.begin()));
    maps.insert(maps.begin() + all.size() - 1, AffineMap::get(iterators.size(), 0, b.getAffineDimExpr(place[rowLoops[0]])));
  }
  auto generic = linalg::GenericOp::create(b, loc, inits.getTypes(), all, inits, maps, iterators);
  IRMapping map;
  b.cloneRegionBefore(op->getRegion(0), generic.getRegion(), generic.getRegion().end(), map);
  for (auto [i, index] : llvm::enumerate(asked)) {
    BlockArgument number = generic.getRegion().insertArgument(unsigned(inputs.size() + i), b.getIndexType(), loc);
    Value old = map.lookup(index.getResult());
    old.replaceAllUsesWith(number);
    old.getDefiningOp()->erase();
  }
  generic.walk([&](linalg::IndexOp index) { index.setDim(place[index.getDim()]); });
  return generic;
}

void RowRewriter::rewriteLinalg(linalg::LinalgOp op) {
  RowLoops rowLoops = rows.rowLoops(op);
  // The loops of a row become the first of them.
  SmallVector<AffineExpr> exprs(op.getNumLoops());
  unsigned loops = 0;
  for (unsigned loop : llvm::seq(op.getNumLoops()))
    if (loop == rowLoops[0] || !llvm::is_contained(rowLoops, loop))
      exprs[loop] = b.getAffineDimExpr(loops++);
  for (unsigned loop : rowLoops)
    exprs[loop] = exprs[rowLoops[0]];
  SmallVector<Value> inputs, inits;
  SmallVector<AffineMap> maps;
  for (OpOperand &operand : op->getOpOperands()) {
    AffineMap map = op.getMatchingIndexingMap(&operand);
    OperandRows has = rowsOfOperand(map, rowLoops);
    unsigned drop = has.kind == OperandRows::All ? rowLoops.size() - 1 : 0;
    SmallVector<AffineExpr> results = llvm::map_to_vector(map.getResults().drop_front(drop), [&](AffineExpr e) { return e.replaceDims(exprs); });
    maps.push_back(AffineMap::get(loops, 0, results, b.getContext()));
    if (!op.isDpsInit(&operand))
      inputs.push_back(operandRows(operand.get(), has, rowLoops.size()));
    else if (isFreshDestination(op, operand, rowLoops))
      inits.push_back(freshDestination(operand.get(), rowLoops.size()));
    else
      inits.push_back(compact(operand.get()));
  }
  if (isa<linalg::FillOp>(op))
    return setResults(op, linalg::FillOp::create(b, loc, inputs, inits));
  if (isa<linalg::ContractOp>(op))
    return setResults(op, linalg::ContractOp::create(b, loc, TypeRange(ValueRange(inits)), inputs, inits, b.getAffineMapArrayAttr(maps)));
  setResults(op, cloneGeneric(op, rowLoops, inputs, inits, maps));
}

//===----------------------------------------------------------------------===//
// attn
//===----------------------------------------------------------------------===//

/// [B + 1]: where each sequence's listed rows begin, and at last their number.
Value RowRewriter::sequenceOffsets() {
  if (offsets)
    return offsets;
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointAfterValue(indices);
  Value length = getValueOrCreateConstantIndexOp(b, loc, rows.getLoop().sizes[1]), sequences = getValueOrCreateConstantIndexOp(b, loc, rows.getLoop().sizes[0]);
  Value ends = arith::AddIOp::create(b, loc, sequences, arith::ConstantIndexOp::create(b, loc, 1));
  Value empty = tensor::EmptyOp::create(b, loc, ArrayRef<OpFoldResult>(ends), b.getI32Type());
  Value none = arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(0));
  Value zeros = linalg::FillOp::create(b, loc, none, empty).getResult(0);
  AffineExpr sequence = b.getAffineDimExpr(0), row = b.getAffineDimExpr(1);
  AffineMap maps[] = {AffineMap::get(2, 0, row), AffineMap::get(2, 0, sequence)};
  utils::IteratorType kinds[] = {utils::IteratorType::parallel, utils::IteratorType::reduction};
  // How many are in front of the sequence's first row.
  auto op = linalg::GenericOp::create(b, loc, zeros.getType(), indices, zeros, maps, kinds, [&](OpBuilder &at, Location loc, ValueRange arguments) {
    Value first = arith::MulIOp::create(at, loc, linalg::IndexOp::create(at, loc, 0), length);
    Value index = arith::IndexCastOp::create(at, loc, at.getIndexType(), arguments[0]);
    Value before = arith::CmpIOp::create(at, loc, arith::CmpIPredicate::ult, index, first);
    Value one = arith::ExtUIOp::create(at, loc, at.getI32Type(), before);
    linalg::YieldOp::create(at, loc, arith::AddIOp::create(at, loc, arguments[1], one).getResult());
  });
  return offsets = op.getResult(0);
}

void RowRewriter::rewriteAttention(AttentionOp op) {
  unsigned rowDims = this->rowDims(op.getQuery());
  constexpr unsigned kRows[] = {AttentionOp::B, AttentionOp::I};
  bool packed = rowDims == 2; // queries of all sequences, one behind the other
  MLIRContext *context = b.getContext();
  SmallVector<AffineMap> maps;
  auto plainMap = AffineMap::get(AttentionOp::NumDims, 0, context);
  auto take = [&](OpOperand &operand) {
    AffineMap map = op.getMap(operand);
    OperandRows has = rowsOfOperand(map, ArrayRef(kRows).take_front(rowDims));
    if (packed && (has.kind == OperandRows::None || (has.kind == OperandRows::One && has.dim == 0))) {
      maps.push_back(map);
      return operand.get();
    }
    maps.push_back(has.kind == OperandRows::All && packed ? map.getSubMap(llvm::to_vector(llvm::seq<unsigned>(1, map.getNumResults()))) : map);
    bool ofDestination = op.isDpsInit(&operand);
    return ofDestination ? freshDestination(operand.get(), rowDims) : operandRows(operand.get(), has, rowDims);
  };
  Value query = take(op.getQueryMutable()), offset = op.getQueryOffset(), positions = op.getQueryPositions(), sequences;
  if (packed) {
    if (positions) {
      positions = take(op.getQueryPositionsMutable()[0]);
    } else {
      positions = coordinate(2, 1);
      if (offset)
        positions = add(positions, offset);
      offset = {};
      maps.push_back(AffineMap::get(AttentionOp::NumDims, 0, b.getAffineDimExpr(AttentionOp::I)));
    }
    sequences = sequenceOffsets();
    maps.push_back(plainMap);
  } else {
    if (offset)
      maps.push_back(plainMap);
    if (positions)
      positions = take(op.getQueryPositionsMutable()[0]);
  }
  auto takeAll = [&](MutableOperandRange range) {
    SmallVector<Value> values;
    for (OpOperand &operand : range)
      values.push_back(take(operand));
    return values;
  };
  SmallVector<Value> sources = takeAll(op.getSourceOperandsMutable()), captures = takeAll(op.getCapturesMutable()), sink = takeAll(op.getSinkMutable());
  Value output = take(op.getOutputInitMutable());
  SmallVector<Value> lse = takeAll(op.getLseInitMutable()), entropy = takeAll(op.getEntropyInitMutable());
  auto first = [](ArrayRef<Value> values) { return values.empty() ? Value() : values[0]; };
  SmallVector<Type> types = {output.getType()};
  for (Value more : {first(lse), first(entropy)})
    if (more)
      types.push_back(more.getType());
  auto made = AttentionOp::create(b, loc, types, query, offset, positions, sequences, sources, captures, first(sink), output, first(lse), first(entropy),
                                  b.getAffineMapArrayAttr(maps), op.getSourceKindsAttr(), op.getScaleAttr(), op.getNormalizerAttr(), op.getSourceMasks().size());
  made->setDiscardableAttrs(op->getDiscardableAttrDictionary());
  for (auto [from, to] : llvm::zip_equal(op->getRegions(), made->getRegions()))
    b.cloneRegionBefore(from, to, to.end());
  setResults(op, made);
}

/// Positions counted along a row's dimension, or given for it, become those of the listed rows.
void RowRewriter::rewriteRotary(RotaryOp op) {
  unsigned rowDims = this->rowDims(op.getInput());
  auto made = cast<RotaryOp>(b.clone(*op));
  made.getInputMutable().set(compact(op.getInput()));
  made.getResult().setType(tensorType(made.getInput()));
  SmallVector<int64_t> along;
  SmallVector<unsigned> listed;
  for (int64_t dim : op.getAlong()) {
    if (dim >= int64_t(rowDims)) {
      along.push_back(dim - (rowDims - 1));
      continue;
    }
    if (listed.empty())
      along.push_back(0);
    listed.push_back(dim);
  }
  made.setAlong(along);
  setResults(op, made);
  if (listed.empty())
    return;
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(made);
  Value positions = op.getPositions();
  if (!positions) {
    positions = coordinate(rowDims, listed[0]);
    if (Value offset = op.getOffset())
      positions = add(positions, offset);
    made.getOffsetMutable().clear();
  } else {
    OperandRows has = listed.size() == rowDims ? OperandRows{OperandRows::All} : OperandRows{OperandRows::One, listed[0]};
    positions = operandRows(positions, has, rowDims);
  }
  made.getPositionsMutable().assign(positions);
}

//===----------------------------------------------------------------------===//
// Views, and the rest
//===----------------------------------------------------------------------===//

void RowRewriter::rewriteSlice(tensor::ExtractSliceOp op) {
  unsigned rowDims = this->rowDims(op.getSource());
  auto inFront = [&](OpFoldResult first, ArrayRef<OpFoldResult> all) {
    SmallVector<OpFoldResult> list = {first};
    llvm::append_range(list, all.drop_front(rowDims));
    return list;
  };
  auto type = cast<RankedTensorType>(compactType(op.getType(), rowDims));
  setResults(op, tensor::ExtractSliceOp::create(b, loc, type, compact(op.getSource()), inFront(b.getIndexAttr(0), op.getMixedOffsets()),
                                                inFront(count, op.getMixedSizes()), inFront(b.getIndexAttr(1), op.getMixedStrides())));
}

/// The groups behind those of the rows, their dimensions moved to the front by `by`, behind one for the rows.
static SmallVector<ReassociationIndices> groupsBehindRows(ArrayRef<ReassociationIndices> groups, unsigned rowGroups, int64_t by) {
  SmallVector<ReassociationIndices> made = {{0}};
  for (const ReassociationIndices &group : groups.drop_front(rowGroups))
    made.push_back(llvm::map_to_vector<2>(group, [&](int64_t dim) { return dim - by; }));
  return made;
}

void RowRewriter::rewriteExpand(tensor::ExpandShapeOp op) {
  unsigned before = rowDims(op.getSrc()), behind = rowDims(op.getResult());
  auto groups = groupsBehindRows(op.getReassociationIndices(), before, behind - 1);
  Value source = compact(op.getSrc());
  auto type = cast<RankedTensorType>(compactType(op.getType(), behind));
  SmallVector<OpFoldResult> shape = {count};
  llvm::append_range(shape, ArrayRef(op.getMixedOutputShape()).drop_front(behind));
  known[op.getResult()] = type.getRank() == tensorType(source).getRank() ? source : tensor::ExpandShapeOp::create(b, loc, type, source, groups, shape).getResult();
}

void RowRewriter::rewriteCollapse(tensor::CollapseShapeOp op) {
  unsigned before = rowDims(op.getSrc()), behind = rowDims(op.getResult());
  auto groups = groupsBehindRows(op.getReassociationIndices(), behind, before - 1);
  Value source = compact(op.getSrc());
  auto type = cast<RankedTensorType>(compactType(op.getType(), behind));
  known[op.getResult()] = type.getRank() == tensorType(source).getRank() ? source : tensor::CollapseShapeOp::create(b, loc, type, source, groups).getResult();
}

/// Ops whose leading dimensions are whatever their operands have.
void RowRewriter::rewriteRowByRow(Operation *op) {
  unsigned rowDims = this->rowDims(op->getResult(0));
  bool elementwise = OpTrait::hasElementwiseMappableTraits(op);
  SmallVector<Value> operands;
  for (Value operand : op->getOperands()) {
    bool has = rows.form(operand) != Form::None;
    bool isShared = !isa<RankedTensorType>(operand.getType()) || !elementwise;
    operands.push_back(has ? compact(operand) : isShared ? operand
                                                         : gather(operand, rowDims));
  }
  Operation *made = b.clone(*op);
  made->setOperands(operands);
  for (Value result : made->getResults())
    result.setType(compactType(result.getType(), rowDims));
  setResults(op, made);
}

void RowRewriter::rewrite(Operation *op) {
  b.setInsertionPoint(op);
  loc = op->getLoc();
  if (auto structured = dyn_cast<linalg::LinalgOp>(op))
    return rewriteLinalg(structured);
  if (auto attention = dyn_cast<AttentionOp>(op))
    return rewriteAttention(attention);
  if (auto rotary = dyn_cast<RotaryOp>(op))
    return rewriteRotary(rotary);
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op))
    return rewriteSlice(slice);
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
    return rewriteExpand(expand);
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op))
    return rewriteCollapse(collapse);
  rewriteRowByRow(op);
}
