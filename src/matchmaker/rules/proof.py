"""Why a rule got its answer: the tree again, each node with its answer and the fact it saw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matchmaker.rules.answer import Answer, Fact, Facts, every, leaf_answer, negation, some
from matchmaker.rules.tree import AllOf, Leaf, Not, Rule, parts

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Proof:
    """A node with its answer; `seen` is the fact of a leaf, `parts` are the proofs below others."""

    rule: Rule
    answer: Answer
    seen: Fact = None
    parts: tuple[Proof, ...] = ()


def prove(rule: Rule, facts: Facts) -> Proof:
    """The answer of a rule, and of every node below it."""
    if isinstance(rule, Leaf):
        fact = facts(rule.field)
        return Proof(rule, leaf_answer(rule.op, rule.value, fact), fact)
    below = tuple(prove(part, facts) for part in parts(rule))
    return Proof(rule, _combined(rule, below), parts=below)


def missing(proof: Proof) -> tuple[str, ...]:
    """The fields that can still change the answer, sorted and distinct.

    An unknown leaf below a node that is decided already is not missing.
    """
    return tuple(sorted(set(_open_fields(proof))))


def _combined(rule: Rule, below: tuple[Proof, ...]) -> Answer:
    if isinstance(rule, Not):
        return negation(below[0].answer)
    answers = (part.answer for part in below)
    return every(answers) if isinstance(rule, AllOf) else some(answers)


def _open_fields(proof: Proof) -> Iterator[str]:
    if proof.answer != Answer.UNKNOWN:
        return
    if isinstance(proof.rule, Leaf):
        yield proof.rule.field
    for part in proof.parts:
        yield from _open_fields(part)
