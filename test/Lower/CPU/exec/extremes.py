"""extremes.py FOLDER: the greatest and least of rows, with NaN, infinities, zeros of both signs, rows of 0, 1 and odd lengths, are those of
NumPy at both levels: maximumf and minimumf return NaN, maxnumf and minnumf ignore it."""
import pathlib
import subprocess
import sys

import numpy as np

folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
REDUCE = {"maximumf": np.maximum, "minimumf": np.minimum, "maxnumf": np.fmax, "minnumf": np.fmin}
KINDS = {"f16": np.float16, "f32": np.float32, "f64": np.float64}
ENTRY = """
func.func @{op}_{kind}(%x: tensor<?x?x{kind}> {{attnc.name = "x", attnc.dims = ["N", "M"]}}) -> (tensor<?x{kind}> {{attnc.name = "y", attnc.dims = ["N"]}}) {{
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x?x{kind}>
  %e = tensor.empty(%n) : tensor<?x{kind}>
  %start = arith.constant {start} : {kind}
  %f = linalg.fill ins(%start : {kind}) outs(%e : tensor<?x{kind}>) -> tensor<?x{kind}>
  %y = linalg.generic {{indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>], iterator_types = ["parallel", "reduction"]}}
      ins(%x : tensor<?x?x{kind}>) outs(%f : tensor<?x{kind}>) {{
  ^bb0(%v: {kind}, %m: {kind}):
    %r = arith.{op} %v, %m : {kind}
    linalg.yield %r : {kind}
  }} -> tensor<?x{kind}>
  return %y : tensor<?x{kind}>
}}
"""


def infinity(kind, op):
    bits = {"f16": 0x7C00, "f32": 0x7F800000, "f64": 0x7FF0000000000000}[kind]
    return f"{bits | (1 << int(kind[1:]) - 1 if op.startswith('max') else 0):#x}"


def rows(kind, length):
    rng = np.random.default_rng(length)
    x = (rng.normal(size=(12, length)) * 10.0 ** rng.integers(-4, 4, (12, length))).astype(kind)
    nan = np.array(np.nan, kind)
    for row, value in ((1, nan), (2, -nan), (3, np.inf), (4, -np.inf), (5, 0.0)):
        x[row, rng.integers(0, max(length, 1), 2) if length else []] = value
    x[6], x[7], x[8], x[9], x[10] = nan, -nan, -np.inf, np.inf, -np.abs(x[10])
    x[11] = np.where(np.arange(length) % 2, 0.0, -0.0)
    return x


model, package = folder / "extremes.mlir", folder / "extremes.attnpkg"
model.write_text("".join(ENTRY.format(op=op, kind=kind, start=infinity(kind, op)) for op in REDUCE for kind in KINDS))
subprocess.run(["attnc", "compile", model, "-o", package], check=True)
for level in ("avx2", "avx512"):
    for op, reduce in REDUCE.items():
        for kind, dtype in KINDS.items():
            for length in (0, 1, 2, 15, 33, 300):
                x = rows(dtype, length)
                np.save(folder / "x.npy", x)
                subprocess.run(["attnc-run", package, "--cpu-level", level, "--entry", f"{op}_{kind}", "--input", f"x=@{folder / 'x.npy'}",
                                "--output", f"y=@{folder / 'y.npy'}"], check=True)
                start = np.array(-np.inf if op.startswith("max") else np.inf, dtype)
                want, got = reduce.reduce(x, axis=1, initial=start), np.load(folder / "y.npy")
                assert np.array_equal(got, want, equal_nan=True), (level, op, kind, length, got, want)
                if op == "maximumf" and length > 1:
                    assert not np.signbit(got[11]), "the greatest of -0 and +0 is +0"
print("extremes: passed")
