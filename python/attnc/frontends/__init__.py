"""Models of PyTorch and ONNX as attnc's IR.

`builder`, `shapes`, `scalar`, `tensor_ops`, `attention`, `control`, `loops` and `weights` write it and know neither producer; `torch_export`,
`torch_ops`, `torch_control` and `torch_attnc` walk torch's programs, `onnx_model`, `onnx_ops` and the others of that name ONNX's graphs. load() says
which walker a model needs."""
from __future__ import annotations

import importlib
import importlib.util
import os
import pathlib
import sys
from typing import TYPE_CHECKING, Any, Mapping, Sequence

from .errors import ImportProblems, Problem

if TYPE_CHECKING:  # the walkers need torch or onnx, and sympy: only what a model asks for is imported
    from .imported import Imported


def load(model: Any, args: Sequence[Any] | None = None, kwargs: Mapping[str, Any] | None = None, dynamic_shapes: Any = None) -> Imported:
    """A torch.nn.Module with example inputs, an ExportedProgram, or a file (.pt2, .onnx, file.py:function) as a module."""
    if isinstance(model, (str, os.PathLike)):
        return load_file(os.fspath(model))
    from . import torch_export
    if isinstance(model, torch_export.ExportedProgram):
        return torch_export.import_program(model, "the program", torch_export.names_of_sizes(model, dynamic_shapes))
    if not isinstance(model, torch_export.torch.nn.Module):
        raise refuse(type(model).__name__, "expected a torch.nn.Module, an ExportedProgram, or the path of a model")
    if args is None and kwargs is None:
        raise refuse(type(model).__name__, "a module is exported on example inputs: give example_inputs")
    return torch_export.import_module(model, args or (), kwargs, dynamic_shapes)


def refuse(model: str, why: str) -> ImportProblems:
    return ImportProblems(model, [Problem(why)])


def load_file(path: str) -> Imported:
    file, colon, function = path.rpartition(":")
    if colon and file.endswith(".py"):
        return load_from_python(file, function)
    if not os.path.exists(path):
        raise refuse(path, "no such file")
    suffix = pathlib.Path(path).suffix
    if suffix == ".pt2":
        return walker("torch_export", path, "torch").import_file(path)
    if suffix == ".onnx":
        return walker("onnx_model", path, "onnx").import_file(path)
    raise refuse(path, "expected a .pt2 or .onnx file, or file.py:function")


def walker(module: str, path: str, extra: str):
    """A walker, if what it reads with is installed."""
    try:
        return importlib.import_module("." + module, __name__)
    except ModuleNotFoundError as missing:
        raise refuse(path, f"reading it needs the Python package {missing.name}: pip install 'attnc[{extra}]'") from None


def load_from_python(file: str, function: str) -> Imported:
    """Runs the file, then the function, which returns (module, inputs) or (module, inputs, dynamic_shapes)."""
    spec = importlib.util.spec_from_file_location("attnc_model", file)
    if not os.path.exists(file) or spec is None:
        raise refuse(file, "no such file")
    python = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = python  # torch's tracer looks globals of a function up there
    spec.loader.exec_module(python)
    made = getattr(python, function, None)
    if made is None:
        raise refuse(file, f"it has no function '{function}'")
    made = made()
    if not isinstance(made, tuple) or len(made) not in (2, 3):
        raise refuse(file, f"{function}() returned {type(made).__name__}: expected (module, inputs) or (module, inputs, dynamic_shapes)")
    return load(made[0], made[1], None, made[2] if len(made) == 3 else None)
