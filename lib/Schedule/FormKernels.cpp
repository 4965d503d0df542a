// Outlines every op that computes a tensor into a kernel.
//
// Before: functions over tensors. After: functions hold control flow, views (expand, collapse, cast),
// scalars and attnc.launch; every computation is the root of a private function marked attnc.kernel
// whose arguments are what it reads and, last, its destinations.
//
// What moves along with a root: constants and slices that it reads, and what its destinations start from
// (tensor.empty, fill, broadcast), which then cost nothing of their own. A result that starts from tensor.empty gets
// the kernel's destination argument in that place; an op without destinations writes to one by
// bufferization.materialize_in_destination, which is the operand that it updates where it does.
// An elementwise op that reads contractions takes them along where one kernel computes it from sums in registers
// (matchContractionKernel), and a contraction takes along what unpacks its panels.
#include "attnc/Schedule/Contraction.h"
#include "attnc/Schedule/Schedule.h"

#include "attnc/Dialect/Attn/Attn.h"
#include "attnc/Dialect/Attnc/Attnc.h"

#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tensor/Transforms/Transforms.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Iterators.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "mlir/Transforms/RegionUtils.h"

namespace attnc {
#define GEN_PASS_DEF_FORMKERNELS
#include "attnc/Schedule/Passes.h.inc"
} // namespace attnc

using namespace mlir;
using namespace attnc;

namespace {

bool hasTensorResult(Operation *op) {
  return llvm::any_of(op->getResultTypes(), llvm::IsaPred<RankedTensorType>);
}

/// Ops that compute a tensor: the roots of kernels.
bool isCompute(Operation *op) {
  if (!hasTensorResult(op))
    return false;
  return isa<linalg::LinalgOp, tensor::InsertSliceOp, tensor::InsertOp, tensor::FromElementsOp>(op) ||
         isa<attn::AttnDialect>(op->getDialect());
}

/// Ops that make a tensor without computing: views, choices of a whole tensor, what has no elements yet.
bool isView(Operation *op) {
  return isa<tensor::CastOp, tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::ReshapeOp, tensor::EmptyOp, arith::SelectOp>(op);
}

/// Slices become part of their readers; one that something else needs is copied by a kernel of its own.
bool isSlice(Operation *op) { return isa<tensor::ExtractSliceOp>(op); }

/// Producers that move into the kernel of each reader.
bool isCheapProducer(Operation *op) {
  return isa<tensor::EmptyOp, linalg::FillOp, linalg::BroadcastOp, tensor::ExtractSliceOp>(op);
}

/// The contractions that an elementwise op takes into its kernel.
SmallVector<Operation *> getProducts(Operation *root) {
  WhyNot ignored;
  std::optional<ContractionKernel> kernel = matchContractionKernel(root, ignored);
  SmallVector<Operation *> products;
  if (kernel && kernel->epilogue)
    for (const Contraction &product : kernel->products)
      products.push_back(product.op);
  return products;
}

bool isConstantOp(Operation *op) { return op->hasTrait<OpTrait::ConstantLike>(); }

/// One kernel under construction: the function, its arguments so far, and what they stand for outside.
class KernelBuilder {
public:
  KernelBuilder(Operation *root, StringRef name) : root(root), products(getProducts(root)), outside(root) {
    auto type = FunctionType::get(root->getContext(), {}, {});
    kernel = func::FuncOp::create(root->getLoc(), name, type);
    kernel.setPrivate();
    kernel->setAttr("attnc.kernel", outside.getUnitAttr());
    block = kernel.addEntryBlock();
  }

  func::FuncOp build();
  LaunchOp launch(StringRef symbol);

private:
  Value importValue(Value value, bool asDestination = false);
  Value importArgument(Value value);
  void importRegionUses();
  void cloneDestinationStyle(DestinationStyleOpInterface dps);
  void cloneWithoutDestinations();
  Value importDestination(Value init);
  Value addDestination(Value outsideValue, bool overwritten);
  Value createEmpty(OpResult result);
  void finish(ValueRange results);

