// One test a constraint, named after it (dialects/loop/README.md).
// RUN: attnc-opt %s --split-input-file --verify-diagnostics

func.func @fixed_point_c1(%z: tensor<?x4xi32>, %tol: f32, %cap: index) {
  // expected-error @below {{expected a tensor of floats whose first dimension is the sample, got 'tensor<?x4xi32>'}}
  %a, %b, %c = loop.fixed_point picard tolerance(%tol) cap(%cap) init(%y = %z : tensor<?x4xi32>) {
    loop.yield %y : tensor<?x4xi32>
  }
  return
}

// -----

func.func @fixed_point_c2(%z: tensor<?x4xf32>, %tol: f32) {
  %cap = arith.constant -3 : index
  // expected-error @below {{expected cap to be at least 1, got -3}}
  %a, %b, %c = loop.fixed_point picard tolerance(%tol) cap(%cap) init(%y = %z : tensor<?x4xf32>) {
    loop.yield %y : tensor<?x4xf32>
  }
  return
}

// -----

func.func @fixed_point_c3_sign(%z: tensor<?x4xf32>, %tol: f32, %cap: index) {
  // expected-error @below {{expected regularization to be finite and not negative, got -1.000000e+00}}
  %a, %b, %c = loop.fixed_point anderson tolerance(%tol) cap(%cap) regularization(-1.0) init(%y = %z : tensor<?x4xf32>) {
    loop.yield %y : tensor<?x4xf32>
  }
  return
}

// -----

func.func @fixed_point_c3_beta(%z: tensor<?x4xf32>, %tol: f32, %cap: index) {
  // expected-error @below {{expected beta to be positive, got 0}}
  %a, %b, %c = loop.fixed_point picard tolerance(%tol) cap(%cap) beta(0.0) init(%y = %z : tensor<?x4xf32>) {
    loop.yield %y : tensor<?x4xf32>
  }
  return
}

// -----

func.func @fixed_point_c4(%z: tensor<?x4xf32>, %tol: f32, %cap: index) {
  // expected-error @below {{expected results 1 to be 'tensor<?xi32>', got 'tensor<?xf32>'}}
  %a, %b, %c = "loop.fixed_point"(%tol, %cap, %z) <{solver = #loop<solver picard>}> ({
  ^bb0(%y: tensor<?x4xf32>):
    loop.yield %y : tensor<?x4xf32>
  }) : (f32, index, tensor<?x4xf32>) -> (tensor<?x4xf32>, tensor<?xf32>, tensor<?xf32>)
  return
}

// -----

func.func @fixed_point_c5_argument(%z: tensor<?x4xf32>, %tol: f32, %cap: index) {
  // expected-error @below {{expected body arguments to be 1 in number, got 2}}
  %a, %b, %c = "loop.fixed_point"(%tol, %cap, %z) <{solver = #loop<solver picard>}> ({
  ^bb0(%y: tensor<?x4xf32>, %k: index):
    loop.yield %y : tensor<?x4xf32>
  }) : (f32, index, tensor<?x4xf32>) -> (tensor<?x4xf32>, tensor<?xi32>, tensor<?xf32>)
  return
}

// -----

func.func @fixed_point_c5_yield(%z: tensor<?x4xf32>, %tol: f32, %cap: index) {
  // expected-error @below {{expected yielded values 0 to be 'tensor<?x4xf32>', got 'f32'}}
  %a, %b, %c = loop.fixed_point picard tolerance(%tol) cap(%cap) init(%y = %z : tensor<?x4xf32>) {
    loop.yield %tol : f32
  }
  return
}

// -----

func.func @fixed_point_c5_score(%z: tensor<?x4xf32>, %tol: f32, %cap: index) {
  %a, %b, %c = loop.fixed_point picard tolerance(%tol) cap(%cap) init(%y = %z : tensor<?x4xf32>) {
    // expected-error @below {{expected no score in loop.fixed_point}}
    loop.yield %y score(%y : tensor<?x4xf32>) : tensor<?x4xf32>
  }
  return
}

// -----

func.func @history(%z: tensor<?x4xf32>, %tol: f32, %cap: index) {
  // expected-error @below {{attribute 'history' failed to satisfy constraint: 64-bit signless integer attribute whose minimum value is 1 whose maximum value is 16}}
  %a, %b, %c = loop.fixed_point anderson tolerance(%tol) cap(%cap) history(0) init(%y = %z : tensor<?x4xf32>) {
    loop.yield %y : tensor<?x4xf32>
  }
  return
}
