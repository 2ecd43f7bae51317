"""Whether a programme names only what there is, and can be what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matchmaker.core.errors import FieldFault
from matchmaker.core.language import Bilingual

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matchmaker.policy.programmes.declaration import ProgrammeTerms
    from matchmaker.taxonomy.checking import Checker


def programme_faults(checker: Checker, said: ProgrammeTerms) -> Iterator[FieldFault]:
    """Every fault of what a programme says."""
    for number, place in enumerate(said.regions):
        yield from checker.place(place, f"#/regions/{number}")
    yield from checker.codes(said.industries, "gbt_4754_2017", "#/industries")
    yield from checker.rule(said.eligibility, "#/eligibility")
    begin, end = said.opens_on, said.closes_on
    if begin is not None and end is not None and end < begin:
        message = Bilingual(zh="早于开始日期", en="is before the day it opens")
        yield FieldFault("#/closes_on", "closes_before_it_opens", message)
