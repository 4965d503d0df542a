"""a0_iterative_block: the general halting block, per token (models.md A0).

S_0 = 0; S_t = Update(S_{t-1}, f(S_{t-1}, X)); h_t = σ(w·S_t + b) after the step; H_t = H_{t-1} + (1 - H_{t-1}) h_t;
a token stops at H_t >= 1 - ε or at the cap; Y = Σ (1 - H_{t-1}) h_t S_t; what is left, 1 - H_N, goes to the last step
(`assign`) or not (`drop`). f(S, X): U = LN(W_s S + W_x X + b); A = U + MHSA(U); f = A + W_down gelu(W_up LN(A)).
Stopped tokens keep their S, which still serves as key and value (freeze = state); padding is no key and never runs (S =
0, Y = 0, steps 0). A NaN score is never >= 1 - ε: such a row runs to the cap and shows NaN. Full attention inside a
sequence.

    inputs    x [B, T, d], lengths [B] int32
    outputs   y [B, T, d], state [B, T, d] (the last S), steps [B, T] int32; entry main_stack also steps2 [B, T] int32
    entries   main (update GRU, remainder assign), main_update_residual (S + f), main_update_replace (f),
              main_remainder_drop, main_stack (two blocks in sequence, each halting on its own: Y of the first is X of
              the second; state is that of the second, steps and steps2 of the first and second)
    weights   for block n = 0 (and 1, main_stack only), under blocks.n.:
              input.weight [d, d], input.bias [d], state.weight [d, d], norm1, norm2.{weight, bias} [d],
              attention.qkv.weight [3d, d], attention.out.weight [d, d], ffn.up.{weight [f, d], bias},
              ffn.down.{weight [d, f], bias}, gru.input.{weight [3d, d], bias}, gru.state.{weight [3d, d], bias} (rows
              r, z, n: S' = (1-z) n + z S, n = tanh(W_n f + b_n + r (U_n S + c_n))), halt.{weight [1, d], bias [1]}"""
import numpy as np

from attention import attention, merge, packed, sigmoid, valid_keys, valid_rows
from common import Decisions, Folder, Rng, add_padded, draw_x, gelu, gru, gru_weights, linear, norm, norm_weights, with_nan

CONFIG = {"model": "a0_iterative_block", "d": 24, "heads": 3, "head_width": 8, "ffn": 40, "cap": 6, "epsilon": 0.1,
          "norm_eps": 1e-5}


def part(w, n):
    """Weights of block n without their prefix."""
    return {k.split(".", 2)[2]: v for k, v in w.items() if k.startswith(f"blocks.{n}.")}


def f(w, c, S, X, visible):
    U = norm(w, "norm1", linear(w, "state", S) + linear(w, "input", X), c["norm_eps"])
    q, k, v = packed(linear(w, "attention.qkv", U), c["heads"])
    A = U + linear(w, "attention.out", merge(attention(q, k, v, visible)))
    return A + linear(w, "ffn.down", gelu(linear(w, "ffn.up", norm(w, "norm2", A, c["norm_eps"]))))


def block(w, c, X, lengths, update, remainder, decisions):
    """One halting block: Y, S [B, T, d], steps [B, T]. w: weights of this block."""
    T = X.shape[1]
    valid, visible = valid_rows(lengths, T), valid_keys(lengths, T)
    active, H, Y, S = valid, np.zeros(X.shape[:2], X.dtype), np.zeros_like(X), np.zeros_like(X)
    steps = np.zeros(X.shape[:2], np.int32)
    for t in range(1, c["cap"] + 1):
        F = f(w, c, S, X, visible)
        new = {"gru": lambda: gru(w, "gru", F, S), "residual": lambda: S + F, "replace": lambda: F}[update]()
        S = np.where(active[..., None], new, S)
        h = sigmoid(linear(w, "halt", S)[..., 0])
        after = H + (1 - H) * h
        last = active & (decisions.reached(after, 1 - c["epsilon"], active) if t < c["cap"] else True)
        weight = (1 - H) * h + (last & (remainder == "assign")) * (1 - after)
        Y = np.where(active[..., None], Y + weight[..., None] * S, Y)
        H = np.where(active, after, H)
        steps = steps + active.astype(np.int32)
        active = active & ~last
        if not active.any():
            break
    return Y, S, steps


