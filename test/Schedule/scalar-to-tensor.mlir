// Ops without a destination whose shape is in their type need nobody to tell it.
// RUN: attnc-opt %s --attnc-form-kernels | FileCheck %s

// CHECK-LABEL: func @count
// CHECK: %[[E:.*]] = tensor.empty() : tensor<i32>
// CHECK: attnc.launch @count_from_elements(%{{.*}} : i32) into(%[[E]] : tensor<i32>)
func.func @count(%n: i32) -> tensor<i32> {
  %y = tensor.from_elements %n : tensor<i32>
  return %y : tensor<i32>
}
