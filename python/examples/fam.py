"""TransformerFAM, a decoder whose layers feed a memory from block to block (models.md B1): `attnc compile python/examples/fam.py:make_model`."""
import pathlib

import torch
from safetensors.torch import load_file
from torch import nn
from torch.export import Dim

from attnc.torch import Source, attention, segment

WEIGHTS = pathlib.Path(__file__).parents[2] / "test/Models/trained/fam/weights.safetensors"


def rotate(x, positions, base=10000.0):
    """Rotary embedding of x [B, T, heads, D]: pairs (c, c + D/2), angle position · base^(-2c/D)."""
    angle = positions.double()[:, None] * (1 / base ** (torch.arange(0, x.shape[-1], 2, dtype=torch.float64) / x.shape[-1]))
    angle = torch.cat([angle, angle], -1)[:, None]
    a, b = x.chunk(2, -1)
    return x * angle.cos().to(x.dtype) + torch.cat([-b, a], -1) * angle.sin().to(x.dtype)


class Layer(nn.Module):
    """One layer; tokens and FAM share its weights."""

    def __init__(self, width, heads, hidden):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = nn.ModuleDict({"qkv": nn.Linear(width, 3 * width, bias=False), "out": nn.Linear(width, width, bias=False)})
        self.ffn = nn.ModuleDict({"up": nn.Linear(width, hidden), "down": nn.Linear(hidden, width)})

    def project(self, x, q_positions, k_positions):
        q, k, v = (y.unflatten(-1, (self.heads, -1)) for y in self.attention["qkv"](self.norm1(x)).chunk(3, -1))
        return [y.transpose(1, 2) for y in (rotate(q, q_positions), rotate(k, k_positions), v)]

    def merge(self, seen):
        return self.attention["out"](seen.transpose(1, 2).flatten(2))

    def feed_forward(self, x):
        return self.ffn["down"](nn.functional.gelu(self.ffn["up"](self.norm2(x)))) + x

    def forward(self, x, fam, keys, values, t, block):
        """Block t of the tokens x [B, n, d] with FAM [B, f, d] and the ring of keys and values [B, heads, m · b, D]: what goes up, FAM, ring."""
        at, before = t * block + torch.arange(x.shape[1]), t * block + torch.arange(-fam.shape[1], 0)
        q, k, v = self.project(x, at, at)
        qf, kf, vf = self.project(fam, before + block, before)
        held = (t * block).clamp(max=keys.shape[2])
        past = lambda b, h, i, j: j <= i
        y = self.feed_forward(self.merge(attention(q, k, v, mask_mod=past, sources=[Source(keys, values, key_lengths=held), Source(kf, vf)])) + x)
        a = self.merge(attention(qf, kf, vf, sources=[Source(k, v)]))
        fam = self.feed_forward(a + torch.where(t > 0, fam, 0))  # the first update has no residual
        slots = at % keys.shape[2]
        return y, fam, keys.index_copy(2, slots, k), values.index_copy(2, slots, v)


class Fam(nn.Module):
    """A session goes on where the last call ended, after a whole number of blocks: the buffers are its state."""

    def __init__(self, batch=1, vocab=304, classes=16, width=256, heads=8, hidden=1024, layers=4, block=64, memory=1, fam=16):
        super().__init__()
        self.size = block
        self.embed, self.fam = nn.Embedding(vocab, width), nn.ParameterDict({"prompt": nn.Parameter(torch.zeros(fam, width))})
        self.layers = nn.ModuleList(Layer(width, heads, hidden) for _ in range(layers))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, classes)
        ring = layers, batch, heads, memory * block, width // heads
        for name, value in {"block": torch.zeros((), dtype=torch.int32), "f": torch.zeros(layers, batch, fam, width),
                            "k": torch.zeros(ring), "v": torch.zeros(ring)}.items():
            self.register_buffer(name, value, persistent=False)

    @torch.no_grad()
    def reset(self):
        """The start of a session: F_0 is the prompt, carried up by full attention among its rows."""
        fam, at = self.fam["prompt"][None], torch.arange(-self.f.shape[2], 0)
        for n, layer in enumerate(self.layers):
            self.f[n] = fam
            fam = layer.feed_forward(layer.merge(attention(*layer.project(fam, at, at))) + fam)
        for state in (self.block, self.k, self.v):
            state.zero_()

    def forward(self, tokens):
        count = len(self.layers)

        def body(n, x, *state):
            fams, keys, values, new = state[:count], state[count:2 * count], state[2 * count:], []
            for layer, *own in zip(self.layers, fams, keys, values):
                x, *changed = layer(x, *own, self.block + n, self.size)
                new.append(changed)
            return x, [y for ys in zip(*new) for y in ys]
        (x,), state = segment(body, self.embed(tokens), (*self.f, *self.k, *self.v), self.size, partial="keep")
        for n, buffer in enumerate((self.f, self.k, self.v)):
            buffer.copy_(torch.stack(state[n * count:(n + 1) * count]))
        self.block.add_(tokens.shape[1] // self.size)
        return {"logits": self.head(self.norm(x))}


def make_model(**options):
    model = Fam(**options).eval()
    model.load_state_dict(load_file(WEIGHTS))
    model.reset()
    inputs = torch.randint(0, 304, (options.get("batch", 1), 100), dtype=torch.int32),
    return model, inputs, ({1: Dim("T", min=1, max=2**20)},)
