from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from tests.conftest import FAST, reachable_directory

from matchmaker.app import Released
from matchmaker.catalog.life import service
from matchmaker.catalog.life.applying import CONSOLE
from matchmaker.catalog.models import OfferingId
from matchmaker.cli import pool
from matchmaker.cli.session import Database
from matchmaker.core import migrate, shipped
from matchmaker.core.clock import utc_now
from matchmaker.core.postgres import Embedded
from matchmaker.core.settings import Settings
from matchmaker.matching.index import IndexHolder, IndexNotReady


@pytest.fixture(scope="module")
def released() -> Released:
    return Released(shipped.folder("seeds"))


@pytest.fixture
def running() -> Iterator[Database]:
    with reachable_directory() as place, Embedded(place, FAST).start() as server:
        migrate.upgrade(server.url("mm_owner"))
        yield Database(server.url("mm_app"), Settings(data=str(place / "data")))


def lines(*names: str) -> list[dict[str, object]]:
    provider: dict[str, object] = {"type": "provider", "external_id": "p", "name": {"en": "P"}}
    offerings: list[dict[str, object]] = [
        {
            "type": "offering",
            "external_id": name,
            "provider": "p",
            "kind": "solution",
            "title": {"en": name},
            "packages": [{"code": "one", "title": {"en": "One"}}],
        }
        for name in names
    ]
    return [provider, *offerings]


async def imported(running: Database, released: Released, place: Path, *names: str) -> None:
    file = place / "pool.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines(*names)))
    ((_, report),) = await pool.import_all(running, released, [file])
    assert report.is_written


def offerings(running: Database) -> tuple[str, ...]:
    return tuple(IndexHolder(running.index_folder).current().index.offering_ids)


async def test_what_is_current_is_not_published_again(
    running: Database, released: Released, tmp_path: Path
) -> None:
    await imported(running, released, tmp_path, "a")

    assert await pool.ensure_index(running, released) is not None
    assert await pool.ensure_index(running, released) is None


async def test_a_suspended_offering_leaves_the_index(
    running: Database, released: Released, tmp_path: Path
) -> None:
    await imported(running, released, tmp_path, "a", "b")
    await pool.ensure_index(running, released)
    first, second = offerings(running)
    async with running.transaction() as session:
        await service.take_step(
            session, OfferingId(UUID(first)), "suspend", by=CONSOLE, today=utc_now().date()
        )

    assert await pool.ensure_index(running, released) is not None
    assert offerings(running) == (second,)


async def test_an_import_while_publishing_is_in_this_index_or_the_next(
    running: Database, released: Released, tmp_path: Path
) -> None:
    await imported(running, released, tmp_path, "a")
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(pool.publish_index(running, released))
        tasks.create_task(imported(running, released, tmp_path, "a", "b", "c"))
    await pool.ensure_index(running, released)

    assert len(offerings(running)) == 3


async def test_an_index_of_another_release_is_not_taken(
    running: Database, released: Released, tmp_path: Path
) -> None:
    await imported(running, released, tmp_path, "a")
    await pool.ensure_index(running, released)

    with pytest.raises(IndexNotReady):
        IndexHolder(running.index_folder, lambda _: False).current()
    assert IndexHolder(running.index_folder, lambda _: True).current().index.offerings == 1
