"""attn.attention against NumPy, row by row in f64."""
import numpy as np

from kernels import INTERPRETED, check, compile_kernel

random = np.random.default_rng(2)
COPY = "func.func private @kernel({args}) -> ({types}) attributes {{attnc.kernel, llvm.emit_c_interface}} {{\n  {names} = attn.attention {body}\n  return {names} : {types}\n}}\n"


def compile_attention(args, body, *types, **options):
    names = ", ".join(f"%y{n}" for n in range(len(types)))
    return compile_kernel(COPY.format(args=args, types=", ".join(types), names=f"%y:{len(types)}" if len(types) > 1 else "%y0", body=body)
                          .replace(f"return %y:{len(types)}", "return " + ", ".join(f"%y#{n}" for n in range(len(types)))), **options)


def normal(*shape):
    return random.standard_normal(shape, np.float32)


def exp(x):
    with np.errstate(over="ignore", invalid="ignore"):
        return np.exp(x)


def row(query, keys, values, visible, normalizer="softmax", scale=1.0, score=None, post=None, sink=-np.inf):
    """One query: out, lse, entropy. keys [j, d], values [j, v], visible [j]; score and post map (number, j)."""
    s = np.array([scale * float(np.dot(query.astype(np.float64), k.astype(np.float64))) for k in keys])
    j = np.flatnonzero(visible)
    s = s[j] if score is None else np.array([score(s[n], n) for n in j])
    lse = entropy = None
    if normalizer == "softmax":
        top = max(np.max(s, initial=-np.inf), sink)
        if top == -np.inf:
            p, lse, entropy = np.zeros(len(s)), -np.inf, 0.0
        else:
            total = exp(s - top).sum() + exp(sink - top)
            p, lse = exp(s - top) / total, top + np.log(total)
            entropy = -sum(w * np.log(w) for w in p if w != 0)
    else:
        p = s if normalizer == "identity" else 1 / (1 + exp(-s))
        if normalizer == "sigmoid_sum":
            p = p / p.sum() if len(p) else p
    if post is not None:
        p = np.array([post(w, n) for w, n in zip(p, j)])
    out = sum((w * values[n].astype(np.float64) for w, n in zip(p, j)), np.zeros(values.shape[1]))
    return out, lse, entropy


def dense():
    """Every normaliser, lse and entropy, sequence lengths, sizes around the blocks."""
    sizes = [(2, 17, 65), (1, 1, 1), (3, 16, 64), (1, 33, 130), (2, 0, 5), (2, 3, 0), (0, 3, 3), (2, 1, 200)]
    for normalizer in ("softmax", "sigmoid", "sigmoid_sum", "identity"):
        soft = normalizer == "softmax"
        more = "lse %l[b, g, i] : tensor<?x2x?xf32> entropy %h[b, g, i] : tensor<?x2x?xf32>" if soft else ""
        args = "%q: tensor<?x?x2x5xf32>, %k: tensor<?x2x?x5xf32>, %v: tensor<?x?x2x7xf32>, %n: tensor<?xi32>, %o: tensor<?x2x?x7xf32>"
        types = ["tensor<?x2x?x7xf32>"] + 2 * soft * ["tensor<?x2x?xf32>"]
        run = compile_attention(args + soft * ", %l: tensor<?x2x?xf32>, %h: tensor<?x2x?xf32>", f"""{normalizer} scale(0.5)
            query %q[b, i, g, d] : tensor<?x?x2x5xf32>
            source %k[b, g, j, d], %v[b, j, g, v] : tensor<?x2x?x5xf32>, tensor<?x?x2x7xf32> valid %n[b] : tensor<?xi32>
            into %o[b, g, i, v] : tensor<?x2x?x7xf32> {more}""", *types)
        for b, i, j in sizes:
            q, k, v = normal(b, i, 2, 5), normal(b, 2, j, 5), normal(b, j, 2, 7)
            lengths = random.integers(-1, j + 2, b).astype(np.int32)
            for at in range(b):  # keys that are not there may hold anything
                k[at, :, max(lengths[at], 0):] = np.nan
                v[at, max(lengths[at], 0):] = np.inf
            out = [np.full(shape, np.nan, np.float32) for shape in [(b, 2, i, 7)] + 2 * soft * [(b, 2, i)]]
            run(q, k, v, lengths, *out)
            expected = [np.zeros(o.shape) for o in out]
            for e, g, t in np.ndindex(b, 2, i):
                n = min(max(lengths[e], 0), j)
                found = row(q[e, t, g], k[e, g, :n], v[e, :n, g], np.ones(n), normalizer, 0.5)
                for o, f in zip(expected, found):
                    o[e, g, t] = f
            for name, o, f in zip(("out", "lse", "entropy"), out, expected):
                check(f"{normalizer} {name} {b} {i} {j}", o, f, 1e-5)


