"""Weights of a model: ml_program globals by name, and what `attnc compile --weights` packs: a .safetensors file, or an index of the files in
which they lie, and one beside it of those that lie nowhere.

Tensors are duck-typed: torch's and NumPy's both have what is needed. They are written one by one, never all at once."""
from __future__ import annotations

import dataclasses
import json
import os
import struct
from typing import Any, Callable, Iterable

from . import shapes
from .builder import Builder, Value
from .places import Place

DTYPES = {"f64": ("F64", 8), "f32": ("F32", 4), "f16": ("F16", 2), "bf16": ("BF16", 2), "i64": ("I64", 8), "i32": ("I32", 4), "i16": ("I16", 2),
          "i8": ("I8", 1), "u8": ("U8", 1), "i1": ("BOOL", 1)}


@dataclasses.dataclass(frozen=True)
class Weight:
    """`data` gives the bytes when they are written; `place` says where they may lie already (a Place as `data`: where they do)."""
    dtype: str
    shape: tuple[int, ...]
    data: Callable[[], bytes]
    place: Callable[[], Place | None]

    @property
    def length(self) -> int:
        return DTYPES[self.dtype][1] * shapes.constant_product(self.shape)

    def find(self) -> Place | None:
        if isinstance(self.data, Place):
            return self.data
        place = self.place()
        return place if place is not None and place.holds(memoryview(self.data())) else None

    def described(self) -> dict[str, Any]:
        return {"dtype": DTYPES[self.dtype][0], "shape": list(self.shape)}


def nowhere() -> None:
    return None


class Weights:
    """What a model reads: each name once, under the name that the checkpoint has."""

    def __init__(self):
        self.tensors: dict[str, Weight] = {}
        self._loaded: dict[str, Value] = {}

    def load(self, b: Builder, name: str, dtype: str, shape: Iterable[int], data: Callable[[], bytes],
             place: Callable[[], Place | None] = nowhere) -> Value:
        """A weight as a value, loaded once at the entry."""
        if name not in self._loaded:
            shape = tuple(shape)
            self.tensors[name] = Weight(dtype, shape, data, place)
            text = f"ml_program.global_load_const @{quoted(name)} : {shapes.type_text(shape, dtype)}"
            self._loaded[name] = Value(b.emit_at_entry(text), dtype, shape)
        return self._loaded[name]

    def globals(self) -> list[str]:
        out = []
        for name, weight in self.tensors.items():
            t = shapes.type_text(weight.shape, weight.dtype)
            out.append(f"ml_program.global private @{quoted(name)}(#ml_program.extern : {t}) : {t}")
        return out

    def write(self, path: str | os.PathLike) -> None:
        for to, put in self.files(path):
            put(to)

    def files(self, path: str | os.PathLike) -> list[tuple[str, Callable[[str], None]]]:
        """The files to write for these weights, and how: one .safetensors, or an index (.json) and what lies in no file."""
        path = os.fspath(path)
        if not path.endswith(".json"):
            return [(path, lambda to: write_safetensors(self.tensors, to))]
        placed, rest = {}, {}
        for name, weight in self.tensors.items():
            place = weight.find()
            if place is None:
                rest[name] = weight
            else:
                placed[name] = weight.described() | {"file": os.path.abspath(place.path), "offset": place.offset}
        side = path.removesuffix(".json") + ".safetensors"
        header, offsets = layout(rest)
        for name, weight in rest.items():
            placed[name] = weight.described() | {"file": os.path.basename(side), "offset": len(header) + offsets[name]}

        def write_index(to: str) -> None:
            with open(to, "w", encoding="utf-8") as file:
                json.dump({"tensors": placed}, file)
        return [(path, write_index), *([(side, lambda to: write_safetensors(rest, to))] if rest else [])]


def layout(tensors: dict[str, Weight]) -> tuple[bytes, dict[str, int]]:
    """The beginning of a .safetensors file, and where each tensor's bytes lie behind it; larger element types first, so that all are aligned."""
    header: dict[str, Any] = {}
    offsets: dict[str, int] = {}
    offset = 0
    for name, weight in sorted(tensors.items(), key=lambda e: -DTYPES[e[1].dtype][1]):
        offsets[name] = offset
        header[name] = weight.described() | {"data_offsets": [offset, offset + weight.length]}
        offset += weight.length
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text, offsets


def write_safetensors(tensors: dict[str, Weight], path: str | os.PathLike) -> None:
    header, offsets = layout(tensors)
    with open(path, "wb") as file:
        file.write(header)
        for name in offsets:
            raw = tensors[name].data()
            if len(raw) != tensors[name].length:
                raise ValueError(f"the weight '{name}' has {len(raw)} bytes, expected {tensors[name].length}")
            file.write(raw)


def quoted(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
