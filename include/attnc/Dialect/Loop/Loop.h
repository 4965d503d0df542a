// The loop dialect: adaptive halting, segments, fixed points (dialects/loop/README.md).
#pragma once

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "attnc/Dialect/Loop/Loop_dialect.h.inc"
#include "attnc/Dialect/Loop/Loop_enum.h.inc"
#define GET_ATTRDEF_CLASSES
#include "attnc/Dialect/Loop/Loop_attr.h.inc"
#define GET_OP_CLASSES
#include "attnc/Dialect/Loop/Loop_op.h.inc"
