"""The operations of torch that make tensors, view them, and take rows and elements by index."""
from __future__ import annotations

import sympy
import torch

from . import rows, scalar, shapes, tensor_ops
from .errors import Unsupported
from .scalar import COMPARISONS, cast, constant
from .torch_walker import handles, size_of
from .torch_ops import element


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


@handles("aten.diff.default")
def diff(w, node, x, times=1, dim=-1, before=None, after=None):
    """x[1:] - x[:-1] along a dimension, `times` over."""
    x = tensor_ops.concat(w.b, [part for part in (before, x, after) if part is not None], dim)
    for _ in range(times):
        length = shapes.canonical(x.shape[dim] - 1)
        later, earlier = (tensor_ops.slice_along(w.b, x, dim, start, length) for start in (1, 0))
        x = tensor_ops.arithmetic(w.b, "xor" if x.dtype == "i1" else "sub", later, earlier)
    return x


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


# -- rows and elements by index

@handles("aten.embedding.default")
def embedding(w, node, table, indices, *_):
    return rows.gather_rows(w.b, table, indices)


@handles("aten.index_select.default")
def index_select(w, node, x, dim, indices):
    indices = tensor_ops.reshape(w.b, indices, (indices.shape[0],)) if indices.rank else tensor_ops.reshape(w.b, indices, (1,))
    return rows.index(w.b, x, [*[None] * (dim % x.rank), indices])


@handles("aten.index.Tensor")
def index(w, node, x, indices):
    if w.scalars:
        at = [rows.wrapped(w.b, i, extent) for i, extent in zip(indices, x.shape)]
        return tensor_ops.extract(w.b, x, at)
    if any(i is not None and i.dtype == "i1" for i in indices):
        raise Unsupported("selection by a boolean mask, whose size depends on data: use where, or mask the elements")
    return rows.index(w.b, x, indices)


@handles("aten.gather.default")
def gather(w, node, x, dim, indices, **options):
    return rows.gather(w.b, x, dim, indices)


@handles("aten.index_copy.default", "aten.index_add.default")
def index_copy(w, node, x, dim, indices, values, alpha=1):
    if alpha != 1:
        raise Unsupported("index_add with alpha: scale what is added in front of it")
    return rows.scatter_rows(w.b, values, x, dim, indices, "set" if "index_copy" in str(node.target) else "add")


@handles("aten.index_put.default", "aten._unsafe_index_put.default")
def index_put(w, node, x, indices, values, accumulate=False):
    given = [d for d, i in enumerate(indices) if i is not None]
    if len(given) == 1 and indices[given[0]].dtype == "i1" and indices[given[0]].rank == x.rank and values.rank == 0:
        return tensor_ops.elementwise(w.b, [indices[0], values, x], x.shape, x.dtype, lambda c, v, e: scalar.select(w.b, c, v, e))
    if len(given) != 1 or indices[given[0]].dtype == "i1" or indices[given[0]].rank != 1:
        raise Unsupported("index_put by several tensors or a mask; attnc has one vector of indices along one dimension")
    dim, at = given[0], indices[given[0]]
    values = tensor_ops.broadcast(w.b, values, (*x.shape[:dim], at.shape[0], *x.shape[dim + 1:]))
    return rows.scatter_rows(w.b, values, x, dim, at, "add" if accumulate else "set")


@handles("aten.topk.default")
def topk(w, node, x, k, dim=-1, largest=True, ordered=True):
    if not isinstance(k, int):
        raise Unsupported("topk with a count that is not a number in the source")
    return rows.top_k(w.b, x, k, dim, largest)


@handles("aten.sort.default", "aten.sort.stable")
def sort(w, node, x, *args, **options):
    if "stable" in str(node.target):
        dim, descending = options.get("dim", args[1] if len(args) > 1 else -1), options.get("descending", args[2] if len(args) > 2 else False)
    else:
        dim, descending = options.get("dim", args[0] if args else -1), options.get("descending", args[1] if len(args) > 1 else False)
    return rows.sort(w.b, x, dim, descending)


@handles("aten.argsort.default", "aten.argsort.stable")
def argsort(w, node, x, *args, **options):
    args = [a for a in args if not isinstance(a, bool)]
    return rows.sort(w.b, x, options.get("dim", args[0] if args else -1), options.get("descending", False))[1]


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
