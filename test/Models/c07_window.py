"""c07_window: causal sliding windows, grouped heads (models.md C7).

 main            0 <= i - j < W (Mistral, Gemma)
 main_inclusive  0 <= i - j <= W (Griffin)
 main_blocks     whole blocks of W keys: j <= i and block(i) - block(j) <= 1, block(p) = ⌊p / W⌋ (BSWA, one block back)
 main_symmetric  |i - j| < W, not causal

    inputs    x [B, T, d], lengths [B] int32
    outputs   y [B, T, d]
    weights   attention.qkv.weight [(H + 2G) D, d], attention.out.weight [d, H D]"""
import numpy as np

from attention import attention, distance, merge, valid_keys
from c_layers import open_folder, project
from common import add_padded, linear

CONFIG = {"model": "c07_window", "d": 32, "heads": 4, "groups": 2, "head_width": 16, "window": 7}


def mask(T, W, kind):
    n, block = distance(T), np.arange(T) // W
    return {"window": (n >= 0) & (n < W), "inclusive": (n >= 0) & (n <= W), "symmetric": np.abs(n) < W,
            "blocks": (n >= 0) & (block[:, None] - block[None] <= 1)}[kind]


def main(w, c, x, lengths, kind="window"):
    T = x.shape[1]
    q, k, v = project(w, c, x)
    visible = valid_keys(lengths, T) & mask(T, c["window"], kind)
    return {"y": linear(w, "attention.out", merge(attention(q, k, v, visible)))}


ENTRIES = {"main": (main, {}), **{f"main_{k}": (main, {"kind": k}) for k in ("inclusive", "blocks", "symmetric")}}


def make(folder):
    F = open_folder(folder, CONFIG, 307, ENTRIES, gain=1.5)
    for entry in ENTRIES:
        at = entry.removeprefix("main").lstrip("_")
        add_padded(F, CONFIG["d"], entry, at and at + "_")
    return F.close()
