// a0_iterative_block: blocks that are repeated until each token has halted (models.md A0).
// Made by generate_a0_iterative_block.py.

// The rows of a padded batch that there are.
func.func private @"valid"(%lengths: tensor<?xi32>, %n0: index, %n1: index) -> tensor<?x?xi1> {
  %e = tensor.empty(%n0, %n1) : tensor<?x?xi1>
  %v = linalg.generic {indexing_maps = [affine_map<(b, t) -> (b)>, affine_map<(b, t) -> (b, t)>], iterator_types = ["parallel", "parallel"]}
      ins(%lengths : tensor<?xi32>) outs(%e : tensor<?x?xi1>) {
  ^bb0(%n: i32, %out: i1):
    %j = linalg.index 1 : index
    %i = arith.index_cast %j : index to i32
    %in = arith.cmpi slt, %i, %n : i32
    linalg.yield %in : i1
  } -> tensor<?x?xi1>
  return %v : tensor<?x?xi1>
}

// x Φ(x).
func.func private @"gelu"(%x: tensor<?x?x40xf32>) -> tensor<?x?x40xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %x, %c0 : tensor<?x?x40xf32>
  %n1 = tensor.dim %x, %c1 : tensor<?x?x40xf32>
  %one = arith.constant 1.0 : f32
  %two = arith.constant 2.0 : f32
  %root = math.sqrt %two : f32
  %e = tensor.empty(%n0, %n1) : tensor<?x?x40xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(i, j, c) -> (i, j, c)>, affine_map<(i, j, c) -> (i, j, c)>], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x : tensor<?x?x40xf32>) outs(%e : tensor<?x?x40xf32>) {
  ^bb0(%v: f32, %out: f32):
    %u = arith.divf %v, %root : f32
    %erf = math.erf %u : f32
    %more = arith.addf %erf, %one : f32
    %twice = arith.mulf %v, %more : f32
    %half = arith.divf %twice, %two : f32
    linalg.yield %half : f32
  } -> tensor<?x?x40xf32>
  return %y : tensor<?x?x40xf32>
}

