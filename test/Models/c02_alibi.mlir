// c02_alibi: linear position biases, six heads, which is not a power of two (models.md C2): q·k/√D - m_h (i - j).
#x = affine_map<(b, t, n, k) -> (b, t, k)>
#w = affine_map<(b, t, n, k) -> (n, k)>
#y = affine_map<(b, t, n, k) -> (b, t, n)>
!x = tensor<?x?x40xf32>
!qkv = tensor<?x?x3x6x8xf32>
!heads = tensor<?x?x6x8xf32>

ml_program.global private @"attention.qkv.weight"(#ml_program.extern : tensor<144x40xf32>) : tensor<144x40xf32>
ml_program.global private @"attention.out.weight"(#ml_program.extern : tensor<40x48xf32>) : tensor<40x48xf32>

// Queries, keys and values, packed.
func.func private @qkv(%x: !x) -> !qkv {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %b = tensor.dim %x, %c0 : !x
  %t = tensor.dim %x, %c1 : !x
  %w = ml_program.global_load_const @"attention.qkv.weight" : tensor<144x40xf32>
  %e = tensor.empty(%b, %t) : tensor<?x?x144xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x144xf32>) -> tensor<?x?x144xf32>
  %p = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : !x, tensor<144x40xf32>) outs(%f : tensor<?x?x144xf32>) -> tensor<?x?x144xf32>
  %r = tensor.expand_shape %p [[0], [1], [2, 3, 4]] output_shape [%b, %t, 3, 6, 8] : tensor<?x?x144xf32> into !qkv
  return %r : !qkv
}

func.func private @empty(%x: !x) -> !heads {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : !x
  %t = tensor.dim %x, %c1 : !x
  %e = tensor.empty(%b, %t) : !heads
  return %e : !heads
}

// The heads side by side, projected.
func.func private @out(%heads: !heads) -> !x {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %b = tensor.dim %heads, %c0 : !heads
  %t = tensor.dim %heads, %c1 : !heads
  %a = tensor.collapse_shape %heads [[0], [1], [2, 3]] : !heads into tensor<?x?x48xf32>
  %w = ml_program.global_load_const @"attention.out.weight" : tensor<40x48xf32>
  %e = tensor.empty(%b, %t) : !x
  %f = linalg.fill ins(%zero : f32) outs(%e : !x) -> !x
  %y = linalg.contract indexing_maps = [#x, #w, #y] ins(%a, %w : tensor<?x?x48xf32>, tensor<40x48xf32>) outs(%f : !x) -> !x
  return %y : !x
}

// m_h: 2^(-8k/4) of k = 1 .. 4, then those of eight heads at every second place.
func.func private @slopes() -> tensor<6xf32> {
  %m = arith.constant dense<[0.25, 0.0625, 0.015625, 0.00390625, 0.5, 0.125]> : tensor<6xf32>
  return %m : tensor<6xf32>
}

// Causal.
func.func @main(%x: !x {attnc.name = "x", attnc.dims = ["B", "T"]}, %lengths: tensor<?xi32> {attnc.name = "lengths", attnc.dims = ["B"]})
    -> (!x {attnc.name = "y", attnc.dims = ["B", "T"]}) {
  %slopes = func.call @slopes() : () -> tensor<6xf32>
  %qkv = func.call @qkv(%x) : (!x) -> !qkv
  %e = func.call @empty(%x) : (!x) -> !heads
  %heads = attn.attention softmax scale(0.35355339059327379)
      query %qkv[b, i, 0, g, d] : !qkv
      source %qkv[b, j, 1, g, d], %qkv[b, j, 2, g, v] : !qkv, !qkv valid %lengths[b] : tensor<?xi32>
      captures %slopes[g] : tensor<6xf32>
      into %e[b, i, g, v] : !heads
      score(%s, %b, %h, %i, %j, %n, %slope) {
        %distance = arith.subi %i, %j : index
        %d_int = arith.index_cast %distance : index to i32
        %d = arith.sitofp %d_int : i32 to f32
        %bias = arith.mulf %d, %slope : f32
        %biased = arith.subf %s, %bias : f32
        attn.yield %biased : f32
      }
      mask(%b, %h, %i, %j, %n, %slope) {
        %past = arith.cmpi sle, %j, %i : index
        attn.yield %past : i1
      }
  %y = func.call @out(%heads) : (!heads) -> !x
  return %y : !x
}

// All keys, - m_h |i - j|.
func.func @main_bidirectional(%x: !x {attnc.name = "x", attnc.dims = ["B", "T"]}, %lengths: tensor<?xi32> {attnc.name = "lengths", attnc.dims = ["B"]})
    -> (!x {attnc.name = "y", attnc.dims = ["B", "T"]}) {
  %slopes = func.call @slopes() : () -> tensor<6xf32>
  %qkv = func.call @qkv(%x) : (!x) -> !qkv
  %e = func.call @empty(%x) : (!x) -> !heads
  %heads = attn.attention softmax scale(0.35355339059327379)
      query %qkv[b, i, 0, g, d] : !qkv
      source %qkv[b, j, 1, g, d], %qkv[b, j, 2, g, v] : !qkv, !qkv valid %lengths[b] : tensor<?xi32>
      captures %slopes[g] : tensor<6xf32>
      into %e[b, i, g, v] : !heads
      score(%s, %b, %h, %i, %j, %n, %slope) {
        %distance = arith.subi %i, %j : index
        %d_int = arith.index_cast %distance : index to i32
        %d = arith.sitofp %d_int : i32 to f32
        %far = math.absf %d : f32
        %bias = arith.mulf %far, %slope : f32
        %biased = arith.subf %s, %bias : f32
        attn.yield %biased : f32
      }
  %y = func.call @out(%heads) : (!heads) -> !x
  return %y : !x
}
