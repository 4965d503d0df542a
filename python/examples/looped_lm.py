"""A looped byte-level language model with an exit gate per token (models.md A9): `attnc compile python/examples/looped_lm.py:make_model`."""
import pathlib

import torch
from safetensors.torch import load_file
from torch import nn
from torch.export import Dim

from attnc.torch import Geometric, adaptive, attention

WEIGHTS = pathlib.Path(__file__).parents[2] / "test/Models/trained/looped_lm/weights.safetensors"


def turns(positions, width, like, base=10000.0):
    """Cosines and sines [T, 1, D] of position · base^(-2c/D), for the pairs (c, c + D/2)."""
    angle = positions.double()[:, None] * (1 / base ** (torch.arange(0, width, 2, dtype=torch.float64) / width))
    angle = torch.cat([angle, angle], -1)[:, None]
    return angle.cos().to(like.dtype), angle.sin().to(like.dtype)


def rotate(x, turn):
    """Rotary embedding of x [B, T, heads, D]."""
    cos, sin = turn
    a, b = x.chunk(2, -1)
    return x * cos + torch.cat([-b, a], -1) * sin


class Block(nn.Module):
    def __init__(self, width, heads, hidden):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.RMSNorm(width, eps=1e-6), nn.RMSNorm(width, eps=1e-6)
        linear = lambda *sizes: nn.Linear(*sizes, bias=False)
        self.attention = nn.ModuleDict({"qkv": linear(width, 3 * width), "out": linear(width, width)})
        self.ffn = nn.ModuleDict({"gate": linear(width, hidden), "up": linear(width, hidden), "down": linear(hidden, width)})

    def project(self, x, turn):
        """Queries, keys, values [B, T, heads, D]."""
        q, k, v = (y.unflatten(-1, (self.heads, -1)) for y in self.attention["qkv"](self.norm1(x)).chunk(3, -1))
        return rotate(q, turn), rotate(k, turn), v

    def rest(self, x, q, k, v):
        seen = attention(*(y.transpose(1, 2) for y in (q, k, v)), mask_mod=lambda b, h, i, j: j <= i)
        x = x + self.attention["out"](seen.transpose(1, 2).flatten(2))
        y = self.norm2(x)
        return x + self.ffn["down"](nn.functional.silu(self.ffn["gate"](y)) * self.ffn["up"](y))


class LoopedLM(nn.Module):
    """`policy`: what tokens that have exited show to those that run on: "latest", the keys and values of their last loop (so that exits
    save work), or "all": they go on being transformed, and only their prediction is fixed."""

    def __init__(self, vocab=256, width=384, heads=6, hidden=352, layers=4, loops=6, policy="latest"):
        super().__init__()
        self.loops, self.policy = loops, policy
        self.embed = nn.Embedding(vocab, width)
        self.blocks = nn.ModuleList(Block(width, heads, hidden) for _ in range(layers))
        self.norm = nn.RMSNorm(width, eps=1e-6)
        self.exit, self.head = nn.Linear(width, 1), nn.Linear(width, vocab, bias=False)

    def loop(self, x, turn, running, kept):
        """The blocks once, and the keys and values [B, T, heads, D] that each token shows from here on."""
        shown = []
        for n, block in enumerate(self.blocks):
            q, k, v = block.project(x, turn)
            if self.policy == "latest":
                k, v = (torch.where(running[..., None, None], new, old) for new, old in zip((k, v), kept[2 * n:]))
                shown += [k, v]
            x = block.rest(x, q, k, v)
        return self.norm(x), shown

    def forward(self, tokens, q):
        x = self.embed(tokens)
        turn = turns(torch.arange(tokens.shape[1]), x.shape[2] // self.blocks[0].heads, x)

        def step(u, running, h, *kept):
            h, shown = self.loop(h, turn, running, kept)
            exits = self.exit(h).squeeze(-1).sigmoid()
            return ((h, *shown) if self.policy == "latest" else (h, h)), exits
        if self.policy == "latest":
            none = x.new_zeros(*x.shape[:2], self.blocks[0].heads, x.shape[2] // self.blocks[0].heads)
            values, marks = (x, *[none] * (2 * len(self.blocks))), "frozen"
        else:
            values, marks = (x, x), ("free", "frozen")
        finals, steps = adaptive(step, Geometric(q), values, torch.ones_like(tokens, dtype=torch.bool), self.loops, marks=marks)
        state = finals[0] if self.policy == "latest" else finals[1]
        return {"logits": self.head(state), "steps": steps, "state": state}


def make_model(**options):
    model = LoopedLM(**options).eval()
    model.load_state_dict(load_file(WEIGHTS))
    inputs = torch.randint(0, 256, (2, 9), dtype=torch.int32), torch.tensor(0.7)
    return model, inputs, ({0: Dim("B", min=1, max=1024), 1: Dim("T", min=1, max=4096)}, None)
