"""What of a query its screen and each feature depend on: queries alike in it have the same.

Of many needs on one index this says what is worked out once. It names more than is read where that
is simpler, never less: a property test holds scores that were shared to scores that were not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from matchmaker.ranking.facts import UNITS
from matchmaker.rules import fields

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping

    from matchmaker.ranking.query import Query
    from matchmaker.rules import Rule

PRICE: Final = "package.price"
OF_OFFERINGS: Final = ("offering.", "package.")
"""Before the facts that rules read of the index and not of the query."""


def of_screen(query: Query, asked: Iterable[str]) -> Hashable:
    """What the verdict on an index depends on whose providers' musts read the fields ``asked``."""
    musts = [rule for rule in (query.profile_must, query.need_must) if rule is not None]
    considered = query.kind, query.today, query.pools, query.caller_pools
    # As they are written: of rules that are equal one may ask for true and one for 1.
    written = repr(query.profile_must), repr(query.need_must)
    return considered, written, _facts(query, {*asked, *fields_of(musts)})


def fields_of(rules: Iterable[Rule]) -> set[str]:
    """The fields that ``rules`` read and no index has; the price too, which is of both."""
    read = {field for rule in rules for field in fields(rule)}
    return {field for field in read if field == PRICE or not field.startswith(OF_OFFERINGS)}


def of_feature(name: str, query: Query) -> Hashable:
    """What the steps of the feature depend on, of needs that are alike for the screen."""
    return ASKS[name](query)


def _facts(query: Query, read: Iterable[str]) -> Hashable:
    """The facts of these fields with their types: true is no 1."""
    facts = [(field, query.facts.get(field)) for field in sorted(read) if field != PRICE]
    told = tuple((field, type(fact), fact) for field, fact in facts)
    return told, _counts(query) if PRICE in read else None


def _counts(query: Query) -> Hashable:
    return query.currency, tuple(query.counts.get(unit) for unit in UNITS)


def _scene_fit(query: Query) -> Hashable:
    return query.scenes, tuple(query.levels.get(scene) for scene in query.scenes)


def _text(query: Query) -> Hashable:
    return query.plain, query.concepts


def _price(query: Query) -> Hashable:
    return query.budget, _counts(query)


def _prefer(query: Query) -> Hashable:
    return repr(query.prefer), _facts(query, fields_of(query.prefer))


def _cases(query: Query) -> Hashable:
    return query.industries, query.scenes


ASKS: Final[Mapping[str, Callable[[Query], Hashable]]] = {
    "scene_fit": _scene_fit,
    "category": lambda query: query.categories,
    "text": _text,
    "price": _price,
    "industry": lambda query: query.industries,
    "scale": lambda query: query.scale,
    "stage": lambda query: query.stage,
    "region": lambda query: query.region,
    "prefer": _prefer,
    "weeks": lambda query: query.ready_by,
    "cases": _cases,
    "acceptance": lambda _: (),
    "freshness": lambda _: (),
}
"""By feature."""
