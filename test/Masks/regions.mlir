// RUN: attnc-opt %s --attnc-outline-masks --canonicalize --cse | FileCheck %s

// Causal: two comparisons, and a bound on the keys that some query sees.
// CHECK-LABEL: func @causal_mask0
// CHECK-SAME: (%{{.*}}: index, %{{.*}}: index, %[[I0:.*]]: index, %[[I1:.*]]: index, %[[J0:.*]]: index, %[[J1:.*]]: index, %{{.*}}: index)
// CHECK-DAG: %[[FAR:.*]] = arith.constant -2305843009213693952
// CHECK-DAG: %[[ALL:.*]] = arith.cmpi sle, %[[J1]], %[[I0]]
// CHECK-DAG: %[[ANY:.*]] = arith.cmpi sle, %[[J0]], %[[I1]]
// CHECK: return %[[ALL]], %[[ANY]], %[[FAR]], %{{.*}} : i1, i1, index, index
func.func @causal(%q: tensor<?x4xf32>, %k: tensor<?x4xf32>, %o: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %y = attn.attention softmax scale(1.0) query %q[i, d] : tensor<?x4xf32> source %k[j, d], %k[j, v] : tensor<?x4xf32>, tensor<?x4xf32>
    into %o[i, v] : tensor<?x4xf32>
    mask(%b, %h, %i, %j, %n) {
      %c = arith.cmpi sle, %j, %i : index
      attn.yield %c : i1
    }
  return %y : tensor<?x4xf32>
}

// What does not vary over a block is computed as it is written, whatever its ops are.
// CHECK-LABEL: func @global_mask0
// CHECK: %[[NEAR:.*]] = arith.cmpf olt
// CHECK: return %[[NEAR]], %[[NEAR]]
func.func @global(%q: tensor<?x4xf32>, %k: tensor<?x4xf32>, %t: f32, %o: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %y = attn.attention softmax scale(1.0) query %q[i, d] : tensor<?x4xf32> source %k[j, d], %k[j, v] : tensor<?x4xf32>, tensor<?x4xf32>
    captures %t : f32
    into %o[i, v] : tensor<?x4xf32>
    mask(%b, %h, %i, %j, %n, %x) {
      %two = arith.constant 2.0 : f32
      %z = math.sqrt %x : f32
      %c = arith.cmpf olt, %z, %two : f32
      attn.yield %c : i1
    }
  return %y : tensor<?x4xf32>
}

// What is not understood is perhaps visible, everywhere.
// CHECK-LABEL: func @unknown_mask0
// CHECK-DAG: %[[NO:.*]] = arith.constant false
// CHECK-DAG: %[[YES:.*]] = arith.constant true
// CHECK: return %[[NO]], %[[YES]]
func.func @unknown(%q: tensor<?x4xf32>, %k: tensor<?x4xf32>, %o: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %y = attn.attention softmax scale(1.0) query %q[i, d] : tensor<?x4xf32> source %k[j, d], %k[j, v] : tensor<?x4xf32>, tensor<?x4xf32>
    into %o[i, v] : tensor<?x4xf32>
    mask(%b, %h, %i, %j, %n) {
      %three = arith.constant 3 : index
      %x = arith.xori %i, %j : index
      %c = arith.cmpi ult, %x, %three : index
      attn.yield %c : i1
    }
  return %y : tensor<?x4xf32>
}

// A table of documents is read once along the queries and once along the keys of the block.
// CHECK-LABEL: func @documents_mask0
// CHECK-SAME: tensor<?xi32>
// CHECK: scf.for
// CHECK: tensor.extract
// CHECK: scf.for
// CHECK: tensor.extract
// CHECK-NOT: scf.for
// CHECK: return
func.func @documents(%q: tensor<?x4xf32>, %k: tensor<?x4xf32>, %t: tensor<?xi32>, %o: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %y = attn.attention softmax scale(1.0) query %q[i, d] : tensor<?x4xf32> source %k[j, d], %k[j, v] : tensor<?x4xf32>, tensor<?x4xf32>
    captures %t : tensor<?xi32>
    into %o[i, v] : tensor<?x4xf32>
    mask(%b, %h, %i, %j, %n, %table) {
      %x = tensor.extract %table[%i] : tensor<?xi32>
      %z = tensor.extract %table[%j] : tensor<?xi32>
      %c = arith.cmpi eq, %x, %z : i32
      attn.yield %c : i1
    }
  return %y : tensor<?x4xf32>
}
