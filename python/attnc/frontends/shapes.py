"""Sizes as symbolic expressions: an int, or a sympy expression over named sizes of the inputs.

Each expression becomes one index value, computed once at the entry. A reshape becomes tensor.collapse_shape and
tensor.expand_shape, which cost nothing: no shape is computed at run time, and nothing is asserted."""
from __future__ import annotations

import math
from typing import Callable, Iterable, Sequence

import sympy

from .errors import Unsupported

Size = int | sympy.Expr


def size(value) -> Size:
    """An int where the expression is a number; quotients that are polynomials are those."""
    value = sympy.sympify(value)
    if any(f.func.__name__ in ("FloorDiv", "CleanDiv") for f in value.atoms(sympy.Function)):
        value = value.replace(lambda e: e.func.__name__ in ("FloorDiv", "CleanDiv"), lambda e: q if (q := divide(*e.args)) is not None else e)
    return int(value) if value.is_Integer else value


def canonical(value: Size) -> Size:
    """One form for equal sizes, as far as polynomials go."""
    return value if isinstance(value, int) else size(sympy.expand(value))


def same(a: Size, b: Size) -> bool:
    return a == b or canonical(a) == canonical(b)


def product(sizes: Iterable[Size]) -> Size:
    return canonical(size(sympy.prod(list(sizes))))


def is_static(sizes: Iterable[Size]) -> bool:
    return all(isinstance(s, int) for s in sizes)


def type_text(shape: Sequence[Size] | None, dtype: str) -> str:
    """tensor<?x4xf32>; without a shape the scalar's own type."""
    if shape is None:
        return dtype
    return "tensor<" + "".join(f"{s if isinstance(s, int) else '?'}x" for s in shape) + dtype + ">"


def name_of(value: Size) -> str:
    """A size's name in attnc.dims: one word, without commas."""
    return str(value).replace(" ", "").replace(",", ";")


def grouping(before: Sequence[Size], after: Sequence[Size]) -> list[tuple[list[int], list[int]]] | None:
    """Pairs of runs of dimensions that hold the same elements: ([2, 3] of before, [2] of after), …; None where sizes do not
    show it. A cut lies wherever both shapes have the same product of sizes in front of it."""
    def prefixes(shape):
        out, total = [], 1
        for s in shape:
            total = canonical(total * s)
            out.append(total)
        return out
    a, b = prefixes(before), prefixes(after)
    if not a or not b or a[-1] != b[-1]:
        return None
    groups, i, j = [], 0, 0
    while i < len(a):
        # The first product that both reach behind i and j; the last group takes what is left (ones).
        end = next(((p, b.index(x, j)) for p, x in enumerate(a[i:], i) if x in b[j:]), None)
        if end is None:
            groups[-1][0].extend(range(i, len(a)))
            break
        p, q = end
        groups.append((list(range(i, p + 1)), list(range(j, q + 1))))
        i, j = p + 1, q + 1
        if j == len(b):
            groups[-1][0].extend(range(i, len(a)))
            break
    groups[-1][1].extend(range(j, len(b)))
    return groups


def refinement(before: Sequence[Size], after: Sequence[Size]) -> list[Size] | None:
    """Sizes that both shapes of one product are joins of: [B, 32] and [4 B, 8] → [B, 4, 8]; None where there are none."""
    a, b, out = list(before), list(after), []
    while a and b:
        x, y = a.pop(), b.pop()
        if same(x, y):
            out.append(x)
        elif (quotient := divide(x, y)) is not None:
            out.append(y)
            a.append(quotient)
        elif (quotient := divide(y, x)) is not None:
            out.append(x)
            b.append(quotient)
        else:
            return None
    return (out + [1] * len(a or b))[::-1] if all(s == 1 for s in a + b) else None


