"""prepared_weights.py FOLDER: weights prepared when the package is written, and when it is loaded, give the same bits, and those
of the definition; files of bf16 and of tensors that are not aligned too. What no entry reads is not in the package."""
import json
import pathlib
import subprocess
import sys
import zipfile

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "Models"))
import tensors

MODEL = pathlib.Path(__file__).with_suffix(".mlir")
folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
rng = np.random.default_rng(0)
# Whole numbers, so that sums are exact in any order and in bf16.
w, g, b, x = (rng.integers(-8, 9, shape).astype(np.float32) for shape in ((24, 17), (17,), (24,), (5, 17)))
np.save(folder / "x.npy", x)
want = x @ (w * g).T + b


def tool(*words):
    subprocess.run([*map(str, words)], check=True)


def compiled(name, *options):
    tool("attnc", "compile", MODEL, *options, "-o", folder / name)
    return folder / name


def output(package, *options):
    tool("attnc-run", package, "--input", f"x=@{folder / 'x.npy'}", "--output", f"y=@{folder / 'y.npy'}", *options)
    return np.load(folder / "y.npy")


external = compiled("external.attnpkg", "--weights=external")
files = []
for name, bf16, others in (("f32", (), {}), ("bf16", ("w", "g"), {}), ("shifted", (), {"a": np.zeros(1, np.float32)})):
    file = folder / f"{name}.safetensors"
    tensors.write(file, {"w": w, "g": g, "b": b, **others}, bf16=bf16)
    package = compiled(f"{name}.attnpkg", "--weights", file)
    assert (compiled("again.attnpkg", "--weights", file).read_bytes() == package.read_bytes())
    for level in ("avx2", "avx512"):
        ours, theirs = output(package, "--cpu-level", level), output(external, "--cpu-level", level, "--weights", file)
        assert np.array_equal(ours, want) and np.array_equal(theirs, want), (name, level)

with zipfile.ZipFile(package) as archive:
    manifest, weights = json.loads(archive.read("manifest.json")), archive.read("weights.bin")
stored = {t["name"]: t for t in manifest["weights"]["tensors"]}
assert set(stored) == {"b", "w+1:pack16"} and [t["name"] for t in manifest["weights"]["sources"]] == ["w", "g"], stored
panels = np.zeros((17, 32), np.float32)
panels[:, :24] = (w * g).T
offset = stored["w+1:pack16"]["offset"]
assert weights[offset:offset + panels.nbytes] == panels.reshape(17, 2, 16).transpose(1, 0, 2).tobytes()
print("prepared weights: passed")
