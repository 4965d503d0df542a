"""Each operation of onnx_cases against onnx's reference evaluator or onnxruntime, in every opset that has it, at sizes with 1 and with tails. Cases are
compiled many at a time."""
import unittest
import warnings

import numpy as np
import onnx
import onnxruntime
from onnx import helper
from onnx.reference import ReferenceEvaluator

from common import FOLDER, package
import attnc
from attnc import frontends
from onnx_cases import CASES, OPSETS, SIZES, Input

TOGETHER = 40


def together(cases, opset):
    """One model of many cases, each with names of its own."""
    parts = [c.model(opset, f"c{n}_").graph for n, c in enumerate(cases)]
    gather = lambda field: [x for g in parts for x in getattr(g, field)]
    graph = helper.make_graph(gather("node"), "cases", gather("input"), gather("output"), gather("initializer"))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


def evaluated(model, inputs):
    """By the reference evaluator; by onnxruntime what that cannot (padding below 0, a depth that is no scalar)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ReferenceEvaluator(model).run(None, inputs)
        except (TypeError, ValueError):
            return onnxruntime.InferenceSession(model.SerializeToString()).run(None, inputs)


def close(got, expected, tolerance):
    """Whether two arrays agree norm-wise; integers and truths exactly."""
    expected = np.asarray(expected)
    if got.shape != expected.shape or got.dtype != expected.dtype:
        return f"{got.dtype}{list(got.shape)} instead of {expected.dtype}{list(expected.shape)}"
    if not np.issubdtype(expected.dtype, np.floating):
        return "" if np.array_equal(got, expected) else f"{got} instead of {expected}"
    if not np.array_equal(np.isfinite(got), np.isfinite(expected)):
        return "other elements are finite"
    finite = np.isfinite(expected)
    error = np.linalg.norm((got - expected)[finite].astype(np.float64)) / max(np.linalg.norm(expected[finite].astype(np.float64)), 1e-6)
    return "" if error <= tolerance else f"off by {error:.1e}"


class Operations(unittest.TestCase):
    def check(self, cases, opset, name):
        path = FOLDER / f"{name}.onnx"
        onnx.save(together(cases, opset), path)
        frontends.load(path).write(FOLDER / f"{name}.mlir", FOLDER / f"{name}.safetensors")
        compiled = attnc.load(package(FOLDER / f"{name}.mlir", name, FOLDER / f"{name}.safetensors"))
        random = np.random.default_rng(opset)
        for sizes in SIZES:
            given = [{f"in{k}": x.draw(sizes, random) for k, x in enumerate(c.inputs) if isinstance(x, Input)} for c in cases]
            got = iter(as_tuple(compiled(*(x for g in given for x in g.values()))))
            for case, inputs in zip(cases, given):
                for result, right in zip([r for r in case.results if r], evaluated(case.model(opset), inputs)):
                    with self.subTest(operation=case.operation, attributes=case.attributes, inputs=case.inputs, sizes=sizes, result=result):
                        self.assertEqual(close(next(got), right, case.tolerance), "")


def as_tuple(results):
    return results if isinstance(results, tuple) else (results,)


for _opset in OPSETS:
    _cases = [c for c in CASES if c.since <= _opset <= c.until]
    for _first in range(0, len(_cases), TOGETHER):
        _name = f"opset{_opset}_{_first}"
        setattr(Operations, f"test_{_name}", lambda self, cs=_cases[_first:_first + TOGETHER], o=_opset, n=_name: self.check(cs, o, n))

if __name__ == "__main__":
    unittest.main()
