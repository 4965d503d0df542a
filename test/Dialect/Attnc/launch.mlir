// Kernels on tensors, kernels launched on buffers while they are still on tensors, and kernels on buffers.
// RUN: attnc-opt %s | FileCheck %s
// RUN: attnc-opt %s --mlir-print-op-generic | attnc-opt | FileCheck %s
// RUN: attnc-opt %s --emit-bytecode | attnc-opt | FileCheck %s
// RUN: attnc-opt %s --cse --canonicalize | FileCheck %s --check-prefix=EFFECTS

func.func private @scale(%x: tensor<?x8xf32>, %n: index, %y: tensor<?x8xf32>) -> tensor<?x8xf32> attributes {attnc.kernel} {
  return %y : tensor<?x8xf32>
}
func.func private @copy(%x: memref<?x8xf32>, %y: memref<?x8xf32>) attributes {attnc.kernel} {
  return
}

// On tensors a launch is a value: equal launches are one, unread ones go.
// CHECK-LABEL: @tensors
// EFFECTS-LABEL: @tensors
func.func @tensors(%x: tensor<?x8xf32>, %e: tensor<?x8xf32>, %n: index) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  // CHECK: attnc.launch @scale(%{{.*}}, %{{.*}} : tensor<?x8xf32>, index) into(%{{.*}} : tensor<?x8xf32>) -> tensor<?x8xf32>
  // EFFECTS-COUNT-1: attnc.launch
  // EFFECTS-NOT: attnc.launch
  %0 = attnc.launch @scale(%x, %n : tensor<?x8xf32>, index) into(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
  %1 = attnc.launch @scale(%x, %n : tensor<?x8xf32>, index) into(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
  %2 = attnc.launch @scale(%1, %n : tensor<?x8xf32>, index) into(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
  return %0, %1 : tensor<?x8xf32>, tensor<?x8xf32>
}

// On buffers it writes: nothing goes. Static buffers fit dynamic parameters.
// CHECK-LABEL: @buffers
// EFFECTS-LABEL: @buffers
func.func @buffers(%x: memref<4x8xf32>, %y: memref<?x8xf32>, %n: index) {
  // CHECK: attnc.launch @scale(%{{.*}}, %{{.*}} : memref<4x8xf32>, index) into(%{{.*}} : memref<?x8xf32>)
  // EFFECTS-COUNT-3: attnc.launch
  attnc.launch @scale(%x, %n : memref<4x8xf32>, index) into(%y : memref<?x8xf32>)
  attnc.launch @scale(%x, %n : memref<4x8xf32>, index) into(%y : memref<?x8xf32>)
  attnc.launch @copy(%x : memref<4x8xf32>) into(%y : memref<?x8xf32>)
  return
}
