"""Contractions of kernels against NumPy, at every CPU level of this machine: layouts, tails of rows and columns, sizes 0 and 1, epilogues.

Each kernel has to become loops around vectors: no op of linalg may be left, no buffer may be allocated.
"""
import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "Common" / "exec"))
import kernels
from kernels import INTERPRETED, check, from_bf16, to_bf16

LOWER = ("builtin.module(func.func(attnc-merge-loops,attnc-lower-contractions),eliminate-empty-tensors,"
         "one-shot-bufferize{bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map},"
         "canonicalize,func.func(attnc-kernel-results),cse,canonicalize)")
VECTORS = "convert-vector-to-scf,expand-strided-metadata,lower-affine,convert-scf-to-cf"
TO_LLVM = kernels.TO_LLVM.replace("expand-strided-metadata,lower-affine,convert-scf-to-cf", VECTORS).replace("finalize-memref-to-llvm", "convert-vector-to-llvm,finalize-memref-to-llvm")
FLAGS = pathlib.Path("/proc/cpuinfo").read_text()
LEVELS = {"avx2": "x86-64-v3"} | ({"avx512": "x86-64-v4"} if "avx512vl" in FLAGS else {})
random = np.random.default_rng(5)


def normal(*shape):
    return random.standard_normal(shape, np.float32)


def compile_at(level, text):
    if INTERPRETED:
        return kernels.Interpreted(text)
    module = f'module attributes {{attnc.cpu_level = "{level}"}} {{\n{text}\n}}'
    lowered = kernels.run_tool("attnc-opt", f"--pass-pipeline={LOWER}", text=module)
    for word in ("linalg.", "memref.alloc", "memref.copy"):
        assert word not in lowered, f"{word} is left:\n{lowered}"
    return kernels.load(lowered, TO_LLVM, LEVELS[level])


def kernel(level, arguments, out, body):
    """A kernel over the arguments and the destination %d of type `out`; the body leaves %y."""
    return compile_at(level, f"func.func private @kernel({arguments}, %d: {out}) -> {out} attributes {{attnc.kernel, llvm.emit_c_interface}} {{\n"
                             f"%zero = arith.constant 0.0 : f32\n{body}\nreturn %y : {out}\n}}")


def contract(left, right, out, spec, start="%f", name="%y", l="%l", r="%r"):
    """Σ as einsum writes it: "mk,kn->mn"."""
    inputs, result = spec.split("->")
    order = list(dict.fromkeys(result + "".join(inputs.split(","))))
    maps = ["affine_map<(%s) -> (%s)>" % (",".join(order), ",".join(dims)) for dims in (*inputs.split(","), result)]
    kinds = ",".join('"parallel"' if d in result else '"reduction"' for d in order)
    element = lambda t: t.rstrip(">").split("x")[-1]
    a, b, c = element(left), element(right), element(out)
    lines = [f"{name} = linalg.generic {{indexing_maps = [{', '.join(maps)}], iterator_types = [{kinds}]}} ins({l}, {r} : {left}, {right}) outs({start} : {out}) {{",
             f"^bb0(%inl: {a}, %inr: {b}, %old: {c}):"]
    x, y = "%inl", "%inr"
    if a != c:
        lines.append(f"%pw = arith.extf %inl : {a} to {c}")
        x = "%pw"
    if b != c:
        lines.append(f"%qw = arith.extf %inr : {b} to {c}")
        y = "%qw"
    lines += [f"%xy = arith.mulf {x}, {y} : {c}", f"%sum = arith.addf %old, %xy : {c}", f"linalg.yield %sum : {c}", f"}} -> {out}"]
    return "\n".join(lines)


def fill(out, name="%f", into="%d", zero="%zero : f32"):
    return f"{name} = linalg.fill ins({zero}) outs({into} : {out}) -> {out}\n"


