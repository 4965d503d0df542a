// For people: the plan says how large a buffer is in terms of the entry's sizes.
#include "SizeTerms.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace attnc {

static SizeTerms sumOf(SizeTerms a, const SizeTerms &b) {
  for (const auto &[factors, count] : b)
    a[factors] += count;
  std::erase_if(a, [](const auto &term) { return term.second == 0; });
  return a;
}

SizeTerms productOf(const SizeTerms &a, const SizeTerms &b) {
  SizeTerms out;
  for (const auto &[left, m] : a)
    for (const auto &[right, n] : b) {
      auto factors = left;
      llvm::append_range(factors, right);
      llvm::sort(factors);
      out[factors] += m * n;
    }
  return out;
}

/// Of an expression over these operands.
static std::optional<SizeTerms> termsOf(AffineExpr expression, ArrayRef<SizeTerms> operands, unsigned dims) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expression))
    return SizeTerms{{{}, constant.getValue()}};
  if (auto dim = dyn_cast<AffineDimExpr>(expression))
    return operands[dim.getPosition()];
  if (auto symbol = dyn_cast<AffineSymbolExpr>(expression))
    return operands[dims + symbol.getPosition()];
  auto both = cast<AffineBinaryOpExpr>(expression);
  std::optional<SizeTerms> left = termsOf(both.getLHS(), operands, dims), right = termsOf(both.getRHS(), operands, dims);
  if (left && right && both.getKind() == AffineExprKind::Add)
    return sumOf(*left, *right);
  if (left && right && both.getKind() == AffineExprKind::Mul)
    return productOf(*left, *right);
  return std::nullopt;
}

std::optional<SizeTerms> sizeTerms(Value size) {
  if (auto argument = dyn_cast<BlockArgument>(size))
    return SizeTerms{{{argument.getArgNumber()}, 1}};
  if (APInt constant; matchPattern(size, m_ConstantInt(&constant)))
    return SizeTerms{{{}, constant.getSExtValue()}};
  Operation *op = size.getDefiningOp();
  if (!isa<arith::AddIOp, arith::SubIOp, arith::MulIOp, affine::AffineApplyOp>(op))
    return std::nullopt;
  SmallVector<SizeTerms> operands;
  for (Value operand : op->getOperands()) {
    std::optional<SizeTerms> terms = sizeTerms(operand);
    if (!terms)
      return std::nullopt;
    operands.push_back(std::move(*terms));
  }
  if (isa<arith::AddIOp>(op))
    return sumOf(operands[0], operands[1]);
  if (isa<arith::SubIOp>(op))
    return sumOf(operands[0], productOf({{{}, -1}}, operands[1]));
  if (isa<arith::MulIOp>(op))
    return productOf(operands[0], operands[1]);
  AffineMap map = cast<affine::AffineApplyOp>(op).getAffineMap();
  return termsOf(map.getResult(0), operands, map.getNumDims());
}

} // namespace attnc
