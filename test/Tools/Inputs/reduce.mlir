func.func @fine(%x: tensor<4xf32> {attnc.name = "x"}) -> (tensor<4xf32> {attnc.name = "y"}) {
  %e = tensor.empty() : tensor<4xf32>
  %y = linalg.exp ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

func.func @of_data(%n: tensor<1xindex> {attnc.name = "n"}, %x: tensor<4xf32> {attnc.name = "x"}) -> (tensor<4xf32> {attnc.name = "y"}, tensor<4xf32> {attnc.name = "z"}) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %size = tensor.extract %n[%c0] : tensor<1xindex>
  %init = arith.constant dense<0.0> : tensor<4xf32>
  %e = tensor.empty(%size) : tensor<?xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?xf32>) -> tensor<?xf32>
  %g = linalg.exp ins(%f : tensor<?xf32>) outs(%e : tensor<?xf32>) -> tensor<?xf32>
  %v = tensor.extract %g[%c0] : tensor<?xf32>
  %y = tensor.insert %v into %init[%c0] : tensor<4xf32>
  %d = tensor.empty() : tensor<4xf32>
  %a = linalg.exp ins(%x : tensor<4xf32>) outs(%d : tensor<4xf32>) -> tensor<4xf32>
  %z = linalg.log ins(%a : tensor<4xf32>) outs(%d : tensor<4xf32>) -> tensor<4xf32>
  return %y, %z : tensor<4xf32>, tensor<4xf32>
}
