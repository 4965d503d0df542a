"""attnc.torch.adaptive and segment: what their policies say by hand, their gradients, and compiled against themselves."""
import copy
import os
import subprocess
import sys
import unittest
import warnings

import numpy as np
import torch
from torch import nn
from torch.export import Dim

from common import FOLDER, ROOT
import philox  # test/Models
import attnc
from attnc import frontends
from attnc.torch import Act, Bernoulli, Converge, Geometric, Predicate, Source, Threshold, adaptive, attention, segment

warnings.filterwarnings("ignore")
BATCH, LENGTH = Dim("batch", min=1, max=64), Dim("length", min=1, max=512)


def counting(scores):
    """A body whose value is the step and whose score is given: scores [steps, rows]."""
    scores = torch.tensor(scores)
    return lambda t, running, x: ((torch.zeros_like(x) + t,), scores[t - 1].to(x.dtype))


def run(scores, halt, mark, **options):
    x = torch.zeros(len(scores[0]), dtype=torch.float64)
    (value,), *rest = adaptive(counting(scores), halt, (x,), torch.ones_like(x, dtype=torch.bool), len(scores), marks=mark, **options)
    return value.tolist(), rest[0].tolist(), *(r.tolist() for r in rest[1:])


class Policies(unittest.TestCase):
    def check(self, got, *want):
        for x, y in zip(got, want):
            np.testing.assert_allclose(x, y, rtol=1e-6)

    def test_act_is_the_papers_example(self):
        """h = (.4, .3, .5): three steps, weights (.4, .3, .3)."""
        scores = [[.4, .2], [.3, .2], [.5, .2], [.9, .2]]
        self.check(run(scores, Act(0.99), "mean"), [.4 + .3 * 2 + .3 * 3, .2 * (1 + 2 + 3) + .4 * 4], [3, 4])
        self.check(run(scores, Act(0.99, remainder="drop"), "mean"), [.4 + .3 * 2 + .3 * 3, .2 * (1 + 2 + 3 + 4)], [3, 4])
        self.check(run(scores, Act(0.99), "blend"), [(.4 * .7 + .3 * 2) * .7 + .3 * 3, ((.2 * .8 + .4) * .8 + .6) * .6 + 1.6], [3, 4])
        self.check(run(scores, Act(0.99), "frozen", margin=True), [3, 4], [3, 4], [.21, .39])

    def test_geometric(self):
        scores = [[.5, .1], [.5, .1], [.5, .1]]
        self.check(run(scores, Geometric(0.7), "mean"), [.5 + .5 * 2, .1 + .09 * 2 + .81 * 3], [2, 3])
        self.check(run(scores, Geometric(0.7, remainder="drop"), "mean"), [.5 + .25 * 2, .1 + .09 * 2 + .081 * 3], [2, 3])

    def test_bernoulli_draws_by_seed_step_and_row(self):
        scores = np.full((6, 40), 0.3)
        u = np.stack([philox.uniform(7 << 33 | 5, 0, t, np.arange(40), 2) for t in range(1, 7)])
        steps = np.minimum(np.argmax(np.concatenate([u < np.float32(0.3), np.ones((1, 40), bool)]), 0) + 1, 6)
        self.check(run(scores.tolist(), Bernoulli(7 << 33 | 5, stream=2), "frozen"), steps, steps)

    def test_threshold_predicate_and_converge(self):
        scores = [[.1, .9], [.6, .1], [.2, .1]]
        self.check(run(scores, Threshold(0.5), "frozen", margin=True), [2, 1], [2, 1], [.1, .4])
        self.check(run(scores, Threshold(0.15, compare="lt"), "frozen"), [1, 2], [1, 2])
        x = torch.tensor([[1.0, 0.0], [8.0, 8.0]])
        halve = lambda t, running, x: (x / 2,)
        (y,), steps = adaptive(lambda t, running, x: ((x / 2,), x.sum(-1) < 3), Predicate(), (x,), torch.tensor([True, True]), 9)
        self.check((steps, y), [1, 4], [[.5, 0], [.5, .5]])
        (y,), steps = adaptive(halve, Converge(0.5, delta=1.0), (x,), torch.tensor([True, False]), 9)
        self.check((steps, y), [1, 0], [[.5, 0], [8, 8]])

    def test_a_halt_function_and_marks(self):
        x = torch.tensor([1.0, 5.0, 9.0])
        body = lambda t, running, x, n: (x - 2, n + running)
        halt = lambda t, before, after: (after[0] < 0, after[0].abs())
        (y, n), steps, margins = adaptive(body, halt, (x, torch.zeros(3)), torch.tensor([True, True, False]), 9, marks=("frozen", "free"), margin=True)
        self.check((y, n, steps, margins), [-1, -1, 9], [1, 3, 0], [1, 3, 0], [1, 1, np.inf])

    def test_nothing_runs(self):
        x = torch.ones(2)
        (y,), steps = adaptive(lambda t, r, x: ((x + 1,), x), Act(0.9), (x,), torch.zeros(2, dtype=torch.bool), 5)
        self.check((y, steps), [1, 1], [0, 0])
        (y,), steps = adaptive(lambda t, r, x: ((x + 1,), x), Act(0.9), (x,), torch.ones(2, dtype=torch.bool), torch.tensor(0))
        self.check((y, steps), [1, 1], [0, 0])


