"""What the Python tests share: the package from the source tree, and packages compiled once into a temporary folder."""
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("ATTNC_BUILD", ROOT / "build/release"))
sys.path[:0] = [str(ROOT / "python"), str(ROOT / "test/Models")]
os.environ.setdefault("ATTNC_LIBRARY", str(BUILD / "lib/libattnc_runtime.so"))
os.environ.setdefault("ATTNC_COMPILER", str(BUILD / "bin/attnc"))

_folder = tempfile.TemporaryDirectory(prefix="attnc-test-")
FOLDER = pathlib.Path(_folder.name)


def package(model, name, weights=None):
    """Compiles MLIR text, or a file, for AVX2 alone; returns the package's path."""
    path = model
    if not isinstance(model, pathlib.Path):
        path = FOLDER / f"{name}.mlir"
        path.write_text(model)
    out = FOLDER / f"{name}.attnpkg"
    line = [os.environ["ATTNC_COMPILER"], "compile", path, "--target=cpu:avx2", "-o", out] + (["--weights", weights] if weights else [])
    done = subprocess.run(line, capture_output=True, text=True)
    if done.returncode:
        raise AssertionError(f"attnc compile {path}: {done.stderr}")
    return out


def raised(model):
    """The module behind the raise phase."""
    return _raise(model)[0]


def _raise(model):
    """The module behind the raise phase, and the remarks on what it found."""
    line = [os.environ["ATTNC_COMPILER"], "compile", model, "--stop-after=raise", "--remarks=raise", "-o", "-"]
    done = subprocess.run(line, capture_output=True, text=True)
    if done.returncode:
        raise AssertionError(f"attnc compile {model}: {done.stderr}")
    return done.stdout, done.stderr


def found(model):
    """How many of each the raise phase found or left: attention, normalisations, activations (GELU and SiLU), rotary embeddings."""
    text, remarks = _raise(model)
    return {"attention": text.count("= attn.attention "), "norm": text.count("= attn.layer_norm ") + text.count("= attn.rms_norm "),
            "activation": remarks.count("[Passed] activation"), "rotary": text.count("= attn.rotary ")}
