"""An ONNX file as a module in attnc's terms: its inputs become arguments, dim_param names of sizes; onnx_walker walks the graph, by the
handlers of onnx_ops, onnx_views, onnx_rows, onnx_sums, onnx_attention, onnx_recurrent and onnx_control."""
from __future__ import annotations

import ast
import os
import re

import onnx
import sympy

from . import onnx_attention, onnx_control, onnx_ops, onnx_recurrent, onnx_rows, onnx_sums, onnx_views  # noqa: F401: they fill HANDLERS
from . import onnx_file, shapes, tensor_ops
from .builder import Builder, Value, identity, types
from .errors import ImportProblems, Problem, Unsupported
from .imported import Imported
from .onnx_walker import Scope, Walker
from .scalar import clamp, constant
from .shapes import Size
from .weights import quoted


def import_file(path: str) -> Imported:
    """A .onnx file, with what it keeps beside it."""
    model = onnx_file.read(path)
    work = Program(model, path)
    try:
        text = work.text()
    except Unsupported as problem:
        work.problems.append(Problem(str(problem)))
    except RecursionError:
        work.problems.append(Problem("graphs or sizes that are nested too deeply"))
    if work.problems:
        raise ImportProblems(path, work.problems)
    return Imported(text, work.walker.weights)


class Program:
    """One graph on its way to a function."""

    def __init__(self, model: onnx.ModelProto, path: str):
        self.model, self.graph = model, model.graph
        self.b = Builder()
        self.walker = Walker(self.b, model, os.path.abspath(path))
        self.problems = self.walker.problems
        self.arguments: list[str] = []  # with their attributes
        self.own_names: dict[tuple[str, int], sympy.Symbol] = {}  # of dimensions whose sizes are formulas

    def text(self) -> str:
        initial = {t.name for t in self.graph.initializer}
        inputs = [i for i in self.graph.input if i.name not in initial]
        plain = {name for i in inputs for d in i.type.tensor_type.shape.dim if (name := one_word(d.dim_param)).isidentifier()}
        values = [self.argument(i, plain) for i in inputs]
        for value in values:
            self.bind_sizes(value)
        values = [self.by_formula(v) for v in values]
        outputs = self.walker.graph(self.graph, values, self.scope())
        return "" if self.problems else self.module(outputs)

    def scope(self) -> Scope:
        return Scope({"" if o.domain == "ai.onnx" else o.domain: o.version for o in self.model.opset_import})

    # -- inputs

    def argument(self, given: onnx.ValueInfoProto, plain: set[str]) -> Value:
        kind = given.type.tensor_type
        if not given.type.HasField("tensor_type") or not kind.HasField("shape"):
            raise Unsupported(f"the input '{given.name[:80]}' is no tensor of known rank")
        shape = tuple(size_of(d, f"{one_word(given.name)}_{n}", plain) for n, d in enumerate(kind.shape.dim))
        value = Value(f"%arg{len(self.arguments)}", onnx_file.dtype_of(kind.elem_type), shape)
        own = [symbol(f"{one_word(given.name)}_{n}") if is_formula(s) else s for n, s in enumerate(shape)]
        self.own_names.update({(value.name, n): s for n, s in enumerate(own) if is_formula(shape[n])})
        attributes = ", ".join(filter(None, (f"attnc.name = {quoted(one_word(given.name))}", dims(own))))
        self.arguments.append(f"{value.name}: {value.type} {{{attributes}}}")
        return value

    def bind_sizes(self, value: Value) -> None:
        """Gives symbols the sizes of this argument."""
        for d, s in enumerate(value.shape):
            if isinstance(s, sympy.Symbol) and not self.b.sizes.is_bound(s):
                self.b.sizes.bind(s, self.extent(value, d))

    def extent(self, value: Value, dimension: int) -> str:
        at = self.b.emit_at_entry(f"arith.constant {dimension} : index")
        return self.b.emit_at_entry(f"tensor.dim {value.name}, {at} : {value.type}")

    def by_formula(self, value: Value) -> Value:
        """An argument of which a size is a formula of others' (past + length). Nothing says that what is given keeps to it, so its
        elements are read where they are, at its last index at most."""
        formulas = {d: Value(self.extent(value, d), "index") for d, s in enumerate(value.shape) if is_formula(s)}
        if not formulas:
            return value
        for d in formulas:
            self.walker.require(self.own_names[value.name, d], least=1)

        def body(_, __):
            at = [self.b.scalar(f"linalg.index {d} : index", "index") for d in range(value.rank)]
            for d, extent in formulas.items():
                last = self.b.scalar(f"arith.subi {extent.name}, {constant(self.b, 1, 'index').name} : index", "index")
                at[d] = clamp(self.b, at[d], None, last)
            return [tensor_ops.extract(self.b, value, at)]
        return self.b.generic([], [self.b.empty(value.shape, value.dtype)], [identity(value.rank)], value.rank, body)[0]

    # -- text

    def results(self, outputs) -> list[tuple[Value, str]]:
        out = []
        for declared, x in zip(self.graph.output, outputs):
            value = self.walker.tensor(x)
            out.append((value, ", ".join(filter(None, (f"attnc.name = {quoted(one_word(declared.name))}", dims(value.shape))))))
        return out

    def module(self, outputs) -> str:
        results = self.results(outputs)
        values = [v for v, _ in results]
        declared = ", ".join(f"{v.type} {{{attributes}}}" for v, attributes in results)
        body = [*self.b.entry, *self.b.lines, f"return {', '.join(v.name for v in values)} : {types(values)}" if values else "return"]
        function = [f"func.func @main({', '.join(self.arguments)})" + (f" -> ({declared})" if results else "") + self.bounds() + " {",
                    *("  " + line for line in body), "}"]
        return "\n".join([*self.walker.weights.globals(), *function, *self.b.location_aliases(), ""])

    def bounds(self) -> str:
        """The sizes that the model holds for: beyond them a table's rows run out."""
        out = [f"{quoted(str(s))} = array<i64: {least}, {most}>" for s, (least, most) in self.walker.bounds.items() if least <= most]
        return f" attributes {{attnc.bounds = {{{', '.join(out)}}}}}" if out else ""


