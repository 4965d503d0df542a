// linalg: one evaluator for every structured op, by its indexing maps and its region. Sums of
// products take strided loops; everything else runs the region at each point.
#include "Internal.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include <cmath>

using namespace mlir;

namespace attnc::reference {

namespace {
/// A structured op with its operands: results start as copies of the inits.
struct Structured {
  linalg::LinalgOp op;
  SmallVector<int64_t> sizes;   // of the iteration space
  SmallVector<Value> contents;  // one an operand
  SmallVector<Access> accesses; // one an operand
  SmallVector<Tensor> outputs;  // one an init
  unsigned numInputs;

  const Scalar *input(unsigned number) const { return contents[number].flat().data(); }
};
} // namespace

/// The iteration space: the size of a dimension is that of an operand's dimension it alone indexes.
static FailureOr<SmallVector<int64_t>> sizesOf(linalg::LinalgOp op, ArrayRef<Value> contents,
                                               Frame &frame) {
  SmallVector<int64_t> shapes;
  for (const Value &content : contents)
    if (content.isTensor())
      llvm::append_range(shapes, content.shape());
  AffineMap map = op.getShapesToLoopsMap();
  if (!map)
    return frame.error(op, "expected indexing maps that say the size of every loop",
                       ErrorKind::Unsupported);
  return SmallVector<int64_t>(map.compose(shapes));
}

/// A dimension that is indexed by one loop has that loop's size; others contain all indices.
static LogicalResult checkShape(linalg::LinalgOp op, AffineMap map, const Structured &structured,
                                unsigned number, Frame &frame) {
  const Value &content = structured.contents[number];
  if (!content.isTensor())
    return success();
  for (auto [dim, expr, size] : llvm::enumerate(map.getResults(), content.shape())) {
    auto loop = dyn_cast<AffineDimExpr>(expr);
    if (loop && structured.sizes[loop.getPosition()] != size)
      return frame.error(op, "expected dimension " + Twine(dim) + " of operand " + Twine(number) +
                                 " to have " + Twine(structured.sizes[loop.getPosition()]) +
                                 " elements, found " + Twine(size));
  }
  if (!structured.accesses[number].isInside(structured.sizes))
    return frame.error(op, "the indexing map of operand " + Twine(number) + " leaves its shape " +
                               shapeText(content.shape()));
  return success();
}

static FailureOr<Structured> prepare(linalg::LinalgOp op, Frame &frame) {
  Structured structured{op, {}, {}, {}, {}, static_cast<unsigned>(op.getNumDpsInputs())};
  for (mlir::Value operand : op->getOperands())
    structured.contents.push_back(frame[operand]);
  auto sizes = sizesOf(op, structured.contents, frame);
  if (failed(sizes))
    return failure();
  structured.sizes = *sizes;
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  for (auto [number, map] : llvm::enumerate(maps)) {
    const Value &content = structured.contents[number];
    structured.accesses.emplace_back(map,
                                     content.isTensor() ? content.shape() : ArrayRef<int64_t>());
    if (failed(checkShape(op, map, structured, number, frame)))
      return failure();
  }
  for (const Value &init : ArrayRef(structured.contents).drop_front(structured.numInputs))
    structured.outputs.push_back(init.tensor());
  return structured;
}

//===----------------------------------------------------------------------===//
// Any region
//===----------------------------------------------------------------------===//

static LogicalResult runPointwise(Structured &structured, Frame &frame) {
  linalg::LinalgOp op = structured.op;
  PointRegion body(*op.getBlock()->getParent(), frame);
  SmallVector<OpOperand *> operands = op.getOpOperandsMatchingBBargs();
  SmallVector<const Scalar *> sources;
  SmallVector<const Access *> accesses;
  for (OpOperand *operand : operands) {
    unsigned number = operand->getOperandNumber();
    accesses.push_back(&structured.accesses[number]);
    sources.push_back(number < structured.numInputs
                          ? structured.input(number)
                          : structured.outputs[number - structured.numInputs].elements.data());
  }
  SmallVector<Scalar> arguments(operands.size());
  return forEachPoint(structured.sizes, [&](ArrayRef<int64_t> point) -> LogicalResult {
    for (auto [argument, source, access] : llvm::zip(arguments, sources, accesses))
      argument = source[access->offset(point)];
    auto yielded = body.run(arguments, point);
    if (failed(yielded))
      return failure();
    for (auto [number, output] : llvm::enumerate(structured.outputs))
      output.elements[structured.accesses[structured.numInputs + number].offset(point)] =
          (*yielded)[number];
    return success();
  });
}

//===----------------------------------------------------------------------===//
// Sums of products
//===----------------------------------------------------------------------===//

/// The value in front of conversions between floats, which change nothing here.
static mlir::Value withoutConversion(mlir::Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (!isa<arith::ExtFOp, arith::TruncFOp>(op))
      break;
    value = op->getOperand(0);
  }
  return value;
}

