// a16_interlayer: layers 1 and 2 repeated with a gated state between layers 0 and 3 (models.md A16).
// Made by generate_a16_interlayer.py.

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

// LN(x).
ml_program.global private @"layers.0.norm1.weight"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
ml_program.global private @"layers.0.norm1.bias"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
func.func private @"layers.0.norm1"(%x: tensor<?x?x24xf32>) -> tensor<?x?x24xf32> {
  %w = ml_program.global_load_const @"layers.0.norm1.weight" : tensor<24xf32>
  %b = ml_program.global_load_const @"layers.0.norm1.bias" : tensor<24xf32>
  %y = attn.layer_norm %x weight(%w : tensor<24xf32>) bias(%b : tensor<24xf32>) eps(1.0e-5) : tensor<?x?x24xf32>
  return %y : tensor<?x?x24xf32>
}

// x W^T.
ml_program.global private @"layers.0.attention.qkv.weight"(#ml_program.extern : tensor<72x24xf32>) : tensor<72x24xf32>
func.func private @"layers.0.attention.qkv"(%x: tensor<?x?x24xf32>) -> tensor<?x?x72xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %x, %c0 : tensor<?x?x24xf32>
  %n1 = tensor.dim %x, %c1 : tensor<?x?x24xf32>
  %w = ml_program.global_load_const @"layers.0.attention.qkv.weight" : tensor<72x24xf32>
  %e = tensor.empty(%n0, %n1) : tensor<?x?x72xf32>
  %zero = arith.constant 0.0 : f32
  %s = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x72xf32>) -> tensor<?x?x72xf32>
  %y = linalg.contract indexing_maps = [affine_map<(i, j, n, k) -> (i, j, k)>, affine_map<(i, j, n, k) -> (n, k)>, affine_map<(i, j, n, k) -> (i, j, n)>]
      ins(%x, %w : tensor<?x?x24xf32>, tensor<72x24xf32>) outs(%s : tensor<?x?x72xf32>) -> tensor<?x?x72xf32>
  return %y : tensor<?x?x72xf32>
}

