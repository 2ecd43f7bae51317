"""From what a caller says to codes and numbers; unknown stays unknown (step 1 of a match)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from matchmaker.core.canonical import canonical, digest
from matchmaker.demand.checking import need_faults
from matchmaker.enterprise.checking import profile_faults
from matchmaker.enterprise.declaration import ProfileFacts
from matchmaker.enterprise.derived import Size, size_of
from matchmaker.ranking.facts import UNITS
from matchmaker.ranking.query import Query
from matchmaker.rules import Leaf, Rule, parse
from matchmaker.taxonomy import region
from matchmaker.taxonomy.checking import Checker
from matchmaker.taxonomy.errors import UnusableInput
from matchmaker.taxonomy.facts import flat

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from matchmaker.demand.declaration import NeedFacts
    from matchmaker.ranking.tokens import Tokenizer
    from matchmaker.taxonomy.fields import FieldCatalogue
    from matchmaker.taxonomy.registry import Taxonomy

_ANONYMOUS: Final = "anonymous"
_ORGANISATION: Final = "organisation:"
_POOLS: Final = ";pools:"
_SCOPE: Final = re.compile(
    f"{_ANONYMOUS}|{_ORGANISATION}(?P<organisation>[0-9a-f-]{{36}})"
    f"({_POOLS}(?P<pools>[A-Za-z0-9_.-]+(,[A-Za-z0-9_.-]+)*))?"
)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: an organisation with the pools it holds, or nobody in particular."""

    organisation: str | None = None
    pools: frozenset[str] = frozenset()

    @property
    def scope(self) -> str:
        """The caller as a receipt names it: whatever decides what they may see."""
        if self.organisation is None:
            return _ANONYMOUS
        held = f"{_POOLS}{','.join(sorted(self.pools))}" if self.pools else ""
        return f"{_ORGANISATION}{self.organisation}{held}"

    @classmethod
    def of(cls, scope: str) -> Caller:
        """The caller that a receipt names so.

        Raises:
            ValueError: no receipt names one so.
        """
        found = _SCOPE.fullmatch(scope)
        if found is None:
            raise ValueError(f"{scope!r} names no caller")
        held = found["pools"]
        return cls(found["organisation"], frozenset(held.split(",") if held else ()))


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
        size = Size() if profile is None else size_of(self.taxonomy, profile)
        facts |= {"profile.scale": size.scale, "profile.scale_basis": size.basis}
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
            scale=self._rank("scale", size.scale),
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

    def _prefecture(self, profile: ProfileFacts | None) -> str | None:
        """The region that offerings name: a county counts as its prefecture."""
        if profile is None or profile.region is None:
            return None
        return region.prefecture(self.taxonomy, profile.region) or profile.region

    def _rank(self, scheme: str, code: str | None) -> int | None:
        return None if code is None else self._ranked(scheme).index(code)

    def _ranked(self, scheme: str) -> tuple[str, ...]:
        return ranked_codes(self.taxonomy, scheme)


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


def ranked_codes(taxonomy: Taxonomy, scheme: str) -> tuple[str, ...]:
    """The codes of an ordered vocabulary, lowest first."""
    entries = taxonomy.scheme(scheme).entries.values()
    return tuple(entry.code for entry in sorted(entries, key=lambda entry: entry.rank or 0))


def _rule(data: object) -> Rule | None:
    return None if data is None else parse(data)
