// Operands of attention as buffers, and which attentions are done on tiles.
#include "AttentionTiled.h"

#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"

using namespace mlir;
using namespace attnc;
using namespace attnc::cpu;

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

bool Operand::has(Dim dim) const {
  return llvm::any_of(indices, [&](AffineExpr index) { return index.isFunctionOfDim(dim); });
}

bool Operand::isContiguous(Dim dim) const {
  return !indices.empty() && indices.back().isFunctionOfDim(dim) && cast<MemRefType>(buffer.getType()).areTrailingDimsContiguous(1);
}

SmallVector<Value> Operand::at(ImplicitLocOpBuilder &b, const Point &point) const {
  SmallVector<Value> result;
  for (AffineExpr index : indices) {
    if (auto constant = dyn_cast<AffineConstantExpr>(index))
      result.push_back(arith::ConstantIndexOp::create(b, constant.getValue()));
    else
      result.push_back(point[cast<AffineDimExpr>(index).getPosition()]);
  }
  return result;
}

Value Operand::load(ImplicitLocOpBuilder &b, const Point &point) const { return memref::LoadOp::create(b, buffer, at(b, point)); }

Value Operand::loadLanes(ImplicitLocOpBuilder &b, const Point &point, Dim dim, int64_t lanes, Value live) const {
  if (!has(dim))
    return Emit(b).broadcast(VectorType::get(lanes, getElementType()), load(b, point));
  SmallVector<Lanes> along;
  for (auto [index, value] : llvm::zip_equal(indices, at(b, point)))
    along.push_back(index.isFunctionOfDim(dim) ? Lanes::counting(value) : Lanes::same(value));
  return cpu::loadLanes(b, buffer, along, lanes, live);
}

void Operand::storeLanes(ImplicitLocOpBuilder &b, Value vector, const Point &point, Dim dim, int64_t count) const {
  Emit e(b);
  int64_t lanes = cast<VectorType>(vector.getType()).getNumElements();
  if (isContiguous(dim)) {
    Value mask;
    if (count < lanes)
      mask = vector::CreateMaskOp::create(b, VectorType::get(lanes, b.getI1Type()), ValueRange(e.index(count)));
    storeVector(b, vector, buffer, at(b, point), mask);
    return;
  }
  Point current = point;
  for (int64_t lane : llvm::seq(std::min(lanes, count))) {
    current[dim] = e.add(point[dim], e.index(lane));
    memref::StoreOp::create(b, vector::ExtractOp::create(b, vector, lane), buffer, at(b, current));
  }
}

/// Elements of the last dimension are neighbours in the buffer that the tensor will be: arguments of kernels are row-major.
static bool isRowMajor(Value tensor) {
  if (isa<BlockArgument>(tensor))
    return true;
  Operation *def = tensor.getDefiningOp();
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(def)) {
    bool keepsLast = !slice.getDroppedDims().test(slice.getSourceType().getRank() - 1);
    return keepsLast && isConstantIntValue(slice.getMixedStrides().back(), 1) && isRowMajor(slice.getSource());
  }
  if (auto dps = dyn_cast<DestinationStyleOpInterface>(def))
    return isRowMajor(dps.getTiedOpOperand(cast<OpResult>(tensor))->get());
  return isa<tensor::EmptyOp, bufferization::AllocTensorOp>(def);
}

static Value getBuffer(ImplicitLocOpBuilder &b, Value tensor, bool written) {
  auto type = cast<RankedTensorType>(tensor.getType());
  Value start = tensor; // what a fill or broadcast writes to is where its result is
  while (auto dps = start.getDefiningOp<DestinationStyleOpInterface>())
    start = dps.getTiedOpOperand(cast<OpResult>(start))->get();
  if (isa<BlockArgument>(start)) // the boundary of kernels
    return bufferization::ToBufferOp::create(b, MemRefType::get(type.getShape(), type.getElementType()), tensor, /*read_only=*/!written);
  SmallVector<int64_t> strides(type.getRank(), ShapedType::kDynamic);
  if (!strides.empty() && isRowMajor(tensor))
    strides.back() = 1;
  auto layout = StridedLayoutAttr::get(b.getContext(), ShapedType::kDynamic, strides);
  auto buffer = MemRefType::get(type.getShape(), type.getElementType(), layout);
  return bufferization::ToBufferOp::create(b, buffer, tensor, /*read_only=*/!written);
}

