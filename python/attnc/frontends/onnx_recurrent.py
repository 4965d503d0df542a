"""LSTM, GRU and RNN of ONNX as loops over the rows of a sequence; what depends on the input alone is one product in front of the loop."""
from __future__ import annotations

from typing import Callable, Sequence

from . import control, products, scalar, shapes, tensor_ops
from .builder import Builder, Value
from .errors import Unsupported
from .onnx_ops import elementwise
from .onnx_walker import Node, Walker, handles
from .scalar import ARITHMETIC

Cell = Callable[[Walker, Value, list[Value], Value, Value], list[Value]]  # W x + bias, state, R, bias of R → state
FUNCTIONS = {"sigmoid": ARITHMETIC["sigmoid"], "tanh": ARITHMETIC["tanh"], "relu": ARITHMETIC["relu"]}


def gates(w: Walker, x: Value, count: int) -> list[Value]:
    """[B, count · H] in parts of H."""
    width = shapes.divide(x.shape[1], count)
    return [tensor_ops.slice_along(w.b, x, 1, k * width, width) for k in range(count)]


def lstm(w: Walker, x: Value, state: list[Value], recurrent: Value, bias: Value) -> list[Value]:
    """i, o, f = σ(…), c' = f c + i tanh(…), h' = o tanh(c')"""
    h, c = state
    i, o, f, g = gates(w, tensor_ops.arithmetic(w.b, "add", x, products.linear(w.b, h, recurrent, bias)), 4)
    op = ARITHMETIC

    def cell(b: Builder, i, f, g, c):
        kept = op["mul"](b, op["sigmoid"](b, f), c)
        return op["add"](b, kept, op["mul"](b, op["sigmoid"](b, i), op["tanh"](b, g)))
    c = elementwise(w, [i, f, g, c], lambda *es: cell(w.b, *es))
    return [elementwise(w, [o, c], lambda o, c: op["mul"](w.b, op["sigmoid"](w.b, o), op["tanh"](w.b, c))), c]


def gru(reset_behind: bool) -> Cell:
    """z, r = σ(…), h' = (1 - z) tanh(x + …) + z h. The reset gate scales R h + bias (behind the product), or h in front of it."""
    def cell(w: Walker, x: Value, state: list[Value], recurrent: Value, bias: Value) -> list[Value]:
        h, = state
        width = h.shape[1]
        op = ARITHMETIC
        part = lambda v, start, count: tensor_ops.slice_along(w.b, v, 0, start * width, count * width)
        xz, xr, xn = gates(w, x, 3)
        if reset_behind:
            hz, hr, hn = gates(w, products.linear(w.b, h, recurrent, bias), 3)
        else:
            hz, hr = gates(w, products.linear(w.b, h, part(recurrent, 0, 2), part(bias, 0, 2)), 2)
            reset = elementwise(w, [xr, hr, h], lambda x, y, h: op["mul"](w.b, op["sigmoid"](w.b, op["add"](w.b, x, y)), h))
            hn = products.linear(w.b, reset, part(recurrent, 2, 1), part(bias, 2, 1))

        def new(xn, hn, xr, hr):
            scaled = op["mul"](w.b, op["sigmoid"](w.b, op["add"](w.b, xr, hr)), hn) if reset_behind else hn
            return op["tanh"](w.b, op["add"](w.b, xn, scaled))
        n = elementwise(w, [xn, hn, xr, hr], new)

        def mix(xz, hz, n, h):
            z = op["sigmoid"](w.b, op["add"](w.b, xz, hz))
            return op["add"](w.b, op["mul"](w.b, op["sub"](w.b, scalar.constant(w.b, 1, z.dtype), z), n), op["mul"](w.b, z, h))
        return [elementwise(w, [xz, hz, n, h], mix)]
    return cell


def rnn(activation: str) -> Cell:
    """h' = f(W x + R h + bias)"""
    def cell(w: Walker, x: Value, state: list[Value], recurrent: Value, bias: Value) -> list[Value]:
        h = products.linear(w.b, state[0], recurrent, bias)
        return [elementwise(w, [x, h], lambda p, q: FUNCTIONS[activation](w.b, ARITHMETIC["add"](w.b, p, q)))]
    return cell


