// A normalisation with eps outside of the root is another function; it stays, and a remark says so.
// RUN: attnc-opt %s --attnc-raise-norms --remarks-filter=raise --remark-format=emitRemark --split-input-file 2>&1 | FileCheck %s
// CHECK-NOT: attn.rms_norm

#x = affine_map<(i, d) -> (i, d)>
#row = affine_map<(i, d) -> (i)>

// CHECK: looks like a normalisation, but eps is added to the root, not under it
func.func @eps_outside(%x: tensor<?x8xf32>, %rows: index) -> tensor<?x8xf32> {
  %zero = arith.constant 0.0 : f32
  %n = arith.constant 8.0 : f32
  %eps = arith.constant 1.0e-6 : f32
  %e = tensor.empty(%rows) : tensor<?xf32>
  %f = tensor.empty(%rows) : tensor<?x8xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?xf32>) -> tensor<?xf32>
  %sum = linalg.generic {indexing_maps = [#x, #row], iterator_types = ["parallel", "reduction"]} ins(%x : tensor<?x8xf32>) outs(%z : tensor<?xf32>) {
  ^bb0(%a: f32, %c: f32):
    %m = arith.mulf %a, %a : f32
    %r = arith.addf %c, %m : f32
    linalg.yield %r : f32
  } -> tensor<?xf32>
  %y = linalg.generic {indexing_maps = [#x, #row, #x], iterator_types = ["parallel", "parallel"]}
      ins(%x, %sum : tensor<?x8xf32>, tensor<?xf32>) outs(%f : tensor<?x8xf32>) {
  ^bb0(%a: f32, %s: f32, %c: f32):
    %mean = arith.divf %s, %n : f32
    %root = math.sqrt %mean : f32
    %below = arith.addf %root, %eps : f32
    %r = arith.divf %a, %below : f32
    linalg.yield %r : f32
  } -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

#x = affine_map<(i, d) -> (i, d)>
#row = affine_map<(i, d) -> (i)>

// CHECK: looks like a normalisation, but the root is bounded by a maximum, there is no eps under it
func.func @bounded_length(%x: tensor<?x8xf32>, %rows: index) -> tensor<?x8xf32> {
  %zero = arith.constant 0.0 : f32
  %eps = arith.constant 1.0e-12 : f32
  %e = tensor.empty(%rows) : tensor<?xf32>
  %f = tensor.empty(%rows) : tensor<?x8xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?xf32>) -> tensor<?xf32>
  %sum = linalg.generic {indexing_maps = [#x, #row], iterator_types = ["parallel", "reduction"]} ins(%x : tensor<?x8xf32>) outs(%z : tensor<?xf32>) {
  ^bb0(%a: f32, %c: f32):
    %m = arith.mulf %a, %a : f32
    %r = arith.addf %c, %m : f32
    linalg.yield %r : f32
  } -> tensor<?xf32>
  %y = linalg.generic {indexing_maps = [#x, #row, #x], iterator_types = ["parallel", "parallel"]}
      ins(%x, %sum : tensor<?x8xf32>, tensor<?xf32>) outs(%f : tensor<?x8xf32>) {
  ^bb0(%a: f32, %s: f32, %c: f32):
    %root = math.sqrt %s : f32
    %length = arith.maximumf %root, %eps : f32
    %r = arith.divf %a, %length : f32
    linalg.yield %r : f32
  } -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}
