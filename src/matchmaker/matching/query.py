"""From what a caller says to codes and numbers; unknown stays unknown (step 1 of a match)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

import msgspec

from matchmaker.core.canonical import canonical, digest
from matchmaker.demand.checking import need_faults
from matchmaker.enterprise.checking import profile_faults
from matchmaker.enterprise.schemas import ProfileFacts
from matchmaker.ranking.facts import UNITS
from matchmaker.ranking.query import Query
from matchmaker.rules import Fact, Leaf, Rule, parse
from matchmaker.taxonomy import region, scale
from matchmaker.taxonomy.checking import Checker
from matchmaker.taxonomy.errors import UnusableInput

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matchmaker.demand.schemas import NeedFacts
    from matchmaker.enterprise.schemas import Amount
    from matchmaker.ranking.tokens import Tokenizer
    from matchmaker.taxonomy.fields import FieldCatalogue
    from matchmaker.taxonomy.registry import Taxonomy

_COUNTED_BASES: Final = ("computed",)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: a scope for the receipt, and the pools they hold. Anonymous callers hold none."""

    scope: str = "anonymous"
    pools: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Reader:
    """What turns a profile and a need into a query: the vocabularies, the fields, the tokenizer."""

    taxonomy: Taxonomy
    fields: FieldCatalogue
    tokenizer: Tokenizer
    currency: str

    def build(
        self,
        profile: ProfileFacts | None,
        need: NeedFacts,
        *,
        pools: Sequence[str] | None,
        caller: Caller,
        as_of: dt.datetime,
    ) -> Query:
        """The query.

        Raises:
            UnusableInput: with every unknown code and every rule that is malformed or cannot hold.
        """
        checker = Checker(self.taxonomy, self.fields)
        faults = [] if profile is None else list(profile_faults(checker, profile, "#/profile"))
        faults += need_faults(checker, need, "#/need")
        if faults:
            raise UnusableInput(errors=faults)
        facts = flat("profile", profile) | flat("need", need)
        size, basis = self._scale(profile)
        facts |= {"profile.scale": size, "profile.scale_basis": basis}
        plain, concepts = self.tokenizer.tokens(need.text) if need.text else (None, [])
        return Query(
            kind=need.kind,
            as_of=as_of,
            currency=need.budget.currency if need.budget else self.currency,
            digest=input_digest(profile, need, pools),
            facts=facts,
            pools=frozenset(pools or ()),
            caller_pools=caller.pools,
            industries=tuple(profile.industries or ()) if profile else (),
            region=self._prefecture(profile),
            scale=self._rank("scale", size),
            stage=self._rank("stage", profile.stage if profile else None),
            levels=(profile.scenes or {}) if profile else {},
            counts={unit: getattr(profile, unit, None) for unit in UNITS},
            profile_must=_rule(profile.must if profile else None),
            need_must=_rule(need.must),
            plain=None if plain is None else tuple(plain),
            concepts=tuple(concepts),
            scenes=tuple(dict.fromkeys(need.scenes or ())),
            categories=tuple(dict.fromkeys(need.categories or ())),
            budget=need.budget.amount if need.budget else None,
            ready_by=need.ready_by,
            prefer=tuple(leaf for leaf in map(parse, need.prefer or ()) if isinstance(leaf, Leaf)),
        )

    def _scale(self, profile: ProfileFacts | None) -> tuple[str | None, str | None]:
        """The firm's scale and its basis.

        Computed from its figures where they suffice, else as declared, else estimated.
        """
        if profile is None:
            return None, None
        found = scale.compute(self.taxonomy, figures_of(profile))
        if found.basis not in _COUNTED_BASES and profile.scale is not None:
            return profile.scale, "declared"
        return found.scale, found.basis if found.scale is not None else None

    def _prefecture(self, profile: ProfileFacts | None) -> str | None:
        """The region that offerings name: a county counts as its prefecture."""
        if profile is None or profile.region is None:
            return None
        return region.prefecture(self.taxonomy, profile.region) or profile.region

    def _rank(self, scheme: str, code: str | None) -> int | None:
        return None if code is None else self._ranked(scheme).index(code)

    def _ranked(self, scheme: str) -> tuple[str, ...]:
        return ranked_codes(self.taxonomy, scheme)


def figures_of(profile: ProfileFacts) -> scale.Figures:
    """The figures that the scale is computed from; the first industry counts."""
    return scale.Figures(
        employees=profile.employees,
        revenue=_amount(profile.revenue),
        assets=_amount(profile.assets),
        industry=profile.industries[0] if profile.industries else None,
    )


def input_digest(profile: ProfileFacts | None, need: NeedFacts, pools: Sequence[str] | None) -> str:
    """Hex sha256 of the decoded input.

    Every field is there, missing = null, lists as given (scoring.md 15).
    """
    return digest(
        {
            "profile": canonical(profile or ProfileFacts()),
            "need": canonical(need),
            "pools": canonical(pools),
        }
    )


def flat(owner: str, value: msgspec.Struct | None) -> dict[str, Fact]:
    """Every fact of ``value`` under its field name, as rules read it.

    Lists are sets, nested objects dotted.
    """
    found: dict[str, Fact] = {}
    if value is not None:
        _flatten(owner, msgspec.to_builtins(value, builtin_types=(dt.date,)), found)
    return found


def ranked_codes(taxonomy: Taxonomy, scheme: str) -> tuple[str, ...]:
    """The codes of an ordered vocabulary, lowest first."""
    entries = taxonomy.scheme(scheme).entries.values()
    return tuple(entry.code for entry in sorted(entries, key=lambda entry: entry.rank or 0))


def _flatten(prefix: str, value: Mapping[str, object], found: dict[str, Fact]) -> None:
    for name, each in value.items():
        field = f"{prefix}.{name}"
        if name in {"must", "prefer"}:
            continue
        if isinstance(each, dict):
            _flatten(field, cast("dict[str, object]", each), found)
        elif isinstance(each, list):
            found[field] = frozenset(map(str, cast("list[object]", each))) or None
        elif each is None or isinstance(each, bool | int | float | str | dt.date):
            found[field] = each


def _rule(data: object) -> Rule | None:
    return None if data is None else parse(data)


def _amount(money: Amount | None) -> scale.Amount | None:
    return None if money is None else scale.Amount(amount=money.amount, currency=money.currency)
