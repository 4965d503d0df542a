#include "Minimise.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Dominance.h"
#include "mlir/IR/Iterators.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;

namespace attnc::fuzz {

namespace {

/// Problems are the same when they begin alike: numbers and names behind may change.
std::string kindOf(const std::string &problem) { return problem.substr(0, problem.starts_with("result ") ? 7 : std::min<size_t>(problem.size(), 60)); }

void eraseDead(ModuleOp module) {
  bool changed = true;
  while (changed) {
    changed = false;
    module.walk<WalkOrder::PostOrder, ReverseIterator>([&](Operation *op) {
      if (isOpTriviallyDead(op)) {
        op->erase();
        changed = true;
      }
    });
  }
}

/// A tensor of zeros (or a zero), in front of an op; null if its sizes are not at hand.
mlir::Value zeros(OpBuilder &b, mlir::Value like) {
  mlir::Type element = getElementTypeOrSelf(like.getType());
  if (!isa<FloatType, IntegerType, IndexType>(element))
    return {};
  mlir::Value zero = arith::ConstantOp::create(b, like.getLoc(), b.getZeroAttr(element));
  auto type = dyn_cast<RankedTensorType>(like.getType());
  if (!type)
    return zero;
  llvm::SmallVector<mlir::Value> sizes;
  for (int64_t d = 0; d < type.getRank(); ++d)
    if (type.isDynamicDim(d))
      sizes.push_back(tensor::DimOp::create(b, like.getLoc(), like, d));
  mlir::Value empty = tensor::EmptyOp::create(b, like.getLoc(), type, sizes);
  return linalg::FillOp::create(b, like.getLoc(), zero, empty).getResult(0);
}

/// Change number `which` of op number `number`: its results become operands of their types (counted by `which`).
bool simplify(ModuleOp module, unsigned number, unsigned which) {
  Operation *op = nullptr;
  unsigned at = 0;
  module.walk<WalkOrder::PreOrder>([&](Operation *candidate) {
    if (at++ == number)
      op = candidate;
  });
  if (!op || op->getNumResults() == 0 || isa<arith::ConstantOp, tensor::EmptyOp, tensor::DimOp>(op) || op->getParentOfType<linalg::LinalgOp>())
    return false;
  bool changed = false;
  for (OpResult result : op->getResults()) {
    if (result.use_empty())
      continue;
    unsigned left = which;
    for (mlir::Value operand : op->getOperands())
      // What has no values yet would be compared.
      if (operand.getType() == result.getType() && !operand.getDefiningOp<tensor::EmptyOp>() && left-- == 0) {
        result.replaceAllUsesWith(operand);
        changed = true;
        break;
      }
  }
  return changed;
}

class Minimiser {
public:
  Minimiser(Runner &runner, const Program &program, ModuleOp module, const std::string &problem)
      : runner(runner), program(program), kind(kindOf(problem)), best(module.clone()) {}

  std::string run() {
    dropResults();
    for (bool again = true; again;)
      again = simplifyOps();
    std::string text;
    llvm::raw_string_ostream(text) << *best << "\n";
    return text;
  }

private:
  bool keepIfSame(OwningOpRef<ModuleOp> candidate) {
    eraseDead(*candidate);
    if (failed(verify(*candidate)) || kindOf(runner.problemOf(program, *candidate)) != kind)
      return false;
    best = std::move(candidate);
    return true;
  }

  /// Leaves results out, but those of states.
  void dropResults() {
    for (unsigned number = best->lookupSymbol<func::FuncOp>("main").getNumResults(); number-- > 0;) {
      OwningOpRef<ModuleOp> candidate(best->clone());
      auto function = candidate->lookupSymbol<func::FuncOp>("main");
      if (function.getNumResults() == 1 || function.getResultAttr(number, "attnc.state"))
        continue;
      llvm::BitVector drop(function.getNumResults());
      drop.set(number);
      if (failed(function.eraseResults(drop)))
        continue;
      function.getBody().front().getTerminator()->eraseOperand(number);
      keepIfSame(std::move(candidate));
    }
  }

  bool simplifyOps() {
    bool changed = false;
    unsigned count = 0;
    best->walk([&](Operation *) { ++count; });
    for (unsigned number = count; number-- > 0;)
      for (unsigned which = 0; which < 4; ++which) {
        OwningOpRef<ModuleOp> candidate(best->clone());
        if (simplify(*candidate, number, which) && keepIfSame(std::move(candidate))) {
          changed = true;
          break;
        }
        OwningOpRef<ModuleOp> zeroed(best->clone());
        if (which == 0 && zero(*zeroed, number) && keepIfSame(std::move(zeroed))) {
          changed = true;
          break;
        }
      }
    return changed;
  }

  /// The results of an op become zeros.
  static bool zero(ModuleOp module, unsigned number) {
    Operation *op = nullptr;
    unsigned at = 0;
    module.walk<WalkOrder::PreOrder>([&](Operation *candidate) {
      if (at++ == number)
        op = candidate;
    });
    if (!op || op->getNumResults() == 0 || isa<arith::ConstantOp, tensor::EmptyOp, tensor::DimOp, linalg::FillOp>(op) || op->getParentOfType<linalg::LinalgOp>() ||
        op->getName().getDialectNamespace() == "ml_program")
      return false;
    auto dps = dyn_cast<DestinationStyleOpInterface>(op);
    OpBuilder b(op);
    bool changed = false;
    for (OpResult result : op->getResults()) {
      auto type = dyn_cast<RankedTensorType>(result.getType());
      if (!type || result.use_empty() || !(type.hasStaticShape() || dps))
        continue;
      mlir::Value filled = zeros(b, dps ? dps.getTiedOpOperand(result)->get() : mlir::Value(result));
      if (!filled)
        continue;
      result.replaceAllUsesWith(filled);
      changed = true;
    }
    return changed;
  }

  Runner &runner;
  const Program &program;
  std::string kind;
  OwningOpRef<ModuleOp> best;
};

} // namespace

std::string minimise(Runner &runner, const Program &program, ModuleOp module, const std::string &problem) { return Minimiser(runner, program, module, problem).run(); }

} // namespace attnc::fuzz
