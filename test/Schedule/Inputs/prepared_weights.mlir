// y = x · (w ∘ g)ᵀ + b: the matrix is scaled, turned and packed, which is the same in every call.
ml_program.global private @w(#ml_program.extern : tensor<24x17xf32>) : tensor<24x17xf32>
ml_program.global private @g(#ml_program.extern : tensor<17xf32>) : tensor<17xf32>
ml_program.global private @b(#ml_program.extern : tensor<24xf32>) : tensor<24xf32>
#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
#column = affine_map<(i, j) -> (j)>
#turned = affine_map<(i, j) -> (j, i)>
func.func @main(%x: tensor<?x17xf32> {attnc.name = "x", attnc.dims = ["N"]}) -> (tensor<?x24xf32> {attnc.name = "y", attnc.dims = ["N"]}) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %w = ml_program.global_load_const @w : tensor<24x17xf32>
  %g = ml_program.global_load_const @g : tensor<17xf32>
  %b = ml_program.global_load_const @b : tensor<24xf32>
  %e = tensor.empty() : tensor<17x24xf32>
  %s = linalg.generic {indexing_maps = [#turned, #row, #id], iterator_types = ["parallel", "parallel"]} ins(%w, %g : tensor<24x17xf32>, tensor<17xf32>) outs(%e : tensor<17x24xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %m = arith.mulf %a, %c : f32
    linalg.yield %m : f32
  } -> tensor<17x24xf32>
  %pe = tensor.empty() : tensor<2x17x16xf32>
  %p = linalg.pack %s padding_value(%zero : f32) outer_dims_perm = [1, 0] inner_dims_pos = [1] inner_tiles = [16] into %pe : tensor<17x24xf32> -> tensor<2x17x16xf32>
  %n = tensor.dim %x, %c0 : tensor<?x17xf32>
  %ze = tensor.empty(%n) : tensor<?x2x16xf32>
  %zf = linalg.fill ins(%zero : f32) outs(%ze : tensor<?x2x16xf32>) -> tensor<?x2x16xf32>
  %z = linalg.contract indexing_maps = [affine_map<(n, o, i, k) -> (n, k)>, affine_map<(n, o, i, k) -> (o, k, i)>, affine_map<(n, o, i, k) -> (n, o, i)>]
      ins(%x, %p : tensor<?x17xf32>, tensor<2x17x16xf32>) outs(%zf : tensor<?x2x16xf32>) -> tensor<?x2x16xf32>
  %columns = tensor.collapse_shape %z [[0], [1, 2]] : tensor<?x2x16xf32> into tensor<?x32xf32>
  %inner = tensor.extract_slice %columns[0, 0] [%n, 24] [1, 1] : tensor<?x32xf32> to tensor<?x24xf32>
  %ye = tensor.empty(%n) : tensor<?x24xf32>
  %y = linalg.generic {indexing_maps = [#id, #column, #id], iterator_types = ["parallel", "parallel"]} ins(%inner, %b : tensor<?x24xf32>, tensor<24xf32>) outs(%ye : tensor<?x24xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %m = arith.addf %a, %c : f32
    linalg.yield %m : f32
  } -> tensor<?x24xf32>
  return %y : tensor<?x24xf32>
}
