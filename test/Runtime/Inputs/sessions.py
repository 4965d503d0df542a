"""sessions.py MODELS FOLDER PACKAGE: llama_ring in pieces, each a process of its own."""
import pathlib
import subprocess
import sys

models, folder, package = sys.argv[1:]
sys.path.insert(0, models)
import numpy as np
import tensors

work = pathlib.Path(folder)
cases, _ = tensors.read(work / "cases.safetensors")
levels = ["avx2"] + ["avx512"] * ("avx512f" in open("/proc/cpuinfo").read())
whole = cases["whole.tokens"]                                # batch 2 of 21 tokens; the ring holds 16
pieces = [(0, 11), (11, 12), (12, 21)]                       # a prompt, a token, and what makes the ring wrap


def run(tokens, level, before=None):
    """(logits, file of the states behind) of one process."""
    tensors.write(work / "in.safetensors", {"tokens": tokens})
    after = work / f"{tokens.shape[1]}.{level}.{before.stem if before else 'new'}.safetensors"
    done = subprocess.run(["attnc-run", package, f"--cpu-level={level}", "--inputs", work / "in.safetensors", "--outputs", work / "out.safetensors",
                           "--state-out", after] + (["--state-in", before] if before else []), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return tensors.read(work / "out.safetensors")[0]["logits"], after


def close(got, want, what):
    worst = np.abs(got - want).max() / np.abs(want).max()
    assert got.shape == want.shape and worst < 1e-5, f"{what}: {worst}"


ends = {}
for first in levels:
    for second in levels:
        state, parts = None, []
        for (begin, end), level in zip(pieces, (first, second, first)):
            logits, state = run(whole[:, begin:end], level, state)
            parts.append(logits)
        close(np.concatenate(parts, 1), cases["whole.logits"], f"{first}, {second}")
        ends[first, second] = tensors.read(state)[0]
        print(f"{first} -> {second}: as in one call")

for states in ends.values():                                 # oldest first, valid rows only: what the definition says
    assert set(states) == {"k", "v", "count"} and states["k"].shape == cases["whole.end.k"].shape and states["count"] == 21
    for name in "kv":
        close(states[name], cases[f"whole.end.{name}"], name)
print("one file, whatever the level")
