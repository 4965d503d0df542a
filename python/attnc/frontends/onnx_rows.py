"""The operations of ONNX that take, set and order elements by index."""
from __future__ import annotations

import numpy as np

from . import rows, scalar, shapes, tensor_ops
from .builder import Value, identity
from .errors import Unsupported
from .onnx_known import LARGEST, Known
from .onnx_views import axis_of, cut, reshaped
from .onnx_walker import Walker, handles
from .scalar import ARITHMETIC, COMPARISONS, cast, constant


@handles("Gather", raw=True)
def gather(w, node, x, at):
    axis = axis_of(node["axis"], x.rank)
    extent = x.shape[axis]
    numbers = isinstance(at, Known) and at.is_numbers
    if numbers and isinstance(extent, int) and not all(-extent <= k < extent for k in at.elements):
        raise Unsupported(f"a Gather at {at.elements[:8]} of a dimension of size {extent}")
    if numbers and isinstance(x, Known) and at.array.size * x.array.size <= LARGEST:
        return Known(x.dtype, np.asarray(np.take(x.array, at.array.astype(int), axis), object))
    if isinstance(at, Known) and at.rank == 0:  # one index: a slice, without its dimension
        k = at.elements[0]
        if not isinstance(k, int) or k >= 0 or isinstance(extent, int) or w.require(extent, least=-k):
            start = shapes.canonical(extent + k) if isinstance(k, int) and k < 0 else k
            part = cut(w, x, axis, start, 1)
            return reshaped(w, part, [s for d, s in enumerate(x.shape) if d != axis])
    return rows.index(w.b, w.tensor(x), [*[None] * axis, w.tensor(at)])


@handles("GatherElements")
def gather_elements(w, node, x, at):
    axis = axis_of(node["axis"], x.rank)
    if at.rank != x.rank:
        raise Unsupported(f"GatherElements at {at.rank} dimensions of {x.rank}")
    return rows.gather(w.b, x, axis, at)


def linear(w: Walker, at: Value, extents) -> Value:
    """Tuples of indices [..., k] as indices into the rows of the first k dimensions joined."""
    k = at.shape[-1]
    lead = at.shape[:-1]

    def body(_, __):
        here = [w.b.scalar(f"linalg.index {d} : index", "index") for d in range(len(lead))]
        total = constant(w.b, 0, "index")
        for n in range(k):
            e = cast(w.b, tensor_ops.extract(w.b, at, [*here, constant(w.b, n, "index")]), "index")
            size = w.b.index(extents[n])
            e = scalar.select(w.b, COMPARISONS["lt"](w.b, e, constant(w.b, 0, "index")), ARITHMETIC["add"](w.b, e, size), e)
            total = ARITHMETIC["add"](w.b, ARITHMETIC["mul"](w.b, total, size), e)
        return [cast(w.b, total, "i64")]
    return w.b.generic([], [w.b.empty(lead, "i64")], [identity(len(lead))], len(lead), body)[0]


def apart(w: Walker, at: Value, k: int) -> list[Value]:
    """Tuples of indices [..., k] as k tensors: those that were joined to them, if they were."""
    axis, parts = w.joined.get(at.name, (-1, []))
    if axis != at.rank - 1 or len(parts) != k:
        return [tensor_ops.select(w.b, at, -1, n) for n in range(k)]
    return [tensor_ops.reshape(w.b, part, at.shape[:-1]) for part in parts]


def expect_tuples(x: Value, at: Value) -> int:
    k = at.shape[-1] if at.rank else 0
    if not isinstance(k, int) or not 1 <= k <= x.rank:
        raise Unsupported(f"indices of the shape {list(at.shape)} into {list(x.shape)}: expected 1 to {x.rank} in the last dimension")
    return k


@handles("GatherND")
def gather_nd(w, node, x, at):
    if node["batch_dims"]:
        raise Unsupported("GatherND with batch dimensions: put the batch into the indices")
    k = expect_tuples(x, at)
    if k == x.rank:
        return rows.index(w.b, x, apart(w, at, k))
    table = tensor_ops.reshape(w.b, x, (shapes.product(x.shape[:k]), *x.shape[k:]))
    return rows.gather_rows(w.b, table, linear(w, at, x.shape[:k]))


