// c19_sigmoid: sigmoid attention (models.md C19), and normalised by its sum (C20).
#x = affine_map<(b, t, n, k) -> (b, t, k)>
#w = affine_map<(b, t, n, k) -> (n, k)>
#y = affine_map<(b, t, n, k) -> (b, t, n)>
!x = tensor<?x?x32xf32>
!qkv = tensor<?x?x3x2x16xf32>
!heads = tensor<?x?x2x16xf32>

ml_program.global private @"attention.qkv.weight"(#ml_program.extern : tensor<96x32xf32>) : tensor<96x32xf32>
ml_program.global private @"attention.out.weight"(#ml_program.extern : tensor<32x32xf32>) : tensor<32x32xf32>

// Queries, keys and values, packed.
func.func private @qkv(%x: !x) -> !qkv {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %b = tensor.dim %x, %c0 : !x
  %t = tensor.dim %x, %c1 : !x
  %w = ml_program.global_load_const @"attention.qkv.weight" : tensor<96x32xf32>
  %e = tensor.empty(%b, %t) : tensor<?x?x96xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x96xf32>) -> tensor<?x?x96xf32>
  %p = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : !x, tensor<96x32xf32>) outs(%f : tensor<?x?x96xf32>) -> tensor<?x?x96xf32>
  %r = tensor.expand_shape %p [[0], [1], [2, 3, 4]] output_shape [%b, %t, 3, 2, 16] : tensor<?x?x96xf32> into !qkv
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
  %a = tensor.collapse_shape %heads [[0], [1], [2, 3]] : !heads into tensor<?x?x32xf32>
  %w = ml_program.global_load_const @"attention.out.weight" : tensor<32x32xf32>
  %e = tensor.empty(%b, %t) : !x
  %f = linalg.fill ins(%zero : f32) outs(%e : !x) -> !x
  %y = linalg.contract indexing_maps = [#x, #w, #y] ins(%a, %w : tensor<?x?x32xf32>, tensor<32x32xf32>) outs(%f : !x) -> !x
  return %y : !x
}

// σ(s - ln n), n the sequence's length; causal.
func.func @main(%x: !x {attnc.name = "x", attnc.dims = ["B", "T"]}, %lengths: tensor<?xi32> {attnc.name = "lengths", attnc.dims = ["B"]})
    -> (!x {attnc.name = "y", attnc.dims = ["B", "T"]}) {
  %qkv = func.call @qkv(%x) : (!x) -> !qkv
  %e = func.call @empty(%x) : (!x) -> !heads
  %heads = attn.attention sigmoid scale(0.25)
      query %qkv[b, i, 0, g, d] : !qkv
      source %qkv[b, j, 1, g, d], %qkv[b, j, 2, g, v] : !qkv, !qkv valid %lengths[b] : tensor<?xi32>
      captures %lengths[b] : tensor<?xi32>
      into %e[b, i, g, v] : !heads
      score(%s, %b, %h, %i, %j, %n, %length) {
        %one = arith.constant 1 : i32
        %some = arith.maxsi %length, %one : i32
        %float = arith.sitofp %some : i32 to f32
        %log = math.log %float : f32
        %less = arith.subf %s, %log : f32
        attn.yield %less : f32
      }
      mask(%b, %h, %i, %j, %n, %length) {
        %past = arith.cmpi sle, %j, %i : index
        attn.yield %past : i1
      }
  %y = func.call @out(%heads) : (!heads) -> !x
  return %y : !x
}

// σ(s) / Σ σ(s); causal.
func.func @main_normalised(%x: !x {attnc.name = "x", attnc.dims = ["B", "T"]}, %lengths: tensor<?xi32> {attnc.name = "lengths", attnc.dims = ["B"]})
    -> (!x {attnc.name = "y", attnc.dims = ["B", "T"]}) {
  %qkv = func.call @qkv(%x) : (!x) -> !qkv
  %e = func.call @empty(%x) : (!x) -> !heads
  %heads = attn.attention sigmoid_sum scale(0.25)
      query %qkv[b, i, 0, g, d] : !qkv
      source %qkv[b, j, 1, g, d], %qkv[b, j, 2, g, v] : !qkv, !qkv valid %lengths[b] : tensor<?xi32>
      into %e[b, i, g, v] : !heads
      mask(%b, %h, %i, %j, %n) {
        %past = arith.cmpi sle, %j, %i : index
        attn.yield %past : i1
      }
  %y = func.call @out(%heads) : (!heads) -> !x
  return %y : !x
}

// σ(s - ln n), all keys.
func.func @main_bidirectional(%x: !x {attnc.name = "x", attnc.dims = ["B", "T"]}, %lengths: tensor<?xi32> {attnc.name = "lengths", attnc.dims = ["B"]})
    -> (!x {attnc.name = "y", attnc.dims = ["B", "T"]}) {
  %qkv = func.call @qkv(%x) : (!x) -> !qkv
  %e = func.call @empty(%x) : (!x) -> !heads
  %heads = attn.attention sigmoid scale(0.25)
      query %qkv[b, i, 0, g, d] : !qkv
      source %qkv[b, j, 1, g, d], %qkv[b, j, 2, g, v] : !qkv, !qkv valid %lengths[b] : tensor<?xi32>
      captures %lengths[b] : tensor<?xi32>
      into %e[b, i, g, v] : !heads
      score(%s, %b, %h, %i, %j, %n, %length) {
        %one = arith.constant 1 : i32
        %some = arith.maxsi %length, %one : i32
        %float = arith.sitofp %some : i32 to f32
        %log = math.log %float : f32
        %less = arith.subf %s, %log : f32
        attn.yield %less : f32
      }
  %y = func.call @out(%heads) : (!heads) -> !x
  return %y : !x
}