def is_formula(size: Size) -> bool:
    return isinstance(size, sympy.Expr) and not isinstance(size, sympy.Symbol)


def dims(shape) -> str:
    dynamic = [quoted(shapes.name_of(s)) for s in shape if not isinstance(s, int)]
    return f"attnc.dims = [{', '.join(dynamic)}]" if dynamic else ""


# -- sizes of inputs

def one_word(name: str) -> str:
    return re.sub(r"[^\w.+*/()-]", "_", name.strip().replace(" ", ""))[:120]


def symbol(name: str) -> sympy.Symbol:
    return sympy.Symbol(name, integer=True, nonnegative=True)


def size_of(dim, unnamed: str, plain: set[str]) -> Size:
    """A number; a name; a formula of names that other dimensions have; without any of them a size of its own."""
    if dim.HasField("dim_value"):
        if not 0 <= dim.dim_value < 2 ** 47:
            raise Unsupported(f"an input with a dimension of size {dim.dim_value}")
        return dim.dim_value
    name = one_word(dim.dim_param) or unnamed
    if name.isidentifier():
        return symbol(name)
    formula = formula_of(name)
    names = {str(s) for s in formula.free_symbols} if formula is not None and not isinstance(formula, int) else set()
    return formula if names and names <= plain else symbol(name)


def formula_of(text: str) -> Size | None:
    """Sums, differences, products and whole quotients of names and numbers; None where it is something else."""
    operations = {ast.Add: lambda x, y: x + y, ast.Sub: lambda x, y: x - y, ast.Mult: lambda x, y: x * y,
                  ast.FloorDiv: lambda x, y: sympy.Function("FloorDiv")(x, y)}

    def value(node):
        if isinstance(node, ast.Name):
            return symbol(node.id)
        if isinstance(node, ast.Constant) and type(node.value) is int and abs(node.value) < 2 ** 31:
            return node.value
        if isinstance(node, ast.BinOp) and type(node.op) in operations:
            return operations[type(node.op)](value(node.left), value(node.right))
        raise ValueError
    try:
        return shapes.canonical(shapes.size(value(ast.parse(text, mode="eval").body)))
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None
