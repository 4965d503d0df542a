"""Every model through torch.export and a package, against eager PyTorch: norm-wise 1e-5 in f32 at three sizes, two of them unseen at export,
and the attention, normalisation, GELU or SiLU and rotary embedding that its source has. One test a model; torch_report.py prints the table."""
import unittest
import warnings

import hf_models  # noqa: F401: adds its cases
from torch_models import CASES
from torch_report import check

TOLERANCE = 1e-5


class Models(unittest.TestCase):
    pass


def add(name):
    def test(self):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            row = check(name)
        self.assertEqual(row.problem, "")
        self.assertLessEqual(row.error, TOLERANCE)
        self.assertEqual(row.attentions, CASES[name].attentions)
        self.assertEqual(row.found, CASES[name].found)
    setattr(Models, "test_" + name, test)


for _name in CASES:
    add(_name)

if __name__ == "__main__":
    unittest.main()
