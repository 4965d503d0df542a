"""Scalar code: the bodies of elementwise operations and of score and mask regions alike.

ARITHMETIC maps a name to f(b, x, …): operands and result of one type. COMPARISONS give i1. Front ends say which operation
of theirs is which of these, and cast operands first."""
from __future__ import annotations

import math
import struct
from typing import Callable

from .builder import Builder, Value
from .errors import Unsupported

ARITHMETIC: dict[str, Callable[..., Value]] = {}
COMPARISONS: dict[str, Callable[[Builder, Value, Value], Value]] = {}


def is_float(dtype: str) -> bool:
    return dtype[0] in "fb"


def bits(dtype: str) -> int:
    return 64 if dtype == "index" else int(dtype.lstrip("bfi"))


def computed_in(dtype: str) -> str:
    """Half types are computed in f32 and rounded where they are stored."""
    return "f32" if dtype in ("f16", "bf16") else dtype


def constant(b: Builder, value, dtype: str) -> Value:
    return b.scalar(f"arith.constant {literal(value, dtype)}" + (f" : {dtype}" if dtype != "i1" else ""), dtype)


def literal(value, dtype: str) -> str:
    if dtype == "i1":
        return "true" if value else "false"
    return float_text(float(value), dtype) if is_float(dtype) else str(int(value))


def float_text(value: float, dtype: str) -> str:
    if math.isfinite(value) and abs(value) <= {"f16": 65504.0, "f32": 3.4028234663852886e38, "bf16": 3.3895313892515355e38}.get(dtype, math.inf):
        return f"{value:.17e}"
    value = value if math.isnan(value) else math.copysign(math.inf, value)
    if dtype == "f64":
        return f"0x{struct.unpack('>Q', struct.pack('>d', value))[0]:016X}"
    if dtype == "bf16":
        return f"0x{struct.unpack('>I', struct.pack('>f', value))[0] >> 16:04X}"
    code, unsigned, digits = {"f32": (">f", ">I", 8), "f16": (">e", ">H", 4)}[dtype]
    return f"0x{struct.unpack(unsigned, struct.pack(code, value))[0]:0{digits}X}"


def cast(b: Builder, x: Value, dtype: str) -> Value:
    """x as another type; to i1: whether it is not 0; floats to integers are cut off."""
    source = x.dtype
    if source == dtype:
        return x
    if "index" in (source, dtype):
        if is_float(source) or is_float(dtype) or "i1" in (source, dtype):
            return cast(b, cast(b, x, "i64"), dtype)
        return b.scalar(f"arith.index_cast {x.name} : {source} to {dtype}", dtype)
    if dtype == "i1":
        return COMPARISONS["ne"](b, x, constant(b, 0, source))
    if is_float(source) and is_float(dtype):
        if bits(source) == bits(dtype):
            return cast(b, cast(b, x, "f32"), dtype)
        op = "extf" if bits(dtype) > bits(source) else "truncf"
    elif is_float(dtype):
        op = "uitofp" if source == "i1" else "sitofp"
    elif is_float(source):
        op = "fptosi"
    else:
        op = "trunci" if bits(dtype) < bits(source) else "extui" if source == "i1" else "extsi"
    return b.scalar(f"arith.{op} {x.name} : {source} to {dtype}", dtype)


def binary(b: Builder, op: str, x: Value, y: Value) -> Value:
    return b.scalar(f"arith.{op} {x.name}, {y.name} : {x.dtype}", x.dtype)


def math_op(b: Builder, op: str, *xs: Value) -> Value:
    return b.scalar(f"math.{op} {', '.join(x.name for x in xs)} : {xs[0].dtype}", xs[0].dtype)


def select(b: Builder, condition: Value, x: Value, y: Value) -> Value:
    return b.scalar(f"arith.select {condition.name}, {x.name}, {y.name} : {x.dtype}", x.dtype)


def defines(*names: str):
    def add(f):
        ARITHMETIC.update(dict.fromkeys(names, f))
        return f
    return add


