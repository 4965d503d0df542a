// The syntax of attn.attention: operands with the dimensions that index them, regions whose
// arguments are named without types. The grammar is in AttnOps.td.
#include "AttentionOperands.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace attnc::attn;

//===----------------------------------------------------------------------===//
// Parser
//===----------------------------------------------------------------------===//

namespace {
/// An operand as it is written, %x[b, i, 0, d]; its type may come later in the text.
struct WrittenOperand {
  OpAsmParser::UnresolvedOperand name;
  AffineMap map;
  Type type;
};

/// Reads the clauses in their order, then builds the state.
class AttentionReader {
public:
  AttentionReader(OpAsmParser &parser, OperationState &state) : parser(parser), state(state) {}
  ParseResult read();

private:
  ParseResult readQuery();
  ParseResult readSource();
  ParseResult readCaptures();
  ParseResult readDestinations();
  ParseResult readRegions();
  ParseResult build();

  /// keyword %x[...] : type, when the keyword is there.
  ParseResult readOptional(StringRef keyword, int segment, bool scalarIndex = false,
                           bool *found = nullptr);
  ParseResult readIndexed(int segment, WrittenOperand *&operand);
  ParseResult readIndex(SmallVectorImpl<AffineExpr> &indices);
  ParseResult readOptionalBody(StringRef keyword, Region &region, bool withScore);
  ParseResult readSourceMask();

  Builder &getBuilder() { return parser.getBuilder(); }

  OpAsmParser &parser;
  OperationState &state;
  // One list of operands a segment, in the order of the op's arguments.
  SmallVector<WrittenOperand, 2> segments[AttentionOp::odsIndex_entropy_init + 1];
  SmallVector<Type> queryKeysAndValues;
  SmallVector<int32_t> sourceKinds;
  std::unique_ptr<Region> score = std::make_unique<Region>(), mask = std::make_unique<Region>(),
                          post = std::make_unique<Region>();
  SmallVector<std::unique_ptr<Region>> sourceMasks;
};
} // namespace

ParseResult AttentionReader::readIndex(SmallVectorImpl<AffineExpr> &indices) {
  int64_t constant;
  OptionalParseResult isConstant = parser.parseOptionalInteger(constant);
  if (isConstant.has_value()) {
    indices.push_back(getBuilder().getAffineConstantExpr(constant));
    return *isConstant;
  }
  SMLoc loc = parser.getCurrentLocation();
  StringRef name;
  if (failed(parser.parseOptionalKeyword(&name)) || name.size() != 1 ||
      !StringRef("bgrijdv").contains(name))
    return parser.emitError(loc, "expected a dimension (b, g, r, i, j, d or v) or a constant");
  indices.push_back(getBuilder().getAffineDimExpr(StringRef("bgrijdv").find(name)));
  return success();
}

ParseResult AttentionReader::readIndexed(int segment, WrittenOperand *&operand) {
  SmallVector<AffineExpr> indices;
  operand = &segments[segment].emplace_back();
  if (parser.parseOperand(operand->name) ||
      parser.parseCommaSeparatedList(AsmParser::Delimiter::OptionalSquare,
                                     [&] { return readIndex(indices); }))
    return failure();
  operand->map = AffineMap::get(AttentionOp::NumDims, 0, indices, parser.getContext());
  return success();
}

ParseResult AttentionReader::readOptional(StringRef keyword, int segment, bool scalarIndex,
                                          bool *found) {
  bool present = succeeded(parser.parseOptionalKeyword(keyword));
  if (found)
    *found = present;
  if (!present)
    return success();
  WrittenOperand *operand;
  if (readIndexed(segment, operand))
    return failure();
  // An index is written without its type.
  if (scalarIndex && operand->map.getNumResults() == 0 && failed(parser.parseOptionalColon())) {
    operand->type = getBuilder().getIndexType();
    return success();
  }
  if (scalarIndex && operand->map.getNumResults() == 0)
    return parser.parseType(operand->type);
  return parser.parseColonType(operand->type);
}

