#include "PackingOrder.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"

#include <algorithm>

using namespace attnc;
using llvm::ArrayRef, llvm::SmallVector;

namespace {

/// Begins with a few orders that are mostly good, and moves single buffers as long as that helps.
class PackingOrder {
public:
  explicit PackingOrder(ArrayRef<Lifetime> buffers) : buffers(buffers) {
    for (unsigned i = 0; i < buffers.size(); ++i) {
      together.emplace_back();
      for (unsigned j = 0; j < buffers.size(); ++j)
        if (buffers[i].meets(buffers[j]))
          together.back().push_back(j);
    }
    auto pairs = std::max<int64_t>(1, int64_t(buffers.size() * buffers.size()));
    trials = std::clamp<int64_t>(kEffort / pairs, 20, 5000);
  }

  SmallVector<unsigned> find() {
    auto life = [](const Lifetime &b) { return b.last - b.first; };
    auto typical = [](const Lifetime &b) { return b.estimates[1]; };
    start([&](const Lifetime &a, const Lifetime &b) { return std::pair(typical(b), a.first) < std::pair(typical(a), b.first); });
    start([&](const Lifetime &a, const Lifetime &b) { return std::pair(life(b), typical(b)) < std::pair(life(a), typical(a)); });
    start([&](const Lifetime &a, const Lifetime &b) { return std::pair(a.first, typical(b)) < std::pair(b.first, typical(a)); });
    return best;
  }

private:
  static constexpr int64_t kEffort = 20'000'000;

  /// The arena over the largest sum of live buffers, summed over the typical sizes: 1 each is perfect.
  double cost(ArrayRef<unsigned> order) {
    SmallVector<unsigned> place(order.size());
    for (auto [position, i] : llvm::enumerate(order))
      place[i] = position;
    double sum = 0;
    for (size_t size = 0; size < std::size(kTypicalSizes); ++size) {
      SmallVector<int64_t> ends(order.size());
      int64_t height = 1, live = 1;
      for (unsigned i : order) {
        int64_t offset = 0, at = 0;
        for (unsigned j : together[i]) {
          if (place[j] < place[i])
            offset = std::max(offset, ends[j]);
          at += buffers[j].first <= buffers[i].first ? buffers[j].estimates[size] : 0;
        }
        ends[i] = offset + buffers[i].estimates[size];
        height = std::max(height, ends[i]);
        live = std::max(live, at);
      }
      sum += double(height) / double(live);
    }
    return sum;
  }

  template <class Less> void start(Less less) {
    SmallVector<unsigned> order = llvm::to_vector(llvm::seq<unsigned>(buffers.size()));
    llvm::stable_sort(order, [&](unsigned a, unsigned b) { return less(buffers[a], buffers[b]); });
    double reached = cost(order);
    const double perfect = std::size(kTypicalSizes);
    int64_t left = trials;
    for (bool better = true; better && left > 0 && reached > perfect;) {
      better = false;
      for (unsigned from = 0; from < order.size() && left > 0; ++from)
        for (unsigned to : {0u, from / 2, unsigned(order.size()) - 1}) {
          SmallVector<unsigned> moved = order;
          moved.erase(moved.begin() + from);
          moved.insert(moved.begin() + to, order[from]);
          double now = cost(moved);
          --left;
          if (now < reached - 1e-9) {
            order = moved;
            reached = now;
            better = true;
          }
        }
    }
    if (best.empty() || reached < bestCost) {
      best = order;
      bestCost = reached;
    }
  }

  ArrayRef<Lifetime> buffers;
  SmallVector<SmallVector<unsigned>> together; ///< buffers that live at a time with each
  int64_t trials;
  SmallVector<unsigned> best;
  double bestCost = 0;
};

} // namespace

SmallVector<unsigned> attnc::findPackingOrder(ArrayRef<Lifetime> buffers) {
  return buffers.empty() ? SmallVector<unsigned>() : PackingOrder(buffers).find();
}
