// Products, scores and weights of a tile of attention: the regions are inlined here.
#include "Attention.h"

#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace attnc::attn;
using namespace attnc::lower;

Value attnc::lower::computeProducts(ImplicitLocOpBuilder &b, AttentionOp op,
                                    const QueryTile &queries, const KeyTile &keys, Value tile) {
  Indexed query = getIndexed(op, op.getQueryMutable()).cut(b, queries.parts);
  Indexed key = getIndexed(op, *keys.source.key).cut(b, keys.stored);
  SmallVector<Dim> loops{AttentionOp::I, AttentionOp::J};
  if (query.has(AttentionOp::D))
    loops.push_back(AttentionOp::D);
  auto multiply = [&](ArrayRef<Num> e) {
    Type compute = e[2].getType();
    return e[2] + e[0].toFloat(compute) * e[1].toFloat(compute);
  };
  return mapElement(
      b, {query.tensor, key.tensor}, fill(b, 0.0, tile),
      {query.getMap(b, loops), key.getMap(b, loops), getDimsMap(b, loops.size(), {0, 1})},
      multiply);
}

Value attnc::lower::addValues(ImplicitLocOpBuilder &b, AttentionOp op, const KeyTile &keys,
                              Value weights, Value out) {
  Indexed value = getIndexed(op, *keys.source.value).cut(b, keys.stored);
  SmallVector<Dim> loops{AttentionOp::I, AttentionOp::J};
  SmallVector<int64_t> written{0};
  if (value.has(AttentionOp::V)) {
    loops.push_back(AttentionOp::V);
    written.push_back(2);
  }
  return mapElement(b, {weights, value.tensor}, out,
                    {getDimsMap(b, loops.size(), {0, 1}), value.getMap(b, loops),
                     getDimsMap(b, loops.size(), written)},
                    [](ArrayRef<Num> e) { return e[2] + e[0] * e[1].toFloat(e[0].getType()); });
}

namespace {

/// The arguments that the regions have for an element (i, j) of a tile.
class RegionArguments {
public:
  RegionArguments(ImplicitLocOpBuilder &b, AttentionOp op, const QueryTile &queries,
                  const KeyTile &keys)
      : b(b), op(op), queries(queries), keys(keys) {
    for (OpOperand &capture : op.getCapturesMutable())
      if (isElement(capture))
        addInput(getIndexed(op, capture).cut(b, keys.parts));
    if (op.getQueryPositions())
      addInput(getIndexed(op, *op.getQueryPositionsMutable().begin()).cut(b, queries.parts));
    if (keys.source.positions)
      addInput(getIndexed(op, *keys.source.positions).cut(b, keys.parts));
  }

  /// What a linalg op over [i, j] has to read for them.
  ArrayRef<Value> getInputs() const { return inputs; }
  ArrayRef<AffineMap> getMaps() const { return maps; }

  /// b, h, i, j, n and the captures, in the body of that op; takes their elements from `elements`.
  SmallVector<Value> get(ArrayRef<Num> &elements) {
    SmallVector<Value> captures;
    for (OpOperand &capture : op.getCapturesMutable())
      captures.push_back(isElement(capture) ? elements.consume_front().getValue() : capture.get());
    Num i = queries.first + getLoopIndex(b, 0), j = keys.first + getLoopIndex(b, 1);
    if (op.getQueryOffset())
      i = i + Num(b, op.getQueryOffset());
    if (op.getQueryPositions())
      i = elements.consume_front().toIndex();
    if (keys.source.offset)
      j = j + Num(b, keys.source.offset->get());
    if (keys.source.positions)
      j = elements.consume_front().toIndex();
    Num head = getIndex(AttentionOp::G) * Num(b, op.getExtent(b, b.getLoc(), AttentionOp::R)) +
               getIndex(AttentionOp::R);
    SmallVector<Value> arguments{getIndex(AttentionOp::B), head, i, j, Num::index(b, keys.number)};
    llvm::append_range(arguments, captures);
    return arguments;
  }

private:
  bool isElement(OpOperand &capture) {
    return isa<RankedTensorType>(capture.get().getType()) && !op.isWholeCapture(capture);
  }
  void addInput(const Indexed &input) {
    inputs.push_back(input.tensor);
    maps.push_back(input.getMap(b, {AttentionOp::I, AttentionOp::J}));
  }
  Num getIndex(Dim dim) const { return Num(b, queries.parts[dim].offset); }

  ImplicitLocOpBuilder &b;
  AttentionOp op;
  const QueryTile &queries;
  const KeyTile &keys;
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
};

/// The value that a region yields for arguments.
Num inlineRegion(ImplicitLocOpBuilder &b, Region &region, ArrayRef<Value> arguments) {
  IRMapping mapping;
  mapping.map(region.getArguments(), arguments);
  Block &block = region.front();
  for (Operation &inner : block.without_terminator())
    b.clone(inner, mapping);
  return {b, mapping.lookupOrDefault(block.getTerminator()->getOperand(0))};
}

Num inlineRegion(ImplicitLocOpBuilder &b, Region &region, Num score, ArrayRef<Value> arguments) {
  SmallVector<Value> all{score};
  llvm::append_range(all, arguments);
  return inlineRegion(b, region, all);
}

} // namespace

Value attnc::lower::weighProducts(ImplicitLocOpBuilder &b, AttentionOp op, const QueryTile &queries,
                                  const KeyTile &keys, Value products, ValueRange rows,
                                  double hidden, bool post, Weigh weigh) {
  RegionArguments arguments(b, op, queries, keys);
  SmallVector<Value> inputs(arguments.getInputs());
  SmallVector<AffineMap> maps(arguments.getMaps());
  llvm::append_range(inputs, rows);
  maps.append(rows.size(), getDimsMap(b, 2, {0}));
  maps.push_back(getDimsMap(b, 2, {0, 1}));
  Region *mask = keys.source.mask       ? keys.source.mask
                 : op.getMask().empty() ? nullptr
                                        : &op.getMask();
  return mapElement(b, inputs, products, maps, [&](ArrayRef<Num> elements) {
    SmallVector<Value> values = arguments.get(elements);
    Num score = elements.back() * op.getScale().convertToDouble();
    if (!op.getScore().empty())
      score = inlineRegion(b, op.getScore(), score, values);
    Num weight = weigh(score, elements.drop_back());
    if (post && !op.getPost().empty())
      weight = inlineRegion(b, op.getPost(), weight, values);
    if (!mask)
      return weight;
    return select(inlineRegion(b, *mask, values), weight, weight.literal(hidden));
  });
}
