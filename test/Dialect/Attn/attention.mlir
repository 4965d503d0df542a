// Round trips of attn.attention, one function a use: as written, from the generic form, from bytecode.
// RUN: attnc-opt %s | attnc-opt | FileCheck %s
// RUN: attnc-opt %s --mlir-print-op-generic | attnc-opt | FileCheck %s
// RUN: attnc-opt %s --emit-bytecode | attnc-opt | FileCheck %s

// Grouped heads out of one packed projection: every operand is an index list into it.
// CHECK-LABEL: func @gqa_packed_projection
// CHECK-SAME: %[[Q:[^:]*]]: tensor<?x?x2x2x64xf32>, %[[QKV:[^:]*]]: tensor<?x?x4x2x64xf32>, %[[INIT:[^:]*]]: tensor<?x?x2x2x64xf32>
// CHECK: attn.attention softmax scale(1.250000e-01)
// CHECK-NEXT: query %[[Q]][b, i, r, g, d] : tensor<?x?x2x2x64xf32>
// CHECK-NEXT: source %[[QKV]][b, j, 2, g, d], %[[QKV]][b, j, 3, g, v] : tensor<?x?x4x2x64xf32>, tensor<?x?x4x2x64xf32>
// CHECK-NEXT: into %[[INIT]][b, i, g, r, v] : tensor<?x?x2x2x64xf32>{{$}}
// CHECK-NEXT: return
func.func @gqa_packed_projection(%q: tensor<?x?x2x2x64xf32>, %qkv: tensor<?x?x4x2x64xf32>, %init: tensor<?x?x2x2x64xf32>) -> tensor<?x?x2x2x64xf32> {
  %o = attn.attention softmax scale(0.125)
    query %q[b, i, r, g, d] : tensor<?x?x2x2x64xf32>
    source %qkv[b, j, 2, g, d], %qkv[b, j, 3, g, v] : tensor<?x?x4x2x64xf32>, tensor<?x?x4x2x64xf32>
    into %init[b, i, g, r, v] : tensor<?x?x2x2x64xf32>
  return %o : tensor<?x?x2x2x64xf32>
}

// A chunk of queries behind a prefix: i is index + offset; the mask is causal within a window.
// CHECK-LABEL: func @causal_window
// CHECK-SAME: %[[Q:[^:]*]]: tensor<?x8x?x64xbf16>, %[[K:[^:]*]]: tensor<?x8x?x64xbf16>, %[[AT:[^:]*]]: index
// CHECK: attn.attention softmax scale(1.250000e-01)
// CHECK-NEXT: query %[[Q]][b, g, i, d] : tensor<?x8x?x64xbf16> offset %[[AT]]{{$}}
// CHECK-NEXT: source %[[K]][b, g, j, d], %[[K]][b, g, j, v] : tensor<?x8x?x64xbf16>, tensor<?x8x?x64xbf16>{{$}}
// CHECK-NEXT: into %{{.*}}[b, g, i, v] : tensor<?x8x?x64xbf16>
// CHECK-NEXT: mask(%[[B:.*]], %[[H:.*]], %[[I:.*]], %[[J:.*]], %[[N:.*]]) {
// CHECK: arith.subi %[[I]], %[[J]] : index
// CHECK: attn.yield %{{.*}} : i1
// CHECK-NEXT: }
func.func @causal_window(%q: tensor<?x8x?x64xbf16>, %k: tensor<?x8x?x64xbf16>, %at: index) -> tensor<?x8x?x64xbf16> {
  %o = attn.attention softmax scale(0.125)
    query %q[b, g, i, d] : tensor<?x8x?x64xbf16> offset %at
    source %k[b, g, j, d], %k[b, g, j, v] : tensor<?x8x?x64xbf16>, tensor<?x8x?x64xbf16>
    into %q[b, g, i, v] : tensor<?x8x?x64xbf16>
    mask(%b, %h, %i, %j, %n) {
      %c0 = arith.constant 0 : index
      %c256 = arith.constant 256 : index
      %d = arith.subi %i, %j : index
      %past = arith.cmpi sge, %d, %c0 : index
      %near = arith.cmpi slt, %d, %c256 : index
      %both = arith.andi %past, %near : i1
      attn.yield %both : i1
    }
  return %o : tensor<?x8x?x64xbf16>
}

