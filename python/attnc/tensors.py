"""Arrays of NumPy, torch and whatever exchanges DLPack, as the runtime's tensors and back: without copies."""
from __future__ import annotations

import ctypes as c
from typing import Any

import numpy as np

from .errors import Error
from .library import DLDataType, DLManagedTensor, DLTensor

CPU = 1
BOOL, BFLOAT = 6, 4
CODES = {"i": 0, "u": 1, "f": 2, "b": BOOL}  # NumPy's kinds
KINDS = {0: "i", 1: "u", 2: "f", BOOL: "b"}

c.pythonapi.PyCapsule_GetPointer.restype = c.c_void_p
c.pythonapi.PyCapsule_GetPointer.argtypes = [c.py_object, c.c_char_p]
c.pythonapi.PyCapsule_New.restype = c.py_object
c.pythonapi.PyCapsule_New.argtypes = [c.c_void_p, c.c_char_p, c.c_void_p]


def dtype_name(dtype: DLDataType) -> str:
    """f32, i64, bf16, i1, …: the names that models and messages use."""
    if dtype.code == BOOL:
        return "i1"
    return {0: "i", 1: "u", 2: "f", BFLOAT: "bf"}[dtype.code] + str(dtype.bits)


def numpy_dtype(dtype: DLDataType) -> np.dtype:
    if dtype.code == BFLOAT:
        raise Error("NumPy has no bfloat16: pass torch tensors, and the results are torch tensors too", "argument")
    return np.dtype(KINDS[dtype.code] + str(dtype.bits // 8))


def is_torch(value: Any) -> bool:
    return type(value).__module__.partition(".")[0] == "torch"


class Borrowed:
    """A DLTensor that shows somebody's memory, and what keeps that memory alive."""

    def __init__(self, value: Any, declared: DLDataType):
        if hasattr(value, "__dlpack__") and not isinstance(value, (np.ndarray, np.generic)):
            self.owner = value.detach().__dlpack__() if hasattr(value, "detach") else value.__dlpack__()
            pointer = c.pythonapi.PyCapsule_GetPointer(self.owner, b"dltensor")
            self.tensor = c.cast(pointer, c.POINTER(DLManagedTensor)).contents.dl_tensor
        else:
            self.show(value if isinstance(value, np.ndarray) else self.converted(value, declared))

    @staticmethod
    def converted(value: Any, declared: DLDataType) -> np.ndarray:
        """Numbers and lists have no type of their own: they become what is declared, if nothing is lost."""
        given = np.asarray(value)
        if isinstance(value, np.generic):
            return given
        with np.errstate(over="ignore"):
            out = given.astype(numpy_dtype(declared))
        if declared.code in (0, 1, BOOL) and not np.array_equal(out, given):
            raise Error(f"{value!r} does not fit {dtype_name(declared)}", "argument")
        return out

    def show(self, array: np.ndarray) -> None:
        if array.dtype.kind not in CODES:
            raise Error(f"an array of {array.dtype} cannot be passed: attnc knows integers, floats and booleans", "argument")
        if any(stride % array.itemsize for stride in array.strides):
            array = np.ascontiguousarray(array)
        self.shape = (c.c_int64 * array.ndim)(*array.shape)
        self.strides = (c.c_int64 * array.ndim)(*(s // array.itemsize for s in array.strides))
        self.owner = array
        self.tensor = DLTensor(array.ctypes.data, (CPU, 0), array.ndim, DLDataType(CODES[array.dtype.kind], array.itemsize * 8, 1),
                               self.shape, self.strides, 0)


class Owned:
    """Memory of the runtime, as `__array_interface__` shows it to NumPy; it goes when nobody looks at it any more."""

    def __init__(self, pointer):
        self.pointer = pointer
        tensor = pointer.contents.dl_tensor
        self.__array_interface__ = {"version": 3, "shape": tuple(tensor.shape[:tensor.ndim]), "typestr": numpy_dtype(tensor.dtype).str,
                                    "data": ((tensor.data or 0) + tensor.byte_offset, False)}

    def __del__(self):
        release(self.pointer)


def release(pointer) -> None:
    if pointer and pointer.contents.deleter:
        pointer.contents.deleter(pointer)


def to_numpy(pointer) -> np.ndarray:
    """A new tensor of the runtime as an array that owns it."""
    try:
        owned = Owned(pointer)
    except Error:
        release(pointer)
        raise
    if 0 in owned.__array_interface__["shape"]:  # no address to show
        return np.empty(owned.__array_interface__["shape"], owned.__array_interface__["typestr"])
    return np.asarray(owned)


def to_torch(pointer) -> Any:
    """A new tensor of the runtime as a torch tensor that owns it."""
    import torch.utils.dlpack
    return torch.utils.dlpack.from_dlpack(c.pythonapi.PyCapsule_New(c.cast(pointer, c.c_void_p), b"dltensor", None))
