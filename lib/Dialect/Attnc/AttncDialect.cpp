// Registration of the attnc dialect.
#include "attnc/Dialect/Attnc/Attnc.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"

using namespace mlir;
using namespace attnc;

#include "attnc/Dialect/Attnc/Attnc_dialect.cpp.inc"
#define GET_OP_CLASSES
#include "attnc/Dialect/Attnc/Attnc_op.cpp.inc"

void AttncDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "attnc/Dialect/Attnc/Attnc_op.cpp.inc"
      >();
}
