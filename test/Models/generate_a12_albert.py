"""Writes a12_albert.mlir: python generate_a12_albert.py > a12_albert.mlir"""
from a12_albert import CONFIG
from a_text import INPUTS, X, entry, header, run, start, transformer

body = [*start(), f"%count = arith.constant {CONFIG['layers']} : index", f"%y = scf.for %n = %c0 to %count step %c1 iter_args(%h = %x) -> ({X}) {{",
        "  " + run("%next", "shared", "%h"), f"  scf.yield %next : {X}", "}"]
print(header("a12_albert", "layers that share their weights (models.md A12).") + transformer("shared") + entry("main", "Six times the same layer.", INPUTS, {"%y": ("y", X, "BT")}, body), end="")