SIZES = [(1, 1, 1), (3, 5, 7), (8, 16, 32), (17, 33, 65), (0, 4, 4), (4, 0, 16), (4, 16, 0), (2, 70, 128), (31, 64, 48), (1, 300, 200), (300, 9, 40)]
LAYOUTS = ["mk,kn->mn", "mk,nk->mn", "km,kn->mn", "km,kn->nm", "mk,nk->nm"]


def plain(level):
    """Every layout of a product, all sizes dynamic; and the same shapes static."""
    t = "tensor<?x?xf32>"
    for spec in LAYOUTS:
        run = kernel(level, f"%l: {t}, %r: {t}", t, fill(t) + contract(t, t, t, spec))
        for m, n, k in SIZES:
            compare(run, spec, {"m": m, "n": n, "k": k}, f"{level} {spec} {m} {n} {k} dynamic")
    for m, n, k in [(1, 300, 70), (2, 48, 33), (7, 129, 20), (77, 40, 19), (5, 3, 2), (4, 1, 9), (3, 16, 0)]:
        for spec in LAYOUTS[:2] + LAYOUTS[3:]:
            size = {"m": m, "n": n, "k": k}
            l, r, o = ("tensor<%sxf32>" % "x".join(str(size[d]) for d in dims) for dims in spec.replace("->", ",").split(","))
            compare(kernel(level, f"%l: {l}, %r: {r}", o, fill(o) + contract(l, r, o, spec)), spec, size, f"{level} {spec} {m} {n} {k} static")


def compare(run, spec, size, name):
    inputs, result = spec.split("->")
    l, r = (normal(*(size[d] for d in dims)) for dims in inputs.split(","))
    out = np.full([size[d] for d in result], np.nan, np.float32)
    run(l, r, out)
    check(name, out, np.einsum(spec, l.astype(np.float64), r.astype(np.float64)), 1e-4)


def more_loops(level):
    """Batches, several loops of rows, columns and sums, vectors and matrices, on named ops too."""
    for spec in ["bmk,bkn->bmn", "bmk,bnk->bmn", "btk,kn->btn", "bthd,hdn->btn", "mk,khn->mhn", "bhmk,bgkn->bhgmn", "k,kn->n", "k,nk->n", "mk,k->m", "mbk,bkn->bmn"]:
        inputs, result = spec.split("->")
        l, r, o = ("tensor<%sxf32>" % "x".join("?" * len(dims)) for dims in (*inputs.split(","), result))
        run = kernel(level, f"%l: {l}, %r: {r}", o, fill(o) + contract(l, r, o, spec))
        for sizes in ((2, 3, 4, 5, 6, 7), (1, 1, 9, 17, 1, 2), (3, 0, 2, 1, 2, 2), (2, 2, 37, 20, 18, 3)):
            size = dict(zip(sorted(set(spec) - set("->,")), sizes))
            compare(run, spec, size, f"{level} {spec} {size}")
    t = "tensor<?x?x?xf32>"
    run = kernel(level, f"%l: {t}, %r: {t}", t, fill(t) + f"%y = linalg.batch_matmul ins(%l, %r : {t}, {t}) outs(%f : {t}) -> {t}")
    compare(run, "bmk,bkn->bmn", {"b": 3, "m": 9, "k": 11, "n": 21}, f"{level} batch_matmul")


def starts(level):
    """Sums that start from the destination, from a number, from a vector of columns or of rows."""
    t, v = "tensor<?x?xf32>", "tensor<?xf32>"
    l, r, c, rows = normal(13, 6), normal(6, 37), normal(37), normal(13)
    product = l.astype(np.float64) @ r
    out = before = normal(13, 37)
    out = before.copy()
    kernel(level, f"%l: {t}, %r: {t}", t, contract(t, t, t, "mk,kn->mn", start="%d"))(l, r, out)
    check(f"{level} updates", out, before + product, 1e-5)
    body = fill(t, zero="%two : f32") + contract(t, t, t, "mk,kn->mn")
    kernel(level, f"%l: {t}, %r: {t}", t, "%two = arith.constant 2.0 : f32\n" + body)(l, r, out)
    check(f"{level} from a number", out, 2 + product, 1e-5)
    for dim, vector in ((0, c), (1, rows)):
        body = f"%f = linalg.broadcast ins(%v : {v}) outs(%d : {t}) dimensions = [{dim}]\n" + contract(t, t, t, "mk,kn->mn")
        kernel(level, f"%l: {t}, %r: {t}, %v: {v}", t, body)(l, r, vector, out)
        check(f"{level} from a vector", out, product + (c if dim == 0 else rows[:, None]), 1e-5)


