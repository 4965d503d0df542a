"""sort, top_k, nonzero and random_bits against NumPy."""
import numpy as np

from kernels import check, compile_kernel, from_bf16, to_bf16

random = np.random.default_rng(4)
TEXT = """func.func private @kernel({args}, {destinations}) -> ({types}) attributes {{attnc.kernel, llvm.emit_c_interface}} {{
  %y:{count} = {op}
{writes}
  return {results} : {types}
}}"""


def several(args, op, types, **options):
    """An op with several results as a kernel: its arguments, then a destination for each result."""
    n = range(len(types))
    writes = [f"  %r{i} = bufferization.materialize_in_destination %y#{i} in %d{i} : ({types[i]}, {types[i]}) -> {types[i]}" for i in n]
    if len(types) == 1:
        writes = [write.replace("%y#0", "%y") for write in writes]
    text = TEXT.format(args=args, op=op, count=len(types), destinations=", ".join(f"%d{i}: {types[i]}" for i in n), types=", ".join(types),
                       writes="\n".join(writes), results=", ".join(f"%r{i}" for i in n))
    return compile_kernel(text.replace("%y:1", "%y"), **options)


def order_of(x, descending):
    """The stable order of the last dimension; NaN last in either direction."""
    order = np.argsort(-x if descending else x, axis=-1, kind="stable")  # NumPy puts NaN last, and -NaN is NaN
    return order


def rows(shape, kind):
    """Many equal elements, infinities, NaN."""
    x = random.integers(-3, 4, shape).astype(np.float64) if random.random() < 0.5 else random.standard_normal(shape)
    if kind == "f":
        for special in (np.nan, np.inf, -np.inf, -0.0):
            x = np.where(random.random(shape) < 0.1, special, x)
    return x


TYPES = {"f32": (np.float32, np.float64), "f64": (np.float64, np.float64), "f16": (np.float16, np.float64), "bf16": (to_bf16, from_bf16), "i32": (np.int32, np.int64),
         "i64": (np.int64, np.int64), "i8": (np.int8, np.int64), "index": (np.int64, np.int64)}
SHAPES = [(3, 7), (1, 1), (2, 0), (0, 4), (2, 2), (5, 3), (1, 100), (2, 1000), (4, 64), (3, 129)]


def sorts():
    for type, index, descending in [("f32", "i32", False), ("f32", "i64", True), ("f64", "index", True), ("f16", "i32", False), ("bf16", "i32", True), ("i32", "i32", False), ("i64", "i32", True), ("i8", "i64", False), ("index", "i32", False)]:
        store, load = TYPES[type]
        whole, places = f"tensor<?x?x{type}>", f"tensor<?x?x{index}>"
        run = several(f"%x: {whole}", f"attn.sort %x{' descending' if descending else ''} : {whole} -> {places}", [whole, places])
        for shape in SHAPES:
            x = store(rows(shape, type[0] if type[0] != "b" else "f"))
            values, indices = np.zeros_like(x), np.full(shape, -1, np.int32 if index == "i32" else np.int64)
            run(x, values, indices)
            order = order_of(np.asarray(load(x)).astype(np.float64), descending)
            check(f"sort {type} {shape} indices", indices, order, 0)
            check(f"sort {type} {shape} values", values, np.take_along_axis(x, order, -1), 0)
    # A vector of known size, and a tensor of three dimensions.
    for whole, shape in (("tensor<17xf32>", (17,)), ("tensor<?x2x9xf32>", (3, 2, 9))):
        places = whole.replace("f32", "i32")
        run = several(f"%x: {whole}", f"attn.sort %x : {whole} -> {places}", [whole, places])
        x = rows(shape, "f").astype(np.float32)
        values, indices = np.zeros_like(x), np.zeros(shape, np.int32)
        run(x, values, indices)
        check(f"sort {whole}", indices, order_of(x, False), 0)


def tops():
    for type, index in [("f32", "i32"), ("f64", "i64"), ("bf16", "index"), ("i32", "i32"), ("i64", "i64")]:
        store, load = TYPES[type]
        whole, places = f"tensor<?x?x{type}>", f"tensor<?x?x{index}>"
        run = several(f"%x: {whole}, %k: index", f"attn.top_k %x k(%k) : {whole} -> {whole}, {places}", [whole, places])
        for shape in SHAPES:
            for k in sorted({0, 1, 2, 5, shape[1] - 1, shape[1]}):
                if not 0 <= k <= shape[1]:
                    continue
                x = store(rows(shape, type[0] if type[0] != "b" else "f"))
                values, indices = np.zeros((shape[0], k), x.dtype), np.full((shape[0], k), -1, np.int32 if index == "i32" else np.int64)
                run(x, k, values, indices)
                order = order_of(np.asarray(load(x)).astype(np.float64), True)[:, :k]
                check(f"top {k} of {type} {shape} indices", indices, order, 0)
                check(f"top {k} of {type} {shape} values", values, np.take_along_axis(x, order, -1), 0)
    run = several("%x: tensor<32xf32>", "attn.top_k %x : tensor<32xf32> -> tensor<4xf32>, tensor<4xi32>", ["tensor<4xf32>", "tensor<4xi32>"])
    x = np.full(32, np.nan, np.float32)
    x[[3, 30]] = [1, 2]
    values, indices = np.zeros(4, np.float32), np.zeros(4, np.int32)
    run(x, values, indices)
    check("top of NaN", values, [2, 1, np.nan, np.nan], 0)
    check("top of NaN, indices", indices, [30, 3, 0, 1], 0)