class Segments(unittest.TestCase):
    def test_partial_blocks(self):
        x = torch.arange(1.0, 8.0)[None]
        body = lambda n, x, total: (x + total + 100 * n, total + x.sum(1, keepdim=True))
        for partial, last in (("keep", 21), ("update", 28)):
            (y,), (total,) = segment(body, x, (torch.zeros(1, 1),), 3, partial=partial)
            self.assertEqual(y.tolist(), [[1, 2, 3, 110, 111, 112, 228]])
            self.assertEqual(total.item(), last)
        (y,), (total,) = segment(body, x[:, :0], (torch.ones(1, 1),), 3)
        self.assertEqual((tuple(y.shape), total.item()), ((1, 0), 1))

    def test_several_inputs_and_dimensions(self):
        x, w = torch.randn(5, 2), torch.randn(2, 5)
        (y, z), (s,) = segment(lambda n, x, w, s: ((x * s, w + n), (s * 2,)), (x, w), (torch.ones(1),), 2, dim=(0, 1), out_dim=(0, 1))
        torch.testing.assert_close(y, x * torch.tensor([1, 1, 2, 2, 4])[:, None])
        torch.testing.assert_close(z, w + torch.tensor([0, 0, 1, 1, 2]))
        self.assertEqual(s.item(), 8)


class Gradients(unittest.TestCase):
    def test_through_halting_rows(self):
        def f(x, w):
            body = lambda t, r, x, total: (((x @ w).tanh(),) * 2, x.sum(-1).sigmoid())
            (x, total), _ = adaptive(body, Act(0.99), (x, torch.zeros_like(x)), torch.tensor([True, True, False]), 5, marks=("frozen", "mean"))
            return x, total
        given = torch.randn(3, 2, dtype=torch.float64), torch.randn(2, 2, dtype=torch.float64)
        self.assertTrue(torch.autograd.gradcheck(f, tuple(x.requires_grad_() for x in given)))

    def test_through_feedback(self):
        def f(x, s, w):
            (y,), (s,) = segment(lambda n, x, s: ((x + s[:, None]) @ w, (s + (x @ w).mean(1)).tanh()), x, (s,), 2)
            return y, s
        given = (torch.randn(1, 5, 2, dtype=torch.float64), torch.randn(1, 2, dtype=torch.float64), torch.randn(2, 2, dtype=torch.float64))
        self.assertTrue(torch.autograd.gradcheck(f, tuple(x.requires_grad_() for x in given)))