/// out = out + a · b in floats, of two inputs and one output.
static bool isSumOfProducts(linalg::LinalgOp op) {
  Block *block = op.getBlock();
  if (op.getNumDpsInputs() != 2 || op.getNumDpsInits() != 1 || block->getNumArguments() != 3)
    return false;
  mlir::Value yielded = withoutConversion(block->getTerminator()->getOperand(0));
  auto sum = yielded.getDefiningOp<arith::AddFOp>();
  if (!sum)
    return false;
  mlir::Value left = withoutConversion(sum.getLhs()), right = withoutConversion(sum.getRhs());
  if (left != block->getArgument(2))
    std::swap(left, right);
  auto product = right.getDefiningOp<arith::MulFOp>();
  if (left != block->getArgument(2) || !product)
    return false;
  mlir::Value a = withoutConversion(product.getLhs()), b = withoutConversion(product.getRhs());
  return (a == block->getArgument(0) && b == block->getArgument(1)) ||
         (a == block->getArgument(1) && b == block->getArgument(0));
}

/// out[i · stepOut] += a[i · stepA] · b[i · stepB].
static void addProducts(int64_t count, Scalar *out, int64_t stepOut, const Scalar *a, int64_t stepA,
                        const Scalar *b, int64_t stepB) {
  if (stepOut != 0) {
    for (int64_t i = 0; i < count; ++i)
      out[i * stepOut].f += a[i * stepA].f * b[i * stepB].f;
    return;
  }
  double sum = 0;
  {
#pragma clang fp reassociate(on)
    if (stepA == 1 && stepB == 1)
      for (int64_t i = 0; i < count; ++i)
        sum += a[i].f * b[i].f;
    else
      for (int64_t i = 0; i < count; ++i)
        sum += a[i * stepA].f * b[i * stepB].f;
  }
  out->f += sum;
}

/// The loop to run innermost: a long one along which all operands stand still or are contiguous.
static unsigned innermostLoop(const Structured &structured) {
  auto cost = [&](unsigned loop) {
    int64_t jumps = llvm::count_if(structured.accesses,
                                   [&](const Access &access) { return access.step(loop) > 1; });
    return (1.0 + 8 * jumps) / std::min<int64_t>(structured.sizes[loop], 64);
  };
  unsigned best = structured.sizes.size() - 1;
  for (unsigned loop = 0; loop < structured.sizes.size(); ++loop)
    if (cost(loop) < cost(best))
      best = loop;
  return best;
}

static void runSumOfProducts(Structured &structured) {
  unsigned inner = innermostLoop(structured);
  SmallVector<int64_t> outer = structured.sizes;
  outer[inner] = std::min<int64_t>(outer[inner], 1);
  const Access &a = structured.accesses[0], &b = structured.accesses[1],
               &out = structured.accesses[2];
  (void)forEachPoint(outer, [&](ArrayRef<int64_t> point) {
    addProducts(structured.sizes[inner], structured.outputs[0].elements.data() + out.offset(point),
                out.step(inner), structured.input(0) + a.offset(point), a.step(inner),
                structured.input(1) + b.offset(point), b.step(inner));
    return success();
  });
}

LogicalResult evaluateStructured(Operation *untyped, Frame &frame) {
  auto op = cast<linalg::LinalgOp>(untyped);
  if (!op.hasPureTensorSemantics())
    return frame.error(op, "expected tensors", ErrorKind::Unsupported);
  auto structured = prepare(op, frame);
  if (failed(structured))
    return failure();
  bool linear = llvm::all_of(structured->accesses, [](auto &access) { return access.isLinear(); });
  if (linear && !structured->sizes.empty() && isSumOfProducts(op))
    runSumOfProducts(*structured);
  else if (failed(runPointwise(*structured, frame)))
    return failure();
  for (auto [result, output] : llvm::zip_equal(op->getResults(), structured->outputs))
    frame.set(result, std::move(output));
  return success();
}

//===----------------------------------------------------------------------===//
// Ops that are not structured
//===----------------------------------------------------------------------===//

/// y = exp(x - m) / Σ exp(x - m), m = max x, along one dimension.
static LogicalResult evaluateSoftmax(linalg::SoftmaxOp op, Frame &frame) {
  Tensor tensor = frame[op.getInput()].tensor();
  int64_t count = tensor.shape[op.getDimension()],
          step = rowMajorStrides(tensor.shape)[op.getDimension()];
  SmallVector<int64_t> rows = tensor.shape;
  rows[op.getDimension()] = std::min<int64_t>(count, 1);
  SmallVector<int64_t> zeros(rows.size(), 0), ones(rows.size(), 1);
  Slice{zeros, rows, ones}.forEachOffset(tensor.shape, [&](int64_t base) {
    double max = -INFINITY, sum = 0;
    for (int64_t i = 0; i < count; ++i)
      max = std::fmax(max, tensor.elements[base + i * step].f);
    for (int64_t i = 0; i < count; ++i) {
      double &x = tensor.elements[base + i * step].f;
      sum += x = std::exp(x - max);
    }
    for (int64_t i = 0; i < count; ++i)
      tensor.elements[base + i * step].f /= sum;
  });
  frame.set(op->getResult(0), std::move(tensor));
  return success();
}

static LogicalResult evaluateIndex(linalg::IndexOp op, Frame &frame) {
  frame.set(op, Value::integer(op.getType(), frame.point[op.getDim()]));
  return success();
}

void addLinalg(Handlers &handlers) {
  handlers.add<linalg::SoftmaxOp>(evaluateSoftmax);
  handlers.add<linalg::IndexOp>(evaluateIndex);
}

} // namespace attnc::reference
