"""Writes c09_global.mlir: python generate_c09_global.py > c09_global.mlir"""
from c09_global import CONFIG
from c_text import LENGTHS, VALID, attend, entry, header, load, region

H, D, d = CONFIG["heads"], CONFIG["head_width"], CONFIG["d"]
ROWS = 3 * H * D
INPUTS = LENGTHS + ', %marks: tensor<?x?xi32> {attnc.name = "marks", attnc.dims = ["B", "T"]}'
NEAR = f"""
%window = arith.constant {CONFIG['window']} : index
%back = arith.subi %i, %j : index
%ahead = arith.subi %j, %i : index
%distance = arith.maxsi %back, %ahead : index
%near = arith.cmpi slt, %distance, %window : index
%none = arith.constant 0 : i32
%marked = arith.cmpi ne, %mark, %none : i32
%shown = arith.ori %near, %marked : i1
"""
GLOBAL = f"""  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %no = arith.constant 0 : i32
  %b = tensor.dim %x, %c0 : !x
  %t = tensor.dim %x, %c1 : !x
  %ge = tensor.empty(%b, %t) : tensor<?x?x{ROWS}xf32>
  %g0 = linalg.fill ins(%zero : f32) outs(%ge : tensor<?x?x{ROWS}xf32>) -> tensor<?x?x{ROWS}xf32>
  %g1 = linalg.contract indexing_maps = [affine_map<(b, t, n, k) -> (b, t, k)>, affine_map<(b, t, n, k) -> (n, k)>, affine_map<(b, t, n, k) -> (b, t, n)>]
      ins(%x, %w : !x, tensor<{ROWS}x{d}xf32>) outs(%g0 : tensor<?x?x{ROWS}xf32>) -> tensor<?x?x{ROWS}xf32>
  %g = tensor.expand_shape %g1 [[0], [1], [2, 3, 4]] output_shape [%b, %t, 3, {H}, {D}] : tensor<?x?x{ROWS}xf32> into !qkv
"""
CHOOSE = """  %heads = linalg.generic {indexing_maps = [affine_map<(b, t, h, v) -> (b, t)>, affine_map<(b, t, h, v) -> (b, t, h, v)>, affine_map<(b, t, h, v) -> (b, t, h, v)>,
      affine_map<(b, t, h, v) -> (b, t, h, v)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%marks, %whole, %local : tensor<?x?xi32>, !heads, !heads) outs(%e : !heads) {
  ^bb0(%mark: i32, %u: f32, %v: f32, %o: f32):
    %marked = arith.cmpi ne, %mark, %no : i32
    %y = arith.select %marked, %u, %v : f32
    linalg.yield %y : f32
  } -> !heads
"""

print(header(CONFIG, "a window, and global tokens (models.md C9).", {"attention.global.weight": [ROWS, d]})
      + entry("main", "Tokens with a mark see all through a projection of their own.", load("%w", "attention.global.weight", [ROWS, d]) + GLOBAL
              + attend(CONFIG, "%local", captures="%marks[b, j] : tensor<?x?xi32>", regions=region("mask", ["%mark"], NEAR, "%shown", "i1"))
              + attend(CONFIG, "%whole", query="%g[b, i, 0, g, d] : !qkv", key="%g[b, j, 1, g, d]", value="%g[b, j, 2, g, v]") + CHOOSE, INPUTS), end="")
