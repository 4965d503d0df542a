"""threads.py PACKAGE FOLDER: runs ut_act with several numbers of threads and compares all outputs bit by bit."""
import os
import pathlib
import subprocess
import sys

import numpy as np

package, folder = sys.argv[1], pathlib.Path(sys.argv[2])
folder.mkdir(exist_ok=True)
random = np.random.default_rng(5)
lengths = random.integers(3, 17, size=12).astype(np.int32)
np.savez(folder / "inputs.npz", tokens=random.integers(3, 27, size=(12, 16)).astype(np.int32), lengths=lengths)


def outputs(name, *options, environment={}):
    out = folder / f"{name}.npz"
    subprocess.run(["attnc-run", package, "--inputs", folder / "inputs.npz", "--outputs", out, *options], check=True,
                   env={**os.environ, **environment})
    return {key: array.tobytes() for key, array in np.load(out).items()}


alone = outputs("1", "--threads=1")
assert len(alone) == 3
for threads in (2, 3, 5):
    assert outputs(threads, f"--threads={threads}") == alone, f"{threads} threads"
print("1, 2, 3 and 5 threads: the same bits")
assert outputs("environment", environment={"ATTNC_THREADS": "2"}) == alone
print("ATTNC_THREADS=2: the same bits")
