// Lets the runtime's threads share the loops of a kernel.
//
// Before: kernels on buffers, whose independent loops are scf.forall or scf.parallel. After: each of these that lies in no
// other loop and has work for more than one chunk is a function; other loops are as they were. The steps:
//   1. The shared dimensions (README.md) are one range 0 .. total; so many iterations that their work pays for a
//      thread are a chunk. Both follow from sizes, never from threads, so that results do not depend on these.
//   2. KERNEL_chunk(captures, first, last) runs a part of the range. Temporaries that only the loop uses are its own;
//      views, sizes and constants are made again, so that captures are buffers that do not overlap.
//   3. KERNEL_chunk_run(context, chunk) takes the captures out of a struct on the caller's stack and calls it.
//   4. The kernel fills the struct and calls share_chunks, which leaves the chunks to attnc_control.parallel or runs them.
#include "attnc/Lower/Cpu.h"

#include "attnc-c/KernelAbi.h"

#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/RegionUtils.h"

namespace attnc {
#define GEN_PASS_DEF_SHARELOOPS
#include "attnc/LowerCpu/Passes.h.inc"
} // namespace attnc

using namespace mlir;

namespace {

/// Elements that a chunk computes, loads or stores, at least: some microseconds.
constexpr int64_t kChunkWork = 128 * 1024;
/// What a loop counts whose length is known only inside, and a function such as exp.
constexpr int64_t kTypicalTrips = 16, kFunctionWork = 8;
constexpr llvm::StringLiteral kShare = "share_chunks";
/// Offsets in attnc_control.
constexpr int32_t kParallel = offsetof(attnc_control, parallel), kPool = offsetof(attnc_control, pool), kEnd = kPool + sizeof(void *);

/// An independent loop: bounds and steps of its dimensions, of which the first `shared` are one range.
struct Nest {
  Operation *op;
  SmallVector<Value> lower, upper, step;
  SmallVector<Value> indices;
  Block *body;
  size_t shared;
};

std::optional<Nest> asNest(Operation *op) {
  OpBuilder b(op);
  if (auto forall = dyn_cast<scf::ForallOp>(op); forall && forall.getOutputs().empty())
    return Nest{op, forall.getLowerBound(b), forall.getUpperBound(b), forall.getStep(b), forall.getInductionVars(), forall.getBody(), size_t(forall.getRank())};
  auto loop = dyn_cast<scf::ParallelOp>(op);
  if (!loop || !loop.getInitVals().empty())
    return std::nullopt;
  size_t dims = loop.getNumLoops(); // one element each: the innermost stays whole
  return Nest{op, loop.getLowerBound(), loop.getUpperBound(), loop.getStep(), loop.getInductionVars(), loop.getBody(), dims == 1 ? 1 : dims - 1};
}

/// How much an iteration of a loop does, as numbers that the kernel knows in front of the loop.
class Work {
public:
  Work(ImplicitLocOpBuilder &b, Operation *loop) : b(b), loop(loop) {}

