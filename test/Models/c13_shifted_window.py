"""c13_shifted_window: attention in the windows of an image, shifted by half of one in every second layer (Swin; models.md C13).

An image of S x S tokens, row by row; windows of M x M. Token (r, c) is at ((r - s) mod S, (c - s) mod S) of the shifted image; keys are
visible in the same window there, and on the same side of the edge where the image was wrapped. A learned bias by relative place,
table[(Δr + M - 1) (2 M - 1) + Δc + M - 1, h], places within the window, query minus key.
 main          s = 0
 main_shifted  s = M / 2

    inputs    x [B, S S, d]
    outputs   y [B, S S, d]
    weights   attention.qkv.weight [3 H D, d], attention.out.weight [d, H D], attention.bias [(2 M - 1)², H]"""
import numpy as np

from attention import attention, merge
from c_layers import open_folder, project
from common import draw_x, linear

CONFIG = {"model": "c13_shifted_window", "d": 24, "heads": 3, "head_width": 8, "side": 8, "window": 4}


def main(w, c, x, shift=0):
    S, M = c["side"], c["window"]
    at = np.arange(S * S)
    bias, seen = np.zeros((S * S, S * S), int), np.ones((S * S, S * S), bool)
    for axis, stride in ((at // S, 2 * M - 1), (at % S, 1)):
        place = (axis - shift) % S
        wrapped = axis < shift                               # came from the other edge
        same = lambda z: z[:, None] == z[None]
        seen &= same(place // M) & same(wrapped)
        bias += stride * (place[:, None] % M - place[None] % M + M - 1)
    q, k, v = project(w, c, x)
    heads = attention(q, k, v, seen, bias=w["attention.bias"][bias].transpose(2, 0, 1))
    return {"y": linear(w, "attention.out", merge(heads))}


ENTRIES = {"main": (main, {}), "main_shifted": (main, {"shift": CONFIG["window"] // 2})}


def make(folder):
    n = CONFIG["side"] ** 2
    F = open_folder(folder, CONFIG, 313, ENTRIES, lambda rng: {"attention.bias": rng.vector((2 * CONFIG["window"] - 1) ** 2, CONFIG["heads"])}, gain=1.5)
    for entry, at in (("main", ""), ("main_shifted", "shifted_")):
        F.add(at + "one", "one image", draw_x(1, n, CONFIG["d"]), entry)
        F.add(at + "batch", "three images", draw_x(3, n, CONFIG["d"]), entry)
    return F.close()
