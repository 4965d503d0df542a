// Gives every buffer of an entry its place in one arena.
//
// Before: an entry on buffers, with memref.alloc wherever a result needs room. After: no allocation; each
// buffer is a view of the arena argument at an offset computed once at the start of the entry, and
// NAME_arena_size computes the bytes from the same sizes (and the sizes that only outputs have), or -1 if one of them leaves 48 bits: sizes come from callers, and
// a product that wraps would give a small arena to large tensors.
//
// Live ranges over linearised ops; a value that lives through part of a loop's iteration in which it was not
// made lives through the loop. Packing by "a lies above b" relations among buffers that live at
// the same time, in the best order that was found: valid for all sizes, and close to the largest sum of live buffers.
#include "SizeTerms.h"

#include "attnc/Memory/Memory.h"

#include "attnc/Dialect/Attnc/Attnc.h"

#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Analysis/TopologicalSortUtils.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Transforms/Transforms.h"
#include "mlir/Dialect/Bufferization/Transforms/BufferViewFlowAnalysis.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ValueBoundsOpInterface.h"

namespace attnc {
#define GEN_PASS_DEF_PLANARENA
#include "attnc/Memory/Passes.h.inc"
} // namespace attnc

using namespace mlir;
using attnc::SizeTerms;

namespace {

/// Buffers start on cache lines.
constexpr int64_t kAlignment = 64;
/// What an unknown size counts as when buffers are ordered.
constexpr int64_t kTypicalSizes[] = {4, 64, 512};

/// Positions of ops in program order, nested ops between the op and its end.
class Timeline {
public:
  explicit Timeline(Operation *root) { number(root); }
  int64_t begin(Operation *op) const { return beginOf.lookup(op); }
  int64_t end(Operation *op) const { return endOf.lookup(op); }

private:
  void number(Operation *op) {
    beginOf[op] = next++;
    for (Region &region : op->getRegions())
      for (Operation &inner : region.getOps())
        number(&inner);
    endOf[op] = next++;
  }
  int64_t next = 0;
  llvm::DenseMap<Operation *, int64_t> beginOf, endOf;
};

struct Buffer {
  memref::AllocOp alloc;
  int64_t first, last;       ///< live range on the timeline
  int64_t estimates[std::size(kTypicalSizes)]; ///< bytes with every unknown size such a one
  int64_t fixedBytes;        ///< bytes of the static part: times the dynamic sizes
  Value bytes, offset;       ///< at the start of the entry
  SmallVector<unsigned> below; ///< buffers that this one lies above
  StringRef writer;            ///< the first kernel that writes it
};

class ArenaPlanner {
public:
  explicit ArenaPlanner(func::FuncOp function) : function(function), top(function.getContext()) {
    top.setInsertionPointToStart(&function.getBody().front());
  }
  LogicalResult run();

private:
  LogicalResult findLiveRanges();
  LogicalResult computeBytes(Buffer &buffer);
  FailureOr<Value> dimAtEntry(Value memref, int64_t dim, function_ref<FailureOr<Value>(Value)> move);
  bool isNotNegative(Value value);
  FailureOr<Value> cloneAtEntry(Value value, function_ref<FailureOr<Value>(Value)> move);
  FailureOr<Value> atEntry(Value value);
  FailureOr<Value> boundAtEntry(Value value);
  FailureOr<Value> solveBound(Value value);
  Value sizeOf(Value memref, int64_t dim);
  bool isSize(Value value);
  void relate();
  void computeOffsets();
  void replaceAllocs();
  LogicalResult takeComputedSizes();
  void addSizeFunction();
  std::optional<SizeTerms> termsOf(Buffer &buffer);
  ArrayAttr attributeOf(const SizeTerms &terms);
  void recordPlan();

