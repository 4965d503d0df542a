"""c01_rotary: the forms of rotary position embedding, causal attention (models.md C1).

A form is frequencies θ_c, a pairing of elements, and a factor on cosine and sine; angles are position · θ_c.
 main              half-split pairs (c, c + D/2), θ_c = base^(-2c/D)
 main_interleaved  pairs (2c, 2c + 1)
 main_partial      the first 8 of 16 elements, interleaved; the others pass
 main_pi           positions / s: θ_c / s (position interpolation)
 main_ntk          base · α^(D/(D-2))
 main_yarn         θ_c / s · ramp + θ_c · (1 - ramp), ramp over dim(r) = D ln(L / 2πr) / (2 ln base) from ⌊dim(32)⌋ to ⌈dim(1)⌉; factor 0.1 ln s + 1
 main_longrope     θ_c / λ_c, a factor a dimension
 main_far          positions from 1,000,000: relative positions alone matter, so that y is that of `main` but for rounding of the angles

    inputs    x [B, T, d], lengths [B] int32
    outputs   y [B, T, d]
    weights   attention.qkv.weight [3 H D, d], attention.out.weight [d, H D]"""
import numpy as np

from attention import attention, causal, merge, valid_keys
from c_layers import open_folder, project
from common import add_padded, linear

CONFIG = {"model": "c01_rotary", "d": 32, "heads": 2, "head_width": 16, "base": 10000.0, "partial": 8, "scale": 4.0, "alpha": 8.0, "length": 64,
          "factors": [1.0, 1.25, 1.5, 2.0, 2.75, 3.5, 5.0, 8.0], "far": 1000000}


def frequencies(c, form):
    """θ [pairs], in f64."""
    D = c["partial"] if form == "partial" else c["head_width"]
    base = c["base"] * c["alpha"] ** (D / (D - 2)) if form == "ntk" else c["base"]
    theta = base ** (-np.arange(D // 2) * 2 / D)
    if form == "pi":
        return theta / c["scale"]
    if form == "longrope":
        return theta / np.array(c["factors"])
    if form == "yarn":
        dim = lambda r: D * np.log(c["length"] / (2 * np.pi * r)) / (2 * np.log(base))
        low, high = max(np.floor(dim(32)), 0), min(np.ceil(dim(1)), D - 1)
        ramp = np.clip((np.arange(D // 2) - low) / (high - low), 0, 1)
        return theta / c["scale"] * ramp + theta * (1 - ramp)
    return theta


def turn(x, c, form):
    """x [B, H, T, D] at its positions."""
    theta = frequencies(c, form)
    at = np.arange(x.shape[2]) + (c["far"] if form == "far" else 0)
    angle, n = at[:, None] * theta, 2 * len(theta)
    factor = 0.1 * np.log(c["scale"]) + 1 if form == "yarn" else 1.0
    cos, sin = (factor * np.cos(angle)).astype(x.dtype), (factor * np.sin(angle)).astype(x.dtype)
    pairs = (slice(0, n, 2), slice(1, n, 2)) if form in ("interleaved", "partial") else (slice(0, n // 2), slice(n // 2, n))
    a, b, y = x[..., pairs[0]], x[..., pairs[1]], x.copy()
    y[..., pairs[0]], y[..., pairs[1]] = a * cos - b * sin, b * cos + a * sin
    return y


def main(w, c, x, lengths, form="plain"):
    T = x.shape[1]
    q, k, v = project(w, c, x)
    heads = attention(turn(q, c, form), turn(k, c, form), v, valid_keys(lengths, T) & causal(T))
    return {"y": linear(w, "attention.out", merge(heads))}


FORMS = ("interleaved", "partial", "pi", "ntk", "yarn", "longrope", "far")
ENTRIES = {"main": (main, {}), **{f"main_{f}": (main, {"form": f}) for f in FORMS}}


def make(folder):
    F = open_folder(folder, CONFIG, 301, ENTRIES, gain=1.5)
    for entry in ENTRIES:
        at = entry.removeprefix("main").lstrip("_")
        add_padded(F, CONFIG["d"], entry, at and at + "_")
    return F.close()
