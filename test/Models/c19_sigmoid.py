"""c19_sigmoid: sigmoid attention (models.md C19) and its sum-normalised form (C20).

main: p = σ(s - ln n), not normalised; n = number of keys of the sequence (its length), not of the visible ones.
main_normalised: p = σ(s) / Σ σ(s) over visible keys. A row without a visible key is 0.

    inputs    x [B, T, d], lengths [B] int32
    outputs   y [B, T, d]
    entries   main, main_normalised (both causal), main_bidirectional (as main, not causal)
    weights   attention.qkv.weight [3 H D, d], attention.out.weight [d, H D]"""
import numpy as np

from attention import causal, merge, mix, scores, sigmoid, valid_keys
from c_layers import open_folder, project
from common import add_padded, linear

CONFIG = {"model": "c19_sigmoid", "d": 32, "heads": 2, "head_width": 16}


def main(w, c, x, lengths, normalised=False, bidirectional=False):
    T = x.shape[1]
    q, k, v = project(w, c, x)
    s, visible = scores(q, k), valid_keys(lengths, T) & (True if bidirectional else causal(T))
    if normalised:
        p = sigmoid(s) * visible
        total = p.sum(-1, keepdims=True)
        p = p / np.where(total == 0, 1, total)
    else:
        p = sigmoid(s - np.log(np.maximum(lengths, 1)).astype(x.dtype)[:, None, None, None]) * visible
    return {"y": linear(w, "attention.out", merge(mix(p, v)))}


ENTRIES = {"main": (main, {}), "main_normalised": (main, {"normalised": True}), "main_bidirectional": (main, {"bidirectional": True})}


def make(folder):
    F = open_folder(folder, CONFIG, 319, ENTRIES, gain=1.5)
    for entry in ENTRIES:
        at = entry.removeprefix("main").lstrip("_")
        add_padded(F, CONFIG["d"], entry, at and at + "_")
    return F.close()
