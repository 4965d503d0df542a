"""Tensors whose contents are known while importing: constants, and sizes as expressions over those of the inputs.

Chains of Shape, Gather, Concat, Mul … are computed here, so that nothing of them is left in the module."""
from __future__ import annotations

import dataclasses
import math
from typing import Any, Callable

import numpy as np
import sympy

from . import scalar, shapes
from .errors import Unsupported
from .shapes import Size

LARGEST = 1024  # elements; what is larger is a weight, or computed when the model runs


@dataclasses.dataclass(frozen=True, eq=False)
class Known:
    """Elements are int, bool, float, or (in integer tensors) sympy expressions."""
    dtype: str
    array: np.ndarray

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    @property
    def rank(self) -> int:
        return self.array.ndim

    @property
    def elements(self) -> list:
        return list(self.array.ravel())

    @property
    def is_numbers(self) -> bool:
        return not any(isinstance(e, sympy.Basic) for e in self.array.ravel())

    @property
    def number(self):
        """The only element, if it is a number."""
        return self.array.item() if self.array.size == 1 and self.is_numbers else None


def known(dtype: str, contents: Any) -> Known:
    """From numbers and sizes, nested or not."""
    array = contents if isinstance(contents, np.ndarray) and contents.dtype == object else np.array(contents, dtype=object)
    return Known(dtype, array)


def from_numbers(dtype: str, array: np.ndarray) -> Known:
    return Known(dtype, array.astype(object))


def bounded(value: Size) -> Size:
    """A size, unless its formula grows beyond what sizes of models are."""
    if isinstance(value, int):
        return value
    powers = [p.exp for p in value.atoms(sympy.Pow)]
    if value.count_ops() > 100 or any(not p.is_Integer or abs(p) > 8 for p in powers) or any(abs(n.p) >= 2 ** 63 for n in value.atoms(sympy.Rational)):
        raise Unsupported("a size whose formula has more than a hundred operations")
    return value


class Undecided(Exception):
    """The contents are known only when the model runs."""


def element(dtype: str, value: Any) -> Any:
    """A result as an element of a type; Undecided where integers would wrap."""
    if dtype == "i1":
        if value in (True, False, sympy.true, sympy.false):
            return bool(value)
        raise Undecided
    if scalar.is_float(dtype):
        if isinstance(value, sympy.Basic):
            raise Undecided
        return float({"f32": np.float32, "f16": np.float16}.get(dtype, float)(value))
    value = bounded(shapes.canonical(value if isinstance(value, sympy.Basic) else int(value)))
    if isinstance(value, int) and not -(1 << (scalar.bits(dtype) - 1)) <= value < 1 << (scalar.bits(dtype) - 1):
        raise Undecided
    return value


def fold(f: Callable[..., Any], operands: list[Known], dtype: str) -> Known | None:
    """f on elements, broadcast; None where the result is known only when the model runs."""
    try:
        arrays = np.broadcast_arrays(*(o.array for o in operands), subok=False)
        if arrays[0].size > LARGEST or dtype == "bf16":
            return None
        out = np.empty(arrays[0].shape, object)
        for at in np.ndindex(out.shape):
            out[at] = element(dtype, f(*(a[at] for a in arrays)))
        return Known(dtype, out)
    except (Undecided, ValueError, ZeroDivisionError, OverflowError):  # ValueError: shapes that do not broadcast, which is told later
        return None


# -- on elements

def is_number(*values) -> bool:
    return not any(isinstance(v, sympy.Basic) for v in values)


def divide(x, y):
    """ONNX cuts off; sizes are never below 0."""
    if isinstance(x, float):
        return x / y
    if is_number(x, y):
        return abs(x) // abs(y) * (1 if (x < 0) == (y < 0) else -1)
    if not (sympy.sympify(x).is_nonnegative and sympy.sympify(y).is_positive):
        raise Undecided
    return shapes.size(sympy.Function("FloorDiv")(x, y))


def modulo(x, y):
    if is_number(x, y) and y:
        return math.fmod(x, y) if isinstance(x, float) else x % y
    if is_number(y) and y > 0 and x.is_nonnegative:
        return sympy.Mod(x, y)
    raise Undecided


def power(x, y):
    if not is_number(x, y) and not (isinstance(y, int) and 0 <= y <= 4):
        raise Undecided
    if abs(y) > 64:
        raise Undecided
    return x ** y


def compare(op: Callable[[Any, Any], Any]):
    return lambda x, y: op(x, y) if is_number(x, y) else op(sympy.sympify(x), sympy.sympify(y))


def equal(x, y):
    if is_number(x, y):
        return x == y
    difference = shapes.canonical(x - y)
    if isinstance(difference, int):
        return difference == 0
    if difference.is_positive or difference.is_negative:
        return False
    raise Undecided


def numbers_only(f):
    def run(*values):
        if not is_number(*values):
            raise Undecided
        return f(*values)
    return run


def choose(condition, x, y):
    return x if condition else y


def extreme(op: str):
    def run(*values):
        if is_number(*values):
            return max(values) if op == "max" else min(values)
        return (sympy.Max if op == "max" else sympy.Min)(*values)
    return run


# name: what it does to elements
FOLDS: dict[str, Callable[..., Any]] = {
    "Add": lambda x, y: x + y, "Sub": lambda x, y: x - y, "Mul": lambda x, y: x * y, "Div": divide, "Mod": modulo, "Pow": power, "Neg": lambda x: -x,
    "Max": extreme("max"), "Min": extreme("min"), "Sum": lambda *xs: sum(xs), "Equal": equal, "Less": compare(lambda x, y: x < y),
    "LessOrEqual": compare(lambda x, y: x <= y), "Greater": compare(lambda x, y: x > y), "GreaterOrEqual": compare(lambda x, y: x >= y),
    "And": lambda x, y: x and y, "Or": lambda x, y: x or y, "Xor": lambda x, y: x != y, "Not": lambda x: not x, "Where": choose,
    "Abs": numbers_only(abs), "Sqrt": numbers_only(math.sqrt), "Floor": numbers_only(math.floor), "Ceil": numbers_only(math.ceil),
    "Reciprocal": numbers_only(lambda x: 1 / x), "Exp": numbers_only(math.exp), "Log": numbers_only(math.log), "Sign": numbers_only(lambda x: (x > 0) - (x < 0)),
}


GIVE_TRUTHS = {"Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "And", "Or", "Xor", "Not"}


def folded(operation: str, operands: list[Known]) -> Known | None:
    """An operation on known operands; None where it has no place here, or where the result is known only when the model runs."""
    if operation not in FOLDS or not operands:
        return None
    return fold(FOLDS[operation], operands, "i1" if operation in GIVE_TRUTHS else operands[-1 if operation == "Where" else 0].dtype)


def cast(x: Known, dtype: str) -> Known | None:
    def f(e):
        if dtype == "i1":
            return equal(e, 0) is False
        if scalar.is_float(x.dtype) and not scalar.is_float(dtype):
            return math.trunc(e)
        return int(e) if isinstance(e, bool) else e
    return fold(f, [x], dtype)
