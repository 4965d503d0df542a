// RUN: attnc-opt %s --attnc-strided-copies | FileCheck %s

// CHECK-LABEL: func.func @part(
// CHECK: linalg.copy
// CHECK-NOT: memref.copy
// CHECK: return
func.func @part(%x: memref<?x4xf32>, %y: memref<?x4xf32, strided<[8, 1], offset: ?>>) {
  memref.copy %x, %y : memref<?x4xf32> to memref<?x4xf32, strided<[8, 1], offset: ?>>
  return
}

// CHECK-LABEL: func.func @whole(
// CHECK: memref.copy
func.func @whole(%x: memref<?x4xf32>, %y: memref<?x4xf32>) {
  memref.copy %x, %y : memref<?x4xf32> to memref<?x4xf32>
  return
}
