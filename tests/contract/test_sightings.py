"""Who saw a firm's data: the firm is told of every look of somebody else, and of no other."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker
from tests.conftest import client_of
from tests.contract.match_calls import NEED, PROFILE
from tests.contract.test_reach import agency, firm
from tests.identities import Holder, holder, sitter

from matchmaker.app import installed
from matchmaker.cli.session import Database
from matchmaker.core import db
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.jobs import Context, Options, Worker
from matchmaker.exchange.service import EXPORT
from matchmaker.identity.models import MemberRole, OrganisationRole
from matchmaker.identity.sightings import jobs, queries, service
from matchmaker.released import Released
from matchmaker.working import handlers

R = OrganisationRole


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def engine(demo_database: Database) -> AsyncIterator[AsyncEngine]:
    made = db.create_engine(demo_database.url, demo_database.settings, acting=db.INSTALLATION)
    yield made
    await made.dispose()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def api(demo_database: Database, released: Released) -> AsyncIterator[httpx.AsyncClient]:
    made = db.create_engine(demo_database.url, demo_database.settings)
    async with client_of(installed(demo_database.settings, made, released)) as client:
        yield client
    await made.dispose()


async def sightings(api: httpx.AsyncClient, of: Holder) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    path = f"/v1/organisations/{of.organisation_id}/sightings?limit=3"
    cursor = ""
    while True:
        answer = await api.get(path + cursor, headers=of.headers)
        assert answer.status_code == 200, answer.text
        found += answer.json()["items"]
        if answer.json()["page"]["next"] is None:
            return found
        cursor = f"&cursor={answer.json()['page']['next']}"


def said(each: dict[str, Any]) -> tuple[str, str, str]:
    return each["seen_as"], each["subject_type"], each["way"]


async def stated(api: httpx.AsyncClient, of: Holder) -> tuple[str, str]:
    """A need and a stored match of the firm, which has a profile."""
    path = f"/v1/profiles/{of.organisation_id}"
    await api.put(path, json=PROFILE, headers=of.headers)
    need = (await api.post("/v1/needs", json=NEED, headers=of.headers)).json()["id"]
    run = await api.post(f"/v1/needs/{need}/matches", json={}, headers=of.headers)
    assert run.status_code == 201, run.text
    return need, run.json()["run_id"]


@pytest.mark.asvs("V16.3.2")
async def test_every_look_of_an_operator_is_told(
    api: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    owner, operator = await holder(engine), await holder(engine, R.OPERATOR)
    need, run = await stated(api, owner)
    profile = f"/v1/profiles/{owner.organisation_id}"
    reads = [
        *(profile, f"{profile}/versions", f"{profile}/versions/1"),
        *(f"{profile}/versions/1/diff?from=1", f"/v1/needs/{need}", f"/v1/needs/{need}/versions"),
        *(f"/v1/needs/{need}/versions/1", f"/v1/needs/{need}/versions/1/diff?from=1"),
        *(f"/v1/needs/{need}/transitions", f"/v1/match-runs/{run}"),
        f"/v1/match-runs/{run}/replay",
    ]
    for at, path in enumerate(reads, 1):
        answer = await api.get(path, headers=operator.headers)
        assert answer.status_code == 200, answer.text
        found = await sightings(api, owner)
        assert len(found) == at, path
        assert found[0]["request_id"] == answer.headers["x-request-id"]
        assert found[0]["by"]["organisation_id"] == str(operator.organisation_id)
        assert found[0]["by"]["name"]
    body = {"need": NEED, "profile_id": str(owner.organisation_id)}
    assert (await api.post("/v1/match", json=body, headers=operator.headers)).status_code == 200
    again = await api.post(f"/v1/needs/{need}/matches", json={}, headers=operator.headers)
    assert again.status_code == 201
    told = [said(each) for each in await sightings(api, owner)]
    assert told[:2] == [("operator", "need", "read"), ("operator", "profile", "read")]
    assert {subject for _, subject, _ in told} == {"profile", "need", "match_run"}


async def test_ones_own_looks_and_those_that_saw_nothing_are_not(
    api: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    owner, stranger = await holder(engine), await holder(engine, R.AGENCY)
    need, run = await stated(api, owner)
    own = await sitter(engine, owner.organisation_id)
    paths = [
        f"/v1/profiles/{owner.organisation_id}",
        *(f"/v1/needs/{need}", f"/v1/match-runs/{run}"),
    ]
    for path in paths:
        for headers in (owner.headers, own.headers):
            assert (await api.get(path, headers=headers)).status_code == 200
        assert (await api.get(path, headers=stranger.headers)).status_code == 404
    assert await sightings(api, owner) == []


async def test_an_agency_leaves_a_note_at_each_firm_that_it_lists(
    api: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    reader = await agency(api, engine, {"regions": ["650100"]})
    firms = [
        await firm(api, engine, "share_with_agency", region="650100", industries=["C3311"])
        for _ in range(3)
    ]
    await api.get("/v1/jurisdiction/firms?limit=2", headers=reader.headers)
    await api.get(f"/v1/profiles/{firms[0].organisation_id}", headers=reader.headers)
    told = [[said(each) for each in await sightings(api, firm)] for firm in firms]
    assert told == [
        [("agency", "profile", "read"), ("agency", "profile", "listed")],
        [("agency", "profile", "listed")],
        [],
    ]


async def test_whoever_shares_a_need_is_told_of(
    api: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    owner, partner = await holder(engine), await holder(engine)
    need, _ = await stated(api, owner)
    await api.put(f"/v1/needs/{need}/members/{partner.organisation_id}", headers=owner.headers)
    await api.get("/v1/needs?part=member", headers=partner.headers)
    await api.get(f"/v1/needs/{need}", headers=partner.headers)
    assert [said(each) for each in await sightings(api, owner)] == [
        ("partner", "need", "read"),
        ("partner", "need", "listed"),
    ]


async def test_what_is_open_to_everyone_is_no_look(
    api: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    owner, provider = await holder(engine), await holder(engine, R.PROVIDER)
    body = {**NEED, "visibility": "public", "title": {"en": "MES"}}
    need = (await api.post("/v1/needs", json=body, headers=owner.headers)).json()["id"]
    step = {"transition": "open"}
    opened = await api.post(f"/v1/needs/{need}/transitions", json=step, headers=owner.headers)
    assert opened.status_code == 200, opened.text
    assert (await api.get(f"/v1/needs/{need}", headers=provider.headers)).status_code == 200
    assert await sightings(api, owner) == []


async def done(api: httpx.AsyncClient, job: str, reader: Holder) -> None:
    """Wait until the job is."""
    for _ in range(400):
        found = await api.get(f"/v1/jobs/{job}", headers=reader.headers)
        if found.json()["state"] == "done":
            return
        await asyncio.sleep(0.05)
    pytest.fail(f"{job} is not done")


NOTHING_WAITS = """
    select not exists (select from mm.job where kind = :kind and state in ('queued', 'running'))
