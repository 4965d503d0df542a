// Verifies each attribute of the attnc dialect by itself. Constraints are named as in dialects/attnc/README.md.
#include "ContractVerifier.h"

#include "attnc/Dialect/Attnc/Attnc.h"

#include "mlir/IR/BuiltinTypes.h"

using namespace mlir;

namespace attnc {

int64_t numDynamicDims(Type type) {
  auto shaped = dyn_cast<ShapedType>(type);
  return shaped && shaped.hasRank() ? shaped.getNumDynamicDims() : 0;
}

StringRef capacityName(StringRef dim) { return dim.consume_front("capacity ") ? dim : StringRef(); }

namespace {

/// The argument or result that an attribute stands on.
struct Place {
  mutable FunctionOpInterface function;
  ValueKind kind;
  unsigned index;

  Type type() const {
    return kind == ValueKind::Argument ? function.getArgumentTypes()[index] : function.getResultTypes()[index];
  }
  Attribute get(StringRef name) const {
    return kind == ValueKind::Argument ? function.getArgAttr(index, name) : function.getResultAttr(index, name);
  }
  InFlightDiagnostic error(StringRef attribute) const {
    return function->emitOpError(kind == ValueKind::Argument ? "argument " : "result ")
           << index << ": " << attribute << ": ";
  }
};

// name_c1, state_c1: a string that is not empty.
LogicalResult verifyString(const Place &place, NamedAttribute attribute) {
  auto text = dyn_cast<StringAttr>(attribute.getValue());
  if (!text || text.empty())
    return place.error(attribute.getName()) << "expected a string that is not empty, got " << attribute.getValue();
  return success();
}

// dims_c1: as many names as the type has dynamic dimensions.
// dims_c2: a name is a word; "capacity N" stands on a state only.
LogicalResult verifyDims(const Place &place, NamedAttribute attribute) {
  auto names = dyn_cast<ArrayAttr>(attribute.getValue());
  if (!names || !llvm::all_of(names, llvm::IsaPred<StringAttr>))
    return place.error("attnc.dims") << "expected an array of strings, got " << attribute.getValue();
  if (int64_t dynamic = numDynamicDims(place.type()); int64_t(names.size()) != dynamic)
    return place.error("attnc.dims") << "expected " << dynamic << " names as " << place.type()
                                     << " has dynamic dimensions, got " << names.size();
  for (auto name : names.getAsRange<StringAttr>()) {
    StringRef capacity = capacityName(name), word = capacity.empty() ? name.getValue() : capacity;
    if (word.empty() || word.contains(' '))
      return place.error("attnc.dims") << "expected a name of one word (or \"capacity\" and one), got " << name;
    if (!capacity.empty() && !place.get("attnc.state"))
      return place.error("attnc.dims") << "expected a capacity on a state only, got " << name << " without attnc.state";
  }
  return success();
}

// state_c1: a named tensor.
LogicalResult verifyState(const Place &place, NamedAttribute attribute) {
  if (failed(verifyString(place, attribute)))
    return failure();
  if (!isa<RankedTensorType, MemRefType>(place.type()))
    return place.error("attnc.state") << "expected a state to be a ranked tensor, got " << place.type();
  return success();
}

// init_c1: @f or [@f, k], on a state.
LogicalResult verifyInit(const Place &place, NamedAttribute attribute) {
  Attribute value = attribute.getValue();
  auto pair = dyn_cast<ArrayAttr>(value);
  auto number = pair && pair.size() == 2 ? dyn_cast<IntegerAttr>(pair[1]) : IntegerAttr();
  bool good = pair ? number && isa<FlatSymbolRefAttr>(pair[0]) && !number.getValue().isNegative()
                   : isa<FlatSymbolRefAttr>(value);
  if (!good)
    return place.error("attnc.init") << "expected @f or [@f, number of the result], got " << value;
  if (!place.get("attnc.state"))
    return place.error("attnc.init") << "expected attnc.state beside it";
  return success();
}

/// An integer of a ring's dictionary that is absent or in [least, end).
LogicalResult verifyRingNumber(const Place &place, DictionaryAttr ring, StringRef key, int64_t least, int64_t end) {
  Attribute value = ring.get(key);
  auto number = dyn_cast_or_null<IntegerAttr>(value);
  if (!value && key != "along")
    return success();
  if (!number || number.getInt() < least || number.getInt() >= end) {
    auto error = place.error("attnc.ring") << "expected " << key << " to be at least " << least;
    if (end != INT64_MAX)
      error << " and less than " << end;
    return value ? error << ", got " << value : error << ", got none";
  }
  return success();
}

// ring_c1: {along, count, unit, pinned} on a state: along is a dimension of it, count the name of a state.
LogicalResult verifyRing(const Place &place, NamedAttribute attribute) {
  auto ring = dyn_cast<DictionaryAttr>(attribute.getValue());
  if (!ring)
    return place.error("attnc.ring") << "expected {along, count, unit, pinned}, got " << attribute.getValue();
  for (NamedAttribute entry : ring)
    if (!llvm::is_contained({"along", "count", "unit", "pinned"}, entry.getName()))
      return place.error("attnc.ring") << "expected along, count, unit or pinned, got " << entry.getName();
  auto shaped = dyn_cast<ShapedType>(place.type());
  if (!place.get("attnc.state") || !shaped || !shaped.hasRank())
    return place.error("attnc.ring") << "expected attnc.state beside it";
  if (failed(verifyRingNumber(place, ring, "along", 0, shaped.getRank())) ||
      failed(verifyRingNumber(place, ring, "unit", 1, INT64_MAX)) ||
      failed(verifyRingNumber(place, ring, "pinned", 0, INT64_MAX)))
    return failure();
  if (!isa_and_nonnull<StringAttr>(ring.get("count")))
    return place.error("attnc.ring") << "expected count to name the state that counts what was appended";
  return success();
}

/// {by = @f, from = ["w"]}.
bool isPreparation(Attribute value) {
  auto how = dyn_cast<DictionaryAttr>(value);
  auto from = how ? how.getAs<ArrayAttr>("from") : ArrayAttr();
  return from && how.size() == 2 && how.getAs<FlatSymbolRefAttr>("by") && llvm::all_of(from, llvm::IsaPred<StringAttr>);
}

} // namespace

LogicalResult verifyValueAttribute(Operation *op, ValueKind kind, unsigned index, NamedAttribute attribute) {
  auto function = dyn_cast<FunctionOpInterface>(op);
  // In the LLVM dialect types are those of the target's interface.
  if (!function || op->getName().getDialectNamespace() != "func")
    return success();
  Place place{function, kind, index};
  StringRef name = attribute.getName();
  if (name == "attnc.name" || name == "attnc.role")
    return verifyString(place, attribute);
  if (name == "attnc.dims")
    return verifyDims(place, attribute);
  if (name == "attnc.state")
    return verifyState(place, attribute);
  if (name == "attnc.init")
    return verifyInit(place, attribute);
  if (name == "attnc.ring")
    return verifyRing(place, attribute);
  if (name == "attnc.prepared" && isPreparation(attribute.getValue()))
    return success();
  return place.error(name) << "unknown; expected attnc.name, dims, state, init or ring";
}

// bounds_c1: {T = array<i64: least, most>} on a function that has the size T.
static LogicalResult verifyBounds(Operation *op, Attribute value) {
  auto function = dyn_cast<FunctionOpInterface>(op);
  auto bounds = dyn_cast<DictionaryAttr>(value);
  if (op->getName().getDialectNamespace() == "llvm") // arguments are those of the target's interface
    return success();
  if (!function || !bounds)
    return op->emitOpError("expected attnc.bounds to be a dictionary of sizes on a function, got ") << value;
  auto hasSize = [&](StringAttr name) {
    for (unsigned i = 0; i < function.getNumArguments(); ++i) {
      auto dims = function.getArgAttrOfType<ArrayAttr>(i, "attnc.dims");
      if (dims && llvm::is_contained(dims, name))
        return true;
    }
    return false;
  };
  for (NamedAttribute bound : bounds) {
    auto range = dyn_cast<DenseI64ArrayAttr>(bound.getValue());
    if (!range || range.size() != 2 || range[0] < 0 || range[0] > range[1])
      return op->emitOpError("attnc.bounds: expected array<i64: least, most> for size '") << bound.getName().strref() << "', got " << bound.getValue();
    if (!hasSize(bound.getName()))
      return op->emitOpError("attnc.bounds: no argument has the size '") << bound.getName().strref() << "'";
  }
  return success();
}

// prepare_c1: a flag of a public function of static tensors. (Rests behind the plan phase, where they are buffers.)
static LogicalResult verifyPrepare(Operation *op, Attribute value) {
  if (!isa<UnitAttr>(value))
    return op->emitOpError("expected attnc.prepare to have no value, got ") << value;
  auto function = dyn_cast<FunctionOpInterface>(op);
  if (!function)
    return op->emitOpError("expected attnc.prepare on a public function");
  if (llvm::none_of(function.getArgumentTypes(), llvm::IsaPred<TensorType>))
    return success();
  if (!function.isPublic())
    return op->emitOpError("expected attnc.prepare on a public function");
  auto isStatic = [](Type type) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    return tensor && tensor.hasStaticShape();
  };
  if (function.getNumResults() != 1 || !llvm::all_of(function.getArgumentTypes(), isStatic) || !isStatic(function.getResultTypes()[0]))
    return op->emitOpError("expected attnc.prepare on a function of static tensors with one result, got ") << function.getFunctionType();
  return success();
}

