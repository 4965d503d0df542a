// A size that only an output has is computed in front of the arena's offsets, and returned behind the arena's bytes.
// RUN: attnc-opt %s --attnc-schedule-phase --attnc-plan-phase | FileCheck %s

// CHECK-LABEL: func private @main_arena_size
// CHECK-SAME: %[[N:.*]]: index, %{{.*}}: index) -> (index, index)
// CHECK: %[[MIN:.*]] = arith.minsi %[[N]]
// CHECK: return %{{.*}}, %[[MIN]] : index, index
// CHECK: func.func @main
func.func @main(%x: tensor<?xf32> {attnc.name = "x", attnc.dims = ["N"]}) -> (tensor<?xf32> {attnc.name = "y", attnc.dims = ["K"]}) {
  %c0 = arith.constant 0 : index
  %c4 = arith.constant 4 : index
  %n = tensor.dim %x, %c0 : tensor<?xf32>
  %k = arith.minsi %n, %c4 : index
  %y = tensor.extract_slice %x[0] [%k] [1] : tensor<?xf32> to tensor<?xf32>
  return %y : tensor<?xf32>
}