  Value number(int64_t n) { return arith::ConstantIndexOp::create(b, n); }
  Value trips(Value lower, Value upper, Value step) {
    for (Value bound : {lower, upper, step})
      if (!isKnown(bound))
        return number(kTypicalTrips);
    Value length = b.createOrFold<arith::MaxSIOp>(number(0), b.createOrFold<arith::SubIOp>(upper, lower));
    return b.createOrFold<arith::CeilDivUIOp>(length, step);
  }
  Value of(Block &block) {
    Value sum = number(0);
    for (Operation &op : block)
      sum = b.createOrFold<arith::AddIOp>(sum, of(op));
    return sum;
  }

private:
  bool isKnown(Value value) {
    Operation *owner = value.getDefiningOp() ? value.getDefiningOp() : value.getParentBlock()->getParentOp();
    return !loop->isAncestor(owner);
  }
  Value of(Operation &op) {
    if (auto inner = dyn_cast<scf::ForOp>(op))
      return b.createOrFold<arith::MulIOp>(trips(inner.getLowerBound(), inner.getUpperBound(), inner.getStep()), of(*inner.getBody()));
    Value sum = number(ofOne(op));
    for (Region &region : op.getRegions())
      for (Block &block : region)
        sum = b.createOrFold<arith::AddIOp>(sum, of(block));
    if (auto loop = dyn_cast<LoopLikeOpInterface>(op); loop && !isa<scf::WhileOp>(op)) {
      auto fold = [&](std::optional<SmallVector<OpFoldResult>> bounds, size_t i) { return getValueOrCreateConstantIndexOp(b, b.getLoc(), (*bounds)[i]); };
      for (size_t i = 0; i < loop.getLoopUpperBounds()->size(); ++i)
        sum = b.createOrFold<arith::MulIOp>(sum, trips(fold(loop.getLoopLowerBounds(), i), fold(loop.getLoopUpperBounds(), i), fold(loop.getLoopSteps(), i)));
    }
    return sum;
  }
  static int64_t ofOne(Operation &op) {
    int64_t elements = 0;
    auto count = [&](Type type) {
      if (auto vector = dyn_cast<VectorType>(type))
        elements = std::max(elements, vector.getNumElements());
      else if (isa<FloatType>(type))
        elements = std::max<int64_t>(elements, 1);
    };
    llvm::for_each(op.getOperandTypes(), count);
    llvm::for_each(op.getResultTypes(), count);
    if (auto copy = dyn_cast<memref::CopyOp>(op))
      if (auto type = dyn_cast<MemRefType>(copy.getSource().getType()))
        return type.hasStaticShape() ? type.getNumElements() : kTypicalTrips * kTypicalTrips;
    return isa<math::MathDialect>(op.getDialect()) ? kFunctionWork * elements : elements;
  }

  ImplicitLocOpBuilder &b;
  Operation *loop;
};

/// One loop becomes a function.
class Outliner {
public:
  Outliner(func::FuncOp kernel, Nest nest, int number)
      : kernel(kernel), nest(nest), name((kernel.getName() + "_chunk" + (number ? std::to_string(number) : "")).str()),
        b(nest.op->getLoc(), nest.op), converter(kernel.getContext()), ptr(LLVM::LLVMPointerType::get(kernel.getContext())) {}

  /// False, and nothing changed, where the loop has no work for two chunks or reads a buffer that may overlap another.
  bool run(Value control);

private:
  bool plan();
  bool collect(Value value);
  func::FuncOp makeFunction(Twine name, ArrayRef<Type> inputs);
  void makeChunk();
  void makeRun();
  void call(Value control);
  Value field(ImplicitLocOpBuilder &at, Value context, int32_t number);
  /// Captures, then the iterations of a chunk, then those of the whole loop.
  LLVM::LLVMStructType contextType();

