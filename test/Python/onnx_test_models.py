"""Every model that torch.onnx.export can write, of opset 18 and 23, through a package against eager PyTorch: norm-wise 1e-5 in f32 at
three sizes, two of them unseen at export, and the attention that the model has behind the raise phase. onnx_report.py prints the table."""
import unittest
import warnings

import hf_models  # noqa: F401: adds its cases
from onnx_report import NOT_EXPORTED, ROUTES
from torch_models import CASES
from torch_report import check

TOLERANCE = 1e-5
# Where the exporter writes a model in another way than torch.export, so that more or less of it is there to be found.
FOUND = {}
# Attention in opset 23 is one node where the model calls scaled_dot_product_attention; below it is plain nodes, for raise to find.
EAGER = {name for name in CASES if name.endswith("_eager")}


class Models(unittest.TestCase):
    pass


def add(name, route):
    def test(self):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            row = check(name, importer=ROUTES[route])
        self.assertEqual(row.problem, "")
        self.assertLessEqual(row.error, TOLERANCE)
        if route == "onnx23":
            self.assertEqual(row.attentions, CASES[name].attentions)
        self.assertEqual(row.found, FOUND.get((name, route), CASES[name].found))
    setattr(Models, f"test_{name}_{route}", test)


for _name in ("bert", "gpt2", "t5"):
    add(_name, "onnx17")
for _name in CASES:
    if _name not in NOT_EXPORTED | EAGER:
        for _route in ("onnx18", "onnx23"):
            add(_name, _route)

if __name__ == "__main__":
    unittest.main()
