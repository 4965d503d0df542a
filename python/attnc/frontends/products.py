"""Products of matrices, convolutions, and normalisations."""
from __future__ import annotations

from typing import Callable, Sequence

import sympy

from . import scalar, shapes
from .builder import Builder, Value, affine_map, identity
from .shapes import Size
from .tensor_ops import broadcast, broadcast_shape, elementwise, full, pad, reshape


def contract(b: Builder, x: Value, y: Value, maps: Sequence[Sequence[str]], rank: int, shape: Sequence[Size], dtype: str, init: Value | None = None) -> Value:
    """Σ x · y over the dimensions that the third map lacks, on top of init (0)."""
    init = init or full(b, shape, dtype, 0)
    text = (f"linalg.contract indexing_maps = [{', '.join(affine_map(rank, m) for m in maps)}] ins({x.name}, {y.name} : {x.type}, {y.type}) "
            f"outs({init.name} : {init.type}) -> {init.type}")
    return b.tensor(text, shape, dtype)


def linear(b: Builder, x: Value, weight: Value, bias: Value | None = None) -> Value:
    """x Wᵀ + bias, over the last dimension of x; weight is [out, in]."""
    k = x.rank
    lead = [f"d{i}" for i in range(k - 1)]
    shape = (*x.shape[:-1], weight.shape[0])
    init = broadcast(b, bias, shape) if bias else None
    return contract(b, x, weight, [lead + [f"d{k}"], [f"d{k - 1}", f"d{k}"], lead + [f"d{k - 1}"]], k + 1, shape, x.dtype, init)


def rows_apart(b: Builder, x: Value) -> Value:
    """x [rows, width] before its rows were joined from several dimensions: what a product gives keeps them apart, so that attention is
    found in what follows."""
    whole = b.reshaped.get(x.name)
    return whole if whole is not None and whole.rank > 2 and shapes.same(whole.shape[-1], x.shape[-1]) else x


def matmul(b: Builder, x: Value, y: Value) -> Value:
    """torch's and NumPy's: vectors are rows or columns, leading dimensions are broadcast."""
    if x.rank == 1 or y.rank == 1:
        return _matmul_vector(b, x, y)
    lead = broadcast_shape(x.shape[:-2], y.shape[:-2])
    n = len(lead)
    shape = (*lead, x.shape[-2], y.shape[-1])

    def batch(v):  # a dimension of 1 that is broadcast goes, so that maps stay projections
        front = n - (v.rank - 2)
        keep = [i for i in range(v.rank - 2) if not (v.shape[i] == 1 and lead[front + i] != 1)]
        return reshape(b, v, [*(v.shape[i] for i in keep), *v.shape[-2:]]), [f"d{front + i}" for i in keep]
    (x, xs), (y, ys) = batch(x), batch(y)
    return contract(b, x, y, [xs + [f"d{n}", f"d{n + 2}"], ys + [f"d{n + 2}", f"d{n + 1}"], identity(n + 2)], n + 3, shape, x.dtype)


def _matmul_vector(b: Builder, x: Value, y: Value) -> Value:
    rows = reshape(b, x, (1, *x.shape)) if x.rank == 1 else x
    columns = reshape(b, y, (*y.shape, 1)) if y.rank == 1 else y
    out = matmul(b, rows, columns)
    shape = [s for i, s in enumerate(out.shape) if not (x.rank == 1 and i == out.rank - 2) and not (y.rank == 1 and i == out.rank - 1)]
    return reshape(b, out, shape)


# -- normalisation

def layer_norm(b: Builder, x: Value, weight: Value | None, bias: Value | None, eps: float) -> Value:
    """Over the last dimension."""
    parts = [f" {word}({v.name} : {v.type})" for word, v in (("weight", weight), ("bias", bias)) if v]
    return b.tensor(f"attn.layer_norm {x.name}{''.join(parts)} eps({eps:.9e}) : {x.type}", x.shape, x.dtype)


def rms_norm(b: Builder, x: Value, weight: Value | None, eps: float) -> Value:
    """Over the last dimension."""
    part = f" weight({weight.name} : {weight.type})" if weight else ""
    return b.tensor(f"attn.rms_norm {x.name}{part} eps({eps:.9e}) : {x.type}", x.shape, x.dtype)


def over_last_dimensions(b: Builder, x: Value, count: int, parameters: Sequence[Value | None], norm: Callable[..., Value]) -> Value:
    """A norm over the last `count` dimensions as one over their product."""
    flat = lambda v, keep: v and reshape(b, v, (*v.shape[:keep], shapes.product(v.shape[keep:])))
    if count == 1:
        return norm(x, *parameters)
    return reshape(b, norm(flat(x, x.rank - count), *(flat(p, 0) for p in parameters)), x.shape)


# -- convolution

def convolution(b: Builder, x: Value, weight: Value, bias: Value | None, strides, padding, dilations, groups: int) -> Value:
    """x [N, C, …], weight [O, C / groups, …]: one to three spatial dimensions; padding is the same on both sides, or (low, high)."""
    spatial = x.rank - 2
    pairs = [p if isinstance(p, (tuple, list)) else (p, p) for p in padding]
    x = pad(b, x, [0, 0, *(p[0] for p in pairs)], [0, 0, *(p[1] for p in pairs)], 0)
    out = [shapes.size((x.shape[2 + i] - d * (weight.shape[2 + i] - 1) - 1) // s + 1) if isinstance(x.shape[2 + i], int) or s == 1
           else floor_div(shapes.canonical(x.shape[2 + i] - d * (weight.shape[2 + i] - 1) - 1), s) + 1
           for i, (s, d) in enumerate(zip(strides, dilations))]
    n, channels = x.shape[:2]
    o = weight.shape[0]
    xg = reshape(b, x, (n, groups, channels // groups, *x.shape[2:])) if groups > 1 else x
    wg = reshape(b, weight, (groups, o // groups, *weight.shape[1:])) if groups > 1 else weight
    g = ["d1"] if groups > 1 else []
    d = len(g) + 1  # n, [g,] o, spatial…, c, kernel…
    space, c, kernel = range(d + 1, d + 1 + spatial), d + 1 + spatial, range(d + 2 + spatial, d + 2 + 2 * spatial)
    window = [f"d{i} * {s} + d{k} * {dil}" for i, k, s, dil in zip(space, kernel, strides, dilations)]
    maps = [["d0", *g, f"d{c}", *window], [*g, f"d{d}", f"d{c}", *(f"d{k}" for k in kernel)], ["d0", *g, f"d{d}", *(f"d{i}" for i in space)]]
    shape = (n, o, *out)
    grouped = (n, groups, o // groups, *out) if groups > 1 else shape
    if bias:
        init = elementwise(b, [reshape(b, bias, (*grouped[1:d + 1], *[1] * spatial))], grouped, x.dtype, lambda e: e)
    else:
        init = full(b, grouped, x.dtype, 0)
    multiply_add = lambda i, a: [scalar.binary(b, "addf", a[0], scalar.binary(b, "mulf", i[0], i[1]))]
    result = b.generic([xg, wg], [init], maps, d + 2 + 2 * spatial, multiply_add, [c, *kernel])[0]
    return reshape(b, result, shape)


def floor_div(value: Size, by: int) -> Size:
    return shapes.size(sympy.floor(value / by)) if isinstance(value, int) else sympy.Function("FloorDiv")(value, by)
