"""The operations of torch (aten), by name, in terms of scalar and tensor_ops."""
from __future__ import annotations

import math
from typing import Any, Callable

import sympy
import torch

from . import attention as attn
from . import control, scalar, shapes, tensor_ops
from .builder import Value
from .errors import Unsupported
from .scalar import ARITHMETIC, COMPARISONS, cast, constant
from .torch_export import Walker, dtype_of, handles, size_of

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
        return elementwise(w, node, args[:tensors], lambda *es: f(w.b, *es))


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
    "mul": "mul.Tensor mul.Scalar", "maximum": "maximum.default", "minimum": "minimum.default", "and": "bitwise_and.Tensor bitwise_and.Scalar __and__.Tensor",
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
simple("aten.hardtanh.default", lambda b, x: scalar.clamp(b, x, -1, 1), 1)
simple("aten.mish.default", lambda b, x: ARITHMETIC["mul"](b, x, ARITHMETIC["tanh"](b, scalar.softplus(b, x))), 1)
simple("aten.log_sigmoid.default", lambda b, x: scalar.neg(b, scalar.softplus(b, scalar.neg(b, x))), 1)
for _target in ("_to_copy", "clone", "alias", "detach", "contiguous", "lift_fresh_copy", "lift_fresh", "detach_"):
    @handles(f"aten.{_target}.default")
    def _copy(w, node, x, **options):
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


# -- making tensors

@handles("aten.full.default", "aten.full_like.default", "aten.new_full.default", "aten.zeros.default", "aten.zeros_like.default", "aten.new_zeros.default",
         "aten.ones.default", "aten.ones_like.default", "aten.new_ones.default", "aten.scalar_tensor.default", "aten.empty.memory_format",
         "aten.new_empty.default", "aten.empty_like.default")
def full(w, node, *args, **options):
    name = str(node.target).split(".")[1]
    value = {"full": 1, "full_like": 1, "new_full": 2, "scalar_tensor": 0}.get(name)
    number = args[value] if value is not None else int("ones" in name)
    dtype = w.dtype(node)
    if w.scalars:
        return element(w, number, dtype)
    number = w.b.index(number) if isinstance(number, sympy.Expr) else number
    return tensor_ops.full(w.b, w.shape(node), dtype, number)


@handles("aten.arange.default", "aten.arange.start", "aten.arange.start_step")
def arange(w, node, *args, **options):
    start, step = (args[0] if len(args) > 1 else 0), (args[2] if len(args) > 2 else 1)
    start, step = (w.b.index(v) if isinstance(v, sympy.Expr) else v for v in (start, step))
    return tensor_ops.arange(w.b, w.shape(node)[0], w.dtype(node), start, step)


@handles("aten._local_scalar_dense.default", "aten.item.default")
def item(w, node, x):
    e = tensor_ops.extract(w.b, tensor_ops.reshape(w.b, x, ()))
    meta = node.meta["val"]
    if isinstance(meta, torch.SymInt):
        w.b.sizes.bind_here(size_of(meta), cast(w.b, e, "index").name)
        return size_of(meta)
    return e


# -- views

@handles("aten.view.default", "aten._unsafe_view.default", "aten.reshape.default", "aten.unsqueeze.default", "aten.squeeze.dim", "aten.squeeze.dims",
         "aten.squeeze.default", "aten.flatten.using_ints", "aten.unflatten.int", "aten.view_copy.default", "aten.unsqueeze_copy.default")
def reshape(w, node, x, *shape):
    return x if w.scalars else tensor_ops.reshape(w.b, x, w.shape(node))


@handles("aten.transpose.int")
def transpose(w, node, x, first, second):
    order = list(range(x.rank))
    order[first], order[second] = order[second], order[first]
    return tensor_ops.transpose(w.b, x, order)


@handles("aten.t.default")
def t(w, node, x):
    return tensor_ops.transpose(w.b, x, range(x.rank)[::-1])


@handles("aten.permute.default")
def permute(w, node, x, order):
    return tensor_ops.transpose(w.b, x, order)


