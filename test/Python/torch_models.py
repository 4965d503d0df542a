"""The models of the front end's tests: plain torch here, those of transformers in hf_models. Each case makes a module, example inputs
and dynamic shapes, and inputs of other sizes; a module and its package must agree on all of them."""
from __future__ import annotations

import dataclasses
import math
from typing import Any, Callable

import torch
import torch.nn.functional as F
from torch import nn
from torch.export import Dim

BATCH, LENGTH = Dim("batch", min=1, max=64), Dim("length", min=2, max=512)


def finds(attention=0, norm=0, activation=0, rotary=0) -> dict:
    return {"attention": attention, "norm": norm, "activation": activation, "rotary": rotary}


@dataclasses.dataclass
class Case:
    """make() → module; inputs(batch, length) → its inputs; sizes: what it is exported at, then what it is run at."""
    make: Callable[[], nn.Module]
    inputs: Callable[[int, int], tuple]
    dynamic_shapes: Any
    sizes: tuple = ((2, 7), (3, 13), (4, 33))
    attentions: int = 0  # how many attn.attention the import gives
    found: dict = dataclasses.field(default_factory=lambda: finds())  # what there is behind the raise phase
    note: str = ""       # what the export itself fixes


CASES: dict[str, Case] = {}


def case(name: str, **options):
    """Registers a class of modules, with the options of Case."""
    def add(make):
        CASES[name] = Case(make, **options)
        return make
    return add


def rows(batch: int, length: int, width: int = 32) -> tuple:
    generator = torch.Generator().manual_seed(batch * 1000 + length)
    return (torch.randn(batch, length, width, generator=generator),)


PER_TOKEN = dict(inputs=rows, dynamic_shapes=({0: BATCH, 1: LENGTH},))


class Block(nn.Module):
    """A post-norm transformer layer."""

    def __init__(self, width=32, heads=4):
        super().__init__()
        self.heads = heads
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        q, k, v = (y.unflatten(-1, (self.heads, -1)).transpose(1, 2) for y in self.qkv(x).chunk(3, -1))
        y = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        x = self.norm1(x + self.out(y))
        return self.norm2(x + self.down(F.gelu(self.up(x))))


@case("block", found=finds(1, 2, 1), attentions=1, **PER_TOKEN)
def block():
    return Block()


def rotary_inputs(batch, length):
    angles = torch.arange(length)[:, None] * 10000.0 ** (-torch.arange(4) / 4)
    return (*rows(batch, length), torch.cos(angles).repeat(1, 2), torch.sin(angles).repeat(1, 2))


@case("rotary_gqa", found=finds(1, 1, 1), inputs=rotary_inputs, dynamic_shapes=({0: BATCH, 1: LENGTH}, {0: LENGTH}, {0: LENGTH}), attentions=1)
class RotaryGqa(nn.Module):
    """RMS norm, rotary embedding of halves, two key heads for four query heads, causal, SiLU."""

    def __init__(self, width=32, heads=4, groups=2):
        super().__init__()
        self.heads, self.groups, self.head = heads, groups, width // heads
        self.norm = nn.RMSNorm(width)
        self.q, self.kv = nn.Linear(width, width), nn.Linear(width, 2 * groups * self.head)
        self.up, self.down = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def forward(self, x, cos, sin):
        def turned(y):
            first, second = y.chunk(2, -1)
            return y * cos + torch.cat((-second, first), -1) * sin
        y = self.norm(x)
        q = self.q(y).unflatten(-1, (self.heads, self.head)).transpose(1, 2)
        k, v = (z.unflatten(-1, (self.groups, self.head)).transpose(1, 2) for z in self.kv(y).chunk(2, -1))
        y = F.scaled_dot_product_attention(turned(q), turned(k), v, is_causal=True, enable_gqa=True)
        x = x + y.transpose(1, 2).flatten(2)
        return x + self.down(F.silu(self.up(x)))


@case("act_while_loop", found=finds(1, 2, 1), attentions=1, **PER_TOKEN)
class AdaptiveDepth(nn.Module):
    """Halting per token in a while_loop (models.md A2, freeze = state); the number of steps is a result."""

    def __init__(self, width=32, cap=8):
        super().__init__()
        self.block, self.gate, self.cap = Block(width), nn.Linear(width, 1), cap

    def forward(self, x):
        from torch._higher_order_ops import while_loop

        def running(step, halted, state, out):
            return (step < self.cap) & (halted < 1).any()

        def body(step, halted, state, out):
            p = torch.sigmoid(self.gate(state)).squeeze(-1)
            runs = halted < 1
            stops = runs & (halted + p > 0.99)
            weight = torch.where(stops, 1 - halted, torch.where(runs, p, 0.0))
            state = torch.where(runs[..., None], self.block(state), state)
            halted = torch.where(stops, 1.0, halted + weight)
            return step + 1, halted, state, out + weight[..., None] * state
        start = (torch.tensor(0), torch.zeros_like(x[..., 0]), x.clone(), torch.zeros_like(x))
        step, _, _, out = while_loop(running, body, start)
        return out, step


