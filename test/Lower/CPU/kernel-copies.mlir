// A copy into a slice is a loop; one that is contiguous stays, and becomes memcpy.
// RUN: attnc-opt %s --pass-pipeline='builtin.module(func.func(attnc-kernel-copies))' | FileCheck %s

// CHECK-LABEL: func private @slice
// CHECK: linalg.copy ins(%{{.*}} : memref<?x3xf32>) outs(%{{.*}} : memref<?x3xf32, strided<[8, 1], offset: 2>>)
// CHECK: memref.copy
func.func private @slice(%x: memref<?x3xf32>, %y: memref<?x3xf32, strided<[8, 1], offset: 2>>, %z: memref<?x3xf32>) attributes {attnc.kernel} {
  memref.copy %x, %y : memref<?x3xf32> to memref<?x3xf32, strided<[8, 1], offset: 2>>
  memref.copy %x, %z : memref<?x3xf32> to memref<?x3xf32>
  return
}
