"""Writes b7_infini.mlir: python generate_b7_infini.py > b7_infini.mlir"""
from mlir_text import MAPS, Layer, call, function, gelu, linear, load, tensor, weights

LAYERS, D, FFN = 2, 32, 48
LAYER = Layer({"g1": ("norm1.weight", [D]), "b1": ("norm1.bias", [D]), "qkv": ("attention.qkv.weight", [96, D]), "beta": ("attention.beta", [2]),
               "out": ("attention.out.weight", [D, 32]), "g2": ("norm2.weight", [D]), "b2": ("norm2.bias", [D]),
               "up": ("ffn.up.weight", [FFN, D]), "up_bias": ("ffn.up.bias", [FFN]), "down": ("ffn.down.weight", [D, FFN]), "down_bias": ("ffn.down.bias", [D])})
OTHERS = {"norm.weight": [D], "norm.bias": [D]}
PROJECT, REST = ("g1", "b1", "qkv"), ("out", "g2", "b2", "up", "up_bias", "down", "down_bias")

HEADER = f"""// b7_infini: Infini-attention; heads read a compressive memory beside attention within a segment of 8 (models.md B7).
// Made by generate_b7_infini.py.
{MAPS}#heads = affine_map<(b, t, h, c) -> (b, t, h, c)>
!x = tensor<?x?x32xf32>
!heads = tensor<?x?x2x16xf32>
!memory = tensor<?x2x16x16xf32>
!sums = tensor<?x2x16xf32>
!memories = tensor<2x?x2x16x16xf32>
!all_sums = tensor<2x?x2x16xf32>
"""


