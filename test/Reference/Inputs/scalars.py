"""Ops of arith and math against NumPy: on tensors, in the region of a linalg op, and one by one on scalars."""
import math

import numpy as np

from interpreter import check, run

random = np.random.default_rng(6)
N = 64


def each(f):
    return lambda *xs: np.array([f(*x) for x in zip(*(x.tolist() for x in xs))])


def maximum_number(a, b):
    return np.where(np.isnan(a), b, np.where(np.isnan(b), a, np.maximum(a, b)))


def round_half_away(x):
    return np.copysign(np.floor(np.abs(x) + 0.5), x)


FLOAT = {  # op: function of float arrays
    "arith.negf": np.negative, "math.exp": np.exp, "math.exp2": np.exp2, "math.expm1": np.expm1, "math.log": np.log, "math.log2": np.log2,
    "math.log10": np.log10, "math.log1p": np.log1p, "math.sqrt": np.sqrt, "math.rsqrt": lambda x: 1 / np.sqrt(x), "math.cbrt": np.cbrt,
    "math.erf": each(math.erf), "math.erfc": each(math.erfc), "math.sin": np.sin, "math.cos": np.cos, "math.tan": np.tan, "math.asin": np.arcsin,
    "math.acos": np.arccos, "math.atan": np.arctan, "math.sinh": np.sinh, "math.cosh": np.cosh, "math.tanh": np.tanh, "math.asinh": np.arcsinh,
    "math.acosh": np.arccosh, "math.atanh": np.arctanh, "math.absf": np.abs, "math.ceil": np.ceil, "math.floor": np.floor, "math.trunc": np.trunc,
    "math.round": round_half_away, "math.roundeven": np.rint,
    "arith.addf": np.add, "arith.subf": np.subtract, "arith.mulf": np.multiply, "arith.divf": np.divide, "arith.remf": np.fmod,
    "arith.maximumf": np.maximum, "arith.minimumf": np.minimum, "arith.maxnumf": maximum_number,
    "arith.minnumf": lambda a, b: -maximum_number(-a, -b), "math.powf": np.power, "math.atan2": np.arctan2, "math.copysign": np.copysign,
    "math.fma": lambda a, b, c: np.where(np.isfinite(a * b), np.asarray(a * np.longdouble(b) + c, float), a * b + c)}
TESTS = {"math.isfinite": np.isfinite, "math.isinf": np.isinf, "math.isnan": np.isnan}
ordered = lambda f: lambda a, b: f(a, b) & ~np.isnan(a) & ~np.isnan(b)
unordered = lambda f: lambda a, b: f(a, b) | np.isnan(a) | np.isnan(b)
ORDER = {"eq": np.equal, "gt": np.greater, "ge": np.greater_equal, "lt": np.less, "le": np.less_equal, "ne": np.not_equal}
CMPF = {**{"o" + k: ordered(f) for k, f in ORDER.items()}, **{"u" + k: unordered(f) for k, f in ORDER.items()},
        "ord": ordered(lambda a, b: a == a), "uno": unordered(lambda a, b: a != a)}


def floats(arity):
    """Ordinary numbers, and the ones that are not."""
    special = np.array([0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 2.5, np.inf, -np.inf, np.nan, 1e300, -1e-300])
    xs = random.standard_normal((arity, N)) * 3
    for n in range(arity):
        xs[n, :len(special)] = random.permutation(special)
    xs[:, 20:30] = np.abs(random.random((arity, 10)))        # where logarithms and inverse functions are defined
    return [xs[n] for n in range(arity)]


