// What a contraction is, and what can follow it in registers.
#include "attnc/Schedule/Contraction.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;

namespace attnc {

/// The loop of each dimension, where each is indexed by one loop and no loop indexes two.
static std::optional<LoopDims> getLoopDims(AffineMap map) {
  if (!map.isProjectedPermutation())
    return std::nullopt;
  LoopDims dims;
  for (AffineExpr result : map.getResults())
    dims.push_back(cast<AffineDimExpr>(result).getPosition());
  return dims;
}

/// The block argument that a factor is, widened or not.
static BlockArgument getFactor(Value value) {
  if (auto widen = value.getDefiningOp<arith::ExtFOp>())
    value = widen.getIn();
  return dyn_cast<BlockArgument>(value);
}

/// out + x · y, x and y the two inputs.
static bool isMultiplyAdd(linalg::LinalgOp op) {
  Block &body = *op.getBlock();
  if (body.getNumArguments() != 3)
    return false;
  auto sum = body.getTerminator()->getOperand(0).getDefiningOp<arith::AddFOp>();
  if (!sum)
    return false;
  Value other = sum.getLhs() == body.getArgument(2) ? sum.getRhs() : sum.getLhs();
  auto product = other.getDefiningOp<arith::MulFOp>();
  if (!product || (sum.getLhs() != body.getArgument(2) && sum.getRhs() != body.getArgument(2)))
    return false;
  BlockArgument x = getFactor(product.getLhs()), y = getFactor(product.getRhs());
  return x && y && x != y && x != body.getArgument(2) && y != body.getArgument(2) && x.getOwner() == &body && y.getOwner() == &body;
}

/// What unpacks the right operand, if its tiles are of columns alone.
static linalg::UnPackOp findPanels(const Contraction &c) {
  auto unpack = c.right.getDefiningOp<linalg::UnPackOp>();
  if (!unpack || unpack.getInnerDimsPos().size() != 1 || unpack.getStaticInnerTiles()[0] % kPanelColumns != 0)
    return {};
  return c.rightDims[unpack.getInnerDimsPos()[0]] == c.outDims.back() ? unpack : linalg::UnPackOp();
}

/// A vector of columns is read from the right operand, or vectors along k from both.
static bool runsOnVectors(const Contraction &c) {
  unsigned last = c.rightDims.back();
  return c.panels || last == c.outDims.back() || (c.isSummed(last) && c.leftDims.back() == last);
}

std::optional<Contraction> matchContraction(Operation *op, WhyNot &whyNot) {
  auto refuse = [&](WhyNot why) {
    whyNot = why;
    return std::nullopt;
  };
  auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
  if (!linalgOp || !linalgOp.hasPureTensorSemantics() || linalgOp.getNumDpsInputs() != 2 || linalgOp.getNumDpsInits() != 1 ||
      linalgOp.getNumReductionLoops() == 0 || !isMultiplyAdd(linalgOp))
    return refuse("it is no sum of products of two tensors of floats");
  SmallVector<AffineMap> maps = linalgOp.getIndexingMapsArray();
  std::optional<LoopDims> first = getLoopDims(maps[0]), second = getLoopDims(maps[1]), out = getLoopDims(maps[2]);
  if (!first || !second || !out)
    return refuse("an operand of the contraction is not indexed by one loop a dimension");
  if (out->empty() || first->empty() || second->empty())
    return refuse("the contraction has a scalar operand or result");
  Contraction c{linalgOp, op->getOperand(0), op->getOperand(1), op->getOperand(2), *first, *second, *out, {}};
  if (!c.inRight(c.outDims.back())) {
    std::swap(c.left, c.right);
    std::swap(c.leftDims, c.rightDims);
  }
  for (unsigned loop = 0; loop < linalgOp.getNumLoops(); ++loop)
    if (c.inLeft(loop) + c.inRight(loop) + c.inOut(loop) < 2)
      return refuse("the contraction has a loop that only one tensor is indexed by");
  if (!c.isColumn(c.outDims.back()))
    return refuse("both operands are indexed by the contraction's last dimension");
  c.panels = findPanels(c);
  if (!runsOnVectors(c))
    return refuse("neither the columns nor the summed elements of the right operand are neighbours in memory");
  return c;
}

//===----------------------------------------------------------------------===//
// Epilogues
//===----------------------------------------------------------------------===//

/// Every op of the body exists on vectors.
static bool isElementwise(linalg::GenericOp op) {
  return llvm::all_of(op.getBody()->without_terminator(), [](Operation &inner) {
    return OpTrait::hasElementwiseMappableTraits(&inner) || inner.hasTrait<OpTrait::ConstantLike>() || isa<linalg::IndexOp>(inner);
  });
}

/// Renames loops: dims of one tensor under two numberings give the pairs.
static bool pairLoops(ArrayRef<unsigned> from, ArrayRef<unsigned> to, llvm::DenseMap<unsigned, unsigned> &renamed) {
  if (from.size() != to.size())
    return false;
  for (auto [f, t] : llvm::zip_equal(from, to))
    if (auto [it, fresh] = renamed.try_emplace(f, t); !fresh && it->second != t)
      return false;
  return true;
}

static LoopDims rename(ArrayRef<unsigned> dims, const llvm::DenseMap<unsigned, unsigned> &renamed) {
  return llvm::map_to_vector(dims, [&](unsigned dim) { return renamed.lookup(dim); });
}

/// The operands of the epilogue in the loops of the first product; false where one is not read as vectors of columns.
static bool findEpilogueDims(ContractionKernel &kernel, const llvm::DenseMap<unsigned, unsigned> &renamed) {
  for (OpOperand &operand : kernel.epilogue->getOpOperands()) {
    std::optional<LoopDims> dims = getLoopDims(kernel.epilogue.getMatchingIndexingMap(&operand));
    if (!dims || getElementTypeOrSelf(operand.get().getType()).isInteger(1))
      return false;
    LoopDims own = rename(*dims, renamed);
    bool hasColumn = llvm::is_contained(own, kernel.column());
    if (kernel.epilogue.isDpsInit(&operand) ? own.empty() || own.back() != kernel.column() || own.size() != kernel.epilogue.getNumLoops()
                                            : hasColumn && own.back() != kernel.column())
      return false;
    kernel.epilogueDims.push_back(own);
  }
  return true;
}

/// Adds a further product if it shares the left operand, in the loops of the first.
static void addProduct(ContractionKernel &kernel, Contraction next, ArrayRef<unsigned> outDims) {
  const Contraction &first = kernel.products[0];
  llvm::DenseMap<unsigned, unsigned> renamed;
  if (next.left != first.left || !pairLoops(next.outDims, outDims, renamed) || !pairLoops(next.leftDims, first.leftDims, renamed) ||
      renamed.size() != next.op.getNumLoops() || next.op.getNumLoops() != first.op.getNumLoops())
    return;
  next.rightDims = rename(next.rightDims, renamed);
  next.outDims = rename(next.outDims, renamed);
  next.leftDims = first.leftDims;
  if (next.rightDims != first.rightDims || next.right.getType() != first.right.getType() || next.outDims.back() != kernel.column())
    return;
  kernel.products.push_back(next);
}

SmallVector<Value> ContractionKernel::getOutputs() const {
  if (epilogue)
    return SmallVector<Value>(epilogue.getDpsInits());
  Value start = products[0].start;
  if (auto fill = start.getDefiningOp<linalg::FillOp>())
    return {fill.getDpsInits()[0]};
  if (auto broadcast = start.getDefiningOp<linalg::BroadcastOp>())
    return {broadcast.getInit()};
  return {start};
}

std::optional<ContractionKernel> matchContractionKernel(Operation *root, WhyNot &whyNot) {
  ContractionKernel kernel;
  if (std::optional<Contraction> product = matchContraction(root, whyNot)) {
    kernel.products.push_back(*product);
    return kernel;
  }
  auto refuse = [&](WhyNot why) {
    whyNot = why;
    return std::nullopt;
  };
  kernel.epilogue = dyn_cast<linalg::GenericOp>(root);
  if (!kernel.epilogue || !kernel.epilogue.hasPureTensorSemantics() || kernel.epilogue.getNumReductionLoops() != 0)
    return std::nullopt;
  llvm::DenseMap<unsigned, unsigned> renamed;
  for (OpOperand *input : kernel.epilogue.getDpsInputOperands()) {
    Operation *producer = input->get().getDefiningOp();
    WhyNot ignored;
    std::optional<Contraction> product = producer && producer->hasOneUse() ? matchContraction(producer, ignored) : std::nullopt;
    std::optional<LoopDims> dims = getLoopDims(kernel.epilogue.getMatchingIndexingMap(input));
    if (!product || !dims)
      continue;
    if (kernel.products.empty()) {
      if (!pairLoops(*dims, product->outDims, renamed) || renamed.size() != kernel.epilogue.getNumLoops())
        return refuse("the reader has loops that do not index the contraction's result");
      kernel.products.push_back(*product);
    } else {
      addProduct(kernel, *product, rename(*dims, renamed)); // else it is read like any other operand
    }
  }
  if (kernel.products.empty())
    return std::nullopt;
  if (!isElementwise(kernel.epilogue))
    return refuse("the reader is not computed element by element");
  if (!findEpilogueDims(kernel, renamed))
    return refuse("the reader's operands are not indexed by the contraction's columns last");
  return kernel;
}

} // namespace attnc
