"""Writes c29_perceiver.mlir: python generate_c29_perceiver.py > c29_perceiver.mlir"""
from c29_perceiver import CONFIG
from c_text import LENGTHS, attend, header, load

N, d, H, D = CONFIG["latents"], CONFIG["d"], CONFIG["heads"], CONFIG["head_width"]
OUT = f"tensor<?x{N}x{d}xf32>"

print(header(CONFIG, "learned latents attend to the input (models.md C29).", {"latents": [N, d]}) + f"""
// The latents' queries have no batch; every sequence shares them.
func.func @main(%x: !x {{attnc.name = "x", attnc.dims = ["B", "T"]}}, {LENGTHS}) -> ({OUT} {{attnc.name = "y", attnc.dims = ["B"]}}) {{
  %c0 = arith.constant 0 : index
  %n = arith.constant {N} : index
  %b = tensor.dim %x, %c0 : !x
  %p = func.call @qkv(%x) : (!x) -> !qkv
{load("%l", "latents", [N, d])}  %one = tensor.expand_shape %l [[0, 1], [2]] output_shape [1, {N}, {d}] : tensor<{N}x{d}xf32> into tensor<1x{N}x{d}xf32>
  %any = tensor.cast %one : tensor<1x{N}x{d}xf32> to !x
  %lp = func.call @qkv(%any) : (!x) -> !qkv
  %lq = tensor.cast %lp : !qkv to tensor<1x{N}x3x{H}x{D}xf32>
  %e = tensor.empty(%b, %n) : !heads
{attend(CONFIG, query=f"%lq[0, i, 0, g, d] : tensor<1x{N}x3x{H}x{D}xf32>")}  %y0 = func.call @out(%heads) : (!heads) -> !x
  %y1 = tensor.cast %y0 : !x to {OUT}
  %oe = tensor.empty(%b) : {OUT}
  %y = linalg.generic {{indexing_maps = [affine_map<(b, n, c) -> (b, n, c)>, affine_map<(b, n, c) -> (n, c)>, affine_map<(b, n, c) -> (b, n, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]}} ins(%y1, %l : {OUT}, tensor<{N}x{d}xf32>) outs(%oe : {OUT}) {{
  ^bb0(%u: f32, %v: f32, %o: f32):
    %w = arith.addf %u, %v : f32
    linalg.yield %w : f32
  }} -> {OUT}
  return %y : {OUT}
}}""")
