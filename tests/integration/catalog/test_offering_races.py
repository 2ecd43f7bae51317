"""Of several callers who move one offering at once one wins, on every edge of both of its lives."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from tests.factories import jsonl, offering_line, provider_line, taxonomy, tokenizer

from matchmaker.catalog.errors import ChangeNotFound
from matchmaker.catalog.importing import import_file
from matchmaker.catalog.importing import queries as import_queries
from matchmaker.catalog.life import queries, service
from matchmaker.catalog.life.applying import By
from matchmaker.catalog.life.facts import Declarations
from matchmaker.catalog.life.schemas import OfferingPatch
from matchmaker.catalog.machine import CHANGE, OFFERING, OPEN_CHANGE, OfferingState
from matchmaker.catalog.models import OfferingId
from matchmaker.core import events
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.errors import StaleVersion
from matchmaker.core.machine import Actor, Machine, Step
from matchmaker.core.transitions import IllegalTransition
from matchmaker.core.wire import Text

RACERS = 8
OBJECTS = 5
TODAY = dt.date(2026, 11, 23)
ANYBODY = By(lambda _: frozenset(Actor), events.CLI)


async def offerings(engine: AsyncEngine, count: int) -> list[OfferingId]:
    """Published offerings of a provider of their own, each with a draft beside it."""
    owner = f"p-{uuid4().hex[:12]}"
    lines = [offering_line(provider=owner, external_id=f"o-{n}") for n in range(count)]
    async with AsyncSession(engine) as made, made.begin():
        session = Session(ReadSession(made))
        stream = jsonl(provider_line(external_id=owner), *lines)
        assert (await import_file(session, stream, taxonomy(), tokenizer())).is_written
        rows = await session.execute(
            text(
                "select o.id from mm.offering o join mm.organisation p"
                " on p.id = o.organisation_id where p.external_id = :owner"
            ),
            {"owner": owner},
        )
        found = [OfferingId(row[0]) for row in rows]
    for id_ in found:
        await edit(engine, id_, "Draft", 1)
    return found


async def edit(engine: AsyncEngine, id_: OfferingId, title: str, revision: int) -> None:
    async with AsyncSession(engine) as made, made.begin():
        await service.edit(
            Session(ReadSession(made)),
            id_,
            OfferingPatch(title=Text(en=title)),  # type: ignore[arg-type]
            revision=revision,
            by=ANYBODY,
            declarations=Declarations.of(taxonomy(), tokenizer(), "1"),
            today=TODAY,
        )


async def put(engine: AsyncEngine, ids: list[OfferingId], source: Any) -> None:  # noqa: ANN401
    """Let the offerings stand at ``source`` of one of their lives, whatever led there."""
    async with engine.begin() as connection:
        if source in OPEN_CHANGE and not isinstance(source, OfferingState):
            values = "state = 'published', change_state = :source"
        elif source in {OfferingState.PUBLISHED, OfferingState.PAUSED}:
            values = "state = :source"
        else:
            values = "state = :source, change_state = null"
        await connection.execute(
            text(f"update mm.offering set {values} where id = any (:ids)"),  # noqa: S608
            {"source": source.value, "ids": ids},
        )
        if "'published'" not in values and source is not OfferingState.PUBLISHED:
            await connection.execute(
                text(
                    "update mm.offering_live set to_position ="
                    " (select max(position) from mm.event)"
                    " where to_position is null and offering_id = any (:ids)"
                ),
                {"ids": ids},
            )


async def race(
    engine: AsyncEngine, ids: list[OfferingId], take: Callable[..., Any], step: Step[Any]
) -> list[int]:
    """How many won each of the offerings."""

    async def racer(id_: OfferingId) -> bool:
        async with AsyncSession(engine) as made, made.begin():
            session = Session(ReadSession(made))
            try:
                await take(session, id_, step.name, by=ANYBODY, today=TODAY)
            except (IllegalTransition, ChangeNotFound):
                return False
            return True

    return [sum(await asyncio.gather(*(racer(id_) for _ in range(RACERS)))) for id_ in ids]


@pytest.mark.parametrize(
    ("machine", "take"),
    [(OFFERING, service.take_step), (CHANGE, service.take_change_step)],
    ids=["offering", "change"],
)
async def test_of_eight_racers_one_takes_each_step(
    engine: AsyncEngine, machine: Machine[Any], take: Callable[..., Any]
) -> None:
    for source, step in machine.edges():
        ids = await offerings(engine, OBJECTS)
        await put(engine, ids, source)
        head = await last(engine)
        assert await race(engine, ids, take, step) == [1] * OBJECTS, (source, step.name)
        assert await last(engine) == head + OBJECTS


async def last(engine: AsyncEngine) -> int:
    async with AsyncSession(engine) as made:
        return await events.head(ReadSession(made))


async def test_of_eight_editors_one_writes_and_the_others_are_told(engine: AsyncEngine) -> None:
    (id_,) = await offerings(engine, 1)

    async def editor(n: int) -> bool:
        try:
            await edit(engine, id_, f"Title {n}", 2)
        except StaleVersion:
            return False
        return True

    assert sum(await asyncio.gather(*map(editor, range(RACERS)))) == 1
    async with AsyncSession(engine) as made:
        found = await queries.versions(ReadSession(made), id_, after=None, limit=9)
    assert [version.number for version in found] == [1, 2, 3]


async def test_an_edit_during_an_import_makes_the_import_give_way(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The edit commits after the import has looked at the offering and before it writes."""
    owner = f"p-{uuid4().hex[:12]}"
    lines = [provider_line(external_id=owner), offering_line(provider=owner)]
    async with AsyncSession(engine) as made, made.begin():
        session = Session(ReadSession(made))
        await import_file(session, jsonl(*lines), taxonomy(), tokenizer())
        id_ = await session.scalar(
            text(
                "select o.id from mm.offering o join mm.organisation p"
                " on p.id = o.organisation_id where p.external_id = :owner"
            ),
            {"owner": owner},
        )
    publish = import_queries.publish

    async def publish_late(session: Session) -> int:
        monkeypatch.undo()
        await edit(engine, OfferingId(id_), "Edited", 1)
        return await publish(session)

    monkeypatch.setattr(import_queries, "publish", publish_late)
    changed = offering_line(provider=owner, categories=["mes"])
    async with AsyncSession(engine) as made:
        session = Session(ReadSession(made))
        with pytest.raises(IllegalTransition):
            await import_file(session, jsonl(changed), taxonomy(), tokenizer())
        await made.rollback()
        again = jsonl(changed)
        report = await import_file(session, again, taxonomy(), tokenizer())
        assert report.offerings.changed == 1
        found = await queries.find(session, OfferingId(id_))
        assert found is not None
        assert (found.draft_version_id, found.change_state) == (None, "discarded")
        await made.rollback()