  func::FuncOp function;
  OpBuilder top; ///< inserts at the start of the entry
  SmallVector<Buffer> buffers;
  SmallVector<Attribute> loops; ///< first and last step of each
  llvm::DenseMap<Value, Value> hoisted, bounds; ///< at the start of the entry: what a value is, and at most is
  Value total;
  llvm::MapVector<BlockArgument, Value> computed; ///< sizes that only outputs have
};

/// The end of the last use, extended over the loops that the use is in and the allocation is not.
int64_t lastUse(Operation *user, Operation *alloc, const Timeline &time) {
  int64_t last = time.end(user);
  for (Operation *parent = user->getParentOp(); parent && !parent->isAncestor(alloc); parent = parent->getParentOp())
    if (isa<LoopLikeOpInterface>(parent))
      last = std::max(last, time.end(parent));
  return last;
}

/// Does a value made inside a loop leave its iteration?
bool leavesIteration(Value alias, Operation *alloc) {
  Operation *loop = alloc->getParentOfType<LoopLikeOpInterface>();
  if (!loop)
    return false;
  if (auto argument = dyn_cast<BlockArgument>(alias))
    return !loop->isProperAncestor(argument.getOwner()->getParentOp());
  return !loop->isProperAncestor(alias.getDefiningOp());
}

LogicalResult ArenaPlanner::findLiveRanges() {
  Timeline time(function);
  BufferViewFlowAnalysis views(function);
  LogicalResult ok = success();
  function.walk<WalkOrder::PreOrder>([&](LoopLikeOpInterface loop) { loops.push_back(top.getDenseI64ArrayAttr({time.begin(loop), time.end(loop)})); });
  function.walk([&](memref::AllocOp alloc) {
    Buffer buffer{alloc, time.begin(alloc), time.end(alloc), {}, 0, {}, {}, {}, {}};
    attnc::LaunchOp writer;
    for (Value alias : views.resolve(alloc.getMemref())) {
      if (succeeded(ok) && leavesIteration(alias, alloc))
        ok = alloc.emitError("internal: a buffer made in a loop outlives its iteration");
      for (Operation *user : alias.getUsers()) {
        buffer.last = std::max(buffer.last, lastUse(user, alloc, time));
        auto launch = dyn_cast<attnc::LaunchOp>(user);
        if (launch && llvm::is_contained(launch.getInits(), alias) && (!writer || time.begin(launch) < time.begin(writer)))
          writer = launch;
      }
    }
    if (writer)
      buffer.writer = writer.getKernel();
    buffers.push_back(buffer);
  });
  return ok;
}

/// Is it one of the entry's named sizes?
bool ArenaPlanner::isSize(Value value) {
  auto argument = dyn_cast<BlockArgument>(value);
  if (!argument || argument.getOwner() != &function.getBody().front())
    return false;
  auto role = function.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "attnc.role");
  return role && role.getValue() == "size";
}

/// The size argument that a dimension of an entry's buffer is, or the operand of the allocation that made it.
Value ArenaPlanner::sizeOf(Value memref, int64_t dim) {
  auto type = cast<MemRefType>(memref.getType());
  if (!type.isDynamicDim(dim))
    return {};
  unsigned position = type.getDynamicDimIndex(dim);
  if (auto alloc = memref.getDefiningOp<memref::AllocOp>())
    return alloc.getDynamicSizes()[position];
  auto argument = dyn_cast<BlockArgument>(memref);
  if (!argument || argument.getOwner() != &function.getBody().front())
    return {};
  auto names = function.getArgAttrOfType<ArrayAttr>(argument.getArgNumber(), "attnc.dims");
  if (!names || position >= names.size())
    return {};
  for (BlockArgument size : function.getArguments())
    if (isSize(size))
      if (function.getArgAttr(size.getArgNumber(), "attnc.name") == names[position])
        return size;
  return {};
}

/// A dimension of a buffer or of another shape of one, computed at the start of the entry by `move`.
FailureOr<Value> ArenaPlanner::dimAtEntry(Value memref, int64_t dim, function_ref<FailureOr<Value>(Value)> move) {
  Location loc = memref.getLoc();
  auto type = cast<MemRefType>(memref.getType());
  if (!type.isDynamicDim(dim))
    return arith::ConstantIndexOp::create(top, loc, type.getDimSize(dim)).getResult();
  if (auto expand = memref.getDefiningOp<memref::ExpandShapeOp>())
    return move(expand.getOutputShape()[type.getDynamicDimIndex(dim)]);
  if (auto collapse = memref.getDefiningOp<memref::CollapseShapeOp>()) {
    Value product = arith::ConstantIndexOp::create(top, loc, 1);
    for (int64_t d : collapse.getReassociationIndices()[dim]) {
      FailureOr<Value> factor = dimAtEntry(collapse.getSrc(), d, move);
      if (failed(factor))
        return failure();
      product = arith::MulIOp::create(top, loc, product, *factor);
    }
    return product;
  }
  // All branches give one shape, and a loop carries one.
  if (auto result = dyn_cast<OpResult>(memref)) {
    Operation *op = result.getOwner();
    if (isa<scf::IfOp, scf::IndexSwitchOp>(op))
      return dimAtEntry(op->getRegion(0).front().getTerminator()->getOperand(result.getResultNumber()), dim, move);
    if (auto loop = dyn_cast<scf::ForOp>(op))
      return dimAtEntry(loop.getInitArgs()[result.getResultNumber()], dim, move);
  }
  Value size = sizeOf(memref, dim);
  if (!size)
    return failure();
  return move(size);
}