def _pair(float_op: str, int_op: str, bool_op: str = ""):
    def f(b: Builder, x: Value, y: Value) -> Value:
        op = float_op if is_float(x.dtype) else bool_op if bool_op and x.dtype == "i1" else int_op
        if not op:
            raise Unsupported(f"no {int_op or float_op} on {x.dtype}")
        return binary(b, op, x, y)
    return f


for _name, _ops in {"add": ("addf", "addi", "ori"), "sub": ("subf", "subi"), "mul": ("mulf", "muli", "andi"), "maximum": ("maximumf", "maxsi", "ori"),
                    "minimum": ("minimumf", "minsi", "andi"), "and": ("", "andi"), "or": ("", "ori"), "xor": ("", "xori"),
                    "shift_left": ("", "shli"), "shift_right": ("", "shrsi")}.items():
    ARITHMETIC[_name] = _pair(*_ops)

for _name, (_float, _int) in {"lt": ("olt", "slt"), "le": ("ole", "sle"), "gt": ("ogt", "sgt"), "ge": ("oge", "sge"),
                              "eq": ("oeq", "eq"), "ne": ("une", "ne")}.items():
    def _compare(b, x, y, f=_float, i=_int):
        i = i.replace("s", "u", 1) if x.dtype == "i1" and i not in ("eq", "ne") else i
        return b.scalar(f"arith.cmpf {f}, {x.name}, {y.name} : {x.dtype}" if is_float(x.dtype)
                        else f"arith.cmpi {i}, {x.name}, {y.name} : {x.dtype}", "i1")
    COMPARISONS[_name] = _compare

for _name in ("tanh", "cos", "sin", "tan", "exp", "exp2", "expm1", "sqrt", "rsqrt", "log", "log2", "log10", "log1p", "erf", "floor", "ceil", "sinh", "cosh",
              "asin", "acos", "atan", "asinh", "acosh", "atanh", "roundeven", "trunc"):
    def _unary(b, x, op=_name):
        return math_op(b, op, x) if is_float(x.dtype) else x  # rounding of integers
    ARITHMETIC[_name] = _unary
for _name, _op in {"atan2": "atan2", "pow": "powf"}.items():
    ARITHMETIC[_name] = lambda b, x, y, op=_op: math_op(b, op if is_float(x.dtype) else "ipowi", x, y)


@defines("div")
def div(b, x, y):
    return binary(b, "divf" if is_float(x.dtype) else "divsi", x, y)


@defines("floor_div")
def floor_div(b, x, y):
    return math_op(b, "floor", binary(b, "divf", x, y)) if is_float(x.dtype) else binary(b, "floordivsi", x, y)


@defines("trunc_div")
def trunc_div(b, x, y):
    return math_op(b, "trunc", binary(b, "divf", x, y)) if is_float(x.dtype) else binary(b, "divsi", x, y)


@defines("mod")
def mod(b, x, y):
    """The remainder with the sign of the divisor, as Python has it."""
    r = fmod(b, x, y)
    zero = constant(b, 0, x.dtype)
    differs = binary(b, "xori", COMPARISONS["lt"](b, r, zero), COMPARISONS["lt"](b, y, zero))
    wrong = binary(b, "andi", COMPARISONS["ne"](b, r, zero), differs)
    return select(b, wrong, ARITHMETIC["add"](b, r, y), r)


@defines("fmod")
def fmod(b, x, y):
    return binary(b, "remf" if is_float(x.dtype) else "remsi", x, y)


@defines("neg")
def neg(b, x):
    return b.scalar(f"arith.negf {x.name} : {x.dtype}", x.dtype) if is_float(x.dtype) else binary(b, "subi", constant(b, 0, x.dtype), x)


@defines("abs")
def abs_(b, x):
    return math_op(b, "absf" if is_float(x.dtype) else "absi", x)


@defines("not")
def not_(b, x):
    return binary(b, "xori", x, constant(b, 1 if x.dtype == "i1" else -1, x.dtype))


