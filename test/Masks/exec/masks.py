"""The analysis of masks against the region itself, pair by pair, on random blocks."""
import ctypes
import os
import pathlib
import sys
import tempfile

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "Lower" / "Common" / "exec"))
from kernels import TO_LLVM, run_tool

random = np.random.default_rng(5)
FAR = 1 << 60
BUFFERS = "builtin.module(one-shot-bufferize{bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map})"
MODULE = """func.func private @f(%q: tensor<?x4xf32>, %k: tensor<?x4xf32>, %t: tensor<?xi32>, %w: index, %e: tensor<?xi32>, %o: tensor<?x4xf32>) -> tensor<?x4xf32> {{
  %y = attn.attention softmax scale(1.0) query %q[i, d] : tensor<?x4xf32> source %k[j, d], %k[j, v] : tensor<?x4xf32>, tensor<?x4xf32>
    captures %t : tensor<?xi32>, %w : index, %e[j] : tensor<?xi32>
    into %o[i, v] : tensor<?x4xf32>
    mask(%b, %h, %i, %j, %n, %table, %window, %element) {{
{body}
      attn.yield %seen : i1
    }}
  return %y : tensor<?x4xf32>
}}
"""
# A mask: its region, the same in Python (i, j, table, window, elements), and whether the analysis is exact on every block
# (then it finds each block that is full or empty, and the tightest bounds).
CASES = {
    "causal": ("%seen = arith.cmpi sle, %j, %i : index", lambda i, j, t, w, e: j <= i, True),
    "anticausal": ("%seen = arith.cmpi slt, %i, %j : index", lambda i, j, t, w, e: i < j, True),
    "window": ("""%c = arith.cmpi sle, %j, %i : index
      %d = arith.subi %i, %j : index
      %near = arith.cmpi slt, %d, %window : index
      %seen = arith.andi %c, %near : i1""", lambda i, j, t, w, e: j <= i and i - j < w, False),
    "narrow window": ("""%d = arith.subi %i, %j : index
      %bits = arith.index_cast %d : index to i32
      %eight = arith.constant 8 : i32
      %zero = arith.constant 0 : i32
      %c = arith.cmpi sge, %bits, %zero : i32
      %near = arith.cmpi slt, %bits, %eight : i32
      %seen = arith.andi %c, %near : i1""", lambda i, j, t, w, e: 0 <= i - j < 8, False),
    "prefix": ("""%c = arith.cmpi sle, %j, %i : index
      %p = arith.cmpi slt, %j, %window : index
      %seen = arith.ori %c, %p : i1""", lambda i, j, t, w, e: j <= i or j < w, True),
    "length": ("%seen = arith.cmpi ult, %j, %window : index", lambda i, j, t, w, e: j < w % 2**64, False),
    "not causal": ("""%c = arith.cmpi sle, %j, %i : index
      %yes = arith.constant true
      %no = arith.cmpi eq, %i, %window : index
      %x = arith.andi %c, %no : i1
      %seen = arith.xori %x, %yes : i1""", lambda i, j, t, w, e: not (j <= i and i == w), False),
    "chunks": ("""%four = arith.constant 4 : index
      %a = arith.divsi %i, %four : index
      %c = arith.divsi %j, %four : index
      %seen = arith.cmpi eq, %a, %c : index""", lambda i, j, t, w, e: i // 4 == j // 4, False),
    "dilated": ("""%four = arith.constant 4 : index
      %one = arith.constant 1 : index
      %a = arith.remsi %j, %four : index
      %seen = arith.cmpi sle, %a, %one : index""", lambda i, j, t, w, e: j % 4 <= 1, False),
    "documents": ("""%x = tensor.extract %table[%i] : tensor<?xi32>
      %z = tensor.extract %table[%j] : tensor<?xi32>
      %seen = arith.cmpi eq, %x, %z : i32""", lambda i, j, t, w, e: t[i] == t[j], False),
    "elements": ("""%x = arith.index_cast %i : index to i32
      %seen = arith.cmpi sge, %element, %x : i32""", lambda i, j, t, w, e: e[j] >= i, False),
    "either": ("""%c = arith.cmpi sle, %j, %i : index
      %early = arith.cmpi slt, %i, %window : index
      %zero = arith.constant 3 : index
      %first = arith.cmpi eq, %j, %zero : index
      %seen = arith.select %early, %c, %first : i1""", lambda i, j, t, w, e: j <= i if i < w else j == 3, False),
    "clamped": ("""%zero = arith.constant 0 : index
      %nine = arith.constant 9 : index
      %two = arith.constant -2 : index
      %m = arith.muli %i, %two : index
      %s = arith.addi %m, %j : index
      %low = arith.maxsi %s, %zero : index
      %high = arith.minsi %low, %nine : index
      %seen = arith.cmpi ne, %high, %zero : index""", lambda i, j, t, w, e: min(max(j - 2 * i, 0), 9) != 0, False),
}


class Result(ctypes.Structure):
    _fields_ = [("all", ctypes.c_bool), ("any", ctypes.c_bool), ("low", ctypes.c_int64), ("high", ctypes.c_int64)]


def compile_mask(body):
    text = run_tool("attnc-opt", "--attnc-outline-masks", "--canonicalize", "--cse", text=MODULE.format(body="      " + body))
    # Only the outlined function is of interest; it gets the C interface.
    start = text.index("func.func @f_mask0")
    function = text[start:].replace("{", "attributes {llvm.emit_c_interface} {", 1)
    function = function[:function.index("\n  }\n") + 5]
    buffers = run_tool("attnc-opt", f"--pass-pipeline={BUFFERS}", text="module {\n  " + function + "\n}")
    llvm = run_tool("attnc-opt", f"--pass-pipeline={TO_LLVM}", text=buffers)
    ir = run_tool("mlir-translate", "--mlir-to-llvmir", text=llvm)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "mask.so")
        run_tool("clang", "-O1", "-march=x86-64-v3", "-fPIC", "-shared", "-Wno-override-module", "-x", "ir", "-", "-o", path, text=ir)
        return ctypes.CDLL(path)._mlir_ciface_f_mask0


