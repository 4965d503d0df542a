"""Writes c24_adaptive_span.mlir: python generate_c24_adaptive_span.py > c24_adaptive_span.mlir

Weights m · exp(s), renormalised, are the softmax of s + ln m over the keys with m > 0."""
from c24_adaptive_span import CONFIG
from c_text import attend, entry, header, load, region

H = CONFIG["heads"]
RAMP = f"""
%distance = arith.subi %i, %j : index
%n_i = arith.index_cast %distance : index to i32
%n_f = arith.sitofp %n_i : i32 to f32
%ramp = arith.constant {CONFIG['ramp']}.0 : f32
%end = arith.addf %ramp, %z : f32
%left = arith.subf %end, %n_f : f32
"""

print(header(CONFIG, "how far a head looks back is learned (models.md C24).", {"attention.span": [H]})
      + entry("main", "A ramp over the distance.", load("%span", "attention.span", [H])
              + attend(CONFIG, captures=f"%span[g] : tensor<{H}xf32>", regions=region("score", ["%z"], RAMP + """
%part = arith.divf %left, %ramp : f32
%one = arith.constant 1.0 : f32
%m = arith.minimumf %part, %one : f32
%log = math.log %m : f32
%y = arith.addf %s, %log : f32
""", "%y", "f32") + region("mask", ["%z"], RAMP + """
%zero = arith.constant 0.0 : f32
%reached = arith.cmpf ogt, %left, %zero : f32
%causal = arith.cmpi sle, %j, %i : index
%shown = arith.andi %reached, %causal : i1
""", "%shown", "i1"))), end="")
