"""A scan over the blocks of a sequence with carried state: memories that feed back from segment to segment (models.md B)."""
from __future__ import annotations

from typing import Callable, Sequence

import torch
from torch import Tensor

from .operators import Definition, Operator, Options, Tensors, call


def segment(body: Callable, blocks: Sequence[Tensor] | Tensor, state: Sequence[Tensor], size: int, *, dim: int | Sequence[int] = 1,
            out_dim: int | Sequence[int] | None = None, partial: str = "update") -> tuple[Tensors, Tensors]:
    """outputs and the last state of a loop over the blocks of `size` rows that `blocks` are cut into along `dim`.

    `body(n, *blocks, *state)` computes one block: n is its number from 0 (an integer tensor). It returns (outputs, state): outputs with as many
    rows as the block, which are laid end to end along `out_dim` (by default `dim`), and the new state, in the shape that it has. The last
    block may be shorter: `partial` says whether it changes the state as any other ("update") or leaves it as it was ("keep").
    `dim` and `out_dim` are one number for all, or one each. With no rows the outputs are empty and the state is unchanged."""
    blocks, state = (blocks,) if isinstance(blocks, Tensor) else tuple(blocks), tuple(state)
    dims = [dim] * len(blocks) if isinstance(dim, int) else list(dim)
    dims = [d % x.ndim for d, x in zip(dims, blocks)]
    out_dims = dims[0] if out_dim is None else out_dim if isinstance(out_dim, int) else list(out_dim)
    if partial not in ("keep", "update"):
        raise ValueError(f"partial '{partial}': expected keep or update")
    if size < 1:
        raise ValueError(f"blocks of {size} rows: expected 1 or more")
    for n, (d, x) in enumerate(zip(dims, blocks)):
        if x.shape[d] != blocks[0].shape[dims[0]]:
            raise ValueError(f"block input {n} has {x.shape[d]} rows along {d}: expected {blocks[0].shape[dims[0]]}, as the first has")

    def flat_body(rows, n, *given):
        outputs, new = body(n, *given)
        outputs, new = ((x,) if isinstance(x, Tensor) else tuple(x) for x in (outputs, new))
        if len(new) != len(state):
            raise ValueError(f"the body of segment returned {len(new)} states: expected {len(state)}, as it is given")
        return (*outputs, *new)
    options = {"size": size, "dims": dims, "out_dims": out_dims, "partial": partial, "blocks": len(blocks)}
    results = call(SEGMENT, options, (*blocks, *state), [flat_body])
    outputs = len(results) - len(state)
    return results[:outputs], results[outputs:]


def output_dims(options: Options, outputs: Tensors) -> list[int]:
    dims = options["out_dims"]
    return [d % x.ndim for d, x in zip([dims] * len(outputs) if isinstance(dims, int) else dims, outputs)]


def run(options: Options, operands: Tensors, functions: Sequence[Callable]) -> Tensors:
    inputs, state = operands[:options["blocks"]], operands[options["blocks"]:]
    size, dims = options["size"], options["dims"]
    length, parts = inputs[0].shape[dims[0]], []
    for start in range(0, max(length, 1), size):  # no rows: one block of none says what shape empty outputs have
        rows = min(size, length - start)
        number = torch.full((), start // size, dtype=torch.int64, device=inputs[0].device)
        out = functions[0](rows, number, *(x.narrow(d, start, rows) for x, d in zip(inputs, dims)), *state)
        outputs, new = out[:len(out) - len(state)], out[len(out) - len(state):]
        check(options, outputs, new, state, rows)
        parts.append(outputs)
        if rows == size or (rows and options["partial"] == "update"):
            state = tuple(new)
    return (*(torch.cat(ys, d) for ys, d in zip(zip(*parts), output_dims(options, parts[0]))), *state)


def check(options: Options, outputs: Tensors, new: Tensors, state: Tensors, rows: int) -> None:
    for n, (x, d) in enumerate(zip(outputs, output_dims(options, outputs))):
        if x.shape[d] != rows:
            raise ValueError(f"the output {n} of segment has {x.shape[d]} rows along {d}: expected {rows}, as its block has")
    for n, (x, old) in enumerate(zip(new, state)):
        if x.shape != old.shape or x.dtype != old.dtype:
            raise ValueError(f"the state {n} of segment is {old.dtype} {list(old.shape)} at first and {x.dtype} {list(x.shape)} then: "
                             f"expected one shape and type")


# -- for torch.export

def arguments(options: Options, operands: Tensors) -> list[tuple]:
    """How many rows the block has, which no example knows; its number, the blocks, the state."""
    inputs, state = operands[:options["blocks"]], operands[options["blocks"]:]
    rows = inputs[0].new_empty((), dtype=torch.int64).item()
    blocks = tuple(x.new_empty((*x.shape[:d], rows, *x.shape[d + 1:])) for x, d in zip(inputs, options["dims"]))
    return [(rows, inputs[0].new_zeros((), dtype=torch.int64), *blocks, *(x.clone() for x in state))]


def like(options: Options, operands: Tensors, functions: Sequence[Callable]) -> Tensors:
    inputs, state = operands[:options["blocks"]], operands[options["blocks"]:]
    length = inputs[0].shape[options["dims"][0]]
    out = functions[0](*arguments(options, operands)[0])
    outputs = out[:len(out) - len(state)]
    whole = [x.new_empty((*x.shape[:d], length, *x.shape[d + 1:])) for x, d in zip(outputs, output_dims(options, outputs))]
    return (*whole, *(x.new_empty(x.shape) for x in state))


SEGMENT = Operator(Definition("segment", run, arguments, like))
