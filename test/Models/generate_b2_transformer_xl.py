"""Writes b2_transformer_xl.mlir: python generate_b2_transformer_xl.py > b2_transformer_xl.mlir"""
from mlir_text import MAPS, Layer, call, function, linear, load, tensor, weights

LAYERS, D, FFN, VOCAB = 2, 36, 64, 50
LAYER = Layer({"qkv": ("attention.qkv.weight", [108, D]), "r": ("attention.r.weight", [36, D]), "u": ("attention.u", [3, 12]), "v": ("attention.v", [3, 12]),
               "out": ("attention.out.weight", [D, 36]), "g1": ("norm1.weight", [D]), "b1": ("norm1.bias", [D]),
               "up": ("ffn.up.weight", [FFN, D]), "up_bias": ("ffn.up.bias", [FFN]), "down": ("ffn.down.weight", [D, FFN]), "down_bias": ("ffn.down.bias", [D]),
               "g2": ("norm2.weight", [D]), "b2": ("norm2.bias", [D])})
OTHERS = {"embed.weight": [VOCAB, D], "head.weight": [VOCAB, D], "head.bias": [VOCAB]}
ATTEND, REST = ("qkv", "r", "u", "v"), ("out", "g1", "b1", "up", "up_bias", "down", "down_bias", "g2", "b2")

HEADER = f"""// b2_transformer_xl: Transformer-XL, a decoder whose layers remember their last 16 inputs over segments (models.md B2).
// Made by generate_b2_transformer_xl.py.
{MAPS}!x = tensor<?x?x36xf32>
!heads = tensor<?x?x3x12xf32>
!mem = tensor<?x16x36xf32>
!mems = tensor<2x?x16x36xf32>
"""


def parts():
    """The functions that a layer is made of."""
    yield linear("linear_qkv", 108, D)
    yield linear("linear_d", D, D)
    yield linear("linear_up", FFN, D, bias=True)
    yield linear("linear_down", D, FFN, bias=True)
    yield linear("linear_head", VOCAB, D, bias=True)
    yield function("sinusoids", {"rows": "index"}, ["tensor<1x?x36xf32>"], """
  %zero = arith.constant 0.0 : f64
  %half = arith.constant 18 : index
  %rate = arith.constant -0.511685576220899 : f64  // -2 ln(10000) / d
  %e = tensor.empty(%rows) : tensor<1x?x36xf32>
  %r = linalg.generic {indexing_maps = [#all], iterator_types = ["parallel", "parallel", "parallel"]} outs(%e : tensor<1x?x36xf32>) {
  ^bb0(%out: f32):
    %p = linalg.index 1 : index
    %c = linalg.index 2 : index
    %pair = arith.remui %c, %half : index
    %p_i = arith.index_cast %p : index to i64
    %p_f = arith.sitofp %p_i : i64 to f64
    %c_i = arith.index_cast %pair : index to i64
    %c_f = arith.sitofp %c_i : i64 to f64
    %exponent = arith.mulf %c_f, %rate : f64
    %f = math.exp %exponent : f64
    %angle = arith.mulf %p_f, %f : f64
    %sin = math.sin %angle : f64
    %cos = math.cos %angle : f64
    %first = arith.cmpi ult, %c, %half : index
    %value = arith.select %first, %sin, %cos : f64
    %narrow = arith.truncf %value : f64 to f32
    linalg.yield %narrow : f32
  } -> tensor<1x?x36xf32>
  return %r : tensor<1x?x36xf32>
""", "R_p = [sin(p f); cos(p f)] of p = 0 .. rows - 1, f_c = 10000^(-2c/d).")
    yield function("plus", {"q": "!heads", "u": "tensor<3x12xf32>"}, ["!heads"], """
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %q, %c0 : !heads
  %t = tensor.dim %q, %c1 : !heads
  %e = tensor.empty(%b, %t) : !heads
  %all = linalg.broadcast ins(%u : tensor<3x12xf32>) outs(%e : !heads) dimensions = [0, 1]
  %s = arith.addf %q, %all : !heads
  return %s : !heads
""", "q + u, for every token.")
    yield function("places", {"q": "!heads", "r": "tensor<36x36xf32>"}, ["tensor<?x?x3x?xf32>"], f"""
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %zero = arith.constant 0.0 : f32
  %b = tensor.dim %q, %c0 : !heads
  %t = tensor.dim %q, %c1 : !heads
  %far = arith.addi %t, %c16 : index
{call("%s", "sinusoids", "%far")}
  %sx = tensor.cast %s : tensor<1x?x36xf32> to !x
{call("%p", "linear_d", "%sx", "%r")}
  %p1 = tensor.cast %p : !x to tensor<1x?x36xf32>
  %p2 = tensor.collapse_shape %p1 [[0, 1], [2]] : tensor<1x?x36xf32> into tensor<?x36xf32>
  %ph = tensor.expand_shape %p2 [[0], [1, 2]] output_shape [%far, 3, 12] : tensor<?x36xf32> into tensor<?x3x12xf32>
  %e = tensor.empty(%b, %t, %far) : tensor<?x?x3x?xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x3x?xf32>) -> tensor<?x?x3x?xf32>
  %y = linalg.contract indexing_maps = [affine_map<(b, i, h, p, d) -> (b, i, h, d)>, affine_map<(b, i, h, p, d) -> (p, h, d)>, affine_map<(b, i, h, p, d) -> (b, i, h, p)>]
      ins(%q, %ph : !heads, tensor<?x3x12xf32>) outs(%f : tensor<?x?x3x?xf32>) -> tensor<?x?x3x?xf32>
  return %y : tensor<?x?x3x?xf32>
""", "(q_i + v)·W_r R_p for each distance p up to the longest, T + 15: what the shift of Transformer-XL reads from.")
    yield function("rest", {"h": "!x", "heads": "!heads"} | LAYER.types(REST), ["!x"], f"""
  %zero = arith.constant 0.0 : f32
  %a0 = tensor.collapse_shape %heads [[0], [1], [2, 3]] : !heads into !x
{call("%a1", "linear_d", "%a0", "%out")}
  %a2 = arith.addf %h, %a1 : !x
  %a = attn.layer_norm %a2 weight(%g1 : tensor<36xf32>) bias(%b1 : tensor<36xf32>) eps(1.0e-5) : !x
{call("%u0", "linear_up", "%a", "%up", "%up_bias")}
  %u1 = linalg.generic {{indexing_maps = [#all], iterator_types = ["parallel", "parallel", "parallel"]}} outs(%u0 : {tensor("?", "?", FFN)}) {{
  ^bb0(%z: f32):
    %m = arith.maximumf %z, %zero : f32
    linalg.yield %m : f32
  }} -> {tensor("?", "?", FFN)}
{call("%d", "linear_down", "%u1", "%down", "%down_bias")}
  %y0 = arith.addf %a, %d : !x
  %y = attn.layer_norm %y0 weight(%g2 : tensor<36xf32>) bias(%b2 : tensor<36xf32>) eps(1.0e-5) : !x
  return %y : !x
""", "A = LN(h + out(heads)), then LN(A + W_down relu(W_up A)).")


