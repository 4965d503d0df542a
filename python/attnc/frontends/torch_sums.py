"""The operations of torch that add up: reductions, products, normalisation, attention."""
from __future__ import annotations

import math

import torch

from . import attention as attn
from . import control, products, reductions, scalar, shapes, tensor_ops
from .errors import Unsupported
from .scalar import ARITHMETIC
from .torch_walker import handles
from .torch_ops import element


# -- reductions

for _name, _targets in {"sum": "sum.dim_IntList sum.default", "prod": "prod.dim_int prod.default", "max": "amax.default", "min": "amin.default",
                        "any": "any.default any.dim any.dims", "all": "all.default all.dim all.dims"}.items():
    for _target in _targets.split():
        @handles(f"aten.{_target}")
        def _reduce(w, node, x, dims=None, keep=False, dtype=None, op=_name, **options):
            dims = [dims] if isinstance(dims, int) else dims
            x = tensor_ops.convert(w.b, x, "i1") if op in ("any", "all") else x
            return reductions.reduction(w.b, op, x, dims, keep or options.get("keepdim", False), w.dtype(node))


@handles("aten.mean.dim", "aten.mean.default")
def mean(w, node, x, dims=None, keep=False, dtype=None, keepdim=False):
    return reductions.mean(w.b, tensor_ops.convert(w.b, x, w.dtype(node)), dims, keep or keepdim)


def correction_of(options, unbiased=True):
    correction = options.get("correction", 1 if unbiased else 0)
    return 1 if correction is None else correction


@handles("aten.var.correction", "aten.std.correction", "aten.var.dim", "aten.std.dim", "aten.var_mean.correction")
def var(w, node, x, dims=None, unbiased=True, keep=False, **options):
    keep = options.get("keepdim", keep)
    out = reductions.variance(w.b, x, dims, keep, correction_of(options, unbiased))
    if "std" in str(node.target):
        return tensor_ops.arithmetic(w.b, "sqrt", out)
    return [out, reductions.mean(w.b, x, dims, keep)] if "var_mean" in str(node.target) else out


@handles("aten.max.dim", "aten.min.dim")
def max_dim(w, node, x, dim, keep=False):
    return reductions.arg_extreme(w.b, str(node.target).split(".")[1], x, dim, keep, "i64")


@handles("aten.max.default", "aten.min.default")
def max_all(w, node, x):
    return reductions.reduction(w.b, str(node.target).split(".")[1], x, None, False)


@handles("aten.argmax.default", "aten.argmin.default")
def argmax(w, node, x, dim=None, keep=False):
    return reductions.arg_extreme(w.b, str(node.target).split(".")[1][3:], x, dim, keep, "i64")[1]


@handles("aten.linalg_vector_norm.default")
def vector_norm(w, node, x, order=2, dims=None, keep=False, dtype=None):
    if order not in (1, 2, math.inf):
        raise Unsupported(f"a norm of order {order}; attnc has 1, 2 and infinity")
    if order == 2:
        return tensor_ops.arithmetic(w.b, "sqrt", reductions.reduction(w.b, "sum", tensor_ops.arithmetic(w.b, "square", x), dims, keep))
    return reductions.reduction(w.b, "sum" if order == 1 else "max", tensor_ops.arithmetic(w.b, "abs", x), dims, keep)


@handles("aten.logsumexp.default")
def logsumexp(w, node, x, dims, keep=False):
    dims = [dims] if isinstance(dims, int) else dims
    highest = reductions.reduction(w.b, "max", x, dims, True)
    powers = tensor_ops.arithmetic(w.b, "exp", tensor_ops.arithmetic(w.b, "sub", x, highest))
    out = tensor_ops.arithmetic(w.b, "add", tensor_ops.arithmetic(w.b, "log", reductions.reduction(w.b, "sum", powers, dims, True)), highest)
    return tensor_ops.reshape(w.b, out, w.shape(node))


@handles("aten.cumsum.default", "aten.cumprod.default")
def cumsum(w, node, x, dim, dtype=None):
    op, start = ("add", 0) if "cumsum" in str(node.target) else ("mul", 1)
    x = tensor_ops.convert(w.b, x, w.dtype(node))
    return control.cumulative(w.b, x, dim, lambda total, e: ARITHMETIC[op](w.b, total, e), start)


