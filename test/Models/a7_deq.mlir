// a7_deq: a deep equilibrium z* = f(z*; x) with f(z; x) = tanh(MHSA(z) + W_z z + W_x x), a sample is a sequence (models.md A7).
!z = tensor<?x?x16xf32>

// x W^T.
ml_program.global private @"attention.qkv.weight"(#ml_program.extern : tensor<48x16xf32>) : tensor<48x16xf32>
func.func private @"attention.qkv"(%x: !z) -> tensor<?x?x48xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %x, %c0 : !z
  %n1 = tensor.dim %x, %c1 : !z
  %w = ml_program.global_load_const @"attention.qkv.weight" : tensor<48x16xf32>
  %e = tensor.empty(%n0, %n1) : tensor<?x?x48xf32>
  %zero = arith.constant 0.0 : f32
  %s = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x48xf32>) -> tensor<?x?x48xf32>
  %y = linalg.contract indexing_maps = [affine_map<(i, j, n, k) -> (i, j, k)>, affine_map<(i, j, n, k) -> (n, k)>, affine_map<(i, j, n, k) -> (i, j, n)>]
      ins(%x, %w : !z, tensor<48x16xf32>) outs(%s : tensor<?x?x48xf32>) -> tensor<?x?x48xf32>
  return %y : tensor<?x?x48xf32>
}

