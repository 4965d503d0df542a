"""Writes fam.mlir: python generate_fam.py > fam.mlir

Four layers are alike but for the names of their weights, so the text is made rather than written."""
from mlir_text import MAPS, Layer, call, function, gelu, linear, load, tensor, weights

LAYERS, D, FFN, VOCAB, CLASSES, FAM = 4, 256, 1024, 304, 16, 16
LAYER = Layer({"g1": ("norm1.weight", [D]), "b1": ("norm1.bias", [D]), "qkv": ("attention.qkv.weight", [3 * D, D]),
               "out": ("attention.out.weight", [D, D]),
               "g2": ("norm2.weight", [D]), "b2": ("norm2.bias", [D]), "up": ("ffn.up.weight", [FFN, D]), "up_bias": ("ffn.up.bias", [FFN]),
               "down": ("ffn.down.weight", [D, FFN]), "down_bias": ("ffn.down.bias", [D])})
PROJECT, OUT, FEED_FORWARD = ("g1", "b1", "qkv"), ("out",), ("g2", "b2", "up", "up_bias", "down", "down_bias")
OTHERS = {"embed.weight": [VOCAB, D], "fam.prompt": [FAM, D], "norm.weight": [D], "norm.bias": [D], "head.weight": [CLASSES, D], "head.bias": [CLASSES]}

HEADER = f"""// fam: TransformerFAM, a decoder whose layers feed a memory of 16 rows from block to block (models.md B1).
// Made by generate_fam.py. Blocks have 64 tokens; tokens and FAM share all weights.
{MAPS}!x = tensor<?x?x256xf32>
!heads = tensor<?x?x8x32xf32>
!fam = tensor<?x16x256xf32>
!ring = tensor<?x8x64x32xf32>
!fams = tensor<4x?x16x256xf32>
!rings = tensor<4x?x8x64x32xf32>
"""


def parts():
    """The functions that a layer is made of."""
    yield linear("linear_qkv", 3 * D, D)
    yield linear("linear_out", D, D)
    yield linear("linear_up", FFN, D, bias=True)
    yield linear("linear_down", D, FFN, bias=True)
    yield linear("linear_head", CLASSES, D, bias=True)
    yield gelu("gelu", FFN)
    yield function("project", {"x": "!x", "q_at": "index", "k_at": "index"} | LAYER.types(PROJECT), ["!heads"] * 3, f"""
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : !x
  %t = tensor.dim %x, %c1 : !x
  %n = attn.layer_norm %x weight(%g1 : tensor<256xf32>) bias(%b1 : tensor<256xf32>) eps(1.0e-5) : !x
{call("%p", "linear_qkv", "%n", "%qkv")}
  %s = tensor.expand_shape %p [[0], [1], [2, 3, 4]] output_shape [%b, %t, 3, 8, 32] : tensor<?x?x768xf32> into tensor<?x?x3x8x32xf32>
  %qs = tensor.extract_slice %s[0, 0, 0, 0, 0] [%b, %t, 1, 8, 32] [1, 1, 1, 1, 1] : tensor<?x?x3x8x32xf32> to tensor<?x?x1x8x32xf32>
  %q = tensor.collapse_shape %qs [[0], [1], [2, 3], [4]] : tensor<?x?x1x8x32xf32> into !heads
  %ks = tensor.extract_slice %s[0, 0, 1, 0, 0] [%b, %t, 1, 8, 32] [1, 1, 1, 1, 1] : tensor<?x?x3x8x32xf32> to tensor<?x?x1x8x32xf32>
  %k = tensor.collapse_shape %ks [[0], [1], [2, 3], [4]] : tensor<?x?x1x8x32xf32> into !heads
  %vs = tensor.extract_slice %s[0, 0, 2, 0, 0] [%b, %t, 1, 8, 32] [1, 1, 1, 1, 1] : tensor<?x?x3x8x32xf32> to tensor<?x?x1x8x32xf32>
  %v = tensor.collapse_shape %vs [[0], [1], [2, 3], [4]] : tensor<?x?x1x8x32xf32> into !heads
  %rq = attn.rotary half_split %q along [1] offset(%q_at) base(1.0e4) : !heads
  %rk = attn.rotary half_split %k along [1] offset(%k_at) base(1.0e4) : !heads
  return %rq, %rk, %v : !heads, !heads, !heads
""", "Q, K, V = QKV(LN x), queries and keys rotated from positions q_at and k_at on.")
    yield function("merge", {"heads": "!heads"} | LAYER.types(OUT), ["!x"], f"""
  %a = tensor.collapse_shape %heads [[0], [1], [2, 3]] : !heads into !x
{call("%o", "linear_out", "%a", "%out")}
  return %o : !x
""", "The heads side by side, projected.")
    yield function("feed_forward", {"a": "!x"} | LAYER.types(FEED_FORWARD), ["!x"], f"""
  %n = attn.layer_norm %a weight(%g2 : tensor<256xf32>) bias(%b2 : tensor<256xf32>) eps(1.0e-5) : !x
{call("%u", "linear_up", "%n", "%up", "%up_bias")}
{call("%g", "gelu", "%u")}
{call("%d", "linear_down", "%g", "%down", "%down_bias")}
  %y = arith.addf %d, %a : !x
  return %y : !x
""", "FF(LN A) + A.")
    yield function("append", {"new": "!heads", "ring": "!ring", "count": "index"}, ["!ring"], """
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %new, %c0 : !heads
  %t = tensor.dim %new, %c1 : !heads
  %e = tensor.empty(%b, %t) : tensor<?x8x?x32xf32>
  %rows = linalg.transpose ins(%new : !heads) outs(%e : tensor<?x8x?x32xf32>) permutation = [0, 2, 1, 3]
  %r = attn.ring_append %rows into %ring along 2 count(%count) : tensor<?x8x?x32xf32>, !ring
  return %r : !ring
""", "The block's keys or values become the memory segment.")


