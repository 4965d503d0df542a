"""a17_skipping: a gate decides whether a layer runs (models.md A17).

Layers l = 0 .. 3: g_l = w_l·h + b_l; where g_l > 0, h becomes layer_l(h), elsewhere it stays. Tokens that skip a layer are keys and values in it.
 main           g_l of each token
 main_sequence  g_l of a sequence's first token, for all of it

    inputs    x [B, T, d], lengths [B] int32
    outputs   y [B, T, d], steps [B, T] int32 (layers run; main_sequence: [B])
    weights   layers.l (as in a16_interlayer), gates.l.{weight [1, d], bias [1]}"""
import numpy as np

from a_layers import SIZES, layer_weights, linear_weights, transformer
from attention import valid_keys
from common import Decisions, Folder, Rng, add_padded, linear

CONFIG = {"model": "a17_skipping", **SIZES, "layers": 4}


def main(w, c, x, lengths, rows="token"):
    decisions, visible = Decisions(), valid_keys(lengths, x.shape[1])
    steps = np.zeros(x.shape[:2] if rows == "token" else x.shape[:1], np.int32)
    for l in range(c["layers"]):
        g = linear(w, f"gates.{l}", x)[..., 0]
        runs = decisions.above(g if rows == "token" else g[:, 0], 0)
        steps = steps + runs.astype(np.int32)
        x = np.where(runs[..., None] if rows == "token" else runs[:, None, None], transformer(w, c, l, x, visible), x)
    return {"y": x, "steps": steps, **decisions.margins()}


ENTRIES = {"main": (main, {}), "main_sequence": (main, {"rows": "sequence"})}


def make(folder):
    rng, w = Rng(217), {}
    for l in range(CONFIG["layers"]):
        w |= layer_weights(rng, l) | linear_weights(rng, f"gates.{l}", 1, CONFIG["d"])
    F = Folder(folder, CONFIG, w, ENTRIES)
    add_padded(F, CONFIG["d"])
    add_padded(F, CONFIG["d"], "main_sequence", "sequence_")
    return F.close()
