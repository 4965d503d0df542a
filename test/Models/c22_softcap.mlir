// c22_softcap: capped scores, 2 tanh(s / 2) (Gemma 2, models.md C22); four heads share keys and values.
#x = affine_map<(b, t, n, k) -> (b, t, k)>
#w = affine_map<(b, t, n, k) -> (n, k)>
#y = affine_map<(b, t, n, k) -> (b, t, n)>
!x = tensor<?x?x32xf32>
!heads = tensor<?x?x1x4x16xf32>  // by group
!kv = tensor<?x?x6x1x16xf32>  // keys at 4, values at 5

ml_program.global private @"attention.qkv.weight"(#ml_program.extern : tensor<96x32xf32>) : tensor<96x32xf32>
ml_program.global private @"attention.out.weight"(#ml_program.extern : tensor<32x64xf32>) : tensor<32x64xf32>

// Queries by group; keys and values where they are in the packed projection.
func.func private @qkv(%x: !x) -> (!heads, !kv) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %b = tensor.dim %x, %c0 : !x
  %t = tensor.dim %x, %c1 : !x
  %w = ml_program.global_load_const @"attention.qkv.weight" : tensor<96x32xf32>
  %e = tensor.empty(%b, %t) : tensor<?x?x96xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x96xf32>) -> tensor<?x?x96xf32>
  %p = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : !x, tensor<96x32xf32>) outs(%f : tensor<?x?x96xf32>) -> tensor<?x?x96xf32>
  %all = tensor.expand_shape %p [[0], [1], [2, 3]] output_shape [%b, %t, 6, 16] : tensor<?x?x96xf32> into tensor<?x?x6x16xf32>
  %heads = tensor.extract_slice %all[0, 0, 0, 0] [%b, %t, 4, 16] [1, 1, 1, 1] : tensor<?x?x6x16xf32> to tensor<?x?x4x16xf32>
  %q = tensor.expand_shape %heads [[0], [1], [2, 3], [4]] output_shape [%b, %t, 1, 4, 16] : tensor<?x?x4x16xf32> into !heads
  %kv = tensor.expand_shape %all [[0], [1], [2, 3], [4]] output_shape [%b, %t, 6, 1, 16] : tensor<?x?x6x16xf32> into !kv
  return %q, %kv : !heads, !kv
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
  %a = tensor.collapse_shape %heads [[0], [1], [2, 3, 4]] : !heads into tensor<?x?x64xf32>
  %w = ml_program.global_load_const @"attention.out.weight" : tensor<32x64xf32>
  %e = tensor.empty(%b, %t) : !x
  %f = linalg.fill ins(%zero : f32) outs(%e : !x) -> !x
  %y = linalg.contract indexing_maps = [#x, #w, #y] ins(%a, %w : tensor<?x?x64xf32>, tensor<32x64xf32>) outs(%f : !x) -> !x
  return %y : !x
}

// Causal.
func.func @main(%x: !x {attnc.name = "x", attnc.dims = ["B", "T"]}, %lengths: tensor<?xi32> {attnc.name = "lengths", attnc.dims = ["B"]})
    -> (!x {attnc.name = "y", attnc.dims = ["B", "T"]}) {
  %q, %kv = func.call @qkv(%x) : (!x) -> (!heads, !kv)
  %e = func.call @empty(%x) : (!x) -> !heads
  %heads = attn.attention softmax scale(0.25)
      query %q[b, i, g, r, d] : !heads
      source %kv[b, j, 4, g, d], %kv[b, j, 5, g, v] : !kv, !kv valid %lengths[b] : tensor<?xi32>
      into %e[b, i, g, r, v] : !heads
      score(%s, %b, %h, %i, %j, %n) {
        %cap = arith.constant 2.0 : f32
        %part = arith.divf %s, %cap : f32
        %tanh = math.tanh %part : f32
        %capped = arith.mulf %cap, %tanh : f32
        attn.yield %capped : f32
      }
      mask(%b, %h, %i, %j, %n) {
        %past = arith.cmpi sle, %j, %i : index
        attn.yield %past : i1
      }
  %y = func.call @out(%heads) : (!heads) -> !x
  return %y : !x
}

// Causal; behind the cap a bias of -2^(-8(h+1)/4) (i - j).
func.func @main_alibi(%x: !x {attnc.name = "x", attnc.dims = ["B", "T"]}, %lengths: tensor<?xi32> {attnc.name = "lengths", attnc.dims = ["B"]})
    -> (!x {attnc.name = "y", attnc.dims = ["B", "T"]}) {
  %slopes = arith.constant dense<[0.25, 0.0625, 0.015625, 0.00390625]> : tensor<4xf32>
  %q, %kv = func.call @qkv(%x) : (!x) -> (!heads, !kv)
  %e = func.call @empty(%x) : (!x) -> !heads
  %heads = attn.attention softmax scale(0.25)
      query %q[b, i, g, r, d] : !heads
      source %kv[b, j, 4, g, d], %kv[b, j, 5, g, v] : !kv, !kv valid %lengths[b] : tensor<?xi32>
      captures %slopes[r] : tensor<4xf32>
      into %e[b, i, g, r, v] : !heads
      score(%s, %b, %h, %i, %j, %n, %slope) {
        %cap = arith.constant 2.0 : f32
        %part = arith.divf %s, %cap : f32
        %tanh = math.tanh %part : f32
        %capped = arith.mulf %cap, %tanh : f32
        %distance = arith.subi %i, %j : index
        %d_int = arith.index_cast %distance : index to i32
        %d = arith.sitofp %d_int : i32 to f32
        %bias = arith.mulf %d, %slope : f32
        %biased = arith.subf %capped, %bias : f32
        attn.yield %biased : f32
      }
      mask(%b, %h, %i, %j, %n, %slope) {
        %past = arith.cmpi sle, %j, %i : index
        attn.yield %past : i1
      }
  %y = func.call @out(%heads) : (!heads) -> !x
  return %y : !x
}
