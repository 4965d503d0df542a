"""What every front end is made of: sizes, groups of dimensions, numbers as text, weights, whole functions."""
import json
import struct
import unittest

import numpy as np
import sympy

from common import FOLDER, package
import tensors

import attnc
from attnc.frontends import control, products, reductions, rows, scalar, shapes, tensor_ops
from attnc.frontends.builder import Builder, Value
from attnc.frontends.errors import ImportProblems, Problem, Unsupported
from attnc.frontends.weights import Weights

B, T = sympy.symbols("B T", positive=True, integer=True)


class Grouping(unittest.TestCase):
    def check(self, before, after, expected):
        self.assertEqual(shapes.grouping(before, after), expected)

    def test_split_and_join(self):
        self.check([B, T, 32], [B, T, 4, 8], [([0], [0]), ([1], [1]), ([2], [2, 3])])
        self.check([B, T, 4, 8], [B * T, 32], [([0, 1], [0]), ([2, 3], [1])])
        self.check([6, 4], [3, 8], [([0, 1], [0, 1])])

    def test_ones_come_and_go(self):
        self.check([B, T], [B, 1, 1, T], [([0], [0]), ([1], [1, 2, 3])])
        self.check([1, B, T, 1], [B, T], [([0, 1], [0]), ([2, 3], [1])])
        self.check([B, T], [1, B, T, 1], [([0], [0, 1]), ([1], [2, 3])])
        self.check([1], [1, 1], [([0], [0, 1])])
        self.check([4, 1, 1], [4, 1], [([0], [0]), ([1, 2], [1])])

    def test_sums_of_sizes(self):
        self.check([B, T + 1, 8], [B * T + B, 8], [([0, 1], [0]), ([2], [1])])

    def test_what_sizes_do_not_show(self):
        self.assertIsNone(shapes.grouping([B, 4], [T, 4]))
        with self.assertRaisesRegex(Unsupported, "do not show which dimensions belong together"):
            tensor_ops.reshape(Builder(), Value("%x", "f32", (B, 4)), (T, 4))

    def test_a_shape_between(self):
        self.assertEqual(shapes.refinement([B, 32], [4 * B, 8]), [B, 4, 8])
        self.assertEqual(shapes.refinement([4 * B, 8], [B, 32]), [B, 4, 8])
        self.assertEqual(shapes.refinement([6, 4], [3, 8]), [3, 2, 4])
        self.assertEqual(shapes.refinement([4, 6], [8, 3]), [4, 2, 3])
        self.assertIsNone(shapes.refinement([4, 9], [6, 6]))
        b = Builder()
        b.sizes.bind(T, "%t")
        tensor_ops.reshape(b, Value("%x", "f32", (T, 6, 4)), (T, 3, 8))
        self.assertEqual([line.split()[2] for line in b.lines], ["tensor.expand_shape", "tensor.collapse_shape"])

    def test_names_are_words(self):
        self.assertEqual(shapes.name_of(B + 2 * T), "B+2*T")


class Numbers(unittest.TestCase):
    def test_float_text_is_exact(self):
        for value in (0.1, -3.5e-42, 1e308):
            self.assertEqual(float(scalar.float_text(value, "f64")), value)
        self.assertEqual(scalar.float_text(float("-inf"), "f32"), "0xFF800000")
        self.assertEqual(scalar.float_text(float("inf"), "bf16"), "0x7F80")
        self.assertEqual(scalar.float_text(1e39, "f32"), "0x7F800000")
        self.assertEqual(scalar.float_text(-3.4028234663852886e38, "f32"), f"{-3.4028234663852886e38:.17e}")


class Problems(unittest.TestCase):
    def test_each_is_told_once(self):
        problem = Problem("no", "aten.x", "File m.py, line 3")
        error = ImportProblems("model", [problem, problem])
        self.assertEqual(str(error), "model cannot be imported: 1 problem\n  aten.x: no (File m.py, line 3)")
        self.assertIsInstance(error, attnc.Error)
        self.assertEqual(error.kind, "import")

    def test_carried_values_keep_their_shape(self):
        x = Value("%x", "f32", (4,))
        with self.assertRaisesRegex(Unsupported, r"carried value 0 is f32\[4\] at first and f32\[5\] then"):
            control.for_loop(Builder(), 3, [x], lambda i, xs: [Value("%y", "f32", (5,))])


