// Makes everything an entry touches one of its arguments.
//
// Before: entries take inputs and states and return outputs and states; weights are loaded by name.
// After: arguments are sizes, inputs, outputs, states, weights, in this order, which is also the order of
// the package's ABI; results are computed into the arguments of outputs and states, so that bufferization
// writes in place and the buffers are the caller's.
#include "attnc/Memory/Memory.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/MapVector.h"

namespace attnc {
#define GEN_PASS_DEF_ENTRYARGUMENTS
#include "attnc/Memory/Passes.h.inc"
} // namespace attnc

using namespace mlir;

namespace {

/// Rewrites one entry.
class EntryRewriter {
public:
  /// `initialDims`: of a function that makes initial states, the attnc.dims of each result.
  EntryRewriter(func::FuncOp function, ArrayRef<Attribute> initialDims)
      : function(function), body(&function.getBody().front()), builder(function.getContext()), initialDims(initialDims) {}
  LogicalResult run();

private:
  struct Argument {
    Type type;
    DictionaryAttr attributes;
    Value old;              ///< The argument it replaces, if any.
    int64_t result = -1;    ///< The result that is computed into it, if any.
  };

  void collectInputsAndStates();
  LogicalResult collectResults();
  void collectWeights();
  void collectSizes();
  void addArgument(SmallVectorImpl<Argument> &list, Type type, DictionaryAttr attributes, StringRef role, Value old = {}, int64_t result = -1);
  void replaceArguments();
  SmallVector<Value> computedSizes(ArrayRef<Value> returned);
  LogicalResult storeResults();

