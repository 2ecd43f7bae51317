"""Facts of firms for tests: a whole profile, and strategies for any."""

from __future__ import annotations

from functools import cache
from typing import Any

from hypothesis import strategies as st
from tests.factories import taxonomy

from matchmaker.enterprise.declaration import Amount, ProfileFacts
from matchmaker.taxonomy.checking import Checker
from matchmaker.taxonomy.fields import FieldCatalogue

SCENES = ("quality", "equipment", "energy")
GOALS = ("quality", "cost")


@cache
def fields() -> FieldCatalogue:
    """The released field catalogue, made once."""
    return FieldCatalogue(taxonomy())


@cache
def checker() -> Checker:
    """What statements are held against."""
    return Checker(taxonomy(), fields())


def whole(**stated: object) -> ProfileFacts:
    """Everything that a firm is asked for."""
    facts: dict[str, Any] = {
        "industries": ["C3311"],
        "region": "210200",
        "employees": 86,
        "users": 12,
        "machines": 30,
        "sites": 1,
        "revenue": cny(32_000_000),
        "assets": cny(20_000_000),
        "founded": 2004,
        "chain_role": next(iter(taxonomy().scheme("chain_role").entries)),
        "clusters": ["dalian-castings"],
        "systems": ["erp"],
        "goals": {"quality": 0.6, "cost": 0.4},
        "yearly_budget": cny(200_000),
        "scenes": dict.fromkeys(taxonomy().scheme("sme_scene").entries, 1),
        "stage": "tool_assisted",
    }
    return ProfileFacts(**{**facts, **stated})


def cny(yuan: int) -> Amount:
    """An amount in yuan."""
    return Amount(amount=yuan * 100, currency="CNY")


AMOUNTS = st.builds(
    Amount,
    amount=st.sampled_from([0, 30_000_000, 2_000_000_000, 10**15]),
    currency=st.sampled_from(["CNY", "EUR"]),
)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "industries": st.lists(
        st.sampled_from(["C3311", "C33", "F5111", "A01", "K7010"]), min_size=1, max_size=3
    ),
    "region": st.sampled_from(["210200", "330100"]),
    "employees": st.sampled_from([0, 5, 19, 20, 86, 300, 1000, 5000]),
    "users": st.integers(0, 3),
    "machines": st.integers(0, 3),
    "sites": st.integers(0, 3),
    "revenue": AMOUNTS,
    "assets": AMOUNTS,
    "scale": st.sampled_from(["micro", "small", "medium", "large"]),
    "founded": st.integers(1990, 1993),
    "chain_role": st.sampled_from(sorted(taxonomy().scheme("chain_role").entries)[:2]),
    "clusters": st.lists(st.sampled_from(["a-1", "b-2"]), max_size=2),
    "systems": st.lists(st.sampled_from(["erp", "mes"]), max_size=2),
    "goals": st.dictionaries(st.sampled_from(GOALS), st.sampled_from([0.0, 0.4, 1.0])),
    "yearly_budget": AMOUNTS,
    "scenes": st.dictionaries(st.sampled_from(SCENES), st.integers(0, 4)),
    "stage": st.sampled_from(["not_started", "tool_assisted"]),
    "must": st.sampled_from(
        [
            {"field": "offering.deployment", "op": "in", "value": ["on_premises"]},
            {"all": [{"field": "package.price", "op": "lte", "value": 20_000_000}]},
        ]
    ),
}
"""Some values of every fact of a profile."""

FACTS = st.builds(ProfileFacts, **{name: st.none() | values for name, values in VALUES.items()})
"""Any profile that can be stored."""
