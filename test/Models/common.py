"""What the definitions share: layers, halting decisions, and the folders of weights and cases.

A model file has CONFIG (written to config.json), `weights(rng)`, its definition, `ENTRIES` {entry: (function, options)}
and `make(folder)`. A definition is called as `function(w, c, **inputs, **options)` and returns {output: array}; with
state, `function(w, c, **inputs, state=None)` returns ({output: array}, {state: array}). Halting models return their
`margin` (closest halting decision to its threshold) and `draw_margin` (the same of random draws) among the outputs;
they decide about redrawing the inputs and are not stored."""
import json
import math
import pathlib
import zlib

import numpy as np

import tensors
from attention import sigmoid

MARGIN, DRAW_MARGIN, ROUNDING = 1e-3, 1e-4, 5e-6


def linear(w, name, x):
    """x @ W.T + b, W = name.weight [out, in]; the bias only if name.bias exists."""
    y = x @ w[name + ".weight"].T
    return y + w[name + ".bias"] if name + ".bias" in w else y


def layer_norm(x, weight=1, bias=0, eps=1e-5):
    """Over the last axis, population variance."""
    m = x.mean(-1, keepdims=True)
    return (x - m) / np.sqrt(((x - m) ** 2).mean(-1, keepdims=True) + eps) * weight + bias


def norm(w, name, x, eps=1e-5):
    """layer_norm with name.weight and name.bias."""
    return layer_norm(x, w[name + ".weight"], w[name + ".bias"], eps)


def rms_norm(x, weight=1, eps=1e-6):
    """x / sqrt(mean(x²) + eps) * weight over the last axis."""
    return x / np.sqrt((x ** 2).mean(-1, keepdims=True) + eps) * weight


def erf(x):
    return np.fromiter(map(math.erf, x.ravel().tolist()), x.dtype, x.size).reshape(x.shape)


def gelu(x):
    """Exact: x Φ(x)."""
    return x * (1 + erf(x / np.sqrt(x.dtype.type(2)))) / 2


def silu(x):
    return x * sigmoid(x)


def softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def gru(w, name, x, h):
    """h' = (1-z) n + z h; r, z = σ(W x + U h), n = tanh(W_n x + b_n + r (U_n h + c_n)); rows of the weights: r, z, n.
    name.input.weight [3d, dx], name.input.bias, name.state.weight [3d, d], name.state.bias [3d]."""
    a, b = linear(w, name + ".input", x), linear(w, name + ".state", h)
    (ar, az, an), (br, bz, bn) = np.split(a, 3, -1), np.split(b, 3, -1)
    z = sigmoid(az + bz)
    return (1 - z) * np.tanh(an + sigmoid(ar + br) * bn) + z * h


class Decisions:
    """Halting decisions. Values are rounded to f32 before they are compared; margin is the closest |value - threshold| of
    rows that were live, draw_margin the same for random draws. NaN decides nothing and has no margin."""

    def __init__(self):
        self.margin = self.draw_margin = np.inf

    def _closest(self, value, threshold, live, before):
        gap = np.abs(np.asarray(value, np.float64) - threshold)[np.broadcast_to(live, np.shape(value))]
        gap = gap[~np.isnan(gap)]
        return min(before, gap.min()) if gap.size else before

    def reached(self, value, threshold, live=True):
        """value >= threshold, in f32."""
        self.margin = self._closest(value, threshold, live, self.margin)
        return np.float32(value) >= np.float32(threshold)

    def above(self, value, threshold, live=True):
        """value > threshold, in f32."""
        self.margin = self._closest(value, threshold, live, self.margin)
        return np.float32(value) > np.float32(threshold)

    def below(self, value, threshold, live=True):
        """value < threshold, in f32."""
        self.margin = self._closest(value, threshold, live, self.margin)
        return np.float32(value) < np.float32(threshold)

    def drawn(self, u, p, live=True):
        """Bernoulli: u < p, in f32."""
        self.draw_margin = self._closest(p, u, live, self.draw_margin)
        return np.float32(u) < np.float32(p)

    def margins(self):
        return {"_margin": self.margin, "_draw_margin": self.draw_margin}


