"""Tensors: elementwise operations, constants, and views. What torch's and ONNX's operations are made of, with reductions, products and rows."""
from __future__ import annotations

from typing import Callable, Sequence

from . import scalar, shapes
from .builder import Builder, Value, identity
from .errors import Unsupported
from .scalar import ARITHMETIC, cast, constant
from .shapes import Size

Operand = Value | int | float | bool


# -- elementwise

def broadcast_map(shape: Sequence[Size], to: Sequence[Size]) -> list[str]:
    """How a tensor of `shape` is read where one of shape `to` is written."""
    front = len(to) - len(shape)
    return ["0" if s == 1 and to[front + i] != 1 else f"d{front + i}" for i, s in enumerate(shape)]


def broadcast_shape(*given: Sequence[Size]) -> tuple[Size, ...]:
    rank = max(map(len, given))
    out = []
    for sizes in zip(*((1,) * (rank - len(s)) + tuple(s) for s in given)):
        out.append(next((s for s in sizes if s != 1), 1))
    return tuple(out)


def elementwise(b: Builder, operands: Sequence[Operand], shape: Sequence[Size], dtype: str, f: Callable[..., Value]) -> Value:
    """f on the elements of tensors (broadcast), and on scalars as they are: numbers, or scalar Values. All scalars: f itself."""
    tensors = [x for x in operands if isinstance(x, Value) and x.shape is not None]
    maps = [broadcast_map(x.shape, shape) for x in tensors] + [identity(len(shape))]

    def body(elements, _):
        stream = iter(elements)
        return [f(*(next(stream) if isinstance(x, Value) and x.shape is not None else x for x in operands))]
    return b.generic(tensors, [b.empty(shape, dtype)], maps, len(shape), body)[0]


def convert(b: Builder, x: Value, dtype: str) -> Value:
    if x.dtype == dtype:
        return x
    return elementwise(b, [x], x.shape, dtype, lambda e: cast(b, e, dtype))


def arithmetic(b: Builder, name: str, *xs: Value) -> Value:
    """An operation of ARITHMETIC on tensors of one type, broadcast; half types are computed in f32."""
    dtype = xs[0].dtype
    wide = scalar.computed_in(dtype)
    return elementwise(b, xs, broadcast_shape(*(x.shape for x in xs)), dtype,
                       lambda *es: cast(b, ARITHMETIC[name](b, *(cast(b, e, wide) for e in es)), dtype))


def full(b: Builder, shape: Sequence[Size], dtype: str, value: Operand) -> Value:
    """A tensor of one number, or of a scalar."""
    element = cast(b, value, dtype) if isinstance(value, Value) else constant(b, value, dtype)
    init = b.empty(shape, dtype)
    return b.tensor(f"linalg.fill ins({element.name} : {dtype}) outs({init.name} : {init.type}) -> {init.type}", shape, dtype)


def arange(b: Builder, count: Size, dtype: str, start: Operand = 0, step: Operand = 1) -> Value:
    """start, start + step, …"""
    wide = scalar.computed_in(dtype)

    def body(_, __):
        number = lambda v: cast(b, v, wide) if isinstance(v, Value) else constant(b, v, wide)
        x = cast(b, b.scalar("linalg.index 0 : index", "index"), wide)
        if isinstance(step, Value) or step != 1:
            x = ARITHMETIC["mul"](b, x, number(step))
        if isinstance(start, Value) or start != 0:
            x = ARITHMETIC["add"](b, x, number(start))
        return [cast(b, x, dtype)]
    return b.generic([], [b.empty([count], dtype)], [["d0"]], 1, body)[0]


def broadcast(b: Builder, x: Value, shape: Sequence[Size]) -> Value:
    if len(shape) == x.rank and all(shapes.same(s, t) for s, t in zip(x.shape, shape)):
        return x
    return elementwise(b, [x], shape, x.dtype, lambda e: e)


def extract(b: Builder, x: Value, indices: Sequence[Value] = ()) -> Value:
    """One element."""
    return b.scalar(f"tensor.extract {x.name}[{', '.join(i.name for i in indices)}] : {x.type}", x.dtype)


