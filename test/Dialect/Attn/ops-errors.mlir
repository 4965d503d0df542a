// What the small ops of attn refuse, one function a reason, named after the constraint (dialects/attn/README.md).
// RUN: attnc-opt %s --split-input-file --verify-diagnostics

func.func @norm_c1_layer_norm(%x: tensor<?x16xi32>) {
  // expected-error@+1 {{expected float elements in input, found 'i32'}}
  %y = attn.layer_norm %x eps(1.0e-5) : tensor<?x16xi32>
  return
}

// -----

func.func @norm_c2_layer_norm(%x: tensor<?x16xf32>, %w: tensor<15xf32>) {
  // expected-error@+1 {{expected extent d of weight to be that of input (16), found 15}}
  %y = attn.layer_norm %x weight(%w : tensor<15xf32>) eps(1.0e-5) : tensor<?x16xf32>
  return
}

// -----

func.func @norm_c1_rms_norm(%x: tensor<?x16xi32>) {
  // expected-error@+1 {{expected float elements in input, found 'i32'}}
  %y = attn.rms_norm %x eps(1.0e-5) : tensor<?x16xi32>
  return
}

// -----

func.func @norm_c2_rms_norm(%x: tensor<?x16xf32>, %w: tensor<15xf32>) {
  // expected-error@+1 {{expected extent d of weight to be that of input (16), found 15}}
  %y = attn.rms_norm %x weight(%w : tensor<15xf32>) eps(1.0e-5) : tensor<?x16xf32>
  return
}

// -----

func.func @norm_c1_rank(%x: tensor<f32>) {
  // expected-error@+1 {{expected rank 1 or more of input, found 0}}
  %y = attn.rms_norm %x eps(1.0e-5) : tensor<f32>
  return
}

// -----

func.func @norm_c2_bias(%x: tensor<?x16xf32>) {
  // expected-error@+1 {{expected rank 1 of bias, found 2}}
  %y = attn.layer_norm %x bias(%x : tensor<?x16xf32>) eps(1.0e-5) : tensor<?x16xf32>
  return
}

// -----

func.func @norm_c2_elements(%x: tensor<?x16xf32>, %b: tensor<16xi32>) {
  // expected-error@+1 {{expected float elements in bias, found 'i32'}}
  %y = attn.layer_norm %x bias(%b : tensor<16xi32>) eps(1.0e-5) : tensor<?x16xf32>
  return
}

// -----

func.func @norm_c3_finite(%x: tensor<?x16xf32>) {
  // expected-error@+1 {{expected a finite eps, found}}
  %y = attn.layer_norm %x eps(0x7FF8000000000000) : tensor<?x16xf32>
  return
}

// -----

func.func @norm_c3_negative(%x: tensor<?x16xf32>) {
  // expected-error@+1 {{expected eps of 0 or more, found -1.0}}
  %y = attn.layer_norm %x eps(-1.0) : tensor<?x16xf32>
  return
}

// -----

func.func @rotary_c1_elements(%x: tensor<?x16xi32>) {
  // expected-error@+1 {{expected float elements in input, found 'i32'}}
  %y = attn.rotary half_split %x along [0] base(1.0e4) : tensor<?x16xi32>
  return
}

// -----

func.func @rotary_c1_rank(%x: tensor<16xf32>) {
  // expected-error@+1 {{expected rank 2 or more of input, found 1}}
  %y = attn.rotary half_split %x along [0] base(1.0e4) : tensor<16xf32>
  return
}

// -----

func.func @rotary_c2_last(%x: tensor<?x8x16xf32>) {
  // expected-error@+1 {{expected dimensions between 0 and 1 in along, found 2}}
  %y = attn.rotary half_split %x along [2] base(1.0e4) : tensor<?x8x16xf32>
  return
}

// -----

func.func @rotary_c2_twice(%x: tensor<?x8x16xf32>) {
  // expected-error@+1 {{expected each dimension once in along, found 1 twice}}
  %y = attn.rotary half_split %x along [1, 1] base(1.0e4) : tensor<?x8x16xf32>
  return
}

// -----

func.func @rotary_c3_counted(%x: tensor<?x8x16xf32>) {
  // expected-error@+1 {{expected one dimension in along to count positions, found 2}}
  %y = attn.rotary half_split %x along [0, 1] base(1.0e4) : tensor<?x8x16xf32>
  return
}

// -----

