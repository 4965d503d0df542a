"""Writes c08_dilated.mlir: python generate_c08_dilated.py > c08_dilated.mlir"""
from c08_dilated import CONFIG
from c_text import header, masked

STRIDE, WINDOW = CONFIG["stride"], CONFIG["window"]
DISTANCE = f"""
%zero = arith.constant 0 : index
%stride = arith.constant {STRIDE} : index
%distance = arith.subi %i, %j : index
%past = arith.cmpi sge, %distance, %zero : index
%rest = arith.remsi %distance, %stride : index
%on = arith.cmpi eq, %rest, %zero : index
"""

print(header(CONFIG, "causal keys at multiples of a stride (models.md C8).")
      + masked(CONFIG, "main", f"i - j is 0, {STRIDE}, ... {(WINDOW - 1) * STRIDE}.", DISTANCE + f"""
%end = arith.constant {WINDOW * STRIDE} : index
%near = arith.cmpi slt, %distance, %end : index
%here = arith.andi %past, %near : i1
%shown = arith.andi %here, %on : i1
""", "%shown")
      + masked(CONFIG, "main_strided", f"0 <= i - j < {STRIDE}, or a multiple of {STRIDE}.", DISTANCE + """
%near = arith.cmpi slt, %distance, %stride : index
%either = arith.ori %near, %on : i1
%shown = arith.andi %past, %either : i1
""", "%shown"), end="")
