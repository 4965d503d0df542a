"""Random modules over the supported operations against eager PyTorch: odd widths, dynamic batch and length. A seed is a module, and
what fails says which; twenty are compiled together. `ATTNC_RANDOM=first:last` runs others than the two hundred of CI."""
import os
import unittest
import warnings

import torch
import torch.nn.functional as F
from torch import nn

from common import FOLDER, package
import attnc
from attnc import frontends
from torch_models import BATCH, LENGTH

FIRST, LAST = map(int, os.environ.get("ATTNC_RANDOM", "0:200").split(":"))
TOGETHER = 20
STEPS = []  # f(random, width) → a module from [B, T, width] to the same


def step(make):
    STEPS.append(make)
    return make


class Apply(nn.Module):
    """A function of x, with modules that it uses."""

    def __init__(self, f, *modules):
        super().__init__()
        self.f, self.modules_ = f, nn.ModuleList(modules)

    def forward(self, x):
        return self.f(x, *self.modules_)


def pick(random, *choices):
    return choices[int(torch.randint(len(choices), (), generator=random))]


def divisors(n):
    return [d for d in range(1, n + 1) if n % d == 0]


@step
def linear(random, width):
    hidden = pick(random, 3, 8, 17)
    return nn.Sequential(nn.Linear(width, hidden, bias=pick(random, True, False)), pick(random, nn.GELU(), nn.SiLU(), nn.Tanh(), nn.Softplus()),
                         nn.Linear(hidden, width))


@step
def norm(random, width):
    groups = pick(random, *divisors(width))
    return pick(random, nn.LayerNorm(width), nn.RMSNorm(width, eps=1e-3),
                Apply(lambda x, n: n(x.transpose(1, 2)).transpose(1, 2), nn.GroupNorm(groups, width)))


@step
def activation(random, width):
    return pick(random, nn.GELU("tanh"), nn.ELU(), nn.LeakyReLU(0.1), nn.Mish(), nn.Hardsigmoid(), nn.ReLU6(), nn.LogSigmoid(), nn.Sigmoid())


@step
def softmax(random, width):
    dim = pick(random, 0, 1, 2)
    return Apply(pick(random, lambda x: x.softmax(dim) * 3, lambda x: x.log_softmax(dim) / 4))


@step
def attention(random, width):
    heads = pick(random, *divisors(width))
    causal, layout = pick(random, True, False), pick(random, 0, 1)

    def f(x, qkv):
        q, k, v = (y.unflatten(-1, (heads, -1)).transpose(1, 2) for y in qkv(x).chunk(3, -1))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
        return y.transpose(1, 2).flatten(2) if layout else y.permute(0, 2, 3, 1).flatten(2)
    return Apply(f, nn.Linear(width, 3 * width))


@step
def grouped_attention(random, width):
    """Two query heads a key head, and a mask that differs by head, row or batch."""
    head, added = pick(random, 2, 5), pick(random, True, False)

    def f(x, q, kv, out):
        q = q(x).unflatten(-1, (4, head)).transpose(1, 2)
        k, v = (y.unflatten(-1, (2, head)).transpose(1, 2) for y in kv(x).chunk(2, -1))
        rows = torch.arange(x.shape[1])
        near = (rows[:, None] - rows[None, :]).abs() <= 3
        mask = -(rows[:, None] - rows[None, :]).abs() * 0.1 + x.mean(-1)[:, None, None, :] if added else near
        return out(F.scaled_dot_product_attention(q, k, v, attn_mask=mask, enable_gqa=True).transpose(1, 2).flatten(2))
    return Apply(f, nn.Linear(width, 4 * head), nn.Linear(width, 4 * head), nn.Linear(4 * head, width))


@step
def parts(random, width):
    cut = int(torch.randint(1, width, (), generator=random))
    dim = pick(random, -1, 2)
    return Apply(pick(random, lambda x: torch.cat([x[..., cut:], x[..., :cut] * 2], dim), lambda x: torch.cat(x.split([cut, width - cut], dim)[::-1], -1),
                      lambda x: x.roll(cut, dim), lambda x: F.pad(x, (cut, 0))[..., :width] + x, lambda x: x.index_select(-1, torch.arange(width).flip(0))))


@step
def over_rows(random, width):
    return Apply(pick(random, lambda x: x - x.mean(1, keepdim=True), lambda x: x / (1 + x.std(-1, keepdim=True)), lambda x: x.cumsum(1) / 8, lambda x: x.flip(1),
                      lambda x: x + x.amax((1, 2), keepdim=True), lambda x: x * x.logsumexp(-1, keepdim=True) / 4, lambda x: F.pad(x, (0, 0, 1, 0))[:, :-1] - x,
                      lambda x: F.normalize(x + 2, dim=-1) * 3, lambda x: x + x.prod(-1, keepdim=True).tanh()))


