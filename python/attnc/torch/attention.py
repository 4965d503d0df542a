"""Attention over several sources of keys and values, with any score, mask, positions and normaliser (models.md C, "Rules for all")."""
from __future__ import annotations

import math
from typing import Callable, NamedTuple, Sequence

import torch
from torch import Tensor

from .operators import Definition, Operator, Options, Tensors, TransformGetItemToIndex, call

Score = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], Tensor]  # score, batch, head, query and key position → score
Mask = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]           # batch, head, query and key position → bool
Positions = Tensor | int

NORMALIZERS = ("softmax", "sigmoid", "sigmoid_sum", "identity")


class Source(NamedTuple):
    """Keys and values beside those of the call, in the same normaliser; the fields are as attention's arguments of that name."""
    key: Tensor
    value: Tensor
    score_mod: Score | None = None
    mask_mod: Mask | None = None
    key_positions: Positions | None = None
    key_lengths: Tensor | None = None


def attention(query: Tensor, key: Tensor, value: Tensor, score_mod: Score | None = None, mask_mod: Mask | None = None, *,
              scale: float | None = None, normalizer: str = "softmax", sink: Tensor | None = None, post_mod: Score | None = None,
              query_positions: Positions | None = None, key_positions: Positions | None = None, key_lengths: Tensor | None = None,
              sources: Sequence[Source] = ()) -> Tensor:
    """out = Σ_j post_mod(p_j) value_j,  p = normalizer(score_mod(scale · query · key_j)) over the visible keys of all sources.

    query [B, H, T, D], key [B, G, S, D], value [B, G, S, E] → [B, H, T, E]; head h reads the keys of h // (H / G). `scale` is 1/√D by
    default. `score_mod(score, b, h, q_idx, kv_idx)` and `mask_mod(b, h, q_idx, kv_idx)` work on scalars, as flex_attention's do, and may read
    tensors from outside; q_idx and kv_idx are positions: the index, plus `query_positions` (`key_positions`) where that is a number, or
    its element where it is [T] or [B, T] ([S] or [B, S]). `key_lengths` [B], or a scalar, is how many keys exist: those behind are never
    read. `sources` are more keys and values, each with its own functions.
    `normalizer` is softmax, sigmoid, sigmoid_sum (divided by the sum) or identity; `sink` [H] adds exp(sink) to softmax's denominator.
    Scores and sums are in f32 (f64 where all operands are). A row without a visible key is 0."""
    if normalizer not in NORMALIZERS:
        raise ValueError(f"normalizer '{normalizer}': expected one of {', '.join(NORMALIZERS)}")
    if sink is not None and normalizer != "softmax":
        raise ValueError(f"a sink with the normalizer '{normalizer}': it belongs to softmax")
    everything = [Source(key, value, score_mod, mask_mod, key_positions, key_lengths), *sources]
    check_shapes(query, everything)
    names, operands, regions, functions = ["query"], [query], [], []

    def add(name: str, x: Positions | None) -> None:
        if x is not None:
            names.append(name)
            operands.append(x if isinstance(x, Tensor) else torch.full((), x, dtype=torch.int64, device=query.device))

    def add_function(name: str, f: Callable | None) -> None:
        if f is not None:
            regions.append(name)
            functions.append(f)
    add("query_positions", query_positions)
    add("sink", sink)
    for n, s in enumerate(everything):
        add(f"key.{n}", s.key)
        add(f"value.{n}", s.value)
        add(f"positions.{n}", s.key_positions)
        add(f"lengths.{n}", s.key_lengths)
        add_function(f"score.{n}", s.score_mod)
        add_function(f"mask.{n}", s.mask_mod)
    add_function("post", post_mod)
    options = {"normalizer": normalizer, "scale": 1 / math.sqrt(query.shape[-1]) if scale is None else scale, "sources": len(everything),
               "operands": names, "regions": regions}
    return call(ATTENTION, options, operands, functions)[0]


def check_shapes(query: Tensor, sources: Sequence[Source]) -> None:
    for x in (query, *(x for s in sources for x in (s.key, s.value))):
        if x.ndim != 4:
            raise ValueError(f"attention of {x.ndim} dimensions: expected [batch, heads, rows, width]")
    heads = sources[0].key.shape[1]
    if query.shape[1] % heads:
        raise ValueError(f"{query.shape[1]} query heads over {heads} key heads: expected a multiple")
    for n, s in enumerate(sources):
        if s.key.shape[1] != heads or s.value.shape[1] != heads:
            raise ValueError(f"source {n} has {s.key.shape[1]} key and {s.value.shape[1]} value heads: expected {heads}, as the first keys have")


# -- what it computes

