"""a15_programs: small exact programs with `for`, `while` and convergence loops (models.md A15). No weights.

 bubble_sort          x [n] → y [n] ascending, steps [] int32. Passes j = 0 .. n-2 that swap x[j] > x[j+1], until a pass
                      swaps nothing; steps counts all passes, the last one too.
 bfs                  adjacency [n, n] int32 (edge i → j where not 0), source [] int32 → distance [n] int32 (-1: not
                      reached), steps [] int32: frontiers expanded until the frontier is empty.
 newton               x [n], x >= 0 → y [n] = √x, steps [n] int32. y = max(x, 1); y' = (y + x / y) / 2 until
                      |y' - y| < tol y', or newton_cap steps; each number stops on its own, y is the last y'.
 conjugate_gradient   a [n, n] symmetric positive definite, b [n] → y [n], steps [] int32. From y = 0, while ‖r‖ > tol
                      ‖b‖ and steps < n: the textbook step (r = b - a y by update).
 gauss_seidel         a, b as above → y [n], steps [] int32. From y = 0, sweeps
                      i = 0 .. n-1: y_i = (b_i - Σ_{j≠i} a_ij y_j) / a_ii in place, until no y_i changes by tol or more,
                      or sweeps_cap sweeps.

    entries   as named above; there is no main"""
import numpy as np

from common import Decisions, Folder

CONFIG = {"model": "a15_programs", "tol": 0.01, "newton_cap": 12, "sweeps_cap": 30}


def bubble_sort(w, c, x):
    y, steps, changed = x.copy(), 0, True
    while changed:
        changed = False
        for j in range(len(y) - 1):
            if y[j] > y[j + 1]:
                y[j], y[j + 1], changed = y[j + 1], y[j], True
        steps += 1
    return {"y": y, "steps": np.int32(steps)}


def bfs(w, c, adjacency, source):
    n = len(adjacency)
    distance, frontier, steps = np.full(n, -1, np.int32), np.arange(n) == source, 0
    distance[frontier] = 0
    while frontier.any():
        steps += 1
        frontier = (adjacency[frontier] != 0).any(0) & (distance < 0)
        distance[frontier] = steps
    return {"distance": distance, "steps": np.int32(steps)}


def newton(w, c, x):
    decisions = Decisions()
    y, steps, active = np.maximum(x, 1), np.zeros(len(x), np.int32), np.ones(len(x), bool)
    for n in range(1, c["newton_cap"] + 1):
        new = (y + x / y) / 2
        relative = np.abs(new - y) / new
        y, steps = np.where(active, new, y), steps + active.astype(np.int32)
        active = active & ~decisions.below(relative, c["tol"], active)
        if not active.any():
            break
    return {"y": y, "steps": steps, **decisions.margins()}


def conjugate_gradient(w, c, a, b):
    decisions = Decisions()
    y, r, steps = np.zeros_like(b), b.copy(), 0
    p, rr, limit = r, r @ r, c["tol"] * np.sqrt(b @ b)
    while decisions.above(np.sqrt(rr), limit, steps < len(b) and limit > 0) and steps < len(b):
        ap = a @ p
        alpha = rr / (p @ ap)
        y, r = y + alpha * p, r - alpha * ap
        p, rr, steps = r + (r @ r) / rr * p, r @ r, steps + 1
    return {"y": y, "steps": np.int32(steps), **decisions.margins()}


def gauss_seidel(w, c, a, b):
    decisions, y = Decisions(), np.zeros_like(b)
    for steps in range(1, c["sweeps_cap"] + 1):
        before = y.copy()
        for i in range(len(b)):
            y[i] = (b[i] - a[i] @ y + a[i, i] * y[i]) / a[i, i]
        change = np.abs(y - before).max()
        if decisions.below(change, c["tol"], steps < c["sweeps_cap"]):
            break
    return {"y": y, "steps": np.int32(steps), **decisions.margins()}


ENTRIES = {f.__name__: (f, {}) for f in (bubble_sort, bfs, newton, conjugate_gradient, gauss_seidel)}


def system(n, spread):
    """rng → a = M Mᵀ / n + spread I and b."""
    def draw(rng):
        m = rng.standard_normal((n, n))
        return {"a": (m @ m.T / n + spread * np.eye(n)).astype(np.float32), "b": rng.vector(n)}
    return draw


def make(folder):
    F = Folder(folder, CONFIG, {}, ENTRIES)
    for case, about, x in (("single", "one number", lambda rng: rng.vector(1)), ("random", "29 numbers", lambda rng: rng.vector(29)),
                           ("sorted", "sorted already: one pass", lambda rng: np.sort(rng.vector(9))),
                           ("reverse", "descending: as many passes as numbers", lambda rng: -np.sort(rng.vector(9))),
                           ("ties", "few values, many times", lambda rng: rng.below(4, 17).astype(np.float32))):
        F.add("bubble_sort_" + case, about, lambda rng: {"x": x(rng)}, "bubble_sort")
    graph = lambda n, rate: lambda rng: {"adjacency": (rng.random_sample((n, n)) < rate).astype(np.int32), "source": rng.below(n)[()]}
    path = lambda n: lambda rng: {"adjacency": np.eye(n, k=1, dtype=np.int32), "source": np.int32(0)}
    F.add("bfs_single", "one node", graph(1, 0), "bfs")
    F.add("bfs_sparse", "29 nodes, some out of reach", graph(29, 0.05), "bfs",
          accept=lambda out: out["steps"] > 4 and (out["distance"] < 0).any())
    F.add("bfs_dense", "29 nodes, dense", graph(29, 0.3), "bfs")
    F.add("bfs_path", "a path of 17 nodes: the deepest search", path(17), "bfs")
    F.add("bfs_alone", "no edge leaves the source", graph(9, 0), "bfs")
    square = lambda *v: lambda rng: {"x": np.array(v, np.float32)}
    F.add("newton_single", "one number", square(2), "newton")
    F.add("newton_random", "29 numbers up to 1000", lambda rng: {"x": (1000 * rng.random_sample(29) ** 3).astype(np.float32)}, "newton")
    F.add("newton_first", "√1 three times: done at the first step", square(1, 1, 1), "newton")
    F.add("newton_cap", "√0 only halves: it runs to the cap beside a number that does not", square(0, 4), "newton")
    for entry in ("conjugate_gradient", "gauss_seidel"):
        F.add(entry + "_single", "one unknown", system(1, 0.5), entry)
        F.add(entry + "_small", "12 unknowns", system(12, 0.5), entry)
        F.add(entry + "_odd", "29 unknowns", system(29, 0.3), entry)
        F.add(entry + "_zero", "b = 0", lambda rng: {**system(5, 1)(rng), "b": np.zeros(5, np.float32)}, entry)
    return F.close()
