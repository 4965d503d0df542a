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


def from_libm(name):
    """A function of long double rounded to f64: libm's erfc of f64 is itself off by 3 ULP."""
    function = getattr(ctypes.CDLL("libm.so.6"), name)
    function.argtypes, function.restype = [ctypes.c_longdouble], ctypes.c_longdouble
    return np.vectorize(lambda x: function(float(x)), [np.float64])


def away(x):
    """Halves away from zero."""
    return np.copysign(np.floor(np.abs(x)) + (np.abs(x) % 1 >= 0.5), x)


# Operation: its exact values, the greatest error in f32 and in f64, and what beyond every exponent is looked at.
FUNCTIONS = {
    "exp": (np.exp, 1.1, 1.1, [(-110, 100), (-760, 720)]),
    "exp2": (np.exp2, 1.1, 1.1, [(-155, 130), (-1080, 1030)]),
    "expm1": (np.expm1, 1.6, 1.8, [(-2, 2), (-50, 100), (-50, 720)]),
    "sinh": (np.sinh, 0.6, 3, [(-2, 2), (-90, 90), (-712, 712)]),
    "cosh": (np.cosh, 0.6, 2, [(-2, 2), (-90, 90), (-712, 712)]),
    "tanh": (np.tanh, 1.5, 1.5, [(-1, 1), (-10, 10), (-25, 25)]),
    "log": (np.log, 1, 1.3, [(0.4, 2.5), (0, 100)]),
    "log2": (np.log2, 2, 2, [(0.4, 2.5), (0, 100)]),
    "log10": (np.log10, 2, 2, [(0.4, 2.5), (0, 100)]),
    "log1p": (np.log1p, 1.5, 1.5, [(-1, 2), (-0.01, 0.01), (0, 100)]),
    "asinh": (np.arcsinh, 0.6, 3, [(-2, 2), (-100, 100)]),
    "acosh": (np.arccosh, 0.6, 3, [(1, 1.1), (1, 2), (1, 100)]),
    "atanh": (np.arctanh, 0.6, 3, [(-1, 1), (-0.01, 0.01)]),
    "erf": (from_libm("erfl"), 1.2, 1.5, [(-1, 1), (-4.2, 4.2), (-7, 7)]),
    "erfc": (from_libm("erfcl"), 0.6, 4, [(-1, 1), (-7, 11), (0, 28)]),
    "sin": (np.sin, 1.5, 1.5, [(-7, 7), (-1e3, 1e3), (-1e5, 1e5)]),
    "cos": (np.cos, 1.5, 1.5, [(-7, 7), (-1e3, 1e3), (-1e5, 1e5)]),
    "tan": (np.tan, 0.6, 2.5, [(-7, 7), (-1e3, 1e3), (-1e5, 1e5)]),
    "asin": (np.arcsin, 0.6, 2.5, [(-1, 1), (0.45, 0.55), (0.99, 1)]),
    "acos": (np.arccos, 0.6, 2, [(-1, 1), (0.45, 0.55), (0.99, 1)]),
    "atan": (np.arctan, 0.6, 2, [(-1, 1), (-10, 10)]),
    "cbrt": (np.cbrt, 0.6, 1.1, [(-2, 2), (-1000, 1000)]),
    "sqrt": (np.sqrt, 0.5, 0.501, [(0, 10)]),
    "rsqrt": (lambda x: 1 / np.sqrt(x), 1.5, 1.5, [(0, 10)]),
    "round": (away, 0, 0, [(-5, 5), (-2.0 ** 24, 2.0 ** 24), (-2.0 ** 53, 2.0 ** 53)]),
    "roundeven": (np.rint, 0, 0, [(-5, 5)]),
    "floor": (np.floor, 0, 0, [(-5, 5)]),
    "ceil": (np.ceil, 0, 0, [(-5, 5)]),
    "trunc": (np.trunc, 0, 0, [(-5, 5)]),
}
LARGEST_ANGLE = 2.0 ** 46  # beyond, angles are NaN
CLASSES = {
    "isnan": np.isnan,
    "isinf": np.isinf,
    "isfinite": np.isfinite,
    "isnormal": lambda x: np.isfinite(x) & (np.abs(x) >= np.finfo(x.dtype).tiny),
}
HALVES = ["exp", "tanh", "erf", "log", "rsqrt", "round", "floor", "sinh", "acosh"]
DTYPES = {"f32": np.float32, "f64": np.float64, "f16": np.float16}
WIDER = {"f32": np.float64, "f64": np.longdouble, "f16": np.float64}


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
    result = np.full(arrays[0].shape, 77, dtype)
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


