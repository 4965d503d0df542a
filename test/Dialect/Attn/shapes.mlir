// Every op says its results' sizes in terms of its operands.
// RUN: attnc-opt %s --resolve-ranked-shaped-type-result-dims --canonicalize --cse | FileCheck %s

// CHECK-LABEL: func @attention
// CHECK-SAME: %{{.*}}: tensor<?x?x64xf32>, %[[INIT:[^:]*]]: tensor<?x?x32xf32>, %[[L:[^:]*]]: tensor<?x?xf32>
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG: %[[C1:.*]] = arith.constant 1 : index
// CHECK-DAG: %[[I:.*]] = tensor.dim %[[INIT]], %[[C1]]
// CHECK-DAG: %[[B:.*]] = tensor.dim %[[L]], %[[C0]]
// CHECK: return %[[I]], %[[B]]
func.func @attention(%x: tensor<?x?x64xf32>, %init: tensor<?x?x32xf32>, %l: tensor<?x?xf32>) -> (index, index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %o, %lse = attn.attention softmax scale(0.125)
    query %x[b, i, d] : tensor<?x?x64xf32>
    source %x[b, j, d], %init[b, j, v] : tensor<?x?x64xf32>, tensor<?x?x32xf32>
    into %init[b, i, v] : tensor<?x?x32xf32> lse %l[b, i] : tensor<?x?xf32>
  %i = tensor.dim %o, %c1 : tensor<?x?x32xf32>
  %b = tensor.dim %lse, %c0 : tensor<?x?xf32>
  return %i, %b : index, index
}

// CHECK-LABEL: func @like_the_input
// CHECK-SAME: %[[X:[^:]*]]: tensor<2x?x16xf32>, %{{.*}}: index, %[[RING:[^:]*]]: tensor<?x16xf32>
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG: %[[C1:.*]] = arith.constant 1 : index
// CHECK-DAG: %[[T:.*]] = tensor.dim %[[X]], %[[C1]]
// CHECK-DAG: %[[C:.*]] = tensor.dim %[[RING]], %[[C0]]
// CHECK: return %[[T]], %[[T]], %[[T]], %[[C]]
func.func @like_the_input(%x: tensor<2x?x16xf32>, %n: index, %ring: tensor<?x16xf32>, %rows: tensor<?x16xf32>) -> (index, index, index, index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %0 = attn.layer_norm %x eps(1.0e-5) : tensor<2x?x16xf32>
  %1 = attn.rms_norm %x eps(1.0e-5) : tensor<2x?x16xf32>
  %2 = attn.rotary half_split %x along [1] base(1.0e4) : tensor<2x?x16xf32>
  %3 = attn.ring_append %rows into %ring along 0 count(%n) : tensor<?x16xf32>, tensor<?x16xf32>
  %d0 = tensor.dim %0, %c1 : tensor<2x?x16xf32>
  %d1 = tensor.dim %1, %c1 : tensor<2x?x16xf32>
  %d2 = tensor.dim %2, %c1 : tensor<2x?x16xf32>
  %d3 = tensor.dim %3, %c0 : tensor<?x16xf32>
  return %d0, %d1, %d2, %d3 : index, index, index, index
}

