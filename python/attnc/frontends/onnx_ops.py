"""The elementwise operations of ONNX, by name; those on shapes are in onnx_views, those by index in onnx_rows, those that add up in onnx_sums."""
from __future__ import annotations

import math
from typing import Callable, Sequence

from . import onnx_file, onnx_known, scalar, tensor_ops
from .builder import Builder, Value
from .errors import Unsupported
from .onnx_known import Known
from .onnx_walker import Node, Operand, Walker, handles
from .scalar import ARITHMETIC, COMPARISONS, cast, constant


def elementwise(w: Walker, operands: Sequence[Operand], f: Callable[..., Value], dtype: str | None = None, computed: str | None = None) -> Value:
    """f on elements cast to `computed` (default: the first operand's type, half types in f32); the result is cast to `dtype`. One number
    is a constant of the body."""
    dtype = dtype or operands[0].dtype
    shape = w.broadcast(*(x.shape for x in operands))
    given = [number_or_tensor(w, x) for x in operands]

    def body(*elements):
        kinds = [computed or scalar.computed_in(x.dtype) for x in operands]
        return cast(w.b, f(*(cast(w.b, e, k) if isinstance(e, Value) else constant(w.b, e, k) for e, k in zip(elements, kinds))), dtype)
    return tensor_ops.elementwise(w.b, given, shape, dtype, body)


def number_or_tensor(w: Walker, x: Operand):
    number = x.number if isinstance(x, Known) else None
    return w.tensor(x) if number is None else number


def simple(name: str, f: Callable[..., Value]) -> None:
    """An operation whose operands and result have one type."""
    @handles(name, raw=True)
    def run(w: Walker, node: Node, *xs):
        return elementwise(w, xs, lambda *es: f(w.b, *es))


for _name, _op in {
    "Abs": "abs", "Acos": "acos", "Acosh": "acosh", "Add": "add", "And": "and", "Asin": "asin", "Asinh": "asinh", "Atan": "atan", "Atanh": "atanh",
    "BitwiseAnd": "and", "BitwiseNot": "not", "BitwiseOr": "or", "BitwiseXor": "xor", "Ceil": "ceil", "Cos": "cos", "Cosh": "cosh",
    "Erf": "erf", "Exp": "exp", "Floor": "floor", "Log": "log", "Mul": "mul", "Neg": "neg", "Not": "not", "Or": "or", "Reciprocal": "reciprocal",
    "Relu": "relu", "Round": "roundeven", "Sigmoid": "sigmoid", "Sign": "sign", "Sin": "sin", "Sinh": "sinh", "Softplus": "softplus", "Sqrt": "sqrt",
    "Sub": "sub", "Tan": "tan", "Tanh": "tanh", "Xor": "xor",
}.items():
    simple(_name, ARITHMETIC[_op])
simple("Div", lambda b, x, y: scalar.div(b, x, y))
simple("Mish", lambda b, x: ARITHMETIC["mul"](b, x, ARITHMETIC["tanh"](b, scalar.softplus(b, x))))
simple("HardSwish", lambda b, x: ARITHMETIC["mul"](b, x, scalar.hard_sigmoid(b, x)))
simple("Softsign", lambda b, x: scalar.div(b, x, ARITHMETIC["add"](b, constant(b, 1, x.dtype), scalar.abs_(b, x))))
simple("PRelu", lambda b, x, slope: scalar.select(b, COMPARISONS["lt"](b, x, constant(b, 0, x.dtype)), ARITHMETIC["mul"](b, x, slope), x))

for _name, _op in {"Equal": "eq", "Greater": "gt", "GreaterOrEqual": "ge", "Less": "lt", "LessOrEqual": "le"}.items():
    @handles(_name, raw=True)
    def _compare(w, node, x, y, op=_op):
        return elementwise(w, [x, y], lambda p, q: COMPARISONS[op](w.b, p, q), "i1")


@handles("Identity", raw=True)
def identity(w, node, x):
    return x




