"""Writes a16_interlayer.mlir: python generate_a16_interlayer.py > a16_interlayer.mlir

Four layers are alike but for the names of their weights."""
from a_text import D, FFN, INPUTS, LENGTHS, X, transformer
from layers_ir import call, entry, function, gelu, gru, linear, over, pointwise, probability, sizes, valid

LAYERS, REPEATS, CAP = 4, 3, 5
ROWS, STEPS = over(2, of="i1"), over(2, of="i32")

HEADER = """// a16_interlayer: layers 1 and 2 repeated with a gated state between layers 0 and 3 (models.md A16).
// Made by generate_a16_interlayer.py.
"""


def step():
    """S_t from S_{t-1}."""
    both, at = over(2, 2 * D), "b t c"
    lines, dims = sizes(2, "%X", X)
    mix = ["%neg = arith.negf %l : f32", "%exp = math.exp %neg : f32", "%den = arith.addf %exp, %one : f32",
           "%g = arith.divf %one, %den : f32", "%rest = arith.subf %one, %g : f32", "%new = arith.mulf %g, %x : f32",
           "%old = arith.mulf %rest, %s : f32", "%sum = arith.addf %new, %old : f32"]
    body = [*lines, "%one = arith.constant 1.0 : f32", f"%both = tensor.concat dim(2) %X, %S : ({X}, {X}) -> {both}",
            call("%logits", "fuse", {"%both": both}, X), f"%e = tensor.empty({dims}) : {X}",
            *pointwise("%in", at, [("%l", "%logits", X, at), ("%x", "%X", X, at), ("%s", "%S", X, at)], ("%e", X), mix, "%sum"),
            call("%h1", "layers.1", {"%in": X, "%lengths": LENGTHS}, X),
            call("%h2", "layers.2", {"%h1": X, "%lengths": LENGTHS}, X), call("%new", "gru", {"%h2": X, "%S": X}, X), f"return %new : {X}"]
    return function("step", "g = σ(W_g [X; S] + b_g), GRU(layer_2(layer_1(g X + (1 - g) S)), S).",
                    {"%X": X, "%S": X, "%lengths": LENGTHS}, X, body)


def begin():
    lines, dims = sizes(2, "%x", X)
    return [*lines, "%zero = arith.constant 0.0 : f32", call("%X", "layers.0", {"%x": X, "%lengths": LENGTHS}, X),
            f"%e = tensor.empty({dims}) : {X}", f"%none = linalg.fill ins(%zero : f32) outs(%e : {X}) -> {X}"]


def main():
    body = [*begin(), f"%repeats = arith.constant {REPEATS} : index",
            f"%state = scf.for %t = %c0 to %repeats step %c1 iter_args(%S = %none) -> ({X}) {{",
            "  " + call("%new", "step", {"%X": X, "%S": X, "%lengths": LENGTHS}, X), f"  scf.yield %new : {X}", "}",
            call("%y", "layers.3", {"%state": X, "%lengths": LENGTHS}, X)]
    return entry("main", "A fixed number of repeats.", INPUTS, {"%y": ("y", X, "BT"), "%state": ("state", X, "BT")}, body)


def main_halted():
    body = [*begin(), f"%cap = arith.constant {CAP} : index", "%limit = arith.constant 0.8 : f32  // 1 - ε",
            call("%rows", "valid", {"%lengths": LENGTHS, "%n0": "index", "%n1": "index"}, ROWS),
            f"%state, %steps = loop.adaptive geometric threshold(%limit) active(%running = %rows : {ROWS}) cap(%cap) step(%t)",
            f"    carry(frozen %S = %none : {X}) {{",
            "  " + call("%new", "step", {"%X": X, "%S": X, "%lengths": LENGTHS}, X),
            "  " + call("%h", "halt", {"%new": X}, over(2)), f"  loop.yield %new score(%h : {over(2)}) : {X}", "}",
            call("%y", "layers.3", {"%state": X, "%lengths": LENGTHS}, X)]
    results = {"%y": ("y", X, "BT"), "%state": ("state", X, "BT"), "%steps": ("steps", STEPS, "BT")}
    about = "Each token stops when H = 1 - Π (1 - h) reaches 1 - ε; its last S counts, no mixture."
    return entry("main_halted", about, INPUTS, results, body)


print(HEADER + valid() + gelu(2, FFN) + "".join(transformer(str(l)) for l in range(LAYERS)) + linear("fuse", 2, 2 * D, D) + gru("gru", 2, D, D)
      + probability("halt", 2, D) + step() + main() + main_halted(), end="")
