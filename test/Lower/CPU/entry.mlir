// An entry with a loop, from tensors to a shared object, called as the runtime calls it.
// RUN: attnc-opt %s --attnc-import-phase --attnc-schedule-phase --attnc-plan-phase --attnc-lower-phase -o %t.mlir
// RUN: mlir-translate %t.mlir --mlir-to-llvmir -o %t.ll
// RUN: clang -O2 -fPIC -shared -nostdlib -Wno-override-module %t.ll -o %t.so
// RUN: %python %S/Inputs/entry.py %t.so | FileCheck %s
// CHECK: step limit: 2 2
// CHECK: cancelled: 1 1
// CHECK: equal to NumPy
#x = affine_map<(t, n, k) -> (t, k)>
#w = affine_map<(t, n, k) -> (n, k)>
#y = affine_map<(t, n, k) -> (t, n)>
ml_program.global private @"w"(#ml_program.extern : tensor<8x8xf32>) : tensor<8x8xf32>
func.func @main(%x: tensor<?x8xf32> {attnc.name = "x", attnc.dims = ["T"]}, %n: index {attnc.name = "n"})
    -> (tensor<?x8xf32> {attnc.name = "y", attnc.dims = ["T"]}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %w = ml_program.global_load_const @"w" : tensor<8x8xf32>
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%a = %x) -> tensor<?x8xf32> {
    %t = tensor.dim %a, %c0 : tensor<?x8xf32>
    %e = tensor.empty(%t) : tensor<?x8xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
    %b = linalg.contract indexing_maps = [#x, #w, #y] ins(%a, %w : tensor<?x8xf32>, tensor<8x8xf32>) outs(%f : tensor<?x8xf32>) -> tensor<?x8xf32>
    scf.yield %b : tensor<?x8xf32>
  }
  return %r : tensor<?x8xf32>
}
