// The constraints on attn.attention's operands, one function a constraint, in the order they are
// checked: each may rely on those in front of it. README.md of dialects/attn lists them by name;
// how the operands fit together (c7 … c12) is in AttentionVerifyShapes.cpp, the regions (c15 … c17)
// in AttentionRegions.cpp.
#include "AttentionOperands.h"
#include "Verify.h"

#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/bit.h"

using namespace mlir;
using namespace attnc::attn;

/// attention_c1: there is a source, and source_kinds says which operands and masks the sources
/// bring.
static LogicalResult verifyC1(AttentionOp op) {
  constexpr int32_t withOperand = AttentionOp::HasMask - 1,
                    known = withOperand | AttentionOp::HasMask;
  size_t operands = 0, masks = 0;
  if (op.getSourceKinds().empty())
    return op.emitOpError("expected at least one source, found none");
  for (int32_t kind : op.getSourceKinds()) {
    if (kind & ~known)
      return op.emitOpError("expected source kinds between 0 and ") << known << ", found " << kind;
    operands += 2 + llvm::popcount(static_cast<uint32_t>(kind & withOperand));
    masks += kind & AttentionOp::HasMask ? 1 : 0;
  }
  if (operands != op.getSourceOperands().size())
    return op.emitOpError("expected ")
           << operands << " source operands as source_kinds says, found "
           << op.getSourceOperands().size();
  if (masks != op.getSourceMasks().size())
    return op.emitOpError("expected ")
           << masks << " source masks as source_kinds says, found " << op.getSourceMasks().size();
  return success();
}

/// attention_c2: every operand has an indexing map, over the seven dimensions.
static LogicalResult verifyC2(AttentionOp op) {
  if (op.getIndexingMaps().size() != op->getNumOperands())
    return op.emitOpError("expected an indexing map for each operand (")
           << op->getNumOperands() << "), found " << op.getIndexingMaps().size();
  for (auto map : op.getIndexingMaps().getAsValueRange<AffineMapAttr>())
    if (map.getNumDims() != AttentionOp::NumDims || map.getNumSymbols() != 0)
      return op.emitOpError("expected indexing maps over ")
             << +AttentionOp::NumDims << " dimensions and no symbols, found " << map.getNumDims()
             << " and " << map.getNumSymbols();
  return success();
}

/// attention_c3: operand and element types.
static LogicalResult verifyType(AttentionOp op, const AttentionOperand &operand) {
  auto expected = [&](const Twine &what) {
    return op.emitOpError("expected ")
           << operand.getName() << " to be " << what << ", found " << operand.getType();
  };
  Type element = getElementTypeOrSelf(operand.getType());
  auto tensor = operand.getTensor();
  switch (operand.role) {
  case Role::QueryOffset:
  case Role::Offset:
    return operand.getType().isIndex() ? success() : expected("an index");
  case Role::Valid:
    return operand.getType().isIndex() || (tensor && isPositionType(element))
               ? success()
               : expected("an index or a ranked tensor of i32, i64 or index");
  case Role::QueryPositions:
  case Role::Positions:
  case Role::QueryRows:
  case Role::Rows:
    return tensor && isPositionType(element) ? success()
                                             : expected("a ranked tensor of i32, i64 or index");
  case Role::Pages:
    return tensor && tensor.getRank() > 0 && isPositionType(element)
               ? success()
               : expected("a tensor of i32, i64 or index with a last dimension for the pages");
  case Role::Query:
  case Role::Key:
  case Role::Value:
  case Role::Sink:
  case Role::Output:
    return tensor && isa<FloatType>(element) ? success() : expected("a ranked tensor of floats");
  case Role::Lse:
  case Role::Entropy:
    return element == op.getComputeType()
               ? success()
               : expected("a tensor of the compute type, " +
                          StringRef(op.getComputeType().isF64() ? "f64" : "f32"));
  case Role::Capture:
    return tensor || operand.getType().isIntOrIndexOrFloat()
               ? success()
               : expected("a ranked tensor or a scalar");
  }
  llvm_unreachable("unknown role");
}

/// How many indices an operand is written with; nothing where that is free.
static bool hasRightArity(const AttentionOperand &operand, int64_t &expected) {
  auto tensor = operand.getTensor();
  int64_t found = operand.map.getNumResults();
  expected = tensor ? tensor.getRank() : 0;
  if (operand.role == Role::QueryRows || operand.role == Role::Rows)
    expected = 0;
  if (operand.role == Role::Pages)
    --expected;
  return found == expected || (operand.role == Role::Capture && found == 0);
}