def panels(level):
    """The right operand from panels of 16 columns, of [k, n] and [n, k]."""
    t, p = "tensor<?x?xf32>", "tensor<?x?x16xf32>"
    for spec, dim, permutation in (("mk,kn->mn", 1, "[1, 0]"), ("mk,nk->mn", 0, "[0, 1]")):
        shape = "%k, %n" if dim == 1 else "%n, %k"
        body = f"%e = tensor.empty({shape}) : {t}\n%w = linalg.unpack %r outer_dims_perm = {permutation} inner_dims_pos = [{dim}] inner_tiles = [16] into %e : {p} -> {t}\n"
        head = "%c0 = arith.constant 0 : index\n%c1 = arith.constant 1 : index\n%k = tensor.dim %l, %c1 : TT\n%n = tensor.dim %d, %c1 : TT\n".replace("TT", t)
        run = kernel(level, f"%l: {t}, %r: {p}", t, head + body + fill(t) + contract(t, t, t, spec, r="%w"))
        for m, n, k in [(5, 40, 9), (16, 64, 33), (1, 1, 1), (3, 0, 5), (29, 17, 100), (2, 95, 3)]:
            l, right = normal(m, k), normal(k, n)
            packed = np.zeros((-(-n // 16), k, 16), np.float32)
            for j in range(n):
                packed[j // 16, :, j % 16] = right[:, j]
            out = np.full((m, n), np.nan, np.float32)
            run(l, packed, out)
            check(f"{level} panels {m} {n} {k}", out, l.astype(np.float64) @ right, 1e-4)


EPILOGUE = """%y = linalg.generic {indexing_maps = [affine_map<(m,n) -> (m,n)>, affine_map<(m,n) -> (n)>, affine_map<(m,n) -> (m,n)>, affine_map<(m,n) -> (m)>, affine_map<(m,n) -> (m,n)>],
  iterator_types = ["parallel", "parallel"]} ins(%p, %bias, %residual, %scale : MN, tensor<?xf32>, MN, tensor<?xf32>) outs(%d : MN) {
^bb0(%a: f32, %b: f32, %c: f32, %s: f32, %old: f32):
  %j = linalg.index 1 : index
  %i = arith.index_cast %j : index to i32
  %x = arith.sitofp %i : i32 to f32
  %t0 = arith.addf %a, %b : f32
  %t1 = arith.maximumf %t0, %zero : f32
  %t2 = arith.mulf %t1, %s : f32
  %t3 = arith.addf %t2, %c : f32
  %t4 = arith.addf %t3, %x : f32
  linalg.yield %t4 : f32
} -> MN"""


def epilogues(level):
    """Bias, activation, scale of rows, residual and an index in the registers; a transposing store; two products that meet."""
    t, v = "tensor<?x?xf32>", "tensor<?xf32>"
    empty = "%c0 = arith.constant 0 : index\n%c1 = arith.constant 1 : index\n%m = tensor.dim %l, %c0 : TT\n%n = tensor.dim %r, %c1 : TT\n%e = tensor.empty(%m, %n) : TT\n".replace("TT", t)
    run = kernel(level, f"%l: {t}, %r: {t}, %bias: {v}, %residual: {t}, %scale: {v}", t,
                 empty + fill(t, into="%e") + contract(t, t, t, "mk,kn->mn", name="%p") + "\n" + EPILOGUE.replace("MN", t))
    for m, n, k in SIZES:
        l, r, bias, residual, scale = normal(m, k), normal(k, n), normal(n), normal(m, n), normal(m)
        out = np.full((m, n), np.nan, np.float32)
        run(l, r, bias, residual, scale, out)
        check(f"{level} epilogue {m} {n} {k}", out, np.maximum(l.astype(np.float64) @ r + bias, 0) * scale[:, None] + residual + np.arange(n), 1e-4)
    gate = """%y = linalg.generic {indexing_maps = [affine_map<(m,n) -> (m,n)>, affine_map<(m,n) -> (m,n)>, affine_map<(m,n) -> (m,n)>], iterator_types = ["parallel", "parallel"]}
      ins(%p, %q : TT, TT) outs(%d : TT) {
    ^bb0(%a: f32, %b: f32, %old: f32):
      %t = arith.mulf %a, %b : f32
      linalg.yield %t : f32
    } -> TT""".replace("TT", t)
    body = empty + fill(t, into="%e") + contract(t, t, t, "mk,kn->mn", name="%p") + "\n" + contract(t, t, t, "mk,kn->mn", name="%q", r="%u") + "\n" + gate
    run = kernel(level, f"%l: {t}, %r: {t}, %u: {t}", t, body)
    for m, n, k in SIZES:
        l, r, u = normal(m, k), normal(k, n), normal(k, n)
        out = np.full((m, n), np.nan, np.float32)
        run(l, r, u, out)
        check(f"{level} gate {m} {n} {k}", out, (l.astype(np.float64) @ r) * (l.astype(np.float64) @ u), 1e-4)


def merged(level):
    """Rows of batch and time, columns of parts and heads, sums over heads and width, with a bias and a residual, from panels."""
    x, y, w = "tensor<?x?x4x8xf32>", "tensor<?x?x3x2x32xf32>", "tensor<3x2x32x4x8xf32>"
    body = (f"%e = tensor.empty() : {w}\n"
            f"%w = linalg.unpack %r outer_dims_perm = [0, 1, 2, 3, 4] inner_dims_pos = [2] inner_tiles = [16] into %e : tensor<3x2x2x4x8x16xf32> -> {w}\n"
            f"%f = linalg.broadcast ins(%bias : tensor<3x2x32xf32>) outs(%d : {y}) dimensions = [0, 1]\n" + contract(x, w, y, "bthk,ijnhk->btijn", name="%p", r="%w") +
            f"""
      %y = linalg.generic {{indexing_maps = [affine_map<(b,t,i,j,n) -> (b,t,i,j,n)>, affine_map<(b,t,i,j,n) -> (b,t)>, affine_map<(b,t,i,j,n) -> (b,t,i,j,n)>],
        iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel"]}} ins(%p, %scale : {y}, tensor<?x?xf32>) outs(%d : {y}) {{
      ^bb0(%a: f32, %s: f32, %old: f32):
        %t = arith.mulf %a, %s : f32
        linalg.yield %t : f32
      }} -> {y}""")
    run = kernel(level, f"%l: {x}, %r: tensor<3x2x2x4x8x16xf32>, %bias: tensor<3x2x32xf32>, %scale: tensor<?x?xf32>", y, body)
    panels, bias = normal(3, 2, 2, 4, 8, 16), normal(3, 2, 32)
    weights = panels.transpose(0, 1, 2, 5, 3, 4).reshape(3, 2, 32, 4, 8)
    for batch, time in ((1, 1), (5, 1), (3, 7), (0, 4), (4, 0), (2, 33)):
        rows, scale = normal(batch, time, 4, 8), normal(batch, time)
        out = np.full((batch, time, 3, 2, 32), np.nan, np.float32)
        run(rows, panels, bias, scale, out)
        expected = (np.einsum("bthk,ijnhk->btijn", rows.astype(np.float64), weights) + bias) * scale[:, :, None, None, None]
        check(f"{level} merged {batch} {time}", out, expected, 1e-5)


def merged_gate(level):
    """Two products of rows of batch and time that meet."""
    t, w = "tensor<?x?x?xf32>", "tensor<?x?xf32>"
    gate = ("%y = linalg.generic {indexing_maps = [affine_map<(b,t,n) -> (b,t,n)>, affine_map<(b,t,n) -> (b,t,n)>, affine_map<(b,t,n) -> (b,t,n)>], "
            f'iterator_types = ["parallel", "parallel", "parallel"]}} ins(%p, %q : {t}, {t}) outs(%d : {t}) {{\n'
            f"^bb0(%a: f32, %b: f32, %old: f32):\n%t = arith.mulf %a, %b : f32\nlinalg.yield %t : f32\n}} -> {t}")
    body = fill(t) + contract(t, w, t, "btk,kn->btn", name="%p") + "\n" + contract(t, w, t, "btk,kn->btn", name="%q", r="%u") + "\n" + gate
    run = kernel(level, f"%l: {t}, %r: {w}, %u: {w}", t, body)
    for batch, time in ((2, 7), (5, 1), (0, 3)):
        l, r, u = normal(batch, time, 20), normal(20, 37), normal(20, 37)
        out = np.full((batch, time, 37), np.nan, np.float32)
        run(l, r, u, out)
        check(f"{level} merged gate {batch} {time}", out, (l.astype(np.float64) @ r) * (l.astype(np.float64) @ u), 1e-4)


def types(level):
    """bf16 and f16 operands with sums in f32; all of f64."""
    b, f, t = "tensor<?x?xbf16>", "tensor<?x?xf16>", "tensor<?x?xf32>"
    for narrow, encode, decode in ((b, to_bf16, from_bf16), (f, lambda x: x.astype(np.float16), lambda x: x.astype(np.float32))):
        for spec in LAYOUTS[:2]:
            l, r = encode(normal(9, 21)), encode(normal(*((21, 37) if spec == LAYOUTS[0] else (37, 21))))
            expected = np.einsum(spec, decode(l).astype(np.float64), decode(r).astype(np.float64))
            out = np.full((9, 37), np.nan, np.float32)
            kernel(level, f"%l: {narrow}, %r: {narrow}", t, fill(t) + contract(narrow, narrow, t, spec))(l, r, out)
            check(f"{level} {narrow} {spec}", out, expected, 1e-5)
            out = encode(np.full((9, 37), np.nan, np.float32))
            zero = narrow[-5:-1].lstrip("x")
            body = f"%z = arith.constant 0.0 : {zero}\n" + fill(narrow, zero=f"%z : {zero}") + contract(narrow, narrow, narrow, spec)
            kernel(level, f"%l: {narrow}, %r: {narrow}", narrow, body)(l, r, out)
            check(f"{level} {narrow} {spec} stored", decode(out), expected, 2 ** -8)
    d = "tensor<?x?xf64>"
    l, r, out = normal(9, 21).astype(np.float64), normal(21, 37).astype(np.float64), np.full((9, 37), np.nan)
    kernel(level, f"%l: {d}, %r: {d}", d, "%z = arith.constant 0.0 : f64\n" + fill(d, zero="%z : f64") + contract(d, d, d, "mk,kn->mn"))(l, r, out)
    check(f"{level} f64", out, l @ r, 1e-13 if not INTERPRETED else 1e-6)


TESTS = [plain, more_loops, starts, epilogues, merged_gate, types] + [panels, merged] * (not INTERPRETED)  # the interpreter has no linalg.unpack
for level in LEVELS if not INTERPRETED else ["avx2"]:
    for test in TESTS if len(sys.argv) < 2 else [globals()[name] for name in sys.argv[1:]]:
        test(level)
        print(level, test.__name__, "equal")
