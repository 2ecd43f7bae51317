"""What would change: each suggestion is done and asked again, over HTTP or on a changed index."""

from __future__ import annotations

import copy
import datetime as dt
import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest
from tests import pools
from tests.contract.match_calls import NEED, PROFILE, offering_ids
from tests.pools import Maker

from matchmaker.demand.declaration import Budget, NeedFacts
from matchmaker.matching.changing import PERCENT, Change, _narrowed, suggested
from matchmaker.matching.composing import slate_of
from matchmaker.matching.schemas import MatchInput
from matchmaker.matching.service import Model, score
from matchmaker.ranking.facts import OfferingFacts, PackageFacts, PriceCard, PricePart
from matchmaker.ranking.index import Index
from matchmaker.ranking.query import Query
from matchmaker.ranking.slate import SlateRules

Body = dict[str, Any]
LIMIT = 3
UNCHANGEABLE = ("profile.industries", "profile.region", "profile.employees", "profile.stage")
MUST = {
    "all": [
        {"field": "offering.deployment", "op": "in", "value": ["on_premises"]},
        {"field": "package.price", "op": "lte", "value": 12_000_000},
        {"field": "package.weeks", "op": "lte", "value": 8},
    ]
}
ASKS: tuple[Body, ...] = (
    {"profile": PROFILE, "need": {**NEED, "must": MUST}, "limit": LIMIT},
    {
        "profile": {
            **PROFILE,
            "must": {"field": "offering.languages", "op": "in", "value": ["en"]},
        },
        "need": {
            **NEED,
            "must": MUST["all"][2],
            "budget": {"amount": 6_000_000, "currency": "CNY"},
        },
        "limit": LIMIT,
    },
)


def changed(asked: Body, changes: list[Body]) -> Body:
    """What is asked, with these changes done as they are told."""
    found = copy.deepcopy(asked)
    for owner in ("profile", "need"):
        named = {c["field"]: c for c in changes if c["field"].startswith(f"{owner}.must.")}
        if named:
            must = found[owner]["must"]
            parts = must["all"] if set(must) == {"all"} else [must]
            for place, part in enumerate(parts):
                if change := named.get(f"{owner}.must.{place}"):
                    assert change["before"] == part
            kept = [
                named[f"{owner}.must.{place}"]["after"]
                if f"{owner}.must.{place}" in named
                else part
                for place, part in enumerate(parts)
            ]
            left = [part for part in kept if part is not None]
            found[owner]["must"] = {"all": left} if left else None
    for change in changes:
        if change["field"] == "need.budget.amount":
            assert found["need"]["budget"]["amount"] == change["before"]
            found["need"]["budget"]["amount"] = change["after"]
        if change["field"] == "need.ready_by":
            found["need"]["ready_by"] = change["after"]
    return found


async def explained(api: httpx.AsyncClient, asked: Body, offering_id: str) -> Body:
    body = {**asked, "offering_id": offering_id}
    answer = await api.post("/v1/match/explain", json=body, headers={"Accept-Language": "en"})
    assert answer.status_code == 200, answer.text
    found: Body = answer.json()
    return found


def smaller(suggestion: Body) -> list[list[Body]]:
    """Every strict part of a suggestion, and it with a number one step smaller."""
    changes = suggestion["changes"]
    parts = [
        list(part)
        for count in range(len(changes))
        for part in itertools.combinations(changes, count)
    ]
    for place, change in enumerate(changes):
        before, after = change["before"], change["after"]
        if change["field"] == "need.budget.amount":
            steps = round((after / before - 1) * 100 / PERCENT)
            less = before * (100 + PERCENT * (steps - 1)) // 100
        elif change["field"] == "need.ready_by":
            less = (dt.date.fromisoformat(after) - dt.timedelta(weeks=1)).isoformat()
        elif after is not None and after.get("op") == "lte":
            less = {**after, "value": after["value"] - 1}
        else:
            continue
        parts.append(
            [{**each, "after": less} if at == place else each for at, each in enumerate(changes)]
        )
    return parts


@pytest.mark.parametrize("asked", ASKS, ids=["musts", "both"])
async def test_every_suggestion_to_the_firm_has_its_effect_and_no_part_of_it(
    demo: httpx.AsyncClient, asked: Body
) -> None:
    seen: Counter[str] = Counter()
    for offering_id in (await offering_ids(demo, "solution"))[::4]:
        told = await explained(demo, asked, offering_id)
        if told["standing"] == "shown":
            assert told["suggestions"] == []
        for suggestion in (each for each in told["suggestions"] if each["by"] == "firm"):
            after = await explained(demo, changed(asked, suggestion["changes"]), offering_id)
            assert after["item"]["rank"] == suggestion["rank"], suggestion
            is_opened = told["standing"] == "excluded"
            assert is_opened or suggestion["rank"] <= asked["limit"]
            for part in smaller(suggestion):
                less = await explained(demo, changed(asked, part), offering_id)
                has_effect = less["item"] is not None if is_opened else less["standing"] == "shown"
                assert not has_effect, (suggestion, part)
            for change in suggestion["changes"]:
                assert not change["field"].startswith(UNCHANGEABLE)
                assert change["sentence"]
                seen[change["field"].partition(".must")[0]] += 1
    assert seen, "the control: something was suggested"


