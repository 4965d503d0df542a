"""Packages and sessions: what `attnc compile` made, called from Python.

    package = attnc.load("model.attnpkg")
    y = package(x)                       # the entry main; NumPy in, NumPy out; torch in, torch out
    y, steps = package.decode(x, n=3)    # another entry; inputs by position or by name
    session = package.session()          # keeps state between calls
    session(x); session.save("s.safetensors")
"""
from __future__ import annotations

import ctypes as c
import dataclasses
import os
import threading
from typing import Any, Iterable, Mapping

from . import library, tensors
from .errors import Error

PathLike = str | os.PathLike


@dataclasses.dataclass(frozen=True)
class Tensor:
    """What a package declares of an input, output, state or weight. A size is a number, or a name that is bound at
    each call (of a state: by the first call of a session, or by a capacity)."""
    name: str
    dtype: str
    shape: tuple[int | str, ...]
    dlpack: library.DLDataType = dataclasses.field(repr=False, compare=False)


class Entry:
    """One function of a package or session; calling it runs it."""

    def __init__(self, name: str, owner: "Package | Session", inputs: tuple[Tensor, ...], outputs: tuple[Tensor, ...]):
        self.name, self.inputs, self.outputs, self._owner = name, inputs, outputs, owner

    def __call__(self, *args: Any, step_limit: int = 0, **kwargs: Any) -> Any:
        """Runs the function on inputs by position (in the order of `inputs`) or name: arrays of NumPy or torch, whatever
        has __dlpack__, or numbers and lists, which become the declared type. Returns its output, or a tuple of them in
        the order of `outputs`. `step_limit` is the most loop iterations, 0: no limit."""
        if len(args) > len(self.inputs):
            raise Error(f"'{self.name}' has {len(self.inputs)} inputs, got {len(args)}", "argument")
        given = dict(zip((t.name for t in self.inputs), args))
        twice = sorted(given.keys() & kwargs.keys())
        if twice:
            raise Error(f"the input '{twice[0]}' is given by position and by name", "argument")
        results = self.run(given | kwargs, step_limit=step_limit)
        values = tuple(results.values())
        return values[0] if len(values) == 1 else values

    def run(self, inputs: Mapping[str, Any], outputs: Iterable[str] | None = None, step_limit: int = 0) -> dict[str, Any]:
        """Runs the function on {name: array}; returns {name: array} of the outputs that are asked for (default: all)."""
        wanted = [t.name for t in self.outputs] if outputs is None else list(outputs)
        session = self._owner if isinstance(self._owner, Session) else self._owner._fresh_session()
        return session._run(self, inputs, wanted, step_limit)

    def __repr__(self) -> str:
        show = lambda ts: ", ".join(f"{t.name}: {t.dtype}[{', '.join(map(str, t.shape))}]" for t in ts)
        return f"{self.name}({show(self.inputs)}) -> ({show(self.outputs)})"


class _Callable:
    """What packages and sessions share: entries as attributes, and main as the call."""

    _entries: dict[str, Entry]

    def __getattr__(self, name: str) -> Entry:
        entries = self.__dict__.get("_entries", {})
        if name in entries:
            return entries[name]
        raise AttributeError(f"no entry '{name}'; there is {', '.join(entries) or 'none'}")

    @property
    def entries(self) -> dict[str, Entry]:
        """The functions by name; also as attributes."""
        return dict(self._entries)

    def __call__(self, *args: Any, step_limit: int = 0, **kwargs: Any) -> Any:
        """Runs the entry main, or the only one."""
        entry = self._entries.get("main") or (next(iter(self._entries.values())) if len(self._entries) == 1 else None)
        if entry is None:
            raise Error(f"there is no entry 'main'; call one of {', '.join(self._entries)}", "argument")
        return entry(*args, step_limit=step_limit, **kwargs)


