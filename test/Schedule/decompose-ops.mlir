// RUN: attnc-opt %s --attnc-decompose-ops --split-input-file | FileCheck %s

// Softmax is a maximum, exponentials, a sum and a division.
// CHECK-LABEL: @softmax
// CHECK-NOT: linalg.softmax
// CHECK: linalg.generic {{.*}}iterator_types = ["parallel", "reduction"]
// CHECK: arith.maxnumf
// CHECK: linalg.generic {{.*}}iterator_types = ["parallel", "parallel"]
// CHECK: math.exp
// CHECK: linalg.generic {{.*}}iterator_types = ["parallel", "reduction"]
// CHECK: arith.divf
func.func @softmax(%x: tensor<?x8xf32>, %e: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %y = linalg.softmax dimension(1) ins(%x : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// What is known of the shape of one operand is known of both.

// CHECK-LABEL: @softmax_of_unlike_types
// CHECK-NOT: linalg.softmax
// CHECK: linalg.generic {{.*}} outs(%{{.*}} : tensor<?x8x6xf32>)
// CHECK: linalg.generic {{.*}} outs(%{{.*}} : tensor<?x8x6xf32>)
func.func @softmax_of_unlike_types(%x: tensor<?x?x6xf32>, %e: tensor<?x8x6xf32>) -> tensor<?x8x6xf32> {
  %y = linalg.softmax dimension(2) ins(%x : tensor<?x?x6xf32>) outs(%e : tensor<?x8x6xf32>) -> tensor<?x8x6xf32>
  return %y : tensor<?x8x6xf32>
}

// -----

// CHECK-LABEL: @pad
// CHECK-SAME: %[[X:.*]]: tensor<?x3xf32>
// CHECK: %[[P:.*]] = linalg.fill
// CHECK: tensor.insert_slice %[[X]] into %[[P]][0, 1] {{.*}} : tensor<?x3xf32> into tensor<?x6xf32>
func.func @pad(%x: tensor<?x3xf32>) -> tensor<?x6xf32> {
  %zero = arith.constant 0.0 : f32
  %y = tensor.pad %x low[0, 1] high[0, 2] {
  ^bb0(%i: index, %j: index):
    tensor.yield %zero : f32
  } : tensor<?x3xf32> to tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}

// -----

// CHECK-LABEL: @concat
// CHECK: %[[E:.*]] = tensor.empty
// CHECK: %[[A:.*]] = tensor.insert_slice %{{.*}} into %[[E]]
// CHECK: tensor.insert_slice %{{.*}} into %[[A]]
func.func @concat(%x: tensor<?x3xf32>, %y: tensor<?x2xf32>) -> tensor<?x5xf32> {
  %z = tensor.concat dim(1) %x, %y : (tensor<?x3xf32>, tensor<?x2xf32>) -> tensor<?x5xf32>
  return %z : tensor<?x5xf32>
}

// -----

// CHECK-LABEL: @made
// CHECK: %[[E:.*]] = tensor.empty(%{{.*}}) : tensor<?xf32>
// CHECK: linalg.fill ins(%{{.*}} : f32) outs(%[[E]]
// CHECK: linalg.generic
// CHECK: linalg.index 0
// CHECK-NOT: tensor.generate
func.func @made(%s: f32, %n: index) -> (tensor<?xf32>, tensor<?xindex>) {
  %a = tensor.splat %s[%n] : tensor<?xf32>
  %b = tensor.generate %n {
  ^bb0(%i: index):
    tensor.yield %i : index
  } : tensor<?xindex>
  return %a, %b : tensor<?xf32>, tensor<?xindex>
}

// -----

// CHECK-LABEL: @sigmoid_sum
// CHECK: attn.attention softmax
// CHECK: score(%[[S:[^,]*]],
// CHECK: arith.minimumf %[[S]]
// CHECK: math.log
// CHECK: %[[L:.*]] = arith.subf
// CHECK-NEXT: attn.yield %[[L]]
// CHECK: attn.attention softmax
// CHECK: score(%[[S:[^,]*]], {{.*}} %[[C:[^,]*]])
// CHECK: %[[T:.*]] = arith.addf %[[S]], %[[C]]
// CHECK: arith.minimumf %[[T]]
func.func @sigmoid_sum(%q: tensor<4x8xf32>, %k: tensor<5x8xf32>, %v: tensor<5x3xf32>, %c: tensor<4xf32>, %e: tensor<4x3xf32>) -> (tensor<4x3xf32>, tensor<4x3xf32>) {
  %0 = attn.attention sigmoid_sum scale(1.0)
    query %q[i, d] : tensor<4x8xf32>
    source %k[j, d], %v[j, v] : tensor<5x8xf32>, tensor<5x3xf32>
    captures %c[i] : tensor<4xf32>, %c : tensor<4xf32>
    into %e[i, v] : tensor<4x3xf32>
  %1 = attn.attention sigmoid_sum scale(1.0)
    query %q[i, d] : tensor<4x8xf32>
    source %k[j, d], %v[j, v] : tensor<5x8xf32>, tensor<5x3xf32>
    captures %c[i] : tensor<4xf32>
    into %e[i, v] : tensor<4x3xf32>
    score(%s, %b, %h, %i, %j, %n, %x) {
      %t = arith.addf %s, %x : f32
      attn.yield %t : f32
    }
  return %0, %1 : tensor<4x3xf32>, tensor<4x3xf32>
}
