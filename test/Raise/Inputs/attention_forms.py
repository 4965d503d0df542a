"""Attention as models write it. Each function returns a graph's text; FORMS says what raise makes of it."""
import math

from graph import Graph

B, T, H, D = "B", "T", 4, 8
LOWEST = -3.4028234663852886e38
QKV = {"q": ((B, H, T, D), "f32"), "k": ((B, H, T, D), "f32"), "v": ((B, H, T, D), "f32")}


def scores(g, scale=D ** -0.5):
    s = g.product(g["q"], g["k"], "bhid,bhjd->bhij")
    return g.with_number("arith.mulf", s, scale) if scale else s


def output(g, weights):
    return g.text(g.product(weights, g["v"], "bhij,bhjd->bhid"))


def plain(form):
    g = Graph(**QKV)
    return output(g, g.softmax(scores(g), form=form))


def scale_where(where):
    """Divided by √D: the scores, the query, the key, or both by its root."""
    g = Graph(**QKV)
    root = math.sqrt(D)
    q, k = g["q"], g["k"]
    if where in ("query", "both"):
        q = g.with_number("arith.divf", q, root if where == "query" else math.sqrt(root))
    if where in ("key", "both"):
        k = g.with_number("arith.divf", k, root if where == "key" else math.sqrt(root))
    s = g.product(q, k, "bhid,bhjd->bhij")
    if where == "scores":
        s = g.with_number("arith.divf", s, root)
    return output(g, g.softmax(s))


def causal_positions(g, offset=None):
    i, j = g.arange(T, offset), g.arange(T)
    return g.compare("sle", g.unsqueeze(j, 0), g.unsqueeze(i, 1))


def causal(constant, how):
    """j ≤ i from two ranges: selected, added, or multiplied in."""
    g = Graph(**QKV)
    seen, s = causal_positions(g), scores(g)
    if how == "select":
        s = g.where(seen, s, g.full([1], constant))
    elif how == "add":
        s = g.binary("arith.addf", s, g.where(seen, g.full([1], 0.0), g.full([1], constant)))
    else:  # (1 - float(seen)) · constant
        number = g.map([seen], ["%r = arith.uitofp %a0 : i1 to f32", "yield %r"], "f32")
        hidden = g.binary("arith.subf", g.full([1], 1.0), number)
        s = g.binary("arith.addf", s, g.with_number("arith.mulf", hidden, constant))
    return output(g, g.softmax(s))


def window():
    """Causal and i - j < 3, joined as bools."""
    g = Graph(**QKV)
    i, j = g.unsqueeze(g.arange(T), 1), g.unsqueeze(g.arange(T), 0)
    near = g.compare("slt", g.binary("arith.subi", i, j), g.full([1], 3, "i64"))
    seen = g.binary("arith.andi", near, g.compare("sle", j, i))
    return output(g, g.softmax(g.where(seen, scores(g), g.full([1], -math.inf))))


def tensor_mask(element):
    """A mask that the caller gives: bools selected, floats added; [B, 1, 1, T] and [T, T]."""
    g = Graph(**QKV, pad=((B, T), element), full=((T, T), element))
    pad = g.unsqueeze(g.unsqueeze(g["pad"], 1), 1)
    s = scores(g)
    if element == "f32":
        s = g.binary("arith.addf", g.binary("arith.addf", s, pad), g["full"])
    else:
        s = g.where(g.binary("arith.andi", pad, g["full"]), s, g.full([1], LOWEST))
    return output(g, g.softmax(s))


def padding_of_integers():
    """The attention_mask of tokenizers, i64, made additive, beside a causal mask."""
    g = Graph(**QKV, mask=((B, T), "i64"))
    seen = g.map([g["mask"]], ["%z = arith.constant 0 : i64", "%r = arith.cmpi ne, %a0, %z : i64", "yield %r"], "i1")
    seen = g.binary("arith.andi", g.unsqueeze(g.unsqueeze(seen, 1), 1), causal_positions(g))
    bias = g.where(seen, g.full([1], 0.0), g.full([1], LOWEST))
    s = g.with_number("arith.maximumf", g.binary("arith.addf", scores(g), bias), LOWEST)
    return output(g, g.softmax(s))


def softcap():
    g = Graph(**QKV)
    s = g.with_number("arith.mulf", g.unary("math.tanh", g.with_number("arith.divf", scores(g), 30.0)), 30.0)
    return output(g, g.softmax(g.where(causal_positions(g), s, g.full([1], LOWEST))))


