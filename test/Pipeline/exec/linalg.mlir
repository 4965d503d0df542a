// Named ops of linalg: elementwise, contractions, convolutions, pooling, and those that consist of others.
// RUN: %python %S/check_programs.py %s | FileCheck %s
// CHECK: programs agree
// sizes: M=3,1,0,9
// sizes: K=4,1,7,0

func.func @unary(%x: tensor<?x6xf32> {attnc.name = "x", attnc.dims = ["N"]})
    -> (tensor<?x6xf32> {attnc.name = "abs", attnc.dims = ["N"]}, tensor<?x6xf32> {attnc.name = "ceil", attnc.dims = ["N"]}, tensor<?x6xf32> {attnc.name = "floor", attnc.dims = ["N"]}, tensor<?x6xf32> {attnc.name = "exp", attnc.dims = ["N"]}, tensor<?x6xf32> {attnc.name = "negf", attnc.dims = ["N"]}, tensor<?x6xf32> {attnc.name = "round", attnc.dims = ["N"]}, tensor<?x6xf32> {attnc.name = "tanh", attnc.dims = ["N"]}, tensor<?x6xf32> {attnc.name = "erf", attnc.dims = ["N"]}, tensor<?x6xf32> {attnc.name = "square", attnc.dims = ["N"]}) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x6xf32>
  %e = tensor.empty(%n) : tensor<?x6xf32>
  %abs = linalg.abs ins(%x : tensor<?x6xf32>) outs(%e : tensor<?x6xf32>) -> tensor<?x6xf32>
  %ceil = linalg.ceil ins(%x : tensor<?x6xf32>) outs(%e : tensor<?x6xf32>) -> tensor<?x6xf32>
  %floor = linalg.floor ins(%x : tensor<?x6xf32>) outs(%e : tensor<?x6xf32>) -> tensor<?x6xf32>
  %exp = linalg.exp ins(%x : tensor<?x6xf32>) outs(%e : tensor<?x6xf32>) -> tensor<?x6xf32>
  %negf = linalg.negf ins(%x : tensor<?x6xf32>) outs(%e : tensor<?x6xf32>) -> tensor<?x6xf32>
  %round = linalg.round ins(%x : tensor<?x6xf32>) outs(%e : tensor<?x6xf32>) -> tensor<?x6xf32>
  %tanh = linalg.tanh ins(%x : tensor<?x6xf32>) outs(%e : tensor<?x6xf32>) -> tensor<?x6xf32>
  %erf = linalg.erf ins(%x : tensor<?x6xf32>) outs(%e : tensor<?x6xf32>) -> tensor<?x6xf32>
  %square = linalg.square ins(%x : tensor<?x6xf32>) outs(%e : tensor<?x6xf32>) -> tensor<?x6xf32>
  return %abs, %ceil, %floor, %exp, %negf, %round, %tanh, %erf, %square : tensor<?x6xf32>, tensor<?x6xf32>, tensor<?x6xf32>, tensor<?x6xf32>, tensor<?x6xf32>, tensor<?x6xf32>, tensor<?x6xf32>, tensor<?x6xf32>, tensor<?x6xf32>
}

func.func @of_positive(%x: tensor<?x6xf32> {attnc.name = "positive", attnc.dims = ["N"]})
    -> (tensor<?x6xf32> {attnc.name = "log", attnc.dims = ["N"]}, tensor<?x6xf32> {attnc.name = "sqrt", attnc.dims = ["N"]}, tensor<?x6xf32> {attnc.name = "rsqrt", attnc.dims = ["N"]}, tensor<?x6xf32> {attnc.name = "reciprocal", attnc.dims = ["N"]}) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x6xf32>
  %e = tensor.empty(%n) : tensor<?x6xf32>
  %log = linalg.log ins(%x : tensor<?x6xf32>) outs(%e : tensor<?x6xf32>) -> tensor<?x6xf32>
  %sqrt = linalg.sqrt ins(%x : tensor<?x6xf32>) outs(%e : tensor<?x6xf32>) -> tensor<?x6xf32>
  %rsqrt = linalg.rsqrt ins(%x : tensor<?x6xf32>) outs(%e : tensor<?x6xf32>) -> tensor<?x6xf32>
  %reciprocal = linalg.reciprocal ins(%x : tensor<?x6xf32>) outs(%e : tensor<?x6xf32>) -> tensor<?x6xf32>
  return %log, %sqrt, %rsqrt, %reciprocal : tensor<?x6xf32>, tensor<?x6xf32>, tensor<?x6xf32>, tensor<?x6xf32>
}

