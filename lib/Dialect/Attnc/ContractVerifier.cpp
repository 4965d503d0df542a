// Verifies the attributes of a function together: what one call promises, and that all functions of a module
// mean the same by a state. Constraints are named as in dialects/attnc/README.md.
#include "ContractVerifier.h"

#include "attnc/Dialect/Attnc/Attnc.h"

#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace attnc {
namespace {

/// An argument or result and its attributes.
struct Item {
  ValueKind kind;
  unsigned index;
  Type type;
  DictionaryAttr attributes;

  StringRef text(StringRef name) const {
    auto value = attributes ? attributes.getAs<StringAttr>(name) : StringAttr();
    return value ? value.getValue() : StringRef();
  }
  Attribute get(StringRef name) const { return attributes ? attributes.get(name) : Attribute(); }
};

StringRef word(ValueKind kind) { return kind == ValueKind::Argument ? "argument" : "result"; }

SmallVector<Item> itemsOf(FunctionOpInterface function) {
  SmallVector<Item> items;
  for (auto [i, type] : llvm::enumerate(function.getArgumentTypes()))
    items.push_back({ValueKind::Argument, unsigned(i), type, function.getArgAttrDict(i)});
  for (auto [i, type] : llvm::enumerate(function.getResultTypes()))
    items.push_back({ValueKind::Result, unsigned(i), type, function.getResultAttrDict(i)});
  return items;
}

/// A state's type and the names of its dimensions, for a message.
std::string describe(const Item &state) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  stream << state.type;
  if (Attribute dims = state.get("attnc.dims"))
    stream << " " << dims;
  return text;
}

/// The first argument or result of that state, null if there is none.
const Item *findState(ArrayRef<Item> items, StringRef state) {
  const Item *found = llvm::find_if(items, [&](const Item &item) { return item.text("attnc.state") == state; });
  return found == items.end() ? nullptr : found;
}

class Contract {
public:
  Contract(FunctionOpInterface function, SymbolTableCollection &symbols)
      : function(function), symbols(symbols), items(itemsOf(function)) {}

  LogicalResult verify();

private:
  bool isEntry() const;
  bool isPlanned() const;
  bool isNewState(const Item &result) const;
  LogicalResult verifyNames();
  LogicalResult verifyDims(const Item &item);
  LogicalResult verifySameInFunction();
  LogicalResult verifySameInModule(const Item &state);
  LogicalResult verifyInit(const Item &state);
  LogicalResult verifyRing(const Item &state);
  InFlightDiagnostic error(const Item &item) {
    return function->emitOpError() << word(item.kind) << " " << item.index << ": ";
  }

  FunctionOpInterface function;
  SymbolTableCollection &symbols;
  SmallVector<Item> items;
};

/// Functions that promise nothing are not entries, and nothing is asked of them.
bool Contract::isEntry() const {
  return llvm::any_of(items, [](const Item &item) { return item.get("attnc.name") || item.get("attnc.state"); });
}

/// The plan phase makes sizes, outputs and weights arguments too, each with its role, and drops what results carried.
bool Contract::isPlanned() const {
  return llvm::any_of(items, [](const Item &item) { return bool(item.get("attnc.role")); });
}

/// A state that no argument brings.
bool Contract::isNewState(const Item &result) const {
  StringRef state = result.text("attnc.state");
  return !state.empty() && findState(items, state)->kind == ValueKind::Result;
}

// entry_c1: names are unique among the arguments (of one role), and among the results.
LogicalResult Contract::verifyNames() {
  llvm::StringMap<unsigned> seen;
  for (const Item &item : items) {
    StringRef name = item.text("attnc.name");
    if (name.empty())
      continue;
    std::string key = (word(item.kind) + " " + item.text("attnc.role") + " " + name).str();
    auto [it, fresh] = seen.try_emplace(key, item.index);
    if (!fresh)
      return error(item) << "expected unique names, got '" << name << "' here and at " << word(item.kind) << " "
                         << it->second;
  }
  return success();
}

// entry_c2: every dynamic dimension of an argument, and of a result that has a name, is named. Those of a state's
// result are told by its argument, those of an initialiser's results by the state.
LogicalResult Contract::verifyDims(const Item &item) {
  int64_t dynamic = numDynamicDims(item.type);
  if (dynamic == 0 || item.get("attnc.dims") || (item.kind == ValueKind::Result && !item.get("attnc.name") && !isNewState(item)))
    return success();
  return error(item) << "expected attnc.dims to name each dynamic dimension (" << dynamic << ") of " << item.type
                     << ", got none";
}

