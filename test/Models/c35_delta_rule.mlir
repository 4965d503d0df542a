// c35_delta_rule: the delta rule over a session (DeltaNet and Gated DeltaNet, models.md C35).
#x = affine_map<(b, t, n, k) -> (b, t, k)>
#w = affine_map<(b, t, n, k) -> (n, k)>
#y = affine_map<(b, t, n, k) -> (b, t, n)>
#all = affine_map<(b, t, c) -> (b, t, c)>
#heads = affine_map<(b, t, h, c) -> (b, t, h, c)>
!x = tensor<?x?x32xf32>
!qk = tensor<?x?x2x12xf32>
!v = tensor<?x?x2x16xf32>
!gate = tensor<?x?x2xf32>
!state = tensor<?x2x12x16xf32>

ml_program.global private @"attention.qkv.weight"(#ml_program.extern : tensor<80x32xf32>) : tensor<80x32xf32>
ml_program.global private @"beta.weight"(#ml_program.extern : tensor<2x32xf32>) : tensor<2x32xf32>
ml_program.global private @"decay.weight"(#ml_program.extern : tensor<2x32xf32>) : tensor<2x32xf32>
ml_program.global private @"decay.bias"(#ml_program.extern : tensor<2xf32>) : tensor<2xf32>
ml_program.global private @"A_log"(#ml_program.extern : tensor<2xf32>) : tensor<2xf32>
ml_program.global private @"norm.weight"(#ml_program.extern : tensor<16xf32>) : tensor<16xf32>
ml_program.global private @"attention.out.weight"(#ml_program.extern : tensor<32x32xf32>) : tensor<32x32xf32>

// x W^T.
func.func private @linear_qkv(%x: tensor<?x?x32xf32>, %w: tensor<80x32xf32>) -> (tensor<?x?x80xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : tensor<?x?x32xf32>
  %t = tensor.dim %x, %c1 : tensor<?x?x32xf32>
  %e = tensor.empty(%b, %t) : tensor<?x?x80xf32>
  %zero = arith.constant 0.0 : f32
  %s = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x80xf32>) -> tensor<?x?x80xf32>
  %y = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : tensor<?x?x32xf32>, tensor<80x32xf32>) outs(%s : tensor<?x?x80xf32>) -> tensor<?x?x80xf32>
  return %y : tensor<?x?x80xf32>
}

// x W^T.
func.func private @linear_beta(%x: tensor<?x?x32xf32>, %w: tensor<2x32xf32>) -> (tensor<?x?x2xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : tensor<?x?x32xf32>
  %t = tensor.dim %x, %c1 : tensor<?x?x32xf32>
  %e = tensor.empty(%b, %t) : tensor<?x?x2xf32>
  %zero = arith.constant 0.0 : f32
  %s = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x2xf32>) -> tensor<?x?x2xf32>
  %y = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : tensor<?x?x32xf32>, tensor<2x32xf32>) outs(%s : tensor<?x?x2xf32>) -> tensor<?x?x2xf32>
  return %y : tensor<?x?x2xf32>
}

// x W^T + b.
func.func private @linear_decay(%x: tensor<?x?x32xf32>, %w: tensor<2x32xf32>, %bias: tensor<2xf32>) -> (tensor<?x?x2xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : tensor<?x?x32xf32>
  %t = tensor.dim %x, %c1 : tensor<?x?x32xf32>
  %e = tensor.empty(%b, %t) : tensor<?x?x2xf32>
  %s = linalg.broadcast ins(%bias : tensor<2xf32>) outs(%e : tensor<?x?x2xf32>) dimensions = [0, 1]
  %y = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : tensor<?x?x32xf32>, tensor<2x32xf32>) outs(%s : tensor<?x?x2xf32>) -> tensor<?x?x2xf32>
  return %y : tensor<?x?x2xf32>
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

// ln(1 + exp x).
func.func private @softplus(%x: tensor<?x?x2xf32>) -> (tensor<?x?x2xf32>) {
  %zero = arith.constant 0.0 : f32
  %y = linalg.generic {indexing_maps = [#all], iterator_types = ["parallel", "parallel", "parallel"]} outs(%x : tensor<?x?x2xf32>) {
  ^bb0(%u: f32):
    %up = arith.maximumf %u, %zero : f32
    %far = math.absf %u : f32
    %minus = arith.negf %far : f32
    %exp = math.exp %minus : f32
    %log = math.log1p %exp : f32
    %r = arith.addf %up, %log : f32
    linalg.yield %r : f32
  } -> tensor<?x?x2xf32>
  return %y : tensor<?x?x2xf32>
}

// s / √(Σ s² + 1e-6) · √12 · factor, s = silu(x), per head: RMSNorm without weights divides by √(Σ s² / 12 + 1e-6 / 12).
func.func private @unit(%x: !qk, %factor: f64) -> (!qk) {
  %one = arith.constant 1.0 : f32
  %f = arith.truncf %factor : f64 to f32
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : !qk
  %t = tensor.dim %x, %c1 : !qk
  %e = tensor.empty(%b, %t) : !qk
  %s = linalg.generic {indexing_maps = [#heads, #heads], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%x : !qk) outs(%e : !qk) {
  ^bb0(%u: f32, %out: f32):
    %n = arith.negf %u : f32
    %z = math.exp %n : f32
    %d = arith.addf %z, %one : f32
    %r = arith.divf %u, %d : f32
    linalg.yield %r : f32
  } -> !qk
  %m = attn.rms_norm %s eps(8.333333333333333e-08) : !qk
  %r = linalg.generic {indexing_maps = [#heads], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} outs(%m : !qk) {
  ^bb0(%u: f32):
    %z = arith.mulf %u, %f : f32
    linalg.yield %z : f32
  } -> !qk
  return %r : !qk
}

// Unit queries (over √12) and keys, values, and β = σ(x W_β).
func.func private @project(%x: !x) -> (!qk, !qk, !v, !gate) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %one = arith.constant 1.0 : f32
  %b = tensor.dim %x, %c0 : !x
  %t = tensor.dim %x, %c1 : !x
  %w = ml_program.global_load_const @"attention.qkv.weight" : tensor<80x32xf32>
  %wb = ml_program.global_load_const @"beta.weight" : tensor<2x32xf32>
  %p = func.call @linear_qkv(%x, %w) : (tensor<?x?x32xf32>, tensor<80x32xf32>) -> (tensor<?x?x80xf32>)
  %qs = tensor.extract_slice %p[0, 0, 0] [%b, %t, 24] [1, 1, 1] : tensor<?x?x80xf32> to tensor<?x?x24xf32>
  %q = tensor.expand_shape %qs [[0], [1], [2, 3]] output_shape [%b, %t, 2, 12] : tensor<?x?x24xf32> into !qk
  %ks = tensor.extract_slice %p[0, 0, 24] [%b, %t, 24] [1, 1, 1] : tensor<?x?x80xf32> to tensor<?x?x24xf32>
  %k = tensor.expand_shape %ks [[0], [1], [2, 3]] output_shape [%b, %t, 2, 12] : tensor<?x?x24xf32> into !qk
  %vs = tensor.extract_slice %p[0, 0, 48] [%b, %t, 32] [1, 1, 1] : tensor<?x?x80xf32> to tensor<?x?x32xf32>
  %v = tensor.expand_shape %vs [[0], [1], [2, 3]] output_shape [%b, %t, 2, 16] : tensor<?x?x32xf32> into !v
  %root = arith.constant 0.28867513459481287 : f64
  %twelfth = arith.constant 0.08333333333333333 : f64
  %ku = func.call @unit(%k, %root) : (!qk, f64) -> (!qk)
  %qu = func.call @unit(%q, %twelfth) : (!qk, f64) -> (!qk)
  %s = func.call @linear_beta(%x, %wb) : (tensor<?x?x32xf32>, tensor<2x32xf32>) -> (tensor<?x?x2xf32>)
  %beta = linalg.generic {indexing_maps = [#all], iterator_types = ["parallel", "parallel", "parallel"]} outs(%s : !gate) {
  ^bb0(%u: f32):
    %n = arith.negf %u : f32
    %e = math.exp %n : f32
    %d = arith.addf %e, %one : f32
    %r = arith.divf %one, %d : f32
    linalg.yield %r : f32
  } -> !gate
  return %qu, %ku, %v, %beta : !qk, !qk, !v, !gate
}

// α = exp(-exp(A_log) softplus(x W_α + b)).
func.func private @alpha(%x: !x) -> (!gate) {
  %w = ml_program.global_load_const @"decay.weight" : tensor<2x32xf32>
  %bias = ml_program.global_load_const @"decay.bias" : tensor<2xf32>
  %a_log = ml_program.global_load_const @"A_log" : tensor<2xf32>
  %d = func.call @linear_decay(%x, %w, %bias) : (tensor<?x?x32xf32>, tensor<2x32xf32>, tensor<2xf32>) -> (tensor<?x?x2xf32>)
  %s = func.call @softplus(%d) : (tensor<?x?x2xf32>) -> (tensor<?x?x2xf32>)
  %a = linalg.generic {indexing_maps = [affine_map<(b, t, h) -> (h)>, #all], iterator_types = ["parallel", "parallel", "parallel"]} ins(%a_log : tensor<2xf32>) outs(%s : !gate) {
  ^bb0(%log: f32, %step: f32):
    %rate = math.exp %log : f32
    %p = arith.mulf %rate, %step : f32
    %n = arith.negf %p : f32
    %r = math.exp %n : f32
    linalg.yield %r : f32
  } -> !gate
  return %a : !gate
}

// RMSNorm of each head, then all heads projected.
func.func private @out(%o: !v) -> (!x) {
  %g = ml_program.global_load_const @"norm.weight" : tensor<16xf32>
  %w = ml_program.global_load_const @"attention.out.weight" : tensor<32x32xf32>
  %n = attn.rms_norm %o weight(%g : tensor<16xf32>) eps(1.0e-6) : !v
  %a = tensor.collapse_shape %n [[0], [1], [2, 3]] : !v into !x
  %y = func.call @linear_out(%a, %w) : (tensor<?x?x32xf32>, tensor<32x32xf32>) -> (tensor<?x?x32xf32>)
  return %y : !x
}

// DeltaNet: S_t = (I - β k kᵀ) S_{t-1} + β k vᵀ.
func.func @main(%x: !x {attnc.name = "x", attnc.dims = ["B", "T"]}, %s: !state {attnc.state = "s", attnc.dims = ["B"]})
    -> (!x {attnc.name = "y", attnc.dims = ["B", "T"]}, !state {attnc.state = "s"}) {
  %q, %k, %v, %beta = func.call @project(%x) : (!x) -> (!qk, !qk, !v, !gate)
  %o, %s_end = attn.delta_scan %q, %k, %v state(%s) beta(%beta : !gate) : !qk, !qk, !v, !state
  %y = func.call @out(%o) : (!v) -> (!x)
  return %y, %s_end : !x, !state
}

// Gated DeltaNet: the same from α S_{t-1}.
func.func @main_gated(%x: !x {attnc.name = "x", attnc.dims = ["B", "T"]}, %s: !state {attnc.state = "s", attnc.dims = ["B"]})
    -> (!x {attnc.name = "y", attnc.dims = ["B", "T"]}, !state {attnc.state = "s"}) {
  %q, %k, %v, %beta = func.call @project(%x) : (!x) -> (!qk, !qk, !v, !gate)
  %alpha = func.call @alpha(%x) : (!x) -> (!gate)
  %o, %s_end = attn.delta_scan %q, %k, %v state(%s) beta(%beta : !gate) decay(%alpha : !gate) : !qk, !qk, !v, !state
  %y = func.call @out(%o) : (!v) -> (!x)
  return %y, %s_end : !x, !state
}
