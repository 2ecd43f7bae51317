"""Indexes that were rebuilt: what another release left is built again, not waited for."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import msgspec
import pytest
from tests.factories import SEEDS
from tests.property import test_determinism as demo

from matchmaker.matching import editions, wording
from matchmaker.matching.archive import Archive
from matchmaker.matching.editions import Kept
from matchmaker.matching.library import Library
from matchmaker.matching.schemas import UsedVersions
from matchmaker.ranking import storage


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(demo.publish(tmp_path), Archive(tmp_path))


def of_older_index(library: Library) -> UsedVersions:
    """The versions of an answer on an index before the one published."""
    current = library.matcher.holder.current()
    used = wording.used_versions(library.matcher.versions(current.versions))
    return msgspec.structs.replace(
        used, index=msgspec.structs.replace(used.index, base=used.index.base - 1)
    )


def rebuild(library: Library, published: Path) -> Path:
    """What is wanted, put there as the publisher does; it says what another index says."""
    (wanted,) = library.archive.awaited()
    place = published.parent / "filled"
    shutil.copytree(published, place)
    library.archive.built.mkdir(exist_ok=True)
    library.archive.put(wanted, place)
    return library.archive.built / wanted.key


async def test_what_was_rebuilt_in_another_format_is_wanted_again(
    library: Library, tmp_path: Path
) -> None:
    versions = of_older_index(library)
    assert await library.find(versions) is None
    built = rebuild(library, tmp_path / "v000001")
    meta = json.loads((built / "index.json").read_text())
    meta["format"] = storage.FORMAT - 1
    (built / "index.json").write_text(json.dumps(meta))

    assert await library.find(versions) is None
    assert not list(library.archive.built.iterdir())

    rebuild(library, tmp_path / "v000001")
    found = await library.find(versions)
    assert found is not None
    assert found.matcher is library.matcher


def test_an_edition_of_the_past_is_loaded_once(tmp_path: Path) -> None:
    shutil.copytree(SEEDS, tmp_path / "one")
    edition = editions.load(tmp_path / "one")
    opened = editions.opened(Kept(edition.names, tmp_path / "one"))
    shutil.rmtree(tmp_path / "one")
    assert opened.names == edition.names
    assert editions.opened(Kept(edition.names, tmp_path / "gone")) is opened

    other = msgspec.structs.replace(edition.names, model="another")
    with pytest.raises((OSError, ValueError)):
        editions.opened(Kept(other, tmp_path / "gone"))
