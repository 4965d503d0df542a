"""c26_mla: multi-head latent attention, causal over a session (DeepSeek; models.md C26).

Per token a latent c = W_c x and one rotated key k' = rope(W_k' x) for all heads are kept; per head q = [q°; rope(q')], k° = W_k,h c,
v = W_v,h c, s = (q°·k° + q'·k') / √(D + D').
 main        absorbed: q°·k° = (W_k,hᵀ q°)·c, out = W_v,h Σ p c: keys and values are never made
 main_naive  keys and values of every token are made from its latent

    inputs    x [B, T, d]
    outputs   y [B, T, d]
    states    cache [B, n, C + D'] (rows [c; k'], at most 32), count [] int32
    weights   q.weight [H (D + D'), d], latent.weight [C, d], key.weight [D', d], up.key [H, D, C], up.value [H, Dv, C],
              out.weight [d, H Dv]"""
import numpy as np

from attention import attention, causal, merge, rotate, split
from common import Folder, Rng, draw_x, linear

CONFIG = {"model": "c26_mla", "d": 32, "heads": 3, "head_width": 12, "value_width": 8, "latent": 16, "rope_width": 8, "rope_base": 10000.0, "capacity": 32}


def main(w, c, x, state=None, form="absorbed"):
    B, T, _ = x.shape
    H, D, C = c["heads"], c["head_width"], c["latent"]
    count = int(state["count"]) if state else 0
    at = count + np.arange(T)
    q = split(linear(w, "q", x), H)
    q0, q1 = q[..., :D], rotate(q[..., D:], at, c["rope_base"])
    rows = np.concatenate([linear(w, "latent", x), rotate(linear(w, "key", x), at, c["rope_base"])], -1)
    cache = np.concatenate([state["cache"], rows], 1) if state else rows
    latent, k1 = cache[..., :C], cache[:, None, :, C:]
    visible, scale = causal(T, count + T), (D + c["rope_width"]) ** -0.5
    if form == "absorbed":
        wide = np.concatenate([np.einsum("bhid,hdc->bhic", q0, w["up.key"]), q1], -1)
        heads = np.einsum("bhic,hvc->bhiv", attention(wide, cache[:, None], latent[:, None], visible, scale), w["up.value"])
    else:
        k0, v = (np.einsum("bjc,hdc->bhjd", latent, w[name]) for name in ("up.key", "up.value"))
        keys = np.concatenate([k0, np.repeat(k1, H, 1)], -1)
        heads = attention(np.concatenate([q0, q1], -1), keys, v, visible, scale)
    return {"y": linear(w, "out", merge(heads))}, {"cache": cache, "count": np.int32(count + T)}


ENTRIES = {"main": (main, {}), "main_naive": (main, {"form": "naive"})}


def weights(rng, c=CONFIG):
    d, H, D, P, C, V = (c[k] for k in ("d", "heads", "head_width", "rope_width", "latent", "value_width"))
    up = lambda n: rng.matrix(H * n, C, 1.5).reshape(H, n, C)
    return {"q.weight": rng.matrix(H * (D + P), d, 1.5), "latent.weight": rng.matrix(C, d), "key.weight": rng.matrix(P, d, 1.5),
            "up.key": up(D), "up.value": up(V), "out.weight": rng.matrix(d, H * V)}


def make(folder):
    F, d = Folder(folder, CONFIG, weights(Rng(326)), ENTRIES), CONFIG["d"]
    for entry, at in (("main", ""), ("main_naive", "naive_")):
        add = lambda case, *args, **more: F.add(at + case, *args, entry, **more)
        add("single", "the first token of a session", draw_x(1, 1, d))
        add("longest", "32 tokens, all that there is room for", draw_x(1, 32, d))
        x = add("whole", "batch 2 of 23 tokens in one call", draw_x(2, 23, d))[2]["x"]
        _, end, _ = add("begin", "the first 13 tokens of whole", lambda rng: {"x": x[:, :13]})
        _, end, _ = add("step", "the next token of whole, alone", lambda rng: {"x": x[:, 13:14]}, begin=end)
        add("resume", "the last 9 tokens of whole", lambda rng: {"x": x[:, 14:]}, begin=end)
    both = [main(F.w, CONFIG, F.arrays["whole.x"].astype(float), form=form)[0]["y"] for form in ("absorbed", "naive")]
    assert np.abs(both[0] - both[1]).max() < 1e-12           # the two forms agree
    return F.close()
