// Ops of attn: as they stand in models, with destinations in the arena, in outputs and in carried values.
// RUN: %python %S/check_programs.py %s | FileCheck %s
// CHECK: programs agree
// sizes: M=3,1,7,9

func.func @rotary(%q: tensor<?x?x2x8xf32> {attnc.name = "q", attnc.dims = ["N", "T"]}, %at: index {attnc.name = "index_at"}, %p: tensor<?x?xi64> {attnc.name = "index_p", attnc.dims = ["N", "T"]}, %f: tensor<3xf64> {attnc.name = "f"})
    -> (tensor<?x?x2x8xf32> {attnc.name = "counted", attnc.dims = ["N", "T"]}, tensor<?x?x2x8xf32> {attnc.name = "given", attnc.dims = ["N", "T"]}) {
  %counted = attn.rotary half_split %q along [1] offset(%at) base(1.0e4) : tensor<?x?x2x8xf32>
  %given = attn.rotary interleaved %q along [0, 1] positions(%p : tensor<?x?xi64>) frequencies(%f : tensor<3xf64>) width(6) factor(1.5) : tensor<?x?x2x8xf32>
  return %counted, %given : tensor<?x?x2x8xf32>, tensor<?x?x2x8xf32>
}

// A ring that a loop carries, filled step by step past its end; one that is read once more behind.
func.func @ring(%x: tensor<?x?x4xf32> {attnc.name = "x", attnc.dims = ["N", "T"]}, %start: tensor<?x5x4xf32> {attnc.name = "start", attnc.dims = ["N"]}, %on: tensor<?xi1> {attnc.name = "on", attnc.dims = ["N"]}, %n: index {attnc.name = "index_n"})
    -> (tensor<?x5x4xf32> {attnc.name = "filled", attnc.dims = ["N"]}, tensor<?x5x4xf32> {attnc.name = "at_once", attnc.dims = ["N"]}, tensor<?x5x4xf32> {attnc.name = "sum", attnc.dims = ["N"]}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : tensor<?x?x4xf32>
  %t = tensor.dim %x, %c1 : tensor<?x?x4xf32>
  %filled = scf.for %i = %c0 to %t step %c1 iter_args(%ring = %start) -> tensor<?x5x4xf32> {
    %row = tensor.extract_slice %x[0, %i, 0] [%b, 1, 4] [1, 1, 1] : tensor<?x?x4xf32> to tensor<?x1x4xf32>
    %next = attn.ring_append %row into %ring along 1 count(%i) pinned(2) : tensor<?x1x4xf32>, tensor<?x5x4xf32>
    scf.yield %next : tensor<?x5x4xf32>
  }
  %once = attn.ring_append %x into %start along 1 count(%n) when(%on : tensor<?xi1>) : tensor<?x?x4xf32>, tensor<?x5x4xf32>
  %sum = arith.addf %start, %once : tensor<?x5x4xf32>
  return %filled, %once, %sum : tensor<?x5x4xf32>, tensor<?x5x4xf32>, tensor<?x5x4xf32>
}

// A scan over all steps, and step by step with the state carried by a loop.
func.func @linear(%q: tensor<?x?x2x4xf32> {attnc.name = "q", attnc.dims = ["N", "T"]}, %k: tensor<?x?x2x4xf32> {attnc.name = "k", attnc.dims = ["N", "T"]}, %v: tensor<?x?x2x6xf32> {attnc.name = "v", attnc.dims = ["N", "T"]}, %g: tensor<2xf32> {attnc.name = "g"}, %s: tensor<?x2x4x6xf32> {attnc.name = "s", attnc.dims = ["N"]})
    -> (tensor<?x?x2x6xf32> {attnc.name = "o", attnc.dims = ["N", "T"]}, tensor<?x2x4x6xf32> {attnc.name = "last", attnc.dims = ["N"]}, tensor<?x2x4x6xf32> {attnc.name = "stepped", attnc.dims = ["N"]}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %q, %c0 : tensor<?x?x2x4xf32>
  %t = tensor.dim %q, %c1 : tensor<?x?x2x4xf32>
  %o, %last = attn.linear_scan %q, %k, %v state(%s) decay(%g : tensor<2xf32>) : tensor<?x?x2x4xf32>, tensor<?x?x2x4xf32>, tensor<?x?x2x6xf32>, tensor<?x2x4x6xf32>
  %stepped = scf.for %i = %c0 to %t step %c1 iter_args(%state = %s) -> tensor<?x2x4x6xf32> {
    %qi = tensor.extract_slice %q[0, %i, 0, 0] [%b, 1, 2, 4] [1, 1, 1, 1] : tensor<?x?x2x4xf32> to tensor<?x1x2x4xf32>
    %ki = tensor.extract_slice %k[0, %i, 0, 0] [%b, 1, 2, 4] [1, 1, 1, 1] : tensor<?x?x2x4xf32> to tensor<?x1x2x4xf32>
    %vi = tensor.extract_slice %v[0, %i, 0, 0] [%b, 1, 2, 6] [1, 1, 1, 1] : tensor<?x?x2x6xf32> to tensor<?x1x2x6xf32>
    %oi, %next = attn.linear_scan %qi, %ki, %vi state(%state) decay(%g : tensor<2xf32>) : tensor<?x1x2x4xf32>, tensor<?x1x2x4xf32>, tensor<?x1x2x6xf32>, tensor<?x2x4x6xf32>
    scf.yield %next : tensor<?x2x4x6xf32>
  }
  return %o, %last, %stepped : tensor<?x?x2x6xf32>, tensor<?x2x4x6xf32>, tensor<?x2x4x6xf32>
}