func.func @rotary_c3_both(%x: tensor<?x8x16xf32>, %n: index, %p: tensor<8xi32>) {
  // expected-error@+1 {{expected offset or positions, found both}}
  %y = attn.rotary half_split %x along [1] offset(%n) positions(%p : tensor<8xi32>) base(1.0e4) : tensor<?x8x16xf32>
  return
}

// -----

func.func @rotary_c3_elements(%x: tensor<?x8x16xf32>, %p: tensor<8xf32>) {
  // expected-error@+1 {{expected elements of i32, i64 or index in positions, found 'f32'}}
  %y = attn.rotary half_split %x along [1] positions(%p : tensor<8xf32>) base(1.0e4) : tensor<?x8x16xf32>
  return
}

// -----

func.func @rotary_c3_rank(%x: tensor<?x8x16xf32>, %p: tensor<8xi32>) {
  // expected-error@+1 {{expected rank 2 of positions, found 1}}
  %y = attn.rotary half_split %x along [0, 1] positions(%p : tensor<8xi32>) base(1.0e4) : tensor<?x8x16xf32>
  return
}

// -----

func.func @rotary_c3_extent(%x: tensor<?x8x16xf32>, %p: tensor<7xi32>) {
  // expected-error@+1 {{expected extent 1 of positions to be that of input (8), found 7}}
  %y = attn.rotary half_split %x along [1] positions(%p : tensor<7xi32>) base(1.0e4) : tensor<?x8x16xf32>
  return
}

// -----

func.func @rotary_c4_even(%x: tensor<?x8x16xf32>) {
  // expected-error@+1 {{expected an even width of 0 or more, found 15}}
  %y = attn.rotary half_split %x along [1] base(1.0e4) width(15) : tensor<?x8x16xf32>
  return
}

// -----

func.func @rotary_c4_input(%x: tensor<?x5xf32>) {
  // expected-error@+1 {{expected an even width of 0 or more, found 5}}
  %y = attn.rotary half_split %x along [0] base(1.0e4) : tensor<?x5xf32>
  return
}

// -----

func.func @rotary_c4_within(%x: tensor<?x8x16xf32>) {
  // expected-error@+1 {{expected width within the last dimension (16), found 18}}
  %y = attn.rotary half_split %x along [1] base(1.0e4) width(18) : tensor<?x8x16xf32>
  return
}

// -----

func.func @rotary_c5_neither(%x: tensor<?x8x16xf32>) {
  // expected-error@+1 {{expected either base or frequencies, found neither}}
  %y = attn.rotary half_split %x along [1] width(8) : tensor<?x8x16xf32>
  return
}

// -----

func.func @rotary_c5_both(%x: tensor<?x8x16xf32>, %f: tensor<8xf32>) {
  // expected-error@+1 {{expected either base or frequencies, found both}}
  %y = attn.rotary half_split %x along [1] frequencies(%f : tensor<8xf32>) base(1.0e4) : tensor<?x8x16xf32>
  return
}

// -----

func.func @rotary_c5_finite(%x: tensor<?x8x16xf32>) {
  // expected-error@+1 {{expected a finite base, found}}
  %y = attn.rotary half_split %x along [1] base(0x7FF0000000000000) : tensor<?x8x16xf32>
  return
}

// -----

func.func @rotary_c5_positive(%x: tensor<?x8x16xf32>) {
  // expected-error@+1 {{expected a positive base, found 0.0}}
  %y = attn.rotary half_split %x along [1] base(0.0) : tensor<?x8x16xf32>
  return
}

// -----

func.func @rotary_c5_elements(%x: tensor<?x8x16xf32>, %f: tensor<8xi32>) {
  // expected-error@+1 {{expected float elements in frequencies, found 'i32'}}
  %y = attn.rotary half_split %x along [1] frequencies(%f : tensor<8xi32>) : tensor<?x8x16xf32>
  return
}

// -----

func.func @rotary_c5_rank(%x: tensor<?x8x16xf32>, %f: tensor<8x1xf32>) {
  // expected-error@+1 {{expected rank 1 of frequencies, found 2}}
  %y = attn.rotary half_split %x along [1] frequencies(%f : tensor<8x1xf32>) : tensor<?x8x16xf32>
  return
}

// -----

func.func @rotary_c5_pairs(%x: tensor<?x8x16xf32>, %f: tensor<8xf32>) {
  // expected-error@+1 {{expected one frequency for each of 4 pairs, found 8}}
  %y = attn.rotary half_split %x along [1] frequencies(%f : tensor<8xf32>) width(8) : tensor<?x8x16xf32>
  return
}