func.func @power(%x: tensor<?x6xf32> {attnc.name = "positive", attnc.dims = ["N"]}, %y: tensor<?x6xf32> {attnc.name = "y", attnc.dims = ["N"]})
    -> (tensor<?x6xf32> {attnc.name = "powf", attnc.dims = ["N"]}) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x6xf32>
  %e = tensor.empty(%n) : tensor<?x6xf32>
  %powf = linalg.powf ins(%x, %y : tensor<?x6xf32>, tensor<?x6xf32>) outs(%e : tensor<?x6xf32>) -> tensor<?x6xf32>
  return %powf : tensor<?x6xf32>
}

func.func @binary(%x: tensor<?x6xf32> {attnc.name = "x", attnc.dims = ["N"]}, %y: tensor<?x6xf32> {attnc.name = "y", attnc.dims = ["N"]})
    -> (tensor<?x6xf32> {attnc.name = "add", attnc.dims = ["N"]}, tensor<?x6xf32> {attnc.name = "sub", attnc.dims = ["N"]}, tensor<?x6xf32> {attnc.name = "mul", attnc.dims = ["N"]}, tensor<?x6xf32> {attnc.name = "div", attnc.dims = ["N"]}, tensor<?x6xf32> {attnc.name = "max", attnc.dims = ["N"]}, tensor<?x6xf32> {attnc.name = "min", attnc.dims = ["N"]}) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x6xf32>
  %e = tensor.empty(%n) : tensor<?x6xf32>
  %add = linalg.add ins(%x, %y : tensor<?x6xf32>, tensor<?x6xf32>) outs(%e : tensor<?x6xf32>) -> tensor<?x6xf32>
  %sub = linalg.sub ins(%x, %y : tensor<?x6xf32>, tensor<?x6xf32>) outs(%e : tensor<?x6xf32>) -> tensor<?x6xf32>
  %mul = linalg.mul ins(%x, %y : tensor<?x6xf32>, tensor<?x6xf32>) outs(%e : tensor<?x6xf32>) -> tensor<?x6xf32>
  %div = linalg.div ins(%x, %y : tensor<?x6xf32>, tensor<?x6xf32>) outs(%e : tensor<?x6xf32>) -> tensor<?x6xf32>
  %max = linalg.max ins(%x, %y : tensor<?x6xf32>, tensor<?x6xf32>) outs(%e : tensor<?x6xf32>) -> tensor<?x6xf32>
  %min = linalg.min ins(%x, %y : tensor<?x6xf32>, tensor<?x6xf32>) outs(%e : tensor<?x6xf32>) -> tensor<?x6xf32>
  return %add, %sub, %mul, %div, %max, %min : tensor<?x6xf32>, tensor<?x6xf32>, tensor<?x6xf32>, tensor<?x6xf32>, tensor<?x6xf32>, tensor<?x6xf32>
}

