// Loops that count together in all operands become one; views do it.
// RUN: attnc-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(attnc-merge-loops))' | FileCheck %s

// Batch and time are rows, [3, heads, width] columns of panels; the bias is seen as a vector.
// CHECK-LABEL: @projection
// CHECK:         %[[X:.*]] = tensor.collapse_shape %{{.*}} {{\[\[}}0, 1], [2]] : tensor<?x?x256xf32> into tensor<?x256xf32>
// CHECK:         %[[P:.*]] = tensor.collapse_shape %{{.*}} {{\[\[}}0, 1, 2], [3], [4]] : tensor<3x8x2x256x16xf32> into tensor<48x256x16xf32>
// CHECK:         %[[W:.*]] = linalg.unpack %[[P]] {{.*}} -> tensor<768x256xf32>
// CHECK:         %[[B:.*]] = tensor.collapse_shape %{{.*}} {{\[\[}}0, 1, 2]] : tensor<3x8x32xf32> into tensor<768xf32>
// CHECK:         %[[S:.*]] = linalg.broadcast ins(%[[B]] : tensor<768xf32>) {{.*}} dimensions = [0]
// CHECK:         linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "reduction"]} ins(%[[X]], %[[W]] : tensor<?x256xf32>, tensor<768x256xf32>) outs(%[[S]] : tensor<?x768xf32>)
// CHECK:         tensor.expand_shape
#x = affine_map<(b,t,i,h,n,k) -> (b,t,k)>
#w = affine_map<(b,t,i,h,n,k) -> (i,h,n,k)>
#y = affine_map<(b,t,i,h,n,k) -> (b,t,i,h,n)>
func.func private @projection(%x: tensor<?x?x256xf32>, %p: tensor<3x8x2x256x16xf32>, %bias: tensor<3x8x32xf32>, %d: tensor<?x?x3x8x32xf32>) -> tensor<?x?x3x8x32xf32> attributes {attnc.kernel} {
  %e = tensor.empty() : tensor<3x8x32x256xf32>
  %w = linalg.unpack %p outer_dims_perm = [0, 1, 2, 3] inner_dims_pos = [2] inner_tiles = [16] into %e : tensor<3x8x2x256x16xf32> -> tensor<3x8x32x256xf32>
  %f = linalg.broadcast ins(%bias : tensor<3x8x32xf32>) outs(%d : tensor<?x?x3x8x32xf32>) dimensions = [0, 1]
  %y = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel","parallel","parallel","parallel","parallel","reduction"]}
      ins(%x, %w : tensor<?x?x256xf32>, tensor<3x8x32x256xf32>) outs(%f : tensor<?x?x3x8x32xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %m = arith.mulf %a, %b : f32
    %s = arith.addf %o, %m : f32
    linalg.yield %s : f32
  } -> tensor<?x?x3x8x32xf32>
  return %y : tensor<?x?x3x8x32xf32>
}

// -----

// Panels of 24 columns are padded to 32, so heads stay apart; the epilogue adds what differs by time alone, so batches stay apart.
// CHECK-LABEL: @apart
// CHECK-NOT:     tensor.collapse_shape
// CHECK:         return
#x = affine_map<(b,t,h,n,k) -> (b,t,k)>
#w = affine_map<(b,t,h,n,k) -> (h,n,k)>
#y = affine_map<(b,t,h,n,k) -> (b,t,h,n)>
#id = affine_map<(b,t,h,n) -> (b,t,h,n)>
#times = affine_map<(b,t,h,n) -> (t,n)>
func.func private @apart(%x: tensor<?x?x256xf32>, %p: tensor<8x2x256x16xf32>, %time: tensor<?x24xf32>, %d: tensor<?x?x8x24xf32>) -> tensor<?x?x8x24xf32> attributes {attnc.kernel} {
  %z = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<8x24x256xf32>
  %w = linalg.unpack %p outer_dims_perm = [0, 1, 2] inner_dims_pos = [1] inner_tiles = [16] into %e : tensor<8x2x256x16xf32> -> tensor<8x24x256xf32>
  %f = linalg.fill ins(%z : f32) outs(%d : tensor<?x?x8x24xf32>) -> tensor<?x?x8x24xf32>
  %q = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel","parallel","parallel","parallel","reduction"]}
      ins(%x, %w : tensor<?x?x256xf32>, tensor<8x24x256xf32>) outs(%f : tensor<?x?x8x24xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %m = arith.mulf %a, %b : f32
    %s = arith.addf %o, %m : f32
    linalg.yield %s : f32
  } -> tensor<?x?x8x24xf32>
  %y = linalg.generic {indexing_maps = [#id, #times, #id], iterator_types = ["parallel","parallel","parallel","parallel"]}
      ins(%q, %time : tensor<?x?x8x24xf32>, tensor<?x24xf32>) outs(%d : tensor<?x?x8x24xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<?x?x8x24xf32>
  return %y : tensor<?x?x8x24xf32>
}
