"""Reading an ONNX file: the protobuf, its weights, and what must hold of them before anything is used.

Nothing of the file is executed. Every length, offset, path and type is compared with what is there: a file is data of
strangers. Weights of external files stay there until they are written, one at a time."""
from __future__ import annotations

import dataclasses
import math
import mmap
import os
import re
import stat
import sys
from typing import Callable, Iterator

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto

from .errors import ImportProblems, Problem, Unsupported
from .places import Place

DTYPES = {TensorProto.DOUBLE: "f64", TensorProto.FLOAT: "f32", TensorProto.FLOAT16: "f16", TensorProto.BFLOAT16: "bf16", TensorProto.INT64: "i64",
          TensorProto.INT32: "i32", TensorProto.INT16: "i16", TensorProto.INT8: "i8", TensorProto.BOOL: "i1"}
BYTES = {"f64": 8, "f32": 4, "f16": 2, "bf16": 2, "i64": 8, "i32": 4, "i16": 2, "i8": 1, "i1": 1}
FIELDS = {"f64": "double_data", "f32": "float_data", "i64": "int64_data"}  # where values are that are not raw; others in int32_data
LARGEST_FILE = 2 ** 31 - 1  # of a protobuf
OPSETS = range(13, 24)


def dtype_of(element: int) -> str:
    if element not in DTYPES:
        names = {v: k for k, v in TensorProto.DataType.items()}
        raise Unsupported(f"tensors of {names.get(element, element)}: attnc has floats, bf16, signed integers and booleans")
    return DTYPES[element]


def read(path: str) -> ModelProto:
    """The model of a file; an ImportProblems where it is none, or of opsets that attnc does not have."""
    def refuse(why: str) -> ImportProblems:
        return ImportProblems(path, [Problem(why)])
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise refuse("it is not a file")
    if os.path.getsize(path) > LARGEST_FILE:
        raise refuse("it is larger than 2 GB, which no ONNX file can be: weights beyond that are external data")
    model = ModelProto()
    try:
        with open(path, "rb") as file:
            model.ParseFromString(file.read())
    except DecodeError as problem:
        raise refuse(f"it is not an ONNX file, or a damaged one: {problem}") from None
    if not model.HasField("graph"):
        raise refuse("it is not an ONNX file: it has no graph")
    if not texts_are_texts(model):
        raise refuse("it is a damaged ONNX file: it has a name that is no UTF-8 text")
    opset = opset_of(model.opset_import)
    if opset not in OPSETS:
        raise refuse(f"it uses opset {opset}, attnc reads {OPSETS[0]} to {OPSETS[-1]}: export it with opset_version={OPSETS[-1]}, or convert it with "
                     f"onnx.version_converter")
    return model


def texts_are_texts(message) -> bool:
    """Whether all strings are UTF-8; the parser gives others as bytes."""
    for field, value in message.ListFields():
        several = list(value) if hasattr(value, "extend") else [value]
        if field.type == field.TYPE_STRING and not all(isinstance(v, str) for v in several):
            return False
        if field.type == field.TYPE_MESSAGE and not all(map(texts_are_texts, several)):
            return False
    return True


def printable(name: str) -> str:
    """A name for locations and messages."""
    return "".join(c if c.isprintable() else "_" for c in name[:200])


def opset_of(imports) -> int | None:
    """The version of ONNX's own operations."""
    return next((i.version for i in imports if i.domain in ("", "ai.onnx")), None)


def element_count(dims) -> int:
    if any(d < 0 for d in dims):
        raise Unsupported(f"a tensor has the shape {list(dims)}")
    return math.prod(dims)


@dataclasses.dataclass(frozen=True)
class Stored:
    """A tensor of the file: its type, and its bytes when they are asked for."""
    name: str
    dtype: str
    shape: tuple[int, ...]
    data: Callable[[], bytes]

    @property
    def count(self) -> int:
        return math.prod(self.shape)

    def array(self) -> np.ndarray:
        """The contents, bf16 as f32."""
        raw = self.data()
        if self.dtype == "bf16":
            return (np.frombuffer(raw, np.uint16).astype(np.uint32) << 16).view(np.float32).reshape(self.shape)
        kinds = {"f64": np.float64, "f32": np.float32, "f16": np.float16, "i64": np.int64, "i32": np.int32, "i16": np.int16, "i8": np.int8, "i1": np.bool_}
        return np.frombuffer(raw, kinds[self.dtype]).reshape(self.shape)


def stored(tensor: TensorProto, folder: str) -> Stored:
    """A TensorProto whose data are as long as its shape says."""
    dtype, shape = dtype_of(tensor.data_type), tuple(tensor.dims)
    count = element_count(shape)
    if tensor.HasField("segment"):
        raise Unsupported("a tensor in segments; attnc has whole ones")
    if tensor.data_location == TensorProto.EXTERNAL:
        data = external_data(tensor, folder, count * BYTES[dtype])
    elif tensor.HasField("raw_data"):
        expect_length(len(tensor.raw_data), count * BYTES[dtype], "bytes")
        data = lambda: tensor.raw_data
    else:
        field = FIELDS.get(dtype, "int32_data")
        expect_length(len(getattr(tensor, field)), count, "values")
        data = lambda: typed_bytes(getattr(tensor, field), dtype)
    return Stored(tensor.name, dtype, shape, in_order(data, dtype))


def expect_length(got: int, expected: int, what: str) -> None:
    if got != expected:
        raise Unsupported(f"a tensor has {got} {what} where its shape says {expected}: the file is damaged")