def run(options: Options, operands: Tensors, functions: Sequence[Callable]) -> Tensors:
    given, called = dict(zip(options["operands"], operands)), dict(zip(options["regions"], functions))
    query = given["query"]
    compute = compute_type(operands, options)
    scores, values, widths = [], [], []
    for n in range(options["sources"]):
        key, value, exists = existing(given[f"key.{n}"], given[f"value.{n}"], given.get(f"lengths.{n}"))
        repeats = query.shape[1] // key.shape[1]
        key, value = (x.to(compute).repeat_interleave(repeats, 1) for x in (key, value))
        s = options["scale"] * (query.to(compute) @ key.transpose(-1, -2))
        at = indices(s, given.get("query_positions"), given.get(f"positions.{n}"))
        if f"score.{n}" in called:
            s = over_elements(called[f"score.{n}"], s, at)
        visible = exists
        if f"mask.{n}" in called:
            visible = visible & over_elements(called[f"mask.{n}"], None, at)
        scores.append((s, visible.expand(s.shape), at))
        values.append(value)
        widths.append(key.shape[2])
    weights = normalize(torch.cat([s for s, _, _ in scores], -1), torch.cat([v for _, v, _ in scores], -1), options["normalizer"],
                        given.get("sink"))
    out = 0
    for (_, visible, at), p, value in zip(scores, weights.split(widths, -1), values):
        if "post" in called:
            p = torch.where(visible, over_elements(called["post"], p, at), 0)
        out = out + p @ value
    return (out.to(query.dtype),)


def existing(key: Tensor, value: Tensor, lengths: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """Keys and values that are 0 where there are none, and where there are: [B or 1, 1, 1, S]."""
    if lengths is None:
        return key, value, torch.ones((), dtype=torch.bool, device=key.device)
    exists = torch.arange(key.shape[2], device=key.device) < lengths.reshape(-1, 1)
    column = exists[:, None, :, None]
    return torch.where(column, key, 0), torch.where(column, value, 0), exists[:, None, None]


def normalize(scores: Tensor, visible: Tensor, normalizer: str, sink: Tensor | None) -> Tensor:
    """Weights of the visible scores along the last dimension; 0 in a row that has none."""
    if normalizer == "identity":
        return torch.where(visible, scores, 0)
    if normalizer.startswith("sigmoid"):
        weights = torch.where(visible, scores.sigmoid(), 0)
        if normalizer == "sigmoid":
            return weights
        total = weights.sum(-1, keepdim=True)
        return weights / torch.where(total == 0, 1, total)
    scores = scores.masked_fill(~visible, -math.inf)
    if sink is not None:
        column = sink.to(scores.dtype).reshape(1, -1, 1, 1).expand(scores.shape[0], scores.shape[1], scores.shape[2], 1)
        return normalize(torch.cat([scores, column], -1), torch.ones((), dtype=torch.bool, device=scores.device), "softmax", None)[..., :-1]
    empty = (scores == -math.inf).all(-1, keepdim=True)
    return torch.where(empty, 0, torch.softmax(torch.where(empty, 0, scores), -1))


def indices(scores: Tensor, query_positions: Tensor | None, key_positions: Tensor | None) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """b [B], h [H], and positions i [B, T], j [B, S]."""
    batch, heads, rows, keys = scores.shape
    count = lambda n: torch.arange(n, device=scores.device)

    def positions(n, given):
        if given is None or given.ndim == 0:
            return (count(n) + (0 if given is None else given)).expand(batch, n)
        return given.to(torch.int64).expand(batch, n)
    return count(batch), count(heads), positions(rows, query_positions), positions(keys, key_positions)


def over_elements(f: Callable, scores: Tensor | None, at: tuple[Tensor, Tensor, Tensor, Tensor]) -> Tensor:
    """f for each batch, head, query and key; [B, H, T, S]."""
    b, h, i, j = at
    given = f
    f = lambda *xs: one(given(*xs))
    first = () if scores is None else (0,)
    for dims in ((None, None, None, 0), (None, None, 0, None), (None, 0, None, None), (0, None, 0, 0)):
        f = torch.vmap(f, in_dims=(*first, *dims))
    with TransformGetItemToIndex():
        return f(*(() if scores is None else (scores,)), b, h, i, j)


def one(x: Tensor | tuple[Tensor]) -> Tensor:
    """What a function returned; as a graph, it returns a tuple."""
    return x[0] if isinstance(x, tuple) else x


# -- for torch.export

def compute_type(operands: Tensors, options: Options) -> torch.dtype:
    floats = [x.dtype for name, x in zip(options["operands"], operands) if name.split(".")[0] in ("query", "key", "value")]
    return torch.float64 if all(d == torch.float64 for d in floats) else torch.float32


def arguments(options: Options, operands: Tensors) -> list[tuple]:
    """Of each function: a score (mask: none), then b, h, i, j."""
    compute = compute_type(operands, options)
    out = []
    for name in options["regions"]:
        at = tuple(operands[0].new_zeros((), dtype=torch.int64) for _ in range(4))
        out.append(at if name.startswith("mask") else (operands[0].new_zeros((), dtype=compute), *at))
    return out


def like(options: Options, operands: Tensors, functions: Sequence[Callable]) -> Tensors:
    query, value = operands[0], operands[options["operands"].index("value.0")]
    return (query.new_empty((*query.shape[:3], value.shape[3])),)


ATTENTION = Operator(Definition("attention", run, arguments, like, scalars=True))
