from __future__ import annotations

import asyncio
import contextlib
import filecmp
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import event, text
from sqlalchemy.engine import Engine
from tests.clusters import migrated_server, reachable_directory

from matchmaker.catalog.life import service
from matchmaker.catalog.life.applying import CONSOLE
from matchmaker.catalog.models import OfferingId
from matchmaker.cli import pool
from matchmaker.cli.session import Database
from matchmaker.core import events
from matchmaker.core.clock import utc_now
from matchmaker.core.leading import Leadership
from matchmaker.core.settings import Settings
from matchmaker.matching.gathering import advance, gather
from matchmaker.matching.index import IndexHolder, IndexNotReady, fill, folder_id
from matchmaker.matching.publisher import Publisher, built_of
from matchmaker.released import Released


@pytest.fixture
def running() -> Iterator[Database]:
    with reachable_directory() as place, migrated_server(place) as server:
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
    return tuple(IndexHolder(running.settings.index_folder).current().index.offering_ids)


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
        IndexHolder(running.settings.index_folder, lambda _: False).current()
    assert IndexHolder(running.settings.index_folder, lambda _: True).current().index.offerings == 1


async def test_a_delta_keeps_the_statistics_of_its_base_until_much_has_turned(
    running: Database, released: Released, tmp_path: Path
) -> None:
    names = [f"o{n}" for n in range(20)]
    await imported(running, released, tmp_path, *names)
    publisher = Publisher(running.settings.index_folder, released.edition)
    await pool.publish(running, released, publisher)
    base = IndexHolder(running.settings.index_folder).current()
    assert (base.versions.delta, base.index.statistics.offerings) == (0, 20)

    await imported(running, released, tmp_path, *names, "quality")
    await pool.publish(running, released, publisher)
    delta = IndexHolder(running.settings.index_folder).current()
    assert delta.versions.base == base.versions.base < delta.versions.delta
    assert delta.versions.text == base.versions.text
    assert (delta.index.statistics.offerings, delta.index.offerings) == (20, 21)

    await imported(running, released, tmp_path, *names, "quality", "b", "c", "d")
    await pool.publish(running, released, publisher)
    compacted = IndexHolder(running.settings.index_folder).current()
    assert (compacted.versions.delta, compacted.index.statistics.offerings) == (0, 24)
    assert compacted.versions.base > delta.versions.delta


async def test_what_is_brought_forward_is_what_is_read_whole(
    running: Database, released: Released, tmp_path: Path
) -> None:
    await imported(running, released, tmp_path, "a", "b", "c")
    async with running.transaction() as session:
        found = await gather(session, released.edition, await events.head(session))
    await imported(running, released, tmp_path, "a", "b", "c", "d")
    first = OfferingId(UUID(min(found.cards)))
    async with running.transaction() as session:
        await service.take_step(session, first, "suspend", by=CONSOLE, today=utc_now().date())
    async with running.transaction() as session:
        head = await events.head(session)
        await advance(session, found, head)
        whole = await gather(session, released.edition, head)
    forward, anew = built_of(found), built_of(whole)
    assert forward.cards == anew.cards
    assert forward.versions == anew.versions
    for place, built in (("forward", forward), ("anew", anew)):
        (tmp_path / place).mkdir()
        fill(tmp_path / place, built.index, built.cards, built.versions)
    names = sorted(path.name for path in (tmp_path / "anew").iterdir())
    assert (
        filecmp.cmpfiles(tmp_path / "forward", tmp_path / "anew", names, shallow=False)[0] == names
    )
    assert len(found.cards) == 3
    assert str(first) not in found.cards


async def test_who_has_prepared_reads_only_what_has_turned(
    running: Database, released: Released, tmp_path: Path
) -> None:
    whole: list[str] = []

    @event.listens_for(Engine, "before_cursor_execute")
    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "JOIN mm.offering_version" in statement and "ANY" not in statement:
            whole.append(statement)

    await imported(running, released, tmp_path, "a", "b")
    await pool.ensure_index(running, released)
    prepared = Publisher(running.settings.index_folder, released.edition)
    try:
        await pool.prepare(running, prepared)
        await imported(running, released, tmp_path, "a", "b", "c")
        whole.clear()
        await pool.publish(running, released, prepared)
        assert whole == []
        assert len(offerings(running)) == 3

        # Another one has the blocks that are kept.
        await pool.publish(
            running, released, Publisher(running.settings.index_folder, released.edition)
        )
        assert whole == []

        async with running.transaction() as session:
            await session.execute(text("delete from mm.encoded_block"))
        await pool.publish(
            running, released, Publisher(running.settings.index_folder, released.edition)
        )
        assert len(whole) == 1
    finally:
        event.remove(Engine, "before_cursor_execute", note)


async def test_a_folder_of_another_database_is_not_current(
    running: Database, released: Released, tmp_path: Path
) -> None:
    await imported(running, released, tmp_path, "a")
    await pool.ensure_index(running, released)
    path = IndexHolder(running.settings.index_folder).current().versions
    assert path.anchor
    with reachable_directory() as place, migrated_server(place) as server:
        other = Database(server.url("mm_app"), running.settings)
        await imported(other, released, tmp_path, "a", "b")
        assert await pool.ensure_index(other, released) is not None
        assert len(offerings(other)) == 2


@pytest.mark.parametrize(("hears", "seconds"), [(True, 600.0), (False, 1.0)])
async def test_a_change_is_published_when_it_is_heard_or_looked_for(
    running: Database,
    released: Released,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    hears: bool,
    seconds: float,
) -> None:
    if not hears:
        monkeypatch.setattr(pool, "listen", lambda *_, **__: asyncio.sleep(600))
    await imported(running, released, tmp_path, "a", "b")
    publishing = asyncio.create_task(pool.republish(running, released, seconds))
    try:
        await until(lambda: len(offerings(running)) == 2)
        first, second = offerings(running)
        async with running.transaction() as session:
            await service.take_step(
                session, OfferingId(UUID(first)), "suspend", by=CONSOLE, today=utc_now().date()
            )
        await until(lambda: offerings(running) == (second,))
    finally:
        publishing.cancel()
        await asyncio.gather(publishing, return_exceptions=True)


async def test_who_does_not_lead_asks_for_it_now_and_then_whatever_it_hears(
    running: Database, released: Released, tmp_path: Path
) -> None:
    looks: list[str] = []

    @event.listens_for(Engine, "before_cursor_execute")
    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "pg_try_advisory_lock" in statement:
            looks.append(statement)

    leader = Leadership(
        running.url, running.settings, f"index {folder_id(running.settings.index_folder)}"
    )
    assert await leader.is_mine()
    publishing = asyncio.create_task(pool.republish(running, released, 600.0))
    try:
        await until(lambda: len(looks) > 1)
        await imported(running, released, tmp_path, "a")
        looks.clear()
        await asyncio.sleep(2)
        assert 0 < len(looks) <= 8

        await leader.resign()
        await until(lambda: len(offerings(running)) == 1)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
        publishing.cancel()
        await asyncio.gather(publishing, return_exceptions=True)
        await leader.resign()


async def until(holds: Callable[[], bool]) -> None:
    """Wait until it holds, long enough for a busy machine."""
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(IndexNotReady):
                if holds():
                    return
            await asyncio.sleep(0.05)
