"""What PyTorch has no operation for, to prototype and train with and to compile: attention over several sources, loops whose rows halt
one by one, scans over blocks of a sequence.

They run as Python and differentiate; torch.export sees one node each, which attnc.compile makes loops and kernels of."""
from .adaptive import Act, Bernoulli, Converge, Geometric, Predicate, Threshold, adaptive
from .attention import Source, attention
from .segment import segment

__all__ = ["Act", "Bernoulli", "Converge", "Geometric", "Predicate", "Source", "Threshold", "adaptive", "attention", "segment"]