// Integers, and the forms that name their function or have a body.
func.func @integers(%x: tensor<?xi32> {attnc.name = "x", attnc.dims = ["N"]}, %y: tensor<?xi32> {attnc.name = "y", attnc.dims = ["N"]}, %on: tensor<?xi1> {attnc.name = "on", attnc.dims = ["N"]})
    -> (tensor<?xi32> {attnc.name = "max", attnc.dims = ["N"]}, tensor<?xi32> {attnc.name = "select", attnc.dims = ["N"]}, tensor<?xi32> {attnc.name = "mapped", attnc.dims = ["N"]}, tensor<?xi32> {attnc.name = "named", attnc.dims = ["N"]}) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?xi32>
  %e = tensor.empty(%n) : tensor<?xi32>
  %max = linalg.max ins(%x, %y : tensor<?xi32>, tensor<?xi32>) outs(%e : tensor<?xi32>) -> tensor<?xi32>
  %select = linalg.select ins(%on, %x, %y : tensor<?xi1>, tensor<?xi32>, tensor<?xi32>) outs(%e : tensor<?xi32>) -> tensor<?xi32>
  %mapped = linalg.map { arith.muli } ins(%x, %y : tensor<?xi32>, tensor<?xi32>) outs(%e : tensor<?xi32>)
  %named = linalg.elementwise kind=#linalg.elementwise_kind<sub> ins(%x, %y : tensor<?xi32>, tensor<?xi32>) outs(%e : tensor<?xi32>) -> tensor<?xi32>
  return %max, %select, %mapped, %named : tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>
}

func.func @matmuls(%a: tensor<?x?xf32> {attnc.name = "a", attnc.dims = ["M", "K"]}, %b: tensor<?x?xf32> {attnc.name = "b", attnc.dims = ["K", "N"]}, %v: tensor<?xf32> {attnc.name = "v", attnc.dims = ["K"]}, %w: tensor<?xf32> {attnc.name = "w", attnc.dims = ["K"]})
    -> (tensor<?x?xf32> {attnc.name = "ab", attnc.dims = ["M", "N"]}, tensor<?xf32> {attnc.name = "av", attnc.dims = ["M"]}, tensor<?xf32> {attnc.name = "vb", attnc.dims = ["N"]}, tensor<f32> {attnc.name = "vw"}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %m = tensor.dim %a, %c0 : tensor<?x?xf32>
  %n = tensor.dim %b, %c1 : tensor<?x?xf32>
  %emn = tensor.empty(%m, %n) : tensor<?x?xf32>
  %zmn = linalg.fill ins(%zero : f32) outs(%emn : tensor<?x?xf32>) -> tensor<?x?xf32>
  %ab = linalg.matmul ins(%a, %b : tensor<?x?xf32>, tensor<?x?xf32>) outs(%zmn : tensor<?x?xf32>) -> tensor<?x?xf32>
  %em = tensor.empty(%m) : tensor<?xf32>
  %zm = linalg.fill ins(%zero : f32) outs(%em : tensor<?xf32>) -> tensor<?xf32>
  %av = linalg.matvec ins(%a, %v : tensor<?x?xf32>, tensor<?xf32>) outs(%zm : tensor<?xf32>) -> tensor<?xf32>
  %en = tensor.empty(%n) : tensor<?xf32>
  %zn = linalg.fill ins(%zero : f32) outs(%en : tensor<?xf32>) -> tensor<?xf32>
  %vb = linalg.vecmat ins(%v, %b : tensor<?xf32>, tensor<?x?xf32>) outs(%zn : tensor<?xf32>) -> tensor<?xf32>
  %e = tensor.empty() : tensor<f32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<f32>) -> tensor<f32>
  %vw = linalg.dot ins(%v, %w : tensor<?xf32>, tensor<?xf32>) outs(%z : tensor<f32>) -> tensor<f32>
  return %ab, %av, %vb, %vw : tensor<?x?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<f32>
}

