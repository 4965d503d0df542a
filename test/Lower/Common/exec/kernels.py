"""Runs kernels written as MLIR text on NumPy arrays: attnc-lower-attn, upstream's way to LLVM, a shared object.

compile_kernel also checks what the lowering promises: no op of attn is left, no buffer whose size depends on the
input is allocated, and no more than the expected number of whole-tensor copies is made.
With ATTNC_ENGINE=reference the same functions run in the reference interpreter, so that a test of a lowering is one of the op's
definition too.
Arrays are passed between bands of NaN (or of a number), so that a write outside shows, and a read outside most likely.
"""
import ctypes
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parents[3] / "Models"))
import tensors

# With ATTNC_CPU_LEVEL=avx512 attention is done on that level's tiles first; what they do not take is lowered as always.
LEVEL = os.environ.get("ATTNC_CPU_LEVEL")
LOWER = ("builtin.module(func.func(" + ("attnc-tile-attention," if LEVEL else "") + "attnc-lower-attn{%s}),eliminate-empty-tensors,"
         "one-shot-bufferize{bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map},"
         "canonicalize,func.func(attnc-kernel-results),cse,canonicalize)")
TO_LLVM = ("builtin.module(func.func(attnc-kernel-scratch),convert-linalg-to-loops,func.func(scf-forall-to-for),loop-invariant-code-motion,canonicalize,cse,convert-vector-to-scf,expand-strided-metadata,"
           "lower-affine,convert-scf-to-cf,arith-emulate-unsupported-floats{source-types=bf16},attnc-expand-math,arith-expand{include-bf16=true},convert-vector-to-llvm,finalize-memref-to-llvm,convert-math-to-llvm,"
           "convert-arith-to-llvm,convert-index-to-llvm,convert-func-to-llvm,convert-cf-to-llvm,"
           "reconcile-unrealized-casts)")
DTYPES = {"f32": np.float32, "f64": np.float64, "f16": np.float16, "bf16": np.uint16, "i64": np.int64, "i32": np.int32,
          "index": np.int64, "i1": np.bool_, "i16": np.int16, "i8": np.int8}
BAND = 256
INTERPRETED = os.environ.get("ATTNC_ENGINE") == "reference"  # which refuses what compiled code has to survive


def run_tool(*command, text):
    done = subprocess.run(command, input=text, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]}: {done.stderr[-3000:]}\n{text if len(text) < 20000 else ''}")
    return done.stdout


def to_bf16(x):
    """The bits of the nearest bfloat16, ties to even."""
    bits = np.ascontiguousarray(x, np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


def from_bf16(bits):
    return (np.ascontiguousarray(bits).astype(np.uint32) << 16).view(np.float32)


def banded(array):
    """A copy between two bands, and the whole buffer."""
    poison = np.nan if array.dtype.kind == "f" else array.dtype.type(0x7FC0) if array.dtype == np.uint16 else 77 if array.dtype.kind == "i" else True
    whole = np.full(array.size + 2 * BAND, poison, array.dtype)
    inner = whole[BAND:BAND + array.size].reshape(array.shape)
    inner[...] = array
    return inner, whole


def descriptor(array):
    """The memref descriptor of upstream's C interface: pointers, offset, sizes, strides."""
    rank = array.ndim
    fields = [("base", ctypes.c_void_p), ("data", ctypes.c_void_p), ("offset", ctypes.c_int64)]
    if rank:
        fields += [("sizes", ctypes.c_int64 * rank), ("strides", ctypes.c_int64 * rank)]
    kind = type("MemRef", (ctypes.Structure,), {"_fields_": fields})
    value = kind(array.ctypes.data, array.ctypes.data, 0)
    if rank:
        value.sizes[:] = array.shape
        strides, total = [], 1
        for size in reversed(array.shape):
            strides.insert(0, total)
            total *= size
        value.strides[:] = strides
    return value


class Kernel:
    def __init__(self, function):
        self.function = function

    def __call__(self, *arguments):
        """Tensors are arrays; an array is written where the kernel writes. Scalars: int is an index, or a NumPy scalar."""
        keep, passed, back = [], [], []
        for argument in arguments:
            if isinstance(argument, np.ndarray):
                inner, whole = banded(argument)
                value = descriptor(inner)
                keep += [inner, whole, value]
                back.append((argument, inner, whole))
                passed.append(ctypes.byref(value))
            elif isinstance(argument, (int, np.int64)):
                passed.append(ctypes.c_int64(int(argument)))
            elif isinstance(argument, np.float32):
                passed.append(ctypes.c_float(float(argument)))
            else:
                raise TypeError(type(argument))
        self.function(*passed)
        for argument, inner, whole in back:
            edges = np.concatenate([whole[:BAND], whole[BAND + argument.size:]])
            same = np.isnan(edges) if edges.dtype.kind == "f" else edges == edges[0]
            assert same.all(), "a kernel wrote outside of an array"
            argument[...] = inner


class Interpreted:
    """A kernel through `attnc run --reference`: its last arguments are the destinations."""

    def __init__(self, text):
        text = text.replace("func.func private @kernel", "func.func @kernel")
        text = re.sub(r"attributes \{attnc\.kernel[^}]*\}", "", text)
        self.text = text
        self.kinds = [t.rstrip(">").split("x")[-1] for t in re.findall(r"%\w+: ([\w<>?]+)", text[text.index("@kernel("):].split("{")[0])]

    def __call__(self, *arguments):
        wide = [from_bf16(a) if kind == "bf16" else np.asarray(a) for a, kind in zip(arguments, self.kinds, strict=True)]
        with tempfile.TemporaryDirectory() as folder:
            tensors.write(folder + "/in.safetensors", {f"input{n}": a for n, a in enumerate(wide)})
            run_tool("attnc", "run", "-", "--reference", "--entry=kernel", "--inputs", folder + "/in.safetensors", "--outputs", folder + "/out.safetensors",
                     text=self.text)
            found = tensors.read(folder + "/out.safetensors")[0]
        first = len(arguments) - len(found)
        for n, (argument, kind) in enumerate(zip(arguments[first:], self.kinds[first:])):
            argument[...] = to_bf16(found[f"output{n}"]) if kind == "bf16" else found[f"output{n}"]


def load(lowered, to_llvm, march="x86-64-v3"):
    """The function @kernel of a module on buffers, as code."""
    llvm = run_tool("attnc-opt", f"--pass-pipeline={to_llvm}", text=lowered)
    ir = run_tool("mlir-translate", "--mlir-to-llvmir", text=llvm)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "kernel.so")
        run_tool("clang", "-O1", f"-march={march}", "-fPIC", "-shared", "-Wl,--no-undefined", "-Wno-override-module", "-x", "ir", "-", "-o", path, "--rtlib=compiler-rt", text=ir)
        function = ctypes.CDLL(path)._mlir_ciface_kernel
    function.restype = None
    return Kernel(function)


