// scf: structured control flow.
#include "Internal.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace attnc::reference {

static SmallVector<Value> valuesOf(ValueRange values, Frame &frame) {
  return llvm::map_to_vector(values, [&](mlir::Value value) { return frame[value]; });
}

static LogicalResult evaluateFor(scf::ForOp op, Frame &frame) {
  int64_t lower = frame.integer(op.getLowerBound()), upper = frame.integer(op.getUpperBound()),
          step = frame.integer(op.getStep());
  if (step <= 0)
    return frame.error(op, "expected a step of at least 1, found " + Twine(step));
  SmallVector<Value> carried = valuesOf(op.getInitArgs(), frame);
  Type type = op.getInductionVar().getType();
  for (int64_t at = lower; at < upper; at += step) {
    if (failed(frame.countStep(op)))
      return failure();
    carried.insert(carried.begin(), Value::integer(type, at));
    auto yielded = frame.run(op.getRegion(), carried);
    if (failed(yielded))
      return failure();
    carried = std::move(*yielded);
  }
  return frame.set(op.getResults(), carried);
}

static LogicalResult evaluateWhile(scf::WhileOp op, Frame &frame) {
  SmallVector<Value> carried = valuesOf(op.getInits(), frame);
  while (true) {
    auto condition = frame.run(op.getBefore(), carried);
    if (failed(condition))
      return failure();
    ArrayRef<Value> passed = ArrayRef(*condition).drop_front();
    if (!condition->front().integer())
      return frame.set(op.getResults(), passed);
    if (failed(frame.countStep(op)))
      return failure();
    auto yielded = frame.run(op.getAfter(), passed);
    if (failed(yielded))
      return failure();
    carried = std::move(*yielded);
  }
}

static LogicalResult runInto(Operation *op, Region &region, Frame &frame) {
  auto yielded = frame.run(region, {});
  return failed(yielded) ? failure() : frame.set(op->getResults(), *yielded);
}

static LogicalResult evaluateIf(scf::IfOp op, Frame &frame) {
  Region &taken = frame.integer(op.getCondition()) ? op.getThenRegion() : op.getElseRegion();
  return taken.empty() ? success() : runInto(op, taken, frame);
}

static LogicalResult evaluateSwitch(scf::IndexSwitchOp op, Frame &frame) {
  int64_t value = frame.integer(op.getArg());
  for (auto [number, region] : llvm::zip_equal(op.getCases(), op.getCaseRegions()))
    if (number == value)
      return runInto(op, region, frame);
  return runInto(op, op.getDefaultRegion(), frame);
}

static LogicalResult evaluateExecuteRegion(scf::ExecuteRegionOp op, Frame &frame) {
  return runInto(op, op.getRegion(), frame);
}

//===----------------------------------------------------------------------===//
// scf.forall
//===----------------------------------------------------------------------===//

/// The insertions at the end of the body, into the tensors that the loop shares.
static LogicalResult combine(scf::ForallOp op, MutableArrayRef<Tensor> shared, Frame &frame) {
  for (Operation &inner : op.getTerminator().getYieldingOps()) {
    auto insert = dyn_cast<tensor::ParallelInsertSliceOp>(inner);
    if (!insert)
      return frame.error(&inner, "unsupported op at the end of scf.forall", ErrorKind::Unsupported);
    auto argument = cast<BlockArgument>(insert.getDest());
    Tensor &target = shared[argument.getArgNumber() - op.getRank()];
    auto slice = Slice::get(insert, target.shape, frame);
    if (failed(slice) || failed(slice->write(insert, frame[insert.getSource()], target, frame)))
      return failure();
  }
  return success();
}

static LogicalResult evaluateForall(scf::ForallOp op, Frame &frame) {
  SmallVector<int64_t> lower = frame.integers(op.getMixedLowerBound()),
                       upper = frame.integers(op.getMixedUpperBound()),
                       step = frame.integers(op.getMixedStep());
  SmallVector<int64_t> counts;
  for (auto [from, to, by] : llvm::zip_equal(lower, upper, step)) {
    if (by <= 0)
      return frame.error(op, "expected steps of at least 1, found " + Twine(by));
    counts.push_back(std::max<int64_t>(0, llvm::divideCeilSigned(to - from, by)));
  }
  SmallVector<Value> initial = valuesOf(op.getOutputs(), frame);
  SmallVector<Tensor> shared =
      llvm::map_to_vector(initial, [](const Value &value) { return value.tensor(); });
  Type index = IndexType::get(op.getContext());
  LogicalResult done = forEachPoint(counts, [&](ArrayRef<int64_t> point) -> LogicalResult {
    // Iterations do not see each other: each has the tensors as they were before the loop.
    SmallVector<Value> arguments;
    for (auto [number, from, by] : llvm::zip_equal(point, lower, step))
      arguments.push_back(Value::integer(index, from + number * by));
    llvm::append_range(arguments, initial);
    return failure(failed(frame.runBody(*op.getBody(), arguments)) ||
                   failed(combine(op, shared, frame)));
  });
  for (auto [result, tensor] : llvm::zip_equal(op.getResults(), shared))
    frame.set(result, std::move(tensor));
  return done;
}

void addScf(Handlers &handlers) {
  handlers.add<scf::ForOp>(evaluateFor);
  handlers.add<scf::WhileOp>(evaluateWhile);
  handlers.add<scf::IfOp>(evaluateIf);
  handlers.add<scf::IndexSwitchOp>(evaluateSwitch);
  handlers.add<scf::ExecuteRegionOp>(evaluateExecuteRegion);
  handlers.add<scf::ForallOp>(evaluateForall);
}

} // namespace attnc::reference