def forms(op, types, result):
    """The op's text on tensors, in a region, on scalars: {form: module}. types: of operands, e.g. f64."""
    names = [f"%x{n}" for n in range(len(types))]
    tensor = lambda t: f"tensor<{N}x{t}>"
    arguments = ", ".join(f"{n}: {tensor(t)}" for n, t in zip(names, types))
    apply = lambda operands, wrap: op.format(*operands, *(wrap(t) for t in types), wrap(result))
    whole = f"func.func @main({arguments}) -> {tensor(result)} {{\n  %y = {apply(names, tensor)}\n  return %y : {tensor(result)}\n}}"
    scalars = [f"%a{n}" for n in range(len(types))]
    same = "affine_map<(i) -> (i)>"
    region = f"""func.func @main({arguments}) -> {tensor(result)} {{
  %e = tensor.empty() : {tensor(result)}
  %y = linalg.generic {{indexing_maps = [{', '.join([same] * (len(types) + 1))}], iterator_types = ["parallel"]}}
      ins({', '.join(names)} : {', '.join(map(tensor, types))}) outs(%e : {tensor(result)}) {{
  ^bb0({', '.join(f'{a}: {t}' for a, t in zip(scalars, types))}, %o: {result}):
    %r = {apply(scalars, str)}
    linalg.yield %r : {result}
  }} -> {tensor(result)}
  return %y : {tensor(result)}
}}"""
    extracts = "\n".join(f"    {a} = tensor.extract {n}[%i] : {tensor(t)}" for a, n, t in zip(scalars, names, types))
    loop = f"""func.func @main({arguments}) -> {tensor(result)} {{
  %e = tensor.empty() : {tensor(result)}
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = arith.constant {N} : index
  %y = scf.for %i = %c0 to %n step %c1 iter_args(%t = %e) -> {tensor(result)} {{
{extracts}
    %r = {apply(scalars, str)}
    %u = tensor.insert %r into %t[%i] : {tensor(result)}
    scf.yield %u : {tensor(result)}
  }}
  return %y : {tensor(result)}
}}"""
    return {"tensors": whole, "region": region, "scalars": loop}


def test(name, op, types, result, inputs, expected):
    for form, module in forms(op, types, result).items():
        check(f"{name} {types} on {form}", run(module, *inputs)[0], expected, 1e-14, each=True)


def float_ops():
    old = np.seterr(all="ignore")
    for op, f in {**FLOAT, **TESTS}.items():
        arity = f.nin if isinstance(f, np.ufunc) else f.__code__.co_argcount or 1
        xs = floats(arity)
        operands = ", ".join(f"{{{n}}}" for n in range(arity))
        test(op, f"{op} {operands} : {{0}}".replace(": {0}", f": {{{arity}}}"), ["f64"] * arity, "i1" if op in TESTS else "f64", xs, f(*xs))
    for predicate, f in CMPF.items():
        xs = floats(2)
        xs[1][30:40] = xs[0][30:40]
        test(f"cmpf {predicate}", f"arith.cmpf {predicate}, {{0}}, {{1}} : {{2}}", ["f64"] * 2, "i1", xs, f(*xs))
    c, a, b = random.random(N) < 0.5, *floats(2)
    test("select", "arith.select {0}, {1}, {2} : {3}, {4}", ["i1", "f64", "f64"], "f64", [c, a, b], np.where(c, a, b))
    low, high = np.full(N, -1.0), random.random(N)
    x = random.standard_normal(N)
    test("clampf", "math.clampf {0} to [{1}, {2}] : {3}", ["f64"] * 3, "f64", [x, low, high], np.clip(x, low, high))
    np.seterr(**old)
    return len(FLOAT) + len(TESTS) + len(CMPF) + 2


def wrapped(f, dtype):
    """f on Python integers, brought back into dtype."""
    bits = dtype(0).itemsize * 8
    return lambda *xs: np.array([((int(f(*x)) + 2 ** (bits - 1)) % 2**bits) - 2 ** (bits - 1) for x in zip(*(x.tolist() for x in xs))], dtype)


def truncated(a, b):
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


