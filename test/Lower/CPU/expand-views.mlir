// RUN: attnc-opt %s --attnc-expand-views | FileCheck %s

// A dimension that is split into two dynamic ones.
// CHECK-LABEL: func.func @tokens(
// CHECK-SAME: %[[X:.*]]: memref<?x20xf32>, %[[B:.*]]: index, %[[T:.*]]: index
// CHECK: %[[S:.*]] = arith.muli %[[T]], %{{.*}}
// CHECK: memref.reinterpret_cast %[[X]] to offset: [0], sizes: [%[[B]], %[[T]], 20], strides: [%[[S]], 20, 1] : memref<?x20xf32> to memref<?x?x20xf32>
func.func @tokens(%x: memref<?x20xf32>, %b: index, %t: index) -> memref<?x?x20xf32> {
  %y = memref.expand_shape %x [[0, 1], [2]] output_shape [%b, %t, 20] : memref<?x20xf32> into memref<?x?x20xf32>
  return %y : memref<?x?x20xf32>
}