def alibi():
    g = Graph(**QKV, slopes=((H,), "f32"))
    distance = g.binary("arith.subi", g.unsqueeze(g.arange(T), 0), g.unsqueeze(g.arange(T), 1))
    number = g.map([distance], ["%r = arith.sitofp %a0 : i64 to f32", "yield %r"], "f32")
    bias = g.binary("arith.mulf", g.unsqueeze(g.unsqueeze(g["slopes"], 1), 2), g.unsqueeze(number, 0))
    s = g.binary("arith.addf", scores(g), bias)
    return output(g, g.softmax(g.where(causal_positions(g), s, g.full([1], -math.inf))))


def relative_table():
    """A bias read from a table by j - i, clipped to ±4."""
    g = Graph(**QKV, table=((9, H), "f32"))
    init = g.empty([H, T, T])
    body = ["%h = linalg.index 0 : index", "%i = linalg.index 1 : index", "%j = linalg.index 2 : index", "%d = arith.subi %j, %i : index",
            "%low = arith.constant -4 : index", "%high = arith.constant 4 : index", "%c0 = arith.maxsi %d, %low : index",
            "%c1 = arith.minsi %c0, %high : index", "%at = arith.addi %c1, %high : index",
            f"%r = tensor.extract %table[%at, %h] : {g['table'].type}", "yield %r"]
    bias = g.generic(["d0, d1, d2"], "ppp", [], init, body)
    return output(g, g.softmax(g.binary("arith.addf", scores(g, None), bias)))


def guarded(how):
    """Rows of which nothing is visible are 0: by the NaN of their weights, or by looking at all scores (torch)."""
    g = Graph(**QKV, seen=((B, T), "i1"))
    s = g.where(g.unsqueeze(g.unsqueeze(g["seen"], 1), 1), scores(g), g.full([1], -math.inf))
    w = g.softmax(s)
    if how == "isnan":
        bad = g.map([w], ["%r = arith.cmpf uno, %a0, %a0 : f32", "yield %r"], "i1")
        w = g.where(bad, g.full([1], 0.0), w)
    else:  # where(¬any(¬(s == -inf)), 0, w)
        some = g.map([s], ["%c = arith.constant 0xFF800000 : f32", "%e = arith.cmpf oeq, %a0, %c : f32", "%t = arith.constant true",
                           "%r = arith.xori %e, %t : i1", "yield %r"], "i1")
        any_ = g.reduce("arith.ori", some, -1, 0)
        none = g.map([any_], ["%t = arith.constant true", "%r = arith.xori %a0, %t : i1", "yield %r"], "i1")
        w = g.where(none, g.full([1], 0.0), w)
    return output(g, w)


def post_scaled():
    """Weights times a number per head behind softmax."""
    g = Graph(**QKV, gate=((H,), "f32"))
    return output(g, g.binary("arith.mulf", g.softmax(scores(g)), g.unsqueeze(g.unsqueeze(g["gate"], 1), 2)))


def batched_matmuls():
    """[B, T, H·D] split into heads, all heads in one batch dimension, merged again: as torch-mlir and ONNX files have it."""
    g = Graph(q=((B, T, H * D), "f32"), k=((B, T, H * D), "f32"), v=((B, T, H * D), "f32"))
    q, k, v = (g.collapse(g.heads(g[n], H, D), [[0, 1], [2], [3]]) for n in "qkv")
    s = g.expand(g.batch_matmul(q, g.transpose(k, [0, 2, 1])), [[0, 1], [2], [3]], [B, H, T, T])
    s = g.where(causal_positions(g), g.with_number("arith.mulf", s, D ** -0.5), g.full([1], -math.inf))
    w = g.collapse(g.softmax(s), [[0, 1], [2], [3]])
    y = g.expand(g.batch_matmul(w, v), [[0, 1], [2], [3]], [B, H, T, D])
    return g.text(g.merge(y))


def packed_projection():
    """One projection of [B, T, 3·H·D], cut into thirds."""
    g = Graph(x=((B, T, 3 * H * D), "f32"))
    q, k, v = (g.heads(g.slice(g["x"], 2, n * H * D, H * D), H, D) for n in range(3))
    s = g.with_number("arith.mulf", g.product(q, k, "bhid,bhjd->bhij"), D ** -0.5)
    return g.text(g.merge(g.product(g.softmax(s), v, "bhij,bhjd->bhid")))


