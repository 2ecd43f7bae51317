"""Whether a need names only what there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matchmaker.core.errors import FieldFault
    from matchmaker.demand.schemas import NeedFacts
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
