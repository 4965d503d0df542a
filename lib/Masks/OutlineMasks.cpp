// A function of each mask region's analysis, beside the function that has the attention.
#include "attnc/Masks/Masks.h"

#include "Values.h"

#include "attnc/Dialect/Attn/Attn.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/SymbolTable.h"

namespace attnc {
#define GEN_PASS_DEF_OUTLINEMASKS
#include "attnc/Masks/Passes.h.inc"
} // namespace attnc

using namespace mlir;
using namespace attnc;
using namespace attnc::attn;

namespace {

/// The function under construction.
class Outline {
public:
  Outline(AttentionOp op, func::FuncOp function) : op(op), function(function), block(function.addEntryBlock()), b(op.getLoc(), op.getContext()) {
    b.setInsertionPointToStart(block);
  }

  void build(Region &mask) {
    Type index = b.getIndexType();
    MaskArguments arguments;
    arguments.batch = add(index);
    arguments.head = Interval::of(add(index));
    arguments.queries = {add(index), add(index)};
    arguments.keys = {add(index), add(index)};
    arguments.source = add(index);
    for (OpOperand &capture : op.getCapturesMutable())
      arguments.captures.push_back(addCapture(capture));
    MaskClass found = analyseMask(b, mask, arguments);
    masks::Values v(b);
    SmallVector<Value> results{found.all, found.any, found.low ? found.low : v.index(-masks::kFar), found.high ? found.high : v.index(masks::kFar)};
    func::ReturnOp::create(b, results);
    function.setFunctionType(b.getFunctionType(block->getArgumentTypes(), ValueRange(results).getTypes()));
  }

private:
  Value add(Type type) { return block->addArgument(type, op.getLoc()); }

  Interval addCapture(OpOperand &capture) {
    AffineMap map = op.getMap(capture);
    Type type = capture.get().getType();
    auto shaped = dyn_cast<RankedTensorType>(type);
    if (!shaped || op.isWholeCapture(capture))
      return Interval::of(add(type));
    Type element = shaped.getElementType();
    if (!map.isFunctionOfDim(AttentionOp::I) && !map.isFunctionOfDim(AttentionOp::J))
      return Interval::of(add(element));
    if (!isa<IntegerType, IndexType>(element))
      return {};
    Type bound = element.isInteger(1) ? element : b.getIndexType();
    return {add(bound), add(bound)};
  }

  AttentionOp op;
  func::FuncOp function;
  Block *block;
  ImplicitLocOpBuilder b;
};

class OutlineMasks : public attnc::impl::OutlineMasksBase<OutlineMasks> {
public:
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    SmallVector<AttentionOp> ops;
    getOperation().walk([&](AttentionOp op) { ops.push_back(op); });
    for (AttentionOp op : ops) {
      SmallVector<Region *> masks;
      if (!op.getMask().empty())
        masks.push_back(&op.getMask());
      for (Region &mask : op.getSourceMasks())
        masks.push_back(&mask);
      auto parent = op->getParentOfType<func::FuncOp>();
      for (auto [number, mask] : llvm::enumerate(masks)) {
        auto name = (parent.getName() + "_mask" + Twine(number)).str();
        auto function = func::FuncOp::create(op.getLoc(), name, FunctionType::get(&getContext(), {}, {}));
        symbols.insert(function);
        Outline(op, function).build(*mask);
      }
    }
  }
};

} // namespace
