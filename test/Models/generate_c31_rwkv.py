"""Writes c31_rwkv.mlir: python generate_c31_rwkv.py > c31_rwkv.mlir

Both recurrences are linear scans whose outputs are the states: RWKV-4's of d heads with key e^k, values v and 1; RWKV-6's with decay a key
dimension. What a token sees is the state in front of it: the scan of version 4 is read one row earlier; version 6's, whose query is
r / w so that the last decay is taken back, has what the token itself added taken off, and the bonus added, in one factor of v:
Σ r k (u - 1 / w)."""
from c31_rwkv import CONFIG
from c_text import load, tensor_of
from recurrent_text import each, entry, header, linear, rows, sigmoid

d, H = CONFIG["d"], CONFIG["heads"]
D = d // H
X, ROW, VEC = rows(d), tensor_of(["?", d]), tensor_of([d])
WEIGHTS = {"mix": [3, d], **{f"{n}.weight": [d, d] for n in ("receptance", "key", "value", "out", "decay")}, "decay": [d], "bonus": [d]}
FLAT, HD = "b, t, c", rows(H, D)
PAIR, WKV = tensor_of(["?", d, 2]), tensor_of(["?", d, 1, 2])
MATRIX = tensor_of(["?", H, D, D])


def shifted(result, first, of, first_type, type, where, rest):
    """`first` in front of the rows of `of`, without its last."""
    zeros, sizes, ones = ", ".join(["0"] * rest), ", ".join(where), ", ".join(["1"] * rest)
    z, o = (", " + s if s else "" for s in (zeros, ones))
    more = ", " + sizes if sizes else ""
    return f"""  {result}_n = arith.subi %t, %c1 : index
  {result}_past = tensor.extract_slice {of}[0, 0{z}] [%b, {result}_n{more}] [1, 1{o}] : {type} to {type}
  {result}_e = tensor.empty(%b, %t) : {type}
  {result}_1 = tensor.insert_slice {first} into {result}_e[0, 0{z}] [%b, 1{more}] [1, 1{o}] : {first_type} into {type}
  {result} = tensor.insert_slice {result}_past into {result}_1[0, 1{z}] [%b, {result}_n{more}] [1, 1{o}] : {type} into {type}
"""


def mixed():
    """%r, %k, %v, and the last row."""
    text = shifted("%before", "%last0", "%x", ROW, X, [str(d)], 1) + load("%mix", "mix", [3, d])
    for n, (name, result) in enumerate((("receptance", "%rs"), ("key", "%ks"), ("value", "%vs"))):
        text += f"  {result}_mu = tensor.extract_slice %mix[{n}, 0] [1, {d}] [1, 1] : tensor<3x{d}xf32> to {VEC}\n"
        text += each(result + "_m", FLAT, [(result + "_mu", VEC, "c"), ("%x", X, FLAT), ("%before", X, FLAT)], X, """
%mine = arith.mulf %u0, %u1 : f32
%less = arith.subf %one, %u0 : f32
%past = arith.mulf %less, %u2 : f32
%both = arith.addf %mine, %past : f32
""", "%both") + linear(result, name + ".weight", result + "_m", d, d)
    return text + f"  %end = arith.subi %t, %c1 : index\n  %last1 = tensor.extract_slice %x[0, %end, 0] [%b, 1, {d}] [1, 1, 1] : {X} to {ROW}\n"


CHANNELS, TWO, ONES = rows(d, 1), rows(d, 2), rows(d, 1)
version4 = mixed() + load("%rate", "decay", [d]) + load("%bonus", "bonus", [d]) + each("%ek", FLAT, [("%ks", X, FLAT)], X, "%y1 = math.exp %u0 : f32", "%y1") + f"""\
  %k1 = tensor.expand_shape %ek [[0], [1], [2, 3]] output_shape [%b, %t, {d}, 1] : {X} into {CHANNELS}
  %v1 = tensor.expand_shape %vs [[0], [1], [2, 3]] output_shape [%b, %t, {d}, 1] : {X} into {CHANNELS}
  %te = tensor.empty(%b, %t) : {TWO}
  %tt = linalg.fill ins(%one : f32) outs(%te : {TWO}) -> {TWO}
  %v2 = tensor.insert_slice %v1 into %tt[0, 0, 0, 0] [%b, %t, {d}, 1] [1, 1, 1, 1] : {CHANNELS} into {TWO}
  %oe = tensor.empty(%b, %t) : {CHANNELS}
  %q1 = linalg.fill ins(%one : f32) outs(%oe : {CHANNELS}) -> {CHANNELS}
  %de = tensor.empty() : {VEC}
  %decay = linalg.map ins(%rate : {VEC}) outs(%de : {VEC}) (%u: f32, %o: f32) {{
    %e1 = math.exp %u : f32
    %n1 = arith.negf %e1 : f32
    %y1 = math.exp %n1 : f32
    linalg.yield %y1 : f32
  }}
  %start = tensor.expand_shape %s0 [[0], [1, 2], [3]] output_shape [%b, {d}, 1, 2] : {PAIR} into {WKV}
  %all, %s1w = attn.linear_scan %q1, %k1, %v2 state(%start) decay(%decay : {VEC}) : {CHANNELS}, {CHANNELS}, {TWO}, {WKV}
  %s1 = tensor.collapse_shape %s1w [[0], [1, 2], [3]] : {WKV} into {PAIR}
""" + shifted("%seen", "%s0", "%all", PAIR, TWO, [str(d), "2"], 2) + f"""\
  %a = tensor.extract_slice %seen[0, 0, 0, 0] [%b, %t, {d}, 1] [1, 1, 1, 1] : {TWO} to {X}
  %bb = tensor.extract_slice %seen[0, 0, 0, 1] [%b, %t, {d}, 1] [1, 1, 1, 1] : {TWO} to {X}
""" + each("%h", FLAT, [("%a", X, FLAT), ("%bb", X, FLAT), ("%bonus", VEC, "c"), ("%ks", X, FLAT), ("%vs", X, FLAT), ("%rs", X, FLAT)], X, """
%sum = arith.addf %u2, %u3 : f32
%now = math.exp %sum : f32
%more = arith.mulf %now, %u4 : f32
%above = arith.addf %u0, %more : f32
%below = arith.addf %u1, %now : f32
%wkv = arith.divf %above, %below : f32
""" + sigmoid("g", "%u5") + "%y1 = arith.mulf %g, %wkv : f32", "%y1") + linear("%y", "out.weight", "%h", d, d)


