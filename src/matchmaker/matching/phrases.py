"""What a match says, in one language.

Phrases of features, sentences of rules, questions, cautions.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import msgspec

from matchmaker.core.wire import Text
from matchmaker.ranking import screen
from matchmaker.ranking.features import BY_NAME
from matchmaker.ranking.steps import FULL
from matchmaker.rules import Rule, Span, proof_sentence, prove, sentence

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from matchmaker.core.language import Language
    from matchmaker.matching.answer import Item
    from matchmaker.matching.service import Scoring
    from matchmaker.rules import Facts
    from matchmaker.taxonomy.fields import FieldCatalogue, FieldWords

_MOST_REASONS: Final = 4
_MOST_OPEN: Final = 3
"""Unconfirmed rules told among the cautions; `unconfirmed` and `rules` have them all."""
_LONGEST_OPEN: Final = 160
_BUDGET: Final = "need.budget.amount"


class Bands(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From which step on a feature is good, and from which fair."""

    good: int
    fair: int


class FeaturePhrases(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is said of one feature."""

    good: Text
    fair: Text
    poor: Text
    not_stated: Text


class Notes(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is said beside the features."""

    pair: Text
    unconfirmed: Text
    price_waits: Text
    other_currency: Text
    level_unknown: Text
    provider_must: Text
    curation: Text


class Phrasebook(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All phrases of a match (seeds/ranking/phrases.yaml)."""

    scheme: str
    edition: str
    origin: str
    bands: Bands
    features: dict[str, FeaturePhrases]
    notes: Notes


def load(path: Path) -> Phrasebook:
    """The phrases in ``path``.

    Raises:
        ValueError: a feature of the registry has no phrases.
    """
    book = msgspec.yaml.decode(path.read_bytes(), type=Phrasebook)
    if missing := set(BY_NAME) - set(book.features):
        raise ValueError(f"no phrases for {sorted(missing)}")
    return book


@dataclass(frozen=True, slots=True)
class Speaker:
    """Writes the texts of one scored query in one language."""

    found: Scoring
    book: Phrasebook
    catalogue: FieldCatalogue
    language: Language
    _said: dict[tuple[str, int | None], str] = field(
        default_factory=dict[tuple[str, "int | None"], str]
    )

    def label(self, feature: str) -> str:
        """The name of a feature or a pair."""
        if feature in BY_NAME:
            entry = BY_NAME[feature]
            return entry.zh if self.language == "zh" else entry.en
        first, second = feature.split(" x ")
        return self._say(self.book.notes.pair, first=self.label(first), second=self.label(second))

    def phrase(self, item: Item, feature: str) -> str:
        """What is said of ``feature`` on ``item``."""
        if feature not in BY_NAME:
            return self.label(feature)
        if feature in item.not_stated:
            return self._not_stated(item, feature)
        if feature == "scene_fit" and self._is_level_unknown(item):
            return self._say(self.book.notes.level_unknown)
        if feature == "price" and item.price is None:
            return self._waits(item)
        phrases, bands = self.book.features[feature], self.book.bands
        if feature == "acceptance" and self._record(item) is None:
            return self._say(phrases.not_stated)
        step = item.steps[feature]
        text = (
            phrases.good
            if step >= bands.good
            else phrases.fair
            if step >= bands.fair
            else phrases.poor
        )
        return self._say(text, **self._values(item, feature))

    def reasons(self, item: Item) -> list[str]:
        """What speaks for the item: its greatest contributions above the reference."""
        return self._by_size(item, sign=1)

    def cautions(self, item: Item) -> list[str]:
        """What speaks against it, what is not stated, and what is not confirmed."""
        open_rules = [
            self._say(self.book.notes.unconfirmed, sentence=_short(self.rule(name, item.offering)))
            for name in item.unconfirmed[:_MOST_OPEN]
        ]
        waits = [self._waits(item)] if "price" in item.steps and item.waits_for else []
        return list(dict.fromkeys([*open_rules, *waits, *self._by_size(item, sign=-1)]))

    def rule(self, name: str, offering: int | None = None) -> str:
        """The named rule as a sentence; a provider's own must needs the offering to be told."""
        place = offering if name.startswith(screen.PROVIDER_MUST) else None
        if (name, place) not in self._said:
            self._said[name, place] = self._sentence(name, place)
        return self._said[name, place]

    def sentence(self, rule: Rule) -> str:
        """A rule of the firm as a sentence."""
        return sentence(rule, self._words(self.found.query.facts.get))

    def money(self, amount: int) -> str:
        """An amount in the currency of the need."""
        return self._money(amount)

    def proof(self, name: str, offering: int, row: int) -> str:
        """The named rule with the facts it met on ``row``."""
        rule = self._rule(name, offering)
        if rule is None:
            return self.rule(name, offering)
        facts = self.found.survivors.facts(row)
        return proof_sentence(prove(rule, facts), self._words(facts))

    def question(self, field: str) -> str:
        """The question that asks for ``field``."""
        return self.catalogue.question(field, self.language)

    def _sentence(self, name: str, offering: int | None) -> str:
        if name.startswith(f"{screen.CURATION}."):
            return self._say(self.book.notes.curation, id=name.partition(".")[2])
        rule = self._rule(name, offering)
        if rule is None:
            place = str(int(name.rpartition(".")[2]) + 1)
            return self._say(self.book.notes.provider_must, place=place)
        return sentence(rule, self._words(self.found.query.facts.get))

    def _words(self, facts: Facts) -> FieldWords:
        """Words that tell each amount in the currency of its own fact."""
        currency = self.found.query.currency
        return self.catalogue.words(self.language, currency=currency, facts=facts)

    def _rule(self, name: str, offering: int | None) -> Rule | None:
        if offering is None and name.startswith(screen.PROVIDER_MUST):
            return None
        musts = screen.musts_of(self.found.query, self.found.index, offering or 0)
        return dict(musts).get(name)

    def _by_size(self, item: Item, *, sign: int) -> list[str]:
        """The greatest first; of what is not stated all, before the rest."""
        ranked = sorted(item.contributions.items(), key=lambda each: -sign * each[1])
        names = [name for name, adds in ranked if sign * adds > 0 and name in BY_NAME]
        silent = [name for name in names if name in item.not_stated]
        rest = [name for name in names if name not in item.not_stated]
        return [self.phrase(item, name) for name in (*silent, *rest[:_MOST_REASONS])]

    def _not_stated(self, item: Item, feature: str) -> str:
        column = self.found.index.price
        currency = int(column.currency[item.row])
        if feature == "price" and currency >= 0:
            return self._say(self.book.notes.other_currency, currency=column.currencies[currency])
        return self._say(self.book.features[feature].not_stated)

    def _is_level_unknown(self, item: Item) -> bool:
        """Whether every asked scene is covered and only the firm's own levels are missing."""
        query = self.found.query
        point = self.found.model.card.features["scene_fit"].grid["level_unknown"]
        is_silent = not any(scene in query.levels for scene in query.scenes)
        return is_silent and item.steps["scene_fit"] == FULL * point // 1000

    def _waits(self, item: Item) -> str:
        words = self._words(self.found.query.facts.get)
        counts = [words.field(f"profile.{unit}") for unit in item.waits_for]
        return self._say(
            self.book.notes.price_waits,
            count=("、" if self.language == "zh" else ", ").join(counts),
        )

    def _values(self, item: Item, feature: str) -> Mapping[str, str]:
        if feature == "price":
            return {
                "price": self._money(item.price or 0),
                "budget": self._money(self.found.query.budget or 0),
            }
        if feature == "weeks":
            weeks = self.found.index.fact("package.weeks", item.row)
            return {"weeks": str(weeks.high) if isinstance(weeks, Span) else ""}
        record = self._record(item)
        if feature == "acceptance" and record is not None:
            return {"accepted": str(record.low), "projects": str(record.high)}
        return {}

    def _record(self, item: Item) -> Span | None:
        column = self.found.index.record
        fact = column.fact(int(column.codes[item.offering]))
        return fact if isinstance(fact, Span) and fact.high else None

    def _money(self, amount: int) -> str:
        if (_BUDGET, amount) not in self._said:
            words = self._words(self.found.query.facts.get)
            self._said[_BUDGET, amount] = words.value(_BUDGET, amount)
        return self._said[_BUDGET, amount]

    def _say(self, text: Text, **values: str) -> str:
        return text.in_language(self.language).format(**values)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_OPEN else f"{text[:_LONGEST_OPEN]}…"
