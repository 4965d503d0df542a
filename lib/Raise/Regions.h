// Expressions as regions of attn.attention: what they capture, and their code. Private to the room.
#pragma once

#include "Dims.h"

namespace attnc::raise {

/// What regions see of outside, one block argument each.
struct Capture {
  ExprRef load;     // the element (mapped), or a scalar from outside
  mlir::Value value;
  mlir::AffineMap map; // none: passed whole
  bool isWhole = false;
};

class Regions {
public:
  Regions(Elements &elements, const Dims &dims, mlir::ImplicitLocOpBuilder &outside) : elements(elements), dims(dims), outside(outside) {}

  /// Notes what the expression needs from outside; false with a reason if a region cannot say it.
  bool capture(ExprRef e, Miss &miss);
  llvm::ArrayRef<Capture> getCaptures() const { return captures; }
  /// Fills a region of the op with the expression.
  void build(attn::AttentionOp op, mlir::Region &region, ExprRef e, bool isMask);

private:
  bool captureInside(ExprRef e, Miss &miss);
  bool captureIndex(ExprRef index, Miss &miss);
  bool captureLoad(ExprRef load, Miss &miss);
  void add(Capture capture);

  Elements &elements;
  const Dims &dims;
  mlir::ImplicitLocOpBuilder &outside;
  llvm::SmallVector<Capture> captures;
  llvm::DenseSet<ExprRef> done;
  llvm::DenseMap<ExprRef, ExprRef> instead; // expressions that are read from a tensor that has them
};

} // namespace attnc::raise