// The destination of batch_reduce_matmul holds a sum already.
func.func @batched(%a: tensor<?x?x4xf32> {attnc.name = "a", attnc.dims = ["N", "M"]}, %b: tensor<?x4x5xf32> {attnc.name = "b", attnc.dims = ["N"]}, %v: tensor<?x4xf32> {attnc.name = "v", attnc.dims = ["N"]}, %sum: tensor<?x5xf32> {attnc.name = "sum", attnc.dims = ["M"]})
    -> (tensor<?x?x5xf32> {attnc.name = "ab", attnc.dims = ["N", "M"]}, tensor<?x5xf32> {attnc.name = "reduced", attnc.dims = ["M"]}, tensor<?x?xf32> {attnc.name = "av", attnc.dims = ["N", "M"]}, tensor<?x5xf32> {attnc.name = "vb", attnc.dims = ["N"]}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %n = tensor.dim %a, %c0 : tensor<?x?x4xf32>
  %m = tensor.dim %a, %c1 : tensor<?x?x4xf32>
  %enm5 = tensor.empty(%n, %m) : tensor<?x?x5xf32>
  %znm5 = linalg.fill ins(%zero : f32) outs(%enm5 : tensor<?x?x5xf32>) -> tensor<?x?x5xf32>
  %ab = linalg.batch_matmul ins(%a, %b : tensor<?x?x4xf32>, tensor<?x4x5xf32>) outs(%znm5 : tensor<?x?x5xf32>) -> tensor<?x?x5xf32>
  %reduced = linalg.batch_reduce_matmul ins(%a, %b : tensor<?x?x4xf32>, tensor<?x4x5xf32>) outs(%sum : tensor<?x5xf32>) -> tensor<?x5xf32>
  %enm = tensor.empty(%n, %m) : tensor<?x?xf32>
  %znm = linalg.fill ins(%zero : f32) outs(%enm : tensor<?x?xf32>) -> tensor<?x?xf32>
  %av = linalg.batch_matvec ins(%a, %v : tensor<?x?x4xf32>, tensor<?x4xf32>) outs(%znm : tensor<?x?xf32>) -> tensor<?x?xf32>
  %en5 = tensor.empty(%n) : tensor<?x5xf32>
  %zn5 = linalg.fill ins(%zero : f32) outs(%en5 : tensor<?x5xf32>) -> tensor<?x5xf32>
  %vb = linalg.batch_vecmat ins(%v, %b : tensor<?x4xf32>, tensor<?x4x5xf32>) outs(%zn5 : tensor<?x5xf32>) -> tensor<?x5xf32>
  return %ab, %reduced, %av, %vb : tensor<?x?x5xf32>, tensor<?x5xf32>, tensor<?x?xf32>, tensor<?x5xf32>
}

// Operands in bf16 and f16 with sums in f32; integers with zero points; transposed operands.
#tm = affine_map<(m, n, k) -> (k, m)>
#tn = affine_map<(m, n, k) -> (n, k)>
#mn = affine_map<(m, n, k) -> (m, n)>
func.func @mixed(%a: tensor<?x8xbf16> {attnc.name = "a", attnc.dims = ["N"]}, %b: tensor<8x3xbf16> {attnc.name = "b"}, %h: tensor<8x3xf16> {attnc.name = "h"}, %x: tensor<?x8xi8> {attnc.name = "x", attnc.dims = ["N"]}, %y: tensor<8x3xi8> {attnc.name = "y"}, %p: tensor<8x?xf32> {attnc.name = "p", attnc.dims = ["N"]}, %q: tensor<3x8xf32> {attnc.name = "q"})
    -> (tensor<?x3xf32> {attnc.name = "ab", attnc.dims = ["N"]}, tensor<?x3xi32> {attnc.name = "xy", attnc.dims = ["N"]}, tensor<?x3xf32> {attnc.name = "pq", attnc.dims = ["N"]}, tensor<8x3xf16> {attnc.name = "twice"}) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %izero = arith.constant 0 : i32
  %i3 = arith.constant 3 : i32
  %n = tensor.dim %a, %c0 : tensor<?x8xbf16>
  %e = tensor.empty(%n) : tensor<?x3xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x3xf32>) -> tensor<?x3xf32>
  %ab = linalg.matmul ins(%a, %b : tensor<?x8xbf16>, tensor<8x3xbf16>) outs(%z : tensor<?x3xf32>) -> tensor<?x3xf32>
  %ei = tensor.empty(%n) : tensor<?x3xi32>
  %zi = linalg.fill ins(%izero : i32) outs(%ei : tensor<?x3xi32>) -> tensor<?x3xi32>
  %xy = linalg.quantized_matmul ins(%x, %y, %i3, %izero : tensor<?x8xi8>, tensor<8x3xi8>, i32, i32) outs(%zi : tensor<?x3xi32>) -> tensor<?x3xi32>
  %pq = linalg.contract indexing_maps = [#tm, #tn, #mn] ins(%p, %q : tensor<8x?xf32>, tensor<3x8xf32>) outs(%z : tensor<?x3xf32>) -> tensor<?x3xf32>
  %eh = tensor.empty() : tensor<8x3xf16>
  %twice = linalg.add ins(%h, %h : tensor<8x3xf16>, tensor<8x3xf16>) outs(%eh : tensor<8x3xf16>) -> tensor<8x3xf16>
  return %ab, %xy, %pq, %twice : tensor<?x3xf32>, tensor<?x3xi32>, tensor<?x3xf32>, tensor<8x3xf16>
}