// x W^T.
ml_program.global private @"layers.0.attention.out.weight"(#ml_program.extern : tensor<24x24xf32>) : tensor<24x24xf32>
func.func private @"layers.0.attention.out"(%x: tensor<?x?x24xf32>) -> tensor<?x?x24xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %x, %c0 : tensor<?x?x24xf32>
  %n1 = tensor.dim %x, %c1 : tensor<?x?x24xf32>
  %w = ml_program.global_load_const @"layers.0.attention.out.weight" : tensor<24x24xf32>
  %e = tensor.empty(%n0, %n1) : tensor<?x?x24xf32>
  %zero = arith.constant 0.0 : f32
  %s = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  %y = linalg.contract indexing_maps = [affine_map<(i, j, n, k) -> (i, j, k)>, affine_map<(i, j, n, k) -> (n, k)>, affine_map<(i, j, n, k) -> (i, j, n)>]
      ins(%x, %w : tensor<?x?x24xf32>, tensor<24x24xf32>) outs(%s : tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  return %y : tensor<?x?x24xf32>
}

// Attention of each token over its sequence; padding is no key.
func.func private @"layers.0.attention"(%x: tensor<?x?x24xf32>, %lengths: tensor<?xi32>) -> tensor<?x?x24xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %x, %c0 : tensor<?x?x24xf32>
  %n1 = tensor.dim %x, %c1 : tensor<?x?x24xf32>
  %q = func.call @"layers.0.attention.qkv"(%x) : (tensor<?x?x24xf32>) -> tensor<?x?x72xf32>
  %s = tensor.expand_shape %q [[0], [1], [2, 3, 4]] output_shape [%n0, %n1, 3, 2, 12] : tensor<?x?x72xf32> into tensor<?x?x3x2x12xf32>
  %e = tensor.empty(%n0, %n1) : tensor<?x?x2x12xf32>
  %heads = attn.attention softmax scale(0.28867513459481287)
      query %s[b, i, 0, g, d] : tensor<?x?x3x2x12xf32>
      source %s[b, j, 1, g, d], %s[b, j, 2, g, v] : tensor<?x?x3x2x12xf32>, tensor<?x?x3x2x12xf32> valid %lengths[b] : tensor<?xi32>
      into %e[b, i, g, v] : tensor<?x?x2x12xf32>
  %a = tensor.collapse_shape %heads [[0], [1], [2, 3]] : tensor<?x?x2x12xf32> into tensor<?x?x24xf32>
  %o = func.call @"layers.0.attention.out"(%a) : (tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  return %o : tensor<?x?x24xf32>
}

// LN(x).
ml_program.global private @"layers.0.norm2.weight"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
ml_program.global private @"layers.0.norm2.bias"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
func.func private @"layers.0.norm2"(%x: tensor<?x?x24xf32>) -> tensor<?x?x24xf32> {
  %w = ml_program.global_load_const @"layers.0.norm2.weight" : tensor<24xf32>
  %b = ml_program.global_load_const @"layers.0.norm2.bias" : tensor<24xf32>
  %y = attn.layer_norm %x weight(%w : tensor<24xf32>) bias(%b : tensor<24xf32>) eps(1.0e-5) : tensor<?x?x24xf32>
  return %y : tensor<?x?x24xf32>
}

// x W^T + b.
ml_program.global private @"layers.0.ffn.up.weight"(#ml_program.extern : tensor<40x24xf32>) : tensor<40x24xf32>
ml_program.global private @"layers.0.ffn.up.bias"(#ml_program.extern : tensor<40xf32>) : tensor<40xf32>
func.func private @"layers.0.ffn.up"(%x: tensor<?x?x24xf32>) -> tensor<?x?x40xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %x, %c0 : tensor<?x?x24xf32>
  %n1 = tensor.dim %x, %c1 : tensor<?x?x24xf32>
  %w = ml_program.global_load_const @"layers.0.ffn.up.weight" : tensor<40x24xf32>
  %e = tensor.empty(%n0, %n1) : tensor<?x?x40xf32>
  %b = ml_program.global_load_const @"layers.0.ffn.up.bias" : tensor<40xf32>
  %s = linalg.broadcast ins(%b : tensor<40xf32>) outs(%e : tensor<?x?x40xf32>) dimensions = [0, 1]
  %y = linalg.contract indexing_maps = [affine_map<(i, j, n, k) -> (i, j, k)>, affine_map<(i, j, n, k) -> (n, k)>, affine_map<(i, j, n, k) -> (i, j, n)>]
      ins(%x, %w : tensor<?x?x24xf32>, tensor<40x24xf32>) outs(%s : tensor<?x?x40xf32>) -> tensor<?x?x40xf32>
  return %y : tensor<?x?x40xf32>
}

// x W^T + b.
ml_program.global private @"layers.0.ffn.down.weight"(#ml_program.extern : tensor<24x40xf32>) : tensor<24x40xf32>
ml_program.global private @"layers.0.ffn.down.bias"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
func.func private @"layers.0.ffn.down"(%x: tensor<?x?x40xf32>) -> tensor<?x?x24xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %x, %c0 : tensor<?x?x40xf32>
  %n1 = tensor.dim %x, %c1 : tensor<?x?x40xf32>
  %w = ml_program.global_load_const @"layers.0.ffn.down.weight" : tensor<24x40xf32>
  %e = tensor.empty(%n0, %n1) : tensor<?x?x24xf32>
  %b = ml_program.global_load_const @"layers.0.ffn.down.bias" : tensor<24xf32>
  %s = linalg.broadcast ins(%b : tensor<24xf32>) outs(%e : tensor<?x?x24xf32>) dimensions = [0, 1]
  %y = linalg.contract indexing_maps = [affine_map<(i, j, n, k) -> (i, j, k)>, affine_map<(i, j, n, k) -> (n, k)>, affine_map<(i, j, n, k) -> (i, j, n)>]
      ins(%x, %w : tensor<?x?x40xf32>, tensor<24x40xf32>) outs(%s : tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  return %y : tensor<?x?x24xf32>
}

// A + W_down gelu(W_up LN(A)).
func.func private @"layers.0.ffn"(%a: tensor<?x?x24xf32>) -> tensor<?x?x24xf32> {
  %m = func.call @"layers.0.norm2"(%a) : (tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  %u = func.call @"layers.0.ffn.up"(%m) : (tensor<?x?x24xf32>) -> tensor<?x?x40xf32>
  %g = func.call @"gelu"(%u) : (tensor<?x?x40xf32>) -> tensor<?x?x40xf32>
  %d = func.call @"layers.0.ffn.down"(%g) : (tensor<?x?x40xf32>) -> tensor<?x?x24xf32>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %a, %c0 : tensor<?x?x24xf32>
  %n1 = tensor.dim %a, %c1 : tensor<?x?x24xf32>
  %e = tensor.empty(%n0, %n1) : tensor<?x?x24xf32>
  %y = linalg.add ins(%a, %d : tensor<?x?x24xf32>, tensor<?x?x24xf32>) outs(%e : tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  return %y : tensor<?x?x24xf32>
}

// A = h + MHSA(LN h), A + W_down gelu(W_up LN A).
func.func private @"layers.0"(%h: tensor<?x?x24xf32>, %lengths: tensor<?xi32>) -> tensor<?x?x24xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %h, %c0 : tensor<?x?x24xf32>
  %n1 = tensor.dim %h, %c1 : tensor<?x?x24xf32>
  %n = func.call @"layers.0.norm1"(%h) : (tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  %a = func.call @"layers.0.attention"(%n, %lengths) : (tensor<?x?x24xf32>, tensor<?xi32>) -> tensor<?x?x24xf32>
  %e = tensor.empty(%n0, %n1) : tensor<?x?x24xf32>
  %A = linalg.add ins(%h, %a : tensor<?x?x24xf32>, tensor<?x?x24xf32>) outs(%e : tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  %y = func.call @"layers.0.ffn"(%A) : (tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  return %y : tensor<?x?x24xf32>
}

// LN(x).
ml_program.global private @"layers.1.norm1.weight"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
ml_program.global private @"layers.1.norm1.bias"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
func.func private @"layers.1.norm1"(%x: tensor<?x?x24xf32>) -> tensor<?x?x24xf32> {
  %w = ml_program.global_load_const @"layers.1.norm1.weight" : tensor<24xf32>
  %b = ml_program.global_load_const @"layers.1.norm1.bias" : tensor<24xf32>
  %y = attn.layer_norm %x weight(%w : tensor<24xf32>) bias(%b : tensor<24xf32>) eps(1.0e-5) : tensor<?x?x24xf32>
  return %y : tensor<?x?x24xf32>
}

// x W^T.
ml_program.global private @"layers.1.attention.qkv.weight"(#ml_program.extern : tensor<72x24xf32>) : tensor<72x24xf32>
func.func private @"layers.1.attention.qkv"(%x: tensor<?x?x24xf32>) -> tensor<?x?x72xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %x, %c0 : tensor<?x?x24xf32>
  %n1 = tensor.dim %x, %c1 : tensor<?x?x24xf32>
  %w = ml_program.global_load_const @"layers.1.attention.qkv.weight" : tensor<72x24xf32>
  %e = tensor.empty(%n0, %n1) : tensor<?x?x72xf32>
  %zero = arith.constant 0.0 : f32
  %s = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x72xf32>) -> tensor<?x?x72xf32>
  %y = linalg.contract indexing_maps = [affine_map<(i, j, n, k) -> (i, j, k)>, affine_map<(i, j, n, k) -> (n, k)>, affine_map<(i, j, n, k) -> (i, j, n)>]
      ins(%x, %w : tensor<?x?x24xf32>, tensor<72x24xf32>) outs(%s : tensor<?x?x72xf32>) -> tensor<?x?x72xf32>
  return %y : tensor<?x?x72xf32>
}

// x W^T.
ml_program.global private @"layers.1.attention.out.weight"(#ml_program.extern : tensor<24x24xf32>) : tensor<24x24xf32>
func.func private @"layers.1.attention.out"(%x: tensor<?x?x24xf32>) -> tensor<?x?x24xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %x, %c0 : tensor<?x?x24xf32>
  %n1 = tensor.dim %x, %c1 : tensor<?x?x24xf32>
  %w = ml_program.global_load_const @"layers.1.attention.out.weight" : tensor<24x24xf32>
  %e = tensor.empty(%n0, %n1) : tensor<?x?x24xf32>
  %zero = arith.constant 0.0 : f32
  %s = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  %y = linalg.contract indexing_maps = [affine_map<(i, j, n, k) -> (i, j, k)>, affine_map<(i, j, n, k) -> (n, k)>, affine_map<(i, j, n, k) -> (i, j, n)>]
      ins(%x, %w : tensor<?x?x24xf32>, tensor<24x24xf32>) outs(%s : tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  return %y : tensor<?x?x24xf32>
}

// Attention of each token over its sequence; padding is no key.
func.func private @"layers.1.attention"(%x: tensor<?x?x24xf32>, %lengths: tensor<?xi32>) -> tensor<?x?x24xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %x, %c0 : tensor<?x?x24xf32>
  %n1 = tensor.dim %x, %c1 : tensor<?x?x24xf32>
  %q = func.call @"layers.1.attention.qkv"(%x) : (tensor<?x?x24xf32>) -> tensor<?x?x72xf32>
  %s = tensor.expand_shape %q [[0], [1], [2, 3, 4]] output_shape [%n0, %n1, 3, 2, 12] : tensor<?x?x72xf32> into tensor<?x?x3x2x12xf32>
  %e = tensor.empty(%n0, %n1) : tensor<?x?x2x12xf32>
  %heads = attn.attention softmax scale(0.28867513459481287)
      query %s[b, i, 0, g, d] : tensor<?x?x3x2x12xf32>
      source %s[b, j, 1, g, d], %s[b, j, 2, g, v] : tensor<?x?x3x2x12xf32>, tensor<?x?x3x2x12xf32> valid %lengths[b] : tensor<?xi32>
      into %e[b, i, g, v] : tensor<?x?x2x12xf32>
  %a = tensor.collapse_shape %heads [[0], [1], [2, 3]] : tensor<?x?x2x12xf32> into tensor<?x?x24xf32>
  %o = func.call @"layers.1.attention.out"(%a) : (tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  return %o : tensor<?x?x24xf32>
}

// LN(x).
ml_program.global private @"layers.1.norm2.weight"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
ml_program.global private @"layers.1.norm2.bias"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
func.func private @"layers.1.norm2"(%x: tensor<?x?x24xf32>) -> tensor<?x?x24xf32> {
  %w = ml_program.global_load_const @"layers.1.norm2.weight" : tensor<24xf32>
  %b = ml_program.global_load_const @"layers.1.norm2.bias" : tensor<24xf32>
  %y = attn.layer_norm %x weight(%w : tensor<24xf32>) bias(%b : tensor<24xf32>) eps(1.0e-5) : tensor<?x?x24xf32>
  return %y : tensor<?x?x24xf32>
}

// x W^T + b.
ml_program.global private @"layers.1.ffn.up.weight"(#ml_program.extern : tensor<40x24xf32>) : tensor<40x24xf32>
ml_program.global private @"layers.1.ffn.up.bias"(#ml_program.extern : tensor<40xf32>) : tensor<40xf32>
func.func private @"layers.1.ffn.up"(%x: tensor<?x?x24xf32>) -> tensor<?x?x40xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %x, %c0 : tensor<?x?x24xf32>
  %n1 = tensor.dim %x, %c1 : tensor<?x?x24xf32>
  %w = ml_program.global_load_const @"layers.1.ffn.up.weight" : tensor<40x24xf32>
  %e = tensor.empty(%n0, %n1) : tensor<?x?x40xf32>
  %b = ml_program.global_load_const @"layers.1.ffn.up.bias" : tensor<40xf32>
  %s = linalg.broadcast ins(%b : tensor<40xf32>) outs(%e : tensor<?x?x40xf32>) dimensions = [0, 1]
  %y = linalg.contract indexing_maps = [affine_map<(i, j, n, k) -> (i, j, k)>, affine_map<(i, j, n, k) -> (n, k)>, affine_map<(i, j, n, k) -> (i, j, n)>]
      ins(%x, %w : tensor<?x?x24xf32>, tensor<40x24xf32>) outs(%s : tensor<?x?x40xf32>) -> tensor<?x?x40xf32>
  return %y : tensor<?x?x40xf32>
}

// x W^T + b.
ml_program.global private @"layers.1.ffn.down.weight"(#ml_program.extern : tensor<24x40xf32>) : tensor<24x40xf32>
ml_program.global private @"layers.1.ffn.down.bias"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
func.func private @"layers.1.ffn.down"(%x: tensor<?x?x40xf32>) -> tensor<?x?x24xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %x, %c0 : tensor<?x?x40xf32>
  %n1 = tensor.dim %x, %c1 : tensor<?x?x40xf32>
  %w = ml_program.global_load_const @"layers.1.ffn.down.weight" : tensor<24x40xf32>
  %e = tensor.empty(%n0, %n1) : tensor<?x?x24xf32>
  %b = ml_program.global_load_const @"layers.1.ffn.down.bias" : tensor<24xf32>
  %s = linalg.broadcast ins(%b : tensor<24xf32>) outs(%e : tensor<?x?x24xf32>) dimensions = [0, 1]
  %y = linalg.contract indexing_maps = [affine_map<(i, j, n, k) -> (i, j, k)>, affine_map<(i, j, n, k) -> (n, k)>, affine_map<(i, j, n, k) -> (i, j, n)>]
      ins(%x, %w : tensor<?x?x40xf32>, tensor<24x40xf32>) outs(%s : tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  return %y : tensor<?x?x24xf32>
}

// A + W_down gelu(W_up LN(A)).
func.func private @"layers.1.ffn"(%a: tensor<?x?x24xf32>) -> tensor<?x?x24xf32> {
  %m = func.call @"layers.1.norm2"(%a) : (tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  %u = func.call @"layers.1.ffn.up"(%m) : (tensor<?x?x24xf32>) -> tensor<?x?x40xf32>
  %g = func.call @"gelu"(%u) : (tensor<?x?x40xf32>) -> tensor<?x?x40xf32>
  %d = func.call @"layers.1.ffn.down"(%g) : (tensor<?x?x40xf32>) -> tensor<?x?x24xf32>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %a, %c0 : tensor<?x?x24xf32>
  %n1 = tensor.dim %a, %c1 : tensor<?x?x24xf32>
  %e = tensor.empty(%n0, %n1) : tensor<?x?x24xf32>
  %y = linalg.add ins(%a, %d : tensor<?x?x24xf32>, tensor<?x?x24xf32>) outs(%e : tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  return %y : tensor<?x?x24xf32>
}

// A = h + MHSA(LN h), A + W_down gelu(W_up LN A).
func.func private @"layers.1"(%h: tensor<?x?x24xf32>, %lengths: tensor<?xi32>) -> tensor<?x?x24xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %h, %c0 : tensor<?x?x24xf32>
  %n1 = tensor.dim %h, %c1 : tensor<?x?x24xf32>
  %n = func.call @"layers.1.norm1"(%h) : (tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  %a = func.call @"layers.1.attention"(%n, %lengths) : (tensor<?x?x24xf32>, tensor<?xi32>) -> tensor<?x?x24xf32>
  %e = tensor.empty(%n0, %n1) : tensor<?x?x24xf32>
  %A = linalg.add ins(%h, %a : tensor<?x?x24xf32>, tensor<?x?x24xf32>) outs(%e : tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  %y = func.call @"layers.1.ffn"(%A) : (tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  return %y : tensor<?x?x24xf32>
}

// LN(x).
ml_program.global private @"layers.2.norm1.weight"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
ml_program.global private @"layers.2.norm1.bias"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
func.func private @"layers.2.norm1"(%x: tensor<?x?x24xf32>) -> tensor<?x?x24xf32> {
  %w = ml_program.global_load_const @"layers.2.norm1.weight" : tensor<24xf32>
  %b = ml_program.global_load_const @"layers.2.norm1.bias" : tensor<24xf32>
  %y = attn.layer_norm %x weight(%w : tensor<24xf32>) bias(%b : tensor<24xf32>) eps(1.0e-5) : tensor<?x?x24xf32>
  return %y : tensor<?x?x24xf32>
}

// x W^T.
ml_program.global private @"layers.2.attention.qkv.weight"(#ml_program.extern : tensor<72x24xf32>) : tensor<72x24xf32>
func.func private @"layers.2.attention.qkv"(%x: tensor<?x?x24xf32>) -> tensor<?x?x72xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %x, %c0 : tensor<?x?x24xf32>
  %n1 = tensor.dim %x, %c1 : tensor<?x?x24xf32>
  %w = ml_program.global_load_const @"layers.2.attention.qkv.weight" : tensor<72x24xf32>
  %e = tensor.empty(%n0, %n1) : tensor<?x?x72xf32>
  %zero = arith.constant 0.0 : f32
  %s = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x72xf32>) -> tensor<?x?x72xf32>
  %y = linalg.contract indexing_maps = [affine_map<(i, j, n, k) -> (i, j, k)>, affine_map<(i, j, n, k) -> (n, k)>, affine_map<(i, j, n, k) -> (i, j, n)>]
      ins(%x, %w : tensor<?x?x24xf32>, tensor<72x24xf32>) outs(%s : tensor<?x?x72xf32>) -> tensor<?x?x72xf32>
  return %y : tensor<?x?x72xf32>
}

// x W^T.
ml_program.global private @"layers.2.attention.out.weight"(#ml_program.extern : tensor<24x24xf32>) : tensor<24x24xf32>
func.func private @"layers.2.attention.out"(%x: tensor<?x?x24xf32>) -> tensor<?x?x24xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %x, %c0 : tensor<?x?x24xf32>
  %n1 = tensor.dim %x, %c1 : tensor<?x?x24xf32>
  %w = ml_program.global_load_const @"layers.2.attention.out.weight" : tensor<24x24xf32>
  %e = tensor.empty(%n0, %n1) : tensor<?x?x24xf32>
  %zero = arith.constant 0.0 : f32
  %s = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  %y = linalg.contract indexing_maps = [affine_map<(i, j, n, k) -> (i, j, k)>, affine_map<(i, j, n, k) -> (n, k)>, affine_map<(i, j, n, k) -> (i, j, n)>]
      ins(%x, %w : tensor<?x?x24xf32>, tensor<24x24xf32>) outs(%s : tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  return %y : tensor<?x?x24xf32>
}

// Attention of each token over its sequence; padding is no key.
func.func private @"layers.2.attention"(%x: tensor<?x?x24xf32>, %lengths: tensor<?xi32>) -> tensor<?x?x24xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %x, %c0 : tensor<?x?x24xf32>
  %n1 = tensor.dim %x, %c1 : tensor<?x?x24xf32>
  %q = func.call @"layers.2.attention.qkv"(%x) : (tensor<?x?x24xf32>) -> tensor<?x?x72xf32>
  %s = tensor.expand_shape %q [[0], [1], [2, 3, 4]] output_shape [%n0, %n1, 3, 2, 12] : tensor<?x?x72xf32> into tensor<?x?x3x2x12xf32>
  %e = tensor.empty(%n0, %n1) : tensor<?x?x2x12xf32>
  %heads = attn.attention softmax scale(0.28867513459481287)
      query %s[b, i, 0, g, d] : tensor<?x?x3x2x12xf32>
      source %s[b, j, 1, g, d], %s[b, j, 2, g, v] : tensor<?x?x3x2x12xf32>, tensor<?x?x3x2x12xf32> valid %lengths[b] : tensor<?xi32>
      into %e[b, i, g, v] : tensor<?x?x2x12xf32>
  %a = tensor.collapse_shape %heads [[0], [1], [2, 3]] : tensor<?x?x2x12xf32> into tensor<?x?x24xf32>
  %o = func.call @"layers.2.attention.out"(%a) : (tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  return %o : tensor<?x?x24xf32>
}

// LN(x).
ml_program.global private @"layers.2.norm2.weight"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
ml_program.global private @"layers.2.norm2.bias"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
func.func private @"layers.2.norm2"(%x: tensor<?x?x24xf32>) -> tensor<?x?x24xf32> {
  %w = ml_program.global_load_const @"layers.2.norm2.weight" : tensor<24xf32>
  %b = ml_program.global_load_const @"layers.2.norm2.bias" : tensor<24xf32>
  %y = attn.layer_norm %x weight(%w : tensor<24xf32>) bias(%b : tensor<24xf32>) eps(1.0e-5) : tensor<?x?x24xf32>
  return %y : tensor<?x?x24xf32>
}

// x W^T + b.
ml_program.global private @"layers.2.ffn.up.weight"(#ml_program.extern : tensor<40x24xf32>) : tensor<40x24xf32>
ml_program.global private @"layers.2.ffn.up.bias"(#ml_program.extern : tensor<40xf32>) : tensor<40xf32>
func.func private @"layers.2.ffn.up"(%x: tensor<?x?x24xf32>) -> tensor<?x?x40xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %x, %c0 : tensor<?x?x24xf32>
  %n1 = tensor.dim %x, %c1 : tensor<?x?x24xf32>
  %w = ml_program.global_load_const @"layers.2.ffn.up.weight" : tensor<40x24xf32>
  %e = tensor.empty(%n0, %n1) : tensor<?x?x40xf32>
  %b = ml_program.global_load_const @"layers.2.ffn.up.bias" : tensor<40xf32>
  %s = linalg.broadcast ins(%b : tensor<40xf32>) outs(%e : tensor<?x?x40xf32>) dimensions = [0, 1]
  %y = linalg.contract indexing_maps = [affine_map<(i, j, n, k) -> (i, j, k)>, affine_map<(i, j, n, k) -> (n, k)>, affine_map<(i, j, n, k) -> (i, j, n)>]
      ins(%x, %w : tensor<?x?x24xf32>, tensor<40x24xf32>) outs(%s : tensor<?x?x40xf32>) -> tensor<?x?x40xf32>
  return %y : tensor<?x?x40xf32>
}

// x W^T + b.
ml_program.global private @"layers.2.ffn.down.weight"(#ml_program.extern : tensor<24x40xf32>) : tensor<24x40xf32>
ml_program.global private @"layers.2.ffn.down.bias"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
func.func private @"layers.2.ffn.down"(%x: tensor<?x?x40xf32>) -> tensor<?x?x24xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %x, %c0 : tensor<?x?x40xf32>
  %n1 = tensor.dim %x, %c1 : tensor<?x?x40xf32>
  %w = ml_program.global_load_const @"layers.2.ffn.down.weight" : tensor<24x40xf32>
  %e = tensor.empty(%n0, %n1) : tensor<?x?x24xf32>
  %b = ml_program.global_load_const @"layers.2.ffn.down.bias" : tensor<24xf32>
  %s = linalg.broadcast ins(%b : tensor<24xf32>) outs(%e : tensor<?x?x24xf32>) dimensions = [0, 1]
  %y = linalg.contract indexing_maps = [affine_map<(i, j, n, k) -> (i, j, k)>, affine_map<(i, j, n, k) -> (n, k)>, affine_map<(i, j, n, k) -> (i, j, n)>]
      ins(%x, %w : tensor<?x?x40xf32>, tensor<24x40xf32>) outs(%s : tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  return %y : tensor<?x?x24xf32>
}

// A + W_down gelu(W_up LN(A)).
func.func private @"layers.2.ffn"(%a: tensor<?x?x24xf32>) -> tensor<?x?x24xf32> {
  %m = func.call @"layers.2.norm2"(%a) : (tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  %u = func.call @"layers.2.ffn.up"(%m) : (tensor<?x?x24xf32>) -> tensor<?x?x40xf32>
  %g = func.call @"gelu"(%u) : (tensor<?x?x40xf32>) -> tensor<?x?x40xf32>
  %d = func.call @"layers.2.ffn.down"(%g) : (tensor<?x?x40xf32>) -> tensor<?x?x24xf32>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %a, %c0 : tensor<?x?x24xf32>
  %n1 = tensor.dim %a, %c1 : tensor<?x?x24xf32>
  %e = tensor.empty(%n0, %n1) : tensor<?x?x24xf32>
  %y = linalg.add ins(%a, %d : tensor<?x?x24xf32>, tensor<?x?x24xf32>) outs(%e : tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  return %y : tensor<?x?x24xf32>
}

// A = h + MHSA(LN h), A + W_down gelu(W_up LN A).
func.func private @"layers.2"(%h: tensor<?x?x24xf32>, %lengths: tensor<?xi32>) -> tensor<?x?x24xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %h, %c0 : tensor<?x?x24xf32>
  %n1 = tensor.dim %h, %c1 : tensor<?x?x24xf32>
  %n = func.call @"layers.2.norm1"(%h) : (tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  %a = func.call @"layers.2.attention"(%n, %lengths) : (tensor<?x?x24xf32>, tensor<?xi32>) -> tensor<?x?x24xf32>
  %e = tensor.empty(%n0, %n1) : tensor<?x?x24xf32>
  %A = linalg.add ins(%h, %a : tensor<?x?x24xf32>, tensor<?x?x24xf32>) outs(%e : tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  %y = func.call @"layers.2.ffn"(%A) : (tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  return %y : tensor<?x?x24xf32>
}

// LN(x).
ml_program.global private @"layers.3.norm1.weight"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
ml_program.global private @"layers.3.norm1.bias"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
func.func private @"layers.3.norm1"(%x: tensor<?x?x24xf32>) -> tensor<?x?x24xf32> {
  %w = ml_program.global_load_const @"layers.3.norm1.weight" : tensor<24xf32>
  %b = ml_program.global_load_const @"layers.3.norm1.bias" : tensor<24xf32>
  %y = attn.layer_norm %x weight(%w : tensor<24xf32>) bias(%b : tensor<24xf32>) eps(1.0e-5) : tensor<?x?x24xf32>
  return %y : tensor<?x?x24xf32>
}

// x W^T.
ml_program.global private @"layers.3.attention.qkv.weight"(#ml_program.extern : tensor<72x24xf32>) : tensor<72x24xf32>
func.func private @"layers.3.attention.qkv"(%x: tensor<?x?x24xf32>) -> tensor<?x?x72xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %x, %c0 : tensor<?x?x24xf32>
  %n1 = tensor.dim %x, %c1 : tensor<?x?x24xf32>
  %w = ml_program.global_load_const @"layers.3.attention.qkv.weight" : tensor<72x24xf32>
  %e = tensor.empty(%n0, %n1) : tensor<?x?x72xf32>
  %zero = arith.constant 0.0 : f32
  %s = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x72xf32>) -> tensor<?x?x72xf32>
  %y = linalg.contract indexing_maps = [affine_map<(i, j, n, k) -> (i, j, k)>, affine_map<(i, j, n, k) -> (n, k)>, affine_map<(i, j, n, k) -> (i, j, n)>]
      ins(%x, %w : tensor<?x?x24xf32>, tensor<72x24xf32>) outs(%s : tensor<?x?x72xf32>) -> tensor<?x?x72xf32>
  return %y : tensor<?x?x72xf32>
}

// x W^T.
ml_program.global private @"layers.3.attention.out.weight"(#ml_program.extern : tensor<24x24xf32>) : tensor<24x24xf32>
func.func private @"layers.3.attention.out"(%x: tensor<?x?x24xf32>) -> tensor<?x?x24xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %x, %c0 : tensor<?x?x24xf32>
  %n1 = tensor.dim %x, %c1 : tensor<?x?x24xf32>
  %w = ml_program.global_load_const @"layers.3.attention.out.weight" : tensor<24x24xf32>
  %e = tensor.empty(%n0, %n1) : tensor<?x?x24xf32>
  %zero = arith.constant 0.0 : f32
  %s = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  %y = linalg.contract indexing_maps = [affine_map<(i, j, n, k) -> (i, j, k)>, affine_map<(i, j, n, k) -> (n, k)>, affine_map<(i, j, n, k) -> (i, j, n)>]
      ins(%x, %w : tensor<?x?x24xf32>, tensor<24x24xf32>) outs(%s : tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  return %y : tensor<?x?x24xf32>
}

// Attention of each token over its sequence; padding is no key.
func.func private @"layers.3.attention"(%x: tensor<?x?x24xf32>, %lengths: tensor<?xi32>) -> tensor<?x?x24xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %x, %c0 : tensor<?x?x24xf32>
  %n1 = tensor.dim %x, %c1 : tensor<?x?x24xf32>
  %q = func.call @"layers.3.attention.qkv"(%x) : (tensor<?x?x24xf32>) -> tensor<?x?x72xf32>
  %s = tensor.expand_shape %q [[0], [1], [2, 3, 4]] output_shape [%n0, %n1, 3, 2, 12] : tensor<?x?x72xf32> into tensor<?x?x3x2x12xf32>
  %e = tensor.empty(%n0, %n1) : tensor<?x?x2x12xf32>
  %heads = attn.attention softmax scale(0.28867513459481287)
      query %s[b, i, 0, g, d] : tensor<?x?x3x2x12xf32>
      source %s[b, j, 1, g, d], %s[b, j, 2, g, v] : tensor<?x?x3x2x12xf32>, tensor<?x?x3x2x12xf32> valid %lengths[b] : tensor<?xi32>
      into %e[b, i, g, v] : tensor<?x?x2x12xf32>
  %a = tensor.collapse_shape %heads [[0], [1], [2, 3]] : tensor<?x?x2x12xf32> into tensor<?x?x24xf32>
  %o = func.call @"layers.3.attention.out"(%a) : (tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  return %o : tensor<?x?x24xf32>
}

// LN(x).
ml_program.global private @"layers.3.norm2.weight"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
ml_program.global private @"layers.3.norm2.bias"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
func.func private @"layers.3.norm2"(%x: tensor<?x?x24xf32>) -> tensor<?x?x24xf32> {
  %w = ml_program.global_load_const @"layers.3.norm2.weight" : tensor<24xf32>
  %b = ml_program.global_load_const @"layers.3.norm2.bias" : tensor<24xf32>
  %y = attn.layer_norm %x weight(%w : tensor<24xf32>) bias(%b : tensor<24xf32>) eps(1.0e-5) : tensor<?x?x24xf32>
  return %y : tensor<?x?x24xf32>
}

// x W^T + b.
ml_program.global private @"layers.3.ffn.up.weight"(#ml_program.extern : tensor<40x24xf32>) : tensor<40x24xf32>
ml_program.global private @"layers.3.ffn.up.bias"(#ml_program.extern : tensor<40xf32>) : tensor<40xf32>
func.func private @"layers.3.ffn.up"(%x: tensor<?x?x24xf32>) -> tensor<?x?x40xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %x, %c0 : tensor<?x?x24xf32>
  %n1 = tensor.dim %x, %c1 : tensor<?x?x24xf32>
  %w = ml_program.global_load_const @"layers.3.ffn.up.weight" : tensor<40x24xf32>
  %e = tensor.empty(%n0, %n1) : tensor<?x?x40xf32>
  %b = ml_program.global_load_const @"layers.3.ffn.up.bias" : tensor<40xf32>
  %s = linalg.broadcast ins(%b : tensor<40xf32>) outs(%e : tensor<?x?x40xf32>) dimensions = [0, 1]
  %y = linalg.contract indexing_maps = [affine_map<(i, j, n, k) -> (i, j, k)>, affine_map<(i, j, n, k) -> (n, k)>, affine_map<(i, j, n, k) -> (i, j, n)>]
      ins(%x, %w : tensor<?x?x24xf32>, tensor<40x24xf32>) outs(%s : tensor<?x?x40xf32>) -> tensor<?x?x40xf32>
  return %y : tensor<?x?x40xf32>
}

// x W^T + b.
ml_program.global private @"layers.3.ffn.down.weight"(#ml_program.extern : tensor<24x40xf32>) : tensor<24x40xf32>
ml_program.global private @"layers.3.ffn.down.bias"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
func.func private @"layers.3.ffn.down"(%x: tensor<?x?x40xf32>) -> tensor<?x?x24xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %x, %c0 : tensor<?x?x40xf32>
  %n1 = tensor.dim %x, %c1 : tensor<?x?x40xf32>
  %w = ml_program.global_load_const @"layers.3.ffn.down.weight" : tensor<24x40xf32>
  %e = tensor.empty(%n0, %n1) : tensor<?x?x24xf32>
  %b = ml_program.global_load_const @"layers.3.ffn.down.bias" : tensor<24xf32>
  %s = linalg.broadcast ins(%b : tensor<24xf32>) outs(%e : tensor<?x?x24xf32>) dimensions = [0, 1]
  %y = linalg.contract indexing_maps = [affine_map<(i, j, n, k) -> (i, j, k)>, affine_map<(i, j, n, k) -> (n, k)>, affine_map<(i, j, n, k) -> (i, j, n)>]
      ins(%x, %w : tensor<?x?x40xf32>, tensor<24x40xf32>) outs(%s : tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  return %y : tensor<?x?x24xf32>
}

// A + W_down gelu(W_up LN(A)).
func.func private @"layers.3.ffn"(%a: tensor<?x?x24xf32>) -> tensor<?x?x24xf32> {
  %m = func.call @"layers.3.norm2"(%a) : (tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  %u = func.call @"layers.3.ffn.up"(%m) : (tensor<?x?x24xf32>) -> tensor<?x?x40xf32>
  %g = func.call @"gelu"(%u) : (tensor<?x?x40xf32>) -> tensor<?x?x40xf32>
  %d = func.call @"layers.3.ffn.down"(%g) : (tensor<?x?x40xf32>) -> tensor<?x?x24xf32>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %a, %c0 : tensor<?x?x24xf32>
  %n1 = tensor.dim %a, %c1 : tensor<?x?x24xf32>
  %e = tensor.empty(%n0, %n1) : tensor<?x?x24xf32>
  %y = linalg.add ins(%a, %d : tensor<?x?x24xf32>, tensor<?x?x24xf32>) outs(%e : tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  return %y : tensor<?x?x24xf32>
}

// A = h + MHSA(LN h), A + W_down gelu(W_up LN A).
func.func private @"layers.3"(%h: tensor<?x?x24xf32>, %lengths: tensor<?xi32>) -> tensor<?x?x24xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %h, %c0 : tensor<?x?x24xf32>
  %n1 = tensor.dim %h, %c1 : tensor<?x?x24xf32>
  %n = func.call @"layers.3.norm1"(%h) : (tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  %a = func.call @"layers.3.attention"(%n, %lengths) : (tensor<?x?x24xf32>, tensor<?xi32>) -> tensor<?x?x24xf32>
  %e = tensor.empty(%n0, %n1) : tensor<?x?x24xf32>
  %A = linalg.add ins(%h, %a : tensor<?x?x24xf32>, tensor<?x?x24xf32>) outs(%e : tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  %y = func.call @"layers.3.ffn"(%A) : (tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  return %y : tensor<?x?x24xf32>
}

// x W^T + b.
ml_program.global private @"fuse.weight"(#ml_program.extern : tensor<24x48xf32>) : tensor<24x48xf32>
ml_program.global private @"fuse.bias"(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
func.func private @"fuse"(%x: tensor<?x?x48xf32>) -> tensor<?x?x24xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %x, %c0 : tensor<?x?x48xf32>
  %n1 = tensor.dim %x, %c1 : tensor<?x?x48xf32>
  %w = ml_program.global_load_const @"fuse.weight" : tensor<24x48xf32>
  %e = tensor.empty(%n0, %n1) : tensor<?x?x24xf32>
  %b = ml_program.global_load_const @"fuse.bias" : tensor<24xf32>
  %s = linalg.broadcast ins(%b : tensor<24xf32>) outs(%e : tensor<?x?x24xf32>) dimensions = [0, 1]
  %y = linalg.contract indexing_maps = [affine_map<(i, j, n, k) -> (i, j, k)>, affine_map<(i, j, n, k) -> (n, k)>, affine_map<(i, j, n, k) -> (i, j, n)>]
      ins(%x, %w : tensor<?x?x48xf32>, tensor<24x48xf32>) outs(%s : tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  return %y : tensor<?x?x24xf32>
}

// x W^T + b.
ml_program.global private @"gru.input.weight"(#ml_program.extern : tensor<72x24xf32>) : tensor<72x24xf32>
ml_program.global private @"gru.input.bias"(#ml_program.extern : tensor<72xf32>) : tensor<72xf32>
func.func private @"gru.input"(%x: tensor<?x?x24xf32>) -> tensor<?x?x72xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %x, %c0 : tensor<?x?x24xf32>
  %n1 = tensor.dim %x, %c1 : tensor<?x?x24xf32>
  %w = ml_program.global_load_const @"gru.input.weight" : tensor<72x24xf32>
  %e = tensor.empty(%n0, %n1) : tensor<?x?x72xf32>
  %b = ml_program.global_load_const @"gru.input.bias" : tensor<72xf32>
  %s = linalg.broadcast ins(%b : tensor<72xf32>) outs(%e : tensor<?x?x72xf32>) dimensions = [0, 1]
  %y = linalg.contract indexing_maps = [affine_map<(i, j, n, k) -> (i, j, k)>, affine_map<(i, j, n, k) -> (n, k)>, affine_map<(i, j, n, k) -> (i, j, n)>]
      ins(%x, %w : tensor<?x?x24xf32>, tensor<72x24xf32>) outs(%s : tensor<?x?x72xf32>) -> tensor<?x?x72xf32>
  return %y : tensor<?x?x72xf32>
}

// x W^T + b.
ml_program.global private @"gru.state.weight"(#ml_program.extern : tensor<72x24xf32>) : tensor<72x24xf32>
ml_program.global private @"gru.state.bias"(#ml_program.extern : tensor<72xf32>) : tensor<72xf32>
func.func private @"gru.state"(%x: tensor<?x?x24xf32>) -> tensor<?x?x72xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %x, %c0 : tensor<?x?x24xf32>
  %n1 = tensor.dim %x, %c1 : tensor<?x?x24xf32>
  %w = ml_program.global_load_const @"gru.state.weight" : tensor<72x24xf32>
  %e = tensor.empty(%n0, %n1) : tensor<?x?x72xf32>
  %b = ml_program.global_load_const @"gru.state.bias" : tensor<72xf32>
  %s = linalg.broadcast ins(%b : tensor<72xf32>) outs(%e : tensor<?x?x72xf32>) dimensions = [0, 1]
  %y = linalg.contract indexing_maps = [affine_map<(i, j, n, k) -> (i, j, k)>, affine_map<(i, j, n, k) -> (n, k)>, affine_map<(i, j, n, k) -> (i, j, n)>]
      ins(%x, %w : tensor<?x?x24xf32>, tensor<72x24xf32>) outs(%s : tensor<?x?x72xf32>) -> tensor<?x?x72xf32>
  return %y : tensor<?x?x72xf32>
}

// h' = (1 - z) n + z h, n = tanh(W_n f + b_n + r (U_n h + c_n)); r, z = σ(W f + b + U h + c).
func.func private @"gru"(%f: tensor<?x?x24xf32>, %h: tensor<?x?x24xf32>) -> tensor<?x?x24xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %h, %c0 : tensor<?x?x24xf32>
  %n1 = tensor.dim %h, %c1 : tensor<?x?x24xf32>
  %one = arith.constant 1.0 : f32
  %x1 = func.call @"gru.input"(%f) : (tensor<?x?x24xf32>) -> tensor<?x?x72xf32>
  %u1 = func.call @"gru.state"(%h) : (tensor<?x?x24xf32>) -> tensor<?x?x72xf32>
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
ml_program.global private @"halt.weight"(#ml_program.extern : tensor<1x24xf32>) : tensor<1x24xf32>
ml_program.global private @"halt.bias"(#ml_program.extern : tensor<1xf32>) : tensor<1xf32>
func.func private @"halt"(%x: tensor<?x?x24xf32>) -> tensor<?x?xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %x, %c0 : tensor<?x?x24xf32>
  %n1 = tensor.dim %x, %c1 : tensor<?x?x24xf32>
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %w1 = ml_program.global_load_const @"halt.weight" : tensor<1x24xf32>
  %w = tensor.collapse_shape %w1 [[0, 1]] : tensor<1x24xf32> into tensor<24xf32>
  %b = ml_program.global_load_const @"halt.bias" : tensor<1xf32>
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

// g = σ(W_g [X; S] + b_g), GRU(layer_2(layer_1(g X + (1 - g) S)), S).
func.func private @"step"(%X: tensor<?x?x24xf32>, %S: tensor<?x?x24xf32>, %lengths: tensor<?xi32>) -> tensor<?x?x24xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %X, %c0 : tensor<?x?x24xf32>
  %n1 = tensor.dim %X, %c1 : tensor<?x?x24xf32>
  %one = arith.constant 1.0 : f32
  %both = tensor.concat dim(2) %X, %S : (tensor<?x?x24xf32>, tensor<?x?x24xf32>) -> tensor<?x?x48xf32>
  %logits = func.call @"fuse"(%both) : (tensor<?x?x48xf32>) -> tensor<?x?x24xf32>
  %e = tensor.empty(%n0, %n1) : tensor<?x?x24xf32>
  %in = linalg.generic {indexing_maps = [affine_map<(b, t, c) -> (b, t, c)>, affine_map<(b, t, c) -> (b, t, c)>, affine_map<(b, t, c) -> (b, t, c)>, affine_map<(b, t, c) -> (b, t, c)>], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%logits, %X, %S : tensor<?x?x24xf32>, tensor<?x?x24xf32>, tensor<?x?x24xf32>) outs(%e : tensor<?x?x24xf32>) {
  ^bb0(%l: f32, %x: f32, %s: f32, %out: f32):
    %neg = arith.negf %l : f32
    %exp = math.exp %neg : f32
    %den = arith.addf %exp, %one : f32
    %g = arith.divf %one, %den : f32
    %rest = arith.subf %one, %g : f32
    %new = arith.mulf %g, %x : f32
    %old = arith.mulf %rest, %s : f32
    %sum = arith.addf %new, %old : f32
    linalg.yield %sum : f32
  } -> tensor<?x?x24xf32>
  %h1 = func.call @"layers.1"(%in, %lengths) : (tensor<?x?x24xf32>, tensor<?xi32>) -> tensor<?x?x24xf32>
  %h2 = func.call @"layers.2"(%h1, %lengths) : (tensor<?x?x24xf32>, tensor<?xi32>) -> tensor<?x?x24xf32>
  %new = func.call @"gru"(%h2, %S) : (tensor<?x?x24xf32>, tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  return %new : tensor<?x?x24xf32>
}

// A fixed number of repeats.
func.func @main(%x: tensor<?x?x24xf32> {attnc.name = "x", attnc.dims = ["B", "T"]}, %lengths: tensor<?xi32> {attnc.name = "lengths", attnc.dims = ["B"]})
    -> (tensor<?x?x24xf32> {attnc.name = "y", attnc.dims = ["B", "T"]}, tensor<?x?x24xf32> {attnc.name = "state", attnc.dims = ["B", "T"]}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %x, %c0 : tensor<?x?x24xf32>
  %n1 = tensor.dim %x, %c1 : tensor<?x?x24xf32>
  %zero = arith.constant 0.0 : f32
  %X = func.call @"layers.0"(%x, %lengths) : (tensor<?x?x24xf32>, tensor<?xi32>) -> tensor<?x?x24xf32>
  %e = tensor.empty(%n0, %n1) : tensor<?x?x24xf32>
  %none = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  %repeats = arith.constant 3 : index
  %state = scf.for %t = %c0 to %repeats step %c1 iter_args(%S = %none) -> (tensor<?x?x24xf32>) {
    %new = func.call @"step"(%X, %S, %lengths) : (tensor<?x?x24xf32>, tensor<?x?x24xf32>, tensor<?xi32>) -> tensor<?x?x24xf32>
    scf.yield %new : tensor<?x?x24xf32>
  }
  %y = func.call @"layers.3"(%state, %lengths) : (tensor<?x?x24xf32>, tensor<?xi32>) -> tensor<?x?x24xf32>
  return %y, %state : tensor<?x?x24xf32>, tensor<?x?x24xf32>
}

// Each token stops when H = 1 - Π (1 - h) reaches 1 - ε; its last S counts, no mixture.
func.func @main_halted(%x: tensor<?x?x24xf32> {attnc.name = "x", attnc.dims = ["B", "T"]}, %lengths: tensor<?xi32> {attnc.name = "lengths", attnc.dims = ["B"]})
    -> (tensor<?x?x24xf32> {attnc.name = "y", attnc.dims = ["B", "T"]}, tensor<?x?x24xf32> {attnc.name = "state", attnc.dims = ["B", "T"]}, tensor<?x?xi32> {attnc.name = "steps", attnc.dims = ["B", "T"]}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %x, %c0 : tensor<?x?x24xf32>
  %n1 = tensor.dim %x, %c1 : tensor<?x?x24xf32>
  %zero = arith.constant 0.0 : f32
  %X = func.call @"layers.0"(%x, %lengths) : (tensor<?x?x24xf32>, tensor<?xi32>) -> tensor<?x?x24xf32>
  %e = tensor.empty(%n0, %n1) : tensor<?x?x24xf32>
  %none = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  %cap = arith.constant 5 : index
  %limit = arith.constant 0.8 : f32  // 1 - ε
  %rows = func.call @"valid"(%lengths, %n0, %n1) : (tensor<?xi32>, index, index) -> tensor<?x?xi1>
  %state, %steps = loop.adaptive geometric threshold(%limit) active(%running = %rows : tensor<?x?xi1>) cap(%cap) step(%t)
      carry(frozen %S = %none : tensor<?x?x24xf32>) {
    %new = func.call @"step"(%X, %S, %lengths) : (tensor<?x?x24xf32>, tensor<?x?x24xf32>, tensor<?xi32>) -> tensor<?x?x24xf32>
    %h = func.call @"halt"(%new) : (tensor<?x?x24xf32>) -> tensor<?x?xf32>
    loop.yield %new score(%h : tensor<?x?xf32>) : tensor<?x?x24xf32>
  }
  %y = func.call @"layers.3"(%state, %lengths) : (tensor<?x?x24xf32>, tensor<?xi32>) -> tensor<?x?x24xf32>
  return %y, %state, %steps : tensor<?x?x24xf32>, tensor<?x?x24xf32>, tensor<?x?xi32>
}
