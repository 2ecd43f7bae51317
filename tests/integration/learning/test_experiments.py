"""Two models compared on stored matches: merged or halved, replayed, counted, ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import msgspec
import pytest
import pytest_asyncio
from sqlalchemy import text
from tests import learned
from tests.conftest import client_of
from tests.contract.conftest import stocked
from tests.identities import holder
from tests.said import WANTED, Market, request, worth

from matchmaker.app import installed
from matchmaker.cli import learning, pool
from matchmaker.core import db
from matchmaker.core.events import CLI
from matchmaker.core.transitions import (
    IllegalTransition,
    TransitionHindered,
    TransitionRequest,
)
from matchmaker.core.wire import InvalidContent
from matchmaker.identity.access import Principal, scopes_of
from matchmaker.identity.models import OrganisationRole, OrganisationState
from matchmaker.matching import replays, runs, schemas
from matchmaker.matching import service as matching
from matchmaker.matching.archive import Archive
from matchmaker.matching.controllers import _stored
from matchmaker.matching.experiments import queries, service
from matchmaker.matching.experiments.machine import Design, ExperimentState
from matchmaker.matching.experiments.models import Experiment, Measure
from matchmaker.matching.experiments.results import results_of
from matchmaker.matching.experiments.schemas import ExperimentDraft, Results
from matchmaker.matching.feedback import schemas as said
from matchmaker.matching.feedback import service as feedback
from matchmaker.matching.feedback.models import Action
from matchmaker.matching.learned import queries as learned_queries
from matchmaker.matching.learned import service as registry
from matchmaker.matching.learned.machine import MODEL
from matchmaker.matching.learned.models import LearnedModel, ModelId
from matchmaker.matching.library import Library
from matchmaker.matching.matcher import Matcher
from matchmaker.matching.models import RunId
from matchmaker.matching.queries import find_run
from matchmaker.matching.query import Caller
from matchmaker.ranking.slate import Curation, Pin
from matchmaker.released import Released

FIRMS = 22


@dataclass(frozen=True)
class Lab:
    """A market whose operator may compare two models."""

    market: Market
    released: Released
    operator: Principal
    model: LearnedModel

    @property
    def matcher(self) -> Matcher:
        return replace(self.market.matcher, is_trying=True)

    async def drafted(
        self,
        design: Design,
        *,
        a: ModelId | None = None,
        b: ModelId | None = None,
        measure: Measure = Measure.CONTACTED,
    ) -> Experiment:
        draft = ExperimentDraft(
            name=design.value, design=design, a_id=a, b_id=b or self.model.id, measure=measure
        )
        async with self.market.running.transaction() as session:
            rules = self.released.experiment_rules
            return await service.create(session, draft, rules, self.operator)

    async def step(self, of: Experiment, name: str, matcher: Matcher | None = None) -> Experiment:
        asked, used = TransitionRequest(transition=name), matcher or self.matcher
        async with self.market.running.transaction() as session:
            moved = await service.take_step(session, of.id, asked, self.operator, matcher=used)
        await pool.place_models(self.market.running)
        return moved

    async def read(self, of: Experiment) -> tuple[Experiment, Results]:
        async with self.market.running.transaction() as session:
            found = await service.find(session, of.id)
            return found, results_of(found, await queries.counts(session, of.id))

    async def match(self, firm: Principal, number: int) -> RunId:
        async with self.market.running.transaction() as session:
            asked = runs.Asked(request(number))
            made = await _stored(session, self.matcher, asked, principal=firm, language="en")
        assert made.run_id is not None
        return RunId(UUID(made.run_id))

    async def body(self, run_id: RunId) -> Mapping[str, Any]:
        async with self.market.running.transaction() as session:
            found = await find_run(session, run_id)
            assert found is not None
            return found.run.body

    async def replayed(self, run_id: RunId) -> schemas.Replay:
        library = Library(self.market.matcher, Archive(self.market.running.settings.index_folder))
        async with self.market.running.transaction() as session:
            found = await find_run(session, run_id)
            assert found is not None
            replay = await replays.replay_stored(library, found)
        assert replay is not None
        return replay

    async def say(self, firm: Principal, run_id: RunId, offering: str) -> None:
        draft = said.FeedbackDraft(
            run_id=run_id, offering_id=UUID(offering), action=Action.CONTACTED
        )
        async with self.market.running.transaction() as session:
            await feedback.say(session, draft, firm)

    async def live(self, firms: Sequence[Principal]) -> list[RunId]:
        """Each firm matches a need and contacts what is truly best of the first five shown."""
        made = []
        for number, firm in enumerate(firms):
            run_id = await self.match(firm, number)
            items = (await self.body(run_id))["items"][:5]
            best = max(items, key=lambda item: worth(item["steps"]))
            await self.say(firm, run_id, best["offering_id"])
            made.append(run_id)
        return made


@pytest_asyncio.fixture(loop_scope="session")
async def lab(released: Released) -> AsyncIterator[Lab]:
    async with stocked(released) as running:
        engine = db.create_engine(running.url, running.settings, acting=db.INSTALLATION)
        market = Market(running, engine, released.matcher(running.settings.index_folder))
        made = await holder(engine, OrganisationRole.OPERATOR)
        roles = frozenset({OrganisationRole.OPERATOR})
        operator = Principal(
            organisation_id=made.organisation_id,
            roles=roles,
            state=OrganisationState.VERIFIED,
            key_id=made.key_id,
            scopes=scopes_of(roles),
        )
        yield Lab(market, released, operator, await model(market, released))
        await engine.dispose()


async def model(market: Market, released: Released, name: str = "wanted") -> LearnedModel:
    """A model of just what firms go by, looked at by the gate."""
    of = {each: WANTED.get(each, 0.0) for each in learned.card().tables.effects}
    files = learned.files(learned.bent(of, name))
    async with market.running.transaction() as session:
        made = await registry.keep(session, files, card=learned.card().version, by=CLI)
    await learning.evaluated(market.running, released, name)
    return made


def codes(hindered: pytest.ExceptionInfo[TransitionHindered]) -> list[str]:
    return [fault.code for fault in hindered.value.errors]


async def test_lists_of_two_models_are_merged_replayed_counted_and_the_better_wins(
    lab: Lab,
) -> None:
    experiment = await lab.drafted(Design.INTERLEAVING)
    before, _ = lab.matcher.run(request(0), Caller())
    running = await lab.step(experiment, "start")
    assert running.state is ExperimentState.RUNNING
    firms = [await lab.market.firm() for _ in range(FIRMS)]
    stored = await lab.live(firms)

    body = await lab.body(stored[0])
    key = lab.model.sha256[:32]
    assert body["versions"]["model"] == f"{lab.released.model.version}+card:{key}"
    assert body["seed"] is not None
    assert {item["team"] for item in body["items"]} == {"a", "b"}
    teams = [item["team"] for item in body["items"]]
    assert all(sorted(teams[at : at + 2]) == ["a", "b"] for at in range(0, len(teams), 2))
    for item in body["items"]:
        assert item["score"] == item["base"] + sum(item["contributions"].values())
    for run_id in stored[:3]:
        assert (await lab.replayed(run_id)).reproduced
    async with lab.market.engine.connect() as connection:
        kept = await connection.execute(
            text(
                "select teams, (select array_agg(propensity order by rank) from mm.match"
                " where match.run_id = noted.run_id) from mm.experiment_run noted"
                " where run_id = :id"
            ),
            {"id": stored[0]},
        )
        [(kept_teams, propensities)] = kept
    assert kept_teams == teams
    assert min(propensities) > 0
    assert max(propensities) <= 1
    assert any(each < 1 for each in propensities)

    # What is not stored, and what others ask, is ranked as ever.
    after, _ = lab.matcher.run(request(0), Caller())
    assert after.versions == before.versions

    made_up = await lab.market.firm(OrganisationState.SUBMITTED)
    await lab.live([made_up])
    _, results = await lab.read(experiment)
    assert results.preferences is not None
    assert (results.a.firms, results.b.firms, results.a.runs) == (FIRMS, FIRMS, FIRMS)
    assert results.a.impressions + results.b.impressions == sum(
        [len((await lab.body(each))["items"]) for each in stored]
    )
    assert results.a.contacted + results.b.contacted == FIRMS
    assert results.a.opened == results.a.contacted, "who contacts has looked"
    assert results.preferences.b > results.preferences.a
    assert results.is_enough
    assert results.better is None, "whoever looks on sees something sooner or later"
    await lab.step(experiment, "end")
    _, results = await lab.read(experiment)
    assert results.preferences is not None
    assert (results.better == "b") is (results.preferences.p <= 0.05)
    assert lab.matcher.on_trial(str(firms[0].organisation_id))[1] is None


async def test_over_http_operators_compare_and_firms_take_part(lab: Lab) -> None:
    running, market = lab.market.running, lab.market
    settings = msgspec.structs.replace(running.settings, experiments=True)
    engine = db.create_engine(running.url, settings)
    operator, firm = (
        await holder(market.engine, OrganisationRole.OPERATOR),
        await holder(market.engine),
    )
    asked = msgspec.to_builtins(request(1))
    async with client_of(installed(settings, engine, lab.released)) as api:
        draft = {"name": "A", "design": "interleaving", "b_id": str(lab.model.id)}
        body = {**draft, "measure": "opened"}
        made = await api.post("/v1/experiments", json=body, headers=operator.headers)
        assert made.status_code == 201, made.text
        at, start = f"/v1/experiments/{made.json()['id']}", {"transition": "start"}
        moved = await api.post(f"{at}/transitions", json=start, headers=operator.headers)
        assert moved.json()["state"] == "running"
        await pool.place_models(running)
        stored = await api.post("/v1/match", json={**asked, "persist": True}, headers=firm.headers)
        assert stored.status_code == 200, stored.text
        answer = stored.json()
        assert answer["receipt"]["versions"]["model"].endswith(f"card:{lab.model.sha256[:32]}")
        again = await api.post(
            "/v1/match/replay", json={**asked, "receipt": answer["receipt"]}, headers=firm.headers
        )
        assert again.json()["reproduced"] is True
        first = answer["items"][0]["offering_id"]
        opened = {"run_id": answer["run_id"], "offering_id": first, "action": "opened"}
        assert (await api.post("/v1/feedback", json=opened, headers=firm.headers)).is_success
        told = (await api.get(at, headers=operator.headers)).json()["results"]
        assert told["a"]["opened"] + told["b"]["opened"] == 1
        assert told["a"]["impressions"] + told["b"]["impressions"] == len(answer["items"])
        assert (told["is_enough"], told["better"]) == (False, None)
        refused = await api.get(at, headers=firm.headers)
        assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
        inline = await api.post("/v1/match", json=asked, headers=firm.headers)
        assert inline.json()["receipt"]["versions"]["model"] == lab.released.model.version
    await engine.dispose()


async def test_what_is_excluded_is_not_shown_and_a_pin_is_nobodys(lab: Lab) -> None:
    await lab.step(await lab.drafted(Design.INTERLEAVING), "start")
    trying, part = lab.matcher.on_trial(str(lab.operator.organisation_id))
    assert part is not None
    free, _ = trying.run(request(3), Caller(), seed=1)
    published = lab.matcher.holder.current()
    excluded, pinned, *_ = [item.offering for item in free.answer.items]
    curation = Curation("c", exclude=frozenset({excluded}), pins=(Pin(pinned, 4),))
    query = trying.query(request(3), Caller())
    answer, found = matching.match(
        query, published.index, trying.model, (curation,), limit=10, seed=1, rival=trying.rival
    )
    shown = [item.offering for item in answer.items]
    assert excluded not in shown
    assert shown[3] == pinned
    assert answer.items[3].drafted is None
    assert answer.funnel.excluded["curation.c"] == 1
    assert sum(item.drafted is not None for item in answer.items) == len(shown) - 1
    standing = matching.standing_of(found, excluded, 10)
    assert (standing.name, standing.excluded_by) == ("excluded", "curation.c")
    for item in answer.items:
        assert matching.standing_of(found, item.offering, 10).name == "shown"
    providers = [published.index.provider_ids[each] for each in shown]
    assert max(providers.count(each) for each in providers) <= 2


async def test_every_firm_has_lists_of_one_model_and_rates_are_compared(lab: Lab) -> None:
    experiment = await lab.drafted(Design.AB, measure=Measure.OPENED)
    await lab.step(experiment, "start")
    firms = [await lab.market.firm() for _ in range(16)]
    arms = {}
    for number, firm in enumerate(firms):
        run_id = await lab.match(firm, number)
        body, id_ = await lab.body(run_id), str(firm.organisation_id)
        _, part = lab.matcher.on_trial(id_)
        assert part is not None
        assert part == lab.matcher.on_trial(id_)[1], "always the same"
        key = f"+{lab.model.sha256[:32]}" if part.arm == "b" else ""
        assert body["versions"]["model"] == lab.released.model.version + key
        assert all("team" not in item for item in body["items"])
        if part.arm == "b":
            await lab.say(firm, run_id, body["items"][0]["offering_id"])
        arms[id_] = part.arm
        if number < 2:
            assert (await lab.replayed(run_id)).reproduced
    of_b = sum(arm == "b" for arm in arms.values())
    assert 0 < of_b < len(firms)
    await lab.step(experiment, "end")
    _, results = await lab.read(experiment)
    rates = results.rates
    assert rates is not None
    assert (rates.a_firms, rates.b_firms) == (len(firms) - of_b, of_b)
    assert (rates.a_credited, rates.b_credited, rates.difference) == (0, of_b, 1.0)
    assert rates.low is not None
    assert rates.low > 0
    assert not results.is_enough
    assert results.better is None, "sixteen firms are too few, however they part"


async def test_a_model_that_is_taken_back_ends_its_experiment(lab: Lab) -> None:
    market, released = lab.market, lab.released
    other = await model(market, released, "other")
    experiment = await lab.drafted(Design.INTERLEAVING, a=other.id)
    await lab.step(experiment, "start")
    assert lab.matcher.on_trial("x")[1] is not None
    retire = MODEL.step("retire")
    assert retire is not None
    async with market.running.transaction() as session:
        found = await registry.find(session, other.id)
        await registry.move(session, found, retire, CLI, card=found.card)
    await pool.place_models(market.running)
    assert (await lab.read(experiment))[0].state is ExperimentState.ENDED
    assert lab.matcher.on_trial("x")[1] is None

    # With a retired model none starts; the control is that with the other one it does.
    again = await lab.drafted(Design.AB, a=other.id)
    with pytest.raises(TransitionHindered) as hindered:
        await lab.step(again, "start")
    assert codes(hindered) == ["model_retired"]
    beside = await lab.drafted(Design.AB)
    await lab.step(beside, "start")
    # And what ranks anew ends it too.
    async with market.engine.begin() as connection:
        await connection.execute(
            text("update mm.model set state = 'champion', promoted_at = now() where id = :id"),
            {"id": lab.model.id},
        )
    assert await learning.rolled_back(market.running) is None
    assert (await lab.read(beside))[0].state is ExperimentState.ENDED


@pytest.mark.parametrize("is_held", [True, False], ids=["held", "control: not held"])
async def test_a_model_that_is_retired_while_it_starts_is_in_none_that_runs(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, *, is_held: bool
) -> None:
    """The one who retires comes between the start and its commit."""
    if not is_held:
        monkeypatch.setattr(learned_queries, "hold_model", learned_queries.find_model)
    retire = MODEL.step("retire")
    assert retire is not None

    async def retired() -> None:
        async with lab.market.running.transaction() as session:
            found = await registry.find(session, lab.model.id)
            await registry.move(session, found, retire, CLI, card=found.card)

    async def is_waiting() -> bool:
        asked = "select exists (select from pg_locks where not granted)"
        async with lab.market.engine.connect() as connection:
            return bool(await connection.scalar(text(asked)))

    of = await lab.drafted(Design.AB)
    asked = TransitionRequest(transition="start")
    async with lab.market.running.transaction() as session:
        await service.take_step(session, of.id, asked, lab.operator, matcher=lab.matcher)
        late = asyncio.create_task(retired())
        async with asyncio.timeout(10):
            while not await is_waiting():
                pass
    await late
    found, _ = await lab.read(of)
    assert found.state is (ExperimentState.ENDED if is_held else ExperimentState.RUNNING)


async def test_one_runs_at_a_time_and_only_what_may_be_shown(lab: Lab) -> None:
    drafts = [await lab.drafted(Design.AB) for _ in range(4)]
    with pytest.raises(TransitionHindered) as hindered:
        await lab.step(drafts[0], "start", lab.market.matcher)
    assert codes(hindered) == ["not_turned_on"]

    async def race(of: Experiment) -> bool:
        try:
            await lab.step(of, "start")
        except TransitionHindered as lost:
            return [fault.code for fault in lost.errors] != ["another_runs"]
        return True

    assert sum(await asyncio.gather(*map(race, drafts))) == 1
    [started] = [each for each in drafts if (await lab.read(each))[0].started_at is not None]
    ends = await asyncio.gather(
        *(lab.step(started, "end") for _ in range(3)), return_exceptions=True
    )
    assert sum(isinstance(each, Experiment) for each in ends) == 1
    assert sum(isinstance(each, IllegalTransition) for each in ends) == 2

    # Scores of it would fall where an offering is improved.
    card = learned.card().tables
    falling = {**card.effects, "price": card.effects["price"].copy()}
    falling["price"][700:] -= 400_000
    files = learned.files(replace(card, effects=falling, name="falls"))
    async with lab.market.running.transaction() as session:
        made = await registry.keep(session, files, card=learned.card().version, by=CLI)
    wrong = await lab.drafted(Design.AB, b=made.id)
    for _ in range(2):
        with pytest.raises(TransitionHindered) as hindered:
            await lab.step(wrong, "start")
        assert codes(hindered) == ["not_monotone"]
        await learning.evaluated(lab.market.running, lab.released, "falls")
    with pytest.raises(InvalidContent):
        await lab.drafted(Design.AB, a=lab.model.id)
