// What the passes of the phase rely on, broken by hand.
// RUN: attnc-opt %s --attnc-bufferize-entries --split-input-file --verify-diagnostics

func.func @no_destination(%x: tensor<4xf32>) -> tensor<4xf32> {
  %e = tensor.empty() : tensor<4xf32>
  %y = linalg.exp ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  // expected-error@below {{internal: a result was not computed into its argument}}
  return %y : tensor<4xf32>
}
