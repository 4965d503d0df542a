"""What a model does wrong only as it runs: one sentence each, with the op and its place."""
import re

import numpy as np

from interpreter import run

Z = np.zeros
COUNT = 0


def fails(expected, arguments, result, body, *inputs, before=""):
    """The body (it ends with %y, or returns) stops with the sentence."""
    global COUNT
    COUNT += 1
    end = "" if "return" in body else f"  return %y : {result}\n"
    try:
        run(f"{before}\nfunc.func @main({arguments}) -> ({result}) {{\n{body}\n{end}}}", *inputs)
    except RuntimeError as problem:
        line = str(problem).splitlines()[0]
        assert re.match(r"attnc run: <stdin>:\d+:\d+: '[\w.]+': ", line) and expected in line, f"expected: {expected}\nfound: {line}"
        return
    raise AssertionError(f"nothing failed, expected: {expected}")


i = np.int64
T, D = "tensor<?xf32>", "tensor<?x?xf32>"
# Numbers and indices.
for op in ("divsi", "remsi", "divui", "remui", "ceildivui", "ceildivsi", "floordivsi"):
    fails("division by zero", "%a: i32, %b: i32", "i32", f"%y = arith.{op} %a, %b : i32", np.int32(5), np.int32(0))
fails("expected divisors other than 0", "%a: index, %b: index", "index", "%y = affine.apply affine_map<(i)[s] -> (i floordiv s)>(%a)[%b]", i(5), i(0))
fails("index [7] outside the tensor of shape [3]", f"%x: {T}, %n: index", "f32", f"%y = tensor.extract %x[%n] : {T}", Z(3), i(7))
fails("index outside the tensor", f"%x: {T}, %n: index", T, f"""%y = linalg.generic {{indexing_maps = [affine_map<(i) -> (i)>], iterator_types = ["parallel"]}} outs(%x : {T}) {{
^bb0(%o: f32):
  %e = tensor.extract %x[%n] : {T}
  linalg.yield %e : f32
}} -> {T}""", Z(3), i(7))
fails("expected sizes of at least 0, found -1", "%n: index", T, f"%y = tensor.empty(%n) : {T}", i(-1))
fails("expected a dimension of the tensor of rank 1, found 1", f"%x: {T}, %n: index", "index", f"%y = tensor.dim %x, %n : {T}", Z(3), i(1))
# Shapes that are known only now.
fails("expected operands of one shape, found [3] and [4]", f"%x: {T}, %z: {T}", T, f"%y = arith.addf %x, %z : {T}", Z(3), Z(4))
fails("expected result 0 of shape [4], computed [3]", f"%x: {T}", "tensor<4xf32>", f"%y = tensor.cast %x : {T} to tensor<4xf32>", Z(3))
fails("expected as many elements in [2, 2] as in [3]", f"%x: {T}, %s: tensor<2xindex>", D, f"%y = tensor.reshape %x(%s) : ({T}, tensor<2xindex>) -> {D}", Z(3), np.array([2, 2]))
fails("expected [2, 2] to divide [3] as the groups say", f"%x: {T}, %n: index", D, f"%y = tensor.expand_shape %x [[0, 1]] output_shape [%n, %n] : {T} into {D}", Z(3), i(2))
fails("offset 2, size 2 and stride 1 leave dimension 0 of 3 elements", f"%x: {T}, %n: index", "tensor<2xf32>", f"%y = tensor.extract_slice %x[%n] [2] [1] : {T} to tensor<2xf32>", Z(3), i(2))
fails("expected a source of sizes [2], found [3]", f"%x: {T}, %v: {T}, %n: index", T, f"%y = tensor.insert_slice %v into %x[0] [%n] [1] : {T} into {T}", Z(5), Z(3), i(2))
fails("expected padding of at least 0, found [-1] and [0]", f"%x: {T}, %n: index", T, f"""%c = arith.constant 0.0 : f32
%y = tensor.pad %x low[%n] high[0] {{
^bb0(%a: index):
  tensor.yield %c : f32
}} : {T} to {T}""", Z(3), i(-1))
fails("expected parts that differ along dimension 1 only, found [3, 2] beside [2, 2]", f"%x: {D}, %z: {D}", D, f"%y = tensor.concat dim(1) %x, %z : ({D}, {D}) -> {D}", Z((2, 2)), Z((3, 2)))
fails("index 3 leaves dimension 0 of 3 elements", f"%x: {T}, %n: tensor<1x1xindex>", "tensor<1x1xf32>",
      f"%y = tensor.gather %x[%n] gather_dims([0]) : ({T}, tensor<1x1xindex>) -> tensor<1x1xf32>", Z(3), np.array([[3]]))