func.func @other_scans(%q: tensor<?x?x2x4xf32> {attnc.name = "q", attnc.dims = ["N", "T"]}, %beta: tensor<?x?x2xf32> {attnc.name = "beta", attnc.dims = ["N", "T"]}, %s: tensor<?x2x4x4xf32> {attnc.name = "s", attnc.dims = ["N"]}, %x: tensor<?x?x6xf32> {attnc.name = "x", attnc.dims = ["N", "T"]}, %dt: tensor<?x?x6xf32> {attnc.name = "positive", attnc.dims = ["N", "T"]}, %a: tensor<6x3xf32> {attnc.name = "a"}, %bc: tensor<?x?x3xf32> {attnc.name = "bc", attnc.dims = ["N", "T"]}, %h: tensor<?x6x3xf32> {attnc.name = "h", attnc.dims = ["N"]})
    -> (tensor<?x?x2x4xf32> {attnc.name = "delta", attnc.dims = ["N", "T"]}, tensor<?x2x4x4xf32> {attnc.name = "delta_last", attnc.dims = ["N"]}, tensor<?x?x6xf32> {attnc.name = "selective", attnc.dims = ["N", "T"]}, tensor<?x6x3xf32> {attnc.name = "selective_last", attnc.dims = ["N"]}) {
  %k = math.tanh %q : tensor<?x?x2x4xf32>
  %gate = math.erf %beta : tensor<?x?x2xf32>
  %rate = math.absf %a : tensor<6x3xf32>
  %minus = arith.negf %rate : tensor<6x3xf32>
  %o, %last = attn.delta_scan %q, %k, %q state(%s) beta(%gate : tensor<?x?x2xf32>) : tensor<?x?x2x4xf32>, tensor<?x?x2x4xf32>, tensor<?x?x2x4xf32>, tensor<?x2x4x4xf32>
  %y, %end = attn.selective_scan %x, %dt, %minus, %bc, %bc state(%h) : tensor<?x?x6xf32>, tensor<?x?x6xf32>, tensor<6x3xf32>, tensor<?x?x3xf32>, tensor<?x?x3xf32>, tensor<?x6x3xf32>
  return %o, %last, %y, %end : tensor<?x?x2x4xf32>, tensor<?x2x4x4xf32>, tensor<?x?x6xf32>, tensor<?x6x3xf32>
}

// Rows by index: gathered, changed, put back; what routing does.
func.func @rows(%x: tensor<?x?x4xf32> {attnc.name = "x", attnc.dims = ["N", "M"]}, %i: tensor<?x3xi32> {attnc.name = "index_i", attnc.dims = ["N"]})
    -> (tensor<?x3x4xf32> {attnc.name = "gathered", attnc.dims = ["N"]}, tensor<?x?x4xf32> {attnc.name = "set", attnc.dims = ["N", "M"]}, tensor<?x?x4xf32> {attnc.name = "added", attnc.dims = ["N", "M"]}) {
  %gathered = attn.gather_rows %x[%i] batch 1 : tensor<?x?x4xf32>, tensor<?x3xi32> -> tensor<?x3x4xf32>
  %changed = math.tanh %gathered : tensor<?x3x4xf32>
  %set = attn.scatter_rows set %changed into %x[%i] batch 1 : tensor<?x3x4xf32>, tensor<?x?x4xf32>, tensor<?x3xi32>
  %added = attn.scatter_rows add %changed into %x[%i] batch 1 : tensor<?x3x4xf32>, tensor<?x?x4xf32>, tensor<?x3xi32>
  return %gathered, %set, %added : tensor<?x3x4xf32>, tensor<?x?x4xf32>, tensor<?x?x4xf32>
}

