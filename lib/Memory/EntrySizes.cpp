#include "EntrySizes.h"

#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Transforms/Transforms.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ValueBoundsOpInterface.h"

using namespace mlir;
using namespace attnc;

/// Is it one of the entry's named sizes?
bool EntrySizes::isSize(Value value) {
  auto argument = dyn_cast<BlockArgument>(value);
  if (!argument || argument.getOwner() != &function.getBody().front())
    return false;
  auto role = function.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "attnc.role");
  return role && role.getValue() == "size";
}

/// The size argument that a dimension of an entry's buffer is, or the operand of the allocation that made it.
Value EntrySizes::sizeOf(Value memref, int64_t dim) {
  auto type = cast<MemRefType>(memref.getType());
  if (!type.isDynamicDim(dim))
    return {};
  unsigned position = type.getDynamicDimIndex(dim);
  if (auto alloc = memref.getDefiningOp<memref::AllocOp>())
    return alloc.getDynamicSizes()[position];
  auto argument = dyn_cast<BlockArgument>(memref);
  if (!argument || argument.getOwner() != &function.getBody().front())
    return {};
  auto names = function.getArgAttrOfType<ArrayAttr>(argument.getArgNumber(), "attnc.dims");
  if (!names || position >= names.size())
    return {};
  for (BlockArgument size : function.getArguments())
    if (isSize(size))
      if (function.getArgAttr(size.getArgNumber(), "attnc.name") == names[position])
        return size;
  return {};
}

/// A dimension of a buffer or of another shape of one, computed at the start of the entry by `move`.
FailureOr<Value> EntrySizes::dimAtEntry(Value memref, int64_t dim, function_ref<FailureOr<Value>(Value)> move) {
  Location loc = memref.getLoc();
  auto type = cast<MemRefType>(memref.getType());
  if (!type.isDynamicDim(dim))
    return arith::ConstantIndexOp::create(top, loc, type.getDimSize(dim)).getResult();
  if (auto expand = memref.getDefiningOp<memref::ExpandShapeOp>())
    return move(expand.getOutputShape()[type.getDynamicDimIndex(dim)]);
  if (auto collapse = memref.getDefiningOp<memref::CollapseShapeOp>()) {
    Value product = arith::ConstantIndexOp::create(top, loc, 1);
    for (int64_t d : collapse.getReassociationIndices()[dim]) {
      FailureOr<Value> factor = dimAtEntry(collapse.getSrc(), d, move);
      if (failed(factor))
        return failure();
      product = arith::MulIOp::create(top, loc, product, *factor);
    }
    return product;
  }
  // All branches give one shape, and a loop carries one.
  if (auto result = dyn_cast<OpResult>(memref)) {
    Operation *op = result.getOwner();
    if (isa<scf::IfOp, scf::IndexSwitchOp>(op))
      return dimAtEntry(op->getRegion(0).front().getTerminator()->getOperand(result.getResultNumber()), dim, move);
    if (auto loop = dyn_cast<scf::ForOp>(op))
      return dimAtEntry(loop.getInitArgs()[result.getResultNumber()], dim, move);
  }
  Value size = sizeOf(memref, dim);
  if (!size)
    return failure();
  return move(size);
}

/// The op that computes a value, again at the start of the entry, on what `move` gives for its operands.
FailureOr<Value> EntrySizes::cloneAtEntry(Value value, function_ref<FailureOr<Value>(Value)> move) {
  Operation *op = value.getDefiningOp();
  if (!op || op->getNumRegions() != 0 || !isMemoryEffectFree(op))
    return failure();
  IRMapping map;
  for (Value operand : op->getOperands()) {
    FailureOr<Value> moved = isa<MemRefType>(operand.getType()) ? FailureOr<Value>(failure()) : move(operand);
    if (failed(moved))
      return failure();
    map.map(operand, *moved);
  }
  // Single operations, of which each is checked to stay in range.
  if (auto apply = dyn_cast<affine::AffineApplyOp>(op)) {
    SmallVector<Value> operands = llvm::map_to_vector(apply.getMapOperands(), [&](Value operand) { return map.lookup(operand); });
    return affine::expandAffineMap(top, apply.getLoc(), apply.getAffineMap(), operands)->front();
  }
  return top.clone(*op, map)->getResult(cast<OpResult>(value).getResultNumber());
}

/// The value, computed at the start of the entry.
FailureOr<Value> EntrySizes::atEntry(Value value) {
  if (isSize(value))
    return value;
  if (Value known = hoisted.lookup(value))
    return known;
  auto move = [&](Value operand) { return atEntry(operand); };
  FailureOr<Value> moved = failure();
  if (auto dim = value.getDefiningOp<memref::DimOp>(); dim && dim.getConstantIndex())
    moved = dimAtEntry(dim.getSource(), *dim.getConstantIndex(), move);
  if (failed(moved))
    moved = cloneAtEntry(value, move);
  if (succeeded(moved))
    hoisted[value] = *moved;
  return moved;
}

/// Is a value n % k, min(n, k) or what n - n % k leaves: no more than n, which is not negative?
static bool isPartOf(Value part, Value whole) {
  Operation *op = part.getDefiningOp();
  if (isa_and_nonnull<arith::RemUIOp, arith::RemSIOp, arith::SubIOp>(op))
    return op->getOperand(0) == whole && (!isa<arith::SubIOp>(op) || isPartOf(op->getOperand(1), whole));
  return isa_and_nonnull<arith::MinUIOp, arith::MinSIOp>(op) && llvm::is_contained(op->getOperands(), whole);
}