// -----

func.func @rotary_c6(%x: tensor<?x8x16xf32>) {
  // expected-error@+1 {{expected a finite factor, found}}
  %y = attn.rotary half_split %x along [1] base(1.0e4) factor(0x7FF0000000000000) : tensor<?x8x16xf32>
  return
}

// -----

func.func @ring_append_c1_elements(%x: tensor<2x?x64xf16>, %r: tensor<2x6x64xf32>, %n: index) {
  // expected-error@+1 {{expected elements of ring ('f32') in rows, found 'f16'}}
  %y = attn.ring_append %x into %r along 1 count(%n) : tensor<2x?x64xf16>, tensor<2x6x64xf32>
  return
}

// -----

func.func @ring_append_c1_rank(%x: tensor<2x?xf32>, %r: tensor<2x6x64xf32>, %n: index) {
  // expected-error@+1 {{expected rank 3 of rows, found 2}}
  %y = attn.ring_append %x into %r along 1 count(%n) : tensor<2x?xf32>, tensor<2x6x64xf32>
  return
}

// -----

func.func @ring_append_c1_along(%x: tensor<2x?x64xf32>, %r: tensor<2x6x64xf32>, %n: index) {
  // expected-error@+1 {{expected along between 0 and 2, found 3}}
  %y = attn.ring_append %x into %r along 3 count(%n) : tensor<2x?x64xf32>, tensor<2x6x64xf32>
  return
}

// -----

func.func @ring_append_c1_extent(%x: tensor<2x?x32xf32>, %r: tensor<2x6x64xf32>, %n: index) {
  // expected-error@+1 {{expected extent 2 of rows to be that of ring (64), found 32}}
  %y = attn.ring_append %x into %r along 1 count(%n) : tensor<2x?x32xf32>, tensor<2x6x64xf32>
  return
}

// -----

func.func @ring_append_c2(%x: tensor<2x?x64xf32>, %r: tensor<2x6x64xf32>, %n: index) {
  // expected-error@+1 {{expected pinned of 0 or more and below the capacity (6), found 6}}
  %y = attn.ring_append %x into %r along 1 count(%n) pinned(6) : tensor<2x?x64xf32>, tensor<2x6x64xf32>
  return
}

// -----

func.func @ring_append_c2_negative(%x: tensor<2x?x64xf32>, %r: tensor<2x6x64xf32>, %n: index) {
  // expected-error@+1 {{expected pinned of 0 or more and below the capacity (6), found -1}}
  %y = attn.ring_append %x into %r along 1 count(%n) pinned(-1) : tensor<2x?x64xf32>, tensor<2x6x64xf32>
  return
}

// -----

func.func @ring_append_c3_elements(%x: tensor<2x?x64xf32>, %r: tensor<2x6x64xf32>, %n: index, %w: tensor<2xi32>) {
  // expected-error@+1 {{expected elements of i1 in when, found 'i32'}}
  %y = attn.ring_append %x into %r along 1 count(%n) when(%w : tensor<2xi32>) : tensor<2x?x64xf32>, tensor<2x6x64xf32>
  return
}

// -----

func.func @ring_append_c3_rank(%x: tensor<2x?x64xf32>, %r: tensor<2x6x64xf32>, %n: index, %w: tensor<2x6xi1>) {
  // expected-error@+1 {{expected at most 1 dimensions of when, which are in front of along, found 2}}
  %y = attn.ring_append %x into %r along 1 count(%n) when(%w : tensor<2x6xi1>) : tensor<2x?x64xf32>, tensor<2x6x64xf32>
  return
}

// -----

func.func @ring_append_c3_extent(%x: tensor<2x?x64xf32>, %r: tensor<2x6x64xf32>, %n: index, %w: tensor<3xi1>) {
  // expected-error@+1 {{expected extent 0 of when to be that of ring (2), found 3}}
  %y = attn.ring_append %x into %r along 1 count(%n) when(%w : tensor<3xi1>) : tensor<2x?x64xf32>, tensor<2x6x64xf32>
  return
}

// -----

func.func @scan_c1(%q: tensor<?x?x4x16xf32>, %k: tensor<?x?x4x16xi32>, %v: tensor<?x?x4x24xf32>, %s: tensor<?x4x16x24xf32>) {
  // expected-error@+1 {{expected float elements in keys, found 'i32'}}
  %o, %l = attn.linear_scan %q, %k, %v state(%s) : tensor<?x?x4x16xf32>, tensor<?x?x4x16xi32>, tensor<?x?x4x24xf32>, tensor<?x4x16x24xf32>
  return
}

