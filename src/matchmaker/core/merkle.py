"""The Merkle tree of RFC 9162, section 2.1: that an entry is in a list, told by a few hashes.

A leaf is ``sha256(0x00 + entry)``, a node ``sha256(0x01 + left + right)``, and a list is split at
the largest power of two below its length.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Final

BLOCK: Final = 256
"""Entries whose root is remembered; a power of two, so that no split goes through a block."""


def root(entries: Sequence[bytes]) -> bytes:
    """The root of a list of entries."""
    blocks = range(-(-len(entries) // BLOCK))
    known = {block: entries[block * BLOCK : (block + 1) * BLOCK] for block in blocks}
    return Tree((), known, len(entries)).root


class Tree:
    """The tree of a list that nobody has as a whole.

    ``blocks`` are the roots of the full blocks in their order; ``known`` has, by its number, the
    entries of a block: of the one that is asked about, and of a last one that is not full.
    """

    def __init__(
        self, blocks: Sequence[bytes], known: Mapping[int, Sequence[bytes]], size: int
    ) -> None:
        """Note what is there; nothing is hashed yet."""
        self._blocks = blocks
        self._known = known
        self._size = size

    @property
    def root(self) -> bytes:
        """The root of the whole list; that of an empty one is the hash of nothing."""
        return self._root(0, self._size) if self._size else hashlib.sha256().digest()

    def path(self, index: int) -> list[bytes]:
        """The hashes beside the way from an entry, counted from 0, up to the root."""
        found: list[bytes] = []
        start, end = 0, self._size
        while end - start > 1:
            middle = start + _split(end - start)
            if index < middle:
                found.append(self._root(middle, end))
                end = middle
            else:
                found.append(self._root(start, middle))
                start = middle
        return found[::-1]

    def _root(self, start: int, end: int) -> bytes:
        block, offset = divmod(start, BLOCK)
        if end - start == BLOCK and block < len(self._blocks):
            return self._blocks[block]
        if end - start == 1:
            return _leaf(self._known[block][offset])
        middle = start + _split(end - start)
        return _node(self._root(start, middle), self._root(middle, end))


def root_from(entry: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root that ``path`` leads to from an entry; None: it fits no list of this size.

    RFC 9162, 2.1.3.2. Who knows the root of the list holds it against this.
    """
    if index >= size:
        return None
    found, at, last = _leaf(entry), index, size - 1
    for beside in path:
        if last == 0:
            return None
        if at % 2 or at == last:
            found = _node(beside, found)
            while at % 2 == 0 and at:
                at, last = at >> 1, last >> 1
        else:
            found = _node(found, beside)
        at, last = at >> 1, last >> 1
    return found if last == 0 else None


def _leaf(entry: bytes) -> bytes:
    return hashlib.sha256(b"\0" + entry).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


def _split(length: int) -> int:
    """The largest power of two below ``length``, which is 2 or more."""
    return 1 << (length - 1).bit_length() - 1
