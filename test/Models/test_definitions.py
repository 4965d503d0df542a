"""The definitions against second formulations of the same thing, known answers, and the cases of the trained models.

`python test_definitions.py` (unittest, NumPy only, seconds). The models' folders are made once in a temporary place."""
import pathlib
import tempfile
import unittest

import numpy as np

import attention as at
import check_trained
import make_all
import philox
import tensors
from common import Rng, load, sigmoid, silu, softplus

MADE = {}


def folder(name):
    """(weights, config, cases) of a random-weight model, made at the first use."""
    if name not in MADE:
        make_all.make(ROOT.name, name)
        path = pathlib.Path(ROOT.name) / name
        MADE[name] = (*load(path), check_trained.read_cases(path))
    return MADE[name]


def setUpModule():
    global ROOT
    ROOT = tempfile.TemporaryDirectory()


def tearDownModule():
    ROOT.cleanup()


class Base(unittest.TestCase):
    def close(self, a, b, tolerance=1e-12):
        a, b = np.asarray(a), np.asarray(b)
        self.assertEqual(a.shape, b.shape)
        if a.size:
            self.assertLessEqual(np.abs(a - b).max(), tolerance * max(1, np.abs(b).max()))

    def session(self, module, name, inputs, cuts, tolerance=1e-12, **options):
        """A call over the whole sequence equals calls cut at `cuts`; also the states at the end."""
        w, c, _ = folder(name)
        key, whole = next(iter(inputs.items()))
        want, want_state = module.main(w, c, **inputs, **options)
        parts, state = [], None
        for piece in np.split(whole, cuts, 1):
            out, state = module.main(w, c, **{key: piece}, **options, state=state)
            parts.append(next(iter(out.values())))
        self.close(np.concatenate(parts, 1), next(iter(want.values())), tolerance)
        for k, v in want_state.items():
            self.close(state[k], v, tolerance)


class Files(Base):
    def test_round_trip(self):
        x = {"a": np.arange(6, dtype=np.float64).reshape(2, 3), "b": np.float32([1, -2.5]), "c": np.int32(7), "h": np.float16([0.5]),
             "e": np.zeros((0, 4), np.float32), "s": np.float32([1 + 2 ** -8, 1 + 3 * 2 ** -8, -3.0, 65280.0])}
        path = pathlib.Path(ROOT.name) / "x.safetensors"
        tensors.write(path, x, {"note": "words"}, bf16=["s"])
        got, metadata = tensors.read(path)
        self.assertEqual(metadata, {"note": "words"})
        for k in "abche":
            self.assertEqual((got[k].dtype, got[k].shape, got[k].tolist()), (x[k].dtype, x[k].shape, x[k].tolist()))
        self.assertEqual(got["s"].tolist(), [1, 1 + 2 ** -6, -3, 65280])             # ties to even

    def test_making_is_reproducible(self):
        with tempfile.TemporaryDirectory() as other:
            for name in ("a3_pondernet", "c22_softcap"):
                folder(name), make_all.make(other, name)
                for file in ("weights.safetensors", "config.json", "cases.safetensors"):
                    a, b = ((pathlib.Path(d) / name / file).read_bytes() for d in (ROOT.name, other))
                    self.assertEqual(a, b)