// -----

func.func @scan_c2_rank(%q: tensor<?x?x4x16xf32>, %k: tensor<?x?x4x16xf32>, %v: tensor<?x?x24xf32>, %s: tensor<?x4x16x24xf32>) {
  // expected-error@+1 {{expected rank 4 of values, found 3}}
  %o, %l = attn.linear_scan %q, %k, %v state(%s) : tensor<?x?x4x16xf32>, tensor<?x?x4x16xf32>, tensor<?x?x24xf32>, tensor<?x4x16x24xf32>
  return
}

// -----

func.func @scan_c2_keys(%q: tensor<?x?x4x16xf32>, %k: tensor<?x?x4x8xf32>, %v: tensor<?x?x4x24xf32>, %s: tensor<?x4x16x24xf32>) {
  // expected-error@+1 {{expected extent K of keys to be that of queries (16), found 8}}
  %o, %l = attn.linear_scan %q, %k, %v state(%s) : tensor<?x?x4x16xf32>, tensor<?x?x4x8xf32>, tensor<?x?x4x24xf32>, tensor<?x4x16x24xf32>
  return
}

// -----

func.func @scan_c2_state(%q: tensor<?x?x4x16xf32>, %k: tensor<?x?x4x16xf32>, %v: tensor<?x?x4x24xf32>, %s: tensor<?x4x16x16xf32>) {
  // expected-error@+1 {{expected extent V of state to be that of values (24), found 16}}
  %o, %l = attn.linear_scan %q, %k, %v state(%s) : tensor<?x?x4x16xf32>, tensor<?x?x4x16xf32>, tensor<?x?x4x24xf32>, tensor<?x4x16x16xf32>
  return
}

// -----

func.func @linear_scan_c1_rank(%q: tensor<?x?x4x16xf32>, %k: tensor<?x?x4x16xf32>, %v: tensor<?x?x4x24xf32>, %s: tensor<?x4x16x24xf32>, %d: tensor<?x4xf32>) {
  // expected-error@+1 {{expected decay of rank 1, 3 or 4, found 2}}
  %o, %l = attn.linear_scan %q, %k, %v state(%s) decay(%d : tensor<?x4xf32>) : tensor<?x?x4x16xf32>, tensor<?x?x4x16xf32>, tensor<?x?x4x24xf32>, tensor<?x4x16x24xf32>
  return
}

// -----

func.func @linear_scan_c1_head(%q: tensor<?x?x4x16xf32>, %k: tensor<?x?x4x16xf32>, %v: tensor<?x?x4x24xf32>, %s: tensor<?x4x16x24xf32>, %d: tensor<3xf32>) {
  // expected-error@+1 {{expected extent H of decay to be that of queries (4), found 3}}
  %o, %l = attn.linear_scan %q, %k, %v state(%s) decay(%d : tensor<3xf32>) : tensor<?x?x4x16xf32>, tensor<?x?x4x16xf32>, tensor<?x?x4x24xf32>, tensor<?x4x16x24xf32>
  return
}

// -----

func.func @linear_scan_c1_step(%q: tensor<?x?x4x16xf32>, %k: tensor<?x?x4x16xf32>, %v: tensor<?x?x4x24xf32>, %s: tensor<?x4x16x24xf32>, %d: tensor<?x?x3xf32>) {
  // expected-error@+1 {{expected extent H of decay to be that of queries (4), found 3}}
  %o, %l = attn.linear_scan %q, %k, %v state(%s) decay(%d : tensor<?x?x3xf32>) : tensor<?x?x4x16xf32>, tensor<?x?x4x16xf32>, tensor<?x?x4x24xf32>, tensor<?x4x16x24xf32>
  return
}

// -----

func.func @linear_scan_c1_key(%q: tensor<?x?x4x16xf32>, %k: tensor<?x?x4x16xf32>, %v: tensor<?x?x4x24xf32>, %s: tensor<?x4x16x24xf32>, %d: tensor<?x?x4x3xf32>) {
  // expected-error@+1 {{expected extent K of decay to be that of queries (16), found 3}}
  %o, %l = attn.linear_scan %q, %k, %v state(%s) decay(%d : tensor<?x?x4x3xf32>) : tensor<?x?x4x16xf32>, tensor<?x?x4x16xf32>, tensor<?x?x4x24xf32>, tensor<?x4x16x24xf32>
  return
}

// -----

