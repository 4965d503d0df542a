"""Writes c01_rotary.mlir: python generate_c01_rotary.py > c01_rotary.mlir"""
import math

from c01_rotary import CONFIG, FORMS, frequencies
from c_text import attend, entry, header, region

HEADS = "tensor<?x?x2x2x16xf32>"
ABOUT = {"plain": "Half-split pairs.", "interleaved": "Interleaved pairs.", "partial": "The first 8 elements, interleaved.", "pi": "Position interpolation.",
         "ntk": "A larger base (NTK).", "yarn": "YaRN.", "longrope": "A factor a dimension (LongRoPE).", "far": "Positions from a million."}


def rotary(form):
    """Queries and keys, turned together."""
    layout, numbers, before = "half_split", f"base({CONFIG['base']!r})", ""
    if form == "interleaved":
        layout = "interleaved"
    elif form == "partial":
        layout, numbers = "interleaved", numbers + f" width({CONFIG['partial']})"
    elif form == "ntk":
        D = CONFIG["head_width"]
        numbers = f"base({CONFIG['base'] * CONFIG['alpha'] ** (D / (D - 2))!r})"
    elif form == "far":
        before, numbers = f"  %far = arith.constant {CONFIG['far']} : index\n", f"offset(%far) {numbers}"
    elif form in ("pi", "yarn", "longrope"):
        theta = frequencies(CONFIG, form).tolist()
        before = f"  %theta = arith.constant dense<{theta!r}> : tensor<{len(theta)}xf64>\n"
        numbers = f"frequencies(%theta : tensor<{len(theta)}xf64>)"
        if form == "yarn":
            numbers += f" factor({0.1 * math.log(CONFIG['scale']) + 1!r})"
    return f"""  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : !x
  %t = tensor.dim %x, %c1 : !x
  %qk = tensor.extract_slice %p[0, 0, 0, 0, 0] [%b, %t, 2, 2, 16] [1, 1, 1, 1, 1] : !qkv to {HEADS}
{before}  %r = attn.rotary {layout} %qk along [1] {numbers} : {HEADS}
"""


def form(name, form):
    causal = region("mask", [], "%shown = arith.cmpi sle, %j, %i : index", "%shown", "i1")
    return entry(name, ABOUT[form], rotary(form) + attend(CONFIG, query=f"%r[b, i, 0, g, d] : {HEADS}", key="%r[b, j, 1, g, d]", source=f"{HEADS}, !qkv", regions=causal))


print(header(CONFIG, "the forms of rotary position embedding (models.md C1).") + form("main", "plain") + "".join(form(f"main_{f}", f) for f in FORMS), end="")
