// loop.segment → scf.for over the blocks.
//
// Outputs are laid into destinations that the loop carries, each block by a tensor.insert_slice, so that no block's output
// is copied. partial(update): the last block's size is the minimum of `size` and what is left. partial(keep): blocks of the
// loop are full, with a static size; what is left over is one more block behind the loop, whose states nobody reads.
#include "LowerLoops.h"

#include "attnc/Optimize/SizeBefore.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace attnc;
using namespace attnc::loop;

namespace {

class SegmentLowering {
public:
  explicit SegmentLowering(SegmentOp op) : op(op), loc(op.getLoc()), b(op) {}

  LogicalResult run();

private:
  Value constant(int64_t value) { return arith::ConstantIndexOp::create(b, loc, value); }
  FailureOr<SmallVector<Value>> destinations();
  SmallVector<Value> runBlock(Value offset, OpFoldResult rows, ValueRange carried);
  Value extract(Value input, int64_t dim, Value offset, OpFoldResult rows, Type type);
  Value insert(Value block, Value into, int64_t dim, Value offset, OpFoldResult rows);
  scf::ForOp buildLoop(Value end, ValueRange inits, bool full);
  SmallVector<Value> runRest(Value begin, ValueRange carried);

  SegmentOp op;
  Location loc;
  OpBuilder b;
  Value length, size;
};

/// Where the outputs are laid: as long as the inputs, and otherwise as large as a block's output.
FailureOr<SmallVector<Value>> SegmentLowering::destinations() {
  SmallVector<Value> tensors;
  auto yield = cast<YieldOp>(op.getBody().front().getTerminator());
  for (auto [i, output, along] : llvm::enumerate(op.getOutputs(), op.getOutputDims())) {
    auto type = cast<RankedTensorType>(output.getType());
    SmallVector<OpFoldResult> sizes = getAsIndexOpFoldResult(b.getContext(), type.getShape());
    for (int64_t d = 0; d < type.getRank(); ++d) {
      if (!type.isDynamicDim(d))
        continue;
      FailureOr<OpFoldResult> known = d == along ? FailureOr<OpFoldResult>(length) : sizeBefore(b, op, yield.getValues()[i], d);
      if (failed(known))
        return op.emitOpError("expected the size of dimension ") << d << " of output " << i << " to be known before the loop";
      sizes[d] = getValueOrCreateConstantIndexOp(b, loc, *known);
    }
    tensors.push_back(tensor::EmptyOp::create(b, loc, sizes, type.getElementType()));
  }
  return tensors;
}

/// `rows` rows of an input from `offset` on, as the body's block argument.
Value SegmentLowering::extract(Value input, int64_t dim, Value offset, OpFoldResult rows, Type type) {
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, input), offsets(sizes.size(), b.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(sizes.size(), b.getIndexAttr(1));
  sizes[dim] = rows;
  offsets[dim] = offset;
  Value slice = tensor::ExtractSliceOp::create(b, loc, input, offsets, sizes, strides);
  return slice.getType() == type ? slice : Value(tensor::CastOp::create(b, loc, type, slice));
}

Value SegmentLowering::insert(Value block, Value into, int64_t dim, Value offset, OpFoldResult rows) {
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, into), offsets(sizes.size(), b.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(sizes.size(), b.getIndexAttr(1));
  sizes[dim] = rows;
  offsets[dim] = offset;
  auto type = cast<RankedTensorType>(block.getType());
  if (auto count = getConstantIntValue(rows); count && type.isDynamicDim(dim)) {
    SmallVector<int64_t> shape(type.getShape());
    shape[dim] = *count;
    block = tensor::CastOp::create(b, loc, type.clone(shape), block);
  }
  return tensor::InsertSliceOp::create(b, loc, block, into, offsets, sizes, strides);
}

/// A copy of the body on the block at `offset`: destinations and states, as it leaves them.
SmallVector<Value> SegmentLowering::runBlock(Value offset, OpFoldResult rows, ValueRange carried) {
  unsigned numOutputs = op.getNumOutputs();
  IRMapping map;
  map.map(op.getNumber(), Value(arith::DivUIOp::create(b, loc, offset, size)));
  for (auto [block, input, dim] : llvm::zip_equal(op.getBlocks(), op.getInputs(), op.getInputDims()))
    map.map(block, extract(input, dim, offset, rows, block.getType()));
  map.map(op.getCarried(), carried.drop_front(numOutputs));
  for (Operation &inner : op.getBody().front().without_terminator())
    b.clone(inner, map);
  SmallVector<Value> results;
  auto yield = cast<YieldOp>(op.getBody().front().getTerminator());
  for (auto [i, value] : llvm::enumerate(yield.getValues())) {
    Value fresh = map.lookupOrDefault(value);
    results.push_back(i < numOutputs ? insert(fresh, carried[i], op.getOutputDims()[i], offset, rows) : fresh);
  }
  return results;
}

/// Blocks from 0 to `end`, each full, or the last perhaps not.
scf::ForOp SegmentLowering::buildLoop(Value end, ValueRange inits, bool full) {
  auto loop = scf::ForOp::create(b, loc, constant(0), end, size, inits);
  loop->setDiscardableAttrs(op->getDiscardableAttrDictionary());
  OpBuilder::InsertionGuard guard(b);
  if (!inits.empty())
    b.setInsertionPointToEnd(loop.getBody());
  else
    b.setInsertionPointToStart(loop.getBody());
  OpFoldResult rows = b.getIndexAttr(op.getSize());
  if (!full) {
    Value left = arith::SubIOp::create(b, loc, end, loop.getInductionVar());
    rows = Value(arith::MinUIOp::create(b, loc, size, left));
  }
  SmallVector<Value> results = runBlock(loop.getInductionVar(), rows, loop.getRegionIterArgs());
  if (!inits.empty())
    scf::YieldOp::create(b, loc, results);
  return loop;
}

/// The block that is left over, if there is one: its outputs, and the states as they were.
SmallVector<Value> SegmentLowering::runRest(Value begin, ValueRange carried) {
  unsigned numOutputs = op.getNumOutputs();
  Value rest = arith::SubIOp::create(b, loc, length, begin);
  Value some = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, rest, constant(0));
  auto branch = scf::IfOp::create(
      b, loc, some,
      [&](OpBuilder &inner, Location) {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPoint(inner.getInsertionBlock(), inner.getInsertionPoint());
        SmallVector<Value> results = runBlock(begin, rest, carried);
        scf::YieldOp::create(b, loc, ArrayRef(results).take_front(numOutputs));
      },
      [&](OpBuilder &inner, Location) { scf::YieldOp::create(inner, loc, carried.take_front(numOutputs)); });
  SmallVector<Value> results(branch.getResults());
  llvm::append_range(results, carried.drop_front(numOutputs));
  return results;
}

LogicalResult SegmentLowering::run() {
  length = getValueOrCreateConstantIndexOp(b, loc, tensor::getMixedSize(b, loc, op.getInputs()[0], op.getInputDims()[0]));
  size = constant(op.getSize());
  FailureOr<SmallVector<Value>> inits = destinations();
  if (failed(inits))
    return failure();
  llvm::append_range(*inits, op.getInits());

  std::optional<int64_t> known = getConstantIntValue(length);
  bool divides = known && *known % op.getSize() == 0;
  SmallVector<Value> results;
  if (divides || op.getPartial() == Partial::Update) {
    results = SmallVector<Value>(buildLoop(length, *inits, divides).getResults());
  } else {
    Value rest = arith::RemUIOp::create(b, loc, length, size);
    Value end = arith::SubIOp::create(b, loc, length, rest);
    results = runRest(end, buildLoop(end, *inits, /*full=*/true).getResults());
  }
  op->replaceAllUsesWith(results);
  op.erase();
  return success();
}

} // namespace

LogicalResult attnc::lowerSegment(SegmentOp op) { return SegmentLowering(op).run(); }