class Rng(np.random.RandomState):
    """RandomState, whose stream NumPy promises not to change. Everything drawn is float32 or int32."""

    def matrix(self, rows, columns, gain=1.0):
        """Normal with deviation gain / √columns: keeps the size of what it multiplies."""
        return (self.standard_normal((rows, columns)) * (gain / columns ** 0.5)).astype(np.float32)

    def vector(self, *shape, mean=0.0, deviation=1.0):
        return (mean + deviation * self.standard_normal(shape)).astype(np.float32)

    def below(self, high, *shape):
        return self.randint(0, high, shape).astype(np.int32)


def norm_weights(rng, name, d):
    return {name + ".weight": rng.vector(d, mean=1, deviation=0.1), name + ".bias": rng.vector(d, deviation=0.1)}


def gru_weights(rng, name, dx, d, gain=1.0):
    return {name + ".input.weight": rng.matrix(3 * d, dx, gain), name + ".input.bias": rng.vector(3 * d, deviation=0.2),
            name + ".state.weight": rng.matrix(3 * d, d, gain), name + ".state.bias": rng.vector(3 * d, deviation=0.2)}


def load(folder, dtype=np.float64):
    """(weights in dtype, config) of a model folder."""
    folder = pathlib.Path(folder)
    w, _ = tensors.read(folder / "weights.safetensors")
    return {k: v.astype(dtype) for k, v in w.items()}, json.loads((folder / "config.json").read_text())


def rounding(want, got):
    """The largest difference of two dictionaries of arrays, each relative to its largest magnitude; infinite where shapes,
    integers or the places of NaN differ."""
    worst = 0.0
    for name, a in want.items():
        a, b = np.asarray(a), np.asarray(got[name])
        if a.shape != b.shape or (a.dtype.kind != "f" and (a != b).any()) or (np.isnan(a) != np.isnan(b)).any():
            return np.inf
        if a.dtype.kind == "f" and a.size and not np.isnan(a).all():
            worst = max(worst, np.nanmax(np.abs(a - b)) / max(np.nanmax(np.abs(a)), 1e-30))
    return float(worst)


