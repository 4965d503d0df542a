// Registration of the attn dialect.
#include "attnc/Dialect/Attn/Attn.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace attnc::attn;

#include "attnc/Dialect/Attn/Attn_dialect.cpp.inc"
#include "attnc/Dialect/Attn/Attn_enum.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "attnc/Dialect/Attn/Attn_attr.cpp.inc"

void AttnDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "attnc/Dialect/Attn/Attn_attr.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "attnc/Dialect/Attn/Attn_op.cpp.inc"
      >();
}
