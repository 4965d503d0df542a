"""c33_mamba2: Mamba-2's state-space layer (SSD), recurrent over a session (Dao and Gu 2024; models.md C33).

Per token: z, u [H P], B, C [N], δ [H] = projections of x; Δ = softplus(δ + b); per head h, state S [N, P]:
S_t = exp(-Δ exp(a_log)) S_{t-1} + B (Δ u)ᵀ; o = Sᵀ C + D u; y = out(RMS(o * silu(z)) * weight). B and C are shared by the heads; the
short convolution in front is c32_selective_scan's and left out here. The quadratic form, o_i = Σ_{j<=i} exp(Σ_{j<k<=i} -Δ_k A) (C_i·B_j)
Δ_j u_j, is `quadratic`: equal, and used to check.

    inputs    x [B, T, d]
    outputs   y [B, T, d]
    states    s [B, H, N, P]
    weights   in.weight [2 H P + 2 N + H, d] (z, u, B, C, δ), delta.bias [H], a_log [H], skip [H], norm.weight [H P], out.weight [d, H P]"""
import numpy as np

from common import Folder, Rng, add_session, linear, rms_norm, silu, softplus

CONFIG = {"model": "c33_mamba2", "d": 24, "heads": 3, "head_width": 8, "state": 6, "norm_eps": 1e-5}


def parts(w, c, x):
    """z, u [B, T, H, P], B, C [B, T, N], Δ, log decay [B, T, H]."""
    H, P, N = c["heads"], c["head_width"], c["state"]
    z, u, b, cc, delta = np.split(linear(w, "in", x), np.cumsum([H * P, H * P, N, N]), -1)
    delta = softplus(delta + w["delta.bias"])
    by_head = lambda a: a.reshape(*a.shape[:2], H, P)
    return by_head(z), by_head(u), b, cc, delta, -delta * np.exp(w["a_log"])


def finish(w, c, x, z, u, o):
    o = (o + w["skip"][:, None] * u) * silu(z)
    return linear(w, "out", rms_norm(o.reshape(*x.shape[:2], -1), w["norm.weight"], c["norm_eps"]))


def quadratic(w, c, x):
    """y of a whole sequence from an empty state."""
    z, u, b, cc, delta, log = parts(w, c, x)
    total = np.cumsum(log, 1)
    decay = np.exp(np.tril(np.moveaxis(total[:, :, None] - total[:, None], 3, 1)))
    p = np.tril(np.einsum("bin,bjn->bij", cc, b)[:, None] * decay)
    return finish(w, c, x, z, u, np.einsum("bhij,bjhp->bihp", p, delta[..., None] * u))


def main(w, c, x, state=None):
    z, u, b, cc, delta, log = parts(w, c, x)
    s = state["s"] if state else np.zeros((x.shape[0], c["heads"], c["state"], c["head_width"]), x.dtype)
    out = []
    for t in range(x.shape[1]):
        s = np.exp(log[:, t])[..., None, None] * s + b[:, t, None, :, None] * (delta[:, t, :, None] * u[:, t])[:, :, None]
        out.append(np.einsum("bhnp,bn->bhp", s, cc[:, t]))
    return {"y": finish(w, c, x, z, u, np.stack(out, 1))}, {"s": s}


ENTRIES = {"main": (main, {})}


def weights(rng, c=CONFIG):
    d, H, P, N = c["d"], c["heads"], c["head_width"], c["state"]
    return {"in.weight": rng.matrix(2 * H * P + 2 * N + H, d), "delta.bias": rng.vector(H, mean=-1), "a_log": rng.vector(H, deviation=0.5),
            "skip": rng.vector(H), "norm.weight": rng.vector(H * P, mean=1, deviation=0.1), "out.weight": rng.matrix(d, H * P)}


def make(folder):
    F = Folder(folder, CONFIG, weights(Rng(333)), ENTRIES)
    x = np.random.RandomState(1).standard_normal((2, 19, CONFIG["d"]))
    assert np.abs(main(F.w, CONFIG, x)[0]["y"] - quadratic(F.w, CONFIG, x)).max() < 1e-12
    add_session(F, CONFIG["d"])
    return F.close()
