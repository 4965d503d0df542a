"""c18_streaming: StreamingLLM, a cache of the first `pinned` tokens and the last `rolling` ones (models.md C18).

Token t (counted over the whole session, from 0) is appended first, so it is itself one of the rolling keys. The cache
holds the tokens 0 .. pinned-1 and the last `rolling` others up to t, n = min(t + 1, pinned + rolling) in all, in order.
Keys are kept unrotated; to read, key number m of the cache is rotated at position m and the query at position n - 1,
half-split. All n keys are visible. A call with T tokens equals T calls with one.

    inputs    x [B, T, d]
    outputs   y [B, T, d]
    states    k, v [B, H, n, D], in order: pinned, then rolling oldest first, unrotated; count [] int32, tokens seen so
              far
    weights   attention.qkv.weight [3 H D, d], attention.out.weight [d, H D]"""
import numpy as np

from attention import attention, merge, rotate
from c_layers import open_folder, project
from common import draw_x, linear

CONFIG = {"model": "c18_streaming", "d": 36, "heads": 3, "head_width": 12, "pinned": 4, "rolling": 8, "rope_base": 10000.0}


def main(w, c, x, state=None):
    B, T, _ = x.shape
    q, k, v = project(w, c, x)
    empty = np.zeros((B, c["heads"], 0, c["head_width"]), x.dtype)
    keys, values, count = (state["k"], state["v"], int(state["count"])) if state else (empty, empty, 0)
    out = []
    for t in range(T):
        keys, values = (np.concatenate([old, new[:, :, t:t + 1]], 2) for old, new in ((keys, k), (values, v)))
        if keys.shape[2] > c["pinned"] + c["rolling"]:
            keys, values = (np.delete(a, c["pinned"], 2) for a in (keys, values))      # the oldest that is not pinned
        n = keys.shape[2]
        out.append(attention(rotate(q[:, :, t:t + 1], [n - 1], c["rope_base"]), rotate(keys, np.arange(n), c["rope_base"]), values))
    y = linear(w, "attention.out", merge(np.concatenate(out, 2)))
    return {"y": y}, {"k": keys, "v": values, "count": np.int32(count + T)}


ENTRIES = {"main": (main, {})}


def make(folder):
    F, d = open_folder(folder, CONFIG, 318, ENTRIES, gain=1.5), CONFIG["d"]
    F.add("single", "the first token of a session", draw_x(1, 1, d))
    F.add("longest", "40 tokens in one call", draw_x(1, 40, d))
    F.add("batch", "batch 3 of 29 tokens", draw_x(3, 29, d))
    _, end, _ = F.add("begin", "batch 2 of 7 tokens, nothing is dropped yet", draw_x(2, 7, d))
    _, end, _ = F.add("step", "one token more", draw_x(2, 1, d), begin=end)
    _, end, _ = F.add("chunk", "9 tokens more: the rolling part wraps", draw_x(2, 9, d), begin=end)
    F.add("wrapped_step", "one token more, the cache is full", draw_x(2, 1, d), begin=end)
    x, end = F.add("whole", "batch 1 of 17 tokens in one call", draw_x(1, 17, d))[2]["x"], None
    for t in range(17):
        _, end, _ = F.add(f"token{t}", f"token {t} of whole, alone", lambda rng: {"x": x[:, t:t + 1]}, begin=end)
    return F.close()