def typed_bytes(values, dtype: str) -> bytes:
    if dtype in FIELDS:
        return np.array(values, {"f64": "<f8", "f32": "<f4", "i64": "<i8"}[dtype]).tobytes()
    return np.array(values, "<i4").astype({8: "<i8", 4: "<i4", 2: "<u2", 1: "<u1"}[BYTES[dtype]]).tobytes()  # halves are their bits


def in_order(data: Callable[[], bytes], dtype: str) -> Callable[[], bytes]:
    """ONNX stores little-endian values."""
    if sys.byteorder == "little":
        return data
    return lambda: np.frombuffer(data(), f"<u{BYTES[dtype]}").byteswap().tobytes()


def external_data(tensor: TensorProto, folder: str, length: int) -> Callable[[], bytes]:
    """Bytes of another file, which must lie in the model's folder and hold them all."""
    entries = {e.key: e.value for e in tensor.external_data}
    location = entries.get("location", "")
    inside = os.path.realpath(folder)
    path = os.path.realpath(os.path.join(inside, location))
    if not location or "\0" in location or os.path.isabs(location) or os.path.commonpath([inside, path]) != inside:
        raise Unsupported(f"external data in '{location}': expected a file inside the model's folder")
    if not os.path.isfile(path):
        raise Unsupported(f"external data in '{location}': there is no such file beside the model")
    offset, told = number_of(entries.get("offset", "0")), number_of(entries.get("length", str(length)))
    size = os.path.getsize(path)
    if told != length or offset + length > size:
        raise Unsupported(f"external data in '{location}': {told} bytes at {offset} of a file of {size}, where the tensor's shape says {length} bytes")

    return Place(path, offset, length)


# Numbers of fields: of a model its graph, of a graph its initialisers, of a tensor its name and its raw bytes.
GRAPH, INITIALIZER, NAME, RAW_DATA = 7, 5, 8, 9


def raw_places(path: str) -> dict[str, Place]:
    """Where the file has the raw bytes of its initialisers. The parser copies and does not say; so messages are walked through, by their lengths."""
    out = {}
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for graph in parts(data, 0, len(data), GRAPH):
            for tensor in parts(data, *graph, INITIALIZER):
                name, raw = list(parts(data, *tensor, NAME)), list(parts(data, *tensor, RAW_DATA))
                if len(name) == len(raw) == 1:
                    out[data[slice(*name[0])].decode("utf-8", "replace")] = Place(path, raw[0][0], raw[0][1] - raw[0][0])
    return out


def parts(data: mmap.mmap, at: int, end: int, wanted: int) -> Iterator[tuple[int, int]]:
    """Begin and end of a message's fields of that number; the file has been parsed, so it is well formed."""
    while at < end:
        key, at = varint(data, at)
        if key & 7 == 2:
            length, at = varint(data, at)
            if key >> 3 == wanted:
                yield at, at + length
            at += length
        elif key & 7 == 0:
            _, at = varint(data, at)
        else:
            at += 8 if key & 7 == 1 else 4


def varint(data: mmap.mmap, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def number_of(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise Unsupported(f"external data with the offset or length '{text[:40]}': expected a number")
    return int(text)


# -- nodes

def attribute_value(a: AttributeProto):
    """An attribute as Python has it; tensors and graphs stay what they are."""
    kinds = {AttributeProto.FLOAT: "f", AttributeProto.INT: "i", AttributeProto.TENSOR: "t", AttributeProto.GRAPH: "g"}
    if a.type in kinds:
        return getattr(a, kinds[a.type])
    if a.type == AttributeProto.STRING:
        return a.s.decode("utf-8", "replace")
    if a.type == AttributeProto.STRINGS:
        return [s.decode("utf-8", "replace") for s in a.strings]
    lists = {AttributeProto.FLOATS: a.floats, AttributeProto.INTS: a.ints}
    if a.type in lists:
        return list(lists[a.type])
    raise Unsupported(f"the attribute '{a.name}' of kind {AttributeProto.AttributeType.Name(a.type)}; attnc has numbers, texts, tensors and graphs")


def subgraphs(node: NodeProto) -> Iterator[GraphProto]:
    for a in node.attribute:
        if a.type == AttributeProto.GRAPH:
            yield a.g


def names_used(node: NodeProto) -> Iterator[str]:
    """What a node reads, with all that its graphs read (some of it their own)."""
    yield from node.input
    for graph in subgraphs(node):
        yield from (o.name for o in graph.output)
        for inner in graph.node:
            yield from names_used(inner)


def needed(nodes, outputs) -> tuple[list[NodeProto], set[str]]:
    """The nodes that results depend on, in order, and the names that are read."""
    read, kept = set(outputs), []
    for node in reversed(nodes):
        if any(o in read for o in node.output if o):
            kept.append(node)
            read.update(names_used(node))
    return kept[::-1], read


def source_line(node: NodeProto) -> tuple[str | None, int, str]:
    """File, line and function of the code that made a node, where the exporter noted it: the innermost that is not torch's own."""
    trace = next((p.value for p in node.metadata_props if p.key == "pkg.torch.onnx.stack_trace"), "")
    frames = re.findall(r'File "(.+?)", line (\d{1,9}), in (\S+)', trace)
    own = [f for f in frames if "/torch/" not in f[0]] or frames
    return (printable(own[-1][0]), int(own[-1][1]), printable(own[-1][2])) if own else (None, 0, "")
