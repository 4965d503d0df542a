"""The operations of attnc.torch: attention with several sources, and the loops whose trip count or state is the model."""
from __future__ import annotations

import json
from typing import Any, Callable, Sequence

from . import attention as attn
from . import loops, scalar, tensor_ops
from .builder import Value
from .torch_control import as_values, call, stops
from .torch_walker import Graph, Walker, dtype_of, handles, shape_of, size_of


class Call:
    """What a node of attnc.torch was called with: op(options, operands, captures, *functions)."""

    def __init__(self, w: Walker, options: str, operands: Sequence[Any], captures: Sequence[Any], functions: Sequence[Graph]):
        self.options = json.loads(options)
        self.operands, self.functions = list(operands), list(functions)
        rest = iter(captures)
        self.captures = [[next(rest) for _ in range(n)] for n in self.options["captures"]]


@handles("attnc_attention")
@stops
def attention(w: Walker, node, options, operands, captures, *functions: Graph):
    given = Call(w, options, operands, captures, functions)
    named = dict(zip(given.options["operands"], given.operands))
    tensors = [attn.Capture(x) for share in given.captures for x in share if isinstance(x, Value)]
    regions, start = {}, 0
    for name, graph, share in zip(given.options["regions"], given.functions, given.captures):
        regions[name] = region(w, graph, share, start)
        start += sum(isinstance(x, Value) for x in share)
    score = lambda name: regions.get(name) and (lambda s, p: regions[name]([s], p))
    mask = lambda name: regions.get(name) and (lambda p: regions[name]([], p))
    sources = [attn.Source(named[f"key.{n}"], named[f"value.{n}"], score(f"score.{n}"), mask(f"mask.{n}"), named.get(f"positions.{n}"),
                           named.get(f"lengths.{n}")) for n in range(given.options["sources"])]
    return [attn.attention_over(w.b, named["query"], sources, given.options["scale"], tensors, given.options["normalizer"],
                                named.get("query_positions"), named.get("sink"), score("post"))]


def region(w: Walker, graph: Graph, share: Sequence[Any], start: int) -> Callable[[list[Value], attn.Positions], Value]:
    """A score or mask function in terms of scalars; its captured tensors are those from `start` on, sizes are as they are."""
    def write(first: list[Value], positions: attn.Positions) -> Value:
        w.scalars = True
        try:
            at = [scalar.cast(w.b, p, "i64") for p in (positions.b, positions.h, positions.i, positions.j)]
            captured = iter(positions.captures[start:])
            return call(w, graph, [*first, *at, *(next(captured) if isinstance(x, Value) else x for x in share)])[0]
        finally:
            w.scalars = False
    return write


def as_scalar(w: Walker, x: Any, dtype: str) -> Value:
    """A number, or a tensor with one element, as a scalar."""
    if not isinstance(x, Value):
        return scalar.constant(w.b, x, dtype)
    return scalar.cast(w.b, tensor_ops.extract(w.b, tensor_ops.reshape(w.b, x, ())), dtype)


def as_tensor(w: Walker, x: Value) -> Value:
    """A loop's counter as the integer tensor that functions get."""
    return tensor_ops.full(w.b, (), "i64", x)


def policy_text(w: Walker, options: dict, given: dict) -> str:
    """The policy with its options, as loop.adaptive has them."""
    words = [options["policy"]]
    if given["threshold"] is not None:
        words.append(f"threshold({as_scalar(w, given['threshold'], 'f32').name})")
    words += [f"{word}({options[word]})" for word in ("compare", "remainder") if word in options]
    if given["seed"] is not None:
        words.append(f"seed({as_scalar(w, given['seed'], 'i64').name})")
    words += [f"{word}({options[word]})" for word in ("stream", "on") if word in options]
    if "delta" in options:
        words.append(f"delta({scalar.literal(options['delta'], 'f64')})")
    return " ".join(words)


@handles("attnc_adaptive")
@stops
def adaptive(w: Walker, node, options, operands, captures, *functions: Graph):
    given = Call(w, options, operands, captures, functions)
    names = given.options["operands"]
    named = {name: given.options.get(name) for name in ("cap", "threshold", "seed")} | dict(zip(names, given.operands))
    initial = as_values(w, given.operands[len(names):])
    scored = given.options["policy"] not in ("region", "converge")

    def body(step, running, values):
        out = call(w, given.functions[0], [as_tensor(w, step), running, *values, *given.captures[0]])
        score = out[len(initial)] if scored else None
        if score is not None:
            score = tensor_ops.convert(w.b, score, "i1" if given.options["policy"] == "predicate" else "f32")
        return out[:len(initial)], score

    def halt(step, before, after):
        out = call(w, given.functions[1], [as_tensor(w, step), *before, *after, *given.captures[1]])
        return [out[0], *(tensor_ops.convert(w.b, x, "f32") for x in out[1:])]
    policy = policy_text(w, given.options, named)
    return loops.adaptive(w.b, policy, named["active"], as_scalar(w, named["cap"], "index"), given.options["marks"], initial, body,
                          halt if len(given.functions) > 1 else None, given.options["margin"])


@handles("attnc_segment")
@stops
def segment(w: Walker, node, options, operands, captures, *functions: Graph):
    given = Call(w, options, operands, captures, functions)
    inputs, initial = given.operands[:given.options["blocks"]], as_values(w, given.operands[given.options["blocks"]:])
    metas = node.meta["val"][:len(node.meta["val"]) - len(initial)]
    outputs = [Value("", dtype_of(m.dtype), shape_of(m)) for m in metas]
    rows = size_of(next(n for n in functions[0].module.graph.nodes if n.op == "placeholder").meta["val"])
    dims = given.options["out_dims"]
    dims = [d % y.rank for d, y in zip([dims] * len(outputs) if isinstance(dims, int) else dims, outputs)]
    body = lambda number, blocks, state: call(w, functions[0], [rows, as_tensor(w, number), *blocks, *state, *given.captures[0]])
    return loops.segment(w.b, given.options["size"], given.options["partial"], inputs, given.options["dims"], rows, initial, outputs, dims, body)
