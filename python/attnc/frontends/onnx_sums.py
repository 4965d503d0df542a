"""The operations of ONNX that add up: reductions, products, convolution, normalisation."""
from __future__ import annotations

import math
import re
from typing import Callable, Sequence

import numpy as np

from . import control, products, reductions, scalar, shapes, tensor_ops
from .builder import Value
from .errors import Unsupported
from .onnx_known import Known, known
from .onnx_ops import elementwise, to_type
from .onnx_views import axes_of, axis_of
from .onnx_walker import Node, Walker, handles
from .scalar import ARITHMETIC, COMPARISONS, cast, constant

# -- reductions

Reduction = Callable[[Walker, Value, Sequence[int], bool], Value]


def sum_of(op: str) -> Reduction:
    """The sum of op(x)."""
    return lambda w, x, dims, keep: reductions.reduction(w.b, "sum", tensor_ops.arithmetic(w.b, op, x), dims, keep)


def then(op: str, f: Reduction) -> Reduction:
    return lambda w, x, dims, keep: tensor_ops.arithmetic(w.b, op, f(w, x, dims, keep))


def plain(name: str) -> Reduction:
    return lambda w, x, dims, keep: reductions.reduction(w.b, name, x, dims, keep)


def log_sum_exp(w: Walker, x: Value, dims: Sequence[int], keep: bool) -> Value:
    """max + log Σ exp(x - max)"""
    highest = reductions.reduction(w.b, "max", x, dims, True)
    total = reductions.reduction(w.b, "sum", tensor_ops.arithmetic(w.b, "exp", tensor_ops.arithmetic(w.b, "sub", x, highest)), dims, True)
    out = tensor_ops.arithmetic(w.b, "add", tensor_ops.arithmetic(w.b, "log", total), highest)
    return out if keep else tensor_ops.reshape(w.b, out, [s for d, s in enumerate(out.shape) if d not in dims])


def mean(w: Walker, x: Value, dims: Sequence[int], keep: bool) -> Value:
    return reductions.mean(w.b, x, dims, keep)


REDUCTIONS: dict[str, Reduction] = {
    "ReduceSum": plain("sum"), "ReduceMax": plain("max"), "ReduceMin": plain("min"), "ReduceProd": plain("prod"), "ReduceMean": mean,
    "ReduceL1": sum_of("abs"), "ReduceL2": then("sqrt", sum_of("square")), "ReduceSumSquare": sum_of("square"),
    "ReduceLogSum": then("log", plain("sum")), "ReduceLogSumExp": log_sum_exp,
}
FOLDS = {"ReduceSum": sum, "ReduceMax": max, "ReduceMin": min, "ReduceProd": math.prod}


def reduce(name: str) -> None:
    @handles(name, raw=True, sizes=(1,))
    def run(w: Walker, node: Node, x, axes=None):
        axes = node["axes"] if node["axes"] is not None else axes
        if not axes and node["noop_with_empty_axes"]:
            return x
        dims = axes_of(axes, x.rank) if axes else list(range(x.rank))
        keep = bool(node["keepdims"])
        if isinstance(x, Known) and x.is_numbers and name in FOLDS and len(dims) == x.rank and x.elements and x.dtype in ("i64", "i32"):
            return known(x.dtype, np.array(FOLDS[name](x.elements), object).reshape([1] * x.rank if keep else []))
        x = w.tensor(x)
        if name in ("ReduceMax", "ReduceMin") and dims and x.name in w.truths:  # any and all, by exporters that reduce no booleans
            return to_type(w, REDUCTIONS[name](w, w.truths[x.name], dims, keep), x.dtype)
        return REDUCTIONS[name](w, x, dims, keep) if dims else REDUCTIONS[name](w, tensor_ops.reshape(w.b, x, (1,)), [0], False)


for _name in REDUCTIONS:
    reduce(_name)


@handles("ArgMax", "ArgMin")
def arg_extreme(w, node, x):
    if node["select_last_index"]:
        raise Unsupported(f"{node.operation} of the last of equals; attnc has the first: select_last_index=0")
    axis = axis_of(node["axis"], x.rank)
    return reductions.arg_extreme(w.b, node.operation[3:].lower(), x, axis, bool(node["keepdims"]), "i64")[1]


@handles("CumSum", raw=True, sizes=(1,))
def cumulative_sum(w, node, x, axis):
    if len(axis) != 1:
        raise Unsupported(f"CumSum along {axis}: expected one axis")
    axis, x = axis_of(axis[0], x.rank), w.tensor(x)
    turn = (lambda y: tensor_ops.flip(w.b, y, [axis])) if node["reverse"] else (lambda y: y)
    x = turn(x)
    if node["exclusive"]:
        shifted = [1 if d == axis else 0 for d in range(x.rank)]
        less = tensor_ops.slice_along(w.b, x, axis, 0, shapes.canonical(x.shape[axis] - 1))
        if not isinstance(x.shape[axis], int):
            w.require(x.shape[axis], least=1)
        x = tensor_ops.pad(w.b, less, shifted, [0] * x.rank, 0)
    return turn(control.cumulative(w.b, x, axis, lambda total, e: ARITHMETIC["add"](w.b, total, e), 0))


