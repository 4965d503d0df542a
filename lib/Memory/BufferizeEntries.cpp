// Entries from tensors to buffers by upstream's one-shot analysis; kernels are set aside meanwhile and stay
// on tensors, since each target tiles and vectorises them there.
#include "attnc/Memory/Memory.h"

#include "attnc/Dialect/Attnc/Attnc.h"

#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Bufferization/IR/DstBufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotAnalysis.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotModuleBufferize.h"
#include "mlir/Dialect/Bufferization/Transforms/Transforms.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/LoopLikeInterface.h"

namespace attnc {
#define GEN_PASS_DEF_BUFFERIZEENTRIES
#include "attnc/Memory/Passes.h.inc"
} // namespace attnc

using namespace mlir;
using namespace mlir::bufferization;

namespace {

/// attnc.launch reads its inputs and destinations and writes its destinations, whole.
struct LaunchBufferization : public DstBufferizableOpInterfaceExternalModel<LaunchBufferization, attnc::LaunchOp> {
  bool bufferizesToMemoryRead(Operation *op, OpOperand &operand, const AnalysisState &state) const {
    auto launch = cast<attnc::LaunchOp>(op);
    if (!launch.isDpsInit(&operand))
      return true;
    unsigned init = operand.getOperandNumber() - launch.getInits().getBeginOperandIndex();
    return init >= launch.getOverwrites().size() || !launch.getOverwrites()[init];
  }

  LogicalResult bufferize(Operation *op, RewriterBase &rewriter, const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto launch = cast<attnc::LaunchOp>(op);
    auto buffers = [&](ValueRange values, SmallVector<Value> &out) -> LogicalResult {
      for (Value value : values) {
        if (!isa<TensorType>(value.getType())) {
          out.push_back(value);
          continue;
        }
        FailureOr<Value> buffer = getBuffer(rewriter, value, options, state);
        if (failed(buffer))
          return failure();
        out.push_back(*buffer);
      }
      return success();
    };
    SmallVector<Value> inputs, inits;
    if (failed(buffers(launch.getInputs(), inputs)) || failed(buffers(launch.getInits(), inits)))
      return failure();
    attnc::LaunchOp::create(rewriter, launch.getLoc(), TypeRange(), launch.getKernelAttr(), inputs, inits, launch.getOverwritesAttr());
    replaceOpWithBufferizedValues(rewriter, op, inits);
    return success();
  }
};

class BufferizeEntries : public attnc::impl::BufferizeEntriesBase<BufferizeEntries> {
public:
  void getDependentDialects(DialectRegistry &registry) const override {
    BufferizeEntriesBase::getDependentDialects(registry);
    attnc::registerBufferization(registry);
  }

  void runOnOperation() override {
    ModuleOp module = getOperation();
    SmallVector<func::FuncOp> kernels;
    for (auto function : llvm::to_vector(module.getOps<func::FuncOp>()))
      if (function->hasAttr("attnc.kernel")) {
        function->remove();
        kernels.push_back(function);
      }
    separateEmptyTensors(module);
    ownInnerLoops(module);
    LogicalResult done = success(succeeded(bufferize(module)) && succeeded(dropResults(module)));
    for (func::FuncOp kernel : kernels)
      module.push_back(kernel);
    if (failed(done))
      signalPassFailure();
  }

private:
  static OneShotBufferizationOptions options() {
    OneShotBufferizationOptions options;
    options.bufferizeFunctionBoundaries = true;
    options.setFunctionBoundaryTypeConversion(LayoutMapOption::IdentityLayoutMap);
    options.unknownTypeConverterFn = [](TensorType type, Attribute space, const BufferizationOptions &) {
      return getMemRefTypeWithStaticIdentityLayout(type, space);
    };
    return options;
  }

  /// Each destination that starts empty gets a tensor.empty of its own, at its user, so that its buffer lives no
  /// longer than it must.
  static void separateEmptyTensors(ModuleOp module) {
    SmallVector<tensor::EmptyOp> empties;
    module.walk([&](tensor::EmptyOp empty) { empties.push_back(empty); });
    for (tensor::EmptyOp empty : empties) {
      for (OpOperand &use : llvm::make_early_inc_range(empty->getUses())) {
        OpBuilder b(use.getOwner());
        use.set(b.clone(*empty)->getResult(0));
      }
      empty.erase();
    }
  }

  /// The tensor.empty that a value was computed into, if it was.
  static tensor::EmptyOp startOf(Value value) {
    while (auto op = value.getDefiningOp<DestinationStyleOpInterface>())
      value = op.getTiedOpOperand(cast<OpResult>(value))->get();
    return value.getDefiningOp<tensor::EmptyOp>();
  }

  /// A loop inside of another one works in place on memory of its own. What it starts from is copied where the outer loop
  /// needs that once more; otherwise its memory is not that of what the outer loop carries, which may still be read.
  static void ownInnerLoops(ModuleOp module) {
    module.walk([](LoopLikeOpInterface loop) {
      auto outer = loop->getParentOfType<LoopLikeOpInterface>();
      if (!outer)
        return;
      OpBuilder b(loop);
      for (OpOperand &init : loop.getInitsMutable()) {
        Value value = init.get();
        auto type = dyn_cast<RankedTensorType>(value.getType());
        if (!type)
          continue;
        bool madeHere = outer->isAncestor(value.getParentBlock()->getParentOp()) && value.hasOneUse();
        if (!madeHere) {
          init.set(AllocTensorOp::create(b, loop.getLoc(), type, ValueRange(), value));
        } else if (tensor::EmptyOp empty = startOf(value)) {
          OpBuilder at(empty);
          empty.replaceAllUsesWith(AllocTensorOp::create(at, empty.getLoc(), empty.getType(), empty.getDynamicSizes()).getResult());
          empty.erase();
        }
      }
    });
  }