def large_scores():
    """Scores in the thousands, -inf and NaN: the maximum is subtracted, and one row's NaN stays in it."""
    run = compile_attention("%q: tensor<?x1xf32>, %k: tensor<?x1xf32>, %v: tensor<?x3xf32>, %c: tensor<?x?xf32>, %o: tensor<?x3xf32>, %l: tensor<?xf32>, %h: tensor<?xf32>", """softmax scale(1.0)
        query %q[i, d] : tensor<?x1xf32>
        source %k[j, d], %v[j, v] : tensor<?x1xf32>, tensor<?x3xf32>
        captures %c[i, j] : tensor<?x?xf32>
        into %o[i, v] : tensor<?x3xf32> lse %l[i] : tensor<?xf32> entropy %h[i] : tensor<?xf32>
        score(%s, %b, %h1, %i, %j, %n, %e) {
          %x = arith.addf %s, %e : f32
          attn.yield %x : f32
        }""", "tensor<?x3xf32>", "tensor<?xf32>", "tensor<?xf32>")
    i, j = 20, 150
    q, k, v, c = normal(i, 1) * 40, normal(j, 1) * 40, normal(j, 3), np.zeros((i, j), np.float32)
    c[random.random((i, j)) < 0.4] = -np.inf
    c[3] = -np.inf
    c[4, :140] = -np.inf
    c[7, 77] = np.nan
    c[8, :] = np.where(np.arange(j) == 130, np.nan, -np.inf)
    out, lse, entropy = np.zeros((i, 3), np.float32), np.zeros(i, np.float32), np.zeros(i, np.float32)
    run(q, k, v, c, out, lse, entropy)
    for t in range(i):
        want = row(q[t], k, v, np.ones(j), score=lambda s, n: s + c[t, n])
        if t in (7, 8):
            want = [np.full(3, np.nan), np.nan, np.nan]
        for name, found, expected in zip(("out", "lse", "entropy"), (out[t], lse[t], entropy[t]), want):
            check(f"large {name} {t}", found, expected, 2e-5)


GROUPED = """{normalizer} scale(0.25)
    query %q[b, i, g, r, d] : tensor<?x?x2x3x4xf32> offset %at
    source %kv[b, j, 0, g, d], %kv[b, j, 1, g, v] : tensor<?x?x2x2x4xf32>, tensor<?x?x2x2x4xf32>
    captures %a[g, r] : tensor<2x3xf32>, %t : tensor<?xf32>, %w : index {sink}
    into %o[b, g, r, i, v] : tensor<?x2x3x?x4xf32>
    score(%s, %b, %h, %i, %j, %n, %slope, %table, %window) {{
      %distance = arith.subi %i, %j : index
      %bits = arith.index_cast %distance : index to i32
      %float = arith.sitofp %bits : i32 to f32
      %bias = arith.mulf %float, %slope : f32
      %x = arith.subf %s, %bias : f32
      %e = tensor.extract %table[%h] : tensor<?xf32>
      %y = arith.addf %x, %e : f32
      attn.yield %y : f32
    }}
    mask(%b, %h, %i, %j, %n, %slope, %table, %window) {{
      %causal = arith.cmpi sle, %j, %i : index
      %distance = arith.subi %i, %j : index
      %near = arith.cmpi slt, %distance, %window : index
      %both = arith.andi %causal, %near : i1
      attn.yield %both : i1
    }}
    {post}"""
POST = """post(%p, %b, %h, %i, %j, %n, %slope, %table, %window) {
      %c = arith.constant 0.01 : f32
      %x = arith.addf %p, %c : f32
      attn.yield %x : f32
    }"""


