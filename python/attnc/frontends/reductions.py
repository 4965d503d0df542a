"""Reductions of tensors, softmax among them, and means, variances and the index of the largest element."""
from __future__ import annotations

import math
from typing import Callable, Sequence

from . import scalar, shapes
from .builder import Builder, Value, identity
from .scalar import ARITHMETIC, COMPARISONS, cast, constant
from .shapes import Size
from .tensor_ops import arithmetic, convert, elementwise, full, reshape


def reduce(b: Builder, x: Value, dims: Sequence[int] | None, keep: bool, initial, f: Callable[[Value, Value], Value], dtype: str | None = None) -> Value:
    """f(element cast to dtype, so far) over dims (None or empty: all)."""
    dtype = dtype or x.dtype
    dims = sorted({d % x.rank for d in dims}) if dims else list(range(x.rank))
    rest = [d for d in range(x.rank) if d not in dims]
    wide = scalar.computed_in(dtype)
    init = full(b, [x.shape[d] for d in rest], wide, initial)
    out = b.generic([x], [init], [identity(x.rank), [f"d{d}" for d in rest]], x.rank, lambda i, o: [f(cast(b, i[0], wide), o[0])], dims)[0]
    out = convert(b, out, dtype)
    return reshape(b, out, [1 if d in dims else s for d, s in enumerate(x.shape)]) if keep else out


def lowest(dtype: str):
    return -math.inf if scalar.is_float(dtype) else 0 if dtype == "i1" else -(1 << (scalar.bits(dtype) - 1))


def highest(dtype: str):
    return math.inf if scalar.is_float(dtype) else 1 if dtype == "i1" else (1 << (scalar.bits(dtype) - 1)) - 1


# name: (operation, what it starts from)
REDUCTIONS = {"sum": ("add", lambda t: 0), "prod": ("mul", lambda t: 1), "max": ("maximum", lowest), "min": ("minimum", highest),
              "any": ("or", lambda t: 0), "all": ("and", lambda t: 1)}


def reduction(b: Builder, name: str, x: Value, dims: Sequence[int] | None, keep: bool, dtype: str | None = None) -> Value:
    op, start = REDUCTIONS[name]
    dtype = dtype or x.dtype
    if x.rank == 0:
        return convert(b, x, dtype)
    return reduce(b, x, dims, keep, start(dtype), lambda e, total: ARITHMETIC[op](b, total, e), dtype)


def mean(b: Builder, x: Value, dims: Sequence[int] | None, keep: bool, less: int = 0) -> Value:
    """The sum over the number of elements (less `less`, as in a variance of a sample)."""
    dims = [d % x.rank for d in dims] if dims else list(range(x.rank))
    total = reduction(b, "sum", x, dims, keep)
    return divide_by_size(b, total, shapes.product(x.shape[d] for d in dims) - less)


def divide_by_size(b: Builder, x: Value, count: Size) -> Value:
    wide = scalar.computed_in(x.dtype)

    def f(e):
        n = constant(b, count, wide) if isinstance(count, int) else cast(b, b.index(count), wide)
        return cast(b, scalar.div(b, cast(b, e, wide), n), x.dtype)
    return elementwise(b, [x], x.shape, x.dtype, f)


def variance(b: Builder, x: Value, dims: Sequence[int] | None, keep: bool, correction: int = 1) -> Value:
    centred = arithmetic(b, "sub", x, mean(b, x, dims, keep=True))
    return mean(b, arithmetic(b, "square", centred), dims, keep, correction)


def softmax(b: Builder, x: Value, dim: int, log: bool = False) -> Value:
    """exp(x - max) / Σ exp(x - max); log: x - max - ln Σ exp(x - max)."""
    dtype, x = x.dtype, convert(b, x, scalar.computed_in(x.dtype))
    if x.rank == 0:
        return full(b, (), dtype, 0 if log else 1)
    shifted = arithmetic(b, "sub", x, reduction(b, "max", x, [dim], keep=True))
    powers = arithmetic(b, "exp", shifted)
    total = reduction(b, "sum", powers, [dim], keep=True)
    out = arithmetic(b, "sub", shifted, arithmetic(b, "log", total)) if log else arithmetic(b, "div", powers, total)
    return convert(b, out, dtype)


def arg_extreme(b: Builder, name: str, x: Value, dim: int | None, keep: bool, dtype: str) -> tuple[Value, Value]:
    """The largest ("max") or smallest element along a dimension and its index, the first of equals; NaN counts as the most extreme."""
    whole, shape = x, x.shape
    if dim is None:
        x, dim = reshape(b, x, [shapes.product(x.shape)]), 0
    dim %= x.rank
    rest = [d for d in range(x.rank) if d != dim]
    values = full(b, [x.shape[d] for d in rest], x.dtype, (lowest if name == "max" else highest)(x.dtype))
    indices = full(b, [x.shape[d] for d in rest], dtype, 0)

    def body(i, o):
        at = cast(b, b.scalar(f"linalg.index {dim} : index", "index"), dtype)
        better = COMPARISONS["gt" if name == "max" else "lt"](b, i[0], o[0])
        if scalar.is_float(x.dtype):
            new_nan = scalar.binary(b, "andi", scalar.is_nan(b, i[0]), scalar.not_(b, scalar.is_nan(b, o[0])))
            better = scalar.binary(b, "ori", better, new_nan)
        return [scalar.select(b, better, i[0], o[0]), scalar.select(b, better, at, o[1])]
    out = [f"d{d}" for d in rest]
    results = b.generic([x], [values, indices], [identity(x.rank), out, out], x.rank, body, [dim])
    if not keep:
        return tuple(results)
    kept = [1] * whole.rank if x is not whole else [1 if d == dim else s for d, s in enumerate(shape)]
    return tuple(reshape(b, r, kept) for r in results)
