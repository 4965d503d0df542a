//===- AttncOps.td - the module's contract and the kernel boundary ----*- tablegen -*-===//

#ifndef ATTNC_ATTNC_OPS_TD
#define ATTNC_ATTNC_OPS_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Attnc_Dialect : Dialect {
  let name = "attnc";
  let cppNamespace = "::attnc";
  let summary = "what a module promises its callers, and the kernel boundary";
  let description = [{
    Attributes of functions, arguments and results (checked by this dialect's verifier):

    * `attnc.name = "tokens"`: the name of an input or output.
    * `attnc.dims = ["B", "T"]`: the names of the dynamic dimensions, in order; equal names must agree, and the runtime checks
      them. `"capacity N"` on a state is a size given when the session is made.
    * `attnc.state = "k"`: an argument and a result of that name are one state, which outlives the call.
      `attnc.init = @f` (or `[@f, 1]`: result 1) names the function whose result is the initial state, zeros without it.
      `attnc.ring = {along = 2, count = "n", unit = 1, pinned = 0}` (with attnc.state): the state is a ring.
    * `attnc.kernel`: a private function that `attnc.launch` calls; made by the schedule phase.
    * `attnc.prepare`: a public function that makes a weight of the model's weights; made by the schedule phase.
      `attnc.prepared = {by = @f, from = ["w"]}`: an ml_program.global (behind the plan phase: an argument) that @f makes of weight "w".
  }];
  let dependentDialects = ["::mlir::func::FuncDialect"];
  let hasCanonicalizer = 1;
  let hasOperationAttrVerify = 1;
  let hasRegionArgAttrVerify = 1;
  let hasRegionResultAttrVerify = 1;
}

class Attnc_Op<string mnemonic, list<Trait> traits = []> : Op<Attnc_Dialect, mnemonic, traits>;

def Attnc_LaunchOp : Attnc_Op<"launch", [AttrSizedOperandSegments, DestinationStyleOpInterface,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "run a kernel on tensors (or, behind the plan phase, on buffers)";
  let description = [{
    Calls the function marked `attnc.kernel`: its arguments are the inputs, then the destinations; on tensors its
    results are the destinations after the kernel. `overwrites` says of each destination whether the kernel writes all of it
    without reading what it held.

    ```mlir
    %y = attnc.launch @linear(%x, %w, %n : tensor<?x256xf32>, tensor<768x256xf32>, index) into(%e : tensor<?x768xf32>) -> tensor<?x768xf32>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$kernel, Variadic<AnyType>:$inputs, Variadic<AnyType>:$inits, DefaultValuedAttr<DenseBoolArrayAttr, "{}">:$overwrites);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = "$kernel `(` ($inputs^ `:` type($inputs))? `)` `into` `(` ($inits^ `:` type($inits))? `)` (`overwrites` $overwrites^)? attr-dict (`->` type($results)^)?";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getInitsMutable(); }
  }];
}

def Attnc_PollOp : Attnc_Op<"poll"> {
  let summary = "an iteration of a loop begins: leave the entry if the caller wants so";
  let description = [{
    Stands at the head of every loop of an entry behind the plan phase. Counts an iteration against the run's step limit and
    looks at its cancel flag; when either says so the entry returns to its caller at once.

    ```mlir
    attnc.poll
    ```
  }];
  let assemblyFormat = "attr-dict";
}

#endif
