// RUN: attnc-opt %s --attnc-schedule-phase --attnc-plan-phase --split-input-file --verify-diagnostics

func.func @data_dependent(%n: tensor<1xindex> {attnc.name = "n"}) -> (tensor<4xf32> {attnc.name = "y"}) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %size = tensor.extract %n[%c0] : tensor<1xindex>
  %init = arith.constant dense<0.0> : tensor<4xf32>
  // expected-error@below {{the size of this tensor depends on data: every size must follow from the named sizes of the entry}}
  %e = tensor.empty(%size) : tensor<?xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?xf32>) -> tensor<?xf32>
  %g = linalg.exp ins(%f : tensor<?xf32>) outs(%e : tensor<?xf32>) -> tensor<?xf32>
  %v = tensor.extract %g[%c0] : tensor<?xf32>
  %y = tensor.insert %v into %init[%c0] : tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

// expected-error@below {{size 'K' depends on data: expected sizes of outputs to follow from the named sizes of inputs and states}}
func.func @output_depends_on_data(%x: tensor<?xf32> {attnc.name = "x", attnc.dims = ["N"]}, %k: index {attnc.name = "k"})
    -> (tensor<?xf32> {attnc.name = "y", attnc.dims = ["K"]}) {
  %y = tensor.extract_slice %x[0] [%k] [1] : tensor<?xf32> to tensor<?xf32>
  return %y : tensor<?xf32>
}
