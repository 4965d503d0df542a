// llama_ring: a decoder with grouped heads (2 groups of 2), rotary embedding, RMSNorm and SwiGLU; a session keeps the
// keys and values of the last 16 tokens of each layer in rings (models.md C6, C7, C1). Made by generate_llama_ring.py.
#x = affine_map<(b, t, n, k) -> (b, t, k)>
#w = affine_map<(b, t, n, k) -> (n, k)>
#y = affine_map<(b, t, n, k) -> (b, t, n)>
#all = affine_map<(b, t, c) -> (b, t, c)>
!x = tensor<?x?x48xf32>
!q = tensor<?x?x2x2x12xf32>
!kv = tensor<?x?x2x12xf32>
!ring = tensor<?x2x16x12xf32>
!rings = tensor<2x?x2x16x12xf32>

ml_program.global private @"embed.weight"(#ml_program.extern : tensor<64x48xf32>) : tensor<64x48xf32>
ml_program.global private @"norm.weight"(#ml_program.extern : tensor<48xf32>) : tensor<48xf32>
ml_program.global private @"head.weight"(#ml_program.extern : tensor<64x48xf32>) : tensor<64x48xf32>
ml_program.global private @"layers.0.norm1.weight"(#ml_program.extern : tensor<48xf32>) : tensor<48xf32>
ml_program.global private @"layers.0.attention.qkv.weight"(#ml_program.extern : tensor<96x48xf32>) : tensor<96x48xf32>
ml_program.global private @"layers.0.attention.out.weight"(#ml_program.extern : tensor<48x48xf32>) : tensor<48x48xf32>
ml_program.global private @"layers.0.norm2.weight"(#ml_program.extern : tensor<48xf32>) : tensor<48xf32>
ml_program.global private @"layers.0.ffn.gate.weight"(#ml_program.extern : tensor<96x48xf32>) : tensor<96x48xf32>
ml_program.global private @"layers.0.ffn.up.weight"(#ml_program.extern : tensor<96x48xf32>) : tensor<96x48xf32>
ml_program.global private @"layers.0.ffn.down.weight"(#ml_program.extern : tensor<48x96xf32>) : tensor<48x96xf32>
ml_program.global private @"layers.1.norm1.weight"(#ml_program.extern : tensor<48xf32>) : tensor<48xf32>
ml_program.global private @"layers.1.attention.qkv.weight"(#ml_program.extern : tensor<96x48xf32>) : tensor<96x48xf32>
ml_program.global private @"layers.1.attention.out.weight"(#ml_program.extern : tensor<48x48xf32>) : tensor<48x48xf32>
ml_program.global private @"layers.1.norm2.weight"(#ml_program.extern : tensor<48xf32>) : tensor<48xf32>
ml_program.global private @"layers.1.ffn.gate.weight"(#ml_program.extern : tensor<96x48xf32>) : tensor<96x48xf32>
ml_program.global private @"layers.1.ffn.up.weight"(#ml_program.extern : tensor<96x48xf32>) : tensor<96x48xf32>
ml_program.global private @"layers.1.ffn.down.weight"(#ml_program.extern : tensor<48x96xf32>) : tensor<48x96xf32>

// x W^T.
func.func private @linear_qkv(%x: tensor<?x?x48xf32>, %w: tensor<96x48xf32>) -> (tensor<?x?x96xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : tensor<?x?x48xf32>
  %t = tensor.dim %x, %c1 : tensor<?x?x48xf32>
  %e = tensor.empty(%b, %t) : tensor<?x?x96xf32>
  %zero = arith.constant 0.0 : f32
  %s = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x96xf32>) -> tensor<?x?x96xf32>
  %y = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : tensor<?x?x48xf32>, tensor<96x48xf32>) outs(%s : tensor<?x?x96xf32>) -> tensor<?x?x96xf32>
  return %y : tensor<?x?x96xf32>
}

// x W^T.
func.func private @linear_out(%x: tensor<?x?x48xf32>, %w: tensor<48x48xf32>) -> (tensor<?x?x48xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : tensor<?x?x48xf32>
  %t = tensor.dim %x, %c1 : tensor<?x?x48xf32>
  %e = tensor.empty(%b, %t) : tensor<?x?x48xf32>
  %zero = arith.constant 0.0 : f32
  %s = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x48xf32>) -> tensor<?x?x48xf32>
  %y = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : tensor<?x?x48xf32>, tensor<48x48xf32>) outs(%s : tensor<?x?x48xf32>) -> tensor<?x?x48xf32>
  return %y : tensor<?x?x48xf32>
}

// x W^T.
func.func private @linear_ffn(%x: tensor<?x?x48xf32>, %w: tensor<96x48xf32>) -> (tensor<?x?x96xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : tensor<?x?x48xf32>
  %t = tensor.dim %x, %c1 : tensor<?x?x48xf32>
  %e = tensor.empty(%b, %t) : tensor<?x?x96xf32>
  %zero = arith.constant 0.0 : f32
  %s = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x96xf32>) -> tensor<?x?x96xf32>
  %y = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : tensor<?x?x48xf32>, tensor<96x48xf32>) outs(%s : tensor<?x?x96xf32>) -> tensor<?x?x96xf32>
  return %y : tensor<?x?x96xf32>
}

// x W^T.
func.func private @linear_down(%x: tensor<?x?x96xf32>, %w: tensor<48x96xf32>) -> (tensor<?x?x48xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : tensor<?x?x96xf32>
  %t = tensor.dim %x, %c1 : tensor<?x?x96xf32>
  %e = tensor.empty(%b, %t) : tensor<?x?x48xf32>
  %zero = arith.constant 0.0 : f32
  %s = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x48xf32>) -> tensor<?x?x48xf32>
  %y = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : tensor<?x?x96xf32>, tensor<48x96xf32>) outs(%s : tensor<?x?x48xf32>) -> tensor<?x?x48xf32>
  return %y : tensor<?x?x48xf32>
}

// x W^T.
func.func private @linear_head(%x: tensor<?x?x48xf32>, %w: tensor<64x48xf32>) -> (tensor<?x?x64xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : tensor<?x?x48xf32>
  %t = tensor.dim %x, %c1 : tensor<?x?x48xf32>
  %e = tensor.empty(%b, %t) : tensor<?x?x64xf32>
  %zero = arith.constant 0.0 : f32
  %s = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  %y = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : tensor<?x?x48xf32>, tensor<64x48xf32>) outs(%s : tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  return %y : tensor<?x?x64xf32>
}

// x σ(x).
func.func private @silu(%x: tensor<?x?x96xf32>) -> (tensor<?x?x96xf32>) {
  %one = arith.constant 1.0 : f32
  %y = linalg.generic {indexing_maps = [#all], iterator_types = ["parallel", "parallel", "parallel"]} outs(%x : tensor<?x?x96xf32>) {
  ^bb0(%u: f32):
    %n = arith.negf %u : f32
    %e = math.exp %n : f32
    %d = arith.addf %e, %one : f32
    %s = arith.divf %u, %d : f32
    linalg.yield %s : f32
  } -> tensor<?x?x96xf32>
  return %y : tensor<?x?x96xf32>
}

// Queries by group, keys and values of RMSNorm x; rotated from position `at` on.
func.func private @project(%x: !x, %at: index, %g1: tensor<48xf32>, %qkv: tensor<96x48xf32>) -> (!q, !kv, !kv) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : !x
  %t = tensor.dim %x, %c1 : !x
  %n = attn.rms_norm %x weight(%g1 : tensor<48xf32>) eps(1.0e-6) : !x
  %p = func.call @linear_qkv(%n, %qkv) : (tensor<?x?x48xf32>, tensor<96x48xf32>) -> (tensor<?x?x96xf32>)
  %s = tensor.expand_shape %p [[0], [1], [2, 3]] output_shape [%b, %t, 8, 12] : tensor<?x?x96xf32> into tensor<?x?x8x12xf32>
  %q = tensor.extract_slice %s[0, 0, 0, 0] [%b, %t, 4, 12] [1, 1, 1, 1] : tensor<?x?x8x12xf32> to tensor<?x?x4x12xf32>
  %k = tensor.extract_slice %s[0, 0, 4, 0] [%b, %t, 2, 12] [1, 1, 1, 1] : tensor<?x?x8x12xf32> to !kv
  %v = tensor.extract_slice %s[0, 0, 6, 0] [%b, %t, 2, 12] [1, 1, 1, 1] : tensor<?x?x8x12xf32> to !kv
  %rq = attn.rotary half_split %q along [1] offset(%at) base(1.0e4) : tensor<?x?x4x12xf32>
  %rk = attn.rotary half_split %k along [1] offset(%at) base(1.0e4) : !kv
  %grouped = tensor.expand_shape %rq [[0], [1], [2, 3], [4]] output_shape [%b, %t, 2, 2, 12] : tensor<?x?x4x12xf32> into !q
  return %grouped, %rk, %v : !q, !kv, !kv
}

// The ring with the call's keys or values.
func.func private @append(%new: !kv, %ring: !ring, %count: index) -> (!ring) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %new, %c0 : !kv
  %t = tensor.dim %new, %c1 : !kv
  %e = tensor.empty(%b, %t) : tensor<?x2x?x12xf32>
  %rows = linalg.transpose ins(%new : !kv) outs(%e : tensor<?x2x?x12xf32>) permutation = [0, 2, 1, 3]
  %r = attn.ring_append %rows into %ring along 2 count(%count) : tensor<?x2x?x12xf32>, !ring
  return %r : !ring
}

// The position that each slot of a ring holds: the last one, of count so far, that went there.
func.func private @slots(%count: index) -> (tensor<16xi32>) {
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %last = arith.subi %count, %c1 : index
  %e = tensor.empty() : tensor<16xi32>
  %p = linalg.generic {indexing_maps = [affine_map<(s) -> (s)>], iterator_types = ["parallel"]} outs(%e : tensor<16xi32>) {
  ^bb0(%out: i32):
    %s = linalg.index 0 : index
    %behind = arith.subi %last, %s : index
    %back = arith.remsi %behind, %c16 : index
    %at = arith.subi %last, %back : index
    %r = arith.index_cast %at : index to i32
    linalg.yield %r : i32
  } -> tensor<16xi32>
  return %p : tensor<16xi32>
}

// h + W_down (silu(W_gate n) * W_up n), n = RMSNorm h.
func.func private @feed_forward(%h: !x, %g2: tensor<48xf32>, %gate: tensor<96x48xf32>, %up: tensor<96x48xf32>, %down: tensor<48x96xf32>) -> (!x) {
  %n = attn.rms_norm %h weight(%g2 : tensor<48xf32>) eps(1.0e-6) : !x
  %a = func.call @linear_ffn(%n, %gate) : (tensor<?x?x48xf32>, tensor<96x48xf32>) -> (tensor<?x?x96xf32>)
  %s = func.call @silu(%a) : (tensor<?x?x96xf32>) -> (tensor<?x?x96xf32>)
  %u = func.call @linear_ffn(%n, %up) : (tensor<?x?x48xf32>, tensor<96x48xf32>) -> (tensor<?x?x96xf32>)
  %m = arith.mulf %s, %u : tensor<?x?x96xf32>
  %d = func.call @linear_down(%m, %down) : (tensor<?x?x96xf32>, tensor<48x96xf32>) -> (tensor<?x?x48xf32>)
  %y = arith.addf %h, %d : !x
  return %y : !x
}

// The call's tokens through a layer: they see the ring and, up to themselves, each other, 16 positions back.
func.func private @layer(%h: !x, %k_ring: !ring, %v_ring: !ring, %count: index, %g1: tensor<48xf32>, %qkv: tensor<96x48xf32>, %out: tensor<48x48xf32>, %g2: tensor<48xf32>, %gate: tensor<96x48xf32>, %up: tensor<96x48xf32>, %down: tensor<48x96xf32>) -> (!x, !ring, !ring) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %b = tensor.dim %h, %c0 : !x
  %t = tensor.dim %h, %c1 : !x
  %q, %k, %v = func.call @project(%h, %count, %g1, %qkv) : (!x, index, tensor<48xf32>, tensor<96x48xf32>) -> (!q, !kv, !kv)
  %slots = func.call @slots(%count) : (index) -> (tensor<16xi32>)
  %held = arith.minui %count, %c16 : index
  %e = tensor.empty(%b, %t) : !q
  %heads = attn.attention softmax scale(0.28867513459481287)
      query %q[b, i, g, r, d] : !q offset %count
      source %k_ring[b, g, j, d], %v_ring[b, g, j, v] : !ring, !ring positions %slots[j] : tensor<16xi32> valid %held
      source %k[b, j, g, d], %v[b, j, g, v] : !kv, !kv offset %count
      into %e[b, i, g, r, v] : !q
      mask(%bi, %hi, %i, %j, %n) {
        %zero = arith.constant 0 : index
        %window = arith.constant 16 : index
        %distance = arith.subi %i, %j : index
        %past = arith.cmpi sge, %distance, %zero : index
        %near = arith.cmpi slt, %distance, %window : index
        %both = arith.andi %past, %near : i1
        attn.yield %both : i1
      }
  %a = tensor.collapse_shape %heads [[0], [1], [2, 3, 4]] : !q into !x
  %o = func.call @linear_out(%a, %out) : (tensor<?x?x48xf32>, tensor<48x48xf32>) -> (tensor<?x?x48xf32>)
  %h1 = arith.addf %h, %o : !x
  %h2 = func.call @feed_forward(%h1, %g2, %gate, %up, %down) : (!x, tensor<48xf32>, tensor<96x48xf32>, tensor<96x48xf32>, tensor<48x96xf32>) -> (!x)
  %k_next = func.call @append(%k, %k_ring, %count) : (!kv, !ring, index) -> (!ring)
  %v_next = func.call @append(%v, %v_ring, %count) : (!kv, !ring, index) -> (!ring)
  return %h2, %k_next, %v_next : !x, !ring, !ring
}

// A call brings T tokens; how they are cut into calls does not change results.
func.func @main(%tokens: tensor<?x?xi32> {attnc.name = "tokens", attnc.dims = ["B", "T"]},
                %ks_0: !rings {attnc.state = "k", attnc.dims = ["B"], attnc.ring = {along = 3, count = "count"}}, %vs_0: !rings {attnc.state = "v", attnc.dims = ["B"], attnc.ring = {along = 3, count = "count"}}, %seen: tensor<i32> {attnc.state = "count"})
    -> (tensor<?x?x64xf32> {attnc.name = "logits", attnc.dims = ["B", "T"]}, !rings {attnc.state = "k"}, !rings {attnc.state = "v"}, tensor<i32> {attnc.state = "count"}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %tokens, %c0 : tensor<?x?xi32>
  %t = tensor.dim %tokens, %c1 : tensor<?x?xi32>
  %count_i32 = tensor.extract %seen[] : tensor<i32>
  %count = arith.index_cast %count_i32 : i32 to index
  %table = ml_program.global_load_const @"embed.weight" : tensor<64x48xf32>
  %h_0 = attn.gather_rows %table[%tokens] : tensor<64x48xf32>, tensor<?x?xi32> -> !x
  %k_0 = tensor.extract_slice %ks_0[0, 0, 0, 0, 0] [1, %b, 2, 16, 12] [1, 1, 1, 1, 1] : !rings to !ring
  %v_0 = tensor.extract_slice %vs_0[0, 0, 0, 0, 0] [1, %b, 2, 16, 12] [1, 1, 1, 1, 1] : !rings to !ring
  %g1_0 = ml_program.global_load_const @"layers.0.norm1.weight" : tensor<48xf32>
  %qkv_0 = ml_program.global_load_const @"layers.0.attention.qkv.weight" : tensor<96x48xf32>
  %out_0 = ml_program.global_load_const @"layers.0.attention.out.weight" : tensor<48x48xf32>
  %g2_0 = ml_program.global_load_const @"layers.0.norm2.weight" : tensor<48xf32>
  %gate_0 = ml_program.global_load_const @"layers.0.ffn.gate.weight" : tensor<96x48xf32>
  %up_0 = ml_program.global_load_const @"layers.0.ffn.up.weight" : tensor<96x48xf32>
  %down_0 = ml_program.global_load_const @"layers.0.ffn.down.weight" : tensor<48x96xf32>
  %h_1, %kn_0, %vn_0 = func.call @layer(%h_0, %k_0, %v_0, %count, %g1_0, %qkv_0, %out_0, %g2_0, %gate_0, %up_0, %down_0) : (!x, !ring, !ring, index, tensor<48xf32>, tensor<96x48xf32>, tensor<48x48xf32>, tensor<48xf32>, tensor<96x48xf32>, tensor<96x48xf32>, tensor<48x96xf32>) -> (!x, !ring, !ring)
  %ks_1 = tensor.insert_slice %kn_0 into %ks_0[0, 0, 0, 0, 0] [1, %b, 2, 16, 12] [1, 1, 1, 1, 1] : !ring into !rings
  %vs_1 = tensor.insert_slice %vn_0 into %vs_0[0, 0, 0, 0, 0] [1, %b, 2, 16, 12] [1, 1, 1, 1, 1] : !ring into !rings
  %k_1 = tensor.extract_slice %ks_1[1, 0, 0, 0, 0] [1, %b, 2, 16, 12] [1, 1, 1, 1, 1] : !rings to !ring
  %v_1 = tensor.extract_slice %vs_1[1, 0, 0, 0, 0] [1, %b, 2, 16, 12] [1, 1, 1, 1, 1] : !rings to !ring
  %g1_1 = ml_program.global_load_const @"layers.1.norm1.weight" : tensor<48xf32>
  %qkv_1 = ml_program.global_load_const @"layers.1.attention.qkv.weight" : tensor<96x48xf32>
  %out_1 = ml_program.global_load_const @"layers.1.attention.out.weight" : tensor<48x48xf32>
  %g2_1 = ml_program.global_load_const @"layers.1.norm2.weight" : tensor<48xf32>
  %gate_1 = ml_program.global_load_const @"layers.1.ffn.gate.weight" : tensor<96x48xf32>
  %up_1 = ml_program.global_load_const @"layers.1.ffn.up.weight" : tensor<96x48xf32>
  %down_1 = ml_program.global_load_const @"layers.1.ffn.down.weight" : tensor<48x96xf32>
  %h_2, %kn_1, %vn_1 = func.call @layer(%h_1, %k_1, %v_1, %count, %g1_1, %qkv_1, %out_1, %g2_1, %gate_1, %up_1, %down_1) : (!x, !ring, !ring, index, tensor<48xf32>, tensor<96x48xf32>, tensor<48x48xf32>, tensor<48xf32>, tensor<96x48xf32>, tensor<96x48xf32>, tensor<48x96xf32>) -> (!x, !ring, !ring)
  %ks_2 = tensor.insert_slice %kn_1 into %ks_1[1, 0, 0, 0, 0] [1, %b, 2, 16, 12] [1, 1, 1, 1, 1] : !ring into !rings
  %vs_2 = tensor.insert_slice %vn_1 into %vs_1[1, 0, 0, 0, 0] [1, %b, 2, 16, 12] [1, 1, 1, 1, 1] : !ring into !rings
  %g = ml_program.global_load_const @"norm.weight" : tensor<48xf32>
  %head = ml_program.global_load_const @"head.weight" : tensor<64x48xf32>
  %n = attn.rms_norm %h_2 weight(%g : tensor<48xf32>) eps(1.0e-6) : !x
  %logits = func.call @linear_head(%n, %head) : (tensor<?x?x48xf32>, tensor<64x48xf32>) -> (tensor<?x?x64xf32>)
  %sum = arith.addi %count, %t : index
  %sum_i32 = arith.index_cast %sum : index to i32
  %seen_next = tensor.insert %sum_i32 into %seen[] : tensor<i32>
  return %logits, %ks_2, %vs_2, %seen_next : tensor<?x?x64xf32>, !rings, !rings, tensor<i32>
}
