#include "attnc/Runtime/Ring.h"
#include <algorithm>
#include <cstring>

namespace attnc {
namespace {

/// Copies rows along one axis: fromRow(i) of `from` to toRow(i) of `to`.
struct RowCopy {
  uint64_t outer, inner; // elements in front of the axis, bytes behind it
  template <class From, class To>
  void run(const std::byte *from, int64_t fromRows, std::byte *to, int64_t toRows, int64_t count, From fromRow,
           To toRow) const {
    for (uint64_t o = 0; o < outer; ++o)
      for (int64_t i = 0; i < count; ++i)
        std::memcpy(to + (o * uint64_t(toRows) + uint64_t(toRow(i))) * inner,
                    from + (o * uint64_t(fromRows) + uint64_t(fromRow(i))) * inner, inner);
  }
};

RowCopy rowsOf(const Shape &shape, int axis, DType dtype) {
  RowCopy out{1, dtypeSize(dtype)};
  for (int i = 0; i < int(shape.size()); ++i)
    (i < axis ? out.outer : out.inner) *= i == axis ? 1 : uint64_t(shape[size_t(i)]);
  return out;
}

} // namespace

Expected<Ring> makeRing(const RingDecl &decl, int64_t length, const Tensor &count) {
  int64_t value = 0, rows = 0;
  ATTNC_CHECK(convertElements(count.dtype(), count.data(), DType::I64, &value, 1));
  if (value < 0 || __builtin_mul_overflow(value, decl.unit, &rows) || rows > maxDim)
    return makeError(ErrorKind::Argument, "state '", decl.count, "' is ", value, ", which counts no rows");
  return Ring{decl.dim, length, decl.pinned, rows};
}

Expected<Tensor> ringToRows(const Ring &ring, const Tensor &slots) {
  Shape shape = slots.shape();
  int64_t rows = shape[size_t(ring.axis)] = ring.valid();
  ATTNC_TRY(Tensor out, Tensor::allocate(slots.dtype(), shape));
  auto slotOf = [&](int64_t row) { return ring.slot(ring.position(row, rows)); };
  RowCopy copy = rowsOf(shape, ring.axis, slots.dtype());
  copy.run(slots.data(), ring.length, out.mutableData(), rows, rows, slotOf, [](int64_t row) { return row; });
  return out;
}

Status checkRows(const Ring &ring, const StateDecl &state, const Shape &shape) {
  int64_t rows = shape[size_t(ring.axis)];
  if (rows > ring.appended || rows < ring.valid())
    return makeError(ErrorKind::Argument, "expected ", ring.valid(), " rows in state '", state.name, "' after ",
                     ring.appended, " were appended, found ", rows);
  return {};
}

void rowsToRing(const Ring &ring, const Tensor &tensor, std::byte *slots) {
  int64_t inFile = tensor.shape()[size_t(ring.axis)], rows = ring.valid();
  RowCopy copy = rowsOf(tensor.shape(), ring.axis, tensor.dtype());
  std::memset(slots, 0, copy.outer * uint64_t(ring.length) * copy.inner);
  auto rowInFile = [&](int64_t row) { return row < std::min(ring.pinned, rows) ? row : inFile - rows + row; };
  auto slotOf = [&](int64_t row) { return ring.slot(ring.position(row, rows)); };
  copy.run(tensor.data(), inFile, slots, ring.length, rows, rowInFile, slotOf);
}

} // namespace attnc
