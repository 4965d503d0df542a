"""run_steps.py OUT COUNT CAPACITY: COUNT tokens through decode.mlir by `attnc run --reference`, one call each, against NumPy."""
import pathlib
import subprocess
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "Models"))
import tensors

HERE = pathlib.Path(__file__).parent
out, count, capacity = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
rng = np.random.RandomState(1)
w, x = rng.standard_normal(2).astype(np.float32), rng.standard_normal((count, 2, 2))
tensors.write(out + ".w.safetensors", {"w": w})
tensors.write(out + ".x.safetensors", {f"{t}.x": x[t] for t in range(count)})

memory, rows = np.full((2, 2), 2.0) * w.astype(float), []
for t in range(count):
    command = ["attnc", "run", HERE / "decode.mlir", "--reference", "--weights", out + ".w.safetensors", "--entry", "append",
               f"--capacity=N={capacity}", "--inputs", out + ".x.safetensors", "--prefix", f"{t}.", "--outputs", out + ".npz",
               "--state-out", out + ".state.safetensors"]
    subprocess.run(command + (["--state-in", out + ".state.safetensors"] if t else []), check=True)
    rows.append(x[t])
    if len(rows) > capacity:                                 # the oldest row behind the pinned one goes
        del rows[1]
    memory = memory + x[t] * w
    state = tensors.read(out + ".state.safetensors")[0]
    for got, want in ((np.load(out + ".npz")["sum"], memory + sum(rows)), (state["memory"], memory),
                      (state["ring"], np.stack(rows, 1)), (state["seen"], np.int32(t + 1))):
        assert got.dtype == want.dtype and got.shape == want.shape and np.abs(got - want).max() < 1e-12, (t, got, want)
print(count, "steps equal to NumPy")