// x W^T + b.
ml_program.global private @"blocks.0.input.weight"(#ml_program.extern : tensor<24x24xf32>) : tensor<24x24xf32>
ml_program.global private @"blocks.0.input.bias"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
func.func private @"blocks.0.input"(%x: tensor<?x?x24xf32>) -> tensor<?x?x24xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %x, %c0 : tensor<?x?x24xf32>
  %n1 = tensor.dim %x, %c1 : tensor<?x?x24xf32>
  %w = ml_program.global_load_const @"blocks.0.input.weight" : tensor<24x24xf32>
  %e = tensor.empty(%n0, %n1) : tensor<?x?x24xf32>
  %b = ml_program.global_load_const @"blocks.0.input.bias" : tensor<24xf32>
  %s = linalg.broadcast ins(%b : tensor<24xf32>) outs(%e : tensor<?x?x24xf32>) dimensions = [0, 1]
  %y = linalg.contract indexing_maps = [affine_map<(i, j, n, k) -> (i, j, k)>, affine_map<(i, j, n, k) -> (n, k)>, affine_map<(i, j, n, k) -> (i, j, n)>]
      ins(%x, %w : tensor<?x?x24xf32>, tensor<24x24xf32>) outs(%s : tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  return %y : tensor<?x?x24xf32>
}

// x W^T.
ml_program.global private @"blocks.0.state.weight"(#ml_program.extern : tensor<24x24xf32>) : tensor<24x24xf32>
func.func private @"blocks.0.state"(%x: tensor<?x?x24xf32>) -> tensor<?x?x24xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %x, %c0 : tensor<?x?x24xf32>
  %n1 = tensor.dim %x, %c1 : tensor<?x?x24xf32>
  %w = ml_program.global_load_const @"blocks.0.state.weight" : tensor<24x24xf32>
  %e = tensor.empty(%n0, %n1) : tensor<?x?x24xf32>
  %zero = arith.constant 0.0 : f32
  %s = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  %y = linalg.contract indexing_maps = [affine_map<(i, j, n, k) -> (i, j, k)>, affine_map<(i, j, n, k) -> (n, k)>, affine_map<(i, j, n, k) -> (i, j, n)>]
      ins(%x, %w : tensor<?x?x24xf32>, tensor<24x24xf32>) outs(%s : tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  return %y : tensor<?x?x24xf32>
}

// LN(x).
ml_program.global private @"blocks.0.norm1.weight"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
ml_program.global private @"blocks.0.norm1.bias"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
func.func private @"blocks.0.norm1"(%x: tensor<?x?x24xf32>) -> tensor<?x?x24xf32> {
  %w = ml_program.global_load_const @"blocks.0.norm1.weight" : tensor<24xf32>
  %b = ml_program.global_load_const @"blocks.0.norm1.bias" : tensor<24xf32>
  %y = attn.layer_norm %x weight(%w : tensor<24xf32>) bias(%b : tensor<24xf32>) eps(1.0e-5) : tensor<?x?x24xf32>
  return %y : tensor<?x?x24xf32>
}

// x W^T.
ml_program.global private @"blocks.0.attention.qkv.weight"(#ml_program.extern : tensor<72x24xf32>) : tensor<72x24xf32>
func.func private @"blocks.0.attention.qkv"(%x: tensor<?x?x24xf32>) -> tensor<?x?x72xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %x, %c0 : tensor<?x?x24xf32>
  %n1 = tensor.dim %x, %c1 : tensor<?x?x24xf32>
  %w = ml_program.global_load_const @"blocks.0.attention.qkv.weight" : tensor<72x24xf32>
  %e = tensor.empty(%n0, %n1) : tensor<?x?x72xf32>
  %zero = arith.constant 0.0 : f32
  %s = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x72xf32>) -> tensor<?x?x72xf32>
  %y = linalg.contract indexing_maps = [affine_map<(i, j, n, k) -> (i, j, k)>, affine_map<(i, j, n, k) -> (n, k)>, affine_map<(i, j, n, k) -> (i, j, n)>]
      ins(%x, %w : tensor<?x?x24xf32>, tensor<72x24xf32>) outs(%s : tensor<?x?x72xf32>) -> tensor<?x?x72xf32>
  return %y : tensor<?x?x72xf32>
}

// x W^T.
ml_program.global private @"blocks.0.attention.out.weight"(#ml_program.extern : tensor<24x24xf32>) : tensor<24x24xf32>
func.func private @"blocks.0.attention.out"(%x: tensor<?x?x24xf32>) -> tensor<?x?x24xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %x, %c0 : tensor<?x?x24xf32>
  %n1 = tensor.dim %x, %c1 : tensor<?x?x24xf32>
  %w = ml_program.global_load_const @"blocks.0.attention.out.weight" : tensor<24x24xf32>
  %e = tensor.empty(%n0, %n1) : tensor<?x?x24xf32>
  %zero = arith.constant 0.0 : f32
  %s = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  %y = linalg.contract indexing_maps = [affine_map<(i, j, n, k) -> (i, j, k)>, affine_map<(i, j, n, k) -> (n, k)>, affine_map<(i, j, n, k) -> (i, j, n)>]
      ins(%x, %w : tensor<?x?x24xf32>, tensor<24x24xf32>) outs(%s : tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  return %y : tensor<?x?x24xf32>
}

// Attention of each token over its sequence; padding is no key.
func.func private @"blocks.0.attention"(%x: tensor<?x?x24xf32>, %lengths: tensor<?xi32>) -> tensor<?x?x24xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %x, %c0 : tensor<?x?x24xf32>
  %n1 = tensor.dim %x, %c1 : tensor<?x?x24xf32>
  %q = func.call @"blocks.0.attention.qkv"(%x) : (tensor<?x?x24xf32>) -> tensor<?x?x72xf32>
  %s = tensor.expand_shape %q [[0], [1], [2, 3, 4]] output_shape [%n0, %n1, 3, 3, 8] : tensor<?x?x72xf32> into tensor<?x?x3x3x8xf32>
  %e = tensor.empty(%n0, %n1) : tensor<?x?x3x8xf32>
  %heads = attn.attention softmax scale(0.3535533905932738)
      query %s[b, i, 0, g, d] : tensor<?x?x3x3x8xf32>
      source %s[b, j, 1, g, d], %s[b, j, 2, g, v] : tensor<?x?x3x3x8xf32>, tensor<?x?x3x3x8xf32> valid %lengths[b] : tensor<?xi32>
      into %e[b, i, g, v] : tensor<?x?x3x8xf32>
  %a = tensor.collapse_shape %heads [[0], [1], [2, 3]] : tensor<?x?x3x8xf32> into tensor<?x?x24xf32>
  %o = func.call @"blocks.0.attention.out"(%a) : (tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  return %o : tensor<?x?x24xf32>
}

// LN(x).
ml_program.global private @"blocks.0.norm2.weight"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
ml_program.global private @"blocks.0.norm2.bias"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
func.func private @"blocks.0.norm2"(%x: tensor<?x?x24xf32>) -> tensor<?x?x24xf32> {
  %w = ml_program.global_load_const @"blocks.0.norm2.weight" : tensor<24xf32>
  %b = ml_program.global_load_const @"blocks.0.norm2.bias" : tensor<24xf32>
  %y = attn.layer_norm %x weight(%w : tensor<24xf32>) bias(%b : tensor<24xf32>) eps(1.0e-5) : tensor<?x?x24xf32>
  return %y : tensor<?x?x24xf32>
}

// x W^T + b.
ml_program.global private @"blocks.0.ffn.up.weight"(#ml_program.extern : tensor<40x24xf32>) : tensor<40x24xf32>
ml_program.global private @"blocks.0.ffn.up.bias"(#ml_program.extern : tensor<40xf32>) : tensor<40xf32>
func.func private @"blocks.0.ffn.up"(%x: tensor<?x?x24xf32>) -> tensor<?x?x40xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %x, %c0 : tensor<?x?x24xf32>
  %n1 = tensor.dim %x, %c1 : tensor<?x?x24xf32>
  %w = ml_program.global_load_const @"blocks.0.ffn.up.weight" : tensor<40x24xf32>
  %e = tensor.empty(%n0, %n1) : tensor<?x?x40xf32>
  %b = ml_program.global_load_const @"blocks.0.ffn.up.bias" : tensor<40xf32>
  %s = linalg.broadcast ins(%b : tensor<40xf32>) outs(%e : tensor<?x?x40xf32>) dimensions = [0, 1]
  %y = linalg.contract indexing_maps = [affine_map<(i, j, n, k) -> (i, j, k)>, affine_map<(i, j, n, k) -> (n, k)>, affine_map<(i, j, n, k) -> (i, j, n)>]
      ins(%x, %w : tensor<?x?x24xf32>, tensor<40x24xf32>) outs(%s : tensor<?x?x40xf32>) -> tensor<?x?x40xf32>
  return %y : tensor<?x?x40xf32>
}

// x W^T + b.
ml_program.global private @"blocks.0.ffn.down.weight"(#ml_program.extern : tensor<24x40xf32>) : tensor<24x40xf32>
ml_program.global private @"blocks.0.ffn.down.bias"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
func.func private @"blocks.0.ffn.down"(%x: tensor<?x?x40xf32>) -> tensor<?x?x24xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %x, %c0 : tensor<?x?x40xf32>
  %n1 = tensor.dim %x, %c1 : tensor<?x?x40xf32>
  %w = ml_program.global_load_const @"blocks.0.ffn.down.weight" : tensor<24x40xf32>
  %e = tensor.empty(%n0, %n1) : tensor<?x?x24xf32>
  %b = ml_program.global_load_const @"blocks.0.ffn.down.bias" : tensor<24xf32>
  %s = linalg.broadcast ins(%b : tensor<24xf32>) outs(%e : tensor<?x?x24xf32>) dimensions = [0, 1]
  %y = linalg.contract indexing_maps = [affine_map<(i, j, n, k) -> (i, j, k)>, affine_map<(i, j, n, k) -> (n, k)>, affine_map<(i, j, n, k) -> (i, j, n)>]
      ins(%x, %w : tensor<?x?x40xf32>, tensor<24x40xf32>) outs(%s : tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  return %y : tensor<?x?x24xf32>
}

// A + W_down gelu(W_up LN(A)).
func.func private @"blocks.0.ffn"(%a: tensor<?x?x24xf32>) -> tensor<?x?x24xf32> {
  %m = func.call @"blocks.0.norm2"(%a) : (tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  %u = func.call @"blocks.0.ffn.up"(%m) : (tensor<?x?x24xf32>) -> tensor<?x?x40xf32>
  %g = func.call @"gelu"(%u) : (tensor<?x?x40xf32>) -> tensor<?x?x40xf32>
  %d = func.call @"blocks.0.ffn.down"(%g) : (tensor<?x?x40xf32>) -> tensor<?x?x24xf32>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %a, %c0 : tensor<?x?x24xf32>
  %n1 = tensor.dim %a, %c1 : tensor<?x?x24xf32>
  %e = tensor.empty(%n0, %n1) : tensor<?x?x24xf32>
  %y = linalg.add ins(%a, %d : tensor<?x?x24xf32>, tensor<?x?x24xf32>) outs(%e : tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  return %y : tensor<?x?x24xf32>
}

// x W^T + b.
ml_program.global private @"blocks.0.gru.input.weight"(#ml_program.extern : tensor<72x24xf32>) : tensor<72x24xf32>
ml_program.global private @"blocks.0.gru.input.bias"(#ml_program.extern : tensor<72xf32>) : tensor<72xf32>
func.func private @"blocks.0.gru.input"(%x: tensor<?x?x24xf32>) -> tensor<?x?x72xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %x, %c0 : tensor<?x?x24xf32>
  %n1 = tensor.dim %x, %c1 : tensor<?x?x24xf32>
  %w = ml_program.global_load_const @"blocks.0.gru.input.weight" : tensor<72x24xf32>
  %e = tensor.empty(%n0, %n1) : tensor<?x?x72xf32>
  %b = ml_program.global_load_const @"blocks.0.gru.input.bias" : tensor<72xf32>
  %s = linalg.broadcast ins(%b : tensor<72xf32>) outs(%e : tensor<?x?x72xf32>) dimensions = [0, 1]
  %y = linalg.contract indexing_maps = [affine_map<(i, j, n, k) -> (i, j, k)>, affine_map<(i, j, n, k) -> (n, k)>, affine_map<(i, j, n, k) -> (i, j, n)>]
      ins(%x, %w : tensor<?x?x24xf32>, tensor<72x24xf32>) outs(%s : tensor<?x?x72xf32>) -> tensor<?x?x72xf32>
  return %y : tensor<?x?x72xf32>
}

// x W^T + b.
ml_program.global private @"blocks.0.gru.state.weight"(#ml_program.extern : tensor<72x24xf32>) : tensor<72x24xf32>
ml_program.global private @"blocks.0.gru.state.bias"(#ml_program.extern : tensor<72xf32>) : tensor<72xf32>
func.func private @"blocks.0.gru.state"(%x: tensor<?x?x24xf32>) -> tensor<?x?x72xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %x, %c0 : tensor<?x?x24xf32>
  %n1 = tensor.dim %x, %c1 : tensor<?x?x24xf32>
  %w = ml_program.global_load_const @"blocks.0.gru.state.weight" : tensor<72x24xf32>
  %e = tensor.empty(%n0, %n1) : tensor<?x?x72xf32>
  %b = ml_program.global_load_const @"blocks.0.gru.state.bias" : tensor<72xf32>
  %s = linalg.broadcast ins(%b : tensor<72xf32>) outs(%e : tensor<?x?x72xf32>) dimensions = [0, 1]
  %y = linalg.contract indexing_maps = [affine_map<(i, j, n, k) -> (i, j, k)>, affine_map<(i, j, n, k) -> (n, k)>, affine_map<(i, j, n, k) -> (i, j, n)>]
      ins(%x, %w : tensor<?x?x24xf32>, tensor<72x24xf32>) outs(%s : tensor<?x?x72xf32>) -> tensor<?x?x72xf32>
  return %y : tensor<?x?x72xf32>
}

// h' = (1 - z) n + z h, n = tanh(W_n f + b_n + r (U_n h + c_n)); r, z = σ(W f + b + U h + c).
func.func private @"blocks.0.gru"(%f: tensor<?x?x24xf32>, %h: tensor<?x?x24xf32>) -> tensor<?x?x24xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %h, %c0 : tensor<?x?x24xf32>
  %n1 = tensor.dim %h, %c1 : tensor<?x?x24xf32>
  %one = arith.constant 1.0 : f32
  %x1 = func.call @"blocks.0.gru.input"(%f) : (tensor<?x?x24xf32>) -> tensor<?x?x72xf32>
  %u1 = func.call @"blocks.0.gru.state"(%h) : (tensor<?x?x24xf32>) -> tensor<?x?x72xf32>
  %x = tensor.expand_shape %x1 [[0], [1], [2, 3]] output_shape [%n0, %n1, 3, 24] : tensor<?x?x72xf32> into tensor<?x?x3x24xf32>
  %u = tensor.expand_shape %u1 [[0], [1], [2, 3]] output_shape [%n0, %n1, 3, 24] : tensor<?x?x72xf32> into tensor<?x?x3x24xf32>
  %e = tensor.empty(%n0, %n1) : tensor<?x?x24xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(i, j, c) -> (i, j, 0, c)>, affine_map<(i, j, c) -> (i, j, 1, c)>, affine_map<(i, j, c) -> (i, j, 2, c)>, affine_map<(i, j, c) -> (i, j, 0, c)>, affine_map<(i, j, c) -> (i, j, 1, c)>, affine_map<(i, j, c) -> (i, j, 2, c)>, affine_map<(i, j, c) -> (i, j, c)>, affine_map<(i, j, c) -> (i, j, c)>], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x, %x, %x, %u, %u, %u, %h : tensor<?x?x3x24xf32>, tensor<?x?x3x24xf32>, tensor<?x?x3x24xf32>, tensor<?x?x3x24xf32>, tensor<?x?x3x24xf32>, tensor<?x?x3x24xf32>, tensor<?x?x24xf32>) outs(%e : tensor<?x?x24xf32>) {
  ^bb0(%xr: f32, %xz: f32, %xn: f32, %ur: f32, %uz: f32, %un: f32, %old: f32, %out: f32):
    %ar = arith.addf %xr, %ur : f32
    %br = arith.negf %ar : f32
    %cr = math.exp %br : f32
    %dr = arith.addf %cr, %one : f32
    %r = arith.divf %one, %dr : f32
    %az = arith.addf %xz, %uz : f32
    %bz = arith.negf %az : f32
    %cz = math.exp %bz : f32
    %dz = arith.addf %cz, %one : f32
    %z = arith.divf %one, %dz : f32
    %gated = arith.mulf %r, %un : f32
    %an = arith.addf %xn, %gated : f32
    %n = math.tanh %an : f32
    %rest = arith.subf %one, %z : f32
    %new = arith.mulf %rest, %n : f32
    %kept = arith.mulf %z, %old : f32
    %next = arith.addf %new, %kept : f32
    linalg.yield %next : f32
  } -> tensor<?x?x24xf32>
  return %y : tensor<?x?x24xf32>
}

// σ(w·x + b), one number a row.
ml_program.global private @"blocks.0.halt.weight"(#ml_program.extern : tensor<1x24xf32>) : tensor<1x24xf32>
ml_program.global private @"blocks.0.halt.bias"(#ml_program.extern : tensor<1xf32>) : tensor<1xf32>
func.func private @"blocks.0.halt"(%x: tensor<?x?x24xf32>) -> tensor<?x?xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %x, %c0 : tensor<?x?x24xf32>
  %n1 = tensor.dim %x, %c1 : tensor<?x?x24xf32>
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %w1 = ml_program.global_load_const @"blocks.0.halt.weight" : tensor<1x24xf32>
  %w = tensor.collapse_shape %w1 [[0, 1]] : tensor<1x24xf32> into tensor<24xf32>
  %b = ml_program.global_load_const @"blocks.0.halt.bias" : tensor<1xf32>
  %e = tensor.empty(%n0, %n1) : tensor<?x?xf32>
  %s = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?xf32>) -> tensor<?x?xf32>
  %dot = linalg.contract indexing_maps = [affine_map<(i, j, k) -> (i, j, k)>, affine_map<(i, j, k) -> (k)>, affine_map<(i, j, k) -> (i, j)>]
      ins(%x, %w : tensor<?x?x24xf32>, tensor<24xf32>) outs(%s : tensor<?x?xf32>) -> tensor<?x?xf32>
  %p = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (0)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%dot, %b : tensor<?x?xf32>, tensor<1xf32>) outs(%e : tensor<?x?xf32>) {
  ^bb0(%d: f32, %c: f32, %out: f32):
    %z = arith.addf %d, %c : f32
    %neg = arith.negf %z : f32
    %exp = math.exp %neg : f32
    %den = arith.addf %exp, %one : f32
    %sig = arith.divf %one, %den : f32
    linalg.yield %sig : f32
  } -> tensor<?x?xf32>
  return %p : tensor<?x?xf32>
}

// f(S, X): U = LN(W_s S + W_x X + b), A = U + MHSA(U), A + W_down gelu(W_up LN(A)).
func.func private @"blocks.0.candidate"(%S: tensor<?x?x24xf32>, %X: tensor<?x?x24xf32>, %lengths: tensor<?xi32>) -> tensor<?x?x24xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %X, %c0 : tensor<?x?x24xf32>
  %n1 = tensor.dim %X, %c1 : tensor<?x?x24xf32>
  %s = func.call @"blocks.0.state"(%S) : (tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  %x = func.call @"blocks.0.input"(%X) : (tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  %e = tensor.empty(%n0, %n1) : tensor<?x?x24xf32>
  %sum = linalg.add ins(%s, %x : tensor<?x?x24xf32>, tensor<?x?x24xf32>) outs(%e : tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  %u = func.call @"blocks.0.norm1"(%sum) : (tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  %a = func.call @"blocks.0.attention"(%u, %lengths) : (tensor<?x?x24xf32>, tensor<?xi32>) -> tensor<?x?x24xf32>
  %A = linalg.add ins(%u, %a : tensor<?x?x24xf32>, tensor<?x?x24xf32>) outs(%e : tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  %f = func.call @"blocks.0.ffn"(%A) : (tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  return %f : tensor<?x?x24xf32>
}

// x W^T + b.
ml_program.global private @"blocks.1.input.weight"(#ml_program.extern : tensor<24x24xf32>) : tensor<24x24xf32>
ml_program.global private @"blocks.1.input.bias"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
func.func private @"blocks.1.input"(%x: tensor<?x?x24xf32>) -> tensor<?x?x24xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %x, %c0 : tensor<?x?x24xf32>
  %n1 = tensor.dim %x, %c1 : tensor<?x?x24xf32>
  %w = ml_program.global_load_const @"blocks.1.input.weight" : tensor<24x24xf32>
  %e = tensor.empty(%n0, %n1) : tensor<?x?x24xf32>
  %b = ml_program.global_load_const @"blocks.1.input.bias" : tensor<24xf32>
  %s = linalg.broadcast ins(%b : tensor<24xf32>) outs(%e : tensor<?x?x24xf32>) dimensions = [0, 1]
  %y = linalg.contract indexing_maps = [affine_map<(i, j, n, k) -> (i, j, k)>, affine_map<(i, j, n, k) -> (n, k)>, affine_map<(i, j, n, k) -> (i, j, n)>]
      ins(%x, %w : tensor<?x?x24xf32>, tensor<24x24xf32>) outs(%s : tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  return %y : tensor<?x?x24xf32>
}

// x W^T.
ml_program.global private @"blocks.1.state.weight"(#ml_program.extern : tensor<24x24xf32>) : tensor<24x24xf32>
func.func private @"blocks.1.state"(%x: tensor<?x?x24xf32>) -> tensor<?x?x24xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %x, %c0 : tensor<?x?x24xf32>
  %n1 = tensor.dim %x, %c1 : tensor<?x?x24xf32>
  %w = ml_program.global_load_const @"blocks.1.state.weight" : tensor<24x24xf32>
  %e = tensor.empty(%n0, %n1) : tensor<?x?x24xf32>
  %zero = arith.constant 0.0 : f32
  %s = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  %y = linalg.contract indexing_maps = [affine_map<(i, j, n, k) -> (i, j, k)>, affine_map<(i, j, n, k) -> (n, k)>, affine_map<(i, j, n, k) -> (i, j, n)>]
      ins(%x, %w : tensor<?x?x24xf32>, tensor<24x24xf32>) outs(%s : tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  return %y : tensor<?x?x24xf32>
}

// LN(x).
ml_program.global private @"blocks.1.norm1.weight"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
ml_program.global private @"blocks.1.norm1.bias"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
func.func private @"blocks.1.norm1"(%x: tensor<?x?x24xf32>) -> tensor<?x?x24xf32> {
  %w = ml_program.global_load_const @"blocks.1.norm1.weight" : tensor<24xf32>
  %b = ml_program.global_load_const @"blocks.1.norm1.bias" : tensor<24xf32>
  %y = attn.layer_norm %x weight(%w : tensor<24xf32>) bias(%b : tensor<24xf32>) eps(1.0e-5) : tensor<?x?x24xf32>
  return %y : tensor<?x?x24xf32>
}

// x W^T.
ml_program.global private @"blocks.1.attention.qkv.weight"(#ml_program.extern : tensor<72x24xf32>) : tensor<72x24xf32>
func.func private @"blocks.1.attention.qkv"(%x: tensor<?x?x24xf32>) -> tensor<?x?x72xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %x, %c0 : tensor<?x?x24xf32>
  %n1 = tensor.dim %x, %c1 : tensor<?x?x24xf32>
  %w = ml_program.global_load_const @"blocks.1.attention.qkv.weight" : tensor<72x24xf32>
  %e = tensor.empty(%n0, %n1) : tensor<?x?x72xf32>
  %zero = arith.constant 0.0 : f32
  %s = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x72xf32>) -> tensor<?x?x72xf32>
  %y = linalg.contract indexing_maps = [affine_map<(i, j, n, k) -> (i, j, k)>, affine_map<(i, j, n, k) -> (n, k)>, affine_map<(i, j, n, k) -> (i, j, n)>]
      ins(%x, %w : tensor<?x?x24xf32>, tensor<72x24xf32>) outs(%s : tensor<?x?x72xf32>) -> tensor<?x?x72xf32>
  return %y : tensor<?x?x72xf32>
}

// x W^T.
ml_program.global private @"blocks.1.attention.out.weight"(#ml_program.extern : tensor<24x24xf32>) : tensor<24x24xf32>
func.func private @"blocks.1.attention.out"(%x: tensor<?x?x24xf32>) -> tensor<?x?x24xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %x, %c0 : tensor<?x?x24xf32>
  %n1 = tensor.dim %x, %c1 : tensor<?x?x24xf32>
  %w = ml_program.global_load_const @"blocks.1.attention.out.weight" : tensor<24x24xf32>
  %e = tensor.empty(%n0, %n1) : tensor<?x?x24xf32>
  %zero = arith.constant 0.0 : f32
  %s = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  %y = linalg.contract indexing_maps = [affine_map<(i, j, n, k) -> (i, j, k)>, affine_map<(i, j, n, k) -> (n, k)>, affine_map<(i, j, n, k) -> (i, j, n)>]
      ins(%x, %w : tensor<?x?x24xf32>, tensor<24x24xf32>) outs(%s : tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  return %y : tensor<?x?x24xf32>
}

// Attention of each token over its sequence; padding is no key.
func.func private @"blocks.1.attention"(%x: tensor<?x?x24xf32>, %lengths: tensor<?xi32>) -> tensor<?x?x24xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %x, %c0 : tensor<?x?x24xf32>
  %n1 = tensor.dim %x, %c1 : tensor<?x?x24xf32>
  %q = func.call @"blocks.1.attention.qkv"(%x) : (tensor<?x?x24xf32>) -> tensor<?x?x72xf32>
  %s = tensor.expand_shape %q [[0], [1], [2, 3, 4]] output_shape [%n0, %n1, 3, 3, 8] : tensor<?x?x72xf32> into tensor<?x?x3x3x8xf32>
  %e = tensor.empty(%n0, %n1) : tensor<?x?x3x8xf32>
  %heads = attn.attention softmax scale(0.3535533905932738)
      query %s[b, i, 0, g, d] : tensor<?x?x3x3x8xf32>
      source %s[b, j, 1, g, d], %s[b, j, 2, g, v] : tensor<?x?x3x3x8xf32>, tensor<?x?x3x3x8xf32> valid %lengths[b] : tensor<?xi32>
      into %e[b, i, g, v] : tensor<?x?x3x8xf32>
  %a = tensor.collapse_shape %heads [[0], [1], [2, 3]] : tensor<?x?x3x8xf32> into tensor<?x?x24xf32>
  %o = func.call @"blocks.1.attention.out"(%a) : (tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  return %o : tensor<?x?x24xf32>
}

// LN(x).
ml_program.global private @"blocks.1.norm2.weight"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
ml_program.global private @"blocks.1.norm2.bias"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
func.func private @"blocks.1.norm2"(%x: tensor<?x?x24xf32>) -> tensor<?x?x24xf32> {
  %w = ml_program.global_load_const @"blocks.1.norm2.weight" : tensor<24xf32>
  %b = ml_program.global_load_const @"blocks.1.norm2.bias" : tensor<24xf32>
  %y = attn.layer_norm %x weight(%w : tensor<24xf32>) bias(%b : tensor<24xf32>) eps(1.0e-5) : tensor<?x?x24xf32>
  return %y : tensor<?x?x24xf32>
}

// x W^T + b.
ml_program.global private @"blocks.1.ffn.up.weight"(#ml_program.extern : tensor<40x24xf32>) : tensor<40x24xf32>
ml_program.global private @"blocks.1.ffn.up.bias"(#ml_program.extern : tensor<40xf32>) : tensor<40xf32>
func.func private @"blocks.1.ffn.up"(%x: tensor<?x?x24xf32>) -> tensor<?x?x40xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %x, %c0 : tensor<?x?x24xf32>
  %n1 = tensor.dim %x, %c1 : tensor<?x?x24xf32>
  %w = ml_program.global_load_const @"blocks.1.ffn.up.weight" : tensor<40x24xf32>
  %e = tensor.empty(%n0, %n1) : tensor<?x?x40xf32>
  %b = ml_program.global_load_const @"blocks.1.ffn.up.bias" : tensor<40xf32>
  %s = linalg.broadcast ins(%b : tensor<40xf32>) outs(%e : tensor<?x?x40xf32>) dimensions = [0, 1]
  %y = linalg.contract indexing_maps = [affine_map<(i, j, n, k) -> (i, j, k)>, affine_map<(i, j, n, k) -> (n, k)>, affine_map<(i, j, n, k) -> (i, j, n)>]
      ins(%x, %w : tensor<?x?x24xf32>, tensor<40x24xf32>) outs(%s : tensor<?x?x40xf32>) -> tensor<?x?x40xf32>
  return %y : tensor<?x?x40xf32>
}

// x W^T + b.
ml_program.global private @"blocks.1.ffn.down.weight"(#ml_program.extern : tensor<24x40xf32>) : tensor<24x40xf32>
ml_program.global private @"blocks.1.ffn.down.bias"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
func.func private @"blocks.1.ffn.down"(%x: tensor<?x?x40xf32>) -> tensor<?x?x24xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %x, %c0 : tensor<?x?x40xf32>
  %n1 = tensor.dim %x, %c1 : tensor<?x?x40xf32>
  %w = ml_program.global_load_const @"blocks.1.ffn.down.weight" : tensor<24x40xf32>
  %e = tensor.empty(%n0, %n1) : tensor<?x?x24xf32>
  %b = ml_program.global_load_const @"blocks.1.ffn.down.bias" : tensor<24xf32>
  %s = linalg.broadcast ins(%b : tensor<24xf32>) outs(%e : tensor<?x?x24xf32>) dimensions = [0, 1]
  %y = linalg.contract indexing_maps = [affine_map<(i, j, n, k) -> (i, j, k)>, affine_map<(i, j, n, k) -> (n, k)>, affine_map<(i, j, n, k) -> (i, j, n)>]
      ins(%x, %w : tensor<?x?x40xf32>, tensor<24x40xf32>) outs(%s : tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  return %y : tensor<?x?x24xf32>
}

// A + W_down gelu(W_up LN(A)).
func.func private @"blocks.1.ffn"(%a: tensor<?x?x24xf32>) -> tensor<?x?x24xf32> {
  %m = func.call @"blocks.1.norm2"(%a) : (tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  %u = func.call @"blocks.1.ffn.up"(%m) : (tensor<?x?x24xf32>) -> tensor<?x?x40xf32>
  %g = func.call @"gelu"(%u) : (tensor<?x?x40xf32>) -> tensor<?x?x40xf32>
  %d = func.call @"blocks.1.ffn.down"(%g) : (tensor<?x?x40xf32>) -> tensor<?x?x24xf32>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %a, %c0 : tensor<?x?x24xf32>
  %n1 = tensor.dim %a, %c1 : tensor<?x?x24xf32>
  %e = tensor.empty(%n0, %n1) : tensor<?x?x24xf32>
  %y = linalg.add ins(%a, %d : tensor<?x?x24xf32>, tensor<?x?x24xf32>) outs(%e : tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  return %y : tensor<?x?x24xf32>
}

// x W^T + b.
ml_program.global private @"blocks.1.gru.input.weight"(#ml_program.extern : tensor<72x24xf32>) : tensor<72x24xf32>
ml_program.global private @"blocks.1.gru.input.bias"(#ml_program.extern : tensor<72xf32>) : tensor<72xf32>
func.func private @"blocks.1.gru.input"(%x: tensor<?x?x24xf32>) -> tensor<?x?x72xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %x, %c0 : tensor<?x?x24xf32>
  %n1 = tensor.dim %x, %c1 : tensor<?x?x24xf32>
  %w = ml_program.global_load_const @"blocks.1.gru.input.weight" : tensor<72x24xf32>
  %e = tensor.empty(%n0, %n1) : tensor<?x?x72xf32>
  %b = ml_program.global_load_const @"blocks.1.gru.input.bias" : tensor<72xf32>
  %s = linalg.broadcast ins(%b : tensor<72xf32>) outs(%e : tensor<?x?x72xf32>) dimensions = [0, 1]
  %y = linalg.contract indexing_maps = [affine_map<(i, j, n, k) -> (i, j, k)>, affine_map<(i, j, n, k) -> (n, k)>, affine_map<(i, j, n, k) -> (i, j, n)>]
      ins(%x, %w : tensor<?x?x24xf32>, tensor<72x24xf32>) outs(%s : tensor<?x?x72xf32>) -> tensor<?x?x72xf32>
  return %y : tensor<?x?x72xf32>
}

// x W^T + b.
ml_program.global private @"blocks.1.gru.state.weight"(#ml_program.extern : tensor<72x24xf32>) : tensor<72x24xf32>
ml_program.global private @"blocks.1.gru.state.bias"(#ml_program.extern : tensor<72xf32>) : tensor<72xf32>
func.func private @"blocks.1.gru.state"(%x: tensor<?x?x24xf32>) -> tensor<?x?x72xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %x, %c0 : tensor<?x?x24xf32>
  %n1 = tensor.dim %x, %c1 : tensor<?x?x24xf32>
  %w = ml_program.global_load_const @"blocks.1.gru.state.weight" : tensor<72x24xf32>
  %e = tensor.empty(%n0, %n1) : tensor<?x?x72xf32>
  %b = ml_program.global_load_const @"blocks.1.gru.state.bias" : tensor<72xf32>
  %s = linalg.broadcast ins(%b : tensor<72xf32>) outs(%e : tensor<?x?x72xf32>) dimensions = [0, 1]
  %y = linalg.contract indexing_maps = [affine_map<(i, j, n, k) -> (i, j, k)>, affine_map<(i, j, n, k) -> (n, k)>, affine_map<(i, j, n, k) -> (i, j, n)>]
      ins(%x, %w : tensor<?x?x24xf32>, tensor<72x24xf32>) outs(%s : tensor<?x?x72xf32>) -> tensor<?x?x72xf32>
  return %y : tensor<?x?x72xf32>
}

// h' = (1 - z) n + z h, n = tanh(W_n f + b_n + r (U_n h + c_n)); r, z = σ(W f + b + U h + c).
func.func private @"blocks.1.gru"(%f: tensor<?x?x24xf32>, %h: tensor<?x?x24xf32>) -> tensor<?x?x24xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %h, %c0 : tensor<?x?x24xf32>
  %n1 = tensor.dim %h, %c1 : tensor<?x?x24xf32>
  %one = arith.constant 1.0 : f32
  %x1 = func.call @"blocks.1.gru.input"(%f) : (tensor<?x?x24xf32>) -> tensor<?x?x72xf32>
  %u1 = func.call @"blocks.1.gru.state"(%h) : (tensor<?x?x24xf32>) -> tensor<?x?x72xf32>
  %x = tensor.expand_shape %x1 [[0], [1], [2, 3]] output_shape [%n0, %n1, 3, 24] : tensor<?x?x72xf32> into tensor<?x?x3x24xf32>
  %u = tensor.expand_shape %u1 [[0], [1], [2, 3]] output_shape [%n0, %n1, 3, 24] : tensor<?x?x72xf32> into tensor<?x?x3x24xf32>
  %e = tensor.empty(%n0, %n1) : tensor<?x?x24xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(i, j, c) -> (i, j, 0, c)>, affine_map<(i, j, c) -> (i, j, 1, c)>, affine_map<(i, j, c) -> (i, j, 2, c)>, affine_map<(i, j, c) -> (i, j, 0, c)>, affine_map<(i, j, c) -> (i, j, 1, c)>, affine_map<(i, j, c) -> (i, j, 2, c)>, affine_map<(i, j, c) -> (i, j, c)>, affine_map<(i, j, c) -> (i, j, c)>], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x, %x, %x, %u, %u, %u, %h : tensor<?x?x3x24xf32>, tensor<?x?x3x24xf32>, tensor<?x?x3x24xf32>, tensor<?x?x3x24xf32>, tensor<?x?x3x24xf32>, tensor<?x?x3x24xf32>, tensor<?x?x24xf32>) outs(%e : tensor<?x?x24xf32>) {
  ^bb0(%xr: f32, %xz: f32, %xn: f32, %ur: f32, %uz: f32, %un: f32, %old: f32, %out: f32):
    %ar = arith.addf %xr, %ur : f32
    %br = arith.negf %ar : f32
    %cr = math.exp %br : f32
    %dr = arith.addf %cr, %one : f32
    %r = arith.divf %one, %dr : f32
    %az = arith.addf %xz, %uz : f32
    %bz = arith.negf %az : f32
    %cz = math.exp %bz : f32
    %dz = arith.addf %cz, %one : f32
    %z = arith.divf %one, %dz : f32
    %gated = arith.mulf %r, %un : f32
    %an = arith.addf %xn, %gated : f32
    %n = math.tanh %an : f32
    %rest = arith.subf %one, %z : f32
    %new = arith.mulf %rest, %n : f32
    %kept = arith.mulf %z, %old : f32
    %next = arith.addf %new, %kept : f32
    linalg.yield %next : f32
  } -> tensor<?x?x24xf32>
  return %y : tensor<?x?x24xf32>
}

// σ(w·x + b), one number a row.
ml_program.global private @"blocks.1.halt.weight"(#ml_program.extern : tensor<1x24xf32>) : tensor<1x24xf32>
ml_program.global private @"blocks.1.halt.bias"(#ml_program.extern : tensor<1xf32>) : tensor<1xf32>
func.func private @"blocks.1.halt"(%x: tensor<?x?x24xf32>) -> tensor<?x?xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %x, %c0 : tensor<?x?x24xf32>
  %n1 = tensor.dim %x, %c1 : tensor<?x?x24xf32>
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %w1 = ml_program.global_load_const @"blocks.1.halt.weight" : tensor<1x24xf32>
  %w = tensor.collapse_shape %w1 [[0, 1]] : tensor<1x24xf32> into tensor<24xf32>
  %b = ml_program.global_load_const @"blocks.1.halt.bias" : tensor<1xf32>
  %e = tensor.empty(%n0, %n1) : tensor<?x?xf32>
  %s = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?xf32>) -> tensor<?x?xf32>
  %dot = linalg.contract indexing_maps = [affine_map<(i, j, k) -> (i, j, k)>, affine_map<(i, j, k) -> (k)>, affine_map<(i, j, k) -> (i, j)>]
      ins(%x, %w : tensor<?x?x24xf32>, tensor<24xf32>) outs(%s : tensor<?x?xf32>) -> tensor<?x?xf32>
  %p = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (0)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%dot, %b : tensor<?x?xf32>, tensor<1xf32>) outs(%e : tensor<?x?xf32>) {
  ^bb0(%d: f32, %c: f32, %out: f32):
    %z = arith.addf %d, %c : f32
    %neg = arith.negf %z : f32
    %exp = math.exp %neg : f32
    %den = arith.addf %exp, %one : f32
    %sig = arith.divf %one, %den : f32
    linalg.yield %sig : f32
  } -> tensor<?x?xf32>
  return %p : tensor<?x?xf32>
}

// f(S, X): U = LN(W_s S + W_x X + b), A = U + MHSA(U), A + W_down gelu(W_up LN(A)).
func.func private @"blocks.1.candidate"(%S: tensor<?x?x24xf32>, %X: tensor<?x?x24xf32>, %lengths: tensor<?xi32>) -> tensor<?x?x24xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %X, %c0 : tensor<?x?x24xf32>
  %n1 = tensor.dim %X, %c1 : tensor<?x?x24xf32>
  %s = func.call @"blocks.1.state"(%S) : (tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  %x = func.call @"blocks.1.input"(%X) : (tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  %e = tensor.empty(%n0, %n1) : tensor<?x?x24xf32>
  %sum = linalg.add ins(%s, %x : tensor<?x?x24xf32>, tensor<?x?x24xf32>) outs(%e : tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  %u = func.call @"blocks.1.norm1"(%sum) : (tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  %a = func.call @"blocks.1.attention"(%u, %lengths) : (tensor<?x?x24xf32>, tensor<?xi32>) -> tensor<?x?x24xf32>
  %A = linalg.add ins(%u, %a : tensor<?x?x24xf32>, tensor<?x?x24xf32>) outs(%e : tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  %f = func.call @"blocks.1.ffn"(%A) : (tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  return %f : tensor<?x?x24xf32>
}

// S_t = GRU(f(S, X), S); what is left at the cap goes to the last step.
func.func @main(%x: tensor<?x?x24xf32> {attnc.name = "x", attnc.dims = ["B", "T"]}, %lengths: tensor<?xi32> {attnc.name = "lengths", attnc.dims = ["B"]})
    -> (tensor<?x?x24xf32> {attnc.name = "y", attnc.dims = ["B", "T"]}, tensor<?x?x24xf32> {attnc.name = "state", attnc.dims = ["B", "T"]}, tensor<?x?xi32> {attnc.name = "steps", attnc.dims = ["B", "T"]}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %x, %c0 : tensor<?x?x24xf32>
  %n1 = tensor.dim %x, %c1 : tensor<?x?x24xf32>
  %cap = arith.constant 6 : index
  %limit = arith.constant 0.9 : f32  // 1 - ε
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty(%n0, %n1) : tensor<?x?x24xf32>
  %none = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  %rows = func.call @"valid"(%lengths, %n0, %n1) : (tensor<?xi32>, index, index) -> tensor<?x?xi1>
  %state0, %y0, %steps0 = loop.adaptive geometric threshold(%limit) active(%running0 = %rows : tensor<?x?xi1>) cap(%cap) step(%t0)
      carry(frozen %S0 = %none : tensor<?x?x24xf32>, mean %sum0 = %none : tensor<?x?x24xf32>) {
    %f0 = func.call @"blocks.0.candidate"(%S0, %x, %lengths) : (tensor<?x?x24xf32>, tensor<?x?x24xf32>, tensor<?xi32>) -> tensor<?x?x24xf32>
    %new0 = func.call @"blocks.0.gru"(%f0, %S0) : (tensor<?x?x24xf32>, tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
    %h0 = func.call @"blocks.0.halt"(%new0) : (tensor<?x?x24xf32>) -> tensor<?x?xf32>
    loop.yield %new0, %new0 score(%h0 : tensor<?x?xf32>) : tensor<?x?x24xf32>, tensor<?x?x24xf32>
  }
  return %y0, %state0, %steps0 : tensor<?x?x24xf32>, tensor<?x?x24xf32>, tensor<?x?xi32>
}

// S_t = S + f(S, X).
func.func @main_update_residual(%x: tensor<?x?x24xf32> {attnc.name = "x", attnc.dims = ["B", "T"]}, %lengths: tensor<?xi32> {attnc.name = "lengths", attnc.dims = ["B"]})
    -> (tensor<?x?x24xf32> {attnc.name = "y", attnc.dims = ["B", "T"]}, tensor<?x?x24xf32> {attnc.name = "state", attnc.dims = ["B", "T"]}, tensor<?x?xi32> {attnc.name = "steps", attnc.dims = ["B", "T"]}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %x, %c0 : tensor<?x?x24xf32>
  %n1 = tensor.dim %x, %c1 : tensor<?x?x24xf32>
  %cap = arith.constant 6 : index
  %limit = arith.constant 0.9 : f32  // 1 - ε
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty(%n0, %n1) : tensor<?x?x24xf32>
  %none = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  %rows = func.call @"valid"(%lengths, %n0, %n1) : (tensor<?xi32>, index, index) -> tensor<?x?xi1>
  %state0, %y0, %steps0 = loop.adaptive geometric threshold(%limit) active(%running0 = %rows : tensor<?x?xi1>) cap(%cap) step(%t0)
      carry(frozen %S0 = %none : tensor<?x?x24xf32>, mean %sum0 = %none : tensor<?x?x24xf32>) {
    %f0 = func.call @"blocks.0.candidate"(%S0, %x, %lengths) : (tensor<?x?x24xf32>, tensor<?x?x24xf32>, tensor<?xi32>) -> tensor<?x?x24xf32>
    %new0 = linalg.add ins(%S0, %f0 : tensor<?x?x24xf32>, tensor<?x?x24xf32>) outs(%e : tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
    %h0 = func.call @"blocks.0.halt"(%new0) : (tensor<?x?x24xf32>) -> tensor<?x?xf32>
    loop.yield %new0, %new0 score(%h0 : tensor<?x?xf32>) : tensor<?x?x24xf32>, tensor<?x?x24xf32>
  }
  return %y0, %state0, %steps0 : tensor<?x?x24xf32>, tensor<?x?x24xf32>, tensor<?x?xi32>
}

// S_t = f(S, X).
func.func @main_update_replace(%x: tensor<?x?x24xf32> {attnc.name = "x", attnc.dims = ["B", "T"]}, %lengths: tensor<?xi32> {attnc.name = "lengths", attnc.dims = ["B"]})
    -> (tensor<?x?x24xf32> {attnc.name = "y", attnc.dims = ["B", "T"]}, tensor<?x?x24xf32> {attnc.name = "state", attnc.dims = ["B", "T"]}, tensor<?x?xi32> {attnc.name = "steps", attnc.dims = ["B", "T"]}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %x, %c0 : tensor<?x?x24xf32>
  %n1 = tensor.dim %x, %c1 : tensor<?x?x24xf32>
  %cap = arith.constant 6 : index
  %limit = arith.constant 0.9 : f32  // 1 - ε
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty(%n0, %n1) : tensor<?x?x24xf32>
  %none = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  %rows = func.call @"valid"(%lengths, %n0, %n1) : (tensor<?xi32>, index, index) -> tensor<?x?xi1>
  %state0, %y0, %steps0 = loop.adaptive geometric threshold(%limit) active(%running0 = %rows : tensor<?x?xi1>) cap(%cap) step(%t0)
      carry(frozen %S0 = %none : tensor<?x?x24xf32>, mean %sum0 = %none : tensor<?x?x24xf32>) {
    %f0 = func.call @"blocks.0.candidate"(%S0, %x, %lengths) : (tensor<?x?x24xf32>, tensor<?x?x24xf32>, tensor<?xi32>) -> tensor<?x?x24xf32>
    %h0 = func.call @"blocks.0.halt"(%f0) : (tensor<?x?x24xf32>) -> tensor<?x?xf32>
    loop.yield %f0, %f0 score(%h0 : tensor<?x?xf32>) : tensor<?x?x24xf32>, tensor<?x?x24xf32>
  }
  return %y0, %state0, %steps0 : tensor<?x?x24xf32>, tensor<?x?x24xf32>, tensor<?x?xi32>
}

// What is left at the cap is dropped.
func.func @main_remainder_drop(%x: tensor<?x?x24xf32> {attnc.name = "x", attnc.dims = ["B", "T"]}, %lengths: tensor<?xi32> {attnc.name = "lengths", attnc.dims = ["B"]})
    -> (tensor<?x?x24xf32> {attnc.name = "y", attnc.dims = ["B", "T"]}, tensor<?x?x24xf32> {attnc.name = "state", attnc.dims = ["B", "T"]}, tensor<?x?xi32> {attnc.name = "steps", attnc.dims = ["B", "T"]}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %x, %c0 : tensor<?x?x24xf32>
  %n1 = tensor.dim %x, %c1 : tensor<?x?x24xf32>
  %cap = arith.constant 6 : index
  %limit = arith.constant 0.9 : f32  // 1 - ε
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty(%n0, %n1) : tensor<?x?x24xf32>
  %none = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  %rows = func.call @"valid"(%lengths, %n0, %n1) : (tensor<?xi32>, index, index) -> tensor<?x?xi1>
  %state0, %y0, %steps0 = loop.adaptive geometric threshold(%limit) remainder(drop) active(%running0 = %rows : tensor<?x?xi1>) cap(%cap) step(%t0)
      carry(frozen %S0 = %none : tensor<?x?x24xf32>, mean %sum0 = %none : tensor<?x?x24xf32>) {
    %f0 = func.call @"blocks.0.candidate"(%S0, %x, %lengths) : (tensor<?x?x24xf32>, tensor<?x?x24xf32>, tensor<?xi32>) -> tensor<?x?x24xf32>
    %new0 = func.call @"blocks.0.gru"(%f0, %S0) : (tensor<?x?x24xf32>, tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
    %h0 = func.call @"blocks.0.halt"(%new0) : (tensor<?x?x24xf32>) -> tensor<?x?xf32>
    loop.yield %new0, %new0 score(%h0 : tensor<?x?xf32>) : tensor<?x?x24xf32>, tensor<?x?x24xf32>
  }
  return %y0, %state0, %steps0 : tensor<?x?x24xf32>, tensor<?x?x24xf32>, tensor<?x?xi32>
}

// Two blocks in sequence, each halting on its own: Y of the first is X of the second.
func.func @main_stack(%x: tensor<?x?x24xf32> {attnc.name = "x", attnc.dims = ["B", "T"]}, %lengths: tensor<?xi32> {attnc.name = "lengths", attnc.dims = ["B"]})
    -> (tensor<?x?x24xf32> {attnc.name = "y", attnc.dims = ["B", "T"]}, tensor<?x?x24xf32> {attnc.name = "state", attnc.dims = ["B", "T"]}, tensor<?x?xi32> {attnc.name = "steps", attnc.dims = ["B", "T"]}, tensor<?x?xi32> {attnc.name = "steps2", attnc.dims = ["B", "T"]}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %x, %c0 : tensor<?x?x24xf32>
  %n1 = tensor.dim %x, %c1 : tensor<?x?x24xf32>
  %cap = arith.constant 6 : index
  %limit = arith.constant 0.9 : f32  // 1 - ε
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty(%n0, %n1) : tensor<?x?x24xf32>
  %none = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  %rows = func.call @"valid"(%lengths, %n0, %n1) : (tensor<?xi32>, index, index) -> tensor<?x?xi1>
  %state0, %y0, %steps0 = loop.adaptive geometric threshold(%limit) active(%running0 = %rows : tensor<?x?xi1>) cap(%cap) step(%t0)
      carry(frozen %S0 = %none : tensor<?x?x24xf32>, mean %sum0 = %none : tensor<?x?x24xf32>) {
    %f0 = func.call @"blocks.0.candidate"(%S0, %x, %lengths) : (tensor<?x?x24xf32>, tensor<?x?x24xf32>, tensor<?xi32>) -> tensor<?x?x24xf32>
    %new0 = func.call @"blocks.0.gru"(%f0, %S0) : (tensor<?x?x24xf32>, tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
    %h0 = func.call @"blocks.0.halt"(%new0) : (tensor<?x?x24xf32>) -> tensor<?x?xf32>
    loop.yield %new0, %new0 score(%h0 : tensor<?x?xf32>) : tensor<?x?x24xf32>, tensor<?x?x24xf32>
  }
  %state1, %y1, %steps1 = loop.adaptive geometric threshold(%limit) active(%running1 = %rows : tensor<?x?xi1>) cap(%cap) step(%t1)
      carry(frozen %S1 = %none : tensor<?x?x24xf32>, mean %sum1 = %none : tensor<?x?x24xf32>) {
    %f1 = func.call @"blocks.1.candidate"(%S1, %y0, %lengths) : (tensor<?x?x24xf32>, tensor<?x?x24xf32>, tensor<?xi32>) -> tensor<?x?x24xf32>
    %new1 = func.call @"blocks.1.gru"(%f1, %S1) : (tensor<?x?x24xf32>, tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
    %h1 = func.call @"blocks.1.halt"(%new1) : (tensor<?x?x24xf32>) -> tensor<?x?xf32>
    loop.yield %new1, %new1 score(%h1 : tensor<?x?xf32>) : tensor<?x?x24xf32>, tensor<?x?x24xf32>
  }
  return %y1, %state1, %steps0, %steps1 : tensor<?x?x24xf32>, tensor<?x?x24xf32>, tensor<?x?xi32>, tensor<?x?xi32>
}
