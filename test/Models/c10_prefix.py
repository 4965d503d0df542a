"""c10_prefix: prefix-LM, a prompt is seen by all, what follows is causal (models.md C10).

 main  key j is visible to query i when j <= i or j < prefix[b]

    inputs    x [B, T, d], lengths, prefix [B] int32
    outputs   y [B, T, d]
    weights   attention.qkv.weight [3 H D, d], attention.out.weight [d, H D]"""
import numpy as np

from attention import attention, causal, merge, valid_keys
from c_layers import open_folder, project
from common import linear

CONFIG = {"model": "c10_prefix", "d": 24, "heads": 3, "head_width": 8}


def main(w, c, x, lengths, prefix):
    T = x.shape[1]
    prompt = np.arange(T) < prefix[:, None, None, None]
    q, k, v = project(w, c, x)
    return {"y": linear(w, "attention.out", merge(attention(q, k, v, valid_keys(lengths, T) & (causal(T) | prompt))))}


ENTRIES = {"main": (main, {})}


def draw(T, lengths, prefix):
    return lambda rng: {"x": rng.vector(len(lengths), T, CONFIG["d"]), "lengths": np.array(lengths, np.int32), "prefix": np.array(prefix, np.int32)}


def make(folder):
    F = open_folder(folder, CONFIG, 310, ENTRIES, gain=1.5)
    F.add("single", "one token that is no prompt", draw(1, [1], [0]))
    F.add("longest", "40 tokens, 17 of them prompt", draw(40, [40], [17]))
    F.add("batch", "no prompt, some, all, and one that is longer than its sequence", draw(29, [29, 17, 29, 5], [0, 6, 29, 12]))
    F.add("empty", "no visible key in the second: attention is 0", draw(12, [12, 0, 7], [3, 4, 1]))
    return F.close()
