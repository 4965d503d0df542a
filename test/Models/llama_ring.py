"""llama_ring: GQA decoder with rotary embedding, RMSNorm and SwiGLU over a ring cache kept by a session (models.md C6,
C7, C1).

Token at absolute position p (p = count at its arrival) sees the last C positions, p - C < j <= p. Per layer:
h += Wo attn(rotate(q), rotate(k), v); h += Wd (silu(Wg n) * Wu n), n = RMSNorm(h); logits = head(RMSNorm(h)). A call
appends T >= 1 tokens; the result does not depend on how tokens are cut into calls.

    inputs    tokens [B, T] int32
    outputs   logits [B, T, vocab]
    states    k, v [L, B, G, n, D], n = min(count, C), oldest first, keys rotated at absolute positions;
              count [] int32, tokens seen so far
    weights   embed.weight [vocab, d], layers.l.norm1.weight, layers.l.norm2.weight [d],
              layers.l.attention.qkv.weight [(H + 2G) D, d], layers.l.attention.out.weight [d, H D],
              layers.l.ffn.gate.weight, layers.l.ffn.up.weight [ffn, d], layers.l.ffn.down.weight [d, ffn],
              norm.weight [d], head.weight [vocab, d]; matrices of layer 0 are bfloat16"""
import numpy as np

from attention import attention, merge, packed, rotate
from common import Folder, Rng, linear, rms_norm, silu

CONFIG = {"model": "llama_ring", "d": 48, "heads": 4, "groups": 2, "head_width": 12, "layers": 2, "ffn": 96, "vocab": 64,
          "capacity": 16, "rope_base": 10000.0, "norm_eps": 1e-6}


def main(w, c, tokens, state=None):
    """tokens [B, T] after `count` earlier ones."""
    B, T = tokens.shape
    C, L = c["capacity"], c["layers"]
    h = w["embed.weight"][tokens]
    if state is None:
        empty = np.zeros((L, B, c["groups"], 0, c["head_width"]), h.dtype)
        state = {"k": empty, "v": empty, "count": np.int32(0)}
    count, n = int(state["count"]), state["k"].shape[3]
    i = count + np.arange(T)                                  # absolute positions of queries and of all keys
    j = np.concatenate([np.arange(count - n, count), i])
    visible = (j[None] <= i[:, None]) & (i[:, None] - j[None] < C)
    keys, values = [], []
    for l in range(L):
        x = rms_norm(h, w[f"layers.{l}.norm1.weight"], c["norm_eps"])
        q, k, v = packed(linear(w, f"layers.{l}.attention.qkv", x), c["heads"], c["groups"])
        k = np.concatenate([state["k"][l], rotate(k, i, c["rope_base"])], 2)
        v = np.concatenate([state["v"][l], v], 2)
        a = attention(rotate(q, i, c["rope_base"]), k, v, visible)
        h = h + linear(w, f"layers.{l}.attention.out", merge(a))
        x = rms_norm(h, w[f"layers.{l}.norm2.weight"], c["norm_eps"])
        x = silu(linear(w, f"layers.{l}.ffn.gate", x)) * linear(w, f"layers.{l}.ffn.up", x)
        h = h + linear(w, f"layers.{l}.ffn.down", x)
        keys.append(k[:, :, -C:])
        values.append(v[:, :, -C:])
    logits = linear(w, "head", rms_norm(h, w["norm.weight"], c["norm_eps"]))
    return {"logits": logits}, {"k": np.stack(keys), "v": np.stack(values), "count": np.int32(count + T)}


ENTRIES = {"main": (main, {})}


def weights(rng, c=CONFIG):
    d, f, D = c["d"], c["ffn"], c["head_width"]
    w = {"embed.weight": rng.vector(c["vocab"], d), "norm.weight": rng.vector(d, mean=1, deviation=0.1),
         "head.weight": rng.matrix(c["vocab"], d)}
    for l in range(c["layers"]):
        w[f"layers.{l}.norm1.weight"] = rng.vector(d, mean=1, deviation=0.1)
        w[f"layers.{l}.norm2.weight"] = rng.vector(d, mean=1, deviation=0.1)
        w[f"layers.{l}.attention.qkv.weight"] = rng.matrix((c["heads"] + 2 * c["groups"]) * D, d)
        w[f"layers.{l}.attention.out.weight"] = rng.matrix(d, c["heads"] * D)
        w[f"layers.{l}.ffn.gate.weight"] = rng.matrix(f, d)
        w[f"layers.{l}.ffn.up.weight"] = rng.matrix(f, d)
        w[f"layers.{l}.ffn.down.weight"] = rng.matrix(d, f)
    return w


def make(folder):
    w = weights(Rng(101))
    bf16 = [k for k in w if k.startswith("layers.0.") and w[k].ndim == 2]
    f = Folder(folder, CONFIG, w, ENTRIES, bf16=bf16)
    draw = lambda B, T: lambda rng: {"tokens": rng.below(CONFIG["vocab"], B, T)}
    f.add("single", "one token of a new session", draw(1, 1))
    f.add("longest", "40 tokens in one call, more than twice the ring", draw(1, 40))
    f.add("batch", "batch 3 of 29 tokens", draw(3, 29))
    _, end, _ = f.add("prefill", "batch 3 of 11 tokens, the ring is not full", draw(3, 11))
    _, end, _ = f.add("step", "one token more, after prefill", draw(3, 1), begin=end)
    _, end, _ = f.add("chunk", "7 tokens after step: the ring wraps inside the call", draw(3, 7), begin=end)
    _, end, _ = f.add("wrapped_step", "one token after chunk, the ring is full", draw(3, 1), begin=end)
    f.add("wrapped_chunk", "29 tokens after wrapped_step, more than the ring holds", draw(3, 29), begin=end)
    whole = f.add("whole", "batch 2 of 21 tokens in one call", draw(2, 21))[2]["tokens"]
    end = None
    for t in range(21):
        _, end, _ = f.add(f"token{t}", f"token {t} of whole, alone", lambda rng: {"tokens": whole[:, t:t + 1]}, begin=end)
    return f.close()
