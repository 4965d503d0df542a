"""Ops of tensor, linalg, scf and func against NumPy, one small program each."""
import numpy as np

from interpreter import check, run

random = np.random.default_rng(7)
X, Y, M, W = random.standard_normal((4, 6)), random.standard_normal((4, 6)), random.standard_normal((3, 4)), random.standard_normal((6, 5))
B1, B2, V = random.standard_normal((2, 3, 4)), random.standard_normal((2, 4, 5)), random.standard_normal(6)
I = np.array([[2, 1], [0, 5]])
IMAGE, KERNEL = random.standard_normal((1, 3, 9)), random.standard_normal((2, 3, 4))
PROGRAMS = []


def program(name, arguments, result, body, inputs, *expected):
    """`body` ends with %y, or with a return of its own."""
    end = "" if "return" in body else f"  return %y : {result}\n"
    PROGRAMS.append((name, f"func.func @main({arguments}) -> ({result}) {{\n{body}\n{end}}}", inputs, expected))


x, dynamic = "%x: tensor<4x6xf64>", "%x: tensor<?x?xf64>"
program("extract_slice", dynamic + ", %n: index", "tensor<2x?xf64>", "%y = tensor.extract_slice %x[1, 0] [2, %n] [1, 2] : tensor<?x?xf64> to tensor<2x?xf64>",
        [X, np.int64(3)], X[1:3, 0:6:2])
program("extract_slice, rank reduced", x, "tensor<6xf64>", "%y = tensor.extract_slice %x[2, 0] [1, 6] [1, 1] : tensor<4x6xf64> to tensor<6xf64>", [X], X[2])
inserted = X.copy()
inserted[1, 1:6:2] = V[:3]
program("insert_slice", x + ", %v: tensor<3xf64>", "tensor<4x6xf64>", "%y = tensor.insert_slice %v into %x[1, 1] [1, 3] [1, 2] : tensor<3xf64> into tensor<4x6xf64>", [X, V[:3]], inserted)
program("pad", x, "tensor<7x8xf64>", """%c = arith.constant 9.0 : f64
%y = tensor.pad %x low[1, 0] high[2, 2] {
^bb0(%i: index, %j: index):
  tensor.yield %c : f64
} : tensor<4x6xf64> to tensor<7x8xf64>""", [X], np.pad(X, ((1, 2), (0, 2)), constant_values=9))
program("concat", x + ", %z: tensor<4x6xf64>", "tensor<4x12xf64>", "%y = tensor.concat dim(1) %x, %z : (tensor<4x6xf64>, tensor<4x6xf64>) -> tensor<4x12xf64>", [X, Y],
        np.concatenate([X, Y], 1))
program("gather", x + ", %i: tensor<2x2xi32>", "tensor<2x1x1xf64>",
        "%y = tensor.gather %x[%i] gather_dims([0, 1]) : (tensor<4x6xf64>, tensor<2x2xi32>) -> tensor<2x1x1xf64>", [X, I.astype(np.int32)], X[I[:, 0], I[:, 1]].reshape(2, 1, 1))
program("expand_shape", "%x: tensor<?x6xf64>, %n: index", "tensor<?x2x3xf64>",
        "%y = tensor.expand_shape %x [[0], [1, 2]] output_shape [%n, 2, 3] : tensor<?x6xf64> into tensor<?x2x3xf64>",
        [X, np.int64(4)], X.reshape(4, 2, 3))
program("collapse_shape", "%x: tensor<2x3x4xf64>", "tensor<6x4xf64>", "%y = tensor.collapse_shape %x [[0, 1], [2]] : tensor<2x3x4xf64> into tensor<6x4xf64>", [B1], B1.reshape(6, 4))
program("reshape", x + ", %s: tensor<3xindex>", "tensor<?x?x?xf64>", "%y = tensor.reshape %x(%s) : (tensor<4x6xf64>, tensor<3xindex>) -> tensor<?x?x?xf64>",
        [X, np.array([3, 2, 4])], X.reshape(3, 2, 4))
