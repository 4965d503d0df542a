"""Writes c25_linear.mlir: python generate_c25_linear.py > c25_linear.mlir"""
from c25_linear import CONFIG
from c_text import header

H, D = CONFIG["heads"], CONFIG["head_width"]
WIDE, STATE = f"tensor<?x?x{H}x{D + 1}xf32>", f"tensor<?x{H}x{D}x{D + 1}xf32>"
FULL = "affine_map<(b, t, h, d) -> (b, t, h, d)>"
LOOPS = 'iterator_types = ["parallel", "parallel", "parallel", "parallel"]'


def part(result, n):
    return f"  {result} = tensor.extract_slice %p[0, 0, {n}, 0, 0] [%b, %t, 1, {H}, {D}] [1, 1, 1, 1, 1] : !qkv to !heads\n"


def phi(result, of):
    """elu(u) + 1."""
    return f"""  {result} = linalg.generic {{indexing_maps = [{FULL}, {FULL}], {LOOPS}}} ins({of} : !heads) outs(%e : !heads) {{
  ^bb0(%u: f32, %o: f32):
    %low = arith.minimumf %u, %zero : f32
    %exp = math.exp %low : f32
    %more = arith.addf %u, %one : f32
    %positive = arith.cmpf ogt, %u, %zero : f32
    %phi = arith.select %positive, %more, %exp : f32
    linalg.yield %phi : f32
  }} -> !heads
"""


print(header(CONFIG, "linear attention over a session (models.md C25).") + f"""
// The state sums φ(k) [v; 1]ᵀ: its last column is the denominator's.
func.func @main(%x: !x {{attnc.name = "x", attnc.dims = ["B", "T"]}}, %s: {STATE} {{attnc.state = "s", attnc.dims = ["B"]}})
    -> (!x {{attnc.name = "y", attnc.dims = ["B", "T"]}}, {STATE} {{attnc.state = "s"}}) {{
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %b = tensor.dim %x, %c0 : !x
  %t = tensor.dim %x, %c1 : !x
  %p = func.call @qkv(%x) : (!x) -> !qkv
  %e = func.call @empty(%x) : (!x) -> !heads
{part("%q", 0)}{part("%k", 1)}{part("%v", 2)}{phi("%fq", "%q")}{phi("%fk", "%k")}  %we = tensor.empty(%b, %t) : {WIDE}
  %ones = linalg.fill ins(%one : f32) outs(%we : {WIDE}) -> {WIDE}
  %v1 = tensor.insert_slice %v into %ones[0, 0, 0, 0] [%b, %t, {H}, {D}] [1, 1, 1, 1] : !heads into {WIDE}
  %n, %last = attn.linear_scan %fq, %fk, %v1 state(%s) : !heads, !heads, {WIDE}, {STATE}
  %above = tensor.extract_slice %n[0, 0, 0, 0] [%b, %t, {H}, {D}] [1, 1, 1, 1] : {WIDE} to !heads
  %below = tensor.extract_slice %n[0, 0, 0, {D}] [%b, %t, {H}, 1] [1, 1, 1, 1] : {WIDE} to tensor<?x?x{H}xf32>
  %heads = linalg.generic {{indexing_maps = [{FULL}, affine_map<(b, t, h, d) -> (b, t, h)>, {FULL}], {LOOPS}}}
      ins(%above, %below : !heads, tensor<?x?x{H}xf32>) outs(%e : !heads) {{
  ^bb0(%u: f32, %d: f32, %o: f32):
    %r = arith.divf %u, %d : f32
    linalg.yield %r : f32
  }} -> !heads
  %y = func.call @out(%heads) : (!heads) -> !x
  return %y, %last : !x, {STATE}
}}""")
