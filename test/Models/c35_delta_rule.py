"""c35_delta_rule: DeltaNet and Gated DeltaNet (models.md C35), recurrent over a session.

q = silu(·) / ‖·‖ / √D, k = silu(·) / ‖·‖, norms √(Σ² + 1e-6) per head, v as projected; β_t = σ(x @ beta.T) per head:
S_t = α_t (I - β k kᵀ) S_{t-1} + β k vᵀ, o_t = S_tᵀ q_t; α = 1 in `main`, α_t = exp(-exp(A_log) softplus(x @ decay.T +
decay.bias)) per head in `main_gated`; y = out(merge(RMSNorm(o) * norm.weight)), the norm per head. `chunked` is the
same by chunks (α = 1): equal, and used to check.

    inputs    x [B, T, d]
    outputs   y [B, T, d]
    states    s [B, H, D, Dv]
    entries   main, main_gated
    weights   attention.qkv.weight [2 H D + H Dv, d] (queries, keys, values), beta.weight [H, d], decay.{weight [H, d],
              bias [H]}, A_log [H], norm.weight [Dv], attention.out.weight [d, H Dv]"""
import numpy as np

from attention import merge, sigmoid, split
from common import Folder, Rng, add_session, linear, rms_norm, silu, softplus

CONFIG = {"model": "c35_delta_rule", "d": 32, "heads": 2, "head_width": 12, "value_width": 16, "norm_eps": 1e-6}


def unit(x):
    return x / np.sqrt((x ** 2).sum(-1, keepdims=True) + 1e-6)


def project(w, c, x):
    """q, k [B, H, T, D], v [B, H, T, Dv], β [B, H, T]."""
    H, D = c["heads"], c["head_width"]
    q, k, v = (split(a, H) for a in np.split(linear(w, "attention.qkv", x), [H * D, 2 * H * D], -1))
    return unit(silu(q)) / np.sqrt(x.dtype.type(D)), unit(silu(k)), v, sigmoid(linear(w, "beta", x)).transpose(0, 2, 1)


def recurrent(q, k, v, beta, alpha, s):
    """o [B, H, T, Dv] and the last state; alpha [B, H, T]."""
    out = []
    for t in range(q.shape[2]):
        s = alpha[:, :, t, None, None] * s
        read = (k[:, :, t, None] @ s)[:, :, 0]                                # kᵀ S, what is stored under k
        s = s + k[:, :, t, :, None] * (beta[:, :, t, None] * (v[:, :, t] - read))[:, :, None]
        out.append((q[:, :, t, None] @ s)[:, :, 0])
    return np.stack(out, 2), s


def chunked(q, k, v, beta, s, size):
    """As `recurrent` with α = 1. Within a chunk the corrected values U solve (I + tril(diag(β) K Kᵀ, -1)) U = diag(β) (V - K S);
    then O = Q S + tril(Q Kᵀ) U and S += Kᵀ U."""
    out = []
    for at in range(0, q.shape[2], size):
        Q, K, V, b = (a[:, :, at:at + size] for a in (q, k, v, beta))
        A = np.eye(K.shape[2]) + np.tril(b[..., None] * (K @ K.swapaxes(2, 3)), -1)
        U = np.linalg.solve(A, b[..., None] * (V - K @ s))
        out.append(Q @ s + np.tril(Q @ K.swapaxes(2, 3)) @ U)
        s = s + K.swapaxes(2, 3) @ U
    return np.concatenate(out, 2), s


def main(w, c, x, gated=False, state=None):
    q, k, v, beta = project(w, c, x)
    alpha = np.ones_like(beta)
    if gated:
        alpha = np.exp(-np.exp(w["A_log"])[:, None] * softplus(linear(w, "decay", x)).transpose(0, 2, 1))
    s = state["s"] if state else np.zeros((x.shape[0], c["heads"], c["head_width"], c["value_width"]), x.dtype)
    o, s = recurrent(q, k, v, beta, alpha, s)
    return {"y": linear(w, "attention.out", merge(rms_norm(o, w["norm.weight"], c["norm_eps"])))}, {"s": s}


ENTRIES = {"main": (main, {}), "main_gated": (main, {"gated": True})}


def weights(rng, c=CONFIG):
    d, H, wide = c["d"], c["heads"], c["heads"] * c["value_width"]
    return {"attention.qkv.weight": rng.matrix(2 * H * c["head_width"] + wide, d), "beta.weight": rng.matrix(H, d),
            "decay.weight": rng.matrix(H, d), "decay.bias": rng.vector(H), "A_log": rng.vector(H, mean=-1, deviation=0.3),
            "norm.weight": rng.vector(c["value_width"], mean=1, deviation=0.1), "attention.out.weight": rng.matrix(d, wide)}


def make(folder):
    F = Folder(folder, CONFIG, weights(Rng(335)), ENTRIES)
    add_session(F, CONFIG["d"])
    add_session(F, CONFIG["d"], "main_gated", "gated_")
    return F.close()
