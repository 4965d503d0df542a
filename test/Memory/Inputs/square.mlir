// A temporary of N x N from an input of 0 x N: its bytes can leave 64 bits though the input has none.
#ij = affine_map<(i, j) -> (i, j)>
#j = affine_map<(i, j) -> (j)>
#one = affine_map<(i, j) -> ()>
func.func @main(%x: tensor<?x?xf32> {attnc.name = "x", attnc.dims = ["M", "N"]}) -> (tensor<f32> {attnc.name = "y"}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %n = tensor.dim %x, %c1 : tensor<?x?xf32>
  %row = tensor.empty(%n) : tensor<?xf32>
  %start = linalg.fill ins(%zero : f32) outs(%row : tensor<?xf32>) -> tensor<?xf32>
  %sums = linalg.generic {indexing_maps = [#ij, #j], iterator_types = ["reduction", "parallel"]}
      ins(%x : tensor<?x?xf32>) outs(%start : tensor<?xf32>) {
  ^bb0(%a: f32, %s: f32):
    %t = arith.addf %a, %s : f32
    linalg.yield %t : f32
  } -> tensor<?xf32>
  %square = tensor.empty(%n, %n) : tensor<?x?xf32>
  %outer = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i)>, #j, #ij], iterator_types = ["parallel", "parallel"]}
      ins(%sums, %sums : tensor<?xf32>, tensor<?xf32>) outs(%square : tensor<?x?xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %p = arith.mulf %a, %b : f32
    linalg.yield %p : f32
  } -> tensor<?x?xf32>
  %empty = tensor.empty(%n, %n) : tensor<?x?xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x?xf32>) -> tensor<?x?xf32>
  %product = linalg.matmul ins(%outer, %outer : tensor<?x?xf32>, tensor<?x?xf32>) outs(%zeros : tensor<?x?xf32>) -> tensor<?x?xf32>
  %none = tensor.empty() : tensor<f32>
  %begin = linalg.fill ins(%zero : f32) outs(%none : tensor<f32>) -> tensor<f32>
  %y = linalg.generic {indexing_maps = [#ij, #one], iterator_types = ["reduction", "reduction"]}
      ins(%product : tensor<?x?xf32>) outs(%begin : tensor<f32>) {
  ^bb0(%a: f32, %s: f32):
    %t = arith.addf %a, %s : f32
    linalg.yield %t : f32
  } -> tensor<f32>
  return %y : tensor<f32>
}
