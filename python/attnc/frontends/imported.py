"""What a front end makes of a model."""
from __future__ import annotations

import contextlib
import dataclasses
import os
import tempfile
from typing import Callable

from .weights import Weights


@dataclasses.dataclass
class Imported:
    """A module's text, and the weights that it names."""
    text: str
    weights: Weights

    def write(self, model: str | os.PathLike, weights: str | os.PathLike | None) -> None:
        """Writes the module and, where a path is given, the weights (.safetensors, or a .json index: see weights.py); all or none."""
        def put_text(path):
            with open(path, "w", encoding="utf-8") as file:
                file.write(self.text)
        with contextlib.ExitStack() as undo:
            parts = [finish_later(model, put_text, undo)]
            if weights is not None:
                parts.extend(finish_later(path, put, undo) for path, put in self.weights.files(weights))
            for written, path in parts:
                os.replace(written, path)
            undo.pop_all()


def finish_later(path: str | os.PathLike, put: Callable[[str], None], undo: contextlib.ExitStack) -> tuple[str, str | os.PathLike]:
    """Writes beside the path; returns what is to be renamed to what. Devices are written as they are."""
    if os.path.exists(path) and not os.path.isfile(path):
        put(path)
        return os.fspath(path), path
    handle, beside = tempfile.mkstemp(dir=os.path.dirname(os.path.abspath(path)), prefix=".attnc-")
    os.close(handle)
    undo.callback(os.unlink, beside)
    put(beside)
    return beside, path
