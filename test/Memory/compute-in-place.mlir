// RUN: attnc-opt %s --attnc-carry-in-place --attnc-compute-in-place --split-input-file | FileCheck %s

// A chain that starts empty is computed in the output.
// CHECK-LABEL: func.func @chain(
// CHECK-SAME: %[[X:.*]]: tensor<8xf32>, %[[OUT:.*]]: tensor<8xf32>
// CHECK: %[[A:.*]] = attnc.launch @k(%[[X]] : tensor<8xf32>) into(%[[OUT]] : tensor<8xf32>)
// CHECK: %[[B:.*]] = attnc.launch @k(%[[X]] : tensor<8xf32>) into(%[[A]] : tensor<8xf32>)
// CHECK: return %[[B]]
func.func @chain(%x: tensor<8xf32>, %out: tensor<8xf32>) -> tensor<8xf32> {
  %e = tensor.empty() : tensor<8xf32>
  %a = attnc.launch @k(%x : tensor<8xf32>) into(%e : tensor<8xf32>) overwrites [true] -> tensor<8xf32>
  %b = attnc.launch @k(%x : tensor<8xf32>) into(%a : tensor<8xf32>) overwrites [false] -> tensor<8xf32>
  %y = bufferization.materialize_in_destination %b in %out : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  return %y : tensor<8xf32>
}
func.func private @k(tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32> attributes {attnc.kernel}

// -----

// What a loop starts from is copied to the output, which then carries; two carried values that change places need memory.
// CHECK-LABEL: func.func @swap(
// CHECK-SAME: %[[X:.*]]: tensor<8xf32>, %[[Y:.*]]: tensor<8xf32>, %[[OX:.*]]: tensor<8xf32>, %[[OY:.*]]: tensor<8xf32>, %{{.*}}: index
// CHECK-DAG: %[[SX:.*]] = bufferization.materialize_in_destination %[[X]] in %[[OX]]
// CHECK-DAG: %[[SY:.*]] = bufferization.materialize_in_destination %[[Y]] in %[[OY]]
// CHECK: %[[R:.*]]:2 = scf.for {{.*}} iter_args(%[[P:.*]] = %[[SX]], %[[Q:.*]] = %[[SY]])
// CHECK: %[[QM:.*]] = bufferization.alloc_tensor
// CHECK: %[[QC:.*]] = bufferization.materialize_in_destination %[[Q]] in %[[QM]]
// CHECK: bufferization.alloc_tensor
// CHECK: %[[PC:.*]] = bufferization.materialize_in_destination %[[P]]
// CHECK: bufferization.materialize_in_destination %[[QC]] in %[[P]]
// CHECK: bufferization.materialize_in_destination %[[PC]] in %[[Q]]
// CHECK: return %[[R]]#0, %[[R]]#1
func.func @swap(%x: tensor<8xf32>, %y: tensor<8xf32>, %ox: tensor<8xf32>, %oy: tensor<8xf32>, %n: index) -> (tensor<8xf32>, tensor<8xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r:2 = scf.for %i = %c0 to %n step %c1 iter_args(%p = %x, %q = %y) -> (tensor<8xf32>, tensor<8xf32>) {
    scf.yield %q, %p : tensor<8xf32>, tensor<8xf32>
  }
  %a = bufferization.materialize_in_destination %r#0 in %ox : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %b = bufferization.materialize_in_destination %r#1 in %oy : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  return %a, %b : tensor<8xf32>, tensor<8xf32>
}

// -----

// A branch computes in place in the one region and leaves what is carried in the other: no copy.
// CHECK-LABEL: func.func @branch(
// CHECK: scf.for {{.*}} iter_args(%[[P:.*]] = %{{.*}})
// CHECK: %[[R:.*]] = scf.if
// CHECK-NEXT: %[[A:.*]] = attnc.launch @k(%{{.*}}) into(%[[P]] : tensor<8xf32>)
// CHECK-NEXT: scf.yield %[[A]]
// CHECK-NEXT: else
// CHECK-NEXT: scf.yield %[[P]]
// CHECK-NEXT: }
// CHECK-NEXT: scf.yield %[[R]]
func.func @branch(%x: tensor<8xf32>, %out: tensor<8xf32>, %n: index, %on: i1) -> tensor<8xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%p = %x) -> tensor<8xf32> {
    %new = scf.if %on -> tensor<8xf32> {
      %a = attnc.launch @k(%x : tensor<8xf32>) into(%p : tensor<8xf32>) overwrites [false] -> tensor<8xf32>
      scf.yield %a : tensor<8xf32>
    } else {
      scf.yield %p : tensor<8xf32>
    }
    scf.yield %new : tensor<8xf32>
  }
  %y = bufferization.materialize_in_destination %r in %out : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  return %y : tensor<8xf32>
}
func.func private @k(tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32> attributes {attnc.kernel}

// -----

// Values that a branch exchanges are copied aside behind it.
// CHECK-LABEL: func.func @exchange(
// CHECK: %[[R:.*]]:2 = scf.if
// CHECK-DAG: %[[A:.*]] = bufferization.materialize_in_destination %[[R]]#0 in %{{.*}}
// CHECK-DAG: %[[B:.*]] = bufferization.materialize_in_destination %[[R]]#1 in %{{.*}}
// CHECK: bufferization.materialize_in_destination %[[A]] in %[[P:.*]] :
// CHECK: bufferization.materialize_in_destination %[[B]] in
func.func @exchange(%x: tensor<8xf32>, %n: index, %on: i1) -> (tensor<8xf32>, tensor<8xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r:2 = scf.for %i = %c0 to %n step %c1 iter_args(%p = %x, %q = %x) -> (tensor<8xf32>, tensor<8xf32>) {
    %new:2 = scf.if %on -> (tensor<8xf32>, tensor<8xf32>) {
      scf.yield %q, %p : tensor<8xf32>, tensor<8xf32>
    } else {
      scf.yield %p, %q : tensor<8xf32>, tensor<8xf32>
    }
    scf.yield %new#0, %new#1 : tensor<8xf32>, tensor<8xf32>
  }
  return %r#0, %r#1 : tensor<8xf32>, tensor<8xf32>
}

// -----

// What is read once more behind an update is not updated in place.
// CHECK-LABEL: func.func @read_later(
// CHECK: scf.for {{.*}} iter_args(%[[P:.*]] = %{{.*}})
// CHECK: %[[A:.*]] = attnc.launch @k(%[[P]] : tensor<8xf32>) into(%[[E:.*]] : tensor<8xf32>)
// CHECK: %[[C:.*]] = bufferization.materialize_in_destination %[[A]] in %[[P]]
// CHECK: scf.yield %[[C]]
func.func @read_later(%x: tensor<8xf32>, %n: index) -> tensor<8xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%p = %x) -> tensor<8xf32> {
    %e = tensor.empty() : tensor<8xf32>
    %a = attnc.launch @k(%p : tensor<8xf32>) into(%e : tensor<8xf32>) overwrites [true] -> tensor<8xf32>
    scf.yield %a : tensor<8xf32>
  }
  return %r : tensor<8xf32>
}
func.func private @k(tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32> attributes {attnc.kernel}

// -----

// A test that computes what it forwards runs in front of the loop, and at the end of the body.
// CHECK-LABEL: func.func @test_computes(
// CHECK: %[[F:.*]] = attnc.launch @k
// CHECK: %[[P:.*]] = arith.cmpi slt
// CHECK: scf.while (%{{.*}} = %[[F]], %[[C:.*]] = %[[P]])
// CHECK-NEXT: scf.condition(%{{.*}})
// CHECK: do
// CHECK: attnc.launch @k
// CHECK: arith.cmpi slt
// CHECK: scf.yield
func.func @test_computes(%x: tensor<8xf32>, %n: index, %m: index) -> tensor<8xf32> {
  %r = scf.while (%p = %x) : (tensor<8xf32>) -> tensor<8xf32> {
    %e = tensor.empty() : tensor<8xf32>
    %a = attnc.launch @k(%p : tensor<8xf32>) into(%e : tensor<8xf32>) overwrites [true] -> tensor<8xf32>
    %on = arith.cmpi slt, %n, %m : index
    scf.condition(%on) %a : tensor<8xf32>
  } do {
  ^bb0(%q: tensor<8xf32>):
    scf.yield %q : tensor<8xf32>
  }
  return %r : tensor<8xf32>
}
func.func private @k(tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32> attributes {attnc.kernel}
