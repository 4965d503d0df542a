"""Compiles a model text and runs its entries, for the tests beside this file: models here have no weights."""
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "Models"))
import tensors

TOLERANCE = 1e-5                                              # of the largest magnitude, in f32


class Package:
    """The entries of a model as functions of named arrays and numbers."""

    def __init__(self, text):
        self.folder = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.folder.name, "model.attnpkg")
        source, weights = (os.path.join(self.folder.name, name) for name in ("model.mlir", "weights.safetensors"))
        pathlib.Path(source).write_text(text)
        tensors.write(weights, {})
        done = subprocess.run(["attnc", "compile", source, "--weights", weights, "-o", self.path], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    def __call__(self, entry, **inputs):
        arrays = {k: v for k, v in inputs.items() if isinstance(v, np.ndarray)}
        given, out = (os.path.join(self.folder.name, name + ".safetensors") for name in ("in", "out"))
        tensors.write(given, arrays)
        command = ["attnc-run", self.path, "--entry", entry, "--inputs", given, "--outputs", out]
        for name, value in inputs.items():
            if name not in arrays:
                command += ["--input", f"{name}={value!r}"]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, f"{entry}: {done.stderr}"
        return tensors.read(out)[0]


def compare(what, got, want, tolerance=TOLERANCE):
    """Integers and the places of NaN and infinities are equal, other numbers within `tolerance` of the largest magnitude."""
    assert set(want) <= set(got), f"{what}: has {sorted(got)}"
    for name, a in want.items():
        a, b = np.asarray(a), got[name]
        assert a.shape == b.shape, f"{what}: {name} has shape {b.shape}, expected {a.shape}"
        if a.dtype.kind != "f":
            assert (a == b).all(), f"{what}: {name}\n{b}\nexpected\n{a}"
            continue
        finite = np.isfinite(a)
        assert np.array_equal(a[~finite], b[~finite].astype(a.dtype), equal_nan=True) and np.isfinite(b[finite]).all(), \
            f"{what}: {name}\n{b}\nexpected\n{a}"
        error = np.abs(a[finite] - b[finite]).max(initial=0) / np.abs(a[finite]).max(initial=1e-30)
        assert error <= tolerance, f"{what}: {name} is {error:.1e} off"
