// The levels there are, and which one a module is lowered for.
#include "attnc/Target/Cpu.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace attnc {

static constexpr llvm::StringLiteral kAttribute = "attnc.cpu_level";

ArrayRef<const CpuLevel *> x86Levels() {
  static const CpuLevel *const levels[] = {&kX86Avx2, &kX86Avx512};
  return levels;
}

const CpuLevel *findLevel(StringRef name) {
  auto it = llvm::find_if(x86Levels(), [&](const CpuLevel *level) { return level->name == name; });
  return it == x86Levels().end() ? nullptr : *it;
}

const CpuLevel &getCpuLevel(Operation *op) {
  auto module = isa<ModuleOp>(op) ? cast<ModuleOp>(op) : op->getParentOfType<ModuleOp>();
  auto name = module ? module->getAttrOfType<StringAttr>(kAttribute) : StringAttr();
  return name ? *findLevel(name) : *x86Levels().front();
}

void setCpuLevel(Operation *module, const CpuLevel &level) {
  module->setAttr(kAttribute, StringAttr::get(module->getContext(), level.name));
}

} // namespace attnc
