// RUN: attnc-opt %s --attnc-tile-attention --remarks-filter=lower --remark-format=emitRemark 2>&1 | FileCheck %s

// What is not done on tiles stays, and says why.
// CHECK-DAG: runs row by row: it has sums in f64
// CHECK-DAG: runs row by row: it has a width that is not known
// CHECK-DAG: runs row by row: it has operands without a width
// CHECK-DAG: runs row by row: it has one key for all j
// CHECK-DAG: runs row by row: it has keys or values of each query head
// CHECK-DAG: runs row by row: it has a post region behind a sum over the keys
// CHECK-DAG: runs row by row: it has arith.remsi by what differs from key to key
// CHECK-DAG: runs row by row: it has tiles that would not fit the stack
func.func private @wide(%q: tensor<?x4xf64>, %o: tensor<?x4xf64>) -> tensor<?x4xf64> {
  %y = attn.attention softmax scale(1.0) query %q[i, d] : tensor<?x4xf64> source %q[j, d], %q[j, v] : tensor<?x4xf64>, tensor<?x4xf64> into %o[i, v] : tensor<?x4xf64>
  return %y : tensor<?x4xf64>
}
func.func private @dynamic(%q: tensor<?x?xf32>, %o: tensor<?x?xf32>) -> tensor<?x?xf32> {
  %y = attn.attention softmax scale(1.0) query %q[i, d] : tensor<?x?xf32> source %q[j, d], %q[j, v] : tensor<?x?xf32>, tensor<?x?xf32> into %o[i, v] : tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}
func.func private @scalar(%q: tensor<?x4xf32>, %v: tensor<?xf32>, %o: tensor<?xf32>) -> tensor<?xf32> {
  %y = attn.attention softmax scale(1.0) query %q[i, d] : tensor<?x4xf32> source %q[j, d], %v[j] : tensor<?x4xf32>, tensor<?xf32> into %o[i] : tensor<?xf32>
  return %y : tensor<?xf32>
}
func.func private @one(%q: tensor<?x4xf32>, %k: tensor<4xf32>, %o: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %y = attn.attention softmax scale(1.0) query %q[i, d] : tensor<?x4xf32> source %k[d], %k[v] : tensor<4xf32>, tensor<4xf32> into %o[i, v] : tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}
func.func private @heads(%q: tensor<?x2x4xf32>, %o: tensor<?x2x4xf32>) -> tensor<?x2x4xf32> {
  %y = attn.attention softmax scale(1.0) query %q[i, r, d] : tensor<?x2x4xf32> source %q[j, r, d], %q[j, r, v] : tensor<?x2x4xf32>, tensor<?x2x4xf32> into %o[i, r, v] : tensor<?x2x4xf32>
  return %y : tensor<?x2x4xf32>
}
func.func private @post(%q: tensor<?x4xf32>, %o: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %y = attn.attention softmax scale(1.0) query %q[i, d] : tensor<?x4xf32> source %q[j, d], %q[j, v] : tensor<?x4xf32>, tensor<?x4xf32> into %o[i, v] : tensor<?x4xf32>
    post(%p, %b, %h, %i, %j, %n) {
      %x = arith.mulf %p, %p : f32
      attn.yield %x : f32
    }
  return %y : tensor<?x4xf32>
}
func.func private @divides(%q: tensor<?x4xf32>, %o: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %y = attn.attention softmax scale(1.0) query %q[i, d] : tensor<?x4xf32> source %q[j, d], %q[j, v] : tensor<?x4xf32>, tensor<?x4xf32> into %o[i, v] : tensor<?x4xf32>
    mask(%b, %h, %i, %j, %n) {
      %one = arith.constant 1 : index
      %k = arith.addi %j, %one : index
      %r = arith.remsi %i, %k : index
      %c = arith.cmpi ne, %r, %one : index
      attn.yield %c : i1
    }
  return %y : tensor<?x4xf32>
}
func.func private @huge(%q: tensor<?x4096xf32>, %o: tensor<?x4096xf32>) -> tensor<?x4096xf32> {
  %y = attn.attention softmax scale(1.0) query %q[i, d] : tensor<?x4096xf32> source %q[j, d], %q[j, v] : tensor<?x4096xf32>, tensor<?x4096xf32> into %o[i, v] : tensor<?x4096xf32>
  return %y : tensor<?x4096xf32>
}
