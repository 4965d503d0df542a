// ml_program: globals; an extern one is a weight and comes from the caller.
#include "Internal.h"

#include "mlir/Dialect/MLProgram/IR/MLProgram.h"

using namespace mlir;

namespace attnc::reference {

/// The value that a global begins with.
static FailureOr<Value> initialValue(ml_program::GlobalOp global, Operation *op, Frame &frame) {
  std::optional<Attribute> attribute = global.getValue();
  if (attribute && !isa<ml_program::ExternAttr>(*attribute)) {
    if (std::optional<Value> value = getConstant(*attribute, global.getType()))
      return *value;
    return frame.error(op, "unsupported kind of value in @" + global.getSymName(),
                       ErrorKind::Unsupported);
  }
  auto type = dyn_cast<RankedTensorType>(global.getType());
  if (!type || !frame.interpreter.options.weights)
    return frame.error(op, "the weight '" + global.getSymName() + "' is not given");
  Expected<Value> value = frame.interpreter.options.weights(global.getSymName(), type);
  if (!value)
    return frame.error(op, value.error().message, value.error().kind);
  return *value;
}

template <class Op> static LogicalResult evaluateLoad(Op op, Frame &frame) {
  StringRef name = op.getGlobal().getLeafReference();
  auto global = frame.interpreter.module.lookupSymbol<ml_program::GlobalOp>(name);
  if (!global)
    return frame.error(op, "there is no global @" + name);
  auto known = frame.interpreter.globals.find(name);
  if (known == frame.interpreter.globals.end()) {
    auto value = initialValue(global, op, frame);
    if (failed(value))
      return failure();
    known = frame.interpreter.globals.try_emplace(name, *value).first;
  }
  frame.set(op.getResult(), known->second);
  return success();
}

static LogicalResult evaluateStore(ml_program::GlobalStoreOp op, Frame &frame) {
  frame.interpreter.globals[op.getGlobal().getLeafReference()] = frame[op.getValue()];
  return success();
}

void addMlProgram(Handlers &handlers) {
  handlers.add<ml_program::GlobalLoadConstOp>(evaluateLoad<ml_program::GlobalLoadConstOp>);
  handlers.add<ml_program::GlobalLoadOp>(evaluateLoad<ml_program::GlobalLoadOp>);
  handlers.add<ml_program::GlobalStoreOp>(evaluateStore);
}

} // namespace attnc::reference
