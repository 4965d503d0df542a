"""rotary and ring_append against NumPy."""
import numpy as np

from kernels import INTERPRETED, FUNCTION, check, compile_kernel, from_bf16, function, to_bf16

random = np.random.default_rng(2)


def turned(x, angles, layout, factor=1.0):
    """x with its first 2·P elements turned by angles [..., P]."""
    x, pairs = np.array(x, np.float64), angles.shape[-1]
    first, second = (slice(0, 2 * pairs, 2), slice(1, 2 * pairs, 2)) if layout == "interleaved" else (slice(0, pairs), slice(pairs, 2 * pairs))
    a, b, c, s = x[..., first].copy(), x[..., second].copy(), np.cos(angles) * factor, np.sin(angles) * factor
    x[..., first], x[..., second] = a * c - b * s, b * c + a * s
    return x


def frequencies(width, base):
    return np.float64(base) ** (-2.0 * np.arange(width // 2) / max(width, 1))


def rotary_counted():
    for layout in ("interleaved", "half_split"):
        for type in ("tensor<?x?x3x8xf32>", "tensor<?x?x?x?xf32>", "tensor<?x?x2x320xf32>"):
            run = function(f"%x: {type}, %at: index", f"attn.rotary {layout} %x along [1] offset(%at) base(1.0e4) : {type}", type)
            for b, t, h, d in [(2, 5, 3, 8), (0, 4, 3, 8), (1, 0, 3, 8), (1, 1, 3, 8), (2, 3, 1, 2), (2, 3, 2, 130), (1, 2, 0, 6), (1, 2, 3, 0), (1, 2, 2, 320)]:
                if f"x{h}x{d}" not in type and "?x?x?x?" not in type:
                    continue
                for at in (0, 7, 1_000_000):
                    x, result = random.standard_normal((b, t, h, d), np.float32), np.full((b, t, h, d), np.nan, np.float32)
                    run(x, at, result)
                    angles = (at + np.arange(t))[None, :, None, None] * frequencies(d, 1e4)
                    check(f"rotary {layout} {type} {x.shape} at {at}", result, turned(x, angles, layout), 1e-6)


def rotary_given():
    for layout in ("interleaved", "half_split"):
        for index in ("i32", "i64", "index"):
            # Positions in the order of `along`, of which a part of the width is turned, with a factor.
            args = f"%x: tensor<?x?x2x12xf32>, %p: tensor<?x?x{index}>, %f: tensor<?xf32>"
            run = function(args, f"attn.rotary {layout} %x along [1, 0] positions(%p : tensor<?x?x{index}>) frequencies(%f : tensor<?xf32>) width(8) factor(1.25) : tensor<?x?x2x12xf32>", "tensor<?x?x2x12xf32>")
            for b, t in [(2, 5), (1, 1), (0, 3), (3, 0)]:
                x = random.standard_normal((b, t, 2, 12), np.float32)
                p = random.integers(-5, 1 << 20, (t, b)).astype(np.int32 if index == "i32" else np.int64)
                f, result = random.random(4).astype(np.float32), np.full((b, t, 2, 12), np.nan, np.float32)
                run(x, p, f, result)
                check(f"rotary {layout} {index} {b} {t}", result, turned(x, p.T[:, :, None, None] * f.astype(np.float64), layout, 1.25), 1e-6)


def rotary_types():
    for kind, store, load, tolerance in (("f64", np.float64, np.float64, 1e-14), ("bf16", to_bf16, from_bf16, 8e-3), ("f16", np.float16, np.float64, 1e-3)):
        type = f"tensor<?x16x{kind}>"
        run = function(f"%x: {type}", f"attn.rotary half_split %x along [0] base(5.0e5) : {type}", type)
        x = store(random.standard_normal((9, 16)))
        x[4, 3] = store(np.array([np.nan]))[0]
        result = np.zeros_like(x)
        run(x, result)
        check(f"rotary {kind}", load(result), turned(load(x), np.arange(9)[:, None] * frequencies(16, 5e5), "half_split"), tolerance)
        assert np.isnan(load(result)).sum() == 2, "a NaN stays within its pair"


def ring_definition(rows, ring, along, count, pinned, when=None):
    ring, capacity = np.moveaxis(ring, along, -1).copy(), ring.shape[along]
    for n in range(rows.shape[along]):
        t = count + n
        slot = t if t < pinned else pinned + (t - pinned) % (capacity - pinned)
        row = np.take(rows, n, along)
        ring[..., slot] = row if when is None else np.where(when.reshape(when.shape + (1,) * (row.ndim - when.ndim)), row, ring[..., slot])
    return np.moveaxis(ring, -1, along)


def ring():
    for rows, ringType, along, pinned, when in [("tensor<?x?x2x3xf32>", "tensor<?x8x2x3xf32>", 1, 0, ""), ("tensor<?x2x?x3xf32>", "tensor<?x2x8x3xf32>", 2, 3, "tensor<?xi1>"),
                                                ("tensor<?x2x1x3xf32>", "tensor<?x2x?x3xf32>", 2, 7, "tensor<?x2xi1>"), ("tensor<?xi32>", "tensor<8xi32>", 0, 1, ""),
                                                ("tensor<?x?xf32>", "tensor<?x8xf32>", 1, 0, "tensor<i1>")]:
        op = f"attn.ring_append %r into %x along {along} count(%n){f' pinned({pinned})' if pinned else ''}{f' when(%w : {when})' if when else ''} : {rows}, {ringType}"
        args = f"%r: {rows}, %n: index" + (f", %w: {when}" if when else "")
        run = function(args + f", %x: {ringType}", op, ringType)
        same = compile_kernel(FUNCTION.format(args=args + f", %d: {ringType}", op=op.replace("%x", "%d"), type=ringType))
        dtype = np.int32 if "i32" in rows else np.float32
        for b, n, count in [(2, 1, 0), (2, 1, 7), (2, 1, 8), (2, 3, 6), (1, 8, 0), (3, 21, 5), (2, 0, 3), (0, 2, 1), (1, 1, 1 << 40), (2, 5, 2)]:
            n = 1 if "x1x" in rows else n
            shape = [b, 8, 2, 3] if along == 1 else [b, 2, 8, 3] if along == 2 else [8]
            shape = shape[:rows.count("x") if "i32" not in rows else 1]
            held = (random.standard_normal(shape) * 100).astype(dtype)
            shape[along] = n
            new = (random.standard_normal(shape) * 100).astype(dtype)
            mask = (np.asarray(random.random((b, 2) if "x2" in when else (b,) if "?" in when else ()) < 0.5),) if when else ()
            expected = ring_definition(new, held, along, count, pinned, *mask)
            result, inPlace = np.zeros_like(held), held.copy()
            run(new, count, *mask, held, result)
            same(new, count, *mask, inPlace)
            check(f"ring {rows} {b} {n} at {count}", result, expected, 0)
            check(f"ring in place {rows} {b} {n} at {count}", inPlace, expected, 0)
    # A ring without a slot of its own is left alone.
    run = function("%r: tensor<?xf32>, %n: index, %x: tensor<?xf32>", "attn.ring_append %r into %x along 0 count(%n) pinned(4) : tensor<?xf32>, tensor<?xf32>", "tensor<?xf32>")
    for capacity in () if INTERPRETED else (0, 3, 4):
        held, result = random.standard_normal(capacity, np.float32), np.zeros(capacity, np.float32)
        run(np.ones(5, np.float32), 2, held, result)
        check(f"ring of {capacity} slots", result, held, 0)


rotary_counted()
rotary_given()
rotary_types()
ring()
print("positions: passed")
