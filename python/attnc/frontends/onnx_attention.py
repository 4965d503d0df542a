"""Attention and rotary embedding of ONNX (opset 23), in their layouts [batch, head, row, element] and [batch, row, head · element]."""
from __future__ import annotations

import math

from . import attention as attn
from . import rows, scalar, shapes, tensor_ops
from .builder import Value
from .errors import Unsupported
from .onnx_ops import elementwise
from .onnx_walker import Node, Walker, handles
from .scalar import ARITHMETIC, COMPARISONS


def heads_apart(w: Walker, x: Value, heads: int | None, what: str) -> Value:
    """[B, T, H · D] → [B, H, T, D]"""
    each = shapes.divide(x.shape[2], heads) if heads else None
    if each is None:
        raise Unsupported(f"{what} of width {x.shape[2]} in {heads} heads: expected a divisor as q_num_heads and kv_num_heads")
    return tensor_ops.transpose(w.b, tensor_ops.reshape(w.b, x, (x.shape[0], x.shape[1], heads, each)), [0, 2, 1, 3])


def heads_together(w: Walker, x: Value) -> Value:
    """[B, H, T, D] → [B, T, H · D]"""
    rows_first = tensor_ops.transpose(w.b, x, [0, 2, 1, 3])
    return tensor_ops.reshape(w.b, rows_first, (x.shape[0], x.shape[2], shapes.product((x.shape[1], x.shape[3]))))


def whole_mask(w: Walker, mask: Value, q: Value, k: Value) -> Value:
    """A mask over all keys: those that it lacks are hidden."""
    missing = shapes.canonical(k.shape[2] - mask.shape[-1]) if mask.rank and mask.shape[-1] != 1 else 0
    if missing != 0:
        hidden = False if mask.dtype == "i1" else -math.inf
        mask = tensor_ops.pad(w.b, mask, [0] * mask.rank, [*[0] * (mask.rank - 1), missing], hidden)
    scores = (q.shape[0], q.shape[1], q.shape[2], k.shape[2])
    if mask.rank > 4 or not all(map(shapes.same, w.broadcast(mask.shape, scores), scores)):
        raise Unsupported(f"a mask of {list(mask.shape)} for scores of {list(scores)}")
    return mask


def check_shapes(q: Value, k: Value, v: Value) -> None:
    agree = [(q.shape[0], k.shape[0]), (k.shape[0], v.shape[0]), (k.shape[1], v.shape[1]), (k.shape[2], v.shape[2]), (q.shape[3], k.shape[3])]
    grouped = q.shape[1] == k.shape[1] or shapes.is_static([q.shape[1], k.shape[1]]) and k.shape[1] and q.shape[1] % k.shape[1] == 0
    if not grouped or not all(shapes.same(x, y) for x, y in agree):
        raise Unsupported(f"attention of {list(q.shape)} over {list(k.shape)} and {list(v.shape)}")


@handles("Attention", since=23)
def attention(w: Walker, node: Node, q, k, v, mask, past_key, past_value):
    if node.wants(3):
        raise Unsupported("the scores of an attention as a result; attnc has the output and the keys and values")
    together = q.rank == 3
    if together:
        q = heads_apart(w, q, node["q_num_heads"], "queries")
        k, v = (heads_apart(w, x, node["kv_num_heads"], "keys or values") for x in (k, v))
    if not q.rank == k.rank == v.rank == 4:
        raise Unsupported(f"attention over {q.rank}, {k.rank} and {v.rank} dimensions: expected 3 or 4")
    before = past_key.shape[2] if past_key is not None else 0
    if (past_key is None) != (past_value is None):
        raise Unsupported("attention with past keys or past values alone: expected both or none")
    if past_key is not None:
        check_past(past_key, k)
        check_past(past_value, v)
        k, v = (tensor_ops.concat(w.b, [past, new], 2) for past, new in ((past_key, k), (past_value, v)))
    check_shapes(q, k, v)
    if not isinstance(q.shape[3], int):
        raise Unsupported(f"attention with a head width of {q.shape[3]}: expected a number")
    out = scored(w, node, q, k, v, mask, before)
    return [heads_together(w, out) if together else out, k, v, None]


def check_past(past: Value, new: Value) -> None:
    if past.rank != 4 or not all(shapes.same(past.shape[d], new.shape[d]) for d in (0, 1, 3)):
        raise Unsupported(f"past keys or values of {list(past.shape)} in front of {list(new.shape)}")