func.func @order(%x: tensor<?x?xf32> {attnc.name = "x", attnc.dims = ["N", "T"]}, %w: tensor<?x7xi32> {attnc.name = "w", attnc.dims = ["N"]}, %h: tensor<?x7xbf16> {attnc.name = "h", attnc.dims = ["N"]}, %g: tensor<7xf16> {attnc.name = "g"})
    -> (tensor<?x?xf32> {attnc.name = "down", attnc.dims = ["N", "T"]}, tensor<?x?xi64> {attnc.name = "down_indices", attnc.dims = ["N", "T"]}, tensor<?x3xi32> {attnc.name = "top", attnc.dims = ["N"]}, tensor<?x3xi32> {attnc.name = "top_indices", attnc.dims = ["N"]},
        tensor<?x3xbf16> {attnc.name = "top_bf16", attnc.dims = ["N"]}, tensor<?x3xi32> {attnc.name = "top_bf16_indices", attnc.dims = ["N"]}, tensor<?x7xbf16> {attnc.name = "up_bf16", attnc.dims = ["N"]}, tensor<7xf16> {attnc.name = "up_f16"}) {
  %down, %di = attn.sort %x descending : tensor<?x?xf32> -> tensor<?x?xi64>
  %top, %ti = attn.top_k %w : tensor<?x7xi32> -> tensor<?x3xi32>, tensor<?x3xi32>
  %toph, %thi = attn.top_k %h : tensor<?x7xbf16> -> tensor<?x3xbf16>, tensor<?x3xi32>
  %up, %ui = attn.sort %h : tensor<?x7xbf16> -> tensor<?x7xi32>
  %upg, %ugi = attn.sort %g : tensor<7xf16> -> tensor<7xi32>
  return %down, %di, %top, %ti, %toph, %thi, %up, %upg : tensor<?x?xf32>, tensor<?x?xi64>, tensor<?x3xi32>, tensor<?x3xi32>, tensor<?x3xbf16>, tensor<?x3xi32>, tensor<?x7xbf16>, tensor<7xf16>
}

// Draws in a loop: a new block of words at each step.
func.func @random(%seed: i64 {attnc.name = "seed"}, %x: tensor<?xi32> {attnc.name = "index_rows", attnc.dims = ["N"]}, %n: index {attnc.name = "index_n"})
    -> (tensor<?xi32> {attnc.name = "sum", attnc.dims = ["N"]}, tensor<3xi32> {attnc.name = "other"}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : tensor<?xi32>
  %sum = scf.for %i = %c0 to %n step %c1 iter_args(%s = %x) -> tensor<?xi32> {
    %bits = attn.random_bits seed(%seed) step(%i) stream(3) sizes(%b) : tensor<?xi32>
    %more = attn.random_bits seed(%seed) draw(%i) rows(%x : tensor<?xi32>) sizes(%b) : tensor<?xi32>
    %t = arith.xori %s, %bits : tensor<?xi32>
    %u = arith.addi %t, %more : tensor<?xi32>
    scf.yield %u : tensor<?xi32>
  }
  %w0, %w1, %w2 = attn.random_bits seed(%seed) stream(9) : tensor<3xi32>, tensor<3xi32>, tensor<3xi32>
  %v = arith.addi %w1, %w2 : tensor<3xi32>
  return %sum, %v : tensor<?xi32>, tensor<3xi32>
}

func.func @norms(%x: tensor<?x12xf32> {attnc.name = "x", attnc.dims = ["N"]}, %g: tensor<12xf32> {attnc.name = "g"})
    -> (tensor<?x12xf32> {attnc.name = "layer", attnc.dims = ["N"]}, tensor<?x12xf32> {attnc.name = "rms", attnc.dims = ["N"]}) {
  %layer = attn.layer_norm %x weight(%g : tensor<12xf32>) bias(%g : tensor<12xf32>) eps(1.0e-5) : tensor<?x12xf32>
  %rms = attn.rms_norm %layer weight(%g : tensor<12xf32>) eps(1.0e-6) : tensor<?x12xf32>
  return %layer, %rms : tensor<?x12xf32>, tensor<?x12xf32>
}

// Scores so far below 0 that their sigmoids are 0 in f32 have weights in proportion; rows without keys are 0.
func.func @small_sigmoids(%q: tensor<?x?xf32> {attnc.name = "q", attnc.dims = ["N", "D"]}, %k: tensor<?x?xf32> {attnc.name = "k", attnc.dims = ["M", "D"]}, %v: tensor<?x3xf32> {attnc.name = "v", attnc.dims = ["M"]}, %n: index {attnc.name = "index_n"})
    -> (tensor<?x3xf32> {attnc.name = "y", attnc.dims = ["N"]}) {
  %c0 = arith.constant 0 : index
  %m = tensor.dim %q, %c0 : tensor<?x?xf32>
  %e = tensor.empty(%m) : tensor<?x3xf32>
  %y = attn.attention sigmoid_sum scale(5.0)
    query %q[i, d] : tensor<?x?xf32>
    source %k[j, d], %v[j, v] : tensor<?x?xf32>, tensor<?x3xf32>
    captures %n : index
    into %e[i, v] : tensor<?x3xf32>
    score(%s, %b, %h, %i, %j, %l, %from) {
      %away = arith.constant 120.0 : f32
      %t = arith.subf %s, %away : f32
      attn.yield %t : f32
    }
    mask(%b, %h, %i, %j, %l, %from) {
      %after = arith.cmpi sge, %j, %from : index
      attn.yield %after : i1
    }
  return %y : tensor<?x3xf32>
}
