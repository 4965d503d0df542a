// RUN: attnc-opt %s --attnc-compact-loops --canonicalize --cse --split-input-file | FileCheck %s
// RUN: attnc-opt %s --attnc-compact-loops --split-input-file --remarks-filter=loops --remark-format=emitRemark 2>&1 | FileCheck %s --check-prefix=REMARK

#x = affine_map<(b, t, n, k) -> (b, t, k)>
#w = affine_map<(b, t, n, k) -> (n, k)>
#y = affine_map<(b, t, n, k) -> (b, t, n)>
#row = affine_map<(b, t, c) -> (b, t)>
#position = affine_map<(b, t, c) -> (t, c)>
#all = affine_map<(b, t, c) -> (b, t, c)>

// Each row for itself: what the body reads of the running rows is gathered, what it carries is put back.
// REMARK: remark: {{.*}}rows that have stopped are skipped: 1 products and attentions follow the running rows"
// CHECK-LABEL: func @by_row
// CHECK: loop.adaptive region active(%[[RUNNING:.*]] = %{{.*}} : tensor<?xi1>) {{.*}} carry(free %[[H:.*]] = %{{.*}} : tensor<?x8xf32>)
// CHECK: %[[ALL:.*]], %[[COUNT:.*]] = attn.nonzero %[[RUNNING]]
// CHECK: arith.minui
// CHECK: %[[ROWS:.*]] = tensor.extract_slice %[[ALL]][0] [%[[N:.*]]] [1]
// CHECK: %[[G:.*]] = attn.gather_rows %[[H]][%[[ROWS]]]
// CHECK: linalg.contract {{.*}} ins(%[[G]], %{{.*}} : tensor<?x8xf32>, tensor<8x8xf32>)
// The signal of each row is that of its position.
// CHECK: attn.gather_rows %arg1[%{{.*}}] : tensor<?x8xf32>, tensor<?xindex>
// CHECK: %[[NEW:.*]] = linalg.generic
// CHECK: %[[PUT:.*]] = attn.scatter_rows set %[[NEW]] into %[[H]][%[[ROWS]]]
// CHECK: loop.yield %[[PUT]]
func.func @by_row(%h0: tensor<?x?x8xf32>, %signal: tensor<?x8xf32>, %w: tensor<8x8xf32>, %running: tensor<?x?xi1>, %cap: index) -> (tensor<?x?x8xf32>, tensor<?x?xi32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %h, %steps = loop.adaptive region active(%r = %running : tensor<?x?xi1>) cap(%cap) step(%t) carry(frozen %x = %h0 : tensor<?x?x8xf32>) {
    %b = tensor.dim %x, %c0 : tensor<?x?x8xf32>
    %n = tensor.dim %x, %c1 : tensor<?x?x8xf32>
    %e = tensor.empty(%b, %n) : tensor<?x?x8xf32>
    %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
    %p = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : tensor<?x?x8xf32>, tensor<8x8xf32>) outs(%z : tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
    %s = linalg.generic {indexing_maps = [#all, #position, #all], iterator_types = ["parallel", "parallel", "parallel"]}
        ins(%p, %signal : tensor<?x?x8xf32>, tensor<?x8xf32>) outs(%e : tensor<?x?x8xf32>) {
    ^bb0(%u: f32, %v: f32, %out: f32):
      %a = arith.addf %u, %v : f32
      linalg.yield %a : f32
    } -> tensor<?x?x8xf32>
    loop.yield %s : tensor<?x?x8xf32>
  } halt(%t, %before, %after) {
    %exit = arith.constant dense<false> : tensor<4x5xi1>
    %any = tensor.cast %exit : tensor<4x5xi1> to tensor<?x?xi1>
    loop.yield %any : tensor<?x?xi1>
  }
  return %h, %steps : tensor<?x?x8xf32>, tensor<?x?xi32>
}

// -----

#all = affine_map<(b, t, g, d) -> (b, t, g, d)>
#row = affine_map<(b, t, g, d) -> (b, t)>

// Keys that are kept from a row's last running step: queries of running rows, in order and each at its position, and new keys put among the kept ones.
// CHECK-LABEL: func @kept_keys
// CHECK: loop.adaptive region {{.*}} carry(free %[[H:.*]] = %{{.*}} : tensor<?x2x4xf32>, free %[[K:.*]] = %{{.*}} : tensor<?x2x4xf32>)
// CHECK: %[[ALL:.*]], %{{.*}} = attn.nonzero
// CHECK: %[[NEW:.*]] = attn.scatter_rows set %{{.*}} into %[[K]]
// CHECK: %[[KEYS:.*]] = tensor.expand_shape %[[NEW]]
// CHECK: attn.attention
// CHECK-NEXT: query %{{.*}}[i, g, d] : tensor<?x2x4xf32> positions %{{.*}}[i] : tensor<?xindex> rows %{{.*}} : tensor<?xi32>
// CHECK-NEXT: source %[[KEYS]][b, j, g, d], %[[KEYS]][b, j, g, v]
// CHECK: loop.yield %{{.*}}, %[[NEW]]
func.func @kept_keys(%h0: tensor<?x?x2x4xf32>, %k0: tensor<?x?x2x4xf32>, %running: tensor<?x?xi1>, %cap: index) -> tensor<?x?x2x4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %h, %k, %steps = loop.adaptive region active(%r = %running : tensor<?x?xi1>) cap(%cap) step(%t)
      carry(frozen %x = %h0 : tensor<?x?x2x4xf32>, frozen %kept = %k0 : tensor<?x?x2x4xf32>) {
    %b = tensor.dim %x, %c0 : tensor<?x?x2x4xf32>
    %n = tensor.dim %x, %c1 : tensor<?x?x2x4xf32>
    %e = tensor.empty(%b, %n) : tensor<?x?x2x4xf32>
    %new = math.tanh %x : tensor<?x?x2x4xf32>
    %keys = linalg.generic {indexing_maps = [#row, #all, #all, #all], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
        ins(%r, %new, %kept : tensor<?x?xi1>, tensor<?x?x2x4xf32>, tensor<?x?x2x4xf32>) outs(%e : tensor<?x?x2x4xf32>) {
    ^bb0(%runs: i1, %u: f32, %v: f32, %out: f32):
      %a = arith.select %runs, %u, %v : f32
      linalg.yield %a : f32
    } -> tensor<?x?x2x4xf32>
    %o = attn.attention softmax scale(0.5)
        query %x[b, i, g, d] : tensor<?x?x2x4xf32>
        source %keys[b, j, g, d], %keys[b, j, g, v] : tensor<?x?x2x4xf32>, tensor<?x?x2x4xf32>
        into %e[b, i, g, v] : tensor<?x?x2x4xf32>
    loop.yield %o, %keys : tensor<?x?x2x4xf32>, tensor<?x?x2x4xf32>
  } halt(%t, %before, %kept_before, %after, %kept_after) {
    %exit = arith.constant dense<false> : tensor<4x5xi1>
    %any = tensor.cast %exit : tensor<4x5xi1> to tensor<?x?xi1>
    loop.yield %any : tensor<?x?xi1>
  }
  return %h : tensor<?x?x2x4xf32>
}

// -----

#x = affine_map<(b, t, n, k) -> (b, t, k)>
#w = affine_map<(b, t, n, k) -> (n, k)>
#y = affine_map<(b, t, n, k) -> (b, t, n)>

// REMARK: 2 products and attentions follow the running rows, 1 values that are made of frozen rows are carried"
// Keys of frozen rows are carried: made of the initial values in front, then of what running rows have become.
// CHECK-LABEL: func @keys_of_frozen_rows
// CHECK-SAME: %[[H0:[^:]*]]: tensor<?x?x8xf32>, %[[W:[^:]*]]: tensor<8x8xf32>
// CHECK: %[[K0:.*]] = linalg.contract {{.*}} ins(%{{.*}}, %[[W]] :
// CHECK: loop.adaptive region {{.*}} carry(free %[[H:.*]] = %{{.*}} : tensor<?x8xf32>, free %[[K:.*]] = %{{.*}} : tensor<?x8xf32>)
// CHECK: %[[KEYS:.*]] = tensor.expand_shape %[[K]]
// CHECK: %[[O:.*]] = attn.attention
// CHECK: source %[[KEYS]][b, j, d], %[[KEYS]][b, j, v]
// CHECK: %[[NEW:.*]] = linalg.contract {{.*}} ins(%[[O]], %[[W]] :
// CHECK-DAG: %[[H1:.*]] = attn.scatter_rows set %[[O]] into %[[H]]
// CHECK-DAG: %[[K1:.*]] = attn.scatter_rows set %[[NEW]] into %[[K]]
// CHECK: loop.yield %[[H1]], %[[K1]]
func.func @keys_of_frozen_rows(%h0: tensor<?x?x8xf32>, %w: tensor<8x8xf32>, %running: tensor<?x?xi1>, %cap: index) -> tensor<?x?x8xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %h, %steps = loop.adaptive region active(%r = %running : tensor<?x?xi1>) cap(%cap) step(%t) carry(frozen %x = %h0 : tensor<?x?x8xf32>) {
    %b = tensor.dim %x, %c0 : tensor<?x?x8xf32>
    %n = tensor.dim %x, %c1 : tensor<?x?x8xf32>
    %e = tensor.empty(%b, %n) : tensor<?x?x8xf32>
    %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
    %k = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : tensor<?x?x8xf32>, tensor<8x8xf32>) outs(%z : tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
    %o = attn.attention softmax scale(0.5)
        query %x[b, i, d] : tensor<?x?x8xf32>
        source %k[b, j, d], %k[b, j, v] : tensor<?x?x8xf32>, tensor<?x?x8xf32>
        into %e[b, i, v] : tensor<?x?x8xf32>
    loop.yield %o : tensor<?x?x8xf32>
  } halt(%t, %before, %after) {
    %exit = arith.constant dense<false> : tensor<4x5xi1>
    %any = tensor.cast %exit : tensor<4x5xi1> to tensor<?x?xi1>
    loop.yield %any : tensor<?x?xi1>
  }
  return %h : tensor<?x?x8xf32>
}

// -----

// A product that mixes rows cannot be skipped for any: the loop stays as it was.
// REMARK: remark: [Missed] {{.*}}no row is skipped: 'linalg.matmul' does not work row by row"
// CHECK-LABEL: func @mixes_rows
// CHECK: loop.adaptive region {{.*}} carry(frozen
// CHECK-NOT: attn.nonzero
// CHECK: return
func.func @mixes_rows(%h0: tensor<6x8xf32>, %w: tensor<6x6xf32>, %running: tensor<6xi1>, %cap: index) -> tensor<6x8xf32> {
  %zero = arith.constant 0.0 : f32
  %h, %steps = loop.adaptive region active(%r = %running : tensor<6xi1>) cap(%cap) step(%t) carry(frozen %x = %h0 : tensor<6x8xf32>) {
    %e = tensor.empty() : tensor<6x8xf32>
    %z = linalg.fill ins(%zero : f32) outs(%e : tensor<6x8xf32>) -> tensor<6x8xf32>
    %p = linalg.matmul ins(%w, %x : tensor<6x6xf32>, tensor<6x8xf32>) outs(%z : tensor<6x8xf32>) -> tensor<6x8xf32>
    loop.yield %p : tensor<6x8xf32>
  } halt(%t, %before, %after) {
    %exit = arith.constant dense<false> : tensor<6xi1>
    loop.yield %exit : tensor<6xi1>
  }
  return %h : tensor<6x8xf32>
}

// -----

// CHECK: module attributes {attnc.no_compact}
// CHECK-NOT: attn.nonzero
module attributes {attnc.no_compact} {
  func.func @left_alone(%h0: tensor<6x8xf32>, %w: tensor<8x8xf32>, %running: tensor<6xi1>, %cap: index) -> tensor<6x8xf32> {
    %zero = arith.constant 0.0 : f32
    %h, %steps = loop.adaptive region active(%r = %running : tensor<6xi1>) cap(%cap) step(%t) carry(frozen %x = %h0 : tensor<6x8xf32>) {
      %e = tensor.empty() : tensor<6x8xf32>
      %z = linalg.fill ins(%zero : f32) outs(%e : tensor<6x8xf32>) -> tensor<6x8xf32>
      %p = linalg.matmul ins(%x, %w : tensor<6x8xf32>, tensor<8x8xf32>) outs(%z : tensor<6x8xf32>) -> tensor<6x8xf32>
      loop.yield %p : tensor<6x8xf32>
    } halt(%t, %before, %after) {
      %exit = arith.constant dense<false> : tensor<6xi1>
      loop.yield %exit : tensor<6xi1>
    }
    return %h : tensor<6x8xf32>
  }
}

// -----

#x = affine_map<(b, t, n, k) -> (b, t, k)>
#w = affine_map<(b, t, n, k) -> (n, k)>
#y = affine_map<(b, t, n, k) -> (b, t, n)>

// REMARK: no row is skipped: 'linalg.contract' reads a carried value that is free; frozen, it would let it follow"
// CHECK-LABEL: func @goes_on
func.func @goes_on(%h0: tensor<?x?x8xf32>, %w: tensor<8x8xf32>, %running: tensor<?x?xi1>, %cap: index) -> tensor<?x?x8xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %h, %steps = loop.adaptive region active(%r = %running : tensor<?x?xi1>) cap(%cap) step(%t) carry(free %x = %h0 : tensor<?x?x8xf32>) {
    %b = tensor.dim %x, %c0 : tensor<?x?x8xf32>
    %n = tensor.dim %x, %c1 : tensor<?x?x8xf32>
    %e = tensor.empty(%b, %n) : tensor<?x?x8xf32>
    %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
    %p = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : tensor<?x?x8xf32>, tensor<8x8xf32>) outs(%z : tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
    loop.yield %p : tensor<?x?x8xf32>
  } halt(%t, %before, %after) {
    %exit = arith.constant dense<false> : tensor<4x5xi1>
    %any = tensor.cast %exit : tensor<4x5xi1> to tensor<?x?xi1>
    loop.yield %any : tensor<?x?xi1>
  }
  return %h : tensor<?x?x8xf32>
}

// -----

#x = affine_map<(b, t, n, k) -> (b, t, k)>
#w = affine_map<(b, t, n, k) -> (n, k)>
#y = affine_map<(b, t, n, k) -> (b, t, n)>

// REMARK: 2 products and attentions follow the running rows, 2 are computed for all rows: 'attn.attention' makes keys or values, which attention reads of rows that have stopped; a carried value that keeps the last running step's (select by the mask of running rows) would let it follow"
// CHECK-LABEL: func @second_layer
func.func @second_layer(%h0: tensor<?x?x8xf32>, %w: tensor<8x8xf32>, %running: tensor<?x?xi1>, %cap: index) -> tensor<?x?x8xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %h, %steps = loop.adaptive region active(%r = %running : tensor<?x?xi1>) cap(%cap) step(%t) carry(frozen %x = %h0 : tensor<?x?x8xf32>) {
    %b = tensor.dim %x, %c0 : tensor<?x?x8xf32>
    %n = tensor.dim %x, %c1 : tensor<?x?x8xf32>
    %e = tensor.empty(%b, %n) : tensor<?x?x8xf32>
    %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
    %o = attn.attention softmax scale(0.5)
        query %x[b, i, d] : tensor<?x?x8xf32>
        source %x[b, j, d], %x[b, j, v] : tensor<?x?x8xf32>, tensor<?x?x8xf32>
        into %e[b, i, v] : tensor<?x?x8xf32>
    %k = linalg.contract indexing_maps = [#x, #w, #y] ins(%o, %w : tensor<?x?x8xf32>, tensor<8x8xf32>) outs(%z : tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
    %o2 = attn.attention softmax scale(0.5)
        query %o[b, i, d] : tensor<?x?x8xf32>
        source %k[b, j, d], %k[b, j, v] : tensor<?x?x8xf32>, tensor<?x?x8xf32>
        into %e[b, i, v] : tensor<?x?x8xf32>
    %p = linalg.contract indexing_maps = [#x, #w, #y] ins(%o2, %w : tensor<?x?x8xf32>, tensor<8x8xf32>) outs(%z : tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
    loop.yield %p : tensor<?x?x8xf32>
  } halt(%t, %before, %after) {
    %exit = arith.constant dense<false> : tensor<4x5xi1>
    %any = tensor.cast %exit : tensor<4x5xi1> to tensor<?x?xi1>
    loop.yield %any : tensor<?x?xi1>
  }
  return %h : tensor<?x?x8xf32>
}

// -----

#x = affine_map<(b, t, n, k) -> (b, t, k)>
#w = affine_map<(b, t, n, k) -> (n, k)>
#y = affine_map<(b, t, n, k) -> (b, t, n)>

// REMARK: 1 products and attentions follow the running rows, 2 are computed for all rows: 'attn.attention' is read by 'linalg.reduce', which does not work row by row"
// CHECK-LABEL: func @read_whole
func.func @read_whole(%h0: tensor<?x?x8xf32>, %w: tensor<8x8xf32>, %running: tensor<?x?xi1>, %cap: index) -> tensor<?x?x8xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %h, %steps = loop.adaptive region active(%r = %running : tensor<?x?xi1>) cap(%cap) step(%t) carry(frozen %x = %h0 : tensor<?x?x8xf32>) {
    %b = tensor.dim %x, %c0 : tensor<?x?x8xf32>
    %n = tensor.dim %x, %c1 : tensor<?x?x8xf32>
    %e = tensor.empty(%b, %n) : tensor<?x?x8xf32>
    %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
    %o = attn.attention softmax scale(0.5)
        query %x[b, i, d] : tensor<?x?x8xf32>
        source %x[b, j, d], %x[b, j, v] : tensor<?x?x8xf32>, tensor<?x?x8xf32>
        into %e[b, i, v] : tensor<?x?x8xf32>
    %p = linalg.contract indexing_maps = [#x, #w, #y] ins(%o, %w : tensor<?x?x8xf32>, tensor<8x8xf32>) outs(%z : tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
    %es = tensor.empty() : tensor<8xf32>
    %zs = linalg.fill ins(%zero : f32) outs(%es : tensor<8xf32>) -> tensor<8xf32>
    %sum = linalg.reduce ins(%p : tensor<?x?x8xf32>) outs(%zs : tensor<8xf32>) dimensions = [0, 1]
      (%in: f32, %acc: f32) {
        %s = arith.addf %in, %acc : f32
        linalg.yield %s : f32
      }
    %bs = linalg.broadcast ins(%sum : tensor<8xf32>) outs(%e : tensor<?x?x8xf32>) dimensions = [0, 1]
    %q = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : tensor<?x?x8xf32>, tensor<8x8xf32>) outs(%bs : tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
    loop.yield %q : tensor<?x?x8xf32>
  } halt(%t, %before, %after) {
    %exit = arith.constant dense<false> : tensor<4x5xi1>
    %any = tensor.cast %exit : tensor<4x5xi1> to tensor<?x?xi1>
    loop.yield %any : tensor<?x?xi1>
  }
  return %h : tensor<?x?x8xf32>
}

// -----

#x = affine_map<(b, t, n, k) -> (b, t, k)>
#w = affine_map<(b, t, n, k) -> (n, k)>
#y = affine_map<(b, t, n, k) -> (b, t, n)>

// REMARK: no row is skipped: the body has no product and no attention"
// CHECK-LABEL: func @nothing_heavy
func.func @nothing_heavy(%h0: tensor<?x?x8xf32>, %w: tensor<8x8xf32>, %running: tensor<?x?xi1>, %cap: index) -> tensor<?x?x8xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %h, %steps = loop.adaptive region active(%r = %running : tensor<?x?xi1>) cap(%cap) step(%t) carry(frozen %x = %h0 : tensor<?x?x8xf32>) {
    %b = tensor.dim %x, %c0 : tensor<?x?x8xf32>
    %n = tensor.dim %x, %c1 : tensor<?x?x8xf32>
    %e = tensor.empty(%b, %n) : tensor<?x?x8xf32>
    %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
    %p = math.tanh %x : tensor<?x?x8xf32>
    loop.yield %p : tensor<?x?x8xf32>
  } halt(%t, %before, %after) {
    %exit = arith.constant dense<false> : tensor<4x5xi1>
    %any = tensor.cast %exit : tensor<4x5xi1> to tensor<?x?xi1>
    loop.yield %any : tensor<?x?xi1>
  }
  return %h : tensor<?x?x8xf32>
}

// -----

#x = affine_map<(b, t, n, k) -> (b, t, k)>
#w = affine_map<(b, t, n, k) -> (n, k)>
#y = affine_map<(b, t, n, k) -> (b, t, n)>

// REMARK: no row is skipped: 'attn.attention' makes what rows that have stopped are given too; a carried value that is frozen would let it follow"
// CHECK-LABEL: func @given_to_all
func.func @given_to_all(%h0: tensor<?x?x8xf32>, %running: tensor<?x?xi1>, %cap: index) -> tensor<?x?x8xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %h, %last, %steps = loop.adaptive region active(%r = %running : tensor<?x?xi1>) cap(%cap) step(%t)
      carry(frozen %x = %h0 : tensor<?x?x8xf32>, free %o0 = %h0 : tensor<?x?x8xf32>) {
    %b = tensor.dim %x, %c0 : tensor<?x?x8xf32>
    %n = tensor.dim %x, %c1 : tensor<?x?x8xf32>
    %e = tensor.empty(%b, %n) : tensor<?x?x8xf32>
    %o = attn.attention softmax scale(0.5)
        query %x[b, i, d] : tensor<?x?x8xf32>
        source %x[b, j, d], %x[b, j, v] : tensor<?x?x8xf32>, tensor<?x?x8xf32>
        into %e[b, i, v] : tensor<?x?x8xf32>
    loop.yield %o, %o : tensor<?x?x8xf32>, tensor<?x?x8xf32>
  } halt(%t, %before, %free_before, %after, %free_after) {
    %exit = arith.constant dense<false> : tensor<4x5xi1>
    %any = tensor.cast %exit : tensor<4x5xi1> to tensor<?x?xi1>
    loop.yield %any : tensor<?x?xi1>
  }
  return %last : tensor<?x?x8xf32>
}
