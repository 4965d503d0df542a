"""c24_adaptive_span: how far a head looks back is learned (Sukhbaatar et al. 2019; models.md C24).

 main  weights of a causal softmax times m(i - j), m(n) = clip((R + z_h - n) / R, 0, 1), then renormalised to sum 1

    inputs    x [B, T, d], lengths [B] int32
    outputs   y [B, T, d]
    weights   attention.qkv.weight [3 H D, d], attention.out.weight [d, H D], attention.span [H] (z)"""
import numpy as np

from attention import causal, distance, merge, mix, scores, softmax, valid_keys
from c_layers import open_folder, project
from common import add_padded, linear

CONFIG = {"model": "c24_adaptive_span", "d": 32, "heads": 4, "head_width": 8, "ramp": 6}


def main(w, c, x, lengths):
    T, R = x.shape[1], c["ramp"]
    q, k, v = project(w, c, x)
    p = softmax(scores(q, k), valid_keys(lengths, T) & causal(T))
    p = p * np.clip((R + w["attention.span"][:, None, None] - distance(T)) / R, 0, 1).astype(x.dtype)
    total = p.sum(-1, keepdims=True)
    return {"y": linear(w, "attention.out", merge(mix(p / np.where(total == 0, 1, total), v)))}


ENTRIES = {"main": (main, {})}


def make(folder):
    # A head that sees its own token alone, two in between, one that sees all.
    F = open_folder(folder, CONFIG, 324, ENTRIES, lambda rng: {"attention.span": np.array([-5.5, 2.25, 9.75, 64.0], np.float32)}, gain=1.5)
    add_padded(F, CONFIG["d"])
    return F.close()