  /// The buffer that a loop's result is, if the loop carries one buffer throughout, or a branch's, if both give it back; others
  /// are themselves.
  static Value carriedBuffer(Value buffer) {
    auto result = dyn_cast<OpResult>(buffer);
    if (!result)
      return buffer;
    unsigned i = result.getResultNumber();
    if (auto loop = dyn_cast<scf::ForOp>(result.getOwner()))
      return carriedBuffer(loop.getYieldedValues()[i]) == loop.getRegionIterArg(i) ? carriedBuffer(loop.getInitArgs()[i]) : buffer;
    if (auto loop = dyn_cast<scf::WhileOp>(result.getOwner()))
      return i < loop.getInits().size() && loop.getConditionOp().getArgs()[i] == loop.getBeforeArguments()[i] &&
                     carriedBuffer(loop.getYieldedValues()[i]) == loop.getAfterArguments()[i]
                 ? carriedBuffer(loop.getInits()[i])
                 : buffer;
    if (auto branch = dyn_cast<scf::IfOp>(result.getOwner())) {
      Value same = carriedBuffer(branch.thenYield().getOperand(i));
      return same == carriedBuffer(branch.elseYield().getOperand(i)) ? same : buffer;
    }
    return buffer;
  }

  /// Whether `op` is over whenever `later` runs, in the same pass through the function.
  static bool comesBefore(Operation *op, Operation *later) {
    for (; later; later = later->getParentOp())
      if (Operation *beside = later->getBlock()->findAncestorOpInBlock(*op)) {
        bool otherBranch = beside == later && isa<scf::IfOp>(later);
        return otherBranch || (beside != later && beside->isBeforeInBlock(later));
      }
    return false;
  }

  /// Follows the updates that make `value` back to `place`, the destination of `move`: false where they start elsewhere.
  /// `starts` are the operands that are the place; `alone`: nothing reads what an update writes over.
  static bool followUpdates(Value value, MaterializeInDestinationOp move, SmallVectorImpl<OpOperand *> &starts, bool &alone) {
    if (value == move.getDest())
      return true;
    auto result = dyn_cast<OpResult>(value);
    if (!result)
      return false;
    OpOperand *updated = nullptr;
    if (auto branch = dyn_cast<scf::IfOp>(result.getOwner())) {
      unsigned i = result.getResultNumber();
      return followUpdates(branch.thenYield().getOperand(i), move, starts, alone) &&
             followUpdates(branch.elseYield().getOperand(i), move, starts, alone);
    }
    if (auto op = dyn_cast<DestinationStyleOpInterface>(result.getOwner()))
      updated = op.getTiedOpOperand(result);
    else if (auto loop = dyn_cast<LoopLikeOpInterface>(result.getOwner()))
      updated = loop.getTiedLoopInit(result);
    if (!updated || !followUpdates(updated->get(), move, starts, alone))
      return false;
    if (updated->get() == move.getDest())
      starts.push_back(updated);
    for (OpOperand &use : updated->get().getUses())
      if (&use != updated && use.getOwner() != move && !comesBefore(use.getOwner(), updated->getOwner()))
        alone = false;
    return true;
  }

  /// A state or output that loops or branches compute in its argument need not be put there: the analysis, which does not
  /// see that both are one, would refuse. Where the argument is read once more they work on a copy of it.
  static void dropMovesInPlace(ModuleOp module) {
    module.walk([](MaterializeInDestinationOp move) {
      SmallVector<OpOperand *> starts;
      bool alone = true;
      if (!isa<func::FuncOp>(move->getParentOp()) || !isa_and_nonnull<LoopLikeOpInterface, scf::IfOp>(move.getSource().getDefiningOp()) ||
          !followUpdates(move.getSource(), move, starts, alone))
        return;
      if (alone) {
        move.getResult().replaceAllUsesWith(move.getSource());
        move.erase();
        return;
      }
      for (OpOperand *start : starts) {
        OpBuilder b(start->getOwner());
        start->set(AllocTensorOp::create(b, move.getLoc(), cast<RankedTensorType>(start->get().getType()), ValueRange(), start->get()));
      }
    });
  }

  /// Results were computed into arguments: they need not be returned.
  static LogicalResult dropResults(ModuleOp module) {
    for (auto function : module.getOps<func::FuncOp>()) {
      if (function.isExternal() || function.getNumResults() == 0)
        continue;
      auto ret = cast<func::ReturnOp>(function.getBody().back().getTerminator());
      for (Value value : ret.getOperands())
        if (!isa<BlockArgument>(carriedBuffer(value)))
          return ret.emitError("internal: a result was not computed into its argument");
      ret->setOperands({});
      function.setType(FunctionType::get(module.getContext(), function.getArgumentTypes(), {}));
      function.removeResAttrsAttr();
    }
    return success();
  }

  static LogicalResult bufferize(ModuleOp module) {
    OneShotBufferizationOptions opts = options();
    BufferizationState state;
    dropMovesInPlace(module); // of states; of outputs below
    {
      // Outputs are computed into their arguments rather than copied there.
      OneShotAnalysisState analysis(module, opts);
      if (failed(analyzeModuleOp(module, analysis)))
        return failure();
      IRRewriter rewriter(module.getContext());
      if (failed(eliminateEmptyTensors(rewriter, module, analysis)))
        return failure();
    }
    dropMovesInPlace(module);
    return runOneShotModuleBufferize(module, opts, state);
  }
};

} // namespace

void attnc::registerBufferization(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, attnc::AttncDialect *) {
    attnc::LaunchOp::attachInterface<LaunchBufferization>(*context);
  });
}
