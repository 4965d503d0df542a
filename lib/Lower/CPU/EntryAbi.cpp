// Gives entries the C interface of a package.
//
// Before: entries in control-flow form on memrefs, sizes first, the arena last, attnc.poll in loops. After:
// the entry is private, takes the control pointer and returns an i32; two public functions on plain
// pointers stand before it. Steps:
//   1. calls of kernels are timed if the control has a place for that (attnc_control.kernel_times);
//   2. attnc.poll splits its block: call attnc_poll, and leave with its answer unless it is 0;
//   3. attnc_NAME loads sizes and buffers, makes memref descriptors (row-major) and calls the entry;
//   4. attnc_NAME_size loads the sizes and calls NAME_arena_size.
#include "attnc/Lower/Cpu.h"

#include "attnc-c/KernelAbi.h"

#include "attnc/Dialect/Attnc/Attnc.h"

#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace attnc {
#define GEN_PASS_DEF_ENTRYABI
#include "attnc/LowerCpu/Passes.h.inc"
} // namespace attnc

using namespace mlir;

namespace {

constexpr llvm::StringLiteral kPoll = "poll_control", kTime = "time_kernel";

/// Offsets of attnc_control's fields.
constexpr int32_t kStop = offsetof(attnc_control, stop), kCancel = offsetof(attnc_control, cancel),
                  kStepsLeft = offsetof(attnc_control, steps_left), kKernelTimes = offsetof(attnc_control, kernel_times);

class AbiBuilder {
public:
  AbiBuilder(ModuleOp module) : module(module), b(module.getContext()), loc(module.getLoc()), converter(module.getContext()), ptr(LLVM::LLVMPointerType::get(module.getContext())) {}

  void addPollFunction();
  void addTimeFunction();
  void wrapEntry(func::FuncOp entry);

private:
  Value load(Value base, int64_t index, Type type, int64_t bytes);
  Value field(Value base, int64_t offset) {
    return LLVM::GEPOp::create(b, loc, ptr, b.getI8Type(), base, ArrayRef<LLVM::GEPArg>{int32_t(offset)});
  }
  Value makeMemRef(MemRefType type, Value pointer, ValueRange dynamicSizes);
  void timeKernels(func::FuncOp entry, Value control);
  void lowerPolls(func::FuncOp entry, Value control);
  void returnZero(func::FuncOp entry);
  func::FuncOp makeFunction(Twine name, ArrayRef<Type> inputs, Type result);
  void makeCaller(func::FuncOp entry);
  void makeSizeFunction(func::FuncOp entry);

  ModuleOp module;
  OpBuilder b;
  Location loc;
  LLVMTypeConverter converter;
  Type ptr;
};

func::FuncOp AbiBuilder::makeFunction(Twine name, ArrayRef<Type> inputs, Type result) {
  b.setInsertionPointToEnd(module.getBody());
  auto function = func::FuncOp::create(b, loc, name.str(), b.getFunctionType(inputs, result));
  b.setInsertionPointToStart(function.addEntryBlock());
  return function;
}

/// base[index], where an element takes `bytes`.
Value AbiBuilder::load(Value base, int64_t index, Type type, int64_t bytes) {
  return LLVM::LoadOp::create(b, loc, type, field(base, index * bytes));
}

/// i32 poll_control(control): 0 to go on, else the reason to stop, which is also left in control.stop.
void AbiBuilder::addPollFunction() {
  auto function = makeFunction(kPoll, {ptr}, b.getI32Type());
  function.setPrivate();
  Value control = function.getArgument(0);
  Value zero = LLVM::ConstantOp::create(b, loc, b.getI32Type(), 0);
  Value left = LLVM::LoadOp::create(b, loc, b.getI64Type(), field(control, kStepsLeft));
  Value one64 = LLVM::ConstantOp::create(b, loc, b.getI64Type(), 1);
  Value less = LLVM::SubOp::create(b, loc, left, one64);
  LLVM::StoreOp::create(b, loc, less, field(control, kStepsLeft));
  Value zero64 = LLVM::ConstantOp::create(b, loc, b.getI64Type(), 0);
  Value out = LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::slt, less, zero64);
  Value limit = LLVM::ConstantOp::create(b, loc, b.getI32Type(), ATTNC_STOP_STEP_LIMIT);
  Value byLimit = LLVM::SelectOp::create(b, loc, out, limit, zero);