Operand attnc::cpu::getOperand(ImplicitLocOpBuilder &b, AttentionOp op, OpOperand &operand, bool written) {
  if (!isa<TensorType>(operand.get().getType()))
    return {operand.get(), {}};
  return {getBuffer(b, operand.get(), written), llvm::to_vector(op.getMap(operand).getResults())};
}

//===----------------------------------------------------------------------===//
// One attention
//===----------------------------------------------------------------------===//

Attention::Attention(ImplicitLocOpBuilder &b, AttentionOp op, const TileSizes &sizes)
    : b(b), e(b), op(op), sizes(sizes), f32(b.getF32Type()), vector(VectorType::get(sizes.lanes, f32)), normalizer(op.getNormalizer()) {
  auto get = [&](OpOperand *operand) { return operand ? getOperand(b, op, *operand) : Operand(); };
  auto getOptional = [&](MutableOperandRange range, bool written = false) { return range.empty() ? Operand() : getOperand(b, op, *range.begin(), written); };
  query = getOperand(b, op, op.getQueryMutable());
  queryPositions = getOptional(op.getQueryPositionsMutable());
  queryRows = getOptional(op.getQueryRowsMutable());
  out = getOperand(b, op, op.getOutputInitMutable(), true);
  lse = getOptional(op.getLseInitMutable(), true);
  entropy = getOptional(op.getEntropyInitMutable(), true);
  sink = getOptional(op.getSinkMutable());
  for (OpOperand &capture : op.getCapturesMutable())
    captures.push_back(getOperand(b, op, capture));
  queryOffset = op.getQueryOffset();
  heads = getValueOrCreateConstantIndexOp(b, b.getLoc(), op.getExtent(b, b.getLoc(), AttentionOp::R));
  for (auto [number, source] : llvm::enumerate(op.getSources())) {
    Region *mask = source.mask ? source.mask : op.getMask().empty() ? nullptr
                                                                    : &op.getMask();
    Value count = getValueOrCreateConstantIndexOp(b, b.getLoc(), op.getExtent(b, b.getLoc(), AttentionOp::J, number));
    sources.push_back({static_cast<int64_t>(number), get(source.key), get(source.value), get(source.positions), get(source.valid),
                       get(source.pages), get(source.rows), source.offset ? source.offset->get() : Value(), count, mask});
  }
}

Value Attention::alloc(ArrayRef<int64_t> shape) { return memref::AllocOp::create(b, MemRefType::get(shape, f32)); }

SmallVector<Value> Attention::getOutputs() const {
  SmallVector<Value> outputs;
  for (const Operand &output : {out, lse, entropy})
    if (output.buffer)
      outputs.push_back(output.buffer);
  return outputs;
}

Value Attention::getQueryPosition(const Point &point, Value number) {
  if (queryPositions.buffer)
    return e.toIndex(queryPositions.load(b, point));
  return queryOffset ? e.add(number, queryOffset) : number;
}

Attention::Row Attention::getRow(const QueryBlock &queries, Value row) {
  Value number = e.add(queries.first, row), i = number, r = e.index(0);
  if (!hasOneHead()) {
    i = e.div(number, heads);
    r = e.rem(number, heads);
  }
  Row result;
  result.point = {queries.batch, queries.group, r, e.add(queries.start, i)};
  result.position = getQueryPosition(result.point, i);
  result.head = hasOneHead() ? queries.group : e.add(e.mul(queries.group, heads), r);
  return result;
}

void attnc::cpu::forEachRowBlock(Emit &e, Value low, Value high, ArrayRef<int64_t> sizes, function_ref<void(Value row, int64_t count)> body) {
  for (int64_t size : sizes) {
    Value whole = size == 1 ? high : e.add(low, e.mul(e.div(e.sub(high, low), size), size));
    e.loop(low, whole, size, [&](Value row) { body(row, size); });
    low = whole;
  }
}

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

