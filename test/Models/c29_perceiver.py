"""c29_perceiver: learned latents attend to the input, whatever its length (models.md C29).

 main  queries: latents · W_q, the same for every sequence; keys and values of x; y = out(heads) + latents

    inputs    x [B, T, d], lengths [B] int32
    outputs   y [B, N, d]
    weights   latents [N, d], attention.qkv.weight [3 H D, d] (its queries are of the latents), attention.out.weight [d, H D]"""
import numpy as np

from attention import attention, merge, valid_keys
from c_layers import open_folder, project
from common import add_padded, linear

CONFIG = {"model": "c29_perceiver", "d": 24, "heads": 3, "head_width": 8, "latents": 7}


def main(w, c, x, lengths):
    q = np.repeat(project(w, c, w["latents"][None])[0], x.shape[0], 0)
    _, k, v = project(w, c, x)
    return {"y": linear(w, "attention.out", merge(attention(q, k, v, valid_keys(lengths, x.shape[1])))) + w["latents"]}


ENTRIES = {"main": (main, {})}


def make(folder):
    F = open_folder(folder, CONFIG, 329, ENTRIES, lambda rng: {"latents": rng.vector(CONFIG["latents"], CONFIG["d"])}, gain=1.5)
    add_padded(F, CONFIG["d"])
    return F.close()
