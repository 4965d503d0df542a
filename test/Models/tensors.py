"""Reading and writing safetensors with NumPy alone.

File: 8-byte little-endian header length, JSON header {name: {dtype, shape, data_offsets}}, raw little-endian data.
BF16 has no NumPy type: it is read as the same values in float32, and written from float32 by round to nearest even."""
import json
import pathlib
import struct

import numpy as np

KINDS = {"F64": np.float64, "F32": np.float32, "F16": np.float16, "BF16": np.uint16,
         "I64": np.int64, "I32": np.int32, "I8": np.int8, "U8": np.uint8, "BOOL": np.bool_}


def to_bf16(x):
    """float32 → the 16 bits of the nearest bfloat16 (ties to even); finite values only."""
    bits = np.ascontiguousarray(x, np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


def from_bf16(bits):
    """The 16 bits of a bfloat16 → the same value in float32."""
    return (bits.astype(np.uint32) << 16).view(np.float32)


def read(path):
    """({name: array}, metadata) of a safetensors file; BF16 comes back as float32, the others as stored."""
    raw = pathlib.Path(path).read_bytes()
    n = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8:8 + n])
    metadata = header.pop("__metadata__", {})
    out = {}
    for name, e in header.items():
        a, b = (8 + n + o for o in e["data_offsets"])
        x = np.frombuffer(raw[a:b], KINDS[e["dtype"]]).reshape(e["shape"])
        out[name] = from_bf16(x) if e["dtype"] == "BF16" else x.copy()
    return out, metadata


def write(path, arrays, metadata=None, bf16=()):
    """Writes {name: array}; names in bf16 are stored as BF16. Larger element types first, so that all data is aligned."""
    names = {np.dtype(k): n for n, k in KINDS.items() if n != "BF16"}
    entries = []
    for name, x in arrays.items():
        x = np.asarray(x)
        kind, data = ("BF16", to_bf16(x)) if name in bf16 else (names[x.dtype], x)
        entries.append((name, kind, x.shape, np.ascontiguousarray(data)))
    entries.sort(key=lambda e: (-e[3].itemsize, e[0]))
    header, offset = {"__metadata__": metadata} if metadata else {}, 0
    for name, kind, shape, data in entries:
        header[name] = {"dtype": kind, "shape": list(shape), "data_offsets": [offset, offset + data.nbytes]}
        offset += data.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for entry in entries:
            f.write(entry[3].tobytes())
