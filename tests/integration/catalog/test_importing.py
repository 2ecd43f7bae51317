from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from tests.factories import (
    credit_code,
    jsonl,
    offering_line,
    package_line,
    provider_line,
    taxonomy,
    times,
    tokenizer,
)

from matchmaker.catalog import queries, texts
from matchmaker.catalog.errors import ImportUnderway
from matchmaker.catalog.importing import Counts, ImportReport, import_file
from matchmaker.catalog.importing import queries as import_queries
from matchmaker.catalog.life import service as life
from matchmaker.catalog.life.applying import By
from matchmaker.catalog.models import OfferingId
from matchmaker.core import events
from matchmaker.core.clock import utc_now
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.machine import Actor
from matchmaker.core.transitions import TransitionRequest
from matchmaker.identity import organisations
from matchmaker.identity import queries as organisations_of
from matchmaker.identity.access import Principal
from matchmaker.identity.models import (
    OrganisationRole,
    OrganisationState,
    new_organisation_id,
)

TODAY = dt.date(2026, 11, 23)


async def run(session: Session, *lines: dict[str, Any] | bytes) -> ImportReport:
    return await import_file(session, jsonl(*lines), taxonomy(), tokenizer())


@contextlib.asynccontextmanager
async def transaction(engine: AsyncEngine) -> AsyncIterator[Session]:
    """A session of its own that commits."""
    async with AsyncSession(engine, expire_on_commit=False) as made, made.begin():
        yield Session(ReadSession(made))


@pytest.fixture
def owner() -> str:
    """A provider no other test knows."""
    return f"p-{uuid4().hex[:12]}"


async def count(session: ReadSession, owner: str) -> tuple[int, int, int]:
    """Offerings, versions and packages of a provider."""
    row = (
        await session.execute(
            text(
                "select count(distinct o.id), count(distinct v.id), count(k.version_id)"
                " from mm.organisation p join mm.offering o on o.organisation_id = p.id"
                " left join mm.offering_version v on v.offering_id = o.id"
                " left join mm.offering_package k on k.version_id = v.id where p.external_id = :o"
            ),
            {"o": owner},
        )
    ).one()
    return row[0], row[1], row[2]


async def of_provider(session: ReadSession, owner: str) -> list[queries.PublishedOffering]:
    known = await import_queries.providers_by_external_id(session, [owner])
    found = [row async for row in queries.published_offerings(session, await events.head(session))]
    return [row for row in found if row.organisation_id == known.get(owner)]


async def take(session: Session, owner: str, step: str) -> None:
    """Take the step with the one offering of the owner, whoever may."""
    (offering_id,) = await session.scalars(
        text(
            "select id from mm.offering where organisation_id ="
            " (select id from mm.organisation where external_id = :o)"
        ),
        {"o": owner},
    )
    anybody = By(lambda _: frozenset(Actor), events.CLI)
    await life.take_step(session, offering_id, step, by=anybody, today=utc_now().date())


async def test_a_good_file_becomes_published_offerings(session: Session, owner: str) -> None:
    other = {"code": "heavy", "title": {"en": "Heavy"}, "weeks": [8, 9]}
    report = await run(
        session,
        provider_line(external_id=owner),
        offering_line(provider=owner, packages=[package_line(), other], valid_to="2027-01-31"),
    )
    assert (report.lines, report.rejected, report.is_written) == (2, 0, True)
    assert report.providers == report.offerings == Counts(new=1)
    (row,) = await of_provider(session, owner)
    assert row.number == 1
    assert row.kind == "solution"
    assert row.visibility == "public"
    assert json.loads(row.provider_name) == {"zh": "松鹭软件", "en": "Pine Heron Software"}
    assert json.loads(row.title)["zh"] == "小厂质量追溯"
    assert row.attested == dt.date(2026, 10, 1)
    assert (row.valid_from, row.valid_to) == (None, dt.date(2027, 1, 31))
    assert json.loads(row.must or "") == {"field": "profile.employees", "op": "gte", "value": 20}
    document, packages = json.loads(row.document), json.loads(row.packages)
    assert document["industries"] == ["C33", "C3670"]
    assert document["attributes"]["days_to_live"] == [10, 20]
    assert times(texts.unpack(row.tokens)["en"])["traceabl"] == 2
    assert [package["code"] for package in packages] == ["light", "heavy"]
    assert packages[0]["document"]["price"]["parts"][1]["to"] == 260_000
    assert packages[1]["document"] == {"weeks": [8, 9]}