def scored(w: Walker, node: Node, q: Value, k: Value, v: Value, mask: Value | None, before) -> Value:
    """softmax(cap(scale q kᵀ) + mask) v; causal: a query sees the keys up to its own, behind the past."""
    b, cap, captures = w.b, node["softcap"] or 0.0, []
    added = None
    visible = None
    if mask is not None:
        groups = k.shape[1]
        captures.append(attn.mask_capture(b, whole_mask(w, mask, q, k), groups, q.shape[1] // groups if isinstance(groups, int) else 1))
        if mask.dtype == "i1":
            visible = lambda p: p.captures[0]
        else:
            added = lambda s, p: scalar.binary(b, "addf", s, scalar.cast(b, p.captures[0], s.dtype))
    if node["is_causal"]:
        own = lambda p: p.i if before == 0 else ARITHMETIC["add"](b, p.i, b.index(before))
        visible = attn.both(b, lambda p: COMPARISONS["le"](b, p.j, own(p)), visible)
    if cap < 0 or not math.isfinite(cap):
        raise Unsupported(f"attention with the softcap {cap}: expected 0 or a positive number")

    def score(s, p):
        if cap:
            c = scalar.constant(b, cap, s.dtype)
            s = scalar.binary(b, "mulf", ARITHMETIC["tanh"](b, scalar.div(b, s, c)), c)
        return added(s, p) if added else s
    scale = 1 / math.sqrt(q.shape[3]) if node["scale"] is None else node["scale"]
    if not math.isfinite(scale):
        raise Unsupported(f"attention with the scale {scale}")
    return attn.attention(b, q, k, v, scale, captures, score if cap or added else None, visible)


@handles("RotaryEmbedding", since=23)
def rotary_embedding(w: Walker, node: Node, x, cos, sin, positions):
    """Pairs of elements, turned: (x₁ cos - x₂ sin, x₁ sin + x₂ cos); the pairs are the two halves, or neighbours."""
    shape = x.shape
    if x.rank == 3:
        x = heads_apart(w, x, node["num_heads"], "rows")
    if x.rank != 4:
        raise Unsupported(f"RotaryEmbedding of {x.rank} dimensions: expected 3 or 4")
    width = node["rotary_embedding_dim"] or x.shape[3]
    if not shapes.is_static([width, x.shape[3]]) or width % 2 or not 0 < width <= x.shape[3]:
        raise Unsupported(f"RotaryEmbedding of {width} elements of {x.shape[3]}")
    cos, sin = (angles(w, table, positions, x, width // 2) for table in (cos, sin))
    part = lambda start, step: tensor_ops.slice_along(w.b, x, 3, start, width // 2, step)
    first, second = (part(0, 2), part(1, 2)) if node["interleaved"] else (part(0, 1), part(width // 2, 1))
    mul = ARITHMETIC["mul"]
    real = elementwise(w, [first, cos, second, sin], lambda x, c, y, s: scalar.binary(w.b, "subf", mul(w.b, x, c), mul(w.b, y, s)))
    other = elementwise(w, [first, sin, second, cos], lambda x, s, y, c: scalar.binary(w.b, "addf", mul(w.b, x, s), mul(w.b, y, c)))
    if node["interleaved"]:
        turned = tensor_ops.concat(w.b, [tensor_ops.reshape(w.b, y, (*y.shape, 1)) for y in (real, other)], 4)
        turned = tensor_ops.reshape(w.b, turned, (*x.shape[:3], width))
    else:
        turned = tensor_ops.concat(w.b, [real, other], 3)
    if width < x.shape[3]:
        turned = tensor_ops.concat(w.b, [turned, tensor_ops.slice_along(w.b, x, 3, width, x.shape[3] - width)], 3)
    return heads_together(w, turned) if len(shape) == 3 else turned


def angles(w: Walker, table: Value, positions: Value | None, x: Value, half: int) -> Value:
    """[positions, D/2] at the rows' positions, or [B, T, D/2], as [B, 1, T, D/2]."""
    if positions is not None:
        if table.rank != 2 or positions.rank != 2:
            raise Unsupported(f"RotaryEmbedding of tables of {table.rank} dimensions at positions of {positions.rank}: expected 2 and 2")
        table = rows.gather_rows(w.b, table, rows.normalized(w.b, positions, table.shape[0]))
    if table.rank != 3 or table.shape[2] != half:
        raise Unsupported(f"RotaryEmbedding with cosines of {list(table.shape)}: expected {half} in the last of 3 dimensions")
    return tensor_ops.reshape(w.b, table, (table.shape[0], 1, table.shape[1], half))
