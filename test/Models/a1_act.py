"""a1_act: adaptive computation time over a recurrent network (Graves 2016, models.md A1).

For each input t in order: s^1 = S(s_{t-1}, [x_t; 1]), s^n = S(s^{n-1}, [x_t; 0]), S(s, x) = tanh(W_x x + W_s s + b);
h^n = σ(w·s^n + b_h), after the transition; N = min(cap, min{n : Σ_{k<=n} h^k >= 1 - ε}); R = 1 - Σ_{k<N} h^k; weights
p^n = h^n (n < N), p^N = R, also at the cap. s_t = Σ p^n s^n is carried on, y_t = Σ p^n (W_y s^n + b_y). s_0 = 0.
Rows of a batch halt on their own; at t >= length a row does nothing: y = 0, steps 0, remainder 0, s carried on. A NaN
sum is never >= 1 - ε: the row runs to the cap.

    inputs    x [B, T, dx], lengths [B] int32
    outputs   y [B, T, dy], steps [B, T] int32 (N), remainder [B, T] (R), state [B, d] (the last s_t)
    weights   input.weight [d, dx + 1] (the last column is the first-step flag's), input.bias [d], state.weight [d, d],
              halt.{weight [1, d], bias [1]}, output.{weight [dy, d], bias [dy]}"""
import numpy as np

from attention import sigmoid
from common import Decisions, Folder, Rng, add_padded, draw_x, linear, with_nan

CONFIG = {"model": "a1_act", "dx": 12, "d": 20, "dy": 10, "cap": 5, "epsilon": 0.01}


def weigh(h, epsilon=0.01):
    """N, R and the weights of halting scores h = (h^1, ..., h^M), one row; M is the cap."""
    total = 0.0
    for n, x in enumerate(h, 1):
        if np.float32(total + x) >= np.float32(1 - epsilon) or n == len(h):
            return n, 1 - total, [*h[:n - 1], 1 - total]
        total += x


def main(w, c, x, lengths):
    B, T, _ = x.shape
    d, cap, decisions = c["d"], c["cap"], Decisions()
    s = np.zeros((B, d), x.dtype)
    y, remainder = np.zeros((B, T, c["dy"]), x.dtype), np.zeros((B, T), x.dtype)
    steps = np.zeros((B, T), np.int32)
    for t in range(T):
        active = t < lengths
        inner, total = s, np.zeros(B, x.dtype)                # s^{n-1} and Σ_{k<n} h^k
        mean_s, mean_y = np.where(active[:, None], 0, s), np.zeros((B, c["dy"]), x.dtype)
        for n in range(1, cap + 1):
            flag = np.full((B, 1), n == 1, x.dtype)
            inner = np.tanh(linear(w, "input", np.concatenate([x[:, t], flag], 1)) + linear(w, "state", inner))
            h = sigmoid(linear(w, "halt", inner)[:, 0])
            last = active & (decisions.reached(total + h, 1 - c["epsilon"], active) if n < cap else True)
            p = np.where(last, 1 - total, h) * active
            mean_s = np.where(active[:, None], mean_s + p[:, None] * inner, mean_s)
            mean_y = np.where(active[:, None], mean_y + p[:, None] * linear(w, "output", inner), mean_y)
            steps[:, t] += active
            remainder[:, t] = np.where(last, 1 - total, remainder[:, t])
            total = np.where(active, total + h, total)
            active = active & ~last
        s, y[:, t] = mean_s, mean_y
    return {"y": y, "steps": steps, "remainder": remainder, "state": s, **decisions.margins()}


ENTRIES = {"main": (main, {})}


def weights(rng, c=CONFIG):
    dx, d, dy = c["dx"], c["d"], c["dy"]
    return {"input.weight": rng.matrix(d, dx + 1, 1.2), "input.bias": rng.vector(d, deviation=0.2),
            "state.weight": rng.matrix(d, d, 0.9), "halt.weight": rng.matrix(1, d, 4.5),
            "halt.bias": np.array([-0.6], np.float32), "output.weight": rng.matrix(dy, d),
            "output.bias": rng.vector(dy, deviation=0.2)}


def alike(B, T):
    """Inputs that are nearly one vector, so that they halt together."""
    def draw(rng):
        x = rng.vector(1, 1, CONFIG["dx"], deviation=3) + rng.vector(B, T, CONFIG["dx"], deviation=0.02)
        return {"x": x, "lengths": np.full(B, T, np.int32)}
    return draw


def make(folder):
    F, dx = Folder(folder, CONFIG, weights(Rng(202)), ENTRIES), CONFIG["dx"]
    add_padded(F, dx)
    F.add("first", "every input halts at the first step", alike(2, 7), accept=lambda out: (out["steps"] == 1).all())
    F.add("cap", "no input halts before the cap, which takes the remainder", alike(2, 7),
          accept=lambda out: (out["steps"] == CONFIG["cap"]).all())
    _, _, inputs = F.add("finite", "batch 3 of 7 inputs; the case `nan` is the same but for one NaN", draw_x(3, 7, dx, [7, 7, 5]))
    F.add("nan", "a NaN in input 3 of the second row: it runs to the cap and is NaN from there on, other rows are those of `finite`",
          with_nan(inputs, "x", (1, 3, 5)))
    return F.close()
