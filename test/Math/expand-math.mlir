// RUN: attnc-opt %s --attnc-expand-math | FileCheck %s
// Functions become arithmetic without branches; instructions stay.
// CHECK-LABEL: func.func @scalar
// CHECK-NOT: math.exp
// CHECK: math.fma {{.*}} : f32
// CHECK-NOT: {{scf|cf}}
func.func @scalar(%x: f32) -> f32 {
  %y = math.exp %x : f32
  return %y : f32
}

// CHECK-LABEL: func.func @vector
// CHECK-NOT: math.tanh
// CHECK: math.fma {{.*}} : vector<8xf64>
// CHECK-NOT: {{scf|cf}}
func.func @vector(%x: vector<8xf64>) -> vector<8xf64> {
  %y = math.tanh %x : vector<8xf64>
  return %y : vector<8xf64>
}

// Halves are computed in f32.
// CHECK-LABEL: func.func @half
// CHECK: %[[X:.*]] = arith.extf %{{.*}} : bf16 to f32
// CHECK: math.floor %[[X]] : f32
// CHECK: arith.truncf %{{.*}} : f32 to bf16
func.func @half(%x: bf16) -> bf16 {
  %y = math.floor %x : bf16
  return %y : bf16
}

// CHECK-LABEL: func.func @instructions
// CHECK-NEXT: math.sqrt
// CHECK-NEXT: math.copysign
// CHECK-NEXT: math.ctpop
// CHECK-NEXT: return
func.func @instructions(%x: f32, %n: i32) -> (f32, i32) {
  %a = math.sqrt %x : f32
  %y = math.copysign %a, %x : f32
  %m = math.ctpop %n : i32
  return %y, %m : f32, i32
}

// CHECK-LABEL: func.func @functions_in_f64
// CHECK: arith.extf %{{.*}} : vector<4xf16> to vector<4xf64>
// CHECK: arith.truncf %{{.*}} : vector<4xf64> to vector<4xf32>
// CHECK: arith.truncf %{{.*}} : vector<4xf32> to vector<4xf16>
// CHECK-NOT: math.{{powf|sincos}}
func.func @functions_in_f64(%x: vector<4xf16>, %z: f32) -> (vector<4xf16>, f32, f32) {
  %y = math.powf %x, %x : vector<4xf16>
  %s, %c = math.sincos %z : f32
  return %y, %s, %c : vector<4xf16>, f32, f32
}
