// RUN: attnc-opt %s --split-input-file --verify-diagnostics --attnc-expand-math
func.func @on_tensors(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{is expanded on scalars and vectors of fixed length, got 'tensor<4xf32>'; lower it to loops first}}
  %y = math.exp %x : tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

func.func @on_scalable_vectors(%x: vector<[4]xf32>) -> vector<[4]xf32> {
  // expected-error @+1 {{is expanded on scalars and vectors of fixed length, got 'vector<[4]xf32>'; lower it to loops first}}
  %y = math.exp %x : vector<[4]xf32>
  return %y : vector<[4]xf32>
}

// -----

func.func @extended_precision(%x: f80) -> f80 {
  // expected-error @+1 {{is expanded on f64, f32, f16 and bf16, got 'f80'}}
  %y = math.exp %x : f80
  return %y : f80
}

// -----

func.func @remainder_of_f64(%x: f64) -> f64 {
  // expected-error @+1 {{is expanded on f32, f16 and bf16, got 'f64'; write it with math.floor and arithmetic}}
  %y = arith.remf %x, %x : f64
  return %y : f64
}