class Zoo(nn.Module):
    """Each policy once, over tokens; the cap and thresholds as numbers and as inputs."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.step, self.score = nn.Linear(8, 8), nn.Linear(8, 1)

    def forward(self, x, valid, limit, cap):
        def scored(t, running, x, total):
            y = self.step(x).tanh() + 0.1 * t
            return (y, y), self.score(x).squeeze(-1).sigmoid()
        plain = lambda t, running, x: ((x + self.step(x)) / 2,)
        threshold = lambda t, running, x: ((self.step(x).tanh() + x / t,), self.score(x).squeeze(-1).sigmoid())
        exits = lambda t, running, x: ((self.step(x).tanh() + x / t,), (self.score(x).squeeze(-1) > 0.2) & running)
        small = lambda t, before, after: ((after[0] - before[0]).abs().amax(-1) < 0.1 * t, (after[0] - before[0]).abs().amax(-1) - 0.1 * t)
        out, two, none = {}, (x, torch.zeros_like(x)), torch.zeros_like(x)
        (a, b), s, m = adaptive(scored, Act(0.99, compare="gt"), two, valid, 6, marks=("frozen", "mean"), margin=True)
        out.update(act=b, act_state=a, act_steps=s, act_margin=m)
        (a, b), s = adaptive(scored, Geometric(limit, remainder="drop"), (x, none), valid, cap, marks=("free", "blend"))
        out.update(geometric=b, geometric_steps=s)
        (a,), s = adaptive(threshold, Bernoulli(1234567890123), (x,), valid, 6)
        out.update(bernoulli=a, bernoulli_steps=s)
        (a,), s = adaptive(threshold, Threshold(limit), (x,), valid, cap)
        out.update(threshold=a, threshold_steps=s)
        (a,), s = adaptive(exits, Predicate(), (x,), valid, 4)
        out.update(predicate=a, predicate_steps=s)
        (a,), s = adaptive(plain, Converge(0.2, delta=1e-6), (x,), valid[:, 0], 9)
        out.update(converge=a, converge_steps=s)
        (a,), s, m = adaptive(plain, small, (x,), valid, 9, margin=True)
        out.update(halt=a, halt_steps=s)
        return out


class Nested(nn.Module):
    """Attention in a loop whose tokens halt, in a scan over blocks; a buffer counts the blocks that a session has seen."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.qkv, self.score = nn.Linear(8, 24), nn.Linear(8, 1)
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64))
        self.register_buffer("memory", torch.randn(1, 2, 4, 4))

    def forward(self, x):
        def block(n, x, memory):
            def step(t, running, h):
                q, k, v = (y.unflatten(-1, (2, 4)).transpose(1, 2) for y in self.qkv(h).chunk(3, -1))
                y = attention(q, k, v, lambda s, b, h, i, j: s - 0.1 * (i - j), lambda b, h, i, j: j <= i, sources=[Source(memory, memory)])
                return (h + y.transpose(1, 2).flatten(2) / t,), self.score(h).squeeze(-1).sigmoid()
            (h,), _ = adaptive(step, Act(0.9), (x,), torch.ones_like(x[..., 0], dtype=torch.bool), 4)
            return h, (memory + h.mean(1).unflatten(-1, (2, 1, 4)),)
        (y,), (memory,) = segment(block, x, (self.memory,), 5)
        self.memory.copy_(memory)
        self.seen.add_((x.shape[1] + 4) // 5)
        return y + self.seen


def inputs(batch, length):
    draw = torch.Generator().manual_seed(100 + length)
    valid = torch.arange(length) < torch.randint(0, length + 1, (batch, 1), generator=draw)
    return torch.randn(batch, length, 8, generator=draw), valid, torch.tensor(0.6), torch.tensor(5)


class Compiled(unittest.TestCase):
    def close(self, got, want, what):
        self.assertEqual(got.shape, want.shape, what)
        if want.dtype.is_floating_point:
            torch.testing.assert_close(got, want, rtol=2e-5, atol=2e-5 * float(want[want.isfinite()].abs().max() if want.isfinite().any() else 1), msg=lambda m: f"{what}: {m}")
        else:
            self.assertTrue(torch.equal(got, want), what)

    def test_every_policy(self):
        model, sizes = Zoo().eval(), ({0: BATCH, 1: LENGTH}, {0: BATCH, 1: LENGTH}, None, None)
        imported = frontends.load(model, inputs(2, 7), None, sizes)
        for word in ("act", "geometric", "bernoulli", "threshold", "predicate", "converge", "region"):
            self.assertEqual(imported.text.count(f"loop.adaptive {word} "), 1, word)
        package = attnc.compile(model, inputs(2, 7), sizes, target="cpu:avx2")
        for batch, length in ((2, 7), (1, 1), (3, 20)):
            given = inputs(batch, length)
            got = package.main.run(dict(zip(("x", "valid", "limit", "cap"), given)))
            with torch.no_grad():
                for name, want in model(*given).items():
                    self.close(got[name], want, f"{name} at {batch} × {length}")

    def test_nested_with_state(self):
        model = Nested().eval()
        text = frontends.load(model, (torch.randn(1, 12, 8),), None, ({1: LENGTH},)).text
        for op in ("loop.segment", "loop.adaptive", "attn.attention"):
            self.assertEqual(text.count(op), 1, op)
        session = attnc.compile(model, (torch.randn(1, 12, 8),), ({1: LENGTH},), target="cpu:avx2").session()
        for length in (12, 3, 10):
            x = torch.randn(1, length, 8, generator=torch.Generator().manual_seed(length))
            with torch.no_grad():
                self.close(session(x), model(x), f"{length} rows")

    def test_an_exported_program_runs_is_saved_and_is_loaded(self):
        model, x = Nested().eval(), torch.randn(1, 7, 8)
        program = torch.export.export(model, (x,), dynamic_shapes=({1: LENGTH},), strict=True)
        torch.export.save(program, FOLDER / "nested.pt2")
        with torch.no_grad():
            want = copy.deepcopy(model)(x)
            self.close(program.module()(x), want, "the program")
        line = [sys.executable, "-W", "ignore", "-m", "attnc.frontends", FOLDER / "nested.pt2", "-o", FOLDER / "nested.mlir"]
        done = subprocess.run(line, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT / "python")})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual((FOLDER / "nested.mlir").read_text().count("loop.segment"), 1)