// prepared_c1: {by, from}; prepared_c2: the function makes the global. (Globals are verified with their module alone.)
static LogicalResult verifyPrepared(Operation *op, Attribute value) {
  auto type = op->getAttrOfType<TypeAttr>("type");
  if (!isPreparation(value) || op->getName().getStringRef() != "ml_program.global")
    return op->emitOpError("expected attnc.prepared to be {by = @function, from = [names]} on an ml_program.global, got ") << value;
  auto how = cast<DictionaryAttr>(value);
  auto symbol = how.getAs<FlatSymbolRefAttr>("by");
  auto function = SymbolTable::lookupNearestSymbolFrom<FunctionOpInterface>(op, symbol);
  if (!function || !function->hasAttr("attnc.prepare"))
    return op->emitOpError("attnc.prepared: expected a function marked attnc.prepare, found none of the name ") << symbol;
  if (function.getNumArguments() != how.getAs<ArrayAttr>("from").size() || function.getNumResults() != 1 || function.getResultTypes()[0] != type.getValue())
    return op->emitOpError("attnc.prepared: expected ") << symbol << " to take " << how.getAs<ArrayAttr>("from").size() << " weights and to return "
                                                        << type.getValue() << ", got " << function.getFunctionType();
  return success();
}

// kernel_c1: a flag of a private function.
LogicalResult verifyFunctionAttribute(Operation *op, NamedAttribute attribute) {
  StringRef name = attribute.getName();
  if (llvm::is_contained({"attnc.name", "attnc.dims", "attnc.state", "attnc.init", "attnc.ring"}, name))
    return op->emitOpError("expected ") << name << " on an argument or result of a function";
  if (name == "attnc.bounds")
    return verifyBounds(op, attribute.getValue());
  if (name == "attnc.prepare")
    return verifyPrepare(op, attribute.getValue());
  if (name == "attnc.prepared")
    return verifyPrepared(op, attribute.getValue());
  if (name != "attnc.kernel")
    return success();
  if (!isa<UnitAttr>(attribute.getValue()))
    return op->emitOpError("expected attnc.kernel to have no value, got ") << attribute.getValue();
  auto function = dyn_cast<FunctionOpInterface>(op);
  if (!function || !function.isPrivate())
    return op->emitOpError("expected attnc.kernel on a private function");
  return success();
}

} // namespace attnc
