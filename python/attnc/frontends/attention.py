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


@dataclasses.dataclass
class Source:
    """Keys [B, G, S, D] and values [B, G, S, E] of one source, and what is its own. `positions` are a scalar that is added to the
    index, or [S] or [B, S]; `valid`, a scalar or [B], is how many keys of a sequence exist."""
    key: Value
    value: Value
    score: Score | None = None
    mask: Mask | None = None
    positions: Value | None = None
    valid: Value | None = None


def attention(b: Builder, q: Value, k: Value, v: Value, scale: float, captures: Sequence[Capture] = (),
              score: Score | None = None, mask: Mask | None = None, valid: Value | None = None) -> Value:
    """softmax(score(scale · q kᵀ)) v for q [B, H, T, D], k [B, G, S, D], v [B, G, S, E] → [B, H, T, E]; head h reads the keys of
    h // (H / G). `valid` [B] is how many keys of a sequence exist."""
    if q.rank != 4:
        return _other_rank(b, q, k, v, lambda *qkv: attention(b, *qkv, scale, captures, score, mask, valid))
    return attention_over(b, q, [Source(k, v, score, mask, None, valid)], scale, captures)


def attention_over(b: Builder, q: Value, sources: Sequence[Source], scale: float, captures: Sequence[Capture] = (), normalizer: str = "softmax",
                   positions: Value | None = None, sink: Value | None = None, post: Score | None = None) -> Value:
    """The same over the keys of several sources together; `positions` are those of the queries, `sink` is [H]."""
    heads, groups = q.shape[1], sources[0].key.shape[1]
    if isinstance(heads, int) != isinstance(groups, int) or (isinstance(heads, int) and heads % groups):
        raise Unsupported(f"attention of {heads} query heads over {groups} key heads: expected a multiple")
    repeats = heads // groups if isinstance(heads, int) else 1
    q0, qd = split_heads(b, *in_place(b, q, list("bhid")), groups, repeats)
    extent = dict(zip(qd, q0.shape)) | {"v": sources[0].value.shape[3]}
    od = ["b", "i", "g", *["r"] * (repeats != 1), "v"]  # what follows joins the heads of a row: they lie together
    init = b.empty([extent[d] for d in od], q.dtype)

    def operands(s: Source) -> str:
        (k0, kd), (v0, vd) = in_place(b, s.key, list("bgjd")), in_place(b, s.value, list("bgjv"))
        # A batch of one that is broadcast over the queries' batch is not indexed.
        kd, vd = (["0" if d == "b" and x.shape[n] == 1 and q.shape[0] != 1 else d for n, d in enumerate(ds)] for x, ds in ((k0, kd), (v0, vd)))
        return f"{_indexed(k0, kd)}, {_indexed(v0, vd)} : {k0.type}, {v0.type}"
    written = [operands(s) + _placed(b, s.positions, "j", q.shape[0]) + _counted(b, s.valid, q.shape[0]) for s in sources]
    head = f"attn.attention {normalizer} scale({float(scale)!r}) query {_indexed(q0, qd)} : {q0.type}" + _placed(b, positions, "i", q.shape[0])
    tail = ""
    if sink is not None:
        sink, sd = split_heads(b, sink, ["h"], groups, repeats)
        sd = ["g" if d == "h" else d for d in sd]
        tail = f" sink {_indexed(sink, sd)} : {sink.type}"
    wide = all(x.dtype == "f64" for x in (q, *(x for s in sources for x in (s.key, s.value))))
    result = _Printer(b, "f64" if wide else "f32", list(captures)).print(head, sources, written, tail, (init, od), post)
    if repeats != 1:
        at = od.index("g")
        result = tensor_ops.reshape(b, result, [*result.shape[:at], heads, *result.shape[at + 2:]])
        od = [*od[:at], "h", *od[at + 2:]]
    od = ["h" if d == "g" else d for d in od]
    return tensor_ops.transpose(b, result, [od.index(d) for d in "bhiv"])


def _indexed(x: Value, dims: Sequence[str]) -> str:
    return f"{x.name}[{', '.join(dims)}]" if dims else x.name


def _scalar_index(b: Builder, x: Value) -> Value:
    return scalar.cast(b, tensor_ops.extract(b, x) if x.shape is not None else x, "index")


