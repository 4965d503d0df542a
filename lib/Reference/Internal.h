// What the interpreter's files share: frames, the dispatch table, scalar ops and compiled regions.
#pragma once

#include "attnc/Reference/Interpreter.h"

#include "mlir/IR/AffineMap.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"
#include <optional>

namespace attnc::reference {

using llvm::ArrayRef;
using llvm::FailureOr;
using llvm::LogicalResult;
using llvm::SmallVector;
using llvm::StringRef;

class Frame;

//===----------------------------------------------------------------------===//
// Dispatch
//===----------------------------------------------------------------------===//

/// Computes an op's results from its operands in the frame.
using Handler = std::function<LogicalResult(mlir::Operation *, Frame &)>;

class Handlers {
public:
  template <class Op> void add(LogicalResult (*handler)(Op, Frame &)) {
    table[mlir::TypeID::get<Op>()] = [handler](mlir::Operation *op, Frame &frame) {
      return handler(llvm::cast<Op>(op), frame);
    };
  }
  const Handler *find(mlir::Operation *op) const;

private:
  llvm::DenseMap<mlir::TypeID, Handler> table;
};

// One function a file. Ops that compute scalars alone are in the tables of Arith.cpp and Math.cpp.
void addArith(Handlers &handlers);
void addAffine(Handlers &handlers);
void addTensor(Handlers &handlers);
void addTensorSlices(Handlers &handlers);
void addLinalg(Handlers &handlers);
void addScf(Handlers &handlers);
void addFunc(Handlers &handlers);
void addMlProgram(Handlers &handlers);
void addAttention(Handlers &handlers);
void addAttnNorms(Handlers &handlers);
void addAttnRows(Handlers &handlers);
void addAttnScans(Handlers &handlers);
void addLoop(Handlers &handlers);
void addFixedPoint(Handlers &handlers);

/// Of linalg's structured ops, which have an interface and no single class.
LogicalResult evaluateStructured(mlir::Operation *op, Frame &frame);

//===----------------------------------------------------------------------===//
// Execution
//===----------------------------------------------------------------------===//

/// One evaluation of a module.
class Interpreter {
public:
  Interpreter(mlir::ModuleOp module, const Options &options);

  /// Runs the body of a function in a frame of its own.
  FailureOr<SmallVector<Value>> call(mlir::FunctionOpInterface function, ArrayRef<Value> arguments,
                                     mlir::Operation *caller);

  mlir::ModuleOp module;
  const Options &options;
  Handlers handlers;
  llvm::StringMap<Value> globals;
  uint64_t steps = 0;
  unsigned depth = 0;
  /// What went wrong first.
  std::optional<Error> problem;
};

/// The values of one call. Regions inside it share the frame.
class Frame {
public:
  explicit Frame(Interpreter &interpreter) : interpreter(interpreter) {}

  /// Cheap: shares a tensor's elements, which live as long as the frame holds the value.
  Value operator[](mlir::Value value) const;
  int64_t integer(mlir::Value value) const { return (*this)[value].integer(); }
  int64_t integer(mlir::OpFoldResult value) const;
  SmallVector<int64_t> integers(ArrayRef<mlir::OpFoldResult> values) const;
  SmallVector<int64_t> integers(mlir::ValueRange values) const;
  void set(mlir::Value value, Value content) { values[value] = std::move(content); }
  LogicalResult set(mlir::ResultRange results, ArrayRef<Value> contents);

  /// Runs a region of one block; the operands of its terminator.
  FailureOr<SmallVector<Value>> run(mlir::Region &region, ArrayRef<Value> arguments);
  /// Runs the ops of a block in front of its terminator.
  LogicalResult runBody(mlir::Block &block, ArrayRef<Value> arguments);
  LogicalResult run(mlir::Operation *op);

  /// Called for every decision that rounding could change (Options::onDecision).
  void decided(mlir::Operation *op, double distance);
  /// Called by every loop once an iteration.
  LogicalResult countStep(mlir::Operation *op);
  /// Records the error of the evaluation, with op and location; always failure.
  LogicalResult error(mlir::Operation *op, const llvm::Twine &message,
                      ErrorKind kind = ErrorKind::Argument);

