"""The definitions of the trained models against the cases stored beside their weights: `python check_trained.py`.

Every float tensor within 1e-9 of its largest magnitude, every integer equal."""
import json
import pathlib

import numpy as np

import fam
import looped_lm
import tensors
import ut_act
from common import load

HERE = pathlib.Path(__file__).parent / "trained"
MODELS = {"ut_act": ut_act.forward, "looped_lm": looped_lm.forward, "fam": fam.forward}
INPUTS = ("tokens", "lengths")


def read_cases(folder):
    """{case: (options, {tensor: array})} of a folder's cases.safetensors."""
    arrays, metadata = tensors.read(pathlib.Path(folder) / "cases.safetensors")
    return {case: (e["options"], {k[len(case) + 1:]: v for k, v in arrays.items() if k.startswith(case + ".")})
            for case, e in json.loads(metadata["cases"]).items()}


def difference(got, want):
    """max |got - want| / max |want|; integers must be equal."""
    assert got.shape == want.shape, (got.shape, want.shape)
    if want.dtype.kind != "f":
        assert (got == want).all()
        return 0.0
    return float(np.abs(got - want).max() / np.abs(want).max()) if want.size else 0.0


def check(model):
    """The largest difference over all cases of a model."""
    w, c = load(HERE / model)
    worst = 0.0
    for case, (options, arrays) in read_cases(HERE / model).items():
        inputs = {k: v for k, v in arrays.items() if k in INPUTS}
        begin = {k[6:]: v for k, v in arrays.items() if k.startswith("begin.")}
        got = MODELS[model](w, c, **inputs, **options, **({"state": begin} if begin else {}))
        out, end = got if isinstance(got, tuple) else (got, {})
        out = {**out, **{"end." + k: np.asarray(v) for k, v in end.items()}}
        for name, want in arrays.items():
            if name not in INPUTS and name != "targets" and not name.startswith("begin."):
                error = difference(out[name], want)
                assert error <= 1e-9, (model, case, name, error)
                worst = max(worst, error)
    return worst


if __name__ == "__main__":
    for model in MODELS:
        print(f"{model}: within {check(model):.1e} of its cases")
