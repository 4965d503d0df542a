"""attnc-opt with passes left out of a pipeline: python without.py IN.mlir OUT.mlir PHASES… -- PASS…

Asks attnc-opt for the list that the phases are, and runs what is left of it."""
import re
import subprocess
import sys

source, target, *rest = sys.argv[1:]
phases, left_out = rest[:rest.index("--")], rest[rest.index("--") + 1:]
listed = subprocess.run(["attnc-opt", source, *phases, "--dump-pass-pipeline", "-o", "/dev/null"], check=True, capture_output=True, text=True).stderr
pipeline = re.sub(r"\s+", "", listed[listed.index("builtin.module("):].replace("{  ", "{").replace(" ", ";")).replace(";", " ")
for name in left_out:
    assert re.search(rf"\b{name}\b", pipeline), f"no {name} in {pipeline}"
    pipeline = re.sub(rf"func\.func\( *{name} *\) *,|\b{name}\b *,", "", pipeline)
subprocess.run(["attnc-opt", source, f"--pass-pipeline={pipeline}", "-o", target], check=True)
