"""Texts as our index keeps them, and what each scores for a query: the text score alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matchmaker.ranking import postings, text
from matchmaker.ranking.facts import OfferingFacts
from matchmaker.ranking.text import Sums, TextWeights
from matchmaker.ranking.tokens import Tokenizer

Told = Mapping[str, Sequence[str]]
"""What a document says, by language: the fields that are read, each as often as it counts."""


class Texts:
    """Documents in an index of their own."""

    def __init__(self, told: Sequence[Told], tokenizer: Tokenizer, weights: TextWeights) -> None:
        """Index them in their order."""
        facts = [
            OfferingFacts(
                offering_id=str(place),
                provider_id="p",
                kind="solution",
                packages=(),
                text={language: tokenizer.count(said) for language, said in each.items()},
            )
            for place, each in enumerate(told)
        ]
        self._index = postings.index_text(facts, postings.statistics(facts), weights)
        self._tokenizer = tokenizer

    def tokens(self, query: str) -> list[str]:
        """What is asked for."""
        plain, concepts = self._tokenizer.tokens(query)
        return [*plain, *concepts]

    def sums(self, query: str) -> Sums:
        """The score of each document."""
        return text.score(self.tokens(query), self._index).sums
