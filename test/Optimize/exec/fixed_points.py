"""loop.fixed_point through the compiled pipeline against its definition: both solvers, samples of rank 1 and 2, to a tolerance and to
the cap, a sample that is there at once, no sample, a NaN in one sample."""
import numpy as np

from package import Package, compare

HISTORY, REGULARIZATION = 4, 1e-4
SOLVERS = {"picard": ("picard", "beta(0.6)", 0.6), "anderson": ("anderson", f"history({HISTORY})", 1.0),
           "damped_anderson": ("anderson", f"history({HISTORY}) beta(0.5)", 0.5), "short_anderson": ("anderson", "history(1)", 1.0)}


def entry(name, rank):
    """f(z) = tanh(z W) + x; a sample is [8], or [T, 8]."""
    solver, numbers, _ = SOLVERS[name]
    more = rank - 1
    sample = "tensor<" + "?x" * (1 + more) + "8xf32>"
    dims = ', '.join(f'"{d}"' for d in ("B", "T")[:1 + more])
    named = lambda what, type, sizes: f'{type} {{attnc.name = "{what}"' + (f", attnc.dims = [{sizes}]" if sizes else "") + "}"
    at = "b, t" if more else "b"
    maps = f"[affine_map<({at}, n, k) -> ({at}, k)>, affine_map<({at}, n, k) -> (k, n)>, affine_map<({at}, n, k) -> ({at}, n)>]"
    all_, parallel = f"affine_map<({at}, n) -> ({at}, n)>", ", ".join(['"parallel"'] * (2 + more))
    sizes = ", ".join(f"%n{i}" for i in range(1 + more))
    dimensions = "".join(f"  %i{i} = arith.constant {i} : index\n  %n{i} = tensor.dim %x, %i{i} : {sample}\n" for i in range(1 + more))
    return f"""
func.func @{name}_{rank}(%x: {named("x", sample, dims)}, %z0: {named("z0", sample, dims)}, %w: {named("w", "tensor<8x8xf32>", "")},
                         %tol: {named("tol", "f32", "")}, %cap: {named("cap", "index", "")})
    -> ({named("z", sample, dims)}, {named("steps", "tensor<?xi32>", '"B"')}, {named("residual", "tensor<?xf32>", '"B"')}) {{
  %zero = arith.constant 0.0 : f32
{dimensions}  %e = tensor.empty({sizes}) : {sample}
  %f = linalg.fill ins(%zero : f32) outs(%e : {sample}) -> {sample}
  %z, %steps, %residual = loop.fixed_point {solver} tolerance(%tol) cap(%cap) {numbers} init(%v = %z0 : {sample}) {{
    %wv = linalg.contract indexing_maps = {maps} ins(%v, %w : {sample}, tensor<8x8xf32>) outs(%f : {sample}) -> {sample}
    %fv = linalg.generic {{indexing_maps = [{all_}, {all_}, {all_}], iterator_types = [{parallel}]}} ins(%wv, %x : {sample}, {sample}) outs(%e : {sample}) {{
    ^bb0(%a: f32, %b: f32, %out: f32):
      %t = math.tanh %a : f32
      %r = arith.addf %t, %b : f32
      linalg.yield %r : f32
    }} -> {sample}
    loop.yield %fv : {sample}
  }}
  return %z, %steps, %residual : {sample}, tensor<?xi32>, tensor<?xf32>
}}
"""


def mix(history, beta):
    """Anderson: the next z of one sample from its pairs (z, f)."""
    n = len(history)
    Z, F = (np.stack([pair[i].ravel() for pair in history]) for i in (0, 1))
    system = np.zeros((n + 1, n + 1))
    system[0, 1:] = system[1:, 0] = 1
    system[1:, 1:] = (F - Z) @ (F - Z).T + REGULARIZATION * np.eye(n)
    alpha = np.linalg.solve(system, np.eye(n + 1)[0])[1:]
    return (beta * alpha @ F + (1 - beta) * alpha @ Z).reshape(history[0][0].shape)


def define(name, x, z0, w, tol, cap):
    """Each sample alone, in f64. Also the margin: how close a residual came to the tolerance, or to the best before it."""
    solver, _, beta = SOLVERS[name]
    length = {"anderson": HISTORY, "damped_anderson": HISTORY, "short_anderson": 1}.get(name)
    best, steps, residuals, margin = z0.astype(np.float64), np.zeros(len(x), np.int32), np.full(len(x), np.inf), np.inf
    for b in range(len(x)):
        z, ring = z0[b].astype(np.float64), []
        for _ in range(cap):
            f = np.tanh(z @ w.astype(np.float64)) + x[b]
            size = lambda v: np.sqrt((v ** 2).sum())
            residual = size(f - z) / (size(f) + 1e-9)
            steps[b] += 1
            if not np.isnan(residual):
                margin = min(margin, abs(residual / max(residuals[b], 1e-30) - 1), abs(residual - tol) if tol else np.inf)
            if not np.float32(residual) >= np.float32(residuals[b]):
                best[b], residuals[b] = z, residual
            if np.float32(residual) < np.float32(tol):
                break
            ring = [*ring, (z, f)][-(length or 1):]
            z = beta * f + (1 - beta) * z if solver == "picard" else mix(ring, beta)
    return {"z": best, "steps": steps, "residual": residuals}, margin


def draw(name, rank, rng, shape, **more):
    """Inputs whose decisions are clear of their thresholds."""
    while True:
        given = {"x": rng.standard_normal((*shape, 8)).astype(np.float32), "z0": rng.standard_normal((*shape, 8)).astype(np.float32),
                 "w": (0.45 * rng.standard_normal((8, 8))).astype(np.float32), "tol": 0.02, "cap": 12, **more}
        want, margin = define(name, **given)
        if margin >= 1e-3:
            return given, want


def main():
    package = Package("\n".join(entry(name, rank) for name in SOLVERS for rank in (1, 2)))
    number = 0
    for seed, name in enumerate(SOLVERS):
        for rank in (1, 2):
            rng = np.random.RandomState(100 * rank + seed)
            some = (3, 5)[:rank]
            there = np.zeros((*some, 8), np.float32)
            for case, (given, want) in {
                    "tolerance": draw(name, rank, rng, some), "single": draw(name, rank, rng, (1, 1)[:rank]),
                    "fixed": draw(name, rank, rng, some, tol=0.0, cap=4), "none": draw(name, rank, rng, (0, 5)[:rank]),
                    "one": draw(name, rank, rng, some, cap=1, tol=1e-6), "first": draw(name, rank, rng, some, x=there, z0=there)}.items():
                compare(f"{name} {rank} {case}", package(f"{name}_{rank}", **given), want, tolerance=1e-4)
                number += 1
            check_nan(package, name, rank, rng)
    print(f"{number} cases: passed")


def check_nan(package, name, rank, rng):
    """A NaN in one sample shows, and no bit of the others changes."""
    given, want = draw(name, rank, rng, (3, 5)[:rank])
    wrong = {**given, "x": given["x"].copy()}
    wrong["x"][(1, 2)[:rank] + (3,)] = np.nan
    before, after = package(f"{name}_{rank}", **given), package(f"{name}_{rank}", **wrong)
    assert np.isnan(after["residual"][1]) and after["steps"][1] == given["cap"], f"{name} {rank}: no NaN"
    for what in before:
        others = [0, 2]
        assert np.array_equal(before[what][others], after[what][others]), f"{name} {rank} nan: {what} of other samples changed"


if __name__ == "__main__":
    main()
