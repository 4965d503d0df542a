"""measures.py BUILD [--sizes]: what the runtime weighs, and how long `ut_act` takes to compile and to load.

Prints one line a measure: its name, the figure, the most it may be. Exit code 1 if a figure is beyond. --sizes: no times, which
depend on what else the machine does.
"""
import ctypes
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
LLVM = pathlib.Path("/usr/lib/llvm-22/bin")
ALLOWED = {"libstdc++.so.6", "libm.so.6", "libgcc_s.so.1", "libc.so.6", "ld-linux-x86-64.so.2"}


def needed(path):
    out = subprocess.run([LLVM / "llvm-readelf", "-d", path], capture_output=True, text=True, check=True).stdout
    return {line.split("[")[1].split("]")[0] for line in out.splitlines() if "(NEEDED)" in line}


def stripped_bytes(path, folder):
    target = folder / path.name
    subprocess.run([LLVM / "llvm-strip", "-o", target, path], check=True)
    return target.stat().st_size


def load_milliseconds(build, package, times=50):
    runtime = ctypes.CDLL(str(build / "lib/libattnc_runtime.so"))
    runtime.attnc_last_message.restype = ctypes.c_char_p
    taken = []
    for _ in range(times):
        handle = ctypes.c_void_p()
        begin = time.perf_counter()
        status = runtime.attnc_package_open(str(package).encode(), None, ctypes.byref(handle))
        taken.append((time.perf_counter() - begin) * 1e3)
        if status:
            sys.exit(runtime.attnc_last_message().decode())
        runtime.attnc_package_close(handle)
    return taken


def main(build, folder, times):
    beyond = False

    def measure(name, figure, most, unit):
        nonlocal beyond
        beyond |= figure > most
        print(f"{name:44}{figure:12.1f} {unit:4} at most {most:g}")

    for path in (build / "bin/attnc-run", build / "lib/libattnc_runtime.so"):
        measure(f"{path.name}, stripped", stripped_bytes(path.resolve(), folder) / 1e3, 1000, "kB")
        measure(f"{path.name}, libraries but the C/C++ runtime", len(needed(path) - ALLOWED), 0, "")
    if not times:
        return beyond
    package = folder / "ut_act.attnpkg"
    begin = time.perf_counter()
    subprocess.run([build / "bin/attnc", "compile", ROOT / "test/Models/ut_act.mlir", "--weights",
                    ROOT / "test/Models/trained/ut_act/weights.safetensors", "-o", package], check=True)
    measure("attnc compile ut_act", time.perf_counter() - begin, 5, "s")
    taken = load_milliseconds(build, package)
    measure("load ut_act, median", statistics.median(taken), 50, "ms")
    measure("load ut_act, first", taken[0], 50, "ms")
    return beyond


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(main(pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(folder), "--sizes" not in sys.argv[2:]))
