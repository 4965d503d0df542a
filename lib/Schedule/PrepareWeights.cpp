// Takes what depends on weights alone out of the entries.
//
// Before: entries on tensors, weights loaded by name. After: a tensor that an entry computed from weights and constants alone,
// and that is worth it (WeightValues.h), is a weight itself: an ml_program.global that says which function, marked attnc.prepare,
// makes it of which weights. Of a chain the last tensor is taken: what other ops of the entry read, not as their destination
// (which would be copied in every call). Functions take their weights as arguments, so equal computations, of several layers
// say, are one function, and equal computations of the same weights one prepared weight. Functions that make initial states
// run once a session and stay as they are.
#include "attnc/Schedule/Schedule.h"

#include "WeightValues.h"

#include "attnc/Dialect/Attnc/Attnc.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Iterators.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/StringSet.h"

namespace attnc {
#define GEN_PASS_DEF_PREPAREWEIGHTS
#include "attnc/Schedule/Passes.h.inc"
} // namespace attnc

using namespace mlir;
using namespace attnc;

namespace {

/// The tensors of one function that become weights, in the order in which they are found.
class Candidates {
public:
  explicit Candidates(func::FuncOp function) {
    function.walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (op == function.getOperation())
        return WalkResult::advance();
      if (isFixed(op))
        return WalkResult::skip(); // with its regions
      for (Value operand : op->getOperands())
        need(operand);
      return WalkResult::advance();
    });
  }

  llvm::SetVector<Value> chosen;

private:
  bool isFixed(Operation *op) { return op->getNumResults() && values.isWeight(op->getResult(0)); }

  /// Whether a use would make a copy of the value to write over.
  bool isDestination(OpOperand &use) {
    auto reader = dyn_cast<DestinationStyleOpInterface>(use.getOwner());
    return reader && reader.isDpsInit(&use) && !isFixed(reader);
  }

  /// A value that something reads in each call: kept if it is worth it, else what it is made of.
  void need(Value value) {
    if (!values.isWeight(value) || !seen.insert(value).second)
      return;
    Operation *op = value.getDefiningOp();
    if (values.isWorthKeeping(value) && llvm::none_of(value.getUses(), [&](OpOperand &use) { return isDestination(use); }))
      chosen.insert(value);
    else
      for (Value operand : WeightValues::reads(op))
        need(operand);
  }

  WeightValues values;
  llvm::DenseSet<Value> seen;
};

/// "pack16" for a pack into tiles of 16, otherwise the op's name.
std::string nameOf(Operation *op) {
  std::string name = op->getName().stripDialect().str();
  if (auto pack = dyn_cast<linalg::PackOp>(op))
    name += llvm::join(llvm::map_range(pack.getStaticInnerTiles(), [](int64_t n) { return std::to_string(n); }), "x");
  return name;
}

/// The function that makes a value, with its weights as arguments.
class PreparationBuilder {
public:
  explicit PreparationBuilder(Value value) : value(value) {
    auto context = value.getContext();
    function = func::FuncOp::create(value.getLoc(), "prepare_" + nameOf(value.getDefiningOp()), FunctionType::get(context, {}, {}));
    function->setAttr("attnc.prepare", UnitAttr::get(context));
    OpBuilder builder = OpBuilder::atBlockEnd(function.addEntryBlock());
    Value result = import(value, builder);
    func::ReturnOp::create(builder, value.getLoc(), result);
    function.setFunctionType(FunctionType::get(context, function.getBody().getArgumentTypes(), result.getType()));
    for (unsigned i = 0; i < function.getNumArguments(); ++i)
      function.setArgAttr(i, "attnc.name", builder.getStringAttr("weight" + Twine(i)));
  }

  func::FuncOp function;
  SmallVector<Attribute> weights; ///< the names of those that it reads

private:
  Value import(Value outside, OpBuilder &builder) {
    if (Value known = map.lookupOrNull(outside))
      return known;
    Operation *op = outside.getDefiningOp();
    if (auto load = dyn_cast<ml_program::GlobalLoadConstOp>(op)) {
      StringAttr name = load.getGlobal().getLeafReference();
      Value &argument = arguments[name];
      if (!argument) {
        argument = function.getBody().addArgument(load.getType(), function.getLoc());
        weights.push_back(name);
      }
      map.map(outside, argument);
      return argument;
    }
    for (Value read : WeightValues::reads(op))
      import(read, builder);
    builder.clone(*op, map);
    return map.lookup(outside);
  }

  Value value;
  IRMapping map;
  llvm::DenseMap<StringAttr, Value> arguments;
};

