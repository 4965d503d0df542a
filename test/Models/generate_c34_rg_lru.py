"""Writes c34_rg_lru.mlir: python generate_c34_rg_lru.py > c34_rg_lru.mlir

The recurrence is a linear scan of d heads of one key and one value, key and query 1."""
from c34_rg_lru import CONFIG
from c_text import load, tensor_of
from recurrent_text import each, entry, header, linear, rows, sigmoid, softplus

d = CONFIG["d"]
X, ONE, H = rows(d), rows(d, 1), tensor_of(["?", d])
WEIGHTS = {"recurrence.weight": [d, d], "recurrence.bias": [d], "input.weight": [d, d], "input.bias": [d], "lambda": [d], "out.weight": [d, d]}
FLAT = "b, t, c"

LOG = "%z = arith.addf %u0, %u1 : f32\n" + sigmoid("r", "%z") + softplus("s", "%u2") + """
%minus = arith.constant -8.0 : f32
%half = arith.mulf %minus, %r : f32
%log = arith.mulf %half, %s : f32
"""
body = (linear("%rx", "recurrence.weight", "%x", d, d) + linear("%ix", "input.weight", "%x", d, d)
        + load("%rb", "recurrence.bias", [d]) + load("%ib", "input.bias", [d]) + load("%lambda", "lambda", [d])
        + each("%logs", FLAT, [("%rx", X, FLAT), ("%rb", tensor_of([d]), "c"), ("%lambda", tensor_of([d]), "c")], X, LOG, "%log")
        + each("%decay", FLAT, [("%logs", X, FLAT)], X, "%a = math.exp %u0 : f32", "%a")
        + each("%vs", FLAT, [("%logs", X, FLAT), ("%ix", X, FLAT), ("%ib", tensor_of([d]), "c"), ("%x", X, FLAT)], X,
               "%z = arith.addf %u1, %u2 : f32\n" + sigmoid("g", "%z") + """
%twice = arith.addf %u0, %u0 : f32
%less = math.expm1 %twice : f32
%rest = arith.negf %less : f32
%root = math.sqrt %rest : f32
%in = arith.mulf %g, %u3 : f32
%y = arith.mulf %root, %in : f32
""", "%y")
        + f"""  %v1 = tensor.expand_shape %vs [[0], [1], [2, 3]] output_shape [%b, %t, {d}, 1] : {X} into {ONE}
  %oe = tensor.empty(%b, %t) : {ONE}
  %ones = linalg.fill ins(%one : f32) outs(%oe : {ONE}) -> {ONE}
  %s0 = tensor.expand_shape %h0 [[0], [1, 2, 3]] output_shape [%b, {d}, 1, 1] : {H} into {tensor_of(["?", d, 1, 1])}
  %o, %s1 = attn.linear_scan %ones, %ones, %v1 state(%s0) decay(%decay : {X}) : {ONE}, {ONE}, {ONE}, {tensor_of(["?", d, 1, 1])}
  %hs = tensor.collapse_shape %o [[0], [1], [2, 3]] : {ONE} into {X}
  %h1 = tensor.collapse_shape %s1 [[0], [1, 2, 3]] : {tensor_of(["?", d, 1, 1])} into {H}
""" + linear("%y", "out.weight", "%hs", d, d))
print(header("c34_rg_lru", "the real-gated linear recurrent unit of Griffin (models.md C34).", WEIGHTS)
      + entry("main", "√(1 - a²) is √(-expm1(2 log a)).", d, {"h": H}, body, ["%y", "%h1"]), end="")
