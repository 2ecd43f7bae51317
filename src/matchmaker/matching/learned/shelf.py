"""The learned models of one folder of indexes, and which of them ranks; no SQL.

Whoever places models there switches with one rename; every process looks on each match.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec
import structlog

from matchmaker.matching.service import Model
from matchmaker.ranking import artefact, features

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER: Final = "models"
_STANDING: Final = "STANDING"
_KEY: Final = 32
"""Hex digits of its sha256 by which a receipt names a model."""
_JOINT: Final = "+"
SCHEMA: Final = artefact.schema_of(features.FEATURES)
_log = structlog.get_logger()


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Which models are in force, by their sha256; without a champion the card ranks."""

    champion: str | None = None
    shadow: str | None = None


class VersionParts(NamedTuple):
    """The version of a model as a receipt has it: the card, and the learned model if one ranked."""

    card: str
    learned: str | None


def parts_of(version: str) -> VersionParts:
    """What ``version`` names."""
    name, _, rest = version.partition(_JOINT)
    content, _, learned = rest.partition(_JOINT)
    return VersionParts(f"{name}{_JOINT}{content}" if content else name, learned or None)


def version_of(card: str, sha256: str) -> str:
    """How a receipt names the learned model of this ``sha256`` on ``card``."""
    return f"{card}{_JOINT}{sha256[:_KEY]}"


class Shelf:
    """The models below one folder of indexes, each loaded once."""

    def __init__(self, indexes: Path) -> None:
        """Note where; nothing is read before it is needed."""
        self.folder = indexes / FOLDER
        self._read: tuple[bytes, Standing] = (b"", Standing())
        self._loaded: dict[tuple[str, str], Model | None] = {}

    def standing(self) -> Standing:
        """Which models are in force now."""
        try:
            content = (self.folder / _STANDING).read_bytes()
        except FileNotFoundError:
            return Standing()
        if content != self._read[0]:
            self._read = (content, msgspec.json.decode(content, type=Standing))
        return self._read[1]

    def has(self, sha256: str) -> bool:
        """Whether the model is in place."""
        return (self.folder / sha256[:_KEY]).exists()

    def champion(self, card: Model) -> Model:
        """What ranks: the champion on ``card``, or the card."""
        return self._in_force(self.standing().champion, card) or card

    def shadow(self, card: Model) -> Model | None:
        """What runs in the shadow on ``card``."""
        return self._in_force(self.standing().shadow, card)

    def _in_force(self, sha256: str | None, card: Model) -> Model | None:
        return None if sha256 is None else self.find(sha256[:_KEY], card)

    def find(self, key: str, card: Model) -> Model | None:
        """The model of this key on the grids of ``card``; None where there is none to be trusted.

        Its tables were held against what it predicted (`ranking.artefact.load`).
        """
        at = (key, card.version)
        if at not in self._loaded:
            if not self.has(key):
                # It may be placed any moment.
                return None
            self._loaded[at] = self._load(key, card)
        return self._loaded[at]

    def _load(self, key: str, card: Model) -> Model | None:
        place = self.folder / key
        try:
            sha256 = artefact.digest((place / artefact.MANIFEST).read_bytes())
            found = artefact.load(place, sha256, SCHEMA)
        except (OSError, artefact.RefusedArtefact) as refused:
            _log.error("model.refused", model=key, why=str(refused))
            return None
        if not sha256.startswith(key) or found.manifest["about"]["card"] != card.version:
            return None
        return Model(card.card, found.tables, version_of(card.version, sha256))

    def place(self, models: Mapping[str, Mapping[str, bytes]], standing: Standing) -> None:
        """Put ``models``, the files of each by its sha256, in place and ``standing`` in force."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for sha256, files in models.items():
            target = self.folder / sha256[:_KEY]
            if target.exists():
                continue
            building = Path(tempfile.mkdtemp(prefix="building-", dir=self.folder))
            building.chmod(0o755)
            for name, content in files.items():
                (building / name).write_bytes(content)
            try:
                building.rename(target)
            except OSError:
                # Another process was first: what it placed has the same name and content.
                shutil.rmtree(building)
        pointer = self.folder / f"{_STANDING}.new"
        pointer.write_bytes(msgspec.json.encode(standing))
        pointer.replace(self.folder / _STANDING)
