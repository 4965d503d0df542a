"""A program of torch.export as a module in attnc's terms.

Symbolic sizes stay symbolic; parameters keep their names; a buffer that the model changes becomes state of the session.
torch_walker walks the graph, by the handlers of torch_ops, torch_views, torch_sums and torch_control."""
from __future__ import annotations

import contextlib
import functools
import logging
import operator
import re
import warnings
from typing import Any, Mapping, Sequence

import sympy
import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind, OutputKind

from ..progress import progress
from . import shapes, tensor_ops
from .builder import Builder, Value, types
from .errors import ImportProblems, Problem
from .imported import Imported
from .places import Mappings, Place
from .shapes import Size
from .torch_walker import HANDLERS, IGNORED, MISSING, Walker, dtype_of, shape_of, size_of
from .weights import Weights, quoted

def tensor_bytes(tensor: torch.Tensor, name: str) -> bytes:
    if tensor.is_meta or isinstance(tensor, torch._subclasses.FakeTensor):
        raise ImportProblems(name, [Problem("the weight has no data: the model is on the meta device")])
    flat = tensor.detach().cpu().contiguous()
    return (flat.view(torch.int16) if flat.dtype == torch.bfloat16 else flat).numpy().tobytes()


class Program:
    """One exported program on its way to a function."""

    def __init__(self, program: ExportedProgram, name: str, size_names: Mapping[sympy.Symbol, str], places: Mapping[str, Place]):
        self.program, self.name, self.places = program, name, places
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
            twin = next((t for t, n in self.size_names.items() if n == self.size_names.get(symbol) and self.b.sizes.is_bound(t)), None)
            if twin is not None and factor == 1:  # one name is one size, though torch may have a symbol for each use
                self.b.sizes.bind(symbol, self.b.sizes.name(twin))
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
        return self.weights.load(self.b, name, dtype, tensor.shape, lambda: tensor_bytes(tensor, name), lambda: self.place(tensor, target))

    def place(self, tensor: torch.Tensor, target: str) -> Place | None:
        """Where a file may have this weight: the .pt2 file's part, or what is mapped at its address."""
        if target in self.places or tensor.is_meta or not tensor.is_contiguous():
            return self.places.get(target)
        return self.mapped.find(tensor.data_ptr(), tensor.numel() * tensor.element_size())

    @functools.cached_property
    def mapped(self) -> Mappings:
        return Mappings()

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
        results = []
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

    def bounds(self) -> str:
        """The ranges that the export holds for, as an attribute: beyond them a table's rows run out. (2 is where torch starts for
        any size.)"""
        out = {}
        for symbol, ranged in self.program.range_constraints.items():
            least, most = (int(v) if sympy.sympify(v).is_Integer and v < 2 ** 31 else None for v in (ranged.lower, ranged.upper))
            if self.b.sizes.is_bound(symbol) and symbol in self.size_names and (most is not None or (least or 0) > 2):
                least = least if least is not None and least > 2 else 0
                out[quoted(self.size_names[symbol])] = f"array<i64: {least}, {most if most is not None else 2 ** 47}>"
        return f" attributes {{attnc.bounds = {{{', '.join(f'{name} = {ranged}' for name, ranged in out.items())}}}}}" if out else ""

    def module(self, results: list[tuple[Value, str]]) -> str:
        values = [v for v, _ in results]
        declared = ", ".join(f"{v.type} {{{attributes}}}" for v, attributes in results)
        body = [*self.b.entry, *self.b.lines, f"return {', '.join(v.name for v in values)} : {types(values)}" if values else "return"]
        function = [f"func.func @main({', '.join(self.arguments)})" + (f" -> ({declared})" if results else "") + self.bounds() + " {", *("  " + line for line in body), "}"]
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


def is_covered(program: ExportedProgram) -> bool:
    """Whether each operation has a handler. None of those changes a tensor in place."""
    calls = (n for m in program.graph_module.modules() if isinstance(m, torch.fx.GraphModule) for n in m.graph.nodes if n.op == "call_function")
    return all(str(n.target) in HANDLERS or str(n.target) in IGNORED or n.target is operator.getitem or isinstance(n.meta.get("val"), torch.SymInt)
               for n in calls)


