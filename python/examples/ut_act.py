"""Universal Transformer with halting per token (models.md A2): `attnc compile python/examples/ut_act.py:make_model -o ut_act.attnpkg`."""
import pathlib

import torch
from safetensors.torch import load_file
from torch import nn
from torch.export import Dim

from attnc.torch import Act, adaptive, attention

WEIGHTS = pathlib.Path(__file__).parents[2] / "test/Models/trained/ut_act/weights.safetensors"


def signal(t, length, width, like):
    """P^t [T, d]: sin(i f_c) + sin(t f_c) at 2c, cosines at 2c + 1; f_c = 10000^(-2c/d), i and t from 1."""
    f = 10000.0 ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)
    i = torch.arange(1, length + 1, dtype=torch.float64)[:, None] * f
    return torch.stack([i.sin() + (t * f).sin(), i.cos() + (t * f).cos()], -1).flatten(1).to(like.dtype)


class UniversalTransformer(nn.Module):
    """`freeze`: what halted tokens do, "state" (stay as they are) or "output" (go on being transformed); `output`: "accumulated" by the
    weights of ACT, or "basic"; `remainder`: who gets the weight that is left at the cap."""

    def __init__(self, vocab=42, classes=8, width=256, heads=8, hidden=1024, cap=12, epsilon=0.01, freeze="state", output="accumulated",
                 remainder="assign"):
        super().__init__()
        self.heads, self.cap = heads, cap
        self.policy = Act(1 - epsilon, compare="gt", remainder=remainder)
        self.marks = "frozen" if freeze == "state" else "free", "mean" if output == "accumulated" else "blend"
        self.embed = nn.Embedding(vocab, width)
        self.attention = nn.ModuleDict({"qkv": nn.Linear(width, 3 * width), "out": nn.Linear(width, width)})
        self.ffn = nn.ModuleDict({"up": nn.Linear(width, hidden), "down": nn.Linear(hidden, width)})
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.halt, self.head = nn.Linear(width, 1), nn.Linear(width, classes)

    def transition(self, x, lengths):
        q, k, v = (y.unflatten(-1, (self.heads, -1)).transpose(1, 2) for y in self.attention["qkv"](x).chunk(3, -1))
        seen = attention(q, k, v, key_lengths=lengths)
        a = self.norm1(x + self.attention["out"](seen.transpose(1, 2).flatten(2)))
        return self.norm2(a + self.ffn["down"](self.ffn["up"](a).relu()))

    def forward(self, tokens, lengths):
        valid = torch.arange(tokens.shape[1]) < lengths[:, None]

        def step(t, running, h, total):
            p = self.halt(h).squeeze(-1).sigmoid()  # from the state in front of the step
            y = self.transition(h + signal(t, *h.shape[1:], h), lengths)
            return (y, y), p
        h = self.embed(tokens)
        (state, total), steps = adaptive(step, self.policy, (h, torch.zeros_like(h)), valid, self.cap, marks=self.marks)
        return {"logits": self.head(total), "steps": steps, "state": state}


def make_model(**options):
    model = UniversalTransformer(**options).eval()
    model.load_state_dict(load_file(WEIGHTS))
    batch, length = Dim("B", min=1, max=1024), Dim("T", min=1, max=1024)
    inputs = torch.randint(0, 42, (2, 9), dtype=torch.int32), torch.tensor([9, 5], dtype=torch.int32)
    return model, inputs, ({0: batch, 1: length}, {0: batch})
