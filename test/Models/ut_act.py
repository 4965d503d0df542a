"""ut_act: Universal Transformer encoder with halting per token (models.md A2). Trained; folder trained/ut_act.

Step t = 1, 2, ..., post-norm, the same weights every step: X = H + P^t; A = LN(X + MHSA(X)); Y = LN(A + FFN(A)).
Halting score p = σ(w·H + b) of the carried state, BEFORE the transition. Options: freeze state | output, output
accumulated | basic, remainder assign | drop.

    inputs    tokens [B, T] int32, lengths [B] int32
    outputs   logits [B, T, classes], steps [B, T] int32, state [B, T, d]
    weights   embed.weight [vocab, d], attention.{qkv, out}.{weight, bias}, ffn.{up, down}.{weight, bias},
              norm1, norm2.{weight, bias}, halt.{weight [1, d], bias [1]}, head.{weight [classes, d], bias}"""
import numpy as np

from attention import attention, merge, packed, sigmoid, valid_keys, valid_rows
from common import Decisions, linear, norm


def signal(t, T, d):
    """P^t [T, d]: P[i, 2c] = sin(i / 10000^(2c/d)) + sin(t / 10000^(2c/d)), cosines at 2c + 1; i from 1."""
    f = 10000.0 ** (-np.arange(0, d, 2) / d)
    i = np.arange(1, T + 1)[:, None] * f
    return np.stack([np.sin(i) + np.sin(t * f), np.cos(i) + np.cos(t * f)], -1).reshape(T, d)


def transition(w, c, X, visible):
    """A = LN(X + MHSA(X)); LN(A + FFN(A)). X [B, T, d]; padding is no key."""
    q, k, v = packed(linear(w, "attention.qkv", X), c["heads"])
    A = norm(w, "norm1", X + linear(w, "attention.out", merge(attention(q, k, v, visible))), c["norm_eps"])
    return norm(w, "norm2", A + linear(w, "ffn.down", np.maximum(linear(w, "ffn.up", A), 0)), c["norm_eps"])


def forward(w, c, tokens, lengths, freeze="state", output="accumulated", remainder="assign"):
    B, T = tokens.shape
    cap, decisions = c["cap"], Decisions()
    valid, visible = valid_rows(lengths, T), valid_keys(lengths, T)
    H = w["embed.weight"][tokens]
    hp = (~valid).astype(H.dtype)                            # halting probability so far; padding never runs
    out, steps = np.zeros_like(H), np.zeros((B, T), np.int32)
    for t in range(1, cap + 1):
        running = hp < 1
        if not running.any():
            break
        p = sigmoid(linear(w, "halt", H)[..., 0])
        if t == cap and remainder == "assign":
            new = running
        else:
            new = running & decisions.above(hp + p, 1 - c["epsilon"], running)
        still = running & ~new
        hp = hp + p * still
        R = (1 - hp) * new                                   # what is left, for positions that halt now
        hp = hp + R
        weight = (p * still + R)[..., None]
        Y = transition(w, c, H + signal(t, T, c["d"]).astype(H.dtype), visible)
        out = out + weight * Y if output == "accumulated" else weight * Y + (1 - weight) * out
        go_on = running if freeze == "state" else valid
        H = np.where(go_on[..., None], Y, H)                 # a frozen state stays key and value
        steps = steps + running.astype(np.int32)
    return {"logits": linear(w, "head", out), "steps": steps, "state": H, **decisions.margins()}
