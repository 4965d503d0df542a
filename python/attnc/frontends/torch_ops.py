"""The elementwise operations of torch (aten), by name; those on shapes are in torch_views, those that add up in torch_sums."""
from __future__ import annotations

from typing import Any, Callable

import sympy
import torch

from . import scalar, tensor_ops
from .builder import Value
from .errors import Unsupported
from .scalar import ARITHMETIC, COMPARISONS, cast, constant
from .torch_walker import Walker, dtype_of, handles

Number = (int, float, bool, sympy.Expr)


# -- elementwise

def element(w: Walker, x: Any, dtype: str) -> Value:
    """An element, number or size as a scalar of a type."""
    if isinstance(x, Value):
        return cast(w.b, x, dtype)
    if isinstance(x, sympy.Expr):
        return cast(w.b, w.b.index(x), dtype)
    return constant(w.b, x, dtype)


def elementwise(w: Walker, node, operands, f: Callable[..., Value], computed: str | None = None) -> Value:
    """f on elements cast to `computed` (default: the result's type, half types in f32); the result is cast to the node's type."""
    result = w.dtype(node)
    computed = computed or scalar.computed_in(result)
    body = lambda *es: cast(w.b, f(*(element(w, e, computed) for e in es)), result)
    if w.scalars:
        return body(*(tensor_ops.extract(w.b, x) if isinstance(x, Value) and x.shape == () else x for x in operands))
    return tensor_ops.elementwise(w.b, operands, w.shape(node), result, body)


def promoted(node) -> str:
    """The type in which torch compares the operands of a node."""
    operands = [a.meta["val"] if isinstance(a, torch.fx.Node) else a for a in node.args[:2]]
    if len(operands) == 1:
        return scalar.computed_in(dtype_of(operands[0].dtype))
    operands = [0 if isinstance(a, torch.SymInt) else a for a in operands]
    return scalar.computed_in(dtype_of(torch.result_type(*operands)))


def simple(target: str, f: Callable[..., Value], tensors: int) -> None:
    @handles(target)
    def run(w, node, *args, **options):
        if len(args) > tensors or options:
            raise Unsupported(f"expected {tensors} arguments, got {len(args) + len(options)}")
        return elementwise(w, node, args, lambda *es: f(w.b, *es))


for _name, _targets in {
    "sub": "sub.Tensor sub.Scalar", "add": "add.Tensor add.Scalar",
}.items():
    for _target in _targets.split():
        @handles(f"aten.{_target}")
        def _add(w, node, x, y, alpha=1, op=_name):
            f = ARITHMETIC[op]
            scaled = (lambda t: ARITHMETIC["mul"](w.b, t, element(w, alpha, t.dtype))) if alpha != 1 else lambda t: t
            return elementwise(w, node, [x, y], lambda p, q: f(w.b, p, scaled(q)))

for _name, _targets in {
    "mul": "mul.Tensor mul.Scalar", "maximum": "maximum.default max.other", "minimum": "minimum.default min.other", "and": "bitwise_and.Tensor bitwise_and.Scalar __and__.Tensor",
    "or": "bitwise_or.Tensor bitwise_or.Scalar __or__.Tensor", "xor": "bitwise_xor.Tensor bitwise_xor.Scalar", "mod": "remainder.Tensor remainder.Scalar",
    "fmod": "fmod.Tensor fmod.Scalar", "atan2": "atan2.default", "pow": "pow.Tensor_Tensor pow.Scalar",
}.items():
    for _target in _targets.split():
        simple(f"aten.{_target}", ARITHMETIC[_name], 2)

for _name, _targets in {
    "neg": "neg", "abs": "abs", "not": "bitwise_not", "sign": "sign sgn", "sigmoid": "sigmoid", "silu": "silu", "relu": "relu", "tanh": "tanh", "cos": "cos",
    "sin": "sin", "tan": "tan", "exp": "exp", "exp2": "exp2", "expm1": "expm1", "sqrt": "sqrt", "rsqrt": "rsqrt", "log": "log", "log2": "log2",
    "log10": "log10", "log1p": "log1p", "erf": "erf", "floor": "floor", "ceil": "ceil", "trunc": "trunc", "roundeven": "round", "sinh": "sinh",
    "cosh": "cosh", "asin": "asin", "acos": "acos", "atan": "atan", "asinh": "asinh", "acosh": "acosh", "atanh": "atanh", "square": "square",
    "reciprocal": "reciprocal",
}.items():
    for _target in _targets.split():
        simple(f"aten.{_target}.default", ARITHMETIC[_name], 1)
simple("aten.hardsigmoid.default", scalar.hard_sigmoid, 1)
simple("aten.relu6.default", lambda b, x: scalar.clamp(b, x, 0, 6), 1)
simple("aten.mish.default", lambda b, x: ARITHMETIC["mul"](b, x, ARITHMETIC["tanh"](b, scalar.softplus(b, x))), 1)
simple("aten.log_sigmoid.default", lambda b, x: scalar.neg(b, scalar.softplus(b, scalar.neg(b, x))), 1)
for _target in ("_to_copy.default", "clone.default", "alias.default", "detach.default", "contiguous.default", "lift_fresh_copy.default", "lift_fresh.default",
                "detach_.default", "to.dtype", "to.device", "to.dtype_layout", "to.other", "type_as.default"):
    @handles(f"aten.{_target}")
    def _copy(w, node, x, *_, **options):
        if w.scalars:
            return cast(w.b, x, w.dtype(node))
        return tensor_ops.convert(w.b, x, w.dtype(node))

