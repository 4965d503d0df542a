// RUN: attnc-opt %s --attnc-prepare-weights --split-input-file | FileCheck %s --implicit-check-not=attnc.prepare

// A view and a slice of a weight cost nothing where they are read.
// CHECK-LABEL: func.func @views(
// CHECK: tensor.collapse_shape
// CHECK: tensor.extract_slice
ml_program.global private @w(#ml_program.extern : tensor<4x6xf32>) : tensor<4x6xf32>
func.func @views(%x: tensor<24xf32>, %y: tensor<2x6xf32>) -> (tensor<24xf32>, tensor<2x6xf32>) {
  %w = ml_program.global_load_const @w : tensor<4x6xf32>
  %c = tensor.collapse_shape %w [[0, 1]] : tensor<4x6xf32> into tensor<24xf32>
  %s = tensor.extract_slice %w[1, 0] [2, 6] [1, 1] : tensor<4x6xf32> to tensor<2x6xf32>
  %a = linalg.add ins(%x, %c : tensor<24xf32>, tensor<24xf32>) outs(%x : tensor<24xf32>) -> tensor<24xf32>
  %b = linalg.add ins(%y, %s : tensor<2x6xf32>, tensor<2x6xf32>) outs(%y : tensor<2x6xf32>) -> tensor<2x6xf32>
  return %a, %b : tensor<24xf32>, tensor<2x6xf32>
}

// -----

// A broadcast, spelt either way.
// CHECK-LABEL: func.func @broadcasts(
// CHECK: linalg.broadcast
// CHECK: linalg.generic
ml_program.global private @g(#ml_program.extern : tensor<6xf32>) : tensor<6xf32>
func.func @broadcasts(%x: tensor<4x6xf32>) -> (tensor<4x6xf32>, tensor<4x6xf32>) {
  %g = ml_program.global_load_const @g : tensor<6xf32>
  %e = tensor.empty() : tensor<4x6xf32>
  %b = linalg.broadcast ins(%g : tensor<6xf32>) outs(%e : tensor<4x6xf32>) dimensions = [0]
  %c = linalg.generic {indexing_maps = [affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]} ins(%g : tensor<6xf32>) outs(%e : tensor<4x6xf32>) {
  ^bb0(%a: f32, %o: f32):
    linalg.yield %a : f32
  } -> tensor<4x6xf32>
  %y = linalg.add ins(%x, %b : tensor<4x6xf32>, tensor<4x6xf32>) outs(%e : tensor<4x6xf32>) -> tensor<4x6xf32>
  %z = linalg.mul ins(%x, %c : tensor<4x6xf32>, tensor<4x6xf32>) outs(%e : tensor<4x6xf32>) -> tensor<4x6xf32>
  return %y, %z : tensor<4x6xf32>, tensor<4x6xf32>
}

// -----

// Much larger than what it is made from: an outer product.
// CHECK-LABEL: func.func @outer(
// CHECK: linalg.generic
ml_program.global private @g(#ml_program.extern : tensor<1024xf32>) : tensor<1024xf32>
func.func @outer(%x: tensor<1024x1024xf32>) -> tensor<1024x1024xf32> {
  %g = ml_program.global_load_const @g : tensor<1024xf32>
  %e = tensor.empty() : tensor<1024x1024xf32>
  %o = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%g, %g : tensor<1024xf32>, tensor<1024xf32>) outs(%e : tensor<1024x1024xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %m = arith.mulf %a, %b : f32
    linalg.yield %m : f32
  } -> tensor<1024x1024xf32>
  %y = linalg.add ins(%x, %o : tensor<1024x1024xf32>, tensor<1024x1024xf32>) outs(%e : tensor<1024x1024xf32>) -> tensor<1024x1024xf32>
  return %y : tensor<1024x1024xf32>
}

// -----

// What the entry writes over would be copied in each call.
// CHECK-LABEL: func.func @destination(
// CHECK: linalg.exp
ml_program.global private @w(#ml_program.extern : tensor<4x6xf32>) : tensor<4x6xf32>
func.func @destination(%x: tensor<6xf32>) -> tensor<4x6xf32> {
  %w = ml_program.global_load_const @w : tensor<4x6xf32>
  %e = tensor.empty() : tensor<4x6xf32>
  %t = linalg.exp ins(%w : tensor<4x6xf32>) outs(%e : tensor<4x6xf32>) -> tensor<4x6xf32>
  %y = tensor.insert_slice %x into %t[2, 0] [1, 6] [1, 1] : tensor<6xf32> into tensor<4x6xf32>
  return %y : tensor<4x6xf32>
}

// -----

// Constants alone, an input, a dynamic size: none of them is a weight.
// CHECK-LABEL: func.func @others(
// CHECK: linalg.exp
// CHECK: linalg.mul
// CHECK: linalg.generic
ml_program.global private @w(#ml_program.extern : tensor<6xf32>) : tensor<6xf32>
func.func @others(%x: tensor<6xf32>, %n: index) -> (tensor<6xf32>, tensor<6xf32>, tensor<?x6xf32>) {
  %w = ml_program.global_load_const @w : tensor<6xf32>
  %c = arith.constant dense<[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]> : tensor<6xf32>
  %e = tensor.empty() : tensor<6xf32>
  %a = linalg.exp ins(%c : tensor<6xf32>) outs(%e : tensor<6xf32>) -> tensor<6xf32>
  %b = linalg.mul ins(%x, %w : tensor<6xf32>, tensor<6xf32>) outs(%e : tensor<6xf32>) -> tensor<6xf32>
  %de = tensor.empty(%n) : tensor<?x6xf32>
  %d = linalg.generic {indexing_maps = [affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]} ins(%w : tensor<6xf32>) outs(%de : tensor<?x6xf32>) {
  ^bb0(%v: f32, %o: f32):
    %m = math.exp %v : f32
    linalg.yield %m : f32
  } -> tensor<?x6xf32>
  return %a, %b, %d : tensor<6xf32>, tensor<6xf32>, tensor<?x6xf32>
}

// -----

// In a branch that may not run, a division that may trap stays; in an initial state, which is made once a session, everything.
// CHECK-LABEL: func.func @branch(
// CHECK: linalg.generic
// CHECK-LABEL: func.func @begin(
// CHECK: linalg.exp
ml_program.global private @n(#ml_program.extern : tensor<6xi32>) : tensor<6xi32>
ml_program.global private @w(#ml_program.extern : tensor<6xf32>) : tensor<6xf32>
func.func @branch(%which: i1, %x: tensor<6xi32>, %s: tensor<6xf32> {attnc.state = "s", attnc.init = @begin}) -> (tensor<6xi32>, tensor<6xf32> {attnc.state = "s"}) {
  %c7 = arith.constant 7 : i32
  %r = scf.if %which -> tensor<6xi32> {
    %n = ml_program.global_load_const @n : tensor<6xi32>
    %e = tensor.empty() : tensor<6xi32>
    %d = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]} ins(%n : tensor<6xi32>) outs(%e : tensor<6xi32>) {
    ^bb0(%v: i32, %o: i32):
      %q = arith.divsi %c7, %v : i32
      linalg.yield %q : i32
    } -> tensor<6xi32>
    scf.yield %d : tensor<6xi32>
  } else {
    scf.yield %x : tensor<6xi32>
  }
  return %r, %s : tensor<6xi32>, tensor<6xf32>
}
func.func @begin() -> tensor<6xf32> {
  %w = ml_program.global_load_const @w : tensor<6xf32>
  %e = tensor.empty() : tensor<6xf32>
  %a = linalg.exp ins(%w : tensor<6xf32>) outs(%e : tensor<6xf32>) -> tensor<6xf32>
  return %a : tensor<6xf32>
}
