// RUN: attnc-opt %s --attnc-lower-attn | FileCheck %s

// Sequences, heads and blocks of values are independent; time goes in order, with one pass over the state a step.
// CHECK-LABEL: @retention
// CHECK-SAME: %[[O:[a-z0-9]*]]: tensor<?x?x4x100xf32>, %[[S:[a-z0-9]*]]: tensor<?x4x16x100xf32>)
// CHECK-NOT: linalg.copy
// CHECK: scf.forall {{.*}} step (1, 1, 64) shared_outs(%{{.*}} = %[[O]], %{{.*}} = %[[S]])
// CHECK: scf.for
// CHECK: linalg.generic {{.*}}iterator_types = ["reduction", "parallel"]
// CHECK-SAME: outs({{.*}} : tensor<16x?xf32>, tensor<?xf32>)
// CHECK: linalg.generic {{.*}}iterator_types = ["parallel"]
// CHECK-NOT: linalg.generic
// CHECK: return
func.func @retention(%q: tensor<?x?x4x16xf32>, %v: tensor<?x?x4x100xf32>, %g: tensor<4xf32>, %o: tensor<?x?x4x100xf32>, %s: tensor<?x4x16x100xf32>) -> (tensor<?x?x4x100xf32>, tensor<?x4x16x100xf32>) {
  %y, %last = attn.linear_scan %q, %q, %v state(%s) decay(%g : tensor<4xf32>) : tensor<?x?x4x16xf32>, tensor<?x?x4x16xf32>, tensor<?x?x4x100xf32>, tensor<?x4x16x100xf32>
  %y0 = bufferization.materialize_in_destination %y in %o : (tensor<?x?x4x100xf32>, tensor<?x?x4x100xf32>) -> tensor<?x?x4x100xf32>
  %y1 = bufferization.materialize_in_destination %last in %s : (tensor<?x4x16x100xf32>, tensor<?x4x16x100xf32>) -> tensor<?x4x16x100xf32>
  return %y0, %y1 : tensor<?x?x4x100xf32>, tensor<?x4x16x100xf32>
}

// The delta rule first reads what the state answers to the key.
// CHECK-LABEL: @delta
// CHECK: scf.for
// CHECK: linalg.generic {{.*}}iterator_types = ["reduction", "parallel"]
// CHECK: linalg.generic {{.*}}iterator_types = ["parallel"]
// CHECK: linalg.generic {{.*}}iterator_types = ["reduction", "parallel"]
// CHECK-NOT: attn.
func.func @delta(%q: tensor<?x?x4x16xf32>, %v: tensor<?x?x4x64xf32>, %beta: tensor<?x?x4xf32>, %s: tensor<?x4x16x64xf32>) -> tensor<?x?x4x64xf32> {
  %y, %last = attn.delta_scan %q, %q, %v state(%s) beta(%beta : tensor<?x?x4xf32>) : tensor<?x?x4x16xf32>, tensor<?x?x4x16xf32>, tensor<?x?x4x64xf32>, tensor<?x4x16x64xf32>
  return %y : tensor<?x?x4x64xf32>
}

// CHECK-LABEL: @selective
// CHECK: scf.forall {{.*}} step (1, 64)
// CHECK: scf.for
// CHECK: linalg.generic {{.*}}iterator_types = ["parallel", "reduction"]
// CHECK: math.exp
// CHECK-NOT: attn.
func.func @selective(%x: tensor<?x?x128xf32>, %a: tensor<128x8xf32>, %b: tensor<?x?x8xf32>, %s: tensor<?x128x8xf32>) -> (tensor<?x?x128xf32>, tensor<?x128x8xf32>) {
  %y, %last = attn.selective_scan %x, %x, %a, %b, %b state(%s) : tensor<?x?x128xf32>, tensor<?x?x128xf32>, tensor<128x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x128x8xf32>
  return %y, %last : tensor<?x?x128xf32>, tensor<?x128x8xf32>
}