class Runs(unittest.TestCase):
    """Whole functions: written, compiled, run, against NumPy."""

    def run_function(self, name, inputs, write, weights=None):
        b, arguments = Builder(), []
        for key, x in inputs.items():
            dtype = {"f": "f", "i": "i"}[x.dtype.kind] + str(x.dtype.itemsize * 8)
            value = Value(f"%{key}", dtype, (B, *x.shape[1:]))
            arguments.append(value)
        if arguments:
            zero = b.emit_at_entry("arith.constant 0 : index")
            b.sizes.bind(B, b.emit_at_entry(f"tensor.dim {arguments[0].name}, {zero} : {arguments[0].type}"))
        y = write(b, *arguments)
        declared = ", ".join(f'{a.name}: {a.type} {{attnc.name = "{a.name[1:]}", attnc.dims = ["B"]}}' for a in arguments)
        dims = ", ".join(f'"{shapes.name_of(s)}"' for s in y.shape if not isinstance(s, int))
        lines = "\n".join([*(weights.globals() if weights else []),
                           f'func.func @main({declared}) -> ({y.type} {{attnc.name = "y", attnc.dims = [{dims}]}}) {{', *b.entry, *b.lines,
                           f"return {y.name} : {y.type}", "}"])
        path = FOLDER / f"{name}.safetensors"
        if weights:
            weights.write(path)
        return attnc.load(package(lines, name, path if weights else None))(**inputs)

    def test_softmax_reduce_concat_and_sizes(self):
        x = np.random.default_rng(0).standard_normal((3, 5)).astype(np.float32)

        def write(b, x):
            p = reductions.softmax(b, x, -1)
            p = tensor_ops.arithmetic(b, "sub", p, reductions.mean(b, x, [0], keep=True))
            return tensor_ops.concat(b, [p, tensor_ops.flip(b, x, [1])], 1)
        e = np.exp(x - x.max(-1, keepdims=True))
        expected = np.concatenate([e / e.sum(-1, keepdims=True) - x.mean(0, keepdims=True), x[:, ::-1]], 1)
        np.testing.assert_allclose(self.run_function("parts", {"x": x}, write), expected, rtol=1e-5)

    def test_transposes_cancel_and_loops_carry(self):
        x = np.random.default_rng(1).standard_normal((4, 3)).astype(np.float32)

        def write(b, x):
            turned = tensor_ops.transpose(b, tensor_ops.transpose(b, x, [1, 0]), [1, 0])
            self.assertEqual(turned, x)
            return control.cumulative(b, turned, 0, lambda total, e: scalar.ARITHMETIC["add"](b, total, e), 0)
        np.testing.assert_allclose(self.run_function("sums", {"x": x}, write), x.cumsum(0), rtol=1e-5)

    def test_indices_outside_read_nothing(self):
        x, at = np.arange(8, dtype=np.float32).reshape(4, 2), np.array([-1, 3, 9, -9], np.int64)
        write = lambda b, x, at: rows.index(b, x, [at, Value(b.emit("arith.constant dense<1> : tensor<1xi64>"), "i64", (1,))])
        np.testing.assert_array_equal(self.run_function("index", {"x": x, "at": at}, write), [7, 7, 7, 1])

    def test_weights_are_read_by_name(self):
        x, w = np.ones((2, 3), np.float32), np.arange(6, dtype=np.float32).reshape(2, 3)
        weights = Weights()

        def write(b, x):
            return products.linear(b, x, weights.load(b, "layer.w", "f32", w.shape, w.tobytes))
        np.testing.assert_allclose(self.run_function("linear", {"x": x}, write, weights), x @ w.T)

    def test_weights_file_is_safetensors(self):
        weights, b = Weights(), Builder()
        big, small = np.arange(3, dtype=np.int64), np.array([True, False])
        weights.load(b, "small", "i1", small.shape, small.tobytes)
        weights.load(b, "big", "i64", big.shape, big.tobytes)
        weights.write(FOLDER / "both.safetensors")
        read, _ = tensors.read(FOLDER / "both.safetensors")
        np.testing.assert_array_equal(read["big"], big)
        np.testing.assert_array_equal(read["small"], small)
        raw = (FOLDER / "both.safetensors").read_bytes()
        header = json.loads(raw[8:8 + struct.unpack("<Q", raw[:8])[0]])
        self.assertEqual(header["big"]["data_offsets"], [0, 24])


if __name__ == "__main__":
    unittest.main()
