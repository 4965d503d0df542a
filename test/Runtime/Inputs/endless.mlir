// A `while` without end, whose body computes: x' = x · W, 64 × 64, rows all running.
#x = affine_map<(t, n, k) -> (t, k)>
#w = affine_map<(t, n, k) -> (k, n)>
#y = affine_map<(t, n, k) -> (t, n)>
!x = tensor<?x64xf32>
func.func @main(%x: !x {attnc.name = "x", attnc.dims = ["T"]}, %w: tensor<64x64xf32> {attnc.name = "w"}) -> (!x {attnc.name = "y", attnc.dims = ["T"]}) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %more = arith.constant 1.0e30 : f32
  %t = tensor.dim %x, %c0 : !x
  %y = scf.while (%v = %x) : (!x) -> !x {
    %first = tensor.extract %v[%c0, %c0] : !x
    %on = arith.cmpf olt, %first, %more : f32
    scf.condition(%on) %v : !x
  } do {
  ^bb0(%v: !x):
    %e = tensor.empty(%t) : !x
    %z = linalg.fill ins(%zero : f32) outs(%e : !x) -> !x
    %p = linalg.contract indexing_maps = [#x, #w, #y] ins(%v, %w : !x, tensor<64x64xf32>) outs(%z : !x) -> !x
    scf.yield %p : !x
  }
  return %y : !x
}
