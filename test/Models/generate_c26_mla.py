"""Writes c26_mla.mlir: python generate_c26_mla.py > c26_mla.mlir"""
from c26_mla import CONFIG
from c_text import load, region, tensor_of

d, H, D, P, C, V, N = (CONFIG[k] for k in ("d", "heads", "head_width", "rope_width", "latent", "value_width", "capacity"))
WEIGHTS = {"q.weight": [H * (D + P), d], "latent.weight": [C, d], "key.weight": [P, d], "up.key": [H, D, C], "up.value": [H, V, C], "out.weight": [d, H * V]}
X, CACHE = f"tensor<?x?x{d}xf32>", f"tensor<?x{N}x{C + P}xf32>"


def rows(*shape):
    return tensor_of(["?", "?", *shape])


def linear(result, name, of, k, n):
    """of @ name.T"""
    return load(result + "_w", name, [n, k]) + f"""  {result}_e = tensor.empty(%b, %t) : {rows(n)}
  {result}_0 = linalg.fill ins(%zero : f32) outs({result}_e : {rows(n)}) -> {rows(n)}
  {result} = linalg.contract indexing_maps = [affine_map<(b, t, n, k) -> (b, t, k)>, affine_map<(b, t, n, k) -> (n, k)>, affine_map<(b, t, n, k) -> (b, t, n)>]
      ins({of}, {result}_w : {rows(k)}, tensor<{n}x{k}xf32>) outs({result}_0 : {rows(n)}) -> {rows(n)}
"""


def by_head(result, name, shape, of, of_type, to, maps):
    """A contraction with a weight a head."""
    return load(result + "_w", name, shape) + f"""  {result}_e = tensor.empty(%b{', %t' if to.count('?') > 1 else ''}) : {to}
  {result}_0 = linalg.fill ins(%zero : f32) outs({result}_e : {to}) -> {to}
  {result} = linalg.contract indexing_maps = [{', '.join(f'affine_map<(b, t, h, n, k) -> ({m})>' for m in maps)}]
      ins({of}, {result}_w : {of_type}, {tensor_of(shape)}) outs({result}_0 : {to}) -> {to}
"""


def insert(result, what, what_type, into, at, width, type):
    sizes = ["%b", "%t"] + ([str(H)] if type.count("x") > 3 else []) + [str(width)]
    return f"  {result} = tensor.insert_slice {what} into {into}[{', '.join(['0'] * (len(sizes) - 1) + [str(at)])}] [{', '.join(sizes)}] [{', '.join(['1'] * len(sizes))}] : {what_type} into {type}\n"


COMMON = f"""  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %b = tensor.dim %x, %c0 : {X}
  %t = tensor.dim %x, %c1 : {X}
  %seen = tensor.extract %count[] : tensor<i32>
  %at = arith.index_cast %seen : i32 to index
""" + linear("%q", "q.weight", "%x", d, H * (D + P)) + linear("%latent", "latent.weight", "%x", d, C) + linear("%key", "key.weight", "%x", d, P) + f"""\
  %k1 = attn.rotary half_split %key along [1] offset(%at) base({CONFIG['rope_base']!r}) : {rows(P)}
  %re = tensor.empty(%b, %t) : {rows(C + P)}
""" + insert("%r0", "%latent", rows(C), "%re", 0, C, rows(C + P)) + insert("%r", "%k1", rows(P), "%r0", C, P, rows(C + P)) + f"""\
  %kept = attn.ring_append %r into %cache along 1 count(%at) : {rows(C + P)}, {CACHE}
  %total = arith.addi %at, %t : index
  %total_i = arith.index_cast %total : index to i32
  %now = tensor.from_elements %total_i : tensor<i32>
  %qh = tensor.expand_shape %q [[0], [1], [2, 3]] output_shape [%b, %t, {H}, {D + P}] : {rows(H * (D + P))} into {rows(H, D + P)}
""" + f"""  %q0 = tensor.extract_slice %qh[0, 0, 0, 0] [%b, %t, {H}, {D}] [1, 1, 1, 1] : {rows(H, D + P)} to {rows(H, D)}
  %qp = tensor.extract_slice %qh[0, 0, 0, {D}] [%b, %t, {H}, {P}] [1, 1, 1, 1] : {rows(H, D + P)} to {rows(H, P)}
  %q1 = attn.rotary half_split %qp along [1] offset(%at) base({CONFIG['rope_base']!r}) : {rows(H, P)}
"""


def joined(result, first, width):
    """[first; q1] a head."""
    type = rows(H, width + P)
    return f"  {result}_je = tensor.empty(%b, %t) : {type}\n" + insert(result + "_j", first, rows(H, width), result + "_je", 0, width, type) + insert(result, "%q1", rows(H, P), result + "_j", width, P, type)