def one_direction(w: Walker, x: Value, weight: Value, recurrent: Value, bias: Value | None, initial: list[Value], cell: Cell, back: bool) -> tuple[Value, list[Value]]:
    """Rows [T, B, H] and the last state."""
    length, batch = x.shape[:2]
    width = recurrent.shape[1]
    count = recurrent.shape[0]
    half = lambda k: tensor_ops.slice_along(w.b, bias, 0, k * count, count) if bias is not None else tensor_ops.full(w.b, (count,), x.dtype, 0)
    given, inner = products.linear(w.b, x, weight, half(0)), half(1)

    def step(carried, rows):
        state = cell(w, rows[0], carried, recurrent, inner)
        return state, [state[0]]
    state, made = control.scan(w.b, initial, [given], step, [w.b.empty((length, batch, width), x.dtype)], reverse=back)
    return made[0], state


def check(node: Node, x: Value, weight: Value, recurrent: Value, bias: Value | None, count: int, functions: Sequence[str]) -> int:
    """The number of directions."""
    directions = {"forward": 1, "reverse": 1, "bidirectional": 2}.get(node["direction"])
    hidden = recurrent.shape[2] if recurrent.rank == 3 else None
    if directions is None or x.rank != 3 or weight.rank != 3 or not isinstance(hidden, int) or node["hidden_size"] not in (None, hidden) \
            or recurrent.shape != (directions, count * hidden, hidden) or weight.shape != (directions, count * hidden, x.shape[2]) \
            or bias is not None and bias.shape != (directions, 2 * count * hidden):
        raise Unsupported(f"{node.operation} of {list(x.shape)} with weights of {list(weight.shape)} and {list(recurrent.shape)}")
    given = [name.lower() for name in node["activations"] or functions * directions][:len(functions) * directions]
    if given != [*functions] * directions or node["activation_alpha"] or node["activation_beta"]:
        raise Unsupported(f"{node.operation} with the activations {given}; attnc has {', '.join(functions)}")
    for name in ("clip", "layout", "input_forget"):
        if node[name]:
            raise Unsupported(f"{node.operation} with {name}={node[name]}; attnc has 0")
    return directions


def recurrent_layer(w: Walker, node: Node, x: Value, weight: Value, recurrent: Value, bias: Value | None, lengths, initial: list[Value | None],
                    count: int, cell: Cell, functions: Sequence[str]) -> list[Value]:
    directions = check(node, x, weight, recurrent, bias, count, functions)
    if lengths is not None:
        raise Unsupported(f"{node.operation} with lengths of sequences: mask the results instead")
    batch, hidden = x.shape[1], recurrent.shape[2]
    for h in initial:
        if h is not None and (h.rank != 3 or not all(map(shapes.same, h.shape, (directions, batch, hidden)))):
            raise Unsupported(f"{node.operation} from a state of {list(h.shape)}: expected {[directions, batch, hidden]}")
    rows, states = [], []
    for d in range(directions):
        of = lambda v: tensor_ops.select(w.b, v, 0, d)
        start = [tensor_ops.full(w.b, (batch, hidden), x.dtype, 0) if h is None else of(h) for h in initial]
        back = node["direction"] == "reverse" or d == 1
        made, state = one_direction(w, x, of(weight), of(recurrent), None if bias is None else of(bias), start, cell, back)
        rows.append(tensor_ops.reshape(w.b, made, (made.shape[0], 1, batch, hidden)))
        states.append([tensor_ops.reshape(w.b, s, (1, batch, hidden)) for s in state])
    return [tensor_ops.concat(w.b, rows, 1), *(tensor_ops.concat(w.b, list(s), 0) for s in zip(*states))]


@handles("LSTM")
def lstm_layer(w, node, x, weight, recurrent, bias, lengths, h, c, peepholes):
    if peepholes is not None:
        raise Unsupported("LSTM with peepholes; attnc has plain ones")
    return recurrent_layer(w, node, x, weight, recurrent, bias, lengths, [h, c], 4, lstm, ("sigmoid", "tanh", "tanh"))


@handles("GRU")
def gru_layer(w, node, x, weight, recurrent, bias, lengths, h):
    return recurrent_layer(w, node, x, weight, recurrent, bias, lengths, [h], 3, gru(bool(node["linear_before_reset"])), ("sigmoid", "tanh"))


@handles("RNN")
def rnn_layer(w, node, x, weight, recurrent, bias, lengths, h):
    name = (node["activations"] or ["tanh"])[0].lower()
    if name not in FUNCTIONS:
        raise Unsupported(f"RNN with the activation '{name[:20]}'; attnc has {', '.join(FUNCTIONS)}")
    return recurrent_layer(w, node, x, weight, recurrent, bias, lengths, [h], 1, rnn(name), (name,))
