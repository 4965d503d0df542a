"""attnc.torch.attention: against its NumPy definition, its gradients, and compiled against itself at three shapes."""
import unittest
import warnings

import numpy as np
import torch
from torch import nn
from torch.export import Dim

import common
import attention as definition  # test/Models
import attnc
from attnc import frontends
from attnc.torch import Source, attention

warnings.filterwarnings("ignore")
BATCH, LENGTH = Dim("batch", min=1, max=64), Dim("length", min=1, max=512)
causal = lambda b, h, i, j: j <= i


def heads(batch, count, rows, width, seed=0, dtype=torch.float64):
    return torch.randn(batch, count, rows, width, generator=torch.Generator().manual_seed(seed * 1000 + rows), dtype=dtype)


class Definition(unittest.TestCase):
    """Against test/Models/attention.py, in f64."""

    def setUp(self):
        self.q, self.k, self.v = heads(2, 4, 5, 6), heads(2, 2, 7, 6, 1), heads(2, 2, 7, 3, 2)

    def check(self, got, want):
        np.testing.assert_allclose(got.numpy(), want, rtol=1e-12, atol=1e-12)

    def test_grouped_heads_and_a_causal_mask(self):
        visible = np.arange(7)[None] <= np.arange(5)[:, None]
        self.check(attention(self.q, self.k, self.v, mask_mod=causal), definition.attention(self.q.numpy(), self.k.numpy(), self.v.numpy(), visible))

    def test_a_score_reads_tables(self):
        slopes, table = torch.tensor([0.5, 0.25, 0.125, 0.0625]), torch.randn(4, 16)
        score = lambda s, b, h, i, j: 5 * torch.tanh(s / 5) - slopes[h] * (i - j) + table[h, i - j + 8]
        distance = np.arange(5)[:, None] - np.arange(7)[None]
        bias = -slopes.numpy()[:, None, None] * distance + table.numpy()[:, distance + 8]
        self.check(attention(self.q, self.k, self.v, score, scale=0.3),
                   definition.attention(self.q.numpy(), self.k.numpy(), self.v.numpy(), scale=0.3, softcap=5, bias=bias.astype(np.float64)))

    def test_sources_share_a_softmax(self):
        memory, width = (heads(2, 2, 3, 6, 3), heads(2, 2, 3, 3, 4)), torch.tensor([3, 0])
        got = attention(self.q, self.k, self.v, mask_mod=causal, sources=[Source(*memory, key_lengths=width)])
        k, v = (np.concatenate([a.numpy(), b.numpy()], 2) for a, b in zip((self.k, self.v), memory))
        visible = np.concatenate([np.broadcast_to(np.arange(7)[None] <= np.arange(5)[:, None], (2, 4, 5, 7)),
                                  np.broadcast_to((np.arange(3)[None] < width.numpy()[:, None])[:, None, None], (2, 4, 5, 3))], -1)
        self.check(got, definition.attention(self.q.numpy(), k, v, visible))

    def test_positions_are_what_functions_see(self):
        rows = torch.tensor([[3, 1, 4, 1, 5], [9, 2, 6, 5, 3]])
        got = attention(self.q, self.k, self.v, mask_mod=causal, query_positions=rows, key_positions=2)
        visible = (np.arange(7)[None, None] + 2 <= rows.numpy()[:, :, None])[:, None]
        self.check(got, definition.attention(self.q.numpy(), self.k.numpy(), self.v.numpy(), visible))

    def test_sinks(self):
        sink = torch.tensor([0.0, 1.0, -1.0, 2.0], dtype=torch.float64)
        self.check(attention(self.q, self.k, self.v, sink=sink), definition.attention(self.q.numpy(), self.k.numpy(), self.v.numpy(), sink=sink.numpy()[:, None, None]))

    def test_normalizers_and_post(self):
        s = definition.scores(self.q.numpy(), self.k.numpy())
        p = definition.sigmoid(s)
        for normalizer, want in {"identity": s, "sigmoid": p, "sigmoid_sum": p / p.sum(-1, keepdims=True)}.items():
            self.check(attention(self.q, self.k, self.v, normalizer=normalizer), definition.mix(want, self.v.numpy()))
        self.check(attention(self.q, self.k, self.v, post_mod=lambda p, b, h, i, j: p * (j % 2)), definition.mix(definition.softmax(s) * (np.arange(7) % 2), self.v.numpy()))

    def test_rows_that_see_nothing_and_keys_that_do_not_exist(self):
        k, v = self.k.clone(), self.v.clone()
        k[1, :, 2:], v[1, :, 2:] = torch.nan, torch.inf
        got = attention(self.q, k, v, key_lengths=torch.tensor([0, 2]))
        self.assertTrue((got[0] == 0).all())
        self.check(got[1:], definition.attention(*(x.numpy() for x in (self.q[1:], self.k[1:, :, :2], self.v[1:, :, :2]))))
        for normalizer in ("sigmoid", "sigmoid_sum", "identity"):
            self.assertTrue((attention(self.q, self.k, self.v, mask_mod=lambda b, h, i, j: j < 0, normalizer=normalizer) == 0).all())


