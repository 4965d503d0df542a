// A layer of a Universal Transformer wide enough to be bound by its products: D 512, 8 heads, FFN 2048, with P^t. How long each token runs is an input: its halting
// score, the same at every step (1/n: n steps). wide_ut.py makes weights and inputs, and times it.
#x = affine_map<(b, t, n, k) -> (b, t, k)>
#w = affine_map<(b, t, n, k) -> (n, k)>
#y = affine_map<(b, t, n, k) -> (b, t, n)>
#all = affine_map<(b, t, c) -> (b, t, c)>
!state = tensor<?x?x512xf32>

ml_program.global private @"attention.qkv.weight"(#ml_program.extern : tensor<1536x512xf32>) : tensor<1536x512xf32>
ml_program.global private @"attention.qkv.bias"(#ml_program.extern : tensor<1536xf32>) : tensor<1536xf32>
ml_program.global private @"attention.out.weight"(#ml_program.extern : tensor<512x512xf32>) : tensor<512x512xf32>
ml_program.global private @"attention.out.bias"(#ml_program.extern : tensor<512xf32>) : tensor<512xf32>
ml_program.global private @"norm1.weight"(#ml_program.extern : tensor<512xf32>) : tensor<512xf32>
ml_program.global private @"norm1.bias"(#ml_program.extern : tensor<512xf32>) : tensor<512xf32>
ml_program.global private @"norm2.weight"(#ml_program.extern : tensor<512xf32>) : tensor<512xf32>
ml_program.global private @"norm2.bias"(#ml_program.extern : tensor<512xf32>) : tensor<512xf32>
ml_program.global private @"ffn.up.weight"(#ml_program.extern : tensor<2048x512xf32>) : tensor<2048x512xf32>
ml_program.global private @"ffn.up.bias"(#ml_program.extern : tensor<2048xf32>) : tensor<2048xf32>
ml_program.global private @"ffn.down.weight"(#ml_program.extern : tensor<512x2048xf32>) : tensor<512x2048xf32>
ml_program.global private @"ffn.down.bias"(#ml_program.extern : tensor<512xf32>) : tensor<512xf32>

// P^t[i, 2c] = sin(i f_c) + sin(t f_c), cosines at 2c + 1; f_c = 10000^(-2c/d), i and t from 1.
func.func private @signal(%step: index, %length: index) -> tensor<?x512xf32> {
  %zero = arith.constant 0.0 : f64
  %one = arith.constant 1 : index
  %two = arith.constant 2 : index
  %rate = arith.constant -0.03597789207803197 : f64  // -2 ln(10000) / d
  %half_pi = arith.constant 1.5707963267948966 : f64
  %empty = tensor.empty(%length) : tensor<?x512xf32>
  %p = linalg.generic {indexing_maps = [affine_map<(t, c) -> (t, c)>], iterator_types = ["parallel", "parallel"]} outs(%empty : tensor<?x512xf32>) {
  ^bb0(%out: f32):
    %t = linalg.index 0 : index
    %c = linalg.index 1 : index
    %pair = arith.divui %c, %two : index
    %odd = arith.remui %c, %two : index
    %pair_i = arith.index_cast %pair : index to i64
    %pair_f = arith.sitofp %pair_i : i64 to f64
    %exponent = arith.mulf %pair_f, %rate : f64
    %f = math.exp %exponent : f64
    %i = arith.addi %t, %one : index
    %i_i = arith.index_cast %i : index to i64
    %i_f = arith.sitofp %i_i : i64 to f64
    %s_i = arith.index_cast %step : index to i64
    %s_f = arith.sitofp %s_i : i64 to f64
    %a = arith.mulf %i_f, %f : f64
    %b = arith.mulf %s_f, %f : f64
    %sin_a = math.sin %a : f64
    %sin_b = math.sin %b : f64
    %cos_a = math.cos %a : f64
    %cos_b = math.cos %b : f64
    %sines = arith.addf %sin_a, %sin_b : f64
    %cosines = arith.addf %cos_a, %cos_b : f64
    %is_odd = arith.cmpi eq, %odd, %one : index
    %value = arith.select %is_odd, %cosines, %sines : f64
    %narrow = arith.truncf %value : f64 to f32
    linalg.yield %narrow : f32
  } -> tensor<?x512xf32>
  return %p : tensor<?x512xf32>
}

// One step: X = H + P^t, A = LN(X + MHSA(X)), LN(A + FFN(A)).
func.func private @transition(%h: !state, %step: index) -> !state {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %b = tensor.dim %h, %c0 : !state
  %t = tensor.dim %h, %c1 : !state
  %e = tensor.empty(%b, %t) : !state
  %p = func.call @signal(%step, %t) : (index, index) -> tensor<?x512xf32>
  %x = linalg.generic {indexing_maps = [#all, affine_map<(b, t, c) -> (t, c)>, #all], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%h, %p : !state, tensor<?x512xf32>) outs(%e : !state) {
  ^bb0(%u: f32, %v: f32, %out: f32):
    %s = arith.addf %u, %v : f32
    linalg.yield %s : f32
  } -> !state

  %wq = ml_program.global_load_const @"attention.qkv.weight" : tensor<1536x512xf32>
  %bq = ml_program.global_load_const @"attention.qkv.bias" : tensor<1536xf32>
  %eq = tensor.empty(%b, %t) : tensor<?x?x1536xf32>
  %sq = linalg.broadcast ins(%bq : tensor<1536xf32>) outs(%eq : tensor<?x?x1536xf32>) dimensions = [0, 1]
  %q1 = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %wq : !state, tensor<1536x512xf32>) outs(%sq : tensor<?x?x1536xf32>) -> tensor<?x?x1536xf32>
  %qkv = tensor.expand_shape %q1 [[0], [1], [2, 3, 4]] output_shape [%b, %t, 3, 8, 64] : tensor<?x?x1536xf32> into tensor<?x?x3x8x64xf32>
  %ea = tensor.empty(%b, %t) : tensor<?x?x8x64xf32>
  %heads = attn.attention softmax scale(0.125)
      query %qkv[b, i, 0, g, d] : tensor<?x?x3x8x64xf32>
      source %qkv[b, j, 1, g, d], %qkv[b, j, 2, g, v] : tensor<?x?x3x8x64xf32>, tensor<?x?x3x8x64xf32>
      into %ea[b, i, g, v] : tensor<?x?x8x64xf32>
  %a0 = tensor.collapse_shape %heads [[0], [1], [2, 3]] : tensor<?x?x8x64xf32> into !state
  %wo = ml_program.global_load_const @"attention.out.weight" : tensor<512x512xf32>
  %bo = ml_program.global_load_const @"attention.out.bias" : tensor<512xf32>
  %so = linalg.broadcast ins(%bo : tensor<512xf32>) outs(%e : !state) dimensions = [0, 1]
  %a1 = linalg.contract indexing_maps = [#x, #w, #y] ins(%a0, %wo : !state, tensor<512x512xf32>) outs(%so : !state) -> !state
  %a2 = linalg.add ins(%x, %a1 : !state, !state) outs(%e : !state) -> !state
  %g1 = ml_program.global_load_const @"norm1.weight" : tensor<512xf32>
  %b1 = ml_program.global_load_const @"norm1.bias" : tensor<512xf32>
  %a = attn.layer_norm %a2 weight(%g1 : tensor<512xf32>) bias(%b1 : tensor<512xf32>) eps(1.0e-5) : !state

  %wu = ml_program.global_load_const @"ffn.up.weight" : tensor<2048x512xf32>
  %bu = ml_program.global_load_const @"ffn.up.bias" : tensor<2048xf32>
  %eu = tensor.empty(%b, %t) : tensor<?x?x2048xf32>
  %su = linalg.broadcast ins(%bu : tensor<2048xf32>) outs(%eu : tensor<?x?x2048xf32>) dimensions = [0, 1]
  %u1 = linalg.contract indexing_maps = [#x, #w, #y] ins(%a, %wu : !state, tensor<2048x512xf32>) outs(%su : tensor<?x?x2048xf32>) -> tensor<?x?x2048xf32>
  %relu = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%u1 : tensor<?x?x2048xf32>) outs(%eu : tensor<?x?x2048xf32>) {
  ^bb0(%u: f32, %out: f32):
    %m = arith.maximumf %u, %zero : f32
    linalg.yield %m : f32
  } -> tensor<?x?x2048xf32>
  %wd = ml_program.global_load_const @"ffn.down.weight" : tensor<512x2048xf32>
  %bd = ml_program.global_load_const @"ffn.down.bias" : tensor<512xf32>
  %sd = linalg.broadcast ins(%bd : tensor<512xf32>) outs(%e : !state) dimensions = [0, 1]
  %d1 = linalg.contract indexing_maps = [#x, #w, #y] ins(%relu, %wd : tensor<?x?x2048xf32>, tensor<512x2048xf32>) outs(%sd : !state) -> !state
  %d2 = linalg.add ins(%a, %d1 : !state, !state) outs(%e : !state) -> !state
  %g2 = ml_program.global_load_const @"norm2.weight" : tensor<512xf32>
  %b2 = ml_program.global_load_const @"norm2.bias" : tensor<512xf32>
  %r = attn.layer_norm %d2 weight(%g2 : tensor<512xf32>) bias(%b2 : tensor<512xf32>) eps(1.0e-5) : !state
  return %r : !state
}

func.func @main(%h0: !state {attnc.name = "state", attnc.dims = ["B", "T"]}, %score: tensor<?x?xf32> {attnc.name = "score", attnc.dims = ["B", "T"]})
    -> (!state {attnc.name = "output", attnc.dims = ["B", "T"]}, tensor<?x?xi32> {attnc.name = "steps", attnc.dims = ["B", "T"]}) {
  %cap = arith.constant 12 : index
  %limit = arith.constant 0.99 : f32
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %true = arith.constant true
  %b = tensor.dim %h0, %c0 : !state
  %t = tensor.dim %h0, %c1 : !state
  %e = tensor.empty(%b, %t) : !state
  %none = linalg.fill ins(%zero : f32) outs(%e : !state) -> !state
  %er = tensor.empty(%b, %t) : tensor<?x?xi1>
  %everyone = linalg.fill ins(%true : i1) outs(%er : tensor<?x?xi1>) -> tensor<?x?xi1>
  %state, %out, %steps = loop.adaptive act threshold(%limit) compare(gt) active(%running = %everyone : tensor<?x?xi1>) cap(%cap) step(%n)
      carry(frozen %h = %h0 : !state, mean %sum = %none : !state) {
    %y = func.call @transition(%h, %n) : (!state, index) -> !state
    loop.yield %y, %y score(%score : tensor<?x?xf32>) : !state, !state
  }
  return %out, %steps : !state, tensor<?x?xi32>
}
