// RUN: attnc-opt %s --attnc-lower-attn | FileCheck %s

// Heads share the angles of their position: one loop over positions, cos and sin of a block of pairs, both halves.
// CHECK-LABEL: @rotary
// CHECK-SAME: %[[Q:.*]]: tensor<?x?x6x64xf32>, %[[AT:.*]]: index, %[[DEST:.*]]: tensor<?x?x6x64xf32>
// CHECK: scf.forall (%[[T:.*]]) in {{.*}} shared_outs(%[[OUT:.*]] = %[[DEST]])
// CHECK: arith.addi %[[AT]], %[[T]]
// CHECK: linalg.generic {{.*}}iterator_types = ["parallel"]
// CHECK: math.exp {{.*}} : f64
// CHECK: math.cos {{.*}} : f64
// CHECK: math.sin {{.*}} : f64
// CHECK: linalg.generic {{.*}}iterator_types = ["parallel", "parallel", "parallel"]
// CHECK: arith.subf
// CHECK: linalg.generic {{.*}}iterator_types = ["parallel", "parallel", "parallel"]
// CHECK: arith.addf
// CHECK: tensor.parallel_insert_slice
// CHECK-NOT: attn.
func.func @rotary(%q: tensor<?x?x6x64xf32>, %at: index, %dest: tensor<?x?x6x64xf32>) -> tensor<?x?x6x64xf32> {
  %y = attn.rotary half_split %q along [1] offset(%at) base(1.0e4) : tensor<?x?x6x64xf32>
  %r = bufferization.materialize_in_destination %y in %dest : (tensor<?x?x6x64xf32>, tensor<?x?x6x64xf32>) -> tensor<?x?x6x64xf32>
  return %r : tensor<?x?x6x64xf32>
}

// Given frequencies are read; elements behind the width are copied.
// CHECK-LABEL: @rotary_part
// CHECK: scf.forall (%{{.*}}, %{{.*}}) in
// CHECK: linalg.copy {{.*}}tensor<?x4xf32>
// CHECK-NOT: math.exp
// CHECK: math.cos
// CHECK: return
func.func @rotary_part(%q: tensor<?x?x?x12xf32>, %p: tensor<?x?xi64>, %f: tensor<4xf32>) -> tensor<?x?x?x12xf32> {
  %y = attn.rotary interleaved %q along [1, 0] positions(%p : tensor<?x?xi64>) frequencies(%f : tensor<4xf32>) width(8) : tensor<?x?x?x12xf32>
  return %y : tensor<?x?x?x12xf32>
}

// In place where the ring is the result's destination; only rings that `when` names are touched.
// CHECK-LABEL: @append
// CHECK-NOT: linalg.copy
// CHECK: scf.forall {{.*}} shared_outs(%{{.*}} = %arg2)
// CHECK: scf.if
// CHECK: scf.for
// CHECK: arith.remui
// CHECK: linalg.copy {{.*}}tensor<64xf32>
// CHECK: } else {
// CHECK-NOT: attn.
func.func @append(%row: tensor<?x6x?x64xf32>, %n: index, %cache: tensor<?x6x256x64xf32>, %on: tensor<?xi1>) -> tensor<?x6x256x64xf32> {
  %y = attn.ring_append %row into %cache along 2 count(%n) pinned(4) when(%on : tensor<?xi1>) : tensor<?x6x?x64xf32>, tensor<?x6x256x64xf32>
  %r = bufferization.materialize_in_destination %y in %cache : (tensor<?x6x256x64xf32>, tensor<?x6x256x64xf32>) -> tensor<?x6x256x64xf32>
  return %r : tensor<?x6x256x64xf32>
}
