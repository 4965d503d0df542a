"""peers.py [CASE...] [--json FILE] [--rounds N] [--engines attnc,torch,…] [--threads N] [--core N] [--hold COMMAND]

Times packages against PyTorch, ONNX Runtime and JAX on one pinned core, each case in one run: a round is one sample of each
engine in turn, so that whatever else the machine does reaches all alike. A ratio is that of a round's two samples; medians of
the ratios and of the times are printed, with the machine's FMA peak and read bandwidth from `attnc-bench` before and after.
Every engine's result is compared with PyTorch's first.

Engines: attnc and attnc-onnx (imported from torch, and from ONNX of opset 18); torch (eager), compile (torch.compile, frozen,
max-autotune); onnxruntime and onnxruntime-fused (behind its transformer optimizer); jax (for cases of models.py). They need the
packages that they are named after, the ONNX ones onnx and onnxscript too.

--hold gives a command that prints a line when nothing else runs on the machine, and keeps it so until its input ends; it runs
around the rounds of each case.
"""
import argparse
import contextlib
import json
import os
import pathlib
import shlex
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("ATTNC_BUILD", ROOT / "build/release"))
sys.path.insert(0, str(ROOT / "python"))
os.environ.setdefault("ATTNC_LIBRARY", str(BUILD / "lib/libattnc_runtime.so"))
os.environ.setdefault("ATTNC_COMPILER", str(BUILD / "bin/attnc"))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[2])
    parser.add_argument("cases", nargs="*", help="names, or beginnings of names; all without")
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--engines", default="attnc,torch,onnxruntime")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--hold")
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)))
    return parser.parse_args()


OPTIONS = arguments()
if OPTIONS.threads == 1:
    os.sched_setaffinity(0, {OPTIONS.core})
for name in ("ATTNC_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = str(OPTIONS.threads)

import numpy as np
import torch

import attnc
import models

torch.set_num_threads(OPTIONS.threads)
torch.manual_seed(1)


class Linear(torch.nn.Module):
    def __init__(self, inputs, outputs, gelu=False):
        super().__init__()
        self.linear, self.gelu = torch.nn.Linear(inputs, outputs, bias=gelu), gelu

    def forward(self, x):
        y = self.linear(x)
        return torch.nn.functional.gelu(y) if self.gelu else y


class Attention(torch.nn.Module):
    def __init__(self, causal=False):
        super().__init__()
        self.causal = causal

    def forward(self, q, k, v):
        return torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=self.causal)


def gemm(rows, inner, columns, gelu=False):
    return lambda: (Linear(inner, columns, gelu), (torch.randn(rows, inner),))


def attention(length, causal=False):
    return lambda: (Attention(causal), tuple(torch.randn(1, 12, length, 64) for _ in range(3)))


