"""check_bench.py FILE: what attnc bench --alternate --json wrote of embed.mlir hangs together."""
import json
import sys

result = json.load(open(sys.argv[1]))
assert result["entry"] == "main" and result["sizes"] == {"T": 3}, result
assert result["machine"]["fma_gflops"]["median"] > 1 and result["machine"]["read_gb_per_s"]["median"] > 0.1, result
assert len(result["packages"]) == 2
for package in result["packages"]:
    ms = package["ms"]
    assert package["level"] == "avx2" and package["samples"] == 4, package
    assert 0 < ms["least"] <= ms["q1"] <= ms["median"] <= ms["q3"] <= ms["most"], ms
    assert package["weight_bytes"] == 16 * 8 * 4
    assert package["kernels"] and all(kernel["calls"] == 1 and kernel["ms"] > 0 for kernel in package["kernels"]), package
assert 0.01 < result["ratio"]["median"] < 100
print("two packages in turn, every kernel counted")
