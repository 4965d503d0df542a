"""c14_axial: attention along the rows and along the columns of a grid (models.md C14).

 main         the sum of both, y = out(row attention + column attention)
 main_row     a token sees those of its row; main_column: of its column

T = 6 rows of 5 tokens, row by row.

    inputs    x [B, 30, d]
    outputs   y [B, 30, d]
    weights   attention.qkv.weight [3 H D, d], attention.out.weight [d, H D]"""
import numpy as np

from attention import attention, merge
from c_layers import open_folder, project
from common import draw_x, linear

CONFIG = {"model": "c14_axial", "d": 24, "heads": 3, "head_width": 8, "rows": 6, "columns": 5}


def main(w, c, x, axes=("row", "column")):
    at = np.arange(x.shape[1])
    place = {"row": at // c["columns"], "column": at % c["columns"]}
    q, k, v = project(w, c, x)
    heads = sum(attention(q, k, v, place[a][:, None] == place[a][None]) for a in axes)
    return {"y": linear(w, "attention.out", merge(heads))}


ENTRIES = {"main": (main, {}), "main_row": (main, {"axes": ["row"]}), "main_column": (main, {"axes": ["column"]})}


def make(folder):
    F = open_folder(folder, CONFIG, 314, ENTRIES, gain=1.5)
    for entry in ENTRIES:
        at = entry.removeprefix("main").lstrip("_")
        F.add(at + "_one" if at else "one", "one grid", draw_x(1, 30, CONFIG["d"]), entry)
        F.add(at + "_batch" if at else "batch", "three grids", draw_x(3, 30, CONFIG["d"]), entry)
    return F.close()
