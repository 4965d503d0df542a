// Frames, dispatch and the evaluation of a module.
#include "Internal.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace attnc::reference {

int64_t numElements(ArrayRef<int64_t> shape) {
  int64_t count = 1;
  for (int64_t size : shape)
    count *= size;
  return count;
}

//===----------------------------------------------------------------------===//
// Interpreter
//===----------------------------------------------------------------------===//

/// Calls nested deeper than this are taken for an endless recursion.
constexpr unsigned kMaxDepth = 256;

const Handler *Handlers::find(Operation *op) const {
  auto it = table.find(op->getName().getTypeID());
  return it == table.end() ? nullptr : &it->second;
}

Interpreter::Interpreter(ModuleOp module, const Options &options)
    : module(module), options(options) {
  for (auto add :
       {addArith, addAffine, addTensor, addTensorSlices, addLinalg, addScf, addFunc, addMlProgram,
        addAttention, addAttnNorms, addAttnRows, addAttnScans, addLoop, addFixedPoint})
    add(handlers);
}

FailureOr<SmallVector<Value>> Interpreter::call(FunctionOpInterface function,
                                                ArrayRef<Value> arguments, Operation *caller) {
  Frame frame(*this);
  if (++depth > kMaxDepth)
    return frame.error(caller, "calls are nested deeper than " + Twine(kMaxDepth));
  if (function.isExternal())
    return frame.error(caller, "expected @" + function.getName() + " to have a body");
  auto results = frame.run(function.getFunctionBody(), arguments);
  --depth;
  return results;
}

//===----------------------------------------------------------------------===//
// Frame
//===----------------------------------------------------------------------===//

Value Frame::operator[](mlir::Value value) const {
  auto it = values.find(value);
  assert(it != values.end() && "a value is computed before it is used");
  return it->second;
}

int64_t Frame::integer(OpFoldResult value) const {
  if (auto known = dyn_cast<Attribute>(value))
    return cast<IntegerAttr>(known).getInt();
  return integer(cast<mlir::Value>(value));
}

SmallVector<int64_t> Frame::integers(ArrayRef<OpFoldResult> values) const {
  return llvm::map_to_vector(values, [&](OpFoldResult value) { return integer(value); });
}

SmallVector<int64_t> Frame::integers(ValueRange values) const {
  return llvm::map_to_vector(values, [&](mlir::Value value) { return integer(value); });
}

LogicalResult Frame::set(ResultRange results, ArrayRef<Value> contents) {
  for (auto [result, content] : llvm::zip_equal(results, contents))
    set(result, content);
  return success();
}

FailureOr<SmallVector<Value>> Frame::run(Region &region, ArrayRef<Value> arguments) {
  if (!region.hasOneBlock())
    return error(region.getParentOp(),
                 "expected one block in each region, found " + Twine(region.getBlocks().size()),
                 ErrorKind::Unsupported);
  Block &block = region.front();
  if (failed(runBody(block, arguments)))
    return failure();
  SmallVector<Value> yielded;
  for (mlir::Value operand : block.getTerminator()->getOperands())
    yielded.push_back((*this)[operand]);
  return yielded;
}

LogicalResult Frame::runBody(Block &block, ArrayRef<Value> arguments) {
  for (auto [argument, content] : llvm::zip_equal(block.getArguments(), arguments))
    set(argument, content);
  for (Operation &op : block.without_terminator())
    if (failed(run(&op)))
      return failure();
  return success();
}

/// Scalar ops work on tensors element by element; a scalar among the operands is the same for all.
static LogicalResult runElementwise(Operation *op, const ScalarOp &scalar, Frame &frame) {
  SmallVector<Value> operands;
  std::optional<Value> shaped;
  for (mlir::Value operand : op->getOperands()) {
    operands.push_back(frame[operand]);
    if (operands.back().isTensor())
      shaped = operands.back();
  }
  for (auto [number, result] : llvm::enumerate(op->getResults())) {
    Type element = getElementTypeOrSelf(result.getType());
    Tensor tensor{element, {}, std::vector<Scalar>(1)};
    if (shaped) {
      tensor.shape.assign(shaped->shape().begin(), shaped->shape().end());
      tensor.elements.resize(shaped->elements().size());
    }
    SmallVector<Scalar, 4> arguments(operands.size());
    const char *problem = nullptr;
    for (auto [at, target] : llvm::enumerate(tensor.elements)) {
      for (auto [argument, operand] : llvm::zip(arguments, operands))
        argument = operand.isTensor() ? operand.elements()[at] : operand.scalar();
      target = scalar.functions[number](arguments.data(), scalar.types, problem);
    }
    if (problem)
      return frame.error(op, problem);
    frame.set(result, shaped ? Value(std::move(tensor)) : Value(element, tensor.elements[0]));
  }
  return success();
}

