// Reads the manifest off a planned module: the roles, names and sizes of arguments are attributes there.
#include "attnc/Pipeline/ManifestBuilder.h"

#include "attnc/Dialect/Attnc/Attnc.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Interfaces/LoopLikeInterface.h"

using namespace mlir;

namespace attnc {
namespace {

constexpr llvm::StringLiteral kCapacity = "capacity ";

std::optional<DType> dtypeOf(Type type) {
  if (auto memref = dyn_cast<MemRefType>(type))
    type = memref.getElementType();
  if (type.isF64())
    return DType::F64;
  if (type.isF32())
    return DType::F32;
  if (type.isF16())
    return DType::F16;
  if (type.isBF16())
    return DType::BF16;
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

class Builder {
public:
  Builder(ModuleOp module) : module(module) {}
  FailureOr<Manifest> build(StringRef name);

private:
  LogicalResult addFunction(func::FuncOp function);
  LogicalResult addArgument(func::FuncOp function, unsigned index, Function &out);
  LogicalResult addInitialisers();
  int stateIndex(const TensorDecl &decl, DictionaryAttr attributes);
  int weightIndex(const TensorDecl &decl, DictionaryAttr attributes);
  int sourceIndex(StringRef name, const TensorDecl &decl);
  void addPreparations();
  void addKernels(func::FuncOp function, Function &out);
  void addPlan(func::FuncOp function, Function &out);

  ModuleOp module;
  Manifest manifest;
  llvm::StringMap<int> functionIndex, weights, sources;
  std::vector<std::pair<int, ArrayAttr>> initialisers; ///< state, [function, result]
  std::vector<std::pair<int, DictionaryAttr>> preparations; ///< weight, {by, from}
};

std::vector<Dim> shapeOf(Type type, ArrayAttr names) {
  std::vector<Dim> shape;
  auto memref = dyn_cast<MemRefType>(type);
  if (!memref)
    return shape;
  unsigned next = 0;
  for (int64_t extent : memref.getShape()) {
    if (!ShapedType::isDynamic(extent)) {
      shape.push_back(Dim::fixed(extent));
      continue;
    }
    StringRef name = cast<StringAttr>(names[next++]).getValue();
    shape.push_back(name.consume_front(kCapacity) ? Dim::capacity(name.str()) : Dim::named(name.str()));
  }
  return shape;
}

int Builder::stateIndex(const TensorDecl &decl, DictionaryAttr attributes) {
  if (int known = manifest.findState(decl.name); known >= 0)
    return known;
  StateDecl state;
  static_cast<TensorDecl &>(state) = decl;
  if (auto ring = attributes.getAs<DictionaryAttr>("attnc.ring")) {
    auto number = [&](StringRef key, int64_t otherwise) {
      auto attr = ring.getAs<IntegerAttr>(key);
      return attr ? attr.getInt() : otherwise;
    };
    state.ring = RingDecl{int(number("along", 0)), ring.getAs<StringAttr>("count").str(), number("unit", 1), number("pinned", 0)};
  }
  manifest.states.push_back(state);
  int index = manifest.states.size() - 1;
  if (Attribute init = attributes.get("attnc.init"))
    initialisers.push_back({index, isa<ArrayAttr>(init) ? cast<ArrayAttr>(init) : ArrayAttr::get(module.getContext(), {init})});
  return index;
}

/// A weight's declaration; its shape is static.
SourceDecl tensorNamed(StringRef name, const TensorDecl &decl) {
  SourceDecl tensor{name.str(), decl.dtype, {}};
  for (const Dim &dim : decl.shape)
    tensor.shape.push_back(dim.value);
  return tensor;
}

int Builder::weightIndex(const TensorDecl &decl, DictionaryAttr attributes) {
  auto [known, fresh] = weights.try_emplace(decl.name, manifest.weights.size());
  if (!fresh)
    return known->second;
  manifest.weights.push_back({tensorNamed(decl.name, decl), 0, 0, {}});
  if (auto how = attributes.getAs<DictionaryAttr>("attnc.prepared"))
    preparations.push_back({known->second, how});
  return known->second;
}

int Builder::sourceIndex(StringRef name, const TensorDecl &decl) {
  auto [known, fresh] = sources.try_emplace(name, manifest.sources.size());
  if (fresh)
    manifest.sources.push_back(tensorNamed(name, decl));
  return known->second;
}

/// Prepared weights are made by functions, whose inputs say what the sources are.
void Builder::addPreparations() {
  for (auto &[weight, how] : preparations) {
    Preparation prepared{functionIndex.at(how.getAs<FlatSymbolRefAttr>("by").getValue()), {}};
    const std::vector<TensorDecl> &inputs = manifest.functions[prepared.function].inputs;
    for (auto [name, input] : llvm::zip_equal(how.getAs<ArrayAttr>("from").getAsRange<StringAttr>(), inputs))
      prepared.sources.push_back(sourceIndex(name, input));
    manifest.weights[weight].prepared = std::move(prepared);
  }
}

LogicalResult Builder::addArgument(func::FuncOp function, unsigned index, Function &out) {
  DictionaryAttr attributes = function.getArgAttrDict(index);
  StringRef role = attributes.getAs<StringAttr>("attnc.role").getValue();
  if (role == "arena")
    return success();
  TensorDecl decl;
  auto name = attributes.getAs<StringAttr>(role == "state" ? "attnc.state" : "attnc.name");
  decl.name = name ? name.str() : (role + std::to_string(role == "output" ? out.outputs.size() : out.inputs.size())).str();
  if (role == "size") {
    StringRef size = decl.name;
    size.consume_front(kCapacity);
    out.dims.push_back(size.str());
    return success();
  }
  Type type = function.getArgumentTypes()[index];
  std::optional<DType> dtype = dtypeOf(type);
  if (!dtype)
    return function.emitError("expected ") << role << " '" << decl.name << "' to be of f64, f32, f16, bf16, i64, i32, i16, i8 or i1, got " << type;
  decl.dtype = *dtype;
  decl.shape = shapeOf(type, attributes.getAs<ArrayAttr>("attnc.dims"));
  if (role == "input")
    out.inputs.push_back(decl);
  else if (role == "output")
    out.outputs.push_back(decl);
  else if (role == "state")
    out.states.push_back({stateIndex(decl, attributes), true, true});
  else
    out.weights.push_back(weightIndex(decl, attributes));
  return success();
}

/// Which kernels an entry launches, how often each stands there.
void Builder::addKernels(func::FuncOp function, Function &out) {
  llvm::StringMap<int64_t> calls;
  function.walk([&](LaunchOp launch) { ++calls[launch.getKernel()]; });
  for (auto kernel : function->getAttrOfType<ArrayAttr>("attnc.kernels").getAsRange<FlatSymbolRefAttr>()) {
    StringRef name = kernel.getValue();
    llvm::SetVector<StringRef> ops;
    module.lookupSymbol<func::FuncOp>(name).walk([&](Operation *op) {
      StringRef dialect = op->getName().getDialectNamespace();
      if (isa<func::FuncOp>(op->getParentOp()) && (dialect == "linalg" || dialect == "attn" || dialect == "tensor"))
        ops.insert(op->getName().getStringRef());
    });
    out.kernels.push_back({name.str(), name.str(), calls[name], llvm::join(ops, ", "), "", ""});
  }
}

void Builder::addPlan(func::FuncOp function, Function &out) {
  for (auto loop : function->getAttrOfType<ArrayAttr>("attnc.loops").getAsRange<DenseI64ArrayAttr>())
    out.loops.push_back({int(loop[0]), int(loop[1])});
  auto rows = function->getAttrOfType<ArrayAttr>("attnc.plan");
  for (auto row : rows.getAsRange<DictionaryAttr>()) {
    PlanBuffer buffer;
    buffer.name = row.getAs<StringAttr>("buffer").str();
    buffer.first = row.getAs<IntegerAttr>("first").getInt();
    buffer.last = row.getAs<IntegerAttr>("last").getInt();
    for (int64_t below : row.getAs<DenseI64ArrayAttr>("below").asArrayRef())
      buffer.below.push_back(below);
    if (auto terms = row.getAs<ArrayAttr>("terms")) {
      buffer.size.emplace();
      for (auto product : terms.getAsRange<ArrayAttr>()) {
        PlanTerm &term = buffer.size->emplace_back(PlanTerm{cast<IntegerAttr>(product[0]).getInt(), {}});
        for (auto dim : product.getValue().drop_front()) {
          StringRef name = cast<StringAttr>(dim).getValue();
          name.consume_front(kCapacity);
          term.dims.push_back(name.str());
        }
      }
    }
    out.plan.push_back(buffer);
  }
}

LogicalResult Builder::addFunction(func::FuncOp function) {
  Function out;
  out.name = function.getName().str();
  if (function->hasAttr("attnc.prepare"))
    out.kind = Function::Kind::Prepare;
  out.symbol = "attnc_" + out.name;
  out.sizeSymbol = out.symbol + "_size";
  for (unsigned i = 0; i < function.getNumArguments(); ++i)
    if (failed(addArgument(function, i, out)))
      return failure();
  if (auto bounds = function->getAttrOfType<DictionaryAttr>("attnc.bounds"))
    for (NamedAttribute bound : bounds) {
      ArrayRef<int64_t> range = cast<DenseI64ArrayAttr>(bound.getValue()).asArrayRef();
      out.bounds.push_back({bound.getName().str(), range[0], range[1]});
    }
  out.hasLoops = function.walk([](LoopLikeOpInterface) { return WalkResult::interrupt(); }).wasInterrupted();
  addKernels(function, out);
  addPlan(function, out);
  functionIndex[out.name] = manifest.functions.size();
  manifest.functions.push_back(std::move(out));
  return success();
}

LogicalResult Builder::addInitialisers() {
  for (auto &[state, init] : initialisers) {
    StringRef name = cast<FlatSymbolRefAttr>(init[0]).getValue();
    int index = functionIndex.at(name);
    manifest.functions[index].kind = Function::Kind::Init;
    manifest.states[state].init = index;
    manifest.states[state].initResult = init.size() > 1 ? cast<IntegerAttr>(init[1]).getInt() : 0;
  }
  return success();
}

FailureOr<Manifest> Builder::build(StringRef name) {
  manifest.producer = "attnc 0.1.0";
  manifest.name = name.str();
  for (auto function : module.getOps<func::FuncOp>())
    if (function.isPublic() && !function.isExternal() && failed(addFunction(function)))
      return failure();
  if (failed(addInitialisers()))
    return failure();
  addPreparations();
  return manifest;
}

} // namespace

FailureOr<Manifest> buildManifest(ModuleOp module, StringRef name) { return Builder(module).build(name); }

} // namespace attnc
