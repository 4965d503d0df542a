// c30_retention: multi-scale retention over a session (RetNet, models.md C30): S_t = γ S_{t-1} + k_t v_tᵀ, o_t = S_tᵀ q_t.
#x = affine_map<(b, t, n, k) -> (b, t, k)>
#w = affine_map<(b, t, n, k) -> (n, k)>
#y = affine_map<(b, t, n, k) -> (b, t, n)>
#all = affine_map<(b, t, c) -> (b, t, c)>
#heads = affine_map<(b, t, h, c) -> (b, t, h, c)>
!x = tensor<?x?x32xf32>
!qk = tensor<?x?x3x8xf32>
!v = tensor<?x?x3x16xf32>
!state = tensor<?x3x8x16xf32>

ml_program.global private @"attention.qkv.weight"(#ml_program.extern : tensor<96x32xf32>) : tensor<96x32xf32>
ml_program.global private @"gate.weight"(#ml_program.extern : tensor<48x32xf32>) : tensor<48x32xf32>
ml_program.global private @"attention.out.weight"(#ml_program.extern : tensor<32x48xf32>) : tensor<32x48xf32>

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
func.func private @linear_gate(%x: tensor<?x?x32xf32>, %w: tensor<48x32xf32>) -> (tensor<?x?x48xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : tensor<?x?x32xf32>
  %t = tensor.dim %x, %c1 : tensor<?x?x32xf32>
  %e = tensor.empty(%b, %t) : tensor<?x?x48xf32>
  %zero = arith.constant 0.0 : f32
  %s = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x48xf32>) -> tensor<?x?x48xf32>
  %y = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : tensor<?x?x32xf32>, tensor<48x32xf32>) outs(%s : tensor<?x?x48xf32>) -> tensor<?x?x48xf32>
  return %y : tensor<?x?x48xf32>
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

// x σ(x).
func.func private @silu(%x: tensor<?x?x48xf32>) -> (tensor<?x?x48xf32>) {
  %one = arith.constant 1.0 : f32
  %y = linalg.generic {indexing_maps = [#all], iterator_types = ["parallel", "parallel", "parallel"]} outs(%x : tensor<?x?x48xf32>) {
  ^bb0(%u: f32):
    %n = arith.negf %u : f32
    %e = math.exp %n : f32
    %d = arith.addf %e, %one : f32
    %s = arith.divf %u, %d : f32
    linalg.yield %s : f32
  } -> tensor<?x?x48xf32>
  return %y : tensor<?x?x48xf32>
}

// γ_h = 1 - 2^(-5-h).
func.func @main(%x: !x {attnc.name = "x", attnc.dims = ["B", "T"]}, %s: !state {attnc.state = "s", attnc.dims = ["B"]})
    -> (!x {attnc.name = "y", attnc.dims = ["B", "T"]}, !state {attnc.state = "s"}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : !x
  %t = tensor.dim %x, %c1 : !x
  %wqkv = ml_program.global_load_const @"attention.qkv.weight" : tensor<96x32xf32>
  %wgate = ml_program.global_load_const @"gate.weight" : tensor<48x32xf32>
  %wout = ml_program.global_load_const @"attention.out.weight" : tensor<32x48xf32>
  %p = func.call @linear_qkv(%x, %wqkv) : (tensor<?x?x32xf32>, tensor<96x32xf32>) -> (tensor<?x?x96xf32>)
  %qs = tensor.extract_slice %p[0, 0, 0] [%b, %t, 24] [1, 1, 1] : tensor<?x?x96xf32> to tensor<?x?x24xf32>
  %q = tensor.expand_shape %qs [[0], [1], [2, 3]] output_shape [%b, %t, 3, 8] : tensor<?x?x24xf32> into !qk
  %ks = tensor.extract_slice %p[0, 0, 24] [%b, %t, 24] [1, 1, 1] : tensor<?x?x96xf32> to tensor<?x?x24xf32>
  %k = tensor.expand_shape %ks [[0], [1], [2, 3]] output_shape [%b, %t, 3, 8] : tensor<?x?x24xf32> into !qk
  %vs = tensor.extract_slice %p[0, 0, 48] [%b, %t, 48] [1, 1, 1] : tensor<?x?x96xf32> to tensor<?x?x48xf32>
  %v = tensor.expand_shape %vs [[0], [1], [2, 3]] output_shape [%b, %t, 3, 16] : tensor<?x?x48xf32> into !v
  %root_f64 = arith.constant 0.3535533905932738 : f64  // 1 / √D
  %root = arith.truncf %root_f64 : f64 to f32
  %e = tensor.empty(%b, %t) : !qk
  %scaled = linalg.generic {indexing_maps = [#heads, #heads], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%k : !qk) outs(%e : !qk) {
  ^bb0(%u: f32, %out: f32):
    %r = arith.mulf %u, %root : f32
    linalg.yield %r : f32
  } -> !qk
  %decay = arith.constant dense<[0.96875, 0.984375, 0.9921875]> : tensor<3xf32>
  %o, %s_end = attn.linear_scan %q, %scaled, %v state(%s) decay(%decay : tensor<3xf32>) : !qk, !qk, !v, !state
  %n = attn.layer_norm %o eps(1.0e-5) : !v
  %heads = tensor.collapse_shape %n [[0], [1], [2, 3]] : !v into tensor<?x?x48xf32>
  %g = func.call @linear_gate(%x, %wgate) : (tensor<?x?x32xf32>, tensor<48x32xf32>) -> (tensor<?x?x48xf32>)
  %gate = func.call @silu(%g) : (tensor<?x?x48xf32>) -> (tensor<?x?x48xf32>)
  %gated = arith.mulf %gate, %heads : tensor<?x?x48xf32>
  %y = func.call @linear_out(%gated, %wout) : (tensor<?x?x48xf32>, tensor<32x48xf32>) -> (tensor<?x?x32xf32>)
  return %y, %s_end : !x, !state
}