@handles("Dropout", raw=True)
def dropout(w, node, x, ratio, training):
    if training is not None and not (isinstance(training, Known) and training.number in (0, False)):
        raise Unsupported("dropout in training: export the model in eval mode")
    if node.wants(1):
        raise Unsupported("the mask of a dropout as a result; attnc has inference, where nothing is dropped")
    return [x, None]


# -- types

def to_type(w: Walker, x: Operand, dtype: str) -> Operand:
    if x.dtype == dtype:
        return x
    if isinstance(x, Known):
        folded = onnx_known.cast(x, dtype)
        if folded is not None:
            return folded
    x = w.tensor(x)
    if dtype == "i1" and x.name in w.truths:
        return w.truths[x.name]
    out = tensor_ops.convert(w.b, x, dtype)
    if x.dtype == "i1" and not scalar.is_float(dtype):
        w.truths[out.name] = x
    return out


@handles("Cast", raw=True)
def cast_(w, node, x):
    return to_type(w, x, onnx_file.dtype_of(node["to"]))


@handles("CastLike", raw=True)
def cast_like(w, node, x, like):
    return to_type(w, x, like.dtype)


# -- several operands

def fold_pairs(op: str, dtype_of_sum: bool = False):
    def run(w: Walker, node: Node, *xs):
        def f(first, *rest):
            for e in rest:
                first = ARITHMETIC[op](w.b, first, e)
            return scalar.div(w.b, first, constant(w.b, len(xs), first.dtype)) if dtype_of_sum else first
        return elementwise(w, xs, f)
    return run


handles("Max", raw=True)(fold_pairs("maximum"))
handles("Min", raw=True)(fold_pairs("minimum"))
handles("Sum", raw=True)(fold_pairs("add"))
handles("Mean", raw=True)(fold_pairs("add", dtype_of_sum=True))


@handles("Where", raw=True)
def where(w, node, condition, x, y):
    shape = w.broadcast(condition.shape, x.shape, y.shape)
    given = [number_or_tensor(w, o) for o in (condition, x, y)]
    element = lambda e, dtype: e if isinstance(e, Value) else constant(w.b, e, dtype)
    return tensor_ops.elementwise(w.b, given, shape, x.dtype, lambda c, p, q: scalar.select(w.b, element(c, "i1"), element(p, x.dtype), element(q, x.dtype)))


@handles("Clip", raw=True)
def clip(w, node, x, low, high):
    bounds = [v for v in (low, high) if v is not None]
    if any(v.shape not in ((), (1,)) for v in bounds):
        raise Unsupported("bounds of a Clip that are no scalars; use Max and Min")
    if not bounds:
        return x

    def f(e, *limits):
        limits = iter(limits)
        return scalar.clamp(w.b, e, *(None if v is None else next(limits) for v in (low, high)))
    return elementwise(w, [x, *(scalar_of(w, v) for v in bounds)], f)


def scalar_of(w: Walker, x: Operand) -> Operand:
    return Known(x.dtype, x.array.reshape(())) if isinstance(x, Known) else tensor_ops.reshape(w.b, x, ())


@handles("Pow", raw=True)
def power(w, node, x, y):
    exponent = y.number if isinstance(y, Known) else None
    if exponent is not None and (scalar.is_float(x.dtype) or isinstance(exponent, int) and exponent >= 0):
        shaped = Known(x.dtype, y.array)  # its shape counts in the result's
        return elementwise(w, [x, shaped], lambda e, _: scalar.pow_constant(w.b, e, exponent))
    floats = scalar.is_float(x.dtype) or scalar.is_float(y.dtype)
    return elementwise(w, [x, y], lambda p, q: ARITHMETIC["pow"](w.b, p, q), computed=("f64" if "f64" in (x.dtype, y.dtype) else "f32") if floats else None)


