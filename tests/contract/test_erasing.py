"""Erasing a profile: it is nowhere any more, and everything that needs it says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import msgspec
import pytest
import pytest_asyncio
from click.testing import CliRunner, Result
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker
from tests.conftest import client_of
from tests.contract.match_calls import NEED, PROFILE
from tests.identities import Holder, holder

from matchmaker.app import installed
from matchmaker.cli import commands
from matchmaker.cli.session import Database
from matchmaker.core import db, events
from matchmaker.core.db import ReadSession, Session
from matchmaker.demand.declaration import NeedFacts
from matchmaker.enterprise import service as enterprise
from matchmaker.enterprise.errors import ProfileErased
from matchmaker.identity.access import at_console
from matchmaker.identity.models import OrganisationRole
from matchmaker.identity.queries import organisation
from matchmaker.matching import erasing, runs, schemas
from matchmaker.released import Released

ASKED: dict[str, Any] = {"need": NEED, "limit": 3, "persist": True}
TABLES = ("profile", "profile_version", "match_run", "match", "event", "shortlist", "job")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def engine(demo_database: Database) -> AsyncIterator[AsyncEngine]:
    made = db.create_engine(demo_database.url, demo_database.settings, acting=db.INSTALLATION)
    yield made
    await made.dispose()


@dataclass
class Firm:
    """A firm with two versions of a profile, a run that read the second, one with it inline."""

    api: httpx.AsyncClient
    engine: AsyncEngine
    database: Database
    released: Released
    holder: Holder
    people: int
    """A number that nothing else has."""
    profile: str
    stored: dict[str, Any]
    inline: dict[str, Any]

    async def get(self, path: str, **query: object) -> httpx.Response:
        asked: Any = query
        return await self.api.get(path, params=asked, headers=self.holder.headers)

    async def erase(self) -> erasing.Erased:
        async with async_sessionmaker(self.engine).begin() as made:
            return await erase(Session(ReadSession(made)), self)


async def erase(session: Session, firm: Firm) -> erasing.Erased:
    return await erasing.erase_profile(
        session, firm.released.checker, firm.holder.organisation_id, events.CLI
    )


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def api(
    engine: AsyncEngine, demo_database: Database, released: Released
) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(installed(demo_database.settings, engine, released)) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def firm(
    api: httpx.AsyncClient, engine: AsyncEngine, demo_database: Database, released: Released
) -> Firm:
    held = await holder(engine)
    profile = f"/v1/profiles/{held.organisation_id}"
    people = 100_000 + held.organisation_id.int % 899_999
    facts = {**PROFILE, "employees": people}
    first = await api.put(profile, json={**facts, "users": 3}, headers=held.headers)
    assert first.status_code == 201, first.text
    second = await api.put(
        profile, json=facts, headers={**held.headers, "If-Match": first.headers["ETag"]}
    )
    assert second.status_code == 200, second.text
    told = []
    for more in ({"profile_id": str(held.organisation_id)}, {"profile": facts}):
        answer = await api.post("/v1/match", json={**ASKED, **more}, headers=held.headers)
        assert answer.status_code == 200, answer.text
        told.append(answer.json())
    return Firm(api, engine, demo_database, released, held, people, profile, *told)


async def found_in(firm: Firm, table: str) -> int:
    """How many rows of the table hold the number."""
    said = f"select count(*) from mm.{table} as each where each::text ~ :number"  # noqa: S608
    async with firm.engine.connect() as connection:
        # Not as a part of an id or a digest.
        number = f"[^0-9a-f]{firm.people}[^0-9a-f]"
        return int((await connection.execute(text(said), {"number": number})).scalar_one())


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


GONE = (410, "profile_erased")


async def test_it_is_nowhere_any_more(firm: Firm) -> None:
    before = {table: await found_in(firm, table) for table in TABLES}
    assert before["profile_version"] >= 2, "the control: it was there"
    assert before["match_run"] >= 2
    assert await firm.erase() == erasing.Erased(versions=2, runs=2)
    assert {table: await found_in(firm, table) for table in TABLES} == dict.fromkeys(TABLES, 0)


async def test_the_command_erases_it(firm: Firm) -> None:
    arguments = ["erase", "--organisation", str(firm.holder.organisation_id)]
    place = {
        "DATABASE_URL": firm.database.url,
        "MATCHMAKER_DATA": firm.database.settings.data,
    }

    def erase(said: str) -> Result:
        return CliRunner().invoke(commands, arguments, env=place, input=said)

    assert (await asyncio.to_thread(erase, "n")).exit_code == 1
    assert await found_in(firm, "match_run") == 2
    done = await asyncio.to_thread(erase, "y")
    assert "2 versions and 2 matches erased" in done.output
    assert await found_in(firm, "match_run") == 0


async def test_what_needs_it_says_that_it_was_erased(firm: Firm) -> None:
    neighbour = await holder(firm.engine)
    await firm.erase()
    for version in ("1", "2"):
        assert code(await firm.get(f"{firm.profile}/versions/{version}")) == GONE
    assert code(await firm.get(f"{firm.profile}/versions/3/diff", **{"from": 1})) == GONE
    for told in (firm.stored, firm.inline):
        run = f"/v1/match-runs/{told['run_id']}"
        offering = told["items"][0]["offering_id"]
        for path in (run, f"{run}/replay", f"{run}/explain/{offering}"):
            assert code(await firm.get(path)) == GONE, path
            # To others it was never there, and is not now.
            refused = await firm.api.get(path, headers=neighbour.headers)
            assert code(refused) == (404, "match_run_not_found")
        listed = await firm.api.post(
            "/v1/shortlists",
            json={"run_id": told["run_id"], "title": "x", "entries": [{"offering_id": offering}]},
            headers=firm.holder.headers,
        )
        assert code(listed) == GONE
    assert (await firm.get("/v1/match-runs")).json()["items"] == []


async def test_the_profile_says_nothing_and_can_be_stated_anew(firm: Firm) -> None:
    await firm.erase()
    empty = await firm.get(firm.profile)
    assert empty.status_code == 200
    assert (empty.json()["version"], empty.json()["derived"]["completeness"]) == (3, 0)
    assert str(firm.people) not in empty.text
    listed = (await firm.get(f"{firm.profile}/versions")).json()["items"]
    assert [item["version"] for item in listed] == [3]
    matched = await firm.api.post(
        "/v1/match",
        json={**ASKED, "profile_id": str(firm.holder.organisation_id)},
        headers=firm.holder.headers,
    )
    assert matched.status_code == 200
    again = await firm.api.put(
        firm.profile,
        json=PROFILE,
        headers={**firm.holder.headers, "If-Match": empty.headers["ETag"]},
    )
    assert again.status_code == 200
    # A second time there is the newest to erase, and nothing of the first.
    assert await firm.erase() == erasing.Erased(versions=2, runs=1)


async def test_others_keep_theirs(firm: Firm) -> None:
    other = await holder(firm.engine)
    asked = {**ASKED, "profile": PROFILE}
    kept = await firm.api.post("/v1/match", json=asked, headers=other.headers)
    await firm.erase()
    path = f"/v1/match-runs/{kept.json()['run_id']}/replay"
    replayed = await firm.api.get(path, headers=other.headers)
    assert replayed.json()["reproduced"] is True


async def test_a_match_that_an_operator_asked_for_is_erased_too(firm: Firm) -> None:
    operator = await holder(firm.engine, OrganisationRole.OPERATOR)
    body = {**ASKED, "profile_id": str(firm.holder.organisation_id)}
    told = await firm.api.post("/v1/match", json=body, headers=operator.headers)
    assert told.status_code == 200, told.text
    assert await found_in(firm, "match_run") == 3
    assert (await firm.erase()).runs == 3
    path = f"/v1/match-runs/{told.json()['run_id']}"
    assert code(await firm.api.get(path, headers=operator.headers)) == GONE
    assert await found_in(firm, "match_run") == 0


async def test_the_event_says_how_much_and_nothing_else(firm: Firm) -> None:
    await firm.erase()
    async with firm.engine.connect() as connection:
        said = text("select data from mm.event where kind = :kind and subject_id = :id")
        found = await connection.execute(
            said, {"kind": erasing.ERASED, "id": firm.holder.organisation_id}
        )
        assert found.scalars().all() == [{"version": 3, "versions": 2, "match_runs": 2}]


class TestMeanwhile:
    """A run is stored while the profile it read is erased."""

    async def test_who_stores_first_is_erased_too(self, firm: Firm) -> None:
        asked, stored = asyncio.Event(), asyncio.Event()

        async def store() -> str:
            async with async_sessionmaker(firm.engine, expire_on_commit=False).begin() as made:
                run_id = await store_run(Session(ReadSession(made)), firm, asked)
                stored.set()
                await asyncio.sleep(0.5)
            return run_id

        task = asyncio.create_task(store())
        await stored.wait()
        assert (await firm.erase()).runs == 3
        assert code(await firm.get(f"/v1/match-runs/{await task}")) == GONE

    async def test_who_comes_second_is_told(self, firm: Firm) -> None:
        answer = await raced(firm)
        assert isinstance(answer, ProfileErased)
        assert await found_in(firm, "match_run") == 0

    async def test_control_who_does_not_hold_the_version_leaves_it_behind(
        self, firm: Firm, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def let_go(*_: object) -> None: ...

        monkeypatch.setattr(enterprise, "keep_version", let_go)
        assert isinstance(await raced(firm), str)
        assert await found_in(firm, "match_run") == 1
        await firm.erase()


async def raced(firm: Firm) -> object:
    """What becomes of a run that read its profile before an erasure and is stored after it."""
    asked = asyncio.Event()

    async def store() -> str:
        async with async_sessionmaker(firm.engine, expire_on_commit=False).begin() as made:
            return await store_run(Session(ReadSession(made)), firm, asked, wait=erased)

    erased = asyncio.Event()
    task = asyncio.create_task(store())
    await asked.wait()
    await firm.erase()
    erased.set()
    (found,) = await asyncio.gather(task, return_exceptions=True)
    return found


async def store_run(
    session: Session, firm: Firm, asked: asyncio.Event, wait: asyncio.Event | None = None
) -> str:
    """A stored run of the firm's profile, which was read before ``wait``."""
    stored = await organisation(session, firm.holder.organisation_id)
    assert stored is not None
    principal = at_console(stored)
    request = schemas.MatchRequest(
        profile_id=firm.holder.organisation_id,
        need=msgspec.convert(NEED, NeedFacts),
        persist=True,
    )
    found = await runs.resolve(session, request, principal, firm.released.taxonomy)
    asked.set()
    if wait is not None:
        await wait.wait()
    matcher = firm.released.matcher(firm.database.settings.index_folder)
    run, scoring = matcher.run(found.input, await runs.caller_of(session, principal))
    told = matcher.told(run, scoring)
    return str(await runs.store(session, found, run, answers=told, principal=principal))
