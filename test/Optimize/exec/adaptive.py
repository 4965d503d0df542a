"""loop.adaptive through the compiled pipeline against its definition: every policy with every mark that it takes, rows of rank
0 to 2, padding, all rows halted at the first step, none before the cap, no rows, a NaN in one row."""
import dataclasses
import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "Models"))
import philox
from package import Package, compare

CAP, WIDTH, SEED, STREAM = 5, 3, 0xFEDCBA9876543210, 7
WEIGHED = ("act", "geometric")


@dataclasses.dataclass(frozen=True)
class Loop:
    policy: str
    rank: int = 2
    compare: str = "ge"
    remainder: str = "assign"

    @property
    def name(self):
        return f"{self.policy}_{self.compare}_{self.remainder}_{self.rank}"


LOOPS = [Loop(p, r) for p in ("act", "geometric", "bernoulli", "threshold", "predicate", "converge", "region") for r in (2, 1, 0)]
LOOPS += [Loop(p, 2, c, m) for p in WEIGHED for c, m in (("gt", "assign"), ("ge", "drop"), ("gt", "drop"))]
LOOPS += [Loop("threshold", 2, c) for c in ("gt", "le", "lt")]


# ---------------------------------------------------------------------------------------------------------------------
# The model

def tensor(loop, *extra, of="f32"):
    return "tensor<" + "".join(f"{n}x" for n in ["?"] * loop.rank + list(extra)) + of + ">"


def generic(loop, result, operands, out, body, value, extra=0):
    """Lines of an elementwise op over the rows, and `extra` dimensions behind them; operands [(name, value, type)], those
    of the rows' rank have no more."""
    at = [f"d{i}" for i in range(loop.rank + extra)]
    index = lambda type: ", ".join(at[:type.count("x") if "xi" in type or "xf" in type else 0])
    types = [t for _, _, t in operands] + [out]
    maps = ", ".join(f"affine_map<({', '.join(at)}) -> ({index(t)})>" for t in types)
    element = lambda t: t[t.rfind("x") + 1:-1] if "x" in t else t[7:-1]
    sizes = "" if loop.rank == 0 else ", ".join(f"%n{i}" for i in range(loop.rank))
    given = f"ins({', '.join(v for _, v, _ in operands)} : {', '.join(t for _, _, t in operands)}) " if operands else ""
    parallel = ", ".join(['"parallel"'] * len(at))
    arguments = ", ".join([f"{n}: {element(t)}" for n, _, t in operands] + [f"%out_: {element(out)}"])
    return [f"{result}_e = tensor.empty({sizes}) : {out}",
            f"{result} = linalg.generic {{indexing_maps = [{maps}], iterator_types = [{parallel}]}} "
            f"{given}outs({result}_e : {out}) {{", f"^bb0({arguments}):", *[f"  {line}" for line in body],
            f"  linalg.yield {value} : {element(out)}", f"}} -> {out}"]