// A ring whose slots carry their positions, a learned sink a head, and both optional results.
// CHECK-LABEL: func @ring_and_sinks
// CHECK: %[[R:.*]]:3 = attn.attention softmax
// CHECK-NEXT: query %{{.*}}[b, g, i, d] : tensor<2x6x1x64xf32> positions %[[P:.*]][b, i] : tensor<2x1xi64>
// CHECK-NEXT: source %[[RING:.*]][b, g, j, d], %[[RING]][b, g, j, v] : tensor<2x6x256x64xf32>, tensor<2x6x256x64xf32> positions %[[S:.*]][b, j] : tensor<2x256xi64> valid %[[N:.*]]{{$}}
// CHECK-NEXT: sink %[[SINK:.*]][g] : tensor<6xf32>
// CHECK-NEXT: into %{{.*}}[b, g, i, v] : tensor<2x6x1x64xf32> lse %[[L:.*]][b, i, g] : tensor<2x1x6xf32> entropy %[[L]][b, i, g] : tensor<2x1x6xf32>
// CHECK-NEXT: return %[[R]]#0, %[[R]]#1, %[[R]]#2
func.func @ring_and_sinks(%q: tensor<2x6x1x64xf32>, %ring: tensor<2x6x256x64xf32>, %at: tensor<2x1xi64>, %slots: tensor<2x256xi64>, %n: index,
                          %sink: tensor<6xf32>, %l: tensor<2x1x6xf32>) -> (tensor<2x6x1x64xf32>, tensor<2x1x6xf32>, tensor<2x1x6xf32>) {
  %o, %lse, %entropy = attn.attention softmax scale(0.125)
    query %q[b, g, i, d] : tensor<2x6x1x64xf32> positions %at[b, i] : tensor<2x1xi64>
    source %ring[b, g, j, d], %ring[b, g, j, v] : tensor<2x6x256x64xf32>, tensor<2x6x256x64xf32>
           positions %slots[b, j] : tensor<2x256xi64> valid %n
    sink %sink[g] : tensor<6xf32>
    into %q[b, g, i, v] : tensor<2x6x1x64xf32> lse %l[b, i, g] : tensor<2x1x6xf32> entropy %l[b, i, g] : tensor<2x1x6xf32>
  return %o, %lse, %entropy : tensor<2x6x1x64xf32>, tensor<2x1x6xf32>, tensor<2x1x6xf32>
}

// One sink for all heads, as a tensor of rank 0.
// CHECK-LABEL: func @softmax1
// CHECK: sink %{{.*}} : tensor<f32>
func.func @softmax1(%x: tensor<?x?x64xf32>, %zero: tensor<f32>) -> tensor<?x?x64xf32> {
  %o = attn.attention softmax scale(0.125)
    query %x[b, i, d] : tensor<?x?x64xf32>
    source %x[b, j, d], %x[b, j, v] : tensor<?x?x64xf32>, tensor<?x?x64xf32>
    sink %zero[] : tensor<f32>
    into %x[b, i, v] : tensor<?x?x64xf32>
  return %o : tensor<?x?x64xf32>
}

// A paged cache: b of key and value are pages, chosen by the table.
// CHECK-LABEL: func @paged
// CHECK: source %[[POOL:.*]][b, g, j, d], %[[POOL]][b, g, j, v] : tensor<?x4x16x64xf16>, tensor<?x4x16x64xf16> valid %[[N:.*]][b] : tensor<?xi32> pages %[[T:.*]][b] : tensor<?x?xi32>{{$}}
func.func @paged(%q: tensor<?x4x8x64xf16>, %pool: tensor<?x4x16x64xf16>, %n: tensor<?xi32>, %table: tensor<?x?xi32>) -> tensor<?x4x8x64xf16> {
  %o = attn.attention softmax scale(0.125)
    query %q[b, g, r, d] : tensor<?x4x8x64xf16>
    source %pool[b, g, j, d], %pool[b, g, j, v] : tensor<?x4x16x64xf16>, tensor<?x4x16x64xf16> valid %n[b] : tensor<?xi32> pages %table[b] : tensor<?x?xi32>
    into %q[b, g, r, v] : tensor<?x4x8x64xf16>
  return %o : tensor<?x4x8x64xf16>
}

