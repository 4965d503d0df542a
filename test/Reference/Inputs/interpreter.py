"""Programs through `attnc run --reference`, and how their results are compared."""
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "Models"))
import tensors


def run(text, *inputs, entry="main"):
    """The outputs of an entry whose arguments have no names."""
    with tempfile.TemporaryDirectory() as folder:
        tensors.write(folder + "/in.safetensors", {f"input{n}": np.asarray(x) for n, x in enumerate(inputs)})
        command = ["attnc", "run", "-", "--reference", "--entry", entry, "--outputs", folder + "/out.safetensors"]
        done = subprocess.run(command + (["--inputs", folder + "/in.safetensors"] if inputs else []), input=text, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr + text)
        found = tensors.read(folder + "/out.safetensors")[0]
    return [found[f"output{n}"] for n in range(len(found))]


def check(name, found, expected, tolerance=1e-12, each=False):
    """|found - expected| <= tolerance · max |expected|, or · each one's own; infinities and NaN in the same places; integers equal."""
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape, f"{name}: shape {found.shape}, expected {expected.shape}"
    if expected.dtype.kind != "f":
        assert (found == expected).all(), f"{name}: {found}, expected {expected}"
        return
    finite = np.isfinite(expected)
    assert np.array_equal(found[~finite], expected[~finite], equal_nan=True), f"{name}: {found}, expected {expected}"
    if finite.any():
        error, size = np.abs(found[finite] - expected[finite]), np.abs(expected[finite])
        assert (error <= tolerance * (size if each else size.max())).all(), f"{name}: {error.max()} off, {found}, expected {expected}"
