// Building blocks of the patterns: destinations, slices, parallel tiles. Private to the room.
#pragma once

#include "Numbers.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"

namespace attnc::lower {

//===----------------------------------------------------------------------===//
// Destinations
//===----------------------------------------------------------------------===//

/// Where each result is computed: the destination that its only reader materializes it in, a
/// tensor.empty otherwise; for a result that starts from an operand, its updated destination.
llvm::SmallVector<mlir::Value> getDestinations(mlir::RewriterBase &rewriter, mlir::Operation *op);

/// The destination of a result that starts as `initial`: a copy of it, or the tensor itself where
/// it is the destination or there is none (whether that needs a copy is then for bufferization to
/// say).
mlir::Value getUpdatedDestination(mlir::RewriterBase &rewriter, mlir::OpResult result,
                                  mlir::Value initial);

/// Replaces the op, and the materializations of its results with them.
void replaceInDestinations(mlir::RewriterBase &rewriter, mlir::Operation *op,
                           mlir::ValueRange results);

/// Memory of static size for a tile. Unlike tensor.empty, two of them never become one, which would
/// make bufferization allocate and copy.
mlir::Value allocTile(mlir::ImplicitLocOpBuilder &b, llvm::ArrayRef<int64_t> shape,
                      mlir::Type element);
/// Its leading part, of the given sizes.
mlir::Value allocTile(mlir::ImplicitLocOpBuilder &b, llvm::ArrayRef<int64_t> shape,
                      mlir::Type element, llvm::ArrayRef<mlir::OpFoldResult> sizes);

//===----------------------------------------------------------------------===//
// Slices
//===----------------------------------------------------------------------===//

/// A part of a tensor: in each dimension everything, one index (the dimension is dropped) or a
/// range.
class Slice {
public:
  /// All of it.
  Slice(mlir::ImplicitLocOpBuilder &b, mlir::Value tensor);

  Slice &at(int64_t dim, mlir::OpFoldResult index);
  Slice &range(int64_t dim, mlir::OpFoldResult offset, mlir::OpFoldResult size, int64_t stride = 1);
  /// One index in each of the leading dimensions.
  Slice &atLeading(mlir::ValueRange indices);

  mlir::Value extract(mlir::ImplicitLocOpBuilder &b, mlir::Value tensor) const;
  mlir::Value insert(mlir::ImplicitLocOpBuilder &b, mlir::Value piece, mlir::Value into) const;
  void insertInParallel(mlir::ImplicitLocOpBuilder &b, mlir::Value piece, mlir::Value into) const;

private:
  mlir::OpFoldResult zero, one;
  llvm::SmallVector<mlir::OpFoldResult> offsets, sizes, strides;
  llvm::SmallVector<bool> dropped;
};

/// One element; no indices for the element of a tensor of rank 0.
Num readElement(mlir::ImplicitLocOpBuilder &b, mlir::Value tensor, mlir::ValueRange indices = {});

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

/// One dimension of a space of tiles: 0, step, 2·step, … below extent.
struct TileLoop {
  mlir::OpFoldResult extent;
  int64_t step = 1;
};
/// A loop for each of the first `count` dimensions of a tensor.
llvm::SmallVector<TileLoop> getLeadingLoops(mlir::ImplicitLocOpBuilder &b, mlir::Value tensor,
                                            int64_t count);

/// What a tile computed for an output, and where in the output that goes.
struct TileWrite {
  mlir::Value piece;
  Slice where;
};

/// Runs `body` for every tile in parallel (scf.forall; straight code where there are no loops). It
/// gets the indices and the outputs and returns what it writes, one entry an output.
using TileWrites = llvm::SmallVector<TileWrite, 1>;
using TileBody = llvm::function_ref<TileWrites(mlir::ValueRange indices, mlir::ValueRange outputs)>;
llvm::SmallVector<mlir::Value> forEachTile(mlir::ImplicitLocOpBuilder &b,
                                           llvm::ArrayRef<TileLoop> loops, mlir::ValueRange outputs,
                                           TileBody body);

/// min(step, extent - offset): what is left for a tile; an attribute where every tile is whole.
mlir::OpFoldResult getTileSize(mlir::ImplicitLocOpBuilder &b, mlir::OpFoldResult offset,
                               mlir::OpFoldResult extent, int64_t step);

/// for i in low .. high by step, carrying tensors (or anything else).
using LoopBody =
    llvm::function_ref<llvm::SmallVector<mlir::Value>(Num i, mlir::ValueRange carried)>;
llvm::SmallVector<mlir::Value> forEachIndex(mlir::ImplicitLocOpBuilder &b, Num low, Num high,
                                            int64_t step, mlir::ValueRange carried, LoopBody body);

/// while test(carried) { carried = body(carried) }
llvm::SmallVector<mlir::Value>
repeatWhile(mlir::ImplicitLocOpBuilder &b, mlir::ValueRange carried,
            llvm::function_ref<Num(mlir::ValueRange carried)> test,
            llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::ValueRange carried)> body);

/// if condition then yes, else what there was.
using BranchBody = llvm::function_ref<llvm::SmallVector<mlir::Value>()>;
llvm::SmallVector<mlir::Value> ifElse(mlir::ImplicitLocOpBuilder &b, Num condition,
                                      mlir::TypeRange types, BranchBody yes, BranchBody no);

//===----------------------------------------------------------------------===//
// Elementwise ops and reductions
//===----------------------------------------------------------------------===//

/// linalg.generic over the dimensions of the maps (inputs, then outputs). The body gets the
/// elements and returns those of the outputs; a dimension that an output is not indexed by is
/// reduced.
using ElementsBody = llvm::function_ref<llvm::SmallVector<Num>(llvm::ArrayRef<Num> elements)>;
llvm::SmallVector<mlir::Value> mapElements(mlir::ImplicitLocOpBuilder &b, mlir::ValueRange inputs,
                                           mlir::ValueRange outputs,
                                           llvm::ArrayRef<mlir::AffineMap> maps, ElementsBody body);
/// With one output.
using ElementBody = llvm::function_ref<Num(llvm::ArrayRef<Num> elements)>;
mlir::Value mapElement(mlir::ImplicitLocOpBuilder &b, mlir::ValueRange inputs, mlir::Value output,
                       llvm::ArrayRef<mlir::AffineMap> maps, ElementBody body);
/// The index of a loop of the linalg op around.
Num getLoopIndex(mlir::ImplicitLocOpBuilder &b, int64_t dim);
/// (d0, …) -> the given ones.
mlir::AffineMap getDimsMap(mlir::ImplicitLocOpBuilder &b, int64_t loops,
                           llvm::ArrayRef<int64_t> dims);

mlir::Value fill(mlir::ImplicitLocOpBuilder &b, double number, mlir::Value tensor);
mlir::Value copy(mlir::ImplicitLocOpBuilder &b, mlir::Value from, mlir::Value to);

/// f64 for f64, f32 for every other float.
mlir::FloatType getComputeType(mlir::Type element);
mlir::RankedTensorType getTensorType(mlir::Value tensor);
mlir::Type getElementType(mlir::Value tensor);
/// A dimension's size, an attribute where it is static.
mlir::OpFoldResult getSize(mlir::ImplicitLocOpBuilder &b, mlir::Value tensor, int64_t dim);

} // namespace attnc::lower