/// The op that computes a value, again at the start of the entry, on what `move` gives for its operands.
FailureOr<Value> ArenaPlanner::cloneAtEntry(Value value, function_ref<FailureOr<Value>(Value)> move) {
  Operation *op = value.getDefiningOp();
  if (!op || op->getNumRegions() != 0 || !isMemoryEffectFree(op))
    return failure();
  IRMapping map;
  for (Value operand : op->getOperands()) {
    FailureOr<Value> moved = isa<MemRefType>(operand.getType()) ? FailureOr<Value>(failure()) : move(operand);
    if (failed(moved))
      return failure();
    map.map(operand, *moved);
  }
  return top.clone(*op, map)->getResult(cast<OpResult>(value).getResultNumber());
}

/// The value, computed at the start of the entry.
FailureOr<Value> ArenaPlanner::atEntry(Value value) {
  if (isSize(value))
    return value;
  if (Value known = hoisted.lookup(value))
    return known;
  auto move = [&](Value operand) { return atEntry(operand); };
  FailureOr<Value> moved = failure();
  if (auto dim = value.getDefiningOp<memref::DimOp>(); dim && dim.getConstantIndex())
    moved = dimAtEntry(dim.getSource(), *dim.getConstantIndex(), move);
  if (failed(moved))
    moved = cloneAtEntry(value, move);
  if (succeeded(moved))
    hoisted[value] = *moved;
  return moved;
}

/// Is a value n % k, min(n, k) or what n - n % k leaves: no more than n, which is not negative?
static bool isPartOf(Value part, Value whole) {
  Operation *op = part.getDefiningOp();
  if (isa_and_nonnull<arith::RemUIOp, arith::RemSIOp, arith::SubIOp>(op))
    return op->getOperand(0) == whole && (!isa<arith::SubIOp>(op) || isPartOf(op->getOperand(1), whole));
  return isa_and_nonnull<arith::MinUIOp, arith::MinSIOp>(op) && llvm::is_contained(op->getOperands(), whole);
}

/// Does a value not shrink where the operands of its map grow?
static bool growsWithOperands(AffineMap map) {
  WalkResult walked = map.getResult(0).walk([](AffineExpr expr) {
    auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
    if (!binary || expr.getKind() == AffineExprKind::Add)
      return WalkResult::advance();
    auto factor = dyn_cast<AffineConstantExpr>(binary.getRHS());
    return expr.getKind() != AffineExprKind::Mod && factor && factor.getValue() >= 0 ? WalkResult::advance() : WalkResult::interrupt();
  });
  return !walked.wasInterrupted();
}

/// Is it a size, the counter of a loop that starts at one, or what is made of such?
bool ArenaPlanner::isNotNegative(Value value) {
  if (std::optional<int64_t> number = getConstantIntValue(value))
    return *number >= 0;
  if (isSize(value) || value.getDefiningOp<memref::DimOp>())
    return true;
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    auto loop = dyn_cast<scf::ForOp>(argument.getOwner()->getParentOp());
    return loop && argument == loop.getInductionVar() && isNotNegative(loop.getLowerBound());
  }
  if (auto rest = value.getDefiningOp<arith::SubIOp>())
    return isPartOf(rest.getRhs(), rest.getLhs()) && isNotNegative(rest.getLhs());
  auto isGood = [&](Value operand) { return isNotNegative(operand); };
  if (isa<arith::MinUIOp>(value.getDefiningOp())) // below one that is not
    return llvm::any_of(value.getDefiningOp()->getOperands(), isGood);
  return isa<arith::AddIOp, arith::MulIOp, arith::MinSIOp, arith::MaxSIOp, arith::DivSIOp, arith::DivUIOp, arith::RemSIOp, arith::RemUIOp>(value.getDefiningOp()) &&
         llvm::all_of(value.getDefiningOp()->getOperands(), isGood);
}