def grouped():
    """Grouped heads out of one packed projection, an offset, captures of every kind, masks, sinks, post."""
    for normalizer in ("softmax", "sigmoid", "sigmoid_sum", "identity"):
        for post in ("", POST):
            sink = normalizer == "softmax"
            run = compile_attention("%q: tensor<?x?x2x3x4xf32>, %at: index, %kv: tensor<?x?x2x2x4xf32>, %a: tensor<2x3xf32>, %t: tensor<?xf32>, %w: index"
                                    + sink * ", %s: tensor<2x3xf32>" + ", %o: tensor<?x2x3x?x4xf32>",
                                    GROUPED.format(normalizer=normalizer, post=post, sink=sink * "sink %s[g, r] : tensor<2x3xf32>"), "tensor<?x2x3x?x4xf32>")
            for b, i, j, offset, window in [(2, 19, 70, 51, 66), (1, 1, 130, 129, 100), (2, 5, 5, -2, 3), (1, 4, 0, 0, 9)]:
                q, kv, a, table, sinks = normal(b, i, 2, 3, 4), normal(b, j, 2, 2, 4), np.abs(normal(2, 3)) * 0.1, normal(6), normal(2, 3)
                sinks[0, 1] = -np.inf
                out, expected = np.full((b, 2, 3, i, 4), np.nan, np.float32), np.zeros((b, 2, 3, i, 4))
                run(q, offset, kv, a, table, window, *([sinks] if sink else []), out)
                for e, g, r, t in np.ndindex(b, 2, 3, i):
                    at = t + offset
                    visible = np.array([n <= at and at - n < window for n in range(j)], bool)
                    expected[e, g, r, t] = row(q[e, t, g, r], kv[e, :, 0, g], kv[e, :, 1, g], visible, normalizer, 0.25,
                                               lambda s, n: s - (at - n) * a[g, r] + table[g * 3 + r], (lambda p, n: p + 0.01) if post else None,
                                               sinks[g, r] if sink else -np.inf)[0]
                check(f"grouped {normalizer} {bool(post)} {b} {i} {j}", out, expected, 2e-5)


def sources():
    """Two sources under one softmax: positions, lengths, offsets, and a mask of its own."""
    run = compile_attention("""%q: tensor<?x?x4xf32>, %p: tensor<?x?xi64>, %k: tensor<?x?x4xf32>, %v: tensor<?x?x6xf32>, %kp: tensor<?x?xi32>,
        %m: tensor<9x4xf32>, %w: tensor<9x6xf32>, %valid: index, %o: tensor<?x?x6xf32>""", """softmax scale(1.0)
        query %q[b, i, d] : tensor<?x?x4xf32> positions %p[b, i] : tensor<?x?xi64>
        source %k[b, j, d], %v[b, j, v] : tensor<?x?x4xf32>, tensor<?x?x6xf32> positions %kp[b, j] : tensor<?x?xi32>
        source %m[j, d], %w[j, v] : tensor<9x4xf32>, tensor<9x6xf32> valid %valid mask(%b, %h, %i, %j, %n) {
          %c = arith.constant 3 : index
          %r = arith.remsi %j, %c : index
          %one = arith.constant 1 : index
          %y = arith.cmpi eq, %r, %one : index
          attn.yield %y : i1
        }
        into %o[b, i, v] : tensor<?x?x6xf32>
        mask(%b, %h, %i, %j, %n) {
          %y = arith.cmpi sle, %j, %i : index
          attn.yield %y : i1
        }""", "tensor<?x?x6xf32>")
    for b, i, j, valid in [(2, 18, 67, 9), (1, 3, 1, 4), (2, 5, 0, 1), (1, 2, 3, -4)]:
        q, k, v, m, w = normal(b, i, 4), normal(b, j, 4), normal(b, j, 6), normal(9, 4), normal(9, 6)
        p, kp = random.integers(0, 50, (b, i)), random.integers(0, 50, (b, j)).astype(np.int32)
        out, expected = np.full((b, i, 6), np.nan, np.float32), np.zeros((b, i, 6))
        run(q, p, k, v, kp, m, w, valid, out)
        for e, t in np.ndindex(b, i):
            n = max(valid, 0)
            visible = np.concatenate([kp[e] <= p[e, t], np.arange(n) % 3 == 1])
            expected[e, t] = row(q[e, t], np.concatenate([k[e], m[:n]]), np.concatenate([v[e], w[:n]]), visible)[0]
        check(f"sources {b} {i} {j}", out, expected, 1e-5)


