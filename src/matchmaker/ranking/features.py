"""The feature registry: what each reads, when it counts, its steps (scoring.md 5, 8, 12).

A feature that reads one column answers once per code of that column; text, price and prefer answer
per row.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from matchmaker.ranking import sets, singles
from matchmaker.ranking.screen import Screen
from matchmaker.ranking.steps import FULL, Level, Steps
from matchmaker.rules import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from matchmaker.ranking.card import Card
    from matchmaker.ranking.columns import Int
    from matchmaker.ranking.index import Columns
    from matchmaker.ranking.planes import Planes
    from matchmaker.ranking.query import Query
    from matchmaker.ranking.text import TextScore

RISING: Final = 1
FALLING: Final = -1
UNDIRECTED: Final = 0


@dataclass(frozen=True, slots=True)
class Sight:
    """What a feature may look at: the query, the columns, the card, and the text scored before."""

    query: Query
    columns: Columns
    card: Card
    text: TextScore


@dataclass(frozen=True, slots=True)
class Feature:
    """One registry entry.

    ``needs`` are the fields of profile and need that open it (all of them); ``reads`` the facts of
    the offering; ``direction`` says where those facts are better (RISING: more or closer, FALLING:
    less); ``source`` where the definition comes from; ``zh`` and ``en`` are its name in words.
    """

    name: str
    needs: tuple[str, ...]
    reads: tuple[str, ...]
    direction: int
    source: str
    zh: str
    en: str
    steps: Callable[[Sight], Steps]


def _scene_fit(at: Sight) -> Steps:
    return singles.scene_fit(at.query, at.columns.levels, at.card.features["scene_fit"].grid)


def _category(at: Sight) -> Steps:
    return sets.category(at.query, at.columns, at.card)


def _text(at: Sight) -> Steps:
    steps = at.text.steps(at.card.text.full)
    return Steps(Level.OFFERING, steps, np.zeros(len(steps), np.bool_))


def _price(at: Sight) -> Steps:
    return singles.price(at.query, at.columns, at.card.features["price"])


def _industry(at: Sight) -> Steps:
    return sets.industry(at.query, at.columns, at.card.features["industry"].grid)


def _scale(at: Sight) -> Steps:
    return sets.scale(at.query, at.columns, at.card)


def _stage(at: Sight) -> Steps:
    return singles.stage(at.query, at.columns, at.card.features["stage"].grid)


def _region(at: Sight) -> Steps:
    return sets.region(at.query, at.columns, at.card.features["region"].grid)


def _prefer(at: Sight) -> Steps:
    screened, yes = Screen(at.query, at.columns), np.zeros(at.columns.planes.parts, np.int64)
    for leaf in at.query.prefer:
        yes += screened.by_row(screened.answers(leaf)) == Answer.YES
    return Steps(Level.ROW, FULL * yes // len(at.query.prefer), np.zeros(len(yes), np.bool_))


def _weeks(at: Sight) -> Steps:
    return singles.weeks(at.query, at.columns, at.card.features["weeks"].grid)


def _cases(at: Sight) -> Steps:
    return singles.cases(at.query, at.columns.cases, at.card.features["cases"].grid)


def _acceptance(at: Sight) -> Steps:
    return singles.acceptance(at.columns.record, at.card.features["acceptance"].grid)


def _freshness(at: Sight) -> Steps:
    return singles.freshness(at.query, at.columns.attested, at.card.features["freshness"].grid)


_CARD: Final = "scoring.md, Card 1"

FEATURES: Final = (
    Feature(
        "scene_fit",
        ("need.scenes",),
        ("package.levels",),
        RISING,
        _CARD,
        "场景契合",
        "scene fit",
        _scene_fit,
    ),
    Feature(
        "category",
        ("need.categories",),
        ("offering.categories",),
        RISING,
        _CARD,
        "产品类别",
        "category",
        _category,
    ),
    Feature(
        "text",
        ("need.text",),
        ("offering.text",),
        RISING,
        f"{_CARD} and 10",
        "需求描述",
        "wording",
        _text,
    ),
    Feature(
        "price",
        ("need.budget",),
        ("package.price",),
        FALLING,
        f"{_CARD} and 11",
        "首年价格",
        "first-year price",
        _price,
    ),
    Feature(
        "industry",
        ("profile.industries",),
        ("offering.industries",),
        RISING,
        _CARD,
        "行业",
        "industry",
        _industry,
    ),
    Feature(
        "scale",
        ("profile.scale",),
        ("package.scales",),
        RISING,
        _CARD,
        "企业规模",
        "firm size",
        _scale,
    ),
    Feature(
        "stage",
        ("profile.stage",),
        ("package.stages",),
        RISING,
        _CARD,
        "数字化阶段",
        "digital stage",
        _stage,
    ),
    Feature(
        "region",
        ("profile.region",),
        ("offering.regions",),
        RISING,
        _CARD,
        "服务地区",
        "region served",
        _region,
    ),
    Feature(
        "prefer",
        ("need.prefer",),
        ("offering.*", "package.*"),
        UNDIRECTED,
        _CARD,
        "偏好",
        "preferences",
        _prefer,
    ),
    Feature(
        "weeks",
        ("need.ready_by",),
        ("package.weeks",),
        FALLING,
        _CARD,
        "交付周期",
        "time to deliver",
        _weeks,
    ),
    Feature(
        "cases",
        ("profile.industries", "need.scenes"),
        ("offering.cases",),
        RISING,
        _CARD,
        "同行案例",
        "cases alike",
        _cases,
    ),
    Feature(
        "acceptance",
        (),
        ("offering.record",),
        RISING,
        _CARD,
        "按期验收",
        "accepted on time",
        _acceptance,
    ),
    Feature(
        "freshness", (), ("offering.attested",), RISING, _CARD, "信息新近", "up to date", _freshness
    ),
)

BY_NAME: Final = {feature.name: feature for feature in FEATURES}

PRICELESS_KINDS: Final = frozenset({"finance"})
"""Kinds without a price feature: amount, term and rate are read by musts and prefer."""


def applies(feature: Feature, kind: str) -> bool:
    """Whether the feature exists at all for needs of ``kind``."""
    return feature.name != "price" or kind not in PRICELESS_KINDS


def active(query: Query, text: TextScore) -> tuple[str, ...]:
    """A(q): the features whose needed facts are given, in registry order (scoring.md 8)."""
    return _active(query.kind, query.given(), is_heard=bool(text.known))


@lru_cache(maxsize=1024)
def _active(kind: str, given: frozenset[str], *, is_heard: bool) -> tuple[str, ...]:
    return tuple(
        feature.name
        for feature in FEATURES
        if applies(feature, kind)
        and given.issuperset(feature.needs)
        and (feature.name != "text" or is_heard)
    )


def encode(at: Sight, names: tuple[str, ...]) -> dict[str, Steps]:
    """The steps of the features ``names`` for every offering or row.

    The one encode of serving and training.
    """
    return {name: BY_NAME[name].steps(at) for name in names}


def matrix(steps: Mapping[str, Steps], planes: Planes) -> Int:
    """Steps as an array of shape (rows, features), in the order of ``steps``."""
    return np.column_stack([step.by_row(step.table, planes) for step in steps.values()])