def integer_ops():
    count = 0
    for kind, dtype in (("i8", np.int8), ("i32", np.int32), ("i64", np.int64), ("index", np.int64)):
        bits = dtype(0).itemsize * 8
        u = lambda x: x % 2**bits
        limits = np.iinfo(dtype)
        a, b = (random.integers(limits.min, limits.max, N, dtype, endpoint=True) for _ in range(2))
        a[:6], b[:6] = [limits.min, limits.max, 0, -1, 1, 7], [2, 3, 5, -7, limits.max, 7]
        small = random.integers(0, bits, N).astype(dtype)
        nonzero = np.where((b == 0) | (b == -1), 3, b).astype(dtype)
        plain = {"addi": lambda a, b: a + b, "subi": lambda a, b: a - b, "muli": lambda a, b: a * b, "andi": lambda a, b: a & b, "ori": lambda a, b: a | b,
                 "xori": lambda a, b: a ^ b, "maxsi": max, "minsi": min, "maxui": lambda a, b: max(u(a), u(b)), "minui": lambda a, b: min(u(a), u(b))}
        divisions = {"divsi": truncated, "remsi": lambda a, b: a - b * truncated(a, b), "floordivsi": lambda a, b: a // b, "ceildivsi": lambda a, b: -(-a // b),
                     "divui": lambda a, b: u(a) // u(b), "remui": lambda a, b: u(a) % u(b), "ceildivui": lambda a, b: -(-u(a) // u(b))}
        shifts = {"shli": lambda a, b: a << b, "shrsi": lambda a, b: a >> b, "shrui": lambda a, b: u(a) >> b}
        for ops, second in ((plain, b), (divisions, nonzero), (shifts, small)):
            for op, f in ops.items():
                test(op, f"arith.{op} {{0}}, {{1}} : {{2}}", [kind] * 2, kind, [a, second], wrapped(f, dtype)(a, second))
                count += 1
        b[10:20] = a[10:20]
        unsigned = lambda x: x.view(f"u{dtype(0).itemsize}")
        for predicate, f in {"eq": np.equal, "ne": np.not_equal, "slt": np.less, "sle": np.less_equal, "sgt": np.greater, "sge": np.greater_equal}.items():
            test(predicate, f"arith.cmpi {predicate}, {{0}}, {{1}} : {{2}}", [kind] * 2, "i1", [a, b], f(a, b))
            if predicate[0] == "s":
                test(predicate, f"arith.cmpi u{predicate[1:]}, {{0}}, {{1}} : {{2}}", [kind] * 2, "i1", [a, b], f(unsigned(a), unsigned(b)))
            count += 1
        if kind != "index":
            bit_ops = {"math.absi": abs, "math.ctpop": lambda x: bin(u(x)).count("1"), "math.ctlz": lambda x: bits - u(x).bit_length(),
                       "math.cttz": lambda x: (u(x) & -u(x)).bit_length() - 1 if x else bits}
            for op, f in bit_ops.items():
                test(op, f"{op} {{0}} : {{1}}", [kind], kind, [a], wrapped(f, dtype)(a))
                count += 1
    return count


def casts():
    a, b, x = random.integers(-100, 100, N).astype(np.int8), random.integers(-2**40, 2**40, N), random.standard_normal(N) * 100
    cases = [("extsi", "i8", "i32", a, a.astype(np.int32)), ("extui", "i8", "i32", a, a.view(np.uint8).astype(np.int32)), ("trunci", "i64", "i8", b, b.astype(np.int8)),
             ("index_cast", "index", "i32", b, b.astype(np.int32)), ("index_cast", "i8", "index", a, a.astype(np.int64)),
             ("index_castui", "i8", "index", a, a.view(np.uint8).astype(np.int64)), ("sitofp", "i64", "f64", b, b.astype(float)),
             ("uitofp", "i8", "f64", a, a.view(np.uint8).astype(float)), ("fptosi", "f64", "i32", x, x.astype(np.int32)), ("fptoui", "f64", "i32", np.abs(x), np.abs(x).astype(np.int32)),
             ("extf", "f32", "f64", x, x), ("truncf", "f64", "f32", x, x), ("bitcast", "f64", "i64", x, x.view(np.int64)), ("bitcast", "i64", "f64", x.view(np.int64), x)]
    for op, source, target, given, want in cases:
        test(op, f"arith.{op} {{0}} : {{1}} to {{2}}", [source], target, [given], want)
    return len(cases)


print("floats:", float_ops(), "ops equal to NumPy")
print("integers:", integer_ops(), "ops equal to NumPy")
print("casts:", casts(), "ops equal to NumPy")
