// What looks like attention and is none, or none that attn.attention can say, stays as it is, and a remark says why.
// RUN: attnc-opt %s --attnc-raise-attention --remarks-filter=raise --remark-format=emitRemark --split-input-file 2>&1 | FileCheck %s
// CHECK-NOT: attn.attention

#ij = affine_map<(h, i, j, d) -> (h, i, j)>
#qd = affine_map<(h, i, j, d) -> (h, i, d)>
#kd = affine_map<(h, i, j, d) -> (h, j, d)>

// Softmax over the queries: each key shares itself out.
// CHECK: looks like the last product of an attention, but softmax is not over the index that weights and values are summed over
func.func @softmax_over_queries(%q: tensor<2x4x8xf32>, %k: tensor<2x4x8xf32>, %v: tensor<2x4x8xf32>) -> tensor<2x4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x4x4xf32>
  %f = tensor.empty() : tensor<2x4x8xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %s = linalg.generic {indexing_maps = [#qd, #kd, #ij], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%q, %k : tensor<2x4x8xf32>, tensor<2x4x8xf32>) outs(%z : tensor<2x4x4xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %m = arith.mulf %a, %b : f32
    %r = arith.addf %c, %m : f32
    linalg.yield %r : f32
  } -> tensor<2x4x4xf32>
  %w = linalg.softmax dimension(1) ins(%s : tensor<2x4x4xf32>) outs(%e : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %zo = linalg.fill ins(%zero : f32) outs(%f : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %o = linalg.batch_matmul ins(%w, %v : tensor<2x4x4xf32>, tensor<2x4x8xf32>) outs(%zo : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  return %o : tensor<2x4x8xf32>
}

// -----

// Talking heads: the scores of all heads are mixed in front of softmax.
// CHECK: looks like the last product of an attention, but the keys depend on an index that neither queries nor values have
func.func @mixed_heads(%q: tensor<2x4x8xf32>, %k: tensor<2x4x8xf32>, %v: tensor<2x4x8xf32>, %mix: tensor<2x2xf32>) -> tensor<2x4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x4x4xf32>
  %f = tensor.empty() : tensor<2x4x8xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %s = linalg.generic {indexing_maps = [affine_map<(h, i, j, d) -> (h, i, d)>, affine_map<(h, i, j, d) -> (h, j, d)>, affine_map<(h, i, j, d) -> (h, i, j)>],
      iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%q, %k : tensor<2x4x8xf32>, tensor<2x4x8xf32>) outs(%z : tensor<2x4x4xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %m = arith.mulf %a, %b : f32
    %r = arith.addf %c, %m : f32
    linalg.yield %r : f32
  } -> tensor<2x4x4xf32>
  %t = linalg.generic {indexing_maps = [affine_map<(g, i, j, h) -> (g, h)>, affine_map<(g, i, j, h) -> (h, i, j)>, affine_map<(g, i, j, h) -> (g, i, j)>],
      iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%mix, %s : tensor<2x2xf32>, tensor<2x4x4xf32>) outs(%z : tensor<2x4x4xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %m = arith.mulf %a, %b : f32
    %r = arith.addf %c, %m : f32
    linalg.yield %r : f32
  } -> tensor<2x4x4xf32>
  %w = linalg.softmax dimension(2) ins(%t : tensor<2x4x4xf32>) outs(%e : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %zo = linalg.fill ins(%zero : f32) outs(%f : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %o = linalg.batch_matmul ins(%w, %v : tensor<2x4x4xf32>, tensor<2x4x8xf32>) outs(%zo : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  return %o : tensor<2x4x8xf32>
}

// -----

// Weights that no product of queries and keys makes: additive attention's scores, given.
// CHECK: looks like the last product of an attention, but the scores have no product of queries and keys
func.func @given_scores(%s: tensor<2x4x4xf32>, %v: tensor<2x4x8xf32>) -> tensor<2x4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x4x4xf32>
  %f = tensor.empty() : tensor<2x4x8xf32>
  %w = linalg.softmax dimension(2) ins(%s : tensor<2x4x4xf32>) outs(%e : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %zo = linalg.fill ins(%zero : f32) outs(%f : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %o = linalg.batch_matmul ins(%w, %v : tensor<2x4x4xf32>, tensor<2x4x8xf32>) outs(%zo : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  return %o : tensor<2x4x8xf32>
}

// -----

// Three dimensions that queries, keys and values share (batch, window and head).
// CHECK: looks like the last product of an attention, but expected at most 2 dimensions that keys or values share with queries, found 3
func.func @three_batch_dimensions(%q: tensor<2x3x5x4x8xf32>, %k: tensor<2x3x5x4x8xf32>, %v: tensor<2x3x5x4x8xf32>) -> tensor<2x3x5x4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x3x5x4x4xf32>
  %f = tensor.empty() : tensor<2x3x5x4x8xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<2x3x5x4x4xf32>) -> tensor<2x3x5x4x4xf32>
  %s = linalg.generic {indexing_maps = [affine_map<(b, w, h, i, j, d) -> (b, w, h, i, d)>, affine_map<(b, w, h, i, j, d) -> (b, w, h, j, d)>,
      affine_map<(b, w, h, i, j, d) -> (b, w, h, i, j)>], iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel", "reduction"]}
      ins(%q, %k : tensor<2x3x5x4x8xf32>, tensor<2x3x5x4x8xf32>) outs(%z : tensor<2x3x5x4x4xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %m = arith.mulf %a, %b : f32
    %r = arith.addf %c, %m : f32
    linalg.yield %r : f32
  } -> tensor<2x3x5x4x4xf32>
  %w = linalg.softmax dimension(4) ins(%s : tensor<2x3x5x4x4xf32>) outs(%e : tensor<2x3x5x4x4xf32>) -> tensor<2x3x5x4x4xf32>
  %zo = linalg.fill ins(%zero : f32) outs(%f : tensor<2x3x5x4x8xf32>) -> tensor<2x3x5x4x8xf32>
  %o = linalg.generic {indexing_maps = [affine_map<(b, w, h, i, v, j) -> (b, w, h, i, j)>, affine_map<(b, w, h, i, v, j) -> (b, w, h, j, v)>,
      affine_map<(b, w, h, i, v, j) -> (b, w, h, i, v)>], iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel", "reduction"]}
      ins(%w, %v : tensor<2x3x5x4x4xf32>, tensor<2x3x5x4x8xf32>) outs(%zo : tensor<2x3x5x4x8xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %m = arith.mulf %a, %b : f32
    %r = arith.addf %c, %m : f32
    linalg.yield %r : f32
  } -> tensor<2x3x5x4x8xf32>
  return %o : tensor<2x3x5x4x8xf32>
}

// -----

// The sum is that of other exponentials.
// CHECK: looks like the last product of an attention, but the denominator is not the sum of the exponentials over one index
func.func @wrong_denominator(%s: tensor<2x4x4xf32>, %other: tensor<2x4x4xf32>, %v: tensor<2x4x8xf32>) -> tensor<2x4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x4x4xf32>
  %r0 = tensor.empty() : tensor<2x4xf32>
  %f = tensor.empty() : tensor<2x4x8xf32>
  %zr = linalg.fill ins(%zero : f32) outs(%r0 : tensor<2x4xf32>) -> tensor<2x4xf32>
  %sum = linalg.generic {indexing_maps = [affine_map<(h, i, j) -> (h, i, j)>, affine_map<(h, i, j) -> (h, i)>], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%other : tensor<2x4x4xf32>) outs(%zr : tensor<2x4xf32>) {
  ^bb0(%a: f32, %c: f32):
    %x = math.exp %a : f32
    %r = arith.addf %c, %x : f32
    linalg.yield %r : f32
  } -> tensor<2x4xf32>
  %w = linalg.generic {indexing_maps = [affine_map<(h, i, j) -> (h, i, j)>, affine_map<(h, i, j) -> (h, i)>, affine_map<(h, i, j) -> (h, i, j)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%s, %sum : tensor<2x4x4xf32>, tensor<2x4xf32>) outs(%e : tensor<2x4x4xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %x = math.exp %a : f32
    %r = arith.divf %x, %b : f32
    linalg.yield %r : f32
  } -> tensor<2x4x4xf32>
  %zo = linalg.fill ins(%zero : f32) outs(%f : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %o = linalg.batch_matmul ins(%w, %v : tensor<2x4x4xf32>, tensor<2x4x8xf32>) outs(%zo : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  return %o : tensor<2x4x8xf32>
}
