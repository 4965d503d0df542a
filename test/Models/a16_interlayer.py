"""a16_interlayer: feedback between layers, a group of layers repeated with a gated state (models.md A16).

Layer 0 once: X = layer_0(x). Then t = 1, 2, ...: g = σ(W_g [X; S_{t-1}] + b_g); input = g ⊙ X + (1 - g) ⊙ S_{t-1}; out
= layer_2(layer_1(input)); S_t = GRU(out, S_{t-1}), S_0 = 0. Then layer 3 once: y = layer_3(S). A layer is pre-norm: A =
h + MHSA(LN h); A + W_down gelu(W_up LN A). Full attention inside a sequence, padding is no key.
 main         repeats K times, all positions
 main_halted  per token: h_t = σ(w·S_t + b) after the step, H_t = H_{t-1} + (1 - H_{t-1}) h_t, stops at H_t >= 1 - ε or
              the cap; a stopped token keeps S, goes on through layers 1 and 2 as key and value from its kept S, and the
              last S counts (no mixture). Padding never runs: S = 0, steps 0. A NaN score is never >= 1 - ε: the row
              runs to the cap.

    inputs    x [B, T, d], lengths [B] int32
    outputs   y [B, T, d], state [B, T, d] (the last S); main_halted also steps [B, T] int32
    weights   layers.l.norm1, layers.l.norm2.{weight, bias} [d], layers.l.attention.qkv.weight [3d, d],
              layers.l.attention.out.weight [d, d], layers.l.ffn.up.{weight [f, d], bias}, layers.l.ffn.down.{weight [d,
              f], bias} for l = 0 .. 3, fuse.{weight [d, 2d], bias [d]}, gru.input.{weight [3d, d], bias},
              gru.state.{weight [3d, d], bias} (rows r, z, n, as in a0_iterative_block), halt.{weight [1, d], bias
              [1]}"""
import numpy as np

from attention import attention, merge, packed, sigmoid, valid_keys, valid_rows
from common import (Decisions, Folder, Rng, add_padded, draw_x, gelu, gru, gru_weights, linear, norm, norm_weights,
                    with_nan)

CONFIG = {"model": "a16_interlayer", "d": 24, "heads": 2, "head_width": 12, "ffn": 40, "layers": 4, "repeats": 3, "cap": 5,
          "epsilon": 0.2, "norm_eps": 1e-5}


def layer(w, c, l, h, visible):
    at = f"layers.{l}."
    q, k, v = packed(linear(w, at + "attention.qkv", norm(w, at + "norm1", h, c["norm_eps"])), c["heads"])
    A = h + linear(w, at + "attention.out", merge(attention(q, k, v, visible)))
    return A + linear(w, at + "ffn.down", gelu(linear(w, at + "ffn.up", norm(w, at + "norm2", A, c["norm_eps"]))))


def step(w, c, X, S, visible):
    """S_t from S_{t-1}, all positions."""
    g = sigmoid(linear(w, "fuse", np.concatenate([X, S], -1)))
    return gru(w, "gru", layer(w, c, 2, layer(w, c, 1, g * X + (1 - g) * S, visible), visible), S)


def main(w, c, x, lengths):
    visible = valid_keys(lengths, x.shape[1])
    X = layer(w, c, 0, x, visible)
    S = np.zeros_like(X)
    for _ in range(c["repeats"]):
        S = step(w, c, X, S, visible)
    return {"y": layer(w, c, 3, S, visible), "state": S}


def main_halted(w, c, x, lengths):
    visible, decisions = valid_keys(lengths, x.shape[1]), Decisions()
    X = layer(w, c, 0, x, visible)
    S, active = np.zeros_like(X), valid_rows(lengths, x.shape[1])
    H, steps = np.zeros(active.shape, x.dtype), np.zeros(active.shape, np.int32)
    for t in range(1, c["cap"] + 1):
        S = np.where(active[..., None], step(w, c, X, S, visible), S)
        h = sigmoid(linear(w, "halt", S)[..., 0])
        H = np.where(active, H + (1 - H) * h, H)
        steps = steps + active.astype(np.int32)
        if t < c["cap"]:
            active = active & ~decisions.reached(H, 1 - c["epsilon"], active)
        if not active.any():
            break
    return {"y": layer(w, c, 3, S, visible), "state": S, "steps": steps, **decisions.margins()}


ENTRIES = {"main": (main, {}), "main_halted": (main_halted, {})}


def weights(rng, c=CONFIG):
    d, f = c["d"], c["ffn"]
    w = {"fuse.weight": rng.matrix(d, 2 * d, 1.5), "fuse.bias": rng.vector(d, deviation=0.2), "halt.weight": rng.matrix(1, d, 4),
         "halt.bias": np.array([-0.5], np.float32), **gru_weights(rng, "gru", d, d)}
    for l in range(c["layers"]):
        at = f"layers.{l}."
        w |= {at + "attention.qkv.weight": rng.matrix(3 * d, d, 1.3), at + "attention.out.weight": rng.matrix(d, d),
              at + "ffn.up.weight": rng.matrix(f, d), at + "ffn.up.bias": rng.vector(f, deviation=0.2),
              at + "ffn.down.weight": rng.matrix(d, f), at + "ffn.down.bias": rng.vector(d, deviation=0.2),
              **norm_weights(rng, at + "norm1", d), **norm_weights(rng, at + "norm2", d)}
    return w


def alike(B, T, lengths):
    """Tokens that are nearly one vector, so that they halt together."""
    def draw(rng):
        d = CONFIG["d"]
        x = rng.vector(1, 1, d, deviation=3) + rng.vector(B, T, d, deviation=0.02)
        return {"x": x, "lengths": np.array(lengths, np.int32)}
    return draw


def make(folder):
    F, d, cap = Folder(folder, CONFIG, weights(Rng(206)), ENTRIES), CONFIG["d"], CONFIG["cap"]
    add_padded(F, d)
    add_padded(F, d, "main_halted", "halted_")
    inside = np.arange(9) < np.array([9, 6])[:, None]
    F.add("halted_first", "every token stops at the first step", alike(2, 9, [9, 6]), "main_halted",
          accept=lambda out: (out["steps"][inside] == 1).all())
    F.add("halted_cap", "no token stops before the cap", alike(2, 9, [9, 6]), "main_halted",
          accept=lambda out: (out["steps"][inside] == cap).all())
    _, _, inputs = F.add("halted_finite", "batch 3 of 7 tokens; the case `halted_nan` is the same but for one NaN",
                         draw_x(3, 7, d, [7, 7, 5]), "main_halted")
    F.add("halted_nan", "a NaN in the second sequence: its tokens run to the cap and are NaN, the others are those of `halted_finite`",
          with_nan(inputs, "x", (1, 3, 5)), "main_halted")
    return F.close()
