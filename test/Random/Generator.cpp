#include "Generator.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

namespace attnc::fuzz {

std::string Type::text() const {
  if (!isTensor)
    return element;
  std::string out = "tensor<";
  for (const Size &size : shape)
    out += (size.isStatic() ? std::to_string(size.fixed) : "?") + "x";
  return out + element + ">";
}

Generator::Generator(uint64_t seed) : random(seed * 2 + 1), scope{Size(0), Size(0), 0, {}, {}} {
  program.seed = seed;
  program.isDouble = random.chance(0.1);
  real = program.isDouble ? "f64" : "f32";
  feature(program.isDouble ? "type f64" : "type f32");
}

//===----------------------------------------------------------------------===//
// Arguments and results
//===----------------------------------------------------------------------===//

Size Generator::named(const std::string &name, std::vector<int64_t> choices, const std::string &oneMoreThan) {
  for (const NamedSize &size : program.sizes)
    if (size.name == name)
      return Size("%" + name);
  program.sizes.push_back({name, std::move(choices), oneMoreThan});
  return Size("%" + name);
}

Value Generator::argument(Type type, Fill fill) {
  std::string name = "a" + std::to_string(program.arguments.size());
  program.arguments.push_back({name, type, std::move(fill)});
  return {"%" + name, std::move(type)};
}

/// Nested dense elements of a constant, row by row.
static std::string dense(Random &random, const Shape &shape, size_t from, const Fill &fill) {
  if (from == shape.size()) {
    double value = fill.kind == Fill::Normal ? fill.high * random.normal() : fill.low + (fill.high - fill.low) * random.uniform();
    return llvm::formatv("{0:f4}", value).str();
  }
  std::string out = "[";
  for (int64_t i = 0; i < shape[from].fixed; ++i)
    out += (i ? ", " : "") + dense(random, shape, from + 1, fill);
  return out + "]";
}

Value Generator::weight(Shape shape, Fill fill) {
  Type type = tensor(shape);
  double where = random.uniform();
  if (where < 0.6)
    return argument(type, fill);
  int64_t count = 1;
  for (const Size &size : shape)
    count *= size.fixed;
  if (where < 0.8 && count > 0 && count <= 64) {
    feature("weight constant");
    return op(type, "arith.constant dense<", dense(random, shape, 0, fill), "> : ", type);
  }
  feature("weight external");
  std::string name = "w" + std::to_string(program.weights.size());
  program.weights.push_back({name, type, fill});
  return op(type, "ml_program.global_load_const @", name, " : ", type);
}

void Generator::output(const Value &value) {
  if (scope.depth == 0)
    outputs.push_back({value, ""});
}
void Generator::output(const Value &value, const std::string &state) { outputs.push_back({value, state}); }

std::string Generator::newState(const Value &argument) {
  for (Argument &known : program.arguments)
    if ("%" + known.name == argument.name) {
      known.isState = true;
      return known.name;
    }
  return "";
}

//===----------------------------------------------------------------------===//
// Common values
//===----------------------------------------------------------------------===//

Value Generator::constant(int64_t value, const std::string &type) { return op(scalar(type), "arith.constant ", std::to_string(value), " : ", type); }
Value Generator::number(double value, const std::string &type) { return op(scalar(type), "arith.constant ", llvm::formatv("{0:e}", value).str(), " : ", type); }
Value Generator::sizeValue(const Size &size) { return size.isStatic() ? constant(size.fixed) : Value{size.value, index()}; }

static std::string dynamicSizes(const Type &type) {
  std::vector<std::string> sizes;
  for (const Size &size : type.shape)
    if (!size.isStatic())
      sizes.push_back(size.value);
  return llvm::join(sizes, ", ");
}

Value Generator::empty(const Type &type) { return op(type, "tensor.empty(", dynamicSizes(type), ") : ", type); }

Value Generator::filled(const Type &type, double value) {
  bool isFloat = type.element[0] == 'f' || type.element[0] == 'b';
  Value element = isFloat ? number(value, type.element) : constant(int64_t(value), type.element);
  Value start = empty(type);
  return op(type, "linalg.fill ins(", element, " : ", type.element, ") outs(", start, " : ", type, ") -> ", type);
}

//===----------------------------------------------------------------------===//
// linalg.generic
//===----------------------------------------------------------------------===//

Value Generator::generic(const std::string &loops, const std::vector<Operand> &inputs, const Operand &result, Body write) {
  std::string dims, maps, kinds, names, types, arguments;
  for (size_t i = 0; i < loops.size(); ++i) {
    dims += (i ? ", d" : "d") + std::to_string(i);
    kinds += std::string(i ? ", " : "") + (loops[i] == 'p' ? "\"parallel\"" : "\"reduction\"");
  }
  std::vector<Value> elements;
  auto separated = [](std::string &list, const std::string &next) { list += (list.empty() ? "" : ", ") + next; };
  for (const Operand &operand : inputs) {
    separated(maps, "affine_map<(" + dims + ") -> (" + operand.map + ")>");
    separated(names, operand.value.name);
    separated(types, operand.value.type.text());
  }
  separated(maps, "affine_map<(" + dims + ") -> (" + result.map + ")>");
  for (const Operand &operand : inputs)
    elements.push_back(fresh(scalar(operand.value.element())));
  elements.push_back(fresh(scalar(result.value.element())));
  for (const Value &element : elements)
    separated(arguments, text(element, ": ", element.type));
  Value out = fresh(result.value.type);
  line(out, " = linalg.generic {indexing_maps = [", maps, "], iterator_types = [", kinds, "]}",
       names.empty() ? "" : " ins(" + names + " : " + types + ")", " outs(", result.value, " : ", result.value.type, ") {");
  line("^bb0(", arguments, "):");
  indent += 2;
  line("linalg.yield ", write(elements), " : ", result.value.element());
  close(" -> ", result.value.type);
  return out;
}

static std::string leadingDims(size_t rank) {
  std::string out;
  for (size_t i = 0; i < rank; ++i)
    out += (i ? ", d" : "d") + std::to_string(i);
  return out;
}

Value Generator::map(const std::vector<Value> &inputs, const std::string &element, Body write) {
  std::vector<Operand> operands;
  const Value *largest = &inputs[0];
  for (const Value &input : inputs) {
    operands.push_back({input, leadingDims(input.shape().size())});
    if (input.shape().size() > largest->shape().size())
      largest = &input;
  }
  Type type = largest->type.withElement(element);
  size_t rank = type.shape.size();
  return generic(std::string(rank, 'p'), operands, {empty(type), leadingDims(rank)}, write);
}

//===----------------------------------------------------------------------===//
// Programs
//===----------------------------------------------------------------------===//

static std::vector<Piece> allPieces() {
  std::vector<Piece> all;
  for (auto list : {attentionPieces, loopPieces, rowPieces, scanPieces, tensorPieces, controlPieces})
    for (const Piece &piece : list())
      all.push_back(piece);
  return all;
}

Value Generator::piece(Value x) {
  static const std::vector<Piece> pieces = allPieces();
  int total = 0;
  for (const Piece &piece : pieces)
    total += piece.weight;
  int64_t at = random.between(0, total - 1);
  for (const Piece &piece : pieces)
    if ((at -= piece.weight) < 0) {
      feature(std::string("piece ") + piece.name);
      return piece.write(*this, x);
    }
  return x;
}

Value Generator::step(const Value &x) {
  Value y = x;
  for (int64_t count = random.between(scope.depth > 1 ? 0 : 1, 1); count > 0; --count)
    y = piece(y);
  return squash(add(withWidth(y, width(x)), x));
}

Program Generator::run() {
  static const std::vector<Piece> pieces = allPieces();
  scope.batch = named("B", {0, 1, 1, 2, 2, 3});
  scope.length = named("T", {0, 1, 2, 3, 5, 17, 33, 64, 65, 130});
  Value x = argument(tokens(random.pick({1, 2, 3, 4, 6, 8})), {Fill::Normal});
  // Each piece has its turn; the others are drawn.
  const Piece &first = pieces[program.seed % pieces.size()];
  feature(std::string("piece ") + first.name);
  int64_t count = random.between(1, 3);
  int64_t turn = random.between(0, count);
  for (int64_t i = 0; i <= count; ++i)
    x = i == turn ? first.write(*this, x) : piece(x);
  output(x);
  if (loops > 1) // what loops in loops do with many tokens takes the interpreter seconds
    for (NamedSize &size : program.sizes)
      llvm::erase_if(size.choices, [](int64_t choice) { return choice > 40; });
  program.text = assemble();
  return std::move(program);
}

/// The names of a type's dynamic sizes. Computed ones get a name of their own.
static std::string dimsOf(const Type &type, std::vector<std::string> &computed) {
  std::string out;
  for (const Size &size : type.shape) {
    if (size.isStatic())
      continue;
    std::string name = size.value.substr(1);
    if (name[0] == 'v') {
      auto it = llvm::find(computed, name);
      name = "D" + std::to_string(it - computed.begin());
      if (it == computed.end())
        computed.push_back(size.value.substr(1));
    }
    out += (out.empty() ? "\"" : ", \"") + name + "\"";
  }
  return out.empty() ? "" : ", attnc.dims = [" + out + "]";
}

/// "(arguments) -> (results)".
std::string Generator::signature() {
  std::string arguments, results;
  std::vector<std::string> computed;
  for (const Argument &argument : program.arguments)
    arguments += text(arguments.empty() ? "" : ",\n    ", "%", argument.name, ": ", argument.type, " {", argument.isState ? "attnc.state" : "attnc.name",
                      " = \"", argument.name, "\"", dimsOf(argument.type, computed), "}");
  for (const auto &[number, output] : llvm::enumerate(outputs)) {
    results += text(results.empty() ? "" : ",\n    ", output.value.type, " {");
    results += output.state.empty() ? text("attnc.name = \"r", number, "\"", dimsOf(output.value.type, computed)) : text("attnc.state = \"", output.state, "\"");
    results += "}";
  }
  return text("(", arguments, ")\n    -> (", results, ")");
}

std::string Generator::assemble() {
  std::string head, names, types;
  for (const Weight &weight : program.weights)
    head += text("ml_program.global private @", weight.name, "(#ml_program.extern : ", weight.type, ") : ", weight.type, "\n");
  head += "func.func @main" + signature() + " {\n";
  for (const NamedSize &size : program.sizes) {
    bool found = false;
    for (const Argument &argument : program.arguments)
      for (const auto &[dim, extent] : llvm::enumerate(argument.type.shape))
        if (!found && extent.value == "%" + size.name) {
          found = true;
          head += text("  %of_", size.name, " = arith.constant ", dim, " : index\n  %", size.name, " = tensor.dim %", argument.name, ", %of_", size.name,
                       " : ", argument.type, "\n");
        }
  }
  for (const Output &output : outputs) {
    names += (names.empty() ? "" : ", ") + output.value.name;
    types += (types.empty() ? "" : ", ") + output.value.type.text();
  }
  return head + body + "  return " + names + " : " + types + "\n}\n";
}

const std::vector<std::string> &requiredFeatures() {
  static const std::vector<std::string> rows = {
      "policy region", "policy act", "policy geometric", "policy bernoulli", "policy threshold", "policy predicate", "policy converge", "mark frozen", "mark free", "mark mean",
      "mark blend", "normaliser softmax", "normaliser sigmoid", "normaliser sigmoid_sum", "normaliser identity", "mask none", "mask causal", "mask window", "mask valid", "mask document",
      "mask block", "score dependent mask", "sources 1", "sources 2", "sources 3", "grouped heads", "ragged", "paged", "sink", "post", "positions", "ring append", "linear_scan",
      "delta_scan", "selective_scan", "gather rows", "scatter set", "scatter add", "sort", "top_k", "rotary", "layer_norm", "rms_norm", "partial keep", "partial update",
      "fixed point picard", "fixed point anderson", "random_bits", "linalg generic", "linalg matmul", "tensor reshape", "tensor slice", "scf.if", "scf.for", "scf.while", "size 0", "size 1",
      "size with a tail"};
  return rows;
}

Program generate(uint64_t seed) { return Generator(seed).run(); }

} // namespace attnc::fuzz