  // A null flag reads the limit's answer instead, so that there is one load and no branch.
  Value flag = LLVM::LoadOp::create(b, loc, ptr, field(control, kCancel));
  Value null = LLVM::ZeroOp::create(b, loc, ptr);
  Value none = LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::eq, flag, null);
  Value stopField = field(control, kStop);
  Value safe = LLVM::SelectOp::create(b, loc, none, stopField, flag);
  Value raised = LLVM::LoadOp::create(b, loc, b.getI32Type(), safe, /*alignment=*/4, /*isVolatile=*/true);
  Value isRaised = LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::ne, raised, zero);
  Value cancelled = LLVM::ConstantOp::create(b, loc, b.getI32Type(), ATTNC_STOP_CANCELLED);
  Value reason = LLVM::SelectOp::create(b, loc, isRaised, cancelled, byLimit);
  LLVM::StoreOp::create(b, loc, reason, stopField);
  func::ReturnOp::create(b, loc, reason);
}

/// i64 time_kernel(control, number, since): now, by the time stamp counter, or 0 if nobody wants to know. Unless `since` is 0,
/// the time from then on is added to the kernel's, with one call.
void AbiBuilder::addTimeFunction() {
  Type i32 = b.getI32Type(), i64 = b.getI64Type();
  auto function = makeFunction(kTime, {ptr, i32, i64}, i64);
  function.setPrivate();
  Value control = function.getArgument(0), since = function.getArgument(2);
  Value zero = LLVM::ConstantOp::create(b, loc, i64, 0);
  // A caller from before the field was there has a smaller struct.
  Value size = LLVM::LoadOp::create(b, loc, i32, control);
  Value needed = LLVM::ConstantOp::create(b, loc, i32, kKernelTimes + 8);
  Value hasField = LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::sge, size, needed);
  Value times = LLVM::LoadOp::create(b, loc, ptr, LLVM::SelectOp::create(b, loc, hasField, field(control, kKernelTimes), field(control, kCancel)));
  Value null = LLVM::ZeroOp::create(b, loc, ptr);
  Value isWanted = LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::ne, times, null);
  isWanted = LLVM::AndOp::create(b, loc, isWanted, hasField);
  Block *count = b.createBlock(&function.getBody(), function.getBody().end());
  Block *leave = b.createBlock(&function.getBody(), function.getBody().end());
  b.setInsertionPointToEnd(&function.getBody().front());
  cf::CondBranchOp::create(b, loc, isWanted, count, leave);

  b.setInsertionPointToEnd(count);
  Value now = LLVM::CallIntrinsicOp::create(b, loc, i64, b.getStringAttr("llvm.readcyclecounter"), ValueRange()).getResult(0);
  Value isEnd = LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::ne, since, zero);
  auto add = [&](int32_t at, Value number) {
    auto row = LLVM::LLVMArrayType::get(i64, 2);
    Value place = LLVM::GEPOp::create(b, loc, ptr, row, times, ArrayRef<LLVM::GEPArg>{function.getArgument(1), at});
    LLVM::StoreOp::create(b, loc, LLVM::AddOp::create(b, loc, LLVM::LoadOp::create(b, loc, i64, place), number), place);
  };
  add(0, LLVM::ZExtOp::create(b, loc, i64, isEnd));
  add(1, LLVM::SelectOp::create(b, loc, isEnd, LLVM::SubOp::create(b, loc, now, since), zero));
  func::ReturnOp::create(b, loc, now);
  b.setInsertionPointToEnd(leave);
  func::ReturnOp::create(b, loc, zero);
}

void AbiBuilder::timeKernels(func::FuncOp entry, Value control) {
  entry.walk([&](func::CallOp call) {
    auto number = call->getAttrOfType<IntegerAttr>("attnc.number");
    if (!number)
      return;
    call->removeAttr("attnc.number");
    auto mark = [&](Value since) {
      Value which = LLVM::ConstantOp::create(b, loc, number);
      return func::CallOp::create(b, loc, kTime, b.getI64Type(), ValueRange{control, which, since}).getResult(0);
    };
    b.setInsertionPoint(call);
    Value since = mark(LLVM::ConstantOp::create(b, loc, b.getI64Type(), 0));
    b.setInsertionPointAfter(call);
    mark(since);
  });
}