program("generate, dim, cast", dynamic, "tensor<?x?xindex>", """%c0 = arith.constant 0 : index
%n = tensor.dim %x, %c0 : tensor<?x?xf64>
%s = tensor.cast %x : tensor<?x?xf64> to tensor<4x6xf64>
%c1 = arith.constant 1 : index
%m = tensor.dim %s, %c1 : tensor<4x6xf64>
%y = tensor.generate %n, %m {
^bb0(%i: index, %j: index):
  %r = arith.muli %i, %m : index
  %k = arith.addi %r, %j : index
  tensor.yield %k : index
} : tensor<?x?xindex>""", [X], np.arange(24).reshape(4, 6))
program("from_elements, splat, extract, insert", "%v: tensor<6xf64>", "tensor<2x2xf64>, tensor<3xf64>, tensor<6xf64>", """%c2 = arith.constant 2 : index
%a = tensor.extract %v[%c2] : tensor<6xf64>
%f = arith.constant 5.0 : f64
%p = tensor.from_elements %a, %f, %f, %a : tensor<2x2xf64>
%q = tensor.splat %a : tensor<3xf64>
%r = tensor.insert %f into %v[%c2] : tensor<6xf64>
return %p, %q, %r : tensor<2x2xf64>, tensor<3xf64>, tensor<6xf64>""", [V], np.array([[V[2], 5], [5, V[2]]]), np.full(3, V[2]), np.concatenate([V[:2], [5], V[3:]]))

program("matmul", "%m: tensor<3x4xf64>, " + x + ", %o: tensor<3x6xf64>", "tensor<3x6xf64>",
        "%y = linalg.matmul ins(%m, %x : tensor<3x4xf64>, tensor<4x6xf64>) outs(%o : tensor<3x6xf64>) -> tensor<3x6xf64>", [M, X, Y[:3]], M @ X + Y[:3])
program("batch_matmul", "%a: tensor<2x3x4xf64>, %b: tensor<2x4x5xf64>", "tensor<2x3x5xf64>", """%o = arith.constant dense<0.0> : tensor<2x3x5xf64>
%y = linalg.batch_matmul ins(%a, %b : tensor<2x3x4xf64>, tensor<2x4x5xf64>) outs(%o : tensor<2x3x5xf64>) -> tensor<2x3x5xf64>""", [B1, B2], B1 @ B2)
program("contract, transposed", x + ", %w: tensor<5x6xf64>", "tensor<5x4xf64>", """%o = arith.constant dense<1.0> : tensor<5x4xf64>
%y = linalg.contract indexing_maps = [affine_map<(n, t, k) -> (t, k)>, affine_map<(n, t, k) -> (n, k)>, affine_map<(n, t, k) -> (n, t)>]
    ins(%x, %w : tensor<4x6xf64>, tensor<5x6xf64>) outs(%o : tensor<5x4xf64>) -> tensor<5x4xf64>""", [X, W.T.copy()], (X @ W).T + 1)
