// c18_streaming: StreamingLLM, a cache of the first 4 tokens and the last 8 others (models.md C18). Keys are kept unrotated and rotated
// at their number in the cache when they are read.
#x = affine_map<(b, t, n, k) -> (b, t, k)>
#w = affine_map<(b, t, n, k) -> (n, k)>
#y = affine_map<(b, t, n, k) -> (b, t, n)>
!x = tensor<?x?x36xf32>
!qkv = tensor<?x?x3x3x12xf32>
!heads = tensor<?x?x3x12xf32>
!ring = tensor<?x3x12x12xf32>
!rows = tensor<?x3x?x12xf32>

ml_program.global private @"attention.qkv.weight"(#ml_program.extern : tensor<108x36xf32>) : tensor<108x36xf32>
ml_program.global private @"attention.out.weight"(#ml_program.extern : tensor<36x36xf32>) : tensor<36x36xf32>

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

// What number qkv of the packed projection holds: queries, keys or values.
func.func private @part(%qkv: !qkv, %number: index) -> !heads {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %qkv, %c0 : !qkv
  %t = tensor.dim %qkv, %c1 : !qkv
  %s = tensor.extract_slice %qkv[0, 0, %number, 0, 0] [%b, %t, 1, 3, 12] [1, 1, 1, 1, 1] : !qkv to tensor<?x?x1x3x12xf32>
  %r = tensor.collapse_shape %s [[0], [1], [2, 3], [4]] : tensor<?x?x1x3x12xf32> into !heads
  return %r : !heads
}

func.func private @append(%new: !heads, %ring: !ring, %count: index) -> !ring {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %new, %c0 : !heads
  %t = tensor.dim %new, %c1 : !heads
  %e = tensor.empty(%b, %t) : !rows
  %rows = linalg.transpose ins(%new : !heads) outs(%e : !rows) permutation = [0, 2, 1, 3]
  %r = attn.ring_append %rows into %ring along 2 count(%count) pinned(4) : !rows, !ring
  return %r : !ring
}

// The number, in the order of the cache, of the key in each slot when `count` tokens were seen: slots 0 .. 3 are pinned, behind
// them the oldest is in slot 4 + (count - 12) mod 8 as soon as all are taken.
func.func private @order(%count: index) -> tensor<12xi32> {
  %pinned = arith.constant 4 : index
  %rolling = arith.constant 8 : index
  %all = arith.constant 12 : index
  %e = tensor.empty() : tensor<12xi32>
  %taken = arith.maxsi %count, %all : index
  %turned = arith.remui %taken, %rolling : index
  %p = linalg.generic {indexing_maps = [affine_map<(s) -> (s)>], iterator_types = ["parallel"]} outs(%e : tensor<12xi32>) {
  ^bb0(%out: i32):
    %s = linalg.index 0 : index
    %ahead = arith.addi %s, %rolling : index
    %back = arith.subi %ahead, %turned : index
    %behind = arith.remui %back, %rolling : index
    %rolled = arith.addi %pinned, %behind : index
    %is_pinned = arith.cmpi ult, %s, %pinned : index
    %number = arith.select %is_pinned, %s, %rolled : index
    %r = arith.index_cast %number : index to i32
    linalg.yield %r : i32
  } -> tensor<12xi32>
  return %p : tensor<12xi32>
}

// A call with T tokens equals T calls with one: each token is appended and then sees all that the cache holds.
func.func @main(%x: !x {attnc.name = "x", attnc.dims = ["B", "T"]},
                %k: !ring {attnc.state = "k", attnc.dims = ["B"], attnc.ring = {along = 2, count = "count", pinned = 4}},
                %v: !ring {attnc.state = "v", attnc.dims = ["B"], attnc.ring = {along = 2, count = "count", pinned = 4}}, %count: tensor<i32> {attnc.state = "count"})
    -> (!x {attnc.name = "y", attnc.dims = ["B", "T"]}, !ring {attnc.state = "k"}, !ring {attnc.state = "v"}, tensor<i32> {attnc.state = "count"}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c12 = arith.constant 12 : index
  %b = tensor.dim %x, %c0 : !x
  %t = tensor.dim %x, %c1 : !x
  %seen_i32 = tensor.extract %count[] : tensor<i32>
  %seen = arith.index_cast %seen_i32 : i32 to index
  %qkv = func.call @qkv(%x) : (!x) -> !qkv
  %heads, %k_end, %v_end = loop.segment size 1 number(%n) blocks(%token = %qkv along 1 : !qkv) carry(%k0 = %k : !ring, %v0 = %v : !ring) -> (along 1 : !heads) {
    %before = arith.addi %seen, %n : index
    %after = arith.addi %before, %c1 : index
    %held = arith.minui %after, %c12 : index
    %last = arith.subi %held, %c1 : index
    %q = func.call @part(%token, %c0) : (!qkv, index) -> !heads
    %new_k = func.call @part(%token, %c1) : (!qkv, index) -> !heads
    %new_v = func.call @part(%token, %c2) : (!qkv, index) -> !heads
    %k1 = func.call @append(%new_k, %k0, %before) : (!heads, !ring, index) -> !ring
    %v1 = func.call @append(%new_v, %v0, %before) : (!heads, !ring, index) -> !ring
    %order = func.call @order(%after) : (index) -> tensor<12xi32>
    %rq = attn.rotary half_split %q along [1] offset(%last) base(1.0e4) : !heads
    %rk = attn.rotary half_split %k1 along [2] positions(%order : tensor<12xi32>) base(1.0e4) : !ring
    %e = tensor.empty(%b, %c1) : !heads
    %y = attn.attention softmax scale(0.28867513459481287)
        query %rq[b, i, g, d] : !heads
        source %rk[b, g, j, d], %v1[b, g, j, v] : !ring, !ring valid %held
        into %e[b, i, g, v] : !heads
    loop.yield %y, %k1, %v1 : !heads, !ring, !ring
  }
  %y = func.call @out(%heads) : (!heads) -> !x
  %sum = arith.addi %seen, %t : index
  %sum_i32 = arith.index_cast %sum : index to i32
  %count_end = tensor.insert %sum_i32 into %count[] : tensor<i32>
  return %y, %k_end, %v_end, %count_end : !x, !ring, !ring, tensor<i32>
}
