"""Raised graphs compute what the graphs did: the interpreter before and after, and the compiled package."""
import re
import pathlib
import subprocess
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "Models"))
import tensors

DTYPES = {"f32": np.float32, "i64": np.int64, "i1": np.bool_}


def run(*command, text=None):
    done = subprocess.run([str(c) for c in command], input=text, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}\n{done.stderr[-2000:]}")
    return done.stdout


def raised(text):
    return run("attnc-opt", "--attnc-import-phase", "--attnc-raise-phase", text=text)


def inputs_of(text, sizes, rng):
    """Random inputs of the entry's types. Of bools, and of integers (0 or 1), the first of each row is true."""
    found = {}
    for name, shape, element, names in re.findall(r'%(\w+): tensor<([?\dx]*)(\w+)> \{attnc.name = "\w+"(?:, attnc.dims = \[([^\]]*)\])?\}',
                                                  text.split("->")[0]):
        dynamic = iter(re.findall(r'"(\w+)"', names))
        shape = [sizes[next(dynamic)] if s == "?" else int(s) for s in shape.split("x")[:-1]]
        if element == "f32":
            found[name] = rng.standard_normal(shape).astype(np.float32)
        else:
            found[name] = np.asarray(rng.random(shape) < 0.6).astype(DTYPES[element])
            if shape:
                found[name][..., 0] = 1
    return found


def reference(folder, name, text, inputs):
    model, given, out = (folder / f"{name}.{end}" for end in ("mlir", "in.safetensors", "out.safetensors"))
    model.write_text(text)
    tensors.write(given, inputs)
    run("attnc", "run", model, "--reference", "--inputs", given, "--outputs", out)
    return tensors.read(out)[0]


def compiled(folder, name, text, inputs):
    model, given, out = (folder / f"{name}.{end}" for end in ("mlir", "in.safetensors", "package.safetensors"))
    model.write_text(text)
    tensors.write(given, inputs)
    run("attnc", "compile", model, "-o", folder / f"{name}.attnpkg")
    run("attnc-run", folder / f"{name}.attnpkg", "--inputs", given, "--outputs", out)
    return tensors.read(out)[0]


def distance(a, b):
    return max(np.abs(np.asarray(a[n], np.float64) - b[n]).max() / max(np.abs(b[n]).max(), 1e-30) for n in b)


def check(folder, name, text, wanted, banned, sizes, package, tolerance=1e-5):
    """The raised text has the ops `wanted` {op: count} and none of `banned`, and computes what the text did."""
    after = raised(text)
    for op, count in wanted.items():
        assert after.count(op) == count, f"{name}: expected {count} {op}, found {after.count(op)}\n{after}"
    for op in banned:
        assert op not in after, f"{name}: {op} is left\n{after}"
    file = re.sub(r"\W+", "_", name)
    for seed, extents in enumerate(sizes):
        inputs = inputs_of(text, extents, np.random.default_rng(seed))
        before = reference(folder, file, text, inputs)
        error = distance(reference(folder, file + "_raised", after, inputs), before)
        assert error < tolerance, f"{name}: off by {error} at {extents}\n{after}"
    if package:
        error = distance(compiled(folder, file, text, inputs), before)
        assert error < tolerance, f"{name}: the package is off by {error}\n{after}"
    print(f"{name}: ok")
