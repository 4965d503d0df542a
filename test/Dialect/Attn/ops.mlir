// Round trips of the small ops of attn: as written, from the generic form, from bytecode.
// RUN: attnc-opt %s | attnc-opt | FileCheck %s
// RUN: attnc-opt %s --mlir-print-op-generic | attnc-opt | FileCheck %s
// RUN: attnc-opt %s --emit-bytecode | attnc-opt | FileCheck %s

// CHECK-LABEL: func @norms
// CHECK: attn.layer_norm %{{.*}} weight(%{{.*}} : tensor<256xf32>) bias(%{{.*}} : tensor<256xf32>) eps(1.000000e-05) : tensor<?x?x256xf32>
// CHECK: attn.layer_norm %{{.*}} bias(%{{.*}} : tensor<256xf32>) eps(1.000000e-05) : tensor<?x?x256xf32>
// CHECK: attn.layer_norm %{{.*}} eps(0.000000e+00) : tensor<?x?x256xf32>
// CHECK: attn.rms_norm %{{.*}} weight(%{{.*}} : tensor<256xf32>) eps(9.9999999999999995E-7) : tensor<?x?x256xf32>
// CHECK: attn.rms_norm %{{.*}} eps(1.000000e-05) : tensor<?x?x256xf32>
func.func @norms(%x: tensor<?x?x256xf32>, %g: tensor<256xf32>) {
  %0 = attn.layer_norm %x weight(%g : tensor<256xf32>) bias(%g : tensor<256xf32>) eps(1.0e-5) : tensor<?x?x256xf32>
  %1 = attn.layer_norm %0 bias(%g : tensor<256xf32>) eps(1.0e-5) : tensor<?x?x256xf32>
  %2 = attn.layer_norm %1 eps(0.0) : tensor<?x?x256xf32>
  %3 = attn.rms_norm %2 weight(%g : tensor<256xf32>) eps(1.0e-6) : tensor<?x?x256xf32>
  %4 = attn.rms_norm %3 eps(1.0e-5) : tensor<?x?x256xf32>
  return
}

// CHECK-LABEL: func @rotary
// CHECK: attn.rotary half_split %{{.*}} along [1] offset(%{{.*}}) base(1.000000e+04) : tensor<?x?x6x64xf32>
// CHECK: attn.rotary interleaved %{{.*}} along [0, 1] positions(%{{.*}} : tensor<?x?xi64>) base(1.000000e+04) width(32) : tensor<?x?x6x64xf32>
// CHECK: attn.rotary half_split %{{.*}} along [1] frequencies(%{{.*}} : tensor<32xf32>) factor(1.2{{.*}}) : tensor<?x?x6x64xf32>
func.func @rotary(%q: tensor<?x?x6x64xf32>, %at: index, %p: tensor<?x?xi64>, %f: tensor<32xf32>) {
  %0 = attn.rotary half_split %q along [1] offset(%at) base(1.0e4) : tensor<?x?x6x64xf32>
  %1 = attn.rotary interleaved %0 along [0, 1] positions(%p : tensor<?x?xi64>) base(1.0e4) width(32) : tensor<?x?x6x64xf32>
  %2 = attn.rotary half_split %1 along [1] frequencies(%f : tensor<32xf32>) factor(1.25) : tensor<?x?x6x64xf32>
  return
}

// CHECK-LABEL: func @ring
// CHECK: attn.ring_append %{{.*}} into %{{.*}} along 2 count(%{{.*}}) pinned(4) : tensor<?x6x?x64xf32>, tensor<?x6x256x64xf32>
// CHECK: attn.ring_append %{{.*}} into %{{.*}} along 2 count(%{{.*}}) when(%{{.*}} : tensor<?xi1>) : tensor<?x6x?x64xf32>, tensor<?x6x256x64xf32>
func.func @ring(%new: tensor<?x6x?x64xf32>, %k0: tensor<?x6x256x64xf32>, %count: index, %w: tensor<?xi1>) {
  %0 = attn.ring_append %new into %k0 along 2 count(%count) pinned(4) : tensor<?x6x?x64xf32>, tensor<?x6x256x64xf32>
  %1 = attn.ring_append %new into %0 along 2 count(%count) when(%w : tensor<?xi1>) : tensor<?x6x?x64xf32>, tensor<?x6x256x64xf32>
  return
}