  bool movesIn(Operation *op, bool asDestination) const;

  Operation *root;
  SmallVector<Operation *> products;
  OpBuilder outside;
  func::FuncOp kernel;
  Block *block;
  IRMapping map;
  SmallVector<Value> inputs, destinations;
  SmallVector<bool> overwrites; ///< per destination: nothing reads what it held
};

/// What is cloned where it is read. A fill or broadcast only where something in the kernel starts from it: one that is read would need
/// memory.
bool KernelBuilder::movesIn(Operation *op, bool asDestination) const {
  return isConstantOp(op) || isSlice(op) || isa<linalg::UnPackOp>(op) || llvm::is_contained(products, op) || (asDestination && isCheapProducer(op));
}

/// The value inside the kernel: a clone of what moves in, an argument otherwise.
Value KernelBuilder::importValue(Value value, bool asDestination) {
  if (Value known = map.lookupOrNull(value))
    return known;
  Operation *def = value.getDefiningOp();
  if (!def || !movesIn(def, asDestination))
    return importArgument(value);
  auto dps = dyn_cast<DestinationStyleOpInterface>(def);
  for (OpOperand &operand : def->getOpOperands())
    importValue(operand.get(), dps && dps.isDpsInit(&operand));
  OpBuilder inside = OpBuilder::atBlockEnd(block);
  inside.clone(*def, map);
  return map.lookup(value);
}

Value KernelBuilder::importArgument(Value value) {
  // Inputs stand before destinations; those are appended when the kernel is finished.
  Value argument = block->insertArgument(inputs.size(), value.getType(), value.getLoc());
  inputs.push_back(value);
  map.map(value, argument);
  return argument;
}

/// Values that regions of the root use from outside.
void KernelBuilder::importRegionUses() {
  llvm::SetVector<Value> used;
  getUsedValuesDefinedAbove(root->getRegions(), used);
  for (Value value : used)
    importValue(value);
}

Value KernelBuilder::addDestination(Value outsideValue, bool overwritten) {
  BlockArgument argument = block->addArgument(outsideValue.getType(), outsideValue.getLoc());
  destinations.push_back(outsideValue);
  overwrites.push_back(overwritten);
  return argument;
}

/// The destination of a root: a chain of fills and broadcasts that starts at tensor.empty is rebuilt on
/// the kernel's own destination; any other value is what the kernel updates.
Value KernelBuilder::importDestination(Value init) {
  SmallVector<DestinationStyleOpInterface> chain;
  Value start = init;
  while (auto dps = start.getDefiningOp<DestinationStyleOpInterface>()) {
    if (!isCheapProducer(dps) || dps.getNumDpsInits() != 1)
      break;
    chain.push_back(dps);
    start = dps.getDpsInits()[0];
  }
  auto empty = start.getDefiningOp<tensor::EmptyOp>();
  if (!empty)
    return addDestination(init, /*overwritten=*/false);
  auto fresh = tensor::EmptyOp::create(outside, empty.getLoc(), empty.getMixedSizes(),
                                       empty.getType().getElementType());
  Value current = addDestination(fresh, /*overwritten=*/true);
  OpBuilder inside(block, block->end());
  for (DestinationStyleOpInterface dps : llvm::reverse(chain)) {
    for (Value input : dps.getDpsInputs())
      importValue(input);
    IRMapping local = map;
    local.map(dps.getDpsInits()[0], current);
    inside.setInsertionPointToEnd(block);
    current = inside.clone(*dps.getOperation(), local)->getResult(0);
  }
  return current;
}

void KernelBuilder::cloneDestinationStyle(DestinationStyleOpInterface dps) {
  SmallVector<Value> inits;
  for (OpOperand &operand : root->getOpOperands())
    if (!dps.isDpsInit(&operand))
      importValue(operand.get());
  importRegionUses();
  for (Value init : dps.getDpsInits())
    inits.push_back(importDestination(init));
  OpBuilder inside = OpBuilder::atBlockEnd(block);
  Operation *clone = inside.clone(*root, map);
  for (auto [operand, init] : llvm::zip_equal(cast<DestinationStyleOpInterface>(clone).getDpsInitsMutable(), inits))
    operand.set(init);
  finish(clone->getResults());
}

/// A tensor of the result's shape, for its destination.
Value KernelBuilder::createEmpty(OpResult result) {
  auto type = cast<RankedTensorType>(result.getType());
  SmallVector<OpFoldResult> sizes;
  for (int64_t extent : type.getShape())
    sizes.push_back(outside.getIndexAttr(extent));
  ReifiedRankedShapedTypeDims shapes;
  if (!type.hasStaticShape() && failed(reifyResultShapes(outside, root, shapes)))
    llvm_unreachable("ops without destinations say their shapes");
  for (auto [i, extent] : llvm::enumerate(type.getShape()))
    if (ShapedType::isDynamic(extent))
      sizes[i] = getValueOrCreateConstantIndexOp(outside, root->getLoc(), shapes[result.getResultNumber()][i]);
  return tensor::EmptyOp::create(outside, root->getLoc(), sizes, type.getElementType());
}

void KernelBuilder::cloneWithoutDestinations() {
  SmallVector<OpOperand *> updated; // of each result
  for (OpResult result : root->getResults())
    updated.push_back(attn::getUpdatedOperand(result));
  for (OpOperand &operand : root->getOpOperands())
    if (!llvm::is_contained(updated, &operand))
      importValue(operand.get());
  importRegionUses();
  SmallVector<Value> current; // what each destination holds at first
  for (auto [result, start] : llvm::zip_equal(root->getResults(), updated))
    current.push_back(start ? importDestination(start->get()) : addDestination(createEmpty(result), /*overwritten=*/true));
  OpBuilder inside = OpBuilder::atBlockEnd(block);
  Operation *clone = inside.clone(*root, map);
  SmallVector<Value> results;
  for (auto [result, start, destination] : llvm::zip_equal(clone->getResults(), updated, current)) {
    if (start)
      clone->setOperand(start->getOperandNumber(), destination);
    results.push_back(bufferization::MaterializeInDestinationOp::create(inside, root->getLoc(), result, destination)->getResult(0));
  }
  finish(results);
}

void KernelBuilder::finish(ValueRange results) {
  OpBuilder inside = OpBuilder::atBlockEnd(block);
  func::ReturnOp::create(inside, root->getLoc(), results);
  kernel.setFunctionType(FunctionType::get(root->getContext(), block->getArgumentTypes(), results.getTypes()));
  auto readOnly = inside.getBoolAttr(false);
  for (auto [i, input] : llvm::enumerate(inputs))
    if (isa<TensorType>(input.getType()))
      kernel.setArgAttr(i, "bufferization.writable", readOnly);
}

func::FuncOp KernelBuilder::build() {
  if (auto dps = dyn_cast<DestinationStyleOpInterface>(root))
    cloneDestinationStyle(dps);
  else
    cloneWithoutDestinations();
  return kernel;
}

LaunchOp KernelBuilder::launch(StringRef symbol) {
  SmallVector<Type> types(root->getResultTypes());
  return LaunchOp::create(outside, root->getLoc(), types, FlatSymbolRefAttr::get(outside.getContext(), symbol), inputs,
                          destinations, outside.getDenseBoolArrayAttr(overwrites));
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

class FormKernels : public attnc::impl::FormKernelsBase<FormKernels> {
public:
  void runOnOperation() override {
    // A reshaped tensor.empty is one: what destinations start from is seen.
    RewritePatternSet patterns(&getContext());
    tensor::populateFoldTensorEmptyPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      return signalPassFailure();
    SymbolTable symbols(getOperation());
    for (auto function : llvm::to_vector(getOperation().getOps<func::FuncOp>()))
      if (!function.isExternal() && !function->hasAttr("attnc.kernel"))
        if (failed(formIn(function, symbols)))
          return signalPassFailure();
  }

private:
  LogicalResult formIn(func::FuncOp function, SymbolTable &symbols);
  void formAt(Operation *root, SymbolTable &symbols);
  static LogicalResult checkRest(func::FuncOp function);
  static void collectRoots(Region &region, SmallVectorImpl<Operation *> &roots);
  static void eraseUnused(func::FuncOp function);

  /// Kernels by the text of their body, so that equal bodies are one symbol.
  llvm::StringMap<std::string> known;
};

/// Roots in program order. The regions of a root (a linalg body, a score region) belong to it.
void FormKernels::collectRoots(Region &region, SmallVectorImpl<Operation *> &roots) {
  for (Operation &op : region.getOps()) {
    if (isCompute(&op)) {
      roots.push_back(&op);
      continue;
    }
    for (Region &inner : op.getRegions())
      collectRoots(inner, roots);
  }
}

/// A name that says what the kernel does: entry_op.
std::string kernelName(Operation *root) {
  auto function = root->getParentOfType<func::FuncOp>();
  StringRef op = root->getName().stripDialect();
  return (function.getName() + "_" + op).str();
}

/// The kernel's text without its name.
std::string textOf(func::FuncOp kernel) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  StringAttr name = kernel.getSymNameAttr();
  kernel.setName("kernel");
  kernel->print(stream, OpPrintingFlags().printGenericOpForm());
  kernel.setSymNameAttr(name);
  return text;
}

void FormKernels::formAt(Operation *root, SymbolTable &symbols) {
  KernelBuilder builder(root, kernelName(root));
  func::FuncOp kernel = builder.build();
  std::string &symbol = known[textOf(kernel)];
  if (symbol.empty())
    symbol = symbols.insert(kernel).str();
  else
    kernel->erase();
  root->replaceAllUsesWith(builder.launch(symbol));
  root->erase();
}

/// Producers whose readers all took a clone along. Constants stay for scalars' sake if still used.
void FormKernels::eraseUnused(func::FuncOp function) {
  function.walk<WalkOrder::PostOrder, ReverseIterator>([](Operation *op) {
    if (isOpTriviallyDead(op))
      op->erase();
  });
}

/// What still computes a tensor has no kernel.
LogicalResult FormKernels::checkRest(func::FuncOp function) {
  WalkResult walked = function.walk([](Operation *op) {
    bool computes = isa<tensor::TensorDialect, linalg::LinalgDialect, arith::ArithDialect, math::MathDialect>(op->getDialect());
    if (!computes || !hasTensorResult(op) || isView(op) || isConstantOp(op))
      return WalkResult::advance();
    op->emitOpError("has no kernel; write it with linalg.generic, with tensor.extract in its body where an index is data, or with attn.gather_rows");
    return WalkResult::interrupt();
  });
  return failure(walked.wasInterrupted());
}

LogicalResult FormKernels::formIn(func::FuncOp function, SymbolTable &symbols) {
  SmallVector<Operation *> roots;
  collectRoots(function.getBody(), roots);
  // Cheap producers first become part of their readers; those still used afterwards get kernels.
  auto isCheap = [](Operation *op) { return isCheapProducer(op); };
  llvm::erase_if(roots, isCheap);
  llvm::DenseSet<Operation *> taken;
  for (Operation *root : roots)
    taken.insert_range(getProducts(root));
  llvm::erase_if(roots, [&](Operation *root) { return taken.contains(root); });
  for (Operation *root : roots)
    formAt(root, symbols);
  eraseUnused(function);

  roots.clear();
  collectRoots(function.getBody(), roots);
  function.walk([&](Operation *op) {
    if (isSlice(op))
      roots.push_back(op);
  });
  for (Operation *root : roots)
    formAt(root, symbols);
  eraseUnused(function);
  return checkRest(function);
}

} // namespace
