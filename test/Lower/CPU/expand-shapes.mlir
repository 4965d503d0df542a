// A dimension that splits into two sizes known at run time.
// RUN: attnc-opt %s --attnc-expand-shapes | FileCheck %s

// CHECK-LABEL: func @two_sizes
// CHECK-SAME: %[[X:[^:]*]]: memref<?x3xf32>, %[[B:[^:]*]]: index, %[[T:[^:]*]]: index
// CHECK: %[[BASE:.*]], %{{.*}}, %{{.*}}:2, %{{.*}}:2 = memref.extract_strided_metadata %[[X]]
// CHECK: %[[S:.*]] = affine.apply #{{.*}}()[%[[T]]]
// CHECK: memref.reinterpret_cast %[[BASE]] to offset: [0], sizes: [%[[B]], %[[T]], 3], strides: [%[[S]], 3, 1]
func.func @two_sizes(%x: memref<?x3xf32>, %b: index, %t: index) -> memref<?x?x3xf32> {
  %y = memref.expand_shape %x [[0, 1], [2]] output_shape [%b, %t, 3] : memref<?x3xf32> into memref<?x?x3xf32>
  return %y : memref<?x?x3xf32>
}

// One such size is upstream's.
// CHECK-LABEL: func @one_size
// CHECK: memref.expand_shape
func.func @one_size(%x: memref<?x3xf32>, %b: index) -> memref<?x2x3xf32> {
  %y = memref.expand_shape %x [[0, 1], [2]] output_shape [%b, 2, 3] : memref<?x3xf32> into memref<?x2x3xf32>
  return %y : memref<?x2x3xf32>
}
