// Regions on scalars: compiled to a flat list of instructions over numbered slots where possible.
#include "Internal.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace attnc::reference {

PointRegion::PointRegion(Region &region, Frame &frame) : region(region), frame(frame) {
  // Slots of block arguments come first.
  for (BlockArgument argument : region.getArguments())
    slotOfValue[argument] = argument.getArgNumber();
  slots.resize(region.getNumArguments());
  compiled = compile();
}

bool PointRegion::compile() {
  if (!region.hasOneBlock())
    return false;
  for (Operation &op : region.front().without_terminator())
    if (!compile(&op))
      return false;
  for (mlir::Value operand : region.front().getTerminator()->getOperands()) {
    if (isa<ShapedType>(operand.getType()))
      return false;
    resultSlots.push_back(slotOf(operand));
  }
  results.resize(resultSlots.size());
  return true;
}

/// The slot of a scalar; one that is defined outside gets a slot with its value.
unsigned PointRegion::slotOf(mlir::Value value) {
  auto [it, isNew] = slotOfValue.try_emplace(value, slots.size());
  if (isNew)
    slots.push_back(region.isAncestor(value.getParentRegion()) ? Scalar{.i = 0}
                                                               : frame[value].scalar());
  return it->second;
}

bool PointRegion::compile(Operation *op) {
  if (auto index = dyn_cast<linalg::IndexOp>(op)) {
    indexSlots.push_back({slotOf(index), index.getDim()});
    return true;
  }
  if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    std::optional<Value> value = getConstant(constant.getValue(), constant.getType());
    if (!value || value->isTensor())
      return false;
    unsigned slot = slotOf(constant);
    slots[slot] = value->scalar();
    return true;
  }
  if (auto extract = dyn_cast<tensor::ExtractOp>(op)) {
    auto argument = dyn_cast<BlockArgument>(extract.getTensor());
    bool outside = !region.isAncestor(extract.getTensor().getParentRegion());
    if (!outside && !(argument && argument.getOwner() == &region.front()))
      return false;
    Instruction instruction{op, nullptr, {}, &frame[extract.getTensor()].tensor(), {}, 0};
    for (mlir::Value index : extract.getIndices())
      instruction.operands.push_back(slotOf(index));
    instruction.result = slotOf(extract);
    program.push_back(std::move(instruction));
    return true;
  }
  std::optional<ScalarOp> scalar = getScalarOp(op);
  if (!scalar || llvm::any_of(op->getOperandTypes(), llvm::IsaPred<ShapedType>))
    return false;
  for (auto [function, result] : llvm::zip_equal(scalar->functions, op->getResults())) {
    Instruction instruction{op, function, scalar->types, nullptr, {}, 0};
    for (mlir::Value operand : op->getOperands())
      instruction.operands.push_back(slotOf(operand));
    instruction.result = slotOf(result);
    program.push_back(std::move(instruction));
  }
  return true;
}

/// slots[result] = tensor[operands…]; false outside the tensor.
bool PointRegion::extract(const Instruction &instruction) {
  int64_t offset = 0;
  for (auto [slot, size] : llvm::zip(instruction.operands, instruction.tensor->shape)) {
    int64_t index = slots[slot].i;
    if (index < 0 || index >= size)
      return false;
    offset = offset * size + index;
  }
  slots[instruction.result] = instruction.tensor->elements[offset];
  return true;
}

FailureOr<ArrayRef<Scalar>> PointRegion::run(ArrayRef<Scalar> arguments, ArrayRef<int64_t> point) {
  if (!compiled)
    return runInFrame(arguments, point);
  std::copy(arguments.begin(), arguments.end(), slots.begin());
  for (auto [slot, dim] : indexSlots)
    slots[slot].i = point[dim];
  Scalar operands[8];
  const char *problem = nullptr;
  for (const Instruction &instruction : program) {
    if (!instruction.function) {
      if (!extract(instruction))
        return frame.error(instruction.op, "index outside the tensor");
      continue;
    }
    Scalar *next = operands;
    for (unsigned slot : instruction.operands)
      *next++ = slots[slot];
    slots[instruction.result] = instruction.function(operands, instruction.types, problem);
    if (problem)
      return frame.error(instruction.op, problem);
  }
  for (auto [result, slot] : llvm::zip(results, resultSlots))
    result = slots[slot];
  return ArrayRef<Scalar>(results);
}

FailureOr<ArrayRef<Scalar>> PointRegion::runInFrame(ArrayRef<Scalar> arguments,
                                                    ArrayRef<int64_t> point) {
  SmallVector<Value> contents;
  for (auto [argument, scalar] : llvm::zip_equal(region.getArguments(), arguments))
    contents.push_back(isa<ShapedType>(argument.getType()) ? frame[argument]
                                                           : Value(argument.getType(), scalar));
  ArrayRef<int64_t> around = std::exchange(frame.point, point);
  auto yielded = frame.run(region, contents);
  frame.point = around;
  if (failed(yielded))
    return failure();
  results.clear();
  for (const Value &content : *yielded)
    results.push_back(content.scalar());
  return ArrayRef<Scalar>(results);
}

} // namespace attnc::reference
