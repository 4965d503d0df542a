// func: calls; and attnc.launch, which is a call.
#include "Internal.h"

#include "attnc/Dialect/Attnc/Attnc.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;

namespace attnc::reference {

static LogicalResult call(Operation *op, StringRef callee, Frame &frame) {
  auto function = frame.interpreter.module.lookupSymbol<FunctionOpInterface>(callee);
  if (!function)
    return frame.error(op, "there is no function @" + callee);
  SmallVector<Value> arguments;
  for (mlir::Value operand : op->getOperands())
    arguments.push_back(frame[operand]);
  auto results = frame.interpreter.call(function, arguments, op);
  return failed(results) ? failure() : frame.set(op->getResults(), *results);
}

static LogicalResult evaluateCall(func::CallOp op, Frame &frame) {
  return call(op, op.getCallee(), frame);
}

static LogicalResult evaluateLaunch(LaunchOp op, Frame &frame) {
  return call(op, op.getKernel(), frame);
}

void addFunc(Handlers &handlers) {
  handlers.add<func::CallOp>(evaluateCall);
  handlers.add<LaunchOp>(evaluateLaunch);
}

} // namespace attnc::reference
