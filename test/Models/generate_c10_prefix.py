"""Writes c10_prefix.mlir: python generate_c10_prefix.py > c10_prefix.mlir"""
from c10_prefix import CONFIG
from c_text import LENGTHS, header, masked

print(header(CONFIG, "prefix-LM (models.md C10).")
      + masked(CONFIG, "main", "A key is visible when it is not behind the query, or in the prompt.", """
%causal = arith.cmpi sle, %j, %i : index
%end = arith.index_cast %prompt : i32 to index
%inside = arith.cmpi slt, %j, %end : index
%shown = arith.ori %causal, %inside : i1
""", "%shown", "%prefix[b] : tensor<?xi32>", ["%prompt"], LENGTHS + ', %prefix: tensor<?xi32> {attnc.name = "prefix", attnc.dims = ["B"]}'), end="")
