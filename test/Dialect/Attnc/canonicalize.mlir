// RUN: attnc-opt %s --canonicalize --split-input-file | FileCheck %s

// The dimension of extent 1 that a slice drops stays that one, when a batch of 1 becomes known.
// CHECK-LABEL: func.func @extract(
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<1x16x3x8xf32>
// CHECK: %[[S:.*]] = tensor.extract_slice %[[X]][0, 0, 2, 0] [1, 16, 1, 8] [1, 1, 1, 1] : tensor<1x16x3x8xf32> to tensor<1x16x1x8xf32>
// CHECK: %[[K:.*]] = tensor.collapse_shape %[[S]] {{\[}}[0], [1, 2], [3]] : tensor<1x16x1x8xf32> into tensor<1x16x8xf32>
// CHECK: tensor.cast %[[K]] : tensor<1x16x8xf32> to tensor<?x?x8xf32>
func.func @extract(%x: tensor<1x16x3x8xf32> {attnc.name = "x"}) -> tensor<?x?x8xf32> {
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %z = tensor.cast %x : tensor<1x16x3x8xf32> to tensor<?x?x3x8xf32>
  %s = tensor.extract_slice %z[0, 0, 2, 0] [%c1, %c16, 1, 8] [1, 1, 1, 1] : tensor<?x?x3x8xf32> to tensor<?x?x8xf32>
  return %s : tensor<?x?x8xf32>
}

// -----

// CHECK-LABEL: func.func @insert(
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<?x?x8xf32>
// CHECK: %[[K:.*]] = tensor.cast %[[X]] : tensor<?x?x8xf32> to tensor<1x16x8xf32>
// CHECK: %[[S:.*]] = tensor.expand_shape %[[K]] {{\[}}[0], [1, 2], [3]] output_shape [1, 16, 1, 8]
// CHECK: tensor.insert_slice %[[S]] into %{{.*}}[0, 0, 2, 0] [1, 16, 1, 8] [1, 1, 1, 1]
func.func @insert(%x: tensor<?x?x8xf32> {attnc.name = "x", attnc.dims = ["B", "T"]}, %y: tensor<1x16x3x8xf32> {attnc.name = "y"}) -> tensor<1x16x3x8xf32> {
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %r = tensor.insert_slice %x into %y[0, 0, 2, 0] [%c1, %c16, 1, 8] [1, 1, 1, 1] : tensor<?x?x8xf32> into tensor<1x16x3x8xf32>
  return %r : tensor<1x16x3x8xf32>
}

// -----

// Nothing is to be done where the first fits: slices stay slices.
// CHECK-LABEL: func.func @layer(
// CHECK-NOT: collapse_shape
// CHECK: tensor.extract_slice %{{.*}}[2, 0, 0] [1, 1, 8] [1, 1, 1] : tensor<4x?x8xf32> to tensor<1x8xf32>
// CHECK-NOT: collapse_shape
func.func @layer(%x: tensor<4x?x8xf32> {attnc.name = "x", attnc.dims = ["B"]}) -> tensor<?x8xf32> {
  %c1 = arith.constant 1 : index
  %s = tensor.extract_slice %x[2, 0, 0] [1, %c1, 8] [1, 1, 1] : tensor<4x?x8xf32> to tensor<?x8xf32>
  return %s : tensor<?x8xf32>
}