@defines("sign")
def sign(b, x):
    zero, one = constant(b, 0, x.dtype), constant(b, 1, x.dtype)
    less = select(b, COMPARISONS["lt"](b, x, zero), neg(b, one), x if is_float(x.dtype) else zero)  # NaN and -0 stay
    return select(b, COMPARISONS["gt"](b, x, zero), one, less)


@defines("square")
def square(b, x):
    return ARITHMETIC["mul"](b, x, x)


@defines("reciprocal")
def reciprocal(b, x):
    return div(b, constant(b, 1, x.dtype), x)


@defines("sigmoid")
def sigmoid(b, x):
    one = constant(b, 1, x.dtype)
    return div(b, one, binary(b, "addf", one, math_op(b, "exp", neg(b, x))))


@defines("silu")
def silu(b, x):
    return binary(b, "mulf", x, sigmoid(b, x))


@defines("relu")
def relu(b, x):
    return ARITHMETIC["maximum"](b, x, constant(b, 0, x.dtype))


@defines("softplus")
def softplus(b, x):
    """max(x, 0) + log1p(exp(-|x|))"""
    return binary(b, "addf", relu(b, x), math_op(b, "log1p", math_op(b, "exp", neg(b, abs_(b, x)))))


def elu(b, x, alpha=1.0, scale=1.0):
    negative = binary(b, "mulf", constant(b, alpha, x.dtype), math_op(b, "expm1", x))
    out = select(b, COMPARISONS["gt"](b, x, constant(b, 0, x.dtype)), x, negative)
    return out if scale == 1.0 else binary(b, "mulf", constant(b, scale, x.dtype), out)


def leaky_relu(b, x, slope=0.01):
    return select(b, COMPARISONS["gt"](b, x, constant(b, 0, x.dtype)), x, binary(b, "mulf", constant(b, slope, x.dtype), x))


def gelu(b, x, approximate="none"):
    """x Φ(x); "tanh": 0.5 x (1 + tanh(√(2/π) (x + 0.044715 x³)))"""
    c, mul, add = (lambda v: constant(b, v, x.dtype)), ARITHMETIC["mul"], ARITHMETIC["add"]
    if approximate == "tanh":
        inner = mul(b, c(math.sqrt(2 / math.pi)), add(b, x, mul(b, c(0.044715), mul(b, x, mul(b, x, x)))))
        gate = math_op(b, "tanh", inner)
    else:
        gate = math_op(b, "erf", mul(b, x, c(1 / math.sqrt(2))))
    return mul(b, mul(b, c(0.5), x), add(b, c(1), gate))


def clamp(b, x, low=None, high=None):
    for bound, name in ((low, "maximum"), (high, "minimum")):
        if bound is not None:
            x = ARITHMETIC[name](b, x, bound if isinstance(bound, Value) else constant(b, bound, x.dtype))
    return x


def hard_sigmoid(b, x):
    """clamp(x / 6 + 1/2, 0, 1)"""
    return clamp(b, binary(b, "addf", binary(b, "mulf", x, constant(b, 1 / 6, x.dtype)), constant(b, 0.5, x.dtype)), 0, 1)


def pow_constant(b, x, exponent):
    """x to a power that is known: products and roots where they are exact."""
    if exponent == 2:
        return square(b, x)
    if exponent == 3:
        return ARITHMETIC["mul"](b, x, square(b, x))
    if exponent == 1:
        return x
    if is_float(x.dtype) and exponent == 0.5:
        return math_op(b, "sqrt", x)
    if is_float(x.dtype) and exponent == -0.5:
        return math_op(b, "rsqrt", x)
    if is_float(x.dtype) and exponent == -1:
        return reciprocal(b, x)
    return ARITHMETIC["pow"](b, x, constant(b, exponent, x.dtype))


def is_nan(b, x):
    return COMPARISONS["ne"](b, x, x) if is_float(x.dtype) else constant(b, False, "i1")


def is_inf(b, x):
    return COMPARISONS["eq"](b, abs_(b, x), constant(b, math.inf, x.dtype)) if is_float(x.dtype) else constant(b, False, "i1")
