"""loop.adaptive under every policy, mark and option, loop.segment and loop.fixed_point, against NumPy."""
import itertools

import numpy as np

from interpreter import check, run
import philox

random = np.random.default_rng(5)
CAP = 6


# ---------------------------------------------------------------------------------------------------------------------
# loop.adaptive. A step makes y = h / 2 + x; the score of step t is row t of a table.

ADAPTIVE = """
func.func @main(%valid: tensor<{rows}xi1>, %h0: tensor<{rows}x3xf32>, %x: tensor<{rows}x3xf32>, %table: tensor<{cap}x{rows}x{score}>, %limit: f32, %seed: i64)
    -> (tensor<{rows}x3xf32>{more}, tensor<{rows}xi32>{margin_type}) {{
  %cap = arith.constant {cap} : index
  %one = arith.constant 1 : index
  %half = arith.constant dense<0.5> : tensor<{rows}x3xf32>
  %r:{results} = loop.adaptive {options} active(%running = %valid : tensor<{rows}xi1>) cap(%cap) step(%t) carry({carry}) {{
    %a = arith.mulf %h, %half : tensor<{rows}x3xf32>
    %y = arith.addf %a, %x : tensor<{rows}x3xf32>
    %at = arith.subi %t, %one : index
    %p = tensor.extract_slice %table[%at, 0, 0] [1, {b}, {t}] [1, 1, 1] : tensor<{cap}x{rows}x{score}> to tensor<{rows}x{score}>
    {body_yield}
  }}{halt}
  return {returned} : tensor<{rows}x3xf32>{more}, tensor<{rows}xi32>{margin_type}
}}
"""
HALT = """ halt(%t, {before}, {after}) {{
    %at = arith.subi %t, %one : index
    %p = tensor.extract_slice %table[%at, 0, 0] [1, {b}, {t}] [1, 1, 1] : tensor<{cap}x{rows}xf32> to tensor<{rows}xf32>
    %all = tensor.splat %limit : tensor<{rows}xf32>
    %exit = arith.cmpf oge, %p, %all : tensor<{rows}xf32>
    %d = arith.subf %p, %all : tensor<{rows}xf32>
    %distance = math.absf %d : tensor<{rows}xf32>
    loop.yield %exit, %distance : tensor<{rows}xi1>, tensor<{rows}xf32>
  }}"""
COMPARE = {"ge": np.greater_equal, "gt": np.greater, "le": np.less_equal, "lt": np.less}


def program(policy, options, marks, rows):
    names = [f"%{m[:2]}{n}" for n, m in enumerate(marks)]
    carried = "".join(f", {m} {n} = %h0 : tensor<{{rows}}x3xf32>" for m, n in zip(marks[1:], names[1:]))
    margin = policy != "predicate"
    fields = dict(rows="x".join(map(str, rows)), b=rows[0], t=rows[1], cap=CAP, score="i1" if policy == "predicate" else "f32",
                  more=", tensor<{rows}x3xf32>" * (len(marks) - 1), margin_type=", tensor<{rows}xf32>" * margin, results=len(marks) + 1 + margin,
                  options=f"{policy} {options} {'margin' if margin else ''}", carry=f"{marks[0]} %h = %h0 : tensor<{{rows}}x3xf32>" + carried,
                  returned=", ".join(f"%r#{n}" for n in range(len(marks) + 1 + margin)), halt="")
    score = "" if policy in ("region", "converge") else " score(%p : tensor<{rows}x{score}>)"
    fields["body_yield"] = f"loop.yield {', '.join(['%y'] * len(marks))}{score} : {', '.join(['tensor<{rows}x3xf32>'] * len(marks))}"
    if policy == "region":
        fields["halt"] = HALT.format(before=", ".join(f"%old{n}" for n in range(len(marks))), after=", ".join(f"%new{n}" for n in range(len(marks))), **fields)
    inner = {k: v.format(**fields) if isinstance(v, str) and k != "halt" else v for k, v in fields.items()}
    return ADAPTIVE.format(**inner)


