// Code that no step changes leaves the loop.
// RUN: attnc-opt %s --loop-invariant-code-motion | FileCheck %s

// CHECK-LABEL: @hoist
func.func @hoist(%valid: tensor<?xi1>, %x: tensor<?x4xf32>, %s0: tensor<?x4xf32>, %limit: f32, %cap: index) -> tensor<?x4xf32> {
  // CHECK: math.exp
  // CHECK: loop.adaptive
  // CHECK-NOT: math.exp
  %s, %steps = loop.adaptive converge threshold(%limit) on(0)
      active(%running = %valid : tensor<?xi1>) cap(%cap) step(%t) carry(frozen %s = %s0 : tensor<?x4xf32>) {
    %e = math.exp %x : tensor<?x4xf32>
    %new = arith.addf %s, %e : tensor<?x4xf32>
    loop.yield %new : tensor<?x4xf32>
  }
  return %s : tensor<?x4xf32>
}
