"""Random bits of models.md: Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3").

key = the 64-bit seed, low word first; counter = (draw, step, row, stream), row = index in the uncompacted batch, so that
a draw depends on neither batch order, compaction, threads nor target. All functions take arrays and broadcast."""
import numpy as np


def philox4x32(counter, key):
    """counter: 4 arrays of uint32, key: 2 of them → 4 arrays of uint32 after ten rounds."""
    mask = np.uint64(0xFFFFFFFF)
    x = [np.asarray(c).astype(np.uint64) & mask for c in counter]
    k = [np.asarray(c).astype(np.uint64) & mask for c in key]
    for _ in range(10):
        a, b = x[0] * np.uint64(0xD2511F53), x[2] * np.uint64(0xCD9E8D57)
        x = [(b >> np.uint64(32)) ^ x[1] ^ k[0], b & mask, (a >> np.uint64(32)) ^ x[3] ^ k[1], a & mask]
        k = [(k[0] + np.uint64(0x9E3779B9)) & mask, (k[1] + np.uint64(0xBB67AE85)) & mask]
    return [np.asarray(v).astype(np.uint32) for v in np.broadcast_arrays(*x)]


def bits(seed, draw, step, row, stream):
    """The four words of one counter."""
    return philox4x32((draw, step, row, stream), (seed & 0xFFFFFFFF, seed >> 32))


def uniform(seed, draw, step, row, stream):
    """u = (x0 >> 8) * 2^-24, in [0, 1), exact in f32."""
    return (bits(seed, draw, step, row, stream)[0] >> 8) * 2.0 ** -24


def normal(seed, draw, step, row, stream):
    """Box-Muller of x0, x1: sqrt(-2 ln u1) * cos(2 pi u2), u1 = ((x0 >> 8) + 1) * 2^-24 in (0, 1], u2 = (x1 >> 8) * 2^-24."""
    x = bits(seed, draw, step, row, stream)
    u1, u2 = ((x[0] >> 8).astype(np.float64) + 1) * 2.0 ** -24, (x[1] >> 8) * 2.0 ** -24
    return np.sqrt(-2 * np.log(u1)) * np.cos(2 * np.pi * u2)


def truncated_normal(seed, step, row, stream, bound=2.0):
    """The first normal draw with |z| <= bound, of draw = 0, 1, 2, ..."""
    row = np.asarray(row)
    out, missing, draw = np.zeros(row.shape), np.ones(row.shape, bool), 0
    while missing.any():
        z = normal(seed, draw, step, row, stream)
        hit = missing & (np.abs(z) <= bound)
        out[hit], missing, draw = z[hit], missing & ~hit, draw + 1
    return out


def categorical(u, weights):
    """The first index, in order, whose inclusive cumulative f32 weight > u * total. weights [..., n], u [...]."""
    total = np.cumsum(np.asarray(weights, np.float32), -1, dtype=np.float32)
    return np.argmax(total > np.asarray(u, np.float32)[..., None] * total[..., -1:], -1)