def adaptive(policy, marks, valid, h0, x, table, limit, compare="ge", assign=True, seed=0, stream=0):
    """The description of the op, row by row."""
    active, steps, margin = valid.copy(), np.zeros(valid.shape, np.int32), np.full(valid.shape, np.inf)
    values = [h0.copy() for _ in marks]
    total = np.full(valid.shape, 1.0 if policy == "geometric" else 0.0)
    index = np.arange(valid.size).reshape(valid.shape)
    for t in range(1, CAP + 1):
        if not active.any():
            break
        last, p, y = t == CAP, table[t - 1], values[0] / 2 + x
        halt, weight, decided, nan = np.zeros_like(active), np.zeros(active.shape), np.full(active.shape, np.inf), np.zeros_like(active)
        f32 = np.float32
        if policy == "act":
            seen = total + p
            nan = np.isnan(seen)
            halt = COMPARE[compare](f32(seen), f32(limit)) | nan
            weight = np.where(nan, seen, np.where(halt | (last and assign), 1 - total, p))
            decided = np.abs(seen - limit) if not (last and assign) else decided
            total = np.where(active, seen, total)
        elif policy == "geometric":
            left = total * (1 - p)
            halt = COMPARE[compare](f32(1 - left), f32(limit))
            weight = np.where(assign & (halt | last), total, total * p)
            decided = np.abs(1 - left - limit) if not last else decided
            total = np.where(active, left, total)
        elif policy == "bernoulli":
            u = philox.uniform(seed, 0, t, index, stream)
            halt, decided = f32(u) < f32(p), np.abs(u - p) if not last else decided
        elif policy == "threshold":
            halt, decided = COMPARE[compare](f32(p), f32(limit)), np.abs(p - limit) if not last else decided
        elif policy == "predicate":
            halt = p
        elif policy == "converge":
            size = lambda z: np.sqrt((z ** 2).sum(-1))
            change = size(y - values[0]) / (size(y) + 1e-3)
            halt, decided = f32(change) < f32(limit), np.abs(change - limit) if not last else decided
        elif policy == "region":
            halt, decided = p >= limit, np.abs(p - limit)
        margin = np.where(active & ~np.isnan(decided), np.minimum(margin, decided), margin)
        a, w = active[..., None], weight[..., None]
        values = [y if m == "free" else np.where(a, {"frozen": y, "mean": v + w * y, "blend": w * y + (1 - w) * v}[m], v) for m, v in zip(marks, values)]
        steps += active
        active = active & ~halt
    return [*values, steps, margin]


def adaptive_policies():
    count, rows = 0, (3, 5)
    options = [("act", f"threshold(%limit) compare({c}) remainder({r})", dict(compare=c, assign=r == "assign"))
               for c, r in itertools.product(("ge", "gt"), ("assign", "drop"))]
    options += [("geometric", f"threshold(%limit) compare({c}) remainder({r})", dict(compare=c, assign=r == "assign"))
                for c, r in itertools.product(("ge", "gt"), ("assign", "drop"))]
    options += [("threshold", f"threshold(%limit) compare({c})", dict(compare=c)) for c in COMPARE]
    options += [("bernoulli", "seed(%seed) stream(7)", dict(stream=7)), ("predicate", "", {}), ("region", "", {}),
                ("converge", "threshold(%limit) on(0) delta(1.0e-3)", {})]
    for policy, text, more in options:
        for marks in [("frozen", "mean", "blend", "free"), ("free", "frozen", "mean")] if policy in ("act", "geometric") else [("frozen", "free"), ("free", "frozen")]:
            valid, table = random.random(rows) < 0.8, random.random((CAP, *rows))
            limit, seed = {"converge": 0.2, "threshold": 0.8, "region": 0.8}.get(policy, 0.9), random.integers(-2**60, 2**60)
            if policy == "predicate":
                table = table < 0.3
            elif policy == "act":
                table *= 0.4
                table[2, 0, 0] = np.nan
            elif policy == "threshold" and more["compare"][0] == "l":
                limit = 0.2
            h0, x = random.standard_normal((*rows, 3)) * 10 ** random.uniform(-1, 1.5, (*rows, 1)), random.standard_normal((*rows, 3))
            found = run(program(policy, text, marks, rows), valid, h0, x, table, limit, np.int64(seed))
            want = adaptive(policy, marks, valid, h0, x, table, limit, seed=int(seed) % 2**64 if policy == "bernoulli" else 0, **more)
            assert len(set(want[len(marks)].ravel())) > 2, f"{policy}: a test in which all rows stop together"
            for number, (f, w) in enumerate(zip(found, want)):
                check(f"{policy} {text} {marks} result {number}", f, w)
            count += 1
    # Nothing runs: the initial values, no steps, a margin of infinity.
    h0 = random.standard_normal((*rows, 3))
    found = run(program("act", "threshold(%limit)", ("frozen", "mean"), rows), np.zeros(rows, bool), h0, h0, np.zeros((CAP, *rows)), 0.9, np.int64(0))
    for f, w in zip(found, (h0, h0, np.zeros(rows, np.int32), np.full(rows, np.inf))):
        check("nothing runs", f, w)
    return count


