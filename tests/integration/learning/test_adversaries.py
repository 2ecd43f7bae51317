"""Who would like to rank higher than deserved, and how far each gets: undefended, further.

Words: at most what the table of the text spans, which is no more than what covering all asked
scenes is worth. Clicks: of firms that a provider made up, and of one that it really has, the mean
rank of its best offering improves by `PLACES` places at most. Reviews of its own: none is taken.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Final
from uuid import UUID

import msgspec
import numpy as np
import pytest
import pytest_asyncio
from sqlalchemy import text
from tests import learned
from tests.contract.conftest import stocked
from tests.said import Market, lines, request

from matchmaker.cli import pool
from matchmaker.core import db
from matchmaker.identity.access import Principal
from matchmaker.identity.models import OrganisationId, OrganisationState
from matchmaker.learning import dataset, queries, training
from matchmaker.learning.dataset import Dataset
from matchmaker.matching import composing, service
from matchmaker.matching.feedback.errors import OwnOffering
from matchmaker.matching.feedback.models import Action
from matchmaker.matching.learned.shelf import SCHEMA
from matchmaker.matching.query import Caller
from matchmaker.matching.service import Model
from matchmaker.ranking import artefact
from matchmaker.released import Released

PLACES: Final = 2.0
HONEST: Final = 30
JUDGED_LATER: Final = range(200, 212)
"""Needs that nobody has said anything of."""


@pytest_asyncio.fixture(loop_scope="session")
async def market(released: Released) -> AsyncIterator[Market]:
    async with stocked(released) as running:
        engine = db.create_engine(running.url, running.settings, acting=db.INSTALLATION)
        yield Market(running, engine, released.matcher(running.settings.index_folder))
        await engine.dispose()


def ranks(market: Market, model: Model, offerings: set[str]) -> float:
    """The mean rank of the best of ``offerings`` over the later needs."""
    index = market.matcher.holder.current().index
    found = []
    for number in JUDGED_LATER:
        scoring = service.score(market.matcher.query(request(number), Caller()), index, model, ())
        order = composing.slate_of(scoring, len(scoring.scored)).offerings
        found.append(
            next(rank for rank, o in enumerate(order, 1) if index.offering_ids[o] in offerings)
        )
    return float(np.mean(found))


def scores(market: Market, model: Model, offering_id: str) -> list[int]:
    """What the offering scores for each of the later needs."""
    index = market.matcher.holder.current().index
    place = index.place(offering_id)
    assert place is not None
    queries_ = (market.matcher.query(request(number), Caller()) for number in JUDGED_LATER)
    found = [service.score(query, index, model, ()) for query in queries_]
    return [service.item_of(each, place, None, ()).score for each in found]


def last(market: Market, model: Model) -> str:
    """The offering that is scored for all of the later needs, and ranks last for the first."""
    index = market.matcher.holder.current().index
    asked = [market.matcher.query(request(number), Caller()) for number in JUDGED_LATER]
    found = [service.score(query, index, model, ()) for query in asked]
    always = set.intersection(*({*each.scored.tolist()} for each in found))
    order = composing.slate_of(found[0], len(found[0].scored)).offerings
    return index.offering_ids[next(place for place in reversed(order) if place in always)]


async def test_words_lift_by_what_their_table_spans_however_many(
    market: Market, released: Released, tmp_path: Path
) -> None:
    card, wordy = released.model, learned.bent({"text": 12})
    undefended = Model(card.card, wordy, "undefended")
    id_ = last(market, card)
    async with market.running.transaction() as session:
        name = await session.scalar(
            text("select external_id from mm.offering where id = :id"), {"id": UUID(id_)}
        )
    files = (f"offerings-{each}.jsonl" for each in "abcde")
    line = next(each for file in files for each in lines(file) if each["external_id"] == name)
    models = (card, undefended)
    before = [(scores(market, m, id_), ranks(market, m, {id_})) for m in models]
    asked = " ".join(request(number).need.text or "" for number in JUDGED_LATER)
    words = " ".join(dict.fromkeys(asked.split()))[:1800]
    stuffed = {language: f"{said} {words}" for language, said in line["summary"].items()}
    file = tmp_path / "stuffed.jsonl"
    file.write_text(json.dumps({**line, "summary": stuffed}) + "\n")
    ((_, report),) = await pool.import_all(market.running, released, [file])
    assert report.is_written, report.faults
    await pool.publish_index(market.running, released)

    after = [(scores(market, m, id_), ranks(market, m, {id_})) for m in models]
    span = int(np.ptp(card.tables.effects["text"]))
    assert span <= np.ptp(card.tables.effects["scene_fit"])
    lifts = [np.subtract(a, b) for (a, _), (b, _) in zip(after, before, strict=True)]
    assert lifts[0].max() > 0, "the attack does something"
    assert lifts[0].max() <= span
    assert lifts[1].max() > span, "the control: undefended, words lift further"
    places = [b - a for (_, a), (_, b) in zip(after, before, strict=True)]
    assert places[0] < places[1]


async def click(market: Market, firm: Principal, number: int, provider: str) -> int:
    """How many of the provider's offerings a match showed; the firm "contracts" each."""
    run_id, run = await market.match(firm, number, days=number / 10)
    index = run.published.index
    own = [
        place
        for place, item in enumerate(run.answer.items)
        if index.provider_ids[item.offering] == provider
    ]
    for place in own:
        await market.say(firm, run_id, place, Action.CONTRACTED)
    return len(own)