@handles("aten.movedim.int")
def movedim(w, node, x, source, to):
    return tensor_ops.move(w.b, x, source, to)


@handles("aten.expand.default", "aten.broadcast_to.default")
def expand(w, node, x, *shape, **options):
    return tensor_ops.broadcast(w.b, x, w.shape(node))


@handles("aten.expand_as.default")
def expand_as(w, node, x, *_):
    return tensor_ops.broadcast(w.b, x, w.shape(node))


@handles("aten.repeat.default")
def repeat(w, node, x, counts):
    """Each dimension counts[d] times over: the copies are a dimension of their own, in front of it."""
    sizes = (*(1,) * (len(counts) - x.rank), *x.shape)
    if all(c == 1 for c in counts):
        return tensor_ops.reshape(w.b, x, sizes)
    apart = tensor_ops.reshape(w.b, x, [s for size in sizes for s in (1, size)])
    copies = tensor_ops.broadcast(w.b, apart, [s for count, size in zip(counts, sizes) for s in (count, size)])
    return tensor_ops.reshape(w.b, copies, w.shape(node))


@handles("aten.repeat_interleave.self_int")
def repeat_interleave(w, node, x, count, dim=None, **options):
    if dim is None:
        x, dim = tensor_ops.reshape(w.b, x, (shapes.product(x.shape),)), 0
    dim %= x.rank
    shape = lambda n: (*x.shape[:dim + 1], n, *x.shape[dim + 1:])
    return tensor_ops.reshape(w.b, tensor_ops.broadcast(w.b, tensor_ops.reshape(w.b, x, shape(1)), shape(count)), w.shape(node))


def start_of(start, extent):
    """Where a slice begins: None is the beginning, below 0 counts from the end."""
    start = 0 if start is None else start
    if isinstance(start, int) and start < 0:
        start = shapes.canonical(extent + start)
        return max(start, 0) if isinstance(start, int) else start
    return min(start, extent) if isinstance(start, int) and isinstance(extent, int) else start


@handles("aten.slice.Tensor", "aten.slice_copy.Tensor")
def slice_(w, node, x, dim=0, start=None, end=None, step=1):
    dim %= x.rank
    length = w.shape(node)[dim]
    return tensor_ops.slice_along(w.b, x, dim, start_of(start, x.shape[dim]), length, step)


@handles("aten.narrow.default")
def narrow(w, node, x, dim, start, length):
    return tensor_ops.slice_along(w.b, x, dim, start_of(start, x.shape[dim]), length)


@handles("aten.select.int", "aten.select_copy.int")
def select(w, node, x, dim, at):
    return tensor_ops.select(w.b, x, dim, start_of(at, x.shape[dim]))


@handles("aten.split.Tensor", "aten.split_with_sizes.default", "aten.chunk.default", "aten.unsafe_split.Tensor", "aten.tensor_split.sections")
def split(w, node, x, sizes, dim=0):
    out, start = [], 0
    for meta in node.meta["val"]:
        length = size_of(meta.shape[dim])
        out.append(tensor_ops.slice_along(w.b, x, dim, start, length))
        start = shapes.canonical(start + length)
    return out


@handles("aten.unbind.int")
def unbind(w, node, x, dim=0):
    return [tensor_ops.select(w.b, x, dim, i) for i in range(x.shape[dim])]


@handles("aten.cat.default")
def cat(w, node, xs, dim=0):
    xs = [x for x in xs if x.shape != (0,)]  # torch leaves empty vectors out
    return tensor_ops.concat(w.b, [tensor_ops.convert(w.b, x, w.dtype(node)) for x in xs], dim)


@handles("aten.stack.default")
def stack(w, node, xs, dim=0):
    dim %= xs[0].rank + 1
    apart = [tensor_ops.reshape(w.b, x, (*x.shape[:dim], 1, *x.shape[dim:])) for x in xs]
    return tensor_ops.concat(w.b, apart, dim)


