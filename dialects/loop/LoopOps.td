//===- LoopOps.td - the ops of loop -----------------------------*- tablegen -*-===//

#ifndef ATTNC_LOOP_OPS_TD
#define ATTNC_LOOP_OPS_TD

include "LoopDialect.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

/// A loop of this dialect. Code may be hoisted out of it (LoopDialect.cpp attaches the interface), and the loop itself.
class Loop_LoopOp<string mnemonic, list<Trait> traits = []> : Loop_Op<mnemonic, traits # [
    SingleBlock, RecursiveMemoryEffects, RecursivelySpeculatable,
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmBlockArgumentNames"]>]> {
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
}

def Loop_AdaptiveOp : Loop_LoopOp<"adaptive", [AttrSizedOperandSegments]> {
  let summary = "a loop whose rows stop one by one";
  let description = [{
    A row is a token, a sequence or the whole batch: the shape of `active`, which also says which rows
    run at all (padding never does). Per step t = 1, 2, … while a row is active and t ≤ cap:

        new      = body(t, active, values)
        values   = frozen ? select(active, new, values) : new
        steps   += active
        active  &= ¬halt

    Results: the final values, the steps of each row (i32) and, with `margin`, the distance of the row's closest
    decision to its threshold, |score - threshold| (f32; +inf where nothing was decided).

    ```mlir
    %state, %out, %steps = loop.adaptive act threshold(%limit) compare(gt)
        active(%running = %valid : tensor<?x?xi1>) cap(%c12) step(%t)
        carry(frozen %h = %h0 : tensor<?x?x256xf32>, mean %sum = %zero : tensor<?x?x256xf32>) {
      ...
      loop.yield %y, %y score(%p : tensor<?x?xf32>) : tensor<?x?x256xf32>, tensor<?x?x256xf32>
    }
    ```

    Carried values are marked; where a value is not free, a row's leading dimensions are those of `active`:
    * `frozen`: rows that have stopped keep their value.
    * `free`: the body's value is taken for all rows (anything may be carried so: a counter, a table).
    * `mean`: v ← v + w · new for running rows (act, geometric): sums like ACT.
    * `blend`: v ← w · new + (1 - w) · v for running rows.

    Policies (the body yields a `score` per row, f32; ⋛ is `compare`, by default ≥, and false on NaN):
    * `act`: p = score, h the sum so far, from 0; exits when h + p ⋛ threshold (= 1 - ε), or h + p is NaN;
      w = 1 - h in a row that exits, and at the cap where remainder = assign, p otherwise; h ← h + p.
    * `geometric`: λ = score, stay = Π (1 - λ) over the steps so far, from 1; exits when 1 - stay · (1 - λ) ⋛ threshold;
      w = stay · λ; where remainder = assign, a row that exits, or is at the cap, has w = stay; stay ← stay · (1 - λ).
    * `bernoulli seed(%s) stream(n)`: exits when the draw (draw 0, step t, the row's index, stream n or 0) is < score
      (models.md, random bits).
    * `threshold`: exits when score ⋛ threshold.
    * `predicate`: the score is an i1 per row: exit. There is no margin.
    * `converge on(k) delta(δ)`: exits when ‖new - old‖ / (‖new‖ + δ) < threshold, of the k-th carried value, over all
      dimensions behind the row's; δ is 0 where it is not given.
    * `region`: `halt(%t, before…, after…) { loop.yield %exit }` decides; it sees the values of all rows as they
      were before the step and as they are carried on. With `margin` it yields that too, f32 per row.
    Halting compares in f32. At the cap every row stops, so that nothing is decided there and the margin does not
    count it, but for act with remainder = drop, whose weight depends on it. (A halt region's margin always counts.)
    A distance that is NaN does not count.
  }];
  let arguments = (ins RankedTensorOf<[I1]>:$active, Index:$cap, Variadic<AnyType>:$inits,
    Optional<F32>:$threshold, Optional<I64>:$seed,
    Loop_PolicyAttr:$policy, DenseI32ArrayAttr:$marks, DefaultValuedAttr<Loop_CompareAttr, "Compare::Ge">:$compare,
    DefaultValuedAttr<Loop_RemainderAttr, "Remainder::Assign">:$remainder,
    OptionalAttr<ConfinedAttr<I64Attr, [IntNonNegative]>>:$stream, OptionalAttr<ConfinedAttr<I64Attr, [IntNonNegative]>>:$on, OptionalAttr<F64Attr>:$delta, UnitAttr:$margin);
  let results = (outs Variadic<AnyType>:$results);
  let regions = (region SizedRegion<1>:$body, AnyRegion:$halt);
  let hasCanonicalizer = 1;
  let extraClassDeclaration = [{
    ::mlir::RankedTensorType getRowType() { return ::mlir::cast<::mlir::RankedTensorType>(getActive().getType()); }
    Mark getMark(unsigned i) { return static_cast<Mark>(getMarks()[i]); }
    unsigned getNumCarried() { return getInits().size(); }
    ::mlir::Value getStep() { return getBody().getArgument(0); }
    ::mlir::Value getRunning() { return getBody().getArgument(1); }
    ::mlir::Block::BlockArgListType getCarried() { return getBody().getArguments().drop_front(2); }
    ::mlir::ResultRange getFinals() { return getResults().take_front(getNumCarried()); }
    ::mlir::Value getSteps() { return getResult(getNumCarried()); }
    ::mlir::Value getMarginResult() { return getMargin() ? ::mlir::Value(getResult(getNumCarried() + 1)) : ::mlir::Value(); }
  }];
}

def Loop_SegmentOp : Loop_LoopOp<"segment", [AttrSizedOperandSegments]> {
  let summary = "a scan over the blocks of a sequence with carried state";
  let description = [{
    Cuts the inputs along their dimension into blocks of `size` rows (the last may be shorter) and runs the body on one block
    after the other: it gets the block's number n from 0, the blocks, and the state; it yields the block's outputs, which
    are laid end to end, and the new state. `partial(keep)`: a last block that is shorter leaves the state as it was;
    `partial(update)` (the default): it changes it as any other.

    ```mlir
    %y, %f1 = loop.segment size 64 partial(keep) number(%n)
        blocks(%x = %xs along 1 : tensor<?x?x256xf32>)
        carry(%f = %f0 : tensor<?x16x256xf32>)
        -> (along 1 : tensor<?x?x16xf32>) {
      ...
      loop.yield %out, %fn : tensor<?x?x16xf32>, tensor<?x16x256xf32>
    }
    ```
    With no rows the outputs are empty and the state is unchanged. All inputs have the same length, and so have the
    outputs: a block of n rows yields n rows. Shapes of states are the same at every block.
  }];
  let arguments = (ins Variadic<AnyRankedTensor>:$inputs, Variadic<AnyType>:$inits, ConfinedAttr<I64Attr, [IntPositive]>:$size,
    DenseI64ArrayAttr:$input_dims, DenseI64ArrayAttr:$output_dims, DefaultValuedAttr<Loop_PartialAttr, "Partial::Update">:$partial);
  let results = (outs Variadic<AnyType>:$results);
  let regions = (region SizedRegion<1>:$body);
  let hasCanonicalizer = 1;
  let extraClassDeclaration = [{
    unsigned getNumOutputs() { return getOutputDims().size(); }
    unsigned getNumCarried() { return getInits().size(); }
    ::mlir::Value getNumber() { return getBody().getArgument(0); }
    ::mlir::Block::BlockArgListType getBlocks() { return getBody().getArguments().slice(1, getInputs().size()); }
    ::mlir::Block::BlockArgListType getCarried() { return getBody().getArguments().drop_front(1 + getInputs().size()); }
    ::mlir::ResultRange getOutputs() { return getResults().take_front(getNumOutputs()); }
    ::mlir::ResultRange getFinals() { return getResults().drop_front(getNumOutputs()); }
  }];
}

def Loop_FixedPointOp : Loop_LoopOp<"fixed_point"> {
  let summary = "z* = f(z*), per sample, with the best iterate kept";
  let description = [{
    Iterates z_{k+1} = β f(z_k) + (1 - β) z_k (`picard`) or Anderson's mix of the last `history` pairs (models.md A7) from `init`,
    per sample (the leading dimension). After each evaluation the residual ‖f(z) - z‖ / (‖f(z)‖ + δ) of each running sample is
    compared in f32: a sample stops when it is < tolerance, all stop after `cap` evaluations.
    Results: the z of lowest residual that was seen (of equal ones the first; z and not f(z)), the evaluations of each
    sample (i32), and that residual (f32). A NaN counts as the lowest, so that it shows.

    ```mlir
    %z, %steps, %residual = loop.fixed_point anderson tolerance(%tol) cap(%cap) history(6) beta(1.0) regularization(1.0e-4)
        init(%z = %z0 : tensor<?x64xf32>) {
      ...
      loop.yield %fz : tensor<?x64xf32>
    }
    ```
  }];
  let arguments = (ins F32:$tolerance, Index:$cap, AnyRankedTensor:$init, Loop_SolverAttr:$solver,
    DefaultValuedAttr<ConfinedAttr<I64Attr, [IntMinValue<1>, IntMaxValue<16>]>, "6">:$history, DefaultValuedAttr<F64Attr, "1.0">:$beta,
    DefaultValuedAttr<F64Attr, "1.0e-4">:$regularization, DefaultValuedAttr<F64Attr, "1.0e-9">:$delta);
  let results = (outs AnyRankedTensor:$best, AnyRankedTensor:$steps, AnyRankedTensor:$residual);
  let regions = (region SizedRegion<1>:$body);
}

def Loop_YieldOp : Loop_Op<"yield", [Pure, Terminator, AttrSizedOperandSegments,
    ParentOneOf<["AdaptiveOp", "SegmentOp", "FixedPointOp"]>]> {
  let summary = "ends a region of a loop op with its new values";
  let arguments = (ins Variadic<AnyType>:$values, Optional<AnyType>:$score);
  let assemblyFormat = "($values^)? (`score` `(` $score^ `:` type($score) `)`)? attr-dict (`:` type($values)^)?";
}

#endif