class PrepareWeights : public attnc::impl::PrepareWeightsBase<PrepareWeights> {
public:
  void runOnOperation() override {
    ModuleOp module = getOperation();
    SymbolTable symbols(module);
    llvm::StringSet<> initialisers = namesOfInitialisers(module);
    for (auto function : llvm::to_vector(module.getOps<func::FuncOp>()))
      if (function.isPublic() && !function.isExternal() && !initialisers.contains(function.getName()))
        prepareFor(function, symbols);
    for (auto function : module.getOps<func::FuncOp>())
      if (function->hasAttr("attnc.prepare") && failed(lowerPacks(function)))
        return signalPassFailure();
  }

private:
  static llvm::StringSet<> namesOfInitialisers(ModuleOp module) {
    llvm::StringSet<> names;
    for (auto function : module.getOps<func::FuncOp>())
      for (unsigned i = 0; i < function.getNumArguments(); ++i)
        if (Attribute init = function.getArgAttr(i, "attnc.init"))
          names.insert(cast<FlatSymbolRefAttr>(isa<ArrayAttr>(init) ? cast<ArrayAttr>(init)[0] : init).getValue());
    return names;
  }

  void prepareFor(func::FuncOp function, SymbolTable &symbols) {
    for (Value value : Candidates(function).chosen) {
      auto global = FlatSymbolRefAttr::get(globalFor(value, symbols));
      OpBuilder builder(value.getDefiningOp());
      value.replaceAllUsesWith(ml_program::GlobalLoadConstOp::create(builder, value.getLoc(), value.getType(), global));
    }
    function.walk<WalkOrder::PostOrder, ReverseIterator>([](Operation *op) {
      if (isOpTriviallyDead(op))
        op->erase();
    });
  }

  /// The prepared weight of a value, and its function, are made when they are not there yet.
  StringAttr globalFor(Value value, SymbolTable &symbols) {
    PreparationBuilder preparation(value);
    ArrayAttr from = ArrayAttr::get(&getContext(), preparation.weights);
    StringAttr &by = functions[textOf(preparation.function)];
    if (by)
      preparation.function->erase();
    else
      by = symbols.insert(preparation.function);
    StringAttr &global = globals[{by, from}];
    if (!global) {
      OpBuilder builder = OpBuilder::atBlockBegin(getOperation().getBody());
      std::string name = cast<StringAttr>(from[0]).str() + (from.size() > 1 ? "+" + std::to_string(from.size() - 1) : "");
      auto type = cast<RankedTensorType>(value.getType());
      auto op = ml_program::GlobalOp::create(builder, value.getLoc(), name + ":" + nameOf(value.getDefiningOp()), type, /*is_mutable=*/false,
                                             ml_program::ExternAttr::get(&getContext(), type), builder.getStringAttr("private"));
      op->setAttr("attnc.prepared", builder.getDictionaryAttr({builder.getNamedAttr("by", FlatSymbolRefAttr::get(by)), builder.getNamedAttr("from", from)}));
      global = symbols.insert(op);
    }
    return global;
  }

  /// A function's text without its name.
  static std::string textOf(func::FuncOp function) {
    std::string text;
    llvm::raw_string_ostream stream(text);
    StringAttr name = function.getSymNameAttr();
    function.setName("prepare");
    function->print(stream, OpPrintingFlags().printGenericOpForm());
    function.setSymNameAttr(name);
    return text;
  }

  /// pack = pad, split, transpose: ordinary kernels, as this runs once.
  static LogicalResult lowerPacks(func::FuncOp function) {
    IRRewriter rewriter(function.getContext());
    WalkResult walked = function.walk([&](linalg::PackOp pack) {
      rewriter.setInsertionPoint(pack);
      FailureOr<linalg::LowerPackResult> parts = linalg::lowerPack(rewriter, pack);
      if (failed(parts))
        return WalkResult::interrupt();
      tensor::PadOp pad = parts->padOp;
      if (pad && pad.getType() == pad.getSourceType())
        rewriter.replaceOp(pad, pad.getSource());
      else if (pad) {
        rewriter.setInsertionPoint(pad);
        return WalkResult(linalg::rewriteInDestinationPassingStyle(rewriter, pad));
      }
      return WalkResult::advance();
    });
    return failure(walked.wasInterrupted());
  }

  llvm::StringMap<StringAttr> functions; ///< by text
  llvm::DenseMap<std::pair<StringAttr, ArrayAttr>, StringAttr> globals;
};

} // namespace
