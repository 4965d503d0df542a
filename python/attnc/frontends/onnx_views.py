"""The operations of ONNX that make tensors and view them. What is known while importing stays known."""
from __future__ import annotations

import math
from typing import Sequence

import numpy as np
import sympy

from . import onnx_file, onnx_known, scalar, shapes, tensor_ops
from .builder import Value
from .errors import Unsupported
from .onnx_known import LARGEST, Known, known
from .onnx_walker import Operand, Walker, handles
from .scalar import COMPARISONS, constant
from .shapes import Size


def axis_of(axis: int, rank: int) -> int:
    if not isinstance(axis, int) or not -rank <= axis < rank:
        raise Unsupported(f"the axis {axis} of a tensor with {rank} dimensions")
    return axis % rank


def axes_of(axes: Sequence[int], rank: int) -> list[int]:
    out = [axis_of(a, rank) for a in axes]
    if len(set(out)) != len(out):
        raise Unsupported(f"the axes {list(axes)}, one of them twice")
    return out


def fits(shape: Sequence[Size]) -> bool:
    """Whether a tensor of known contents may have this shape."""
    return shapes.is_static(shape) and all(s >= 0 for s in shape) and math.prod(shape) <= LARGEST


def sizes_of(shape: Sequence[Size]) -> list[Size]:
    """A shape that is asked for."""
    if any(isinstance(s, int) and s < 0 for s in shape):
        raise Unsupported(f"the shape {list(shape)}")
    return list(shape)


# -- making tensors

@handles("Constant")
def constant_(w, node):
    if node["value"] is not None:
        return w.constant(node["value"], node.name)
    for name, dtype in (("value_int", "i64"), ("value_ints", "i64"), ("value_float", "f32"), ("value_floats", "f32")):
        if node[name] is not None:
            array = np.array(node[name], {"i64": np.int64, "f32": np.float32}[dtype])
            if array.size > LARGEST:
                raise Unsupported(f"{array.size} numbers as an attribute; expected a tensor")
            return onnx_known.from_numbers(dtype, array)
    raise Unsupported("a constant of texts or a sparse one; attnc has tensors and numbers")


@handles("Shape", raw=True)
def shape(w, node, x):
    return known("i64", list(x.shape[node["start"]:node["end"]]))


@handles("Size", raw=True)
def size(w, node, x):
    return known("i64", shapes.product(x.shape))


@handles("ConstantOfShape", sizes=(0,))
def constant_of_shape(w, node, extent):
    number = w.constant(node["value"]) if node["value"] is not None else known("f32", 0.0)
    if not isinstance(number, Known) or number.number is None:
        raise Unsupported("ConstantOfShape of a tensor; expected one number")
    extent = sizes_of(extent)
    if fits(extent):
        return Known(number.dtype, np.full(extent, number.number, object))
    return tensor_ops.full(w.b, extent, number.dtype, number.number)


