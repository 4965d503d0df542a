"""Calls an entry of a shared object through the C interface of packages and checks it against NumPy.

    entry.py CODE.so

The entry: y = x applied n times to W.T, y <- y @ W.T, on [T, 8]; sizes (T), buffers x, n, y, and W.T in a panel of 16 columns."""
import ctypes
import sys

import numpy as np


class Control(ctypes.Structure):
    _fields_ = [("size", ctypes.c_int32), ("stop", ctypes.c_int32), ("cancel", ctypes.c_void_p), ("steps_left", ctypes.c_int64)]


def call(code, rows, n, steps_left=1 << 40, cancel=None):
    rng = np.random.default_rng(rows * 100 + n)
    x = rng.standard_normal((rows, 8), dtype=np.float32)
    w = rng.standard_normal((8, 8), dtype=np.float32) / 4
    y = np.full((rows, 8), np.nan, np.float32)
    panel = np.zeros((1, 8, 16), np.float32)
    panel[0, :, :8] = w.T
    count = np.array(n, np.int64)
    dims = (ctypes.c_int64 * 1)(rows)
    code.attnc_main_size.restype = ctypes.c_int64
    size = code.attnc_main_size(dims)
    arena = np.full(size + 64, 0xFF, np.uint8)
    buffers = (ctypes.c_void_p * 4)(*(a.ctypes.data for a in (x, count, y, panel)))
    start = ctypes.c_void_p((arena.ctypes.data + 63) // 64 * 64)
    control = Control(ctypes.sizeof(Control), 0, cancel, steps_left)
    status = code.attnc_main(buffers, dims, start, ctypes.byref(control))
    expected = x.astype(np.float64)
    for _ in range(n):
        expected = expected @ w.T.astype(np.float64)
    return status, control, y, expected, size


def main():
    code = ctypes.CDLL(sys.argv[1])
    for rows in (0, 1, 3, 17, 64):
        for n in (0, 1, 5):
            status, _, y, expected, size = call(code, rows, n)
            assert status == 0, status
            assert size >= rows * 32, size
            error = np.abs(y - expected).max(initial=0)
            assert error <= 1e-5 * max(1, np.abs(expected).max(initial=0)), (rows, n, error)
    status, control, *_ = call(code, 3, 5, steps_left=2)
    print("step limit:", status, control.stop)
    flag = ctypes.c_int32(1)
    status, control, *_ = call(code, 3, 5, cancel=ctypes.addressof(flag))
    print("cancelled:", status, control.stop)
    print("equal to NumPy")


main()
