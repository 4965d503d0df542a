"""loop.adaptive and loop.segment: bodies are functions from values to values, which use what is outside directly."""
from __future__ import annotations

from typing import Callable, Sequence

from .builder import Builder, Value, typed
from .control import _fresh, _results, check_carried
from .shapes import Size

Values = Sequence[Value]


def adaptive(b: Builder, policy: str, active: Value, cap: Value, marks: Sequence[str], initial: Values,
             body: Callable[[Value, Value, list[Value]], tuple[Values, Value | None]],
             halt: Callable[[Value, list[Value], list[Value]], Values] | None = None, margin: bool = False) -> list[Value]:
    """The final values, the steps of each row, and with `margin` those; `policy` is its word with its options. body(step, running,
    values) gives the new values and a score; halt(step, before, after) the rows that exit, and their margins."""
    results = [*initial, Value("", "i32", active.shape), *([Value("", "f32", active.shape)] if margin else [])]
    head, out = _results(b, results)
    step, running, carried = Value(b.fresh("t"), "index"), Value(b.fresh(), "i1", active.shape), _fresh(b, initial)

    def write_body():
        new, score = body(step, running, carried)
        check_carried("the value", new, initial)
        scored = f" score({score.name} : {score.type})" if score else ""
        b.line(f"loop.yield {', '.join(v.name for v in new)}{scored} : {', '.join(v.type for v in new)}" if new else f"loop.yield{scored}")
    regions = [("", b.nested(write_body))]
    if halt:
        at, before, after = Value(b.fresh("t"), "index"), _fresh(b, initial), _fresh(b, initial)
        regions.append((f" halt({', '.join(v.name for v in (at, *before, *after))})",
                        b.nested(lambda: b.line(f"loop.yield {typed(halt(at, before, after))}"))))
    pairs = ", ".join(f"{m} {v.name} = {x.name} : {x.type}" for m, v, x in zip(marks, carried, initial))
    b.with_regions(f"{head} = loop.adaptive {policy}{' margin' if margin else ''} active({running.name} = {active.name} : {active.type}) "
                   f"cap({cap.name}) step({step.name})" + (f" carry({pairs})" if initial else ""), regions, "")
    return out


def segment(b: Builder, size: int, partial: str, inputs: Values, dims: Sequence[int], rows: Size, initial: Values, outputs: Values,
            out_dims: Sequence[int], body: Callable[[Value, list[Value], list[Value]], Values]) -> list[Value]:
    """The outputs and the last state; `rows` is the symbol of a block's length, which is bound in the body, `outputs` have the types of the
    outputs. body(number, blocks, state) gives a block's outputs, then the new state."""
    head, out = _results(b, [*outputs, *initial])
    number, carried = Value(b.fresh("n"), "index"), _fresh(b, initial)
    blocks = [Value(b.fresh(), x.dtype, (*x.shape[:d], rows, *x.shape[d + 1:])) for x, d in zip(inputs, dims)]

    def write():
        at = b.scalar(f"arith.constant {dims[0]} : index", "index")
        b.sizes.bind_block(rows, b.emit(f"tensor.dim {blocks[0].name}, {at.name} : {blocks[0].type}"))
        made = body(number, blocks, carried)
        check_carried("the state", made[len(outputs):], initial)
        b.line(f"loop.yield {typed(made)}")
    lines = b.nested(write)
    cut = ", ".join(f"{v.name} = {x.name} along {d} : {x.type}" for v, x, d in zip(blocks, inputs, dims))
    kept = ", ".join(f"{v.name} = {x.name} : {x.type}" for v, x in zip(carried, initial))
    laid = ", ".join(f"along {d} : {y.type}" for y, d in zip(outputs, out_dims))
    b.with_regions(f"{head} = loop.segment size {size} partial({partial}) number({number.name}) blocks({cut})"
                   + (f" carry({kept})" if initial else "") + (f" -> ({laid})" if outputs else ""), [("", lines)], "")
    return out