def parts():
    """The functions that a layer is made of."""
    yield linear("linear_qkv", 96, D)
    yield linear("linear_out", D, D)
    yield linear("linear_up", FFN, D, bias=True)
    yield linear("linear_down", D, FFN, bias=True)
    yield gelu("gelu", FFN)
    packed = tensor("?", "?", 3, 2, 16)
    slices = "\n".join(f"""  %{x}s = tensor.extract_slice %s[0, 0, {i}, 0, 0] [%b, %t, 1, 2, 16] [1, 1, 1, 1, 1] : {packed} to {tensor("?", "?", 1, 2, 16)}
  %{x} = tensor.collapse_shape %{x}s [[0], [1], [2, 3], [4]] : {tensor("?", "?", 1, 2, 16)} into !heads""" for i, x in enumerate("qkv"))
    yield function("project", {"x": "!x"} | LAYER.types(PROJECT), ["!heads"] * 3, f"""
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : !x
  %t = tensor.dim %x, %c1 : !x
  %n = attn.layer_norm %x weight(%g1 : tensor<32xf32>) bias(%b1 : tensor<32xf32>) eps(1.0e-5) : !x
{call("%p", "linear_qkv", "%n", "%qkv")}
  %s = tensor.expand_shape %p [[0], [1], [2, 3, 4]] output_shape [%b, %t, 3, 2, 16] : tensor<?x?x96xf32> into {packed}
{slices}
  return %q, %k, %v : !heads, !heads, !heads
""", "Queries, keys and values of LN x, not rotated.")
    yield function("local", {"q": "!heads", "k": "!heads", "v": "!heads"}, ["!heads"], """
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %q, %c0 : !heads
  %t = tensor.dim %q, %c1 : !heads
  %rq = attn.rotary half_split %q along [1] base(1.0e4) : !heads
  %rk = attn.rotary half_split %k along [1] base(1.0e4) : !heads
  %e = tensor.empty(%b, %t) : !heads
  %heads = attn.attention softmax scale(0.25)
      query %rq[b, i, g, d] : !heads
      source %rk[b, j, g, d], %v[b, j, g, v] : !heads, !heads
      into %e[b, i, g, v] : !heads
      mask(%bi, %hi, %i, %j, %n) {
        %past = arith.cmpi sle, %j, %i : index
        attn.yield %past : i1
      }
  return %heads : !heads
""", "Causal attention within the segment, rotated from its start on.")
    yield function("phi", {"x": "!heads"}, ["!heads"], """
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : !heads
  %t = tensor.dim %x, %c1 : !heads
  %e = tensor.empty(%b, %t) : !heads
  %y = linalg.generic {indexing_maps = [#heads, #heads], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%x : !heads) outs(%e : !heads) {
  ^bb0(%u: f32, %out: f32):
    %above = arith.cmpf ogt, %u, %zero : f32
    %up = arith.addf %u, %one : f32
    %low = arith.minimumf %u, %zero : f32
    %exp = math.exp %low : f32
    %r = arith.select %above, %up, %exp : f32
    linalg.yield %r : f32
  } -> !heads
  return %y : !heads
""", "elu(x) + 1.")
    yield function("read", {"q": "!heads", "memory": "!memory", "sums": "!sums", "local": "!heads", "beta": "tensor<2xf32>"}, ["!heads"], """
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %q, %c0 : !heads
  %t = tensor.dim %q, %c1 : !heads
  %e = tensor.empty(%b, %t) : !heads
  %z = linalg.fill ins(%zero : f32) outs(%e : !heads) -> !heads
  %above = linalg.contract indexing_maps = [affine_map<(b, t, h, v, k) -> (b, t, h, k)>, affine_map<(b, t, h, v, k) -> (b, h, k, v)>, affine_map<(b, t, h, v, k) -> (b, t, h, v)>]
      ins(%q, %memory : !heads, !memory) outs(%z : !heads) -> !heads
  %es = tensor.empty(%b, %t) : tensor<?x?x2xf32>
  %zs = linalg.fill ins(%zero : f32) outs(%es : tensor<?x?x2xf32>) -> tensor<?x?x2xf32>
  %below = linalg.contract indexing_maps = [affine_map<(b, t, h, k) -> (b, t, h, k)>, affine_map<(b, t, h, k) -> (b, h, k)>, affine_map<(b, t, h, k) -> (b, t, h)>]
      ins(%q, %sums : !heads, !sums) outs(%zs : tensor<?x?x2xf32>) -> tensor<?x?x2xf32>
  %y = linalg.generic {indexing_maps = [#heads, affine_map<(b, t, h, c) -> (b, t, h)>, #heads, affine_map<(b, t, h, c) -> (h)>, #heads],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%above, %below, %local, %beta : !heads, tensor<?x?x2xf32>, !heads, tensor<2xf32>) outs(%e : !heads) {
  ^bb0(%a: f32, %n: f32, %l: f32, %w: f32, %out: f32):
    %minus = arith.negf %w : f32
    %exp = math.exp %minus : f32
    %d = arith.addf %exp, %one : f32
    %gate = arith.divf %one, %d : f32
    %rest = arith.subf %one, %gate : f32
    %read = arith.divf %a, %n : f32
    %p = arith.mulf %gate, %read : f32
    %r = arith.mulf %rest, %l : f32
    %mixed = arith.addf %p, %r : f32
    %empty = arith.cmpf oeq, %n, %zero : f32
    %s = arith.select %empty, %l, %mixed : f32
    linalg.yield %s : f32
  } -> !heads
  return %y : !heads
""", "φ(Q) M / (φ(Q) z), gated with the local heads; those alone where the memory is empty.")
    yield function("remember", {"k": "!heads", "v": "!heads", "memory": "!memory", "sums": "!sums"}, ["!memory", "!sums"], """
  %m = linalg.contract indexing_maps = [affine_map<(b, h, k, v, t) -> (b, t, h, k)>, affine_map<(b, h, k, v, t) -> (b, t, h, v)>, affine_map<(b, h, k, v, t) -> (b, h, k, v)>]
      ins(%k, %v : !heads, !heads) outs(%memory : !memory) -> !memory
  %s = linalg.reduce ins(%k : !heads) outs(%sums : !sums) dimensions = [1]
      (%new: f32, %sum: f32) {
        %r = arith.addf %sum, %new : f32
        linalg.yield %r : f32
      }
  return %m, %s : !memory, !sums
""", "M + φ(K)ᵀ V, z + Σ φ(K).")
    yield function("rest", {"h": "!x", "heads": "!heads"} | LAYER.types(REST), ["!x"], f"""
  %a0 = tensor.collapse_shape %heads [[0], [1], [2, 3]] : !heads into !x
{call("%a1", "linear_out", "%a0", "%out")}
  %a = arith.addf %h, %a1 : !x
  %n = attn.layer_norm %a weight(%g2 : tensor<32xf32>) bias(%b2 : tensor<32xf32>) eps(1.0e-5) : !x
{call("%u", "linear_up", "%n", "%up", "%up_bias")}
{call("%g", "gelu", "%u")}
{call("%d", "linear_down", "%g", "%down", "%down_bias")}
  %y = arith.addf %a, %d : !x
  return %y : !x
""", "A = h + out(heads), then A + W_down gelu(W_up LN A).")


