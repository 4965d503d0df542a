// Registers what attnc's tools know: its dialects and passes, and upstream's.
#pragma once

namespace mlir {
class DialectRegistry;
}

namespace attnc {

/// The dialects of attnc, with the interfaces that its passes need.
void registerDialects(mlir::DialectRegistry &registry);

/// The dialects a model may be written in (attnc's, func, linalg, tensor, arith, math, scf, ml_program)
/// and those that the pipeline goes through, with their upstream interfaces.
void registerModelDialects(mlir::DialectRegistry &registry);

/// Every pass and pipeline of attnc.
void registerPasses();

} // namespace attnc
