// RUN: attnc-opt %s --attnc-form-kernels --split-input-file --verify-diagnostics

func.func @gather(%x: tensor<?xf32>, %i: tensor<?x1xindex>) -> tensor<?xf32> {
  // expected-error@below {{'tensor.gather' op has no kernel; write it with linalg.generic, with tensor.extract in its body where an index is data, or with attn.gather_rows}}
  %y = tensor.gather %x[%i] gather_dims([0]) : (tensor<?xf32>, tensor<?x1xindex>) -> tensor<?xf32>
  return %y : tensor<?xf32>
}
