// RUN: attnc-opt %s --attnc-tile-attention | FileCheck %s

// No op of attention is left; the kernel's own destination is written, tile by tile.
module attributes {attnc.cpu_level = "avx512"} {
// CHECK-LABEL: func private @causal
// CHECK-SAME: %[[OUT:[a-z0-9]+]]: tensor<?x?x12x64xf32>)
// CHECK: bufferization.to_buffer %[[OUT]] : tensor<?x?x12x64xf32> to memref<?x?x12x64xf32>
// CHECK: scf.forall
// CHECK-NOT: attn.
// CHECK: vector.shuffle
// CHECK: vector.fma
// CHECK: bufferization.to_tensor {{.*}} restrict writable
func.func private @causal(%q: tensor<?x?x12x64xf32>, %k: tensor<?x?x12x64xf32>, %o: tensor<?x?x12x64xf32>) -> tensor<?x?x12x64xf32> attributes {attnc.kernel} {
  %y = attn.attention softmax scale(0.125) query %q[b, i, g, d] : tensor<?x?x12x64xf32>
    source %k[b, j, g, d], %k[b, j, g, v] : tensor<?x?x12x64xf32>, tensor<?x?x12x64xf32> into %o[b, i, g, v] : tensor<?x?x12x64xf32>
    mask(%b, %h, %i, %j, %n) {
      %c = arith.cmpi sle, %j, %i : index
      attn.yield %c : i1
    }
  return %y : tensor<?x?x12x64xf32>
}
}
