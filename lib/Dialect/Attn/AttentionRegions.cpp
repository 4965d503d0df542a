// The constraints on attn.attention's regions (the operands' are in AttentionVerify.cpp); the ops
// in the regions have been verified by then.
#include "AttentionOperands.h"

#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace attnc::attn;

/// attention_c15: one block, whose arguments are (the score or weight,) b, h, i, j, n and the
/// captures.
static LogicalResult verifyArguments(AttentionOp op, StringRef name, Region &region,
                                     TypeRange leading) {
  if (!region.hasOneBlock())
    return op.emitOpError("expected one block in ")
           << name << ", found " << region.getBlocks().size();
  SmallVector<Type> types(leading);
  for (OpOperand &capture : op.getCapturesMutable())
    types.push_back(getCaptureArgumentType(capture.get().getType(), op.getMap(capture)));
  if (region.getNumArguments() != types.size())
    return op.emitOpError("expected ")
           << types.size() << " arguments of " << name << ", found " << region.getNumArguments();
  for (auto [number, argument, type] : llvm::enumerate(region.getArgumentTypes(), types))
    if (argument != type)
      return op.emitOpError("expected argument ")
             << number << " of " << name << " to be " << type << ", found " << argument;
  return success();
}

/// attention_c16: a region ends with attn.yield of one value, the score or weight, or i1 for a
/// mask.
static LogicalResult verifyYield(AttentionOp op, StringRef name, Region &region, Type type) {
  auto yield = dyn_cast<YieldOp>(region.front().back());
  if (!yield)
    return op.emitOpError("expected attn.yield at the end of ")
           << name << ", found " << region.front().back().getName();
  if (yield->getNumOperands() != 1)
    return op.emitOpError("expected ")
           << name << " to yield one value, found " << yield->getNumOperands();
  if (yield->getOperand(0).getType() != type)
    return op.emitOpError("expected ")
           << name << " to yield " << type << ", found " << yield->getOperand(0).getType();
  return success();
}

/// attention_c17: regions only compute: they run in any order, any number of times.
static LogicalResult verifyEffects(AttentionOp op, StringRef name, Region &region) {
  for (Operation &inner : region.front())
    if (!isMemoryEffectFree(&inner))
      return op.emitOpError("expected ops without memory effects in ")
             << name << ", found " << inner.getName();
  return success();
}

LogicalResult AttentionOp::verifyRegions() {
  FloatType compute = getComputeType();
  auto check = [&](StringRef name, Region &region, bool isMask) -> LogicalResult {
    Type yielded = isMask ? Type(IntegerType::get(getContext(), 1)) : compute;
    return failure(
        failed(verifyArguments(*this, name, region, getLeadingArgumentTypes(compute, !isMask))) ||
        failed(verifyYield(*this, name, region, yielded)) ||
        failed(verifyEffects(*this, name, region)));
  };
  for (auto [name, region] : {std::pair<StringRef, Region *>{"the score region", &getScore()},
                              {"the mask region", &getMask()},
                              {"the post region", &getPost()}})
    if (!region->empty() && failed(check(name, *region, region == &getMask())))
      return failure();
  for (auto [number, source] : llvm::enumerate(getSources()))
    if (source.mask &&
        failed(check("the mask of source " + std::to_string(number), *source.mask, true)))
      return failure();
  return success();
}
