"""A cohort matched at once: whom an agency may match, what each firm gets, and the proof."""

from __future__ import annotations

import asyncio
import csv
import datetime as dt
import io
import re
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import pytest
import pytest_asyncio
from rich.console import Console
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker
from tests.conftest import client_of
from tests.contract.test_reach import NINGBO, agency, allow, firm
from tests.identities import Holder, holder

from matchmaker.app import installed
from matchmaker.cli import city
from matchmaker.cli.batch import run as run_batch
from matchmaker.cli.session import Database
from matchmaker.cli.show import Page
from matchmaker.core import db
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.jobs import Options, Worker, limit
from matchmaker.core.patching import MEDIA_TYPE
from matchmaker.demand.declaration import NeedFacts
from matchmaker.enterprise.declaration import ProfileFacts
from matchmaker.identity.models import OrganisationRole
from matchmaker.matching.batches import jobs as batch_jobs
from matchmaker.matching.batches import running, scoring
from matchmaker.matching.batches.declaration import BatchRequest
from matchmaker.matching.batches.scoring import Entrant
from matchmaker.matching.query import Caller
from matchmaker.released import Released
from matchmaker.working import batch_means, handlers

R = OrganisationRole
BATCH = "/v1/match/batch"
NEED = {"kind": "solution", "scenes": ["quality"], "text": "Surface defects on glazed bowls"}
FIRMS = [
    {
        "reference": f"f{place}",
        "profile": {
            "industries": [industry],
            "region": region,
            "employees": employees,
            "scenes": {"quality": place % 3},
        },
    }
    for place, (industry, region, employees) in enumerate(
        (industry, region, employees)
        for industry in ("C3311", "C3074", "C1713", "C3484")
        for region in ("330200", "445100", "210200")
        for employees in (12, 80, 340)
    )
]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def api(demo_database: Database, released: Released) -> AsyncIterator[httpx.AsyncClient]:
    made = db.create_engine(demo_database.url, demo_database.settings)
    async with client_of(installed(demo_database.settings, made, released)) as client:
        yield client
    await made.dispose()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def engine(demo_database: Database) -> AsyncIterator[AsyncEngine]:
    made = db.create_engine(demo_database.url, demo_database.settings, acting=db.INSTALLATION)
    yield made
    await made.dispose()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def work(
    demo_database: Database, released: Released, engine: AsyncEngine
) -> AsyncIterator[Worker]:
    """A worker that does what is asked for."""
    worker = Worker(
        demo_database.url,
        demo_database.settings,
        handlers(released, engine, demo_database.settings),
        options=Options(poll=0.05),
    )
    task = asyncio.create_task(worker.run())
    yield worker
    worker.stop()
    await task


async def started(api: httpx.AsyncClient, by: Holder, **body: object) -> dict[str, Any]:
    answer = await api.post(BATCH, json={"need": NEED, **body}, headers=by.headers)
    assert answer.status_code == 202, answer.text
    assert answer.headers["Location"] == f"{BATCH}/{answer.json()['id']}"
    found: dict[str, Any] = answer.json()
    return found


async def done(api: httpx.AsyncClient, by: Holder, id_: str) -> dict[str, Any]:
    """The batch once its job is over, polled with the ETag of what was seen last."""
    headers = by.headers
    for _ in range(600):
        answer = await api.get(f"{BATCH}/{id_}", headers=headers)
        if answer.status_code == 200:
            headers = {**by.headers, "If-None-Match": answer.headers["ETag"]}
            if answer.json()["state"] not in {"queued", "running"}:
                found: dict[str, Any] = answer.json()
                return found
        else:
            assert answer.status_code == 304
        await asyncio.sleep(0.05)
    pytest.fail("the batch is not done")


