"""c32_selective_scan: one Mamba layer (models.md C32), a causal convolution of width 4 and a selective scan, over a
session.

(u, z) = in(x); u = silu(conv(u) + b): conv_t = Σ_{m<4} weight[:, m] u_{t-3+m}, from the last three inputs of the
session, 0 before it; (δ, B, C) = x_proj(u), δ [R], B and C [N]; Δ = softplus(dt(δ)) [di]; A = -exp(A_log); h_t = exp(Δ
A) h_{t-1} + Δ B u_t [di, N]; y_t = Σ_n C h_t + D u_t; out(y * silu(z)).

    inputs    x [B, T, d]
    outputs   y [B, T, d]
    states    conv [B, di, 3] (the last inputs of the convolution, oldest first, zeros at first), s [B, di, N]
    weights   in.weight [2 di, d], conv.{weight [di, 4], bias [di]}, x_proj.weight [R + 2N, di], dt.{weight [di, R],
              bias [di]}, A_log [di, N], D [di], out.weight [d, di]"""
import numpy as np

from common import Folder, Rng, add_session, linear, silu, softplus

CONFIG = {"model": "c32_selective_scan", "d": 24, "inner": 40, "state": 8, "rank": 3, "conv": 4}


def convolve(w, u, last):
    """u [B, T, di], last [B, di, 3] → silu(conv + b) [B, T, di] and the new last."""
    weight, T = w["conv.weight"], u.shape[1]
    all = np.concatenate([last.swapaxes(1, 2), u], 1)                         # [B, 3 + T, di]
    out = sum(weight[:, m] * all[:, m:m + T] for m in range(weight.shape[1]))
    return silu(out + w["conv.bias"]), all[:, T:].swapaxes(1, 2)


def scan(delta, A, Bt, Ct, u, s):
    """delta, u [B, T, di], A [di, N], Bt, Ct [B, T, N], s [B, di, N] → Σ_n C h [B, T, di] and the last h."""
    out = []
    for t in range(u.shape[1]):
        s = np.exp(delta[:, t, :, None] * A) * s + (delta[:, t] * u[:, t])[:, :, None] * Bt[:, t, None]
        out.append((s * Ct[:, t, None]).sum(-1))
    return np.stack(out, 1), s


def main(w, c, x, state=None):
    B, di, N, R = x.shape[0], c["inner"], c["state"], c["rank"]
    if state is None:
        state = {"conv": np.zeros((B, di, c["conv"] - 1), x.dtype), "s": np.zeros((B, di, N), x.dtype)}
    u, z = np.split(linear(w, "in", x), 2, -1)
    u, last = convolve(w, u, state["conv"])
    low, Bt, Ct = np.split(linear(w, "x_proj", u), [R, R + N], -1)
    y, s = scan(softplus(linear(w, "dt", low)), -np.exp(w["A_log"]), Bt, Ct, u, state["s"])
    return {"y": linear(w, "out", (y + w["D"] * u) * silu(z))}, {"conv": last, "s": s}


ENTRIES = {"main": (main, {})}


def weights(rng, c=CONFIG):
    d, di, N, R = c["d"], c["inner"], c["state"], c["rank"]
    return {"in.weight": rng.matrix(2 * di, d), "conv.weight": rng.matrix(di, c["conv"]), "conv.bias": rng.vector(di, deviation=0.1),
            "x_proj.weight": rng.matrix(R + 2 * N, di), "dt.weight": rng.matrix(di, R), "dt.bias": rng.vector(di, mean=-2),
            "A_log": np.broadcast_to(np.log(np.arange(1, N + 1)), (di, N)).astype(np.float32) + rng.vector(di, N, deviation=0.1),
            "D": rng.vector(di, mean=1, deviation=0.2), "out.weight": rng.matrix(d, di)}


def make(folder):
    F = Folder(folder, CONFIG, weights(Rng(332)), ENTRIES)
    add_session(F, CONFIG["d"])
    return F.close()
