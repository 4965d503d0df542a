func.func @exp(%x: tensor<?xf32> {attnc.name = "x", attnc.dims = ["N"]}) -> (tensor<?xf32> {attnc.name = "y", attnc.dims = ["N"]}) {
  %y = math.exp %x : tensor<?xf32>
  return %y : tensor<?xf32>
}
func.func @erf(%x: tensor<?xf32> {attnc.name = "x", attnc.dims = ["N"]}) -> (tensor<?xf32> {attnc.name = "y", attnc.dims = ["N"]}) {
  %y = math.erf %x : tensor<?xf32>
  return %y : tensor<?xf32>
}
func.func @sin(%x: tensor<?xf32> {attnc.name = "x", attnc.dims = ["N"]}) -> (tensor<?xf32> {attnc.name = "y", attnc.dims = ["N"]}) {
  %y = math.sin %x : tensor<?xf32>
  return %y : tensor<?xf32>
}
func.func @log(%x: tensor<?xf64> {attnc.name = "x", attnc.dims = ["N"]}) -> (tensor<?xf64> {attnc.name = "y", attnc.dims = ["N"]}) {
  %y = math.log %x : tensor<?xf64>
  return %y : tensor<?xf64>
}
