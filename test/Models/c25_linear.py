"""c25_linear: linear attention, causal, recurrent over a session (Katharopoulos et al. 2020; models.md C25).

Per head, φ(u) = elu(u) + 1: S_t = S_{t-1} + φ(k_t) [v_t; 1]ᵀ; n = S_tᵀ φ(q_t); o_t = n[:Dv] / n[Dv]. The parallel form,
o_i = Σ_{j<=i} (φ(q_i)·φ(k_j)) v_j / Σ_{j<=i} φ(q_i)·φ(k_j), is `parallel`: equal, and used to check.

    inputs    x [B, T, d]
    outputs   y [B, T, d]
    states    s [B, H, D, D + 1]
    weights   attention.qkv.weight [3 H D, d], attention.out.weight [d, H D]"""
import numpy as np

from attention import causal, merge
from c_layers import open_folder, project
from common import add_session, linear

CONFIG = {"model": "c25_linear", "d": 32, "heads": 3, "head_width": 12}


def phi(u):
    return np.where(u > 0, u + 1, np.exp(np.minimum(u, 0)))


def parallel(q, k, v):
    """The whole sequence from an empty state."""
    p = np.where(causal(q.shape[2]), phi(q) @ phi(k).swapaxes(2, 3), 0)
    return (p @ v) / p.sum(-1, keepdims=True)


def main(w, c, x, state=None):
    q, k, v = project(w, c, x)
    q, k, v = phi(q), phi(k), np.concatenate([v, np.ones_like(v[..., :1])], -1)
    s = state["s"] if state else np.zeros((x.shape[0], c["heads"], c["head_width"], c["head_width"] + 1), x.dtype)
    out = []
    for t in range(x.shape[1]):
        s = s + k[:, :, t, :, None] * v[:, :, t, None, :]
        n = (q[:, :, t, None] @ s)[:, :, 0]
        out.append(n[..., :-1] / n[..., -1:])
    return {"y": linear(w, "attention.out", merge(np.stack(out, 2)))}, {"s": s}


ENTRIES = {"main": (main, {})}


def make(folder):
    F = open_folder(folder, CONFIG, 325, ENTRIES, gain=1.5)
    q, k, v = project(F.w, CONFIG, np.random.RandomState(1).standard_normal((2, 19, CONFIG["d"])))
    x = np.random.RandomState(1).standard_normal((2, 19, CONFIG["d"]))
    assert np.abs(main(F.w, CONFIG, x)[0]["y"] - linear(F.w, "attention.out", merge(parallel(q, k, v)))).max() < 1e-12
    add_session(F, CONFIG["d"])
    return F.close()