func.func @convolutions(%x: tensor<?x9x9x3xf32> {attnc.name = "x", attnc.dims = ["N"]}, %k: tensor<3x3x3x2xf32> {attnc.name = "k"}, %s: tensor<?x12x4xf32> {attnc.name = "s", attnc.dims = ["N"]}, %ks: tensor<4x4xf32> {attnc.name = "ks"})
    -> (tensor<?x4x4x2xf32> {attnc.name = "image", attnc.dims = ["N"]}, tensor<?x9x4xf32> {attnc.name = "sequence", attnc.dims = ["N"]}) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %n = tensor.dim %x, %c0 : tensor<?x9x9x3xf32>
  %e0 = tensor.empty(%n) : tensor<?x4x4x2xf32>
  %z0 = linalg.fill ins(%zero : f32) outs(%e0 : tensor<?x4x4x2xf32>) -> tensor<?x4x4x2xf32>
  %image = linalg.conv_2d_nhwc_hwcf {strides = dense<2> : vector<2xi64>, dilations = dense<1> : vector<2xi64>} ins(%x, %k : tensor<?x9x9x3xf32>, tensor<3x3x3x2xf32>) outs(%z0 : tensor<?x4x4x2xf32>) -> tensor<?x4x4x2xf32>
  %e1 = tensor.empty(%n) : tensor<?x9x4xf32>
  %z1 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<?x9x4xf32>) -> tensor<?x9x4xf32>
  %sequence = linalg.depthwise_conv_1d_nwc_wc {strides = dense<1> : vector<1xi64>, dilations = dense<1> : vector<1xi64>} ins(%s, %ks : tensor<?x12x4xf32>, tensor<4x4xf32>) outs(%z1 : tensor<?x9x4xf32>) -> tensor<?x9x4xf32>
  return %image, %sequence : tensor<?x4x4x2xf32>, tensor<?x9x4xf32>
}

func.func @pooling(%x: tensor<?x8x8x3xf32> {attnc.name = "x", attnc.dims = ["N"]})
    -> (tensor<?x4x4x3xf32> {attnc.name = "max", attnc.dims = ["N"]}, tensor<?x4x4x3xf32> {attnc.name = "sum", attnc.dims = ["N"]}) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %low = arith.constant 0xFF800000 : f32
  %n = tensor.dim %x, %c0 : tensor<?x8x8x3xf32>
  %e = tensor.empty(%n) : tensor<?x4x4x3xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x4x4x3xf32>) -> tensor<?x4x4x3xf32>
  %i = linalg.fill ins(%low : f32) outs(%e : tensor<?x4x4x3xf32>) -> tensor<?x4x4x3xf32>
  %window = tensor.empty() : tensor<2x2xf32>
  %max = linalg.pooling_nhwc_max {strides = dense<2> : vector<2xi64>, dilations = dense<1> : vector<2xi64>} ins(%x, %window : tensor<?x8x8x3xf32>, tensor<2x2xf32>) outs(%i : tensor<?x4x4x3xf32>) -> tensor<?x4x4x3xf32>
  %sum = linalg.pooling_nhwc_sum {strides = dense<2> : vector<2xi64>, dilations = dense<1> : vector<2xi64>} ins(%x, %window : tensor<?x8x8x3xf32>, tensor<2x2xf32>) outs(%z : tensor<?x4x4x3xf32>) -> tensor<?x4x4x3xf32>
  return %max, %sum : tensor<?x4x4x3xf32>, tensor<?x4x4x3xf32>
}