@case("cond", found=finds(1, 2, 1), attentions=1, **PER_TOKEN)
class Branch(nn.Module):
    """torch.cond on a value of the input; sizes take either branch."""

    def __init__(self, width=32):
        super().__init__()
        self.block, self.line = Block(width), nn.Linear(width, width)

    def forward(self, x):
        return torch.cond(x.sum() > 0, lambda x: self.block(x), lambda x: self.line(x).relu(), (x,))


@case("scan", inputs=rows, dynamic_shapes=({1: LENGTH},), sizes=((2, 7), (2, 13), (2, 40)), note="the batch is fixed: it is in the initial state")
class Recurrence(nn.Module):
    """A gated linear recurrence with a matrix as state."""

    def __init__(self, width=32):
        super().__init__()
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.decay = nn.Parameter(torch.tensor(0.9))

    def forward(self, x):
        from torch._higher_order_ops.scan import scan

        def step(state, row):
            q, k, v = row
            state = self.decay * state + k[:, :, None] * v[:, None, :]
            return state, (q[:, None, :] @ state).squeeze(1)
        q, k, v = self.qkv(x).transpose(0, 1).chunk(3, -1)
        start = torch.zeros(x.shape[0], x.shape[2], x.shape[2])
        state, y = scan(step, start, (q, k, v), dim=0)
        return self.out(y.transpose(0, 1)), state


class Flex(nn.Module):
    def __init__(self, width=32, heads=4):
        super().__init__()
        self.heads = heads
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.register_buffer("slopes", 2.0 ** (-2.0 * torch.arange(1, heads + 1)))

    def split(self, x):
        return (y.unflatten(-1, (self.heads, -1)).transpose(1, 2) for y in self.qkv(x).chunk(3, -1))


@case("flex_alibi", found=finds(1), attentions=1, **PER_TOKEN)
class FlexAlibi(Flex):
    """flex_attention with a score function that reads a captured tensor."""

    def forward(self, x):
        from torch.nn.attention.flex_attention import flex_attention
        slopes = self.slopes

        def alibi(score, b, h, i, j):
            return torch.where(i >= j, score - slopes[h] * (i - j), -float("inf"))
        q, k, v = self.split(x)
        return self.out(flex_attention(q, k, v, score_mod=alibi).transpose(1, 2).flatten(2))


@case("flex_window", found=finds(1), inputs=rows, dynamic_shapes=({0: BATCH},), sizes=((2, 256), (3, 256), (5, 256)), attentions=1,
      note="the length is fixed: the block mask is built for it")
class FlexWindow(Flex):
    """flex_attention with a block mask, a sliding window, and a score function."""

    def forward(self, x):
        from torch.nn.attention.flex_attention import create_block_mask, flex_attention
        slopes = self.slopes
        window = create_block_mask(lambda b, h, i, j: (i >= j) & (i - j < 64), None, None, x.shape[1], x.shape[1], device="cpu")
        q, k, v = self.split(x)
        y = flex_attention(q, k, v, score_mod=lambda s, b, h, i, j: s - slopes[h] * (i - j), block_mask=window)
        return self.out(y.transpose(1, 2).flatten(2))


@case("multihead_attention", found=finds(1), attentions=1, **PER_TOKEN)
class Multihead(nn.Module):
    """nn.MultiheadAttention with a causal mask."""

    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(32, 4, batch_first=True)

    def forward(self, x):
        hidden = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1)
        return self.attention(x, x, x, attn_mask=hidden, need_weights=False)[0]


def padded_inputs(batch, length):
    x, = rows(batch, length)
    lengths = torch.arange(batch) % (length - 1) + 1
    return x, torch.arange(length)[None, :] >= lengths[:, None]


@case("transformer_encoder", found=finds(2, 5), inputs=padded_inputs, dynamic_shapes=({0: BATCH, 1: LENGTH}, {0: BATCH, 1: LENGTH}), attentions=2)
class Encoder(nn.Module):
    """nn.TransformerEncoder over padded sequences, its fast path off."""

    def __init__(self):
        super().__init__()
        layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, norm=nn.LayerNorm(32), enable_nested_tensor=False)

    def forward(self, x, padding):
        torch.backends.mha.set_fastpath_enabled(False)
        return self.encoder(x, src_key_padding_mask=padding)