// x W^T.
ml_program.global private @"attention.out.weight"(#ml_program.extern : tensor<16x16xf32>) : tensor<16x16xf32>
func.func private @"attention.out"(%x: !z) -> !z {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %x, %c0 : !z
  %n1 = tensor.dim %x, %c1 : !z
  %w = ml_program.global_load_const @"attention.out.weight" : tensor<16x16xf32>
  %e = tensor.empty(%n0, %n1) : !z
  %zero = arith.constant 0.0 : f32
  %s = linalg.fill ins(%zero : f32) outs(%e : !z) -> !z
  %y = linalg.contract indexing_maps = [affine_map<(i, j, n, k) -> (i, j, k)>, affine_map<(i, j, n, k) -> (n, k)>, affine_map<(i, j, n, k) -> (i, j, n)>]
      ins(%x, %w : !z, tensor<16x16xf32>) outs(%s : !z) -> !z
  return %y : !z
}

// Attention of each token over its sequence; padding is no key.
func.func private @"attention"(%x: !z, %lengths: tensor<?xi32>) -> !z {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %x, %c0 : !z
  %n1 = tensor.dim %x, %c1 : !z
  %q = func.call @"attention.qkv"(%x) : (!z) -> tensor<?x?x48xf32>
  %s = tensor.expand_shape %q [[0], [1], [2, 3, 4]] output_shape [%n0, %n1, 3, 2, 8] : tensor<?x?x48xf32> into tensor<?x?x3x2x8xf32>
  %e = tensor.empty(%n0, %n1) : tensor<?x?x2x8xf32>
  %heads = attn.attention softmax scale(0.3535533905932738)
      query %s[b, i, 0, g, d] : tensor<?x?x3x2x8xf32>
      source %s[b, j, 1, g, d], %s[b, j, 2, g, v] : tensor<?x?x3x2x8xf32>, tensor<?x?x3x2x8xf32> valid %lengths[b] : tensor<?xi32>
      into %e[b, i, g, v] : tensor<?x?x2x8xf32>
  %a = tensor.collapse_shape %heads [[0], [1], [2, 3]] : tensor<?x?x2x8xf32> into !z
  %o = func.call @"attention.out"(%a) : (!z) -> !z
  return %o : !z
}

// x W^T.
ml_program.global private @"state.weight"(#ml_program.extern : tensor<16x16xf32>) : tensor<16x16xf32>
func.func private @"state"(%x: !z) -> !z {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %x, %c0 : !z
  %n1 = tensor.dim %x, %c1 : !z
  %w = ml_program.global_load_const @"state.weight" : tensor<16x16xf32>
  %e = tensor.empty(%n0, %n1) : !z
  %zero = arith.constant 0.0 : f32
  %s = linalg.fill ins(%zero : f32) outs(%e : !z) -> !z
  %y = linalg.contract indexing_maps = [affine_map<(i, j, n, k) -> (i, j, k)>, affine_map<(i, j, n, k) -> (n, k)>, affine_map<(i, j, n, k) -> (i, j, n)>]
      ins(%x, %w : !z, tensor<16x16xf32>) outs(%s : !z) -> !z
  return %y : !z
}

// x W^T.
ml_program.global private @"input.weight"(#ml_program.extern : tensor<16x16xf32>) : tensor<16x16xf32>
func.func private @"input"(%x: !z) -> !z {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %x, %c0 : !z
  %n1 = tensor.dim %x, %c1 : !z
  %w = ml_program.global_load_const @"input.weight" : tensor<16x16xf32>
  %e = tensor.empty(%n0, %n1) : !z
  %zero = arith.constant 0.0 : f32
  %s = linalg.fill ins(%zero : f32) outs(%e : !z) -> !z
  %y = linalg.contract indexing_maps = [affine_map<(i, j, n, k) -> (i, j, k)>, affine_map<(i, j, n, k) -> (n, k)>, affine_map<(i, j, n, k) -> (i, j, n)>]
      ins(%x, %w : !z, tensor<16x16xf32>) outs(%s : !z) -> !z
  return %y : !z
}

// f(z; x), 0 at padding; %wx = W_x x.
func.func private @f(%z: !z, %wx: !z, %lengths: tensor<?xi32>) -> !z {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %b = tensor.dim %z, %c0 : !z
  %t = tensor.dim %z, %c1 : !z
  %a = func.call @attention(%z, %lengths) : (!z, tensor<?xi32>) -> !z
  %wz = func.call @state(%z) : (!z) -> !z
  %e = tensor.empty(%b, %t) : !z
  %f = linalg.generic {indexing_maps = [affine_map<(b, t, c) -> (b, t, c)>, affine_map<(b, t, c) -> (b, t, c)>, affine_map<(b, t, c) -> (b, t, c)>, affine_map<(b, t, c) -> (b)>, affine_map<(b, t, c) -> (b, t, c)>],
      iterator_types = ["parallel", "parallel", "parallel"]} ins(%a, %wz, %wx, %lengths : !z, !z, !z, tensor<?xi32>) outs(%e : !z) {
  ^bb0(%u: f32, %v: f32, %w: f32, %length: i32, %out: f32):
    %uv = arith.addf %u, %v : f32
    %uvw = arith.addf %uv, %w : f32
    %tanh = math.tanh %uvw : f32
    %j = linalg.index 1 : index
    %i = arith.index_cast %j : index to i32
    %in = arith.cmpi slt, %i, %length : i32
    %r = arith.select %in, %tanh, %zero : f32
    linalg.yield %r : f32
  } -> !z
  return %f : !z
}

// What all entries begin with: W_x x and z = 0.
func.func private @begin(%x: !z) -> (!z, !z) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %b = tensor.dim %x, %c0 : !z
  %t = tensor.dim %x, %c1 : !z
  %wx = func.call @input(%x) : (!z) -> !z
  %e = tensor.empty(%b, %t) : !z
  %z0 = linalg.fill ins(%zero : f32) outs(%e : !z) -> !z
  return %wx, %z0 : !z, !z
}

// Damped Picard iteration, at most 20 evaluations.
func.func @main(%x: !z {attnc.name = "x", attnc.dims = ["B", "T"]}, %lengths: tensor<?xi32> {attnc.name = "lengths", attnc.dims = ["B"]})
    -> (!z {attnc.name = "y", attnc.dims = ["B", "T"]}, tensor<?xi32> {attnc.name = "steps", attnc.dims = ["B"]}, tensor<?xf32> {attnc.name = "residual", attnc.dims = ["B"]}) {
  %tolerance = arith.constant 0.02 : f32
  %cap = arith.constant 20 : index
  %wx, %z0 = func.call @begin(%x) : (!z) -> (!z, !z)
  %y, %steps, %residual = loop.fixed_point picard tolerance(%tolerance) cap(%cap) beta(0.7) delta(1.0e-9) init(%z = %z0 : !z) {
    %fz = func.call @f(%z, %wx, %lengths) : (!z, !z, tensor<?xi32>) -> !z
    loop.yield %fz : !z
  }
  return %y, %steps, %residual : !z, tensor<?xi32>, tensor<?xf32>
}

// Anderson's mixing of the last six pairs.
func.func @main_anderson(%x: !z {attnc.name = "x", attnc.dims = ["B", "T"]}, %lengths: tensor<?xi32> {attnc.name = "lengths", attnc.dims = ["B"]})
    -> (!z {attnc.name = "y", attnc.dims = ["B", "T"]}, tensor<?xi32> {attnc.name = "steps", attnc.dims = ["B"]}, tensor<?xf32> {attnc.name = "residual", attnc.dims = ["B"]}) {
  %tolerance = arith.constant 0.02 : f32
  %cap = arith.constant 20 : index
  %wx, %z0 = func.call @begin(%x) : (!z) -> (!z, !z)
  %y, %steps, %residual = loop.fixed_point anderson tolerance(%tolerance) cap(%cap) history(6) regularization(1.0e-4) delta(1.0e-9) init(%z = %z0 : !z) {
    %fz = func.call @f(%z, %wx, %lengths) : (!z, !z, tensor<?xi32>) -> !z
    loop.yield %fz : !z
  }
  return %y, %steps, %residual : !z, tensor<?xi32>, tensor<?xf32>
}

// No tolerance: nine evaluations.
func.func @main_fixed(%x: !z {attnc.name = "x", attnc.dims = ["B", "T"]}, %lengths: tensor<?xi32> {attnc.name = "lengths", attnc.dims = ["B"]})
    -> (!z {attnc.name = "y", attnc.dims = ["B", "T"]}, tensor<?xi32> {attnc.name = "steps", attnc.dims = ["B"]}, tensor<?xf32> {attnc.name = "residual", attnc.dims = ["B"]}) {
  %tolerance = arith.constant 0.0 : f32
  %cap = arith.constant 9 : index
  %wx, %z0 = func.call @begin(%x) : (!z) -> (!z, !z)
  %y, %steps, %residual = loop.fixed_point picard tolerance(%tolerance) cap(%cap) beta(0.7) delta(1.0e-9) init(%z = %z0 : !z) {
    %fz = func.call @f(%z, %wx, %lengths) : (!z, !z, tensor<?xi32>) -> !z
    loop.yield %fz : !z
  }
  return %y, %steps, %residual : !z, tensor<?xi32>, tensor<?xf32>
}

// No tolerance: nine evaluations.
func.func @main_anderson_fixed(%x: !z {attnc.name = "x", attnc.dims = ["B", "T"]}, %lengths: tensor<?xi32> {attnc.name = "lengths", attnc.dims = ["B"]})
    -> (!z {attnc.name = "y", attnc.dims = ["B", "T"]}, tensor<?xi32> {attnc.name = "steps", attnc.dims = ["B"]}, tensor<?xf32> {attnc.name = "residual", attnc.dims = ["B"]}) {
  %tolerance = arith.constant 0.0 : f32
  %cap = arith.constant 9 : index
  %wx, %z0 = func.call @begin(%x) : (!z) -> (!z, !z)
  %y, %steps, %residual = loop.fixed_point anderson tolerance(%tolerance) cap(%cap) history(6) regularization(1.0e-4) delta(1.0e-9) init(%z = %z0 : !z) {
    %fz = func.call @f(%z, %wx, %lengths) : (!z, !z, tensor<?xi32>) -> !z
    loop.yield %fz : !z
  }
  return %y, %steps, %residual : !z, tensor<?xi32>, tensor<?xf32>
}
