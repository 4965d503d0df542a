// The ops of the attnc dialect.
#include "attnc/Dialect/Attnc/Attnc.h"

#include "mlir/IR/Builders.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

using namespace mlir;
using namespace attnc;

#define GET_OP_CLASSES
#include "attnc/Dialect/Attnc/Attnc_op.cpp.inc"

//===----------------------------------------------------------------------===//
// attnc.launch
//===----------------------------------------------------------------------===//

// launch_c1: operands and destinations are all tensors or all buffers (scalars aside).
LogicalResult LaunchOp::verify() {
  for (Type type : getOperandTypes())
    if (isa<BaseMemRefType>(type) && getNumResults() != 0)
      return emitOpError("expected tensors only where results are given, got ") << type;
  return success();
}

/// Whether a kernel that takes `parameter` can be launched on `operand`: equal types, or shaped types of the same
/// element type and shapes that agree where both are known. Kernels stay on tensors after their launches are on buffers.
static bool fits(Type operand, Type parameter) {
  auto from = dyn_cast<ShapedType>(operand), to = dyn_cast<ShapedType>(parameter);
  if (!from || !to)
    return operand == parameter;
  bool kind = isa<TensorType>(operand) == isa<TensorType>(parameter) || isa<BaseMemRefType>(operand);
  return kind && from.getElementType() == to.getElementType() && succeeded(verifyCompatibleShape(operand, parameter));
}

LogicalResult LaunchOp::verifySymbolUses(SymbolTableCollection &symbols) {
  // launch_c2: the symbol is a function marked attnc.kernel.
  auto kernel = symbols.lookupNearestSymbolFrom<FunctionOpInterface>(*this, getKernelAttr());
  if (!kernel)
    return emitOpError("expected a function of the name @") << getKernel() << ", found none";
  if (!kernel->hasAttr("attnc.kernel"))
    return emitOpError("expected @") << getKernel() << " to be marked attnc.kernel";
  // launch_c3: its arguments are the inputs, then the destinations.
  if (kernel.getNumArguments() != getNumOperands())
    return emitOpError("expected ") << kernel.getNumArguments() << " operands as @" << getKernel()
                                    << " has arguments, got " << getNumOperands();
  for (auto [i, operand, parameter] : llvm::enumerate(getOperandTypes(), kernel.getArgumentTypes()))
    if (!fits(operand, parameter))
      return emitOpError("expected operand ") << i << " to fit " << parameter << " of @" << getKernel() << ", got "
                                              << operand;
  // launch_c4: on tensors it returns its destinations.
  if (getNumResults() != 0 && kernel.getNumResults() != getNumResults())
    return emitOpError("expected @") << getKernel() << " to return " << getNumResults() << " tensors, it returns "
                                     << kernel.getNumResults();
  return success();
}

void LaunchOp::getEffects(SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  for (OpOperand &operand : getOperation()->getOpOperands()) {
    if (!isa<BaseMemRefType>(operand.get().getType()))
      continue;
    effects.emplace_back(MemoryEffects::Read::get(), &operand, SideEffects::DefaultResource::get());
    if (isDpsInit(&operand))
      effects.emplace_back(MemoryEffects::Write::get(), &operand, SideEffects::DefaultResource::get());
  }
}
