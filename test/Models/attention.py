"""Attention by its definition, and the position and mask helpers. Shapes: queries [B, H, I, D], keys [B, G, J, D],
values [B, G, J, Dv]; query head h uses key head h // (H / G). Everything follows the dtype of its operands, so that a
definition can be run in float32 to see how far rounding carries."""
import numpy as np


def split(x, heads):
    """[B, T, heads * D] → [B, heads, T, D]."""
    B, T, width = x.shape
    return x.reshape(B, T, heads, width // heads).transpose(0, 2, 1, 3)


def merge(x):
    """[B, heads, T, D] → [B, T, heads * D]."""
    B, H, T, D = x.shape
    return x.transpose(0, 2, 1, 3).reshape(B, T, H * D)


def packed(x, heads, groups=None):
    """A packed projection [B, T, (H + 2 G) * D], queries then keys then values → q [B, H, T, D], k and v [B, G, T, D]."""
    groups = groups or heads
    D = x.shape[-1] // (heads + 2 * groups)
    q, k, v = np.split(x, [heads * D, (heads + groups) * D], -1)
    return split(q, heads), split(k, groups), split(v, groups)


def softmax(s, visible=True, sink=None):
    """Over the last axis, over visible keys; a row without a visible key is 0. sink: one more term exp(sink) below."""
    s = np.where(visible, s, -np.inf)
    top = s.max(-1, keepdims=True) if sink is None else np.maximum(s.max(-1, keepdims=True), sink)
    e = np.exp(s - np.where(np.isneginf(top), 0, top))
    total = e.sum(-1, keepdims=True) + (0 if sink is None else np.exp(sink - top))
    return e / np.where(total == 0, 1, total)


def sigmoid(x):
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-x))


def scores(q, k, scale=None):
    """scale * q·k, [B, H, I, J]; scale is 1/√D unless given."""
    k = np.repeat(k, q.shape[1] // k.shape[1], 1)
    s = q @ k.swapaxes(-1, -2)
    return s / np.sqrt(s.dtype.type(q.shape[-1])) if scale is None else s * s.dtype.type(scale)


def mix(p, v):
    """Weights p [B, H, I, J] over values v [B, G, J, Dv] → [B, H, I, Dv]."""
    return p @ np.repeat(v, p.shape[1] // v.shape[1], 1)


def attention(q, k, v, visible=True, scale=None, softcap=None, bias=None, sink=None):
    """Scale, then softcap c * tanh(s / c), then bias, then mask, then softmax (with sink). → [B, H, I, Dv]."""
    s = scores(q, k, scale)
    if softcap is not None:
        s = softcap * np.tanh(s / softcap)
    if bias is not None:
        s = s + bias.astype(s.dtype)
    return mix(softmax(s, visible, sink), v)


def causal(queries, keys=None):
    """[I, J], bottom-right aligned: key j is visible to query i when j <= i + (J - I)."""
    keys = queries if keys is None else keys
    return np.arange(keys)[None] <= np.arange(queries)[:, None] + (keys - queries)


def distance(T):
    """i - j, [T, T]."""
    return np.arange(T)[:, None] - np.arange(T)[None]


def valid_rows(lengths, T):
    """[B, T]: position < length."""
    return np.arange(T)[None] < np.asarray(lengths)[:, None]


def valid_keys(lengths, T):
    """[B, 1, 1, T], to be combined with a mask [I, J] or [B, H, I, J]."""
    return valid_rows(lengths, T)[:, None, None]


def rotate(x, positions, base=10000.0, interleaved=False):
    """Rotary embedding: x [..., S, D], positions [S] or [..., S]; pairs (c, c + D/2), or (2c, 2c + 1) if interleaved;
    angle position * base^(-2c/D) in f64, its cosine and sine rounded to x's dtype."""
    D = x.shape[-1]
    angle = np.asarray(positions, np.float64)[..., None] * base ** (-np.arange(D // 2) * 2 / D)
    cos, sin = np.cos(angle).astype(x.dtype), np.sin(angle).astype(x.dtype)
    if interleaved:
        a, b = x[..., 0::2], x[..., 1::2]
        return np.stack([a * cos - b * sin, b * cos + a * sin], -1).reshape(x.shape)
    a, b = x[..., :D // 2], x[..., D // 2:]
    return np.concatenate([a * cos - b * sin, b * cos + a * sin], -1)


def sinusoid(positions, d):
    """[S, d], sines then cosines (halves) of position / 10000^(2c/d), in f64."""
    angle = np.asarray(positions, np.float64)[..., None] * 10000.0 ** (-np.arange(d // 2) * 2 / d)
    return np.concatenate([np.sin(angle), np.cos(angle)], -1)