ParseResult AttentionReader::readQuery() {
  WrittenOperand *query;
  if (parser.parseKeyword("query") || readIndexed(AttentionOp::odsIndex_query, query) ||
      parser.parseColonType(query->type))
    return failure();
  queryKeysAndValues.push_back(query->type);
  return failure(readOptional("offset", AttentionOp::odsIndex_query_offset, /*scalarIndex=*/true) ||
                 readOptional("positions", AttentionOp::odsIndex_query_positions) ||
                 readOptional("rows", AttentionOp::odsIndex_query_rows));
}

ParseResult AttentionReader::readSource() {
  constexpr int segment = AttentionOp::odsIndex_source_operands;
  constexpr std::tuple<StringLiteral, AttentionOp::SourceBit, bool> clauses[] = {
      {"offset", AttentionOp::HasOffset, true},
      {"positions", AttentionOp::HasPositions, false},
      {"valid", AttentionOp::HasValid, true},
      {"pages", AttentionOp::HasPages, false},
      {"rows", AttentionOp::HasRows, false},
  };
  WrittenOperand *operand;
  Type key, value;
  if (readIndexed(segment, operand) || parser.parseComma() || readIndexed(segment, operand) ||
      parser.parseColonType(key) || parser.parseComma() || parser.parseType(value))
    return failure();
  segments[segment].end()[-2].type = key;
  segments[segment].end()[-1].type = value;
  queryKeysAndValues.append({key, value});

  int32_t &kinds = sourceKinds.emplace_back(0);
  for (auto [keyword, bit, scalarIndex] : clauses) {
    bool found;
    if (readOptional(keyword, segment, scalarIndex, &found))
      return failure();
    kinds |= found ? bit : 0;
  }
  if (failed(parser.parseOptionalKeyword("mask")))
    return success();
  kinds |= AttentionOp::HasMask;
  return readSourceMask();
}

/// A source's mask stands in front of the captures, so its arguments for them bring their types.
ParseResult AttentionReader::readSourceMask() {
  SmallVector<OpAsmParser::Argument> arguments;
  SmallVector<Type> leading =
      getLeadingArgumentTypes(getBuilder().getF32Type(), /*withScore=*/false);
  auto readArgument = [&]() -> ParseResult {
    bool typed = arguments.size() >= leading.size();
    OpAsmParser::Argument &argument = arguments.emplace_back();
    if (!typed)
      argument.type = leading[arguments.size() - 1];
    return parser.parseArgument(argument, /*allowType=*/typed);
  };
  Region &region = *sourceMasks.emplace_back(std::make_unique<Region>());
  return failure(parser.parseCommaSeparatedList(AsmParser::Delimiter::Paren, readArgument) ||
                 parser.parseRegion(region, arguments, /*enableNameShadowing=*/true));
}

ParseResult AttentionReader::readCaptures() {
  if (failed(parser.parseOptionalKeyword("captures")))
    return success();
  return parser.parseCommaSeparatedList([&]() -> ParseResult {
    WrittenOperand *capture;
    return failure(readIndexed(AttentionOp::odsIndex_captures, capture) ||
                   parser.parseColonType(capture->type));
  });
}

ParseResult AttentionReader::readDestinations() {
  WrittenOperand *output;
  return failure(readOptional("sink", AttentionOp::odsIndex_sink) || parser.parseKeyword("into") ||
                 readIndexed(AttentionOp::odsIndex_output_init, output) ||
                 parser.parseColonType(output->type) ||
                 readOptional("lse", AttentionOp::odsIndex_lse_init) ||
                 readOptional("entropy", AttentionOp::odsIndex_entropy_init));
}

