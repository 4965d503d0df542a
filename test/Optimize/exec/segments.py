"""loop.segment through the compiled pipeline against its definition: states kept or updated by a partial last block, lengths that
divide and do not, shorter than a block, no rows; two inputs and two outputs, along the first dimension and the second."""
import numpy as np

from package import Package, compare

SIZE = 4


def entry(partial, along):
    """y = x + s (the state before the block), p = 2 u; s' = s / 2 + the block's sum of x + its number; k counts the blocks."""
    shape = "tensor<?x?x3xf32>"
    dims = '"T", "B"' if along == 0 else '"B", "T"'
    at = "(t, b, c)" if along == 0 else "(b, t, c)"
    named = lambda what, type, sizes: f'{type} {{attnc.name = "{what}"' + (f", attnc.dims = [{sizes}]" if sizes else "") + "}"
    state, time = "tensor<?x3xf32>", '["reduction", "parallel", "parallel"]' if along == 0 else '["parallel", "reduction", "parallel"]'
    return f"""
func.func @{partial}_{along}(%x: {named("x", shape, dims)}, %u: {named("u", "tensor<?xf32>", '"T"')}, %s0: {named("s0", state, '"B"')})
    -> ({named("y", shape, dims)}, {named("p", "tensor<?xf32>", '"T"')}, {named("s", state, '"B"')}, {named("blocks", "tensor<i32>", "")}) {{
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %two = arith.constant 2.0 : f32
  %half = arith.constant 0.5 : f32
  %zero = arith.constant 0 : i32
  %one = arith.constant 1 : i32
  %y, %p, %s, %k = loop.segment size {SIZE} partial({partial}) number(%n) blocks(%xb = %x along {along} : {shape}, %ub = %u along 0 : tensor<?xf32>)
      carry(%sb = %s0 : {state}, %kb = %zero : i32) -> (along {along} : {shape}, along 0 : tensor<?xf32>) {{
    %n0 = tensor.dim %xb, %c0 : {shape}
    %n1 = tensor.dim %xb, %c1 : {shape}
    %e = tensor.empty(%n0, %n1) : {shape}
    %yb = linalg.generic {{indexing_maps = [affine_map<{at} -> {at}>, affine_map<{at} -> (b, c)>, affine_map<{at} -> {at}>], iterator_types = ["parallel", "parallel", "parallel"]}}
        ins(%xb, %sb : {shape}, {state}) outs(%e : {shape}) {{
    ^bb0(%a: f32, %b: f32, %out: f32):
      %r = arith.addf %a, %b : f32
      linalg.yield %r : f32
    }} -> {shape}
    %nt = tensor.dim %ub, %c0 : tensor<?xf32>
    %et = tensor.empty(%nt) : tensor<?xf32>
    %pb = linalg.generic {{indexing_maps = [affine_map<(t) -> (t)>, affine_map<(t) -> (t)>], iterator_types = ["parallel"]}} ins(%ub : tensor<?xf32>) outs(%et : tensor<?xf32>) {{
    ^bb0(%a: f32, %out: f32):
      %r = arith.mulf %a, %two : f32
      linalg.yield %r : f32
    }} -> tensor<?xf32>
    %ni = arith.index_cast %n : index to i32
    %nf = arith.sitofp %ni : i32 to f32
    %nb = tensor.dim %sb, %c0 : {state}
    %es = tensor.empty(%nb) : {state}
    %start = linalg.generic {{indexing_maps = [affine_map<(b, c) -> (b, c)>, affine_map<(b, c) -> (b, c)>], iterator_types = ["parallel", "parallel"]}} ins(%sb : {state}) outs(%es : {state}) {{
    ^bb0(%a: f32, %out: f32):
      %h = arith.mulf %a, %half : f32
      %r = arith.addf %h, %nf : f32
      linalg.yield %r : f32
    }} -> {state}
    %next = linalg.generic {{indexing_maps = [affine_map<{at} -> {at}>, affine_map<{at} -> (b, c)>], iterator_types = {time}}} ins(%xb : {shape}) outs(%start : {state}) {{
    ^bb0(%a: f32, %sum: f32):
      %r = arith.addf %sum, %a : f32
      linalg.yield %r : f32
    }} -> {state}
    %kn = arith.addi %kb, %one : i32
    loop.yield %yb, %pb, %next, %kn : {shape}, tensor<?xf32>, {state}, i32
  }}
  %blocks = tensor.from_elements %k : tensor<i32>
  return %y, %p, %s, %blocks : {shape}, tensor<?xf32>, {state}, tensor<i32>
}}
"""


def define(partial, along, x, u, s0):
    """x [B, T, 3] or [T, B, 3]."""
    x = x.astype(np.float64) if along == 1 else x.astype(np.float64).swapaxes(0, 1)
    y, s, blocks = np.zeros_like(x), s0.astype(np.float64), 0
    for n, start in enumerate(range(0, x.shape[1], SIZE)):
        block = x[:, start:start + SIZE]
        y[:, start:start + SIZE] = block + s[:, None]
        if block.shape[1] == SIZE or partial == "update":
            s, blocks = s / 2 + n + block.sum(1), blocks + 1
    return {"y": y if along == 1 else y.swapaxes(0, 1), "p": 2.0 * u, "s": s, "blocks": np.int32(blocks)}


def main():
    package = Package("\n".join(entry(partial, along) for partial in ("keep", "update") for along in (0, 1)))
    rng, number = np.random.RandomState(7), 0
    for partial in ("keep", "update"):
        for along in (0, 1):
            for B in (1, 3, 0):
                for T in (0, 1, 3, 4, 5, 8, 11):
                    x = rng.standard_normal((B, T, 3) if along == 1 else (T, B, 3)).astype(np.float32)
                    given = {"x": x, "u": rng.standard_normal(T).astype(np.float32), "s0": rng.standard_normal((B, 3)).astype(np.float32)}
                    got = package(f"{partial}_{along}", **given)
                    compare(f"{partial} {along} {B} {T}", got, define(partial, along, **given))
                    number += 1
    print(f"{number} cases: passed")


if __name__ == "__main__":
    main()
