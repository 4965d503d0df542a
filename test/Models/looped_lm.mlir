// looped_lm: four blocks looped up to six times, with an exit gate per token (models.md A9).
// Made by generate_looped_lm.py.
#x = affine_map<(b, t, n, k) -> (b, t, k)>
#w = affine_map<(b, t, n, k) -> (n, k)>
#y = affine_map<(b, t, n, k) -> (b, t, n)>
#all = affine_map<(b, t, c) -> (b, t, c)>
!state = tensor<?x?x384xf32>
!kv = tensor<?x?x6x64xf32>
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

// Rotated queries and keys, and values.
func.func private @qkv(%h: !state, %norm: tensor<384xf32>, %w: tensor<1152x384xf32>) -> (!kv, !kv, !kv) {
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
  %rq = attn.rotary half_split %q along [1] base(1.0e4) : !kv
  %rk = attn.rotary half_split %k along [1] base(1.0e4) : !kv
  return %rq, %rk, %v : !kv, !kv, !kv
}

// h + causal attention, then + the SwiGLU feed-forward.
func.func private @rest(%h: !state, %q: !kv, %k: !kv, %v: !kv, %wo: tensor<384x384xf32>, %norm: tensor<384xf32>, %wg: tensor<352x384xf32>, %wu: tensor<352x384xf32>, %wd: tensor<384x352xf32>) -> !state {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %b = tensor.dim %h, %c0 : !state
  %t = tensor.dim %h, %c1 : !state
  %ea = tensor.empty(%b, %t) : !kv
  %heads = attn.attention softmax scale(0.125)
      query %q[b, i, g, d] : !kv
      source %k[b, j, g, d], %v[b, j, g, v] : !kv, !kv
      into %ea[b, i, g, v] : !kv
      mask(%bi, %hi, %i, %j, %n) {
        %past = arith.cmpi sle, %j, %i : index
        attn.yield %past : i1
      }
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
    %q0, %n0, %m0 = func.call @qkv(%h0, %w0_0, %w0_1) : (!state, tensor<384xf32>, tensor<1152x384xf32>) -> (!kv, !kv, !kv)
    %kn0 = func.call @keep(%running, %n0, %k0) : (tensor<?x?xi1>, !kv, !kv) -> !kv
    %vn0 = func.call @keep(%running, %m0, %v0) : (tensor<?x?xi1>, !kv, !kv) -> !kv
    %h1 = func.call @rest(%h0, %q0, %kn0, %vn0, %w0_2, %w0_3, %w0_4, %w0_5, %w0_6) : (!state, !kv, !kv, !kv, tensor<384x384xf32>, tensor<384xf32>, tensor<352x384xf32>, tensor<352x384xf32>, tensor<384x352xf32>) -> !state
    %w1_0 = ml_program.global_load_const @"blocks.1.norm1.weight" : tensor<384xf32>
    %w1_1 = ml_program.global_load_const @"blocks.1.attention.qkv.weight" : tensor<1152x384xf32>
    %w1_2 = ml_program.global_load_const @"blocks.1.attention.out.weight" : tensor<384x384xf32>
    %w1_3 = ml_program.global_load_const @"blocks.1.norm2.weight" : tensor<384xf32>
    %w1_4 = ml_program.global_load_const @"blocks.1.ffn.gate.weight" : tensor<352x384xf32>
    %w1_5 = ml_program.global_load_const @"blocks.1.ffn.up.weight" : tensor<352x384xf32>
    %w1_6 = ml_program.global_load_const @"blocks.1.ffn.down.weight" : tensor<384x352xf32>
    %q1, %n1, %m1 = func.call @qkv(%h1, %w1_0, %w1_1) : (!state, tensor<384xf32>, tensor<1152x384xf32>) -> (!kv, !kv, !kv)
    %kn1 = func.call @keep(%running, %n1, %k1) : (tensor<?x?xi1>, !kv, !kv) -> !kv
    %vn1 = func.call @keep(%running, %m1, %v1) : (tensor<?x?xi1>, !kv, !kv) -> !kv
    %h2 = func.call @rest(%h1, %q1, %kn1, %vn1, %w1_2, %w1_3, %w1_4, %w1_5, %w1_6) : (!state, !kv, !kv, !kv, tensor<384x384xf32>, tensor<384xf32>, tensor<352x384xf32>, tensor<352x384xf32>, tensor<384x352xf32>) -> !state
    %w2_0 = ml_program.global_load_const @"blocks.2.norm1.weight" : tensor<384xf32>
    %w2_1 = ml_program.global_load_const @"blocks.2.attention.qkv.weight" : tensor<1152x384xf32>
    %w2_2 = ml_program.global_load_const @"blocks.2.attention.out.weight" : tensor<384x384xf32>
    %w2_3 = ml_program.global_load_const @"blocks.2.norm2.weight" : tensor<384xf32>
    %w2_4 = ml_program.global_load_const @"blocks.2.ffn.gate.weight" : tensor<352x384xf32>
    %w2_5 = ml_program.global_load_const @"blocks.2.ffn.up.weight" : tensor<352x384xf32>
    %w2_6 = ml_program.global_load_const @"blocks.2.ffn.down.weight" : tensor<384x352xf32>
    %q2, %n2, %m2 = func.call @qkv(%h2, %w2_0, %w2_1) : (!state, tensor<384xf32>, tensor<1152x384xf32>) -> (!kv, !kv, !kv)
    %kn2 = func.call @keep(%running, %n2, %k2) : (tensor<?x?xi1>, !kv, !kv) -> !kv
    %vn2 = func.call @keep(%running, %m2, %v2) : (tensor<?x?xi1>, !kv, !kv) -> !kv
    %h3 = func.call @rest(%h2, %q2, %kn2, %vn2, %w2_2, %w2_3, %w2_4, %w2_5, %w2_6) : (!state, !kv, !kv, !kv, tensor<384x384xf32>, tensor<384xf32>, tensor<352x384xf32>, tensor<352x384xf32>, tensor<384x352xf32>) -> !state
    %w3_0 = ml_program.global_load_const @"blocks.3.norm1.weight" : tensor<384xf32>
    %w3_1 = ml_program.global_load_const @"blocks.3.attention.qkv.weight" : tensor<1152x384xf32>
    %w3_2 = ml_program.global_load_const @"blocks.3.attention.out.weight" : tensor<384x384xf32>
    %w3_3 = ml_program.global_load_const @"blocks.3.norm2.weight" : tensor<384xf32>
    %w3_4 = ml_program.global_load_const @"blocks.3.ffn.gate.weight" : tensor<352x384xf32>
    %w3_5 = ml_program.global_load_const @"blocks.3.ffn.up.weight" : tensor<352x384xf32>
    %w3_6 = ml_program.global_load_const @"blocks.3.ffn.down.weight" : tensor<384x352xf32>
    %q3, %n3, %m3 = func.call @qkv(%h3, %w3_0, %w3_1) : (!state, tensor<384xf32>, tensor<1152x384xf32>) -> (!kv, !kv, !kv)
    %kn3 = func.call @keep(%running, %n3, %k3) : (tensor<?x?xi1>, !kv, !kv) -> !kv
    %vn3 = func.call @keep(%running, %m3, %v3) : (tensor<?x?xi1>, !kv, !kv) -> !kv
    %h4 = func.call @rest(%h3, %q3, %kn3, %vn3, %w3_2, %w3_3, %w3_4, %w3_5, %w3_6) : (!state, !kv, !kv, !kv, tensor<384x384xf32>, tensor<384xf32>, tensor<352x384xf32>, tensor<352x384xf32>, tensor<384x352xf32>) -> !state
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
    %q0, %n0, %m0 = func.call @qkv(%h0, %w0_0, %w0_1) : (!state, tensor<384xf32>, tensor<1152x384xf32>) -> (!kv, !kv, !kv)
    %h1 = func.call @rest(%h0, %q0, %n0, %m0, %w0_2, %w0_3, %w0_4, %w0_5, %w0_6) : (!state, !kv, !kv, !kv, tensor<384x384xf32>, tensor<384xf32>, tensor<352x384xf32>, tensor<352x384xf32>, tensor<384x352xf32>) -> !state
    %w1_0 = ml_program.global_load_const @"blocks.1.norm1.weight" : tensor<384xf32>
    %w1_1 = ml_program.global_load_const @"blocks.1.attention.qkv.weight" : tensor<1152x384xf32>
    %w1_2 = ml_program.global_load_const @"blocks.1.attention.out.weight" : tensor<384x384xf32>
    %w1_3 = ml_program.global_load_const @"blocks.1.norm2.weight" : tensor<384xf32>
    %w1_4 = ml_program.global_load_const @"blocks.1.ffn.gate.weight" : tensor<352x384xf32>
    %w1_5 = ml_program.global_load_const @"blocks.1.ffn.up.weight" : tensor<352x384xf32>
    %w1_6 = ml_program.global_load_const @"blocks.1.ffn.down.weight" : tensor<384x352xf32>
    %q1, %n1, %m1 = func.call @qkv(%h1, %w1_0, %w1_1) : (!state, tensor<384xf32>, tensor<1152x384xf32>) -> (!kv, !kv, !kv)
    %h2 = func.call @rest(%h1, %q1, %n1, %m1, %w1_2, %w1_3, %w1_4, %w1_5, %w1_6) : (!state, !kv, !kv, !kv, tensor<384x384xf32>, tensor<384xf32>, tensor<352x384xf32>, tensor<352x384xf32>, tensor<384x352xf32>) -> !state
    %w2_0 = ml_program.global_load_const @"blocks.2.norm1.weight" : tensor<384xf32>
    %w2_1 = ml_program.global_load_const @"blocks.2.attention.qkv.weight" : tensor<1152x384xf32>
    %w2_2 = ml_program.global_load_const @"blocks.2.attention.out.weight" : tensor<384x384xf32>
    %w2_3 = ml_program.global_load_const @"blocks.2.norm2.weight" : tensor<384xf32>
    %w2_4 = ml_program.global_load_const @"blocks.2.ffn.gate.weight" : tensor<352x384xf32>
    %w2_5 = ml_program.global_load_const @"blocks.2.ffn.up.weight" : tensor<352x384xf32>
    %w2_6 = ml_program.global_load_const @"blocks.2.ffn.down.weight" : tensor<384x352xf32>
    %q2, %n2, %m2 = func.call @qkv(%h2, %w2_0, %w2_1) : (!state, tensor<384xf32>, tensor<1152x384xf32>) -> (!kv, !kv, !kv)
    %h3 = func.call @rest(%h2, %q2, %n2, %m2, %w2_2, %w2_3, %w2_4, %w2_5, %w2_6) : (!state, !kv, !kv, !kv, tensor<384x384xf32>, tensor<384xf32>, tensor<352x384xf32>, tensor<352x384xf32>, tensor<384x352xf32>) -> !state
    %w3_0 = ml_program.global_load_const @"blocks.3.norm1.weight" : tensor<384xf32>
    %w3_1 = ml_program.global_load_const @"blocks.3.attention.qkv.weight" : tensor<1152x384xf32>
    %w3_2 = ml_program.global_load_const @"blocks.3.attention.out.weight" : tensor<384x384xf32>
    %w3_3 = ml_program.global_load_const @"blocks.3.norm2.weight" : tensor<384xf32>
    %w3_4 = ml_program.global_load_const @"blocks.3.ffn.gate.weight" : tensor<352x384xf32>
    %w3_5 = ml_program.global_load_const @"blocks.3.ffn.up.weight" : tensor<352x384xf32>
    %w3_6 = ml_program.global_load_const @"blocks.3.ffn.down.weight" : tensor<384x352xf32>
    %q3, %n3, %m3 = func.call @qkv(%h3, %w3_0, %w3_1) : (!state, tensor<384xf32>, tensor<1152x384xf32>) -> (!kv, !kv, !kv)
    %h4 = func.call @rest(%h3, %q3, %n3, %m3, %w3_2, %w3_3, %w3_4, %w3_5, %w3_6) : (!state, !kv, !kv, !kv, tensor<384x384xf32>, tensor<384xf32>, tensor<352x384xf32>, tensor<352x384xf32>, tensor<384x352xf32>) -> !state
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
