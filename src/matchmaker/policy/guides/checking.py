"""Whether a guide names only what there is, and each scene once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matchmaker.core.errors import FieldFault
from matchmaker.core.language import Bilingual

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matchmaker.policy.guides.declaration import GuideTerms
    from matchmaker.taxonomy.checking import Checker


def guide_faults(checker: Checker, said: GuideTerms) -> Iterator[FieldFault]:
    """Every fault of what a guide says."""
    yield from checker.codes(said.industries, "gbt_4754_2017", "#/industries")
    yield from checker.place(said.region, "#/region")
    yield from checker.codes(said.scenes, "sme_scene", "#/scenes")
    for place, code in enumerate(said.scenes):
        if code in said.scenes[:place]:
            message = Bilingual(zh=f"场景“{code}”重复", en=f"names the scene '{code}' again")
            yield FieldFault(f"#/scenes/{place}", "repeated", message)
