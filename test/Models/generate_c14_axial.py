"""Writes c14_axial.mlir: python generate_c14_axial.py > c14_axial.mlir"""
from c14_axial import CONFIG
from c_text import attend, entry, header, region

COLUMNS = CONFIG["columns"]


def axis(result, op):
    """Attention among the tokens of one quotient (rows) or remainder (columns) of their numbers."""
    return attend(CONFIG, result, valid="", regions=region("mask", [], f"""
%columns = arith.constant {COLUMNS} : index
%a = arith.{op} %i, %columns : index
%b1 = arith.{op} %j, %columns : index
%shown = arith.cmpi eq, %a, %b1 : index
""", "%shown", "i1"))


print(header(CONFIG, "attention along the rows and columns of a grid, 6 rows of 5 (models.md C14).")
      + entry("main", "The sum of both.", axis("%r", "divui") + axis("%c", "remui") + "  %heads = linalg.add ins(%r, %c : !heads, !heads) outs(%e : !heads) -> !heads\n", "")
      + entry("main_row", "Along the rows.", axis("%heads", "divui"), "")
      + entry("main_column", "Along the columns.", axis("%heads", "remui"), ""), end="")