def layer():
    return function("layer", {"h": "!x", "memory": "!memory", "sums": "!sums"} | LAYER.types(), ["!x", "!memory", "!sums"], f"""
{call("%q, %k, %v", "project", "%h", *LAYER.of(PROJECT))}
{call("%local", "local", "%q", "%k", "%v")}
{call("%fq", "phi", "%q")}
{call("%fk", "phi", "%k")}
{call("%heads", "read", "%fq", "%memory", "%sums", "%local", "%beta")}
{call("%m, %s", "remember", "%fk", "%v", "%memory", "%sums")}
{call("%y", "rest", "%h", "%heads", *LAYER.of(REST))}
  return %y, %m, %s : !x, !memory, !sums
""", "A segment through a layer; it reads the memory of the segments before.")


def entry():
    body = []
    for l in range(LAYERS):
        memory, sums = f"[{l}, 0, 0, 0, 0] [1, %b, 2, 16, 16] [1, 1, 1, 1, 1] : ", f"[{l}, 0, 0, 0] [1, %b, 2, 16] [1, 1, 1, 1] : "
        body += [f"  %m_{l} = tensor.extract_slice %ms_{l}{memory}!memories to !memory", f"  %z_{l} = tensor.extract_slice %zs_{l}{sums}!all_sums to !sums"]
        body += LAYER.loads(l) + [call(f"%h_{l + 1}, %mn_{l}, %zn_{l}", "layer", f"%h_{l}", f"%m_{l}", f"%z_{l}", *LAYER.of(layer=l)),
                                  f"  %ms_{l + 1} = tensor.insert_slice %mn_{l} into %ms_{l}{memory}!memory into !memories",
                                  f"  %zs_{l + 1} = tensor.insert_slice %zn_{l} into %zs_{l}{sums}!sums into !all_sums"]
    return f"""
func.func @main(%x: !x {{attnc.name = "x", attnc.dims = ["B", "T"]}}, %memory: !memories {{attnc.state = "memory", attnc.dims = ["B"]}},
                %norm: !all_sums {{attnc.state = "norm", attnc.dims = ["B"]}})
    -> (!x {{attnc.name = "y", attnc.dims = ["B", "T"]}}, !memories {{attnc.state = "memory"}}, !all_sums {{attnc.state = "norm"}}) {{
  %c0 = arith.constant 0 : index
  %b = tensor.dim %x, %c0 : !x
  %h, %memory_end, %norm_end = loop.segment size 8 number(%n) blocks(%h_0 = %x along 1 : !x)
      carry(%ms_0 = %memory : !memories, %zs_0 = %norm : !all_sums) -> (along 1 : !x) {{
  {(chr(10) + "  ").join(body)}
    loop.yield %h_2, %ms_2, %zs_2 : !x, !memories, !all_sums
  }}
{load("%g", "norm.weight", [D])}
{load("%bias", "norm.bias", [D])}
  %y = attn.layer_norm %h weight(%g : tensor<32xf32>) bias(%bias : tensor<32xf32>) eps(1.0e-5) : !x
  return %y, %memory_end, %norm_end : !x, !memories, !all_sums
}}
"""


def main():
    print(HEADER + "\n" + weights(OTHERS | LAYER.shapes(LAYERS)))
    print("".join([*parts(), layer(), entry()]), end="")


main()
