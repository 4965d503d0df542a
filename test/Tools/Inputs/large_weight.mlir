ml_program.global private @"w"(#ml_program.extern : tensor<8192x4096xf32>) : tensor<8192x4096xf32>
func.func @main(%x: tensor<?x4096xf32> {attnc.name = "x", attnc.dims = ["T"]}) -> (tensor<?x8192xf32> {attnc.name = "y", attnc.dims = ["T"]}) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %t = tensor.dim %x, %c0 : tensor<?x4096xf32>
  %w = ml_program.global_load_const @"w" : tensor<8192x4096xf32>
  %e = tensor.empty(%t) : tensor<?x8192xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x8192xf32>) -> tensor<?x8192xf32>
  %y = linalg.contract indexing_maps = [affine_map<(t, n, k) -> (t, k)>, affine_map<(t, n, k) -> (n, k)>, affine_map<(t, n, k) -> (t, n)>]
      ins(%x, %w : tensor<?x4096xf32>, tensor<8192x4096xf32>) outs(%f : tensor<?x8192xf32>) -> tensor<?x8192xf32>
  return %y : tensor<?x8192xf32>
}
