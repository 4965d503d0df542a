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

// -----

// What an op of attn updates is its destination, too.
// CHECK-LABEL: func.func @append(
// CHECK-SAME: %[[R:.*]]: tensor<?x1x64xf32>, %[[C:.*]]: tensor<?x32x64xf32>, %[[N:.*]]: index
// CHECK: attnc.launch @[[K:.*]](%[[R]], %[[N]] : {{.*}}) into(%[[C]] : tensor<?x32x64xf32>) overwrites [false]
// CHECK: func.func private @[[K]](%{{.*}}, %[[D:[a-z0-9]*]]: tensor<?x32x64xf32>) ->
// CHECK: %[[A:.*]] = attn.ring_append %{{.*}} into %[[D]]
// CHECK: bufferization.materialize_in_destination %[[A]] in %[[D]]
func.func @append(%row: tensor<?x1x64xf32>, %cache: tensor<?x32x64xf32>, %n: index) -> tensor<?x32x64xf32> {
  %new = attn.ring_append %row into %cache along 1 count(%n) : tensor<?x1x64xf32>, tensor<?x32x64xf32>
  return %new : tensor<?x32x64xf32>
}

// -----

// A scan's outputs are new, its state is updated. A tensor that is also read elsewhere stays an input besides.
// CHECK-LABEL: func.func @scan(
// CHECK-SAME: %[[Q:.*]]: tensor<1x4x4x4xf32>, %[[S:.*]]: tensor<1x4x4x4xf32>
// CHECK: %[[E:.*]] = tensor.empty() : tensor<1x4x4x4xf32>
// CHECK: attnc.launch @{{.*}}(%[[Q]], %[[S]] : {{.*}}) into(%[[E]], %[[S]] : {{.*}}) overwrites [true, false]
func.func @scan(%q: tensor<1x4x4x4xf32>, %s: tensor<1x4x4x4xf32>) -> (tensor<1x4x4x4xf32>, tensor<1x4x4x4xf32>) {
  %o, %last = attn.linear_scan %q, %q, %s state(%s) : tensor<1x4x4x4xf32>, tensor<1x4x4x4xf32>, tensor<1x4x4x4xf32>, tensor<1x4x4x4xf32>
  return %o, %last : tensor<1x4x4x4xf32>, tensor<1x4x4x4xf32>
}

// -----

// Rows put into zeros: the kernel makes the zeros.
// CHECK-LABEL: func.func @scatter_into_zeros(
// CHECK: attnc.launch @[[K:.*]]({{.*}}) into(%{{.*}} : tensor<?x8xf32>) overwrites [true]
// CHECK: func.func private @[[K]]({{.*}}, %[[D:[a-z0-9]*]]: tensor<?x8xf32>)
// CHECK: %[[F:.*]] = linalg.fill {{.*}} outs(%[[D]]
// CHECK: %[[S:.*]] = attn.scatter_rows add %{{.*}} into %[[F]]
// CHECK: bufferization.materialize_in_destination %[[S]] in %[[F]]
func.func @scatter_into_zeros(%rows: tensor<?x8xf32>, %i: tensor<?xi32>, %n: index) -> tensor<?x8xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty(%n) : tensor<?x8xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
  %y = attn.scatter_rows add %rows into %f[%i] : tensor<?x8xf32>, tensor<?x8xf32>, tensor<?xi32>
  return %y : tensor<?x8xf32>
}
