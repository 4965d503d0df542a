"""A program of torch.export as a module in attnc's terms.

The graph is walked once: each node becomes what its handler in torch_ops (or torch_control) writes. Symbolic sizes stay
symbolic; parameters keep their names; a buffer that the model changes becomes state of the session."""
from __future__ import annotations

import dataclasses
import operator
import re
from typing import Any, Callable, Mapping, Sequence

import sympy
import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind, OutputKind

from . import scalar, shapes, tensor_ops
from .builder import Builder, Value, types
from .errors import ImportProblems, Problem, Unsupported
from .imported import Imported
from .shapes import Size
from .weights import Weights, quoted

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
    frames = re.findall(r'File "(.+?)", line (\d+), in (\S+)', node.meta.get("stack_trace") or "")
    own = [f for f in frames if "/torch/" not in f[0]] or frames
    return (own[-1][0], int(own[-1][1]), own[-1][2]) if own else (None, 0, "")


def place(node: torch.fx.Node, path: str) -> str:
    modules = [m[0] for m in (node.meta.get("nn_module_stack") or {}).values() if m[0]]
    file, line, function = source_line(node)
    module = modules[-1].replace("L['self'].", "") if modules else ""
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
        for node in module.graph.nodes:
            if node.op == "placeholder":
                self.values[node] = self.bind(node, next(given))
            elif node.op == "get_attr":
                self.values[node] = Graph(getattr(module, node.target), f"{path}/{node.target}")
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
        late = [s for s in shape if not self.b.sizes.is_known_at_entry(s)]
        if late or any(isinstance(s, sympy.Expr) and any(x.name.startswith("u") for x in s.free_symbols) for s in shape):
            raise Unsupported(f"a shape that depends on data, {list(shape)}: mask the elements instead of selecting them")
        return shape

    def dtype(self, node: torch.fx.Node) -> str:
        return dtype_of(node.meta["val"].dtype)


def nearest(target: str) -> str:
    """Another overload of the operation that is there, as a hint."""
    family = target.rsplit(".", 1)[0]
    known = sorted(t for t in HANDLERS if t.rsplit(".", 1)[0] == family)
    return f"; attnc has {', '.join(known)}" if known else ""


# -- the program

def tensor_bytes(tensor: torch.Tensor, name: str) -> bytes:
    if tensor.is_meta or isinstance(tensor, torch._subclasses.FakeTensor):
        raise ImportProblems(name, [Problem("the weight has no data: the model is on the meta device")])
    flat = tensor.detach().cpu().contiguous()
    return (flat.view(torch.int16) if flat.dtype == torch.bfloat16 else flat).numpy().tobytes()


