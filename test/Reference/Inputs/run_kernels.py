"""Every executed test of a lowering (test/Lower/Common/exec) once more, on the reference interpreter."""
import os
import pathlib
import subprocess
import sys

EXEC = pathlib.Path(__file__).parents[2] / "Lower" / "Common" / "exec"
tests = [test for test in sorted(EXEC.glob("*.py")) if test.with_suffix(".test").exists()]
assert tests
for test in tests:
    subprocess.run([sys.executable, test], env={**os.environ, "ATTNC_ENGINE": "reference"}, check=True)
print(len(tests), "tests hold for the interpreter")
