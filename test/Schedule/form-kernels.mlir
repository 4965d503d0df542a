// RUN: attnc-opt %s --attnc-form-kernels --split-input-file | FileCheck %s

// A fill moves into the kernel of the contraction that it starts; equal contractions are one kernel.
#x = affine_map<(t, n, k) -> (t, k)>
#w = affine_map<(t, n, k) -> (n, k)>
#y = affine_map<(t, n, k) -> (t, n)>
// CHECK-LABEL: func.func @linear_twice(
// CHECK-SAME: %[[X:.*]]: tensor<?x8xf32>, %[[W:.*]]: tensor<16x8xf32>, %[[V:.*]]: tensor<16x8xf32>
// CHECK: %[[A:.*]] = attnc.launch @[[K:.*]](%[[X]], %[[W]] : {{.*}}) into(%{{.*}}) overwrites [true]
// CHECK: %[[B:.*]] = attnc.launch @[[K]](%[[X]], %[[V]] : {{.*}}) into(%{{.*}}) overwrites [true]
// CHECK-NOT: linalg
// CHECK: return %[[A]], %[[B]]
// CHECK: func.func private @[[K]](
// CHECK: %[[F:.*]] = linalg.fill
// CHECK: linalg.contract {{.*}} outs(%[[F]]
func.func @linear_twice(%x: tensor<?x8xf32>, %w: tensor<16x8xf32>, %v: tensor<16x8xf32>) -> (tensor<?x16xf32>, tensor<?x16xf32>) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %t = tensor.dim %x, %c0 : tensor<?x8xf32>
  %e = tensor.empty(%t) : tensor<?x16xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x16xf32>) -> tensor<?x16xf32>
  %a = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : tensor<?x8xf32>, tensor<16x8xf32>) outs(%f : tensor<?x16xf32>) -> tensor<?x16xf32>
  %b = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %v : tensor<?x8xf32>, tensor<16x8xf32>) outs(%f : tensor<?x16xf32>) -> tensor<?x16xf32>
  return %a, %b : tensor<?x16xf32>, tensor<?x16xf32>
}

// -----

// What an op updates is its destination, not overwritten; a slice is taken inside its reader.
// CHECK-LABEL: func.func @accumulate(
// CHECK-SAME: %[[X:.*]]: tensor<?x8xf32>, %[[S:.*]]: tensor<4xf32>, %[[I:.*]]: index
// CHECK: attnc.launch @[[K:.*]](%[[X]], %[[I]] : tensor<?x8xf32>, index) into(%[[S]] : tensor<4xf32>) overwrites [false]
// CHECK: func.func private @[[K]](
// CHECK: tensor.extract_slice
// CHECK: linalg.add
func.func @accumulate(%x: tensor<?x8xf32>, %sum: tensor<4xf32>, %i: index) -> tensor<4xf32> {
  %row = tensor.extract_slice %x[%i, 2] [1, 4] [1, 1] : tensor<?x8xf32> to tensor<4xf32>
  %y = linalg.add ins(%row, %row : tensor<4xf32>, tensor<4xf32>) outs(%sum : tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

// An op without destinations writes to one in its kernel.
// CHECK-LABEL: func.func @norm(
// CHECK: %[[E:.*]] = tensor.empty(%{{.*}}) : tensor<?x8xf32>
// CHECK: attnc.launch @[[K:.*]](%{{.*}}) into(%[[E]] : tensor<?x8xf32>) overwrites [true]
// CHECK: func.func private @[[K]](%[[X:.*]]: tensor<?x8xf32> {{.*}}, %[[D:.*]]: tensor<?x8xf32>)
// CHECK: %[[N:.*]] = attn.rms_norm %[[X]]
// CHECK: bufferization.materialize_in_destination %[[N]] in %[[D]]
func.func @norm(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %y = attn.rms_norm %x eps(1.0e-5) : tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}
