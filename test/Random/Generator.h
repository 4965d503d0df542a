// Writes programs as text, piece by piece. A piece takes tokens, a tensor [batch, length, width], and
// gives tokens; so pieces stand behind each other, and inside the loops and branches of other pieces.
#pragma once

#include "Program.h"

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <optional>

namespace attnc::fuzz {

inline llvm::raw_ostream &operator<<(llvm::raw_ostream &out, const Value &value) { return out << value.name; }
inline llvm::raw_ostream &operator<<(llvm::raw_ostream &out, const Type &type) { return out << type.text(); }

template <class... Parts> std::string text(const Parts &...parts) {
  std::string out;
  llvm::raw_string_ostream stream(out);
  ((stream << parts), ...);
  return out;
}

class Generator;
struct Piece {
  const char *name;
  int weight; ///< how often it is drawn, relative to the others
  Value (*write)(Generator &g, Value tokens);
};

class Generator {
public:
  explicit Generator(uint64_t seed);
  Program run();

  Random random;
  std::string real; ///< the float type of the program

  //===--- Text ---------------------------------------------------------------------===//

  template <class... Parts> void line(const Parts &...parts) { body += std::string(indent, ' ') + text(parts...) + "\n"; }
  template <class... Parts> Value op(Type type, const Parts &...parts) {
    Value result = fresh(std::move(type));
    line(result, " = ", parts...);
    return result;
  }
  /// Opens a region; close() ends it.
  template <class... Parts> void open(const Parts &...parts) {
    line(parts..., " {");
    indent += 2;
  }
  template <class... Parts> void close(const Parts &...parts) {
    indent -= 2;
    line("}", parts...);
  }
  void indentBy(int spaces) { indent += unsigned(spaces); }
  Value fresh(Type type) { return {"%v" + std::to_string(values++), std::move(type)}; }

  //===--- What a program has -------------------------------------------------------===//

  Value argument(Type type, Fill fill);
  /// A static tensor: an argument, a weight of the module or a constant.
  Value weight(Shape shape, Fill fill = {});
  /// A result of the program. Inside regions nothing can be one.
  void output(const Value &value);
  void output(const Value &value, const std::string &state);
  std::string newState(const Value &argument);
  void feature(const std::string &name) { program.features.insert(name); }
  /// The named size, with what it is drawn from.
  Size named(const std::string &name, std::vector<int64_t> choices, const std::string &oneMoreThan = {});

  //===--- Common values ------------------------------------------------------------===//

  Type scalar(const std::string &element) const { return {element, {}, false}; }
  Type index() const { return scalar("index"); }
  Type tensor(Shape shape) const { return {real, std::move(shape)}; }
  Type tensor(Shape shape, const std::string &element) const { return {element, std::move(shape)}; }
  Value constant(int64_t value, const std::string &type = "index");
  Value number(double value) { return number(value, real); }
  Value number(double value, const std::string &type);
  Value sizeValue(const Size &size);
  Value empty(const Type &type);
  Value filled(const Type &type, double value);
  /// "tensor.empty" or a fill, where what the destination holds does not matter.
  Value destination(const Type &type) { return random.chance(0.7) ? empty(type) : filled(type, 7); }

  //===--- linalg.generic -----------------------------------------------------------===//

  struct Operand {
    Value value;
    std::string map; ///< the results of its indexing map: "d0, d2"
  };
  using Body = llvm::function_ref<Value(const std::vector<Value> &elements)>;
  /// `loops`: "p" parallel or "r" reduction, one letter a dimension.
  Value generic(const std::string &loops, const std::vector<Operand> &inputs, const Operand &output, Body body);
  /// Elements of tensors of one shape (or less, with leading dimensions in common).
  Value map(const std::vector<Value> &inputs, const std::string &element, Body body);

  //===--- Tokens -------------------------------------------------------------------===//

  /// What the tokens at this place are.
  struct Scope {
    Size batch, length;
    unsigned depth = 0;
    std::optional<Value> step, running; ///< of the adaptive loop around
  };
  Scope scope;
  unsigned loops = 0; ///< so far, those inside of others included
  Type tokens(int64_t width) const { return tensor({scope.batch, scope.length, width}); }
  static int64_t width(const Value &tokens) { return tokens.shape()[2].fixed; }

  Value linear(const Value &x, int64_t width);
  /// x / (1 + |x|): keeps what a loop carries bounded.
  Value squash(const Value &x);
  Value add(const Value &a, const Value &b);
  Value withWidth(const Value &x, int64_t width) { return Generator::width(x) == width ? x : linear(x, width); }
  /// A number between 0 and 1 for each of the leading dimensions of tokens: 1 [b], 2 [b, t]; or 0: one.
  Value score(const Value &x, unsigned rank);
  /// Whether a size is the same in the whole program, so that an argument may have it.
  static bool isNamed(const Size &size) { return size.isStatic() || size.value[1] != 'v'; }
  /// Any piece, of few kinds inside of regions.
  Value piece(Value x);
  /// Pieces whose result has the shape of x and stays within bounds.
  Value step(const Value &x);

private:
  std::string assemble();
  std::string signature();

  Program program;
  std::string body;
  unsigned indent = 2, values = 0;
  struct Output {
    Value value;
    std::string state;
  };
  std::vector<Output> outputs;
};

/// All pieces, of every file.
std::vector<Piece> attentionPieces();
std::vector<Piece> loopPieces();
std::vector<Piece> rowPieces();
std::vector<Piece> scanPieces();
std::vector<Piece> tensorPieces();
std::vector<Piece> controlPieces();

} // namespace attnc::fuzz
