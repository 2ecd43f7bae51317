"""Whether a profile names only what there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matchmaker.taxonomy.registry import INDUSTRY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matchmaker.core.errors import FieldFault
    from matchmaker.enterprise.declaration import ProfileFacts
    from matchmaker.taxonomy.checking import Checker

_MONEY = ("revenue", "assets", "yearly_budget")


def profile_faults(checker: Checker, profile: ProfileFacts, at: str) -> Iterator[FieldFault]:
    """Every unknown code of ``profile``, and what is wrong with its rule; pointers below ``at``."""
    yield from checker.codes(profile.industries, INDUSTRY, f"{at}/industries")
    yield from checker.place(profile.region, f"{at}/region")
    yield from checker.codes(profile.systems, "solution_category", f"{at}/systems")
    yield from checker.codes(list(profile.scenes or ()), "sme_scene", f"{at}/scenes", keys=True)
    yield from checker.codes(list(profile.goals or ()), "goal", f"{at}/goals", keys=True)
    yield from checker.code(profile.chain_role, "chain_role", f"{at}/chain_role")
    for name in _MONEY:
        money = getattr(profile, name)
        if money is not None:
            yield from checker.code(money.currency, "currency", f"{at}/{name}/currency")
    yield from checker.rule(profile.must, f"{at}/must")
