// A tensor whose size is a value of the input: attnc has no arena for it.
func.func @main(%n: tensor<1xindex> {attnc.name = "n"}) -> (tensor<4xf32> {attnc.name = "y"}) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %size = tensor.extract %n[%c0] : tensor<1xindex>
  %init = arith.constant dense<0.0> : tensor<4xf32>
  %e = tensor.empty(%size) : tensor<?xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?xf32>) -> tensor<?xf32>
  %g = linalg.exp ins(%f : tensor<?xf32>) outs(%e : tensor<?xf32>) -> tensor<?xf32>
  %v = tensor.extract %g[%c0] : tensor<?xf32>
  %y = tensor.insert %v into %init[%c0] : tensor<4xf32>
  return %y : tensor<4xf32>
}
