// A value has the size of the place it goes to: an output that says otherwise, or a loop that carries something that
// grows, would write past the end of a buffer.
//
// Sizes are compared as expressions in the named sizes of the entry. What is not a sum of them (a quotient, a minimum) is not
// compared.
#include "attnc/Memory/Memory.h"

#include "Sizes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace attnc {
#define GEN_PASS_DEF_CHECKSIZES
#include "attnc/Memory/Passes.h.inc"
} // namespace attnc

using namespace mlir;

namespace {

/// Sizes as expressions in the named sizes of an entry; null where they are something else.
class NamedSizes {
public:
  explicit NamedSizes(func::FuncOp function) : function(function), context(function.getContext()) {
    auto computed = function->getAttrOfType<ArrayAttr>("attnc.computed");
    for (BlockArgument argument : function.getArguments()) {
      auto name = function.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "attnc.name");
      auto role = function.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "attnc.role");
      if (role && role.getValue() == "size" && !(computed && llvm::is_contained(computed, name)))
        names.push_back(name);
    }
  }

  AffineExpr ofDimension(Value tensor, int64_t dim);
  AffineExpr simplify(AffineExpr size) { return simplifyAffineExpr(size, 0, names.size()); }
  /// For a message: `T * 2 + 1`.
  std::string print(AffineExpr size);

private:
  AffineExpr ofIndex(Value index);
  AffineExpr ofName(Attribute name) {
    auto *it = llvm::find(names, name);
    return it == names.end() ? AffineExpr() : getAffineSymbolExpr(it - names.begin(), context);
  }

  func::FuncOp function;
  MLIRContext *context;
  SmallVector<Attribute> names;
};

AffineExpr NamedSizes::ofDimension(Value tensor, int64_t dim) {
  auto type = dyn_cast<RankedTensorType>(tensor.getType());
  if (!type)
    return {};
  if (!type.isDynamicDim(dim))
    return getAffineConstantExpr(type.getDimSize(dim), context);
  if (Value other = attnc::findSameShape(tensor))
    return ofDimension(other, dim);
  if (auto empty = tensor.getDefiningOp<tensor::EmptyOp>())
    return ofIndex(empty.getDynamicSize(dim));
  if (auto alloc = tensor.getDefiningOp<bufferization::AllocTensorOp>())
    return ofIndex(alloc.getDynamicSizes()[type.getDynamicDimIndex(dim)]);
  auto argument = dyn_cast<BlockArgument>(tensor);
  if (!argument || argument.getOwner() != &function.getBody().front())
    return {};
  auto dims = function.getArgAttrOfType<ArrayAttr>(argument.getArgNumber(), "attnc.dims");
  return dims ? ofName(dims[type.getDynamicDimIndex(dim)]) : AffineExpr();
}

AffineExpr NamedSizes::ofIndex(Value index) {
  if (std::optional<int64_t> constant = getConstantIntValue(index))
    return getAffineConstantExpr(*constant, context);
  if (auto argument = dyn_cast<BlockArgument>(index))
    return argument.getOwner() == &function.getBody().front()
               ? ofName(function.getArgAttr(argument.getArgNumber(), "attnc.name"))
               : AffineExpr();
  Operation *op = index.getDefiningOp();
  if (auto dim = dyn_cast<tensor::DimOp>(op))
    return dim.getConstantIndex() ? ofDimension(dim.getSource(), *dim.getConstantIndex()) : AffineExpr();
  SmallVector<AffineExpr> operands;
  if (isa<arith::AddIOp, arith::SubIOp, arith::MulIOp, affine::AffineApplyOp>(op))
    for (Value operand : op->getOperands())
      operands.push_back(ofIndex(operand));
  if (operands.empty() || llvm::is_contained(operands, AffineExpr()))
    return {};
  if (auto apply = dyn_cast<affine::AffineApplyOp>(op)) {
    AffineMap map = apply.getAffineMap();
    ArrayRef<AffineExpr> all = operands;
    return map.getResult(0).replaceDimsAndSymbols(all.take_front(map.getNumDims()), all.drop_front(map.getNumDims()));
  }
  if (isa<arith::AddIOp>(op))
    return operands[0] + operands[1];
  return isa<arith::SubIOp>(op) ? operands[0] - operands[1] : operands[0] * operands[1];
}

std::string NamedSizes::print(AffineExpr size) {
  std::string text;
  llvm::raw_string_ostream(text) << simplify(size);
  for (size_t i = names.size(); i-- > 0;) { // s12 before s1
    std::string symbol = "s" + std::to_string(i), name = cast<StringAttr>(names[i]).str();
    for (size_t at = text.find(symbol); at != std::string::npos; at = text.find(symbol, at + name.size()))
      text.replace(at, symbol.size(), name);
  }
  return text;
}

/// A sum of multiples of sizes.
bool isLinear(AffineExpr size) {
  bool linear = size.isPureAffine();
  size.walk([&](AffineExpr part) {
    linear &= !llvm::is_contained({AffineExprKind::Mod, AffineExprKind::FloorDiv, AffineExprKind::CeilDiv}, part.getKind());
  });
  return linear;
}

class CheckSizes : public attnc::impl::CheckSizesBase<CheckSizes> {
public:
  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      if (function->hasAttr("attnc.kernel") || function.isExternal())
        continue;
      NamedSizes sizes(function);
      WalkResult walked = function.walk([&](bufferization::MaterializeInDestinationOp op) { return check(op, sizes); });
      if (walked.wasInterrupted())
        return signalPassFailure();
    }
  }

private:
  static WalkResult check(bufferization::MaterializeInDestinationOp op, NamedSizes &sizes) {
    for (int64_t dim : llvm::seq(cast<RankedTensorType>(op.getSource().getType()).getRank())) {
      AffineExpr found = sizes.ofDimension(op.getSource(), dim), expected = sizes.ofDimension(op.getDest(), dim);
      if (!found || !expected)
        continue;
      AffineExpr difference = sizes.simplify(found - expected);
      if (!isLinear(difference) || difference == getAffineConstantExpr(0, op.getContext()))
        continue;
      bool carried = isa<BlockArgument>(op.getDest()) && !isa<func::FuncOp>(op->getParentOp());
      op.emitError() << "expected " << (carried ? "a loop to keep the size of what it carries" : "the size that the result declares") << " ("
                     << sizes.print(expected) << " in dimension " << dim << "), found " << sizes.print(found);
      return WalkResult::interrupt();
    }
    return WalkResult::advance();
  }
};

} // namespace