func.func @scan_c2_delta_beta(%q: tensor<?x?x4x16xf32>, %k: tensor<?x?x4x16xf32>, %v: tensor<?x?x4x24xf32>, %s: tensor<?x4x16x24xf32>, %d: tensor<4xf32>) {
  // expected-error@+1 {{expected rank 3 of beta, found 1}}
  %o, %l = attn.delta_scan %q, %k, %v state(%s) beta(%d : tensor<4xf32>) : tensor<?x?x4x16xf32>, tensor<?x?x4x16xf32>, tensor<?x?x4x24xf32>, tensor<?x4x16x24xf32>
  return
}

// -----

func.func @scan_c2_delta_decay(%q: tensor<?x?x4x16xf32>, %k: tensor<?x?x4x16xf32>, %v: tensor<?x?x4x24xf32>, %s: tensor<?x4x16x24xf32>, %e: tensor<?x?x4xf32>, %d: tensor<4xf32>) {
  // expected-error@+1 {{expected rank 3 of decay, found 1}}
  %o, %l = attn.delta_scan %q, %k, %v state(%s) beta(%e : tensor<?x?x4xf32>) decay(%d : tensor<4xf32>) : tensor<?x?x4x16xf32>, tensor<?x?x4x16xf32>, tensor<?x?x4x24xf32>, tensor<?x4x16x24xf32>
  return
}

// -----

func.func @scan_c3_outputs(%q: tensor<?x?x4x16xf32>, %v: tensor<?x?x4x24xf32>, %s: tensor<?x4x16x24xf32>) {
  // expected-error@+1 {{expected outputs of the type of values ('tensor<?x?x4x24xf32>'), found 'tensor<?x?x4x16xf32>'}}
  %o, %l = "attn.linear_scan"(%q, %q, %v, %s) : (tensor<?x?x4x16xf32>, tensor<?x?x4x16xf32>, tensor<?x?x4x24xf32>, tensor<?x4x16x24xf32>) -> (tensor<?x?x4x16xf32>, tensor<?x4x16x24xf32>)
  return
}

// -----

func.func @scan_c3_last(%q: tensor<?x?x4x16xf32>, %v: tensor<?x?x4x24xf32>, %s: tensor<?x4x16x24xf32>) {
  // expected-error@+1 {{expected last of the type of state ('tensor<?x4x16x24xf32>'), found 'tensor<?x?x4x16xf32>'}}
  %o, %l = "attn.linear_scan"(%q, %q, %v, %s) : (tensor<?x?x4x16xf32>, tensor<?x?x4x16xf32>, tensor<?x?x4x24xf32>, tensor<?x4x16x24xf32>) -> (tensor<?x?x4x24xf32>, tensor<?x?x4x16xf32>)
  return
}

// -----

func.func @scan_c2_selective_delta(%x: tensor<?x?x32xf32>, %d: tensor<?x?x16xf32>, %a: tensor<32x8xf32>, %b: tensor<?x?x8xf32>, %c: tensor<?x?x8xf32>, %s: tensor<?x32x8xf32>) {
  // expected-error@+1 {{expected extent D of delta to be that of input (32), found 16}}
  %y, %l = attn.selective_scan %x, %d, %a, %b, %c state(%s) : tensor<?x?x32xf32>, tensor<?x?x16xf32>, tensor<32x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x32x8xf32>
  return
}

// -----

func.func @scan_c2_selective_a(%x: tensor<?x?x32xf32>, %d: tensor<?x?x32xf32>, %a: tensor<32xf32>, %b: tensor<?x?x8xf32>, %c: tensor<?x?x8xf32>, %s: tensor<?x32x8xf32>) {
  // expected-error@+1 {{expected rank 2 of a, found 1}}
  %y, %l = attn.selective_scan %x, %d, %a, %b, %c state(%s) : tensor<?x?x32xf32>, tensor<?x?x32xf32>, tensor<32xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x32x8xf32>
  return
}

// -----

func.func @scan_c2_selective_b(%x: tensor<?x?x32xf32>, %d: tensor<?x?x32xf32>, %a: tensor<32x8xf32>, %b: tensor<?x?x4xf32>, %c: tensor<?x?x8xf32>, %s: tensor<?x32x8xf32>) {
  // expected-error@+1 {{expected extent N of b to be that of a (8), found 4}}
  %y, %l = attn.selective_scan %x, %d, %a, %b, %c state(%s) : tensor<?x?x32xf32>, tensor<?x?x32xf32>, tensor<32x8xf32>, tensor<?x?x4xf32>, tensor<?x?x8xf32>, tensor<?x32x8xf32>
  return
}

