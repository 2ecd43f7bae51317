"""Places: six digits of GB/T 2260, from county to prefecture to province."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from matchmaker.taxonomy.registry import REGION

if TYPE_CHECKING:
    from matchmaker.taxonomy.registry import Taxonomy

_SHAPE = re.compile(r"\d{2}(\d{2}(\d{2})?)?", re.ASCII)
_COUNTY = re.compile(r"\d{6}", re.ASCII)
_DIGITS = 6
_PROVINCE_END = "0000"
_PREFECTURE_END = "00"


def normalise(taxonomy: Taxonomy, text: str) -> str | None:
    """The six digits of a place given as 2, 4 or 6 digits; null if the province is unknown.

    A county is taken on its form: the tables stop at prefectures.
    """
    digits = text.strip()
    if _SHAPE.fullmatch(digits) is None:
        return None
    code = digits.ljust(_DIGITS, "0")
    if province(taxonomy, code) is None:
        return None
    return code if _is_place(taxonomy, code) else None


def province(taxonomy: Taxonomy, code: str) -> str | None:
    """The province of a place; null if there is none."""
    found = code[:2] + _PROVINCE_END
    return found if found in taxonomy.scheme(REGION) else None


def prefecture(taxonomy: Taxonomy, code: str) -> str | None:
    """The prefecture of a place; null for a province or where there is none.

    A county that a province runs directly stands under its ``xx9000``, every district and county
    of a municipality under its ``xx0100``.
    """
    if len(code) != _DIGITS or code.endswith(_PROVINCE_END):
        return None
    places = taxonomy.scheme(REGION)
    own = code[:4] + _PREFECTURE_END
    if own in places and not own.endswith(_PROVINCE_END):
        return own
    above = province(taxonomy, code)
    if above is not None and places.entry(above).extra["type"] == "municipality":
        return next(iter(places.children[above]))
    return None


def chain(taxonomy: Taxonomy, code: str) -> tuple[str, ...]:
    """The place itself, its prefecture and its province, each once; empty for an unknown place."""
    found = (code, prefecture(taxonomy, code), province(taxonomy, code))
    if found[2] is None or not _is_place(taxonomy, code):
        return ()
    return tuple(dict.fromkeys(place for place in found if place is not None))


def is_placeholder(taxonomy: Taxonomy, code: str) -> bool:
    """Whether the code stands for several places and names none: ``xx0100``, ``xx9000``."""
    places = taxonomy.scheme(REGION)
    return code in places and "placeholder" in str(places.entry(code).extra["flags"] or "").split()


def is_separately_planned(taxonomy: Taxonomy, code: str) -> bool:
    """Whether the place lies in a city whose rules are not its province's (Dalian, Ningbo, ...)."""
    found = prefecture(taxonomy, code)
    if found is None:
        return False
    flags = str(taxonomy.entry(REGION, found).extra["flags"] or "").split()
    return "separately_planned" in flags


def _is_place(taxonomy: Taxonomy, code: str) -> bool:
    places = taxonomy.scheme(REGION)
    if code in places:
        return True
    if _COUNTY.fullmatch(code) is None:
        return False
    # A county: its prefecture is known, or its province has no prefectures at all.
    above = province(taxonomy, code)
    is_county = not code.endswith(_PREFECTURE_END)
    no_prefectures = above is not None and above not in places.children
    return is_county and (prefecture(taxonomy, code) is not None or no_prefectures)
