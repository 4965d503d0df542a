"""c21_differential: differential attention (Ye et al., models.md C21), two layers with residuals, causal.

Per head two queries and keys of width D and a value of width 2D: A = softmax(q1·k1/√D) - λ softmax(q2·k2/√D);
λ = exp(λq1·λk1) - exp(λq2·λk2) + λ_init, λ_init = 0.8 - 0.6 exp(-0.3 depth), depth = layer from 0;
head = (1 - λ_init) RMSNorm(A v) * subln; h = h + merge(heads) @ out.T.

    inputs    x [B, T, d], lengths [B] int32
    outputs   y [B, T, d] (the last h)
    weights   for l = 0, 1: layers.l.attention.qkv.weight [3 H 2D, d] (queries [H, 2, D], then keys [H, 2, D], then
              values [H, 2D]), layers.l.attention.{lambda_q1, lambda_k1, lambda_q2, lambda_k2} [D],
              layers.l.attention.subln.weight [2D], layers.l.attention.out.weight [d, H 2D]"""
import numpy as np

from attention import causal, merge, mix, scores, softmax, split, valid_keys
from common import Folder, Rng, add_padded, linear, rms_norm

CONFIG = {"model": "c21_differential", "d": 32, "heads": 3, "head_width": 8, "layers": 2, "norm_eps": 1e-5}


def layer(w, c, l, h, visible):
    at, H, D = f"layers.{l}.attention.", c["heads"], c["head_width"]
    q, k, v = np.split(linear(w, at + "qkv", h), 3, -1)
    q, k, v = split(q, 2 * H), split(k, 2 * H), split(v, H)               # heads 2h and 2h + 1 are the two of head h
    p = softmax(scores(q, k), visible)
    init = 0.8 - 0.6 * np.exp(-0.3 * l)
    lam = np.exp(w[at + "lambda_q1"] @ w[at + "lambda_k1"]) - np.exp(w[at + "lambda_q2"] @ w[at + "lambda_k2"]) + h.dtype.type(init)
    a = mix(p[:, 0::2] - lam * p[:, 1::2], v)
    return h + linear(w, at + "out", merge(h.dtype.type(1 - init) * rms_norm(a, w[at + "subln.weight"], c["norm_eps"])))


def main(w, c, x, lengths):
    visible = valid_keys(lengths, x.shape[1]) & causal(x.shape[1])
    for l in range(c["layers"]):
        x = layer(w, c, l, x, visible)
    return {"y": x}


ENTRIES = {"main": (main, {})}


def weights(rng, c=CONFIG):
    d, D, w = c["d"], c["head_width"], {}
    wide = c["heads"] * 2 * D
    for l in range(c["layers"]):
        at = f"layers.{l}.attention."
        w |= {at + "qkv.weight": rng.matrix(3 * wide, d, 1.4), at + "out.weight": rng.matrix(d, wide),
              at + "subln.weight": rng.vector(2 * D, mean=1, deviation=0.1)}
        w |= {at + "lambda_" + n: rng.vector(D, deviation=0.2) for n in ("q1", "k1", "q2", "k2")}
    return w


def make(folder):
    F = Folder(folder, CONFIG, weights(Rng(321)), ENTRIES)
    add_padded(F, CONFIG["d"])
    return F.close()
