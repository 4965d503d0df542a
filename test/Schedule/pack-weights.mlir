// Contractions read weights from panels of 16 columns, in whatever order the matrix lies; what a call computes is not packed, nor a
// matrix of a few columns.
// RUN: attnc-opt %s --attnc-pack-weights --split-input-file | FileCheck %s

// CHECK-LABEL: func.func @rows_first
// CHECK: %[[W:.*]] = ml_program.global_load_const @w
// CHECK: %[[P:.*]] = linalg.pack %[[W]] padding_value({{.*}}) outer_dims_perm = [1, 0] inner_dims_pos = [1] inner_tiles = [16] into %{{.*}} : tensor<8x40xf32> -> tensor<3x8x16xf32>
// CHECK: %[[U:.*]] = linalg.unpack %[[P]] outer_dims_perm = [1, 0] inner_dims_pos = [1] inner_tiles = [16]
// CHECK: linalg.matmul ins(%{{.*}}, %[[U]] :
ml_program.global private @w(#ml_program.extern : tensor<8x40xf32>) : tensor<8x40xf32>
func.func @rows_first(%x: tensor<?x8xf32>, %d: tensor<?x40xf32>) -> tensor<?x40xf32> {
  %w = ml_program.global_load_const @w : tensor<8x40xf32>
  %y = linalg.matmul ins(%x, %w : tensor<?x8xf32>, tensor<8x40xf32>) outs(%d : tensor<?x40xf32>) -> tensor<?x40xf32>
  return %y : tensor<?x40xf32>
}

// -----

// One matrix a head, columns in front of k.
// CHECK-LABEL: func.func @columns_first
// CHECK: linalg.pack {{.*}} outer_dims_perm = [0, 1, 2] inner_dims_pos = [1] inner_tiles = [16] into {{.*}} -> tensor<4x2x8x16xf32>
ml_program.global private @w(#ml_program.extern : tensor<4x32x8xf32>) : tensor<4x32x8xf32>
func.func @columns_first(%x: tensor<4x?x8xf32>, %d: tensor<4x?x32xf32>) -> tensor<4x?x32xf32> {
  %w = ml_program.global_load_const @w : tensor<4x32x8xf32>
  %y = linalg.contract indexing_maps = [affine_map<(b, m, n, k) -> (b, m, k)>, affine_map<(b, m, n, k) -> (b, n, k)>, affine_map<(b, m, n, k) -> (b, m, n)>]
    ins(%x, %w : tensor<4x?x8xf32>, tensor<4x32x8xf32>) outs(%d : tensor<4x?x32xf32>) -> tensor<4x?x32xf32>
  return %y : tensor<4x?x32xf32>
}

// -----

// CHECK-LABEL: func.func @not_packed
// CHECK-NOT: linalg.pack
ml_program.global private @w(#ml_program.extern : tensor<8x4xf32>) : tensor<8x4xf32>
func.func @not_packed(%x: tensor<?x8xf32>, %v: tensor<8x40xf32>, %d: tensor<?x4xf32>, %e: tensor<?x40xf32>) -> (tensor<?x4xf32>, tensor<?x40xf32>) {
  %w = ml_program.global_load_const @w : tensor<8x4xf32>
  %y = linalg.matmul ins(%x, %w : tensor<?x8xf32>, tensor<8x4xf32>) outs(%d : tensor<?x4xf32>) -> tensor<?x4xf32>
  %z = linalg.matmul ins(%x, %v : tensor<?x8xf32>, tensor<8x40xf32>) outs(%e : tensor<?x40xf32>) -> tensor<?x40xf32>
  return %y, %z : tensor<?x4xf32>, tensor<?x40xf32>
}
