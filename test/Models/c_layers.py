"""Self-attention layers of the C rows of models.md, where a packed projection gives queries, keys and values:
y = merge(attention) @ attention.out.weight.T, without bias or residual, so that a row without a visible key gives y =
0. `lengths` hides keys at and after a sequence's length; query rows there are computed like all others."""
from attention import packed
from common import Folder, Rng, linear


def project(w, c, x, name="attention.qkv"):
    """x [B, T, d] → q [B, H, T, D], k, v [B, G, T, D]."""
    return packed(linear(w, name, x), c["heads"], c.get("groups"))


def attention_weights(rng, c, gain=1.0):
    """attention.qkv.weight [(H + 2G) D, d], attention.out.weight [d, H D]."""
    H, D, d = c["heads"], c["head_width"], c["d"]
    return {"attention.qkv.weight": rng.matrix((H + 2 * c.get("groups", H)) * D, d, gain),
            "attention.out.weight": rng.matrix(d, H * D)}


def open_folder(folder, config, seed, entries, extra=lambda rng: {}, gain=1.0, **kinds):
    """A Folder with the layer's weights and those that `extra` draws."""
    rng = Rng(seed)
    return Folder(folder, config, {**attention_weights(rng, config, gain), **extra(rng)}, entries, **kinds)