/// attention_c4: as many indices as the operand has dimensions, each one a dimension (at most once)
/// or a constant inside the operand.
static LogicalResult verifyC4(AttentionOp op, const AttentionOperand &operand) {
  int64_t arity;
  if (!hasRightArity(operand, arity))
    return op.emitOpError("expected ") << arity << " indices of " << operand.getName() << ", found "
                                       << operand.map.getNumResults();
  unsigned seen = 0;
  for (auto [position, index] : llvm::enumerate(operand.map.getResults())) {
    if (auto dim = dyn_cast<AffineDimExpr>(index)) {
      if (seen & (1u << dim.getPosition()))
        return op.emitOpError("expected each dimension at most once among the indices of ")
               << operand.getName() << ", found " << getDimName(dim.getPosition()) << " twice";
      seen |= 1u << dim.getPosition();
      continue;
    }
    auto constant = dyn_cast<AffineConstantExpr>(index);
    if (!constant)
      return op.emitOpError("expected dimensions and constants as indices of ")
             << operand.getName() << ", found "
             << AffineMapAttr::get(AffineMap::get(AttentionOp::NumDims, 0, index));
    int64_t size = operand.getTensor().getDimSize(position);
    if (constant.getValue() < 0 || (!ShapedType::isDynamic(size) && constant.getValue() >= size))
      return op.emitOpError("expected index ")
             << position << " of " << operand.getName() << " between 0 and its extent ("
             << getSizeText(size) << "), found " << constant.getValue();
  }
  return success();
}

static StringRef getAllowedDims(Role role) {
  switch (role) {
  case Role::Query:
    return "bgrid";
  case Role::Key:
    return "bgrjd";
  case Role::Value:
    return "bgrjv";
  case Role::Output:
    return "bgriv";
  case Role::Lse:
  case Role::Entropy:
    return "bgri";
  case Role::QueryPositions:
    return "bi";
  case Role::Positions:
    return "bj";
  case Role::Valid:
  case Role::Pages:
    return "b";
  case Role::Sink:
    return "gr";
  case Role::Capture:
    return "bgrij";
  default:
    return "";
  }
}

static std::string getDimsText(StringRef dims) {
  std::string text;
  for (char dim : dims)
    text += (text.empty() ? "" : ", ") + std::string(1, dim);
  return text;
}

/// attention_c5: each operand is indexed by dimensions that make sense for it.
static LogicalResult verifyC5(AttentionOp op, const AttentionOperand &operand) {
  StringRef allowed = getAllowedDims(operand.role);
  for (unsigned dim : llvm::seq<unsigned>(AttentionOp::NumDims))
    if (operand.map.isFunctionOfDim(dim) && !allowed.contains(getDimName(dim)))
      return op.emitOpError("expected ")
             << operand.getName() << " to be indexed by " << getDimsText(allowed) << " only, found "
             << getDimName(dim);
  return success();
}

/// attention_c6: positions are counted from an offset or given, not both.
static LogicalResult verifyC6(AttentionOp op) {
  if (op.getQueryOffset() && op.getQueryPositions())
    return op.emitOpError("expected offset or positions of query, found both");
  for (auto [number, source] : llvm::enumerate(op.getSources()))
    if (source.offset && source.positions)
      return op.emitOpError("expected offset or positions of source ") << number << ", found both";
  return success();
}

/// attention_c13: sinks, log-sum-exp and entropy belong to softmax.
static LogicalResult verifyC13(AttentionOp op) {
  if (op.getNormalizer() == Normalizer::Softmax)
    return success();
  for (auto [name, operand] : {std::pair<StringRef, Value>{"sink", op.getSink()},
                               {"lse", op.getLseInit()},
                               {"entropy", op.getEntropyInit()}})
    if (operand)
      return op.emitOpError("expected softmax for ")
             << name << ", found " << stringifyNormalizer(op.getNormalizer());
  return success();
}

LogicalResult AttentionOp::verify() {
  if (failed(verifyC1(*this)) || failed(verifyC2(*this)))
    return failure();
  SmallVector<AttentionOperand> operands = getAttentionOperands(*this);
  for (auto check : {verifyType, verifyC4, verifyC5})
    for (const AttentionOperand &operand : operands)
      if (failed(check(*this, operand)))
        return failure();
  if (failed(verifyC6(*this)) || failed(verifyAttentionShapes(*this, operands)) ||
      failed(verifyC13(*this)))
    return failure();
  // attention_c14: the scale is a number.
  return verifyFinite(*this, "scale", getScale());
}
