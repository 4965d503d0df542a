"""What torch.export sees of attnc.torch: one node an operation, whose functions (a loop's body, a score) are graphs.

A higher-order operation is called as  op(options, operands, captures, *functions): `options` is JSON, `operands` are tensors,
`captures` what the functions use from outside, one after the other (torch finds them when it traces a function). Outside an export the
public functions do not come here: they run as Python, and PyTorch differentiates what they do."""
from __future__ import annotations

import contextlib
import dataclasses
import json
from typing import Any, Callable, Sequence

import torch
from torch._C import DispatchKey
from torch._dynamo._trace_wrapped_higher_order_op import TransformGetItemToIndex
from torch._dynamo.variables import higher_order_ops as dynamo
from torch._higher_order_ops.utils import _hop_compile_and_call, _maybe_run_with_interpreter, reenter_make_fx
from torch._ops import HigherOrderOperator
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.proxy_tensor import ProxyTorchDispatchMode, disable_proxy_modes_tracing, track_tensor_tree
from torch.utils import _pytree as pytree

Tensors = tuple[torch.Tensor, ...]
Options = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Definition:
    """run(options, operands, functions) computes the results; arguments(options, operands) are examples of each function's
    arguments; like(options, operands, functions) has the results' shapes. Functions are called with their own arguments."""
    name: str
    run: Callable[[Options, Tensors, list[Callable]], Tensors]
    arguments: Callable[[Options, Tensors], Sequence[tuple]]
    like: Callable[[Options, Tensors, list[Callable]], Tensors]
    scalars: bool = False  # functions of scalars: table[i] for a scalar tensor i is a read at an index, not at a number

    def reading(self) -> contextlib.AbstractContextManager:
        return TransformGetItemToIndex() if self.scalars else contextlib.nullcontext()


class Operator(HigherOrderOperator):
    def __init__(self, definition: Definition):
        super().__init__("attnc_" + definition.name)
        self.definition = definition
        self.py_impl(DispatchKey.CompositeExplicitAutograd)(self.compute)
        self.py_autograd_impl(self.differentiate)
        self.py_functionalize_impl(self.functionalize)
        self.py_impl(ProxyTorchDispatchMode)(self.trace)
        self.py_impl(FakeTensorMode)(self.shapes)
        dynamo._hop_name_to_variable_class[self.__name__] = Traced

    def __call__(self, options: str | Options, operands: Tensors, captures: tuple, /, *functions: Callable) -> Tensors:
        return super().__call__(text(options), tuple(operands), tuple(captures), *functions)

    def compute(self, options, operands, captures, *functions):
        options = json.loads(options)
        return tuple(self.definition.run(options, operands, bind(options, captures, functions)))

    def differentiate(self, options, operands, captures, *functions):
        tensors = [x for x in (*operands, *captures) if isinstance(x, torch.Tensor)]
        traced = torch._guards.detect_fake_mode(tensors) is not None
        if not traced and torch.is_grad_enabled() and any(x.requires_grad for x in tensors):
            return self.compute(options, operands, captures, *functions)
        with torch._C._AutoDispatchBelowAutograd():
            return self(options, operands, captures, *functions)

    def functionalize(self, ctx, options, operands, captures, *functions):
        operands, captures = ctx.unwrap_tensors(operands), ctx.unwrap_tensors(captures)
        with ctx.redispatch_to_next():
            functions = [ctx.functionalize(_maybe_run_with_interpreter(f)) for f in functions]
            return ctx.wrap_tensors(self(options, operands, captures, *functions))

    def trace(self, mode, options, operands, captures, *functions):
        parsed = json.loads(options)
        with disable_proxy_modes_tracing(), fresh_sizes(operands):
            examples = self.definition.arguments(parsed, operands)
            shares = split(captures, parsed["captures"])
            with self.definition.reading():
                graphs = [reenter_make_fx(f)(*example, *share) for f, example, share in zip(functions, examples, shares)]
        # Numbers in the source of a function (torch.tensor(8.0)) are captures too: a graph's own constants are lost when it is traced again.
        shares = [(*share, *take_constants(graph)) for graph, share in zip(graphs, shares)]
        options, captures = text(parsed | {"captures": [len(s) for s in shares]}), tuple(x for share in shares for x in share)
        for graph in graphs:
            mode.tracer.root.register_module(mode.tracer.get_fresh_qualname(f"{self.__name__}_graph_"), graph)
        arguments = pytree.tree_map(mode.tracer.unwrap_proxy, (options, operands, captures, *graphs))
        node = mode.tracer.create_proxy("call_function", self, arguments, {}, name=self.__name__)
        return track_tensor_tree(self(options, operands, captures, *graphs), node, constant=None, tracer=mode.tracer)

    def shapes(self, mode, options, operands, captures, *functions):
        options = json.loads(options)
        with mode, mode.shape_env.ignore_fresh_unbacked_symbols():
            return tuple(self.definition.like(options, operands, bind(options, captures, functions)))


