"""c15_permutation: attention in the order of a permutation given as data (XLNet; models.md C15).

 main        content stream: key j is visible to query i when order[j] <= order[i]
 main_query  query stream: order[j] < order[i]; the first of the order sees no key, so its attention is 0

    inputs    x [B, T, d], lengths [B] int32, order [B, T] int32 (a permutation of 0 .. T - 1)
    outputs   y [B, T, d]
    weights   attention.qkv.weight [3 H D, d], attention.out.weight [d, H D]"""
import numpy as np

from attention import attention, merge, valid_keys
from c_layers import open_folder, project
from common import linear

CONFIG = {"model": "c15_permutation", "d": 24, "heads": 3, "head_width": 8}


def main(w, c, x, lengths, order, stream="content"):
    i, j = order[:, None, :, None], order[:, None, None, :]
    q, k, v = project(w, c, x)
    visible = valid_keys(lengths, x.shape[1]) & (j <= i if stream == "content" else j < i)
    return {"y": linear(w, "attention.out", merge(attention(q, k, v, visible)))}


ENTRIES = {"main": (main, {}), "main_query": (main, {"stream": "query"})}


def draw(T, lengths):
    return lambda rng: {"x": rng.vector(len(lengths), T, CONFIG["d"]), "lengths": np.array(lengths, np.int32),
                        "order": np.stack([rng.permutation(T) for _ in lengths]).astype(np.int32)}


def make(folder):
    F = open_folder(folder, CONFIG, 315, ENTRIES, gain=1.5)
    for entry, at in (("main", ""), ("main_query", "query_")):
        F.add(at + "single", "one token", draw(1, [1]), entry)
        F.add(at + "longest", "40 tokens", draw(40, [40]), entry)
        F.add(at + "batch", "batch 3 of 29 tokens, lengths 29, 17, 5", draw(29, [29, 17, 5]), entry)
        F.add(at + "empty", "no visible key in the second: attention is 0", draw(12, [12, 0, 7]), entry)
    return F.close()
