// tensor: slices, padding, concatenation, gather and scatter.
#include "Internal.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace attnc::reference {

//===----------------------------------------------------------------------===//
// Slices
//===----------------------------------------------------------------------===//

FailureOr<Slice> Slice::get(OffsetSizeAndStrideOpInterface op, ArrayRef<int64_t> shape,
                            Frame &frame) {
  Slice slice{frame.integers(op.getMixedOffsets()), frame.integers(op.getMixedSizes()),
              frame.integers(op.getMixedStrides())};
  for (auto [dim, offset, size, stride, extent] :
       llvm::enumerate(slice.offsets, slice.sizes, slice.strides, shape)) {
    int64_t last = offset + (size - 1) * stride;
    bool inside = size == 0
                      ? offset >= 0 && offset <= extent
                      : size > 0 && std::min(offset, last) >= 0 && std::max(offset, last) < extent;
    if (!inside)
      return frame.error(op, "offset " + Twine(offset) + ", size " + Twine(size) + " and stride " +
                                 Twine(stride) + " leave dimension " + Twine(dim) + " of " +
                                 Twine(extent) + " elements");
  }
  return slice;
}

void Slice::forEachOffset(ArrayRef<int64_t> shape, llvm::function_ref<void(int64_t)> visit) const {
  SmallVector<int64_t> steps = rowMajorStrides(shape);
  int64_t base = 0;
  for (auto [step, offset, stride] : llvm::zip_equal(steps, offsets, strides)) {
    base += step * offset;
    step *= stride;
  }
  (void)forEachPoint(sizes, [&](ArrayRef<int64_t> point) {
    int64_t at = base;
    for (auto [step, index] : llvm::zip(steps, point))
      at += step * index;
    visit(at);
    return success();
  });
}

LogicalResult Slice::write(Operation *op, const Value &source, Tensor &target, Frame &frame) const {
  if (numElements(sizes) != numElements(source.shape()))
    return frame.error(op, "expected a source of sizes " + shapeText(sizes) + ", found " +
                               shapeText(source.shape()));
  const Scalar *next = source.elements().data();
  forEachOffset(target.shape, [&](int64_t at) { target.elements[at] = *next++; });
  return success();
}

static LogicalResult evaluateExtractSlice(tensor::ExtractSliceOp op, Frame &frame) {
  Value source = frame[op.getSource()];
  auto slice = Slice::get(op, source.shape(), frame);
  if (failed(slice))
    return failure();
  Tensor tensor{source.elementType(), {}, {}};
  tensor.elements.reserve(numElements(slice->sizes));
  slice->forEachOffset(source.shape(),
                       [&](int64_t at) { tensor.elements.push_back(source.elements()[at]); });
  llvm::SmallBitVector dropped = op.getDroppedDims();
  for (auto [dim, size] : llvm::enumerate(slice->sizes))
    if (!dropped.test(dim))
      tensor.shape.push_back(size);
  frame.set(op, std::move(tensor));
  return success();
}

static LogicalResult evaluateInsertSlice(tensor::InsertSliceOp op, Frame &frame) {
  Tensor tensor = frame[op.getDest()].tensor();
  auto slice = Slice::get(op, tensor.shape, frame);
  if (failed(slice) || failed(slice->write(op, frame[op.getSource()], tensor, frame)))
    return failure();
  frame.set(op, std::move(tensor));
  return success();
}

//===----------------------------------------------------------------------===//
// Padding and concatenation
//===----------------------------------------------------------------------===//

static LogicalResult evaluatePad(tensor::PadOp op, Frame &frame) {
  Value source = frame[op.getSource()];
  SmallVector<int64_t> low = frame.integers(op.getMixedLowPad()),
                       high = frame.integers(op.getMixedHighPad());
  Tensor tensor{source.elementType(), {}, {}};
  for (auto [before, size, after] : llvm::zip_equal(low, source.shape(), high)) {
    tensor.shape.push_back(before + size + after);
    if (before < 0 || after < 0)
      return frame.error(op, "expected padding of at least 0, found " + shapeText(low) + " and " +
                                 shapeText(high));
  }
  PointRegion body(op.getRegion(), frame);
  SmallVector<int64_t> strides = rowMajorStrides(source.shape());
  SmallVector<Scalar> indices(low.size());
  LogicalResult done = forEachPoint(tensor.shape, [&](ArrayRef<int64_t> point) -> LogicalResult {
    bool inside = true;
    int64_t offset = 0;
    for (unsigned dim = 0; dim < point.size(); ++dim) {
      int64_t index = point[dim] - low[dim];
      inside &= index >= 0 && index < source.shape()[dim];
      offset += index * strides[dim];
      indices[dim].i = point[dim];
    }
    if (inside) {
      tensor.elements.push_back(source.elements()[offset]);
      return success();
    }
    auto padding = body.run(indices);
    if (failed(padding))
      return failure();
    tensor.elements.push_back(padding->front());
    return success();
  });
  frame.set(op.getResult(), std::move(tensor));
  return done;
}