async def ran(
    api: httpx.AsyncClient, by: Holder, **body: object
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The lines and the report of a batch that is done."""
    id_ = (await started(api, by, **body))["id"]
    assert (await done(api, by, id_))["state"] == "done"
    lines = await api.get(f"{BATCH}/{id_}/results", headers=by.headers)
    report = await api.get(f"{BATCH}/{id_}/report", headers=by.headers)
    return [msgspec.json.decode(line) for line in lines.content.splitlines()], report.json()


@pytest.mark.usefixtures("work")
async def test_without_limits_it_is_the_single_match_of_each(
    api: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    portal = await holder(engine, R.AGENCY)
    begun = await started(api, portal, enterprises=FIRMS[:12], limit=5)
    assert (await done(api, portal, begun["id"]))["state"] == "done"
    content = await api.get(f"{BATCH}/{begun['id']}/results", headers=portal.headers)
    lines = [msgspec.json.decode(line) for line in content.content.splitlines()]
    assert [line["reference"] for line in lines] == [each["reference"] for each in FIRMS[:12]]
    for line, each in zip(lines, FIRMS, strict=False):
        single = await api.post(
            "/v1/match",
            json={"profile": each["profile"], "need": NEED, "limit": 5},
            headers=portal.headers,
        )
        items = single.json()["items"]
        same = ("offering_id", "version", "package", "score", "fit", "price", "slate")
        assert [[item[n] for n in same] for item in line["items"]] == [
            [item[n] for n in same] for item in items
        ]
        assert line["assigned"]["offering_id"] == items[0]["offering_id"]
        assert line["considered"] == single.json()["funnel"]["considered"]
        # The receipt of the line is that of a match as of the batch.
        receipt = {
            **single.json()["receipt"],
            "as_of": (await done(api, portal, begun["id"]))["as_of"],
            "digest": line["digest"],
        }
        asked = {"profile": each["profile"], "need": NEED, "limit": 5, "receipt": receipt}
        replay = await api.post("/v1/match/replay", json=asked, headers=portal.headers)
        assert replay.json()["reproduced"], replay.text
    report = (await api.get(f"{BATCH}/{begun['id']}/report", headers=portal.headers)).json()
    assert report["certificate"] is None
    assert report["matched"] == 12


@pytest.mark.usefixtures("work")
async def test_capacities_hold_and_the_sum_is_proven(
    api: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    portal = await holder(engine, R.AGENCY)
    free, _ = await ran(api, portal, enterprises=FIRMS)
    wishes = Counter(line["assigned"]["offering_id"] for line in free)
    popular, crowd = wishes.most_common(1)[0]
    assert crowd > 2, "the control: unlimited, one is given to many"
    lines, report = await ran(api, portal, enterprises=FIRMS, capacity=2, limit=2)
    loads = Counter(line["assigned"]["offering_id"] for line in lines if line["assigned"])
    assert max(loads.values()) == 2
    assert report["matched"] + sum(report["unmatched"].values()) == len(FIRMS)
    told = {each["offering_id"]: each for each in report["offerings"]}
    assert told[popular]["load"] == 2
    assert told[popular]["congestion"] > 0
    assert told[popular]["wanted"] >= crowd
    assert report["certificate"]["pairs"] >= len(FIRMS) * len(told)
    for line in lines:
        # What it was given comes first, and the line says what moved.
        if line["assigned"] and line["assigned"]["rank"] > 1:
            assert line["items"][0]["offering_id"] == line["assigned"]["offering_id"]
            assert line["items"][0]["slate"][0]["step"] == "allocation"
            break
    else:
        pytest.fail("nobody had to give way")


@pytest.mark.usefixtures("work")
async def test_floors_are_met_or_it_is_said_why_not(
    api: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    portal = await holder(engine, R.AGENCY)
    free, _ = await ran(api, portal, enterprises=FIRMS, limit=10)
    seldom = free[0]["items"][-1]["offering_id"]
    lines, report = await ran(api, portal, enterprises=FIRMS, floors={seldom: 5})
    loads = Counter(line["assigned"]["offering_id"] for line in lines if line["assigned"])
    assert loads[seldom] >= 5
    proof = report["certificate"]
    assert (proof["floors_asked"], proof["floors_filled"], proof["shortfall"]) == (5, 5, None)
    _, report = await ran(api, portal, enterprises=FIRMS[:3], floors={seldom: 5})
    short = report["certificate"]["shortfall"]
    assert short["offerings"] == [seldom]
    assert short["eligible"] < short["asked"] == 5


@pytest.mark.usefixtures("work")
async def test_files_are_tables_too(api: httpx.AsyncClient, engine: AsyncEngine) -> None:
    portal = await holder(engine, R.AGENCY)
    id_ = (await started(api, portal, enterprises=FIRMS[:4], capacity=1))["id"]
    await done(api, portal, id_)
    for what, count in (("results?format=csv", 4), ("report/table", 4)):
        answer = await api.get(f"{BATCH}/{id_}/{what}", headers=portal.headers)
        assert answer.headers["content-type"].startswith("text/csv")
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        assert len(rows) >= count
        assert all(row["offering_id"] for row in rows)


@pytest.mark.usefixtures("work")
async def test_an_agency_matches_whom_it_may_name(
    api: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    reader, operator = await agency(api, engine, NINGBO), await holder(engine, R.OPERATOR)
    here = await firm(api, engine, "share_with_agency", employees=80)
    await firm(api, engine, employees=80)
    await firm(api, engine, "share_with_agency", region="330100", employees=80)
    criteria = {"regions": ["330200"], "industries": ["C33"]}
    counted = await api.post("/v1/cohorts/count", json=criteria, headers=reader.headers)
    assert counted.status_code == 200, counted.text
    assert (counted.json()["within_reach"], counted.json()["firms"]) == (1, 1)
    assert [each["by"] for each in counted.json()["all_firms"]] == ["region", "industry"]
    of_all = (await api.post("/v1/cohorts/count", json=criteria, headers=operator.headers)).json()
    assert of_all["firms"] >= 2, "the control: others are there"
    kept = await api.post(
        "/v1/cohorts", json={"name": "Moulds", "criteria": criteria}, headers=reader.headers
    )
    lines, _ = await ran(api, reader, cohort_id=kept.json()["id"])
    assert [line["reference"] for line in lines] == [str(here.organisation_id)]
    consents = f"/v1/organisations/{here.organisation_id}/consents"
    (consent,) = (await api.get(consents, headers=here.headers)).json()["items"]
    id_ = (await api.get(BATCH, headers=reader.headers)).json()["items"][0]["id"]
    await api.post(f"/v1/consents/{consent['id']}/withdrawal", headers=here.headers)
    withdrawn = await api.get(f"{BATCH}/{id_}/results", headers=reader.headers)
    assert withdrawn.content == b"", "whoever has withdrawn is not told of any more"
    await allow(api, here, "share_with_agency")
    again = await api.get(f"{BATCH}/{id_}/results", headers=reader.headers)
    assert len(again.content.splitlines()) == 1, "the control"


async def test_a_cohort_is_its_keepers(api: httpx.AsyncClient, engine: AsyncEngine) -> None:
    portal = await holder(engine, R.AGENCY)
    wrong = {"name": "A", "criteria": {"regions": ["999999"], "industries": ["C9999"]}}
    answer = await api.post("/v1/cohorts", json=wrong, headers=portal.headers)
    assert {each["pointer"] for each in answer.json()["errors"]} == {
        "#/criteria/regions/0",
        "#/criteria/industries/0",
    }
    right = {"name": "A", "criteria": {"scales": ["small"], "regions": ["330200"]}}
    made = await api.post("/v1/cohorts", json=right, headers=portal.headers)
    path, headers = f"/v1/cohorts/{made.json()['id']}", {**portal.headers, "If-Match": '"1"'}
    changed = await api.patch(
        path,
        content=msgspec.json.encode({"criteria": {"scales": ["micro"]}}),
        headers={**headers, "Content-Type": MEDIA_TYPE},
    )
    assert changed.status_code == 200, changed.text
    criteria = changed.json()["criteria"]
    assert (criteria["scales"], criteria["regions"]) == (["micro"], None), "replaced whole"
    listed = (await api.get("/v1/cohorts", headers=portal.headers)).json()["items"]
    assert [each["id"] for each in listed] == [made.json()["id"]]


async def test_what_cannot_be_is_refused(api: httpx.AsyncClient, engine: AsyncEngine) -> None:
    portal = await holder(engine, R.AGENCY)
    twice = [{"reference": "a"}, {"reference": "a", "profile": {"industries": ["Z99"]}}]
    body = {"need": NEED, "enterprises": twice, "capacities": {"x": 1}, "floors": {"x": 2}}
    answer = await api.post(BATCH, json=body, headers=portal.headers)
    assert {(each["pointer"], each["code"]) for each in answer.json()["errors"]} == {
        ("#/enterprises/1/reference", "repeated"),
        ("#/enterprises/1/profile/industries/0", "unknown_code"),
        ("#/capacities/x", "not_published"),
        ("#/floors/x", "not_published"),
        ("#/floors/x", "above_capacity"),
    }
    both = {"need": NEED, "criteria": {}, "enterprises": []}
    for wrong in (both, {"need": NEED}):
        answer = await api.post(BATCH, json=wrong, headers=portal.headers)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_content")
    elsewhere = {"need": NEED, "cohort_id": str(uuid4())}
    answer = await api.post(BATCH, json=elsewhere, headers=portal.headers)
    assert (answer.status_code, answer.json()["code"]) == (404, "cohort_not_found")


async def test_a_batch_that_is_cancelled_leaves_nothing(
    api: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    portal = await holder(engine, R.AGENCY)
    sessions = async_sessionmaker(engine)
    async with sessions.begin() as session:
        await limit(Session(ReadSession(session)), "batch", 0)
    begun = await started(api, portal, enterprises=FIRMS[:2])
    early = await api.get(f"{BATCH}/{begun['id']}/results", headers=portal.headers)
    assert (early.status_code, early.json()["code"]) == (409, "batch_not_ready")
    path = f"/v1/jobs/{begun['job_id']}/cancellation"
    assert (await api.post(path, headers=portal.headers)).json()["state"] == "cancelled"
    assert (await done(api, portal, begun["id"]))["state"] == "cancelled"
    report = await api.get(f"{BATCH}/{begun['id']}/report", headers=portal.headers)
    assert (report.status_code, report.json()["code"]) == (409, "batch_not_ready")
    async with sessions.begin() as session:
        await limit(Session(ReadSession(session)), "batch", 64)


Told = tuple[bytes, bytes]


async def told_by(
    demo_database: Database, released: Released, limits: running.Limits | None, processes: int
) -> Told:
    """The lines and the report that so many processes make of one cohort."""
    means = batch_means(released, demo_database.settings)
    need, moment = msgspec.convert(NEED, NeedFacts), dt.datetime(2026, 11, 30, tzinfo=dt.UTC)
    asked = scoring.Asked(need=need, pools=None, limit=3, caller=Caller(), as_of=moment)
    firms = [
        Entrant(str(each["reference"]), msgspec.convert(each["profile"], ProfileFacts))
        for each in FIRMS
    ]
    of = batch_jobs.Means(means.matcher, means.where, processes)
    report, lines = await batch_jobs.done(of, asked, firms, limits, tell=_silent)
    assert len(lines.splitlines()) == len(FIRMS)
    return lines, msgspec.json.encode(report)


@pytest.mark.parametrize("limits", [None, running.Limits(2, {}, {})], ids=["free", "limited"])
async def test_the_bytes_do_not_depend_on_how_the_firms_are_shared_out(
    demo_database: Database,
    released: Released,
    limits: running.Limits | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In one shard, in two and in eight; and by two processes that share them."""
    found: set[Told] = set()
    for shards in (1, 2, 8):
        monkeypatch.setattr(running, "CHUNK", -(-len(FIRMS) // shards))
        found.add(await told_by(demo_database, released, limits, 1))
    if limits is not None:
        found.add(await told_by(demo_database, released, limits, 2))
    assert len(found) == 1


@pytest.mark.soak
async def test_nor_on_eight_processes(demo_database: Database, released: Released) -> None:
    limits = running.Limits(2, {}, {})
    one, eight = [await told_by(demo_database, released, limits, each) for each in (1, 8)]
    assert one == eight


async def _silent(*_: object) -> None:
    """Nobody polls."""


def client_in(page: str) -> dict[str, Any]:
    """What the Python of the page defines."""
    lines = page.split("## In Python")[1].split("## ", maxsplit=1)[0].splitlines()
    code = "\n".join(line[4:] for line in lines if line.startswith("    ") or not line)
    found: dict[str, Any] = {}
    exec(code.replace("time.sleep(1)", "time.sleep(0.05)"), found)  # noqa: S102  (our own page)
    return found


@pytest.mark.usefixtures("work")
async def test_the_documented_client_gets_its_lines(
    api: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    portal, loop = await holder(engine, R.AGENCY), asyncio.get_running_loop()

    async def answered(request: httpx.Request) -> httpx.Response:
        sent = {**dict(request.headers), **portal.headers}
        found = await api.request(
            request.method, request.url.raw_path.decode(), content=request.content, headers=sent
        )
        return httpx.Response(found.status_code, content=found.content, headers=found.headers)

    def carried(request: httpx.Request) -> httpx.Response:
        return asyncio.run_coroutine_threadsafe(answered(request), loop).result(60)

    page = (Path(__file__).parents[2] / "docs" / "portals.md").read_text("utf-8")
    client = httpx.Client(transport=httpx.MockTransport(carried), base_url="http://portal")
    asked = {"enterprises": FIRMS[:5], "need": NEED, "capacity": 1}
    lines, report = await asyncio.to_thread(client_in(page)["matched"], client, asked)
    assert [line["reference"] for line in lines] == [each["reference"] for each in FIRMS[:5]]
    assert report["matched"] == len({line["assigned"]["offering_id"] for line in lines}) == 5


@pytest.mark.usefixtures("work")
async def test_the_command_line_does_the_same(
    api: httpx.AsyncClient, engine: AsyncEngine, demo_database: Database, released: Released
) -> None:
    operator = await holder(engine, R.OPERATOR)
    made = [await firm(api, engine, employees=size) for size in (9, 80, 400)]
    listed = {"firms": [str(each.organisation_id) for each in made]}
    body = {"name": "Three", "criteria": listed}
    kept = await api.post("/v1/cohorts", json=body, headers=operator.headers)
    lines, report = await ran(api, operator, cohort_id=kept.json()["id"], capacity=1)
    assert len(lines) == 3
    request = msgspec.convert(
        {"cohort_id": kept.json()["id"], "need": NEED, "capacity": 1}, BatchRequest
    )
    means = batch_means(released, demo_database.settings)
    told, content = await run_batch(demo_database, means, request)
    again = [msgspec.json.decode(line) for line in content.splitlines()]
    # As of another moment, and so with other receipts.
    assert [{**line, "digest": ""} for line in again] == [{**line, "digest": ""} for line in lines]
    assert msgspec.to_builtins(told) == report


def test_the_city_of_the_demo_is_crowded_before_and_not_after(
    demo_database: Database, released: Released
) -> None:
    assert len(city.firms()) == len({each.reference for each in city.firms()}) == city.FIRMS
    means = batch_means(released, demo_database.settings)
    console = Console(file=io.StringIO(), width=100)
    city.tell(Page(console, "en"), means, 18)
    assert isinstance(console.file, io.StringIO)
    told = " ".join(console.file.getvalue().split())
    most = [int(found) for found in re.findall(r"with (?:more than )?(\d+) firms", told)]
    assert most[0] > city.CAPACITY >= most[1]
    assert told.count(f"{city.FIRMS} are matched") == 2
