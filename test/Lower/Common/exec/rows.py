"""gather_rows, scatter_rows, layer_norm, rms_norm against NumPy."""
import numpy as np

from kernels import FUNCTION, check, compile_kernel, from_bf16, function, to_bf16

random = np.random.default_rng(1)


def gather():
    for index in ("i32", "i64", "index"):
        run = function(f"%t: tensor<?x?xf32>, %i: tensor<?x?x{index}>", f"attn.gather_rows %t[%i] : tensor<?x?xf32>, tensor<?x?x{index}> -> tensor<?x?x?xf32>", "tensor<?x?x?xf32>")
        for rows, width, b, t in [(5, 7, 2, 3), (1, 1, 1, 1), (0, 4, 2, 2), (3, 0, 2, 2), (3, 4, 0, 5), (11, 13, 3, 17)]:
            table = random.standard_normal((rows, width), np.float32)
            indices = random.integers(-2, rows + 2, (b, t)).astype(np.int32 if index == "i32" else np.int64)
            result = np.full((b, t, width), np.nan, np.float32)
            run(table, indices, result)
            expected = np.zeros_like(result)
            for at in np.ndindex(b, t):
                if 0 <= indices[at] < rows:
                    expected[at] = table[indices[at]]
            check(f"gather {index} {rows} {width} {b} {t}", result, expected, 0)
    run = function("%x: tensor<?x?x6xi64>, %i: tensor<?x8xi32>", "attn.gather_rows %x[%i] batch 1 : tensor<?x?x6xi64>, tensor<?x8xi32> -> tensor<?x8x6xi64>", "tensor<?x8x6xi64>")
    for b, t in [(3, 5), (0, 5), (2, 1)]:
        x, indices = random.integers(-9, 9, (b, t, 6)), random.integers(0, t, (b, 8)).astype(np.int32)
        result = np.full((b, 8, 6), 77)
        run(x, indices, result)
        check("gather batch", result, np.take_along_axis(x, indices[:, :, None].astype(np.int64), 1), 0)
    run = function("%x: tensor<?xf32>, %i: tensor<?xi32>", "attn.gather_rows %x[%i] : tensor<?xf32>, tensor<?xi32> -> tensor<?xf32>", "tensor<?xf32>")
    x, indices, result = random.standard_normal(9, np.float32), np.array([8, 0, 9, -1, 3], np.int32), np.zeros(5, np.float32)
    run(x, indices, result)
    check("gather elements", result, [x[8], x[0], 0, 0, x[3]], 0)


def scatter():
    for mode in ("set", "add"):
        op = f"attn.scatter_rows {mode} %r into %x[%i] batch 1 : tensor<?x?x?xf32>, tensor<?x?x?xf32>, tensor<?x?xi32>"
        run = function("%r: tensor<?x?x?xf32>, %x: tensor<?x?x?xf32>, %i: tensor<?x?xi32>", op, "tensor<?x?x?xf32>")
        same = compile_kernel(FUNCTION.format(args="%r: tensor<?x?x?xf32>, %i: tensor<?x?xi32>, %d: tensor<?x?x?xf32>", op=op.replace("%x", "%d"), type="tensor<?x?x?xf32>"))
        for b, n, t, width in [(2, 5, 3, 4), (1, 1, 1, 1), (2, 0, 3, 4), (2, 5, 0, 4), (0, 2, 3, 4), (3, 9, 9, 17)]:
            rows, x = random.standard_normal((b, n, width), np.float32), random.standard_normal((b, t, width), np.float32)
            indices = random.integers(-1, t + 1, (b, n)).astype(np.int32)
            expected, result, inPlace = x.copy(), np.full_like(x, np.nan), x.copy()
            for e in range(b):
                for k in range(n):
                    if 0 <= indices[e, k] < t:
                        expected[e, indices[e, k]] = rows[e, k] + (expected[e, indices[e, k]] if mode == "add" else 0)
            run(rows, x, indices, result)
            same(rows, indices, inPlace)
            check(f"scatter {mode} {b} {n} {t}", result, expected, 0)
            check(f"scatter {mode} in place", inPlace, expected, 0)


def norms():
    for kind, stored in (("f32", np.float32), ("f64", np.float64), ("bf16", np.uint16), ("f16", np.float16)):
        tolerance = {"f32": 2e-6, "f64": 1e-13, "bf16": 8e-3, "f16": 1e-3}[kind]
        store = to_bf16 if kind == "bf16" else lambda x: x.astype(stored)
        load = from_bf16 if kind == "bf16" else lambda x: x
        for shape, last in (("?x?x", 0), ("?x?x", 24), ("", 0)):
            type = f"tensor<{shape}{last or '?'}x{kind}>"
            vector = f"tensor<{last or '?'}x{kind}>"
            layer = function(f"%x: {type}, %g: {vector}, %b: {vector}", f"attn.layer_norm %x weight(%g : {vector}) bias(%b : {vector}) eps(1.0e-5) : {type}", type)
            plain = function(f"%x: {type}", f"attn.layer_norm %x eps(1.0e-5) : {type}", type)
            rms = function(f"%x: {type}, %g: {vector}", f"attn.rms_norm %x weight(%g : {vector}) eps(1.0e-6) : {type}", type)
            for b, t, d in [(2, 3, 24)] + ([] if last else [(1, 1, 1), (0, 3, 5), (3, 5, 131)]):
                size = (b, t, d) if shape else (d,)
                x = store(random.standard_normal(size) * 3 + 100 * (kind in ("f32", "f64")))
                g, bias = store(random.standard_normal(d)), store(random.standard_normal(d))
                xs, gs, bs = (load(a).astype(np.float64) for a in (x, g, bias))
                centred = xs - xs.mean(-1, keepdims=True) if d else xs
                normal = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
                for name, run, args, expected in [("layer", layer, (x, g, bias), normal * gs + bs), ("plain", plain, (x,), normal),
                                                  ("rms", rms, (x, g), xs / np.sqrt((xs**2).mean(-1, keepdims=True) + 1e-6) * gs)]:
                    result = np.zeros_like(x)
                    run(*args, result)
                    check(f"{name} {kind} {size}", load(result), expected, tolerance * (20 if kind in ("f32", "f64") else 1))


gather()
scatter()
norms()
print("rows: passed")
