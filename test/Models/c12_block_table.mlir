// c12_block_table: static block tables, and keys in pages (models.md C12). Grouped heads, two groups of two.
#x = affine_map<(b, t, n, k) -> (b, t, k)>
#w = affine_map<(b, t, n, k) -> (n, k)>
#y = affine_map<(b, t, n, k) -> (b, t, n)>
!x = tensor<?x?x36xf32>
!heads = tensor<?x?x2x2x12xf32>  // by group
!kv = tensor<?x?x4x2x12xf32>  // keys at 2, values at 3
!pool = tensor<?x8x2x12xf32>

ml_program.global private @"attention.qkv.weight"(#ml_program.extern : tensor<96x36xf32>) : tensor<96x36xf32>
ml_program.global private @"attention.out.weight"(#ml_program.extern : tensor<36x48xf32>) : tensor<36x48xf32>
ml_program.global private @"paged.q.weight"(#ml_program.extern : tensor<48x36xf32>) : tensor<48x36xf32>

// Queries by group; keys and values where they are in the packed projection.
func.func private @qkv(%x: !x) -> (!heads, !kv) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %b = tensor.dim %x, %c0 : !x
  %t = tensor.dim %x, %c1 : !x
  %w = ml_program.global_load_const @"attention.qkv.weight" : tensor<96x36xf32>
  %e = tensor.empty(%b, %t) : tensor<?x?x96xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x96xf32>) -> tensor<?x?x96xf32>
  %p = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : !x, tensor<96x36xf32>) outs(%f : tensor<?x?x96xf32>) -> tensor<?x?x96xf32>
  %all = tensor.expand_shape %p [[0], [1], [2, 3]] output_shape [%b, %t, 8, 12] : tensor<?x?x96xf32> into tensor<?x?x8x12xf32>
  %heads = tensor.extract_slice %all[0, 0, 0, 0] [%b, %t, 4, 12] [1, 1, 1, 1] : tensor<?x?x8x12xf32> to tensor<?x?x4x12xf32>
  %q = tensor.expand_shape %heads [[0], [1], [2, 3], [4]] output_shape [%b, %t, 2, 2, 12] : tensor<?x?x4x12xf32> into !heads
  %kv = tensor.expand_shape %all [[0], [1], [2, 3], [4]] output_shape [%b, %t, 4, 2, 12] : tensor<?x?x8x12xf32> into !kv
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
  %w = ml_program.global_load_const @"attention.out.weight" : tensor<36x48xf32>
  %e = tensor.empty(%b, %t) : !x
  %f = linalg.fill ins(%zero : f32) outs(%e : !x) -> !x
  %y = linalg.contract indexing_maps = [#x, #w, #y] ins(%a, %w : tensor<?x?x48xf32>, tensor<36x48xf32>) outs(%f : !x) -> !x
  return %y : !x
}

// Blocks of 4: the first block and all of it, neighbours, and the two that the table lists for the query's block (BigBird).
// Not causal; -1 lists nothing.
func.func @main(%x: !x {attnc.name = "x", attnc.dims = ["B", "T"]}, %blocks: tensor<?x2xi32> {attnc.name = "table", attnc.dims = ["N"]}, %lengths: tensor<?xi32> {attnc.name = "lengths", attnc.dims = ["B"]})
    -> (!x {attnc.name = "y", attnc.dims = ["B", "T"]}) {
  %q, %kv = func.call @qkv(%x) : (!x) -> (!heads, !kv)
  %e = func.call @empty(%x) : (!x) -> !heads
  %heads = attn.attention softmax scale(0.28867513459481287)
      query %q[b, i, g, r, d] : !heads
      source %kv[b, j, 2, g, d], %kv[b, j, 3, g, v] : !kv, !kv valid %lengths[b] : tensor<?xi32>
      captures %blocks : tensor<?x2xi32>
      into %e[b, i, g, r, v] : !heads
      mask(%b, %h, %i, %j, %n, %blocks) {
        %c0 = arith.constant 0 : index
        %one = arith.constant 1 : index
        %four = arith.constant 4 : index
        %block_i = arith.divui %i, %four : index
        %block_j = arith.divui %j, %four : index
        %global_i = arith.cmpi ult, %block_i, %one : index
        %global_j = arith.cmpi ult, %block_j, %one : index
        %back = arith.subi %block_i, %block_j : index
        %ahead = arith.subi %block_j, %block_i : index
        %distance = arith.maxsi %back, %ahead : index
        %near = arith.cmpi sle, %distance, %one : index
        %first = tensor.extract %blocks[%block_i, %c0] : tensor<?x2xi32>
        %second = tensor.extract %blocks[%block_i, %one] : tensor<?x2xi32>
        %block = arith.index_cast %block_j : index to i32
        %is_first = arith.cmpi eq, %block, %first : i32
        %is_second = arith.cmpi eq, %block, %second : i32
        %g = arith.ori %global_i, %global_j : i1
        %l = arith.ori %is_first, %is_second : i1
        %gl = arith.ori %g, %l : i1
        %all = arith.ori %gl, %near : i1
        attn.yield %all : i1
      }
  %y = func.call @out(%heads) : (!heads) -> !x
  return %y : !x
}

// Queries by group, of keys that are in pages.
func.func private @paged_queries(%x: !x) -> !heads {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %b = tensor.dim %x, %c0 : !x
  %t = tensor.dim %x, %c1 : !x
  %w = ml_program.global_load_const @"paged.q.weight" : tensor<48x36xf32>
  %e = tensor.empty(%b, %t) : tensor<?x?x48xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x48xf32>) -> tensor<?x?x48xf32>
  %p = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : !x, tensor<48x36xf32>) outs(%f : tensor<?x?x48xf32>) -> tensor<?x?x48xf32>
  %r = tensor.expand_shape %p [[0], [1], [2, 3, 4]] output_shape [%b, %t, 2, 2, 12] : tensor<?x?x48xf32> into !heads
  return %r : !heads
}

