"""Graphs as other exporters write them, in ONNX's text form: computed shapes, branches, loops, scans, functions. Results are onnxruntime's;
nothing of the arithmetic of shapes is left in the module."""
import os
import subprocess
import sys
import unittest

import numpy as np
import onnx
import onnx.parser
import onnxruntime

from common import FOLDER, ROOT, package, raised
import attnc
from attnc import frontends
from onnx_test_ops import as_tuple, close

HEAD = '<ir_version: 8, opset_import: ["" : {opset}{local}]>\n'
F = np.float32


def parsed(text, opset, local=""):
    return onnx.parser.parse_model(HEAD.format(opset=opset, local=local) + text)


class Graphs(unittest.TestCase):
    def check(self, text, cases, opset=14, absent=(), local="", present=()):
        """The model of a text agrees with onnxruntime on cases of inputs; its module has no operation in `absent`."""
        model = parsed(text, opset, local)
        name = self.id().rpartition(".")[2] + str(opset)
        path = FOLDER / f"{name}.onnx"
        onnx.save(model, path)
        imported = frontends.load(path)
        for word in absent:
            self.assertNotIn(word, imported.text)
        for word in present:
            self.assertIn(word, imported.text)
        imported.write(FOLDER / f"{name}.mlir", FOLDER / f"{name}.safetensors")
        compiled = attnc.load(package(FOLDER / f"{name}.mlir", name, FOLDER / f"{name}.safetensors"))
        session = onnxruntime.InferenceSession(model.SerializeToString())
        for inputs in cases:
            expected = session.run(None, dict(zip([i.name for i in model.graph.input], inputs)))
            for got, right in zip(as_tuple(compiled(*inputs)), expected):
                self.assertEqual(close(got, right, 1e-5), "")

    def refuse(self, text, pattern, opset=14, local=""):
        path = FOLDER / "refused.onnx"
        onnx.save(parsed(text, opset, local), path)
        with self.assertRaisesRegex(frontends.ImportProblems, pattern):
            frontends.load(path)

    # -- shapes

    def test_heads_by_computed_shapes(self):
        """Attention as exporters wrote it before Attention was an operation: sizes by Shape, Gather, Concat, Reshape."""
        text = """
        attention (float[batch, length, 32] x, float[32, 96] w, float[batch, 1, 1, length] hidden) => (float[batch, length, 32] y)
        <int64 zero = {0}, int64 one = {1}, int64[1] front = {0}, int64[3] tail = {-1, 4, 8}, int64[1] whole = {32}, float scale = {2.8284271247461903}> {
          p = MatMul(x, w)
          q, k, v = Split<axis = -1>(p)
          s = Shape(x)  b = Gather(s, zero)  b1 = Unsqueeze(b, front)
          t = Gather(s, one)  t1 = Unsqueeze(t, front)
          to = Concat<axis = 0>(b1, tail)
          qh = Reshape(q, to)  kh = Reshape(k, to)  vh = Reshape(v, to)
          qt = Transpose<perm = [0, 2, 1, 3]>(qh)  kt = Transpose<perm = [0, 2, 3, 1]>(kh)  vt = Transpose<perm = [0, 2, 1, 3]>(vh)
          raw = MatMul(qt, kt)  scaled = Div(raw, scale)  masked = Add(scaled, hidden)
          a = Softmax<axis = -1>(masked)
          o = MatMul(a, vt)  ot = Transpose<perm = [0, 2, 1, 3]>(o)
          back = Concat<axis = 0>(b1, t1, whole)
          y = Reshape(ot, back)
        }"""
        draw = np.random.default_rng(0)
        cases = [(draw.normal(size=(b, t, 32)).astype(F), draw.normal(size=(32, 96)).astype(F) / 6, np.where(draw.random((b, 1, 1, t)) < 0.3, F(-1e4), F(0)))
                 for b, t in ((2, 5), (1, 1), (3, 19))]
        for opset in (13, 17):
            self.check(text, cases, opset, absent=("tensor.reshape", "from_elements", "arith.constant dense"))

    def test_expand_by_where(self):
        """Expand to -1 as PyTorch's old exporter wrote it: a Where between ones and the shape."""
        text = """
        wide (float[batch, 1, 3] x) => (float[batch, 4, 3] y) <int64[3] to = {-1, 4, -1}, int64[3] minus = {-1, -1, -1}, int64[1] three = {3}> {
          ones = ConstantOfShape<value: tensor = int64[1] {1}>(three)
          unset = Equal(to, minus)  shape = Where(unset, ones, to)
          y = Expand(x, shape)
        }"""
        self.check(text, [(np.arange(3 * b, dtype=F).reshape(b, 1, 3),) for b in (2, 1)], absent=("arith.cmpi", "arith.select"))

    def test_positions_by_range(self):
        text = """
        positions (float[length, 4] x, float[64, 4] table) => (float[length, 4] y, int64[length] n) <int64 zero = {0}, int64 one = {1}, int64[1] front = {0}> {
          s = Shape(x)  t = Gather(s, zero)  n = Range(zero, t, one)
          t1 = Unsqueeze(t, front)
          rows = Gather<axis = 0>(table, n)  part = Slice(table, front, t1, front)
          a = Add(x, rows)  y = Add(a, part)
        }"""
        draw = np.random.default_rng(1)
        table = draw.normal(size=(64, 4)).astype(F)
        self.check(text, [(draw.normal(size=(t, 4)).astype(F), table) for t in (3, 1, 17)], present=('"length" = array<i64: 0, 64>',))

    def test_a_reshape_whose_sizes_do_not_divide(self):
        text = "bad (float[batch, length] x) => (float[a, b] y) <int64[2] to = {-1, 7}> { y = Reshape(x, to) }"
        self.refuse(text, r"Reshape .*a reshape of \[batch, length\] to \[-1, 7\], whose sizes do not show that they divide")

    def test_sizes_with_two_names(self):
        self.refuse("two (float[a] x, float[b] z) => (float[a] y) { y = Add(x, z) }", r"Add .*shapes \[a\] and \[b\].*give them one name \(dim_param\)")

    def test_a_shape_that_is_data(self):
        self.refuse("data (float[a] x, int64[2] to) => (float[b, c] y) { y = Reshape(x, to) }", "depends on data: expected constants and sizes of the inputs")

    def test_formulas_of_sizes(self):
        """An input whose size is the sum of two others'."""
        text = """
        total (float[past, 3] keys, float[new, 3] more, float["past + new"] mask) => (float["past + new", 3] y) <int64[1] last = {1}> {
          all = Concat<axis = 0>(keys, more)  column = Unsqueeze(mask, last)  y = Mul(all, column)
        }""".replace('"past + new"', "total")
        model = parsed(text, 14)
        model.graph.input[2].type.tensor_type.shape.dim[0].dim_param = "past + new"
        path = FOLDER / "formula.onnx"
        onnx.save(model, path)
        frontends.load(path).write(FOLDER / "formula.mlir", FOLDER / "formula.safetensors")
        compiled = attnc.load(package(FOLDER / "formula.mlir", "formula", FOLDER / "formula.safetensors"))
        for past, new in ((4, 3), (0, 1), (9, 8)):
            keys, more, mask = np.ones((past, 3), F), np.full((new, 3), 2, F), np.arange(past + new, dtype=F)
            np.testing.assert_array_equal(compiled(keys, more, mask), np.concatenate([keys, more]) * mask[:, None])
        self.assertEqual(compiled(np.ones((900, 3), F), np.ones((900, 3), F), np.ones(1, F)).shape, (1800, 3))  # nothing is read outside of a short one

    # -- control flow

    def test_if_of_data_and_of_sizes(self):
        text = """
        choose (float[n] x, bool[1] up) => (float[n] y, float[n] z) <int64 zero = {0}, int64 two = {2}, float ten = {10.0}> {
          s = Size(x)  big = Less(two, zero)
          y = If (up) <then_branch = yes () => (float[n] a) { a = Add(x, ten) }, else_branch = no () => (float[n] b) { c = Neg(x)  b = Mul(c, ten) }>
          z = If (big) <then_branch = many () => (float[n] d) { d = NonZero(x) }, else_branch = few () => (float[n] e) { e = Abs(x) }>
        }"""
        cases = [(np.arange(-2, n - 2, dtype=F), np.array([up])) for n in (5, 1) for up in (True, False)]
        model = parsed(text.replace("NonZero", "Exp"), 14)  # an untaken branch is not read, so what it holds does not matter
        path = FOLDER / "untaken.onnx"
        onnx.save(parsed(text, 14), path)
        self.assertEqual(frontends.load(path).text.count("scf.if"), 1)
        self.assertEqual(len(model.graph.node), 4)
        self.check(text.replace("NonZero", "Exp"), cases)

    def test_loop_until_a_condition(self):
        """x doubled until its largest element is above the limit, ten times at most; how often is a result."""
        text = """
        until (float[n] x, float limit) => (float[n] y, int64 steps) <int64 most = {10}, int64 zero = {0}, int64 one = {1}, bool yes = {1}> {
          y, steps = Loop (most, yes, x, zero) <body = body (int64 i, bool going, float[n] v, int64 c) => (bool again, float[n] v2, int64 c2) {
            v2 = Add(v, v)  m = ReduceMax<keepdims = 0>(v2)  again = Less(m, limit)  c2 = Add(c, one)
          }>
        }"""
        self.check(text, [(np.linspace(-1, 1, n).astype(F), np.array(limit, F)) for n, limit in ((4, 10), (2, 1e9), (3, -1))], present=("scf.while",))

    def test_loop_whose_condition_is_of_what_it_carries(self):
        """Rows that stop one by one, the condition computed in front of the loop and at the end of its body: it is asked in front of each step."""
        text = """
        halting (float[n] x) => (float[n] y, int64 steps) <int64 zero = {0}, int64 one = {1}, int64 most = {8}, float limit = {1.0}> {
          small = Less(x, limit)  s = Cast<to = 7>(small)  a = ReduceMax<keepdims = 0>(s)  some = Cast<to = 9>(a)
          few = Less(zero, most)  go = And(few, some)
          steps, y = Loop (, go, zero, x) <body = body (int64 i, bool going, int64 c, float[n] v) => (bool again, int64 c2, float[n] v2) {
            runs = Less(v, limit)  d = Add(v, v)  v2 = Where(runs, d, v)
            c2 = Add(c, one)
            small1 = Less(v2, limit)  s1 = Cast<to = 7>(small1)  a1 = ReduceMax<keepdims = 0>(s1)  some1 = Cast<to = 9>(a1)
            few1 = Less(c2, most)  again = And(few1, some1)
          }>
        }"""
        draw = np.random.default_rng(6)
        cases = [(draw.uniform(0.01, 0.5, size=n).astype(F),) for n in (3, 1, 6)] + [(np.full(2, 3, F),), (np.zeros(2, F),)]
        self.check(text, cases, opset=14, present=("scf.while", "arith.ori"))
        self.assertEqual(raised(FOLDER / "test_loop_whose_condition_is_of_what_it_carries14.mlir").count("loop.adaptive"), 1)

    def test_loop_with_another_condition_in_front(self):
        """The first condition is not the body's: it is carried."""
        text = """
        other (float[n] x, bool first) => (float[n] y) <float limit = {1.0}> {
          y = Loop (, first, x) <body = body (int64 i, bool going, float[n] v) => (bool again, float[n] v2) {
            v2 = Add(v, v)  m = ReduceMax<keepdims = 0>(v2)  again = Less(m, limit)
          }>
        }"""
        self.check(text, [(np.linspace(0.1, high, n).astype(F), np.array(first)) for n, high in ((3, 0.4), (1, 5)) for first in (True, False)])

    def test_loop_with_rows(self):
        """A counted loop that carries a value and gives a row at each step."""
        text = """
        rows (float[n, 3] x) => (float[3] last, float[n, 3] sums) <int64 zero = {0}, bool yes = {1}, float[3] start = {0.0, 1.0, 2.0}> {
          s = Shape(x)  n0 = Gather(s, zero)
          last, sums = Loop (n0, yes, start) <body = body (int64 i, bool going, float[3] v) => (bool goes, float[3] v2, float[3] row) {
            r = Gather<axis = 0>(x, i)  v2 = Add(v, r)  row = Mul(v2, v2)  goes = Identity(going)
          }>
        }"""
        draw = np.random.default_rng(2)
        self.check(text, [(draw.normal(size=(n, 3)).astype(F),) for n in (4, 1, 11)], present=("scf.for",), absent=("scf.while",))

    def test_loop_in_a_loop(self):
        text = """
        nested (float[n] x, int64 outer) => (float[n] y) <int64 three = {3}, bool yes = {1}, float half = {0.5}> {
          y = Loop (outer, yes, x) <body = body (int64 i, bool going, float[n] v) => (bool goes, float[n] w) {
            f = Cast<to = 1>(i)
            w = Loop (three, yes, v) <body = inner (int64 j, bool on, float[n] u) => (bool goon, float[n] u2) { m = Mul(u, half)  u2 = Add(m, f)  goon = Identity(on) }>
            goes = Identity(going)
          }>
        }"""
        self.check(text, [(np.arange(n, dtype=F), np.array(k)) for n, k in ((4, 3), (1, 0), (2, 1))])

    def test_a_loop_that_may_stop_early_has_no_rows(self):
        text = """
        early (float[n] x, float limit) => (float[n] y, float[k] rows) <int64 most = {10}, bool yes = {1}> {
          y, rows = Loop (most, yes, x) <body = body (int64 i, bool going, float[n] v) => (bool again, float[n] v2, float m) {
            v2 = Add(v, v)  m = ReduceMax<keepdims = 0>(v2)  again = Less(m, limit)
          }>
        }"""
        self.refuse(text, "Loop .*the rows of a Loop that may stop early, whose number depends on data")

    def test_scans_along_other_axes_and_backwards(self):
        text = """
        scans (float[4] start, float[b, n, 4] x, float[n, 4] z) => (float[4] last, float[4, n] out) <int64[1] first = {0}> {
          last, out = Scan <num_scan_inputs = 2, scan_input_axes = [1, 0], scan_input_directions = [1, 0], scan_output_axes = [1], scan_output_directions = [1],
            body = body (float[4] h, float[b, 4] r, float[4] q) => (float[4] h2, float[4] o) { m = ReduceSum<keepdims = 0>(r, first)  s = Add(h, m)  h2 = Mul(s, q)  o = Neg(h2) }>
            (start, x, z)
        }"""
        draw = np.random.default_rng(3)
        self.check(text, [(draw.normal(size=4).astype(F), draw.normal(size=(b, n, 4)).astype(F), draw.normal(size=(n, 4)).astype(F)) for b, n in ((2, 5), (1, 1), (3, 7))])

    # -- functions

    def test_functions_with_attributes(self):
        text = """
        main (float[n, 4] x) => (float[n, 4] y) { h = local.scaled<alpha = 0.5>(x)  y = local.scaled<alpha = -2.0>(h) }
        <domain: "local", opset_import: ["" : 14]>
        scaled <alpha>(v) => (w) { c = Constant<value_float: float = @alpha>()  m = Mul(v, c)  w = LeakyRelu<alpha: float = @alpha>(m) }
        """
        self.check(text, [(np.random.default_rng(4).normal(size=(n, 4)).astype(F),) for n in (3, 1)], local=', "local" : 1')

    def test_the_command_line(self):
        """attnc compile model.onnx, its weights in a file beside it."""
        text = "line (float[n, 4] x) => (float[n, 3] y) { y = MatMul(x, w) }"
        model, path, out = parsed(text, 17), FOLDER / "line.onnx", FOLDER / "line.attnpkg"
        weight = np.random.default_rng(5).normal(size=(4, 3)).astype(F)
        model.graph.initializer.append(onnx.numpy_helper.from_array(weight, "w"))
        onnx.save(model, path, save_as_external_data=True, location="line.bin", size_threshold=0)
        environment = os.environ | {"PYTHONPATH": str(ROOT / "python"), "ATTNC_PYTHON": sys.executable}
        line = [os.environ["ATTNC_COMPILER"], "compile", path, "--target=cpu:avx2", "-o", out]
        done = subprocess.run(line, capture_output=True, text=True, env=environment)
        self.assertEqual(done.returncode, 0, done.stderr)
        x = np.arange(8, dtype=F).reshape(2, 4)
        np.testing.assert_allclose(attnc.load(out)(x), x @ weight, rtol=1e-5)
        (FOLDER / "line.bin").unlink()
        done = subprocess.run(line, capture_output=True, text=True, env=environment)
        self.assertEqual(done.returncode, 1)
        self.assertIn("external data in 'line.bin': there is no such file beside the model", done.stderr)

    def test_an_operation_of_another_domain(self):
        self.refuse("foreign (float[n] x) => (float[n] y) { y = com.microsoft.FastGelu(x) }", "FastGelu .*unsupported operation of the domain 'com.microsoft'",
                    local=', "com.microsoft" : 1')


if __name__ == "__main__":
    unittest.main()
