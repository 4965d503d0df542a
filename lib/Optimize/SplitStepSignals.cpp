// Takes a step's signal out of the keys and values that attention reads.
//
//     X = H + place + tick_t,  K = X·W_k,  V = X·W_v      (H frozen; tick_t the same for all rows)
//  -> K⁰ = (H + place)·W_k,  V⁰ = (H + place)·W_v;  attention(Q, K⁰, V⁰) + tick_t·W_v
//
// A shift that all keys of a query share adds the same to each of its scores and drops out under softmax; the weights sum to 1, so
// that a shift of the values is one of the output (where the row sees a key at all: otherwise it stays 0). Then keys and values of
// rows that have stopped do not change, and compaction computes them once. Not with another normaliser, a sink, several sources, a score or
// post region, a mask region, or a result that says how large the scores are; nor where anything but sums and products lies between
// the signal and the key or value.
#include "LoopSizes.h"
#include "StepParts.h"

#include "attnc/Dialect/Attn/Attn.h"
#include "attnc/Optimize/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Remarks.h"

namespace attnc {
#define GEN_PASS_DEF_SPLITSTEPSIGNALS
#include "attnc/Optimize/Passes.h.inc"
} // namespace attnc

using namespace mlir;
using namespace attnc;
using namespace attnc::attn;
using namespace attnc::steps;
using llvm::SmallBitVector;

namespace {

//===----------------------------------------------------------------------===//
// Parts of packed projections
//===----------------------------------------------------------------------===//

Value slice(OpBuilder &b, Value value, int64_t dim, int64_t offset, int64_t size) {
  Location loc = value.getLoc();
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, value), offsets(sizes.size(), b.getIndexAttr(0)), strides(sizes.size(), b.getIndexAttr(1));
  offsets[dim] = b.getIndexAttr(offset);
  sizes[dim] = b.getIndexAttr(size);
  return tensor::ExtractSliceOp::create(b, loc, value, offsets, sizes, strides);
}

/// Columns of a product: the product by those columns of the weight. Null where it is no product, or the dimension is of rows.
Value sliceProduct(Value value, int64_t dim, int64_t offset, int64_t size) {
  auto product = value.getDefiningOp<linalg::ContractOp>();
  if (!product)
    return {};
  auto structured = cast<linalg::LinalgOp>(product.getOperation());
  OpBuilder b(product);
  AffineExpr column = structured.getMatchingIndexingMap(structured.getDpsInitOperand(0)).getResult(dim);
  auto operandColumns = [&](OpOperand &operand) {
    AffineMap map = structured.getMatchingIndexingMap(&operand);
    auto it = llvm::find(map.getResults(), column);
    return it == map.getResults().end() ? operand.get() : slice(b, operand.get(), it - map.getResults().begin(), offset, size);
  };
  SmallVector<Value> inputs;
  for (OpOperand *input : structured.getDpsInputOperands())
    inputs.push_back(operandColumns(*input));
  Value init = structured.getDpsInitOperand(0)->get(), start;
  auto destination = [&] {
    SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, init.getLoc(), init);
    sizes[dim] = b.getIndexAttr(size);
    return tensor::EmptyOp::create(b, init.getLoc(), sizes, cast<RankedTensorType>(init.getType()).getElementType()).getResult();
  };
  if (auto bias = init.getDefiningOp<linalg::BroadcastOp>(); bias && !llvm::is_contained(bias.getDimensions(), dim)) {
    int64_t of = dim - llvm::count_if(bias.getDimensions(), [&](int64_t d) { return d < dim; });
    start = linalg::BroadcastOp::create(b, bias.getLoc(), slice(b, bias.getInput(), of, offset, size), destination(), bias.getDimensions())->getResult(0);
  } else if (auto fill = init.getDefiningOp<linalg::FillOp>()) {
    start = linalg::FillOp::create(b, fill.getLoc(), fill.getInputs(), destination()).getResult(0);
  } else {
    start = operandColumns(*structured.getDpsInitOperand(0));
  }
  return linalg::ContractOp::create(b, product.getLoc(), TypeRange(start.getType()), inputs, ValueRange(start), product.getIndexingMaps()).getResult(0);
}

