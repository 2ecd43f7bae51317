"""What offerings say, in the form an index takes it in.

Many say the same: what is said alike is one object wherever it comes from the same reading, so that
an index looks at each of these once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from matchmaker.ranking.facts import GROUP
from matchmaker.ranking.price import summed
from matchmaker.rules import Span

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence

    from matchmaker.ranking.facts import Case, OfferingFacts, PackageFacts
    from matchmaker.ranking.postings import Words
    from matchmaker.ranking.price import Summed
    from matchmaker.rules import Fact

Levels = tuple[tuple[str, tuple[int, int] | None], ...]
Cases = tuple[tuple[str, tuple[str, ...]], ...]
"""Of each verified case its group and its scenes."""

PROVIDER: Final = "provider"
KIND: Final = "kind"
PUBLIC: Final = "public"
POOLS: Final = "pools"
FROM: Final = "from"
TO: Final = "to"
ATTESTED: Final = "attested"
MUST: Final = "must"
RECORD: Final = "record"
CASES: Final = "cases"
DECLARED: Final = "offering."
"""Before the names that rules read; the others are columns of their own."""
CODE: Final = "code"
SCALES: Final = "scales"
STAGES: Final = "stages"
LEVELS: Final = "levels"
WEEKS: Final = "weeks"


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """A known value under the name of its column."""

    name: str
    value: Hashable


class Line(NamedTuple):
    """What one offering says; of each package, in its order, what it says and its price."""

    offering_id: str
    said: Sequence[Said]
    packages: Sequence[Sequence[Said]]
    prices: Sequence[Summed]
    text: Words


def line_of(facts: OfferingFacts) -> Line:
    """``facts`` as a line."""
    said = [
        Said(PROVIDER, facts.provider_id),
        Said(KIND, facts.kind),
        *visibility_said(facts.visibility),
        *dates_said(facts.valid_from, facts.valid_to, facts.attested),
        *declared_said(facts.declared),
        *cases_said(facts.cases),
    ]
    if facts.pools:
        said.append(Said(POOLS, facts.pools))
    if facts.must is not None:
        said.append(Said(MUST, facts.must))
    if facts.record is not None:
        said.append(Said(RECORD, facts.record))
    return Line(
        facts.offering_id,
        said,
        [[*_package_said(package)] for package in facts.packages],
        [summed(package.price) for package in facts.packages],
        facts.text,
    )


def visibility_said(visibility: str) -> tuple[Said, ...]:
    """Whether everyone may see an offering."""
    return (Said(PUBLIC, value=True),) if visibility == "public" else ()


def dates_said(
    valid_from: dt.date | None, valid_to: dt.date | None, attested: dt.date | None
) -> tuple[Said, ...]:
    """From when to when an offering is valid, and when its provider last stood by it."""
    dates = ((FROM, valid_from), (TO, valid_to), (ATTESTED, attested))
    return tuple(Said(name, date) for name, date in dates if date is not None)


def declared_said(declared: Mapping[str, Fact]) -> tuple[Said, ...]:
    """The facts that rules read, by their names behind ``offering.``."""
    return tuple(
        Said(f"{DECLARED}{name}", fact) for name, fact in declared.items() if fact is not None
    )


def cases_said(cases: Iterable[Case]) -> tuple[Said, ...]:
    """The verified cases of an offering: equal lists of them are equal, however they stand."""
    listed: Cases = tuple(sorted((c.industry[:GROUP], tuple(sorted(c.scenes))) for c in cases))
    return (Said(CASES, listed),) if listed else ()


def levels_said(levels: Mapping[str, tuple[int, int] | None]) -> tuple[Said, ...]:
    """The levels of a package by scene."""
    listed: Levels = tuple(sorted(levels.items()))
    return (Said(LEVELS, listed),) if listed else ()


def scales_said(scales: frozenset[str]) -> tuple[Said, ...]:
    """The scales of firms that a package is made for."""
    return (Said(SCALES, scales),) if scales else ()


def stages_said(stages: tuple[int, int] | None) -> tuple[Said, ...]:
    """The stages of firms that a package is made for, as ranks from-to."""
    return () if stages is None else (Said(STAGES, stages),)


def weeks_said(weeks: tuple[int, int] | None) -> tuple[Said, ...]:
    """How many weeks a package takes."""
    return () if weeks is None else (Said(WEEKS, Span(*weeks)),)


def _package_said(package: PackageFacts) -> Iterator[Said]:
    yield Said(CODE, package.code)
    yield from scales_said(package.scales)
    yield from stages_said(package.stages)
    yield from levels_said(package.levels)
    yield from weeks_said(package.weeks)
