// Reads the attributes of dialects/attnc/README.md off public functions, as the plan phase does for packages.
#include "Signature.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace attnc::reference {
namespace {

std::optional<DType> dtypeOf(Type type) {
  type = getElementTypeOrSelf(type);
  if (isa<FloatType>(type))
    return DType::F64;
  if (type.isIndex() || type.isInteger(64))
    return DType::I64;
  if (type.isInteger(32))
    return DType::I32;
  if (type.isInteger(16))
    return DType::I16;
  if (type.isUnsignedInteger(8))
    return DType::U8;
  if (type.isInteger(8))
    return DType::I8;
  if (type.isInteger(1))
    return DType::I1;
  return std::nullopt;
}

class Reader {
public:
  explicit Reader(ModuleOp module) : module(module) {}
  Expected<Manifest> read();

private:
  Status readFunction(func::FuncOp function);
  Status readInitialisers();
  Expected<TensorDecl> readTensor(Type type, DictionaryAttr attributes, const std::string &name);
  int readState(TensorDecl decl, DictionaryAttr attributes);

  ModuleOp module;
  Manifest signature;
  llvm::StringMap<int> functions;
  std::vector<Attribute> initialisers; // one a state, null where there is none
};

/// Sizes without a name, in functions that promise nothing, are named for where they are.
Expected<TensorDecl> Reader::readTensor(Type type, DictionaryAttr attributes, const std::string &name) {
  std::optional<DType> dtype = dtypeOf(type);
  if (!dtype || (isa<ShapedType>(type) && !isa<RankedTensorType>(type))) {
    std::string text;
    llvm::raw_string_ostream(text) << type;
    return makeError(ErrorKind::Unsupported, "'", name, "' is of type ", text,
                     ": expected a number, or a ranked tensor of floats or of i64, i32, i16, i8 or i1");
  }
  TensorDecl decl{name, *dtype, {}};
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor)
    return decl;
  auto names = attributes ? attributes.getAs<ArrayAttr>("attnc.dims") : ArrayAttr();
  unsigned next = 0;
  for (auto [axis, size] : llvm::enumerate(tensor.getShape())) {
    if (!ShapedType::isDynamic(size)) {
      decl.shape.push_back(Dim::fixed(size));
      continue;
    }
    StringRef word = names ? cast<StringAttr>(names[next++]).getValue() : "";
    if (word.consume_front("capacity "))
      decl.shape.push_back(Dim::capacity(word.str()));
    else
      decl.shape.push_back(Dim::named(word.empty() ? concat(name, ".", axis) : word.str()));
  }
  return decl;
}

int Reader::readState(TensorDecl decl, DictionaryAttr attributes) {
  int index = signature.findState(decl.name);
  if (index < 0) {
    index = int(signature.states.size());
    signature.states.push_back({std::move(decl), std::nullopt, 0, std::nullopt});
    initialisers.emplace_back();
  }
  // Any of the entries that share a state may say how it begins and that it is a ring.
  if (Attribute init = attributes.get("attnc.init"))
    initialisers[size_t(index)] = init;
  if (auto ring = attributes.getAs<DictionaryAttr>("attnc.ring")) {
    auto number = [&](StringRef key, int64_t otherwise) {
      auto value = ring.getAs<IntegerAttr>(key);
      return value ? value.getInt() : otherwise;
    };
    signature.states[size_t(index)].ring =
        RingDecl{int(number("along", 0)), ring.getAs<StringAttr>("count").str(), number("unit", 1), number("pinned", 0)};
  }
  return index;
}

Status Reader::readFunction(func::FuncOp function) {
  Function out;
  out.name = function.getName().str();
  auto add = [&](Type type, DictionaryAttr attributes, std::vector<TensorDecl> &list, const char *role) -> Status {
    auto text = [&](StringRef key) { return attributes ? attributes.getAs<StringAttr>(key) : StringAttr(); };
    StringAttr state = text("attnc.state"), name = text("attnc.name");
    ATTNC_TRY(TensorDecl decl, readTensor(type, attributes,
                                          state ? state.str() : name ? name.str()
                                                                     : concat(role, list.size())));
    for (const Dim &dim : decl.shape)
      if (!dim.isStatic() && !llvm::is_contained(out.dims, dim.name))
        out.dims.push_back(dim.name);
    if (!state) {
      list.push_back(std::move(decl));
      return {};
    }
    int index = readState(std::move(decl), attributes);
    if (llvm::none_of(out.states, [&](StateUse &use) { return use.state == index; }))
      out.states.push_back({index});
    return {};
  };
  for (unsigned i = 0; i < function.getNumArguments(); ++i)
    ATTNC_CHECK(add(function.getArgumentTypes()[i], function.getArgAttrDict(i), out.inputs, "input"));
  for (unsigned i = 0; i < function.getNumResults(); ++i)
    ATTNC_CHECK(add(function.getResultTypes()[i], function.getResultAttrDict(i), out.outputs, "output"));
  functions[out.name] = int(signature.functions.size());
  signature.functions.push_back(std::move(out));
  return {};
}

Status Reader::readInitialisers() {
  for (auto [state, init] : llvm::zip_equal(signature.states, initialisers)) {
    if (!init)
      continue;
    auto pair = dyn_cast<ArrayAttr>(init);
    auto name = cast<FlatSymbolRefAttr>(pair ? pair[0] : init).getValue();
    auto known = functions.find(name);
    if (known == functions.end())
      return makeError(ErrorKind::Unsupported, "expected @", name.str(), ", which state '", state.name,
                       "' begins with, to be public");
    state.init = known->second;
    state.initResult = pair ? int(cast<IntegerAttr>(pair[1]).getInt()) : 0;
    signature.functions[size_t(known->second)].kind = Function::Kind::Init;
  }
  return {};
}

Expected<Manifest> Reader::read() {
  for (auto function : module.getOps<func::FuncOp>())
    if (function.isPublic() && !function.isExternal())
      ATTNC_CHECK(readFunction(function));
  ATTNC_CHECK(readInitialisers());
  return std::move(signature);
}

} // namespace

Expected<Manifest> readSignature(ModuleOp module) { return Reader(module).read(); }

std::optional<int> stateOf(const Manifest &signature, DictionaryAttr attributes) {
  auto name = attributes ? attributes.getAs<StringAttr>("attnc.state") : StringAttr();
  return name ? std::optional(signature.findState(name.strref())) : std::nullopt;
}

} // namespace attnc::reference
