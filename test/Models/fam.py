"""fam: TransformerFAM decoder, feedback attention memory (models.md B1). Trained; folder trained/fam.

Block t of b tokens, per layer; tokens and FAM share all weights:
 1. Q, K, V = QKV(LN I); Qf, Kf, Vf = QKV(LN F_{t-1});
 2. tokens attend [keys of the last m segments; Kf; own block, causal]: A = attn + I; O = FF(LN A) + A;
 3. FAM attends [Kf; the whole block]: A = attn + F_{t-1} (t = 0: no residual); F_t = FF(LN A) + A.
A partial last block is computed but updates neither FAM nor the ring (to go on, its tokens are fed again).

    inputs    tokens [B, T] int32
    outputs   logits [B, T, classes]
    states    block [] int32 blocks done, fam [L, B, f, d], k and v [L, B, heads, min(block, m) b, D] (keys rotated)
    weights   embed.weight [vocab, d], fam.prompt [f, d], layers.l.attention.{qkv [3d, d], out}.weight, layers.l.norm1,
              layers.l.norm2, layers.l.ffn.{up, down}, norm, head [classes, d] (each .weight and .bias)"""
import numpy as np

from attention import attention, causal, merge, packed, rotate
from common import gelu, linear, norm


def project(w, c, l, x, q_positions, k_positions):
    """Q, K, V = QKV(LN x), Q and K rotated: [B, heads, S, D] each."""
    n = norm(w, f"layers.{l}.norm1", x, c["norm_eps"])
    q, k, v = packed(linear(w, f"layers.{l}.attention.qkv", n), c["heads"])
    return rotate(q, q_positions, c["rope_base"]), rotate(k, k_positions, c["rope_base"]), v


def attend(w, l, q, k, v, visible=True):
    return linear(w, f"layers.{l}.attention.out", merge(attention(q, k, v, visible)))


def feed_forward(w, c, l, A):
    """FF(LN A) + A."""
    n = norm(w, f"layers.{l}.norm2", A, c["norm_eps"])
    return linear(w, f"layers.{l}.ffn.down", gelu(linear(w, f"layers.{l}.ffn.up", n))) + A


def initial_fam(w, c):
    """F_0 of every layer [L, f, d]: the learned embeddings carried up like a soft prompt (positions -f .. -1, no mask)."""
    F, out, at = w["fam.prompt"][None], [], np.arange(-c["fam"], 0)
    for l in range(c["layers"]):
        out.append(F[0])
        q, k, v = project(w, c, l, F, at, at)
        F = feed_forward(w, c, l, attend(w, l, q, k, v) + F)
    return np.stack(out)


def block_step(w, c, l, t, I, F, ring):
    """Block t of layer l. I [B, n, d] inputs, F = F_{t-1} [B, f, d], ring (k, v) → O, F_t, ring; unchanged if n < b."""
    b, f, n = c["block"], c["fam"], I.shape[1]
    pos = t * b + np.arange(n)
    before, after = t * b + np.arange(-f, 0), (t + 1) * b + np.arange(-f, 0)
    q, k, v = project(w, c, l, I, pos, pos)
    qf, kf, vf = project(w, c, l, F, after, before)
    seen = np.concatenate([np.ones((n, ring[0].shape[2] + f), bool), causal(n)], 1)
    A = attend(w, l, q, np.concatenate([ring[0], kf, k], 2), np.concatenate([ring[1], vf, v], 2), seen) + I
    O = feed_forward(w, c, l, A)
    if n < b:
        return O, F, ring
    A = attend(w, l, qf, np.concatenate([kf, k], 2), np.concatenate([vf, v], 2))
    if t > 0:
        A = A + F
    keep = c["memory"] * b
    ring = tuple(np.concatenate([old, new], 2)[:, :, -keep:] for old, new in zip(ring, (k, v)))
    return O, feed_forward(w, c, l, A), ring


def forward(w, c, tokens, state=None):
    B, T = tokens.shape
    b, L = c["block"], c["layers"]
    if state is None:
        t, F = 0, [np.repeat(x[None], B, 0) for x in initial_fam(w, c)]
        empty = np.zeros((B, c["heads"], 0, c["d"] // c["heads"]), F[0].dtype)
        ring = [(empty, empty)] * L
    else:
        t, F, ring = int(state["block"]), list(state["fam"]), list(zip(state["k"], state["v"]))
    out = []
    for at in range(0, T, b):
        I = w["embed.weight"][tokens[:, at:at + b]]
        for l in range(L):
            I, F[l], ring[l] = block_step(w, c, l, t, I, F[l], ring[l])
        out.append(linear(w, "head", norm(w, "norm", I, c["norm_eps"])))
        t += int(I.shape[1] == b)
    k, v = (np.stack(x) for x in zip(*ring))
    return {"logits": np.concatenate(out, 1)}, {"block": np.int32(t), "fam": np.stack(F), "k": k, "v": v}
