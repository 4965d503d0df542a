"""A table of models: imported, attention ops found, largest norm-wise error over the sizes, seconds of a core.

    torch_report.py [--import-only] [MODEL …]     (default: all)"""
import argparse
import dataclasses
import resource
import traceback
import warnings

import common
import torch

import attnc
from attnc.frontends import ImportProblems, torch_export
from torch_models import CASES

warnings.filterwarnings("ignore")


@dataclasses.dataclass
class Row:
    """What one model gave."""
    name: str
    problem: str = ""
    attentions: int = 0  # as imported
    raised: int = 0      # behind the raise phase, which finds those of plain operations
    found: dict = dataclasses.field(default_factory=dict)  # the same of norms, activations and rotary embeddings too
    error: float = 0.0
    export: float = 0.0
    imported: float = 0.0
    compiled: float = 0.0
    text: int = 0

    def __str__(self) -> str:
        if self.problem:
            return f"{self.name:22} {self.problem}"
        case = CASES[self.name]
        found = "  ".join(f"{what} {self.found.get(what)}/{count}" for what, count in case.found.items())
        return (f"{self.name:22} {found}  error {self.error:.1e}  export {self.export:.1f} s  import {self.imported:.1f} s"
                f"  compile {self.compiled:.1f} s  text {self.text // 1000} kB  {case.note}")


def core_seconds() -> float:
    """What this process and those that it ran have used of a core: the same on a busy machine."""
    return sum(t.ru_utime + t.ru_stime for t in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))


def leaves(tree) -> list:
    return torch.utils._pytree.tree_leaves(tree)


def norm_error(got: torch.Tensor, expected: torch.Tensor) -> float:
    """‖got - expected‖ / ‖expected‖; whatever is not a float must be equal."""
    if got.shape != expected.shape or got.dtype != expected.dtype:
        return float("inf")
    if not expected.is_floating_point():
        return 0.0 if torch.equal(got, expected) else float("inf")
    return ((got.double() - expected.double()).norm() / expected.double().norm().clamp(min=1e-30)).item()


def import_case(name: str, row: Row) -> torch_export.Imported:
    case = CASES[name]
    torch.manual_seed(0)
    module = case.make().eval()
    began = core_seconds()
    program = torch_export.export(module, case.inputs(*case.sizes[0]), None, case.dynamic_shapes)
    row.export, began = core_seconds() - began, core_seconds()
    imported = torch_export.import_program(program, name, torch_export.names_of_sizes(program, case.dynamic_shapes))
    row.imported, row.text, row.attentions = core_seconds() - began, len(imported.text), imported.text.count("= attn.attention ")
    return module, imported


def check(name: str, import_only: bool = False, importer=import_case) -> Row:
    """A case from module to results; importer(name, row) → (module, imported)."""
    row, case = Row(name), CASES[name]
    try:
        module, imported = importer(name, row)
        model, weights = common.FOLDER / f"{name}.mlir", common.FOLDER / f"{name}.safetensors"
        imported.write(model, weights)
        row.found = common.found(model)
        row.raised = row.found["attention"]
        if import_only:
            return row
        began = core_seconds()
        package = attnc.load(common.package(model, name, weights))
        row.compiled = core_seconds() - began
        for sizes in case.sizes:
            inputs = case.inputs(*sizes)
            with torch.no_grad():
                expected = leaves(module(*inputs))
            got = package(*leaves(inputs))
            row.error = max([row.error, *map(norm_error, got if isinstance(got, tuple) else (got,), expected)])
    except (ImportProblems, attnc.Error, AssertionError) as problem:
        row.problem = str(problem)
    except Exception:
        row.problem = traceback.format_exc()
    return row


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*")
    parser.add_argument("--import-only", action="store_true", help="neither compile nor run")
    options = parser.parse_args()
    import hf_models  # noqa: F401: adds its cases
    for chosen in options.models or CASES:
        print(check(chosen, options.import_only), flush=True)
