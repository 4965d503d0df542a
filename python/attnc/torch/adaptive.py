"""A loop whose rows (tokens, sequences, or the batch) stop one by one, as models.md's halting models have it."""
from __future__ import annotations

import math
from typing import Any, Callable, NamedTuple, Sequence

import torch
from torch import Tensor

from .operators import Definition, Operator, Options, Tensors, call
from .philox import uniform

Number = float | Tensor  # or a scalar tensor

MARKS = ("frozen", "free", "mean", "blend")
COMPARISONS = {"ge": torch.ge, "gt": torch.gt, "le": torch.le, "lt": torch.lt}


class Act(NamedTuple):
    """The score is a probability p; h sums it from 0. A row exits when h + p `compare` threshold (1 - ε). Its weight in mean and blend is p,
    and 1 - h where it exits; `remainder` says who gets what is left at the cap: "assign" (the last step) or "drop"."""
    threshold: Number
    compare: str = "ge"
    remainder: str = "assign"


class Geometric(NamedTuple):
    """The score is λ, the probability to exit now; stay = Π (1 - λ). A row exits when 1 - stay `compare` threshold."""
    threshold: Number
    compare: str = "ge"
    remainder: str = "assign"


class Bernoulli(NamedTuple):
    """A row exits with the probability that its score is. The draws depend on the seed, the step and the row alone (Philox)."""
    seed: int | Tensor
    stream: int = 0


class Threshold(NamedTuple):
    """A row exits when its score `compare` threshold."""
    threshold: Number
    compare: str = "ge"


class Predicate(NamedTuple):
    """The score is a bool: exit."""


class Converge(NamedTuple):
    """A row exits when ‖new - old‖ / (‖new‖ + delta) < threshold, of the `on`-th value."""
    threshold: Number
    on: int = 0
    delta: float = 0.0


Policy = Act | Geometric | Bernoulli | Threshold | Predicate | Converge
POLICIES = {Act: "act", Geometric: "geometric", Bernoulli: "bernoulli", Threshold: "threshold", Predicate: "predicate", Converge: "converge"}


def adaptive(body: Callable, halt: Policy | Callable, values: Sequence[Tensor], active: Tensor, cap: int | Tensor, *,
             marks: Sequence[str] | str = "frozen", margin: bool = False) -> tuple:
    """values, steps (and margins) of a loop that runs while a row is active, `cap` times at most.

    A row is an element of `active` (bool, of any shape: [B, T] for tokens), which says which rows run at all: padding does not.
    `body(t, running, *values)` computes one step as if every row ran: t counts from 1 (an integer tensor), `running` [rows] is bool. It
    returns the new values, and with a policy that has a score (values, score), score [rows].
    `marks`, one a value, say what rows that have stopped do: "frozen" keeps their value, "free" takes the body's; "mean" (v ← v + w · new
    while the row runs) and "blend" (v ← w · new + (1 - w) · v) sum by the weights of Act and Geometric. The leading dimensions of a
    value that is not free are the rows.
    `halt` is a policy, or `halt(t, before, after)`, which sees all values before the step and as they are carried on, and returns which rows
    exit, [rows] bool; with `margin` it returns (exit, margin).
    Returns (values, steps), steps [rows] int32; with `margin` also the distance of each row's closest decision to its threshold, [rows] f32.
    Halting compares in f32. At the cap every row stops."""
    values = tuple(values)
    policy = POLICIES.get(type(halt), "region")
    marks = [marks] * len(values) if isinstance(marks, str) else list(marks)
    options = {"policy": policy, "marks": marks, "margin": margin, "cap": None, "threshold": None, "seed": None, "operands": ["active"]}
    operands = [active]

    def add(name: str, x: Any) -> None:
        if isinstance(x, Tensor):
            options["operands"].append(name)
            operands.append(x)
        else:
            options[name] = x
    add("cap", cap)
    if policy != "region":
        for name, x in zip(halt._fields, halt):
            add(name, x)
    check(options, values, active)
    operands.extend(values)

    def flat_body(t, running, *now):
        out = body(t, running, *now)
        new, score = out if has_score(policy) else (out, None)
        new = (new,) if isinstance(new, Tensor) else tuple(new)
        if len(new) != len(values):
            raise ValueError(f"the body of adaptive returned {len(new)} values: expected {len(values)}, as it is given")
        return new if score is None else (*new, score)

    def flat_halt(t, *both):
        out = halt(t, both[:len(values)], both[len(values):])
        return tuple(out) if margin else (out,)
    results = call(ADAPTIVE, options, operands, [flat_body, flat_halt] if policy == "region" else [flat_body])
    finals, rest = results[:len(values)], results[len(values):]
    return (finals, *rest)


