"""c02_alibi: linear position biases (Press et al., models.md C2), six heads (not a power of two).

Slopes for n heads, n a power of two: 2^(-8k/n), k = 1 .. n; otherwise those of the power p below n, then those of 2p
at [0::2]. Score q·k/√D - m_h (i - j). Layer as in c_layers: no residual, no bias.

    inputs    x [B, T, d], lengths [B] int32
    outputs   y [B, T, d]
    entries   main (causal), main_bidirectional (-m_h |i - j|, all keys)
    weights   attention.qkv.weight [3 H D, d], attention.out.weight [d, H D]"""
import numpy as np

from attention import attention, causal, distance, merge, valid_keys
from c_layers import open_folder, project
from common import add_padded, linear

CONFIG = {"model": "c02_alibi", "d": 40, "heads": 6, "head_width": 8}


def slopes(n):
    p = 1 << (n.bit_length() - 1)
    powers = lambda p: [2.0 ** (-8 * k / p) for k in range(1, p + 1)]
    return np.array(powers(p) + powers(2 * p)[0::2][:n - p])


def main(w, c, x, lengths, bidirectional=False):
    T = x.shape[1]
    q, k, v = project(w, c, x)
    bias = -slopes(c["heads"])[:, None, None] * (np.abs(distance(T)) if bidirectional else distance(T))
    visible = valid_keys(lengths, T) & (True if bidirectional else causal(T))
    return {"y": linear(w, "attention.out", merge(attention(q, k, v, visible, bias=bias)))}


ENTRIES = {"main": (main, {}), "main_bidirectional": (main, {"bidirectional": True})}


def make(folder):
    F = open_folder(folder, CONFIG, 302, ENTRIES, gain=1.5)
    add_padded(F, CONFIG["d"])
    add_padded(F, CONFIG["d"], "main_bidirectional", "bidirectional_")
    return F.close()