func.func @shapes(%x: tensor<?x3x?xf32> {attnc.name = "x", attnc.dims = ["N", "M"]})
    -> (tensor<?x?x3xf32> {attnc.name = "transposed", attnc.dims = ["M", "N"]}, tensor<3xf32> {attnc.name = "reduced"}, tensor<?x3x?x2xf32> {attnc.name = "broadcast", attnc.dims = ["N", "M"]}, tensor<?x3x?xf32> {attnc.name = "copied", attnc.dims = ["N", "M"]}) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %zero = arith.constant 0.0 : f32
  %n = tensor.dim %x, %c0 : tensor<?x3x?xf32>
  %m = tensor.dim %x, %c2 : tensor<?x3x?xf32>
  %emn3 = tensor.empty(%m, %n) : tensor<?x?x3xf32>
  %transposed = linalg.transpose ins(%x : tensor<?x3x?xf32>) outs(%emn3 : tensor<?x?x3xf32>) permutation = [2, 0, 1]
  %e3 = tensor.empty() : tensor<3xf32>
  %z3 = linalg.fill ins(%zero : f32) outs(%e3 : tensor<3xf32>) -> tensor<3xf32>
  %reduced = linalg.reduce { arith.addf } ins(%x : tensor<?x3x?xf32>) outs(%z3 : tensor<3xf32>) dimensions = [0, 2]
  %en3m2 = tensor.empty(%n, %m) : tensor<?x3x?x2xf32>
  %broadcast = linalg.broadcast ins(%x : tensor<?x3x?xf32>) outs(%en3m2 : tensor<?x3x?x2xf32>) dimensions = [3]
  %en3m = tensor.empty(%n, %m) : tensor<?x3x?xf32>
  %copied = linalg.copy ins(%x : tensor<?x3x?xf32>) outs(%en3m : tensor<?x3x?xf32>) -> tensor<?x3x?xf32>
  return %transposed, %reduced, %broadcast, %copied : tensor<?x?x3xf32>, tensor<3xf32>, tensor<?x3x?x2xf32>, tensor<?x3x?xf32>
}

// What consists of other ops: softmax along any dimension.
func.func @composed(%x: tensor<?x4x?xf32> {attnc.name = "x", attnc.dims = ["N", "M"]})
    -> (tensor<?x4x?xf32> {attnc.name = "inner", attnc.dims = ["N", "M"]}, tensor<?x4x?xf32> {attnc.name = "middle", attnc.dims = ["N", "M"]}) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %zero = arith.constant 0.0 : f32
  %n = tensor.dim %x, %c0 : tensor<?x4x?xf32>
  %m = tensor.dim %x, %c2 : tensor<?x4x?xf32>
  %e = tensor.empty(%n, %m) : tensor<?x4x?xf32>
  %inner = linalg.softmax dimension(2) ins(%x : tensor<?x4x?xf32>) outs(%e : tensor<?x4x?xf32>) -> tensor<?x4x?xf32>
  %middle = linalg.softmax dimension(1) ins(%x : tensor<?x4x?xf32>) outs(%e : tensor<?x4x?xf32>) -> tensor<?x4x?xf32>
  return %inner, %middle : tensor<?x4x?xf32>, tensor<?x4x?xf32>
}

