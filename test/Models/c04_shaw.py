"""c04_shaw: relative positions as vectors added to keys and to values, causal (Shaw et al. 2018; models.md C4).

 main  s_ij = q_i·(k_j + a_r) / √D, out_i = Σ_j p_ij (v_j + e_r), r = clip(j - i, -K, K) + K; the tables are shared by the heads

    inputs    x [B, T, d], lengths [B] int32
    outputs   y [B, T, d]
    weights   attention.qkv.weight [3 H D, d], attention.out.weight [d, H D], attention.key_table, attention.value_table [2 K + 1, D]"""
import numpy as np

from attention import causal, distance, merge, mix, scores, softmax, valid_keys
from c_layers import open_folder, project
from common import add_padded, linear

CONFIG = {"model": "c04_shaw", "d": 24, "heads": 3, "head_width": 8, "clip": 5}


def main(w, c, x, lengths):
    T, K = x.shape[1], c["clip"]
    q, k, v = project(w, c, x)
    r = np.clip(-distance(T), -K, K) + K
    s = scores(q, k) + np.einsum("bhid,ijd->bhij", q, w["attention.key_table"][r]) / np.sqrt(x.dtype.type(c["head_width"]))
    p = softmax(s, valid_keys(lengths, T) & causal(T))
    return {"y": linear(w, "attention.out", merge(mix(p, v) + np.einsum("bhij,ijd->bhid", p, w["attention.value_table"][r])))}


ENTRIES = {"main": (main, {})}


def make(folder):
    rows = 2 * CONFIG["clip"] + 1
    F = open_folder(folder, CONFIG, 304, ENTRIES, lambda rng: {"attention.key_table": rng.vector(rows, CONFIG["head_width"]),
                                                              "attention.value_table": rng.vector(rows, CONFIG["head_width"])})
    add_padded(F, CONFIG["d"])
    return F.close()
