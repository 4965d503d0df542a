"""Writes a0_iterative_block.mlir: python generate_a0_iterative_block.py > a0_iterative_block.mlir

Two blocks are alike but for the names of their weights, and five entries differ in one op."""
from layers_ir import (call, entry, feed_forward, function, gelu, gru, linear, norm, over, probability, self_attention, sizes,
                       valid)

D, HEADS, WIDTH, FFN, CAP = 24, 3, 8, 40, 6
X, ROWS, LENGTHS, STEPS = over(2, D), over(2, of="i1"), "tensor<?xi32>", over(2, of="i32")

HEADER = """// a0_iterative_block: blocks that are repeated until each token has halted (models.md A0).
// Made by generate_a0_iterative_block.py.
"""


def candidate(at):
    """f(S, X)."""
    lines, dims = sizes(2, "%X", X)
    body = [*lines, call("%s", at + "state", {"%S": X}, X), call("%x", at + "input", {"%X": X}, X),
            f"%e = tensor.empty({dims}) : {X}", f"%sum = linalg.add ins(%s, %x : {X}, {X}) outs(%e : {X}) -> {X}",
            call("%u", at + "norm1", {"%sum": X}, X), call("%a", at + "attention", {"%u": X, "%lengths": LENGTHS}, X),
            f"%A = linalg.add ins(%u, %a : {X}, {X}) outs(%e : {X}) -> {X}", call("%f", at + "ffn", {"%A": X}, X), f"return %f : {X}"]
    about = "f(S, X): U = LN(W_s S + W_x X + b), A = U + MHSA(U), A + W_down gelu(W_up LN(A))."
    return function(at + "candidate", about, {"%S": X, "%X": X, "%lengths": LENGTHS}, X, body)


def layers(n):
    at = f"blocks.{n}."
    return (linear(at + "input", 2, D, D) + linear(at + "state", 2, D, D, bias=False)
            + norm(at + "norm1", 2, D) + self_attention(at + "attention.", HEADS, WIDTH) + feed_forward(at, 2, D, FFN)
            + gru(at + "gru", 2, D, D) + probability(at + "halt", 2, D) + candidate(at))


def block(n, x, update, remainder):
    """The loop of block n on value x, which gives %stateN, %yN and %stepsN."""
    at, f, new = f"blocks.{n}.", f"%f{n}", f"%new{n}"
    step = {"gru": [call(new, at + "gru", {f: X, f"%S{n}": X}, X)], "replace": [],
            "residual": [f"{new} = linalg.add ins(%S{n}, {f} : {X}, {X}) outs(%e : {X}) -> {X}"]}[update]
    new = f if update == "replace" else new
    policy = "geometric threshold(%limit)" + ("" if remainder == "assign" else " remainder(drop)")
    body = [call(f, at + "candidate", {f"%S{n}": X, x: X, "%lengths": LENGTHS}, X), *step,
            call(f"%h{n}", at + "halt", {new: X}, over(2)), f"loop.yield {new}, {new} score(%h{n} : {over(2)}) : {X}, {X}"]
    return [f"%state{n}, %y{n}, %steps{n} = loop.adaptive {policy} active(%running{n} = %rows : {ROWS}) cap(%cap) step(%t{n})",
            f"    carry(frozen %S{n} = %none : {X}, mean %sum{n} = %none : {X}) {{", *[f"  {line}" for line in body], "}"]


def variant(name, about, blocks=1, update="gru", remainder="assign"):
    lines, dims = sizes(2, "%x", X)
    body = [*lines, f"%cap = arith.constant {CAP} : index", "%limit = arith.constant 0.9 : f32  // 1 - ε",
            "%zero = arith.constant 0.0 : f32", f"%e = tensor.empty({dims}) : {X}",
            f"%none = linalg.fill ins(%zero : f32) outs(%e : {X}) -> {X}", call("%rows", "valid", {"%lengths": LENGTHS, "%n0": "index", "%n1": "index"}, ROWS)]
    for n in range(blocks):
        body += block(n, f"%y{n - 1}" if n else "%x", update, remainder)
    last = blocks - 1
    results = {f"%y{last}": ("y", X, "BT"), f"%state{last}": ("state", X, "BT"), "%steps0": ("steps", STEPS, "BT")}
    results |= {"%steps1": ("steps2", STEPS, "BT")} if blocks == 2 else {}
    return entry(name, about, {"%x": ("x", X, "BT"), "%lengths": ("lengths", LENGTHS, "B")}, results, body)


print(HEADER + valid() + gelu(2, FFN) + layers(0) + layers(1)
      + variant("main", "S_t = GRU(f(S, X), S); what is left at the cap goes to the last step.")
      + variant("main_update_residual", "S_t = S + f(S, X).", update="residual")
      + variant("main_update_replace", "S_t = f(S, X).", update="replace")
      + variant("main_remainder_drop", "What is left at the cap is dropped.", remainder="drop")
      + variant("main_stack", "Two blocks in sequence, each halting on its own: Y of the first is X of the second.", blocks=2), end="")
