"""c30_retention: multi-scale retention (RetNet, models.md C30), recurrent over a session.

Per head h = 0 .. H-1, γ_h = 1 - 2^(-5-h); q, v as projected, k / √D: S_t = γ S_{t-1} + k_t v_tᵀ, o_t = S_tᵀ q_t; each
head of o is normalised to mean 0 and variance 1 (eps inside the root, no weights); y = out(silu(x @ gate.T) *
merge(o)). No rotation. The parallel form, o_i = Σ_{j<=i} γ^(i-j) (q_i·k_j) v_j, is `parallel`: equal, and used to
check.

    inputs    x [B, T, d]
    outputs   y [B, T, d]
    states    s [B, H, D, Dv]
    weights   attention.qkv.weight [2 H D + H Dv, d] (queries, keys, values), gate.weight [H Dv, d],
              attention.out.weight [d, H Dv]; all bfloat16"""
import numpy as np

from attention import merge, split
from common import Folder, Rng, add_session, layer_norm, linear, silu

CONFIG = {"model": "c30_retention", "d": 32, "heads": 3, "head_width": 8, "value_width": 16, "norm_eps": 1e-5}


def project(w, c, x):
    """q, k [B, H, T, D], v [B, H, T, Dv]; k divided by √D."""
    H, D = c["heads"], c["head_width"]
    q, k, v = np.split(linear(w, "attention.qkv", x), [H * D, 2 * H * D], -1)
    return split(q, H), split(k, H) / np.sqrt(x.dtype.type(D)), split(v, H)


def gammas(c, dtype):
    return (1 - 2.0 ** (-5 - np.arange(c["heads"]))).astype(dtype)


def recurrent(q, k, v, s, gamma):
    """o [B, H, T, Dv] and the last state, from the state s [B, H, D, Dv]."""
    out = []
    for t in range(q.shape[2]):
        s = gamma[:, None, None] * s + k[:, :, t, :, None] * v[:, :, t, None, :]
        out.append((q[:, :, t, None] @ s)[:, :, 0])
    return np.stack(out, 2), s


def parallel(q, k, v, gamma):
    """o of the whole sequence from an empty state."""
    n = np.arange(q.shape[2])[:, None] - np.arange(q.shape[2])[None]
    decay = np.where(n >= 0, gamma[:, None, None] ** np.maximum(n, 0), 0)
    return (q @ k.swapaxes(2, 3) * decay) @ v


def main(w, c, x, state=None):
    q, k, v = project(w, c, x)
    s = state["s"] if state else np.zeros((x.shape[0], c["heads"], c["head_width"], c["value_width"]), x.dtype)
    o, s = recurrent(q, k, v, s, gammas(c, x.dtype))
    y = silu(linear(w, "gate", x)) * merge(layer_norm(o, eps=c["norm_eps"]))
    return {"y": linear(w, "attention.out", y)}, {"s": s}


ENTRIES = {"main": (main, {})}


def weights(rng, c=CONFIG):
    d, wide = c["d"], c["heads"] * c["value_width"]
    return {"attention.qkv.weight": rng.matrix(2 * c["heads"] * c["head_width"] + wide, d), "gate.weight": rng.matrix(wide, d),
            "attention.out.weight": rng.matrix(d, wide)}


def make(folder):
    w = weights(Rng(330))
    F = Folder(folder, CONFIG, w, ENTRIES, bf16=list(w))
    add_session(F, CONFIG["d"])
    return F.close()