// CHECK-LABEL: func @scans
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x?x4x16xf32>, %[[S:[^:]*]]: tensor<?x4x16x16xf32>, %[[Y:[^:]*]]: tensor<?x?x32xf32>
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG: %[[C1:.*]] = arith.constant 1 : index
// CHECK-DAG: %[[T:.*]] = tensor.dim %[[X]], %[[C1]]
// CHECK-DAG: %[[B:.*]] = tensor.dim %[[S]], %[[C0]]
// CHECK-DAG: %[[U:.*]] = tensor.dim %[[Y]], %[[C1]]
// CHECK: return %[[T]], %[[B]], %[[T]], %[[U]]
func.func @scans(%x: tensor<?x?x4x16xf32>, %s: tensor<?x4x16x16xf32>, %y: tensor<?x?x32xf32>, %beta: tensor<?x?x4xf32>, %a: tensor<32x8xf32>, %b: tensor<?x?x8xf32>, %h: tensor<?x32x8xf32>)
    -> (index, index, index, index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %o0, %s0 = attn.linear_scan %x, %x, %x state(%s) : tensor<?x?x4x16xf32>, tensor<?x?x4x16xf32>, tensor<?x?x4x16xf32>, tensor<?x4x16x16xf32>
  %o1, %s1 = attn.delta_scan %x, %x, %x state(%s) beta(%beta : tensor<?x?x4xf32>) : tensor<?x?x4x16xf32>, tensor<?x?x4x16xf32>, tensor<?x?x4x16xf32>, tensor<?x4x16x16xf32>
  %o2, %s2 = attn.selective_scan %y, %y, %a, %b, %b state(%h) : tensor<?x?x32xf32>, tensor<?x?x32xf32>, tensor<32x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x32x8xf32>
  %d0 = tensor.dim %o0, %c1 : tensor<?x?x4x16xf32>
  %d1 = tensor.dim %s0, %c0 : tensor<?x4x16x16xf32>
  %d2 = tensor.dim %o1, %c1 : tensor<?x?x4x16xf32>
  %d3 = tensor.dim %o2, %c1 : tensor<?x?x32xf32>
  return %d0, %d1, %d2, %d3 : index, index, index, index
}

// CHECK-LABEL: func @rows
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x?x?xf32>, %[[I:[^:]*]]: tensor<?x?xi32>
// CHECK-DAG: %[[C1:.*]] = arith.constant 1 : index
// CHECK-DAG: %[[C2:.*]] = arith.constant 2 : index
// CHECK-DAG: %[[N:.*]] = tensor.dim %[[I]], %[[C1]]
// CHECK-DAG: %[[D:.*]] = tensor.dim %[[X]], %[[C2]]
// CHECK-DAG: %[[T:.*]] = tensor.dim %[[X]], %[[C1]]
// CHECK: return %[[N]], %[[D]], %[[T]]
func.func @rows(%x: tensor<?x?x?xf32>, %i: tensor<?x?xi32>) -> (index, index, index) {
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %0 = attn.gather_rows %x[%i] batch 1 : tensor<?x?x?xf32>, tensor<?x?xi32> -> tensor<?x?x?xf32>
  %1 = attn.scatter_rows add %0 into %x[%i] batch 1 : tensor<?x?x?xf32>, tensor<?x?x?xf32>, tensor<?x?xi32>
  %n = tensor.dim %0, %c1 : tensor<?x?x?xf32>
  %d = tensor.dim %0, %c2 : tensor<?x?x?xf32>
  %t = tensor.dim %1, %c1 : tensor<?x?x?xf32>
  return %n, %d, %t : index, index, index
}

// CHECK-LABEL: func @order
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x?xf32>, %[[K:.*]]: index, %{{.*}}: i64
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG: %[[C1:.*]] = arith.constant 1 : index
// CHECK-DAG: %[[B:.*]] = tensor.dim %[[X]], %[[C0]]
// CHECK-DAG: %[[N:.*]] = tensor.dim %[[X]], %[[C1]]
// CHECK: return %[[K]], %[[B]], %[[N]], %[[K]]
func.func @order(%x: tensor<?x?xf32>, %k: index, %seed: i64) -> (index, index, index, index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %v0, %i0 = attn.top_k %x k(%k) : tensor<?x?xf32> -> tensor<?x?xf32>, tensor<?x?xi32>
  %v1, %i1 = attn.top_k %x : tensor<?x?xf32> -> tensor<?x4xf32>, tensor<?x4xi32>
  %v2, %i2 = attn.sort %x : tensor<?x?xf32> -> tensor<?x?xi32>
  %w = attn.random_bits seed(%seed) sizes(%k) : tensor<7x?xi32>
  %d0 = tensor.dim %i0, %c1 : tensor<?x?xi32>
  %d1 = tensor.dim %v1, %c0 : tensor<?x4xf32>
  %d2 = tensor.dim %i2, %c1 : tensor<?x?xi32>
  %d3 = tensor.dim %w, %c1 : tensor<7x?xi32>
  return %d0, %d1, %d2, %d3 : index, index, index, index
}
