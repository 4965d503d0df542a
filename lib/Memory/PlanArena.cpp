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
#include "EntrySizes.h"
#include "PackingOrder.h"
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
using namespace attnc;

namespace {

/// Buffers start on cache lines.
constexpr int64_t kAlignment = 64;

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
  Lifetime life;
  int64_t fixedBytes;        ///< bytes of the static part: times the dynamic sizes
  Value bytes, offset;       ///< at the start of the entry
  SmallVector<unsigned> below; ///< buffers that this one lies above
  StringRef writer;            ///< the first kernel that writes it
};

class ArenaPlanner {
public:
  explicit ArenaPlanner(func::FuncOp function) : function(function), top(function.getContext()), sizes(function, top) {
    top.setInsertionPointToStart(&function.getBody().front());
  }
  LogicalResult run();

private:
  LogicalResult findLiveRanges();
  LogicalResult computeBytes(Buffer &buffer);
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
  EntrySizes sizes;
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
    Buffer buffer{alloc, {time.begin(alloc), time.end(alloc), {}}, 0, {}, {}, {}, {}};
    LaunchOp writer;
    for (Value alias : views.resolve(alloc.getMemref())) {
      if (succeeded(ok) && leavesIteration(alias, alloc))
        ok = alloc.emitError("internal: a buffer made in a loop outlives its iteration");
      for (Operation *user : alias.getUsers()) {
        buffer.life.last = std::max(buffer.life.last, lastUse(user, alloc, time));
        auto launch = dyn_cast<LaunchOp>(user);
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

LogicalResult ArenaPlanner::computeBytes(Buffer &buffer) {
  MemRefType type = buffer.alloc.getType();
  Location loc = buffer.alloc.getLoc();
  int64_t fixed = type.getElementType().isIndex() ? 8 : llvm::divideCeil(type.getElementTypeBitWidth(), 8);
  for (int64_t extent : type.getShape())
    fixed *= ShapedType::isDynamic(extent) ? 1 : extent;
  buffer.fixedBytes = fixed;
  llvm::fill(buffer.life.estimates, fixed);
  Value bytes = arith::ConstantIndexOp::create(top, loc, fixed);
  for (Value given : buffer.alloc.getDynamicSizes()) {
    FailureOr<Value> extent = sizes.boundAtEntry(given);
    if (failed(extent))
      return buffer.alloc.emitError("the size of this tensor depends on data: every size must follow from the "
                                    "named sizes of the entry");
    // Below 0 is a size (n - 1 of no rows) in a loop or branch that does not run.
    Value size = sizes.isNotNegative(*extent) ? *extent : top.createOrFold<arith::MaxSIOp>(loc, *extent, arith::ConstantIndexOp::create(top, loc, 0));
    bytes = arith::MulIOp::create(top, loc, bytes, size);
    for (auto [estimate, typical] : llvm::zip_equal(buffer.life.estimates, kTypicalSizes))
      estimate *= typical;
  }
  Value mask = arith::ConstantIndexOp::create(top, loc, kAlignment - 1);
  Value inverse = arith::ConstantIndexOp::create(top, loc, -kAlignment);
  buffer.bytes = arith::AndIOp::create(top, loc, arith::AddIOp::create(top, loc, bytes, mask), inverse);
  return success();
}

/// Each buffer lies above those that live at the same time and come before it in a good order.
void ArenaPlanner::relate() {
  SmallVector<Lifetime> lives = llvm::map_to_vector(buffers, [](const Buffer &b) { return b.life; });
  SmallVector<Buffer> ordered;
  for (unsigned i : findPackingOrder(lives))
    ordered.push_back(buffers[i]);
  buffers = std::move(ordered);
  for (auto [i, buffer] : llvm::enumerate(buffers))
    for (unsigned j = 0; j < i; ++j)
      if (buffer.life.meets(buffers[j].life))
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
    // What wraps is refused here: nobody may take for granted that it does not.
    if (auto number = dyn_cast<arith::ArithIntegerOverflowFlagsInterface>(copy))
      copy->setAttr(number.getIntegerOverflowAttrName(), arith::IntegerOverflowFlagsAttr::get(copy->getContext(), arith::IntegerOverflowFlags::none));
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
    FailureOr<Value> size = sizes.atEntry(value);
    bool isItself = succeeded(size) && sizes.isSize(*size) && function.getArgAttr(cast<BlockArgument>(*size).getArgNumber(), "attnc.name") == name;
    if (failed(size) || isItself)
      return function.emitError("size '") << cast<StringAttr>(name).getValue()
                                          << "' depends on data: expected sizes of outputs to follow from the named sizes of inputs and states";
    for (BlockArgument argument : function.getArguments())
      if (sizes.isSize(argument) && function.getArgAttr(argument.getArgNumber(), "attnc.name") == name)
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
  SmallVector<BlockArgument> given;
  for (BlockArgument argument : function.getArguments())
    if (sizes.isSize(argument))
      given.push_back(argument);
  SmallVector<Type> types(given.size(), b.getIndexType());
  auto sizeFunction = func::FuncOp::create(b, function.getLoc(), (function.getName() + "_arena_size").str(),
                                           b.getFunctionType(types, SmallVector<Type>(1 + computed.size(), b.getIndexType())));
  sizeFunction->setAttr("attnc.size_of", FlatSymbolRefAttr::get(function));
  sizeFunction.setPrivate();
  Block *block = sizeFunction.addEntryBlock();
  IRMapping map;
  map.map(ValueRange(SmallVector<Value>(given.begin(), given.end())), block->getArguments());
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
    std::optional<SizeTerms> size = sizeTerms(*sizes.boundAtEntry(given));
    if (!size)
      return std::nullopt;
    terms = productOf(*terms, *size);
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
    row.set("first", top.getI64IntegerAttr(buffer.life.first));
    row.set("last", top.getI64IntegerAttr(buffer.life.last));
    row.set("below", top.getDenseI64ArrayAttr(below));
    rows.push_back(row.getDictionary(top.getContext()));
  }
  function->setAttr("attnc.plan", top.getArrayAttr(rows));
  SetVector<Attribute> kernels;
  function.walk([&](LaunchOp launch) { kernels.insert(launch.getKernelAttr()); });
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