  Interpreter &interpreter;
  /// The current point of the linalg op around, for linalg.index.
  ArrayRef<int64_t> point;

private:
  llvm::DenseMap<mlir::Value, Value> values;
};

//===----------------------------------------------------------------------===//
// Scalar ops
//===----------------------------------------------------------------------===//

/// The types of a scalar op in the form that its function needs.
struct ScalarTypes {
  unsigned width = 64;       // bits of the first operand
  unsigned resultWidth = 64; // bits of the result
  int64_t predicate = 0;     // of a comparison
  mlir::Type operand, result;
};

/// Computes one result. Sets `problem` where the op is undefined (division by zero).
using ScalarFunction = Scalar (*)(const Scalar *operands, const ScalarTypes &types,
                                  const char *&problem);

/// An op of arith or math on one element.
struct ScalarOp {
  SmallVector<ScalarFunction, 1> functions; // one a result
  ScalarTypes types;
};

/// Nothing when the op is not one that computes scalars from scalars.
std::optional<ScalarOp> getScalarOp(mlir::Operation *op);

using ScalarTable = llvm::StringMap<SmallVector<ScalarFunction, 1>>;
void addArithScalars(ScalarTable &table);
void addMathScalars(ScalarTable &table);

// Integers of a width, as Scalar stores them.
int64_t wrap(int64_t value, unsigned width);
int64_t asSigned(int64_t value, unsigned width);
uint64_t asUnsigned(int64_t value, unsigned width);
unsigned widthOf(mlir::Type type);

/// The value of a constant attribute of that type; nothing if it is of an unknown kind.
std::optional<Value> getConstant(mlir::Attribute attribute, mlir::Type type);

//===----------------------------------------------------------------------===//
// Regions on scalars
//===----------------------------------------------------------------------===//

/// A region that is run at many points, with scalars as arguments. Where it consists of scalar ops,
/// tensor.extract and linalg.index only, it becomes a flat list once; else the frame runs it.
class PointRegion {
public:
  /// Values from outside, among them block arguments that are tensors, are taken from the frame
  /// now.
  PointRegion(mlir::Region &region, Frame &frame);

  /// `arguments`: one a block argument (those of tensors are ignored); `point`: what linalg.index
  /// says. The results stay until the next call.
  FailureOr<ArrayRef<Scalar>> run(ArrayRef<Scalar> arguments, ArrayRef<int64_t> point = {});

private:
  struct Instruction {
    mlir::Operation *op;
    ScalarFunction function; // null: the element of `tensor` at the operands
    ScalarTypes types;
    const Tensor *tensor = nullptr;
    SmallVector<unsigned, 4> operands;
    unsigned result;
  };
  bool compile();
  bool compile(mlir::Operation *op);
  unsigned slotOf(mlir::Value value);
  bool extract(const Instruction &instruction);
  FailureOr<ArrayRef<Scalar>> runInFrame(ArrayRef<Scalar> arguments, ArrayRef<int64_t> point);

  mlir::Region &region;
  Frame &frame;
  bool compiled;
  SmallVector<Scalar> slots, results;
  llvm::DenseMap<mlir::Value, unsigned> slotOfValue;
  SmallVector<std::pair<unsigned, unsigned>> indexSlots; // slot, dimension of the point
  SmallVector<unsigned> resultSlots;
  std::vector<Instruction> program;
};

//===----------------------------------------------------------------------===//
// Indexing
//===----------------------------------------------------------------------===//

/// A tensor of one value.
Tensor filled(mlir::Type element, ArrayRef<int64_t> shape, Scalar value);
/// A tensor that nothing has been written to: NaN or the smallest integer everywhere, so that
/// reading it shows.
Tensor uninitialized(mlir::Type element, ArrayRef<int64_t> shape);

SmallVector<int64_t> rowMajorStrides(ArrayRef<int64_t> shape);
/// "[2, ?]", "?" for dynamic.
std::string shapeText(ArrayRef<int64_t> shape);

/// Calls `visit` at each point of the box, in row-major order; stops at a failure.
LogicalResult forEachPoint(ArrayRef<int64_t> sizes,
                           llvm::function_ref<LogicalResult(ArrayRef<int64_t>)> visit);

/// A strided box inside a tensor.
struct Slice {
  SmallVector<int64_t> offsets, sizes, strides;

  /// That of an op; an error where it leaves a tensor of that shape.
  static FailureOr<Slice> get(mlir::OffsetSizeAndStrideOpInterface op, ArrayRef<int64_t> shape,
                              Frame &frame);
  /// Calls `visit` with the offset of each element, in row-major order.
  void forEachOffset(ArrayRef<int64_t> shape, llvm::function_ref<void(int64_t)> visit) const;
  /// Writes as many elements into the box of `target`.
  LogicalResult write(mlir::Operation *op, const Value &source, Tensor &target, Frame &frame) const;
};

/// Lays at least one tensor end to end along a dimension.
FailureOr<Tensor> concatenate(mlir::Operation *op, ArrayRef<Value> parts, int64_t dim,
                              Frame &frame);

/// The block of Philox4x32-10 of a counter (draw, step, row, stream).
std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter, uint64_t seed);

/// Where an indexing map leads in the elements of a tensor.
class Access {
public:
  Access() = default;
  Access(mlir::AffineMap map, ArrayRef<int64_t> shape);

  /// Whether the offset is linear in the point: base + Σ step(d) · point[d].
  bool isLinear() const { return linear; }
  int64_t step(unsigned dim) const { return steps[dim]; }
  int64_t offset(ArrayRef<int64_t> point) const;
  /// Whether all points of the box lead to elements of the tensor.
  bool isInside(ArrayRef<int64_t> sizes) const;

private:
  mlir::AffineMap map;
  SmallVector<int64_t> shape, strides, steps;
  int64_t base = 0;
  bool linear = true;
};

} // namespace attnc::reference