/// A size that differs between iterations: the largest it can be, computed at the start of the entry.
FailureOr<Value> ArenaPlanner::boundAtEntry(Value value) {
  if (FailureOr<Value> known = atEntry(value); succeeded(known))
    return known;
  if (Value known = bounds.lookup(value))
    return known;
  Operation *op = value.getDefiningOp();
  FailureOr<Value> bound = failure();
  auto move = [&](Value operand) { return boundAtEntry(operand); };
  // These grow with their operands, which are sizes.
  if (isa_and_nonnull<arith::AddIOp, arith::MulIOp, arith::MinSIOp, arith::MinUIOp, arith::MaxSIOp, arith::MaxUIOp>(op))
    bound = cloneAtEntry(value, move);
  if (auto apply = value.getDefiningOp<affine::AffineApplyOp>(); apply && growsWithOperands(apply.getAffineMap()))
    bound = cloneAtEntry(value, move);
  if (failed(bound) && isa_and_nonnull<arith::MinSIOp, arith::MinUIOp>(op))
    for (Value operand : op->getOperands())
      if (failed(bound))
        bound = boundAtEntry(operand);
  // What is left of a size when a part of it is taken away.
  if (auto rest = value.getDefiningOp<arith::SubIOp>(); rest && isNotNegative(rest.getRhs()))
    bound = boundAtEntry(rest.getLhs());
  if (isa_and_nonnull<arith::RemUIOp, arith::RemSIOp>(op))
    bound = boundAtEntry(op->getOperand(0));
  if (auto dim = value.getDefiningOp<memref::DimOp>(); dim && dim.getConstantIndex() && failed(bound))
    bound = dimAtEntry(dim.getSource(), *dim.getConstantIndex(), move);
  if (failed(bound))
    bound = solveBound(value);
  if (succeeded(bound))
    bounds[value] = *bound;
  return bound;
}

/// The bound that affine arithmetic finds.
FailureOr<Value> ArenaPlanner::solveBound(Value value) {
  auto isKnown = [&](Value v, std::optional<int64_t> dim, ValueBoundsConstraintSet &) { return !dim && isSize(v); };
  FailureOr<OpFoldResult> bound = arith::reifyValueBound(top, value.getLoc(), presburger::BoundType::UB,
                                                         ValueBoundsConstraintSet::Variable(value), isKnown, /*closedUB=*/true);
  if (failed(bound))
    return failure();
  return getValueOrCreateConstantIndexOp(top, value.getLoc(), *bound);
}

LogicalResult ArenaPlanner::computeBytes(Buffer &buffer) {
  MemRefType type = buffer.alloc.getType();
  Location loc = buffer.alloc.getLoc();
  int64_t fixed = type.getElementType().isIndex() ? 8 : llvm::divideCeil(type.getElementTypeBitWidth(), 8);
  for (int64_t extent : type.getShape())
    fixed *= ShapedType::isDynamic(extent) ? 1 : extent;
  buffer.fixedBytes = fixed;
  llvm::fill(buffer.estimates, fixed);
  Value bytes = arith::ConstantIndexOp::create(top, loc, fixed);
  for (Value given : buffer.alloc.getDynamicSizes()) {
    FailureOr<Value> extent = boundAtEntry(given);
    if (failed(extent))
      return buffer.alloc.emitError("the size of this tensor depends on data: every size must follow from the "
                                    "named sizes of the entry");
    // Below 0 is a size (n - 1 of no rows) in a loop or branch that does not run.
    Value size = isNotNegative(*extent) ? *extent : top.createOrFold<arith::MaxSIOp>(loc, *extent, arith::ConstantIndexOp::create(top, loc, 0));
    bytes = arith::MulIOp::create(top, loc, bytes, size);
    for (auto [estimate, typical] : llvm::zip_equal(buffer.estimates, kTypicalSizes))
      estimate *= typical;
  }
  Value mask = arith::ConstantIndexOp::create(top, loc, kAlignment - 1);
  Value inverse = arith::ConstantIndexOp::create(top, loc, -kAlignment);
  buffer.bytes = arith::AndIOp::create(top, loc, arith::AddIOp::create(top, loc, bytes, mask), inverse);
  return success();
}

