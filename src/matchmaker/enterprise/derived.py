"""What follows from a firm's facts: its size and what that rests on, and how much is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from matchmaker.taxonomy import scale
from matchmaker.taxonomy.facts import flat

if TYPE_CHECKING:
    from matchmaker.enterprise.declaration import Amount, ProfileFacts
    from matchmaker.taxonomy.fields import Field, FieldCatalogue
    from matchmaker.taxonomy.registry import Taxonomy

COMPUTED: Final = "computed"
DECLARED: Final = "declared"
ELIGIBLE: Final = frozenset({COMPUTED, "official"})
"""Bases that a size must rest on to count where something is only for firms of a size."""

_OWNER: Final = "profile"
_SCALE: Final = "profile.scale"
_WHOLE_ONLY: Final = frozenset({"minor_unit", "share"})
"""Units of parts that say something only together: an amount, the weights of the goals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """A firm's size and its basis; ``scheme`` is what computed or estimated it, else null."""

    scale: str | None = None
    basis: str | None = None
    scheme: str | None = None
    edition: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """All that follows from one set of facts under one release of the taxonomy."""

    scale: str | None
    scale_basis: str | None
    scale_scheme: str | None
    scale_edition: str | None
    stage: str | None
    completeness: int
    """Per cent, rounded down: 100 only where nothing is missing."""
    missing: tuple[str, ...]
    """The fields that are asked for and not known, in the order of the catalogue."""


def derive(fields: FieldCatalogue, facts: ProfileFacts) -> Derived:
    """What follows from ``facts``; the stage is the stated one."""
    size = size_of(fields.taxonomy, facts)
    asked, known = asked_of_a_firm(fields), _known(facts, size)
    missing = tuple(name for name in asked if name not in known)
    return Derived(
        scale=size.scale,
        scale_basis=size.basis,
        scale_scheme=size.scheme,
        scale_edition=size.edition,
        stage=facts.stage,
        completeness=100 * (len(asked) - len(missing)) // len(asked),
        missing=missing,
    )


def size_of(taxonomy: Taxonomy, facts: ProfileFacts) -> Size:
    """Computed from the figures where they suffice, else as declared, else estimated."""
    found = by_figures(taxonomy, facts)
    if found.basis != COMPUTED and facts.scale is not None:
        return Size(scale=facts.scale, basis=DECLARED)
    if found.scale is None:
        return Size()
    edition = scale.scheme_of(taxonomy, found.scheme).header.edition
    return Size(scale=found.scale, basis=found.basis, scheme=found.scheme, edition=edition)


def by_figures(taxonomy: Taxonomy, facts: ProfileFacts) -> scale.Scale:
    """What the default scheme says of the figures alone; the first industry counts."""
    figures = scale.Figures(
        employees=facts.employees,
        revenue=_amount(facts.revenue),
        assets=_amount(facts.assets),
        industry=facts.industries[0] if facts.industries else None,
    )
    return scale.compute(taxonomy, figures)


def asked_of_a_firm(fields: FieldCatalogue) -> tuple[str, ...]:
    """The facts that a firm is asked for one by one.

    Each scene is a question of its own; an amount with its currency is one, the goals are one. A
    standing rule is none: a firm without one has left nothing out.
    """
    names = [field.name for field in fields if _is_asked(field)]
    parents = {name.rpartition(".")[0] for name in names}
    return tuple(name for name in names if name not in parents)


def _is_asked(field: Field) -> bool:
    said = field.definition
    is_part = field.name.count(".") > 1
    is_alone = not is_part or (said.unit not in _WHOLE_ONLY and said.vocabulary != "currency")
    is_ours = field.owner == _OWNER and said.stated_by == "sme" and said.type != "rule"
    return is_ours and is_alone


def _known(facts: ProfileFacts, size: Size) -> frozenset[str]:
    """Every field with a value, and what such a field is a part of."""
    stated = flat(_OWNER, facts)
    names = {name for name, value in stated.items() if value is not None}
    if size.basis in ELIGIBLE:
        names.add(_SCALE)
    return frozenset(names | {name.rpartition(".")[0] for name in names})


def _amount(money: Amount | None) -> scale.Amount | None:
    return None if money is None else scale.Amount(amount=money.amount, currency=money.currency)