def take_constants(graph: torch.fx.GraphModule) -> list[torch.Tensor]:
    """Makes the tensors that a graph holds its last arguments, and returns them."""
    constants = []
    for node in graph.graph.find_nodes(op="get_attr"):
        tensor = getattr(graph, node.target)
        if isinstance(tensor, torch.Tensor):
            last = graph.graph.find_nodes(op="placeholder")[-1]
            with graph.graph.inserting_after(last):
                argument = graph.graph.placeholder(f"constant_{len(constants)}")
            argument.meta = dict(node.meta)
            node.replace_all_uses_with(argument)
            graph.graph.erase_node(node)
            delattr(graph, node.target)
            constants.append(tensor)
    graph.recompile()
    return constants


def text(options: str | Options) -> str:
    return options if isinstance(options, str) else json.dumps(options)


def fresh_sizes(operands: Tensors) -> contextlib.AbstractContextManager:
    """Sizes that an example brings are its own: nothing else must know them."""
    mode = torch._guards.detect_fake_mode(operands)
    return mode.shape_env.ignore_fresh_unbacked_symbols() if mode and mode.shape_env else contextlib.nullcontext()


def split(values: Sequence, counts: Sequence[int]) -> list[tuple]:
    rest = iter(values)
    return [tuple(next(rest) for _ in range(n)) for n in counts]


def bind(options: Options, captures: Sequence, functions: Sequence[Callable]) -> list[Callable]:
    """The functions without their captures."""
    return [lambda *xs, f=f, more=more: f(*xs, *more) for f, more in zip(functions, split(captures, options["captures"]))]


def call(operator: Operator, options: Options, operands: Sequence[torch.Tensor], functions: Sequence[Callable]) -> Tensors:
    """The operation: in an export as one node, elsewhere as what it does."""
    if not torch.compiler.is_exporting():
        return tuple(operator.definition.run(options, tuple(operands), list(functions)))
    options = options | {"captures": [0] * len(functions)}
    if torch.compiler.is_dynamo_compiling():
        return operator(options, tuple(operands), (), *functions)
    return _hop_compile_and_call(lambda *xs: operator(options, xs, (), *functions), tuple(operands))


class Traced(dynamo.TorchHigherOrderOperatorVariable):
    """How torch.export's tracer meets an operation: it traces each function on example arguments, and what a function uses from
    outside becomes captures."""
    _HOP_NAME = "attnc.torch"
    _ALLOW_FALLBACK_TO_EAGER = False

    def _call_function(self, tx, args, kwargs):
        from torch._dynamo.utils import _make_inlined
        from torch._dynamo.variables.builder import wrap_fx_proxy
        options, operands, captures, *functions = dynamo.LazyVariableTracker.realize_all(tuple(args))
        parsed = json.loads(text(options.as_python_constant()))
        operands, captures = dynamo.unpack_iterable(tx, operands), dynamo.unpack_iterable(tx, captures)
        with dynamo.discard_graph_changes(tx):
            examples = _make_inlined(tx, self.value.definition.arguments)(
                dynamo.VariableTracker.build(tx, parsed), dynamo.TupleVariable(list(operands)))
            examples = [dynamo.unpack_iterable(tx, e) for e in dynamo.unpack_iterable(tx, examples)]
        nodes, shares = [], []
        for function, example, share in zip(functions, examples, split(captures, parsed["captures"])):
            node, lifted = self.graph(tx, function, [*example, *share])
            nodes.append(node)
            shares.append([*(x.as_proxy() for x in share), *lifted])
        counts = {"captures": [len(s) for s in shares]}
        arguments = (text(parsed | counts), tuple(x.as_proxy() for x in operands), tuple(x for s in shares for x in s), *nodes)
        return wrap_fx_proxy(tx, tx.output.create_proxy("call_function", self.value, arguments, {}))

    def graph(self, tx, function, arguments):
        """A function as a graph, and what it captures."""
        with self.value.definition.reading():
            _, graph, lifted = dynamo.speculate_subgraph(
                tx, function, arguments, {}, self.value.__name__, source_target=self.value, set_subgraph_inputs="flatten_manual",
                should_flatten_outputs=True, remove_consts_from_outputs=False, supports_input_mutation=True, supports_aliasing=True)
        if graph._dynamo_mutated_input_indices:
            dynamo.unimplemented(gb_type="attnc.torch: a function with effects", context=self.value.__name__, hints=[], explanation=(
                "a body or score changes a tensor from outside or an argument: carry it as a value, and return the new one"))
        module = torch.fx.GraphModule(dict(tx.output.nn_modules), graph)
        return dynamo.make_attr(tx, tx.output.install_subgraph(self.value.__name__ + "_graph", module)), list(lifted)
