// Registers what attnc's tools know: its dialects and passes, and upstream's.
#pragma once

namespace mlir {
class DialectRegistry;
}

namespace attnc {

/// The dialects of attnc, with the interfaces that its passes need.
void registerDialects(mlir::DialectRegistry &registry);

/// These and upstream's, with upstream's extensions: what tools read.
void registerEveryDialect(mlir::DialectRegistry &registry);

/// Every pass and pipeline of attnc.
void registerPasses();

} // namespace attnc