/// What an operand of attention reads of a packed product, by a product of its own; the value itself where its map has no constant.
struct Part {
  Value value;
  AffineMap map;
};
Part partOf(OpOperand &operand, AttentionOp op) {
  AffineMap map = op.getMap(operand);
  Part all{operand.get(), map};
  auto constants = llvm::make_filter_range(map.getResults(), [](AffineExpr e) { return isa<AffineConstantExpr>(e); });
  auto expand = operand.get().getDefiningOp<tensor::ExpandShapeOp>();
  if (!expand || !llvm::hasSingleElement(constants))
    return all;
  int64_t dim = llvm::find(map.getResults(), *constants.begin()) - map.getResults().begin(), inner = 1, group = 0;
  SmallVector<ReassociationIndices> groups = expand.getReassociationIndices();
  while (!llvm::is_contained(groups[group], dim))
    ++group;
  if (groups[group].front() != dim || groups[group].size() == 1)
    return all;
  for (int64_t d : ArrayRef(groups[group]).drop_front()) {
    if (expand.getResultType().isDynamicDim(d))
      return all;
    inner *= expand.getResultType().getDimSize(d);
  }
  Value columns = sliceProduct(expand.getSrc(), group, cast<AffineConstantExpr>(*constants.begin()).getValue() * inner, inner);
  if (!columns)
    return all;
  OpBuilder b(expand);
  SmallVector<OpFoldResult> sizes = expand.getMixedOutputShape();
  sizes.erase(sizes.begin() + dim);
  SmallVector<int64_t> shape(expand.getResultType().getShape());
  shape.erase(shape.begin() + dim);
  groups[group].erase(groups[group].begin());
  for (ReassociationIndices &indices : groups)
    for (int64_t &d : indices)
      d -= d > dim;
  auto type = RankedTensorType::get(shape, expand.getResultType().getElementType());
  return {tensor::ExpandShapeOp::create(b, expand.getLoc(), type, columns, groups, sizes), map.dropResult(dim)};
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

class Splitting {
public:
  Splitting(loop::AdaptiveOp loop, AttentionOp op) : loop(loop), op(op), source(op.getSources()[0]), parts(loop) {}

  /// Why the op's shifts would not drop out; empty where they do.
  StringRef obstacle() {
    if (op.getNormalizer() != Normalizer::Softmax)
      return "its normaliser is not softmax";
    if (op.getSink())
      return "it has a sink";
    if (op.getSources().size() > 1)
      return "it has several sources";
    if (!op.getScore().empty() || !op.getPost().empty())
      return "it has a score or post region";
    if (!op.getMask().empty() || source.mask)
      return "it has a mask region, by which a row might see no key";
    if (op->getNumResults() > 1)
      return "it gives the logarithm of its sums, or the entropy";
    return {};
  }

  void run() {
    Part key = partOf(*source.key, op), value = partOf(*source.value, op), query = partOf(op.getQueryMutable(), op);
    constexpr unsigned kRows[] = {AttentionOp::B, AttentionOp::J};
    std::optional<Parts> keys = splitPart(key, kRows), values = keys ? splitPart(value, kRows) : std::nullopt;
    if (!keys || !values)
      return missed(whyNotSplit());
    if ((!keys->step && !values->step) || !keys->base || !values->base)
      return;
    if (StringRef why = obstacle(); !why.empty())
      return missed(why.str());
    replace(query, {keys->base, key.map}, {values->base, value.map}, values->step);
    remark::passed(op.getLoc(), remark::RemarkOpts::name("step signal").category("loops"))
        << "the step's signal is taken out of keys and values: those of rows that have stopped do not change";
  }

private:
  /// Keys are those of the loop's rows: a query that runs has one.
  std::optional<Parts> splitPart(Part part, ArrayRef<unsigned> rows) {
    SmallBitVector dims = dimsOf(part.map, rows);
    if (int64_t(dims.count()) != loop.getRowType().getRank() || dims.find_last() + 1 != int(dims.count()))
      return std::nullopt;
    return parts.split(part.value, dims);
  }

  std::string whyNotSplit() {
    if (!parts.blocker)
      return {};
    if (parts.blocker == loop)
      return "they are made of a carried value that is not frozen";
    return "'" + parts.blocker->getName().getStringRef().str() + "' op between the signal and the keys and values is neither a sum nor a product by what is the same at every step";
  }

  void missed(const std::string &why) {
    if (!why.empty())
      remark::missed(op.getLoc(), remark::RemarkOpts::name("step signal").category("loops")) << "keys and values change at every step: " + why;
  }

  void replace(Part query, Part key, Part value, Value shift) {
    OpBuilder b(op);
    auto made = cast<AttentionOp>(b.clone(*op));
    auto madeSource = made.getSources()[0];
    SmallVector<AffineMap> maps(op.getIndexingMaps().getAsValueRange<AffineMapAttr>());
    auto set = [&](OpOperand &operand, Part part) {
      operand.set(part.value);
      maps[operand.getOperandNumber()] = part.map;
    };
    set(made.getQueryMutable(), query);
    set(*madeSource.key, key);
    set(*madeSource.value, value);
    made.setIndexingMapsAttr(b.getAffineMapArrayAttr(maps));
    Value output = made.getResult(0);
    if (shift)
      output = addShift(b, made, value.map, shift);
    op.getResult(0).replaceAllUsesWith(output);
    op.erase();
  }

  /// output + shift in the rows that see a key.
  Value addShift(OpBuilder &b, AttentionOp made, AffineMap valueMap, Value shift) {
    Location loc = made.getLoc();
    OpOperand &init = made.getOutputInitMutable();
    AffineMap output = made.getMap(init);
    unsigned rank = output.getNumResults();
    auto place = [&](AffineExpr dim) {
      return b.getAffineDimExpr(llvm::find(output.getResults(), dim) - output.getResults().begin());
    };
    SmallVector<AffineExpr> ofShift;
    for (AffineExpr expr : valueMap.getResults())
      if (!expr.isFunctionOfDim(AttentionOp::B) && !expr.isFunctionOfDim(AttentionOp::J))
        ofShift.push_back(place(expr));
    AffineMap all = b.getMultiDimIdentityMap(rank);
    SmallVector<AffineMap> maps = {all, AffineMap::get(rank, 0, ofShift, b.getContext())};
    SmallVector<Value> inputs = {made.getResult(0), shift};
    if (OpOperand *valid = made.getSources()[0].valid) {
      inputs.push_back(valid->get());
      SmallVector<AffineExpr> ofValid = llvm::map_to_vector(made.getMap(*valid).getResults(), place);
      maps.push_back(AffineMap::get(rank, 0, ofValid, b.getContext()));
    }
    auto type = cast<RankedTensorType>(made.getResult(0).getType());
    maps.push_back(all);
    SmallVector<utils::IteratorType> kinds(rank, utils::IteratorType::parallel);
    b.setInsertionPointAfter(made);
    auto sum = linalg::GenericOp::create(b, loc, type, inputs, init.get(), maps, kinds, [&](OpBuilder &at, Location loc, ValueRange v) {
      Value moved = arith::AddFOp::create(at, loc, v[0], v[1]);
      if (inputs.size() == 3) {
        Type number = v[2].getType();
        Value none = arith::ConstantOp::create(at, loc, at.getZeroAttr(number));
        Value some = arith::CmpIOp::create(at, loc, arith::CmpIPredicate::sgt, v[2], none);
        moved = arith::SelectOp::create(at, loc, some, moved, v[0]);
      }
      linalg::YieldOp::create(at, loc, moved);
    });
    return sum.getResult(0);
  }

  loop::AdaptiveOp loop;
  AttentionOp op;
  AttentionOp::Source source;
  TensorParts parts;
};

class SplitStepSignals : public attnc::impl::SplitStepSignalsBase<SplitStepSignals> {
public:
  void runOnOperation() override {
    FailureOr<SmallVector<loop::AdaptiveOp>> loops = findLoopsOfRows(getOperation());
    if (failed(loops))
      return signalPassFailure();
    for (loop::AdaptiveOp op : *loops) {
      hoistSizesOfCarried(op);
      for (auto attention : llvm::to_vector(op.getBody().front().getOps<AttentionOp>()))
        Splitting(op, attention).run();
    }
  }
};

} // namespace