# -- products

@handles("MatMul")
def matmul(w, node, x, y):
    if not x.rank or not y.rank:
        raise Unsupported("a MatMul of a scalar; use Mul")
    inner = x.shape[-1], y.shape[-2 if y.rank > 1 else 0]
    if not shapes.same(*inner):
        raise Unsupported(f"a MatMul of {list(x.shape)} by {list(y.shape)}, whose inner sizes are {inner[0]} and {inner[1]}")
    w.broadcast(x.shape[:-2] or (1,), y.shape[:-2] or (1,))
    return products.matmul(w.b, x, y)


@handles("Gemm")
def gemm(w, node, x, y, bias):
    """α x y + β bias, each of x and y transposed or not."""
    if x.rank != 2 or y.rank != 2:
        raise Unsupported(f"a Gemm of {x.rank} by {y.rank} dimensions: expected 2 by 2")
    x = tensor_ops.transpose(w.b, x, [1, 0]) if node["transA"] else x
    out_shape = (x.shape[0], y.shape[0 if node["transB"] else 1])
    if not shapes.same(x.shape[1], y.shape[1 if node["transB"] else 0]):
        raise Unsupported(f"a Gemm of {list(x.shape)} by {list(y.shape)} (transB = {node['transB']}), whose inner sizes differ")
    if bias is not None and (bias.rank > 2 or not all(map(shapes.same, w.broadcast(bias.shape, out_shape), out_shape))):
        raise Unsupported(f"a Gemm with a bias of {list(bias.shape)}: expected one that is broadcast to {list(out_shape)}")
    alpha, beta = node["alpha"], node["beta"]
    plain_bias = bias if alpha == 1 and beta == 1 and scalar.is_float(x.dtype) else None
    if plain_bias is None or plain_bias.rank < 2:
        x = products.rows_apart(w.b, x)
    out = tensor_ops.reshape(w.b, plain_gemm(w, x, y, plain_bias, bool(node["transB"])), out_shape)
    if plain_bias or alpha == 1 and bias is None:
        return out
    times = lambda e, by: e if by == 1 else ARITHMETIC["mul"](w.b, e, constant(w.b, by, e.dtype))
    if bias is None:
        return elementwise(w, [out], lambda e: times(e, alpha))
    return elementwise(w, [out, bias], lambda e, c: ARITHMETIC["add"](w.b, times(e, alpha), times(c, beta)))


def plain_gemm(w: Walker, x: Value, y: Value, bias: Value | None, transposed: bool) -> Value:
    if transposed:
        return products.linear(w.b, x, y, bias)
    k = x.rank
    lead = [f"d{i}" for i in range(k - 1)]
    shape = (*x.shape[:-1], y.shape[1])
    init = tensor_ops.broadcast(w.b, bias, shape) if bias else None
    return products.contract(w.b, x, y, [[*lead, f"d{k}"], [f"d{k}", f"d{k - 1}"], [*lead, f"d{k - 1}"]], k + 1, shape, x.dtype, init)


def equation_of(text: str, ranks: Sequence[int]) -> tuple[list[list[str]], list[str]]:
    """The indices of each operand and of the result; those of an ellipsis are …0, …1, …"""
    text = text.replace(" ", "")
    if not re.fullmatch(r"[A-Za-z.,]*(->[A-Za-z.]*)?", text):
        raise Unsupported(f"an Einsum of '{text[:80]}'")
    left, arrow, right = text.partition("->")
    terms = left.split(",")
    if len(terms) != len(ranks) or any(t.replace("...", "", 1).count(".") for t in [*terms, right]):
        raise Unsupported(f"an Einsum of '{text[:80]}' with {len(ranks)} operands")
    wide = max([r - len(t.replace("...", "")) for t, r in zip(terms, ranks) if "..." in t], default=0)

    def letters(term: str, count: int) -> list[str]:
        before, dots, after = term.partition("...")
        return [*before, *([f"…{n}" for n in range(wide - count, wide)] if dots else []), *after]
    operands = [letters(t, r - len(t.replace("...", ""))) for t, r in zip(terms, ranks)]
    if any(len(o) != r for o, r in zip(operands, ranks)):
        raise Unsupported(f"an Einsum of '{text[:80]}' on operands of {' and '.join(map(str, ranks))} dimensions")
    if not arrow:
        every = [i for o in operands for i in o]
        return operands, [f"…{n}" for n in range(wide)] + sorted(i for i in set(every) if every.count(i) == 1 and len(i) == 1)
    return operands, letters(right, wide)


