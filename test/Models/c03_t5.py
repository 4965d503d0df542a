"""c03_t5: learned bias by bucket of the relative position (T5, models.md C3); 32 buckets, largest distance 128; no
1/√D.

n = i - j, causal: bucket(n) = n for n < 16, else min(31, 16 + ⌊16 ln(n/16) / ln(128/16)⌋), n < 0 counts as 0.
Bidirectional: 16 buckets each way with 8 exact, those of keys after the query (j > i) come second: + 16. The
logarithm's floor is taken exactly.

    inputs    x [B, T, d], lengths [B] int32
    outputs   y [B, T, d]
    entries   main (causal), main_bidirectional
    weights   attention.qkv.weight [3 H D, d], attention.out.weight [d, H D], attention.bias.weight [32, H]"""
import numpy as np

from attention import attention, causal, distance, merge, valid_keys
from c_layers import open_folder, project
from common import add_padded, draw_x, linear

CONFIG = {"model": "c03_t5", "d": 36, "heads": 3, "head_width": 12, "buckets": 32, "max_distance": 128}


def one_way(n, buckets, far):
    """Bucket of a distance n >= 0: b is the largest with (n/m)^r >= (far/m)^b, m exact buckets and r others."""
    m = buckets // 2
    r = buckets - m
    if n < m:
        return n
    return m + max(b for b in range(r) if n ** r * m ** b >= far ** b * m ** r)


def bucket(T, bidirectional, buckets=32, far=128):
    """[T, T]: the bucket of query i and key j."""
    def of(n):
        if not bidirectional:
            return one_way(max(n, 0), buckets, far)
        return one_way(abs(n), buckets // 2, far) + (buckets // 2 if n < 0 else 0)
    return np.vectorize(of)(distance(T))


def main(w, c, x, lengths, bidirectional=False):
    T = x.shape[1]
    q, k, v = project(w, c, x)
    bias = w["attention.bias.weight"][bucket(T, bidirectional, c["buckets"], c["max_distance"])].transpose(2, 0, 1)
    visible = valid_keys(lengths, T) & (True if bidirectional else causal(T))
    return {"y": linear(w, "attention.out", merge(attention(q, k, v, visible, scale=1, bias=bias)))}


ENTRIES = {"main": (main, {}), "main_bidirectional": (main, {"bidirectional": True})}


def make(folder):
    F = open_folder(folder, CONFIG, 303, ENTRIES, lambda rng: {"attention.bias.weight": rng.vector(32, 3)}, gain=0.7)
    for entry, at in (("main", ""), ("main_bidirectional", "bidirectional_")):
        add_padded(F, CONFIG["d"], entry, at)
        F.add(at + "far", "140 tokens: past the largest distance", draw_x(1, 140, CONFIG["d"], [140]), entry)
    return F.close()
