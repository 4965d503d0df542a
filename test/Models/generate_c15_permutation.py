"""Writes c15_permutation.mlir: python generate_c15_permutation.py > c15_permutation.mlir"""
from c15_permutation import CONFIG
from c_text import LENGTHS, header, masked

ORDER = "%order[b, i] : tensor<?x?xi32>, %order[b, j] : tensor<?x?xi32>"
INPUTS = LENGTHS + ', %order: tensor<?x?xi32> {attnc.name = "order", attnc.dims = ["B", "T"]}'

print(header(CONFIG, "attention in the order of a permutation (models.md C15).")
      + masked(CONFIG, "main", "Content stream: what comes before in the order, and itself.", "%shown = arith.cmpi sle, %theirs, %mine : i32", "%shown", ORDER, ["%mine", "%theirs"], INPUTS)
      + masked(CONFIG, "main_query", "Query stream: without itself.", "%shown = arith.cmpi slt, %theirs, %mine : i32", "%shown", ORDER, ["%mine", "%theirs"], INPUTS), end="")
