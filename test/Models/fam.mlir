// fam: TransformerFAM, a decoder whose layers feed a memory of 16 rows from block to block (models.md B1).
// Made by generate_fam.py. Blocks have 64 tokens; tokens and FAM share all weights.
#x = affine_map<(b, t, n, k) -> (b, t, k)>
#w = affine_map<(b, t, n, k) -> (n, k)>
#y = affine_map<(b, t, n, k) -> (b, t, n)>
#all = affine_map<(b, t, c) -> (b, t, c)>
!x = tensor<?x?x256xf32>
!heads = tensor<?x?x8x32xf32>
!fam = tensor<?x16x256xf32>
!ring = tensor<?x8x64x32xf32>
!fams = tensor<4x?x16x256xf32>
!rings = tensor<4x?x8x64x32xf32>

ml_program.global private @"embed.weight"(#ml_program.extern : tensor<304x256xf32>) : tensor<304x256xf32>
ml_program.global private @"fam.prompt"(#ml_program.extern : tensor<16x256xf32>) : tensor<16x256xf32>
ml_program.global private @"norm.weight"(#ml_program.extern : tensor<256xf32>) : tensor<256xf32>
ml_program.global private @"norm.bias"(#ml_program.extern : tensor<256xf32>) : tensor<256xf32>
ml_program.global private @"head.weight"(#ml_program.extern : tensor<16x256xf32>) : tensor<16x256xf32>
ml_program.global private @"head.bias"(#ml_program.extern : tensor<16xf32>) : tensor<16xf32>
ml_program.global private @"layers.0.norm1.weight"(#ml_program.extern : tensor<256xf32>) : tensor<256xf32>
ml_program.global private @"layers.0.norm1.bias"(#ml_program.extern : tensor<256xf32>) : tensor<256xf32>
ml_program.global private @"layers.0.attention.qkv.weight"(#ml_program.extern : tensor<768x256xf32>) : tensor<768x256xf32>
ml_program.global private @"layers.0.attention.out.weight"(#ml_program.extern : tensor<256x256xf32>) : tensor<256x256xf32>
ml_program.global private @"layers.0.norm2.weight"(#ml_program.extern : tensor<256xf32>) : tensor<256xf32>
ml_program.global private @"layers.0.norm2.bias"(#ml_program.extern : tensor<256xf32>) : tensor<256xf32>
ml_program.global private @"layers.0.ffn.up.weight"(#ml_program.extern : tensor<1024x256xf32>) : tensor<1024x256xf32>
ml_program.global private @"layers.0.ffn.up.bias"(#ml_program.extern : tensor<1024xf32>) : tensor<1024xf32>
ml_program.global private @"layers.0.ffn.down.weight"(#ml_program.extern : tensor<256x1024xf32>) : tensor<256x1024xf32>
ml_program.global private @"layers.0.ffn.down.bias"(#ml_program.extern : tensor<256xf32>) : tensor<256xf32>
ml_program.global private @"layers.1.norm1.weight"(#ml_program.extern : tensor<256xf32>) : tensor<256xf32>
ml_program.global private @"layers.1.norm1.bias"(#ml_program.extern : tensor<256xf32>) : tensor<256xf32>
ml_program.global private @"layers.1.attention.qkv.weight"(#ml_program.extern : tensor<768x256xf32>) : tensor<768x256xf32>
ml_program.global private @"layers.1.attention.out.weight"(#ml_program.extern : tensor<256x256xf32>) : tensor<256x256xf32>
ml_program.global private @"layers.1.norm2.weight"(#ml_program.extern : tensor<256xf32>) : tensor<256xf32>
ml_program.global private @"layers.1.norm2.bias"(#ml_program.extern : tensor<256xf32>) : tensor<256xf32>
ml_program.global private @"layers.1.ffn.up.weight"(#ml_program.extern : tensor<1024x256xf32>) : tensor<1024x256xf32>
ml_program.global private @"layers.1.ffn.up.bias"(#ml_program.extern : tensor<1024xf32>) : tensor<1024xf32>
ml_program.global private @"layers.1.ffn.down.weight"(#ml_program.extern : tensor<256x1024xf32>) : tensor<256x1024xf32>
ml_program.global private @"layers.1.ffn.down.bias"(#ml_program.extern : tensor<256xf32>) : tensor<256xf32>
ml_program.global private @"layers.2.norm1.weight"(#ml_program.extern : tensor<256xf32>) : tensor<256xf32>
ml_program.global private @"layers.2.norm1.bias"(#ml_program.extern : tensor<256xf32>) : tensor<256xf32>
ml_program.global private @"layers.2.attention.qkv.weight"(#ml_program.extern : tensor<768x256xf32>) : tensor<768x256xf32>
ml_program.global private @"layers.2.attention.out.weight"(#ml_program.extern : tensor<256x256xf32>) : tensor<256x256xf32>
ml_program.global private @"layers.2.norm2.weight"(#ml_program.extern : tensor<256xf32>) : tensor<256xf32>
ml_program.global private @"layers.2.norm2.bias"(#ml_program.extern : tensor<256xf32>) : tensor<256xf32>
ml_program.global private @"layers.2.ffn.up.weight"(#ml_program.extern : tensor<1024x256xf32>) : tensor<1024x256xf32>
ml_program.global private @"layers.2.ffn.up.bias"(#ml_program.extern : tensor<1024xf32>) : tensor<1024xf32>
ml_program.global private @"layers.2.ffn.down.weight"(#ml_program.extern : tensor<256x1024xf32>) : tensor<256x1024xf32>
ml_program.global private @"layers.2.ffn.down.bias"(#ml_program.extern : tensor<256xf32>) : tensor<256xf32>
ml_program.global private @"layers.3.norm1.weight"(#ml_program.extern : tensor<256xf32>) : tensor<256xf32>
ml_program.global private @"layers.3.norm1.bias"(#ml_program.extern : tensor<256xf32>) : tensor<256xf32>
ml_program.global private @"layers.3.attention.qkv.weight"(#ml_program.extern : tensor<768x256xf32>) : tensor<768x256xf32>
ml_program.global private @"layers.3.attention.out.weight"(#ml_program.extern : tensor<256x256xf32>) : tensor<256x256xf32>
ml_program.global private @"layers.3.norm2.weight"(#ml_program.extern : tensor<256xf32>) : tensor<256xf32>
ml_program.global private @"layers.3.norm2.bias"(#ml_program.extern : tensor<256xf32>) : tensor<256xf32>
ml_program.global private @"layers.3.ffn.up.weight"(#ml_program.extern : tensor<1024x256xf32>) : tensor<1024x256xf32>
ml_program.global private @"layers.3.ffn.up.bias"(#ml_program.extern : tensor<1024xf32>) : tensor<1024xf32>
ml_program.global private @"layers.3.ffn.down.weight"(#ml_program.extern : tensor<256x1024xf32>) : tensor<256x1024xf32>
ml_program.global private @"layers.3.ffn.down.bias"(#ml_program.extern : tensor<256xf32>) : tensor<256xf32>

// x W^T.
func.func private @linear_qkv(%x: tensor<?x?x256xf32>, %w: tensor<768x256xf32>) -> (tensor<?x?x768xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : tensor<?x?x256xf32>
  %t = tensor.dim %x, %c1 : tensor<?x?x256xf32>
  %e = tensor.empty(%b, %t) : tensor<?x?x768xf32>
  %zero = arith.constant 0.0 : f32
  %s = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x768xf32>) -> tensor<?x?x768xf32>
  %y = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : tensor<?x?x256xf32>, tensor<768x256xf32>) outs(%s : tensor<?x?x768xf32>) -> tensor<?x?x768xf32>
  return %y : tensor<?x?x768xf32>
}

// x W^T.
func.func private @linear_out(%x: tensor<?x?x256xf32>, %w: tensor<256x256xf32>) -> (tensor<?x?x256xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : tensor<?x?x256xf32>
  %t = tensor.dim %x, %c1 : tensor<?x?x256xf32>
  %e = tensor.empty(%b, %t) : tensor<?x?x256xf32>
  %zero = arith.constant 0.0 : f32
  %s = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x256xf32>) -> tensor<?x?x256xf32>
  %y = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : tensor<?x?x256xf32>, tensor<256x256xf32>) outs(%s : tensor<?x?x256xf32>) -> tensor<?x?x256xf32>
  return %y : tensor<?x?x256xf32>
}

// x W^T + b.
func.func private @linear_up(%x: tensor<?x?x256xf32>, %w: tensor<1024x256xf32>, %bias: tensor<1024xf32>) -> (tensor<?x?x1024xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : tensor<?x?x256xf32>
  %t = tensor.dim %x, %c1 : tensor<?x?x256xf32>
  %e = tensor.empty(%b, %t) : tensor<?x?x1024xf32>
  %s = linalg.broadcast ins(%bias : tensor<1024xf32>) outs(%e : tensor<?x?x1024xf32>) dimensions = [0, 1]
  %y = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : tensor<?x?x256xf32>, tensor<1024x256xf32>) outs(%s : tensor<?x?x1024xf32>) -> tensor<?x?x1024xf32>
  return %y : tensor<?x?x1024xf32>
}

// x W^T + b.
func.func private @linear_down(%x: tensor<?x?x1024xf32>, %w: tensor<256x1024xf32>, %bias: tensor<256xf32>) -> (tensor<?x?x256xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : tensor<?x?x1024xf32>
  %t = tensor.dim %x, %c1 : tensor<?x?x1024xf32>
  %e = tensor.empty(%b, %t) : tensor<?x?x256xf32>
  %s = linalg.broadcast ins(%bias : tensor<256xf32>) outs(%e : tensor<?x?x256xf32>) dimensions = [0, 1]
  %y = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : tensor<?x?x1024xf32>, tensor<256x1024xf32>) outs(%s : tensor<?x?x256xf32>) -> tensor<?x?x256xf32>
  return %y : tensor<?x?x256xf32>
}

// x W^T + b.
func.func private @linear_head(%x: tensor<?x?x256xf32>, %w: tensor<16x256xf32>, %bias: tensor<16xf32>) -> (tensor<?x?x16xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : tensor<?x?x256xf32>
  %t = tensor.dim %x, %c1 : tensor<?x?x256xf32>
  %e = tensor.empty(%b, %t) : tensor<?x?x16xf32>
  %s = linalg.broadcast ins(%bias : tensor<16xf32>) outs(%e : tensor<?x?x16xf32>) dimensions = [0, 1]
  %y = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : tensor<?x?x256xf32>, tensor<16x256xf32>) outs(%s : tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  return %y : tensor<?x?x16xf32>
}

// x Φ(x).
func.func private @gelu(%x: tensor<?x?x1024xf32>) -> (tensor<?x?x1024xf32>) {
  %half = arith.constant 0.5 : f32
  %one = arith.constant 1.0 : f32
  %root_f64 = arith.constant 0.70710678118654757 : f64
  %root = arith.truncf %root_f64 : f64 to f32
  %y = linalg.generic {indexing_maps = [#all], iterator_types = ["parallel", "parallel", "parallel"]} outs(%x : tensor<?x?x1024xf32>) {
  ^bb0(%u: f32):
    %s = arith.mulf %u, %root : f32
    %e = math.erf %s : f32
    %p = arith.addf %e, %one : f32
    %h = arith.mulf %u, %half : f32
    %g = arith.mulf %h, %p : f32
    linalg.yield %g : f32
  } -> tensor<?x?x1024xf32>
  return %y : tensor<?x?x1024xf32>
}

// Q, K, V = QKV(LN x), queries and keys rotated from positions q_at and k_at on.
func.func private @project(%x: !x, %q_at: index, %k_at: index, %g1: tensor<256xf32>, %b1: tensor<256xf32>, %qkv: tensor<768x256xf32>) -> (!heads, !heads, !heads) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : !x
  %t = tensor.dim %x, %c1 : !x
  %n = attn.layer_norm %x weight(%g1 : tensor<256xf32>) bias(%b1 : tensor<256xf32>) eps(1.0e-5) : !x
  %p = func.call @linear_qkv(%n, %qkv) : (tensor<?x?x256xf32>, tensor<768x256xf32>) -> (tensor<?x?x768xf32>)
  %s = tensor.expand_shape %p [[0], [1], [2, 3, 4]] output_shape [%b, %t, 3, 8, 32] : tensor<?x?x768xf32> into tensor<?x?x3x8x32xf32>
  %qs = tensor.extract_slice %s[0, 0, 0, 0, 0] [%b, %t, 1, 8, 32] [1, 1, 1, 1, 1] : tensor<?x?x3x8x32xf32> to tensor<?x?x1x8x32xf32>
  %q = tensor.collapse_shape %qs [[0], [1], [2, 3], [4]] : tensor<?x?x1x8x32xf32> into !heads
  %ks = tensor.extract_slice %s[0, 0, 1, 0, 0] [%b, %t, 1, 8, 32] [1, 1, 1, 1, 1] : tensor<?x?x3x8x32xf32> to tensor<?x?x1x8x32xf32>
  %k = tensor.collapse_shape %ks [[0], [1], [2, 3], [4]] : tensor<?x?x1x8x32xf32> into !heads
  %vs = tensor.extract_slice %s[0, 0, 2, 0, 0] [%b, %t, 1, 8, 32] [1, 1, 1, 1, 1] : tensor<?x?x3x8x32xf32> to tensor<?x?x1x8x32xf32>
  %v = tensor.collapse_shape %vs [[0], [1], [2, 3], [4]] : tensor<?x?x1x8x32xf32> into !heads
  %rq = attn.rotary half_split %q along [1] offset(%q_at) base(1.0e4) : !heads
  %rk = attn.rotary half_split %k along [1] offset(%k_at) base(1.0e4) : !heads
  return %rq, %rk, %v : !heads, !heads, !heads
}

// The heads side by side, projected.
func.func private @merge(%heads: !heads, %out: tensor<256x256xf32>) -> (!x) {
  %a = tensor.collapse_shape %heads [[0], [1], [2, 3]] : !heads into !x
  %o = func.call @linear_out(%a, %out) : (tensor<?x?x256xf32>, tensor<256x256xf32>) -> (tensor<?x?x256xf32>)
  return %o : !x
}

// FF(LN A) + A.
func.func private @feed_forward(%a: !x, %g2: tensor<256xf32>, %b2: tensor<256xf32>, %up: tensor<1024x256xf32>, %up_bias: tensor<1024xf32>, %down: tensor<256x1024xf32>, %down_bias: tensor<256xf32>) -> (!x) {
  %n = attn.layer_norm %a weight(%g2 : tensor<256xf32>) bias(%b2 : tensor<256xf32>) eps(1.0e-5) : !x
  %u = func.call @linear_up(%n, %up, %up_bias) : (tensor<?x?x256xf32>, tensor<1024x256xf32>, tensor<1024xf32>) -> (tensor<?x?x1024xf32>)
  %g = func.call @gelu(%u) : (tensor<?x?x1024xf32>) -> (tensor<?x?x1024xf32>)
  %d = func.call @linear_down(%g, %down, %down_bias) : (tensor<?x?x1024xf32>, tensor<256x1024xf32>, tensor<256xf32>) -> (tensor<?x?x256xf32>)
  %y = arith.addf %d, %a : !x
  return %y : !x
}

// The block's keys or values become the memory segment.
func.func private @append(%new: !heads, %ring: !ring, %count: index) -> (!ring) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %new, %c0 : !heads
  %t = tensor.dim %new, %c1 : !heads
  %e = tensor.empty(%b, %t) : tensor<?x8x?x32xf32>
  %rows = linalg.transpose ins(%new : !heads) outs(%e : tensor<?x8x?x32xf32>) permutation = [0, 2, 1, 3]
  %r = attn.ring_append %rows into %ring along 2 count(%count) : tensor<?x8x?x32xf32>, !ring
  return %r : !ring
}

// One block of tokens x through a layer with its FAM and memory segment: what goes up, and the three states.
func.func private @layer(%x: !x, %f: !fam, %k_ring: !ring, %v_ring: !ring, %block: index, %g1: tensor<256xf32>, %b1: tensor<256xf32>, %qkv: tensor<768x256xf32>, %out: tensor<256x256xf32>, %g2: tensor<256xf32>, %b2: tensor<256xf32>, %up: tensor<1024x256xf32>, %up_bias: tensor<1024xf32>, %down: tensor<256x1024xf32>, %down_bias: tensor<256xf32>) -> (!x, !fam, !ring, !ring) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant 0.0 : f32
  %at = arith.muli %block, %c64 : index
  %end = arith.addi %at, %c64 : index
  %before = arith.subi %at, %c16 : index
  %after = arith.subi %end, %c16 : index
  %fx = tensor.cast %f : !fam to !x
  %q, %k, %v = func.call @project(%x, %at, %at, %g1, %b1, %qkv) : (!x, index, index, tensor<256xf32>, tensor<256xf32>, tensor<768x256xf32>) -> (!heads, !heads, !heads)
  %qf, %kf, %vf = func.call @project(%fx, %after, %before, %g1, %b1, %qkv) : (!x, index, index, tensor<256xf32>, tensor<256xf32>, tensor<768x256xf32>) -> (!heads, !heads, !heads)

  // Tokens attend to the memory segment, FAM, and their own block up to themselves.
  %b = tensor.dim %x, %c0 : !x
  %t = tensor.dim %x, %c1 : !x
  %held = arith.minui %at, %c64 : index
  %e = tensor.empty(%b, %t) : !heads
  %heads = attn.attention softmax scale(0.17677669529663687)
      query %q[b, i, g, d] : !heads
      source %k_ring[b, g, j, d], %v_ring[b, g, j, v] : !ring, !ring valid %held
      source %kf[b, j, g, d], %vf[b, j, g, v] : !heads, !heads
      source %k[b, j, g, d], %v[b, j, g, v] : !heads, !heads mask(%b, %h, %i, %j, %n) {
        %past = arith.cmpi sle, %j, %i : index
        attn.yield %past : i1
      }
      into %e[b, i, g, v] : !heads
  %o = func.call @merge(%heads, %out) : (!heads, tensor<256x256xf32>) -> (!x)
  %a = arith.addf %o, %x : !x
  %y = func.call @feed_forward(%a, %g2, %b2, %up, %up_bias, %down, %down_bias) : (!x, tensor<256xf32>, tensor<256xf32>, tensor<1024x256xf32>, tensor<1024xf32>, tensor<256x1024xf32>, tensor<256xf32>) -> (!x)

  // FAM attends to itself and the whole block; its first update has no residual.
  %ef = tensor.empty(%b, %c16) : !heads
  %heads_f = attn.attention softmax scale(0.17677669529663687)
      query %qf[b, i, g, d] : !heads
      source %kf[b, j, g, d], %vf[b, j, g, v] : !heads, !heads
      source %k[b, j, g, d], %v[b, j, g, v] : !heads, !heads
      into %ef[b, i, g, v] : !heads
  %of = func.call @merge(%heads_f, %out) : (!heads, tensor<256x256xf32>) -> (!x)
  %first = arith.cmpi eq, %block, %c0 : index
  %af = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel", "parallel"]} ins(%fx : !x) outs(%of : !x) {
  ^bb0(%old: f32, %new: f32):
    %residual = arith.select %first, %zero, %old : f32
    %sum = arith.addf %new, %residual : f32
    linalg.yield %sum : f32
  } -> !x
  %yf = func.call @feed_forward(%af, %g2, %b2, %up, %up_bias, %down, %down_bias) : (!x, tensor<256xf32>, tensor<256xf32>, tensor<1024x256xf32>, tensor<1024xf32>, tensor<256x1024xf32>, tensor<256xf32>) -> (!x)
  %next = tensor.cast %yf : !x to !fam

  %k_next = func.call @append(%k, %k_ring, %at) : (!heads, !ring, index) -> (!ring)
  %v_next = func.call @append(%v, %v_ring, %at) : (!heads, !ring, index) -> (!ring)
  return %y, %next, %k_next, %v_next : !x, !fam, !ring, !ring
}

// F_0 of every layer: the learned rows, carried up like a soft prompt; the same for all sequences.
func.func @start(%b: index {attnc.name = "B"}) -> !fams {
  %prompt = ml_program.global_load_const @"fam.prompt" : tensor<16x256xf32>
  %from = arith.constant -16 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %eh = tensor.empty(%c1, %c16) : !heads
  %one = tensor.expand_shape %prompt [[0, 1], [2]] output_shape [1, 16, 256] : tensor<16x256xf32> into tensor<1x16x256xf32>
  %x_0 = tensor.cast %one : tensor<1x16x256xf32> to !x
  %all_0 = tensor.empty() : tensor<4x16x256xf32>
  %f_0 = tensor.cast %x_0 : !x to tensor<1x16x256xf32>
  %all_1 = tensor.insert_slice %f_0 into %all_0[0, 0, 0] [1, 16, 256] [1, 1, 1] : tensor<1x16x256xf32> into tensor<4x16x256xf32>
  %g1_0 = ml_program.global_load_const @"layers.0.norm1.weight" : tensor<256xf32>
  %b1_0 = ml_program.global_load_const @"layers.0.norm1.bias" : tensor<256xf32>
  %qkv_0 = ml_program.global_load_const @"layers.0.attention.qkv.weight" : tensor<768x256xf32>
  %out_0 = ml_program.global_load_const @"layers.0.attention.out.weight" : tensor<256x256xf32>
  %g2_0 = ml_program.global_load_const @"layers.0.norm2.weight" : tensor<256xf32>
  %b2_0 = ml_program.global_load_const @"layers.0.norm2.bias" : tensor<256xf32>
  %up_0 = ml_program.global_load_const @"layers.0.ffn.up.weight" : tensor<1024x256xf32>
  %up_bias_0 = ml_program.global_load_const @"layers.0.ffn.up.bias" : tensor<1024xf32>
  %down_0 = ml_program.global_load_const @"layers.0.ffn.down.weight" : tensor<256x1024xf32>
  %down_bias_0 = ml_program.global_load_const @"layers.0.ffn.down.bias" : tensor<256xf32>
  %q_0, %k_0, %v_0 = func.call @project(%x_0, %from, %from, %g1_0, %b1_0, %qkv_0) : (!x, index, index, tensor<256xf32>, tensor<256xf32>, tensor<768x256xf32>) -> (!heads, !heads, !heads)
  %heads_0 = attn.attention softmax scale(0.17677669529663687)
      query %q_0[b, i, g, d] : !heads
      source %k_0[b, j, g, d], %v_0[b, j, g, v] : !heads, !heads
      into %eh[b, i, g, v] : !heads
  %o_0 = func.call @merge(%heads_0, %out_0) : (!heads, tensor<256x256xf32>) -> (!x)
  %a_0 = arith.addf %o_0, %x_0 : !x
  %x_1 = func.call @feed_forward(%a_0, %g2_0, %b2_0, %up_0, %up_bias_0, %down_0, %down_bias_0) : (!x, tensor<256xf32>, tensor<256xf32>, tensor<1024x256xf32>, tensor<1024xf32>, tensor<256x1024xf32>, tensor<256xf32>) -> (!x)
  %f_1 = tensor.cast %x_1 : !x to tensor<1x16x256xf32>
  %all_2 = tensor.insert_slice %f_1 into %all_1[1, 0, 0] [1, 16, 256] [1, 1, 1] : tensor<1x16x256xf32> into tensor<4x16x256xf32>
  %g1_1 = ml_program.global_load_const @"layers.1.norm1.weight" : tensor<256xf32>
  %b1_1 = ml_program.global_load_const @"layers.1.norm1.bias" : tensor<256xf32>
  %qkv_1 = ml_program.global_load_const @"layers.1.attention.qkv.weight" : tensor<768x256xf32>
  %out_1 = ml_program.global_load_const @"layers.1.attention.out.weight" : tensor<256x256xf32>
  %g2_1 = ml_program.global_load_const @"layers.1.norm2.weight" : tensor<256xf32>
  %b2_1 = ml_program.global_load_const @"layers.1.norm2.bias" : tensor<256xf32>
  %up_1 = ml_program.global_load_const @"layers.1.ffn.up.weight" : tensor<1024x256xf32>
  %up_bias_1 = ml_program.global_load_const @"layers.1.ffn.up.bias" : tensor<1024xf32>
  %down_1 = ml_program.global_load_const @"layers.1.ffn.down.weight" : tensor<256x1024xf32>
  %down_bias_1 = ml_program.global_load_const @"layers.1.ffn.down.bias" : tensor<256xf32>
  %q_1, %k_1, %v_1 = func.call @project(%x_1, %from, %from, %g1_1, %b1_1, %qkv_1) : (!x, index, index, tensor<256xf32>, tensor<256xf32>, tensor<768x256xf32>) -> (!heads, !heads, !heads)
  %heads_1 = attn.attention softmax scale(0.17677669529663687)
      query %q_1[b, i, g, d] : !heads
      source %k_1[b, j, g, d], %v_1[b, j, g, v] : !heads, !heads
      into %eh[b, i, g, v] : !heads
  %o_1 = func.call @merge(%heads_1, %out_1) : (!heads, tensor<256x256xf32>) -> (!x)
  %a_1 = arith.addf %o_1, %x_1 : !x
  %x_2 = func.call @feed_forward(%a_1, %g2_1, %b2_1, %up_1, %up_bias_1, %down_1, %down_bias_1) : (!x, tensor<256xf32>, tensor<256xf32>, tensor<1024x256xf32>, tensor<1024xf32>, tensor<256x1024xf32>, tensor<256xf32>) -> (!x)
  %f_2 = tensor.cast %x_2 : !x to tensor<1x16x256xf32>
  %all_3 = tensor.insert_slice %f_2 into %all_2[2, 0, 0] [1, 16, 256] [1, 1, 1] : tensor<1x16x256xf32> into tensor<4x16x256xf32>
  %g1_2 = ml_program.global_load_const @"layers.2.norm1.weight" : tensor<256xf32>
  %b1_2 = ml_program.global_load_const @"layers.2.norm1.bias" : tensor<256xf32>
  %qkv_2 = ml_program.global_load_const @"layers.2.attention.qkv.weight" : tensor<768x256xf32>
  %out_2 = ml_program.global_load_const @"layers.2.attention.out.weight" : tensor<256x256xf32>
  %g2_2 = ml_program.global_load_const @"layers.2.norm2.weight" : tensor<256xf32>
  %b2_2 = ml_program.global_load_const @"layers.2.norm2.bias" : tensor<256xf32>
  %up_2 = ml_program.global_load_const @"layers.2.ffn.up.weight" : tensor<1024x256xf32>
  %up_bias_2 = ml_program.global_load_const @"layers.2.ffn.up.bias" : tensor<1024xf32>
  %down_2 = ml_program.global_load_const @"layers.2.ffn.down.weight" : tensor<256x1024xf32>
  %down_bias_2 = ml_program.global_load_const @"layers.2.ffn.down.bias" : tensor<256xf32>
  %q_2, %k_2, %v_2 = func.call @project(%x_2, %from, %from, %g1_2, %b1_2, %qkv_2) : (!x, index, index, tensor<256xf32>, tensor<256xf32>, tensor<768x256xf32>) -> (!heads, !heads, !heads)
  %heads_2 = attn.attention softmax scale(0.17677669529663687)
      query %q_2[b, i, g, d] : !heads
      source %k_2[b, j, g, d], %v_2[b, j, g, v] : !heads, !heads
      into %eh[b, i, g, v] : !heads
  %o_2 = func.call @merge(%heads_2, %out_2) : (!heads, tensor<256x256xf32>) -> (!x)
  %a_2 = arith.addf %o_2, %x_2 : !x
  %x_3 = func.call @feed_forward(%a_2, %g2_2, %b2_2, %up_2, %up_bias_2, %down_2, %down_bias_2) : (!x, tensor<256xf32>, tensor<256xf32>, tensor<1024x256xf32>, tensor<1024xf32>, tensor<256x1024xf32>, tensor<256xf32>) -> (!x)
  %f_3 = tensor.cast %x_3 : !x to tensor<1x16x256xf32>
  %all_4 = tensor.insert_slice %f_3 into %all_3[3, 0, 0] [1, 16, 256] [1, 1, 1] : tensor<1x16x256xf32> into tensor<4x16x256xf32>
  %e = tensor.empty(%b) : !fams
  %f0 = linalg.broadcast ins(%all_4 : tensor<4x16x256xf32>) outs(%e : !fams) dimensions = [1]
  return %f0 : !fams
}

// A partial last block is computed but changes no state: to go on, its tokens are fed again.
func.func @main(%tokens: tensor<?x?xi32> {attnc.name = "tokens", attnc.dims = ["B", "T"]}, %blocks: tensor<i32> {attnc.state = "block"},
                %f: !fams {attnc.state = "fam", attnc.dims = ["B"], attnc.init = @start},
                %k: !rings {attnc.state = "k", attnc.dims = ["B"], attnc.ring = {along = 3, count = "block", unit = 64}}, %v: !rings {attnc.state = "v", attnc.dims = ["B"], attnc.ring = {along = 3, count = "block", unit = 64}})
    -> (tensor<?x?x16xf32> {attnc.name = "logits", attnc.dims = ["B", "T"]}, tensor<i32> {attnc.state = "block"},
        !fams {attnc.state = "fam"}, !rings {attnc.state = "k"}, !rings {attnc.state = "v"}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %b = tensor.dim %tokens, %c0 : tensor<?x?xi32>
  %t = tensor.dim %tokens, %c1 : tensor<?x?xi32>
  %done_i32 = tensor.extract %blocks[] : tensor<i32>
  %done = arith.index_cast %done_i32 : i32 to index
  %table = ml_program.global_load_const @"embed.weight" : tensor<304x256xf32>
  %x = attn.gather_rows %table[%tokens] : tensor<304x256xf32>, tensor<?x?xi32> -> !x
  %h, %f_end, %k_end, %v_end = loop.segment size 64 partial(keep) number(%n) blocks(%x_0 = %x along 1 : !x)
      carry(%f_0 = %f : !fams, %k_0 = %k : !rings, %v_0 = %v : !rings) -> (along 1 : !x) {
    %block = arith.addi %done, %n : index
    %fl_0 = tensor.extract_slice %f_0[0, 0, 0, 0] [1, %b, 16, 256] [1, 1, 1, 1] : !fams to !fam
    %kl_0 = tensor.extract_slice %k_0[0, 0, 0, 0, 0] [1, %b, 8, 64, 32] [1, 1, 1, 1, 1] : !rings to !ring
    %vl_0 = tensor.extract_slice %v_0[0, 0, 0, 0, 0] [1, %b, 8, 64, 32] [1, 1, 1, 1, 1] : !rings to !ring
    %g1_0 = ml_program.global_load_const @"layers.0.norm1.weight" : tensor<256xf32>
    %b1_0 = ml_program.global_load_const @"layers.0.norm1.bias" : tensor<256xf32>
    %qkv_0 = ml_program.global_load_const @"layers.0.attention.qkv.weight" : tensor<768x256xf32>
    %out_0 = ml_program.global_load_const @"layers.0.attention.out.weight" : tensor<256x256xf32>
    %g2_0 = ml_program.global_load_const @"layers.0.norm2.weight" : tensor<256xf32>
    %b2_0 = ml_program.global_load_const @"layers.0.norm2.bias" : tensor<256xf32>
    %up_0 = ml_program.global_load_const @"layers.0.ffn.up.weight" : tensor<1024x256xf32>
    %up_bias_0 = ml_program.global_load_const @"layers.0.ffn.up.bias" : tensor<1024xf32>
    %down_0 = ml_program.global_load_const @"layers.0.ffn.down.weight" : tensor<256x1024xf32>
    %down_bias_0 = ml_program.global_load_const @"layers.0.ffn.down.bias" : tensor<256xf32>
    %x_1, %fn_0, %kn_0, %vn_0 = func.call @layer(%x_0, %fl_0, %kl_0, %vl_0, %block, %g1_0, %b1_0, %qkv_0, %out_0, %g2_0, %b2_0, %up_0, %up_bias_0, %down_0, %down_bias_0) : (!x, !fam, !ring, !ring, index, tensor<256xf32>, tensor<256xf32>, tensor<768x256xf32>, tensor<256x256xf32>, tensor<256xf32>, tensor<256xf32>, tensor<1024x256xf32>, tensor<1024xf32>, tensor<256x1024xf32>, tensor<256xf32>) -> (!x, !fam, !ring, !ring)
    %f_1 = tensor.insert_slice %fn_0 into %f_0[0, 0, 0, 0] [1, %b, 16, 256] [1, 1, 1, 1] : !fam into !fams
    %k_1 = tensor.insert_slice %kn_0 into %k_0[0, 0, 0, 0, 0] [1, %b, 8, 64, 32] [1, 1, 1, 1, 1] : !ring into !rings
    %v_1 = tensor.insert_slice %vn_0 into %v_0[0, 0, 0, 0, 0] [1, %b, 8, 64, 32] [1, 1, 1, 1, 1] : !ring into !rings
    %fl_1 = tensor.extract_slice %f_1[1, 0, 0, 0] [1, %b, 16, 256] [1, 1, 1, 1] : !fams to !fam
    %kl_1 = tensor.extract_slice %k_1[1, 0, 0, 0, 0] [1, %b, 8, 64, 32] [1, 1, 1, 1, 1] : !rings to !ring
    %vl_1 = tensor.extract_slice %v_1[1, 0, 0, 0, 0] [1, %b, 8, 64, 32] [1, 1, 1, 1, 1] : !rings to !ring
    %g1_1 = ml_program.global_load_const @"layers.1.norm1.weight" : tensor<256xf32>
    %b1_1 = ml_program.global_load_const @"layers.1.norm1.bias" : tensor<256xf32>
    %qkv_1 = ml_program.global_load_const @"layers.1.attention.qkv.weight" : tensor<768x256xf32>
    %out_1 = ml_program.global_load_const @"layers.1.attention.out.weight" : tensor<256x256xf32>
    %g2_1 = ml_program.global_load_const @"layers.1.norm2.weight" : tensor<256xf32>
    %b2_1 = ml_program.global_load_const @"layers.1.norm2.bias" : tensor<256xf32>
    %up_1 = ml_program.global_load_const @"layers.1.ffn.up.weight" : tensor<1024x256xf32>
    %up_bias_1 = ml_program.global_load_const @"layers.1.ffn.up.bias" : tensor<1024xf32>
    %down_1 = ml_program.global_load_const @"layers.1.ffn.down.weight" : tensor<256x1024xf32>
    %down_bias_1 = ml_program.global_load_const @"layers.1.ffn.down.bias" : tensor<256xf32>
    %x_2, %fn_1, %kn_1, %vn_1 = func.call @layer(%x_1, %fl_1, %kl_1, %vl_1, %block, %g1_1, %b1_1, %qkv_1, %out_1, %g2_1, %b2_1, %up_1, %up_bias_1, %down_1, %down_bias_1) : (!x, !fam, !ring, !ring, index, tensor<256xf32>, tensor<256xf32>, tensor<768x256xf32>, tensor<256x256xf32>, tensor<256xf32>, tensor<256xf32>, tensor<1024x256xf32>, tensor<1024xf32>, tensor<256x1024xf32>, tensor<256xf32>) -> (!x, !fam, !ring, !ring)
    %f_2 = tensor.insert_slice %fn_1 into %f_1[1, 0, 0, 0] [1, %b, 16, 256] [1, 1, 1, 1] : !fam into !fams
    %k_2 = tensor.insert_slice %kn_1 into %k_1[1, 0, 0, 0, 0] [1, %b, 8, 64, 32] [1, 1, 1, 1, 1] : !ring into !rings
    %v_2 = tensor.insert_slice %vn_1 into %v_1[1, 0, 0, 0, 0] [1, %b, 8, 64, 32] [1, 1, 1, 1, 1] : !ring into !rings
    %fl_2 = tensor.extract_slice %f_2[2, 0, 0, 0] [1, %b, 16, 256] [1, 1, 1, 1] : !fams to !fam
    %kl_2 = tensor.extract_slice %k_2[2, 0, 0, 0, 0] [1, %b, 8, 64, 32] [1, 1, 1, 1, 1] : !rings to !ring
    %vl_2 = tensor.extract_slice %v_2[2, 0, 0, 0, 0] [1, %b, 8, 64, 32] [1, 1, 1, 1, 1] : !rings to !ring
    %g1_2 = ml_program.global_load_const @"layers.2.norm1.weight" : tensor<256xf32>
    %b1_2 = ml_program.global_load_const @"layers.2.norm1.bias" : tensor<256xf32>
    %qkv_2 = ml_program.global_load_const @"layers.2.attention.qkv.weight" : tensor<768x256xf32>
    %out_2 = ml_program.global_load_const @"layers.2.attention.out.weight" : tensor<256x256xf32>
    %g2_2 = ml_program.global_load_const @"layers.2.norm2.weight" : tensor<256xf32>
    %b2_2 = ml_program.global_load_const @"layers.2.norm2.bias" : tensor<256xf32>
    %up_2 = ml_program.global_load_const @"layers.2.ffn.up.weight" : tensor<1024x256xf32>
    %up_bias_2 = ml_program.global_load_const @"layers.2.ffn.up.bias" : tensor<1024xf32>
    %down_2 = ml_program.global_load_const @"layers.2.ffn.down.weight" : tensor<256x1024xf32>
    %down_bias_2 = ml_program.global_load_const @"layers.2.ffn.down.bias" : tensor<256xf32>
    %x_3, %fn_2, %kn_2, %vn_2 = func.call @layer(%x_2, %fl_2, %kl_2, %vl_2, %block, %g1_2, %b1_2, %qkv_2, %out_2, %g2_2, %b2_2, %up_2, %up_bias_2, %down_2, %down_bias_2) : (!x, !fam, !ring, !ring, index, tensor<256xf32>, tensor<256xf32>, tensor<768x256xf32>, tensor<256x256xf32>, tensor<256xf32>, tensor<256xf32>, tensor<1024x256xf32>, tensor<1024xf32>, tensor<256x1024xf32>, tensor<256xf32>) -> (!x, !fam, !ring, !ring)
    %f_3 = tensor.insert_slice %fn_2 into %f_2[2, 0, 0, 0] [1, %b, 16, 256] [1, 1, 1, 1] : !fam into !fams
    %k_3 = tensor.insert_slice %kn_2 into %k_2[2, 0, 0, 0, 0] [1, %b, 8, 64, 32] [1, 1, 1, 1, 1] : !ring into !rings
    %v_3 = tensor.insert_slice %vn_2 into %v_2[2, 0, 0, 0, 0] [1, %b, 8, 64, 32] [1, 1, 1, 1, 1] : !ring into !rings
    %fl_3 = tensor.extract_slice %f_3[3, 0, 0, 0] [1, %b, 16, 256] [1, 1, 1, 1] : !fams to !fam
    %kl_3 = tensor.extract_slice %k_3[3, 0, 0, 0, 0] [1, %b, 8, 64, 32] [1, 1, 1, 1, 1] : !rings to !ring
    %vl_3 = tensor.extract_slice %v_3[3, 0, 0, 0, 0] [1, %b, 8, 64, 32] [1, 1, 1, 1, 1] : !rings to !ring
    %g1_3 = ml_program.global_load_const @"layers.3.norm1.weight" : tensor<256xf32>
    %b1_3 = ml_program.global_load_const @"layers.3.norm1.bias" : tensor<256xf32>
    %qkv_3 = ml_program.global_load_const @"layers.3.attention.qkv.weight" : tensor<768x256xf32>
    %out_3 = ml_program.global_load_const @"layers.3.attention.out.weight" : tensor<256x256xf32>
    %g2_3 = ml_program.global_load_const @"layers.3.norm2.weight" : tensor<256xf32>
    %b2_3 = ml_program.global_load_const @"layers.3.norm2.bias" : tensor<256xf32>
    %up_3 = ml_program.global_load_const @"layers.3.ffn.up.weight" : tensor<1024x256xf32>
    %up_bias_3 = ml_program.global_load_const @"layers.3.ffn.up.bias" : tensor<1024xf32>
    %down_3 = ml_program.global_load_const @"layers.3.ffn.down.weight" : tensor<256x1024xf32>
    %down_bias_3 = ml_program.global_load_const @"layers.3.ffn.down.bias" : tensor<256xf32>
    %x_4, %fn_3, %kn_3, %vn_3 = func.call @layer(%x_3, %fl_3, %kl_3, %vl_3, %block, %g1_3, %b1_3, %qkv_3, %out_3, %g2_3, %b2_3, %up_3, %up_bias_3, %down_3, %down_bias_3) : (!x, !fam, !ring, !ring, index, tensor<256xf32>, tensor<256xf32>, tensor<768x256xf32>, tensor<256x256xf32>, tensor<256xf32>, tensor<256xf32>, tensor<1024x256xf32>, tensor<1024xf32>, tensor<256x1024xf32>, tensor<256xf32>) -> (!x, !fam, !ring, !ring)
    %f_4 = tensor.insert_slice %fn_3 into %f_3[3, 0, 0, 0] [1, %b, 16, 256] [1, 1, 1, 1] : !fam into !fams
    %k_4 = tensor.insert_slice %kn_3 into %k_3[3, 0, 0, 0, 0] [1, %b, 8, 64, 32] [1, 1, 1, 1, 1] : !ring into !rings
    %v_4 = tensor.insert_slice %vn_3 into %v_3[3, 0, 0, 0, 0] [1, %b, 8, 64, 32] [1, 1, 1, 1, 1] : !ring into !rings
    loop.yield %x_4, %f_4, %k_4, %v_4 : !x, !fams, !rings, !rings
  }
  %g = ml_program.global_load_const @"norm.weight" : tensor<256xf32>
  %bias = ml_program.global_load_const @"norm.bias" : tensor<256xf32>
  %head = ml_program.global_load_const @"head.weight" : tensor<16x256xf32>
  %head_bias = ml_program.global_load_const @"head.bias" : tensor<16xf32>
  %normed = attn.layer_norm %h weight(%g : tensor<256xf32>) bias(%bias : tensor<256xf32>) eps(1.0e-5) : !x
  %logits = func.call @linear_head(%normed, %head, %head_bias) : (tensor<?x?x256xf32>, tensor<16x256xf32>, tensor<16xf32>) -> (tensor<?x?x16xf32>)
  %new = arith.divui %t, %c64 : index
  %sum = arith.addi %done, %new : index
  %sum_i32 = arith.index_cast %sum : index to i32
  %blocks_end = tensor.insert %sum_i32 into %blocks[] : tensor<i32>
  return %logits, %blocks_end, %f_end, %k_end, %v_end : tensor<?x?x16xf32>, tensor<i32>, !fams, !rings, !rings
}