@handles("aten.constant_pad_nd.default", "aten.pad.default")
def pad(w, node, x, amounts, *rest, value=0):
    mode = rest[0] if rest and isinstance(rest[0], str) else "constant"
    if mode != "constant":
        raise Unsupported(f"padding by {mode}; attnc has constant padding")
    numbers = [r for r in rest if not isinstance(r, str) and r is not None]
    low, high = [0] * x.rank, [0] * x.rank
    for k in range(len(amounts) // 2):
        low[-1 - k], high[-1 - k] = amounts[2 * k], amounts[2 * k + 1]
    return tensor_ops.pad(w.b, x, low, high, numbers[0] if numbers else value or 0)


@handles("aten.flip.default")
def flip(w, node, x, dims):
    return tensor_ops.flip(w.b, x, dims)


@handles("aten.roll.default")
def roll(w, node, x, shifts, dims=()):
    for shift, dim in zip(shifts, dims):
        dim, extent = dim % x.rank, x.shape[dim]
        if not isinstance(extent, int):
            raise Unsupported("a roll along a dynamic dimension; attnc has static ones")
        cut = -shift % extent
        parts = [tensor_ops.slice_along(w.b, x, dim, cut, extent - cut), tensor_ops.slice_along(w.b, x, dim, 0, cut)]
        x = tensor_ops.concat(w.b, [p for p in parts if p.shape[dim] != 0], dim)
    return x


@handles("aten.slice_scatter.default")
def slice_scatter(w, node, x, part, dim=0, start=None, end=None, step=1):
    return tensor_ops.insert_along(w.b, part, x, dim, start_of(start, x.shape[dim]), step)


@handles("aten.select_scatter.default")
def select_scatter(w, node, x, part, dim, at):
    dim %= x.rank
    apart = tensor_ops.reshape(w.b, part, (*part.shape[:dim], 1, *part.shape[dim:]))
    return tensor_ops.insert_along(w.b, apart, x, dim, start_of(at, x.shape[dim]))


@handles("aten.copy.default")
def copy(w, node, into, x, *_):
    return tensor_ops.broadcast(w.b, tensor_ops.convert(w.b, x, into.dtype), into.shape)


@handles("aten.tril.default", "aten.triu.default")
def triangle(w, node, x, diagonal=0):
    keep = "le" if "tril" in str(node.target) else "ge"

    def f(e):
        i, j = (w.b.scalar(f"linalg.index {x.rank - 2 + k} : index", "index") for k in range(2))
        inside = COMPARISONS[keep](w.b, scalar.binary(w.b, "subi", j, i), element(w, diagonal, "index"))
        return scalar.select(w.b, inside, e, constant(w.b, 0, x.dtype))
    return tensor_ops.elementwise(w.b, [x], x.shape, x.dtype, f)


# -- reductions

for _name, _targets in {"sum": "sum.dim_IntList sum.default", "prod": "prod.dim_int prod.default", "max": "amax.default", "min": "amin.default",
                        "any": "any.default any.dim any.dims", "all": "all.default all.dim all.dims"}.items():
    for _target in _targets.split():
        @handles(f"aten.{_target}")
        def _reduce(w, node, x, dims=None, keep=False, dtype=None, op=_name, **options):
            dims = [dims] if isinstance(dims, int) else dims
            x = tensor_ops.convert(w.b, x, "i1") if op in ("any", "all") else x
            return tensor_ops.reduction(w.b, op, x, dims, keep or options.get("keepdim", False), w.dtype(node))


@handles("aten.mean.dim", "aten.mean.default")
def mean(w, node, x, dims=None, keep=False, dtype=None, keepdim=False):
    return tensor_ops.mean(w.b, tensor_ops.convert(w.b, x, w.dtype(node)), dims, keep or keepdim)


def correction_of(options, unbiased=True):
    correction = options.get("correction", 1 if unbiased else 0)
    return 1 if correction is None else correction


@handles("aten.var.correction", "aten.std.correction", "aten.var.dim", "aten.std.dim", "aten.var_mean.correction")
def var(w, node, x, dims=None, unbiased=True, keep=False, **options):
    keep = options.get("keepdim", keep)
    out = tensor_ops.variance(w.b, x, dims, keep, correction_of(options, unbiased))
    if "std" in str(node.target):
        return tensor_ops.arithmetic(w.b, "sqrt", out)
    return [out, tensor_ops.mean(w.b, x, dims, keep)] if "var_mean" in str(node.target) else out


@handles("aten.max.dim", "aten.min.dim")
def max_dim(w, node, x, dim, keep=False):
    return tensor_ops.arg_extreme(w.b, str(node.target).split(".")[1], x, dim, keep, "i64")


@handles("aten.max.default", "aten.min.default")
def max_all(w, node, x):
    return tensor_ops.reduction(w.b, str(node.target).split(".")[1], x, None, False)


@handles("aten.argmax.default", "aten.argmin.default")
def argmax(w, node, x, dim=None, keep=False):
    return tensor_ops.arg_extreme(w.b, str(node.target).split(".")[1][3:], x, dim, keep, "i64")[1]


@handles("aten.linalg_vector_norm.default")
def vector_norm(w, node, x, order=2, dims=None, keep=False, dtype=None):
    if order not in (1, 2, math.inf):
        raise Unsupported(f"a norm of order {order}; attnc has 1, 2 and infinity")
    if order == 2:
        return tensor_ops.arithmetic(w.b, "sqrt", tensor_ops.reduction(w.b, "sum", tensor_ops.arithmetic(w.b, "square", x), dims, keep))
    return tensor_ops.reduction(w.b, "sum" if order == 1 else "max", tensor_ops.arithmetic(w.b, "abs", x), dims, keep)


@handles("aten.logsumexp.default")
def logsumexp(w, node, x, dims, keep=False):
    dims = [dims] if isinstance(dims, int) else dims
    highest = tensor_ops.reduction(w.b, "max", x, dims, True)
    powers = tensor_ops.arithmetic(w.b, "exp", tensor_ops.arithmetic(w.b, "sub", x, highest))
    out = tensor_ops.arithmetic(w.b, "add", tensor_ops.arithmetic(w.b, "log", tensor_ops.reduction(w.b, "sum", powers, dims, True)), highest)
    return tensor_ops.reshape(w.b, out, w.shape(node))


@handles("aten.cumsum.default", "aten.cumprod.default")
def cumsum(w, node, x, dim, dtype=None):
    op, start = ("add", 0) if "cumsum" in str(node.target) else ("mul", 1)
    x = tensor_ops.convert(w.b, x, w.dtype(node))
    return control.cumulative(w.b, x, dim, lambda total, e: ARITHMETIC[op](w.b, total, e), start)


# -- products

@handles("aten.linear.default")
def linear(w, node, x, weight, bias=None):
    return tensor_ops.linear(w.b, x, weight, bias)


@handles("aten.matmul.default", "aten.mm.default", "aten.bmm.default", "aten.mv.default", "aten.dot.default")
def matmul(w, node, x, y):
    return tensor_ops.matmul(w.b, x, y)


@handles("aten.addmm.default", "aten.baddbmm.default")
def addmm(w, node, bias, x, y, beta=1, alpha=1):
    product = tensor_ops.matmul(w.b, x, y)
    mul = lambda e, by: e if by == 1 else ARITHMETIC["mul"](w.b, e, element(w, by, e.dtype))
    return elementwise(w, node, [bias, product], lambda p, q: ARITHMETIC["add"](w.b, mul(p, beta), mul(q, alpha)))


@handles("aten.convolution.default")
def convolution(w, node, x, weight, bias, stride, padding, dilation, transposed, output_padding, groups):
    if transposed:
        raise Unsupported("a transposed convolution; attnc has plain ones")
    return tensor_ops.convolution(w.b, x, weight, bias, stride, padding, dilation, groups)


# -- normalisation

@handles("aten.softmax.int", "aten._softmax.default", "aten.log_softmax.int", "aten._log_softmax.default")
def softmax(w, node, x, dim, *_):
    return tensor_ops.softmax(w.b, tensor_ops.convert(w.b, x, w.dtype(node)), dim, log="log_softmax" in str(node.target))


@handles("aten.layer_norm.default")
def layer_norm(w, node, x, shape, weight=None, bias=None, eps=1e-5, *_):
    norm = lambda x, weight, bias: tensor_ops.layer_norm(w.b, x, weight, bias, eps)
    return tensor_ops.over_last_dimensions(w.b, x, len(shape), [weight, bias], norm)


@handles("aten.native_layer_norm.default")
def native_layer_norm(w, node, x, shape, weight, bias, eps):
    if any(u.args[1] != 0 for u in node.users):
        raise Unsupported("the mean and deviation of a layer norm as results; attnc has the norm alone")
    return [layer_norm(w, node, x, shape, weight, bias, eps), None, None]


@handles("aten.rms_norm.default")
def rms_norm(w, node, x, shape, weight=None, eps=None):
    eps = torch.finfo(torch.float64 if x.dtype == "f64" else torch.float32).eps if eps is None else eps
    return tensor_ops.over_last_dimensions(w.b, x, len(shape), [weight], lambda x, weight: tensor_ops.rms_norm(w.b, x, weight, eps))


@handles("aten.native_group_norm.default")
def group_norm(w, node, x, weight, bias, batch, channels, pixels, groups, eps):
    """Over the channels of a group and all positions; then scaled by channel."""
    if any(u.args[1] != 0 for u in node.users):
        raise Unsupported("the mean and deviation of a group norm as results; attnc has the norm alone")
    flat = tensor_ops.reshape(w.b, x, (x.shape[0], groups, shapes.product((channels // groups, *x.shape[2:]))))
    y = tensor_ops.reshape(w.b, tensor_ops.layer_norm(w.b, flat, None, None, eps), x.shape)
    for parameter, op in ((weight, "mul"), (bias, "add")):
        if parameter is not None:
            y = tensor_ops.arithmetic(w.b, op, y, tensor_ops.reshape(w.b, parameter, (channels, *(1,) * (x.rank - 2))))
    return [y, None, None]


# -- rows and elements by index

@handles("aten.embedding.default")
def embedding(w, node, table, indices, *_):
    return tensor_ops.gather_rows(w.b, table, indices)


@handles("aten.index_select.default")
def index_select(w, node, x, dim, indices):
    indices = tensor_ops.reshape(w.b, indices, (indices.shape[0],)) if indices.rank else tensor_ops.reshape(w.b, indices, (1,))
    return tensor_ops.index(w.b, x, [*[None] * (dim % x.rank), indices])


@handles("aten.index.Tensor")
def index(w, node, x, indices):
    if w.scalars:
        at = [tensor_ops.wrapped(w.b, i, extent) for i, extent in zip(indices, x.shape)]
        return tensor_ops.extract(w.b, x, at)
    if any(i is not None and i.dtype == "i1" for i in indices):
        raise Unsupported("selection by a boolean mask, whose size depends on data: use where, or mask the elements")
    return tensor_ops.index(w.b, x, indices)


@handles("aten.gather.default")
def gather(w, node, x, dim, indices, **options):
    return tensor_ops.gather(w.b, x, dim, indices)


@handles("aten.index_copy.default", "aten.index_add.default")
def index_copy(w, node, x, dim, indices, rows, alpha=1):
    if alpha != 1:
        raise Unsupported("index_add with alpha: scale what is added in front of it")
    return tensor_ops.scatter_rows(w.b, rows, x, dim, indices, "set" if "index_copy" in str(node.target) else "add")


@handles("aten.index_put.default", "aten._unsafe_index_put.default")
def index_put(w, node, x, indices, rows, accumulate=False):
    given = [d for d, i in enumerate(indices) if i is not None]
    if len(given) == 1 and indices[given[0]].dtype == "i1" and indices[given[0]].rank == x.rank and rows.rank == 0:
        return tensor_ops.elementwise(w.b, [indices[0], rows, x], x.shape, x.dtype, lambda c, v, e: scalar.select(w.b, c, v, e))
    if len(given) != 1 or indices[given[0]].dtype == "i1" or indices[given[0]].rank != 1:
        raise Unsupported("index_put by several tensors or a mask; attnc has one vector of indices along one dimension")
    dim, at = given[0], indices[given[0]]
    rows = tensor_ops.broadcast(w.b, rows, (*x.shape[:dim], at.shape[0], *x.shape[dim + 1:]))
    return tensor_ops.scatter_rows(w.b, rows, x, dim, at, "add" if accumulate else "set")


@handles("aten.topk.default")
def topk(w, node, x, k, dim=-1, largest=True, ordered=True):
    if not isinstance(k, int):
        raise Unsupported("topk with a count that is not a number in the source")
    return tensor_ops.top_k(w.b, x, k, dim, largest)


@handles("aten.sort.default", "aten.sort.stable")
def sort(w, node, x, *args, **options):
    if "stable" in str(node.target):
        dim, descending = options.get("dim", args[1] if len(args) > 1 else -1), options.get("descending", args[2] if len(args) > 2 else False)
    else:
        dim, descending = options.get("dim", args[0] if args else -1), options.get("descending", args[1] if len(args) > 1 else False)
    return tensor_ops.sort(w.b, x, dim, descending)


@handles("aten.argsort.default", "aten.argsort.stable")
def argsort(w, node, x, *args, **options):
    args = [a for a in args if not isinstance(a, bool)]
    return tensor_ops.sort(w.b, x, options.get("dim", args[0] if args else -1), options.get("descending", False))[1]


@handles("aten.one_hot.default")
def one_hot(w, node, x, classes=-1):
    count = w.shape(node)[-1]
    apart = tensor_ops.reshape(w.b, x, (*x.shape, 1))

    def f(e):
        at = cast(w.b, w.b.scalar(f"linalg.index {x.rank} : index", "index"), e.dtype)
        return cast(w.b, COMPARISONS["eq"](w.b, at, e), "i64")
    return tensor_ops.elementwise(w.b, [apart], (*x.shape, count), "i64", f)


@handles("aten.dropout.default", "aten.feature_dropout.default")
def dropout(w, node, x, p, train):
    if train and p:
        raise Unsupported("dropout in training: call eval() on the module")
    return x


# -- attention

def before_repeat(node) -> torch.fx.Node | None:
    """x where node is x [B, G, S, D] with each head repeated in place: unsqueeze, expand and view, or repeat_interleave."""
    def made_by(n, *names):
        return isinstance(n, torch.fx.Node) and str(n.target).split(".")[-2 if n.op == "call_function" else 0] in names
    while made_by(node, "clone", "alias", "contiguous"):
        node = node.args[0]
    if made_by(node, "repeat_interleave") and len(node.args) == 3 and node.args[2] in (1, -3):
        return node.args[0]
    if not made_by(node, "view", "reshape", "_unsafe_view"):
        return None
    inner = node.args[0]
    while made_by(inner, "clone"):
        inner = inner.args[0]
    if not made_by(inner, "expand") or not made_by(inner.args[0], "unsqueeze"):
        return None
    x, shape, wide = inner.args[0].args[0], node.meta["val"].shape, inner.meta["val"].shape
    grouped = len(wide) == 5 and inner.args[0].args[1] in (2, -3) and len(shape) == 4 and x.meta["val"].ndim == 4
    return x if grouped and shape[1] == wide[1] * wide[2] else None


@handles("aten.scaled_dot_product_attention.default")
def sdpa(w, node, q, k, v, mask=None, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False, **options):
    if dropout_p:
        raise Unsupported("attention with dropout: call eval() on the module")
    if not isinstance(q.shape[-1], int):
        raise Unsupported(f"attention with a head width of {q.shape[-1]}: expected a number")
    sources = [before_repeat(n) for n in node.args[1:3]]
    if all(s is not None for s in sources):
        k, v = (w.values[s] for s in sources)
    scale = 1 / math.sqrt(q.shape[-1]) if scale is None else scale
    return attn.plain_attention(w.b, q, k, v, scale, mask, is_causal)
