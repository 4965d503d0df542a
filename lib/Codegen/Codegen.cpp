// Module in the LLVM dialect -> LLVM IR -> optimised -> object -> shared object, all in this process.
//
// The code must stand alone: what the back end turns into calls of a library gets bodies here
// (kLibrary), mathematics was expanded before, and the link fails on anything undefined.
#include "attnc/Codegen/Codegen.h"

#include "Link.h"

#include "attnc/Target/Cpu.h"

#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/Analysis/TargetTransformInfo.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/IRReader/IRReader.h"
#include "llvm/Linker/Linker.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Passes/StandardInstrumentations.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Transforms/IPO/Internalize.h"

#include <future>

using namespace llvm;

namespace attnc {

/// What LLVM calls. Copies and fills whose size it does not know: string instructions run at the speed of the cache on
/// every CPU of these levels, and cannot be turned into calls of themselves. And f32 to bf16 for CPUs without it, to the nearest
/// and ties to even: conversions in a model are expanded before, but values that cross blocks are widened by the back end.
static constexpr StringLiteral kLibrary = R"(
define hidden ptr @memcpy(ptr %d, ptr %s, i64 %n) #0 {
  call { ptr, ptr, i64 } asm sideeffect "rep movsb", "={di},={si},={cx},0,1,2,~{memory},~{dirflag},~{fpsr},~{flags}"(ptr %d, ptr %s, i64 %n)
  ret ptr %d
}
define hidden ptr @memset(ptr %d, i32 %v, i64 %n) #0 {
  %b = trunc i32 %v to i8
  call { ptr, i64 } asm sideeffect "rep stosb", "={di},={cx},{al},0,1,~{memory},~{dirflag},~{fpsr},~{flags}"(i8 %b, ptr %d, i64 %n)
  ret ptr %d
}
define hidden ptr @memmove(ptr %d, ptr %s, i64 %n) #0 {
  %di = ptrtoint ptr %d to i64
  %si = ptrtoint ptr %s to i64
  %gap = sub i64 %di, %si
  %overlaps = icmp ult i64 %gap, %n
  br i1 %overlaps, label %check, label %forward
check:
  %none = icmp eq i64 %n, 0
  br i1 %none, label %done, label %backward
forward:
  call { ptr, ptr, i64 } asm sideeffect "rep movsb", "={di},={si},={cx},0,1,2,~{memory},~{dirflag},~{fpsr},~{flags}"(ptr %d, ptr %s, i64 %n)
  br label %done
backward:
  %i = phi i64 [ %n, %check ], [ %next, %backward ]
  %next = sub i64 %i, 1
  %sp = getelementptr i8, ptr %s, i64 %next
  %dp = getelementptr i8, ptr %d, i64 %next
  %byte = load volatile i8, ptr %sp
  store volatile i8 %byte, ptr %dp
  %more = icmp ne i64 %next, 0
  br i1 %more, label %backward, label %done
done:
  ret ptr %d
}
define hidden bfloat @__truncsfbf2(float %x) #0 {
  %bits = bitcast float %x to i32
  %high = lshr i32 %bits, 16
  %odd = and i32 %high, 1
  %half = add i32 %odd, 32767
  %sum = add i32 %bits, %half
  %nearest = lshr i32 %sum, 16
  %quiet = or i32 %high, 64
  %nan = fcmp uno float %x, 0.0
  %chosen = select i1 %nan, i32 %quiet, i32 %nearest
  %word = trunc i32 %chosen to i16
  %result = bitcast i16 %word to bfloat
  ret bfloat %result
}
attributes #0 = { noinline nounwind "no-builtins" }
)";

static Error sentence(const Twine &text) { return createStringError(inconvertibleErrorCode(), text); }

static Expected<std::unique_ptr<TargetMachine>> makeTargetMachine(const CpuLevel &level) {
  static const bool initialized = [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
    LLVMInitializeX86AsmParser(); // the memory functions are inline assembly
    return true;
  }();
  (void)initialized;
  Triple triple("x86_64-unknown-linux-gnu");
  std::string error;
  const Target *target = TargetRegistry::lookupTarget(triple, error);
  if (!target)
    return sentence("this LLVM has no back end for " + triple.str() + ": " + error);
  TargetOptions options;
  options.FunctionSections = true;
  return std::unique_ptr<TargetMachine>(target->createTargetMachine(
      triple, level.cpu, level.features, options, Reloc::PIC_, CodeModel::Small, CodeGenOptLevel::Aggressive));
}

static Expected<std::unique_ptr<Module>> translate(mlir::ModuleOp module, LLVMContext &context) {
  std::unique_ptr<Module> llvmModule = mlir::translateModuleToLLVMIR(module, context, "attnc");
  if (!llvmModule)
    return sentence("the module could not be translated to LLVM IR");
  return llvmModule;
}

static void addSignature(Module &module, StringRef signature) {
  Constant *text = ConstantDataArray::getString(module.getContext(), signature);
  auto *global = new GlobalVariable(module, text->getType(), /*isConstant=*/true, GlobalValue::ExternalLinkage,
                                    text, "attnc_signature");
  global->setVisibility(GlobalValue::DefaultVisibility);
}

