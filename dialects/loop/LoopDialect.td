//===- LoopDialect.td - loops whose trip count or state is the model ----*- tablegen -*-===//

#ifndef ATTNC_LOOP_DIALECT_TD
#define ATTNC_LOOP_DIALECT_TD

include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"

def Loop_Dialect : Dialect {
  let name = "loop";
  let cppNamespace = "::attnc::loop";
  let summary = "adaptive halting, segments with carried state, fixed points";
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect"];
  let useDefaultAttributePrinterParser = 1;
}

class Loop_Op<string mnemonic, list<Trait> traits = []> : Op<Loop_Dialect, mnemonic, traits>;

class Loop_Enum<string name, string summary, list<I32EnumAttrCase> cases> : I32EnumAttr<name, summary, cases> {
  let cppNamespace = "::attnc::loop";
  let genSpecializedAttr = 0;
}

def Loop_Policy : Loop_Enum<"Policy", "when a row halts", [
    I32EnumAttrCase<"Region", 0, "region">,
    I32EnumAttrCase<"Act", 1, "act">,
    I32EnumAttrCase<"Geometric", 2, "geometric">,
    I32EnumAttrCase<"Bernoulli", 3, "bernoulli">,
    I32EnumAttrCase<"Threshold", 4, "threshold">,
    I32EnumAttrCase<"Predicate", 5, "predicate">,
    I32EnumAttrCase<"Converge", 6, "converge">]>;
def Loop_PolicyAttr : EnumAttr<Loop_Dialect, Loop_Policy, "policy">;

def Loop_Compare : Loop_Enum<"Compare", "how a score is held against the threshold", [
    I32EnumAttrCase<"Ge", 0, "ge">,
    I32EnumAttrCase<"Gt", 1, "gt">,
    I32EnumAttrCase<"Le", 2, "le">,
    I32EnumAttrCase<"Lt", 3, "lt">]>;
def Loop_CompareAttr : EnumAttr<Loop_Dialect, Loop_Compare, "compare">;

def Loop_Remainder : Loop_Enum<"Remainder", "who gets the weight that is left at the cap", [
    I32EnumAttrCase<"Assign", 0, "assign">,
    I32EnumAttrCase<"Drop", 1, "drop">]>;
def Loop_RemainderAttr : EnumAttr<Loop_Dialect, Loop_Remainder, "remainder">;

def Loop_Mark : Loop_Enum<"Mark", "what a carried value does in rows that have stopped", [
    I32EnumAttrCase<"Frozen", 0, "frozen">,
    I32EnumAttrCase<"Free", 1, "free">,
    I32EnumAttrCase<"Mean", 2, "mean">,
    I32EnumAttrCase<"Blend", 3, "blend">]>;

def Loop_Partial : Loop_Enum<"Partial", "whether a partial last block changes the state", [
    I32EnumAttrCase<"Keep", 0, "keep">,
    I32EnumAttrCase<"Update", 1, "update">]>;
def Loop_PartialAttr : EnumAttr<Loop_Dialect, Loop_Partial, "partial">;

def Loop_Solver : Loop_Enum<"Solver", "how a fixed point is looked for", [
    I32EnumAttrCase<"Picard", 0, "picard">,
    I32EnumAttrCase<"Anderson", 1, "anderson">]>;
def Loop_SolverAttr : EnumAttr<Loop_Dialect, Loop_Solver, "solver">;

#endif
