// Entries from tensors to buffers by upstream's one-shot analysis; kernels are set aside meanwhile and stay
// on tensors, since each target tiles and vectorises them there. A switch that gives tensors becomes branches first: the
// analysis does not see that its result may be what a case yields, and would overwrite that.
#include "attnc/Memory/Memory.h"

#include "attnc/Dialect/Attnc/Attnc.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
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
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

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

/// index_switch v { case a {A} case b {B} default {C} }  ->  if (v == a) {A} else { if (v == b) {B} else {C} }
struct SwitchToBranches : OpRewritePattern<scf::IndexSwitchOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(scf::IndexSwitchOp op, PatternRewriter &rewriter) const override {
    if (llvm::none_of(op.getResultTypes(), llvm::IsaPred<TensorType>))
      return failure();
    if (op.getNumCases() == 0)
      return inlineDefault(op, rewriter);
    scf::IfOp outer;
    for (auto [number, region] : llvm::zip_equal(op.getCases(), op.getCaseRegions())) {
      Value constant = arith::ConstantIndexOp::create(rewriter, op.getLoc(), number);
      Value isCase = arith::CmpIOp::create(rewriter, op.getLoc(), arith::CmpIPredicate::eq, op.getArg(), constant);
      auto branch = scf::IfOp::create(rewriter, op.getLoc(), op.getResultTypes(), isCase, /*addThenBlock=*/false, /*addElseBlock=*/false);
      rewriter.inlineRegionBefore(region, branch.getThenRegion(), branch.getThenRegion().end());
      if (outer)
        scf::YieldOp::create(rewriter, op.getLoc(), branch.getResults());
      else
        outer = branch;
      rewriter.createBlock(&branch.getElseRegion());
    }
    rewriter.mergeBlocks(&op.getDefaultBlock(), rewriter.getInsertionBlock());
    rewriter.replaceOp(op, outer);
    return success();
  }

private:
  static LogicalResult inlineDefault(scf::IndexSwitchOp op, PatternRewriter &rewriter) {
    Operation *yield = op.getDefaultBlock().getTerminator();
    rewriter.inlineBlockBefore(&op.getDefaultBlock(), op);
    rewriter.replaceOp(op, yield->getOperands());
    rewriter.eraseOp(yield);
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
    RewritePatternSet patterns(&getContext());
    patterns.add<SwitchToBranches>(&getContext());
    if (failed(applyPatternsGreedily(module, std::move(patterns))))
      return signalPassFailure();
    SmallVector<func::FuncOp> kernels;
    for (auto function : llvm::to_vector(module.getOps<func::FuncOp>()))
      if (function->hasAttr("attnc.kernel")) {
        function->remove();
        kernels.push_back(function);
      }
    LogicalResult done = success(succeeded(bufferize(module)) && succeeded(simplifyResults(module)) && succeeded(dropResults(module)));
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

  /// Loops and branches that give a buffer which they were given themselves do not have to.
  static LogicalResult simplifyResults(ModuleOp module) {
    MLIRContext *context = module.getContext();
    RewritePatternSet patterns(context);
    scf::ForOp::getCanonicalizationPatterns(patterns, context);
    scf::WhileOp::getCanonicalizationPatterns(patterns, context);
    scf::IfOp::getCanonicalizationPatterns(patterns, context);
    scf::IndexSwitchOp::getCanonicalizationPatterns(patterns, context);
    return applyPatternsGreedily(module, std::move(patterns));
  }

  /// Results were computed into arguments: they need not be returned. Sizes are returned until the arena is planned.
  static LogicalResult dropResults(ModuleOp module) {
    for (auto function : module.getOps<func::FuncOp>()) {
      if (function.isExternal() || function.getNumResults() == 0)
        continue;
      auto ret = cast<func::ReturnOp>(function.getBody().back().getTerminator());
      SmallVector<Value> sizes;
      for (Value value : ret.getOperands())
        if (value.getType().isIndex())
          sizes.push_back(value);
        else if (!isa<BlockArgument>(value))
          return ret.emitError("internal: a result was not computed into its argument");
      ret->setOperands(sizes);
      function.setType(FunctionType::get(module.getContext(), function.getArgumentTypes(), ValueRange(sizes).getTypes()));
      function.removeResAttrsAttr();
    }
    return success();
  }

  static LogicalResult bufferize(ModuleOp module) {
    OneShotBufferizationOptions opts = options();
    BufferizationState state;
    return runOneShotModuleBufferize(module, opts, state);
  }
};

} // namespace

void attnc::registerBufferization(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, attnc::AttncDialect *) {
    attnc::LaunchOp::attachInterface<LaunchBufferization>(*context);
  });
}
