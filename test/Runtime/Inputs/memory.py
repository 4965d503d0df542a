"""memory.py PEAK_MEMORY EMPTY UT_ACT LOOPED_LM: what attnc-run needs above an empty package, at two lengths 8 times apart, beside weights, arena,
inputs and outputs: at most 8 MiB more."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import zipfile

import numpy as np

UNITS = {"B": 1, "KiB": 2 ** 10, "MiB": 2 ** 20, "GiB": 2 ** 30}
peak, empty, ut_act, looped_lm = sys.argv[1:]
work = pathlib.Path(tempfile.mkdtemp())


def run(package, inputs):
    """(the largest resident size, bytes of inputs and outputs) of a run."""
    np.savez(work / "in.npz", **inputs)
    command = [peak, "attnc-run", package, "--threads=1", "--inputs", work / "in.npz", "--outputs", work / "out.npz"]
    most = int(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    files = [np.load(work / "in.npz"), np.load(work / "out.npz")]
    return most, sum(f[name].nbytes for f in files for name in f.files)


def arena(package, B, T):
    text = subprocess.run(["attnc", "inspect", package, "--at", f"B={B}", "--at", f"T={T}"], check=True, capture_output=True, text=True).stdout
    main = text[re.search(r"^entry main\b", text, re.M).start():]
    number, unit = re.search(r"arena: ([\d.]+) (\w+)", main).groups()
    return float(number) * UNITS[unit]


def check(package, B, longs, **inputs):
    weights = zipfile.ZipFile(package).getinfo("weights.bin").file_size
    for T in longs:
        tokens = {"tokens": np.full((B, T), 5, np.int32)}
        more = {name: value(B, T) for name, value in inputs.items()}
        base = min(run(empty, {"x": np.int32(1)})[0] for _ in range(3))
        most, tensors = run(package, tokens | more)
        needed = weights + arena(package, B, T) + tensors
        print(f"{os.path.basename(package)}, B = {B}, T = {T}: {(most - base) / 2 ** 20:.1f} MiB above an empty package; "
              f"weights {weights / 2 ** 20:.1f}, arena {arena(package, B, T) / 2 ** 20:.1f}, inputs and outputs {tensors / 2 ** 20:.1f}: "
              f"{(most - base - needed) / 2 ** 20:.1f} MiB more")
        assert most - base <= needed + (8 << 20), "expected at most 8 MiB more"


check(ut_act, 8, (16, 128), lengths=lambda B, T: np.full(B, T, np.int32))
check(looped_lm, 4, (32, 256), q=lambda B, T: np.float32(0.7))