class Refusals(unittest.TestCase):
    def test_wrong_arguments(self):
        x, rows = torch.ones(2), torch.ones(2, dtype=torch.bool)
        body = lambda t, r, x: ((x,), x)
        for pattern, f in {
                "2 marks for 1 values": lambda: adaptive(body, Act(0.9), (x,), rows, 3, marks=("free", "free")),
                "the mark 'melted': expected one of": lambda: adaptive(body, Act(0.9), (x,), rows, 3, marks="melted"),
                "the mark 'mean' without weights": lambda: adaptive(body, Threshold(0.9), (x,), rows, 3, marks="mean"),
                r"a frozen value of shape \[3\]: expected the rows \[2\]": lambda: adaptive(body, Act(0.9), (torch.ones(3),), rows, 3),
                "a margin with Predicate": lambda: adaptive(body, Predicate(), (x,), rows, 3, margin=True),
                "compare 'eq'": lambda: adaptive(body, Act(0.9, compare="eq"), (x,), rows, 3),
                "remainder 'keep'": lambda: adaptive(body, Act(0.9, remainder="keep"), (x,), rows, 3),
                "returned 2 values: expected 1": lambda: adaptive(lambda t, r, x: ((x, x), x), Act(0.9), (x,), rows, 3),
                "the value 0 of adaptive is torch.float32": lambda: adaptive(lambda t, r, x: ((x.double(),), x), Act(0.9), (x,), rows, 3),
                r"a score of shape \[1\]": lambda: adaptive(lambda t, r, x: ((x,), x[:1]), Act(0.9), (x,), rows, 3),
                "partial 'half'": lambda: segment(lambda n, x: (x, ()), x[None], (), 2, partial="half"),
                "blocks of 0 rows": lambda: segment(lambda n, x: (x, ()), x[None], (), 0),
                "block input 1 has 3 rows along 1: expected 2": lambda: segment(lambda n, x, y: (x, ()), (x[None], torch.ones(1, 3)), (), 2),
                "returned 0 states: expected 1": lambda: segment(lambda n, x, s: (x, ()), x[None], (x,), 2),
                "the output 0 of segment has 1 rows along 1": lambda: segment(lambda n, x: (x[:, :1], ()), x[None], (), 2),
                "the state 0 of segment is": lambda: segment(lambda n, x, s: (x, (x,)), x[None], (x,), 2)}.items():
            with self.assertRaisesRegex(ValueError, pattern):
                f()

    def test_what_cannot_be_exported(self):
        class Loop(nn.Module):
            def __init__(self, body):
                super().__init__()
                self.body = body
                self.register_buffer("count", torch.zeros(()))

            def forward(self, x):
                body = lambda t, running, x: self.body(self, t, x)
                return adaptive(body, Act(0.9), (x,), torch.ones_like(x, dtype=torch.bool), 3)[0][0]

        def counts(module, t, x):
            module.count.add_(1)
            return (x,), x
        for pattern, body in {"returned 2 values: expected 1": lambda m, t, x: ((x, x), x),
                              "the value 0 is f32.* at first and f64": lambda m, t, x: ((x.double(),), x),
                              "changes a tensor from outside.*carry it": counts,
                              r"i0.*: unsupported operation \(in attnc_adaptive_graph_0": lambda m, t, x: ((torch.special.i0(x),), x)}.items():
            with self.assertRaisesRegex(frontends.ImportProblems, pattern):
                frontends.load(Loop(body), (torch.ones(4),))


if __name__ == "__main__":
    unittest.main()
