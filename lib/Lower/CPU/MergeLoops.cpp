// Loops of a contraction's kernel that count together become one.
//
//     y[b, t, n] = Σ_k x[b, t, k] · w[k, n] + bias[n]    ->    y'[bt, n] = Σ_k x'[bt, k] · w[k, n] + bias[n],  x', y' views of x, y
//
// So rows of short sequences share a block, [3, heads, width] are columns of one matrix, and heads and width are one sum. Two loops
// count together if every operand has both, next to each other and in this order, or neither. Operands are the kernel's arguments,
// which are contiguous; kernels with others, and those that ask for indices, stay as they are.
#include "attnc/Lower/Cpu.h"

#include "attnc/Schedule/Contraction.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

#include <map>

namespace attnc {
#define GEN_PASS_DEF_MERGELOOPS
#include "attnc/LowerCpu/Passes.h.inc"
} // namespace attnc

using namespace mlir;
using namespace attnc;

namespace {

class LoopMerger {
public:
  explicit LoopMerger(const ContractionKernel &kernel) : b(kernel.root().getLoc(), kernel.root()), kernel(kernel) {}

  /// False where nothing is to be merged, or may be.
  bool findGroups();
  void rewrite();

private:
  void collectOperands();
  bool countTogether(unsigned a, unsigned next) const;
  bool areViewable() const;
  bool isMerged(ArrayRef<unsigned> dims) const;

  LoopDims toGroups(ArrayRef<unsigned> dims) const;
  SmallVector<ReassociationIndices> getReassociation(ArrayRef<unsigned> dims) const;
  AffineMap getMap(ArrayRef<unsigned> dims, ArrayRef<unsigned> loops);
  Value collapse(Value tensor, ArrayRef<unsigned> dims);
  Value collapsePanels(const Contraction &product);
  Value collapseStart(const Contraction &product);
  linalg::GenericOp clone(linalg::LinalgOp op, ValueRange inputs, ValueRange inits, ArrayRef<LoopDims> dims, ArrayRef<unsigned> loops);
  linalg::GenericOp rewriteProduct(const Contraction &product);

