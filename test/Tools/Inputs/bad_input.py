"""bad_input.py FOLDER INPUTS: every mistake is one sentence that names it, the right exit code, and no file left.

A case is a command line, the exit code (1: bad input, 2: a wrong command line) and a part of the sentence. Behind a
diagnostic with a line of the model the line and a caret may follow. Nothing may be on standard output, and the folder
must hold what it held before.
"""
import json
import os
import pathlib
import resource
import shutil
import signal
import struct
import subprocess
import sys

import numpy as np

folder, inputs = (pathlib.Path(argument).resolve() for argument in sys.argv[1:3])
shutil.rmtree(folder, ignore_errors=True)
folder.mkdir(parents=True)
os.chdir(folder)
failures = []
cases = 0


def safetensors(path, tensors):
    header, data = {}, b""
    for name, t in tensors.items():
        dtype = {"float32": "F32", "int32": "I32"}[t.dtype.name]
        header[name] = {"dtype": dtype, "shape": list(t.shape), "data_offsets": [len(data), len(data) + t.nbytes]}
        data += t.tobytes()
    head = json.dumps(header).encode()
    pathlib.Path(path).write_bytes(struct.pack("<Q", len(head)) + head + data)


def one_sentence(text):
    lines = text.splitlines()
    if len(lines) == 3 and lines[2].strip() == "^" and ".mlir:" in lines[0]:
        return True
    return len(lines) == 1 and len(lines[0]) < 500


def bad(code, sentence, *command, **options):
    global cases
    cases += 1
    before = sorted(os.listdir("."))
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", **options)
    problems = []
    if done.returncode != code:
        problems.append(f"exit code {done.returncode}, expected {code}")
    if sentence not in done.stderr:
        problems.append(f"expected \"{sentence}\"")
    if not one_sentence(done.stderr):
        problems.append("not one sentence")
    if done.stdout:
        problems.append(f"on standard output: {done.stdout[:80]!r}")
    if sorted(os.listdir(".")) != before:
        problems.append(f"left {sorted(set(os.listdir('.')) - set(before))}")
    if problems:
        failures.append(f"{' '.join(command)}\n  {'; '.join(problems)}\n  {done.stderr}")


