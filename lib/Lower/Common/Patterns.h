// The groups of patterns of this room.
#pragma once

#include "attnc/Lower/LowerAttn.h"

namespace attnc::lower {

void populateAttention(mlir::RewritePatternSet &patterns, const LowerAttnOptions &options);
void populateNorms(mlir::RewritePatternSet &patterns);
void populateOrder(mlir::RewritePatternSet &patterns);
void populateRandom(mlir::RewritePatternSet &patterns);
void populateRing(mlir::RewritePatternSet &patterns);
void populateRotary(mlir::RewritePatternSet &patterns);
void populateRows(mlir::RewritePatternSet &patterns);
void populateScans(mlir::RewritePatternSet &patterns);

} // namespace attnc::lower
