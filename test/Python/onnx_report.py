"""A table of models by route: torch.export, and ONNX of two opsets as torch.onnx.export writes it.

    onnx_report.py [--routes torch,onnx18,onnx23] [--import-only] [MODEL …]     (default: all)"""
import argparse
import contextlib
import io
import logging
import time
import warnings

import common
import torch

from attnc import frontends
from torch_models import CASES
from torch_report import check, import_case

warnings.filterwarnings("ignore")
logging.getLogger("torch.onnx").setLevel(logging.ERROR)
logging.getLogger("onnxscript").setLevel(logging.ERROR)

# Models that torch.onnx.export itself refuses: it has no flex_attention.
NOT_EXPORTED = {"flex_alibi", "flex_window"}


def export(name: str, opset: int):
    """The module, and the .onnx file that torch writes of it, its weights beside it."""
    case, path = CASES[name], common.FOLDER / f"{name}_{opset}.onnx"
    torch.manual_seed(0)
    module = case.make().eval()
    with torch.no_grad(), contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(module, case.inputs(*case.sizes[0]), path, dynamo=True, opset_version=opset, dynamic_shapes=case.dynamic_shapes,
                          verbose=False, external_data=True)
    return module, path


def through_onnx(opset: int):
    def importer(name, row):
        began = time.time()
        module, path = export(name, opset)
        row.export, began = time.time() - began, time.time()
        imported = frontends.load(path)
        row.imported, row.text, row.attentions = time.time() - began, len(imported.text), imported.text.count("= attn.attention ")
        return module, imported
    return importer


ROUTES = {"torch": import_case, "onnx18": through_onnx(18), "onnx23": through_onnx(23)}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*")
    parser.add_argument("--routes", default=",".join(ROUTES))
    parser.add_argument("--import-only", action="store_true", help="neither compile nor run")
    options = parser.parse_args()
    import hf_models  # noqa: F401: adds its cases
    for chosen in options.models or CASES:
        for route in options.routes.split(","):
            if route == "torch" or chosen not in NOT_EXPORTED:
                print(f"{route:7} {check(chosen, options.import_only, ROUTES[route])}", flush=True)
