"""b7_infini: Infini-attention, a compressive memory per head beside attention within a segment (models.md B7).

A call is cut into segments of b tokens; a partial last one is a segment of its own and updates the memory too. Per
layer, pre-norm, and segment: local = causal attention within the segment, queries and keys rotated (half-split) at the
position in the segment; read = φ(Q) M / (φ(Q) z), φ(x) = elu(x) + 1, queries not rotated; a = σ(β_h) read + (1 -
σ(β_h)) local; where φ(Q) z = 0 (empty memory) a = local alone; then M += φ(K)ᵀ V, z += Σ φ(K), keys not rotated. h +=
out(a); h += W_down gelu(W_up LN h). y = LN(h) of the last layer.

    inputs    x [B, T, d]
    outputs   y [B, T, d]
    states    memory [L, B, H, D, D], norm [L, B, H, D]
    weights   for each l: layers.l.norm1, layers.l.norm2.{weight, bias} [d], layers.l.attention.qkv.weight [3 H D, d],
              layers.l.attention.beta [H], layers.l.attention.out.weight [d, H D], layers.l.ffn.up.{weight [f, d],
              bias}, layers.l.ffn.down.{weight [d, f], bias}; norm.{weight, bias}"""
import numpy as np

from attention import attention, causal, merge, packed, rotate, sigmoid
from common import Folder, Rng, draw_x, gelu, linear, norm, norm_weights

CONFIG = {"model": "b7_infini", "d": 32, "heads": 2, "head_width": 16, "layers": 2, "ffn": 48, "segment": 8, "rope_base": 10000.0,
          "norm_eps": 1e-5}


def phi(x):
    """elu(x) + 1."""
    return np.where(x > 0, x + 1, np.exp(np.minimum(x, 0)))


def infini(w, c, at, n, M, z):
    """n [B, b, d] normalised inputs of a segment, M [B, H, D, D], z [B, H, D] → attention [B, b, H D], M, z."""
    q, k, v = packed(linear(w, at + "qkv", n), c["heads"])
    p = np.arange(n.shape[1])
    local = attention(rotate(q, p, c["rope_base"]), rotate(k, p, c["rope_base"]), v, causal(len(p)))
    below = phi(q) @ z[..., None]                                             # [B, H, b, 1]
    read = phi(q) @ M / np.where(below == 0, 1, below)
    g = sigmoid(w[at + "beta"])[:, None, None]
    a = np.where(below == 0, local, g * read + (1 - g) * local)
    return merge(a), M + phi(k).swapaxes(2, 3) @ v, z + phi(k).sum(2)


def main(w, c, x, state=None):
    B, T, _ = x.shape
    H, D, L = c["heads"], c["head_width"], c["layers"]
    M = list(state["memory"]) if state else [np.zeros((B, H, D, D), x.dtype)] * L
    z = list(state["norm"]) if state else [np.zeros((B, H, D), x.dtype)] * L
    out = []
    for start in range(0, T, c["segment"]):
        h = x[:, start:start + c["segment"]]
        for l in range(L):
            at = f"layers.{l}."
            a, M[l], z[l] = infini(w, c, at + "attention.", norm(w, at + "norm1", h, c["norm_eps"]), M[l], z[l])
            h = h + linear(w, at + "attention.out", a)
            h = h + linear(w, at + "ffn.down", gelu(linear(w, at + "ffn.up", norm(w, at + "norm2", h, c["norm_eps"]))))
        out.append(norm(w, "norm", h, c["norm_eps"]))
    return {"y": np.concatenate(out, 1)}, {"memory": np.stack(M), "norm": np.stack(z)}


ENTRIES = {"main": (main, {})}


def weights(rng, c=CONFIG):
    d, f, H, D = c["d"], c["ffn"], c["heads"], c["head_width"]
    w = norm_weights(rng, "norm", d)
    for l in range(c["layers"]):
        at = f"layers.{l}."
        w |= {at + "attention.qkv.weight": rng.matrix(3 * H * D, d, 1.2), at + "attention.beta": rng.vector(H),
              at + "attention.out.weight": rng.matrix(d, H * D), **norm_weights(rng, at + "norm1", d), **norm_weights(rng, at + "norm2", d),
              at + "ffn.up.weight": rng.matrix(f, d), at + "ffn.up.bias": rng.vector(f, deviation=0.1),
              at + "ffn.down.weight": rng.matrix(d, f), at + "ffn.down.bias": rng.vector(d, deviation=0.1)}
    return w


def make(folder):
    F, d, b = Folder(folder, CONFIG, weights(Rng(407)), ENTRIES), CONFIG["d"], CONFIG["segment"]
    F.add("single", "one token of a new session: local attention only", draw_x(1, 1, d))
    F.add("segment", "one whole segment of a new session", draw_x(1, b, d))
    F.add("longest", "40 tokens, five segments", draw_x(1, 40, d))
    F.add("batch", "batch 3 of 29 tokens: the last segment is partial", draw_x(3, 29, d))
    x = F.add("whole", "batch 2 of 37 tokens in one call", draw_x(2, 37, d))[2]["x"]
    _, end, _ = F.add("begin", "the first two segments of whole", lambda rng: {"x": x[:, :2 * b]})
    _, end, _ = F.add("resume", "the rest of whole", lambda rng: {"x": x[:, 2 * b:]}, begin=end)
    F.add("step", "one token after it, a segment of its own", draw_x(2, 1, d), begin=end)
    return F.close()
