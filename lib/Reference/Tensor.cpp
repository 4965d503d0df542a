// tensor: making, reading and reshaping tensors; slices are in TensorSlices.cpp.
#include "Internal.h"

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace attnc::reference {

/// Offset of an element; nothing where the indices leave the tensor.
static std::optional<int64_t> offsetOf(ArrayRef<int64_t> indices, ArrayRef<int64_t> shape) {
  int64_t offset = 0;
  for (auto [index, size] : llvm::zip_equal(indices, shape)) {
    if (index < 0 || index >= size)
      return std::nullopt;
    offset = offset * size + index;
  }
  return offset;
}

static LogicalResult outside(Operation *op, ArrayRef<int64_t> indices, ArrayRef<int64_t> shape,
                             Frame &frame) {
  return frame.error(op, "index " + shapeText(indices) + " outside the tensor of shape " +
                             shapeText(shape));
}

/// The shape of a type with its dynamic sizes filled in from operands.
static FailureOr<SmallVector<int64_t>> shapeOf(Operation *op, mlir::Type type, ValueRange sizes,
                                               Frame &frame) {
  SmallVector<int64_t> shape(cast<ShapedType>(type).getShape());
  unsigned next = 0;
  for (int64_t &size : shape) {
    if (ShapedType::isDynamic(size))
      size = frame.integer(sizes[next++]);
    if (size < 0)
      return frame.error(op, "expected sizes of at least 0, found " + Twine(size));
  }
  return shape;
}

static LogicalResult setReshaped(Operation *op, const Value &source, ArrayRef<int64_t> shape,
                                 Frame &frame) {
  if (numElements(shape) != numElements(source.shape()))
    return frame.error(op, "expected as many elements in " + shapeText(shape) + " as in " +
                               shapeText(source.shape()));
  Tensor tensor = source.tensor();
  tensor.shape.assign(shape.begin(), shape.end());
  frame.set(op->getResult(0), std::move(tensor));
  return success();
}

//===----------------------------------------------------------------------===//
// Making tensors
//===----------------------------------------------------------------------===//

static LogicalResult evaluateEmpty(tensor::EmptyOp op, Frame &frame) {
  auto shape = shapeOf(op, op.getType(), op.getDynamicSizes(), frame);
  if (failed(shape))
    return failure();
  frame.set(op, uninitialized(op.getType().getElementType(), *shape));
  return success();
}

static LogicalResult evaluateSplat(tensor::SplatOp op, Frame &frame) {
  auto shape = shapeOf(op, op.getType(), op.getDynamicSizes(), frame);
  if (failed(shape))
    return failure();
  frame.set(op, filled(op.getType().getElementType(), *shape, frame[op.getInput()].scalar()));
  return success();
}

static LogicalResult evaluateFromElements(tensor::FromElementsOp op, Frame &frame) {
  Tensor tensor{op.getType().getElementType(), SmallVector<int64_t>(op.getType().getShape()), {}};
  for (mlir::Value element : op.getElements())
    tensor.elements.push_back(frame[element].scalar());
  frame.set(op, std::move(tensor));
  return success();
}

static LogicalResult evaluateGenerate(tensor::GenerateOp op, Frame &frame) {
  auto shape = shapeOf(op, op.getType(), op.getDynamicExtents(), frame);
  if (failed(shape))
    return failure();
  Tensor tensor{cast<ShapedType>(op.getType()).getElementType(), *shape, {}};
  PointRegion body(op.getBody(), frame);
  SmallVector<Scalar> arguments(shape->size());
  LogicalResult done = forEachPoint(*shape, [&](ArrayRef<int64_t> point) -> LogicalResult {
    for (auto [argument, index] : llvm::zip(arguments, point))
      argument.i = index;
    auto element = body.run(arguments);
    if (failed(element))
      return failure();
    tensor.elements.push_back(element->front());
    return success();
  });
  frame.set(op, std::move(tensor));
  return done;
}

//===----------------------------------------------------------------------===//
// Sizes and elements
//===----------------------------------------------------------------------===//

static LogicalResult evaluateDim(tensor::DimOp op, Frame &frame) {
  ArrayRef<int64_t> shape = frame[op.getSource()].shape();
  int64_t dim = frame.integer(op.getIndex());
  if (dim < 0 || dim >= static_cast<int64_t>(shape.size()))
    return frame.error(op, "expected a dimension of the tensor of rank " + Twine(shape.size()) +
                               ", found " + Twine(dim));
  frame.set(op, Value::integer(op.getType(), shape[dim]));
  return success();
}

static LogicalResult evaluateRank(tensor::RankOp op, Frame &frame) {
  frame.set(op, Value::integer(op.getType(), frame[op.getTensor()].shape().size()));
  return success();
}

static LogicalResult evaluateExtract(tensor::ExtractOp op, Frame &frame) {
  Value source = frame[op.getTensor()];
  SmallVector<int64_t> indices = frame.integers(op.getIndices());
  std::optional<int64_t> offset = offsetOf(indices, source.shape());
  if (!offset)
    return outside(op, indices, source.shape(), frame);
  frame.set(op, Value(source.elementType(), source.elements()[*offset]));
  return success();
}

static LogicalResult evaluateInsert(tensor::InsertOp op, Frame &frame) {
  Tensor tensor = frame[op.getDest()].tensor();
  SmallVector<int64_t> indices = frame.integers(op.getIndices());
  std::optional<int64_t> offset = offsetOf(indices, tensor.shape);
  if (!offset)
    return outside(op, indices, tensor.shape, frame);
  tensor.elements[*offset] = frame[op.getScalar()].scalar();
  frame.set(op, std::move(tensor));
  return success();
}

//===----------------------------------------------------------------------===//
// The same elements in another shape or type
//===----------------------------------------------------------------------===//

static LogicalResult evaluateCast(tensor::CastOp op, Frame &frame) {
  frame.set(op, frame[op.getSource()]); // the caller checks the shape
  return success();
}

/// Where a value is to be placed does not change it.
static LogicalResult evaluateMaterialize(bufferization::MaterializeInDestinationOp op, Frame &frame) {
  if (op->getNumResults() == 0)
    return frame.error(op, "expected a destination that is a tensor", ErrorKind::Unsupported);
  frame.set(op->getResult(0), frame[op.getSource()]);
  return success();
}

static LogicalResult evaluateBitcast(tensor::BitcastOp op, Frame &frame) {
  Tensor tensor = frame[op.getSource()].tensor();
  Type element = op.getType().getElementType();
  if (isa<FloatType>(element) != isa<FloatType>(tensor.element))
    return frame.error(op, "expected floats of floats or integers of integers",
                       ErrorKind::Unsupported);
  tensor.element = element;
  frame.set(op, std::move(tensor));
  return success();
}

static LogicalResult evaluateReshape(tensor::ReshapeOp op, Frame &frame) {
  SmallVector<int64_t> shape;
  for (Scalar size : frame[op.getShape()].elements())
    shape.push_back(size.i);
  return setReshaped(op, frame[op.getSource()], shape, frame);
}

static LogicalResult evaluateExpandShape(tensor::ExpandShapeOp op, Frame &frame) {
  Value source = frame[op.getSrc()];
  SmallVector<int64_t> shape = frame.integers(op.getMixedOutputShape());
  for (auto [group, size] : llvm::zip_equal(op.getReassociationIndices(), source.shape())) {
    int64_t product = 1;
    for (int64_t dim : group)
      product *= shape[dim];
    if (product != size)
      return frame.error(op, "expected " + shapeText(shape) + " to divide " +
                                 shapeText(source.shape()) + " as the groups say");
  }
  return setReshaped(op, source, shape, frame);
}

static LogicalResult evaluateCollapseShape(tensor::CollapseShapeOp op, Frame &frame) {
  Value source = frame[op.getSrc()];
  SmallVector<int64_t> shape;
  for (const ReassociationIndices &group : op.getReassociationIndices()) {
    shape.push_back(1);
    for (int64_t dim : group)
      shape.back() *= source.shape()[dim];
  }
  return setReshaped(op, source, shape, frame);
}

void addTensor(Handlers &handlers) {
  handlers.add<tensor::EmptyOp>(evaluateEmpty);
  handlers.add<tensor::SplatOp>(evaluateSplat);
  handlers.add<tensor::FromElementsOp>(evaluateFromElements);
  handlers.add<tensor::GenerateOp>(evaluateGenerate);
  handlers.add<tensor::DimOp>(evaluateDim);
  handlers.add<tensor::RankOp>(evaluateRank);
  handlers.add<tensor::ExtractOp>(evaluateExtract);
  handlers.add<tensor::InsertOp>(evaluateInsert);
  handlers.add<tensor::CastOp>(evaluateCast);
  handlers.add<tensor::BitcastOp>(evaluateBitcast);
  handlers.add<bufferization::MaterializeInDestinationOp>(evaluateMaterialize);
  handlers.add<tensor::ReshapeOp>(evaluateReshape);
  handlers.add<tensor::ExpandShapeOp>(evaluateExpandShape);
  handlers.add<tensor::CollapseShapeOp>(evaluateCollapseShape);
}

} // namespace attnc::reference
