"""The tree of RFC 9162, held against the definition in it and against known roots."""

from __future__ import annotations

import hashlib

import pytest

from matchmaker.core import merkle
from matchmaker.core.merkle import BLOCK, Tree, root_from

EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
KNOWN = [
    ("", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
    ("00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
    ("10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
    ("2021", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
    ("3031", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"),
    ("40414243", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"),
    ("5051525354555657", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"),
    (
        "606162636465666768696a6b6c6d6e6f",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ),
]
"""The entries and roots of the reference tests of Certificate Transparency."""


def entries(number: int) -> list[bytes]:
    return [hashlib.sha256(str(each).encode()).digest() for each in range(number)]


def by_definition(found: list[bytes]) -> bytes:
    if len(found) == 1:
        return hashlib.sha256(b"\0" + found[0]).digest()
    split = 1
    while split * 2 < len(found):
        split *= 2
    both = by_definition(found[:split]) + by_definition(found[split:])
    return hashlib.sha256(b"\1" + both).digest()


def in_blocks(found: list[bytes], index: int) -> Tree:
    """The tree of who knows little more than the roots of the blocks."""
    size = len(found)
    cut = [found[at : at + BLOCK] for at in range(0, size, BLOCK)]
    roots = [merkle.root(block) for block in cut if len(block) == BLOCK]
    known = {number: cut[number] for number in {index // BLOCK, (size - 1) // BLOCK}}
    return Tree(roots, known, size)


def test_the_reference_roots() -> None:
    assert merkle.root([]).hex() == EMPTY
    inputs = [bytes.fromhex(entry) for entry, _ in KNOWN]
    for number, (_, root) in enumerate(KNOWN, start=1):
        assert merkle.root(inputs[:number]).hex() == root


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 255, 256, 257, 511, 512, 513, 1000])
def test_a_path_leads_to_the_root_from_its_entry_alone(size: int) -> None:
    found = entries(size)
    root = by_definition(found)
    for index in {0, 1, size // 2, size - 2, size - 1} & set(range(size)):
        tree = in_blocks(found, index)
        path = tree.path(index)
        assert tree.root == root
        assert root_from(found[index], index, size, path) == root
        assert len(path) <= 10
        assert root_from(found[index][::-1], index, size, path) != root
        assert root_from(found[index], (index + 1) % size, size, path) != root or size == 1
        assert root_from(found[index], index, size, [*path, root]) != root
        assert not path or root_from(found[index], index, size, path[:-1]) != root
    assert root_from(found[0], size, size, []) is None