def check(name, body, seen, exact):
    from kernels import descriptor
    function = compile_mask(body)
    found = set()
    for _ in range(400):
        size = 40
        table = np.sort(random.integers(0, 5, size)).astype(np.int32)
        elements = random.integers(-5, 45, size).astype(np.int32)
        window = int(random.choice([0, 1, 3, 8, 16, 60, FAR * 7, -FAR * 7]))
        i0, j0 = (int(x) for x in random.integers(0, size, 2))
        i1, j1 = (int(min(at + random.integers(0, 12), size - 1)) for at in (i0, j0))
        result, t = Result(), descriptor(table)
        bounds = [int(elements[j0:j1 + 1].min()), int(elements[j0:j1 + 1].max())]
        arguments = [0, 0, i0, i1, j0, j1, 0]
        function(ctypes.byref(result), *map(ctypes.c_int64, arguments), ctypes.byref(t), *map(ctypes.c_int64, [window] + bounds))
        pairs = np.array([[seen(i, j, table, window, elements) for j in range(j0, j1 + 1)] for i in range(i0, i1 + 1)])
        where = f"{name}: queries {i0}..{i1}, keys {j0}..{j1}, window {window}"
        assert not result.all or pairs.all(), f"{where}: said to be full"
        assert result.any or not pairs.any(), f"{where}: said to be empty"
        columns = np.flatnonzero(pairs.any(axis=0)) + j0
        assert all(result.low <= j <= result.high for j in columns), f"{where}: keys {columns} outside {result.low}..{result.high}"
        if exact:
            assert result.all == pairs.all() and result.any == pairs.any(), f"{where}: not exact"
        found.add("full" if result.all else "partial" if result.any else "empty")
    assert "partial" in found and len(found) > 1, f"{name}: only {found}"
    print(name, "ok")


for name, (body, seen, exact) in CASES.items():
    check(name, body, seen, exact)
