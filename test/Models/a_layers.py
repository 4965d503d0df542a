"""Pre-norm layers for the A rows of models.md: a16_interlayer's, under any name."""
from a16_interlayer import layer as transformer
from common import norm_weights

SIZES = {"d": 24, "heads": 2, "head_width": 12, "ffn": 40, "norm_eps": 1e-5}


def layer_weights(rng, name, gain=1.0, c=SIZES):
    """Weights of layers.NAME."""
    at, d, f = f"layers.{name}.", c["d"], c["ffn"]
    return {**norm_weights(rng, at + "norm1", d), **norm_weights(rng, at + "norm2", d), at + "attention.qkv.weight": rng.matrix(3 * d, d, 1.5),
            at + "attention.out.weight": rng.matrix(d, d, gain), at + "ffn.up.weight": rng.matrix(f, d), at + "ffn.up.bias": rng.vector(f, deviation=0.3),
            at + "ffn.down.weight": rng.matrix(d, f, gain), at + "ffn.down.bias": rng.vector(d, deviation=0.1)}


def linear_weights(rng, name, n, k, gain=1.0, bias=0.0):
    return {name + ".weight": rng.matrix(n, k, gain), name + ".bias": rng.vector(n, mean=bias, deviation=0.1)}