def taught(data: Dataset, released: Released) -> Model:
    means = released.learning
    trees = msgspec.structs.replace(means.policy.trees, max_iter=60)
    policy = msgspec.structs.replace(means.policy, trees=trees)
    files = training.learned(data, means.card, policy, name="attacked")
    sha256 = artefact.digest(files[artefact.MANIFEST])
    found = artefact.opened(files, sha256, SCHEMA)
    return Model(means.card.card, found.tables, "attacked")


async def undefended(market: Market, released: Released) -> Dataset:
    """Everything that was said, taken at its word: whoever says it, however often."""
    index, means = market.matcher.holder.current().index, released.learning
    async with market.running.transaction() as session:
        runs = await queries.said_runs(session)
        said = await queries.said_of(session, [run.id for run in runs])
    found = [
        dataset.list_of(
            run._replace(is_vouched=True),
            said[run.id],
            index,
            edition=means.edition,
            policy=means.policy,
        )
        for run in runs
    ]
    return Dataset(tuple(each for each in found if not isinstance(each, str)), {})


async def test_made_up_firms_and_one_that_is_real_lift_little(
    market: Market, released: Released
) -> None:
    means = released.learning
    await market.live(HONEST)

    async def gathered() -> Dataset:
        async with market.running.transaction() as session:
            return await dataset.gathered(session, means.edition, means.policy)

    honest = taught(await gathered(), released)
    shown: Counter[str] = Counter()
    for run in market.shown.values():
        ids = run.published.index.provider_ids
        shown.update(ids[item.offering] for item in run.answer.items[5:])
    (provider, _), *_ = shown.most_common(1)
    index = market.matcher.holder.current().index
    own = {
        offering_id
        for offering_id, whose in zip(index.offering_ids, index.provider_ids, strict=True)
        if whose == provider
    }
    clicked = 0
    for number in range(40):
        puppet = await market.firm(OrganisationState.SUBMITTED)
        clicked += await click(market, puppet, number, provider)
    friend = await market.firm()
    for number in range(40, 80):
        clicked += await click(market, friend, number, provider)
    assert clicked >= 20

    attacked = taught(await gathered(), released)
    believed = taught(await undefended(market, released), released)
    rank = [ranks(market, model, own) for model in (honest, attacked, believed)]
    lifts = [rank[0] - each for each in rank[1:]]
    assert lifts[0] <= PLACES, rank
    assert lifts[1] > max(lifts[0], PLACES), "the control: undefended, clicks lift further"


async def test_reviews_of_ones_own_are_not_taken(market: Market) -> None:
    firm = await market.firm()
    _, run = await market.match(firm, 1)
    provider = run.published.index.provider_ids[run.answer.items[0].offering]
    self_made = replace(firm, organisation_id=OrganisationId(UUID(provider)))
    run_id, own = await market.match(self_made, 1)
    places = [
        place
        for place, item in enumerate(own.answer.items)
        if own.published.index.provider_ids[item.offering] == provider
    ]
    assert places
    with pytest.raises(OwnOffering):
        await market.say(self_made, run_id, places[0], Action.CONTRACTED)
    async with market.running.transaction() as session:
        assert await queries.said_runs(session) == []