// The position of each query: the T queries are the last keys of their sequence. Negative where there are fewer.
func.func private @positions(%x: !x, %lengths: tensor<?xi32>) -> tensor<?x?xi32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : !x
  %t = tensor.dim %x, %c1 : !x
  %e = tensor.empty(%b, %t) : tensor<?x?xi32>
  %p = linalg.generic {indexing_maps = [affine_map<(b, t) -> (b)>, affine_map<(b, t) -> (b, t)>], iterator_types = ["parallel", "parallel"]}
      ins(%lengths : tensor<?xi32>) outs(%e : tensor<?x?xi32>) {
  ^bb0(%n: i32, %out: i32):
    %i = linalg.index 1 : index
    %back = arith.subi %t, %i : index
    %back_int = arith.index_cast %back : index to i32
    %at = arith.subi %n, %back_int : i32
    linalg.yield %at : i32
  } -> tensor<?x?xi32>
  return %p : tensor<?x?xi32>
}

// Decode and prefill over pages: key j of sequence b is in page pages[b, j / 8], at j mod 8.
func.func @paged(%x: !x {attnc.name = "x", attnc.dims = ["B", "T"]}, %k: !pool {attnc.name = "k", attnc.dims = ["P"]}, %v: !pool {attnc.name = "v", attnc.dims = ["P"]},
                 %pages: tensor<?x?xi32> {attnc.name = "pages", attnc.dims = ["B", "M"]}, %lengths: tensor<?xi32> {attnc.name = "lengths", attnc.dims = ["B"]})
    -> (!x {attnc.name = "y", attnc.dims = ["B", "T"]}) {
  %q = func.call @paged_queries(%x) : (!x) -> !heads
  %at = func.call @positions(%x, %lengths) : (!x, tensor<?xi32>) -> tensor<?x?xi32>
  %e = func.call @empty(%x) : (!x) -> !heads
  %heads = attn.attention softmax scale(0.28867513459481287)
      query %q[b, i, g, r, d] : !heads positions %at[b, i] : tensor<?x?xi32>
      source %k[b, j, g, d], %v[b, j, g, v] : !pool, !pool valid %lengths[b] : tensor<?xi32> pages %pages[b] : tensor<?x?xi32>
      into %e[b, i, g, r, v] : !heads
      mask(%b, %h, %i, %j, %n) {
        %past = arith.cmpi sle, %j, %i : index
        attn.yield %past : i1
      }
  %y = func.call @out(%heads) : (!heads) -> !x
  return %y : !x
}
