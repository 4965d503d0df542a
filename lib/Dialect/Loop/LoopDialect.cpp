// Registration of the loop dialect.
#include "attnc/Dialect/Loop/Loop.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace attnc::loop;

#include "attnc/Dialect/Loop/Loop_dialect.cpp.inc"
#include "attnc/Dialect/Loop/Loop_enum.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "attnc/Dialect/Loop/Loop_attr.cpp.inc"

void LoopDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "attnc/Dialect/Loop/Loop_attr.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "attnc/Dialect/Loop/Loop_op.cpp.inc"
      >();
}
