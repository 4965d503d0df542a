// A contraction's kernel as loops, and what one block of it computes. Private to the room.
#pragma once

#include "MicroKernel.h"

#include "attnc/Schedule/Contraction.h"
#include "attnc/Target/Cpu.h"

#include "mlir/IR/IRMapping.h"

namespace attnc::cpu {

/// Which loops a kernel has, and the block that its sums are computed in.
struct ContractionLoops {
  ContractionLoops(mlir::ImplicitLocOpBuilder &b, const ContractionKernel &kernel, const CpuLevel &level);

  const Contraction &first() const { return kernel.products[0]; }
  /// The loop of each of an output's dimensions.
  llvm::ArrayRef<unsigned> getOutputDims(size_t output) const;
  std::optional<int64_t> getSize(unsigned loop) const { return mlir::getConstantIntValue(sizes[loop]); }

  ContractionKernel kernel;
  mlir::VectorType vector;                       ///< a register of sums
  bool dots;                                     ///< vectors are along k, not of columns
  llvm::SmallVector<mlir::OpFoldResult> sizes;   ///< of each loop
  std::optional<unsigned> row;                   ///< the loop that rows of a block are of
  unsigned column;                               ///< the loop that vectors are of
  llvm::SmallVector<unsigned> outer, summed;     ///< around blocks; in blocks, innermost last
  RegisterBlock block;                           ///< dots: `vectors` is the number of columns
  int64_t rowChunk = 1;                          ///< rows whose part of the left operand stays in the cache

private:
  void findLoops(mlir::ImplicitLocOpBuilder &b);
  void chooseBlock(const CpuLevel &level);
  void chooseRowChunk(const CpuLevel &level);
};

/// Columns low .. high in blocks of `vectors` vectors of `lanes`; masked: the last vector may be part of one.
struct ColumnSegment {
  mlir::OpFoldResult low, high;
  int64_t vectors, lanes;
  bool masked = false;

  int64_t width() const { return vectors * lanes; }
};

/// Emits one block: its sums, what follows them, the stores.
class BlockEmitter {
public:
  BlockEmitter(mlir::ImplicitLocOpBuilder &b, const ContractionLoops &loops, const ColumnSegment &segment) : b(b), loops(loops), segment(segment) {}

  /// `at` is the first index of each loop; `tiles` are slices of the outputs from `tileAt` on. Returns the tiles written.
  llvm::SmallVector<mlir::Value> emit(int64_t rows, llvm::ArrayRef<mlir::Value> at, llvm::ArrayRef<mlir::Value> tileAt, mlir::ValueRange tiles);

private:
  Sums sumColumns(const BlockShape &shape);
  Sums sumDots(int64_t rows);
  Sums addDots(const BlockShape &shape, mlir::Value low, mlir::Value high, Sums sums, bool masked);
  Sums forSummed(llvm::ArrayRef<unsigned> around, Sums sums, llvm::function_ref<Sums(Sums)> inner);
  mlir::Value readRight(const Contraction &product, int64_t v);
  llvm::SmallVector<mlir::Value> getPanelIndices(const Contraction &product, int64_t column);
  mlir::Value getPanelBuffer(const Contraction &product);
  void prefetchRow(const Contraction &product, int64_t v);
  void prefetchNextBlock(const Contraction &product);
  mlir::Value addStart(const Contraction &product, mlir::Value sum, int64_t row, int64_t v);
  llvm::SmallVector<mlir::Value> applyEpilogue(llvm::ArrayRef<mlir::Value> sums, int64_t row, int64_t v);
  void mapInner(mlir::Operation &inner, mlir::IRMapping &map, int64_t row, int64_t v);
  mlir::Value mapIndex(unsigned loop, int64_t row, int64_t v);
  mlir::Value readOperand(mlir::Value source, llvm::ArrayRef<unsigned> dims, int64_t row, int64_t v, bool isTile = false);
  llvm::SmallVector<mlir::Value> getIndices(llvm::ArrayRef<unsigned> dims, int64_t row, int64_t column, bool inTile = false);
  mlir::Value getIndex(unsigned loop, int64_t row, int64_t column, bool inTile);
  mlir::Value broadcast(mlir::Value scalar);
  mlir::Value maskOf(int64_t v) const { return v == segment.vectors - 1 ? mask : mlir::Value(); }

  mlir::ImplicitLocOpBuilder &b;
  const ContractionLoops &loops;
  const ColumnSegment &segment;
  llvm::SmallVector<mlir::Value> at, tileAt, tiles;
  mlir::Value mask; ///< of the block's last vector, or null
  llvm::DenseMap<std::tuple<mlir::Value, int64_t, int64_t>, mlir::Value> read; ///< operands by (tensor, row, vector)
};

} // namespace attnc::cpu
