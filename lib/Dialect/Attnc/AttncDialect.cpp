// Registration of the attnc dialect.
#include "attnc/Dialect/Attnc/Attnc.h"

#include "ContractVerifier.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"

using namespace mlir;
using namespace attnc;

#include "attnc/Dialect/Attnc/Attnc_dialect.cpp.inc"

namespace {
/// The contract of a function names other functions and is compared with theirs, so it is verified as the uses of
/// symbols are: once for a symbol table, and never while passes change functions in parallel.
struct FunctionContract : SymbolUserOpInterface::ExternalModel<FunctionContract, func::FuncOp> {
  LogicalResult verifySymbolUses(Operation *op, SymbolTableCollection &symbols) const {
    return verifyContract(cast<FunctionOpInterface>(op), symbols);
  }
};
} // namespace

void AttncDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "attnc/Dialect/Attnc/Attnc_op.cpp.inc"
      >();
  func::FuncOp::attachInterface<FunctionContract>(*getContext());
}

LogicalResult AttncDialect::verifyOperationAttribute(Operation *op, NamedAttribute attribute) {
  return verifyFunctionAttribute(op, attribute);
}

LogicalResult AttncDialect::verifyRegionArgAttribute(Operation *op, unsigned, unsigned index, NamedAttribute attribute) {
  return verifyValueAttribute(op, ValueKind::Argument, index, attribute);
}

LogicalResult AttncDialect::verifyRegionResultAttribute(Operation *op, unsigned, unsigned index, NamedAttribute attribute) {
  return verifyValueAttribute(op, ValueKind::Result, index, attribute);
}
