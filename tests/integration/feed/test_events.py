"""The change feed: who sees what, and that nothing is missed or told twice."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import Uuid, literal, select, text
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker
from tests.hooks import happened, record
from tests.identities import Holder, holder

from matchmaker.core import db, events
from matchmaker.core.cursors import Place
from matchmaker.core.events import ActorType, Event, EventActor
from matchmaker.demand.models import Need, NeedMember, NeedVersion, new_need_id
from matchmaker.feed.events import queries
from matchmaker.feed.events.queries import Wanted
from matchmaker.identity.models import OrganisationRole, OrganisationState


async def feed(api: httpx.AsyncClient, reader: Holder, **query: object) -> dict[str, Any]:
    asked = {name: str(value) for name, value in query.items()}
    answer = await api.get("/v1/events", params=asked, headers=reader.headers)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def everything(
    api: httpx.AsyncClient, reader: Holder, cursor: str | None = None, **query: object
) -> tuple[list[int], str]:
    """The positions of all that follows, and where the feed goes on."""
    found: list[int] = []
    while True:
        more = {} if cursor is None else {"cursor": cursor}
        page = await feed(api, reader, limit=7, **query, **more)
        found += [item["position"] for item in page["items"]]
        cursor = str(page["page"]["next"])
        if len(page["items"]) < 7:
            return found, cursor


def acted(by: Holder, of: Holder, subject: UUID) -> Event:
    return Event(
        kind="thing.judged",
        subject_type="thing",
        subject_id=subject,
        organisation_id=of.organisation_id,
        actor=EventActor(type=ActorType.API_KEY, id=by.key_id, organisation_id=by.organisation_id),
    )


async def test_each_sees_its_own_its_acts_and_no_more(
    api: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    firm, other, judge = [await holder(engine) for _ in range(3)]
    operator = await holder(engine, OrganisationRole.OPERATOR)
    last = await record(
        engine,
        happened(firm, uuid4()),
        happened(other, uuid4()),
        happened(None, uuid4()),
        acted(judge, firm, uuid4()),
    )
    first = last - 3
    assert (await everything(api, firm))[0] == [first, last]
    assert (await everything(api, other))[0] == [first + 1]
    assert (await everything(api, judge))[0] == [last]
    assert (await everything(api, operator))[0][-4:] == [first, first + 1, first + 2, last]


async def test_an_operator_that_is_not_vouched_for_sees_its_own(
    api: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    pending = await holder(engine, *OrganisationRole, state=OrganisationState.SUBMITTED)
    await record(engine, happened(None, uuid4()))
    assert (await everything(api, pending))[0] == []


async def test_what_is_shared_is_seen_by_those_it_is_shared_with(
    api: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    owner, member, stranger = [await holder(engine) for _ in range(3)]
    need_id = await shared_need(engine, owner, member)
    position = await record(engine, happened(owner, need_id, "need.revised"))
    assert (await everything(api, owner))[0] == [position]
    assert (await everything(api, member))[0] == [position]
    assert (await everything(api, stranger))[0] == []
    assert (await everything(api, stranger, subject_id=need_id))[0] == []


async def shared_need(engine: AsyncEngine, owner: Holder, member: Holder) -> UUID:
    """A need of one firm that another was asked to share."""
    need_id = new_need_id()
    version = NeedVersion(
        need_id=need_id,
        organisation_id=owner.organisation_id,
        number=1,
        kind="solution",
        facts={},
        content_hash=bytes(32),
    )
    async with async_sessionmaker(engine).begin() as session:
        session.add(
            Need(
                id=need_id,
                organisation_id=owner.organisation_id,
                kind="solution",
                current_version_id=version.id,
            )
        )
        await session.flush()
        session.add(version)
        session.add(NeedMember(need_id=need_id, organisation_id=member.organisation_id))
    return need_id


async def test_filters_narrow_it(api: httpx.AsyncClient, engine: AsyncEngine) -> None:
    firm = await holder(engine)
    one, two = uuid4(), uuid4()
    last = await record(
        engine,
        happened(firm, one),
        happened(firm, one, "thing.changed"),
        happened(firm, two, "other.made"),
    )
    cases: list[tuple[dict[str, Any], list[int]]] = [
        ({"subject_id": one}, [last - 2, last - 1]),
        ({"subject_type": "other"}, [last]),
        ({"kind": "thing.changed"}, [last - 1]),
        ({"kind": "thing.changed", "subject_id": two}, []),
    ]
    for query, positions in cases:
        assert (await everything(api, firm, **query))[0] == positions, query


async def test_it_is_read_both_ways(api: httpx.AsyncClient, engine: AsyncEngine) -> None:
    firm = await holder(engine)
    last = await record(engine, *(happened(firm, uuid4()) for _ in range(5)))
    positions = list(range(last - 4, last + 1))
    first = await feed(api, firm, limit=2)
    assert first["page"]["prev"] is None
    second = await feed(api, firm, limit=2, cursor=first["page"]["next"])
    third = await feed(api, firm, limit=2, cursor=second["page"]["next"])
    end = await feed(api, firm, limit=2, cursor=third["page"]["next"])
    told = [[item["position"] for item in page["items"]] for page in (first, second, third, end)]
    assert told == [positions[:2], positions[2:4], positions[4:], []]
    back = await feed(api, firm, limit=2, cursor=third["page"]["prev"])
    assert back["items"] == second["items"]
    again = await feed(api, firm, limit=2, cursor=back["page"]["next"])
    assert again["items"] == third["items"]
    start = await feed(api, firm, limit=2, cursor=back["page"]["prev"])
    assert start["items"] == first["items"]
    assert start["page"]["prev"] is None
    from_end = await feed(api, firm, limit=100, cursor=end["page"]["prev"])
    assert [item["position"] for item in from_end["items"]] == positions


async def test_a_cursor_is_good_for_its_caller_and_its_filters(
    api: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    firm, other = await holder(engine), await holder(engine)
    cursor = (await feed(api, firm))["page"]["next"]
    hooks = await api.get(f"/v1/webhooks?cursor={cursor}", headers=firm.headers)
    tampered = cursor[:10] + ("A" if cursor[10] != "A" else "B") + cursor[11:]
    refused = [
        hooks,
        await api.get(f"/v1/events?cursor={cursor}", headers=other.headers),
        await api.get(f"/v1/events?kind=a.b&cursor={cursor}", headers=firm.headers),
        await api.get(f"/v1/events?cursor={tampered}", headers=firm.headers),
        await api.get("/v1/events?cursor=x", headers=firm.headers),
    ]
    for answer in refused:
        assert (answer.status_code, answer.json()["code"]) == (400, "cursor_invalid")


@pytest.mark.parametrize("writers", [6])
async def test_nothing_is_missed_while_others_write(
    api: httpx.AsyncClient, engine: AsyncEngine, writers: int
) -> None:
    """Many write at once, some roll back; who follows the feed has each position once, in order."""
    firm = await holder(engine)
    written: list[int] = []

    async def write(turn: int) -> None:
        for each in range(12):
            if (turn + each) % 4:
                written.append(await record(engine, happened(firm, uuid4())))
            else:
                await rolled_back(engine, firm)

    work = asyncio.gather(*(write(turn) for turn in range(writers)))
    seen, cursor = await everything(api, firm)
    while not work.done():
        more, cursor = await everything(api, firm, cursor)
        seen += more
    await work
    seen += (await everything(api, firm, cursor))[0]
    assert seen == sorted(written)
    assert len(seen) == writers * 9


class Undone(Exception):
    pass


async def rolled_back(engine: AsyncEngine, firm: Holder) -> None:
    with contextlib.suppress(Undone):
        async with async_sessionmaker(engine).begin() as session:
            await events.append(db.Session(db.ReadSession(session)), happened(firm, uuid4()))
            raise Undone


async def test_control_whoever_goes_by_time_misses_some(engine: AsyncEngine) -> None:
    """The naive feed: after the latest time seen. A transaction that began earlier ends later."""
    firm = await holder(engine)
    async with async_sessionmaker(engine).begin() as early:
        await early.execute(select(literal(1)))
        await record(engine, happened(firm, uuid4()))
        async with async_sessionmaker(engine).begin() as reading:
            seen = (await reading.scalars(select(events.EventRow.recorded_at))).all()
        await events.append(db.Session(db.ReadSession(early)), happened(firm, uuid4()))
    async with async_sessionmaker(engine).begin() as reading:
        later = await reading.scalars(
            select(events.EventRow).where(
                events.EventRow.recorded_at > max(seen),
                events.EventRow.organisation_id == firm.organisation_id,
            )
        )
        assert later.all() == [], "the one that was written last is not there"


async def test_each_way_to_see_an_event_walks_an_index(engine: AsyncEngine) -> None:
    """The plan of a page of one who sees little of much."""
    firm = await holder(engine)
    ways = queries._ways(literal(firm.organisation_id, Uuid), {})
    indexes = ("ix_event_organisation_id_position", "ix_event_actor_organisation_id_position")
    async with engine.connect() as connection:
        await connection.execute(text("set local enable_seqscan = off"))
        for way, index in zip(ways, indexes, strict=True):
            statement = queries._beside(Place(), 21, Wanted()).where(way)
            sql = statement.compile(engine, compile_kwargs={"literal_binds": True})
            plan = await connection.scalars(text(f"explain {sql}".replace(":", r"\:")))
            assert index in "\n".join(plan)