/// Looks for an order of buffers in which each lies above those in front of it that live at the same time, and the arena is low
/// at some typical sizes. Any order is valid at all sizes. Begins with a few that are mostly good, and moves single buffers
/// as long as that helps.
class PackingOrder {
public:
  explicit PackingOrder(ArrayRef<Buffer> buffers) : buffers(buffers) {
    for (unsigned i = 0; i < buffers.size(); ++i) {
      together.emplace_back();
      for (unsigned j = 0; j < buffers.size(); ++j)
        if (buffers[j].first <= buffers[i].last && buffers[i].first <= buffers[j].last)
          together.back().push_back(j);
    }
    auto pairs = std::max<int64_t>(1, int64_t(buffers.size() * buffers.size()));
    trials = std::clamp<int64_t>(kEffort / pairs, 20, 5000);
  }

  SmallVector<unsigned> find() {
    auto life = [](const Buffer &b) { return b.last - b.first; };
    auto typical = [](const Buffer &b) { return b.estimates[1]; };
    start([&](const Buffer &a, const Buffer &b) { return std::pair(typical(b), a.first) < std::pair(typical(a), b.first); });
    start([&](const Buffer &a, const Buffer &b) { return std::pair(life(b), typical(b)) < std::pair(life(a), typical(a)); });
    start([&](const Buffer &a, const Buffer &b) { return std::pair(a.first, typical(b)) < std::pair(b.first, typical(a)); });
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
    for (size_t size = 0; size < std::size(buffers[0].estimates); ++size) {
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
    const double perfect = std::size(buffers[0].estimates);
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

  ArrayRef<Buffer> buffers;
  SmallVector<SmallVector<unsigned>> together; ///< buffers that live at a time with each
  int64_t trials;
  SmallVector<unsigned> best;
  double bestCost = 0;
};

/// Each buffer lies above those that live at the same time and come before it in a good order.
void ArenaPlanner::relate() {
  if (buffers.empty())
    return;
  SmallVector<Buffer> ordered;
  for (unsigned i : PackingOrder(buffers).find())
    ordered.push_back(buffers[i]);
  buffers = std::move(ordered);
  for (auto [i, buffer] : llvm::enumerate(buffers))
    for (unsigned j = 0; j < i; ++j)
      if (buffers[j].first <= buffer.last && buffer.first <= buffers[j].last)
        buffer.below.push_back(j);
}

void ArenaPlanner::computeOffsets() {
  Location loc = function.getLoc();
  Value zero = arith::ConstantIndexOp::create(top, loc, 0);
  total = zero;
  SmallVector<Value> ends;
  for (Buffer &buffer : buffers) {
    buffer.offset = zero;
    for (unsigned j : buffer.below)
      buffer.offset = arith::MaxUIOp::create(top, loc, buffer.offset, ends[j]);
    ends.push_back(arith::AddIOp::create(top, loc, buffer.offset, buffer.bytes));
    total = arith::MaxUIOp::create(top, loc, total, ends.back());
  }
}

void ArenaPlanner::replaceAllocs() {
  auto type = MemRefType::get({ShapedType::kDynamic}, top.getI8Type());
  auto attributes = top.getDictionaryAttr({top.getNamedAttr("attnc.dims", top.getStrArrayAttr({"arena"})),
                                           top.getNamedAttr("attnc.role", top.getStringAttr("arena"))});
  (void)function.insertArgument(function.getNumArguments(), type, attributes, function.getLoc());
  Value arena = function.getArguments().back();
  for (Buffer &buffer : buffers) {
    OpBuilder b(buffer.alloc);
    Value view = memref::ViewOp::create(b, buffer.alloc.getLoc(), buffer.alloc.getType(), arena, buffer.offset, buffer.alloc.getDynamicSizes());
    buffer.alloc.replaceAllUsesWith(view);
    buffer.alloc.erase();
  }
}

/// Sizes beyond this are refused: no address space has them, and below it sums of two cannot leave 64 bits.
constexpr int64_t kMaxSize = int64_t(1) << 48;

/// Clones ops that compute sizes, and keeps whether every size among them is in range.
class CheckedSizes {
public:
  CheckedSizes(OpBuilder &b, Location loc) : b(b), loc(loc) {
    most = arith::ConstantIndexOp::create(b, loc, kMaxSize);
    width = arith::ConstantIndexOp::create(b, loc, 2 * kMaxSize);
    good = arith::ConstantIntOp::create(b, loc, 1, 1);
  }

  void clone(Operation &op, IRMapping &map) {
    Operation *copy = b.clone(op, map);
    if (auto product = dyn_cast<arith::MulIOp>(copy); product && product.getType().isIndex())
      requireExact(product);
    if (!copy->hasTrait<OpTrait::ConstantLike>())
      for (Value result : copy->getResults())
        requireInRange(result);
  }

  /// |value| <= kMaxSize.
  void requireInRange(Value value) {
    if (!value.getType().isIndex())
      return;
    Value shifted = arith::AddIOp::create(b, loc, value, most);
    require(arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ule, shifted, width));
  }

  Value allInRange() { return good; }

private:
  /// The product fits 64 bits: its upper half repeats the sign.
  void requireExact(arith::MulIOp product) {
    Type i64 = b.getI64Type();
    Value lhs = arith::IndexCastOp::create(b, loc, i64, product.getLhs()), rhs = arith::IndexCastOp::create(b, loc, i64, product.getRhs());
    auto full = arith::MulSIExtendedOp::create(b, loc, lhs, rhs);
    Value sign = arith::ShRSIOp::create(b, loc, full.getLow(), arith::ConstantIntOp::create(b, loc, i64, 63));
    require(arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, full.getHigh(), sign));
  }
  void require(Value condition) { good = arith::AndIOp::create(b, loc, good, condition); }

