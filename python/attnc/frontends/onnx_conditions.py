"""The condition of a Loop. ONNX carries it: it is computed in front of the loop, and at the end of the body for the next step. Where both
are one function of the values that the loop carries, the loop can ask it in front of each step, as a while loop does."""
from __future__ import annotations

import numpy as np
from onnx import GraphProto, NodeProto

from . import onnx_file, onnx_known
from .errors import Unsupported
from .onnx_known import Known
from .onnx_walker import Node, Scope, Walker


def of_carried(w: Walker, node: Node, body: GraphProto) -> list[NodeProto] | None:
    """The nodes that compute a body's condition from what it carries; None where something else has a part in it, or where the
    condition in front of the loop is not the same function of the initial values."""
    condition, carried = body.output[0].name, [o.name for o in body.output[1:]]
    own = {i.name for i in body.input}
    if len(set(carried)) != len(carried) or condition in carried or body.input[0].name in used(body):
        return None
    producers = {o: n for n in body.node for o in n.output if o}
    nodes, read = onnx_file.needed([n for n in body.node if not any(o in carried for o in n.output)], [condition])
    made = {o for n in nodes for o in n.output}
    if any(name in own or name in producers and name not in made | set(carried) for name in read) or any(True for n in nodes for _ in onnx_file.subgraphs(n)):
        return None
    same = Same(w, node.scope, producers, dict(zip(carried, node.inputs[2:])))
    return nodes if len(node.inputs) > 1 and same.values(node.inputs[1], condition) else None


def used(body: GraphProto) -> set[str]:
    return {name for n in body.node for name in onnx_file.names_used(n)} | {o.name for o in body.output}


class Same:
    """Whether a value in front of the loop is what a value of the body is for the initial values."""

    def __init__(self, w: Walker, scope: Scope, producers: dict[str, NodeProto], start: dict[str, str]):
        self.w, self.scope, self.producers, self.start = w, scope, producers, start
        self.seen: dict[tuple[str, str], bool] = {}
        self.found: dict[str, Known | None] = {}

    def values(self, outer: str, inner: str) -> bool:
        key = outer, inner
        if key not in self.seen:
            self.seen[key] = False  # a graph without cycles does not come back here
            self.seen[key] = self._compare(outer, inner)
        return self.seen[key]

    def _compare(self, outer: str, inner: str) -> bool:
        if self.start.get(inner, inner if inner not in self.producers else None) == outer:
            return True
        first, second = self.known_outside(outer), self.known(inner)
        if first is not None and second is not None:
            return first.dtype == second.dtype and first.shape == second.shape and bool(np.all(first.array == second.array))
        if inner in self.start or inner not in self.producers:
            return False
        left, right = self.scope.producers.get(outer), self.producers[inner]
        if left is None or (left.op_type, left.domain, len(left.input)) != (right.op_type, right.domain, len(right.input)):
            return False
        text = lambda n: sorted(a.SerializeToString(deterministic=True) for a in n.attribute)
        if text(left) != text(right) or list(left.output).index(outer) != list(right.output).index(inner):
            return False
        return all(bool(x) == bool(y) and (not x or self.values(x, y)) for x, y in zip(left.input, right.input))

    def known_outside(self, name: str) -> Known | None:
        try:
            value = self.w.lookup(name, self.scope)
        except Unsupported:
            return None
        return value if isinstance(value, Known) and value.is_numbers else None

    def known(self, inner: str) -> Known | None:
        """A value of the body that is known for the initial values."""
        if inner not in self.found:
            self.found[inner] = None
            self.found[inner] = self._known(inner)
        return self.found[inner]

    def _known(self, inner: str) -> Known | None:
        if inner in self.start:
            return self.known_outside(self.start[inner])
        made = self.producers.get(inner)
        if made is None:
            return self.known_outside(inner)
        operands = [self.known(i) for i in made.input if i]
        return None if any(o is None for o in operands) else onnx_known.folded(made.op_type, operands)
