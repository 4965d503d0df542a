// Parts of the iteration space of attention, and the loops over its keys.
#include "Attention.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace attnc::attn;
using namespace attnc::lower;

//===----------------------------------------------------------------------===//
// Parts of the iteration space
//===----------------------------------------------------------------------===//

Indexed attnc::lower::getIndexed(AttentionOp op, OpOperand &operand) {
  return {operand.get(), llvm::to_vector(op.getMap(operand).getResults())};
}

bool Indexed::has(Dim dim) const {
  return llvm::any_of(indices, [&](AffineExpr index) { return index.isFunctionOfDim(dim); });
}

/// The part of a dimension of a tensor that the iteration space's parts ask for.
static Part getPart(ImplicitLocOpBuilder &b, AffineExpr index, const Parts &parts) {
  if (auto constant = dyn_cast<AffineConstantExpr>(index))
    return Part::index(b.getIndexAttr(constant.getValue()));
  return parts[cast<AffineDimExpr>(index).getPosition()];
}

Slice Indexed::slice(ImplicitLocOpBuilder &b, const Parts &parts) const {
  Slice result(b, tensor);
  for (auto [dim, index] : llvm::enumerate(indices)) {
    Part part = getPart(b, index, parts);
    if (part.kind == Part::Index)
      result.at(dim, part.offset);
    else if (part.kind == Part::Range)
      result.range(dim, part.offset, part.size);
  }
  return result;
}

Indexed Indexed::cut(ImplicitLocOpBuilder &b, const Parts &parts) const {
  Indexed result{slice(b, parts).extract(b, tensor), {}};
  for (AffineExpr index : indices)
    if (getPart(b, index, parts).kind != Part::Index)
      result.indices.push_back(index);
  return result;
}

AffineMap Indexed::getMap(ImplicitLocOpBuilder &b, ArrayRef<Dim> dims) const {
  SmallVector<int64_t> loops;
  for (AffineExpr index : indices) {
    auto dim = static_cast<Dim>(cast<AffineDimExpr>(index).getPosition());
    loops.push_back(llvm::find(dims, dim) - dims.begin());
  }
  return getDimsMap(b, dims.size(), loops);
}

//===----------------------------------------------------------------------===//
// Keys
//===----------------------------------------------------------------------===//

namespace {

/// The loops over the keys of one source.
struct KeyLoops {
  ImplicitLocOpBuilder &b;
  AttentionOp op;
  const QueryTile &queries;
  int64_t keyBlock;
  KeyBody body;
  AttentionOp::Source source;
  int64_t number;

  /// An element of an operand that says something about sequence b.
  Num readOfSequence(OpOperand &operand, ValueRange behind = {}) {
    Indexed cut = getIndexed(op, operand).cut(b, queries.parts);
    return readElement(b, cut.tensor, behind).toIndex();
  }

  /// Keys first .. first + count of what is stored, which are keys `logical` and on of the
  /// sequence.
  Carried visitRun(Parts stored, OpFoldResult first, Num logical, OpFoldResult count,
                   ValueRange carried) {
    auto visit = [&](Num j, ValueRange inner) -> Carried {
      OpFoldResult size = getTileSize(b, j.getValue(), count, keyBlock);
      stored[AttentionOp::J] = Part::range((Num(b, first) + j).getValue(), size);
      Parts parts = queries.parts;
      parts[AttentionOp::J] =
          source.pages ? Part::range((logical + j).getValue(), size) : stored[AttentionOp::J];
      return body({source, number, stored, parts, logical + j, size}, inner);
    };
    return forEachIndex(b, Num::index(b, 0), Num(b, count), keyBlock, carried, visit);
  }

  /// Sequence b of a packed source.
  Carried visitRows(Num extent, ValueRange carried) {
    Value rows = source.rows->get();
    Num sequence(b, queries.parts[AttentionOp::B].offset), zero = Num::index(b, 0);
    Num first = min(max(readElement(b, rows, sequence.getValue()).toIndex(), zero), extent);
    Num end = min(max(readElement(b, rows, (sequence + 1.0).getValue()).toIndex(), first), extent);
    return visitRun(queries.parts, first.getValue(), zero, (end - first).getValue(), carried);
  }

  /// Page after page; a page that is none has no keys.
  Carried visitPages(Num count, ValueRange carried) {
    Indexed key = getIndexed(op, *source.key);
    auto getKeySize = [&](Dim dim) {
      auto *at = llvm::find(key.indices, b.getAffineDimExpr(dim));
      return Num(b, getSize(b, key.tensor, at - key.indices.begin()));
    };
    Num pageSize = getKeySize(AttentionOp::J), physical = getKeySize(AttentionOp::B);
    Num zero = Num::index(b, 0), pages = (count + pageSize - 1.0) / max(pageSize, zero + 1.0);
    auto visitPage = [&](Num page, ValueRange inner) -> Carried {
      Num at = readOfSequence(*source.pages, page.getValue()), before = page * pageSize;
      Num size = select((at >= 0.0) & (at < physical), min(pageSize, count - before), zero);
      Parts stored = queries.parts;
      stored[AttentionOp::B] = Part::index(at.getValue());
      return visitRun(stored, b.getIndexAttr(0), before, size.getValue(), inner);
    };
    return forEachIndex(b, zero, pages, 1, carried, visitPage);
  }

  Carried visit(ValueRange carried) {
    OpFoldResult extent = op.getExtent(b, b.getLoc(), AttentionOp::J, number);
    if (source.rows)
      return visitRows(Num(b, extent), carried);
    if (source.valid) {
      Num zero = Num::index(b, 0);
      Num valid = isa<RankedTensorType>(source.valid->get().getType())
                      ? readOfSequence(*source.valid)
                      : Num(b, source.valid->get()).toIndex();
      extent = min(max(valid, zero), Num(b, extent)).getValue();
    }
    if (source.pages)
      return visitPages(Num(b, extent), carried);
    return visitRun(queries.parts, b.getIndexAttr(0), Num::index(b, 0), extent, carried);
  }
};

} // namespace

Carried attnc::lower::forEachKeyTile(ImplicitLocOpBuilder &b, AttentionOp op,
                                     const QueryTile &queries, int64_t keyBlock, Carried carried,
                                     KeyBody body) {
  for (auto [number, source] : llvm::enumerate(op.getSources())) {
    KeyLoops loops{b, op, queries, keyBlock, body, source, static_cast<int64_t>(number)};
    carried = loops.visit(carried);
  }
  return carried;
}