  func::FuncOp function;
  Block *body;
  OpBuilder builder;
  ArrayRef<Attribute> initialDims;
  llvm::MapVector<StringRef, Value> givenSizes; ///< index arguments of an initialiser, by the size they are
  SmallVector<Argument> inputs, outputs, states, weights;
  llvm::MapVector<StringRef, Value> sizes; ///< by name, in order of first appearance
  SmallVector<StringRef> sizeNames, computed; ///< all, and those that only outputs have
  llvm::SmallVector<ml_program::GlobalLoadConstOp> loads;
};

DictionaryAttr with(Builder &b, DictionaryAttr attributes, StringRef name, Attribute value) {
  NamedAttrList list(attributes);
  list.set(name, value);
  return list.getDictionary(b.getContext());
}

void EntryRewriter::addArgument(SmallVectorImpl<Argument> &list, Type type, DictionaryAttr attributes, StringRef role, Value old, int64_t result) {
  if (!attributes)
    attributes = builder.getDictionaryAttr({});
  list.push_back({type, with(builder, attributes, "attnc.role", builder.getStringAttr(role)), old, result});
}

void EntryRewriter::collectInputsAndStates() {
  for (BlockArgument argument : body->getArguments()) {
    DictionaryAttr attributes = function.getArgAttrDict(argument.getArgNumber());
    if (!initialDims.empty()) { // takes sizes alone
      givenSizes[attributes.getAs<StringAttr>("attnc.name").getValue()] = argument;
      continue;
    }
    bool state = attributes && attributes.contains("attnc.state");
    addArgument(state ? states : inputs, argument.getType(), attributes, state ? "state" : "input", argument);
  }
}

LogicalResult EntryRewriter::collectResults() {
  for (auto [i, type] : llvm::enumerate(function.getResultTypes())) {
    DictionaryAttr attributes = function.getResultAttrDict(i);
    auto state = attributes ? attributes.getAs<StringAttr>("attnc.state") : StringAttr();
    if (!state) {
      if (!initialDims.empty() && initialDims[i])
        attributes = with(builder, attributes ? attributes : builder.getDictionaryAttr({}), "attnc.dims", initialDims[i]);
      Type tensor = isa<RankedTensorType>(type) ? Type(type) : RankedTensorType::get({}, type);
      addArgument(outputs, tensor, attributes, "output", {}, i);
      continue;
    }
    auto *known = llvm::find_if(states, [&](Argument &a) { return a.attributes.get("attnc.state") == state; });
    if (known != states.end())
      known->result = i;
    else // a state that this entry only writes
      addArgument(states, type, attributes, "state", {}, i);
  }
  return success();
}

void EntryRewriter::collectWeights() {
  SymbolTable symbols(function->getParentOfType<ModuleOp>());
  llvm::MapVector<StringAttr, Value> seen;
  function.walk([&](ml_program::GlobalLoadConstOp load) { loads.push_back(load); });
  for (ml_program::GlobalLoadConstOp load : loads) {
    StringAttr name = load.getGlobal().getLeafReference();
    if (!seen.insert({name, load.getResult()}).second)
      continue;
    auto attributes = builder.getDictionaryAttr({builder.getNamedAttr("attnc.name", name)});
    auto global = symbols.lookup<ml_program::GlobalOp>(name);
    if (Attribute how = global ? global->getAttr("attnc.prepared") : Attribute())
      attributes = with(builder, attributes, "attnc.prepared", how);
    addArgument(weights, load.getType(), attributes, "weight");
  }
}

/// The names of dynamic dimensions, in order of first appearance over inputs, states and outputs, and those that
/// an initialiser takes as index arguments.
void EntryRewriter::collectSizes() {
  llvm::SetVector<StringRef> names;
  for (auto &[name, argument] : givenSizes)
    names.insert(name);
  for (auto *list : {&inputs, &states, &outputs})
    for (Argument &argument : *list)
      if (auto dims = argument.attributes.getAs<ArrayAttr>("attnc.dims"))
        for (auto name : dims.getAsRange<StringAttr>())
          names.insert(name.getValue());
  sizeNames.assign(names.begin(), names.end());
  llvm::SetVector<StringRef> given;
  for (auto &[name, argument] : givenSizes)
    given.insert(name);
  for (auto *list : {&inputs, &states})
    for (Argument &argument : *list)
      if (auto dims = argument.attributes.getAs<ArrayAttr>("attnc.dims"))
        for (auto name : dims.getAsRange<StringAttr>())
          given.insert(name.getValue());
  names.set_subtract(given);
  computed.assign(names.begin(), names.end());
}

void EntryRewriter::replaceArguments() {
  unsigned oldCount = body->getNumArguments();
  SmallVector<DictionaryAttr> attributes;
  for (StringRef name : sizeNames) {
    sizes[name] = body->addArgument(builder.getIndexType(), function.getLoc());
    attributes.push_back(builder.getDictionaryAttr({builder.getNamedAttr("attnc.name", builder.getStringAttr(name)),
                                                    builder.getNamedAttr("attnc.role", builder.getStringAttr("size"))}));
  }
  for (auto *list : {&inputs, &outputs, &states, &weights})
    for (Argument &argument : *list) {
      Value fresh = body->addArgument(argument.type, argument.old ? argument.old.getLoc() : function.getLoc());
      bool writable = list == &outputs || list == &states;
      attributes.push_back(isa<TensorType>(argument.type) ? with(builder, argument.attributes, "bufferization.writable", builder.getBoolAttr(writable))
                                                          : argument.attributes);
      if (argument.old)
        argument.old.replaceAllUsesWith(fresh);
      argument.old = fresh;
    }
  for (auto &[name, argument] : givenSizes)
    argument.replaceAllUsesWith(sizes[name]);
  body->eraseArguments(0, oldCount);
  function.setFunctionType(builder.getFunctionType(body->getArgumentTypes(), function.getResultTypes()));
  function.setAllArgAttrs(attributes);
}

/// Sizes that only outputs have, as the values returned have them.
SmallVector<Value> EntryRewriter::computedSizes(ArrayRef<Value> returned) {
  SmallVector<Value> found;
  for (StringRef name : computed)
    for (Argument &output : outputs) {
      auto type = dyn_cast<RankedTensorType>(returned[output.result].getType());
      auto dims = output.attributes.getAs<ArrayAttr>("attnc.dims");
      auto *at = dims ? llvm::find(dims, builder.getStringAttr(name)) : nullptr;
      if (!dims || at == dims.end())
        continue;
      int64_t d = 0;
      for (auto left = std::distance(dims.begin(), at); left > 0 || !type.isDynamicDim(d); ++d)
        left -= type.isDynamicDim(d);
      found.push_back(tensor::DimOp::create(builder, function.getLoc(), returned[output.result], d));
      break;
    }
  return found;
}

LogicalResult EntryRewriter::storeResults() {
  auto ret = cast<func::ReturnOp>(body->getTerminator());
  builder.setInsertionPoint(ret);
  SmallVector<Value> results;
  SmallVector<Value> values(ret.getOperands());
  for (auto *list : {&outputs, &states})
    for (Argument &argument : *list) {
      if (argument.result < 0)
        continue;
      Value value = values[argument.result];
      if (!isa<RankedTensorType>(value.getType()))
        value = tensor::FromElementsOp::create(builder, ret.getLoc(), cast<RankedTensorType>(argument.type), value);
      results.push_back(bufferization::MaterializeInDestinationOp::create(builder, ret.getLoc(), value, argument.old)->getResult(0));
    }
  llvm::append_range(results, computedSizes(values));
  ret->setOperands(results);
  if (!computed.empty())
    function->setAttr("attnc.computed", builder.getStrArrayAttr(computed));
  function.setFunctionType(builder.getFunctionType(body->getArgumentTypes(), TypeRange(ValueRange(results))));
  function.setAllResultAttrs(SmallVector<DictionaryAttr>(results.size(), builder.getDictionaryAttr({})));
  return success();
}

LogicalResult EntryRewriter::run() {
  collectInputsAndStates();
  if (failed(collectResults()))
    return failure();
  collectWeights();
  collectSizes();
  replaceArguments();
  llvm::DenseMap<StringAttr, Value> byName;
  for (Argument &weight : weights)
    byName[weight.attributes.getAs<StringAttr>("attnc.name")] = weight.old;
  for (ml_program::GlobalLoadConstOp load : loads) {
    load.replaceAllUsesWith(byName[load.getGlobal().getLeafReference()]);
    load.erase();
  }
  return storeResults();
}

class EntryArguments : public attnc::impl::EntryArgumentsBase<EntryArguments> {
public:
  void runOnOperation() override {
    inlineDenseGlobals();
    llvm::DenseMap<StringAttr, SmallVector<Attribute>> initialDims = collectInitialDims();
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (function.isPublic() && !function.isExternal() &&
          failed(EntryRewriter(function, initialDims[function.getSymNameAttr()]).run()))
        return signalPassFailure();
    // Nothing loads them any more.
    SymbolTableCollection symbols;
    SymbolUserMap users(symbols, getOperation());
    for (auto global : llvm::to_vector(getOperation().getOps<ml_program::GlobalOp>()))
      if (users.useEmpty(global))
        global.erase();
  }

private:
  /// The functions that attnc.init names, with the sizes of the states that their results start.
  llvm::DenseMap<StringAttr, SmallVector<Attribute>> collectInitialDims() {
    llvm::DenseMap<StringAttr, SmallVector<Attribute>> dims;
    SymbolTable symbols(getOperation());
    for (auto function : getOperation().getOps<func::FuncOp>())
      for (unsigned i = 0; i < function.getNumArguments(); ++i) {
        Attribute init = function.getArgAttr(i, "attnc.init");
        if (!init)
          continue;
        auto pair = dyn_cast<ArrayAttr>(init);
        auto symbol = cast<FlatSymbolRefAttr>(pair ? pair[0] : init).getAttr();
        auto &results = dims[symbol];
        results.resize(symbols.lookup<func::FuncOp>(symbol).getNumResults());
        results[pair ? cast<IntegerAttr>(pair[1]).getInt() : 0] = function.getArgAttr(i, "attnc.dims");
      }
    return dims;
  }

  /// A global whose value stands in the module is a constant.
  void inlineDenseGlobals() {
    SymbolTable symbols(getOperation());
    getOperation().walk([&](ml_program::GlobalLoadConstOp load) {
      auto global = symbols.lookup<ml_program::GlobalOp>(load.getGlobal().getLeafReference());
      auto value = global ? dyn_cast_or_null<ElementsAttr>(global.getValueAttr()) : ElementsAttr();
      if (!value || isa<ml_program::ExternAttr>(global.getValueAttr()))
        return;
      OpBuilder b(load);
      load.replaceAllUsesWith(arith::ConstantOp::create(b, load.getLoc(), cast<TypedAttr>(global.getValueAttr())).getResult());
      load.erase();
    });
  }
};

} // namespace