def flat_rows():
    """The same, projected with batch and rows as one dimension (GPT-2's): what lies in front cannot be read in place."""
    g = Graph(x=((B, T, 16), "f32"), w=((16, 3 * H * D), "f32"))
    flat = g.product(g.collapse(g["x"], [[0, 1], [2]]), g["w"], "te,eo->to")
    x = g.expand(flat, [[0, 1], [2]], [B, T, 3 * H * D])
    q, k, v = (g.heads(g.slice(x, 2, n * H * D, H * D), H, D) for n in range(3))
    s = g.with_number("arith.mulf", g.product(q, k, "bhid,bhjd->bhij"), D ** -0.5)
    return g.text(g.merge(g.product(g.softmax(s), v, "bhij,bhjd->bhid")))


def reshaped_bias():
    """Scores plus a bias whose rows and keys are a reshape of two dynamic sizes (relative positions by a shift): the reshaped bias is read."""
    g = Graph(q=((B, H, T, D), "f32"), k=((B, H, "S", D), "f32"), v=((B, H, "S", D), "f32"), bias=((B, H, "S", T), "f32"))
    bias = g.expand(g.collapse(g["bias"], [[0], [1], [2, 3]]), [[0], [1], [2, 3]], [B, H, T, "S"])
    s = g.binary("arith.addf", g.product(g["q"], g["k"], "bhid,bhjd->bhij"), bias)
    return g.text(g.product(g.softmax(g.with_number("arith.mulf", s, D ** -0.5)), g["v"], "bhij,bhjd->bhid"))


def grouped(how):
    """4 query heads on 2 key heads, which are repeated by a broadcast and a reshape."""
    g = Graph(q=((B, H, T, D), "f32"), k=((B, 2, T, D), "f32"), v=((B, 2, T, D), "f32"), slopes=((H,), "f32"))
    k, v = (g.collapse(g.broadcast(g[n], [B, 2, 2, T, D], [2]), [[0], [1, 2], [3], [4]]) for n in "kv")
    s = g.with_number("arith.mulf", g.product(g["q"], k, "bhid,bhjd->bhij"), D ** -0.5)
    if how == "bias":
        number = g.map([g.arange(T)], ["%r = arith.sitofp %a0 : i64 to f32", "yield %r"], "f32")
        s = g.binary("arith.addf", s, g.binary("arith.mulf", g.unsqueeze(g.unsqueeze(g["slopes"], 1), 2), number))
    s = g.where(causal_positions(g), s, g.full([1], -math.inf))
    return g.text(g.merge(g.product(g.softmax(s), v, "bhij,bhjd->bhid")))


def multi_query():
    """All heads share one key and value."""
    g = Graph(q=((B, H, T, D), "f32"), k=((B, T, D), "f32"), v=((B, T, D), "f32"))
    s = g.with_number("arith.mulf", g.product(g["q"], g["k"], "bhid,bjd->bhij"), D ** -0.5)
    return g.text(g.product(g.softmax(s), g["v"], "bhij,bjd->bhid"))


def cross(decode):
    """Queries and keys of two lengths, causal from the right: the i-th query stands at S - T + i."""
    t = 1 if decode else T
    g = Graph(q=((B, H, t, D), "f32"), k=((B, H, "S", D), "f32"), v=((B, H, "S", D), "f32"))
    s = g.with_number("arith.mulf", g.product(g["q"], g["k"], "bhid,bhjd->bhij"), D ** -0.5)
    if not decode:
        shift = g.emit(f"arith.subi {g.sizes['S']}, {g.sizes['T']} : index")
        seen = g.compare("sle", g.unsqueeze(g.arange("S"), 0), g.unsqueeze(g.arange(T, shift), 1))
        s = g.where(seen, s, g.full([1], -math.inf))
    return g.text(g.product(g.softmax(s), g["v"], "bhij,bhjd->bhid"))


def sink_column(shifted, of_query=False, form="named"):
    """A learned score per head beside those of the keys, dropped behind softmax (gpt-oss); or one of each query, which is no sink."""
    g = Graph(**QKV, sinks=((H, T) if of_query else (H,), "f32"))
    s = g.where(causal_positions(g), scores(g), g.full([1], LOWEST))
    if of_query:
        column = g.broadcast(g.unsqueeze(g["sinks"], 2), [B, H, T, 1], [0])
    else:
        column = g.broadcast(g.expand(g["sinks"], [[0, 1]], [H, 1]), [B, H, T, 1], [0, 2])
    s = g.concat(3, s, column)
    if shifted:
        s = g.binary("arith.subf", s, g.reduce("arith.maximumf", s, -1, -math.inf))
    return output(g, g.slice(g.softmax(s, form=form), 3, 0, T))


