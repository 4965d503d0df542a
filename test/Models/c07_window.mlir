// c07_window: sliding windows over grouped heads, two groups of two (models.md C7).
#x = affine_map<(b, t, n, k) -> (b, t, k)>
#w = affine_map<(b, t, n, k) -> (n, k)>
#y = affine_map<(b, t, n, k) -> (b, t, n)>
!x = tensor<?x?x32xf32>
!heads = tensor<?x?x2x2x16xf32>  // by group
!kv = tensor<?x?x4x2x16xf32>  // keys at 2, values at 3

ml_program.global private @"attention.qkv.weight"(#ml_program.extern : tensor<128x32xf32>) : tensor<128x32xf32>
ml_program.global private @"attention.out.weight"(#ml_program.extern : tensor<32x64xf32>) : tensor<32x64xf32>

// Queries by group; keys and values where they are in the packed projection.
func.func private @qkv(%x: !x) -> (!heads, !kv) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %b = tensor.dim %x, %c0 : !x
  %t = tensor.dim %x, %c1 : !x
  %w = ml_program.global_load_const @"attention.qkv.weight" : tensor<128x32xf32>
  %e = tensor.empty(%b, %t) : tensor<?x?x128xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x128xf32>) -> tensor<?x?x128xf32>
  %p = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : !x, tensor<128x32xf32>) outs(%f : tensor<?x?x128xf32>) -> tensor<?x?x128xf32>
  %all = tensor.expand_shape %p [[0], [1], [2, 3]] output_shape [%b, %t, 8, 16] : tensor<?x?x128xf32> into tensor<?x?x8x16xf32>
  %heads = tensor.extract_slice %all[0, 0, 0, 0] [%b, %t, 4, 16] [1, 1, 1, 1] : tensor<?x?x8x16xf32> to tensor<?x?x4x16xf32>
  %q = tensor.expand_shape %heads [[0], [1], [2, 3], [4]] output_shape [%b, %t, 2, 2, 16] : tensor<?x?x4x16xf32> into !heads
  %kv = tensor.expand_shape %all [[0], [1], [2, 3], [4]] output_shape [%b, %t, 4, 2, 16] : tensor<?x?x8x16xf32> into !kv
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

// 0 <= i - j < 7 (Mistral, Gemma).
func.func @main(%x: !x {attnc.name = "x", attnc.dims = ["B", "T"]}, %lengths: tensor<?xi32> {attnc.name = "lengths", attnc.dims = ["B"]})
    -> (!x {attnc.name = "y", attnc.dims = ["B", "T"]}) {
  %q, %kv = func.call @qkv(%x) : (!x) -> (!heads, !kv)
  %e = func.call @empty(%x) : (!x) -> !heads
  %heads = attn.attention softmax scale(0.25)
      query %q[b, i, g, r, d] : !heads
      source %kv[b, j, 2, g, d], %kv[b, j, 3, g, v] : !kv, !kv valid %lengths[b] : tensor<?xi32>
      into %e[b, i, g, r, v] : !heads
      mask(%b, %h, %i, %j, %n) {
        %zero = arith.constant 0 : index
        %window = arith.constant 7 : index
        %distance = arith.subi %i, %j : index
        %past = arith.cmpi sge, %distance, %zero : index
        %near = arith.cmpi slt, %distance, %window : index
        %both = arith.andi %past, %near : i1
        attn.yield %both : i1
      }
  %y = func.call @out(%heads) : (!heads) -> !x
  return %y : !x
}

// 0 <= i - j <= 7 (Griffin).
func.func @main_inclusive(%x: !x {attnc.name = "x", attnc.dims = ["B", "T"]}, %lengths: tensor<?xi32> {attnc.name = "lengths", attnc.dims = ["B"]})
    -> (!x {attnc.name = "y", attnc.dims = ["B", "T"]}) {
  %q, %kv = func.call @qkv(%x) : (!x) -> (!heads, !kv)
  %e = func.call @empty(%x) : (!x) -> !heads
  %heads = attn.attention softmax scale(0.25)
      query %q[b, i, g, r, d] : !heads
      source %kv[b, j, 2, g, d], %kv[b, j, 3, g, v] : !kv, !kv valid %lengths[b] : tensor<?xi32>
      into %e[b, i, g, r, v] : !heads
      mask(%b, %h, %i, %j, %n) {
        %zero = arith.constant 0 : index
        %window = arith.constant 7 : index
        %distance = arith.subi %i, %j : index
        %past = arith.cmpi sge, %distance, %zero : index
        %near = arith.cmpi sle, %distance, %window : index
        %both = arith.andi %past, %near : i1
        attn.yield %both : i1
      }
  %y = func.call @out(%heads) : (!heads) -> !x
  return %y : !x
}

// The query's block of 7 keys and the one before, up to the query (BSWA).
func.func @main_blocks(%x: !x {attnc.name = "x", attnc.dims = ["B", "T"]}, %lengths: tensor<?xi32> {attnc.name = "lengths", attnc.dims = ["B"]})
    -> (!x {attnc.name = "y", attnc.dims = ["B", "T"]}) {
  %q, %kv = func.call @qkv(%x) : (!x) -> (!heads, !kv)
  %e = func.call @empty(%x) : (!x) -> !heads
  %heads = attn.attention softmax scale(0.25)
      query %q[b, i, g, r, d] : !heads
      source %kv[b, j, 2, g, d], %kv[b, j, 3, g, v] : !kv, !kv valid %lengths[b] : tensor<?xi32>
      into %e[b, i, g, r, v] : !heads
      mask(%b, %h, %i, %j, %n) {
        %one = arith.constant 1 : index
        %window = arith.constant 7 : index
        %past = arith.cmpi sle, %j, %i : index
        %block_i = arith.divui %i, %window : index
        %block_j = arith.divui %j, %window : index
        %back = arith.subi %block_i, %block_j : index
        %near = arith.cmpi sle, %back, %one : index
        %both = arith.andi %past, %near : i1
        attn.yield %both : i1
      }
  %y = func.call @out(%heads) : (!heads) -> !x
  return %y : !x
}

// |i - j| < 7, not causal.
func.func @main_symmetric(%x: !x {attnc.name = "x", attnc.dims = ["B", "T"]}, %lengths: tensor<?xi32> {attnc.name = "lengths", attnc.dims = ["B"]})
    -> (!x {attnc.name = "y", attnc.dims = ["B", "T"]}) {
  %q, %kv = func.call @qkv(%x) : (!x) -> (!heads, !kv)
  %e = func.call @empty(%x) : (!x) -> !heads
  %heads = attn.attention softmax scale(0.25)
      query %q[b, i, g, r, d] : !heads
      source %kv[b, j, 2, g, d], %kv[b, j, 3, g, v] : !kv, !kv valid %lengths[b] : tensor<?xi32>
      into %e[b, i, g, r, v] : !heads
      mask(%b, %h, %i, %j, %n) {
        %window = arith.constant 7 : index
        %back = arith.subi %i, %j : index
        %ahead = arith.subi %j, %i : index
        %distance = arith.maxsi %back, %ahead : index
        %near = arith.cmpi slt, %distance, %window : index
        attn.yield %near : i1
      }
  %y = func.call @out(%heads) : (!heads) -> !x
  return %y : !x
}