fails("expected dimension 0 of operand 1 to have 3 elements, found 4", f"%x: {T}, %z: {T}", T, f"%y = linalg.add ins(%x, %z : {T}, {T}) outs(%x : {T}) -> {T}", Z(3), Z(4))
# Control.
fails("expected a step of at least 1, found 0", "%n: index", "index", "%y = scf.for %k = %n to %n step %n iter_args(%a = %n) -> index {\n  scf.yield %a : index\n}", i(0))
fails("calls are nested deeper than 256", "%n: index", "index", "%y = func.call @again(%n) : (index) -> index", i(0),
      before="func.func private @again(%n: index) -> index {\n  %y = func.call @again(%n) : (index) -> index\n  return %y : index\n}")
fails("expected @outside to have a body", "%n: index", "index", "%y = func.call @outside(%n) : (index) -> index", i(0), before="func.func private @outside(index) -> index")
fails("unsupported op: the reference interpreter knows", "%n: index", "index", "%m = memref.alloca() : memref<4xf32>\n%c = arith.constant 0 : index\n%y = memref.dim %m, %c : memref<4xf32>", i(0))
fails("the model reads the weight 'w'", "%n: index", "tensor<2xf32>", "%y = ml_program.global_load_const @w : tensor<2xf32>", i(0),
      before="ml_program.global private @w(#ml_program.extern : tensor<2xf32>) : tensor<2xf32>")
# attn.
ATTEND = "%y = attn.attention softmax scale(1.0) query %q[i, d] : {q} source %k[j, d], %v[j, v] : {D}, {D} into %o[i, v] : {D}"
fails("expected one extent of d, found", f"%q: {D}, %k: {D}, %v: {D}, %o: {D}", D, ATTEND.format(q=D, D=D), Z((2, 3)), Z((4, 5)), Z((4, 6)), Z((2, 6)))
fails("expected one extent of j, found 4 and 5", f"%q: {D}, %k: {D}, %v: {D}, %o: {D}", D, ATTEND.format(q=D, D=D), Z((2, 3)), Z((4, 3)), Z((5, 6)), Z((2, 6)))
fails("index 2 leaves a dimension of 2 elements", f"%q: tensor<?x?x?xf32>, %k: {D}, %v: {D}, %o: {D}", D, ATTEND.replace("[i, d]", "[2, i, d]", 1).format(q="tensor<?x?x?xf32>", D=D),
      Z((2, 2, 3)), Z((4, 3)), Z((4, 6)), Z((2, 6)))
fails("expected rows that rise from 0 to at most 4, found 1 behind 3", f"%q: {D}, %k: {D}, %v: {D}, %o: {D}, %r: tensor<3xi32>", D,
      ATTEND.replace(": {q}", ": {q} rows %r : tensor<3xi32>").format(q=D, D=D), Z((4, 3)), Z((4, 3)), Z((4, 6)), Z((4, 6)), np.array([0, 3, 1], np.int32))
fails("expected 3 elements in weight and bias, found 4", f"%x: {D}, %w: {T}", D, f"%y = attn.rms_norm %x weight(%w : {T}) eps(1.0e-6) : {D}", Z((2, 3)), Z(4))
fails("expected 2 frequencies, found 3", f"%x: {D}, %w: {T}", D, f"%y = attn.rotary half_split %x along [0] frequencies(%w : {T}) : {D}", Z((2, 4)), Z(3))
fails("expected an even width within 3, found 3", f"%x: {D}", D, f"%y = attn.rotary half_split %x along [0] base(1.0e4) : {D}", Z((2, 3)))
fails("expected positions for dimension 0 of 2 elements, found 3", f"%x: {D}, %p: tensor<?xi32>", D,
      f"%y = attn.rotary half_split %x along [0] positions(%p : tensor<?xi32>) base(1.0e4) : {D}", Z((2, 4)), Z(3, np.int32))
RING = "%y = attn.ring_append %r into %x along 0 count(%n) pinned(2) : {D}, {D}"
fails("expected rows of shape [1, 4], found [1, 3]", f"%r: {D}, %x: {D}, %n: index", D, RING.format(D=D), Z((1, 3)), Z((5, 4)), i(0))
fails("expected a count of at least 0 and fewer pinned rows than 2, found 0 and 2", f"%r: {D}, %x: {D}, %n: index", D, RING.format(D=D), Z((1, 4)), Z((2, 4)), i(0))
fails("expected 1 leading dimensions in common, found [3, 5] and [2, 1]", f"%x: {D}, %n: tensor<?x?xi32>", D,
      f"%y = attn.gather_rows %x[%n] batch 1 : {D}, tensor<?x?xi32> -> {D}", Z((3, 5)), Z((2, 1), np.int32))