void AbiBuilder::lowerPolls(func::FuncOp entry, Value control) {
  SmallVector<attnc::PollOp> polls;
  entry.walk([&](attnc::PollOp poll) { polls.push_back(poll); });
  if (polls.empty())
    return;
  Block *leave = b.createBlock(&entry.getBody(), entry.getBody().end(), {b.getI32Type()}, {loc});
  func::ReturnOp::create(b, loc, leave->getArgument(0));
  for (attnc::PollOp poll : polls) {
    Block *head = poll->getBlock();
    Block *rest = head->splitBlock(poll);
    b.setInsertionPointToEnd(head);
    Value reason = func::CallOp::create(b, loc, kPoll, b.getI32Type(), control).getResult(0);
    Value zero = arith::ConstantIntOp::create(b, loc, b.getI32Type(), 0);
    Value goOn = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, reason, zero);
    cf::CondBranchOp::create(b, loc, goOn, rest, ValueRange(), leave, ValueRange(reason));
    poll.erase();
  }
}

void AbiBuilder::returnZero(func::FuncOp entry) {
  entry.walk([&](func::ReturnOp ret) {
    if (ret.getNumOperands() != 0)
      return;
    b.setInsertionPoint(ret);
    Value zero = arith::ConstantIntOp::create(b, loc, b.getI32Type(), 0);
    ret->setOperands(zero);
  });
}

/// A row-major memref on a pointer.
Value AbiBuilder::makeMemRef(MemRefType type, Value pointer, ValueRange dynamicSizes) {
  Type descriptorType = converter.convertType(type);
  auto descriptor = MemRefDescriptor::poison(b, loc, descriptorType);
  descriptor.setAllocatedPtr(b, loc, pointer);
  descriptor.setAlignedPtr(b, loc, pointer);
  descriptor.setConstantOffset(b, loc, 0);
  Value stride = LLVM::ConstantOp::create(b, loc, b.getI64Type(), 1);
  unsigned dynamic = dynamicSizes.size();
  for (int64_t d = type.getRank() - 1; d >= 0; --d) {
    Value size = type.isDynamicDim(d) ? dynamicSizes[--dynamic]
                                      : LLVM::ConstantOp::create(b, loc, b.getI64Type(), type.getDimSize(d)).getResult();
    descriptor.setSize(b, loc, d, size);
    descriptor.setStride(b, loc, d, stride);
    stride = LLVM::MulOp::create(b, loc, stride, size);
  }
  Value structure = descriptor;
  return UnrealizedConversionCastOp::create(b, loc, Type(type), structure).getResult(0);
}

void AbiBuilder::makeCaller(func::FuncOp entry) {
  auto caller = makeFunction("attnc_" + entry.getName(), {ptr, ptr, ptr, ptr}, b.getI32Type());
  Value buffers = caller.getArgument(0), dims = caller.getArgument(1), arena = caller.getArgument(2), control = caller.getArgument(3);
  llvm::StringMap<Value> sizes; // as i64
  SmallVector<Value> operands;
  int64_t nextBuffer = 0, nextSize = 0;
  for (BlockArgument argument : entry.getArguments().drop_back()) {
    unsigned i = argument.getArgNumber();
    StringRef role = entry.getArgAttrOfType<StringAttr>(i, "attnc.role").getValue();
    if (role == "size") {
      Value size = load(dims, nextSize++, b.getI64Type(), 8);
      sizes[entry.getArgAttrOfType<StringAttr>(i, "attnc.name").getValue()] = size;
      operands.push_back(arith::IndexCastOp::create(b, loc, b.getIndexType(), size));
      continue;
    }
    auto type = dyn_cast<MemRefType>(argument.getType());
    if (role == "arena") {
      Value bytes = LLVM::ConstantOp::create(b, loc, b.getI64Type(), std::numeric_limits<int64_t>::max());
      operands.push_back(makeMemRef(type, arena, bytes));
      continue;
    }
    Value pointer = load(buffers, nextBuffer++, ptr, 8);
    if (!type) { // a scalar input
      bool index = argument.getType().isIndex();
      Type stored = index ? Type(b.getI64Type()) : argument.getType();
      if (stored.isInteger(1)) { // stored in a byte
        Value byte = LLVM::LoadOp::create(b, loc, b.getI8Type(), pointer);
        Value zero = LLVM::ConstantOp::create(b, loc, b.getI8Type(), 0);
        operands.push_back(LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::ne, byte, zero));
        continue;
      }
      Value value = LLVM::LoadOp::create(b, loc, stored, pointer);
      operands.push_back(index ? arith::IndexCastOp::create(b, loc, b.getIndexType(), value).getResult() : value);
      continue;
    }
    SmallVector<Value> dynamic;
    if (auto names = entry.getArgAttrOfType<ArrayAttr>(i, "attnc.dims"))
      for (auto name : names.getAsRange<StringAttr>())
        dynamic.push_back(sizes[name.getValue()]);
    operands.push_back(makeMemRef(type, pointer, dynamic));
  }
  operands.push_back(control);
  auto call = func::CallOp::create(b, loc, entry, operands);
  func::ReturnOp::create(b, loc, call.getResults());
}

