"""looped_lm: byte-level language model looped up to U times with an exit gate (models.md A9). Trained;
trained/looped_lm.

h = emb; for u <= U: h = norm(blocks(h)); λ_u = σ(gate h); stay *= 1 - λ_u; a token exits at the first u with
1 - stay >= q, at U in any case; its prediction is head(h_u). Policies: `latest`, an exited token's keys and values stay
those of its last loop; `all`, exited tokens go on being transformed and only their prediction is fixed.

    inputs    tokens [B, T] int32                                 (decode: token [B], and a cache of keys and values)
    outputs   logits [B, T, 256], steps [B, T] int32, state [B, T, d]
    weights   embed.weight [256, d], blocks.l.{norm1, norm2}.weight, blocks.l.attention.{qkv [3d, d], out [d,
              d]}.weight, blocks.l.ffn.{gate, up, down}.weight, norm.weight, exit.{weight [1, d], bias [1]},
              head.weight [256, d]"""
import numpy as np

from attention import attention, causal, merge, packed, rotate, sigmoid
from common import Decisions, linear, rms_norm, silu


def qkv(w, c, l, h, positions):
    """Rotated queries and keys, and values, of block l: [B, heads, S, D] each; h [B, S, d]."""
    n = rms_norm(h, w[f"blocks.{l}.norm1.weight"], c["norm_eps"])
    q, k, v = packed(linear(w, f"blocks.{l}.attention.qkv", n), c["heads"])
    return rotate(q, positions, c["rope_base"]), rotate(k, positions, c["rope_base"]), v


def rest_of_block(w, c, l, h, q, k, v, visible):
    """Attention, then the SwiGLU feed-forward, both with residuals."""
    h = h + linear(w, f"blocks.{l}.attention.out", merge(attention(q, k, v, visible)))
    n = rms_norm(h, w[f"blocks.{l}.norm2.weight"], c["norm_eps"])
    g, u = linear(w, f"blocks.{l}.ffn.gate", n), linear(w, f"blocks.{l}.ffn.up", n)
    return h + linear(w, f"blocks.{l}.ffn.down", silu(g) * u)


def gate(w, h):
    """λ [B, S]: the probability to exit after this loop, given that the token has not exited before."""
    return sigmoid(linear(w, "exit", h)[..., 0])


def forward(w, c, tokens, q, policy="latest"):
    B, T = tokens.shape
    U, L, decisions = c["loops"], c["layers"], Decisions()
    positions, visible = np.arange(T), causal(T)
    h = w["embed.weight"][tokens]
    alive, stay = np.ones((B, T), bool), np.ones((B, T), h.dtype)
    state, steps, kept = np.zeros_like(h), np.zeros((B, T), np.int32), [None] * L
    for u in range(1, U + 1):
        x = h
        for l in range(L):
            query, k, v = qkv(w, c, l, x, positions)
            if policy == "latest" and u > 1:
                a = alive[:, None, :, None]
                k, v = np.where(a, k, kept[l][0]), np.where(a, v, kept[l][1])
            kept[l] = (k, v)
            x = rest_of_block(w, c, l, x, query, k, v, visible)
        h = rms_norm(x, w["norm.weight"], c["norm_eps"])
        stay = stay * (1 - gate(w, h))
        leave = alive & (decisions.reached(1 - stay, q, alive) if u < U else alive)
        state = np.where(leave[..., None], h, state)
        steps = steps + alive.astype(np.int32)
        alive = alive & ~leave
        if not alive.any():
            break
    return {"logits": linear(w, "head", state), "steps": steps, "state": state, **decisions.margins()}


def decode(w, c, cache, token, q, policy="latest"):
    """One token per sequence: token [B] → logits [B, 256], steps [B]. cache: a list, one slot a past token, appended to.

    A slot holds keys and values {(u, l): (k, v)} and, per sequence, the last loop `depth` that wrote them; a later token
    at loop u reads (min(u, depth), l): its own loop, or the deepest one that was computed."""
    B, t, here = token.shape[0], len(cache), np.array([len(cache)])
    U, L, decisions = c["loops"], c["layers"], Decisions()
    h = w["embed.weight"][token][:, None]
    alive, stay = np.ones(B, bool), np.ones(B, h.dtype)
    state, steps = np.zeros_like(h), np.zeros(B, np.int32)
    slot = {"kv": {}, "depth": steps}
    cache.append(slot)
    for u in range(1, U + 1):
        for l in range(L):
            query, k, v = qkv(w, c, l, h, here)
            slot["kv"][u, l] = (k, v)
            keys, values = [], []
            for past in cache[:t]:
                pick = [past["kv"][min(u, past["depth"][b]), l] for b in range(B)]
                keys.append(np.stack([p[0][b] for b, p in enumerate(pick)]))
                values.append(np.stack([p[1][b] for b, p in enumerate(pick)]))
            h = rest_of_block(w, c, l, h, query, np.concatenate(keys + [k], 2), np.concatenate(values + [v], 2), True)
        h = rms_norm(h, w["norm.weight"], c["norm_eps"])
        stay = stay * (1 - gate(w, h)[:, 0])
        leave = alive & (decisions.reached(1 - stay, q, alive) if u < U else alive)
        state = np.where(leave[:, None, None], h, state)
        steps = steps + alive.astype(np.int32)
        alive = alive & ~leave
        if policy == "latest" and not alive.any():
            break                                            # under `all`, deeper slots must be filled for later tokens
    slot["depth"] = steps if policy == "latest" else np.full(B, U)
    return linear(w, "head", state)[:, 0], steps