def without(w: Walker, x: Value, indices: list[str], keep: set[str]) -> tuple[Value, list[str]]:
    """x summed over the indices that nobody else has."""
    alone = [d for d, i in enumerate(indices) if i not in keep]
    if not alone:
        return x, indices
    return reductions.reduction(w.b, "sum", x, alone, False), [i for i in indices if i in keep]


@handles("Einsum")
def einsum(w, node, *xs):
    """Two operands at a time, from the left."""
    operands, result = equation_of(node["equation"], [x.rank for x in xs])
    if any(len(set(o)) != len(o) for o in [*operands, result]):
        raise Unsupported(f"an Einsum of '{node['equation'][:80]}' with a diagonal: take the diagonal first")
    extents: dict[str, shapes.Size] = {}
    for x, o in zip(xs, operands):
        for i, s in zip(o, x.shape):
            if not shapes.same(extents.setdefault(i, s), s):
                raise Unsupported(f"an Einsum of '{node['equation'][:80]}' where '{i}' is {extents[i]} and {s}")
    if not all(i in extents for i in result):
        raise Unsupported(f"an Einsum of '{node['equation'][:80]}', whose result has an index of no operand")
    x, mine = xs[0], operands[0]
    for n in range(1, len(xs)):
        later = set(result).union(*operands[n + 1:])
        x, mine = without(w, x, mine, later | set(operands[n]))
        y, other = without(w, xs[n], operands[n], later | set(mine))
        out = [i for i in dict.fromkeys([*mine, *other]) if i in later]
        if n == len(xs) - 1:
            out = list(result)
        every = [*out, *(i for i in dict.fromkeys([*mine, *other]) if i not in out)]
        place = {i: f"d{k}" for k, i in enumerate(every)}
        maps = [[place[i] for i in o] for o in (mine, other, out)]
        shape = [extents[i] for i in out]
        if len(every) > len(out):
            x = products.contract(w.b, x, y, maps, len(every), shape, x.dtype)
        else:
            x = w.b.generic([x, y], [w.b.empty(shape, x.dtype)], maps, len(every), lambda e, _: [ARITHMETIC["mul"](w.b, *e)])[0]
        mine = out
    x, mine = without(w, x, mine, set(result))
    return tensor_ops.transpose(w.b, x, [mine.index(i) for i in result])


@handles("Conv")
def convolution(w, node, x, weight, bias):
    spatial = x.rank - 2
    if not 1 <= spatial <= 3 or weight.rank != x.rank or not shapes.is_static(weight.shape):
        raise Unsupported(f"a Conv of {list(x.shape)} by {list(weight.shape)}: expected one to three spatial dimensions and a weight of known sizes")
    kernel = weight.shape[2:]
    strides, dilations = node["strides"] or [1] * spatial, node["dilations"] or [1] * spatial
    groups = node["group"]
    if len(strides) != spatial or len(dilations) != spatial or min([*strides, *dilations, groups]) < 1 or x.shape[1] != weight.shape[1] * groups \
            or weight.shape[0] % groups or node["kernel_shape"] not in (None, list(kernel)):
        raise Unsupported(f"a Conv of {list(x.shape)} by {list(weight.shape)} with strides {strides}, dilations {dilations} and {groups} groups")
    return products.convolution(w.b, x, weight, bias, strides, padding_of(node, x, kernel, strides, dilations), dilations, groups)


