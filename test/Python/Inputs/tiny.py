"""Modules for the command line: `attnc compile tiny.py:make`."""
import torch
from torch import nn
from torch.export import Dim


def make():
    return nn.Linear(4, 3).eval(), (torch.randn(2, 4),), ({0: Dim("n", min=1, max=64)},)


class Unsupported(nn.Module):
    def forward(self, x):
        chosen = x[x > 0]
        return chosen, torch.special.i0(x)


def unsupported():
    return Unsupported(), (torch.randn(2, 4),)


def number():
    return 3