// CHECK-LABEL: func @scans
// CHECK: attn.linear_scan %{{.*}}, %{{.*}}, %{{.*}} state(%{{.*}}) : tensor<?x?x4x16xf32>, tensor<?x?x4x16xf32>, tensor<?x?x4x24xf32>, tensor<?x4x16x24xf32>
// CHECK: attn.linear_scan %{{.*}} decay(%{{.*}} : tensor<4xf32>) : tensor
// CHECK: attn.linear_scan %{{.*}} decay(%{{.*}} : tensor<?x?x4xf32>) : tensor
// CHECK: attn.linear_scan %{{.*}} decay(%{{.*}} : tensor<?x?x4x16xf32>) : tensor
// CHECK: attn.delta_scan %{{.*}} state(%{{.*}}) beta(%{{.*}} : tensor<?x?x4xf32>) decay(%{{.*}} : tensor<?x?x4xf32>) : tensor
func.func @scans(%q: tensor<?x?x4x16xf32>, %v: tensor<?x?x4x24xf32>, %s0: tensor<?x4x16x24xf32>, %h: tensor<4xf32>, %d: tensor<?x?x4xf32>)
    -> (tensor<?x?x4x24xf32>, tensor<?x4x16x24xf32>) {
  %o1, %s1 = attn.linear_scan %q, %q, %v state(%s0)
      : tensor<?x?x4x16xf32>, tensor<?x?x4x16xf32>, tensor<?x?x4x24xf32>, tensor<?x4x16x24xf32>
  %o2, %s2 = attn.linear_scan %q, %q, %o1 state(%s1) decay(%h : tensor<4xf32>)
      : tensor<?x?x4x16xf32>, tensor<?x?x4x16xf32>, tensor<?x?x4x24xf32>, tensor<?x4x16x24xf32>
  %o3, %s3 = attn.linear_scan %q, %q, %o2 state(%s2) decay(%d : tensor<?x?x4xf32>)
      : tensor<?x?x4x16xf32>, tensor<?x?x4x16xf32>, tensor<?x?x4x24xf32>, tensor<?x4x16x24xf32>
  %o4, %s4 = attn.linear_scan %q, %q, %o3 state(%s3) decay(%q : tensor<?x?x4x16xf32>)
      : tensor<?x?x4x16xf32>, tensor<?x?x4x16xf32>, tensor<?x?x4x24xf32>, tensor<?x4x16x24xf32>
  %o5, %s5 = attn.delta_scan %q, %q, %o4 state(%s4) beta(%d : tensor<?x?x4xf32>) decay(%d : tensor<?x?x4xf32>)
      : tensor<?x?x4x16xf32>, tensor<?x?x4x16xf32>, tensor<?x?x4x24xf32>, tensor<?x4x16x24xf32>
  return %o5, %s5 : tensor<?x?x4x24xf32>, tensor<?x4x16x24xf32>
}

// A state in f32 behind values in bf16.
// CHECK-LABEL: func @mamba
// CHECK: attn.selective_scan %{{.*}} state(%{{.*}}) : tensor<?x?x32xbf16>, tensor<?x?x32xbf16>, tensor<32x8xf32>, tensor<?x?x8xbf16>, tensor<?x?x8xbf16>, tensor<?x32x8xf32>
func.func @mamba(%x: tensor<?x?x32xbf16>, %a: tensor<32x8xf32>, %b: tensor<?x?x8xbf16>, %h0: tensor<?x32x8xf32>) -> (tensor<?x?x32xbf16>, tensor<?x32x8xf32>) {
  %y, %h1 = attn.selective_scan %x, %x, %a, %b, %b state(%h0)
      : tensor<?x?x32xbf16>, tensor<?x?x32xbf16>, tensor<32x8xf32>, tensor<?x?x8xbf16>, tensor<?x?x8xbf16>, tensor<?x32x8xf32>
  return %y, %h1 : tensor<?x?x32xbf16>, tensor<?x32x8xf32>
}

