// looped_lm: four blocks looped up to six times, with an exit gate per token (models.md A9).
// Made by generate_looped_lm.py.
#x = affine_map<(b, t, n, k) -> (b, t, k)>
#w = affine_map<(b, t, n, k) -> (n, k)>
#y = affine_map<(b, t, n, k) -> (b, t, n)>
#all = affine_map<(b, t, c) -> (b, t, c)>
!state = tensor<?x?x384xf32>
!kv = tensor<?x?x6x64xf32>
!note = tensor<?x6x4x6x64xf32>
!cache = tensor<6x4x?x?x6x64xf32>
!ffn = tensor<?x?x352xf32>

ml_program.global private @"embed.weight"(#ml_program.extern : tensor<256x384xf32>) : tensor<256x384xf32>
ml_program.global private @"head.weight"(#ml_program.extern : tensor<256x384xf32>) : tensor<256x384xf32>
ml_program.global private @"norm.weight"(#ml_program.extern : tensor<384xf32>) : tensor<384xf32>
ml_program.global private @"exit.weight"(#ml_program.extern : tensor<1x384xf32>) : tensor<1x384xf32>
ml_program.global private @"exit.bias"(#ml_program.extern : tensor<1xf32>) : tensor<1xf32>
ml_program.global private @"blocks.0.norm1.weight"(#ml_program.extern : tensor<384xf32>) : tensor<384xf32>
ml_program.global private @"blocks.0.attention.qkv.weight"(#ml_program.extern : tensor<1152x384xf32>) : tensor<1152x384xf32>
ml_program.global private @"blocks.0.attention.out.weight"(#ml_program.extern : tensor<384x384xf32>) : tensor<384x384xf32>
ml_program.global private @"blocks.0.norm2.weight"(#ml_program.extern : tensor<384xf32>) : tensor<384xf32>
ml_program.global private @"blocks.0.ffn.gate.weight"(#ml_program.extern : tensor<352x384xf32>) : tensor<352x384xf32>
ml_program.global private @"blocks.0.ffn.up.weight"(#ml_program.extern : tensor<352x384xf32>) : tensor<352x384xf32>
ml_program.global private @"blocks.0.ffn.down.weight"(#ml_program.extern : tensor<384x352xf32>) : tensor<384x352xf32>
ml_program.global private @"blocks.1.norm1.weight"(#ml_program.extern : tensor<384xf32>) : tensor<384xf32>
ml_program.global private @"blocks.1.attention.qkv.weight"(#ml_program.extern : tensor<1152x384xf32>) : tensor<1152x384xf32>
ml_program.global private @"blocks.1.attention.out.weight"(#ml_program.extern : tensor<384x384xf32>) : tensor<384x384xf32>
ml_program.global private @"blocks.1.norm2.weight"(#ml_program.extern : tensor<384xf32>) : tensor<384xf32>
ml_program.global private @"blocks.1.ffn.gate.weight"(#ml_program.extern : tensor<352x384xf32>) : tensor<352x384xf32>
ml_program.global private @"blocks.1.ffn.up.weight"(#ml_program.extern : tensor<352x384xf32>) : tensor<352x384xf32>
ml_program.global private @"blocks.1.ffn.down.weight"(#ml_program.extern : tensor<384x352xf32>) : tensor<384x352xf32>
ml_program.global private @"blocks.2.norm1.weight"(#ml_program.extern : tensor<384xf32>) : tensor<384xf32>
ml_program.global private @"blocks.2.attention.qkv.weight"(#ml_program.extern : tensor<1152x384xf32>) : tensor<1152x384xf32>
ml_program.global private @"blocks.2.attention.out.weight"(#ml_program.extern : tensor<384x384xf32>) : tensor<384x384xf32>
ml_program.global private @"blocks.2.norm2.weight"(#ml_program.extern : tensor<384xf32>) : tensor<384xf32>
ml_program.global private @"blocks.2.ffn.gate.weight"(#ml_program.extern : tensor<352x384xf32>) : tensor<352x384xf32>
ml_program.global private @"blocks.2.ffn.up.weight"(#ml_program.extern : tensor<352x384xf32>) : tensor<352x384xf32>
ml_program.global private @"blocks.2.ffn.down.weight"(#ml_program.extern : tensor<384x352xf32>) : tensor<384x352xf32>
ml_program.global private @"blocks.3.norm1.weight"(#ml_program.extern : tensor<384xf32>) : tensor<384xf32>
ml_program.global private @"blocks.3.attention.qkv.weight"(#ml_program.extern : tensor<1152x384xf32>) : tensor<1152x384xf32>
ml_program.global private @"blocks.3.attention.out.weight"(#ml_program.extern : tensor<384x384xf32>) : tensor<384x384xf32>
ml_program.global private @"blocks.3.norm2.weight"(#ml_program.extern : tensor<384xf32>) : tensor<384xf32>
ml_program.global private @"blocks.3.ffn.gate.weight"(#ml_program.extern : tensor<352x384xf32>) : tensor<352x384xf32>
ml_program.global private @"blocks.3.ffn.up.weight"(#ml_program.extern : tensor<352x384xf32>) : tensor<352x384xf32>
ml_program.global private @"blocks.3.ffn.down.weight"(#ml_program.extern : tensor<384x352xf32>) : tensor<384x352xf32>

// Rows that run bring new keys and values; those that stopped keep theirs.
func.func private @keep(%running: tensor<?x?xi1>, %new: !kv, %kept: !kv) -> !kv {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %new, %c0 : !kv
  %t = tensor.dim %new, %c1 : !kv
  %e = tensor.empty(%b, %t) : !kv
  %r = linalg.generic {indexing_maps = [affine_map<(b, t, h, c) -> (b, t)>, affine_map<(b, t, h, c) -> (b, t, h, c)>, affine_map<(b, t, h, c) -> (b, t, h, c)>, affine_map<(b, t, h, c) -> (b, t, h, c)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%running, %new, %kept : tensor<?x?xi1>, !kv, !kv) outs(%e : !kv) {
  ^bb0(%on: i1, %n: f32, %k: f32, %out: f32):
    %s = arith.select %on, %n, %k : f32
    linalg.yield %s : f32
  } -> !kv
  return %r : !kv
}

// x W^T for x [B, T, 384].
func.func private @project(%x: !state, %w: tensor<384x384xf32>) -> !state {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %b = tensor.dim %x, %c0 : !state
  %t = tensor.dim %x, %c1 : !state
  %e = tensor.empty(%b, %t) : !state
  %f = linalg.fill ins(%zero : f32) outs(%e : !state) -> !state
  %y = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : !state, tensor<384x384xf32>) outs(%f : !state) -> !state
  return %y : !state
}

// Queries and keys, rotated from position `at` on, and values.
func.func private @qkv(%h: !state, %at: index, %norm: tensor<384xf32>, %w: tensor<1152x384xf32>) -> (!kv, !kv, !kv) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %b = tensor.dim %h, %c0 : !state
  %t = tensor.dim %h, %c1 : !state
  %n = attn.rms_norm %h weight(%norm : tensor<384xf32>) eps(1.0e-6) : !state
  %e = tensor.empty(%b, %t) : tensor<?x?x1152xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x1152xf32>) -> tensor<?x?x1152xf32>
  %p = linalg.contract indexing_maps = [#x, #w, #y] ins(%n, %w : !state, tensor<1152x384xf32>) outs(%f : tensor<?x?x1152xf32>) -> tensor<?x?x1152xf32>
  %s = tensor.expand_shape %p [[0], [1], [2, 3, 4]] output_shape [%b, %t, 3, 6, 64] : tensor<?x?x1152xf32> into tensor<?x?x3x6x64xf32>
  %q = tensor.extract_slice %s[0, 0, 0, 0, 0] [%b, %t, 1, 6, 64] [1, 1, 1, 1, 1] : tensor<?x?x3x6x64xf32> to !kv
  %k = tensor.extract_slice %s[0, 0, 1, 0, 0] [%b, %t, 1, 6, 64] [1, 1, 1, 1, 1] : tensor<?x?x3x6x64xf32> to !kv
  %v = tensor.extract_slice %s[0, 0, 2, 0, 0] [%b, %t, 1, 6, 64] [1, 1, 1, 1, 1] : tensor<?x?x3x6x64xf32> to !kv
  %rq = attn.rotary half_split %q along [1] offset(%at) base(1.0e4) : !kv
  %rk = attn.rotary half_split %k along [1] offset(%at) base(1.0e4) : !kv
  return %rq, %rk, %v : !kv, !kv, !kv
}

// Attention to the past and itself, in one sequence.
func.func private @causal(%q: !kv, %k: !kv, %v: !kv) -> !kv {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %q, %c0 : !kv
  %t = tensor.dim %q, %c1 : !kv
  %e = tensor.empty(%b, %t) : !kv
  %heads = attn.attention softmax scale(0.125)
      query %q[b, i, g, d] : !kv
      source %k[b, j, g, d], %v[b, j, g, v] : !kv, !kv
      into %e[b, i, g, v] : !kv
      mask(%bi, %hi, %i, %j, %n) {
        %past = arith.cmpi sle, %j, %i : index
        attn.yield %past : i1
      }
  return %heads : !kv
}

// h + the heads, projected, then + the SwiGLU feed-forward.
func.func private @rest(%h: !state, %heads: !kv, %wo: tensor<384x384xf32>, %norm: tensor<384xf32>, %wg: tensor<352x384xf32>, %wu: tensor<352x384xf32>, %wd: tensor<384x352xf32>) -> !state {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %b = tensor.dim %h, %c0 : !state
  %t = tensor.dim %h, %c1 : !state
  %a = tensor.collapse_shape %heads [[0], [1], [2, 3]] : !kv into !state
  %o = func.call @project(%a, %wo) : (!state, tensor<384x384xf32>) -> !state
  %e = tensor.empty(%b, %t) : !state
  %h1 = linalg.add ins(%h, %o : !state, !state) outs(%e : !state) -> !state
  %n2 = attn.rms_norm %h1 weight(%norm : tensor<384xf32>) eps(1.0e-6) : !state
  %ef = tensor.empty(%b, %t) : !ffn
  %zf = linalg.fill ins(%zero : f32) outs(%ef : !ffn) -> !ffn
  %g = linalg.contract indexing_maps = [#x, #w, #y] ins(%n2, %wg : !state, tensor<352x384xf32>) outs(%zf : !ffn) -> !ffn
  %u = linalg.contract indexing_maps = [#x, #w, #y] ins(%n2, %wu : !state, tensor<352x384xf32>) outs(%zf : !ffn) -> !ffn
  %s = linalg.generic {indexing_maps = [#all, #all, #all], iterator_types = ["parallel", "parallel", "parallel"]} ins(%g, %u : !ffn, !ffn) outs(%ef : !ffn) {
  ^bb0(%gate: f32, %up: f32, %out: f32):
    %m = arith.negf %gate : f32
    %x = math.exp %m : f32
    %d = arith.addf %x, %one : f32
    %sig = arith.divf %gate, %d : f32
    %r = arith.mulf %sig, %up : f32
    linalg.yield %r : f32
  } -> !ffn
  %z = linalg.fill ins(%zero : f32) outs(%e : !state) -> !state
  %d1 = linalg.contract indexing_maps = [#x, #w, #y] ins(%s, %wd : !ffn, tensor<384x352xf32>) outs(%z : !state) -> !state
  %h2 = linalg.add ins(%h1, %d1 : !state, !state) outs(%e : !state) -> !state
  return %h2 : !state
}

// lambda = sigmoid(h w + b): the probability to exit after this loop.
func.func private @gate(%h: !state) -> tensor<?x?xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %b = tensor.dim %h, %c0 : !state
  %t = tensor.dim %h, %c1 : !state
  %w1 = ml_program.global_load_const @"exit.weight" : tensor<1x384xf32>
  %w = tensor.collapse_shape %w1 [[0, 1]] : tensor<1x384xf32> into tensor<384xf32>
  %bias = ml_program.global_load_const @"exit.bias" : tensor<1xf32>
  %e = tensor.empty(%b, %t) : tensor<?x?xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?xf32>) -> tensor<?x?xf32>
  %s = linalg.contract indexing_maps = [affine_map<(b, t, k) -> (b, t, k)>, affine_map<(b, t, k) -> (k)>, affine_map<(b, t, k) -> (b, t)>] ins(%h, %w : !state, tensor<384xf32>) outs(%f : tensor<?x?xf32>) -> tensor<?x?xf32>
  %p = linalg.generic {indexing_maps = [affine_map<(b, t) -> (b, t)>, affine_map<(b, t) -> (0)>, affine_map<(b, t) -> (b, t)>], iterator_types = ["parallel", "parallel"]}
      ins(%s, %bias : tensor<?x?xf32>, tensor<1xf32>) outs(%e : tensor<?x?xf32>) {
  ^bb0(%a: f32, %c: f32, %out: f32):
    %z = arith.addf %a, %c : f32
    %n = arith.negf %z : f32
    %x = math.exp %n : f32
    %d = arith.addf %x, %one : f32
    %r = arith.divf %one, %d : f32
    linalg.yield %r : f32
  } -> tensor<?x?xf32>
  return %p : tensor<?x?xf32>
}

// Policy `latest`: an exited token's keys and values, in every layer, stay those of its last loop.
func.func @main(%tokens: tensor<?x?xi32> {attnc.name = "tokens", attnc.dims = ["B", "T"]}, %q: f32 {attnc.name = "q"})
    -> (tensor<?x?x256xf32> {attnc.name = "logits", attnc.dims = ["B", "T"]}, tensor<?x?xi32> {attnc.name = "steps", attnc.dims = ["B", "T"]}, !state {attnc.name = "state", attnc.dims = ["B", "T"]}) {
  %loops = arith.constant 6 : index
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %true = arith.constant true
  %b = tensor.dim %tokens, %c0 : tensor<?x?xi32>
  %t = tensor.dim %tokens, %c1 : tensor<?x?xi32>
  %table = ml_program.global_load_const @"embed.weight" : tensor<256x384xf32>
  %e0 = attn.gather_rows %table[%tokens] : tensor<256x384xf32>, tensor<?x?xi32> -> !state
  %er = tensor.empty(%b, %t) : tensor<?x?xi1>
  %everyone = linalg.fill ins(%true : i1) outs(%er : tensor<?x?xi1>) -> tensor<?x?xi1>
  %ek = tensor.empty(%b, %t) : !kv
  %none = linalg.fill ins(%zero : f32) outs(%ek : !kv) -> !kv
  %state, %last0, %last1, %last2, %last3, %last4, %last5, %last6, %last7, %steps = loop.adaptive geometric threshold(%q) active(%running = %everyone : tensor<?x?xi1>) cap(%loops) step(%u)
      carry(frozen %h0 = %e0 : !state, frozen %k0 = %none : !kv, frozen %v0 = %none : !kv, frozen %k1 = %none : !kv, frozen %v1 = %none : !kv, frozen %k2 = %none : !kv, frozen %v2 = %none : !kv, frozen %k3 = %none : !kv, frozen %v3 = %none : !kv) {
    %w0_0 = ml_program.global_load_const @"blocks.0.norm1.weight" : tensor<384xf32>
    %w0_1 = ml_program.global_load_const @"blocks.0.attention.qkv.weight" : tensor<1152x384xf32>
    %w0_2 = ml_program.global_load_const @"blocks.0.attention.out.weight" : tensor<384x384xf32>
    %w0_3 = ml_program.global_load_const @"blocks.0.norm2.weight" : tensor<384xf32>
    %w0_4 = ml_program.global_load_const @"blocks.0.ffn.gate.weight" : tensor<352x384xf32>
    %w0_5 = ml_program.global_load_const @"blocks.0.ffn.up.weight" : tensor<352x384xf32>
    %w0_6 = ml_program.global_load_const @"blocks.0.ffn.down.weight" : tensor<384x352xf32>
    %q0, %n0, %m0 = func.call @qkv(%h0, %c0, %w0_0, %w0_1) : (!state, index, tensor<384xf32>, tensor<1152x384xf32>) -> (!kv, !kv, !kv)
    %kn0 = func.call @keep(%running, %n0, %k0) : (tensor<?x?xi1>, !kv, !kv) -> !kv
    %vn0 = func.call @keep(%running, %m0, %v0) : (tensor<?x?xi1>, !kv, !kv) -> !kv
    %heads0 = func.call @causal(%q0, %kn0, %vn0) : (!kv, !kv, !kv) -> !kv
    %h1 = func.call @rest(%h0, %heads0, %w0_2, %w0_3, %w0_4, %w0_5, %w0_6) : (!state, !kv, tensor<384x384xf32>, tensor<384xf32>, tensor<352x384xf32>, tensor<352x384xf32>, tensor<384x352xf32>) -> !state
    %w1_0 = ml_program.global_load_const @"blocks.1.norm1.weight" : tensor<384xf32>
    %w1_1 = ml_program.global_load_const @"blocks.1.attention.qkv.weight" : tensor<1152x384xf32>
    %w1_2 = ml_program.global_load_const @"blocks.1.attention.out.weight" : tensor<384x384xf32>
    %w1_3 = ml_program.global_load_const @"blocks.1.norm2.weight" : tensor<384xf32>
    %w1_4 = ml_program.global_load_const @"blocks.1.ffn.gate.weight" : tensor<352x384xf32>
    %w1_5 = ml_program.global_load_const @"blocks.1.ffn.up.weight" : tensor<352x384xf32>
    %w1_6 = ml_program.global_load_const @"blocks.1.ffn.down.weight" : tensor<384x352xf32>
    %q1, %n1, %m1 = func.call @qkv(%h1, %c0, %w1_0, %w1_1) : (!state, index, tensor<384xf32>, tensor<1152x384xf32>) -> (!kv, !kv, !kv)
    %kn1 = func.call @keep(%running, %n1, %k1) : (tensor<?x?xi1>, !kv, !kv) -> !kv
    %vn1 = func.call @keep(%running, %m1, %v1) : (tensor<?x?xi1>, !kv, !kv) -> !kv
    %heads1 = func.call @causal(%q1, %kn1, %vn1) : (!kv, !kv, !kv) -> !kv
    %h2 = func.call @rest(%h1, %heads1, %w1_2, %w1_3, %w1_4, %w1_5, %w1_6) : (!state, !kv, tensor<384x384xf32>, tensor<384xf32>, tensor<352x384xf32>, tensor<352x384xf32>, tensor<384x352xf32>) -> !state
    %w2_0 = ml_program.global_load_const @"blocks.2.norm1.weight" : tensor<384xf32>
    %w2_1 = ml_program.global_load_const @"blocks.2.attention.qkv.weight" : tensor<1152x384xf32>
    %w2_2 = ml_program.global_load_const @"blocks.2.attention.out.weight" : tensor<384x384xf32>
    %w2_3 = ml_program.global_load_const @"blocks.2.norm2.weight" : tensor<384xf32>
    %w2_4 = ml_program.global_load_const @"blocks.2.ffn.gate.weight" : tensor<352x384xf32>
    %w2_5 = ml_program.global_load_const @"blocks.2.ffn.up.weight" : tensor<352x384xf32>
    %w2_6 = ml_program.global_load_const @"blocks.2.ffn.down.weight" : tensor<384x352xf32>
    %q2, %n2, %m2 = func.call @qkv(%h2, %c0, %w2_0, %w2_1) : (!state, index, tensor<384xf32>, tensor<1152x384xf32>) -> (!kv, !kv, !kv)
    %kn2 = func.call @keep(%running, %n2, %k2) : (tensor<?x?xi1>, !kv, !kv) -> !kv
    %vn2 = func.call @keep(%running, %m2, %v2) : (tensor<?x?xi1>, !kv, !kv) -> !kv
    %heads2 = func.call @causal(%q2, %kn2, %vn2) : (!kv, !kv, !kv) -> !kv
    %h3 = func.call @rest(%h2, %heads2, %w2_2, %w2_3, %w2_4, %w2_5, %w2_6) : (!state, !kv, tensor<384x384xf32>, tensor<384xf32>, tensor<352x384xf32>, tensor<352x384xf32>, tensor<384x352xf32>) -> !state
    %w3_0 = ml_program.global_load_const @"blocks.3.norm1.weight" : tensor<384xf32>
    %w3_1 = ml_program.global_load_const @"blocks.3.attention.qkv.weight" : tensor<1152x384xf32>
    %w3_2 = ml_program.global_load_const @"blocks.3.attention.out.weight" : tensor<384x384xf32>
    %w3_3 = ml_program.global_load_const @"blocks.3.norm2.weight" : tensor<384xf32>
    %w3_4 = ml_program.global_load_const @"blocks.3.ffn.gate.weight" : tensor<352x384xf32>
    %w3_5 = ml_program.global_load_const @"blocks.3.ffn.up.weight" : tensor<352x384xf32>
    %w3_6 = ml_program.global_load_const @"blocks.3.ffn.down.weight" : tensor<384x352xf32>
    %q3, %n3, %m3 = func.call @qkv(%h3, %c0, %w3_0, %w3_1) : (!state, index, tensor<384xf32>, tensor<1152x384xf32>) -> (!kv, !kv, !kv)
    %kn3 = func.call @keep(%running, %n3, %k3) : (tensor<?x?xi1>, !kv, !kv) -> !kv
    %vn3 = func.call @keep(%running, %m3, %v3) : (tensor<?x?xi1>, !kv, !kv) -> !kv
    %heads3 = func.call @causal(%q3, %kn3, %vn3) : (!kv, !kv, !kv) -> !kv
    %h4 = func.call @rest(%h3, %heads3, %w3_2, %w3_3, %w3_4, %w3_5, %w3_6) : (!state, !kv, tensor<384x384xf32>, tensor<384xf32>, tensor<352x384xf32>, tensor<352x384xf32>, tensor<384x352xf32>) -> !state
    %norm = ml_program.global_load_const @"norm.weight" : tensor<384xf32>
    %hn = attn.rms_norm %h4 weight(%norm : tensor<384xf32>) eps(1.0e-6) : !state
    %lambda = func.call @gate(%hn) : (!state) -> tensor<?x?xf32>
    loop.yield %hn, %kn0, %vn0, %kn1, %vn1, %kn2, %vn2, %kn3, %vn3 score(%lambda : tensor<?x?xf32>) : !state, !kv, !kv, !kv, !kv, !kv, !kv, !kv, !kv
  }
  %head = ml_program.global_load_const @"head.weight" : tensor<256x384xf32>
  %el = tensor.empty(%b, %t) : tensor<?x?x256xf32>
  %zl = linalg.fill ins(%zero : f32) outs(%el : tensor<?x?x256xf32>) -> tensor<?x?x256xf32>
  %logits = linalg.contract indexing_maps = [#x, #w, #y] ins(%state, %head : !state, tensor<256x384xf32>) outs(%zl : tensor<?x?x256xf32>) -> tensor<?x?x256xf32>
  return %logits, %steps, %state : tensor<?x?x256xf32>, tensor<?x?xi32>, !state
}

// Policy `all`: exited tokens go on being transformed, only the prediction is fixed.
func.func @main_policy_all(%tokens: tensor<?x?xi32> {attnc.name = "tokens", attnc.dims = ["B", "T"]}, %q: f32 {attnc.name = "q"})
    -> (tensor<?x?x256xf32> {attnc.name = "logits", attnc.dims = ["B", "T"]}, tensor<?x?xi32> {attnc.name = "steps", attnc.dims = ["B", "T"]}, !state {attnc.name = "state", attnc.dims = ["B", "T"]}) {
  %loops = arith.constant 6 : index
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %true = arith.constant true
  %b = tensor.dim %tokens, %c0 : tensor<?x?xi32>
  %t = tensor.dim %tokens, %c1 : tensor<?x?xi32>
  %table = ml_program.global_load_const @"embed.weight" : tensor<256x384xf32>
  %e0 = attn.gather_rows %table[%tokens] : tensor<256x384xf32>, tensor<?x?xi32> -> !state
  %er = tensor.empty(%b, %t) : tensor<?x?xi1>
  %everyone = linalg.fill ins(%true : i1) outs(%er : tensor<?x?xi1>) -> tensor<?x?xi1>
  %ek = tensor.empty(%b, %t) : !kv
  %none = linalg.fill ins(%zero : f32) outs(%ek : !kv) -> !kv
  %running_state, %state, %steps = loop.adaptive geometric threshold(%q) active(%running = %everyone : tensor<?x?xi1>) cap(%loops) step(%u)
      carry(free %h0 = %e0 : !state, frozen %exit = %e0 : !state) {
    %w0_0 = ml_program.global_load_const @"blocks.0.norm1.weight" : tensor<384xf32>
    %w0_1 = ml_program.global_load_const @"blocks.0.attention.qkv.weight" : tensor<1152x384xf32>
    %w0_2 = ml_program.global_load_const @"blocks.0.attention.out.weight" : tensor<384x384xf32>
    %w0_3 = ml_program.global_load_const @"blocks.0.norm2.weight" : tensor<384xf32>
    %w0_4 = ml_program.global_load_const @"blocks.0.ffn.gate.weight" : tensor<352x384xf32>
    %w0_5 = ml_program.global_load_const @"blocks.0.ffn.up.weight" : tensor<352x384xf32>
    %w0_6 = ml_program.global_load_const @"blocks.0.ffn.down.weight" : tensor<384x352xf32>
    %q0, %n0, %m0 = func.call @qkv(%h0, %c0, %w0_0, %w0_1) : (!state, index, tensor<384xf32>, tensor<1152x384xf32>) -> (!kv, !kv, !kv)
    %heads0 = func.call @causal(%q0, %n0, %m0) : (!kv, !kv, !kv) -> !kv
    %h1 = func.call @rest(%h0, %heads0, %w0_2, %w0_3, %w0_4, %w0_5, %w0_6) : (!state, !kv, tensor<384x384xf32>, tensor<384xf32>, tensor<352x384xf32>, tensor<352x384xf32>, tensor<384x352xf32>) -> !state
    %w1_0 = ml_program.global_load_const @"blocks.1.norm1.weight" : tensor<384xf32>
    %w1_1 = ml_program.global_load_const @"blocks.1.attention.qkv.weight" : tensor<1152x384xf32>
    %w1_2 = ml_program.global_load_const @"blocks.1.attention.out.weight" : tensor<384x384xf32>
    %w1_3 = ml_program.global_load_const @"blocks.1.norm2.weight" : tensor<384xf32>
    %w1_4 = ml_program.global_load_const @"blocks.1.ffn.gate.weight" : tensor<352x384xf32>
    %w1_5 = ml_program.global_load_const @"blocks.1.ffn.up.weight" : tensor<352x384xf32>
    %w1_6 = ml_program.global_load_const @"blocks.1.ffn.down.weight" : tensor<384x352xf32>
    %q1, %n1, %m1 = func.call @qkv(%h1, %c0, %w1_0, %w1_1) : (!state, index, tensor<384xf32>, tensor<1152x384xf32>) -> (!kv, !kv, !kv)
    %heads1 = func.call @causal(%q1, %n1, %m1) : (!kv, !kv, !kv) -> !kv
    %h2 = func.call @rest(%h1, %heads1, %w1_2, %w1_3, %w1_4, %w1_5, %w1_6) : (!state, !kv, tensor<384x384xf32>, tensor<384xf32>, tensor<352x384xf32>, tensor<352x384xf32>, tensor<384x352xf32>) -> !state
    %w2_0 = ml_program.global_load_const @"blocks.2.norm1.weight" : tensor<384xf32>
    %w2_1 = ml_program.global_load_const @"blocks.2.attention.qkv.weight" : tensor<1152x384xf32>
    %w2_2 = ml_program.global_load_const @"blocks.2.attention.out.weight" : tensor<384x384xf32>
    %w2_3 = ml_program.global_load_const @"blocks.2.norm2.weight" : tensor<384xf32>
    %w2_4 = ml_program.global_load_const @"blocks.2.ffn.gate.weight" : tensor<352x384xf32>
    %w2_5 = ml_program.global_load_const @"blocks.2.ffn.up.weight" : tensor<352x384xf32>
    %w2_6 = ml_program.global_load_const @"blocks.2.ffn.down.weight" : tensor<384x352xf32>
    %q2, %n2, %m2 = func.call @qkv(%h2, %c0, %w2_0, %w2_1) : (!state, index, tensor<384xf32>, tensor<1152x384xf32>) -> (!kv, !kv, !kv)
    %heads2 = func.call @causal(%q2, %n2, %m2) : (!kv, !kv, !kv) -> !kv
    %h3 = func.call @rest(%h2, %heads2, %w2_2, %w2_3, %w2_4, %w2_5, %w2_6) : (!state, !kv, tensor<384x384xf32>, tensor<384xf32>, tensor<352x384xf32>, tensor<352x384xf32>, tensor<384x352xf32>) -> !state
    %w3_0 = ml_program.global_load_const @"blocks.3.norm1.weight" : tensor<384xf32>
    %w3_1 = ml_program.global_load_const @"blocks.3.attention.qkv.weight" : tensor<1152x384xf32>
    %w3_2 = ml_program.global_load_const @"blocks.3.attention.out.weight" : tensor<384x384xf32>
    %w3_3 = ml_program.global_load_const @"blocks.3.norm2.weight" : tensor<384xf32>
    %w3_4 = ml_program.global_load_const @"blocks.3.ffn.gate.weight" : tensor<352x384xf32>
    %w3_5 = ml_program.global_load_const @"blocks.3.ffn.up.weight" : tensor<352x384xf32>
    %w3_6 = ml_program.global_load_const @"blocks.3.ffn.down.weight" : tensor<384x352xf32>
    %q3, %n3, %m3 = func.call @qkv(%h3, %c0, %w3_0, %w3_1) : (!state, index, tensor<384xf32>, tensor<1152x384xf32>) -> (!kv, !kv, !kv)
    %heads3 = func.call @causal(%q3, %n3, %m3) : (!kv, !kv, !kv) -> !kv
    %h4 = func.call @rest(%h3, %heads3, %w3_2, %w3_3, %w3_4, %w3_5, %w3_6) : (!state, !kv, tensor<384x384xf32>, tensor<384xf32>, tensor<352x384xf32>, tensor<352x384xf32>, tensor<384x352xf32>) -> !state
    %norm = ml_program.global_load_const @"norm.weight" : tensor<384xf32>
    %hn = attn.rms_norm %h4 weight(%norm : tensor<384xf32>) eps(1.0e-6) : !state
    %lambda = func.call @gate(%hn) : (!state) -> tensor<?x?xf32>
    loop.yield %hn, %hn score(%lambda : tensor<?x?xf32>) : !state, !state
  }
  %head = ml_program.global_load_const @"head.weight" : tensor<256x384xf32>
  %el = tensor.empty(%b, %t) : tensor<?x?x256xf32>
  %zl = linalg.fill ins(%zero : f32) outs(%el : tensor<?x?x256xf32>) -> tensor<?x?x256xf32>
  %logits = linalg.contract indexing_maps = [#x, #w, #y] ins(%state, %head : !state, tensor<256x384xf32>) outs(%zl : tensor<?x?x256xf32>) -> tensor<?x?x256xf32>
  return %logits, %steps, %state : tensor<?x?x256xf32>, tensor<?x?xi32>, !state
}

// A token's keys (or values) at every step and layer: what layer l computes at a step holds for this step and all later ones.
func.func private @note(%notes: !note, %new: !kv, %step: index, %l: index) -> !note {
  %r = linalg.generic {indexing_maps = [affine_map<(b, u, l, h, c) -> (b, 0, h, c)>, affine_map<(b, u, l, h, c) -> (b, u, l, h, c)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel"]} ins(%new : !kv) outs(%notes : !note) {
  ^bb0(%n: f32, %old: f32):
    %u = linalg.index 1 : index
    %m = linalg.index 2 : index
    %later = arith.cmpi uge, %u, %step : index
    %here = arith.cmpi eq, %m, %l : index
    %both = arith.andi %later, %here : i1
    %s = arith.select %both, %n, %old : f32
    linalg.yield %s : f32
  } -> !note
  return %r : !note
}

// The cache with one more token.
func.func private @append(%notes: !note, %cache: !cache, %count: index) -> !cache {
  %c0 = arith.constant 0 : index
  %b = tensor.dim %notes, %c0 : !note
  %e = tensor.empty(%b) : tensor<6x4x?x6x64xf32>
  %t = linalg.transpose ins(%notes : !note) outs(%e : tensor<6x4x?x6x64xf32>) permutation = [1, 2, 0, 3, 4]
  %row = tensor.expand_shape %t [[0], [1], [2, 3], [4], [5]] output_shape [6, 4, %b, 1, 6, 64] : tensor<6x4x?x6x64xf32> into tensor<6x4x?x1x6x64xf32>
  %r = attn.ring_append %row into %cache along 3 count(%count) : tensor<6x4x?x1x6x64xf32>, !cache
  return %r : !cache
}

// One token of each sequence that runs, policy `latest`. The cache holds, for each step and layer, the keys and values that a token
// shows to others: those of its last loop from there on. When it is full, the oldest token is forgotten.
func.func private @read(%token: tensor<?xi32>, %runs: tensor<?xi1>, %q: f32, %k: !cache, %v: !cache, %count: tensor<i32>)
    -> (tensor<?x256xf32>, tensor<?xi32>, !cache, !cache, tensor<i32>) {
  %loops = arith.constant 6 : index
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %zero = arith.constant 0.0 : f32
  %b = tensor.dim %token, %c0 : tensor<?xi32>
  %capacity = tensor.dim %k, %c3 : !cache
  %at_i32 = tensor.extract %count[] : tensor<i32>
  %at = arith.index_cast %at_i32 : i32 to index
  %held = arith.minui %at, %capacity : index
  %table = ml_program.global_load_const @"embed.weight" : tensor<256x384xf32>
  %e = attn.gather_rows %table[%token] : tensor<256x384xf32>, tensor<?xi32> -> tensor<?x384xf32>
  %e1 = tensor.expand_shape %e [[0, 1], [2]] output_shape [%b, 1, 384] : tensor<?x384xf32> into tensor<?x1x384xf32>
  %en = tensor.empty(%b) : !note
  %none = linalg.fill ins(%zero : f32) outs(%en : !note) -> !note
  %last, %ks, %vs, %steps = loop.adaptive geometric threshold(%q) active(%running = %runs : tensor<?xi1>) cap(%loops) step(%u)
      carry(frozen %h = %e1 : tensor<?x1x384xf32>, frozen %ks0 = %none : !note, frozen %vs0 = %none : !note) {
    %u0 = arith.subi %u, %c1 : index
    %h0 = tensor.cast %h : tensor<?x1x384xf32> to !state
    %w0_0 = ml_program.global_load_const @"blocks.0.norm1.weight" : tensor<384xf32>
    %w0_1 = ml_program.global_load_const @"blocks.0.attention.qkv.weight" : tensor<1152x384xf32>
    %w0_2 = ml_program.global_load_const @"blocks.0.attention.out.weight" : tensor<384x384xf32>
    %w0_3 = ml_program.global_load_const @"blocks.0.norm2.weight" : tensor<384xf32>
    %w0_4 = ml_program.global_load_const @"blocks.0.ffn.gate.weight" : tensor<352x384xf32>
    %w0_5 = ml_program.global_load_const @"blocks.0.ffn.up.weight" : tensor<352x384xf32>
    %w0_6 = ml_program.global_load_const @"blocks.0.ffn.down.weight" : tensor<384x352xf32>
    %q0, %kn0, %vn0 = func.call @qkv(%h0, %at, %w0_0, %w0_1) : (!state, index, tensor<384xf32>, tensor<1152x384xf32>) -> (!kv, !kv, !kv)
    %kp0 = tensor.extract_slice %k[%u0, 0, 0, 0, 0, 0] [1, 1, %b, %capacity, 6, 64] [1, 1, 1, 1, 1, 1] : !cache to !kv
    %vp0 = tensor.extract_slice %v[%u0, 0, 0, 0, 0, 0] [1, 1, %b, %capacity, 6, 64] [1, 1, 1, 1, 1, 1] : !cache to !kv
    %l0 = arith.constant 0 : index
    %ks1 = func.call @note(%ks0, %kn0, %u0, %l0) : (!note, !kv, index, index) -> !note
    %vs1 = func.call @note(%vs0, %vn0, %u0, %l0) : (!note, !kv, index, index) -> !note
    %eh0 = tensor.empty(%b, %c1) : !kv
    %heads0 = attn.attention softmax scale(0.125)
        query %q0[b, i, g, d] : !kv
        source %kp0[b, j, g, d], %vp0[b, j, g, v] : !kv, !kv valid %held
        source %kn0[b, j, g, d], %vn0[b, j, g, v] : !kv, !kv
        into %eh0[b, i, g, v] : !kv
    %h1 = func.call @rest(%h0, %heads0, %w0_2, %w0_3, %w0_4, %w0_5, %w0_6) : (!state, !kv, tensor<384x384xf32>, tensor<384xf32>, tensor<352x384xf32>, tensor<352x384xf32>, tensor<384x352xf32>) -> !state
    %w1_0 = ml_program.global_load_const @"blocks.1.norm1.weight" : tensor<384xf32>
    %w1_1 = ml_program.global_load_const @"blocks.1.attention.qkv.weight" : tensor<1152x384xf32>
    %w1_2 = ml_program.global_load_const @"blocks.1.attention.out.weight" : tensor<384x384xf32>
    %w1_3 = ml_program.global_load_const @"blocks.1.norm2.weight" : tensor<384xf32>
    %w1_4 = ml_program.global_load_const @"blocks.1.ffn.gate.weight" : tensor<352x384xf32>
    %w1_5 = ml_program.global_load_const @"blocks.1.ffn.up.weight" : tensor<352x384xf32>
    %w1_6 = ml_program.global_load_const @"blocks.1.ffn.down.weight" : tensor<384x352xf32>
    %q1, %kn1, %vn1 = func.call @qkv(%h1, %at, %w1_0, %w1_1) : (!state, index, tensor<384xf32>, tensor<1152x384xf32>) -> (!kv, !kv, !kv)
    %kp1 = tensor.extract_slice %k[%u0, 1, 0, 0, 0, 0] [1, 1, %b, %capacity, 6, 64] [1, 1, 1, 1, 1, 1] : !cache to !kv
    %vp1 = tensor.extract_slice %v[%u0, 1, 0, 0, 0, 0] [1, 1, %b, %capacity, 6, 64] [1, 1, 1, 1, 1, 1] : !cache to !kv
    %l1 = arith.constant 1 : index
    %ks2 = func.call @note(%ks1, %kn1, %u0, %l1) : (!note, !kv, index, index) -> !note
    %vs2 = func.call @note(%vs1, %vn1, %u0, %l1) : (!note, !kv, index, index) -> !note
    %eh1 = tensor.empty(%b, %c1) : !kv
    %heads1 = attn.attention softmax scale(0.125)
        query %q1[b, i, g, d] : !kv
        source %kp1[b, j, g, d], %vp1[b, j, g, v] : !kv, !kv valid %held
        source %kn1[b, j, g, d], %vn1[b, j, g, v] : !kv, !kv
        into %eh1[b, i, g, v] : !kv
    %h2 = func.call @rest(%h1, %heads1, %w1_2, %w1_3, %w1_4, %w1_5, %w1_6) : (!state, !kv, tensor<384x384xf32>, tensor<384xf32>, tensor<352x384xf32>, tensor<352x384xf32>, tensor<384x352xf32>) -> !state
    %w2_0 = ml_program.global_load_const @"blocks.2.norm1.weight" : tensor<384xf32>
    %w2_1 = ml_program.global_load_const @"blocks.2.attention.qkv.weight" : tensor<1152x384xf32>
    %w2_2 = ml_program.global_load_const @"blocks.2.attention.out.weight" : tensor<384x384xf32>
    %w2_3 = ml_program.global_load_const @"blocks.2.norm2.weight" : tensor<384xf32>
    %w2_4 = ml_program.global_load_const @"blocks.2.ffn.gate.weight" : tensor<352x384xf32>
    %w2_5 = ml_program.global_load_const @"blocks.2.ffn.up.weight" : tensor<352x384xf32>
    %w2_6 = ml_program.global_load_const @"blocks.2.ffn.down.weight" : tensor<384x352xf32>
    %q2, %kn2, %vn2 = func.call @qkv(%h2, %at, %w2_0, %w2_1) : (!state, index, tensor<384xf32>, tensor<1152x384xf32>) -> (!kv, !kv, !kv)
    %kp2 = tensor.extract_slice %k[%u0, 2, 0, 0, 0, 0] [1, 1, %b, %capacity, 6, 64] [1, 1, 1, 1, 1, 1] : !cache to !kv
    %vp2 = tensor.extract_slice %v[%u0, 2, 0, 0, 0, 0] [1, 1, %b, %capacity, 6, 64] [1, 1, 1, 1, 1, 1] : !cache to !kv
    %l2 = arith.constant 2 : index
    %ks3 = func.call @note(%ks2, %kn2, %u0, %l2) : (!note, !kv, index, index) -> !note
    %vs3 = func.call @note(%vs2, %vn2, %u0, %l2) : (!note, !kv, index, index) -> !note
    %eh2 = tensor.empty(%b, %c1) : !kv
    %heads2 = attn.attention softmax scale(0.125)
        query %q2[b, i, g, d] : !kv
        source %kp2[b, j, g, d], %vp2[b, j, g, v] : !kv, !kv valid %held
        source %kn2[b, j, g, d], %vn2[b, j, g, v] : !kv, !kv
        into %eh2[b, i, g, v] : !kv
    %h3 = func.call @rest(%h2, %heads2, %w2_2, %w2_3, %w2_4, %w2_5, %w2_6) : (!state, !kv, tensor<384x384xf32>, tensor<384xf32>, tensor<352x384xf32>, tensor<352x384xf32>, tensor<384x352xf32>) -> !state
    %w3_0 = ml_program.global_load_const @"blocks.3.norm1.weight" : tensor<384xf32>
    %w3_1 = ml_program.global_load_const @"blocks.3.attention.qkv.weight" : tensor<1152x384xf32>
    %w3_2 = ml_program.global_load_const @"blocks.3.attention.out.weight" : tensor<384x384xf32>
    %w3_3 = ml_program.global_load_const @"blocks.3.norm2.weight" : tensor<384xf32>
    %w3_4 = ml_program.global_load_const @"blocks.3.ffn.gate.weight" : tensor<352x384xf32>
    %w3_5 = ml_program.global_load_const @"blocks.3.ffn.up.weight" : tensor<352x384xf32>
    %w3_6 = ml_program.global_load_const @"blocks.3.ffn.down.weight" : tensor<384x352xf32>
    %q3, %kn3, %vn3 = func.call @qkv(%h3, %at, %w3_0, %w3_1) : (!state, index, tensor<384xf32>, tensor<1152x384xf32>) -> (!kv, !kv, !kv)
    %kp3 = tensor.extract_slice %k[%u0, 3, 0, 0, 0, 0] [1, 1, %b, %capacity, 6, 64] [1, 1, 1, 1, 1, 1] : !cache to !kv
    %vp3 = tensor.extract_slice %v[%u0, 3, 0, 0, 0, 0] [1, 1, %b, %capacity, 6, 64] [1, 1, 1, 1, 1, 1] : !cache to !kv
    %l3 = arith.constant 3 : index
    %ks4 = func.call @note(%ks3, %kn3, %u0, %l3) : (!note, !kv, index, index) -> !note
    %vs4 = func.call @note(%vs3, %vn3, %u0, %l3) : (!note, !kv, index, index) -> !note
    %eh3 = tensor.empty(%b, %c1) : !kv
    %heads3 = attn.attention softmax scale(0.125)
        query %q3[b, i, g, d] : !kv
        source %kp3[b, j, g, d], %vp3[b, j, g, v] : !kv, !kv valid %held
        source %kn3[b, j, g, d], %vn3[b, j, g, v] : !kv, !kv
        into %eh3[b, i, g, v] : !kv
    %h4 = func.call @rest(%h3, %heads3, %w3_2, %w3_3, %w3_4, %w3_5, %w3_6) : (!state, !kv, tensor<384x384xf32>, tensor<384xf32>, tensor<352x384xf32>, tensor<352x384xf32>, tensor<384x352xf32>) -> !state
    %norm = ml_program.global_load_const @"norm.weight" : tensor<384xf32>
    %hn = attn.rms_norm %h4 weight(%norm : tensor<384xf32>) eps(1.0e-6) : !state
    %lambda = func.call @gate(%hn) : (!state) -> tensor<?x?xf32>
    %hn1 = tensor.cast %hn : !state to tensor<?x1x384xf32>
    %lambda1 = tensor.cast %lambda : tensor<?x?xf32> to tensor<?x1xf32>
    %score = tensor.collapse_shape %lambda1 [[0, 1]] : tensor<?x1xf32> into tensor<?xf32>
    loop.yield %hn1, %ks4, %vs4 score(%score : tensor<?xf32>) : tensor<?x1x384xf32>, !note, !note
  }
  %k_end = func.call @append(%ks, %k, %at) : (!note, !cache, index) -> !cache
  %v_end = func.call @append(%vs, %v, %at) : (!note, !cache, index) -> !cache
  %seen = arith.addi %at, %c1 : index
  %seen_i32 = arith.index_cast %seen : index to i32
  %count_end = tensor.insert %seen_i32 into %count[] : tensor<i32>
  %state = tensor.collapse_shape %last [[0, 1], [2]] : tensor<?x1x384xf32> into tensor<?x384xf32>
  %head = ml_program.global_load_const @"head.weight" : tensor<256x384xf32>
  %el = tensor.empty(%b) : tensor<?x256xf32>
  %zl = linalg.fill ins(%zero : f32) outs(%el : tensor<?x256xf32>) -> tensor<?x256xf32>
  %logits = linalg.contract indexing_maps = [affine_map<(b, n, k) -> (b, k)>, affine_map<(b, n, k) -> (n, k)>, affine_map<(b, n, k) -> (b, n)>] ins(%state, %head : tensor<?x384xf32>, tensor<256x384xf32>) outs(%zl : tensor<?x256xf32>) -> tensor<?x256xf32>
  return %logits, %steps, %k_end, %v_end, %count_end : tensor<?x256xf32>, tensor<?xi32>, !cache, !cache, tensor<i32>
}

// One token of each sequence.
func.func @decode(%token: tensor<?xi32> {attnc.name = "token", attnc.dims = ["B"]}, %q: f32 {attnc.name = "q"},
                  %k: !cache {attnc.state = "k", attnc.dims = ["B", "capacity C"], attnc.ring = {along = 3, count = "count"}}, %v: !cache {attnc.state = "v", attnc.dims = ["B", "capacity C"], attnc.ring = {along = 3, count = "count"}}, %count: tensor<i32> {attnc.state = "count"})
    -> (tensor<?x256xf32> {attnc.name = "logits", attnc.dims = ["B"]}, tensor<?xi32> {attnc.name = "steps", attnc.dims = ["B"]},
        !cache {attnc.state = "k"}, !cache {attnc.state = "v"}, tensor<i32> {attnc.state = "count"}) {
  %c0 = arith.constant 0 : index
  %true = arith.constant true
  %b = tensor.dim %token, %c0 : tensor<?xi32>
  %er = tensor.empty(%b) : tensor<?xi1>
  %everyone = linalg.fill ins(%true : i1) outs(%er : tensor<?xi1>) -> tensor<?xi1>
  %logits, %steps, %k_end, %v_end, %count_end = func.call @read(%token, %everyone, %q, %k, %v, %count) : (tensor<?xi32>, tensor<?xi1>, f32, !cache, !cache, tensor<i32>) -> (tensor<?x256xf32>, tensor<?xi32>, !cache, !cache, tensor<i32>)
  return %logits, %steps, %k_end, %v_end, %count_end : tensor<?x256xf32>, tensor<?xi32>, !cache, !cache, tensor<i32>
}