async def test_one_bad_line_at_the_end_leaves_no_row(engine: AsyncEngine, owner: str) -> None:
    async with transaction(engine) as session:
        report = await run(session, *with_a_bad_end(owner))
    assert (report.rejected, report.offerings, report.is_written) == (1, Counts(), False)
    async with transaction(engine) as session:
        assert await count(session, owner) == (0, 0, 0)


async def test_control_line_by_line_the_same_file_leaves_rows(
    engine: AsyncEngine, owner: str
) -> None:
    for line in with_a_bad_end(owner):
        async with transaction(engine) as session:
            await run(session, line)
    async with transaction(engine) as session:
        assert await count(session, owner) == (3, 3, 3)


def with_a_bad_end(owner: str) -> list[dict[str, Any] | bytes]:
    return [provider_line(external_id=owner), *_offerings(owner, 3), b"{"]


async def test_a_failure_of_the_caller_takes_the_import_back(
    engine: AsyncEngine, owner: str
) -> None:
    async def failing() -> None:
        async with transaction(engine) as session:
            report = await run(session, provider_line(external_id=owner), *_offerings(owner, 3))
            assert report.is_written
            raise RuntimeError("later")

    with pytest.raises(RuntimeError, match="later"):
        await failing()
    async with transaction(engine) as session:
        assert await count(session, owner) == (0, 0, 0)


def _offerings(owner: str, number: int, **fields: object) -> list[dict[str, Any]]:
    return [offering_line(provider=owner, external_id=f"o{n}", **fields) for n in range(number)]


async def test_the_same_file_again_changes_nothing(engine: AsyncEngine, owner: str) -> None:
    lines = [provider_line(external_id=owner), *_offerings(owner, 3)]
    for outcome in ("new", "unchanged", "unchanged"):
        async with transaction(engine) as session:
            report = await run(session, *lines)
        assert report.providers == Counts(**{outcome: 1})
        assert report.offerings == Counts(**{outcome: 3})
    async with transaction(engine) as session:
        assert await count(session, owner) == (3, 3, 3)


async def test_a_changed_line_makes_the_next_version_and_publishes_it(
    session: Session, owner: str
) -> None:
    first, second, third = _offerings(owner, 3)
    await run(session, provider_line(external_id=owner), first, second)
    before = {row.offering_id: row for row in await of_provider(session, owner)}
    report = await run(session, {**first, "categories": ["mes"]}, second, third)
    assert report.offerings == Counts(new=1, changed=1, unchanged=1)
    after = {row.offering_id: row for row in await of_provider(session, owner)}
    assert before.keys() < after.keys()
    assert sorted(row.number for row in after.values()) == [1, 1, 2]
    changed = next(row for row in after.values() if row.number == 2)
    assert json.loads(changed.document)["categories"] == ["mes"]
    assert changed.version_id != before[changed.offering_id].version_id
    assert await count(session, owner) == (3, 4, 4)


async def test_going_back_to_an_older_text_is_a_new_version_too(
    session: Session, owner: str
) -> None:
    (first,) = _offerings(owner, 1)
    for number, line in enumerate((first, {**first, "summary": None}, first), start=1):
        report = await run(session, provider_line(external_id=owner), line)
        assert report.offerings.unchanged == 0
        (row,) = await of_provider(session, owner)
        assert row.number == number


async def test_a_paused_offering_is_published_by_a_changed_line_only(
    session: Session, owner: str
) -> None:
    (line,) = _offerings(owner, 1)
    await run(session, provider_line(external_id=owner), line)
    await take(session, owner, "pause")
    assert (await run(session, line)).offerings == Counts(unchanged=1)
    assert await of_provider(session, owner) == []
    assert (await run(session, {**line, "must": None})).offerings == Counts(changed=1)
    assert len(await of_provider(session, owner)) == 1


