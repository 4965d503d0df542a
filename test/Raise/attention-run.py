"""attention-run.py FOLDER [FORM…]: every form of attention is found and computes the same."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent / "Inputs"))
from attention_forms import FORMS
from check import check

folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
PACKAGES = {"padding of integers", "alibi", "relative table", "grouped heads with a bias", "cross"}
failures = 0
for name, text in FORMS.items():
    if len(sys.argv) > 2 and name not in sys.argv[2:]:
        continue
    try:
        check(folder, name, text, {"= attn.attention": 1}, ["linalg.softmax", "linalg.batch_matmul", "linalg.transpose"],
              [{"B": 2, "T": 5, "S": 7}, {"B": 1, "T": 9, "S": 9}], name in PACKAGES)
    except (AssertionError, RuntimeError) as problem:
        failures += 1
        print(f"{name}: FAILED\n{problem}")
print(f"{failures} failed")
sys.exit(bool(failures))
