// RUN: attnc-opt %s --attnc-import-phase --attnc-raise-phase | FileCheck %s

// A layer with a sigmoid between two products by weights stays a layer; the same with keys and values that are computed is attention.

#tf = affine_map<(t, f, d) -> (t, f)>
#td = affine_map<(t, f, d) -> (t, d)>
#fd = affine_map<(t, f, d) -> (f, d)>
#id = affine_map<(t, f) -> (t, f)>
#out = affine_map<(t, d, f) -> (t, d)>
#of = affine_map<(t, d, f) -> (t, f)>
#ov = affine_map<(t, d, f) -> (f, d)>

ml_program.global private @up(#ml_program.extern : tensor<16x8xf32>) : tensor<16x8xf32>
ml_program.global private @down(#ml_program.extern : tensor<16x8xf32>) : tensor<16x8xf32>

// CHECK-LABEL: func.func @layer(
// CHECK-NOT: attn.attention
// CHECK: return
func.func @layer(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %k = ml_program.global_load_const @up : tensor<16x8xf32>
  %v = ml_program.global_load_const @down : tensor<16x8xf32>
  %y = func.call @sigmoid_between(%x, %k, %v) : (tensor<4x8xf32>, tensor<16x8xf32>, tensor<16x8xf32>) -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// CHECK-LABEL: func.func @attention(
// CHECK: attn.attention sigmoid
func.func @attention(%x: tensor<4x8xf32>, %k: tensor<16x8xf32>, %v: tensor<16x8xf32>) -> tensor<4x8xf32> {
  %y = func.call @sigmoid_between(%x, %k, %v) : (tensor<4x8xf32>, tensor<16x8xf32>, tensor<16x8xf32>) -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

func.func private @sigmoid_between(%x: tensor<4x8xf32>, %k: tensor<16x8xf32>, %v: tensor<16x8xf32>) -> tensor<4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %e = tensor.empty() : tensor<4x16xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<4x16xf32>) -> tensor<4x16xf32>
  %s = linalg.contract indexing_maps = [#td, #fd, #tf] ins(%x, %k : tensor<4x8xf32>, tensor<16x8xf32>) outs(%z : tensor<4x16xf32>) -> tensor<4x16xf32>
  %w = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%s : tensor<4x16xf32>) outs(%e : tensor<4x16xf32>) {
  ^bb0(%a: f32, %o: f32):
    %n = arith.negf %a : f32
    %p = math.exp %n : f32
    %d = arith.addf %p, %one : f32
    %g = arith.divf %one, %d : f32
    linalg.yield %g : f32
  } -> tensor<4x16xf32>
  %f = tensor.empty() : tensor<4x8xf32>
  %u = linalg.fill ins(%zero : f32) outs(%f : tensor<4x8xf32>) -> tensor<4x8xf32>
  %y = linalg.contract indexing_maps = [#of, #ov, #out] ins(%w, %v : tensor<4x16xf32>, tensor<16x8xf32>) outs(%u : tensor<4x8xf32>) -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}
