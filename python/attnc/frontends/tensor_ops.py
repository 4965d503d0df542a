"""Operations on tensors, in linalg, tensor and attn: what torch's and ONNX's operations are made of."""
from __future__ import annotations

import math
from typing import Callable, Sequence

from . import scalar, shapes
from .builder import Builder, Value, identity
from .errors import Unsupported
from .scalar import ARITHMETIC, COMPARISONS, cast, constant
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
    """The same elements in another shape, as collapse and expand."""
    shape = tuple(shape)
    if x.rank == len(shape) and all(shapes.same(s, t) for s, t in zip(x.shape, shape)):
        return x
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
    out = b.empty([total if i == dim else s for i, s in enumerate(xs[0].shape)], xs[0].dtype)
    start = 0
    for x in xs:
        out = insert_along(b, x, out, dim, start)
        start = shapes.canonical(start + x.shape[dim])
    return out


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


# -- reductions

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


# -- products

def contract(b: Builder, x: Value, y: Value, maps: Sequence[Sequence[str]], rank: int, shape: Sequence[Size], dtype: str, init: Value | None = None) -> Value:
    """Σ x · y over the dimensions that the third map lacks, on top of init (0)."""
    init = init or full(b, shape, dtype, 0)
    from .builder import affine_map
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


# -- rows and elements by index

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
    import sympy
    return shapes.size(sympy.floor(value / by)) if isinstance(value, int) else sympy.Function("FloorDiv")(value, by)