def from_scalar(b: Builder, x: Value) -> Value:
    """A tensor of rank 0."""
    return full(b, (), x.dtype, x)


# -- views

def reshape(b: Builder, x: Value, shape: Sequence[Size]) -> Value:
    """The same elements in another shape, as collapse and expand; what a view was made of, where that has the shape."""
    shape = tuple(shape)
    for made in (x, b.reshaped.get(x.name)):
        if made is not None and made.rank == len(shape) and all(shapes.same(s, t) for s, t in zip(made.shape, shape)):
            return made
    out = _reshape(b, x, shape)
    if out.name != x.name:
        b.reshaped[out.name] = b.reshaped.get(x.name, x)
    return out


def _reshape(b: Builder, x: Value, shape: tuple[Size, ...]) -> Value:
    if 0 in shape:
        return b.empty(shape, x.dtype)
    if not shape:
        return b.tensor(f"tensor.collapse_shape {x.name} [] : {x.type} into {shapes.type_text((), x.dtype)}", (), x.dtype)
    if not x.shape:
        return _expand(b, x, [], shape)
    groups = shapes.grouping(x.shape, shape)
    if groups is None:
        raise Unsupported(f"a reshape of {list(x.shape)} to {list(shape)}, whose sizes do not show which dimensions belong together")
    fine = _split_and_join(x.shape, shape, groups)
    if fine is not None:  # [B, 32] → [B, 4, 8] → [4 B, 8]
        return reshape(b, reshape(b, x, fine), shape)
    middle = tuple(shapes.product(x.shape[i] for i in g[0]) if len(g[0]) > 1 else x.shape[g[0][0]] for g in groups)
    if len(middle) < x.rank:
        inside = ", ".join(str(g[0]) for g in groups)
        text = f"tensor.collapse_shape {x.name} [{inside}] : {x.type} into {shapes.type_text(middle, x.dtype)}"
        x = b.tensor(text, middle, x.dtype)
    return _expand(b, x, [g[1] for g in groups], shape) if len(middle) < len(shape) else Value(x.name, x.dtype, shape)


def _split_and_join(before, after, groups) -> list[Size] | None:
    """A shape between the two, where some group has several dimensions on both sides and sizes show how they split."""
    out, found = [], False
    for left, right in groups:
        a, c = [before[i] for i in left], [after[i] for i in right]
        fine = shapes.refinement(a, c) if len(a) > 1 and len(c) > 1 else None
        useful = fine is not None and len(fine) > max(len(a), len(c))
        found |= useful
        out += fine if useful else a if len(a) >= len(c) else c
    return out if found else None


def _expand(b: Builder, x: Value, groups, shape) -> Value:
    text = f"tensor.expand_shape {x.name} {groups} output_shape {b.size_list(shape)} : {x.type} into {shapes.type_text(shape, x.dtype)}"
    return b.tensor(text, shape, x.dtype)


def transpose(b: Builder, x: Value, order: Sequence[int]) -> Value:
    """Dimension k of the result is dimension order[k] of x. Two in a row become one, or none."""
    order = tuple(o % x.rank for o in order)
    if x.name in b.transposed:
        x, first = b.transposed[x.name]
        order = tuple(first[o] for o in order)
    if order == tuple(range(x.rank)):
        return x
    shape = tuple(x.shape[o] for o in order)
    init = b.empty(shape, x.dtype)
    text = f"linalg.transpose ins({x.name} : {x.type}) outs({init.name} : {init.type}) permutation = {list(order)}"
    out = b.tensor(text, shape, x.dtype)
    b.transposed[out.name] = (x, order)
    return out


def move(b: Builder, x: Value, source: int, to: int) -> Value:
    """Dimension `source` becomes dimension `to`; the others keep their order."""
    order = [i for i in range(x.rank) if i != source % x.rank]
    order.insert(to % x.rank, source % x.rank)
    return transpose(b, x, order)


