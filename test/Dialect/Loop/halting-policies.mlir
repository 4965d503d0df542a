// Every policy of loop.adaptive, as written, in generic form and as bytecode.
// RUN: attnc-opt %s | FileCheck %s
// RUN: attnc-opt %s --mlir-print-op-generic | attnc-opt | FileCheck %s
// RUN: attnc-opt %s --emit-bytecode | attnc-opt | FileCheck %s

// A Universal Transformer: tokens halt one by one, outputs are summed by weight.
// CHECK-LABEL: @act_tokens
func.func @act_tokens(%valid: tensor<?x?xi1>, %h0: tensor<?x?x8xf32>, %zero: tensor<?x?x8xf32>, %p: tensor<?x?xf32>,
                      %limit: f32, %cap: index) -> (tensor<?x?x8xf32>, tensor<?x?xi32>, tensor<?x?xf32>) {
  // CHECK: %[[R:.*]]:4 = loop.adaptive act threshold(%{{.*}}) compare(gt) remainder(drop) margin
  // CHECK-SAME: active(%running = %{{.*}} : tensor<?x?xi1>) cap(%{{.*}}) step(%t)
  // CHECK-SAME: carry(frozen %[[H:.*]] = %{{.*}} : tensor<?x?x8xf32>, mean %{{.*}} = %{{.*}} : tensor<?x?x8xf32>) {
  %h, %out, %steps, %margin = loop.adaptive act threshold(%limit) compare(gt) remainder(drop) margin
      active(%running = %valid : tensor<?x?xi1>) cap(%cap) step(%t)
      carry(frozen %h = %h0 : tensor<?x?x8xf32>, mean %sum = %zero : tensor<?x?x8xf32>) {
    // CHECK: %[[Y:.*]] = math.tanh %[[H]]
    %y = math.tanh %h : tensor<?x?x8xf32>
    // CHECK: loop.yield %[[Y]], %[[Y]] score(%{{.*}} : tensor<?x?xf32>) : tensor<?x?x8xf32>, tensor<?x?x8xf32>
    loop.yield %y, %y score(%p : tensor<?x?xf32>) : tensor<?x?x8xf32>, tensor<?x?x8xf32>
  }
  // CHECK: return %[[R]]#1, %[[R]]#2, %[[R]]#3
  return %out, %steps, %margin : tensor<?x?x8xf32>, tensor<?x?xi32>, tensor<?x?xf32>
}

// Options stand in any order; they are printed in one, and defaults are not.
// CHECK-LABEL: @geometric_sequences
func.func @geometric_sequences(%valid: tensor<?xi1>, %h0: tensor<?x8xf32>, %p: tensor<?xf32>, %limit: f32, %cap: index)
    -> tensor<?x8xf32> {
  // CHECK: loop.adaptive geometric threshold(%{{.*}}) margin active
  %h, %steps, %margin = loop.adaptive geometric margin remainder(assign) compare(ge) threshold(%limit)
      active(%running = %valid : tensor<?xi1>) cap(%cap) step(%t) carry(blend %h = %h0 : tensor<?x8xf32>) {
    loop.yield %h score(%p : tensor<?xf32>) : tensor<?x8xf32>
  }
  return %h : tensor<?x8xf32>
}

// CHECK-LABEL: @drawn
func.func @drawn(%valid: tensor<?xi1>, %p: tensor<?xf32>, %seed: i64, %cap: index) -> tensor<?xi32> {
  // CHECK: loop.adaptive bernoulli seed(%{{.*}}) stream(3) active
  %steps = loop.adaptive bernoulli stream(3) seed(%seed) active(%running = %valid : tensor<?xi1>) cap(%cap) step(%t) {
    // CHECK: loop.yield score(%{{.*}} : tensor<?xf32>){{$}}
    loop.yield score(%p : tensor<?xf32>)
  }
  return %steps : tensor<?xi32>
}

// The whole batch is one row.
// CHECK-LABEL: @whole_batch
func.func @whole_batch(%valid: tensor<i1>, %n0: index, %p: tensor<f32>, %limit: f32, %cap: index) -> (index, tensor<i32>) {
  // CHECK: loop.adaptive threshold threshold(%{{.*}}) compare(lt) active(%running = %{{.*}} : tensor<i1>)
  // CHECK-SAME: carry(free %{{.*}} = %{{.*}} : index)
  %n, %steps = loop.adaptive threshold threshold(%limit) compare(lt)
      active(%running = %valid : tensor<i1>) cap(%cap) step(%t) carry(free %n = %n0 : index) {
    loop.yield %t score(%p : tensor<f32>) : index
  }
  return %n, %steps : index, tensor<i32>
}

// CHECK-LABEL: @predicate
func.func @predicate(%valid: tensor<?xi1>, %done: tensor<?xi1>, %cap: index) -> tensor<?xi32> {
  // CHECK: loop.adaptive predicate active
  // CHECK-SAME: attributes {note = "kept"}
  %steps = loop.adaptive predicate active(%running = %valid : tensor<?xi1>) cap(%cap) step(%t) attributes {note = "kept"} {
    loop.yield score(%done : tensor<?xi1>)
  }
  return %steps : tensor<?xi32>
}

// CHECK-LABEL: @converge
func.func @converge(%valid: tensor<?xi1>, %s0: tensor<?x4xf32>, %limit: f32, %cap: index) -> tensor<?x4xf32> {
  // CHECK: loop.adaptive converge threshold(%{{.*}}) on(0) delta(1.000000e-09) active
  %s, %steps = loop.adaptive converge threshold(%limit) on(0) delta(1.0e-9)
      active(%running = %valid : tensor<?xi1>) cap(%cap) step(%t) carry(frozen %s = %s0 : tensor<?x4xf32>) {
    %new = math.tanh %s : tensor<?x4xf32>
    loop.yield %new : tensor<?x4xf32>
  }
  return %s : tensor<?x4xf32>
}

// Whatever decides is written in the halt region.
// CHECK-LABEL: @own_decision
func.func @own_decision(%valid: tensor<?xi1>, %s0: tensor<?x4xf32>, %n0: index, %exit: tensor<?xi1>, %close: tensor<?xf32>,
                        %cap: index) -> tensor<?x4xf32> {
  // CHECK: loop.adaptive region margin active
  %s, %n, %steps, %margin = loop.adaptive region margin active(%running = %valid : tensor<?xi1>) cap(%cap) step(%t)
      carry(frozen %s = %s0 : tensor<?x4xf32>, free %n = %n0 : index) {
    %new = math.tanh %s : tensor<?x4xf32>
    loop.yield %new, %n : tensor<?x4xf32>, index
  // CHECK: } halt(%t, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}) {
  } halt(%step, %before, %n_before, %after, %n_after) {
    // CHECK: loop.yield %{{.*}}, %{{.*}} : tensor<?xi1>, tensor<?xf32>
    loop.yield %exit, %close : tensor<?xi1>, tensor<?xf32>
  }
  return %s : tensor<?x4xf32>
}
