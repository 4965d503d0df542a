"""c23_qk_norm: queries and keys normalised per head before their product, causal (models.md C23).

 main     RMS norm over a head's elements, with weights shared by the heads; scale 1/√D
 main_l2  x / (‖x‖ + 1e-6), and a learned temperature τ_h a head: τ_h q·k

    inputs    x [B, T, d], lengths [B] int32
    outputs   y [B, T, d]
    weights   attention.qkv.weight [3 H D, d], attention.out.weight [d, H D], attention.q_norm.weight, attention.k_norm.weight [D],
              attention.temperature [H]"""
import numpy as np

from attention import attention, causal, merge, valid_keys
from c_layers import open_folder, project
from common import add_padded, linear, rms_norm

CONFIG = {"model": "c23_qk_norm", "d": 32, "heads": 3, "head_width": 12, "norm_eps": 1e-6, "l2_eps": 1e-6}


def main(w, c, x, lengths, norm="rms"):
    T = x.shape[1]
    q, k, v = project(w, c, x)
    visible = valid_keys(lengths, T) & causal(T)
    if norm == "rms":
        q, k = (rms_norm(z, w[f"attention.{n}_norm.weight"], c["norm_eps"]) for z, n in ((q, "q"), (k, "k")))
        heads = attention(q, k, v, visible)
    else:
        q, k = (z / (np.sqrt((z ** 2).sum(-1, keepdims=True)) + c["l2_eps"]) for z in (q, k))
        heads = attention(q * w["attention.temperature"][:, None, None], k, v, visible, scale=1)
    return {"y": linear(w, "attention.out", merge(heads))}


ENTRIES = {"main": (main, {}), "main_l2": (main, {"norm": "l2"})}


def make(folder):
    D, H = CONFIG["head_width"], CONFIG["heads"]
    extra = lambda rng: {"attention.q_norm.weight": rng.vector(D, mean=1.2, deviation=0.2), "attention.k_norm.weight": rng.vector(D, mean=1.2, deviation=0.2),
                         "attention.temperature": rng.vector(H, mean=5.0)}
    F = open_folder(folder, CONFIG, 323, ENTRIES, extra)
    add_padded(F, CONFIG["d"])
    add_padded(F, CONFIG["d"], "main_l2", "l2_")
    return F.close()