ParseResult AttentionReader::readOptionalBody(StringRef keyword, Region &region, bool withScore) {
  if (failed(parser.parseOptionalKeyword(keyword)))
    return success();
  SmallVector<Type> types =
      getLeadingArgumentTypes(getComputeTypeOf(parser.getContext(), queryKeysAndValues), withScore);
  for (WrittenOperand &capture : segments[AttentionOp::odsIndex_captures])
    types.push_back(getCaptureArgumentType(capture.type, capture.map));

  SMLoc loc = parser.getCurrentLocation();
  SmallVector<OpAsmParser::Argument> arguments;
  if (parser.parseArgumentList(arguments, AsmParser::Delimiter::Paren))
    return failure();
  if (arguments.size() != types.size())
    return parser.emitError(loc) << "expected " << types.size() << " arguments of the " << keyword
                                 << " region ("
                                 << (withScore ? keyword == "post" ? "p, " : "s, " : "")
                                 << "b, h, i, j, n and one a capture), found " << arguments.size();
  for (auto [argument, type] : llvm::zip(arguments, types))
    argument.type = type;
  return parser.parseRegion(region, arguments, /*enableNameShadowing=*/true);
}

ParseResult AttentionReader::readRegions() {
  return failure(readOptionalBody("score", *score, /*withScore=*/true) ||
                 readOptionalBody("mask", *mask, /*withScore=*/false) ||
                 readOptionalBody("post", *post, /*withScore=*/true));
}

ParseResult AttentionReader::build() {
  auto &properties = state.getOrAddProperties<AttentionOp::Properties>();
  SmallVector<AffineMap> maps;
  for (auto [segment, size] : llvm::zip_equal(segments, properties.operandSegmentSizes)) {
    size = segment.size();
    for (WrittenOperand &operand : segment) {
      maps.push_back(operand.map);
      if (parser.resolveOperand(operand.name, operand.type, state.operands))
        return failure();
    }
  }
  properties.indexing_maps = getBuilder().getAffineMapArrayAttr(maps);
  properties.source_kinds = getBuilder().getDenseI32ArrayAttr(sourceKinds);
  for (int segment : {AttentionOp::odsIndex_output_init, AttentionOp::odsIndex_lse_init,
                      AttentionOp::odsIndex_entropy_init})
    for (WrittenOperand &init : segments[segment])
      state.addTypes(init.type);
  for (auto *region : {&score, &mask, &post})
    state.addRegion(std::move(*region));
  for (auto &region : sourceMasks)
    state.addRegion(std::move(region));
  return success();
}

ParseResult AttentionReader::read() {
  auto &properties = state.getOrAddProperties<AttentionOp::Properties>();
  SMLoc loc = parser.getCurrentLocation();
  StringRef name;
  if (parser.parseKeyword(&name))
    return failure();
  std::optional<Normalizer> normalizer = symbolizeNormalizer(name);
  if (!normalizer)
    return parser.emitError(loc, "expected softmax, sigmoid, sigmoid_sum or identity");
  properties.normalizer = NormalizerAttr::get(parser.getContext(), *normalizer);
  if (parser.parseKeyword("scale") || parser.parseLParen() ||
      parser.parseAttribute(properties.scale, getBuilder().getF64Type()) || parser.parseRParen() ||
      readQuery() || parser.parseKeyword("source") || readSource())
    return failure();
  while (succeeded(parser.parseOptionalKeyword("source")))
    if (readSource())
      return failure();
  return failure(readCaptures() || readDestinations() || readRegions() ||
                 parser.parseOptionalAttrDict(state.attributes) || build());
}

ParseResult AttentionOp::parse(OpAsmParser &parser, OperationState &state) {
  return AttentionReader(parser, state).read();
}

//===----------------------------------------------------------------------===//
// Printer
//===----------------------------------------------------------------------===//

static void printIndexed(OpAsmPrinter &p, AttentionOp op, OpOperand &operand) {
  p << operand.get();
  if (AffineMap map = op.getMap(operand); map.getNumResults() > 0)
    p << '[' << getIndicesText(map) << ']';
}