# ---------------------------------------------------------------------------------------------------------------------
# loop.segment: y = x + state, state' = state / 2 + the sum of the block + its number.

SEGMENT = """
func.func @main(%xs: tensor<2x?x3xf32>, %s0: tensor<2x3xf32>, %c0: index) -> (tensor<2x?x3xf32>, tensor<2x3xf32>, index) {{
  %half = arith.constant dense<0.5> : tensor<2x3xf32>
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %y, %s1, %c1 = loop.segment size {size} partial({partial}) number(%n) blocks(%x = %xs along 1 : tensor<2x?x3xf32>)
      carry(%s = %s0 : tensor<2x3xf32>, %c = %c0 : index) -> (along 1 : tensor<2x?x3xf32>) {{
    %t = tensor.dim %x, %one : tensor<2x?x3xf32>
    %e = tensor.empty(%t) : tensor<2x?x3xf32>
    %out = linalg.generic {{indexing_maps = [affine_map<(b, t, c) -> (b, t, c)>, affine_map<(b, t, c) -> (b, c)>, affine_map<(b, t, c) -> (b, t, c)>],
        iterator_types = ["parallel", "parallel", "parallel"]}} ins(%x, %s : tensor<2x?x3xf32>, tensor<2x3xf32>) outs(%e : tensor<2x?x3xf32>) {{
    ^bb0(%u: f32, %v: f32, %o: f32):
      %w = arith.addf %u, %v : f32
      linalg.yield %w : f32
    }} -> tensor<2x?x3xf32>
    %i = arith.index_cast %n : index to i64
    %f = arith.sitofp %i : i64 to f32
    %decayed = arith.mulf %s, %half : tensor<2x3xf32>
    %all = tensor.splat %f : tensor<2x3xf32>
    %start = arith.addf %decayed, %all : tensor<2x3xf32>
    %sum = linalg.reduce ins(%x : tensor<2x?x3xf32>) outs(%start : tensor<2x3xf32>) dimensions = [1] (%u: f32, %v: f32) {{
      %w = arith.addf %u, %v : f32
      linalg.yield %w : f32
    }}
    %next = arith.addi %c, %one : index
    loop.yield %out, %sum, %next : tensor<2x?x3xf32>, tensor<2x3xf32>, index
  }}
  return %y, %s1, %c1 : tensor<2x?x3xf32>, tensor<2x3xf32>, index
}}
"""


