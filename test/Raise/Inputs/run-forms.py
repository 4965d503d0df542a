"""run-forms.py WHAT FOLDER [FORM…]: every form of Inputs/WHAT_forms.py is found by raise and computes the same."""
import importlib
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from check import check

# Ops that would show that something was not found, and the forms that are compiled too.
KINDS = {
    "attention": (["linalg.softmax", "linalg.batch_matmul", "linalg.transpose", "linalg.broadcast"],
                  {"padding of integers", "alibi", "relative table", "grouped heads with a bias", "cross", "a column of sinks", "sigmoid, masked behind",
                   "cache and new keys"}),
    "rotary": (["math.sin", "math.cos"], {"half split, with an offset", "interleaved by strides"}),
    "activation": (["math.powf"], {"gelu by tanh"}),
    "loop": (["scf.while"], {"frozen by selects", "weights of zero"}),
    "norm": (["math.rsqrt", "math.sqrt", "math.exp", '"reduction"'], {"layer, divided", "rms of a residual", "softmax along the middle"}),
}


def main(what, folder, *names):
    folder.mkdir(parents=True, exist_ok=True)
    banned, packages = KINDS[what]
    failures = 0
    for name, form in importlib.import_module(f"{what}_forms").FORMS.items():
        if names and name not in names:
            continue
        text, op = form if isinstance(form, tuple) else (form, "attn.attention")
        if op is None:  # of the tests of remarks
            continue
        try:
            check(folder, name, text, {f"= {op}": 1}, banned, [{"B": 2, "T": 5, "S": 7, "P": 2}, {"B": 1, "T": 9, "S": 12, "P": 3}], name in packages)
        except (AssertionError, RuntimeError) as problem:
            failures += 1
            print(f"{name}: FAILED\n{problem}")
    print(f"{failures} failed")
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], pathlib.Path(sys.argv[2]), *sys.argv[3:]))
