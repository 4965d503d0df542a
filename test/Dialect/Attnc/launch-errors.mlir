// One test a constraint, named after it (dialects/attnc/README.md).
// RUN: attnc-opt %s --split-input-file --verify-diagnostics

func.func private @k(%x: tensor<?xf32>, %y: tensor<?xf32>) -> tensor<?xf32> attributes {attnc.kernel} {
  return %y : tensor<?xf32>
}
func.func @launch_c1(%x: memref<?xf32>, %y: tensor<?xf32>) -> tensor<?xf32> {
  // expected-error @below {{expected tensors only where results are given, got 'memref<?xf32>'}}
  %0 = attnc.launch @k(%x : memref<?xf32>) into(%y : tensor<?xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

func.func @launch_c2_exists(%y: tensor<?xf32>) -> tensor<?xf32> {
  // expected-error @below {{expected a function of the name @k, found none}}
  %0 = attnc.launch @k() into(%y : tensor<?xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

func.func private @k(%y: tensor<?xf32>) -> tensor<?xf32>
func.func @launch_c2_kernel(%y: tensor<?xf32>) -> tensor<?xf32> {
  // expected-error @below {{expected @k to be marked attnc.kernel}}
  %0 = attnc.launch @k() into(%y : tensor<?xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

func.func private @k(%x: tensor<?xf32>, %y: tensor<?xf32>) -> tensor<?xf32> attributes {attnc.kernel} {
  return %y : tensor<?xf32>
}
func.func @launch_c3_count(%y: tensor<?xf32>) -> tensor<?xf32> {
  // expected-error @below {{expected 2 operands as @k has arguments, got 1}}
  %0 = attnc.launch @k() into(%y : tensor<?xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

func.func private @k(%x: tensor<?x4xf32>, %y: tensor<?xf32>) -> tensor<?xf32> attributes {attnc.kernel} {
  return %y : tensor<?xf32>
}
func.func @launch_c3_type(%x: tensor<?x5xf32>, %y: tensor<?xf32>) -> tensor<?xf32> {
  // expected-error @below {{expected operand 0 to fit 'tensor<?x4xf32>' of @k, got 'tensor<?x5xf32>'}}
  %0 = attnc.launch @k(%x : tensor<?x5xf32>) into(%y : tensor<?xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

func.func private @k(%y: memref<?xf32>) attributes {attnc.kernel} {
  return
}
func.func @launch_c3_tensor(%y: tensor<?xf32>) -> tensor<?xf32> {
  // expected-error @below {{expected operand 0 to fit 'memref<?xf32>' of @k, got 'tensor<?xf32>'}}
  %0 = attnc.launch @k() into(%y : tensor<?xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

func.func private @k(%y: tensor<?xf32>) attributes {attnc.kernel} {
  return
}
func.func @launch_c4(%y: tensor<?xf32>) -> tensor<?xf32> {
  // expected-error @below {{expected @k to return 1 tensors, it returns 0}}
  %0 = attnc.launch @k() into(%y : tensor<?xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}
