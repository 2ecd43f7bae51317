"""Coded blocks are a cache: with them, without them, or with spoiled ones, it is one index."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy import event, text
from sqlalchemy.engine import Engine
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.clusters import migrated_server, reachable_directory
from tests.integration.matching.test_publishing import imported

from matchmaker.catalog.life import service
from matchmaker.catalog.life.applying import CONSOLE
from matchmaker.catalog.models import OfferingId
from matchmaker.cli import pool
from matchmaker.cli.session import Database
from matchmaker.core import db, events
from matchmaker.core.clock import utc_now
from matchmaker.core.postgres import Server
from matchmaker.core.settings import Settings
from matchmaker.matching import gathering
from matchmaker.matching.gathering import Gathered, gather
from matchmaker.matching.index import IndexHolder, fill
from matchmaker.matching.publisher import Publisher, built_of
from matchmaker.released import Released

NAMES = tuple(f"o{n}" for n in range(7))
_FORGET = text("delete from mm.encoded_block")


@pytest.fixture
def server() -> Iterator[Server]:
    with reachable_directory() as place, migrated_server(place) as started:
        yield started


@pytest.fixture
def running(server: Server) -> Iterator[Database]:
    with reachable_directory() as place:
        yield Database(server.url("mm_app"), Settings(data=str(place)))


@pytest_asyncio.fixture
async def owner(server: Server) -> AsyncIterator[AsyncEngine]:
    made = db.create_engine(server.url("mm_owner"), Settings(), role="mm_owner")
    yield made
    await made.dispose()


@pytest.fixture(autouse=True)
def blocks_of_three(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "_AT_A_TIME", 3)


async def kept(owner: AsyncEngine) -> list[Any]:
    async with owner.connect() as connection:
        rows = await connection.execute(text("select * from mm.encoded_block order by id"))
        return [*rows]


def written(found: Gathered) -> dict[str, bytes]:
    """Every file of the folder of what was gathered."""
    built = built_of(found)
    with tempfile.TemporaryDirectory() as place:
        fill(Path(place), built.index, built.cards, built.versions)
        return {path.name: path.read_bytes() for path in Path(place).iterdir()}


async def both(
    running: Database, released: Released, position: int | None = None
) -> tuple[Gathered, dict[str, bytes], dict[str, bytes]]:
    """What is gathered; the folder of that, and the folder of the versions themselves."""
    async with running.transactions() as begin:
        async with begin() as session:
            at = await events.head(session) if position is None else position
            found = await gather(session, released.edition, at)
        async with begin() as session:
            await session.execute(_FORGET)
            alone = await gather(session, released.edition, at)
            await session.rollback()
    return found, written(found), written(alone)


async def first(running: Database, released: Released, place: Path) -> None:
    """All of them imported, published, and kept as blocks."""
    await imported(running, released, place, *NAMES)
    await pool.publish(
        running, released, Publisher(running.settings.index_folder, released.edition)
    )


async def suspend(running: Database, number: int) -> None:
    """Suspend the offering that is so many behind the first one, by id."""
    id_ = sorted(IndexHolder(running.settings.index_folder).current().index.offering_ids)[number]
    async with running.transaction() as session:
        await service.take_step(
            session, OfferingId(UUID(id_)), "suspend", by=CONSOLE, today=utc_now().date()
        )


async def test_what_blocks_hold_is_not_read_from_versions(
    running: Database, released: Released, owner: AsyncEngine, tmp_path: Path
) -> None:
    await first(running, released, tmp_path)
    assert len(await kept(owner)) == 3
    read: list[str] = []

    @event.listens_for(Engine, "before_cursor_execute")
    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "mm.offering_version" in statement:
            read.append(statement)

    try:
        async with running.transaction() as session:
            found = await gather(session, released.edition, await events.head(session))
        assert read == []
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert (len(found.cards), found.fresh, found.worn) == (7, [], [])
    _, with_blocks, alone = await both(running, released)
    assert with_blocks == alone


async def test_what_has_turned_since_is_read_and_kept_as_well(
    running: Database, released: Released, owner: AsyncEngine, tmp_path: Path
) -> None:
    await first(running, released, tmp_path)
    async with running.transaction() as session:
        before = await events.head(session)
    await suspend(running, 1)
    await imported(running, released, tmp_path, *NAMES, "late")
    async with owner.begin() as connection:
        await connection.execute(text("alter table mm.organisation_live disable trigger user"))
        renamed = "update mm.organisation_live set name = jsonb_build_object('en', 'Q')"
        await connection.execute(text(renamed))

    found, with_blocks, alone = await both(running, released)
    assert with_blocks == alone
    assert len(found.fresh) == 1
    assert b'"provider_name":{"en":"Q"}' in with_blocks["cards.jsonl"]
    _, at_that_time, from_versions = await both(running, released, before)
    assert at_that_time == from_versions != with_blocks

    await pool.publish(
        running, released, Publisher(running.settings.index_folder, released.edition)
    )
    assert len(await kept(owner)) == 4


async def test_many_that_turn_at_once_are_kept_and_few_are_not(
    running: Database, released: Released, owner: AsyncEngine, tmp_path: Path
) -> None:
    publisher = Publisher(running.settings.index_folder, released.edition)
    await imported(running, released, tmp_path, *NAMES)
    await pool.publish(running, released, publisher)
    more = [f"more{n}" for n in range(4)]
    for names, blocks in ((more, 5), ([*more, "one"], 5)):
        await imported(running, released, tmp_path, *NAMES, *names)
        await pool.publish(running, released, publisher)
        assert len(await kept(owner)) == blocks

    found, with_blocks, alone = await both(running, released)
    assert with_blocks == alone
    assert (len(found.cards), len(found.fresh)) == (12, 1)


@pytest.mark.parametrize(
    "spoiled",
    [
        "body = set_byte(body, 999, 255 - get_byte(body, 999))",
        "body = set_byte(body, octet_length(body) - 9, 1)",
        "body = substr(body, 1, 99)",
        "seal = set_byte(seal, 0, 1 # get_byte(seal, 0))",
    ],
)
async def test_a_spoiled_block_is_seen_passed_over_and_replaced(
    running: Database, released: Released, owner: AsyncEngine, tmp_path: Path, spoiled: str
) -> None:
    await first(running, released, tmp_path)
    untouched = await kept(owner)
    async with owner.begin() as connection:
        one = " where id = (select min(id::text)::uuid from mm.encoded_block)"
        spoils = f"update mm.encoded_block set {spoiled}{one}"  # noqa: S608 - of this file
        await connection.execute(text(spoils))
    assert await kept(owner) != untouched

    found, with_blocks, alone = await both(running, released)
    assert with_blocks == alone
    assert found.worn == [untouched[0].id]
    assert len(found.fresh) == 1

    await pool.publish(
        running, released, Publisher(running.settings.index_folder, released.edition)
    )
    after = await kept(owner)
    assert {row.id for row in after} & {row.id for row in untouched} == {
        row.id for row in untouched[1:]
    }
    assert {row.body for row in after} == {row.body for row in untouched}


async def test_the_control_without_a_seal_takes_what_is_spoiled(
    running: Database,
    released: Released,
    owner: AsyncEngine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("matchmaker.matching.packing.seal", lambda *_: b"s" * 32)
    await first(running, released, tmp_path)
    async with owner.begin() as connection:
        changed = (
            "update mm.encoded_block set body = decode(replace(encode(body, 'hex'), :a, :b), 'hex')"
        )
        words = {"a": b'"en":"One"'.hex(), "b": b'"en":"Two"'.hex()}
        await connection.execute(text(changed), words)

    _, with_blocks, alone = await both(running, released)
    assert with_blocks != alone


async def test_blocks_of_another_encoder_are_not_taken_and_go_when_they_are_old(
    running: Database, released: Released, owner: AsyncEngine, tmp_path: Path
) -> None:
    await first(running, released, tmp_path)
    async with owner.begin() as connection:
        await connection.execute(text("update mm.encoded_block set encoder = 'another'"))
    found, with_blocks, alone = await both(running, released)
    assert with_blocks == alone
    assert (found.worn, len(found.fresh)) == ([], 3)

    await pool.publish(
        running, released, Publisher(running.settings.index_folder, released.edition)
    )
    assert len(await kept(owner)) == 6
    async with owner.begin() as connection:
        await connection.execute(
            text(
                "update mm.encoded_block set encoder = 'another',"
                " created_at = created_at - interval '8 days'"
            )
        )
    await pool.publish(
        running, released, Publisher(running.settings.index_folder, released.edition)
    )
    assert {row.encoder for row in await kept(owner)} == {found.encoder}


async def test_a_block_of_which_most_is_gone_is_forgotten(
    running: Database, released: Released, owner: AsyncEngine, tmp_path: Path
) -> None:
    await first(running, released, tmp_path)
    untouched = await kept(owner)
    for number in (0, 1):
        await suspend(running, number)
    found, with_blocks, alone = await both(running, released)
    assert with_blocks == alone
    assert found.worn == [untouched[0].id]

    await pool.publish(
        running, released, Publisher(running.settings.index_folder, released.edition)
    )
    after = await kept(owner)
    assert [row.id for row in after[:2]] == [row.id for row in untouched[1:]]
    assert len(after) == 3


async def test_a_block_is_for_the_installation_alone(
    running: Database, released: Released, owner: AsyncEngine, tmp_path: Path
) -> None:
    await first(running, released, tmp_path)
    nobody = db.create_engine(running.url, running.settings)
    somebody = db.create_engine(running.url, running.settings, acting=UUID(int=7))
    for engine in (nobody, somebody):
        async with engine.connect() as connection:
            assert (await connection.scalar(text("select count(*) from mm.encoded_block"))) == 0
        await engine.dispose()
    assert len(await kept(owner)) == 3