/// The place of a named size among the sizes of an entry.
static int32_t sizeNumber(func::FuncOp entry, Attribute name) {
  int32_t number = 0;
  for (unsigned i = 0; i < entry.getNumArguments(); ++i) {
    auto role = entry.getArgAttrOfType<StringAttr>(i, "attnc.role");
    if (!role || role.getValue() != "size")
      continue;
    if (entry.getArgAttr(i, "attnc.name") == name)
      break;
    ++number;
  }
  return number;
}

void AbiBuilder::makeSizeFunction(func::FuncOp entry) {
  auto inner = module.lookupSymbol<func::FuncOp>((entry.getName() + "_arena_size").str());
  auto function = makeFunction("attnc_" + entry.getName() + "_size", {ptr}, b.getI64Type());
  SmallVector<Value> sizes;
  for (unsigned i = 0; i < inner.getNumArguments(); ++i)
    sizes.push_back(arith::IndexCastOp::create(b, loc, b.getIndexType(), load(function.getArgument(0), i, b.getI64Type(), 8)));
  auto call = func::CallOp::create(b, loc, inner, sizes);
  // Behind the bytes: sizes that only outputs have.
  auto toI64 = [&](Value number) { return arith::IndexCastOp::create(b, loc, b.getI64Type(), number).getResult(); };
  if (auto names = entry->getAttrOfType<ArrayAttr>("attnc.computed"))
    for (auto [name, number] : llvm::zip_equal(names, call.getResults().drop_front()))
      LLVM::StoreOp::create(b, loc, toI64(number), field(function.getArgument(0), 8 * sizeNumber(entry, name)));
  func::ReturnOp::create(b, loc, toI64(call.getResult(0)));
}

/// Kernels whose loops threads share get the control.
static void passControl(func::FuncOp entry, Value control) {
  entry.walk([&](func::CallOp call) {
    if (call->removeAttr("attnc.takes_control"))
      call->setOperand(call.getNumOperands() - 1, control);
  });
}

void AbiBuilder::wrapEntry(func::FuncOp entry) {
  (void)entry.insertArgument(entry.getNumArguments(), ptr, {}, loc);
  Value control = entry.getArguments().back();
  returnZero(entry);
  passControl(entry, control);
  timeKernels(entry, control);
  lowerPolls(entry, control);
  entry.setFunctionType(b.getFunctionType(entry.getArgumentTypes(), b.getI32Type()));
  entry.setPrivate();
  makeCaller(entry);
  makeSizeFunction(entry);
  // What the manifest took from the entry means nothing to LLVM.
  entry.setAllArgAttrs(SmallVector<DictionaryAttr>(entry.getNumArguments(), b.getDictionaryAttr({})));
  entry->removeAttr("attnc.bounds"); // in the manifest now, as the names are
  entry->removeAttr("attnc.kernels");
}

class EntryAbi : public attnc::impl::EntryAbiBase<EntryAbi> {
public:
  void runOnOperation() override {
    SmallVector<func::FuncOp> entries;
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (function.isPublic() && !function.isExternal())
        entries.push_back(function);
    AbiBuilder builder(getOperation());
    builder.addPollFunction();
    builder.addTimeFunction();
    for (func::FuncOp entry : entries)
      builder.wrapEntry(entry);
  }
};

} // namespace
