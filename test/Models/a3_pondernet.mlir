// a3_pondernet: PonderNet inference (models.md A3). At each step a row stops with probability λ, by a seeded draw or when the
// probability to have stopped reaches τ; its output is that of the step at which it stopped.
!state = tensor<?x20xf32>
!output = tensor<?x7xf32>
!row = tensor<?xf32>
!on = tensor<?xi1>
!tokens = tensor<?x?x20xf32>

// x W^T + b.
ml_program.global private @"query.weight"(#ml_program.extern : tensor<20x20xf32>) : tensor<20x20xf32>
ml_program.global private @"query.bias"(#ml_program.extern : tensor<20xf32>) : tensor<20xf32>
func.func private @"query"(%x: !state) -> !state {
  %c0 = arith.constant 0 : index
  %n0 = tensor.dim %x, %c0 : !state
  %w = ml_program.global_load_const @"query.weight" : tensor<20x20xf32>
  %e = tensor.empty(%n0) : !state
  %b = ml_program.global_load_const @"query.bias" : tensor<20xf32>
  %s = linalg.broadcast ins(%b : tensor<20xf32>) outs(%e : !state) dimensions = [0]
  %y = linalg.contract indexing_maps = [affine_map<(i, n, k) -> (i, k)>, affine_map<(i, n, k) -> (n, k)>, affine_map<(i, n, k) -> (i, n)>]
      ins(%x, %w : !state, tensor<20x20xf32>) outs(%s : !state) -> !state
  return %y : !state
}

// x W^T.
ml_program.global private @"key.weight"(#ml_program.extern : tensor<20x20xf32>) : tensor<20x20xf32>
func.func private @"key"(%x: !tokens) -> !tokens {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %x, %c0 : !tokens
  %n1 = tensor.dim %x, %c1 : !tokens
  %w = ml_program.global_load_const @"key.weight" : tensor<20x20xf32>
  %e = tensor.empty(%n0, %n1) : !tokens
  %zero = arith.constant 0.0 : f32
  %s = linalg.fill ins(%zero : f32) outs(%e : !tokens) -> !tokens
  %y = linalg.contract indexing_maps = [affine_map<(i, j, n, k) -> (i, j, k)>, affine_map<(i, j, n, k) -> (n, k)>, affine_map<(i, j, n, k) -> (i, j, n)>]
      ins(%x, %w : !tokens, tensor<20x20xf32>) outs(%s : !tokens) -> !tokens
  return %y : !tokens
}

// x W^T.
ml_program.global private @"value.weight"(#ml_program.extern : tensor<20x20xf32>) : tensor<20x20xf32>
func.func private @"value"(%x: !tokens) -> !tokens {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n0 = tensor.dim %x, %c0 : !tokens
  %n1 = tensor.dim %x, %c1 : !tokens
  %w = ml_program.global_load_const @"value.weight" : tensor<20x20xf32>
  %e = tensor.empty(%n0, %n1) : !tokens
  %zero = arith.constant 0.0 : f32
  %s = linalg.fill ins(%zero : f32) outs(%e : !tokens) -> !tokens
  %y = linalg.contract indexing_maps = [affine_map<(i, j, n, k) -> (i, j, k)>, affine_map<(i, j, n, k) -> (n, k)>, affine_map<(i, j, n, k) -> (i, j, n)>]
      ins(%x, %w : !tokens, tensor<20x20xf32>) outs(%s : !tokens) -> !tokens
  return %y : !tokens
}

// x W^T + b.
ml_program.global private @"gru.input.weight"(#ml_program.extern : tensor<60x20xf32>) : tensor<60x20xf32>
ml_program.global private @"gru.input.bias"(#ml_program.extern : tensor<60xf32>) : tensor<60xf32>
func.func private @"gru.input"(%x: !state) -> tensor<?x60xf32> {
  %c0 = arith.constant 0 : index
  %n0 = tensor.dim %x, %c0 : !state
  %w = ml_program.global_load_const @"gru.input.weight" : tensor<60x20xf32>
  %e = tensor.empty(%n0) : tensor<?x60xf32>
  %b = ml_program.global_load_const @"gru.input.bias" : tensor<60xf32>
  %s = linalg.broadcast ins(%b : tensor<60xf32>) outs(%e : tensor<?x60xf32>) dimensions = [0]
  %y = linalg.contract indexing_maps = [affine_map<(i, n, k) -> (i, k)>, affine_map<(i, n, k) -> (n, k)>, affine_map<(i, n, k) -> (i, n)>]
      ins(%x, %w : !state, tensor<60x20xf32>) outs(%s : tensor<?x60xf32>) -> tensor<?x60xf32>
  return %y : tensor<?x60xf32>
}

// x W^T + b.
ml_program.global private @"gru.state.weight"(#ml_program.extern : tensor<60x20xf32>) : tensor<60x20xf32>
ml_program.global private @"gru.state.bias"(#ml_program.extern : tensor<60xf32>) : tensor<60xf32>
func.func private @"gru.state"(%x: !state) -> tensor<?x60xf32> {
  %c0 = arith.constant 0 : index
  %n0 = tensor.dim %x, %c0 : !state
  %w = ml_program.global_load_const @"gru.state.weight" : tensor<60x20xf32>
  %e = tensor.empty(%n0) : tensor<?x60xf32>
  %b = ml_program.global_load_const @"gru.state.bias" : tensor<60xf32>
  %s = linalg.broadcast ins(%b : tensor<60xf32>) outs(%e : tensor<?x60xf32>) dimensions = [0]
  %y = linalg.contract indexing_maps = [affine_map<(i, n, k) -> (i, k)>, affine_map<(i, n, k) -> (n, k)>, affine_map<(i, n, k) -> (i, n)>]
      ins(%x, %w : !state, tensor<60x20xf32>) outs(%s : tensor<?x60xf32>) -> tensor<?x60xf32>
  return %y : tensor<?x60xf32>
}

// h' = (1 - z) n + z h, n = tanh(W_n f + b_n + r (U_n h + c_n)), r and z = σ(W f + b + U h + c).
func.func private @"gru"(%f: !state, %h: !state) -> !state {
  %c0 = arith.constant 0 : index
  %n0 = tensor.dim %h, %c0 : !state
  %one = arith.constant 1.0 : f32
  %x1 = func.call @"gru.input"(%f) : (!state) -> tensor<?x60xf32>
  %u1 = func.call @"gru.state"(%h) : (!state) -> tensor<?x60xf32>
  %x = tensor.expand_shape %x1 [[0], [1, 2]] output_shape [%n0, 3, 20] : tensor<?x60xf32> into tensor<?x3x20xf32>
  %u = tensor.expand_shape %u1 [[0], [1, 2]] output_shape [%n0, 3, 20] : tensor<?x60xf32> into tensor<?x3x20xf32>
  %e = tensor.empty(%n0) : !state
  %y = linalg.generic {indexing_maps = [affine_map<(i, c) -> (i, 0, c)>, affine_map<(i, c) -> (i, 1, c)>, affine_map<(i, c) -> (i, 2, c)>, affine_map<(i, c) -> (i, 0, c)>, affine_map<(i, c) -> (i, 1, c)>, affine_map<(i, c) -> (i, 2, c)>, affine_map<(i, c) -> (i, c)>, affine_map<(i, c) -> (i, c)>], iterator_types = ["parallel", "parallel"]}
      ins(%x, %x, %x, %u, %u, %u, %h : tensor<?x3x20xf32>, tensor<?x3x20xf32>, tensor<?x3x20xf32>, tensor<?x3x20xf32>, tensor<?x3x20xf32>, tensor<?x3x20xf32>, !state) outs(%e : !state) {
  ^bb0(%xr: f32, %xz: f32, %xn: f32, %ur: f32, %uz: f32, %un: f32, %old: f32, %out: f32):
    %ar = arith.addf %xr, %ur : f32
    %br = arith.negf %ar : f32
    %cr = math.exp %br : f32
    %dr = arith.addf %cr, %one : f32
    %r = arith.divf %one, %dr : f32
    %az = arith.addf %xz, %uz : f32
    %bz = arith.negf %az : f32
    %cz = math.exp %bz : f32
    %dz = arith.addf %cz, %one : f32
    %z = arith.divf %one, %dz : f32
    %gated = arith.mulf %r, %un : f32
    %an = arith.addf %xn, %gated : f32
    %n = math.tanh %an : f32
    %rest = arith.subf %one, %z : f32
    %new = arith.mulf %rest, %n : f32
    %kept = arith.mulf %z, %old : f32
    %next = arith.addf %new, %kept : f32
    linalg.yield %next : f32
  } -> !state
  return %y : !state
}

// σ(w·x + b), one number a row.
ml_program.global private @"halt.weight"(#ml_program.extern : tensor<1x20xf32>) : tensor<1x20xf32>
ml_program.global private @"halt.bias"(#ml_program.extern : tensor<1xf32>) : tensor<1xf32>
func.func private @"halt"(%x: !state) -> !row {
  %c0 = arith.constant 0 : index
  %n0 = tensor.dim %x, %c0 : !state
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %w1 = ml_program.global_load_const @"halt.weight" : tensor<1x20xf32>
  %w = tensor.collapse_shape %w1 [[0, 1]] : tensor<1x20xf32> into tensor<20xf32>
  %b = ml_program.global_load_const @"halt.bias" : tensor<1xf32>
  %e = tensor.empty(%n0) : !row
  %s = linalg.fill ins(%zero : f32) outs(%e : !row) -> !row
  %dot = linalg.contract indexing_maps = [affine_map<(i, k) -> (i, k)>, affine_map<(i, k) -> (k)>, affine_map<(i, k) -> (i)>]
      ins(%x, %w : !state, tensor<20xf32>) outs(%s : !row) -> !row
  %p = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (0)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
      ins(%dot, %b : !row, tensor<1xf32>) outs(%e : !row) {
  ^bb0(%d: f32, %c: f32, %out: f32):
    %z = arith.addf %d, %c : f32
    %neg = arith.negf %z : f32
    %exp = math.exp %neg : f32
    %den = arith.addf %exp, %one : f32
    %sig = arith.divf %one, %den : f32
    linalg.yield %sig : f32
  } -> !row
  return %p : !row
}

// x W^T + b.
ml_program.global private @"output.weight"(#ml_program.extern : tensor<7x20xf32>) : tensor<7x20xf32>
ml_program.global private @"output.bias"(#ml_program.extern : tensor<7xf32>) : tensor<7xf32>
func.func private @"output"(%x: !state) -> !output {
  %c0 = arith.constant 0 : index
  %n0 = tensor.dim %x, %c0 : !state
  %w = ml_program.global_load_const @"output.weight" : tensor<7x20xf32>
  %e = tensor.empty(%n0) : !output
  %b = ml_program.global_load_const @"output.bias" : tensor<7xf32>
  %s = linalg.broadcast ins(%b : tensor<7xf32>) outs(%e : !output) dimensions = [0]
  %y = linalg.contract indexing_maps = [affine_map<(i, n, k) -> (i, k)>, affine_map<(i, n, k) -> (n, k)>, affine_map<(i, n, k) -> (i, n)>]
      ins(%x, %w : !state, tensor<7x20xf32>) outs(%s : !output) -> !output
  return %y : !output
}

// The learned start for `n` rows, and no output yet.
ml_program.global private @start(#ml_program.extern : tensor<20xf32>) : tensor<20xf32>
func.func private @begin(%n: index) -> (!state, !output) {
  %zero = arith.constant 0.0 : f32
  %start = ml_program.global_load_const @start : tensor<20xf32>
  %es = tensor.empty(%n) : !state
  %h0 = linalg.broadcast ins(%start : tensor<20xf32>) outs(%es : !state) dimensions = [0]
  %ey = tensor.empty(%n) : !output
  %y0 = linalg.fill ins(%zero : f32) outs(%ey : !output) -> !output
  return %h0, %y0 : !state, !output
}

// Attention of one query a sequence over its tokens.
func.func private @read(%h: !state, %k: !tokens, %v: !tokens, %lengths: tensor<?xi32>) -> !state {
  %c0 = arith.constant 0 : index
  %b = tensor.dim %h, %c0 : !state
  %q = func.call @query(%h) : (!state) -> !state
  %e = tensor.empty(%b) : !state
  %r = attn.attention softmax scale(0.22360679774997896)
      query %q[b, d] : !state
      source %k[b, j, d], %v[b, j, v] : !tokens, !tokens valid %lengths[b] : tensor<?xi32>
      into %e[b, v] : !state
  return %r : !state
}

// A row is a sequence, which reads its tokens at each step.
func.func @main(%x: !tokens {attnc.name = "x", attnc.dims = ["B", "T"]}, %lengths: tensor<?xi32> {attnc.name = "lengths", attnc.dims = ["B"]})
    -> (!output {attnc.name = "y", attnc.dims = ["B"]}, tensor<?xi32> {attnc.name = "steps", attnc.dims = ["B"]}, !state {attnc.name = "state", attnc.dims = ["B"]}) {
  %c0 = arith.constant 0 : index
  %true = arith.constant true
  %cap = arith.constant 6 : index
  %seed = arith.constant 0x1234567890ABCDEF : i64
  %b = tensor.dim %x, %c0 : !tokens
  %k = func.call @key(%x) : (!tokens) -> !tokens
  %v = func.call @value(%x) : (!tokens) -> !tokens
  %h0, %y0 = func.call @begin(%b) : (index) -> (!state, !output)
  %er = tensor.empty(%b) : !on
  %everyone = linalg.fill ins(%true : i1) outs(%er : !on) -> !on
  %state, %y, %steps = loop.adaptive bernoulli seed(%seed) stream(3) active(%running = %everyone : !on) cap(%cap) step(%n)
      carry(frozen %h = %h0 : !state, frozen %old = %y0 : !output) {
    %in = func.call @read(%h, %k, %v, %lengths) : (!state, !tokens, !tokens, tensor<?xi32>) -> !state
    %new = func.call @gru(%in, %h) : (!state, !state) -> !state
    %lambda = func.call @halt(%new) : (!state) -> !row
    %yn = func.call @output(%new) : (!state) -> !output
    loop.yield %new, %yn score(%lambda : !row) : !state, !output
  }
  return %y, %steps, %state : !output, tensor<?xi32>, !state
}

// Tokens as rows: row b T + t, of which padding never runs.
func.func private @rows(%x: !tokens, %lengths: tensor<?xi32>) -> (!state, !on) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : !tokens
  %t = tensor.dim %x, %c1 : !tokens
  %in = tensor.collapse_shape %x [[0, 1], [2]] : !tokens into !state
  %e = tensor.empty(%b, %t) : tensor<?x?xi1>
  %valid = linalg.generic {indexing_maps = [affine_map<(b, t) -> (b)>, affine_map<(b, t) -> (b, t)>], iterator_types = ["parallel", "parallel"]}
      ins(%lengths : tensor<?xi32>) outs(%e : tensor<?x?xi1>) {
  ^bb0(%length: i32, %out: i1):
    %j = linalg.index 1 : index
    %i = arith.index_cast %j : index to i32
    %is = arith.cmpi slt, %i, %length : i32
    linalg.yield %is : i1
  } -> tensor<?x?xi1>
  %on = tensor.collapse_shape %valid [[0, 1]] : tensor<?x?xi1> into !on
  return %in, %on : !state, !on
}

// Rows [B * T, ...] as tokens [B, T, ...].
func.func private @tokens(%x: !tokens, %y: !output, %steps: tensor<?xi32>, %state: !state) -> (tensor<?x?x7xf32>, tensor<?x?xi32>, !tokens) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : !tokens
  %t = tensor.dim %x, %c1 : !tokens
  %yt = tensor.expand_shape %y [[0, 1], [2]] output_shape [%b, %t, 7] : !output into tensor<?x?x7xf32>
  %nt = tensor.expand_shape %steps [[0, 1]] output_shape [%b, %t] : tensor<?xi32> into tensor<?x?xi32>
  %st = tensor.expand_shape %state [[0, 1], [2]] output_shape [%b, %t, 20] : !state into !tokens
  return %yt, %nt, %st : tensor<?x?x7xf32>, tensor<?x?xi32>, !tokens
}

// A row is a token, which reads itself at each step.
func.func @main_token(%x: !tokens {attnc.name = "x", attnc.dims = ["B", "T"]}, %lengths: tensor<?xi32> {attnc.name = "lengths", attnc.dims = ["B"]})
    -> (tensor<?x?x7xf32> {attnc.name = "y", attnc.dims = ["B", "T"]}, tensor<?x?xi32> {attnc.name = "steps", attnc.dims = ["B", "T"]}, !tokens {attnc.name = "state", attnc.dims = ["B", "T"]}) {
  %c0 = arith.constant 0 : index
  %cap = arith.constant 6 : index
  %seed = arith.constant 0x1234567890ABCDEF : i64
  %in, %valid = func.call @rows(%x, %lengths) : (!tokens, tensor<?xi32>) -> (!state, !on)
  %n0 = tensor.dim %in, %c0 : !state
  %h0, %y0 = func.call @begin(%n0) : (index) -> (!state, !output)
  %state, %y, %steps = loop.adaptive bernoulli seed(%seed) stream(3) active(%running = %valid : !on) cap(%cap) step(%n)
      carry(frozen %h = %h0 : !state, frozen %old = %y0 : !output) {
    %new = func.call @gru(%in, %h) : (!state, !state) -> !state
    %lambda = func.call @halt(%new) : (!state) -> !row
    %yn = func.call @output(%new) : (!state) -> !output
    loop.yield %new, %yn score(%lambda : !row) : !state, !output
  }
  %yt, %nt, %st = func.call @tokens(%x, %y, %steps, %state) : (!tokens, !output, tensor<?xi32>, !state) -> (tensor<?x?x7xf32>, tensor<?x?xi32>, !tokens)
  return %yt, %nt, %st : tensor<?x?x7xf32>, tensor<?x?xi32>, !tokens
}

// A row is a token; it stops when the probability to have stopped reaches τ.
func.func @main_threshold(%x: !tokens {attnc.name = "x", attnc.dims = ["B", "T"]}, %lengths: tensor<?xi32> {attnc.name = "lengths", attnc.dims = ["B"]})
    -> (tensor<?x?x7xf32> {attnc.name = "y", attnc.dims = ["B", "T"]}, tensor<?x?xi32> {attnc.name = "steps", attnc.dims = ["B", "T"]}, !tokens {attnc.name = "state", attnc.dims = ["B", "T"]}) {
  %c0 = arith.constant 0 : index
  %cap = arith.constant 6 : index
  %tau = arith.constant 0.8 : f32
  %in, %valid = func.call @rows(%x, %lengths) : (!tokens, tensor<?xi32>) -> (!state, !on)
  %n0 = tensor.dim %in, %c0 : !state
  %h0, %y0 = func.call @begin(%n0) : (index) -> (!state, !output)
  %state, %y, %steps = loop.adaptive geometric threshold(%tau) active(%running = %valid : !on) cap(%cap) step(%n)
      carry(frozen %h = %h0 : !state, frozen %old = %y0 : !output) {
    %new = func.call @gru(%in, %h) : (!state, !state) -> !state
    %lambda = func.call @halt(%new) : (!state) -> !row
    %yn = func.call @output(%new) : (!state) -> !output
    loop.yield %new, %yn score(%lambda : !row) : !state, !output
  }
  %yt, %nt, %st = func.call @tokens(%x, %y, %steps, %state) : (!tokens, !output, tensor<?xi32>, !state) -> (tensor<?x?x7xf32>, tensor<?x?xi32>, !tokens)
  return %yt, %nt, %st : tensor<?x?x7xf32>, tensor<?x?xi32>, !tokens
}
