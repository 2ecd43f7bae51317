"""What a text says may be spent."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

from matchmaker.demand.declaration import MOST_BUDGET, Budget
from matchmaker.demand.reading.folding import BLANKS, Folded, Hits, Part, pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from matchmaker.demand.reading.book import Money

_RANGE: Final = rf"{BLANKS}(?:-|–|—|~|到|至|to){BLANKS}"
_FIGURES: Final = r"[0-9]+(?:,[0-9]{3})+(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?"


class Mention(NamedTuple):
    """An amount in a text; of a range, its upper end."""

    part: Part
    budget: Budget | None
    why_not: str | None


class Amounts:
    """Reads amounts of money in figures and in Chinese numerals."""

    def __init__(self, words: Money) -> None:
        """Note how amounts are written."""
        self._words = words
        self._codes = {
            Folded(name).text: code for code, names in words.currencies.items() for name in names
        }
        self._budget, self._other = pattern(words.budget.both), pattern(words.other.both)
        self._amount = _amount(words)

    def read(self, text: Folded) -> Iterator[Mention]:
        """Every amount that ``text`` calls a budget or leaves open, in its order."""
        words = [(Hits(self._budget, text), True), (Hits(self._other, text), False)]
        for found in self._amount.finditer(text.text):
            part = Part(*found.span())
            if not (found["before"] or found["after"] or found["unit"]):
                continue  # a bare number
            role = _role(text, part, words)
            if role is None:
                continue
            budget, why_not = self._value(found)
            if budget is not None and not role:
                budget, why_not = None, "no_budget_word"
            if role or found["before"] or found["after"]:
                yield Mention(part, budget, why_not)

    def _value(self, found: re.Match[str]) -> tuple[Budget | None, str | None]:
        unit = found["unit"] or ""
        said = [each for each in (found["before"], found["after"]) if each]
        codes = {self._codes[each] for each in said if each in self._codes}
        if not codes and said:
            return None, "ambiguous_currency"
        if not codes:
            codes = {self._words.implied[unit]} if unit in self._words.implied else set()
        if len(codes) != 1:
            return None, "currency_missing" if not codes else "ambiguous_currency"
        (currency,) = codes
        whole = self._number(found["high"] or found["low"]) * self._words.units.get(unit, 1)
        amount = int(whole * 10 ** self._words.exponents[currency])
        if not 1 <= amount <= MOST_BUDGET:
            return None, "out_of_range"
        return Budget(amount=amount, currency=currency), None

    def _number(self, written: str) -> Decimal:
        if written[0].isascii():
            return Decimal(written.replace(",", ""))
        return Decimal(numeral(written, self._words.digits, self._words.multiples))


def _role(text: Folded, part: Part, words: Sequence[tuple[Hits, bool]]) -> bool | None:
    """Whether an amount is called a budget; None where it is called something else.

    The clause decides, and the sentence where it is silent.
    """
    for around in (text.clause(part), text.sentence(part)):
        nearest = max(
            (
                (-_gap(near, part), is_budget)
                for hits, is_budget in words
                for near in hits.beside(part, around)
            ),
            default=None,
        )
        if nearest is not None:
            return nearest[1] or None
    return False


def numeral(written: str, digits: dict[str, int], multiples: dict[str, int]) -> int:
    """The number of a Chinese numeral: 二十五, 三百二十, 一万五千."""
    total = section = digit = 0
    for character in written:
        if character in digits:
            digit = digits[character]
            continue
        multiple = multiples[character]
        if multiple >= multiples["万"]:
            total, section = (total + section + digit or 1) * multiple, 0
        else:
            section += (digit or 1) * multiple
        digit = 0
    return total + section + digit


def _amount(words: Money) -> re.Pattern[str]:
    """Currency, number or range of numbers, unit and currency; most parts may be missing."""
    small = [name for name, each in words.multiples.items() if each < words.multiples["万"]]
    han = f"[{''.join([*words.digits, *small])}]+"
    number = rf"(?:{_FIGURES}|{han})"
    unit = _any(words.units)
    names = [*(n for all_ in words.currencies.values() for n in all_), *words.ambiguous]
    money = _any([Folded(name).text for name in names])
    return re.compile(
        rf"(?:(?P<before>{money}){BLANKS})?(?<![0-9a-z.])(?P<low>{number})"
        rf"(?:(?:{BLANKS}(?:{unit}))?{BLANKS}(?:{money})?{_RANGE}(?:{money})?{BLANKS}"
        rf"(?P<high>{number})(?={BLANKS}(?:{unit}|{money})))?"
        rf"{BLANKS}(?P<unit>{unit})?{BLANKS}(?P<after>{money})?",
    )


def _any(words: Iterable[str]) -> str:
    """One of ``words``, the longest first; a Latin one ends with the word."""
    ordered = sorted(set(words), key=lambda word: (-len(word), word))
    return "|".join(
        re.escape(word) + (r"(?![a-z])" if word[-1].isascii() and word[-1].isalpha() else "")
        for word in ordered
    )


def _gap(word: Part, part: Part) -> int:
    """Characters between a word and ``part``; what comes before counts as nearer."""
    start, end = word
    return part.start - end if end <= part.start else (start - part.end) * 2 + 1
