"""If, Loop and Scan of ONNX: graphs in graphs, which see the names around them."""
from __future__ import annotations

from onnx import GraphProto, NodeProto

from . import control, onnx_conditions, scalar, shapes, tensor_ops
from .builder import Value
from .errors import Unsupported
from .onnx_known import Known, known
from .onnx_views import axis_of
from .onnx_walker import Node, Scope, Walker, handles


def values(w: Walker, operands) -> list[Value]:
    return [w.tensor(x) for x in operands]


@handles("If", raw=True)
def if_(w: Walker, node: Node, condition):
    branches = node["then_branch"], node["else_branch"]
    if isinstance(condition, Known) and condition.number is not None:
        return w.nested(branches[0 if condition.number else 1], [], node.scope)
    written = []
    for branch in branches:
        results: list[Value] = []
        lines = w.b.nested(lambda: results.extend(values(w, w.nested(branch, [], node.scope))))
        written.append((lines, results))
    (first, like), (second, other) = written
    if len(like) != len(other):
        raise Unsupported(f"branches of {len(like)} and {len(other)} results")
    if not like:
        return []

    def branch(lines, results):
        def write():
            w.b.lines.extend(lines)
            return results
        return write
    return control.if_else(w.b, w.tensor(condition), like, branch(first, like), branch(second, other))


def producer(graph: GraphProto, name: str) -> NodeProto | None:
    return next((n for n in graph.node if name in n.output), None)


def goes_on(w: Walker, graph: GraphProto, node: Node) -> bool:
    """Whether a loop's body always says that it goes on: its condition is the one it gets, or a constant."""
    name = graph.output[0].name if graph.output else ""
    for _ in range(len(graph.node) + 1):
        if len(graph.input) > 1 and name == graph.input[1].name:
            return True
        made = producer(graph, name)
        if made is None:
            initial = next((t for t in graph.initializer if t.name == name), None)
            found = w.constant(initial) if initial is not None else node.scope.values.get(name)
            return isinstance(found, Known) and found.number is True
        if made.op_type == "Constant" and made.attribute and made.attribute[0].name == "value":
            found = w.constant(made.attribute[0].t)
            return isinstance(found, Known) and found.number is True
        if made.op_type != "Identity" or not made.input:
            return False
        name = made.input[0]
    return False


@handles("Loop", raw=True)
def loop(w: Walker, node: Node, count, condition, *initial):
    body: GraphProto = node["body"]
    carried = values(w, initial)
    if len(body.input) != len(carried) + 2 or len(body.output) < len(carried) + 1:
        raise Unsupported(f"a Loop of {len(carried)} values whose body has {len(body.input)} inputs and {len(body.output)} results")
    runs = condition is None or isinstance(condition, Known) and condition.number is True
    if count is not None and runs and goes_on(w, body, node):
        return counted(w, node, body, count, carried)
    if len(body.output) > len(carried) + 1 and any(node.wants(k) for k in range(len(carried), len(node.outputs))):
        raise Unsupported("the rows of a Loop that may stop early, whose number depends on data: carry a tensor of full length instead")
    test = onnx_conditions.of_carried(w, node, body)
    out = tested_in_front(w, node, body, test, carried) if count is None and test else while_loop(w, node, body, count, condition, carried)
    return [*out, *[None] * (len(node.outputs) - len(out))]


def tested_in_front(w: Walker, node: Node, body: GraphProto, test: list[NodeProto], carried: list[Value]) -> list[Value]:
    """A loop whose condition is a function of what it carries."""
    def goes(xs):
        scope = Scope(node.scope.opsets, node.scope, node.scope.depth)
        scope.constants.update((t.name, t) for t in body.initializer)
        scope.values.update((o.name, x) for o, x in zip(body.output[1:], xs))
        return w.tensor(w.nodes(test, [body.output[0].name], scope)[0])

    def step(xs):
        return values(w, w.nested(body, [known("i64", 0), known("i1", True), *xs], node.scope, 1))[:len(xs)]
    return control.while_loop(w.b, carried, goes, step)


