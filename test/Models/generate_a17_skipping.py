"""Writes a17_skipping.mlir: python generate_a17_skipping.py > a17_skipping.mlir"""
from a17_skipping import CONFIG
from a_text import D, INPUTS, X, entry, first_rows, header, run, start, transformer
from layers_ir import call, linear, maps, over, parallel


def layer(l, rows):
    """h and the count behind layer l; rows: 2 (tokens) or 1 (sequences)."""
    gate, count, at = over(rows, 1), over(rows, of="i32"), "b t"[:2 * rows - 1]
    sizes = ", ".join(f"%n{n}" for n in range(rows))
    of = f"%h{l}" if rows == 2 else f"%f{l}"
    return [*([] if rows == 2 else [first_rows(of, f"%h{l}")]), call(f"%g{l}", f"gates.{l}", {of: over(rows, D)}, gate), run(f"%r{l}", l, f"%h{l}"),
            f"%he{l} = tensor.empty(%n0, %n1) : {X}",
            f"%h{l + 1} = linalg.generic {{indexing_maps = {maps('b t c', at + ' 0', 'b t c', 'b t c', 'b t c')}, iterator_types = {parallel(3)}}}",
            f"    ins(%g{l}, %r{l}, %h{l} : {gate}, {X}, {X}) outs(%he{l} : {X}) {{", "^bb0(%u: f32, %new: f32, %old: f32, %o: f32):",
            "  %runs = arith.cmpf ogt, %u, %zero : f32", "  %v = arith.select %runs, %new, %old : f32", "  linalg.yield %v : f32", f"}} -> {X}",
            f"%se{l} = tensor.empty({sizes}) : {count}",
            f"%s{l + 1} = linalg.generic {{indexing_maps = {maps(at, at + ' 0', at, at)}, iterator_types = {parallel(rows)}}}",
            f"    ins(%g{l}, %s{l} : {gate}, {count}) outs(%se{l} : {count}) {{", "^bb0(%u: f32, %n: i32, %o: i32):",
            "  %runs = arith.cmpf ogt, %u, %zero : f32", "  %one = arith.extui %runs : i1 to i32", "  %v = arith.addi %n, %one : i32",
            "  linalg.yield %v : i32", f"}} -> {count}"]


def gated(name, about, rows):
    L, count = CONFIG["layers"], over(rows, of="i32")
    sizes = ", ".join(f"%n{n}" for n in range(rows))
    body = [*start(), "%zero = arith.constant 0.0 : f32", "%none = arith.constant 0 : i32", f"%se = tensor.empty({sizes}) : {count}",
            f"%s0 = linalg.fill ins(%none : i32) outs(%se : {count}) -> {count}"]
    text = "\n".join(body + [line for l in range(L) for line in layer(l, rows)]).replace("%h0", "%x").split("\n")
    return entry(name, about, INPUTS, {f"%h{L}": ("y", X, "BT"), f"%s{L}": ("steps", count, "BT"[:rows])}, text)


def gates(rows):
    """Gates over tokens; those over sequences' first tokens are the same on rank 2."""
    return "".join(linear(f"gates.{l}", rows, D, 1) for l in range(CONFIG["layers"]))


def again(text):
    """The same functions on rows of rank 1, under other names, with the weights that are there already."""
    lines = [line for line in text.split("\n") if not line.startswith("ml_program.global")]
    return "\n".join(lines).replace('private @"gates.', 'private @"first.')


sequence = gated("main_sequence", "A gate for a sequence: its first token's.", 1).replace('call @"gates.', 'call @"first.')
print(header("a17_skipping", "a gate decides whether a layer runs (models.md A17).") + "".join(transformer(l) for l in range(CONFIG["layers"])) + gates(2) + again(gates(1))
      + gated("main", "A gate for each token.", 2) + sequence, end="")
