// Shapes, strides and indexing maps.
#include "Internal.h"

#include "mlir/IR/AffineExpr.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace attnc::reference {

Tensor filled(Type element, ArrayRef<int64_t> shape, Scalar value) {
  return {element, SmallVector<int64_t>(shape), std::vector<Scalar>(numElements(shape), value)};
}

Tensor uninitialized(Type element, ArrayRef<int64_t> shape) {
  if (isa<FloatType>(element))
    return filled(element, shape, {.f = std::numeric_limits<double>::quiet_NaN()});
  unsigned width = widthOf(element);
  return filled(element, shape, {.i = wrap(int64_t(1) << (width - 1), width)});
}

SmallVector<int64_t> rowMajorStrides(ArrayRef<int64_t> shape) {
  SmallVector<int64_t> strides(shape.size(), 1);
  for (size_t dim = shape.size(); dim > 1; --dim)
    strides[dim - 2] = strides[dim - 1] * shape[dim - 1];
  return strides;
}

std::string shapeText(ArrayRef<int64_t> shape) {
  std::string text = "[";
  for (int64_t size : shape)
    text += (text.size() > 1 ? ", " : "") + (ShapedType::isDynamic(size) ? "?" : std::to_string(size));
  return text + "]";
}

LogicalResult forEachPoint(ArrayRef<int64_t> sizes,
                           llvm::function_ref<LogicalResult(ArrayRef<int64_t>)> visit) {
  if (llvm::any_of(sizes, [](int64_t size) { return size <= 0; }))
    return success();
  SmallVector<int64_t> point(sizes.size(), 0);
  while (true) {
    if (failed(visit(point)))
      return failure();
    size_t dim = sizes.size();
    for (; dim > 0 && ++point[dim - 1] == sizes[dim - 1]; --dim)
      point[dim - 1] = 0;
    if (dim == 0)
      return success();
  }
}

//===----------------------------------------------------------------------===//
// Access
//===----------------------------------------------------------------------===//

/// The value of an index expression at a point.
static int64_t valueAt(AffineExpr expr, ArrayRef<int64_t> point) {
  if (auto dim = dyn_cast<AffineDimExpr>(expr))
    return point[dim.getPosition()];
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return constant.getValue();
  auto binary = cast<AffineBinaryOpExpr>(expr);
  int64_t a = valueAt(binary.getLHS(), point), b = valueAt(binary.getRHS(), point);
  switch (expr.getKind()) {
  case AffineExprKind::Add:
    return a + b;
  case AffineExprKind::Mul:
    return a * b;
  case AffineExprKind::Mod:
    return llvm::mod(a, b);
  case AffineExprKind::FloorDiv:
    return llvm::divideFloorSigned(a, b);
  default:
    return llvm::divideCeilSigned(a, b);
  }
}

static bool isLinearExpr(AffineExpr expr) {
  bool linear = true;
  expr.walk([&](AffineExpr inner) {
    auto kind = inner.getKind();
    if (kind == AffineExprKind::Mod || kind == AffineExprKind::FloorDiv ||
        kind == AffineExprKind::CeilDiv)
      linear = false;
  });
  return linear;
}

Access::Access(AffineMap map, ArrayRef<int64_t> shape)
    : map(map), shape(shape), strides(rowMajorStrides(shape)), steps(map.getNumDims(), 0) {
  SmallVector<int64_t> point(map.getNumDims(), 0);
  for (auto [expr, stride] : llvm::zip_equal(map.getResults(), strides)) {
    int64_t atZero = valueAt(expr, point);
    linear &= isLinearExpr(expr);
    base += atZero * stride;
    for (unsigned dim = 0; dim < point.size(); ++dim) {
      point[dim] = 1;
      steps[dim] += (valueAt(expr, point) - atZero) * stride;
      point[dim] = 0;
    }
  }
}

int64_t Access::offset(ArrayRef<int64_t> point) const {
  int64_t offset = linear ? base : 0;
  if (linear) {
    for (auto [step, index] : llvm::zip(steps, point))
      offset += step * index;
    return offset;
  }
  for (auto [expr, stride] : llvm::zip(map.getResults(), strides))
    offset += valueAt(expr, point) * stride;
  return offset;
}

/// Smallest and largest value of an index expression over the box, exact for linear ones.
static std::pair<int64_t, int64_t> rangeOver(AffineExpr expr, ArrayRef<int64_t> sizes) {
  if (auto dim = dyn_cast<AffineDimExpr>(expr))
    return {0, sizes[dim.getPosition()] - 1};
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return {constant.getValue(), constant.getValue()};
  auto binary = cast<AffineBinaryOpExpr>(expr);
  auto [aLow, aHigh] = rangeOver(binary.getLHS(), sizes);
  auto [bLow, bHigh] = rangeOver(binary.getRHS(), sizes);
  switch (expr.getKind()) {
  case AffineExprKind::Add:
    return {aLow + bLow, aHigh + bHigh};
  case AffineExprKind::Mul:
    return std::minmax({aLow * bLow, aLow * bHigh, aHigh * bLow, aHigh * bHigh});
  case AffineExprKind::Mod:
    return {0, std::min(bHigh - 1, std::max(aLow, aHigh))};
  case AffineExprKind::FloorDiv:
    return {llvm::divideFloorSigned(aLow, bLow), llvm::divideFloorSigned(aHigh, bLow)};
  default:
    return {llvm::divideCeilSigned(aLow, bLow), llvm::divideCeilSigned(aHigh, bLow)};
  }
}

bool Access::isInside(ArrayRef<int64_t> sizes) const {
  if (llvm::is_contained(sizes, 0))
    return true;
  for (auto [expr, size] : llvm::zip(map.getResults(), shape)) {
    auto [low, high] = rangeOver(expr, sizes);
    if (low < 0 || high >= size)
      return false;
  }
  return true;
}

} // namespace attnc::reference