def heads(result, of):
    return f"  {result} = tensor.expand_shape {of} [[0], [1], [2, 3]] output_shape [%b, %t, {H}, {D}] : {X} into {HD}\n"


def dot(result, operands, lines, value):
    """A sum over a head's elements."""
    full, type = "b, t, h, c", rows(H)
    maps = ", ".join(f"affine_map<({full}) -> ({i})>" for *_, i in operands) + f", affine_map<({full}) -> (b, t, h)>"
    return f"""  {result}_e = tensor.empty(%b, %t) : {type}
  {result}_0 = linalg.fill ins(%zero : f32) outs({result}_e : {type}) -> {type}
  {result} = linalg.generic {{indexing_maps = [{maps}], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}}
      ins({', '.join(o[0] for o in operands)} : {', '.join(o[1] for o in operands)}) outs({result}_0 : {type}) {{
  ^bb0({', '.join(f'%u{n}: f32' for n in range(len(operands)))}, %o: f32):
{lines}    %s = arith.addf {value}, %o : f32
    linalg.yield %s : f32
  }} -> {type}
"""


FOUR = "b, t, h, c"
version6 = mixed() + linear("%dx", "decay.weight", "%x", d, d) + load("%rate", "decay", [d]) + load("%bonus", "bonus", [d]) + each(
    "%decays", FLAT, [("%dx", X, FLAT), ("%rate", VEC, "c")], X, """
%sum = arith.addf %u0, %u1 : f32
%e1 = math.exp %sum : f32
%n1 = arith.negf %e1 : f32
%y1 = math.exp %n1 : f32
""", "%y1") + heads("%r", "%rs") + heads("%k", "%ks") + heads("%v", "%vs") + heads("%w", "%decays") + f"""\
  %u = tensor.expand_shape %bonus [[0, 1]] output_shape [{H}, {D}] : {VEC} into tensor<{H}x{D}xf32>
""" + each("%q", FOUR, [("%r", HD, FOUR), ("%w", HD, FOUR)], HD, "%y1 = arith.divf %u0, %u1 : f32", "%y1") + f"""\
  %scan, %m1 = attn.linear_scan %q, %k, %v state(%m0) decay(%w : {HD}) : {HD}, {HD}, {HD}, {MATRIX}
""" + dot("%own", [("%r", HD, FOUR), ("%k", HD, FOUR), ("%w", HD, FOUR), ("%u", tensor_of([H, D]), "h, c")], """    %p = arith.mulf %u0, %u1 : f32
    %back = arith.divf %one, %u2 : f32
    %f = arith.subf %u3, %back : f32
    %z = arith.mulf %p, %f : f32
""", "%z") + each("%o1", FOUR, [("%scan", HD, FOUR), ("%own", rows(H), "b, t, h"), ("%v", HD, FOUR)], HD, """
%more = arith.mulf %u1, %u2 : f32
%y1 = arith.addf %u0, %more : f32
""", "%y1") + f"  %h = tensor.collapse_shape %o1 [[0], [1], [2, 3]] : {HD} into {X}\n" + linear("%y", "out.weight", "%h", d, d)

print(header("c31_rwkv", "the time mixing of RWKV-4 and RWKV-6 (models.md C31).", WEIGHTS)
      + entry("main", "RWKV-4.", d, {"last": ROW, "s": PAIR}, version4, ["%y", "%last1", "%s1"])
      + entry("main_v6", "RWKV-6.", d, {"last": ROW, "m": MATRIX}, version6, ["%y", "%last1", "%m1"]), end="")