  OpBuilder &b;
  Location loc;
  Value most, width, good;
};

/// Sizes that only outputs have stand in the return, in the order of attnc.computed: from here on in the size function.
LogicalResult ArenaPlanner::takeComputedSizes() {
  auto names = function->getAttrOfType<ArrayAttr>("attnc.computed");
  if (!names)
    return success();
  auto ret = cast<func::ReturnOp>(function.getBody().front().getTerminator());
  for (auto [name, value] : llvm::zip_equal(names, ret.getOperands())) {
    FailureOr<Value> size = atEntry(value);
    bool isItself = succeeded(size) && isSize(*size) && function.getArgAttr(cast<BlockArgument>(*size).getArgNumber(), "attnc.name") == name;
    if (failed(size) || isItself)
      return function.emitError("size '") << cast<StringAttr>(name).getValue()
                                          << "' depends on data: expected sizes of outputs to follow from the named sizes of inputs and states";
    for (BlockArgument argument : function.getArguments())
      if (isSize(argument) && function.getArgAttr(argument.getArgNumber(), "attnc.name") == name)
        computed[argument] = *size;
  }
  ret->setOperands({});
  function.setType(function.getFunctionType().clone(function.getArgumentTypes(), {}));
  return success();
}

/// Ops at the start of the entry that a size is computed by, in order.
static SetVector<Operation *> sliceOf(Value size, Block &entry) {
  BackwardSliceOptions options;
  options.inclusive = true;
  options.filter = [&](Operation *op) { return op->getBlock() == &entry; };
  SetVector<Operation *> slice;
  (void)getBackwardSlice(size, &slice, options);
  return topologicalSort(slice);
}

/// NAME_arena_size: the ops that compute the total, on a copy of the size arguments; -1 where a size is out of range.
void ArenaPlanner::addSizeFunction() {
  OpBuilder b(function);
  SmallVector<BlockArgument> sizes;
  for (BlockArgument argument : function.getArguments())
    if (isSize(argument))
      sizes.push_back(argument);
  SmallVector<Type> types(sizes.size(), b.getIndexType());
  auto sizeFunction = func::FuncOp::create(b, function.getLoc(), (function.getName() + "_arena_size").str(),
                                           b.getFunctionType(types, SmallVector<Type>(1 + computed.size(), b.getIndexType())));
  sizeFunction->setAttr("attnc.size_of", FlatSymbolRefAttr::get(function));
  sizeFunction.setPrivate();
  Block *block = sizeFunction.addEntryBlock();
  IRMapping map;
  map.map(ValueRange(SmallVector<Value>(sizes.begin(), sizes.end())), block->getArguments());
  b.setInsertionPointToEnd(block);
  // Everything in front of the insertion point is what this planner computed there, from sizes alone.
  Block &entry = function.getBody().front();
  Location loc = function.getLoc();
  CheckedSizes checked(b, loc);
  for (BlockArgument size : block->getArguments())
    checked.requireInRange(size);
  // The caller does not know computed sizes: they come first, and stand for their arguments in what follows.
  for (auto [argument, size] : computed)
    for (Operation *op : sliceOf(size, entry))
      if (!map.contains(op->getResult(0)))
        checked.clone(*op, map);
  SmallVector<Value> results(1);
  for (auto [argument, size] : computed) {
    results.push_back(map.lookup(size));
    map.map(argument, results.back());
  }
  for (Operation &op : llvm::make_range(entry.begin(), top.getInsertionPoint()))
    checked.clone(op, map);
  Value refused = arith::ConstantIndexOp::create(b, loc, -1);
  results[0] = arith::SelectOp::create(b, loc, checked.allInRange(), map.lookup(total), refused);
  func::ReturnOp::create(b, loc, results);
}