def main(w, c, x, lengths, update="gru", remainder="assign"):
    decisions = Decisions()
    Y, S, steps = block(part(w, 0), c, x, lengths, update, remainder, decisions)
    return {"y": Y, "state": S, "steps": steps, **decisions.margins()}


def main_stack(w, c, x, lengths):
    decisions = Decisions()
    Y, _, steps = block(part(w, 0), c, x, lengths, "gru", "assign", decisions)
    Y, S, steps2 = block(part(w, 1), c, Y, lengths, "gru", "assign", decisions)
    return {"y": Y, "state": S, "steps": steps, "steps2": steps2, **decisions.margins()}


ENTRIES = {"main": (main, {}), "main_update_residual": (main, {"update": "residual"}),
           "main_update_replace": (main, {"update": "replace"}), "main_remainder_drop": (main, {"remainder": "drop"}),
           "main_stack": (main_stack, {})}


def weights(rng, c=CONFIG):
    d, n, w = c["d"], c["ffn"], {}
    for at in ("blocks.0.", "blocks.1."):
        w |= {at + "input.weight": rng.matrix(d, d), at + "input.bias": rng.vector(d, deviation=0.2),
              at + "state.weight": rng.matrix(d, d, 0.7), at + "attention.qkv.weight": rng.matrix(3 * d, d, 1.4),
              at + "attention.out.weight": rng.matrix(d, d), at + "ffn.up.weight": rng.matrix(n, d),
              at + "ffn.up.bias": rng.vector(n, deviation=0.2), at + "ffn.down.weight": rng.matrix(d, n),
              at + "ffn.down.bias": rng.vector(d, deviation=0.2), at + "halt.weight": rng.matrix(1, d, 4),
              at + "halt.bias": np.array([-0.5], np.float32)}
        w |= norm_weights(rng, at + "norm1", d) | norm_weights(rng, at + "norm2", d) | gru_weights(rng, at + "gru", d, d, 1.5)
    return w


def alike(B, T, d, lengths):
    """Tokens that are nearly one vector, so that they halt together."""
    def draw(rng):
        x = rng.vector(1, 1, d, deviation=2) + rng.vector(B, T, d, deviation=0.02)
        return {"x": x, "lengths": np.array(lengths, np.int32)}
    return draw


def make(folder):
    d, F = CONFIG["d"], Folder(folder, CONFIG, weights(Rng(201)), ENTRIES)
    add_padded(F, d)
    for entry in list(ENTRIES)[1:]:
        F.add(entry.removeprefix("main_"), "batch 3 of 13 tokens, lengths 13, 1, 8", draw_x(3, 13, d, [13, 1, 8]), entry)
    lengths = [9, 6]
    inside = np.arange(9) < np.array(lengths)[:, None]
    F.add("first", "every token halts at the first step", alike(2, 9, d, lengths),
          accept=lambda out: (out["steps"][inside] == 1).all())
    F.add("cap", "no token halts before the cap", alike(2, 9, d, lengths),
          accept=lambda out: (out["steps"][inside] == CONFIG["cap"]).all())
    F.add("cap_drop", "no token halts before the cap; the remainder is dropped", alike(2, 9, d, lengths), "main_remainder_drop",
          accept=lambda out: (out["steps"][inside] == CONFIG["cap"]).all())
    _, _, inputs = F.add("finite", "batch 3 of 7 tokens; the case `nan` is the same but for one NaN",
                         draw_x(3, 7, d, [7, 7, 5]))
    F.add("nan", "a NaN in the second sequence: its tokens run to the cap and are NaN, the others are those of `finite`",
          with_nan(inputs, "x", (1, 3, 5)))
    return F.close()
