// The custom syntax of the loop ops (grammar: dialects/loop/README.md).
//
// Options may stand in any order when read and are printed in one order, without those that have their
// default value. What types can be told from others is not written: block arguments, results.
#include "attnc/Dialect/Loop/Loop.h"

#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace attnc::loop;

using Argument = OpAsmParser::Argument;
using Operand = OpAsmParser::UnresolvedOperand;

//===----------------------------------------------------------------------===//
// Pieces of syntax
//===----------------------------------------------------------------------===//

/// A region argument and the value that it starts from: `%a = %b : type`.
namespace {
struct Binding {
  Argument argument;
  Operand value;
  Type type;
};
} // namespace

/// `(` x `)`
static ParseResult parseParenthesised(OpAsmParser &parser, function_ref<ParseResult()> inside) {
  return failure(parser.parseLParen() || inside() || parser.parseRParen());
}

template <typename Enum, typename Attr>
static ParseResult parseEnum(OpAsmParser &parser, StringRef what, Attr &attr) {
  SMLoc loc = parser.getCurrentLocation();
  StringRef word;
  if (parser.parseKeyword(&word))
    return failure();
  std::optional<Enum> value = symbolizeEnum<Enum>(word);
  if (!value)
    return parser.emitError(loc) << "unknown " << what << " '" << word << "'";
  attr = Attr::get(parser.getContext(), *value);
  return success();
}

static ParseResult parseI64(OpAsmParser &parser, IntegerAttr &attr) {
  return parser.parseAttribute(attr, parser.getBuilder().getI64Type());
}

static ParseResult parseF64(OpAsmParser &parser, FloatAttr &attr) {
  return parser.parseAttribute(attr, parser.getBuilder().getF64Type());
}

/// `%a = %b`
static ParseResult parseBinding(OpAsmParser &parser, Binding &binding) {
  return failure(parser.parseArgument(binding.argument) || parser.parseEqual() ||
                 parser.parseOperand(binding.value));
}

/// `%a = %b : type`
static ParseResult parseTypedBinding(OpAsmParser &parser, Binding &binding) {
  return failure(parseBinding(parser, binding) || parser.parseColonType(binding.type));
}

/// `keyword ( %x )`, an argument of the body.
static ParseResult parseArgument(OpAsmParser &parser, StringRef keyword, Type type, Argument &argument) {
  argument.type = type;
  return failure(parser.parseKeyword(keyword) ||
                 parseParenthesised(parser, [&] { return parser.parseArgument(argument); }));
}

/// `cap ( %x )`, an operand.
static ParseResult parseKeywordOperand(OpAsmParser &parser, StringRef keyword, Operand &operand) {
  return failure(parser.parseKeyword(keyword) ||
                 parseParenthesised(parser, [&] { return parser.parseOperand(operand); }));
}

/// Tries the options until none fits: each is a keyword and what to read behind it.
namespace {
struct Option {
  StringRef keyword;
  llvm::function_ref<ParseResult()> parse;
};
} // namespace

static ParseResult parseOptions(OpAsmParser &parser, ArrayRef<Option> options) {
  llvm::SmallDenseSet<StringRef> seen;
  for (bool found = true; found;) {
    found = false;
    for (const Option &option : options) {
      SMLoc loc = parser.getCurrentLocation();
      if (failed(parser.parseOptionalKeyword(option.keyword)))
        continue;
      if (!seen.insert(option.keyword).second)
        return parser.emitError(loc) << "'" << option.keyword << "' is given twice";
      if (option.parse())
        return failure();
      found = true;
    }
  }
  return success();
}

/// `carry(` binding, … `)`, each behind its mark if `marks` is given. May be absent.
static ParseResult parseCarry(OpAsmParser &parser, SmallVectorImpl<Binding> &carried, SmallVectorImpl<int32_t> *marks) {
  if (failed(parser.parseOptionalKeyword("carry")))
    return success();
  return parser.parseCommaSeparatedList(OpAsmParser::Delimiter::Paren, [&]() -> ParseResult {
    if (marks) {
      SMLoc loc = parser.getCurrentLocation();
      StringRef word;
      if (parser.parseKeyword(&word))
        return failure();
      std::optional<Mark> mark = symbolizeMark(word);
      if (!mark)
        return parser.emitError(loc) << "expected frozen, free, mean or blend, and not '" << word << "'";
      marks->push_back(static_cast<int32_t>(*mark));
    }
    return parseTypedBinding(parser, carried.emplace_back());
  });
}

static ParseResult resolve(OpAsmParser &parser, ArrayRef<Binding> bindings, OperationState &result) {
  for (const Binding &binding : bindings)
    if (parser.resolveOperand(binding.value, binding.type, result.operands))
      return failure();
  return success();
}

