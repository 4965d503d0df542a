"""c09_global: a symmetric window, and global tokens that see and are seen by all (Longformer; models.md C9).

 main  query i without the mark: keys with |i - j| < W or with the mark. A query with the mark: every key, with queries, keys and
       values from a projection of its own

    inputs    x [B, T, d], lengths [B] int32, marks [B, T] int32 (1: global)
    outputs   y [B, T, d]
    weights   attention.qkv.weight, attention.global.weight [3 H D, d], attention.out.weight [d, H D]"""
import numpy as np

from attention import attention, distance, merge, valid_keys
from c_layers import open_folder, project
from common import linear

CONFIG = {"model": "c09_global", "d": 24, "heads": 3, "head_width": 8, "window": 4}


def main(w, c, x, lengths, marks):
    T, there = x.shape[1], valid_keys(lengths, x.shape[1])
    q, k, v = project(w, c, x)
    local = attention(q, k, v, there & ((np.abs(distance(T)) < c["window"]) | (marks[:, None, None] != 0)))
    whole = attention(*project(w, c, x, "attention.global"), there)
    return {"y": linear(w, "attention.out", merge(np.where(marks[:, None, :, None] != 0, whole, local)))}


ENTRIES = {"main": (main, {})}


def draw(T, lengths, share=0.2):
    return lambda rng: {"x": rng.vector(len(lengths), T, CONFIG["d"]), "lengths": np.array(lengths, np.int32),
                        "marks": (rng.random_sample((len(lengths), T)) < share).astype(np.int32)}


def make(folder):
    H, D, d = CONFIG["heads"], CONFIG["head_width"], CONFIG["d"]
    F = open_folder(folder, CONFIG, 309, ENTRIES, lambda rng: {"attention.global.weight": rng.matrix(3 * H * D, d, 1.5)}, gain=1.5)
    F.add("single", "one token", draw(1, [1]))
    F.add("longest", "40 tokens", draw(40, [40]))
    F.add("batch", "batch 3 of 29 tokens, lengths 29, 17, 5", draw(29, [29, 17, 5]))
    F.add("none", "no mark: the window alone", draw(21, [21, 9], 0))
    F.add("all", "marks everywhere: full attention with the second projection", draw(13, [13, 9], 2))
    F.add("empty", "no visible key in the second: attention is 0", draw(12, [12, 0, 7]))
    return F.close()
