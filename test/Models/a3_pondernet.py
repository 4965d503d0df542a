"""a3_pondernet: PonderNet inference (models.md A3).

Step n = 1, 2, ...: h_n = GRU(input_n, h_{n-1}), y_n = W_y h_n + b_y, λ_n = σ(w·h_n + b), λ := 1 at the cap. A row stops
at the first success and its output is that y_n, not a mixture; h_0 is the learned `start`.
 main            row = sequence; input_n = single-head attention of the query W_q h_{n-1} + b_q over keys W_k x, values
                 W_v x (D = d); draws u_n < λ_n, u from Philox4x32-10: counter (draw 0, step n, row b, stream)
 main_token      row = token, input_n = x_t; draws as above with row b T + t
 main_threshold  row = token, input_n = x_t; p_n = λ_n Π_{j<n} (1 - λ_j); stops when Σ p >= τ
Padding never runs in the token entries (y = 0, steps 0, state = start); a sequence of length 0 in `main` attends
nothing, input_n = 0. A NaN λ never succeeds: the row runs to the cap.

    inputs    x [B, T, d], lengths [B] int32
    outputs   main: y [B, dy], steps [B] int32, state [B, d] (h at the stop);
              token entries: y [B, T, dy], steps [B, T] int32, state [B, T, d]
    config    seed (64 bit), stream, cap, tau
    weights   start [d], query.{weight [d, d], bias [d]}, key.weight [d, d], value.weight [d, d],
              gru.input.{weight [3d, d], bias}, gru.state.{weight [3d, d], bias} (rows r, z, n, as in
              a0_iterative_block), halt.{weight [1, d], bias [1]}, output.{weight [dy, d], bias [dy]}"""
import numpy as np

import philox
from attention import scores, sigmoid, softmax, valid_rows
from common import Decisions, Folder, Rng, add_padded, draw_x, gru, gru_weights, linear, with_nan

CONFIG = {"model": "a3_pondernet", "d": 20, "dy": 7, "cap": 6, "tau": 0.8, "seed": 0x1234567890ABCDEF, "stream": 3}


def read(w, h, x, visible):
    """Attention of one query a sequence: h [B, d], x [B, T, d] → [B, d]."""
    q = linear(w, "query", h)[:, None, None]
    k, v = linear(w, "key", x)[:, None], linear(w, "value", x)[:, None]
    return (softmax(scores(q, k), visible) @ v)[:, 0, 0]


def ponder(w, c, inputs, valid, stop):
    """The loop over rows of any shape R: valid R; inputs: h [R, d] → [R, d]; stop(n, λ, Σp, active) → bool R."""
    h = np.broadcast_to(w["start"], (*valid.shape, c["d"]))
    y, steps = np.zeros((*valid.shape, c["dy"]), h.dtype), np.zeros(valid.shape, np.int32)
    active, stay = valid, np.ones(valid.shape, h.dtype)       # Π (1 - λ); Σp = 1 - stay
    total = np.zeros(valid.shape, h.dtype)
    for n in range(1, c["cap"] + 1):
        h = np.where(active[..., None], gru(w, "gru", inputs(h), h), h)
        λ = sigmoid(linear(w, "halt", h)[..., 0])
        total, stay = total + λ * stay, stay * (1 - λ)
        last = active & (stop(n, λ, total, active) if n < c["cap"] else True)
        y = np.where(last[..., None], linear(w, "output", h), y)
        steps = steps + active.astype(np.int32)
        active = active & ~last
        if not active.any():
            break
    return {"y": y, "steps": steps, "state": h}


def bernoulli(c, rows, decisions):
    def stop(n, λ, total, active):
        return decisions.drawn(philox.uniform(c["seed"], 0, n, rows, c["stream"]), λ, active)
    return stop


def main(w, c, x, lengths):
    B, T, _ = x.shape
    visible, decisions = valid_rows(lengths, T)[:, None, None], Decisions()
    stop = bernoulli(c, np.arange(B), decisions)
    return {**ponder(w, c, lambda h: read(w, h, x, visible), np.ones(B, bool), stop), **decisions.margins()}


def main_token(w, c, x, lengths):
    B, T, _ = x.shape
    decisions = Decisions()
    stop = bernoulli(c, np.arange(B * T).reshape(B, T), decisions)
    return {**ponder(w, c, lambda h: x, valid_rows(lengths, T), stop), **decisions.margins()}


def main_threshold(w, c, x, lengths):
    decisions = Decisions()
    stop = lambda n, λ, total, active: decisions.reached(total, c["tau"], active)
    return {**ponder(w, c, lambda h: x, valid_rows(lengths, x.shape[1]), stop), **decisions.margins()}


ENTRIES = {"main": (main, {}), "main_token": (main_token, {}), "main_threshold": (main_threshold, {})}


def weights(rng, c=CONFIG):
    d, dy = c["d"], c["dy"]
    return {"start": rng.vector(d, deviation=0.5), "query.weight": rng.matrix(d, d), "query.bias": rng.vector(d, deviation=0.5),
            "key.weight": rng.matrix(d, d, 1.4), "value.weight": rng.matrix(d, d), **gru_weights(rng, "gru", d, d, 1.3),
            "halt.weight": rng.matrix(1, d, 3.5), "halt.bias": np.array([-0.7], np.float32),
            "output.weight": rng.matrix(dy, d), "output.bias": rng.vector(dy, deviation=0.2)}


def alike(B, T, d):
    """Tokens that are nearly one vector, so that rows stop together."""
    def draw(rng):
        x = rng.vector(1, 1, d, deviation=2) + rng.vector(B, T, d, deviation=0.02)
        return {"x": x, "lengths": np.full(B, T, np.int32)}
    return draw


def make(folder):
    F, d, cap = Folder(folder, CONFIG, weights(Rng(203)), ENTRIES), CONFIG["d"], CONFIG["cap"]
    for entry in ENTRIES:
        at, what = entry.removeprefix("main").lstrip("_"), "sequence" if entry == "main" else "token"
        at = at + "_" if at else ""
        add_padded(F, d, entry, at)
        T = 1 if entry == "main_token" else 5
        F.add(at + "first", f"every {what} stops at the first step", alike(2, T, d), entry,
              accept=lambda out: (out["steps"] == 1).all())
        F.add(at + "cap", f"no {what} stops before the cap", alike(2, T, d), entry,
              accept=lambda out: (out["steps"] == cap).all())
        _, _, inputs = F.add(at + "finite", "batch 3 of 7 tokens; the case `nan` is the same but for one NaN",
                             draw_x(3, 7, d, [7, 7, 5]), entry,
                             accept=lambda out: np.ravel(out["steps"][1])[0 if entry == "main" else 3] < cap)
        F.add(at + "nan", f"a NaN in the second sequence: its {what} runs to the cap and is NaN, all others are those of `finite`",
              with_nan(inputs, "x", (1, 3, 5)), entry)
    return F.close()
