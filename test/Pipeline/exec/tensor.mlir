// Ops of tensor, and arith and math on tensors.
// RUN: %python %S/check_programs.py %s | FileCheck %s
// CHECK: programs agree
// sizes: M=3,1,0,9

func.func @pad(%x: tensor<?x3xf32> {attnc.name = "x", attnc.dims = ["N"]}, %with: f32 {attnc.name = "with"})
    -> (tensor<?x6xf32> {attnc.name = "columns", attnc.dims = ["N"]}, tensor<?x3xf32> {attnc.name = "shifted", attnc.dims = ["N"]}) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x3xf32>
  %columns = tensor.pad %x low[0, 1] high[0, 2] {
  ^bb0(%i: index, %j: index):
    tensor.yield %with : f32
  } : tensor<?x3xf32> to tensor<?x6xf32>
  // Causal: two rows of zeros in front, the last two left out.
  %zero = arith.constant 0.0 : f32
  %rows = tensor.pad %x low[2, 0] high[0, 0] {
  ^bb0(%i: index, %j: index):
    tensor.yield %zero : f32
  } : tensor<?x3xf32> to tensor<?x3xf32>
  %shifted = tensor.extract_slice %rows[0, 0] [%n, 3] [1, 1] : tensor<?x3xf32> to tensor<?x3xf32>
  return %columns, %shifted : tensor<?x6xf32>, tensor<?x3xf32>
}

func.func @concat(%x: tensor<?x3xf32> {attnc.name = "x", attnc.dims = ["N"]}, %y: tensor<?x2xf32> {attnc.name = "y", attnc.dims = ["N"]}, %z: tensor<4x3xi32> {attnc.name = "z"})
    -> (tensor<?x8xf32> {attnc.name = "columns", attnc.dims = ["N"]}, tensor<8x3xi32> {attnc.name = "rows"}) {
  %columns = tensor.concat dim(1) %x, %y, %x : (tensor<?x3xf32>, tensor<?x2xf32>, tensor<?x3xf32>) -> tensor<?x8xf32>
  %rows = tensor.concat dim(0) %z, %z : (tensor<4x3xi32>, tensor<4x3xi32>) -> tensor<8x3xi32>
  return %columns, %rows : tensor<?x8xf32>, tensor<8x3xi32>
}

// Views of an input, of a computed tensor, and of a view; a head dimension split and merged.
func.func @views(%x: tensor<?x12xf32> {attnc.name = "x", attnc.dims = ["N"]})
    -> (tensor<?x3x4xf32> {attnc.name = "split", attnc.dims = ["N"]}, tensor<?x12xf32> {attnc.name = "merged", attnc.dims = ["N"]}, tensor<1x?x1x12xf32> {attnc.name = "units", attnc.dims = ["N"]}, tensor<?x4x3xf32> {attnc.name = "other", attnc.dims = ["N"]}) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x12xf32>
  %split = tensor.expand_shape %x [[0], [1, 2]] output_shape [%n, 3, 4] : tensor<?x12xf32> into tensor<?x3x4xf32>
  %e = tensor.empty(%n) : tensor<?x3x4xf32>
  %twice = linalg.add ins(%split, %split : tensor<?x3x4xf32>, tensor<?x3x4xf32>) outs(%e : tensor<?x3x4xf32>) -> tensor<?x3x4xf32>
  %merged = tensor.collapse_shape %twice [[0], [1, 2]] : tensor<?x3x4xf32> into tensor<?x12xf32>
  %units = tensor.expand_shape %merged [[0, 1, 2], [3]] output_shape [1, %n, 1, 12] : tensor<?x12xf32> into tensor<1x?x1x12xf32>
  %other = tensor.expand_shape %merged [[0], [1, 2]] output_shape [%n, 4, 3] : tensor<?x12xf32> into tensor<?x4x3xf32>
  return %split, %merged, %units, %other : tensor<?x3x4xf32>, tensor<?x12xf32>, tensor<1x?x1x12xf32>, tensor<?x4x3xf32>
}

