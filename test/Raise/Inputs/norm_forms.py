"""Normalisation and softmax as models write them: (text, op that raise finds)."""
from graph import Graph

B, T, N = "B", "T", 24


def graph(weight=True, bias=False):
    inputs = {"x": ((B, T, N), "f32")}
    if weight:
        inputs["w"] = ((N,), "f32")
    if bias:
        inputs["b"] = ((N,), "f32")
    return Graph(**inputs)


def mean(g, x):
    return g.with_number("arith.divf", g.reduce("arith.addf", x, -1, 0.0), float(N))


def square(g, x, how="product"):
    return g.with_number("math.powf", x, 2.0) if how == "power" else g.binary("arith.mulf", x, x)


def finish(g, y):
    if "w" in g.inputs:
        y = g.binary("arith.mulf", y, g["w"])
    if "b" in g.inputs:
        y = g.binary("arith.addf", y, g["b"])
    return g.text(y)


def rms(how):
    g = graph(weight=how != "without weight")
    x = g["x"]
    if how == "summed":  # √n · x / √(Σ x²)
        total = g.with_number("arith.addf", g.reduce("arith.addf", square(g, x), -1, 0.0), N * 1e-6)
        return finish(g, g.with_number("arith.mulf", g.binary("arith.mulf", x, g.unary("math.rsqrt", total)), N ** 0.5))
    root = g.with_number("arith.addf", mean(g, square(g, x, "power")), 1e-6)
    if how == "divided":
        return finish(g, g.binary("arith.divf", x, g.unary("math.sqrt", root)))
    if how == "weight first":
        return g.text(g.binary("arith.mulf", g.binary("arith.mulf", x, g["w"]), g.unary("math.rsqrt", root)))
    if how == "one plus weight":  # Gemma
        y = g.binary("arith.mulf", x, g.unary("math.rsqrt", root))
        return g.text(g.binary("arith.mulf", y, g.with_number("arith.addf", g["w"], 1.0)))
    return finish(g, g.binary("arith.mulf", x, g.unary("math.rsqrt", root)))


def length():
    """L2: x / √(Σ x² + eps), root-mean-square normalisation but for a factor."""
    g = graph(weight=False)
    total = g.with_number("arith.addf", g.reduce("arith.addf", square(g, g["x"]), -1, 0.0), 1e-6)
    return g.text(g.binary("arith.mulf", g["x"], g.unary("math.rsqrt", total)))


def layer(how):
    g = graph(weight=how != "bare", bias=how != "bare")
    x = g["x"]
    m = mean(g, x)
    centered = g.binary("arith.subf", x, m)
    if how == "moments":
        variance = g.binary("arith.subf", mean(g, square(g, x)), square(g, m))
    else:
        variance = mean(g, square(g, centered, "power" if how == "divided" else "product"))
    root = g.with_number("arith.addf", variance, 1e-5)
    if how == "divided":
        return finish(g, g.binary("arith.divf", centered, g.unary("math.sqrt", root)))
    return finish(g, g.binary("arith.mulf", centered, g.unary("math.rsqrt", root)))


def residual():
    """The normalised value is itself a sum, and read again behind."""
    g = Graph(x=((B, T, N), "f32"), d=((B, T, N), "f32"), w=((N,), "f32"))
    x = g.binary("arith.addf", g["x"], g["d"])
    root = g.with_number("arith.addf", mean(g, square(g, x)), 1e-6)
    y = g.binary("arith.mulf", g["w"], g.binary("arith.mulf", x, g.unary("math.rsqrt", root)))
    return g.text(g.binary("arith.addf", y, x))


def softmax(form, dim):
    g = Graph(x=((B, T, N), "f32"))
    return g.text(g.softmax(g["x"], dim, form))


RMS, LAYER, SOFTMAX = "attn.rms_norm", "attn.layer_norm", "linalg.softmax"
FORMS = {
    **{f"rms, {how}": (rms(how), RMS) for how in ("multiplied", "divided", "without weight", "weight first", "one plus weight", "summed")},
    **{f"layer, {how}": (layer(how), LAYER) for how in ("multiplied", "divided", "bare", "moments")},
    "L2": (length(), RMS),
    "rms of a residual": (residual(), RMS),
    **{f"softmax, {form}": (softmax(form, -1), SOFTMAX) for form in ("steps", "bare", "reciprocal")},
    "softmax along the middle": (softmax("steps", 1), SOFTMAX),
}
