"""d2_generation: looped_lm goes on with texts, all within one call (models.md D2, D3).

At each place of the text the byte there is read by looped_lm's step over its cache (A9, policy `latest`); where a row's given bytes
end, the next is chosen from its logits: over the temperature, the top_k largest (equals of the last kept), of those, sorted, the
largest whose exclusive cumulative probability is below top_p, of those by the draw u (Philox: seed, step = the place, row = b) the
first whose inclusive sum is above u times all. A row ends with the byte `stop` that it makes; behind its end are zeros, and it is
not computed. The loop ends with the last row, or at N. top_k = 1 is greedy.

    inputs    text [B, N] int32, given [B] int32, q, temperature, top_p float32, stop, top_k int32, seed int64
    outputs   continued, depths [B, N] int32 (loops that read each byte, 0 where none did), length [B] int32
    states    k, v, count as looped_lm's decode keeps them; not stored here
    weights   those of trained/looped_lm"""
import json
import pathlib

import numpy as np

import philox
import tensors
from common import Decisions, Folder, linear, rms_norm
from looped_lm import gate, qkv, rest_of_block

TRAINED = pathlib.Path(__file__).parent / "trained" / "looped_lm"


def read(w, c, cache, token, place, q, runs, decisions):
    """One byte of each row that runs → logits [B, 256], steps [B]. cache: keys and values [loops, layers, B, heads, N, width]."""
    here = np.array([place])
    h = w["embed.weight"][token][:, None]
    alive, stay = runs.copy(), np.ones(len(token), h.dtype)
    state, steps = np.zeros_like(h), np.zeros(len(token), np.int32)
    for u in range(c["loops"]):
        for l in range(c["layers"]):
            query, k, v = qkv(w, c, l, h, here)
            for kept, new in zip(cache, (k, v)):
                for later in kept[u:, l]:                            # what this loop shows holds for later ones, unless they run too
                    later[alive, :, place] = new[alive, :, 0]
            past = [kept[u, l, :, :, :place] for kept in cache]
            h = rest_of_block(w, c, l, h, query, np.concatenate([past[0], k], 2), np.concatenate([past[1], v], 2), True)
        h = rms_norm(h, w["norm.weight"], c["norm_eps"])
        stay = stay * (1 - gate(w, h)[:, 0])
        leave = alive & (decisions.reached(1 - stay, q, alive) if u + 1 < c["loops"] else alive)
        state = np.where(leave[:, None, None], h, state)
        steps, alive = steps + alive.astype(np.int32), alive & ~leave
        if not alive.any():
            break
    return linear(w, "head", state)[:, 0], steps


def choose(logits, temperature, top_k, top_p, u, decisions):
    """A byte for one row of logits [256]. Every comparison that could go the other way is a draw's margin."""
    x = logits / temperature
    order = np.argsort(-x, kind="stable")
    x = x[order]
    kept = x >= x[top_k - 1]
    weights = np.where(kept, np.exp(x - x[0]), 0)
    sums = np.cumsum(weights)
    kept &= sums - weights < top_p * weights.sum()
    weights = np.where(kept, weights, 0)
    bound = u * weights.sum()
    at = min(int(((sums <= bound) & kept).sum()), kept.sum() - 1)
    nucleus, drawn = np.abs(sums - top_p * sums[-1]) / sums[-1], np.abs(sums - bound)[kept][:-1] / weights.sum()
    equal = np.abs(np.diff(x))[max(at - 1, 0):at + 1]                # its neighbours in order
    decisions.draw_margin = min([decisions.draw_margin, *(nucleus if top_p < 1 else []), *drawn, *equal])
    return order[at]


def main(w, c, text, given, q, stop, temperature, top_k, top_p, seed):
    (B, N), decisions = text.shape, Decisions()
    text = np.where(np.arange(N) < given[:, None], text, 0).astype(np.int32)
    depths, length, runs = np.zeros((B, N), np.int32), np.ones(B, np.int32), np.ones(B, bool)
    width = c["d"] // c["heads"]
    cache = [np.zeros((c["loops"], c["layers"], B, c["heads"], N, width), w["embed.weight"].dtype) for _ in "kv"]
    for p in range(N - 1):
        if not runs.any():
            break
        logits, depths[:, p] = read(w, c, cache, text[:, p], p, q, runs, decisions)
        for b in np.flatnonzero(runs):
            if p + 1 >= given[b]:
                u = philox.uniform(int(seed), 0, p + 1, int(b), 0)
                text[b, p + 1] = choose(logits[b], temperature, int(top_k), top_p, u, decisions)
        text[~runs, p + 1] = 0
        length[runs] = p + 2
        runs &= (p + 1 < given) | (text[:, p + 1] != stop)
    return {"continued": text, "depths": depths, "length": length, **decisions.margins()}


def make(folder):
    config = json.loads((TRAINED / "config.json").read_text()) | {"model": "d2_generation", "capacity": 256}
    w, _ = tensors.read(TRAINED / "weights.safetensors")
    f = Folder(folder, config, w, {"main": (main, {})}, bf16=[k for k in w if w[k].ndim == 2])
    words = tensors.read(TRAINED / "cases.safetensors")[0]["longest.tokens"][0]

    def draw(given, N, stop=-1, temperature=1.0, top_k=1, top_p=1.0):
        def inputs(rng):
            text = np.zeros((len(given), N), np.int32)
            for b, n in enumerate(given):
                start = rng.randint(0, len(words) - n)
                text[b, :n] = words[start:start + n]
            return {"text": text, "given": np.array(given, np.int32), "q": np.float32(0.7), "stop": np.int32(stop),
                    "temperature": np.float32(temperature), "top_k": np.int32(top_k), "top_p": np.float32(top_p),
                    "seed": np.int64(rng.randint(0, 2 ** 31)) << 20}
        return inputs

    ends = lambda most: lambda out: out["length"].max() < most and len(set(out["length"])) > 1
    f.add("greedy", "200 bytes behind 16", draw([16], 216))
    f.add("greedy_batch", "batch 3: 12, 1 and 5 bytes are given, up to 40", draw([12, 1, 5], 40))
    f.add("given", "nothing to make: all bytes are given", draw([8, 8], 8))
    f.add("stop", "batch 3, each to the end of its word (a space), all before the limit", draw([6, 9, 7], 40, stop=32), accept=ends(40))
    f.add("sampled", "batch 2 to 40 bytes, drawn from the whole distribution", draw([10, 10], 40, top_k=256))
    f.add("sampled_top_k", "the 5 likeliest, at temperature 0.8", draw([10, 4], 40, temperature=0.8, top_k=5))
    f.add("sampled_top_p", "0.9 of the probability, at temperature 1.2", draw([10, 4], 40, temperature=1.2, top_k=256, top_p=0.9))
    f.add("sampled_stop", "40 of the likeliest, 0.95 of their probability, to the end of the word",
          draw([3, 8, 12, 5], 32, stop=32, temperature=0.9, top_k=40, top_p=0.95), accept=ends(32))
    return f.close()
