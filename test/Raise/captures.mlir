// Masks and biases that a graph made as tensors are computed in the regions of the attention that captured them.
// RUN: attnc-opt %s --attnc-raise-captures --canonicalize --split-input-file | FileCheck %s

!x = tensor<?x?x4x8xf32>
#ij = affine_map<(i, j) -> (i, j)>
#i = affine_map<(i, j) -> (i)>
#bij = affine_map<(b, h, i, j) -> (b, h, i, j)>
#bj = affine_map<(b, h, i, j) -> (b, j)>

// Ranges and a padding mask read at an index that is its own: what is left is one number a key, and a comparison.
// CHECK-LABEL: @padded
// CHECK-NOT: linalg
// CHECK: captures %arg1[b, j] : tensor<?x?xi64>
// CHECK: mask(%{{.*}}, %{{.*}}, %[[I:.*]], %[[J:.*]], %{{.*}}, %[[KEY:.*]]) {
// CHECK-DAG: arith.cmpi sle, %[[J]], %[[I]] : index
// CHECK-DAG: arith.index_cast %[[KEY]]
// CHECK: arith.andi
func.func @padded(%x: !x, %padding: tensor<?x?xi64>, %e: !x, %all: tensor<?x1x?x?xi1>) -> !x {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0 : i64
  %mask = linalg.generic {indexing_maps = [#bij], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} outs(%all : tensor<?x1x?x?xi1>) {
  ^bb0(%out: i1):
    %b = linalg.index 0 : index
    %i = linalg.index 2 : index
    %j = linalg.index 3 : index
    %from = arith.maxsi %j, %c0 : index
    %key = tensor.extract %padding[%b, %from] : tensor<?x?xi64>
    %there = arith.cmpi ne, %key, %zero : i64
    %causal = arith.cmpi sle, %j, %i : index
    %queries = arith.cmpi sge, %i, %c0 : index
    %both = arith.andi %there, %causal : i1
    %seen = arith.andi %both, %queries : i1
    linalg.yield %seen : i1
  } -> tensor<?x1x?x?xi1>
  %y = attn.attention softmax scale(0.5) query %x[b, i, g, d] : !x source %x[b, j, g, d], %x[b, j, g, v] : !x, !x
    captures %mask[b, 0, i, j] : tensor<?x1x?x?xi1> into %e[b, i, g, v] : !x
    mask(%b, %h, %i, %j, %n, %seen) {
      attn.yield %seen : i1
    }
  return %y : !x
}

// -----

// With positions of its own a query is not at its index: the tensor stays.
!x = tensor<?x?x4x8xf32>
#ij = affine_map<(i, j) -> (i, j)>
// CHECK-LABEL: @positions
// CHECK: linalg.generic
// CHECK: captures %{{.*}}[i, j] : tensor<?x?xi1>
func.func @positions(%x: !x, %at: index, %e: !x, %all: tensor<?x?xi1>) -> !x {
  %mask = linalg.generic {indexing_maps = [#ij], iterator_types = ["parallel", "parallel"]} outs(%all : tensor<?x?xi1>) {
  ^bb0(%out: i1):
    %i = linalg.index 0 : index
    %j = linalg.index 1 : index
    %seen = arith.cmpi sle, %j, %i : index
    linalg.yield %seen : i1
  } -> tensor<?x?xi1>
  %y = attn.attention softmax scale(0.5) query %x[b, i, g, d] : !x offset %at source %x[b, j, g, d], %x[b, j, g, v] : !x, !x
    captures %mask[i, j] : tensor<?x?xi1> into %e[b, i, g, v] : !x
    mask(%b, %h, %i, %j, %n, %seen) {
      attn.yield %seen : i1
    }
  return %y : !x
}
