"""Writes llama_ring.mlir: python generate_llama_ring.py > llama_ring.mlir"""
from mlir_text import MAPS, Layer, call, function, linear, load, silu, tensor, weights

LAYERS, D, FFN, VOCAB = 2, 48, 96, 64
LAYER = Layer({"g1": ("norm1.weight", [D]), "qkv": ("attention.qkv.weight", [96, D]), "out": ("attention.out.weight", [D, D]),
               "g2": ("norm2.weight", [D]), "gate": ("ffn.gate.weight", [FFN, D]), "up": ("ffn.up.weight", [FFN, D]), "down": ("ffn.down.weight", [D, FFN])})
OTHERS = {"embed.weight": [VOCAB, D], "norm.weight": [D], "head.weight": [VOCAB, D]}
PROJECT, FEED_FORWARD = ("g1", "qkv"), ("g2", "gate", "up", "down")

HEADER = f"""// llama_ring: a decoder with grouped heads (2 groups of 2), rotary embedding, RMSNorm and SwiGLU; a session keeps the
// keys and values of the last 16 tokens of each layer in rings (models.md C6, C7, C1). Made by generate_llama_ring.py.
{MAPS}!x = tensor<?x?x48xf32>
!q = tensor<?x?x2x2x12xf32>
!kv = tensor<?x?x2x12xf32>
!ring = tensor<?x2x16x12xf32>
!rings = tensor<2x?x2x16x12xf32>
"""


def parts():
    """The functions that a layer is made of."""
    yield linear("linear_qkv", 96, D)
    yield linear("linear_out", D, D)
    yield linear("linear_ffn", FFN, D)
    yield linear("linear_down", D, FFN)
    yield linear("linear_head", VOCAB, D)
    yield silu("silu", FFN)
    yield function("project", {"x": "!x", "at": "index"} | LAYER.types(PROJECT), ["!q", "!kv", "!kv"], f"""
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : !x
  %t = tensor.dim %x, %c1 : !x
  %n = attn.rms_norm %x weight(%g1 : tensor<48xf32>) eps(1.0e-6) : !x
{call("%p", "linear_qkv", "%n", "%qkv")}
  %s = tensor.expand_shape %p [[0], [1], [2, 3]] output_shape [%b, %t, 8, 12] : tensor<?x?x96xf32> into tensor<?x?x8x12xf32>
  %q = tensor.extract_slice %s[0, 0, 0, 0] [%b, %t, 4, 12] [1, 1, 1, 1] : tensor<?x?x8x12xf32> to tensor<?x?x4x12xf32>
  %k = tensor.extract_slice %s[0, 0, 4, 0] [%b, %t, 2, 12] [1, 1, 1, 1] : tensor<?x?x8x12xf32> to !kv
  %v = tensor.extract_slice %s[0, 0, 6, 0] [%b, %t, 2, 12] [1, 1, 1, 1] : tensor<?x?x8x12xf32> to !kv
  %rq = attn.rotary half_split %q along [1] offset(%at) base(1.0e4) : tensor<?x?x4x12xf32>
  %rk = attn.rotary half_split %k along [1] offset(%at) base(1.0e4) : !kv
  %grouped = tensor.expand_shape %rq [[0], [1], [2, 3], [4]] output_shape [%b, %t, 2, 2, 12] : tensor<?x?x4x12xf32> into !q
  return %grouped, %rk, %v : !q, !kv, !kv
""", "Queries by group, keys and values of RMSNorm x; rotated from position `at` on.")
    yield function("append", {"new": "!kv", "ring": "!ring", "count": "index"}, ["!ring"], """
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %new, %c0 : !kv
  %t = tensor.dim %new, %c1 : !kv
  %e = tensor.empty(%b, %t) : tensor<?x2x?x12xf32>
  %rows = linalg.transpose ins(%new : !kv) outs(%e : tensor<?x2x?x12xf32>) permutation = [0, 2, 1, 3]
  %r = attn.ring_append %rows into %ring along 2 count(%count) : tensor<?x2x?x12xf32>, !ring
  return %r : !ring
""", "The ring with the call's keys or values.")
    yield function("slots", {"count": "index"}, ["tensor<16xi32>"], """
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %last = arith.subi %count, %c1 : index
  %e = tensor.empty() : tensor<16xi32>
  %p = linalg.generic {indexing_maps = [affine_map<(s) -> (s)>], iterator_types = ["parallel"]} outs(%e : tensor<16xi32>) {
  ^bb0(%out: i32):
    %s = linalg.index 0 : index
    %behind = arith.subi %last, %s : index
    %back = arith.remsi %behind, %c16 : index
    %at = arith.subi %last, %back : index
    %r = arith.index_cast %at : index to i32
    linalg.yield %r : i32
  } -> tensor<16xi32>
  return %p : tensor<16xi32>
""", "The position that each slot of a ring holds: the last one, of count so far, that went there.")
    yield function("feed_forward", {"h": "!x"} | LAYER.types(FEED_FORWARD), ["!x"], f"""
  %n = attn.rms_norm %h weight(%g2 : tensor<48xf32>) eps(1.0e-6) : !x
{call("%a", "linear_ffn", "%n", "%gate")}
{call("%s", "silu", "%a")}
{call("%u", "linear_ffn", "%n", "%up")}
  %m = arith.mulf %s, %u : tensor<?x?x96xf32>
{call("%d", "linear_down", "%m", "%down")}
  %y = arith.addf %h, %d : !x
  return %y : !x
""", "h + W_down (silu(W_gate n) * W_up n), n = RMSNorm h.")


