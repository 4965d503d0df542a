// RUN: attnc-opt %s --attnc-form-kernels --split-input-file --verify-diagnostics

func.func @gather(%x: tensor<?xf32>, %i: tensor<?x1xindex>) -> tensor<?xf32> {
  // expected-error@below {{'tensor.gather' op has no shape that the schedule could reify for its destination}}
  %y = tensor.gather %x[%i] gather_dims([0]) : (tensor<?xf32>, tensor<?x1xindex>) -> tensor<?xf32>
  return %y : tensor<?xf32>
}