def divide(x: Size, y: Size) -> Size | None:
    """x / y where that is a number or a polynomial."""
    if isinstance(x, int) and isinstance(y, int):
        return x // y if y and x % y == 0 else None
    quotient = sympy.cancel(sympy.sympify(x) / y)
    symbols = quotient.free_symbols
    whole = quotient.is_Integer or bool(symbols) and quotient.is_polynomial(*symbols) and all(c.is_Integer for c in sympy.Poly(quotient, *symbols).coeffs())
    return (int(quotient) if quotient.is_Integer else quotient) if whole else None


class Sizes:
    """The index values of size expressions in one function. `emit(text)` adds an operation at the entry and returns
    its name; what depends on values computed later (torch's unbacked symbols) is emitted where it is used, by `emit_here`."""

    BINARY = {"FloorDiv": "floordivsi", "CleanDiv": "divsi", "Mod": "remsi", "PythonMod": "remsi", "CeilDiv": "ceildivsi"}
    CHAINS = {"Add": "addi", "Mul": "muli", "Max": "maxsi", "Min": "minsi"}

    def __init__(self, emit: Callable[[str], str], emit_here: Callable[[str], str]):
        self._emit, self._emit_here = emit, emit_here
        self._known: dict[Size, str] = {}
        self._late: dict[sympy.Symbol, str] = {}
        self._blocks: set[sympy.Symbol] = set()

    def bind(self, symbol: sympy.Symbol, name: str) -> None:
        """Gives a symbol its value, at the entry."""
        self._known[symbol] = name

    def bind_here(self, symbol: sympy.Symbol, name: str) -> None:
        """Gives a symbol a value that is computed in the course of the function."""
        self._late[symbol] = name

    def bind_block(self, symbol: sympy.Symbol, name: str) -> None:
        """The same for the length of a block: tensors may have it."""
        self._late[symbol] = name
        self._blocks.add(symbol)

    def is_of_data(self, symbol: sympy.Symbol) -> bool:
        """Whether a symbol's value depends on data: no tensor can have that size."""
        return symbol not in self._blocks and (symbol in self._late or symbol.name.startswith("u"))

    def is_bound(self, symbol: sympy.Symbol) -> bool:
        return symbol in self._known

    def is_known_at_entry(self, value: Size) -> bool:
        return isinstance(value, int) or not (value.free_symbols & self._late.keys())

    def name(self, value: Size) -> str:
        """The SSA name of an index value."""
        value = size(value)
        if value in self._known:
            return self._known[value]
        if isinstance(value, sympy.Symbol) and value in self._late:
            return self._late[value]
        early = self.is_known_at_entry(value)
        name = (self._emit if early else self._emit_here)(self._text(value))
        if early:
            self._known[value] = name
        return name

    def _text(self, value: Size) -> str:
        if isinstance(value, int):
            return f"arith.constant {value} : index"
        kind = value.func.__name__
        if kind == "Pow" and value.args[1].is_Integer and value.args[1] > 0:
            kind, args = "Mul", [value.args[0]] * int(value.args[1])
        else:
            args = list(value.args)
        if kind in self.BINARY:
            return f"arith.{self.BINARY[kind]} {self.name(args[0])}, {self.name(args[1])} : index"
        if kind not in self.CHAINS:
            raise Unsupported(f"the size {value} is not a formula of sizes of the inputs (sums, products, quotients, minima, maxima)")
        if kind == "Mul" and args[0].is_Rational and not args[0].is_Integer:  # s/2: exact, or torch would not have it
            whole = sympy.Mul(args[0].p, *args[1:])
            return f"arith.divsi {self.name(whole)}, {self.name(args[0].q)} : index"
        first, rest = args[0], size(value.func(*args[1:])) if value.func.__name__ == kind else sympy.Mul(*args[1:], evaluate=True)
        return f"arith.{self.CHAINS[kind]} {self.name(first)}, {self.name(rest)} : index"


def constant_product(sizes: Sequence[Size]) -> int | None:
    """The number of elements where all sizes are static."""
    return math.prod(sizes) if is_static(sizes) else None
