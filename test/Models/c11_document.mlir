// c11_document: packed documents (models.md C11). A query sees keys of its own document; a negative one is padding and sees nothing.
#x = affine_map<(b, t, n, k) -> (b, t, k)>
#w = affine_map<(b, t, n, k) -> (n, k)>
#y = affine_map<(b, t, n, k) -> (b, t, n)>
!x = tensor<?x?x24xf32>
!qkv = tensor<?x?x3x3x8xf32>
!heads = tensor<?x?x3x8xf32>

ml_program.global private @"attention.qkv.weight"(#ml_program.extern : tensor<72x24xf32>) : tensor<72x24xf32>
ml_program.global private @"attention.out.weight"(#ml_program.extern : tensor<24x24xf32>) : tensor<24x24xf32>

// Queries, keys and values, packed.
func.func private @qkv(%x: !x) -> !qkv {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %b = tensor.dim %x, %c0 : !x
  %t = tensor.dim %x, %c1 : !x
  %w = ml_program.global_load_const @"attention.qkv.weight" : tensor<72x24xf32>
  %e = tensor.empty(%b, %t) : tensor<?x?x72xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x72xf32>) -> tensor<?x?x72xf32>
  %p = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : !x, tensor<72x24xf32>) outs(%f : tensor<?x?x72xf32>) -> tensor<?x?x72xf32>
  %r = tensor.expand_shape %p [[0], [1], [2, 3, 4]] output_shape [%b, %t, 3, 3, 8] : tensor<?x?x72xf32> into !qkv
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
  %a = tensor.collapse_shape %heads [[0], [1], [2, 3]] : !heads into tensor<?x?x24xf32>
  %w = ml_program.global_load_const @"attention.out.weight" : tensor<24x24xf32>
  %e = tensor.empty(%b, %t) : !x
  %f = linalg.fill ins(%zero : f32) outs(%e : !x) -> !x
  %y = linalg.contract indexing_maps = [#x, #w, #y] ins(%a, %w : tensor<?x?x24xf32>, tensor<24x24xf32>) outs(%f : !x) -> !x
  return %y : !x
}

// Causal.
func.func @main(%x: !x {attnc.name = "x", attnc.dims = ["B", "T"]}, %documents: tensor<?x?xi32> {attnc.name = "documents", attnc.dims = ["B", "T"]})
    -> (!x {attnc.name = "y", attnc.dims = ["B", "T"]}) {
  %qkv = func.call @qkv(%x) : (!x) -> !qkv
  %e = func.call @empty(%x) : (!x) -> !heads
  %heads = attn.attention softmax scale(0.35355339059327379)
      query %qkv[b, i, 0, g, d] : !qkv
      source %qkv[b, j, 1, g, d], %qkv[b, j, 2, g, v] : !qkv, !qkv
      captures %documents[b, i] : tensor<?x?xi32>, %documents[b, j] : tensor<?x?xi32>
      into %e[b, i, g, v] : !heads
      mask(%b, %h, %i, %j, %n, %mine, %other) {
        %zero = arith.constant 0 : i32
        %same = arith.cmpi eq, %mine, %other : i32
        %real = arith.cmpi sge, %mine, %zero : i32
        %both = arith.andi %same, %real : i1
        %past = arith.cmpi sle, %j, %i : index
        %all = arith.andi %both, %past : i1
        attn.yield %all : i1
      }
  %y = func.call @out(%heads) : (!heads) -> !x
  return %y : !x
}

// All keys of the document.
func.func @main_bidirectional(%x: !x {attnc.name = "x", attnc.dims = ["B", "T"]}, %documents: tensor<?x?xi32> {attnc.name = "documents", attnc.dims = ["B", "T"]})
    -> (!x {attnc.name = "y", attnc.dims = ["B", "T"]}) {
  %qkv = func.call @qkv(%x) : (!x) -> !qkv
  %e = func.call @empty(%x) : (!x) -> !heads
  %heads = attn.attention softmax scale(0.35355339059327379)
      query %qkv[b, i, 0, g, d] : !qkv
      source %qkv[b, j, 1, g, d], %qkv[b, j, 2, g, v] : !qkv, !qkv
      captures %documents[b, i] : tensor<?x?xi32>, %documents[b, j] : tensor<?x?xi32>
      into %e[b, i, g, v] : !heads
      mask(%b, %h, %i, %j, %n, %mine, %other) {
        %zero = arith.constant 0 : i32
        %same = arith.cmpi eq, %mine, %other : i32
        %real = arith.cmpi sge, %mine, %zero : i32
        %both = arith.andi %same, %real : i1
        attn.yield %both : i1
      }
  %y = func.call @out(%heads) : (!heads) -> !x
  return %y : !x
}