def nonzeros():
    for mask, places, shapes in [("tensor<?x?xi1>", "tensor<?xi32>", [(3, 5), (1, 1), (0, 4), (2, 0), (7, 33)]), ("tensor<?xi1>", "tensor<?xindex>", [(9,), (0,), (1,)]), ("tensor<2x3xi1>", "tensor<6xi64>", [(2, 3)]), ("tensor<i1>", "tensor<1xi32>", [()])]:
        number = "tensor<" + places.rstrip(">").split("x", 1)[1] + ">"
        run = several(f"%x: {mask}", f"attn.nonzero %x : {mask} -> {places}, {number}", [places, number])
        for shape in shapes:
            for share in (0, 0.3, 1):
                x = random.random(shape) < share
                kind = np.int32 if "i32" in places else np.int64
                indices, count = np.full(int(np.prod(shape)), 7, kind), np.full((), 7, kind)
                run(np.asarray(x), indices, count)
                found = np.flatnonzero(x)
                check(f"nonzero {mask} {shape} count", count, np.array(len(found)), 0)
                check(f"nonzero {mask} {shape}", indices, np.concatenate([found, np.full(indices.size - len(found), -1)]), 0)


def philox(draw, step, row, stream, seed):
    """Philox4x32-10 on Python's integers."""
    x, k0, k1, word = [draw, step, row, stream], seed & 0xFFFFFFFF, seed >> 32, 0xFFFFFFFF
    for _ in range(10):
        a, b = x[0] * 0xD2511F53, x[2] * 0xCD9E8D57
        x = [(b >> 32) ^ x[1] ^ k0, b & word, (a >> 32) ^ x[3] ^ k1, a & word]
        k0, k1 = (k0 + 0x9E3779B9) & word, (k1 + 0xBB67AE85) & word
    return x


def known_answers():
    """The vectors of Random123's kat_vectors for philox4x32 with 10 rounds."""
    assert philox(0, 0, 0, 0, 0) == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]
    assert philox(*[0xFFFFFFFF] * 4, 0xFFFFFFFFFFFFFFFF) == [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]
    assert philox(0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344, 0xA4093822 | 0x299F31D0 << 32) == [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1]


def randoms():
    known_answers()
    one = "tensor<?x?xi32>"
    counted = several("%s: i64, %d: index, %t: index, %m: index, %n: index", f"attn.random_bits seed(%s) draw(%d) step(%t) stream(4294967295) sizes(%m, %n) : {one}, {one}, {one}, {one}", [one] * 4)
    given = several("%s: i64, %p: tensor<?x3xi64>, %m: index", "attn.random_bits seed(%s) rows(%p : tensor<?x3xi64>) sizes(%m) : tensor<?x3xi32>", ["tensor<?x3xi32>"])
    for m, n in [(2, 3), (1, 1), (0, 3), (3, 0), (5, 17)]:
        for seed, draw, step in [(0, 0, 0), (12345678901234567, 3, 70000), ((1 << 63) - 1, 1 << 33 | 5, 9)]:
            words = [np.zeros((m, n), np.int32) for _ in range(4)]
            counted(np.int64(seed), draw, step, m, n, *words)
            expected = np.array([philox(draw & 0xFFFFFFFF, step, row, 0xFFFFFFFF, seed) for row in range(m * n)], np.uint32).reshape(m, n, 4).view(np.int32)
            for word in range(4):
                check(f"random {m} {n} word {word}", words[word], expected[..., word], 0)
        at = random.integers(0, 1 << 33, (m, 3))
        bits = np.zeros((m, 3), np.int32)
        given(np.int64(99), at, m, bits)
        check(f"random rows {m}", bits, np.array([philox(0, 0, int(row) & 0xFFFFFFFF, 0, 99)[0] for row in at.ravel()], np.uint32).reshape(m, 3).view(np.int32), 0)
    scalar = several("%s: i64", "attn.random_bits seed(%s) stream(7) : tensor<i32>", ["tensor<i32>"])
    bit = np.zeros((), np.int32)
    scalar(np.int64(5), bit)
    check("random scalar", bit, np.array([philox(0, 0, 0, 7, 5)[0]], np.uint32).view(np.int32)[0], 0)


sorts()
tops()
nonzeros()
randoms()
print("order: passed")
