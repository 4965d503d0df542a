// Finds attention: from a product Σ_j w·v back to the softmax that w is, and to the product Σ_d q·k in its scores.
#include "AttentionMatch.h"

#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/SmallPtrSet.h"

using namespace mlir;

namespace attnc::raise {

/// Two loads and a constant whose product is summed.
struct Product {
  ExprRef factors[2];
  double scale = 1;
  ExprRef variable;
};

static void collectFactors(ExprRef e, SmallVectorImpl<ExprRef> &factors) {
  if (!e->is("arith.mulf"))
    return factors.push_back(e);
  collectFactors((*e)[0], factors);
  collectFactors((*e)[1], factors);
}

/// Σ over one index of a product of two tensors (and constants).
static std::optional<Product> matchProduct(Elements &elements, ExprRef load) {
  std::optional<Reduction> sum = elements.open(load);
  if (!sum || sum->combiner != "arith.addf" || sum->variables.size() != 1 || !sum->init->isFloat(0) ||
      sum->variables[0]->kind != Kind::Digit)
    return std::nullopt;
  SmallVector<ExprRef> factors;
  collectFactors(sum->body, factors);
  Product product;
  product.variable = sum->variables[0];
  unsigned loads = 0;
  for (ExprRef factor : factors) {
    if (factor->kind == Kind::Float)
      product.scale *= factor->number;
    else if (factor->kind == Kind::Load && loads < 2)
      product.factors[loads++] = factor;
    else
      return std::nullopt;
  }
  return loads == 2 ? std::optional(product) : std::nullopt;
}

/// Whether every digit is a whole variable, so that looking through a view has split none.
static bool isWhole(ExprContext &context, ExprRef load) {
  return !contains(load, [&](ExprRef e) { return e->kind == Kind::Digit && e != context.variable(e->variable); });
}

/// Whether no dimension counts through two whose sizes are not known: such a one cannot be expanded.
static bool isExpandable(Elements &elements, ExprRef load) {
  for (auto [at, index] : llvm::enumerate(load->operands))
    if (llvm::count_if(getParts(index, elements.getExtent(load->value, at)), [](const Part &part) { return isDynamic(part.extent); }) > 1)
      return false;
  return true;
}

/// Looks through views and products with constants as long as the indices are plain.
static IndexedTensor lookThrough(Elements &elements, ExprRef load, bool splitting, double *scale) {
  auto isGood = [&](ExprRef e) {
    return llvm::all_of(e->operands, isPlain) && isExpandable(elements, e) && (splitting || isWhole(elements.context, e));
  };
  ExprRef best = load, current = load;
  double factor = 1;
  while (current->kind == Kind::Load) {
    if (isGood(current)) {
      best = current;
      if (scale)
        *scale *= factor;
      factor = 1;
    }
    ExprRef next = elements.step(current);
    if (scale && next->is("arith.mulf") && (*next)[1]->kind == Kind::Float) {
      factor *= (*next)[1]->number;
      next = (*next)[0];
    }
    if (next == current)
      break;
    current = next;
  }
  return {best->value, SmallVector<ExprRef>(best->operands)};
}

static bool dependsOn(const IndexedTensor &tensor, unsigned variable) {
  return llvm::any_of(tensor.indices, [&](ExprRef e) { return dependsOn(e, variable); });
}

/// All loads in an expression, those nearest to its root first.
static SmallVector<ExprRef> getLoads(ExprRef e) {
  SmallVector<ExprRef> loads;
  contains(e, [&](ExprRef part) {
    if (part->kind == Kind::Load)
      loads.push_back(part);
    return false;
  });
  return loads;
}

/// The scores without their product `load`: c · load is argument(0), and c goes to the scale.
static ExprRef takeProduct(ExprContext &context, ExprRef scores, ExprRef load, double &scale) {
  ExprRef argument = context.argument(0);
  ExprRef result = context.replace(scores, load, argument);
  while (true) {
    // The only reader of the argument, if that is a product with a constant.
    llvm::SmallPtrSet<ExprRef, 4> readers;
    contains(result, [&](ExprRef e) {
      if (llvm::is_contained(e->operands, argument))
        readers.insert(e);
      return false;
    });
    if (readers.size() != 1 || !(*readers.begin())->is("arith.mulf"))
      return result;
    ExprRef reader = *readers.begin();
    if ((*reader)[0] != argument || (*reader)[1]->kind != Kind::Float)
      return result;
    scale *= (*reader)[1]->number;
    result = context.replace(result, reader, argument);
  }
}

/// Of two factors, one is the query, which does not know the key index.
static bool placeFactors(Elements &elements, const Product &product, bool splitting, AttentionMatch &match, Miss &miss) {
  unsigned j = match.keyVariable;
  bool has[2] = {dependsOn(product.factors[0], j), dependsOn(product.factors[1], j)};
  if (has[0] == has[1]) {
    miss.reason = has[0] ? "both factors of the scores depend on the key" : "no factor of the scores depends on the key";
    return false;
  }
  match.scale = product.scale;
  match.query = lookThrough(elements, product.factors[has[0]], splitting, &match.scale);
  match.key = lookThrough(elements, product.factors[!has[0]], splitting, &match.scale);
  match.innerVariable = product.variable->variable;
  for (ExprRef output : match.outputs)
    if (output->kind == Kind::Digit && dependsOn(match.key, output->variable) && !dependsOn(match.query, output->variable) &&
        !dependsOn(match.value, output->variable)) {
      miss.reason = "the keys depend on an index that neither queries nor values have";
      return false;
    }
  return true;
}

/// Scores = score(scale · Σ_d q·k) where visible.
static bool matchScores(Elements &elements, ExprRef scores, bool splitting, AttentionMatch &match, Miss &miss) {
  miss.reason = "the scores have no product of queries and keys";
  for (ExprRef load : getLoads(scores)) {
    std::optional<Product> product = matchProduct(elements, load);
    if (!product || !llvm::all_of(load->operands, isPlain) || !placeFactors(elements, *product, splitting, match, miss))
      continue;
    ExprContext &context = elements.context;
    MaskedScores masked = splitMask(context, scores);
    match.score = takeProduct(context, masked.rest, load, match.scale);
    match.visible = masked.visible;
    if (contains(match.visible, load)) {
      miss.reason = "the mask depends on the scores";
      return false;
    }
    miss.reason.clear();
    return true;
  }
  return false;
}

/// The parts of a join along the key index that nothing else reads; none where it is not such a one.
static SmallVector<IndexedTensor> getParts(Elements &elements, const IndexedTensor &tensor, unsigned keyVariable, bool splitting) {
  auto concat = tensor.tensor.getDefiningOp<tensor::ConcatOp>();
  if (!concat || !concat->hasOneUse() || tensor.indices[concat.getDim()] != elements.context.variable(keyVariable))
    return {};
  return llvm::map_to_vector(concat.getInputs(), [&](Value part) {
    return lookThrough(elements, elements.context.load(part, tensor.indices), splitting, nullptr);
  });
}

/// Keys and values joined of a memory and new ones, for this attention alone, are sources of it: nothing is copied.
static void splitSources(Elements &elements, bool splitting, AttentionMatch &match) {
  SmallVector<IndexedTensor> keys = getParts(elements, match.key, match.keyVariable, splitting);
  SmallVector<IndexedTensor> values = getParts(elements, match.value, match.keyVariable, splitting);
  auto parts = [](const IndexedTensor &tensor) { return tensor.tensor.getDefiningOp<tensor::ConcatOp>(); };
  bool agree = !keys.empty() && keys.size() == values.size();
  for (size_t n = 0; agree && n < keys.size(); ++n)
    agree = elements.getExtent(parts(match.key).getInputs()[n], parts(match.key).getDim()) ==
            elements.getExtent(parts(match.value).getInputs()[n], parts(match.value).getDim());
  if (!agree) {
    match.sources = {{match.key, match.value}};
    return;
  }
  for (auto [key, value] : llvm::zip_equal(keys, values))
    match.sources.push_back({key, value});
}

/// σ(x·W)·V with a matrix of weights for keys is a layer with a sigmoid, and wants to stay two products.
static bool isLayer(const AttentionMatch &match) {
  return match.key.tensor.getDefiningOp<ml_program::GlobalLoadConstOp>() || match.value.tensor.getDefiningOp<ml_program::GlobalLoadConstOp>();
}

std::optional<AttentionMatch> matchAttention(Elements &elements, linalg::LinalgOp root, bool splitting, Miss &miss) {
  ExprContext &context = elements.context;
  if (root->getNumResults() != 1 || root.getNumReductionLoops() != 1)
    return std::nullopt;
  Value result = root->getResult(0);
  AttentionMatch match;
  match.root = root;
  match.outputs = elements.anyIndices(elements.getExtents(result));
  std::optional<Product> product = matchProduct(elements, context.load(result, match.outputs));
  if (!product)
    return std::nullopt;
  match.keyVariable = product->variable->variable;
  for (int side : {0, 1}) {
    ExprRef weights = elements.expand(product->factors[side]);
    std::optional<Weights> found = matchWeights(elements, weights, product->variable, miss);
    if (!found)
      continue;
    if (product->scale != 1)
      found->post = context.op("arith.mulf", {found->post, context.number(product->scale)});
    match.post = found->post;
    match.value = lookThrough(elements, product->factors[1 - side], splitting, nullptr);
    match.isSigmoid = found->isSigmoid;
    match.sink = found->sink;
    if (!matchScores(elements, found->scores, splitting, match, miss) || (match.isSigmoid && isLayer(match))) {
      if (match.isSigmoid) // a gate, a layer: most are no attention
        miss.reason.clear();
      return std::nullopt;
    }
    if (found->visible)
      match.visible = context.both(match.visible, found->visible);
    splitSources(elements, splitting, match);
    return match;
  }
  return std::nullopt;
}

} // namespace attnc::raise
