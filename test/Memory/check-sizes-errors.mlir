// RUN: attnc-opt %s --attnc-import-phase --attnc-schedule-phase --attnc-plan-phase --split-input-file --verify-diagnostics

func.func @declared(%x: tensor<?xf32> {attnc.name = "x", attnc.dims = ["T"]}) -> (tensor<?xf32> {attnc.name = "y", attnc.dims = ["T"]}) {
  %y = tensor.concat dim(0) %x, %x : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  // expected-error@below {{expected the size that the result declares (T in dimension 0), found T * 2}}
  return %y : tensor<?xf32>
}

// -----

// Sizes of two names may differ.
func.func @other(%x: tensor<?x?xf32> {attnc.name = "x", attnc.dims = ["B", "T"]}) -> (tensor<?x?xf32> {attnc.name = "y", attnc.dims = ["T", "B"]}) {
  %y = math.exp %x : tensor<?x?xf32>
  // expected-error@below {{expected the size that the result declares (T in dimension 0), found B}}
  return %y : tensor<?x?xf32>
}

// -----

func.func @grows(%x: tensor<?xf32> {attnc.name = "x", attnc.dims = ["T"]}, %n: index {attnc.name = "n"}) -> (tensor<?xf32> {attnc.name = "y", attnc.dims = ["M"]}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %one = arith.constant dense<1.0> : tensor<1xf32>
  %y = scf.for %i = %c0 to %n step %c1 iter_args(%a = %x) -> tensor<?xf32> {
    %b = tensor.concat dim(0) %a, %one : (tensor<?xf32>, tensor<1xf32>) -> tensor<?xf32>
    // expected-error@below {{expected a loop to keep the size of what it carries (T in dimension 0), found T + 1}}
    scf.yield %b : tensor<?xf32>
  }
  return %y : tensor<?xf32>
}
