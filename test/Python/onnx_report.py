"""A table of models by route: torch.export, and ONNX of two opsets as torch.onnx.export writes it (of 17: by tracing).

    onnx_report.py [--routes torch,onnx17,onnx18,onnx23] [--import-only] [--jobs N] [--table FILE] [MODEL …]     (default: all)

FILE gets the table as Markdown."""
import argparse
import concurrent.futures
import contextlib
import io
import logging
import multiprocessing
import pathlib
import tempfile
import warnings

import common
import torch

from attnc import frontends
from torch_models import CASES
from torch_report import check, core_seconds, import_case

warnings.filterwarnings("ignore")
logging.getLogger("torch.onnx").setLevel(logging.ERROR)
logging.getLogger("onnxscript").setLevel(logging.ERROR)

# Models that torch.onnx.export itself refuses: it has no flex_attention.
NOT_EXPORTED = {"flex_alibi", "flex_window"}


def export_by_tracing(module, inputs, path, case) -> None:
    """With the exporter that torch had before: other masks, sizes as numbers of nodes."""
    names = [f"input{n}" for n in range(len(inputs))]
    axes = {name: {d: dim.__name__ for d, dim in varies.items()} for name, varies in zip(names, case.dynamic_shapes)}
    torch.onnx.export(module, inputs, path, dynamo=False, opset_version=17, input_names=names, output_names=["y"], dynamic_axes=axes)


def export(name: str, opset: int):
    """The module, and the .onnx file that torch writes of it, its weights beside it."""
    case, path = CASES[name], common.FOLDER / f"{name}_{opset}.onnx"
    torch.manual_seed(0)
    module = case.make().eval()
    with torch.no_grad(), contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if opset == 17:
            export_by_tracing(module, case.inputs(*case.sizes[0]), path, case)
            return module, path
        torch.onnx.export(module, case.inputs(*case.sizes[0]), path, dynamo=True, opset_version=opset, dynamic_shapes=case.dynamic_shapes,
                          verbose=False, external_data=True)
    return module, path


def through_onnx(opset: int):
    def importer(name, row):
        began = core_seconds()
        module, path = export(name, opset)
        row.export, began = core_seconds() - began, core_seconds()
        imported = frontends.load(path)
        row.imported, row.text, row.attentions = core_seconds() - began, len(imported.text), imported.text.count("= attn.attention ")
        return module, imported
    return importer


ROUTES = {"torch": import_case, "onnx17": through_onnx(17), "onnx18": through_onnx(18), "onnx23": through_onnx(23)}

HEAD = """# Models by route

Written by `onnx_report.py --table` (random weights at small width but for MiniLM; `torch_models.py` and `hf_models.py` make them). A cell is: what is
found behind raise of what the source has, of attention, normalisation, GELU or SiLU and rotary embedding (those that it has); the largest norm-wise
error against PyTorch in f32 over three shapes, two of them unseen at export; seconds of a core to import, beside the export, and to compile.
Models ending in `_eager` have their attention in plain operations.

"""


def cell(row) -> str:
    if row is None:
        return "torch cannot write it"
    if row.problem:
        return row.problem.splitlines()[-1][:80].replace("|", "/")
    case = CASES[row.name]
    found = ", ".join(f"{row.found.get(what)}/{count} {what}" for what, count in case.found.items() if count or row.found.get(what))
    return f"{found + '; ' if found else ''}{row.error:.0e}; {row.imported:.1f} + {row.compiled:.1f} s"


def table(rows: dict, routes: list[str]) -> str:
    lines = [f"| model | {' | '.join(routes)} | note |", "|---" * (len(routes) + 2) + "|"]
    for name in dict.fromkeys(name for name, _ in rows):
        lines.append(f"| {name} | {' | '.join(cell(rows[name, route]) for route in routes)} | {CASES[name].note} |")
    return HEAD + "\n".join(lines) + "\n"


def check_route(name: str, route: str, import_only: bool):
    """In a process of its own, with a folder of its own."""
    common.FOLDER = pathlib.Path(tempfile.mkdtemp(dir=common.FOLDER))
    return check(name, import_only, ROUTES[route])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*")
    parser.add_argument("--routes", default="torch,onnx18,onnx23")
    parser.add_argument("--import-only", action="store_true", help="neither compile nor run")
    parser.add_argument("--jobs", type=int, default=1, help="how many at a time")
    parser.add_argument("--table", help="write the table there")
    options = parser.parse_args()
    routes, rows = options.routes.split(","), {}
    with concurrent.futures.ProcessPoolExecutor(options.jobs, multiprocessing.get_context("fork")) as pool:
        for chosen in options.models or CASES:
            for route in routes:
                exported = route == "torch" or chosen not in NOT_EXPORTED
                rows[chosen, route] = pool.submit(check_route, chosen, route, options.import_only) if exported else None
        for (chosen, route), future in rows.items():
            rows[chosen, route] = row = future and future.result()
            print(f"{route:7} {row or chosen + ': ' + cell(row)}", flush=True)
    if options.table:
        with open(options.table, "w", encoding="utf-8") as file:
            file.write(table(rows, routes))


if __name__ == "__main__":
    import hf_models  # noqa: F401: adds its cases
    main()