def sink_in_denominator(form):
    """exp(s) / (c + Σ exp(s)): softmax1, or with a learned score per head."""
    g = Graph(**QKV, sinks=((H,), "f32"))
    s = scores(g)
    sink = g.unsqueeze(g.unsqueeze(g["sinks"], 1), 2)
    highest = g.reduce("arith.maximumf", s, -1, -math.inf)
    if form == "learned":
        highest = g.binary("arith.maximumf", highest, sink)
    exp = g.unary("math.exp", s if form == "bare" else g.binary("arith.subf", s, highest))
    term = g.full([1], 1.0) if form == "bare" else g.unary("math.exp", g.unary("arith.negf", highest) if form == "one" else g.binary("arith.subf", sink, highest))
    return output(g, g.binary("arith.divf", exp, g.binary("arith.addf", g.reduce("arith.addf", exp, -1, 0.0), term)))


def sigmoid(how):
    """Weights that do not know of each other: σ of the scores, less log n; hidden keys in front or behind."""
    g = Graph(**QKV)
    s = g.with_number("arith.subf", scores(g), math.log(7))
    if how == "front":
        s = g.where(causal_positions(g), s, g.full([1], -math.inf))
    one = g.full([1], 1.0)
    w = g.binary("arith.divf", one, g.binary("arith.addf", g.unary("math.exp", g.unary("arith.negf", s)), one))
    if how == "behind":
        w = g.where(causal_positions(g), w, g.full([1], 0.0))
    return output(g, w)


def cache(used):
    """Keys and values of a cache in front of new ones; where the join is used again (the next call's cache) it stays."""
    new, old = (B, H, T, D), (B, H, "P", D)
    g = Graph(q=(new, "f32"), k=(new, "f32"), v=(new, "f32"), old_k=(old, "f32"), old_v=(old, "f32"), seen=((B, "S"), "i1"))
    k, v = (g.concat(2, g["old_" + n], g[n]) for n in "kv")
    everything = k.shape[2]
    s = g.with_number("arith.mulf", g.product(g["q"], k, "bhid,bhjd->bhij"), D ** -0.5)
    row, key = g.arange(T, g.sizes["P"]), g.arange(everything)
    seen = g.compare("sle", g.unsqueeze(key, 0), g.unsqueeze(row, 1))
    pad = g.slice(g["seen"], 1, 0, everything)
    s = g.where(g.binary("arith.andi", g.unsqueeze(g.unsqueeze(pad, 1), 1), seen), s, g.full([1], LOWEST))
    y = g.product(g.softmax(s), v, "bhij,bhjd->bhid")
    return g.text(y, k) if used else g.text(y)


def one_head():
    """No batch, no heads: what a person writes first."""
    g = Graph(q=((T, D), "f32"), k=((T, D), "f32"), v=((T, 5), "f32"))
    s = g.product(g["q"], g["k"], "id,jd->ij")
    return g.text(g.product(g.softmax(s), g["v"], "ij,jv->iv"))


FORMS = {
    "softmax in steps": plain("steps"),
    "softmax by name": plain("named"),
    "softmax without maximum": plain("bare"),
    "softmax by a reciprocal": plain("reciprocal"),
    **{f"scale on {w}": scale_where(w) for w in ("scores", "query", "key", "both")},
    "causal, selected": causal(-math.inf, "select"),
    "causal, added": causal(LOWEST, "add"),
    "causal, -10000 by products": causal(-1e4, "product"),
    "window": window(),
    "bool masks": tensor_mask("i1"),
    "float masks": tensor_mask("f32"),
    "padding of integers": padding_of_integers(),
    "softcap": softcap(),
    "alibi": alibi(),
    "relative table": relative_table(),
    "guarded by isnan": guarded("isnan"),
    "guarded by any": guarded("any"),
    "scaled behind": post_scaled(),
    "batched matmuls": batched_matmuls(),
    "packed projection": packed_projection(),
    "flat rows": flat_rows(),
    "reshaped bias": reshaped_bias(),
    "grouped heads": grouped(None),
    "grouped heads with a bias": grouped("bias"),
    "multi-query": multi_query(),
    "cross": cross(False),
    "decode": cross(True),
    "one head": one_head(),
    "a column of sinks": sink_column(False),
    "a column of sinks, shifted": sink_column(True),
    "a column of sinks, softmax in steps": sink_column(True, form="steps"),
    "a column of each query": (sink_column(False, of_query=True), None),
    **{f"a sink in the denominator, {form}": sink_in_denominator(form) for form in ("bare", "one", "learned")},
    **{f"sigmoid, masked {how}": sigmoid(how) for how in ("nowhere", "front", "behind")},
    "cache and new keys": cache(False),
    "cache and new keys, used again": cache(True),
}
