"""Indexes of the past, rebuilt when asked for: what is wanted, what is there, what cannot be.

Requests and the publisher meet in three folders beside the published indexes. A request notes what
it wants and looks whether it is there; the publisher builds it and forgets what was used least
recently. Nothing here is kept for good: everything can be built again from the database.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from typing import TYPE_CHECKING, Final

import msgspec

from matchmaker.core.canonical import canonical, digest
from matchmaker.matching.editions import EditionNames

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEPT: Final = 8
"""Rebuilt indexes that are kept; a whole one of 100,000 offerings is some 50 MB."""
REFUSED: Final = 256
AWAITED: Final = 32
"""Indexes that may be wanted at once: each costs a build."""
EDITION: Final = "edition"
"""Folder of the seeds an index was built with, where they are not those of this release."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """An index by its versions."""

    base: int
    delta: int
    edition: EditionNames

    @property
    def key(self) -> str:
        """What its folder is called."""
        return digest(canonical(self))[:32]


class Archive:
    """The three folders below the folder of the published indexes."""

    def __init__(self, folder: Path) -> None:
        """Note where; nothing is made before something is wanted."""
        self.built, self._wanted, self._refused = (
            folder / name for name in ("rebuilt", "wanted", "refused")
        )

    def find(self, wanted: Wanted) -> Path | None:
        """The folder of the index, now used most recently; None where it is not there."""
        place = self.built / wanted.key
        return place if _touched(place) else None

    def is_refused(self, wanted: Wanted) -> bool:
        """Whether the publisher has found that it cannot be built."""
        return _touched(self._refused / wanted.key)

    def want(self, wanted: Wanted) -> None:
        """Have it built; where too much is awaited already, nothing: ask again later."""
        self._wanted.mkdir(parents=True, exist_ok=True)
        if sum(1 for _ in self._wanted.iterdir()) >= AWAITED:
            return
        note = self._wanted / f".{wanted.key}.{os.getpid()}"
        note.write_bytes(msgspec.json.encode(wanted))
        note.rename(self._wanted / wanted.key)

    def awaited(self) -> Iterator[Wanted]:
        """What is wanted and not there yet, the oldest wish first."""
        for note in _by_age(self._wanted):
            with contextlib.suppress(FileNotFoundError, msgspec.DecodeError):
                wanted = msgspec.json.decode(note.read_bytes(), type=Wanted)
                if not (self.built / wanted.key).exists():
                    yield wanted
                    continue
            note.unlink(missing_ok=True)

    def put(self, wanted: Wanted, place: Path) -> None:
        """Let the filled directory ``place`` be the index, in place of one used long ago."""
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(self.built / wanted.key)
        place.rename(self.built / wanted.key)
        _touched(self.built / wanted.key)
        self._done(wanted)
        for old in _by_age(self.built)[:-KEPT]:
            _drop(old)

    def drop(self, wanted: Wanted) -> None:
        """Forget the index that was built, so that it is built again when it is wanted."""
        with contextlib.suppress(FileNotFoundError):
            _drop(self.built / wanted.key)

    def refuse(self, wanted: Wanted) -> None:
        """Say that it cannot be built."""
        self._refused.mkdir(parents=True, exist_ok=True)
        (self._refused / wanted.key).touch()
        self._done(wanted)
        for old in _by_age(self._refused)[:-REFUSED]:
            old.unlink(missing_ok=True)

    def _done(self, wanted: Wanted) -> None:
        (self._wanted / wanted.key).unlink(missing_ok=True)


def _drop(place: Path) -> None:
    # Renamed first: whoever opens it meanwhile finds it whole or not at all.
    gone = place.rename(place.with_name(f".{place.name}"))
    shutil.rmtree(gone, ignore_errors=True)


def _touched(place: Path) -> bool:
    try:
        os.utime(place)
    except FileNotFoundError:
        return False
    return True


def _by_age(folder: Path) -> list[Path]:
    """What is in ``folder``, the longest untouched first; hidden names are not done yet."""
    found: list[tuple[float, Path]] = []
    with contextlib.suppress(FileNotFoundError):
        for path in folder.iterdir():
            if not path.name.startswith((".", "building-")):
                with contextlib.suppress(FileNotFoundError):
                    found.append((path.stat().st_mtime_ns, path))
    return [path for _, path in sorted(found)]