@case("lstm_gru", inputs=rows, dynamic_shapes=({0: BATCH},), sizes=((2, 6), (1, 6), (5, 6)), note="the length is fixed: torch unrolls the cells")
class Recurrent(nn.Module):
    """A bidirectional LSTM of two layers, then a GRU."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(32, 16, 2, batch_first=True, bidirectional=True)
        self.gru = nn.GRU(32, 24, batch_first=True)

    def forward(self, x):
        y, (h, c) = self.lstm(x)
        z, last = self.gru(y)
        return z, last, h, c


@case("softcap", found=finds(1), attentions=0, **PER_TOKEN)
class Softcap(nn.Module):
    """Scores through a cap, written with matmul and softmax: plain operations, for raise to find."""

    def __init__(self, width=32):
        super().__init__()
        self.qkv = nn.Linear(width, 3 * width)

    def forward(self, x):
        q, k, v = self.qkv(x).chunk(3, -1)
        scores = 20 * torch.tanh(q @ k.transpose(1, 2) / 20 / 32 ** 0.5)
        return scores.softmax(-1) @ v


class Heads(nn.Module):
    """Queries, keys and values of four heads, and the causal mask."""

    def __init__(self, width=32, heads=4):
        super().__init__()
        self.heads, self.qkv, self.out = heads, nn.Linear(width, 3 * width), nn.Linear(width, width)

    def split(self, x):
        return (y.unflatten(-1, (self.heads, -1)).transpose(1, 2) for y in self.qkv(x).chunk(3, -1))

    def causal(self, x):
        return torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).tril()

    def merged(self, y):
        return self.out(y.transpose(1, 2).flatten(2))


@case("sinks", found=finds(1), **PER_TOKEN)
class Sinks(Heads):
    """A learned score per head in the denominator, as gpt-oss's eager attention writes it."""

    def __init__(self):
        super().__init__()
        self.sinks = nn.Parameter(torch.randn(4))

    def forward(self, x):
        q, k, v = self.split(x)
        scores = torch.matmul(q, k.transpose(2, 3)) * 8 ** -0.5
        scores = scores + torch.where(self.causal(x), 0.0, torch.finfo(x.dtype).min)
        sinks = self.sinks.reshape(1, -1, 1, 1).expand(q.shape[0], -1, q.shape[-2], -1)
        logits = torch.cat([scores, sinks], dim=-1)
        logits = logits - logits.max(dim=-1, keepdim=True).values
        return self.merged(torch.matmul(F.softmax(logits, dim=-1)[..., :-1], v))


@case("sigmoid_attention", found=finds(1), **PER_TOKEN)
class SigmoidAttention(Heads):
    """Weights σ(s - log n), hidden keys 0."""

    def forward(self, x):
        q, k, v = self.split(x)
        scores = q @ k.transpose(2, 3) * 8 ** -0.5 - math.log(512)
        return self.merged(torch.sigmoid(scores).masked_fill(~self.causal(x), 0.0) @ v)


@case("prefix_keys", found=finds(1), **PER_TOKEN)
class PrefixKeys(Heads):
    """Learned keys and values in front of those of the tokens: two sources of one softmax."""

    def __init__(self):
        super().__init__()
        self.keys, self.values = nn.Parameter(torch.randn(4, 3, 8)), nn.Parameter(torch.randn(4, 3, 8))

    def forward(self, x):
        q, k, v = self.split(x)
        k, v = (torch.cat([p.expand(x.shape[0], -1, -1, -1), y], 2) for p, y in ((self.keys, k), (self.values, v)))
        return self.merged((q @ k.transpose(2, 3) * 8 ** -0.5).softmax(-1) @ v)


@case("zoo", found=finds(0, 1), **PER_TOKEN)
class Zoo(nn.Module):
    """Operations that the other models do not have, added up."""

    def __init__(self, width=32):
        super().__init__()
        self.norm, self.conv = nn.GroupNorm(4, width), nn.Conv1d(width, width, 3, padding=1, groups=4)
        self.table = nn.Parameter(torch.randn(5, width))

    def forward(self, x):
        values, chosen = x.topk(3, -1)
        y = self.conv(x.transpose(1, 2)).transpose(1, 2) + self.norm(x.transpose(1, 2)).transpose(1, 2)
        y = y + values.sum(-1, keepdim=True) + F.one_hot(chosen, 32).sum(-2) + x.std(-1, keepdim=True) + x.sort(-1).values
        y = y + self.table[chosen % 5].mean(-2) + torch.einsum("bth,bsh->bts", x, x).amax(-1, keepdim=True) + x.argmax(-1, keepdim=True)
        y = y + F.pad(x, (0, 0, 1, 0))[:, :-1] + x.flip(1) + x.cumsum(1) / 10 + F.elu(x) + F.softplus(x) + F.log_softmax(x, -1)
        y = y + x.gather(-1, chosen).sum(-1, keepdim=True) + x.clamp(-1, 1).roll(3, -1) + x.logsumexp(-1, keepdim=True)
        return y + torch.where(x.isnan() | (x.abs() ** 1.5 > 2), x.sign(), (x // 0.5) % 3) + F.mish(x) + F.leaky_relu(x, 0.2) + F.glu(x).repeat(1, 1, 2)
