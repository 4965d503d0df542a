// RUN: attnc-opt %s --attnc-split-step-signals --canonicalize --cse --split-input-file | FileCheck %s
// RUN: attnc-opt %s --attnc-split-step-signals --split-input-file --remarks-filter=loops --remark-format=emitRemark 2>&1 | FileCheck %s --check-prefix=REMARK

#x = affine_map<(b, t, n, k) -> (b, t, k)>
#w = affine_map<(b, t, n, k) -> (n, k)>
#y = affine_map<(b, t, n, k) -> (b, t, n)>
#all = affine_map<(b, t, c) -> (b, t, c)>
#position = affine_map<(b, t, c) -> (t, c)>

// X = H + P^t, keys and values of a packed projection: made of H and the table of positions; the step's share of the values is added to the output where a key is seen.
// REMARK: remark: {{.*}}the step's signal is taken out of keys and values
// CHECK-LABEL: func @signal
// CHECK-SAME: %[[W:[^:]*]]: tensor<24x8xf32>
// CHECK: loop.adaptive region {{.*}} step(%[[T:.*]]) carry(frozen %[[H:[^ ]*]] =
// CHECK: %[[TICK:.*]] = linalg.generic {{.*}} outs(%{{.*}} : tensor<8xf32>)
// CHECK: arith.index_cast %[[T]]
// CHECK: %[[PLACE:.*]] = linalg.generic {{.*}} outs(%{{.*}} : tensor<?x8xf32>)
// CHECK-NOT: %[[T]]
// CHECK: %[[BASE:.*]] = linalg.generic {{.*}} ins(%[[H]], %[[PLACE]] :
// CHECK: %[[X:.*]] = linalg.generic {{.*}} ins(%[[BASE]], %[[TICK]] :
// CHECK-DAG: %[[WK:.*]] = tensor.extract_slice %[[W]][8, 0] [8, 8]
// CHECK-DAG: %[[WV:.*]] = tensor.extract_slice %[[W]][16, 0] [8, 8]
// CHECK-DAG: %[[WQ:.*]] = tensor.extract_slice %[[W]][0, 0] [8, 8]
// CHECK-DAG: linalg.contract {{.*}} ins(%[[BASE]], %[[WK]] :
// CHECK-DAG: linalg.contract {{.*}} ins(%[[BASE]], %[[WV]] :
// CHECK-DAG: linalg.contract {{.*}} ins(%[[X]], %[[WQ]] :
// CHECK-DAG: %[[ROW:.*]] = tensor.expand_shape %[[TICK]]
// CHECK-DAG: linalg.contract {{.*}} ins(%[[ROW]], %[[WV]] : tensor<1x8xf32>
// CHECK: %[[O:.*]] = attn.attention softmax
// CHECK: linalg.generic {{.*}} ins(%[[O]], %{{.*}}, %{{.*}} : tensor<?x?x2x4xf32>, tensor<2x4xf32>, tensor<?xi32>)
// CHECK: %[[SUM:.*]] = arith.addf
// CHECK: %[[SEES:.*]] = arith.cmpi sgt
// CHECK: arith.select %[[SEES]], %[[SUM]]
func.func @signal(%h0: tensor<?x?x8xf32>, %w: tensor<24x8xf32>, %lengths: tensor<?xi32>, %running: tensor<?x?xi1>, %cap: index) -> tensor<?x?x8xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %h, %steps = loop.adaptive region active(%r = %running : tensor<?x?xi1>) cap(%cap) step(%t) carry(frozen %x0 = %h0 : tensor<?x?x8xf32>) {
    %b = tensor.dim %x0, %c0 : tensor<?x?x8xf32>
    %n = tensor.dim %x0, %c1 : tensor<?x?x8xf32>
    %ep = tensor.empty(%n) : tensor<?x8xf32>
    %p = linalg.generic {indexing_maps = [affine_map<(t, c) -> (t, c)>], iterator_types = ["parallel", "parallel"]} outs(%ep : tensor<?x8xf32>) {
    ^bb0(%out: f32):
      %i = linalg.index 0 : index
      %i64 = arith.index_cast %i : index to i64
      %s64 = arith.index_cast %t : index to i64
      %if = arith.sitofp %i64 : i64 to f32
      %sf = arith.sitofp %s64 : i64 to f32
      %si = math.sin %if : f32
      %ss = math.sin %sf : f32
      %a = arith.addf %si, %ss : f32
      linalg.yield %a : f32
    } -> tensor<?x8xf32>
    %e = tensor.empty(%b, %n) : tensor<?x?x8xf32>
    %x = linalg.generic {indexing_maps = [#all, #position, #all], iterator_types = ["parallel", "parallel", "parallel"]} ins(%x0, %p : tensor<?x?x8xf32>, tensor<?x8xf32>) outs(%e : tensor<?x?x8xf32>) {
    ^bb0(%u: f32, %v: f32, %out: f32):
      %a = arith.addf %u, %v : f32
      linalg.yield %a : f32
    } -> tensor<?x?x8xf32>
    %eq = tensor.empty(%b, %n) : tensor<?x?x24xf32>
    %z = linalg.fill ins(%zero : f32) outs(%eq : tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
    %q1 = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : tensor<?x?x8xf32>, tensor<24x8xf32>) outs(%z : tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
    %qkv = tensor.expand_shape %q1 [[0], [1], [2, 3, 4]] output_shape [%b, %n, 3, 2, 4] : tensor<?x?x24xf32> into tensor<?x?x3x2x4xf32>
    %ea = tensor.empty(%b, %n) : tensor<?x?x2x4xf32>
    %o = attn.attention softmax scale(0.5)
        query %qkv[b, i, 0, g, d] : tensor<?x?x3x2x4xf32>
        source %qkv[b, j, 1, g, d], %qkv[b, j, 2, g, v] : tensor<?x?x3x2x4xf32>, tensor<?x?x3x2x4xf32> valid %lengths[b] : tensor<?xi32>
        into %ea[b, i, g, v] : tensor<?x?x2x4xf32>
    %y = tensor.collapse_shape %o [[0], [1], [2, 3]] : tensor<?x?x2x4xf32> into tensor<?x?x8xf32>
    loop.yield %y : tensor<?x?x8xf32>
  } halt(%t, %before, %after) {
    %exit = arith.constant dense<false> : tensor<4x5xi1>
    %any = tensor.cast %exit : tensor<4x5xi1> to tensor<?x?xi1>
    loop.yield %any : tensor<?x?xi1>
  }
  return %h : tensor<?x?x8xf32>
}

// -----

#all = affine_map<(b, t, g, d) -> (b, t, g, d)>
#wide = affine_map<(b, t, g, d) -> (g, d)>

// REMARK: remark: {{.*}}keys and values change at every step: its normaliser is not softmax
// CHECK-LABEL: func @sigmoid
// CHECK: %[[X:.*]] = linalg.generic
// CHECK: attn.attention
func.func @sigmoid(%h0: tensor<?x?x2x4xf32>, %signal: tensor<2x4xf32>, %running: tensor<?x?xi1>, %cap: index) -> tensor<?x?x2x4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %h, %steps = loop.adaptive region active(%r = %running : tensor<?x?xi1>) cap(%cap) step(%t) carry(frozen %x0 = %h0 : tensor<?x?x2x4xf32>) {
    %b = tensor.dim %x0, %c0 : tensor<?x?x2x4xf32>
    %n = tensor.dim %x0, %c1 : tensor<?x?x2x4xf32>
    %e = tensor.empty(%b, %n) : tensor<?x?x2x4xf32>
    %s64 = arith.index_cast %t : index to i64
    %step = arith.sitofp %s64 : i64 to f32
    %x = linalg.generic {indexing_maps = [#all, #wide, #all], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%x0, %signal : tensor<?x?x2x4xf32>, tensor<2x4xf32>) outs(%e : tensor<?x?x2x4xf32>) {
    ^bb0(%u: f32, %v: f32, %out: f32):
      %p = arith.mulf %v, %step : f32
      %a = arith.addf %u, %p : f32
      linalg.yield %a : f32
    } -> tensor<?x?x2x4xf32>
    %o = attn.attention sigmoid scale(0.5)
        query %x[b, i, g, d] : tensor<?x?x2x4xf32>
        source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x?x2x4xf32>, tensor<?x?x2x4xf32>
        into %e[b, i, g, v] : tensor<?x?x2x4xf32>
    loop.yield %o : tensor<?x?x2x4xf32>
  } halt(%t, %before, %after) {
    %exit = arith.constant dense<false> : tensor<4x5xi1>
    %any = tensor.cast %exit : tensor<4x5xi1> to tensor<?x?xi1>
    loop.yield %any : tensor<?x?xi1>
  }
  return %h : tensor<?x?x2x4xf32>
}

// -----

#all = affine_map<(b, t, g, d) -> (b, t, g, d)>
#wide = affine_map<(b, t, g, d) -> (g, d)>

// REMARK: remark: {{.*}}keys and values change at every step: it has a sink
// CHECK-LABEL: func @sink
// CHECK: %[[X:.*]] = linalg.generic
// CHECK: attn.attention
func.func @sink(%h0: tensor<?x?x2x4xf32>, %signal: tensor<2x4xf32>, %running: tensor<?x?xi1>, %cap: index, %sink: tensor<2xf32>) -> tensor<?x?x2x4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %h, %steps = loop.adaptive region active(%r = %running : tensor<?x?xi1>) cap(%cap) step(%t) carry(frozen %x0 = %h0 : tensor<?x?x2x4xf32>) {
    %b = tensor.dim %x0, %c0 : tensor<?x?x2x4xf32>
    %n = tensor.dim %x0, %c1 : tensor<?x?x2x4xf32>
    %e = tensor.empty(%b, %n) : tensor<?x?x2x4xf32>
    %s64 = arith.index_cast %t : index to i64
    %step = arith.sitofp %s64 : i64 to f32
    %x = linalg.generic {indexing_maps = [#all, #wide, #all], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%x0, %signal : tensor<?x?x2x4xf32>, tensor<2x4xf32>) outs(%e : tensor<?x?x2x4xf32>) {
    ^bb0(%u: f32, %v: f32, %out: f32):
      %p = arith.mulf %v, %step : f32
      %a = arith.addf %u, %p : f32
      linalg.yield %a : f32
    } -> tensor<?x?x2x4xf32>
    %o = attn.attention softmax scale(0.5)
        query %x[b, i, g, d] : tensor<?x?x2x4xf32>
        source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x?x2x4xf32>, tensor<?x?x2x4xf32>
        sink %sink[g] : tensor<2xf32>
        into %e[b, i, g, v] : tensor<?x?x2x4xf32>
    loop.yield %o : tensor<?x?x2x4xf32>
  } halt(%t, %before, %after) {
    %exit = arith.constant dense<false> : tensor<4x5xi1>
    %any = tensor.cast %exit : tensor<4x5xi1> to tensor<?x?xi1>
    loop.yield %any : tensor<?x?xi1>
  }
  return %h : tensor<?x?x2x4xf32>
}

// -----

#all = affine_map<(b, t, g, d) -> (b, t, g, d)>
#wide = affine_map<(b, t, g, d) -> (g, d)>

// REMARK: remark: {{.*}}keys and values change at every step: it has several sources
// CHECK-LABEL: func @sources
// CHECK: %[[X:.*]] = linalg.generic
// CHECK: attn.attention
func.func @sources(%h0: tensor<?x?x2x4xf32>, %signal: tensor<2x4xf32>, %running: tensor<?x?xi1>, %cap: index) -> tensor<?x?x2x4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %h, %steps = loop.adaptive region active(%r = %running : tensor<?x?xi1>) cap(%cap) step(%t) carry(frozen %x0 = %h0 : tensor<?x?x2x4xf32>) {
    %b = tensor.dim %x0, %c0 : tensor<?x?x2x4xf32>
    %n = tensor.dim %x0, %c1 : tensor<?x?x2x4xf32>
    %e = tensor.empty(%b, %n) : tensor<?x?x2x4xf32>
    %s64 = arith.index_cast %t : index to i64
    %step = arith.sitofp %s64 : i64 to f32
    %x = linalg.generic {indexing_maps = [#all, #wide, #all], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%x0, %signal : tensor<?x?x2x4xf32>, tensor<2x4xf32>) outs(%e : tensor<?x?x2x4xf32>) {
    ^bb0(%u: f32, %v: f32, %out: f32):
      %p = arith.mulf %v, %step : f32
      %a = arith.addf %u, %p : f32
      linalg.yield %a : f32
    } -> tensor<?x?x2x4xf32>
    %o = attn.attention softmax scale(0.5)
        query %x[b, i, g, d] : tensor<?x?x2x4xf32>
        source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x?x2x4xf32>, tensor<?x?x2x4xf32>
        source %h0[b, j, g, d], %h0[b, j, g, v] : tensor<?x?x2x4xf32>, tensor<?x?x2x4xf32>
        into %e[b, i, g, v] : tensor<?x?x2x4xf32>
    loop.yield %o : tensor<?x?x2x4xf32>
  } halt(%t, %before, %after) {
    %exit = arith.constant dense<false> : tensor<4x5xi1>
    %any = tensor.cast %exit : tensor<4x5xi1> to tensor<?x?xi1>
    loop.yield %any : tensor<?x?xi1>
  }
  return %h : tensor<?x?x2x4xf32>
}

// -----

#all = affine_map<(b, t, g, d) -> (b, t, g, d)>
#wide = affine_map<(b, t, g, d) -> (g, d)>

// REMARK: remark: {{.*}}keys and values change at every step: it has a score or post region
// CHECK-LABEL: func @score
// CHECK: %[[X:.*]] = linalg.generic
// CHECK: attn.attention
func.func @score(%h0: tensor<?x?x2x4xf32>, %signal: tensor<2x4xf32>, %running: tensor<?x?xi1>, %cap: index) -> tensor<?x?x2x4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %h, %steps = loop.adaptive region active(%r = %running : tensor<?x?xi1>) cap(%cap) step(%t) carry(frozen %x0 = %h0 : tensor<?x?x2x4xf32>) {
    %b = tensor.dim %x0, %c0 : tensor<?x?x2x4xf32>
    %n = tensor.dim %x0, %c1 : tensor<?x?x2x4xf32>
    %e = tensor.empty(%b, %n) : tensor<?x?x2x4xf32>
    %s64 = arith.index_cast %t : index to i64
    %step = arith.sitofp %s64 : i64 to f32
    %x = linalg.generic {indexing_maps = [#all, #wide, #all], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%x0, %signal : tensor<?x?x2x4xf32>, tensor<2x4xf32>) outs(%e : tensor<?x?x2x4xf32>) {
    ^bb0(%u: f32, %v: f32, %out: f32):
      %p = arith.mulf %v, %step : f32
      %a = arith.addf %u, %p : f32
      linalg.yield %a : f32
    } -> tensor<?x?x2x4xf32>
    %o = attn.attention softmax scale(0.5)
        query %x[b, i, g, d] : tensor<?x?x2x4xf32>
        source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x?x2x4xf32>, tensor<?x?x2x4xf32>
        into %e[b, i, g, v] : tensor<?x?x2x4xf32>
      score(%s, %b1, %h1, %i, %j, %m) {
        %c = math.tanh %s : f32
        attn.yield %c : f32
      }
    loop.yield %o : tensor<?x?x2x4xf32>
  } halt(%t, %before, %after) {
    %exit = arith.constant dense<false> : tensor<4x5xi1>
    %any = tensor.cast %exit : tensor<4x5xi1> to tensor<?x?xi1>
    loop.yield %any : tensor<?x?xi1>
  }
  return %h : tensor<?x?x2x4xf32>
}

// -----

#all = affine_map<(b, t, g, d) -> (b, t, g, d)>
#wide = affine_map<(b, t, g, d) -> (g, d)>

// REMARK: remark: {{.*}}keys and values change at every step: it has a mask region, by which a row might see no key
// CHECK-LABEL: func @mask
// CHECK: %[[X:.*]] = linalg.generic
// CHECK: attn.attention
func.func @mask(%h0: tensor<?x?x2x4xf32>, %signal: tensor<2x4xf32>, %running: tensor<?x?xi1>, %cap: index) -> tensor<?x?x2x4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %h, %steps = loop.adaptive region active(%r = %running : tensor<?x?xi1>) cap(%cap) step(%t) carry(frozen %x0 = %h0 : tensor<?x?x2x4xf32>) {
    %b = tensor.dim %x0, %c0 : tensor<?x?x2x4xf32>
    %n = tensor.dim %x0, %c1 : tensor<?x?x2x4xf32>
    %e = tensor.empty(%b, %n) : tensor<?x?x2x4xf32>
    %s64 = arith.index_cast %t : index to i64
    %step = arith.sitofp %s64 : i64 to f32
    %x = linalg.generic {indexing_maps = [#all, #wide, #all], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%x0, %signal : tensor<?x?x2x4xf32>, tensor<2x4xf32>) outs(%e : tensor<?x?x2x4xf32>) {
    ^bb0(%u: f32, %v: f32, %out: f32):
      %p = arith.mulf %v, %step : f32
      %a = arith.addf %u, %p : f32
      linalg.yield %a : f32
    } -> tensor<?x?x2x4xf32>
    %o = attn.attention softmax scale(0.5)
        query %x[b, i, g, d] : tensor<?x?x2x4xf32>
        source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x?x2x4xf32>, tensor<?x?x2x4xf32>
        into %e[b, i, g, v] : tensor<?x?x2x4xf32>
      mask(%b1, %h1, %i, %j, %m) {
        %c = arith.cmpi slt, %j, %i : index
        attn.yield %c : i1
      }
    loop.yield %o : tensor<?x?x2x4xf32>
  } halt(%t, %before, %after) {
    %exit = arith.constant dense<false> : tensor<4x5xi1>
    %any = tensor.cast %exit : tensor<4x5xi1> to tensor<?x?xi1>
    loop.yield %any : tensor<?x?xi1>
  }
  return %h : tensor<?x?x2x4xf32>
}

// -----

#all = affine_map<(b, t, g, d) -> (b, t, g, d)>
#wide = affine_map<(b, t, g, d) -> (g, d)>

// REMARK: remark: {{.*}}keys and values change at every step: it gives the logarithm of its sums, or the entropy
// CHECK-LABEL: func @sums
// CHECK: %[[X:.*]] = linalg.generic
// CHECK: attn.attention
func.func @sums(%h0: tensor<?x?x2x4xf32>, %signal: tensor<2x4xf32>, %running: tensor<?x?xi1>, %cap: index) -> tensor<?x?x2x4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %h, %steps = loop.adaptive region active(%r = %running : tensor<?x?xi1>) cap(%cap) step(%t) carry(frozen %x0 = %h0 : tensor<?x?x2x4xf32>) {
    %b = tensor.dim %x0, %c0 : tensor<?x?x2x4xf32>
    %n = tensor.dim %x0, %c1 : tensor<?x?x2x4xf32>
    %e = tensor.empty(%b, %n) : tensor<?x?x2x4xf32>
    %s64 = arith.index_cast %t : index to i64
    %step = arith.sitofp %s64 : i64 to f32
    %x = linalg.generic {indexing_maps = [#all, #wide, #all], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%x0, %signal : tensor<?x?x2x4xf32>, tensor<2x4xf32>) outs(%e : tensor<?x?x2x4xf32>) {
    ^bb0(%u: f32, %v: f32, %out: f32):
      %p = arith.mulf %v, %step : f32
      %a = arith.addf %u, %p : f32
      linalg.yield %a : f32
    } -> tensor<?x?x2x4xf32>
    %el = tensor.empty(%b, %n) : tensor<?x?x2xf32>
    %o, %lse = attn.attention softmax scale(0.5)
        query %x[b, i, g, d] : tensor<?x?x2x4xf32>
        source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x?x2x4xf32>, tensor<?x?x2x4xf32>
        into %e[b, i, g, v] : tensor<?x?x2x4xf32>
        lse %el[b, i, g] : tensor<?x?x2xf32>
    loop.yield %o : tensor<?x?x2x4xf32>
  } halt(%t, %before, %after) {
    %exit = arith.constant dense<false> : tensor<4x5xi1>
    %any = tensor.cast %exit : tensor<4x5xi1> to tensor<?x?xi1>
    loop.yield %any : tensor<?x?xi1>
  }
  return %h : tensor<?x?x2x4xf32>
}

// -----

#all = affine_map<(b, t, g, d) -> (b, t, g, d)>
#wide = affine_map<(b, t, g, d) -> (g, d)>

// REMARK: remark: {{.*}}keys and values change at every step: 'attn.rms_norm' op between the signal and the keys and values is neither a sum nor a product by what is the same at every step
// CHECK-LABEL: func @norm
// CHECK: %[[X:.*]] = linalg.generic
// CHECK: attn.attention
func.func @norm(%h0: tensor<?x?x2x4xf32>, %signal: tensor<2x4xf32>, %running: tensor<?x?xi1>, %cap: index) -> tensor<?x?x2x4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %h, %steps = loop.adaptive region active(%r = %running : tensor<?x?xi1>) cap(%cap) step(%t) carry(frozen %x0 = %h0 : tensor<?x?x2x4xf32>) {
    %b = tensor.dim %x0, %c0 : tensor<?x?x2x4xf32>
    %n = tensor.dim %x0, %c1 : tensor<?x?x2x4xf32>
    %e = tensor.empty(%b, %n) : tensor<?x?x2x4xf32>
    %s64 = arith.index_cast %t : index to i64
    %step = arith.sitofp %s64 : i64 to f32
    %x = linalg.generic {indexing_maps = [#all, #wide, #all], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%x0, %signal : tensor<?x?x2x4xf32>, tensor<2x4xf32>) outs(%e : tensor<?x?x2x4xf32>) {
    ^bb0(%u: f32, %v: f32, %out: f32):
      %p = arith.mulf %v, %step : f32
      %a = arith.addf %u, %p : f32
      linalg.yield %a : f32
    } -> tensor<?x?x2x4xf32>
    %k = attn.rms_norm %x eps(1.0e-6) : tensor<?x?x2x4xf32>
    %o = attn.attention softmax scale(0.5)
        query %x[b, i, g, d] : tensor<?x?x2x4xf32>
        source %k[b, j, g, d], %k[b, j, g, v] : tensor<?x?x2x4xf32>, tensor<?x?x2x4xf32>
        into %e[b, i, g, v] : tensor<?x?x2x4xf32>
    loop.yield %o : tensor<?x?x2x4xf32>
  } halt(%t, %before, %after) {
    %exit = arith.constant dense<false> : tensor<4x5xi1>
    %any = tensor.cast %exit : tensor<4x5xi1> to tensor<?x?xi1>
    loop.yield %any : tensor<?x?xi1>
  }
  return %h : tensor<?x?x2x4xf32>
}

// -----

#all = affine_map<(b, t, g, d) -> (b, t, g, d)>
#wide = affine_map<(b, t, g, d) -> (g, d)>

// REMARK: remark: {{.*}}keys and values change at every step: 'linalg.generic' op between the signal and the keys and values is neither a sum nor a product by what is the same at every step
// CHECK-LABEL: func @product
// CHECK: %[[X:.*]] = linalg.generic
// CHECK: attn.attention
func.func @product(%h0: tensor<?x?x2x4xf32>, %signal: tensor<2x4xf32>, %running: tensor<?x?xi1>, %cap: index) -> tensor<?x?x2x4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %h, %steps = loop.adaptive region active(%r = %running : tensor<?x?xi1>) cap(%cap) step(%t) carry(frozen %x0 = %h0 : tensor<?x?x2x4xf32>) {
    %b = tensor.dim %x0, %c0 : tensor<?x?x2x4xf32>
    %n = tensor.dim %x0, %c1 : tensor<?x?x2x4xf32>
    %e = tensor.empty(%b, %n) : tensor<?x?x2x4xf32>
    %s64 = arith.index_cast %t : index to i64
    %step = arith.sitofp %s64 : i64 to f32
    %x = linalg.generic {indexing_maps = [#all, #wide, #all], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%x0, %signal : tensor<?x?x2x4xf32>, tensor<2x4xf32>) outs(%e : tensor<?x?x2x4xf32>) {
    ^bb0(%u: f32, %v: f32, %out: f32):
      %p = arith.mulf %v, %step : f32
      %a = arith.mulf %u, %p : f32
      linalg.yield %a : f32
    } -> tensor<?x?x2x4xf32>
    %o = attn.attention softmax scale(0.5)
        query %x[b, i, g, d] : tensor<?x?x2x4xf32>
        source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x?x2x4xf32>, tensor<?x?x2x4xf32>
        into %e[b, i, g, v] : tensor<?x?x2x4xf32>
    loop.yield %o : tensor<?x?x2x4xf32>
  } halt(%t, %before, %after) {
    %exit = arith.constant dense<false> : tensor<4x5xi1>
    %any = tensor.cast %exit : tensor<4x5xi1> to tensor<?x?xi1>
    loop.yield %any : tensor<?x?xi1>
  }
  return %h : tensor<?x?x2x4xf32>
}

// -----

#all = affine_map<(b, t, g, d) -> (b, t, g, d)>
#wide = affine_map<(b, t, g, d) -> (g, d)>

// REMARK: remark: {{.*}}keys and values change at every step: they are made of a carried value that is not frozen
// CHECK-LABEL: func @free
// CHECK: %[[X:.*]] = linalg.generic
// CHECK: attn.attention
func.func @free(%h0: tensor<?x?x2x4xf32>, %signal: tensor<2x4xf32>, %running: tensor<?x?xi1>, %cap: index) -> tensor<?x?x2x4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %h, %steps = loop.adaptive region active(%r = %running : tensor<?x?xi1>) cap(%cap) step(%t) carry(free %x0 = %h0 : tensor<?x?x2x4xf32>) {
    %b = tensor.dim %x0, %c0 : tensor<?x?x2x4xf32>
    %n = tensor.dim %x0, %c1 : tensor<?x?x2x4xf32>
    %e = tensor.empty(%b, %n) : tensor<?x?x2x4xf32>
    %s64 = arith.index_cast %t : index to i64
    %step = arith.sitofp %s64 : i64 to f32
    %x = linalg.generic {indexing_maps = [#all, #wide, #all], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%x0, %signal : tensor<?x?x2x4xf32>, tensor<2x4xf32>) outs(%e : tensor<?x?x2x4xf32>) {
    ^bb0(%u: f32, %v: f32, %out: f32):
      %p = arith.mulf %v, %step : f32
      %a = arith.addf %u, %p : f32
      linalg.yield %a : f32
    } -> tensor<?x?x2x4xf32>
    %o = attn.attention softmax scale(0.5)
        query %x[b, i, g, d] : tensor<?x?x2x4xf32>
        source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x?x2x4xf32>, tensor<?x?x2x4xf32>
        into %e[b, i, g, v] : tensor<?x?x2x4xf32>
    loop.yield %o : tensor<?x?x2x4xf32>
  } halt(%t, %before, %after) {
    %exit = arith.constant dense<false> : tensor<4x5xi1>
    %any = tensor.cast %exit : tensor<4x5xi1> to tensor<?x?xi1>
    loop.yield %any : tensor<?x?xi1>
  }
  return %h : tensor<?x?x2x4xf32>
}
