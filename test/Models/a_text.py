"""Models out of the layers of a_layers.py as text of attn/loop IR, for generators."""
from a_layers import SIZES
from layers_ir import call, entry, feed_forward, function, gelu, linear, norm, over, self_attention, sizes

D, HEADS, WIDTH, FFN = (SIZES[k] for k in ("d", "heads", "head_width", "ffn"))
X, LENGTHS = over(2, D), "tensor<?xi32>"
INPUTS = {"%x": ("x", X, "BT"), "%lengths": ("lengths", LENGTHS, "B")}


def header(name, about):
    return f"// {name}: {about}\n// Made by generate_{name}.py.\n" + gelu(2, FFN)


def transformer(name):
    """@"layers.NAME"."""
    at = f"layers.{name}."
    lines, dims = sizes(2, "%h", X)
    body = [*lines, call("%n", at + "norm1", {"%h": X}, X), call("%a", at + "attention", {"%n": X, "%lengths": LENGTHS}, X),
            f"%e = tensor.empty({dims}) : {X}", f"%A = linalg.add ins(%h, %a : {X}, {X}) outs(%e : {X}) -> {X}",
            call("%y", at + "ffn", {"%A": X}, X), f"return %y : {X}"]
    return (norm(at + "norm1", 2, D) + self_attention(at + "attention.", HEADS, WIDTH) + feed_forward(at, 2, D, FFN)
            + function(f"layers.{name}", "A = h + MHSA(LN h), A + W_down gelu(W_up LN A).", {"%h": X, "%lengths": LENGTHS}, X, body))


def run(result, name, value):
    return call(result, f"layers.{name}", {value: X, "%lengths": LENGTHS}, X)


def first_rows(result, value, of=X, size="%n0"):
    """[B, d] of a sequence's first tokens."""
    return f"{result} = tensor.extract_slice {value}[0, 0, 0] [{size}, 1, {D}] [1, 1, 1] : {of} to {over(1, D)}"


def start():
    """Lines for sizes %n0, %n1."""
    return sizes(2, "%x", X)[0]
