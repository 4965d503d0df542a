"""check_embed.py Y.npy STATE.safetensors TOKENS: against NumPy, for the weights of weights.py."""
import json
import struct
import sys

import numpy as np

tokens = [int(t) for t in sys.argv[3].split(",")]
w = np.arange(16 * 8, dtype=np.float64).reshape(16, 8)
x = w[tokens]
y = x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-6)
got = np.load(sys.argv[1])
assert got.shape == y.shape and np.abs(got - y).max() < 1e-5, (got, y)
raw = open(sys.argv[2], "rb").read()
n = struct.unpack("<Q", raw[:8])[0]
begin, end = json.loads(raw[8:8 + n])["sum"]["data_offsets"]
state = np.frombuffer(raw[8 + n + begin:8 + n + end], np.float32)
# The session ran twice.
assert np.array_equal(state, 2 * x.sum(0)), (state, x.sum(0))
print("equal to NumPy")
