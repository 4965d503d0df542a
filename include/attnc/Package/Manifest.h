// The manifest of a package: what its functions read, write and keep, where code and weights lie,
// and the memory plan. JSON, format 2:
//
// { "format": 2, "producer": "attnc 0.1.0", "name": "ut_act",
//   "code":    [{"target": "cpu", "level": "avx2" | "avx512", "file": "code/LEVEL.so", "digest": D}],
//   "weights": {"file": "weights.bin" | null, "digest": D | null,
//               "tensors": [{"name", "dtype", "shape": [int], "offset": int, "bytes": int,
//                            "prepared": null | {"function": function index, "sources": [index]}}],
//               "sources": [{"name", "dtype", "shape": [int]}]},
//   "states":  [{"name", "dtype", "shape": [DIM], "init": function index | null, "init_result": int,
//                "ring": null | {"dim": int, "count": state name, "unit": int, "pinned": int}}],
//   "functions": [{"name", "kind": "entry" | "init" | "prepare", "symbol", "size_symbol", "dims": [name],
//      "bounds": [{"size": name, "least": int, "most": int}],
//      "inputs": [TENSOR], "outputs": [TENSOR],
//      "states": [{"state": index, "reads": bool, "writes": bool}], "weights": [index],
//      "has_loops": bool,
//      "kernels": [{"name", "symbol", "calls": int, "ops", "flops": text | null, "bytes": text | null}],
//      "plan": [{"name", "size": [{"coef": int, "dims": [name]}] | null, "first": int, "last": int,
//                "below": [index]}],
//      "loops": [{"first": int, "last": int}]}] }
//
// D is a digest (Digest.h). TENSOR is {"name", "dtype", "shape": [DIM]}. DIM is an integer, the name
// of a size in the function's "dims", or, in states only, {"capacity": name} for a size given when a
// session is made. Every key must be there and no other may be. All indices count from 0.
// "tensors" are what functions read as weights: tensors of the user's file, or prepared ones, which a "prepare" function
// makes of "sources", tensors of the user's file (when the package is written or, with external weights, when it is loaded).
//
// Rules beyond the schema, each checked by parseManifest:
//  - a function's "dims" lists every named size of its inputs, outputs and states (capacities too);
//  - a bound is one of the function's sizes, each once, and its least is not above its most;
//  - "init" functions take no inputs and no states; output `init_result` of `init` has exactly the
//    dtype and shape of the state, capacities written by name; a result initialises one state;
//  - a capacity's name is not also a plain name in a state, and no two states have one name;
//  - a ring's "count" is another state: an integer scalar; "pinned" is below a static ring's length;
//  - "prepare" functions have static sizes alone: inputs, one output, no states and no weights; a prepared weight's sources
//    have exactly the dtypes and shapes of its function's inputs, the weight those of the output;
//  - weights lie at offsets that are multiples of 64, in order, without overlap (all 0 if external);
//  - plan entries: "below" lists entries that lie lower in the arena:
//    offset(a) = max over b in below(a) of offset(b) + size(b); no cycles. "first" and "last" count
//    the function's steps, as those of "loops" do.
#pragma once

#include "attnc/Support/Tensor.h"

namespace attnc {

inline constexpr int manifestFormat = 2;
inline constexpr std::string_view manifestFile = "manifest.json", weightsFile = "weights.bin";
inline constexpr uint64_t weightAlignment = 64;

/// One size of a shape: static, named, or a named capacity (states only).
struct Dim {
  enum class Kind {
    Static,
    Named,
    Capacity
  };
  Kind kind = Kind::Static;
  int64_t value = 0;
  std::string name;

