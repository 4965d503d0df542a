"""Attention over 32,768 tokens by a package: its memory above inputs and outputs, and a few rows against NumPy.

    long-attention.py WIDTH      (one head; 64 by hand, 8 in the tests)
"""
import os
import resource
import subprocess
import sys
import tempfile

import numpy as np

LENGTH, WIDTH, LIMIT = 32768, int(sys.argv[1]), 64 << 20
MODEL = """
func.func @main(%q: tensor<?xWIDTHxf32> {attnc.name = "q", attnc.dims = ["T"]}, %k: tensor<?xWIDTHxf32> {attnc.name = "k", attnc.dims = ["T"]},
                %v: tensor<?xWIDTHxf32> {attnc.name = "v", attnc.dims = ["T"]}) -> (tensor<?xWIDTHxf32> {attnc.name = "out", attnc.dims = ["T"]}) {
  %zero = arith.constant 0 : index
  %t = tensor.dim %q, %zero : tensor<?xWIDTHxf32>
  %e = tensor.empty(%t) : tensor<?xWIDTHxf32>
  %o = attn.attention softmax scale(SCALE) query %q[i, d] : tensor<?xWIDTHxf32>
      source %k[j, d], %v[j, v] : tensor<?xWIDTHxf32>, tensor<?xWIDTHxf32> into %e[i, v] : tensor<?xWIDTHxf32>
  return %o : tensor<?xWIDTHxf32>
}
""".replace("WIDTH", str(WIDTH)).replace("SCALE", repr(WIDTH**-0.5))


def peak(folder, length):
    """The largest resident size of attnc-run, bytes."""
    random = np.random.default_rng(0)
    tensors = {name: random.standard_normal((length, WIDTH), np.float32) for name in "qkv"}
    np.savez(f"{folder}/in.npz", **tensors)
    command = ["attnc-run", f"{folder}/m.attnc", "--inputs", f"{folder}/in.npz", "--outputs", f"{folder}/out.npz", "--threads", "1"]
    child = subprocess.Popen(command)
    _, status, usage = os.wait4(child.pid, 0)
    assert status == 0, "attnc-run failed"
    return usage.ru_maxrss * 1024, tensors


with tempfile.TemporaryDirectory() as folder:
    open(f"{folder}/m.mlir", "w").write(MODEL)
    subprocess.run(["attnc", "compile", f"{folder}/m.mlir", "-o", f"{folder}/m.attnc"], check=True)
    most, tensors = peak(folder, LENGTH)
    out = np.load(f"{folder}/out.npz")["out"]
    q, k, v = (tensors[name].astype(np.float64) for name in "qkv")
    for row in (0, 1, 15, 16, 20000, LENGTH - 1):
        s = k @ q[row] / WIDTH**0.5
        p = np.exp(s - s.max())
        worst = np.abs(out[row] - p @ v / p.sum()).max()
        assert worst < 1e-5, f"row {row} differs by {worst}"
    above = most - 4 * LENGTH * WIDTH * 4
    print(f"{LENGTH} tokens, width {WIDTH}: {above / 2**20:.1f} MiB above inputs and outputs")
    assert above <= LIMIT, f"expected at most {LIMIT / 2**20} MiB"