class Program:
    """One exported program on its way to a function."""

    def __init__(self, program: ExportedProgram, name: str, size_names: Mapping[sympy.Symbol, str]):
        self.program, self.name = program, name
        self.b, self.weights = Builder(), Weights()
        self.walker = Walker(self.b)
        self.size_names = dict(size_names)
        self.arguments: list[str] = []   # with their attributes
        self.initialisers: list[str] = []
        self._stored: dict[tuple, str] = {}

    def text(self) -> str:
        signature = self.program.graph_signature
        mutated = {s.target: s.arg.name for s in signature.output_specs if s.kind == OutputKind.BUFFER_MUTATION}
        placeholders = [n for n in self.program.graph.nodes if n.op == "placeholder"]
        inputs = [(node, spec) for node, spec in zip(placeholders, signature.input_specs)]
        for node, spec in inputs:  # sizes first: all that follows is made of them
            self.name_sizes(node, spec)
        values = [self.argument(node, spec, spec.target in mutated) for node, spec in inputs]
        self.require_bound_sizes()
        erase_unused(self.program.graph)
        outputs = self.walker.graph(self.program.graph_module, values)
        results = self.results(outputs)
        if self.walker.problems:
            raise ImportProblems(self.name, self.walker.problems)
        return self.module(results)

    # -- inputs

    def name_sizes(self, node, spec) -> None:
        if spec.kind != InputKind.USER_INPUT or not isinstance(node.meta.get("val"), torch.Tensor):
            return
        for d, s in enumerate(shape_of(node.meta["val"])):
            if isinstance(s, sympy.Symbol):
                self.size_names.setdefault(s, f"{node.name}_{d}")

    def size_name(self, size: Size) -> str:
        names = {s: sympy.Symbol(self.size_names.get(s, str(s))) for s in size.free_symbols}
        return shapes.name_of(size.subs(names))

    def dims(self, shape: Sequence[Size]) -> str:
        dynamic = [self.size_name(s) for s in shape if not isinstance(s, int)]
        return f"attnc.dims = [{', '.join(map(quoted, dynamic))}]" if dynamic else ""

    def argument(self, node, spec, mutated: bool) -> Any:
        """The value of a placeholder: a weight, a state, or an argument of the function."""
        meta = node.meta.get("val")
        if spec.kind in (InputKind.PARAMETER, InputKind.BUFFER, InputKind.CONSTANT_TENSOR):
            return self.state(node, spec.target) if mutated else self.weight(node, spec.target)
        if isinstance(meta, torch.Tensor):
            value = self.add_argument(f"attnc.name = {quoted(node.name)}", shape_of(meta), dtype_of(meta.dtype))
            return self.bind_sizes(value, node.name)
        if isinstance(meta, torch.SymInt):
            value = self.add_argument(f"attnc.name = {quoted(node.name)}", (), "i64")
            element = self.b.emit_at_entry(f"tensor.extract {value.name}[] : {value.type}")
            self.b.sizes.bind(size_of(meta), self.b.emit_at_entry(f"arith.index_cast {element} : i64 to index"))
            return size_of(meta)
        return getattr(spec.arg, "value", None)  # a constant: it is in the graph already

    def add_argument(self, attribute: str, shape, dtype) -> Value:
        value = Value(f"%arg{len(self.arguments)}", dtype, tuple(shape))
        attributes = ", ".join(filter(None, (attribute, self.dims(shape))))
        self.arguments.append(f"{value.name}: {value.type} {{{attributes}}}")
        return value

    def bind_sizes(self, value: Value, name: str) -> Value:
        """Gives symbols the sizes of this argument. A multiple of a symbol gives the symbol, and its rest is cut off."""
        cut = list(value.shape)
        for d, s in enumerate(value.shape):
            if isinstance(s, int) or self.b.sizes.is_bound(s):
                continue
            factor, symbol = s.as_coeff_Mul()
            if not isinstance(symbol, sympy.Symbol) or not factor.is_Integer or (factor != 1 and self.b.sizes.is_bound(symbol)):
                problem = f"the size {self.size_name(s)} of the input '{name}' is a formula of other sizes: give this dimension a size of its own"
                self.walker.problems.append(Problem(problem))
                continue
            at = self.b.emit_at_entry(f"arith.constant {d} : index")
            extent = self.b.emit_at_entry(f"tensor.dim {value.name}, {at} : {value.type}")
            if factor != 1:
                by = self.b.emit_at_entry(f"arith.constant {factor} : index")
                extent = self.b.emit_at_entry(f"arith.divsi {extent}, {by} : index")
            self.b.sizes.bind(symbol, extent)
        if any(not isinstance(s, (int, sympy.Symbol)) for s in value.shape):
            return tensor_ops.extract_slice(self.b, value, [0] * value.rank, cut)
        return value

    def require_bound_sizes(self) -> None:
        for symbol in {s for n in self.program.graph.nodes if isinstance(n.meta.get("val"), torch.Tensor) and n.op == "placeholder"
                       for d in shape_of(n.meta["val"]) if not isinstance(d, int) for s in d.free_symbols}:
            if not self.b.sizes.is_bound(symbol) and not self.walker.problems:
                self.walker.problems.append(Problem(f"no input has the size {symbol} by itself"))

    def stored(self, target: str) -> torch.Tensor:
        return self.program.state_dict[target] if target in self.program.state_dict else self.program.constants[target]

    def weight(self, node, target: str) -> Value:
        tensor = self.stored(target)
        dtype = dtype_of(tensor.dtype)
        if tensor.numel() == 1 and tensor.ndim == 0 and target in self.program.constants and not tensor.is_meta:
            with_entry = self.b.lines
            self.b.lines = self.b.entry  # a number in the source: a constant, not a weight
            value = tensor_ops.full(self.b, (), dtype, tensor.item())
            self.b.lines = with_entry
            return value
        key = (tensor.untyped_storage()._cdata, tensor.storage_offset(), tuple(tensor.shape), tuple(tensor.stride()), tensor.dtype)
        name = self._stored.setdefault(key, target)  # tied weights are one
        return self.weights.load(self.b, name, dtype, tensor.shape, lambda: tensor_bytes(tensor, name))

    # -- state

    def state(self, node, target: str) -> Value:
        """A buffer that the model changes. It starts as it is in the model."""
        tensor = self.stored(target)
        attribute = f"attnc.state = {quoted(target)}"
        if not tensor.is_meta and bool((tensor != 0).any()):
            attribute += f", attnc.init = @{quoted('initial.' + target)}"
            self.initialisers.append(self.initialiser(target, tensor))
        return self.add_argument(attribute, tensor.shape, dtype_of(tensor.dtype))

    def initialiser(self, target: str, tensor: torch.Tensor) -> str:
        b = Builder()
        value = self.weights_of(b).load(b, target, dtype_of(tensor.dtype), tensor.shape, lambda: tensor_bytes(tensor, target))
        lines = "\n".join("  " + line for line in b.entry)
        return f"func.func @{quoted('initial.' + target)}() -> {value.type} {{\n{lines}\n  return {value.name} : {value.type}\n}}"

    def weights_of(self, b: Builder) -> Weights:
        """The same weights, to be loaded in another function."""
        other = Weights()
        other.tensors = self.weights.tensors
        return other

    # -- outputs

    def results(self, outputs: Sequence[Any]) -> list[tuple[Value, str]]:
        """Values to return, with their attributes."""
        specs = self.program.graph_signature.output_specs
        names = iter(output_names(self.program, sum(s.kind == OutputKind.USER_OUTPUT for s in specs)))
        results, taken = [], set()
        for spec, value in zip(specs, outputs):
            if value is MISSING:
                continue
            if spec.kind == OutputKind.BUFFER_MUTATION:
                results.append((value, f"attnc.state = {quoted(spec.target)}"))
            elif spec.kind == OutputKind.USER_OUTPUT:
                name = next(names)
                value = self.result_tensor(value)
                if value is None:  # a None or a number of the source: nothing to compute
                    continue
                results.append((value, ", ".join(filter(None, (f"attnc.name = {quoted(name)}", self.dims(value.shape))))))
            else:
                self.walker.problems.append(Problem(f"the model changes its input '{spec.target}': return the changed tensor instead"))
        return results

    def result_tensor(self, value: Any) -> Value | None:
        if isinstance(value, sympy.Expr) or (isinstance(value, int) and not isinstance(value, bool)):
            return tensor_ops.full(self.b, (), "i64", self.b.index(value))
        if isinstance(value, Value):
            return value if value.shape is not None else tensor_ops.full(self.b, (), value.dtype, value)
        return None

    # -- text

    def module(self, results: list[tuple[Value, str]]) -> str:
        values = [v for v, _ in results]
        declared = ", ".join(f"{v.type} {{{attributes}}}" for v, attributes in results)
        body = [*self.b.entry, *self.b.lines, f"return {', '.join(v.name for v in values)} : {types(values)}" if values else "return"]
        function = [f"func.func @main({', '.join(self.arguments)})" + (f" -> ({declared})" if results else "") + " {", *("  " + line for line in body), "}"]
        return "\n".join([*self.weights.globals(), *self.initialisers, *function, *self.b.location_aliases(), ""])


