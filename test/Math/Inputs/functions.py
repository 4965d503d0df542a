"""Compiles every function of attnc-expand-math into a package, calls its code and measures the errors in ULP.

The greatest error over every exponent, both signs and the ranges where functions change is printed, and must not be
above the bound that stands in FUNCTIONS. Expected values come from NumPy in f64 for f32 and in extended precision for f64.
"""
import ctypes
import math
import os
import subprocess
import sys
import tempfile
import zipfile

import numpy as np

erf, erfc = np.vectorize(math.erf, [np.float64]), np.vectorize(math.erfc, [np.float64])
# Operation: its exact values, the greatest error in f32 and in f64, and what beyond every exponent is looked at.
FUNCTIONS = {
    "exp": (np.exp, 1.1, 1.1, [(-110, 100), (-760, 720)]),
    "exp2": (np.exp2, 1.1, 1.1, [(-155, 130), (-1080, 1030)]),
    "expm1": (np.expm1, 1.6, 1.8, [(-2, 2), (-50, 100), (-50, 720)]),
    "tanh": (np.tanh, 1.5, 1.5, [(-1, 1), (-10, 10), (-25, 25)]),
    "log": (np.log, 1, 1.3, [(0.4, 2.5), (0, 100)]),
    "log2": (np.log2, 2, 2, [(0.4, 2.5), (0, 100)]),
    "log10": (np.log10, 2, 2, [(0.4, 2.5), (0, 100)]),
    "log1p": (np.log1p, 1.5, 1.5, [(-1, 2), (-0.01, 0.01), (0, 100)]),
    "erf": (erf, 1.5, 2.5, [(-1, 1), (-4.2, 4.2), (-7, 7)]),
    "erfc": (erfc, 1, 4, [(-1, 1), (-7, 11), (0, 28)]),
    "sin": (np.sin, 1.5, 1.5, [(-7, 7), (-1e3, 1e3), (-1e5, 1e5)]),
    "cos": (np.cos, 1.5, 1.5, [(-7, 7), (-1e3, 1e3), (-1e5, 1e5)]),
}
LARGEST_ANGLE = 2.0 ** 46  # beyond, angles are NaN
DTYPES = {"f32": np.float32, "f64": np.float64, "f16": np.float16}


class Control(ctypes.Structure):
    _fields_ = [("size", ctypes.c_int32), ("stop", ctypes.c_int32), ("cancel", ctypes.c_void_p), ("steps_left", ctypes.c_int64)]


def compile_code(text, level):
    """The shared object of a package compiled from a module."""
    with tempfile.TemporaryDirectory() as folder:
        source, package = os.path.join(folder, "m.mlir"), os.path.join(folder, "m.attnpkg")
        with open(source, "w") as file:
            file.write(text)
        subprocess.run(["attnc", "compile", source, "--weights=external", f"--target=cpu:{level}", "-o", package], check=True)
        with zipfile.ZipFile(package) as archive:
            return ctypes.CDLL(archive.extract(f"code/{level}.so", folder))


def entry(name, body, types, result):
    """A function @name on vectors of one named length."""
    inputs = ", ".join(f'%{chr(97 + i)}: tensor<?x{t}> {{attnc.name = "{chr(97 + i)}", attnc.dims = ["N"]}}' for i, t in enumerate(types))
    return f'func.func @{name}({inputs}) -> (tensor<?x{result}> {{attnc.name = "y", attnc.dims = ["N"]}}) {{\n  %y = {body}\n  return %y : tensor<?x{result}>\n}}\n'


