// RUN: attnc-opt %s --attnc-import-phase --attnc-schedule-phase --attnc-plan-phase --split-input-file | FileCheck %s

// Sizes, inputs, outputs and (prepared) weights are arguments; the carried tensor has one buffer for the whole loop, and what an
// iteration makes lies above it in the arena.
#x = affine_map<(t, n, k) -> (t, k)>
#w = affine_map<(t, n, k) -> (n, k)>
#y = affine_map<(t, n, k) -> (t, n)>
ml_program.global private @"up.weight"(#ml_program.extern : tensor<8x8xf32>) : tensor<8x8xf32>
// CHECK: func.func private @main_arena_size(%{{.*}}: index) -> index attributes {attnc.size_of = @main}
// CHECK-LABEL: func.func @main(
// CHECK-SAME: index {attnc.name = "T", attnc.role = "size"}
// CHECK-SAME: memref<?x8xf32> {attnc.dims = ["T"], attnc.name = "x", attnc.role = "input"}
// CHECK-SAME: index {attnc.name = "n", attnc.role = "input"}
// CHECK-SAME: %[[Y:[a-z0-9]+]]: memref<?x8xf32> {attnc.dims = ["T"], attnc.name = "y", attnc.role = "output"}
// CHECK-SAME: %[[W:[a-z0-9]+]]: memref<1x8x16xf32> {attnc.name = "up.weight:pack16", attnc.prepared = {by = @prepare_pack16, from = ["up.weight"]}, attnc.role = "weight"}
// CHECK-SAME: %[[ARENA:[a-z0-9]+]]: memref<?xi8>
// CHECK-NOT: memref.alloc
// CHECK: scf.for
// CHECK: attnc.launch @main_contract(%{{.*}}, %[[W]]
// CHECK: return{{$}}
func.func @main(%x: tensor<?x8xf32> {attnc.name = "x", attnc.dims = ["T"]}, %n: index {attnc.name = "n"})
    -> (tensor<?x8xf32> {attnc.name = "y", attnc.dims = ["T"]}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %w = ml_program.global_load_const @"up.weight" : tensor<8x8xf32>
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%a = %x) -> tensor<?x8xf32> {
    %t = tensor.dim %a, %c0 : tensor<?x8xf32>
    %e = tensor.empty(%t) : tensor<?x8xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
    %b = linalg.contract indexing_maps = [#x, #w, #y] ins(%a, %w : tensor<?x8xf32>, tensor<8x8xf32>) outs(%f : tensor<?x8xf32>) -> tensor<?x8xf32>
    scf.yield %b : tensor<?x8xf32>
  }
  return %r : tensor<?x8xf32>
}

// -----

// A state is one argument, read and written in place.
// CHECK-LABEL: func.func @count(
// CHECK-SAME: %[[X:[a-z0-9]+]]: memref<4xf32> {{{.*}}attnc.role = "input"}
// CHECK-SAME: %[[S:[a-z0-9]+]]: memref<4xf32> {{{.*}}attnc.role = "state"
// CHECK: attnc.launch @{{.*}}(%[[X]] : memref<4xf32>) into(%[[S]] : memref<4xf32>)
// CHECK-NEXT: return
func.func @count(%x: tensor<4xf32> {attnc.name = "x"}, %s: tensor<4xf32> {attnc.state = "sum"}) -> (tensor<4xf32> {attnc.state = "sum"}) {
  %y = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
      ins(%x : tensor<4xf32>) outs(%s : tensor<4xf32>) {
  ^bb0(%a: f32, %b: f32):
    %c = arith.addf %a, %b : f32
    linalg.yield %c : f32
  } -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

// The function that makes a state's initial value is an entry of sizes, outputs and weights.
// CHECK-LABEL: func.func @start(
// CHECK-SAME: %[[B:[a-z0-9]+]]: index {attnc.name = "B", attnc.role = "size"}
// CHECK-SAME: %[[OUT:[a-z0-9]+]]: memref<?x4xf32> {attnc.dims = ["B"], attnc.role = "output"}
// CHECK: attnc.launch @{{.*}} into(%[[OUT]] : memref<?x4xf32>)
func.func @start(%b: index {attnc.name = "B"}) -> tensor<?x4xf32> {
  %one = arith.constant 1.0 : f32
  %e = tensor.empty(%b) : tensor<?x4xf32>
  %f = linalg.fill ins(%one : f32) outs(%e : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %f : tensor<?x4xf32>
}
// CHECK-LABEL: func.func @step(
// CHECK-SAME: index {attnc.name = "B", attnc.role = "size"}
// CHECK-SAME: memref<?x4xf32> {attnc.dims = ["B"], attnc.init = @start, attnc.role = "state", attnc.state = "s"}
func.func @step(%s: tensor<?x4xf32> {attnc.state = "s", attnc.dims = ["B"], attnc.init = @start}) -> (tensor<?x4xf32> {attnc.state = "s"}) {
  %c0 = arith.constant 0 : index
  %b = tensor.dim %s, %c0 : tensor<?x4xf32>
  %e = tensor.empty(%b) : tensor<?x4xf32>
  %y = linalg.exp ins(%s : tensor<?x4xf32>) outs(%e : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

// A state that a loop carries, one slice a layer, is updated in its argument: nothing is copied to it or from it.
// CHECK-LABEL: func.func @session(
// CHECK-SAME: %[[S:[a-z0-9]+]]: memref<2x4xf32> {attnc.role = "state", attnc.state = "s"}
// CHECK-NOT: memref.copy
// CHECK: scf.for
// CHECK-NOT: memref.copy
// CHECK: attnc.launch @{{.*}} into(%[[S]] : memref<2x4xf32>)
// CHECK: attnc.launch @{{.*}} into(%[[S]] : memref<2x4xf32>)
// CHECK-NOT: memref.copy
// CHECK: return
func.func @session(%n: index {attnc.name = "n"}, %s: tensor<2x4xf32> {attnc.state = "s"}) -> (tensor<2x4xf32> {attnc.state = "s"}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %e = scf.for %i = %c0 to %n step %c1 iter_args(%s0 = %s) -> tensor<2x4xf32> {
    %a0 = tensor.extract_slice %s0[0, 0] [1, 4] [1, 1] : tensor<2x4xf32> to tensor<4xf32>
    %b0 = math.exp %a0 : tensor<4xf32>
    %s1 = tensor.insert_slice %b0 into %s0[0, 0] [1, 4] [1, 1] : tensor<4xf32> into tensor<2x4xf32>
    %a1 = tensor.extract_slice %s1[1, 0] [1, 4] [1, 1] : tensor<2x4xf32> to tensor<4xf32>
    %b1 = math.exp %a1 : tensor<4xf32>
    %s2 = tensor.insert_slice %b1 into %s1[1, 0] [1, 4] [1, 1] : tensor<4xf32> into tensor<2x4xf32>
    scf.yield %s2 : tensor<2x4xf32>
  }
  return %e : tensor<2x4xf32>
}

// -----

// What the loop started from is read behind it: the state is carried aside and copied when it is done.
// CHECK-LABEL: func.func @old_and_new(
// CHECK-SAME: %[[Y:[a-z0-9]+]]: memref<4xf32> {attnc.name = "y", attnc.role = "output"}
// CHECK-SAME: %[[S:[a-z0-9]+]]: memref<4xf32> {attnc.role = "state", attnc.state = "s"}
// CHECK: memref.copy %[[S]], %[[CARRIED:.*]] :
// CHECK: scf.for
// CHECK: attnc.launch @{{.*}}(%[[S]] : memref<4xf32>) into(%[[Y]] : memref<4xf32>)
// CHECK: memref.copy %[[CARRIED]], %[[S]]
func.func @old_and_new(%n: index {attnc.name = "n"}, %s: tensor<4xf32> {attnc.state = "s"}) -> (tensor<4xf32> {attnc.name = "y"}, tensor<4xf32> {attnc.state = "s"}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %e = scf.for %i = %c0 to %n step %c1 iter_args(%s0 = %s) -> tensor<4xf32> {
    %b = math.exp %s0 : tensor<4xf32>
    scf.yield %b : tensor<4xf32>
  }
  %y = math.sin %s : tensor<4xf32>
  return %y, %e : tensor<4xf32>, tensor<4xf32>
}

// -----

// What a loop makes block by block is laid into the output itself; the last block has its own size, not more than 8 rows.
// CHECK-LABEL: func.func @blocks(
// CHECK-SAME: %[[Y:[a-z0-9]+]]: memref<?x4xf32> {attnc.dims = ["T"], attnc.name = "y", attnc.role = "output"}
// CHECK-SAME: below = array<i64>, buffer = "blocks_generic ?x4xf32"
// CHECK-NOT: memref.copy
// CHECK: scf.for
// CHECK: attnc.launch @{{.*}}into(%[[Y]] : memref<?x4xf32>)
// CHECK-NOT: memref.copy
// CHECK: return
func.func @blocks(%x: tensor<?x4xf32> {attnc.name = "x", attnc.dims = ["T"]}) -> (tensor<?x4xf32> {attnc.name = "y", attnc.dims = ["T"]}) {
  %c0 = arith.constant 0 : index
  %c8 = arith.constant 8 : index
  %t = tensor.dim %x, %c0 : tensor<?x4xf32>
  %e = tensor.empty(%t) : tensor<?x4xf32>
  %y = scf.for %i = %c0 to %t step %c8 iter_args(%y0 = %e) -> tensor<?x4xf32> {
    %left = arith.subi %t, %i : index
    %n = arith.minui %left, %c8 : index
    %b = tensor.extract_slice %x[%i, 0] [%n, 4] [1, 1] : tensor<?x4xf32> to tensor<?x4xf32>
    %s = math.sin %b : tensor<?x4xf32>
    %y1 = tensor.insert_slice %s into %y0[%i, 0] [%n, 4] [1, 1] : tensor<?x4xf32> into tensor<?x4xf32>
    scf.yield %y1 : tensor<?x4xf32>
  }
  return %y : tensor<?x4xf32>
}

// -----

// An inner loop starts from a copy of what the outer loop needs once more.
// CHECK-LABEL: func.func @inner(
// CHECK: attnc.launch @{{.*}}() into(%[[ONE:[a-z0-9_]+]] : memref<4xf32>)
// CHECK: scf.for
// CHECK: memref.copy %[[ONE]], %[[COPY:[a-z0-9_]+]] :
// CHECK: scf.for
// CHECK: attnc.launch @{{.*}} into(%[[COPY]] : memref<4xf32>)
// CHECK: attnc.launch @{{.*}}%[[COPY]] : memref<4xf32>, memref<4xf32>)
func.func @inner(%n: index {attnc.name = "n"}, %x: tensor<4xf32> {attnc.name = "x"}) -> (tensor<4xf32> {attnc.name = "y"}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %one = arith.constant 1.0 : f32
  %two = arith.constant 2.0 : f32
  %e = tensor.empty() : tensor<4xf32>
  %ones = linalg.fill ins(%one : f32) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  %y = scf.for %i = %c0 to %n step %c1 iter_args(%a = %x) -> tensor<4xf32> {
    %r = scf.for %j = %c0 to %i step %c1 iter_args(%b = %ones) -> tensor<4xf32> {
      %c = tensor.insert %two into %b[%j] : tensor<4xf32>
      scf.yield %c : tensor<4xf32>
    }
    %s = linalg.add ins(%a, %r : tensor<4xf32>, tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
    scf.yield %s : tensor<4xf32>
  }
  return %y : tensor<4xf32>
}
