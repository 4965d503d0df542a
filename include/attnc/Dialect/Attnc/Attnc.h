// The attnc dialect: a module's contract with its callers, and the kernel boundary (dialects/attnc/README.md).
#pragma once

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "attnc/Dialect/Attnc/Attnc_dialect.h.inc"
#define GET_OP_CLASSES
#include "attnc/Dialect/Attnc/Attnc_op.h.inc"
