"""The demo's city: 200 fictional firms matched at once, with places without end and with few."""

from __future__ import annotations

import asyncio
from itertools import islice, product
from typing import TYPE_CHECKING, Final

from matchmaker.cli import city_texts as texts
from matchmaker.demand.declaration import NeedFacts
from matchmaker.enterprise.declaration import ProfileFacts
from matchmaker.matching.batches import jobs
from matchmaker.matching.batches.running import Limits
from matchmaker.matching.batches.scoring import Asked, Entrant
from matchmaker.matching.query import Caller

if TYPE_CHECKING:
    from matchmaker.cli.show import Page
    from matchmaker.matching.batches.jobs import Means
    from matchmaker.matching.batches.schemas import BatchReport

FIRMS: Final = 200
CAPACITY: Final = 8
_LISTED: Final = 5
_INDUSTRIES: Final = ("C3311", "C3484", "C1713", "C3074", "C3670", "C2929", "C3525", "C1352")
_SIZES: Final = (9, 24, 58, 96, 180)
_LEVELS: Final = (0, 1, 2, 3, 4)
_NINGBO: Final = "330200"


def firms() -> list[Entrant]:
    """The firms of the city: what they make, how many they are, and how far they are."""
    kinds = product(_INDUSTRIES, _SIZES, _LEVELS)
    return [
        Entrant(
            f"firm-{number:03d}",
            ProfileFacts(
                industries=[industry],
                region=_NINGBO,
                employees=employees,
                scenes={"quality": level, "production_control": (level + number) % 5},
            ),
        )
        for number, (industry, employees, level) in enumerate(islice(kinds, FIRMS), 1)
    ]


def tell(page: Page, means: Means, number: int) -> None:
    """Both batches side by side: who is crowded, and what it costs to spread the firms."""
    page.heading(number, texts.CITY)
    page.say(page.words(texts.ABOUT, firms=FIRMS, capacity=CAPACITY))
    before, after = (_ran(means, limits) for limits in (None, Limits(CAPACITY, {}, {})))
    page.say(page.words(texts.BEFORE, **_sums(before)))
    page.pairs(_crowded(before, page))
    page.say(page.words(texts.AFTER, **_sums(after)))
    page.pairs(_crowded(after, page))
    if after.certificate is not None:
        page.say(page.words(texts.PROOF, pairs=after.certificate.pairs))


def _ran(means: Means, limits: Limits | None) -> BatchReport:
    need = NeedFacts(kind="solution", scenes=["quality"])
    asked = Asked(need=need, pools=None, limit=1, caller=Caller(), as_of=means.matcher.now())
    report, _ = asyncio.run(jobs.done(means, asked, firms(), limits, tell=_silent))
    return report


async def _silent(*_: object) -> None:
    """Nobody polls the demo."""


def _sums(report: BatchReport) -> dict[str, object]:
    return {
        "matched": report.matched,
        "offerings": report.exposure.with_load,
        "most": max((each.load for each in report.offerings), default=0),
        "fit": f"{report.mean_fit or 0:.1f}",
    }


def _crowded(report: BatchReport, page: Page) -> list[tuple[str, str]]:
    ranked = sorted(report.offerings, key=lambda each: (-each.load, each.offering_id))
    return [
        (
            page.words(texts.LOAD, load=each.load, price=f"{each.congestion:.1f}"),
            each.title.in_language(page.language),
        )
        for each in ranked[:_LISTED]
    ]
