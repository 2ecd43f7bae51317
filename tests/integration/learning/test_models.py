"""From judged lists to a model that ranks: trained, gated, promoted, replayed, taken back."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import numpy as np
import pytest
import pytest_asyncio
from sqlalchemy import text
from tests import learned
from tests.clusters import copied_server, reachable_directory
from tests.contract.conftest import resumed, stocked, stocked_files
from tests.factories import SEEDS
from tests.said import WANTED, Market, request, worth

from matchmaker.cli import learning
from matchmaker.cli.session import Database
from matchmaker.core import db
from matchmaker.core.events import CLI
from matchmaker.core.jobs import Context, JobId
from matchmaker.core.settings import Settings
from matchmaker.core.transitions import IllegalTransition, TransitionHindered
from matchmaker.learning import gate, jobs
from matchmaker.learning.training import TooFewNeeds
from matchmaker.matching import replays, runs, schemas, wording
from matchmaker.matching.archive import Archive
from matchmaker.matching.controllers import _stored
from matchmaker.matching.errors import CannotReplay
from matchmaker.matching.learned import service as registry
from matchmaker.matching.learned.machine import MODEL, ModelState
from matchmaker.matching.learned.models import LearnedModel
from matchmaker.matching.library import Library
from matchmaker.matching.query import Caller
from matchmaker.matching.run import MatchRun
from matchmaker.ranking.slate import Curation
from matchmaker.ranking.tables import ScoreTables
from matchmaker.released import Released

ASKED = request(2)


@contextlib.asynccontextmanager
async def trading(running: Database, released: Released) -> AsyncIterator[Market]:
    engine = db.create_engine(running.url, running.settings, acting=db.INSTALLATION)
    yield Market(running, engine, released.matcher(running.settings.index_folder))
    await engine.dispose()


@pytest_asyncio.fixture(loop_scope="session")
async def market(released: Released) -> AsyncIterator[Market]:
    """A market in which nothing was asked yet."""
    async with stocked(released) as running, trading(running, released) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def lived_files(released: Released) -> AsyncIterator[Path]:
    """The files of a market in which 30 needs were dealt with: that takes seconds."""
    with reachable_directory() as place:
        with copied_server(await stocked_files(released), place) as server:
            running = Database(server.url("mm_app"), Settings(data=str(place)))
            async with trading(running, released) as made:
                await made.live(30)
        yield place


@pytest_asyncio.fixture(loop_scope="session")
async def lived(released: Released, lived_files: Path) -> AsyncIterator[Market]:
    """A market of its own in which 30 needs were dealt with."""
    with resumed(lived_files) as (_, running):
        async with trading(running, released) as made:
            yield made


def asked_of(market: Market) -> MatchRun:
    run, _ = market.matcher.run(ASKED, Caller())
    return run


async def replayed(market: Market, run: MatchRun) -> schemas.Replay | None:
    library = Library(market.matcher, Archive(market.running.settings.index_folder))
    return await replays.replay(library, ASKED, wording.receipt_of(run))


async def keep(market: Market, of: ScoreTables) -> LearnedModel:
    made = learned.files(of)
    async with market.running.transaction() as session:
        return await registry.keep(session, made, card=learned.card().version, by=CLI)


async def promote(market: Market, released: Released, name: str) -> None:
    for state in (ModelState.SHADOW, ModelState.CHAMPION):
        moved = await learning.promoted(market.running, released, name)
        assert moved.state is state


async def test_a_model_is_learned_gated_promoted_replayed_and_taken_back(
    market: Market, released: Released
) -> None:
    running = market.running
    with pytest.raises(TooFewNeeds):
        await learning.trained(running, released)
    by_card = asked_of(market)
    await market.live(40)
    made = await learning.trained(running, released)
    assert made.name == "learned-1"
    with pytest.raises(TransitionHindered):
        await promote(market, released, made.name)
    report = await learning.evaluated(running, released, made.name)
    assert report.is_passed, report.findings
    assert report.ndcg is not None
    assert report.ndcg_now is not None
    assert report.ndcg > report.ndcg_now + 0.05
    moved = await learning.promoted(running, released, made.name)
    assert moved.state is ModelState.CHAMPION

    run = asked_of(market)
    assert run.versions.model == f"{released.model.version}+{made.sha256[:32]}"
    assert run.digest != by_card.digest
    for item in run.answer.items:
        assert item.score == item.base + sum(item.contributions.values())
    for each in (run, by_card):
        found = await replayed(market, each)
        assert found is not None
        assert found.reproduced

    assert await learning.rolled_back(running) is None
    again = asked_of(market)
    assert again.versions.model == released.model.version
    assert (await replayed(market, run) or by_card).digest == run.digest
    truly = [np.mean([worth(i.steps) for i in r.answer.items[:3]]) for r in (run, by_card)]
    assert truly[0] >= truly[1]


async def test_a_model_that_was_changed_on_disk_ranks_nothing(
    lived: Market, released: Released
) -> None:
    made = await keep(lived, learned.bent(WANTED))
    await learning.evaluated(lived.running, released, made.name)
    await promote(lived, released, made.name)
    run = asked_of(lived)
    assert run.versions.model != released.model.version
    place = lived.running.settings.index_folder / "models" / made.sha256[:32] / "effects.npy"
    content = bytearray(place.read_bytes())
    content[-1] ^= 1
    place.write_bytes(content)
    fresh = released.matcher(lived.running.settings.index_folder)
    later = replace(lived, matcher=fresh)
    assert asked_of(later).versions.model == released.model.version
    with pytest.raises(CannotReplay):
        await replayed(later, run)
    assert (await replayed(lived, run) or run).digest == run.digest, "the control: as it was"


async def test_what_the_gate_looks_at_stops_a_model(lived: Market, released: Released) -> None:
    card = learned.card().tables
    falling = {**card.effects, "price": card.effects["price"].copy()}
    falling["price"][700:] -= 400_000
    reversed_ = {name: table[::-1] * 3 - table[-1] * 3 for name, table in card.effects.items()}
    wordy = {**card.effects, "text": card.effects["text"] * 3}
    for name, tables, missed in (
        ("the card again", card, {"gain"}),
        ("falls", replace(card, effects=falling), {"monotone_violations"}),
        ("the card turned round", replace(card, effects=reversed_), {"gain", "lower_end"}),
        ("words first", replace(card, effects=wordy), {"text_over_scene_fit"}),
    ):
        made = await keep(lived, replace(tables, name=name))
        report = await learning.evaluated(lived.running, released, made.name)
        found = {finding.rule for finding in report.findings if not finding.holds}
        assert missed <= found, name
        await learning.promoted(lived.running, released, made.name)
        with pytest.raises(TransitionHindered):
            await learning.promoted(lived.running, released, made.name)
    made = await keep(lived, learned.bent(WANTED))
    report = await learning.evaluated(lived.running, released, made.name)
    assert report.is_passed, "the control: " + str(report.findings)


async def test_an_evaluation_counts_only_beside_what_ranks_now(
    lived: Market, released: Released
) -> None:
    first = await keep(lived, learned.bent({"industry": 2}, "first"))
    best = await keep(lived, learned.bent(WANTED, "best"))
    for each in (first, best):
        assert (await learning.evaluated(lived.running, released, each.name)).is_passed
    await promote(lived, released, "best")
    await learning.promoted(lived.running, released, "first")
    with pytest.raises(TransitionHindered) as hindered:
        await learning.promoted(lived.running, released, "first")
    assert [fault.code for fault in hindered.value.errors] == ["not_evaluated"]
    assert not (await learning.evaluated(lived.running, released, "first")).is_passed


async def test_of_many_who_promote_one_does(lived: Market, released: Released) -> None:
    made = await keep(lived, learned.bent(WANTED))
    await learning.evaluated(lived.running, released, made.name)
    await learning.promoted(lived.running, released, made.name)
    step = MODEL.step("promote")
    assert step is not None

    async def race() -> bool:
        try:
            async with lived.running.transaction() as session:
                model = await registry.named(session, made.name)
                if model.state is not ModelState.SHADOW:
                    return False
                await registry.move(session, model, step, CLI, card=made.card)
        except IllegalTransition:
            return False
        return True

    assert sum(await asyncio.gather(*(race() for _ in range(6)))) == 1


async def test_a_model_in_the_shadow_is_logged_and_changes_nothing(
    market: Market, released: Released
) -> None:
    firm = await market.firm()
    before = asked_of(market)
    made = await keep(market, learned.bent(WANTED))
    await learning.promoted(market.running, released, made.name)
    now = asked_of(market)
    assert [i.offering for i in now.answer.items] == [i.offering for i in before.answer.items]
    assert now.versions == before.versions
    async with market.running.transaction() as session:
        asked = runs.Asked(ASKED)
        await _stored(session, market.matcher, asked, principal=firm, language="en")
    async with market.engine.connect() as connection:
        found: Any = await connection.scalar(
            text("select shadow from mm.match_run where organisation_id = :id"),
            {"id": firm.organisation_id},
        )
    assert found["model"] == f"{released.model.version}+{made.sha256[:32]}"
    shown = [now.published.index.offering_ids[i.offering] for i in now.answer.items]
    assert len(found["offerings"]) == len(shown)
    assert found["offerings"] != shown


async def test_a_model_in_the_shadow_is_under_the_curations_of_the_match(
    market: Market, released: Released
) -> None:
    made = await keep(market, learned.bent(WANTED))
    await learning.promoted(market.running, released, made.name)
    run, found = market.matcher.run(ASKED, Caller())
    free = market.matcher.in_shadow(run, found, 3)
    assert free is not None
    first = free["offerings"][0]
    place = run.published.index.place(first)
    assert place is not None
    curation = Curation("c", exclude=frozenset({place}))
    curated = market.matcher.in_shadow(run, replace(found, curations=(curation,)), 3)
    assert curated is not None
    assert first not in curated["offerings"]


async def test_the_clock_learns_once_enough_was_judged_and_holds_it_at_the_gate(
    lived: Market, released: Released
) -> None:
    means = released.learning
    trees = msgspec.structs.replace(means.policy.trees, max_iter=40)
    few = replace(means, policy=msgspec.structs.replace(means.policy, trees=trees))
    handlers = jobs.handlers(few, lived.running.transaction)

    async def work(kind: str, payload: dict[str, Any]) -> dict[str, Any] | None:
        async def tell(done: int, total: int | None, note: str | None) -> None:
            del done, total, note

        async with lived.running.transaction() as session:
            context = Context(
                session=session,
                job_id=JobId(uuid4()),
                kind=kind,
                attempt=1,
                organisation_id=None,
                tell=tell,
            )
            return await handlers[kind](context, payload)

    assert await work(jobs.TRAIN, {}) == {"trained": "learned-1"}
    async with lived.engine.connect() as connection:
        asked = text("select payload from mm.job where kind = :kind")
        payload = await connection.scalar(asked, {"kind": jobs.EVALUATE})
    assert await work(jobs.EVALUATE, payload) == {"model": "learned-1", "passed": True}
    again = await work(jobs.TRAIN, {})
    assert again is not None
    assert again["trained"] is None, "nothing was judged since"


def test_a_hundred_thousand_probes_find_a_fall_of_one_step() -> None:
    card = learned.card().tables
    assert gate.violations(card, 100_000) == 0
    bent = {**card.effects, "weeks": card.effects["weeks"].copy()}
    bent["weeks"][511] += 2_000
    assert gate.violations(replace(card, effects=bent), 100_000) >= 1
    grid = np.zeros((16, 16), np.int64)
    grid[9, 3] = -2_000_000
    pair = replace(card, pairs={("scale", "price"): grid})
    assert gate.violations(pair, 100_000) > 1


def test_the_numbers_are_released_with_a_reason_each() -> None:
    said = (Path(SEEDS) / "ranking/learning.yaml").read_text(encoding="utf-8")
    data = msgspec.yaml.decode(said)
    assert data["gate"]["probes"] >= 100_000
    assert data["gate"]["slice_loss"] == 0.03
    assert data["gate"]["gini_rise"] == 0.02