def has_score(policy: str) -> bool:
    return policy not in ("region", "converge")


def check(options: Options, values: Tensors, active: Tensor) -> None:
    policy, marks = options["policy"], options["marks"]
    if len(marks) != len(values):
        raise ValueError(f"{len(marks)} marks for {len(values)} values: expected one each")
    for mark, value in zip(marks, values):
        if mark not in MARKS:
            raise ValueError(f"the mark '{mark}': expected one of {', '.join(MARKS)}")
        if mark in ("mean", "blend") and policy not in ("act", "geometric"):
            raise ValueError(f"the mark '{mark}' without weights: it stands with Act or Geometric")
        if mark != "free" and tuple(value.shape[:active.ndim]) != tuple(active.shape):
            raise ValueError(f"a {mark} value of shape {list(value.shape)}: expected the rows {list(active.shape)} in front")
    if options["margin"] and policy == "predicate":
        raise ValueError("a margin with Predicate, whose comparison is the body's: use Threshold, or a halt function that returns one")
    if options.get("compare", "ge") not in COMPARISONS:
        raise ValueError(f"compare '{options['compare']}': expected one of {', '.join(COMPARISONS)}")
    if options.get("remainder", "assign") not in ("assign", "drop"):
        raise ValueError(f"remainder '{options['remainder']}': expected assign or drop")


# -- what it computes

class Decision(NamedTuple):
    """What a policy says of all rows in one step."""
    exits: Tensor
    distance: Tensor             # to the threshold
    weight: Tensor | None = None  # of mean and blend


def run(options: Options, operands: Tensors, functions: Sequence[Callable]) -> Tensors:
    given = {name: options.get(name) for name in ("cap", "threshold", "seed")} | dict(zip(options["operands"], operands))
    active, values = given["active"], operands[len(options["operands"]):]
    steps = torch.zeros(active.shape, dtype=torch.int32, device=active.device)
    margins = torch.full(active.shape, math.inf, dtype=torch.float32, device=active.device)
    sums = None  # act: h; geometric: stay
    cap = int(given["cap"])
    for t in range(1, cap + 1):
        if not bool(active.any()):
            break
        step = torch.full((), t, dtype=torch.int64, device=active.device)
        out = functions[0](step, active, *values)
        new, score = out[:len(values)], out[len(values)] if len(out) > len(values) else None
        check_step(new, values, score, active)
        decision = None
        if options["policy"] != "region":
            decision, sums = decide(options, given, t, t == cap, score, sums, values, new)
        after = tuple(merge(m, active, decision, old, x) for m, old, x in zip(options["marks"], values, new))
        if decision is None:
            decision = Decision(*(*functions[1](step, *values, *after), margins)[:2])
        values = after
        steps = steps + active.to(torch.int32)
        margins = torch.where(active, torch.fmin(margins, decision.distance.detach().float()), margins)
        active = active & ~decision.exits if t < cap else torch.zeros_like(active)
    return (*values, steps, margins) if options["margin"] else (*values, steps)


