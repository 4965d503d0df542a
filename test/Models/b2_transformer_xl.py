"""b2_transformer_xl: Transformer-XL, a decoder whose layers remember their last inputs over segments (models.md B2).

Per layer, h its input and mem its memory (n rows), K, V from [mem; h], queries from h; score of query i and key j,
positions over the session, j <= i: ((q_i + u)·k_j + (q_i + v)·W_r R_{i-j}) / √D, R_p = [sin(p f); cos(p f)], f_c =
10000^(-2c/d). Post-norm: A = LN(h + out(attn)); h' = LN(A + W_down relu(W_up A)). Then mem = the last mem_len rows of
[mem; h]. The first segment has no memory. A call is a segment; within it all its tokens see all of the memory, so
results depend on how tokens are cut into calls.

    inputs    tokens [B, T] int32
    outputs   logits [B, T, vocab]
    states    mem [L, B, min(count, mem_len), d], oldest first; count [] int32, tokens seen so far
    weights   embed.weight [vocab, d], for each l: layers.l.attention.qkv.weight [3 H D, d], layers.l.attention.r.weight
              [H D, d], layers.l.attention.u, layers.l.attention.v [H, D], layers.l.attention.out.weight [d, H D],
              layers.l.norm1, layers.l.norm2.{weight, bias} [d], layers.l.ffn.up.{weight [f, d], bias},
              layers.l.ffn.down.{weight [d, f], bias}; head.{weight [vocab, d], bias}"""
import numpy as np

from attention import causal, merge, mix, packed, sinusoid, softmax
from common import Folder, Rng, linear, norm, norm_weights

CONFIG = {"model": "b2_transformer_xl", "d": 36, "heads": 3, "head_width": 12, "layers": 2, "ffn": 64, "vocab": 50, "mem_len": 16,
          "norm_eps": 1e-5}


def relative_attention(w, c, at, h, mem):
    """h [B, T, d], mem [B, n, d] → [B, T, H D]."""
    H, D, T, n = c["heads"], c["head_width"], h.shape[1], mem.shape[1]
    q, k, v = packed(linear(w, at + "qkv", np.concatenate([mem, h], 1)), H)
    q = q[:, :, n:]
    p = np.maximum(n + np.arange(T)[:, None] - np.arange(n + T)[None], 0)     # i - j; hidden keys (j > i) take 0
    r = linear(w, at + "r", sinusoid(np.arange(n + T), c["d"]).astype(h.dtype)).reshape(n + T, H, D).transpose(1, 0, 2)
    content = (q + w[at + "u"][:, None]) @ k.swapaxes(2, 3)
    place = np.einsum("bhid,hijd->bhij", q + w[at + "v"][:, None], r[:, p])
    s = (content + place) / np.sqrt(h.dtype.type(D))
    return merge(mix(softmax(s, causal(T, n + T)), v))


def main(w, c, tokens, state=None):
    B, T = tokens.shape
    h, keep = w["embed.weight"][tokens], []
    mem = state["mem"] if state else np.zeros((c["layers"], B, 0, c["d"]), h.dtype)
    for l in range(c["layers"]):
        at = f"layers.{l}."
        keep.append(np.concatenate([mem[l], h], 1)[:, -c["mem_len"]:])
        A = norm(w, at + "norm1", h + linear(w, at + "attention.out", relative_attention(w, c, at + "attention.", h, mem[l])), c["norm_eps"])
        h = norm(w, at + "norm2", A + linear(w, at + "ffn.down", np.maximum(linear(w, at + "ffn.up", A), 0)), c["norm_eps"])
    count = (int(state["count"]) if state else 0) + T
    return {"logits": linear(w, "head", h)}, {"mem": np.stack(keep), "count": np.int32(count)}


ENTRIES = {"main": (main, {})}


def weights(rng, c=CONFIG):
    d, f, H, D = c["d"], c["ffn"], c["heads"], c["head_width"]
    w = {"embed.weight": rng.vector(c["vocab"], d), "head.weight": rng.matrix(c["vocab"], d), "head.bias": rng.vector(c["vocab"], deviation=0.1)}
    for l in range(c["layers"]):
        at = f"layers.{l}."
        w |= {at + "attention.qkv.weight": rng.matrix(3 * H * D, d, 1.3), at + "attention.r.weight": rng.matrix(H * D, d),
              at + "attention.u": rng.vector(H, D, deviation=0.5), at + "attention.v": rng.vector(H, D, deviation=0.5),
              at + "attention.out.weight": rng.matrix(d, H * D), **norm_weights(rng, at + "norm1", d), **norm_weights(rng, at + "norm2", d),
              at + "ffn.up.weight": rng.matrix(f, d), at + "ffn.up.bias": rng.vector(f, deviation=0.1),
              at + "ffn.down.weight": rng.matrix(d, f), at + "ffn.down.bias": rng.vector(d, deviation=0.1)}
    return w


def make(folder):
    F = Folder(folder, CONFIG, weights(Rng(402)), ENTRIES)
    draw = lambda B, T: lambda rng: {"tokens": rng.below(CONFIG["vocab"], B, T)}
    F.add("single", "one token of a new session", draw(1, 1))
    F.add("longest", "40 tokens in one segment", draw(1, 40))
    F.add("batch", "batch 3 of 29 tokens", draw(3, 29))
    _, end, _ = F.add("begin", "batch 2, the first segment, 12 tokens: no memory", draw(2, 12))
    _, end, _ = F.add("second", "the second segment, 12 tokens: memory of 12, full after it", draw(2, 12), begin=end)
    _, end, _ = F.add("third", "the third segment, 12 tokens: memory of 16", draw(2, 12), begin=end)
    _, end, _ = F.add("step", "a segment of one token", draw(2, 1), begin=end)
    F.add("long_segment", "a segment of 29 tokens, longer than the memory", draw(2, 29), begin=end)
    return F.close()
