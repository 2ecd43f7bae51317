"""The published index as every worker holds it.

Mapped from a versioned folder, checked on every match, no SQL.
"""

from __future__ import annotations

import contextlib
import mmap
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec
import numpy as np

from matchmaker.core.errors import Unavailable
from matchmaker.core.ids import uuid7
from matchmaker.core.language import Bilingual
from matchmaker.core.wire import Text
from matchmaker.matching.curations import publishing
from matchmaker.matching.editions import EditionNames
from matchmaker.policy.programmes import publishing as programmes
from matchmaker.ranking import storage

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from numpy.typing import NDArray

    from matchmaker.policy.programmes.publishing import PublishedProgramme
    from matchmaker.ranking.index import Index
    from matchmaker.ranking.slate import Curation

CURRENT: Final = "CURRENT"
_CARDS: Final = "cards.jsonl"
_OFFSETS: Final = "offsets"
_VERSIONS: Final = "versions.json"
_CURATIONS: Final = "curations.json"
_PROGRAMMES: Final = "programmes.json"
_ID: Final = "ID"


class IndexNotReady(Unavailable):
    """No index has been published yet."""

    slug = "index_not_ready"
    title = Bilingual(zh="索引尚未发布", en="No index is published yet")


class PackageCard(msgspec.Struct, frozen=True, kw_only=True):
    """A package as it is shown."""

    code: str
    title: Text


class OfferingCard(msgspec.Struct, frozen=True, kw_only=True):
    """An offering as it is shown: which version, whose, called what."""

    offering_id: str
    version_id: str
    version: int
    provider_id: str
    provider_name: Text
    title: Text
    packages: tuple[PackageCard, ...]


class IndexVersions(msgspec.Struct, frozen=True, kw_only=True):
    """What the index was built from: its position, and the data that shaped it."""

    base: int
    delta: int
    anchor: str
    """Hash of the event at the position: tells its history from any other."""
    text: str
    edition: EditionNames

    @property
    def position(self) -> int:
        """The last event it knows."""
        return self.delta or self.base


class Beside(NamedTuple):
    """What stands in the folder beside the offerings, as the publishing of each wrote it."""

    curations: bytes = b"[]"
    programmes: bytes = b"[]"


_NOTHING: Final = Beside()


class Kept(NamedTuple):
    """A curation in force: whose it is, and what it does on the index."""

    owner: str
    of_operator: bool
    curation: Curation[int]


@dataclass(frozen=True, slots=True)
class Published:
    """One published index: the columns, the cards of its offerings, its versions."""

    index: Index
    versions: IndexVersions
    cards: bytes | mmap.mmap
    offsets: NDArray[np.int64]
    curations: tuple[Kept, ...] = ()
    programmes: tuple[PublishedProgramme, ...] = ()

    def curations_for(self, organisation: str | None) -> tuple[Curation[int], ...]:
        """Those that bear on a match of the organisation: its own if it has any, or operators'."""
        own = tuple(each.curation for each in self.curations if each.owner == organisation)
        return own or tuple(each.curation for each in self.curations if each.of_operator)

    def card(self, offering: int) -> OfferingCard:
        """The card of the offering at this place."""
        start, end = int(self.offsets[offering]), int(self.offsets[offering + 1])
        return msgspec.json.decode(self.cards[start:end], type=OfferingCard)


def write(
    folder: Path,
    index: Index,
    cards: Sequence[bytes],
    versions: IndexVersions,
    *,
    beside: Beside = _NOTHING,
) -> Path:
    """The new folder below ``folder``, complete, and CURRENT switched to it in one rename."""
    with building(folder) as place:
        fill(place, index, cards, versions, beside=beside)
        target = folder / f"v{_next_number(folder):06d}"
        place.rename(target)
    pointer = folder / f"{CURRENT}.new"
    pointer.write_text(target.name, encoding="utf-8")
    pointer.replace(folder / CURRENT)
    _drop_old(folder, target)
    return target


@contextlib.contextmanager
def building(folder: Path) -> Generator[Path]:
    """A new directory below ``folder``, to be filled and then renamed; gone if that fails."""
    folder.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix="building-", dir=folder))
    place.chmod(0o755)
    try:
        yield place
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise


