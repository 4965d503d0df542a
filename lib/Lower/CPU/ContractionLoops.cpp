// Which loops a contraction's kernel has, and how large its blocks are.
#include "ContractionLoops.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace attnc::cpu {

ContractionLoops::ContractionLoops(ImplicitLocOpBuilder &b, const ContractionKernel &kernel, const CpuLevel &level) : kernel(kernel) {
  bool wide = getElementTypeOrSelf(first().op->getResult(0)).isF64();
  Type sum = wide ? FloatType(b.getF64Type()) : FloatType(b.getF32Type());
  vector = VectorType::get(level.lanes(sum.getIntOrFloatBitWidth()), sum);
  column = kernel.column();
  dots = !first().panels && first().rightDims.back() != column;
  findLoops(b);
  chooseBlock(level);
  chooseRowChunk(level);
}

ArrayRef<unsigned> ContractionLoops::getOutputDims(size_t output) const {
  return kernel.epilogue ? kernel.epilogueDims[kernel.epilogue.getNumDpsInputs() + output] : first().outDims;
}

void ContractionLoops::findLoops(ImplicitLocOpBuilder &b) {
  const Contraction &c = first();
  sizes.resize(c.op.getNumLoops());
  auto take = [&](Value tensor, ArrayRef<unsigned> dims) {
    for (auto [dim, loop] : llvm::enumerate(dims))
      if (!sizes[loop] || !getSize(loop))
        sizes[loop] = tensor::getMixedSize(b, b.getLoc(), tensor, dim);
  };
  take(c.left, c.leftDims);
  take(kernel.getOutputs()[0], getOutputDims(0));
  for (unsigned loop : c.outDims)
    if (c.isRow(loop) && (!row || getSize(loop) != 1))
      row = loop;
  for (unsigned loop : c.outDims)
    if (loop != column && loop != row)
      outer.push_back(loop);
  for (unsigned loop : dots ? c.rightDims : c.leftDims)
    if (c.isSummed(loop))
      summed.push_back(loop);
}

/// The level's block, or one of as many sums: with fewer rows there are more columns.
void ContractionLoops::chooseBlock(const CpuLevel &level) {
  constexpr int64_t kMostVectors = 8;
  int64_t products = kernel.products.size(), spare = 4; // spare: registers for what is multiplied
  block = level.block;
  if (dots) // both factors are vectors
    block = level.vectorRegisters > 16 ? RegisterBlock{4, 4} : RegisterBlock{3, 3};
  std::optional<int64_t> rows = row ? getSize(*row) : 1;
  if (rows && *rows < block.rows) {
    block.rows = std::max<int64_t>(1, *rows);
    int64_t most = dots ? 4 : std::min(kMostVectors, (level.vectorRegisters - spare) / (block.rows + 1));
    block.vectors = std::max(most, block.vectors);
  }
  block.vectors = std::max<int64_t>(1, block.vectors / products);
  if (std::optional<int64_t> columns = getSize(column))
    block.vectors = std::clamp<int64_t>(llvm::divideCeil(*columns, dots ? 1 : vector.getNumElements()), 1, block.vectors);
}

void ContractionLoops::chooseRowChunk(const CpuLevel &level) {
  constexpr int64_t kMost = 256, kUnknown = 1024;
  if (!row)
    return;
  int64_t bytes = llvm::divideCeil(getElementTypeOrSelf(first().left).getIntOrFloatBitWidth(), 8);
  for (unsigned loop : summed)
    bytes *= std::max<int64_t>(1, getSize(loop).value_or(kUnknown));
  int64_t most = std::clamp<int64_t>(level.l2Bytes / 2 / bytes, block.rows, kMost);
  if (std::optional<int64_t> rows = getSize(*row); rows && *rows > 0)
    most = llvm::divideCeil(*rows, llvm::divideCeil(*rows, most)); // chunks of one size
  rowChunk = llvm::alignTo(most, block.rows);
}

} // namespace attnc::cpu