/// Is an expression not negative, whose operands are not?
static bool isNotNegative(AffineExpr expr) {
  if (auto number = dyn_cast<AffineConstantExpr>(expr))
    return number.getValue() >= 0;
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  return !binary || (isNotNegative(binary.getLHS()) && isNotNegative(binary.getRHS()));
}

/// Does an expression not shrink where its operands grow?
static bool growsWithOperands(AffineExpr expr, bool operandsAreSizes) {
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary)
    return true;
  if (!growsWithOperands(binary.getLHS(), operandsAreSizes) || !growsWithOperands(binary.getRHS(), operandsAreSizes))
    return false;
  switch (expr.getKind()) {
  case AffineExprKind::Add:
    return true;
  case AffineExprKind::Mul: // a factor that is a constant times anything, or a product of what is not negative
    return isa<AffineConstantExpr>(binary.getRHS()) ? isNotNegative(binary.getRHS()) : operandsAreSizes && isNotNegative(expr);
  case AffineExprKind::FloorDiv:
  case AffineExprKind::CeilDiv:
    return isa<AffineConstantExpr>(binary.getRHS()) && isNotNegative(binary.getRHS());
  default:
    return false;
  }
}

/// Is it a size, the counter of a loop that starts at one, or what is made of such?
bool EntrySizes::isNotNegative(Value value) {
  if (std::optional<int64_t> number = getConstantIntValue(value))
    return *number >= 0;
  if (isSize(value) || value.getDefiningOp<memref::DimOp>())
    return true;
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    auto loop = dyn_cast<scf::ForOp>(argument.getOwner()->getParentOp());
    return loop && argument == loop.getInductionVar() && isNotNegative(loop.getLowerBound());
  }
  if (auto rest = value.getDefiningOp<arith::SubIOp>())
    return isPartOf(rest.getRhs(), rest.getLhs()) && isNotNegative(rest.getLhs());
  auto isGood = [&](Value operand) { return isNotNegative(operand); };
  if (auto apply = value.getDefiningOp<affine::AffineApplyOp>())
    return ::isNotNegative(apply.getAffineMap().getResult(0)) && llvm::all_of(apply.getMapOperands(), isGood);
  if (isa<arith::MinUIOp>(value.getDefiningOp())) // below one that is not
    return llvm::any_of(value.getDefiningOp()->getOperands(), isGood);
  return isa<arith::AddIOp, arith::MulIOp, arith::MinSIOp, arith::MaxSIOp, arith::DivSIOp, arith::DivUIOp, arith::RemSIOp, arith::RemUIOp>(value.getDefiningOp()) &&
         llvm::all_of(value.getDefiningOp()->getOperands(), isGood);
}

/// A size that differs between iterations: the largest it can be, computed at the start of the entry.
FailureOr<Value> EntrySizes::boundAtEntry(Value value) {
  if (FailureOr<Value> known = atEntry(value); succeeded(known))
    return known;
  if (Value known = bounds.lookup(value))
    return known;
  Operation *op = value.getDefiningOp();
  FailureOr<Value> bound = failure();
  auto move = [&](Value operand) { return boundAtEntry(operand); };
  // These grow with their operands, which are sizes.
  if (isa_and_nonnull<arith::AddIOp, arith::MulIOp, arith::MinSIOp, arith::MinUIOp, arith::MaxSIOp, arith::MaxUIOp>(op))
    bound = cloneAtEntry(value, move);
  if (auto apply = value.getDefiningOp<affine::AffineApplyOp>()) {
    bool ofSizes = llvm::all_of(apply.getMapOperands(), [&](Value operand) { return isNotNegative(operand); });
    if (growsWithOperands(apply.getAffineMap().getResult(0), ofSizes))
      bound = cloneAtEntry(value, move);
  }
  if (failed(bound) && isa_and_nonnull<arith::MinSIOp, arith::MinUIOp>(op))
    for (Value operand : op->getOperands())
      if (failed(bound))
        bound = boundAtEntry(operand);
  // What is left of a size when a part of it is taken away.
  if (auto rest = value.getDefiningOp<arith::SubIOp>(); rest && isNotNegative(rest.getRhs()))
    bound = boundAtEntry(rest.getLhs());
  if (isa_and_nonnull<arith::RemUIOp, arith::RemSIOp>(op))
    bound = boundAtEntry(op->getOperand(0));
  if (auto dim = value.getDefiningOp<memref::DimOp>(); dim && dim.getConstantIndex() && failed(bound))
    bound = dimAtEntry(dim.getSource(), *dim.getConstantIndex(), move);
  if (failed(bound))
    bound = solveBound(value);
  if (succeeded(bound))
    bounds[value] = *bound;
  return bound;
}

/// The bound that affine arithmetic finds.
FailureOr<Value> EntrySizes::solveBound(Value value) {
  auto isKnown = [&](Value v, std::optional<int64_t> dim, ValueBoundsConstraintSet &) { return !dim && isSize(v); };
  FailureOr<OpFoldResult> bound = arith::reifyValueBound(top, value.getLoc(), presburger::BoundType::UB,
                                                         ValueBoundsConstraintSet::Variable(value), isKnown, /*closedUB=*/true);
  if (failed(bound))
    return failure();
  return getValueOrCreateConstantIndexOp(top, value.getLoc(), *bound);
}