  ImplicitLocOpBuilder b;
  ContractionKernel kernel;
  SmallVector<std::pair<Value, LoopDims>> operands; ///< as they lie in memory
  SmallVector<unsigned> group;                      ///< of each loop
  std::map<std::pair<void *, LoopDims>, Value> views;
};

/// The dimensions of panels, from the outermost, without the columns of a panel.
LoopDims getPanelDims(const Contraction &c) {
  linalg::UnPackOp unpack = c.panels;
  ArrayRef<int64_t> permutation = unpack.getOuterDimsPerm();
  LoopDims dims;
  for (size_t dim : llvm::seq(c.rightDims.size()))
    dims.push_back(c.rightDims[permutation.empty() ? dim : permutation[dim]]);
  return dims;
}

/// The dimensions that a broadcast start has before it is spread.
LoopDims getSpreadDims(linalg::BroadcastOp spread, const Contraction &c) {
  LoopDims dims;
  for (auto [dim, loop] : llvm::enumerate(c.outDims))
    if (!llvm::is_contained(spread.getDimensions(), int64_t(dim)))
      dims.push_back(loop);
  return dims;
}

void LoopMerger::collectOperands() {
  for (Contraction &c : kernel.products) {
    operands.push_back({c.left, c.leftDims});
    if (c.panels)
      operands.push_back({c.panels.getSource(), getPanelDims(c)});
    operands.push_back({c.right, c.rightDims});
    operands.push_back({c.start, c.outDims});
    if (auto spread = c.start.getDefiningOp<linalg::BroadcastOp>())
      operands.push_back({spread.getInput(), getSpreadDims(spread, c)});
  }
  if (kernel.epilogue)
    for (auto [operand, dims] : llvm::zip_equal(kernel.epilogue->getOperands(), kernel.epilogueDims))
      operands.push_back({operand, dims});
}

bool LoopMerger::countTogether(unsigned a, unsigned next) const {
  const Contraction &c = kernel.products[0];
  if (c.inLeft(a) != c.inLeft(next) || c.inRight(a) != c.inRight(next) || c.inOut(a) != c.inOut(next))
    return false;
  for (const auto &[tensor, dims] : operands) {
    auto at = llvm::find(dims, a), nextAt = llvm::find(dims, next);
    if ((at == dims.end()) != (nextAt == dims.end()) || (at != dims.end() && nextAt != at + 1))
      return false;
  }
  if (!c.panels || next != kernel.column())
    return !c.panels || a != kernel.column();
  int64_t columns = cast<RankedTensorType>(c.right.getType()).getDimSize(llvm::find(c.rightDims, next) - c.rightDims.begin());
  return !ShapedType::isDynamic(columns) && columns % c.panels.getStaticInnerTiles()[0] == 0; // else panels are padded in between
}

bool LoopMerger::isMerged(ArrayRef<unsigned> dims) const { return toGroups(dims).size() != dims.size(); }

/// What a reshape of costs nothing: arguments, what computes nothing, and what is made anew here.
bool LoopMerger::areViewable() const {
  return llvm::all_of(operands, [&](const auto &operand) {
    auto isProduct = [&](const Contraction &c) { return c.op->getResult(0) == operand.first || (c.panels && c.right == operand.first); };
    return !isMerged(operand.second) || isa<BlockArgument>(operand.first) || llvm::any_of(kernel.products, isProduct) ||
           isa<linalg::FillOp, linalg::BroadcastOp, tensor::EmptyOp>(operand.first.getDefiningOp());
  });
}

bool LoopMerger::findGroups() {
  collectOperands();
  group = llvm::to_vector(llvm::seq<unsigned>(kernel.products[0].op.getNumLoops()));
  for (const auto &[tensor, dims] : operands)
    for (size_t dim = 1; dim < dims.size(); ++dim)
      if (group[dims[dim]] == dims[dim] && countTogether(dims[dim - 1], dims[dim]))
        group[dims[dim]] = group[dims[dim - 1]];
  for (unsigned &first : group)
    while (group[first] != first)
      first = group[first];
  bool asksIndices = kernel.epilogue && llvm::any_of(*kernel.epilogue.getBody(), [](Operation &op) { return isa<linalg::IndexOp>(op); });
  return llvm::any_of(llvm::enumerate(group), [](auto loop) { return loop.value() != loop.index(); }) && !asksIndices && areViewable();
}

/// Groups are named by their first loop.
LoopDims LoopMerger::toGroups(ArrayRef<unsigned> dims) const {
  LoopDims groups;
  for (unsigned dim : dims)
    if (groups.empty() || groups.back() != group[dim])
      groups.push_back(group[dim]);
  return groups;
}

SmallVector<ReassociationIndices> LoopMerger::getReassociation(ArrayRef<unsigned> dims) const {
  SmallVector<ReassociationIndices> runs;
  for (auto [number, dim] : llvm::enumerate(dims)) {
    if (number == 0 || group[dim] != group[dims[number - 1]])
      runs.emplace_back();
    runs.back().push_back(number);
  }
  return runs;
}

AffineMap LoopMerger::getMap(ArrayRef<unsigned> dims, ArrayRef<unsigned> loops) {
  SmallVector<AffineExpr> results;
  for (unsigned dim : toGroups(dims))
    results.push_back(b.getAffineDimExpr(llvm::find(loops, dim) - loops.begin()));
  return AffineMap::get(loops.size(), 0, results, b.getContext());
}

/// One view of a tensor for all: products are seen to share their left operand.
Value LoopMerger::collapse(Value tensor, ArrayRef<unsigned> dims) {
  if (!isMerged(dims))
    return tensor;
  Value &view = views[{tensor.getAsOpaquePointer(), toGroups(dims)}];
  if (!view)
    view = tensor::CollapseShapeOp::create(b, tensor, getReassociation(dims));
  return view;
}

Value LoopMerger::collapsePanels(const Contraction &product) {
  linalg::UnPackOp unpack = product.panels;
  LoopDims dims = getPanelDims(product), groups = toGroups(dims), plain = toGroups(product.rightDims);
  if (groups.size() == dims.size())
    return product.right;
  SmallVector<ReassociationIndices> runs = getReassociation(dims);
  runs.push_back({int64_t(dims.size())});
  Value source = tensor::CollapseShapeOp::create(b, unpack.getSource(), runs);
  auto position = [&](unsigned loop) { return int64_t(llvm::find(plain, group[loop]) - plain.begin()); };
  SmallVector<int64_t> permutation = llvm::map_to_vector(groups, position);
  return linalg::UnPackOp::create(b, source, collapse(unpack.getDest(), product.rightDims), position(kernel.column()), unpack.getMixedTiles(), permutation)->getResult(0);
}

Value LoopMerger::collapseStart(const Contraction &product) {
  Operation *def = product.start.getDefiningOp();
  if (auto fill = dyn_cast_or_null<linalg::FillOp>(def))
    return linalg::FillOp::create(b, fill.getInputs(), collapse(fill.getDpsInits()[0], product.outDims))->getResult(0);
  auto spread = dyn_cast_or_null<linalg::BroadcastOp>(def);
  if (!spread)
    return collapse(product.start, product.outDims);
  LoopDims dims = getSpreadDims(spread, product), groups = toGroups(dims);
  SmallVector<int64_t> added;
  for (auto [dim, loop] : llvm::enumerate(toGroups(product.outDims)))
    if (!llvm::is_contained(groups, loop))
      added.push_back(dim);
  return linalg::BroadcastOp::create(b, collapse(spread.getInput(), dims), collapse(spread.getInit(), product.outDims), added)->getResult(0);
}

/// The same body over other operands.
linalg::GenericOp LoopMerger::clone(linalg::LinalgOp op, ValueRange inputs, ValueRange inits, ArrayRef<LoopDims> dims, ArrayRef<unsigned> loops) {
  SmallVector<AffineMap> maps = llvm::map_to_vector(dims, [&](const LoopDims &operand) { return getMap(operand, loops); });
  auto kinds = llvm::map_to_vector(loops, [&](unsigned loop) {
    return kernel.products[0].isSummed(loop) ? utils::IteratorType::reduction : utils::IteratorType::parallel;
  });
  auto generic = linalg::GenericOp::create(b, TypeRange(inits), inputs, inits, maps, kinds);
  IRMapping map;
  op->getRegion(0).cloneInto(&generic.getRegion(), map);
  return generic;
}

linalg::GenericOp LoopMerger::rewriteProduct(const Contraction &product) {
  LoopDims loops;
  for (unsigned loop : llvm::seq<unsigned>(group.size()))
    if (group[loop] == loop)
      loops.push_back(loop);
  Value left = collapse(product.left, product.leftDims);
  Value right = product.panels ? collapsePanels(product) : collapse(product.right, product.rightDims);
  SmallVector<Value> inputs{left, right};
  SmallVector<LoopDims> dims{product.leftDims, product.rightDims, product.outDims};
  auto ownMaps = product.op.getIndexingMapsArray();
  if (!ownMaps[1].isFunctionOfDim(cast<AffineDimExpr>(ownMaps[2].getResults().back()).getPosition())) { // the columns are the first's
    std::swap(inputs[0], inputs[1]);
    std::swap(dims[0], dims[1]);
  }
  return clone(product.op, inputs, collapseStart(product), dims, loops);
}

void LoopMerger::rewrite() {
  llvm::DenseMap<Value, Value> results;
  for (const Contraction &product : kernel.products)
    results[product.op->getResult(0)] = rewriteProduct(product).getResult(0);
  linalg::LinalgOp root = kernel.root();
  SmallVector<LoopDims> outDims{kernel.products[0].outDims};
  SmallVector<Value> merged{results.lookup(root->getResult(0))};
  if (kernel.epilogue) {
    SmallVector<Value> operands;
    for (auto [operand, dims] : llvm::zip_equal(root->getOperands(), kernel.epilogueDims))
      operands.push_back(results.contains(operand) ? results.lookup(operand) : collapse(operand, dims));
    size_t inputs = kernel.epilogue.getNumDpsInputs();
    outDims.assign(kernel.epilogueDims.begin() + inputs, kernel.epilogueDims.end());
    auto all = ArrayRef(operands);
    linalg::GenericOp epilogue = clone(root, all.take_front(inputs), all.drop_front(inputs), kernel.epilogueDims, toGroups(outDims.back()));
    merged = llvm::to_vector_of<Value>(epilogue.getResults());
  }
  for (auto [number, result] : llvm::enumerate(root->getResults())) {
    if (!isMerged(outDims[number])) {
      result.replaceAllUsesWith(merged[number]);
      continue;
    }
    SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, b.getLoc(), kernel.getOutputs()[number]);
    result.replaceAllUsesWith(tensor::ExpandShapeOp::create(b, result.getType(), merged[number], getReassociation(outDims[number]), sizes).getResult());
  }
}

class MergeLoops : public attnc::impl::MergeLoopsBase<MergeLoops> {
public:
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (!function->hasAttr("attnc.kernel") || function.isExternal())
      return;
    Block &body = function.getBody().front();
    for (Operation *op : llvm::to_vector(llvm::make_pointer_range(llvm::reverse(body)))) {
      WhyNot ignored;
      std::optional<ContractionKernel> kernel = matchContractionKernel(op, ignored);
      if (!kernel)
        continue;
      if (LoopMerger merger(*kernel); merger.findGroups())
        merger.rewrite();
      break; // a kernel has one root
    }
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(body)))
      if (isOpTriviallyDead(&op))
        op.erase();
  }
};

} // namespace
