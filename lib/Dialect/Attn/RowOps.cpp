// Rows, order, randomness: shapes and constraints.
#include "Verify.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace attnc::attn;

/// batch…, n… are the dimensions of the indices; rest… those of the source behind its row
/// dimension.
LogicalResult GatherRowsOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, getLoc(), getIndices());
  for (int64_t dim : llvm::seq<int64_t>(getBatch() + 1, getSource().getType().getRank()))
    sizes.push_back(tensor::getMixedSize(b, getLoc(), getSource(), dim));
  shapes.push_back(std::move(sizes));
  return success();
}

LogicalResult ScatterRowsOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(tensor::getMixedSizes(b, getLoc(), getDestination()));
  return success();
}

LogicalResult TopKOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, getLoc(), getInput());
  if (getK())
    sizes.back() = getK();
  else
    sizes.back() = b.getIndexAttr(getValues().getType().getShape().back());
  shapes.append({sizes, sizes});
  return success();
}

LogicalResult SortOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, getLoc(), getInput());
  shapes.append({sizes, sizes});
  return success();
}

/// As many indices as the mask has elements.
LogicalResult NonzeroOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  auto mask = getMask().getType();
  if (mask.hasStaticShape()) {
    shapes.push_back({b.getIndexAttr(mask.getNumElements())});
  } else {
    Value elements;
    for (OpFoldResult size : tensor::getMixedSizes(b, getLoc(), getMask())) {
      Value factor = getValueOrCreateConstantIndexOp(b, getLoc(), size);
      elements = elements ? b.createOrFold<arith::MulIOp>(getLoc(), elements, factor) : factor;
    }
    shapes.push_back({elements});
  }
  shapes.emplace_back();
  return success();
}

/// Static dimensions come from the type, dynamic ones from `sizes` in order.
LogicalResult RandomBitsOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  for (Value word : getWords()) {
    SmallVector<OpFoldResult> sizes;
    auto dynamic = getSizes().begin();
    for (int64_t size : cast<RankedTensorType>(word.getType()).getShape())
      sizes.push_back(ShapedType::isDynamic(size) ? OpFoldResult(*dynamic++)
                                                  : b.getIndexAttr(size));
    shapes.push_back(std::move(sizes));
  }
  return success();
}

/// The element types of two tensors agree.
static LogicalResult verifySameElements(Operation *op, StringRef name, Value a, StringRef otherName,
                                        Value other) {
  Type found = cast<RankedTensorType>(a.getType()).getElementType();
  Type expected = cast<RankedTensorType>(other.getType()).getElementType();
  if (found == expected)
    return success();
  return op->emitOpError("expected elements of ")
         << otherName << " (" << expected << ") in " << name << ", found " << found;
}

