"""GELU and SiLU op by op: (text, what raise leaves: one generic)."""
import math

from graph import Graph

X = {"x": (("B", 7), "f32")}


def add(g, a, value):
    return g.with_number("arith.addf", a, value)


def scaled(g, a, value):
    return g.with_number("arith.mulf", a, value)


def gelu(order):
    g = Graph(**X)
    x = g["x"]
    one_more = add(g, g.unary("math.erf", g.with_number("arith.divf", x, math.sqrt(2))), 1.0)
    half = scaled(g, x, 0.5)
    if order == "ONNX":  # x · (1 + erf) · 0.5
        return g.text(scaled(g, g.binary("arith.mulf", x, one_more), 0.5))
    return g.text(g.binary("arith.mulf", half, one_more))


def gelu_tanh():
    """Hugging Face's gelu_new, with a power."""
    g = Graph(**X)
    x = g["x"]
    inside = scaled(g, g.binary("arith.addf", x, scaled(g, g.with_number("math.powf", x, 3.0), 0.044715)), math.sqrt(2 / math.pi))
    return g.text(g.binary("arith.mulf", scaled(g, x, 0.5), add(g, g.unary("math.tanh", inside), 1.0)))


def silu():
    g = Graph(**X)
    x = g["x"]
    sigmoid = g.binary("arith.divf", g.full([1], 1.0), add(g, g.unary("math.exp", g.unary("arith.negf", x)), 1.0))
    return g.text(g.binary("arith.mulf", x, sigmoid))


def gated():
    """SiLU of one half times the other."""
    g = Graph(x=(("B", 7), "f32"), up=(("B", 7), "f32"))
    x = g["x"]
    sigmoid = g.binary("arith.divf", g.full([1], 1.0), add(g, g.unary("math.exp", g.unary("arith.negf", x)), 1.0))
    return g.text(g.binary("arith.mulf", g["up"], g.binary("arith.mulf", x, sigmoid)))


ONE = "linalg.generic"
FORMS = {"gelu": (gelu("torch"), ONE), "gelu of ONNX": (gelu("ONNX"), ONE), "gelu by tanh": (gelu_tanh(), ONE), "silu": (silu(), ONE),
         "gated silu": (gated(), None)}
