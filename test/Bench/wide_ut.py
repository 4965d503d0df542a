#!/usr/bin/env python3
"""Times a wide Universal Transformer layer (wide_ut.mlir; B 8, T 128, cap 12) where tokens stop, against all rows at as many steps.

    taskset -c 1 test/Bench/wide_ut.py [--bin build/release/bin] [--batch 8] [--means 1.8,3,6,12] [--kernels]

For each mean number of steps (the longest is 12): the time of the package over that of its --no-compact twin, measured in turn, beside the share of
steps that tokens take. What must hold: time <= 1.2 x share, and at mean 12 time <= 1.02."""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
VENV = HERE.parent.parent / ".venv" / "bin" / "python"
if VENV.exists() and sys.prefix == sys.base_prefix:
    import os
    os.execv(VENV, [str(VENV), *sys.argv])
import numpy as np
sys.path.insert(0, str(HERE.parent / "Models"))
import tensors

D, FFN, CAP, T = 512, 2048, 12, 128


def steps_of(mean, count, rng):
    """`count` numbers of steps from 1 to CAP, the most CAP, of that mean: geometric, cut at CAP."""
    if mean >= CAP:
        return np.full(count, CAP)
    lo, hi = 1e-3, 1e3
    for _ in range(60):
        rate = (lo * hi) ** .5
        weight = np.exp(-np.arange(1, CAP + 1) / rate)
        lo, hi = (rate, hi) if (weight * np.arange(1, CAP + 1)).sum() / weight.sum() < mean else (lo, rate)
    steps = rng.choice(np.arange(1, CAP + 1), count, p=weight / weight.sum())
    steps[0] = CAP
    while abs(steps.sum() - round(mean * count)) > 0:
        i, up = rng.integers(1, count), steps.sum() < mean * count
        steps[i] = np.clip(steps[i] + (1 if up else -1), 1, CAP)
    return steps


def make_weights(path, rng):
    weights = {}
    for name, (out, into) in {"attention.qkv": (3 * D, D), "attention.out": (D, D), "ffn.up": (FFN, D), "ffn.down": (D, FFN)}.items():
        weights[name + ".weight"] = rng.standard_normal((out, into)).astype(np.float32) * into ** -.5
        weights[name + ".bias"] = rng.standard_normal(out).astype(np.float32) * .1
    for name in ("norm1", "norm2"):
        weights[name + ".weight"], weights[name + ".bias"] = np.ones(D, np.float32), np.zeros(D, np.float32)
    tensors.write(path, weights)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bin", default=HERE.parent.parent / "build" / "release" / "bin", type=pathlib.Path)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--means", default="1.8,3,6,12")
    parser.add_argument("--repeat", type=int, default=15)
    parser.add_argument("--folder", type=pathlib.Path, help="keep packages and inputs here, and use those that are there")
    parser.add_argument("--kernels", action="store_true", help="print the table of kernels too")
    a = parser.parse_args()
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as made:
        folder = a.folder or pathlib.Path(made)
        folder.mkdir(exist_ok=True)
        packages = [folder / "compact.attnpkg", folder / "dense.attnpkg"]
        if not packages[1].exists():
            make_weights(folder / "weights.safetensors", rng)
            for package, more in zip(packages, ([], ["--no-compact"])):
                subprocess.run([a.bin / "attnc", "compile", HERE / "wide_ut.mlir", "--weights", folder / "weights.safetensors", "-o", package, *more], check=True)
        print("mean  share  time/dense  over share   ms    dense ms")
        for mean in map(float, a.means.split(",")):
            steps = steps_of(mean, a.batch * T, rng).reshape(a.batch, T)
            np.savez(folder / "inputs.npz", state=rng.standard_normal((a.batch, T, D)).astype(np.float32), score=(1 / steps).astype(np.float32))
            line = [a.bin / "attnc", "bench", packages[0], "--alternate", packages[1], "--inputs", folder / "inputs.npz", "--threads", "1", "--repeat", str(a.repeat)]
            found = json.loads(subprocess.run([*line, "--json"], check=True, capture_output=True).stdout)
            times = [p["ms"]["median"] for p in found["packages"]]
            share = steps.mean() / CAP
            print(f"{steps.mean():4.1f}  {share:.3f}  {times[0] / times[1]:10.3f}  {times[0] / times[1] / share:10.3f}  {times[0]:6.1f}  {times[1]:6.1f}", flush=True)
            if a.kernels:
                print(subprocess.run(line, check=True, capture_output=True, text=True).stdout)


if __name__ == "__main__":
    main()
