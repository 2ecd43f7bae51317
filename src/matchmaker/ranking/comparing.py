"""Which of two is better, as far as counts of few firms can tell: exact tests, honest intervals."""

from __future__ import annotations

import math
from fractions import Fraction
from statistics import NormalDist
from typing import NamedTuple


class Share(NamedTuple):
    """How many of how many."""

    hits: int
    of: int


class Difference(NamedTuple):
    """A difference of two shares with its interval."""

    is_: float
    low: float
    high: float


def sign_test(first: int, second: int) -> float:
    """The two-sided p of so many preferences for either where neither is better; 1 without any.

    Exact: twice the lesser tail of the binomial distribution, 1 at most; ties are left out.
    """
    count, least = first + second, min(first, second)
    tail = sum(math.comb(count, each) for each in range(least + 1))
    return float(min(Fraction(1), Fraction(2 * tail, 1 << count)))


def difference(first: Share, second: Share, level: float) -> Difference | None:
    """The second share less the first, in the interval of Newcombe's hybrid score at ``level``.

    It stays inside -1..1 and has a width where a share is 0 or 1 too. None without a firm on either
    side.

    References:
    ----------
    Newcombe, Interval estimation for the difference between independent proportions, 1998 (10).
    """
    if not first.of or not second.of:
        return None
    p, q = first.hits / first.of, second.hits / second.of
    (low_p, high_p), (low_q, high_q) = (_wilson(each, level) for each in (first, second))
    apart = q - p
    return Difference(
        apart,
        apart - math.hypot(q - low_q, high_p - p),
        apart + math.hypot(high_q - q, p - low_p),
    )


def _wilson(share: Share, level: float) -> tuple[float, float]:
    """The score interval of one share (Wilson 1927)."""
    z = NormalDist().inv_cdf((1 + level) / 2)
    p, n = share.hits / share.of, share.of
    middle = p + z * z / (2 * n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)
