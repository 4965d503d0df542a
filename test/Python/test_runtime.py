"""Packages called from Python: arrays in and out, sessions, errors. NumPy only."""
import gc
import threading
import unittest

import numpy as np

from common import FOLDER, ROOT, package
import attnc
import tensors

COUNT = """
// Doubles x until n steps are done; gives the sum too, and whether any element is above 100.
func.func @main(%x: tensor<?x2xf32> {attnc.name = "x", attnc.dims = ["N"]}, %n: tensor<i32> {attnc.name = "n"})
    -> (tensor<?x2xf32> {attnc.name = "y", attnc.dims = ["N"]}, tensor<?x2xi1> {attnc.name = "large", attnc.dims = ["N"]})
    attributes {attnc.bounds = {N = array<i64: 0, 9>}} {
  %zero = arith.constant 0 : i32
  %one = arith.constant 1 : i32
  %c0 = arith.constant 0 : index
  %limit = arith.constant 1.0e2 : f32
  %count = tensor.dim %x, %c0 : tensor<?x2xf32>
  %last = tensor.extract %n[] : tensor<i32>
  %y, %k = scf.while (%v = %x, %i = %zero) : (tensor<?x2xf32>, i32) -> (tensor<?x2xf32>, i32) {
    %more = arith.cmpi slt, %i, %last : i32
    scf.condition(%more) %v, %i : tensor<?x2xf32>, i32
  } do {
  ^bb0(%v: tensor<?x2xf32>, %i: i32):
    %w = linalg.add ins(%v, %v : tensor<?x2xf32>, tensor<?x2xf32>) outs(%v : tensor<?x2xf32>) -> tensor<?x2xf32>
    %j = arith.addi %i, %one : i32
    scf.yield %w, %j : tensor<?x2xf32>, i32
  }
  %e = tensor.empty(%count) : tensor<?x2xi1>
  %large = linalg.generic {indexing_maps = [affine_map<(a, b) -> (a, b)>, affine_map<(a, b) -> (a, b)>], iterator_types = ["parallel", "parallel"]}
      ins(%y : tensor<?x2xf32>) outs(%e : tensor<?x2xi1>) {
  ^bb0(%a: f32, %out: i1):
    %is = arith.cmpf ogt, %a, %limit : f32
    linalg.yield %is : i1
  } -> tensor<?x2xi1>
  return %y, %large : tensor<?x2xf32>, tensor<?x2xi1>
}
"""


