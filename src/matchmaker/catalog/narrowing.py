"""What a list of offerings is narrowed to, as conditions on their published versions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import Text, literal, or_
from sqlalchemy.dialects.postgresql import ARRAY

from matchmaker.catalog.models import Offering, OfferingVersion

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

_ALL: Final = "all"
_PARTS_OF_STANDARD: Final = ("class", "sub")
_SECTION: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferingFilter:
    """What a list is narrowed to: who serves an industry names it, a wider one or all."""

    kind: str | None = None
    category: str | None = None
    industry: str | None = None
    region: str | None = None
    scenario: str | None = None
    standard: str | None = None
    """A class of the standard system, or a sub-class."""


def matching(wanted: OfferingFilter) -> list[ColumnElement[bool]]:
    """The conditions; none for what nothing was asked of."""
    rules: list[ColumnElement[bool]] = []
    if wanted.kind is not None:
        rules.append(Offering.kind == wanted.kind)
    if wanted.category is not None:
        rules.append(_declares("categories", [wanted.category]))
    if wanted.industry is not None:
        rules.append(_declares("industries", _industry_and_wider(wanted.industry)))
    if wanted.region is not None:
        rules.append(_declares("regions", [wanted.region, wanted.region[:2] + "0000"]))
    if wanted.scenario is not None:
        rules.append(OfferingVersion.document["scenarios"].has_key(wanted.scenario))
    if wanted.standard is not None:
        stated = OfferingVersion.document["standards"]
        ways = [stated.contains([{part: wanted.standard}]) for part in _PARTS_OF_STANDARD]
        rules.append(or_(*ways))
    return rules


def _declares(name: str, codes: list[str]) -> ColumnElement[bool]:
    accepted = literal([*dict.fromkeys((*codes, _ALL))], ARRAY(Text))
    return OfferingVersion.document[name].bool_op("?|")(accepted)


def _industry_and_wider(code: str) -> list[str]:
    """``C331`` gives C331, C33 and C: section, division (two digits), group, class (GB/T 4754)."""
    division = _SECTION + 2
    return [code[:length] for length in (_SECTION, *range(division, len(code) + 1))]