@handles("Mod", raw=True)
def mod(w, node, x, y):
    if scalar.is_float(x.dtype) and not node["fmod"]:
        raise Unsupported("Mod of floats with fmod=0, which ONNX does not have: expected fmod=1")
    return elementwise(w, [x, y], lambda p, q: ARITHMETIC["fmod" if node["fmod"] else "mod"](w.b, p, q))


@handles("BitShift", raw=True)
def bit_shift(w, node, x, y):
    if node["direction"] not in ("LEFT", "RIGHT"):
        raise Unsupported(f"a shift to the '{node['direction'][:20]}': expected LEFT or RIGHT")
    return elementwise(w, [x, y], lambda p, q: ARITHMETIC[f"shift_{node['direction'].lower()}"](w.b, p, q))


# -- activations with numbers

def activation(name: str, f: Callable[..., Value]) -> None:
    """f(builder, element, node)"""
    @handles(name)
    def run(w: Walker, node: Node, x):
        return elementwise(w, [x], lambda e: f(w.b, e, node))


def hard_sigmoid(b: Builder, x: Value, node: Node) -> Value:
    line = ARITHMETIC["add"](b, ARITHMETIC["mul"](b, x, constant(b, node["alpha"], x.dtype)), constant(b, node["beta"], x.dtype))
    return scalar.clamp(b, line, 0, 1)


def celu(b: Builder, x: Value, node: Node) -> Value:
    """max(0, x) + min(0, α (exp(x / α) - 1))"""
    alpha = constant(b, node["alpha"], x.dtype)
    below = ARITHMETIC["mul"](b, alpha, ARITHMETIC["expm1"](b, scalar.div(b, x, alpha)))
    return ARITHMETIC["add"](b, scalar.relu(b, x), ARITHMETIC["minimum"](b, constant(b, 0, x.dtype), below))


def selu(b: Builder, x: Value, node: Node) -> Value:
    return scalar.elu(b, x, node["alpha"], node["gamma"])


def shrink(b: Builder, x: Value, node: Node) -> Value:
    """x + bias below -lambd, x - bias above lambd, 0 between."""
    c = lambda v: constant(b, v, x.dtype)
    above = scalar.select(b, COMPARISONS["gt"](b, x, c(node["lambd"])), ARITHMETIC["sub"](b, x, c(node["bias"])), c(0))
    return scalar.select(b, COMPARISONS["lt"](b, x, c(-node["lambd"])), ARITHMETIC["add"](b, x, c(node["bias"])), above)


def gelu(b: Builder, x: Value, node: Node) -> Value:
    if node["approximate"] not in ("none", "tanh"):
        raise Unsupported(f"Gelu approximated by '{node['approximate'][:20]}': expected none or tanh")
    return scalar.gelu(b, x, node["approximate"])


activation("Gelu", gelu)
activation("LeakyRelu", lambda b, x, node: scalar.leaky_relu(b, x, node["alpha"]))
activation("Elu", lambda b, x, node: scalar.elu(b, x, node["alpha"]))
activation("Celu", celu)
activation("Selu", selu)
activation("HardSigmoid", hard_sigmoid)
activation("Shrink", shrink)
activation("ThresholdedRelu", lambda b, x, node: scalar.select(b, COMPARISONS["gt"](b, x, constant(b, node["alpha"], x.dtype)), x, constant(b, 0, x.dtype)))


@handles("IsNaN")
def is_nan(w, node, x):
    return elementwise(w, [x], lambda e: scalar.is_nan(w.b, e), "i1")


@handles("IsInf")
def is_inf(w, node, x):
    def f(e):
        signs = [s for s, name in ((math.inf, "detect_positive"), (-math.inf, "detect_negative")) if node[name]]
        found = [COMPARISONS["eq"](w.b, e, constant(w.b, s, e.dtype)) for s in signs] or [constant(w.b, False, "i1")]
        return found[0] if len(found) == 1 else scalar.binary(w.b, "ori", *found)
    return elementwise(w, [x], f, "i1")
