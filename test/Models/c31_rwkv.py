"""c31_rwkv: the time mixing of RWKV, recurrent over a session (Peng et al. 2023, 2024; models.md C31).

m = μ x_t + (1 - μ) x_{t-1}, one μ each for r, k and v; r, k, v = W_r m_r, W_k m_k, W_v m_v.
 main     RWKV-4, a number a channel: wkv = (a + e^{u+k} v) / (b + e^{u+k}); a' = e^{-w} a + e^k v, b' = e^{-w} b + e^k, w = e^{decay}.
          The state is [a; b]; y = out(σ(r) wkv)
 main_v6  RWKV-6, a matrix S [D, D] a head: o = Sᵀ r + (r · (u ⊙ k)) v; S' = diag(exp(-exp(decay + W_d x))) S + k vᵀ; y = out(o)
RWKV-7's state transition is a diagonal plus a rank-one term that is not the delta rule's; it is not here.

    inputs    x [B, T, d]
    outputs   y [B, T, d]
    states    last [B, d] (x_{t-1}), s [B, d, 2] (main), m [B, H, D, D] (main_v6)
    weights   mix [3, d], receptance, key, value, out, decay.weight [d, d], decay, bonus [d]"""
import numpy as np

from attention import sigmoid
from common import Folder, Rng, draw_x, linear

CONFIG = {"model": "c31_rwkv", "d": 24, "heads": 3}


def mixed(w, x, last):
    before = np.concatenate([last[:, None], x[:, :-1]], 1)
    return [linear(w, name, mu * x + (1 - mu) * before) for name, mu in zip(("receptance", "key", "value"), w["mix"])]


def main(w, c, x, state=None):
    B, T, d = x.shape
    state = state or {"last": np.zeros((B, d), x.dtype), "s": np.zeros((B, d, 2), x.dtype)}
    r, k, v = mixed(w, x, state["last"])
    decay, a, b, out = np.exp(-np.exp(w["decay"])), state["s"][..., 0], state["s"][..., 1], []
    for t in range(T):
        e, now = np.exp(k[:, t]), np.exp(w["bonus"] + k[:, t])
        out.append((a + now * v[:, t]) / (b + now))
        a, b = decay * a + e * v[:, t], decay * b + e
    return {"y": linear(w, "out", sigmoid(r) * np.stack(out, 1))}, {"last": x[:, -1], "s": np.stack([a, b], -1)}


def v6(w, c, x, state=None):
    (B, T, d), H = x.shape, c["heads"]
    D = d // H
    state = state or {"last": np.zeros((B, d), x.dtype), "m": np.zeros((B, H, D, D), x.dtype)}
    by_head = lambda z: z.reshape(B, T, H, D)
    r, k, v = map(by_head, mixed(w, x, state["last"]))
    decay, u, S, out = by_head(np.exp(-np.exp(w["decay"] + linear(w, "decay", x)))), w["bonus"].reshape(H, D), state["m"], []
    for t in range(T):
        out.append(np.einsum("bhkv,bhk->bhv", S, r[:, t]) + (r[:, t] * u * k[:, t]).sum(-1, keepdims=True) * v[:, t])
        S = decay[:, t, :, :, None] * S + k[:, t, :, :, None] * v[:, t, :, None, :]
    return {"y": linear(w, "out", np.stack(out, 1).reshape(B, T, d))}, {"last": x[:, -1], "m": S}


ENTRIES = {"main": (main, {}), "main_v6": (v6, {})}


def weights(rng, c=CONFIG):
    d = c["d"]
    return {"mix": rng.random_sample((3, d)).astype(np.float32), **{f"{n}.weight": rng.matrix(d, d) for n in ("receptance", "key", "value", "out")},
            "decay.weight": rng.matrix(d, d, 0.5), "decay": rng.vector(d, mean=-1.5), "bonus": rng.vector(d, deviation=0.5)}


def make(folder):
    F, d = Folder(folder, CONFIG, weights(Rng(331)), ENTRIES), CONFIG["d"]
    for entry, at in (("main", ""), ("main_v6", "v6_")):
        add = lambda case, *args, **more: F.add(at + case, *args, entry, **more)
        add("single", "the first token of a session", draw_x(1, 1, d))
        add("longest", "40 tokens", draw_x(1, 40, d))
        x = add("whole", "batch 2 of 23 tokens in one call", draw_x(2, 23, d))[2]["x"]
        _, end, _ = add("begin", "the first 13 tokens of whole", lambda rng: {"x": x[:, :13]})
        other = {"m": np.zeros((2, CONFIG["heads"], d // CONFIG["heads"], d // CONFIG["heads"]))} if entry == "main" else {"s": np.zeros((2, d, 2))}
        add("resume", "the last 10 tokens of whole", lambda rng: {"x": x[:, 13:]}, begin={**end, **other})
    return F.close()