// entry_c3: a state is one argument and one result at most, of the same type and dimensions.
LogicalResult Contract::verifySameInFunction() {
  for (auto [i, item] : llvm::enumerate(items)) {
    StringRef state = item.text("attnc.state");
    if (state.empty())
      continue;
    for (const Item &other : ArrayRef(items).take_front(i)) {
      if (other.text("attnc.state") != state)
        continue;
      if (other.kind == item.kind)
        return error(item) << "expected one " << word(item.kind) << " of the state '" << state << "', got another at "
                           << other.index;
      if (other.type != item.type)
        return error(item) << "expected the state '" << state << "' to have the type of its argument, " << other.type
                           << ", got " << item.type;
      if (item.get("attnc.dims") && item.get("attnc.dims") != other.get("attnc.dims"))
        return error(item) << "expected the state '" << state << "' to have the dims of its argument, "
                           << other.get("attnc.dims") << ", got " << item.get("attnc.dims");
    }
  }
  return success();
}

// state_c2: functions that share a state agree on its type and dimensions.
LogicalResult Contract::verifySameInModule(const Item &state) {
  StringRef name = state.text("attnc.state");
  for (Operation &op : function->getBlock()->getOperations()) {
    if (&op == function)
      break;
    auto other = dyn_cast<FunctionOpInterface>(op);
    if (!other)
      continue;
    SmallVector<Item> others = itemsOf(other);
    const Item *same = findState(others, name);
    if (!same)
      continue;
    if (same->type != state.type || same->get("attnc.dims") != state.get("attnc.dims"))
      return error(state) << "expected the state '" << name << "' to be as in @" << other.getName() << ", "
                          << describe(*same) << ", got " << describe(state);
    return success();
  }
  return success();
}

// init_c2: the function exists, takes sizes alone, and has a result of the state's type.
LogicalResult Contract::verifyInit(const Item &state) {
  Attribute init = state.get("attnc.init");
  if (!init || isPlanned())
    return success();
  auto pair = dyn_cast<ArrayAttr>(init);
  auto symbol = cast<FlatSymbolRefAttr>(pair ? pair[0] : init);
  unsigned k = pair ? cast<IntegerAttr>(pair[1]).getInt() : 0;
  auto f = symbols.lookupNearestSymbolFrom<FunctionOpInterface>(function, symbol);
  if (!f)
    return error(state) << "expected attnc.init to name a function, found none of the name " << symbol;
  if (k >= f.getNumResults())
    return error(state) << "expected " << symbol << " to have a result " << k << ", it has " << f.getNumResults();
  for (auto [i, type] : llvm::enumerate(f.getArgumentTypes()))
    if (!isa<IndexType>(type) || !f.getArgAttrOfType<StringAttr>(i, "attnc.name"))
      return error(state) << "expected " << symbol << " to take sizes alone (index, with attnc.name), argument " << i
                          << " is " << type;
  Type type = f.getResultTypes()[k];
  if (getElementTypeOrSelf(type) != getElementTypeOrSelf(state.type) ||
      failed(verifyCompatibleShape(type, state.type)))
    return error(state) << "expected result " << k << " of " << symbol << " to fit " << state.type << ", got " << type;
  return success();
}

// ring_c2: its count is a state of the same function that holds one integer.
LogicalResult Contract::verifyRing(const Item &state) {
  auto ring = dyn_cast_or_null<DictionaryAttr>(state.get("attnc.ring"));
  if (!ring)
    return success();
  StringRef name = ring.getAs<StringAttr>("count").getValue();
  const Item *count = findState(items, name);
  if (!count)
    return error(state) << "expected the ring's count to name a state of this function, got '" << name << "'";
  auto shaped = cast<ShapedType>(count->type);
  if (!shaped.getElementType().isIntOrIndex() || !shaped.hasStaticShape() || shaped.getNumElements() != 1)
    return error(state) << "expected the ring's count to be one integer, got " << count->type;
  return success();
}

LogicalResult Contract::verify() {
  if (!isEntry())
    return success();
  if (failed(verifyNames()))
    return failure();
  for (const Item &item : items)
    if (failed(verifyDims(item)))
      return failure();
  if (failed(verifySameInFunction()))
    return failure();
  llvm::StringSet<> seen;
  for (const Item &item : items) {
    StringRef state = item.text("attnc.state");
    if (state.empty() || !seen.insert(state).second)
      continue;
    if (failed(verifySameInModule(item)) || failed(verifyInit(item)) || failed(verifyRing(item)))
      return failure();
  }
  return success();
}

} // namespace

LogicalResult verifyContract(FunctionOpInterface function, SymbolTableCollection &symbols) {
  return Contract(function, symbols).verify();
}

} // namespace attnc