def output_names(program: ExportedProgram, count: int) -> list[str]:
    """logits, or past.0.1: the keys on the way to an output; a tuple's elements are output_0, output_1, …"""
    from torch.utils import _pytree as pytree
    tree = pytree.tree_unflatten(list(range(count)), program.call_spec.out_spec)
    paths, _ = pytree.tree_flatten_with_path(tree)
    out = []
    for path, _ in paths:
        keys = [str(getattr(k, "key", getattr(k, "idx", getattr(k, "name", k)))) for k in path]
        out.append(".".join(keys) if keys and not keys[0].isdigit() else "_".join(["output", *keys]))
    return out


def erase_unused(graph: torch.fx.Graph) -> None:
    """Drops what nobody reads: first the tables of block masks, which are computed from the mask function that is kept."""
    for node in graph.nodes:
        if str(node.target) == "flex_attention":
            node.args = (*node.args[:4], (node.args[4][-1],), *node.args[5:])
    for node in reversed(list(graph.nodes)):
        if node.op == "call_function" and (not node.users or str(node.target) in IGNORED):
            graph.erase_node(node)


def decompose(program: ExportedProgram) -> ExportedProgram:
    """Splits up the operations that have no handler, and only those."""
    from . import torch_ops, torch_control  # noqa: F401: they fill HANDLERS
    table = torch.export.default_decompositions()
    for op in list(table.keys()):
        if str(op) in HANDLERS:
            del table[op]
    return program.run_decompositions(table)