/// Shapes of one op's elementwise operands agree (mlir's verifier knows the static ones).
static LogicalResult checkSameShapes(Operation *op, Frame &frame) {
  std::optional<Value> first;
  for (mlir::Value operand : op->getOperands()) {
    Value content = frame[operand];
    if (!content.isTensor())
      continue;
    if (first && first->shape() != content.shape())
      return frame.error(op, "expected operands of one shape, found " + shapeText(first->shape()) +
                                 " and " + shapeText(content.shape()));
    first = content;
  }
  return success();
}

/// A computed tensor fits the type that the op declares.
static LogicalResult checkResults(Operation *op, Frame &frame) {
  for (OpResult result : op->getResults()) {
    auto type = dyn_cast<RankedTensorType>(result.getType());
    if (!type)
      continue;
    Value content = frame[result];
    if (!content.isTensor() || failed(verifyCompatibleShape(type.getShape(), content.shape())))
      return frame.error(op, "expected result " + Twine(result.getResultNumber()) + " of shape " +
                                 shapeText(type.getShape()) + ", computed " +
                                 shapeText(content.shape()));
  }
  return success();
}

LogicalResult Frame::run(Operation *op) {
  if (interpreter.options.cancel && *interpreter.options.cancel)
    return error(op, "the run was cancelled", ErrorKind::Cancelled);
  if (const Handler *handler = interpreter.handlers.find(op)) {
    if (failed((*handler)(op, *this)))
      return failure();
  } else if (isa<linalg::LinalgOp>(op)) {
    if (failed(evaluateStructured(op, *this)))
      return failure();
  } else if (std::optional<ScalarOp> scalar = getScalarOp(op)) {
    if (failed(checkSameShapes(op, *this)) || failed(runElementwise(op, *scalar, *this)))
      return failure();
  } else {
    return error(op,
                 "unsupported op: the reference interpreter knows the ops of a model, of arith, "
                 "math, tensor, linalg, scf, func, ml_program, attn and loop",
                 ErrorKind::Unsupported);
  }
  return checkResults(op, *this);
}

void Frame::decided(Operation *op, double distance) {
  if (interpreter.options.onDecision)
    interpreter.options.onDecision(op, distance);
}

LogicalResult Frame::countStep(Operation *op) {
  uint64_t limit = interpreter.options.stepLimit;
  if (++interpreter.steps > limit && limit != 0)
    return error(op, "the run has used up its " + Twine(limit) + " loop iterations",
                 ErrorKind::StepLimit);
  return success();
}

/// "file:line:column" of the innermost place in a file that a location knows.
static std::string placeText(Location location) {
  std::string text;
  llvm::raw_string_ostream out(text);
  if (auto file = location->findInstanceOf<FileLineColLoc>())
    out << file.getFilename().getValue() << ":" << file.getLine() << ":" << file.getColumn();
  else
    location->print(out);
  return text;
}

LogicalResult Frame::error(Operation *op, const Twine &message, ErrorKind kind) {
  if (!interpreter.problem)
    interpreter.problem =
        Error{kind, placeText(op->getLoc()) + ": '" + op->getName().getStringRef().str() +
                        "': " + message.str()};
  return failure();
}

//===----------------------------------------------------------------------===//
// Entry
//===----------------------------------------------------------------------===//

static std::string inputText(const Value &value, unsigned number) {
  return "argument " + std::to_string(number) + " of shape " +
         (value.isTensor() ? shapeText(value.shape()) : "a scalar");
}

/// The arguments have the types that the function declares.
static std::optional<Error> checkInputs(FunctionOpInterface function, ArrayRef<Value> inputs) {
  if (function.getNumArguments() != inputs.size())
    return makeError(ErrorKind::Argument, "@", function.getName().str(), " takes ",
                     function.getNumArguments(), " arguments, given are ", inputs.size());
  for (auto [number, type, input] : llvm::enumerate(function.getArgumentTypes(), inputs)) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (getElementTypeOrSelf(type) != input.elementType() || bool(tensor) != input.isTensor() ||
        (tensor && failed(verifyCompatibleShape(tensor.getShape(), input.shape())))) {
      std::string expected, given;
      llvm::raw_string_ostream(expected) << type;
      llvm::raw_string_ostream(given) << input.elementType();
      return makeError(ErrorKind::Argument, "@", function.getName().str(), ": expected ", expected,
                       ", found ", inputText(input, number), " and element type ", given);
    }
  }
  return std::nullopt;
}

Expected<std::vector<Value>> evaluate(ModuleOp module, StringRef entry, ArrayRef<Value> inputs,
                                      const Options &options) {
  auto function = module.lookupSymbol<FunctionOpInterface>(entry);
  if (!function)
    return makeError(ErrorKind::Argument, "the module has no function @", entry.str());
  if (auto problem = checkInputs(function, inputs))
    return std::move(*problem);
  Interpreter interpreter(module, options);
  auto results = interpreter.call(function, inputs, function);
  if (failed(results))
    return interpreter.problem.value_or(makeError(ErrorKind::Internal, "evaluation failed"));
  return std::vector<Value>(results->begin(), results->end());
}

} // namespace attnc::reference
