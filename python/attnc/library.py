"""The runtime as a shared library: where it is, and attnc-c/Runtime.h and attnc-c/DLPack.h in the terms of ctypes."""
from __future__ import annotations

import ctypes as c
import functools
import os
import pathlib

from .errors import Error

NAME = "libattnc_runtime.so"
HERE = pathlib.Path(__file__).resolve().parent
BUILT = HERE.parent.parent / "build/release"  # where attnc runs from its source tree

# attnc_status, by number.
KINDS = ("ok", "argument", "file", "format", "unsupported", "memory", "busy", "cancelled", "step_limit", "internal")
INPUTS, OUTPUTS, STATES, WEIGHTS = range(4)  # attnc_list


class DLDevice(c.Structure):
    _fields_ = [("device_type", c.c_int), ("device_id", c.c_int32)]


class DLDataType(c.Structure):
    _fields_ = [("code", c.c_uint8), ("bits", c.c_uint8), ("lanes", c.c_uint16)]


class DLTensor(c.Structure):
    _fields_ = [("data", c.c_void_p), ("device", DLDevice), ("ndim", c.c_int32), ("dtype", DLDataType),
                ("shape", c.POINTER(c.c_int64)), ("strides", c.POINTER(c.c_int64)), ("byte_offset", c.c_uint64)]


class DLManagedTensor(c.Structure):
    pass


DLManagedTensor._fields_ = [("dl_tensor", DLTensor), ("manager_ctx", c.c_void_p),
                            ("deleter", c.CFUNCTYPE(None, c.POINTER(DLManagedTensor)))]


class OpenOptions(c.Structure):
    _fields_ = [("size", c.c_size_t), ("cpu_level", c.c_char_p), ("weights", c.c_char_p)]


class Dim(c.Structure):
    _fields_ = [("value", c.c_int64), ("name", c.c_char_p), ("is_capacity", c.c_int32)]


class TensorInfo(c.Structure):
    _fields_ = [("size", c.c_size_t), ("name", c.c_char_p), ("dtype", DLDataType), ("rank", c.c_int32), ("shape", c.POINTER(Dim))]


class Capacity(c.Structure):
    _fields_ = [("name", c.c_char_p), ("value", c.c_int64)]


class SessionOptions(c.Structure):
    _fields_ = [("size", c.c_size_t), ("capacities", c.POINTER(Capacity)), ("capacity_count", c.c_size_t), ("threads", c.c_int32)]


class Input(c.Structure):
    _fields_ = [("name", c.c_char_p), ("tensor", c.POINTER(DLTensor))]


class Output(c.Structure):
    _fields_ = [("name", c.c_char_p), ("tensor", c.POINTER(DLTensor)), ("result", c.POINTER(DLManagedTensor))]


class RunOptions(c.Structure):
    _fields_ = [("size", c.c_size_t), ("cancel", c.POINTER(c.c_int32)), ("step_limit", c.c_int64)]


# The functions of Runtime.h without their prefix: what they return, and take.
FUNCTIONS = {
    "version": (c.c_char_p, []),
    "last_message": (c.c_char_p, []),
    "package_open": (c.c_int, [c.c_char_p, c.POINTER(OpenOptions), c.POINTER(c.c_void_p)]),
    "package_close": (None, [c.c_void_p]),
    "package_level": (c.c_char_p, [c.c_void_p]),
    "package_name": (c.c_char_p, [c.c_void_p]),
    "package_signature": (c.c_char_p, [c.c_void_p]),
    "package_function_count": (c.c_size_t, [c.c_void_p]),
    "package_function_name": (c.c_char_p, [c.c_void_p, c.c_size_t]),
    "package_tensor_count": (c.c_size_t, [c.c_void_p, c.c_int, c.c_size_t]),
    "package_tensor": (c.c_int, [c.c_void_p, c.c_int, c.c_size_t, c.c_size_t, c.POINTER(TensorInfo)]),
    "session_create": (c.c_int, [c.c_void_p, c.POINTER(SessionOptions), c.POINTER(c.c_void_p)]),
    "session_destroy": (None, [c.c_void_p]),
    "session_message": (c.c_char_p, [c.c_void_p]),
    "session_run": (c.c_int, [c.c_void_p, c.c_char_p, c.POINTER(Input), c.c_size_t, c.POINTER(Output), c.c_size_t,
                              c.POINTER(RunOptions)]),
    "session_reset": (c.c_int, [c.c_void_p]),
    "session_save": (c.c_int, [c.c_void_p, c.c_char_p]),
    "session_restore": (c.c_int, [c.c_void_p, c.c_char_p]),
}


def candidates() -> list[pathlib.Path]:
    """Where the library may be, the first that exists wins: ATTNC_LIBRARY, the installed package, the build tree."""
    named = os.environ.get("ATTNC_LIBRARY")
    return [pathlib.Path(named)] if named else [HERE / "lib" / NAME, BUILT / "lib" / NAME]


@functools.cache
def runtime() -> c.CDLL:
    """The library, loaded once; its calls release Python's lock."""
    places = candidates()
    path = next((p for p in places if p.exists()), None)
    if path is None:
        raise Error(f"the attnc runtime is not at {' or '.join(map(str, places))}: build it (tools/bootstrap build), "
                    f"or name the file in ATTNC_LIBRARY", "file")
    try:
        library = c.CDLL(str(path))
    except OSError as problem:
        raise Error(f"cannot load the attnc runtime: {problem}", "file") from None
    for name, (result, arguments) in FUNCTIONS.items():
        function = getattr(library, "attnc_" + name)
        function.restype, function.argtypes = result, arguments
    return library


def call(name: str, *arguments, session=None) -> None:
    """Calls a function that returns a status; a failure is an Error with the runtime's sentence."""
    library = runtime()
    status = getattr(library, "attnc_" + name)(*arguments)
    if status:
        message = library.attnc_session_message(session) if session else library.attnc_last_message()
        kind = KINDS[status] if status < len(KINDS) else "internal"
        raise Error((message or b"the call failed").decode(), kind)
