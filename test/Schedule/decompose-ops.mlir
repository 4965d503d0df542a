// linalg.softmax becomes the loops it stands for.
// RUN: attnc-opt %s --pass-pipeline='builtin.module(func.func(attnc-decompose-ops))' | FileCheck %s

// CHECK-LABEL: func @softmax
// CHECK-NOT: linalg.softmax
// CHECK: arith.max
// CHECK: math.exp
// CHECK: arith.divf
func.func @softmax(%x: tensor<?x8xf32>, %e: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %y = linalg.softmax dimension(1) ins(%x : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// Padding fills a destination and lays the tensor into it.
// CHECK-LABEL: func @pad
// CHECK-NOT: tensor.pad
// CHECK: linalg.fill
// CHECK: tensor.insert_slice
func.func @pad(%x: tensor<?x8xf32>, %rows: index) -> tensor<?x8xf32> {
  %zero = arith.constant 0.0 : f32
  %y = tensor.pad %x low[1, 0] high[%rows, 0] {
  ^bb0(%i: index, %j: index):
    tensor.yield %zero : f32
  } : tensor<?x8xf32> to tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// CHECK-LABEL: func @concat
// CHECK-NOT: tensor.concat
// CHECK-COUNT-2: tensor.insert_slice
func.func @concat(%x: tensor<?x8xf32>, %y: tensor<?x3xf32>) -> tensor<?x11xf32> {
  %z = tensor.concat dim(1) %x, %y : (tensor<?x8xf32>, tensor<?x3xf32>) -> tensor<?x11xf32>
  return %z : tensor<?x11xf32>
}

// CHECK-LABEL: func @generate
// CHECK-NOT: tensor.generate
// CHECK: linalg.generic
func.func @generate(%n: index) -> tensor<?xindex> {
  %z = tensor.generate %n {
  ^bb0(%i: index):
    tensor.yield %i : index
  } : tensor<?xindex>
  return %z : tensor<?xindex>
}