/// Makes everything internal that the manifest does not name, and writes the level on each function.
static void restrictToLevel(Module &module, const CpuLevel &level) {
  internalizeModule(module, [](const GlobalValue &value) {
    return value.getName().starts_with("attnc_") && !value.hasHiddenVisibility();
  });
  for (Function &function : module) {
    function.addFnAttr("target-cpu", level.cpu);
    if (!level.features.empty())
      function.addFnAttr("target-features", level.features);
    function.addFnAttr("prefer-vector-width", std::to_string(level.vectorBits));
    function.addFnAttr("frame-pointer", "none");
    function.addFnAttr(Attribute::NoUnwind);
  }
}

static void optimize(Module &module, TargetMachine &machine) {
  PassInstrumentationCallbacks callbacks;
  OptNoneInstrumentation skipOptNone(/*DebugLogging=*/false); // without it passes do not heed optnone
  skipOptNone.registerCallbacks(callbacks);
  PassBuilder builder(&machine, PipelineTuningOptions(), std::nullopt, &callbacks);
  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager sccs;
  ModuleAnalysisManager modules;
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(sccs);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, sccs, modules);
  builder.buildPerModuleDefaultPipeline(OptimizationLevel::O3).run(module, modules);
}

/// Adds bodies for memcpy and its like after optimisation (their calls appear in the back end as well).
static Error linkLibrary(Module &module, const CpuLevel &level) {
  SMDiagnostic diagnostic;
  std::unique_ptr<Module> memory = parseIR(MemoryBufferRef(kLibrary, "library"), diagnostic, module.getContext());
  if (!memory)
    return sentence("internal: " + diagnostic.getMessage());
  memory->setDataLayout(module.getDataLayout());
  memory->setTargetTriple(module.getTargetTriple());
  for (Function &function : *memory)
    function.addFnAttr("target-cpu", level.cpu);
  if (Linker::linkModules(module, std::move(memory)))
    return sentence("internal: the library functions could not be linked in");
  return Error::success();
}

static Expected<std::string> emitObject(Module &module, TargetMachine &machine) {
  SmallString<0> object;
  raw_svector_ostream stream(object);
  legacy::PassManager passes;
  if (machine.addPassesToEmitFile(passes, stream, nullptr, CodeGenFileType::ObjectFile))
    return sentence("this LLVM cannot emit object files");
  passes.run(module);
  return std::string(object);
}

namespace {
/// A level's module on its way to code. Each has a context of its own, so that levels are optimised side by side.
struct LevelCode {
  const CpuLevel &level;
  std::unique_ptr<TargetMachine> machine;
  std::unique_ptr<LLVMContext> context;
  std::unique_ptr<Module> module;
};
} // namespace

static Expected<LevelCode> prepare(mlir::ModuleOp module, StringRef signature) {
  const CpuLevel &level = getCpuLevel(module);
  Expected<std::unique_ptr<TargetMachine>> machine = makeTargetMachine(level);
  if (!machine)
    return machine.takeError();
  auto context = std::make_unique<LLVMContext>();
  Expected<std::unique_ptr<Module>> translated = translate(module, *context);
  if (!translated)
    return translated.takeError();
  Module &m = **translated;
  m.setTargetTriple((*machine)->getTargetTriple());
  m.setDataLayout((*machine)->createDataLayout());
  addSignature(m, signature);
  restrictToLevel(m, level);
  return LevelCode{level, std::move(*machine), std::move(context), std::move(*translated)};
}

static Expected<std::string> emitSharedObject(LevelCode &code) {
  optimize(*code.module, *code.machine);
  if (Error error = linkLibrary(*code.module, code.level))
    return error;
  Expected<std::string> object = emitObject(*code.module, *code.machine);
  if (!object)
    return object.takeError();
  return linkSharedObject(*object);
}

Expected<std::vector<std::string>> emitSharedObjects(ArrayRef<mlir::ModuleOp> modules, StringRef signature) {
  mlir::MLIRContext *context = modules.front()->getContext();
  mlir::registerBuiltinDialectTranslation(*context);
  mlir::registerLLVMDialectTranslation(*context);
  std::vector<LevelCode> levels;
  for (mlir::ModuleOp module : modules) {
    Expected<LevelCode> code = prepare(module, signature);
    if (!code)
      return code.takeError();
    levels.push_back(std::move(*code));
  }
  std::vector<std::future<Expected<std::string>>> running;
  for (LevelCode &code : levels)
    running.push_back(std::async(std::launch::async, [&code] { return emitSharedObject(code); }));
  std::vector<std::string> objects;
  Error error = Error::success();
  for (auto &result : running) {
    Expected<std::string> object = result.get();
    if (object)
      objects.push_back(std::move(*object));
    else if (error) // what fails at one level tends to fail at each: the first says it
      consumeError(object.takeError());
    else
      error = object.takeError();
  }
  if (error)
    return error;
  return objects;
}

} // namespace attnc