"""


async def until(engine: AsyncEngine, sql: str) -> None:
    """Wait until it holds."""
    async with asyncio.timeout(60):
        while True:
            async with engine.connect() as connection:
                if await connection.scalar(text(sql), {"kind": EXPORT}):
                    return
            await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def exporting(
    database: Database, engine: AsyncEngine, released: Released
) -> AsyncIterator[None]:
    """A worker that does exports and nothing else."""
    export = handlers(released, engine, database.settings)[EXPORT]
    options = Options(poll=0.05)
    worker = Worker(database.url, database.settings, {EXPORT: export}, options=options)
    task = asyncio.create_task(worker.run())
    try:
        yield
    finally:
        worker.stop()
        await task


async def test_an_export_of_everybody_is_a_look_at_each(
    api: httpx.AsyncClient, engine: AsyncEngine, demo_database: Database, released: Released
) -> None:
    owner, operator = await holder(engine), await holder(engine, R.OPERATOR)
    async with exporting(demo_database, engine, released):
        # What others left waiting on the common server looks at everybody, too: let it be over.
        await until(engine, NOTHING_WAITS)
        need, _ = await stated(api, owner)
        asked = []
        for caller in (owner, operator):
            for kind in ("needs", "profiles"):
                answer = await api.post("/v1/exports", json={"kind": kind}, headers=caller.headers)
                assert answer.status_code == 202, answer.text
                asked.append(answer.json()["job_id"])
        for job in asked:
            await done(api, job, operator)
    told = await sightings(api, owner)
    assert sorted((each["subject_id"], *said(each)) for each in told) == sorted(
        [
            (need, "operator", "need", "exported"),
            (str(owner.organisation_id), "operator", "profile", "exported"),
        ]
    )


async def test_it_is_for_the_firm_alone(api: httpx.AsyncClient, engine: AsyncEngine) -> None:
    owner = await holder(engine)
    path = f"/v1/organisations/{owner.organisation_id}/sightings"
    for role in R:
        caller = await holder(engine, role)
        assert (await api.get(path, headers=caller.headers)).status_code == 404
    viewer = await sitter(engine, owner.organisation_id, MemberRole.VIEWER)
    assert (await api.get(path, headers=viewer.headers)).status_code == 200


async def test_what_cannot_be_noted_is_not_shown(
    api: httpx.AsyncClient, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, operator = await holder(engine), await holder(engine, R.OPERATOR)
    await stated(api, owner)

    async def refuse(*_: object) -> None:
        raise DBAPIError("insert", {}, Exception("no"))

    path = f"/v1/profiles/{owner.organisation_id}"
    with monkeypatch.context() as patched:
        patched.setattr(queries, "insert_sightings", refuse)
        answer = await api.get(path, headers=operator.headers)
        assert answer.status_code >= 500
        assert "employees" not in answer.text
    assert (await api.get(path, headers=operator.headers)).status_code == 200


async def test_control_who_notes_nothing_is_noticed(
    api: httpx.AsyncClient, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, operator = await holder(engine), await holder(engine, R.OPERATOR)
    await stated(api, owner)

    async def forget(*_: object) -> None: ...

    monkeypatch.setattr(service, "record", forget)
    await api.get(f"/v1/profiles/{owner.organisation_id}", headers=operator.headers)
    assert await sightings(api, owner) == []


async def test_nobody_writes_a_look_of_somebody_else_or_takes_one_back(
    api: httpx.AsyncClient, engine: AsyncEngine, demo_database: Database
) -> None:
    owner, operator, other = [await holder(engine, role) for role in (R.SME, R.OPERATOR, R.AGENCY)]
    await stated(api, owner)
    await api.get(f"/v1/profiles/{owner.organisation_id}", headers=operator.headers)
    acting = db.create_engine(
        demo_database.url, demo_database.settings, acting=operator.organisation_id
    )
    forged = text(
        "insert into mm.sighting (id, organisation_id, subject_type, subject_id,"
        " by_organisation_id, seen_as, way)"
        " values (:id, :of, 'profile', :of, :by, 'agency', 'read')"
    )
    async with acting.begin() as connection:
        gone = await connection.execute(text("delete from mm.sighting"))
        assert gone.rowcount == 0
    async with acting.connect() as connection:
        values = {"id": owner.key_id, "of": owner.organisation_id, "by": other.organisation_id}
        with pytest.raises(DBAPIError, match="row-level security"):
            await connection.execute(forged, values)
    await acting.dispose()
    assert len(await sightings(api, owner)) == 1


async def test_they_are_kept_as_long_as_the_data_says(
    api: httpx.AsyncClient, engine: AsyncEngine, released: Released
) -> None:
    owner, operator = await holder(engine), await holder(engine, R.OPERATOR)
    aged = text(
        "insert into mm.sighting (id, organisation_id, subject_type, subject_id,"
        " by_organisation_id, seen_as, way, seen_at) values (gen_random_uuid(), :of, 'profile',"
        " :of, :by, 'operator', 'read', now() - make_interval(days => :days))"
    )
    assert released.sightings.kept_days == 730
    async with async_sessionmaker(engine).begin() as made:
        for days in (729, 731):
            values = {"of": owner.organisation_id, "by": operator.organisation_id, "days": days}
            await made.execute(aged, values)
        context = cast("Context", SimpleNamespace(session=Session(ReadSession(made))))
        prune = jobs.handlers(released.sightings)[jobs.PRUNE]
        assert await prune(context, {}) == {"removed": 1}
    assert len(await sightings(api, owner)) == 1
