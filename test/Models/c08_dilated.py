"""c08_dilated: causal keys at multiples of a stride (models.md C8).

 main          i - j = 0, l, 2 l, ... (W - 1) l: a dilated window (Longformer's dilation)
 main_strided  0 <= i - j < l, or (i - j) mod l = 0 (Sparse Transformer's strided pattern, both heads' in one)

    inputs    x [B, T, d], lengths [B] int32
    outputs   y [B, T, d]
    weights   attention.qkv.weight [3 H D, d], attention.out.weight [d, H D]"""
from attention import attention, distance, merge, valid_keys
from c_layers import open_folder, project
from common import add_padded, linear

CONFIG = {"model": "c08_dilated", "d": 24, "heads": 3, "head_width": 8, "window": 4, "stride": 3}


def main(w, c, x, lengths, kind="dilated"):
    n, l = distance(x.shape[1]), c["stride"]
    mask = (n >= 0) & (n % l == 0)
    mask = mask & (n < c["window"] * l) if kind == "dilated" else mask | ((n >= 0) & (n < l))
    q, k, v = project(w, c, x)
    return {"y": linear(w, "attention.out", merge(attention(q, k, v, valid_keys(lengths, x.shape[1]) & mask)))}


ENTRIES = {"main": (main, {}), "main_strided": (main, {"kind": "strided"})}


def make(folder):
    F = open_folder(folder, CONFIG, 308, ENTRIES, gain=1.5)
    add_padded(F, CONFIG["d"])
    add_padded(F, CONFIG["d"], "main_strided", "strided_")
    return F.close()
