// c03_t5: a learned bias by the bucket of the distance (models.md C3); scores are not divided by √D.
#x = affine_map<(b, t, n, k) -> (b, t, k)>
#w = affine_map<(b, t, n, k) -> (n, k)>
#y = affine_map<(b, t, n, k) -> (b, t, n)>
!x = tensor<?x?x36xf32>
!qkv = tensor<?x?x3x3x12xf32>
!heads = tensor<?x?x3x12xf32>

ml_program.global private @"attention.qkv.weight"(#ml_program.extern : tensor<108x36xf32>) : tensor<108x36xf32>
ml_program.global private @"attention.out.weight"(#ml_program.extern : tensor<36x36xf32>) : tensor<36x36xf32>
ml_program.global private @"attention.bias.weight"(#ml_program.extern : tensor<32x3xf32>) : tensor<32x3xf32>

// Queries, keys and values, packed.
func.func private @qkv(%x: !x) -> !qkv {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %b = tensor.dim %x, %c0 : !x
  %t = tensor.dim %x, %c1 : !x
  %w = ml_program.global_load_const @"attention.qkv.weight" : tensor<108x36xf32>
  %e = tensor.empty(%b, %t) : tensor<?x?x108xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x108xf32>) -> tensor<?x?x108xf32>
  %p = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : !x, tensor<108x36xf32>) outs(%f : tensor<?x?x108xf32>) -> tensor<?x?x108xf32>
  %r = tensor.expand_shape %p [[0], [1], [2, 3, 4]] output_shape [%b, %t, 3, 3, 12] : tensor<?x?x108xf32> into !qkv
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
  %a = tensor.collapse_shape %heads [[0], [1], [2, 3]] : !heads into tensor<?x?x36xf32>
  %w = ml_program.global_load_const @"attention.out.weight" : tensor<36x36xf32>
  %e = tensor.empty(%b, %t) : !x
  %f = linalg.fill ins(%zero : f32) outs(%e : !x) -> !x
  %y = linalg.contract indexing_maps = [#x, #w, #y] ins(%a, %w : tensor<?x?x36xf32>, tensor<36x36xf32>) outs(%f : !x) -> !x
  return %y : !x
}

// The bias of each head at distances 0 .. 127, from its bucket: 16 exact ones, then 16 that grow with the logarithm.
func.func private @biases() -> tensor<128x3xf32> {
  %buckets = arith.constant dense<[
      0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 16, 16, 17, 17, 18, 18, 18, 19, 19, 19, 20, 20, 20, 20, 21,
      21, 21, 21, 22, 22, 22, 22, 22, 23, 23, 23, 23, 23, 23, 24, 24, 24, 24, 24, 24, 25, 25, 25, 25, 25, 25, 25, 26, 26, 26, 26, 26,
      26, 26, 26, 27, 27, 27, 27, 27, 27, 27, 27, 27, 27, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 29, 29, 29, 29, 29, 29, 29, 29, 29,
      29, 29, 29, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31]> : tensor<128xi32>
  %w = ml_program.global_load_const @"attention.bias.weight" : tensor<32x3xf32>
  %r = attn.gather_rows %w[%buckets] : tensor<32x3xf32>, tensor<128xi32> -> tensor<128x3xf32>
  return %r : tensor<128x3xf32>
}

// The same both ways, 8 exact buckets and 8 others each: keys before the query, then (from 128 on) keys after it.
func.func private @biases_both() -> tensor<256x3xf32> {
  %buckets = arith.constant dense<[
      0, 1, 2, 3, 4, 5, 6, 7, 8, 8, 8, 8, 9, 9, 9, 9, 10, 10, 10, 10, 10, 10, 10, 11, 11, 11, 11, 11, 11, 11, 11, 11,
      12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13,
      14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 15, 15, 15, 15, 15,
      15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15,
      16, 17, 18, 19, 20, 21, 22, 23, 24, 24, 24, 24, 25, 25, 25, 25, 26, 26, 26, 26, 26, 26, 26, 27, 27, 27, 27, 27, 27, 27, 27, 27,
      28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 29, 29, 29, 29, 29, 29, 29, 29, 29, 29, 29, 29, 29, 29, 29, 29, 29, 29,
      30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 31, 31, 31, 31, 31,
      31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31]> : tensor<256xi32>
  %w = ml_program.global_load_const @"attention.bias.weight" : tensor<32x3xf32>
  %r = attn.gather_rows %w[%buckets] : tensor<32x3xf32>, tensor<256xi32> -> tensor<256x3xf32>
  return %r : tensor<256x3xf32>
}

// Causal.
func.func @main(%x: !x {attnc.name = "x", attnc.dims = ["B", "T"]}, %lengths: tensor<?xi32> {attnc.name = "lengths", attnc.dims = ["B"]})
    -> (!x {attnc.name = "y", attnc.dims = ["B", "T"]}) {
  %bias = func.call @biases() : () -> tensor<128x3xf32>
  %qkv = func.call @qkv(%x) : (!x) -> !qkv
  %e = func.call @empty(%x) : (!x) -> !heads
  %heads = attn.attention softmax scale(1.0)
      query %qkv[b, i, 0, g, d] : !qkv
      source %qkv[b, j, 1, g, d], %qkv[b, j, 2, g, v] : !qkv, !qkv valid %lengths[b] : tensor<?xi32>
      captures %bias : tensor<128x3xf32>
      into %e[b, i, g, v] : !heads
      score(%s, %b, %h, %i, %j, %n, %bias) {
        %c0 = arith.constant 0 : index
        %c127 = arith.constant 127 : index
        %distance = arith.subi %i, %j : index
        %back = arith.maxsi %distance, %c0 : index
        %near = arith.minsi %back, %c127 : index
        %there = tensor.extract %bias[%near, %h] : tensor<128x3xf32>
        %biased = arith.addf %s, %there : f32
        attn.yield %biased : f32
      }
      mask(%b, %h, %i, %j, %n, %bias) {
        %past = arith.cmpi sle, %j, %i : index
        attn.yield %past : i1
      }
  %y = func.call @out(%heads) : (!heads) -> !x
  return %y : !x
}

// All keys.
func.func @main_bidirectional(%x: !x {attnc.name = "x", attnc.dims = ["B", "T"]}, %lengths: tensor<?xi32> {attnc.name = "lengths", attnc.dims = ["B"]})
    -> (!x {attnc.name = "y", attnc.dims = ["B", "T"]}) {
  %bias = func.call @biases_both() : () -> tensor<256x3xf32>
  %qkv = func.call @qkv(%x) : (!x) -> !qkv
  %e = func.call @empty(%x) : (!x) -> !heads
  %heads = attn.attention softmax scale(1.0)
      query %qkv[b, i, 0, g, d] : !qkv
      source %qkv[b, j, 1, g, d], %qkv[b, j, 2, g, v] : !qkv, !qkv valid %lengths[b] : tensor<?xi32>
      captures %bias : tensor<256x3xf32>
      into %e[b, i, g, v] : !heads
      score(%s, %b, %h, %i, %j, %n, %bias) {
        %c0 = arith.constant 0 : index
        %c127 = arith.constant 127 : index
        %c128 = arith.constant 128 : index
        %distance = arith.subi %i, %j : index
        %behind = arith.subi %j, %i : index
        %either = arith.maxsi %distance, %behind : index
        %near = arith.minsi %either, %c127 : index
        %after = arith.addi %near, %c128 : index
        %is_after = arith.cmpi slt, %distance, %c0 : index
        %row = arith.select %is_after, %after, %near : index
        %there = tensor.extract %bias[%row, %h] : tensor<256x3xf32>
        %biased = arith.addf %s, %there : f32
        attn.yield %biased : f32
      }
  %y = func.call @out(%heads) : (!heads) -> !x
  return %y : !x
}
