"""Feedback and judgements over HTTP: who says them, of what, and that nobody judges itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.contract.calling import code
from tests.contract.match_calls import NEED
from tests.identities import Holder, another_key, holder

from matchmaker.cli.session import Database
from matchmaker.core import db
from matchmaker.identity.access import scopes_of
from matchmaker.identity.models import OrganisationId, OrganisationRole
from matchmaker.matching.feedback.models import Reason
from matchmaker.ranking import features

Json = dict[str, Any]
R = OrganisationRole


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def writing(demo_database: Database) -> AsyncIterator[AsyncEngine]:
    made = db.create_engine(demo_database.url, demo_database.settings, acting=db.INSTALLATION)
    yield made
    await made.dispose()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def firm(writing: AsyncEngine) -> Holder:
    return await holder(writing, R.SME)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def operator(writing: AsyncEngine) -> Holder:
    return await holder(writing, R.OPERATOR)


async def run_of(demo: httpx.AsyncClient, who: Holder) -> Json:
    body = {"need": NEED, "persist": True}
    answer = await demo.post("/v1/match", json=body, headers=who.headers)
    assert answer.is_success, answer.text
    found: Json = answer.json()
    return found


async def say(
    demo: httpx.AsyncClient,
    who: Holder,
    run: Json,
    *,
    place: int = 0,
    acting_for: Holder | None = None,
    **said: object,
) -> httpx.Response:
    """What is answered to ``who`` says of the offering that ``run`` showed at ``place``."""
    named = {} if acting_for is None else {"Matchmaker-For": str(acting_for.organisation_id)}
    about = {"run_id": run["run_id"], "offering_id": run["items"][place]["offering_id"]}
    path = "/v1/judgements" if "grade" in said else "/v1/feedback"
    return await demo.post(path, json={**about, **said}, headers={**who.headers, **named})


async def of_provider(engine: AsyncEngine, firm: Holder, run: Json) -> Holder:
    """Whoever provides what the run showed first, with a key of its own."""
    provider = OrganisationId(UUID(run["items"][0]["provider"]["id"]))
    known = replace(firm, organisation_id=provider)
    return await another_key(engine, known, scopes_of((R.PROVIDER,)))


def test_a_reason_is_a_feature_that_speaks_against_the_offering() -> None:
    assert {reason.value for reason in Reason} == {*features.BY_NAME, "other"}


class TestFeedback:
    async def test_the_impression_is_the_runs(self, demo: httpx.AsyncClient, firm: Holder) -> None:
        run = await run_of(demo, firm)
        item = run["items"][2]
        said = await say(demo, firm, run, place=2, action="contacted")
        assert said.status_code == 201
        assert said.json()["impression"] == {
            "rank": 3,
            "version": item["version"],
            "package": item["package"],
            "model": run["versions"]["model"],
            "propensity": 1.0,
        }
        forged = await say(demo, firm, run, place=2, action="opened", rank=1)
        assert code(forged)[0] == 422

    async def test_said_again_it_is_what_was_said_first(
        self, demo: httpx.AsyncClient, firm: Holder, writing: AsyncEngine
    ) -> None:
        run = await run_of(demo, firm)
        first = await say(demo, firm, run, action="dismissed", reason="price")
        again = await say(demo, firm, run, action="dismissed", reason="other")
        assert again.json() == first.json()
        async with writing.connect() as connection:
            told = await connection.execute(
                text("select kind, data from mm.event where subject_id = :id order by position"),
                {"id": UUID(run["run_id"])},
            )
            about = {"offering_id": run["items"][0]["offering_id"], "rank": 1}
            assert told.all() == [
                ("match_run.stored", {**told_of(run)}),
                ("feedback.given", {**about, "action": "dismissed", "reason": "price"}),
            ]

    @pytest.mark.parametrize(
        "said", [{"action": "dismissed"}, {"action": "opened", "reason": "price"}]
    )
    async def test_a_reason_goes_with_a_dismissal(
        self, demo: httpx.AsyncClient, firm: Holder, said: Json
    ) -> None:
        answer = await say(demo, firm, await run_of(demo, firm), **said)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == "#/reason"

    async def test_only_what_was_shown(self, demo: httpx.AsyncClient, firm: Holder) -> None:
        run = await run_of(demo, firm)
        answer = await say(demo, firm, run, action="opened", offering_id=str(uuid4()))
        assert code(answer) == (422, "not_in_run")

    async def test_nobody_but_whose_run_it_is(
        self, demo: httpx.AsyncClient, firm: Holder, operator: Holder, writing: AsyncEngine
    ) -> None:
        run = await run_of(demo, firm)
        for other in (operator, await holder(writing, R.SME)):
            assert code(await say(demo, other, run, action="opened")) == (
                404,
                "match_run_not_found",
            )


class TestSelf:
    """A provider is never the judge of its own offering."""

    async def test_a_provider_says_nothing_of_its_own_offering(
        self, demo: httpx.AsyncClient, firm: Holder, writing: AsyncEngine
    ) -> None:
        provider = await of_provider(writing, firm, await run_of(demo, firm))
        run = await run_of(demo, provider)
        own = [item["provider"]["id"] == str(provider.organisation_id) for item in run["items"]]
        assert any(own)
        for action in ("opened", "contracted"):
            refused = await say(demo, provider, run, place=own.index(True), action=action)
            assert code(refused) == (403, "own_offering")
        others = await say(demo, provider, run, place=own.index(False), action="opened")
        assert others.status_code == 201

    async def test_nor_in_the_name_of_a_firm_that_it_advises(
        self, demo: httpx.AsyncClient, firm: Holder, writing: AsyncEngine
    ) -> None:
        run = await run_of(demo, firm)
        adviser = await of_provider(writing, firm, run)
        given = await demo.post(
            f"/v1/organisations/{firm.organisation_id}/delegations",
            json={
                "adviser_id": str(adviser.organisation_id),
                "scopes": ["match:run", "match:read"],
                "ends_at": "2199-01-01T00:00:00Z",
            },
            headers=firm.headers,
        )
        assert given.status_code == 201, given.text
        refused = await say(demo, adviser, run, acting_for=firm, action="contracted")
        assert code(refused) == (403, "own_offering")
        names = [item["provider"]["id"] for item in run["items"]]
        other = next(place for place, name in enumerate(names) if name != names[0])
        said = await say(demo, adviser, run, place=other, acting_for=firm, action="opened")
        assert said.status_code == 201

    async def test_the_database_refuses_it_too(
        self, demo: httpx.AsyncClient, firm: Holder, writing: AsyncEngine
    ) -> None:
        run = await run_of(demo, firm)
        values = {
            "id": uuid4(),
            "run": UUID(run["run_id"]),
            "offering": UUID(run["items"][0]["offering_id"]),
            "firm": firm.organisation_id,
            "provider": UUID(run["items"][0]["provider"]["id"]),
        }
        insert = (
            "insert into mm.feedback"
            " (id, organisation_id, said_by, run_id, offering_id, provider_id, action)"
            " values (:id, :firm, :{by}, :run, :offering, :provider, 'opened')"
        )
        with pytest.raises(DBAPIError, match="not_of_its_own_offering"):
            async with writing.begin() as connection:
                await connection.execute(text(insert.replace("{by}", "provider")), values)
        async with writing.begin() as connection:
            await connection.execute(text(insert.replace("{by}", "firm")), values)


class TestJudgements:
    async def test_an_operator_judges_and_the_latest_counts_with_its_impression(
        self, demo: httpx.AsyncClient, firm: Holder, operator: Holder, writing: AsyncEngine
    ) -> None:
        run = await run_of(demo, firm)
        for grade in (4, 2):
            answer = await say(demo, operator, run, place=1, grade=grade)
            assert answer.status_code == 201, answer.text
            assert answer.json()["impression"]["rank"] == 2
        async with writing.connect() as connection:
            grades = await connection.scalars(
                text("select grade from mm.judgement where run_id = :id order by id"),
                {"id": UUID(run["run_id"])},
            )
            assert grades.all() == [4, 2]

    async def test_firms_do_not_judge_and_agencies_judge_their_own_runs(
        self, demo: httpx.AsyncClient, firm: Holder, writing: AsyncEngine
    ) -> None:
        run, agency = await run_of(demo, firm), await holder(writing, R.AGENCY)
        assert code(await say(demo, firm, run, grade=4)) == (403, "role_missing")
        assert code(await say(demo, agency, run, grade=4)) == (404, "match_run_not_found")
        own = await run_of(demo, agency)
        assert (await say(demo, agency, own, grade=4)).status_code == 201
        assert code(await say(demo, agency, own, grade=5))[0] == 422


def told_of(run: Json) -> Json:
    return {
        "digest": run["receipt"]["digest"],
        "need_id": None,
        "shown": run["funnel"]["shown"],
    }