class Folder:
    """Writes a model's folder: weights and config at once, cases by `add`, `close` ends it."""

    def __init__(self, folder, config, weights, entries, bf16=(), f16=()):
        self.path = pathlib.Path(folder)
        self.path.mkdir(parents=True, exist_ok=True)
        self.name, self.entries = config["model"], entries
        self.arrays, self.cases, self.error = {}, {}, 0.0
        weights = {k: v.astype(np.float16) if k in f16 else v for k, v in weights.items()}
        tensors.write(self.path / "weights.safetensors", weights, bf16=bf16)
        (self.path / "config.json").write_text(json.dumps(config, indent=2) + "\n")
        self.w, self.c = load(self.path)
        self.w32, _ = load(self.path, np.float32)

    def call(self, entry, inputs, begin=None, dtype=np.float64, weights=None):
        """(outputs, end state) of an entry; inputs and state in float32 or float64, weights likewise."""
        function, options = self.entries[entry]
        cast = lambda a: {k: v.astype(dtype) if v.dtype.kind == "f" else v for k, v in a.items()}
        w = weights or (self.w if dtype == np.float64 else self.w32)
        if begin is None:
            got = function(w, self.c, **cast(inputs), **options)
        else:
            got = function(w, self.c, **cast(inputs), state=cast(begin), **options)
        return got if isinstance(got, tuple) else (got, {})

    def sensitivity(self, entry, inputs, begin, want):
        """The largest change of the results, by `rounding`, when weights change as by rounding in float32: what amplifies
        that is a case on which implementations differ by chance."""
        worst = 0.0
        for seed in range(3):
            rng = np.random.RandomState(seed)
            nearly = {k: v * (1 + 1e-7 * rng.standard_normal(v.shape)) for k, v in self.w.items()}
            out, end = self.call(entry, inputs, begin, weights=nearly)
            worst = max(worst, rounding(want, {**out, **end}))
        return worst

    def add(self, case, about, inputs, entry="main", begin=None, accept=lambda out: True):
        """Runs one case and keeps it. inputs: rng → {name: array}, called with new seeds until the margins are wide,
        float32 agrees (integers equal, floats within ROUNDING of the largest), so do slightly other weights, and `accept` does;
        begin: state to start from. Returns (outputs, end state, inputs)."""
        for attempt in range(5000):
            drawn = inputs(Rng(zlib.crc32(f"{self.name}.{case}".encode()) + attempt))
            out, end = self.call(entry, drawn, begin)
            wide = out.get("_margin", np.inf) >= MARGIN and out.get("_draw_margin", np.inf) >= DRAW_MARGIN
            if wide and accept(out):
                out32, end32 = self.call(entry, drawn, begin, np.float32)
                stored = {k: v for k, v in out.items() if k[0] != "_"}
                error = rounding({**stored, **end}, {**out32, **end32})
                if error <= ROUNDING and self.sensitivity(entry, drawn, begin, {**stored, **end}) <= ROUNDING:
                    break
        else:
            raise RuntimeError(f"{self.name}: no input found for {case}")
        self.error = max(self.error, error)
        keep = {**drawn, **stored, **{"begin." + k: v for k, v in (begin or {}).items()},
                **{"end." + k: v for k, v in end.items()}}
        self.arrays.update({f"{case}.{k}": np.asarray(v) for k, v in keep.items()})
        options = {"entry": entry} if entry != "main" else {}
        self.cases[case] = {"about": about, "options": {**options, **self.entries[entry][1]}}
        return out, end, drawn

    def close(self):
        tensors.write(self.path / "cases.safetensors", self.arrays, {"cases": json.dumps(self.cases)})
        return f"{self.name}: {len(self.cases)} cases, {sum(a.size for a in self.w.values())} weights, " \
               f"float32 within {self.error:.1e}"


def draw_x(B, T, d, lengths=None, scale=1.0, documents=None):
    """rng → inputs: x [B, T, d] normal * scale, and lengths if given."""
    def draw(rng):
        out = {"x": rng.vector(B, T, d, deviation=scale)}
        return out if lengths is None else {**out, "lengths": np.array(lengths, np.int32)}
    return draw


def with_nan(inputs, name, index):
    """rng → the same inputs but for a NaN at inputs[name][index]."""
    x = inputs[name].copy()
    x[index] = np.nan
    return lambda rng: {**inputs, name: x}


def add_padded(folder, d, entry="main", prefix="", scale=1.0):
    """The cases that every layer with padding has."""
    for case, about, T, lengths in (
            ("single", "one token, the shortest input", 1, [1]),
            ("longest", "40 tokens", 40, [40]),
            ("batch", "batch 3 of 29 tokens, lengths 29, 17, 5", 29, [29, 17, 5]),
            ("empty", "batch 3 of 12 tokens, lengths 12, 0, 7: no visible key in the second, attention is 0", 12, [12, 0, 7])):
        folder.add(prefix + case, about, draw_x(len(lengths), T, d, lengths, scale), entry)


def add_session(folder, d, entry="main", prefix=""):
    """The cases that every recurrent layer over x has; begin, step and resume together are whole."""
    add = lambda case, *args, **more: folder.add(prefix + case, *args, entry, **more)
    add("single", "the first token of a session", draw_x(1, 1, d))
    add("longest", "40 tokens", draw_x(1, 40, d))
    add("batch", "batch 3 of 29 tokens", draw_x(3, 29, d))
    x = add("whole", "batch 2 of 23 tokens in one call", draw_x(2, 23, d))[2]["x"]
    _, end, _ = add("begin", "the first 13 tokens of whole", lambda rng: {"x": x[:, :13]})
    _, end, _ = add("step", "the next token of whole, alone", lambda rng: {"x": x[:, 13:14]}, begin=end)
    add("resume", "the last 9 tokens of whole", lambda rng: {"x": x[:, 14:]}, begin=end)
