// Rings (Manifest.h) as sessions hold them, in slots, and as files hold them: the rows that are valid,
// oldest first: positions 0 .. n-1 if n rows fit, else the pinned ones and the newest. Position p is in
// slot p if p < pinned, else in pinned + (p - pinned) mod (length - pinned). So a file says nothing
// about slots or capacities.
#pragma once

#include "attnc/Package/Manifest.h"

namespace attnc {

struct Ring {
  int axis;
  int64_t length, pinned, appended;

  int64_t valid() const { return appended < length ? appended : length; }
  /// Position of saved row `row` of `rows`: pinned ones first, then the newest.
  int64_t position(int64_t row, int64_t rows) const {
    return row < pinned && row < rows ? row : appended - rows + row;
  }
  int64_t slot(int64_t position) const {
    return position < pinned ? position : pinned + (position - pinned) % (length - pinned);
  }
};

/// The ring of a state, from its length and the value of the state that counts.
Expected<Ring> makeRing(const RingDecl &decl, int64_t length, const Tensor &count);
/// The rows that are valid.
Expected<Tensor> ringToRows(const Ring &ring, const Tensor &slots);
/// Refuses a file that has too few rows, or more than were appended.
Status checkRows(const Ring &ring, const StateDecl &state, const Shape &rows);
/// Writes rows to their slots, the others become 0. A file of a longer ring has more rows than fit:
/// its pinned ones and its newest are taken.
void rowsToRing(const Ring &ring, const Tensor &rows, std::byte *slots);

} // namespace attnc
