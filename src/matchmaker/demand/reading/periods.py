"""Days, months, quarters and years as texts name them."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from matchmaker.demand.reading.folding import BLANKS, Part

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from matchmaker.demand.reading.book import Dates

_YEAR: Final = r"20[0-9]{2}"
_HAN: Final = ("一", "二", "三", "四", "五", "六", "七", "八", "九", "十", "十一", "十二")
_HAN_NUMBER: Final = "十[一二]?|[一二两三四五六七八九半]"
_ZH_YEAR: Final = rf"(?:(?P<year>{_YEAR}){BLANKS}年|(?P<relative>今年|明年|后年))"
_ZH_MONTH: Final = rf"(?P<month>1[0-2]|0?[1-9]|{_HAN_NUMBER}){BLANKS}月份?"
_RELATIVE: Final = {"今年": 0, "明年": 1, "后年": 2, "this": 0, "next": 1}


class Period(NamedTuple):
    """What is named, from its first day to its last."""

    part: Part
    first: dt.date
    last: dt.date
    is_end: bool
    """The text names the end of it, or counts to it: nothing before it is meant."""


class Periods:
    """Finds what is named; a month or quarter without a year is the next that is not over."""

    def __init__(self, words: Dates) -> None:
        """Note how months and numbers are written."""
        self._words = words
        self._months = {
            name: place
            for names in (words.months, words.short)
            for place, name in enumerate(names, start=1)
        }
        self._forms = self._all_forms()

    def find(self, text: str, today: dt.date) -> Iterator[tuple[Part, Period | None]]:
        """Each place where ``text`` names a period, and it; None: there is no such day."""
        taken = bytearray(len(text))
        for form, period_of in self._forms:
            for hit in form.finditer(text):
                part = Part(*hit.span())
                if any(taken[slice(*part)]):
                    continue
                taken[slice(*part)] = b"\1" * (part.end - part.start)
                try:
                    yield part, period_of(hit, today)
                except (ValueError, OverflowError):
                    yield part, None

    def _all_forms(
        self,
    ) -> tuple[tuple[re.Pattern[str], Callable[[re.Match[str], dt.date], Period]], ...]:
        """Longer forms first: what one has read no other reads again."""
        words = self._words
        month = "|".join([*words.months, *(rf"{name}\.?" for name in words.short)])
        month = rf"(?<![a-z])(?P<month>{month})(?![a-z])"
        day, year = r"(?P<day>[0-3]?[0-9])(?:st|nd|rd|th)?(?![0-9])", rf"(?P<year>{_YEAR})"
        numbers = sorted((name for name in words.numbers if name.isascii()), key=len, reverse=True)
        units = {**words.spans, **words.months_of}
        en_unit = "|".join(sorted(filter(str.isascii, units), key=len, reverse=True))
        zh_unit = "|".join(name for name in units if not name.isascii())
        en_number = "|".join(["[0-9]{1,3}", *numbers])
        every = (
            (rf"{year}[-/.](?P<month>[0-9]{{1,2}})[-/.](?P<day>[0-9]{{1,2}})(?![0-9])", self._day),
            (
                rf"{_ZH_YEAR}?{BLANKS}{_ZH_MONTH}{BLANKS}(?P<day>[0-3]?[0-9]){BLANKS}[日号]",
                self._day,
            ),
            (rf"(?<![0-9]){day}(?: of)? {month}(?:,? {year})?", self._day),
            (rf"{month} {day}(?:,? {year})?", self._day),
            (
                rf"{_ZH_YEAR}?{BLANKS}第?(?P<quarter>[1-4一二三四])季度(?P<end>底|末)?",
                self._quarter,
            ),
            (rf"(?P<end>end of )?(?<![a-z])q(?P<quarter>[1-4])(?:,? {year})?", self._quarter),
            (
                rf"(?P<number>[0-9]{{1,3}}|{_HAN_NUMBER}){BLANKS}个?(?P<unit>{zh_unit})(?:的?时间)?(?=以?之?内)",
                self._counted,
            ),
            (
                rf"(?:with)?in(?: the next)? (?P<number>{en_number}) (?P<unit>{en_unit})(?![a-z])",
                self._counted,
            ),
            (rf"{_ZH_YEAR}?{BLANKS}{_ZH_MONTH}(?P<end>底|末)?", self._month),
            (rf"(?P<end>end of |late )?{month}(?:,? {year})?", self._month),
            (rf"{_ZH_YEAR}?年?(?P<end>年[底末]|(?<=年)[底末])", self._year_end),
            (
                rf"end of (?:(?P<relative>this|next) year|the year|{year})|year[ -]end",
                self._year_end,
            ),
        )
        return tuple((re.compile(form), period_of) for form, period_of in every)

    def _day(self, hit: re.Match[str], today: dt.date) -> Period:
        month, day = self._number_of_month(hit["month"]), int(hit["day"])
        days = [dt.date(year, month, day) for year in _years(hit, today)]
        found = next((each for each in days if each >= today), days[-1])
        return Period(Part(*hit.span()), found, found, is_end=True)

    def _month(self, hit: re.Match[str], today: dt.date) -> Period:
        month = self._number_of_month(hit["month"])
        return _next_of(hit, today, month, month)

    def _quarter(self, hit: re.Match[str], today: dt.date) -> Period:
        number = _number(hit["quarter"])
        return _next_of(hit, today, number * 3 - 2, number * 3)

    def _year_end(self, hit: re.Match[str], today: dt.date) -> Period:
        return _next_of(hit, today, 12, 12)._replace(is_end=True)

    def _counted(self, hit: re.Match[str], today: dt.date) -> Period:
        written, unit = hit["number"], hit["unit"]
        number = self._words.numbers.get(written) or _number(written)
        if unit in self._words.spans:
            found = today + dt.timedelta(days=int(number * self._words.spans[unit]))
        else:
            found = _months_later(today, round(number * self._words.months_of[unit]))
        return Period(Part(*hit.span()), found, found, is_end=True)

    def _number_of_month(self, written: str) -> int:
        return self._months.get(written.rstrip(".")) or _number(written)


def _number(written: str) -> int:
    if written == "两":
        return 2
    return _HAN.index(written) + 1 if written in _HAN else int(written)


def _years(hit: re.Match[str], today: dt.date) -> tuple[int, ...]:
    """The year that is said; else this and the next one."""
    parts = hit.groupdict()
    if year := parts.get("year"):
        return (int(year),)
    if relative := parts.get("relative"):
        return (today.year + _RELATIVE[relative],)
    return (today.year, today.year + 1)


def _next_of(hit: re.Match[str], today: dt.date, first: int, last: int) -> Period:
    """The months from ``first`` to ``last``."""
    years = _years(hit, today)
    year = next((each for each in years if _last_of(each, last) >= today), years[-1])
    is_end = bool(hit.groupdict().get("end"))
    return Period(Part(*hit.span()), dt.date(year, first, 1), _last_of(year, last), is_end)


def _last_of(year: int, month: int) -> dt.date:
    return dt.date(year, month, calendar.monthrange(year, month)[1])


def _months_later(day: dt.date, months: int) -> dt.date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return dt.date(year, month + 1, min(day.day, last))