/// A tensor's shape is `expected`, as far as both are known.
static LogicalResult verifyShape(Operation *op, StringRef name, Value tensor,
                                 ArrayRef<int64_t> expected) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (failed(verifyRank(op, name, type, expected.size())))
    return failure();
  for (auto [dim, sizes] : llvm::enumerate(llvm::zip_equal(type.getShape(), expected))) {
    auto [found, size] = sizes;
    if (!ShapedType::isDynamic(found) && !ShapedType::isDynamic(size) && found != size)
      return op->emitOpError("expected extent ")
             << size << " of dimension " << dim << " of " << name << ", found " << found;
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Gather and scatter
//===----------------------------------------------------------------------===//

/// gather_rows_c1, scatter_rows_c1: the common leading dimensions leave one of the source for the
/// rows.
static LogicalResult verifyBatch(Operation *op, int64_t batch, RankedTensorType source,
                                 RankedTensorType indices) {
  int64_t most = std::min(source.getRank() - 1, indices.getRank());
  if (batch >= 0 && batch <= most)
    return success();
  return op->emitOpError("expected batch between 0 and ") << most << ", found " << batch;
}

LogicalResult GatherRowsOp::verify() {
  auto source = getSource().getType(), indices = getIndices().getType();
  int64_t batch = getBatch();
  if (failed(verifyBatch(*this, batch, source, indices)))
    return failure();
  // gather_rows_c2: element types.
  if (failed(verifyPositions(*this, "indices", indices)) ||
      failed(verifySameElements(*this, "result", getResult(), "source", getSource())))
    return failure();
  // gather_rows_c3: indices[batch…, n…] and result[batch…, n…, rest…].
  SmallVector<int64_t> shape(indices.getShape());
  NamedExtents extents(*this);
  for (int64_t dim : llvm::seq(batch)) {
    std::string name = std::to_string(dim);
    (void)extents.verifyExtent("source", name, source.getDimSize(dim));
    if (failed(extents.verifyExtent("indices", name, indices.getDimSize(dim))))
      return failure();
  }
  llvm::append_range(shape, source.getShape().drop_front(batch + 1));
  return verifyShape(*this, "result", getResult(), shape);
}

LogicalResult ScatterRowsOp::verify() {
  auto rows = getRows().getType(), destination = getDestination().getType();
  auto indices = getIndices().getType();
  int64_t batch = getBatch();
  if (failed(verifyBatch(*this, batch, destination, indices)))
    return failure();
  // scatter_rows_c2: element types.
  if (failed(verifyPositions(*this, "indices", indices)) ||
      failed(verifySameElements(*this, "rows", getRows(), "destination", getDestination())))
    return failure();
  // scatter_rows_c3: rows[batch…, n, rest…] and indices[batch…, n].
  if (failed(verifyRank(*this, "rows", rows, destination.getRank())))
    return failure();
  SmallVector<int64_t> shape(destination.getShape());
  shape[batch] = rows.getDimSize(batch);
  if (failed(verifyShape(*this, "rows", getRows(), shape)))
    return failure();
  return verifyShape(*this, "indices", getIndices(), ArrayRef(shape).take_front(batch + 1));
}

//===----------------------------------------------------------------------===//
// Order
//===----------------------------------------------------------------------===//

/// order_c1: numbers that can be compared, along a last dimension, and indices.
static LogicalResult verifyOrder(Operation *op, Value input, Value indices) {
  Type element = cast<RankedTensorType>(input.getType()).getElementType();
  if (!element.isIntOrIndexOrFloat())
    return op->emitOpError("expected numbers in input, found ") << element;
  return failure(failed(verifyAtLeastRank(op, "input", input.getType(), 1)) ||
                 failed(verifyPositions(op, "indices", indices.getType())));
}

LogicalResult TopKOp::verify() {
  auto input = getInput().getType(), values = getValues().getType();
  if (failed(verifyOrder(*this, getInput(), getIndices())) ||
      failed(verifySameElements(*this, "values", getValues(), "input", getInput())) ||
      failed(verifyRank(*this, "values", values, input.getRank())))
    return failure();
  // top_k_c1: the results have the shape of the input but for k, their last dimension.
  int64_t k = values.getShape().back();
  SmallVector<int64_t> shape(input.getShape());
  shape.back() = k;
  if (failed(verifyShape(*this, "values", getValues(), shape)) ||
      failed(verifyShape(*this, "indices", getIndices(), shape)))
    return failure();
  // top_k_c2: k is an operand exactly when the type does not say it.
  if (ShapedType::isDynamic(k) != (getK() != nullptr))
    return emitOpError("expected ")
           << (getK() ? "no operand k with k = " + std::to_string(k) + " in the type"
                      : std::string("an operand k with a dynamic last dimension"))
           << ", found " << (getK() ? "one" : "none");
  // top_k_c3: there are k elements.
  if (int64_t last = input.getShape().back();
      !ShapedType::isDynamic(k) && !ShapedType::isDynamic(last) && k > last)
    return emitOpError("expected k within the last dimension of input (")
           << last << "), found " << k;
  return success();
}

LogicalResult SortOp::verify() {
  if (failed(verifyOrder(*this, getInput(), getIndices())))
    return failure();
  // sort_c1: the permutation has the shape of the input.
  return verifyShape(*this, "indices", getIndices(), getInput().getType().getShape());
}

LogicalResult NonzeroOp::verify() {
  // nonzero_c1: an index for each element, and their number.
  auto mask = getMask().getType();
  int64_t elements = mask.hasStaticShape() ? mask.getNumElements() : ShapedType::kDynamic;
  return failure(failed(verifyPositions(*this, "indices", getIndices().getType())) ||
                 failed(verifyShape(*this, "indices", getIndices(), elements)) ||
                 failed(verifySameElements(*this, "count", getCount(), "indices", getIndices())) ||
                 failed(verifyShape(*this, "count", getCount(), {})));
}

/// sort(x), top_k(x) -> x, 0 where the last dimension of x and of the results has one element.
template <typename Order> static LogicalResult foldOfOne(Order op, PatternRewriter &rewriter) {
  auto values = op.getValues().getType(), indices = op.getIndices().getType();
  if (op.getInput().getType().getShape().back() != 1 || values.getShape().back() != 1)
    return failure();
  Location loc = op.getLoc();
  auto zero =
      arith::ConstantOp::create(rewriter, loc, rewriter.getZeroAttr(indices.getElementType()));
  SmallVector<Value> sizes;
  for (auto [dim, size] : llvm::enumerate(indices.getShape()))
    if (ShapedType::isDynamic(size))
      sizes.push_back(tensor::DimOp::create(rewriter, loc, op.getInput(), dim));
  Value zeros = tensor::SplatOp::create(rewriter, loc, indices, zero, sizes);
  rewriter.replaceOp(op,
                     {rewriter.createOrFold<tensor::CastOp>(loc, values, op.getInput()), zeros});
  return success();
}

LogicalResult TopKOp::canonicalize(TopKOp op, PatternRewriter &rewriter) {
  return foldOfOne(op, rewriter);
}

LogicalResult SortOp::canonicalize(SortOp op, PatternRewriter &rewriter) {
  return foldOfOne(op, rewriter);
}

//===----------------------------------------------------------------------===//
// Randomness
//===----------------------------------------------------------------------===//

LogicalResult RandomBitsOp::verify() {
  // random_bits_c1: one to four words of i32, all of one type.
  if (getWords().empty() || getWords().size() > 4)
    return emitOpError("expected 1 to 4 results, found ") << getWords().size();
  auto type = cast<RankedTensorType>(getWords().front().getType());
  for (Value word : getWords()) {
    if (!cast<RankedTensorType>(word.getType()).getElementType().isSignlessInteger(32))
      return emitOpError("expected results of i32, found ") << word.getType();
    if (word.getType() != type)
      return emitOpError("expected results of one type (") << type << "), found " << word.getType();
  }
  // random_bits_c2: a size for each dynamic dimension.
  if (getSizes().size() != static_cast<size_t>(type.getNumDynamicDims()))
    return emitOpError("expected a size for each dynamic dimension (")
           << type.getNumDynamicDims() << "), found " << getSizes().size();
  // random_bits_c3: a stream is a word of the counter.
  if (getStream() > UINT32_MAX)
    return emitOpError("expected stream between 0 and ")
           << UINT32_MAX << ", found " << static_cast<int64_t>(getStream());
  // random_bits_c4: given rows have the shape of the results.
  if (!getRows())
    return success();
  return failure(failed(verifyPositions(*this, "rows", getRows().getType())) ||
                 failed(verifyShape(*this, "rows", getRows(), type.getShape())));
}
