"""`pip install .` into a fresh environment: the package has the compiler and the runtime, and says in a sentence what is not there."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import numpy

from common import BUILD, ROOT

MODEL = """func.func @main(%x: tensor<?xf32> {attnc.name = "x", attnc.dims = ["N"]}) -> (tensor<?xf32> {attnc.name = "y", attnc.dims = ["N"]}) {
  %y = arith.addf %x, %x : tensor<?xf32>
  return %y : tensor<?xf32>
}
"""
PROGRAM = """
import attnc, numpy
package = attnc.compile("model.mlir", target="cpu:avx2")
assert package(numpy.arange(3, dtype="f4")).tolist() == [0, 2, 4]
"""
SUBPACKAGES = "import importlib.util as u; assert all(u.find_spec('attnc.' + n) for n in ('frontends', 'torch'))"


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="attnc-install-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.python = cls.folder / "venv/bin/python"
        subprocess.run([sys.executable, "-m", "venv", cls.folder / "venv"], check=True)
        subprocess.run([cls.python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", ROOT], check=True)
        site = next((cls.folder / "venv/lib").glob("python*/site-packages"))
        (site / "numpy.pth").write_text(str(pathlib.Path(numpy.__file__).parents[1]))
        (cls.folder / "model.mlir").write_text(MODEL)
        cls.installed = site / "attnc"

    def run_python(self, program, **environment):
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("ATTNC_", "PYTHON"))}
        return subprocess.run([self.python, "-c", program], cwd=self.folder, env=kept | {"PATH": "/usr/bin:/bin"} | environment, capture_output=True, text=True)

    def test_compiles_and_runs(self):
        done = self.run_python(PROGRAM)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.run_python(SUBPACKAGES).returncode, 0)

    def test_compiler_elsewhere(self):
        moved = self.folder / "elsewhere"
        moved.mkdir()
        shutil.move(self.installed / "bin/attnc", moved / "attnc")
        self.addCleanup(shutil.move, moved / "attnc", self.installed / "bin/attnc")
        done = self.run_python(PROGRAM)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr.strip().splitlines()[-1], r"attnc\.errors\.Error: the attnc compiler is not at .*/bin/attnc.*: build it \(tools/bootstrap build\), or name the file in ATTNC_COMPILER")
        for environment in ({"PATH": f"{moved}:/usr/bin:/bin"}, {"ATTNC_COMPILER": str(moved / "attnc")}):
            done = self.run_python(PROGRAM, **environment)
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_runtime_missing(self):
        done = self.run_python(PROGRAM, ATTNC_LIBRARY=str(self.folder / "none.so"))
        self.assertRegex(done.stderr.strip().splitlines()[-1], r"attnc\.errors\.Error: the attnc runtime is not at .*none\.so: build it")


if __name__ == "__main__":
    assert BUILD == ROOT / "build/release", "the installed package takes what build/release has"
    unittest.main()
