"""Random bits that depend on neither the order of a batch nor the machine: Philox4x32-10 (models.md, "Random bits")."""
from __future__ import annotations

import torch
from torch import Tensor

MULTIPLIERS, WEYL, MASK = (0xD2511F53, 0xCD9E8D57), (0x9E3779B9, 0xBB67AE85), 0xFFFFFFFF


def multiply(a: int, x: Tensor) -> tuple[Tensor, Tensor]:
    """The high and low 32 bits of a · x, in int64."""
    low = a * (x & 0xFFFF)
    middle = a * (x >> 16) + (low >> 16)
    return middle >> 16, ((middle & 0xFFFF) << 16) | (low & 0xFFFF)


def first_word(seed: int | Tensor, draw: int, step: int, rows: Tensor, stream: int) -> Tensor:
    """x0 of the counter (draw, step, row, stream) under the key `seed`, as int64."""
    seed = torch.as_tensor(seed, dtype=torch.int64, device=rows.device)
    key = [seed & MASK, (seed >> 32) & MASK]
    x = [torch.full_like(rows, draw), torch.full_like(rows, step), rows, torch.full_like(rows, stream)]
    for _ in range(10):
        (high0, low0), (high1, low1) = multiply(MULTIPLIERS[0], x[0]), multiply(MULTIPLIERS[1], x[2])
        x = [high1 ^ x[1] ^ key[0], low1, high0 ^ x[3] ^ key[1], low0]
        key = [(k + w) & MASK for k, w in zip(key, WEYL)]
    return x[0]


def uniform(seed: int | Tensor, draw: int, step: int, rows: Tensor, stream: int) -> Tensor:
    """u = (x0 >> 8) · 2^-24 for each row."""
    return (first_word(seed, draw, step, rows, stream) >> 8).float() * 2.0 ** -24
