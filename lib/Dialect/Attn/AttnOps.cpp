// The generated half of the ops, and the directives it parses and prints with.
#include "attnc/Dialect/Attn/Attn.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/PatternMatch.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace attnc::attn;

/// The results of a scan are typed like its values and its state; nothing is written.
static ParseResult parseScanResults(OpAsmParser &, Type values, Type state, Type &outputs,
                                    Type &last) {
  outputs = values;
  last = state;
  return success();
}

static void printScanResults(OpAsmPrinter &, Operation *, Type, Type, Type, Type) {}

#define GET_OP_CLASSES
#include "attnc/Dialect/Attn/Attn_op.cpp.inc"

OpOperand *attnc::attn::getUpdatedOperand(OpResult result) {
  return llvm::TypeSwitch<Operation *, OpOperand *>(result.getOwner())
      .Case([](ScatterRowsOp op) { return &op.getDestinationMutable(); })
      .Case([](RingAppendOp op) { return &op.getRingMutable(); })
      .Case<LinearScanOp, DeltaScanOp, SelectiveScanOp>([&](auto op) {
        return result == op.getLast() ? &op.getStateMutable() : nullptr;
      })
      .Default(nullptr);
}