/// keyword %x[...] : type; an index is printed without its type.
static void printOptional(OpAsmPrinter &p, AttentionOp op, StringRef keyword, OpOperand *operand) {
  if (!operand)
    return;
  p << ' ' << keyword << ' ';
  printIndexed(p, op, *operand);
  if (Type type = operand->get().getType(); !type.isIndex())
    p << " : " << type;
}

static void printOptional(OpAsmPrinter &p, AttentionOp op, StringRef keyword,
                          MutableOperandRange segment) {
  if (!segment.empty())
    printOptional(p, op, keyword, &segment[0]);
}

static void printBody(OpAsmPrinter &p, StringRef keyword, Region &region,
                      bool typedCaptures = false) {
  p << keyword << '(';
  llvm::interleaveComma(region.getArguments(), p, [&](BlockArgument argument) {
    p << argument;
    if (typedCaptures && argument.getArgNumber() >= 5)
      p << ": " << argument.getType();
  });
  p << ") ";
  p.printRegion(region, /*printEntryBlockArgs=*/false);
}

static void printSource(OpAsmPrinter &p, AttentionOp op, AttentionOp::Source &source) {
  p << "source ";
  printIndexed(p, op, *source.key);
  p << ", ";
  printIndexed(p, op, *source.value);
  p << " : " << source.key->get().getType() << ", " << source.value->get().getType();
  printOptional(p, op, "offset", source.offset);
  printOptional(p, op, "positions", source.positions);
  printOptional(p, op, "valid", source.valid);
  printOptional(p, op, "pages", source.pages);
  printOptional(p, op, "rows", source.rows);
  if (source.mask) {
    p << ' ';
    printBody(p, "mask", *source.mask, /*typedCaptures=*/true);
  }
}

void AttentionOp::print(OpAsmPrinter &p) {
  p << ' ' << stringifyNormalizer(getNormalizer()) << " scale(";
  p.printAttributeWithoutType(getScaleAttr());
  p << ')';
  p.increaseIndent();
  p.printNewline();
  p << "query ";
  printIndexed(p, *this, getQueryMutable());
  p << " : " << getQuery().getType();
  printOptional(p, *this, "offset", getQueryOffsetMutable());
  printOptional(p, *this, "positions", getQueryPositionsMutable());
  printOptional(p, *this, "rows", getQueryRowsMutable());
  for (Source &source : getSources()) {
    p.printNewline();
    printSource(p, *this, source);
  }
  if (!getCaptures().empty()) {
    p.printNewline();
    p << "captures ";
    llvm::interleaveComma(getCapturesMutable(), p, [&](OpOperand &capture) {
      printIndexed(p, *this, capture);
      p << " : " << capture.get().getType();
    });
  }
  p.printNewline();
  if (MutableOperandRange sink = getSinkMutable(); !sink.empty()) {
    p << "sink ";
    printIndexed(p, *this, sink[0]);
    p << " : " << getSink().getType();
    p.printNewline();
  }
  p << "into ";
  printIndexed(p, *this, getOutputInitMutable());
  p << " : " << getOutputInit().getType();
  printOptional(p, *this, "lse", getLseInitMutable());
  printOptional(p, *this, "entropy", getEntropyInitMutable());
  for (auto [keyword, region] : {std::pair<StringRef, Region *>{"score", &getScore()},
                                 {"mask", &getMask()},
                                 {"post", &getPost()}}) {
    if (region->empty())
      continue;
    p.printNewline();
    printBody(p, keyword, *region);
  }
  p.printOptionalAttrDict((*this)->getDiscardableAttrDictionary().getValue());
  p.decreaseIndent();
}

void AttentionOp::getAsmBlockArgumentNames(Region &region, OpAsmSetValueNameFn setName) {
  StringRef names = &region == &getScore() ? "sbhijn" : &region == &getPost() ? "pbhijn"
                                                                              : "bhijn";
  for (BlockArgument argument : region.getArguments()) {
    unsigned number = argument.getArgNumber();
    if (number < names.size())
      setName(argument, names.substr(number, 1));
    else
      setName(argument, "cap" + std::to_string(number - names.size()));
  }
}
