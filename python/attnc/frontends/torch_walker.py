"""Walking a graph of torch: each node becomes what its handler writes. Handlers are registered by target name."""
from __future__ import annotations

import dataclasses
import operator
import re
from typing import Any, Callable, Sequence

import sympy
import torch

from ..progress import progress
from . import scalar, shapes
from .builder import Builder, Value
from .errors import Problem, Unsupported
from .shapes import Size

DTYPES = {torch.float64: "f64", torch.float32: "f32", torch.float16: "f16", torch.bfloat16: "bf16", torch.int64: "i64",
          torch.int32: "i32", torch.int16: "i16", torch.int8: "i8", torch.bool: "i1"}

Handler = Callable[..., Any]
HANDLERS: dict[str, Handler] = {}  # "aten.view.default" → f(walker, node, *arguments, **options)
# What a program may hold that does nothing when it runs.
IGNORED = {"aten._assert_async.msg", "aten._assert_scalar.default", "aten.sym_constrain_range_for_size.default", "aten.sym_constrain_range.default",
           "aten._assert_tensor_metadata.default", "aten._functional_assert_async.msg"}


def handles(*targets: str):
    def add(f: Handler) -> Handler:
        HANDLERS.update(dict.fromkeys(targets, f))
        return f
    return add


class Missing:
    """The value of a node that could not be imported: what depends on it is not blamed again."""


MISSING = Missing()


@dataclasses.dataclass
class Graph:
    """A subgraph: the branch, body, score or mask of a higher-order operation."""
    module: torch.fx.GraphModule
    name: str


def dtype_of(dtype: torch.dtype) -> str:
    if dtype not in DTYPES:
        raise Unsupported(f"tensors of {dtype}: attnc has floats, bf16, signed integers and booleans")
    return DTYPES[dtype]


def size_of(value: Any) -> Size:
    """A number, SymInt or expression as a size."""
    if isinstance(value, (torch.SymInt, torch.SymBool, torch.SymFloat)):
        value = value.node.expr
    return shapes.size(value)


def shape_of(value: torch.Tensor) -> tuple[Size, ...]:
    return tuple(size_of(s) for s in value.shape)


def source_line(node: torch.fx.Node) -> tuple[str | None, int, str]:
    """File, line and function of the user's code that made a node: the innermost that is not torch's own."""
    frames = re.findall(r'File "([^<].*?)", line (\d+), in (\S+)', node.meta.get("stack_trace") or "")
    own = [f for f in frames if "/torch/" not in f[0]] or frames
    return (own[-1][0], int(own[-1][1]), own[-1][2]) if own else (None, 0, "")


def place(node: torch.fx.Node, path: str) -> str:
    modules = [m[0] for m in (node.meta.get("nn_module_stack") or {}).values() if m[0]]
    file, line, function = source_line(node)
    module = modules[-1].replace("L['self'].", "").removeprefix("_export_root").lstrip(".") if modules else ""
    return ", ".join(filter(None, (f"in {path}" if path else "", f"module '{module}'" if module else "",
                                   f"File {file}, line {line}, in {function}" if file else "")))


class Walker:
    """Writes the nodes of a graph; `values` are what they became."""

    def __init__(self, builder: Builder):
        self.b = builder
        self.values: dict[torch.fx.Node, Any] = {}
        self.problems: list[Problem] = []
        self.scalars = False  # inside a score or mask: elements, not tensors

    def value(self, argument: Any) -> Any:
        """An argument of a node as its handler gets it: tensors are Values, SymInts are sizes."""
        if isinstance(argument, torch.fx.Node):
            return self.values[argument]
        if isinstance(argument, (list, tuple)):
            return type(argument)(self.value(a) for a in argument) if type(argument) in (list, tuple) else [self.value(a) for a in argument]
        if isinstance(argument, dict):
            return {k: self.value(v) for k, v in argument.items()}
        return argument

    def graph(self, module: torch.fx.GraphModule, arguments: Sequence[Any], path: str = "") -> list[Any]:
        """The outputs of a graph on values."""
        given = iter(arguments)
        for number, node in enumerate(module.graph.nodes):
            progress.step(number, len(module.graph.nodes), f"importing {node.name}")
            if node.op == "placeholder":
                self.values[node] = self.bind(node, next(given))
            elif node.op == "get_attr":
                self.values[node] = Graph(getattr(module, node.target), "/".join(filter(None, (path, node.target))))
            elif node.op == "output":
                out = node.args[0]
                return [self.value(a) for a in (out if isinstance(out, (tuple, list)) else [out])]
            else:
                self.values[node] = self.guarded(node, path)
        raise AssertionError("a graph without an output")

    def bind(self, node: torch.fx.Node, value: Any) -> Any:
        """A SymInt of a subgraph is a symbol there: it gets the value that is passed."""
        meta = node.meta.get("val")
        if isinstance(meta, torch.SymInt) and isinstance(value, Value):
            symbol = size_of(meta)
            self.b.sizes.bind_here(symbol, scalar.cast(self.b, value, "index").name)
            return symbol
        return value

    def guarded(self, node: torch.fx.Node, path: str) -> Any:
        arguments = [self.values.get(n) for n in node.all_input_nodes]
        if any(a is MISSING for a in arguments):
            return MISSING
        file, line, _ = source_line(node)
        try:
            with self.b.at(file, line):
                return self.node(node)
        except Unsupported as problem:
            self.problems.append(Problem(str(problem), f"{node.target} (node {node.name})", place(node, path)))
            return MISSING

    def node(self, node: torch.fx.Node) -> Any:
        target, meta = str(node.target), node.meta.get("val")
        if target in IGNORED:  # in a subgraph
            return None
        if node.target is operator.getitem:
            return self.values[node.args[0]][node.args[1]]
        handler = HANDLERS.get(target)
        if isinstance(meta, (torch.SymInt, int)) and not isinstance(meta, bool) and not handler:
            return size_of(meta)  # arithmetic of sizes: its result is a formula of the inputs'
        if handler is None:
            raise Unsupported(f"unsupported operation{nearest(target)}")
        return handler(self, node, *map(self.value, node.args), **self.value(dict(node.kwargs)))

    # What handlers ask of a node's result.

    def shape(self, node: torch.fx.Node) -> tuple[Size, ...]:
        shape = shape_of(node.meta["val"])
        if any(isinstance(s, sympy.Expr) and any(map(self.b.sizes.is_of_data, s.free_symbols)) for s in shape):
            raise Unsupported(f"a shape that depends on data, {list(shape)}: mask the elements instead of selecting them")
        return shape

    def dtype(self, node: torch.fx.Node) -> str:
        return dtype_of(node.meta["val"].dtype)


def nearest(target: str) -> str:
    """Another overload of the operation that is there, as a hint."""
    family = target.rsplit(".", 1)[0]
    known = sorted(t for t in HANDLERS if t.rsplit(".", 1)[0] == family)
    return f"; attnc has {', '.join(known)}" if known else ""
