"""MLIR text, one function: SSA names, regions, locations, linalg.generic.

A Value is a name with its element type and shape; ops that need more than text (elementwise, reductions, attention,
loops) are in the modules beside this one, each a function that takes the Builder first."""
from __future__ import annotations

import contextlib
import dataclasses
from typing import Callable, Iterator, Sequence

from . import shapes
from .shapes import Size


@dataclasses.dataclass(frozen=True)
class Value:
    """An SSA value: a tensor, or without a shape a scalar."""
    name: str
    dtype: str
    shape: tuple[Size, ...] | None = None

    @property
    def type(self) -> str:
        return shapes.type_text(self.shape, self.dtype)

    @property
    def rank(self) -> int:
        return len(self.shape)


def names(values: Sequence[Value]) -> str:
    return ", ".join(v.name for v in values)


def types(values: Sequence[Value]) -> str:
    return ", ".join(v.type for v in values)


def typed(values: Sequence[Value]) -> str:
    """`%a, %b : t, u`, as ins(…) and yields have it."""
    return f"{names(values)} : {types(values)}"


def affine_map(rank: int, results: Sequence[str]) -> str:
    return f"affine_map<({', '.join(f'd{i}' for i in range(rank))}) -> ({', '.join(results)})>"


def identity(rank: int) -> list[str]:
    return [f"d{i}" for i in range(rank)]


class Builder:
    """Writes the body of one function; `entry` holds what is computed once in front of it: sizes and weights."""

    def __init__(self):
        self.entry: list[str] = []
        self.lines: list[str] = []
        self.transposed: dict[str, tuple[Value, tuple[int, ...]]] = {}  # what linalg.transpose made: of what, how
        self.reshaped: dict[str, Value] = {}  # what views made, of what
        self._count = 0
        self._locations: dict[tuple[str, int], int] = {}
        self._location = ""
        self._isolated: Callable[[Size], Value] | None = None
        self.sizes = shapes.Sizes(self.emit_at_entry, self.emit)

    # -- text

    def fresh(self, hint: str = "") -> str:
        self._count += 1
        return f"%{hint}{self._count}" if hint else f"%{self._count}"

    def line(self, text: str) -> None:
        self.lines.append(text + self._location)

    def emit(self, text: str) -> str:
        """An operation with one result; returns its name."""
        name = self.fresh()
        self.line(f"{name} = {text}")
        return name

    def emit_at_entry(self, text: str) -> str:
        name = self.fresh()
        self.entry.append(f"{name} = {text}")
        return name

    def scalar(self, text: str, dtype: str) -> Value:
        return Value(self.emit(text), dtype)

    def tensor(self, text: str, shape: Sequence[Size], dtype: str) -> Value:
        return Value(self.emit(text), dtype, tuple(shape))

    @contextlib.contextmanager
    def at(self, file: str | None, line: int = 0) -> Iterator[None]:
        """Operations inside are at this place of the user's source; without a line it is a name."""
        before = self._location
        if file:
            number = self._locations.setdefault((file, line), len(self._locations))
            self._location = f" loc(#at{number})"
        try:
            yield
        finally:
            self._location = before

    def location_aliases(self) -> list[str]:
        quote = lambda s: s.replace("\\", "\\\\").replace('"', '\\"')
        return [f'#at{n} = loc("{quote(file)}"' + (f":{line}:1)" if line else ")") for (file, line), n in self._locations.items()]

    # -- regions

    def nested(self, body: Callable[[], None]) -> list[str]:
        """The lines that `body` writes, indented."""
        outside, self.lines = self.lines, []
        try:
            body()
            return ["  " + text for text in self.lines]
        finally:
            self.lines = outside

    @contextlib.contextmanager
    def isolated(self, capture: Callable[[Size], Value]) -> Iterator[None]:
        """Inside, sizes are captures: attention's regions see nothing from outside."""
        before, self._isolated = self._isolated, capture
        try:
            yield
        finally:
            self._isolated = before

    def with_regions(self, head: str, regions: Sequence[tuple[str, list[str]]], tail: str) -> None:
        """head { region } word { region } tail; a region is the word in front of its brace, and lines."""
        self.lines.append(head + regions[0][0] + " {")
        for position, (_, lines) in enumerate(regions):
            self.lines.extend(lines)
            if position + 1 < len(regions):
                self.lines.append("}" + regions[position + 1][0] + " {")
        self.line("}" + tail)

    # -- sizes and tensors without contents

    def index(self, value: Size) -> Value:
        """A size as a value of type index."""
        if self._isolated and not isinstance(shapes.size(value), int):
            return self._isolated(value)
        if self._isolated:
            return self.scalar(f"arith.constant {value} : index", "index")
        return Value(self.sizes.name(value), "index")

    def size_list(self, sizes: Sequence[Size | Value]) -> str:
        """[%0, 4, %1]: sizes and offsets as slices take them."""
        def text(s):
            if isinstance(s, Value):
                return s.name
            s = shapes.size(s)
            return str(s) if isinstance(s, int) else self.index(s).name
        return "[" + ", ".join(map(text, sizes)) + "]"

    def empty(self, shape: Sequence[Size], dtype: str) -> Value:
        dynamic = ", ".join(self.index(s).name for s in shape if not isinstance(s, int))
        return self.tensor(f"tensor.empty({dynamic}) : {shapes.type_text(shape, dtype)}", shape, dtype)

    # -- linalg

    def generic(self, inputs: Sequence[Value], inits: Sequence[Value], maps: Sequence[Sequence[str]], rank: int,
                body: Callable[[list[Value], list[Value]], Sequence[Value]], reductions: Sequence[int] = ()) -> list[Value]:
        """linalg.generic over `rank` dimensions d0, d1, …; `maps` are those of the inputs, then of the inits. body(elements of
        the inputs, of the inits) gives the elements of the results."""
        elements = [Value(self.fresh(), v.dtype) for v in [*inputs, *inits]]

        def region():
            results = body(elements[:len(inputs)], elements[len(inputs):])
            self.line(f"linalg.yield {typed(results)}")
        lines = self.nested(region)
        iterators = ", ".join('"reduction"' if d in reductions else '"parallel"' for d in range(rank))
        head = (f"linalg.generic {{indexing_maps = [{', '.join(affine_map(rank, m) for m in maps)}], iterator_types = [{iterators}]}}"
                + (f" ins({typed(inputs)})" if inputs else "") + f" outs({typed(inits)}) {{")
        result = self.fresh()
        several = f":{len(inits)}" if len(inits) > 1 else ""
        self.lines.append(f"{result}{several} = {head}")
        self.lines.append("^bb0(" + ", ".join(f"{e.name}: {e.dtype}" for e in elements) + "):")
        self.lines.extend(lines)
        self.line("} -> " + (types(inits) if len(inits) == 1 else f"({types(inits)})"))
        return [Value(f"{result}#{i}" if several else result, v.dtype, v.shape) for i, v in enumerate(inits)]
