"""From what a caller says to codes and numbers; unknown stays unknown (step 1 of a match)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

import msgspec

from matchmaker.core.canonical import canonical, digest
from matchmaker.core.errors import FieldFault, Unprocessable
from matchmaker.core.language import Bilingual
from matchmaker.enterprise.schemas import ProfileFacts
from matchmaker.ranking.facts import UNITS
from matchmaker.ranking.query import Query
from matchmaker.rules import (
    Fact,
    FindingCode,
    Flaw,
    Leaf,
    MalformedRule,
    Rule,
    Severity,
    lint,
    parse,
    wording,
)
from matchmaker.taxonomy import region, scale
from matchmaker.taxonomy.registry import INDUSTRY, REGION

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from matchmaker.demand.schemas import Budget, NeedFacts
    from matchmaker.enterprise.schemas import Amount
    from matchmaker.ranking.tokens import Tokenizer
    from matchmaker.taxonomy.fields import FieldCatalogue
    from matchmaker.taxonomy.registry import Taxonomy

_COUNTED_BASES: Final = ("computed",)


class UnusableInput(Unprocessable):
    """The profile or the need names something that does not exist, or a rule that cannot hold."""

    slug = "unusable_input"
    title = Bilingual(zh="企业档案或需求无法使用", en="The profile or the need cannot be used")


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
        faults = [*self._profile_faults(profile), *self._need_faults(need)]
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

    def _profile_faults(self, profile: ProfileFacts | None) -> Iterator[FieldFault]:
        if profile is None:
            return
        yield from self._unknown(profile.industries, INDUSTRY, "#/profile/industries")
        yield from self._place(profile.region, "#/profile/region")
        yield from self._unknown(profile.systems, "solution_category", "#/profile/systems")
        yield from self._unknown(
            list(profile.scenes or ()), "sme_scene", "#/profile/scenes", keys=True
        )
        yield from self._unknown(list(profile.goals or ()), "goal", "#/profile/goals", keys=True)
        if profile.chain_role is not None and profile.chain_role not in self._codes("chain_role"):
            yield _unknown_code("#/profile/chain_role", profile.chain_role, "chain_role")
        for name in ("revenue", "assets", "yearly_budget"):
            yield from self._currency(getattr(profile, name), f"#/profile/{name}/currency")
        yield from self._rule_faults(profile.must, "#/profile/must")

    def _need_faults(self, need: NeedFacts) -> Iterator[FieldFault]:
        yield from self._unknown(need.scenes, "sme_scene", "#/need/scenes")
        yield from self._unknown(need.categories, "solution_category", "#/need/categories")
        yield from self._unknown(need.deployment, "deployment", "#/need/deployment")
        yield from self._place(need.region, "#/need/region")
        yield from self._currency(need.budget, "#/need/budget/currency")
        yield from self._rule_faults(need.must, "#/need/must")
        for place, leaf in enumerate(need.prefer or ()):
            yield from self._rule_faults(leaf, f"#/need/prefer/{place}", is_leaf=True)

    def _currency(self, money: Amount | Budget | None, at: str) -> Iterator[FieldFault]:
        if money is not None and money.currency not in self._codes("currency"):
            yield _unknown_code(at, money.currency, "currency")

    def _codes(self, scheme: str) -> frozenset[str]:
        return self.taxonomy.codes(scheme)

    def _place(self, code: str | None, at: str) -> Iterator[FieldFault]:
        if code is not None and region.normalise(self.taxonomy, code) is None:
            yield _unknown_code(at, code, REGION)

    def _unknown(
        self, codes: Sequence[str] | None, scheme: str, at: str, *, keys: bool = False
    ) -> Iterator[FieldFault]:
        known = self._codes(scheme)
        for place, code in enumerate(codes or ()):
            if code not in known:
                yield _unknown_code(f"{at}/{code if keys else place}", code, scheme)

    def _rule_faults(self, data: object, at: str, *, is_leaf: bool = False) -> Iterator[FieldFault]:
        if data is None:
            return
        try:
            rule = parse(data, at=at)
        except MalformedRule as error:
            yield _rule_fault(error.pointer, error.reason)
            return
        if is_leaf and not isinstance(rule, Leaf):
            said = Bilingual(zh="偏好只能是单个条件", en="a preference is a single leaf")
            yield FieldFault(at, "not_a_leaf", said)
        for finding in lint(rule, self.fields.spec, at=at):
            if finding.severity is Severity.ERROR:
                yield _rule_fault(finding.pointer, finding.code)


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


def _unknown_code(at: str, code: str, scheme: str) -> FieldFault:
    message = Bilingual(
        zh=f"“{code}”不是“{scheme}”中的代码", en=f"'{code}' is not a code of '{scheme}'"
    )
    return FieldFault(at, "unknown_code", message)


def _rule_fault(at: str, reason: Flaw | FindingCode) -> FieldFault:
    return FieldFault(
        at, "invalid_rule", Bilingual(zh=wording(reason, "zh"), en=wording(reason, "en"))
    )
