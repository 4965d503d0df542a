"""c11_document: packed documents (models.md C11). Key j is visible to query i when documents[i] = documents[j] >= 0 and
j <= i.

A negative document is padding and matches nothing, itself neither: its row has no visible key and gives 0.

    inputs    x [B, T, d], documents [B, T] int32 (any order; not necessarily contiguous)
    outputs   y [B, T, d]
    entries   main (causal), main_bidirectional (without j <= i)
    weights   attention.qkv.weight [3 H D, d], attention.out.weight [d, H D]"""
import numpy as np

from attention import attention, causal, merge
from c_layers import open_folder, project
from common import linear

CONFIG = {"model": "c11_document", "d": 24, "heads": 3, "head_width": 8}


def main(w, c, x, documents, bidirectional=False):
    q, k, v = project(w, c, x)
    visible = (documents[:, :, None] == documents[:, None, :]) & (documents[:, None, :] >= 0)
    visible = visible & (True if bidirectional else causal(x.shape[1]))
    return {"y": linear(w, "attention.out", merge(attention(q, k, v, visible[:, None])))}


ENTRIES = {"main": (main, {}), "main_bidirectional": (main, {"bidirectional": True})}


def packed(*rows):
    """rng → x and documents; a row is a list of (document, tokens)."""
    def draw(rng):
        documents = np.array([[i for i, n in row for _ in range(n)] for row in rows], np.int32)
        return {"x": rng.vector(*documents.shape, CONFIG["d"]), "documents": documents}
    return draw


def make(folder):
    F = open_folder(folder, CONFIG, 311, ENTRIES, gain=1.5)
    shuffled = lambda rng: {"x": rng.vector(2, 21, CONFIG["d"]), "documents": rng.randint(-1, 4, (2, 21)).astype(np.int32)}
    for entry, at in (("main", ""), ("main_bidirectional", "bidirectional_")):
        F.add(at + "single", "one token", packed([(0, 1)]), entry)
        F.add(at + "longest", "40 tokens of four documents", packed([(0, 13), (1, 1), (2, 19), (3, 7)]), entry)
        F.add(at + "batch", "batch 3 of 29 tokens, the ends padding",
              packed([(0, 29)], [(5, 10), (7, 12), (-1, 7)], [(0, 3), (1, 3), (2, 3), (3, 3), (-1, 17)]), entry)
        F.add(at + "empty", "batch 3 of 12 tokens, the second all padding", packed([(0, 12)], [(-1, 12)], [(1, 5), (2, 7)]), entry)
        F.add(at + "mixed", "documents and padding in random order", shuffled, entry)
    return F.close()
