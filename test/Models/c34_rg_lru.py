"""c34_rg_lru: the real-gated linear recurrent unit of Griffin, recurrent over a session (De et al. 2024; models.md C34).

r, i = σ(W_r x + b_r), σ(W_i x + b_i); log a = -8 r softplus(Λ); h_t = a_t h_{t-1} + √(1 - a_t²) (i ⊙ x); y = out(h).

    inputs    x [B, T, d]
    outputs   y [B, T, d]
    states    h [B, d]
    weights   recurrence, input.{weight [d, d], bias [d]}, lambda [d], out.weight [d, d]"""
import numpy as np

from attention import sigmoid
from common import Folder, Rng, add_session, linear, softplus

CONFIG = {"model": "c34_rg_lru", "d": 24, "c": 8.0}


def main(w, c, x, state=None):
    log = -x.dtype.type(c["c"]) * sigmoid(linear(w, "recurrence", x)) * softplus(w["lambda"])
    into = np.sqrt(-np.expm1(2 * log)) * sigmoid(linear(w, "input", x)) * x
    h = state["h"] if state else np.zeros((x.shape[0], c["d"]), x.dtype)
    out = []
    for t in range(x.shape[1]):
        h = np.exp(log[:, t]) * h + into[:, t]
        out.append(h)
    return {"y": linear(w, "out", np.stack(out, 1))}, {"h": h}


ENTRIES = {"main": (main, {})}


def weights(rng, c=CONFIG):
    d = c["d"]
    both = {f"{n}.{k}": v for n in ("recurrence", "input") for k, v in (("weight", rng.matrix(d, d)), ("bias", rng.vector(d, deviation=0.3)))}
    return {**both, "lambda": rng.vector(d, mean=-4, deviation=1.5), "out.weight": rng.matrix(d, d)}


def make(folder):
    F = Folder(folder, CONFIG, weights(Rng(334)), ENTRIES)
    add_session(F, CONFIG["d"])
    return F.close()
