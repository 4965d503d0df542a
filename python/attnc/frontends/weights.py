"""Weights of a model: ml_program globals by name, and the .safetensors file that `attnc compile --weights` packs.

Tensors are duck-typed: torch's and NumPy's both have what is needed. They are written one by one, never all at once."""
from __future__ import annotations

import json
import os
import struct
from typing import Any, Callable, Iterable

from . import shapes
from .builder import Builder, Value

DTYPES = {"f64": ("F64", 8), "f32": ("F32", 4), "f16": ("F16", 2), "bf16": ("BF16", 2), "i64": ("I64", 8), "i32": ("I32", 4), "i16": ("I16", 2),
          "i8": ("I8", 1), "u8": ("U8", 1), "i1": ("BOOL", 1)}


class Weights:
    """What a model reads: each name once, under the name that the checkpoint has."""

    def __init__(self):
        self.tensors: dict[str, tuple[str, tuple[int, ...], Callable[[], bytes]]] = {}
        self._loaded: dict[str, Value] = {}

    def load(self, b: Builder, name: str, dtype: str, shape: Iterable[int], data: Callable[[], bytes]) -> Value:
        """A weight as a value, loaded once at the entry. `data` gives its bytes when they are written."""
        if name not in self._loaded:
            shape = tuple(shape)
            self.tensors[name] = (dtype, shape, data)
            text = f"ml_program.global_load_const @{quoted(name)} : {shapes.type_text(shape, dtype)}"
            self._loaded[name] = Value(b.emit_at_entry(text), dtype, shape)
        return self._loaded[name]

    def globals(self) -> list[str]:
        out = []
        for name, (dtype, shape, _) in self.tensors.items():
            t = shapes.type_text(shape, dtype)
            out.append(f"ml_program.global private @{quoted(name)}(#ml_program.extern : {t}) : {t}")
        return out

    def write(self, path: str | os.PathLike) -> None:
        """The .safetensors file; larger element types first, so that all are aligned."""
        entries = sorted(self.tensors.items(), key=lambda e: -DTYPES[e[1][0]][1])
        header: dict[str, Any] = {}
        offset = 0
        for name, (dtype, shape, _) in entries:
            end = offset + DTYPES[dtype][1] * shapes.constant_product(shape)
            header[name] = {"dtype": DTYPES[dtype][0], "shape": list(shape), "data_offsets": [offset, end]}
            offset = end
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        with open(path, "wb") as file:
            file.write(struct.pack("<Q", len(text)) + text)
            for name, (_, _, data) in entries:
                raw = data()
                expected = header[name]["data_offsets"]
                if len(raw) != expected[1] - expected[0]:
                    raise ValueError(f"the weight '{name}' has {len(raw)} bytes, expected {expected[1] - expected[0]}")
                file.write(raw)


def quoted(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
