"""What the rules of a pool answer to the facts of one offering, and what is missing for more."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from matchmaker.rules import AllOf, Answer, AnyOf, Leaf, Not, Proof, Rule, Span, parse, prove
from matchmaker.rules import fields as read_fields

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from matchmaker.catalog.pools.terms import Terms
    from matchmaker.rules import Fact, Facts
    from matchmaker.taxonomy.fields import FieldCatalogue

NAMES: Final[Mapping[Answer, str]] = {
    Answer.NO: "no",
    Answer.UNKNOWN: "unknown",
    Answer.YES: "yes",
}
_ANSWERS: Final = {name: answer for answer, name in NAMES.items()}


@dataclass(frozen=True, slots=True)
class TierCheck:
    """What the rule of one tier answers."""

    code: str
    proof: Proof


@dataclass(frozen=True, slots=True)
class Check:
    """The proof of the admission rule and of every tier's, lowest first."""

    proof: Proof
    tiers: tuple[TierCheck, ...]
    currencies: Mapping[str, str]
    """By field the currency of an amount that was seen."""

    @property
    def answer(self) -> Answer:
        """What the admission rule answers."""
        return self.proof.answer

    @property
    def tier(self) -> str | None:
        """The highest tier that is reached; a tier is reached through all that stands below it."""
        reached = None
        if self.answer is Answer.YES:
            for tier in self.tiers:
                if tier.proof.answer is not Answer.YES:
                    break
                reached = tier.code
        return reached

    @property
    def next_tier(self) -> TierCheck | None:
        """The lowest tier that is not reached; None where there is no higher one."""
        reached = self.tier
        codes = [tier.code for tier in self.tiers]
        place = 0 if reached is None else codes.index(reached) + 1
        return self.tiers[place] if place < len(self.tiers) else None

    def missing_for_admission(self) -> tuple[Proof, ...]:
        """The conditions of the admission rule that are not met, or not known to be."""
        return tuple(unmet(self.proof))

    def missing_for_next(self) -> tuple[Proof, ...]:
        """The conditions that stand between the offering and its next tier."""
        following = self.next_tier
        return () if following is None else (*unmet(self.proof), *unmet(following.proof))


def check(terms: Terms, facts: Facts, fields: FieldCatalogue) -> Check:
    """What the rules of ``terms`` answer to ``facts``."""
    rules = [parse(terms.rule), *(parse(tier.rule) for tier in terms.tiers)]
    read = {name for rule in rules for name in read_fields(rule)}
    money = {fields.get(name).definition.money for name in read} - {None}
    seen = {name: facts(name) for name in money if name is not None}
    return Check(
        prove(rules[0], facts),
        tuple(
            TierCheck(tier.code, prove(rule, facts))
            for tier, rule in zip(terms.tiers, rules[1:], strict=True)
        ),
        {name: code for name, code in seen.items() if isinstance(code, str)},
    )


def unmet(proof: Proof) -> Iterator[Proof]:
    """The conditions that must all hold and do not answer yes; alternatives stay one condition."""
    if proof.answer is Answer.YES:
        return
    if isinstance(proof.rule, AllOf):
        for part in proof.parts:
            yield from unmet(part)
    else:
        yield proof


def stored(found: Check) -> dict[str, Any]:
    """The check as JSON data; `restored` gives it back."""
    return {
        "proof": proof_data(found.proof),
        "tiers": [{"code": tier.code, "proof": proof_data(tier.proof)} for tier in found.tiers],
        "currencies": dict(found.currencies),
    }


def restored(data: dict[str, Any]) -> Check:
    """The check as it was when it was stored, whatever rules and facts are now."""
    tiers = tuple(TierCheck(tier["code"], proof_of(tier["proof"])) for tier in data["tiers"])
    return Check(proof_of(data["proof"]), tiers, data["currencies"])


def proof_data(proof: Proof) -> dict[str, Any]:
    """A proof as JSON data: the rule, with the answer of every node and the fact of every leaf."""
    data: dict[str, Any] = {"answer": NAMES[proof.answer]}
    rule = proof.rule
    if isinstance(rule, Leaf):
        value = list(rule.value) if isinstance(rule.value, tuple) else rule.value
        return {
            **data,
            "field": rule.field,
            "op": rule.op.value,
            "value": value,
            "seen": _fact_data(proof.seen),
        }
    below = [proof_data(part) for part in proof.parts]
    key = "not" if isinstance(rule, Not) else "all" if isinstance(rule, AllOf) else "any"
    return {**data, key: below[0] if isinstance(rule, Not) else below}


def proof_of(data: dict[str, Any]) -> Proof:
    """The proof that `proof_data` wrote."""
    answer = _ANSWERS[data["answer"]]
    if "field" in data:
        plain = {name: data[name] for name in ("field", "op", "value") if data[name] is not None}
        return Proof(parse(plain), answer, _fact_of(data["seen"]))
    if "not" in data:
        part = proof_of(data["not"])
        return Proof(Not(part.rule), answer, parts=(part,))
    below = tuple(proof_of(part) for part in data["all" if "all" in data else "any"])
    rules: tuple[Rule, ...] = tuple(part.rule for part in below)
    return Proof(AllOf(rules) if "all" in data else AnyOf(rules), answer, parts=below)


def _fact_data(fact: Fact) -> object:
    if isinstance(fact, frozenset):
        return {"set": sorted(fact)}
    if isinstance(fact, Span):
        return {"from": fact.low, "to": fact.high}
    return {"date": fact.isoformat()} if isinstance(fact, dt.date) else fact


def _fact_of(data: object) -> Fact:
    if not isinstance(data, dict):
        return cast("Fact", data)
    found = cast("dict[str, Any]", data)
    if "set" in found:
        return frozenset(found["set"])
    if "date" in found:
        return dt.date.fromisoformat(found["date"])
    return Span(found["from"], found["to"])
