// What follows a contraction element by element is in its kernel, also a second contraction of the same left operand.
// RUN: attnc-opt %s --attnc-schedule-phase --split-input-file | FileCheck %s

// Bias by a broadcast, an activation and a gate; the length is dynamic.
// CHECK-LABEL: func.func @gate
// CHECK: attnc.launch
// CHECK-NOT: attnc.launch
// CHECK: func.func private
// CHECK-COUNT-2: linalg.matmul
// CHECK: linalg.generic
// CHECK: math.tanh
func.func @gate(%x: tensor<?x64xf32>, %w: tensor<64x128xf32>, %u: tensor<64x128xf32>, %bias: tensor<128xf32>) -> tensor<?x128xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %t = tensor.dim %x, %c0 : tensor<?x64xf32>
  %e = tensor.empty(%t) : tensor<?x128xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x128xf32>) -> tensor<?x128xf32>
  %p = linalg.matmul ins(%x, %w : tensor<?x64xf32>, tensor<64x128xf32>) outs(%f : tensor<?x128xf32>) -> tensor<?x128xf32>
  %q = linalg.matmul ins(%x, %u : tensor<?x64xf32>, tensor<64x128xf32>) outs(%f : tensor<?x128xf32>) -> tensor<?x128xf32>
  %b = linalg.broadcast ins(%bias : tensor<128xf32>) outs(%e : tensor<?x128xf32>) dimensions = [0]
  %s = arith.addf %p, %b : tensor<?x128xf32>
  %a = math.tanh %s : tensor<?x128xf32>
  %y = arith.mulf %a, %q : tensor<?x128xf32>
  return %y : tensor<?x128xf32>
}

// -----

// A contraction that two ops read is a kernel of its own; so is one of another left operand.
// CHECK-LABEL: func.func @apart
// CHECK-COUNT-3: attnc.launch
// CHECK-NOT: attnc.launch
func.func @apart(%x: tensor<8x64xf32>, %z: tensor<8x64xf32>, %w: tensor<64x32xf32>) -> (tensor<8x32xf32>, tensor<8x32xf32>) {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<8x32xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<8x32xf32>) -> tensor<8x32xf32>
  %p = linalg.matmul ins(%x, %w : tensor<8x64xf32>, tensor<64x32xf32>) outs(%f : tensor<8x32xf32>) -> tensor<8x32xf32>
  %q = linalg.matmul ins(%z, %w : tensor<8x64xf32>, tensor<64x32xf32>) outs(%f : tensor<8x32xf32>) -> tensor<8x32xf32>
  %y = arith.addf %p, %q : tensor<8x32xf32>
  %n = arith.negf %p : tensor<8x32xf32>
  return %y, %n : tensor<8x32xf32>, tensor<8x32xf32>
}
