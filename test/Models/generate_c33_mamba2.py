"""Writes c33_mamba2.mlir: python generate_c33_mamba2.py > c33_mamba2.mlir

The recurrence is a linear scan with a decay a step and head: keys B and queries C shared by the heads, values Δ u."""
from c33_mamba2 import CONFIG
from c_text import load, tensor_of
from recurrent_text import each, entry, header, linear, rows, sigmoid, softplus

d, H, P, N = (CONFIG[k] for k in ("d", "heads", "head_width", "state"))
ALL, INNER = 2 * H * P + 2 * N + H, H * P
WEIGHTS = {"in.weight": [ALL, d], "delta.bias": [H], "a_log": [H], "skip": [H], "norm.weight": [INNER], "out.weight": [d, INNER]}
HP, HN, HH, STATE = rows(H, P), rows(H, N), rows(H), tensor_of(["?", H, N, P])
FOUR, VEC = "b, t, h, p", tensor_of([H])


def part(result, start, width):
    return f"  {result} = tensor.extract_slice %all[0, 0, {start}] [%b, %t, {width}] [1, 1, 1] : {rows(ALL)} to {rows(width)}\n"


def by_head(result, of):
    return f"  {result} = tensor.expand_shape {of} [[0], [1], [2, 3]] output_shape [%b, %t, {H}, {P}] : {rows(INNER)} into {HP}\n"


def shared(result, of):
    return f"  {result}_e = tensor.empty(%b, %t) : {HN}\n  {result} = linalg.broadcast ins({of} : {rows(N)}) outs({result}_e : {HN}) dimensions = [2]\n"


body = (linear("%all", "in.weight", "%x", d, ALL) + part("%z", 0, INNER) + part("%u", INNER, INNER) + part("%bb", 2 * INNER, N) + part("%cc", 2 * INNER + N, N)
        + part("%dd", 2 * INNER + 2 * N, H) + by_head("%zh", "%z") + by_head("%uh", "%u") + shared("%k", "%bb") + shared("%q", "%cc")
        + load("%bias", "delta.bias", [H]) + load("%a", "a_log", [H]) + load("%skip", "skip", [H]) + load("%norm", "norm.weight", [INNER])
        + each("%delta", "b, t, h", [("%dd", HH, "b, t, h"), ("%bias", VEC, "h")], HH, "%z1 = arith.addf %u0, %u1 : f32\n" + softplus("s", "%z1"), "%s")
        + each("%decay", "b, t, h", [("%delta", HH, "b, t, h"), ("%a", VEC, "h")], HH, """
%rate = math.exp %u1 : f32
%step = arith.mulf %u0, %rate : f32
%minus = arith.negf %step : f32
%y1 = math.exp %minus : f32
""", "%y1")
        + each("%v", FOUR, [("%delta", HH, "b, t, h"), ("%uh", HP, FOUR)], HP, "%y1 = arith.mulf %u0, %u1 : f32", "%y1")
        + f"  %scan, %s1 = attn.linear_scan %q, %k, %v state(%s0) decay(%decay : {HH}) : {HN}, {HN}, {HP}, {STATE}\n"
        + each("%gated", FOUR, [("%scan", HP, FOUR), ("%skip", VEC, "h"), ("%uh", HP, FOUR), ("%zh", HP, FOUR)], HP, """
%more = arith.mulf %u1, %u2 : f32
%sum = arith.addf %u0, %more : f32
""" + sigmoid("g", "%u3") + """
%silu = arith.mulf %u3, %g : f32
%y1 = arith.mulf %sum, %silu : f32
""", "%y1")
        + f"  %flat = tensor.collapse_shape %gated [[0], [1], [2, 3]] : {HP} into {rows(INNER)}\n"
        + f"  %n = attn.rms_norm %flat weight(%norm : tensor<{INNER}xf32>) eps({CONFIG['norm_eps']:.1e}) : {rows(INNER)}\n" + linear("%y", "out.weight", "%n", INNER, d))
print(header("c33_mamba2", "Mamba-2's state-space layer (models.md C33).", WEIGHTS) + entry("main", "z, u, B, C and δ in one projection.", d, {"s": STATE}, body, ["%y", "%s1"]), end="")