def to_bf16(x):
    """The bits of the nearest bfloat16, ties to even."""
    bits = np.ascontiguousarray(x, np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


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
        for kind, bound in zip(("f32", "f64"), bounds):
            x = grid(DTYPES[kind], ranges)
            with np.errstate(all="ignore"):
                expected = np.asarray(exact(x.astype(WIDER[kind])), WIDER[kind])
            if name in ("sin", "cos", "tan"):
                expected = np.where(np.abs(x) <= LARGEST_ANGLE, expected, np.nan)
            good &= check(f"{name} {kind}", bound, call(code, f"{name}_{kind}", [x], x.dtype), expected, x.dtype.type, [x])
    return good


def check_normal_exp(code):
    """exp fastmath<afn>: exp where that is between 2^-100 and 2^127, else 0 and something above 2^127."""
    x = grid(np.float32, [(-80, 88), (-1, 1), (-20, 0)])
    found = call(code, "exp_normal", [x], x.dtype)
    with np.errstate(all="ignore"):
        exact = np.exp(x.astype(np.float64))
    assert (found[x < -69.32] == 0).all() and (found[x > 88.4] > 2.0 ** 127).all() and np.isnan(found[np.isnan(x)]).all()
    inside = (x > -69.3) & (x < 88.3)
    return check("exp normal", 1.1, found[inside], exact[inside], np.float32, [x[inside]])


def pairs(dtype):
    """Operands of functions of two: special values with each other, every magnitude, and numbers of everyday size."""
    random = np.random.default_rng(8)
    info = np.finfo(dtype)
    special = np.array([0, info.smallest_subnormal, info.tiny, 0.3, 0.5, 1, 1.5, 2, 3, 4, 5, info.max, np.inf, 2.0 ** info.nmant + 1, 2.0 ** (info.nmant + 1)], dtype)
    special = np.concatenate([special, -special, [np.nan]]).astype(dtype)
    x, y = (a.reshape(-1) for a in np.meshgrid(special, special))
    magnitude = lambda n: np.exp2(random.uniform(info.minexp, info.maxexp, n)) * random.choice([-1, 1], n)
    x = np.concatenate([x, magnitude(50000), random.uniform(0, 4, 100000), 1 + random.uniform(-1e-3, 1e-3, 50000), np.abs(magnitude(50000))])
    near = random.uniform(-1, 1, 50000) * info.maxexp
    y = np.concatenate([y, magnitude(50000), random.uniform(-60, 60, 100000), near * 500, near / np.log2(np.abs(x[-50000:]))])
    return x.astype(dtype), y.astype(dtype)


def check_of_two(code):
    good = True
    for kind, bounds in (("f32", (0.6, 0.6, 0.6)), ("f64", (2.5, 1.5, 1.5))):
        dtype, wide = DTYPES[kind], WIDER[kind]
        x, y = pairs(dtype)
        n = np.clip(np.nan_to_num(y.astype(np.float64)), -2 ** 31, 2 ** 31 - 1).astype(np.int32)
        with np.errstate(all="ignore"):
            expected = [np.arctan2(x.astype(wide), y.astype(wide)), np.power(x.astype(wide), y.astype(wide)), np.power(x.astype(wide), n.astype(wide))]
        for name, bound, second, exact in zip(("atan2", "powf", "fpowi"), bounds, (y, y, n), expected):
            good &= check(f"{name} {kind}", bound, call(code, f"{name}_{kind}", [x, second], dtype), exact, dtype, [x, second])
        low, high = np.minimum(x[::-1], y[::-1]), np.maximum(x[::-1], y[::-1])
        good &= check(f"clampf {kind}", 0, call(code, f"clampf_{kind}", [x, low, high], dtype), np.minimum(np.maximum(x, low), high).astype(wide), dtype, [x, low, high])
        for name, exact in CLASSES.items():
            assert (call(code, f"{name}_{kind}", [x], np.bool_) == exact(x)).all(), (name, kind)
    return good


def check_integers(code):
    random = np.random.default_rng(9)
    for kind, dtype, width in (("i32", np.int32, 32), ("i64", np.int64, 64)):
        x, n = (a.reshape(-1) for a in np.meshgrid(np.arange(-9, 10), np.arange(-5, 70)))
        x, n = np.append(x, random.integers(-2 ** 31, 2 ** 31, 1000)), np.append(n, random.integers(0, 2 ** 31, 1000))
        wrapped = [pow(int(a), int(b), 2 ** width) if b >= 0 else (int(a) ** (int(b) % 2) if abs(a) == 1 else 0) for a, b in zip(x, n)]
        expected = np.array([(w + 2 ** (width - 1)) % 2 ** width - 2 ** (width - 1) for w in wrapped], dtype)
        found = call(code, f"ipowi_{kind}", [x.astype(dtype), n.astype(dtype)], dtype)
        assert (found == expected).all(), (kind, x[found != expected][0], n[found != expected][0])


def check_halves(code):
    """All numbers of 16 bits: the error is that of rounding."""
    every = np.arange(2 ** 16, dtype=np.uint16)
    good = True
    for name in HALVES:
        exact = FUNCTIONS[name][0]
        x = every.view(np.float16)
        with np.errstate(all="ignore"):
            good &= check(f"{name} f16", 0.51, call(code, f"{name}_f16", [x], x.dtype), exact(x.astype(np.float64)), np.float16, [x])
            # bf16 is the upper half of f32. A result is compared with its neighbours' middle, in f32.
            wide = (every.astype(np.uint32) << 16).view(np.float32).astype(np.float64)
            found = call(code, f"{name}_bf16", [every], np.uint16)
            expected = to_bf16(exact(wide).astype(np.float32))
            same = (found == expected) | (np.isnan(exact(wide)) & ((found & 0x7FFF) > 0x7F80))
            off = np.abs(found.astype(int) - expected.astype(int))[~same]
            # f32's error may turn a tie.
            assert off.max(initial=0) <= 1 and off.size <= 20, (name, off.size, wide[~same][:3])
    for name, exact in CLASSES.items():
        x = every.view(np.float16)
        assert (call(code, f"{name}_f16", [x], np.bool_) == exact(x)).all(), name
        wide = (every.astype(np.uint32) << 16).view(np.float32)
        assert (call(code, f"{name}_bf16", [every], np.bool_) == exact(wide)).all(), name
    return good


def check_conversions(code):
    """f64 to 16 bits is rounded once; arithmetic of bf16; remainders, which are exact."""
    with np.errstate(all="ignore"):
        x = np.concatenate([grid(np.float64, [(-1e5, 1e5), (-1e-4, 1e-4)]), 1 + np.arange(-99, 100) * 2.0 ** -12 + 2.0 ** -40, 1 + np.arange(-99, 100) * 2.0 ** -12 - 2.0 ** -40])
        found, expected = call(code, "narrow_f16", [x], np.float16), x.astype(np.float16)
        assert ((found == expected) | np.isnan(x)).all() and np.isnan(found[np.isnan(x)]).all(), "f64 to f16"

        x = x[np.abs(x) < 2.0 ** 127]
        found = call(code, "narrow_bf16", [x], np.uint16)
        around = (found & 0x7FFF)[:, None] + np.arange(-1, 2)  # magnitudes of the result and of its neighbours
        values = (np.maximum(around, 0).astype(np.uint32) << 16).view(np.float32).astype(np.float64)
        distance = np.abs(values - np.abs(x)[:, None])
        tie = (distance[:, 1] == distance[:, 0]) | (distance[:, 1] == distance[:, 2])
        nearest = (distance[:, 1] <= distance[:, 0]) & (distance[:, 1] <= distance[:, 2])
        assert (np.where(found & 0x7FFF == 0, np.abs(x) <= values[:, 2] / 2, nearest & (~tie | (found % 2 == 0)))).all(), "f64 to bf16"
        assert ((found >> 15) == np.signbit(x)).all(), "f64 to bf16: signs"

        bits = np.random.default_rng(10).integers(0, 2 ** 16, (2, 100000)).astype(np.uint16)
        a, b = ((v.astype(np.uint32) << 16).view(np.float32) for v in bits)
        found, quotient = call(code, "divide_bf16", [*bits], np.uint16), a / b
        assert ((found == to_bf16(quotient)) | np.isnan(quotient)).all(), "division of bf16"

        a, b = pairs(np.float32)
        return check("remf f32", 0, call(code, "remf_f32", [a, b], np.float32), np.fmod(a.astype(np.float64), b.astype(np.float64)), np.float32, [a, b])


def make_module():
    text = entry("exp_normal", "math.exp %a fastmath<afn> : tensor<?xf32>", ["f32"], "f32")
    text += entry("remf_f32", "arith.remf %a, %b : tensor<?xf32>", ["f32", "f32"], "f32")
    text += entry("divide_bf16", "arith.divf %a, %b : tensor<?xbf16>", ["bf16", "bf16"], "bf16")
    for kind in ("f16", "bf16"):
        text += entry(f"narrow_{kind}", f"arith.truncf %a : tensor<?xf64> to tensor<?x{kind}>", ["f64"], kind)
    for kind in ("f32", "f64"):
        for name in FUNCTIONS:
            text += entry(f"{name}_{kind}", f"math.{name} %a : tensor<?x{kind}>", [kind], kind)
        for name in ("atan2", "powf"):
            text += entry(f"{name}_{kind}", f"math.{name} %a, %b : tensor<?x{kind}>", [kind] * 2, kind)
        text += entry(f"fpowi_{kind}", f"math.fpowi %a, %b : tensor<?x{kind}>, tensor<?xi32>", [kind, "i32"], kind)
        text += entry(f"clampf_{kind}", f"math.clampf %a to [%b, %c] : tensor<?x{kind}>", [kind] * 3, kind)
    for kind in ("i32", "i64"):
        text += entry(f"ipowi_{kind}", f"math.ipowi %a, %b : tensor<?x{kind}>", [kind] * 2, kind)
    for kind in ("f16", "bf16"):
        for name in HALVES:
            text += entry(f"{name}_{kind}", f"math.{name} %a : tensor<?x{kind}>", [kind], kind)
    for kind in ("f16", "bf16", "f32", "f64"):
        for name in CLASSES:
            text += entry(f"{name}_{kind}", f"math.{name} %a : tensor<?x{kind}>", [kind], "i1")
    return text


def main():
    code = compile_code(make_module(), sys.argv[1])
    check_integers(code)
    if not all([check_functions(code), check_normal_exp(code), check_of_two(code), check_halves(code), check_conversions(code)]):
        sys.exit("an error is above its bound")
    print("functions: passed")


main()
