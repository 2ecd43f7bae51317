"""Editions: the released data that shapes an index and an answer, and the parts it is kept in.

A part is named by its content, so a receipt that names the parts can be replayed with just these,
whatever has been released since.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import msgspec

from matchmaker.matching.registry import (
    CARD,
    GLOSSARY,
    STOP_WORDS,
    TAXONOMY,
    Words,
    load_model,
    load_reader,
    load_words,
)
from matchmaker.taxonomy import documents, registry, seeds

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from matchmaker.matching.query import Reader
    from matchmaker.matching.service import Model
    from matchmaker.taxonomy.registry import Taxonomy

Part = dict[str, str]
"""The texts of one part: those of the taxonomy by their path in it, others by what they are."""
OPEN: Final = 4
"""Editions of the past that a process keeps loaded; each takes a second to load."""
_PLACES: Final = {"card": CARD, "glossary": GLOSSARY, "stop_words": STOP_WORDS}


class EditionNames(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """The parts of an edition."""

    model: str
    taxonomy: str
    glossary: str


@dataclass(frozen=True, slots=True)
class Edition:
    """What is loaded of the seeds of one release, with the texts it was loaded from."""

    taxonomy: Taxonomy
    words: Words
    model: Model
    reader: Reader
    parts: Mapping[str, Part]

    @property
    def names(self) -> EditionNames:
        """What tells it from every other edition."""
        return EditionNames(
            model=self.model.version, taxonomy=self.taxonomy.version, glossary=self.words.version
        )


def load(folder: Path) -> Edition:
    """The edition whose seeds are in ``folder``.

    Raises:
        SeedBroken, ValueError: the seeds are not sound.
    """
    taxonomy = registry.load(folder / TAXONOMY)
    words = load_words(folder)
    manifest = seeds.read_document(folder / TAXONOMY / seeds.MANIFEST, documents.Manifest)
    files = {
        "model": ["card"],
        "taxonomy": sorted({seeds.MANIFEST, *manifest.files()}),
        "glossary": ["glossary", "stop_words"],
    }
    return Edition(
        taxonomy=taxonomy,
        words=words,
        model=load_model(folder, taxonomy),
        reader=load_reader(taxonomy, words),
        parts={part: _texts(folder, names) for part, names in files.items()},
    )


@dataclass(frozen=True, slots=True)
class Kept:
    """An edition that was restored: what it is called, and a folder it can be loaded from."""

    names: EditionNames
    folder: Path = field(compare=False)


@functools.lru_cache(OPEN)
def opened(kept: Kept) -> Edition:
    """The edition; it is loaded unless it was one of the last of which somebody asked.

    Raises:
        SeedBroken, ValueError: the seeds are not sound.
    """
    return load(kept.folder)


def restore(folder: Path, parts: Mapping[str, Part]) -> None:
    """Write the seeds of an edition into ``folder``, to be loaded from there."""
    for texts in parts.values():
        for name, text in texts.items():
            target = _place(folder, name)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(text.encode())


def _texts(folder: Path, names: list[str]) -> Part:
    # As bytes: line ends are part of what a name is the hash of.
    return {name: _place(folder, name).read_bytes().decode() for name in names}


def _place(folder: Path, name: str) -> Path:
    return folder / _PLACES.get(name, f"{TAXONOMY}/{name}")