def entry(loop):
    row, on, value, many = tensor(loop), tensor(loop, of="i1"), tensor(loop, WIDTH), tensor(loop, CAP)
    steps, dims = tensor(loop, of="i32"), ["B", "T"][:loop.rank]
    weighed = loop.policy in WEIGHED
    named = lambda name, type, dims=dims: f'{type} {{attnc.name = "{name}"' + (
        f', attnc.dims = [{", ".join(chr(34) + d + chr(34) for d in dims)}]' if dims else "") + "}"
    options = {"act": "threshold(%limit)", "geometric": "threshold(%limit)", "threshold": "threshold(%limit)",
               "converge": "threshold(%limit) on(0) delta(0.01)", "bernoulli": f"seed(%seed) stream({STREAM})"}.get(loop.policy, "")
    if loop.compare != "ge":
        options += f" compare({loop.compare})"
    if loop.remainder != "assign":
        options += f" remainder({loop.remainder})"
    margin = "" if loop.policy == "predicate" else " margin"
    carried = {"a": ("frozen", value), "b": ("free", value)}
    if weighed:
        carried |= {"c": ("mean", value), "d": ("blend", value)}
    carried |= {"e": ("frozen", row), "n": ("free", "i32")}
    lines = ["%one = arith.constant 1 : index", "%unit = arith.constant 1 : i32", "%zero = arith.constant 0 : i32",
             "%nothing = arith.constant 0.0 : f32", f"%seed = arith.constant 0x{SEED:X} : i64"]
    lines += [f"%i{i} = arith.constant {i} : index" for i in range(loop.rank)]
    lines += [f"%n{i} = tensor.dim %x, %i{i} : {value}" for i in range(loop.rank)]
    lines += generic(loop, "%rows", [("%p", "%present", steps)], on, ["%r = arith.cmpi ne, %p, %zero : i32"], "%r")
    lines += generic(loop, "%start", [], row, [], "%nothing")
    inits = {"a": "%x0", "b": "%x0", "c": "%x0", "d": "%x0", "e": "%start", "n": "%zero"}
    results = [f"%{name}_out" for name in carried] + ["%steps"] + ["%margin"] * bool(margin)
    lines += [f"{', '.join(results)} = loop.adaptive {loop.policy} {options}{margin} active(%running = %rows : {on}) cap(%cap) step(%t)",
              "    carry(" + ", ".join(f"{mark} %{name} = {inits[name]} : {type}" for name, (mark, type) in carried.items()) + ") {"]
    lines += ["  " + line for line in body(loop, carried)] + ["}" if loop.policy != "region" else "} " + halt(loop, carried)]
    lines += [f"%count = tensor.from_elements %n_out : tensor<i32>"]
    outputs = {f"%{name}_out": (name, type) for name, (_, type) in carried.items() if name != "n"} | {"%steps": ("steps", steps)}
    outputs |= {"%margin": ("margin", row)} if margin else {}
    returned = ", ".join([*outputs, "%count"]) + " : " + ", ".join([*[t for _, t in outputs.values()], "tensor<i32>"])
    inputs = [f"%x: {named('x', value)}", f"%x0: {named('x0', value)}", f"%scores: {named('scores', many)}",
              f"%present: {named('present', steps)}", f"%limit: {named('limit', 'f32', [])}", f"%cap: {named('cap', 'index', [])}"]
    given_back = [named(*what) for what in outputs.values()] + [named("count", "tensor<i32>", [])]
    return (f"func.func @{loop.name}({', '.join(inputs)}) -> ({', '.join(given_back)}) {{\n"
            + "".join(f"  {line}\n" for line in [*lines, f"return {returned}"]) + "}\n")


def body(loop, carried):
    """v' = v / 2 + x + t / 8 for every value; e' = e + score."""
    row, value, many = tensor(loop), tensor(loop, WIDTH), tensor(loop, CAP)
    zeros, sizes, ones = ["0"] * loop.rank, [f"%n{i}" for i in range(loop.rank)], ["1"] * (loop.rank + 1)
    lines = ["%half = arith.constant 0.5 : f32", "%eighth = arith.constant 0.125 : f32", "%ti = arith.index_cast %t : index to i32",
             "%tf = arith.sitofp %ti : i32 to f32", "%at = arith.subi %t, %one : index", "%rise = arith.mulf %tf, %eighth : f32",
             f"%s = tensor.extract_slice %scores[{', '.join([*zeros, '%at'])}] [{', '.join([*sizes, '1'])}] [{', '.join(ones)}] : {many} to {row}"]
    step = ["%h = arith.mulf %v, %half : f32", "%hx = arith.addf %h, %u : f32"]
    step += ["%r = arith.addf %hx, %rise : f32"] if loop.policy != "converge" else []
    last = "%r" if loop.policy != "converge" else "%hx"
    for name in ("a", "b"):
        lines += generic(loop, f"%{name}_new", [("%v", f"%{name}", value), ("%u", "%x", value)], value, step, last, extra=1)
    lines += generic(loop, "%e_new", [("%v", "%e", row), ("%u", "%s", row)], row, ["%r = arith.addf %v, %u : f32"], "%r")
    lines += ["%n_new = arith.addi %n, %unit : i32"]
    news = [{"c": "%a_new", "d": "%a_new"}.get(name, f"%{name}_new") for name in carried]
    score = ""
    if loop.policy == "predicate":
        on = tensor(loop, of="i1")
        lines += generic(loop, "%exit", [("%v", "%s", row)], on, ["%r = arith.cmpf oge, %v, %limit : f32"], "%r")
        score = f" score(%exit : {on})"
    elif loop.policy not in ("converge", "region"):
        score = f" score(%s : {row})"
    return lines + [f"loop.yield {', '.join(news)}{score} : {', '.join(t for _, t in carried.values())}"]


