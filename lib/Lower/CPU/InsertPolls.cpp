// Puts attnc.poll at the head of every loop of an entry, so that any run can be stopped between iterations.
#include "attnc/Lower/Cpu.h"

#include "attnc/Dialect/Attnc/Attnc.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

namespace attnc {
#define GEN_PASS_DEF_INSERTPOLLS
#include "attnc/LowerCpu/Passes.h.inc"
} // namespace attnc

using namespace mlir;

namespace {

class InsertPolls : public attnc::impl::InsertPollsBase<InsertPolls> {
public:
  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      if (!function.isPublic())
        continue;
      function.walk([](scf::ForOp loop) { pollIn(loop.getBody()); });
      function.walk([](scf::WhileOp loop) { pollIn(loop.getAfterBody()); });
    }
  }

private:
  static void pollIn(Block *body) {
    auto b = OpBuilder::atBlockBegin(body);
    attnc::PollOp::create(b, body->getParentOp()->getLoc());
  }
};

} // namespace