def mode_of(node) -> str:
    mode = node["reduction"] or "none"
    if mode not in ("none", "add"):
        raise Unsupported(f"a scatter that takes the {mode[:20]}; attnc sets and adds")
    return "set" if mode == "none" else "add"


def scatter(w: Walker, x: Value, at: Value, updates: Value, lead: int, mode: str) -> Value:
    """x with rows at indices [n] into its first `lead` dimensions joined."""
    table = tensor_ops.reshape(w.b, x, (shapes.product(x.shape[:lead]), *x.shape[lead:]))
    return tensor_ops.reshape(w.b, rows.scatter_rows(w.b, updates, table, 0, at, mode), x.shape)


@handles("ScatterND")
def scatter_nd(w, node, x, at, updates):
    mode, k = mode_of(node), expect_tuples(x, at)
    expected = (*at.shape[:-1], *x.shape[k:])
    if len(expected) != updates.rank or not all(map(shapes.same, expected, updates.shape)):
        raise Unsupported(f"updates of the shape {list(updates.shape)}: expected {list(expected)}")
    count = shapes.product(at.shape[:-1])
    flat = tensor_ops.reshape(w.b, linear(w, at, x.shape[:k]), (count,))
    return scatter(w, x, flat, tensor_ops.reshape(w.b, updates, (count, *x.shape[k:])), k, mode)


@handles("ScatterElements")
def scatter_elements(w, node, x, at, updates):
    axis, mode = axis_of(node["axis"], x.rank), mode_of(node)
    if at.rank != x.rank or not all(map(shapes.same, at.shape, updates.shape)) or updates.rank != x.rank:
        raise Unsupported(f"updates of the shape {list(updates.shape)} at indices of {list(at.shape)} in {list(x.shape)}: expected one rank and equal shapes of both")

    def body(elements, _):
        here = [w.b.scalar(f"linalg.index {d} : index", "index") for d in range(x.rank)]
        here[axis] = cast(w.b, elements[0], "index")
        size = w.b.index(x.shape[axis])
        here[axis] = scalar.select(w.b, COMPARISONS["lt"](w.b, here[axis], constant(w.b, 0, "index")), ARITHMETIC["add"](w.b, here[axis], size), here[axis])
        total = here[0]
        for d in range(1, x.rank):
            total = ARITHMETIC["add"](w.b, ARITHMETIC["mul"](w.b, total, w.b.index(x.shape[d])), here[d])
        return [cast(w.b, total, "i64")]
    places = w.b.generic([at], [w.b.empty(at.shape, "i64")], [identity(x.rank)] * 2, x.rank, body)[0]
    count = (shapes.product(at.shape),)
    return scatter(w, x, tensor_ops.reshape(w.b, places, count), tensor_ops.reshape(w.b, updates, count), x.rank, mode)


@handles("TopK", sizes=(1,))
def top_k(w, node, x, k):
    axis = axis_of(node["axis"], x.rank)
    if len(k) != 1 or not isinstance(k[0], int) or k[0] < 0 or isinstance(x.shape[axis], int) and k[0] > x.shape[axis]:
        raise Unsupported(f"TopK of {k} of a dimension of size {x.shape[axis]}: expected a number, at most the size")
    if not isinstance(x.shape[axis], int):
        w.require(x.shape[axis], least=k[0])
    return list(rows.top_k(w.b, x, k[0], axis, bool(node["largest"])))


@handles("OneHot", sizes=(1,))
def one_hot(w, node, at, depth, values):
    if len(depth) != 1 or values.shape != (2,):
        raise Unsupported("OneHot with other than one depth and two values")
    axis = axis_of(node["axis"], at.rank + 1)
    apart = tensor_ops.reshape(w.b, at, (*at.shape[:axis], 1, *at.shape[axis:]))
    shape = (*at.shape[:axis], depth[0], *at.shape[axis:])
    off, on = (tensor_ops.extract(w.b, values, [w.b.index(n)]) for n in range(2))

    def f(e):
        here = w.b.scalar(f"linalg.index {axis} : index", "index")
        e = cast(w.b, e, "index")
        size = w.b.index(depth[0])
        e = scalar.select(w.b, COMPARISONS["lt"](w.b, e, constant(w.b, 0, "index")), ARITHMETIC["add"](w.b, e, size), e)
        return scalar.select(w.b, COMPARISONS["eq"](w.b, here, e), on, off)
    return tensor_ops.elementwise(w.b, [apart], shape, values.dtype, f)