// CHECK-LABEL: func @rows
// CHECK: attn.gather_rows %{{.*}}[%{{.*}}] : tensor<42x256xf32>, tensor<?x?xi32> -> tensor<?x?x256xf32>
// CHECK: attn.gather_rows %{{.*}}[%{{.*}}] batch 1 : tensor<?x?x256xf32>, tensor<?x8xi32> -> tensor<?x8x256xf32>
// CHECK: attn.scatter_rows add %{{.*}} into %{{.*}}[%{{.*}}] batch 1 : tensor<?x8x256xf32>, tensor<?x?x256xf32>, tensor<?x8xi32>
// CHECK: attn.scatter_rows set %{{.*}} into %{{.*}}[%{{.*}}] : tensor<8xi1>, tensor<?xi1>, tensor<8xindex>
func.func @rows(%table: tensor<42x256xf32>, %tokens: tensor<?x?xi32>, %chosen: tensor<?x8xi32>, %f: tensor<8xi1>, %e: tensor<?xi1>, %i: tensor<8xindex>) {
  %0 = attn.gather_rows %table[%tokens] : tensor<42x256xf32>, tensor<?x?xi32> -> tensor<?x?x256xf32>
  %1 = attn.gather_rows %0[%chosen] batch 1 : tensor<?x?x256xf32>, tensor<?x8xi32> -> tensor<?x8x256xf32>
  %2 = attn.scatter_rows add %1 into %0[%chosen] batch 1 : tensor<?x8x256xf32>, tensor<?x?x256xf32>, tensor<?x8xi32>
  %3 = attn.scatter_rows set %f into %e[%i] : tensor<8xi1>, tensor<?xi1>, tensor<8xindex>
  return
}

// CHECK-LABEL: func @order
// CHECK: attn.top_k %{{.*}} : tensor<?x32xf32> -> tensor<?x4xf32>, tensor<?x4xi32>
// CHECK: attn.top_k %{{.*}} k(%{{.*}}) : tensor<?x32xf32> -> tensor<?x?xf32>, tensor<?x?xi32>
// CHECK: attn.sort %{{.*}} descending : tensor<?x32xf32> -> tensor<?x32xi64>
// CHECK: attn.sort %{{.*}} : tensor<?x32xf32> -> tensor<?x32xi32>
func.func @order(%x: tensor<?x32xf32>, %k: index) {
  %v0, %i0 = attn.top_k %x : tensor<?x32xf32> -> tensor<?x4xf32>, tensor<?x4xi32>
  %v1, %i1 = attn.top_k %x k(%k) : tensor<?x32xf32> -> tensor<?x?xf32>, tensor<?x?xi32>
  %v2, %i2 = attn.sort %x descending : tensor<?x32xf32> -> tensor<?x32xi64>
  %v3, %i3 = attn.sort %v2 : tensor<?x32xf32> -> tensor<?x32xi32>
  return
}

// CHECK-LABEL: func @nonzero
// CHECK: attn.nonzero %{{.*}} : tensor<?x?xi1> -> tensor<?xi32>, tensor<i32>
// CHECK: attn.nonzero %{{.*}} : tensor<2x3xi1> -> tensor<6xi64>, tensor<i64>
func.func @nonzero(%a: tensor<?x?xi1>, %b: tensor<2x3xi1>) {
  %i0, %n0 = attn.nonzero %a : tensor<?x?xi1> -> tensor<?xi32>, tensor<i32>
  %i1, %n1 = attn.nonzero %b : tensor<2x3xi1> -> tensor<6xi64>, tensor<i64>
  return
}

// CHECK-LABEL: func @random
// CHECK: attn.random_bits seed(%{{.*}}) step(%{{.*}}) stream(3) sizes(%{{.*}}) : tensor<?xi32>
// CHECK: attn.random_bits seed(%{{.*}}) draw(%{{.*}}) stream(1) sizes(%{{.*}}, %{{.*}}) : tensor<?x?xi32>, tensor<?x?xi32>
// CHECK: attn.random_bits seed(%{{.*}}) rows(%{{.*}} : tensor<4xi64>) : tensor<4xi32>, tensor<4xi32>, tensor<4xi32>, tensor<4xi32>
func.func @random(%seed: i64, %t: index, %b: index, %rows: tensor<4xi64>) {
  %0 = attn.random_bits seed(%seed) step(%t) stream(3) sizes(%b) : tensor<?xi32>
  %1:2 = attn.random_bits seed(%seed) draw(%t) stream(1) sizes(%b, %t) : tensor<?x?xi32>, tensor<?x?xi32>
  %2:4 = attn.random_bits seed(%seed) rows(%rows : tensor<4xi64>) : tensor<4xi32>, tensor<4xi32>, tensor<4xi32>, tensor<4xi32>
  return
}
