"""a4_early_exit: a classifier after every layer; a sequence whose answer is certain leaves (DeeBERT; models.md A4).

Layers l = 0 .. 4; after each, z_l = classifier_l(tanh(pooler_l h[:, 0])). A sequence exits where the entropy of softmax(z_l) is < 0.6, behind
the last layer in any case; its output is z_l of the layer it exits at.
CALM's exits while decoding (skipped layers' keys and values from the exit's state) are not here.

    inputs    x [B, T, d], lengths [B] int32
    outputs   logits [B, classes], steps [B] int32 (layers run)
    weights   layers.l (as in a16_interlayer), exits.l.pooler.{weight [d, d], bias}, exits.l.classifier.{weight [classes, d], bias}"""
import numpy as np

from a_layers import SIZES, layer_weights, linear_weights, transformer
from attention import valid_keys
from common import Decisions, Folder, Rng, draw_x, linear

CONFIG = {"model": "a4_early_exit", **SIZES, "layers": 5, "classes": 3, "entropy": 0.6}


def main(w, c, x, lengths):
    B, decisions, visible = x.shape[0], Decisions(), valid_keys(lengths, x.shape[1])
    active, steps, logits = np.ones(B, bool), np.zeros(B, np.int32), np.zeros((B, c["classes"]), x.dtype)
    for l in range(c["layers"]):
        x = transformer(w, c, l, x, visible)
        z = linear(w, f"exits.{l}.classifier", np.tanh(linear(w, f"exits.{l}.pooler", x[:, 0])))
        logits, steps = np.where(active[:, None], z, logits), steps + active.astype(np.int32)
        p = np.exp(z - z.max(-1, keepdims=True))
        p = p / p.sum(-1, keepdims=True)
        if l + 1 < c["layers"]:
            active = active & ~decisions.below(-(p * np.log(p)).sum(-1), c["entropy"], active)
    return {"logits": logits, "steps": steps, **decisions.margins()}


ENTRIES = {"main": (main, {})}


def make(folder):
    rng, w, d = Rng(204), {}, CONFIG["d"]
    for l in range(CONFIG["layers"]):
        w |= layer_weights(rng, l) | linear_weights(rng, f"exits.{l}.pooler", d, d) | linear_weights(rng, f"exits.{l}.classifier", CONFIG["classes"], d, 2.5)
    F = Folder(folder, CONFIG, w, ENTRIES)
    F.add("single", "one token", draw_x(1, 1, d, [1]))
    F.add("longest", "40 tokens", draw_x(1, 40, d, [40]))
    F.add("batch", "sequences that leave after different layers", draw_x(6, 21, d, [21, 17, 5, 21, 9, 1]), accept=lambda out: len(set(out["steps"])) >= 3)
    F.add("first", "all leave after the first layer", draw_x(2, 9, d, [9, 4]), accept=lambda out: (out["steps"] == 1).all())
    F.add("last", "none leaves before the last", draw_x(2, 9, d, [9, 4]), accept=lambda out: (out["steps"] == CONFIG["layers"]).all())
    return F.close()
