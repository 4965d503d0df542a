#include "WeightValues.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;

namespace attnc {
namespace {

constexpr int64_t kGrowth = 2, kSmallBytes = 1 << 20;

int64_t bytesOf(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  Type element = tensor.getElementType();
  return tensor.getNumElements() * (element.isIndex() ? 8 : llvm::divideCeil(element.getIntOrFloatBitWidth(), 8));
}

bool hasFixedType(Value value) {
  Type type = value.getType();
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor ? tensor.hasStaticShape() && tensor.getElementType().isIntOrIndexOrFloat() : type.isIntOrIndexOrFloat();
}

/// Elements of one tensor, each to one place or more, none computed.
bool isBroadcast(Operation *op) {
  if (isa<linalg::BroadcastOp>(op))
    return true;
  auto generic = dyn_cast<linalg::GenericOp>(op);
  return generic && generic.getNumDpsInputs() == 1 && generic.getBody()->getOperations().size() == 1 &&
         generic.getMatchingIndexingMap(generic.getDpsInputOperand(0)).getNumResults() < generic.getNumLoops();
}

/// No more than another look at what is there. (linalg.unpack is one in the kernel that reads panels.)
bool isView(Operation *op) {
  return isa<tensor::CastOp, tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::ReshapeOp, tensor::ExtractSliceOp, linalg::UnPackOp>(op) || isBroadcast(op);
}

} // namespace

llvm::SetVector<Value> WeightValues::reads(Operation *op) {
  llvm::SetVector<Value> values(op->operand_begin(), op->operand_end());
  getUsedValuesDefinedAbove(op->getRegions(), values);
  return values;
}

WeightValues::Dependence WeightValues::computeDependence(Operation *op) {
  if (isa<ml_program::GlobalLoadConstOp>(op))
    return llvm::all_of(op->getResults(), hasFixedType) ? Dependence::Weights : Dependence::Call;
  bool runsAnyway = isa<func::FuncOp>(op->getParentOp());
  bool mayMove = llvm::all_of(op->getResults(), hasFixedType) && isMemoryEffectFree(op) && (runsAnyway || isSpeculatable(op));
  if (!mayMove || op->getNumResults() == 0 || op->hasTrait<OpTrait::IsTerminator>())
    return Dependence::Call;
  Dependence all = Dependence::Constants;
  for (Value value : reads(op))
    if ((all = std::max(all, dependence(value))) == Dependence::Call)
      break;
  return all;
}

WeightValues::Dependence WeightValues::dependence(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op)
    return Dependence::Call;
  if (auto it = known.find(op); it != known.end())
    return it->second;
  Dependence result = computeDependence(op);
  known[op] = result;
  return result;
}

llvm::SetVector<Operation *> WeightValues::weightsOf(Value value) {
  llvm::SetVector<Operation *> weights;
  llvm::SetVector<Value> open;
  open.insert(value);
  for (size_t i = 0; i < open.size(); ++i) {
    Operation *op = open[i].getDefiningOp();
    if (isa<ml_program::GlobalLoadConstOp>(op))
      weights.insert(op);
    else
      open.insert_range(reads(op));
  }
  return weights;
}

bool WeightValues::isWorthKeeping(Value value) {
  Operation *op = value.getDefiningOp();
  if (!isWeight(value) || !isa<RankedTensorType>(value.getType()) || isa<ml_program::GlobalLoadConstOp>(op) || isView(op))
    return false;
  int64_t sources = 0;
  for (Operation *weight : weightsOf(value))
    sources += bytesOf(weight->getResult(0).getType());
  return bytesOf(value.getType()) <= std::max(kGrowth * sources, kSmallBytes);
}

} // namespace attnc
