// What each operand of attn.attention is, what it says about the iteration space, and the helpers
// of the op's class built on that.
#include "AttentionOperands.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace attnc::attn;

//===----------------------------------------------------------------------===//
// Roles
//===----------------------------------------------------------------------===//

static StringRef getRoleName(Role role) {
  switch (role) {
  case Role::Query:
    return "query";
  case Role::QueryOffset:
    return "offset of query";
  case Role::QueryPositions:
    return "positions of query";
  case Role::QueryRows:
    return "rows of query";
  case Role::Key:
    return "key";
  case Role::Value:
    return "value";
  case Role::Offset:
    return "offset";
  case Role::Positions:
    return "positions";
  case Role::Valid:
    return "valid";
  case Role::Pages:
    return "pages";
  case Role::Rows:
    return "rows";
  case Role::Capture:
    return "capture";
  case Role::Sink:
    return "sink";
  case Role::Output:
    return "output";
  case Role::Lse:
    return "lse";
  case Role::Entropy:
    return "entropy";
  }
  llvm_unreachable("unknown role");
}

std::string AttentionOperand::getName() const {
  std::string name = getRoleName(role).str();
  if (role == Role::Capture)
    return name + " " + std::to_string(number);
  if (role >= Role::Key && role <= Role::Rows)
    return name + " of source " + std::to_string(number);
  return name;
}

std::optional<unsigned> AttentionOperand::find(AttentionOp::Dim dim) const {
  for (auto [position, result] : llvm::enumerate(map.getResults()))
    if (auto expr = dyn_cast<AffineDimExpr>(result); expr && expr.getPosition() == dim)
      return position;
  return std::nullopt;
}

/// The operands of the sources: key, value, then those of the kind's bits, source by source.
static void addSourceOperands(AttentionOp op, function_ref<void(Role, unsigned)> add) {
  constexpr std::pair<AttentionOp::SourceBit, Role> optional[] = {
      {AttentionOp::HasOffset, Role::Offset},
      {AttentionOp::HasPositions, Role::Positions},
      {AttentionOp::HasValid, Role::Valid},
      {AttentionOp::HasPages, Role::Pages},
      {AttentionOp::HasRows, Role::Rows},
  };
  for (auto [number, kind] : llvm::enumerate(op.getSourceKinds())) {
    add(Role::Key, number);
    add(Role::Value, number);
    for (auto [bit, role] : optional)
      if (kind & bit)
        add(role, number);
  }
}

SmallVector<AttentionOperand> attnc::attn::getAttentionOperands(AttentionOp op) {
  constexpr std::pair<int, Role> segments[] = {
      {AttentionOp::odsIndex_query, Role::Query},
      {AttentionOp::odsIndex_query_offset, Role::QueryOffset},
      {AttentionOp::odsIndex_query_positions, Role::QueryPositions},
      {AttentionOp::odsIndex_query_rows, Role::QueryRows},
      {AttentionOp::odsIndex_source_operands, Role::Key},
      {AttentionOp::odsIndex_captures, Role::Capture},
      {AttentionOp::odsIndex_sink, Role::Sink},
      {AttentionOp::odsIndex_output_init, Role::Output},
      {AttentionOp::odsIndex_lse_init, Role::Lse},
      {AttentionOp::odsIndex_entropy_init, Role::Entropy},
  };
  SmallVector<AttentionOperand> all;
  auto add = [&](Role role, unsigned number) {
    OpOperand &operand = op->getOpOperand(all.size());
    all.push_back({&operand, role, number, op.getMap(operand)});
  };
  for (auto [segment, role] : segments) {
    if (segment == AttentionOp::odsIndex_source_operands) {
      addSourceOperands(op, add);
      continue;
    }
    for (unsigned number : llvm::seq(op.getODSOperandIndexAndLength(segment).second))
      add(role, number);
  }
  return all;
}

//===----------------------------------------------------------------------===//
// Extents
//===----------------------------------------------------------------------===//

static int64_t getPagedExtent(int64_t pages, int64_t rowsOfPage) {
  if (ShapedType::isDynamic(pages) || ShapedType::isDynamic(rowsOfPage))
    return ShapedType::kDynamic;
  return pages * rowsOfPage;
}

SmallVector<ExtentFact> attnc::attn::getExtentFacts(AttentionOp op) {
  SmallVector<ExtentFact> facts;
  SmallVector<AttentionOp::Source> sources = op.getSources();
  for (AttentionOperand &operand : getAttentionOperands(op)) {
    auto tensor = operand.getTensor();
    if (!tensor)
      continue;
    bool ofSource = operand.role >= Role::Key && operand.role <= Role::Rows;
    unsigned source = ofSource ? operand.number : 0;
    // Row offsets end each sequence: one more than there are sequences.
    if (operand.role == Role::QueryRows || operand.role == Role::Rows) {
      int64_t size = tensor.getDimSize(0);
      facts.push_back(
          {operand, AttentionOp::B, source, 0, tensor.isDynamicDim(0) ? size : size - 1});
      continue;
    }
    OpOperand *pages = nullptr;
    if (operand.role == Role::Key || operand.role == Role::Value)
      pages = sources[source].pages;
    for (auto [position, result] : llvm::enumerate(operand.map.getResults())) {
      auto expr = dyn_cast<AffineDimExpr>(result);
      if (!expr)
        continue;
      auto dim = static_cast<AttentionOp::Dim>(expr.getPosition());
      int64_t size = tensor.getDimSize(position);
      // b of a paged key indexes physical pages, and j one page.
      if (pages && dim == AttentionOp::B)
        continue;
      if (pages && dim == AttentionOp::J)
        size =
            getPagedExtent(cast<RankedTensorType>(pages->get().getType()).getShape().back(), size);
      facts.push_back({operand, dim, source, static_cast<unsigned>(position), size});
    }
  }
  return facts;
}

