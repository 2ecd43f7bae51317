"""What is learned from is what was shown: the very steps, and no fact that came later."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
import pytest_asyncio
from msgspec import structs
from sqlalchemy import text
from tests.contract.conftest import stocked
from tests.said import Market, lines, request

from matchmaker.cli import pool
from matchmaker.core import db
from matchmaker.identity.models import OrganisationState
from matchmaker.learning import dataset, queries
from matchmaker.learning.dataset import Dataset, JudgedList
from matchmaker.matching import replays, runs, service, wording
from matchmaker.matching.archive import Archive
from matchmaker.matching.feedback.models import Action
from matchmaker.matching.library import Library
from matchmaker.matching.query import Caller
from matchmaker.released import Released


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def market(released: Released) -> AsyncIterator[Market]:
    async with stocked(released) as running:
        engine = db.create_engine(running.url, running.settings, acting=db.INSTALLATION)
        yield Market(running, engine, released.matcher(running.settings.index_folder))
        await engine.dispose()


async def gathered(market: Market, released: Released) -> Dataset:
    async with market.running.transaction() as session:
        means = released.learning
        return await dataset.gathered(session, means.edition, means.policy)


def of_run(data: Dataset, run_id: UUID) -> JudgedList:
    (found,) = [each for each in data.lists if each.run_id == run_id]
    return found


async def test_no_fact_is_later_than_the_impression(
    market: Market, released: Released, tmp_path: Path
) -> None:
    """A case is verified after the match, and because of it: the list must not know."""
    firm = await market.firm()
    run_id, run = await market.match(firm, 3)
    await market.say(firm, run_id, 0, Action.CONTRACTED)
    index, item = run.published.index, run.answer.items[0]
    offering_id = index.offering_ids[item.offering]
    async with market.running.transaction() as session:
        name = await session.scalar(
            text("select external_id from mm.offering where id = :id"), {"id": UUID(offering_id)}
        )
    files = (f"offerings-{each}.jsonl" for each in "abcde")
    line = next(e for file in files for e in lines(file) if e["external_id"] == name)
    record = {"accepted": 40, "projects": 40}
    later = tmp_path / "later.jsonl"
    later.write_text(json.dumps({**line, "record": record}) + "\n")
    ((_, report),) = await pool.import_all(market.running, released, [later])
    assert report.is_written, report.faults
    await pool.publish_index(market.running, released)

    names = tuple(released.model.card.features)
    found = of_run(await gathered(market, released), run_id)
    served = [[each.steps.get(name, np.nan) for name in names] for each in run.answer.items]
    assert np.array_equal(found.steps, served, equal_nan=True)

    # The control: the naive form reads what is published when it learns, and so the outcome.
    asked = request(3)
    query = market.matcher.query(asked, Caller(str(firm.organisation_id)), run.query.as_of)
    now = market.matcher.holder.current().index
    naive = service.score(query, now, released.model, ())
    place = now.place(offering_id)
    assert place is not None
    steps = service.steps_of(naive, place, naive.rows_of(place)[0][0])
    assert steps["acceptance"] > item.steps["acceptance"]
    async with market.running.transaction() as session:
        (row,) = [each for each in await queries.said_runs(session) if each.id == run_id]
        said = (await queries.said_of(session, [run_id]))[run_id]
    means = released.learning
    assert (
        dataset.list_of(row, said, now, edition=means.edition, policy=means.policy)
        == dataset.NOT_REPRODUCED
    )


async def test_grades_are_outcomes_and_what_nobody_took_is_nought(
    market: Market, released: Released
) -> None:
    firm = await market.firm()
    run_id, run = await market.match(firm, 5, days=1)
    for place, action in ((4, Action.OPENED), (2, Action.OPENED), (2, Action.QUOTED)):
        await market.say(firm, run_id, place, action)
    found = of_run(await gathered(market, released), run_id)
    wanted = np.zeros(len(run.answer.items))
    wanted[[2, 4]] = 3, 1
    assert found.grades.tolist() == wanted.tolist()
    assert set(found.weights) == {1.0}


async def test_a_firm_that_nobody_vouches_for_teaches_nothing(
    market: Market, released: Released
) -> None:
    firm = await market.firm(OrganisationState.SUBMITTED)
    run_id, _ = await market.match(firm, 6, days=1)
    await market.say(firm, run_id, 3, Action.CONTRACTED)
    before = await gathered(market, released)
    assert run_id not in {each.run_id for each in before.lists}
    assert before.left_out[dataset.NOTHING_SAID] >= 1
    async with market.engine.begin() as connection:
        await connection.execute(
            text("update mm.organisation set state = 'verified' where id = :id"),
            {"id": firm.organisation_id},
        )
    assert of_run(await gathered(market, released), run_id).grades[3] == 4, "the control"


async def test_one_firm_weighs_as_a_few_needs_however_many_it_has(
    market: Market, released: Released
) -> None:
    firm, most = await market.firm(), released.learning.policy.most_of_firm
    runs = []
    for number in range(int(2 * most)):
        run_id, _ = await market.match(firm, 40 + number, days=2, limit=2)
        await market.say(firm, run_id, 0, Action.CONTRACTED)
        runs.append(run_id)
    again, _ = await market.match(firm, 40, days=2.5, limit=2)
    await market.say(firm, again, 1, Action.OPENED)
    data = await gathered(market, released)
    found = [of_run(data, run_id) for run_id in (*runs, again)]
    assert found[0].need == found[-1].need
    assert {w for each in found[1:-1] for w in each.weights} == {0.5}
    assert {*found[0].weights, *found[-1].weights} == {0.25}


async def test_needs_are_held_out_whole_and_by_time(market: Market, released: Released) -> None:
    await market.live(10, first=100)
    firm = await market.firm()
    run_id, _ = await market.match(firm, 100, days=30)
    await market.say(firm, run_id, 0, Action.OPENED)
    data = await gathered(market, released)
    train, held_out = dataset.split(data, released.learning.policy)
    assert train.lists
    assert held_out.lists
    assert not {each.need for each in train.lists} & {each.need for each in held_out.lists}
    assert max(e.as_of for e in train.lists) < min(e.as_of for e in held_out.lists)
    early = of_run(data, run_id).need
    assert early in {each.need for each in train.lists}
    assert run_id not in {e.run_id for part in (train, held_out) for e in part.lists}
    share = held_out.needs / data.needs
    assert share == pytest.approx(released.learning.policy.held_out, abs=0.05)


async def test_an_explored_list_is_replayed_by_its_seed_and_weighs_what_it_was_worth(
    market: Market, released: Released
) -> None:
    firm, asked = await market.firm(), request(8)
    caller = Caller(str(firm.organisation_id))
    exploring = replace(market.matcher, exploration=0.2)
    assert market.matcher.draw() is None, "off unless it is turned on"
    seed = next(filter(None, (exploring.draw() for _ in range(1000))))
    run, found = exploring.run(asked, caller, seed=seed)
    plain, _ = exploring.run(asked, caller, as_of=run.query.as_of)
    receipt = wording.receipt_of(run)
    library = Library(exploring, Archive(market.running.settings.index_folder))
    assert receipt.seed == seed
    again = await replays.replay(library, asked, receipt)
    assert again is not None
    assert again.reproduced
    without = await replays.replay(library, asked, structs.replace(receipt, seed=None))
    assert without is not None
    assert not without.reproduced, "the control: it is the seed that reproduces it"
    orders = [[item.offering for item in each.answer.items] for each in (run, plain)]
    moved = [place for place, (a, b) in enumerate(zip(*orders, strict=True)) if a != b]
    assert len(moved) == 2

    async with market.running.transaction() as session:
        run_id = await runs.store(
            session,
            runs.Asked(asked),
            run,
            answers=exploring.told(run, found),
            principal=firm,
            exploration=exploring.exploration,
        )
    market.shown[run_id] = run
    await market.say(firm, run_id, moved[0], Action.CONTRACTED)
    weights = of_run(await gathered(market, released), run_id).weights
    most = released.learning.policy.most_weight
    assert [weights[place] for place in moved] == [most, most], "1 / (.2 / 10), cut"
    assert weights[0] == 1.0
    assert weights[next(p for p in range(1, 6) if p not in moved)] == pytest.approx(1 / 0.92)
