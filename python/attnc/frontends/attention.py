"""attn.attention from queries, keys and values in the layout [batch, head, row, element] of torch and ONNX.

Operands are read where they lie: a transpose in front becomes the order of indices, grouped heads are two dimensions, and a
mask is a capture read by its indices. Score and mask are given as functions of scalars."""
from __future__ import annotations

import dataclasses
from typing import Callable, Sequence

from . import scalar, shapes, tensor_ops
from .builder import Builder, Value
from .errors import Unsupported
from .scalar import COMPARISONS
from .shapes import Size


@dataclasses.dataclass(frozen=True)
class Positions:
    """What a score or mask function sees: batch, head, query and key position, of type index, and its captures."""
    b: Value
    h: Value
    i: Value
    j: Value
    captures: tuple[Value, ...]


Score = Callable[[Value, Positions], Value]  # score, … → score
Mask = Callable[[Positions], Value]          # … → i1


@dataclasses.dataclass
class Capture:
    """A tensor that regions see: as the element at these dimensions ("b", "g", "r", "i", "j" or a number each), or, without
    them, whole."""
    value: Value
    at: Sequence[str] | None = None

    @property
    def text(self) -> str:
        return self.value.name + (f"[{', '.join(self.at)}]" if self.at else "")

    @property
    def element(self) -> str:
        return self.value.dtype if self.at is not None or not self.value.shape else self.value.type


def in_place(b: Builder, x: Value, dims: Sequence[str]) -> tuple[Value, list[str]]:
    """What x is a transpose of, and the dimensions in that order."""
    if x.name not in b.transposed:
        return x, list(dims)
    source, order = b.transposed[x.name]
    out = [""] * len(order)
    for k, o in enumerate(order):
        out[o] = dims[k]
    return source, out


def split_heads(b: Builder, x: Value, dims: list[str], groups: Size, repeats: Size) -> tuple[Value, list[str]]:
    """The dimension h as g and r."""
    at = dims.index("h")
    if repeats == 1:
        return x, [*dims[:at], "g", *dims[at + 1:]]
    return tensor_ops.reshape(b, x, (*x.shape[:at], groups, repeats, *x.shape[at + 1:])), [*dims[:at], "g", "r", *dims[at + 1:]]


def mask_capture(b: Builder, mask: Value, groups: Size, repeats: Size) -> Capture:
    """A mask or bias that is broadcast to [batch, head, query, key]."""
    dims = ["b", "h", "i", "j"][4 - mask.rank:]
    dims = ["0" if size == 1 else d for size, d in zip(mask.shape, dims)]
    mask, dims = in_place(b, mask, dims)
    if "h" in dims:
        mask, dims = split_heads(b, mask, dims, groups, repeats)
    return Capture(mask, dims)


def attention(b: Builder, q: Value, k: Value, v: Value, scale: float, captures: Sequence[Capture] = (),
              score: Score | None = None, mask: Mask | None = None, valid: Value | None = None) -> Value:
    """softmax(score(scale · q kᵀ)) v for q [B, H, T, D], k [B, G, S, D], v [B, G, S, E] → [B, H, T, E]; head h reads the keys of
    h // (H / G). `valid` [B] is how many keys of a sequence exist."""
    if q.rank != 4:
        return _other_rank(b, q, k, v, lambda *qkv: attention(b, *qkv, scale, captures, score, mask, valid))
    heads, groups = q.shape[1], k.shape[1]
    if isinstance(heads, int) != isinstance(groups, int) or (isinstance(heads, int) and heads % groups):
        raise Unsupported(f"attention of {heads} query heads over {groups} key heads: expected a multiple")
    repeats = heads // groups if isinstance(heads, int) else 1
    names = {"q": "bhid", "k": "bgjd", "v": "bgjv"}
    (q0, qd), (k0, kd), (v0, vd) = (in_place(b, x, list(names[n])) for n, x in (("q", q), ("k", k), ("v", v)))
    q0, qd = split_heads(b, q0, qd, groups, repeats)
    # A batch of one that is broadcast over the queries' batch is not indexed.
    kd, vd = (["0" if d == "b" and x.shape[n] == 1 and q.shape[0] != 1 else d for n, d in enumerate(ds)] for x, ds in ((k0, kd), (v0, vd)))
    extent = dict(zip(qd, q0.shape)) | {"v": v.shape[3]}
    od = ["b", "i", "g", *["r"] * (repeats != 1), "v"]  # what follows joins the heads of a row: they lie together
    init = b.empty([extent[d] for d in od], q.dtype)
    result = _print(b, (q0, qd), (k0, kd), (v0, vd), (init, od), scale, list(captures), score, mask, valid)
    if repeats != 1:
        at = od.index("g")
        result = tensor_ops.reshape(b, result, [*result.shape[:at], heads, *result.shape[at + 2:]])
        od = [*od[:at], "h", *od[at + 2:]]
    od = ["h" if d == "g" else d for d in od]
    return tensor_ops.transpose(b, result, [od.index(d) for d in "bhiv"])


