"""One line on a terminal that says what is being done; nothing in a pipe."""
from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from typing import Sequence

START = "\r\033[K"  # what such a line begins with: to the line's start, and clear it


class Progress:
    """The line; show() writes at most ten a second."""

    def __init__(self):
        self._next = 0.0
        self._shown = False

    @property
    def enabled(self) -> bool:
        return sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"

    def show(self, text: str, always: bool = False) -> None:
        now = time.monotonic()
        if (always or now >= self._next) and self.enabled:
            self._next, self._shown = now + 0.1, True
            print(START + text[:shutil.get_terminal_size().columns - 1], end="", file=sys.stderr, flush=True)

    def step(self, done: int, all_: int, text: str) -> None:
        self.show(f"[{done}/{all_}] {text}")

    def clear(self) -> None:
        if self._shown:
            self._shown = False
            print(START, end="", file=sys.stderr, flush=True)


progress = Progress()


def run(line: Sequence[str]) -> tuple[int, str]:
    """Runs a program of attnc: its exit code and what it said. On a terminal its progress is shown meanwhile."""
    if not progress.enabled:
        done = subprocess.run(line, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        return done.returncode, done.stderr
    ours, its = os.openpty()  # it shows progress on terminals only
    child = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=its)
    os.close(its)
    said = b""
    try:
        while chunk := read(ours):
            said += chunk
            shown = said.decode(errors="replace").rpartition(START)[2]
            if "\n" not in shown:
                progress.show(shown, always=True)
        code = child.wait()
    finally:
        child.kill()
        child.wait()
        os.close(ours)
        progress.clear()
    lines = said.decode(errors="replace").replace("\r\n", "\n").split("\n")
    return code, re.sub("\033\\[[0-9;]*m", "", "\n".join(line.rpartition(START)[2] for line in lines))  # without colours


def read(terminal: int) -> bytes:
    """What was written to the other side; nothing at its end."""
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux's way to say that the other side is closed
        return b""