def layer():
    return function("layer", {"x": "!x", "f": "!fam", "k_ring": "!ring", "v_ring": "!ring", "block": "index"} | LAYER.types(),
                    ["!x", "!fam", "!ring", "!ring"], f"""
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant 0.0 : f32
  %at = arith.muli %block, %c64 : index
  %end = arith.addi %at, %c64 : index
  %before = arith.subi %at, %c16 : index
  %after = arith.subi %end, %c16 : index
  %fx = tensor.cast %f : !fam to !x
{call("%q, %k, %v", "project", "%x", "%at", "%at", *LAYER.of(PROJECT))}
{call("%qf, %kf, %vf", "project", "%fx", "%after", "%before", *LAYER.of(PROJECT))}

  // Tokens attend to the memory segment, FAM, and their own block up to themselves.
  %b = tensor.dim %x, %c0 : !x
  %t = tensor.dim %x, %c1 : !x
  %held = arith.minui %at, %c64 : index
  %e = tensor.empty(%b, %t) : !heads
  %heads = attn.attention softmax scale(0.17677669529663687)
      query %q[b, i, g, d] : !heads
      source %k_ring[b, g, j, d], %v_ring[b, g, j, v] : !ring, !ring valid %held
      source %kf[b, j, g, d], %vf[b, j, g, v] : !heads, !heads
      source %k[b, j, g, d], %v[b, j, g, v] : !heads, !heads mask(%b, %h, %i, %j, %n) {{
        %past = arith.cmpi sle, %j, %i : index
        attn.yield %past : i1
      }}
      into %e[b, i, g, v] : !heads
{call("%o", "merge", "%heads", "%out")}
  %a = arith.addf %o, %x : !x
{call("%y", "feed_forward", "%a", *LAYER.of(FEED_FORWARD))}

  // FAM attends to itself and the whole block; its first update has no residual.
  %ef = tensor.empty(%b, %c16) : !heads
  %heads_f = attn.attention softmax scale(0.17677669529663687)
      query %qf[b, i, g, d] : !heads
      source %kf[b, j, g, d], %vf[b, j, g, v] : !heads, !heads
      source %k[b, j, g, d], %v[b, j, g, v] : !heads, !heads
      into %ef[b, i, g, v] : !heads
{call("%of", "merge", "%heads_f", "%out")}
  %first = arith.cmpi eq, %block, %c0 : index
  %af = linalg.generic {{indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel", "parallel"]}} ins(%fx : !x) outs(%of : !x) {{
  ^bb0(%old: f32, %new: f32):
    %residual = arith.select %first, %zero, %old : f32
    %sum = arith.addf %new, %residual : f32
    linalg.yield %sum : f32
  }} -> !x
{call("%yf", "feed_forward", "%af", *LAYER.of(FEED_FORWARD))}
  %next = tensor.cast %yf : !x to !fam

{call("%k_next", "append", "%k", "%k_ring", "%at")}
{call("%v_next", "append", "%v", "%v_ring", "%at")}
  return %y, %next, %k_next, %v_next : !x, !fam, !ring, !ring
""", "One block of tokens x through a layer with its FAM and memory segment: what goes up, and the three states.")


