"""Rotary position embedding as models write it."""
import math

from graph import Graph

B, T, H, N = "B", "T", 3, 8
X = {"x": ((B, T, H, N), "f32")}


def inverse_frequencies(g, base=10000.0):
    """1 / base^(2c/n), computed."""
    even = g.with_number("arith.muli", g.arange(N // 2), 2)
    number = g.map([even], ["%r = arith.sitofp %a0 : i64 to f32", "yield %r"], "f32")
    power = g.map([g.with_number("arith.divf", number, float(N))], [f"%b = arith.constant {base} : f32", "%r = math.powf %b, %a0 : f32", "yield %r"])
    return g.binary("arith.divf", g.full([1], 1.0), power)


def exponential_frequencies(g, base=10000.0):
    """exp(-(2c · ln base / n)), as sinusoids are written."""
    even = as_floats(g, g.with_number("arith.muli", g.arange(N // 2), 2))
    return g.unary("math.exp", g.unary("arith.negf", g.with_number("arith.mulf", even, math.log(base) / N)))


def as_floats(g, positions):
    return g.map([positions], ["%r = arith.sitofp %a0 : i64 to f32", "yield %r"], "f32")


def angles(g, how="range", frequencies=inverse_frequencies):
    """[T, n/2], or [B, T, n/2]: an outer product, elementwise or as a matrix product of one term."""
    if how == "given":
        return g.binary("arith.mulf", g.unsqueeze(as_floats(g, g["positions"]), 2), g["frequencies"])
    if how == "matmul":
        p = g.unsqueeze(as_floats(g, g["positions"]), 2)
        f = g.broadcast(g.unsqueeze(inverse_frequencies(g), 0), [B, 1, N // 2], [0])
        return g.batch_matmul(p, f)
    start = g.emit(f"arith.index_cast {g.emit('tensor.extract %start[] : tensor<i64>')} : i64 to index") if how == "offset" else None
    return g.binary("arith.mulf", g.unsqueeze(as_floats(g, g.arange(T, start)), 1), frequencies(g))


def tables(g, angle):
    """cos and sin, with a dimension for heads."""
    return (g.unsqueeze(g.unary(f"math.{name}", angle), len(angle.shape) - 1) for name in ("cos", "sin"))


def half_split(how="range"):
    """x · cos + rotate_half(x) · sin with tables of full width (Hugging Face)."""
    inputs = dict(X)
    if how in ("given", "matmul"):
        inputs["positions"] = ((B, T), "i64")
    if how == "given":
        inputs["frequencies"] = ((N // 2,), "f32")
    if how == "offset":
        inputs["start"] = ((), "i64")
    g = Graph(**inputs)
    x, angle = g["x"], angles(g, how)
    cos, sin = tables(g, g.concat(len(angle.shape) - 1, angle, angle))
    turned = g.concat(3, g.unary("arith.negf", g.slice(x, 3, N // 2, N // 2)), g.slice(x, 3, 0, N // 2))
    return g.text(g.binary("arith.addf", g.binary("arith.mulf", x, cos), g.binary("arith.mulf", turned, sin)))


def halves(frequencies=inverse_frequencies):
    """concat(x1·cos - x2·sin, x2·cos + x1·sin)."""
    g = Graph(**X)
    x1, x2 = g.slice(g["x"], 3, 0, N // 2), g.slice(g["x"], 3, N // 2, N // 2)
    cos, sin = tables(g, angles(g, frequencies=frequencies))
    y1 = g.binary("arith.subf", g.binary("arith.mulf", x1, cos), g.binary("arith.mulf", x2, sin))
    y2 = g.binary("arith.addf", g.binary("arith.mulf", x2, cos), g.binary("arith.mulf", x1, sin))
    return g.text(g.concat(3, y1, y2))


def interleaved(how):
    """Pairs (2c, 2c+1): a reshape to [..., n/2, 2], the two turned and stacked again (also what a complex product becomes)."""
    g = Graph(**X)
    cos, sin = tables(g, angles(g))
    if how == "strided":
        x1, x2 = (g.every_second(g["x"], n) for n in (0, 1))
    else:
        pairs = g.expand(g["x"], [[0], [1], [2], [3, 4]], [B, T, H, N // 2, 2])
        x1, x2 = (g.slice(pairs, 4, n, 1, drop=True) for n in (0, 1))
    y1 = g.binary("arith.subf", g.binary("arith.mulf", x1, cos), g.binary("arith.mulf", x2, sin))
    y2 = g.binary("arith.addf", g.binary("arith.mulf", x1, sin), g.binary("arith.mulf", x2, cos))
    stacked = g.concat(4, g.unsqueeze(y1, 4), g.unsqueeze(y2, 4))
    return g.text(g.collapse(stacked, [[0], [1], [2], [3, 4]]))


def repeated():
    """x · cos + stack(-x2, x1) · sin, the tables repeated by pairs (GPT-J)."""
    g = Graph(**X)
    cos, sin = tables(g, angles(g))

    def twice(table):
        return g.collapse(g.broadcast(table, [T, 1, N // 2, 2], [3]), [[0], [1], [2, 3]])

    x1, x2 = (g.every_second(g["x"], n) for n in (0, 1))
    stacked = g.concat(4, g.unsqueeze(g.unary("arith.negf", x2), 4), g.unsqueeze(x1, 4))
    turned = g.collapse(stacked, [[0], [1], [2], [3, 4]])
    return g.text(g.binary("arith.addf", g.binary("arith.mulf", g["x"], twice(cos)), g.binary("arith.mulf", turned, twice(sin))))


def partial():
    """The first half of the width is turned, the rest passes."""
    g = Graph(x=((B, T, H, 2 * N), "f32"))
    x, rest = g.slice(g["x"], 3, 0, N), g.slice(g["x"], 3, N, N)
    angle = angles(g)
    cos, sin = tables(g, g.concat(1, angle, angle))
    turned = g.concat(3, g.unary("arith.negf", g.slice(x, 3, N // 2, N // 2)), g.slice(x, 3, 0, N // 2))
    return g.text(g.concat(3, g.binary("arith.addf", g.binary("arith.mulf", x, cos), g.binary("arith.mulf", turned, sin)), rest))


def given(tables):
    """Tables, or positions of floats, that the caller gives: nothing that raise takes."""
    g = Graph(**X, **({"cos": ((T, N // 2), "f32"), "sin": ((T, N // 2), "f32")} if tables else {"at": ((T,), "f32")}))
    x1, x2 = g.slice(g["x"], 3, 0, N // 2), g.slice(g["x"], 3, N // 2, N // 2)
    if tables:
        cos, sin = (g.unsqueeze(g[name], 1) for name in ("cos", "sin"))
    else:
        angle = g.binary("arith.mulf", g.unsqueeze(g["at"], 1), inverse_frequencies(g))
        cos, sin = (g.unsqueeze(g.unary(f"math.{name}", angle), 1) for name in ("cos", "sin"))
    y1 = g.binary("arith.subf", g.binary("arith.mulf", x1, cos), g.binary("arith.mulf", x2, sin))
    y2 = g.binary("arith.addf", g.binary("arith.mulf", x2, cos), g.binary("arith.mulf", x1, sin))
    return g.text(g.concat(3, y1, y2))


FORMS = {name: (text, "attn.rotary") for name, text in {
    "half split": half_split(),
    "half split, with an offset": half_split("offset"),
    "half split, positions and frequencies given": half_split("given"),
    "half split, angles by a matrix product": half_split("matmul"),
    "halves put together": halves(),
    "frequencies by an exponential": halves(exponential_frequencies),
    "interleaved by a reshape": interleaved("reshape"),
    "interleaved by strides": interleaved("strided"),
    "tables repeated by pairs": repeated(),
    "half of the width": partial(),
}.items()}
FORMS["tables given"] = (given(True), None)
FORMS["positions of floats"] = (given(False), None)