static void printCarry(OpAsmPrinter &p, Block::BlockArgListType arguments, OperandRange inits, ArrayRef<int32_t> marks) {
  if (inits.empty())
    return;
  p << " carry(";
  for (auto [i, argument, init] : llvm::enumerate(arguments, inits)) {
    p << (i ? ", " : "");
    if (!marks.empty())
      p << stringifyMark(static_cast<Mark>(marks[i])) << " ";
    p << argument << " = " << init << " : " << init.getType();
  }
  p << ")";
}

static void printFloatOption(OpAsmPrinter &p, StringRef keyword, FloatAttr value) {
  p << " " << keyword << "(";
  p.printAttributeWithoutType(value);
  p << ")";
}

/// The region, whose arguments were printed before it, and discardable attributes.
static void printBody(OpAsmPrinter &p, Operation *op, Region &body) {
  SmallVector<StringRef> inherent{"operandSegmentSizes"};
  for (StringAttr name : op->getName().getAttributeNames())
    inherent.push_back(name);
  p.printOptionalAttrDictWithKeyword(op->getAttrs(), inherent);
  p << " ";
  p.printRegion(body, /*printEntryBlockArgs=*/false);
}

static ParseResult parseBody(OpAsmParser &parser, OperationState &result, ArrayRef<Argument> arguments) {
  return failure(parser.parseOptionalAttrDictWithKeyword(result.attributes) ||
                 parser.parseRegion(*result.addRegion(), arguments));
}

//===----------------------------------------------------------------------===//
// loop.adaptive
//===----------------------------------------------------------------------===//

/// `halt(%t, %before…, %after…) { … }`
static ParseResult parseHalt(OpAsmParser &parser, ArrayRef<Binding> carried, Region &region) {
  if (failed(parser.parseOptionalKeyword("halt")))
    return success();
  SmallVector<Argument> arguments;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseArgumentList(arguments, OpAsmParser::Delimiter::Paren))
    return failure();
  if (arguments.size() != 1 + 2 * carried.size())
    return parser.emitError(loc) << "expected " << 1 + 2 * carried.size()
                                 << " arguments (the step, each carried value before it, each after it), got "
                                 << arguments.size();
  arguments[0].type = parser.getBuilder().getIndexType();
  for (size_t i = 1; i < arguments.size(); ++i)
    arguments[i].type = carried[(i - 1) % carried.size()].type;
  return parser.parseRegion(region, arguments);
}

/// Result types follow from the operands: the carried types, the steps, the margin.
static void addAdaptiveResultTypes(Builder &b, OperationState &result, ArrayRef<Binding> carried, Type active, bool margin) {
  for (const Binding &binding : carried)
    result.addTypes(binding.type);
  auto rows = dyn_cast<RankedTensorType>(active);
  if (!rows)
    return;
  result.addTypes(rows.clone(b.getI32Type()));
  if (margin)
    result.addTypes(rows.clone(b.getF32Type()));
}

ParseResult AdaptiveOp::parse(OpAsmParser &parser, OperationState &result) {
  Builder &b = parser.getBuilder();
  auto &properties = result.getOrAddProperties<AdaptiveOp::Properties>();
  std::optional<Operand> threshold, seed;
  auto inParens = [&](auto read) { return [&parser, read] { return parseParenthesised(parser, read); }; };
  auto readThreshold = inParens([&] { return parser.parseOperand(threshold.emplace()); });
  auto readSeed = inParens([&] { return parser.parseOperand(seed.emplace()); });
  auto readCompare = inParens([&] { return parseEnum<Compare>(parser, "comparison", properties.compare); });
  auto readRemainder = inParens([&] { return parseEnum<Remainder>(parser, "remainder", properties.remainder); });
  auto readStream = inParens([&] { return parseI64(parser, properties.stream); });
  auto readOn = inParens([&] { return parseI64(parser, properties.on); });
  auto readDelta = inParens([&] { return parseF64(parser, properties.delta); });
  auto readMargin = [&] { properties.margin = b.getUnitAttr(); return ParseResult::success(); };
  if (parseEnum<Policy>(parser, "policy", properties.policy) ||
      parseOptions(parser, {
                               {"threshold", readThreshold},
                               {"compare", readCompare},
                               {"remainder", readRemainder},
                               {"seed", readSeed},
                               {"stream", readStream},
                               {"on", readOn},
                               {"delta", readDelta},
                               {"margin", readMargin},
                           }))
    return failure();

  Binding active;
  Operand cap;
  Argument step;
  SmallVector<Binding> carried;
  SmallVector<int32_t> marks;
  if (parser.parseKeyword("active") ||
      parseParenthesised(parser, [&] { return parseTypedBinding(parser, active); }) ||
      parseKeywordOperand(parser, "cap", cap) || parseArgument(parser, "step", b.getIndexType(), step) ||
      parseCarry(parser, carried, &marks))
    return failure();

  properties.marks = b.getDenseI32ArrayAttr(marks);
  llvm::copy(ArrayRef<int32_t>{1, 1, int32_t(carried.size()), threshold.has_value(), seed.has_value()},
             properties.operandSegmentSizes.begin());
  if (parser.resolveOperand(active.value, active.type, result.operands) ||
      parser.resolveOperand(cap, b.getIndexType(), result.operands) || resolve(parser, carried, result) ||
      (threshold && parser.resolveOperand(*threshold, b.getF32Type(), result.operands)) ||
      (seed && parser.resolveOperand(*seed, b.getI64Type(), result.operands)))
    return failure();
  addAdaptiveResultTypes(b, result, carried, active.type, bool(properties.margin));

  SmallVector<Argument> arguments = {step, active.argument};
  arguments[1].type = active.type;
  for (Binding &binding : carried) {
    binding.argument.type = binding.type;
    arguments.push_back(binding.argument);
  }
  if (parseBody(parser, result, arguments))
    return failure();
  return parseHalt(parser, carried, *result.addRegion());
}

