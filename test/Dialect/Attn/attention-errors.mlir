// What attn.attention refuses, one function a reason, named after the constraint (dialects/attn/README.md).
// RUN: attnc-opt %s --split-input-file --verify-diagnostics

func.func @syntax_normalizer(%x: tensor<?x8x4x16xf32>) {
  // expected-error@+1 {{expected softmax, sigmoid, sigmoid_sum or identity}}
  %o = attn.attention relu scale(1.0)
    query %x[b, i, g, d] : tensor<?x8x4x16xf32>
    source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>
    into %x[b, i, g, v] : tensor<?x8x4x16xf32>
  return
}

// -----

func.func @syntax_dimension(%x: tensor<?x8x4x16xf32>) {
  %o = attn.attention softmax scale(1.0)
  // expected-error@+1 {{expected a dimension (b, g, r, i, j, d or v) or a constant}}
    query %x[b, h, g, d] : tensor<?x8x4x16xf32>
    source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>
    into %x[b, i, g, v] : tensor<?x8x4x16xf32>
  return
}

// -----

func.func @syntax_arguments(%x: tensor<?x8x4x16xf32>, %c: f32) {
  %o = attn.attention softmax scale(1.0)
    query %x[b, i, g, d] : tensor<?x8x4x16xf32>
    source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>
    captures %c : f32
    into %x[b, i, g, v] : tensor<?x8x4x16xf32>
  // expected-error@+1 {{expected 7 arguments of the score region (s, b, h, i, j, n and one a capture), found 6}}
    score(%s, %b, %h, %i, %j, %n) {
      attn.yield %s : f32
    }
  return
}

// -----

func.func @syntax_mask_arguments(%x: tensor<?x8x4x16xf32>) {
  %o = attn.attention softmax scale(1.0)
    query %x[b, i, g, d] : tensor<?x8x4x16xf32>
    source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>
    into %x[b, i, g, v] : tensor<?x8x4x16xf32>
  // expected-error@+1 {{expected 5 arguments of the mask region (b, h, i, j, n and one a capture), found 6}}
    mask(%s, %b, %h, %i, %j, %n) {
      attn.yield %s : i1
    }
  return
}

// -----

func.func @syntax_post_arguments(%x: tensor<?x8x4x16xf32>) {
  %o = attn.attention softmax scale(1.0)
    query %x[b, i, g, d] : tensor<?x8x4x16xf32>
    source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>
    into %x[b, i, g, v] : tensor<?x8x4x16xf32>
  // expected-error@+1 {{expected 6 arguments of the post region (p, b, h, i, j, n and one a capture), found 1}}
    post(%p) {
      attn.yield %p : f32
    }
  return
}

// -----