class Foreign:
    """An array of some other library: all it has is DLPack."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


class Calls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.model = attnc.load(package(COUNT, "count"), cpu_level="avx2")
        cls.x = np.arange(6, dtype=np.float32).reshape(3, 2)

    def test_by_position_and_by_name(self):
        y, large = self.model(self.x, 3)
        np.testing.assert_array_equal(y, self.x * 8)
        self.assertEqual(large.dtype, np.bool_)
        np.testing.assert_array_equal(self.model.main(n=5, x=self.x)[1], self.x * 32 > 100)

    def test_only_the_outputs_that_are_asked_for(self):
        out = self.model.main.run({"x": self.x, "n": 1}, outputs=["large"])
        self.assertEqual(list(out), ["large"])

    def test_strided_readonly_foreign_and_empty(self):
        x = np.asfortranarray(self.x)[::-1]
        x.flags.writeable = False
        np.testing.assert_array_equal(self.model(x, np.int32(1))[0], x * 2)
        np.testing.assert_array_equal(self.model(Foreign(self.x), 1)[0], self.x * 2)
        self.assertEqual(self.model(np.empty((0, 2), np.float32), 1)[0].shape, (0, 2))

    def test_results_outlive_the_package_and_may_be_written(self):
        model = attnc.load(FOLDER / "count.attnpkg")
        y, _ = model(self.x, 1)
        del model
        gc.collect()
        y += 1
        np.testing.assert_array_equal(y, self.x * 2 + 1)

    def test_what_a_package_says_of_itself(self):
        entry = self.model.entries["main"]
        self.assertEqual([(t.name, t.dtype, t.shape) for t in entry.inputs], [("x", "f32", ("N", 2)), ("n", "i32", ())])
        self.assertIn("large: i1[N, 2]", repr(self.model))
        self.assertEqual(self.model.level, "avx2")

    def test_threads_share_a_package(self):
        wrong = []

        def work(k):
            for _ in range(20):
                if not np.array_equal(self.model(self.x, k)[0], self.x * 2 ** k):
                    wrong.append(k)
        threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
        [t.start() for t in threads]
        [t.join() for t in threads]
        self.assertEqual(wrong, [])

    def assert_error(self, kind, text, call):
        with self.assertRaises(attnc.Error) as caught:
            call()
        self.assertEqual(caught.exception.kind, kind)
        self.assertIn(text, str(caught.exception))

    def test_errors_are_the_runtimes_sentences(self):
        x = self.x
        self.assert_error("argument", "'x'", lambda: self.model(x.astype(np.float64), 1))
        self.assert_error("argument", "'n'", lambda: self.model(x))
        self.assert_error("argument", "z", lambda: self.model(x, 1, z=2))
        self.assert_error("argument", "2 inputs, got 3", lambda: self.model(x, 1, 2))
        self.assert_error("argument", "by position and by name", lambda: self.model(x, 1, x=x))
        self.assert_error("argument", "2147483648 does not fit i32", lambda: self.model(x, 2 ** 31))
        self.assert_error("argument", "array of <U1", lambda: self.model(np.array(["a"]), 1))
        self.assert_error("argument", "size 'N' is 10 in input 'x' (dimension 0): the model takes 0 to 9", lambda: self.model(np.zeros((10, 2), np.float32), 1))
        self.assert_error("step_limit", "2", lambda: self.model(x, 100, step_limit=2))
        self.assert_error("file", "none.attnpkg", lambda: attnc.load("none.attnpkg"))
        self.assert_error("argument", "", lambda: attnc.load(FOLDER / "count.attnpkg", cpu_level="z80"))
        with self.assertRaisesRegex(AttributeError, "no entry 'decode'; there is main"):
            self.model.decode

    def test_after_an_error_a_call_works(self):
        self.assert_error("step_limit", "", lambda: self.model(self.x, 100, step_limit=2))
        np.testing.assert_array_equal(self.model(self.x, 1)[0], self.x * 2)

    def test_cancel_from_another_thread(self):
        session = self.model.session()
        timer = threading.Timer(0.2, session.cancel)
        timer.start()
        self.assert_error("cancelled", "", lambda: session(self.x, 2 ** 31 - 1))


class Sessions(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        weights = FOLDER / "decode.safetensors"
        tensors.write(weights, {"w": np.array([1, 10], np.float32)})
        cls.path = package(ROOT / "test/Reference/Inputs/decode.mlir", "decode", weights)
        cls.model = attnc.load(cls.path)
        cls.rows = [np.full((1, 2), k, np.float32) for k in (1, 2, 3)]

    def reference(self, rows):
        """memory starts as twice w and grows by x w; sum = memory + Σ rows."""
        w = np.array([1, 10], np.float32)
        return 2 * w + sum(rows)[0] * w + sum(rows)[0]

    def test_state_goes_from_call_to_call(self):
        session = self.model.session(N=4)
        for n, row in enumerate(self.rows, 1):
            np.testing.assert_array_equal(session.append(row)[0], self.reference(self.rows[:n]))
        session.reset()
        np.testing.assert_array_equal(session(self.rows[0])[0], self.reference(self.rows[:1]))

    def test_save_and_restore(self):
        first, second, path = self.model.session(N=4), self.model.session(N=4), FOLDER / "state.safetensors"
        first(self.rows[0])
        first(self.rows[1])
        first.save(path)
        second.restore(path)
        np.testing.assert_array_equal(second(self.rows[2])[0], self.reference(self.rows))
        with self.assertRaises(attnc.Error) as caught:
            second.restore(FOLDER / "none.safetensors")
        self.assertEqual(caught.exception.kind, "file")

    def test_a_session_keeps_what_it_needs(self):
        session = attnc.load(self.path).session(N=4)
        gc.collect()
        session(self.rows[0])
        np.testing.assert_array_equal(session(self.rows[1])[0], self.reference(self.rows[:2]))

    def test_a_missing_capacity_is_a_sentence(self):
        with self.assertRaises(attnc.Error) as caught:
            self.model(self.rows[0])
        self.assertIn("N", str(caught.exception))

    def test_states_and_weights_are_listed(self):
        self.assertEqual({t.name for t in self.model.states}, {"ring", "memory", "seen"})
        self.assertEqual([(t.name, t.shape) for t in self.model.weights], [("w", (2,))])


if __name__ == "__main__":
    unittest.main()