void AdaptiveOp::print(OpAsmPrinter &p) {
  p << " " << stringifyPolicy(getPolicy());
  if (getThreshold())
    p << " threshold(" << getThreshold() << ")";
  if (getCompare() != Compare::Ge)
    p << " compare(" << stringifyCompare(getCompare()) << ")";
  if (getRemainder() != Remainder::Assign)
    p << " remainder(" << stringifyRemainder(getRemainder()) << ")";
  if (getSeed())
    p << " seed(" << getSeed() << ")";
  if (getStream())
    p << " stream(" << *getStream() << ")";
  if (getOn())
    p << " on(" << *getOn() << ")";
  if (getDeltaAttr())
    printFloatOption(p, "delta", getDeltaAttr());
  if (getMargin())
    p << " margin";
  p << " active(" << getRunning() << " = " << getActive() << " : " << getActive().getType() << ") cap(" << getCap()
    << ") step(" << getStep() << ")";
  printCarry(p, getCarried(), getInits(), getMarks());
  printBody(p, *this, getBody());
  if (getHalt().empty())
    return;
  p << " halt(";
  llvm::interleaveComma(getHalt().getArguments(), p);
  p << ") ";
  p.printRegion(getHalt(), /*printEntryBlockArgs=*/false);
}

//===----------------------------------------------------------------------===//
// loop.segment
//===----------------------------------------------------------------------===//

/// The type of a block of a tensor: unknown length along the dimension.
static Type blockType(Type type, int64_t dim) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || dim < 0 || dim >= tensor.getRank())
    return type;
  SmallVector<int64_t> shape(tensor.getShape());
  shape[dim] = ShapedType::kDynamic;
  return RankedTensorType::get(shape, tensor.getElementType(), tensor.getEncoding());
}

/// `blocks(%x = %xs along 1 : type, …)`
static ParseResult parseBlocks(OpAsmParser &parser, SmallVectorImpl<Binding> &blocks, SmallVectorImpl<int64_t> &dims) {
  if (parser.parseKeyword("blocks"))
    return failure();
  return parser.parseCommaSeparatedList(OpAsmParser::Delimiter::Paren, [&]() -> ParseResult {
    Binding &binding = blocks.emplace_back();
    return failure(parseBinding(parser, binding) || parser.parseKeyword("along") ||
                   parser.parseInteger(dims.emplace_back()) || parser.parseColonType(binding.type));
  });
}

/// `-> (along 1 : type, …)`
static ParseResult parseOutputs(OpAsmParser &parser, SmallVectorImpl<int64_t> &dims, SmallVectorImpl<Type> &types) {
  if (failed(parser.parseOptionalArrow()))
    return success();
  return parser.parseCommaSeparatedList(OpAsmParser::Delimiter::Paren, [&]() -> ParseResult {
    return failure(parser.parseKeyword("along") || parser.parseInteger(dims.emplace_back()) ||
                   parser.parseColonType(types.emplace_back()));
  });
}