def ragged():
    """Sequences packed behind each other, queries and keys by different offsets."""
    run = compile_attention("%q: tensor<?x2x4xf32>, %qo: tensor<?xi32>, %k: tensor<?x2x4xf32>, %v: tensor<?x2x4xf32>, %ko: tensor<?xi64>, %o: tensor<?x2x4xf32>", """softmax scale(1.0)
        query %q[i, g, d] : tensor<?x2x4xf32> rows %qo : tensor<?xi32>
        source %k[j, g, d], %v[j, g, v] : tensor<?x2x4xf32>, tensor<?x2x4xf32> rows %ko : tensor<?xi64>
        into %o[i, g, v] : tensor<?x2x4xf32>
        mask(%b, %h, %i, %j, %n) {
          %y = arith.cmpi sle, %j, %i : index
          attn.yield %y : i1
        }""", "tensor<?x2x4xf32>")
    for lengths, keys in [([3, 0, 40, 1], [3, 5, 70, 0]), ([17], [17]), ([], []), ([0, 0], [4, 0])]:
        qo, ko = np.cumsum([0] + lengths).astype(np.int32), np.cumsum([0] + keys).astype(np.int64)
        q, k, v = normal(qo[-1], 2, 4), normal(ko[-1], 2, 4), normal(ko[-1], 2, 4)
        out, expected = np.full_like(q, np.nan), np.zeros(q.shape)
        run(q, qo, k, v, ko, out)
        for e in range(len(lengths)):
            for t, g in np.ndindex(lengths[e], 2):
                span = slice(ko[e], ko[e + 1])
                expected[qo[e] + t, g] = row(q[qo[e] + t, g], k[span, g], v[span, g], np.arange(keys[e]) <= t)[0]
        check(f"ragged {lengths}", out, expected, 1e-5)
    # Offsets that lie are cut to what is there: no access outside.
    q, k, v, out = normal(5, 2, 4), normal(5, 2, 4), normal(5, 2, 4), np.zeros((5, 2, 4), np.float32)
    if not INTERPRETED:
        run(q, np.array([-3, 900, 2], np.int32), k, v, np.array([4, -1, 77]), out)