// Sequences behind each other in one tensor.
// CHECK-LABEL: func @ragged
// CHECK: query %[[X:.*]][i, g, d] : tensor<?x4x64xf32> rows %[[O:.*]] : tensor<?xi32>
// CHECK-NEXT: source %[[X]][j, g, d], %[[X]][j, g, v] : tensor<?x4x64xf32>, tensor<?x4x64xf32> rows %[[O]] : tensor<?xi32>
// CHECK-NEXT: into %[[X]][i, g, v] : tensor<?x4x64xf32> lse %{{.*}}[g, i] : tensor<4x?xf32>
func.func @ragged(%x: tensor<?x4x64xf32>, %rows: tensor<?xi32>, %l: tensor<4x?xf32>) -> tensor<?x4x64xf32> {
  %o, %lse = attn.attention softmax scale(0.125)
    query %x[i, g, d] : tensor<?x4x64xf32> rows %rows : tensor<?xi32>
    source %x[j, g, d], %x[j, g, v] : tensor<?x4x64xf32>, tensor<?x4x64xf32> rows %rows : tensor<?xi32>
    into %x[i, g, v] : tensor<?x4x64xf32> lse %l[g, i] : tensor<4x?xf32>
  return %o : tensor<?x4x64xf32>
}

// Memory and the current block in one softmax; the block's mask is its own, and names its captures with their types.
// CHECK-LABEL: func @two_sources_own_mask
// CHECK: source %[[M:.*]][b, j, d], %[[M]][b, j, v] : tensor<?x64x32xf32>, tensor<?x64x32xf32> offset %[[BACK:.*]] valid %[[N:.*]]{{$}}
// CHECK-NEXT: source %[[X:.*]][b, j, d], %[[X]][b, j, v] : tensor<?x?x32xf32>, tensor<?x?x32xf32> mask(%{{.*}}, %{{.*}}, %[[I:.*]], %[[J:.*]], %{{.*}}, %[[LIMIT:.*]]: index, %{{.*}}: tensor<5xf32>) {
// CHECK-NEXT: %[[C:.*]] = arith.cmpi sle, %[[J]], %[[I]] : index
// CHECK-NEXT: %[[S:.*]] = arith.cmpi slt, %[[J]], %[[LIMIT]] : index
// CHECK: attn.yield
// CHECK-NEXT: }
// CHECK-NEXT: captures %[[BACK]] : index, %[[TABLE:.*]] : tensor<5xf32>
// CHECK-NEXT: into
// CHECK-NEXT: score(%[[S:.*]], %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %[[SOURCE:.*]], %{{.*}}, %[[TABLE:.*]]) {
// CHECK-NEXT: tensor.extract %[[TABLE]][%[[SOURCE]]] : tensor<5xf32>
// CHECK: mask(
// CHECK: attn.yield %{{.*}} : i1
func.func @two_sources_own_mask(%x: tensor<?x?x32xf32>, %memory: tensor<?x64x32xf32>, %back: index, %n: index, %table: tensor<5xf32>) -> tensor<?x?x32xf32> {
  %o = attn.attention softmax scale(1.0)
    query %x[b, i, d] : tensor<?x?x32xf32>
    source %memory[b, j, d], %memory[b, j, v] : tensor<?x64x32xf32>, tensor<?x64x32xf32> offset %back valid %n
    source %x[b, j, d], %x[b, j, v] : tensor<?x?x32xf32>, tensor<?x?x32xf32>
           mask(%b, %h, %i, %j, %n, %limit: index, %t: tensor<5xf32>) {
             %causal = arith.cmpi sle, %j, %i : index
             %short = arith.cmpi slt, %j, %limit : index
             %both = arith.andi %causal, %short : i1
             attn.yield %both : i1
           }
    captures %back : index, %table : tensor<5xf32>
    into %x[b, i, v] : tensor<?x?x32xf32>
    score(%s, %b, %h, %i, %j, %n, %limit, %t) {
      %bias = tensor.extract %t[%n] : tensor<5xf32>
      %biased = arith.addf %s, %bias : f32
      attn.yield %biased : f32
    }
    mask(%b, %h, %i, %j, %n, %limit, %t) {
      %even = arith.cmpi sge, %j, %limit : index
      attn.yield %even : i1
    }
  return %o : tensor<?x?x32xf32>
}

