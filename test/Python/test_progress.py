"""attnc.compile says on a terminal what it is doing, in one line that is gone at the end; in a pipe it says nothing."""
import os
import subprocess
import sys
import unittest

from common import ROOT

MODEL = """func.func @main(%x: tensor<?xf32> {attnc.name = "x", attnc.dims = ["N"]}) -> (tensor<?xf32> {attnc.name = "y", attnc.dims = ["N"]}) {
  %y = arith.addf %x, %x : tensor<?xf32>
  return %y : tensor<?xf32>
}
"""
PROGRAM = """
import pathlib, sys, tempfile
import attnc
from attnc.progress import progress
with tempfile.TemporaryDirectory() as folder:
    model = pathlib.Path(folder, "model.mlir")
    model.write_text(sys.argv[1])
    progress.show("exporting")
    try:
        attnc.compile(model, target="cpu:avx2")
    except attnc.Error as problem:
        print(problem)
"""


def run(model, terminal):
    """What the program printed, and what it wrote to the terminal or pipe."""
    line = [sys.executable, "-c", PROGRAM, model]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "python"), "TERM": "xterm", "COLUMNS": "80"}
    if not terminal:
        done = subprocess.run(line, env=environment, capture_output=True, text=True)
        return done.stdout, done.stderr
    ours, its = os.openpty()
    child = subprocess.Popen(line, env=environment, stdout=subprocess.PIPE, stderr=its, text=True)
    os.close(its)
    said = b""
    while True:
        try:
            chunk = os.read(ours, 4096)
        except OSError:
            break
        if not chunk:
            break
        said += chunk
    printed = child.communicate()[0]
    os.close(ours)
    return printed, said.decode()


class OnTerminal(unittest.TestCase):
    def test_terminal(self):
        printed, said = run(MODEL, True)
        self.assertEqual(printed, "")
        shown = said.split("\r\033[K")
        self.assertEqual(shown[0], "")
        self.assertEqual(shown[-1], "")  # cleared
        self.assertIn("exporting", shown)
        self.assertTrue(any(line.startswith("[") and "lower" in line for line in shown), shown)

    def test_pipe(self):
        self.assertEqual(run(MODEL, False), ("", ""))

    def test_errors_are_whole(self):
        wrong = MODEL.replace("arith.addf %x, %x", "arith.addf %x, %z")
        printed, _ = run(wrong, True)
        self.assertIn("error: use of undeclared SSA value name", printed)
        self.assertNotIn("\033", printed)


if __name__ == "__main__":
    unittest.main()