class Package(_Callable):
    """A compiled model. It may be shared by threads; each call starts from the initial state. See session()."""

    def __init__(self, path: PathLike, cpu_level: str | None = None, weights: PathLike | None = None):
        options = library.OpenOptions(c.sizeof(library.OpenOptions), cpu_level and cpu_level.encode(), weights and os.fsencode(weights))
        self._handle = c.c_void_p()
        self._close = library.runtime().attnc_package_close
        self._local = threading.local()
        library.call("package_open", os.fsencode(path), options, self._handle)
        runtime = library.runtime()
        self.name: str = runtime.attnc_package_name(self._handle).decode()
        self.level: str = runtime.attnc_package_level(self._handle).decode()
        self.states = self._tensors(library.STATES)
        self.weights = self._tensors(library.WEIGHTS)
        names = [runtime.attnc_package_function_name(self._handle, i).decode()
                 for i in range(runtime.attnc_package_function_count(self._handle))]
        self._signatures = {name: (self._tensors(library.INPUTS, i), self._tensors(library.OUTPUTS, i)) for i, name in enumerate(names)}
        self._entries = {name: Entry(name, self, *signature) for name, signature in self._signatures.items()}

    def __del__(self):
        if getattr(self, "_handle", None):
            self._close(self._handle)

    def _tensors(self, which: int, function: int = 0) -> tuple[Tensor, ...]:
        out = []
        for i in range(library.runtime().attnc_package_tensor_count(self._handle, which, function)):
            info = library.TensorInfo(c.sizeof(library.TensorInfo))
            library.call("package_tensor", self._handle, which, function, i, info)
            shape = tuple(d.value if d.value >= 0 else d.name.decode() for d in info.shape[:info.rank])
            out.append(Tensor(info.name.decode(), tensors.dtype_name(info.dtype), shape, info.dtype))
        return tuple(out)

    def session(self, threads: int = 0, **capacities: int) -> "Session":
        """A session: state that lives from call to call. `capacities` are the sizes of states that no input tells;
        `threads` 0 is ATTNC_THREADS if set, else one a physical core."""
        return Session(self, threads, capacities)

    def _fresh_session(self) -> "Session":
        """This thread's session for calls without one, at the initial state."""
        session = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = Session(self, 0, {}, weak=True)
        elif self.states:
            session.reset()
        return session

    def __repr__(self) -> str:
        return f"<attnc package {self.name} ({self.level}): {'; '.join(map(repr, self._entries.values()))}>"


class Session(_Callable):
    """State between calls. It belongs to one thread at a time."""

    def __init__(self, package: Package, threads: int, capacities: Mapping[str, int], weak: bool = False):
        self._package = None if weak else package  # the package's own session must not keep it alive
        self._destroy = library.runtime().attnc_session_destroy
        self._handle = c.c_void_p()
        self._cancel = c.c_int32()
        array = (library.Capacity * len(capacities))(*((name.encode(), value) for name, value in capacities.items()))
        options = library.SessionOptions(c.sizeof(library.SessionOptions), array, len(capacities), threads)
        library.call("session_create", package._handle, options, self._handle)
        self._entries = {name: Entry(name, self, *signature) for name, signature in package._signatures.items()}

    def __del__(self):
        if getattr(self, "_handle", None):
            self._destroy(self._handle)

    def reset(self) -> None:
        """Back to the initial state."""
        library.call("session_reset", self._handle, session=self._handle)

    def save(self, path: PathLike) -> None:
        """Writes all states as .safetensors."""
        library.call("session_save", self._handle, os.fsencode(path), session=self._handle)

    def restore(self, path: PathLike) -> None:
        """Reads all states from such a file; nothing changes if one does not fit."""
        library.call("session_restore", self._handle, os.fsencode(path), session=self._handle)

    def cancel(self) -> None:
        """From another thread: the running call ends at its next loop iteration with an Error of kind cancelled."""
        self._cancel.value = 1

    def _run(self, entry: Entry, inputs: Mapping[str, Any], wanted: list[str], step_limit: int) -> dict[str, Any]:
        declared = {t.name: t.dlpack for t in entry.inputs}
        # A name that the package does not have goes through as it is: the runtime says what there is.
        borrowed = {name: tensors.Borrowed(value, declared.get(name, library.DLDataType(2, 32, 1))) for name, value in inputs.items()}
        given = (library.Input * len(borrowed))(*((name.encode(), c.pointer(b.tensor)) for name, b in borrowed.items()))
        results = (library.Output * len(wanted))(*((name.encode(), None, None) for name in wanted))
        self._cancel.value = 0
        options = library.RunOptions(c.sizeof(library.RunOptions), c.pointer(self._cancel), step_limit)
        library.call("session_run", self._handle, entry.name.encode(), given, len(given), results, len(results), options,
                     session=self._handle)
        convert = tensors.to_torch if any(map(tensors.is_torch, inputs.values())) else tensors.to_numpy
        return {name: convert(result.result) for name, result in zip(wanted, results)}


def load(path: PathLike, cpu_level: str | None = None, weights: PathLike | None = None) -> Package:
    """Opens a package. `cpu_level` ("avx2", "avx512") forces the code to use; `weights` names the .safetensors file of
    a package that was compiled with --weights=external."""
    return Package(path, cpu_level, weights)
