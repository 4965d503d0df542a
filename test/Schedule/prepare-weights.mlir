// RUN: attnc-opt %s --attnc-prepare-weights --split-input-file | FileCheck %s

// The last tensor of a chain that depends on weights alone is a weight; what it was made of is read no more. Two layers
// share the function that makes it.
// CHECK-DAG: ml_program.global private @[[P:"layer.0.w\+1:pack16"]]({{.*}}) : tensor<2x16x16xf32> {attnc.prepared = {by = @[[F:prepare_pack16]], from = ["layer.0.w", "layer.0.g"]}}
// CHECK-DAG: ml_program.global private @[[Q:"layer.1.w\+1:pack16"]]({{.*}}) : tensor<2x16x16xf32> {attnc.prepared = {by = @[[F]], from = ["layer.1.w", "layer.1.g"]}}
// CHECK-LABEL: func.func @layers(
// CHECK-NOT: linalg.generic
// CHECK: %[[A:.*]] = ml_program.global_load_const @[[P]] : tensor<2x16x16xf32>
// CHECK: %[[B:.*]] = ml_program.global_load_const @[[Q]] : tensor<2x16x16xf32>
// CHECK: linalg.add ins(%[[A]], %arg0 :
// CHECK: linalg.add ins(%[[B]], %arg0 :
// CHECK: func.func @[[F]](%[[W:.*]]: tensor<24x16xf32> {attnc.name = "weight0"}, %[[G:.*]]: tensor<16xf32> {attnc.name = "weight1"}) -> tensor<2x16x16xf32> attributes {attnc.prepare}
// CHECK: %[[S:.*]] = linalg.generic {{.*}} ins(%[[W]], %[[G]] :
// CHECK: linalg.fill
// CHECK: tensor.insert_slice %[[S]]
// CHECK: linalg.transpose
// CHECK: return
// CHECK-NOT: func.func @prepare
ml_program.global private @layer.0.w(#ml_program.extern : tensor<24x16xf32>) : tensor<24x16xf32>
ml_program.global private @layer.0.g(#ml_program.extern : tensor<16xf32>) : tensor<16xf32>
ml_program.global private @layer.1.w(#ml_program.extern : tensor<24x16xf32>) : tensor<24x16xf32>
ml_program.global private @layer.1.g(#ml_program.extern : tensor<16xf32>) : tensor<16xf32>
#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
#turned = affine_map<(i, j) -> (j, i)>
func.func @layers(%x: tensor<2x16x16xf32>, %y: tensor<2x16x16xf32>) -> (tensor<2x16x16xf32>, tensor<2x16x16xf32>) {
  %zero = arith.constant 0.0 : f32
  %w0 = ml_program.global_load_const @layer.0.w : tensor<24x16xf32>
  %g0 = ml_program.global_load_const @layer.0.g : tensor<16xf32>
  %w1 = ml_program.global_load_const @layer.1.w : tensor<24x16xf32>
  %g1 = ml_program.global_load_const @layer.1.g : tensor<16xf32>
  %e = tensor.empty() : tensor<16x24xf32>
  %s0 = linalg.generic {indexing_maps = [#turned, #row, #id], iterator_types = ["parallel", "parallel"]} ins(%w0, %g0 : tensor<24x16xf32>, tensor<16xf32>) outs(%e : tensor<16x24xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %m = arith.mulf %a, %b : f32
    linalg.yield %m : f32
  } -> tensor<16x24xf32>
  %s1 = linalg.generic {indexing_maps = [#turned, #row, #id], iterator_types = ["parallel", "parallel"]} ins(%w1, %g1 : tensor<24x16xf32>, tensor<16xf32>) outs(%e : tensor<16x24xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %m = arith.mulf %a, %b : f32
    linalg.yield %m : f32
  } -> tensor<16x24xf32>
  %pe = tensor.empty() : tensor<2x16x16xf32>
  %p0 = linalg.pack %s0 padding_value(%zero : f32) outer_dims_perm = [1, 0] inner_dims_pos = [1] inner_tiles = [16] into %pe : tensor<16x24xf32> -> tensor<2x16x16xf32>
  %p1 = linalg.pack %s1 padding_value(%zero : f32) outer_dims_perm = [1, 0] inner_dims_pos = [1] inner_tiles = [16] into %pe : tensor<16x24xf32> -> tensor<2x16x16xf32>
  %r0 = linalg.add ins(%p0, %x : tensor<2x16x16xf32>, tensor<2x16x16xf32>) outs(%pe : tensor<2x16x16xf32>) -> tensor<2x16x16xf32>
  %r1 = linalg.add ins(%p1, %x : tensor<2x16x16xf32>, tensor<2x16x16xf32>) outs(%pe : tensor<2x16x16xf32>) -> tensor<2x16x16xf32>
  return %r0, %r1 : tensor<2x16x16xf32>, tensor<2x16x16xf32>
}

// -----

// In the body of a loop, too, and what several entries compute is one weight. A view of it stays, and so does the unpack that the
// kernel reads through.
// CHECK-DAG: ml_program.global private @[[P:"w:transpose"]]
// CHECK-DAG: ml_program.global private @[[Q:"w:pack8"]]
// CHECK-LABEL: func.func @turns(
// CHECK: scf.for
// CHECK: %[[W:.*]] = ml_program.global_load_const @[[P]] : tensor<16x24xf32>
// CHECK: tensor.expand_shape %[[W]]
// CHECK: scf.yield
// CHECK-LABEL: func.func @once(
// CHECK: ml_program.global_load_const @[[P]] : tensor<16x24xf32>
// CHECK: %[[U:.*]] = ml_program.global_load_const @[[Q]]
// CHECK: linalg.unpack %[[U]]
// CHECK-NOT: linalg.transpose
// CHECK: func.func @prepare_transpose(
// CHECK: func.func @prepare_pack8(
// CHECK-NOT: func.func @prepare
ml_program.global private @w(#ml_program.extern : tensor<24x16xf32>) : tensor<24x16xf32>
func.func @turns(%x: tensor<16x4x6xf32>, %n: index) -> tensor<16x4x6xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %y = scf.for %i = %c0 to %n step %c1 iter_args(%acc = %x) -> tensor<16x4x6xf32> {
    %w = ml_program.global_load_const @w : tensor<24x16xf32>
    %e = tensor.empty() : tensor<16x24xf32>
    %t = linalg.transpose ins(%w : tensor<24x16xf32>) outs(%e : tensor<16x24xf32>) permutation = [1, 0]
    %v = tensor.expand_shape %t [[0], [1, 2]] output_shape [16, 4, 6] : tensor<16x24xf32> into tensor<16x4x6xf32>
    %s = linalg.add ins(%acc, %v : tensor<16x4x6xf32>, tensor<16x4x6xf32>) outs(%acc : tensor<16x4x6xf32>) -> tensor<16x4x6xf32>
    scf.yield %s : tensor<16x4x6xf32>
  }
  return %y : tensor<16x4x6xf32>
}
func.func @once(%x: tensor<16x24xf32>, %y: tensor<24x16xf32>) -> (tensor<16x24xf32>, tensor<24x16xf32>) {
  %w = ml_program.global_load_const @w : tensor<24x16xf32>
  %e = tensor.empty() : tensor<16x24xf32>
  %t = linalg.transpose ins(%w : tensor<24x16xf32>) outs(%e : tensor<16x24xf32>) permutation = [1, 0]
  %a = linalg.add ins(%t, %x : tensor<16x24xf32>, tensor<16x24xf32>) outs(%e : tensor<16x24xf32>) -> tensor<16x24xf32>
  %pe = tensor.empty() : tensor<24x2x8xf32>
  %p = linalg.pack %w inner_dims_pos = [1] inner_tiles = [8] into %pe : tensor<24x16xf32> -> tensor<24x2x8xf32>
  %ue = tensor.empty() : tensor<24x16xf32>
  %u = linalg.unpack %p inner_dims_pos = [1] inner_tiles = [8] into %ue : tensor<24x2x8xf32> -> tensor<24x16xf32>
  %b = linalg.add ins(%u, %y : tensor<24x16xf32>, tensor<24x16xf32>) outs(%ue : tensor<24x16xf32>) -> tensor<24x16xf32>
  return %a, %b : tensor<16x24xf32>, tensor<24x16xf32>
}

// -----

// A gather from a table at indices that are a weight: it would be the same in every call, and the entry runs it in any case.
// CHECK: ml_program.global private @"table+1:gather_rows"
// CHECK-LABEL: func.func @bias(
// CHECK-NOT: attn.gather_rows
// CHECK: func.func @prepare_gather_rows(
// CHECK: attn.gather_rows
ml_program.global private @table(#ml_program.extern : tensor<32x4xf32>) : tensor<32x4xf32>
ml_program.global private @where(#ml_program.extern : tensor<64xi32>) : tensor<64xi32>
func.func @bias(%x: tensor<64x4xf32>) -> tensor<64x4xf32> {
  %table = ml_program.global_load_const @table : tensor<32x4xf32>
  %where = ml_program.global_load_const @where : tensor<64xi32>
  %rows = attn.gather_rows %table[%where] : tensor<32x4xf32>, tensor<64xi32> -> tensor<64x4xf32>
  %e = tensor.empty() : tensor<64x4xf32>
  %y = linalg.add ins(%x, %rows : tensor<64x4xf32>, tensor<64x4xf32>) outs(%e : tensor<64x4xf32>) -> tensor<64x4xf32>
  return %y : tensor<64x4xf32>
}
