"""A match run: an answer, its versions, the digest a replay must reproduce (scoring.md 17)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from matchmaker.core.canonical import Canonical, canonical, digest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matchmaker.matching.answer import Answer, Item
    from matchmaker.matching.index import Published
    from matchmaker.ranking.query import Query

ENGINE: Final = "2"
"""Encoder and feature registry; raised with every change that changes an integer."""
RULES: Final = 1
"""Semantics of the rules."""
_INSTANT: Final = "%Y-%m-%dT%H:%M:%S.%fZ"


@dataclass(frozen=True, slots=True, kw_only=True)
class Versions:
    """Everything that shaped an answer beside its input."""

    base: int
    delta: int
    text: str
    model: str
    curation: int
    taxonomy: str
    glossary: str
    rules: int = RULES
    engine: str = ENGINE

    def canonical(self) -> dict[str, Canonical]:
        """The versions as they are digested and shown."""
        return {
            "index": {"base": self.base, "delta": self.delta},
            "text": self.text,
            "model": self.model,
            "curation": self.curation,
            "taxonomy": self.taxonomy,
            "glossary": self.glossary,
            "rules": self.rules,
            "engine": self.engine,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchRun:
    """One answered match."""

    query: Query
    published: Published
    answer: Answer
    versions: Versions
    scope: str
    seed: int | None
    body: Mapping[str, Canonical]
    """What the digest is taken of."""
    digest: str


def match_run(
    query: Query,
    published: Published,
    answer: Answer,
    versions: Versions,
    *,
    scope: str,
    decoded: Mapping[str, Canonical],
    seed: int | None = None,
) -> MatchRun:
    """The run; ``decoded`` is the input with its defaults filled in."""
    body: dict[str, Canonical] = {
        "input": dict(decoded),
        "caller": scope,
        "as_of": instant(query.as_of),
        "seed": seed,
        "versions": versions.canonical(),
        "funnel": {
            "considered": answer.funnel.considered,
            "excluded": dict(answer.funnel.excluded),
            "scored": answer.funnel.scored,
            "shown": answer.funnel.shown,
        },
        "items": [_item(item, published) for item in answer.items],
    }
    if answer.missed_floors:
        body["missed_floors"] = [canonical(each) for each in answer.missed_floors]
    return MatchRun(
        query=query,
        published=published,
        answer=answer,
        versions=versions,
        scope=scope,
        seed=seed,
        body=body,
        digest=f"sha256:{digest(body)}",
    )


def moment_of(instant: str) -> dt.datetime:
    """The time that `instant` wrote.

    Raises:
        ValueError: it did not write this.
    """
    return dt.datetime.strptime(instant, _INSTANT).replace(tzinfo=dt.UTC)


def instant(moment: dt.datetime) -> str:
    """A UTC timestamp to the microsecond, always of the same width."""
    return moment.astimezone(dt.UTC).strftime(_INSTANT)


def _item(item: Item, published: Published) -> Canonical:
    """An item in integers and codes: no title, no name, no phrase."""
    index = published.index
    return {
        "rank": item.rank,
        "offering_id": index.offering_ids[item.offering],
        "version": published.card(item.offering).version,
        "package": index.package_codes[item.row],
        "steps": dict(item.steps),
        "base": item.base,
        "contributions": dict(item.contributions),
        "curation": [
            {
                "rule": add.curation,
                "version": add.version,
                "thousandths": add.thousandths,
                "cut": add.cut,
                "adds": add.adds,
            }
            for add in item.curation
        ],
        "score": item.score,
        "fit": item.fit,
        "alternatives": [index.package_codes[row] for row in item.alternatives],
        "unconfirmed": list(item.unconfirmed),
        "not_stated": list(item.not_stated),
        "price": item.price,
        "price_3_years": item.price_3_years,
        "slate": [{"step": move.step, "moved": move.moved} for move in item.slate],
        **({} if item.drafted is None else {"team": item.drafted.team.value}),
    }
