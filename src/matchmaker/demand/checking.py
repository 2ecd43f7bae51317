"""Whether a need names only what there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matchmaker.core.errors import FieldFault
from matchmaker.core.language import Bilingual
from matchmaker.demand.declaration import NeedVisibility

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matchmaker.demand.declaration import NeedFacts, NeedTerms
    from matchmaker.taxonomy.checking import Checker


def need_faults(checker: Checker, need: NeedFacts, at: str) -> Iterator[FieldFault]:
    """Every unknown code of ``need``, and what is wrong with its rules; pointers below ``at``."""
    yield from checker.codes(need.scenes, "sme_scene", f"{at}/scenes")
    yield from checker.codes(need.categories, "solution_category", f"{at}/categories")
    yield from checker.codes(need.deployment, "deployment", f"{at}/deployment")
    yield from checker.place(need.region, f"{at}/region")
    if need.budget is not None:
        yield from checker.code(need.budget.currency, "currency", f"{at}/budget/currency")
    yield from checker.rule(need.must, f"{at}/must")
    for place, leaf in enumerate(need.prefer or ()):
        yield from checker.rule(leaf, f"{at}/prefer/{place}", is_leaf=True)


def terms_faults(checker: Checker, need: NeedTerms, at: str = "#") -> Iterator[FieldFault]:
    """Everything that keeps ``need`` from being stored, as a draft even; pointers below ``at``."""
    yield from need_faults(checker, need, at)
    yield from checker.codes(need.scenarios, "im_scenario", f"{at}/scenarios")
    yield from checker.codes(need.standards, "cn_im_standard_2024", f"{at}/standards")
    if need.visibility is NeedVisibility.POOL and not need.pools:
        said = Bilingual(zh="按名录可见时须指明名录", en="visibility pool needs the pools")
        yield FieldFault(f"{at}/pools", "missing_pools", said)
    elif need.visibility is not NeedVisibility.POOL and need.pools:
        said = Bilingual(zh="只有按名录可见时才能指明名录", en="only visibility pool has pools")
        yield FieldFault(f"{at}/pools", "pools_without_effect", said)