def attend(query, width, key, key_type, value, value_type, out):
    causal = region("mask", [], "%shown = arith.cmpi sle, %j, %i : index", "%shown", "i1")
    return f"""  %ae = tensor.empty(%b, %t) : {rows(H, out)}
  %a = attn.attention softmax scale({(D + P) ** -0.5!r})
      query {query}[b, i, g, d] : {rows(H, width)} offset %at
      source {key}, {value} : {key_type}, {value_type} valid %total
      into %ae[b, i, g, v] : {rows(H, out)}
{causal}"""


# W_k,hᵀ q°, the latents themselves as keys and values, W_v,h of what was found.
ABSORBED = (by_head("%qc", "up.key", [H, D, C], "%q0", rows(H, D), rows(H, C), ["b, t, h, k", "h, k, n", "b, t, h, n"]) + joined("%wide", "%qc", C)
            + f"  %values = tensor.extract_slice %kept[0, 0, 0] [%b, {N}, {C}] [1, 1, 1] : {CACHE} to tensor<?x{N}x{C}xf32>\n"
            + attend("%wide", C + P, "%kept[b, j, d]", CACHE, "%values[b, j, v]", f"tensor<?x{N}x{C}xf32>", C)
            + by_head("%heads", "up.value", [H, V, C], "%a", rows(H, C), rows(H, V), ["b, t, h, k", "h, n, k", "b, t, h, n"]))


def made(result, name, width):
    """Keys or values of all rows of the cache."""
    return by_head(result, name, [H, width, C], "%latents", f"tensor<?x{N}x{C}xf32>", f"tensor<?x{N}x{H}x{width}xf32>", ["b, t, k", "h, n, k", "b, t, h, n"])


KEYS = f"tensor<?x{N}x{H}x{D + P}xf32>"
NAIVE = (f"""  %latents = tensor.extract_slice %kept[0, 0, 0] [%b, {N}, {C}] [1, 1, 1] : {CACHE} to tensor<?x{N}x{C}xf32>
  %shared = tensor.extract_slice %kept[0, 0, {C}] [%b, {N}, {P}] [1, 1, 1] : {CACHE} to tensor<?x{N}x{P}xf32>
""" + made("%k0", "up.key", D) + made("%v", "up.value", V) + f"""  %se = tensor.empty(%b) : tensor<?x{N}x{H}x{P}xf32>
  %each = linalg.broadcast ins(%shared : tensor<?x{N}x{P}xf32>) outs(%se : tensor<?x{N}x{H}x{P}xf32>) dimensions = [2]
  %ke = tensor.empty(%b) : {KEYS}
  %kj = tensor.insert_slice %k0 into %ke[0, 0, 0, 0] [%b, {N}, {H}, {D}] [1, 1, 1, 1] : tensor<?x{N}x{H}x{D}xf32> into {KEYS}
  %keys = tensor.insert_slice %each into %kj[0, 0, 0, {D}] [%b, {N}, {H}, {P}] [1, 1, 1, 1] : tensor<?x{N}x{H}x{P}xf32> into {KEYS}
""" + joined("%both", "%q0", D) + attend("%both", D + P, "%keys[b, j, g, d]", KEYS, "%v[b, j, g, v]", f"tensor<?x{N}x{H}x{V}xf32>", V))


def entry(name, about, body, heads):
    return f"""
// {about}
func.func @{name}(%x: {X} {{attnc.name = "x", attnc.dims = ["B", "T"]}},
    %cache: {CACHE} {{attnc.state = "cache", attnc.dims = ["B"], attnc.ring = {{along = 1, count = "count"}}}}, %count: tensor<i32> {{attnc.state = "count"}})
    -> ({X} {{attnc.name = "y", attnc.dims = ["B", "T"]}}, {CACHE} {{attnc.state = "cache"}}, tensor<i32> {{attnc.state = "count"}}) {{
{COMMON}{body}  %flat = tensor.collapse_shape {heads} [[0], [1], [2, 3]] : {rows(H, V)} into {rows(H * V)}
{linear("%y", "out.weight", "%flat", H * V, d)}  return %y, %kept, %now : {X}, {CACHE}, tensor<i32>
}}
"""


print("// c26_mla: multi-head latent attention over a session (models.md C26).\n// Made by generate_c26_mla.py.\n"
      + "".join(f'ml_program.global private @"{n}"(#ml_program.extern : {tensor_of(s)}) : {tensor_of(s)}\n' for n, s in WEIGHTS.items())
      + entry("main", "Absorbed: keys and values are the latents themselves.", ABSORBED, "%heads")
      + entry("main_naive", "Keys and values are made from the latents.", NAIVE, "%a"), end="")
