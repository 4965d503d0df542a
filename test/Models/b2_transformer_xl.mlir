// b2_transformer_xl: Transformer-XL, a decoder whose layers remember their last 16 inputs over segments (models.md B2).
// Made by generate_b2_transformer_xl.py.
#x = affine_map<(b, t, n, k) -> (b, t, k)>
#w = affine_map<(b, t, n, k) -> (n, k)>
#y = affine_map<(b, t, n, k) -> (b, t, n)>
#all = affine_map<(b, t, c) -> (b, t, c)>
!x = tensor<?x?x36xf32>
!heads = tensor<?x?x3x12xf32>
!mem = tensor<?x16x36xf32>
!mems = tensor<2x?x16x36xf32>

ml_program.global private @"embed.weight"(#ml_program.extern : tensor<50x36xf32>) : tensor<50x36xf32>
ml_program.global private @"head.weight"(#ml_program.extern : tensor<50x36xf32>) : tensor<50x36xf32>
ml_program.global private @"head.bias"(#ml_program.extern : tensor<50xf32>) : tensor<50xf32>
ml_program.global private @"layers.0.attention.qkv.weight"(#ml_program.extern : tensor<108x36xf32>) : tensor<108x36xf32>
ml_program.global private @"layers.0.attention.r.weight"(#ml_program.extern : tensor<36x36xf32>) : tensor<36x36xf32>
ml_program.global private @"layers.0.attention.u"(#ml_program.extern : tensor<3x12xf32>) : tensor<3x12xf32>
ml_program.global private @"layers.0.attention.v"(#ml_program.extern : tensor<3x12xf32>) : tensor<3x12xf32>
ml_program.global private @"layers.0.attention.out.weight"(#ml_program.extern : tensor<36x36xf32>) : tensor<36x36xf32>
ml_program.global private @"layers.0.norm1.weight"(#ml_program.extern : tensor<36xf32>) : tensor<36xf32>
ml_program.global private @"layers.0.norm1.bias"(#ml_program.extern : tensor<36xf32>) : tensor<36xf32>
ml_program.global private @"layers.0.ffn.up.weight"(#ml_program.extern : tensor<64x36xf32>) : tensor<64x36xf32>
ml_program.global private @"layers.0.ffn.up.bias"(#ml_program.extern : tensor<64xf32>) : tensor<64xf32>
ml_program.global private @"layers.0.ffn.down.weight"(#ml_program.extern : tensor<36x64xf32>) : tensor<36x64xf32>
ml_program.global private @"layers.0.ffn.down.bias"(#ml_program.extern : tensor<36xf32>) : tensor<36xf32>
ml_program.global private @"layers.0.norm2.weight"(#ml_program.extern : tensor<36xf32>) : tensor<36xf32>
ml_program.global private @"layers.0.norm2.bias"(#ml_program.extern : tensor<36xf32>) : tensor<36xf32>
ml_program.global private @"layers.1.attention.qkv.weight"(#ml_program.extern : tensor<108x36xf32>) : tensor<108x36xf32>
ml_program.global private @"layers.1.attention.r.weight"(#ml_program.extern : tensor<36x36xf32>) : tensor<36x36xf32>
ml_program.global private @"layers.1.attention.u"(#ml_program.extern : tensor<3x12xf32>) : tensor<3x12xf32>
ml_program.global private @"layers.1.attention.v"(#ml_program.extern : tensor<3x12xf32>) : tensor<3x12xf32>
ml_program.global private @"layers.1.attention.out.weight"(#ml_program.extern : tensor<36x36xf32>) : tensor<36x36xf32>
ml_program.global private @"layers.1.norm1.weight"(#ml_program.extern : tensor<36xf32>) : tensor<36xf32>
ml_program.global private @"layers.1.norm1.bias"(#ml_program.extern : tensor<36xf32>) : tensor<36xf32>
ml_program.global private @"layers.1.ffn.up.weight"(#ml_program.extern : tensor<64x36xf32>) : tensor<64x36xf32>
ml_program.global private @"layers.1.ffn.up.bias"(#ml_program.extern : tensor<64xf32>) : tensor<64xf32>
ml_program.global private @"layers.1.ffn.down.weight"(#ml_program.extern : tensor<36x64xf32>) : tensor<36x64xf32>
ml_program.global private @"layers.1.ffn.down.bias"(#ml_program.extern : tensor<36xf32>) : tensor<36xf32>
ml_program.global private @"layers.1.norm2.weight"(#ml_program.extern : tensor<36xf32>) : tensor<36xf32>
ml_program.global private @"layers.1.norm2.bias"(#ml_program.extern : tensor<36xf32>) : tensor<36xf32>

// x W^T.
func.func private @linear_qkv(%x: tensor<?x?x36xf32>, %w: tensor<108x36xf32>) -> (tensor<?x?x108xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : tensor<?x?x36xf32>
  %t = tensor.dim %x, %c1 : tensor<?x?x36xf32>
  %e = tensor.empty(%b, %t) : tensor<?x?x108xf32>
  %zero = arith.constant 0.0 : f32
  %s = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x108xf32>) -> tensor<?x?x108xf32>
  %y = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : tensor<?x?x36xf32>, tensor<108x36xf32>) outs(%s : tensor<?x?x108xf32>) -> tensor<?x?x108xf32>
  return %y : tensor<?x?x108xf32>
}

// x W^T.
func.func private @linear_d(%x: tensor<?x?x36xf32>, %w: tensor<36x36xf32>) -> (tensor<?x?x36xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : tensor<?x?x36xf32>
  %t = tensor.dim %x, %c1 : tensor<?x?x36xf32>
  %e = tensor.empty(%b, %t) : tensor<?x?x36xf32>
  %zero = arith.constant 0.0 : f32
  %s = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x36xf32>) -> tensor<?x?x36xf32>
  %y = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : tensor<?x?x36xf32>, tensor<36x36xf32>) outs(%s : tensor<?x?x36xf32>) -> tensor<?x?x36xf32>
  return %y : tensor<?x?x36xf32>
}

// x W^T + b.
func.func private @linear_up(%x: tensor<?x?x36xf32>, %w: tensor<64x36xf32>, %bias: tensor<64xf32>) -> (tensor<?x?x64xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : tensor<?x?x36xf32>
  %t = tensor.dim %x, %c1 : tensor<?x?x36xf32>
  %e = tensor.empty(%b, %t) : tensor<?x?x64xf32>
  %s = linalg.broadcast ins(%bias : tensor<64xf32>) outs(%e : tensor<?x?x64xf32>) dimensions = [0, 1]
  %y = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : tensor<?x?x36xf32>, tensor<64x36xf32>) outs(%s : tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  return %y : tensor<?x?x64xf32>
}

// x W^T + b.
func.func private @linear_down(%x: tensor<?x?x64xf32>, %w: tensor<36x64xf32>, %bias: tensor<36xf32>) -> (tensor<?x?x36xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : tensor<?x?x64xf32>
  %t = tensor.dim %x, %c1 : tensor<?x?x64xf32>
  %e = tensor.empty(%b, %t) : tensor<?x?x36xf32>
  %s = linalg.broadcast ins(%bias : tensor<36xf32>) outs(%e : tensor<?x?x36xf32>) dimensions = [0, 1]
  %y = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : tensor<?x?x64xf32>, tensor<36x64xf32>) outs(%s : tensor<?x?x36xf32>) -> tensor<?x?x36xf32>
  return %y : tensor<?x?x36xf32>
}

// x W^T + b.
func.func private @linear_head(%x: tensor<?x?x36xf32>, %w: tensor<50x36xf32>, %bias: tensor<50xf32>) -> (tensor<?x?x50xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : tensor<?x?x36xf32>
  %t = tensor.dim %x, %c1 : tensor<?x?x36xf32>
  %e = tensor.empty(%b, %t) : tensor<?x?x50xf32>
  %s = linalg.broadcast ins(%bias : tensor<50xf32>) outs(%e : tensor<?x?x50xf32>) dimensions = [0, 1]
  %y = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : tensor<?x?x36xf32>, tensor<50x36xf32>) outs(%s : tensor<?x?x50xf32>) -> tensor<?x?x50xf32>
  return %y : tensor<?x?x50xf32>
}

// R_p = [sin(p f); cos(p f)] of p = 0 .. rows - 1, f_c = 10000^(-2c/d).
func.func private @sinusoids(%rows: index) -> (tensor<1x?x36xf32>) {
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
}

// q + u, for every token.
func.func private @plus(%q: !heads, %u: tensor<3x12xf32>) -> (!heads) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %q, %c0 : !heads
  %t = tensor.dim %q, %c1 : !heads
  %e = tensor.empty(%b, %t) : !heads
  %all = linalg.broadcast ins(%u : tensor<3x12xf32>) outs(%e : !heads) dimensions = [0, 1]
  %s = arith.addf %q, %all : !heads
  return %s : !heads
}

// (q_i + v)·W_r R_p for each distance p up to the longest, T + 15: what the shift of Transformer-XL reads from.
func.func private @places(%q: !heads, %r: tensor<36x36xf32>) -> (tensor<?x?x3x?xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %zero = arith.constant 0.0 : f32
  %b = tensor.dim %q, %c0 : !heads
  %t = tensor.dim %q, %c1 : !heads
  %far = arith.addi %t, %c16 : index
  %s = func.call @sinusoids(%far) : (index) -> (tensor<1x?x36xf32>)
  %sx = tensor.cast %s : tensor<1x?x36xf32> to !x
  %p = func.call @linear_d(%sx, %r) : (tensor<?x?x36xf32>, tensor<36x36xf32>) -> (tensor<?x?x36xf32>)
  %p1 = tensor.cast %p : !x to tensor<1x?x36xf32>
  %p2 = tensor.collapse_shape %p1 [[0, 1], [2]] : tensor<1x?x36xf32> into tensor<?x36xf32>
  %ph = tensor.expand_shape %p2 [[0], [1, 2]] output_shape [%far, 3, 12] : tensor<?x36xf32> into tensor<?x3x12xf32>
  %e = tensor.empty(%b, %t, %far) : tensor<?x?x3x?xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x3x?xf32>) -> tensor<?x?x3x?xf32>
  %y = linalg.contract indexing_maps = [affine_map<(b, i, h, p, d) -> (b, i, h, d)>, affine_map<(b, i, h, p, d) -> (p, h, d)>, affine_map<(b, i, h, p, d) -> (b, i, h, p)>]
      ins(%q, %ph : !heads, tensor<?x3x12xf32>) outs(%f : tensor<?x?x3x?xf32>) -> tensor<?x?x3x?xf32>
  return %y : tensor<?x?x3x?xf32>
}

// A = LN(h + out(heads)), then LN(A + W_down relu(W_up A)).
func.func private @rest(%h: !x, %heads: !heads, %out: tensor<36x36xf32>, %g1: tensor<36xf32>, %b1: tensor<36xf32>, %up: tensor<64x36xf32>, %up_bias: tensor<64xf32>, %down: tensor<36x64xf32>, %down_bias: tensor<36xf32>, %g2: tensor<36xf32>, %b2: tensor<36xf32>) -> (!x) {
  %zero = arith.constant 0.0 : f32
  %a0 = tensor.collapse_shape %heads [[0], [1], [2, 3]] : !heads into !x
  %a1 = func.call @linear_d(%a0, %out) : (tensor<?x?x36xf32>, tensor<36x36xf32>) -> (tensor<?x?x36xf32>)
  %a2 = arith.addf %h, %a1 : !x
  %a = attn.layer_norm %a2 weight(%g1 : tensor<36xf32>) bias(%b1 : tensor<36xf32>) eps(1.0e-5) : !x
  %u0 = func.call @linear_up(%a, %up, %up_bias) : (tensor<?x?x36xf32>, tensor<64x36xf32>, tensor<64xf32>) -> (tensor<?x?x64xf32>)
  %u1 = linalg.generic {indexing_maps = [#all], iterator_types = ["parallel", "parallel", "parallel"]} outs(%u0 : tensor<?x?x64xf32>) {
  ^bb0(%z: f32):
    %m = arith.maximumf %z, %zero : f32
    linalg.yield %m : f32
  } -> tensor<?x?x64xf32>
  %d = func.call @linear_down(%u1, %down, %down_bias) : (tensor<?x?x64xf32>, tensor<36x64xf32>, tensor<36xf32>) -> (tensor<?x?x36xf32>)
  %y0 = arith.addf %a, %d : !x
  %y = attn.layer_norm %y0 weight(%g2 : tensor<36xf32>) bias(%b2 : tensor<36xf32>) eps(1.0e-5) : !x
  return %y : !x
}

// The position of each slot's row, relative to the next token: -1 is the last one.
func.func private @slots(%count: index) -> (tensor<16xi32>) {
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
}

// Tokens see all of the memory and, up to themselves, each other. Positions count from the call's first token: those of
// the memory are negative.
func.func private @attend(%h: !x, %mem: !mem, %count: index, %qkv: tensor<108x36xf32>, %r: tensor<36x36xf32>, %u: tensor<3x12xf32>, %v: tensor<3x12xf32>) -> (!heads) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %b = tensor.dim %h, %c0 : !x
  %t = tensor.dim %h, %c1 : !x
  %p = func.call @linear_qkv(%h, %qkv) : (!x, tensor<108x36xf32>) -> tensor<?x?x108xf32>
  %own = tensor.expand_shape %p [[0], [1], [2, 3, 4]] output_shape [%b, %t, 3, 3, 12] : tensor<?x?x108xf32> into tensor<?x?x3x3x12xf32>
  %mx = tensor.cast %mem : !mem to !x
  %pm = func.call @linear_qkv(%mx, %qkv) : (!x, tensor<108x36xf32>) -> tensor<?x?x108xf32>
  %old = tensor.expand_shape %pm [[0], [1], [2, 3, 4]] output_shape [%b, %c16, 3, 3, 12] : tensor<?x?x108xf32> into tensor<?x?x3x3x12xf32>
  %qs = tensor.extract_slice %own[0, 0, 0, 0, 0] [%b, %t, 1, 3, 12] [1, 1, 1, 1, 1] : tensor<?x?x3x3x12xf32> to tensor<?x?x1x3x12xf32>
  %q = tensor.collapse_shape %qs [[0], [1], [2, 3], [4]] : tensor<?x?x1x3x12xf32> into !heads
  %qu = func.call @plus(%q, %u) : (!heads, tensor<3x12xf32>) -> (!heads)
  %qv = func.call @plus(%q, %v) : (!heads, tensor<3x12xf32>) -> (!heads)
  %places = func.call @places(%qv, %r) : (!heads, tensor<36x36xf32>) -> (tensor<?x?x3x?xf32>)
  %slots = func.call @slots(%count) : (index) -> (tensor<16xi32>)
  %held = arith.minui %count, %c16 : index
  %e = tensor.empty(%b, %t) : !heads
  %heads = attn.attention softmax scale(0.28867513459481287)
      query %qu[b, i, g, d] : !heads
      source %old[b, j, 1, g, d], %old[b, j, 2, g, v] : tensor<?x?x3x3x12xf32>, tensor<?x?x3x3x12xf32> positions %slots[j] : tensor<16xi32> valid %held
      source %own[b, j, 1, g, d], %own[b, j, 2, g, v] : tensor<?x?x3x3x12xf32>, tensor<?x?x3x3x12xf32>
      captures %places : tensor<?x?x3x?xf32>
      into %e[b, i, g, v] : !heads
      score(%s, %bi, %hi, %i, %j, %n, %place) {
        %scale_f64 = arith.constant 0.28867513459481287 : f64
        %scale = arith.truncf %scale_f64 : f64 to f32
        %zero = arith.constant 0 : index
        %d = arith.subi %i, %j : index
        %distance = arith.maxsi %d, %zero : index  // keys that the mask hides
        %there = tensor.extract %place[%bi, %i, %hi, %distance] : tensor<?x?x3x?xf32>
        %scaled = arith.mulf %there, %scale : f32
        %sum = arith.addf %s, %scaled : f32
        attn.yield %sum : f32
      }
      mask(%bi, %hi, %i, %j, %n, %place) {
        %past = arith.cmpi sle, %j, %i : index
        attn.yield %past : i1
      }
  return %heads : !heads
}

// A call is a segment: within it all tokens see all of the memory, so results depend on how tokens are cut into calls.
func.func @main(%tokens: tensor<?x?xi32> {attnc.name = "tokens", attnc.dims = ["B", "T"]},
                %mems_0: !mems {attnc.state = "mem", attnc.dims = ["B"], attnc.ring = {along = 2, count = "count"}}, %seen: tensor<i32> {attnc.state = "count"})
    -> (tensor<?x?x50xf32> {attnc.name = "logits", attnc.dims = ["B", "T"]}, !mems {attnc.state = "mem"}, tensor<i32> {attnc.state = "count"}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %tokens, %c0 : tensor<?x?xi32>
  %t = tensor.dim %tokens, %c1 : tensor<?x?xi32>
  %count_i32 = tensor.extract %seen[] : tensor<i32>
  %count = arith.index_cast %count_i32 : i32 to index
  %table = ml_program.global_load_const @"embed.weight" : tensor<50x36xf32>
  %h_0 = attn.gather_rows %table[%tokens] : tensor<50x36xf32>, tensor<?x?xi32> -> !x
  %qkv_0 = ml_program.global_load_const @"layers.0.attention.qkv.weight" : tensor<108x36xf32>
  %r_0 = ml_program.global_load_const @"layers.0.attention.r.weight" : tensor<36x36xf32>
  %u_0 = ml_program.global_load_const @"layers.0.attention.u" : tensor<3x12xf32>
  %v_0 = ml_program.global_load_const @"layers.0.attention.v" : tensor<3x12xf32>
  %out_0 = ml_program.global_load_const @"layers.0.attention.out.weight" : tensor<36x36xf32>
  %g1_0 = ml_program.global_load_const @"layers.0.norm1.weight" : tensor<36xf32>
  %b1_0 = ml_program.global_load_const @"layers.0.norm1.bias" : tensor<36xf32>
  %up_0 = ml_program.global_load_const @"layers.0.ffn.up.weight" : tensor<64x36xf32>
  %up_bias_0 = ml_program.global_load_const @"layers.0.ffn.up.bias" : tensor<64xf32>
  %down_0 = ml_program.global_load_const @"layers.0.ffn.down.weight" : tensor<36x64xf32>
  %down_bias_0 = ml_program.global_load_const @"layers.0.ffn.down.bias" : tensor<36xf32>
  %g2_0 = ml_program.global_load_const @"layers.0.norm2.weight" : tensor<36xf32>
  %b2_0 = ml_program.global_load_const @"layers.0.norm2.bias" : tensor<36xf32>
  %m_0 = tensor.extract_slice %mems_0[0, 0, 0, 0] [1, %b, 16, 36] [1, 1, 1, 1] : !mems to !mem
  %heads_0 = func.call @attend(%h_0, %m_0, %count, %qkv_0, %r_0, %u_0, %v_0) : (!x, !mem, index, tensor<108x36xf32>, tensor<36x36xf32>, tensor<3x12xf32>, tensor<3x12xf32>) -> (!heads)
  %mn_0 = attn.ring_append %h_0 into %m_0 along 1 count(%count) : !x, !mem
  %mems_1 = tensor.insert_slice %mn_0 into %mems_0[0, 0, 0, 0] [1, %b, 16, 36] [1, 1, 1, 1] : !mem into !mems
  %h_1 = func.call @rest(%h_0, %heads_0, %out_0, %g1_0, %b1_0, %up_0, %up_bias_0, %down_0, %down_bias_0, %g2_0, %b2_0) : (!x, !heads, tensor<36x36xf32>, tensor<36xf32>, tensor<36xf32>, tensor<64x36xf32>, tensor<64xf32>, tensor<36x64xf32>, tensor<36xf32>, tensor<36xf32>, tensor<36xf32>) -> (!x)
  %qkv_1 = ml_program.global_load_const @"layers.1.attention.qkv.weight" : tensor<108x36xf32>
  %r_1 = ml_program.global_load_const @"layers.1.attention.r.weight" : tensor<36x36xf32>
  %u_1 = ml_program.global_load_const @"layers.1.attention.u" : tensor<3x12xf32>
  %v_1 = ml_program.global_load_const @"layers.1.attention.v" : tensor<3x12xf32>
  %out_1 = ml_program.global_load_const @"layers.1.attention.out.weight" : tensor<36x36xf32>
  %g1_1 = ml_program.global_load_const @"layers.1.norm1.weight" : tensor<36xf32>
  %b1_1 = ml_program.global_load_const @"layers.1.norm1.bias" : tensor<36xf32>
  %up_1 = ml_program.global_load_const @"layers.1.ffn.up.weight" : tensor<64x36xf32>
  %up_bias_1 = ml_program.global_load_const @"layers.1.ffn.up.bias" : tensor<64xf32>
  %down_1 = ml_program.global_load_const @"layers.1.ffn.down.weight" : tensor<36x64xf32>
  %down_bias_1 = ml_program.global_load_const @"layers.1.ffn.down.bias" : tensor<36xf32>
  %g2_1 = ml_program.global_load_const @"layers.1.norm2.weight" : tensor<36xf32>
  %b2_1 = ml_program.global_load_const @"layers.1.norm2.bias" : tensor<36xf32>
  %m_1 = tensor.extract_slice %mems_1[1, 0, 0, 0] [1, %b, 16, 36] [1, 1, 1, 1] : !mems to !mem
  %heads_1 = func.call @attend(%h_1, %m_1, %count, %qkv_1, %r_1, %u_1, %v_1) : (!x, !mem, index, tensor<108x36xf32>, tensor<36x36xf32>, tensor<3x12xf32>, tensor<3x12xf32>) -> (!heads)
  %mn_1 = attn.ring_append %h_1 into %m_1 along 1 count(%count) : !x, !mem
  %mems_2 = tensor.insert_slice %mn_1 into %mems_1[1, 0, 0, 0] [1, %b, 16, 36] [1, 1, 1, 1] : !mem into !mems
  %h_2 = func.call @rest(%h_1, %heads_1, %out_1, %g1_1, %b1_1, %up_1, %up_bias_1, %down_1, %down_bias_1, %g2_1, %b2_1) : (!x, !heads, tensor<36x36xf32>, tensor<36xf32>, tensor<36xf32>, tensor<64x36xf32>, tensor<64xf32>, tensor<36x64xf32>, tensor<36xf32>, tensor<36xf32>, tensor<36xf32>) -> (!x)
  %head = ml_program.global_load_const @"head.weight" : tensor<50x36xf32>
  %head_bias = ml_program.global_load_const @"head.bias" : tensor<50xf32>
  %logits = func.call @linear_head(%h_2, %head, %head_bias) : (tensor<?x?x36xf32>, tensor<50x36xf32>, tensor<50xf32>) -> (tensor<?x?x50xf32>)
  %sum = arith.addi %count, %t : index
  %sum_i32 = arith.index_cast %sum : index to i32
  %seen_next = tensor.insert %sum_i32 into %seen[] : tensor<i32>
  return %logits, %mems_2, %seen_next : tensor<?x?x50xf32>, !mems, tensor<i32>
}