fails("and an index for each, found [2, 3] and [2]", f"%r: {D}, %x: {D}, %n: tensor<?xi32>", D, f"%y = attn.scatter_rows set %r into %x[%n] : {D}, {D}, tensor<?xi32>",
      Z((2, 3)), Z((5, 4)), Z(2, np.int32))
fails("expected k within the last dimension (3), found 4", f"%x: {T}, %k: index", T, f"%y, %n = attn.top_k %x k(%k) : {T} -> {T}, tensor<?xi32>", Z(3), i(4))
fails("expected sizes of at least 0, found [-2]", "%s: i64, %n: index", "tensor<?xi32>", "%y = attn.random_bits seed(%s) sizes(%n) : tensor<?xi32>", i(1), i(-2))
fails("expected a row for each of [2], found [3]", "%s: i64, %n: index, %r: tensor<?xi32>", "tensor<?xi32>",
      "%y = attn.random_bits seed(%s) rows(%r : tensor<?xi32>) sizes(%n) : tensor<?xi32>", i(1), i(2), Z(3, np.int32))
R4, R3 = "tensor<?x?x?x?xf32>", "tensor<?x?x?xf32>"
SCAN = f"%q: {R4}, %k: {R4}, %v: {R4}, %s: {R4}"
fails("expected queries and keys [B, T, H, K], values [B, T, H, V] and state", SCAN, R4, f"%y, %l = attn.linear_scan %q, %k, %v state(%s) : {R4}, {R4}, {R4}, {R4}",
      Z((1, 2, 3, 4)), Z((1, 2, 3, 4)), Z((1, 2, 3, 5)), Z((1, 3, 5, 4)))
fails("expected beta and decay over [B, T, H] as the keys, found", SCAN + f", %b: {R3}", R4, f"%y, %l = attn.delta_scan %q, %k, %v state(%s) beta(%b : {R3}) : {R4}, {R4}, {R4}, {R4}",
      Z((1, 2, 3, 4)), Z((1, 2, 3, 4)), Z((1, 2, 3, 5)), Z((1, 3, 4, 5)), Z((1, 2, 2)))
fails("expected input and delta [B, T, D], a [D, N], b and c [B, T, N]", f"%x: {R3}, %d: {R3}, %a: {D}, %b: {R3}, %c: {R3}, %s: {R3}", R3,
      f"%y, %l = attn.selective_scan %x, %d, %a, %b, %c state(%s) : {R3}, {R3}, {D}, {R3}, {R3}, {R3}", Z((1, 2, 3)), Z((1, 2, 3)), Z((3, 4)), Z((1, 2, 4)), Z((1, 2, 4)), Z((1, 4, 3)))
# loop.
fails("expected a score for each row of [2], found [3]", f"%a: tensor<?xi1>, %p: {T}, %l: f32, %c: index", "tensor<?xi32>",
      f"""%y = loop.adaptive threshold threshold(%l) active(%r = %a : tensor<?xi1>) cap(%c) step(%t) {{
  loop.yield score(%p : {T})
}}""", np.ones(2, bool), Z(3), 0.5, i(2))
fails("expected carried value 0 to keep its shape [2, 3], with the rows [2] in front, found [3, 3]", f"%a: tensor<?xi1>, %x: {D}, %z: {D}, %p: {T}, %l: f32, %c: index", D,
      f"""%y, %s = loop.adaptive threshold threshold(%l) active(%r = %a : tensor<?xi1>) cap(%c) step(%t) carry(frozen %h = %x : {D}) {{
  loop.yield %z score(%p : {T}) : {D}
}}""", np.ones(2, bool), Z((2, 3)), Z((3, 3)), Z(2), 0.5, i(2))
fails("expected f(z) of the shape of z, [2, 3], found [3, 3]", f"%x: {D}, %z: {D}, %l: f32, %c: index", D, f"""%y, %s, %r = loop.fixed_point picard tolerance(%l) cap(%c) init(%h = %x : {D}) {{
  loop.yield %z : {D}
}}""", Z((2, 3)), Z((3, 3)), 0.5, i(2))
fails("expected a block of 2 rows to yield as many, found 3", f"%x: {T}, %z: {T}", T, f"""%y = loop.segment size 2 number(%n) blocks(%b = %x along 0 : {T}) -> (along 0 : {T}) {{
  loop.yield %z : {T}
}}""", Z(4), Z(3))
fails("expected inputs of one length, found 4 and 3", f"%x: {T}, %z: {T}", T, f"""%y = loop.segment size 2 number(%n) blocks(%b = %x along 0 : {T}, %c = %z along 0 : {T}) -> (along 0 : {T}) {{
  loop.yield %b : {T}
}}""", Z(4), Z(3))
print(COUNT, "errors as expected")