  static Dim fixed(int64_t value) { return {Kind::Static, value, {}}; }
  static Dim named(std::string name) { return {Kind::Named, 0, std::move(name)}; }
  static Dim capacity(std::string name) { return {Kind::Capacity, 0, std::move(name)}; }
  bool isStatic() const { return kind == Kind::Static; }
  bool operator==(const Dim &) const = default;
};

/// "[B, T, 256]".
std::string shapeText(const std::vector<Dim> &shape);

struct TensorDecl {
  std::string name;
  DType dtype = DType::F32;
  std::vector<Dim> shape;
};

/// Rows along `dim` are written round and round; state `count` times `unit` is the number of rows
/// appended so far. Row n is in slot n if n < pinned, else pinned + (n - pinned) mod (length - pinned).
struct RingDecl {
  int dim = 0;
  std::string count;
  int64_t unit = 1, pinned = 0;
};

struct StateDecl : TensorDecl {
  std::optional<int> init; // index of the init function; zeros otherwise
  int initResult = 0;
  std::optional<RingDecl> ring;
};

struct StateUse {
  int state = 0;
  bool reads = true, writes = true;
};

/// For people only; `flops` and `bytes` are formulas or numbers as text, empty if unknown.
struct KernelInfo {
  std::string name, symbol;
  int64_t calls = 1;
  std::string ops, flops, bytes;
};

struct PlanTerm {
  int64_t coef = 0;
  std::vector<std::string> dims;
};

struct PlanBuffer {
  std::string name;
  std::optional<std::vector<PlanTerm>> size; // bytes, the sum of the terms; nothing: not a polynomial
  int first = 0, last = 0;
  std::vector<int> below;
};

/// The steps of a loop, which may lie in another.
struct PlanLoop {
  int first = 0, last = 0;
};

/// What a size may be: the model reads outside its tables beyond.
struct SizeBound {
  std::string size;
  int64_t least = 0, most = 0;
};

struct Function {
  enum class Kind {
    Entry,
    Init,
    Prepare
  };
  std::string name;
  Kind kind = Kind::Entry;
  std::string symbol, sizeSymbol;
  std::vector<std::string> dims;
  std::vector<SizeBound> bounds;
  std::vector<TensorDecl> inputs, outputs;
  std::vector<StateUse> states;
  std::vector<int> weights;
  bool hasLoops = false;
  std::vector<KernelInfo> kernels;
  std::vector<PlanBuffer> plan;
  std::vector<PlanLoop> loops;
};

/// "entry", "init" or "prepare".
std::string_view kindName(Function::Kind kind);

struct CodeFile {
  std::string target = "cpu", level, file, digest;
};

/// A tensor of the user's file that prepared weights are made of.
struct SourceDecl {
  std::string name;
  DType dtype = DType::F32;
  Shape shape;
};

/// How a prepared weight is made: the function, and the sources that are its inputs.
struct Preparation {
  int function = 0;
  std::vector<int> sources;
};

struct WeightDecl : SourceDecl {
  uint64_t offset = 0, bytes = 0;
  std::optional<Preparation> prepared; // a tensor of the user's file otherwise
};

struct Manifest {
  std::string producer, name;
  std::vector<CodeFile> code;
  bool externalWeights = false;
  std::string weightsDigest; // of weights.bin; empty if external
  std::vector<WeightDecl> weights;
  std::vector<SourceDecl> sources;
  std::vector<StateDecl> states;
  std::vector<Function> functions;

  const Function *findFunction(std::string_view name) const;
  int findState(std::string_view name) const; // -1 if there is none
  bool isCapacity(std::string_view dim) const;
  std::vector<std::string> entryNames() const;
};

/// Index of `name` in a function's dims; -1 if it is not there.
int dimIndex(const Function &function, std::string_view name);

/// Parses and checks; a newer format is refused with a sentence.
Expected<Manifest> parseManifest(std::string_view text);
std::string printManifest(const Manifest &manifest);

/// The rules above. The writer checks them too, so a package that was written can be read.
Status checkManifest(const Manifest &manifest);

/// 32 hexadecimal digits over what compiled code relies on: functions, their symbols, dims, inputs,
/// outputs, states and weights with dtypes and shapes (not digests, offsets, kernels or plan).
/// The compiler stores it in every shared object as attnc_signature (KernelAbi.h); states saved by
/// sessions carry it.
std::string signatureOf(const Manifest &manifest);

} // namespace attnc
