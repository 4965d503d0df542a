"""Writes a4_early_exit.mlir: python generate_a4_early_exit.py > a4_early_exit.mlir"""
from a4_early_exit import CONFIG
from a_text import D, INPUTS, LENGTHS, X, entry, first_rows, function, header, run, start, transformer
from layers_ir import call, linear, maps, over, parallel

L, C = CONFIG["layers"], CONFIG["classes"]
ROW, Z, SCORE, ROWS = over(1, D), over(1, C), over(1), over(1, of="i1")


def exit_of(l):
    """Layer l, and what its classifier says."""
    body = [*[line.replace("%x", "%h") for line in start()], run("%y", l, "%h"), first_rows("%first", "%y"), call("%p", f"exits.{l}.pooler", {"%first": ROW}, ROW),
            f"%t = math.tanh %p : {ROW}", call("%z", f"exits.{l}.classifier", {"%t": ROW}, Z), f"return %y, %z : {X}, {Z}"]
    return (transformer(l) + linear(f"exits.{l}.pooler", 1, D, D) + linear(f"exits.{l}.classifier", 1, D, C)
            + function(f"exits.{l}", "The layer, and its classifier's logits.", {"%h": X, "%lengths": LENGTHS}, f"({X}, {Z})", body))


def reduce(result, of, init, lines, value):
    return [f"{result} = linalg.generic {{indexing_maps = {maps('b c', 'b c', 'b')}, iterator_types = [\"parallel\", \"reduction\"]}} ins({of} : {Z}) outs({init} : {SCORE}) {{",
            "^bb0(%u: f32, %o: f32):", *lines, f"  linalg.yield {value} : f32", f"}} -> {SCORE}"]


entropy = ["%c0 = arith.constant 0 : index", "%zero = arith.constant 0.0 : f32", "%low = arith.constant 0xFF800000 : f32", f"%b = tensor.dim %z, %c0 : {Z}", f"%e = tensor.empty(%b) : {SCORE}",
           f"%none = linalg.fill ins(%low : f32) outs(%e : {SCORE}) -> {SCORE}", f"%nothing = linalg.fill ins(%zero : f32) outs(%e : {SCORE}) -> {SCORE}",
           *reduce("%top", "%z", "%none", ["  %m = arith.maximumf %u, %o : f32"], "%m"), f"%d = tensor.empty(%b) : {Z}",
           f"%x = linalg.generic {{indexing_maps = {maps('b c', 'b c', 'b', 'b c')}, iterator_types = {parallel(2)}}} ins(%z, %top : {Z}, {SCORE}) outs(%d : {Z}) {{",
           "^bb0(%u: f32, %t: f32, %o: f32):", "  %v = arith.subf %u, %t : f32", "  linalg.yield %v : f32", f"}} -> {Z}",
           *reduce("%sum", "%x", "%nothing", ["  %p = math.exp %u : f32", "  %s = arith.addf %p, %o : f32"], "%s"),
           *reduce("%mean", "%x", "%nothing", ["  %p = math.exp %u : f32", "  %q = arith.mulf %p, %u : f32", "  %s = arith.addf %q, %o : f32"], "%s"),
           f"%h = linalg.generic {{indexing_maps = {maps('b', 'b', 'b', 'b')}, iterator_types = {parallel(1)}}} ins(%sum, %mean : {SCORE}, {SCORE}) outs(%e : {SCORE}) {{",
           "^bb0(%u: f32, %v: f32, %o: f32):", "  %l = math.log %u : f32", "  %r = arith.divf %v, %u : f32", "  %y = arith.subf %l, %r : f32", "  linalg.yield %y : f32",
           f"}} -> {SCORE}", f"return %h : {SCORE}"]
cases = [line for l in range(L - 1) for line in (f"  case {l + 1} {{", f'    %a{l}, %b{l} = func.call @"exits.{l}"(%h, %lengths) : ({X}, {LENGTHS}) -> ({X}, {Z})',
                                                 f"    scf.yield %a{l}, %b{l} : {X}, {Z}", "  }")]
main = [*start(), "%zero = arith.constant 0.0 : f32", "%yes = arith.constant true", f"%limit = arith.constant {CONFIG['entropy']} : f32", f"%cap = arith.constant {L} : index",
        f"%ae = tensor.empty(%n0) : {ROWS}", f"%all = linalg.fill ins(%yes : i1) outs(%ae : {ROWS}) -> {ROWS}", f"%ze = tensor.empty(%n0) : {Z}",
        f"%none = linalg.fill ins(%zero : f32) outs(%ze : {Z}) -> {Z}",
        f"%state, %logits, %steps = loop.adaptive threshold threshold(%limit) compare(lt) active(%running = %all : {ROWS}) cap(%cap) step(%t)",
        f"    carry(free %h = %x : {X}, frozen %z = %none : {Z}) {{", f"  %next, %new = scf.index_switch %t -> {X}, {Z}", *cases, "  default {",
        f'    %al, %bl = func.call @"exits.{L - 1}"(%h, %lengths) : ({X}, {LENGTHS}) -> ({X}, {Z})', f"    scf.yield %al, %bl : {X}, {Z}", "  }",
        call("  %score", "entropy", {"%new": Z}, SCORE), f"  loop.yield %next, %new score(%score : {SCORE}) : {X}, {Z}", "}"]
print(header("a4_early_exit", "a sequence whose answer is certain leaves (models.md A4).") + "".join(exit_of(l) for l in range(L))
      + function("entropy", "Of softmax(z): ln Σ e^x - Σ x e^x / Σ e^x, x = z - max z.", {"%z": Z}, SCORE, entropy)
      + entry("main", "A row is a sequence; step t runs layer t - 1.", INPUTS, {"%logits": ("logits", Z, "B"), "%steps": ("steps", over(1, of="i32"), "B")}, main), end="")