@pytest.mark.parametrize("step", ["suspend", "retire"])
async def test_what_an_import_may_not_publish_is_refused_when_it_changes(
    session: Session, owner: str, step: str
) -> None:
    (line,) = _offerings(owner, 1)
    await run(session, provider_line(external_id=owner), line)
    await take(session, owner, step)
    assert (await run(session, line)).is_written
    report = await run(session, *_offerings(owner, 2, must=None))
    assert [(fault.line, fault.code) for fault in report.faults] == [(1, "not_importable")]
    assert await count(session, owner) == (1, 1, 1)


async def test_a_provider_may_stand_in_an_earlier_file(session: Session, owner: str) -> None:
    await run(session, provider_line(external_id=owner))
    assert (await run(session, *_offerings(owner, 1))).offerings == Counts(new=1)


async def test_an_unknown_provider_is_named_for_each_of_its_lines(
    session: Session, owner: str
) -> None:
    report = await run(session, *_offerings(owner, 2), b"[]")
    found = [(fault.line, fault.pointer, fault.code) for fault in report.faults]
    assert found == [
        (1, "#/provider", "unknown_provider"),
        (2, "#/provider", "unknown_provider"),
        (3, "#", "wrong_type"),
    ]


async def test_a_provider_line_replaces_the_card_and_keeps_state_and_roles(
    session: Session, owner: str
) -> None:
    await run(session, provider_line(external_id=owner))
    await session.execute(
        text(
            "update mm.organisation set roles = '{sme,provider}', state = 'suspended'"
            " where external_id = :o"
        ),
        {"o": owner},
    )
    report = await run(session, provider_line(external_id=owner, website="https://a.example"))
    assert report.providers == Counts(changed=1)
    report = await run(
        session, provider_line(external_id=owner, website="https://a.example", region="220000")
    )
    assert report.providers == Counts(changed=1)
    row = (
        await session.execute(
            text("select roles, state, region from mm.organisation where external_id = :o"),
            {"o": owner},
        )
    ).one()
    assert (sorted(row[0]), row[1], row[2]) == (["provider", "sme"], "suspended", "220000")


async def test_the_offerings_of_a_suspended_provider_are_not_published(
    session: Session, owner: str
) -> None:
    await run(session, provider_line(external_id=owner), *_offerings(owner, 1))
    assert len(await of_provider(session, owner)) == 1
    before = await events.head(session)
    provider = await organisations_of.organisation_named(session, owner)
    assert provider is not None
    operator = Principal(
        organisation_id=new_organisation_id(),
        roles=frozenset({OrganisationRole.OPERATOR}),
        state=OrganisationState.VERIFIED,
        key_id=None,
        scopes=frozenset(),
    )
    suspend = TransitionRequest(transition="suspend")
    await organisations.move(session, provider.id, suspend, by=operator)
    assert await of_provider(session, owner) == []
    then = [row async for row in queries.published_offerings(session, before)]
    assert provider.id in {row.organisation_id for row in then}


async def test_who_stops_reading_early_can_go_on_with_the_session(
    session: Session, owner: str
) -> None:
    # More than are fetched at once, so that the next ones are on their way.
    await run(session, provider_line(external_id=owner), *_offerings(owner, 120))
    found = queries.published_offerings(session, await events.head(session))
    async with contextlib.aclosing(found) as rows:
        async for _ in rows:
            break
    assert len(await of_provider(session, owner)) == 120


async def test_a_credit_code_belongs_to_one_organisation(session: Session, owner: str) -> None:
    code = credit_code("91350100M0001" + "".join(c for c in owner[2:] if c.isdigit())[:4].zfill(4))
    assert (await run(session, provider_line(external_id=owner, uscc=code))).is_written
    report = await run(
        session, provider_line(external_id=owner, uscc=code), provider_line(external_id="x-other")
    )
    assert report.is_written
    report = await run(session, provider_line(external_id=f"{owner}-b", uscc=code))
    assert [(fault.line, fault.code) for fault in report.faults] == [(1, "credit_code_taken")]


async def test_readers_answer_while_an_import_is_open(engine: AsyncEngine, owner: str) -> None:
    (line,) = _offerings(owner, 1)
    async with transaction(engine) as session:
        await run(session, provider_line(external_id=owner), line)
    async with transaction(engine) as writer:
        report = await run(writer, {**line, "categories": ["mes"]})
        assert report.offerings == Counts(changed=1)
        async with asyncio.timeout(1), transaction(engine) as reader:
            (seen,) = await of_provider(reader, owner)
            assert seen.number == 1
            shown = await queries.find_offering(reader, seen.offering_id, today=TODAY)
            assert shown is not None
    async with transaction(engine) as reader:
        (seen,) = await of_provider(reader, owner)
        assert seen.number == 2


