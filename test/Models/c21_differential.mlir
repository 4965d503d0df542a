// c21_differential: differential attention, two layers with residuals (models.md C21).
#x = affine_map<(b, t, n, k) -> (b, t, k)>
#w = affine_map<(b, t, n, k) -> (n, k)>
#y = affine_map<(b, t, n, k) -> (b, t, n)>
#all = affine_map<(b, t, c) -> (b, t, c)>
#heads = affine_map<(b, t, h, c) -> (b, t, h, c)>
#one = affine_map<(b, t, h, c) -> ()>
!x = tensor<?x?x32xf32>
!heads = tensor<?x?x3x16xf32>  // values and outputs are twice as wide
!pairs = tensor<?x?x3x3x2x8xf32>  // queries, keys: two of each a head
!wide = tensor<?x?x3x3x16xf32>
!vec = tensor<8xf32>

ml_program.global private @"layers.0.attention.qkv.weight"(#ml_program.extern : tensor<144x32xf32>) : tensor<144x32xf32>
ml_program.global private @"layers.0.attention.lambda_q1"(#ml_program.extern : tensor<8xf32>) : tensor<8xf32>
ml_program.global private @"layers.0.attention.lambda_k1"(#ml_program.extern : tensor<8xf32>) : tensor<8xf32>
ml_program.global private @"layers.0.attention.lambda_q2"(#ml_program.extern : tensor<8xf32>) : tensor<8xf32>
ml_program.global private @"layers.0.attention.lambda_k2"(#ml_program.extern : tensor<8xf32>) : tensor<8xf32>
ml_program.global private @"layers.0.attention.subln.weight"(#ml_program.extern : tensor<16xf32>) : tensor<16xf32>
ml_program.global private @"layers.0.attention.out.weight"(#ml_program.extern : tensor<32x48xf32>) : tensor<32x48xf32>
ml_program.global private @"layers.1.attention.qkv.weight"(#ml_program.extern : tensor<144x32xf32>) : tensor<144x32xf32>
ml_program.global private @"layers.1.attention.lambda_q1"(#ml_program.extern : tensor<8xf32>) : tensor<8xf32>
ml_program.global private @"layers.1.attention.lambda_k1"(#ml_program.extern : tensor<8xf32>) : tensor<8xf32>
ml_program.global private @"layers.1.attention.lambda_q2"(#ml_program.extern : tensor<8xf32>) : tensor<8xf32>
ml_program.global private @"layers.1.attention.lambda_k2"(#ml_program.extern : tensor<8xf32>) : tensor<8xf32>
ml_program.global private @"layers.1.attention.subln.weight"(#ml_program.extern : tensor<16xf32>) : tensor<16xf32>
ml_program.global private @"layers.1.attention.out.weight"(#ml_program.extern : tensor<32x48xf32>) : tensor<32x48xf32>

// x W^T.
func.func private @linear_qkv(%x: tensor<?x?x32xf32>, %w: tensor<144x32xf32>) -> (tensor<?x?x144xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : tensor<?x?x32xf32>
  %t = tensor.dim %x, %c1 : tensor<?x?x32xf32>
  %e = tensor.empty(%b, %t) : tensor<?x?x144xf32>
  %zero = arith.constant 0.0 : f32
  %s = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x144xf32>) -> tensor<?x?x144xf32>
  %y = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : tensor<?x?x32xf32>, tensor<144x32xf32>) outs(%s : tensor<?x?x144xf32>) -> tensor<?x?x144xf32>
  return %y : tensor<?x?x144xf32>
}

// x W^T.
func.func private @linear_out(%x: tensor<?x?x48xf32>, %w: tensor<32x48xf32>) -> (tensor<?x?x32xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : tensor<?x?x48xf32>
  %t = tensor.dim %x, %c1 : tensor<?x?x48xf32>
  %e = tensor.empty(%b, %t) : tensor<?x?x32xf32>
  %zero = arith.constant 0.0 : f32
  %s = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x32xf32>) -> tensor<?x?x32xf32>
  %y = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : tensor<?x?x48xf32>, tensor<32x48xf32>) outs(%s : tensor<?x?x32xf32>) -> tensor<?x?x32xf32>
  return %y : tensor<?x?x32xf32>
}

// λ = exp(λq1·λk1) - exp(λq2·λk2) + λ_init.
func.func private @lambda(%q1: !vec, %k1: !vec, %q2: !vec, %k2: !vec, %start: f32) -> (tensor<f32>) {
  %zero = arith.constant dense<0.0> : tensor<f32>
  %first = linalg.dot ins(%q1, %k1 : !vec, !vec) outs(%zero : tensor<f32>) -> tensor<f32>
  %second = linalg.dot ins(%q2, %k2 : !vec, !vec) outs(%zero : tensor<f32>) -> tensor<f32>
  %a = math.exp %first : tensor<f32>
  %b = math.exp %second : tensor<f32>
  %d = arith.subf %a, %b : tensor<f32>
  %s = tensor.splat %start : tensor<f32>
  %l = arith.addf %d, %s : tensor<f32>
  return %l : tensor<f32>
}

// softmax(S1) V - λ softmax(S2) V; causal.
func.func private @attend(%h: !x, %lengths: tensor<?xi32>, %qkv: tensor<144x32xf32>, %lambda: tensor<f32>) -> (!heads) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %h, %c0 : !x
  %t = tensor.dim %h, %c1 : !x
  %p = func.call @linear_qkv(%h, %qkv) : (tensor<?x?x32xf32>, tensor<144x32xf32>) -> (tensor<?x?x144xf32>)
  %wide = tensor.expand_shape %p [[0], [1], [2, 3, 4]] output_shape [%b, %t, 3, 3, 16] : tensor<?x?x144xf32> into !wide
  %pairs = tensor.expand_shape %p [[0], [1], [2, 3, 4, 5]] output_shape [%b, %t, 3, 3, 2, 8] : tensor<?x?x144xf32> into !pairs
  %e = tensor.empty(%b, %t) : !heads
  %a0 = attn.attention softmax scale(0.35355339059327379)
      query %pairs[b, i, 0, g, 0, d] : !pairs
      source %pairs[b, j, 1, g, 0, d], %wide[b, j, 2, g, v] : !pairs, !wide valid %lengths[b] : tensor<?xi32>
      into %e[b, i, g, v] : !heads
      mask(%bi, %hi, %i, %j, %n) {
        %past = arith.cmpi sle, %j, %i : index
        attn.yield %past : i1
      }
  %a1 = attn.attention softmax scale(0.35355339059327379)
      query %pairs[b, i, 0, g, 1, d] : !pairs
      source %pairs[b, j, 1, g, 1, d], %wide[b, j, 2, g, v] : !pairs, !wide valid %lengths[b] : tensor<?xi32>
      into %e[b, i, g, v] : !heads
      mask(%bi, %hi, %i, %j, %n) {
        %past = arith.cmpi sle, %j, %i : index
        attn.yield %past : i1
      }
  %d = linalg.generic {indexing_maps = [#heads, #heads, #one, #heads], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%a0, %a1, %lambda : !heads, !heads, tensor<f32>) outs(%e : !heads) {
  ^bb0(%u: f32, %v: f32, %l: f32, %out: f32):
    %m = arith.mulf %l, %v : f32
    %r = arith.subf %u, %m : f32
    linalg.yield %r : f32
  } -> !heads
  return %d : !heads
}

// (1 - λ_init) RMSNorm of each head, then all heads projected.
func.func private @merge(%heads: !heads, %subln: tensor<16xf32>, %factor: f32, %out: tensor<32x48xf32>) -> (!x) {
  %n = attn.rms_norm %heads weight(%subln : tensor<16xf32>) eps(1.0e-5) : !heads
  %s = linalg.generic {indexing_maps = [#heads], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} outs(%n : !heads) {
  ^bb0(%u: f32):
    %r = arith.mulf %u, %factor : f32
    linalg.yield %r : f32
  } -> !heads
  %a = tensor.collapse_shape %s [[0], [1], [2, 3]] : !heads into tensor<?x?x48xf32>
  %y = func.call @linear_out(%a, %out) : (tensor<?x?x48xf32>, tensor<32x48xf32>) -> (tensor<?x?x32xf32>)
  return %y : !x
}

func.func @main(%h_0: !x {attnc.name = "x", attnc.dims = ["B", "T"]}, %lengths: tensor<?xi32> {attnc.name = "lengths", attnc.dims = ["B"]})
    -> (!x {attnc.name = "y", attnc.dims = ["B", "T"]}) {
  %one = arith.constant 1.0 : f64
  %qkv_0 = ml_program.global_load_const @"layers.0.attention.qkv.weight" : tensor<144x32xf32>
  %q1_0 = ml_program.global_load_const @"layers.0.attention.lambda_q1" : tensor<8xf32>
  %k1_0 = ml_program.global_load_const @"layers.0.attention.lambda_k1" : tensor<8xf32>
  %q2_0 = ml_program.global_load_const @"layers.0.attention.lambda_q2" : tensor<8xf32>
  %k2_0 = ml_program.global_load_const @"layers.0.attention.lambda_k2" : tensor<8xf32>
  %subln_0 = ml_program.global_load_const @"layers.0.attention.subln.weight" : tensor<16xf32>
  %out_0 = ml_program.global_load_const @"layers.0.attention.out.weight" : tensor<32x48xf32>
  %init_0 = arith.constant 0.20000000000000007 : f64  // 0.8 - 0.6 exp(-0.3 · 0)
  %rest_0 = arith.subf %one, %init_0 : f64
  %start_0 = arith.truncf %init_0 : f64 to f32
  %factor_0 = arith.truncf %rest_0 : f64 to f32
  %lambda_0 = func.call @lambda(%q1_0, %k1_0, %q2_0, %k2_0, %start_0) : (!vec, !vec, !vec, !vec, f32) -> (tensor<f32>)
  %heads_0 = func.call @attend(%h_0, %lengths, %qkv_0, %lambda_0) : (!x, tensor<?xi32>, tensor<144x32xf32>, tensor<f32>) -> (!heads)
  %o_0 = func.call @merge(%heads_0, %subln_0, %factor_0, %out_0) : (!heads, tensor<16xf32>, f32, tensor<32x48xf32>) -> (!x)
  %h_1 = arith.addf %h_0, %o_0 : !x
  %qkv_1 = ml_program.global_load_const @"layers.1.attention.qkv.weight" : tensor<144x32xf32>
  %q1_1 = ml_program.global_load_const @"layers.1.attention.lambda_q1" : tensor<8xf32>
  %k1_1 = ml_program.global_load_const @"layers.1.attention.lambda_k1" : tensor<8xf32>
  %q2_1 = ml_program.global_load_const @"layers.1.attention.lambda_q2" : tensor<8xf32>
  %k2_1 = ml_program.global_load_const @"layers.1.attention.lambda_k2" : tensor<8xf32>
  %subln_1 = ml_program.global_load_const @"layers.1.attention.subln.weight" : tensor<16xf32>
  %out_1 = ml_program.global_load_const @"layers.1.attention.out.weight" : tensor<32x48xf32>
  %init_1 = arith.constant 0.35550906759096934 : f64  // 0.8 - 0.6 exp(-0.3 · 1)
  %rest_1 = arith.subf %one, %init_1 : f64
  %start_1 = arith.truncf %init_1 : f64 to f32
  %factor_1 = arith.truncf %rest_1 : f64 to f32
  %lambda_1 = func.call @lambda(%q1_1, %k1_1, %q2_1, %k2_1, %start_1) : (!vec, !vec, !vec, !vec, f32) -> (tensor<f32>)
  %heads_1 = func.call @attend(%h_1, %lengths, %qkv_1, %lambda_1) : (!x, tensor<?xi32>, tensor<144x32xf32>, tensor<f32>) -> (!heads)
  %o_1 = func.call @merge(%heads_1, %subln_1, %factor_1, %out_1) : (!heads, tensor<16xf32>, f32, tensor<32x48xf32>) -> (!x)
  %h_2 = arith.addf %h_1, %o_1 : !x
  return %h_2 : !x
}