def padding_of(node: Node, x: Value, kernel, strides, dilations) -> list[tuple[int, int]]:
    spatial = len(kernel)
    auto = node["auto_pad"] or "NOTSET"
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        pairs = []
        for n in range(spatial):
            size = x.shape[2 + n]
            if not isinstance(size, int) and strides[n] != 1:
                raise Unsupported(f"a Conv with auto_pad={auto} and a stride over a size of {size}: give pads")
            count = -(-size // strides[n]) if isinstance(size, int) else 0
            total = max((count - 1) * strides[n] + dilations[n] * (kernel[n] - 1) + 1 - size, 0) if isinstance(size, int) else dilations[n] * (kernel[n] - 1)
            less = total // 2
            pairs.append((less, total - less) if auto == "SAME_UPPER" else (total - less, less))
        return pairs
    pads = node["pads"] or [0] * (2 * spatial)
    if auto not in ("NOTSET", "VALID") or len(pads) != 2 * spatial or min(pads) < 0:
        raise Unsupported(f"a Conv with auto_pad={auto[:20]} and pads {pads[:8]}")
    return [(0, 0)] * spatial if auto == "VALID" else list(zip(pads[:spatial], pads[spatial:]))


# -- normalisation

@handles("Softmax", "LogSoftmax")
def softmax(w, node, x):
    return reductions.softmax(w.b, x, axis_of(node["axis"], max(x.rank, 1)), log=node.operation == "LogSoftmax")


@handles("Hardmax")
def hardmax(w, node, x):
    """1 at the first of the largest."""
    axis = axis_of(node["axis"], x.rank)
    best = reductions.arg_extreme(w.b, "max", x, axis, True, "i64")[1]

    def f(_, at):
        here = cast(w.b, w.b.scalar(f"linalg.index {axis} : index", "index"), "i64")
        return cast(w.b, COMPARISONS["eq"](w.b, here, at), x.dtype)
    return tensor_ops.elementwise(w.b, [x, best], x.shape, x.dtype, f)


def normalized(w: Walker, node: Node, x: Value, scale: Value | None, bias: Value | None, norm: Callable[..., Value]) -> Value:
    """norm(x, scale, bias) over the dimensions from `axis` on; parameters that are broadcast are applied behind it."""
    axis = axis_of(node["axis"], x.rank)
    fit = lambda p: p is None or len(p.shape) == x.rank - axis and all(map(shapes.same, p.shape, x.shape[axis:]))
    if fit(scale) and fit(bias):
        return products.over_last_dimensions(w.b, x, x.rank - axis, [scale, bias], norm)
    out = products.over_last_dimensions(w.b, x, x.rank - axis, [None, None], norm)
    out = elementwise(w, [out, scale], lambda e, s: ARITHMETIC["mul"](w.b, e, s)) if scale else out
    return elementwise(w, [out, bias], lambda e, s: ARITHMETIC["add"](w.b, e, s)) if bias else out


@handles("LayerNormalization")
def layer_norm(w, node, x, scale, bias):
    node.gives_only_first("the mean and deviation of a layer norm")
    return normalized(w, node, x, scale, bias, lambda x, s, c: products.layer_norm(w.b, x, s, c, node["epsilon"]))


@handles("RMSNormalization")
def rms_norm(w, node, x, scale):
    return normalized(w, node, x, scale, None, lambda x, s, _: products.rms_norm(w.b, x, s, node["epsilon"]))


def by_channel(w: Walker, x: Value, scale: Value, bias: Value) -> Value:
    """scale x + bias, of one number a channel."""
    if not all(p.rank == 1 and shapes.same(p.shape[0], x.shape[1]) for p in (scale, bias)):
        raise Unsupported(f"scale and bias of {list(scale.shape)} and {list(bias.shape)} for {x.shape[1]} channels")
    apart = [tensor_ops.reshape(w.b, p, (p.shape[0], *[1] * (x.rank - 2))) for p in (scale, bias)]
    return elementwise(w, [x, *apart], lambda e, s, c: ARITHMETIC["add"](w.b, ARITHMETIC["mul"](w.b, e, s), c))


def group_norm_of(w: Walker, x: Value, groups: int, epsilon: float) -> Value:
    each = shapes.divide(x.shape[1], groups) if groups > 0 else None
    if each is None:
        raise Unsupported(f"{x.shape[1]} channels in {groups} groups")
    flat = tensor_ops.reshape(w.b, x, (x.shape[0], groups, shapes.product((each, *x.shape[2:]))))
    return tensor_ops.reshape(w.b, products.layer_norm(w.b, flat, None, None, epsilon), x.shape)


@handles("GroupNormalization", since=21)
def group_norm(w, node, x, scale, bias):
    return by_channel(w, group_norm_of(w, x, node["num_groups"], node["epsilon"]), scale, bias)


@handles("InstanceNormalization")
def instance_norm(w, node, x, scale, bias):
    if not isinstance(x.shape[1], int):
        raise Unsupported("InstanceNormalization of a dynamic number of channels")
    return by_channel(w, group_norm_of(w, x, x.shape[1], node["epsilon"]), scale, bias)


@handles("BatchNormalization")
def batch_norm(w, node, x, scale, bias, mean, variance):
    if node["training_mode"]:
        raise Unsupported("BatchNormalization in training: export the model in eval mode")
    epsilon = node["epsilon"]

    def deviation(s, v):
        return scalar.div(w.b, s, ARITHMETIC["sqrt"](w.b, ARITHMETIC["add"](w.b, v, constant(w.b, epsilon, v.dtype))))
    factor = elementwise(w, [scale, variance], deviation)
    shift = elementwise(w, [bias, mean, factor], lambda c, m, f: ARITHMETIC["sub"](w.b, c, ARITHMETIC["mul"](w.b, m, f)))
    return by_channel(w, x, factor, shift)


@handles("GlobalAveragePool", "GlobalMaxPool")
def global_pool(w, node, x):
    dims = list(range(2, x.rank))
    return reductions.mean(w.b, x, dims, True) if node.operation == "GlobalAveragePool" else reductions.reduction(w.b, "max", x, dims, True)
