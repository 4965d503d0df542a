"""Walking a graph of ONNX: each node becomes what its handler writes. Handlers are registered by operation and the version since which
they hold; a node's arity, attributes and types are compared with ONNX's own schema before its handler sees it."""
from __future__ import annotations

import contextlib
import dataclasses
import difflib
import functools
import os
from typing import Any, Callable, Iterator, Sequence

import numpy as np
import onnx
import sympy
from onnx import AttributeProto, FunctionProto, GraphProto, NodeProto, TensorProto

from ..progress import progress
from . import onnx_file, onnx_known, onnx_schema, scalar, shapes, tensor_ops
from .builder import Builder, Value
from .errors import Problem, Unsupported
from .onnx_known import Known
from .places import Place
from .shapes import Size
from .weights import Weights

Operand = Value | Known
Handler = Callable[..., Any]
MOST_NODES = 200_000  # with functions and nested graphs written out
DEEPEST = 32          # functions in functions


@dataclasses.dataclass(frozen=True)
class Entry:
    """A handler, and which operands it takes as lists of sizes, and which as they are: a Known stays one."""
    handler: Handler
    sizes: frozenset[int]
    raw: bool


HANDLERS: dict[str, dict[int, Entry]] = {}  # operation → since → f(walker, node, *operands)
INSTEAD = {  # what works where these do not
    "NonZero": "mask the elements instead of selecting them", "Compress": "mask the elements instead of selecting them",
    "Unique": "the size of the result depends on data", "NonMaxSuppression": "the size of the result depends on data",
    "ConvTranspose": "attnc has Conv",
    "QuantizeLinear": "export the model in f32, f16 or bf16", "DequantizeLinear": "export the model in f32, f16 or bf16",
    "DynamicQuantizeLinear": "export the model in f32, f16 or bf16", "MatMulInteger": "export the model in f32, f16 or bf16",
}


def handles(*operations: str, since: int = 1, sizes: Sequence[int] = (), raw: bool = False):
    def add(f: Handler) -> Handler:
        for name in operations:
            HANDLERS.setdefault(name, {})[since] = Entry(f, frozenset(sizes), raw)
        return f
    return add


class Missing:
    """The value of a node that could not be imported: what depends on it is not blamed again."""


MISSING = Missing()


class Stopped(Exception):
    """A nested graph that could not be imported; why has been noted."""


@dataclasses.dataclass
class Node:
    """A node behind its checks."""
    operation: str
    since: int
    name: str
    inputs: list[str]
    outputs: list[str]  # "" where nobody reads one
    attributes: dict[str, Any]
    scope: "Scope"

    def __getitem__(self, name: str) -> Any:
        return self.attributes.get(name)

    def wants(self, output: int) -> bool:
        return output < len(self.outputs) and bool(self.outputs[output])

    def gives_only_first(self, what: str) -> None:
        if any(self.wants(i) for i in range(1, len(self.outputs))):
            raise Unsupported(f"{what} as a result; attnc has the first result alone")


class Scope:
    """Names of a graph; a nested graph sees those around it, a function does not."""

    def __init__(self, opsets: dict[str, int], outer: "Scope | None" = None, depth: int = 0):
        self.values: dict[str, Any] = {}
        self.constants: dict[str, TensorProto] = {}
        self.producers: dict[str, NodeProto] = {}
        self.references: dict[str, AttributeProto] = {}  # what a function was called with
        self.opsets, self.outer, self.depth = opsets, outer, depth
        if outer:
            self.references = outer.references


