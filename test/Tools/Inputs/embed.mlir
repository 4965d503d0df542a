// Rows of a table by token, RMS-normalised, added to a state.
ml_program.global private @"w"(#ml_program.extern : tensor<16x8xf32>) : tensor<16x8xf32>
func.func @main(%tokens: tensor<?xi32> {attnc.name = "tokens", attnc.dims = ["T"]}, %sum: tensor<8xf32> {attnc.state = "sum"})
    -> (tensor<?x8xf32> {attnc.name = "y", attnc.dims = ["T"]}, tensor<8xf32> {attnc.state = "sum"}) {
  %w = ml_program.global_load_const @"w" : tensor<16x8xf32>
  %x = attn.gather_rows %w[%tokens] : tensor<16x8xf32>, tensor<?xi32> -> tensor<?x8xf32>
  %y = attn.rms_norm %x eps(1.0e-6) : tensor<?x8xf32>
  %s = linalg.generic {indexing_maps = [affine_map<(t, c) -> (t, c)>, affine_map<(t, c) -> (c)>], iterator_types = ["reduction", "parallel"]}
      ins(%x : tensor<?x8xf32>) outs(%sum : tensor<8xf32>) {
  ^bb0(%a: f32, %b: f32):
    %c = arith.addf %a, %b : f32
    linalg.yield %c : f32
  } -> tensor<8xf32>
  return %y, %s : tensor<?x8xf32>, tensor<8xf32>
}