def compile_kernel(text, copies=0, options="", show=False):
    """The function @kernel of a module. `copies`: how many copies of tensors of dynamic size the text itself asks for."""
    if INTERPRETED:
        return Interpreted(text)
    if LEVEL:
        text = f'module attributes {{attnc.cpu_level = "{LEVEL}"}} {{\n{text}\n}}'
    lowered = run_tool("attnc-opt", f"--pass-pipeline={LOWER % options}", text=text)
    if show:
        print(lowered)
    assert "attn." not in re.sub(r"attnc\.\w+", "", lowered), "an op of attn is left:\n" + lowered
    assert not re.search(r"memref\.alloc\w*\(%", lowered), "a temporary of dynamic size:\n" + lowered
    assert lowered.count("memref.copy") <= copies, "an extra copy:\n" + lowered
    return load(lowered, TO_LLVM, "x86-64-v4" if LEVEL == "avx512" else "x86-64-v3")


def kernel(arguments, body, **options):
    """Compiles a body over the arguments, "%x: tensor<?xf32>, …"; it returns the values named in its last line."""
    return compile_kernel(f"func.func private @kernel({arguments}) {body[0]} attributes {{attnc.kernel, llvm.emit_c_interface}} {{\n{body[1]}\n}}", **options)


FUNCTION = """func.func private @kernel({args}) -> {type} attributes {{attnc.kernel, llvm.emit_c_interface}} {{
  %y = {op}
  %out = bufferization.materialize_in_destination %y in %d : ({type}, {type}) -> {type}
  return %out : {type}
}}
"""


def function(args, op, type, **options):
    """An op with one result as a kernel: its arguments, then the destination."""
    return compile_kernel(FUNCTION.format(args=args + f", %d: {type}", op=op, type=type), **options)


def check(name, found, expected, tolerance=1e-5):
    """Equal within tolerance · (1 + |expected|); NaN and infinities where expected. The interpreter rounds to f32 only at the end."""
    if INTERPRETED:
        tolerance = max(tolerance, 1e-6)
    found, expected = np.asarray(found, np.float64), np.asarray(expected, np.float64)
    assert found.shape == expected.shape, f"{name}: shape {found.shape}, expected {expected.shape}"
    finite = np.isfinite(expected)
    same = np.where(finite, True, (found == expected) | (np.isnan(found) & np.isnan(expected)))
    with np.errstate(invalid="ignore"):
        difference = found - expected
    close = np.abs(np.where(finite, difference, 0)) <= tolerance * (1 + np.abs(np.where(finite, expected, 0)))
    bad = ~(same & close)
    if bad.any():
        at = tuple(int(i) for i in np.argwhere(bad)[0])
        raise AssertionError(f"{name}: {int(bad.sum())} of {bad.size} differ, first at {at}: {found[at]}, expected {expected[at]}")