// A scalar of an input as a tensor of rank 0 and back; a cast that hides or shows sizes.
func.func @ranks(%x: tensor<f32> {attnc.name = "x"}, %y: tensor<1x1xf32> {attnc.name = "y"}, %z: tensor<4x?xf32> {attnc.name = "z", attnc.dims = ["N"]})
    -> (tensor<1x1xf32> {attnc.name = "expanded"}, tensor<f32> {attnc.name = "collapsed"}, tensor<4x?xf32> {attnc.name = "cast", attnc.dims = ["N"]}) {
  %expanded = tensor.expand_shape %x [] output_shape [1, 1] : tensor<f32> into tensor<1x1xf32>
  %collapsed = tensor.collapse_shape %y [] : tensor<1x1xf32> into tensor<f32>
  %hidden = tensor.cast %z : tensor<4x?xf32> to tensor<?x?xf32>
  %negated = arith.negf %hidden : tensor<?x?xf32>
  %shown = tensor.cast %negated : tensor<?x?xf32> to tensor<4x?xf32>
  return %expanded, %collapsed, %shown : tensor<1x1xf32>, tensor<f32>, tensor<4x?xf32>
}

// Slices: dropped dimensions, strides, computed offsets; a slice that is returned and one that is read.
func.func @slices(%x: tensor<?x8x6xf32> {attnc.name = "x", attnc.dims = ["N"]}, %at: index {attnc.name = "index_at"}, %y: tensor<?x3xf32> {attnc.name = "y", attnc.dims = ["N"]})
    -> (tensor<?x6xf32> {attnc.name = "dropped", attnc.dims = ["N"]}, tensor<?x4x3xf32> {attnc.name = "strided", attnc.dims = ["N"]}, tensor<?x8x6xf32> {attnc.name = "inserted", attnc.dims = ["N"]}, tensor<?x6xf32> {attnc.name = "sum", attnc.dims = ["N"]}) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x8x6xf32>
  %dropped = tensor.extract_slice %x[0, %at, 0] [%n, 1, 6] [1, 1, 1] : tensor<?x8x6xf32> to tensor<?x6xf32>
  %strided = tensor.extract_slice %x[0, 1, 0] [%n, 4, 3] [1, 2, 2] : tensor<?x8x6xf32> to tensor<?x4x3xf32>
  %inserted = tensor.insert_slice %y into %x[0, %at, 2] [%n, 1, 3] [1, 1, 1] : tensor<?x3xf32> into tensor<?x8x6xf32>
  %sum = arith.addf %dropped, %dropped : tensor<?x6xf32>
  return %dropped, %strided, %inserted, %sum : tensor<?x6xf32>, tensor<?x4x3xf32>, tensor<?x8x6xf32>, tensor<?x6xf32>
}

// Elements: read, written, made.
func.func @elements(%x: tensor<5xf32> {attnc.name = "x"}, %at: index {attnc.name = "index_at"}, %v: f32 {attnc.name = "v"}, %z: tensor<?xf32> {attnc.name = "z", attnc.dims = ["N"]})
    -> (tensor<f32> {attnc.name = "read"}, tensor<5xf32> {attnc.name = "written"}, tensor<2x2xf32> {attnc.name = "made"}, tensor<?xf32> {attnc.name = "splat", attnc.dims = ["N"]}, tensor<?x3xi64> {attnc.name = "generated", attnc.dims = ["N"]}) {
  %c0 = arith.constant 0 : index
  %a = tensor.extract %x[%at] : tensor<5xf32>
  %read = tensor.from_elements %a : tensor<f32>
  %written = tensor.insert %v into %x[%at] : tensor<5xf32>
  %made = tensor.from_elements %a, %v, %v, %a : tensor<2x2xf32>
  %n = tensor.dim %z, %c0 : tensor<?xf32>
  %splat = tensor.splat %a[%n] : tensor<?xf32>
  %generated = tensor.generate %n {
  ^bb0(%i: index, %j: index):
    %sum = arith.muli %i, %j : index
    %shifted = arith.addi %sum, %at : index
    %word = arith.index_cast %shifted : index to i64
    tensor.yield %word : i64
  } : tensor<?x3xi64>
  return %read, %written, %made, %splat, %generated : tensor<f32>, tensor<5xf32>, tensor<2x2xf32>, tensor<?xf32>, tensor<?x3xi64>
}