def small_files():
    """A child whose files end at 60,000 bytes: writing the rest fails, as on a full disk."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60000, 60000))


def function(body, inner='(%x: tensor<4xf32> {attnc.name = "x"}) -> (tensor<4xf32> {attnc.name = "y"})'):
    return f"func.func @main{inner} {{\n{body}\n  return %y : tensor<4xf32>\n}}\n"


def write_inputs():
    shutil.copy(inputs / "linear.mlir", "linear.mlir")
    shutil.copy(inputs / "embed.mlir", "embed.mlir")
    texts = {
        "misspelt.mlir": function("  %y = attn.atention %x : tensor<4xf32>"),
        "foreign.mlir": function('  %y = "torch.relu"(%x) : (tensor<4xf32>) -> tensor<4xf32>'),
        "upstream.mlir": function("  %y = tosa.exp %x : (tensor<4xf32>) -> tensor<4xf32>"),
        "complex.mlir": 'func.func @main(%x: tensor<4xcomplex<f32>> {attnc.name = "x"}) -> (tensor<4xcomplex<f32>> '
                        '{attnc.name = "y"}) {\n  return %x : tensor<4xcomplex<f32>>\n}\n',
        "prose.mlir": "a model\n",
        "empty.mlir": "",
        "private.mlir": "func.func private @main() {\n  return\n}\n",
    }
    for name, text in texts.items():
        pathlib.Path(name).write_text(text)
    pathlib.Path("binary.mlir").write_bytes(bytes(range(128, 256)))
    w = np.arange(128, dtype=np.float32).reshape(16, 8)
    safetensors("w.safetensors", {"w": w})
    safetensors("short.safetensors", {"w": w[:15]})
    safetensors("integers.safetensors", {"w": w.astype(np.int32)})
    safetensors("other.safetensors", {"v": w})
    place = {"file": "w.safetensors", "dtype": "F32", "shape": [16, 8], "offset": 4096}
    indices = {"shards": {"weight_map": {"v": "w.safetensors"}}, "files": {"weight_map": {"w": 1}}, "empty": {}, "odd": {"tensors": {"w": {}}},
               "outside": {"tensors": {"w": place}}, "kind": {"tensors": {"w": place | {"dtype": "F33"}}}, "sizes": {"tensors": {"w": place | {"shape": [-1]}}}}
    for name, index in indices.items():
        pathlib.Path(f"{name}.json").write_text(json.dumps(index))
    pathlib.Path("cut.safetensors").write_bytes(pathlib.Path("w.safetensors").read_bytes()[:-1])
    subprocess.run(["attnc", "compile", "linear.mlir", "--weights=w.safetensors", "-o", "linear.attnpkg"], check=True)
    subprocess.run(["attnc", "compile", "linear.mlir", "--weights=external", "-o", "external.attnpkg"], check=True)
    subprocess.run(["attnc", "compile", "linear.mlir", "--weights=external", "--target=cpu:avx512", "-o", "avx512.attnpkg"],
                   check=True)
    subprocess.run(["attnc", "compile", "embed.mlir", "--weights=w.safetensors", "-o", "embed.attnpkg"], check=True)
    np.save("x.npy", np.ones((3, 8), np.float32))
    np.save("x7.npy", np.ones((3, 7), np.float32))
    np.save("vector.npy", np.ones(8, np.float32))
    np.save("floats.npy", np.ones(3, np.float32))
    np.save("large.npy", np.ones((2000, 8), np.float32))
    np.savez("named.npz", x=np.ones((3, 8), np.float32), z=np.ones(1, np.float32))
    pathlib.Path("cut.npy").write_bytes(pathlib.Path("x.npy").read_bytes()[:-4])
    safetensors("state.safetensors", {"sum": np.ones(7, np.float32)})
    safetensors("states.safetensors", {"total": np.ones(8, np.float32)})


def compile_cases():
    def compile(sentence, model, *options, code=1, **more):
        weights = [] if any("weights" in option for option in options) else ["--weights=external"]
        bad(code, sentence, "attnc", "compile", model, *weights, *options, "-o", "out.attnpkg", **more)

    compile("custom op 'attn.atention' is unknown", "misspelt.mlir")
    compile("unknown op 'torch.relu': expected an op of a dialect that attnc or a plugin registers", "foreign.mlir")
    compile("expected an op of func, linalg, tensor, arith, math, scf, affine, index, ml_program, attn, loop, found tosa.exp"
            ": lower it before, or with --insert=import:PIPELINE", "upstream.mlir")
    compile("expected input 'x' to be of f64, f32, f16, bf16, i64, i32, i16, i8 or i1, got", "complex.mlir")
    compile("prose.mlir:1:1: error: custom op 'a' is unknown", "prose.mlir")
    compile("'binary.mlir' is not a model: expected MLIR, as text or bytecode", "binary.mlir")
    compile("'linear.attnpkg' is not a model", "linear.attnpkg")
    compile("'empty.mlir' has no entry: expected a public function with a body", "empty.mlir")
    compile("'private.mlir' has no entry", "private.mlir")
    compile("attnc: cannot open input file 'none.mlir': No such file or directory", "none.mlir")
    compile("attnc: cannot open input file '.': Is a directory", ".")
    compile("attnc: weights 'short.safetensors': expected 'w' of shape [16, 8], found [15, 8]", "linear.mlir", "--weights=short.safetensors")
    compile("attnc: weights 'integers.safetensors': expected 'w' of dtype f32, found i32", "linear.mlir", "--weights=integers.safetensors")
    compile("attnc: weights 'other.safetensors': tensor 'w' is missing", "linear.mlir", "--weights=other.safetensors")
    compile("attnc: shards.json: tensor 'v' is not in 'w.safetensors', where the index has it", "linear.mlir", "--weights=shards.json")
    compile("attnc: outside.json: tensor 'w': it lies outside its file (512 bytes at 4096 of", "linear.mlir", "--weights=outside.json")
    compile("attnc: odd.json: not an index of weights: tensor 'w' is not described by file, offset, dtype and shape", "linear.mlir", "--weights=odd.json")
    compile("attnc: kind.json: tensor 'w': not an index of weights: its dtype, shape or offset is none", "linear.mlir", "--weights=kind.json")
    compile("attnc: sizes.json: tensor 'w': not an index of weights: it has a size that is no size", "linear.mlir", "--weights=sizes.json")
    compile("attnc: files.json: not an index of weights: its weight_map is not all names of files", "linear.mlir", "--weights=files.json")
    compile("attnc: empty.json: not an index of weights: it has neither weight_map nor tensors", "linear.mlir", "--weights=empty.json")
    compile("attnc: cut.safetensors: not a valid .safetensors file", "linear.mlir", "--weights=cut.safetensors")
    compile("attnc: cannot open 'none.safetensors': no such file or directory", "linear.mlir", "--weights=none.safetensors")
    compile("attnc: the model reads weights ('w' first, 1 in all): give --weights FILE.safetensors, or --weights=external", "linear.mlir", "--weights=")
    compile("attnc: unknown target 'tpu': expected cpu, or one level of it: cpu:avx2, cpu:avx512", "linear.mlir", "--target=tpu")
    compile("attnc: unknown target 'cpu:sse'", "linear.mlir", "--target=cpu:sse")
    compile("attnc: cannot make a temporary folder: No such file or directory", "linear.mlir",
            env={**os.environ, "TMPDIR": "/none"})
    compile("attnc: a package can be made from phase plan or earlier, not from lower", "linear.mlir", "--start-from=lower")
    compile("attnc: cannot make the folder '/dev/null/dump': ", "linear.mlir", "--dump-phases=/dev/null/dump")
    compile("attnc: cannot parse the pipeline 'nothing' given for phase import: 'nothing' does not refer to a registered pass or pass pipeline",
            "linear.mlir", "--insert=import:nothing")
    compile("attnc: cannot load the plugin: Could not load library './none.so'", "linear.mlir", "--load-pass-plugin=./none.so")
    compile("attnc: --insert: expected PHASE:PIPELINE, found 'import'", "linear.mlir", "--insert=import", code=2)
    compile("attnc: --insert: phase codegen is no list of passes", "linear.mlir", "--insert=codegen:cse", code=2)
    compile("attnc: --insert: no phase 'paint'; the phases are import, ", "linear.mlir", "--insert=paint:cse", code=2)
    compile("attnc: --stop-after: no phase 'paint'; the phases are import, raise, optimize, schedule, plan, lower, codegen, package",
            "linear.mlir", "--stop-after=paint", code=2)
    compile("attnc: --stop-after: there is no module behind phase codegen", "linear.mlir", "--stop-after=codegen", code=2)
    # Output that cannot be written.
    for place, why in {"none/out": "no such file or directory", "/dev/null/out": "not a directory", "..": "is a directory",
                       "/dev/null": "not a regular file"}.items():
        bad(1, f"attnc: cannot write '{place}': {why}", "attnc", "compile", "linear.mlir", "--weights=external", "-o", place)
    bad(1, "attnc: cannot open output file 'none/out'", "attnc", "compile", "linear.mlir", "--stop-after=import", "-o", "none/out")
    # Wrong lines.
    bad(2, "attnc: expected a command: compile", "attnc")
    bad(2, "attnc: Unknown subcommand 'complie'", "attnc", "complie")
    bad(2, "attnc: compile: expected a model, MODEL.mlir", "attnc", "compile")


def damage(name, change):
    package = bytearray(pathlib.Path("linear.attnpkg").read_bytes())
    pathlib.Path(name).write_bytes(change(package))


def flipped(package, at):
    package[at] ^= 16
    return package


def run_cases():
    def run(sentence, *options, code=1, package="linear.attnpkg", **more):
        bad(code, sentence, "attnc-run", package, *options, "--outputs", "out.npz", **more)

    give = ("--input", "x=@x.npy")
    run("attnc-run: input 'x' of 'main' (f32 [T, 8]) is missing")
    run("attnc-run: --input: 'main' has no input 'X' (it has 'x')", "--input", "X=@x.npy")
    run("attnc-run: expected input 'x' of shape [T, 8], found [3, 7]", "--input", "x=@x7.npy")
    run("attnc-run: expected input 'x' of shape [T, 8], found [8]", "--input", "x=@vector.npy")
    run("attnc-run: expected input 'tokens' of dtype i32, found f32", "--input", "tokens=@floats.npy", package="embed.attnpkg")
    run("attnc-run: input 'x': 'one' is not a list of f32 values", "--input", "x=one")
    run("attnc-run: input 'x': '1,2;3' has rows of different lengths", "--input", "x=1,2;3")
    run("attnc-run: input 'tokens': '99999999999' value 99999999999 does not fit i32", "--input", "tokens=99999999999", package="embed.attnpkg")
    run("attnc-run: named.npz: 'main' has no input 'z' (it has 'x')", "--inputs", "named.npz")
    run("'named.npz' has no tensor 'a.x'", "--inputs", "named.npz", "--prefix", "a.")
    run("attnc-run: cannot open 'none.npy': no such file or directory", "--input", "x=@none.npy")
    run("attnc-run: cut.npy: not a valid .npy file", "--input", "x=@cut.npy")
    run("attnc-run: 'linear.attnpkg' has no entry 'train' (it has 'main')", *give, "--entry", "train")
    run("attnc-run: --output: 'main' has no output 'z' (it has 'y')", *give, "--output", "z=@z.npy")
    run("attnc-run: cannot open 'none.attnpkg': no such file or directory", *give, package="none.attnpkg")
    run("attnc-run: linear.mlir: not a package", *give, package="linear.mlir")
    # Weights.
    run("attnc-run: external.attnpkg: the package was compiled with --weights=external: give --weights FILE", *give, package="external.attnpkg")
    run("attnc-run: external.attnpkg: weights 'other.safetensors': tensor 'w' is missing", *give, "--weights=other.safetensors", package="external.attnpkg")
    run("attnc-run: external.attnpkg: weights 'short.safetensors': expected 'w' of shape [16, 8], found [15, 8]", *give,
        "--weights=short.safetensors", package="external.attnpkg")
    run("attnc-run: external.attnpkg: weights 'integers.safetensors': expected 'w' of dtype f32, found i32", *give,
        "--weights=integers.safetensors", package="external.attnpkg")
    run("attnc-run: linear.attnpkg: the package holds its weights and takes none from 'w.safetensors'", *give, "--weights=w.safetensors")
    # States.
    run("expected state 'sum' of shape [8], found [7]", "--input", "tokens=1", "--state-in=state.safetensors", package="embed.attnpkg")
    run("'sum'", "--input", "tokens=1", "--state-in=states.safetensors", package="embed.attnpkg")
    run("attnc-run: the package has no capacity 'N' (it has none)", *give, "--capacity", "N=3")
    # CPUs.
    run("attnc-run: linear.attnpkg: the package has no code for CPU level 'sse' (it has avx2, avx512)", *give, "--cpu-level=sse")
    run("attnc-run: avx512.attnpkg: this CPU cannot run the package: level avx512 needs avx512f, avx512bw, avx512cd, avx512dq, avx512vl, "
        "which it lacks (the CPU's own level is avx2)", *give, "--weights=w.safetensors", package="avx512.attnpkg",
        env={**os.environ, "ATTNC_MAX_CPU_LEVEL": "avx2"})
    run("attnc-run: linear.attnpkg: ATTNC_MAX_CPU_LEVEL is 'sse', expected baseline, avx2 or avx512", *give,
        env={**os.environ, "ATTNC_MAX_CPU_LEVEL": "sse"})
    # Output that cannot be written: known before the run, or in the middle of it.
    run("attnc-run: cannot write 'none/y.npy': no such file or directory", *give, "--output", "y=@none/y.npy")
    run("attnc-run: cannot write '/dev/null/s': not a directory", *give, "--state-out", "/dev/null/s")
    run("attnc-run: cannot write 'out.npz': file too large", "--input", "x=@large.npy", preexec_fn=small_files)
    bad(1, "attnc-run: expected a name ending in .npz or .safetensors, found 'out.txt'", "attnc-run", "linear.attnpkg", *give, "--outputs", "out.txt")
    # Damage.
    size = os.path.getsize("linear.attnpkg")
    for at in (0, 1, 100, size // 2, size - 1):
        damage("damaged.attnpkg", lambda package: package[:at])
        run("attnc-run: damaged.attnpkg: ", *give, package="damaged.attnpkg")
    damage("damaged.attnpkg", lambda package: flipped(package, package.index(b"\x7fELF") + 200))
    run("attnc-run: damaged.attnpkg: damaged or truncated package: the digest of code/avx2.so differs", *give, "--cpu-level=avx2", package="damaged.attnpkg")
    damage("damaged.attnpkg", lambda package: flipped(package, package.index(b'"producer"') + 2))
    run("attnc-run: damaged.attnpkg: damaged or truncated package: the digest of manifest.json differs", *give, package="damaged.attnpkg")
    # Wrong lines.
    run("attnc-run: PACKAGE is required", code=2, package="--entry=main")
    run("attnc-run: The following argument was not expected: --inptu", "--inptu", code=2)
    run("attnc-run: --capacity expects NAME=N with N at least 1, found 'N=0'", "--capacity", "N=0", code=2)
    run("attnc-run: --input expects NAME=VALUE, found 'x'", "--input", "x", code=2)
    run("attnc-run: --threads", "--threads", "0", code=2)


def inspect_cases():
    damage("damaged.attnpkg", lambda package: flipped(package, package.index(b"\x7fELF") + 200))
    bad(1, "attnc inspect: damaged.attnpkg: damaged or truncated package: the digest of code/avx", "attnc", "inspect", "--verify", "damaged.attnpkg")
    weights = np.arange(128, dtype="<f4").reshape(16, 8).T.tobytes()  # a panel of 16 columns
    damage("damaged.attnpkg", lambda package: flipped(package, package.index(weights) + 5))
    bad(1, "attnc inspect: damaged.attnpkg: damaged or truncated package: the digest of weights.bin differs", "attnc", "inspect", "--verify", "damaged.attnpkg")
    bad(1, "attnc inspect: linear.mlir: not a package", "attnc", "inspect", "linear.mlir")
    bad(2, "attnc inspect: --at expects NAME=N, found 'T'", "attnc", "inspect", "linear.attnpkg", "--at", "T")
    bad(2, "attnc inspect: PACKAGE is required", "attnc", "inspect")


write_inputs()
compile_cases()
run_cases()
inspect_cases()
print("\n".join(failures))
print(f"{cases - len(failures)} passed, {len(failures)} failed")
sys.exit(bool(failures))
