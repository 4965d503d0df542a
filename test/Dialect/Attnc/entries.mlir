// What a module promises its callers, as written, in generic form and as bytecode.
// RUN: attnc-opt %s | FileCheck %s
// RUN: attnc-opt %s --mlir-print-op-generic | attnc-opt | FileCheck %s
// RUN: attnc-opt %s --emit-bytecode | attnc-opt | FileCheck %s

// CHECK: func.func @start(%{{.*}}: index {attnc.name = "B"}) -> (tensor<?x16xf32>, tensor<?x6x256x64xf32>)
func.func @start(%b: index {attnc.name = "B"}) -> (tensor<?x16xf32>, tensor<?x6x256x64xf32>) {
  %f = tensor.empty(%b) : tensor<?x16xf32>
  %k = tensor.empty(%b) : tensor<?x6x256x64xf32>
  return %f, %k : tensor<?x16xf32>, tensor<?x6x256x64xf32>
}

// A decode step: a memory with an initial value of its own, a ring of keys with the number of rows appended so far,
// and a state whose size is given when the session is made.
// CHECK-LABEL: @decode
// CHECK-SAME: {attnc.dims = ["B"], attnc.name = "tokens"}
// CHECK-SAME: {attnc.dims = ["B"], attnc.init = @start, attnc.state = "memory"}
// CHECK-SAME: {attnc.dims = ["B"], attnc.init = [@start, 1], attnc.ring = {along = 2 : i64, count = "seen", pinned = 4 : i64, unit = 1 : i64}, attnc.state = "keys"}
// CHECK-SAME: {attnc.dims = ["B", "capacity S"], attnc.state = "values"}
func.func @decode(%tokens: tensor<?xi32> {attnc.name = "tokens", attnc.dims = ["B"]},
                  %memory: tensor<?x16xf32> {attnc.state = "memory", attnc.dims = ["B"], attnc.init = @start},
                  %keys: tensor<?x6x256x64xf32> {attnc.state = "keys", attnc.dims = ["B"], attnc.init = [@start, 1],
                                                 attnc.ring = {along = 2, count = "seen", unit = 1, pinned = 4}},
                  %values: tensor<?x?x64xf32> {attnc.state = "values", attnc.dims = ["B", "capacity S"]},
                  %seen: tensor<i32> {attnc.state = "seen"})
    -> (tensor<?xi32> {attnc.name = "next", attnc.dims = ["B"]}, tensor<?x16xf32> {attnc.state = "memory"}) {
  return %tokens, %memory : tensor<?xi32>, tensor<?x16xf32>
}

// Another entry shares the state; an input and an output may have the same name.
// CHECK-LABEL: @prefill
func.func @prefill(%x: tensor<?x?xi32> {attnc.name = "x", attnc.dims = ["B", "T"]},
                   %memory: tensor<?x16xf32> {attnc.state = "memory", attnc.dims = ["B"]})
    -> (tensor<?x?xi32> {attnc.name = "x", attnc.dims = ["B", "T"]}, tensor<?x16xf32> {attnc.state = "memory", attnc.dims = ["B"]}) {
  return %x, %memory : tensor<?x?xi32>, tensor<?x16xf32>
}

// A function that promises nothing is asked nothing.
// CHECK-LABEL: @helper
func.func @helper(%x: tensor<?xf32>) -> tensor<?xf32> {
  return %x : tensor<?xf32>
}

// Behind the plan phase sizes, outputs and weights are arguments, of one name each within their role.
// CHECK-LABEL: @planned
func.func @planned(%n: index {attnc.name = "N", attnc.role = "size"},
                   %x: memref<?xf32> {attnc.name = "x", attnc.role = "input", attnc.dims = ["N"]},
                   %y: memref<?xf32> {attnc.name = "x", attnc.role = "output", attnc.dims = ["N"]}) {
  attnc.poll
  return
}
