"""The pool that is served: its index, made once and kept, and a migrated database beside it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.benchmark import synthetic
from tests.clusters import FAST, reachable_directory

from matchmaker.core import migrate
from matchmaker.core.postgres import Embedded
from matchmaker.core.settings import INDEX

_ROOT: Final = Path(__file__).parents[2]
_KEPT: Final = _ROOT / ".bench"


@dataclass(frozen=True)
class Product:
    """Where the product finds its data and its database."""

    directory: Path
    url: str

    @property
    def index_octets(self) -> int:
        """The size of the published index."""
        folder = self.directory / INDEX
        current = folder / (folder / "CURRENT").read_text().strip()
        return sum(path.stat().st_size for path in current.rglob("*") if path.is_file())


def data(offerings: int) -> Path:
    """A data directory with the index of so many ``offerings``, kept for as long as it is right."""
    directory = _KEPT / f"{offerings}-{_sources()[:16]}"
    if not directory.exists():
        for old in _KEPT.glob(f"{offerings}-*"):
            shutil.rmtree(old)
        building = _KEPT / f"building-{offerings}-{os.getpid()}"
        print(f"publishing {offerings} offerings (once)", flush=True)
        synthetic.publish(building / INDEX, offerings)
        building.rename(directory)
    return directory


@contextlib.contextmanager
def database() -> Iterator[str]:
    """A migrated database without rows, for applications that only look whether it is there."""
    with reachable_directory() as place, Embedded(place, FAST).start() as server:
        migrate.upgrade(server.url("mm_owner"))
        yield server.url("mm_app")


def _sources() -> str:
    """A digest of everything that an index is made of."""
    found = hashlib.sha256()
    paths = [*sorted((_ROOT / "src").rglob("*.py")), *sorted((_ROOT / "seeds").rglob("*.*"))]
    for path in (*paths, Path(synthetic.__file__)):
        if path.is_file():
            found.update(path.read_bytes())
    # Of the generator, what it draws.
    found.update(repr([synthetic.offering_line(row) for row in range(20)]).encode())
    return found.hexdigest()