def import_program(program: ExportedProgram, name: str = "the model", size_names: Mapping[sympy.Symbol, str] | None = None) -> Imported:
    work = Program(decompose(program), name, size_names or {})
    return Imported(work.text(), work.weights)


def names_of_sizes(program: ExportedProgram, dynamic_shapes: Any) -> dict[sympy.Symbol, str]:
    """The names that the user gave to sizes (torch.export.Dim), by symbol."""
    names: dict[sympy.Symbol, str] = {}
    if not dynamic_shapes:
        return names
    from torch.utils import _pytree as pytree
    is_spec = lambda x: x is None or (isinstance(x, dict) and all(isinstance(k, int) for k in x)) or \
        (isinstance(x, (tuple, list)) and bool(x) and all(d is None or not isinstance(d, (dict, tuple, list)) for d in x))
    specs = pytree.tree_leaves(dynamic_shapes, is_leaf=is_spec)
    nodes = [n for n, s in zip((n for n in program.graph.nodes if n.op == "placeholder"), program.graph_signature.input_specs)
             if s.kind == InputKind.USER_INPUT]
    if len(specs) != len(nodes):
        return names
    for spec, node in zip(specs, nodes):
        meta = node.meta.get("val")
        if not spec or not isinstance(meta, torch.Tensor):
            continue
        shape = shape_of(meta)
        for d, dim in (spec.items() if isinstance(spec, dict) else enumerate(spec)):
            name = getattr(dim, "__name__", None)
            if name and isinstance(shape[d], sympy.Symbol) and re.fullmatch(r"\w+", name):
                names.setdefault(shape[d], name)
    return names


def export(module: torch.nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any] | None = None, dynamic_shapes: Any = None) -> ExportedProgram:
    """torch.export: strictly where that works, since locations are better then."""
    with torch.no_grad():
        try:
            return torch.export.export(module, tuple(args), dict(kwargs or {}), dynamic_shapes=dynamic_shapes, strict=True)
        except Exception as strict:
            try:
                return torch.export.export(module, tuple(args), dict(kwargs or {}), dynamic_shapes=dynamic_shapes, strict=False)
            except Exception as problem:
                raise ImportProblems(type(module).__name__, [Problem(f"torch cannot export it: {problem}")]) from strict


def import_module(module: torch.nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any] | None = None, dynamic_shapes: Any = None) -> Imported:
    """A module, with example inputs, as torch.export takes them."""
    program = export(module, args, kwargs, dynamic_shapes)
    return import_program(program, type(module).__name__, names_of_sizes(program, dynamic_shapes))


def import_file(path: str) -> Imported:
    """A .pt2 file of torch.export.save."""
    try:
        program = torch.export.load(path)
    except Exception as problem:  # torch has no one exception for a damaged file
        first = str(problem).strip().splitlines()
        raise ImportProblems(path, [Problem(f"torch cannot read it: {first[0] if first else type(problem).__name__}")]) from None
    return import_program(program, path)
