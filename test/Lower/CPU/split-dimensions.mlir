// RUN: attnc-opt %s --attnc-split-dimensions | FileCheck %s

// Rows of all sequences as rows of each: the strides are products of sizes.
// CHECK-LABEL: func @rows(
// CHECK-SAME: %[[X:.*]]: memref<?x32xf32>, %[[B:.*]]: index, %[[T:.*]]: index
func.func @rows(%x: memref<?x32xf32>, %b: index, %t: index) -> memref<?x?x32xf32> {
  // CHECK: %[[BASE:.*]], %{{.*}}, %{{.*}}, %{{.*}} = memref.extract_strided_metadata %[[X]]
  // CHECK: %[[STRIDE:.*]] = arith.muli %{{.*}}, %[[T]]
  // CHECK: memref.reinterpret_cast %[[BASE]] to offset: [0], sizes: [%[[B]], %[[T]], 32], strides: [%[[STRIDE]], 32, 1]
  %y = memref.expand_shape %x [[0, 1], [2]] output_shape [%b, %t, 32] : memref<?x32xf32> into memref<?x?x32xf32>
  return %y : memref<?x?x32xf32>
}

// One dynamic dimension of a group is upstream's.
// CHECK-LABEL: func @heads(
func.func @heads(%x: memref<?x?xf32>, %b: index, %t: index) -> memref<?x?x8xf32> {
  // CHECK: memref.expand_shape
  %y = memref.expand_shape %x [[0], [1, 2]] output_shape [%b, %t, 8] : memref<?x?xf32> into memref<?x?x8xf32>
  return %y : memref<?x?x8xf32>
}
