// The attn dialect: attention and its companions (dialects/attn/README.md).
#pragma once

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace mlir {
class PatternRewriter;
} // namespace mlir

#include "attnc/Dialect/Attn/Attn_dialect.h.inc"
#include "attnc/Dialect/Attn/Attn_enum.h.inc"
#define GET_ATTRDEF_CLASSES
#include "attnc/Dialect/Attn/Attn_attr.h.inc"
#define GET_OP_CLASSES
#include "attnc/Dialect/Attn/Attn_op.h.inc"

namespace attnc::attn {

/// The operand that a result starts from and may be computed in place of: the ring of ring_append, the destination of
/// scatter_rows, a scan's state. Null for other results (attention's destinations are said by its interface).
mlir::OpOperand *getUpdatedOperand(mlir::OpResult result);

} // namespace attnc::attn
