"""Reading .pt2 files of torch.export.save without running anything that they hold.

torch's own reader unpickles tensors, evaluates the formulas of sizes as Python, imports modules by name and takes functions by name. So the
archive is looked at first: what torch does not write for a plain program is refused, and torch.load is held to weights."""
from __future__ import annotations

import ast
import contextlib
import json
import os
import re
import zipfile
from typing import Any, Iterator

import torch
from torch.export import ExportedProgram

from .places import Place

# Constants that are Python objects: pickles by their nature.
OBJECTS = ("custom_obj_", "opaque_obj_")
# What a node may call: registered operations, and arithmetic on sizes.
TARGET = re.compile(r"torch\.ops\.\w+(\.\w+)+|math\.(ceil|floor|trunc|pow|sqrt|log2)|torch\._?sym_\w+(\.\w+)?|"
                    r"_operator\.(add|sub|mul|truediv|floordiv|mod|pow|neg|pos|eq|ne|lt|le|gt|ge|and_|or_|not_|xor|lshift|rshift|getitem|index)|"
                    r"[\w ]+")
SYMBOL = re.compile(r"[a-z]+\d+")
FORMULA = (ast.Expression, ast.Call, ast.Name, ast.Constant, ast.keyword, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.operator, ast.unaryop,
           ast.boolop, ast.cmpop, ast.Load)
MOST = 10_000  # characters of a formula


class Refused(Exception):
    """What a file holds and is not read."""


def read(path: str) -> ExportedProgram:
    """The program of a file; an exception says what is wrong with it."""
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            check_entry(archive, entry)
    with weights_only():
        program = torch.export.load(path)
    program._guards_code = []  # Python source, which only a call of the program would run
    return program


def places(path: str) -> dict[str, Place]:
    """Where the file should have its weights, by name; they are compared before they are believed."""
    out = {}
    with zipfile.ZipFile(path) as archive:
        entries = {e.filename.partition("/")[2]: e for e in archive.infolist()}
        config = entries.get("data/weights/model_weights_config.json")
        told = json.loads(archive.read(config)).get("config", {}) if config else {}
        for name, weight in told.items():
            entry = entries.get(f"data/weights/{weight.get('path_name')}")
            if entry:
                out[name] = Place(path, data_offset(archive, entry), entry.file_size)
    return out


def data_offset(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> int:
    """Behind the entry's own header, whose name and extra field may differ from the directory's."""
    archive.fp.seek(entry.header_offset)
    header = archive.fp.read(30)
    return entry.header_offset + 30 + int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")


def check_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
    name = entry.filename.rsplit("/", 1)[-1]
    if entry.compress_type != zipfile.ZIP_STORED:
        raise Refused(f"its entry {name} is compressed: torch stores them as they are")
    if name.startswith(OBJECTS):
        raise Refused(f"its constant {name} is a Python object: make it a tensor, or a number in the source")
    if name.endswith(".json"):
        check(json.loads(archive.read(entry)))


def check(value: Any, key: str = "") -> None:
    """What is in the JSON of a program, at any depth; tree specs are JSON inside of JSON."""
    if isinstance(value, dict):
        if "__enum__" in value or value.get("default_factory_module", "builtins") != "builtins":
            raise Refused(f"it names a Python module to import ({value.get('fqn') or value['default_factory_module']}): pass plain lists, tuples and dicts")
        for k, v in value.items():
            check(v, k)
    elif isinstance(value, list):
        for v in value:
            check(v, key)
    elif isinstance(value, str):
        check_text(value, key)


def check_text(text: str, key: str) -> None:
    if key == "path_name" and text.startswith(OBJECTS):
        raise Refused(f"its constant {text} is a Python object: make it a tensor, or a number in the source")
    if key == "target" and not TARGET.fullmatch(text):
        raise Refused(f"it calls '{text[:80]}': expected a registered operation of torch")
    if key == "expr_str":
        check_formula(text)
    if text[:1] in "[{" and key in ("in_spec", "out_spec", "context"):
        with contextlib.suppress(json.JSONDecodeError):  # torch says so itself
            check(json.loads(text), key)


def check_formula(text: str) -> None:
    """A formula as sympy writes it: Mul(Integer(2), Symbol('s0', positive=True, integer=True))."""
    try:
        tree = ast.parse(text[:MOST + 1], mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        tree = None
    good = tree is not None and len(text) <= MOST and all(isinstance(n, FORMULA) for n in ast.walk(tree))
    if good:
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                good &= isinstance(node.func, ast.Name) and (node.func.id[0].isupper() or node.func.id == "sqrt")
            elif isinstance(node, ast.Constant):
                good &= not isinstance(node.value, (str, bytes)) or bool(SYMBOL.fullmatch(str(node.value)))
            elif isinstance(node, ast.Name):
                good &= "_" not in node.id
    if not good:
        raise Refused(f"the size '{text[:80]}' is no formula of sizes")


@contextlib.contextmanager
def weights_only() -> Iterator[None]:
    """torch.load reads tensors and plain values alone, whatever it is asked for."""
    name = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"
    before = os.environ.get(name)
    os.environ[name] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
