// Reads the operands of attn.attention: their indexing maps, extents and regions.
#include "AttentionOperands.h"

using namespace mlir;

namespace attnc::reference {

using attn::AttentionOp;

static OpOperand *only(MutableOperandRange segment) {
  return segment.empty() ? nullptr : &segment[0];
}

Indexed AttentionOperands::indexed(OpOperand *operand) {
  if (!operand)
    return {};
  Value content = frame[operand->get()];
  AffineMap map = op.getMap(*operand);
  return {content, Access(map, content.shape())};
}

/// All operands that share a dimension have the same extent along it.
LogicalResult AttentionOperands::learn(std::optional<int64_t> &extent, int64_t size, StringRef name) {
  if (extent && *extent != size)
    return frame.error(op, "expected one extent of " + name + ", found " + Twine(*extent) +
                               " and " + Twine(size));
  extent = size;
  return success();
}

LogicalResult AttentionOperands::learnExtents(OpOperand &operand, KeySource *source) {
  static constexpr StringLiteral names = "bgrijdv";
  Value content = frame[operand.get()];
  bool paged = source && source->isPaged() &&
               (&operand == op.getSources()[source->number].key ||
                &operand == op.getSources()[source->number].value);
  for (auto [at, expr] : llvm::enumerate(op.getMap(operand).getResults())) {
    if (auto constant = dyn_cast<AffineConstantExpr>(expr);
        constant && constant.getValue() >= content.shape()[at])
      return frame.error(op, "index " + Twine(constant.getValue()) + " leaves a dimension of " +
                                 Twine(content.shape()[at]) + " elements");
    auto dim = dyn_cast<AffineDimExpr>(expr);
    if (!dim || (paged && dim.getPosition() == AttentionOp::B))
      continue;
    int64_t size = content.shape()[at];
    if (dim.getPosition() == AttentionOp::J) {
      if (paged) {
        source->pageSize = size;
        size *= source->pages.content.shape().back();
      }
      // A capture indexed by j goes with one source.
      if (failed(learn((source ? *source : sources.front()).extent, size, "j")))
        return failure();
      continue;
    }
    if (failed(learn(extents[dim.getPosition()], size, names.substr(dim.getPosition(), 1))))
      return failure();
  }
  return success();
}

/// Row offsets rise from 0 or more and stay within the dimension that they divide.
LogicalResult AttentionOperands::checkRows(const Value &rows, int64_t extent) {
  int64_t last = 0;
  for (Scalar row : rows.elements()) {
    if (row.i < last || row.i > extent)
      return frame.error(op, "expected rows that rise from 0 to at most " + Twine(extent) +
                                 ", found " + Twine(row.i) + " behind " + Twine(last));
    last = row.i;
  }
  return learn(extents[AttentionOp::B], rows.elements().size() - 1, "b");
}

LogicalResult AttentionOperands::readSource(AttentionOp::Source operands) {
  KeySource &source = sources.emplace_back();
  source.number = sources.size() - 1;
  source.key = indexed(operands.key);
  source.value = indexed(operands.value);
  source.positions = indexed(operands.positions);
  if (operands.offset)
    source.offset = frame.integer(operands.offset->get());
  if (operands.valid) {
    source.valid = frame[operands.valid->get()];
    source.validMap = op.getMap(*operands.valid);
  }
  if (operands.rows)
    source.rows = frame[operands.rows->get()];
  if (operands.pages) {
    // The last dimension of the pages counts them; the map leads to the first.
    AffineMap map = op.getMap(*operands.pages);
    source.pages.content = frame[operands.pages->get()];
    source.pages.access =
        Access(map.insertResult(getAffineConstantExpr(0, op.getContext()), map.getNumResults()),
               source.pages.content.shape());
  }
  if (operands.mask) {
    bindCaptures(*operands.mask);
    source.mask.emplace(*operands.mask, frame);
  }
  for (OpOperand *operand : {operands.key, operands.value, operands.positions, operands.pages})
    if (operand && failed(learnExtents(*operand, &source)))
      return failure();
  if (operands.valid && source.valid.isTensor() && failed(learnExtents(*operands.valid, &source)))
    return failure();
  return success();
}

/// Sources first: a capture indexed by j has the extent of the first.
LogicalResult AttentionOperands::read() {
  sources.reserve(op.getSourceKinds().size());
  for (AttentionOp::Source &operands : op.getSources())
    if (failed(readSource(operands)))
      return failure();
  return readOperands();
}

/// Captures that are passed whole are block arguments that are tensors.
void AttentionOperands::bindCaptures(Region &region) {
  unsigned first = region.getNumArguments() - op.getCaptures().size();
  for (auto [number, capture] : llvm::enumerate(op.getCapturesMutable()))
    if (op.isWholeCapture(capture))
      frame.set(region.getArgument(first + number), frame[capture.get()]);
}

LogicalResult AttentionOperands::readOperands() {
  scale = op.getScale().convertToDouble();
  query = indexed(&op.getQueryMutable());
  queryPositions = indexed(only(op.getQueryPositionsMutable()));
  sink = indexed(only(op.getSinkMutable()));
  output = indexed(&op.getOutputInitMutable());
  lse = indexed(only(op.getLseInitMutable()));
  entropy = indexed(only(op.getEntropyInitMutable()));
  if (op.getQueryOffset())
    queryOffset = frame.integer(op.getQueryOffset());
  if (op.getQueryRows())
    queryRows = frame[op.getQueryRows()];
  for (OpOperand &capture : op.getCapturesMutable()) {
    bool element = frame[capture.get()].isTensor() && !op.isWholeCapture(capture);
    captures.push_back(element ? indexed(&capture) : Indexed{frame[capture.get()], {}});
    if (element && failed(learnExtents(capture)))
      return failure();
  }
  for (auto [region, compiled] :
       {std::pair(&op.getScore(), &score), {&op.getMask(), &mask}, {&op.getPost(), &post}})
    if (!region->empty()) {
      bindCaptures(*region);
      compiled->emplace(*region, frame);
    }
  for (OpOperand *operand :
       {&op.getQueryMutable(), only(op.getQueryPositionsMutable()), only(op.getSinkMutable()),
        &op.getOutputInitMutable(), only(op.getLseInitMutable()), only(op.getEntropyInitMutable())})
    if (operand && failed(learnExtents(*operand)))
      return failure();
  if (queryRows.isTensor() && failed(checkRows(queryRows, extent(AttentionOp::I))))
    return failure();
  for (KeySource &source : sources)
    if (source.rows.isTensor() && failed(checkRows(source.rows, source.extent.value_or(1))))
      return failure();
  return success();
}

} // namespace attnc::reference