def attend():
    packed = tensor("?", "?", 3, 3, 12)
    return function("attend", {"h": "!x", "mem": "!mem", "count": "index"} | LAYER.types(ATTEND), ["!heads"], f"""
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %b = tensor.dim %h, %c0 : !x
  %t = tensor.dim %h, %c1 : !x
  %p = func.call @linear_qkv(%h, %qkv) : (!x, tensor<108x36xf32>) -> {tensor("?", "?", 108)}
  %own = tensor.expand_shape %p [[0], [1], [2, 3, 4]] output_shape [%b, %t, 3, 3, 12] : {tensor("?", "?", 108)} into {packed}
  %mx = tensor.cast %mem : !mem to !x
  %pm = func.call @linear_qkv(%mx, %qkv) : (!x, tensor<108x36xf32>) -> {tensor("?", "?", 108)}
  %old = tensor.expand_shape %pm [[0], [1], [2, 3, 4]] output_shape [%b, %c16, 3, 3, 12] : {tensor("?", "?", 108)} into {packed}
  %qs = tensor.extract_slice %own[0, 0, 0, 0, 0] [%b, %t, 1, 3, 12] [1, 1, 1, 1, 1] : {packed} to {tensor("?", "?", 1, 3, 12)}
  %q = tensor.collapse_shape %qs [[0], [1], [2, 3], [4]] : {tensor("?", "?", 1, 3, 12)} into !heads
{call("%qu", "plus", "%q", "%u")}
{call("%qv", "plus", "%q", "%v")}
{call("%places", "places", "%qv", "%r")}
{call("%slots", "slots", "%count")}
  %held = arith.minui %count, %c16 : index
  %e = tensor.empty(%b, %t) : !heads
  %heads = attn.attention softmax scale({12 ** -0.5})
      query %qu[b, i, g, d] : !heads
      source %old[b, j, 1, g, d], %old[b, j, 2, g, v] : {packed}, {packed} positions %slots[j] : tensor<16xi32> valid %held
      source %own[b, j, 1, g, d], %own[b, j, 2, g, v] : {packed}, {packed}
      captures %places : tensor<?x?x3x?xf32>
      into %e[b, i, g, v] : !heads
      score(%s, %bi, %hi, %i, %j, %n, %place) {{
        %scale_f64 = arith.constant {12 ** -0.5} : f64
        %scale = arith.truncf %scale_f64 : f64 to f32
        %zero = arith.constant 0 : index
        %d = arith.subi %i, %j : index
        %distance = arith.maxsi %d, %zero : index  // keys that the mask hides
        %there = tensor.extract %place[%bi, %i, %hi, %distance] : tensor<?x?x3x?xf32>
        %scaled = arith.mulf %there, %scale : f32
        %sum = arith.addf %s, %scaled : f32
        attn.yield %sum : f32
      }}
      mask(%bi, %hi, %i, %j, %n, %place) {{
        %past = arith.cmpi sle, %j, %i : index
        attn.yield %past : i1
      }}
  return %heads : !heads
""", "Tokens see all of the memory and, up to themselves, each other. Positions count from the call's first token: those of\nthe memory are negative.")


