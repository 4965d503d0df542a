"""Rows and elements by index, the largest ones, and order."""
from __future__ import annotations

from typing import Sequence

from . import scalar, shapes
from .builder import Builder, Value, identity
from .scalar import ARITHMETIC, COMPARISONS, cast, constant
from .shapes import Size
from .tensor_ops import arithmetic, broadcast, broadcast_shape, elementwise, extract, move


def gather_rows(b: Builder, table: Value, indices: Value) -> Value:
    """table[indices[…], …]; a row outside the table is 0."""
    shape = (*indices.shape, *table.shape[1:])
    out = shapes.type_text(shape, table.dtype)
    return b.tensor(f"attn.gather_rows {table.name}[{indices.name}] : {table.type}, {indices.type} -> {out}", shape, table.dtype)


def wrapped(b: Builder, index: Value, extent: Size) -> Value:
    """An index of data as one that lies inside: from the end where negative, and clamped, so that nothing is read outside."""
    i, n = cast(b, index, "index"), b.index(extent)
    zero, one = constant(b, 0, "index"), constant(b, 1, "index")
    i = scalar.select(b, COMPARISONS["lt"](b, i, zero), ARITHMETIC["add"](b, i, n), i)
    return scalar.clamp(b, i, zero, scalar.binary(b, "subi", n, one))


def gather(b: Builder, x: Value, dim: int, indices: Value) -> Value:
    """result[…, n, …] = x[…, indices[…, n, …], …], as torch.gather and GatherElements."""
    dim %= x.rank

    def body(i, _):
        at = [b.scalar(f"linalg.index {d} : index", "index") for d in range(x.rank)]
        at[dim] = wrapped(b, i[0], x.shape[dim])
        return [extract(b, x, at)]
    maps = [identity(x.rank)] * 2
    return b.generic([indices], [b.empty(indices.shape, x.dtype)], maps, x.rank, body)[0]


def index(b: Builder, x: Value, indices: Sequence[Value | None]) -> Value:
    """x[i, :, j, …] with tensors of integers, as NumPy and torch have it: their broadcast shape stands where they stand if they
    are neighbours, else in front."""
    indices = [*indices, *[None] * (x.rank - len(indices))]
    given = [d for d, i in enumerate(indices) if i is not None]
    if given == [0] and x.rank > 1:
        return gather_rows(b, x, normalized(b, indices[0], x.shape[0]))
    common = broadcast_shape(*(indices[d].shape for d in given))
    first = given[0] if given == list(range(given[0], given[-1] + 1)) else 0
    rest = [d for d in range(x.rank) if d not in given]
    before = [d for d in rest if d < first]
    shape = (*(x.shape[d] for d in before), *common, *(x.shape[d] for d in rest if d not in before))
    out = {d: k if k < len(before) else k + len(common) for k, d in enumerate(rest)}  # where a dimension of x stands
    tensors = [indices[d] for d in given]
    maps = []
    for t in tensors:
        front = len(before) + len(common) - t.rank
        maps.append(["0" if s == 1 and common[t_i + len(common) - t.rank] != 1 else f"d{front + t_i}" for t_i, s in enumerate(t.shape)])

    def body(i, _):
        at = {d: wrapped(b, e, x.shape[d]) for d, e in zip(given, i)}
        at |= {d: b.scalar(f"linalg.index {out[d]} : index", "index") for d in rest}
        return [extract(b, x, [at[d] for d in range(x.rank)])]
    return b.generic(tensors, [b.empty(shape, x.dtype)], [*maps, identity(len(shape))], len(shape), body)[0]


def normalized(b: Builder, indices: Value, extent: Size) -> Value:
    """Indices of data, those below 0 counted from the end."""
    def f(i):
        n = cast(b, b.index(extent), i.dtype)
        return scalar.select(b, COMPARISONS["lt"](b, i, constant(b, 0, i.dtype)), ARITHMETIC["add"](b, i, n), i)
    return elementwise(b, [indices], indices.shape, indices.dtype, f)


def scatter_rows(b: Builder, rows: Value, into: Value, dim: int, indices: Value, mode: str = "set") -> Value:
    """`into` with rows at indices (rank 1) along a dimension, set or added, in their order."""
    dim %= into.rank
    lead = into.shape[:dim]
    at = broadcast(b, normalized(b, indices, into.shape[dim]), (*lead, indices.shape[0]))
    batch = f" batch {dim}" if dim else ""
    text = f"attn.scatter_rows {mode} {rows.name} into {into.name}[{at.name}]{batch} : {rows.type}, {into.type}, {at.type}"
    return b.tensor(text, into.shape, into.dtype)


# -- order

def top_k(b: Builder, x: Value, k: int, dim: int = -1, largest: bool = True) -> tuple[Value, Value]:
    """The k largest along a dimension, in descending order, and their indices (i64)."""
    x, dtype = move(b, x, dim, -1), x.dtype
    keys = x if largest else arithmetic(b, "neg", x)
    shape = (*x.shape[:-1], k)
    values, indices = shapes.type_text(shape, dtype), shapes.type_text(shape, "i64")
    result = b.fresh()
    b.line(f"{result}:2 = attn.top_k {keys.name} : {keys.type} -> {values}, {indices}")
    best = Value(f"{result}#0", dtype, shape)
    best = best if largest else arithmetic(b, "neg", best)
    return move(b, best, -1, dim), move(b, Value(f"{result}#1", "i64", shape), -1, dim)


def sort(b: Builder, x: Value, dim: int = -1, descending: bool = False) -> tuple[Value, Value]:
    """Stable; the values and their indices (i64)."""
    x = move(b, x, dim, -1)
    result, indices = b.fresh(), shapes.type_text(x.shape, "i64")
    b.line(f"{result}:2 = attn.sort {x.name}{' descending' if descending else ''} : {x.type} -> {indices}")
    return tuple(move(b, Value(f"{result}#{i}", t, x.shape), -1, dim) for i, t in enumerate((x.dtype, "i64")))