/// The bytes of a buffer as a sum of products of sizes; nothing if they are none.
std::optional<SizeTerms> ArenaPlanner::termsOf(Buffer &buffer) {
  std::optional<SizeTerms> terms = SizeTerms{{{}, buffer.fixedBytes}};
  for (Value given : buffer.alloc.getDynamicSizes()) {
    std::optional<SizeTerms> size = attnc::sizeTerms(*boundAtEntry(given));
    if (!size)
      return std::nullopt;
    terms = attnc::productOf(*terms, *size);
  }
  return terms;
}

/// [[bytes, names of sizes…]…].
ArrayAttr ArenaPlanner::attributeOf(const SizeTerms &terms) {
  SmallVector<Attribute> sum;
  for (const auto &[factors, count] : terms) {
    SmallVector<Attribute> product = {top.getI64IntegerAttr(count)};
    for (unsigned argument : factors)
      product.push_back(function.getArgAttr(argument, "attnc.name"));
    sum.push_back(top.getArrayAttr(product));
  }
  return top.getArrayAttr(sum);
}

/// The plan in numbers, for the manifest: attnc.plan = [{buffer, terms, first, last, below}]; and attnc.kernels, the kernels
/// that the entry launches, each once: their places there are the numbers by which a run counts them; and
/// attnc.loops, the first and last steps of its loops.
void ArenaPlanner::recordPlan() {
  SmallVector<Attribute> rows;
  for (Buffer &buffer : buffers) {
    SmallVector<int64_t> below(buffer.below.begin(), buffer.below.end());
    std::string name;
    llvm::raw_string_ostream stream(name);
    stream << (buffer.writer.empty() ? "(not written)" : buffer.writer) << " ";
    auto type = buffer.alloc.getType();
    for (int64_t extent : type.getShape())
      ShapedType::isDynamic(extent) ? stream << "?x" : stream << extent << "x";
    stream << type.getElementType();
    NamedAttrList row;
    if (std::optional<SizeTerms> terms = termsOf(buffer))
      row.set("terms", attributeOf(*terms));
    row.set("buffer", top.getStringAttr(name));
    row.set("first", top.getI64IntegerAttr(buffer.first));
    row.set("last", top.getI64IntegerAttr(buffer.last));
    row.set("below", top.getDenseI64ArrayAttr(below));
    rows.push_back(row.getDictionary(top.getContext()));
  }
  function->setAttr("attnc.plan", top.getArrayAttr(rows));
  SetVector<Attribute> kernels;
  function.walk([&](attnc::LaunchOp launch) { kernels.insert(launch.getKernelAttr()); });
  function->setAttr("attnc.loops", top.getArrayAttr(loops));
  function->setAttr("attnc.kernels", top.getArrayAttr(kernels.getArrayRef()));
}

LogicalResult ArenaPlanner::run() {
  if (failed(findLiveRanges()) || failed(takeComputedSizes()))
    return failure();
  for (Buffer &buffer : buffers)
    if (failed(computeBytes(buffer)))
      return failure();
  relate();
  computeOffsets();
  recordPlan();
  addSizeFunction();
  replaceAllocs();
  return success();
}

class PlanArena : public attnc::impl::PlanArenaBase<PlanArena> {
public:
  void runOnOperation() override {
    for (auto function : llvm::to_vector(getOperation().getOps<func::FuncOp>()))
      if (function.isPublic() && !function.isExternal() && !function->hasAttr("attnc.kernel"))
        if (failed(ArenaPlanner(function).run()))
          return signalPassFailure();
  }
};

} // namespace
