"""Numbers, money and dates as each language writes them."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import datetime as dt

    from matchmaker.core.language import Language

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_CHINESE_STEPS = ((Decimal(10) ** 8, "亿"), (Decimal(10) ** 4, "万"))
_LAST_PLACE = Decimal("0.01")


def number(value: Decimal | float) -> str:
    """A number with thousands marks and without empty decimals."""
    exact = value if isinstance(value, Decimal) else Decimal(str(value))
    written = f"{exact:,f}"
    return written.rstrip("0").rstrip(".") if "." in written else written


def percent(share: Decimal) -> str:
    """A share of 1 in percent."""
    return f"{number(share * 100)}%"


def day(value: dt.date, language: Language) -> str:
    """A day: ``2027年3月1日``, ``1 March 2027``."""
    if language == "zh":
        return f"{value.year}年{value.month}月{value.day}日"
    return f"{value.day} {_MONTHS[value.month - 1]} {value.year}"


def money(amount: Decimal, language: Language, *, currency: str, unit_zh: str) -> str:
    """An amount in whole units: ``12万元``, ``CNY 120,000``.

    Chinese writes 万 or 亿 where no more than two decimals are needed.
    """
    if language == "en":
        return f"{currency} {number(amount)}"
    for step, mark in _CHINESE_STEPS:
        scaled = amount / step
        if abs(scaled) >= 1 and scaled == scaled.quantize(_LAST_PLACE):
            return f"{number(scaled)}{mark}{unit_zh}"
    return f"{number(amount)}{unit_zh}"
