"""a11_hrm: two recurrent states at two rates, and a halting head (HRM; models.md A11).

z_L = z_H = 0. A cycle: 2 times { 3 times z_L = low(z_L + z_H + x); z_H = high(z_H + z_L) }, then q = W_q z_H[:, 0] + b_q; the sequence stops where
q_0 > q_1 (compared as q_0 - q_1 > 0), at 5 cycles in any case. y = out(z_H). low and high are a16_interlayer's layers. A sequence that has
stopped keeps both states; refilling its place with new input is the caller's.

    inputs    x [B, T, d], lengths [B] int32
    outputs   y [B, T, 10], steps [B] int32 (cycles)
    weights   layers.low, layers.high (as in a16_interlayer), halt.{weight [2, d], bias [2]}, out.{weight [10, d], bias}"""
import numpy as np

from a_layers import SIZES, layer_weights, linear_weights, transformer
from attention import valid_keys
from common import Decisions, Folder, Rng, draw_x, linear

CONFIG = {"model": "a11_hrm", **SIZES, "high_cycles": 2, "low_cycles": 3, "cap": 5, "classes": 10}


def main(w, c, x, lengths):
    decisions, visible = Decisions(), valid_keys(lengths, x.shape[1])
    low, high = np.zeros_like(x), np.zeros_like(x)
    active, steps = np.ones(x.shape[0], bool), np.zeros(x.shape[0], np.int32)
    for t in range(1, c["cap"] + 1):
        zl, zh = low, high
        for _ in range(c["high_cycles"]):
            for _ in range(c["low_cycles"]):
                zl = transformer(w, c, "low", zl + zh + x, visible)
            zh = transformer(w, c, "high", zh + zl, visible)
        low, high = (np.where(active[:, None, None], new, old) for new, old in ((zl, low), (zh, high)))
        steps = steps + active.astype(np.int32)
        q = linear(w, "halt", high[:, 0])
        if t < c["cap"]:
            active = active & ~decisions.above(q[:, 0] - q[:, 1], 0, active)
        if not active.any():
            break
    return {"y": linear(w, "out", high), "steps": steps, **decisions.margins()}


ENTRIES = {"main": (main, {})}


def make(folder):
    rng, d = Rng(211), CONFIG["d"]
    w = layer_weights(rng, "low", 0.5) | layer_weights(rng, "high", 0.5) | linear_weights(rng, "halt", 2, d, 0.5) | linear_weights(rng, "out", CONFIG["classes"], d)
    F = Folder(folder, CONFIG, w, ENTRIES)
    F.add("single", "one token", draw_x(1, 1, d, [1], 0.3))
    F.add("longest", "25 tokens", draw_x(1, 25, d, [25], 0.3))
    F.add("batch", "sequences that stop after different cycles", draw_x(5, 13, d, [13, 8, 3, 13, 1], 0.3), accept=lambda out: len(set(out["steps"])) >= 2)
    F.add("cap", "none stops before the cap", draw_x(2, 7, d, [7, 4], 0.3), accept=lambda out: (out["steps"] == CONFIG["cap"]).all())
    return F.close()