# name: (what makes module and inputs, FLOP as they are counted: a multiply-add is two, attention by visible pairs)
CASES = {
    "gemm-512x768x768": (gemm(512, 768, 768), 2 * 512 * 768 * 768),
    "gemm-gelu-512x3072x768": (gemm(512, 768, 3072, gelu=True), 2 * 512 * 768 * 3072),
    "gemm-77x384x384": (gemm(77, 384, 384), 2 * 77 * 384 * 384),
    "gemm-1x4096x4096": (gemm(1, 4096, 4096), 2 * 4096 * 4096),
    **{f"attention-{n}": (attention(n), 4 * 12 * 64 * n * n) for n in (128, 512, 2048)},
    "attention-causal-2048": (attention(2048, causal=True), 4 * 12 * 64 * 2048 * 2049 // 2),
    **{name: (make, None) for name, make in models.MODELS.items()},
}


def attnc_engine(module, inputs, folder, source="case"):
    path = folder / f"{source}.attnpkg"
    if source == "onnx":
        attnc.compile(write_onnx(module, inputs, folder), output=str(path))
    else:
        attnc.compile(module, inputs, output=str(path))
    run = attnc.load(str(path))
    return lambda: run(*inputs)


def attnc_onnx_engine(module, inputs, folder):
    return attnc_engine(module, inputs, folder, "onnx")


def torch_engine(module, inputs, folder):
    return lambda: module(*inputs)


def compile_engine(module, inputs, folder):
    import torch._inductor.config as config
    config.freezing = True
    compiled = torch.compile(module, mode="max-autotune")
    return lambda: compiled(*inputs)


def write_onnx(module, inputs, folder):
    path = folder / "case.onnx"
    if not path.exists():
        torch.onnx.export(module, inputs, path, dynamo=True, verbose=False, opset_version=18)
    return str(path)


def onnxruntime_engine(module, inputs, folder, fused=False):
    import onnxruntime
    path = write_onnx(module, inputs, folder)
    if fused:
        from onnxruntime.transformers import optimizer
        config = next(m.config for m in module.modules() if hasattr(m, "config"))
        model = optimizer.optimize_model(path, "gpt2" if config.model_type == "llama" else "bert", num_heads=config.num_attention_heads,
                                         hidden_size=config.hidden_size)
        path = str(folder / "fused.onnx")
        model.save_model_to_file(path)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = OPTIONS.threads
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    given = {meta.name: tensor.numpy() for meta, tensor in zip(session.get_inputs(), inputs)}
    return lambda: session.run(None, given)


def onnxruntime_fused_engine(module, inputs, folder):
    return onnxruntime_engine(module, inputs, folder, fused=True)


def jax_engine(module, inputs, folder):
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=" + ("false" if OPTIONS.threads == 1 else "true")
    import jax
    run, given = jax.jit(module.jax()), [tensor.numpy() for tensor in inputs]
    return lambda: jax.block_until_ready(run(*given))


ENGINES = {"attnc": attnc_engine, "attnc-onnx": attnc_onnx_engine, "torch": torch_engine, "compile": compile_engine,
           "onnxruntime": onnxruntime_engine, "onnxruntime-fused": onnxruntime_fused_engine, "jax": jax_engine}


def machine(folder):
    """GFLOP/s of one core, and GB/s that it reads, measured by attnc-bench here and now."""
    path = folder / "peak.attnpkg"
    if not path.exists():
        (folder / "peak.mlir").write_text('func.func @main(%x: tensor<8xf32> {attnc.name = "x"}) -> (tensor<8xf32> {attnc.name = "y"}) {\n'
                                          "  %y = math.absf %x : tensor<8xf32>\n  return %y : tensor<8xf32>\n}\n")
        subprocess.run([os.environ["ATTNC_COMPILER"], "compile", folder / "peak.mlir", "-o", path], check=True)
    done = subprocess.run([BUILD / "bin/attnc-bench", path, "--repeat", "15", "--json"], check=True, capture_output=True, text=True)
    measured = json.loads(done.stdout)["machine"]
    return measured["fma_gflops"]["most"], measured["read_gb_per_s"]["most"]


@contextlib.contextmanager
def held():
    """While it lasts, OPTIONS.hold holds the machine."""
    if not OPTIONS.hold:
        yield
        return
    with subprocess.Popen(shlex.split(OPTIONS.hold), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        holder.stdout.readline()
        yield
        holder.stdin.close()


def first_of(results):
    return np.asarray(results[0] if isinstance(results, (tuple, list)) else results)


def seconds_of(run, times):
    begin = time.perf_counter()
    for _ in range(times):
        run()
    return (time.perf_counter() - begin) / times


def prepare(module, inputs, folder):
    """The engines that can run the case, and why the others cannot."""
    expected, runs, notes = first_of(module(*inputs)), {}, {}
    for engine in OPTIONS.engines.split(","):
        try:
            run = ENGINES[engine](module, inputs, folder)
            worst = float(np.abs(first_of(run()) - expected).max())
        except Exception as problem:  # a peer that cannot run a case is a line of the table
            notes[engine] = str(problem).split("\n")[0][:100]
            continue
        if worst > 1e-3:
            notes[engine] = f"differs from torch by {worst:.2g}"
            continue
        runs[engine] = run
    return runs, notes


@torch.no_grad()
def measure(name, folder):
    make, flops = CASES[name]
    module, inputs = make()
    runs, notes = prepare(module.eval(), inputs, folder)
    samples = {engine: [] for engine in runs}
    machine(folder)
    with held():
        before = machine(folder)
        # As many calls a sample as fill some milliseconds.
        times = {engine: max(1, int(5e-3 / max(seconds_of(run, 3), 1e-7))) for engine, run in runs.items()}
        for _ in range(OPTIONS.rounds):
            for engine, run in runs.items():
                run()
                samples[engine].append(seconds_of(run, times[engine]))
        top, bandwidth = np.maximum(before, machine(folder)).tolist()
    return report(name, flops, samples, notes, top, bandwidth)


def report(name, flops, samples, notes, top, bandwidth):
    out = {"case": name, "peak_gflops": top, "read_gb_per_s": bandwidth, "engines": {}, "notes": notes}
    for engine, taken in samples.items():
        ms = statistics.median(taken) * 1e3
        quartiles = statistics.quantiles(taken, n=4) if len(taken) > 1 else [taken[0]] * 3
        ratios = [t / own for t, own in zip(taken, samples.get("attnc", taken))]
        out["engines"][engine] = {"ms": ms, "q1": quartiles[0] * 1e3, "q3": quartiles[2] * 1e3, "over_attnc": statistics.median(ratios),
                                  "of_peak": flops / (ms * 1e-3) / 1e9 / (top * OPTIONS.threads) if flops else None}
    return out


def show(result):
    print(f"{result['case']}  (FMA peak {result['peak_gflops']:.0f} GFLOP/s, reads {result['read_gb_per_s']:.1f} GB/s)")
    for engine, row in result["engines"].items():
        share = f"{row['of_peak'] * 100:5.1f} % of peak" if row["of_peak"] else ""
        print(f"  {engine:17} {row['ms']:9.3f} ms  ({row['q1']:.3f} - {row['q3']:.3f})  {row['over_attnc']:6.2f} x attnc  {share}")
    for engine, note in result["notes"].items():
        print(f"  {engine:17} {note}")
    sys.stdout.flush()


def main():
    chosen = [name for name in CASES if not OPTIONS.cases or any(name.startswith(case) for case in OPTIONS.cases)]
    if not chosen:
        sys.exit(f"no such case; there are {', '.join(CASES)}")
    results = []
    for name in chosen:
        with tempfile.TemporaryDirectory() as folder:
            results.append(measure(name, pathlib.Path(folder)))
        show(results[-1])
        if OPTIONS.json:
            OPTIONS.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
