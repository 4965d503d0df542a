"""check_programs.py FILE.mlir: every entry as compiled code and by the reference interpreter, on the same random inputs.

Named sizes take several values, 0 and 1 among them (a comment `sizes: N=4,8` in the file names others, for all its entries).
Inputs named positive… are above 0, integers named index… count from 0 to 3, other integers are small, of either sign."""
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import zipfile

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "Models"))
import tensors

random = np.random.default_rng(5)
DTYPES = {"f64": np.float64, "f32": np.float32, "f16": np.float16, "bf16": np.float32, "i64": np.int64, "i32": np.int32, "i16": np.int16, "i8": np.int8, "i1": np.bool_, "index": np.int64}


def draw(value, sizes):
    name, shape = value["name"], [sizes.get(size, size) for size in value["shape"]]
    dtype = np.dtype(DTYPES[value["dtype"]])
    if dtype == np.bool_:
        return random.random(shape) < 0.5
    if dtype.kind == "i":
        return random.integers(*((0, 4) if name.startswith("index") else (-9, 10)), shape).astype(dtype)
    x = random.standard_normal(shape)
    return (np.abs(x) + 0.1 if name.startswith("positive") else x).astype(dtype)


def run(model, entry, inputs, folder, bf16):
    tensors.write(folder / "in.safetensors", inputs, bf16=bf16)
    output = folder / "out.safetensors"
    command = ["attnc", "run", model, "--entry", entry, "--inputs", folder / "in.safetensors", "--outputs", output]
    done = subprocess.run(command + (["--reference"] if model.suffix == ".mlir" else []), capture_output=True, text=True)
    if done.returncode:
        raise AssertionError(f"{entry} {model.suffix}: {done.stderr[-600:]}")
    return tensors.read(output)[0]


def difference(got, want):
    """max |got - want| / max |want|; infinite where NaN, infinities, integers or shapes differ."""
    if got.shape != want.shape or got.dtype.kind != want.dtype.kind:  # the reference writes floats as f64
        return np.inf
    if want.dtype.kind != "f":
        return 0.0 if np.array_equal(got, want) else np.inf
    got, want = got.astype(np.float64), want.astype(np.float64)
    finite = np.isfinite(want)
    if not np.array_equal(got[~finite], want[~finite], equal_nan=True) or not np.isfinite(got[finite]).all():
        return np.inf
    return np.abs(got - want)[finite].max(initial=0) / max(np.abs(want)[finite].max(initial=0), 1e-30)


def check(function, model, package, sizes, folder):
    inputs = {value["name"]: draw(value, sizes) for value in function["inputs"]}
    bf16 = [value["name"] for value in function["inputs"] if value["dtype"] == "bf16"]
    got, want = (run(path, function["name"], inputs, folder, bf16) for path in (package, model))
    for output in function["outputs"]:
        name, worst = output["name"], {"bf16": 1e-2, "f16": 2e-3}.get(output["dtype"], 1e-5)
        error = difference(got[name], want[name])
        assert error <= worst, f"{function['name']} {sizes}: {name} is off by {error}:\n{got[name]}\nexpected\n{want[name]}"


def main():
    model = pathlib.Path(sys.argv[1])
    values = dict(re.findall(r"// sizes: (\w+)=([\d,]+)", model.read_text()))
    with tempfile.TemporaryDirectory() as folder:
        package = pathlib.Path(folder) / "programs.attnpkg"
        subprocess.run(["attnc", "compile", model, "--target=cpu:avx2", "-o", package], check=True)
        functions = json.loads(zipfile.ZipFile(package).read("manifest.json"))["functions"]
        for function in functions:
            for turn in range(4 if function["dims"] else 1):
                sizes = {dim: int(values[dim].split(",")[turn % len(values[dim].split(","))]) if dim in values else (5, 1, 0, 18)[turn] for dim in function["dims"]}
                check(function, model, package, sizes, pathlib.Path(folder))
    print(f"{len(functions)} programs agree")


main()