@dataclass(frozen=True)
class Asking:
    """A need of a random pool, which can be asked again with another budget or date."""

    query: Query
    index: Index
    model: Model
    asked: MatchInput

    def again(self, of: MatchInput) -> Query:
        assert of.need.budget is not None
        return replace(self.query, budget=of.need.budget.amount, ready_by=of.need.ready_by)

    def rank(self, place: int, field: str = "", value: object = None) -> int:
        names = {"need.budget.amount": "budget", "need.ready_by": "ready_by"}
        said: dict[str, Any] = {names[field]: value} if field else {}
        found = score(replace(self.query, **said), self.index, self.model)
        return slate_of(found, len(found.scored)).offerings.index(place) + 1

    def ends(self, change: Change) -> tuple[object, object]:
        """What is suggested, and one step less."""
        if change.field == "need.ready_by":
            day = dt.date.fromisoformat(str(change.after))
            return day, day - dt.timedelta(weeks=1)
        budget = self.query.budget or 0
        amounts = [budget * (100 + PERCENT * step) // 100 for step in range(99)]
        assert isinstance(change.after, int)
        return change.after, amounts[amounts.index(change.after) - 1]


def model_of(seed: int) -> Model:
    """The card; mostly its numbers weigh so little that few offerings may come first."""
    model = pools.model(pairs=seed % 5 == 1)
    if seed % 3 == 0:
        return model
    lighter = {name: effects // 8 for name, effects in model.tables.effects.items()}
    effects = {**model.tables.effects, **{name: lighter[name] for name in ("price", "weeks")}}
    card = replace(model.card, slate=SlateRules(2, LIMIT))
    return Model(card, replace(model.tables, effects=effects))


def askings() -> Iterator[Asking]:
    for seed in range(100):
        maker = Maker(seed)
        count = 14 if seed % 3 == 0 else 60
        index = pools.index_of([maker.offering(f"o{n:02d}", kind="solution") for n in range(count)])
        query = maker.query(kind="solution")
        if query.budget is not None and query.ready_by is not None:
            budget = Budget(amount=query.budget, currency=query.currency)
            need = NeedFacts(kind="solution", budget=budget, ready_by=query.ready_by)
            yield Asking(query, index, model_of(seed), MatchInput(need=need, limit=LIMIT))


def test_a_budget_and_a_date_are_moved_just_as_far_as_it_takes() -> None:
    """On random pools, where each suggestion is a match of its own again."""
    seen: Counter[str] = Counter()
    for each in askings():
        found = score(each.query, each.index, each.model)
        for place in found.order(len(found.scored))[: LIMIT + 12]:
            if each.rank(place) <= LIMIT:
                continue
            told = suggested(each.asked, found, place, each.again)
            seen["narrowed"] += _narrowed(found, place, LIMIT) is not found
            for suggestion in told:
                if suggestion.by == "provider":
                    continue
                (change,) = suggestion.changes
                seen[change.field] += 1
                ranks = [each.rank(place, change.field, end) for end in each.ends(change)]
                assert ranks[0] == suggestion.rank <= LIMIT < ranks[1], suggestion
    assert seen.pop("narrowed") > 100, seen
    assert {*seen} == {"need.budget.amount", "need.ready_by"}, seen


# ---- the provider, on an index with the changed offering


def offered_otherwise(
    offering: OfferingFacts, package: int, field: str, value: object
) -> OfferingFacts:
    if field == "offering.attested":
        return replace(offering, attested=dt.date.fromisoformat(str(value)))
    row = offering.packages[package]
    assert isinstance(value, int)
    if field == "package.price":
        assert row.price is not None
        new: PackageFacts = replace(
            row, price=PriceCard(row.price.currency, (PricePart("upfront", value),))
        )
    else:
        assert row.weeks is not None
        new = replace(row, weeks=(min(row.weeks[0], value), value))
    packages = tuple(new if at == package else each for at, each in enumerate(offering.packages))
    return replace(offering, packages=packages)


def test_every_suggestion_to_a_provider_has_its_effect_on_a_changed_index() -> None:
    """With the digest of the same need, so that equal scores stay in the order they had."""
    seen: Counter[str] = Counter()
    for seed in range(120):
        maker = Maker(seed)
        offerings = pools.in_index_order(
            [maker.offering(f"o{number:02d}", kind="solution") for number in range(14)]
        )
        index, model = pools.index_of(offerings), model_of(seed)
        query: Query = maker.query(kind="solution")
        found = score(query, index, model)
        for place in found.scored.tolist():
            _, row = found.best_row(place)
            package = index.rows_of(place).index(row)
            asked = MatchInput(need=NeedFacts(kind="solution"), limit=LIMIT)
            for suggestion in suggested(asked, found, place, lambda _: query):  # noqa: B023  (asked within the round)
                (change,) = suggestion.changes
                seen[change.field] += 1
                ranks = []
                for value in (change.after, less_of(change.field, change.before, change.after)):
                    other = list(offerings)
                    if value is None:
                        ranks.append(LIMIT + 1)
                        continue
                    other[place] = offered_otherwise(offerings[place], package, change.field, value)
                    again = score(query, pools.index_of(other), model)
                    at = again.index.place(offerings[place].offering_id)
                    shown = slate_of(again, len(again.scored)).offerings
                    assert at is not None
                    ranks.append(shown.index(at) + 1)
                assert ranks[0] == suggestion.rank <= LIMIT, (seed, suggestion)
                assert ranks[1] > LIMIT, (seed, suggestion)
    assert {*seen} == {"package.price", "package.weeks", "offering.attested"}, seen


def less_of(field: str, before: object, after: object) -> object:
    """The change with one step less; None where that is none."""
    if field == "offering.attested":
        return None
    assert isinstance(before, int)
    assert isinstance(after, int)
    if field == "package.weeks":
        return after + 1
    steps = next(s for s in range(1, 20) if before * (100 - PERCENT * s) // 100 == after)
    return before * (100 - PERCENT * (steps - 1)) // 100