/// The extent that a fact states, as a value.
static OpFoldResult materialize(OpBuilder &b, Location loc, const ExtentFact &fact,
                                ArrayRef<AttentionOp::Source> sources) {
  Value tensor = fact.operand.operand->get();
  Role role = fact.operand.role;
  OpFoldResult size = tensor::getMixedSize(b, loc, tensor, fact.position);
  auto index = [&](OpFoldResult v) { return getValueOrCreateConstantIndexOp(b, loc, v); };
  if (role == Role::QueryRows || role == Role::Rows)
    return b.createOrFold<arith::SubIOp>(loc, index(size),
                                         arith::ConstantIndexOp::create(b, loc, 1));
  OpOperand *pages = sources[fact.source].pages;
  if ((role == Role::Key || role == Role::Value) && pages && fact.dim == AttentionOp::J) {
    int64_t last = cast<RankedTensorType>(pages->get().getType()).getRank() - 1;
    OpFoldResult count = tensor::getMixedSize(b, loc, pages->get(), last);
    return b.createOrFold<arith::MulIOp>(loc, index(count), index(size));
  }
  return size;
}

OpFoldResult AttentionOp::getExtent(OpBuilder &b, Location loc, Dim dim, unsigned source) {
  std::optional<ExtentFact> chosen;
  for (ExtentFact &fact : getExtentFacts(*this)) {
    if (fact.dim != dim || (dim == J && fact.source != source))
      continue;
    if (!ShapedType::isDynamic(fact.size))
      return b.getIndexAttr(fact.size);
    // Destinations come last and are preferred: where they are known, their size is.
    chosen = fact;
  }
  if (!chosen)
    return b.getIndexAttr(1);
  return materialize(b, loc, *chosen, getSources());
}

//===----------------------------------------------------------------------===//
// Small helpers of the class
//===----------------------------------------------------------------------===//

char attnc::attn::getDimName(unsigned dim) { return "bgrijdv"[dim]; }

std::string attnc::attn::getIndicesText(AffineMap map) {
  return llvm::join(llvm::map_range(map.getResults(),
                                    [](AffineExpr expr) -> std::string {
                                      if (auto dim = dyn_cast<AffineDimExpr>(expr))
                                        return {getDimName(dim.getPosition())};
                                      return std::to_string(
                                          cast<AffineConstantExpr>(expr).getValue());
                                    }),
                    ", ");
}

Type attnc::attn::getCaptureArgumentType(Type type, AffineMap map) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  bool whole = tensor && tensor.getRank() > 0 && map.getNumResults() == 0;
  return tensor && !whole ? tensor.getElementType() : type;
}

FloatType attnc::attn::getComputeTypeOf(MLIRContext *context, TypeRange queryKeysAndValues) {
  if (llvm::all_of(queryKeysAndValues, [](Type t) { return getElementTypeOrSelf(t).isF64(); }))
    return Float64Type::get(context);
  return Float32Type::get(context);
}

SmallVector<Type> attnc::attn::getLeadingArgumentTypes(FloatType compute, bool withScore) {
  SmallVector<Type> types;
  if (withScore)
    types.push_back(compute);
  types.append(5, IndexType::get(compute.getContext()));
  return types;
}

SmallVector<AttentionOp::Source> AttentionOp::getSources() {
  SmallVector<Source> sources(getSourceKinds().size());
  unsigned next = getODSOperandIndexAndLength(odsIndex_source_operands).first, nextMask = 0;
  auto take = [&] { return &getOperation()->getOpOperand(next++); };
  for (auto [source, kind] : llvm::zip(sources, getSourceKinds())) {
    source.key = take();
    source.value = take();
    source.offset = kind & HasOffset ? take() : nullptr;
    source.positions = kind & HasPositions ? take() : nullptr;
    source.valid = kind & HasValid ? take() : nullptr;
    source.pages = kind & HasPages ? take() : nullptr;
    source.rows = kind & HasRows ? take() : nullptr;
    source.mask = kind & HasMask ? &getSourceMasks()[nextMask++] : nullptr;
  }
  return sources;
}

AffineMap AttentionOp::getMap(OpOperand &operand) {
  return cast<AffineMapAttr>(getIndexingMaps()[operand.getOperandNumber()]).getValue();
}

bool AttentionOp::isWholeCapture(OpOperand &capture) {
  auto tensor = dyn_cast<RankedTensorType>(capture.get().getType());
  return tensor && tensor.getRank() > 0 && getMap(capture).getNumResults() == 0;
}

FloatType AttentionOp::getComputeType() {
  SmallVector<Type> types{getQuery().getType()};
  for (Source &source : getSources())
    types.append({source.key->get().getType(), source.value->get().getType()});
  return getComputeTypeOf(getContext(), types);
}

MutableOperandRange AttentionOp::getDpsInitsMutable() {
  unsigned first = getODSOperandIndexAndLength(odsIndex_output_init).first;
  return MutableOperandRange(getOperation(), first, getOperation()->getNumOperands() - first);
}

LogicalResult AttentionOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  for (OpOperand &init : getDpsInitsMutable())
    shapes.push_back(tensor::getMixedSizes(b, getLoc(), init.get()));
  return success();
}