def _placed(b: Builder, positions: Value | None, dim: str, batch: Size) -> str:
    if positions is None:
        return ""
    if not positions.shape:
        return f" offset {_scalar_index(b, positions).name}"
    dims = [dim] if positions.rank == 1 else ["0" if positions.shape[0] == 1 and batch != 1 else "b", dim]
    return f" positions {_indexed(positions, dims)} : {positions.type}"


def _counted(b: Builder, valid: Value | None, batch: Size) -> str:
    if valid is None:
        return ""
    if not valid.shape:
        return f" valid {_scalar_index(b, valid).name}"
    return f" valid {_indexed(valid, ['0' if valid.shape[0] == 1 and batch != 1 else 'b'])} : {valid.type}"


class _Printer:
    """The op's text. Its regions are written before what is around them: sizes that they need become captures."""

    def __init__(self, b: Builder, compute: str, captures: list[Capture]):
        self.b, self.compute, self.captures = b, compute, captures
        self.at = [Value(b.fresh(n), "index") for n in ("b", "h", "i", "j", "n")]
        self.given = [Value(b.fresh("c"), c.value.dtype, None if c.at is not None or not c.value.shape else c.value.shape) for c in captures]
        self.sizes: dict[Size, Value] = {}
        self.positions = Positions(*self.at[:4], tuple(self.given))

    def size(self, size: Size) -> Value:
        if size not in self.sizes:
            self.sizes[size] = Value(self.b.fresh("c"), "index")
        return self.sizes[size]

    def region(self, body: Callable[[], Value], dtype: str) -> list[str]:
        def write():
            result = scalar.cast(self.b, body(), dtype)
            self.b.line(f"attn.yield {result.name} : {result.dtype}")
        with self.b.isolated(self.size):
            return self.b.nested(write)

    def arguments(self, first: Value | None = None, types: bool = False) -> str:
        """A region's arguments: a source's own mask stands in front of the captures, and so has their types."""
        elements = [*self.given, *self.sizes.values()]
        return ", ".join([*([first.name] if first else []), *(v.name for v in self.at), *(f"{v.name} : {v.type}" if types else v.name for v in elements)])

    def score_of_source(self, s: Value, sources: Sequence[Source]) -> Value:
        """The score function of the source that a key is of."""
        out = s
        for n, source in reversed(list(enumerate(sources))):
            own = source.score(s, self.positions) if source.score else s
            own = scalar.cast(self.b, own, s.dtype)
            if n == len(sources) - 1 or all(other.score is source.score for other in sources):
                out = own
                continue
            here = COMPARISONS["eq"](self.b, self.at[4], scalar.constant(self.b, n, "index"))
            out = scalar.select(self.b, here, own, out)
        return out

    def print(self, head: str, sources: Sequence[Source], written: Sequence[str], tail: str, out, post: Score | None) -> Value:
        b, s, p = self.b, Value(self.b.fresh("s"), self.compute), Value(self.b.fresh("p"), self.compute)
        shared = sources[0].mask if len(sources) == 1 else None
        own = [self.region(lambda f=x.mask: f(self.positions), "i1") if x.mask and not shared else None for x in sources]
        bodies = []
        if any(x.score for x in sources):
            bodies.append(("score", s, self.region(lambda: self.score_of_source(s, sources), s.dtype)))
        if shared:
            bodies.append(("mask", None, self.region(lambda: shared(self.positions), "i1")))
        if post:
            bodies.append(("post", p, self.region(lambda: post(p, self.positions), p.dtype)))
        text, pieces = head, []
        for source, mask in zip(written, own):
            text += f" source {source}"
            if mask is not None:
                pieces.append((f"{text} mask({self.arguments(types=True)})", mask))
                text = ""
        captures = self.captures + [Capture(Value(b.sizes.name(size), "index")) for size in self.sizes]
        if captures:
            text += f" captures {', '.join(f'{c.text} : {c.value.type}' for c in captures)}"
        text += f"{tail} into {_indexed(*out)} : {out[0].type}"
        for word, first, lines in bodies:
            pieces.append((f"{text} {word}({self.arguments(first)})", lines))
            text = ""
        name = b.fresh()
        if pieces:
            b.with_regions(f"{name} = ", pieces, text)
        else:
            b.line(f"{name} = {text}")
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
