"""c16_sinks: a learned logit in the softmax denominator (gpt-oss, models.md C16), and softmax1 (C17). Causal, grouped
heads.

p_j = exp(s_j) / (Σ exp(s) + exp(sink_h)); softmax1: sink = 0. A row without a visible key is 0.

    inputs    x [B, T, d], lengths [B] int32
    outputs   y [B, T, d]
    entries   main, main_window (also i - j < W), main_softmax1
    weights   attention.qkv.weight [(H + 2G) D, d], attention.out.weight [d, H D], attention.sink [H]"""
import numpy as np

from attention import attention, causal, distance, merge, valid_keys
from c_layers import open_folder, project
from common import add_padded, linear

CONFIG = {"model": "c16_sinks", "d": 32, "heads": 6, "groups": 2, "head_width": 8, "window": 7}


def main(w, c, x, lengths, window=False, softmax1=False):
    T = x.shape[1]
    q, k, v = project(w, c, x)
    sink = np.zeros((1, 1, 1), x.dtype) if softmax1 else w["attention.sink"][:, None, None]
    visible = valid_keys(lengths, T) & causal(T) & (distance(T) < c["window"] if window else True)
    return {"y": linear(w, "attention.out", merge(attention(q, k, v, visible, sink=sink)))}


ENTRIES = {"main": (main, {}), "main_window": (main, {"window": True}), "main_softmax1": (main, {"softmax1": True})}


def make(folder):
    F = open_folder(folder, CONFIG, 316, ENTRIES, lambda rng: {"attention.sink": rng.vector(6, mean=1)}, gain=1.5)
    for entry in ENTRIES:
        at = entry.removeprefix("main").lstrip("_")
        add_padded(F, CONFIG["d"], entry, at and at + "_")
    return F.close()
