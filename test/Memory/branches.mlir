// The size of what a branch gives is known in front of it, and a loop that makes an output works in the output.
// RUN: attnc-opt %s --attnc-schedule-phase --attnc-plan-phase --split-input-file | FileCheck %s

// CHECK-LABEL: func @of_a_branch
// CHECK-SAME: %[[N:[^:]*]]: index
// CHECK: memref.view %{{.*}}[%{{.*}}][%[[N]]] : memref<?xi8> to memref<?x8xf32>
func.func @of_a_branch(%x: tensor<?x8xf32> {attnc.name = "x", attnc.dims = ["N"]}, %c: i1 {attnc.name = "c"}) -> (tensor<?x4xf32> {attnc.name = "y", attnc.dims = ["N"]}) {
  %zero = arith.constant 0.0 : f32
  %y = scf.if %c -> (tensor<?x8xf32>) {
    %e = math.exp %x : tensor<?x8xf32>
    scf.yield %e : tensor<?x8xf32>
  } else {
    scf.yield %x : tensor<?x8xf32>
  }
  %c0 = arith.constant 0 : index
  %n = tensor.dim %y, %c0 : tensor<?x8xf32>
  %e = tensor.empty(%n) : tensor<?x4xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x4xf32>) -> tensor<?x4xf32>
  %z = tensor.extract_slice %y[0, 2] [%n, 4] [1, 1] : tensor<?x8xf32> to tensor<?x4xf32>
  %w = arith.addf %f, %z : tensor<?x4xf32>
  return %w : tensor<?x4xf32>
}

// -----

// CHECK-LABEL: func @into_the_output
// CHECK-NOT: memref.copy
// CHECK: scf.for
func.func @into_the_output(%x: tensor<?x8xf32> {attnc.name = "x", attnc.dims = ["N"]}) -> (tensor<?x8xf32> {attnc.name = "y", attnc.dims = ["N"]}) {
  %y = loop.segment size 4 number(%k) blocks(%b = %x along 0 : tensor<?x8xf32>) -> (along 0 : tensor<?x8xf32>) {
    %e = math.exp %b : tensor<?x8xf32>
    loop.yield %e : tensor<?x8xf32>
  }
  return %y : tensor<?x8xf32>
}

// -----

// Upstream's analysis does not see that a switch gives what its cases yield: what is computed from the switch's result goes
// elsewhere.
// CHECK-LABEL: func @of_a_switch
// CHECK-NOT: scf.index_switch
// CHECK: attnc.launch @of_a_switch_rms_norm(%[[CHOSEN:[^ ]*]] : memref<4xf32>) into(%[[NEW:[^ ]*]] : memref<4xf32>)
// CHECK-NOT: %[[CHOSEN]]
// CHECK: attnc.launch @of_a_switch_max(%[[CHOSEN]], %[[NEW]]
func.func @of_a_switch(%x: tensor<4xf32> {attnc.name = "x"}, %c: index {attnc.name = "c"}) -> (tensor<4xf32> {attnc.name = "y"}) {
  %e = tensor.empty() : tensor<4xf32>
  %before = linalg.softmax dimension(0) ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  %y = scf.index_switch %c -> tensor<4xf32>
  case 3 {
    %a = linalg.exp ins(%before : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
    scf.yield %a : tensor<4xf32>
  }
  default {
    %a = linalg.tanh ins(%before : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
    scf.yield %a : tensor<4xf32>
  }
  %new = attn.rms_norm %y eps(1.0e-2) : tensor<4xf32>
  %z = linalg.max ins(%y, %new : tensor<4xf32>, tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  return %z : tensor<4xf32>
}
