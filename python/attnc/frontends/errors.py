"""Problems of an import: collected, told once, each with the operation and where it stands in the user's source."""
from __future__ import annotations

import dataclasses

from ..errors import Error


class Unsupported(Exception):
    """An operation, or a use of one, that cannot be imported; the text says why and what would work."""


@dataclasses.dataclass(frozen=True)
class Problem:
    message: str
    operation: str = ""  # aten.foo.default (node foo)
    place: str = ""      # in module 'layers.0', File model.py, line 7, in forward

    def __str__(self) -> str:
        return ": ".join(filter(None, (self.operation, self.message))) + (f" ({self.place})" if self.place else "")


class ImportProblems(Error):
    """All that stands between a model and its import."""

    def __init__(self, model: str, problems: list[Problem]):
        self.problems = list(dict.fromkeys(problems))
        count = f"{len(self.problems)} problems" if len(self.problems) != 1 else "1 problem"
        super().__init__("\n".join([f"{model} cannot be imported: {count}"] + [f"  {p}" for p in self.problems]), "import")