// Generic ops: indices, several results, a reduction beside an elementwise result, constants and scalars from outside, whole
// tensors read by computed index, a diagonal, a window.
#ij = affine_map<(i, j) -> (i, j)>
#i = affine_map<(i, j) -> (i)>
#j = affine_map<(i, j) -> (j)>
func.func @generic(%x: tensor<?x?xf32> {attnc.name = "x", attnc.dims = ["N", "M"]}, %scale: f32 {attnc.name = "scale"}, %table: tensor<?xf32> {attnc.name = "table", attnc.dims = ["M"]}, %sum: tensor<?xf32> {attnc.name = "sum", attnc.dims = ["N"]})
    -> (tensor<?x?xf32> {attnc.name = "scaled", attnc.dims = ["N", "M"]}, tensor<?xf32> {attnc.name = "sums", attnc.dims = ["N"]}, tensor<?x?xf32> {attnc.name = "read", attnc.dims = ["N", "M"]}, tensor<?x?xi64> {attnc.name = "indices", attnc.dims = ["N", "M"]}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %half = arith.constant 0.5 : f32
  %n = tensor.dim %x, %c0 : tensor<?x?xf32>
  %m = tensor.dim %x, %c1 : tensor<?x?xf32>
  %e = tensor.empty(%n, %m) : tensor<?x?xf32>
  %scaled, %sums = linalg.generic {indexing_maps = [#ij, #ij, #i], iterator_types = ["parallel", "reduction"]} ins(%x : tensor<?x?xf32>) outs(%e, %sum : tensor<?x?xf32>, tensor<?xf32>) {
  ^bb0(%a: f32, %old: f32, %s: f32):
    %b = arith.mulf %a, %scale : f32
    %c = arith.addf %b, %half : f32
    %t = arith.addf %s, %c : f32
    linalg.yield %c, %t : f32, f32
  } -> (tensor<?x?xf32>, tensor<?xf32>)
  %ei = tensor.empty(%n, %m) : tensor<?x?xi64>
  %read, %indices = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} outs(%e, %ei : tensor<?x?xf32>, tensor<?x?xi64>) {
  ^bb0(%old: f32, %oldIndex: i64):
    %i = linalg.index 0 : index
    %j = linalg.index 1 : index
    %sum2 = arith.addi %i, %j : index
    %at = arith.remui %sum2, %m : index
    %value = tensor.extract %table[%at] : tensor<?xf32>
    %word = arith.index_cast %sum2 : index to i64
    linalg.yield %value, %word : f32, i64
  } -> (tensor<?x?xf32>, tensor<?x?xi64>)
  return %scaled, %sums, %read, %indices : tensor<?x?xf32>, tensor<?xf32>, tensor<?x?xf32>, tensor<?x?xi64>
}

#d = affine_map<(i) -> (i, i)>
#o = affine_map<(i) -> (i)>
#w = affine_map<(i, k) -> (i + 2 * k)>
#k = affine_map<(i, k) -> (k)>
#wi = affine_map<(i, k) -> (i)>
func.func @generic_maps(%x: tensor<7x7xf32> {attnc.name = "x"}, %s: tensor<12xf32> {attnc.name = "s"}, %k: tensor<3xf32> {attnc.name = "k"})
    -> (tensor<7xf32> {attnc.name = "diagonal"}, tensor<8xf32> {attnc.name = "window"}) {
  %zero = arith.constant 0.0 : f32
  %e7 = tensor.empty() : tensor<7xf32>
  %diagonal = linalg.generic {indexing_maps = [#d, #o], iterator_types = ["parallel"]} ins(%x : tensor<7x7xf32>) outs(%e7 : tensor<7xf32>) {
  ^bb0(%a: f32, %old: f32):
    linalg.yield %a : f32
  } -> tensor<7xf32>
  %e8 = tensor.empty() : tensor<8xf32>
  %z8 = linalg.fill ins(%zero : f32) outs(%e8 : tensor<8xf32>) -> tensor<8xf32>
  %window = linalg.generic {indexing_maps = [#w, #k, #wi], iterator_types = ["parallel", "reduction"]} ins(%s, %k : tensor<12xf32>, tensor<3xf32>) outs(%z8 : tensor<8xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %ab = arith.mulf %a, %b : f32
    %abc = arith.addf %ab, %c : f32
    linalg.yield %abc : f32
  } -> tensor<8xf32>
  return %diagonal, %window : tensor<7xf32>, tensor<8xf32>
}