class Walker:
    """Writes the nodes of a graph."""

    def __init__(self, builder: Builder, model: onnx.ModelProto, path: str):
        self.b, self.weights, self.path, self.folder = builder, Weights(), path, os.path.dirname(path)
        self.problems: list[Problem] = []
        self.bounds: dict[sympy.Symbol, list[int]] = {}  # least and most of what a size may be
        self.functions = {(f.domain, f.name, f.overload): f for f in model.functions}
        self.truths: dict[str, Value] = {}  # integers that are 0 or 1, by name: what they are casts of
        self.joined: dict[str, tuple[int, list[Value]]] = {}  # what Concat made, by name: along which axis, of what
        self._walked = 0
        self._made: dict[int, tuple[Known, Value]] = {}
        self._constants: dict[int, tuple[TensorProto, Operand]] = {}  # a tensor that is held keeps its id
        self._names: set[str] = set()

    @functools.cached_property
    def places(self) -> dict[str, Place]:
        """Where the file has its weights, those that are in it as raw bytes."""
        return onnx_file.raw_places(self.path)

    # -- graphs

    def graph(self, graph: GraphProto, arguments: Sequence[Operand], scope: Scope, first: int = 0) -> list[Operand]:
        """The results of a graph on operands, in its scope, from the first that is asked for."""
        initial = {t.name for t in graph.initializer}
        inputs = [i for i in graph.input if i.name not in initial]
        if len(inputs) != len(arguments):
            raise Unsupported(f"a nested graph of {len(inputs)} inputs is given {len(arguments)}")
        scope.constants.update((t.name, t) for t in graph.initializer)
        scope.values.update((i.name, a) for i, a in zip(inputs, arguments))
        if graph.sparse_initializer:
            raise Unsupported("sparse initializers; attnc has dense ones")
        return self.nodes(graph.node, [o.name for o in graph.output[first:]], scope)

    def nodes(self, nodes, outputs: Sequence[str], scope: Scope) -> list[Operand]:
        kept, read = onnx_file.needed(nodes, outputs)
        scope.producers.update((o, proto) for proto in kept for o in proto.output)
        for number, proto in enumerate(kept):
            progress.step(number, len(kept), f"importing {onnx_file.printable(proto.name or proto.op_type)}")
            self._walked += 1
            if self._walked > MOST_NODES:
                raise Unsupported(f"more than {MOST_NODES} nodes, with functions and nested graphs written out")
            results = self.guarded(proto, scope, [o if o in read else "" for o in proto.output])
            scope.values.update((o, r) for o, r in zip(proto.output, results) if o)
        return [self.lookup(o, scope) for o in outputs]

    def lookup(self, name: str, scope: Scope) -> Operand:
        at: Scope | None = scope
        while at:
            if name in at.values:
                return at.values[name]
            if name in at.constants:
                at.values[name] = self.constant(at.constants[name])
                return at.values[name]
            at = at.outer
        raise Unsupported(f"the value '{onnx_file.printable(name)}' is not there: no input, initializer or node in front has this name")

    def nested(self, graph: GraphProto, arguments: Sequence[Operand], scope: Scope, first: int = 0) -> list[Operand]:
        """A graph of an attribute. Its own problems are told; the node around it then has no value."""
        out = self.graph(graph, arguments, Scope(scope.opsets, scope, scope.depth), first)
        if any(x is MISSING for x in out):
            raise Stopped
        return out

    def guarded(self, proto: NodeProto, scope: Scope, outputs: list[str]) -> list[Any]:
        """A node's results; a problem is noted, and its results are missing."""
        file, line, function = onnx_file.source_line(proto)
        missing = [MISSING] * len(outputs)
        try:
            operands = [self.lookup(i, scope) if i else None for i in proto.input]
            if any(o is MISSING for o in operands):
                return missing
            with self.b.at(*((file, line) if file else (onnx_file.printable(proto.name), 0))):
                return self.node(proto, operands, scope, outputs)
        except Stopped:
            return missing
        except Unsupported as problem:
            why = str(problem)
        except RecursionError:
            raise
        except (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError) as problem:
            # What the schema does not say, handlers take for granted: a damaged node breaks it.
            why = f"the node is not as ONNX defines it ({type(problem).__name__}: {str(problem)[:200]})"
        place = f"File {file}, line {line}, in {function}" if file else ""
        modules = next((p.value for p in proto.metadata_props if p.key == "namespace"), "").lstrip(": ")
        operation, name = map(onnx_file.printable, (proto.op_type, proto.name))
        self.problems.append(Problem(why, f"{operation} (node {name})", ", ".join(filter(None, (onnx_file.printable(modules), place)))))
        return missing

    # -- nodes

    def node(self, proto: NodeProto, operands: list, scope: Scope, outputs: list[str]) -> list[Any]:
        function = self.functions.get((proto.domain, proto.op_type, proto.overload))
        if function is not None:
            return self.call(function, attributes_of(proto, scope), operands, scope)
        domain = "" if proto.domain == "ai.onnx" else proto.domain
        version = scope.opsets.get(domain)
        if domain or version is None:
            raise Unsupported(f"unsupported operation of the domain '{domain[:80]}'; attnc has those of ai.onnx, and functions in the model")
        schema = onnx_schema.schema_of(proto.op_type, version)
        if schema is None:
            raise Unsupported(f"ONNX has no such operation in opset {version}")
        given = attributes_of(proto, scope)
        onnx_schema.check(schema, given, operands, len(proto.output))
        attributes = {name: onnx_file.attribute_value(a) for name, a in [*onnx_schema.defaults(schema).items(), *given.items()]}
        node = Node(proto.op_type, schema.since_version, proto.name, list(proto.input), outputs, attributes, scope)
        entry = entry_of(node.operation, node.since)
        if entry is None:
            return self.defined(schema, given, operands, scope, version)
        result = self.folded(node, operands)
        if result is None:
            result = entry.handler(self, node, *self.arguments(entry, schema, operands))
        return result if isinstance(result, (list, tuple)) else [result]

    def arguments(self, entry: Entry, schema, operands: list) -> list[Any]:
        """Operands as a handler takes them; those that are left out are None."""
        def one(i, x):
            if x is None or entry.raw and i not in entry.sizes:
                return x
            return self.sizes(x) if i in entry.sizes else self.tensor(x)
        variadic = schema.inputs and schema.inputs[-1].option == onnx.defs.OpSchema.FormalParameterOption.Variadic
        padded = operands if variadic else [*operands, *[None] * (len(schema.inputs) - len(operands))]
        return [one(i, x) for i, x in enumerate(padded)]

    def folded(self, node: Node, operands: list) -> Known | None:
        return onnx_known.folded(node.operation, operands) if all(isinstance(o, Known) for o in operands) else None

    def call(self, function: FunctionProto, given: dict[str, AttributeProto], operands: list, scope: Scope) -> list[Any]:
        """A function of the model, written out."""
        if scope.depth >= DEEPEST:
            raise Unsupported(f"functions that call each other more than {DEEPEST} deep")
        inner = Scope({"" if o.domain == "ai.onnx" else o.domain: o.version for o in function.opset_import}, depth=scope.depth + 1)
        if inner.opsets.get("") is not None and inner.opsets[""] not in onnx_file.OPSETS:
            raise Unsupported(f"a function of opset {inner.opsets['']}: attnc reads {onnx_file.OPSETS[0]} to {onnx_file.OPSETS[-1]}")
        inner.references = {a.name: a for a in function.attribute_proto} | given
        if len(operands) > len(function.input):
            raise Unsupported(f"{len(operands)} operands for a function of {len(function.input)}")
        inner.values.update((name, x) for name, x in zip(function.input, [*operands, *[None] * len(function.input)]) if x is not None)
        return self.nodes(function.node, function.output, inner)

    def defined(self, schema, given, operands, scope: Scope, version: int) -> list[Any]:
        """An operation without a handler that ONNX defines by others."""
        versions = [v for v in schema.function_opset_versions if v <= version] if schema.has_function else []
        if not versions or schema.name in INSTEAD:
            raise Unsupported(f"unsupported operation{nearest(schema.name)}")
        function = FunctionProto.FromString(schema.get_function_with_opset_version(max(versions)))
        inner = {name: a for name, a in [*onnx_schema.defaults(schema).items(), *given.items()]}
        return self.call(function, inner, operands, scope)

    # -- values

    def constant(self, tensor: TensorProto, name: str = "") -> Operand:
        """A tensor of the file: a Known where it is small and of integers or one number, bools that are all the same one
        such (exporters fold masks that hide nothing), else a weight."""
        if id(tensor) not in self._constants:
            stored = onnx_file.stored(tensor, self.folder)
            small = stored.count <= (1 if scalar.is_float(stored.dtype) else 64)
            if small:
                made = onnx_known.from_numbers(stored.dtype, stored.array())
            elif stored.dtype == "i1" and (array := stored.array()).min() == array.max():
                with self.at_entry():
                    made = tensor_ops.full(self.b, stored.shape, "i1", bool(array.flat[0]))
            else:
                unique = self.unique(tensor.name or name or "constant")
                made = self.weights.load(self.b, unique, stored.dtype, stored.shape, stored.data, lambda: self.places.get(tensor.name))
            self._constants[id(tensor)] = tensor, made
        return self._constants[id(tensor)][1]

    def unique(self, name: str) -> str:
        """A name of the module: functions and nested graphs may repeat one."""
        name = onnx_file.printable(name)
        out, n = name, 1
        while out in self._names:
            out, n = f"{name}.{n}", n + 1
        self._names.add(out)
        return out

    @contextlib.contextmanager
    def at_entry(self) -> Iterator[None]:
        """What is written inside stands in front of the function, where everything sees it."""
        before, self.b.lines = self.b.lines, self.b.entry
        try:
            yield
        finally:
            self.b.lines = before

    def tensor(self, x: Operand) -> Value:
        """A Known as a tensor of the module."""
        if not isinstance(x, Known):
            return x
        if id(x) not in self._made:
            with self.at_entry():
                self._made[id(x)] = (x, self._make(x))
        return self._made[id(x)][1]

    def _make(self, x: Known) -> Value:
        elements = x.elements
        if not elements:
            return self.b.empty(x.shape, x.dtype)
        if x.is_numbers and all(e == elements[0] for e in elements):
            return tensor_ops.full(self.b, x.shape, x.dtype, elements[0])
        if x.is_numbers:
            return self.b.tensor(f"arith.constant dense<{dense(x.array, x.dtype)}> : {shapes.type_text(x.shape, x.dtype)}", x.shape, x.dtype)
        parts = [scalar.cast(self.b, self.b.index(e), x.dtype).name for e in elements]
        return self.b.tensor(f"tensor.from_elements {', '.join(parts)} : {shapes.type_text(x.shape, x.dtype)}", x.shape, x.dtype)

    def sizes(self, x: Operand) -> list[Size]:
        """The elements of an integer tensor that says a shape, axes or bounds."""
        if not isinstance(x, Known):
            raise Unsupported("a shape, axis or bound that depends on data: expected constants and sizes of the inputs")
        return x.elements

    # -- sizes

    def broadcast(self, *given: Sequence[Size]) -> tuple[Size, ...]:
        """The shape of operands together. A size that is no number is taken to differ from 1."""
        rank = max(map(len, given))
        out = []
        for together in zip(*((1,) * (rank - len(s)) + tuple(s) for s in given)):
            wide = [s for s in together if s != 1] or [1]
            if any(not shapes.same(s, wide[0]) for s in wide):
                raise Unsupported(f"shapes {' and '.join(str(list(s)) for s in given)}, whose sizes do not show that they are equal: give them one name (dim_param)")
            out.append(wide[0])
        return tuple(out)

    def require(self, value: Size, least: int = 0, most: int = 2 ** 47) -> bool:
        """Notes that the model holds for these sizes alone; False where that cannot be said of this one."""
        more, scaled = value.as_coeff_Add()
        factor, symbol = scaled.as_coeff_Mul()
        if not isinstance(symbol, sympy.Symbol) or not factor.is_Integer or factor <= 0 or not more.is_Integer:
            return False
        bound = self.bounds.setdefault(symbol, [0, 2 ** 47])
        bound[0] = max(bound[0], -((int(more) - least) // int(factor)))
        bound[1] = min(bound[1], (most - int(more)) // int(factor))
        return True


def dense(value, dtype: str) -> str:
    """Numbers as dense<…> has them; `value` is an array, or one of its elements."""
    if isinstance(value, np.ndarray) and value.ndim:
        return "[" + ", ".join(dense(v, dtype) for v in value) + "]"
    value = value.item() if isinstance(value, np.ndarray) else value
    if dtype == "i1":
        return "true" if value else "false"
    return scalar.float_text(value, dtype) if scalar.is_float(dtype) else str(value)


def entry_of(operation: str, since: int) -> Entry | None:
    versions = [v for v in HANDLERS.get(operation, {}) if v <= since]
    return HANDLERS[operation][max(versions)] if versions else None


def nearest(operation: str) -> str:
    if operation in INSTEAD:
        return f": {INSTEAD[operation]}"
    close = difflib.get_close_matches(operation, HANDLERS, 3, 0.7)
    return f"; attnc has {', '.join(close)}" if close else ""


def attributes_of(proto: NodeProto, scope: Scope) -> dict[str, AttributeProto]:
    """A node's attributes; in a function some are those that it was called with."""
    out = {}
    for a in proto.attribute:
        if not a.ref_attr_name:
            out[a.name] = a
        elif a.ref_attr_name in scope.references:
            out[a.name] = scope.references[a.ref_attr_name]
    return out