// ALiBi: one slope a head, captured by element; a padding mask by element of b and j.
// CHECK-LABEL: func @alibi_padding
// CHECK: captures %{{.*}}[g, r] : tensor<2x4xf32>, %{{.*}}[b, j] : tensor<?x?xi1>, %{{.*}} : tensor<f32>
// CHECK: score(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %[[SLOPE:.*]], %{{.*}}, %[[CAP:.*]]) {
// CHECK: arith.mulf %{{.*}}, %[[SLOPE]] : f32
// CHECK: arith.addf %{{.*}}, %[[CAP]] : f32
// CHECK: mask(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %[[KEPT:.*]], %{{.*}}) {
// CHECK-NEXT: attn.yield %[[KEPT]] : i1
func.func @alibi_padding(%x: tensor<?x?x2x4x64xf32>, %k: tensor<?x?x2x64xf32>, %slopes: tensor<2x4xf32>, %kept: tensor<?x?xi1>, %cap: tensor<f32>) -> tensor<?x?x2x4x64xf32> {
  %o = attn.attention softmax scale(0.125)
    query %x[b, i, g, r, d] : tensor<?x?x2x4x64xf32>
    source %k[b, j, g, d], %k[b, j, g, v] : tensor<?x?x2x64xf32>, tensor<?x?x2x64xf32>
    captures %slopes[g, r] : tensor<2x4xf32>, %kept[b, j] : tensor<?x?xi1>, %cap : tensor<f32>
    into %x[b, i, g, r, v] : tensor<?x?x2x4x64xf32>
    score(%s, %b, %h, %i, %j, %n, %slope, %keep, %c) {
      %d = arith.subi %j, %i : index
      %e = arith.index_cast %d : index to i32
      %f = arith.sitofp %e : i32 to f32
      %m = arith.mulf %f, %slope : f32
      %t = arith.addf %s, %m : f32
      %u = arith.addf %t, %c : f32
      attn.yield %u : f32
    }
    mask(%b, %h, %i, %j, %n, %slope, %keep, %c) {
      attn.yield %keep : i1
    }
  return %o : tensor<?x?x2x4x64xf32>
}

// Sigmoid attention in f64 with a ramp behind the normaliser; learned queries shared by the batch.
// CHECK-LABEL: func @perceiver_sigmoid_span
// CHECK: attn.attention sigmoid scale(2.500000e-01)
// CHECK-NEXT: query %{{.*}}[i, d] : tensor<16x8xf64>
// CHECK: post(%[[P:.*]], %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}) {
// CHECK-NEXT: arith.mulf %[[P]], %[[P]] : f64
// CHECK: } {attnc.note = "kept"}
func.func @perceiver_sigmoid_span(%latents: tensor<16x8xf64>, %x: tensor<?x?x8xf64>, %init: tensor<?x16x8xf64>) -> tensor<?x16x8xf64> {
  %o = attn.attention sigmoid scale(0.25)
    query %latents[i, d] : tensor<16x8xf64>
    source %x[b, j, d], %x[b, j, v] : tensor<?x?x8xf64>, tensor<?x?x8xf64>
    into %init[b, i, v] : tensor<?x16x8xf64>
    post(%p, %b, %h, %i, %j, %n) {
      %r = arith.mulf %p, %p : f64
      attn.yield %r : f64
    } {attnc.note = "kept"}
  return %o : tensor<?x16x8xf64>
}

// The other normalisers.
// CHECK-LABEL: func @normalizers
// CHECK: attn.attention sigmoid_sum
// CHECK: attn.attention identity
func.func @normalizers(%x: tensor<?x?x8xf32>) -> tensor<?x?x8xf32> {
  %o = attn.attention sigmoid_sum scale(1.0)
    query %x[b, i, d] : tensor<?x?x8xf32>
    source %x[b, j, d], %x[b, j, v] : tensor<?x?x8xf32>, tensor<?x?x8xf32>
    into %x[b, i, v] : tensor<?x?x8xf32>
  %p = attn.attention identity scale(1.0)
    query %o[b, i, d] : tensor<?x?x8xf32>
    source %x[b, j, d], %x[b, j, v] : tensor<?x?x8xf32>, tensor<?x?x8xf32>
    into %x[b, i, v] : tensor<?x?x8xf32>
  return %p : tensor<?x?x8xf32>
}
