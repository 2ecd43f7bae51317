"""By when a text says that something has to be there."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final, NamedTuple

from matchmaker.demand.reading.folding import Folded, Hits, Part, pattern
from matchmaker.demand.reading.periods import Periods

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matchmaker.demand.reading.book import Dates
    from matchmaker.demand.reading.periods import Period

_AHEAD: Final = 12
"""Characters before a period in which a word for before may stand."""


class Mention(NamedTuple):
    """A day that is called a deadline; None with the reason why it is not taken."""

    part: Part
    day: dt.date | None
    why_not: str | None


class Days:
    """Reads deadlines."""

    def __init__(self, words: Dates) -> None:
        """Note how they are written."""
        self._periods = Periods(words)
        self._deadline, self._other = pattern(words.deadline.both), pattern(words.other.both)
        self._after, self._ahead = words.before.zh, pattern(words.before.en)

    def read(self, text: Folded, today: dt.date) -> Iterator[Mention]:
        """Every deadline in ``text``, in its order."""
        deadlines, others = Hits(self._deadline, text), Hits(self._other, text)
        found = sorted(self._periods.find(text.text, today), key=lambda pair: pair[0])
        for part, period in found:
            clause = text.clause(part)
            if others.within(clause) or not deadlines.within(clause):
                continue
            if period is None:
                yield Mention(part, None, "no_such_day")
                continue
            day = self._day(text, period)
            yield Mention(part, *((None, "past") if day < today else (day, None)))

    def _day(self, text: Folded, period: Period) -> dt.date:
        """Its last day, or the eve of it where that is asked for."""
        ahead = text.text[max(0, period.part.start - _AHEAD) : period.part.start].rstrip()
        is_before = text.text[period.part.end :].lstrip().startswith(self._after) or any(
            hit.end() == len(ahead) for hit in self._ahead.finditer(ahead)
        )
        return (
            period.first - dt.timedelta(days=1) if is_before and not period.is_end else period.last
        )