def extract_slice(b: Builder, x: Value, offsets, sizes, strides=None, drop: Sequence[int] = ()) -> Value:
    strides = strides or [1] * x.rank
    shape = tuple(s for i, s in enumerate(sizes) if i not in drop)
    text = (f"tensor.extract_slice {x.name}{b.size_list(offsets)} {b.size_list(sizes)} {b.size_list(strides)} : {x.type} to "
            f"{shapes.type_text(shape, x.dtype)}")
    return b.tensor(text, shape, x.dtype)


def insert_slice(b: Builder, x: Value, into: Value, offsets, sizes, strides=None) -> Value:
    """`into` with x at the offsets; sizes are those in `into` (dimensions of 1 may be missing in x)."""
    strides = strides or [1] * into.rank
    text = f"tensor.insert_slice {x.name} into {into.name}{b.size_list(offsets)} {b.size_list(sizes)} {b.size_list(strides)} : {x.type} into {into.type}"
    return b.tensor(text, into.shape, into.dtype)


def slice_along(b: Builder, x: Value, dim: int, start, length: Size, step: Size = 1) -> Value:
    dim %= x.rank
    if isinstance(start, int) and start == 0 and step == 1 and shapes.same(length, x.shape[dim]):
        return x
    at = lambda value, other: [value if i == dim else other(i) for i in range(x.rank)]
    return extract_slice(b, x, at(start, lambda i: 0), at(length, lambda i: x.shape[i]), at(step, lambda i: 1))


def select(b: Builder, x: Value, dim: int, index) -> Value:
    """x at one index along a dimension, which goes."""
    dim %= x.rank
    at = lambda value, other: [value if i == dim else other(i) for i in range(x.rank)]
    return extract_slice(b, x, at(index, lambda i: 0), at(1, lambda i: x.shape[i]), drop=[dim])


def insert_along(b: Builder, x: Value, into: Value, dim: int, start, step: Size = 1) -> Value:
    """`into` with x, of the same rank, from `start` along a dimension."""
    dim %= into.rank
    at = lambda value, other: [value if i == dim else other for i in range(into.rank)]
    return insert_slice(b, x, into, at(start, 0), x.shape, at(step, 1))


def concat(b: Builder, xs: Sequence[Value], dim: int) -> Value:
    if len(xs) == 1:
        return xs[0]
    dim %= xs[0].rank
    total = shapes.canonical(sum((x.shape[dim] for x in xs), 0))
    shape = [total if i == dim else s for i, s in enumerate(xs[0].shape)]
    parts = f"({', '.join(x.type for x in xs)}) -> {shapes.type_text(shape, xs[0].dtype)}"
    return b.tensor(f"tensor.concat dim({dim}) {', '.join(x.name for x in xs)} : {parts}", shape, xs[0].dtype)


def pad(b: Builder, x: Value, low: Sequence[Size], high: Sequence[Size], value: Operand) -> Value:
    """A frame of one number around x; negative amounts cut off."""
    cut = lambda amounts: [max(-a, 0) if isinstance(a, int) else 0 for a in amounts]
    grow = lambda amounts: [max(a, 0) if isinstance(a, int) else a for a in amounts]
    if any(cut(low)) or any(cut(high)):
        sizes = [shapes.canonical(s - p - q) for s, p, q in zip(x.shape, cut(low), cut(high))]
        x = extract_slice(b, x, cut(low), sizes)
    low, high = grow(low), grow(high)
    if not any(low) and not any(high):
        return x
    out = full(b, [shapes.canonical(s + p + q) for s, p, q in zip(x.shape, low, high)], x.dtype, value)
    return insert_slice(b, x, out, low, x.shape)


def flip(b: Builder, x: Value, dims: Sequence[int]) -> Value:
    dims = {d % x.rank for d in dims}

    def body(_, __):
        at = []
        for d in range(x.rank):
            i = b.scalar(f"linalg.index {d} : index", "index")
            at.append(scalar.binary(b, "subi", b.index(shapes.canonical(x.shape[d] - 1)), i) if d in dims else i)
        return [extract(b, x, at)]
    return b.generic([], [b.empty(x.shape, x.dtype)], [identity(x.rank)], x.rank, body)[0]