@step
def order(random, width):
    k = int(torch.randint(1, width + 1, (), generator=random))
    return Apply(pick(random, lambda x: x.sort(-1).values, lambda x: x + x.topk(k, -1).values.sum(-1, keepdim=True) / k,
                      lambda x: x.gather(-1, torch.arange(width).flip(0).expand(x.shape)), lambda x: x.max(-1, keepdim=True).values - x))


@step
def elementwise(random, width):
    return Apply(pick(random, lambda x: torch.where(x > 0, x, x * 0.1), lambda x: x.clamp(-1, 1) + 0.1 * x, lambda x: (x.square() + 1).rsqrt() * x,
                      lambda x: x.abs().sqrt() * x.sign(), lambda x: x.sin() * x.cos(), lambda x: torch.maximum(x, -x * 0.5), lambda x: x.masked_fill(x > 2, 2.0),
                      lambda x: (1 + x.abs()).log() - torch.lerp(x, x * x, 0.25), lambda x: torch.addcmul(x, x, x, value=0.3), lambda x: x.double().exp2().to(x.dtype) / 4,
                      lambda x: x.erf() + x.atan(), lambda x: (x.abs() + 1) ** -1.5, lambda x: F.glu(torch.cat([x, x + 1], -1))))


@step
def shapes(random, width):
    d = pick(random, *divisors(width))
    return Apply(pick(random, lambda x: x.unflatten(-1, (d, -1)).transpose(2, 3).flatten(2), lambda x: x.flatten(0, 1).unflatten(0, x.shape[:2]) * 2,
                      lambda x: x.repeat(1, 1, 2)[..., ::2], lambda x: torch.stack([x, -x], 1).sum(1) + x, lambda x: torch.einsum("btw,bsw->bts", x, x).softmax(-1) @ x,
                      lambda x: (x[:, :, None] * x[:, :, :, None]).mean(-1), lambda x: x.unsqueeze(1).expand(-1, 3, -1, -1).mean(1)))


@step
def convolution(random, width):
    groups, kernel = pick(random, *divisors(width)), pick(random, 1, 3)
    return Apply(lambda x, c: c(x.transpose(1, 2)).transpose(1, 2), nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=groups))


def make(seed):
    random = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    width = pick(random, 4, 6, 7, 12, 15)
    steps = [pick(random, *STEPS)(random, width) for _ in range(pick(random, 2, 3, 4, 5))]
    return nn.Sequential(nn.Linear(6, width), *steps)


class Together(nn.Module):
    def __init__(self, seeds):
        super().__init__()
        self.models = nn.ModuleList(map(make, seeds))

    def forward(self, x):
        return tuple(model(x) for model in self.models)


def error(got, expected):
    return ((got.double() - expected).norm() / expected.norm().clamp(min=1e-6)).item()


class Random(unittest.TestCase):
    def check(self, seeds):
        module = Together(seeds).eval()
        draw = torch.Generator().manual_seed(seeds[0])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            imported = frontends.load(module, (torch.randn(2, 5, 6, generator=draw),), None, ({0: BATCH, 1: LENGTH},))
        name = f"random{seeds[0]}"
        imported.write(FOLDER / f"{name}.mlir", FOLDER / f"{name}.safetensors")
        compiled = attnc.load(package(FOLDER / f"{name}.mlir", name, FOLDER / f"{name}.safetensors"))
        exact = Together(seeds).eval().double()
        for size in ((2, 5), (1, 3), (3, 19)):
            x = torch.randn(*size, 6, generator=draw)
            with torch.no_grad():
                results = zip(seeds, compiled(x), module(x), exact(x.double()))
            for seed, got, eager, expected in results:
                with self.subTest(seed=seed, size=size):
                    self.assertEqual(got.shape, eager.shape)
                    # torch's own rounding says how well the module is conditioned.
                    self.assertLessEqual(error(got, expected), max(1e-5, 4 * error(eager, expected)))


for _first in range(FIRST, LAST, TOGETHER):
    _seeds = list(range(_first, min(_first + TOGETHER, LAST)))
    setattr(Random, f"test_{_first}_to_{_seeds[-1]}", lambda self, seeds=_seeds: self.check(seeds))

if __name__ == "__main__":
    unittest.main()