def start():
    """F_0 of every layer: the learned rows carried up like a soft prompt, for one sequence; then the same for all."""
    body = [load("%prompt", "fam.prompt", OTHERS["fam.prompt"]), """  %from = arith.constant -16 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %eh = tensor.empty(%c1, %c16) : !heads
  %one = tensor.expand_shape %prompt [[0, 1], [2]] output_shape [1, 16, 256] : tensor<16x256xf32> into tensor<1x16x256xf32>
  %x_0 = tensor.cast %one : tensor<1x16x256xf32> to !x
  %all_0 = tensor.empty() : tensor<4x16x256xf32>"""]
    for l in range(LAYERS):
        body.append(f"  %f_{l} = tensor.cast %x_{l} : !x to tensor<1x16x256xf32>")
        body.append(f"  %all_{l + 1} = tensor.insert_slice %f_{l} into %all_{l}[{l}, 0, 0] [1, 16, 256] [1, 1, 1] : tensor<1x16x256xf32> into tensor<4x16x256xf32>")
        if l + 1 < LAYERS:
            body += LAYER.loads(l)
            body.append(call(f"%q_{l}, %k_{l}, %v_{l}", "project", f"%x_{l}", "%from", "%from", *LAYER.of(PROJECT, l)))
            body.append(f"""  %heads_{l} = attn.attention softmax scale(0.17677669529663687)
      query %q_{l}[b, i, g, d] : !heads
      source %k_{l}[b, j, g, d], %v_{l}[b, j, g, v] : !heads, !heads
      into %eh[b, i, g, v] : !heads""")
            body.append(call(f"%o_{l}", "merge", f"%heads_{l}", *LAYER.of(OUT, l)))
            body.append(f"  %a_{l} = arith.addf %o_{l}, %x_{l} : !x")
            body.append(call(f"%x_{l + 1}", "feed_forward", f"%a_{l}", *LAYER.of(FEED_FORWARD, l)))
    return """
// F_0 of every layer: the learned rows, carried up like a soft prompt; the same for all sequences.
func.func @start(%b: index {attnc.name = "B"}) -> !fams {
""" + "\n".join(body) + """
  %e = tensor.empty(%b) : !fams
  %f0 = linalg.broadcast ins(%all_4 : tensor<4x16x256xf32>) outs(%e : !fams) dimensions = [1]
  return %f0 : !fams
}
"""


