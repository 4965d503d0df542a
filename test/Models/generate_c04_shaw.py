"""Writes c04_shaw.mlir: python generate_c04_shaw.py > c04_shaw.mlir

q·(k + a_r) is q·k plus an entry of a table q a; Σ_j p_ij e_r is an attention whose values depend on the query: g is the query's position
there, r its head, and its values are the rows of the table laid out by (i, j)."""
from c04_shaw import CONFIG
from c_text import VALID, attend, entry, header, load, region

H, D, K = CONFIG["heads"], CONFIG["head_width"], CONFIG["clip"]
ROWS, SCALE = 2 * K + 1, D ** -0.5


def row(i, j):
    """clip(j - i, -K, K) + K as %row."""
    return f"""
%k = arith.constant {K} : index
%minus = arith.constant {-K} : index
%ahead = arith.subi {j}, {i} : index
%below = arith.maxsi %ahead, %minus : index
%clipped = arith.minsi %below, %k : index
%row = arith.addi %clipped, %k : index
"""


TABLES = f"""  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %b = tensor.dim %x, %c0 : !x
  %t = tensor.dim %x, %c1 : !x
  %q = tensor.extract_slice %p[0, 0, 0, 0, 0] [%b, %t, 1, {H}, {D}] [1, 1, 1, 1, 1] : !qkv to !heads
  %qe = tensor.empty(%b, %t) : tensor<?x?x{H}x{ROWS}xf32>
  %q0 = linalg.fill ins(%zero : f32) outs(%qe : tensor<?x?x{H}x{ROWS}xf32>) -> tensor<?x?x{H}x{ROWS}xf32>
  %qa = linalg.contract indexing_maps = [affine_map<(b, t, h, r, d) -> (b, t, h, d)>, affine_map<(b, t, h, r, d) -> (r, d)>, affine_map<(b, t, h, r, d) -> (b, t, h, r)>]
      ins(%q, %a : !heads, tensor<{ROWS}x{D}xf32>) outs(%q0 : tensor<?x?x{H}x{ROWS}xf32>) -> tensor<?x?x{H}x{ROWS}xf32>
  %le = tensor.empty(%t, %t) : tensor<?x?x{D}xf32>
  %laid = linalg.generic {{indexing_maps = [affine_map<(i, j, d) -> (i, j, d)>], iterator_types = ["parallel", "parallel", "parallel"]}} outs(%le : tensor<?x?x{D}xf32>) {{
  ^bb0(%o: f32):
    %i = linalg.index 0 : index
    %j = linalg.index 1 : index
    %d = linalg.index 2 : index
{row("%i", "%j").strip()}
    %u = tensor.extract %v[%row, %d] : tensor<{ROWS}x{D}xf32>
    linalg.yield %u : f32
  }} -> tensor<?x?x{D}xf32>
"""


def regions(query, head):
    """The score and mask; `query` and `head` are lines that give %at and %head."""
    score = query + head + row("%at", "%j") + f"""
%more = tensor.extract %table[%b, %at, %head, %row] : tensor<?x?x{H}x{ROWS}xf32>
%width = arith.constant {D}.0 : f32
%root = math.sqrt %width : f32
%scaled = arith.divf %more, %root : f32
%y = arith.addf %s, %scaled : f32
"""
    return region("score", ["%table"], score, "%y", "f32") + region("mask", ["%table"], query + "%shown = arith.cmpi sle, %j, %at : index", "%shown", "i1")


NUMBER = f"%heads_n = arith.constant {H} : index\n"
PLAIN = regions("%none = arith.constant 0 : index\n%at = arith.addi %i, %none : index\n", "%head = arith.addi %h, %none : index\n")
BY_QUERY = regions(NUMBER + "%at = arith.divui %h, %heads_n : index\n", "%head = arith.remui %h, %heads_n : index\n")
CAPTURE = f"%qa : tensor<?x?x{H}x{ROWS}xf32>"

print(header(CONFIG, "relative positions as vectors added to keys and values (models.md C4).", {"attention.key_table": [ROWS, D], "attention.value_table": [ROWS, D]})
      + entry("main", "Both tables.", load("%a", "attention.key_table", [ROWS, D]) + load("%v", "attention.value_table", [ROWS, D]) + TABLES
              + attend(CONFIG, "%first", captures=CAPTURE, regions=PLAIN)
              + f"""  %second = attn.attention softmax scale({SCALE!r})
      query %p[b, g, 0, r, d] : !qkv
      source %p[b, j, 1, r, d], %laid[g, j, v] : !qkv, tensor<?x?x{D}xf32>{VALID}
      captures {CAPTURE}
      into %e[b, g, r, v] : !heads
{BY_QUERY}  %heads = linalg.add ins(%first, %second : !heads, !heads) outs(%e : !heads) -> !heads
"""), end="")