def layer():
    return function("layer", {"h": "!x", "k_ring": "!ring", "v_ring": "!ring", "count": "index"} | LAYER.types(), ["!x", "!ring", "!ring"], f"""
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %b = tensor.dim %h, %c0 : !x
  %t = tensor.dim %h, %c1 : !x
{call("%q, %k, %v", "project", "%h", "%count", *LAYER.of(PROJECT))}
{call("%slots", "slots", "%count")}
  %held = arith.minui %count, %c16 : index
  %e = tensor.empty(%b, %t) : !q
  %heads = attn.attention softmax scale({12 ** -0.5})
      query %q[b, i, g, r, d] : !q offset %count
      source %k_ring[b, g, j, d], %v_ring[b, g, j, v] : !ring, !ring positions %slots[j] : tensor<16xi32> valid %held
      source %k[b, j, g, d], %v[b, j, g, v] : !kv, !kv offset %count
      into %e[b, i, g, r, v] : !q
      mask(%bi, %hi, %i, %j, %n) {{
        %zero = arith.constant 0 : index
        %window = arith.constant 16 : index
        %distance = arith.subi %i, %j : index
        %past = arith.cmpi sge, %distance, %zero : index
        %near = arith.cmpi slt, %distance, %window : index
        %both = arith.andi %past, %near : i1
        attn.yield %both : i1
      }}
  %a = tensor.collapse_shape %heads [[0], [1], [2, 3, 4]] : !q into !x
{call("%o", "linear_out", "%a", "%out")}
  %h1 = arith.addf %h, %o : !x
{call("%h2", "feed_forward", "%h1", *LAYER.of(FEED_FORWARD))}
{call("%k_next", "append", "%k", "%k_ring", "%count")}
{call("%v_next", "append", "%v", "%v_ring", "%count")}
  return %h2, %k_next, %v_next : !x, !ring, !ring
""",
                    "The call's tokens through a layer: they see the ring and, up to themselves, each other, 16 positions back.")


def entry():
    body = []
    for l in range(LAYERS):
        ring = f"[{l}, 0, 0, 0, 0] [1, %b, 2, 16, 12] [1, 1, 1, 1, 1] : "
        body += [f"  %k_{l} = tensor.extract_slice %ks_{l}{ring}!rings to !ring", f"  %v_{l} = tensor.extract_slice %vs_{l}{ring}!rings to !ring"]
        body += LAYER.loads(l)
        body.append(call(f"%h_{l + 1}, %kn_{l}, %vn_{l}", "layer", f"%h_{l}", f"%k_{l}", f"%v_{l}", "%count", *LAYER.of(layer=l)))
        body += [f"  %{x}s_{l + 1} = tensor.insert_slice %{x}n_{l} into %{x}s_{l}{ring}!ring into !rings" for x in "kv"]
    ring = 'attnc.dims = ["B"], attnc.ring = {along = 3, count = "count"}'
    return f"""
// A call brings T tokens; how they are cut into calls does not change results.
func.func @main(%tokens: tensor<?x?xi32> {{attnc.name = "tokens", attnc.dims = ["B", "T"]}},
                %ks_0: !rings {{attnc.state = "k", {ring}}}, %vs_0: !rings {{attnc.state = "v", {ring}}}, %seen: tensor<i32> {{attnc.state = "count"}})
    -> (tensor<?x?x64xf32> {{attnc.name = "logits", attnc.dims = ["B", "T"]}}, !rings {{attnc.state = "k"}}, !rings {{attnc.state = "v"}}, tensor<i32> {{attnc.state = "count"}}) {{
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %tokens, %c0 : tensor<?x?xi32>
  %t = tensor.dim %tokens, %c1 : tensor<?x?xi32>
  %count_i32 = tensor.extract %seen[] : tensor<i32>
  %count = arith.index_cast %count_i32 : i32 to index
{load("%table", "embed.weight", OTHERS["embed.weight"])}
  %h_0 = attn.gather_rows %table[%tokens] : tensor<64x48xf32>, tensor<?x?xi32> -> !x
{chr(10).join(body)}
{load("%g", "norm.weight", [D])}
{load("%head", "head.weight", OTHERS["head.weight"])}
  %n = attn.rms_norm %h_2 weight(%g : tensor<48xf32>) eps(1.0e-6) : !x
{call("%logits", "linear_head", "%n", "%head")}
  %sum = arith.addi %count, %t : index
  %sum_i32 = arith.index_cast %sum : index to i32
  %seen_next = tensor.insert %sum_i32 into %seen[] : tensor<i32>
  return %logits, %ks_2, %vs_2, %seen_next : tensor<?x?x64xf32>, !rings, !rings, tensor<i32>
}}
"""


def main():
    print(HEADER + "\n" + weights(OTHERS | LAYER.shapes(LAYERS)))
    print("".join([*parts(), layer(), entry()]), end="")


main()