@handles("Range", raw=True)
def range_(w, node, start, limit, step):
    if not all(isinstance(x, Known) and len(x.elements) == 1 for x in (start, limit, step)):
        raise Unsupported("a range whose length depends on data: expected constants and sizes of the inputs")
    first, last, by = (x.elements[0] for x in (start, limit, step))
    if isinstance(by, sympy.Basic) or by == 0:
        raise Unsupported(f"a range with the step {by}: expected a number other than 0")
    if scalar.is_float(start.dtype):
        count = max(math.ceil((last - first) / by), 0)
    else:
        distance = shapes.canonical((last - first) if by > 0 else (first - last))
        count = max(-(-distance // abs(by)), 0) if isinstance(distance, int) else distance if abs(by) == 1 else shapes.size(sympy.Function("CeilDiv")(distance, abs(by)))
    if isinstance(count, int) and count <= 64 and not isinstance(first, sympy.Basic):
        return known(start.dtype, [first + k * by for k in range(count)])
    if not isinstance(count, int) and not count.is_nonnegative:
        count = sympy.Max(count, 0)
    first = w.b.index(first) if isinstance(first, sympy.Basic) else first
    return tensor_ops.arange(w.b, count, start.dtype, first, by)


@handles("EyeLike")
def eye_like(w, node, x):
    dtype = x.dtype if node["dtype"] is None else onnx_file.dtype_of(node["dtype"])
    if x.rank != 2:
        raise Unsupported(f"EyeLike of {x.rank} dimensions: expected 2")

    def f(_):
        i, j = (w.b.scalar(f"linalg.index {k} : index", "index") for k in range(2))
        on = COMPARISONS["eq"](w.b, scalar.binary(w.b, "subi", j, i), constant(w.b, node["k"], "index"))
        return scalar.select(w.b, on, constant(w.b, 1, dtype), constant(w.b, 0, dtype))
    return tensor_ops.elementwise(w.b, [x], x.shape, dtype, f)


# -- views

def reshaped(w: Walker, x: Operand, to: Sequence[Size]) -> Operand:
    if not shapes.same(shapes.product(x.shape), shapes.product(to)):
        raise Unsupported(f"a reshape of {list(x.shape)} to {list(to)}, whose sizes do not show that they hold as many elements")
    if isinstance(x, Known):
        return Known(x.dtype, x.array.reshape(to))
    return tensor_ops.reshape(w.b, x, to)


@handles("Reshape", raw=True, sizes=(1,))
def reshape(w, node, x, to):
    if not node["allowzero"]:
        if any(s == 0 and i >= x.rank for i, s in enumerate(to)):
            raise Unsupported(f"a reshape of {list(x.shape)} to {list(to)}, whose 0 stands for no dimension")
        to = [x.shape[i] if s == 0 else s for i, s in enumerate(to)]
    if to.count(-1) > 1 or any(isinstance(s, int) and s < -1 for s in to):
        raise Unsupported(f"a reshape to {list(to)}: expected one -1 at most")
    if -1 in to:
        at = to.index(-1)
        rest = shapes.product(s for i, s in enumerate(to) if i != at)
        whole = shapes.product(x.shape)
        to[at] = 0 if rest == 0 else shapes.divide(whole, rest)
        if to[at] is None:
            raise Unsupported(f"a reshape of {list(x.shape)} to {[-1 if s is None else s for s in to]}, whose sizes do not show that they divide")
        to[at] = shapes.canonical(to[at])
    return reshaped(w, x, to)


@handles("Squeeze", raw=True, sizes=(1,))
def squeeze(w, node, x, axes):
    if axes is None:
        if not shapes.is_static(x.shape):
            raise Unsupported(f"a Squeeze of {list(x.shape)} without axes: name the dimensions of size 1")
        axes = [i for i, s in enumerate(x.shape) if s == 1]
    axes = axes_of(axes, x.rank)
    if any(x.shape[a] != 1 for a in axes):
        raise Unsupported(f"a Squeeze of the dimensions {axes} of {list(x.shape)}: expected sizes of 1")
    return reshaped(w, x, [s for i, s in enumerate(x.shape) if i not in axes])


@handles("Unsqueeze", raw=True, sizes=(1,))
def unsqueeze(w, node, x, axes):
    axes = axes_of(axes, x.rank + len(axes))
    rest = iter(x.shape)
    return reshaped(w, x, [1 if i in axes else next(rest) for i in range(x.rank + len(axes))])


@handles("Flatten", raw=True)
def flatten(w, node, x):
    axis = node["axis"] if node["axis"] == x.rank else axis_of(node["axis"], max(x.rank, 1))
    return reshaped(w, x, [shapes.product(x.shape[:axis]), shapes.product(x.shape[axis:])])


@handles("Transpose", raw=True)
def transpose(w, node, x):
    order = list(range(x.rank))[::-1] if node["perm"] is None else node["perm"]
    if sorted(order) != list(range(x.rank)):
        raise Unsupported(f"the order {order} of {x.rank} dimensions")
    return Known(x.dtype, x.array.transpose(order)) if isinstance(x, Known) else tensor_ops.transpose(w.b, x, order)


@handles("Expand", raw=True, sizes=(1,))
def expand(w, node, x, to):
    shape = w.broadcast(x.shape, sizes_of(to))
    if isinstance(x, Known) and fits(shape):
        return Known(x.dtype, np.broadcast_to(x.array, shape))
    if isinstance(x, Known) and x.number is not None:
        return tensor_ops.full(w.b, shape, x.dtype, x.number)
    return tensor_ops.broadcast(w.b, w.tensor(x), shape)


@handles("Concat", raw=True)
def concat(w, node, *xs):
    if any(x.rank != xs[0].rank for x in xs):
        raise Unsupported(f"a Concat of {' and '.join(str(list(x.shape)) for x in xs)}: expected one rank")
    axis = axis_of(node["axis"], xs[0].rank)
    apart = lambda x: [s for i, s in enumerate(x.shape) if i != axis]
    if any(not all(map(shapes.same, apart(x), apart(xs[0]))) for x in xs):
        raise Unsupported(f"a Concat of {' and '.join(str(list(x.shape)) for x in xs)} along dimension {axis}: expected equal other sizes")
    if all(isinstance(x, Known) for x in xs) and sum(x.array.size for x in xs) <= LARGEST:
        return Known(xs[0].dtype, np.concatenate([x.array for x in xs], axis))
    xs = [w.tensor(x) for x in xs if x.shape[axis] != 0] or [w.tensor(xs[0])]
    out = tensor_ops.concat(w.b, xs, axis)
    w.joined[out.name] = axis, xs
    return out


@handles("Split", raw=True, sizes=(1,))
def split(w, node, x, parts):
    axis = axis_of(node["axis"], x.rank)
    extent, count = x.shape[axis], len(node.outputs)
    if parts is None:
        if node["num_outputs"] not in (None, count):
            raise Unsupported(f"a Split into {node['num_outputs']} that has {count} results")
        if not isinstance(extent, int):
            raise Unsupported(f"a Split of a dimension of size {extent} into equal parts: expected a number, or sizes of the parts")
        part = -(-extent // count)
        parts = [max(min(part, extent - k * part), 0) for k in range(count)]
    if len(parts) != count or not shapes.same(sum(sizes_of(parts)), extent):
        raise Unsupported(f"a Split of {extent} into {list(parts)} with {count} results")
    out, start = [], 0
    for part in parts:
        out.append(cut(w, x, axis, start, part))
        start = shapes.canonical(start + part)
    return out


def cut(w: Walker, x: Operand, axis: int, start: Size, length: Size, step: int = 1) -> Operand:
    if isinstance(x, Known) and shapes.is_static([start, length]):
        at = [slice(None)] * axis + [slice(start, start + (length - 1) * step + 1 if length else start, step)]
        return Known(x.dtype, x.array[tuple(at)])
    return tensor_ops.slice_along(w.b, w.tensor(x), axis, start, length, step)


def clamped(w: Walker, bound: Size, extent: Size) -> Size:
    """Where a slice begins or ends: below 0 counts from the end, and nothing lies outside. A size of the inputs that would be cut off is
    bounded instead: then shapes stay what the model calls them."""
    if isinstance(bound, int) and bound >= 2 ** 31 - 1:
        return extent
    if isinstance(bound, int) and bound < 0:
        from_end = shapes.canonical(extent + bound)
        if isinstance(from_end, int):
            return max(from_end, 0)
        return from_end if from_end.is_nonnegative or w.require(extent, least=-bound) else sympy.Max(from_end, 0)
    if isinstance(bound, int) and isinstance(extent, int):
        return min(bound, extent)
    difference = shapes.canonical(extent - bound)
    inside = difference >= 0 if isinstance(difference, int) else difference.is_nonnegative
    if inside:
        return bound
    if not isinstance(difference, int) and difference.is_nonpositive:
        return extent
    if isinstance(bound, int) and w.require(extent, least=bound) or isinstance(extent, int) and w.require(bound, most=extent):
        return bound
    return sympy.Min(bound, extent)


@handles("Slice", raw=True, sizes=(1, 2, 3, 4))
def slice_(w, node, x, starts, ends, axes, steps):
    axes = axes_of(range(len(starts)) if axes is None else axes, x.rank)
    steps = [1] * len(starts) if steps is None else steps
    if not len(starts) == len(ends) == len(axes) == len(steps):
        raise Unsupported(f"a Slice with {len(starts)} starts, {len(ends)} ends, {len(axes)} axes and {len(steps)} steps")
    for start, end, axis, step in zip(starts, ends, axes, steps):
        if not isinstance(step, int) or step == 0:
            raise Unsupported(f"a Slice with the step {step}: expected a number other than 0")
        if step < 0:
            x = backwards(w, x, axis, start, end, step)
            continue
        first, last = (clamped(w, bound, x.shape[axis]) for bound in (start, end))
        length = shapes.canonical(last - first)
        if isinstance(length, int):
            length = max(-(-length // step), 0)
        elif not length.is_nonnegative and not w.require(length):
            length = sympy.Max(length, 0)
        if not isinstance(length, int) and step != 1:
            length = shapes.size(sympy.Function("CeilDiv")(length, step))
        x = cut(w, x, axis, first, length, step)
    return x


def backwards(w: Walker, x: Operand, axis: int, start: Size, end: Size, step: int) -> Operand:
    """A slice from the end: a whole flip, or along a dimension whose size is a number."""
    extent = x.shape[axis]
    whole = isinstance(start, int) and isinstance(end, int) and (start == -1 or start >= 2 ** 31 - 1) and end <= -(2 ** 31 - 1)
    if step == -1 and whole and not isinstance(x, Known):
        return tensor_ops.flip(w.b, x, [axis])
    if not shapes.is_static([start, end, extent]):
        raise Unsupported(f"a Slice with the step {step} of a dimension of size {extent}: expected all of it with step -1, or numbers")
    at = range(*slice(start, end if end >= -extent else None, step).indices(extent))
    if isinstance(x, Known):
        return Known(x.dtype, np.take(x.array, list(at), axis))
    if not at:
        return cut(w, x, axis, 0, 0)
    return tensor_ops.flip(w.b, cut(w, x, axis, at[-1], len(at), -step), [axis])


@handles("Tile", raw=True, sizes=(1,))
def tile(w, node, x, counts):
    """Each dimension counts[d] times over: the copies are a dimension of their own, in front of it."""
    if len(counts) != x.rank:
        raise Unsupported(f"{len(counts)} repeats of {x.rank} dimensions")
    to = [shapes.product(p) for p in zip(sizes_of(counts), x.shape)]
    if isinstance(x, Known) and fits(to):
        return Known(x.dtype, np.tile(x.array, counts))
    x = w.tensor(x)
    if all(c == 1 for c in counts):
        return x
    keep = [(c, s) for c, s in zip(counts, x.shape)]
    apart = tensor_ops.reshape(w.b, x, [s for c, size in keep for s in ((size,) if c == 1 else (1, size))])
    copies = tensor_ops.broadcast(w.b, apart, [s for c, size in keep for s in ((size,) if c == 1 else (c, size))])
    return tensor_ops.reshape(w.b, copies, to)


@handles("Pad", sizes=(1, 3))
def pad(w, node, x, amounts, value, axes=None):
    if node["mode"] != "constant":
        raise Unsupported(f"padding by {node['mode'][:20]}; attnc has constant padding")
    axes = axes_of(range(x.rank) if axes is None else axes, x.rank)
    if len(amounts) != 2 * len(axes):
        raise Unsupported(f"{len(amounts)} amounts of padding for {len(axes)} dimensions")
    low, high = [0] * x.rank, [0] * x.rank
    for k, axis in enumerate(axes):
        low[axis], high[axis] = amounts[k], amounts[len(axes) + k]
    for s, p, q in zip(x.shape, low, high):
        if isinstance(s, int) and sum(min(a, 0) for a in (p, q) if isinstance(a, int)) < -s:
            raise Unsupported(f"padding of {list(x.shape)} by {low} and {high}, which cuts off more than there is")
    return tensor_ops.pad(w.b, x, low, high, 0 if value is None else tensor_ops.extract(w.b, tensor_ops.reshape(w.b, value, ())))


@handles("Trilu", raw=True, sizes=(1,))
def trilu(w, node, x, k):
    x, k = w.tensor(x), 0 if k is None else k[0]
    if x.rank < 2:
        raise Unsupported(f"Trilu of {x.rank} dimensions: expected 2 or more")
    keep = "ge" if node["upper"] else "le"

    def f(e):
        i, j = (w.b.scalar(f"linalg.index {x.rank - 2 + n} : index", "index") for n in range(2))
        diagonal = constant(w.b, k, "index") if isinstance(k, int) else w.b.index(k)
        return scalar.select(w.b, COMPARISONS[keep](w.b, scalar.binary(w.b, "subi", j, i), diagonal), e, constant(w.b, 0, x.dtype))
    return tensor_ops.elementwise(w.b, [x], x.shape, x.dtype, f)


def exchange(w: Walker, x: Value, node, order: Sequence[int], to_depth: bool) -> Value:
    """Blocks of pixels as channels, or back."""
    n, c, h, width = x.shape
    s = node["blocksize"]
    if s < 1:
        raise Unsupported(f"a block of {s} pixels")
    parts = (lambda v: shapes.divide(v, s))
    if to_depth:
        apart = (n, c, parts(h), s, parts(width), s)
        to = (n, shapes.product((c, s * s)), parts(h), parts(width))
    else:
        depth = shapes.divide(c, s * s)
        apart = (n, s, s, depth, h, width) if node["mode"] == "DCR" else (n, depth, s, s, h, width)
        to = (n, depth, shapes.product((h, s)), shapes.product((width, s)))
    if None in apart:
        raise Unsupported(f"{list(x.shape)} in blocks of {s}: expected sizes that they divide")
    return tensor_ops.reshape(w.b, tensor_ops.transpose(w.b, tensor_ops.reshape(w.b, x, apart), order), to)


@handles("SpaceToDepth")
def space_to_depth(w, node, x):
    return exchange(w, x, node, [0, 3, 5, 1, 2, 4], True)


@handles("DepthToSpace")
def depth_to_space(w, node, x):
    return exchange(w, x, node, [0, 3, 4, 1, 5, 2] if node["mode"] == "DCR" else [0, 1, 4, 2, 5, 3], False)