program("matvec, dot", x + ", %v: tensor<6xf64>", "tensor<4xf64>, tensor<f64>", """%o = arith.constant dense<0.0> : tensor<4xf64>
%p = linalg.matvec ins(%x, %v : tensor<4x6xf64>, tensor<6xf64>) outs(%o : tensor<4xf64>) -> tensor<4xf64>
%z = arith.constant dense<0.0> : tensor<f64>
%q = linalg.dot ins(%v, %v : tensor<6xf64>, tensor<6xf64>) outs(%z : tensor<f64>) -> tensor<f64>
return %p, %q : tensor<4xf64>, tensor<f64>""", [X, V], X @ V, V @ V)
program("fill, transpose, broadcast", x + ", %v: tensor<6xf64>", "tensor<2x2xf64>, tensor<6x4xf64>, tensor<4x6xf64>", """%c = arith.constant 3.0 : f64
%e = tensor.empty() : tensor<2x2xf64>
%p = linalg.fill ins(%c : f64) outs(%e : tensor<2x2xf64>) -> tensor<2x2xf64>
%f = tensor.empty() : tensor<6x4xf64>
%q = linalg.transpose ins(%x : tensor<4x6xf64>) outs(%f : tensor<6x4xf64>) permutation = [1, 0]
%r = linalg.broadcast ins(%v : tensor<6xf64>) outs(%x : tensor<4x6xf64>) dimensions = [0]
return %p, %q, %r : tensor<2x2xf64>, tensor<6x4xf64>, tensor<4x6xf64>""", [X, V], np.full((2, 2), 3.0), X.T, np.tile(V, (4, 1)))
program("map, reduce, softmax", x, "tensor<4x6xf64>, tensor<6xf64>, tensor<4x6xf64>", """%e = tensor.empty() : tensor<4x6xf64>
%p = linalg.map { arith.mulf } ins(%x, %x : tensor<4x6xf64>, tensor<4x6xf64>) outs(%e : tensor<4x6xf64>)
%o = arith.constant dense<-10.0> : tensor<6xf64>
%q = linalg.reduce { arith.maximumf } ins(%x : tensor<4x6xf64>) outs(%o : tensor<6xf64>) dimensions = [0]
%r = linalg.softmax dimension(1) ins(%x : tensor<4x6xf64>) outs(%e : tensor<4x6xf64>) -> tensor<4x6xf64>
return %p, %q, %r : tensor<4x6xf64>, tensor<6xf64>, tensor<4x6xf64>""", [X], X * X, X.max(0), np.exp(X) / np.exp(X).sum(1, keepdims=True))
program("conv_1d_ncw_fcw, strided", "%i: tensor<1x3x9xf64>, %k: tensor<2x3x4xf64>", "tensor<1x2x3xf64>", """%o = arith.constant dense<0.0> : tensor<1x2x3xf64>
%y = linalg.conv_1d_ncw_fcw {strides = dense<2> : tensor<1xi64>, dilations = dense<1> : tensor<1xi64>}
    ins(%i, %k : tensor<1x3x9xf64>, tensor<2x3x4xf64>) outs(%o : tensor<1x2x3xf64>) -> tensor<1x2x3xf64>""",
        [IMAGE, KERNEL], np.stack([(IMAGE[0, None, :, t:t + 4] * KERNEL).sum((1, 2)) for t in (0, 2, 4)], -1)[None])
program("generic, two results, index, capture", x + ", %v: tensor<6xf64>, %s: f64", "tensor<4x6xf64>, tensor<4xf64>", """%e = tensor.empty() : tensor<4x6xf64>
%o = arith.constant dense<0.0> : tensor<4xf64>
%p, %q = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>], iterator_types = ["parallel", "reduction"]}
    ins(%x : tensor<4x6xf64>) outs(%e, %o : tensor<4x6xf64>, tensor<4xf64>) {
^bb0(%a: f64, %b: f64, %sum: f64):
  %j = linalg.index 1 : index
  %c = tensor.extract %v[%j] : tensor<6xf64>
  %m = arith.mulf %a, %c : f64
  %t = arith.addf %sum, %m : f64
  %u = arith.addf %m, %s : f64
  linalg.yield %u, %t : f64, f64
} -> (tensor<4x6xf64>, tensor<4xf64>)
return %p, %q : tensor<4x6xf64>, tensor<4xf64>""", [X, V, 0.25], X * V + 0.25, X @ V)

