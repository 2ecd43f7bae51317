"""The learned models of one folder of indexes, and which of them ranks; no SQL.

Whoever places models there switches with one rename; every process looks on each match.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple
from uuid import UUID

import msgspec
import structlog

from matchmaker.matching.experiments.machine import Design
from matchmaker.matching.service import Model
from matchmaker.ranking import artefact, features
from matchmaker.ranking.interleaving import Team

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER: Final = "models"
_STANDING: Final = "STANDING"
_KEY: Final = 32
"""Hex digits of its sha256 by which a receipt names a model."""
_JOINT: Final = "+"
_BESIDE: Final = ":"
CARD: Final = "card"
"""Stands for the published card beside a learned model."""
SCHEMA: Final = artefact.schema_of(features.FEATURES)
_log = structlog.get_logger()


class Contest(msgspec.Struct, frozen=True, kw_only=True):
    """The experiment that runs: how two models are compared, by their sha256; None: the card."""

    id: UUID
    design: Design
    salt: str
    a: str | None
    b: str | None


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Which models are in force, by their sha256; without a champion the card ranks."""

    champion: str | None = None
    shadow: str | None = None
    contest: Contest | None = None


class VersionParts(NamedTuple):
    """The version of a model as a receipt has it: the card, and the learned model if one ranked."""

    card: str
    learned: str | None
    rival: str | None = None
    """Whose order was merged with that; `CARD` is the card's."""


def parts_of(version: str) -> VersionParts:
    """What ``version`` names."""
    name, _, rest = version.partition(_JOINT)
    content, _, learned = rest.partition(_JOINT)
    first, _, rival = learned.partition(_BESIDE)
    card = f"{name}{_JOINT}{content}" if content else name
    return VersionParts(card, None if first in {"", CARD} else first, rival or None)


def version_of(card: str, sha256: str) -> str:
    """How a receipt names the learned model of this ``sha256`` on ``card``."""
    return f"{card}{_JOINT}{sha256[:_KEY]}"


def joint_of(version: str, rival: str) -> str:
    """How a receipt names two models of one card whose orders were merged."""
    first, second = parts_of(version), parts_of(rival)
    return f"{first.card}{_JOINT}{first.learned or CARD}{_BESIDE}{second.learned or CARD}"


@dataclass(frozen=True, slots=True)
class Trial:
    """The experiment that runs, with its models."""

    contest: Contest
    a: Model
    b: Model

    def arm_of(self, firm: str) -> Team:
        """In which arm the firm is: a fixed half of all firms, another for every experiment."""
        drawn = hashlib.sha256(f"{self.contest.salt}:{firm}".encode()).digest()[0]
        return Team.B if drawn & 1 else Team.A


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

    def trial(self, card: Model) -> Trial | None:
        """The experiment that runs on ``card``; None without both of its models."""
        contest = self.standing().contest
        if contest is None:
            return None
        a, b = (
            card if each is None else self._in_force(each, card) for each in (contest.a, contest.b)
        )
        return None if a is None or b is None else Trial(contest, a, b)

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
