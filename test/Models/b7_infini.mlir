// b7_infini: Infini-attention; heads read a compressive memory beside attention within a segment of 8 (models.md B7).
// Made by generate_b7_infini.py.
#x = affine_map<(b, t, n, k) -> (b, t, k)>
#w = affine_map<(b, t, n, k) -> (n, k)>
#y = affine_map<(b, t, n, k) -> (b, t, n)>
#all = affine_map<(b, t, c) -> (b, t, c)>
#heads = affine_map<(b, t, h, c) -> (b, t, h, c)>
!x = tensor<?x?x32xf32>
!heads = tensor<?x?x2x16xf32>
!memory = tensor<?x2x16x16xf32>
!sums = tensor<?x2x16xf32>
!memories = tensor<2x?x2x16x16xf32>
!all_sums = tensor<2x?x2x16xf32>

ml_program.global private @"norm.weight"(#ml_program.extern : tensor<32xf32>) : tensor<32xf32>
ml_program.global private @"norm.bias"(#ml_program.extern : tensor<32xf32>) : tensor<32xf32>
ml_program.global private @"layers.0.norm1.weight"(#ml_program.extern : tensor<32xf32>) : tensor<32xf32>
ml_program.global private @"layers.0.norm1.bias"(#ml_program.extern : tensor<32xf32>) : tensor<32xf32>
ml_program.global private @"layers.0.attention.qkv.weight"(#ml_program.extern : tensor<96x32xf32>) : tensor<96x32xf32>
ml_program.global private @"layers.0.attention.beta"(#ml_program.extern : tensor<2xf32>) : tensor<2xf32>
ml_program.global private @"layers.0.attention.out.weight"(#ml_program.extern : tensor<32x32xf32>) : tensor<32x32xf32>
ml_program.global private @"layers.0.norm2.weight"(#ml_program.extern : tensor<32xf32>) : tensor<32xf32>
ml_program.global private @"layers.0.norm2.bias"(#ml_program.extern : tensor<32xf32>) : tensor<32xf32>
ml_program.global private @"layers.0.ffn.up.weight"(#ml_program.extern : tensor<48x32xf32>) : tensor<48x32xf32>
ml_program.global private @"layers.0.ffn.up.bias"(#ml_program.extern : tensor<48xf32>) : tensor<48xf32>
ml_program.global private @"layers.0.ffn.down.weight"(#ml_program.extern : tensor<32x48xf32>) : tensor<32x48xf32>
ml_program.global private @"layers.0.ffn.down.bias"(#ml_program.extern : tensor<32xf32>) : tensor<32xf32>
ml_program.global private @"layers.1.norm1.weight"(#ml_program.extern : tensor<32xf32>) : tensor<32xf32>
ml_program.global private @"layers.1.norm1.bias"(#ml_program.extern : tensor<32xf32>) : tensor<32xf32>
ml_program.global private @"layers.1.attention.qkv.weight"(#ml_program.extern : tensor<96x32xf32>) : tensor<96x32xf32>
ml_program.global private @"layers.1.attention.beta"(#ml_program.extern : tensor<2xf32>) : tensor<2xf32>
ml_program.global private @"layers.1.attention.out.weight"(#ml_program.extern : tensor<32x32xf32>) : tensor<32x32xf32>
ml_program.global private @"layers.1.norm2.weight"(#ml_program.extern : tensor<32xf32>) : tensor<32xf32>
ml_program.global private @"layers.1.norm2.bias"(#ml_program.extern : tensor<32xf32>) : tensor<32xf32>
ml_program.global private @"layers.1.ffn.up.weight"(#ml_program.extern : tensor<48x32xf32>) : tensor<48x32xf32>
ml_program.global private @"layers.1.ffn.up.bias"(#ml_program.extern : tensor<48xf32>) : tensor<48xf32>
ml_program.global private @"layers.1.ffn.down.weight"(#ml_program.extern : tensor<32x48xf32>) : tensor<32x48xf32>
ml_program.global private @"layers.1.ffn.down.bias"(#ml_program.extern : tensor<32xf32>) : tensor<32xf32>

// x W^T.
func.func private @linear_qkv(%x: tensor<?x?x32xf32>, %w: tensor<96x32xf32>) -> (tensor<?x?x96xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : tensor<?x?x32xf32>
  %t = tensor.dim %x, %c1 : tensor<?x?x32xf32>
  %e = tensor.empty(%b, %t) : tensor<?x?x96xf32>
  %zero = arith.constant 0.0 : f32
  %s = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x96xf32>) -> tensor<?x?x96xf32>
  %y = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : tensor<?x?x32xf32>, tensor<96x32xf32>) outs(%s : tensor<?x?x96xf32>) -> tensor<?x?x96xf32>
  return %y : tensor<?x?x96xf32>
}

// x W^T.
func.func private @linear_out(%x: tensor<?x?x32xf32>, %w: tensor<32x32xf32>) -> (tensor<?x?x32xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : tensor<?x?x32xf32>
  %t = tensor.dim %x, %c1 : tensor<?x?x32xf32>
  %e = tensor.empty(%b, %t) : tensor<?x?x32xf32>
  %zero = arith.constant 0.0 : f32
  %s = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x32xf32>) -> tensor<?x?x32xf32>
  %y = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : tensor<?x?x32xf32>, tensor<32x32xf32>) outs(%s : tensor<?x?x32xf32>) -> tensor<?x?x32xf32>
  return %y : tensor<?x?x32xf32>
}

// x W^T + b.
func.func private @linear_up(%x: tensor<?x?x32xf32>, %w: tensor<48x32xf32>, %bias: tensor<48xf32>) -> (tensor<?x?x48xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : tensor<?x?x32xf32>
  %t = tensor.dim %x, %c1 : tensor<?x?x32xf32>
  %e = tensor.empty(%b, %t) : tensor<?x?x48xf32>
  %s = linalg.broadcast ins(%bias : tensor<48xf32>) outs(%e : tensor<?x?x48xf32>) dimensions = [0, 1]
  %y = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : tensor<?x?x32xf32>, tensor<48x32xf32>) outs(%s : tensor<?x?x48xf32>) -> tensor<?x?x48xf32>
  return %y : tensor<?x?x48xf32>
}

// x W^T + b.
func.func private @linear_down(%x: tensor<?x?x48xf32>, %w: tensor<32x48xf32>, %bias: tensor<32xf32>) -> (tensor<?x?x32xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : tensor<?x?x48xf32>
  %t = tensor.dim %x, %c1 : tensor<?x?x48xf32>
  %e = tensor.empty(%b, %t) : tensor<?x?x32xf32>
  %s = linalg.broadcast ins(%bias : tensor<32xf32>) outs(%e : tensor<?x?x32xf32>) dimensions = [0, 1]
  %y = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : tensor<?x?x48xf32>, tensor<32x48xf32>) outs(%s : tensor<?x?x32xf32>) -> tensor<?x?x32xf32>
  return %y : tensor<?x?x32xf32>
}

// x Φ(x).
func.func private @gelu(%x: tensor<?x?x48xf32>) -> (tensor<?x?x48xf32>) {
  %half = arith.constant 0.5 : f32
  %one = arith.constant 1.0 : f32
  %root_f64 = arith.constant 0.70710678118654757 : f64
  %root = arith.truncf %root_f64 : f64 to f32
  %y = linalg.generic {indexing_maps = [#all], iterator_types = ["parallel", "parallel", "parallel"]} outs(%x : tensor<?x?x48xf32>) {
  ^bb0(%u: f32):
    %s = arith.mulf %u, %root : f32
    %e = math.erf %s : f32
    %p = arith.addf %e, %one : f32
    %h = arith.mulf %u, %half : f32
    %g = arith.mulf %h, %p : f32
    linalg.yield %g : f32
  } -> tensor<?x?x48xf32>
  return %y : tensor<?x?x48xf32>
}

// Queries, keys and values of LN x, not rotated.
func.func private @project(%x: !x, %g1: tensor<32xf32>, %b1: tensor<32xf32>, %qkv: tensor<96x32xf32>) -> (!heads, !heads, !heads) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : !x
  %t = tensor.dim %x, %c1 : !x
  %n = attn.layer_norm %x weight(%g1 : tensor<32xf32>) bias(%b1 : tensor<32xf32>) eps(1.0e-5) : !x
  %p = func.call @linear_qkv(%n, %qkv) : (tensor<?x?x32xf32>, tensor<96x32xf32>) -> (tensor<?x?x96xf32>)
  %s = tensor.expand_shape %p [[0], [1], [2, 3, 4]] output_shape [%b, %t, 3, 2, 16] : tensor<?x?x96xf32> into tensor<?x?x3x2x16xf32>
  %qs = tensor.extract_slice %s[0, 0, 0, 0, 0] [%b, %t, 1, 2, 16] [1, 1, 1, 1, 1] : tensor<?x?x3x2x16xf32> to tensor<?x?x1x2x16xf32>
  %q = tensor.collapse_shape %qs [[0], [1], [2, 3], [4]] : tensor<?x?x1x2x16xf32> into !heads
  %ks = tensor.extract_slice %s[0, 0, 1, 0, 0] [%b, %t, 1, 2, 16] [1, 1, 1, 1, 1] : tensor<?x?x3x2x16xf32> to tensor<?x?x1x2x16xf32>
  %k = tensor.collapse_shape %ks [[0], [1], [2, 3], [4]] : tensor<?x?x1x2x16xf32> into !heads
  %vs = tensor.extract_slice %s[0, 0, 2, 0, 0] [%b, %t, 1, 2, 16] [1, 1, 1, 1, 1] : tensor<?x?x3x2x16xf32> to tensor<?x?x1x2x16xf32>
  %v = tensor.collapse_shape %vs [[0], [1], [2, 3], [4]] : tensor<?x?x1x2x16xf32> into !heads
  return %q, %k, %v : !heads, !heads, !heads
}

// Causal attention within the segment, rotated from its start on.
func.func private @local(%q: !heads, %k: !heads, %v: !heads) -> (!heads) {
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
}

// elu(x) + 1.
func.func private @phi(%x: !heads) -> (!heads) {
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
}

// φ(Q) M / (φ(Q) z), gated with the local heads; those alone where the memory is empty.
func.func private @read(%q: !heads, %memory: !memory, %sums: !sums, %local: !heads, %beta: tensor<2xf32>) -> (!heads) {
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
}

// M + φ(K)ᵀ V, z + Σ φ(K).
func.func private @remember(%k: !heads, %v: !heads, %memory: !memory, %sums: !sums) -> (!memory, !sums) {
  %m = linalg.contract indexing_maps = [affine_map<(b, h, k, v, t) -> (b, t, h, k)>, affine_map<(b, h, k, v, t) -> (b, t, h, v)>, affine_map<(b, h, k, v, t) -> (b, h, k, v)>]
      ins(%k, %v : !heads, !heads) outs(%memory : !memory) -> !memory
  %s = linalg.reduce ins(%k : !heads) outs(%sums : !sums) dimensions = [1]
      (%new: f32, %sum: f32) {
        %r = arith.addf %sum, %new : f32
        linalg.yield %r : f32
      }
  return %m, %s : !memory, !sums
}

// A = h + out(heads), then A + W_down gelu(W_up LN A).
func.func private @rest(%h: !x, %heads: !heads, %out: tensor<32x32xf32>, %g2: tensor<32xf32>, %b2: tensor<32xf32>, %up: tensor<48x32xf32>, %up_bias: tensor<48xf32>, %down: tensor<32x48xf32>, %down_bias: tensor<32xf32>) -> (!x) {
  %a0 = tensor.collapse_shape %heads [[0], [1], [2, 3]] : !heads into !x
  %a1 = func.call @linear_out(%a0, %out) : (tensor<?x?x32xf32>, tensor<32x32xf32>) -> (tensor<?x?x32xf32>)
  %a = arith.addf %h, %a1 : !x
  %n = attn.layer_norm %a weight(%g2 : tensor<32xf32>) bias(%b2 : tensor<32xf32>) eps(1.0e-5) : !x
  %u = func.call @linear_up(%n, %up, %up_bias) : (tensor<?x?x32xf32>, tensor<48x32xf32>, tensor<48xf32>) -> (tensor<?x?x48xf32>)
  %g = func.call @gelu(%u) : (tensor<?x?x48xf32>) -> (tensor<?x?x48xf32>)
  %d = func.call @linear_down(%g, %down, %down_bias) : (tensor<?x?x48xf32>, tensor<32x48xf32>, tensor<32xf32>) -> (tensor<?x?x32xf32>)
  %y = arith.addf %a, %d : !x
  return %y : !x
}

// A segment through a layer; it reads the memory of the segments before.
func.func private @layer(%h: !x, %memory: !memory, %sums: !sums, %g1: tensor<32xf32>, %b1: tensor<32xf32>, %qkv: tensor<96x32xf32>, %beta: tensor<2xf32>, %out: tensor<32x32xf32>, %g2: tensor<32xf32>, %b2: tensor<32xf32>, %up: tensor<48x32xf32>, %up_bias: tensor<48xf32>, %down: tensor<32x48xf32>, %down_bias: tensor<32xf32>) -> (!x, !memory, !sums) {
  %q, %k, %v = func.call @project(%h, %g1, %b1, %qkv) : (!x, tensor<32xf32>, tensor<32xf32>, tensor<96x32xf32>) -> (!heads, !heads, !heads)
  %local = func.call @local(%q, %k, %v) : (!heads, !heads, !heads) -> (!heads)
  %fq = func.call @phi(%q) : (!heads) -> (!heads)
  %fk = func.call @phi(%k) : (!heads) -> (!heads)
  %heads = func.call @read(%fq, %memory, %sums, %local, %beta) : (!heads, !memory, !sums, !heads, tensor<2xf32>) -> (!heads)
  %m, %s = func.call @remember(%fk, %v, %memory, %sums) : (!heads, !heads, !memory, !sums) -> (!memory, !sums)
  %y = func.call @rest(%h, %heads, %out, %g2, %b2, %up, %up_bias, %down, %down_bias) : (!x, !heads, tensor<32x32xf32>, tensor<32xf32>, tensor<32xf32>, tensor<48x32xf32>, tensor<48xf32>, tensor<32x48xf32>, tensor<32xf32>) -> (!x)
  return %y, %m, %s : !x, !memory, !sums
}

func.func @main(%x: !x {attnc.name = "x", attnc.dims = ["B", "T"]}, %memory: !memories {attnc.state = "memory", attnc.dims = ["B"]},
                %norm: !all_sums {attnc.state = "norm", attnc.dims = ["B"]})
    -> (!x {attnc.name = "y", attnc.dims = ["B", "T"]}, !memories {attnc.state = "memory"}, !all_sums {attnc.state = "norm"}) {
  %c0 = arith.constant 0 : index
  %b = tensor.dim %x, %c0 : !x
  %h, %memory_end, %norm_end = loop.segment size 8 number(%n) blocks(%h_0 = %x along 1 : !x)
      carry(%ms_0 = %memory : !memories, %zs_0 = %norm : !all_sums) -> (along 1 : !x) {
    %m_0 = tensor.extract_slice %ms_0[0, 0, 0, 0, 0] [1, %b, 2, 16, 16] [1, 1, 1, 1, 1] : !memories to !memory
    %z_0 = tensor.extract_slice %zs_0[0, 0, 0, 0] [1, %b, 2, 16] [1, 1, 1, 1] : !all_sums to !sums
    %g1_0 = ml_program.global_load_const @"layers.0.norm1.weight" : tensor<32xf32>
    %b1_0 = ml_program.global_load_const @"layers.0.norm1.bias" : tensor<32xf32>
    %qkv_0 = ml_program.global_load_const @"layers.0.attention.qkv.weight" : tensor<96x32xf32>
    %beta_0 = ml_program.global_load_const @"layers.0.attention.beta" : tensor<2xf32>
    %out_0 = ml_program.global_load_const @"layers.0.attention.out.weight" : tensor<32x32xf32>
    %g2_0 = ml_program.global_load_const @"layers.0.norm2.weight" : tensor<32xf32>
    %b2_0 = ml_program.global_load_const @"layers.0.norm2.bias" : tensor<32xf32>
    %up_0 = ml_program.global_load_const @"layers.0.ffn.up.weight" : tensor<48x32xf32>
    %up_bias_0 = ml_program.global_load_const @"layers.0.ffn.up.bias" : tensor<48xf32>
    %down_0 = ml_program.global_load_const @"layers.0.ffn.down.weight" : tensor<32x48xf32>
    %down_bias_0 = ml_program.global_load_const @"layers.0.ffn.down.bias" : tensor<32xf32>
    %h_1, %mn_0, %zn_0 = func.call @layer(%h_0, %m_0, %z_0, %g1_0, %b1_0, %qkv_0, %beta_0, %out_0, %g2_0, %b2_0, %up_0, %up_bias_0, %down_0, %down_bias_0) : (!x, !memory, !sums, tensor<32xf32>, tensor<32xf32>, tensor<96x32xf32>, tensor<2xf32>, tensor<32x32xf32>, tensor<32xf32>, tensor<32xf32>, tensor<48x32xf32>, tensor<48xf32>, tensor<32x48xf32>, tensor<32xf32>) -> (!x, !memory, !sums)
    %ms_1 = tensor.insert_slice %mn_0 into %ms_0[0, 0, 0, 0, 0] [1, %b, 2, 16, 16] [1, 1, 1, 1, 1] : !memory into !memories
    %zs_1 = tensor.insert_slice %zn_0 into %zs_0[0, 0, 0, 0] [1, %b, 2, 16] [1, 1, 1, 1] : !sums into !all_sums
    %m_1 = tensor.extract_slice %ms_1[1, 0, 0, 0, 0] [1, %b, 2, 16, 16] [1, 1, 1, 1, 1] : !memories to !memory
    %z_1 = tensor.extract_slice %zs_1[1, 0, 0, 0] [1, %b, 2, 16] [1, 1, 1, 1] : !all_sums to !sums
    %g1_1 = ml_program.global_load_const @"layers.1.norm1.weight" : tensor<32xf32>
    %b1_1 = ml_program.global_load_const @"layers.1.norm1.bias" : tensor<32xf32>
    %qkv_1 = ml_program.global_load_const @"layers.1.attention.qkv.weight" : tensor<96x32xf32>
    %beta_1 = ml_program.global_load_const @"layers.1.attention.beta" : tensor<2xf32>
    %out_1 = ml_program.global_load_const @"layers.1.attention.out.weight" : tensor<32x32xf32>
    %g2_1 = ml_program.global_load_const @"layers.1.norm2.weight" : tensor<32xf32>
    %b2_1 = ml_program.global_load_const @"layers.1.norm2.bias" : tensor<32xf32>
    %up_1 = ml_program.global_load_const @"layers.1.ffn.up.weight" : tensor<48x32xf32>
    %up_bias_1 = ml_program.global_load_const @"layers.1.ffn.up.bias" : tensor<48xf32>
    %down_1 = ml_program.global_load_const @"layers.1.ffn.down.weight" : tensor<32x48xf32>
    %down_bias_1 = ml_program.global_load_const @"layers.1.ffn.down.bias" : tensor<32xf32>
    %h_2, %mn_1, %zn_1 = func.call @layer(%h_1, %m_1, %z_1, %g1_1, %b1_1, %qkv_1, %beta_1, %out_1, %g2_1, %b2_1, %up_1, %up_bias_1, %down_1, %down_bias_1) : (!x, !memory, !sums, tensor<32xf32>, tensor<32xf32>, tensor<96x32xf32>, tensor<2xf32>, tensor<32x32xf32>, tensor<32xf32>, tensor<32xf32>, tensor<48x32xf32>, tensor<48xf32>, tensor<32x48xf32>, tensor<32xf32>) -> (!x, !memory, !sums)
    %ms_2 = tensor.insert_slice %mn_1 into %ms_1[1, 0, 0, 0, 0] [1, %b, 2, 16, 16] [1, 1, 1, 1, 1] : !memory into !memories
    %zs_2 = tensor.insert_slice %zn_1 into %zs_1[1, 0, 0, 0] [1, %b, 2, 16] [1, 1, 1, 1] : !sums into !all_sums
    loop.yield %h_2, %ms_2, %zs_2 : !x, !memories, !all_sums
  }
  %g = ml_program.global_load_const @"norm.weight" : tensor<32xf32>
  %bias = ml_program.global_load_const @"norm.bias" : tensor<32xf32>
  %y = attn.layer_norm %h weight(%g : tensor<32xf32>) bias(%bias : tensor<32xf32>) eps(1.0e-5) : !x
  return %y, %memory_end, %norm_end : !x, !memories, !all_sums
}