async def test_control_readers_wait_behind_an_import_that_locks_the_table(
    engine: AsyncEngine, owner: str
) -> None:
    async with transaction(engine) as writer, AsyncSession(engine) as made:
        await writer.execute(text("lock table mm.offering in access exclusive mode"))
        await run(writer, provider_line(external_id=owner), *_offerings(owner, 1))
        reader = ReadSession(made)
        await reader.execute(text("set local lock_timeout = '100ms'"))
        with pytest.raises(DBAPIError, match="lock timeout"):
            await of_provider(reader, owner)


async def test_of_two_imports_at_once_the_second_is_told(engine: AsyncEngine, owner: str) -> None:
    lines = [provider_line(external_id=owner), *_offerings(owner, 1)]
    async with transaction(engine) as first:
        await run(first, *lines)
        async with AsyncSession(engine) as made:
            with pytest.raises(ImportUnderway):
                await run(Session(ReadSession(made)), *lines)
    async with transaction(engine) as second:
        assert (await run(second, *lines)).offerings == Counts(unchanged=1)


async def test_an_import_that_commits_first_is_seen_by_the_checks(
    engine: AsyncEngine, owner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one commits after the file is read and before the claim."""
    code = credit_code("91350200M0001" + f"{uuid4().int % 10_000:04}")
    claim_import = import_queries.claim_import

    async def claim_late(session: Session) -> bool:
        monkeypatch.undo()
        async with transaction(engine) as other:
            assert (await run(other, provider_line(external_id=owner, uscc=code))).is_written
        return await claim_import(session)

    monkeypatch.setattr(import_queries, "claim_import", claim_late)
    async with transaction(engine) as session:
        report = await run(session, provider_line(external_id=f"{owner}-b", uscc=code))
    assert [(fault.line, fault.code) for fault in report.faults] == [(1, "credit_code_taken")]


async def test_a_copy_is_refused_where_the_driver_has_not_begun(engine: AsyncEngine) -> None:
    async with AsyncSession(engine) as made:
        session = Session(ReadSession(made))
        with pytest.raises(RuntimeError, match="not begun"):
            await import_queries._driver(session)
        await session.execute(text("select 1"))
        assert await import_queries._driver(session) is not None
        await made.rollback()


async def test_control_a_raw_statement_before_any_other_commits_by_itself(
    engine: AsyncEngine,
) -> None:
    name = f"probe_{uuid4().hex[:8]}"
    async with engine.connect() as connection:
        raw = await connection.get_raw_connection()
        driver: Any = raw.driver_connection
        await driver.execute(f"create temporary table {name} (n int)")
        await connection.rollback()
        found = await connection.scalar(text("select to_regclass(:n)"), {"n": f"pg_temp.{name}"})
        assert found is not None
        await connection.execute(text(f"drop table {name}"))
        await connection.commit()


async def test_a_file_longer_than_a_chunk_is_written_whole(session: Session, owner: str) -> None:
    number = 3_101
    # The second file is read while the transaction of the first is open: a slow machine needs time.
    await session.execute(text("set local idle_in_transaction_session_timeout = '60s'"))
    report = await run(session, provider_line(external_id=owner), *_offerings(owner, number))
    assert report.offerings == Counts(new=number)
    assert await count(session, owner) == (number, number, number)
    report = await run(
        session,
        *_offerings(owner, number - 1),
        *_offerings(owner, number, must=None)[-1:],
    )
    assert report.offerings == Counts(changed=1, unchanged=number - 1)


async def test_published_offerings_come_in_order_of_id(session: Session, owner: str) -> None:
    await run(session, provider_line(external_id=owner), *_offerings(owner, 20))
    ids = [row.offering_id for row in await of_provider(session, owner)]
    assert ids == sorted(ids)
    assert len(ids) == 20
    assert await queries.find_offering(session, OfferingId(uuid4()), today=TODAY) is None
