// RUN: attnc-opt %s --attnc-lower-attn | FileCheck %s

// A gathered row is the source's row or zeros, written straight into the destination.
// CHECK-LABEL: @gather
// CHECK-SAME: %[[TABLE:.*]]: tensor<42x256xf32>, %[[TOKENS:.*]]: tensor<?x?xi32>, %[[DEST:.*]]: tensor<?x?x256xf32>
// CHECK: %[[R:.*]] = scf.forall (%[[B:.*]], %[[T:.*]]) in {{.*}} shared_outs(%[[OUT:.*]] = %[[DEST]])
// CHECK: tensor.extract %[[TOKENS]][%[[B]], %[[T]]]
// CHECK: scf.if
// CHECK: tensor.extract_slice %[[TABLE]]
// CHECK: linalg.copy
// CHECK: } else {
// CHECK: linalg.fill
// CHECK: tensor.parallel_insert_slice
// CHECK-NOT: attn.
// CHECK: return %[[R]]
func.func @gather(%table: tensor<42x256xf32>, %tokens: tensor<?x?xi32>, %dest: tensor<?x?x256xf32>) -> tensor<?x?x256xf32> {
  %h = attn.gather_rows %table[%tokens] : tensor<42x256xf32>, tensor<?x?xi32> -> tensor<?x?x256xf32>
  %r = bufferization.materialize_in_destination %h in %dest : (tensor<?x?x256xf32>, tensor<?x?x256xf32>) -> tensor<?x?x256xf32>
  return %r : tensor<?x?x256xf32>
}

// Without a destination there is a tensor of the result's size.
// CHECK-LABEL: @gather_without_destination
// CHECK: %[[EMPTY:.*]] = tensor.empty
// CHECK: shared_outs(%{{.*}} = %[[EMPTY]])
func.func @gather_without_destination(%table: tensor<42x256xf32>, %tokens: tensor<?x?xi32>) -> tensor<?x?x256xf32> {
  %h = attn.gather_rows %table[%tokens] : tensor<42x256xf32>, tensor<?x?xi32> -> tensor<?x?x256xf32>
  return %h : tensor<?x?x256xf32>
}

// Rows are put one after the other; what is not put stays, in place where the destination is the result's.
// CHECK-LABEL: @scatter
// CHECK-NOT: linalg.copy
// CHECK: scf.forall {{.*}} shared_outs(%{{.*}} = %arg1)
// CHECK: scf.for
// CHECK: scf.if
// CHECK: arith.addf
// CHECK-NOT: attn.
func.func @scatter(%rows: tensor<?x8x64xf32>, %x: tensor<?x?x64xf32>, %chosen: tensor<?x8xi32>) -> tensor<?x?x64xf32> {
  %y = attn.scatter_rows add %rows into %x[%chosen] batch 1 : tensor<?x8x64xf32>, tensor<?x?x64xf32>, tensor<?x8xi32>
  %r = bufferization.materialize_in_destination %y in %x : (tensor<?x?x64xf32>, tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  return %r : tensor<?x?x64xf32>
}

// A destination of its own first gets what the rows are put into.
// CHECK-LABEL: @scatter_elsewhere
// CHECK: %[[COPY:.*]] = linalg.copy ins(%arg1 {{.*}}) outs(%arg3
// CHECK: scf.forall {{.*}} shared_outs(%{{.*}} = %[[COPY]])
func.func @scatter_elsewhere(%rows: tensor<?x8x64xf32>, %x: tensor<?x?x64xf32>, %chosen: tensor<?x8xi32>, %dest: tensor<?x?x64xf32>) -> tensor<?x?x64xf32> {
  %y = attn.scatter_rows set %rows into %x[%chosen] batch 1 : tensor<?x8x64xf32>, tensor<?x?x64xf32>, tensor<?x8xi32>
  %r = bufferization.materialize_in_destination %y in %dest : (tensor<?x?x64xf32>, tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  return %r : tensor<?x?x64xf32>
}
