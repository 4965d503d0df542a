// Copies between buffers that are not contiguous become ops of linalg, which lower to loops; the others stay, as calls of
// memcpy. (Upstream would call a library function for them.)
#include "attnc/Lower/Cpu.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace attnc {
#define GEN_PASS_DEF_STRIDEDCOPIES
#include "attnc/LowerCpu/Passes.h.inc"
} // namespace attnc

using namespace mlir;

namespace {

bool isContiguous(Value buffer) { return cast<MemRefType>(buffer.getType()).getLayout().isIdentity(); }

class StridedCopies : public attnc::impl::StridedCopiesBase<StridedCopies> {
public:
  void runOnOperation() override {
    getOperation().walk([](memref::CopyOp copy) {
      if (isContiguous(copy.getSource()) && isContiguous(copy.getTarget()))
        return;
      OpBuilder b(copy);
      linalg::CopyOp::create(b, copy.getLoc(), copy.getSource(), copy.getTarget());
      copy.erase();
    });
  }
};

} // namespace
