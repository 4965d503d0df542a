"""The higher-order operations of torch: loops, branches, scans, and attention with functions for scores and masks."""
from __future__ import annotations

import math

import sympy
import torch

from . import attention as attn
from . import control, scalar, tensor_ops
from .builder import Value
from .errors import Unsupported
from .torch_walker import MISSING, Graph, Walker, dtype_of, handles, shape_of


def as_values(w: Walker, xs) -> list[Value]:
    """Carried values: tensors, and sizes and numbers as scalars."""
    out = []
    for x in xs:
        if isinstance(x, (sympy.Expr, int)) and not isinstance(x, bool):
            x = w.b.index(x)
        elif isinstance(x, (float, bool)):
            x = scalar.constant(w.b, x, "f64" if isinstance(x, float) else "i1")
        out.append(x)
    return out


def call(w: Walker, graph: Graph, arguments) -> list[Value]:
    """A subgraph on values. Its own problems are told; the operation around it then has no value."""
    out = as_values(w, w.graph(graph.module, arguments, graph.name))
    if any(x is MISSING for x in out):
        raise Stopped
    return out


class Stopped(Exception):
    """A subgraph that could not be imported; why has been noted."""


def stops(f):
    def run(*args, **kwargs):
        try:
            return f(*args, **kwargs)
        except Stopped:
            return MISSING
    return run


@handles("while_loop")
@stops
def while_loop(w: Walker, node, condition: Graph, body: Graph, carried, captured=()):
    initial = as_values(w, carried)
    captured = list(captured)
    return control.while_loop(w.b, initial, lambda xs: call(w, condition, [*xs, *captured])[0], lambda xs: call(w, body, [*xs, *captured]))


@handles("cond")
@stops
def cond(w: Walker, node, predicate, then: Graph, otherwise: Graph, operands=()):
    metas = node.meta["val"] if isinstance(node.meta["val"], (list, tuple)) else [node.meta["val"]]
    like = [Value("", dtype_of(m.dtype), shape_of(m)) if isinstance(m, torch.Tensor) else Value("", "index") for m in metas]
    if isinstance(predicate, (bool, int)):
        return call(w, then if predicate else otherwise, operands)
    if isinstance(predicate, sympy.Expr):
        raise Unsupported("a branch that depends on a comparison of sizes: compare tensors, or choose when exporting")
    return control.if_else(w.b, predicate, like, lambda: call(w, then, operands), lambda: call(w, otherwise, operands))


def rows_of(w: Walker, metas) -> list[Value]:
    return [w.b.empty(shape_of(m), dtype_of(m.dtype)) for m in metas]


@handles("scan")
@stops
def scan(w: Walker, node, combine: Graph, initial, sequences, captured=()):
    initial, captured = as_values(w, initial), list(captured)

    def step(carried, rows):
        out = call(w, combine, [*carried, *rows, *captured])
        return out[:len(initial)], out[len(initial):]
    carried, made = control.scan(w.b, initial, sequences, step, rows_of(w, node.meta["val"][len(initial):]))
    return [*carried, *made]


@handles("map_impl")
@stops
def map_(w: Walker, node, body: Graph, sequences, captured=()):
    step = lambda _, rows: ([], call(w, body, [*rows, *captured]))
    return control.scan(w.b, [], sequences, step, rows_of(w, node.meta["val"]))[1]


@handles("associative_scan")
@stops
def associative_scan(w: Walker, node, combine: Graph, sequences, captured=()):
    """In order: y_0 = x_0, y_n = combine(y_{n-1}, x_n)."""
    first = [tensor_ops.select(w.b, x, 0, 0) for x in sequences]
    rest = [tensor_ops.slice_along(w.b, x, 0, 1, x.shape[0] - 1) for x in sequences]

    def step(carried, rows):
        out = call(w, combine, [*carried, *rows, *captured])
        return out, out
    _, made = control.scan(w.b, first, rest, step, [w.b.empty(x.shape, x.dtype) for x in rest])
    wide = lambda x: tensor_ops.reshape(w.b, x, (1, *x.shape))
    return [tensor_ops.concat(w.b, [wide(x), y], 0) for x, y in zip(first, made)]


@handles("wrap_with_set_grad_enabled", "wrap_with_autocast")
@stops
def wrapped(w: Walker, node, *arguments):
    at = next(i for i, a in enumerate(arguments) if isinstance(a, Graph))
    return call(w, arguments[at], arguments[at + 1:])


@handles("flex_attention")
@stops
def flex_attention(w: Walker, node, q, k, v, score: Graph, block_mask, scale, options, score_captures=(), mask_captures=()):
    """score(s, b, h, i, j, captures…), and a mask of the block mask's last element; its tables are recomputed from it."""
    if any(u.args[1] != 0 for u in node.users):
        raise Unsupported("the log-sum-exp of flex_attention as a result; attnc has its output")
    if not isinstance(q.shape[-1], int):
        raise Unsupported(f"attention with a head width of {q.shape[-1]}: expected a number")
    captures = [attn.Capture(x) for x in (*score_captures, *mask_captures)]
    count = len(score_captures)

    def region(graph: Graph, first, positions, captured):
        w.scalars = True
        try:
            at = [scalar.cast(w.b, p, "i32") for p in (positions.b, positions.h, positions.i, positions.j)]
            return call(w, graph, [*first, *at, *captured])[0]
        finally:
            w.scalars = False
    mask = block_mask[-1] if block_mask and isinstance(block_mask[-1], Graph) else None
    return [attn.attention(w.b, q, k, v, 1 / math.sqrt(q.shape[-1]) if scale is None else scale, captures,
                           lambda s, p: region(score, [s], p, p.captures[:count]),
                           mask and (lambda p: region(mask, [], p, p.captures[count:])))]
