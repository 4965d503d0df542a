// a1_act: adaptive computation time over a recurrent network (models.md A1). Each input is thought about for up to five
// steps, and what is carried to the next input is the mean of their states by the weights of ACT.
!input = tensor<?x12xf32>
!state = tensor<?x20xf32>
!output = tensor<?x10xf32>
!row = tensor<?xf32>
!here = tensor<?xi1>

// x W^T + b.
ml_program.global private @"input.weight"(#ml_program.extern : tensor<20x13xf32>) : tensor<20x13xf32>
ml_program.global private @"input.bias"(#ml_program.extern : tensor<20xf32>) : tensor<20xf32>
func.func private @"input"(%x: tensor<?x13xf32>) -> !state {
  %c0 = arith.constant 0 : index
  %n0 = tensor.dim %x, %c0 : tensor<?x13xf32>
  %w = ml_program.global_load_const @"input.weight" : tensor<20x13xf32>
  %e = tensor.empty(%n0) : !state
  %b = ml_program.global_load_const @"input.bias" : tensor<20xf32>
  %s = linalg.broadcast ins(%b : tensor<20xf32>) outs(%e : !state) dimensions = [0]
  %y = linalg.contract indexing_maps = [affine_map<(i, n, k) -> (i, k)>, affine_map<(i, n, k) -> (n, k)>, affine_map<(i, n, k) -> (i, n)>]
      ins(%x, %w : tensor<?x13xf32>, tensor<20x13xf32>) outs(%s : !state) -> !state
  return %y : !state
}

// x W^T.
ml_program.global private @"state.weight"(#ml_program.extern : tensor<20x20xf32>) : tensor<20x20xf32>
func.func private @"state"(%x: !state) -> !state {
  %c0 = arith.constant 0 : index
  %n0 = tensor.dim %x, %c0 : !state
  %w = ml_program.global_load_const @"state.weight" : tensor<20x20xf32>
  %e = tensor.empty(%n0) : !state
  %zero = arith.constant 0.0 : f32
  %s = linalg.fill ins(%zero : f32) outs(%e : !state) -> !state
  %y = linalg.contract indexing_maps = [affine_map<(i, n, k) -> (i, k)>, affine_map<(i, n, k) -> (n, k)>, affine_map<(i, n, k) -> (i, n)>]
      ins(%x, %w : !state, tensor<20x20xf32>) outs(%s : !state) -> !state
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
ml_program.global private @"output.weight"(#ml_program.extern : tensor<10x20xf32>) : tensor<10x20xf32>
ml_program.global private @"output.bias"(#ml_program.extern : tensor<10xf32>) : tensor<10xf32>
func.func private @"output"(%x: !state) -> !output {
  %c0 = arith.constant 0 : index
  %n0 = tensor.dim %x, %c0 : !state
  %w = ml_program.global_load_const @"output.weight" : tensor<10x20xf32>
  %e = tensor.empty(%n0) : !output
  %b = ml_program.global_load_const @"output.bias" : tensor<10xf32>
  %s = linalg.broadcast ins(%b : tensor<10xf32>) outs(%e : !output) dimensions = [0]
  %y = linalg.contract indexing_maps = [affine_map<(i, n, k) -> (i, k)>, affine_map<(i, n, k) -> (n, k)>, affine_map<(i, n, k) -> (i, n)>]
      ins(%x, %w : !state, tensor<10x20xf32>) outs(%s : !output) -> !output
  return %y : !output
}

// tanh(W_x [x; 1 at the first step, else 0] + b + W_s s).
func.func private @"cell"(%x: !input, %s: !state, %n: index) -> !state {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %b = tensor.dim %x, %c0 : !input
  %is_first = arith.cmpi eq, %n, %c1 : index
  %number = arith.select %is_first, %one, %zero : f32
  %f = tensor.empty(%b) : tensor<?x1xf32>
  %flag = linalg.fill ins(%number : f32) outs(%f : tensor<?x1xf32>) -> tensor<?x1xf32>
  %both = tensor.concat dim(1) %x, %flag : (!input, tensor<?x1xf32>) -> tensor<?x13xf32>
  %in = func.call @"input"(%both) : (tensor<?x13xf32>) -> !state
  %back = func.call @"state"(%s) : (!state) -> !state
  %e = tensor.empty(%b) : !state
  %new = linalg.generic {indexing_maps = [affine_map<(b, c) -> (b, c)>, affine_map<(b, c) -> (b, c)>, affine_map<(b, c) -> (b, c)>], iterator_types = ["parallel", "parallel"]}
      ins(%in, %back : !state, !state) outs(%e : !state) {
  ^bb0(%i: f32, %r: f32, %out: f32):
    %sum = arith.addf %i, %r : f32
    %t = math.tanh %sum : f32
    linalg.yield %t : f32
  } -> !state
  return %new : !state
}

// Rows that have an input at t, and the mean they start from; others keep s.
func.func private @"begin"(%s: !state, %lengths: tensor<?xi32>, %t: index) -> (!here, !state) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %b = tensor.dim %s, %c0 : !state
  %at = arith.index_cast %t : index to i32
  %er = tensor.empty(%b) : !here
  %here = linalg.generic {indexing_maps = [affine_map<(b) -> (b)>, affine_map<(b) -> (b)>], iterator_types = ["parallel"]}
      ins(%lengths : tensor<?xi32>) outs(%er : !here) {
  ^bb0(%length: i32, %out: i1):
    %in = arith.cmpi slt, %at, %length : i32
    linalg.yield %in : i1
  } -> !here
  %e = tensor.empty(%b) : !state
  %start = linalg.generic {indexing_maps = [affine_map<(b, c) -> (b)>, affine_map<(b, c) -> (b, c)>, affine_map<(b, c) -> (b, c)>], iterator_types = ["parallel", "parallel"]}
      ins(%here, %s : !here, !state) outs(%e : !state) {
  ^bb0(%in: i1, %v: f32, %out: f32):
    %first = arith.select %in, %zero, %v : f32
    linalg.yield %first : f32
  } -> !state
  return %here, %start : !here, !state
}

// 1 - sum, sum + h, and h as a score: a NaN never reaches the threshold, where act would stop its row.
func.func private @"account"(%h: !row, %sum: !row) -> (!row, !row, !row) {
  %c0 = arith.constant 0 : index
  %one = arith.constant 1.0 : f32
  %never = arith.constant 0xFF800000 : f32  // -inf
  %b = tensor.dim %h, %c0 : !row
  %e = tensor.empty(%b) : !row
  %left, %total, %score = linalg.generic {indexing_maps = [affine_map<(b) -> (b)>, affine_map<(b) -> (b)>, affine_map<(b) -> (b)>, affine_map<(b) -> (b)>, affine_map<(b) -> (b)>], iterator_types = ["parallel"]}
      ins(%h, %sum : !row, !row) outs(%e, %e, %e : !row, !row, !row) {
  ^bb0(%p: f32, %before: f32, %o0: f32, %o1: f32, %o2: f32):
    %rest = arith.subf %one, %before : f32
    %after = arith.addf %before, %p : f32
    %nan = arith.cmpf uno, %p, %p : f32
    %decides = arith.select %nan, %never, %p : f32
    linalg.yield %rest, %after, %decides : f32, f32, f32
  } -> (!row, !row, !row)
  return %left, %total, %score : !row, !row, !row
}

// remainder is 1 - Σ h over the steps in front of the last.
func.func @main(%x: tensor<?x?x12xf32> {attnc.name = "x", attnc.dims = ["B", "T"]}, %lengths: tensor<?xi32> {attnc.name = "lengths", attnc.dims = ["B"]})
    -> (tensor<?x?x10xf32> {attnc.name = "y", attnc.dims = ["B", "T"]}, tensor<?x?xi32> {attnc.name = "steps", attnc.dims = ["B", "T"]}, tensor<?x?xf32> {attnc.name = "remainder", attnc.dims = ["B", "T"]}, !state {attnc.name = "state", attnc.dims = ["B"]}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %cap = arith.constant 5 : index
  %limit = arith.constant 0.99 : f32  // 1 - ε
  %b = tensor.dim %x, %c0 : tensor<?x?x12xf32>
  %length = tensor.dim %x, %c1 : tensor<?x?x12xf32>
  %es = tensor.empty(%b) : !state
  %s0 = linalg.fill ins(%zero : f32) outs(%es : !state) -> !state
  %ey = tensor.empty(%b) : !output
  %no_y = linalg.fill ins(%zero : f32) outs(%ey : !output) -> !output
  %er = tensor.empty(%b) : !row
  %nothing = linalg.fill ins(%zero : f32) outs(%er : !row) -> !row
  %y0 = tensor.empty(%b, %length) : tensor<?x?x10xf32>
  %steps0 = tensor.empty(%b, %length) : tensor<?x?xi32>
  %rest0 = tensor.empty(%b, %length) : tensor<?x?xf32>
  %state, %y, %steps, %remainder = scf.for %t = %c0 to %length step %c1
      iter_args(%s = %s0, %ys = %y0, %ns = %steps0, %rs = %rest0) -> (!state, tensor<?x?x10xf32>, tensor<?x?xi32>, tensor<?x?xf32>) {
    %xt = tensor.extract_slice %x[0, %t, 0] [%b, 1, 12] [1, 1, 1] : tensor<?x?x12xf32> to !input
    %here, %start = func.call @"begin"(%s, %lengths, %t) : (!state, tensor<?xi32>, index) -> (!here, !state)
    %k, %mean, %out, %sums, %rest, %count = loop.adaptive act threshold(%limit) active(%running = %here : !here) cap(%cap) step(%n)
        carry(frozen %inner = %s : !state, mean %ms = %start : !state, mean %my = %no_y : !output,
              frozen %sum = %nothing : !row, frozen %before = %nothing : !row) {
      %new = func.call @"cell"(%xt, %inner, %n) : (!input, !state, index) -> !state
      %h = func.call @"halt"(%new) : (!state) -> !row
      %yn = func.call @"output"(%new) : (!state) -> !output
      %left, %total, %score = func.call @"account"(%h, %sum) : (!row, !row) -> (!row, !row, !row)
      loop.yield %new, %new, %yn, %total, %left score(%score : !row) : !state, !state, !output, !row, !row
    }
    %ny = tensor.insert_slice %out into %ys[0, %t, 0] [%b, 1, 10] [1, 1, 1] : !output into tensor<?x?x10xf32>
    %nn = tensor.insert_slice %count into %ns[0, %t] [%b, 1] [1, 1] : tensor<?xi32> into tensor<?x?xi32>
    %nr = tensor.insert_slice %rest into %rs[0, %t] [%b, 1] [1, 1] : !row into tensor<?x?xf32>
    scf.yield %mean, %ny, %nn, %nr : !state, tensor<?x?x10xf32>, tensor<?x?xi32>, tensor<?x?xf32>
  }
  return %y, %steps, %remainder, %state : tensor<?x?x10xf32>, tensor<?x?xi32>, tensor<?x?xf32>, !state
}