class Gradients(unittest.TestCase):
    def test_of_everything(self):
        slopes, memory = torch.randn(2, dtype=torch.float64), heads(1, 1, 2, 3, 3)
        sink = torch.randn(2, dtype=torch.float64)

        def f(q, k, v, slopes, memory, sink):
            score = lambda s, b, h, i, j: s - slopes[h] * (i - j)
            return attention(q, k, v, score, causal, sink=sink, key_lengths=torch.tensor([2]), sources=[Source(memory, memory, mask_mod=causal)])
        given = (heads(1, 2, 3, 3), heads(1, 1, 3, 3, 1), heads(1, 1, 3, 3, 2), slopes, memory, sink)
        self.assertTrue(torch.autograd.gradcheck(f, tuple(x.requires_grad_() for x in given)))

    def test_rows_that_see_nothing_have_none(self):
        q = heads(1, 1, 3, 3).requires_grad_()
        attention(q, q, q, mask_mod=lambda b, h, i, j: j < i).sum().backward()
        self.assertTrue(torch.isfinite(q.grad).all())


class Zoo(nn.Module):
    """Each clause of the operation once."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.qkv = nn.Linear(16, 32)
        self.slopes, self.sink = nn.Parameter(torch.rand(4)), nn.Parameter(torch.randn(4))
        self.table = nn.Parameter(torch.randn(4, 1100))
        self.memory = nn.Parameter(torch.randn(1, 2, 5, 4))

    def forward(self, x, lengths, positions):
        q, k, v = (y.unflatten(-1, (-1, 4)).transpose(1, 2) for y in self.qkv(x).split([16, 8, 8], -1))
        alibi = lambda s, b, h, i, j: s - self.slopes[h] * (i - j)
        block = lambda s, b, h, i, j: s + self.table[h, i - j + 512]
        memory = self.memory.expand(x.shape[0], -1, -1, -1)
        documents = lambda b, h, i, j: (positions[b, i] == positions[b, j]) & (j <= i)
        return {"causal": attention(q, k, v, alibi, causal),
                "valid": attention(q, k, v, block, key_lengths=lengths, scale=0.5),
                "sources": attention(q, k, v, alibi, causal, sources=[Source(memory, memory, block, key_positions=-5), Source(k, v, key_lengths=lengths)]),
                "documents": attention(q, k, v, mask_mod=documents),
                "positions": attention(q, k, v, mask_mod=causal, query_positions=positions, key_positions=1),
                "sink": attention(q, k, v, mask_mod=causal, sink=self.sink),
                "sigmoid": attention(q, k, v, lambda s, b, h, i, j: s - torch.log(torch.tensor(8.0)), causal, normalizer="sigmoid"),
                "sum": attention(q, k, v, mask_mod=causal, normalizer="sigmoid_sum"),
                "identity": attention(q, k, v, mask_mod=causal, normalizer="identity", post_mod=lambda p, b, h, i, j: p / (1 + i - j))}


def inputs(batch, length):
    draw = torch.Generator().manual_seed(length)
    return (torch.randn(batch, length, 16, generator=draw), torch.randint(0, length + 1, (batch,), generator=draw),
            torch.randint(0, 4, (batch, length), generator=draw))


class Compiled(unittest.TestCase):
    def test_every_clause(self):
        model, sizes = Zoo().eval(), ({0: BATCH, 1: LENGTH}, {0: BATCH}, {0: BATCH, 1: LENGTH})
        package = attnc.compile(model, inputs(2, 7), sizes, target="cpu:avx2")
        for batch, length in ((2, 7), (1, 1), (3, 41)):
            given = inputs(batch, length)
            want = model(*given)
            got = package.main.run(dict(zip(("x", "lengths", "positions"), given)))
            for name, y in want.items():
                torch.testing.assert_close(got[name], y.detach(), rtol=2e-5, atol=2e-5 * float(y.abs().max() + 1e-3), msg=lambda m: f"{name} at {batch} × {length}: {m}")

    def test_is_one_op(self):
        text = frontends.load(Zoo().eval(), inputs(2, 7), None, ({0: BATCH, 1: LENGTH}, {0: BATCH}, {0: BATCH, 1: LENGTH})).text
        self.assertEqual(text.count("attn.attention"), 9)
        for clause in ("valid %", "offset %", "positions %", "sink %", " score(", " mask(", " post(", "sigmoid_sum", "identity"):
            self.assertIn(clause, text)
        self.assertNotIn("linalg.softmax", text)


class Refusals(unittest.TestCase):
    def test_wrong_arguments(self):
        q, k = heads(1, 4, 3, 2), heads(1, 3, 3, 2)
        for pattern, f in {"expected one of softmax": lambda: attention(q, q, q, normalizer="entmax"), "it belongs to softmax": lambda: attention(q, q, q, normalizer="sigmoid", sink=q[0, :, 0, 0]),
                           "4 query heads over 3 key heads": lambda: attention(q, k, k), "expected \\[batch, heads, rows, width\\]": lambda: attention(q[0], q, q),
                           "source 1 has 3 key and 3 value heads": lambda: attention(q, q, q, sources=[Source(k, k)])}.items():
            with self.assertRaisesRegex(ValueError, pattern):
                f()

    def test_what_a_score_cannot_do(self):
        class Sum(nn.Module):
            def forward(self, q):
                return attention(q, q, q, lambda s, b, h, i, j: s + torch.special.i0(s))
        with self.assertRaisesRegex(frontends.ImportProblems, r"i0.*: unsupported operation.*in attnc_attention_graph_0.*torch_test_attention.py"):
            frontends.load(Sum(), (heads(1, 2, 3, 2, dtype=torch.float32),))


if __name__ == "__main__":
    unittest.main()