def paged():
    """Keys and values in pages of a pool; a page number outside the pool has no keys."""
    run = compile_attention("%q: tensor<?x?x2x4xf32>, %k: tensor<?x2x?x4xf32>, %v: tensor<?x2x?x4xf32>, %n: tensor<?xi32>, %t: tensor<?x?xi32>, %o: tensor<?x?x2x4xf32>", """softmax scale(1.0)
        query %q[b, i, g, d] : tensor<?x?x2x4xf32>
        source %k[b, g, j, d], %v[b, g, j, v] : tensor<?x2x?x4xf32>, tensor<?x2x?x4xf32> valid %n[b] : tensor<?xi32> pages %t[b] : tensor<?x?xi32>
        into %o[b, i, g, v] : tensor<?x?x2x4xf32>
        mask(%b, %h, %i, %j, %n1) {
          %c = arith.constant 5 : index
          %r = arith.remsi %j, %c : index
          %y = arith.cmpi ne, %r, %i : index
          attn.yield %y : i1
        }""", "tensor<?x?x2x4xf32>")
    for b, i, pool, size, pages in [(3, 2, 11, 16, 5), (1, 1, 1, 1, 1), (2, 18, 3, 70, 2), (2, 1, 4, 3, 0)]:
        q, k, v = normal(b, i, 2, 4), normal(pool, 2, size, 4), normal(pool, 2, size, 4)
        table = random.integers(-1, pool + 1, (b, pages)).astype(np.int32)
        lengths = random.integers(0, pages * size + 1, b).astype(np.int32)
        out, expected = np.full_like(q, np.nan), np.zeros(q.shape)
        run(q, k, v, lengths, table, out)
        for e, t, g in np.ndindex(b, i, 2):
            at = [(table[e, n // size], n % size) for n in range(lengths[e])]
            there = [(p, s, n) for n, (p, s) in enumerate(at) if 0 <= p < pool]
            keys = np.array([k[p, g, s] for p, s, _ in there]).reshape(-1, 4)
            values = np.array([v[p, g, s] for p, s, _ in there]).reshape(-1, 4)
            expected[e, t, g] = row(q[e, t, g], keys, values, np.array([n % 5 != t for *_, n in there], bool))[0]
        check(f"paged {b} {i} {pool} {size}", out, expected, 1e-5)


def widths():
    """Values of dynamic and of large width, f64, and operands that lack a dimension."""
    run = compile_attention("%q: tensor<?x?xf64>, %k: tensor<?x?xf64>, %v: tensor<?x?xf64>, %o: tensor<?x?xf64>, %l: tensor<?xf64>", """softmax scale(1.0)
        query %q[i, d] : tensor<?x?xf64> source %k[j, d], %v[j, v] : tensor<?x?xf64>, tensor<?x?xf64>
        into %o[i, v] : tensor<?x?xf64> lse %l[i] : tensor<?xf64>""", "tensor<?x?xf64>", "tensor<?xf64>")
    for i, j, d, width in [(3, 70, 4, 1100), (17, 3, 1, 512), (2, 5, 0, 3), (2, 5, 3, 0)]:
        q, k, v = (normal(*s).astype(np.float64) for s in ((i, d), (j, d), (j, width)))
        out, lse = np.full((i, width), np.nan), np.full(i, np.nan)
        run(q, k, v, out, lse)
        want = [row(q[t], k, v, np.ones(j)) for t in range(i)]
        check(f"widths {d} {width}", out, [w[0] for w in want], 1e-13)
        check(f"widths lse {d} {width}", lse, [w[1] for w in want], 1e-13)
    run = compile_attention("%q: tensor<?xf32>, %k: tensor<?x4xf32>, %v: tensor<?xf32>, %o: tensor<4xf32>", """softmax scale(2.0)
        query %q[d] : tensor<?xf32> source %k[d, j], %v[j] : tensor<?x4xf32>, tensor<?xf32>
        into %o[g] : tensor<4xf32>""".replace("%k[d, j]", "%k[j, d]"), "tensor<4xf32>")
    q, k, v, out = normal(4), normal(9, 4), normal(9), np.zeros(4, np.float32)
    run(q, k, v, out)
    check("shared by all heads", out, [row(q, k, v[:, None], np.ones(9), scale=2.0)[0][0]] * 4)


def masks():
    """Blocks that are empty, full and partial, at sizes around the tiles; documents by a table; a mask of elements."""
    bodies = {
        "causal": ("%y = arith.cmpi sle, %j, %i : index", lambda i, j, x, m: j <= i),
        "window": ("""%c = arith.cmpi sle, %j, %i : index
          %d = arith.subi %i, %j : index
          %w = arith.constant 37 : index
          %near = arith.cmpi slt, %d, %w : index
          %y = arith.andi %c, %near : i1""", lambda i, j, x, m: j <= i and i - j < 37),
        "prefix": ("""%c = arith.cmpi sle, %j, %i : index
          %w = arith.constant 150 : index
          %p = arith.cmpi slt, %j, %w : index
          %y = arith.ori %c, %p : i1""", lambda i, j, x, m: j <= i or j < 150),
        "documents": ("%y = arith.cmpi eq, %xi, %xj : i32", lambda i, j, x, m: x[i] == x[j]),
        "table": ("""%a = tensor.extract %t[%i] : tensor<?xi32>
          %e = tensor.extract %t[%j] : tensor<?xi32>
          %y = arith.cmpi eq, %a, %e : i32""", lambda i, j, x, m: x[i] == x[j]),
        "elements": ("%y = arith.andi %m, %m : i1", lambda i, j, x, m: m[i, j]),
    }
    for name, (body, seen) in bodies.items():
        run = compile_attention("%q: tensor<?x2x24xf32>, %k: tensor<?x24xf32>, %v: tensor<?x40xf32>, %x: tensor<?xi32>, %m: tensor<?x?xi1>, %o: tensor<?x2x40xf32>", f"""softmax scale(0.2)
            query %q[i, r, d] : tensor<?x2x24xf32> source %k[j, d], %v[j, v] : tensor<?x24xf32>, tensor<?x40xf32>
            captures %x[i] : tensor<?xi32>, %x[j] : tensor<?xi32>, %x : tensor<?xi32>, %m[i, j] : tensor<?x?xi1> into %o[i, r, v] : tensor<?x2x40xf32>
            mask(%b, %h, %i, %j, %n, %xi, %xj, %t, %m) {{
              {body}
              attn.yield %y : i1
            }}""", "tensor<?x2x40xf32>")
        for size in (1, 130, 301):
            q, k, v = normal(size, 2, 24), normal(size, 24), normal(size, 40)
            x, m = np.sort(random.integers(0, 4, size)).astype(np.int32), random.random((size, size)) < 0.3
            out, expected = np.full((size, 2, 40), np.nan, np.float32), np.zeros((size, 2, 40))
            run(q, k, v, x, m, out)
            for t, r in np.ndindex(size, 2):
                visible = np.array([seen(t, j, x, m) for j in range(size)], bool)
                s = 0.2 * (k.astype(np.float64) @ q[t, r].astype(np.float64))
                w = np.where(visible, exp(s - np.max(s[visible], initial=-1e9)), 0)
                expected[t, r] = w @ v / w.sum() if visible.any() else 0
            check(f"mask {name} {size}", out, expected, 1e-5)


for test in (dense, large_scores, grouped, sources, ragged, paged, masks, widths):
    test()
    print(test.__name__, "ok")
