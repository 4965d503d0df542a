"""c22_softcap: capped scores (Gemma 2, models.md C22): s = q·k/√D, then c tanh(s / c), then the mask. Grouped heads.

    inputs    x [B, T, d], lengths [B] int32
    outputs   y [B, T, d]
    entries   main (causal), main_alibi (causal, after the cap the bias -2^(-8(h+1)/H) (i - j))
    weights   attention.qkv.weight [(H + 2G) D, d] (float16), attention.out.weight [d, H D] (bfloat16)"""
import numpy as np

from attention import attention, causal, distance, merge, valid_keys
from c_layers import open_folder, project
from common import add_padded, linear

CONFIG = {"model": "c22_softcap", "d": 32, "heads": 4, "groups": 1, "head_width": 16, "softcap": 2.0}


def main(w, c, x, lengths, alibi=False):
    T, H = x.shape[1], c["heads"]
    q, k, v = project(w, c, x)
    bias = -(2.0 ** (-8 * (np.arange(H) + 1) / H))[:, None, None] * distance(T) if alibi else None
    visible = valid_keys(lengths, T) & causal(T)
    return {"y": linear(w, "attention.out", merge(attention(q, k, v, visible, softcap=c["softcap"], bias=bias)))}


ENTRIES = {"main": (main, {}), "main_alibi": (main, {"alibi": True})}


def make(folder):
    F = open_folder(folder, CONFIG, 322, ENTRIES, gain=2, f16=["attention.qkv.weight"], bf16=["attention.out.weight"])
    add_padded(F, CONFIG["d"])
    add_padded(F, CONFIG["d"], "main_alibi", "alibi_")
    return F.close()