def halt(loop, carried):
    """Stops where the e of before and after the step together reach the limit."""
    row, on = tensor(loop), tensor(loop, of="i1")
    arguments = ["%ht"] + [f"%{name}_{side}" for side in ("before", "after") for name in carried]
    both = [("%v", "%e_before", row), ("%w", "%e_after", row)]
    lines = generic(loop, "%done", both, on, ["%z = arith.addf %v, %w : f32", "%r = arith.cmpf oge, %z, %limit : f32"], "%r")
    lines += generic(loop, "%far", both, row, ["%z = arith.addf %v, %w : f32", "%g = arith.subf %z, %limit : f32",
                                              "%r = math.absf %g : f32"], "%r")
    return "\n    ".join([f"halt({', '.join(arguments)}) {{", *lines, f"loop.yield %done, %far : {on}, {row}", "}"])


# ---------------------------------------------------------------------------------------------------------------------
# The definition, a row at a time in f64; only decisions compare in f32

HOLDS = {"ge": np.greater_equal, "gt": np.greater, "le": np.less_equal, "lt": np.less}


def change(old, new, delta):
    return np.sqrt(((new - old) ** 2).sum()) / (np.sqrt((new ** 2).sum()) + delta)


def define(loop, x, x0, scores, present, limit, cap):
    rows = list(np.ndindex(present.shape))
    x, x0, scores = (v.astype(np.float64) for v in (x, x0, scores))
    values = {k: x0.copy() for k in "abcd"} | {"e": np.zeros(present.shape)}
    steps, margin = np.zeros(present.shape, np.int32), np.full(present.shape, np.inf)
    total = {row: {"geometric": 1.0}.get(loop.policy, 0.0) for row in rows}
    active, count = {row for row in rows if present[row]}, 0
    holds = lambda a, b, how=loop.compare: bool(HOLDS[how](np.float32(a), np.float32(b)))
    for t in range(1, cap + 1):
        if not active:
            break
        count += 1
        rise = 0 if loop.policy == "converge" else t / 8
        for row in rows:
            values["b"][row] = values["b"][row] / 2 + x[row] + rise
        for row in sorted(active):
            old, new = values["a"][row].copy(), values["a"][row] / 2 + x[row] + rise
            e, p, last = values["e"][row], scores[(*row, t - 1)], t == cap
            values["a"][row], values["e"][row] = new, e + p
            weight, gap, decided = 0.0, None, not last
            if loop.policy == "act":
                h = total[row]
                total[row] = h + p
                gap, out = h + p - limit, holds(h + p, limit) or np.isnan(h + p)
                takes_rest = out or (last and loop.remainder == "assign")
                weight = np.nan if np.isnan(h + p) else 1 - h if takes_rest else p
                decided = decided or loop.remainder == "drop"
            elif loop.policy == "geometric":
                stay = total[row]
                total[row] = stay * (1 - p)
                gap, out = 1 - total[row] - limit, holds(1 - total[row], limit)
                takes_rest = loop.remainder == "assign" and (out or last)
                weight = np.nan if np.isnan(total[row]) else stay if takes_rest else stay * p
            elif loop.policy == "bernoulli":
                u = philox.uniform(SEED, 0, t, int(np.ravel_multi_index(row, present.shape)) if row else 0, STREAM)
                gap, out = u - p, holds(u, p, "lt")
            elif loop.policy == "threshold":
                gap, out = p - limit, holds(p, limit)
            elif loop.policy == "predicate":
                gap, out = np.nan, holds(p, limit)
            elif loop.policy == "converge":
                moved = change(old, new, 0.01)
                gap, out = moved - limit, holds(moved, limit, "lt")
            else:
                gap, out, decided = 2 * e + p - limit, holds(2 * e + p, limit), True
            values["c"][row] += weight * new
            values["d"][row] = weight * new + (1 - weight) * values["d"][row]
            steps[row] += 1
            if decided and not np.isnan(gap):
                margin[row] = min(margin[row], abs(gap))
            if out or last:
                active.discard(row)
    names = "abcde" if loop.policy in WEIGHED else "abe"
    out = {name: values[name] for name in names} | {"steps": steps, "count": np.int32(count)}
    return out if loop.policy == "predicate" else {**out, "margin": margin}


# ---------------------------------------------------------------------------------------------------------------------
# The cases

LIMIT = {"act": 0.99, "geometric": 0.9, "bernoulli": 0.0, "threshold": 0.6, "predicate": 0.6, "converge": 0.12, "region": 1.4}