def slices(l):
    """The states of layer l, cut out of those of all layers and, behind the layer, put back."""
    fam = f"[{l}, 0, 0, 0] [1, %b, 16, 256] [1, 1, 1, 1] : "
    ring = f"[{l}, 0, 0, 0, 0] [1, %b, 8, 64, 32] [1, 1, 1, 1, 1] : "
    return (f"""    %fl_{l} = tensor.extract_slice %f_{l}{fam}!fams to !fam
    %kl_{l} = tensor.extract_slice %k_{l}{ring}!rings to !ring
    %vl_{l} = tensor.extract_slice %v_{l}{ring}!rings to !ring""",
            f"""    %f_{l + 1} = tensor.insert_slice %fn_{l} into %f_{l}{fam}!fam into !fams
    %k_{l + 1} = tensor.insert_slice %kn_{l} into %k_{l}{ring}!ring into !rings
    %v_{l + 1} = tensor.insert_slice %vn_{l} into %v_{l}{ring}!ring into !rings""")


def entry():
    loop = []
    for l in range(LAYERS):
        before, after = slices(l)
        loop += [before] + ["  " + line for line in LAYER.loads(l)]
        loop.append("  " + call(f"%x_{l + 1}, %fn_{l}, %kn_{l}, %vn_{l}", "layer", f"%x_{l}", f"%fl_{l}", f"%kl_{l}", f"%vl_{l}", "%block", *LAYER.of(layer=l)))
        loop.append(after)
    ring = 'attnc.dims = ["B"], attnc.ring = {along = 3, count = "block", unit = 64}'
    return f"""
// A partial last block is computed but changes no state: to go on, its tokens are fed again.
func.func @main(%tokens: tensor<?x?xi32> {{attnc.name = "tokens", attnc.dims = ["B", "T"]}}, %blocks: tensor<i32> {{attnc.state = "block"}},
                %f: !fams {{attnc.state = "fam", attnc.dims = ["B"], attnc.init = @start}},
                %k: !rings {{attnc.state = "k", {ring}}}, %v: !rings {{attnc.state = "v", {ring}}})
    -> ({tensor("?", "?", CLASSES)} {{attnc.name = "logits", attnc.dims = ["B", "T"]}}, tensor<i32> {{attnc.state = "block"}},
        !fams {{attnc.state = "fam"}}, !rings {{attnc.state = "k"}}, !rings {{attnc.state = "v"}}) {{
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %b = tensor.dim %tokens, %c0 : tensor<?x?xi32>
  %t = tensor.dim %tokens, %c1 : tensor<?x?xi32>
  %done_i32 = tensor.extract %blocks[] : tensor<i32>
  %done = arith.index_cast %done_i32 : i32 to index
{load("%table", "embed.weight", OTHERS["embed.weight"])}
  %x = attn.gather_rows %table[%tokens] : {tensor(VOCAB, D)}, tensor<?x?xi32> -> !x
  %h, %f_end, %k_end, %v_end = loop.segment size 64 partial(keep) number(%n) blocks(%x_0 = %x along 1 : !x)
      carry(%f_0 = %f : !fams, %k_0 = %k : !rings, %v_0 = %v : !rings) -> (along 1 : !x) {{
    %block = arith.addi %done, %n : index
{chr(10).join(loop)}
    loop.yield %x_4, %f_4, %k_4, %v_4 : !x, !fams, !rings, !rings
  }}
{load("%g", "norm.weight", [D])}
{load("%bias", "norm.bias", [D])}
{load("%head", "head.weight", [CLASSES, D])}
{load("%head_bias", "head.bias", [CLASSES])}
  %normed = attn.layer_norm %h weight(%g : tensor<256xf32>) bias(%bias : tensor<256xf32>) eps(1.0e-5) : !x
{call("%logits", "linear_head", "%normed", "%head", "%head_bias")}
  %new = arith.divui %t, %c64 : index
  %sum = arith.addi %done, %new : index
  %sum_i32 = arith.index_cast %sum : index to i32
  %blocks_end = tensor.insert %sum_i32 into %blocks[] : tensor<i32>
  return %logits, %blocks_end, %f_end, %k_end, %v_end : {tensor("?", "?", CLASSES)}, tensor<i32>, !fams, !rings, !rings
}}
"""


def main():
    print(HEADER + "\n" + weights(OTHERS | LAYER.shapes(LAYERS)))
    print("".join([*parts(), layer(), start(), entry()]), end="")


main()
