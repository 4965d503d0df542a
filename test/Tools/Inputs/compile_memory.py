"""compile_memory.py PEAK_MEMORY MODEL FOLDER: the memory that compiling takes, of a model whose one weight is a file of 128 MiB without
blocks: at most twice the weights and 500 MB."""
import json
import os
import struct
import subprocess
import sys

peak, model, folder = sys.argv[1:]
SHAPE, SIZE = [8192, 4096], 8192 * 4096 * 4
os.makedirs(folder, exist_ok=True)
weights = f"{folder}/weights.safetensors"
header = json.dumps({"w": {"dtype": "F32", "shape": SHAPE, "data_offsets": [0, SIZE]}}).encode()
with open(weights, "wb") as file:
    file.write(struct.pack("<Q", len(header)) + header)
    file.truncate(8 + len(header) + SIZE)
package = f"{folder}/large.attnpkg"
most = int(subprocess.run([peak, "attnc", "compile", model, "--weights", weights, "-o", package], check=True, stdout=subprocess.PIPE).stdout)
assert os.path.getsize(package) > SIZE
os.remove(package)
print(f"weights {SIZE >> 20} MiB, compiled in {most / 2 ** 20:.0f} MiB")
assert most <= 2 * SIZE + 500e6
