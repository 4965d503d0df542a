// c32_selective_scan: a Mamba layer, a causal convolution and a selective scan, over a session (models.md C32).
#x = affine_map<(b, t, n, k) -> (b, t, k)>
#w = affine_map<(b, t, n, k) -> (n, k)>
#y = affine_map<(b, t, n, k) -> (b, t, n)>
#all = affine_map<(b, t, c) -> (b, t, c)>
!x = tensor<?x?x24xf32>
!u = tensor<?x?x40xf32>
!last = tensor<?x40x3xf32>
!state = tensor<?x40x8xf32>

ml_program.global private @"in.weight"(#ml_program.extern : tensor<80x24xf32>) : tensor<80x24xf32>
ml_program.global private @"conv.weight"(#ml_program.extern : tensor<40x4xf32>) : tensor<40x4xf32>
ml_program.global private @"conv.bias"(#ml_program.extern : tensor<40xf32>) : tensor<40xf32>
ml_program.global private @"x_proj.weight"(#ml_program.extern : tensor<19x40xf32>) : tensor<19x40xf32>
ml_program.global private @"dt.weight"(#ml_program.extern : tensor<40x3xf32>) : tensor<40x3xf32>
ml_program.global private @"dt.bias"(#ml_program.extern : tensor<40xf32>) : tensor<40xf32>
ml_program.global private @"A_log"(#ml_program.extern : tensor<40x8xf32>) : tensor<40x8xf32>
ml_program.global private @"D"(#ml_program.extern : tensor<40xf32>) : tensor<40xf32>
ml_program.global private @"out.weight"(#ml_program.extern : tensor<24x40xf32>) : tensor<24x40xf32>

// x W^T.
func.func private @linear_in(%x: tensor<?x?x24xf32>, %w: tensor<80x24xf32>) -> (tensor<?x?x80xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : tensor<?x?x24xf32>
  %t = tensor.dim %x, %c1 : tensor<?x?x24xf32>
  %e = tensor.empty(%b, %t) : tensor<?x?x80xf32>
  %zero = arith.constant 0.0 : f32
  %s = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x80xf32>) -> tensor<?x?x80xf32>
  %y = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : tensor<?x?x24xf32>, tensor<80x24xf32>) outs(%s : tensor<?x?x80xf32>) -> tensor<?x?x80xf32>
  return %y : tensor<?x?x80xf32>
}

// x W^T.
func.func private @linear_x(%x: tensor<?x?x40xf32>, %w: tensor<19x40xf32>) -> (tensor<?x?x19xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : tensor<?x?x40xf32>
  %t = tensor.dim %x, %c1 : tensor<?x?x40xf32>
  %e = tensor.empty(%b, %t) : tensor<?x?x19xf32>
  %zero = arith.constant 0.0 : f32
  %s = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x19xf32>) -> tensor<?x?x19xf32>
  %y = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : tensor<?x?x40xf32>, tensor<19x40xf32>) outs(%s : tensor<?x?x19xf32>) -> tensor<?x?x19xf32>
  return %y : tensor<?x?x19xf32>
}

// x W^T + b.
func.func private @linear_dt(%x: tensor<?x?x3xf32>, %w: tensor<40x3xf32>, %bias: tensor<40xf32>) -> (tensor<?x?x40xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : tensor<?x?x3xf32>
  %t = tensor.dim %x, %c1 : tensor<?x?x3xf32>
  %e = tensor.empty(%b, %t) : tensor<?x?x40xf32>
  %s = linalg.broadcast ins(%bias : tensor<40xf32>) outs(%e : tensor<?x?x40xf32>) dimensions = [0, 1]
  %y = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : tensor<?x?x3xf32>, tensor<40x3xf32>) outs(%s : tensor<?x?x40xf32>) -> tensor<?x?x40xf32>
  return %y : tensor<?x?x40xf32>
}

// x W^T.
func.func private @linear_out(%x: tensor<?x?x40xf32>, %w: tensor<24x40xf32>) -> (tensor<?x?x24xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : tensor<?x?x40xf32>
  %t = tensor.dim %x, %c1 : tensor<?x?x40xf32>
  %e = tensor.empty(%b, %t) : tensor<?x?x24xf32>
  %zero = arith.constant 0.0 : f32
  %s = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  %y = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : tensor<?x?x40xf32>, tensor<24x40xf32>) outs(%s : tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  return %y : tensor<?x?x24xf32>
}

// x σ(x).
func.func private @silu(%x: tensor<?x?x40xf32>) -> (tensor<?x?x40xf32>) {
  %one = arith.constant 1.0 : f32
  %y = linalg.generic {indexing_maps = [#all], iterator_types = ["parallel", "parallel", "parallel"]} outs(%x : tensor<?x?x40xf32>) {
  ^bb0(%u: f32):
    %n = arith.negf %u : f32
    %e = math.exp %n : f32
    %d = arith.addf %e, %one : f32
    %s = arith.divf %u, %d : f32
    linalg.yield %s : f32
  } -> tensor<?x?x40xf32>
  return %y : tensor<?x?x40xf32>
}

// ln(1 + exp x).
func.func private @softplus(%x: tensor<?x?x40xf32>) -> (tensor<?x?x40xf32>) {
  %zero = arith.constant 0.0 : f32
  %y = linalg.generic {indexing_maps = [#all], iterator_types = ["parallel", "parallel", "parallel"]} outs(%x : tensor<?x?x40xf32>) {
  ^bb0(%u: f32):
    %up = arith.maximumf %u, %zero : f32
    %far = math.absf %u : f32
    %minus = arith.negf %far : f32
    %exp = math.exp %minus : f32
    %log = math.log1p %exp : f32
    %r = arith.addf %up, %log : f32
    linalg.yield %r : f32
  } -> tensor<?x?x40xf32>
  return %y : tensor<?x?x40xf32>
}

// silu of the causal convolution of width 4, which begins with the last three inputs; and the new last three.
func.func private @convolve(%u: !u, %last: !last) -> (!u, !last) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %b = tensor.dim %u, %c0 : !u
  %t = tensor.dim %u, %c1 : !u
  %w = ml_program.global_load_const @"conv.weight" : tensor<40x4xf32>
  %bias = ml_program.global_load_const @"conv.bias" : tensor<40xf32>
  %rows = arith.addi %t, %c3 : index
  %e3 = tensor.empty(%b) : tensor<?x3x40xf32>
  %before = linalg.transpose ins(%last : !last) outs(%e3 : tensor<?x3x40xf32>) permutation = [0, 2, 1]
  %ea = tensor.empty(%b, %rows) : !u
  %a0 = tensor.insert_slice %before into %ea[0, 0, 0] [%b, 3, 40] [1, 1, 1] : tensor<?x3x40xf32> into !u
  %all = tensor.insert_slice %u into %a0[0, 3, 0] [%b, %t, 40] [1, 1, 1] : !u into !u
  %e = tensor.empty(%b, %t) : !u
  %s = linalg.broadcast ins(%bias : tensor<40xf32>) outs(%e : !u) dimensions = [0, 1]
  %y = linalg.generic {indexing_maps = [affine_map<(b, t, c, m) -> (b, t + m, c)>, affine_map<(b, t, c, m) -> (c, m)>, affine_map<(b, t, c, m) -> (b, t, c)>],
      iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%all, %w : !u, tensor<40x4xf32>) outs(%s : !u) {
  ^bb0(%v: f32, %k: f32, %sum: f32):
    %p = arith.mulf %v, %k : f32
    %r = arith.addf %sum, %p : f32
    linalg.yield %r : f32
  } -> !u
  %r = func.call @silu(%y) : (tensor<?x?x40xf32>) -> (tensor<?x?x40xf32>)
  %ends = tensor.extract_slice %all[0, %t, 0] [%b, 3, 40] [1, 1, 1] : !u to tensor<?x3x40xf32>
  %el = tensor.empty(%b) : !last
  %next = linalg.transpose ins(%ends : tensor<?x3x40xf32>) outs(%el : !last) permutation = [0, 2, 1]
  return %r, %next : !u, !last
}

func.func @main(%x: !x {attnc.name = "x", attnc.dims = ["B", "T"]}, %last: !last {attnc.state = "conv", attnc.dims = ["B"]}, %s: !state {attnc.state = "s", attnc.dims = ["B"]})
    -> (!x {attnc.name = "y", attnc.dims = ["B", "T"]}, !last {attnc.state = "conv"}, !state {attnc.state = "s"}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : !x
  %t = tensor.dim %x, %c1 : !x
  %win = ml_program.global_load_const @"in.weight" : tensor<80x24xf32>
  %wx = ml_program.global_load_const @"x_proj.weight" : tensor<19x40xf32>
  %wdt = ml_program.global_load_const @"dt.weight" : tensor<40x3xf32>
  %bdt = ml_program.global_load_const @"dt.bias" : tensor<40xf32>
  %wout = ml_program.global_load_const @"out.weight" : tensor<24x40xf32>
  %a_log = ml_program.global_load_const @"A_log" : tensor<40x8xf32>
  %d = ml_program.global_load_const @"D" : tensor<40xf32>
  %p = func.call @linear_in(%x, %win) : (tensor<?x?x24xf32>, tensor<80x24xf32>) -> (tensor<?x?x80xf32>)
  %u0 = tensor.extract_slice %p[0, 0, 0] [%b, %t, 40] [1, 1, 1] : tensor<?x?x80xf32> to !u
  %z0 = tensor.extract_slice %p[0, 0, 40] [%b, %t, 40] [1, 1, 1] : tensor<?x?x80xf32> to !u
  %u, %last_end = func.call @convolve(%u0, %last) : (!u, !last) -> (!u, !last)
  %q = func.call @linear_x(%u, %wx) : (tensor<?x?x40xf32>, tensor<19x40xf32>) -> (tensor<?x?x19xf32>)
  %low = tensor.extract_slice %q[0, 0, 0] [%b, %t, 3] [1, 1, 1] : tensor<?x?x19xf32> to tensor<?x?x3xf32>
  %bt = tensor.extract_slice %q[0, 0, 3] [%b, %t, 8] [1, 1, 1] : tensor<?x?x19xf32> to tensor<?x?x8xf32>
  %ct = tensor.extract_slice %q[0, 0, 11] [%b, %t, 8] [1, 1, 1] : tensor<?x?x19xf32> to tensor<?x?x8xf32>
  %step = func.call @linear_dt(%low, %wdt, %bdt) : (tensor<?x?x3xf32>, tensor<40x3xf32>, tensor<40xf32>) -> (tensor<?x?x40xf32>)
  %delta = func.call @softplus(%step) : (tensor<?x?x40xf32>) -> (tensor<?x?x40xf32>)
  %a_exp = math.exp %a_log : tensor<40x8xf32>
  %a = arith.negf %a_exp : tensor<40x8xf32>
  %y, %s_end = attn.selective_scan %u, %delta, %a, %bt, %ct state(%s) : !u, !u, tensor<40x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, !state
  %e = tensor.empty(%b, %t) : !u
  %ds = linalg.broadcast ins(%d : tensor<40xf32>) outs(%e : !u) dimensions = [0, 1]
  %skip = arith.mulf %ds, %u : !u
  %sum = arith.addf %y, %skip : !u
  %z = func.call @silu(%z0) : (tensor<?x?x40xf32>) -> (tensor<?x?x40xf32>)
  %gated = arith.mulf %sum, %z : !u
  %r = func.call @linear_out(%gated, %wout) : (tensor<?x?x40xf32>, tensor<24x40xf32>) -> (tensor<?x?x24xf32>)
  return %r, %last_end, %s_end : !x, !last, !state
}