ParseResult SegmentOp::parse(OpAsmParser &parser, OperationState &result) {
  Builder &b = parser.getBuilder();
  auto &properties = result.getOrAddProperties<SegmentOp::Properties>();
  auto readPartial = [&] {
    return parseParenthesised(parser, [&] { return parseEnum<Partial>(parser, "partial", properties.partial); });
  };
  Argument number;
  SmallVector<Binding> blocks, carried;
  SmallVector<int64_t> inputDims, outputDims;
  if (parser.parseKeyword("size") || parseI64(parser, properties.size) ||
      parseOptions(parser, {{"partial", readPartial}}) || parseArgument(parser, "number", b.getIndexType(), number) ||
      parseBlocks(parser, blocks, inputDims) || parseCarry(parser, carried, nullptr) ||
      parseOutputs(parser, outputDims, result.types))
    return failure();

  properties.input_dims = b.getDenseI64ArrayAttr(inputDims);
  properties.output_dims = b.getDenseI64ArrayAttr(outputDims);
  properties.operandSegmentSizes = {int32_t(blocks.size()), int32_t(carried.size())};
  if (resolve(parser, blocks, result) || resolve(parser, carried, result))
    return failure();

  SmallVector<Argument> arguments = {number};
  for (auto [binding, dim] : llvm::zip_equal(blocks, inputDims)) {
    binding.argument.type = blockType(binding.type, dim);
    arguments.push_back(binding.argument);
  }
  for (Binding &binding : carried) {
    binding.argument.type = binding.type;
    arguments.push_back(binding.argument);
    result.addTypes(binding.type);
  }
  return parseBody(parser, result, arguments);
}

void SegmentOp::print(OpAsmPrinter &p) {
  p << " size " << getSize();
  if (getPartial() != Partial::Update)
    p << " partial(" << stringifyPartial(getPartial()) << ")";
  p << " number(" << getNumber() << ") blocks(";
  for (auto [i, block, input, dim] : llvm::enumerate(getBlocks(), getInputs(), getInputDims()))
    p << (i ? ", " : "") << block << " = " << input << " along " << dim << " : " << input.getType();
  p << ")";
  printCarry(p, getCarried(), getInits(), {});
  if (getNumOutputs()) {
    p << " -> (";
    for (auto [i, output, dim] : llvm::enumerate(getOutputs(), getOutputDims()))
      p << (i ? ", " : "") << "along " << dim << " : " << output.getType();
    p << ")";
  }
  printBody(p, *this, getBody());
}

//===----------------------------------------------------------------------===//
// loop.fixed_point
//===----------------------------------------------------------------------===//

ParseResult FixedPointOp::parse(OpAsmParser &parser, OperationState &result) {
  Builder &b = parser.getBuilder();
  auto &properties = result.getOrAddProperties<FixedPointOp::Properties>();
  Operand tolerance, cap;
  Binding z;
  auto inParens = [&](auto read) { return [&parser, read] { return parseParenthesised(parser, read); }; };
  auto readHistory = inParens([&] { return parseI64(parser, properties.history); });
  auto readBeta = inParens([&] { return parseF64(parser, properties.beta); });
  auto readRegularization = inParens([&] { return parseF64(parser, properties.regularization); });
  auto readDelta = inParens([&] { return parseF64(parser, properties.delta); });
  if (parseEnum<Solver>(parser, "solver", properties.solver) ||
      parseKeywordOperand(parser, "tolerance", tolerance) || parseKeywordOperand(parser, "cap", cap) ||
      parseOptions(parser, {{"history", readHistory}, {"beta", readBeta}, {"regularization", readRegularization}, {"delta", readDelta}}) ||
      parser.parseKeyword("init") || parseParenthesised(parser, [&] { return parseTypedBinding(parser, z); }) ||
      parser.resolveOperand(tolerance, b.getF32Type(), result.operands) ||
      parser.resolveOperand(cap, b.getIndexType(), result.operands) || resolve(parser, z, result))
    return failure();

  result.addTypes(z.type);
  if (auto type = dyn_cast<RankedTensorType>(z.type); type && type.getRank() > 0) {
    result.addTypes(RankedTensorType::get(type.getShape().take_front(), b.getI32Type()));
    result.addTypes(RankedTensorType::get(type.getShape().take_front(), b.getF32Type()));
  }
  z.argument.type = z.type;
  return parseBody(parser, result, z.argument);
}

void FixedPointOp::print(OpAsmPrinter &p) {
  p << " " << stringifySolver(getSolver()) << " tolerance(" << getTolerance() << ") cap(" << getCap() << ")";
  if (getHistory() != 6)
    p << " history(" << getHistory() << ")";
  if (getBeta().convertToDouble() != 1.0)
    printFloatOption(p, "beta", getBetaAttr());
  if (getRegularization().convertToDouble() != 1.0e-4)
    printFloatOption(p, "regularization", getRegularizationAttr());
  if (getDelta().convertToDouble() != 1.0e-9)
    printFloatOption(p, "delta", getDeltaAttr());
  p << " init(" << getBody().getArgument(0) << " = " << getInit() << " : " << getInit().getType() << ")";
  printBody(p, *this, getBody());
}