FailureOr<Tensor> concatenate(Operation *op, ArrayRef<Value> parts, int64_t dim, Frame &frame) {
  Tensor tensor = parts.front().tensor();
  tensor.shape[dim] = 0;
  for (const Value &part : parts) {
    SmallVector<int64_t> expected = tensor.shape;
    expected[dim] = part.shape()[dim];
    if (part.shape() != ArrayRef(expected))
      return frame.error(op, "expected parts that differ along dimension " + Twine(dim) +
                                 " only, found " + shapeText(part.shape()) + " beside " +
                                 shapeText(parts.front().shape()));
    tensor.shape[dim] += part.shape()[dim];
  }
  tensor.elements.resize(numElements(tensor.shape));
  Slice slice{SmallVector<int64_t>(tensor.shape.size(), 0),
              {},
              SmallVector<int64_t>(tensor.shape.size(), 1)};
  for (const Value &part : parts) {
    slice.sizes.assign(part.shape().begin(), part.shape().end());
    if (failed(slice.write(op, part, tensor, frame)))
      return failure();
    slice.offsets[dim] += part.shape()[dim];
  }
  return tensor;
}

static LogicalResult evaluateConcat(tensor::ConcatOp op, Frame &frame) {
  SmallVector<Value> parts;
  for (mlir::Value input : op.getInputs())
    parts.push_back(frame[input]);
  auto tensor = concatenate(op, parts, op.getDim(), frame);
  if (failed(tensor))
    return failure();
  frame.set(op, std::move(*tensor));
  return success();
}

//===----------------------------------------------------------------------===//
// Gather and scatter
//===----------------------------------------------------------------------===//

/// The slice that one row of coordinates selects: a point along `dims`, everything along the
/// others.
static FailureOr<Slice> sliceAt(Operation *op, ArrayRef<Scalar> coordinates, ArrayRef<int64_t> dims,
                                ArrayRef<int64_t> shape, Frame &frame) {
  Slice slice{SmallVector<int64_t>(shape.size(), 0), SmallVector<int64_t>(shape),
              SmallVector<int64_t>(shape.size(), 1)};
  for (auto [coordinate, dim] : llvm::zip_equal(coordinates, dims)) {
    if (coordinate.i < 0 || coordinate.i >= shape[dim])
      return frame.error(op, "index " + Twine(coordinate.i) + " leaves dimension " + Twine(dim) +
                                 " of " + Twine(shape[dim]) + " elements");
    slice.offsets[dim] = coordinate.i;
    slice.sizes[dim] = 1;
  }
  return slice;
}

/// Calls `visit` with the slice of each row of indices.
static LogicalResult forEachSlice(Operation *op, const Value &indices, ArrayRef<int64_t> dims,
                                  ArrayRef<int64_t> shape, Frame &frame,
                                  llvm::function_ref<void(const Slice &)> visit) {
  for (size_t at = 0; at < indices.elements().size(); at += dims.size()) {
    auto slice = sliceAt(op, indices.elements().slice(at, dims.size()), dims, shape, frame);
    if (failed(slice))
      return failure();
    visit(*slice);
  }
  return success();
}

static LogicalResult evaluateGather(tensor::GatherOp op, Frame &frame) {
  Value source = frame[op.getSource()], indices = frame[op.getIndices()];
  Tensor tensor{source.elementType(), {}, {}};
  if (failed(forEachSlice(op, indices, op.getGatherDims(), source.shape(), frame,
                          [&](const Slice &slice) {
                            slice.forEachOffset(source.shape(), [&](int64_t at) {
                              tensor.elements.push_back(source.elements()[at]);
                            });
                          })))
    return failure();
  // Leading dimensions are those of the indices; the gathered ones are 1 or dropped.
  SmallVector<int64_t> slice(source.shape());
  for (int64_t dim : op.getGatherDims())
    slice[dim] = 1;
  bool full = op.getType().getRank() ==
              static_cast<int64_t>(indices.shape().size() - 1 + source.shape().size());
  tensor.shape.assign(indices.shape().begin(), indices.shape().end() - 1);
  for (auto [dim, size] : llvm::enumerate(slice))
    if (full || !llvm::is_contained(op.getGatherDims(), static_cast<int64_t>(dim)))
      tensor.shape.push_back(size);
  frame.set(op.getResult(), std::move(tensor));
  return success();
}

static LogicalResult evaluateScatter(tensor::ScatterOp op, Frame &frame) {
  Tensor tensor = frame[op.getDest()].tensor();
  Value source = frame[op.getSource()];
  const Scalar *next = source.elements().data();
  if (failed(forEachSlice(op, frame[op.getIndices()], op.getScatterDims(), tensor.shape, frame,
                          [&](const Slice &slice) {
                            slice.forEachOffset(tensor.shape,
                                                [&](int64_t at) { tensor.elements[at] = *next++; });
                          })))
    return failure();
  frame.set(op.getResult(), std::move(tensor));
  return success();
}

void addTensorSlices(Handlers &handlers) {
  handlers.add<tensor::ExtractSliceOp>(evaluateExtractSlice);
  handlers.add<tensor::InsertSliceOp>(evaluateInsertSlice);
  handlers.add<tensor::PadOp>(evaluatePad);
  handlers.add<tensor::ConcatOp>(evaluateConcat);
  handlers.add<tensor::GatherOp>(evaluateGather);
  handlers.add<tensor::ScatterOp>(evaluateScatter);
}

} // namespace attnc::reference