def while_loop(w: Walker, node: Node, body: GraphProto, count, condition, carried: list[Value]) -> list[Value]:
    """A loop that carries its number of steps and its condition, as ONNX has it."""
    start = values(w, [known("i64", 0), known("i1", True) if condition is None else condition])

    def goes(xs):
        more = control.truth(w.b, xs[1])
        if count is None:
            return more
        i, end = (tensor_ops.extract(w.b, tensor_ops.reshape(w.b, x, ())) for x in (xs[0], w.tensor(count)))
        return scalar.binary(w.b, "andi", more, scalar.COMPARISONS["lt"](w.b, i, end))

    def step(xs):
        out = values(w, w.nested(body, xs, node.scope))
        following = tensor_ops.elementwise(w.b, [xs[0]], (), "i64", lambda e: scalar.ARITHMETIC["add"](w.b, e, scalar.constant(w.b, 1, "i64")))
        return [following, *out[:len(carried) + 1]]
    return control.while_loop(w.b, [start[0], tensor_ops.reshape(w.b, start[1], ()), *carried], goes, step)[2:]


def rows_of(w: Walker, body: GraphProto, node: Node, arguments, skip: int, length) -> list[Value]:
    """Where the rows that a body gives go; their shapes are found by writing the body once, to nowhere."""
    made: list[Value] = []
    if len(body.output) > skip:
        w.b.nested(lambda: made.extend(values(w, w.nested(body, arguments, node.scope))[skip:]))
    return [w.b.empty((length, *x.shape), x.dtype) for x in made]


def counted(w: Walker, node: Node, body: GraphProto, count, carried: list[Value]) -> list[Value]:
    """A loop whose number of steps is known when it starts."""
    if isinstance(count, Known):
        length = count.elements[0] if len(count.elements) == 1 else -1
        length = max(length, 0) if isinstance(length, int) else length
        end = length
    else:
        end = scalar.cast(w.b, tensor_ops.extract(w.b, tensor_ops.reshape(w.b, count, ())), "index")
        if len(body.output) > len(carried) + 1:
            raise Unsupported("the rows of a Loop whose number of steps depends on data: carry a tensor of full length instead")
        length = 0
    number = lambda i: tensor_ops.from_scalar(w.b, scalar.cast(w.b, i, "i64"))
    some = known("i64", 0)
    outputs = rows_of(w, body, node, [some, known("i1", True), *carried], len(carried) + 1, length)

    def step(i, xs):
        out = values(w, w.nested(body, [number(i), known("i1", True), *xs[:len(carried)]], node.scope))[1:]
        placed = [tensor_ops.insert_slice(w.b, row, into, [i, *[0] * row.rank], [1, *row.shape]) for row, into in zip(out[len(carried):], xs[len(carried):])]
        return [*out[:len(carried)], *placed]
    if not carried and not outputs:
        return []
    return control.for_loop(w.b, end, [*carried, *outputs], step)


@handles("Scan", raw=True)
def scan(w: Walker, node: Node, *operands):
    """Carried values, then sequences; each sequence and each output may lie along another dimension, or run backwards."""
    body: GraphProto = node["body"]
    count = node["num_scan_inputs"]
    states, given = len(operands) - count, len(body.output) - (len(operands) - count)
    if not 0 < count <= len(operands) or len(body.input) != len(operands) or given < 0:
        raise Unsupported(f"a Scan of {len(operands)} operands, {count} of them sequences, whose body has {len(body.input)} inputs and {len(body.output)} results")
    choice = lambda name, n: list_of(node, name, n)
    initial, sequences = values(w, operands[:states]), values(w, operands[states:])
    backward = choice("scan_input_directions", count)
    sequences = [tensor_ops.move(w.b, x, axis_of(a, x.rank), 0) for x, a in zip(sequences, choice("scan_input_axes", count))]
    sequences = [tensor_ops.flip(w.b, x, [0]) if back else x for x, back in zip(sequences, backward)]
    length = sequences[0].shape[0]
    if any(not shapes.same(x.shape[0], length) for x in sequences):
        raise Unsupported(f"a Scan over sequences of {' and '.join(str(x.shape[0]) for x in sequences)} rows")
    some = [Value(x.name, x.dtype, x.shape[1:]) for x in sequences]
    outputs = rows_of(w, body, node, [*initial, *some], states, length)

    def step(carried, rows):
        out = values(w, w.nested(body, [*carried, *rows], node.scope))
        return out[:states], out[states:]
    carried, made = control.scan(w.b, initial, sequences, step, outputs)
    made = [tensor_ops.flip(w.b, x, [0]) if back else x for x, back in zip(made, choice("scan_output_directions", given))]
    return [*carried, *(tensor_ops.move(w.b, x, 0, axis_of(a, x.rank)) for x, a in zip(made, choice("scan_output_axes", given)))]


def list_of(node: Node, name: str, count: int) -> list[int]:
    out = node[name] if node[name] is not None else [0] * count
    if len(out) != count:
        raise Unsupported(f"{len(out)} {name} of a Scan, expected {count}")
    return out
