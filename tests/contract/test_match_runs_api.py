"""Stored matches and shortlists over HTTP, on the demo pool."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import msgspec
import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.conftest import client_of
from tests.contract.match_calls import NEED, PROFILE
from tests.factories import SEEDS
from tests.identities import Holder, another_key, holder

from matchmaker.app import installed
from matchmaker.cli import pool
from matchmaker.cli.session import Database
from matchmaker.core import db
from matchmaker.core.canonical import encode
from matchmaker.identity.access import Scope
from matchmaker.identity.models import OrganisationRole
from matchmaker.matching.registry import CARD
from matchmaker.released import Released

Json = dict[str, Any]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def app_engine(demo_database: Database) -> AsyncIterator[AsyncEngine]:
    made = db.create_engine(demo_database.url, demo_database.settings, acting=db.INSTALLATION)
    yield made
    await made.dispose()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def firm(app_engine: AsyncEngine) -> Holder:
    return await holder(app_engine)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stranger(app_engine: AsyncEngine) -> Holder:
    return await holder(app_engine)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def operator(app_engine: AsyncEngine) -> Holder:
    return await holder(app_engine, OrganisationRole.OPERATOR)


async def stated(demo: httpx.AsyncClient, firm: Holder) -> str:
    """The id of a need of the firm, which has stated its profile."""
    path = f"/v1/profiles/{firm.organisation_id}"
    there = await demo.get(path, headers=firm.headers)
    tag = {"If-Match": there.headers["etag"]} if there.status_code == 200 else {}
    told = await demo.put(path, json=PROFILE, headers={**firm.headers, **tag})
    assert told.status_code in {200, 201}, told.text
    made = await demo.post("/v1/needs", json=NEED, headers=firm.headers)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


async def run_of(demo: httpx.AsyncClient, firm: Holder, **body: object) -> Json:
    need_id = await stated(demo, firm)
    answer = await demo.post(f"/v1/needs/{need_id}/matches", json=body, headers=firm.headers)
    assert answer.status_code == 201, answer.text
    found: Json = answer.json()
    return {**found, "need_id": need_id}


class TestStoring:
    async def test_a_need_is_matched_with_the_profile_of_its_firm(
        self, demo: httpx.AsyncClient, firm: Holder
    ) -> None:
        run = await run_of(demo, firm)
        inline = await demo.post(
            "/v1/match", json={"need": NEED, "profile": PROFILE}, headers=firm.headers
        )
        for name in ("items", "funnel", "questions", "rules", "versions"):
            assert run[name] == inline.json()[name]
        assert run["run_id"] is not None
        assert inline.json()["run_id"] is None

    async def test_a_stored_run_is_read_as_it_was_answered_in_either_language(
        self, demo: httpx.AsyncClient, firm: Holder
    ) -> None:
        run = await run_of(demo, firm, limit=3)
        path = f"/v1/match-runs/{run['run_id']}"
        english = (await demo.get(path, headers=firm.headers)).json()
        chinese = (await demo.get(path, headers={**firm.headers, "Accept-Language": "zh"})).json()
        assert english["answer"] == {
            name: value for name, value in {**run, "timings_ms": {}}.items() if name != "need_id"
        }
        assert (english["need_version"], english["profile_version"]) == (1, 1)
        assert chinese["answer"]["receipt"] == english["answer"]["receipt"]
        titles = [item["title"] for item in chinese["answer"]["items"]]
        assert titles != [item["title"] for item in run["items"]]

    async def test_the_digest_is_that_of_the_stored_body(
        self, demo: httpx.AsyncClient, firm: Holder, app_engine: AsyncEngine
    ) -> None:
        run = await run_of(demo, firm)
        async with app_engine.connect() as connection:
            body, shown = (
                await connection.execute(
                    text(
                        "select body, (select count(*) from mm.match where run_id = r.id)"
                        " from mm.match_run r where id = :id"
                    ),
                    {"id": run["run_id"]},
                )
            ).one()
        assert run["receipt"]["digest"] == f"sha256:{hashlib.sha256(encode(body)).hexdigest()}"
        assert shown == len(run["items"]) == run["funnel"]["shown"]

    async def test_an_inline_match_is_stored_when_asked(
        self, demo: httpx.AsyncClient, firm: Holder
    ) -> None:
        body = {"need": NEED, "profile": PROFILE, "persist": True}
        stored = await demo.post("/v1/match", json=body, headers=firm.headers)
        assert stored.status_code == 200
        read = await demo.get(f"/v1/match-runs/{stored.json()['run_id']}", headers=firm.headers)
        assert read.json()["need_id"] is None
        assert read.json()["answer"]["items"] == stored.json()["items"]

    async def test_stored_things_are_matched_by_id(
        self, demo: httpx.AsyncClient, firm: Holder
    ) -> None:
        need_id = await stated(demo, firm)
        body = {"need_id": need_id, "profile_id": str(firm.organisation_id)}
        by_id = await demo.post("/v1/match", json=body, headers=firm.headers)
        inline = await demo.post("/v1/match", json={"need": NEED, "profile": PROFILE})
        assert by_id.json()["items"] == inline.json()["items"]

    async def test_a_later_version_leaves_the_run_as_it_was(
        self, demo: httpx.AsyncClient, firm: Holder
    ) -> None:
        run = await run_of(demo, firm)
        path = f"/v1/needs/{run['need_id']}"
        tag = (await demo.get(path, headers=firm.headers)).headers["etag"]
        headers = {
            **firm.headers,
            "If-Match": tag,
            "Content-Type": "application/merge-patch+json",
        }
        changed = await demo.patch(path, content=b'{"scenes": ["process_design"]}', headers=headers)
        assert changed.status_code == 200, changed.text
        again = await demo.post(f"{path}/matches", json={}, headers=firm.headers)
        first, second = [
            (await demo.get(f"/v1/match-runs/{id_}", headers=firm.headers)).json()
            for id_ in (run["run_id"], again.json()["run_id"])
        ]
        assert (first["need_version"], second["need_version"]) == (1, 2)
        assert first["answer"]["items"] == run["items"]

    async def test_a_need_that_has_ended_is_matched_no_more(
        self, demo: httpx.AsyncClient, firm: Holder
    ) -> None:
        need_id = await stated(demo, firm)
        moved = await demo.post(
            f"/v1/needs/{need_id}/transitions",
            json={"transition": "withdraw"},
            headers=firm.headers,
        )
        assert moved.status_code == 200
        named = {"need_id": need_id}
        for path, body in (
            (f"/v1/needs/{need_id}/matches", {}),
            ("/v1/match", named),
            ("/v1/match", {**named, "persist": True}),
            ("/v1/match/explain", {**named, "offering_id": "x"}),
        ):
            answer = await demo.post(path, json=body, headers=firm.headers)
            assert (answer.status_code, answer.json()["code"]) == (409, "need_closed"), path
            assert answer.json()["state"] == "withdrawn"


class TestJointNeeds:
    async def test_a_firm_that_shares_a_need_matches_it_for_itself(
        self, demo: httpx.AsyncClient, firm: Holder, app_engine: AsyncEngine
    ) -> None:
        """With its own profile: what the other firm states of itself shapes nothing it is told."""
        partner = await holder(app_engine)
        need_id = await stated(demo, firm)
        place = f"/v1/needs/{need_id}/members/{partner.organisation_id}"
        asked = await demo.put(place, headers=firm.headers)
        assert asked.status_code in {200, 201}, asked.text
        joined = await demo.post(
            f"{place}/transitions", json={"transition": "accept"}, headers=partner.headers
        )
        assert joined.status_code == 200, joined.text
        path = f"/v1/needs/{need_id}/matches"
        theirs = await demo.post(path, json={}, headers=partner.headers)
        inline = await demo.post("/v1/match", json={"need": NEED}, headers=partner.headers)
        assert theirs.json()["items"] == inline.json()["items"]
        run = f"/v1/match-runs/{theirs.json()['run_id']}"
        assert (await demo.get(run, headers=partner.headers)).json()["profile_version"] is None
        assert (await demo.get(run, headers=firm.headers)).status_code == 404


class TestWhoMay:
    @pytest.mark.parametrize(
        "body",
        [
            {"need": NEED, "persist": True},
            {"need_id": str(uuid4())},
            {"need": NEED, "profile_id": str(uuid4())},
        ],
    )
    @pytest.mark.parametrize("path", ["/v1/match", "/v1/match/explain"])
    async def test_an_anonymous_caller_stores_nothing_and_names_nothing_stored(
        self, demo: httpx.AsyncClient, path: str, body: Json
    ) -> None:
        more = {"offering_id": "x"} if path.endswith("explain") else {}
        answer = await demo.post(path, json={**body, **more})
        assert (answer.status_code, answer.json()["code"]) == (401, "storing_needs_account")

    async def test_a_key_without_the_scope_is_refused(
        self, demo: httpx.AsyncClient, app_engine: AsyncEngine
    ) -> None:
        reader = await holder(app_engine, scopes=frozenset({Scope.MATCH_READ}))
        answer = await demo.post(
            "/v1/match", json={"need": NEED, "persist": True}, headers=reader.headers
        )
        assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")

    async def test_somebody_elses_run_answers_like_a_missing_one(
        self, demo: httpx.AsyncClient, firm: Holder, stranger: Holder
    ) -> None:
        run = await run_of(demo, firm)
        shown = run["items"][0]["offering_id"]
        for path in ("/v1/match-runs/{}", f"/v1/match-runs/{{}}/explain/{shown}"):
            theirs, missing = [
                await demo.get(path.format(id_), headers=stranger.headers)
                for id_ in (run["run_id"], uuid4())
            ]
            assert theirs.status_code == missing.status_code == 404
            assert without_instance(theirs) == without_instance(missing)
        listed = await demo.get("/v1/match-runs", headers=stranger.headers)
        assert run["run_id"] not in {item["id"] for item in listed.json()["items"]}

    async def test_somebody_elses_need_and_profile_answer_like_missing_ones(
        self, demo: httpx.AsyncClient, firm: Holder, stranger: Holder
    ) -> None:
        need_id = await stated(demo, firm)
        there, missing = [
            await demo.post(f"/v1/needs/{id_}/matches", json={}, headers=stranger.headers)
            for id_ in (need_id, uuid4())
        ]
        assert there.status_code == missing.status_code == 404
        assert without_instance(there) == without_instance(missing)
        there, missing = [
            await demo.post(
                "/v1/match",
                json={"need": NEED, "profile_id": str(id_)},
                headers=stranger.headers,
            )
            for id_ in (firm.organisation_id, uuid4())
        ]
        assert there.status_code == missing.status_code == 404
        assert without_instance(there) == without_instance(missing)

    async def test_an_operator_reads_what_it_asked_for_and_what_others_did(
        self, demo: httpx.AsyncClient, firm: Holder, operator: Holder
    ) -> None:
        run = await run_of(demo, firm)
        path = f"/v1/match-runs/{run['run_id']}"
        assert (await demo.get(path, headers=operator.headers)).status_code == 200
        theirs = await demo.post(
            f"/v1/needs/{run['need_id']}/matches", json={}, headers=operator.headers
        )
        path = f"/v1/match-runs/{theirs.json()['run_id']}"
        seen = await demo.get(path, headers=firm.headers)
        assert seen.json()["organisation_id"] == str(firm.organisation_id)

    async def test_who_was_an_operator_reads_no_more_what_it_asked_for_as_one(
        self, demo: httpx.AsyncClient, firm: Holder, app_engine: AsyncEngine
    ) -> None:
        need_id = await stated(demo, firm)
        once = await holder(app_engine, OrganisationRole.OPERATOR)
        asked = await demo.post(f"/v1/needs/{need_id}/matches", json={}, headers=once.headers)
        path = f"/v1/match-runs/{asked.json()['run_id']}"
        listed = await demo.get("/v1/match-runs", headers=once.headers)
        assert [item["id"] for item in listed.json()["items"]] == [asked.json()["run_id"]]
        async with app_engine.begin() as connection:
            await connection.execute(
                text("update mm.organisation set roles = '{sme}' where id = :id"),
                {"id": once.organisation_id},
            )
        # A key of its own: what is known of the other may be two seconds old.
        now = await another_key(app_engine, once, frozenset({Scope.MATCH_READ}))
        assert (await demo.get(path, headers=now.headers)).status_code == 404
        listed = await demo.get("/v1/match-runs", headers=now.headers)
        assert listed.json()["items"] == []

    async def test_the_list_goes_on_where_it_stopped(
        self, demo: httpx.AsyncClient, app_engine: AsyncEngine
    ) -> None:
        caller = await holder(app_engine)
        made = []
        for _ in range(3):
            body = {"need": NEED, "persist": True}
            stored = await demo.post("/v1/match", json=body, headers=caller.headers)
            made.append(stored.json()["run_id"])
        found: list[str] = []
        cursor: dict[str, str | None] = {}
        for _ in range(3):
            page = (
                await demo.get(
                    "/v1/match-runs", params={"limit": 1, **cursor}, headers=caller.headers
                )
            ).json()
            found += [item["id"] for item in page["items"]]
            cursor = {"cursor": page["page"]["next"]}
        assert found == made
        assert cursor == {"cursor": None}


class TestExplaining:
    async def test_every_considered_offering_of_a_run_is_explained_as_it_stood(
        self, demo: httpx.AsyncClient, firm: Holder
    ) -> None:
        run = await run_of(demo, firm, limit=2)
        standings: dict[str, int] = {}
        listed = (await demo.get("/v1/offerings?kind=solution&limit=100")).json()["items"]
        for offering in listed:
            path = f"/v1/match-runs/{run['run_id']}/explain/{offering['id']}"
            told = await demo.get(path, headers=firm.headers)
            assert told.status_code in {200, 404}
            name = told.json().get("standing", "not considered")
            standings[name] = standings.get(name, 0) + 1
            if name == "shown":
                assert told.json()["item"] in run["items"]
        assert standings["shown"] == 2
        assert standings["below_cut"] > 0
        assert standings["excluded"] > 0

    async def test_what_was_shown_is_told_at_once_and_the_rest_when_its_index_is_back(
        self, demo: httpx.AsyncClient, firm: Holder, demo_database: Database, tmp_path: Path
    ) -> None:
        """A later release with another card: the run is explained by the card of its time."""
        run = await run_of(demo, firm, limit=1)
        path = f"/v1/match-runs/{run['run_id']}/explain"
        shown = run["items"][0]["offering_id"]
        listed = (await demo.get("/v1/offerings?kind=solution&limit=100")).json()["items"]
        before = {
            item["id"]: await demo.get(f"{path}/{item['id']}", headers=firm.headers)
            for item in listed
        }
        place = demo_database.settings.data_directory / "elsewhere"
        settings = msgspec.structs.replace(demo_database.settings, data=str(place))
        later, moved_on = (
            Released(another_card(tmp_path)),
            Database(demo_database.url, settings),
        )
        await pool.publish_index(moved_on, later)
        engine = db.create_engine(demo_database.url, settings, acting=db.INSTALLATION)
        async with client_of(installed(settings, engine, later)) as moved:
            told = await moved.get(f"{path}/{shown}", headers=firm.headers)
            assert told.json() == before[shown].json()
            first = next(id_ for id_ in before if id_ != shown)
            awaited = await moved.get(f"{path}/{first}", headers=firm.headers)
            assert (awaited.status_code, awaited.content) == (202, b"")
            assert int(awaited.headers["retry-after"]) > 0
            assert await pool.rebuild_wanted(moved_on, later) == 1
            for id_, then in before.items():
                now = await moved.get(f"{path}/{id_}", headers=firm.headers)
                assert now.status_code == then.status_code
                if now.status_code == 200:
                    assert now.json() == then.json()
        await engine.dispose()


def another_card(place: Path) -> Path:
    """The released seeds below ``place`` with a card that lets the price weigh twice as much."""
    seeds = place / "seeds"
    shutil.copytree(SEEDS, seeds)
    card = seeds / CARD
    before = card.read_text()
    after = before.replace("price: {weight: 1000000", "price: {weight: 2000000")
    assert after != before
    card.write_text(after)
    return seeds


class TestImmutability:
    @pytest.mark.parametrize(
        "statement",
        [
            "update mm.match_run set digest = digest",
            "delete from mm.match_run",
            "update mm.match set score = score + 1",
            "delete from mm.match",
        ],
    )
    async def test_nobody_changes_what_was_answered(
        self, demo: httpx.AsyncClient, firm: Holder, app_engine: AsyncEngine, statement: str
    ) -> None:
        await run_of(demo, firm)
        with pytest.raises(DBAPIError, match=r"permission denied|refused"):
            async with app_engine.begin() as connection:
                await connection.execute(text(statement))


class TestShortlists:
    async def made(self, demo: httpx.AsyncClient, firm: Holder, count: int = 3) -> httpx.Response:
        run = await run_of(demo, firm)
        entries = [
            {"offering_id": item["offering_id"], "note": None} for item in run["items"][:count]
        ]
        body = {"run_id": run["run_id"], "title": "Quality", "entries": entries}
        answer = await demo.post("/v1/shortlists", json=body, headers=firm.headers)
        assert answer.status_code == 201, answer.text
        return answer

    async def move(
        self, demo: httpx.AsyncClient, firm: Holder, id_: str, name: str, **more: str
    ) -> httpx.Response:
        return await demo.post(
            f"/v1/shortlists/{id_}/transitions",
            json={"transition": name, **more},
            headers=firm.headers,
        )

    async def patch(
        self, demo: httpx.AsyncClient, firm: Holder, id_: str, tag: str, body: bytes
    ) -> httpx.Response:
        headers = {"If-Match": tag, "Content-Type": "application/merge-patch+json"}
        return await demo.patch(
            f"/v1/shortlists/{id_}", content=body, headers={**firm.headers, **headers}
        )

    async def test_it_holds_what_the_run_showed(
        self, demo: httpx.AsyncClient, firm: Holder
    ) -> None:
        found = (await self.made(demo, firm)).json()
        run = (await demo.get(f"/v1/match-runs/{found['run_id']}", headers=firm.headers)).json()[
            "answer"
        ]
        for entry, item in zip(found["entries"], run["items"], strict=False):
            for name in ("offering_id", "version", "package", "rank", "score", "fit"):
                assert entry[name] == item[name]
            assert entry["current_version"] == entry["version"]

    async def test_who_has_it_is_told_when_a_provider_changes_what_it_holds(
        self, demo: httpx.AsyncClient, firm: Holder, app_engine: AsyncEngine
    ) -> None:
        made = await self.made(demo, firm)
        path, entry = f"/v1/shortlists/{made.json()['id']}", made.json()["entries"][0]
        known = {**firm.headers, "If-None-Match": made.headers["etag"]}
        assert (await demo.get(path, headers=known)).status_code == 304
        move = text("update mm.offering set state = :state where id = :id")
        told = []
        for state in ("paused", "published"):
            async with app_engine.begin() as connection:
                await connection.execute(move, {"state": state, "id": UUID(entry["offering_id"])})
            told.append(await demo.get(path, headers=known))
        assert told[0].json()["entries"][0]["current_version"] is None
        assert told[1].status_code == 304

    async def test_it_is_frozen_and_stays(
        self, demo: httpx.AsyncClient, firm: Holder, app_engine: AsyncEngine
    ) -> None:
        answer = await self.made(demo, firm)
        id_, tag = answer.json()["id"], answer.headers["etag"]
        fewer = [{"offering_id": answer.json()["entries"][1]["offering_id"], "note": "二"}]
        body = httpx.Request("PATCH", "http://x", json={"entries": fewer}).content
        changed = await self.patch(demo, firm, id_, tag, body)
        assert [entry["note"] for entry in changed.json()["entries"]] == ["二"]
        stale = await self.patch(demo, firm, id_, tag, body)
        assert (stale.status_code, stale.json()["code"]) == (412, "stale_version")
        frozen = await self.move(demo, firm, id_, "freeze", note="for the board")
        assert frozen.json()["state"] == "frozen"
        late = await self.patch(demo, firm, id_, frozen.headers["etag"], b'{"title": null}')
        assert (late.status_code, late.json()["code"]) == (409, "shortlist_closed")
        read = await demo.get(f"/v1/shortlists/{id_}", headers=firm.headers)
        assert read.json()["note"] == "for the board"
        with pytest.raises(DBAPIError, match="closed"):
            async with app_engine.begin() as connection:
                await connection.execute(
                    text("delete from mm.shortlist_entry where shortlist_id = :id"), {"id": id_}
                )

    async def test_an_empty_one_cannot_be_frozen_and_says_why(
        self, demo: httpx.AsyncClient, firm: Holder
    ) -> None:
        id_ = (await self.made(demo, firm, 0)).json()["id"]
        path = f"/v1/shortlists/{id_}/transitions"
        told = await demo.get(path, headers={**firm.headers, "Accept-Language": "zh"})
        by_name = {step["name"]: step for step in told.json()["transitions"]}
        assert not by_name["freeze"]["possible"]
        assert by_name["freeze"]["why_not"] == [{"code": "empty", "message": "清单为空"}]
        assert by_name["discard"]["possible"]
        refused = await self.move(demo, firm, id_, "freeze")
        assert (refused.status_code, refused.json()["code"]) == (409, "transition_hindered")

    async def test_what_the_run_did_not_show_is_refused(
        self, demo: httpx.AsyncClient, firm: Holder
    ) -> None:
        run = await run_of(demo, firm)
        first = run["items"][0]["offering_id"]
        entries = [{"offering_id": id_} for id_ in (first, str(uuid4()), first)]
        body = {"run_id": run["run_id"], "entries": entries}
        answer = await demo.post("/v1/shortlists", json=body, headers=firm.headers)
        assert (answer.status_code, answer.json()["code"]) == (422, "not_in_run")
        assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [
            ("#/entries/1/offering_id", "not_shown"),
            ("#/entries/2/offering_id", "repeated"),
        ]

    async def test_somebody_elses_answers_like_a_missing_one(
        self, demo: httpx.AsyncClient, firm: Holder, stranger: Holder
    ) -> None:
        made = (await self.made(demo, firm)).json()
        for path in ("/v1/shortlists/{}", "/v1/shortlists/{}/transitions"):
            theirs, missing = [
                await demo.get(path.format(id_), headers=stranger.headers)
                for id_ in (made["id"], uuid4())
            ]
            assert theirs.status_code == missing.status_code == 404
            assert without_instance(theirs) == without_instance(missing)
        body = {"run_id": made["run_id"], "entries": []}
        answer = await demo.post("/v1/shortlists", json=body, headers=stranger.headers)
        assert answer.json()["code"] == "match_run_not_found"

    async def test_of_many_who_freeze_one_wins(self, demo: httpx.AsyncClient, firm: Holder) -> None:
        id_ = (await self.made(demo, firm)).json()["id"]
        answers = await asyncio.gather(*(self.move(demo, firm, id_, "freeze") for _ in range(6)))
        assert sorted(answer.status_code for answer in answers) == [200, *[409] * 5]
        states = {a.json()["state"] for a in answers}
        assert states == {"frozen"}

    async def test_the_trail_tells_all_of_it(
        self, demo: httpx.AsyncClient, firm: Holder, app_engine: AsyncEngine
    ) -> None:
        id_ = (await self.made(demo, firm)).json()["id"]
        await self.move(demo, firm, id_, "freeze")
        await self.move(demo, firm, id_, "discard")
        async with app_engine.connect() as connection:
            kinds = await connection.scalars(
                text("select kind from mm.event where subject_id = :id order by position"),
                {"id": id_},
            )
            assert list(kinds) == [
                "shortlist.created",
                "shortlist.frozen",
                "shortlist.discarded",
            ]


def without_instance(answer: httpx.Response) -> Json:
    return {name: value for name, value in answer.json().items() if name != "instance"}
