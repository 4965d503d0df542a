// RUN: attnc-opt %s --attnc-plan-arena | FileCheck %s

// A buffer whose size is a product of sizes, one of which differs from block to block, has room for the largest: B * 8 rows of a
// block of at most 8.
// CHECK-LABEL: func.func private @product_arena_size(
// CHECK-SAME: %[[B:[a-z0-9]+]]: index, %[[T:[a-z0-9]+]]: index)
// CHECK: %[[N:.*]] = arith.minui %[[T]], %{{.*}} : index
// CHECK: %[[ROWS:.*]] = arith.muli %[[N]], %[[B]] : index
// That it did not wrap.
// CHECK-DAG: %[[N64:.*]] = arith.index_cast %[[N]] : index to i64
// CHECK-DAG: %[[B64:.*]] = arith.index_cast %[[B]] : index to i64
// CHECK: arith.mulsi_extended %[[N64]], %[[B64]] : i64
// CHECK-LABEL: func.func @product(
// CHECK: scf.for
// CHECK: memref.view
#product = affine_map<()[s0, s1] -> (s0 * s1)>
func.func @product(%b: index {attnc.name = "B", attnc.role = "size"}, %t: index {attnc.name = "T", attnc.role = "size"}) {
  %c0 = arith.constant 0 : index
  %c8 = arith.constant 8 : index
  scf.for %i = %c0 to %t step %c8 {
    %left = arith.subi %t, %i : index
    %n = arith.minui %left, %c8 : index
    %rows = affine.apply #product()[%n, %b]
    %buffer = memref.alloc(%rows) : memref<?x4xf32>
    memref.dealloc %buffer : memref<?x4xf32>
  }
  return
}