class Random(Base):
    def test_known_answers(self):
        """kat_vectors of Random123."""
        for counter, key, want in (
                ([0] * 4, [0] * 2, "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
                ([0xFFFFFFFF] * 4, [0xFFFFFFFF] * 2, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
                ([0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344], [0xA4093822, 0x299F31D0], "d16cfe09 94fdcceb 5001e420 24126ea1")):
            self.assertEqual(" ".join(f"{int(v):08x}" for v in philox.philox4x32(counter, key)), want)

    def test_draws(self):
        rows = np.arange(20000)
        u, z = philox.uniform(5 << 40 | 3, 0, 1, rows, 2), philox.truncated_normal(9, 0, rows, 0, 2.0)
        self.assertTrue(0 <= u.min() and u.max() < 1 and abs(u.mean() - 0.5) < 0.01)
        self.assertTrue(np.abs(z).max() <= 2 and abs(z.std() - 0.8796) < 0.01)
        alone = philox.truncated_normal(9, 0, rows[7777:7778], 0, 2.0)               # a draw depends on its row alone
        self.assertEqual(alone[0], z[7777])
        self.assertEqual(philox.categorical(np.array([0.0, 0.25, 0.999]), [1, 0, 2, 1]).tolist(), [0, 2, 3])


class Trained(Base):
    def test_cases(self):
        for model in check_trained.MODELS:
            self.assertLessEqual(check_trained.check(model), 1e-9)

    def test_decode_is_forward(self):
        looped, (w, c) = check_trained.looped_lm, load(check_trained.HERE / "looped_lm")
        cases = check_trained.read_cases(check_trained.HERE / "looped_lm")
        for case in ("q70_latest", "q50_all"):
            options, a = cases[case]
            cache, n = [], 12
            for t in range(n):
                logits, steps = looped.decode(w, c, cache, a["tokens"][:, t], **options)
                self.close(logits, a["logits"][:, t], 1e-11)
                self.assertEqual(steps.tolist(), a["steps"][:, t].tolist())


class Attention(Base):
    def test_by_loops(self):
        rng = Rng(1)
        q, k, v = rng.vector(2, 4, 5, 6), rng.vector(2, 2, 7, 6), rng.vector(2, 2, 7, 3)
        q, k, v = (a.astype(np.float64) for a in (q, k, v))
        bias, visible, sink = rng.vector(4, 5, 7), rng.random_sample((2, 1, 5, 7)) < 0.5, rng.vector(4, 1, 1).astype(np.float64)
        visible[0, 0, 2] = False
        got = at.attention(q, k, v, visible, softcap=2.0, bias=bias, sink=sink)
        for b, h, i in np.ndindex(2, 4, 5):
            top, below = np.zeros(3), np.exp(sink[h, 0, 0])
            for j in np.flatnonzero(visible[b, 0, i]):
                e = np.exp(2 * np.tanh(q[b, h, i] @ k[b, h // 2, j] / 6 ** 0.5 / 2) + bias[h, i, j])
                top, below = top + e * v[b, h // 2, j], below + e
            self.close(got[b, h, i], top / below)
        self.assertEqual(np.abs(at.attention(q, k, v, visible)[0, :, 2]).max(), 0)   # no visible key

    def test_rotation(self):
        rng = Rng(2)
        q, k = rng.vector(1, 8).astype(np.float64), rng.vector(1, 8).astype(np.float64)
        dot = lambda i, j: (at.rotate(q, [i]) @ at.rotate(k, [j]).T)[0, 0]
        self.assertAlmostEqual(dot(7, 3), dot(1004, 1000), 10)                       # only i - j counts
        order = [0, 4, 1, 5, 2, 6, 3, 7]                                             # half-split → interleaved
        self.close(at.rotate(q[:, order], [5], interleaved=True), at.rotate(q, [5])[:, order])

    def test_empty_rows(self):
        """A row without a visible key is 0 in every case called empty."""
        for name in ("c02_alibi", "c03_t5", "c07_window", "c16_sinks", "c19_sigmoid", "c22_softcap", "c12_block_table"):
            for case, (_, a) in folder(name)[2].items():
                if case.endswith("empty"):
                    self.assertEqual(np.abs(a["y"][1]).max(), 0, (name, case))
                    self.assertGreater(np.abs(a["y"][0]).max(), 0)
        _, a = folder("c12_block_table")[2]["paged_empty"]
        self.assertTrue((np.abs(a["y"][2]).max(-1) > 0).tolist() == [False, True, True])   # 2 keys, 3 queries

    def test_biases(self):
        import c02_alibi
        import c03_t5
        self.assertEqual(c02_alibi.slopes(8).tolist(), [2.0 ** -k for k in range(1, 9)])
        self.assertEqual(c02_alibi.slopes(6).tolist(), [2.0 ** -k for k in (2, 4, 6, 8, 1, 3)])
        n = np.arange(1, 300)
        for buckets in (32, 16):                                                     # off the exact powers, f64 is safe
            m = buckets // 2
            want = np.where(n < m, n, np.minimum(buckets - 1, m + np.floor(np.log(n / m) / np.log(128 / m) * (buckets - m) + 1e-9)))
            self.assertEqual([c03_t5.one_way(int(x), buckets, 128) for x in n], want.tolist())
        both = c03_t5.bucket(3, True)
        self.assertEqual(both.tolist(), [[0, 17, 18], [1, 0, 17], [2, 1, 0]])

    def test_masks(self):
        import c07_window
        see = lambda kind: [np.flatnonzero(r).tolist() for r in c07_window.mask(6, 2, kind)][5]
        self.assertEqual([see(k) for k in ("window", "inclusive", "blocks", "symmetric")],
                         [[4, 5], [3, 4, 5], [2, 3, 4, 5], [4, 5]])

    def test_block_table_by_loops(self):
        import c12_block_table as model
        w, c, cases = folder("c12_block_table")
        _, a = cases["batch"]
        q, k, v = model.project(w, c, a["x"].astype(np.float64))
        b, T, y = c["block"], 29, np.zeros((3, 29, 48))
        for r, i in np.ndindex(3, T):
            I = i // b
            keys = [j for j in range(a["lengths"][r]) if I == 0 or j // b in (0, I - 1, I, I + 1, *a["table"][I])]
            y[r, i] = at.attention(q[r:r + 1, :, i:i + 1], k[r:r + 1, :, keys], v[r:r + 1, :, keys]).reshape(-1)
        self.close(y @ w["attention.out.weight"].T, a["y"])

    def test_paged_is_contiguous(self):
        w, c, cases = folder("c12_block_table")
        _, a = cases["paged_decode"]
        for b, n in enumerate(a["lengths"]):
            k, v = (a[s][a["pages"][b]].reshape(-1, 2, 12)[:n].transpose(1, 0, 2)[None].astype(np.float64) for s in "kv")
            q = at.split(a["x"][b:b + 1] @ w["paged.q.weight"].T, 4)
            self.close(at.merge(at.attention(q, k, v)) @ w["attention.out.weight"].T, a["y"][b:b + 1])

    def test_streaming_before_it_drops(self):
        """While nothing is dropped, StreamingLLM is causal attention with rotary embedding."""
        import c18_streaming as model
        w, c, cases = folder("c18_streaming")
        x = cases["begin"][1]["x"].astype(np.float64)
        q, k, v = model.project(w, c, x)
        p = np.arange(x.shape[1])
        y = at.merge(at.attention(at.rotate(q, p), at.rotate(k, p), v, at.causal(len(p)))) @ w["attention.out.weight"].T
        self.close(y, cases["begin"][1]["y"])

    def test_relative_scores_by_loops(self):
        import b2_transformer_xl as model
        w, c, _ = folder("b2_transformer_xl")
        rng, name = Rng(3), "layers.1.attention."
        h, mem = rng.vector(1, 4, 36).astype(np.float64), rng.vector(1, 3, 36).astype(np.float64)
        k = w[name + "qkv.weight"].reshape(3, 3, 12, 36)                             # [q k v, head, D, d]
        rows, got = np.concatenate([mem, h], 1)[0], model.relative_attention(w, c, name, h, mem)
        for head, i in np.ndindex(3, 4):
            q, s = k[0, head] @ h[0, i], []
            for j in range(3 + i + 1):
                f = (3 + i - j) * 10000.0 ** (-np.arange(18) / 18)
                r = w[name + "r.weight"].reshape(3, 12, 36)[head] @ np.concatenate([np.sin(f), np.cos(f)])
                s.append(((q + w[name + "u"][head]) @ (k[1, head] @ rows[j]) + (q + w[name + "v"][head]) @ r) / 12 ** 0.5)
            p = np.exp(s) / np.exp(s).sum()
            self.close(got[0, i, 12 * head:12 * head + 12], p @ rows[:3 + i + 1] @ k[2, head].T)


class Halting(Base):
    def test_act_weights(self):
        import a1_act
        n, r, p = a1_act.weigh([0.4, 0.3, 0.5, 0.9])
        self.assertEqual(n, 3)
        self.close([r, *p], [0.3, 0.4, 0.3, 0.3])
        self.close(a1_act.weigh([0.1, 0.2])[2], [0.1, 0.9])                          # the cap takes the remainder

    def test_act_by_rows(self):
        """One row, one input at a time: all steps up to the cap first, then their weights."""
        import a1_act
        w, c, cases = folder("a1_act")
        for case in ("batch", "first", "cap"):
            _, a = cases[case]
            for b in range(len(a["x"])):
                s = np.zeros(c["d"])
                for t in range(a["lengths"][b]):
                    states, inner = [], s
                    for n in range(c["cap"]):
                        x = np.append(a["x"][b, t], n == 0)
                        inner = np.tanh(w["input.weight"] @ x + w["input.bias"] + w["state.weight"] @ inner)
                        states.append(inner)
                    n, r, p = a1_act.weigh([sigmoid(w["halt.weight"][0] @ s + w["halt.bias"][0]) for s in states], c["epsilon"])
                    s = np.array(p) @ states[:n]
                    self.assertEqual(a["steps"][b, t], n)
                    self.close(a["remainder"][b, t], r)
                    self.close(a["y"][b, t], w["output.weight"] @ s + w["output.bias"])
                self.close(a["state"][b], s)

    def test_block_by_tokens(self):
        """A sequence of one token: all states first, then geometric weights."""
        import a0_iterative_block as model
        w, c, _ = folder("a0_iterative_block")
        part, x, one = model.part(w, 0), Rng(4).vector(16, 1, c["d"]).astype(np.float64), np.ones(16, np.int32)
        for remainder in ("assign", "drop"):
            out = model.main(w, c, x, one, "replace", remainder)
            S, states = np.zeros_like(x), []
            for _ in range(c["cap"]):
                S = model.f(part, c, S, x, np.ones((16, 1, 1, 1), bool))
                states.append(S[:, 0])
            h = np.array([sigmoid(s @ part["halt.weight"][0] + part["halt.bias"]) for s in states])
            stay = np.cumprod(1 - h, 0)
            for b in range(16):
                n = int(np.argmax(np.append(1 - stay[:-1, b] >= 1 - c["epsilon"], True))) + 1
                p = h[:n, b] * np.append(1, stay[:n - 1, b])
                p[-1] += stay[n - 1, b] if remainder == "assign" else 0
                self.assertEqual(out["steps"][b, 0], n)
                self.close(out["y"][b, 0], p @ [s[b] for s in states[:n]])

    def test_pondernet_stops_at_the_draw(self):
        import a3_pondernet as model
        w, c, cases = folder("a3_pondernet")
        _, a = cases["token_batch"]
        for b, t in zip(*np.nonzero(a["steps"])):
            h, x = w["start"][None], a["x"][b:b + 1, t].astype(np.float64)
            for n in range(1, c["cap"] + 1):
                h = model.gru(w, "gru", x, h)
                if philox.uniform(c["seed"], 0, n, b * 29 + t, c["stream"]) < sigmoid(h @ w["halt.weight"][0] + w["halt.bias"])[0]:
                    break
            self.assertEqual(a["steps"][b, t], n)
            self.close(a["y"][b, t], (h @ w["output.weight"].T + w["output.bias"])[0])

    def test_halted_repeats(self):
        """With a threshold that is never reached, the halted form repeats as often as its cap."""
        import a16_interlayer as model
        w, c, cases = folder("a16_interlayer")
        x = cases["longest"][1]["x"].astype(np.float64)
        got = model.main_halted(w, {**c, "epsilon": -1, "cap": c["repeats"]}, x, [40])
        self.close(got["y"], cases["longest"][1]["y"])

    def test_nan_stays_in_its_row(self):
        """The case nan differs from finite in the row (sequence, or token) of the NaN only, and shows there."""
        for name, at, token in (("a0_iterative_block", "", False), ("a1_act", "", False), ("a3_pondernet", "", False),
                                ("a3_pondernet", "token_", True), ("a3_pondernet", "threshold_", True), ("a7_deq", "", False),
                                ("a16_interlayer", "halted_", False)):
            w, c, cases = folder(name)
            good, bad = cases[at + "finite"][1], cases[at + "nan"][1]
            self.assertTrue(np.isnan(bad["y"][(1, 3) if token else 1]).any())
            for k in good.keys() - {"x", "lengths"}:
                others = np.ones(good[k].shape, bool)
                others[(1, 3) if token else 1] = False
                self.assertTrue(np.array_equal(good[k][others], bad[k][others]), (name, k))
            self.assertEqual(bad["steps"][(1, 3) if token else 1].max(), c["cap"])

    def test_equilibrium(self):
        import a7_deq as model
        w, c, cases = folder("a7_deq")
        for case in ("batch", "anderson_batch"):
            _, a = cases[case]
            y, x = a["y"], a["x"].astype(np.float64)
            F = model.f(w, c, y, x, at.valid_rows(a["lengths"], 29))
            self.close(model.size(F - y) / model.size(F), a["residual"], 1e-9)
            self.assertLess(a["residual"].max(), c["tol"])
        z, F = np.ones((2, 3)), np.full((2, 3), 2.0)
        self.close(model.anderson([(z, F)], 1e-4), F)                                # one pair: plain iteration

    def test_programs(self):
        import a15_programs as model
        cases = folder("a15_programs")[2]
        for case, (options, a) in cases.items():
            if options["entry"] == "bubble_sort":
                self.assertEqual(a["y"].tolist(), sorted(a["x"].tolist()))
            elif options["entry"] == "newton" and case != "newton_cap":
                self.close(a["y"], np.sqrt(a["x"]), 1e-3)
            elif options["entry"] in ("conjugate_gradient", "gauss_seidel"):
                b = a["b"].astype(np.float64)
                self.assertLessEqual(np.abs(a["a"] @ a["y"] - b).max(), 0.05 * max(1, np.abs(b).max()))
            elif options["entry"] == "bfs":
                n, reach = len(a["adjacency"]), np.eye(len(a["adjacency"]))[a["source"]]
                for step in range(n):                                                # walks of exactly `step` edges
                    self.assertTrue((a["distance"][reach > 0] <= step).all() and (a["distance"][reach > 0] >= 0).all())
                    self.assertTrue((reach[a["distance"] == step] > 0).all())
                    reach = np.minimum(reach @ a["adjacency"], 1)


class Sessions(Base):
    def test_ring(self):
        import llama_ring
        tokens = Rng(5).below(64, 2, 37)
        self.session(llama_ring, "llama_ring", {"tokens": tokens}, range(1, 37))
        self.session(llama_ring, "llama_ring", {"tokens": tokens}, [3, 20, 21])

    def test_streaming(self):
        import c18_streaming
        x = Rng(6).vector(2, 30, 36).astype(np.float64)
        self.session(c18_streaming, "c18_streaming", {"x": x}, [1, 5, 6, 22])

    def test_recurrent(self):
        import c30_retention
        import c32_selective_scan
        import c35_delta_rule
        for module, d in ((c30_retention, 32), (c32_selective_scan, 24), (c35_delta_rule, 32)):
            x = Rng(7).vector(2, 23, d).astype(np.float64)
            self.session(module, module.__name__, {"x": x}, [1, 2, 9, 22], 1e-11)
        self.session(c35_delta_rule, "c35_delta_rule", {"x": x}, [4, 5], 1e-11, gated=True)

    def test_infini_on_segment_borders(self):
        import b7_infini
        self.session(b7_infini, "b7_infini", {"x": Rng(8).vector(2, 29, 32).astype(np.float64)}, [8, 24])

    def test_infini_memory_by_loops(self):
        import b7_infini as model
        rng = Rng(9)
        k, v, q = (rng.vector(5, 16).astype(np.float64) for _ in range(3))
        M, z = model.phi(k).T @ v, model.phi(k).sum(0)
        weights = np.array([[model.phi(a) @ model.phi(b) for b in k] for a in q])
        self.close(model.phi(q) @ M / (model.phi(q) @ z)[:, None], weights / weights.sum(1, keepdims=True) @ v)

    def test_retention_parallel(self):
        import c30_retention as model
        w, c, cases = folder("c30_retention")
        q, k, v = model.project(w, c, cases["batch"][1]["x"].astype(np.float64))
        gamma = model.gammas(c, np.float64)
        o, _ = model.recurrent(q, k, v, np.zeros((3, 3, 8, 16)), gamma)
        self.close(model.parallel(q, k, v, gamma), o)

    def test_delta_rule_chunked(self):
        import c35_delta_rule as model
        w, c, cases = folder("c35_delta_rule")
        q, k, v, beta = model.project(w, c, cases["batch"][1]["x"].astype(np.float64))
        s = Rng(10).vector(3, 2, 12, 16).astype(np.float64)
        o, end = model.recurrent(q, k, v, beta, np.ones_like(beta), s)
        for size in (1, 8, 29):
            got, state = model.chunked(q, k, v, beta, s, size)
            self.close(got, o, 1e-11)
            self.close(state, end, 1e-11)

    def test_selective_scan_closed_form(self):
        """h_t = Σ_{m<=t} exp(A Σ_{m<n<=t} Δ_n) Δ_m B_m u_m."""
        import c32_selective_scan as model
        rng = Rng(11)
        delta, u = softplus(rng.vector(1, 7, 5).astype(np.float64)), rng.vector(1, 7, 5).astype(np.float64)
        Bt, Ct, A = rng.vector(1, 7, 3), rng.vector(1, 7, 3), -np.exp(rng.vector(5, 3).astype(np.float64))
        y, s = model.scan(delta, A, Bt, Ct, u, np.zeros((1, 5, 3)))
        total = np.cumsum(delta, 1)
        for t in range(7):
            h = sum(np.exp(A * (total[0, t] - total[0, m])[:, None]) * (delta * u)[0, m, :, None] * Bt[0, m] for m in range(t + 1))
            self.close(y[0, t], h @ Ct[0, t])
        self.close(s[0], h)
        w = {"conv.weight": rng.vector(1, 4), "conv.bias": np.zeros(1)}
        got, _ = model.convolve(w, u[:, :, :1], np.zeros((1, 1, 3)))
        self.close(got[0, :, 0], silu(np.convolve(u[0, :, 0], w["conv.weight"][0, ::-1])[:7]))


class Everything(Base):
    def test_all_are_made(self):
        """Every folder is made (float32 agrees, margins are wide), with finite outputs but for the NaN cases."""
        for name in make_all.MODELS:
            for case, (_, arrays) in folder(name)[2].items():
                for k, a in arrays.items():
                    self.assertIn(a.dtype.str[1:], ("f4", "f8", "i4", "i8"), (name, case, k))
                    self.assertTrue(case.endswith("nan") or np.isfinite(a).all(), (name, case, k))


if __name__ == "__main__":
    unittest.main()