def fill(
    place: Path,
    index: Index,
    cards: Sequence[bytes],
    versions: IndexVersions,
    *,
    beside: Beside = _NOTHING,
) -> None:
    """Write everything that `read` reads into ``place``, which must be empty.

    ``cards`` are JSON of an `OfferingCard` each, in the order of ``index``.
    """
    storage.save(index, place)
    # In one piece: to write them one by one takes twice as long.
    (place / _CARDS).write_bytes(b"\n".join([*cards, b""]))
    lengths = 1 + np.fromiter(map(len, cards), np.int64, len(cards))
    np.save(place / f"{_OFFSETS}.npy", np.concatenate([[0], np.cumsum(lengths)]))
    (place / _CURATIONS).write_bytes(beside.curations)
    (place / _PROGRAMMES).write_bytes(beside.programmes)
    (place / _VERSIONS).write_bytes(msgspec.json.encode(versions))


def read(folder: Path) -> Published:
    """The index in one versioned folder.

    Raises:
        UnreadableIndex: it is not complete or of another format.
    """
    try:
        index = storage.load(folder)
        return Published(
            index=index,
            versions=_versions(folder),
            cards=_mapped(folder / _CARDS),
            offsets=np.load(folder / f"{_OFFSETS}.npy", mmap_mode="r", allow_pickle=False),
            curations=_curations(folder / _CURATIONS, index),
            programmes=programmes.read((folder / _PROGRAMMES).read_bytes()),
        )
    except (OSError, msgspec.DecodeError) as error:
        raise storage.UnreadableIndex(str(error)) from error


def _versions(folder: Path) -> IndexVersions:
    return msgspec.json.decode((folder / _VERSIONS).read_bytes(), type=IndexVersions)


def _curations(path: Path, index: Index) -> tuple[Kept, ...]:
    """The curations in force, on the index."""
    return tuple(
        Kept(each.owner, each.of_operator, publishing.on_index(each, index.place))
        for each in publishing.read(path.read_bytes())
    )


def _mapped(path: Path) -> bytes | mmap.mmap:
    """What is in the file, shared by the processes that read it; nothing cannot be mapped."""
    if path.stat().st_size == 0:
        return b""
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


class IndexHolder:
    """Keeps the current index of one process; a look at CURRENT says whether it still is."""

    def __init__(
        self, folder: Path, accepts: Callable[[IndexVersions], bool] = lambda _: True
    ) -> None:
        """Hold nothing yet; an index that ``accepts`` refuses is not taken."""
        self._folder = folder
        self._accepts = accepts
        self._name: str | None = None
        self._published: Published | None = None

    def current(self) -> Published:
        """The published index, read anew when CURRENT has moved on.

        An index built with another card, taxonomy or glossary is not taken: its numbers would not
        be those of this release. The one held before serves on.

        Raises:
            IndexNotReady: nothing has been published for this release.
        """
        name = current_name(self._folder)
        if name != self._name:
            self._name = name
            self._published = self._usable(name) or self._published
        if self._published is None:
            raise IndexNotReady
        return self._published

    def find(self, is_wanted: Callable[[IndexVersions], bool]) -> Published | None:
        """The newest index at hand that ``is_wanted``; None where none of those kept is.

        Raises:
            IndexNotReady: nothing has been published for this release.
        """
        current = self.current()
        if is_wanted(current.versions):
            return current
        for path in sorted(self._folder.glob("v[0-9]*"), reverse=True):
            # It takes a hundred times as long to open an index as to read what it is called.
            with contextlib.suppress(OSError, msgspec.DecodeError):
                if is_wanted(_versions(path)) and (found := self._usable(path.name)) is not None:
                    return found
        return None

    def _usable(self, name: str) -> Published | None:
        try:
            found = read(self._folder / name)
        except storage.UnreadableIndex:
            return None
        return found if self._accepts(found.versions) else None


def current_name(folder: Path) -> str:
    """What the current index below ``folder`` is called.

    Raises:
        IndexNotReady: none has been published.
    """
    try:
        return (folder / CURRENT).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        raise IndexNotReady from None


def folder_id(folder: Path) -> str:
    """Names this folder and no other, from whatever machine it is looked at."""
    folder.mkdir(parents=True, exist_ok=True)
    mine = uuid7()
    note = folder / f"{_ID}.{mine}"
    note.write_text(str(mine), encoding="utf-8")
    # Whole or not at all: of two that look for the first time, both read the same one.
    with contextlib.suppress(FileExistsError):
        (folder / _ID).hardlink_to(note)
    note.unlink()
    return (folder / _ID).read_text(encoding="utf-8")


def _next_number(folder: Path) -> int:
    return 1 + max((int(path.name[1:]) for path in folder.glob("v[0-9]*")), default=0)


def _drop_old(folder: Path, current: Path) -> None:
    """Keep the current folder and the one before it: workers may still be moving over."""
    for path in sorted(folder.glob("v[0-9]*"))[:-2]:
        if path != current:
            shutil.rmtree(path, ignore_errors=True)