// -----

func.func @scan_c1_selective_c(%x: tensor<?x?x32xf32>, %d: tensor<?x?x32xf32>, %a: tensor<32x8xf32>, %b: tensor<?x?x8xf32>, %c: tensor<?x?x8xi8>, %s: tensor<?x32x8xf32>) {
  // expected-error@+1 {{expected float elements in c, found 'i8'}}
  %y, %l = attn.selective_scan %x, %d, %a, %b, %c state(%s) : tensor<?x?x32xf32>, tensor<?x?x32xf32>, tensor<32x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xi8>, tensor<?x32x8xf32>
  return
}

// -----

func.func @scan_c2_selective_state(%x: tensor<?x?x32xf32>, %d: tensor<?x?x32xf32>, %a: tensor<32x8xf32>, %b: tensor<?x?x8xf32>, %c: tensor<?x?x8xf32>, %s: tensor<?x31x8xf32>) {
  // expected-error@+1 {{expected extent D of state to be that of input (32), found 31}}
  %y, %l = attn.selective_scan %x, %d, %a, %b, %c state(%s) : tensor<?x?x32xf32>, tensor<?x?x32xf32>, tensor<32x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x31x8xf32>
  return
}

// -----

func.func @gather_rows_c1(%x: tensor<2x8xf32>, %i: tensor<2x3xi32>) {
  // expected-error@+1 {{expected batch between 0 and 1, found 2}}
  %y = attn.gather_rows %x[%i] batch 2 : tensor<2x8xf32>, tensor<2x3xi32> -> tensor<2x3xf32>
  return
}

// -----

func.func @gather_rows_c1_negative(%x: tensor<8xf32>, %i: tensor<3xi32>) {
  // expected-error@+1 {{expected batch between 0 and 0, found -1}}
  %y = attn.gather_rows %x[%i] batch -1 : tensor<8xf32>, tensor<3xi32> -> tensor<3xf32>
  return
}

// -----

func.func @gather_rows_c2_indices(%x: tensor<2x8xf32>, %i: tensor<3xi8>) {
  // expected-error@+1 {{expected elements of i32, i64 or index in indices, found 'i8'}}
  %y = attn.gather_rows %x[%i] : tensor<2x8xf32>, tensor<3xi8> -> tensor<3x8xf32>
  return
}

// -----

func.func @gather_rows_c2_result(%x: tensor<2x8xf32>, %i: tensor<3xi32>) {
  // expected-error@+1 {{expected elements of source ('f32') in result, found 'f16'}}
  %y = attn.gather_rows %x[%i] : tensor<2x8xf32>, tensor<3xi32> -> tensor<3x8xf16>
  return
}

// -----

func.func @gather_rows_c3_batch(%x: tensor<2x8xf32>, %i: tensor<3x4xi32>) {
  // expected-error@+1 {{expected extent 0 of indices to be that of source (2), found 3}}
  %y = attn.gather_rows %x[%i] batch 1 : tensor<2x8xf32>, tensor<3x4xi32> -> tensor<3x4xf32>
  return
}

// -----

func.func @gather_rows_c3_rank(%x: tensor<2x8xf32>, %i: tensor<3xi32>) {
  // expected-error@+1 {{expected rank 2 of result, found 1}}
  %y = attn.gather_rows %x[%i] : tensor<2x8xf32>, tensor<3xi32> -> tensor<3xf32>
  return
}

// -----

func.func @gather_rows_c3_extent(%x: tensor<2x8xf32>, %i: tensor<3xi32>) {
  // expected-error@+1 {{expected extent 8 of dimension 1 of result, found 9}}
  %y = attn.gather_rows %x[%i] : tensor<2x8xf32>, tensor<3xi32> -> tensor<3x9xf32>
  return
}

// -----

func.func @scatter_rows_c1(%r: tensor<2x8xf32>, %d: tensor<2x8xf32>, %i: tensor<2xi32>) {
  // expected-error@+1 {{expected batch between 0 and 1, found 2}}
  %y = attn.scatter_rows set %r into %d[%i] batch 2 : tensor<2x8xf32>, tensor<2x8xf32>, tensor<2xi32>
  return
}

// -----

func.func @scatter_rows_c2_indices(%r: tensor<2x8xf32>, %d: tensor<4x8xf32>, %i: tensor<2xf32>) {
  // expected-error@+1 {{expected elements of i32, i64 or index in indices, found 'f32'}}
  %y = attn.scatter_rows set %r into %d[%i] : tensor<2x8xf32>, tensor<4x8xf32>, tensor<2xf32>
  return
}

