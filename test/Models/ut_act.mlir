// ut_act: a Universal Transformer encoder with halting per token (models.md A2). A step is
// A = LN(X + MHSA(X)), LN(A + FFN(A)) with X = H + P^t; the halting score is read from H before the step.
#x = affine_map<(b, t, n, k) -> (b, t, k)>
#w = affine_map<(b, t, n, k) -> (n, k)>
#y = affine_map<(b, t, n, k) -> (b, t, n)>
#row = affine_map<(b, t, c) -> (b, t)>
#all = affine_map<(b, t, c) -> (b, t, c)>
!state = tensor<?x?x256xf32>

ml_program.global private @"embed.weight"(#ml_program.extern : tensor<42x256xf32>) : tensor<42x256xf32>
ml_program.global private @"attention.qkv.weight"(#ml_program.extern : tensor<768x256xf32>) : tensor<768x256xf32>
ml_program.global private @"attention.qkv.bias"(#ml_program.extern : tensor<768xf32>) : tensor<768xf32>
ml_program.global private @"attention.out.weight"(#ml_program.extern : tensor<256x256xf32>) : tensor<256x256xf32>
ml_program.global private @"attention.out.bias"(#ml_program.extern : tensor<256xf32>) : tensor<256xf32>
ml_program.global private @"norm1.weight"(#ml_program.extern : tensor<256xf32>) : tensor<256xf32>
ml_program.global private @"norm1.bias"(#ml_program.extern : tensor<256xf32>) : tensor<256xf32>
ml_program.global private @"norm2.weight"(#ml_program.extern : tensor<256xf32>) : tensor<256xf32>
ml_program.global private @"norm2.bias"(#ml_program.extern : tensor<256xf32>) : tensor<256xf32>
ml_program.global private @"ffn.up.weight"(#ml_program.extern : tensor<1024x256xf32>) : tensor<1024x256xf32>
ml_program.global private @"ffn.up.bias"(#ml_program.extern : tensor<1024xf32>) : tensor<1024xf32>
ml_program.global private @"ffn.down.weight"(#ml_program.extern : tensor<256x1024xf32>) : tensor<256x1024xf32>
ml_program.global private @"ffn.down.bias"(#ml_program.extern : tensor<256xf32>) : tensor<256xf32>
ml_program.global private @"halt.weight"(#ml_program.extern : tensor<1x256xf32>) : tensor<1x256xf32>
ml_program.global private @"halt.bias"(#ml_program.extern : tensor<1xf32>) : tensor<1xf32>
ml_program.global private @"head.weight"(#ml_program.extern : tensor<8x256xf32>) : tensor<8x256xf32>
ml_program.global private @"head.bias"(#ml_program.extern : tensor<8xf32>) : tensor<8xf32>

// P^t[i, 2c] = sin(i f_c) + sin(t f_c), cosines at 2c + 1; f_c = 10000^(-2c/d), i and t from 1.
func.func private @signal(%step: index, %length: index) -> tensor<?x256xf32> {
  %zero = arith.constant 0.0 : f64
  %one = arith.constant 1 : index
  %two = arith.constant 2 : index
  %rate = arith.constant -0.07195578415606394 : f64  // -2 ln(10000) / d
  %half_pi = arith.constant 1.5707963267948966 : f64
  %empty = tensor.empty(%length) : tensor<?x256xf32>
  %p = linalg.generic {indexing_maps = [affine_map<(t, c) -> (t, c)>], iterator_types = ["parallel", "parallel"]} outs(%empty : tensor<?x256xf32>) {
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
  } -> tensor<?x256xf32>
  return %p : tensor<?x256xf32>
}

// The halting score: sigmoid(H w + b), per row.
func.func private @score(%h: !state) -> tensor<?x?xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %one = arith.constant 1.0 : f32
  %zero = arith.constant 0.0 : f32
  %w1 = ml_program.global_load_const @"halt.weight" : tensor<1x256xf32>
  %w = tensor.collapse_shape %w1 [[0, 1]] : tensor<1x256xf32> into tensor<256xf32>
  %bias = ml_program.global_load_const @"halt.bias" : tensor<1xf32>
  %b = tensor.dim %h, %c0 : !state
  %t = tensor.dim %h, %c1 : !state
  %empty = tensor.empty(%b, %t) : tensor<?x?xf32>
  %start = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x?xf32>) -> tensor<?x?xf32>
  %dot = linalg.contract indexing_maps = [affine_map<(b, t, k) -> (b, t, k)>, affine_map<(b, t, k) -> (k)>, affine_map<(b, t, k) -> (b, t)>]
      ins(%h, %w : !state, tensor<256xf32>) outs(%start : tensor<?x?xf32>) -> tensor<?x?xf32>
  %p = linalg.generic {indexing_maps = [affine_map<(b, t) -> (b, t)>, affine_map<(b, t) -> (0)>, affine_map<(b, t) -> (b, t)>], iterator_types = ["parallel", "parallel"]}
      ins(%dot, %bias : tensor<?x?xf32>, tensor<1xf32>) outs(%empty : tensor<?x?xf32>) {
  ^bb0(%s: f32, %c: f32, %out: f32):
    %z = arith.addf %s, %c : f32
    %n = arith.negf %z : f32
    %e = math.exp %n : f32
    %d = arith.addf %e, %one : f32
    %r = arith.divf %one, %d : f32
    linalg.yield %r : f32
  } -> tensor<?x?xf32>
  return %p : tensor<?x?xf32>
}

// One step: X = H + P^t, A = LN(X + MHSA(X)), LN(A + FFN(A)). Keys that are padding are invisible.
func.func private @transition(%h: !state, %step: index, %lengths: tensor<?xi32>) -> !state {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %b = tensor.dim %h, %c0 : !state
  %t = tensor.dim %h, %c1 : !state
  %e = tensor.empty(%b, %t) : !state
  %p = func.call @signal(%step, %t) : (index, index) -> tensor<?x256xf32>
  %x = linalg.generic {indexing_maps = [#all, affine_map<(b, t, c) -> (t, c)>, #all], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%h, %p : !state, tensor<?x256xf32>) outs(%e : !state) {
  ^bb0(%u: f32, %v: f32, %out: f32):
    %s = arith.addf %u, %v : f32
    linalg.yield %s : f32
  } -> !state

  %wq = ml_program.global_load_const @"attention.qkv.weight" : tensor<768x256xf32>
  %bq = ml_program.global_load_const @"attention.qkv.bias" : tensor<768xf32>
  %eq = tensor.empty(%b, %t) : tensor<?x?x768xf32>
  %sq = linalg.broadcast ins(%bq : tensor<768xf32>) outs(%eq : tensor<?x?x768xf32>) dimensions = [0, 1]
  %q1 = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %wq : !state, tensor<768x256xf32>) outs(%sq : tensor<?x?x768xf32>) -> tensor<?x?x768xf32>
  %qkv = tensor.expand_shape %q1 [[0], [1], [2, 3, 4]] output_shape [%b, %t, 3, 8, 32] : tensor<?x?x768xf32> into tensor<?x?x3x8x32xf32>
  %ea = tensor.empty(%b, %t) : tensor<?x?x8x32xf32>
  %heads = attn.attention softmax scale(0.17677669529663687)
      query %qkv[b, i, 0, g, d] : tensor<?x?x3x8x32xf32>
      source %qkv[b, j, 1, g, d], %qkv[b, j, 2, g, v] : tensor<?x?x3x8x32xf32>, tensor<?x?x3x8x32xf32> valid %lengths[b] : tensor<?xi32>
      into %ea[b, i, g, v] : tensor<?x?x8x32xf32>
  %a0 = tensor.collapse_shape %heads [[0], [1], [2, 3]] : tensor<?x?x8x32xf32> into !state
  %wo = ml_program.global_load_const @"attention.out.weight" : tensor<256x256xf32>
  %bo = ml_program.global_load_const @"attention.out.bias" : tensor<256xf32>
  %so = linalg.broadcast ins(%bo : tensor<256xf32>) outs(%e : !state) dimensions = [0, 1]
  %a1 = linalg.contract indexing_maps = [#x, #w, #y] ins(%a0, %wo : !state, tensor<256x256xf32>) outs(%so : !state) -> !state
  %a2 = linalg.add ins(%x, %a1 : !state, !state) outs(%e : !state) -> !state
  %g1 = ml_program.global_load_const @"norm1.weight" : tensor<256xf32>
  %b1 = ml_program.global_load_const @"norm1.bias" : tensor<256xf32>
  %a = attn.layer_norm %a2 weight(%g1 : tensor<256xf32>) bias(%b1 : tensor<256xf32>) eps(1.0e-5) : !state

  %wu = ml_program.global_load_const @"ffn.up.weight" : tensor<1024x256xf32>
  %bu = ml_program.global_load_const @"ffn.up.bias" : tensor<1024xf32>
  %eu = tensor.empty(%b, %t) : tensor<?x?x1024xf32>
  %su = linalg.broadcast ins(%bu : tensor<1024xf32>) outs(%eu : tensor<?x?x1024xf32>) dimensions = [0, 1]
  %u1 = linalg.contract indexing_maps = [#x, #w, #y] ins(%a, %wu : !state, tensor<1024x256xf32>) outs(%su : tensor<?x?x1024xf32>) -> tensor<?x?x1024xf32>
  %relu = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%u1 : tensor<?x?x1024xf32>) outs(%eu : tensor<?x?x1024xf32>) {
  ^bb0(%u: f32, %out: f32):
    %m = arith.maximumf %u, %zero : f32
    linalg.yield %m : f32
  } -> tensor<?x?x1024xf32>
  %wd = ml_program.global_load_const @"ffn.down.weight" : tensor<256x1024xf32>
  %bd = ml_program.global_load_const @"ffn.down.bias" : tensor<256xf32>
  %sd = linalg.broadcast ins(%bd : tensor<256xf32>) outs(%e : !state) dimensions = [0, 1]
  %d1 = linalg.contract indexing_maps = [#x, #w, #y] ins(%relu, %wd : tensor<?x?x1024xf32>, tensor<256x1024xf32>) outs(%sd : !state) -> !state
  %d2 = linalg.add ins(%a, %d1 : !state, !state) outs(%e : !state) -> !state
  %g2 = ml_program.global_load_const @"norm2.weight" : tensor<256xf32>
  %b2 = ml_program.global_load_const @"norm2.bias" : tensor<256xf32>
  %r = attn.layer_norm %d2 weight(%g2 : tensor<256xf32>) bias(%b2 : tensor<256xf32>) eps(1.0e-5) : !state
  return %r : !state
}

// Embedding, the rows that run at all, and the classifier.
func.func private @embed(%tokens: tensor<?x?xi32>) -> !state {
  %table = ml_program.global_load_const @"embed.weight" : tensor<42x256xf32>
  %h = attn.gather_rows %table[%tokens] : tensor<42x256xf32>, tensor<?x?xi32> -> !state
  return %h : !state
}

func.func private @valid(%tokens: tensor<?x?xi32>, %lengths: tensor<?xi32>) -> tensor<?x?xi1> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %tokens, %c0 : tensor<?x?xi32>
  %t = tensor.dim %tokens, %c1 : tensor<?x?xi32>
  %e = tensor.empty(%b, %t) : tensor<?x?xi1>
  %v = linalg.generic {indexing_maps = [affine_map<(b, t) -> (b)>, affine_map<(b, t) -> (b, t)>], iterator_types = ["parallel", "parallel"]}
      ins(%lengths : tensor<?xi32>) outs(%e : tensor<?x?xi1>) {
  ^bb0(%n: i32, %out: i1):
    %j = linalg.index 1 : index
    %i = arith.index_cast %j : index to i32
    %in = arith.cmpi slt, %i, %n : i32
    linalg.yield %in : i1
  } -> tensor<?x?xi1>
  return %v : tensor<?x?xi1>
}

func.func private @classify(%out: !state) -> tensor<?x?x8xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %out, %c0 : !state
  %t = tensor.dim %out, %c1 : !state
  %w = ml_program.global_load_const @"head.weight" : tensor<8x256xf32>
  %bias = ml_program.global_load_const @"head.bias" : tensor<8xf32>
  %e = tensor.empty(%b, %t) : tensor<?x?x8xf32>
  %s = linalg.broadcast ins(%bias : tensor<8xf32>) outs(%e : tensor<?x?x8xf32>) dimensions = [0, 1]
  %l = linalg.contract indexing_maps = [#x, #w, #y] ins(%out, %w : !state, tensor<8x256xf32>) outs(%s : tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return %l : tensor<?x?x8xf32>
}

// The options of config.json: freeze = state, output = accumulated, remainder = assign.
func.func @main(%tokens: tensor<?x?xi32> {attnc.name = "tokens", attnc.dims = ["B", "T"]}, %lengths: tensor<?xi32> {attnc.name = "lengths", attnc.dims = ["B"]})
    -> (tensor<?x?x8xf32> {attnc.name = "logits", attnc.dims = ["B", "T"]}, tensor<?x?xi32> {attnc.name = "steps", attnc.dims = ["B", "T"]}, !state {attnc.name = "state", attnc.dims = ["B", "T"]}) {
  %cap = arith.constant 12 : index
  %limit = arith.constant 0.99 : f32
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %b = tensor.dim %tokens, %c0 : tensor<?x?xi32>
  %t = tensor.dim %tokens, %c1 : tensor<?x?xi32>
  %e = tensor.empty(%b, %t) : !state
  %none = linalg.fill ins(%zero : f32) outs(%e : !state) -> !state
  %h0 = func.call @embed(%tokens) : (tensor<?x?xi32>) -> !state
  %valid = func.call @valid(%tokens, %lengths) : (tensor<?x?xi32>, tensor<?xi32>) -> tensor<?x?xi1>
  %state, %out, %steps = loop.adaptive act threshold(%limit) compare(gt) active(%running = %valid : tensor<?x?xi1>) cap(%cap) step(%n)
      carry(frozen %h = %h0 : !state, mean %sum = %none : !state) {
    %p = func.call @score(%h) : (!state) -> tensor<?x?xf32>
    %y = func.call @transition(%h, %n, %lengths) : (!state, index, tensor<?xi32>) -> !state
    loop.yield %y, %y score(%p : tensor<?x?xf32>) : !state, !state
  }
  %logits = func.call @classify(%out) : (!state) -> tensor<?x?x8xf32>
  return %logits, %steps, %state : tensor<?x?x8xf32>, tensor<?x?xi32>, !state
}

// Halted positions go on being transformed and go on as keys and values.
func.func @main_freeze_output(%tokens: tensor<?x?xi32> {attnc.name = "tokens", attnc.dims = ["B", "T"]}, %lengths: tensor<?xi32> {attnc.name = "lengths", attnc.dims = ["B"]})
    -> (tensor<?x?x8xf32> {attnc.name = "logits", attnc.dims = ["B", "T"]}, tensor<?x?xi32> {attnc.name = "steps", attnc.dims = ["B", "T"]}, !state {attnc.name = "state", attnc.dims = ["B", "T"]}) {
  %cap = arith.constant 12 : index
  %limit = arith.constant 0.99 : f32
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %b = tensor.dim %tokens, %c0 : tensor<?x?xi32>
  %t = tensor.dim %tokens, %c1 : tensor<?x?xi32>
  %e = tensor.empty(%b, %t) : !state
  %none = linalg.fill ins(%zero : f32) outs(%e : !state) -> !state
  %h0 = func.call @embed(%tokens) : (tensor<?x?xi32>) -> !state
  %valid = func.call @valid(%tokens, %lengths) : (tensor<?x?xi32>, tensor<?xi32>) -> tensor<?x?xi1>
  %state, %out, %steps = loop.adaptive act threshold(%limit) compare(gt) active(%running = %valid : tensor<?x?xi1>) cap(%cap) step(%n)
      carry(free %h = %h0 : !state, mean %sum = %none : !state) {
    %p = func.call @score(%h) : (!state) -> tensor<?x?xf32>
    %y = func.call @transition(%h, %n, %lengths) : (!state, index, tensor<?xi32>) -> !state
    loop.yield %y, %y score(%p : tensor<?x?xf32>) : !state, !state
  }
  %logits = func.call @classify(%out) : (!state) -> tensor<?x?x8xf32>
  return %logits, %steps, %state : tensor<?x?x8xf32>, tensor<?x?xi32>, !state
}

// What is left at the cap is not given to the last step.
func.func @main_remainder_drop(%tokens: tensor<?x?xi32> {attnc.name = "tokens", attnc.dims = ["B", "T"]}, %lengths: tensor<?xi32> {attnc.name = "lengths", attnc.dims = ["B"]})
    -> (tensor<?x?x8xf32> {attnc.name = "logits", attnc.dims = ["B", "T"]}, tensor<?x?xi32> {attnc.name = "steps", attnc.dims = ["B", "T"]}, !state {attnc.name = "state", attnc.dims = ["B", "T"]}) {
  %cap = arith.constant 12 : index
  %limit = arith.constant 0.99 : f32
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %b = tensor.dim %tokens, %c0 : tensor<?x?xi32>
  %t = tensor.dim %tokens, %c1 : tensor<?x?xi32>
  %e = tensor.empty(%b, %t) : !state
  %none = linalg.fill ins(%zero : f32) outs(%e : !state) -> !state
  %h0 = func.call @embed(%tokens) : (tensor<?x?xi32>) -> !state
  %valid = func.call @valid(%tokens, %lengths) : (tensor<?x?xi32>, tensor<?xi32>) -> tensor<?x?xi1>
  %state, %out, %steps = loop.adaptive act threshold(%limit) compare(gt) remainder(drop) active(%running = %valid : tensor<?x?xi1>) cap(%cap) step(%n)
      carry(frozen %h = %h0 : !state, mean %sum = %none : !state) {
    %p = func.call @score(%h) : (!state) -> tensor<?x?xf32>
    %y = func.call @transition(%h, %n, %lengths) : (!state, index, tensor<?xi32>) -> !state
    loop.yield %y, %y score(%p : tensor<?x?xf32>) : !state, !state
  }
  %logits = func.call @classify(%out) : (!state) -> tensor<?x?x8xf32>
  return %logits, %steps, %state : tensor<?x?x8xf32>, tensor<?x?xi32>, !state
}

// out = w y + (1 - w) out.
func.func @main_output_basic(%tokens: tensor<?x?xi32> {attnc.name = "tokens", attnc.dims = ["B", "T"]}, %lengths: tensor<?xi32> {attnc.name = "lengths", attnc.dims = ["B"]})
    -> (tensor<?x?x8xf32> {attnc.name = "logits", attnc.dims = ["B", "T"]}, tensor<?x?xi32> {attnc.name = "steps", attnc.dims = ["B", "T"]}, !state {attnc.name = "state", attnc.dims = ["B", "T"]}) {
  %cap = arith.constant 12 : index
  %limit = arith.constant 0.99 : f32
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %b = tensor.dim %tokens, %c0 : tensor<?x?xi32>
  %t = tensor.dim %tokens, %c1 : tensor<?x?xi32>
  %e = tensor.empty(%b, %t) : !state
  %none = linalg.fill ins(%zero : f32) outs(%e : !state) -> !state
  %h0 = func.call @embed(%tokens) : (tensor<?x?xi32>) -> !state
  %valid = func.call @valid(%tokens, %lengths) : (tensor<?x?xi32>, tensor<?xi32>) -> tensor<?x?xi1>
  %state, %out, %steps = loop.adaptive act threshold(%limit) compare(gt) active(%running = %valid : tensor<?x?xi1>) cap(%cap) step(%n)
      carry(frozen %h = %h0 : !state, blend %sum = %none : !state) {
    %p = func.call @score(%h) : (!state) -> tensor<?x?xf32>
    %y = func.call @transition(%h, %n, %lengths) : (!state, index, tensor<?xi32>) -> !state
    loop.yield %y, %y score(%p : tensor<?x?xf32>) : !state, !state
  }
  %logits = func.call @classify(%out) : (!state) -> tensor<?x?x8xf32>
  return %logits, %steps, %state : tensor<?x?x8xf32>, tensor<?x?xi32>, !state
}
