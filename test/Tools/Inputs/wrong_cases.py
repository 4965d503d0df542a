"""wrong_cases.py OUT: writes OUT/ut_act, the trained model with one right case and some that no engine can meet."""
import json
import pathlib
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "Models"))
import tensors

source = pathlib.Path(__file__).parents[2] / "Models" / "trained" / "ut_act"
folder = pathlib.Path(sys.argv[1]) / "ut_act"
shutil.rmtree(folder, ignore_errors=True)
shutil.copytree(source, folder)
arrays, _ = tensors.read(source / "cases.safetensors")
single = {k[7:]: v for k, v in arrays.items() if k.startswith("single.")}
cases = {"right": {}, "value": {"logits": single["logits"] + 1e-6}, "steps": {"steps": single["steps"] + 1},
         "shape": {"logits": single["logits"][0]}, "unknown": {"margin": single["logits"]}, "nan": {"logits": single["logits"] * float("nan")},
         "entry": {}}
options = {case: {"about": "", "options": {"entry": "other"} if case == "entry" else {}} for case in cases}
tensors.write(folder / "cases.safetensors", {f"{case}.{k}": v for case, changed in cases.items() for k, v in {**single, **changed}.items()},
              {"cases": json.dumps(options)})