// -----

func.func @scatter_rows_c2_rows(%r: tensor<2x8xf64>, %d: tensor<4x8xf32>, %i: tensor<2xi32>) {
  // expected-error@+1 {{expected elements of destination ('f32') in rows, found 'f64'}}
  %y = attn.scatter_rows set %r into %d[%i] : tensor<2x8xf64>, tensor<4x8xf32>, tensor<2xi32>
  return
}

// -----

func.func @scatter_rows_c3_rank(%r: tensor<2xf32>, %d: tensor<4x8xf32>, %i: tensor<2xi32>) {
  // expected-error@+1 {{expected rank 2 of rows, found 1}}
  %y = attn.scatter_rows set %r into %d[%i] : tensor<2xf32>, tensor<4x8xf32>, tensor<2xi32>
  return
}

// -----

func.func @scatter_rows_c3_rows(%r: tensor<2x7xf32>, %d: tensor<4x8xf32>, %i: tensor<2xi32>) {
  // expected-error@+1 {{expected extent 8 of dimension 1 of rows, found 7}}
  %y = attn.scatter_rows set %r into %d[%i] : tensor<2x7xf32>, tensor<4x8xf32>, tensor<2xi32>
  return
}

// -----

func.func @scatter_rows_c3_indices(%r: tensor<3x2x8xf32>, %d: tensor<3x4x8xf32>, %i: tensor<2xi32>) {
  // expected-error@+1 {{expected rank 2 of indices, found 1}}
  %y = attn.scatter_rows set %r into %d[%i] batch 1 : tensor<3x2x8xf32>, tensor<3x4x8xf32>, tensor<2xi32>
  return
}

// -----

func.func @scatter_rows_c3_count(%r: tensor<2x8xf32>, %d: tensor<4x8xf32>, %i: tensor<3xi32>) {
  // expected-error@+1 {{expected extent 2 of dimension 0 of indices, found 3}}
  %y = attn.scatter_rows set %r into %d[%i] : tensor<2x8xf32>, tensor<4x8xf32>, tensor<3xi32>
  return
}

// -----

func.func @order_c1_elements(%x: tensor<4xcomplex<f32>>, %k: index) {
  // expected-error@+1 {{expected numbers in input, found 'complex<f32>'}}
  %v, %i = attn.top_k %x : tensor<4xcomplex<f32>> -> tensor<2xcomplex<f32>>, tensor<2xi32>
  return
}

// -----

func.func @order_c1_rank(%x: tensor<f32>, %k: index) {
  // expected-error@+1 {{expected rank 1 or more of input, found 0}}
  %v, %i = attn.top_k %x : tensor<f32> -> tensor<f32>, tensor<i32>
  return
}

// -----

func.func @order_c1_indices(%x: tensor<4xf32>, %k: index) {
  // expected-error@+1 {{expected elements of i32, i64 or index in indices, found 'i16'}}
  %v, %i = attn.top_k %x : tensor<4xf32> -> tensor<2xf32>, tensor<2xi16>
  return
}

// -----

func.func @top_k_c1_elements(%x: tensor<4xf32>, %k: index) {
  // expected-error@+1 {{expected elements of input ('f32') in values, found 'f16'}}
  %v, %i = attn.top_k %x : tensor<4xf32> -> tensor<2xf16>, tensor<2xi32>
  return
}

// -----

func.func @top_k_c1_rank(%x: tensor<?x4xf32>, %k: index) {
  // expected-error@+1 {{expected rank 2 of values, found 1}}
  %v, %i = attn.top_k %x : tensor<?x4xf32> -> tensor<2xf32>, tensor<2xi32>
  return
}

// -----

func.func @top_k_c1_values(%x: tensor<3x4xf32>, %k: index) {
  // expected-error@+1 {{expected extent 3 of dimension 0 of values, found 2}}
  %v, %i = attn.top_k %x : tensor<3x4xf32> -> tensor<2x2xf32>, tensor<2x2xi32>
  return
}

// -----

func.func @top_k_c1_indices(%x: tensor<4xf32>, %k: index) {
  // expected-error@+1 {{expected extent 2 of dimension 0 of indices, found 3}}
  %v, %i = attn.top_k %x : tensor<4xf32> -> tensor<2xf32>, tensor<3xi32>
  return
}

// -----