def _print(b: Builder, query, key, value, out, scale: float, captures: list[Capture], score, mask, valid) -> Value:
    """The op's text. Its regions are written first: sizes that they need become captures."""
    compute = "f64" if query[0].dtype == "f64" else "f32"
    at = [Value(b.fresh(n), "index") for n in ("b", "h", "i", "j", "n")]
    given = [Value(b.fresh("c"), c.element, None if c.at is not None or not c.value.shape else c.value.shape) for c in captures]
    given = [dataclasses.replace(g, dtype=c.value.dtype) for g, c in zip(given, captures)]
    sizes: dict[Size, Value] = {}

    def capture(size: Size) -> Value:
        if size not in sizes:
            sizes[size] = Value(b.fresh("c"), "index")
        return sizes[size]
    positions = Positions(*at[:4], tuple(given))
    s = Value(b.fresh("s"), compute)

    def region(body):
        def write():
            result = body()
            b.line(f"attn.yield {result.name} : {result.dtype}")
        with b.isolated(capture):
            return b.nested(write)
    bodies = []
    if score:
        bodies.append(("score", [s.name], region(lambda: score(s, positions))))
    if mask:
        bodies.append(("mask", [], region(lambda: mask(positions))))
    captures = captures + [Capture(Value(b.sizes.name(size), "index")) for size in sizes]
    elements = [*at, *given, *sizes.values()]
    regions = [(f" {word}({', '.join([*first, *(e.name for e in elements)])})", lines) for word, first, lines in bodies]
    operand = lambda x, dims: f"{x.name}[{', '.join(dims)}]"
    head = (f"attn.attention softmax scale({scale!r}) query {operand(*query)} : {query[0].type} source {operand(*key)}, {operand(*value)} : "
            f"{key[0].type}, {value[0].type}")
    if valid:
        head += f" valid {valid.name}[b] : {valid.type}"
    if captures:
        head += f" captures {', '.join(c.text for c in captures)} : {', '.join(c.value.type for c in captures)}"
    head += f" into {operand(*out)} : {out[0].type}"
    name = b.fresh()
    if regions:
        b.with_regions(f"{name} = {head}", regions, "")
    else:
        b.line(f"{name} = {head}")
    return Value(name, out[0].dtype, out[0].shape)


def _other_rank(b: Builder, q: Value, k: Value, v: Value, call: Callable[..., Value]) -> Value:
    """Without heads [B, T, D]: one head. More dimensions in front: one batch of them all."""
    lead = q.shape[:-2]
    if len(lead) < 2:
        as4 = lambda x: tensor_ops.reshape(b, x, (*(1,) * (2 - len(lead)), *x.shape))
        as4 = (lambda x: tensor_ops.reshape(b, x, (x.shape[0], 1, *x.shape[1:]))) if len(lead) == 1 else as4
    else:
        as4 = lambda x: tensor_ops.reshape(b, x, (shapes.product(x.shape[:-3]), *x.shape[-3:]))
    out = call(*map(as4, (q, k, v)))
    return tensor_ops.reshape(b, out, (*lead, *out.shape[-2:]))


# -- masks and scores that front ends share

def both(b: Builder, first: Mask | None, second: Mask | None) -> Mask | None:
    if first is None or second is None:
        return first or second
    return lambda p: scalar.binary(b, "andi", first(p), second(p))


def plain_attention(b: Builder, q: Value, k: Value, v: Value, scale: float, mask: Value | None = None, is_causal: bool = False) -> Value:
    """scaled_dot_product_attention: a boolean mask says what is visible, any other is added to the scores."""
    captures, score, visible = [], None, None
    if is_causal:
        visible = lambda p: COMPARISONS["le"](b, p.j, p.i)  # top-left for T ≠ S too
    if mask is not None:
        if q.rank != 4:
            raise Unsupported(f"a mask with attention over {q.rank} dimensions: expected [batch, heads, rows, elements]")
        groups = k.shape[1]
        captures.append(mask_capture(b, mask, groups, q.shape[1] // groups if isinstance(groups, int) else 1))
        if mask.dtype == "i1":
            visible = both(b, visible, lambda p: p.captures[0])
        else:
            score = lambda s, p: scalar.binary(b, "addf", s, scalar.cast(b, p.captures[0], s.dtype))
    return attention(b, q, k, v, scale, captures, score, visible)
