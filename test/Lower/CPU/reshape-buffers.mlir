// RUN: attnc-opt %s --attnc-reshape-buffers --split-input-file --verify-diagnostics | FileCheck %s

// CHECK-LABEL: func.func @tokens(
// CHECK-SAME: %[[X:.*]]: memref<?x20xf32>, %[[B:.*]]: index, %[[T:.*]]: index
// CHECK: %[[S:.*]] = arith.muli
// CHECK: %[[C:.*]] = memref.reinterpret_cast %[[X]] to offset: [0], sizes: [%[[B]], %[[T]], 20], strides: [%[[S]], 20, 1]
// CHECK: memref.cast %[[C]] : {{.*}} to memref<?x?x20xf32>
func.func @tokens(%x: memref<?x20xf32>, %b: index, %t: index) -> memref<?x?x20xf32> {
  %y = memref.expand_shape %x [[0, 1], [2]] output_shape [%b, %t, 20] : memref<?x20xf32> into memref<?x?x20xf32>
  return %y : memref<?x?x20xf32>
}

// -----

// One dynamic size in a group stays.
// CHECK-LABEL: func.func @heads(
// CHECK: memref.expand_shape
func.func @heads(%x: memref<?x20xf32>, %b: index) -> memref<?x4x5xf32> {
  %y = memref.expand_shape %x [[0], [1, 2]] output_shape [%b, 4, 5] : memref<?x20xf32> into memref<?x4x5xf32>
  return %y : memref<?x4x5xf32>
}

// -----

func.func @strided(%x: memref<?xf32, strided<[2]>>, %b: index, %t: index) -> memref<?x?xf32, strided<[?, 2]>> {
  // expected-error@below {{expected a contiguous buffer where a dimension is split into several dynamic ones}}
  %y = memref.expand_shape %x [[0, 1]] output_shape [%b, %t] : memref<?xf32, strided<[2]>> into memref<?x?xf32, strided<[?, 2]>>
  return %y : memref<?x?xf32, strided<[?, 2]>>
}