program("for, if", "%n: index", "index, index", """%c0 = arith.constant 0 : index
%c1 = arith.constant 1 : index
%c2 = arith.constant 2 : index
%even, %odd = scf.for %i = %c0 to %n step %c1 iter_args(%a = %c0, %b = %c0) -> (index, index) {
  %r = arith.remui %i, %c2 : index
  %is = arith.cmpi eq, %r, %c0 : index
  %p, %q = scf.if %is -> (index, index) {
    %s = arith.addi %a, %i : index
    scf.yield %s, %b : index, index
  } else {
    %s = arith.addi %b, %i : index
    scf.yield %a, %s : index, index
  }
  scf.yield %p, %q : index, index
}
return %even, %odd : index, index""", [np.int64(9)], np.int64(20), np.int64(16))
program("while", "%n: i64", "i64, i64", """%zero = arith.constant 0 : i64
%one = arith.constant 1 : i64
%two = arith.constant 2 : i64
%three = arith.constant 3 : i64
%last, %steps = scf.while (%v = %n, %c = %zero) : (i64, i64) -> (i64, i64) {
  %more = arith.cmpi ne, %v, %one : i64
  scf.condition(%more) %v, %c : i64, i64
} do {
^bb0(%v: i64, %c: i64):
  %half = arith.divsi %v, %two : i64
  %odd = arith.remsi %v, %two : i64
  %triple = arith.muli %v, %three : i64
  %up = arith.addi %triple, %one : i64
  %is = arith.cmpi eq, %odd, %one : i64
  %w = arith.select %is, %up, %half : i64
  %d = arith.addi %c, %one : i64
  scf.yield %w, %d : i64, i64
}
return %last, %steps : i64, i64""", [np.int64(27)], np.int64(1), np.int64(111))
for number, want in ((0, 10.0), (3, 30.0), (4, 99.0)):
    program(f"index_switch {number}", "%n: index", "f64", """%y = scf.index_switch %n -> f64
case 0 {
  %c = arith.constant 10.0 : f64
  scf.yield %c : f64
}
case 3 {
  %c = arith.constant 30.0 : f64
  scf.yield %c : f64
}
default {
  %c = arith.constant 99.0 : f64
  scf.yield %c : f64
}""", [np.int64(number)], want)
program("forall", x, "tensor<6x4xf64>", """%e = tensor.empty() : tensor<6x4xf64>
%y = scf.forall (%i) in (4) shared_outs(%o = %e) -> (tensor<6x4xf64>) {
  %r = tensor.extract_slice %x[%i, 0] [1, 6] [1, 1] : tensor<4x6xf64> to tensor<6xf64>
  scf.forall.in_parallel {
    tensor.parallel_insert_slice %r into %o[0, %i] [6, 1] [1, 1] : tensor<6xf64> into tensor<6x4xf64>
  }
}""", [X], X.T)


def recursion():
    text = """func.func private @power(%x: f64, %n: index) -> f64 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %end = arith.cmpi eq, %n, %c0 : index
  %y = scf.if %end -> f64 {
    %one = arith.constant 1.0 : f64
    scf.yield %one : f64
  } else {
    %m = arith.subi %n, %c1 : index
    %p = func.call @power(%x, %m) : (f64, index) -> f64
    %q = arith.mulf %p, %x : f64
    scf.yield %q : f64
  }
  return %y : f64
}
ml_program.global private @scale(dense<[2.0, 3.0]> : tensor<2xf64>) : tensor<2xf64>
func.func @main(%x: f64, %n: index) -> (f64, tensor<2xf64>) {
  %y = func.call @power(%x, %n) : (f64, index) -> f64
  %s = ml_program.global_load_const @scale : tensor<2xf64>
  return %y, %s : f64, tensor<2xf64>
}"""
    y, s = run(text, 1.5, np.int64(7))
    check("calls", y, 1.5 ** 7)
    check("global", s, np.array([2.0, 3.0]))


for name, text, inputs, expected in PROGRAMS:
    found = run(text, *inputs)
    assert len(found) == len(expected), name
    for f, e in zip(found, expected):
        check(name, f, e)
recursion()
print(len(PROGRAMS) + 1, "programs equal to NumPy")