/// What the tiles of a kernel may take of its stack, the rest of which is for other temporaries.
static constexpr int64_t kStack = 384 * 1024;

static int64_t getStack(const TileSizes &s) {
  int64_t floats = s.queries * (s.depth + s.paddedWidth() + 2 * s.lanes + 1) + s.keys * (s.depth + s.paddedWidth()) + s.rows * s.keys;
  return floats * 4;
}

/// The regions' arguments that differ from key to key: score or weight, j, captures by j.
static SmallVector<bool> getVarying(AttentionOp op, bool hasScore) {
  SmallVector<bool> varies(hasScore, true);
  varies.append({false, false, false, true, false});
  for (OpOperand &capture : op.getCapturesMutable())
    varies.push_back(op.getMap(capture).isFunctionOfDim(AttentionOp::J));
  return varies;
}

static std::optional<std::string> findObstacle(AttentionOp op) {
  auto isDynamic = [](OpFoldResult extent) { return !getConstantIntValue(extent); };
  OpBuilder b(op);
  if (op.getComputeType().isF64())
    return "sums in f64";
  if (isDynamic(op.getExtent(b, op.getLoc(), AttentionOp::D)) || isDynamic(op.getExtent(b, op.getLoc(), AttentionOp::V)))
    return "a width that is not known";
  if (!op.getMap(op.getQueryMutable()).isFunctionOfDim(AttentionOp::D) || !op.getMap(op.getOutputInitMutable()).isFunctionOfDim(AttentionOp::V))
    return "operands without a width";
  for (AttentionOp::Source source : op.getSources())
    if (!op.getMap(*source.key).isFunctionOfDim(AttentionOp::J))
      return "one key for all j";
  // Rows of a block share what is packed.
  for (AttentionOp::Source source : op.getSources())
    for (OpOperand *operand : {source.key, source.value})
      if (op.getMap(*operand).isFunctionOfDim(AttentionOp::R) || op.getMap(*operand).isFunctionOfDim(AttentionOp::I))
        return "keys or values of each query head";
  if (!op.getPost().empty() && (op.getNormalizer() == attn::Normalizer::Softmax || op.getNormalizer() == attn::Normalizer::SigmoidSum))
    return "a post region behind a sum over the keys";
  SmallVector<std::pair<Region *, bool>> regions{{&op.getScore(), true}, {&op.getMask(), false}, {&op.getPost(), true}};
  for (Region &mask : op.getSourceMasks())
    regions.push_back({&mask, false});
  for (auto [region, hasScore] : regions)
    if (!region->empty())
      if (auto why = findUnvectorizable(*region, getVarying(op, hasScore)))
        return why;
  return std::nullopt;
}

std::optional<TileSizes> attnc::cpu::chooseTiles(AttentionOp op, const CpuLevel &level, std::string &why) {
  if (std::optional<std::string> obstacle = findObstacle(op)) {
    why = *obstacle;
    return std::nullopt;
  }
  OpBuilder b(op);
  TileSizes sizes;
  sizes.lanes = level.lanes(32);
  sizes.block = level.block;
  sizes.depth = *getConstantIntValue(op.getExtent(b, op.getLoc(), AttentionOp::D));
  sizes.width = *getConstantIntValue(op.getExtent(b, op.getLoc(), AttentionOp::V));
  // Sums in as many registers as a row of keys and an element leave: both products are short, and their ends cost.
  int64_t most = (level.vectorRegisters - level.block.vectors - 1) / level.block.vectors;
  sizes.block = {most > 8 ? most / 4 * 4 : most, level.block.vectors};
  sizes.rows = 2 * sizes.block.rows;
  // Many queries share the packing of a tile of keys; then many keys share what is done once a row and tile.
  for (int64_t keys : {256, 128, 64})
    for (int64_t queries : {256, 128, 64}) {
      sizes.keys = llvm::alignTo(keys, sizes.columns());
      sizes.queries = llvm::alignTo(queries, sizes.rows);
      if (getStack(sizes) <= kStack)
        return sizes;
    }
  why = "tiles that would not fit the stack";
  return std::nullopt;
}
