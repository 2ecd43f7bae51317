"""A rule, or its proof, shown back as one sentence in Chinese or English."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Protocol

from matchmaker.rules.answer import Fact, Span, is_unknown
from matchmaker.rules.grammar import GRAMMARS, Grammar
from matchmaker.rules.tree import AllOf, Leaf, Not, Rule

if TYPE_CHECKING:
    from matchmaker.rules.proof import Proof


class Words(Protocol):
    """The words of one language for fields and values; the catalogue and vocabularies give them."""

    @property
    def language(self) -> str:
        """`zh` or `en`."""
        ...

    def field(self, name: str) -> str:
        """The field as a noun phrase inside a sentence; in English in the singular."""
        ...

    def value(self, field: str, value: object) -> str:
        """One value of the field: a code's label, money or a date as the language writes it.

        Takes what a rule or a fact holds: text, number, bool, ISO date, and the code `all`.
        """
        ...


def sentence(rule: Rule, words: Words) -> str:
    """What the rule asks, without full stop; a group inside another stands in brackets.

    Raises:
        KeyError: The language is neither zh nor en.
    """
    return _Writer(words, GRAMMARS[words.language]).clause(rule, None, is_part=False)


def proof_sentence(proof: Proof, words: Words) -> str:
    """What the rule asks, with the fact seen and the answer behind each leaf.

    Raises:
        KeyError: The language is neither zh nor en.
    """
    grammar = GRAMMARS[words.language]
    clause = _Writer(words, grammar).clause(proof.rule, proof, is_part=False)
    if isinstance(proof.rule, Leaf):
        return clause
    return grammar.overall.format(clause=clause, answer=grammar.answers[proof.answer])


@dataclass(frozen=True, slots=True)
class _Writer:
    words: Words
    grammar: Grammar

    def clause(self, rule: Rule, proof: Proof | None, *, is_part: bool) -> str:
        if isinstance(rule, Leaf):
            return self._leaf(rule, proof)
        if isinstance(rule, Not):
            return self._denial(rule.part, proof, is_part=is_part)
        if not rule.parts:
            return self.grammar.no_condition if isinstance(rule, AllOf) else self.grammar.no_way
        below = proof.parts if proof else (None,) * len(rule.parts)
        is_group = len(rule.parts) > 1
        clauses = [
            self.clause(part, part_proof, is_part=is_group or is_part)
            for part, part_proof in zip(rule.parts, below, strict=True)
        ]
        join = self.grammar.conjunction if isinstance(rule, AllOf) else self.grammar.disjunction
        return self._grouped(join.join(clauses), needed=is_part and is_group)

    def _denial(self, part: Rule, proof: Proof | None, *, is_part: bool) -> str:
        if proof is None and isinstance(part, Leaf) and part.op in self.grammar.denied:
            return self._pattern(self.grammar.denied[part.op], part)
        below = proof.parts[0] if proof else None
        inner = self.clause(part, below, is_part=True)
        is_leaf = isinstance(part, Leaf)
        pattern = self.grammar.leaf_negation if is_leaf else self.grammar.negation
        return self._grouped(pattern.format(clause=inner), needed=is_part)

    def _leaf(self, leaf: Leaf, proof: Proof | None) -> str:
        is_several = isinstance(leaf.value, tuple) and len(leaf.value) > 1
        patterns = self.grammar.several if is_several else self.grammar.one
        clause = self._pattern(patterns.get(leaf.op, self.grammar.one[leaf.op]), leaf)
        if proof is None:
            return clause
        answer = self.grammar.answers[proof.answer]
        if is_unknown(proof.seen):
            return self.grammar.not_stated.format(clause=clause, answer=answer)
        fact = self._fact(leaf.field, proof.seen)
        return self.grammar.seen.format(clause=clause, fact=fact, answer=answer)

    def _pattern(self, pattern: str, leaf: Leaf) -> str:
        values = leaf.value if isinstance(leaf.value, tuple) else (leaf.value,)
        said = [] if leaf.value is None else [self.words.value(leaf.field, v) for v in values]
        first, last = (said[0], said[-1]) if said else ("", "")
        return pattern.format(
            field=self.words.field(leaf.field),
            value=first,
            values=self.grammar.comma.join(said),
            low=first,
            high=last,
        )

    def _fact(self, field: str, fact: Fact) -> str:
        if isinstance(fact, Span):
            low, high = self.words.value(field, fact.low), self.words.value(field, fact.high)
            return self.grammar.span.format(low=low, high=high)
        if isinstance(fact, frozenset):
            return self.grammar.comma.join(self.words.value(field, item) for item in sorted(fact))
        return self.words.value(field, fact.isoformat() if isinstance(fact, date) else fact)

    def _grouped(self, clause: str, *, needed: bool) -> str:
        return self.grammar.group.format(clause=clause) if needed else clause
