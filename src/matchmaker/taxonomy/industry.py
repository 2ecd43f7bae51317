"""Industry codes of GB/T 4754: one form for all spellings, hierarchy, ISIC classes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from matchmaker.taxonomy.registry import INDUSTRY

if TYPE_CHECKING:
    from collections.abc import Iterable

    from matchmaker.taxonomy.entries import Link
    from matchmaker.taxonomy.registry import Taxonomy

GROUP_LINKS = "gbt_4754_2017_to_isic_rev4"
DIVISION_LINKS = "gbt_4754_2017_to_isic_rev4_divisions"
_SEPARATORS = re.compile(r"[\s.\-_/]+")
_SHAPE = re.compile(r"([A-Z]?)((?:\d{2,4})?)", re.ASCII)
_DIVISION_DIGITS = 2


def normalise(taxonomy: Taxonomy, text: str) -> str | None:
    """The code with its letter for ``3311``, ``C-33-11`` or ``c3311``; null if unknown."""
    shape = _SHAPE.fullmatch(_SEPARATORS.sub("", text).upper())
    if shape is None:
        return None
    letter, digits = shape.groups()
    code = (letter or _section_of(taxonomy, digits[:_DIVISION_DIGITS])) + digits
    return code if code in taxonomy.scheme(INDUSTRY) else None


def _section_of(taxonomy: Taxonomy, division: str) -> str:
    """The letter of a division's number, which no two sections share; empty if there is none."""
    for section, divisions in taxonomy.scheme(INDUSTRY).children.items():
        if len(section) == 1 and section + division in divisions:
            return section
    return ""


def longest_prefix(code: str, among: Iterable[str]) -> str | None:
    """The longest of ``among`` that the code starts with; null if there is none."""
    return max((prefix for prefix in among if code.startswith(prefix)), key=len, default=None)


def chain(taxonomy: Taxonomy, code: str) -> tuple[str, ...]:
    """The code and everything above it, up to its section.

    Raises:
        CodeNotFound: the code is not of GB/T 4754.
    """
    above = taxonomy.scheme(INDUSTRY).ancestors(code)
    return (code, *(entry.code for entry in above))


def nearest_common(taxonomy: Taxonomy, a: str, b: str) -> str | None:
    """The narrowest code that holds both; null if they do not even share a section.

    Raises:
        CodeNotFound: one of them is not of GB/T 4754.
    """
    above_b = set(chain(taxonomy, b))
    return next((code for code in chain(taxonomy, a) if code in above_b), None)


def isic(taxonomy: Taxonomy, code: str) -> tuple[Link, ...]:
    """The ISIC Rev.4 classes of a class or group, the ISIC divisions of a division; closest first.

    The concordance covers manufacturing, elsewhere it is empty; a class has its group's links.

    Raises:
        CodeNotFound: the code is not of GB/T 4754.
    """
    by_group = taxonomy.concordances[GROUP_LINKS].links
    for place in chain(taxonomy, code):
        if place in by_group:
            return by_group[place]
    return taxonomy.concordances[DIVISION_LINKS].links.get(code, ())
