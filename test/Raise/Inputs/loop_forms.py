"""Loops whose rows stop one by one, as models write them with a while over whole tensors."""
from graph import Graph

B, N, CAP = "B", 4, 6


def graph(**more):
    return Graph(x=((B, N), "f32"), **more)


def any_of(g, rows):
    return g.reduce("arith.ori", rows, 0, 0, keep=False)


def below_cap(g, step, cap=CAP):
    return g.map([step], [f"%n = arith.constant {cap} : i64", "%r = arith.cmpi slt, %a0, %n : i64", "yield %r"], "i1", [])


def compare(g, predicate, a, value):
    return g.map([a], [f"%n = arith.constant {value} : f32", f"%r = arith.cmpf {predicate}, %a0, %n : f32", "yield %r"], "i1")


def start(g):
    return g.full([], 0, "i64")


def next_step(g, step):
    return g.with_number("arith.addi", step, 1)


def advance(g, x):
    """x moves up by a little, more where it is larger."""
    return g.with_number("arith.addf", g.with_number("arith.mulf", x, 1.1), 0.3)


def size(g, x):
    return g.reduce("arith.addf", x, -1, 0.0, keep=False)


def both(g, a, b):
    return g.binary("arith.andi", a, b)


def selected(stopped=False, cap_given=False):
    """running (or stopped) is carried; the state is selected by it."""
    g = graph(**({"cap": ((), "i64")} if cap_given else {}))
    rows = g.full([B], 0 if stopped else 1, "i1")

    def condition(step, rows, x):
        if stopped:
            all_ = g.reduce("arith.andi", rows, 0, 1, keep=False)
            goes_on = g.map([all_], ["%t = arith.constant true", "%r = arith.xori %a0, %t : i1", "yield %r"], "i1", [])
        else:
            goes_on = any_of(g, rows)
        below = g.map([step, g["cap"]], ["%r = arith.cmpi slt, %a0, %a1 : i64", "yield %r"], "i1", []) if cap_given else below_cap(g, step)
        return both(g, below, goes_on)

    def body(step, rows, x):
        new = advance(g, x)
        wide = g.unsqueeze(rows, 1)
        new = g.where(wide, x, new) if stopped else g.where(wide, new, x)
        large = compare(g, "ogt" if stopped else "ole", size(g, new), 4.0)
        return next_step(g, step), g.binary("arith.ori" if stopped else "arith.andi", rows, large), new

    step, _, x = g.while_loop([start(g), rows, g["x"]], condition, body)
    return g.text(x, g.expand(step, [], [1]))


def weighted():
    """Adaptive computation time: what is added to the output has weight 0 in rows that have stopped."""
    g = graph()

    def runs(halted):
        return compare(g, "olt", halted, 1.0)

    def condition(step, halted, x, out):
        return both(g, below_cap(g, step), any_of(g, runs(halted)))

    def body(step, halted, x, out):
        running = runs(halted)
        p = g.map([size(g, x)], ["%o = arith.constant 1.0 : f32", "%n = arith.negf %a0 : f32", "%e = math.exp %n : f32", "%s = arith.addf %o, %e : f32",
                                 "%q = arith.constant 0.6 : f32", "%r = arith.divf %q, %s : f32", "yield %r"])
        total = g.binary("arith.addf", halted, p)
        stops = both(g, running, compare(g, "ogt", total, 0.99))
        rest = g.binary("arith.subf", g.full([1], 1.0), halted)
        weight = g.where(stops, rest, g.where(running, p, g.full([1], 0.0)))
        new = g.where(g.unsqueeze(running, 1), advance(g, x), x)
        halted = g.where(stops, g.full([1], 1.0), g.binary("arith.addf", halted, weight))
        out = g.binary("arith.addf", out, g.binary("arith.mulf", g.unsqueeze(weight, 1), new))
        return next_step(g, step), halted, new, out

    zero = g.full([B], 0.0)
    _, halted, _, out = g.while_loop([start(g), zero, g["x"], g.full([B, N], 0.0)], condition, body)
    return g.text(out, halted)


def miss(what):
    """Loops that look like that and are none."""
    g = graph()

    def condition(step, rows, x):
        goes_on = any_of(g, rows)
        return goes_on if what == "no cap" else both(g, below_cap(g, step), goes_on)

    def body(step, rows, x):
        new = advance(g, x)
        kept = new if what == "nothing kept" else g.where(g.unsqueeze(rows, 1), new, x)
        small = compare(g, "ole", size(g, new), 4.0)
        return next_step(g, step), small if what == "runs again" else both(g, rows, small), kept

    _, rows, x = g.while_loop([start(g), g.full([B], 1, "i1"), g["x"]], condition, body)
    return g.text(x)


FORMS = {name: (text, "loop.adaptive") for name, text in {
    "frozen by selects": selected(),
    "frozen by selects, of what has stopped": selected(stopped=True),
    "cap given": selected(cap_given=True),
    "weights of zero": weighted(),
}.items()}
FORMS.update({what: (miss(what), None) for what in ("no cap", "nothing kept", "runs again")})
