// The constraints on how attn.attention's operands fit together, one function a constraint, in the
// order they are checked: each may rely on those in front of it.
#include "AttentionOperands.h"
#include "Verify.h"

#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace attnc::attn;

using Dim = AttentionOp::Dim;
using Operands = ArrayRef<AttentionOperand>;

static const AttentionOperand *findRole(Operands operands, Role role, unsigned number = 0) {
  auto it = llvm::find_if(
      operands, [&](const AttentionOperand &o) { return o.role == role && o.number == number; });
  return it == operands.end() ? nullptr : it;
}

/// attention_c7: a paged source has valid lengths, and its pages are what key and value index by b.
static LogicalResult verifyC7(AttentionOp op, Operands operands) {
  for (auto [number, source] : llvm::enumerate(op.getSources())) {
    if (!source.pages)
      continue;
    if (!source.valid)
      return op.emitOpError("expected valid beside pages of source ") << number << ", found none";
    if (source.rows)
      return op.emitOpError("expected pages or rows of source ") << number << ", found both";
    int64_t pages[2];
    for (auto [role, count] : llvm::zip(ArrayRef{Role::Key, Role::Value}, pages)) {
      const AttentionOperand *operand = findRole(operands, role, number);
      if (!operand->find(AttentionOp::B) || !operand->find(AttentionOp::J))
        return op.emitOpError("expected paged ")
               << operand->getName() << " to be indexed by b and j, found "
               << getIndicesText(operand->map);
      count = operand->getTensor().getDimSize(*operand->find(AttentionOp::B));
    }
    if (failed(verifyCompatibleShape(ArrayRef(pages[0]), ArrayRef(pages[1]))))
      return op.emitOpError("expected as many pages in value as in key of source ")
             << number << " (" << pages[0] << "), found " << pages[1];
  }
  return success();
}

/// attention_c8: rows are offsets into the dimension that `dim` indexes, in which the sequences
/// follow each other: what is indexed by `dim` is not indexed by b.
static LogicalResult verifyRows(AttentionOp op, Operands operands, Dim dim,
                                const AttentionOperand &rows,
                                ArrayRef<const AttentionOperand *> ragged) {
  if (rows.getTensor().getRank() != 1)
    return op.emitOpError("expected ")
           << rows.getName() << " of rank 1, found rank " << rows.getTensor().getRank();
  for (const AttentionOperand *operand : ragged)
    if (!operand->find(dim))
      return op.emitOpError("expected ragged ")
             << operand->getName() << " to be indexed by " << getDimName(dim) << ", found "
             << getIndicesText(operand->map);
  for (const AttentionOperand &operand : operands) {
    bool otherSource = operand.role >= Role::Key && operand.role <= Role::Rows &&
                       rows.role == Role::Rows && operand.number != rows.number;
    if (!otherSource && operand.find(dim) && operand.find(AttentionOp::B))
      return op.emitOpError("expected ")
             << operand.getName() << " not to be indexed by b beside " << getDimName(dim)
             << ", which " << rows.getName() << " divide, found " << getIndicesText(operand.map);
  }
  return success();
}

static LogicalResult verifyC8(AttentionOp op, Operands operands) {
  if (op.getQueryRows() &&
      failed(verifyRows(op, operands, AttentionOp::I, *findRole(operands, Role::QueryRows),
                        {findRole(operands, Role::Query), findRole(operands, Role::Output)})))
    return failure();
  for (auto [number, source] : llvm::enumerate(op.getSources())) {
    if (!source.rows)
      continue;
    if (source.valid)
      return op.emitOpError("expected valid or rows of source ") << number << ", found both";
    if (failed(verifyRows(
            op, operands, AttentionOp::J, *findRole(operands, Role::Rows, number),
            {findRole(operands, Role::Key, number), findRole(operands, Role::Value, number)})))
      return failure();
  }
  return success();
}

