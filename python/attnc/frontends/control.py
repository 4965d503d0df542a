"""Loops and branches: scf.while, scf.for and scf.if over tensors. Bodies are functions from values to values; what they use
from outside they use directly."""
from __future__ import annotations

from typing import Callable, Sequence

from . import shapes, tensor_ops
from .builder import Builder, Value, typed, types
from .errors import Unsupported
from .shapes import Size

Values = Sequence[Value]


def check_carried(what: str, given: Values, expected: Values) -> None:
    """A loop's values keep their types; a size that changes from step to step has no buffer of its own."""
    for n, (x, y) in enumerate(zip(given, expected)):
        equal = x.dtype == y.dtype and x.rank == y.rank and all(map(shapes.same, x.shape, y.shape))
        if not equal:
            raise Unsupported(f"{what} {n} is {y.dtype}{list(y.shape)} at first and {x.dtype}{list(x.shape)} then: expected one shape")


def _results(b: Builder, like: Values) -> tuple[str, list[Value]]:
    name = b.fresh()
    head = name + (f":{len(like)}" if len(like) > 1 else "")
    return head, [Value(f"{name}#{i}" if len(like) > 1 else name, v.dtype, v.shape) for i, v in enumerate(like)]


def _fresh(b: Builder, like: Values) -> list[Value]:
    return [Value(b.fresh(), v.dtype, v.shape) for v in like]


def truth(b: Builder, condition: Value) -> Value:
    """A tensor of one element as an i1."""
    from .scalar import cast
    scalar = condition if condition.shape is None else tensor_ops.extract(b, tensor_ops.reshape(b, condition, ()))
    return cast(b, scalar, "i1")


def while_loop(b: Builder, initial: Values, condition: Callable[[list[Value]], Value], body: Callable[[list[Value]], Values]) -> list[Value]:
    """Values while condition(values): values = body(values)."""
    head, results = _results(b, initial)
    before, after = _fresh(b, initial), _fresh(b, initial)

    def test():
        b.line(f"scf.condition({truth(b, condition(before)).name}) {typed(before)}")

    def step():
        out = body(after)
        check_carried("the carried value", out, initial)
        b.line(f"scf.yield {typed(out)}")
    carried = ", ".join(f"{a.name} = {x.name}" for a, x in zip(before, initial))
    tested, stepped = b.nested(test), b.nested(step)
    block = "^bb0(" + ", ".join(f"{a.name}: {a.type}" for a in after) + "):"
    b.with_regions(f"{head} = scf.while ({carried}) : ({types(initial)}) -> ({types(initial)})", [("", tested), (" do", [block, *stepped])], "")
    return results


def for_loop(b: Builder, count: Size | Value, initial: Values, body: Callable[[Value, list[Value]], Values]) -> list[Value]:
    """Values after values = body(i, values) for i = 0 … count - 1."""
    head, results = _results(b, initial)
    i, carried = Value(b.fresh(), "index"), _fresh(b, initial)
    end = count if isinstance(count, Value) else b.index(count)

    def step():
        out = body(i, carried)
        check_carried("the carried value", out, initial)
        b.line(f"scf.yield {typed(out)}")
    zero, one = b.index(0), b.index(1)
    lines = b.nested(step)
    pairs = ", ".join(f"{a.name} = {x.name}" for a, x in zip(carried, initial))
    b.with_regions(f"{head} = scf.for {i.name} = {zero.name} to {end.name} step {one.name} iter_args({pairs}) -> ({types(initial)})", [("", lines)], "")
    return results


def if_else(b: Builder, condition: Value, like: Values, then: Callable[[], Values], otherwise: Callable[[], Values]) -> list[Value]:
    """The values of one branch; `like` has their types."""
    head, results = _results(b, like)

    def branch(f):
        def write():
            out = f()
            check_carried("the branches' result", out, like)
            b.line(f"scf.yield {typed(out)}")
        return b.nested(write)
    test = truth(b, condition)
    b.with_regions(f"{head} = scf.if {test.name} -> ({types(like)})", [("", branch(then)), (" else", branch(otherwise))], "")
    return results


def scan(b: Builder, initial: Values, sequences: Values, body: Callable[[list[Value], list[Value]], tuple[Values, Values]],
         outputs: Values, reverse: bool = False) -> tuple[list[Value], list[Value]]:
    """(carried, outputs) over the rows of `sequences` along dimension 0: carried, row = body(carried, rows). `outputs` are where the
    rows go: tensors whose contents do not matter."""
    length = sequences[0].shape[0] if sequences else outputs[0].shape[0]

    def step(i, values):
        at = i
        if reverse:
            last = b.index(shapes.canonical(length - 1))
            at = b.scalar(f"arith.subi {last.name}, {i.name} : index", "index")
        rows = [tensor_ops.select(b, x, 0, at) for x in sequences]
        carried, made = body(values[:len(initial)], rows)
        placed = [tensor_ops.insert_slice(b, row, into, [at, *[0] * row.rank], [1, *row.shape])
                  for row, into in zip(made, values[len(initial):])]
        return [*carried, *placed]
    results = for_loop(b, length, [*initial, *outputs], step)
    return results[:len(initial)], results[len(initial):]


def cumulative(b: Builder, x: Value, dim: int, f: Callable[[Value, Value], Value], initial) -> Value:
    """y[…, n, …] = f(y[…, n - 1, …], x[…, n, …]) elementwise, from `initial`."""
    if x.rank == 0:
        return x
    moved = tensor_ops.move(b, x, dim, 0)
    start = tensor_ops.full(b, moved.shape[1:], x.dtype, initial)

    def step(carried, rows):
        total = tensor_ops.elementwise(b, [carried[0], rows[0]], rows[0].shape, x.dtype, f)
        return [total], [total]
    _, out = scan(b, [start], [moved], step, [b.empty(moved.shape, x.dtype)])
    return tensor_ops.move(b, out[0], 0, dim)