def segments():
    for size, partial, length in itertools.product((1, 4), ("keep", "update"), (0, 1, 3, 4, 5, 8, 11)):
        xs, state = random.standard_normal((2, length, 3)), random.standard_normal((2, 3))
        y, s, c = np.zeros_like(xs), state, 10
        for n, at in enumerate(range(0, length, size)):
            block = xs[:, at:at + size]
            y[:, at:at + size] = block + s[:, None]
            if block.shape[1] == size or partial == "update":
                s, c = s / 2 + n + block.sum(1), c + 1
        found = run(SEGMENT.format(size=size, partial=partial), xs, state, np.int64(10))
        for name, f, w in zip(("outputs", "state", "count"), found, (y, s, np.int64(c))):
            check(f"segment {size} {partial} {length} {name}", f, w)


# ---------------------------------------------------------------------------------------------------------------------
# loop.fixed_point: f(z) = tanh(z w + x), a sample a row of z.

FIXED = """
func.func @main(%z0: tensor<?x4xf32>, %w: tensor<4x4xf32>, %x: tensor<?x4xf32>, %tolerance: f32, %cap: index) -> (tensor<?x4xf32>, tensor<?xi32>, tensor<?xf32>) {{
  %z, %steps, %residual = loop.fixed_point {solver} tolerance(%tolerance) cap(%cap) {numbers} init(%z = %z0 : tensor<?x4xf32>) {{
    %s = linalg.matmul ins(%z, %w : tensor<?x4xf32>, tensor<4x4xf32>) outs(%x : tensor<?x4xf32>) -> tensor<?x4xf32>
    %f = math.tanh %s : tensor<?x4xf32>
    loop.yield %f : tensor<?x4xf32>
  }}
  return %z, %steps, %residual : tensor<?x4xf32>, tensor<?xi32>, tensor<?xf32>
}}
"""


def solve(f, z, solver, tolerance, cap, history=6, beta=1.0, reg=1e-4, delta=1e-9):
    """One sample: the iterate of lowest residual, evaluations, that residual."""
    best, best_z, pairs = np.inf, z, []
    for k in range(1, cap + 1):
        F = f(z)
        r = np.linalg.norm(F - z) / (np.linalg.norm(F) + delta)
        if not np.float32(r) >= np.float32(best):
            best, best_z = r, z
        if np.float32(r) < np.float32(tolerance):
            break
        pairs = [*pairs, (z, F)][-history:]
        if solver == "anderson":
            Z, Fs = (np.stack([p[i] for p in pairs]) for i in (0, 1))
            A = np.ones((len(pairs) + 1, len(pairs) + 1))
            A[0, 0] = 0
            A[1:, 1:] = (Fs - Z) @ (Fs - Z).T + reg * np.eye(len(pairs))
            alpha = np.linalg.solve(A, np.eye(len(pairs) + 1)[0])[1:]
            z = beta * alpha @ Fs + (1 - beta) * alpha @ Z
        else:
            z = beta * F + (1 - beta) * z
    return best_z, k, best


def fixed_points():
    w = random.standard_normal((4, 4)) * 0.6
    for solver, more in [("picard", {}), ("picard", dict(beta=0.5)), ("anderson", {}), ("anderson", dict(history=1)), ("anderson", dict(history=3, beta=0.7, reg=1e-3)),
                         ("picard", dict(delta=0.5))]:
        names = {"reg": "regularization"}
        numbers = " ".join(f"{names.get(k, k)}({v})" for k, v in more.items())
        for tolerance, cap in [(1e-2, 30), (1e-4, 7), (0.0, 5), (1e9, 3)]:
            z0, x = random.standard_normal((5, 4)), random.standard_normal((5, 4))
            found = run(FIXED.format(solver=solver, numbers=numbers), z0, w, x, tolerance, np.int64(cap))
            want = [solve(lambda z: np.tanh(z @ w + x[b]), z0[b], solver, tolerance, cap, **more) for b in range(5)]
            for name, f, e in zip(("z", "steps", "residual"), found, zip(*want)):
                check(f"{solver} {numbers} {tolerance} {name}", f, np.array(e, np.int32 if name == "steps" else float), 1e-9)


print("adaptive:", adaptive_policies(), "programs equal to NumPy")
segments()
print("segment: equal to NumPy")
fixed_points()
print("fixed_point: equal to NumPy")
