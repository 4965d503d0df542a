// RUN: attnc-opt %s --canonicalize --split-input-file | FileCheck %s

// A value that no step changes is what the loop started from; it need not be carried.
// CHECK-LABEL: @unchanged
// CHECK-SAME: %[[VALID:.*]]: tensor<?xi1>, %[[S0:.*]]: tensor<?x4xf32>, %[[K0:.*]]: tensor<?x4xf32>
func.func @unchanged(%valid: tensor<?xi1>, %s0: tensor<?x4xf32>, %k0: tensor<?x4xf32>, %limit: f32, %cap: index)
    -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  // CHECK: %[[R:.*]]:2 = loop.adaptive converge threshold(%{{.*}}) on(0)
  // CHECK-SAME: carry(frozen %[[S:.*]] = %[[S0]] : tensor<?x4xf32>) {
  // CHECK-NEXT: arith.addf %[[S]], %[[K0]]
  // CHECK: return %[[R]]#0, %[[K0]]
  %k, %s, %steps = loop.adaptive converge threshold(%limit) on(1)
      active(%running = %valid : tensor<?xi1>) cap(%cap) step(%t)
      carry(frozen %k = %k0 : tensor<?x4xf32>, frozen %s = %s0 : tensor<?x4xf32>) {
    %new = arith.addf %s, %k : tensor<?x4xf32>
    loop.yield %k, %new : tensor<?x4xf32>, tensor<?x4xf32>
  }
  return %s, %k : tensor<?x4xf32>, tensor<?x4xf32>
}

// -----

// A mean changes though its step yields what it got.
// CHECK-LABEL: @mean_stays
func.func @mean_stays(%valid: tensor<?xi1>, %s0: tensor<?x4xf32>, %p: tensor<?xf32>, %limit: f32, %cap: index) -> tensor<?x4xf32> {
  // CHECK: carry(mean
  %s, %steps = loop.adaptive act threshold(%limit) active(%running = %valid : tensor<?xi1>) cap(%cap) step(%t)
      carry(mean %s = %s0 : tensor<?x4xf32>) {
    loop.yield %s score(%p : tensor<?xf32>) : tensor<?x4xf32>
  }
  return %s : tensor<?x4xf32>
}

// -----

// What nobody reads is not carried, and a margin that nobody reads is not computed.
// CHECK-LABEL: @unread
func.func @unread(%valid: tensor<?xi1>, %s0: tensor<?x4xf32>, %n0: tensor<?x4xf32>, %exit: tensor<?xi1>, %close: tensor<?xf32>,
                  %cap: index) -> (tensor<?x4xf32>, tensor<?xi32>) {
  // CHECK: loop.adaptive region active
  // CHECK-SAME: carry(frozen %[[S:[^ ]*]] = %{{[^,]*}} : tensor<?x4xf32>) {
  // CHECK: loop.yield %{{.*}} : tensor<?x4xf32>
  // CHECK: halt(%{{[^,]*}}, %{{[^,]*}}, %{{[^,]*}}) {
  // CHECK-NEXT: loop.yield %{{.*}} : tensor<?xi1>
  %n, %s, %steps, %margin = loop.adaptive region margin active(%running = %valid : tensor<?xi1>) cap(%cap) step(%t)
      carry(frozen %n = %n0 : tensor<?x4xf32>, frozen %s = %s0 : tensor<?x4xf32>) {
    %new = math.tanh %s : tensor<?x4xf32>
    loop.yield %new, %new : tensor<?x4xf32>, tensor<?x4xf32>
  } halt(%step, %n_before, %before, %n_after, %after) {
    loop.yield %exit, %close : tensor<?xi1>, tensor<?xf32>
  }
  return %s, %steps : tensor<?x4xf32>, tensor<?xi32>
}

// -----

// CHECK-LABEL: @never_active
// CHECK-SAME: %[[S0:.*]]: tensor<2x4xf32>
func.func @never_active(%s0: tensor<2x4xf32>, %limit: f32, %cap: index) -> (tensor<2x4xf32>, tensor<2xi32>, tensor<2xf32>) {
  // CHECK-NOT: loop.adaptive
  // CHECK-DAG: %[[STEPS:.*]] = arith.constant dense<0> : tensor<2xi32>
  // CHECK-DAG: %[[MARGIN:.*]] = arith.constant dense<0x7F800000> : tensor<2xf32>
  // CHECK: return %[[S0]], %[[STEPS]], %[[MARGIN]]
  %none = arith.constant dense<false> : tensor<2xi1>
  %s, %steps, %margin = loop.adaptive converge threshold(%limit) on(0) margin
      active(%running = %none : tensor<2xi1>) cap(%cap) step(%t) carry(frozen %s = %s0 : tensor<2x4xf32>) {
    %new = math.tanh %s : tensor<2x4xf32>
    loop.yield %new : tensor<2x4xf32>
  }
  return %s, %steps, %margin : tensor<2x4xf32>, tensor<2xi32>, tensor<2xf32>
}

// -----

// Of a segment loop: outputs that nobody reads, states that no block changes, inputs that no block reads.
// CHECK-LABEL: @segment
// CHECK-SAME: %[[XS:.*]]: tensor<?x8xf32>, %[[ZS:.*]]: tensor<?x8xf32>, %[[F0:.*]]: tensor<8xf32>, %[[G0:.*]]: tensor<8xf32>
func.func @segment(%xs: tensor<?x8xf32>, %zs: tensor<?x8xf32>, %f0: tensor<8xf32>, %g0: tensor<8xf32>)
    -> (tensor<?x8xf32>, tensor<8xf32>, tensor<8xf32>) {
  // CHECK: %[[R:.*]]:2 = loop.segment size 4 number(%n) blocks(%{{.*}} = %[[ZS]] along 0 : tensor<?x8xf32>)
  // CHECK-SAME: carry(%[[F:.*]] = %[[F0]] : tensor<8xf32>) -> (along 0 : tensor<?x8xf32>)
  // CHECK: arith.addf %[[F]], %[[G0]]
  // CHECK: return %[[R]]#0, %[[R]]#1, %[[G0]]
  %y0, %y1, %g, %f = loop.segment size 4 number(%n) blocks(%x = %xs along 0 : tensor<?x8xf32>, %z = %zs along 0 : tensor<?x8xf32>)
      carry(%g = %g0 : tensor<8xf32>, %f = %f0 : tensor<8xf32>)
      -> (along 0 : tensor<?x8xf32>, along 0 : tensor<?x8xf32>) {
    %a = math.tanh %z : tensor<?x8xf32>
    %b = math.exp %z : tensor<?x8xf32>
    %next = arith.addf %f, %g : tensor<8xf32>
    loop.yield %a, %b, %g, %next : tensor<?x8xf32>, tensor<?x8xf32>, tensor<8xf32>, tensor<8xf32>
  }
  return %y1, %f, %g : tensor<?x8xf32>, tensor<8xf32>, tensor<8xf32>
}

// -----

// With nothing read but the state, one input stays: it says how many blocks there are.
// CHECK-LABEL: @length_only
func.func @length_only(%xs: tensor<?x8xf32>, %c0: index) -> index {
  // CHECK: loop.segment size 4 number(%n) blocks(%{{.*}} = %{{.*}} along 0 : tensor<?x8xf32>) carry(
  %c = loop.segment size 4 number(%n) blocks(%x = %xs along 0 : tensor<?x8xf32>) carry(%c = %c0 : index) {
    %next = arith.addi %c, %n : index
    loop.yield %next : index
  }
  return %c : index
}
