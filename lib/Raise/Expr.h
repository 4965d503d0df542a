// What an element of a tensor is, as an expression over index variables: the language that all matchers of the room
// read. Equal expressions are one object, so equality is that of pointers. Private to the room.
//
// Numbers are of three sorts and have no widths: conversions between floats, and between integers, are the identity
// here. (A pattern that depends on a rounding is none that this room knows.)
#pragma once

#include "mlir/IR/OperationSupport.h"
#include "mlir/IR/Value.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/FoldingSet.h"
#include "llvm/Support/Allocator.h"

namespace attnc::raise {

enum class Sort : uint8_t {
  Float,
  Int,
  Bool
};

enum class Kind : uint8_t {
  Float, // a number
  Int,   // an integer, or a bool
  Digit, // (variable / stride) mod extent; extent kRest: variable / stride
  Join,  // an index in mixed radix: parts of given extents, the first the most significant
  Load,  // an element of a tensor that is not looked into
  Outer, // a scalar from outside; without a value an argument (ExprContext::argument)
  Op     // an operation on scalars
};

/// An extent: a number, or -1 - n for the n-th dynamic size that the context knows (ExprContext::getExtent).
using Extent = int64_t;
inline bool isDynamic(Extent extent) { return extent < 0; }
constexpr int64_t kRest = -1;

struct Expr : llvm::FoldingSetNode {
  Kind kind;
  Sort sort;
  double number = 0;                        // Float
  int64_t integer = 0;                      // Int; Op: the predicate of a comparison
  unsigned variable = 0;                    // Digit
  int64_t stride = 1, extent = kRest;       // Digit
  mlir::Value value = {};                   // Load, Outer
  llvm::StringRef name = {};                // Op: "arith.addf"
  llvm::ArrayRef<const Expr *> operands = {}; // Join, Load, Op
  llvm::ArrayRef<Extent> extents = {};      // Join

  bool is(llvm::StringRef op) const { return kind == Kind::Op && name == op; }
  bool isFloat(double n) const { return kind == Kind::Float && number == n; }
  bool isInt(int64_t n) const { return kind == Kind::Int && integer == n; }
  const Expr *operator[](unsigned i) const { return operands[i]; }
  void Profile(llvm::FoldingSetNodeID &id) const;
};
using ExprRef = const Expr *;

/// Makes expressions, in the simplest of the forms that are equal.
class ExprContext {
public:
  /// A new index variable that takes `extent` values.
  unsigned addVariable(Extent extent);
  Extent getVariableExtent(unsigned variable) const { return variables[variable]; }
  ExprRef variable(unsigned number) { return digit(number, 1, isDynamic(variables[number]) ? kRest : variables[number]); }
  ExprRef digit(unsigned variable, int64_t stride, int64_t extent);

  ExprRef number(double n);
  ExprRef integer(int64_t n, Sort sort = Sort::Int);
  ExprRef truth(bool b) { return integer(b, Sort::Bool); }
  ExprRef outer(mlir::Value scalar);
  /// A float that stands for the `number`-th argument of a function.
  ExprRef argument(unsigned number);
  ExprRef load(mlir::Value tensor, llvm::ArrayRef<ExprRef> indices);
  ExprRef join(llvm::ArrayRef<ExprRef> parts, llvm::ArrayRef<Extent> extents);
  /// The indices of dimensions of these extents that `index`, which counts through all of them, stands for. None
  /// where the extents do not say.
  std::optional<llvm::SmallVector<ExprRef>> split(ExprRef index, Extent total, llvm::ArrayRef<Extent> extents);

  /// An operation; null if it is none of those known (known: of arith or math, on scalars, without widths).
  ExprRef apply(mlir::Operation *op, llvm::ArrayRef<ExprRef> operands);
  ExprRef op(llvm::StringRef name, llvm::ArrayRef<ExprRef> operands, int64_t predicate = 0);
  ExprRef negate(ExprRef boolean);
  ExprRef both(ExprRef a, ExprRef b);
  /// index + by, as an index in mixed radix; null if it is none.
  ExprRef shift(ExprRef index, int64_t by);
  /// The same with `from` replaced by `to`.
  ExprRef replace(ExprRef in, ExprRef from, ExprRef to);

private:
  ExprRef make(Expr &pattern);
  ExprRef simplify(llvm::StringRef name, llvm::ArrayRef<ExprRef> operands, int64_t predicate);
  ExprRef simplifyFloat(llvm::StringRef name, llvm::ArrayRef<ExprRef> operands);
  ExprRef simplifyInteger(llvm::StringRef name, llvm::ArrayRef<ExprRef> operands);
  ExprRef simplifyBool(llvm::StringRef name, llvm::ArrayRef<ExprRef> operands, int64_t predicate);

  llvm::BumpPtrAllocator allocator;
  llvm::FoldingSet<Expr> set;
  llvm::SmallVector<Extent> variables;
};

/// Whether `in` has an expression for which `test` holds.
bool contains(ExprRef in, llvm::function_ref<bool(ExprRef)> test);
inline bool contains(ExprRef in, ExprRef part) {
  return contains(in, [part](ExprRef e) { return e == part; });
}
/// Whether a digit of the variable occurs in it.
bool dependsOn(ExprRef in, unsigned variable);

/// Whether an index may be that of an indexing map: digits, constants, and joins of them.
bool isPlain(ExprRef index);
/// Its digits and constants with their extents, the most significant first.
struct Part {
  ExprRef index;
  Extent extent;
};
llvm::SmallVector<Part> getParts(ExprRef index, Extent total);

} // namespace attnc::raise
