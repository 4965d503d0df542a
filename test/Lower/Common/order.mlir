// RUN: attnc-opt %s --attnc-lower-attn | FileCheck %s

// Pairs in the destinations, the heap, and the pairs taken from it; no memory besides.
// CHECK-LABEL: @sort
// CHECK-SAME: %[[V:[a-z0-9]*]]: tensor<?x?xf32>, %[[I:[a-z0-9]*]]: tensor<?x?xi32>)
// CHECK: scf.forall (%{{.*}}) in {{.*}} shared_outs(%{{.*}} = %[[V]], %{{.*}} = %[[I]])
// CHECK: linalg.copy
// CHECK: linalg.index 0
// CHECK: scf.for
// CHECK: scf.while
// CHECK: scf.for
// CHECK: scf.while
// CHECK-NOT: attn.
// CHECK-NOT: alloc_tensor
// CHECK: return
func.func @sort(%x: tensor<?x?xf32>, %v: tensor<?x?xf32>, %i: tensor<?x?xi32>) -> (tensor<?x?xf32>, tensor<?x?xi32>) {
  %y, %at = attn.sort %x descending : tensor<?x?xf32> -> tensor<?x?xi32>
  %r0 = bufferization.materialize_in_destination %y in %v : (tensor<?x?xf32>, tensor<?x?xf32>) -> tensor<?x?xf32>
  %r1 = bufferization.materialize_in_destination %at in %i : (tensor<?x?xi32>, tensor<?x?xi32>) -> tensor<?x?xi32>
  return %r0, %r1 : tensor<?x?xf32>, tensor<?x?xi32>
}

// Integers have no NaN to compare for; every element is offered to the k so far.
// CHECK-LABEL: @top_k
// CHECK: scf.forall
// CHECK: scf.for
// CHECK: arith.cmpi sgt, {{.*}} : i64
// CHECK: scf.if
// CHECK: scf.while
// CHECK-NOT: arith.cmpf
// CHECK: return
func.func @top_k(%x: tensor<?x32xi64>) -> (tensor<?x4xi64>, tensor<?x4xi32>) {
  %y, %at = attn.top_k %x : tensor<?x32xi64> -> tensor<?x4xi64>, tensor<?x4xi32>
  return %y, %at : tensor<?x4xi64>, tensor<?x4xi32>
}

// Ten rounds of two products, but for the last, of words that nobody asks for; both words come from one op.
// CHECK-LABEL: @random
// CHECK: scf.forall (%[[B:.*]]) in
// CHECK: linalg.generic {{.*}} outs({{.*}} : tensor<?xi32>, tensor<?xi32>)
// CHECK-COUNT-19: arith.mului_extended
// CHECK-NOT: arith.mului_extended
// CHECK: return
func.func @random(%seed: i64, %t: index, %m: index, %n: index) -> (tensor<?x?xi32>, tensor<?x?xi32>) {
  %x0, %x1 = attn.random_bits seed(%seed) step(%t) stream(3) sizes(%m, %n) : tensor<?x?xi32>, tensor<?x?xi32>
  return %x0, %x1 : tensor<?x?xi32>, tensor<?x?xi32>
}