def slots():
    return function("slots", {"count": "index"}, ["tensor<16xi32>"], """
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %last = arith.subi %count, %c1 : index
  %e = tensor.empty() : tensor<16xi32>
  %p = linalg.generic {indexing_maps = [affine_map<(s) -> (s)>], iterator_types = ["parallel"]} outs(%e : tensor<16xi32>) {
  ^bb0(%out: i32):
    %s = linalg.index 0 : index
    %behind = arith.subi %last, %s : index
    %back = arith.remsi %behind, %c16 : index
    %one_up = arith.addi %back, %c1 : index
    %up = arith.index_cast %one_up : index to i32
    %zero = arith.constant 0 : i32
    %r = arith.subi %zero, %up : i32
    linalg.yield %r : i32
  } -> tensor<16xi32>
  return %p : tensor<16xi32>
""", "The position of each slot's row, relative to the next token: -1 is the last one.")


def entry():
    body = []
    for l in range(LAYERS):
        mem = f"[{l}, 0, 0, 0] [1, %b, 16, 36] [1, 1, 1, 1] : "
        body += LAYER.loads(l) + [f"  %m_{l} = tensor.extract_slice %mems_{l}{mem}!mems to !mem",
                                  call(f"%heads_{l}", "attend", f"%h_{l}", f"%m_{l}", "%count", *LAYER.of(ATTEND, l)),
                                  f"  %mn_{l} = attn.ring_append %h_{l} into %m_{l} along 1 count(%count) : !x, !mem",
                                  f"  %mems_{l + 1} = tensor.insert_slice %mn_{l} into %mems_{l}{mem}!mem into !mems",
                                  call(f"%h_{l + 1}", "rest", f"%h_{l}", f"%heads_{l}", *LAYER.of(REST, l))]
    return f"""
// A call is a segment: within it all tokens see all of the memory, so results depend on how tokens are cut into calls.
func.func @main(%tokens: tensor<?x?xi32> {{attnc.name = "tokens", attnc.dims = ["B", "T"]}},
                %mems_0: !mems {{attnc.state = "mem", attnc.dims = ["B"], attnc.ring = {{along = 2, count = "count"}}}}, %seen: tensor<i32> {{attnc.state = "count"}})
    -> (tensor<?x?x50xf32> {{attnc.name = "logits", attnc.dims = ["B", "T"]}}, !mems {{attnc.state = "mem"}}, tensor<i32> {{attnc.state = "count"}}) {{
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %tokens, %c0 : tensor<?x?xi32>
  %t = tensor.dim %tokens, %c1 : tensor<?x?xi32>
  %count_i32 = tensor.extract %seen[] : tensor<i32>
  %count = arith.index_cast %count_i32 : i32 to index
{load("%table", "embed.weight", OTHERS["embed.weight"])}
  %h_0 = attn.gather_rows %table[%tokens] : tensor<50x36xf32>, tensor<?x?xi32> -> !x
{chr(10).join(body)}
{load("%head", "head.weight", OTHERS["head.weight"])}
{load("%head_bias", "head.bias", OTHERS["head.bias"])}
{call("%logits", "linear_head", "%h_2", "%head", "%head_bias")}
  %sum = arith.addi %count, %t : index
  %sum_i32 = arith.index_cast %sum : index to i32
  %seen_next = tensor.insert %sum_i32 into %seen[] : tensor<i32>
  return %logits, %mems_2, %seen_next : tensor<?x?x50xf32>, !mems, tensor<i32>
}}
"""


def main():
    print(HEADER + "\n" + weights(OTHERS | LAYER.shapes(LAYERS)))
    print("".join([*parts(), slots(), attend(), entry()]), end="")


main()