for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    for _overload in ("Tensor", "Scalar"):
        @handles(f"aten.{_name}.{_overload}")
        def _compare(w, node, x, y, op=_name):
            return elementwise(w, node, [x, y], lambda p, q: COMPARISONS[op](w.b, p, q), promoted(node))
for _name in ("and", "or", "xor"):
    simple(f"aten.logical_{_name}.default", ARITHMETIC[_name], 2)
simple("aten.logical_not.default", ARITHMETIC["not"], 1)


@handles("aten.isnan.default")
def isnan(w, node, x):
    return elementwise(w, node, [x], lambda e: scalar.is_nan(w.b, e), scalar.computed_in(x.dtype))


@handles("aten.isinf.default")
def isinf(w, node, x):
    return elementwise(w, node, [x], lambda e: scalar.is_inf(w.b, e), scalar.computed_in(x.dtype))


@handles("aten.rsub.Scalar", "aten.rsub.Tensor")
def rsub(w, node, x, y, alpha=1):
    return elementwise(w, node, [x, y], lambda p, q: ARITHMETIC["sub"](w.b, q, p if alpha == 1 else ARITHMETIC["mul"](w.b, p, element(w, alpha, p.dtype))))


@handles("aten.div.Tensor", "aten.div.Scalar", "aten.div.Tensor_mode", "aten.div.Scalar_mode", "aten.floor_divide.default")
def div(w, node, x, y, rounding_mode=None):
    if "floor_divide" in str(node.target):
        rounding_mode = "floor"
    f = ARITHMETIC[{None: "div", "floor": "floor_div", "trunc": "trunc_div"}[rounding_mode]]
    return elementwise(w, node, [x, y], lambda p, q: f(w.b, p, q))


@handles("aten.pow.Tensor_Scalar")
def pow_scalar(w, node, x, exponent):
    return elementwise(w, node, [x], lambda e: scalar.pow_constant(w.b, e, exponent))


@handles("aten.where.self", "aten.where.ScalarOther", "aten.where.ScalarSelf", "aten.where.Scalar")
def where(w, node, condition, x, y):
    result = w.dtype(node)
    f = lambda c, p, q: scalar.select(w.b, cast(w.b, c, "i1"), element(w, p, result), element(w, q, result))
    if w.scalars:
        return f(condition, x, y)
    return tensor_ops.elementwise(w.b, [condition, x, y], w.shape(node), result, f)


@handles("aten.masked_fill.Scalar", "aten.masked_fill.Tensor")
def masked_fill(w, node, x, mask, value):
    return where(w, node, mask, value, x)


@handles("aten.clamp.default", "aten.clamp_min.default", "aten.clamp_max.default", "aten.clamp.Tensor")
def clamp(w, node, x, *bounds, min=None, max=None):
    if "clamp_max" in str(node.target):
        low, high = None, bounds[0]
    else:
        low, high = (*bounds, None, None)[:2]
    low, high = (low if low is not None else min), (high if high is not None else max)
    given = [v for v in (low, high) if v is not None]

    def f(e, *limits):
        limits = iter(limits)
        return scalar.clamp(w.b, e, *(None if v is None else next(limits) for v in (low, high)))
    return elementwise(w, node, [x, *given], f)


@handles("aten.hardtanh.default")
def hardtanh(w, node, x, low=-1, high=1):
    return elementwise(w, node, [x], lambda e: scalar.clamp(w.b, e, low, high))


@handles("aten.gelu.default")
def gelu(w, node, x, approximate="none"):
    return elementwise(w, node, [x], lambda e: scalar.gelu(w.b, e, approximate))


@handles("aten.elu.default")
def elu(w, node, x, alpha=1.0, scale=1.0, input_scale=1.0):
    if input_scale != 1:
        raise Unsupported("elu with an input scale: scale the input in front of it")
    return elementwise(w, node, [x], lambda e: scalar.elu(w.b, e, alpha, scale))


@handles("aten.leaky_relu.default")
def leaky_relu(w, node, x, slope=0.01):
    return elementwise(w, node, [x], lambda e: scalar.leaky_relu(w.b, e, slope))


@handles("aten.softplus.default")
def softplus(w, node, x, beta=1, threshold=20):
    """log(1 + exp(βx)) / β, x itself where βx is above the threshold."""
    def f(e):
        c = lambda v: constant(w.b, v, e.dtype)
        scaled = ARITHMETIC["mul"](w.b, e, c(beta))
        return scalar.select(w.b, COMPARISONS["gt"](w.b, scaled, c(threshold)), e, scalar.div(w.b, scalar.softplus(w.b, scaled), c(beta)))
    return elementwise(w, node, [x], f)


@handles("aten.addcmul.default")
def addcmul(w, node, x, y, z, value=1):
    mul = ARITHMETIC["mul"]
    return elementwise(w, node, [x, y, z], lambda p, q, r: ARITHMETIC["add"](w.b, p, mul(w.b, element(w, value, p.dtype), mul(w.b, q, r))))


@handles("aten.lerp.Scalar", "aten.lerp.Tensor")
def lerp(w, node, x, y, t):
    """x + t (y - x)"""
    add, sub, mul = (ARITHMETIC[n] for n in ("add", "sub", "mul"))
    return elementwise(w, node, [x, y, t], lambda p, q, r: add(w.b, p, mul(w.b, r, sub(w.b, q, p))))
