"""Writes a11_hrm.mlir: python generate_a11_hrm.py > a11_hrm.mlir"""
from a11_hrm import CONFIG
from a_text import D, INPUTS, LENGTHS, X, entry, first_rows, function, header, run, start, transformer
from layers_ir import call, linear, maps, over, parallel, sizes

SCORE, ROWS, Q = over(1), over(1, of="i1"), over(1, 2)
lines, dims = sizes(2, "%x", X)

cycle = [*lines, f"%high = arith.constant {CONFIG['high_cycles']} : index", f"%low = arith.constant {CONFIG['low_cycles']} : index", f"%e = tensor.empty({dims}) : {X}",
         f"%zl, %zh = scf.for %i = %c0 to %high step %c1 iter_args(%l0 = %L, %h0 = %H) -> ({X}, {X}) {{",
         f"  %l1 = scf.for %j = %c0 to %low step %c1 iter_args(%l = %l0) -> ({X}) {{",
         f"    %a = linalg.add ins(%l, %h0 : {X}, {X}) outs(%e : {X}) -> {X}", f"    %b = linalg.add ins(%a, %x : {X}, {X}) outs(%e : {X}) -> {X}",
         "    " + run("%next", "low", "%b"), f"    scf.yield %next : {X}", "  }",
         f"  %c = linalg.add ins(%h0, %l1 : {X}, {X}) outs(%e : {X}) -> {X}", "  " + run("%h1", "high", "%c"), f"  scf.yield %l1, %h1 : {X}, {X}", "}",
         first_rows("%first", "%zh"), call("%q", "halt", {"%first": over(1, D)}, Q), f"%se = tensor.empty(%n0) : {SCORE}",
         f"%d = linalg.generic {{indexing_maps = {maps('b', 'b 0', 'b 1', 'b')}, iterator_types = {parallel(1)}}} ins(%q, %q : {Q}, {Q}) outs(%se : {SCORE}) {{",
         "^bb0(%u: f32, %v: f32, %o: f32):", "  %y = arith.subf %u, %v : f32", "  linalg.yield %y : f32", f"}} -> {SCORE}",
         f"return %zl, %zh, %d : {X}, {X}, {SCORE}"]
main = [*start(), "%zero = arith.constant 0.0 : f32", "%yes = arith.constant true", f"%cap = arith.constant {CONFIG['cap']} : index",
        f"%ae = tensor.empty(%n0) : {ROWS}", f"%all = linalg.fill ins(%yes : i1) outs(%ae : {ROWS}) -> {ROWS}",
        f"%e = tensor.empty(%n0, %n1) : {X}", f"%none = linalg.fill ins(%zero : f32) outs(%e : {X}) -> {X}",
        f"%L, %H, %steps = loop.adaptive threshold threshold(%zero) compare(gt) active(%running = %all : {ROWS}) cap(%cap) step(%t)",
        f"    carry(frozen %l = %none : {X}, frozen %h = %none : {X}) {{",
        f'  %zl, %zh, %d = func.call @cycle(%x, %l, %h, %lengths) : ({X}, {X}, {X}, {LENGTHS}) -> ({X}, {X}, {SCORE})',
        f"  loop.yield %zl, %zh score(%d : {SCORE}) : {X}, {X}", "}", call("%y", "out", {"%H": X}, over(2, CONFIG["classes"]))]
print(header("a11_hrm", "two recurrent states at two rates, and a halting head (models.md A11).") + transformer("low") + transformer("high") + linear("halt", 1, D, 2)
      + linear("out", 2, D, CONFIG["classes"])
      + function("cycle", "One cycle, and q_0 - q_1 behind it.", {"%x": X, "%L": X, "%H": X, "%lengths": LENGTHS}, f"({X}, {X}, {SCORE})", cycle)
      + entry("main", "A row is a sequence.", INPUTS, {"%y": ("y", over(2, CONFIG["classes"]), "BT"), "%steps": ("steps", over(1, of="i32"), "B")}, main), end="")