  func::FuncOp kernel;
  Nest nest;
  std::string name;
  ImplicitLocOpBuilder b;
  LLVMTypeConverter converter;
  Type ptr;
  Value total, perChunk;
  SmallVector<Value> captures;
  llvm::SetVector<Operation *> again; ///< made again in the function, in order
  SmallVector<memref::AllocaOp> own;  ///< temporaries of the loop alone
};

/// Step 1.
bool Outliner::plan() {
  Work work(b, nest.op);
  total = work.number(1);
  for (size_t d = 0; d < nest.shared; ++d)
    total = b.createOrFold<arith::MulIOp>(total, work.trips(nest.lower[d], nest.upper[d], nest.step[d]));
  Value each = b.createOrFold<arith::AddIOp>(work.number(1), work.of(*nest.body));
  for (size_t d = nest.shared; d < nest.lower.size(); ++d)
    each = b.createOrFold<arith::MulIOp>(each, work.trips(nest.lower[d], nest.upper[d], nest.step[d]));
  each = b.createOrFold<arith::MaxUIOp>(each, work.number(1)); // an inner loop may have no iteration
  perChunk = b.createOrFold<arith::CeilDivUIOp>(work.number(kChunkWork), each);
  std::optional<int64_t> all = getConstantIntValue(total), part = getConstantIntValue(perChunk);
  return !all || !part || *all > *part;
}

/// How the function gets a value from outside of the loop: captured, or made again.
bool Outliner::collect(Value value) {
  Operation *op = value.getDefiningOp();
  if (llvm::is_contained(captures, value) || (op && again.contains(op)))
    return true;
  bool isArgument = isa<BlockArgument>(value) && value.getParentBlock() == &kernel.getBody().front();
  if (auto slot = dyn_cast_or_null<memref::AllocaOp>(op)) {
    if (slot.getOperands().empty() && llvm::all_of(slot->getUsers(), [&](Operation *user) { return nest.op->isProperAncestor(user); })) {
      own.push_back(slot);
      again.insert(op);
      return true;
    }
    captures.push_back(value);
    return true;
  }
  if (op && op->getNumRegions() == 0 && isMemoryEffectFree(op)) {
    if (!llvm::all_of(op->getOperands(), [&](Value operand) { return collect(operand); }))
      return false;
    again.insert(op);
    return true;
  }
  captures.push_back(value);
  return isArgument || !isa<MemRefType>(value.getType());
}

func::FuncOp Outliner::makeFunction(Twine name, ArrayRef<Type> inputs) {
  OpBuilder at(kernel);
  auto function = func::FuncOp::create(at, b.getLoc(), name.str(), at.getFunctionType(inputs, {}));
  function.setPrivate();
  Block *body = function.addEntryBlock();
  at.setInsertionPointToEnd(body);
  func::ReturnOp::create(at, b.getLoc());
  return function;
}

/// Step 2.
void Outliner::makeChunk() {
  SmallVector<Type> inputs = llvm::to_vector(ValueRange(captures).getTypes());
  inputs.append(2, b.getIndexType());
  func::FuncOp function = makeFunction(name, inputs);
  function->setAttr("attnc.kernel", b.getUnitAttr());
  ImplicitLocOpBuilder in(b.getLoc(), function.getBody().front().getTerminator());
  IRMapping map;
  map.map(captures, function.getArguments().drop_back(2));
  for (Operation *op : again)
    in.clone(*op, map);
  auto here = [&](Value value) { return map.lookupOrDefault(value); };
  Value one = arith::ConstantIndexOp::create(in, 1);
  auto range = scf::ForOp::create(in, function.getArgument(inputs.size() - 2), function.getArgument(inputs.size() - 1), one);
  in.setInsertionPointToStart(range.getBody());
  Value rest = range.getInductionVar();
  Work work(in, range); // lengths of the dimensions, hoisted from the loop later
  for (size_t d = nest.shared; d-- > 0;) {
    Value at = rest;
    if (d > 0) {
      Value length = work.trips(here(nest.lower[d]), here(nest.upper[d]), here(nest.step[d]));
      at = in.createOrFold<arith::RemUIOp>(rest, length);
      rest = in.createOrFold<arith::DivUIOp>(rest, length);
    }
    map.map(nest.indices[d], in.createOrFold<arith::AddIOp>(here(nest.lower[d]), in.createOrFold<arith::MulIOp>(at, here(nest.step[d]))));
  }
  for (size_t d = nest.shared; d < nest.lower.size(); ++d) {
    auto inner = scf::ForOp::create(in, here(nest.lower[d]), here(nest.upper[d]), here(nest.step[d]));
    map.map(nest.indices[d], inner.getInductionVar());
    in.setInsertionPointToStart(inner.getBody());
  }
  for (Operation &op : nest.body->without_terminator())
    in.clone(op, map);
}

LLVM::LLVMStructType Outliner::contextType() {
  SmallVector<Type> fields;
  for (Value capture : captures)
    fields.push_back(converter.convertType(capture.getType()));
  fields.append(2, b.getI64Type());
  return LLVM::LLVMStructType::getLiteral(b.getContext(), fields);
}

Value Outliner::field(ImplicitLocOpBuilder &at, Value context, int32_t number) {
  return LLVM::GEPOp::create(at, ptr, contextType(), context, ArrayRef<LLVM::GEPArg>{0, number});
}

/// Step 3.
void Outliner::makeRun() {
  func::FuncOp function = makeFunction(name + "_run", {ptr, b.getI64Type()});
  ImplicitLocOpBuilder in(b.getLoc(), function.getBody().front().getTerminator());
  Value context = function.getArgument(0);
  SmallVector<Value> operands;
  auto load = [&](Type type) {
    Type stored = converter.convertType(type);
    Value value = LLVM::LoadOp::create(in, stored, field(in, context, operands.size()));
    operands.push_back(stored == type ? value : UnrealizedConversionCastOp::create(in, type, value).getResult(0));
  };
  for (Value capture : captures)
    load(capture.getType());
  load(b.getIndexType());
  load(b.getIndexType());
  Value all = operands.pop_back_val(), each = operands.pop_back_val();
  Value chunk = arith::IndexCastOp::create(in, in.getIndexType(), function.getArgument(1));
  Value first = arith::MulIOp::create(in, chunk, each);
  Value last = arith::MinUIOp::create(in, arith::AddIOp::create(in, first, each), all);
  operands.append({first, last});
  func::CallOp::create(in, name, TypeRange(), operands);
}

/// Step 4.
void Outliner::call(Value control) {
  ImplicitLocOpBuilder start(b.getLoc(), &kernel.getBody().front(), kernel.getBody().front().begin());
  Value one = LLVM::ConstantOp::create(start, start.getI64Type(), 1);
  Value context = LLVM::AllocaOp::create(start, ptr, contextType(), one, /*alignment=*/64);
  SmallVector<Value> values = captures;
  values.append({perChunk, total});
  for (auto [i, value] : llvm::enumerate(values)) {
    Type stored = converter.convertType(value.getType());
    Value converted = stored == value.getType() ? value : UnrealizedConversionCastOp::create(b, stored, value).getResult(0);
    LLVM::StoreOp::create(b, converted, field(b, context, i));
  }
  auto type = b.getFunctionType({ptr, b.getI64Type()}, {});
  Value run = func::ConstantOp::create(b, type, FlatSymbolRefAttr::get(b.getContext(), name + "_run"));
  run = UnrealizedConversionCastOp::create(b, ptr, run).getResult(0);
  Value chunks = arith::IndexCastOp::create(b, b.getI64Type(), arith::CeilDivUIOp::create(b, total, perChunk));
  func::CallOp::create(b, kShare, TypeRange(), ValueRange{control, run, context, chunks});
}

bool Outliner::run(Value control) {
  llvm::SetVector<Value> used;
  getUsedValuesDefinedAbove(nest.op->getRegions(), used);
  for (auto *bounds : {&nest.lower, &nest.upper, &nest.step})
    used.insert(bounds->begin(), bounds->end());
  if (!llvm::all_of(used, [&](Value value) { return collect(value); }) || !plan())
    return false;
  makeChunk();
  makeRun();
  call(control);
  nest.op->erase();
  for (memref::AllocaOp slot : own)
    slot.erase();
  return true;
}

/// share_chunks(control, chunk function, context, chunks). A null control, and one from before the field was there, shares nothing.
void addShare(ModuleOp module) {
  auto b = ImplicitLocOpBuilder::atBlockEnd(module.getLoc(), module.getBody());
  Type ptr = LLVM::LLVMPointerType::get(b.getContext()), i32 = b.getI32Type(), i64 = b.getI64Type(), nothing = LLVM::LLVMVoidType::get(b.getContext());
  auto function = func::FuncOp::create(b, kShare, b.getFunctionType({ptr, ptr, ptr, i64}, {}));
  function.setPrivate();
  b.setInsertionPointToStart(function.addEntryBlock());
  Value control = function.getArgument(0), chunk = function.getArgument(1), context = function.getArgument(2), chunks = function.getArgument(3);
  auto at = [&](int32_t offset) { return LLVM::GEPOp::create(b, ptr, b.getI8Type(), control, ArrayRef<LLVM::GEPArg>{offset}); };
  Value null = LLVM::ZeroOp::create(b, ptr), zero = arith::ConstantIntOp::create(b, i64, 0), one = arith::ConstantIntOp::create(b, i64, 1);
  auto choose = [&](Type result, Value condition, function_ref<Value()> then, function_ref<Value()> otherwise) {
    auto choice = scf::IfOp::create(b, TypeRange(result), condition, /*addThenBlock=*/true, /*addElseBlock=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(choice.thenBlock());
    scf::YieldOp::create(b, then());
    b.setInsertionPointToEnd(choice.elseBlock());
    scf::YieldOp::create(b, otherwise());
    return choice.getResult(0);
  };
  auto noSize = [&]() -> Value { return arith::ConstantIntOp::create(b, i32, 0); };
  auto noPointer = [&]() -> Value { return null; };
  Value size = choose(i32, LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::ne, control, null), [&]() -> Value { return LLVM::LoadOp::create(b, i32, control); }, noSize);
  Value knows = arith::CmpIOp::create(b, arith::CmpIPredicate::sge, size, arith::ConstantIntOp::create(b, i32, kEnd));
  Value parallel = choose(ptr, knows, [&]() -> Value { return LLVM::LoadOp::create(b, ptr, at(kParallel)); }, noPointer);
  Value isShared = arith::AndIOp::create(b, LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::ne, parallel, null),
                                         arith::CmpIOp::create(b, arith::CmpIPredicate::sgt, chunks, one));
  auto either = scf::IfOp::create(b, isShared, /*withElseRegion=*/true);
  b.setInsertionPointToStart(either.thenBlock());
  Value pool = LLVM::LoadOp::create(b, ptr, at(kPool));
  LLVM::CallOp::create(b, LLVM::LLVMFunctionType::get(nothing, {ptr, ptr, ptr, i64}), ValueRange{parallel, pool, chunk, context, chunks});
  b.setInsertionPointToStart(either.elseBlock());
  auto serial = scf::ForOp::create(b, zero, chunks, one);
  b.setInsertionPointToStart(serial.getBody());
  LLVM::CallOp::create(b, LLVM::LLVMFunctionType::get(nothing, {ptr, i64}), ValueRange{chunk, context, serial.getInductionVar()});
  b.setInsertionPointToEnd(&function.getBody().front());
  func::ReturnOp::create(b);
}

class ShareLoops : public attnc::impl::ShareLoopsBase<ShareLoops> {
public:
  void runOnOperation() override {
    ModuleOp module = getOperation();
    bool any = false;
    for (auto kernel : llvm::to_vector(module.getOps<func::FuncOp>()))
      if (kernel->hasAttr("attnc.kernel") && !kernel.isExternal())
        any |= shareIn(kernel);
    if (any)
      addShare(module);
  }

private:
  /// Loops that lie in no other.
  static SmallVector<Operation *> outermostLoops(func::FuncOp kernel) {
    SmallVector<Operation *> loops;
    kernel.walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (isa<scf::ForallOp, scf::ParallelOp>(op))
        loops.push_back(op);
      return isa<LoopLikeOpInterface>(op) ? WalkResult::skip() : WalkResult::advance();
    });
    return loops;
  }

  /// A kernel with a shared loop takes the control as its last argument; entries pass null until they have one (EntryAbi).
  static bool shareIn(func::FuncOp kernel) {
    Type ptr = LLVM::LLVMPointerType::get(kernel.getContext());
    unsigned last = kernel.getNumArguments();
    (void)kernel.insertArgument(last, ptr, {}, kernel.getLoc());
    int shared = 0;
    for (Operation *loop : outermostLoops(kernel))
      if (std::optional<Nest> nest = asNest(loop))
        shared += Outliner(kernel, *nest, shared).run(kernel.getArgument(last));
    if (!shared) {
      (void)kernel.eraseArgument(last);
      return false;
    }
    auto uses = kernel.getSymbolUses(kernel->getParentOp());
    for (SymbolTable::SymbolUse use : *uses) {
      auto call = cast<func::CallOp>(use.getUser());
      OpBuilder b(call);
      call->insertOperands(last, LLVM::ZeroOp::create(b, call.getLoc(), ptr).getResult());
      call->setAttr("attnc.takes_control", b.getUnitAttr());
    }
    return true;
  }
};

} // namespace