def decompose(program: ExportedProgram) -> ExportedProgram:
    """Splits up the operations that have no handler, and only those; a program without such is left as it is, since this traces it anew."""
    from . import torch_attnc, torch_control, torch_ops, torch_sums, torch_views  # noqa: F401: they fill HANDLERS
    if is_covered(program):
        return program
    table = torch.export.default_decompositions()
    for op in list(table.keys()):
        if str(op) in HANDLERS:
            del table[op]
    return program.run_decompositions(table)


def import_program(program: ExportedProgram, name: str = "the model", size_names: Mapping[sympy.Symbol, str] | None = None,
                   places: Mapping[str, Place] | None = None) -> Imported:
    work = Program(decompose(program), name, size_names or {}, places or {})
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


@contextlib.contextmanager
def quiet():
    """torch reports what fails at length in its log; what matters of it is in the exception."""
    log = logging.getLogger("torch")
    before = log.level
    log.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(before)


def export_problem(problem: BaseException) -> Problem:
    """What torch says, and the innermost line of the user's code that it names."""
    text = first_paragraph(problem)
    raised = re.match(r"""raised exception \w+\((['"])(.*)\1\)""", text)
    frames = [f for f in re.findall(r'File "(.+?)", line (\d+), in (\S+)', str(problem)) if "/torch/" not in f[0]]
    place = "File {}, line {}, in {}".format(*frames[-1]) if frames else ""
    return Problem(f"torch cannot export it: {raised.group(2) if raised else text}", place=place)


def first_paragraph(problem: BaseException) -> str:
    text = str(problem).strip() or type(problem).__name__
    if isinstance(problem, torch._dynamo.exc.UncapturedHigherOrderOpError):  # the reason stands behind a sentence about graph breaks
        text = text.split("\n\n", 1)[-1]
    return " ".join(text.split("\n\n")[0].replace("For more information, run with TORCH_LOGS=\"+dynamic\".", "").split())


def export(module: torch.nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any] | None = None, dynamic_shapes: Any = None, strict: bool = False) -> ExportedProgram:
    """torch.export: by running the module, which is quick; or strictly, from Python's bytecode."""
    progress.show(f"exporting {type(module).__name__}", always=True)
    with torch.no_grad(), quiet():
        try:
            return torch.export.export(module, tuple(args), dict(kwargs or {}), dynamic_shapes=dynamic_shapes, strict=strict)
        except Exception as problem:
            raise CannotExport(type(module).__name__, [export_problem(problem)]) from None


class CannotExport(ImportProblems):
    """torch itself has no program for a module."""


def import_module(module: torch.nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any] | None = None, dynamic_shapes: Any = None) -> Imported:
    """A module, with example inputs, as torch.export takes them. Where running it comes to nothing it is exported strictly: that takes
    other modules too, and knows the lines of what is in loops and scores."""
    def run(strict: bool) -> Imported:
        program = export(module, args, kwargs, dynamic_shapes, strict)
        return import_program(program, type(module).__name__, names_of_sizes(program, dynamic_shapes))
    try:
        return run(False)
    except ImportProblems as problem:
        first = problem
    try:
        return run(True)
    except CannotExport as problem:
        raise problem if isinstance(first, CannotExport) else first from None


def import_file(path: str) -> Imported:
    """A .pt2 file of torch.export.save."""
    from .. import torch as _  # noqa: F401: the file may hold its operations
    from . import torch_file
    try:
        with quiet():
            program = torch_file.read(path)
    except torch_file.Refused as problem:
        raise ImportProblems(path, [Problem(str(problem))]) from None
    except Exception as problem:  # torch has no one exception for a damaged file
        raise ImportProblems(path, [Problem(f"torch cannot read it: {first_paragraph(problem)}")]) from None
    try:
        return import_program(program, path, places=torch_file.places(path))
    except ImportProblems:
        raise
    except Exception as problem:  # a damaged program may break any promise of torch's
        raise ImportProblems(path, [Problem(f"the program is not as torch writes it: {type(problem).__name__}: {first_paragraph(problem)}")]) from None
