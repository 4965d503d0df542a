"""Writes c23_qk_norm.mlir: python generate_c23_qk_norm.py > c23_qk_norm.mlir"""
from c23_qk_norm import CONFIG
from c_text import attend, entry, header, load, region

D, H = CONFIG["head_width"], CONFIG["heads"]
CAUSAL = "%shown = arith.cmpi sle, %j, %i : index"
SIZES = """  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : !x
  %t = tensor.dim %x, %c1 : !x
"""


def part(result, n):
    """Queries (0) or keys (1) out of the projection."""
    return f"  {result} = tensor.extract_slice %p[0, 0, {n}, 0, 0] [%b, %t, 1, {H}, {D}] [1, 1, 1, 1, 1] : !qkv to !heads\n"


def rms(result, of, name):
    return load(result + "_w", f"attention.{name}_norm.weight", [D]) + f"  {result} = attn.rms_norm {of} weight({result}_w : tensor<{D}xf32>) eps({CONFIG['norm_eps']:.1e}) : !heads\n"


def l2(result, of):
    """x / (‖x‖ + ε)."""
    full, row = "affine_map<(b, t, h, d) -> (b, t, h, d)>", "affine_map<(b, t, h, d) -> (b, t, h)>"
    return f"""  {result}_e = tensor.empty(%b, %t) : tensor<?x?x{H}xf32>
  {result}_0 = linalg.fill ins(%zero : f32) outs({result}_e : tensor<?x?x{H}xf32>) -> tensor<?x?x{H}xf32>
  {result}_n = linalg.generic {{indexing_maps = [{full}, {row}], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}}
      ins({of} : !heads) outs({result}_0 : tensor<?x?x{H}xf32>) {{
  ^bb0(%u: f32, %sum: f32):
    %square = arith.mulf %u, %u : f32
    %more = arith.addf %square, %sum : f32
    linalg.yield %more : f32
  }} -> tensor<?x?x{H}xf32>
  {result} = linalg.generic {{indexing_maps = [{full}, {row}, {full}], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}}
      ins({of}, {result}_n : !heads, tensor<?x?x{H}xf32>) outs(%e : !heads) {{
  ^bb0(%u: f32, %sum: f32, %o: f32):
    %norm = math.sqrt %sum : f32
    %below = arith.addf %norm, %eps : f32
    %v = arith.divf %u, %below : f32
    linalg.yield %v : f32
  }} -> !heads
"""


def heads(**more):
    return attend(CONFIG, query="%qn[b, i, g, d] : !heads", key="%kn[b, j, g, d]", source="!heads, !qkv", **more)


print(header(CONFIG, "queries and keys normalised per head (models.md C23).",
             {"attention.q_norm.weight": [D], "attention.k_norm.weight": [D], "attention.temperature": [H]})
      + entry("main", "RMS norm.", SIZES + part("%q", 0) + part("%k", 1) + rms("%qn", "%q", "q") + rms("%kn", "%k", "k")
              + heads(regions=region("mask", [], CAUSAL, "%shown", "i1")))
      + entry("main_l2", "Length 1, and a temperature a head.",
              SIZES + part("%q", 0) + part("%k", 1) + f"  %zero = arith.constant 0.0 : f32\n  %eps = arith.constant {CONFIG['l2_eps']:.1e} : f32\n" + l2("%qn", "%q") + l2("%kn", "%k")
              + load("%tau", "attention.temperature", [H])
              + heads(scale=1.0, captures=f"%tau[g] : tensor<{H}xf32>",
                      regions=region("score", ["%tau_h"], "%scaled = arith.mulf %s, %tau_h : f32", "%scaled", "f32") + region("mask", ["%tau_h"], CAUSAL, "%shown", "i1"))), end="")