def draw(loop, rng, shape, low=0.05, high=0.75, spread=1.0, present=None):
    """Inputs whose decisions are all at least 1e-4 from their threshold. `high` and `low` bound the scores, `spread` how far
    x0 is from the fixed point."""
    while True:
        x = rng.standard_normal((*shape, WIDTH)).astype(np.float32)
        x0 = (2 * x + spread * rng.standard_normal(x.shape)).astype(np.float32) if loop.policy == "converge" else (
            rng.standard_normal(x.shape).astype(np.float32))
        scores = rng.uniform(low, high, (*shape, CAP)).astype(np.float32)
        here = np.ones(shape, np.int32) if present is None else present.astype(np.int32)
        given = {"x": x, "x0": x0, "scores": scores, "present": here, "limit": LIMIT[loop.policy], "cap": CAP}
        margin = define(loop, **given).get("margin", np.inf)
        if np.min(margin, initial=np.inf) >= 1e-4:
            return given


def cases(loop, rng):
    """(name, inputs, what must hold of the steps)"""
    some = (3, 5)[:loop.rank]
    falling = loop.compare in ("le", "lt") and loop.policy == "threshold"
    soon, never = ((0.0, 0.01), (0.7, 0.75)) if falling else ((0.995, 0.999), (0.0, 0.01))
    soon = (1.5, 1.6) if loop.policy == "region" else soon
    never = (0.0, 0.0) if loop.policy == "bernoulli" else never
    yield "mixed", draw(loop, rng, some), None
    yield "single", draw(loop, rng, (1, 1)[:loop.rank]), None
    first = draw(loop, rng, some, *soon, spread=1e-3)
    yield "first", first, lambda steps: (steps == 1).all()
    yield "cap", draw(loop, rng, some, *never, spread=1e4), lambda steps: (steps == CAP).all()
    yield "one step", {**draw(loop, rng, some), "cap": 1}, lambda steps: (steps == 1).all()
    yield "no step", {**draw(loop, rng, some), "cap": 0}, lambda steps: (steps == 0).all()
    yield "nobody", draw(loop, rng, some, present=np.zeros(some)), lambda steps: (steps == 0).all()
    if loop.rank:
        yield "padding", draw(loop, rng, some, present=rng.random_sample(some) < 0.6), None
    for i in range(loop.rank):
        yield f"no rows {i}", draw(loop, rng, tuple(0 if i == j else n for j, n in enumerate(some))), None


def with_nan(loop, given):
    """A NaN in one row at its second step (from its first on where the policy looks at values); and which row."""
    row = (1, 2)[:loop.rank]
    given = {**given, "scores": given["scores"].copy(), "x": given["x"].copy()}
    if loop.policy == "converge":
        given["x"][(*row, 1)] = np.nan
    else:
        given["scores"][(*row, 1)] = np.nan
    return given, row


def check_nan(package, loop, rng, cap):
    """The row shows it, and no bit of the others changes (but of b, which is free and so sees that the loop goes on)."""
    while True:
        given = {**draw(loop, rng, (3, 5)[:loop.rank]), "cap": cap}
        wrong, row = with_nan(loop, given)
        if define(loop, **given)["steps"][row] > 1:
            break
    before, after = package(loop.name, **given), package(loop.name, **wrong)
    compare(f"{loop.name} nan", after, define(loop, **wrong))
    others = np.ones(given["present"].shape, bool)
    others[row] = False
    for name in before:
        if name not in ("b", "count") and loop.rank:
            assert np.array_equal(before[name][others], after[name][others]), f"{loop.name} nan: {name} of other rows changed"
    assert np.isnan(after["a" if loop.policy == "converge" else "c" if loop.policy in WEIGHED else "e"][row]).any(), f"{loop.name}: no NaN"


def main():
    package = Package("\n".join(map(entry, LOOPS)))
    number = 0
    for seed, loop in enumerate(LOOPS):
        rng = np.random.RandomState(seed)
        for name, given, holds in cases(loop, rng):
            want = define(loop, **given)
            assert holds is None or holds(want["steps"]), f"{loop.name} {name}: steps {want['steps']}"
            compare(f"{loop.name} {name}", package(loop.name, **given), want)
            number += 1
        for cap in (CAP, 2):                                  # in the middle, and at the cap
            check_nan(package, loop, rng, cap)
    print(f"{len(LOOPS)} loops, {number} cases: passed")


if __name__ == "__main__":
    if sys.argv[1:] == ["--show"]:
        print("\n".join(map(entry, LOOPS)))
    else:
        main()
