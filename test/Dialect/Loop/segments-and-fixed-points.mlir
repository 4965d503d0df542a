// loop.segment and loop.fixed_point, as written, in generic form and as bytecode.
// RUN: attnc-opt %s | FileCheck %s
// RUN: attnc-opt %s --mlir-print-op-generic | attnc-opt | FileCheck %s
// RUN: attnc-opt %s --emit-bytecode | attnc-opt | FileCheck %s

// Blocks of a sequence with a memory between them; the last block, if short, leaves it alone.
// CHECK-LABEL: @memory
func.func @memory(%xs: tensor<2x?x8xf32>, %f0: tensor<2x4x8xf32>) -> (tensor<2x?x8xf32>, tensor<2x4x8xf32>) {
  // CHECK: %[[R:.*]]:2 = loop.segment size 64 partial(keep) number(%n) blocks(%[[X:.*]] = %{{.*}} along 1 : tensor<2x?x8xf32>)
  // CHECK-SAME: carry(%[[F:.*]] = %{{.*}} : tensor<2x4x8xf32>) -> (along 1 : tensor<2x?x8xf32>) {
  %y, %f1 = loop.segment size 64 partial(keep) number(%n) blocks(%x = %xs along 1 : tensor<2x?x8xf32>)
      carry(%f = %f0 : tensor<2x4x8xf32>) -> (along 1 : tensor<2x?x8xf32>) {
    %out = math.tanh %x : tensor<2x?x8xf32>
    %next = math.tanh %f : tensor<2x4x8xf32>
    // CHECK: loop.yield %{{.*}}, %{{.*}} : tensor<2x?x8xf32>, tensor<2x4x8xf32>
    loop.yield %out, %next : tensor<2x?x8xf32>, tensor<2x4x8xf32>
  }
  return %y, %f1 : tensor<2x?x8xf32>, tensor<2x4x8xf32>
}

// A static length is dynamic within a block; sequences may lie along different dimensions; the state may be a scalar.
// CHECK-LABEL: @two_sequences
func.func @two_sequences(%xs: tensor<100x8xf32>, %zs: tensor<3x100xf32>, %c0: index) -> (tensor<100x8xf32>, index) {
  // CHECK: loop.segment size 32 number(%n)
  // CHECK-SAME: blocks(%{{.*}} = %{{.*}} along 0 : tensor<100x8xf32>, %{{.*}} = %{{.*}} along 1 : tensor<3x100xf32>)
  %y, %c = loop.segment size 32 partial(update) number(%n)
      blocks(%x = %xs along 0 : tensor<100x8xf32>, %z = %zs along 1 : tensor<3x100xf32>)
      carry(%c = %c0 : index) -> (along 0 : tensor<100x8xf32>) {
    %out = math.tanh %x : tensor<?x8xf32>
    %sum = arith.addi %c, %n : index
    loop.yield %out, %sum : tensor<?x8xf32>, index
  }
  return %y, %c : tensor<100x8xf32>, index
}

// CHECK-LABEL: @equilibrium
func.func @equilibrium(%z0: tensor<?x5x8xf32>, %tolerance: f32, %cap: index)
    -> (tensor<?x5x8xf32>, tensor<?xi32>, tensor<?xf32>) {
  // CHECK: loop.fixed_point anderson tolerance(%{{.*}}) cap(%{{.*}}) history(5) beta(5.000000e-01) init(%z = %{{.*}} : tensor<?x5x8xf32>) {
  %z, %steps, %residual = loop.fixed_point anderson tolerance(%tolerance) cap(%cap)
      beta(0.5) history(5) regularization(1.0e-4) delta(1.0e-9) init(%z = %z0 : tensor<?x5x8xf32>) {
    %f = math.tanh %z : tensor<?x5x8xf32>
    // CHECK: loop.yield %{{.*}} : tensor<?x5x8xf32>
    loop.yield %f : tensor<?x5x8xf32>
  }
  // CHECK: loop.fixed_point picard tolerance(%{{.*}}) cap(%{{.*}}) regularization(1.000000e-03) delta(0.000000e+00) init
  %w, %steps2, %residual2 = loop.fixed_point picard tolerance(%tolerance) cap(%cap)
      regularization(1.0e-3) delta(0.0) init(%w = %z0 : tensor<?x5x8xf32>) {
    loop.yield %w : tensor<?x5x8xf32>
  }
  return %z, %steps2, %residual : tensor<?x5x8xf32>, tensor<?xi32>, tensor<?xf32>
}