def call(code, name, arrays, dtype):
    result = np.full(arrays[0].shape, np.nan, dtype)
    dims = (ctypes.c_int64 * 1)(result.size)
    size = getattr(code, f"attnc_{name}_size")
    size.restype = ctypes.c_int64
    arena = np.zeros(size(dims) + 64, np.uint8)
    buffers = (ctypes.c_void_p * (len(arrays) + 1))(*(a.ctypes.data for a in (*arrays, result)))
    control = Control(ctypes.sizeof(Control), 0, None, 1 << 40)
    start = ctypes.c_void_p((arena.ctypes.data + 63) // 64 * 64)
    assert getattr(code, f"attnc_{name}")(buffers, dims, start, ctypes.byref(control)) == 0
    return result


def grid(dtype, ranges):
    """Every exponent with some mantissas, special values, and evenly spread values of ranges."""
    random = np.random.default_rng(7)
    info, bits = np.finfo(dtype), np.dtype(dtype).itemsize * 8
    integer = np.dtype(f"u{bits // 8}")
    exponents = np.arange(2 ** (bits - 1 - info.nmant), dtype=integer) << integer.type(info.nmant)
    mantissas = np.concatenate([[0, 1, 2 ** info.nmant - 1], random.integers(0, 2 ** info.nmant, 60 if bits == 32 else 12)]).astype(integer)
    magnitudes = (exponents[:, None] | mantissas).reshape(-1).view(dtype)
    spread = np.concatenate([random.uniform(low, high, 60000) for low, high in ranges]).astype(dtype)
    near = np.array([1, 0.5, 2, 0.92, math.sqrt(0.5), math.pi / 4, math.pi / 2, math.pi, 10, 100, 1000], dtype)
    near = np.concatenate([near, np.nextafter(near, dtype(0)), np.nextafter(near, dtype(9e9))])
    return np.concatenate([magnitudes, -magnitudes, near, -near, spread])


def measure(found, exact, dtype):
    """The greatest error in ULP and where; infinite where NaN, infinities or the sign of zeros differ."""
    info = np.finfo(dtype)
    with np.errstate(all="ignore"):
        rounded = exact.astype(dtype)
        _, exponent = np.frexp(np.where(np.isfinite(exact), exact, 1))
        ulp = np.ldexp(exact.dtype.type(1), np.maximum(exponent - 1, info.minexp) - info.nmant)
        # Infinity stands for the next power of two: near overflow rounding may go either way.
        as_number = lambda v: np.where(np.isinf(v), np.copysign(np.ldexp(exact.dtype.type(1), info.maxexp), v), v.astype(exact.dtype))
        error = np.where(found == rounded, np.abs(as_number(found) - as_number(np.where(np.isinf(rounded), rounded, exact))), np.abs(as_number(found) - as_number(exact))) / ulp
    same = (found == rounded) & (np.signbit(found) == np.signbit(rounded)) | np.isnan(found) & np.isnan(rounded)
    special = ~np.isfinite(exact) | (exact == 0) | np.isnan(found)
    error = np.where(special, np.where(same, 0, np.inf), error)
    at = int(np.argmax(error))
    return float(error[at]), at


def check(name, bound, found, exact, dtype, arguments):
    worst, at = measure(found, exact, dtype)
    where = ", ".join(float(a[at]).hex() for a in arguments)
    print(f"{name:12} {worst:6.3f} ULP of at most {bound}, at {where}: {found[at]!r}, exactly {exact[at]!r}")
    return worst <= bound


def check_functions(code):
    good = True
    for name, (exact, *bounds, ranges) in FUNCTIONS.items():
        for kind, bound, wide in (("f32", bounds[0], np.float64), ("f64", bounds[1], np.longdouble)):
            x = grid(DTYPES[kind], ranges)
            with np.errstate(all="ignore"):
                expected = np.asarray(exact(x.astype(wide)), wide)
            if name in ("sin", "cos"):
                expected = np.where(np.abs(x) <= LARGEST_ANGLE, expected, np.nan)
            good &= check(f"{name} {kind}", bound, call(code, f"{name}_{kind}", [x], x.dtype), expected, x.dtype.type, [x])
    return good


def main():
    level = sys.argv[1]
    module = "".join(entry(f"{name}_{kind}", f"math.{name} %a : tensor<?x{kind}>", [kind], kind) for name in FUNCTIONS for kind in ("f32", "f64"))
    code = compile_code(module, level)
    if not check_functions(code):
        sys.exit("an error is above its bound")
    print("functions: passed")


main()
