"""c12_block_table: static block tables, and keys in pages (models.md C12).

 main   BigBird-like: blocks of b positions, block(p) = ⌊p / b⌋, the last one may be partial. Key j is visible to query
        i when, with I, J their blocks, one holds: I < g or J < g (global), |I - J| <= 1 (window), J in table[I] (-1: no
        block). Not causal.
 paged  decode and prefill over pages: q = x @ paged.q.weight.T; key j of sequence b lies in k[pages[b, ⌊j / page⌋], j
        mod page]; lengths[b] counts all its keys, those of the T queries too; query i is at position p = lengths[b] - T
        + i and sees 0 <= j <= p. Entries of `pages` past a sequence's length are -1. p < 0 (fewer keys than queries):
        no visible key, y = 0.

    main      inputs   x [B, T, d], table [⌈T / b⌉, r] int32, lengths [B] int32
              outputs  y [B, T, d]
              weights  attention.qkv.weight [(H + 2G) D, d], attention.out.weight [d, H D]
    paged     inputs   x [B, T, d], k [P, page, G, D], v [P, page, G, D], pages [B, maxp] int32, lengths [B] int32
              outputs  y [B, T, d]
              weights  paged.q.weight [H D, d], attention.out.weight [d, H D]"""
import numpy as np

from attention import attention, merge, split, valid_keys
from c_layers import open_folder, project
from common import linear

CONFIG = {"model": "c12_block_table", "d": 36, "heads": 4, "groups": 2, "head_width": 12, "block": 4, "global_blocks": 1,
          "random_blocks": 2, "page": 8}


def main(w, c, x, table, lengths):
    T = x.shape[1]
    q, k, v = project(w, c, x)
    at = np.arange(T) // c["block"]
    I, J = at[:, None], at[None]
    listed = (table[at][:, None, :] == at[None, :, None]).any(-1)
    visible = (I < c["global_blocks"]) | (J < c["global_blocks"]) | (np.abs(I - J) <= 1) | listed
    return {"y": linear(w, "attention.out", merge(attention(q, k, v, visible & valid_keys(lengths, T))))}


def paged(w, c, x, k, v, pages, lengths):
    B, T, _ = x.shape
    q, page = split(linear(w, "paged.q", x), c["heads"]), k.shape[1]
    y = np.zeros((B, T, c["heads"] * c["head_width"]), x.dtype)
    for b in range(B):
        j = np.arange(lengths[b])
        keys, values = (a[pages[b, j // page], j % page].transpose(1, 0, 2)[None] for a in (k, v))    # [1, G, J, D]
        if lengths[b]:
            visible = j[None] <= lengths[b] - T + np.arange(T)[:, None]
            y[b] = merge(attention(q[b:b + 1], keys, values, visible))[0]
    return {"y": linear(w, "attention.out", y)}


ENTRIES = {"main": (main, {}), "paged": (paged, {})}


def tables(B, T, lengths):
    """rng → x, a random table with some -1, lengths."""
    def draw(rng):
        n = -(-T // CONFIG["block"])
        return {"x": rng.vector(B, T, CONFIG["d"]), "lengths": np.array(lengths, np.int32),
                "table": rng.randint(-1, n, (n, CONFIG["random_blocks"])).astype(np.int32)}
    return draw


def pages(T, lengths, spare=3):
    """rng → x, pages in random order, a table of them."""
    def draw(rng):
        page, G, D = CONFIG["page"], CONFIG["groups"], CONFIG["head_width"]
        counts = [-(-n // page) for n in lengths]
        P, table = sum(counts) + spare, np.full((len(lengths), max(counts)), -1, np.int32)
        order = rng.permutation(P)
        for b, n in enumerate(counts):
            table[b, :n], order = order[:n], order[n:]
        return {"x": rng.vector(len(lengths), T, CONFIG["d"]), "k": rng.vector(P, page, G, D), "v": rng.vector(P, page, G, D),
                "pages": table, "lengths": np.array(lengths, np.int32)}
    return draw


def make(folder):
    c = CONFIG
    F = open_folder(folder, c, 312, ENTRIES, lambda rng: {"paged.q.weight": rng.matrix(c["heads"] * c["head_width"], c["d"], 1.5)},
                    gain=1.5)
    F.add("single", "one token", tables(1, 1, [1]))
    F.add("longest", "40 tokens, ten blocks", tables(1, 40, [40]))
    F.add("batch", "batch 3 of 29 tokens, the last block partial; lengths 29, 17, 5", tables(3, 29, [29, 17, 5]))
    F.add("empty", "batch 3 of 12 tokens, lengths 12, 0, 7", tables(3, 12, [12, 0, 7]))
    F.add("paged_single", "one query over one key", pages(1, [1]), "paged")
    F.add("paged_decode", "one query a sequence, lengths 40, 17, 8", pages(1, [40, 17, 8]), "paged")
    F.add("paged_prefill", "29 queries over 29, 35 and 30 keys", pages(29, [29, 35, 30]), "paged")
    F.add("paged_empty", "three queries, lengths 9, 0, 2: no key in the second, fewer keys than queries in the third",
          pages(3, [9, 0, 2]), "paged")
    return F.close()