// arith and math on tensors: comparisons, selection by an element or by one condition, conversions, constants.
func.func @arithmetic(%x: tensor<?x4xf32> {attnc.name = "x", attnc.dims = ["N"]}, %i: tensor<?x4xi32> {attnc.name = "i", attnc.dims = ["N"]}, %on: i1 {attnc.name = "on"})
    -> (tensor<?x4xf32> {attnc.name = "relu", attnc.dims = ["N"]}, tensor<?x4xi64> {attnc.name = "wide", attnc.dims = ["N"]}, tensor<?x4xf32> {attnc.name = "either", attnc.dims = ["N"]}, tensor<?x4xi1> {attnc.name = "below", attnc.dims = ["N"]}, tensor<?x4xf32> {attnc.name = "gelu", attnc.dims = ["N"]}) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %n = tensor.dim %x, %c0 : tensor<?x4xf32>
  %zeros = tensor.splat %zero[%n] : tensor<?x4xf32>
  %below = arith.cmpf olt, %x, %zeros : tensor<?x4xf32>
  %relu = arith.select %below, %zeros, %x : tensor<?x4xi1>, tensor<?x4xf32>
  %wide = arith.extsi %i : tensor<?x4xi32> to tensor<?x4xi64>
  %float = arith.sitofp %i : tensor<?x4xi32> to tensor<?x4xf32>
  %either = arith.select %on, %x, %float : tensor<?x4xf32>
  %erf = math.erf %x : tensor<?x4xf32>
  %gelu = arith.mulf %erf, %x : tensor<?x4xf32>
  return %relu, %wide, %either, %below, %gelu : tensor<?x4xf32>, tensor<?x4xi64>, tensor<?x4xf32>, tensor<?x4xi1>, tensor<?x4xf32>
}

func.func @constants(%x: tensor<2x3xf32> {attnc.name = "x"}, %at: index {attnc.name = "index_at"})
    -> (tensor<2x3xf32> {attnc.name = "sum"}, tensor<f32> {attnc.name = "read"}, tensor<4xi32> {attnc.name = "returned"}, tensor<2x3xf32> {attnc.name = "updated"}) {
  %table = arith.constant dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>
  %c1 = arith.constant 1 : index
  %v = arith.constant 9.0 : f32
  %sum = arith.addf %x, %table : tensor<2x3xf32>
  %longer = arith.constant dense<[1.5, 2.5, 3.5, 4.5]> : tensor<4xf32>
  %a = tensor.extract %longer[%at] : tensor<4xf32>
  %read = tensor.from_elements %a : tensor<f32>
  %returned = arith.constant dense<[4, 3, 2, 1]> : tensor<4xi32>
  %updated = tensor.insert %v into %table[%c1, %c1] : tensor<2x3xf32>
  return %sum, %read, %returned, %updated : tensor<2x3xf32>, tensor<f32>, tensor<4xi32>, tensor<2x3xf32>
}

// An input returned as it is, twice, and a size as a number.
func.func @returned(%x: tensor<?x2xf32> {attnc.name = "x", attnc.dims = ["N"]})
    -> (tensor<?x2xf32> {attnc.name = "same", attnc.dims = ["N"]}, tensor<?x2xf32> {attnc.name = "again", attnc.dims = ["N"]}, tensor<i64> {attnc.name = "size"}) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x2xf32>
  %word = arith.index_cast %n : index to i64
  %size = tensor.from_elements %word : tensor<i64>
  return %x, %x, %size : tensor<?x2xf32>, tensor<?x2xf32>, tensor<i64>
}
