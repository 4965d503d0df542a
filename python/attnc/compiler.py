"""attnc.compile: a module, program or file to a package."""
from __future__ import annotations

import os
import pathlib
import shutil
import tempfile
from typing import Any, Mapping, Sequence

from . import library, progress
from .errors import Error
from .runtime import Package, PathLike, load


def find_compiler() -> str:
    """The program attnc: ATTNC_COMPILER, the installed package, the build tree, PATH; the first that exists."""
    named = os.environ.get("ATTNC_COMPILER")
    places = [named] if named else [str(library.HERE / "bin/attnc"), str(library.BUILT / "bin/attnc"), shutil.which("attnc") or ""]
    found = next((p for p in places if p and os.path.exists(p)), None)
    if found is None:
        raise Error(f"the attnc compiler is not at {' or '.join(filter(None, places))}: build it (tools/bootstrap build), "
                    f"or name the file in ATTNC_COMPILER", "file")
    return found


def compile(module_or_path: Any, example_inputs: Sequence[Any] | None = None, dynamic_shapes: Any = None, target: str | Sequence[str] = "cpu",
            *, kwargs: Mapping[str, Any] | None = None, weights: PathLike | None = None, output: PathLike | None = None) -> Package:
    """Compiles a model and opens the package.

    `module_or_path` is a torch.nn.Module with `example_inputs` (and `kwargs`), a torch.export.ExportedProgram, or a file: .pt2, .onnx,
    .mlir (with `weights`), or "file.py:function", whose function returns (module, inputs, dynamic_shapes).
    `dynamic_shapes` is what torch.export takes: which sizes of the inputs vary, all others are those of the examples. `target` is one
    or more targets of `attnc compile`. The module's own weights are packed, read from the checkpoint's files where those are mapped; `weights`
    names others, by the names of parameters: .safetensors, or an index of shards (.json); so a module may be on the meta device. The package is written to `output`; without it, it lives as long as what is returned.
    An Error of kind "import" lists all that is not supported, one of kind "compile" says what the compiler did."""
    with tempfile.TemporaryDirectory(prefix="attnc-") as folder:
        package = pathlib.Path(output) if output else pathlib.Path(folder, "model.attnpkg")
        if isinstance(module_or_path, (str, os.PathLike)) and pathlib.Path(module_or_path).suffix in (".mlir", ".mlirbc"):
            model, packed = os.fspath(module_or_path), weights
        else:
            name = type(module_or_path).__name__ if not isinstance(module_or_path, (str, os.PathLike)) else "model"
            model, packed = os.path.join(folder, f"{name}.mlir"), os.path.join(folder, "weights.json")
            from . import frontends
            try:
                imported = frontends.load(module_or_path, example_inputs, kwargs, dynamic_shapes)
                imported.write(model, None if weights else packed)
                packed = weights or packed
            finally:
                progress.progress.clear()
        run_compiler(model, packed, target, package)
        return load(package)


def run_compiler(model: str, weights: PathLike | None, target: str | Sequence[str], package: pathlib.Path) -> None:
    line = [find_compiler(), "compile", model, "-o", os.fspath(package)]
    line += [f"--target={t}" for t in ([target] if isinstance(target, str) else target)]
    line += ["--weights", os.fspath(weights)] if weights else []
    code, said = progress.run(line)
    if code:
        raise Error(said.strip() or f"attnc compile ended with {code}", "compile")