/// attention_c9: j counts within one source, so a capture indexed by it needs there to be one.
static LogicalResult verifyC9(AttentionOp op, Operands operands) {
  for (const AttentionOperand &operand : operands)
    if (operand.role == Role::Capture && operand.find(AttentionOp::J) &&
        op.getSourceKinds().size() != 1)
      return op.emitOpError("expected one source for ")
             << operand.getName() << ", which is indexed by j, found "
             << op.getSourceKinds().size();
  return success();
}

/// attention_c10: d is in the query and all keys or in none of them, likewise j in a key and its
/// value, and v in all values and the output.
static LogicalResult verifyC10(AttentionOp op, Operands operands) {
  auto together = [&](Dim dim, const AttentionOperand &a,
                      const AttentionOperand &b) -> LogicalResult {
    if (a.find(dim).has_value() == b.find(dim).has_value())
      return success();
    return op.emitOpError("expected ")
           << getDimName(dim) << " in both " << a.getName() << " and " << b.getName()
           << ", found it in " << (a.find(dim) ? a : b).getName() << " only";
  };
  const AttentionOperand &query = *findRole(operands, Role::Query),
                         &output = *findRole(operands, Role::Output);
  for (unsigned number : llvm::seq<unsigned>(op.getSourceKinds().size())) {
    const AttentionOperand &key = *findRole(operands, Role::Key, number);
    const AttentionOperand &value = *findRole(operands, Role::Value, number);
    if (failed(together(AttentionOp::D, query, key)) ||
        failed(together(AttentionOp::J, key, value)) ||
        failed(together(AttentionOp::V, value, output)))
      return failure();
  }
  return success();
}

/// attention_c11: the output is indexed by each of b, g, r, i that indexes anything with more than
/// one element (b: unless the queries are ragged); lse and entropy are indexed as the output,
/// without v.
static LogicalResult verifyC11(AttentionOp op, Operands operands) {
  const AttentionOperand &output = *findRole(operands, Role::Output);
  for (const ExtentFact &fact : getExtentFacts(op)) {
    bool reduced =
        fact.dim == AttentionOp::J || fact.dim == AttentionOp::D || fact.dim == AttentionOp::V;
    bool inRows = fact.dim == AttentionOp::B && op.getQueryRows();
    if (!reduced && !inRows && fact.size != 1 && !output.find(fact.dim))
      return op.emitOpError("expected output to be indexed by ")
             << getDimName(fact.dim) << " as " << fact.operand.getName() << " is (extent "
             << getSizeText(fact.size) << "), found " << getIndicesText(output.map);
  }
  for (Role role : {Role::Lse, Role::Entropy}) {
    const AttentionOperand *operand = findRole(operands, role);
    if (!operand)
      continue;
    for (Dim dim : {AttentionOp::B, AttentionOp::G, AttentionOp::R, AttentionOp::I})
      if (operand->find(dim).has_value() != output.find(dim).has_value())
        return op.emitOpError("expected ")
               << operand->getName() << " to be indexed by the dimensions of output but v ("
               << getIndicesText(output.map) << "), found " << getIndicesText(operand->map);
  }
  return success();
}

/// attention_c12: extents known statically agree.
static LogicalResult verifyC12(AttentionOp op) {
  SmallVector<ExtentFact> facts = getExtentFacts(op);
  for (auto [number, fact] : llvm::enumerate(facts)) {
    if (ShapedType::isDynamic(fact.size))
      continue;
    for (const ExtentFact &earlier : ArrayRef(facts).take_front(number))
      if (earlier.dim == fact.dim &&
          (fact.dim != AttentionOp::J || earlier.source == fact.source) &&
          !ShapedType::isDynamic(earlier.size) && earlier.size != fact.size)
        return op.emitOpError("expected extent of ")
               << getDimName(fact.dim) << " in " << fact.operand.getName() << " to be that in "
               << earlier.operand.getName() << " (" << earlier.size << "), found " << fact.size;
  }
  return success();
}

LogicalResult attnc::attn::verifyAttentionShapes(AttentionOp op, Operands operands) {
  return failure(failed(verifyC7(op, operands)) || failed(verifyC8(op, operands)) ||
                 failed(verifyC9(op, operands)) || failed(verifyC10(op, operands)) ||
                 failed(verifyC11(op, operands)) || failed(verifyC12(op)));
}
