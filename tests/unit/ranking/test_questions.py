from __future__ import annotations

from dataclasses import replace

from tests import pools
from tests.pools import Maker

from matchmaker.matching.service import Model, match
from matchmaker.ranking.query import Query
from matchmaker.ranking.tables import compile_card


def test_a_card_that_weighs_nothing_asks_nothing_for_a_share() -> None:
    card = pools.card()
    idle = {name: replace(feature, weight=0) for name, feature in card.features.items()}
    weightless = replace(card, features=idle)
    model = Model(weightless, compile_card(weightless))
    offering = Maker(1).offering("o1")
    query = Query(kind=offering.kind, as_of=pools.AS_OF, currency="CNY", budget=1_000)
    answered, _ = match(query, pools.index_of([offering]), model, limit=1)

    assert [item.score for item in answered.items] == [0]
    assert [item.fit for item in answered.items] == [None]
    assert all(question.share is None for question in answered.questions)
