"""Where a weight's bytes lie, when they are in a file already: then the package is made from there, and no copy is written.

A checkpoint that torch or transformers maps (safetensors, in shards or not, .bin with mmap) is found by its address in memory."""
from __future__ import annotations

import bisect
import dataclasses
import mmap
import os

CHUNK = 1 << 24


@dataclasses.dataclass(frozen=True)
class Place:
    """Bytes of a file; called, it gives them."""
    path: str
    offset: int
    length: int

    def __call__(self) -> bytes:
        with open(self.path, "rb") as file:
            file.seek(self.offset)
            return file.read(self.length)

    def holds(self, data: memoryview) -> bool:
        """Whether these are the bytes there: what is in memory may have been changed."""
        if data.nbytes != self.length or not os.path.isfile(self.path) or os.path.getsize(self.path) < self.offset + self.length:
            return False
        if not self.length:
            return False
        with open(self.path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped, memoryview(mapped) as there:
            for at in range(0, self.length, CHUNK):
                part = there[self.offset + at:self.offset + min(at + CHUNK, self.length)]
                equal = part == data[at:at + CHUNK]
                part.release()
                if not equal:
                    return False
        return True


class Mappings:
    """The files that are mapped into this process, as they are now."""

    def __init__(self):
        self.ranges: list[tuple[int, int, int, str]] = []  # start, end, offset in the file, file
        with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as maps:
            for line in maps:
                addresses, _, offset, _, inode, *path = line.rstrip("\n").split(None, 5)
                if inode != "0" and path:
                    start, end = (int(a, 16) for a in addresses.split("-"))
                    self.ranges.append((start, end, int(offset, 16), path[0]))

    def find(self, address: int, length: int) -> Place | None:
        at = bisect.bisect(self.ranges, (address, float("inf"))) - 1
        if at < 0:
            return None
        start, end, offset, path = self.ranges[at]
        return Place(path, offset + address - start, length) if address + length <= end else None
