"""a7_deq: deep equilibrium, z* = f(z*; x), a sample is a sequence (models.md A7).

f(z; x) = tanh(MHSA(z) + W_z z + W_x x), 0 at padding; padding is no key. z_0 = 0. Step k = 1, 2, ...: F = f(z);
r = ‖F - z‖ / (‖F‖ + δ), norms over all numbers of a sample; if r is below the best residual so far (or is NaN, so that
NaN shows) z becomes the best iterate; the sample stops at r < tol, or at the cap; otherwise its next z is
 main           Picard, damped: β F + (1 - β) z
 main_anderson  history of the last min(k, m) pairs (z, F), ring index (k - 1) mod m; G = F - z, one row an entry;
                solve [[0, 1ᵀ], [1, G Gᵀ + reg I]] [ν; α] = [1; 0]; z = β Σ α F + (1 - β) Σ α z (its β is 1)
The output is the best iterate z (not f(z)) of each sample. Entries with _fixed have tol = 0 and so run to the cap.

    inputs    x [B, T, d], lengths [B] int32
    outputs   y [B, T, d], steps [B] int32 (evaluations of f), residual [B] (of y)
    entries   main, main_anderson, main_fixed, main_anderson_fixed
    weights   attention.qkv.weight [3d, d], attention.out.weight [d, d], state.weight [d, d], input.weight [d, d]"""
import numpy as np

from attention import attention, merge, packed, valid_keys, valid_rows
from common import Decisions, Folder, Rng, add_padded, draw_x, linear, with_nan

CONFIG = {"model": "a7_deq", "d": 16, "heads": 2, "head_width": 8, "delta": 1e-9, "beta": 0.7, "history": 6, "reg": 1e-4,
          "tol": 0.02, "cap": 20, "cap_fixed": 9}


def f(w, c, z, x, valid):
    q, k, v = packed(linear(w, "attention.qkv", z), c["heads"])
    a = merge(attention(q, k, v, valid[:, None, None]))
    return np.tanh(linear(w, "attention.out", a) + linear(w, "state", z) + linear(w, "input", x)) * valid[..., None]


def size(z):
    """Norm of each sample [B]."""
    return np.sqrt((z ** 2).sum((1, 2)))


def anderson(history, reg):
    """The next iterate of one sample; history: pairs (z, F) of arrays [T, d]; β = 1, so Σ α F."""
    n = len(history)
    Z, F = (np.stack([p[i].ravel() for p in history]) for i in (0, 1))
    A = np.zeros((n + 1, n + 1), Z.dtype)
    A[0, 1:] = A[1:, 0] = 1
    A[1:, 1:] = (F - Z) @ (F - Z).T + reg * np.eye(n, dtype=Z.dtype)
    alpha = np.linalg.solve(A, np.eye(n + 1, dtype=Z.dtype)[0])[1:]
    return (alpha @ F).reshape(history[0][0].shape)


def main(w, c, x, lengths, solver="picard", fixed=False):
    B, T, _ = x.shape
    tol, cap, m = (0, c["cap_fixed"], c["history"]) if fixed else (c["tol"], c["cap"], c["history"])
    valid, decisions = valid_rows(lengths, T), Decisions()
    z, best = np.zeros_like(x), np.full(B, np.inf, x.dtype)
    y, steps, active = np.zeros_like(x), np.zeros(B, np.int32), np.ones(B, bool)
    best_step = np.zeros(B, np.int32)
    ring = [[None] * m for _ in range(B)]
    for k in range(1, cap + 1):
        F = f(w, c, z, x, valid)
        r = size(F - z) / (size(F) + c["delta"])
        if k > 1:                                             # best-so-far is a decision too: relative distance to a tie
            decisions.reached(r / np.where(best == 0, 1, best), 1, active & (best > 0))
        better = active & ~(np.float32(r) >= np.float32(best))
        best_step = np.where(active & better, k, best_step)
        y, best = np.where(better[:, None, None], z, y), np.where(better, r, best)
        steps = steps + active.astype(np.int32)
        if not fixed:
            active = active & ~decisions.below(r, tol, active)
        if not active.any():
            break
        for b in np.flatnonzero(active):
            if solver == "picard":
                z[b] = c["beta"] * F[b] + (1 - c["beta"]) * z[b]
            else:
                ring[b][(k - 1) % m] = (z[b].copy(), F[b].copy())
                z[b] = anderson(ring[b][:k], c["reg"])
    return {"y": y, "steps": steps, "residual": best, "_best_step": best_step, **decisions.margins()}


ENTRIES = {"main": (main, {}), "main_anderson": (main, {"solver": "anderson"}), "main_fixed": (main, {"fixed": True}),
           "main_anderson_fixed": (main, {"solver": "anderson", "fixed": True})}


def weights(rng, c=CONFIG):
    d = c["d"]
    return {"attention.qkv.weight": rng.matrix(3 * d, d, 1.3), "attention.out.weight": rng.matrix(d, d, 0.7),
            "state.weight": rng.matrix(d, d, 1.1), "input.weight": rng.matrix(d, d)}


def make(folder):
    F, d, cap = Folder(folder, CONFIG, weights(Rng(204)), ENTRIES), CONFIG["d"], CONFIG["cap"]
    for entry in ENTRIES:
        at = entry.removeprefix("main").lstrip("_")
        at = at + "_" if at else ""
        add_padded(F, d, entry, at, scale=1.5)
    F.add("first", "x = 0: f(0; x) = 0 exactly, both samples stop at the first step", draw_x(2, 5, d, [5, 3], scale=0),
          accept=lambda out: (out["steps"] == 1).all())
    F.add("cap", "inputs so small that Picard does not converge: no sample stops before the cap, the best iterate is not the last",
          draw_x(2, 6, d, [6, 4], scale=0.05), accept=lambda out: (out["steps"] == cap).all() and (out["_best_step"] < cap - 2).all())
    _, _, inputs = F.add("finite", "batch 3 of 7 tokens; the case `nan` is the same but for one NaN",
                         draw_x(3, 7, d, [7, 7, 5], scale=1.5), accept=lambda out: out["steps"][1] < cap)
    F.add("nan", "a NaN in the second sample: it runs to the cap and is NaN, the others are those of `finite`",
          with_nan(inputs, "x", (1, 3, 5)))
    return F.close()
