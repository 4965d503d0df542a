// RUN: attnc-opt %s --load-pass-plugin=%plugin --pass-pipeline='builtin.module(example-cap-loops{steps=4})' | FileCheck %s
// RUN: attnc compile %s --load-pass-plugin=%plugin --insert='import:example-cap-loops{steps=4}' --target=cpu:avx2 -o %t.attnpkg
// RUN: attnc-run %t.attnpkg --input x=0.5,2 --input cap=9 | FileCheck %s --check-prefix=STEPS

// Doubles a number until it exceeds 100, or for `cap` steps; with the plugin, for 4 at most.
// CHECK-LABEL: @main
// CHECK-SAME: %[[CAP:[a-z0-9]+]]: index
// CHECK: %[[FOUR:.*]] = arith.constant 4 : index
// CHECK: %[[MOST:.*]] = arith.minsi %[[CAP]], %[[FOUR]]
// CHECK: loop.adaptive {{.*}} cap(%[[MOST]])
// STEPS: y{{ +}}f32{{ +}}[2]{{ +}}8, 32
// STEPS: steps{{ +}}i32{{ +}}[2]{{ +}}4, 4
func.func @main(%x: tensor<?xf32> {attnc.name = "x", attnc.dims = ["N"]}, %cap: index {attnc.name = "cap"})
    -> (tensor<?xf32> {attnc.name = "y", attnc.dims = ["N"]}, tensor<?xi32> {attnc.name = "steps", attnc.dims = ["N"]}) {
  %c0 = arith.constant 0 : index
  %limit = arith.constant 100.0 : f32
  %n = tensor.dim %x, %c0 : tensor<?xf32>
  %all = arith.cmpf ord, %x, %x : tensor<?xf32>
  %floats = tensor.empty(%n) : tensor<?xf32>
  %most = linalg.fill ins(%limit : f32) outs(%floats : tensor<?xf32>) -> tensor<?xf32>
  %y, %steps = loop.adaptive predicate active(%running = %all : tensor<?xi1>) cap(%cap) step(%t)
      carry(frozen %v = %x : tensor<?xf32>) {
    %twice = arith.addf %v, %v : tensor<?xf32>
    %done = arith.cmpf ogt, %twice, %most : tensor<?xf32>
    loop.yield %twice score(%done : tensor<?xi1>) : tensor<?xf32>
  }
  return %y, %steps : tensor<?xf32>, tensor<?xi32>
}
