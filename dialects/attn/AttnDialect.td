//===- AttnDialect.td - attention and its companions ------------*- tablegen -*-===//
// The dialect, its enums and the base class of its ops. See README.md beside this file.

#ifndef ATTNC_ATTN_DIALECT_TD
#define ATTNC_ATTN_DIALECT_TD

include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"

def Attn_Dialect : Dialect {
  let name = "attn";
  let cppNamespace = "::attnc::attn";
  let summary = "attention over any score, mask, position and normaliser, and what goes with it";
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect"];
  let useDefaultAttributePrinterParser = 1;
}

class Attn_Op<string mnemonic, list<Trait> traits = []> : Op<Attn_Dialect, mnemonic, traits>;

def Attn_Normalizer : I32EnumAttr<"Normalizer", "what turns a row of scores into weights", [
    I32EnumAttrCase<"Softmax", 0, "softmax">,
    I32EnumAttrCase<"Sigmoid", 1, "sigmoid">,
    I32EnumAttrCase<"SigmoidSum", 2, "sigmoid_sum">,
    I32EnumAttrCase<"Identity", 3, "identity">]> {
  let cppNamespace = "::attnc::attn";
  let genSpecializedAttr = 0;
}
def Attn_NormalizerAttr : EnumAttr<Attn_Dialect, Attn_Normalizer, "normalizer">;

def Attn_RotaryLayout : I32EnumAttr<"RotaryLayout", "which elements of a head form a pair", [
    I32EnumAttrCase<"HalfSplit", 0, "half_split">,
    I32EnumAttrCase<"Interleaved", 1, "interleaved">]> {
  let cppNamespace = "::attnc::attn";
  let genSpecializedAttr = 0;
}
def Attn_RotaryLayoutAttr : EnumAttr<Attn_Dialect, Attn_RotaryLayout, "rotary_layout">;

def Attn_ScatterMode : I32EnumAttr<"ScatterMode", "what a scattered row does to the row it meets", [
    I32EnumAttrCase<"Set", 0, "set">,
    I32EnumAttrCase<"Add", 1, "add">]> {
  let cppNamespace = "::attnc::attn";
  let genSpecializedAttr = 0;
}
def Attn_ScatterModeAttr : EnumAttr<Attn_Dialect, Attn_ScatterMode, "scatter_mode">;

#endif