func.func @attention_c1_none(%x: tensor<?x8x4x16xf32>) {
  // expected-error@+1 {{expected at least one source, found none}}
  %o = "attn.attention"(%x, %x) <{indexing_maps = [affine_map<(b, g, r, i, j, d, v) -> (b, i, g, d)>, affine_map<(b, g, r, i, j, d, v) -> (b, i, g, v)>], normalizer = #attn<normalizer softmax>,
    operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 1, 0, 0>, scale = 1.0 : f64, source_kinds = array<i32>}> ({}, {}, {}) : (tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>) -> tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c1_kind(%x: tensor<?x8x4x16xf32>) {
  // expected-error@+1 {{expected source kinds between 0 and 63, found 64}}
  %o = "attn.attention"(%x, %x, %x, %x) <{indexing_maps = [affine_map<(b, g, r, i, j, d, v) -> (b, i, g, d)>, affine_map<(b, g, r, i, j, d, v) -> (b, j, g, d)>, affine_map<(b, g, r, i, j, d, v) -> (b, j, g, v)>, affine_map<(b, g, r, i, j, d, v) -> (b, i, g, v)>], normalizer = #attn<normalizer softmax>,
    operandSegmentSizes = array<i32: 1, 0, 0, 0, 2, 0, 0, 1, 0, 0>, scale = 1.0 : f64, source_kinds = array<i32: 64>}> ({}, {}, {}) : (tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>) -> tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c1_operands(%x: tensor<?x8x4x16xf32>) {
  // expected-error@+1 {{expected 3 source operands as source_kinds says, found 2}}
  %o = "attn.attention"(%x, %x, %x, %x) <{indexing_maps = [affine_map<(b, g, r, i, j, d, v) -> (b, i, g, d)>, affine_map<(b, g, r, i, j, d, v) -> (b, j, g, d)>, affine_map<(b, g, r, i, j, d, v) -> (b, j, g, v)>, affine_map<(b, g, r, i, j, d, v) -> (b, i, g, v)>], normalizer = #attn<normalizer softmax>,
    operandSegmentSizes = array<i32: 1, 0, 0, 0, 2, 0, 0, 1, 0, 0>, scale = 1.0 : f64, source_kinds = array<i32: 1>}> ({}, {}, {}) : (tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>) -> tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c1_masks(%x: tensor<?x8x4x16xf32>) {
  // expected-error@+1 {{expected 0 source masks as source_kinds says, found 1}}
  %o = "attn.attention"(%x, %x, %x, %x) <{indexing_maps = [affine_map<(b, g, r, i, j, d, v) -> (b, i, g, d)>, affine_map<(b, g, r, i, j, d, v) -> (b, j, g, d)>, affine_map<(b, g, r, i, j, d, v) -> (b, j, g, v)>, affine_map<(b, g, r, i, j, d, v) -> (b, i, g, v)>], normalizer = #attn<normalizer softmax>,
    operandSegmentSizes = array<i32: 1, 0, 0, 0, 2, 0, 0, 1, 0, 0>, scale = 1.0 : f64, source_kinds = array<i32: 0>}> ({}, {}, {}, {
  ^bb0(%b: index, %h: index, %i: index, %j: index, %n: index):
    %t = arith.constant true
    "attn.yield"(%t) : (i1) -> ()
  }) : (tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>) -> tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c2_count(%x: tensor<?x8x4x16xf32>) {
  // expected-error@+1 {{expected an indexing map for each operand (4), found 3}}
  %o = "attn.attention"(%x, %x, %x, %x) <{indexing_maps = [affine_map<(b, g, r, i, j, d, v) -> (b, i, g, d)>, affine_map<(b, g, r, i, j, d, v) -> (b, j, g, d)>, affine_map<(b, g, r, i, j, d, v) -> (b, j, g, v)>], normalizer = #attn<normalizer softmax>,
    operandSegmentSizes = array<i32: 1, 0, 0, 0, 2, 0, 0, 1, 0, 0>, scale = 1.0 : f64, source_kinds = array<i32: 0>}> ({}, {}, {}) : (tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>) -> tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c2_dims(%x: tensor<?x8x4x16xf32>) {
  // expected-error@+1 {{expected indexing maps over 7 dimensions and no symbols, found 6 and 1}}
  %o = "attn.attention"(%x, %x, %x, %x) <{indexing_maps = [affine_map<(b, g, r, i, j, d, v) -> (b, i, g, d)>, affine_map<(b, g, r, i, j, d, v) -> (b, j, g, d)>, affine_map<(b, g, r, i, j, d, v) -> (b, j, g, v)>, affine_map<(b, g, r, i, j, d)[s] -> (b, i, g, d)>], normalizer = #attn<normalizer softmax>,
    operandSegmentSizes = array<i32: 1, 0, 0, 0, 2, 0, 0, 1, 0, 0>, scale = 1.0 : f64, source_kinds = array<i32: 0>}> ({}, {}, {}) : (tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>) -> tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c3_query(%x: tensor<?x8x4x16xf32>, %q: tensor<?x8x4x16xi32>) {
  // expected-error@+1 {{expected query to be a ranked tensor of floats, found 'tensor<?x8x4x16xi32>'}}
  %o = attn.attention softmax scale(1.0)
    query %q[b, i, g, d] : tensor<?x8x4x16xi32>
    source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>
    into %x[b, i, g, v] : tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c3_key(%x: tensor<?x8x4x16xf32>, %k: f32) {
  // expected-error@+1 {{expected key of source 0 to be a ranked tensor of floats, found 'f32'}}
  %o = attn.attention softmax scale(1.0)
    query %x[b, i, g, d] : tensor<?x8x4x16xf32>
    source %k, %x[b, j, g, v] : f32, tensor<?x8x4x16xf32>
    into %x[b, i, g, v] : tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c3_value(%x: tensor<?x8x4x16xf32>, %k: tensor<?x8x4x16xi8>) {
  // expected-error@+1 {{expected value of source 1 to be a ranked tensor of floats, found 'tensor<?x8x4x16xi8>'}}
  %o = attn.attention softmax scale(1.0)
    query %x[b, i, g, d] : tensor<?x8x4x16xf32>
    source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>
    source %x[b, j, g, d], %k[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xi8>
    into %x[b, i, g, v] : tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c3_offset(%x: tensor<?x8x4x16xf32>, %n: i32) {
  // expected-error@+1 {{expected offset of source 0 to be an index, found 'i32'}}
  %o = attn.attention softmax scale(1.0)
    query %x[b, i, g, d] : tensor<?x8x4x16xf32>
    source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32> offset %n : i32
    into %x[b, i, g, v] : tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c3_positions(%x: tensor<?x8x4x16xf32>, %p: tensor<?x8xf32>) {
  // expected-error@+1 {{expected positions of query to be a ranked tensor of i32, i64 or index, found 'tensor<?x8xf32>'}}
  %o = attn.attention softmax scale(1.0)
    query %x[b, i, g, d] : tensor<?x8x4x16xf32> positions %p[b, i] : tensor<?x8xf32>
    source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>
    into %x[b, i, g, v] : tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c3_source_positions(%x: tensor<?x8x4x16xf32>, %p: tensor<8xi16>) {
  // expected-error@+1 {{expected positions of source 0 to be a ranked tensor of i32, i64 or index, found 'tensor<8xi16>'}}
  %o = attn.attention softmax scale(1.0)
    query %x[b, i, g, d] : tensor<?x8x4x16xf32>
    source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32> positions %p[j] : tensor<8xi16>
    into %x[b, i, g, v] : tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c3_rows(%x: tensor<?x8x4x16xf32>, %p: tensor<?xf32>) {
  // expected-error@+1 {{expected rows of query to be a ranked tensor of i32, i64 or index, found 'tensor<?xf32>'}}
  %o = attn.attention softmax scale(1.0)
    query %x[b, i, g, d] : tensor<?x8x4x16xf32> rows %p : tensor<?xf32>
    source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>
    into %x[b, i, g, v] : tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c3_source_rows(%x: tensor<?x8x4x16xf32>, %p: index) {
  // expected-error@+1 {{expected rows of source 0 to be a ranked tensor of i32, i64 or index, found 'index'}}
  %o = attn.attention softmax scale(1.0)
    query %x[b, i, g, d] : tensor<?x8x4x16xf32>
    source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32> rows %p : index
    into %x[b, i, g, v] : tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c3_valid(%x: tensor<?x8x4x16xf32>, %n: i32) {
  // expected-error@+1 {{expected valid of source 0 to be an index or a ranked tensor of i32, i64 or index, found 'i32'}}
  %o = attn.attention softmax scale(1.0)
    query %x[b, i, g, d] : tensor<?x8x4x16xf32>
    source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32> valid %n : i32
    into %x[b, i, g, v] : tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c3_pages(%x: tensor<?x8x4x16xf32>, %t: tensor<i32>, %n: index) {
  // expected-error@+1 {{expected pages of source 0 to be a tensor of i32, i64 or index with a last dimension for the pages, found 'tensor<i32>'}}
  %o = attn.attention softmax scale(1.0)
    query %x[b, i, g, d] : tensor<?x8x4x16xf32>
    source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32> valid %n pages %t : tensor<i32>
    into %x[b, i, g, v] : tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c3_capture(%x: tensor<?x8x4x16xf32>, %c: f32, %m: memref<4xf32>) {
  // expected-error@+1 {{expected capture 1 to be a ranked tensor or a scalar, found 'memref<4xf32>'}}
  %o = attn.attention softmax scale(1.0)
    query %x[b, i, g, d] : tensor<?x8x4x16xf32>
    source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>
    captures %c : f32, %m : memref<4xf32>
    into %x[b, i, g, v] : tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c3_sink(%x: tensor<?x8x4x16xf32>, %s: tensor<4xi32>) {
  // expected-error@+1 {{expected sink to be a ranked tensor of floats, found 'tensor<4xi32>'}}
  %o = attn.attention softmax scale(1.0)
    query %x[b, i, g, d] : tensor<?x8x4x16xf32>
    source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>
    sink %s[g] : tensor<4xi32>
    into %x[b, i, g, v] : tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c3_output(%x: tensor<?x8x4x16xf32>, %o0: tensor<?x8x4x16xi32>) {
  // expected-error@+1 {{expected output to be a ranked tensor of floats, found 'tensor<?x8x4x16xi32>'}}
  %o = attn.attention softmax scale(1.0)
    query %x[b, i, g, d] : tensor<?x8x4x16xf32>
    source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>
    into %o0[b, i, g, v] : tensor<?x8x4x16xi32>
  return
}

// -----

func.func @attention_c3_lse(%x: tensor<?x8x4x16xf32>, %l: tensor<?x8x4xbf16>) {
  // expected-error@+1 {{expected lse to be a tensor of the compute type, f32, found 'tensor<?x8x4xbf16>'}}
  %o:2 = attn.attention softmax scale(1.0)
    query %x[b, i, g, d] : tensor<?x8x4x16xf32>
    source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>
    into %x[b, i, g, v] : tensor<?x8x4x16xf32> lse %l[b, i, g] : tensor<?x8x4xbf16>
  return
}

// -----

func.func @attention_c3_entropy(%x: tensor<?x8x16xf64>, %l: tensor<?x8xf32>) {
  // expected-error@+1 {{expected entropy to be a tensor of the compute type, f64, found 'tensor<?x8xf32>'}}
  %o:2 = attn.attention softmax scale(1.0)
    query %x[b, i, d] : tensor<?x8x16xf64>
    source %x[b, j, d], %x[b, j, v] : tensor<?x8x16xf64>, tensor<?x8x16xf64>
    into %x[b, i, v] : tensor<?x8x16xf64> entropy %l[b, i] : tensor<?x8xf32>
  return
}

// -----

func.func @attention_c4_query(%x: tensor<?x8x4x16xf32>) {
  // expected-error@+1 {{expected 4 indices of query, found 3}}
  %o = attn.attention softmax scale(1.0)
    query %x[b, i, d] : tensor<?x8x4x16xf32>
    source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>
    into %x[b, i, g, v] : tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c4_pages(%x: tensor<?x8x4x16xf32>, %t: tensor<?x7xi32>, %n: index) {
  // expected-error@+1 {{expected 1 indices of pages of source 0, found 0}}
  %o = attn.attention softmax scale(1.0)
    query %x[b, i, g, d] : tensor<?x8x4x16xf32>
    source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32> valid %n pages %t : tensor<?x7xi32>
    into %x[b, i, g, v] : tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c4_rows(%x: tensor<?x8x4x16xf32>, %t: tensor<?xi32>) {
  // expected-error@+1 {{expected 0 indices of rows of query, found 1}}
  %o = attn.attention softmax scale(1.0)
    query %x[b, i, g, d] : tensor<?x8x4x16xf32> rows %t[b] : tensor<?xi32>
    source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>
    into %x[b, i, g, v] : tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c4_capture(%x: tensor<?x8x4x16xf32>, %t: tensor<?x8xf32>) {
  // expected-error@+1 {{expected 2 indices of capture 0, found 1}}
  %o = attn.attention softmax scale(1.0)
    query %x[b, i, g, d] : tensor<?x8x4x16xf32>
    source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>
    captures %t[b] : tensor<?x8xf32>
    into %x[b, i, g, v] : tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c4_scalar(%x: tensor<?x8x4x16xf32>, %t: f32) {
  // expected-error@+1 {{expected 0 indices of capture 0, found 1}}
  %o = attn.attention softmax scale(1.0)
    query %x[b, i, g, d] : tensor<?x8x4x16xf32>
    source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>
    captures %t[b] : f32
    into %x[b, i, g, v] : tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c4_twice(%x: tensor<?x8x4x16xf32>) {
  // expected-error@+1 {{expected each dimension at most once among the indices of query, found b twice}}
  %o = attn.attention softmax scale(1.0)
    query %x[b, i, b, d] : tensor<?x8x4x16xf32>
    source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>
    into %x[b, i, g, v] : tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c4_expression(%x: tensor<?x8x4x16xf32>) {
  // expected-error@+1 {{expected dimensions and constants as indices of output, found affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d0 + d1)>}}
  %o = "attn.attention"(%x, %x, %x, %x) <{indexing_maps = [affine_map<(b, g, r, i, j, d, v) -> (b, i, g, d)>, affine_map<(b, g, r, i, j, d, v) -> (b, j, g, d)>, affine_map<(b, g, r, i, j, d, v) -> (b, j, g, v)>, affine_map<(b, g, r, i, j, d, v) -> (b + g, i, g, v)>], normalizer = #attn<normalizer softmax>,
    operandSegmentSizes = array<i32: 1, 0, 0, 0, 2, 0, 0, 1, 0, 0>, scale = 1.0 : f64, source_kinds = array<i32: 0>}> ({}, {}, {}) : (tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>) -> tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c4_constant(%x: tensor<?x8x4x16xf32>) {
  // expected-error@+1 {{expected index 2 of query between 0 and its extent (4), found 4}}
  %o = attn.attention softmax scale(1.0)
    query %x[b, i, 4, d] : tensor<?x8x4x16xf32>
    source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>
    into %x[b, i, g, v] : tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c4_negative(%x: tensor<?x8x4x16xf32>) {
  // expected-error@+1 {{expected index 0 of query between 0 and its extent (?), found -1}}
  %o = attn.attention softmax scale(1.0)
    query %x[-1, i, g, d] : tensor<?x8x4x16xf32>
    source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>
    into %x[b, i, g, v] : tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c5_query(%x: tensor<?x8x4x16xf32>) {
  // expected-error@+1 {{expected query to be indexed by b, g, r, i, d only, found j}}
  %o = attn.attention softmax scale(1.0)
    query %x[b, j, g, d] : tensor<?x8x4x16xf32>
    source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>
    into %x[b, i, g, v] : tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c5_key(%x: tensor<?x8x4x16xf32>) {
  // expected-error@+1 {{expected key of source 0 to be indexed by b, g, r, j, d only, found i}}
  %o = attn.attention softmax scale(1.0)
    query %x[b, i, g, d] : tensor<?x8x4x16xf32>
    source %x[b, i, g, d], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>
    into %x[b, i, g, v] : tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c5_value(%x: tensor<?x8x4x16xf32>) {
  // expected-error@+1 {{expected value of source 0 to be indexed by b, g, r, j, v only, found d}}
  %o = attn.attention softmax scale(1.0)
    query %x[b, i, g, d] : tensor<?x8x4x16xf32>
    source %x[b, j, g, d], %x[b, j, g, d] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>
    into %x[b, i, g, v] : tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c5_positions(%x: tensor<?x8x4x16xf32>, %p: tensor<8x4xi32>) {
  // expected-error@+1 {{expected positions of query to be indexed by b, i only, found g}}
  %o = attn.attention softmax scale(1.0)
    query %x[b, i, g, d] : tensor<?x8x4x16xf32> positions %p[i, g] : tensor<8x4xi32>
    source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>
    into %x[b, i, g, v] : tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c5_source_positions(%x: tensor<?x8x4x16xf32>, %p: tensor<8xi32>) {
  // expected-error@+1 {{expected positions of source 0 to be indexed by b, j only, found i}}
  %o = attn.attention softmax scale(1.0)
    query %x[b, i, g, d] : tensor<?x8x4x16xf32>
    source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32> positions %p[i] : tensor<8xi32>
    into %x[b, i, g, v] : tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c5_valid(%x: tensor<?x8x4x16xf32>, %p: tensor<4xi32>) {
  // expected-error@+1 {{expected valid of source 0 to be indexed by b only, found g}}
  %o = attn.attention softmax scale(1.0)
    query %x[b, i, g, d] : tensor<?x8x4x16xf32>
    source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32> valid %p[g] : tensor<4xi32>
    into %x[b, i, g, v] : tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c5_pages(%x: tensor<?x8x4x16xf32>, %p: tensor<4x7xi32>, %n: index) {
  // expected-error@+1 {{expected pages of source 0 to be indexed by b only, found g}}
  %o = attn.attention softmax scale(1.0)
    query %x[b, i, g, d] : tensor<?x8x4x16xf32>
    source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32> valid %n pages %p[g] : tensor<4x7xi32>
    into %x[b, i, g, v] : tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c5_capture(%x: tensor<?x8x4x16xf32>, %p: tensor<16xf32>) {
  // expected-error@+1 {{expected capture 0 to be indexed by b, g, r, i, j only, found d}}
  %o = attn.attention softmax scale(1.0)
    query %x[b, i, g, d] : tensor<?x8x4x16xf32>
    source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>
    captures %p[d] : tensor<16xf32>
    into %x[b, i, g, v] : tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c5_sink(%x: tensor<?x8x4x16xf32>, %p: tensor<?xf32>) {
  // expected-error@+1 {{expected sink to be indexed by g, r only, found b}}
  %o = attn.attention softmax scale(1.0)
    query %x[b, i, g, d] : tensor<?x8x4x16xf32>
    source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>
    sink %p[b] : tensor<?xf32>
    into %x[b, i, g, v] : tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c5_output(%x: tensor<?x8x4x16xf32>) {
  // expected-error@+1 {{expected output to be indexed by b, g, r, i, v only, found d}}
  %o = attn.attention softmax scale(1.0)
    query %x[b, i, g, d] : tensor<?x8x4x16xf32>
    source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>
    into %x[b, i, g, d] : tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c5_lse(%x: tensor<?x8x4x16xf32>, %l: tensor<8x16xf32>) {
  // expected-error@+1 {{expected lse to be indexed by b, g, r, i only, found v}}
  %o:2 = attn.attention softmax scale(1.0)
    query %x[b, i, g, d] : tensor<?x8x4x16xf32>
    source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>
    into %x[b, i, g, v] : tensor<?x8x4x16xf32> lse %l[i, v] : tensor<8x16xf32>
  return
}

// -----

func.func @attention_c6_query(%x: tensor<?x8x4x16xf32>, %n: index, %p: tensor<8xi32>) {
  // expected-error@+1 {{expected offset or positions of query, found both}}
  %o = attn.attention softmax scale(1.0)
    query %x[b, i, g, d] : tensor<?x8x4x16xf32> offset %n positions %p[i] : tensor<8xi32>
    source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>
    into %x[b, i, g, v] : tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c6_source(%x: tensor<?x8x4x16xf32>, %n: index, %p: tensor<8xi32>) {
  // expected-error@+1 {{expected offset or positions of source 0, found both}}
  %o = attn.attention softmax scale(1.0)
    query %x[b, i, g, d] : tensor<?x8x4x16xf32>
    source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32> offset %n positions %p[j] : tensor<8xi32>
    into %x[b, i, g, v] : tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c7_valid(%x: tensor<?x8x4x16xf32>, %t: tensor<?x7xi32>) {
  // expected-error@+1 {{expected valid beside pages of source 0, found none}}
  %o = attn.attention softmax scale(1.0)
    query %x[b, i, g, d] : tensor<?x8x4x16xf32>
    source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32> pages %t[b] : tensor<?x7xi32>
    into %x[b, i, g, v] : tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c7_rows(%x: tensor<?x8x4x16xf32>, %t: tensor<?x7xi32>, %n: index, %o0: tensor<?xi32>) {
  // expected-error@+1 {{expected pages or rows of source 0, found both}}
  %o = attn.attention softmax scale(1.0)
    query %x[b, i, g, d] : tensor<?x8x4x16xf32>
    source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32> valid %n pages %t[b] : tensor<?x7xi32> rows %o0 : tensor<?xi32>
    into %x[b, i, g, v] : tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c7_batch(%x: tensor<?x8x4x16xf32>, %t: tensor<?x7xi32>, %n: index) {
  // expected-error@+1 {{expected paged key of source 0 to be indexed by b and j, found 0, j, g, d}}
  %o = attn.attention softmax scale(1.0)
    query %x[b, i, g, d] : tensor<?x8x4x16xf32>
    source %x[0, j, g, d], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32> valid %n pages %t[b] : tensor<?x7xi32>
    into %x[b, i, g, v] : tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c7_pages(%x: tensor<?x8x4x16xf32>, %t: tensor<?x7xi32>, %n: index, %k: tensor<32x8x4x16xf32>, %v: tensor<31x8x4x16xf32>) {
  // expected-error@+1 {{expected as many pages in value as in key of source 0 (32), found 31}}
  %o = attn.attention softmax scale(1.0)
    query %x[b, i, g, d] : tensor<?x8x4x16xf32>
    source %k[b, j, g, d], %v[b, j, g, v] : tensor<32x8x4x16xf32>, tensor<31x8x4x16xf32> valid %n pages %t[b] : tensor<?x7xi32>
    into %x[b, i, g, v] : tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c8_rank(%y: tensor<?x4x16xf32>, %o0: tensor<?x2xi32>) {
  // expected-error@+1 {{expected rows of query of rank 1, found rank 2}}
  %o = attn.attention softmax scale(1.0)
    query %y[i, g, d] : tensor<?x4x16xf32> rows %o0 : tensor<?x2xi32>
    source %y[j, g, d], %y[j, g, v] : tensor<?x4x16xf32>, tensor<?x4x16xf32>
    into %y[i, g, v] : tensor<?x4x16xf32>
  return
}

// -----

func.func @attention_c8_query(%x: tensor<?x8x4x16xf32>, %y: tensor<?x4x16xf32>, %o0: tensor<?xi32>) {
  // expected-error@+1 {{expected ragged query to be indexed by i, found 0, g, d}}
  %o = attn.attention softmax scale(1.0)
    query %y[0, g, d] : tensor<?x4x16xf32> rows %o0 : tensor<?xi32>
    source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>
    into %y[i, g, v] : tensor<?x4x16xf32>
  return
}

// -----

func.func @attention_c8_output(%x: tensor<?x8x4x16xf32>, %y: tensor<?x4x16xf32>, %o0: tensor<?xi32>) {
  // expected-error@+1 {{expected ragged output to be indexed by i, found 0, g, v}}
  %o = attn.attention softmax scale(1.0)
    query %y[i, g, d] : tensor<?x4x16xf32> rows %o0 : tensor<?xi32>
    source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>
    into %y[0, g, v] : tensor<?x4x16xf32>
  return
}

// -----

func.func @attention_c8_batch(%x: tensor<?x8x4x16xf32>, %y: tensor<?x4x16xf32>, %o0: tensor<?xi32>) {
  // expected-error@+1 {{expected output not to be indexed by b beside i, which rows of query divide, found b, i, g, v}}
  %o = attn.attention softmax scale(1.0)
    query %y[i, g, d] : tensor<?x4x16xf32> rows %o0 : tensor<?xi32>
    source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>
    into %x[b, i, g, v] : tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c8_source(%x: tensor<?x8x4x16xf32>, %y: tensor<?x4x16xf32>, %o0: tensor<?xi32>) {
  // expected-error@+1 {{expected value of source 0 not to be indexed by b beside j, which rows of source 0 divide, found b, j, g, v}}
  %o = attn.attention softmax scale(1.0)
    query %x[b, i, g, d] : tensor<?x8x4x16xf32>
    source %y[j, g, d], %x[b, j, g, v] : tensor<?x4x16xf32>, tensor<?x8x4x16xf32> rows %o0 : tensor<?xi32>
    into %x[b, i, g, v] : tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c8_valid(%x: tensor<?x8x4x16xf32>, %y: tensor<?x4x16xf32>, %o0: tensor<?xi32>, %n: index) {
  // expected-error@+1 {{expected valid or rows of source 0, found both}}
  %o = attn.attention softmax scale(1.0)
    query %x[b, i, g, d] : tensor<?x8x4x16xf32>
    source %y[j, g, d], %y[j, g, v] : tensor<?x4x16xf32>, tensor<?x4x16xf32> valid %n rows %o0 : tensor<?xi32>
    into %x[b, i, g, v] : tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c9(%x: tensor<?x8x4x16xf32>, %c: tensor<8xf32>) {
  // expected-error@+1 {{expected one source for capture 0, which is indexed by j, found 2}}
  %o = attn.attention softmax scale(1.0)
    query %x[b, i, g, d] : tensor<?x8x4x16xf32>
    source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>
    source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>
    captures %c[j] : tensor<8xf32>
    into %x[b, i, g, v] : tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c10_d(%x: tensor<?x8x4x16xf32>) {
  // expected-error@+1 {{expected d in both query and key of source 0, found it in query only}}
  %o = attn.attention softmax scale(1.0)
    query %x[b, i, g, d] : tensor<?x8x4x16xf32>
    source %x[b, j, g, 0], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>
    into %x[b, i, g, v] : tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c10_j(%x: tensor<?x8x4x16xf32>) {
  // expected-error@+1 {{expected j in both key of source 0 and value of source 0, found it in value of source 0 only}}
  %o = attn.attention softmax scale(1.0)
    query %x[b, i, g, d] : tensor<?x8x4x16xf32>
    source %x[b, 0, g, d], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>
    into %x[b, i, g, v] : tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c10_v(%x: tensor<?x8x4x16xf32>) {
  // expected-error@+1 {{expected v in both value of source 0 and output, found it in output only}}
  %o = attn.attention softmax scale(1.0)
    query %x[b, i, g, d] : tensor<?x8x4x16xf32>
    source %x[b, j, g, d], %x[b, j, g, 0] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>
    into %x[b, i, g, v] : tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c11_head(%x: tensor<?x8x4x16xf32>) {
  // expected-error@+1 {{expected output to be indexed by g as query is (extent 4), found b, i, 0, v}}
  %o = attn.attention softmax scale(1.0)
    query %x[b, i, g, d] : tensor<?x8x4x16xf32>
    source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>
    into %x[b, i, 0, v] : tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c11_batch(%x: tensor<?x8x4x16xf32>) {
  // expected-error@+1 {{expected output to be indexed by b as query is (extent ?), found 0, i, g, v}}
  %o = attn.attention softmax scale(1.0)
    query %x[b, i, g, d] : tensor<?x8x4x16xf32>
    source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>
    into %x[0, i, g, v] : tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c11_capture(%x: tensor<?x8x4x16xf32>, %c: tensor<4x2xf32>) {
  // expected-error@+1 {{expected output to be indexed by r as capture 0 is (extent 2), found b, i, g, v}}
  %o = attn.attention softmax scale(1.0)
    query %x[b, i, g, d] : tensor<?x8x4x16xf32>
    source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>
    captures %c[g, r] : tensor<4x2xf32>
    into %x[b, i, g, v] : tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c11_rows(%x: tensor<?x8x4x16xf32>, %y: tensor<?x4x16xf32>, %o0: tensor<?xi32>) {
  // expected-error@+1 {{expected output to be indexed by b as rows of source 0 is (extent ?), found i, g, v}}
  %o = attn.attention softmax scale(1.0)
    query %y[i, g, d] : tensor<?x4x16xf32>
    source %y[j, g, d], %y[j, g, v] : tensor<?x4x16xf32>, tensor<?x4x16xf32> rows %o0 : tensor<?xi32>
    into %y[i, g, v] : tensor<?x4x16xf32>
  return
}

// -----

func.func @attention_c11_lse(%x: tensor<?x8x4x16xf32>, %l: tensor<?x8xf32>) {
  // expected-error@+1 {{expected lse to be indexed by the dimensions of output but v (b, i, g, v), found b, i}}
  %o:2 = attn.attention softmax scale(1.0)
    query %x[b, i, g, d] : tensor<?x8x4x16xf32>
    source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>
    into %x[b, i, g, v] : tensor<?x8x4x16xf32> lse %l[b, i] : tensor<?x8xf32>
  return
}

// -----

func.func @attention_c12_d(%x: tensor<?x8x4x16xf32>, %k: tensor<?x8x4x32xf32>) {
  // expected-error@+1 {{expected extent of d in key of source 0 to be that in query (16), found 32}}
  %o = attn.attention softmax scale(1.0)
    query %x[b, i, g, d] : tensor<?x8x4x16xf32>
    source %k[b, j, g, d], %x[b, j, g, v] : tensor<?x8x4x32xf32>, tensor<?x8x4x16xf32>
    into %x[b, i, g, v] : tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c12_g(%x: tensor<?x8x4x16xf32>, %k: tensor<?x8x3x16xf32>) {
  // expected-error@+1 {{expected extent of g in key of source 0 to be that in query (4), found 3}}
  %o = attn.attention softmax scale(1.0)
    query %x[b, i, g, d] : tensor<?x8x4x16xf32>
    source %k[b, j, g, d], %k[b, j, g, v] : tensor<?x8x3x16xf32>, tensor<?x8x3x16xf32>
    into %x[b, i, g, v] : tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c12_j(%x: tensor<?x8x4x16xf32>, %k: tensor<?x9x4x16xf32>) {
  // expected-error@+1 {{expected extent of j in value of source 1 to be that in key of source 1 (9), found 8}}
  %o = attn.attention softmax scale(1.0)
    query %x[b, i, g, d] : tensor<?x8x4x16xf32>
    source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>
    source %k[b, j, g, d], %x[b, j, g, v] : tensor<?x9x4x16xf32>, tensor<?x8x4x16xf32>
    into %x[b, i, g, v] : tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c12_pages(%x: tensor<?x8x4x16xf32>, %t: tensor<?x7xi32>, %n: index, %p: tensor<55xi32>) {
  // expected-error@+1 {{expected extent of j in positions of source 0 to be that in key of source 0 (56), found 55}}
  %o = attn.attention softmax scale(1.0)
    query %x[b, i, g, d] : tensor<?x8x4x16xf32>
    source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32> positions %p[j] : tensor<55xi32> valid %n pages %t[b] : tensor<?x7xi32>
    into %x[b, i, g, v] : tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c12_rows(%x: tensor<?x8x4x16xf32>, %y: tensor<?x4x16xf32>, %o0: tensor<3xi32>, %c: tensor<3xf32>) {
  // expected-error@+1 {{expected extent of b in capture 0 to be that in rows of query (2), found 3}}
  %o = attn.attention softmax scale(1.0)
    query %y[i, g, d] : tensor<?x4x16xf32> rows %o0 : tensor<3xi32>
    source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>
    captures %c[b] : tensor<3xf32>
    into %y[i, g, v] : tensor<?x4x16xf32>
  return
}

// -----

func.func @attention_c13_sink(%x: tensor<?x8x4x16xf32>, %s: tensor<4xf32>) {
  // expected-error@+1 {{expected softmax for sink, found sigmoid}}
  %o = attn.attention sigmoid scale(1.0)
    query %x[b, i, g, d] : tensor<?x8x4x16xf32>
    source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>
    sink %s[g] : tensor<4xf32>
    into %x[b, i, g, v] : tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c13_lse(%x: tensor<?x8x4x16xf32>, %l: tensor<?x8x4xf32>) {
  // expected-error@+1 {{expected softmax for lse, found identity}}
  %o:2 = attn.attention identity scale(1.0)
    query %x[b, i, g, d] : tensor<?x8x4x16xf32>
    source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>
    into %x[b, i, g, v] : tensor<?x8x4x16xf32> lse %l[b, i, g] : tensor<?x8x4xf32>
  return
}

// -----

func.func @attention_c13_entropy(%x: tensor<?x8x4x16xf32>, %l: tensor<?x8x4xf32>) {
  // expected-error@+1 {{expected softmax for entropy, found sigmoid_sum}}
  %o:2 = attn.attention sigmoid_sum scale(1.0)
    query %x[b, i, g, d] : tensor<?x8x4x16xf32>
    source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>
    into %x[b, i, g, v] : tensor<?x8x4x16xf32> entropy %l[b, i, g] : tensor<?x8x4xf32>
  return
}

// -----

func.func @attention_c14(%x: tensor<?x8x4x16xf32>) {
  // expected-error@+1 {{expected a finite scale, found}}
  %o = attn.attention softmax scale(0x7FF0000000000000)
    query %x[b, i, g, d] : tensor<?x8x4x16xf32>
    source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>
    into %x[b, i, g, v] : tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c15_blocks(%x: tensor<?x8x4x16xf32>) {
  // expected-error@+1 {{expected one block in the score region, found 2}}
  %o = "attn.attention"(%x, %x, %x, %x) <{indexing_maps = [affine_map<(b, g, r, i, j, d, v) -> (b, i, g, d)>, affine_map<(b, g, r, i, j, d, v) -> (b, j, g, d)>, affine_map<(b, g, r, i, j, d, v) -> (b, j, g, v)>, affine_map<(b, g, r, i, j, d, v) -> (b, i, g, v)>], normalizer = #attn<normalizer softmax>,
    operandSegmentSizes = array<i32: 1, 0, 0, 0, 2, 0, 0, 1, 0, 0>, scale = 1.0 : f64, source_kinds = array<i32: 0>}> ({
  ^bb0(%s: f32, %b: index, %h: index, %i: index, %j: index, %n: index):
    cf.br ^bb1
  ^bb1:
    attn.yield %s : f32
  }, {}, {}) : (tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>) -> tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c15_count(%x: tensor<?x8x4x16xf32>, %c: tensor<2xf32>) {
  // expected-error@+1 {{expected 7 arguments of the score region, found 6}}
  %o = "attn.attention"(%x, %x, %x, %c, %x) <{indexing_maps = [affine_map<(b, g, r, i, j, d, v) -> (b, i, g, d)>, affine_map<(b, g, r, i, j, d, v) -> (b, j, g, d)>, affine_map<(b, g, r, i, j, d, v) -> (b, j, g, v)>, affine_map<(b, g, r, i, j, d, v) -> ()>, affine_map<(b, g, r, i, j, d, v) -> (b, i, g, v)>], normalizer = #attn<normalizer softmax>,
    operandSegmentSizes = array<i32: 1, 0, 0, 0, 2, 1, 0, 1, 0, 0>, scale = 1.0 : f64, source_kinds = array<i32: 0>}> ({
  ^bb0(%s: f32, %b: index, %h: index, %i: index, %j: index, %n: index):
    attn.yield %s : f32
  }, {}, {}) : (tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>, tensor<2xf32>, tensor<?x8x4x16xf32>) -> tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c15_type(%x: tensor<?x8x4x16xf32>, %c: tensor<2xf32>) {
  // expected-error@+1 {{expected argument 6 of the post region to be 'tensor<2xf32>', found 'f32'}}
  %o = "attn.attention"(%x, %x, %x, %c, %x) <{indexing_maps = [affine_map<(b, g, r, i, j, d, v) -> (b, i, g, d)>, affine_map<(b, g, r, i, j, d, v) -> (b, j, g, d)>, affine_map<(b, g, r, i, j, d, v) -> (b, j, g, v)>, affine_map<(b, g, r, i, j, d, v) -> ()>, affine_map<(b, g, r, i, j, d, v) -> (b, i, g, v)>], normalizer = #attn<normalizer softmax>,
    operandSegmentSizes = array<i32: 1, 0, 0, 0, 2, 1, 0, 1, 0, 0>, scale = 1.0 : f64, source_kinds = array<i32: 0>}> ({}, {}, {
  ^bb0(%s: f32, %b: index, %h: index, %i: index, %j: index, %n: index, %e: f32):
    attn.yield %s : f32
  }) : (tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>, tensor<2xf32>, tensor<?x8x4x16xf32>) -> tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c15_source(%x: tensor<?x8x4x16xf32>, %c: f32) {
  // expected-error@+1 {{expected argument 5 of the mask of source 0 to be 'f32', found 'i1'}}
  %o = attn.attention softmax scale(1.0)
    query %x[b, i, g, d] : tensor<?x8x4x16xf32>
    source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32> mask(%b, %h, %i, %j, %n, %e: i1) {
      attn.yield %e : i1
    }
    captures %c : f32
    into %x[b, i, g, v] : tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c16_terminator(%x: tensor<?x8x4x16xf32>) {
  // expected-error@+1 {{expected attn.yield at the end of the score region, found llvm.unreachable}}
  %o = "attn.attention"(%x, %x, %x, %x) <{indexing_maps = [affine_map<(b, g, r, i, j, d, v) -> (b, i, g, d)>, affine_map<(b, g, r, i, j, d, v) -> (b, j, g, d)>, affine_map<(b, g, r, i, j, d, v) -> (b, j, g, v)>, affine_map<(b, g, r, i, j, d, v) -> (b, i, g, v)>], normalizer = #attn<normalizer softmax>,
    operandSegmentSizes = array<i32: 1, 0, 0, 0, 2, 0, 0, 1, 0, 0>, scale = 1.0 : f64, source_kinds = array<i32: 0>}> ({
  ^bb0(%s: f32, %b: index, %h: index, %i: index, %j: index, %n: index):
    llvm.unreachable
  }, {}, {}) : (tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>) -> tensor<?x8x4x16xf32>
  return
}

// -----

func.func @attention_c16_none(%x: tensor<?x8x4x16xf32>) {
  // expected-error@+1 {{expected the score region to yield one value, found 0}}
  %o = attn.attention softmax scale(1.0)
    query %x[b, i, g, d] : tensor<?x8x4x16xf32>
    source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>
    into %x[b, i, g, v] : tensor<?x8x4x16xf32>
    score(%s, %b, %h, %i, %j, %n) {
      attn.yield
    }
  return
}

// -----

func.func @attention_c16_score(%x: tensor<?x8x4x16xf32>) {
  // expected-error@+1 {{expected the score region to yield 'f32', found 'index'}}
  %o = attn.attention softmax scale(1.0)
    query %x[b, i, g, d] : tensor<?x8x4x16xf32>
    source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>
    into %x[b, i, g, v] : tensor<?x8x4x16xf32>
    score(%s, %b, %h, %i, %j, %n) {
      attn.yield %i : index
    }
  return
}

// -----

func.func @attention_c16_mask(%x: tensor<?x8x4x16xf32>) {
  // expected-error@+1 {{expected the mask region to yield 'i1', found 'index'}}
  %o = attn.attention softmax scale(1.0)
    query %x[b, i, g, d] : tensor<?x8x4x16xf32>
    source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>
    into %x[b, i, g, v] : tensor<?x8x4x16xf32>
    mask(%b, %h, %i, %j, %n) {
      attn.yield %i : index
    }
  return
}

// -----

func.func @attention_c17(%x: tensor<?x8x4x16xf32>) {
  // expected-error@+1 {{expected ops without memory effects in the mask region, found func.call}}
  %o = attn.attention softmax scale(1.0)
    query %x[b, i, g, d] : tensor<?x8x4x16xf32>
    source %x[b, j, g, d], %x[b, j, g, v] : tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>
    into %x[b, i, g, v] : tensor<?x8x4x16xf32>
    mask(%b, %h, %i, %j, %n) {
      %t = func.call @visible(%i) : (index) -> i1
      attn.yield %t : i1
    }
  return
}

func.func private @visible(index) -> i1

// -----

func.func @attention_c18_type(%x: tensor<?x8x4x16xf32>) {
  // expected-error@+1 {{expected type of operand #3}}
  %o = "attn.attention"(%x, %x, %x, %x) <{indexing_maps = [affine_map<(b, g, r, i, j, d, v) -> (b, i, g, d)>, affine_map<(b, g, r, i, j, d, v) -> (b, j, g, d)>, affine_map<(b, g, r, i, j, d, v) -> (b, j, g, v)>, affine_map<(b, g, r, i, j, d, v) -> (b, i, g, v)>], normalizer = #attn<normalizer softmax>,
    operandSegmentSizes = array<i32: 1, 0, 0, 0, 2, 0, 0, 1, 0, 0>, scale = 1.0 : f64, source_kinds = array<i32: 0>}> ({}, {}, {}) : (tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>) -> tensor<?x8x4x17xf32>
  return
}

// -----

func.func @attention_c18_count(%x: tensor<?x8x4x16xf32>) {
  // expected-error@+1 {{expected the number of tensor results (2) to be equal to the number of output tensors (1)}}
  %o:2 = "attn.attention"(%x, %x, %x, %x) <{indexing_maps = [affine_map<(b, g, r, i, j, d, v) -> (b, i, g, d)>, affine_map<(b, g, r, i, j, d, v) -> (b, j, g, d)>, affine_map<(b, g, r, i, j, d, v) -> (b, j, g, v)>, affine_map<(b, g, r, i, j, d, v) -> (b, i, g, v)>], normalizer = #attn<normalizer softmax>,
    operandSegmentSizes = array<i32: 1, 0, 0, 0, 2, 0, 0, 1, 0, 0>, scale = 1.0 : f64, source_kinds = array<i32: 0>}> ({}, {}, {}) : (tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>) -> (tensor<?x8x4x16xf32>, tensor<?x8x4x16xf32>)
  return
}

// -----

func.func @yield_parent(%x: f32) {
  // expected-error@+1 {{expects parent op 'attn.attention'}}
  attn.yield %x : f32
}