def check_step(new: Tensors, values: Tensors, score: Tensor | None, active: Tensor) -> None:
    for n, (x, old) in enumerate(zip(new, values)):
        if x.shape != old.shape or x.dtype != old.dtype:
            raise ValueError(f"the value {n} of adaptive is {old.dtype} {list(old.shape)} at first and {x.dtype} {list(x.shape)} then: "
                             f"expected one shape and type")
    if score is not None and score.shape != active.shape:
        raise ValueError(f"a score of shape {list(score.shape)}: expected one for each row, {list(active.shape)}")


def merge(mark: str, active: Tensor, decision: Decision | None, old: Tensor, new: Tensor) -> Tensor:
    """The value that is carried on."""
    if mark == "free":
        return new
    wide = lambda rows: rows.reshape(*rows.shape, *(1,) * (new.ndim - rows.ndim))
    if mark != "frozen":
        w = wide(decision.weight.to(new.dtype))
        new = old + w * new if mark == "mean" else w * new + (1 - w) * old
    return torch.where(wide(active), new, old)


def decide(options: Options, given: dict, t: int, last: bool, score: Tensor | None, sums: Tensor | None, before: Tensors,
           after: Tensors) -> tuple[Decision, Tensor | None]:
    """The decision of a policy, and its sums for the next step."""
    policy, threshold, assign = options["policy"], given["threshold"], options.get("remainder") == "assign"

    def held(x: Tensor, compare: str, limit, counts: bool) -> tuple[Tensor, Tensor]:
        distance = (x - limit).abs() if counts else torch.full_like(x, math.inf)
        limit = limit if isinstance(limit, Tensor) else torch.tensor(limit, device=x.device)
        return COMPARISONS[compare](x.float(), limit.float()), distance
    if policy == "act":
        h = torch.zeros_like(score) if sums is None else sums
        total = h + score
        exits, distance = held(total, options["compare"], threshold, not (last and assign))
        exits = exits | total.isnan()
        weight = torch.where(exits | (last and assign), 1 - h, score)
        return Decision(exits, distance, torch.where(total.isnan(), total, weight)), total
    if policy == "geometric":
        stay = torch.ones_like(score) if sums is None else sums
        left = stay * (1 - score)
        exits, distance = held(1 - left, options["compare"], threshold, not last)
        weight = torch.where(exits | last, stay, stay * score) if assign else stay * score
        return Decision(exits, distance, torch.where(left.isnan(), left, weight)), left
    if policy == "bernoulli":
        rows = torch.arange(score.numel(), device=score.device).reshape(score.shape)
        u = uniform(given["seed"], 0, t, rows, options["stream"])
        return Decision(*held(u, "lt", score.detach(), not last)), None
    if policy == "threshold":
        return Decision(*held(score, options["compare"], threshold, not last)), None
    if policy == "predicate":
        return Decision(score, torch.full(score.shape, math.inf, device=score.device)), None
    old, new = (x[options["on"]].detach().flatten(given["active"].ndim) if x[options["on"]].ndim > given["active"].ndim
                else x[options["on"]].detach().unsqueeze(-1) for x in (before, after))
    change = (new - old).norm(dim=-1) / (new.norm(dim=-1) + options["delta"])
    return Decision(*held(change, "lt", threshold, not last)), None


# -- for torch.export

def arguments(options: Options, operands: Tensors) -> list[tuple]:
    """Of the body: t, running, the values; of halt: t, the values before, and after."""
    active, values = operands[0], operands[len(options["operands"]):]
    step = lambda: active.new_zeros((), dtype=torch.int64)
    copies = lambda: tuple(x.clone() for x in values)
    body = (step(), active.clone(), *copies())
    return [body, (step(), *copies(), *copies())] if options["policy"] == "region" else [body]


def like(options: Options, operands: Tensors, functions: Sequence[Callable]) -> Tensors:
    active, values = operands[0], operands[len(options["operands"]):]
    rows = [torch.int32, torch.float32] if options["margin"] else [torch.int32]
    return (*(x.new_empty(x.shape) for x in values), *(active.new_empty(active.shape, dtype=d) for d in rows))


ADAPTIVE = Operator(Definition("adaptive", run, arguments, like))
