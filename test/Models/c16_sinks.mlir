// c16_sinks: a learned logit in the denominator of softmax (gpt-oss, models.md C16), and softmax1 (C17). Grouped heads, two groups
// of three.
#x = affine_map<(b, t, n, k) -> (b, t, k)>
#w = affine_map<(b, t, n, k) -> (n, k)>
#y = affine_map<(b, t, n, k) -> (b, t, n)>
!x = tensor<?x?x32xf32>
!heads = tensor<?x?x2x3x8xf32>  // by group
!kv = tensor<?x?x5x2x8xf32>  // keys at 3, values at 4

ml_program.global private @"attention.qkv.weight"(#ml_program.extern : tensor<80x32xf32>) : tensor<80x32xf32>
ml_program.global private @"attention.out.weight"(#ml_program.extern : tensor<32x48xf32>) : tensor<32x48xf32>
ml_program.global private @"attention.sink"(#ml_program.extern : tensor<6xf32>) : tensor<6xf32>

// Queries by group; keys and values where they are in the packed projection.
func.func private @qkv(%x: !x) -> (!heads, !kv) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %b = tensor.dim %x, %c0 : !x
  %t = tensor.dim %x, %c1 : !x
  %w = ml_program.global_load_const @"attention.qkv.weight" : tensor<80x32xf32>
  %e = tensor.empty(%b, %t) : tensor<?x?x80xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x80xf32>) -> tensor<?x?x80xf32>
  %p = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : !x, tensor<80x32xf32>) outs(%f : tensor<?x?x80xf32>) -> tensor<?x?x80xf32>
  %all = tensor.expand_shape %p [[0], [1], [2, 3]] output_shape [%b, %t, 10, 8] : tensor<?x?x80xf32> into tensor<?x?x10x8xf32>
  %heads = tensor.extract_slice %all[0, 0, 0, 0] [%b, %t, 6, 8] [1, 1, 1, 1] : tensor<?x?x10x8xf32> to tensor<?x?x6x8xf32>
  %q = tensor.expand_shape %heads [[0], [1], [2, 3], [4]] output_shape [%b, %t, 2, 3, 8] : tensor<?x?x6x8xf32> into !heads
  %kv = tensor.expand_shape %all [[0], [1], [2, 3], [4]] output_shape [%b, %t, 5, 2, 8] : tensor<?x?x10x8xf32> into !kv
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
  %a = tensor.collapse_shape %heads [[0], [1], [2, 3, 4]] : !heads into tensor<?x?x48xf32>
  %w = ml_program.global_load_const @"attention.out.weight" : tensor<32x48xf32>
  %e = tensor.empty(%b, %t) : !x
  %f = linalg.fill ins(%zero : f32) outs(%e : !x) -> !x
  %y = linalg.contract indexing_maps = [#x, #w, #y] ins(%a, %w : tensor<?x?x48xf32>, tensor<32x48xf32>) outs(%f : !x) -> !x
  return %y : !x
}

// The learned logit of each head, by group.
func.func private @sinks() -> tensor<2x3xf32> {
  %s = ml_program.global_load_const @"attention.sink" : tensor<6xf32>
  %r = tensor.expand_shape %s [[0, 1]] output_shape [2, 3] : tensor<6xf32> into tensor<2x3xf32>
  return %r : tensor<2x3xf32>
}

// Causal.
func.func @main(%x: !x {attnc.name = "x", attnc.dims = ["B", "T"]}, %lengths: tensor<?xi32> {attnc.name = "lengths", attnc.dims = ["B"]})
    -> (!x {attnc.name = "y", attnc.dims = ["B", "T"]}) {
  %sinks = func.call @sinks() : () -> tensor<2x3xf32>
  %q, %kv = func.call @qkv(%x) : (!x) -> (!heads, !kv)
  %e = func.call @empty(%x) : (!x) -> !heads
  %heads = attn.attention softmax scale(0.35355339059327379)
      query %q[b, i, g, r, d] : !heads
      source %kv[b, j, 3, g, d], %kv[b, j, 4, g, v] : !kv, !kv valid %lengths[b] : tensor<?xi32>
      sink %sinks[g, r] : tensor<2x3xf32>
      into %e[b, i, g, r, v] : !heads
      mask(%b, %h, %i, %j, %n) {
        %past = arith.cmpi sle, %j, %i : index
        attn.yield %past : i1
      }
  %y = func.call @out(%heads) : (!heads) -> !x
  return %y : !x
}

// Causal, the last 7 keys.
func.func @main_window(%x: !x {attnc.name = "x", attnc.dims = ["B", "T"]}, %lengths: tensor<?xi32> {attnc.name = "lengths", attnc.dims = ["B"]})
    -> (!x {attnc.name = "y", attnc.dims = ["B", "T"]}) {
  %sinks = func.call @sinks() : () -> tensor<2x3xf32>
  %q, %kv = func.call @qkv(%x) : (!x) -> (!heads, !kv)
  %e = func.call @empty(%x) : (!x) -> !heads
  %heads = attn.attention softmax scale(0.35355339059327379)
      query %q[b, i, g, r, d] : !heads
      source %kv[b, j, 3, g, d], %kv[b, j, 4, g, v] : !kv, !kv valid %lengths[b] : tensor<?xi32>
      sink %sinks[g, r] : tensor<2x3xf32>
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

// Causal, with the sink exp(0).
func.func @main_softmax1(%x: !x {attnc.name = "x", attnc.dims = ["B", "T"]}, %lengths: tensor<?xi32> {attnc.name = "lengths", attnc.dims = ["B"]})
    -> (!x {attnc.name = "y", attnc.dims = ["B", "T"]}) {
  %none = arith.constant dense<0.0> : tensor<f32>
  %q, %kv = func.call @qkv(%x) : (!x) -> (!heads, !kv)
  %e = func.call @empty(%x) : (!x) -> !heads
  %heads = attn.attention softmax scale(0.35355339059327379)
      query %q[b, i, g, r, d] : !heads
      source %kv[b, j, 3, g, d], %kv[b, j, 4, g, v] : !kv, !kv valid %lengths[b] : tensor<?xi32>
      sink %none[] : tensor<f32>
      into %e[b, i, g, r, v] : !heads
      mask(%b, %h, %i, %j, %n) {
        %past = arith.cmpi sle, %j, %i : index
        attn.yield %past : i1
      }
  %y = func.call @out(%heads) : (!heads) -> !x
  return %y : !x
}
