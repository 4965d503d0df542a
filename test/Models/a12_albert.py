"""a12_albert: a fixed number of layers that share their weights (ALBERT; models.md A12).

 main  h_0 = x; h_n = layer(h_{n-1}), n = 1 .. 6; y = h_6. The layer is a16_interlayer's: A = h + MHSA(LN h); A + W_down gelu(W_up LN A)

    inputs    x [B, T, d], lengths [B] int32
    outputs   y [B, T, d]
    weights   layers.shared.{norm1, norm2, attention.qkv, attention.out, ffn.up, ffn.down}"""
from a_layers import SIZES, layer_weights, transformer
from attention import valid_keys
from common import Folder, Rng, add_padded

CONFIG = {"model": "a12_albert", **SIZES, "layers": 6}


def main(w, c, x, lengths):
    for _ in range(c["layers"]):
        x = transformer(w, c, "shared", x, valid_keys(lengths, x.shape[1]))
    return {"y": x}


ENTRIES = {"main": (main, {})}


def make(folder):
    F = Folder(folder, CONFIG, layer_weights(Rng(212), "shared", 0.7), ENTRIES)
    add_padded(F, CONFIG["d"])
    return F.close()
