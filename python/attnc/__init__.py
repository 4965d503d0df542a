"""attnc: attention models with dynamic loops, compiled ahead of time, called from Python.

    package = attnc.compile(module, (tokens, mask), dynamic_shapes=({0: batch, 1: length}, {0: batch, 1: length}))
    package(tokens, mask)
"""
from .compiler import compile
from .errors import Error
from .runtime import Entry, Package, Session, Tensor, load

__all__ = ["Entry", "Error", "Package", "Session", "Tensor", "compile", "load"]