# -- products

@handles("aten.linear.default")
def linear(w, node, x, weight, bias=None):
    return products.linear(w.b, x, weight, bias)


@handles("aten.matmul.default", "aten.mm.default", "aten.bmm.default", "aten.mv.default", "aten.dot.default")
def matmul(w, node, x, y):
    return products.matmul(w.b, x, y)


@handles("aten.addmm.default", "aten.baddbmm.default")
def addmm(w, node, bias, x, y, beta=1, alpha=1):
    x = products.rows_apart(w.b, x) if y.rank == 2 and bias.rank < 2 else x
    product = products.matmul(w.b, x, y)
    dtype = w.dtype(node)
    compute = scalar.computed_in(dtype)
    mul = lambda e, by: e if by == 1 else ARITHMETIC["mul"](w.b, e, element(w, by, e.dtype))

    def f(p, q):
        p, q = (scalar.cast(w.b, e, compute) for e in (p, q))
        return scalar.cast(w.b, ARITHMETIC["add"](w.b, mul(p, beta), mul(q, alpha)), dtype)
    return tensor_ops.reshape(w.b, tensor_ops.elementwise(w.b, [bias, product], product.shape, dtype, f), w.shape(node))


@handles("aten.convolution.default")
def convolution(w, node, x, weight, bias, stride, padding, dilation, transposed, output_padding, groups):
    if transposed:
        raise Unsupported("a transposed convolution; attnc has plain ones")
    return products.convolution(w.b, x, weight, bias, stride, padding, dilation, groups)


@handles("aten.conv1d.default", "aten.conv2d.default", "aten.conv3d.default")
def plain_convolution(w, node, x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    spatial = x.rank - 2
    each = lambda given: (given * spatial if len(given) == 1 else given) if isinstance(given, (list, tuple)) else [given] * spatial
    return products.convolution(w.b, x, weight, bias, each(stride), each(padding), each(dilation), groups)


# -- normalisation

@handles("aten.softmax.int", "aten._softmax.default", "aten.log_softmax.int", "aten._log_softmax.default")
def softmax(w, node, x, dim, *_):
    return reductions.softmax(w.b, tensor_ops.convert(w.b, x, w.dtype(node)), dim, log="log_softmax" in str(node.target))


@handles("aten.layer_norm.default")
def layer_norm(w, node, x, shape, weight=None, bias=None, eps=1e-5, *_):
    norm = lambda x, weight, bias: products.layer_norm(w.b, x, weight, bias, eps)
    return products.over_last_dimensions(w.b, x, len(shape), [weight, bias], norm)


@handles("aten.native_layer_norm.default")
def native_layer_norm(w, node, x, shape, weight, bias, eps):
    if any(u.args[1] != 0 for u in node.users):
        raise Unsupported("the mean and deviation of a layer norm as results; attnc has the norm alone")
    return [layer_norm(w, node, x, shape, weight, bias, eps), None, None]


@handles("aten.rms_norm.default")
def rms_norm(w, node, x, shape, weight=None, eps=None):
    eps = torch.finfo(torch.float64 if x.dtype == "f64" else torch.float32).eps if eps is None else eps
    return products.over_last_dimensions(w.b, x, len(shape), [weight], lambda x, weight: products.rms_norm(w.b, x, weight, eps))


@handles("aten.native_group_norm.default")
def group_norm(w, node, x, weight, bias, batch, channels, pixels, groups, eps):
    """Over the channels of a group and all positions; then scaled by channel."""
    if any(u.args[1] != 0 for u in node.users):
        raise Unsupported("the mean and deviation of a group norm as results; attnc has the norm alone")
    flat = tensor_ops.reshape(w.b, x, (x.shape[0], groups, shapes.product((channels // groups, *x.shape[2:]))))
    y = tensor_ops.reshape(w.b, products.layer_norm(w.b, flat, None, None, eps), x.shape)
    for parameter, op in ((weight, "mul"), (bias, "add")):
        if parameter is not None:
            y = tensor_ops.arithmetic(w.b, op, y, tensor_ops.reshape(w.b, parameter, (channels, *(1,) * (x.rank - 2))))
    return [y, None, None]


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
