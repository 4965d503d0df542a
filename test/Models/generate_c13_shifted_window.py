"""Writes c13_shifted_window.mlir: python generate_c13_shifted_window.py > c13_shifted_window.mlir"""
from c13_shifted_window import CONFIG
from c_text import attend, entry, header, load, region

S, M, H = CONFIG["side"], CONFIG["window"], CONFIG["heads"]
TABLE = (2 * M - 1) ** 2


def place(of, name, op, shift):
    """Where token `of` is along one axis of the shifted image: its window, its place there, and whether it was wrapped."""
    return f"""
%{name}_raw = arith.{op} {of}, %side : index
%{name}_moved = arith.addi %{name}_raw, %turn : index
%{name}_at = arith.remui %{name}_moved, %side : index
%{name}_window = arith.divui %{name}_at, %width : index
%{name}_place = arith.remui %{name}_at, %width : index
%{name}_wrapped = arith.cmpi ult, %{name}_raw, %shift : index
"""


def places(shift):
    return f"""
%side = arith.constant {S} : index
%width = arith.constant {M} : index
%shift = arith.constant {shift} : index
%turn = arith.constant {S - shift} : index
""" + "".join(place(of, name + axis, op, shift) for of, name in (("%i", "q"), ("%j", "k")) for axis, op in (("r", "divui"), ("c", "remui")))


def swin(name, about, shift):
    same = "".join(f"""
%window_{a} = arith.cmpi eq, %q{a}_window, %k{a}_window : index
%edge_{a} = arith.cmpi eq, %q{a}_wrapped, %k{a}_wrapped : i1
%seen_{a} = arith.andi %window_{a}, %edge_{a} : i1
""" for a in "rc") + "%shown = arith.andi %seen_r, %seen_c : i1"
    bias = f"""
%last = arith.constant {M - 1} : index
%stride = arith.constant {2 * M - 1} : index
%dr = arith.subi %qr_place, %kr_place : index
%dc = arith.subi %qc_place, %kc_place : index
%row = arith.addi %dr, %last : index
%column = arith.addi %dc, %last : index
%start = arith.muli %row, %stride : index
%entry = arith.addi %start, %column : index
%bias = tensor.extract %table[%entry, %h] : tensor<{TABLE}x{H}xf32>
%y = arith.addf %s, %bias : f32
"""
    regions = region("score", ["%table"], places(shift) + bias, "%y", "f32") + region("mask", ["%table"], places(shift) + same, "%shown", "i1")
    return entry(name, about, load("%t", "attention.bias", [TABLE, H]) + attend(CONFIG, captures=f"%t : tensor<{TABLE}x{H}xf32>", regions=regions, valid=""), "")


print(header(CONFIG, f"windows of {M} x {M} in images of {S} x {S} (models.md C13).", {"attention.bias": [TABLE, H]})
      + swin("main", "Windows side by side.", 0) + swin("main_shifted", "Shifted by half a window.", M // 2), end="")