func.func @top_k_c2_missing(%x: tensor<4xf32>, %k: index) {
  // expected-error@+1 {{expected an operand k with a dynamic last dimension, found none}}
  %v, %i = attn.top_k %x : tensor<4xf32> -> tensor<?xf32>, tensor<?xi32>
  return
}

// -----

func.func @top_k_c2_extra(%x: tensor<4xf32>, %k: index) {
  // expected-error@+1 {{expected no operand k with k = 2 in the type, found one}}
  %v, %i = attn.top_k %x k(%k) : tensor<4xf32> -> tensor<2xf32>, tensor<2xi32>
  return
}

// -----

func.func @top_k_c3(%x: tensor<4xf32>, %k: index) {
  // expected-error@+1 {{expected k within the last dimension of input (4), found 5}}
  %v, %i = attn.top_k %x : tensor<4xf32> -> tensor<5xf32>, tensor<5xi32>
  return
}

// -----

func.func @sort_c1(%x: tensor<4xf32>) {
  // expected-error@+1 {{expected extent 4 of dimension 0 of indices, found 5}}
  %v, %i = attn.sort %x : tensor<4xf32> -> tensor<5xi32>
  return
}

// -----

func.func @random_bits_c1_none(%s: i64) {
  // expected-error@+1 {{expected 1 to 4 results, found 0}}
  "attn.random_bits"(%s) <{operandSegmentSizes = array<i32: 1, 0, 0, 0, 0>}> : (i64) -> ()
  return
}

// -----

func.func @random_bits_c1_count(%s: i64, %n: index) {
  // expected-error@+1 {{expected 1 to 4 results, found 5}}
  %b:5 = attn.random_bits seed(%s) stream(1) : tensor<4xi32>, tensor<4xi32>, tensor<4xi32>, tensor<4xi32>, tensor<4xi32>
  return
}

// -----

func.func @random_bits_c1_elements(%s: i64, %n: index) {
  // expected-error@+1 {{expected results of i32, found 'tensor<4xi64>'}}
  %b = attn.random_bits seed(%s) stream(1) : tensor<4xi64>
  return
}

// -----

func.func @random_bits_c1_types(%s: i64, %n: index) {
  // expected-error@+1 {{expected results of one type ('tensor<4xi32>'), found 'tensor<5xi32>'}}
  %b:2 = attn.random_bits seed(%s) stream(1) : tensor<4xi32>, tensor<5xi32>
  return
}

// -----

func.func @random_bits_c2(%s: i64, %n: index) {
  // expected-error@+1 {{expected a size for each dynamic dimension (2), found 1}}
  %b = attn.random_bits seed(%s) sizes(%n) : tensor<?x?xi32>
  return
}

// -----

func.func @random_bits_c3(%s: i64, %n: index) {
  // expected-error@+1 {{expected stream between 0 and 4294967295, found 4294967296}}
  %b = attn.random_bits seed(%s) stream(4294967296) : tensor<4xi32>
  return
}

// -----

func.func @random_bits_c3_negative(%s: i64, %n: index) {
  // expected-error@+1 {{expected stream between 0 and 4294967295, found -1}}
  %b = attn.random_bits seed(%s) stream(-1) : tensor<4xi32>
  return
}

// -----

func.func @random_bits_c4_elements(%s: i64, %r: tensor<4xf32>) {
  // expected-error@+1 {{expected elements of i32, i64 or index in rows, found 'f32'}}
  %b = attn.random_bits seed(%s) rows(%r : tensor<4xf32>) : tensor<4xi32>
  return
}

// -----

func.func @random_bits_c4_shape(%s: i64, %r: tensor<5xi32>) {
  // expected-error@+1 {{expected extent 4 of dimension 0 of rows, found 5}}
  %b = attn.random_bits seed(%s) rows(%r : tensor<5xi32>) : tensor<4xi32>
  return
}

// -----

func.func @nonzero_c1_elements(%x: tensor<2x3xi1>) {
  // expected-error@+1 {{expected extent 6 of dimension 0 of indices, found 5}}
  %i, %n = attn.nonzero %x : tensor<2x3xi1> -> tensor<5xi32>, tensor<i32>
  return
}

// -----

func.func @nonzero_c1_count(%x: tensor<2x3xi1>) {
  // expected-error@+1 {{expected elements of indices ('i32') in count, found 'i64'}}
  %i, %n = attn.nonzero %x : tensor<2x3xi1> -> tensor<6xi32>, tensor<i64>
  return
}
